"""Our plain JSON against msgraph-sdk's typed models: written alike, and read by them without anything left over."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
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
from msgraph.generated.models.schedule_information import ScheduleInformation
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
from msgraph.generated.models.time_zone_base import TimeZoneBase
from msgraph.generated.models.user_purpose import UserPurpose
from msgraph.generated.models.week_index import WeekIndex
from msgraph.generated.models.working_hours import WorkingHours
from msgraph.generated.users.item.calendar.get_schedule.get_schedule_post_request_body import (
    GetSchedulePostRequestBody,
)

from graph_client import translate
from graph_client.calendars import GraphCalendars
from holdfast.core import tag as tags
from holdfast.core import zones
from holdfast.core.model import (
    DesiredSeries,
    Fingerprint,
    Monthly,
    NthWeekday,
    Position,
    Purpose,
    Rule,
    Slot,
    Tag,
    Weekday,
    Weekly,
)
from holdfast.core.tag import transaction_id
from tests.graph_client.world import PretendGraph, road

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
ZONES = st.sampled_from(["Europe/Stockholm", "Europe/Helsinki", "America/New_York", "Asia/Tokyo", "UTC"])
HASH = st.text("0123456789abcdef", min_size=4, max_size=8)
WEEKLY = [Weekly(day, interval) for interval in (1, 2, 12) for day in Weekday]
BY_DATE = [Monthly(day, interval) for interval in (1, 2, 12) for day in range(1, 29)]
BY_WEEKDAY = [Monthly(NthWeekday(nth, day), interval) for interval in (1, 6) for nth in Position for day in Weekday]
RULES = st.sampled_from(WEEKLY) | st.sampled_from(BY_DATE) | st.sampled_from(BY_WEEKDAY)
UNUSED = {"month": 0, "dayOfMonth": 0, "daysOfWeek": [], "firstDayOfWeek": "sunday", "index": "first"}
"""What Graph answers for values that a pattern does not use."""


@st.composite
def creations(draw: st.DrawFn) -> tuple[DesiredSeries, Tag, str]:
    """A series as the core would ask for it, with its tag and transactionId."""
    first = draw(st.dates(date(2026, 1, 1), date(2040, 1, 1)))
    last = first + timedelta(weeks=draw(st.integers(0, 52)))
    minutes = draw(st.integers(1, 600))
    at = draw(st.times().filter(lambda found: found.second == found.microsecond == 0) | st.just(time(9)))
    series = DesiredSeries(
        block=draw(st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True)),
        slot=Slot(draw(RULES), at.replace(second=0, microsecond=0), minutes, draw(ZONES)),
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


def typed_pattern(rule: Rule) -> RecurrencePattern:
    pattern = RecurrencePattern(interval=rule.interval)
    match rule:
        case Weekly(weekday):
            pattern.type = RecurrencePatternType.Weekly
            pattern.days_of_week = [DayOfWeek(weekday.name.lower())]
            pattern.first_day_of_week = DayOfWeek.Monday
        case Monthly(NthWeekday(position, weekday)):
            pattern.type = RecurrencePatternType.RelativeMonthly
            pattern.days_of_week = [DayOfWeek(weekday.name.lower())]
            pattern.index = WeekIndex(position.name.lower())
        case Monthly(int(day)):
            pattern.type = RecurrencePatternType.AbsoluteMonthly
            pattern.day_of_month = day
    return pattern


def typed_recurrence(series: DesiredSeries, last: date) -> PatternedRecurrence:
    return PatternedRecurrence(
        pattern=typed_pattern(series.slot.rule),
        range=RecurrenceRange(
            type=RecurrenceRangeType.EndDate,
            start_date=series.first,
            end_date=last,
            recurrence_time_zone=zones.windows(series.slot.zone),
        ),
    )


def typed_moment(at: datetime, zone: str) -> DateTimeTimeZone:
    return DateTimeTimeZone(date_time=f"{at:%Y-%m-%dT%H:%M:%S}", time_zone=zone)


def typed_hours(slot: Slot, day: date) -> Event:
    event = Event()
    starts, zone = datetime.combine(day, slot.at), zones.windows(slot.zone)
    event.start = typed_moment(starts, zone)
    event.end = typed_moment(starts + timedelta(minutes=slot.minutes), zone)
    return event


def typed_end(series: DesiredSeries, last: date, tag: Tag) -> Event:
    event = typed_mark(tag)
    event.recurrence = typed_recurrence(series, last)
    return event


def typed_event(series: DesiredSeries, tag: Tag, transaction: str) -> Event:
    event = typed_words(series, tag)
    times = typed_hours(series.slot, series.first)
    event.start, event.end = times.start, times.end
    event.recurrence = typed_recurrence(series, series.last)
    event.show_as = FreeBusyStatus.Busy
    event.is_reminder_on = True
    event.response_requested = False
    event.allow_new_time_proposals = False
    event.transaction_id = transaction
    return event


def serialized(event: Event) -> Any:
    """The event as the SDK sends it. Its own type is a constant that every typed model adds and Graph does not need."""
    event.odata_type = None
    return written(event)


def written(model: Any) -> Any:
    writer = JsonSerializationWriter()
    model.serialize(writer)
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


def answered(ours: dict[str, Any]) -> dict[str, Any]:
    """Graph's answer to who reads the recurrence of an event that was made so."""
    recurrence = ours["recurrence"]
    span = {**recurrence["range"], "numberOfOccurrences": 0}
    return {"id": "AAk=", "recurrence": {"pattern": UNUSED | recurrence["pattern"], "range": span}}


def fits(ours: dict[str, Any], typed: Event) -> None:
    """Our JSON is what the SDK writes, and the SDK reads it without anything left over."""
    assert ours == serialized(typed)
    read = reread(ours)
    assert not leftovers(read)
    assert serialized(read) == ours


@pytest.mark.parametrize("rules", [WEEKLY, BY_DATE, BY_WEEKDAY], ids=["weekly", "by date", "by weekday"])
def test_patterns_of_every_kind(rules: list[Rule]) -> None:
    for rule in rules:
        typed = typed_pattern(rule)
        typed.odata_type = None
        assert translate.pattern(rule) == written(typed)


@given(creations())
def test_created_events(creation: tuple[DesiredSeries, Tag, str]) -> None:
    fits(translate.event(*creation), typed_event(*creation))


@given(creations())
def test_rewritten_and_retagged_events(creation: tuple[DesiredSeries, Tag, str]) -> None:
    series, tag, _ = creation
    fits(translate.words(series, tag), typed_words(series, tag))
    fits(translate.mark(tag), typed_mark(tag))


@given(creations(), st.dates(date(2026, 1, 1), date(2040, 1, 1)))
def test_moved_dates(creation: tuple[DesiredSeries, Tag, str], day: date) -> None:
    slot = creation[0].slot
    fits(translate.hours(slot, day), typed_hours(slot, day))


@given(creations(), st.dates(date(2026, 1, 1), date(2040, 1, 1)))
def test_ended_series(creation: tuple[DesiredSeries, Tag, str], last: date) -> None:
    series, tag, transaction = creation
    raw = answered(translate.event(series, tag, transaction))
    fits(translate.ended(raw, last, tag), typed_end(series, last, tag))


async def test_questions_for_free_and_busy() -> None:
    """The names of an action's parameters are taken in either case: the reference writes them small, the SDK large."""
    addresses = ["anna@fjallvik.example", "bo@fjallvik.example"]
    since, until = datetime(2026, 12, 3, 7, tzinfo=UTC), datetime(2026, 12, 31, 17, 30, tzinfo=UTC)
    async with road(PretendGraph(reply=lambda _: (200, {}, {"value": []}))) as way:
        calendars = GraphCalendars(way.dispatcher)
        await calendars.free_busy("ann", addresses, since=since, until=until, step=timedelta(minutes=30))
    (item,) = way.graph.items
    typed = GetSchedulePostRequestBody(
        availability_view_interval=30,
        end_time=typed_moment(until, "UTC"),
        schedules=addresses,
        start_time=typed_moment(since, "UTC"),
    )
    theirs = {name[0].lower() + name[1:]: value for name, value in written(typed).items()}
    assert (item["method"], item["url"], item["body"]) == ("POST", "/users/ann/calendar/getSchedule", theirs)


@pytest.mark.parametrize("weekday", Weekday)
def test_every_weekday_is_one_the_sdk_knows(weekday: Weekday) -> None:
    assert DayOfWeek(weekday.name.lower())


def test_what_we_read_by_has_the_sdks_names() -> None:
    assert {kind.value for kind in EventType} >= {translate.SERIES_MASTER, translate.EXCEPTION}
    assert {purpose.value for purpose in UserPurpose} - {"unknown", "unknownFutureValue"} == set(Purpose)
    assert {RecurrenceRangeType.EndDate.value} == {"endDate"}
    assert {index.value for index in WeekIndex} == {position.name.lower() for position in Position}


def test_every_pattern_that_graph_has_can_be_ended_by_its_values() -> None:
    patterns = translate._OF_PATTERN
    assert {kind.value for kind in RecurrencePatternType} == set(patterns)
    known = set(RecurrencePattern().get_field_deserializers())
    assert {name for names in patterns.values() for name in names} <= known


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (ScheduleInformation, {"availabilityView", "error", "workingHours"}),
        (WorkingHours, {"daysOfWeek", "startTime", "endTime", "timeZone"}),
        (TimeZoneBase, {"name"}),
    ],
)
def test_what_is_read_of_schedules_is_there(model: Any, names: set[str]) -> None:
    assert names <= set(model().get_field_deserializers())
