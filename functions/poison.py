"""The queues of what could not be done: accounted for, so that a run ends and somebody looks."""

from __future__ import annotations

import logging

import azure.functions as func

from functions.running import running
from holdfast.core.messages import BadMessage, Shard
from holdfast.jobs import shards

bp = func.Blueprint()

_log = logging.getLogger("holdfast.poison")

WHY = "Looking at this mailbox failed five times over, for a reason that is not Graph's."


@bp.queue_trigger(arg_name="message", queue_name="reconcile-poison", connection="AzureWebJobsStorage")
async def poison(message: func.QueueMessage) -> None:
    """Account for the mailboxes of a shard as failed, so that its run ends and says so."""
    try:
        shard = Shard.parse(message.get_body())
    except BadMessage as error:
        _log.error("A message on the queue reconcile was nobody's: %s It was dropped.", error)
        return
    async with running() as now:
        await shards.give_up(shard, now.settings, now.ports, WHY)
    _log.error("Shard %s of run %s could not be worked off.", shard.index, shard.run)


@bp.queue_trigger(arg_name="message", queue_name="repair-poison", connection="AzureWebJobsStorage")
async def poison_repair(message: func.QueueMessage) -> None:
    """Tell the log: whatever was touched there is found by the next sweep."""
    _log.error(
        "A hint could not be followed; the next sweep looks at everybody. Dequeued %s times.", message.dequeue_count
    )
