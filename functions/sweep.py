"""The timer that looks at every mailbox."""

from __future__ import annotations

import logging

import azure.functions as func

from functions.logs import set_up_logging
from holdfast import wiring
from holdfast.jobs import sweep as sweep_job
from holdfast.wiring import Place

bp = func.Blueprint()

_log = logging.getLogger("holdfast.sweep")


@bp.timer_trigger(arg_name="timer", schedule="0 0 * * * *", use_monitor=True)
async def sweep(timer: func.TimerRequest) -> None:
    """Sweep once an hour, in UTC. What goes wrong as a whole is raised, so that Azure shows a failed run."""
    set_up_logging()
    if timer.past_due:
        _log.warning("The sweep begins late.")
    place = Place.of(None, wiring.environment())
    settings = place.settings()
    async with wiring.wired(place, settings) as wired:
        report = await sweep_job.sweep(settings, wired.ports)
    level = logging.INFO if report.complete else logging.ERROR
    _log.log(level, "Swept: %s. %s", {state.value: n for state, n in report.counts().items() if n}, report.note)
