"""Long stories drawn by lot: people do as they please, servers fail, somebody edits the settings, and weeks go by.

After every quiet ``apply`` all is as the settings ask, and whatever happened, nothing was touched that is not ours to
touch. What should stand is told here by counting days, without the product's own recurrence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from holdfast.core import tag as tags
from holdfast.core.errors import Conflict, Denied, Gone, GraphError, Throttled, Unexpected, Unreachable
from holdfast.core.model import Person, Weekly
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import Block, Day, HolidayRule, Language, Organization, Settings
from holdfast.core.settings.holidays import Holidays
from holdfast.core.tenant import TenantFacts
from tests.jobs.fjallvik import (
    EVERYBODY,
    applied,
    block,
    firm,
    fjallvik,
    killed,
    look,
    removed,
    staff,
    swept,
)
from tests.jobs.memory import WRITES, Event, Fault, Mailbox

Answer = TypeVar("Answer")

PEOPLE = staff(4)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
SOON = timedelta(minutes=15)
QUIET = {MailboxState.HELD, MailboxState.EXCUSED}

people = st.sampled_from(PEOPLE)
places = st.integers(0, 60)
slots = st.fixed_dictionaries(
    {
        "day": st.lists(st.sampled_from(list(Day)[:5]), min_size=1, max_size=2, unique=True).map(tuple),
        "at": st.sampled_from([time(9), time(13, 30)]),
        "every": st.sampled_from(["week", "week", "2 weeks"]),
        "holiday": st.sampled_from(HolidayRule),
    }
)
closed = st.sampled_from([(), ((date(2026, 12, 23), date(2027, 1, 6)),), ((date(2027, 2, 4), date(2027, 2, 4)),)])
lasts = st.sampled_from([None, date(2027, 2, 12), date(2027, 9, 30)])
firsts = st.sampled_from([date(2026, 12, 1), date(2027, 1, 15)])
titles = st.sampled_from(["Lärtimmen", "Lärstunden"])
errors = st.sampled_from(
    [
        Denied("No.", status=403),
        Throttled("Slow down.", retry_after=5),
        Unreachable("No answer."),
        Unexpected("What?", status=400),
        Conflict("Changed.", status=412),
        Gone("Not there.", status=404),
    ]
)
calls = st.sampled_from([*sorted(WRITES), "read", "instances", "profile", "look", "find_by_transaction"])


class Story(RuleBasedStateMachine):
    """One firm over a year or two."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = firm(*PEOPLE[:2])
        for one in PEOPLE:
            self.world.calendars.mailboxes.setdefault(one.id, Mailbox())
            self.world.calendars.book(one.id, "Tandläkare", date(2026, 12, 3), time(9))
            self.world.calendars.book(one.id, "Lärtimmen", date(2026, 12, 4), time(9), weekly=True)
        self.blocks = [block()]
        self.closed: tuple[tuple[date, date], ...] = ()
        self.forgotten: set[str] = set()
        """Those whom nobody can know of any more: they were no members when the state was lost."""

    def teardown(self) -> None:
        self.runner.close()

    # -- what people do

    @rule(one=people)
    def joins_or_leaves(self, one: Person) -> None:
        inside = self.world.directory.inside[EVERYBODY.id]
        member = self._member(one)
        if member:
            inside.remove(member)
        else:
            inside.append(one)

    @rule(one=people)
    def is_disabled_or_comes_back(self, one: Person) -> None:
        inside = self.world.directory.inside[EVERYBODY.id]
        member = self._member(one)
        if member:
            inside[inside.index(member)] = replace(member, enabled=not member.enabled)

    @rule(one=people, which=places)
    def deletes_a_series(self, one: Person, which: int) -> None:
        box = self.world.box(one)
        if box.series:
            self.world.calendars.take_away(box, box.series[which % len(box.series)].id)

    @rule(one=people, which=places, hours=st.sampled_from([None, -2, 3, 24, 100]))
    def deletes_or_moves_a_date(self, one: Person, which: int, hours: int | None) -> None:
        box = self.world.box(one)
        found = [date for event in box.series for date in event.occurrences()]
        if not found:
            return
        occurrence = found[which % len(found)]
        if hours is None:
            self.world.calendars.take_away(box, occurrence.event_id)
        else:
            self.world.calendars.drag(one.id, occurrence, occurrence.original_starts + timedelta(hours=hours))

    @rule(one=people, which=places)
    def copies_a_series(self, one: Person, which: int) -> None:
        box = self.world.box(one)
        if box.series:
            self.world.clock.pass_time(seconds=1)
            self.world.calendars.copy(one.id, box.series[which % len(box.series)].id)

    @rule(one=people, which=places, ends=st.sampled_from([date(2026, 12, 31), date(2027, 6, 1)]))
    def makes_a_series_shorter(self, one: Person, which: int, ends: date) -> None:
        box = self.world.box(one)
        if box.series:
            event = box.series[which % len(box.series)]
            if event.range_ends and event.first < ends < event.range_ends:
                self.world.calendars.change(box, event, range_ends=ends)

    @rule(hours=st.integers(0, 24 * 45))
    def time_passes(self, hours: int) -> None:
        self.world.clock.pass_time(hours=hours)

    # -- what an admin does

    @rule(slot=slots, title=titles, first=firsts, last=lasts)
    def edits_the_block(self, slot: dict[str, Any], title: str, first: date, last: date | None) -> None:
        self._edit([block(**slot, title=title, from_=first, until=last), *self.blocks[1:]])

    @rule(slot=slots)
    def adds_or_drops_another_block(self, slot: dict[str, Any]) -> None:
        self._edit(self.blocks[:1] if self.blocks[1:] else [*self.blocks, block("fordjupning", **slot)])

    def _edit(self, blocks: list[Block]) -> None:
        """The settings refuse two blocks of one audience at one time."""
        hours = [(day, one.at) for one in blocks for day in one.day]
        if len(set(hours)) == len(hours):
            self.blocks = blocks

    @rule(closed=closed)
    def opens_and_closes(self, closed: tuple[tuple[date, date], ...]) -> None:
        self.closed = closed

    @rule(keeps=st.booleans())
    def probes(self, keeps: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        """The tenant is of the one kind or of the other; what is known of it is so."""
        for box in self.world.calendars.mailboxes.values():
            box.range_end_keeps = keeps
        self._run(self.world.state.learn_facts(TenantFacts(self.world.clock.now(), range_end_keeps=keeps)))

    @rule()
    def applies(self) -> None:
        self._calm()
        # Series are asked for again, or whoever deletes one twice within a quarter would be left without.
        report = self._done(applied(self.world, self.settings, ask_again=True))
        self._nothing_went_wrong(report)
        self._all_is_as_it_should_be()
        self.world.journal.clear()
        again = self._done(applied(self.world, self.settings))
        assert self.world.journal.writes == []
        assert {account.state for account in (*again.audience, *again.others)} <= QUIET
        assert not self._run(look(self.world, self.settings)).plan

    @rule()
    def sweeps(self) -> None:
        self._calm()
        report = self._done(swept(self.world, self.settings))
        if "Nothing is approved" not in report.note:
            self._nothing_went_wrong(report)
        if not report.note:  # what a sweep goes by heart over, a look at the whole calendar finds in order too
            assert not self._run(look(self.world, self.settings)).plan

    @rule()
    def removes(self) -> None:
        self._calm()
        # Who has left and has nothing of ours is not looked at: a copy that they kept is theirs by then.
        seen = set(self._run(self.world.state.placed())) | {one.id for one in PEOPLE if self._works_here(one)}
        self._nothing_went_wrong(self._done(removed(self.world, self.settings)))
        for one in PEOPLE:
            if one.id in seen - self.forgotten:
                assert self._ahead(one) == []

    @rule()
    def loses_the_state(self) -> None:
        self._calm()
        self.world.state.forget_everything()  # and with it that range ends may be safe
        self.forgotten |= {one.id for one in PEOPLE if not self._works_here(one)}
        self._done(swept(self.world, self.settings))

    # -- what goes wrong

    @rule(
        one=people,
        call=calls,
        error=errors,
        nth=st.integers(1, 4),
        times=st.integers(1, 3),
        after=st.booleans(),
        command=st.sampled_from([applied, swept, removed]),
    )
    def a_server_fails(
        self, *, one: Person, call: str, error: GraphError, nth: int, times: int, after: bool, command: Any
    ) -> None:
        fault = Fault(call, error, one.id, nth=nth, times=times, after=after and call in WRITES)
        self.world.journal.faults = [fault]
        self._done(command(self.world, self.settings))

    @rule(
        one=people,
        tags_lost=st.integers(0, 2),
        lag=st.integers(0, 2),
        vanishing=st.sets(st.sampled_from(sorted(WRITES)), max_size=1),
        command=st.sampled_from([applied, swept]),
    )
    def a_server_is_strange(self, one: Person, tags_lost: int, lag: int, vanishing: set[str], command: Any) -> None:
        box = self.world.box(one)
        box.loses_tags, box.lag, box.vanishing = tags_lost, lag, vanishing
        self._done(command(self.world, self.settings))

    @rule(at=st.integers(0, 80), after=st.booleans(), command=st.sampled_from([applied, swept, removed]))
    def the_process_is_killed(self, *, at: int, after: bool, command: Any) -> None:
        before = self._ours_to_leave_alone()
        self._run(killed(self.world, command(self.world, self.settings), at=at, after=after))
        self._what_was_late_is_seen()
        assert self._ours_to_leave_alone() == before

    # -- what must hold

    @property
    def settings(self) -> Settings:
        organization = Organization(
            name="Fjällvik AB",
            language=Language.SV,
            time_zone="Europe/Stockholm",
            holidays=Holidays(closed=self.closed) if self.closed else None,
        )
        return fjallvik(*self.blocks, organization=organization)

    def _run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(work)

    def _done(self, work: Coroutine[Any, Any, Report]) -> Report:
        """Do what was asked, and see that everybody is accounted for and nothing was touched that is not ours."""
        before = self._ours_to_leave_alone()
        report = self._run(work)
        self._what_was_late_is_seen()
        assert self._ours_to_leave_alone() == before
        members = self.world.directory.inside[EVERYBODY.id]
        assert sorted(account.mailbox for account in report.audience) == sorted(one.id for one in members)
        assert sum(report.counts().values()) == len(members)
        return report

    def _what_was_late_is_seen(self) -> None:
        """A list shows a write some reads late, but not a run late."""
        for box in self.world.calendars.mailboxes.values():
            box.stale.clear()

    def _nothing_went_wrong(self, report: Report) -> None:
        assert report.problems == []
        assert report.complete or not (report.audience or report.others)

    def _calm(self) -> None:
        """From now on all servers do as they should; Exchange has forgotten all but the last transactions."""
        self.world.journal.faults.clear()
        for box in self.world.calendars.mailboxes.values():
            box.loses_tags, box.lag, box.vanishing = 0, 0, set()
            box.stale.clear()
            for transaction in [name for name, event in box.transactions.items() if event not in box.events][:-3]:
                del box.transactions[transaction]

    def _ours_to_leave_alone(self) -> tuple[object, ...]:
        """Other events and copies, whole, and every date that has begun or is about to."""
        return self.world.foreign(), self._copies(), self.world.begun()

    def _copies(self) -> dict[str, Event]:
        """Events that carry the mark of an older one: a person made them, and keeps them."""
        found: dict[str, Event] = {}
        for box in self.world.calendars.mailboxes.values():
            marks: set[tuple[str, int]] = set()
            for event in sorted(box.series, key=lambda e: (e.created, e.id)):
                tag = tags.parse(event.tag or "")
                assert tag
                if (tag.block, tag.generation) in marks:
                    found[event.id] = event
                marks.add((tag.block, tag.generation))
        return found

    def _ahead(self, one: Person) -> list[Event]:
        """The series of a person, copies left out, that have a date after the next quarter of an hour."""
        copies = self._copies()
        since = self.world.clock.now() + SOON
        series = [event for event in self.world.box(one).series if event.id not in copies]
        return [event for event in series if any(date.starts > since for date in event.occurrences())]

    def _member(self, one: Person) -> Person | None:
        inside = self.world.directory.inside[EVERYBODY.id]
        return next((member for member in inside if isinstance(member, Person) and member.id == one.id), None)

    def _works_here(self, one: Person) -> bool:
        member = self._member(one)
        return member is not None and member.enabled

    def _all_is_as_it_should_be(self) -> None:
        for one in PEOPLE:
            if self._works_here(one):
                self.forgotten.discard(one.id)
                for wanted in self.blocks:
                    self._stands_once(one, wanted)
                names = {(event.tag or "").split(";")[1] for event in self._ahead(one)}
                assert names <= {wanted.id for wanted in self.blocks}
            elif one.id not in self.forgotten:
                assert self._ahead(one) == []

    def _stands_once(self, one: Person, wanted: Block) -> None:
        """Each of the block's dates in the next 13 weeks is in the stretch of one series, at the block's time."""
        copies = self._copies()
        since = self.world.clock.now() + SOON
        series = [
            (event, tag)
            for event in self.world.box(one).series
            if event.id not in copies and (tag := tags.parse(event.tag or "")) and tag.block == wanted.id
        ]
        today = since.astimezone(STOCKHOLM).date()
        for every in wanted.rules():
            assert isinstance(every, Weekly)
            for day in (today + timedelta(days=n) for n in range(91)):
                starts = datetime.combine(day, wanted.at, STOCKHOLM).astimezone(UTC)
                its_week = (day.toordinal() - 1) // 7 % every.interval == every.phase
                if day.weekday() != every.weekday or not its_week or starts <= since:
                    continue
                series_there = [
                    event
                    for event, tag in series
                    if tag.first <= day <= tag.last and event.first.weekday() == day.weekday()
                ]
                if self._is_off(day):
                    assert not [one for event in series_there for one in event.occurrences() if one.starts == starts]
                    continue
                asked_for = wanted.from_ <= day and (wanted.until is None or day <= wanted.until)
                assert len(series_there) == asked_for, (day, series_there)
                for event in series_there:
                    assert (event.starts, event.minutes) == (wanted.at, 60)
                    assert event.subject == wanted.title

    def _is_off(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.closed)


TestStory = Story.TestCase
# Each step looks at everybody several times: as many stories as fit into the time that all checks have together.
TestStory.settings = settings(max_examples=40)
