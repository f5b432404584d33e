"""What is looked for every so often: at once, again, whatever happened, and each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from holdfast.core.errors import Denied
from holdfast.serve.ending import Ending
from holdfast.serve.schedule import JOBS, Job, keep_doing
from tests.serve.standing_in import StandIn, standing_in

MINUTE = timedelta(minutes=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[StandIn]:
    with standing_in(tmp_path) as made:
        yield made


async def minutes(engine: StandIn, count: int, *jobs: Job) -> None:
    """Do the jobs for so many minutes."""
    ending = Ending(engine.clock)
    tasks = [asyncio.ensure_future(keep_doing(job, engine, ending)) for job in jobs]  # type: ignore[arg-type]
    for _ in range(count):
        await engine.clock.pass_by(60)
    ending.asked.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 5)


async def test_a_job_is_done_at_once_and_then_every_so_often(engine: StandIn) -> None:
    done: list[float] = []

    async def do(now: object) -> None:  # noqa: ARG001 - the form of a job
        done.append(engine.clock.seconds)

    await minutes(engine, 3, Job("one", MINUTE, do))
    assert done == [0, 60, 120, 180]


@pytest.mark.parametrize("error", [ZeroDivisionError(), Denied("No.", cure="Grant it.")])
async def test_one_that_fails_is_told_and_stops_neither_itself_nor_others(engine: StandIn, error: Exception) -> None:
    done: list[str] = []

    async def fail(now: object) -> None:  # noqa: ARG001 - the form of a job
        done.append("failing")
        raise error

    async def do(now: object) -> None:  # noqa: ARG001 - the form of a job
        done.append("other")

    with capture_logs() as logs:
        await minutes(engine, 2, Job("failing", MINUTE, fail), Job("other", MINUTE, do))
    assert done.count("failing") == done.count("other") == 3
    assert [(line["job"], line["log_level"]) for line in logs] == [("failing", "error")] * 3


def test_the_jobs_are_those_of_azures_timers_and_as_often() -> None:
    periods: dict[str, Any] = {job.name: job.every for job in JOBS}
    assert periods == {
        "sweep": timedelta(minutes=1),
        "subscriptions": timedelta(minutes=15),
        "summaries": timedelta(minutes=10),
        "purge": timedelta(hours=1),
    }
