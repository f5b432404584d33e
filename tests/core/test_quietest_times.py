"""The quietest time of day: by hand for a small team, and against counting minute by minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.desired import ChoiceKey
from holdfast.core.holidays import DaysOff
from holdfast.core.hours import works_at
from holdfast.core.model import FreeBusy, Monthly, NthWeekday, Position, Slot, Weekday, Weekly
from holdfast.core.settings import Quietest
from holdfast.core.slots import STEP, best, considered, counted, dates_looked_at, times
from tests.core.strategies import WORKING, rules
from tests.core.world import at_wall, dates

KEY = ChoiceKey("lartimmen", "alla", "weekly THURSDAY")
STOCKHOLM = "Europe/Stockholm"
THURSDAYS = Weekly(Weekday.THURSDAY)
TODAY = date(2026, 12, 1)
SINCE = datetime(2026, 11, 30, 23, tzinfo=UTC)
"""Midnight on Tuesday 1 December in Stockholm."""


def window(since: str, until: str) -> Quietest:
    return Quietest(time.fromisoformat(since), time.fromisoformat(until))


def hours(found: Sequence[time]) -> str:
    return " ".join(f"{at:%H:%M}" for at in found)


@pytest.mark.parametrize(
    ("since", "until", "minutes", "found"),
    [
        ("08:00", "11:00", 60, "08:00 08:30 09:00 09:30 10:00"),
        ("08:00", "09:00", 60, "08:00"),
        ("08:10", "10:00", 60, "08:30 09:00"),
        ("08:10", "09:10", 60, "08:10"),
        ("08:00", "10:15", 60, "08:00 08:30 09:00"),
        ("08:00", "10:00", 45, "08:00 08:30 09:00"),
        ("22:00", "23:59", 60, "22:00 22:30"),
    ],
)
def test_times_are_on_the_half_hour_and_fit_the_window(since: str, until: str, minutes: int, found: str) -> None:
    at = window(since, until)
    assert hours(times(at, minutes)) == found
    assert [slot.at for slot in considered(THURSDAYS, at, minutes, STOCKHOLM)] == times(at, minutes)
    assert {(slot.minutes, slot.zone, slot.rule) for slot in considered(THURSDAYS, at, minutes, STOCKHOLM)} == {
        (minutes, STOCKHOLM, THURSDAYS)
    }


def test_the_dates_of_four_weeks_are_looked_at_but_for_days_off() -> None:
    sweden = DaysOff("SE")
    assert dates_looked_at(THURSDAYS, sweden, TODAY) == [date(2026, 12, day) for day in (3, 10, 17)]
    assert dates_looked_at(THURSDAYS, DaysOff(), TODAY) == [date(2026, 12, day) for day in (3, 10, 17, 24)]


def test_where_no_date_is_so_near_the_next_one_is_looked_at() -> None:
    first_tuesday = Monthly(NthWeekday(Position.FIRST, Weekday.TUESDAY))
    assert dates_looked_at(first_tuesday, DaysOff(), date(2026, 12, 2)) == [date(2027, 1, 5)]


def person(*meetings: tuple[str, str], **values: object) -> FreeBusy:
    """Free for five weeks but for meetings: day and hours in Stockholm in winter, an hour before UTC."""
    view = ["0"] * (5 * 7 * 48)
    for on, at in meetings:
        begins, ends = (datetime.fromisoformat(f"{on}T{clock}+01:00") - SINCE for clock in at.split("-"))
        for step in range(begins // STEP, -(-ends // STEP)):
            view[step] = "2"
    return FreeBusy(SINCE, STEP, "".join(view), **values)  # type: ignore[arg-type]


def chosen(*people: FreeBusy, standing: Slot | None = None) -> tuple[str, str, dict[str, int]]:
    """The time chosen for Thursdays between 08:00 and 11:00, those after it, and the conflicts of all."""
    slots = considered(THURSDAYS, window("08:00", "11:00"), 60, STOCKHOLM)
    days = dates_looked_at(THURSDAYS, DaysOff("SE"), TODAY)
    found = best(KEY, counted(slots, days, people, standing=standing), dates=len(days), people=len(people))
    assert (found.dates, found.people) == (3, len(people))
    assert found.missed == dict(found.conflicts)[found.at]
    return hours([found.at]), hours([at for at, _ in found.runners_up]), {f"{at:%H:%M}": n for at, n in found.conflicts}


def test_with_nobody_in_the_way_the_earliest_is_best() -> None:
    assert chosen(person()) == (
        "08:00",
        "08:30 09:00 09:30",
        {"08:00": 0, "08:30": 0, "09:00": 0, "09:30": 0, "10:00": 0},
    )
    assert chosen()[0] == "08:00"


def test_the_time_with_the_fewest_meetings_is_best_and_the_next_best_follow() -> None:
    early = person(("2026-12-03", "08:00-09:00"), ("2026-12-10", "08:00-09:30"))
    stand_up = person(("2026-12-03", "10:00-10:15"), ("2026-12-10", "10:00-10:15"), ("2026-12-17", "10:00-10:15"))
    assert chosen(early, stand_up) == (
        "09:00",
        "08:00 08:30 09:30",
        {"08:00": 2, "08:30": 2, "09:00": 1, "09:30": 3, "10:00": 3},
    )


def test_meetings_on_other_days_do_not_count() -> None:
    assert chosen(person(("2026-12-04", "08:00-17:00"), ("2026-12-24", "08:00-17:00")))[2]["08:00"] == 0


def test_the_block_itself_is_in_nobodys_way() -> None:
    """It stands at nine in everybody's calendar, and is to be chosen anew."""
    standing = Slot(THURSDAYS, time(9), 60, STOCKHOLM)
    has_it = person(*((f"2026-12-{day}", "09:00-10:00") for day in ("03", "10", "17")))
    assert chosen(has_it)[2] == {"08:00": 0, "08:30": 3, "09:00": 3, "09:30": 3, "10:00": 0}
    assert set(chosen(has_it, standing=standing)[2].values()) == {0}


def test_hours_in_which_somebody_does_not_work_are_in_the_way_on_every_date() -> None:
    from_nine = next(one for one in WORKING if one is not None and one.starts == time(8) and one.ends == time(12))
    part_timer = person(hours=from_nine)
    assert set(chosen(part_timer)[2].values()) == {0}
    in_los_angeles = next(one for one in WORKING if one is not None and one.zone == "America/Los_Angeles")
    assert set(chosen(person(hours=in_los_angeles))[2].values()) == {3}


def test_what_is_beyond_what_graph_told_is_free() -> None:
    short = FreeBusy(SINCE, STEP, "2" * 48)
    assert set(chosen(short)[2].values()) == {0}


STEPS = 5 * 7 * 48
VIEWS = st.lists(st.tuples(st.integers(0, STEPS), st.integers(1, 60), st.sampled_from("01234")), max_size=30)


@st.composite
def people(draw: st.DrawFn) -> FreeBusy:
    view = ["0"] * STEPS
    for begins, length, digit in draw(VIEWS):
        view[begins : begins + length] = [digit] * len(view[begins : begins + length])
    return FreeBusy(SINCE, STEP, "".join(view), draw(st.sampled_from(WORKING)))


@given(st.lists(people(), max_size=3), rules(), st.sampled_from([30, 45, 60, 90]), st.booleans(), st.data())
def test_conflicts_are_those_of_every_minute(
    team: list[FreeBusy],
    rule: Weekly | Monthly,
    minutes: int,
    has_one: bool,  # noqa: FBT001 - Hypothesis gives it
    data: st.DataObject,
) -> None:
    zone = data.draw(st.sampled_from([STOCKHOLM, "America/New_York", "Asia/Kolkata"]))
    slots = considered(rule, window("08:00", "12:00"), minutes, zone)
    days = dates(rule, TODAY, TODAY + timedelta(weeks=4)) or dates(rule, TODAY, TODAY + timedelta(days=400))[:1]
    assert days == dates_looked_at(rule, DaysOff(weekends=False), TODAY)
    standing = data.draw(st.sampled_from(slots)) if has_one else None

    def steps(slot: Slot, day: date) -> set[int]:
        """The steps of free and busy that the minutes of a slot are in."""
        begins, ends = at_wall(slot, day)
        length = int((ends - begins).total_seconds()) // 60
        return {(begins + timedelta(minutes=minute) - SINCE) // STEP for minute in range(length)}

    own = {step for day in days for step in steps(standing, day)} if standing else set()
    expected: Counter[time] = Counter({slot.at: 0 for slot in slots})
    for one in team:
        busy = {step for step, digit in enumerate(one.view) if digit != "0"} - own
        for slot in slots:
            works = one.hours is None or works_at(slot, one.hours, any_day=True, since=days[0])
            expected[slot.at] += sum(not works or not busy.isdisjoint(steps(slot, day)) for day in days)
    missed = counted(slots, days, team, standing=standing)
    assert missed == expected
    found = best(KEY, missed, dates=len(days), people=len(team))
    assert found.missed == min(expected.values())
    assert found.at == min(at for at, count in expected.items() if count == found.missed)
    ranked = [(expected[found.at], found.at), *((count, at) for at, count in found.runners_up)]
    assert all(one < other for one, other in pairwise(ranked))
    assert len(found.runners_up) == min(3, len(slots) - 1)
    worst_shown = ranked[-1]
    assert all((count, at) >= worst_shown for at, count in expected.items() if (count, at) not in ranked)
