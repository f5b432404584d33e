"""Time for the sandbox: the one module that may ask the machine what time it is, or wait for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class Clock:
    """The time of a tenant, in UTC. It follows the machine's, however far off it has been set; given ``at``, it stands.

    May be set from another thread than the one that sleeps by it.
    """

    def __init__(self, at: datetime | None = None) -> None:
        self._stands_at = None if at is None else _aware(at)
        self._offset = timedelta()
        self._sleepers: set[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = set()

    @property
    def stands(self) -> bool:
        """Whether time passes only when somebody moves the clock."""
        return self._stands_at is not None

    def now(self) -> datetime:
        """The present instant."""
        return self.machine() + self._offset if self._stands_at is None else self._stands_at

    @staticmethod
    def machine() -> datetime:
        """The machine's own time, by which callers date what they sign, whatever time the tenant has."""
        return datetime.now(UTC)

    def set(self, at: datetime) -> None:
        """Make it ``at`` now. Who sleeps until an instant that has thereby come wakes up."""
        at = _aware(at)
        if self._stands_at is None:
            self._offset = at - self.machine()
        else:
            self._stands_at = at
        for loop, sleeper in tuple(self._sleepers):
            loop.call_soon_threadsafe(_wake, sleeper)

    def advance(self, by: timedelta) -> None:
        """Let so much time pass at once."""
        self.set(self.now() + by)

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed by this clock; on one that stands, until it is moved that far."""
        due = self.now() + timedelta(seconds=seconds)
        loop = asyncio.get_running_loop()
        while (remaining := (due - self.now()).total_seconds()) > 0:
            sleeper: asyncio.Future[None] = loop.create_future()
            self._sleepers.add((loop, sleeper))
            timer = None if self.stands else loop.call_later(remaining, _wake, sleeper)
            try:
                await sleeper
            finally:
                self._sleepers.discard((loop, sleeper))
                if timer is not None:
                    timer.cancel()


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("A clock is set to an instant: say in which zone.")
    return at.astimezone(UTC)
