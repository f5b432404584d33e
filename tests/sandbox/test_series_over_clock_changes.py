"""Series over the clock changes of a year, in the zones of five cities, as Graph shows them month after month.

The dates of the changes are written down here; the sandbox takes them from the machine's zone data.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import Clock, Facts, Tenant, firm
from tests.sandbox.graph import IMMUTABLE, NOW, Graph, at, event, of, weekly, window

CITIES = {
    "W. Europe Standard Time": ("Stockholm", 1, ["2027-03-28", "2027-10-31"]),
    "FLE Standard Time": ("Helsinki", 2, ["2027-03-28", "2027-10-31"]),
    "GMT Standard Time": ("London", 0, ["2027-03-28", "2027-10-31"]),
    "Eastern Standard Time": ("New York", -5, ["2027-03-14", "2027-11-07"]),
    "AUS Eastern Standard Time": ("Sydney", 11, ["2027-04-04", "2027-10-03"]),
}
"""Zones by Windows' names; hours ahead of UTC on 1 December 2026, and when they change by one."""

ZONES = pytest.mark.parametrize("zone", CITIES, ids=[city for city, _, _ in CITIES.values()])


def ahead(zone: str, day: str) -> int:
    """Hours that a zone is ahead of UTC at nine o'clock on a day of the year from December 2026 on."""
    _, usual, (first, second) = CITIES[zone]
    between = first <= day < second
    return usual + (0 if not between else -1 if zone.startswith("AUS") else 1)


def series(zone: str, **pattern: Any) -> dict[str, Any]:
    body = weekly(first="2026-12-03", last="2027-12-02", start=at("2026-12-03T09:00:00", zone))
    body["end"] = at("2026-12-03T10:00:00", zone)
    body["recurrence"]["range"]["recurrenceTimeZone"] = zone
    body["recurrence"]["pattern"] = {**body["recurrence"]["pattern"], **pattern}
    return body


async def months(graph: Graph, tenant: Tenant, master: str, **headers: str) -> list[dict[str, Any]]:
    """All dates of a year, asked for a month at a time while the tenant's clock moves on by months."""
    found: dict[str, dict[str, Any]] = {}
    for number in range(13):
        since = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(days=31 * number)
        tenant.clock.set(max(since, tenant.clock.now()))
        await graph.sign_in()
        span = window(*(f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in (since, since + timedelta(days=31)))) + "&$top=100"
        for path in (f"{event(master)}/instances", "/calendarView"):
            for page in await graph.pages(f"{of(tenant)}{path}?{span}", **IMMUTABLE, **headers):
                for one in page:
                    assert found.setdefault(one["id"], one)["start"] == one["start"]
    return sorted(found.values(), key=lambda one: str(one["start"]["dateTime"]))


@ZONES
@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ({}, 53),
        ({"interval": 2}, 27),
        ({"type": "relativeMonthly", "index": "first"}, 13),
        ({"type": "absoluteMonthly", "dayOfMonth": 3}, 12),
        ({"type": "daily"}, 365),
    ],
    ids=["weekly", "every other week", "first Thursday", "the third", "daily"],
)
async def test_nine_o_clock_stays_nine_o_clock(
    graph: Graph, tenant: Tenant, zone: str, pattern: dict[str, Any], count: int
) -> None:
    master = await graph.made(f"{of(tenant)}/events", series(zone, **pattern), **IMMUTABLE)
    found = await months(graph, tenant, master["id"])
    assert len(found) == count
    for one in found:
        starts = datetime.fromisoformat(one["start"]["dateTime"][:19])
        day = f"{starts + timedelta(hours=CITIES[zone][1]):%Y-%m-%d}"
        local = starts + timedelta(hours=ahead(zone, day))
        assert f"{local:%H:%M}" == "09:00", one["start"]
        assert datetime.fromisoformat(one["end"]["dateTime"][:19]) - starts == timedelta(hours=1)
        assert one["originalStart"] == f"{starts:%Y-%m-%dT%H:%M:%S}Z"
    assert len({one["start"]["dateTime"][11:13] for one in found}) == 2


@ZONES
async def test_shown_in_its_own_zone_it_is_the_same_hour_all_year(graph: Graph, tenant: Tenant, zone: str) -> None:
    master = await graph.made(f"{of(tenant)}/events", series(zone), **IMMUTABLE)
    prefer = {**IMMUTABLE, "Prefer": f'{IMMUTABLE["Prefer"]}, outlook.timezone="{zone}"'}
    year = window("2026-12-01T00:00:00Z", "2027-12-31T00:00:00Z")
    pages = await graph.pages(f"{of(tenant)}{event(master['id'])}/instances?{year}", **prefer)
    found = [one["start"]["dateTime"] for page in pages for one in page]
    first = datetime(2026, 12, 3, 9)  # noqa: DTZ001 - a wall-clock time
    assert found == [f"{(first + timedelta(weeks=week)).isoformat()}.0000000" for week in range(53)]


@ZONES
async def test_a_date_that_was_moved_or_a_range_that_was_shortened_keeps_the_hour_too(
    graph: Graph, tenant: Tenant, zone: str
) -> None:
    tenant.facts = Facts(range_end_only_keeps_exceptions=True)
    master = await graph.made(f"{of(tenant)}/events", series(zone), **IMMUTABLE)
    for number, change in enumerate(CITIES[zone][2], start=1):
        day = next(f"{one:%Y-%m-%d}" for one in _thursdays() if f"{one:%Y-%m-%d}" >= change)
        midnight = datetime.fromisoformat(f"{day}T00:00:00")
        span = window(f"{midnight - timedelta(hours=4):%Y-%m-%dT%H:%M:%SZ}", f"{day}T23:00:00Z")
        (one,) = (await graph.get(f"{of(tenant)}{event(master['id'])}/instances?{span}", **IMMUTABLE)).body["value"]
        later = {"start": at(f"{day}T14:00:00", zone), "end": at(f"{day}T15:00:00", zone)}
        moved = (await graph.patch(of(tenant) + event(one["id"]), later, **IMMUTABLE)).body
        starts = datetime.fromisoformat(moved["start"]["dateTime"][:19])
        assert starts + timedelta(hours=ahead(zone, day)) == datetime.fromisoformat(f"{day}T14:00:00")
        assert moved["originalStart"] == one["originalStart"]
        shorter = {"recurrence": {"range": {**master["recurrence"]["range"], "endDate": f"2027-11-{30 - number}"}}}
        await graph.patch(of(tenant) + event(master["id"]), shorter)
        (again,) = (await graph.get(f"{of(tenant)}{event(master['id'])}/instances?{span}", **IMMUTABLE)).body["value"]
        assert again["start"] == moved["start"]


def _thursdays() -> list[datetime]:
    return [datetime(2026, 12, 3, tzinfo=UTC) + timedelta(weeks=week) for week in range(53)]


@ZONES
async def test_free_and_busy_keep_the_hour(graph: Graph, tenant: Tenant, zone: str) -> None:
    await graph.made(f"{of(tenant)}/events", series(zone))
    for day in [*CITIES[zone][2], "2027-02-04", "2027-07-01"]:
        since = min(one for one in _thursdays() if f"{one:%Y-%m-%d}" >= day)
        body = {
            "schedules": [tenant.employees[0].address],
            "startTime": at(f"{since:%Y-%m-%d}T08:00:00", zone),
            "endTime": at(f"{since:%Y-%m-%d}T11:00:00", zone),
        }
        reply = await graph.post(f"{of(tenant)}/calendar/getSchedule", body)
        assert reply.body["value"][0]["availabilityView"] == "002200"


def test_a_firm_made_in_summer_has_its_meetings_at_the_same_hour_in_winter() -> None:
    tenant = firm(40, 1, Clock(at=NOW.replace(month=8)), abroad=0.3)
    for one in tenant.employees:
        entries = tenant.calendar(one.id, NOW.replace(month=9), NOW + timedelta(days=60))
        hours = {entry.start.hour for entry in entries if entry.series_id}
        assert len(hours) in (0, 2)
