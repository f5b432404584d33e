"""The state in a table, on Azurite: what every state promises, and what is only so of tables."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableClient

from holdfast.jobs.ports import State
from holdfast.store.table import TableState
from holdfast.store.table_rows import TABLE, TableRows
from tests.azurite import NAME, Azurite
from tests.store.contract import KEY, StateContract, Store
from tests.store.contract_of_runs import RunsContract

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


class TestTableState(StateContract, RunsContract):
    @pytest.fixture
    def store(self, table: TableStore) -> Store:
        return table
