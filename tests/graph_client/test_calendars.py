"""Calendars over the bulk road: what is asked, what is understood, and what an error means there."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from graph_client.calendars import GraphCalendars
from holdfast.core import tag as tags
from holdfast.core.errors import Conflict, Denied, Duplicate, Gone, NoMailbox, Unexpected, Unreachable
from holdfast.core.model import (
    ActualSeries,
    Created,
    DesiredSeries,
    EventLook,
    Fingerprint,
    Occurrence,
    ShowAs,
    Slot,
    Tag,
    Weekday,
    Weekly,
)
from tests.graph_client.world import BASE, InTurn, Item, PretendGraph, Reply, error, road

ANN = "0b1e5c2f-0000-4000-8000-000000000001"
FINGERPRINT = Fingerprint("9ac1", "77fe")
TAG = Tag("lartimmen", 0, FINGERPRINT, date(2026, 12, 3), date(2027, 5, 27))
SERIES = DesiredSeries(
    block="lartimmen",
    slot=Slot(Weekly(Weekday.THURSDAY), time(9), 60, "Europe/Stockholm"),
    first=TAG.first,
    last=TAG.last,
    subject="Lärtimmen",
    body="<p>Tid att lära.</p>",
    category="Lärande",
    reminder=10,
    fingerprint=FINGERPRINT,
)
SINCE, UNTIL = datetime(2026, 12, 3, 7, 59, tzinfo=UTC), datetime(2026, 12, 3, 8, 1, tzinfo=UTC)


def master(event_id: str = "AAk=", *, value: str = tags.text(TAG), **more: Any) -> dict[str, Any]:
    return {
        "@odata.etag": f'W/"{event_id}"',
        "id": event_id,
        "type": "seriesMaster",
        "createdDateTime": "2026-11-24T12:00:00.1234567Z",
        "start": {"dateTime": "2026-12-03T08:00:00.0000000", "timeZone": "UTC"},
        "recurrence": {
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
                "endDate": "2027-05-27",
                "recurrenceTimeZone": "W. Europe Standard Time",
                "numberOfOccurrences": 0,
            },
        },
        "singleValueExtendedProperties": [{"id": tags.PROPERTY_ID, "value": value}],
        **more,
    }


def calendars(*replies: Reply) -> Any:
    return road(PretendGraph(reply=InTurn(*replies)))


def query(item: Item) -> dict[str, list[str]]:
    return parse_qs(urlsplit(item["url"]).query, strict_parsing=True)


async def test_read_asks_for_tagged_masters_and_nothing_private() -> None:
    async with calendars((200, {}, {"value": []})) as way:
        assert (await GraphCalendars(way.dispatcher).read(ANN)).series == ()
    (item,) = way.graph.items
    assert urlsplit(item["url"]).path == f"/users/{ANN}/events"
    assert query(item) == {
        "$filter": [
            f"singleValueExtendedProperties/Any(ep: ep/id eq '{tags.PROPERTY_ID}' and startswith(ep/value,'holdfast;'))"
        ],
        "$expand": [f"singleValueExtendedProperties($filter=id eq '{tags.PROPERTY_ID}')"],
        "$select": ["id,type,createdDateTime,start,end,showAs,recurrence"],
        "$top": ["50"],
    }
    assert not set(item["url"]) & set(' {}"<>;')


async def test_read_gives_every_tagged_master_of_every_page_and_no_other_event() -> None:
    link = f"{BASE}/users/{ANN}/events?$skiptoken=x"
    first = {"value": [master("one"), master("copy"), master("old", value="lartimmen;v1")], "@odata.nextLink": link}
    second = {
        "value": [
            master("single", type="singleInstance"),
            master("two"),
            master("bare", singleValueExtendedProperties=None),
        ]
    }
    async with calendars(
        (200, {}, first), (200, {}, {"value": [], "@odata.nextLink": f"{link}y"}), (200, {}, second)
    ) as way:
        found = await GraphCalendars(way.dispatcher).read(ANN)
    assert found.mailbox == ANN
    assert [series.event_id for series in found.series] == ["one", "copy", "two"]
    assert found.series[0] == ActualSeries(
        event_id="one",
        etag='W/"one"',
        tag=TAG,
        created=datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC),
        range_ends=date(2027, 5, 27),
        starts=datetime(2026, 12, 3, 8, tzinfo=UTC),
        zone="Europe/Berlin",
    )


async def test_a_page_that_fails_is_not_the_end_of_the_list() -> None:
    first = {"value": [master()], "@odata.nextLink": f"{BASE}/users/{ANN}/events?$skiptoken=x"}
    async with calendars((200, {}, first), error(404, "MailboxNotEnabledForRESTAPI")) as way:
        with pytest.raises(NoMailbox):
            await GraphCalendars(way.dispatcher).read(ANN)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"id": None, "singleValueExtendedProperties": [{"value": "x"}]},
        {"createdDateTime": None},
        {"createdDateTime": "yesterday"},
        {"recurrence": {"range": {"type": "endDate"}}},
        {"start": None},
        {"start": {"dateTime": "2026-12-03T09:00:00", "timeZone": "W. Europe Standard Time"}},
    ],
)
async def test_an_event_that_is_not_understood_is_not_passed_over(spoilt: dict[str, Any]) -> None:
    async with calendars((200, {}, {"value": [master(**spoilt)]})) as way:
        with pytest.raises(Unexpected, match="not understood"):
            await GraphCalendars(way.dispatcher).read(ANN)


@pytest.mark.parametrize("kind", ["noEnd", "numbered"])
async def test_a_series_that_ends_on_no_date_has_no_end(kind: str) -> None:
    endless = master(recurrence={"range": {"type": kind, "startDate": "2026-12-03", "endDate": "0001-01-01"}})
    async with calendars((200, {}, {"value": [endless]})) as way:
        assert (await GraphCalendars(way.dispatcher).read(ANN)).series[0].range_ends is None


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ({}, None),
        ({"recurrenceTimeZone": None}, None),
        ({"recurrenceTimeZone": "tzone://Microsoft/Custom"}, None),
        ({"recurrenceTimeZone": "Europe/Stockholm"}, "Europe/Stockholm"),
        ({"recurrenceTimeZone": "Tokyo Standard Time"}, "Asia/Tokyo"),
    ],
)
async def test_a_series_recurs_in_the_zone_it_tells_or_in_none_that_has_a_name(
    told: dict[str, Any], zone: str | None
) -> None:
    one = master(recurrence={"range": {"type": "endDate", "startDate": "2026-12-03", "endDate": "2027-05-27", **told}})
    async with calendars((200, {}, {"value": [one]})) as way:
        assert (await GraphCalendars(way.dispatcher).read(ANN)).series[0].zone == zone


async def test_create_sends_the_event_and_gives_its_id() -> None:
    async with calendars((201, {}, master())) as way:
        assert await GraphCalendars(way.dispatcher).create(ANN, SERIES, TAG, "holdfast:lartimmen:0") == Created(
            "AAk=", 'W/"AAk="'
        )
    (item,) = way.graph.items
    assert (item["method"], item["url"]) == ("POST", f"/users/{ANN}/events")
    assert item["body"] == {
        "subject": "Lärtimmen",
        "body": {"contentType": "html", "content": "<p>Tid att lära.</p>"},
        "start": {"dateTime": "2026-12-03T09:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-12-03T10:00:00", "timeZone": "W. Europe Standard Time"},
        "recurrence": {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["thursday"], "firstDayOfWeek": "monday"},
            "range": {
                "type": "endDate",
                "startDate": "2026-12-03",
                "endDate": "2027-05-27",
                "recurrenceTimeZone": "W. Europe Standard Time",
            },
        },
        "showAs": "busy",
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 10,
        "categories": ["Lärande"],
        "responseRequested": False,
        "allowNewTimeProposals": False,
        "transactionId": "holdfast:lartimmen:0",
        "singleValueExtendedProperties": [{"id": tags.PROPERTY_ID, "value": tags.text(TAG)}],
    }


async def test_a_create_whose_answer_was_lost_is_a_duplicate_the_second_time() -> None:
    again = {"error": {"code": "ErrorDuplicateTransactionId", "@event.existingEventId": "AAk="}}
    async with calendars((0, {}, None), (409, {}, again)) as way:
        with pytest.raises(Unreachable):
            await GraphCalendars(way.dispatcher).create(ANN, SERIES, TAG, "holdfast:lartimmen:0")
        with pytest.raises(Duplicate) as caught:
            await GraphCalendars(way.dispatcher).create(ANN, SERIES, TAG, "holdfast:lartimmen:0")
        assert caught.value.existing_id == "AAk="


async def test_look_tells_whether_an_event_is_ours() -> None:
    async with calendars((200, {}, master("A/k+=", transactionId="holdfast:lartimmen:0"))) as way:
        look = await GraphCalendars(way.dispatcher).look(ANN, "A/k+=")
    assert look == EventLook(
        event_id="A/k+=",
        etag='W/"A/k+="',
        is_series=True,
        tag=TAG,
        transaction_id="holdfast:lartimmen:0",
        starts=datetime(2026, 12, 3, 8, tzinfo=UTC),
        range_ends=date(2027, 5, 27),
    )
    (item,) = way.graph.items
    assert urlsplit(item["url"]).path == f"/users/{ANN}/events/A%2Fk%2B%3D"
    assert query(item)["$select"] == ["id,type,transactionId,start,recurrence"]


async def test_look_at_somebody_elses_event() -> None:
    single = master(type="singleInstance", recurrence=None)
    del single["singleValueExtendedProperties"]
    async with calendars((200, {}, single)) as way:
        look = await GraphCalendars(way.dispatcher).look(ANN, "AAk=")
    assert (look.is_series, look.tag, look.transaction_id, look.range_ends) == (False, None, None, None)


@pytest.mark.parametrize("answer", [error(404, "ErrorItemNotFound"), error(400, "ErrorInvalidIdMalformed")])
async def test_look_at_what_is_not_there(answer: Reply) -> None:
    async with calendars(answer) as way:
        with pytest.raises(Gone):
            await GraphCalendars(way.dispatcher).look(ANN, "AAk=")


async def test_find_by_transaction_asks_little_of_everybody_and_looks_at_the_one() -> None:
    page = {
        "value": [{"id": "other", "type": "singleInstance"}, {"id": "AAk=", "transactionId": "holdfast:lartimmen:0"}]
    }
    async with calendars((200, {}, page), (200, {}, master(transactionId="holdfast:lartimmen:0"))) as way:
        found = await GraphCalendars(way.dispatcher).find_by_transaction(
            ANN, {"holdfast:lartimmen:0", "holdfast:lartimmen:1"}, since=SINCE, until=UNTIL
        )
    assert found is not None
    assert found.event_id == "AAk="
    assert query(way.graph.items[0]) == {
        "$filter": ["start/dateTime ge '2026-12-03T07:59:00Z' and start/dateTime le '2026-12-03T08:01:00Z'"],
        "$select": ["id,type,transactionId"],
        "$top": ["50"],
    }


async def test_find_by_transaction_finds_nothing() -> None:
    async with calendars((200, {}, {"value": [{"id": "other"}]})) as way:
        assert await GraphCalendars(way.dispatcher).find_by_transaction(ANN, {"x"}, since=SINCE, until=UNTIL) is None


async def test_rewrite_changes_words_and_tag_only_if_nobody_else_did() -> None:
    async with calendars((200, {}, master()), error(412, "ErrorIrresolvableConflict")) as way:
        port = GraphCalendars(way.dispatcher)
        await port.rewrite(ANN, "AAk=", 'W/"1"', SERIES, TAG)
        with pytest.raises(Conflict):
            await port.rewrite(ANN, "AAk=", 'W/"1"', SERIES, TAG)
    item = way.graph.items[0]
    assert (item["method"], unquote(item["url"])) == ("PATCH", f"/users/{ANN}/events/AAk=")
    assert item["headers"]["If-Match"] == 'W/"1"'
    assert set(item["body"]) == {
        "subject",
        "body",
        "categories",
        "reminderMinutesBeforeStart",
        "singleValueExtendedProperties",
    }


async def test_retag_writes_the_tag_alone() -> None:
    async with calendars((200, {}, master())) as way:
        await GraphCalendars(way.dispatcher).retag(ANN, "AAk=", TAG)
    (item,) = way.graph.items
    assert item["body"] == {"singleValueExtendedProperties": [{"id": tags.PROPERTY_ID, "value": tags.text(TAG)}]}
    assert "If-Match" not in item["headers"]


@pytest.mark.parametrize("answer", [(204, {}, None), error(404, "ErrorItemNotFound"), error(410)])
async def test_delete_is_done_when_it_is_gone(answer: Reply) -> None:
    async with calendars(error(504), answer) as way:
        await GraphCalendars(way.dispatcher).delete(ANN, "AAk=")
    assert [item["method"] for item in way.graph.items] == ["DELETE", "DELETE"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(404, "MailboxNotEnabledForRESTAPI"), NoMailbox),
        (error(400, "ErrorInvalidIdMalformed"), Unexpected),
        (error(403, "ErrorAccessDenied"), Denied),
    ],
)
async def test_delete_is_not_done_for_other_reasons(answer: Reply, kind: type[Exception]) -> None:
    async with calendars(answer) as way:
        with pytest.raises(kind):
            await GraphCalendars(way.dispatcher).delete(ANN, "AAk=")


async def test_instances_come_in_order_of_start() -> None:
    def one(event_id: str, day: int, kind: str = "occurrence", original: str | None = None) -> dict[str, Any]:
        at = f"2026-12-{day:02}T08:00:00.0000000"
        return {
            "id": event_id,
            "type": kind,
            "start": {"dateTime": at, "timeZone": "UTC"},
            "end": {"dateTime": at.replace("08:00", "09:00"), "timeZone": "UTC"},
            "originalStart": original,
            "showAs": "free" if event_id == "late" else "busy",
        }

    late = one("late", 18, "exception", "2026-12-17T08:00:00Z")
    async with calendars(
        (200, {}, {"value": [late, one("first", 3), one("next", 10, original="2026-12-10T08:00:00Z")]})
    ) as way:
        found = await GraphCalendars(way.dispatcher).instances(ANN, "AAk=", since=SINCE, until=UNTIL)
    assert [each.event_id for each in found] == ["first", "next", "late"]
    assert found[2] == Occurrence(
        "late",
        datetime(2026, 12, 18, 8, tzinfo=UTC),
        datetime(2026, 12, 18, 9, tzinfo=UTC),
        datetime(2026, 12, 17, 8, tzinfo=UTC),
        is_exception=True,
        show_as=ShowAs.FREE,
    )
    assert found[0].original_starts == found[0].starts
    (item,) = way.graph.items
    assert urlsplit(item["url"]).path == f"/users/{ANN}/events/AAk%3D/instances"
    assert query(item) == {
        "startDateTime": ["2026-12-03T07:59:00Z"],
        "endDateTime": ["2026-12-03T08:01:00Z"],
        "$select": ["id,type,start,end,originalStart,showAs"],
        "$top": ["50"],
    }


async def test_a_time_in_a_zone_that_was_not_asked_for_is_not_guessed() -> None:
    zoned = {
        "id": "x",
        "type": "occurrence",
        "start": {"dateTime": "2026-12-03T09:00:00", "timeZone": "W. Europe Standard Time"},
    }
    async with calendars((200, {}, {"value": [zoned]})) as way:
        with pytest.raises(Unexpected):
            await GraphCalendars(way.dispatcher).instances(ANN, "AAk=", since=SINCE, until=UNTIL)


async def test_no_call_ever_asks_for_words() -> None:
    nothing: Reply = 200, {}, {"value": []}
    everything = [
        nothing,
        nothing,
        (200, {}, master()),
        nothing,
        (200, {}, master()),
        (200, {}, master()),
        nothing,
        nothing,
    ]
    async with calendars(*everything) as way:
        port = GraphCalendars(way.dispatcher)
        await port.read(ANN)
        await port.instances(ANN, "AAk=", since=SINCE, until=UNTIL)
        await port.look(ANN, "AAk=")
        await port.find_by_transaction(ANN, {"x"}, since=SINCE, until=UNTIL)
        await port.shorten(ANN, "AAk=", TAG.last, TAG)
        await port.away(ANN, since=SINCE, until=UNTIL)
    reads = [item for item in way.graph.items if item["method"] == "GET"]
    asked = {name for item in reads for name in query(item)["$select"][0].split(",")}
    of_when = {"start", "end", "originalStart", "recurrence", "showAs"}
    assert asked == {"id", "type", "createdDateTime", "transactionId", *of_when}
    assert len(reads) == 6
