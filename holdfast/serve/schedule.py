"""What runs by itself and how often it is looked for: the timers of ``functions/``, in one process.

Each job knows from what is remembered whether it is due, so a tick that was missed is made up for by the next, and one
too many does nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from holdfast import duties
from holdfast.engine import Engine, Running
from holdfast.serve.ending import Ending
from holdfast.serve.failing import EXPECTED, told

_log = structlog.get_logger("holdfast.serve")


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is looked for every so often."""

    name: str
    every: timedelta
    do: Callable[[Running], Awaitable[None]]


JOBS = (
    Job("sweep", timedelta(minutes=1), duties.sweep),
    Job("subscriptions", timedelta(minutes=15), duties.subscriptions),
    Job("summaries", timedelta(minutes=10), duties.summaries),
    Job("purge", timedelta(hours=1), duties.purge),
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
