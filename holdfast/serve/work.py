"""Working the queues off: shards of a sweep, hints at what was touched, and what is poison of both.

As Azure's queue triggers do it: a message is done only after its work is, an exception lets it be seen again, five
times, and a message that nobody understands is poison.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from holdfast import duties
from holdfast.core.messages import BadMessage
from holdfast.engine import Engine, Running
from holdfast.jobs.ports import QueueName
from holdfast.serve.ending import Ending
from holdfast.serve.failing import EXPECTED, UNSET, told
from holdfast.store.queues import Message, SqliteQueue

_log = structlog.get_logger("holdfast.serve")

LEASE = timedelta(minutes=10)
"""How long a message is out of sight: well over ``shards.PATIENCE``, and what Azure's lease is."""

AGAIN = timedelta(seconds=30)
"""When a message is seen again whose work failed: visibilityTimeout in host.json."""

IDLE = 0.5
"""Seconds until an empty queue is looked at again: one look-up in the file."""

WAIT = 10.0
"""Seconds until it is tried again where settings, state or queue cannot be read. No message is taken meanwhile."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Works the queue of this name off, with so many messages at once."""

    queue: str
    at_once: int
    do: Callable[[Message, Running], Coroutine[Any, Any, None]]


async def _reconcile(message: Message, now: Running) -> None:
    await duties.work_off(message.text, now)


async def _repair(message: Message, now: Running) -> None:
    await duties.follow(message.text, now)


async def _poison(message: Message, now: Running) -> None:
    await duties.give_up(message.text, now)


async def _poison_repair(message: Message, now: Running) -> None:  # noqa: ARG001 - what was touched is nobody's to know
    duties.tell_lost_hint(taken=message.taken)


WORKERS = (
    Worker(QueueName.RECONCILE.value, 4, _reconcile),
    Worker(QueueName.REPAIR.value, 2, _repair),
    Worker(QueueName.RECONCILE.poison, 1, _poison),
    Worker(QueueName.REPAIR.poison, 1, _poison_repair),
)
"""Hints have workers of their own, so that nobody waits behind a sweep."""


async def keep_working(worker: Worker, engine: Engine, ending: Ending) -> int:
    """Take messages and work them off until the end is asked for; how many were given back then, unfinished."""
    given_back, was_told = 0, False
    while not ending.is_asked:
        try:
            async with engine.running() as now:
                found, finished = await _next(worker, now, ending)
        except UNSET as error:
            # Before anything is taken: an edit that does not parse must not make poison of what waits.
            if not was_told:
                _log.error("Nothing is worked off until this is put right.", queue=worker.queue, **told(error))
            was_told = True
            await ending.pause(WAIT)
        except Exception as error:  # noqa: BLE001 - the queue itself failed; what was taken comes back after its lease
            _log.error("A queue could not be read or written.", queue=worker.queue, **told(error))
            await ending.pause(WAIT)
        else:
            was_told = False
            given_back += not finished
            if not found:
                await ending.pause(IDLE)
    return given_back


async def _next(worker: Worker, now: Running, ending: Ending) -> tuple[bool, bool]:
    """Take a message, if there is one, and do its work: whether there was one, and whether nothing is left of it."""
    queue = now.wired.memory.own_queue
    message = await queue.take(worker.queue, lease=LEASE) if queue is not None else None
    if queue is None or message is None:
        return False, True
    try:
        finished = await ending.finish(worker.do(message, now))
    except BadMessage as error:
        # Nobody will ever understand it: what became of it five times over is told by its poison queue.
        _log.error("A message is nobody's.", queue=worker.queue, taken=message.taken, why=str(error))
        await queue.give_back(message, timedelta(0))
    except EXPECTED as error:
        await _failed(worker, queue, message, error)
    except Exception as error:  # noqa: BLE001 - one message's defect must not stop the others, and is told in full
        await _failed(worker, queue, message, error)
    else:
        if not finished:
            await queue.give_back(message, timedelta(0))
            return True, False
        await queue.done(message)
    return True, True


async def _failed(worker: Worker, queue: SqliteQueue, message: Message, error: Exception) -> None:
    _log.error("A message could not be worked off.", queue=worker.queue, taken=message.taken, **told(error))
    await queue.give_back(message, AGAIN)
