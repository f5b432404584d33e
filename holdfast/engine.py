"""The product, wired once for all that one process does: one connection, one pace towards Graph, one set of tokens.

Whoever comes while it is in use uses the same. Settings are read again once a minute; where the tenant or the secrets
to sign in with have changed, those who come get new wires, and the old ones are taken down after the last has left.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from holdfast import wiring
from holdfast.core.settings import Settings
from holdfast.jobs.ports import Ports
from holdfast.wiring import Place, Wired

FRESH = 60.0
"""Seconds for which settings are believed to be as they were read."""


@dataclass(frozen=True, slots=True)
class Running:
    """What a door needs to run a job."""

    settings: Settings
    wired: Wired
    chance: random.Random

    @property
    def ports(self) -> Ports:
        """The ports, filled."""
        return self.wired.ports


@dataclass(slots=True)
class _Wires:
    wired: Wired
    stack: AsyncExitStack
    meant: object
    users: int = 0
    retired: bool = False


@dataclass(slots=True)
class Engine:
    """Belongs to one event loop. ``place`` says where settings, state and secrets are."""

    place: Place
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _wires: _Wires | None = None
    _settings: Settings | None = None
    _read: float = 0.0
    _chance: random.Random = field(default_factory=wiring.chance)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Running]:
        """The settings as they are and everything a job needs.

        Raises ``SettingsError``, ``SetupError``, ``StateUnusable`` and ``KeyUnusable``.
        """
        async with self._lock:
            settings = await self._current()
            wires = await self._wired(settings)
            wires.users += 1
        try:
            yield Running(settings, wires.wired, self._chance)
        finally:
            wires.users -= 1
            if wires.retired and not wires.users:
                await wires.stack.aclose()

    async def close(self) -> None:
        """Hang up, once nobody uses it."""
        if self._wires is not None:
            await self._wires.stack.aclose()
            self._wires = None

    async def _current(self) -> Settings:
        now = wiring.SystemClock().monotonic()
        if self._settings is None or now - self._read > FRESH:
            self._settings = await asyncio.to_thread(self.place.settings)
            self._read = now
        return self._settings

    async def _wired(self, settings: Settings) -> _Wires:
        meant = settings.tenant, dict(self.place.variables)
        wires = self._wires
        if wires is not None and wires.meant == meant:
            return wires
        if wires is not None:
            self._wires = None  # or, where no new ones can be made, whoever comes back to these gets them cut
            wires.retired = True
            if not wires.users:
                await wires.stack.aclose()
        stack = AsyncExitStack()
        wired = await stack.enter_async_context(wiring.wired(self.place, settings))
        self._wires = _Wires(wired, stack, meant)
        return self._wires
