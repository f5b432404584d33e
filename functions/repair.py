"""The queue of hints: mailboxes in which something may have been touched."""

from __future__ import annotations

import azure.functions as func

from functions.running import running

bp = func.Blueprint()


@bp.queue_trigger(arg_name="message", queue_name="repair", connection="AzureWebJobsStorage")
async def repair(message: func.QueueMessage) -> None:
    """Do what a subscription needs, and look at the mailbox unless the hint tells nothing new."""
    from holdfast import duties

    async with running() as now:
        await duties.follow(message.get_body(), now)
