"""Time that passes only when nothing is left to do: one event loop, and the clocks of the product and of the tenant."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from sandbox import Clock


class Deadlock(Exception):
    """Everybody waits and nothing will ever wake them."""


class _Jumping(selectors.SelectSelector):
    """Never waits: where the loop would, its time moves on instead."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise Deadlock("Every task waits for something that will not come.")
            self.passed += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which a week takes as long as what happens in it. It has no threads."""

    def __init__(self, began: datetime) -> None:
        self.began = began.astimezone(UTC)
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        # After months, the next instant that a float can tell is further away than the loop's own resolution.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._jumping.passed

    def now(self) -> datetime:
        """The instant, to the microsecond that datetimes know."""
        return self.began + timedelta(seconds=self.time())

    def run_in_executor(self, *_: Any) -> NoReturn:
        raise AssertionError("A thread would make the story another one each time.")


class ProductClock:
    """The port ``Clock`` of the product, by the loop's time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return self._loop.now()

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class TenantClock(Clock):
    """The tenant's clock, by the loop's time."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    @property
    def stands(self) -> bool:
        return False

    def now(self) -> datetime:
        return self._loop.now()

    def set(self, at: datetime) -> None:
        raise AssertionError(f"Time passes by the loop alone, and is not set to {at}.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
