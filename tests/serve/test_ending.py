"""The end: nothing new is begun, what goes on has some seconds, and what is stopped is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from holdfast.serve.ending import GRACE, Ending


class ClockByHand:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._moved = asyncio.Condition()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        async with self._moved:
            await self._moved.wait_for(lambda: self.seconds >= until)

    async def pass_by(self, seconds: float) -> None:
        await settled()
        self.seconds += seconds
        async with self._moved:
            self._moved.notify_all()
        await settled()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_pause_lasts_as_long_as_it_says() -> None:
    clock = ClockByHand()
    pause = asyncio.ensure_future(Ending(clock).pause(60))
    await clock.pass_by(59)
    assert not pause.done()
    await clock.pass_by(1)
    assert pause.done()


async def test_a_pause_ends_when_the_end_is_asked_for() -> None:
    ending = Ending(ClockByHand())
    pause = asyncio.ensure_future(ending.pause(60))
    await settled()
    ending.asked.set()
    await asyncio.wait_for(pause, 1)


async def test_work_that_goes_on_has_some_seconds_and_is_stopped_then() -> None:
    clock = ClockByHand()
    ending = Ending(clock)
    stopped = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    working = asyncio.ensure_future(ending.finish(work()))
    await clock.pass_by(10 * GRACE)
    assert not working.done(), "nobody has asked for the end"
    ending.asked.set()
    await clock.pass_by(GRACE - 1)
    assert not working.done()
    await clock.pass_by(1)
    assert await asyncio.wait_for(working, 1) is False
    assert stopped.is_set()


async def test_work_that_is_finished_within_these_seconds_is_finished() -> None:
    clock = ClockByHand()
    ending = Ending(clock)
    working = asyncio.ensure_future(ending.finish(clock.sleep(5)))
    await settled()
    ending.asked.set()
    await clock.pass_by(5)
    assert await asyncio.wait_for(working, 1) is True


async def test_what_work_raises_is_raised() -> None:
    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await Ending(ClockByHand()).finish(work())
