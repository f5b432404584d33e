"""One SQLite file, readable only by its owner: its tables, and how they are read and written."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.store.errors import StateUnusable

_SCHEMA_VERSION = 8
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
_BY_ITSELF = """
create table if not exists seen (tenant text, mailbox text, at text, etags text, primary key (tenant, mailbox));
create table if not exists subscription (tenant text, mailbox text, id text, expires text, mark text,
    primary key (tenant, mailbox));
create table if not exists tick (tenant text, job text, slot text, primary key (tenant, job));
create table if not exists job_run (tenant text, id text, job text, began text, run text, primary key (tenant, id));
create table if not exists shard (tenant text, run text, stage text, number integer, result text,
    primary key (tenant, run, stage, number));
create table if not exists queue (id integer primary key autoincrement, tenant text, name text, text text, due text,
    dequeued integer);
create index if not exists queue_due on queue (tenant, name, due)
"""
"""What the jobs need that run by themselves."""
_OWNER = (
    "alter table placed add column audiences text default '[]'",
    "alter table placed add column declines text default '[]'",
    "alter table placed add column name text default ''",
)
_SCHEMA = f"""
{_TOUCHES};
{_SENT};
{_POST};
{_SIGN_IN};
create table approval (tenant text primary key, fingerprint text, settings text, at text, groups text, complete text);
create table placed (tenant text, mailbox text, address text, slots text, primary key (tenant, mailbox));
{";".join(_OWNER)};
{_BY_ITSELF};
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
    2: (_TOUCHES, _SENT, _SIGN_IN, _POST, *_OWNER, _BY_ITSELF),
    3: (_SENT, _SIGN_IN, _POST, *_OWNER, _BY_ITSELF),
    4: (*_MESSAGE, _SIGN_IN, _POST, *_OWNER, _BY_ITSELF),
    5: (_SIGN_IN, _POST, *_OWNER, _BY_ITSELF),
    6: (_POST, *_OWNER, _BY_ITSELF),
    7: (*_OWNER, _BY_ITSELF),
}
"""What versions lack that are added to."""

_BUSY_SECONDS = 30


class SqliteRows:
    """The rows of one tenant, so that a file used for two tenants mixes nothing up."""

    def __init__(self, connection: sqlite3.Connection, tenant: str) -> None:
        self._connection = connection
        self.tenant = tenant
        self._waiting: list[tuple[str, tuple[object, ...], asyncio.Future[int]]] = []

    async def do(self, statement: str, *values: object) -> int:
        """Carry out a write together with those that others ask for in the same moment: it is done when this returns.

        Its first value is the tenant. Answers how many rows it wrote.

        One transaction for each would cost more than all else that is remembered of a mailbox.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._write)
        done: asyncio.Future[int] = loop.create_future()
        self._waiting.append((statement, (self.tenant, *values), done))
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

    def all(self, query: str, *values: object) -> sqlite3.Cursor:
        """What a query finds, whose first value is the tenant."""
        return self._connection.execute(query, (self.tenant, *values))

    def one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """The first row that a query finds, whose first value is the tenant."""
        row: tuple[Any, ...] | None = self._connection.execute(query, (self.tenant, *values)).fetchone()
        return row

    def scrub(self) -> None:
        """Write the file anew, so that nothing of what was deleted stands in its free space or in its log.

        Raises ``StateUnusable`` where somebody else is using it; what was deleted stays so.
        """
        try:
            self._connection.execute("vacuum")
            (busy, *_) = self._connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        except sqlite3.OperationalError as error:
            raise StateUnusable(_LEFT_OVER) from error
        if busy:
            raise StateUnusable(_LEFT_OVER)


_LEFT_OVER = (
    "It is forgotten, but the state file is in use, so that its free space could not be cleared of it. End what uses "
    "it, such as `holdfast serve`, and run the command again."
)


@contextmanager
def open_rows(path: Path, tenant: str) -> Iterator[SqliteRows]:
    """The rows of one tenant in the file at ``path``, made if need be. Raises ``StateUnusable``."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    except OSError as error:
        raise StateUnusable(f"The state file {path} cannot be opened: {error.strerror}. Set HOLDFAST_STATE.") from error
    try:
        _prepare(connection, path)
        connection.create_function("small", 1, str.lower, deterministic=True)  # SQLite's own knows a to z alone
        yield SqliteRows(connection, tenant)
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
            for statement in ";".join(_ADDED.get(version, (_SCHEMA,))).split(";"):
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
