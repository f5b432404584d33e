"""The timer that has everybody looked at."""

from __future__ import annotations

import azure.functions as func

from functions.running import running

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", use_monitor=True)
async def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is told by the last run, not the tick
    """Begin a sweep where one is due by ``sweep.every``, looked for every five minutes, in UTC.

    A tick that was missed, or a sweep that could not be begun, is made up for by the next. What goes wrong as a whole
    is raised, so that Azure shows a failed run.
    """
    from holdfast import duties

    async with running() as now:
        await duties.sweep(now)
