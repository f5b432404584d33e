"""On which dates a rule falls, against dateutil; and which slots meet, against every minute of them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import recurrence
from holdfast.core.model import Monthly, NthWeekday, Position, Rule, Slot, Weekday, Weekly
from tests.core.strategies import rules
from tests.core.world import at_wall, dates

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
A_YEAR = timedelta(days=400)
"""Longer than the longest time between two dates of a rule."""

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
THURSDAYS = Slot(Weekly(Weekday.THURSDAY), time(9), 60, "Europe/Stockholm")


@given(rules(), DAYS)
def test_the_dates_of_a_rule_are_those_of_dateutil(rule: Rule, day: date) -> None:
    assert list(recurrence.dates(rule, day, day + A_YEAR)) == dates(rule, day, day + A_YEAR)


@given(rules(), DAYS)
def test_the_next_and_the_last_date_are_those_of_dateutil(rule: Rule, day: date) -> None:
    assert recurrence.next_date(rule, day) == dates(rule, day, day + A_YEAR)[0]
    assert recurrence.last_date(rule, day) == dates(rule, day - A_YEAR, day)[-1]


@given(rules(), DAYS)
def test_a_date_of_a_rule_is_its_own_next_and_last(rule: Rule, day: date) -> None:
    on = recurrence.next_date(rule, day)
    assert recurrence.next_date(rule, on) == recurrence.last_date(rule, on) == on
    assert recurrence.last_date(rule, recurrence.next_date(rule, on + DAY) - DAY) == on


@pytest.mark.parametrize(
    ("rule", "after", "first", "second"),
    [
        (Weekly(Weekday.THURSDAY), "2026-12-01", "2026-12-03", "2026-12-10"),
        (Weekly(Weekday.THURSDAY, 2, 1), "2026-12-01", "2026-12-03", "2026-12-17"),
        (Weekly(Weekday.THURSDAY, 2, 0), "2026-12-01", "2026-12-10", "2026-12-24"),
        (Monthly(1), "2026-12-01", "2026-12-01", "2027-01-01"),
        (Monthly(28), "2026-12-29", "2027-01-28", "2027-02-28"),
        (Monthly(NthWeekday(Position.FIRST, Weekday.FRIDAY)), "2026-12-05", "2027-01-01", "2027-02-05"),
        (Monthly(NthWeekday(Position.FOURTH, Weekday.FRIDAY)), "2027-01-01", "2027-01-22", "2027-02-26"),
        (Monthly(NthWeekday(Position.LAST, Weekday.FRIDAY)), "2027-01-01", "2027-01-29", "2027-02-26"),
        (Monthly(NthWeekday(Position.LAST, Weekday.TUESDAY)), "2028-02-01", "2028-02-29", "2028-03-28"),
    ],
    ids=str,
)
def test_rules_by_hand(rule: Rule, after: str, first: str, second: str) -> None:
    found = recurrence.dates(rule, date.fromisoformat(after), date.fromisoformat(second))
    assert [str(day) for day in found] == [first, second]


@st.composite
def slots_close_together(draw: st.DrawFn) -> Slot:
    """Slots whose hours are likely to meet, in zones whose days and clock changes differ."""
    begins = draw(st.sampled_from([3 * 60, 9 * 60, 9 * 60 + 30, 10 * 60, 16 * 60, 21 * 60]))
    zone = draw(st.sampled_from(["Europe/Stockholm", "Europe/Helsinki", "America/New_York", "Pacific/Kiritimati"]))
    rule = draw(
        st.sampled_from(
            [
                Weekly(Weekday.THURSDAY),
                Weekly(Weekday.FRIDAY),
                Weekly(Weekday.THURSDAY, 2, 0),
                Weekly(Weekday.THURSDAY, 3, 1),
                Monthly(15),
                Monthly(NthWeekday(Position.FIRST, Weekday.THURSDAY)),
                Monthly(NthWeekday(Position.LAST, Weekday.FRIDAY), 2, 1),
            ]
        )
        | rules()
    )
    return Slot(rule, time(*divmod(begins, 60)), draw(st.sampled_from([15, 30, 60, 120])), zone)


def minutes(slot: Slot, day: date) -> set[datetime]:
    """Every minute of a slot on a day, in UTC."""
    begins, ends = at_wall(slot, day)
    return {begins + timedelta(minutes=number) for number in range(int((ends - begins).total_seconds()) // 60)}


@given(slots_close_together(), slots_close_together(), st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_slots_meet_on_the_first_date_that_shares_a_minute(one: Slot, other: Slot, since: date) -> None:
    until = since + 20 * WEEK
    others = {minute for day in dates(other.rule, since - DAY, until + DAY) for minute in minutes(other, day)}
    shared = (day for day in dates(one.rule, since, until) if not others.isdisjoint(minutes(one, day)))
    assert recurrence.meeting(one, other, since, until) == next(shared, None)


@given(slots_close_together(), slots_close_together(), DAYS, st.integers(-2, 2))
def test_slots_collide_on_two_days_when_they_share_a_minute(one: Slot, other: Slot, day: date, later: int) -> None:
    on, other_on = day, day + timedelta(days=later)
    shared = not minutes(one, on).isdisjoint(minutes(other, other_on))
    assert recurrence.collide(one, on, other, other_on) is shared
    assert recurrence.collide(other, other_on, one, on) is shared
    if other_on == recurrence.next_date(other.rule, other_on):
        assert recurrence.share_time(one, on, other) or not shared


def test_slots_of_two_zones_may_meet_only_while_one_of_them_has_changed_its_clocks() -> None:
    """In the three weeks of March when New York is an hour nearer to Stockholm."""
    stockholm = Slot(Weekly(Weekday.THURSDAY), time(14), 60, "Europe/Stockholm")
    new_york = Slot(Weekly(Weekday.THURSDAY), time(9), 60, "America/New_York")
    assert recurrence.meeting(stockholm, new_york, date(2026, 12, 1)) == date(2027, 3, 18)
    assert recurrence.meeting(stockholm, new_york, date(2026, 12, 1), date(2027, 3, 17)) is None
    assert recurrence.meeting(new_york, stockholm, date(2027, 3, 26), date(2027, 10, 30)) is None


def test_slots_may_meet_on_two_dates() -> None:
    """Thursday night in New York is Friday morning in Stockholm."""
    night = Slot(Weekly(Weekday.THURSDAY), time(22), 120, "America/New_York")
    morning = Slot(Weekly(Weekday.FRIDAY), time(5), 30, "Europe/Stockholm")
    assert recurrence.meeting(night, morning, date(2026, 12, 1)) == date(2026, 12, 3)
    assert recurrence.meeting(morning, night, date(2026, 12, 1)) == date(2026, 12, 4)


@pytest.mark.parametrize(
    ("at", "minutes", "meets"),
    [
        (time(9), 60, True),
        (time(9, 45), 15, True),
        (time(8), 61, True),
        (time(8), 60, False),
        (time(10), 60, False),
        (time(8), 240, True),
        (time(9, 15), 15, True),
    ],
)
def test_slots_that_touch_do_not_overlap(at: time, minutes: int, *, meets: bool) -> None:
    other = Slot(Weekly(Weekday.THURSDAY), at, minutes, "Europe/Stockholm")
    since = date(2026, 12, 1)
    assert (recurrence.meeting(THURSDAYS, other, since) == date(2026, 12, 3)) is meets
    assert (recurrence.meeting(other, THURSDAYS, since) == date(2026, 12, 3)) is meets
    friday = Slot(Weekly(Weekday.FRIDAY), at, minutes, "Europe/Stockholm")
    assert recurrence.meeting(THURSDAYS, friday, since) is None
