"""The timer that keeps Graph telling of changes."""

from __future__ import annotations

import azure.functions as func

from functions.running import running

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="0 */15 * * * *", use_monitor=True)
async def subscriptions(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is told by the state
    """Renew what lapses, make what is missing, end what nobody needs: every fifteen minutes, in UTC."""
    from holdfast import duties

    async with running() as now:
        await duties.subscriptions(now)
