"""Doing something about meetings on top of blocks: asking their organisers for another time, or declining them.

Seldom and politely: an organiser is asked once a quarter about a meeting time, gets two messages a week at most, and
none while not at work. Whatever cannot be said now waits; the next sweep comes by anyway.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from holdfast.core import calm, mails, zones
from holdfast.core.desired import EVERY_DAY, UNTOUCHED
from holdfast.core.errors import Gone, GraphError, NoMailbox, Unreachable
from holdfast.core.holidays import DaysOff
from holdfast.core.model import FreeBusy, Meeting, Response, Stretch
from holdfast.core.overlap import LOOKED_AT, STEP, Fate, OnTop, alternatives, judged, meeting_mark, meeting_time
from holdfast.core.settings import Language, Settings
from holdfast.jobs.crowd import each
from holdfast.jobs.errand import Errand
from holdfast.jobs.ports import Ports, Progress
from holdfast.jobs.survey import Survey

LOOKED_AHEAD = timedelta(days=45)
"""How long before it begins something is done about a meeting: Graph tells for 62 days when people are free."""

ASKED_TOGETHER = 20
"""Of how many people it is asked in one call when they are free: Graph takes no more."""

ASKED_IN_ALL = 100
"""The most people for whom another time is looked for; more are hardly ever free together."""

_WINDOW = LOOKED_AHEAD + LOOKED_AT


@dataclass(slots=True)
class Case:
    """A meeting on top of a block of one person, and what has become of it so far."""

    errand: Errand
    on_top: OnTop
    fate: Fate

    @property
    def meeting(self) -> Meeting:
        """The meeting."""
        return self.on_top.meeting


@dataclass(slots=True)
class Answered:
    """How many meetings met with what, and what went wrong, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: set[str] = field(default_factory=set)


async def answer(seen: Survey, settings: Settings, ports: Ports, *, progress: Progress | None = None) -> Answered:
    """Do what is due about the meetings that were seen on top of blocks. One organiser never stands in another's way.

    What cannot be done is told in ``problems`` and tried again the next time.
    """
    answered = Answered()
    due: dict[str, list[Case]] = defaultdict(list)
    for look in seen.looks:
        for one in look.meetings:
            if one.fate.is_due and one.meeting.time.starts <= ports.clock.now() + LOOKED_AHEAD:
                due[one.meeting.organizer].append(Case(look.errand, one, one.fate))
            else:
                answered.counts[one.fate.told] += 1
    if not due:
        return answered

    async def audiences_of(organizer: str) -> Collection[str]:
        if organizer in seen.audiences:
            return seen.audiences[organizer]
        placed = await ports.state.placed_at(organizer)
        return placed.audiences if placed else ()

    async def work(organizer: str) -> None:
        cases = sorted(due[organizer], key=lambda case: (case.meeting.time, case.errand.address))
        theirs = await audiences_of(organizer)
        audience = next((name for name in settings.audiences if name in theirs), None)
        language = settings.language_of(audience) if audience else settings.organization.language
        own = settings.holidays_of(audience) if audience else settings.organization.holidays
        off = DaysOff(own.country, own.subdivision, own.closed, weekends=False) if own else EVERY_DAY
        desk = _Desk(organizer, language, off, settings, seen.home, ports, answered)
        await desk.go_through(cases)

    await each(sorted(due), work, doing="Answering meetings", progress=progress)
    return answered


@dataclass(slots=True)
class _Desk:
    """The messages that one organiser is to get."""

    organizer: str
    language: Language
    off: DaysOff
    settings: Settings
    home: frozenset[str]
    ports: Ports
    answered: Answered

    async def go_through(self, cases: Sequence[Case]) -> None:
        """Do what is due, one thing after the other: what fails in one mailbox keeps nothing back in another."""
        reachable = False
        with self._telling_problems():
            reachable = await self._is_reachable(cases[0])
        with self._telling_problems():
            await self._ask([case for case in cases if case.fate is Fate.TELL], reachable=reachable)
        for case in cases:
            if case.fate is Fate.DECLINE:
                with self._telling_problems():
                    case.fate = await self._decline(case, reachable=reachable)
        self.answered.counts.update(case.fate.told for case in cases)

    @contextmanager
    def _telling_problems(self) -> Iterator[None]:
        try:
            yield
        except GraphError as error:
            self.answered.problems.add(f"A meeting on top of a block was not answered: {error.message} {error.cure}")

    async def _is_reachable(self, case: Case) -> bool:
        """Whether the organiser is at work now, and it is no holiday."""
        now, zone = self.ports.clock.now(), self.settings.organization.zone
        if self.off.off(zones.date_at(zone, now)):
            return False
        [organizer, *_] = [*await self._free_busy(case, [self.organizer], now + 2 * STEP), None]
        return calm.is_at_work(organizer, zone=zone, now=now)

    async def _free_busy(self, case: Case, addresses: Sequence[str], until: datetime) -> Sequence[FreeBusy]:
        """When people are free, asked as the role mailbox: of oneself Graph would tell subjects as well."""
        asked_as = self.settings.tenant.organizer or case.errand.mailbox
        if self.settings.tenant.organizer is None and case.errand.address in addresses:
            return ()
        now = self.ports.clock.now()
        since = now - timedelta(minutes=now.minute % 30, seconds=now.second, microseconds=now.microsecond)
        found: list[FreeBusy] = []
        try:
            for first in range(0, len(addresses), ASKED_TOGETHER):
                some = addresses[first : first + ASKED_TOGETHER]
                found += await self.ports.calendars.free_busy(asked_as, some, since=since, until=until, step=STEP)
        except NoMailbox:
            return ()
        return found

    async def _claim(self, about: Collection[str], now: datetime) -> bool:
        """Whether a message about all this may go out at ``now``; then it is on record as sent."""
        return await self.ports.state.claim(self.organizer, about, now, most=calm.MOST_A_WEEK, since=now - calm.A_WEEK)

    async def _ask(self, cases: Sequence[Case], *, reachable: bool) -> None:
        """Send one note about all the meeting times that the organiser has not been asked about this quarter."""
        now, zone = self.ports.clock.now(), self.settings.organization.zone
        told = await self.ports.state.sent(self.organizer) if cases else {}
        fresh: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            about = f"note {meeting_time(case.meeting.time.starts, zone, now)}"
            if about in told:
                case.fate = Fate.TOLD
            else:
                fresh[about].append(case)
        sender = self.settings.tenant.organizer
        if not fresh or not reachable or sender is None or not calm.may_write(told.values(), now=now):
            return
        # Written before it is claimed: what fails until then has not been sent for sure.
        booked = [await self._booked(those) for those in fresh.values()]
        letter = mails.note(self.language, self.settings.organization.name, booked, zone)
        if not await self._claim(fresh, now):
            return
        try:
            await self.ports.mail.send(sender, self.organizer, letter.subject, letter.html)
        except Unreachable:
            pass  # it may be on its way: rather no note than two
        except GraphError:
            await self.ports.state.take_back(self.organizer, fresh)
            raise
        for those in fresh.values():
            for case in those:
                case.fate = Fate.TOLD

    async def _booked(self, cases: Sequence[Case]) -> mails.Booked:
        """The first meeting at one meeting time, with everybody it is on top of, and when all of them are free."""
        first = cases[0]
        those = {case.errand.mailbox: case for case in cases if case.meeting.time == first.meeting.time}
        people = list(those.values())
        addresses = [self.organizer, *(case.errand.address for case in people)]
        free = await self._free_times(first, first.meeting.time, addresses)
        return mails.Booked(first.meeting.time, self._title(first), [case.errand.name for case in people], free)

    async def _decline(self, case: Case, *, reachable: bool) -> Fate:
        """Decline a meeting for a person who wants it so, unless it is another one by now or its organiser is away."""
        calendars, now = self.ports.calendars, self.ports.clock.now()
        mailbox, before = case.errand.mailbox, case.meeting
        try:
            meeting = await calendars.meeting(mailbox, before.event_id)
        except Gone:
            return Fate.DECLINED
        if meeting.response is Response.DECLINED:
            return Fate.DECLINED
        fate = judged(meeting, case.on_top.want.care, self.home, stood_first=False)
        if fate is not Fate.DECLINE:
            return fate
        if meeting.time != before.time or meeting.time.starts <= now + UNTOUCHED:
            return Fate.FIRST
        return await self._tell_declined(case, meeting, now, reachable=reachable)

    async def _tell_declined(self, case: Case, meeting: Meeting, now: datetime, *, reachable: bool) -> Fate:
        """Decline a meeting; where its organiser wants to know, when they may hear of it."""
        calendars, mailbox = self.ports.calendars, case.errand.mailbox
        if not meeting.asks:
            await calendars.decline(mailbox, meeting.event_id, comment=None, proposed=None)
            return Fate.DECLINED
        # With the day in it: should this run be killed, one on another day may try again, once.
        meant = f"decline {meeting_mark(meeting)} {meeting.time.starts:%Y-%m-%d} on "
        about = [f"{meant}{now:%Y-%m-%d}"]
        told = await self.ports.state.sent(self.organizer)
        again = sum(one.startswith(meant) for one in told if one not in about) > 1
        if again or not reachable or not calm.may_write(told.values(), now=now):
            return Fate.FIRST if again else Fate.DECLINE  # whoever sends it again and again wants it to stand
        proposed = await self._proposed(case, meeting)
        if not await self._claim(about, now):
            return Fate.DECLINE
        text = mails.comment(
            self.language, self._title(case), proposed and proposed.starts, self.settings.organization.zone
        )
        try:
            await calendars.decline(mailbox, meeting.event_id, comment=text, proposed=proposed)
        except (Unreachable, Gone):
            if await self._is_declined(mailbox, meeting.event_id):
                return Fate.DECLINED
            await self.ports.state.take_back(self.organizer, about)
            return Fate.DECLINE
        except GraphError:
            await self.ports.state.take_back(self.organizer, about)
            raise
        return Fate.DECLINED

    async def _is_declined(self, mailbox: str, event_id: str) -> bool:
        """Whether a meeting is declined, or gone, after an answer of unknown outcome."""
        try:
            return (await self.ports.calendars.meeting(mailbox, event_id)).response is Response.DECLINED
        except Gone:
            return True

    async def _proposed(self, case: Case, meeting: Meeting) -> Stretch | None:
        """Another time for a meeting, where its organiser hears of such and both are free then."""
        if not meeting.hears:
            return None
        free = await self._free_times(case, meeting.time, [self.organizer, case.errand.address])
        return Stretch(free[0], free[0] + (meeting.time.ends - meeting.time.starts)) if free else None

    async def _free_times(self, case: Case, time: Stretch, addresses: Sequence[str]) -> tuple[datetime, ...]:
        """Other times for a meeting; none where it is not known of all of these people when they are free."""
        if len(addresses) > ASKED_IN_ALL:
            return ()
        people = await self._free_busy(case, addresses, self.ports.clock.now() + _WINDOW)
        if len(people) != len(addresses):
            return ()
        zone = self.settings.organization.zone
        return alternatives(time, people, zone=zone, now=self.ports.clock.now(), off=self.off)

    def _title(self, case: Case) -> str:
        """What a block is called, in the organiser's language where it has a name in it."""
        block = next(block for block in self.settings.blocks if block.id == case.on_top.key.block)
        if isinstance(block.title, str):
            return block.title
        return block.title.get(self.language) or block.title[case.on_top.want.language]
