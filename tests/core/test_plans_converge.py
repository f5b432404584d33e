"""What holds of every plan, whatever the settings ask for and whatever a mailbox holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.desired import Desired
from holdfast.core.diff import Memory, diff
from holdfast.core.hours import works_on
from holdfast.core.model import ActualCalendar, Occurrence, Slot
from holdfast.core.plan import Change, Create, End, Move, Plan, Planned, Rewrite, Skip
from tests.core.strategies import Situation, local_date, shuffled, situations
from tests.core.world import MAILBOX, World, at_wall, dates, holds_every_date_once, originals

SOON = timedelta(minutes=15)
RUNWAY = timedelta(weeks=13)
few = settings(max_examples=max(15, settings.default.max_examples // 3))
"""Enough for what hardly depends on the situation."""


@given(situations())
def test_applying_a_plan_leaves_an_empty_plan(situation: Situation) -> None:
    assert situation.carried_out().plan == ()


@few
@given(situations())
def test_planning_twice_gives_the_same_plan(situation: Situation) -> None:
    assert situation.plan == situation.plan


@given(situations(), st.data())
def test_the_order_in_which_series_are_read_does_not_matter(situation: Situation, data: st.DataObject) -> None:
    other = replace(situation, calendar=data.draw(shuffled(situation.calendar)))
    assert other.plan == situation.plan


@few
@given(st.lists(situations(), max_size=3), st.data())
def test_the_order_in_which_people_are_read_does_not_matter(people: list[Situation], data: st.DataObject) -> None:
    planned = [Planned(f"id-{n}", f"person-{n}@fjallvik.example", one.plan) for n, one in enumerate(people)]
    one, other = Plan.of(planned), Plan.of(data.draw(st.permutations(planned)))
    assert one == other
    assert one.checksum == other.checksum


@given(situations())
def test_nothing_begun_or_about_to_begin_is_touched(situation: Situation) -> None:
    soon = situation.now + SOON
    begun = {i.event_id for s in situation.calendar.series for i in s.instances or () if i.starts <= soon}
    for change in situation.plan:
        match change:
            case End():
                assert begun.isdisjoint(change.occurrences)
                if change.whole:
                    assert begun.isdisjoint(i.event_id for i in change.actual.instances or ())
            case Skip() | Move():
                assert change.occurrence.event_id not in begun
        for slot, to in moved(change):
            assert at_wall(slot, to)[0] >= soon
    there = occurrences(situation.carried_out().calendar)
    assert begun <= there.keys()
    before = occurrences(situation.calendar)
    assert all((there[one].starts, there[one].ends) == (before[one].starts, before[one].ends) for one in begun)


@few
@given(situations())
def test_what_is_over_is_never_changed(situation: Situation) -> None:
    over = {s.event_id for s in situation.calendar.series if s.tag.last < situation.today()}
    assert over.isdisjoint(changed(situation.plan))


@few
@given(situations())
def test_copies_that_a_person_made_are_never_changed(situation: Situation) -> None:
    copies = {s.event_id for s in situation.calendar.series} - {s.event_id for s in originals(situation.calendar)}
    assert copies.isdisjoint(changed(situation.plan))
    after = situation.carried_out()
    assert copies.isdisjoint(changed(after.plan))
    assert copies <= {s.event_id for s in after.calendar.series}


@few
@given(situations())
def test_only_what_is_there_is_changed_and_each_series_by_one_kind_of_change(situation: Situation) -> None:
    changes = situation.plan
    assert changed(changes) <= {s.event_id for s in situation.calendar.series}
    for kind in (End, Rewrite):
        once = [change.actual.event_id for change in changes if isinstance(change, kind)]
        assert len(once) == len(set(once))
    landed = [change.occurrence.event_id for change in changes if isinstance(change, (Skip, Move))]
    assert len(landed) == len(set(landed))
    deleted_too = {one for change in changes if isinstance(change, End) for one in change.occurrences}
    assert deleted_too.isdisjoint(landed)
    for change in changes:
        if isinstance(change, End):
            assert set(change.occurrences) <= {i.event_id for i in change.actual.instances or ()}


@few
@given(situations(), st.integers(0, 9))
def test_a_new_generation_is_above_every_one_there_and_not_below_the_floor(situation: Situation, floor: int) -> None:
    situation = replace(situation, memory=replace(situation.memory, floors={"lartimmen": floor}))
    there = {(s.tag.block, s.tag.generation) for s in situation.calendar.series}
    made = [(c.block, c.generation) for c in situation.plan if isinstance(c, Create)]
    assert len(made) == len(set(made))
    for block, generation in made:
        assert all(generation > known for other, known in there if other == block)
        assert generation >= (floor if block == "lartimmen" else 0)


@given(situations())
def test_what_is_created_stands_where_the_block_wants_it(situation: Situation) -> None:
    for change in situation.plan:
        if isinstance(change, Create):
            block = next(block for block in situation.settings.blocks if block.id == change.block)
            series = change.series
            assert situation.audiences & set(block.audiences)
            assert block.from_ <= series.first <= series.last <= (block.until or date.max)
            assert series.last - series.first <= timedelta(weeks=26) - timedelta(days=1)
            assert series.slot.rule in block.rules()
            assert {series.first, series.last} <= set(dates(series.slot.rule, series.first, series.last))
            assert at_wall(series.slot, series.first)[0] > situation.now + SOON
            days = [landing.day for landing in change.landings]
            assert len(days) == len(set(days))
            assert set(days) <= set(dates(series.slot.rule, series.first, series.last))
            assert all(block.from_ <= to <= (block.until or date.max) for _, to in moved(change))


@given(situations())
def test_every_wanted_date_is_covered_once_and_no_other_is(situation: Situation) -> None:
    after = situation.carried_out()
    wants = after.wanted.wants
    for block in {s.tag.block for s in after.calendar.series} - {want.series.block for want in wants}:
        assert all(s.tag.last <= after.today() for s in originals(after.calendar) if s.tag.block == block)
    for want in wants:
        holds_every_date_once(after.calendar, want, after.today(want.series.slot.zone))
        for series in originals(after.calendar):
            if series.tag.block == want.series.block and series.tag.last > after.today():
                assert series.tag.fingerprint in {other.series.fingerprint for other in wants}


@given(situations())
def test_days_off_are_free_and_what_they_move_stays_in_its_week(situation: Situation) -> None:
    """Of what a plan has made: where the person has not moved it."""
    made = {change.tag: change for change in situation.plan if isinstance(change, Create)}
    after = situation.carried_out()
    wants = {want.key: want for want in after.wanted.wants}
    for series in after.calendar.series:
        if series.tag in made:
            want = wants[made[series.tag].block, series.tag.fingerprint.slot]
            zone, horizon = want.series.slot.zone, after.today(want.series.slot.zone) + RUNWAY
            stood = {local_date(i.original_starts, zone): local_date(i.starts, zone) for i in series.instances or ()}
            for day in dates(want.series.slot.rule, series.tag.first, min(series.tag.last, horizon)):
                if want.is_off(day):
                    on = stood.get(day)
                    assert on is None or (want.moves and not want.is_off(on))
                    assert on is None or want.hours is None or works_on(want.series.slot, on, want.hours)
                    assert on is None or on.isocalendar()[:2] == day.isocalendar()[:2]
                else:
                    assert stood[day] == day


@given(situations())
def test_no_two_blocks_that_we_place_share_time(situation: Situation) -> None:
    """Within the weeks that are looked at singly, also where both have to give way to the same days off."""
    after = replace(situation, calendar=ActualCalendar(MAILBOX)).carried_out()
    limit = situation.now + RUNWAY
    placed = sorted((i.starts, i.ends) for i in occurrences(after.calendar).values() if i.starts < limit)
    for (_, ends), (starts, _) in pairwise(placed):
        assert ends <= starts


@given(situations())
def test_reading_just_what_is_asked_for_gives_the_same_plan(situation: Situation) -> None:
    plan, (changes, whole, ahead) = situation.plan, situation.as_read()
    assert rows(changes) == rows(plan)
    assert [deleted(change) for change in changes] == [deleted(change) for change in plan]
    ended = {change.actual.event_id for change in plan if isinstance(change, End)}
    assert ended <= whole
    at_their_end = {s.event_id for s in situation.calendar.series if s.tag.last <= situation.today()}
    assert whole - ended <= at_their_end
    landed = {change.actual.event_id for change in plan if isinstance(change, (Skip, Move))}
    assert landed <= ahead
    wants = {want.key: want for want in situation.wanted.wants}
    for series in situation.calendar.series:
        if series.event_id in ahead:
            want = wants[series.tag.block, series.tag.fingerprint.slot]
            today = situation.today(want.series.slot.zone)
            first, last = max(series.tag.first, today), min(series.tag.last, today + RUNWAY)
            assert any(want.is_off(day) for day in dates(want.series.slot.rule, first, last))


@given(situations())
def test_wanting_nothing_leaves_nothing_to_come(situation: Situation) -> None:
    nothing, now = Desired(), situation.now
    world = World(situation.calendar)
    world.carry_out(diff(nothing, situation.calendar, now=now, memory=situation.memory), now)
    theirs = {s.event_id for s in originals(world.calendar)}
    for series in world.calendar.series:
        if series.event_id in theirs and series.tag.last >= now.date():
            assert all(i.starts <= now + SOON for i in series.instances or ())
    assert diff(nothing, world.calendar, now=now, memory=situation.memory) == ()


@given(situations())
def test_a_plan_counts_the_writes_that_the_mailbox_sees_and_no_mail(situation: Situation) -> None:
    changes = situation.plan
    whole = Plan.of([Planned(MAILBOX, "ann@fjallvik.example", changes)])
    assert all(change.writes >= 1 for change in changes)
    world = World(situation.calendar)
    world.carry_out(changes, situation.now)
    assert whole.writes == world.writes
    assert whole.mails == 0
    assert Counter(row["change"] for row in whole.rows()).total() == len(changes)


@given(situations())
def test_ending_a_series_by_its_range_leaves_what_ending_it_date_by_date_leaves(situation: Situation) -> None:
    one_by_one, by_range = (
        replace(situation, memory=Memory(range_end_keeps=keeps)).carried_out().calendar for keeps in (False, True)
    )
    assert occurrences(one_by_one) == occurrences(by_range)
    assert [s.tag for s in one_by_one.series] == [s.tag for s in by_range.series]


def occurrences(calendar: ActualCalendar) -> dict[str, Occurrence]:
    return {one.event_id: one for series in calendar.series for one in series.instances or ()}


def changed(changes: Sequence[Change]) -> set[str]:
    return {change.actual.event_id for change in changes if not isinstance(change, Create)}


def moved(change: Change) -> list[tuple[Slot, date]]:
    """The days that dates are moved to, each with the slot whose hours they keep."""
    match change:
        case Create():
            return [(change.series.slot, landing.to) for landing in change.landings if landing.to]
        case Move(landing=landing) if landing.to:
            return [(change.slot, landing.to)]
    return []


def deleted(change: Change) -> object:
    return (change.occurrences, change.range_end) if isinstance(change, End) else None


def rows(changes: Sequence[Change]) -> list[dict[str, object]]:
    return Plan.of([Planned(MAILBOX, "ann@fjallvik.example", tuple(changes))]).rows()
