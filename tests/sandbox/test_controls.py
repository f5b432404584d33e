"""The sandbox's own routes and its page."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from sandbox import Clock, Sandbox, Tenant, firm
from tests.sandbox.graph import NOW, Graph, of, weekly


def at(tenant: Tenant, what: str) -> str:
    return f"/sandbox/tenants/{tenant.id}/{what}"


async def test_roster_and_counts(graph: Graph, tenant: Tenant) -> None:
    found = (await graph.http.get("/sandbox/tenants")).json()
    assert found == [{"id": tenant.id, "name": "Fjällvik AB", "accounts": 17, "employees": 12}]
    roster = (await graph.http.get(at(tenant, "roster"))).json()
    assert [(one["id"], one["kind"], one["mailbox"]) for one in roster] == [
        (one.id, one.kind, one.mailbox is not None) for one in tenant.accounts
    ]
    await graph.get(f"{of(tenant)}/events")
    counts = (await graph.http.get(at(tenant, "counts"))).json()
    assert counts["calls"] == {"GET events": 1}
    assert counts["paths"] == {"GET /users/*/events": 1}
    assert set(counts["bytes"]) == {"GET /users/*/events"}
    assert counts["requests"] == counts["tokens"] == 1
    assert (await graph.http.get("/sandbox/tenants/elsewhere/roster")).status_code == 404


async def test_a_calendar_by_address_or_id(graph: Graph, tenant: Tenant) -> None:
    await graph.made(f"{of(tenant)}/events", weekly())
    one = tenant.employees[0]
    query = "from=2026-12-01T00:00:00Z&to=2026-12-12"
    by_id = (await graph.http.get(at(tenant, f"calendars/{one.id}?{query}"))).json()
    assert by_id == (await graph.http.get(at(tenant, f"calendars/{one.address}?{query}"))).json()
    assert [(found["start"], found["tag"], found["type"]) for found in by_id] == [
        ("2026-12-03T08:00:00.0000000Z", "mark;1", "occurrence"),
        ("2026-12-10T08:00:00.0000000Z", "mark;1", "occurrence"),
    ]
    assert len((await graph.http.get(at(tenant, f"calendars/{one.id}"))).json()) == 3
    assert (await graph.http.get(at(tenant, "calendars/nobody"))).status_code == 404
    assert (await graph.http.get(at(tenant, f"calendars/{one.id}?from=soon"))).status_code == 400


async def test_the_clock_is_read_and_set(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    path = at(tenant, "clock")
    assert (await graph.http.get(path)).json() == {"now": NOW.isoformat(), "stands": True}
    assert (await graph.http.post(path, json={"advance_seconds": 90})).status_code == 200
    assert clock.now() == NOW + timedelta(seconds=90)
    await graph.http.post(path, json={"now": "2027-01-01T00:00:00"})
    assert clock.now().year == 2027
    for wrong in [{}, {"now": "soon"}, {"advance_seconds": "many"}, []]:
        assert (await graph.http.post(path, json=wrong)).status_code == 400


async def test_deleting_and_moving(graph: Graph, tenant: Tenant) -> None:
    await graph.made(f"{of(tenant)}/events", weekly())
    here = f"calendars/{tenant.employees[0].id}"

    async def entries() -> list[dict[str, str]]:
        found: list[dict[str, str]] = (await graph.http.get(at(tenant, here))).json()
        return found

    first, second, third = await entries()
    move = {"event": first["id"], "starts": "2026-12-04T13:00"}
    assert (await graph.http.post(at(tenant, f"{here}/move"), json=move)).json() == {"done": True}
    gone = await graph.http.post(at(tenant, f"{here}/delete"), data={"event": second["id"]})
    assert gone.status_code == 303
    assert gone.headers["location"] == f"/?tenant={tenant.id}&who={tenant.employees[0].id}"
    assert [one["start"] for one in await entries()] == ["2026-12-04T12:00:00.0000000Z", third["start"]]
    series = {"event": first["id"], "at": "10:30"}
    assert (await graph.http.post(at(tenant, f"{here}/move"), json=series)).status_code == 200
    assert [one["start"][11:16] for one in await entries()] == ["09:30"] * 3
    first, second, third = await entries()
    move["event"] = first["id"]
    crossing = await graph.http.post(at(tenant, f"{here}/move"), json={**move, "starts": "2027-12-04T13:00"})
    assert (crossing.status_code, crossing.json()["code"]) == (400, "ErrorOccurrenceCrossingBoundary")
    assert (await graph.http.post(at(tenant, f"{here}/delete"), json={})).status_code == 400
    await graph.http.post(at(tenant, f"{here}/delete"), json={"event": third["id"], "what": "series"})
    assert await entries() == []


async def test_the_page_escapes_and_marks(graph: Graph, tenant: Tenant) -> None:
    one = tenant.employees[0]
    await graph.made(f"{of(tenant)}/events", weekly(subject="<script>alert(1)</script>"))
    people = (await graph.http.get("/?q=UTVECKLING")).text
    assert one.display_name in people
    assert f"/?tenant={tenant.id}&amp;who={one.id}" in people
    page = (await graph.http.get(f"/?who={one.id}")).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.count('class="ours"') == 4
    assert "Thu 03 Dec 09:00&ndash;10:00" in page
    assert not re.search(r'(src|href)="https?:', page)
    moved = await graph.http.get(f"/?who={tenant.accounts[-1].id}")
    assert "Nothing in the coming weeks" in moved.text


async def test_the_page_of_several_tenants_and_of_none(tenant: Tenant) -> None:
    sandbox = Sandbox()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="https://localhost") as http:
        assert "no tenant" in (await http.get("/")).text
        sandbox.add(tenant)
        other = sandbox.add(firm(people=80, seed=5, clock=tenant.clock))
        assert f"/?tenant={other.id}" in (await http.get(f"/?tenant={tenant.id}")).text
        assert "more</p>" in (await http.get(f"/?tenant={other.id}")).text


@pytest.mark.parametrize("path", ["/", "/sandbox/tenants"])
async def test_other_machines_are_refused(tenant: Tenant, path: str) -> None:
    sandbox = Sandbox()
    sandbox.add(tenant)
    transport = httpx.ASGITransport(sandbox.app, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as http:
        assert (await http.get(path)).status_code == 403


async def test_zone_and_hours_are_looked_at_and_changed(graph: Graph, tenant: Tenant) -> None:
    path = at(tenant, f"calendars/{tenant.employees[0].address}/settings")
    usual = (await graph.http.get(path)).json()
    assert usual["time_zone"] == usual["working_hours"]["timeZone"]["name"] == "W. Europe Standard Time"
    changed = {"time_zone": "Europe/Helsinki", "days": ["monday"], "ends": "12:00"}
    assert (await graph.http.post(path, json=changed)).status_code == 200
    now = (await graph.http.get(path)).json()
    assert now["time_zone"] == "Europe/Helsinki"
    assert now["working_hours"]["daysOfWeek"] == ["monday"]
    assert now["working_hours"]["startTime"][:5] == "08:00"
    assert now["working_hours"]["endTime"][:5] == "12:00"
    page = (await graph.http.get(f"/?who={tenant.employees[0].id}")).text
    assert "FLE Standard Time" in page
    for wrong in [
        {"time_zone": "Nowhere"},
        {"days": ["thorsday"]},
        {"days": "monday"},
        {"starts": "late"},
        {"starts": "13:00"},
        {"hours_zone": "Europe/Stockholm"},
    ]:
        assert (await graph.http.post(path, json=wrong)).status_code == 400
    assert (await graph.http.get(path)).json() == now
