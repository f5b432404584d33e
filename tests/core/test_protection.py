"""The table of protection, a row a case, in the words of the page that promises it; and what holds of every case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import recurrence
from holdfast.core.desired import Desired, Want
from holdfast.core.holidays import DaysOff
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    Care,
    DesiredSeries,
    Fingerprint,
    Occurrence,
    Protection,
    ShowAs,
    Single,
    Slot,
    SlotKey,
    Stretch,
    Tag,
    Weekday,
    Weekly,
    WorkingHours,
)
from holdfast.core.protection import Judged, Touch, Verdict, back_in_place, counted, held, judge, orphans, returned
from holdfast.core.touches import DateKey, Quarter, Touches

STRICT, MOVABLE, SOFT = Protection.STRICT, Protection.MOVABLE, Protection.SOFT
SLOT = Slot(Weekly(Weekday.THURSDAY), time(9), 60, "Europe/Stockholm")
FIRST, LAST = date(2027, 1, 7), date(2027, 6, 24)
NOW = datetime(2027, 1, 11, 7, tzinfo=UTC)
THURSDAY, NEXT, THIRD, FOURTH = (date(2027, 1, 14) + timedelta(weeks=week) for week in range(4))
OFFICE = WorkingHours(frozenset(map(Weekday, range(5))), time(8), time(17), "Europe/Stockholm")
HOUR = timedelta(hours=1)
TAG = Tag("lartimmen", 0, Fingerprint("a", "b"), FIRST, LAST)


@dataclass
class Calendar:
    """A calendar in which somebody does what the rows of the table say."""

    dates: dict[date, Occurrence] = field(default_factory=dict)
    singles: dict[date, Single] = field(default_factory=dict)
    touches: Touches = field(default_factory=Touches)
    away: list[Stretch] = field(default_factory=list)
    allowed: int = 3
    now: datetime = NOW

    def __post_init__(self) -> None:
        for day in recurrence.dates(SLOT.rule, FIRST, LAST):
            starts, ends = recurrence.starts(SLOT, day), recurrence.ends(SLOT, day)
            self.dates[day] = Occurrence(f"on {day}", starts, ends, starts)

    def moves(self, day: date, by: timedelta, longer: timedelta = timedelta(0)) -> None:
        one = self.dates[day]
        self.dates[day] = replace(one, starts=one.starts + by, ends=one.ends + by + longer, is_exception=True)

    def deletes(self, *days: date) -> None:
        for day in days:
            del self.dates[day]

    def frees(self, day: date, show_as: ShowAs = ShowAs.FREE) -> None:
        self.dates[day] = replace(self.dates[day], show_as=show_as)

    def is_away(self, day: date) -> None:
        begins = recurrence.midnight(SLOT.zone, day)
        self.away.append(Stretch(begins + 15 * HOUR, begins + 16 * HOUR))

    def was_answered(self, day: date) -> None:
        self.touches = self.touches.with_answer(DateKey("lartimmen", day))

    def put(self, day: date, show_as: ShowAs = ShowAs.BUSY) -> Single:
        starts, ends = recurrence.starts(SLOT, day), recurrence.ends(SLOT, day)
        tag = replace(TAG, first=day, last=day)
        self.singles[day] = Single(tag, NOW, Occurrence(f"for {day}", starts, ends, starts, show_as=show_as))
        return self.singles[day]

    def wanted(self, protection: Protection, off: DaysOff | None = None) -> Desired:
        series = DesiredSeries("lartimmen", SLOT, FIRST, LAST, "", "", "", 10, TAG.fingerprint)
        care = Care(protection, self.allowed)
        return Desired((Want(series, FIRST, None, off=off or DaysOff(), hours=OFFICE, care=care),), zone=SLOT.zone)

    def actual(self) -> ActualCalendar:
        ahead = tuple(one for one in self.dates.values() if one.ends > self.now - timedelta(days=7))
        series = ActualSeries("master", "1", TAG, NOW, LAST, recurrence.starts(SLOT, FIRST), SLOT.zone, ahead=ahead)
        copy = replace(series, event_id="copy", created=NOW + HOUR, ahead=())
        return ActualCalendar("anna", (copy, series), tuple(self.singles.values()))

    def judged(self, protection: Protection, *, off: DaysOff | None = None) -> Mapping[date, Judged]:
        found = held(self.wanted(protection, off), self.actual(), self.now)
        verdicts = (judge(one, self.touches, self.away, now=self.now) for one in found)
        return {one.key.day: one for of_series in verdicts for one in of_series}


# Each does one thing with the date of THURSDAY.
def within_the_week(calendar: Calendar) -> None:
    calendar.moves(THURSDAY, -timedelta(days=1))


def to_another_week(calendar: Calendar) -> None:
    calendar.moves(THURSDAY, timedelta(days=4))


def into_the_evening(calendar: Calendar) -> None:
    calendar.moves(THURSDAY, 10 * HOUR)


def half_as_long(calendar: Calendar) -> None:
    calendar.moves(THURSDAY, timedelta(0), longer=-HOUR / 2)


def moved_with_none_left(calendar: Calendar) -> None:
    calendar.allowed = 0
    calendar.moves(THURSDAY, HOUR)


def deleted(calendar: Calendar) -> None:
    calendar.deletes(THURSDAY)


def deleted_with_none_left(calendar: Calendar) -> None:
    calendar.allowed = 0
    calendar.deletes(THURSDAY)


def deleted_again(calendar: Calendar) -> None:
    calendar.allowed = 0
    calendar.deletes(THURSDAY)
    calendar.was_answered(THURSDAY)


def free(calendar: Calendar) -> None:
    calendar.frees(THURSDAY)


def tentative(calendar: Calendar) -> None:
    calendar.frees(THURSDAY, ShowAs.TENTATIVE)


def moved_for_the_third_time(calendar: Calendar) -> None:
    calendar.allowed = 0
    calendar.moves(THURSDAY, HOUR)
    calendar.touches = Touches(put_back={DateKey("lartimmen", THURSDAY): 2})


def moved_while_away(calendar: Calendar) -> None:
    calendar.is_away(THURSDAY)
    calendar.moves(THURSDAY, timedelta(days=4))


def deleted_while_away(calendar: Calendar) -> None:
    calendar.is_away(THURSDAY)
    calendar.deletes(THURSDAY)


def nothing(_: Calendar) -> None:
    """Leave the date alone."""


def shown_elsewhere(calendar: Calendar) -> None:
    calendar.frees(THURSDAY, ShowAs.ELSEWHERE)


BACK, KEPT, LET_GO, EXCUSED, LEFT = Verdict.PUT_BACK, Verdict.KEPT, Verdict.LET_GO, Verdict.EXCUSED, None

TABLE = {
    # what somebody does                       strict   movable  soft
    "moves it within the week": (within_the_week, BACK, KEPT, LEFT),
    "moves it to another week": (to_another_week, BACK, BACK, LEFT),
    "moves it out of working hours": (into_the_evening, BACK, BACK, LEFT),
    "makes it shorter": (half_as_long, BACK, BACK, LEFT),
    "moves it with no allowance left": (moved_with_none_left, BACK, BACK, LEFT),
    "moves it a third time": (moved_for_the_third_time, LET_GO, LET_GO, LEFT),
    "deletes it": (deleted, BACK, LET_GO, LEFT),
    "deletes it with no allowance left": (deleted_with_none_left, BACK, BACK, LEFT),
    "deletes what was put in its place": (deleted_again, LET_GO, LET_GO, LEFT),
    "sets it free": (free, BACK, BACK, LEFT),
    "sets it tentative": (tentative, BACK, BACK, LEFT),
    "works elsewhere": (shown_elsewhere, LEFT, LEFT, LEFT),
    "moves it on a day out of office": (moved_while_away, EXCUSED, EXCUSED, LEFT),
    "deletes it on a day out of office": (deleted_while_away, EXCUSED, EXCUSED, LEFT),
    "does nothing": (nothing, LEFT, LEFT, LEFT),
}


@pytest.mark.parametrize("row", TABLE)
def test_the_table(row: str) -> None:
    does, *verdicts = TABLE[row]
    for protection, verdict in zip((STRICT, MOVABLE, SOFT), verdicts, strict=True):
        calendar = Calendar()
        does(calendar)
        judged = calendar.judged(protection)
        assert (judged[THURSDAY].verdict if THURSDAY in judged else LEFT) is verdict, protection
        assert judged.keys() <= {THURSDAY}


def test_an_allowance_is_used_by_what_stays_as_its_owner_has_it_the_earliest_first() -> None:
    calendar = Calendar(allowed=2)
    calendar.deletes(THURSDAY)
    calendar.moves(NEXT, HOUR)
    calendar.moves(THIRD, HOUR)
    judged = calendar.judged(MOVABLE)
    assert [judged[day].verdict for day in (THURSDAY, NEXT, THIRD)] == [LET_GO, KEPT, BACK]
    assert [judged[day].counts for day in (THURSDAY, NEXT, THIRD)] == [True, True, False]


def test_what_was_allowed_once_is_not_counted_again_and_stays_allowed() -> None:
    calendar = Calendar(allowed=1, touches=Touches().with_move(DateKey("lartimmen", NEXT)))
    calendar.moves(NEXT, HOUR)
    calendar.moves(THURSDAY, HOUR)
    judged = calendar.judged(MOVABLE)
    assert (judged[NEXT].verdict, judged[NEXT].counts) == (KEPT, False)
    assert judged[THURSDAY].verdict is BACK


def test_a_kept_move_may_become_a_deletion_of_the_same_date() -> None:
    calendar = Calendar(allowed=1, touches=Touches().with_move(DateKey("lartimmen", THURSDAY)))
    calendar.deletes(THURSDAY)
    assert calendar.judged(MOVABLE)[THURSDAY] == Judged(DateKey("lartimmen", THURSDAY), Touch.DELETED, LET_GO)


def test_what_its_owner_has_put_right_gives_its_allowance_back_until_it_is_over() -> None:
    over = date(2027, 1, 7)
    calendar = Calendar(allowed=1, touches=Touches().with_move(DateKey("lartimmen", NEXT)))
    calendar.moves(THURSDAY, HOUR)
    assert calendar.judged(MOVABLE)[THURSDAY].verdict is KEPT
    calendar.touches = Touches().with_move(DateKey("lartimmen", over))
    assert calendar.judged(MOVABLE)[THURSDAY].verdict is BACK


def test_allowances_are_given_by_the_quarter_of_the_date() -> None:
    calendar = Calendar(allowed=1)
    of_spring = date(2027, 4, 1)
    calendar.deletes(THURSDAY, NEXT, of_spring)
    judged = calendar.judged(MOVABLE)
    assert {day: one.verdict for day, one in judged.items()} == {THURSDAY: LET_GO, NEXT: BACK, of_spring: LET_GO}
    assert [Quarter.of(day).number for day in (THURSDAY, of_spring)] == [1, 2]


def test_an_agreed_skip_stays_whatever_the_settings_say_by_then() -> None:
    calendar = Calendar(touches=Touches().with_skip(DateKey("lartimmen", THURSDAY)))
    calendar.deletes(THURSDAY)
    assert calendar.judged(STRICT)[THURSDAY].verdict is LET_GO


def test_a_deleted_date_is_held_by_the_single_event_in_its_place() -> None:
    calendar = Calendar(allowed=0)
    calendar.put(THURSDAY)
    calendar.deletes(THURSDAY)
    calendar.was_answered(THURSDAY)
    assert not calendar.judged(STRICT)
    assert not orphans(calendar.wanted(STRICT), calendar.actual(), NOW)
    freed = calendar.put(THURSDAY, ShowAs.FREE)
    assert calendar.judged(STRICT)[THURSDAY].occurrence == freed.occurrence


def test_a_single_event_goes_with_what_it_stands_for_and_stays_once_it_is_over() -> None:
    calendar = Calendar()
    single = calendar.put(THURSDAY)
    calendar.put(date(2027, 1, 7))
    closed = calendar.wanted(STRICT, DaysOff(closed=((THURSDAY, THURSDAY),)))
    actual = calendar.actual()
    assert orphans(closed, actual, NOW) == orphans(Desired(), actual, NOW) == (single,)
    assert orphans(calendar.wanted(STRICT), replace(actual, series=()), NOW) == (single,)


def test_a_skipped_date_that_came_back_with_a_new_series_is_taken_out_again() -> None:
    calendar = Calendar(touches=Touches().with_skip(DateKey("lartimmen", NEXT)))
    (one,) = held(calendar.wanted(MOVABLE), calendar.actual(), NOW)
    assert returned(one, calendar.touches, now=NOW) == (calendar.dates[NEXT],)


def test_a_date_that_stands_on_another_day_under_another_name_is_not_taken_for_deleted() -> None:
    calendar = Calendar(allowed=0)
    calendar.deletes(THURSDAY, THIRD)
    starts = recurrence.starts(SLOT, THURSDAY) + timedelta(days=1)
    calendar.dates[THURSDAY + timedelta(days=1)] = Occurrence("moved", starts, starts + HOUR, starts, is_exception=True)
    assert calendar.judged(STRICT).keys() == {THIRD}


def test_days_off_are_no_gaps() -> None:
    calendar = Calendar(allowed=0)
    calendar.deletes(THURSDAY, NEXT)
    assert calendar.judged(STRICT, off=DaysOff(closed=((THURSDAY, THURSDAY),))).keys() == {NEXT}


@pytest.mark.parametrize(("minutes", "judges"), [(16, True), (15, False), (0, False), (-30, False)], ids=str)
def test_nothing_is_touched_that_has_begun_or_is_about_to(minutes: int, judges: bool) -> None:  # noqa: FBT001
    for does in (half_as_long, deleted, free):
        calendar = Calendar(now=recurrence.starts(SLOT, THURSDAY) - timedelta(minutes=minutes))
        does(calendar)
        assert bool(calendar.judged(STRICT)) is judges
    moved = Calendar(now=recurrence.starts(SLOT, THURSDAY) - HOUR - timedelta(minutes=minutes))
    moved.moves(THURSDAY, -HOUR)
    assert bool(moved.judged(STRICT)) is judges


def test_only_what_is_looked_at_is_judged() -> None:
    calendar = Calendar()
    calendar.deletes(date(2027, 4, 8), date(2027, 4, 15))
    assert calendar.judged(STRICT).keys() == {date(2027, 4, 8)}


def test_reports_count_and_name_nobody() -> None:
    calendar = Calendar(allowed=0)
    calendar.deletes(THURSDAY, NEXT)
    calendar.frees(THIRD)
    assert counted(calendar.judged(MOVABLE).values()) == {(Touch.DELETED, BACK): 2, (Touch.FREED, BACK): 1}


def test_a_series_deleted_twice_in_a_quarter_is_left_until_somebody_asks_again() -> None:
    slot, another = SlotKey("lartimmen", "aa"), SlotKey("lartimmen", "bb")
    touches = Touches()
    assert touches.may_remake(slot, THURSDAY)
    touches = touches.with_remade(slot, THURSDAY)
    assert not touches.may_remake(slot, THURSDAY + timedelta(weeks=12))
    assert touches.may_remake(another, THURSDAY)
    assert touches.may_remake(slot, THURSDAY + timedelta(weeks=13))
    left = touches.with_left(frozenset({slot})).since(THURSDAY + timedelta(weeks=50))
    assert not left.may_remake(slot, THURSDAY + timedelta(weeks=60))
    assert left.asked_again(slot).may_remake(slot, THURSDAY)


def test_what_is_remembered_is_forgotten_in_time() -> None:
    old, new = DateKey("lartimmen", THURSDAY), DateKey("lartimmen", NEXT)
    touches = Touches()
    for key in (old, new):
        touches = touches.with_put_back(key).with_answer(key).with_move(key)
    touches = touches.with_skip(new).with_remade(SlotKey("lartimmen", "aa"), THURSDAY)
    kept = touches.since(NEXT)
    assert kept == Touches().with_put_back(new).with_answer(new).with_skip(new)
    assert not kept.since(NEXT + timedelta(days=1))


def test_the_days_of_a_block_share_its_allowance() -> None:
    """Two series of one block, with one move between them: the earlier one has it, whichever is asked about."""
    calendar = Calendar(allowed=1)
    [first] = held(calendar.wanted(MOVABLE), calendar.actual(), NOW)
    later = Calendar(allowed=1)
    calendar.moves(THURSDAY, -HOUR)
    later.moves(NEXT, -HOUR)
    one, other = (next(iter(held(each.wanted(MOVABLE), each.actual(), NOW))) for each in (calendar, later))
    assert [one.verdict for one in judge(one, Touches(), (), now=NOW, beside=[other])] == [Verdict.KEPT]
    assert [one.verdict for one in judge(other, Touches(), (), now=NOW, beside=[one])] == [BACK]
    assert first.series.tag == one.series.tag


def test_a_date_that_is_over_where_it_was_moved_to_uses_an_allowance_and_is_not_gone() -> None:
    calendar = Calendar(allowed=1, now=recurrence.starts(SLOT, THURSDAY) - 3 * HOUR)
    calendar.moves(THURSDAY, -timedelta(days=1))
    calendar.touches = calendar.touches.with_move(DateKey("lartimmen", THURSDAY))
    calendar.moves(NEXT, -HOUR)
    judged = calendar.judged(MOVABLE)
    assert THURSDAY not in judged
    assert judged[NEXT].verdict is BACK


def test_a_date_that_is_back_in_its_place_gives_its_allowance_back() -> None:
    calendar = Calendar(allowed=1)
    calendar.touches = calendar.touches.with_move(DateKey("lartimmen", THURSDAY))
    calendar.moves(NEXT, -HOUR)
    assert calendar.judged(MOVABLE)[NEXT].verdict is Verdict.KEPT
    [found] = held(calendar.wanted(MOVABLE), calendar.actual(), NOW)
    assert back_in_place(found, calendar.touches, now=NOW) == {DateKey("lartimmen", THURSDAY)}


acts = st.lists(
    st.tuples(
        st.sampled_from(["moves", "deletes", "frees", "is_away"]),
        st.integers(0, 11),
        st.integers(-5, 5).filter(bool),
    ),
    max_size=12,
    unique_by=lambda act: act[1],
)


def touched(done: list[tuple[str, int, int]], allowed: int) -> Calendar:
    calendar = Calendar(allowed=allowed)
    for act, week, by in done:
        day = THURSDAY + timedelta(weeks=week)
        if act == "moves":
            calendar.moves(day, by * HOUR)
        else:
            getattr(calendar, act)(day)
    return calendar


@given(acts, st.integers(0, 4), st.sampled_from([STRICT, MOVABLE]))
def test_no_more_is_let_go_than_is_allowed_and_only_what_was_touched_is_judged(
    done: list[tuple[str, int, int]], allowed: int, protection: Protection
) -> None:
    calendar = touched(done, allowed)
    judged = calendar.judged(protection)
    assert judged.keys() <= {THURSDAY + timedelta(weeks=week) for act, week, _ in done if act != "is_away"}
    given_up = [one for one in judged.values() if one.counts]
    by_quarter = [Quarter.of(one.key.day) for one in given_up]
    assert all(by_quarter.count(quarter) <= allowed for quarter in by_quarter)
    assert all(one.counts for one in judged.values() if one.verdict in {LET_GO, KEPT})
    if protection is STRICT:
        assert not given_up


@given(acts, st.integers(0, 4))
def test_once_all_is_done_and_remembered_the_same_is_said_again_and_nothing_more_is_done(
    done: list[tuple[str, int, int]], allowed: int
) -> None:
    calendar = touched(done, allowed)
    first = calendar.judged(MOVABLE)
    for day, one in first.items():
        starts, ends = recurrence.starts(SLOT, day), recurrence.ends(SLOT, day)
        if one.verdict is BACK and one.touch is Touch.DELETED:
            calendar.put(day)
            calendar.touches = calendar.touches.with_answer(one.key)
        elif one.verdict is BACK:
            calendar.dates[day] = Occurrence(f"on {day}", starts, ends, starts)
            calendar.touches = calendar.touches.with_put_back(one.key)
        elif one.counts:
            remember = calendar.touches.with_move if one.verdict is KEPT else calendar.touches.with_skip
            calendar.touches = remember(one.key)
    again = calendar.judged(MOVABLE)
    assert {day: one.verdict for day, one in again.items()} == {
        day: one.verdict for day, one in first.items() if one.verdict is not BACK
    }
    assert not any(one.counts for one in again.values())
