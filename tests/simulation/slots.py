"""What somebody should have, day by day: told from the file, the directory and what their mailbox says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sandbox.event import Event
from tests.simulation.almanac import IANA, WINDOWS, all_dates, date_at, instant, is_off, span
from tests.simulation.office import Block, Choice, Day, File, Holidays

SETTLED = timedelta(days=28)
"""How long a mailbox has to be in another zone before a block follows it there."""

_A_DAY = timedelta(days=1)
_A_WEEK = timedelta(weeks=1)
_A_YEAR = timedelta(days=370)
_TWO_YEARS = timedelta(weeks=104)
_FIVE_YEARS = timedelta(days=5 * 365)
_SATURDAY = 5


class Hours(NamedTuple):
    """When somebody works: days from Monday, by the clock of a zone given by its IANA name."""

    days: frozenset[int]
    starts: time
    ends: time
    zone: str

    def hold(self, begins: datetime, ends: datetime, *, any_day: bool) -> bool:
        """Whether a stretch of time is within them."""
        begin, end = (at.astimezone(ZoneInfo(self.zone)) for at in (begins, ends))
        same_day = begin.date() == end.date() and (any_day or begin.weekday() in self.days)
        return same_day and self.starts <= begin.time() and end.time() <= self.ends

    def are_on(self, begins: datetime) -> bool:
        """Whether an instant is on one of their days, early or late as it may be."""
        return begins.astimezone(ZoneInfo(self.zone)).weekday() in self.days


class Told(NamedTuple):
    """What a mailbox said of itself when it was last asked, at an instant, and since when it has said that zone."""

    at: datetime
    zone: str
    since: datetime
    hours: Hours

    def is_new(self, now: datetime) -> bool:
        """Whether it has been in its zone too short a time for blocks to follow."""
        return now - self.since < SETTLED


@dataclass(frozen=True, slots=True)
class Slot:
    """One day of a block for one person, at a time of a zone given by its IANA name.

    ``hours`` are those it keeps to, if any, ``others`` what else this person has, which a date does not move onto, and
    ``before`` those among them whose dates have moved first.
    """

    block: Block
    day: Day
    at: time
    zone: str
    off: Holidays
    hours: Hours | None = None
    others: tuple[Slot, ...] = ()
    before: tuple[Slot, ...] = ()

    def __str__(self) -> str:
        return f"{self.block.id} on {self.day}"

    @property
    def rule(self) -> Sequence[date]:
        """Its dates without beginning or end."""
        return all_dates(self.day, self.block.every.count, self.block.every.unit, self.block.since)

    def dates(self, first: date, last: date) -> Sequence[date]:
        """Its dates from ``first`` to ``last``, days off included."""
        return span(self.rule, max(first, self.block.since), min(last, self.block.until or last))

    def times(self, day: date) -> tuple[datetime, datetime]:
        """When it begins and ends on a day, by the wall clock."""
        starts = datetime.combine(day, self.at)
        return instant(starts, self.zone), instant(starts + timedelta(minutes=self.block.minutes), self.zone)

    def is_off(self, day: date) -> bool:
        """Whether there is no learning time on a day: dates that come round to all weekdays are not always worked."""
        if day.weekday() >= _SATURDAY and not self.block.weekend:
            return True
        return is_off(day, self.off) or (isinstance(self.day, int) and not self.is_worked(day))

    def is_worked(self, day: date) -> bool:
        """Whether somebody works on a day."""
        return self.hours is None or self.hours.are_on(self.times(day)[0])

    def destination(self, day: date, not_before: datetime) -> date | None:
        """The day of the same week to which a date moves that is off: the nearest that is free, of two the earlier."""
        if self.block.holiday == "skip":
            return None
        monday = day - timedelta(days=day.weekday())
        week = [monday + timedelta(days=number) for number in range(7)]
        free = [other for other in week if self._is_free(other, not_before)]
        return min(free, key=lambda other: (abs(other - day), other), default=None)

    def _is_free(self, day: date, not_before: datetime) -> bool:
        """Whether a date can move to a day."""
        if self.is_off(day) or not self.is_worked(day) or self.times(day)[0] < not_before:
            return False
        if day in span(self.rule, day, day) or not self.block.since <= day <= (self.block.until or day):
            return False
        if any(_share(self, day, other) for other in self.others):
            return False
        return not any(_share_moved(self, day, other, not_before) for other in self.before)

    def stands(self, day: date, not_before: datetime) -> bool:
        """Whether there is learning time for one of its dates, on that day or one it moves to."""
        return not self.is_off(day) or self.destination(day, not_before) is not None

    def goes_on(self, after: datetime) -> bool:
        """Whether a date of it that stands begins later than that."""
        today = date_at(after, self.zone)
        coming = self.dates(today, max(today, self.block.since) + _TWO_YEARS)
        return any(self.times(day)[0] > after and self.stands(day, after) for day in coming)

    def fits(self, event: Event) -> bool:
        """Whether a series stands on these days at this time, for as long as it goes."""
        rule, when = event.recurrence, event.when
        if rule is None or when.zone != WINDOWS[self.zone] or when.starts.time() != self.at:
            return False
        if when.ends - when.starts != timedelta(minutes=self.block.minutes):
            return False
        mine = span(self.rule, rule.starts_on, rule.starts_on + _TWO_YEARS)[:3]
        return list(islice(rule.rule_dates(), 3)) == list(mine)


Choices = Mapping[Choice, time]
"""The times that were chosen."""


@dataclass(frozen=True, slots=True)
class Person:
    """What of somebody decides what they should have.

    ``inside`` are their audiences, ``told`` what their mailbox says, None where nobody has asked; ``live`` are the
    series they have, each with its block, oldest first, where they are not to be followed into another zone yet.
    """

    inside: frozenset[str]
    told: Told | None = None
    live: tuple[tuple[str, Event], ...] = ()


def wanted(file: File, person: Person, choices: Choices, after: datetime) -> list[Slot]:
    """What somebody should have, of which dates begin later than ``after``, in the file's order."""
    found: list[Slot] = []
    told = person.told
    for slot in _asked(file, person.inside, told and told.zone, told and told.hours, frozenset(choices.items())):
        ways = _ways(slot, person.live)
        for number, way in enumerate(ways):
            works = any(_is_within(other) for other in ways[number:])
            if works and way.goes_on(after) and not any(_meet(way, other) for other in found):
                found.append(way)
                break
    aware: list[Slot] = []
    for slot in found:
        before = tuple(other for other in aware if other.block.holiday == "move")
        aware.append(replace(slot, others=tuple(other for other in found if other is not slot), before=before))
    return aware


def _ways(slot: Slot, live: Sequence[tuple[str, Event]]) -> list[Slot]:
    """Where a slot may stand: where it does, or the newest of its block, if that is not to be left; else by its clock.

    A traveller who works at neither time is not to have it.
    """
    if slot.block.zone != "mailbox":
        return [slot]
    there = [(event, replace(slot, zone=IANA[event.when.zone])) for block, event in live if block == slot.block.id]
    own = [way for event, way in there if way.fits(event)]
    return [*[*(way for _, way in there), *own][-1:], slot]


@lru_cache(maxsize=1024)
def _asked(
    file: File,
    inside: frozenset[str],
    zone: str | None,
    hours: Hours | None,
    choices: frozenset[tuple[Choice, time]],
) -> tuple[Slot, ...]:
    """Every slot that the file has for somebody, whether they get it or not."""
    chosen = dict(choices)
    found: list[Slot] = []
    for block in file.blocks:
        audience = next((name for name in block.audiences if name in inside), None)
        for day in block.every.days if audience else ():
            at = block.at if isinstance(block.at, time) else chosen.get((block.id, audience, day))
            where = zone if zone and block.zone == "mailbox" else file.zone
            kept = hours if block.outside == "excuse" else None
            if at is not None:
                found.append(Slot(block, day, at, where, file.days_off(audience), kept))
    return tuple(found)


@lru_cache(maxsize=1024)
def _is_within(slot: Slot) -> bool:
    """Whether somebody works then all year round, on whichever days it is."""
    year = span(slot.rule, slot.block.since, slot.block.since + _A_YEAR)
    any_day = isinstance(slot.day, int)
    return slot.hours is None or all(slot.hours.hold(*slot.times(day), any_day=any_day) for day in year)


@lru_cache(maxsize=1024)
def _meet(one: Slot, other: Slot) -> bool:
    """Whether both ever want the same time."""
    since = max(one.block.since, other.block.since)
    return any(_share(one, day, other) for day in one.dates(since, since + _FIVE_YEARS))


def _share(slot: Slot, day: date, other: Slot) -> bool:
    """Whether a slot, were it on this day, shared time with a date of another."""
    return any(_collide(slot, day, other, one) for one in other.dates(day - _A_DAY, day + _A_DAY))


def _share_moved(slot: Slot, day: date, other: Slot, not_before: datetime) -> bool:
    """Whether a slot, were it on this day, shared time with a date that another has moved."""
    moved = (
        other.destination(one, not_before) for one in other.dates(day - _A_WEEK, day + _A_WEEK) if other.is_off(one)
    )
    return any(to is not None and _collide(slot, day, other, to) for to in moved)


def _collide(slot: Slot, day: date, other: Slot, another: date) -> bool:
    """Whether two slots, each on a day, shared time."""
    (begins, ends), (starts, over) = slot.times(day), other.times(another)
    return starts < ends and begins < over
