"""The timer that posts what is due."""

from __future__ import annotations

import logging

import azure.functions as func

from functions.logs import set_up_logging
from holdfast import wiring
from holdfast.jobs import summaries as summaries_job
from holdfast.wiring import Place

bp = func.Blueprint()

_log = logging.getLogger("holdfast.summaries")


@bp.timer_trigger(arg_name="timer", schedule="0 */10 * * * *", use_monitor=True)
async def summaries(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is told by the ledger, not the tick
    """Post what is due every ten minutes, in UTC. A tick that was missed is made up for by the next."""
    set_up_logging()
    place = Place.of(None, wiring.environment())
    settings = place.settings()
    async with wiring.wired(place, settings) as wired:
        told = await summaries_job.summaries(settings, wired.ports, holder=wiring.holder())
    for one in told:
        level = logging.ERROR if summaries_job.incomplete([one]) else logging.INFO
        why = f" {one.problem.message} {one.problem.cure}" if one.problem else ""
        _log.log(level, "Summary of %s for %s: %s.%s", one.channel, one.period, one.state or "not posted", why)
