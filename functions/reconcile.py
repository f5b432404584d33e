"""The queue of shards: some mailboxes of a run at a time."""

from __future__ import annotations

import azure.functions as func

from functions.running import running

bp = func.Blueprint()


@bp.queue_trigger(arg_name="message", queue_name="reconcile", connection="AzureWebJobsStorage")
async def reconcile(message: func.QueueMessage) -> None:
    """Work off one shard. What is raised is a defect: Azure shows the message again, five times in all."""
    from holdfast import duties

    queued = message.insertion_time
    async with running() as now:
        await duties.work_off(message.get_body(), now, queued=queued if queued and queued.tzinfo else None)
