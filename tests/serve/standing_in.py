"""An engine that hands out what a test says, over a real queue in a real file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from holdfast.store.queues import SqliteQueue
from holdfast.store.sqlite_file import open_rows
from tests.serve.test_ending import ClockByHand


@dataclass
class StandIn:
    """Fills the place of an ``Engine``. ``broken`` is raised by whoever asks for the wires, while it is set."""

    clock: ClockByHand
    queue: SqliteQueue
    broken: Exception | None = None
    asked: int = 0
    running_now: Any = field(default=None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Any]:
        self.asked += 1
        if self.broken is not None:
            raise self.broken
        yield self.running_now or SimpleNamespace(wired=SimpleNamespace(memory=SimpleNamespace(own_queue=self.queue)))


@contextmanager
def standing_in(folder: Path) -> Iterator[StandIn]:
    clock = ClockByHand()
    with open_rows(folder / "holdfast.db", "tenant") as rows:
        yield StandIn(clock, SqliteQueue(rows, clock))
