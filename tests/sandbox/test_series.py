"""Series over Graph: expansion over clock changes, exceptions, gaps, and what a change of the master does to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from sandbox import Facts, Tenant
from sandbox.parsing import draft
from tests.sandbox.graph import IMMUTABLE, TAG, W_EUROPE, Graph, at, event, expand, of, single, weekly, window

YEAR = window("2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z")


async def instances(graph: Graph, tenant: Tenant, master: str, query: str = YEAR) -> list[dict[str, Any]]:
    pages = await graph.pages(f"{of(tenant)}{event(master)}/instances?{query}&$top=100", **IMMUTABLE)
    return [one for page in pages for one in page]


def starts(found: list[dict[str, Any]]) -> list[str]:
    return [one["start"]["dateTime"][:16] for one in found]


async def test_a_master_and_its_dates(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    assert master["type"] == "seriesMaster"
    assert master["start"]["dateTime"] == "2026-12-03T08:00:00.0000000"
    assert master["recurrence"] == {
        "pattern": {
            "type": "weekly",
            "interval": 1,
            "month": 0,
            "dayOfMonth": 0,
            "daysOfWeek": ["thursday"],
            "firstDayOfWeek": "monday",
            "index": "first",
        },
        "range": {
            "type": "endDate",
            "startDate": "2026-12-03",
            "endDate": "2027-06-30",
            "recurrenceTimeZone": W_EUROPE,
            "numberOfOccurrences": 0,
        },
    }
    found = await instances(graph, tenant, master["id"])
    assert len(found) == 30
    assert {one["type"] for one in found} == {"occurrence"}
    assert {one["seriesMasterId"] for one in found} == {master["id"]}
    assert {str(one["recurrence"]) for one in found} == {"None"}
    assert found[0]["originalStart"] == "2026-12-03T08:00:00Z"
    assert len({one["iCalUId"] for one in found}) == len({one["id"] for one in found}) == 30
    assert (await graph.get(of(tenant) + event(found[3]["id"]), **IMMUTABLE)).body["start"] == found[3]["start"]


async def test_a_series_keeps_its_hour_over_both_clock_changes(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(last="2027-11-30"), **IMMUTABLE)
    found = await instances(graph, tenant, master["id"])
    hours = {one["start"]["dateTime"][:10]: one["start"]["dateTime"][11:13] for one in found}
    assert (hours["2027-03-25"], hours["2027-04-01"]) == ("08", "07")
    assert (hours["2027-10-28"], hours["2027-11-04"]) == ("07", "08")


async def test_a_series_in_utc_drifts(graph: Graph, tenant: Tenant) -> None:
    utc = weekly(start=at("2026-12-03T08:00:00", "UTC"), end=at("2026-12-03T09:00:00", "UTC"))
    master = await graph.made(f"{of(tenant)}/events", utc, **IMMUTABLE)
    assert {text[11:] for text in starts(await instances(graph, tenant, master["id"]))} == {"08:00"}


async def test_events_lists_masters_and_the_view_lists_dates(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    listed = (await graph.get(f"{of(tenant)}/events", **IMMUTABLE)).body["value"]
    assert [one["id"] for one in listed] == [master["id"]]
    since = window("2026-12-03T08:59:00Z", "2026-12-17T08:00:00Z")
    view = (await graph.get(f"{of(tenant)}/calendarView?{since}", **IMMUTABLE)).body["value"]
    assert starts(view) == ["2026-12-03T08:00", "2026-12-10T08:00"]


async def test_a_window_may_have_an_offset_and_is_utc_without(graph: Graph, tenant: Tenant) -> None:
    await graph.made(f"{of(tenant)}/events", weekly())
    for since, until, count in [
        ("2026-12-03T09:30:00%2B01:00", "2026-12-03T10:00:00%2B01:00", 1),
        ("2026-12-03T10:00:00%2B01:00", "2026-12-03T11:00:00%2B01:00", 0),
        ("2026-12-03T09:30:00", "2026-12-03T10:00:00", 0),
    ]:
        reply = await graph.get(
            f"{of(tenant)}/calendarView?{window(since, until)}", Prefer=f'outlook.timezone="{W_EUROPE}"'
        )
        assert len(reply.body["value"]) == count


@pytest.mark.parametrize(
    "query",
    [
        "startDateTime=2026-12-01T00:00:00Z",
        "startDateTime=tomorrow&endDateTime=2026-12-01T00:00:00Z",
        window("2026-12-02T00:00:00Z", "2026-12-01T00:00:00Z"),
        window("2026-12-02T00:00:00+01:00", "2026-12-03T00:00:00Z"),
        window("2026-12-01T00:00:00Z", "2033-12-01T00:00:00Z"),
        window("2026-12-01T00:00:00Z", "2026-12-09T00:00:00Z")
        + "&$filter=singleValueExtendedProperties/Any(ep: ep/value eq 'x')",
    ],
)
async def test_views_without_a_proper_window_are_refused(graph: Graph, tenant: Tenant, query: str) -> None:
    assert (await graph.get(f"{of(tenant)}/calendarView?{query}")).status == 400


async def test_the_view_has_no_dates_of_making_by_select(graph: Graph, tenant: Tenant) -> None:
    await graph.made(f"{of(tenant)}/events", weekly())
    view = f"{of(tenant)}/calendarView?{YEAR}"
    chosen = (await graph.get(f"{view}&$select=start,createdDateTime,lastModifiedDateTime")).body["value"][0]
    assert set(chosen) == {"@odata.etag", "id", "start"}
    assert "createdDateTime" in (await graph.get(view)).body["value"][0]


async def test_a_moved_date_is_an_exception(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    second = (await instances(graph, tenant, master["id"]))[1]
    moved = await graph.patch(
        of(tenant) + event(second["id"]),
        {"start": at("2026-12-11T14:00:00"), "end": at("2026-12-11T15:30:00")},
        **IMMUTABLE,
    )
    assert moved.status == 200
    assert moved.body["type"] == "exception"
    assert moved.body["id"] == second["id"]
    assert moved.body["originalStart"] == "2026-12-10T08:00:00Z"
    found = await instances(graph, tenant, master["id"])
    assert len(found) == 30
    assert starts(found)[:3] == ["2026-12-03T08:00", "2026-12-11T13:00", "2026-12-17T08:00"]
    now = (await graph.get(of(tenant) + event(master["id"]))).body
    assert now["@odata.etag"] != master["@odata.etag"]


async def test_only_a_date_that_left_a_window_leaves_its_view(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    second = (await instances(graph, tenant, master["id"]))[1]
    await graph.patch(
        of(tenant) + event(second["id"]), {"start": at("2026-12-14T09:00:00"), "end": at("2026-12-14T10:00:00")}
    )
    week = window("2026-12-07T00:00:00Z", "2026-12-14T00:00:00Z")
    assert await instances(graph, tenant, master["id"], week) == []
    next_week = window("2026-12-14T00:00:00Z", "2026-12-15T00:00:00Z")
    assert len(await instances(graph, tenant, master["id"], next_week)) == 1


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("2026-12-04T09:00:00", 200),
        ("2026-12-16T09:00:00", 200),
        ("2026-12-03T15:00:00", 400),
        ("2026-12-17T06:00:00", 400),
        ("2026-12-30T09:00:00", 400),
        ("2026-12-01T09:00:00", 400),
    ],
)
async def test_a_date_never_reaches_the_day_of_its_neighbour(
    graph: Graph, tenant: Tenant, to: str, status: int
) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    second = (await instances(graph, tenant, master["id"]))[1]
    end = (datetime.fromisoformat(to) + timedelta(hours=1)).isoformat()
    reply = await graph.patch(of(tenant) + event(second["id"]), {"start": at(to), "end": at(end)})
    assert reply.status == status
    if status == 400:
        assert reply.code == "ErrorOccurrenceCrossingBoundary"


async def test_a_daily_date_stays_on_its_day(graph: Graph, tenant: Tenant) -> None:
    daily = weekly()
    daily["recurrence"]["pattern"] = {"type": "daily", "interval": 1}
    master = await graph.made(f"{of(tenant)}/events", daily, **IMMUTABLE)
    second = (await instances(graph, tenant, master["id"]))[1]
    path = of(tenant) + event(second["id"])
    assert (
        await graph.patch(path, {"start": at("2026-12-04T13:00:00"), "end": at("2026-12-04T14:00:00")})
    ).status == 200
    refused = await graph.patch(path, {"start": at("2026-12-05T09:00:00"), "end": at("2026-12-05T10:00:00")})
    assert refused.code == "ErrorOccurrenceCrossingBoundary"


async def test_a_deleted_date_is_a_gap(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    here = of(tenant) + event(master["id"])
    second = (await instances(graph, tenant, master["id"]))[1]
    assert (await graph.delete(of(tenant) + event(second["id"]))).status == 204
    found = await instances(graph, tenant, master["id"])
    assert len(found) == 29
    assert "2026-12-10T08:00" not in starts(found)
    assert (await graph.get(of(tenant) + event(second["id"]))).code == "ErrorItemNotFound"
    assert (await graph.patch(of(tenant) + event(second["id"]), {"subject": "x"})).code == "ErrorItemNotFound"
    assert "cancelledOccurrences" not in (await graph.get(here)).body
    chosen = (await graph.get(f"{here}?$select=cancelledOccurrences", **IMMUTABLE)).body
    assert chosen["cancelledOccurrences"] == [f"OID.{master['id']}.2026-12-10"]
    listed = (await graph.get(f"{of(tenant)}/events?$select=cancelledOccurrences,subject")).body["value"][0]
    assert listed["subject"] == "Lärtid"


async def test_new_words_reach_untouched_dates_and_leave_others(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    first, second, third = (await instances(graph, tenant, master["id"]))[:3]
    await graph.patch(of(tenant) + event(first["id"]), {"subject": "Mitt eget"})
    await graph.delete(of(tenant) + event(second["id"]))
    words = {"subject": "Ny rubrik", "categories": ["Lärande"], "showAs": "tentative"}
    assert (await graph.patch(of(tenant) + event(master["id"]), words)).status == 200
    found = await instances(graph, tenant, master["id"])
    assert len(found) == 29
    assert [one["subject"] for one in found[:2]] == ["Mitt eget", "Ny rubrik"]
    assert found[0]["showAs"] == "tentative"
    assert found[1]["id"] == third["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"start": at("2026-12-03T10:00:00"), "end": at("2026-12-03T11:00:00")},
        {"recurrence": {"range": weekly(last="2027-03-31")["recurrence"]["range"]}},
        {"recurrence": weekly()["recurrence"]},
    ],
)
async def test_a_rebuilt_series_forgets_exceptions_and_gaps(
    graph: Graph, tenant: Tenant, change: dict[str, Any]
) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    first, second = (await instances(graph, tenant, master["id"]))[:2]
    await graph.patch(of(tenant) + event(first["id"]), {"subject": "Mitt eget"})
    await graph.delete(of(tenant) + event(second["id"]))
    assert (await graph.patch(of(tenant) + event(master["id"]), change)).status == 200
    found = await instances(graph, tenant, master["id"])
    assert {one["type"] for one in found} == {"occurrence"}
    assert found[1]["start"]["dateTime"].startswith("2026-12-10")
    assert not {one["id"] for one in found} & {first["id"], second["id"]}
    assert (await graph.get(of(tenant) + event(first["id"]))).code == "ErrorItemNotFound"


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("form", ["as sent", "as read back", "range alone"])
async def test_a_new_end_and_a_new_tag_in_one_change(
    graph: Graph,
    tenant: Tenant,
    keeps: bool,  # noqa: FBT001
    form: str,
) -> None:
    tenant.facts = Facts(range_end_only_keeps_exceptions=keeps)
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    first, second, third = (await instances(graph, tenant, master["id"]))[:3]
    await graph.patch(of(tenant) + event(first["id"]), {"showAs": "free"})
    await graph.delete(of(tenant) + event(second["id"]))
    tenant.clock.advance(timedelta(days=26))
    await graph.sign_in()
    found = weekly()["recurrence"] if form == "as sent" else master["recurrence"]
    found = {**found, "range": {**found["range"], "endDate": "2026-12-20"}}
    if form == "range alone":
        del found["pattern"]
    change = {"recurrence": found, "singleValueExtendedProperties": [{"id": TAG, "value": "mark;ended"}]}
    changed = await graph.patch(of(tenant) + event(master["id"]), change, **IMMUTABLE)
    assert (changed.status, changed.body["id"]) == (200, master["id"])
    assert changed.body["recurrence"]["range"]["endDate"] == "2026-12-20"
    read = (await graph.get(f"{of(tenant)}{event(master['id'])}?{expand()}")).body
    assert read["singleValueExtendedProperties"] == [{"id": TAG, "value": "mark;ended"}]
    left = await instances(graph, tenant, master["id"])
    if keeps:
        assert [(one["id"], one["type"], one["showAs"]) for one in left] == [
            (first["id"], "exception", "free"),
            (third["id"], "occurrence", "busy"),
        ]
    else:
        assert starts(left) == ["2026-12-03T08:00", "2026-12-10T08:00", "2026-12-17T08:00"]
        assert {(one["type"], one["showAs"]) for one in left} == {("occurrence", "busy")}
        assert not {one["id"] for one in left} & {first["id"], second["id"], third["id"]}


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_new_recurrence_may_take_the_tag(graph: Graph, tenant: Tenant, keeps: bool) -> None:  # noqa: FBT001
    tenant.facts = Facts(recurrence_patch_keeps_tag=keeps)
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    path = of(tenant) + event(master["id"])

    async def tagged() -> bool:
        return "singleValueExtendedProperties" in (await graph.get(f"{path}?{expand()}")).body

    await graph.patch(path, {"subject": "Ny rubrik", "start": at("2026-12-03T10:00:00")})
    assert await tagged()
    await graph.patch(path, {"recurrence": weekly(last="2027-01-31")["recurrence"]})
    assert await tagged() == keeps


@pytest.mark.parametrize("reach", [True, False])
async def test_new_words_of_a_master_may_reach_exceptions(
    graph: Graph,
    tenant: Tenant,
    reach: bool,  # noqa: FBT001
) -> None:
    tenant.facts = Facts(master_changes_reach_exceptions=reach)
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    first = (await instances(graph, tenant, master["id"]))[0]
    mine = {
        "subject": "Mitt",
        "showAs": "free",
        "importance": "high",
        "body": {"contentType": "text", "content": "mitt"},
    }
    await graph.patch(of(tenant) + event(first["id"]), {**mine, "start": at("2026-12-03T10:00:00")})
    new = {"subject": "Nytt", "showAs": "oof", "body": {"contentType": "text", "content": "nytt"}}
    await graph.patch(of(tenant) + event(master["id"]), new)
    one = (await instances(graph, tenant, master["id"]))[0]
    shown = ("Nytt", "oof", "nytt") if reach else ("Mitt", "free", "mitt")
    assert (one["subject"], one["showAs"], one["bodyPreview"]) == shown
    assert (one["type"], one["importance"], one["start"]["dateTime"][11:16]) == ("exception", "high", "09:00")


@pytest.mark.parametrize("is_slot", [True, False])
async def test_the_original_start_of_a_moved_date(graph: Graph, tenant: Tenant, is_slot: bool) -> None:  # noqa: FBT001
    tenant.facts = Facts(original_start_is_the_slot=is_slot)
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    first, second = (await instances(graph, tenant, master["id"]))[:2]
    mailbox = tenant.mailbox(tenant.employees[0].id)
    mailbox.move_occurrence(first["id"], datetime(2026, 12, 4, 12, tzinfo=UTC))
    mailbox.edit(second["id"], subject="Mitt")
    shown = [one["originalStart"] for one in await instances(graph, tenant, master["id"])][:3]
    moved = "2026-12-03T08:00:00Z" if is_slot else "2026-12-04T12:00:00Z"
    assert shown == [moved, "2026-12-10T08:00:00Z", "2026-12-17T08:00:00Z"]


async def test_gaps_may_not_be_asked_for(graph: Graph, tenant: Tenant) -> None:
    tenant.facts = Facts(cancelled_occurrences_can_be_selected=False)
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    asked = f"{of(tenant)}{event(master['id'])}?$select=subject"
    assert (await graph.get(f"{asked},cancelledOccurrences")).code == "RequestBroker--ParseUri"
    assert (await graph.get(asked)).status == 200


async def test_a_shortened_range_may_keep_exceptions_and_gaps(graph: Graph, tenant: Tenant) -> None:
    tenant.facts = Facts(range_end_only_keeps_exceptions=True)
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    first, second, third, fourth = (await instances(graph, tenant, master["id"]))[:4]
    await graph.patch(of(tenant) + event(first["id"]), {"subject": "Mitt eget"})
    await graph.delete(of(tenant) + event(second["id"]))
    await graph.delete(of(tenant) + event(fourth["id"]))
    change = {"recurrence": weekly(last="2026-12-20")["recurrence"]}
    assert (await graph.patch(of(tenant) + event(master["id"]), change)).status == 200
    found = await instances(graph, tenant, master["id"])
    assert [one["id"] for one in found] == [first["id"], third["id"]]
    assert found[0]["subject"] == "Mitt eget"
    moved = {"start": at("2026-12-03T10:00:00"), "end": at("2026-12-03T11:00:00")}
    await graph.patch(of(tenant) + event(master["id"]), moved)
    assert len(await instances(graph, tenant, master["id"])) == 3


@pytest.mark.parametrize("takes", [True, False])
async def test_deleting_the_last_date(graph: Graph, tenant: Tenant, takes: bool) -> None:  # noqa: FBT001
    tenant.facts = Facts(last_occurrence_takes_series=takes)
    master = await graph.made(f"{of(tenant)}/events", weekly(last="2026-12-10"), **IMMUTABLE)
    for one in await instances(graph, tenant, master["id"]):
        await graph.delete(of(tenant) + event(one["id"]))
    assert (await graph.get(of(tenant) + event(master["id"]))).status == (404 if takes else 200)


async def test_deleting_the_master_takes_all(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    first = (await instances(graph, tenant, master["id"]))[0]
    await graph.delete(of(tenant) + event(master["id"]))
    assert (await graph.get(of(tenant) + event(first["id"]))).status == 404
    assert (await graph.get(f"{of(tenant)}/calendarView?{YEAR}")).body["value"] == []


@pytest.mark.parametrize("carry", [True, False])
async def test_dates_carry_the_tag(graph: Graph, tenant: Tenant, carry: bool) -> None:  # noqa: FBT001
    tenant.facts = Facts(occurrences_carry_tag=carry)
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    tag = [{"id": TAG, "value": "mark;1"}] if carry else None
    for path in ["/calendarView", f"{event(master['id'])}/instances"]:
        found = (await graph.get(f"{of(tenant)}{path}?{YEAR}&{expand()}", **IMMUTABLE)).body["value"]
        assert [one.get("singleValueExtendedProperties") for one in found] == [tag] * 10
    one = (await graph.get(f"{of(tenant)}{event(found[0]['id'])}?{expand()}")).body
    assert one.get("singleValueExtendedProperties") == tag


@pytest.mark.parametrize("works", [True, False])
async def test_views_filtered_by_tag(graph: Graph, tenant: Tenant, works: bool) -> None:  # noqa: FBT001
    tenant.facts = Facts(view_filters_tags=works)
    master = await graph.made(f"{of(tenant)}/events", weekly(last="2026-12-10"), **IMMUTABLE)
    await graph.made(f"{of(tenant)}/events", single())
    wanted = quote(f"singleValueExtendedProperties/Any(ep: ep/id eq '{TAG}' and ep/value eq 'mark;1')")
    for path in ["/calendarView", f"{event(master['id'])}/instances"]:
        reply = await graph.get(f"{of(tenant)}{path}?{YEAR}&$filter={wanted}")
        assert reply.status == (200 if works else 400)
        if works:
            assert starts(reply.body["value"]) == ["2026-12-03T08:00", "2026-12-10T08:00"]


async def test_how_wide_a_view_may_be(graph: Graph, tenant: Tenant) -> None:
    tenant.facts = Facts(widest_view_days=31)
    for days, status in [(31, 200), (32, 400)]:
        until = (datetime(2026, 12, 1, tzinfo=UTC) + timedelta(days=days)).isoformat().replace("+00:00", "Z")
        wide = f"{of(tenant)}/calendarView?{window('2026-12-01T00:00:00Z', until)}"
        assert (await graph.get(wide)).status == status


async def test_a_date_may_have_a_tag_of_its_own(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    first = (await instances(graph, tenant, master["id"]))[0]
    path = of(tenant) + event(first["id"])
    await graph.patch(path, {"singleValueExtendedProperties": [{"id": TAG, "value": "own"}]})
    assert (await graph.get(f"{path}?{expand()}")).body["singleValueExtendedProperties"][0]["value"] == "own"
    whole = (await graph.get(f"{of(tenant)}{event(master['id'])}?{expand()}")).body
    assert whole["singleValueExtendedProperties"][0]["value"] == "mark;1"


def recurrence(pattern: dict[str, Any] | None = None, range_: dict[str, Any] | None = None) -> dict[str, Any]:
    made = weekly()["recurrence"]
    return {"pattern": {**made["pattern"], **(pattern or {})}, "range": {**made["range"], **(range_ or {})}}


@pytest.mark.parametrize(
    "wrong",
    [
        recurrence({"daysOfWeek": []}),
        recurrence({"daysOfWeek": ["thorsday"]}),
        recurrence({"interval": 0}),
        recurrence({"type": "fortnightly"}),
        recurrence({"firstDayOfWeek": "montag"}),
        recurrence({"index": "fifth"}),
        recurrence({"dayOfMonth": 32}),
        recurrence({"type": "absoluteMonthly"}),
        recurrence({"type": "absoluteYearly", "dayOfMonth": 3}),
        recurrence({"occurrences": 3}),
        recurrence({}, {"endDate": "2026-11-30"}),
        recurrence({}, {"endDate": "the end"}),
        recurrence({}, {"type": "endDate", "endDate": None}),
        recurrence({}, {"type": "numbered", "numberOfOccurrences": 0}),
        recurrence({}, {"type": "numbered", "numberOfOccurrences": 1000}),
        recurrence({}, {"startDate": "2026-12-04"}),
        recurrence({}, {"startDate": None}),
        recurrence({}, {"recurrenceTimeZone": "Europe/Stockholm"}),
        recurrence({"daysOfWeek": ["friday"]}, {"endDate": "2026-12-03"}),
        {"pattern": recurrence()["pattern"]},
    ],
)
async def test_recurrences_that_are_none(graph: Graph, tenant: Tenant, wrong: dict[str, Any]) -> None:
    reply = await graph.post(f"{of(tenant)}/events", weekly(recurrence=wrong))
    assert reply.status == 400, reply.body
    assert tenant.mailbox(tenant.employees[0].id).events == []


async def test_a_start_that_does_not_fit_the_rule_is_not_the_first_date(graph: Graph, tenant: Tenant) -> None:
    tuesdays = weekly(day="tuesday")
    master = await graph.made(f"{of(tenant)}/events", tuesdays, **IMMUTABLE)
    assert master["start"]["dateTime"].startswith("2026-12-03")
    assert master["recurrence"]["pattern"]["daysOfWeek"] == ["tuesday"]
    assert starts(await instances(graph, tenant, master["id"]))[0] == "2026-12-08T08:00"


def test_day_names_are_read_in_either_case() -> None:
    made = draft(weekly(day="Thursday"), creating=True)
    assert isinstance(made.recurrence, dict)
    assert made.recurrence["pattern"]["daysOfWeek"] == ["thursday"]


async def test_the_range_may_win_over_the_start(graph: Graph, tenant: Tenant) -> None:
    tenant.facts = Facts(start_date_must_match=False)
    later = weekly(recurrence=recurrence({}, {"startDate": "2026-12-10"}))
    master = await graph.made(f"{of(tenant)}/events", later, **IMMUTABLE)
    assert master["start"]["dateTime"].startswith("2026-12-10")


async def test_an_occurrence_has_no_recurrence_and_no_instances(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    path = of(tenant) + event((await instances(graph, tenant, master["id"]))[0]["id"])
    assert (await graph.patch(path, {"recurrence": recurrence()})).code == "ErrorInvalidPropertySet"
    assert (await graph.get(f"{path}/instances?{YEAR}")).code == "ErrorInvalidRequest"


async def test_what_a_person_does_shows_in_graph_and_in_the_tenants_own_calendar(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    mailbox = tenant.mailbox(tenant.employees[0].id)
    first, second, third = (await instances(graph, tenant, master["id"]))[:3]
    mailbox.move_occurrence(first["id"], datetime(2026, 12, 4, 12, tzinfo=UTC))
    mailbox.delete_occurrence(second["id"])
    with pytest.raises(ValueError, match="not of one date"):
        mailbox.delete_occurrence(master["id"])
    found = await instances(graph, tenant, master["id"])
    assert starts(found)[:2] == ["2026-12-04T12:00", "2026-12-17T08:00"]
    entries = tenant.calendar(
        tenant.employees[0].address, datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 20, tzinfo=UTC)
    )
    assert [(one.start, one.type, one.tag, one.id) for one in entries] == [
        (datetime(2026, 12, 4, 12, tzinfo=UTC), "exception", "mark;1", first["id"]),
        (datetime(2026, 12, 17, 8, tzinfo=UTC), "occurrence", "mark;1", third["id"]),
    ]
    assert entries[0].end - entries[0].start == timedelta(hours=1)
    assert entries[0].original_start == datetime(2026, 12, 3, 8, tzinfo=UTC)
    assert {one.series_id for one in entries} == {master["id"]}
    mailbox.delete_event(third["id"])
    assert mailbox.events == []


async def test_a_series_without_end(graph: Graph, tenant: Tenant) -> None:
    endless = weekly(recurrence=recurrence({}, {"type": "noEnd", "endDate": None}))
    master = await graph.made(f"{of(tenant)}/events", endless, **IMMUTABLE)
    assert master["recurrence"]["range"]["endDate"] == "0001-01-01"
    far = window("2040-12-01T00:00:00Z", "2041-01-08T00:00:00Z")
    found = await instances(graph, tenant, master["id"], far)
    assert starts(found)[-1] == "2041-01-03T08:00"
    await graph.delete(of(tenant) + event(found[0]["id"]))
    assert len(await instances(graph, tenant, master["id"], far)) == len(found) - 1
