"""Working through many mailboxes at once, none waiting for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from holdfast.jobs.ports import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 80
"""Mailboxes worked on at a time: four batches of twenty calls, which is what is in flight at most."""


async def each(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Result]], *, doing: str, progress: Progress | None = None
) -> list[Result]:
    """Do ``work`` for every item, up to 80 at a time, and give the results in the order of the items."""
    todo = list(items)
    results: dict[int, Result] = {}
    waiting = iter(enumerate(todo))

    async def worker() -> None:
        for place, item in waiting:
            results[place] = await work(item)
            if progress:
                progress(doing, len(results), len(todo))

    if progress:
        progress(doing, 0, len(todo))
    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(todo))):
            group.create_task(worker())
    return [results[place] for place in range(len(todo))]
