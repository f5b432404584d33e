"""The timer that keeps Graph telling of changes."""

from __future__ import annotations

import logging
from datetime import timedelta

import azure.functions as func

from functions.running import running
from holdfast.jobs import subscriptions as subscriptions_job

bp = func.Blueprint()

_log = logging.getLogger("holdfast.subscriptions")

WITHIN = timedelta(minutes=6)
"""When to stop, so that the last calls can be waited for before Azure ends the function after ten (host.json)."""


@bp.timer_trigger(arg_name="timer", schedule="0 */15 * * * *", use_monitor=True)
async def subscriptions(timer: func.TimerRequest) -> None:  # noqa: ARG001 - what is due is told by the state
    """Renew what lapses, make what is missing, end what nobody needs: every fifteen minutes, in UTC."""
    async with running() as now:
        key = now.wired.memory.client_states.today
        outcome = await subscriptions_job.subscriptions(now.settings, now.ports, key=key, within=WITHIN)
    if outcome.data():
        _log.log(logging.ERROR if outcome.problems else logging.INFO, "Subscriptions: %s.", outcome.data())
    for problem, count in outcome.problems.items():
        _log.error("Subscriptions, %d times: %s %s", count, problem.message, problem.cure)
