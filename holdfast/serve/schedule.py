"""What runs by itself and how often it is looked for: the timers of ``functions/``, in one process.

Each job knows from what is remembered whether it is due, so a tick that was missed is made up for by the next, and one
too many does nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from holdfast import wiring
from holdfast.engine import Engine, Running
from holdfast.jobs import purge as purge_job
from holdfast.jobs import subscriptions as subscriptions_job
from holdfast.jobs import summaries as summaries_job
from holdfast.jobs import sweep as sweep_job
from holdfast.serve.ending import Ending
from holdfast.serve.failing import EXPECTED, told

_log = structlog.get_logger("holdfast.serve")

WITHIN = timedelta(minutes=6)
"""How long subscriptions are kept at a time; what is left is done the next time, as in Azure."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is looked for every so often."""

    name: str
    every: timedelta
    do: Callable[[Running], Awaitable[None]]


async def _sweep(now: Running) -> None:
    if not await sweep_job.is_due(now.settings, now.ports):
        return
    run = await sweep_job.begin(now.settings, now.ports, run_id=wiring.holder())
    if run is None:
        _log.debug("A sweep is due, and the one before still goes on.")
    else:
        _log.info("A sweep begins.", run=run.id, shards=sum(run.shards.values()), note=run.note)


async def _summaries(now: Running) -> None:
    for one in await summaries_job.summaries(now.settings, now.ports, holder=wiring.holder()):
        say = _log.error if summaries_job.incomplete([one]) else _log.info
        why = f"{one.problem.message} {one.problem.cure}" if one.problem else ""
        say("A summary.", channel=one.channel, period=one.period, state=one.state or "not posted", why=why)


async def _subscriptions(now: Running) -> None:
    key = now.wired.memory.client_states.today
    outcome = await subscriptions_job.subscriptions(now.settings, now.ports, key=key, within=WITHIN)
    if outcome.data():
        _log.info("Subscriptions were seen to.", **outcome.data())
    for problem, count in outcome.problems.items():
        _log.error("A subscription failed.", times=count, why=f"{problem.message} {problem.cure}")


async def _purge(now: Running) -> None:
    if await purge_job.purge(now.settings, now.ports):
        _log.info("What is old was forgotten.")


JOBS = (
    Job("sweep", timedelta(minutes=1), _sweep),
    Job("subscriptions", timedelta(minutes=15), _subscriptions),
    Job("summaries", timedelta(minutes=10), _summaries),
    Job("purge", timedelta(hours=1), _purge),
)
"""Sweeps are looked for often: they begin by ``sweep.every``, and looking costs one row of the state."""


async def keep_doing(job: Job, engine: Engine, ending: Ending) -> None:
    """Do a job at once and then every so often, until the end is asked for. One that fails is told and tried again."""
    while not ending.is_asked:
        try:
            await ending.finish(_once(job, engine))
        except EXPECTED as error:
            _log.error("A job failed; it is tried again.", job=job.name, **told(error))
        except Exception as error:  # noqa: BLE001 - one job's defect must not stop the others, and is told in full
            _log.error("A job failed for a reason that nobody expected.", job=job.name, **told(error))
        await ending.pause(job.every.total_seconds())


async def _once(job: Job, engine: Engine) -> None:
    async with engine.running() as now:
        await job.do(now)
