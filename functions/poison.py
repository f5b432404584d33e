"""The queues of what could not be done: accounted for, so that a run ends and somebody looks."""

from __future__ import annotations

import azure.functions as func

from functions.logs import set_up_logging
from functions.running import running

bp = func.Blueprint()


@bp.queue_trigger(arg_name="message", queue_name="reconcile-poison", connection="AzureWebJobsStorage")
async def poison(message: func.QueueMessage) -> None:
    """Account for the mailboxes of a shard as failed, so that its run ends and says so."""
    from holdfast import duties

    async with running() as now:
        await duties.give_up(message.get_body(), now)


@bp.queue_trigger(arg_name="message", queue_name="repair-poison", connection="AzureWebJobsStorage")
async def poison_repair(message: func.QueueMessage) -> None:
    """Tell the log: whatever was touched there is found by the next sweep."""
    from holdfast import duties

    set_up_logging()
    duties.tell_lost_hint(taken=message.dequeue_count or 0)
