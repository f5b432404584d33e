"""The end of serving, as everything that runs here learns of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.model import Clock

GRACE = 8.0
"""Seconds for what is worked on to be finished; systemd and containers wait for ten or more before they kill."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Whether the end has been asked for. Belongs to one event loop."""

    clock: Clock
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_asked(self) -> bool:
        """Whether nothing new is to be begun."""
        return self.asked.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the end is asked for."""
        await self._until_first(self.clock.sleep(seconds), self.asked.wait())

    async def finish(self, work: Coroutine[Any, Any, object]) -> bool:
        """Do some work to its end, or stop it where that takes longer than ``GRACE`` after the end was asked for.

        Whether it came to its end. Raises what it raises.
        """
        task = asyncio.ensure_future(work)
        try:
            asked = asyncio.ensure_future(self._over())
            await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
            await _stopped(asked)
            if not task.done():
                await _stopped(task)
            if task.cancelled():
                return False
            task.result()
        finally:
            await _stopped(task)
        return True

    async def _over(self) -> None:
        await self.asked.wait()
        await self.clock.sleep(GRACE)

    async def _until_first(self, *waits: Coroutine[Any, Any, object]) -> None:
        tasks = [asyncio.ensure_future(one) for one in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                await _stopped(task)


async def _stopped(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait until it has ended; what it raised is told by its result alone."""
    task.cancel()
    await asyncio.wait({task})
