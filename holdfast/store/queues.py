"""Queues in the SQLite file, for `holdfast serve`: worked off by the process that fills them, or by one after it.

They do what Azure's do (``azure_queues.py``): a message that is taken is out of sight for a while and comes back unless
its work is done, so that a crash loses none; one that came back too often goes to the queue of what is poison.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from holdfast.core.model import Clock
from holdfast.jobs.ports import QueueName
from holdfast.store.rows import instant
from holdfast.store.sqlite_file import SqliteRows

MOST_TIMES = 5
"""How often a message is taken before it is poison: maxDequeueCount in host.json."""

_NOW = timedelta(0)
_POISON = {name.value: name.poison for name in QueueName}


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was taken from the queue ``name``, for the time that is told by ``taken``: the first is 1."""

    name: str
    text: str
    id: int
    taken: int


class SqliteQueue:
    """Fills the port Queue for one tenant, and gives back what is on it. A name is a ``QueueName``, or its poison's."""

    def __init__(self, own: SqliteRows, clock: Clock) -> None:
        self._rows = own
        self._clock = clock

    async def put(self, name: QueueName, texts: Collection[str], *, delay: timedelta = _NOW) -> None:
        """Put messages on a queue, to be seen after ``delay``."""
        due = instant(self._clock.now() + delay)
        statement = "insert into queue (tenant, name, text, due, dequeued) values (?, ?, ?, ?, 0)"
        await asyncio.gather(*(self._rows.do(statement, name, text, due) for text in texts))

    async def take(self, name: str, *, lease: timedelta) -> Message | None:
        """The message that is due for longest, out of sight for ``lease`` from now on; None where none is due."""
        query = (
            "select id, text, dequeued from queue where tenant = ? and name = ? and due <= ? order by due, id limit 1"
        )
        while True:
            now = self._clock.now()
            row = self._rows.one(query, name, instant(now))
            if row is None:
                return None
            message = Message(name, row[1], row[0], row[2] + 1)
            if message.taken > MOST_TIMES and name in _POISON:
                await self._move(message)
                continue
            # Somebody else may have taken it since it was read.
            statement = (
                "update queue set due = ?4, dequeued = dequeued + 1 where tenant = ?1 and id = ?2 and dequeued = ?3"
            )
            if await self._rows.do(statement, message.id, row[2], instant(now + lease)):
                return message

    async def done(self, message: Message) -> None:
        """Take a message away whose work is done, unless somebody else has taken it after its lease."""
        statement = "delete from queue where tenant = ? and id = ? and dequeued = ?"
        await self._rows.do(statement, message.id, message.taken)

    async def give_back(self, message: Message, delay: timedelta) -> None:
        """Let a message be seen again after ``delay``, unless somebody else has taken it after its lease."""
        statement = "update queue set due = ?4 where tenant = ?1 and id = ?2 and dequeued = ?3"
        await self._rows.do(statement, message.id, message.taken, instant(self._clock.now() + delay))

    async def wake(self) -> int:
        """Let all messages be seen at once that were taken before, and say how many those are.

        For who alone works the queues off, and begins: whoever had taken them is no more.
        """
        statement = "update queue set due = ?2 where tenant = ?1 and dequeued > 0 and due > ?2"
        return await self._rows.do(statement, instant(self._clock.now()))

    async def length(self, name: str) -> int:
        """How many messages are on a queue, in sight or not."""
        row = self._rows.one("select count(*) from queue where tenant = ? and name = ?", name)
        return int(row[0]) if row else 0

    async def _move(self, message: Message) -> None:
        """To the queue of what is poison, to be seen at once and counted anew."""
        statement = "update queue set name = ?4, dequeued = 0, due = ?5 where tenant = ?1 and id = ?2 and dequeued = ?3"
        poison = _POISON[message.name]
        await self._rows.do(statement, message.id, message.taken - 1, poison, instant(self._clock.now()))
