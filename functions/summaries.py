"""The timer that posts what is due."""

from __future__ import annotations

import logging

import azure.functions as func

from functions.running import running
from holdfast import wiring
from holdfast.jobs import summaries as summaries_job

bp = func.Blueprint()

_log = logging.getLogger("holdfast.summaries")


@bp.timer_trigger(arg_name="timer", schedule="0 */10 * * * *", use_monitor=True)
async def summaries(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is told by the ledger, not the tick
    """Post what is due every ten minutes, in UTC. A tick that was missed is made up for by the next."""
    async with running() as now:
        told = await summaries_job.summaries(now.settings, now.ports, holder=wiring.holder())
    for one in told:
        level = logging.ERROR if summaries_job.incomplete([one]) else logging.INFO
        why = f" {one.problem.message} {one.problem.cure}" if one.problem else ""
        _log.log(level, "Summary of %s for %s: %s.%s", one.channel, one.period, one.state or "not posted", why)
