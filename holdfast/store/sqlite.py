"""The state in one SQLite file: for one machine, readable only by its owner."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from holdfast.core.desired import ChoiceKey
from holdfast.core.errors import NotSignedIn
from holdfast.core.model import SlotKey
from holdfast.core.tenant import TenantFacts
from holdfast.core.touches import Touches
from holdfast.jobs.ports import Approval, Entry, Known, Learned, Placed, PostState, SignedIn
from holdfast.store import rows
from holdfast.store.key import Key, Unreadable

_SCHEMA_VERSION = 7
_TOUCHES = """
create table if not exists touches (tenant text, who text, first text, last text, touches text,
    primary key (tenant, who))
"""
_SENT = """
create table if not exists sent (tenant text, who text, about text, at text, message text,
    primary key (tenant, who, about))
"""
_MESSAGE = "alter table sent add column message text", "update sent set message = at"
_SIGN_IN = """
create table if not exists sign_in (tenant text primary key, tokens blob, since text, used text)
"""
_POST = """
create table if not exists post (tenant text, channel text, period text, state text, at text, holder text, until text,
    message text, url text, hours text, primary key (tenant, channel, period))
"""
_SCHEMA = f"""
{_TOUCHES};
{_SENT};
{_POST};
{_SIGN_IN};
create table approval (tenant text primary key, fingerprint text, settings text, at text, groups text, complete text);
create table placed (tenant text, mailbox text, address text, slots text, primary key (tenant, mailbox));
create table known (tenant text, mailbox text, at text, series text, primary key (tenant, mailbox));
create table profile (tenant text, mailbox text, at text, profile text, primary key (tenant, mailbox));
create table choice (tenant text, block text, audience text, days text, at text,
    primary key (tenant, block, audience, days));
create table facts (tenant text primary key, facts text);
create table floor (tenant text, block text, generation integer, primary key (tenant, block));
create table run (tenant text primary key, run text);
"""
_EARLIER = {1: ("approval", "placed", "purpose", "floor", "run")}
"""The tables of versions that are made anew; a file that lacks one of them is somebody else's, and stays as it is."""
_ADDED = {
    2: (_TOUCHES, _SENT, _SIGN_IN, _POST),
    3: (_SENT, _SIGN_IN, _POST),
    4: (*_MESSAGE, _SIGN_IN, _POST),
    5: (_SIGN_IN, _POST),
    6: (_POST,),
}
"""What versions lack that are added to."""

_BUSY_SECONDS = 30


class StateUnusable(Exception):
    """The file is not a state store of ours, or cannot be opened. The message says what to do."""


class SqliteState:
    """Fills the port State. Rows belong to one tenant, so that a file used for two tenants mixes nothing up."""

    def __init__(self, connection: sqlite3.Connection, tenant: str, key: Key) -> None:
        self._connection = connection
        self._tenant = tenant
        self._key = key
        self._waiting: list[tuple[str, tuple[object, ...], asyncio.Future[int]]] = []

    async def approval(self) -> Approval | None:
        """The approval in force."""
        row = self._one("select fingerprint, settings, at, groups, complete from approval where tenant = ?")
        if row is None:
            return None
        mark, settings, at, groups, complete = row
        pinned = {name: (text, group_id) for name, (text, group_id) in json.loads(groups).items()}
        return Approval(mark, settings, datetime.fromisoformat(at), pinned, frozenset(json.loads(complete)))

    async def approve(self, approval: Approval) -> None:
        """Put another approval in force."""
        await self._do(
            "insert or replace into approval values (?, ?, ?, ?, ?, ?)",
            approval.fingerprint,
            approval.settings,
            _text(approval.at),
            json.dumps(dict(approval.groups)),
            json.dumps(sorted(approval.complete)),
        )

    async def withdraw(self) -> None:
        """Forget the approval."""
        await self._do("delete from approval where tenant = ?")

    async def placed(self) -> Mapping[str, Placed]:
        """Everybody who has blocks, by mailbox."""
        found = self._all("select mailbox, address, slots from placed where tenant = ?")
        return {mailbox: Placed(mailbox, address, _slots(slots)) for mailbox, address, slots in found}

    async def place(self, placed: Placed) -> None:
        """Remember what a mailbox has; with no slots left, forget it."""
        if placed.slots:
            row = placed.mailbox, placed.address, _slots_text(placed.slots)
            await self._do("insert or replace into placed values (?, ?, ?, ?)", *row)
        else:
            await self._do("delete from placed where tenant = ? and mailbox = ?", placed.mailbox)

    async def known(self, mailbox: str) -> Known | None:
        """The series of a mailbox as they were last read."""
        row = self._one("select at, series from known where tenant = ? and mailbox = ?", mailbox)
        return Known(datetime.fromisoformat(row[0]), rows.series_of(row[1])) if row else None

    async def know(self, mailbox: str, known: Known | None) -> None:
        """Remember the series of a mailbox, or forget them."""
        if known is None:
            await self._do("delete from known where tenant = ? and mailbox = ?", mailbox)
        else:
            text = rows.series_text(known.series)
            await self._do("insert or replace into known values (?, ?, ?, ?)", mailbox, _text(known.read), text)

    async def profile(self, mailbox: str) -> Learned | None:
        """What a mailbox said of itself when it was last asked."""
        row = self._one("select at, profile from profile where tenant = ? and mailbox = ?", mailbox)
        return Learned(rows.profile_of(row[1]), datetime.fromisoformat(row[0])) if row else None

    async def learn(self, mailbox: str, learned: Learned) -> None:
        """Remember what a mailbox says of itself."""
        text = rows.profile_text(learned.profile)
        await self._do("insert or replace into profile values (?, ?, ?, ?)", mailbox, _text(learned.at), text)

    async def touches(self, mailbox: str) -> Touches:
        """What the owner of a mailbox did with dates of blocks."""
        for who in self._key.pseudonyms(self._tenant, mailbox):
            row = self._one("select touches from touches where tenant = ? and who = ?", who)
            if row is not None:
                return rows.touches_of(row[0])
        return Touches()

    async def touch(self, mailbox: str, touches: Touches) -> None:
        """Remember what the owner of a mailbox did, under today's key alone."""
        today, *before = self._key.pseudonyms(self._tenant, mailbox)
        for who in before:
            await self._do("delete from touches where tenant = ? and who = ?", who)
        await self._touch(today, touches)

    async def forget_touches(self, before: date) -> None:
        """Forget what is about days before this one."""
        await self._do("delete from touches where tenant = ? and last < ?", before.isoformat())
        partly = "select who, touches from touches where tenant = ? and first < ?"
        for who, text in self._all(partly, before.isoformat()).fetchall():
            await self._touch(who, rows.touches_of(text).since(before))
        await self._do("delete from sent where tenant = ? and at < ?", before.isoformat())
        # What is older than this is of people who have left: all others are asked each week.
        await self._do("delete from profile where tenant = ? and at < ?", before.isoformat())

    async def sent(self, address: str) -> Mapping[str, datetime]:
        """What messages to an address were about, and when they were sent."""
        told: dict[str, datetime] = {}
        for who in self._key.pseudonyms(self._tenant, address):
            found = self._all("select about, at from sent where tenant = ? and who = ?", who)
            told |= {about: datetime.fromisoformat(at) for about, at in found}
        return told

    async def claim(self, address: str, about: Collection[str], at: datetime, *, most: int, since: datetime) -> bool:
        """Write down that one message about all this is about to be sent to an address; False where it must not be."""
        today, *before = self._key.pseudonyms(self._tenant, address)
        for who in before:  # until a key that is being replaced is gone, under today's
            await self._do("update or ignore sent set who = ?2 where tenant = ?1 and who = ?3", today, who)
        written = await self._do(
            "insert into sent select ?1, ?2, value, ?4, ?7 from json_each(?3) where "
            "(select count(distinct message) from sent where tenant = ?1 and who = ?2 and at > ?5) < ?6 and not exists "
            "(select 1 from sent where tenant = ?1 and who = ?2 and about in (select value from json_each(?3)))",
            today,
            json.dumps(sorted(about)),
            _text(at),
            _text(since),
            most,
            min(about),
        )
        return written > 0

    async def take_back(self, address: str, about: Collection[str]) -> None:
        """Forget a message that was not sent after all."""
        for who in self._key.pseudonyms(self._tenant, address):
            for one in about:
                await self._do("delete from sent where tenant = ? and who = ? and about = ?", who, one)

    async def _touch(self, who: str, touches: Touches) -> None:
        if touches:
            # What is to be let be is so until somebody asks.
            days = [*touches.days, *([date.max] if touches.left else [])]
            row = who, days[0].isoformat(), days[-1].isoformat(), rows.touches_text(touches)
            await self._do("insert or replace into touches values (?, ?, ?, ?, ?)", *row)
        else:
            await self._do("delete from touches where tenant = ? and who = ?", who)

    async def posts(self, channel: str) -> list[Entry]:
        """The ledger of a channel, by period."""
        query = (
            "select period, state, at, message, url, hours from post where tenant = ? and channel = ? order by period"
        )
        return [
            Entry(channel, period, PostState(state), datetime.fromisoformat(at), message, url, json.loads(hours))
            for period, state, at, message, url, hours in self._all(query, channel)
        ]

    async def begin_post(self, entry: Entry, *, holder: str, until: datetime, over: Collection[PostState] = ()) -> bool:
        """Write down that ``holder`` is about to post; False where it is not theirs to do."""
        written = await self._do(
            "insert into post values (?, ?, ?, ?, ?, ?, ?, '', '', '{}') on conflict do update "
            "set state = excluded.state, at = excluded.at, holder = excluded.holder, until = excluded.until "
            "where post.until < excluded.at "
            "and (post.state = 'posting' or post.state in (select value from json_each(?)))",
            entry.channel,
            entry.period,
            entry.state.value,
            _text(entry.at),
            holder,
            _text(until),
            json.dumps([state.value for state in over]),
        )
        return written == 1

    async def end_post(self, entry: Entry, *, holder: str) -> None:
        """Write down what became of a post and let go of it, unless somebody else has taken it over meanwhile."""
        await self._do(
            "update post set state = ?4, at = ?5, until = ?5, message = ?6, url = ?7, hours = ?8 "
            "where tenant = ?1 and channel = ?2 and period = ?3 and holder = ?9",
            entry.channel,
            entry.period,
            entry.state.value,
            _text(entry.at),
            entry.message_id,
            entry.url,
            json.dumps(dict(entry.hours)),
            holder,
        )

    async def choices(self) -> Mapping[ChoiceKey, time]:
        """The times of day chosen where the settings leave the choice."""
        found = self._all("select block, audience, days, at from choice where tenant = ?")
        return {ChoiceKey(*key): time.fromisoformat(at) for *key, at in found}

    async def choose(self, choices: Mapping[ChoiceKey, time]) -> None:
        """Keep these choices, besides those kept already for others."""
        for key, at in choices.items():
            await self._do("insert or replace into choice values (?, ?, ?, ?, ?)", *key, at.isoformat())

    async def tenant_facts(self) -> TenantFacts | None:
        """What was last seen of how this tenant behaves."""
        row = self._one("select facts from facts where tenant = ?")
        return rows.facts_of(row[0]) if row else None

    async def learn_facts(self, facts: TenantFacts) -> None:
        """Remember how the tenant was seen to behave."""
        await self._do("insert or replace into facts values (?, ?)", rows.facts_text(facts))

    async def floors(self) -> Mapping[str, int]:
        """The first generation to use for a block."""
        return dict(self._all("select block, generation from floor where tenant = ?"))

    async def raise_floor(self, block: str, generation: int) -> None:
        """Use at least this generation for a block from now on."""
        await self._do(
            "insert into floor values (?, ?, ?) "
            "on conflict do update set generation = max(generation, excluded.generation)",
            block,
            generation,
        )

    async def signed_in(self) -> SignedIn | None:
        """Whether an account has signed in to post."""
        row = self._one("select since, used from sign_in where tenant = ?")
        return SignedIn(*map(datetime.fromisoformat, row)) if row else None

    async def token_cache(self) -> bytes | None:
        """The tokens of the account that signed in. Raises ``NotSignedIn`` for those kept under a key that is gone."""
        row = self._one("select tokens from sign_in where tenant = ?")
        return self._opened(row[0]) if row else None

    async def keep_token_cache(self, data: bytes | None, at: datetime) -> None:
        """Keep the tokens of who has just signed in, or forget them."""
        if data is None:
            await self._do("delete from sign_in where tenant = ?")
        else:
            row = self._key.seal(data), _text(at), _text(at)
            await self._do("insert or replace into sign_in values (?, ?, ?, ?)", *row)

    async def renew_token_cache(self, data: bytes, at: datetime, *, instead_of: bytes) -> bool:
        """Keep tokens that were got with those of ``instead_of``; False where these stand there no more."""
        row = self._one("select tokens from sign_in where tenant = ?")
        if row is None or self._opened(row[0]) != instead_of:
            return False
        # Sealed twice, the same tokens look different: what was just read tells whether anybody wrote meanwhile.
        statement = "update sign_in set tokens = ?2, used = ?3 where tenant = ?1 and tokens = ?4"
        return await self._do(statement, self._key.seal(data), _text(at), row[0]) > 0

    def _opened(self, tokens: bytes) -> bytes:
        try:
            return self._key.open(tokens)
        except Unreadable:
            raise NotSignedIn(
                "The sign-in of the account that posts cannot be read: it was kept under another key.",
                cure="Run `holdfast login` again, or set HOLDFAST_KEY or HOLDFAST_KEY_PREVIOUS to the key it was.",
            ) from None

    async def last_run(self) -> Mapping[str, Any] | None:
        """The report of the last run."""
        row = self._one("select run from run where tenant = ?")
        return json.loads(row[0]) if row else None

    async def record_run(self, run: Mapping[str, Any]) -> None:
        """Remember a run as the last one."""
        await self._do("insert or replace into run values (?, ?)", json.dumps(dict(run), ensure_ascii=False))

    async def _do(self, statement: str, *values: object) -> int:
        """Carry out a write together with those that others ask for in the same moment: it is done when this returns.

        Answers how many rows it wrote.

        One transaction for each would cost more than all else that is remembered of a mailbox.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._write)
        done: asyncio.Future[int] = loop.create_future()
        self._waiting.append((statement, (self._tenant, *values), done))
        return await done

    def _write(self) -> None:
        """Carry out what is waited for, all or nothing."""
        writes, self._waiting = self._waiting, []
        wrote: list[int] = []
        error: sqlite3.Error | None = None
        try:
            with self._connection:
                wrote = [self._connection.execute(statement, values).rowcount for statement, values, _ in writes]
        except sqlite3.Error as raised:
            error = raised
        for number, (_, _, done) in enumerate(writes):
            if done.done():  # whoever waited was cancelled
                continue
            if error is None:
                done.set_result(wrote[number])
            else:
                done.set_exception(error)

    def _all(self, query: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(query, (self._tenant, *values))

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(query, (self._tenant, *values)).fetchone()
        return row


@contextmanager
def open_state(path: Path, tenant: str, key: Key) -> Iterator[SqliteState]:
    """The state of one tenant in the file at ``path``, made if need be. Raises ``StateUnusable``.

    What people did is kept under names that only ``key`` makes.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    except OSError as error:
        raise StateUnusable(f"The state file {path} cannot be opened: {error.strerror}. Set HOLDFAST_STATE.") from error
    try:
        _prepare(connection, path)
        yield SqliteState(connection, tenant, key)
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        _log_ahead(connection)
        connection.execute("pragma synchronous = normal")
        connection.execute("begin immediate")
        (version,) = connection.execute("pragma user_version").fetchone()
        if version < _SCHEMA_VERSION:
            for name in _EARLIER.get(version, ()):
                connection.execute(f"drop table {name}")
            for statement in _ADDED.get(version, filter(str.strip, _SCHEMA.split(";"))):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {_SCHEMA_VERSION}")
        connection.commit()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise StateUnusable(
                f"The state file {path} has been in use by another process for {_BUSY_SECONDS} seconds. "
                "Wait until that is done and run the command again."
            ) from error
        raise StateUnusable(
            f"The state file {path} cannot be used: {error}. Move it away and run `holdfast sweep`: "
            "the calendars are the record, so everything is found again."
        ) from error
    if version > _SCHEMA_VERSION:
        raise StateUnusable(f"The state file {path} was written by a newer Holdfast. Update Holdfast.")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Let readers and a writer go on side by side.

    SQLite does not wait for its turn here. Whoever is in the way is opening the same file and sets it too, and until
    then all is as safe as before, only slower.
    """
    try:
        connection.execute("pragma journal_mode = wal")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise


@functools.lru_cache(maxsize=1024)
def _slots_text(slots: frozenset[SlotKey]) -> str:
    """Kept, as what is read is, because most people have the same."""
    return json.dumps(sorted(slots))


@functools.lru_cache(maxsize=1024)
def _slots(text: str) -> frozenset[SlotKey]:
    return frozenset(SlotKey(*slot) for slot in json.loads(text))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
