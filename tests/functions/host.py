"""What Azure's host does for functions, as far as tests need it: ticks, and queues worked off in the host's way.

A message is given to its function; where that ends well it is gone, where it raises it comes back, and after five times
it is on the queue of what is poison.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import azure.functions as func
from azure.functions.queue import QueueMessage

from functions.poison import poison, poison_repair
from functions.reconcile import reconcile
from functions.repair import repair
from functions.running import running, stop
from holdfast.store.queues import Message, SqliteQueue

Result = TypeVar("Result")
Function = Callable[[func.QueueMessage], Awaitable[None]]

FUNCTIONS: Mapping[str, Function] = {
    "reconcile": cast("Function", reconcile),
    "repair": cast("Function", repair),
    "reconcile-poison": cast("Function", poison),
    "repair-poison": cast("Function", poison_repair),
}
"""The functions by their queues."""

_LEASE = timedelta(minutes=10)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run something in a process of functions, and end that process."""

    async def whole() -> Result:
        try:
            return await work
        finally:
            await stop()

    return asyncio.run(whole())


def tick(timer: Any) -> Coroutine[Any, Any, None]:
    """A timer's function, called as the host does."""
    return timer(cast("func.TimerRequest", SimpleNamespace(past_due=False)))  # type: ignore[no-any-return]


def message(text: str, taken: int = 1) -> func.QueueMessage:
    """A message as the trigger gives it: the host has decoded it."""
    return QueueMessage(id="1", body=text, dequeue_count=taken)


async def worked_off(queue: SqliteQueue) -> int:
    """Work off the queues in the file until nothing is due; how many messages there were."""
    count = 0
    while found := await _due(queue):
        count += 1
        try:
            await FUNCTIONS[found.name](message(found.text, found.taken))
        except Exception:  # noqa: BLE001 - the host takes anything for a message that is to come again
            await queue.give_back(found, timedelta(0))
        else:
            await queue.done(found)
    return count


async def _due(queue: SqliteQueue) -> Message | None:
    for name in FUNCTIONS:
        if found := await queue.take(name, lease=_LEASE):
            return found
    return None


async def queues_are_worked_off() -> int:
    """Work off what is on the queues of the file where the functions keep their state."""
    async with running() as now:
        queue = now.wired.memory.own_queue
    assert queue is not None
    return await worked_off(queue)
