"""Single events over Graph: what is accepted, what comes back, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from sandbox import Facts, Tenant
from sandbox.mailbox import DEFAULT_ZONE
from tests.sandbox.graph import IMMUTABLE, NOW, TAG, Graph, at, event, expand, of, single, weekly, window


async def test_what_was_sent_comes_back_in_graphs_form(graph: Graph, tenant: Tenant) -> None:
    body = single(body={"contentType": "text", "content": "Kom & ät"}, location={"displayName": "Granen"})
    made = await graph.made(f"{of(tenant)}/events", body)
    assert made["start"] == {"dateTime": "2026-12-03T11:00:00.0000000", "timeZone": "UTC"}
    assert made["originalStartTimeZone"] == DEFAULT_ZONE
    assert made["body"]["contentType"] == "html"
    assert made["body"]["content"].startswith("<html>")
    assert "Kom &amp; ät" in made["body"]["content"]
    assert made["bodyPreview"] == "Kom & ät"
    assert made["location"] == {
        "displayName": "Granen",
        "locationType": "default",
        "uniqueId": "Granen",
        "uniqueIdType": "private",
    }
    assert made["locations"] == [made["location"]]
    assert made["type"] == "singleInstance"
    assert made["isOrganizer"] is True
    assert made["organizer"]["emailAddress"]["address"] == tenant.employees[0].address
    assert made["responseStatus"]["response"] == "none"
    assert made["seriesMasterId"] is None
    assert made["recurrence"] is None
    assert made["createdDateTime"] == "2026-11-25T09:00:00.0000000Z"
    assert not {"originalStart", "cancelledOccurrences", "transactionId", "singleValueExtendedProperties"} & set(made)


async def test_times_come_in_the_zone_that_was_asked_for(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    path = of(tenant) + event(made["id"])
    reply = await graph.get(path, Prefer='outlook.timezone="Tokyo Standard Time"')
    assert reply.body["start"] == {"dateTime": "2026-12-03T20:00:00.0000000", "timeZone": "Tokyo Standard Time"}
    assert reply.headers["preference-applied"] == 'outlook.timezone="Tokyo Standard Time"'
    assert reply.body["createdDateTime"].endswith("Z")
    refused = await graph.get(path, Prefer='outlook.timezone="Europe/Stockholm"')
    assert (refused.status, refused.code) == (400, "TimeZoneNotSupportedException")


async def test_bodies_come_as_text_on_request(graph: Graph, tenant: Tenant) -> None:
    html = {"contentType": "html", "content": "<p>Hej</p><p>du &auml;r &lt;bra&gt;</p>"}
    made = await graph.made(f"{of(tenant)}/events", single(body=html))
    reply = await graph.get(of(tenant) + event(made["id"]), Prefer='outlook.body-content-type="text"')
    assert reply.body["body"] == {"contentType": "text", "content": "Hej\r\ndu är <bra>"}
    assert reply.headers["preference-applied"] == 'outlook.body-content-type="text"'


async def test_a_whole_day_is_midnight_wherever_it_is_looked_at(graph: Graph, tenant: Tenant) -> None:
    day = single(isAllDay=True, start=at("2026-12-24T00:00:00"), end=at("2026-12-25T00:00:00"))
    made = await graph.made(f"{of(tenant)}/events", day)
    assert made["start"] == {"dateTime": "2026-12-24T00:00:00.0000000", "timeZone": "UTC"}
    refused = await graph.post(f"{of(tenant)}/events", single(isAllDay=True))
    assert (refused.status, refused.code) == (400, "ErrorInvalidRequest")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"titel": "x"}, "RequestBodyRead"),
        ({"start": {"dateTime": "2026-12-03T12:00:00", "timezone": DEFAULT_ZONE}}, "RequestBodyRead"),
        ({"body": {"contentType": "html", "content": "x", "css": "y"}}, "RequestBodyRead"),
        ({"showAs": "Busy"}, "RequestBodyRead"),
        ({"importance": "urgent"}, "RequestBodyRead"),
        ({"isReminderOn": "yes"}, "RequestBodyRead"),
        ({"reminderMinutesBeforeStart": True}, "RequestBodyRead"),
        ({"categories": "Lärande"}, "RequestBodyRead"),
        ({"subject": ["x"]}, "RequestBodyRead"),
        ({"categories": None}, "RequestBodyRead"),
        ({"start": at("the third of May")}, "RequestBodyRead"),
        ({"id": "mine"}, "ErrorInvalidPropertySet"),
        ({"iCalUId": "mine"}, "ErrorInvalidPropertySet"),
        ({"start": at("2026-12-03T12:00:00", "Europe/Stockholm")}, "TimeZoneNotSupportedException"),
        ({"start": at("2026-12-03T12:00:00", "Nowhere Standard Time")}, "TimeZoneNotSupportedException"),
        ({"start": at("2026-12-03T12:00:00Z")}, "ErrorPropertyValidationFailure"),
        ({"start": at("2026-12-03T13:00:01")}, "ErrorPropertyValidationFailure"),
        ({"start": None}, "ErrorPropertyValidationFailure"),
        ({"attendees": [{"emailAddress": {"name": "Ann"}}]}, "ErrorPropertyValidationFailure"),
        ({"attendees": [{"emailAddress": {"address": f"a{n}@x.example"}} for n in range(501)]}, "ErrorInvalidRequest"),
        ({"singleValueExtendedProperties": [{"id": "Holdfast", "value": "x"}]}, "ErrorInvalidProperty"),
    ],
)
async def test_what_graph_has_no_such_thing_of_is_refused(
    graph: Graph, tenant: Tenant, more: dict[str, Any], code: str
) -> None:
    reply = await graph.post(f"{of(tenant)}/events", single(**more))
    assert (reply.status, reply.code) == (400, code)
    assert tenant.mailbox(tenant.employees[0].id).events == []
    assert tenant.counts.writes == 0


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "FLE Standard Time"])
async def test_zones_graph_knows(graph: Graph, tenant: Tenant, zone: str) -> None:
    made = await graph.made(
        f"{of(tenant)}/events", single(start=at("2026-12-03T12:00:00", zone), end=at("2026-12-03T13:00:00", zone))
    )
    assert made["originalStartTimeZone"] == zone


async def test_odata_annotations_in_a_body_are_passed_over(graph: Graph, tenant: Tenant) -> None:
    await graph.made(f"{of(tenant)}/events", single(**{"@odata.type": "#microsoft.graph.event"}))


@pytest.mark.parametrize(
    ("content", "headers", "code"),
    [
        (b'{"subject": ', {"Content-Type": "application/json"}, "BadRequest"),
        (b'{"subject": "x"}', {"Content-Type": "text/plain"}, "RequestBodyRead"),
        (b"[]", {"Content-Type": "application/json"}, "RequestBodyRead"),
        (b"", {}, "RequestBodyRead"),
    ],
)
async def test_bodies_that_are_none(
    graph: Graph, tenant: Tenant, content: bytes, headers: dict[str, str], code: str
) -> None:
    sent = {"Authorization": f"Bearer {graph.token}", **headers}
    answer = await graph.http.post(f"/v1.0{of(tenant)}/events", content=content, headers=sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_errors_come_in_graphs_envelope(graph: Graph, tenant: Tenant) -> None:
    reply = await graph.get(of(tenant) + event("nonsense"), client_request_id="11111111-2222-4333-8444-555555555555")
    assert (reply.status, reply.code) == (400, "ErrorInvalidIdMalformed")
    inner = reply.body["error"]["innerError"]
    assert inner["date"] == "2026-11-25T09:00:00"
    assert inner["client-request-id"] == "11111111-2222-4333-8444-555555555555"
    assert inner["client-request-id"] == reply.headers["client-request-id"]
    assert inner["request-id"] == reply.headers["request-id"]


async def test_ids_have_two_forms_and_both_lead_there(graph: Graph, tenant: Tenant) -> None:
    mutable = (await graph.made(f"{of(tenant)}/events", single()))["id"]
    reply = await graph.get(of(tenant) + event(mutable), **IMMUTABLE)
    immutable = reply.body["id"]
    assert immutable != mutable
    assert {"/", "+", "="} <= set(immutable)
    assert (await graph.get(of(tenant) + event(immutable))).body["id"] == mutable


async def test_ids_are_as_long_as_exchanges(graph: Graph, tenant: Tenant) -> None:
    for headers in ({}, IMMUTABLE):
        made = await graph.made(f"{of(tenant)}/events", weekly(), **headers)
        assert len(made["id"]) == 152
        year = window("2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z")
        found = (await graph.get(f"{of(tenant)}{event(made['id'])}/instances?{year}", **headers)).body["value"]
        assert {(len(one["id"]), one["seriesMasterId"]) for one in found} == {(168, made["id"])}
        assert len({one["id"] for one in found}) == 10
        cut = f"{of(tenant)}{event(found[0]['id'][:152] + found[0]['id'][-8:])}"
        assert (await graph.get(cut)).code == "ErrorInvalidIdMalformed"


async def test_ids_are_of_one_mailbox_and_case_counts(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    elsewhere = await graph.get(of(tenant, 1) + event(made["id"]))
    assert (elsewhere.status, elsewhere.code) == (400, "ErrorInvalidIdMalformed")
    swapped = await graph.get(of(tenant) + event(made["id"].swapcase()))
    assert swapped.status in (400, 404)
    bare = await graph.get(f"{of(tenant)}/events/{made['id']}")
    assert bare.status == 400


async def test_an_event_that_is_gone(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    path = of(tenant) + event(made["id"])
    assert (await graph.delete(path)).status == 204
    for reply in [await graph.get(path), await graph.delete(path), await graph.patch(path, {"subject": "x"})]:
        assert (reply.status, reply.code) == (404, "ErrorItemNotFound")


async def test_every_write_makes_a_new_etag_and_an_old_one_is_refused(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    path = of(tenant) + event(made["id"])
    changed = await graph.patch(path, {"subject": "Middag"}, If_Match=made["@odata.etag"])
    assert changed.status == 200
    assert changed.body["subject"] == "Middag"
    assert changed.body["@odata.etag"] != made["@odata.etag"]
    assert changed.body["changeKey"] != made["changeKey"]
    for reply in [
        await graph.patch(path, {"subject": "Frukost"}, If_Match=made["@odata.etag"]),
        await graph.delete(path, If_Match=made["@odata.etag"]),
    ]:
        assert (reply.status, reply.code) == (412, "ErrorIrresolvableConflict")
    assert (await graph.get(path)).body["subject"] == "Middag"
    assert (await graph.patch(path, {"subject": "Fika"}, If_Match="*")).status == 200
    assert (await graph.delete(path)).status == 204


async def test_a_person_in_outlook_changes_the_etag_as_well(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    mailbox = tenant.mailbox(tenant.employees[0].id)
    mailbox.edit(made["id"], subject="Min lunch", showAs="free")
    reply = await graph.patch(of(tenant) + event(made["id"]), {"subject": "x"}, If_Match=made["@odata.etag"])
    assert reply.status == 412
    assert (await graph.get(of(tenant) + event(made["id"]))).body["showAs"] == "free"


async def test_null_is_the_default_again(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single(location={"displayName": "Granen"}, categories=["Lärande"]))
    path = of(tenant) + event(made["id"])
    changed = (await graph.patch(path, {"location": None, "categories": [], "subject": None})).body
    assert changed["location"]["displayName"] == ""
    assert changed["locations"] == []
    assert changed["categories"] == []
    assert changed["subject"] == ""


async def test_locations_and_location_go_together(graph: Graph, tenant: Tenant) -> None:
    two = [{"displayName": "Granen"}, {"displayName": "Tallen", "locationType": "conferenceRoom"}]
    made = await graph.made(f"{of(tenant)}/events", single(locations=two))
    assert made["location"]["displayName"] == "Granen"
    assert made["locations"][1]["locationType"] == "conferenceRoom"
    changed = (await graph.patch(of(tenant) + event(made["id"]), {"location": {"displayName": "Enen"}})).body
    assert [one["displayName"] for one in changed["locations"]] == ["Enen"]


async def test_a_second_create_with_the_same_transaction_is_refused(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single(transactionId="block:0"), **IMMUTABLE)
    assert made["transactionId"] == "block:0"
    again = await graph.post(f"{of(tenant)}/events", single(transactionId="block:0", subject="Another"))
    assert (again.status, again.code) == (409, "ErrorDuplicateTransactionId")
    assert again.body["error"]["@event.existingEventId"] == made["id"]
    await graph.made(f"{of(tenant)}/events", single(transactionId="block:1"))
    await graph.made(f"{of(tenant, 1)}/events", single(transactionId="block:0"))
    await graph.delete(of(tenant) + event(made["id"]))
    gone = await graph.post(f"{of(tenant)}/events", single(transactionId="block:0"))
    assert gone.status == 409
    assert "@event.existingEventId" not in gone.body["error"]


async def test_switches_of_transactions(graph: Graph, tenant: Tenant) -> None:
    tenant.facts = Facts(duplicate_status=400, duplicate_tells_existing=False, remembers_transactions_of_deleted=False)
    made = await graph.made(f"{of(tenant)}/events", single(transactionId="block:0"))
    again = await graph.post(f"{of(tenant)}/events", single(transactionId="block:0"))
    assert (again.status, again.code) == (400, "ErrorDuplicateTransactionId")
    assert "@event.existingEventId" not in again.body["error"]
    await graph.delete(of(tenant) + event(made["id"]))
    await graph.made(f"{of(tenant)}/events", single(transactionId="block:0"))


async def test_a_transaction_is_never_changed(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single(transactionId="block:0"))
    reply = await graph.patch(of(tenant) + event(made["id"]), {"transactionId": "block:1"})
    assert (reply.status, reply.code) == (400, "ErrorInvalidPropertySet")


async def test_extended_properties_show_only_where_they_are_expanded(graph: Graph, tenant: Tenant) -> None:
    tags = [{"id": TAG, "value": "mark;1"}, {"id": TAG.replace("Marked", "Other"), "value": "z"}]
    made = await graph.made(f"{of(tenant)}/events", single(singleValueExtendedProperties=tags))
    path = of(tenant) + event(made["id"])
    assert "singleValueExtendedProperties" not in made
    assert "singleValueExtendedProperties" not in (await graph.get(path)).body
    assert (await graph.get(f"{path}?{expand()}")).body["singleValueExtendedProperties"] == [tags[0]]
    unlike = await graph.get(f"{path}?{expand(TAG.lower())}")
    assert (unlike.status, unlike.code) == (400, "ErrorInvalidProperty")
    other_name = TAG.replace("Marked", "marked")
    assert "singleValueExtendedProperties" not in (await graph.get(f"{path}?{expand(other_name)}")).body
    upper = TAG.replace("6d2f4c1e", "6D2F4C1E")
    assert (await graph.get(f"{path}?{expand(upper)}")).body["singleValueExtendedProperties"] == [tags[0]]
    await graph.patch(path, {"singleValueExtendedProperties": [{"id": TAG, "value": "mark;2"}]})
    assert (await graph.get(f"{path}?{expand()}")).body["singleValueExtendedProperties"][0]["value"] == "mark;2"


@pytest.mark.parametrize(
    "text",
    [
        "singleValueExtendedProperties",
        "extensions",
        "attachments",
        f"singleValueExtendedProperties($filter=id eq '{TAG}' and value eq 'x')",
    ],
)
async def test_other_expansions_are_refused(graph: Graph, tenant: Tenant, text: str) -> None:
    reply = await graph.get(f"{of(tenant)}/events?$expand={quote(text)}")
    assert reply.status == 400


async def test_select_brings_what_it_names_and_no_more(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    reply = await graph.get(f"{of(tenant)}{event(made['id'])}?$select=subject,showAs")
    assert set(reply.body) == {"@odata.context", "@odata.etag", "id", "subject", "showAs"}
    refused = await graph.get(f"{of(tenant)}/events?$select=subject,colour")
    assert (refused.status, refused.code) == (400, "RequestBroker--ParseUri")


async def test_mails_are_counted_for_meetings_and_for_nothing_else(graph: Graph, tenant: Tenant) -> None:
    path = f"{of(tenant)}/events"
    alone = await graph.made(path, single())
    await graph.patch(of(tenant) + event(alone["id"]), {"subject": "x"})
    await graph.delete(of(tenant) + event(alone["id"]))
    assert tenant.counts.mails == 0
    people = [{"emailAddress": {"address": one.address}} for one in tenant.employees[1:4]]
    meeting = await graph.made(path, single(attendees=people))
    assert meeting["responseStatus"]["response"] == "organizer"
    assert tenant.counts.mails == 3
    here = of(tenant) + event(meeting["id"])
    await graph.patch(here, {"attendees": people[:2]})
    assert tenant.counts.mails == 4
    await graph.patch(here, {"subject": "x"})
    assert tenant.counts.mails == 6
    await graph.delete(here)
    assert tenant.counts.mails == 8


async def test_somebody_elses_meeting(graph: Graph, tenant: Tenant) -> None:
    host, guest = tenant.employees[:2]
    mine = tenant.mailbox(host.id).book(
        "Planering", NOW, NOW + timedelta(hours=1), attendees=[tenant.mailbox(guest.id).owner]
    )
    copy = tenant.mailbox(guest.id).copy(mine, tenant.mailbox(host.id).owner)
    reply = await graph.get(of(tenant, 1) + event(tenant.mailbox(guest.id).id_of(copy)))
    assert reply.body["isOrganizer"] is False
    assert reply.body["organizer"]["emailAddress"]["address"] == host.address
    assert reply.body["responseStatus"]["response"] == "notResponded"
    assert reply.body["showAs"] == "tentative"
    assert (
        reply.body["iCalUId"]
        == (await graph.get(of(tenant) + event(tenant.mailbox(host.id).id_of(mine)))).body["iCalUId"]
    )
    tenant.mailbox(guest.id).delete_event(reply.body["id"])
    assert tenant.counts.mails == 0


async def test_a_series_of_a_persons_own_in_graphs_json(graph: Graph, tenant: Tenant) -> None:
    starts = datetime(2026, 12, 3, 9)  # noqa: DTZ001 - a wall-clock time
    mailbox = tenant.mailbox(tenant.employees[0].id)
    mailbox.book("Träning", starts, starts + timedelta(hours=1), recurrence=weekly()["recurrence"], showAs="oof")
    view = await graph.get(f"{of(tenant)}/calendarView?{window('2026-12-01T00:00:00Z', '2026-12-15T00:00:00Z')}")
    assert [(one["subject"], one["showAs"], one["type"]) for one in view.body["value"]] == [
        ("Träning", "oof", "occurrence")
    ] * 2


async def test_a_token_without_the_way_over_entra(graph: Graph, tenant: Tenant) -> None:
    graph.token = graph.sandbox.token(tenant)
    assert (await graph.get("/groups")).status == 200


async def test_a_single_event_becomes_a_series_and_back(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    path = of(tenant) + event(made["id"])
    recurrence = weekly()["recurrence"]
    assert (await graph.patch(path, {"recurrence": recurrence})).body["type"] == "seriesMaster"
    assert (await graph.patch(path, {"recurrence": None})).body["type"] == "singleInstance"


async def test_calendar_events_is_another_way_to_say_events(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/calendar/events", single())
    assert (await graph.get(f"{of(tenant)}/calendar{event(made['id'])}")).body["id"] == made["id"]
    view = await graph.get(
        f"{of(tenant)}/calendar/calendarView?{window('2026-12-01T00:00:00Z', '2026-12-10T00:00:00Z')}"
    )
    assert len(view.body["value"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/me/events", 400),
        ("GET", "/users/{id}/contacts", 400),
        ("GET", "/users/{id}/mailboxSettings", 400),
        ("GET", "/nothing", 400),
        ("GET", "/", 400),
        ("PUT", "/users/{id}/events", 405),
        ("DELETE", "/groups", 405),
        ("POST", "/teams/x/channels/y/messages", 403),
        ("POST", "/users/{id}/findMeetingTimes", 403),
        ("GET", "/users/{id}/employeeExperience/learningCourseActivities", 403),
        ("GET", "/$batch", 400),
    ],
)
async def test_what_is_not_there_or_not_for_applications(
    graph: Graph, tenant: Tenant, method: str, path: str, status: int
) -> None:
    reply = await graph.ask(method, path.format(id=tenant.employees[0].id), {} if method == "POST" else None)
    assert reply.status == status


async def test_the_address_may_have_two_slashes(graph: Graph, tenant: Tenant) -> None:
    assert (await graph.get(f"/{of(tenant)}/events")).status == 200


async def test_preferences_may_come_in_several_headers(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    headers = [
        ("Authorization", f"Bearer {graph.token}"),
        ("Prefer", 'outlook.timezone="FLE Standard Time"'),
        ("Prefer", 'IdType="ImmutableId"'),
    ]
    answer = (await graph.http.get(f"/v1.0{of(tenant)}{event(made['id'])}", headers=headers)).json()
    assert answer["start"]["dateTime"] == "2026-12-03T13:00:00.0000000"
    assert answer["id"] != made["id"]
