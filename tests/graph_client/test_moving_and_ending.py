"""Single dates put on other days, and series ended by their range, in calendars that keep Graph's rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from graph_client import translate
from holdfast.core import recurrence, zones
from holdfast.core import tag as tags
from holdfast.core.errors import Conflict, Crossing, Gone, Unexpected
from holdfast.core.model import DesiredSeries, Rule, Slot, Weekday, Weekly
from sandbox import Exchange, Facts
from tests.graph_client.office import RULES, ZONE, Office, days_of, hours_of, series_of, tag_of

DAY = timedelta(days=1)
THURSDAYS = series_of(Weekly(Weekday.THURSDAY))
EVERY_KIND = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


async def place(office: Office, series: DesiredSeries, nth: int) -> tuple[str, str, date]:
    """Put a series into a calendar; its id, and the id and day of its nth date."""
    event_id = await office.make(series)
    dates = await office.dates(event_id)
    return event_id, dates[nth].event_id, days_of(series)[nth]


async def hours(office: Office, event_id: str) -> list[tuple[datetime, datetime]]:
    return [(one.starts, one.ends) for one in await office.dates(event_id)]


def header(call: Exchange, name: str) -> str | None:
    return {given.lower(): value for given, value in call.request_headers.items()}.get(name)


# Moving


@EVERY_KIND
async def test_a_date_is_moved_within_its_week(office: Office, rule: Rule) -> None:
    series = series_of(rule)
    event_id, one, day = await place(office, series, 1)
    other = day - timedelta(days=day.weekday()) + (DAY if day.weekday() != 1 else 2 * DAY)
    await office.calendars.move(office.id(), one, series.slot, other)
    dates = await office.dates(event_id)
    (moved,) = (date for date in dates if date.is_exception)
    assert (moved.event_id, moved.original_starts) == (one, recurrence.starts(series.slot, day))
    assert [(moved.starts, moved.ends)] == hours_of(series, [other])
    assert [(each.starts, each.ends) for each in dates if each is not moved] == hours_of(
        series, [each for each in days_of(series) if each != day]
    )


async def test_a_moved_date_has_the_slots_hours_by_the_clock_of_its_new_day(office: Office) -> None:
    """The Friday before the clocks change instead of the Sunday they change on."""
    series = series_of(Weekly(Weekday.SUNDAY))
    sunday = date(2027, 3, 28)
    event_id, one, day = await place(office, series, days_of(series).index(sunday))
    assert day == sunday
    await office.calendars.move(office.id(), one, series.slot, date(2027, 3, 26))
    (moved,) = (each for each in await office.dates(event_id) if each.is_exception)
    assert (moved.starts, moved.original_starts) == (
        datetime(2027, 3, 26, 8, tzinfo=UTC),
        datetime(2027, 3, 28, 7, tzinfo=UTC),
    )


async def test_a_date_that_somebody_dragged_to_another_hour_gets_the_slots_hours_and_length(office: Office) -> None:
    event_id, one, day = await place(office, THURSDAYS, 1)
    dragged = datetime.combine(day, time(13), tzinfo=UTC)
    office.box().move_occurrence(one, dragged, dragged + timedelta(hours=3))
    await office.calendars.move(office.id(), one, THURSDAYS.slot, day - DAY)
    assert (await hours(office, event_id))[1] == hours_of(THURSDAYS, [day - DAY])[0]


async def test_what_is_sent_is_two_times_in_one_call(office: Office) -> None:
    _, one, day = await place(office, THURSDAYS, 1)
    office.asked.clear()
    await office.calendars.move(office.id(), one, THURSDAYS.slot, day + DAY)
    (call,) = office.asked
    assert (call.method, office.paths) == ("PATCH", [f"events/{one}"])
    assert call.request_body == {
        "start": {"dateTime": "2026-12-11T09:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-12-11T10:00:00", "timeZone": "W. Europe Standard Time"},
    }
    assert header(call, "if-match") is None


async def test_moving_it_twice_is_moving_it_once(office: Office) -> None:
    event_id, one, day = await place(office, THURSDAYS, 1)
    for _ in range(2):
        await office.calendars.move(office.id(), one, THURSDAYS.slot, day + DAY)
    assert [each.is_exception for each in await office.dates(event_id)].count(True) == 1


@pytest.mark.parametrize("weeks", [-1, 1, 2])
async def test_a_date_cannot_meet_or_pass_its_neighbour(office: Office, weeks: int) -> None:
    event_id, one, day = await place(office, THURSDAYS, 2)
    before = await hours(office, event_id)
    with pytest.raises(Crossing) as caught:
        await office.calendars.move(office.id(), one, THURSDAYS.slot, day + timedelta(weeks=weeks))
    assert (caught.value.status, caught.value.code) == (400, "ErrorOccurrenceCrossingBoundary")
    assert await hours(office, event_id) == before


async def test_a_neighbour_that_its_owner_moved_is_in_the_way_where_it_stands(office: Office) -> None:
    _, one, day = await place(office, THURSDAYS, 1)
    event_id = (await office.calendars.read(office.id())).series[0].event_id
    third = (await office.dates(event_id))[2].event_id
    friday = day + DAY
    office.box().move_occurrence(third, datetime.combine(friday, time(13), tzinfo=UTC))
    with pytest.raises(Crossing):
        await office.calendars.move(office.id(), one, THURSDAYS.slot, friday)
    await office.calendars.move(office.id(), one, THURSDAYS.slot, day - DAY)
    assert [zones.date_at(ZONE, each.starts) for each in (await office.dates(event_id))[1:3]] == [day - DAY, friday]


async def test_a_date_that_is_gone_is_not_moved(office: Office) -> None:
    event_id, one, day = await place(office, THURSDAYS, 1)
    office.box().delete_occurrence(one)
    with pytest.raises(Gone):
        await office.calendars.move(office.id(), one, THURSDAYS.slot, day + DAY)
    office.box().delete_event(event_id)
    with pytest.raises(Gone):
        await office.calendars.move(office.id(), one, THURSDAYS.slot, day + DAY)


async def test_other_refusals_are_no_crossing(office: Office) -> None:
    _, one, day = await place(office, THURSDAYS, 1)
    backwards = Slot(THURSDAYS.slot.rule, time(9), -60, ZONE)
    with pytest.raises(Unexpected) as caught:
        await office.calendars.move(office.id(), one, backwards, day + DAY)
    assert caught.value.status == 400


# Ending by the range


@pytest.fixture(params=[True, False], ids=["kept", "rebuilt"])
def keeps(office: Office, request: pytest.FixtureRequest) -> bool:
    """Whether a new end of the range keeps exceptions, gaps and ids, which is not certain of Graph."""
    keeps = bool(request.param)
    office.tenant.facts = Facts(range_end_only_keeps_exceptions=keeps)
    return keeps


@EVERY_KIND
async def test_a_series_ends_with_the_last_date_it_is_left(office: Office, rule: Rule, *, keeps: bool) -> None:
    series = series_of(rule)
    event_id = await office.make(series)
    before = await office.dates(event_id)
    days = days_of(series)
    last = days[len(days) // 2]
    await office.calendars.shorten(office.id(), event_id, last, tag_of(series, last=last))
    after = await office.dates(event_id)
    assert [(one.starts, one.ends) for one in after] == hours_of(series, days_of(series, last))
    assert ([one.event_id for one in after] == [one.event_id for one in before[: len(after)]]) is keeps
    (found,) = (await office.calendars.read(office.id())).series
    assert (found.event_id, found.range_ends, found.tag) == (event_id, last, tag_of(series, last=last))


@EVERY_KIND
@pytest.mark.usefixtures("keeps")
async def test_the_day_before_a_date_is_an_end_too(office: Office, rule: Rule) -> None:
    series = series_of(rule)
    event_id = await office.make(series)
    over = days_of(series)[2] - DAY
    await office.calendars.shorten(office.id(), event_id, over, tag_of(series, last=over))
    assert len(await office.dates(event_id)) == 2
    assert (await office.calendars.look(office.id(), event_id)).range_ends == over


@EVERY_KIND
@pytest.mark.usefixtures("keeps")
async def test_tag_and_range_go_in_one_patch_that_has_no_more_than_the_pattern_needs(
    office: Office, rule: Rule
) -> None:
    """Graph's answer holds values of other patterns' too, which it would check."""
    series = series_of(rule)
    event_id = await office.make(series)
    last = days_of(series)[3]
    office.asked.clear()
    await office.calendars.shorten(office.id(), event_id, last, tag_of(series, last=last))
    read, change = office.asked
    assert set(read.response_body["recurrence"]["pattern"]) > set(translate.pattern(rule))
    assert (read.method, change.method, read.path.partition("?")[0]) == ("GET", "PATCH", change.path)
    assert read.path.endswith("?$select=id,recurrence")
    assert change.request_body == {
        "recurrence": {
            "pattern": translate.pattern(rule),
            "range": {
                "type": "endDate",
                "startDate": series.first.isoformat(),
                "endDate": last.isoformat(),
                "recurrenceTimeZone": "W. Europe Standard Time",
            },
        },
        "singleValueExtendedProperties": [
            {"id": tags.PROPERTY_ID, "value": tags.text(tag_of(series, last=last))},
        ],
    }
    assert header(change, "if-match") == read.response_body["@odata.etag"]


async def test_moved_and_deleted_dates_outlive_it_where_graph_keeps_them(office: Office, *, keeps: bool) -> None:
    event_id = await office.make(THURSDAYS)
    days = days_of(THURSDAYS)
    dates = await office.dates(event_id)
    await office.calendars.move(office.id(), dates[1].event_id, THURSDAYS.slot, days[1] - DAY)
    await office.calendars.delete(office.id(), dates[2].event_id)
    before = await office.dates(event_id)
    await office.calendars.shorten(office.id(), event_id, days[5], tag_of(THURSDAYS, last=days[5]))
    after = await office.dates(event_id)
    if keeps:
        assert after == before[:5]
        assert [one.is_exception for one in after] == [False, True, False, False, False]
    else:
        assert [(one.starts, one.ends) for one in after] == hours_of(THURSDAYS, days[:6])


async def test_the_tag_is_there_also_where_a_new_recurrence_takes_it(office: Office) -> None:
    office.tenant.facts = Facts(recurrence_patch_keeps_tag=False)
    event_id = await office.make(THURSDAYS)
    last = days_of(THURSDAYS)[1]
    await office.calendars.shorten(office.id(), event_id, last, tag_of(THURSDAYS, last=last))
    assert (await office.calendars.look(office.id(), event_id)).tag == tag_of(THURSDAYS, last=last)


async def test_ending_it_twice_is_ending_it_once(office: Office, *, keeps: bool) -> None:
    event_id = await office.make(THURSDAYS)
    last = days_of(THURSDAYS)[4]
    seen = []
    for _ in range(2):
        await office.calendars.shorten(office.id(), event_id, last, tag_of(THURSDAYS, last=last))
        seen.append(await office.dates(event_id))
    assert (seen[0] == seen[1]) is keeps
    assert [(one.starts, one.original_starts) for one in seen[0]] == [
        (one.starts, one.original_starts) for one in seen[1]
    ]


async def test_a_series_that_somebody_changes_meanwhile_is_a_conflict_and_stays_as_they_left_it(office: Office) -> None:
    event_id = await office.make(THURSDAYS)
    days = days_of(THURSDAYS)
    dates = await office.dates(event_id)
    office.when_asked("GET", "$select=id,recurrence", lambda: office.box().delete_occurrence(dates[1].event_id))
    with pytest.raises(Conflict) as caught:
        await office.calendars.shorten(office.id(), event_id, days[4], tag_of(THURSDAYS, last=days[4]))
    assert caught.value.status == 412
    (found,) = (await office.calendars.read(office.id())).series
    assert (found.range_ends, found.tag) == (THURSDAYS.last, tag_of(THURSDAYS))
    assert await office.dates(event_id) == (dates[0], *dates[2:])


async def test_a_series_that_is_gone_is_not_ended(office: Office) -> None:
    event_id = await office.make(THURSDAYS)
    last = days_of(THURSDAYS)[4]
    office.when_asked("GET", "$select=id,recurrence", lambda: office.box().delete_event(event_id))
    for answered in (["GET", "PATCH"], ["GET"]):
        office.asked.clear()
        with pytest.raises(Gone):
            await office.calendars.shorten(office.id(), event_id, last, tag_of(THURSDAYS, last=last))
        assert [one.method for one in office.asked] == answered


def recur(pattern: dict[str, Any], **span: Any) -> Callable[[Office, str], None]:
    """Somebody lets a series come back by a rule of their own."""

    def edit(office: Office, event_id: str) -> None:
        span_of_it = {"type": "endDate", "startDate": "2026-12-03", "endDate": "2027-12-02", **span}
        office.box().edit(event_id, recurrence={"pattern": {"interval": 1, **pattern}, "range": span_of_it})

    return edit


@pytest.mark.parametrize(
    ("edit", "left"),
    [
        (recur({"type": "daily", "interval": 3}), 6),
        (recur({"type": "weekly", "interval": 2, "daysOfWeek": ["sunday", "thursday"], "firstDayOfWeek": "sunday"}), 3),
        (recur({"type": "relativeMonthly", "daysOfWeek": ["tuesday", "thursday"], "index": "third"}), 1),
        (recur({"type": "absoluteYearly", "dayOfMonth": 3, "month": 12}), 1),
        (recur({"type": "relativeYearly", "daysOfWeek": ["thursday"], "index": "first", "month": 12}), 1),
        (recur({"type": "weekly", "daysOfWeek": ["thursday"]}, type="noEnd", endDate=None), 3),
        (recur({"type": "weekly", "daysOfWeek": ["thursday"]}, type="numbered", numberOfOccurrences=40), 3),
    ],
    ids=["daily", "twice in two weeks", "two weekdays", "yearly", "yearly by weekday", "endless", "numbered"],
)
async def test_a_series_that_its_owner_gave_another_rule_ends_by_that_rule(
    office: Office, edit: Callable[[Office, str], None], left: int
) -> None:
    """The tag is ours whatever a person made of the series, and a leaver's has to end all the same."""
    event_id = await office.make(THURSDAYS)
    edit(office, event_id)
    before = [one.starts for one in await office.dates(event_id)]
    last = date(2026, 12, 18)
    await office.calendars.shorten(office.id(), event_id, last, tag_of(THURSDAYS, last=last))
    after = [one.starts for one in await office.dates(event_id)]
    assert after == before[:left]
    look = await office.calendars.look(office.id(), event_id)
    assert (look.range_ends, look.tag) == (last, tag_of(THURSDAYS, last=last))
