"""The queue of shards: some mailboxes of a run at a time."""

from __future__ import annotations

import logging

import azure.functions as func

from functions.running import running
from holdfast.core.messages import Shard
from holdfast.jobs import shards

bp = func.Blueprint()

_log = logging.getLogger("holdfast.reconcile")


@bp.queue_trigger(arg_name="message", queue_name="reconcile", connection="AzureWebJobsStorage")
async def reconcile(message: func.QueueMessage) -> None:
    """Work off one shard. What is raised is a defect: Azure shows the message again, five times in all."""
    shard = Shard.parse(message.get_body())
    async with running() as now:
        await shards.work_off(shard, now.settings, now.ports, chance=now.chance)
    _log.info("Shard %s of run %s, %s: %s mailboxes.", shard.index, shard.run, shard.stage, len(shard.tasks))
