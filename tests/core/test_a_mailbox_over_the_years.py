"""A mailbox over the years: time passes, settings are edited, people join, leave and meddle; plans keep up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holdfast.core.desired import Choices
from holdfast.core.diff import Memory
from holdfast.core.model import ActualSeries, Profile, Purpose, SlotKey
from holdfast.core.plan import Create, End, Move, Reason, Skip
from holdfast.core.settings import Settings
from holdfast.core.tag import transaction_id
from tests.core.strategies import (
    Situation,
    blocks,
    choices_for,
    holidays,
    local_date,
    memberships,
    profiles,
    settings_near,
    zones_or_none,
)
from tests.core.world import World, holds_every_date_once, looked_at, originals

SOON = timedelta(minutes=15)


class Years(RuleBasedStateMachine):
    """``settled`` says that nobody has touched anything since the last plan was carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.placed: frozenset[SlotKey] = frozenset()
        self.settled = False
        self.now = datetime(2026, 1, 7, 8, tzinfo=UTC)
        self.profile = Profile(Purpose.USER)
        self.choices: Choices = {}

    @initialize(settings=settings_near(date(2026, 1, 7)), audiences=memberships(), data=st.data(), keeps=st.booleans())
    def begin(self, settings: Settings, audiences: frozenset[str], data: st.DataObject, keeps: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        self.settings, self.audiences, self.range_end_keeps = settings, audiences, keeps
        self.choices = data.draw(choices_for(settings))

    # The admin

    @rule(data=st.data())
    def edit_a_block(self, data: st.DataObject) -> None:
        if self.settings.blocks:
            name = data.draw(st.sampled_from([block.id for block in self.settings.blocks]))
            edited = data.draw(blocks(name))
            self.put_blocks(*(edited if block.id == name else block for block in self.settings.blocks))
            self.choices = {**data.draw(choices_for(self.settings)), **self.choices}

    @rule(data=st.data())
    def rechoose(self, data: st.DataObject) -> None:
        self.choices = data.draw(choices_for(self.settings))
        self.settled = False

    @rule(data=st.data())
    def edit_the_days_off(self, data: st.DataObject) -> None:
        there = data.draw(holidays(self.now.date()))
        organization = self.settings.organization.model_copy(update={"holidays": there})
        self.settings = self.settings.model_copy(update={"organization": organization})
        self.settled = False

    @rule(data=st.data())
    def drop_a_block(self, data: st.DataObject) -> None:
        if self.settings.blocks:
            name = data.draw(st.sampled_from([block.id for block in self.settings.blocks]))
            self.put_blocks(*(block for block in self.settings.blocks if block.id != name))

    @rule(audiences=memberships())
    def join_and_leave_audiences(self, audiences: frozenset[str]) -> None:
        self.audiences = audiences
        self.settled = False

    def put_blocks(self, *edited: object) -> None:
        self.settings = self.settings.model_copy(update={"blocks": edited})
        self.settled = False

    # The person

    @rule(data=st.data())
    def work_otherwise(self, data: st.DataObject) -> None:
        self.profile = data.draw(profiles(self.now))
        self.settled = False

    @rule(zone=zones_or_none())
    def travel(self, zone: str | None) -> None:
        self.profile = replace(self.profile, zone=zone, zone_since=self.now)
        self.settled = False

    def a_series(self, data: st.DataObject) -> ActualSeries:
        return self.world.calendar.series[data.draw(st.integers(0, len(self.world.calendar.series) - 1))]

    @precondition(lambda self: self.world.calendar.series)
    @rule(data=st.data())
    def delete_a_series(self, data: st.DataObject) -> None:
        self.world.take(self.a_series(data).event_id)
        self.settled = False

    @precondition(lambda self: self.world.calendar.series)
    @rule(data=st.data())
    def copy_a_series(self, data: st.DataObject) -> None:
        self.world.copy(self.a_series(data).event_id, self.now, timedelta(days=data.draw(st.integers(0, 3))))

    @precondition(lambda self: self.world.calendar.series)
    @rule(data=st.data())
    def cut_a_series(self, data: st.DataObject) -> None:
        series = self.a_series(data)
        self.world.cut(series.event_id, data.draw(st.dates(series.tag.first, series.tag.first + timedelta(weeks=30))))

    @precondition(lambda self: self.world.calendar.series)
    @rule(data=st.data(), hours=st.integers(-140, 140))
    def delete_or_move_an_occurrence(self, data: st.DataObject, hours: int) -> None:
        series = self.a_series(data)
        if series.instances:
            which = series.instances[data.draw(st.integers(0, len(series.instances) - 1))].event_id
            if hours:
                self.world.move(series.event_id, which, timedelta(hours=hours))
            else:
                self.world.forget(series.event_id, which)

    # Time, and us

    @rule(days=st.integers(0, 120), minutes=st.integers(0, 24 * 60))
    def time_passes(self, days: int, minutes: int) -> None:
        self.now += timedelta(days=days, minutes=minutes)
        self.settled = False

    def situation(self, placed: frozenset[SlotKey]) -> Situation:
        memory = Memory(placed, range_end_keeps=self.range_end_keeps)
        calendar = looked_at(self.world.calendar, self.now)
        return Situation(self.settings, self.audiences, calendar, self.now, self.profile, self.choices, memory)

    @rule(unknown=st.booleans())
    def sweep(self, unknown: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        """Plan and carry out; with ``unknown``, after the state was lost."""
        placed = frozenset() if unknown else self.placed
        before = self.situation(placed)
        changes = before.plan
        present = {(s.tag.block, s.tag.generation) for s in before.calendar.series}
        begun = {i.event_id for s in before.calendar.series for i in s.instances or () if i.starts <= self.now + SOON}
        for change in changes:
            if isinstance(change, Create):
                assert (change.block, change.generation) not in present
                if change.reason is Reason.NEW:
                    assert change.block not in {key.block for key in placed}
            else:
                assert change.actual.tag.last >= before.today()
            if isinstance(change, End):
                assert begun.isdisjoint(change.occurrences)
            if isinstance(change, (Skip, Move)):
                assert change.occurrence.event_id not in begun
        made = [transaction_id(c.block, c.generation) for c in changes if isinstance(c, Create)]
        assert len(made) == len(set(made))
        written = self.world.writes + sum(change.writes for change in changes)
        self.world.carry_out(changes, self.now)
        assert self.world.writes == written
        live = [s.tag for s in originals(self.world.calendar) if s.tag.last >= before.today()]
        self.placed = frozenset(SlotKey(tag.block, tag.fingerprint.slot) for tag in live)
        assert self.situation(self.placed).plan == ()
        self.settled = True

    @invariant()
    def never_two_series_for_one_date(self) -> None:
        if not self.settled:
            return
        wanted = self.situation(self.placed).wanted
        today = local_date(self.now, wanted.zone)
        live = [series for series in originals(self.world.calendar) if series.tag.last >= today]
        for series in live:
            if series.tag.block not in {want.series.block for want in wanted.wants}:
                assert series.tag.last == today
        for want in wanted.wants:
            holds_every_date_once(self.world.calendar, want, local_date(self.now, want.series.slot.zone))
        by_slot: dict[tuple[str, str], list[ActualSeries]] = {}
        for series in live:
            by_slot.setdefault((series.tag.block, series.tag.fingerprint.slot), []).append(series)
        for found in by_slot.values():
            spans = sorted((max(s.tag.first, today + timedelta(days=1)), s.tag.last) for s in found)
            for (_, last), (first, _) in pairwise(spans):
                assert last < first


TestAMailboxOverTheYears = Years.TestCase
