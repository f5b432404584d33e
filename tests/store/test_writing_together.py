"""Writes that are asked for in the same moment share a transaction, and each is done when it returns."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from holdfast.core.model import SlotKey
from holdfast.jobs.ports import Placed
from holdfast.store.key import Key
from holdfast.store.sqlite import open_state

TENANT = "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"
KEY = Key(b"k" * 32)


def placed(mailbox: str) -> Placed:
    return Placed(mailbox, f"{mailbox}@fjallvik.example", frozenset({SlotKey("lartimmen", "0a1b2c3d")}))


async def test_a_write_is_there_for_another_process_when_it_returns(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.db"
    with open_state(path, TENANT, KEY) as state, sqlite3.connect(path) as other:
        await state.place(placed("anna"))
        assert other.execute("select mailbox from placed").fetchall() == [("anna",)]
    other.close()


async def test_many_writes_at_once_are_one_transaction(tmp_path: Path) -> None:
    with open_state(tmp_path / "holdfast.db", TENANT, KEY) as state:
        begun: list[str] = []
        state._rows._connection.set_trace_callback(
            lambda said: begun.append(said) if said.startswith("BEGIN") else None
        )
        await asyncio.gather(*(state.place(placed(f"person{number}")) for number in range(80)))
        assert len(begun) == 1
        assert len(await state.placed()) == 80


async def test_a_write_that_fails_fails_for_all_who_share_its_transaction(tmp_path: Path) -> None:
    with open_state(tmp_path / "holdfast.db", TENANT, KEY) as state:
        state._rows._connection.execute("drop table profile")
        came = await asyncio.gather(
            state.place(placed("anna")), state._rows.do("delete from profile where tenant = ?"), return_exceptions=True
        )
        assert [type(error) for error in came] == [sqlite3.OperationalError] * 2
        assert not await state.placed()


async def test_one_who_does_not_wait_any_more_keeps_nobody_else(tmp_path: Path) -> None:
    with open_state(tmp_path / "holdfast.db", TENANT, KEY) as state:
        leaving = asyncio.create_task(state.place(placed("anna")))
        staying = asyncio.create_task(state.place(placed("bo")))
        await asyncio.sleep(0)
        leaving.cancel()
        await staying
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert "bo" in await state.placed()
