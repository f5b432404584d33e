"""The state in a table, on Azurite: what every state promises, and what is only so of tables."""

from __future__ import annotations

import asyncio
import base64
import itertools
import random
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableClient
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import NotSignedIn
from holdfast.core.report import MOST_NAMED, to_remember
from holdfast.jobs.ports import State
from holdfast.store.account import Account
from holdfast.store.errors import StateUnusable
from holdfast.store.key import Key
from holdfast.store.table import TableState, open_state
from holdfast.store.table_rows import TABLE, TableRows, part
from holdfast.store.table_runs import GROUP
from tests.azurite import NAME, Azurite
from tests.store.contract import (
    APPROVAL,
    CILLA,
    EVERYTHING,
    KEY,
    LEARNED,
    NOON,
    NOTHING,
    OF_ANNA,
    RUN,
    TENANT,
    StateContract,
    Store,
    claimed,
    remember_everything,
    remembered,
)
from tests.store.contract_of_one_person import OnePersonContract
from tests.store.contract_of_runs import RunsContract

NEW = Key(b"another one of these, 32 bytes ..")
ROTATING = Key(NEW.secret, KEY.secret)

_numbers = itertools.count()


class TableStore(Store):
    """States on one table, which are told apart from those of other tests by the names of their tenants."""

    def __init__(self, client: TableClient) -> None:
        self.client = client
        self.number = next(_numbers)

    def tenant(self, tenant: str) -> str:
        return f"{self.number}-{tenant}"

    @contextmanager
    def open(self, tenant: str) -> Iterator[State]:
        yield TableState(TableRows(self.client, self.tenant(tenant)), KEY)


@pytest.fixture
async def table(azurite: Azurite) -> AsyncIterator[TableStore]:
    credential = AzureNamedKeyCredential(NAME, azurite.key)
    async with TableClient(azurite.tables, TABLE, credential=credential) as client:
        yield TableStore(client)


class TestTableState(StateContract, RunsContract, OnePersonContract):
    @pytest.fixture
    def store(self, table: TableStore) -> Store:
        return table


async def raw(table: TableStore) -> str:
    """All that stands in the rows of a test's tenant, as text."""
    whose = {"first": table.tenant(""), "past": f"{table.number}."}
    rows = table.client.query_entities("PartitionKey ge @first and PartitionKey lt @past", parameters=whose)
    return repr([dict(row) async for row in rows])


def opened(table: TableStore, key: Key) -> TableState:
    return TableState(TableRows(table.client, table.tenant(TENANT)), key)


# Keys of rows


@given(st.text(), st.text())
def test_of_two_texts_the_parts_of_keys_differ_and_hold_nothing_that_azure_refuses(one: str, other: str) -> None:
    assert (part(one) == part(other)) == (one == other)
    assert re.fullmatch(r"[A-Za-z0-9.~-]{1,120}", part(one))


def test_long_texts_have_short_parts_that_differ() -> None:
    parts = {part("x" * 500 + end) for end in ("", "a", "b", "å" * 900)} | {part("x" * 120)}
    assert len(parts) == 5
    assert max(map(len, parts)) == 120


# What is long


async def test_what_is_longer_than_a_property_comes_back_whole(table: TableStore) -> None:
    state = opened(table, KEY)
    settings = "".join(f"  - title: Kurs {number} \U0001f4da\n" for number in range(20_000))
    long = replace(APPROVAL, settings=settings, groups={f"g{n}": ("Alla", f"id-{n}") for n in range(2_000)})
    await state.approve(long)
    assert await state.approval() == long
    report = {"problems": [{"mailbox": f"id-{number:06}", "what": "Röd dag"} for number in range(30_000)]}
    await state.record_run(report)
    assert await state.last_run() == report
    await state.approve(APPROVAL)
    await state.record_run(RUN)
    assert (await state.approval(), await state.last_run()) == (APPROVAL, RUN)


async def test_a_run_in_which_everybody_failed_is_remembered(table: TableStore) -> None:
    state, chance = opened(table, KEY), random.Random(1)  # noqa: S311 - ids that do not compress
    problems = [
        {
            "mailbox": f"{chance.randbytes(8).hex()}.{number}@fjallvik.example",
            "state": "unread",
            "message": "Access is denied. Check credentials and try again.",
            "cure": "Grant the application Calendars.ReadWrite, and let an admin consent to it.",
            "code": "ErrorAccessDenied",
            "request_id": str(uuid.UUID(bytes=chance.randbytes(16))),
        }
        for number in range(100_000)
    ]
    await state.record_run(to_remember({"problems": problems, "note": ""}))
    kept = await state.last_run()
    assert kept is not None
    assert kept["problems"] == problems[:MOST_NAMED]


async def test_what_no_row_can_hold_is_refused_and_what_stood_there_stays(table: TableStore) -> None:
    state = opened(table, KEY)
    await state.record_run(RUN)
    chance = random.Random(1)  # noqa: S311 - noise that cannot be compressed
    with pytest.raises(StateUnusable, match="no room in one row"):
        await state.record_run({"noise": chance.randbytes(800_000).hex()})
    assert await state.last_run() == RUN


# Shards


class CountedRows(TableRows):
    """Counts the rows that are read."""

    read = 0

    async def every(self, *args: Any, **more: Any) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        async for found in super().every(*args, **more):
            self.read += 1
            yield found


async def test_recording_a_shard_costs_as_much_in_a_big_firm_as_in_a_small_one(table: TableStore) -> None:
    rows = CountedRows(table.client, table.tenant(TENANT))
    state, shards = TableState(rows, KEY), 2 * GROUP
    costs = []
    for index in range(shards):
        rows.read = 0
        await state.record_shard("run-1", "look", index, {}, of=shards)
        costs.append(rows.read)
    assert max(costs) == GROUP + shards // GROUP
    assert sum(costs) < shards * GROUP


async def test_a_partition_of_more_rows_than_fit_one_transaction_is_emptied(table: TableStore) -> None:
    rows = TableRows(table.client, table.tenant(TENANT))
    await asyncio.gather(*(rows.put("many", f"{number:03}", {}) for number in range(101)))
    await rows.put("others", "one", {})
    await asyncio.gather(rows.drop_every("many"), rows.drop_every("many"))
    assert [key async for key, _ in rows.every("many")] == []
    assert [key async for key, _ in rows.every("others")] == ["one"]


# Before anything is there


async def test_where_there_is_no_table_nothing_is_remembered_and_the_first_write_makes_one(azurite: Azurite) -> None:
    credential = AzureNamedKeyCredential(NAME, azurite.key)
    async with TableClient(azurite.tables, "madebyfirst", credential=credential) as client:
        state = TableState(TableRows(client, TENANT), KEY)
        assert await remembered(state) == NOTHING
        await state.know("id-anna", None)
        await state.forget_touches(NOON.date())
        await state.forget_runs(NOON)
        assert await state.begin_tick("sweep", NOON)
        await remember_everything(state)
        assert await remembered(state) == EVERYTHING


async def test_of_many_who_write_first_all_do(azurite: Azurite) -> None:
    credential = AzureNamedKeyCredential(NAME, azurite.key)
    async with TableClient(azurite.tables, "madebymany", credential=credential) as client:
        state = TableState(TableRows(client, TENANT), KEY)
        await asyncio.gather(*(state.raise_floor(f"block-{number}", 1) for number in range(9)))
        assert len(await state.floors()) == 9


# What people did


async def test_the_table_names_nobody_who_did_or_was_told_anything(table: TableStore) -> None:
    state = opened(table, KEY)
    assert await claimed(state, "note Thu 09:00 2026-4")
    await state.touch("id-anna", OF_ANNA)
    await state.keep_token_cache(b"a refresh token", NOON)
    found = await raw(table)
    assert "2026-4" in found
    assert "cilla" not in found
    assert "id-anna" not in found
    assert "refresh" not in found


async def test_while_a_key_is_replaced_what_was_before_still_counts(table: TableStore) -> None:
    old, both, new = (opened(table, key) for key in (KEY, ROTATING, NEW))
    assert await claimed(old, "note 1")
    await old.touch("id-anna", OF_ANNA)
    await old.keep_token_cache(b"tokens", NOON)
    assert await both.sent(CILLA) == {"note 1": NOON}
    assert not await claimed(both, "note 1")
    assert await claimed(both, "note 2", at=NOON + timedelta(hours=1))
    assert not await claimed(both, "note 3", at=NOON + timedelta(hours=2))
    assert set(await new.sent(CILLA)) == {"note 1", "note 2"}
    assert await both.touches("id-anna") == OF_ANNA
    await both.touch("id-anna", OF_ANNA)
    assert await new.touches("id-anna") == OF_ANNA
    assert await both.renew_token_cache(b"renewed", NOON, instead_of=b"tokens")
    assert await new.token_cache() == b"renewed"
    with pytest.raises(NotSignedIn, match="another key"):
        await old.token_cache()


async def test_what_was_sent_under_the_key_before_can_be_taken_back(table: TableStore) -> None:
    old, both = opened(table, KEY), opened(table, ROTATING)
    assert await claimed(old, "note 1", "note 2")
    await both.take_back(CILLA, ["note 1", "note 2"])
    assert await both.sent(CILLA) == {}
    assert await claimed(both, "note 1")


async def test_profiles_of_who_has_left_are_forgotten(table: TableStore) -> None:
    state = opened(table, KEY)
    await state.learn("id-anna", LEARNED)
    await state.learn("id-bo", replace(LEARNED, at=NOON + timedelta(days=1)))
    await state.forget_touches(NOON.date() + timedelta(days=1))
    assert await state.profile("id-anna") is None
    assert await state.profile("id-bo") is not None


# What an account refuses


async def test_an_account_that_refuses_is_told_with_what_to_do(azurite: Azurite) -> None:
    wrong = Account(azurite.tables, azurite.queues, base64.b64encode(b"wrong").decode())
    async with open_state(wrong, TENANT, KEY) as state:
        with pytest.raises(StateUnusable, match="Storage Table Data Contributor") as refused:
            await state.approval()
        assert azurite.tables in str(refused.value)
        with pytest.raises(StateUnusable, match="Storage Table Data Contributor"):
            await state.raise_floor("lartimmen", 1)
