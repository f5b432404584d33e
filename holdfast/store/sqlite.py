"""The state in one SQLite file, for one machine."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from holdfast.core.desired import ChoiceKey
from holdfast.core.tenant import TenantFacts
from holdfast.core.touches import Touches
from holdfast.jobs.ports import Approval, Entry, Known, Learned, Placed, PostState, SignedIn
from holdfast.store import rows, sqlite_person
from holdfast.store.errors import StateUnusable
from holdfast.store.key import Key
from holdfast.store.sqlite_file import SqliteRows, open_rows
from holdfast.store.sqlite_runs import SqliteRuns

__all__ = ["SqliteState", "StateUnusable", "open_state"]


class SqliteState(SqliteRuns):
    """Fills the port State, for what is worked on by itself by the methods of ``SqliteRuns``."""

    def __init__(self, own: SqliteRows, key: Key) -> None:
        super().__init__(own)
        self._key = key

    async def approval(self) -> Approval | None:
        """The approval in force."""
        row = self._rows.one("select fingerprint, settings, at, groups, complete from approval where tenant = ?")
        if row is None:
            return None
        mark, settings, at, groups, complete = row
        return Approval(mark, settings, datetime.fromisoformat(at), rows.pins_of(groups), rows.texts_of(complete))

    async def approve(self, approval: Approval) -> None:
        """Put another approval in force."""
        await self._rows.do(
            "insert or replace into approval values (?, ?, ?, ?, ?, ?)",
            approval.fingerprint,
            approval.settings,
            rows.instant(approval.at),
            rows.pins_text(approval.groups),
            rows.texts(approval.complete),
        )

    async def withdraw(self) -> None:
        """Forget the approval."""
        await self._rows.do("delete from approval where tenant = ?")

    async def placed(self) -> Mapping[str, Placed]:
        """Everybody who has blocks, by mailbox."""
        return {one.mailbox: one for one in map(_placed, self._rows.all(_PLACED + " where tenant = ?"))}

    async def placed_of(self, mailboxes: Collection[str]) -> Mapping[str, Placed]:
        """Those of these mailboxes that have blocks."""
        these = " where tenant = ? and mailbox in (select value from json_each(?))"
        found = self._rows.all(_PLACED + these, json.dumps(list(mailboxes)))
        return {one.mailbox: one for one in map(_placed, found)}

    async def placed_at(self, address: str) -> Placed | None:
        """The mailbox with this address, of those that have blocks."""
        row = self._rows.one(_PLACED + " where tenant = ? and small(address) = ?", address)
        return _placed(row) if row else None

    async def place(self, placed: Placed) -> None:
        """Remember what a mailbox has; with no slots left, forget it."""
        if placed.slots:
            await self._rows.do(
                "insert or replace into placed (tenant, mailbox, address, slots, audiences, declines, name) "
                "values (?, ?, ?, ?, ?, ?, ?)",
                placed.mailbox,
                placed.address,
                rows.slots_text(placed.slots),
                rows.texts(placed.audiences),
                rows.texts(placed.declines),
                placed.name,
            )
        else:
            await self._rows.do("delete from placed where tenant = ? and mailbox = ?", placed.mailbox)

    async def known(self, mailbox: str) -> Known | None:
        """The series of a mailbox as they were last read."""
        row = self._rows.one("select at, series from known where tenant = ? and mailbox = ?", mailbox)
        return Known(datetime.fromisoformat(row[0]), rows.series_of(row[1])) if row else None

    async def know(self, mailbox: str, known: Known | None) -> None:
        """Remember the series of a mailbox, or forget them."""
        if known is None:
            await self._rows.do("delete from known where tenant = ? and mailbox = ?", mailbox)
        else:
            text = rows.series_text(known.series)
            await self._rows.do(
                "insert or replace into known values (?, ?, ?, ?)", mailbox, rows.instant(known.read), text
            )

    async def profile(self, mailbox: str) -> Learned | None:
        """What a mailbox said of itself when it was last asked."""
        row = self._rows.one("select at, profile from profile where tenant = ? and mailbox = ?", mailbox)
        return Learned(rows.profile_of(row[1]), datetime.fromisoformat(row[0])) if row else None

    async def learn(self, mailbox: str, learned: Learned) -> None:
        """Remember what a mailbox says of itself."""
        text = rows.profile_text(learned.profile)
        await self._rows.do(
            "insert or replace into profile values (?, ?, ?, ?)", mailbox, rows.instant(learned.at), text
        )

    async def touches(self, mailbox: str) -> Touches:
        """What the owner of a mailbox did with dates of blocks."""
        for who in self._key.pseudonyms(self._rows.tenant, mailbox):
            row = self._rows.one("select touches from touches where tenant = ? and who = ?", who)
            if row is not None:
                return rows.touches_of(row[0])
        return Touches()

    async def touch(self, mailbox: str, touches: Touches) -> None:
        """Remember what the owner of a mailbox did, under today's key alone."""
        today, *before = self._key.pseudonyms(self._rows.tenant, mailbox)
        for who in before:
            await self._rows.do("delete from touches where tenant = ? and who = ?", who)
        await self._touch(today, touches)

    async def forget_touches(self, before: date) -> None:
        """Forget what is about days before this one."""
        await self._rows.do("delete from touches where tenant = ? and last < ?", before.isoformat())
        partly = "select who, touches from touches where tenant = ? and first < ?"
        for who, text in self._rows.all(partly, before.isoformat()).fetchall():
            await self._touch(who, rows.touches_of(text).since(before))
        await self._rows.do("delete from sent where tenant = ? and at < ?", before.isoformat())
        # What is older than this is of people who have left: all others are asked and read each week.
        await self._rows.do("delete from profile where tenant = ? and at < ?", before.isoformat())
        await self._rows.do("delete from known where tenant = ? and at < ?", before.isoformat())
        await self._rows.do("delete from seen where tenant = ? and at < ?", before.isoformat())

    async def sent(self, address: str) -> Mapping[str, datetime]:
        """What messages to an address were about, and when they were sent."""
        told: dict[str, datetime] = {}
        for who in self._key.pseudonyms(self._rows.tenant, address):
            found = self._rows.all("select about, at from sent where tenant = ? and who = ?", who)
            told |= {about: datetime.fromisoformat(at) for about, at in found}
        return told

    async def claim(self, address: str, about: Collection[str], at: datetime, *, most: int, since: datetime) -> bool:
        """Write down that one message about all this is about to be sent to an address; False where it must not be."""
        today, *before = self._key.pseudonyms(self._rows.tenant, address)
        for who in before:  # until a key that is being replaced is gone, under today's
            await self._rows.do("update or ignore sent set who = ?2 where tenant = ?1 and who = ?3", today, who)
        written = await self._rows.do(
            "insert into sent select ?1, ?2, value, ?4, ?7 from json_each(?3) where "
            "(select count(distinct message) from sent where tenant = ?1 and who = ?2 and at > ?5) < ?6 and not exists "
            "(select 1 from sent where tenant = ?1 and who = ?2 and about in (select value from json_each(?3)))",
            today,
            json.dumps(sorted(about)),
            rows.instant(at),
            rows.instant(since),
            most,
            min(about),
        )
        return written > 0

    async def take_back(self, address: str, about: Collection[str]) -> None:
        """Forget a message that was not sent after all."""
        for who in self._key.pseudonyms(self._rows.tenant, address):
            for one in about:
                await self._rows.do("delete from sent where tenant = ? and who = ? and about = ?", who, one)

    async def _touch(self, who: str, touches: Touches) -> None:
        if touches:
            row = who, *rows.days_of(touches), rows.touches_text(touches)
            await self._rows.do("insert or replace into touches values (?, ?, ?, ?, ?)", *row)
        else:
            await self._rows.do("delete from touches where tenant = ? and who = ?", who)

    async def posts(self, channel: str) -> list[Entry]:
        """The ledger of a channel, by period."""
        query = (
            "select period, state, at, message, url, hours from post where tenant = ? and channel = ? order by period"
        )
        return [
            Entry(channel, period, PostState(state), datetime.fromisoformat(at), message, url, json.loads(hours))
            for period, state, at, message, url, hours in self._rows.all(query, channel)
        ]

    async def begin_post(self, entry: Entry, *, holder: str, until: datetime, over: Collection[PostState] = ()) -> bool:
        """Write down that ``holder`` is about to post; False where it is not theirs to do."""
        written = await self._rows.do(
            "insert into post values (?, ?, ?, ?, ?, ?, ?, '', '', '{}') on conflict do update "
            "set state = excluded.state, at = excluded.at, holder = excluded.holder, until = excluded.until "
            "where post.until < excluded.at "
            "and (post.state = 'posting' or post.state in (select value from json_each(?)))",
            entry.channel,
            entry.period,
            entry.state.value,
            rows.instant(entry.at),
            holder,
            rows.instant(until),
            json.dumps([state.value for state in over]),
        )
        return written == 1

    async def end_post(self, entry: Entry, *, holder: str) -> None:
        """Write down what became of a post and let go of it, unless somebody else has taken it over meanwhile."""
        await self._rows.do(
            "update post set state = ?4, at = ?5, until = ?5, message = ?6, url = ?7, hours = ?8 "
            "where tenant = ?1 and channel = ?2 and period = ?3 and holder = ?9",
            entry.channel,
            entry.period,
            entry.state.value,
            rows.instant(entry.at),
            entry.message_id,
            entry.url,
            json.dumps(dict(entry.hours)),
            holder,
        )

    async def choices(self) -> Mapping[ChoiceKey, time]:
        """The times of day chosen where the settings leave the choice."""
        found = self._rows.all("select block, audience, days, at from choice where tenant = ?")
        return {ChoiceKey(*key): time.fromisoformat(at) for *key, at in found}

    async def choose(self, choices: Mapping[ChoiceKey, time]) -> None:
        """Keep these choices, besides those kept already for others."""
        for key, at in choices.items():
            await self._rows.do("insert or replace into choice values (?, ?, ?, ?, ?)", *key, at.isoformat())

    async def tenant_facts(self) -> TenantFacts | None:
        """What was last seen of how this tenant behaves."""
        row = self._rows.one("select facts from facts where tenant = ?")
        return rows.facts_of(row[0]) if row else None

    async def learn_facts(self, facts: TenantFacts) -> None:
        """Remember how the tenant was seen to behave."""
        await self._rows.do("insert or replace into facts values (?, ?)", rows.facts_text(facts))

    async def floors(self) -> Mapping[str, int]:
        """The first generation to use for a block."""
        return dict(self._rows.all("select block, generation from floor where tenant = ?"))

    async def raise_floor(self, block: str, generation: int) -> None:
        """Use at least this generation for a block from now on."""
        await self._rows.do(
            "insert into floor values (?, ?, ?) "
            "on conflict do update set generation = max(generation, excluded.generation)",
            block,
            generation,
        )

    async def signed_in(self) -> SignedIn | None:
        """Whether an account has signed in to post."""
        row = self._rows.one("select since, used from sign_in where tenant = ?")
        return SignedIn(*map(datetime.fromisoformat, row)) if row else None

    async def token_cache(self) -> bytes | None:
        """The tokens of the account that signed in. Raises ``NotSignedIn`` for those kept under a key that is gone."""
        row = self._rows.one("select tokens from sign_in where tenant = ?")
        return rows.opened(self._key, row[0]) if row else None

    async def keep_token_cache(self, data: bytes | None, at: datetime) -> None:
        """Keep the tokens of who has just signed in, or forget them."""
        if data is None:
            await self._rows.do("delete from sign_in where tenant = ?")
        else:
            row = self._key.seal(data), rows.instant(at), rows.instant(at)
            await self._rows.do("insert or replace into sign_in values (?, ?, ?, ?)", *row)

    async def renew_token_cache(self, data: bytes, at: datetime, *, instead_of: bytes) -> bool:
        """Keep tokens that were got with those of ``instead_of``; False where these stand there no more."""
        row = self._rows.one("select tokens from sign_in where tenant = ?")
        if row is None or rows.opened(self._key, row[0]) != instead_of:
            return False
        # Sealed twice, the same tokens look different: what was just read tells whether anybody wrote meanwhile.
        statement = "update sign_in set tokens = ?2, used = ?3 where tenant = ?1 and tokens = ?4"
        return await self._rows.do(statement, self._key.seal(data), rows.instant(at), row[0]) > 0

    async def last_run(self) -> Mapping[str, Any] | None:
        """The report of the last run."""
        row = self._rows.one("select run from run where tenant = ?")
        return json.loads(row[0]) if row else None

    async def record_run(self, run: Mapping[str, Any]) -> None:
        """Remember a run as the last one."""
        await self._rows.do("insert or replace into run values (?, ?)", rows.data_text(run))

    async def mentions(self, mailbox: str, address: str) -> list[Any]:
        """What runs and messages say of one person."""
        return sqlite_person.mentions(self._rows, rows.named(mailbox, address))

    async def erase(self, mailbox: str, address: str) -> None:
        """Forget everything about one person, also in the file's free space."""
        await sqlite_person.erase(self._rows, self._key, mailbox, address)


@contextmanager
def open_state(path: Path, tenant: str, key: Key) -> Iterator[SqliteState]:
    """The state of one tenant in the file at ``path``, made if need be. Raises ``StateUnusable``.

    What people did is kept under names that only ``key`` makes.
    """
    with open_rows(path, tenant) as own:
        yield SqliteState(own, key)


_PLACED = "select mailbox, address, slots, audiences, declines, name from placed"


def _placed(row: tuple[Any, ...]) -> Placed:
    mailbox, address, slots, audiences, declines, name = row
    return Placed(mailbox, address, rows.slots_of(slots), rows.texts_of(audiences), rows.texts_of(declines), name)
