"""Free/busy over Graph: what is told of whom, the slots of a view, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from sandbox import Tenant
from sandbox.directory import GUEST
from sandbox.faults import Fault
from sandbox.mailbox import Mailbox, Pressure
from tests.sandbox.graph import W_EUROPE, Graph, Reply, at, of, weekly

MORNING = {"startTime": at("2026-12-03T08:00:00"), "endTime": at("2026-12-03T12:00:00")}


async def ask(graph: Graph, tenant: Tenant, *schedules: str, **more: Any) -> Reply:
    body = {"schedules": list(schedules), **MORNING, **more}
    return await graph.post(f"{of(tenant)}/calendar/getSchedule", body)


async def view(graph: Graph, tenant: Tenant, who: int = 1, **more: Any) -> str:
    reply = await ask(graph, tenant, tenant.employees[who].address, **more)
    assert reply.status == 200, reply.body
    return str(reply.body["value"][0]["availabilityView"])


def box(tenant: Tenant, who: int) -> Mailbox:
    return tenant.mailbox(tenant.employees[who].id)


def book(tenant: Tenant, who: int, hour: float, minutes: int, show_as: str = "busy", **values: Any) -> None:
    starts = datetime(2026, 12, 3, tzinfo=UTC) + timedelta(hours=hour - 1)
    box(tenant, who).book("Hemligt möte", starts, starts + timedelta(minutes=minutes), showAs=show_as, **values)


async def test_an_empty_calendar_is_free_and_comes_with_working_hours(graph: Graph, tenant: Tenant) -> None:
    box(tenant, 1).set_working_hours(["monday"], time(8), time(12))
    reply = await ask(graph, tenant, tenant.employees[1].address)
    assert reply.body["@odata.context"].endswith("$metadata#Collection(microsoft.graph.scheduleInformation)")
    assert reply.body["value"] == [
        {
            "scheduleId": tenant.employees[1].address,
            "availabilityView": "00000000",
            "scheduleItems": [],
            "workingHours": {
                "daysOfWeek": ["monday"],
                "startTime": "08:00:00.0000000",
                "endTime": "12:00:00.0000000",
                "timeZone": {"name": W_EUROPE},
            },
        }
    ]
    assert tenant.counts.calls == {("POST", "getSchedule"): 1}
    assert tenant.counts.writes == 0


@pytest.mark.parametrize(
    ("show_as", "digit"),
    [("free", "0"), ("workingElsewhere", "0"), ("unknown", "0"), ("tentative", "1"), ("busy", "2"), ("oof", "3")],
)
async def test_every_status_has_its_digit(graph: Graph, tenant: Tenant, show_as: str, digit: str) -> None:
    book(tenant, 1, 9, 60, show_as)
    reply = await ask(graph, tenant, tenant.employees[1].address)
    (found,) = reply.body["value"]
    assert found["availabilityView"] == f"00{digit}{digit}0000"
    assert found["scheduleItems"] == [
        {
            "status": show_as,
            "start": {"dateTime": "2026-12-03T08:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-12-03T09:00:00.0000000", "timeZone": "UTC"},
        }
    ]


async def test_the_worst_status_of_a_slot_wins_and_touching_it_is_not_being_in_it(graph: Graph, tenant: Tenant) -> None:
    book(tenant, 1, 8.5, 30, "tentative")
    book(tenant, 1, 8.75, 20, "oof")
    book(tenant, 1, 8.5, 60, "free")
    book(tenant, 1, 10, 1)
    assert await view(graph, tenant) == "03302000"
    assert await view(graph, tenant, availabilityViewInterval=60) == "3320"
    fine = await view(graph, tenant, availabilityViewInterval=5)
    assert fine == "0" * 6 + "1" * 3 + "3" * 4 + "0" * 11 + "2" + "0" * 23


async def test_slots_begin_with_the_window_and_the_last_may_be_short(graph: Graph, tenant: Tenant) -> None:
    book(tenant, 1, 7, 75)
    book(tenant, 1, 11.9, 60)
    assert await view(graph, tenant, availabilityViewInterval=50) == "20002"
    odd = {"startTime": at("2026-12-03T08:10:00"), "endTime": at("2026-12-03T08:30:00")}
    assert await view(graph, tenant, availabilityViewInterval=15, **odd) == "20"


async def test_a_series_with_its_exceptions_and_gaps(graph: Graph, tenant: Tenant) -> None:
    starts = datetime(2026, 12, 3, 9)  # noqa: DTZ001 - a wall-clock time
    mailbox = box(tenant, 1)
    event = mailbox.book("Lärtid", starts, starts + timedelta(hours=1), recurrence=weekly()["recurrence"])
    dates = event.occurrences(datetime(2027, 1, 1, tzinfo=UTC))
    ids = [mailbox.id_of(event, one.slot.day) for one in dates if one.slot]
    mailbox.delete_occurrence(ids[1])
    mailbox.move_occurrence(ids[2], datetime(2026, 12, 16, 8, tzinfo=UTC))
    days = {"startTime": at("2026-12-03T00:00:00"), "endTime": at("2026-12-19T00:00:00")}
    assert await view(graph, tenant, availabilityViewInterval=1440, **days) == "2000000000000200"


async def test_a_window_over_a_clock_change_has_as_many_slots_as_it_has_hours(graph: Graph, tenant: Tenant) -> None:
    days = {"startTime": at("2027-03-28T00:00:00"), "endTime": at("2027-03-29T00:00:00")}
    assert len(await view(graph, tenant, availabilityViewInterval=60, **days)) == 23


async def test_windows_are_asked_for_and_items_answered_in_any_zone_graph_knows(graph: Graph, tenant: Tenant) -> None:
    book(tenant, 1, 9, 60)
    body = {
        "Schedules": [tenant.employees[1].address],
        "StartTime": at("2026-12-03T02:00:00", "America/New_York"),
        "EndTime": at("2026-12-03T13:00:00", "FLE Standard Time"),
        "AvailabilityViewInterval": 60,
    }
    reply = await graph.post(
        f"{of(tenant)}/calendar/getSchedule", body, Prefer='outlook.timezone="Tokyo Standard Time"'
    )
    (found,) = reply.body["value"]
    assert found["availabilityView"] == "0200"
    assert found["scheduleItems"][0]["start"] == {
        "dateTime": "2026-12-03T17:00:00.0000000",
        "timeZone": "Tokyo Standard Time",
    }
    assert reply.headers["preference-applied"] == 'outlook.timezone="Tokyo Standard Time"'


async def test_words_are_told_of_the_own_calendar_alone_and_private_ones_not_there(
    graph: Graph, tenant: Tenant
) -> None:
    for who in (0, 1):
        book(tenant, who, 9, 30, location={"displayName": "Granen"})
        book(tenant, who, 10, 30, sensitivity="private")
    reply = await ask(graph, tenant, *(one.address for one in tenant.employees[:2]))
    own, other = (one["scheduleItems"] for one in reply.body["value"])
    assert (own[0]["isPrivate"], own[0]["subject"], own[0]["location"]) == (False, "Hemligt möte", "Granen")
    assert (own[1]["isPrivate"], "subject" in own[1], "location" in own[1]) == (True, False, False)
    assert [set(one) for one in other] == [{"status", "start", "end"}] * 2


async def test_addresses_of_nobody_and_of_people_without_a_mailbox_are_entries_with_an_error(
    graph: Graph, tenant: Tenant
) -> None:
    guest = next(one for one in tenant.accounts if one.kind == GUEST)
    tenant.employees[2].mailbox = None
    unknown = ["nobody@fjallvik.example", guest.address, tenant.accounts[2].address, tenant.employees[0].id, "x"]
    reply = await ask(graph, tenant, *unknown, tenant.employees[1].address)
    assert reply.status == 200
    *errors, known = reply.body["value"]
    assert [set(one) for one in errors] == [{"scheduleId", "error"}] * 5
    assert [one["scheduleId"] for one in errors] == unknown
    assert errors[0]["error"]["responseCode"] == "5009"
    assert "nobody@fjallvik.example" in errors[0]["error"]["message"]
    assert known["availabilityView"] == "00000000"


async def test_a_groups_address_is_the_worst_of_its_members_and_no_more_than_that(graph: Graph, tenant: Tenant) -> None:
    tenant.add_group("Par", "par@fjallvik.example", tenant.employees[1:3])
    book(tenant, 1, 9, 30, "tentative")
    book(tenant, 2, 9, 60)
    reply = await ask(graph, tenant, "PAR@fjallvik.example")
    assert reply.body["value"] == [
        {"scheduleId": "PAR@fjallvik.example", "availabilityView": "00220000", "scheduleItems": []}
    ]


async def test_twenty_mailboxes_at_most_members_of_groups_one_by_one(graph: Graph, tenant: Tenant) -> None:
    twelve = [one.address for one in tenant.employees]
    assert (await ask(graph, tenant, *twelve, *twelve[:8])).status == 200
    tenant.add_group("Nio", "nio@fjallvik.example", tenant.employees[:9])
    for too_many in [[*twelve, *twelve[:9]], [*twelve, "nio@fjallvik.example"]]:
        reply = await ask(graph, tenant, *too_many)
        assert (reply.status, reply.code) == (400, "ErrorMailboxDataArrayTooBig")
        assert "The allowed size = 20; the actual size = 21" in reply.body["error"]["message"]
    tenant.limits = replace(tenant.limits, schedules=100)
    assert (await ask(graph, tenant, *twelve, "nio@fjallvik.example")).status == 200


def long(days: int) -> dict[str, str]:
    return at((datetime(2026, 12, 3, 8) + timedelta(days=days)).isoformat())  # noqa: DTZ001 - a wall-clock time


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"schedules": []}, "ErrorMailboxDataArrayEmpty"),
        ({"schedules": "anna@fjallvik.example"}, "RequestBodyRead"),
        ({"startTime": MORNING["endTime"]}, "ErrorInvalidTimeInterval"),
        ({"endTime": long(-1)}, "ErrorInvalidTimeInterval"),
        ({"endTime": long(62)}, "ErrorTimeIntervalTooBig"),
        ({"endTime": None}, "ErrorPropertyValidationFailure"),
        ({"endTime": at("2026-12-03T12:00:00", "Europe/Stockholm")}, "TimeZoneNotSupportedException"),
        ({"endTime": at("2026-12-03T12:00:00+01:00")}, "ErrorPropertyValidationFailure"),
        ({"availabilityViewInterval": 4}, "ErrorInvalidMergedFreeBusyInterval"),
        ({"availabilityViewInterval": 1441, "endTime": long(7)}, "ErrorInvalidMergedFreeBusyInterval"),
        ({"availabilityViewInterval": 241}, "ErrorInvalidMergedFreeBusyInterval"),
        ({"availabilityViewInterval": "30"}, "RequestBodyRead"),
        ({"Schedules": ["x@fjallvik.example"]}, "RequestBodyRead"),
        ({"attendees": []}, "RequestBodyRead"),
    ],
)
async def test_what_is_refused(graph: Graph, tenant: Tenant, wrong: dict[str, Any], code: str) -> None:
    reply = await ask(graph, tenant, tenant.employees[1].address, **wrong)
    assert (reply.status, reply.code) == (400, code)


async def test_just_under_sixty_two_days_are_not_too_many(graph: Graph, tenant: Tenant) -> None:
    ends = at("2027-02-03T07:59:00")
    assert len(await view(graph, tenant, endTime=ends, availabilityViewInterval=1440)) == 62


async def test_it_is_an_action_of_a_calendar_and_asked_for_by_post(graph: Graph, tenant: Tenant) -> None:
    body = {"schedules": [tenant.employees[1].address], **MORNING}
    assert (await graph.post(f"{of(tenant)}/getSchedule", body)).status == 400
    assert (await graph.get(f"{of(tenant)}/calendar/getSchedule")).status == 405
    assert (await graph.post(f"{of(tenant)}/calendar/getSchedule?$top=5", body)).status == 400
    assert (await graph.post(f"{of(tenant)}/calendar/getSchedule", [])).status == 400


@pytest.mark.parametrize(
    ("role", "status"), [("Calendars.ReadBasic", 200), ("Calendars.Read", 200), ("MailboxSettings.Read", 403)]
)
async def test_reading_basics_is_enough(graph: Graph, tenant: Tenant, role: str, status: int) -> None:
    tenant.applications[0].roles = {role}
    await graph.sign_in()
    assert (await ask(graph, tenant, tenant.employees[1].address)).status == status


async def test_it_counts_against_the_mailbox_that_asks(graph: Graph, tenant: Tenant) -> None:
    box(tenant, 1).pressure = Pressure(calls=1, retry_after=7)
    assert (await ask(graph, tenant, tenant.employees[1].address)).status == 200
    box(tenant, 0).pressure = Pressure(calls=1, retry_after=7)
    assert (await ask(graph, tenant, tenant.employees[1].address)).status == 429


async def test_it_works_in_batches(graph: Graph, tenant: Tenant) -> None:
    book(tenant, 1, 9, 60)
    url, headers = f"{of(tenant)}/calendar/getSchedule", {"Content-Type": "application/json"}
    body = {"schedules": [tenant.employees[1].address], **MORNING}
    answers = await graph.batch(
        {"id": "1", "method": "POST", "url": url, "headers": headers, "body": body},
        {"id": "2", "method": "POST", "url": url, "headers": headers, "body": {**body, "schedules": []}},
    )
    assert answers["1"]["body"]["value"][0]["availabilityView"] == "00220000"
    assert (answers["2"]["status"], answers["2"]["body"]["error"]["code"]) == (400, "ErrorMailboxDataArrayEmpty")


async def test_no_fault_of_writes_happens_to_it(graph: Graph, tenant: Tenant) -> None:
    for fault in (Fault.ERROR_504_AFTER, Fault.LATE_WRITE, Fault.DROPPED_AFTER):
        tenant.faults.script(fault, times=None)
    assert (await ask(graph, tenant, tenant.employees[1].address)).status == 200
    tenant.faults.script(Fault.ERROR_504_BEFORE)
    assert (await ask(graph, tenant, tenant.employees[1].address)).status == 504
