"""What people do to blocks, meetings, groups and themselves, and how it shows over Graph."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from sandbox import Facts, Person, Tenant
from sandbox.directory import GUEST
from sandbox.errors import GraphError
from sandbox.event import Address
from sandbox.tenant import Entry
from tests.sandbox.graph import IMMUTABLE, NOW, TAG, Graph, event, expand, of, single, weekly, window

UNTIL = NOW + timedelta(weeks=4)
STARTS = datetime(2026, 12, 3, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)

FOREIGN = (
    "id",
    "type",
    "start",
    "end",
    "isAllDay",
    "showAs",
    "isCancelled",
    "isOrganizer",
    "organizer",
    "responseStatus",
    "seriesMasterId",
    "originalStart",
    "sensitivity",
    "allowNewTimeProposals",
    "responseRequested",
)
"""All that anybody needs to know of other people's events."""


@pytest.fixture
def anna(tenant: Tenant) -> Iterator[Person]:
    """Somebody; what she does is no write of an application and sends no mail."""
    yield Person(tenant, tenant.employees[0])
    assert tenant.counts.mails == 0
    assert tenant.counts.writes == tenant.counts.calls["POST", "events"]


@pytest.fixture
async def block(graph: Graph, tenant: Tenant) -> str:
    """The id of a series that an application has made."""
    return str((await graph.made(f"{of(tenant)}/events", weekly(transactionId="block:0"), **IMMUTABLE))["id"])


def calendar(tenant: Tenant, who: int = 0) -> list[Entry]:
    return tenant.calendar(tenant.employees[who].id, NOW, UNTIL)


def told(entry: Entry) -> tuple[Any, ...]:
    return entry.start, (entry.end - entry.start) // timedelta(minutes=1), entry.show_as, entry.type


async def test_moving_and_resizing_a_date(tenant: Tenant, anna: Person, block: str) -> None:
    first, second, third = calendar(tenant)
    anna.move(first.id, first.start + HOUR)
    anna.resize(second.id, 30)
    assert [told(one) for one in calendar(tenant)] == [
        (STARTS + HOUR, 60, "busy", "exception"),
        (STARTS + timedelta(weeks=1), 30, "busy", "exception"),
        (STARTS + timedelta(weeks=2), 60, "busy", "occurrence"),
    ]
    with pytest.raises(GraphError, match="adjacent"):
        anna.move(third.id, second.start)
    assert {one.series_id for one in calendar(tenant)} == {block}


async def test_deleting_a_date_an_event_and_a_series(tenant: Tenant, anna: Person, block: str) -> None:
    lunch = anna.book("Lunch", STARTS + 4 * HOUR, STARTS + 5 * HOUR)
    anna.delete(lunch)
    anna.delete(calendar(tenant)[0].id)
    assert [one.start for one in calendar(tenant)] == [STARTS + timedelta(weeks=1), STARTS + timedelta(weeks=2)]
    with pytest.raises(ValueError, match="series"):
        anna.delete(block)
    anna.delete_series(calendar(tenant)[0].id)
    assert calendar(tenant) == []


async def test_setting_free_rewording_and_moving_all(tenant: Tenant, anna: Person, graph: Graph, block: str) -> None:
    first, second, _ = calendar(tenant)
    anna.show_as(first.id, "free")
    anna.reword(second.id, subject="Min tid", text="Läs & skriv")
    assert [(one.show_as, one.subject) for one in calendar(tenant)] == [
        ("free", "Lärtid"),
        ("busy", "Min tid"),
        ("busy", "Lärtid"),
    ]
    assert (await graph.get(of(tenant) + event(second.id))).body["bodyPreview"] == "Läs & skriv"
    anna.show_as(block, "tentative")
    anna.reword(block, text="Allas")
    assert [one.show_as for one in calendar(tenant)] == ["free", "tentative", "tentative"]
    anna.move_series(second.id, time(10))
    assert told(calendar(tenant)[0]) == (STARTS + HOUR, 60, "tentative", "occurrence")


@pytest.mark.parametrize("carry", [True, False])
async def test_a_copy_is_an_event_of_its_own_tag_and_all(
    graph: Graph,
    tenant: Tenant,
    anna: Person,
    block: str,
    carry: bool,  # noqa: FBT001
) -> None:
    tenant.facts = Facts(copies_carry_tag=carry)
    first = calendar(tenant)[0]
    anna.reword(first.id, subject="Min tid")
    one = (await graph.get(f"{of(tenant)}{event(anna.copy(first.id))}?{expand()}")).body
    moved = (await graph.get(of(tenant) + event(anna.copy(first.id, STARTS + timedelta(days=1))))).body
    whole = (await graph.get(f"{of(tenant)}{event(anna.copy_series(first.id))}?{expand()}")).body
    tag = [{"id": TAG, "value": "mark;1"}] if carry else None
    assert [found.get("singleValueExtendedProperties") for found in (one, whole)] == [tag, tag]
    assert [(found["type"], found["subject"]) for found in (one, moved, whole)] == [
        ("singleInstance", "Min tid"),
        ("singleInstance", "Min tid"),
        ("seriesMaster", "Lärtid"),
    ]
    assert moved["start"]["dateTime"].startswith("2026-12-04T08:00")
    assert "transactionId" not in whole
    assert len({found["iCalUId"][-32:] for found in (one, moved, whole)}) == 3
    assert len(calendar(tenant)) == 8
    anna.delete_series(block)
    assert [told(entry)[0] for entry in calendar(tenant)][:2] == [STARTS, STARTS]


async def test_meetings_booked_over_a_block_by_all_kinds_of_people(
    graph: Graph, tenant: Tenant, anna: Person, block: str
) -> None:
    boss = Person(tenant, tenant.employees[1])
    boss.invite(
        [anna.account, *(one for one in tenant.accounts if one.kind == GUEST)], "Planering", STARTS, STARTS + HOUR
    )
    anna.be_invited(Address("Kim Kund", "kim@elsewhere.example"), "Kundmöte", STARTS, STARTS + HOUR, showAs="oof")
    anna.book("Tandläkare", STARTS, STARTS + HOUR, sensitivity="private")
    day = window("2026-12-03T00:00:00Z", "2026-12-04T00:00:00Z")
    view = f"{of(tenant)}/calendarView?{day}&$select={','.join(FOREIGN)}&{expand()}"
    found = (await graph.get(view, **IMMUTABLE)).body["value"]
    for one in found:
        assert set(one) - {"singleValueExtendedProperties"} <= {"@odata.etag", *FOREIGN}
        assert set(one) >= set(FOREIGN) - {"originalStart"}
    mine, boss_, kim, dentist = found
    assert mine["singleValueExtendedProperties"] == [{"id": TAG, "value": "mark;1"}]
    assert (mine["seriesMasterId"], mine["isOrganizer"], mine["type"]) == (block, True, "occurrence")
    for one, address in [(boss_, boss.account.address), (kim, "kim@elsewhere.example")]:
        assert one["organizer"]["emailAddress"]["address"] == address
        assert (one["isOrganizer"], one["responseStatus"]["response"], one["showAs"]) == (
            False,
            "notResponded",
            "tentative",
        )
    assert (dentist["isOrganizer"], dentist["sensitivity"], dentist["showAs"]) == (True, "private", "busy")
    assert [one.subject for one in calendar(tenant, 1)] == ["Planering"]


async def test_people_answer_each_other(tenant: Tenant, anna: Person) -> None:
    boss = Person(tenant, tenant.employees[1])
    for answer in (anna.accept, anna.tentatively_accept, anna.decline):
        boss.invite([anna.account], "Planering", STARTS, STARTS + HOUR)
        answer(calendar(tenant)[-1].id)
    answers = [one.values["attendees"][0]["status"]["response"] for one in boss.mailbox.events]
    assert answers == ["accepted", "tentativelyAccepted", "declined"]
    assert [one.show_as for one in calendar(tenant)] == ["busy", "tentative"]
    own = anna.book("Fokustid", STARTS, STARTS + HOUR)
    with pytest.raises(ValueError, match="own meeting"):
        anna.accept(own)
    boss.delete(boss.mailbox.id_of(boss.mailbox.events[0]))


async def test_days_away_are_whole_days_out_of_office(graph: Graph, tenant: Tenant, anna: Person) -> None:
    away = anna.be_away(date(2026, 12, 21), date(2026, 12, 22))
    found = (await graph.get(of(tenant) + event(away))).body
    assert (found["showAs"], found["isAllDay"], found["subject"]) == ("oof", True, "Frånvarande")
    assert found["start"]["dateTime"] == "2026-12-21T00:00:00.0000000"
    assert found["end"]["dateTime"] == "2026-12-23T00:00:00.0000000"
    anna.be_away(date(2026, 12, 1))
    assert calendar(tenant)[0].end - calendar(tenant)[0].start == timedelta(days=1)


async def test_a_new_zone_is_that_of_new_events(graph: Graph, tenant: Tenant, anna: Person, block: str) -> None:
    anna.change_zone("FLE Standard Time")
    assert (await graph.get(f"{of(tenant)}/mailboxSettings/timeZone")).body["value"] == "FLE Standard Time"
    wall = datetime(2026, 12, 3, 9)  # noqa: DTZ001 - a wall-clock time
    lunch = anna.book("Lunch", wall, wall + HOUR)
    read = (await graph.get(of(tenant) + event(lunch))).body
    assert read["originalStartTimeZone"] == "FLE Standard Time"
    assert read["start"]["dateTime"].startswith("2026-12-03T07:00")
    assert (await graph.get(of(tenant) + event(block))).body["originalStartTimeZone"] == "W. Europe Standard Time"


async def test_joining_and_leaving_groups(graph: Graph, tenant: Tenant, anna: Person) -> None:
    async def members(group: Any) -> list[str]:
        pages = await graph.pages(f"/groups/{group.id}/transitiveMembers?$top=999")
        return [one["id"] for page in pages for one in page]

    skips = tenant.add_group("Avstår från lärtid")
    for _ in range(2):
        anna.join(skips)
    assert await members(skips) == [anna.account.id]
    anna.leave(tenant.everyone)
    assert anna.account.id not in await members(tenant.everyone)
    assert await members(skips) == [anna.account.id]
    anna.leave(skips)
    assert await members(skips) == []


def test_nobody_acts_without_a_mailbox(tenant: Tenant) -> None:
    guest = next(one for one in tenant.accounts if one.kind == GUEST)
    with pytest.raises(LookupError):
        Person(tenant, guest).book("Lunch", STARTS, STARTS + HOUR)


async def act(graph: Graph, tenant: Tenant, do: str, who: int = 0, **wanted: Any) -> str | None:
    path = f"/sandbox/tenants/{tenant.id}/calendars/{tenant.employees[who].address}/act"
    reply = await graph.http.post(path, json={"do": do, **wanted})
    assert reply.status_code == 200, reply.text
    assert reply.json()["done"] is True
    found: str | None = reply.json()["event"]
    return found


async def test_all_of_it_can_be_asked_for_from_outside(graph: Graph, tenant: Tenant, block: str) -> None:
    first, second, third = calendar(tenant)
    await act(graph, tenant, "move", event=first.id, starts="2026-12-03T13:00")
    await act(graph, tenant, "resize", event=first.id, minutes=30)
    await act(graph, tenant, "show_as", event=second.id, status="free")
    await act(graph, tenant, "reword", event=second.id, subject="Min tid")
    await act(graph, tenant, "delete", event=third.id)
    assert [told(one) for one in calendar(tenant)] == [
        (STARTS + 4 * HOUR, 30, "busy", "exception"),
        (STARTS + timedelta(weeks=1), 60, "free", "exception"),
    ]
    copy = await act(graph, tenant, "copy", event=second.id, starts="2026-12-11T08:00:00Z")
    await act(graph, tenant, "delete", event=copy)
    other = await act(graph, tenant, "copy_series", event=second.id)
    await act(graph, tenant, "move_series", event=other, at="15:00")
    await act(graph, tenant, "delete_series", event=block)
    assert {one.start.hour for one in calendar(tenant)} == {14}
    await act(graph, tenant, "delete_series", event=other)
    at = {"starts": "2026-12-03T09:00", "ends": "2026-12-03T10:00"}
    lunch = await act(graph, tenant, "book", subject="Lunch", private=True, **at)
    inside = await act(graph, tenant, "be_invited", by=tenant.employees[1].address, subject="Planering", **at)
    outside = await act(graph, tenant, "be_invited", by="kim@elsewhere.example", subject="Kundmöte", **at)
    assert [(one.id, one.subject, one.start) for one in calendar(tenant)] == [
        (lunch, "Lunch", STARTS),
        (inside, "Planering", STARTS),
        (outside, "Kundmöte", STARTS),
    ]
    await act(graph, tenant, "accept", event=inside)
    await act(graph, tenant, "tentatively_accept", event=outside)
    await act(graph, tenant, "decline", event=outside)
    assert [one.show_as for one in calendar(tenant)] == ["busy", "busy"]
    await act(graph, tenant, "be_away", first="2026-12-21")
    skips = tenant.add_group("Avstår från lärtid")
    await act(graph, tenant, "join", group="Avstår från lärtid")
    assert skips.members == [tenant.employees[0]]
    await act(graph, tenant, "leave", group=skips.id)
    assert skips.members == []


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({}, 400),
        ({"do": "dance"}, 400),
        ({"do": "move"}, 400),
        ({"do": "move", "event": "x", "starts": "soon"}, 400),
        ({"do": "delete", "event": "x"}, 400),
        ({"do": "join", "group": "nowhere"}, 404),
    ],
)
async def test_what_nobody_can_do_is_said(graph: Graph, tenant: Tenant, wanted: dict[str, str], status: int) -> None:
    path = f"/sandbox/tenants/{tenant.id}/calendars/{tenant.employees[0].id}/act"
    assert (await graph.http.post(path, json=wanted)).status_code == status
    assert (await graph.http.post(path.replace(tenant.employees[0].id, "nobody"), json=wanted)).status_code == 404


async def test_a_lunch_is_no_block(graph: Graph, tenant: Tenant, anna: Person) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    anna.delete(made["id"])
    assert (await graph.get(of(tenant) + event(made["id"]))).status == 404
