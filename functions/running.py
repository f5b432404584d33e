"""One engine for all functions of a process, so that they share connections, tokens and their pace towards Graph."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from functions.logs import set_up_logging

if TYPE_CHECKING:
    from holdfast.engine import Engine, Running

_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, Engine] = WeakKeyDictionary()
"""By event loop: Azure's worker runs every async function of a process on one."""


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """The settings and everything a job needs. Raises what ``Engine.running`` raises."""
    from holdfast import wiring
    from holdfast.engine import Engine

    set_up_logging()
    loop = asyncio.get_running_loop()
    engine = _engines.get(loop)
    if engine is None:
        engine = _engines[loop] = Engine(wiring.Place.of(None, wiring.environment()))
    async with engine.running() as now:
        yield now


def unusable() -> tuple[type[Exception], ...]:
    """What is raised where settings or state cannot be read; the messages are for an admin."""
    from holdfast.core.settings import SettingsError
    from holdfast.store.errors import StateUnusable
    from holdfast.store.key import KeyUnusable
    from holdfast.wiring import SetupError

    return SettingsError, SetupError, KeyUnusable, StateUnusable


async def stop() -> None:
    """Hang up, where a loop ends before its process does."""
    engine = _engines.pop(asyncio.get_running_loop(), None)
    if engine is not None:
        await engine.close()
