"""Throttling: four calls in flight per mailbox, calls in ten minutes, resource units, and what a test asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from sandbox import Clock, Limits, Tenant, firm
from sandbox.errors import GraphError
from sandbox.mailbox import Pressure
from tests.sandbox.graph import NOW, Graph, of

Result = TypeVar("Result")


async def with_time(clock: Clock, seconds: float, *waiting: Awaitable[Result]) -> list[Result]:
    """Let calls begin, then let the time pass that they take."""
    together = asyncio.gather(*waiting)
    for _ in range(50):
        await asyncio.sleep(0)
    clock.advance(timedelta(seconds=seconds))
    return list(await together)


async def test_four_calls_in_flight_per_mailbox(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.latency = 0.5
    calls = [graph.get(f"{of(tenant)}/events") for _ in range(6)] + [graph.get(f"{of(tenant, 1)}/events")]
    replies = await with_time(clock, 0.5, *calls)
    assert [one.status for one in replies] == [200] * 4 + [429] * 2 + [200]
    assert replies[4].code == "ApplicationThrottled"
    assert replies[4].headers["retry-after"] == "5"
    assert tenant.counts.throttled == {"MailboxConcurrency": 2}
    assert tenant.counts.most_in_flight[tenant.employees[0].id] == 5
    (later,) = await with_time(clock, 0.5, graph.get(f"{of(tenant)}/events"))
    assert later.status == 200
    assert tenant.counts.early_retries == 2  # the sixth, which came in when the fifth had been told to wait, and this


async def test_a_batch_sends_four_at_a_time_into_outlook(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.latency = 1.0
    requests = [{"id": str(n), "method": "GET", "url": f"{of(tenant)}/events"} for n in range(8)]
    batch = asyncio.create_task(graph.batch(*requests))
    for passed in range(2):
        for _ in range(50):
            await asyncio.sleep(0)
        assert not batch.done(), passed
        clock.advance(timedelta(seconds=1))
    assert {one["status"] for one in (await batch).values()} == {200}
    assert tenant.counts.most_in_flight == {tenant.employees[0].id: 4}


async def test_two_batches_for_one_mailbox_are_too_many(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.latency = 1.0
    requests = [{"id": str(n), "method": "GET", "url": f"{of(tenant)}/events"} for n in range(4)]
    found = await with_time(clock, 1, graph.batch(*requests), graph.batch(*requests))
    statuses = sorted(one["status"] for batch in found for one in batch.values())
    assert statuses == [200] * 4 + [429] * 4
    waits = {one["headers"].get("Retry-After") for batch in found for one in batch.values() if one["status"] == 429}
    assert waits == {"5"}


async def test_calls_in_a_window_per_mailbox(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.limits = Limits(calls_per_mailbox=2)
    path = f"{of(tenant)}/events"
    assert [(await graph.get(path)).status for _ in range(3)] == [200, 200, 429]
    assert (await graph.get(f"{of(tenant, 1)}/events")).status == 200
    clock.advance(timedelta(seconds=200))
    late = await graph.get(path)
    assert (late.status, late.headers["retry-after"]) == (429, "400")
    assert tenant.counts.early_retries == 1
    clock.advance(timedelta(seconds=400))
    assert (await graph.get(path)).status == 200
    assert tenant.counts.early_retries == 1
    assert tenant.counts.throttled == {"MailboxVolume": 2}


async def test_resource_units_of_the_directory(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.limits = replace(tenant.limits, units_per_tenant=10)
    members = f"/groups/{tenant.everyone.id}/transitiveMembers"
    assert (await graph.get(members)).headers["x-ms-resource-unit"] == "5"
    assert (await graph.get(f"{members}?$select=id&$top=5")).headers["x-ms-resource-unit"] == "3"
    told = await graph.get("/users?$select=id")
    assert (told.headers["x-ms-resource-unit"], told.headers["x-ms-throttle-limit-percentage"]) == ("1", "0.9")
    over = await graph.get(members)
    assert (over.status, over.code, over.headers["retry-after"]) == (429, "TooManyRequests", "10")
    clock.advance(timedelta(seconds=10))
    assert (await graph.get(members)).status == 200
    assert tenant.counts.throttled == {"ResourceUnits": 1}


async def test_a_test_asks_for_throttling(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.mailbox(tenant.employees[0].id).pressure = Pressure(calls=2, retry_after=7)
    path = f"{of(tenant)}/events"
    first = await graph.get(path)
    assert (first.status, first.headers["retry-after"]) == (429, "7")
    clock.advance(timedelta(seconds=6))
    assert (await graph.get(path)).status == 429
    assert tenant.counts.early_retries == 1
    clock.advance(timedelta(seconds=7))
    assert (await graph.get(path)).status == 200
    assert tenant.counts.early_retries == 1
    assert tenant.counts.throttled == {"Scripted": 2}


async def test_a_call_that_fails_is_not_in_flight_any_more(graph: Graph, tenant: Tenant) -> None:
    for _ in range(6):
        assert (await graph.get(f"{of(tenant)}/events/lost")).status == 400
    assert tenant.counts.most_in_flight[tenant.employees[0].id] == 1


@pytest.mark.parametrize(("people", "units"), [(12, 3500), (60, 5000), (600, 8000)])
def test_units_by_the_size_of_the_tenant(people: int, units: int) -> None:
    tenant = firm(people=people, clock=Clock(at=NOW), calendars=False)
    tenant.throttle.spend("app", units)
    with pytest.raises(GraphError, match="429"):
        tenant.throttle.spend("app", 1)


async def test_counts_can_begin_again(graph: Graph, tenant: Tenant) -> None:
    await graph.get(f"{of(tenant)}/events")
    assert tenant.counts.json()["calls"] == {"GET events": 1}
    tenant.counts.clear()
    assert not any(tenant.counts.json().values())
