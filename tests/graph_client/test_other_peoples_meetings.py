"""Meetings of others over the bulk road: what is asked of them, what is understood, how they are declined; and mail."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from graph_client.calendars import GraphCalendars
from graph_client.connect import connect
from graph_client.mail import GraphMail
from holdfast.core.errors import Denied, Gone, NoMailbox, Unexpected, Unreachable
from holdfast.core.model import Meeting, Response, ShowAs, Stretch, Weekday, Weekly
from holdfast.core.overlap import ASKED_OF_OTHERS
from sandbox import Clock, Facts, Person, Sandbox, firm
from sandbox.event import Address
from sandbox.transport import InProcess
from tests.graph_client.office import Office, TenantTokens, days_of, hours_of, series_of
from tests.graph_client.world import BASE, CONNECTION, NOON, InTurn, JumpingClock, PretendGraph, Reply, error, road
from tests.openapi import Description

FROM, TO, HTML = "larande@fjallvik.example", "cilla@fjallvik.example", "<p>Hej</p>"
ANN = "0b1e5c2f-0000-4000-8000-000000000001"
THURSDAY = date(2026, 12, 3)
STARTS, ENDS = datetime(2026, 12, 3, 8, tzinfo=UTC), datetime(2026, 12, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SINCE, UNTIL = STARTS - timedelta(days=2), STARTS + timedelta(days=30)
OUTSIDE = Address("Kim Kund", "Kim@Partner.example")
SECRET = "Samtal om lön"


def at(moment: datetime) -> dict[str, str]:
    return {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}


def raw(event_id: str = "AAk=", **more: Any) -> dict[str, Any]:
    """An unanswered meeting as Graph gives it."""
    return {
        "@odata.etag": 'W/"1"',
        "id": event_id,
        "type": "singleInstance",
        "start": at(STARTS),
        "end": at(ENDS),
        "isAllDay": False,
        "showAs": "tentative",
        "isCancelled": False,
        "isOrganizer": False,
        "organizer": {"emailAddress": {"name": "Cilla Ek", "address": "Cilla@Fjallvik.example"}},
        "responseStatus": {"response": "notResponded", "time": "0001-01-01T00:00:00Z"},
        "seriesMasterId": None,
        "sensitivity": "normal",
        "allowNewTimeProposals": True,
        "responseRequested": True,
        **more,
    }


UNDERSTOOD = Meeting("AAk=", None, Stretch(STARTS, ENDS), "cilla@fjallvik.example", Response.UNANSWERED)


def graph(*replies: Reply) -> Any:
    return road(PretendGraph(reply=InTurn(*replies)))


# What is understood


async def test_a_view_asks_for_the_fixed_list_and_nothing_else() -> None:
    async with graph((200, {}, {"value": []})) as way:
        view = await GraphCalendars(way.dispatcher).view(ANN, ["ours"], since=SINCE, until=UNTIL)
    assert (view.dates, view.meetings, view.away) == ({"ours": ()}, (), ())
    (item,) = way.graph.items
    assert urlsplit(item["url"]).path == f"/users/{ANN}/calendarView"
    assert parse_qs(urlsplit(item["url"]).query, strict_parsing=True) == {
        "startDateTime": ["2026-12-01T08:00:00Z"],
        "endDateTime": ["2027-01-02T08:00:00Z"],
        "$select": [",".join(ASKED_OF_OTHERS)],
        "$top": ["50"],
    }


async def test_one_meeting_is_asked_for_by_the_same_list() -> None:
    async with graph((200, {}, raw("A/k+="))) as way:
        meeting = await GraphCalendars(way.dispatcher).meeting(ANN, "A/k+=")
    assert meeting.event_id == "A/k+="
    (item,) = way.graph.items
    assert urlsplit(item["url"]).path == f"/users/{ANN}/events/A%2Fk%2B%3D"
    assert parse_qs(urlsplit(item["url"]).query) == {"$select": [",".join(ASKED_OF_OTHERS)]}


@pytest.mark.parametrize(
    ("told", "understood"),
    [
        ({}, {}),
        ({"seriesMasterId": "weekly", "type": "occurrence"}, {"series_id": "weekly"}),
        ({"showAs": "busy", "responseStatus": {"response": "accepted"}}, {"response": Response.ACCEPTED}),
        ({"responseStatus": {"response": "tentativelyAccepted"}}, {"response": Response.TENTATIVE}),
        ({"responseStatus": None}, {"response": Response.NONE}),
        (
            {"isOrganizer": True, "responseStatus": {"response": "organizer"}},
            {"response": Response.ORGANIZER, "is_own": True},
        ),
        ({"organizer": None}, {"organizer": ""}),
        ({"organizer": {"emailAddress": {"name": "Utan adress", "address": None}}}, {"organizer": ""}),
        ({"sensitivity": "private"}, {"is_private": True}),
        ({"sensitivity": "personal"}, {"is_private": True}),
        ({"sensitivity": "confidential"}, {"is_private": True}),
        ({"responseRequested": False}, {"asks": False}),
        ({"responseRequested": None}, {}),
        ({"allowNewTimeProposals": False}, {"hears": False}),
        ({"allowNewTimeProposals": None}, {"hears": False}),
        ({"showAs": "workingElsewhere"}, {}),
        ({"showAs": "unknown"}, {}),
    ],
)
async def test_a_meeting_is_what_graph_tells_of_it(told: dict[str, Any], understood: dict[str, Any]) -> None:
    values = {name: getattr(UNDERSTOOD, name) for name in UNDERSTOOD.__slots__} | understood
    answer = raw(**told)
    async with graph((200, {}, {"value": [answer]}), (200, {}, answer)) as way:
        port = GraphCalendars(way.dispatcher)
        view = await port.view(ANN, (), since=SINCE, until=UNTIL)
        assert view.meetings == (Meeting(**values),)
        assert await port.meeting(ANN, "AAk=") == Meeting(**values)


TAKES_NO_TIME = [
    {"showAs": "free"},
    {"showAs": "free", "responseStatus": {"response": "declined"}},
    {"isCancelled": True},
    {"isAllDay": True, "showAs": "busy"},
]


@pytest.mark.parametrize("told", TAKES_NO_TIME, ids=str)
async def test_what_takes_no_time_is_no_meeting_and_one_that_takes_none_any_more_is_gone(told: dict[str, Any]) -> None:
    async with graph((200, {}, {"value": [raw(**told)]}), (200, {}, raw(**told))) as way:
        port = GraphCalendars(way.dispatcher)
        assert (await port.view(ANN, (), since=SINCE, until=UNTIL)).meetings == ()
        with pytest.raises(Gone):
            await port.meeting(ANN, "AAk=")


@pytest.mark.parametrize("days", [{3}, {3, 4, 5}])
@pytest.mark.parametrize("hours", [-8, 0, 1, 9])
async def test_whole_days_out_of_office_are_those_days_in_any_zone(days: set[int], hours: int) -> None:
    first = datetime(2026, 12, 3, tzinfo=UTC)
    absent = raw(start=at(first), end=at(first + timedelta(days=len(days))), showAs="oof", isAllDay=True)
    async with graph((200, {}, {"value": [absent]})) as way:
        port = GraphCalendars(way.dispatcher)
        view = await port.view(ANN, (), since=SINCE, until=UNTIL)
        assert view.meetings == ()
        assert list(view.away) == await port.away(ANN, since=SINCE, until=UNTIL)
    midnight = datetime(2026, 12, 1, tzinfo=UTC) - hours * HOUR
    local = {n + 1: Stretch(midnight + timedelta(days=n), midnight + timedelta(days=n + 1)) for n in range(10)}
    assert {day for day, whole in local.items() if view.away[0].meets(whole)} == days


async def test_hours_out_of_office_are_those_hours() -> None:
    async with graph((200, {}, {"value": [raw(showAs="oof")]})) as way:
        view = await GraphCalendars(way.dispatcher).view(ANN, (), since=SINCE, until=UNTIL)
    assert view.away == (Stretch(STARTS, ENDS),)


async def test_dates_of_our_series_are_told_apart_from_what_is_not_ours_on_every_page() -> None:
    def ours(event_id: str, days: int, **more: Any) -> dict[str, Any]:
        when = {"start": at(STARTS + timedelta(days=days)), "end": at(ENDS + timedelta(days=days))}
        return raw(event_id, type="occurrence", seriesMasterId="ours", isOrganizer=True, showAs="busy", **when, **more)

    link = f"{BASE}/users/{ANN}/calendarView?$skiptoken=x"
    first = {"value": [ours("late", 7, originalStart="2026-12-10T08:00:00Z"), raw("one")], "@odata.nextLink": link}
    second = {"value": [ours("soon", 0, originalStart="2026-12-03T08:00:00Z"), raw("two", seriesMasterId="theirs")]}
    async with graph(
        (200, {}, first), (200, {}, {"value": [], "@odata.nextLink": f"{link}y"}), (200, {}, second)
    ) as way:
        view = await GraphCalendars(way.dispatcher).view(ANN, ["ours", "gone"], since=SINCE, until=UNTIL)
    assert {series: [one.event_id for one in dates] for series, dates in view.dates.items()} == {
        "ours": ["soon", "late"],
        "gone": [],
    }
    assert [one.show_as for one in view.dates["ours"]] == [ShowAs.BUSY] * 2
    assert [(one.event_id, one.identity) for one in view.meetings] == [("one", "one"), ("two", "theirs")]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"id": None, "start": None},
        {"start": {"dateTime": "2026-12-03T09:00:00", "timeZone": "W. Europe Standard Time"}},
        {"end": {"dateTime": "soon", "timeZone": "UTC"}},
        {"showAs": "dancing"},
        {"responseStatus": {"response": "perhaps"}},
        {"organizer": "cilla@fjallvik.example"},
        {"organizer": {"emailAddress": {"address": 7}}},
    ],
    ids=str,
)
async def test_a_meeting_that_is_not_understood_is_not_passed_over(spoilt: dict[str, Any]) -> None:
    answer = raw(**spoilt)
    async with graph((200, {}, {"value": [raw(), answer]}), (200, {}, answer)) as way:
        port = GraphCalendars(way.dispatcher)
        with pytest.raises(Unexpected, match="not understood"):
            await port.view(ANN, (), since=SINCE, until=UNTIL)
        with pytest.raises(Unexpected, match="not understood"):
            await port.meeting(ANN, "AAk=")


@pytest.mark.parametrize(
    "missing", ["showAs", "isAllDay", "isCancelled", "isOrganizer", "sensitivity", "responseRequested", "start"]
)
async def test_what_was_asked_for_and_is_not_there_is_not_guessed(missing: str) -> None:
    answer = raw()
    del answer[missing]
    async with graph((200, {}, {"value": [answer]})) as way:
        with pytest.raises(Unexpected, match="not understood"):
            await GraphCalendars(way.dispatcher).view(ANN, (), since=SINCE, until=UNTIL)


async def test_a_page_that_fails_is_not_the_end_of_a_view() -> None:
    first = {"value": [raw()], "@odata.nextLink": f"{BASE}/users/{ANN}/calendarView?$skiptoken=x"}
    async with graph((200, {}, first), error(404, "MailboxNotEnabledForRESTAPI")) as way:
        with pytest.raises(NoMailbox):
            await GraphCalendars(way.dispatcher).view(ANN, (), since=SINCE, until=UNTIL)


# Declining and mail


async def test_declining_says_no_more_than_it_is_given() -> None:
    async with graph((202, {}, None)) as way:
        port = GraphCalendars(way.dispatcher)
        await port.decline(ANN, "A/k+=", comment=None, proposed=None)
        await port.decline(ANN, "AAk=", comment="Lärtid", proposed=None)
        await port.decline(ANN, "AAk=", comment="Lärtid", proposed=Stretch(STARTS + 5 * HOUR, ENDS + 5 * HOUR))
    assert [(item["method"], unquote(item["url"])) for item in way.graph.items] == [
        ("POST", f"/users/{ANN}/events/A/k+=/decline"),
        ("POST", f"/users/{ANN}/events/AAk=/decline"),
        ("POST", f"/users/{ANN}/events/AAk=/decline"),
    ]
    times = {
        "start": {"dateTime": "2026-12-03T13:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-03T14:00:00", "timeZone": "UTC"},
    }
    assert [item["body"] for item in way.graph.items] == [
        {"sendResponse": False},
        {"sendResponse": True, "comment": "Lärtid"},
        {"sendResponse": True, "comment": "Lärtid", "proposedNewTime": times},
    ]


REFUSALS = [
    (error(403, "ErrorAccessDenied"), Denied),
    (error(400, "ErrorInvalidRequest"), Unexpected),
    (error(404, "MailboxNotEnabledForRESTAPI"), NoMailbox),
    (error(503), Unreachable),
    (error(504), Unreachable),
    ((0, {}, None), Unreachable),
]


@pytest.mark.parametrize(("answer", "kind"), [*REFUSALS, (error(404, "ErrorItemNotFound"), Gone)])
async def test_a_decline_that_failed_is_never_sent_again_by_itself(answer: Reply, kind: type[Exception]) -> None:
    async with graph(answer) as way:
        with pytest.raises(kind):
            await GraphCalendars(way.dispatcher).decline(ANN, "AAk=", comment="Lärtid", proposed=None)
    assert len(way.graph.items) == 1


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
async def test_a_mail_that_failed_is_never_sent_again_by_itself(answer: Reply, kind: type[Exception]) -> None:
    async with graph(answer) as way:
        with pytest.raises(kind):
            await GraphMail(way.dispatcher).send(
                "larande@fjallvik.example", "cilla@fjallvik.example", "Hej", "<p>Hej</p>"
            )
    assert len(way.graph.items) == 1


async def test_a_mail_that_was_throttled_was_not_sent_and_is_sent_later() -> None:
    async with graph(error(429, "ApplicationThrottled", retry_after="3"), (202, {}, None)) as way:
        await GraphMail(way.dispatcher).send(FROM, TO, "Hej", HTML)
    assert len(way.graph.items) == 2
    assert way.clock.at >= 3


async def test_a_mail_goes_to_one_person_and_is_kept_in_sent_items() -> None:
    async with graph((202, {}, None)) as way:
        await GraphMail(way.dispatcher).send(FROM, TO, "Hej", HTML)
    (item,) = way.graph.items
    assert (item["method"], item["url"]) == ("POST", "/users/larande%40fjallvik.example/sendMail")
    assert item["body"] == {
        "message": {
            "subject": "Hej",
            "body": {"contentType": "html", "content": "<p>Hej</p>"},
            "toRecipients": [{"emailAddress": {"address": "cilla@fjallvik.example"}}],
        },
        "saveToSentItems": True,
    }


# On the sandbox


def guest(office: Office) -> Person:
    return Person(office.tenant, office.person())


def boss(office: Office) -> Person:
    return Person(office.tenant, office.person(1))


def invited(office: Office, starts: datetime = STARTS, **values: Any) -> str:
    """The id of the guest's copy of their boss's meeting."""
    boss(office).invite([office.person()], SECRET, starts, starts + HOUR, **values)
    return office.box().id_of(office.box().events[-1])


async def seen(office: Office, *ours: str) -> dict[str, Meeting]:
    view = await office.calendars.view(office.id(), ours, since=SINCE, until=UNTIL)
    return {meeting.event_id: meeting for meeting in view.meetings}


async def test_a_calendar_is_told_apart_into_blocks_meetings_and_absences(office: Office) -> None:
    series = series_of(Weekly(Weekday.THURSDAY))
    ours = await office.make(series)
    inside, outside = invited(office), guest(office).be_invited(OUTSIDE, SECRET, STARTS, ENDS)
    own, private = (guest(office).book(SECRET, STARTS, ENDS, sensitivity=kind) for kind in ("normal", "private"))
    guest(office).book(SECRET, STARTS, ENDS, showAs="free")
    midnight = datetime.combine(THURSDAY, time())
    guest(office).book("Marknad", midnight, midnight + timedelta(days=1), isAllDay=True)
    guest(office).be_away(date(2026, 12, 10))
    view = await office.calendars.view(office.id(), [ours], since=SINCE, until=UNTIL)
    assert [(one.starts, one.ends) for one in view.dates[ours]] == hours_of(series, days_of(series, UNTIL.date()))
    found = {meeting.event_id: meeting for meeting in view.meetings}
    assert found.keys() == {inside, outside, own, private}
    assert (found[inside].organizer, found[inside].response) == (office.person(1).address, Response.UNANSWERED)
    assert found[outside].organizer == "kim@partner.example"
    assert [found[one].is_own for one in (inside, outside, own, private)] == [False, False, True, True]
    assert [found[one].is_private for one in (inside, outside, own, private)] == [False, False, False, True]
    assert view.away == (Stretch(*(datetime(2026, 12, 10, 12, tzinfo=UTC),) * 2),)
    assert not any(SECRET in repr(one.response_body) for one in office.asked if "calendarView" in one.path)


async def test_more_than_a_page_of_meetings_are_all_seen(office: Office) -> None:
    ids = {invited(office, STARTS + number * HOUR / 4) for number in range(120)}
    assert (await seen(office)).keys() == ids
    assert office.paths.count("calendarView") == 3


async def test_a_meeting_is_as_it_is_now(office: Office) -> None:
    event_id = invited(office, responseRequested=False, allowNewTimeProposals=False)
    meeting = await office.calendars.meeting(office.id(), event_id)
    assert (meeting.response, meeting.asks, meeting.hears) == (Response.UNANSWERED, False, False)
    assert meeting == (await seen(office))[event_id]
    guest(office).accept(event_id)
    assert (await office.calendars.meeting(office.id(), event_id)).response is Response.ACCEPTED
    guest(office).delete(event_id)
    with pytest.raises(Gone):
        await office.calendars.meeting(office.id(), event_id)


async def test_one_date_of_a_weekly_meeting_is_declined_and_the_others_stand(office: Office) -> None:
    span = {"type": "numbered", "startDate": "2026-12-03", "numberOfOccurrences": 4}
    weekly = {"pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["thursday"]}, "range": span}
    invited(office, recurrence=weekly)
    found = await seen(office)
    assert len({meeting.identity for meeting in found.values()}) == 1
    first, *rest = sorted(found, key=lambda event_id: found[event_id].time)
    await office.calendars.decline(office.id(), first, comment="Lärtid då <tyvärr>", proposed=None)
    assert (await seen(office)).keys() == set(rest)
    (mail,) = office.tenant.mails
    assert (mail.sender, mail.to, mail.response) == (office.person().address, (office.person(1).address,), "declined")
    assert "Lärtid då &lt;tyvärr&gt;" in mail.body


@pytest.mark.parametrize("goes", [True, False])
async def test_a_declined_meeting_is_gone_whether_it_leaves_the_calendar_or_not(office: Office, *, goes: bool) -> None:
    office.tenant.facts = Facts(declined_meetings_go=goes)
    event_id = invited(office)
    proposed = Stretch(STARTS + 5 * HOUR, ENDS + 5 * HOUR)
    await office.calendars.decline(office.id(), event_id, comment="Lärtid", proposed=proposed)
    assert await seen(office) == {}
    with pytest.raises(Gone):
        await office.calendars.meeting(office.id(), event_id)
    (event,) = (one for one in office.box(1).events if one.organizer is None)
    (attendee,) = event.values["attendees"]
    assert attendee["proposedNewTime"]["start"]["dateTime"].startswith("2026-12-03T13:00:00")


async def test_without_a_comment_nobody_hears_of_it(office: Office) -> None:
    event_id = invited(office, responseRequested=False)
    await office.calendars.decline(office.id(), event_id, comment=None, proposed=None)
    assert await seen(office) == {}
    assert office.tenant.mails == []


async def test_what_graph_refuses_leaves_the_meeting_where_it_is(office: Office) -> None:
    silent, deaf = invited(office, responseRequested=False), invited(office, allowNewTimeProposals=False)
    own = guest(office).book(SECRET, STARTS, ENDS)
    proposed = Stretch(STARTS + 5 * HOUR, ENDS + 5 * HOUR)
    for event_id, new_time in ((silent, None), (deaf, proposed), (own, None)):
        with pytest.raises(Unexpected):
            await office.calendars.decline(office.id(), event_id, comment="Lärtid", proposed=new_time)
    assert (await seen(office)).keys() == {silent, deaf, own}
    assert office.tenant.mails == []
    guest(office).delete(own)
    with pytest.raises(Gone):
        await office.calendars.decline(office.id(), own, comment="Lärtid", proposed=None)


@pytest.fixture
async def post_room() -> AsyncIterator[tuple[Sandbox, GraphMail]]:
    """A firm and the port to its mail."""
    sandbox = Sandbox()
    tenant = sandbox.add(firm(people=4, seed=1, clock=Clock(at=NOON), calendars=False))
    path = os.environ.get("HOLDFAST_OPENAPI")
    description = Description.read(Path(path)) if path else None
    if description:
        sandbox.observers.append(description.check)
    ways = {"tokens": TenantTokens(sandbox, tenant), "transport": InProcess(sandbox.app)}
    chance = random.Random(3)  # noqa: S311 - tests repeat
    async with connect(CONNECTION, clock=JumpingClock(), random=chance, **ways) as found:
        yield sandbox, found.mail
    if description:
        assert not description.problems, "\n".join(description.problems)


async def test_a_mail_arrives_as_it_was_written(post_room: tuple[Sandbox, GraphMail]) -> None:
    sandbox, mail = post_room
    (tenant,) = sandbox.tenants.values()
    sender, to = tenant.service_account.address, tenant.employees[0].address
    await mail.send(sender, to, "Ett möte som krockar med lärtid", "<p>Hej &amp; hå</p>")
    (sent,) = tenant.mails
    assert (sent.sender, sent.recipients, sent.subject, sent.saved) == (
        sender,
        (to,),
        "Ett möte som krockar med lärtid",
        True,
    )
    assert "<p>Hej &amp; hå</p>" in sent.body


async def test_without_the_permission_or_a_recipient_no_mail_is_sent(post_room: tuple[Sandbox, GraphMail]) -> None:
    sandbox, mail = post_room
    (tenant,) = sandbox.tenants.values()
    sender = tenant.service_account.address
    with pytest.raises(Unexpected):
        await mail.send(sender, "nobody at all", "Hej", HTML)
    with pytest.raises(NoMailbox):
        await mail.send("ingen@fjallvik.example", tenant.employees[0].address, "Hej", HTML)
    tenant.applications[0].roles.discard("Mail.Send")
    with pytest.raises(Denied, match="Sending mail from the organizer mailbox failed") as caught:
        await mail.send(sender, tenant.employees[0].address, "Hej", HTML)
    assert "Mail.Send" in caught.value.cure
    assert tenant.mails == []
