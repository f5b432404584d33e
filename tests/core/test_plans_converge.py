"""What holds of every plan, whatever the settings ask for and whatever a mailbox holds."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.desired import Desired, desired
from holdfast.core.diff import InstancesNeeded, Memory, diff
from holdfast.core.model import ActualCalendar
from holdfast.core.plan import Change, Create, End, Plan, Planned
from holdfast.core.settings import Settings
from tests.core.strategies import local_date, shuffled, situations
from tests.core.world import MAILBOX, World, needed, originals, unread

Situation = tuple[Settings, frozenset[str], ActualCalendar, datetime]
SOON = timedelta(minutes=15)
RUNWAY = timedelta(weeks=13)


NOTHING = Memory()


def plan(situation: Situation, memory: Memory = NOTHING) -> tuple[Change, ...]:
    settings, audiences, calendar, now = situation
    return diff(desired(settings, audiences, now), calendar, now=now, memory=memory)


def carried_out(situation: Situation) -> Situation:
    settings, audiences, calendar, now = situation
    world = World(calendar)
    world.carry_out(plan(situation), now)
    return settings, audiences, world.calendar, now


def covered(calendar: ActualCalendar, block: str, on: date) -> int:
    """How many series of ours claim a block's date."""
    return sum(s.tag.first <= on <= s.tag.last for s in originals(calendar) if s.tag.block == block)


@given(situations())
def test_applying_a_plan_leaves_an_empty_plan(situation: Situation) -> None:
    assert plan(carried_out(situation)) == ()


@given(situations())
def test_planning_twice_gives_the_same_plan(situation: Situation) -> None:
    assert plan(situation) == plan(situation)


@given(situations(), st.data())
def test_the_order_in_which_series_are_read_does_not_matter(situation: Situation, data: st.DataObject) -> None:
    settings, audiences, calendar, now = situation
    other = settings, audiences, data.draw(shuffled(calendar)), now
    assert plan(other) == plan(situation)


@given(st.lists(situations(), max_size=4), st.data())
def test_the_order_in_which_people_are_read_does_not_matter(people: list[Situation], data: st.DataObject) -> None:
    planned = [Planned(f"id-{n}", f"person-{n}@fjallvik.example", plan(one)) for n, one in enumerate(people)]
    one, other = Plan.of(planned), Plan.of(data.draw(st.permutations(planned)))
    assert one == other
    assert one.checksum == other.checksum


@given(situations())
def test_nothing_begun_or_about_to_begin_is_ended(situation: Situation) -> None:
    _, _, calendar, now = situation
    begun = {i.event_id for s in calendar.series for i in s.instances or () if i.starts <= now + SOON}
    for change in plan(situation):
        if isinstance(change, End):
            assert begun.isdisjoint(change.occurrences)
            if change.whole:
                assert begun.isdisjoint(i.event_id for i in change.actual.instances or ())


@given(situations())
def test_what_is_over_is_never_changed(situation: Situation) -> None:
    settings, _, calendar, now = situation
    over = {s.event_id for s in calendar.series if s.tag.last < local_date(now, settings.organization.zone)}
    assert over.isdisjoint(changed(plan(situation)))


@given(situations())
def test_copies_that_a_person_made_are_never_changed(situation: Situation) -> None:
    _, _, calendar, _ = situation
    copies = {s.event_id for s in calendar.series} - {s.event_id for s in originals(calendar)}
    assert copies.isdisjoint(changed(plan(situation)))
    assert copies.isdisjoint(changed(plan(carried_out(situation))))
    assert copies <= {s.event_id for s in carried_out(situation)[2].series}


@given(situations())
def test_only_what_is_there_is_changed_and_each_series_by_one_kind_of_change(situation: Situation) -> None:
    _, _, calendar, _ = situation
    changes = plan(situation)
    assert changed(changes) <= {s.event_id for s in calendar.series}
    ended = [change.actual.event_id for change in changes if isinstance(change, End)]
    assert len(ended) == len(set(ended))


@given(situations())
def test_ends_delete_only_occurrences_of_their_own_series(situation: Situation) -> None:
    for change in plan(situation):
        if isinstance(change, End):
            assert set(change.occurrences) <= {i.event_id for i in change.actual.instances or ()}


@given(situations(), st.integers(0, 9))
def test_a_new_generation_is_above_every_one_there_and_not_below_the_floor(situation: Situation, floor: int) -> None:
    memory = Memory(floors={"lartimmen": floor})
    _, _, calendar, _ = situation
    there = {(s.tag.block, s.tag.generation) for s in calendar.series}
    made = [(c.block, c.generation) for c in plan(situation, memory) if isinstance(c, Create)]
    assert len(made) == len(set(made))
    for block, generation in made:
        assert all(generation > known for other, known in there if other == block)
        assert generation >= (floor if block == "lartimmen" else 0)


@given(situations())
def test_what_is_created_stands_where_the_block_wants_it(situation: Situation) -> None:
    settings, audiences, _, now = situation
    for change in plan(situation):
        if isinstance(change, Create):
            block = next(block for block in settings.blocks if block.id == change.block)
            assert audiences & set(block.audiences)
            assert block.from_ <= change.series.first <= change.series.last <= (block.until or date.max)
            assert change.series.last - change.series.first <= timedelta(weeks=26) - timedelta(days=1)
            assert change.series.first.weekday() == change.series.last.weekday() == change.series.slot.rule.weekday
            first = World()
            first.carry_out([change], now)
            [series] = first.calendar.series
            assert series.instances is not None
            assert series.instances[0].starts > now + SOON


@given(situations())
def test_every_wanted_date_is_covered_once_and_no_other_is(situation: Situation) -> None:
    settings, audiences, calendar, now = carried_out(situation)
    wants = {want.series.block: want for want in desired(settings, audiences, now).wants}
    today = local_date(now, settings.organization.zone)
    for block in {s.tag.block for s in calendar.series} - wants.keys():
        assert all(s.tag.last <= today for s in originals(calendar) if s.tag.block == block)
    for block, want in wants.items():
        day = want.series.first
        while day <= min(want.until or date.max, max(today + RUNWAY, want.series.last)):
            claims = covered(calendar, block, day)
            assert claims == 1 or (claims == 0 and day > today + RUNWAY), day
            day += timedelta(weeks=1)
        while day <= today + timedelta(days=900):
            assert covered(calendar, block, day) <= (1 if want.until is None or day <= want.until else 0), day
            day += timedelta(weeks=1)
        for series in originals(calendar):
            if series.tag.block == block and series.tag.last > today:
                assert series.tag.fingerprint == want.series.fingerprint


@given(situations())
def test_just_the_series_that_are_ended_have_to_be_read_whole(situation: Situation) -> None:
    settings, audiences, calendar, now = situation
    ended = {change.actual.event_id for change in plan(situation) if isinstance(change, End)}
    bare = settings, audiences, unread(calendar), now
    if ended:
        with pytest.raises(InstancesNeeded) as caught:
            plan(bare)
        assert ended <= needed(caught.value)
        extra = needed(caught.value) - ended
        assert all(
            s.tag.last <= local_date(now, settings.organization.zone) for s in calendar.series if s.event_id in extra
        )


@given(situations())
def test_wanting_nothing_leaves_nothing_to_come(situation: Situation) -> None:
    _, _, calendar, now = situation
    nothing = Desired()
    world = World(calendar)
    world.carry_out(diff(nothing, calendar, now=now, memory=NOTHING), now)
    theirs = {s.event_id for s in originals(world.calendar)}
    for series in world.calendar.series:
        if series.event_id in theirs and series.tag.last >= now.date():
            assert all(i.starts <= now + SOON for i in series.instances or ())
    assert diff(nothing, world.calendar, now=now, memory=NOTHING) == ()


@given(situations())
def test_every_change_has_writes_and_no_plan_sends_mail(situation: Situation) -> None:
    changes = plan(situation)
    whole = Plan.of([Planned(MAILBOX, "ann@fjallvik.example", changes)])
    assert all(change.writes >= 1 for change in changes)
    assert whole.writes == sum(change.writes for change in changes)
    assert whole.mails == 0
    assert Counter(row["change"] for row in whole.rows()).total() == len(changes)


def changed(changes: tuple[Change, ...]) -> set[str]:
    return {change.actual.event_id for change in changes if not isinstance(change, Create)}
