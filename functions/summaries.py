"""The timer that posts what is due."""

from __future__ import annotations

import azure.functions as func

from functions.running import running

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="0 */10 * * * *", use_monitor=True)
async def summaries(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is told by the ledger, not the tick
    """Post what is due every ten minutes, in UTC. A tick that was missed is made up for by the next."""
    from holdfast import duties

    async with running() as now:
        await duties.summaries(now)
