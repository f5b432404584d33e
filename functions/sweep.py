"""The timer that has everybody looked at."""

from __future__ import annotations

import logging

import azure.functions as func

from functions.running import running
from holdfast import wiring
from holdfast.jobs import sweep as sweep_job

bp = func.Blueprint()

_log = logging.getLogger("holdfast.sweep")


@bp.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", use_monitor=True)
async def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is told by the last run, not the tick
    """Begin a sweep where one is due by ``sweep.every``, looked for every five minutes, in UTC.

    A tick that was missed, or a sweep that could not be begun, is made up for by the next. What goes wrong as a whole
    is raised, so that Azure shows a failed run.
    """
    async with running() as now:
        if not await sweep_job.is_due(now.settings, now.ports):
            return
        run = await sweep_job.begin(now.settings, now.ports, run_id=wiring.holder())
    if run is None:
        _log.warning("A sweep is due, and the one before still goes on.")
    else:
        _log.info("Sweep %s begins, in %s shards. %s", run.id, sum(run.shards.values()), run.note)
