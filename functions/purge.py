"""The timer that forgets."""

from __future__ import annotations

import logging

import azure.functions as func

from functions.running import running
from holdfast.jobs import purge as purge_job

bp = func.Blueprint()

_log = logging.getLogger("holdfast.purge")


@bp.timer_trigger(arg_name="timer", schedule="0 30 * * * *", use_monitor=True)
async def purge(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is on record
    """Forget what is old, once a day in UTC: looked for every hour, so that a missed tick is made up for."""
    async with running() as now:
        if await purge_job.purge(now.settings, now.ports):
            _log.info("What is old was forgotten.")
