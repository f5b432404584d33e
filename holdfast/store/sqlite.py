"""The state in one SQLite file: for one machine, readable only by its owner."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holdfast.core.model import Purpose
from holdfast.jobs.ports import Approval, Placed

_SCHEMA_VERSION = 1
_SCHEMA = """
create table approval (tenant text primary key, fingerprint text, settings text, at text, groups text, complete text);
create table placed (tenant text, mailbox text, address text, blocks text, primary key (tenant, mailbox));
create table purpose (tenant text, mailbox text, purpose text, at text, primary key (tenant, mailbox));
create table floor (tenant text, block text, generation integer, primary key (tenant, block));
create table run (tenant text primary key, run text);
"""
_BUSY_SECONDS = 30


class StateUnusable(Exception):
    """The file is not a state store of ours, or cannot be opened. The message says what to do."""


class SqliteState:
    """Fills the port State. Rows belong to one tenant, so that a file used for two tenants mixes nothing up."""

    def __init__(self, connection: sqlite3.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

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
        self._do(
            "insert or replace into approval values (?, ?, ?, ?, ?, ?)",
            approval.fingerprint,
            approval.settings,
            _text(approval.at),
            json.dumps(dict(approval.groups)),
            json.dumps(sorted(approval.complete)),
        )

    async def withdraw(self) -> None:
        """Forget the approval."""
        self._do("delete from approval where tenant = ?")

    async def placed(self) -> Mapping[str, Placed]:
        """Everybody who has blocks, by mailbox."""
        rows = self._all("select mailbox, address, blocks from placed where tenant = ?")
        return {mailbox: Placed(mailbox, address, frozenset(json.loads(blocks))) for mailbox, address, blocks in rows}

    async def place(self, placed: Placed) -> None:
        """Remember what a mailbox has; with no blocks left, forget it."""
        if placed.blocks:
            blocks = json.dumps(sorted(placed.blocks))
            self._do("insert or replace into placed values (?, ?, ?, ?)", placed.mailbox, placed.address, blocks)
        else:
            self._do("delete from placed where tenant = ? and mailbox = ?", placed.mailbox)

    async def purposes(self, *, since: datetime) -> Mapping[str, Purpose]:
        """What mailboxes are for, as far as it was learned at ``since`` or later."""
        rows = self._all("select mailbox, purpose from purpose where tenant = ? and at >= ?", _text(since))
        return {mailbox: Purpose(purpose) for mailbox, purpose in rows}

    async def learn_purpose(self, mailbox: str, purpose: Purpose, at: datetime) -> None:
        """Remember what a mailbox is for."""
        self._do("insert or replace into purpose values (?, ?, ?, ?)", mailbox, purpose.value, _text(at))

    async def floors(self) -> Mapping[str, int]:
        """The first generation to use for a block."""
        return dict(self._all("select block, generation from floor where tenant = ?"))

    async def raise_floor(self, block: str, generation: int) -> None:
        """Use at least this generation for a block from now on."""
        self._do(
            "insert into floor values (?, ?, ?) "
            "on conflict do update set generation = max(generation, excluded.generation)",
            block,
            generation,
        )

    async def last_run(self) -> Mapping[str, Any] | None:
        """The report of the last run."""
        row = self._one("select run from run where tenant = ?")
        return json.loads(row[0]) if row else None

    async def record_run(self, run: Mapping[str, Any]) -> None:
        """Remember a run as the last one."""
        self._do("insert or replace into run values (?, ?)", json.dumps(dict(run), ensure_ascii=False))

    def _do(self, statement: str, *values: object) -> None:
        with self._connection:
            self._connection.execute(statement, (self._tenant, *values))

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, (self._tenant, *values)).fetchall()

    def _one(self, query: str) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(query, (self._tenant,)).fetchone()
        return row


@contextmanager
def open_state(path: Path, tenant: str) -> Iterator[SqliteState]:
    """The state of one tenant in the file at ``path``, made if need be. Raises ``StateUnusable``."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    except OSError as error:
        raise StateUnusable(f"The state file {path} cannot be opened: {error.strerror}. Set HOLDFAST_STATE.") from error
    try:
        _prepare(connection, path)
        yield SqliteState(connection, tenant)
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        _log_ahead(connection)
        connection.execute("pragma synchronous = normal")
        connection.execute("begin immediate")
        (version,) = connection.execute("pragma user_version").fetchone()
        if version == 0:
            for statement in filter(str.strip, _SCHEMA.split(";")):
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


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
