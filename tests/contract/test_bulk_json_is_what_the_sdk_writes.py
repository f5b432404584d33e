"""Our plain JSON against msgraph-sdk's typed models: written alike, and read by them without anything left over."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.day_of_week import DayOfWeek
from msgraph.generated.models.event import Event
from msgraph.generated.models.event_type import EventType
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.patterned_recurrence import PatternedRecurrence
from msgraph.generated.models.recurrence_pattern import RecurrencePattern
from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
from msgraph.generated.models.recurrence_range import RecurrenceRange
from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
from msgraph.generated.models.user_purpose import UserPurpose

from graph_client import translate
from holdfast.core import tag as tags
from holdfast.core import zones
from holdfast.core.model import DesiredSeries, Fingerprint, Purpose, Slot, Tag, Weekday, Weekly
from holdfast.core.tag import transaction_id

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
ZONES = st.sampled_from(["Europe/Stockholm", "Europe/Helsinki", "America/New_York", "Asia/Tokyo", "UTC"])
HASH = st.text("0123456789abcdef", min_size=4, max_size=8)


@st.composite
def creations(draw: st.DrawFn) -> tuple[DesiredSeries, Tag, str]:
    """A series as the core would ask for it, with its tag and transactionId."""
    first = draw(st.dates(date(2026, 1, 1), date(2040, 1, 1)))
    last = first + timedelta(weeks=draw(st.integers(0, 52)))
    minutes = draw(st.integers(1, 600))
    at = draw(st.times().filter(lambda found: found.second == found.microsecond == 0) | st.just(time(9)))
    series = DesiredSeries(
        block=draw(st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True)),
        slot=Slot(Weekly(Weekday(first.weekday())), at.replace(second=0, microsecond=0), minutes, draw(ZONES)),
        first=first,
        last=last,
        subject=draw(TEXT),
        body=draw(TEXT),
        category=draw(TEXT),
        reminder=draw(st.integers(0, 1440)),
        fingerprint=Fingerprint(draw(HASH), draw(HASH)),
    )
    generation = draw(st.integers(0, 99))
    tag = Tag(series.block, generation, series.fingerprint, first, last)
    return series, tag, transaction_id(series.block, generation)


def typed_words(series: DesiredSeries, tag: Tag) -> Event:
    event = Event()
    event.subject = series.subject
    event.body = ItemBody(content_type=BodyType.Html, content=series.body)
    event.categories = [series.category]
    event.reminder_minutes_before_start = series.reminder
    event.single_value_extended_properties = typed_mark(tag).single_value_extended_properties
    return event


def typed_mark(tag: Tag) -> Event:
    event = Event()
    event.single_value_extended_properties = [
        SingleValueLegacyExtendedProperty(id=tags.PROPERTY_ID, value=tags.text(tag))
    ]
    return event


def typed_event(series: DesiredSeries, tag: Tag, transaction: str) -> Event:
    slot, zone = series.slot, zones.windows(series.slot.zone)
    starts = datetime.combine(series.first, slot.at)
    event = typed_words(series, tag)
    event.start = DateTimeTimeZone(date_time=f"{starts:%Y-%m-%dT%H:%M:%S}", time_zone=zone)
    ends = starts + timedelta(minutes=slot.minutes)
    event.end = DateTimeTimeZone(date_time=f"{ends:%Y-%m-%dT%H:%M:%S}", time_zone=zone)
    event.recurrence = PatternedRecurrence(
        pattern=RecurrencePattern(
            type=RecurrencePatternType.Weekly,
            interval=1,
            days_of_week=[DayOfWeek(slot.rule.weekday.name.lower())],
            first_day_of_week=DayOfWeek.Monday,
        ),
        range=RecurrenceRange(
            type=RecurrenceRangeType.EndDate,
            start_date=series.first,
            end_date=series.last,
            recurrence_time_zone=zone,
        ),
    )
    event.show_as = FreeBusyStatus.Busy
    event.is_reminder_on = True
    event.response_requested = False
    event.allow_new_time_proposals = False
    event.transaction_id = transaction
    return event


def serialized(event: Event) -> Any:
    """The event as the SDK sends it. Its own type is a constant that every typed model adds and Graph does not need."""
    writer = JsonSerializationWriter()
    event.odata_type = None
    event.serialize(writer)
    return json.loads(writer.get_serialized_content())


def reread(ours: dict[str, Any]) -> Event:
    node = JsonParseNodeFactory().get_root_parse_node("application/json", json.dumps(ours).encode())
    event = node.get_object_value(Event)
    assert isinstance(event, Event)
    return event


def leftovers(model: Any) -> list[str]:
    """What the SDK's models do not know, at any depth, of a model that was read."""
    found = list(model.additional_data)
    for inner in (model.body, model.start, model.end, model.recurrence):
        found += list(inner.additional_data) if inner else []
    if model.recurrence:
        found += [*model.recurrence.pattern.additional_data, *model.recurrence.range.additional_data]
    for kept in model.single_value_extended_properties or []:
        found += list(kept.additional_data)
    return found


@settings(deadline=None)
@given(creations())
def test_created_events(creation: tuple[DesiredSeries, Tag, str]) -> None:
    ours = translate.event(*creation)
    assert ours == serialized(typed_event(*creation))
    read = reread(ours)
    assert not leftovers(read)
    assert serialized(read) == ours


@settings(deadline=None)
@given(creations())
def test_rewritten_and_retagged_events(creation: tuple[DesiredSeries, Tag, str]) -> None:
    series, tag, _ = creation
    for ours, typed in (
        (translate.words(series, tag), typed_words(series, tag)),
        (translate.mark(tag), typed_mark(tag)),
    ):
        assert ours == serialized(typed)
        read = reread(ours)
        assert not leftovers(read)
        assert serialized(read) == ours


@pytest.mark.parametrize("weekday", Weekday)
def test_every_weekday_is_one_the_sdk_knows(weekday: Weekday) -> None:
    assert DayOfWeek(weekday.name.lower())


def test_what_we_read_by_has_the_sdks_names() -> None:
    assert {kind.value for kind in EventType} >= {translate.SERIES_MASTER, translate.EXCEPTION}
    assert {purpose.value for purpose in UserPurpose} - {"unknown", "unknownFutureValue"} == set(Purpose)
    assert {RecurrenceRangeType.EndDate.value} == {"endDate"}
