"""accept, tentativelyAccept and decline over Graph: what becomes of the meeting, who is told, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import Facts, Person, Tenant
from sandbox.event import Address
from sandbox.faults import Fault
from tests.sandbox.graph import IMMUTABLE, Graph, Reply, at, event, of, single, weekly, window

STARTS = datetime(2026, 12, 3, 8, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=1)
OUTSIDE = Address("Kim Kund", "kim@elsewhere.example")
LATER = {"start": at("2026-12-03T13:00:00"), "end": at("2026-12-03T14:00:00")}


@pytest.fixture
def anna(tenant: Tenant) -> Person:
    return Person(tenant, tenant.employees[0])


@pytest.fixture
def boss(tenant: Tenant) -> Person:
    return Person(tenant, tenant.employees[1])


def meeting(boss: Person, anna: Person, **values: Any) -> str:
    """The id of Anna's copy."""
    boss.invite([anna.account], "Planering", STARTS, ENDS, **values)
    return anna.mailbox.id_of(anna.mailbox.events[-1])


async def answer(graph: Graph, tenant: Tenant, event_id: str, action: str, **body: Any) -> Reply:
    return await graph.post(f"{of(tenant)}{event(event_id)}/{action}", body)


async def shown(graph: Graph, tenant: Tenant) -> list[tuple[str, str]]:
    view = f"{of(tenant)}/calendarView?{window('2026-12-01T00:00:00Z', '2026-12-24T00:00:00Z')}"
    return [(one["responseStatus"]["response"], one["showAs"]) for one in (await graph.get(view)).body["value"]]


@pytest.mark.parametrize(
    ("action", "after"),
    [
        ("accept", [("accepted", "busy")]),
        ("tentativelyAccept", [("tentativelyAccepted", "tentative")]),
        ("decline", []),
    ],
)
async def test_an_answer_shows_in_the_calendar_and_goes_to_the_organiser(  # noqa: PLR0917 - a case has so many parts
    graph: Graph, tenant: Tenant, anna: Person, boss: Person, action: str, after: list[tuple[str, str]]
) -> None:
    mine = meeting(boss, anna)
    assert await shown(graph, tenant) == [("notResponded", "tentative")]
    reply = await answer(graph, tenant, mine, action, comment="Lärtid då <tyvärr>")
    assert (reply.status, reply.body) == (202, None)
    assert await shown(graph, tenant) == after
    (mail,) = tenant.mails
    assert (mail.sender, mail.to) == (anna.account.address, (boss.account.address,))
    assert mail.subject.endswith(": Planering")
    assert "Lärtid då &lt;tyvärr&gt;" in mail.body
    response = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted", "decline": "declined"}[action]
    assert mail.response == response
    (theirs,) = boss.mailbox.events
    assert theirs.values["attendees"][0]["status"] == {"response": response, "time": "2026-11-25T09:00:00.0000000Z"}
    assert (tenant.counts.mails, tenant.counts.writes) == (1, 1)
    assert tenant.counts.paths[f"POST /users/*/events/*/{action}"] == 1


async def test_an_answer_need_not_be_sent(graph: Graph, tenant: Tenant, anna: Person, boss: Person) -> None:
    mine = meeting(boss, anna, responseRequested=False)
    refused = await answer(graph, tenant, mine, "accept")
    assert (refused.status, refused.code) == (400, "ErrorInvalidRequest")
    assert "hasn't requested a response" in refused.body["error"]["message"]
    assert (await answer(graph, tenant, mine, "accept", sendResponse=False)).status == 202
    assert await shown(graph, tenant) == [("accepted", "busy")]
    assert tenant.mails == []
    assert boss.mailbox.events[0].values["attendees"][0]["status"]["response"] == "none"


async def test_an_accepted_meeting_shows_as_the_organiser_meant_it(
    graph: Graph, tenant: Tenant, anna: Person, boss: Person
) -> None:
    mine = meeting(boss, anna, showAs="oof")
    assert await shown(graph, tenant) == [("notResponded", "tentative")]
    await answer(graph, tenant, mine, "accept")
    assert await shown(graph, tenant) == [("accepted", "oof")]


@pytest.mark.parametrize("action", ["accept", "tentativelyAccept", "decline"])
async def test_ones_own_event_cannot_be_answered(graph: Graph, tenant: Tenant, anna: Person, action: str) -> None:
    for body in [single(), single(attendees=[{"emailAddress": {"address": "x@elsewhere.example"}}])]:
        mine = await graph.made(f"{of(tenant)}/events", body)
        for sends in (True, False):
            refused = await answer(graph, tenant, mine["id"], action, sendResponse=sends)
            assert (refused.status, refused.code) == (400, "ErrorInvalidRequest")
            assert "you're the meeting organizer" in refused.body["error"]["message"]
    assert len(anna.mailbox.events) == 2


async def test_another_time_is_proposed_to_the_organiser(
    graph: Graph, tenant: Tenant, anna: Person, boss: Person
) -> None:
    mine = meeting(boss, anna)
    assert (await answer(graph, tenant, mine, "tentativelyAccept", proposedNewTime=LATER)).status == 202
    attendee = boss.mailbox.events[0].values["attendees"][0]
    assert attendee["proposedNewTime"]["start"] == {
        "dateTime": "2026-12-03T13:00:00.0000000",
        "timeZone": LATER["start"]["timeZone"],
    }
    read = (await graph.get(of(tenant, 1) + event(boss.mailbox.id_of(boss.mailbox.events[0])))).body
    assert read["attendees"] == [attendee]
    assert read["start"]["dateTime"].startswith("2026-12-03T08:00")


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("decline", {"proposedNewTime": LATER, "sendResponse": False}, "ErrorInvalidParameter"),
        ("decline", {"comment": "", "sendResponse": False}, "ErrorInvalidParameter"),
        ("decline", {"proposedNewTime": {"start": LATER["start"]}}, "ErrorPropertyValidationFailure"),
        ("decline", {"proposedNewTime": {**LATER, "end": LATER["start"]}}, "ErrorPropertyValidationFailure"),
        ("decline", {"sendResponse": "no"}, "RequestBodyRead"),
        ("accept", {"proposedNewTime": LATER}, "RequestBodyRead"),
        ("accept", {"reason": "x"}, "RequestBodyRead"),
    ],
)
async def test_answers_that_are_refused(  # noqa: PLR0917 - a case has so many parts
    graph: Graph, tenant: Tenant, anna: Person, boss: Person, action: str, body: dict[str, Any], code: str
) -> None:
    refused = await answer(graph, tenant, meeting(boss, anna), action, **body)
    assert (refused.status, refused.code) == (400, code)
    assert await shown(graph, tenant) == [("notResponded", "tentative")]
    assert tenant.counts.mails == tenant.counts.writes == 0


async def test_no_time_is_proposed_where_the_organiser_wants_none(
    graph: Graph, tenant: Tenant, anna: Person, boss: Person
) -> None:
    mine = meeting(boss, anna, allowNewTimeProposals=False)
    refused = await answer(graph, tenant, mine, "decline", proposedNewTime=LATER)
    assert (refused.status, refused.code) == (400, "ErrorInvalidRequest")
    assert (await answer(graph, tenant, mine, "decline")).status == 202


async def test_one_date_of_somebodys_series_or_all_of_it(
    graph: Graph, tenant: Tenant, anna: Person, boss: Person
) -> None:
    mine = meeting(boss, anna, recurrence=weekly()["recurrence"])
    view = f"{of(tenant)}/calendarView?{window('2026-12-01T00:00:00Z', '2026-12-24T00:00:00Z')}"
    first, second, _ = (await graph.get(view, **IMMUTABLE)).body["value"]
    assert (await answer(graph, tenant, first["id"], "accept")).status == 202
    assert (await answer(graph, tenant, second["id"], "decline")).status == 202
    assert await shown(graph, tenant) == [("accepted", "busy"), ("notResponded", "tentative")]
    assert boss.mailbox.events[0].values["attendees"][0]["status"]["response"] == "none"
    assert (await answer(graph, tenant, mine, "tentativelyAccept")).status == 202
    assert await shown(graph, tenant) == [("accepted", "busy"), ("tentativelyAccepted", "tentative")]
    assert (await answer(graph, tenant, mine, "decline")).status == 202
    assert await shown(graph, tenant) == []
    assert boss.mailbox.events[0].gaps == frozenset()
    assert [mail.response for mail in tenant.mails] == ["accepted", "declined", "tentativelyAccepted", "declined"]


async def test_a_declined_meeting_may_stay(graph: Graph, tenant: Tenant, anna: Person, boss: Person) -> None:
    tenant.facts = Facts(declined_meetings_go=False)
    await answer(graph, tenant, meeting(boss, anna), "decline")
    assert await shown(graph, tenant) == [("declined", "free")]


async def test_organisers_outside_are_told_by_mail_alone(graph: Graph, tenant: Tenant, anna: Person) -> None:
    mine = anna.be_invited(OUTSIDE, "Kundmöte", STARTS, ENDS)
    assert await shown(graph, tenant) == [("notResponded", "tentative")]
    assert (await answer(graph, tenant, mine, "accept")).status == 202
    assert [mail.to for mail in tenant.mails] == [(OUTSIDE.address,)]
    assert await shown(graph, tenant) == [("accepted", "busy")]


async def test_reading_is_no_right_to_answer_and_an_event_of_nobody_is_404(
    graph: Graph, tenant: Tenant, anna: Person, boss: Person
) -> None:
    mine = meeting(boss, anna)
    anna.delete(mine)
    assert (await answer(graph, tenant, mine, "accept")).code == "ErrorItemNotFound"
    assert (await graph.get(f"{of(tenant)}{event(mine)}/accept")).status == 405
    assert (await graph.post(f"{of(tenant)}{event(mine)}/forward", {})).status == 400
    tenant.applications[0].roles = {"Calendars.Read"}
    await graph.sign_in()
    assert (await answer(graph, tenant, meeting(boss, anna), "accept")).code == "ErrorAccessDenied"


async def test_an_answer_has_a_body_in_a_batch_too(graph: Graph, tenant: Tenant, anna: Person, boss: Person) -> None:
    mine = meeting(boss, anna)
    assert (await graph.ask("POST", f"{of(tenant)}{event(mine)}/accept")).code == "RequestBodyRead"
    item = {
        "id": "1",
        "method": "POST",
        "url": f"{of(tenant)}/calendar{event(mine)}/decline",
        "headers": {"Content-Type": "application/json"},
        "body": {"Comment": "Nej", "SendResponse": True},
    }
    answers = await graph.batch(item)
    assert answers["1"]["status"] == 202
    assert "body" not in answers["1"]
    assert await shown(graph, tenant) == []


async def test_an_answer_whose_own_answer_is_lost_was_given(
    graph: Graph, tenant: Tenant, anna: Person, boss: Person
) -> None:
    mine = meeting(boss, anna)
    tenant.faults.script(Fault.ERROR_504_AFTER)
    assert (await answer(graph, tenant, mine, "decline")).status == 504
    assert len(tenant.mails) == 1
    assert await shown(graph, tenant) == []
