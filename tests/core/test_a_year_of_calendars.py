"""Calendars over the year 2027, as they stand after a look at them every week: five cities, every rule, days off.

The tables are written by hand from wall calendars; longer rows of dates come from dateutil.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import FR, MO, MONTHLY, TH, TU, WE, WEEKLY, rrule, weekday

from holdfast.core.desired import ANYBODY, desired, in_their_zones
from holdfast.core.diff import Memory, diff
from holdfast.core.holidays import DaysOff
from holdfast.core.model import Occurrence, Profile, Purpose, SlotKey
from holdfast.core.plan import Reason
from holdfast.core.settings import Block, BlockZone, Day, HolidayRule, Holidays, Settings
from tests.core.test_desired import block, settings
from tests.core.world import World, looked_at, originals

FIRST_LOOK = datetime(2026, 12, 7, 5, tzinfo=UTC)
"""A Monday morning; a look follows each week."""

WEEKS = 57
WEEK = timedelta(weeks=1)
WORKDAYS = tuple(list(Day)[:5])


class City(NamedTuple):
    """Where, what its holidays are called by, and the weekdays of 2027 on which it is off."""

    zone: str
    country: str
    subdivision: str | None
    off: str


CITIES = {
    "Stockholm": City("Europe/Stockholm", "SE", None, "01-01 01-06 03-26 03-29 05-06 06-25 12-24 12-31"),
    "Helsinki": City("Europe/Helsinki", "FI", None, "01-01 01-06 03-26 03-29 05-06 06-25 12-06 12-24"),
    "London": City("Europe/London", "GB", "ENG", "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28"),
    "New York": City(
        "America/New_York", "US", None, "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31"
    ),
    "Sydney": City("Australia/Sydney", "AU", "NSW", "01-01 01-26 03-26 03-29 04-26 06-14 10-04 12-27 12-28"),
}

CLOCK_CHANGES = {
    # the Thursdays before and after each change of the clocks, and when 09:00 is then in UTC
    "Stockholm": "03-25 08:00  04-01 07:00  10-28 07:00  11-04 08:00",
    "Helsinki": "03-25 07:00  04-01 06:00  10-28 06:00  11-04 07:00",
    "London": "03-25 09:00  04-01 08:00  10-28 08:00  11-04 09:00",
    "New York": "03-11 14:00  03-18 13:00  11-04 13:00  11-11 14:00",
    "Sydney": "04-01 22:00  04-08 23:00  09-30 23:00  10-07 22:00",
}

SWEDISH_DAYS_OFF = {
    # the day off, its name, where a block with holiday: move stands instead
    "2026-12-24": ("Thursday", "Julafton", "2026-12-23"),
    "2026-12-25": ("Friday", "Juldagen", "2026-12-23"),
    "2026-12-31": ("Thursday", "Nyårsafton", "2026-12-30"),
    "2027-01-01": ("Friday", "Nyårsdagen", "2026-12-30"),
    "2027-01-06": ("Wednesday", "Trettondedag jul", "2027-01-05"),
    "2027-03-26": ("Friday", "Långfredagen", "2027-03-25"),
    "2027-03-29": ("Monday", "Annandag påsk", "2027-03-30"),
    "2027-05-06": ("Thursday", "Kristi himmelsfärdsdag", "2027-05-05"),
    "2027-06-25": ("Friday", "Midsommarafton", "2027-06-24"),
    "2027-12-24": ("Friday", "Julafton", "2027-12-23"),
    "2027-12-31": ("Friday", "Nyårsafton", "2027-12-30"),
}


def day(text: str) -> date:
    """A date, of 2027 where no year is given."""
    return date.fromisoformat(text if len(text) > len("MM-DD") else f"2027-{text}")


def days(text: str) -> list[date]:
    return [day(part) for part in text.split()]


def week_of(on: date) -> tuple[int, int]:
    return on.isocalendar()[:2]


def every(freq: int, begins: str = "2027-01-01", until: str = "2027-12-31", **which: Any) -> list[date]:
    """Dates by dateutil."""
    first, last = (datetime.combine(day(text), time.min) for text in (begins, until))
    return [at.date() for at in rrule(freq, dtstart=first, until=last, **which)]


def settings_in(city: City, *blocks: Block, holidays: Holidays | None = None) -> Settings:
    made = settings(*blocks, zone=city.zone)
    return made.model_copy(update={"organization": made.organization.model_copy(update={"holidays": holidays})})


def of_country(city: City, *closed: str) -> Holidays:
    return Holidays(country=city.country, subdivision=city.subdivision, closed=closed)


@dataclass
class Life:
    """A mailbox looked at week by week, and what was done there."""

    world: World = field(default_factory=World)
    reasons: Counter[Reason] = field(default_factory=Counter)
    planned_writes: int = 0
    placed: frozenset[SlotKey] = frozenset()

    def look(self, settings: Settings, now: datetime, profile: Profile = ANYBODY) -> None:
        wanted = in_their_zones(desired(settings, {"alla"}, now, profile=profile), self.world.calendar.series, now)
        changes = diff(wanted, looked_at(self.world.calendar, now), now=now, memory=Memory(self.placed))
        assert len(changes) == len(set(changes))
        self.planned_writes += sum(change.writes for change in changes)
        self.reasons.update(change.reason for change in changes)
        self.world.carry_out(changes, now)
        self.placed = frozenset(SlotKey(s.tag.block, s.tag.fingerprint.slot) for s in self.world.calendar.series)
        again = looked_at(self.world.calendar, now)
        assert diff(wanted, again, now=now, memory=Memory(self.placed)) == ()

    @property
    def stood(self) -> list[Occurrence]:
        found = (one for series in self.world.calendar.series for one in series.instances or ())
        return sorted(found, key=lambda one: one.starts)

    def dates(self, zone: str, year: int = 2027) -> list[date]:
        """On which dates there was a block, by the clock of a zone."""
        found = [one.starts.astimezone(ZoneInfo(zone)).date() for one in self.stood]
        return [on for on in found if on.year == year]

    def walls(self, zone: str) -> set[str]:
        """At which times of day it began there."""
        return {f"{one.starts.astimezone(ZoneInfo(zone)):%H:%M}" for one in self.stood}


def lived(settings: Settings, profile: Callable[[datetime], Profile] = lambda _: ANYBODY) -> Life:
    life = Life()
    for week in range(WEEKS):
        now = FIRST_LOOK + week * WEEK
        life.look(settings, now, profile(now))
    return life


@pytest.mark.parametrize("name", CITIES)
def test_nine_stays_nine_on_both_sides_of_every_clock_change(name: str) -> None:
    city = CITIES[name]
    life = lived(settings_in(city, block()))
    assert life.dates(city.zone) == every(WEEKLY, byweekday=TH)
    assert life.walls(city.zone) == {"09:00"}
    in_utc = {one.starts.astimezone(ZoneInfo(city.zone)).date(): f"{one.starts:%H:%M}" for one in life.stood}
    told = CLOCK_CHANGES[name].split()
    assert [(on, in_utc[day(on)]) for on in told[::2]] == list(zip(told[::2], told[1::2], strict=True))
    changed = [later for earlier, later in pairwise(life.dates(city.zone)) if in_utc[earlier] != in_utc[later]]
    assert changed == [day(told[2]), day(told[6])]


@functools.cache
def all_week(name: str) -> Life:
    """A block on every working day, on none of which anything can take the place of a holiday."""
    city = CITIES[name]
    return lived(settings_in(city, block(day=WORKDAYS), holidays=of_country(city)))


@pytest.mark.parametrize("name", CITIES)
def test_no_block_on_a_day_off_and_one_on_every_other_working_day(name: str) -> None:
    city = CITIES[name]
    working_days = every(WEEKLY, byweekday=(MO, TU, WE, TH, FR))
    assert all_week(name).dates(city.zone) == sorted(set(working_days) - set(days(city.off)))
    assert all_week(name).walls(city.zone) == {"09:00"}


def test_no_block_on_swedish_public_days_and_eves() -> None:
    stood = {*all_week("Stockholm").dates(CITIES["Stockholm"].zone, 2026), *all_week("Stockholm").dates("UTC")}
    for text, (falls_on, name, _) in SWEDISH_DAYS_OFF.items():
        assert f"{day(text):%A}" == falls_on
        assert day(text) not in stood, name
    # The days beside them are working days.
    assert {day("2026-12-23"), day("03-25"), day("03-30"), day("05-07"), day("06-24"), day("12-23")} <= stood


@functools.cache
def moving(on: Day, name: str = "Stockholm") -> Life:
    city = CITIES[name]
    return lived(settings_in(city, block(day=on, holiday=HolidayRule.MOVE), holidays=of_country(city)))


@pytest.mark.parametrize("text", SWEDISH_DAYS_OFF)
def test_a_block_that_moves_stands_once_in_the_same_week(text: str) -> None:
    falls_on, _, instead = SWEDISH_DAYS_OFF[text]
    life = moving(Day(falls_on.lower()))
    monday = day(text) - timedelta(days=day(text).weekday())
    stood = [*life.dates("Europe/Stockholm", 2026), *life.dates("Europe/Stockholm")]
    assert [on for on in stood if monday <= on < monday + WEEK] == [day(instead)]
    assert life.walls("Europe/Stockholm") == {"09:00"}


@pytest.mark.parametrize("name", CITIES)
@pytest.mark.parametrize("on", [Day.MONDAY, Day.FRIDAY])
def test_each_week_of_the_year_has_its_block_where_it_moves(name: str, on: Day) -> None:
    city = CITIES[name]
    life = moving(on, name)
    stood = life.dates(city.zone)
    regular = every(WEEKLY, byweekday=MO if on is Day.MONDAY else FR)
    off = set(days(city.off))
    assert off.isdisjoint(stood)
    assert set(regular) - off <= set(stood)
    weeks = [week_of(one) for one in stood]
    assert len(weeks) == len(set(weeks))
    # New Year's Day, a Friday, goes to the old year.
    assert set(weeks) == {week_of(one) for one in regular} - {week_of(day("01-01"))}


def test_two_days_of_one_block_move_beside_each_other() -> None:
    """Easter takes Friday and Monday; Christmas 2026 takes Thursday and Friday."""
    city = CITIES["Stockholm"]
    both = block(day=(Day.THURSDAY, Day.FRIDAY), holiday=HolidayRule.MOVE)
    life = lived(settings_in(city, both, holidays=of_country(city)))
    stood = [*life.dates(city.zone, 2026), *life.dates(city.zone)]
    assert [on for on in stood if on <= day("01-08")] == days(
        "2026-12-10 2026-12-11 2026-12-17 2026-12-18 2026-12-22 2026-12-23 2026-12-29 2026-12-30 01-07 01-08"
    )
    assert [on for on in stood if day("03-22") <= on <= day("04-02")] == days("03-24 03-25 04-01 04-02")
    assert [on for on in stood if day("05-03") <= on <= day("05-09")] == days("05-05 05-07")
    assert len(stood) == len(set(stood))


RULES: Mapping[str, tuple[str, dict[str, Any], list[date]]] = {
    "the first Tuesday": (
        "London",
        {"every": "month", "day": "first tuesday"},
        days("01-05 02-02 03-02 04-06 05-04 06-01 07-06 08-03 09-07 10-05 11-02 12-07"),
    ),
    "the last Friday, but for Good Friday and two eves": (
        "Stockholm",
        {"every": "month", "day": "last friday"},
        days("01-29 02-26 04-30 05-28 07-30 08-27 09-24 10-29 11-26"),
    ),
    "the last Friday, moved": (
        "Stockholm",
        {"every": "month", "day": "last friday", "holiday": HolidayRule.MOVE},
        days("01-29 02-26 03-25 04-30 05-28 06-24 07-30 08-27 09-24 10-29 11-26 12-30"),
    ),
    "the 15th, but for weekends": (
        "Stockholm",
        {"every": "month", "day": 15},
        days("01-15 02-15 03-15 04-15 06-15 07-15 09-15 10-15 11-15 12-15"),
    ),
    "the 15th, moved from weekends": (
        "Stockholm",
        {"every": "month", "day": 15, "holiday": HolidayRule.MOVE},
        days("01-15 02-15 03-15 04-15 05-14 06-15 07-15 08-13 09-15 10-15 11-15 12-15"),
    ),
    "the 15th, weekends too": (
        "Stockholm",
        {"every": "month", "day": 15, "weekend": True},
        every(MONTHLY, bymonthday=15),
    ),
    "the fourth Thursday, but for Thanksgiving": (
        "New York",
        {"every": "month", "day": "fourth thursday"},
        days("01-28 02-25 03-25 04-22 05-27 06-24 07-22 08-26 09-23 10-28 12-23"),
    ),
    "every second month on the 28th": (
        # February is even, and December is counted from; the 28th of August is a Saturday, that of February a Sunday.
        "Helsinki",
        {"every": "2 months", "day": 28},
        days("04-28 06-28 10-28 12-28"),
    ),
    "every six months on the first Monday": (
        "Sydney",
        {"every": "6 months", "day": "first monday"},
        days("06-07 12-06"),
    ),
    "every second Tuesday": (
        # Counted from the week of 1 December 2026.
        "Helsinki",
        {"every": "2 weeks", "day": Day.TUESDAY},
        every(WEEKLY, "2026-12-01", interval=2, byweekday=TU)[3:],
    ),
    "every third week on Monday and Wednesday": (
        "Sydney",
        {"every": "3 weeks", "day": (Day.MONDAY, Day.WEDNESDAY)},
        sorted(
            {
                *every(WEEKLY, "2026-11-30", interval=3, byweekday=MO),
                *every(WEEKLY, "2026-12-02", interval=3, byweekday=WE),
            }
            - {*every(WEEKLY, "2026-11-30", "2026-12-31"), *every(WEEKLY, "2026-12-02", "2026-12-31")}
            - set(days(CITIES["Sydney"].off))
        ),
    ),
    "Mondays and Thursdays": (
        "New York",
        {"every": "week", "day": (Day.MONDAY, Day.THURSDAY)},
        sorted({*every(WEEKLY, byweekday=(MO, TH))} - set(days(CITIES["New York"].off))),
    ),
    "Saturdays": (
        "London",
        {"every": "week", "day": Day.SATURDAY, "weekend": True},
        [on for on in every(WEEKLY, byweekday=weekday(5)) if on != day("12-25")],
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_these_dates_in_2027(name: str) -> None:
    where, values, expected = RULES[name]
    city = CITIES[where]
    life = lived(settings_in(city, block(**values), holidays=of_country(city)))
    assert life.dates(city.zone) == expected
    assert life.walls(city.zone) == {"09:00"}


def test_closed_weeks_are_left_out_and_the_others_stand() -> None:
    city = CITIES["Stockholm"]
    closed = of_country(city, "2026-12-24..2027-01-10", "2027-07-05..2027-08-01", "2027-05-07")
    life = lived(settings_in(city, block(), holidays=closed))
    assert life.dates(city.zone, 2026) == days("2026-12-10 2026-12-17")
    off = days("01-07 05-06 07-08 07-15 07-22 07-29")
    assert life.dates(city.zone) == [on for on in every(WEEKLY, byweekday=TH) if on not in off]


@pytest.mark.parametrize("name", CITIES)
def test_a_firm_in_sweden_has_people_in_five_cities_by_their_own_clocks(name: str) -> None:
    """The days off are those of the firm, on the calendar where the person is."""
    firm, city = CITIES["Stockholm"], CITIES[name]
    at_home = Profile(Purpose.USER, None, city.zone, FIRST_LOOK - WEEK)
    theirs = block(time_zone=BlockZone.MAILBOX)
    life = lived(settings_in(firm, theirs, holidays=of_country(firm)), lambda _: at_home)
    assert life.dates(city.zone) == [on for on in every(WEEKLY, byweekday=TH) if on != day("05-06")]
    assert life.walls(city.zone) == {"09:00"}
    assert life.reasons[Reason.ZONE] == 0


class TestMovingFromLondonToSydney:
    """On Saturday 1 May 2027, seen on Monday 3 May; 28 days later is Monday 31 May."""

    SEEN = datetime(2027, 5, 3, 5, tzinfo=UTC)

    @functools.cached_property
    def life(self) -> Life:
        def profile(now: datetime) -> Profile:
            if now < self.SEEN:
                return Profile(Purpose.USER, None, "Europe/London", FIRST_LOOK)
            return Profile(Purpose.USER, None, "Australia/Sydney", self.SEEN)

        return lived(settings_in(CITIES["London"], block(time_zone=BlockZone.MAILBOX)), profile)

    def test_the_block_follows_after_28_days_and_keeps_nine_in_both(self) -> None:
        begins = [one.starts for one in self.life.stood]
        london = [at.astimezone(ZoneInfo("Europe/London")) for at in begins if at < self.SEEN + 4 * WEEK]
        sydney = [at.astimezone(ZoneInfo("Australia/Sydney")) for at in begins if at >= self.SEEN + 4 * WEEK]
        assert {f"{at:%A %H:%M}" for at in london} == {f"{at:%A %H:%M}" for at in sydney} == {"Thursday 09:00"}
        assert [at.date() for at in london][-1] == day("05-27")
        assert next(at.date() for at in sydney) == day("06-03")

    def test_no_thursday_is_missing_or_doubled(self) -> None:
        assert self.life.dates("UTC") == [
            on if on <= day("05-27") else on - timedelta(days=1) for on in every(WEEKLY, byweekday=TH)
        ]

    def test_the_series_in_london_and_its_continuation_give_way_to_one_in_sydney(self) -> None:
        assert self.life.reasons == {Reason.NEW: 1, Reason.CONTINUED: 2, Reason.ZONE: 3}


def spans(life: Life) -> list[tuple[date, date]]:
    """The first and the last date of each series, in order."""
    return sorted((series.tag.first, series.tag.last) for series in originals(life.world.calendar))


@pytest.mark.parametrize("name", CITIES)
def test_a_year_is_held_by_series_of_26_weeks_that_follow_each_other(name: str) -> None:
    city = CITIES[name]
    life = lived(settings_in(city, block()))
    found = spans(life)
    assert found[:2] == [(day("2026-12-10"), day("06-03")), (day("06-10"), day("12-02"))]
    assert all(last - first == 25 * WEEK for first, last in found)
    assert all(first == last + WEEK for (_, last), (first, _) in pairwise(found))
    assert life.reasons == {Reason.NEW: 1, Reason.CONTINUED: 2}


def test_the_next_series_is_made_when_less_than_13_weeks_remain() -> None:
    """The first ends on Thursday 3 June; 13 weeks before is Thursday 4 March."""
    life, made = Life(), {}
    calendar = settings_in(CITIES["Stockholm"], block())
    now = FIRST_LOOK
    while now < datetime(2027, 3, 12, tzinfo=UTC):
        before = len(life.world.calendar.series)
        life.look(calendar, now)
        if len(life.world.calendar.series) > before:
            made[now.date()] = before
        now += timedelta(days=1)
    assert made == {FIRST_LOOK.date(): 0, day("03-05"): 1}


@pytest.mark.parametrize("name", CITIES)
def test_the_writes_of_a_year_are_those_that_were_planned_and_few(name: str) -> None:
    """Five series, two continuations of each, and a deletion for each day off that a series would have stood on."""
    life, city = all_week(name), CITIES[name]
    off = DaysOff(city.country, city.subdivision).off
    looked_at_singly = (FIRST_LOOK + (WEEKS - 1) * WEEK).date() + 13 * WEEK
    dates = (on for first, last in spans(life) for on in every(WEEKLY, str(first), str(min(last, looked_at_singly))))
    days_off = [on for on in dates if off(on)]
    assert life.reasons.keys() == {Reason.NEW, Reason.CONTINUED, Reason.DAY_OFF}
    assert (life.reasons[Reason.NEW], life.reasons[Reason.CONTINUED]) == (5, 10)
    assert life.world.writes == life.planned_writes == 15 + len(days_off)


def test_a_leaver_and_an_edit_in_the_middle_of_the_year_leave_the_past() -> None:
    city = CITIES["Stockholm"]
    before, after = block(), block(at=time(13), day=Day.TUESDAY)
    life = Life()
    for week in range(WEEKS):
        now = FIRST_LOOK + week * WEEK
        gone = now >= datetime(2027, 9, 6, tzinfo=UTC)
        block_now = after if now >= datetime(2027, 4, 5, tzinfo=UTC) else before
        life.look(settings_in(city, *(() if gone else (block_now,)), holidays=of_country(city)), now)
    thursdays = every(WEEKLY, "2026-12-10", "2027-04-04", byweekday=TH)
    off = days("2026-12-24 2026-12-31 01-06")
    tuesdays = every(WEEKLY, "2027-04-05", "2027-09-05", byweekday=TU)
    stood = [one.starts.astimezone(ZoneInfo(city.zone)) for one in life.stood]
    assert [at.date() for at in stood] == [on for on in thursdays if on not in off] + tuesdays
    assert {f"{at:%A %H:%M}" for at in stood} == {"Thursday 09:00", "Tuesday 13:00"}
    assert life.world.writes == life.planned_writes
