"""The state that the tests of jobs use keeps the promises of the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from holdfast.jobs.ports import State
from tests.jobs.memory import MemoryState
from tests.store.contract import StateContract, Store
from tests.store.contract_of_one_person import OnePersonContract
from tests.store.contract_of_runs import RunsContract


class MemoryStore(Store):
    def __init__(self) -> None:
        self._tenants: dict[str, MemoryState] = {}

    @contextmanager
    def open(self, tenant: str) -> Iterator[State]:
        yield self._tenants.setdefault(tenant, MemoryState())


class TestStateInMemory(StateContract, RunsContract, OnePersonContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()
