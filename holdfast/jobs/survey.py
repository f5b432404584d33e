"""Looking at everybody: who is in the audiences, what their calendars hold, and what would have to change.

Reads only. ``plan``, ``apply``, ``sweep`` and ``remove`` all begin here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import SERIES_LENGTH, UNTOUCHED, Desired, Want, desired
from holdfast.core.diff import InstancesNeeded, Memory, diff
from holdfast.core.errors import GraphError, NoMailbox
from holdfast.core.model import ActualCalendar, ActualSeries, DesiredSeries, EventLook, Purpose, Tag
from holdfast.core.plan import Change, Create, Plan, Planned, Reason, guard
from holdfast.core.report import Account, Excuse, MailboxState, Problem, Report
from holdfast.core.settings import Settings
from holdfast.core.tag import UNKNOWN, transaction_id
from holdfast.jobs.audience import Audience, resolve
from holdfast.jobs.crowd import each
from holdfast.jobs.ports import Calendars, Placed, Ports, Progress, State

PURPOSE_HOLDS = timedelta(days=7)
"""How long what a mailbox is for is believed without asking again."""

_MOVABLE = timedelta(days=7)
"""How far from its date a person can move an occurrence: Graph refuses to let it reach its neighbour's day."""

GENERATIONS = 5
"""How many generations are tried where Graph refuses a create as a duplicate and nothing of ours is to be found."""

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

    def live(self, calendar: ActualCalendar, at: datetime) -> list[ActualSeries]:
        """The series that are not over, by the date where the organisation is: what ``diff`` goes by too."""
        today = zones.date_at(self.desired.zone, at)
        return [series for series in calendar.series if series.is_open(today)]


@dataclass(frozen=True, slots=True)
class Look:
    """What one mailbox turned out to hold. ``calendar`` is None where it was not, or could not be, read."""

    errand: Errand
    at: datetime
    account: Account
    calendar: ActualCalendar | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How carrying out the changes left one mailbox, and how many writes were sent to it."""

    account: Account
    writes: int


@dataclass(frozen=True, slots=True)
class Survey:
    """Everybody at one instant."""

    at: datetime
    audience: Audience
    looks: tuple[Look, ...]

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
            if any(isinstance(change, Create) for change in look.changes)
            or (look.calendar and look.errand.live(look.calendar, self.at))
        }

    def check_guard(self, settings: Settings, complete: frozenset[str]) -> None:
        """Refuse an unusually large plan: raises ``UnsafePlan``. ``complete`` are blocks once applied to everybody."""
        limits = settings.guard
        guard(self.plan, managed=self.managed, complete=complete, share=limits.share, count=limits.count)

    def report(self, job: str, ended: datetime, outcomes: Iterable[Outcome] = (), *, note: str = "") -> Report:
        """The account of everybody: as they were seen, or as ``outcomes`` left them."""
        left = {outcome.account.mailbox: outcome for outcome in outcomes}
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
            writes=sum(outcome.writes for outcome in left.values()),
            planned_writes=self.plan.writes,
            note=note,
        )


async def survey(
    settings: Settings,
    ports: Ports,
    *,
    pinned: Mapping[str, tuple[str, str]],
    only: str | None = None,
    removing: bool = False,
    progress: Progress | None = None,
) -> Survey:
    """Look at every mailbox of the audiences and at everybody who has left them.

    ``only`` keeps to the mailbox with this address or id and raises ``NoSuchMailbox`` if there is none; ``removing``
    wants no blocks anywhere. Raises ``AudienceError`` for groups that cannot be told, and Graph's errors where the
    directory cannot be read: without knowing everybody, nothing is known. A single mailbox that cannot be read is
    *unread*.
    """
    now = ports.clock.now()
    audience = await resolve(settings, ports.directory, pinned)
    placed = await ports.state.placed()
    floors = await ports.state.floors()
    purposes = await ports.state.purposes(since=now - PURPOSE_HOLDS)
    errands = _errands(settings, audience, placed, floors, now, removing=removing)
    if only is not None:
        errands = [_the_one(errands, only)]

    async def visit(errand: Errand) -> Look:
        look = await _visit(errand, ports, purposes, now, relearning=not placed)
        if look.calendar is not None:
            await remember(look.errand, look.calendar, ports.state, now)
        return look

    looks = await each(errands, visit, doing="Reading calendars", progress=progress)
    return Survey(now, audience, tuple(looks))


async def difference(errand: Errand, calendars: Calendars, now: datetime) -> tuple[ActualCalendar, tuple[Change, ...]]:
    """Read one mailbox and tell what has to change there. Raises Graph's errors."""
    calendar = await _whole(errand, calendars, now)
    while True:
        try:
            changes = diff(errand.desired, calendar, now=now, memory=errand.memory, gone=errand.gone)
        except InstancesNeeded as needed:
            calendar = await _with_instances(calendar, needed, calendars)
        else:
            return calendar, changes


async def _whole(errand: Errand, calendars: Calendars, now: datetime) -> ActualCalendar:
    """Every series of ours, also one that Graph made and lost the tag of.

    Where a mailbox is known to have been given a block and shows no trace of it, that is the likelier explanation than
    a person who deleted it; otherwise nobody would ever find such a series again.
    """
    calendar = await calendars.read(errand.mailbox)
    traceless = errand.memory.placed - {one.tag.block for one in calendar.series}
    if not traceless:
        return calendar
    series = list(calendar.series)
    for block in sorted(traceless):
        generations = range(errand.memory.floors.get(block, 0) + GENERATIONS)
        marks = {transaction_id(block, generation): generation for generation in generations}
        look = await calendars.find_by_transaction(
            errand.mailbox, marks, since=now - SERIES_LENGTH, until=now + _NO_END
        )
        if look is not None and look.is_series and look.tag is None and look.transaction_id:
            tag = _guessed(look, block, marks[look.transaction_id], errand.desired)
            series.append(ActualSeries(look.event_id, look.etag, tag, now, look.range_ends))
    return replace(calendar, series=tuple(series))


def _guessed(look: EventLook, block: str, generation: int, desired: Desired) -> Tag:
    """The tag that a series must have lost: one with the slot that is wanted, if it stands on the very dates."""
    for want in desired.wants:
        series = want.series
        if series.block == block and stands_as(look, series):
            return Tag(block, generation, series.fingerprint._replace(words=UNKNOWN.words), series.first, series.last)
    first = look.starts.astimezone(zones.rules(desired.zone)).date()
    return Tag(block, generation, UNKNOWN, first, look.range_ends or first + SERIES_LENGTH)


def stands_as(look: EventLook, series: DesiredSeries) -> bool:
    """Whether an event begins and ends on the dates of a series, at its time."""
    return look.starts == recurrence.starts(series.slot, series.first) and look.range_ends == series.last


def as_of(wanted: Desired, now: datetime) -> Desired:
    """What is wanted, told anew: a date that has begun since it was first told is not to be placed any more."""
    wants: list[Want] = []
    over = list(wanted.over)
    for want in wanted.wants:
        soonest = recurrence.next_date_after(want.series.slot, now + UNTOUCHED)
        series = want.from_day(max(soonest, want.since))
        if series is None:
            over.append(want.series.block)
        else:
            wants.append(replace(want, series=series))
    return replace(wanted, wants=tuple(wants), over=tuple(over))


async def _with_instances(calendar: ActualCalendar, needed: InstancesNeeded, calendars: Calendars) -> ActualCalendar:
    """The calendar with these series' instances, over all the time that they may stretch."""
    read: dict[str, ActualSeries] = {}
    for series in needed.series:
        last = max(series.tag.last, series.range_ends or series.tag.first + _NO_END)
        since, until = (datetime.combine(day, time.min, UTC) for day in (series.tag.first - _MOVABLE, last + _MOVABLE))
        instances = await calendars.instances(calendar.mailbox, series.event_id, since=since, until=until)
        read[series.event_id] = replace(series, instances=instances)
    return replace(calendar, series=tuple(read.get(series.event_id, series) for series in calendar.series))


def _errands(
    settings: Settings,
    audience: Audience,
    placed: Mapping[str, Placed],
    floors: Mapping[str, int],
    now: datetime,
    *,
    removing: bool,
) -> list[Errand]:
    """An errand for every member, and one for everybody else who has been given blocks."""
    gone = Reason.REMOVED if removing else Reason.LEFT
    nothing = Desired(known=frozenset(block.id for block in settings.blocks), zone=settings.organization.zone)
    wanted: dict[frozenset[str], Desired] = {}
    errands: list[Errand] = []
    for member in audience.members.values():
        person = member.person
        had = placed[person.id].blocks if person.id in placed else frozenset()
        excuse = member.excuse()
        audiences = frozenset(member.audiences)
        if audiences not in wanted:
            wanted[audiences] = nothing if removing else desired(settings, audiences, now)
        wants = nothing if excuse else wanted[audiences]
        errands.append(Errand(person.id, person.address, wants, Memory(had, floors), excuse=excuse, gone=gone))
    for mailbox, known in placed.items():
        if mailbox not in audience.members:
            memory = Memory(known.blocks, floors)
            errands.append(Errand(mailbox, known.address, nothing, memory, in_audience=False, gone=gone))
    return errands


def _the_one(errands: list[Errand], only: str) -> Errand:
    """The errand of one mailbox, by address or id."""
    sought = only.lower()
    for errand in errands:
        if sought in (errand.address, errand.mailbox.lower()):
            return errand
    near = difflib.get_close_matches(sought, [errand.address for errand in errands], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise NoSuchMailbox(f'"{only}" is in no audience of the settings.{hint}')


async def _visit(
    errand: Errand, ports: Ports, purposes: Mapping[str, Purpose], now: datetime, *, relearning: bool
) -> Look:
    """Look at one mailbox. The excused are read if they are known to have blocks, or if nothing is known of anybody."""
    calendar: ActualCalendar | None = None
    changes: tuple[Change, ...] = ()
    problem: Problem | None = None
    try:
        if errand.in_audience and not errand.excuse:
            errand = await _judged(errand, ports, purposes, now)
        if not errand.excuse or errand.memory.placed or relearning:
            calendar, changes = await difference(errand, ports.calendars, now)
    except NoMailbox as error:
        if errand.excuse:
            state, reason = settled(errand)
        elif errand.in_audience:
            state, reason, problem = MailboxState.WAITING, "no mailbox yet", Problem.of(error)
        else:
            state, reason = MailboxState.WAITING, "no mailbox any more"
    except GraphError as error:
        state, reason, problem = MailboxState.UNREAD, "could not be read", Problem.of(error)
    else:
        state, reason = (MailboxState.WAITING, "a change") if changes else settled(errand)
    account = Account(errand.mailbox, errand.address, state, reason, problem)
    return Look(errand, now, account, calendar, changes)


def settled(errand: Errand) -> tuple[MailboxState, str]:
    """The state of a mailbox that holds what it should, and the reason for it."""
    if errand.excuse:
        return MailboxState.EXCUSED, errand.excuse
    if errand.in_audience and not errand.desired.wants:
        return MailboxState.EXCUSED, Excuse.NO_BLOCK
    return MailboxState.HELD, ""


async def _judged(errand: Errand, ports: Ports, purposes: Mapping[str, Purpose], now: datetime) -> Errand:
    """The errand, excused where the mailbox is not a person's."""
    purpose = purposes.get(errand.mailbox)
    if purpose is None:
        purpose = await ports.calendars.purpose(errand.mailbox)
        await ports.state.learn_purpose(errand.mailbox, purpose, now)
    excuse = _EXCUSE_OF.get(purpose)
    if excuse is None:
        return errand
    return replace(errand, excuse=excuse, desired=replace(errand.desired, wants=(), displaced=(), over=()))


async def remember(errand: Errand, calendar: ActualCalendar, state: State, now: datetime) -> None:
    """Keep in mind which blocks a mailbox has, also where they were found again after the state was lost.

    A block that is wanted and missing stays in mind: it has been taken away, which is not the same as being new.
    """
    live = {series.tag.block for series in errand.live(calendar, now)}
    wanted = {want.series.block for want in errand.desired.wants}
    blocks = frozenset(live | (errand.memory.placed & wanted))
    if blocks != errand.memory.placed:
        await state.place(Placed(errand.mailbox, errand.address, blocks))
