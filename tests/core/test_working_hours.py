"""Who works when: a table of working weeks and slots, and every minute of it against the clock on the worker's wall."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.hours import works_at, works_on
from holdfast.core.model import Monthly, NthWeekday, Position, Slot, Weekday, Weekly, WorkingHours
from tests.core.strategies import rules
from tests.core.world import at_wall, dates

STOCKHOLM, HELSINKI, LONDON, NEW_YORK, SYDNEY = (
    "Europe/Stockholm",
    "Europe/Helsinki",
    "Europe/London",
    "America/New_York",
    "Australia/Sydney",
)
MONDAY_TO_FRIDAY = frozenset(list(Weekday)[:5])
SINCE = date(2026, 12, 1)


def week(hours: str, days: str = "mon tue wed thu fri", zone: str | None = STOCKHOLM) -> WorkingHours:
    named = {day.name[:3].lower(): day for day in Weekday}
    starts, ends = (time.fromisoformat(at) for at in hours.split("-"))
    return WorkingHours(frozenset(named[day] for day in days.split()), starts, ends, zone)


def slot(at: str, minutes: int = 60, day: Weekday = Weekday.THURSDAY, zone: str = STOCKHOLM) -> Slot:
    return Slot(Weekly(day), time.fromisoformat(at), minutes, zone)


WORKING = {
    "office hours": (week("08:00-17:00"), slot("09:00"), True),
    "from their beginning": (week("08:00-17:00"), slot("08:00"), True),
    "to their end": (week("08:00-17:00"), slot("16:00"), True),
    "a minute before": (week("08:00-17:00"), slot("07:59"), False),
    "a minute too long": (week("08:00-17:00"), slot("16:00", 61), False),
    "longer than the day": (week("09:00-12:00"), slot("08:00", 300), False),
    "a part-timer's day": (week("08:00-17:00", "tue thu"), slot("09:00"), True),
    "a part-timer's day off": (week("08:00-17:00", "mon tue wed"), slot("09:00"), False),
    "mornings": (week("08:00-12:00"), slot("11:00"), True),
    "mornings, in the afternoon": (week("08:00-12:00"), slot("11:30"), False),
    "somebody who never works": (week("08:00-17:00", ""), slot("09:00"), False),
    "a Saturday in the shop": (week("10:00-16:00", "sat"), slot("10:00", day=Weekday.SATURDAY), True),
    "a night, before midnight": (week("22:00-06:00", "wed thu"), slot("22:30"), True),
    "a night, after midnight": (week("22:00-06:00", "wed thu"), slot("05:00"), True),
    "the night of a day off, after midnight": (week("22:00-06:00", "thu fri"), slot("05:00"), False),
    "the last night's morning": (week("22:00-06:00", "thu"), slot("05:00", day=Weekday.FRIDAY), True),
    "a night, by day": (week("22:00-06:00"), slot("09:00"), False),
    "a night, past its end": (week("22:00-06:00"), slot("05:30"), False),
    "a night's first minutes": (week("22:00-06:00"), slot("21:30"), False),
    "the evening, to midnight": (week("16:00-00:00"), slot("23:00"), True),
    "the whole day round": (week("00:00-00:00", "thu"), slot("23:00"), True),
    "the whole day round, but not that day": (week("00:00-00:00", "wed"), slot("09:00"), False),
    "an hour east": (week("08:00-17:00", zone=HELSINKI), slot("09:00"), True),
    "an hour east, too late": (week("08:00-17:00", zone=HELSINKI), slot("15:30"), False),
    "an hour west, too early": (week("08:00-17:00", zone=LONDON), slot("08:30"), False),
    "an ocean west, before dawn": (week("08:00-17:00", zone=NEW_YORK), slot("09:00"), False),
    "an ocean west, at their nine": (week("08:00-17:00", zone=NEW_YORK), slot("15:00"), True),
    # For three weeks of March and one of autumn, Stockholm is five hours ahead of New York instead of six.
    "an ocean west, at nine but for four weeks": (week("09:00-17:00", zone=NEW_YORK), slot("15:00"), True),
    "an ocean west, at eight in four weeks": (week("08:30-17:00", zone=NEW_YORK), slot("14:30"), True),
    "an ocean west, at ten in four weeks": (week("08:00-10:30", zone=NEW_YORK), slot("15:00"), False),
    "down under, in their evening": (week("08:00-17:00", zone=SYDNEY), slot("09:00"), False),
    # 06:00 in Stockholm is 16:00 in Sydney in our winter and 14:00 in our summer, for some weeks 15:00.
    "down under, all year round": (week("08:00-17:00", zone=SYDNEY), slot("06:00"), True),
    "down under, in our summer only": (week("08:00-16:00", zone=SYDNEY), slot("06:00"), False),
    # Late on Wednesday it is Thursday there, nine in our winter and seven in our summer.
    "down under, a day on": (week("07:00-17:00", "thu", zone=SYDNEY), slot("23:00", day=Weekday.WEDNESDAY), True),
    "down under, by our day": (week("07:00-17:00", "wed", zone=SYDNEY), slot("23:00", day=Weekday.WEDNESDAY), False),
    "a zone without a name is the block's": (week("08:00-17:00", zone=None), slot("09:00", zone=SYDNEY), True),
    "a zone without a name, too early": (week("08:00-17:00", zone=None), slot("07:00", zone=SYDNEY), False),
}


@pytest.mark.parametrize("name", WORKING)
def test_who_works_at(name: str) -> None:
    hours, at, works = WORKING[name]
    assert works_at(at, hours, any_day=False, since=SINCE) is works


@pytest.mark.parametrize(
    ("rule", "works"),
    [
        (Monthly(NthWeekday(Position.FIRST, Weekday.THURSDAY)), True),
        (Monthly(NthWeekday(Position.LAST, Weekday.FRIDAY)), False),
        (Weekly(Weekday.TUESDAY, 8, 3), True),
        (Weekly(Weekday.FRIDAY, 8, 3), False),
    ],
    ids=str,
)
def test_a_rule_is_within_working_days_by_its_weekday(rule: Weekly | Monthly, *, works: bool) -> None:
    at = Slot(rule, time(9), 60, STOCKHOLM)
    assert works_at(at, week("08:00-17:00", "tue thu"), any_day=False, since=SINCE) is works


def test_a_date_of_the_month_counts_by_its_hours_alone() -> None:
    at = Slot(Monthly(15), time(9), 60, STOCKHOLM)
    assert works_at(at, week("08:00-17:00", "tue"), any_day=True, since=SINCE)
    assert not works_at(at, week("08:00-17:00", "tue"), any_day=False, since=SINCE)
    assert not works_at(at, week("10:00-17:00"), any_day=True, since=SINCE)


# 3 December 2026 is a Thursday.
WORKED = {
    "a working day": (week("08:00-17:00", "thu"), slot("09:00"), True),
    "whatever the hours": (week("08:00-17:00", "thu"), slot("20:00"), True),
    "another day": (week("08:00-17:00", "wed fri"), slot("09:00"), False),
    "the night that begins then": (week("22:00-06:00", "thu"), slot("23:00"), True),
    "the night before": (week("22:00-06:00", "wed"), slot("05:00"), True),
    "the morning before a night": (week("22:00-06:00", "thu"), slot("05:00"), False),
    "Friday already, down under": (week("08:00-17:00", "fri", SYDNEY), slot("23:00"), True),
    "no more Thursday, down under": (week("08:00-17:00", "thu", SYDNEY), slot("23:00"), False),
    "Wednesday still, over there": (week("08:00-17:00", "wed", NEW_YORK), slot("05:00"), True),
    "a zone without a name": (week("08:00-17:00", "thu", None), slot("23:00", zone=SYDNEY), True),
}


@pytest.mark.parametrize("name", WORKED)
def test_who_works_on_a_day(name: str) -> None:
    hours, at, worked = WORKED[name]
    assert works_on(at, date(2026, 12, 3), hours) is worked


HOURS = st.builds(
    WorkingHours,
    st.frozensets(st.sampled_from(Weekday), min_size=3),
    st.sampled_from([time(0), time(6), time(8), time(9, 30), time(20), time(22)]),
    st.sampled_from([time(0), time(6), time(10), time(17), time(23)]),
    st.sampled_from([None, STOCKHOLM, LONDON, NEW_YORK, SYDNEY]),
)
SLOTS = st.builds(
    Slot,
    st.sampled_from([Weekly(day) for day in Weekday]) | rules(),
    st.sampled_from([time(0, 30), time(5), time(9), time(15), time(22)]),
    st.sampled_from([30, 60]),
    st.sampled_from([STOCKHOLM, HELSINKI, NEW_YORK]),
)


@given(SLOTS, HOURS, st.booleans())
def test_a_slot_is_within_working_hours_when_all_its_minutes_are(at: Slot, hours: WorkingHours, any_day: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    zone = ZoneInfo(hours.zone or at.zone)
    days = dates(at.rule, SINCE, SINCE + timedelta(days=370))

    def shift(minute: datetime) -> date | None:
        """The day whose work a minute belongs to."""
        wall = minute.astimezone(zone)
        on, of_day = wall.date(), wall.time()
        if hours.starts < hours.ends:
            return on if hours.starts <= of_day < hours.ends else None
        if of_day >= hours.starts:
            return on
        return on - timedelta(days=1) if of_day < hours.ends else None

    def within(day: date) -> bool:
        begins, ends = at_wall(at, day)
        shifts = {shift(begins), shift(ends - timedelta(minutes=1))}
        return len(shifts) == 1 and all(one and (any_day or one.weekday() in hours.days) for one in shifts)

    assert works_at(at, hours, any_day=any_day, since=SINCE) is all(within(day) for day in days)
