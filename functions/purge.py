"""The timer that forgets."""

from __future__ import annotations

import azure.functions as func

from functions.running import running

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="0 30 * * * *", use_monitor=True)
async def purge(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is on record
    """Forget what is old, once a day in UTC: looked for every hour, so that a missed tick is made up for."""
    from holdfast import duties

    async with running() as now:
        await duties.purge(now)
