"""A pretend firm and the port to its calendars; each exchange fits Graph's description if there is one."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graph_client.connect import connect
from sandbox import Clock, Sandbox, firm
from sandbox.transport import InProcess
from tests.graph_client.office import Office, TenantTokens
from tests.graph_client.world import CONNECTION, NOON, JumpingClock
from tests.openapi import Description


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    sandbox = Sandbox()
    tenant = sandbox.add(firm(people=24, seed=1, clock=Clock(at=NOON), calendars=False))
    path = os.environ.get("HOLDFAST_OPENAPI")
    description = Description.read(Path(path)) if path else None
    if description:
        sandbox.observers.append(description.check)
    chance = random.Random(3)  # noqa: S311 - tests repeat
    tokens, transport = TenantTokens(sandbox, tenant), InProcess(sandbox.app)
    async with connect(CONNECTION, clock=JumpingClock(), random=chance, tokens=tokens, transport=transport) as graph:
        office = Office(tenant, graph.calendars, sandbox.observers)
        sandbox.observers.append(office.note)
        yield office
    if description:
        assert not description.problems, "\n".join(description.problems)
