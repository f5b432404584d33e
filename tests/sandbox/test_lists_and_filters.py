"""Lists of events over Graph: pages, order, and filters that are understood or refused, never ignored."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from sandbox import Facts, Tenant
from tests.sandbox.graph import TAG, Graph, at, of, single, weekly, window


@pytest.fixture
async def subjects(graph: Graph, tenant: Tenant) -> str:
    """A calendar with three events, and the address of its list."""
    path = f"{of(tenant)}/events"
    await graph.made(path, weekly())
    await graph.made(path, single(singleValueExtendedProperties=[{"id": TAG, "value": "Mark;2"}]))
    await graph.made(path, single(subject="Ahlgrens", start=at("2026-12-04T08:00:00"), end=at("2026-12-04T09:00:00")))
    return path


async def found(graph: Graph, path: str, text: str, **more: str) -> list[str]:
    query = "&".join(f"${name}={quote(value)}" for name, value in {"filter": text, **more}.items())
    reply = await graph.get(f"{path}?{query}")
    assert reply.status == 200, reply.body
    return [one["subject"] for one in reply.body["value"]]


def any_of(condition: str) -> str:
    return f"singleValueExtendedProperties/Any(ep: ep/id eq '{TAG}' and {condition})"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (any_of("ep/value eq 'mark;1'"), ["Lärtid"]),
        (any_of("ep/value eq 'MARK;1'"), ["Lärtid"]),
        (any_of("ep/value ne 'mark;1'"), ["Lunch"]),
        (any_of("startswith(ep/value,'mark;')"), ["Lärtid", "Lunch"]),
        (any_of("contains(ep/value,'k;2')"), ["Lunch"]),
        (any_of("ep/value eq 'mark'"), []),
        (any_of("ep/value eq 'mark;1'").replace("Marked", "marked"), []),
        ("start/dateTime ge '2026-12-04T00:00:00Z'", ["Ahlgrens"]),
        ("start/dateTime ge '2026-12-03T08:00:00' and end/dateTime le '2026-12-03T09:00:00Z'", ["Lärtid"]),
        ("start/dateTime lt '2026-12-03T08:00:00Z'", []),
        ("end/dateTime gt '2026-12-04T00:00:00Z'", ["Ahlgrens"]),
        ("subject eq 'Lunch' or subject eq 'Ahlgrens'", ["Lunch", "Ahlgrens"]),
        ("startswith(subject,'L') and not (type eq 'seriesMaster')", ["Lunch"]),
        ("isAllDay eq false and isOrganizer eq true", ["Lärtid", "Lunch", "Ahlgrens"]),
        ("type eq 'seriesMaster'", ["Lärtid"]),
        ("showAs ne 'busy'", []),
    ],
)
async def test_filters(graph: Graph, subjects: str, text: str, expected: list[str]) -> None:
    assert await found(graph, subjects, text) == expected


async def test_values_of_tags_may_be_compared_exactly(graph: Graph, tenant: Tenant, subjects: str) -> None:
    tenant.facts = Facts(tag_values_ignore_case=False)
    assert await found(graph, subjects, any_of("ep/value eq 'mark;2'")) == []
    assert await found(graph, subjects, any_of("ep/value eq 'Mark;2'")) == ["Lunch"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "subject",
        "subject eq",
        "subject eq Lunch",
        "subject like 'L%'",
        "subject gt 'L'",
        "subject eq 'Lunch' and",
        "subject eq 'Lunch') or (subject eq 'x'",
        "contains(subject)",
        "contains(subject,1)",
        "startswith(type,'s')",
        "tolower(subject) eq 'lunch'",
        "colour eq 'red'",
        "body/content eq 'x'",
        "attendees/any(a: a/type eq 'required')",
        "start/dateTime ge 'soon'",
        "start ge '2026-12-03'",
        "singleValueExtendedProperties/Any(ep: ep/id eq 'Holdfast' and ep/value eq 'x')",
        "singleValueExtendedProperties/Any(ep: ep/colour eq 'x')",
        "singleValueExtendedProperties/All(ep: ep/value eq 'x')",
        "singleValueExtendedProperties/Any(ep)",
        "singleValueExtendedProperties/Any(ep: subject eq 'x')",
        "subject eq 'Lunch",
        "subject eq 'Lunch' ; drop",
    ],
)
async def test_filters_that_are_refused(graph: Graph, subjects: str, text: str) -> None:
    assert (await graph.get(f"{subjects}?$filter={quote(text)}")).status == 400


async def test_ten_events_are_a_page_and_a_thousand_at_most(graph: Graph, tenant: Tenant) -> None:
    path = f"{of(tenant)}/events"
    for number in range(12):
        await graph.made(path, single(subject=str(number)))
    pages = await graph.pages(path)
    assert [[one["subject"] for one in page] for page in pages] == [[str(n) for n in range(10)], ["10", "11"]]
    assert len(await graph.pages(f"{path}?$top=1000")) == 1
    assert (await graph.get(f"{path}?$top=1001")).status == 400
    assert [one["subject"] for one in (await graph.get(f"{path}?$skip=10")).body["value"]] == ["10", "11"]
    counted = (await graph.get(f"{path}?$count=true&$top=1")).body
    assert counted["@odata.count"] == 12
    assert counted["@odata.nextLink"].startswith("https://localhost/v1.0/users/")


@pytest.mark.parametrize("refused", [True, False])
async def test_who_asks_for_too_large_a_page_is_refused_or_given_a_large_one(
    graph: Graph,
    tenant: Tenant,
    subjects: str,
    refused: bool,  # noqa: FBT001
) -> None:
    tenant.facts = Facts(largest_page=2, larger_pages_are_refused=refused)
    assert [len(one) for one in await graph.pages(f"{subjects}?$top=2")] == [2, 1]
    if refused:
        assert (await graph.get(f"{subjects}?$top=3")).status == 400
    else:
        assert [len(one) for one in await graph.pages(f"{subjects}?$top=3")] == [2, 1]


async def test_a_link_keeps_the_query_it_was_made_for(graph: Graph, tenant: Tenant, subjects: str) -> None:
    text = quote(any_of("startswith(ep/value,'mark;')"))
    pages = await graph.pages(f"{subjects}?$filter={text}&$select=subject&$top=1")
    assert [[one["subject"] for one in page] for page in pages] == [["Lärtid"], ["Lunch"]]
    assert "body" not in pages[1][0]
    view = window("2026-12-01T00:00:00%2B01:00", "2027-03-01T00:00:00%2B01:00")
    assert len(await graph.pages(f"{of(tenant)}/calendarView?{view}")) > 1


async def test_a_full_last_page_has_no_link(graph: Graph, subjects: str) -> None:
    assert "@odata.nextLink" not in (await graph.get(f"{subjects}?$top=3")).body


async def test_order(graph: Graph, subjects: str) -> None:
    by_subject = await found(graph, subjects, "isAllDay eq false", orderby="subject")
    assert by_subject == ["Ahlgrens", "Lunch", "Lärtid"]
    by_start = await found(graph, subjects, "isAllDay eq false", orderby="start/dateTime desc")
    assert by_start == ["Ahlgrens", "Lunch", "Lärtid"]
    assert (await graph.get(f"{subjects}?$orderby=colour")).status == 400
    assert (await graph.get(f"{subjects}?$orderby=subject%20upwards")).status == 400


async def test_options_that_events_do_not_have(graph: Graph, subjects: str) -> None:
    for query in ["$search=x", "$format=xml", "$top=-1", "$skip=x", "$skiptoken=x", "$top=1&$top=2"]:
        assert (await graph.get(f"{subjects}?{query}")).status == 400
