"""09:00 stays 09:00: a year of occurrences in Stockholm by name, and every zone against dateutil."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import recurrence, zones
from holdfast.core.model import Monthly, NthWeekday, Position, Rule, Slot, Weekday, Weekly
from tests.core.strategies import rules
from tests.core.world import at_wall, dates

THURSDAYS = Slot(Weekly(Weekday.THURSDAY), time(9), 60, "Europe/Stockholm")

# Sweden puts its clocks forward on 29 March 2026 and 28 March 2027, and back on 25 October 2026 and 31 October 2027.
AROUND_THE_CHANGES = [
    (date(2026, 1, 1), "08:00Z"),
    (date(2026, 3, 26), "08:00Z"),
    (date(2026, 4, 2), "07:00Z"),
    (date(2026, 7, 2), "07:00Z"),
    (date(2026, 10, 22), "07:00Z"),
    (date(2026, 10, 29), "08:00Z"),
    (date(2026, 12, 31), "08:00Z"),
    (date(2027, 3, 25), "08:00Z"),
    (date(2027, 4, 1), "07:00Z"),
    (date(2027, 10, 28), "07:00Z"),
    (date(2027, 11, 4), "08:00Z"),
]


@pytest.mark.parametrize(("day", "utc"), AROUND_THE_CHANGES, ids=str)
def test_a_thursday_at_nine_in_stockholm(day: date, utc: str) -> None:
    starts = recurrence.starts(THURSDAYS, day)
    assert starts.tzinfo is UTC
    assert f"{starts:%H:%MZ}" == utc
    assert recurrence.ends(THURSDAYS, day) - starts == timedelta(hours=1)
    assert f"{starts.astimezone(ZoneInfo('Europe/Stockholm')):%A %H:%M}" == "Thursday 09:00"


def test_a_whole_year_in_stockholm() -> None:
    days = list(recurrence.dates(THURSDAYS.rule, date(2026, 1, 1), date(2026, 12, 31)))
    assert len(days) == 53
    assert {(later - earlier).days for earlier, later in pairwise(days)} == {7}
    by_hour: dict[int, list[date]] = {}
    for day in days:
        by_hour.setdefault(recurrence.starts(THURSDAYS, day).hour, []).append(day)
    assert {hour: (found[0], found[-1], len(found)) for hour, found in by_hour.items()} == {
        8: (date(2026, 1, 1), date(2026, 12, 31), 13 + 10),
        7: (date(2026, 4, 2), date(2026, 10, 22), 30),
    }


def test_a_sunday_on_the_day_of_each_change() -> None:
    sundays = Slot(Weekly(Weekday.SUNDAY), time(3), 60, "Europe/Stockholm")
    assert recurrence.starts(sundays, date(2026, 3, 29)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert recurrence.starts(sundays, date(2026, 10, 25)) == datetime(2026, 10, 25, 2, tzinfo=UTC)
    early = Slot(Weekly(Weekday.SUNDAY), time(1), 60, "Europe/Stockholm")
    assert recurrence.starts(early, date(2026, 3, 29)) == datetime(2026, 3, 29, 0, tzinfo=UTC)
    assert recurrence.ends(early, date(2026, 3, 29)) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def slots_in(zone: str) -> st.SearchStrategy[Slot]:
    """What the settings allow, at hours that exist once everywhere: some zones change their clocks at midnight."""
    minutes = st.integers(4 * 60, 22 * 60).map(lambda minute: time(*divmod(minute, 60)))
    return st.builds(Slot, rules(), minutes, st.sampled_from([15, 30, 60]), st.just(zone))


ALL_ZONES = sorted({zones.iana(name) for name in zones.names()})
TWO_YEARS = date(2026, 1, 1), date(2027, 12, 31)


def kinds_of_rule(weekday: Weekday) -> list[Rule]:
    return [
        Weekly(weekday),
        Weekly(weekday, 3, 1),
        Monthly(28, 2, 1),
        Monthly(NthWeekday(Position.FIRST, weekday)),
        Monthly(NthWeekday(Position.LAST, weekday), 6, 3),
    ]


@functools.cache
def of_two_years(rule: Rule) -> list[date]:
    return dates(rule, *TWO_YEARS)


@pytest.mark.parametrize("zone", ALL_ZONES)
def test_two_years_of_every_zone_keep_their_wall_clock_time_and_agree_with_dateutil(zone: str) -> None:
    at, there = time(4 + len(zone) % 18, 30), ZoneInfo(zone)
    for rule in kinds_of_rule(Weekday(len(zone) % 7)):
        slot = Slot(rule, at, 60, zone)
        on = list(recurrence.dates(rule, *TWO_YEARS))
        assert on == of_two_years(rule)
        for day in on:
            starts, ends = recurrence.starts(slot, day), recurrence.ends(slot, day)
            assert starts.astimezone(there).replace(tzinfo=None) == datetime.combine(day, at)
            assert ends.astimezone(there).replace(tzinfo=None) == datetime.combine(day, at) + timedelta(hours=1)
            assert ends - starts == timedelta(hours=1)


@given(st.sampled_from(ALL_ZONES).flatmap(slots_in), st.dates(date(2026, 1, 1), date(2036, 12, 31)))
def test_an_occurrence_keeps_its_wall_clock_time_in_any_year_of_any_zone(slot: Slot, day: date) -> None:
    on = recurrence.next_date(slot.rule, day)
    wall = recurrence.starts(slot, on).astimezone(ZoneInfo(slot.zone))
    assert (wall.date(), wall.time()) == (on, slot.at)
    assert (recurrence.starts(slot, on), recurrence.ends(slot, on)) == at_wall(slot, on)
    assert recurrence.ends(slot, on) > recurrence.starts(slot, on)


@given(
    st.sampled_from(ALL_ZONES).flatmap(slots_in),
    st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - zone beside it
)
def test_the_next_date_after_an_instant_begins_later_and_none_lies_between(slot: Slot, at: datetime) -> None:
    day = recurrence.next_date_after(slot, at)
    assert recurrence.starts(slot, day) > at
    assert recurrence.starts(slot, recurrence.last_date(slot.rule, day - timedelta(days=1))) <= at


def test_an_occurrence_that_begins_this_instant_is_not_the_next_one() -> None:
    nine = datetime(2026, 12, 3, 8, tzinfo=UTC)
    assert recurrence.next_date_after(THURSDAYS, nine) == date(2026, 12, 10)
    assert recurrence.next_date_after(THURSDAYS, nine - timedelta(microseconds=1)) == date(2026, 12, 3)


def test_the_date_is_the_zones_own_and_not_utcs() -> None:
    sydney = Slot(Weekly(Weekday.FRIDAY), time(9), 60, "Australia/Sydney")
    assert recurrence.next_date_after(sydney, datetime(2026, 12, 3, 21, tzinfo=UTC)) == date(2026, 12, 4)
    assert recurrence.next_date_after(sydney, datetime(2026, 12, 3, 23, tzinfo=UTC)) == date(2026, 12, 11)


def test_midnight_is_the_zones_own() -> None:
    assert recurrence.midnight(THURSDAYS.zone, date(2026, 12, 3)) == datetime(2026, 12, 2, 23, tzinfo=UTC)
    assert recurrence.midnight(THURSDAYS.zone, date(2026, 7, 2)) == datetime(2026, 7, 1, 22, tzinfo=UTC)
