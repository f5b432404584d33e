"""A mailbox over the years: time passes, settings are edited, people join, leave and meddle; plans keep up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holdfast.core.desired import desired
from holdfast.core.diff import Memory, diff
from holdfast.core.model import ActualSeries, SlotKey
from holdfast.core.plan import Create, End, Reason
from holdfast.core.settings import Settings
from holdfast.core.tag import transaction_id
from tests.core.strategies import blocks, local_date, memberships, settings_near
from tests.core.world import World, originals

SOON = timedelta(minutes=15)


class Years(RuleBasedStateMachine):
    """``settled`` says that nobody has touched anything since the last plan was carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.placed: frozenset[SlotKey] = frozenset()
        self.settled = False
        self.used: set[str] = set()
        self.begun: dict[str, tuple[datetime, datetime]] = {}

    @initialize(settings=settings_near(), audiences=memberships())
    def begin(self, settings: Settings, audiences: frozenset[str]) -> None:
        self.settings, self.audiences = settings, audiences
        self.now = datetime(2026, 1, 7, 8, tzinfo=UTC)

    # The admin

    @rule(data=st.data())
    def edit_a_block(self, data: st.DataObject) -> None:
        if self.settings.blocks:
            name = data.draw(st.sampled_from([block.id for block in self.settings.blocks]))
            edited = data.draw(blocks(name))
            self.put_blocks(*(edited if block.id == name else block for block in self.settings.blocks))

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

    def a_series(self, data: st.DataObject) -> ActualSeries:
        return data.draw(st.sampled_from(self.world.calendar.series))

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
            which = data.draw(st.sampled_from(series.instances)).event_id
            if hours:
                self.world.move(series.event_id, which, timedelta(hours=hours))
            else:
                self.world.forget(series.event_id, which)

    # Time, and us

    @rule(days=st.integers(0, 120), minutes=st.integers(0, 24 * 60))
    def time_passes(self, days: int, minutes: int) -> None:
        self.now += timedelta(days=days, minutes=minutes)
        self.settled = False

    @rule(unknown=st.booleans())
    def sweep(self, unknown: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        """Plan and carry out; with ``unknown``, after the state was lost."""
        placed = frozenset() if unknown else self.placed
        wanted = desired(self.settings, self.audiences, self.now)
        before = self.world.calendar
        present = {(s.tag.block, s.tag.generation) for s in before.series}
        changes = diff(wanted, before, now=self.now, memory=Memory(placed))
        today = local_date(self.now, self.settings.organization.zone)
        for change in changes:
            if isinstance(change, Create):
                assert (change.block, change.generation) not in present
                if change.reason is Reason.NEW:
                    assert change.block not in {key.block for key in placed}
            else:
                assert change.actual.tag.last >= today
            if isinstance(change, End):
                kept = {i.event_id for i in change.actual.instances or () if i.starts <= self.now + SOON}
                assert kept.isdisjoint(change.occurrences)
        made = [transaction_id(c.block, c.generation) for c in changes if isinstance(c, Create)]
        assert len(made) == len(set(made))
        self.world.carry_out(changes, self.now)
        live = [s.tag for s in originals(self.world.calendar) if s.tag.last >= today]
        self.placed = frozenset(SlotKey(tag.block, tag.fingerprint.slot) for tag in live)
        assert diff(wanted, self.world.calendar, now=self.now, memory=Memory(self.placed)) == ()
        self.settled = True

    @invariant()
    def never_two_series_for_one_date(self) -> None:
        if not self.settled:
            return
        today = local_date(self.now, self.settings.organization.zone)
        by_block: dict[str, list[ActualSeries]] = {}
        for series in originals(self.world.calendar):
            if series.tag.last >= today:
                by_block.setdefault(series.tag.block, []).append(series)
        wants = {w.series.block: w for w in desired(self.settings, self.audiences, self.now).wants}
        for block, found in by_block.items():
            if block not in wants:
                assert all(series.tag.last == today for series in found)
                continue
            spans = sorted((max(s.tag.first, today + timedelta(days=1)), s.tag.last) for s in found)
            for (_, last), (first, _) in pairwise(spans):
                assert last < first
        for block, want in wants.items():
            assert self.reach(by_block.get(block, []), want.series.first) >= min(
                want.until or date.max, today + timedelta(weeks=13), want.series.last
            ) - timedelta(days=6)

    @staticmethod
    def reach(series: list[ActualSeries], day: date) -> date:
        """Until when dates from ``day`` on are covered without a gap of a week or more."""
        for one in sorted(series, key=lambda s: s.tag.first):
            if one.tag.first <= day + timedelta(days=7):
                day = max(day, one.tag.last)
        return day


TestAMailboxOverTheYears = Years.TestCase
