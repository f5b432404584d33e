"""Messages: done after their work, given back where it fails, poison after five times; and none taken in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from holdfast.jobs.ports import QueueName
from holdfast.serve.ending import GRACE, Ending
from holdfast.serve.work import AGAIN, IDLE, LEASE, WAIT, WORKERS, Worker, keep_working
from holdfast.store.queues import Message
from holdfast.wiring import SetupError
from tests.serve.standing_in import StandIn, standing_in
from tests.serve.test_ending import settled

REPAIR = QueueName.REPAIR


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[StandIn]:
    with standing_in(tmp_path) as made:
        yield made


@asynccontextmanager
async def working(engine: StandIn, do: Any, ending: Ending | None = None) -> AsyncIterator[asyncio.Task[int]]:
    """Somebody who works the queue ``repair`` off by ``do``, and is asked to stop when the block is left."""
    ending = ending or Ending(engine.clock)
    task = asyncio.ensure_future(keep_working(Worker("repair", 1, do), engine, ending))  # type: ignore[arg-type]
    try:
        yield task
    finally:
        ending.asked.set()
        await engine.clock.pass_by(GRACE)
        await asyncio.wait_for(task, 5)


async def test_a_message_is_done_after_its_work_and_not_before(engine: StandIn) -> None:
    going_on, go_on = asyncio.Event(), asyncio.Event()

    async def do(message: Message, now: object) -> None:  # noqa: ARG001 - the form of a worker
        going_on.set()
        await go_on.wait()

    await engine.queue.put(REPAIR, ["one"])
    async with working(engine, do):
        await asyncio.wait_for(going_on.wait(), 1)
        assert await engine.queue.length("repair") == 1
        assert await engine.queue.take("repair", lease=LEASE) is None, "nobody else gets it meanwhile"
        go_on.set()
        await settled()
        assert await engine.queue.length("repair") == 0


async def test_what_fails_is_seen_again_five_times_and_is_poison_then(engine: StandIn) -> None:
    tried: list[int] = []

    async def do(message: Message, now: object) -> None:  # noqa: ARG001 - the form of a worker
        tried.append(message.taken)
        raise ZeroDivisionError

    await engine.queue.put(REPAIR, ["one"])
    with capture_logs() as logs:
        async with working(engine, do):
            for _ in range(2 * 6):
                await engine.clock.pass_by(AGAIN.total_seconds())
    assert tried == [1, 2, 3, 4, 5]
    assert await engine.queue.length("repair") == 0
    assert await engine.queue.length("repair-poison") == 1
    assert [line["error"] for line in logs] == ["ZeroDivisionError"] * 5


@pytest.mark.parametrize("name", ["reconcile", "repair"])
async def test_what_nobody_understands_is_poison(engine: StandIn, name: str) -> None:
    [worker] = [one for one in WORKERS if one.queue == name]
    await engine.queue.put(QueueName(name), ["{"])
    async with working(engine, worker.do):
        pass
    ending = Ending(engine.clock)
    task = asyncio.ensure_future(keep_working(worker, engine, ending))  # type: ignore[arg-type]
    for _ in range(20):
        await engine.clock.pass_by(IDLE)
    ending.asked.set()
    await task
    assert await engine.queue.length(name) == 0
    assert await engine.queue.length(f"{name}-poison") == 1


async def test_poison_is_told_and_gone(engine: StandIn) -> None:
    for name in QueueName:
        [worker] = [one for one in WORKERS if one.queue == name.poison]
        await engine.queue.put(name.poison, ["{"])  # type: ignore[arg-type]
        ending = Ending(engine.clock)
        with capture_logs() as logs:
            task = asyncio.ensure_future(keep_working(worker, engine, ending))  # type: ignore[arg-type]
            await engine.clock.pass_by(IDLE)
            ending.asked.set()
            await task
        assert await engine.queue.length(name.poison) == 0
        assert [line["log_level"] for line in logs] == ["error"]


async def test_what_is_not_finished_when_the_end_comes_is_given_back(engine: StandIn) -> None:
    async def do(message: Message, now: object) -> None:  # noqa: ARG001 - the form of a worker
        await asyncio.Event().wait()

    await engine.queue.put(REPAIR, ["one"])
    ending = Ending(engine.clock)
    async with working(engine, do, ending) as task:
        await settled()
        ending.asked.set()
        await engine.clock.pass_by(GRACE)
        assert await task == 1
    again = await engine.queue.take("repair", lease=LEASE)
    assert again is not None
    assert again.taken == 2


async def test_after_the_end_is_asked_for_nothing_is_taken(engine: StandIn) -> None:
    taken: list[str] = []

    async def do(message: Message, now: object) -> None:  # noqa: ARG001 - the form of a worker
        taken.append(message.text)

    ending = Ending(engine.clock)
    async with working(engine, do, ending):
        await settled()
        ending.asked.set()
        await engine.queue.put(REPAIR, ["one"])
        await engine.clock.pass_by(IDLE)
    assert not taken


async def test_while_the_settings_cannot_be_read_nothing_is_taken_and_nothing_becomes_poison(engine: StandIn) -> None:
    taken: list[int] = []

    async def do(message: Message, now: object) -> None:  # noqa: ARG001 - the form of a worker
        taken.append(message.taken)

    engine.broken = SetupError("There is no settings file.")
    await engine.queue.put(REPAIR, ["one"])
    with capture_logs() as logs:
        async with working(engine, do):
            for _ in range(10):
                await engine.clock.pass_by(WAIT)
            assert engine.asked > 5
            engine.broken = None
            await engine.clock.pass_by(WAIT)
    assert taken == [1]
    assert [line["why"] for line in logs] == ["There is no settings file."], "told once"


async def test_what_a_killed_process_had_taken_is_seen_at_once_by_the_next(engine: StandIn) -> None:
    await engine.queue.put(REPAIR, ["one", "two"])
    assert await engine.queue.take("repair", lease=LEASE)
    assert await engine.queue.wake() == 1
    assert await engine.queue.take("repair", lease=LEASE)
    assert await engine.queue.take("repair", lease=LEASE)
    assert await engine.queue.take("repair", lease=LEASE) is None
