"""A tenant at a standing clock, and a client of its Graph; each exchange fits Graph's description if there is one."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import Clock, Exchange, Sandbox, Tenant, firm
from tests.openapi import Description
from tests.sandbox.graph import NOW, Graph


def described(description: Description) -> Callable[[Exchange], None]:
    """Holds exchanges to the description, by its names of addresses and without those that it leaves out."""

    def check(exchange: Exchange) -> None:
        path = re.sub(r"^/me(?=[/?]|$)", "/users/me", exchange.path)
        path = re.sub(r"/messages/delta(?=\?|$)", "/messages/delta()", path)
        path = re.sub(r"/replies/[^/?]+$", "", path)
        if not re.match(r"/teams/.*/members(\?|$)", path):
            description.check(replace(exchange, path=path))

    return check


@pytest.fixture
def clock() -> Clock:
    return Clock(at=NOW)


@pytest.fixture
def tenant(clock: Clock) -> Tenant:
    return firm(people=12, seed=1, clock=clock, calendars=False)


@pytest.fixture
async def graph(tenant: Tenant) -> AsyncIterator[Graph]:
    sandbox = Sandbox()
    sandbox.add(tenant)
    path = os.environ.get("HOLDFAST_OPENAPI")
    description = Description.read(Path(path)) if path else None
    if description:
        sandbox.observers.append(described(description))
    graph = Graph(sandbox, tenant)
    async with graph.http:
        await graph.sign_in()
        yield graph
    if description:
        assert not description.problems, "\n".join(description.problems)
