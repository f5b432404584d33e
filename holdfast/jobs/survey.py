"""Looking at everybody: who is in the audiences, what their calendars hold, and what would have to change.

Reads only. ``plan``, ``apply``, ``sweep`` and ``remove`` all begin here.
"""

from __future__ import annotations

import difflib
import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import (
    ANYBODY,
    HORIZON,
    SERIES_LENGTH,
    SETTLED_IN,
    Choices,
    Desired,
    Why,
    desired,
    in_their_zones,
)
from holdfast.core.diff import InstancesNeeded, Memory, diff, erased, originals
from holdfast.core.errors import Gone, GraphError, NoMailbox, Unexpected
from holdfast.core.model import (
    PEOPLE,
    ActualCalendar,
    ActualSeries,
    DesiredSeries,
    EventLook,
    Occurrence,
    Overlap,
    Profile,
    Protection,
    Purpose,
    Single,
    SlotKey,
    Stretch,
    Tag,
)
from holdfast.core.overlap import OnTop, is_noted, noted, on_top, standing, watched
from holdfast.core.plan import Change, Create, Plan, Planned, Reason, guard
from holdfast.core.protection import Held, Judged, Verdict, back_in_place, counted, held, judge, orphans, returned
from holdfast.core.report import Account, Excuse, MailboxState, Problem, Report
from holdfast.core.settings import Settings
from holdfast.core.tag import UNKNOWN, transaction_id
from holdfast.core.touches import DateKey, Touches
from holdfast.jobs.audience import Audience, resolve
from holdfast.jobs.choosing import Choosing, choose
from holdfast.jobs.crowd import each
from holdfast.jobs.ports import Calendars, Known, Learned, Placed, Ports, Progress, State

PROFILE_HOLDS = timedelta(days=7)
"""How long what a mailbox says of itself is believed without asking again."""

WHOLE_READ_HOLDS = timedelta(days=7)
"""How long the series of a mailbox are looked up by their ids before its calendar is searched again for all of ours."""

_MOVABLE = timedelta(days=7)
"""How far from its date a person can move an occurrence: Graph refuses to let it reach its neighbour's day."""

GENERATIONS = 5
"""How many generations are tried where Graph refuses a create as a duplicate and nothing of ours is to be found."""

_A_DAY = timedelta(days=1)
_ELSEWHERE = "#ext#"
_NO_END = timedelta(days=730)
"""How far to look for instances of a series whose end a person has taken away."""

_EXCUSE_OF = {
    Purpose.SHARED: Excuse.SHARED,
    Purpose.ROOM: Excuse.ROOM,
    Purpose.EQUIPMENT: Excuse.ROOM,
    Purpose.OTHERS: Excuse.OTHER,
}


class NoSuchMailbox(Exception):
    """The mailbox that was asked for is in no audience."""


class Decisions:
    """What has to change in calendars at one instant, decided once for all that are alike but for their events' ids.

    Nearly all are, and share the very values: time and memory do not go into deciding for everybody what goes for all.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._made: dict[object, tuple[Change, ...]] = {}
        self._untouched: dict[object, bool] = {}

    def are_untouched(self, errand: Errand, calendar: ActualCalendar) -> bool:
        """Whether every date that is protected stands as it should, as far as its series alone tell."""
        if calendar.singles:
            return False
        alike = errand.desired, tuple(map(_alike, sorted(calendar.series, key=_age)))
        found = self._untouched.get(alike)
        if found is None:
            protected = held(errand.desired, calendar, self.now)
            found = self._untouched[alike] = not any(judge(one, Touches(), (), now=self.now) for one in protected)
        return found

    def of(self, errand: Errand, calendar: ActualCalendar) -> tuple[Change, ...]:
        """The changes that this mailbox needs. Raises ``InstancesNeeded``."""
        alike = errand.desired, errand.gone, errand.memory.placed, tuple(map(_alike, sorted(calendar.series, key=_age)))
        changes = self._made.get(alike)
        if changes is None:
            changes = _diff(errand, calendar, self.now)
            if not calendar.series or not changes:  # others name events of this very calendar
                self._made[alike] = changes
        return changes


def _age(series: ActualSeries) -> tuple[datetime, str]:
    """The younger of two that carry the same tag is a copy."""
    return series.created, series.event_id


def _alike(series: ActualSeries) -> object:
    """What of a series tells whether it has to change."""
    return series.tag, series.range_ends, series.starts, series.zone, _dates(series.instances), _dates(series.ahead)


def _dates(occurrences: tuple[Occurrence, ...] | None) -> object:
    return occurrences and tuple((one.original_starts, one.starts, one.ends, one.show_as) for one in occurrences)


@dataclass(frozen=True, slots=True)
class Brief:
    """What all errands of a run go by. What is wanted is told once for all people who are alike.

    ``home`` are the domains of the audiences' own addresses: whose meetings are the organisation's.
    """

    settings: Settings
    decisions: Decisions
    choices: Choices
    floors: Mapping[str, int]
    range_end_keeps: bool
    home: frozenset[str] = frozenset()
    removing: Reason | None = None
    told: dict[object, Desired] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The instant of the run."""
        return self.decisions.now

    @property
    def nothing(self) -> Desired:
        """What is wanted of somebody who gets nothing."""
        known = frozenset(block.id for block in self.settings.blocks)
        return Desired(known=known, zone=self.settings.organization.zone)

    def wanted(
        self, audiences: frozenset[str], profile: Profile = ANYBODY, declines: frozenset[str] = frozenset()
    ) -> Desired:
        """What is wanted in the mailbox of a member of these audiences, who ``declines`` meetings on these blocks."""
        if self.removing or not audiences:
            return self.nothing
        is_new = profile.zone_since is not None and self.now - profile.zone_since < SETTLED_IN
        alike = audiences, profile.hours, profile.zone, is_new, declines
        if alike not in self.told:
            self.told[alike] = desired(
                self.settings, audiences, self.now, profile=profile, choices=self.choices, declines=declines
            )
        return self.told[alike]


@dataclass(frozen=True, slots=True)
class Errand:
    """One mailbox and what it should hold. ``excuse`` says why not a thing, ``gone`` why what it has goes."""

    mailbox: str
    address: str
    desired: Desired
    memory: Memory
    in_audience: bool = True
    excuse: Excuse | None = None
    gone: Reason = Reason.LEFT
    audiences: frozenset[str] = frozenset()
    name: str = ""
    declines: frozenset[str] = frozenset()
    """The blocks for which meetings on top are declined, because the person wants it so."""
    zone: str | None = None
    """The mailbox's own zone, by its IANA name, where it is known."""
    attended: bool = True
    """Whether somebody asked for what is done: only then are deleted series of soft blocks made again."""
    ask_again: bool = False
    """Whether series are made again, too, whose owner has deleted them twice within a quarter."""

    def live(self, calendar: ActualCalendar, at: datetime) -> list[ActualSeries]:
        """The series that are not over, by the date where the organisation is, without copies: as ``diff`` has it."""
        today = zones.date_at(self.desired.zone, at)
        return [series for series in originals(calendar) if series.is_open(today)]

    def where_it_stands(self, calendar: ActualCalendar, at: datetime) -> Errand:
        """The errand by the clock that the series go by, which while their owner travels is not the mailbox's."""
        desired = in_their_zones(self.desired, calendar.series, at)
        return self if desired is self.desired else replace(self, desired=desired)


@dataclass(frozen=True, slots=True)
class Look:
    """What one mailbox turned out to hold.

    ``holds`` says whether a series of ours is going on there, ``used`` the highest generation of each block,
    ``standing`` how many meetings stand already where new series are to be, if that is looked at.
    """

    errand: Errand
    at: datetime
    account: Account
    changes: tuple[Change, ...] = ()
    holds: bool = False
    used: Mapping[str, int] = field(default_factory=dict)
    touched: Touched | None = None
    meetings: tuple[OnTop, ...] = ()
    standing: int = 0


@dataclass(frozen=True, slots=True)
class Touched:
    """What people did with the dates of one mailbox that are protected, and what is due about it.

    ``orphans`` are single events that stand for nothing any more, ``returned`` dates that had been agreed to be left
    out, ``unrecorded`` those of which nobody wrote down that they were answered. ``remembered`` is what was remembered
    when it was judged, ``back`` which dates their owner has put back since they may stay where they were moved to.
    """

    verdicts: tuple[tuple[Held, Judged], ...] = ()
    orphans: tuple[Single, ...] = ()
    returned: tuple[Occurrence, ...] = ()
    unrecorded: tuple[DateKey, ...] = ()
    remembered: Touches = field(default_factory=Touches)
    back: frozenset[DateKey] = frozenset()

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The verdicts, whatever series they are on."""
        return tuple(judged for _, judged in self.verdicts)

    @property
    def is_settled(self) -> bool:
        """Whether nothing has to be done or remembered about it."""
        due = any(self.is_due(one) for one in self.judged)
        return not (due or self.orphans or self.returned or self.unrecorded or self.remembered.pending)

    def is_due(self, one: Judged) -> bool:
        """Whether a verdict asks for something to be done or remembered."""
        agreed = one.verdict is Verdict.LET_GO and one.occurrence is None and one.key not in self.remembered.skipped
        return one.verdict is Verdict.PUT_BACK or one.counts or agreed


@dataclass(frozen=True, slots=True)
class Outcome:
    """How carrying out the changes left one mailbox, and how many writes were sent to it."""

    account: Account
    writes: int


@dataclass(frozen=True, slots=True)
class Survey:
    """Everybody at one instant. ``groups`` are those that the settings turned out to mean, as ``Audience`` has them.

    ``choosing`` has the times of day of blocks that leave the choice; ``of_one`` says that one mailbox was asked for.
    ``home`` are the domains whose addresses are the organisation's own, and ``audiences`` what everybody belongs to, by
    address, also where one mailbox was asked for.
    """

    at: datetime
    groups: Mapping[str, tuple[str, str]]
    looks: tuple[Look, ...]
    choosing: Choosing = field(default_factory=Choosing)
    of_one: bool = False
    home: frozenset[str] = frozenset()
    audiences: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The changes that everybody together needs."""
        return Plan.of(Planned(look.errand.mailbox, look.errand.address, look.changes) for look in self.looks)

    @property
    def managed(self) -> set[str]:
        """The mailboxes that have a series, or would newly get one."""
        return {
            look.errand.mailbox
            for look in self.looks
            if look.holds or any(isinstance(change, Create) for change in look.changes)
        }

    def elsewhere(self, settings: Settings) -> Mapping[str, int]:
        """How many mailboxes of the audience are in other zones than the organisation, by their IANA names."""
        return elsewhere(settings, (look.errand.zone for look in self.looks if not look.errand.excuse))

    @property
    def standing(self) -> int:
        """How many meetings stand already where new series are to be, of blocks for which that is looked at."""
        return sum(look.standing for look in self.looks)

    @property
    def on_top(self) -> Mapping[str, int]:
        """How many meetings on top of blocks meet with what, over everybody, as far as nothing is done about them."""
        return Counter(one.fate.told for look in self.looks for one in look.meetings)

    @property
    def protected(self) -> Mapping[str, int]:
        """How many touched dates met with what, over everybody. Of one person alone it is not told."""
        if self.of_one:
            return {}
        judged = (one for look in self.looks if look.touched for one in look.touched.judged)
        return {f"{touch}, {verdict}": times for (touch, verdict), times in counted(judged).items()}

    def check_guard(self, settings: Settings, complete: frozenset[str]) -> None:
        """Refuse an unusually large plan: raises ``UnsafePlan``. ``complete`` are blocks once applied to everybody."""
        limits = settings.guard
        guard(self.plan, managed=self.managed, complete=complete, share=limits.share, count=limits.count)

    def report(
        self,
        job: str,
        ended: datetime,
        outcomes: Iterable[Outcome] = (),
        *,
        note: str = "",
        on_top: Mapping[str, int] | None = None,
    ) -> Report:
        """The account of everybody: as they were seen, or as ``outcomes`` left them.

        ``on_top`` counts what became of meetings on top of blocks, where something was done about them. Of one person
        alone it is not told, nor are more writes than were planned, which were about what their owner did.
        """
        left = {outcome.account.mailbox: outcome for outcome in outcomes}
        writes = sum(outcome.writes for outcome in left.values())
        accounts: dict[bool, list[Account]] = {True: [], False: []}
        for look in self.looks:
            outcome = left.get(look.errand.mailbox)
            accounts[look.errand.in_audience].append(outcome.account if outcome else look.account)
        return Report(
            job=job,
            began=self.at,
            ended=ended,
            audience=tuple(accounts[True]),
            others=tuple(accounts[False]),
            writes=min(writes, self.plan.writes) if self.of_one else writes,
            planned_writes=self.plan.writes,
            note=note,
            protected={**self.protected, **({} if self.of_one else on_top or self.on_top)},
        )


async def survey(
    settings: Settings,
    ports: Ports,
    *,
    pinned: Mapping[str, tuple[str, str]],
    choices: Choices | None = None,
    choose_again: bool = False,
    only: str | None = None,
    removing: Reason | None = None,
    by_heart: bool = False,
    attended: bool = True,
    ask_again: bool = False,
    progress: Progress | None = None,
) -> Survey:
    """Look at every mailbox of the audiences and at everybody who has left them.

    ``only`` keeps to the mailbox with this address or id and raises ``NoSuchMailbox`` if there is none; ``removing``
    wants no blocks anywhere, for that reason; ``by_heart`` asks series that are known for their dates, where that is
    enough, instead of searching calendars; ``attended`` says that a person asked, and ``ask_again`` that series are to
    be made again whose owners have deleted them twice. ``choices`` are taken instead of those on record, and
    ``choose_again`` looks for the quietest times anew. Raises ``AudienceError`` for groups that cannot be told, and
    Graph's errors where the directory cannot be read: without knowing everybody, nothing is known. A single mailbox
    that cannot be read is *unread*.
    """
    now = ports.clock.now()
    audience = await resolve(settings, ports.directory, pinned)
    placed = await ports.state.placed()
    facts = await ports.state.tenant_facts()
    chosen = Choosing() if removing else await choose(settings, audience, ports, given=choices, again=choose_again)
    brief = Brief(
        settings,
        Decisions(now),
        chosen.times,
        floors=await ports.state.floors(),
        range_end_keeps=facts is not None and facts.range_end_keeps is True,
        home=_home(audience),
        removing=removing,
    )
    errands = _errands(brief, audience, placed)
    audiences = {errand.address: errand.audiences for errand in errands}
    if only is not None:
        errands = [_the_one(errands, only)]
    groups, relearning = audience.groups, not placed
    del audience, placed  # everybody twice over, and the errands are made

    async def visit(errand: Errand) -> Look:
        errand = replace(errand, attended=attended, ask_again=ask_again)
        return await _visit(errand, ports, brief, relearning=relearning, by_heart=by_heart)

    looks = await each(errands, visit, doing="Reading calendars", progress=progress)
    return Survey(now, groups, tuple(looks), chosen, only is not None, brief.home, audiences)


def _home(audience: Audience) -> frozenset[str]:
    """The domains of the audiences' own addresses, but for those of people who belong to another tenant.

    An account of another organisation may be a member too, with an address there; its sign-in name tells. And of a
    mail address of which nobody else has the like, nothing says that it is not a private one.
    """
    people = (member.person for member in audience.members.values())
    own = [one for one in people if not one.guest and _ELSEWHERE not in one.user_principal_name.lower()]
    domains = Counter(one.address.rpartition("@")[2] for one in own)
    shared = {domain for domain, count in domains.items() if count > 1}
    return frozenset(shared | {one.user_principal_name.lower().rpartition("@")[2] for one in own})


def elsewhere(settings: Settings, found: Iterable[str | None]) -> Mapping[str, int]:
    """How many of the zones are not the organisation's, most first. Zones that Windows knows as one are one."""
    home = zones.windows(settings.organization.zone)
    others = (settings.known_as(zone) for zone in found if zone and zones.windows(zone) != home)
    return dict(Counter(others).most_common())


async def difference(errand: Errand, ports: Ports, decisions: Decisions) -> tuple[ActualCalendar, tuple[Change, ...]]:
    """Read one mailbox and tell what has to change there. Raises Graph's errors."""
    calendar = await _whole(errand, ports.calendars, decisions.now)
    if watched(errand.desired.wants):
        calendar = await _viewed(calendar, ports.calendars, decisions.now)
    while True:
        try:
            changes = decisions.of(errand, calendar)
            break
        except InstancesNeeded as needed:
            calendar = await _with_instances(calendar, needed, ports.calendars, decisions.now)
    return calendar, await _but_what_is_let_be(errand, changes, ports.state, decisions.now)


async def _but_what_is_let_be(
    errand: Errand, changes: tuple[Change, ...], state: State, now: datetime
) -> tuple[Change, ...]:
    """The changes without making again what its owner has deleted and is not asked about any more."""
    remade = [one for one in changes if isinstance(one, Create) and one.reason is Reason.REMADE]
    if not remade or errand.ask_again:
        return changes
    touches = await state.touches(errand.mailbox)
    today = zones.date_at(errand.desired.zone, now)
    soft = {want.series.block for want in errand.desired.wants if want.care.protection is Protection.SOFT}
    slots = {SlotKey(one.block, one.series.fingerprint.slot): one for one in remade}
    refused = frozenset(slot for slot in slots if not touches.may_remake(slot, today))
    if not refused <= touches.left:
        await state.touch(errand.mailbox, touches.with_left(refused))
    left = [one for slot, one in slots.items() if slot in refused or (one.block in soft and not errand.attended)]
    return tuple(one for one in changes if one not in left)


def _touched(
    found: Sequence[Held], touches: Touches, now: datetime, away: Sequence[Stretch] = (), left: Sequence[Single] = ()
) -> Touched:
    verdicts = tuple(
        (one, verdict)
        for number, one in enumerate(found)
        for verdict in judge(one, touches, away, now=now, beside=(*found[:number], *found[number + 1 :]))
    )
    back = frozenset(key for one in found for key in back_in_place(one, touches, now=now))
    again = tuple(date for one in found for date in returned(one, touches, now=now))
    standing = (DateKey(one.series.tag.block, day) for one in found for day in one.singles if day >= now.date())
    unrecorded = tuple(key for key in standing if key not in touches.answered)
    return Touched(verdicts, tuple(left), again, unrecorded, touches, back)


async def look_at_dates(
    errand: Errand, calendar: ActualCalendar, ports: Ports, decisions: Decisions, *, closely: bool = False
) -> Touched:
    """What people did with the dates of a calendar that was read whole. Raises Graph's errors.

    Where all of them stand it is asked what is remembered only to look ``closely``.
    """
    now = decisions.now
    found: list[Held] = []
    for one in held(errand.desired, calendar, now):
        ahead = one.series.ahead
        if ahead is None:
            ahead = await _ahead(errand.mailbox, one.series, ports.calendars, now)
        found.append(replace(one, series=replace(one.series, ahead=ahead)))
    left = calendar.singles if errand.gone is Reason.ERASED else orphans(errand.desired, calendar, now)
    as_it_looks = replace(calendar, series=tuple(one.series for one in found))
    touches = await ports.state.touches(errand.mailbox)
    remembers = touches.pending or touches.skipped
    if not left and not remembers and not closely and decisions.are_untouched(errand, as_it_looks):
        return Touched()
    touched = _touched(found, touches, now, left=left)
    if touched.verdicts and calendar.view is not None:
        touched = _touched(found, touches, now, calendar.view.away, left)
    elif touched.verdicts:
        days = [judged.key.day for judged in touched.judged]
        since, until = (datetime.combine(day, time.min, UTC) for day in (min(days) - _A_DAY, max(days) + 2 * _A_DAY))
        away = await ports.calendars.away(errand.mailbox, since=since, until=until)
        touched = _touched(found, touches, now, away, left)
    return touched


def _diff(errand: Errand, calendar: ActualCalendar, now: datetime) -> tuple[Change, ...]:
    if errand.gone is Reason.ERASED:
        return erased(calendar)
    wanted = errand.where_it_stands(calendar, now).desired
    return diff(wanted, calendar, now=now, memory=errand.memory, gone=errand.gone)


async def _by_heart(errand: Errand, ports: Ports, decisions: Decisions) -> tuple[ActualCalendar, Touched | None] | None:
    """The mailbox by what is known of it and the coming dates of each of its series.

    None where that does not tell all: nothing is known, or not for a week; a series is gone or has none of its dates
    left, or Graph takes its id for none, as in a mailbox that was made anew; or something would have to change or be
    done about a date, which is decided by the whole calendar only.
    """
    now = decisions.now
    known = await ports.state.known(errand.mailbox)
    if known is None or now - known.read > WHOLE_READ_HOLDS:
        return None
    calendar = ActualCalendar(errand.mailbox, known.series)
    found: list[ActualSeries] = []
    try:
        if watched(errand.desired.wants):
            calendar = await _viewed(calendar, ports.calendars, now)
        for series in errand.live(calendar, now):
            ahead = series.ahead
            if ahead is None:
                ahead = await _ahead(errand.mailbox, series, ports.calendars, now)
            to_come = any(one.ends > now for one in ahead)
            if not to_come and series.tag.last > zones.date_at(errand.desired.zone, now + HORIZON):
                return None
            found.append(replace(series, ahead=ahead))
        calendar = replace(calendar, series=tuple(found))
        if decisions.of(errand, calendar):
            return None
        errand = errand.where_it_stands(calendar, now)
    except (Gone, Unexpected, InstancesNeeded):
        return None
    if decisions.are_untouched(errand, calendar):
        return calendar, None
    away = calendar.view.away if calendar.view else ()
    touches = await ports.state.touches(errand.mailbox)
    touched = _touched(tuple(held(errand.desired, calendar, now)), touches, now, away)
    return (calendar, touched) if touched.is_settled else None


async def _whole(errand: Errand, calendars: Calendars, now: datetime) -> ActualCalendar:
    """Every series of ours, also one that Graph made and lost the tag of.

    Where a mailbox is known to have been given a slot and shows no trace of it, or none that goes on where it is
    wanted, that is the likelier explanation than a person who deleted it; otherwise nobody would ever find such a
    series again.
    """
    calendar = await calendars.read(errand.mailbox)
    if not errand.memory.placed:
        return calendar
    wanted = {want.key for want in errand.desired.wants}
    going_on = _slots(errand.live(calendar, now))
    lost = {key for key in errand.memory.placed - going_on if key in wanted or key not in _slots(calendar.series)}
    series = list(calendar.series)
    for block in sorted({key.block for key in lost}):
        used = {one.tag.generation for one in calendar.series if one.tag.block == block}
        highest = max(errand.memory.floors.get(block, 0), *used, 0)
        marks = {transaction_id(block, n): n for n in range(highest + GENERATIONS + 1) if n not in used}
        window = now - SERIES_LENGTH, now + _NO_END
        while look := await calendars.find_by_transaction(errand.mailbox, marks, since=window[0], until=window[1]):
            generation = marks.pop(look.transaction_id or "")
            if look.is_series and look.tag is None:
                tag = _guessed(look, block, generation, errand.desired)
                series.append(ActualSeries(look.event_id, look.etag, tag, now, look.range_ends, look.starts, zone=None))
    return replace(calendar, series=tuple(series))


def _slots(series: Iterable[ActualSeries]) -> frozenset[SlotKey]:
    """The slots that series were made for."""
    return frozenset(SlotKey(one.tag.block, one.tag.fingerprint.slot) for one in series)


def _guessed(look: EventLook, block: str, generation: int, desired: Desired) -> Tag:
    """The tag that a series must have lost: one with the slot that is wanted, if it stands on the very dates."""
    for want in desired.of(block):
        series = want.series
        if stands_as(look, series):
            return Tag(block, generation, series.fingerprint._replace(words=UNKNOWN.words), series.first, series.last)
    first = look.starts.astimezone(zones.rules(desired.zone)).date()
    return Tag(block, generation, UNKNOWN, first, look.range_ends or first + SERIES_LENGTH)


def stands_as(look: EventLook, series: DesiredSeries) -> bool:
    """Whether an event begins and ends on the dates of a series, at its time."""
    return look.starts == recurrence.starts(series.slot, series.first) and look.range_ends == series.last


async def _with_instances(
    calendar: ActualCalendar, needed: InstancesNeeded, calendars: Calendars, now: datetime
) -> ActualCalendar:
    """The calendar with what was found to be needed of its series' instances."""
    read: dict[str, ActualSeries] = {}
    for series in needed.ahead:
        ahead = await _ahead(calendar.mailbox, series, calendars, now)
        read[series.event_id] = replace(series, ahead=ahead)
    for series in needed.whole:
        last = max(series.tag.last, series.range_ends or series.tag.first + _NO_END)
        since, until = (datetime.combine(day, time.min, UTC) for day in (series.tag.first - _MOVABLE, last + _MOVABLE))
        instances = await calendars.instances(calendar.mailbox, series.event_id, since=since, until=until)
        read[series.event_id] = replace(read.get(series.event_id, series), instances=instances)
    return replace(calendar, series=tuple(read.get(series.event_id, series) for series in calendar.series))


async def _viewed(calendar: ActualCalendar, calendars: Calendars, now: datetime) -> ActualCalendar:
    """The calendar with all that stands in it within the horizon, the coming dates of its series included."""
    ours = frozenset(series.event_id for series in calendar.series)
    singles = frozenset(single.occurrence.event_id for single in calendar.singles)
    view = await calendars.view(calendar.mailbox, ours, since=now - _MOVABLE, until=now + HORIZON + _A_DAY)
    view = replace(view, meetings=tuple(one for one in view.meetings if one.event_id not in singles))
    series = tuple(replace(one, ahead=view.dates[one.event_id]) for one in calendar.series)
    return replace(calendar, series=series, view=view)


async def look_at_meetings(errand: Errand, calendar: ActualCalendar, ports: Ports, brief: Brief) -> tuple[OnTop, ...]:
    """The meetings on top of blocks in a calendar whose ``view`` was read. Raises Graph's errors.

    Which ones stood there first is noted when a series is first seen, for as long as it goes on; it is not known of
    later ones when they were made.
    """
    view = calendar.view
    if view is None:
        return ()
    now = brief.now
    found: list[OnTop] = []
    touches: Touches | None = None
    for one in held(errand.desired, calendar, now):
        if one.want.care.overlap is Overlap.ALLOW:
            continue
        touches = touches or await ports.state.touches(errand.mailbox)
        if not is_noted(one, touches):
            last = recurrence.midnight(one.want.series.slot.zone, one.series.tag.last + _A_DAY)
            whole = await ports.calendars.view(errand.mailbox, (), since=now, until=last)
            # Read once more: while the calendar was, somebody else may have written down what was answered.
            touches = noted(one, whole.meetings, await ports.state.touches(errand.mailbox))
            await ports.state.touch(errand.mailbox, touches)
        found += on_top(one, view.meetings, touches, view.away, home=brief.home, now=now)
    return tuple(found)


def _standing(errand: Errand, calendar: ActualCalendar, changes: Iterable[Change]) -> int:
    """How many meetings stand already where new series are to be."""
    if calendar.view is None:
        return 0
    wants = {want.key: want for want in errand.desired.wants if want.care.overlap is not Overlap.ALLOW}
    return sum(
        standing(wants[key], change.series.first, change.series.last, calendar.view.meetings)
        for change in changes
        if isinstance(change, Create) and (key := SlotKey(change.block, change.series.fingerprint.slot)) in wants
    )


async def _ahead(mailbox: str, series: ActualSeries, calendars: Calendars, now: datetime) -> tuple[Occurrence, ...]:
    """The dates of a series within the horizon, and those that may have been moved to where they are over by now."""
    return await calendars.instances(mailbox, series.event_id, since=now - _MOVABLE, until=now + HORIZON + _A_DAY)


def _errands(brief: Brief, audience: Audience, placed: Mapping[str, Placed]) -> list[Errand]:
    """An errand for every member, and one for everybody else who has been given blocks."""
    gone = brief.removing or Reason.LEFT
    nothing = brief.nothing

    @functools.cache
    def remembered(slots: frozenset[SlotKey]) -> Memory:
        return Memory(slots, brief.floors, brief.range_end_keeps)

    def memory(mailbox: str) -> Memory:
        return remembered(placed[mailbox].slots if mailbox in placed else frozenset())

    members = [
        Errand(
            member.person.id,
            member.person.address,
            nothing,
            memory(member.person.id),
            excuse=member.excuse(),
            gone=gone,
            audiences=member.audiences,
            name=member.person.name,
            declines=member.declines,
        )
        for member in audience.members.values()
    ]
    others = [
        Errand(mailbox, known.address, nothing, memory(mailbox), in_audience=False, gone=gone)
        for mailbox, known in placed.items()
        if mailbox not in audience.members
    ]
    return members + others


def _the_one(errands: list[Errand], only: str) -> Errand:
    """The errand of one mailbox, by address or id."""
    sought = only.lower()
    for errand in errands:
        if sought in (errand.address, errand.mailbox.lower()):
            return errand
    near = difflib.get_close_matches(sought, [errand.address for errand in errands], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise NoSuchMailbox(f'"{only}" is in no audience of the settings.{hint}')


async def _visit(errand: Errand, ports: Ports, brief: Brief, *, relearning: bool, by_heart: bool) -> Look:
    """Look at one mailbox. The excused are read if they are known to have blocks, or if nothing is known of anybody."""
    calendar: ActualCalendar | None = None
    changes: tuple[Change, ...] = ()
    touched: Touched | None = None
    meetings: tuple[OnTop, ...] = ()
    problem: Problem | None = None
    try:
        if errand.in_audience and not errand.excuse:
            errand = await _judged(errand, ports, brief)
        if not errand.excuse or errand.memory.placed or relearning:
            calendar, changes, touched = await _seen(errand, ports, brief.decisions, by_heart=by_heart)
            errand = errand.where_it_stands(calendar, brief.now)
            meetings = await look_at_meetings(errand, calendar, ports, brief)
    except NoMailbox as error:
        state, reason = settled(errand) if errand.excuse else (MailboxState.WAITING, _NONE[errand.in_audience])
        if errand.in_audience and not errand.excuse:
            problem = Problem.of(error)
    except GraphError as error:
        state, reason, problem = MailboxState.UNREAD, "could not be read", Problem.of(error)
    else:
        state, reason = (MailboxState.WAITING, "a change") if changes else settled(errand)
    account = Account(errand.mailbox, errand.address, state, reason, problem)
    if calendar is None:
        return Look(errand, brief.now, account)
    return Look(
        errand,
        brief.now,
        account,
        changes,
        holds=bool(errand.live(calendar, brief.now)),
        used=_used(tuple(series.tag for series in calendar.series)),
        touched=touched,
        meetings=meetings,
        standing=_standing(errand, calendar, changes),
    )


@functools.lru_cache(maxsize=1024)
def _used(tags: tuple[Tag, ...]) -> Mapping[str, int]:
    """The highest generation of each block. Kept, because most people's are alike."""
    used: dict[str, int] = {}
    for tag in tags:
        used[tag.block] = max(used.get(tag.block, 0), tag.generation)
    return used


_NONE = {True: "no mailbox yet", False: "no mailbox any more"}
"""Why a mailbox that is not there waits, by whether its owner is in the audience."""


async def _seen(
    errand: Errand, ports: Ports, decisions: Decisions, *, by_heart: bool
) -> tuple[ActualCalendar, tuple[Change, ...], Touched | None]:
    """What a mailbox holds and what has to change there; remembered where it was read whole."""
    known = await _by_heart(errand, ports, decisions) if by_heart else None
    if known is not None:
        return known[0], (), known[1]
    calendar, changes = await difference(errand, ports, decisions)
    there = errand.where_it_stands(calendar, decisions.now)
    touched = await look_at_dates(there, calendar, ports, decisions)
    await remember(there, calendar, ports.state, decisions.now)
    return calendar, changes, touched


def settled(errand: Errand) -> tuple[MailboxState, str]:
    """The state of a mailbox that holds what it should, and the reason for it."""
    if errand.excuse:
        return MailboxState.EXCUSED, errand.excuse
    if errand.in_audience and not errand.desired.wants:
        outside = any(unmet.why is Why.OUTSIDE for unmet in errand.desired.unmet)
        return MailboxState.EXCUSED, Excuse.OUTSIDE_HOURS if outside else Excuse.NO_BLOCK
    return MailboxState.HELD, ""


async def _judged(errand: Errand, ports: Ports, brief: Brief) -> Errand:
    """The errand with what is wanted in this very mailbox; excused where it is not a person's."""
    profile = await _profile(errand.mailbox, ports, brief.now)
    if profile.purpose not in PEOPLE:
        return replace(errand, excuse=_EXCUSE_OF[profile.purpose])
    return replace(errand, desired=brief.wanted(errand.audiences, profile, errand.declines), zone=profile.zone)


async def _profile(mailbox: str, ports: Ports, now: datetime) -> Profile:
    """What the mailbox says of itself, asked once a week; and before its zone counts as where the person lives now."""
    before = await ports.state.profile(mailbox)
    if before is not None and now - before.at <= PROFILE_HOLDS:
        since = before.profile.zone_since
        if since is None or not before.at < since + SETTLED_IN <= now:
            return before.profile
    profile = await ports.calendars.profile(mailbox)
    same = before is not None and before.profile.zone == profile.zone
    profile = replace(profile, zone_since=before.profile.zone_since if before and same else now)
    await ports.state.learn(mailbox, Learned(profile, now))
    return profile


async def remember(errand: Errand, calendar: ActualCalendar, state: State, now: datetime) -> None:
    """Keep in mind which slots a mailbox has, also where they were found again after the state was lost.

    A slot that is wanted and missing stays in mind: it has been taken away, which is not the same as being new. The
    series are kept, so that the next sweep can ask for them by their ids.
    """
    live = errand.live(calendar, now)
    wanted = {want.key for want in errand.desired.wants}
    slots = _slots(live) | (errand.memory.placed & wanted)
    if slots != errand.memory.placed:
        await state.place(Placed(errand.mailbox, errand.address, slots))
    series = tuple(replace(one, etag="", instances=None, ahead=None) for one in live)
    before = await state.known(errand.mailbox)
    if before is None and not series:
        return
    if before is None or before.series != series or now - before.read > WHOLE_READ_HOLDS / 2:
        await state.know(errand.mailbox, Known(now, series) if series else None)
