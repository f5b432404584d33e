"""One mailbox in a run: what it should hold, what it turned out to hold, and what is decided once for all alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from holdfast.core import zones
from holdfast.core.desired import (
    ANYBODY,
    SETTLED_IN,
    Choices,
    Desired,
    desired,
    in_their_zones,
)
from holdfast.core.diff import Memory, diff, erased, originals
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    Occurrence,
    Profile,
    Single,
    SlotKey,
)
from holdfast.core.overlap import OnTop
from holdfast.core.plan import Change, Reason
from holdfast.core.protection import Held, Judged, Verdict, held, judge
from holdfast.core.report import Account, Excuse
from holdfast.core.settings import Settings
from holdfast.core.touches import DateKey, Touches
from holdfast.jobs.ports import Placed


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
            changes = _difference(errand, calendar, self.now)
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


def _difference(errand: Errand, calendar: ActualCalendar, now: datetime) -> tuple[Change, ...]:
    if errand.gone is Reason.ERASED:
        return erased(calendar)
    wanted = errand.where_it_stands(calendar, now).desired
    return diff(wanted, calendar, now=now, memory=errand.memory, gone=errand.gone)


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
    record: Placed | None = None
    """What is on record of the mailbox; None where nothing is."""

    def placed(self, slots: frozenset[SlotKey]) -> Placed:
        """What there is to put on record of the mailbox, once it has these slots."""
        return Placed(self.mailbox, self.address, slots, self.audiences, self.declines, self.name)

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
    when it was judged.
    """

    verdicts: tuple[tuple[Held, Judged], ...] = ()
    orphans: tuple[Single, ...] = ()
    returned: tuple[Occurrence, ...] = ()
    unrecorded: tuple[DateKey, ...] = ()
    remembered: Touches = field(default_factory=Touches)

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
