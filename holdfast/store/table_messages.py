"""What people did and what was sent to them, in a table: under names that only a key makes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime

from holdfast.core.touches import Touches
from holdfast.store import rows
from holdfast.store.key import Key
from holdfast.store.table_rows import EMPTY, TableRows, Values
from holdfast.store.table_runs import TableRuns

Told = dict[str, tuple[str, str]]
"""When a message was sent and by what it is told from others, by what it was about."""


class TableMessages(TableRuns):
    """The methods of the port State that are about these. ``TableRuns`` has those of what runs by itself."""

    def __init__(self, own: TableRows, key: Key) -> None:
        super().__init__(own)
        self._key = key

    async def touches(self, mailbox: str) -> Touches:
        """What the owner of a mailbox did with dates of blocks."""
        for who in self._key.pseudonyms(self._rows.tenant, mailbox):
            row = await self._rows.get(self._rows.partition("touches"), who)
            if row is not None:
                return rows.touches_of(row["touches"])
        return Touches()

    async def touch(self, mailbox: str, touches: Touches) -> None:
        """Remember what the owner of a mailbox did, under today's key alone."""
        partition = self._rows.partition("touches")
        today, *before = self._key.pseudonyms(self._rows.tenant, mailbox)
        for who in before:
            await self._rows.drop(partition, who)
        row = _touches(touches)
        await (self._rows.put(partition, today, row) if row else self._rows.drop(partition, today))

    async def forget_touches(self, before: date) -> None:
        """Forget what is about days before this one."""
        day = before.isoformat()

        def touched_since(row: Values | None) -> Values | None:
            return _touches(rows.touches_of(row["touches"]).since(before)) if row else None

        def told_since(row: Values | None) -> Values | None:
            return _sent({about: one for about, one in _told(row).items() if one[0] >= day})

        old = "first lt @day"
        for kind, since in (("touches", touched_since), ("sent", told_since)):
            partition = self._rows.partition(kind)
            for key in [key async for key, _ in self._rows.every(partition, old, keys_only=True, day=day)]:
                await self._rows.change(partition, key, since)
        # What is older than this is of people who have left: all others are asked and read each week.
        for kind in ("profile", "known", "seen"):
            partition = self._rows.partition(kind)
            for key in [key async for key, _ in self._rows.every(partition, "at lt @day", keys_only=True, day=day)]:
                await self._rows.drop(partition, key)

    async def sent(self, address: str) -> Mapping[str, datetime]:
        """What messages to an address were about, and when they were sent."""
        told: Told = {}
        for who in self._key.pseudonyms(self._rows.tenant, address):
            told |= _told(await self._rows.get(self._rows.partition("sent"), who))
        return {about: datetime.fromisoformat(at) for about, (at, _) in told.items()}

    async def claim(self, address: str, about: Collection[str], at: datetime, *, most: int, since: datetime) -> bool:
        """Write down that one message about all this is about to be sent to an address; False where it must not be."""
        today, *before = self._key.pseudonyms(self._rows.tenant, address)
        for who in before:  # until a key that is being replaced is gone, under today's
            await self._take_over(who, today)
        one, past = (rows.instant(at), min(about)), rows.instant(since)

        def claimed(row: Values | None) -> Values | None:
            told = _told(row)
            recent = {message for sent, message in told.values() if sent > past}
            if len(recent) >= most or not told.keys().isdisjoint(about):
                return None
            return _sent({**told, **dict.fromkeys(about, one)})

        return await self._rows.change(self._rows.partition("sent"), today, claimed)

    async def take_back(self, address: str, about: Collection[str]) -> None:
        """Forget a message that was not sent after all."""

        def without(row: Values | None) -> Values | None:
            return _sent({what: one for what, one in _told(row).items() if what not in about})

        for who in self._key.pseudonyms(self._rows.tenant, address):
            await self._rows.change(self._rows.partition("sent"), who, without)

    async def _take_over(self, before: str, today: str) -> None:
        """What was told under the key before goes to today's: written there first, so that a crash forgets nothing."""
        partition = self._rows.partition("sent")
        old = _told(await self._rows.get(partition, before))
        if not old:
            return
        await self._rows.change(partition, today, lambda row: _sent({**old, **_told(row)}))

        def without_old(row: Values | None) -> Values | None:
            return _sent({about: one for about, one in _told(row).items() if about not in old})

        await self._rows.change(partition, before, without_old)


def _touches(touches: Touches) -> Values:
    if not touches:
        return EMPTY
    first, last = rows.days_of(touches)
    return {"touches": rows.touches_text(touches), "first": first, "last": last}


def _told(row: Values | None) -> Told:
    return {about: (at, message) for about, (at, message) in json.loads(row["told"]).items()} if row else {}


def _sent(told: Told) -> Values:
    if not told:
        return EMPTY
    return {"told": json.dumps(told), "first": min(at for at, _ in told.values())}
