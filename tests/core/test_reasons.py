"""Every reason for a change by an example: what the settings ask for, what the mailbox holds, what is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from holdfast.core.desired import Desired, desired
from holdfast.core.diff import InstancesNeeded, Memory, diff, erased
from holdfast.core.model import ActualCalendar, ActualSeries, DesiredSeries, Fingerprint, SlotKey, Tag
from holdfast.core.plan import Change, Create, End, Reason, Rewrite
from holdfast.core.settings import Block, Day
from tests.core.test_desired import MONDAY, block, settings
from tests.core.world import MAILBOX, World, a_series, needed

FIRST, LAST = date(2026, 12, 10), date(2027, 6, 3)
EVERYBODY = {"alla"}
THURSDAY_MORNING = datetime(2026, 12, 10, 7, 50, tzinfo=UTC)
"""Ten minutes before the first of them."""
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


def want(*blocks: Block, now: datetime = MONDAY) -> Desired:
    return desired(settings(*blocks), EVERYBODY, now)


def wanted(now: datetime = MONDAY, **values: Any) -> DesiredSeries:
    [found] = want(block(**values), now=now).wants
    return found.series


def standing(first: date = FIRST, last: date = LAST, **values: Any) -> ActualSeries:
    """The block's series as it was made before."""
    given: dict[str, Any] = {"fingerprint": wanted().fingerprint, **values}
    return a_series(wanted().slot, first, last, **given)


HAD = Memory(placed=frozenset({SlotKey("lartimmen", wanted().fingerprint.slot)}))


def changes(
    desired: Desired, *series: ActualSeries, now: datetime = MONDAY, memory: Memory = HAD, **values: Any
) -> tuple[Change, ...]:
    return diff(desired, ActualCalendar(MAILBOX, series), now=now, memory=memory, **values)


def told(found: Iterable[Change]) -> list[tuple[str, Reason]]:
    return [(type(change).__name__, change.reason) for change in found]


def test_nothing_to_do() -> None:
    assert changes(want(block()), standing()) == ()


def test_new() -> None:
    assert changes(want(block()), memory=Memory()) == (Create("lartimmen", 0, wanted(), Reason.NEW),)


def test_remade() -> None:
    """The person has deleted the series: it is known to have been there."""
    assert changes(want(block()), memory=HAD) == (Create("lartimmen", 0, wanted(), Reason.REMADE),)


def test_remade_before_one_that_is_still_there() -> None:
    """Of a series and its continuation the person has deleted the first."""
    later = standing(date(2027, 1, 7), date(2027, 7, 1), generation=1)
    [create] = changes(want(block()), later, memory=Memory())
    assert create == Create("lartimmen", 2, replace(wanted(), last=date(2026, 12, 31)), Reason.REMADE)


def test_continued() -> None:
    """With less than 13 weeks ahead there is a next one, from the date after the last."""
    [create] = changes(want(block()), standing(last=date(2027, 3, 4)))
    assert isinstance(create, Create)
    assert (create.reason, create.generation) == (Reason.CONTINUED, 1)
    assert (create.series.first, create.series.last) == (date(2027, 3, 11), date(2027, 9, 2))


@pytest.mark.parametrize(("now", "continued"), [(MONDAY, True), (MONDAY - 4 * DAY, False), (MONDAY - 3 * DAY, True)])
def test_thirteen_weeks_ahead_are_enough(now: datetime, *, continued: bool) -> None:
    series = standing(first=date(2026, 9, 3), last=date(2027, 3, 4))
    assert bool(changes(want(block(from_=date(2026, 9, 1)), now=now), series, now=now)) is continued


def test_no_continuation_beyond_until() -> None:
    until = date(2027, 3, 4)
    assert changes(want(block(until=until)), standing(last=until)) == ()
    [create] = changes(want(block(until=until + WEEK)), standing(last=until))
    assert isinstance(create, Create)
    assert (create.series.first, create.series.last) == (until + WEEK, until + WEEK)


def test_rescheduled() -> None:
    """Another time is a next generation, made before the old one goes; that goes whole: nothing of it has been."""
    old = standing()
    create, end = changes(want(block(day=Day.FRIDAY)), old)
    assert create == Create("lartimmen", 1, wanted(day=Day.FRIDAY), Reason.RESCHEDULED)
    assert isinstance(end, End)
    assert (end.reason, end.actual, end.whole) == (Reason.RESCHEDULED, old, True)


def test_rescheduled_in_the_middle_of_its_life() -> None:
    """What has been stays; each date to come is deleted; the tag then says that it was over yesterday."""
    old = standing(first=date(2026, 9, 3), last=date(2026, 12, 24))
    create, end = changes(want(block(day=Day.FRIDAY)), old)
    assert isinstance(create, Create)
    assert isinstance(end, End)
    assert not end.whole
    assert end.occurrences == ("lartimmen-0.2026-12-10", "lartimmen-0.2026-12-17", "lartimmen-0.2026-12-24")
    assert end.since == date(2026, 12, 7)
    assert end.tag == replace(old.tag, last=date(2026, 12, 6))


def test_rescheduled_to_begin_later() -> None:
    """``from`` was put off: nothing stands before it."""
    begins = date(2027, 2, 1)
    create, end = changes(want(block(from_=begins)), standing())
    assert isinstance(create, Create)
    assert isinstance(end, End)
    assert (create.reason, create.series.first) == (Reason.RESCHEDULED, date(2027, 2, 4))
    assert (end.reason, end.whole) == (Reason.RESCHEDULED, True)


def test_from_put_earlier_fills_what_is_before() -> None:
    [create] = changes(want(block()), standing(date(2027, 1, 7), date(2027, 7, 1)))
    assert isinstance(create, Create)
    assert (create.series.first, create.series.last) == (FIRST, date(2026, 12, 31))


def test_from_that_has_come_changes_nothing() -> None:
    assert changes(want(block(from_=MONDAY.date())), standing(first=date(2026, 12, 3))) == ()


def test_edited() -> None:
    old = standing()
    [rewrite] = changes(want(block(title="Lärstunden")), old)
    assert rewrite == Rewrite("lartimmen", old, wanted(title="Lärstunden"), Reason.EDITED)
    assert rewrite.tag == replace(old.tag, fingerprint=wanted(title="Lärstunden").fingerprint)


def test_shortened() -> None:
    """Dates up to ``until`` stay, and the tag ends there."""
    old = standing(first=date(2026, 11, 26), last=date(2027, 1, 14))
    until = date(2026, 12, 31)
    [end] = changes(want(block(until=until)), old)
    assert isinstance(end, End)
    assert (end.reason, end.since, end.whole) == (Reason.SHORTENED, until + DAY, False)
    assert end.occurrences == ("lartimmen-0.2027-01-07", "lartimmen-0.2027-01-14")
    assert end.tag == replace(old.tag, last=until)


def test_shortened_and_edited_asks_for_the_instances_of_the_series_as_it_stands() -> None:
    """With its new name on it, it would pass for one that has its new words already."""
    unread = replace(standing(), instances=None)
    with pytest.raises(InstancesNeeded) as needed:
        changes(want(block(until=date(2026, 12, 31), title="Lärstunden")), unread)
    assert needed.value.whole == (unread,)


def test_shortened_and_edited_leaves_the_new_words_in_the_tag() -> None:
    until = date(2026, 12, 31)
    rewrite, end = changes(want(block(until=until, title="Lärstunden")), standing())
    assert told([rewrite, end]) == [("Rewrite", Reason.EDITED), ("End", Reason.SHORTENED)]
    assert isinstance(end, End)
    assert end.tag.fingerprint == wanted(title="Lärstunden").fingerprint


def test_shortened_keeps_a_date_that_was_moved_past_the_end() -> None:
    """It is the date that the rule gave that counts: the person put December's last time off to January."""
    world = World(ActualCalendar(MAILBOX, (standing(last=date(2027, 1, 7)),)))
    world.move("lartimmen-0", "lartimmen-0.2026-12-31", timedelta(days=4))
    [end] = changes(want(block(until=date(2026, 12, 31))), world.series("lartimmen-0"))
    assert isinstance(end, End)
    assert end.occurrences == ("lartimmen-0.2027-01-07",)


def test_shortened_to_what_has_been() -> None:
    old = standing(first=date(2026, 11, 26))
    [end] = changes(want(block(until=date(2026, 12, 3))), old)
    assert isinstance(end, End)
    assert (end.reason, end.tag.last, end.occurrences[0]) == (
        Reason.SHORTENED,
        date(2026, 12, 6),
        "lartimmen-0.2026-12-10",
    )


def test_shortened_takes_a_continuation_away_and_fills_no_gap_beyond_until() -> None:
    """Regression: the gap before a later series was filled up to that series, past ``until``."""
    later = standing(date(2027, 2, 4), date(2027, 7, 1), generation=1)
    create, end = changes(want(block(until=date(2026, 12, 31))), later)
    assert isinstance(create, Create)
    assert (create.series.first, create.series.last) == (FIRST, date(2026, 12, 31))
    assert isinstance(end, End)
    assert (end.reason, end.whole) == (Reason.SHORTENED, True)


def test_a_gap_of_more_than_26_weeks_is_filled_by_series_of_26_weeks() -> None:
    """Regression: ``from`` put two years earlier made one series of two years."""
    later = standing(date(2028, 12, 7), date(2029, 5, 31))
    made = [change.series for change in changes(want(block()), later) if isinstance(change, Create)]
    assert [(s.first, s.last) for s in made] == [
        (FIRST, LAST),
        (date(2027, 6, 10), date(2027, 12, 2)),
        (date(2027, 12, 9), date(2028, 6, 1)),
        (date(2028, 6, 8), date(2028, 11, 30)),
    ]


@pytest.mark.parametrize("now", [THURSDAY_MORNING, THURSDAY_MORNING + DAY / 2])
@pytest.mark.parametrize(
    "wants", [want(block(until=FIRST), now=THURSDAY_MORNING), Desired(known=frozenset({"lartimmen"}))]
)
def test_a_series_on_its_last_day_ends_by_itself(wants: Desired, now: datetime) -> None:
    """Regression: on the day of its ``until`` a block was ended for everybody, and the guard refused it as an edit."""
    assert changes(wants, standing(first=date(2026, 9, 3), last=FIRST), now=now) == ()


def test_a_series_on_its_last_day_with_its_last_date_to_come_is_ended_for_who_leaves() -> None:
    now = datetime(2026, 12, 10, 7, 30, tzinfo=UTC)
    [end] = changes(Desired(), standing(first=date(2026, 9, 3), last=FIRST), now=now)
    assert isinstance(end, End)
    assert end.occurrences == ("lartimmen-0.2026-12-10",)


def test_double() -> None:
    """Two series cover the same dates, which a crash of another tool may leave: the earlier stays."""
    second = standing(generation=1, first=FIRST + WEEK, last=LAST)
    [end] = changes(want(block()), standing(), second)
    assert isinstance(end, End)
    assert (end.reason, end.actual, end.whole) == (Reason.DOUBLE, second, True)


def test_double_by_a_single_date() -> None:
    following = standing(LAST, LAST + 20 * WEEK, generation=1)
    [end] = changes(want(block()), standing(), following)
    assert isinstance(end, End)
    assert (end.reason, end.actual) == (Reason.DOUBLE, following)


def test_two_that_follow_each_other_are_not_double() -> None:
    following = standing(LAST + WEEK, LAST + 20 * WEEK, generation=1)
    assert changes(want(block()), standing(), following) == ()


def test_displaced() -> None:
    other = block("kodtimmen")
    create, end = changes(want(other, block()), standing())
    assert told([create, end]) == [("Create", Reason.NEW), ("End", Reason.DISPLACED)]
    assert (create.block, end.block) == ("kodtimmen", "lartimmen")


def test_left() -> None:
    [end] = changes(Desired(known=frozenset({"lartimmen"})), standing())
    assert (type(end), end.reason) == (End, Reason.LEFT)


def test_dropped() -> None:
    [end] = changes(Desired(known=frozenset({"kodtimmen"})), standing())
    assert (type(end), end.reason) == (End, Reason.DROPPED)


@pytest.mark.parametrize("known", [frozenset(), frozenset({"lartimmen"})])
def test_removed(known: frozenset[str]) -> None:
    [end] = changes(Desired(known=known), standing(), gone=Reason.REMOVED)
    assert (type(end), end.reason) == (End, Reason.REMOVED)


def test_erased() -> None:
    """With its past: what is over goes too, whole."""
    world = World(ActualCalendar(MAILBOX, (standing(date(2026, 1, 1), date(2026, 6, 25)), standing(generation=1))))
    ends = erased(world.calendar)
    assert told(ends) == [("End", Reason.ERASED)] * 2
    world.carry_out(ends, MONDAY)
    assert (world.calendar.series, world.writes) == ((), sum(end.writes for end in ends))


@pytest.mark.parametrize(("hour", "minute", "stays"), [(7, 44, False), (7, 45, True), (7, 59, True), (8, 30, True)])
def test_what_begins_within_15_minutes_stays(hour: int, minute: int, *, stays: bool) -> None:
    now = datetime(2026, 12, 10, hour, minute, tzinfo=UTC)
    [end] = changes(Desired(), standing(first=date(2026, 12, 3)), now=now)
    assert isinstance(end, End)
    assert ("lartimmen-0.2026-12-10" not in end.occurrences) is stays


def test_an_occurrence_moved_to_the_past_stays_and_one_moved_ahead_goes() -> None:
    world = World(ActualCalendar(MAILBOX, (standing(first=date(2026, 12, 3), last=date(2026, 12, 17)),)))
    world.move("lartimmen-0", "lartimmen-0.2026-12-03", timedelta(days=6))
    world.move("lartimmen-0", "lartimmen-0.2026-12-10", timedelta(days=-4))
    [end] = changes(Desired(), world.series("lartimmen-0"))
    assert isinstance(end, End)
    assert end.occurrences == ("lartimmen-0.2026-12-03", "lartimmen-0.2026-12-17")


def test_deleted_and_moved_occurrences_are_the_persons_own_business() -> None:
    world = World(ActualCalendar(MAILBOX, (standing(),)))
    world.forget("lartimmen-0", "lartimmen-0.2026-12-17")
    world.move("lartimmen-0", "lartimmen-0.2026-12-24", timedelta(hours=3))
    world.cut("lartimmen-0", date(2027, 3, 4))
    assert changes(want(block()), world.series("lartimmen-0")) == ()


def test_a_copy_that_a_person_made_stays() -> None:
    world = World(ActualCalendar(MAILBOX, (standing(),)))
    world.copy("lartimmen-0", MONDAY)
    assert changes(want(block()), *world.calendar.series) == ()
    [end] = changes(Desired(), *world.calendar.series)
    assert isinstance(end, End)
    assert end.actual.event_id == "lartimmen-0"


def test_a_copied_series_is_emptied_and_not_deleted_so_that_the_copy_stays_for_good() -> None:
    """Regression: without its original the copy was taken for it, and deleted at the next look."""
    world = World(ActualCalendar(MAILBOX, (standing(),)))
    copy = world.copy("lartimmen-0", MONDAY)
    moved = want(block(day=Day.FRIDAY))
    world.carry_out(changes(moved, *world.calendar.series), MONDAY)
    assert changes(moved, *world.calendar.series) == ()
    assert len(world.series(copy).instances or ()) == 26
    assert world.series("lartimmen-0").instances == ()


def test_a_generation_is_above_those_of_ended_series_and_of_copies() -> None:
    ended = standing(date(2026, 1, 1), date(2026, 6, 25), generation=4)
    [create] = changes(want(block()), ended)
    assert isinstance(create, Create)
    assert create.generation == 5


def test_a_generation_is_not_below_the_floor_that_a_removal_left() -> None:
    [create] = changes(want(block()), memory=Memory(floors={"lartimmen": 3, "kodtimmen": 9}))
    assert isinstance(create, Create)
    assert create.generation == 3


def test_instances_are_asked_for_only_where_a_series_is_to_end() -> None:
    here, there = (replace(s, instances=None) for s in (standing(), standing(block="kodtimmen")))
    with pytest.raises(InstancesNeeded) as caught:
        changes(want(block()), here, there)
    assert needed(caught.value) == {"kodtimmen-0"}
    assert changes(want(block()), here) == ()


class TestDaysAreTheZonesOwn:
    """Regression: the day was told in UTC."""

    FRIDAY_IN_LOS_ANGELES = datetime(2026, 12, 12, 0, 30, tzinfo=UTC)
    """16:30 on Friday 11 December there; in UTC it is Saturday."""

    def test_a_series_whose_last_date_is_this_evening_is_not_made_twice(self) -> None:
        evenings = block(day=Day.FRIDAY, at=time(18))
        wants = desired(settings(evenings, zone="America/Los_Angeles"), EVERYBODY, self.FRIDAY_IN_LOS_ANGELES)
        series = wants.wants[0].series
        assert series.first == date(2026, 12, 11)
        last = a_series(series.slot, date(2026, 9, 4), date(2026, 12, 11), fingerprint=series.fingerprint)
        following = a_series(
            series.slot, date(2026, 12, 18), date(2027, 6, 11), fingerprint=series.fingerprint, generation=1
        )
        assert changes(wants, last, following, now=self.FRIDAY_IN_LOS_ANGELES) == ()

    def test_ending_is_from_today_there(self) -> None:
        wants = desired(settings(zone="America/Los_Angeles"), EVERYBODY, self.FRIDAY_IN_LOS_ANGELES)
        [end] = changes(wants, standing(), now=self.FRIDAY_IN_LOS_ANGELES)
        assert isinstance(end, End)
        assert end.since == date(2026, 12, 11)

    def test_what_was_over_yesterday_there_is_left_alone_just_after_midnight(self) -> None:
        midnight_in_stockholm = datetime(2026, 12, 10, 23, 30, tzinfo=UTC)
        wants = desired(settings(), EVERYBODY, midnight_in_stockholm)
        yesterday = standing(first=date(2026, 9, 3), last=date(2026, 12, 10))
        assert changes(wants, yesterday, now=midnight_in_stockholm) == ()
        assert changes(wants, replace(yesterday, instances=None), now=midnight_in_stockholm) == ()


def test_a_series_found_again_without_its_fingerprint_is_replaced() -> None:
    unknown = standing(fingerprint=Fingerprint("0", "0"))
    assert told(changes(want(block()), unknown)) == [("Create", Reason.RESCHEDULED), ("End", Reason.RESCHEDULED)]


def test_a_new_series_carries_a_tag_with_its_dates() -> None:
    [create] = changes(want(block()), memory=Memory())
    assert create.tag == Tag("lartimmen", 0, wanted().fingerprint, FIRST, LAST)
