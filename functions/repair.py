"""The queue of hints: mailboxes in which something may have been touched."""

from __future__ import annotations

import logging

import azure.functions as func

from functions.running import running
from holdfast.core.messages import Hint
from holdfast.jobs import repair as repair_job
from holdfast.jobs import subscriptions

bp = func.Blueprint()

_log = logging.getLogger("holdfast.repair")


@bp.queue_trigger(arg_name="message", queue_name="repair", connection="AzureWebJobsStorage")
async def repair(message: func.QueueMessage) -> None:
    """Do what a subscription needs, and look at the mailbox unless the hint tells nothing new."""
    hint = Hint.parse(message.get_body())
    async with running() as now:
        if hint.care is not None:
            await subscriptions.attend(hint, now.settings, now.ports, key=now.wired.memory.client_states.today)
        if hint.tells_of_touches:
            followed = await repair_job.follow(hint, now.settings, now.ports, chance=now.chance)
            _log.info("A hint: %s.", followed)
