"""What the webhook needs, and no more: whose tenant it is, the keys of client states, and the queue.

A room of its own beside ``wiring.py``, because it is kept open from one request to the next: Graph wants an answer
within three seconds, and signing in to a storage account anew for each would take its part of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from holdfast import wiring
from holdfast.core.model import Clock
from holdfast.jobs.ports import Queue
from holdfast.wiring import Place, SystemClock


@dataclass(frozen=True, slots=True)
class Ear:
    """What it takes to understand a notification and to pass it on."""

    tenant: str
    keys: tuple[bytes, ...] = field(repr=False)
    queue: Queue
    clock: Clock


class Listening:
    """Opens an ear when it is first asked for, and keeps it. Belongs to the event loop that it is asked in."""

    def __init__(self, place: Callable[[], Place]) -> None:
        self._place = place
        self._kept = AsyncExitStack()
        self._ear: Ear | None = None
        self._opening = asyncio.Lock()

    async def ear(self) -> Ear:
        """The ear. Raises what reading the settings and opening the state raise, and tries again the next time."""
        async with self._opening:
            if self._ear is None:
                self._ear = await self._kept.enter_async_context(_opened(self._place()))
            return self._ear

    async def aclose(self) -> None:
        """Let go of what is kept."""
        self._ear = None
        await self._kept.aclose()


@asynccontextmanager
async def _opened(place: Place) -> AsyncIterator[Ear]:
    settings = await asyncio.to_thread(place.settings)
    async with wiring.remembering(place, settings) as memory:
        yield Ear(str(settings.tenant.tenant_id), memory.client_states.all, memory.queue, SystemClock())
