"""A mailbox that does what a plan says, and a person who does as they please with it.

Dates are expanded with dateutil, and plans carried out by another reading of ``plan.py`` than ``jobs/reconcile.py``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import MO, MONTHLY, WEEKLY, rrule, weekday

from holdfast.core.desired import Want
from holdfast.core.diff import InstancesNeeded
from holdfast.core.model import ActualCalendar, ActualSeries, Fingerprint, Landing, Occurrence, Rule, Slot, Tag, Weekly
from holdfast.core.plan import Change, Create, End, Move, Rewrite, Skip

MAILBOX = "0b1e5c2f-0000-4000-8000-000000000001"
FINGERPRINT = Fingerprint("51", "52")
RUNWAY = timedelta(weeks=13)
SEEN_AHEAD = timedelta(weeks=13, days=1)


def recurring(rule: Rule, begins: date, last: date) -> Iterator[date]:
    """The dates of a recurrence that begins on ``begins``, as Exchange counts it: intervals from there on."""
    which: dict[str, Any]
    if isinstance(rule, Weekly):
        which = {"freq": WEEKLY, "byweekday": int(rule.weekday)}
    elif isinstance(rule.day, int):
        which = {"freq": MONTHLY, "bymonthday": rule.day}
    else:
        which = {"freq": MONTHLY, "byweekday": weekday(rule.day.weekday)(rule.day.position)}
    found = rrule(dtstart=_midnight(begins), until=_midnight(last), interval=rule.interval, wkst=MO, **which)
    return (at.date() for at in found)


def dates(rule: Rule, first: date, last: date) -> list[date]:
    """Every date of a rule from ``first`` to ``last``, both included."""
    return [day for day in recurring(rule, _in_phase(rule, first), last) if day >= first]


def _in_phase(rule: Rule, day: date) -> date:
    """The first day of a week or month that the rule counts, not after ``day``."""
    if isinstance(rule, Weekly):
        # Weeks are numbered from Monday 1 January of the year 1 on.
        begins = _midnight(day) + relativedelta(weekday=MO(-1))
        while ((begins.date() - date.min).days // 7 - rule.phase) % rule.interval:
            begins -= relativedelta(weeks=1)
    else:
        begins = _midnight(day) + relativedelta(day=1)
        while (begins.year * 12 + begins.month - 1 - rule.phase) % rule.interval:
            begins -= relativedelta(months=1)
    return begins.date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)


def at_wall(slot: Slot, day: date) -> tuple[datetime, datetime]:
    """When a slot begins and ends on a day, by the clock on the wall of its zone."""
    wall, zone = datetime.combine(day, slot.at), ZoneInfo(slot.zone)
    begins, ends = (at.replace(tzinfo=zone).astimezone(UTC) for at in (wall, wall + timedelta(minutes=slot.minutes)))
    return begins, ends


def expand(event_id: str, slot: Slot, first: date, last: date) -> tuple[Occurrence, ...]:
    """The occurrences of a series, by dateutil's reckoning."""
    occurrences = []
    for day in recurring(slot.rule, first, last):
        starts, ends = at_wall(slot, day)
        occurrences.append(Occurrence(f"{event_id}.{day}", starts, ends, starts))
    return tuple(occurrences)


def a_series(
    slot: Slot,
    first: date,
    last: date,
    *,
    block: str = "lartimmen",
    generation: int = 0,
    fingerprint: Fingerprint = FINGERPRINT,
    event_id: str = "",
    created: datetime = datetime(2026, 1, 1, tzinfo=UTC),
) -> ActualSeries:
    """A series as it would be read, instances and all."""
    event_id = event_id or f"{block}-{generation}"
    instances = expand(event_id, slot, first, last)
    return ActualSeries(
        event_id=event_id,
        etag=f'W/"{event_id}"',
        tag=Tag(block, generation, fingerprint, first, last),
        created=created,
        range_ends=last,
        starts=datetime.combine(first, slot.at, ZoneInfo(slot.zone)).astimezone(UTC),
        zone=slot.zone,
        instances=instances,
        ahead=instances,
    )


def originals(calendar: ActualCalendar) -> list[ActualSeries]:
    """Of the series with one tag, the oldest; the others are copies that a person made."""
    oldest: dict[tuple[str, int], ActualSeries] = {}
    for series in calendar.series:
        key = (series.tag.block, series.tag.generation)
        known = oldest.get(key)
        if known is None or (series.created, series.event_id) < (known.created, known.event_id):
            oldest[key] = series
    return list(oldest.values())


def holds_every_date_once(calendar: ActualCalendar, want: Want, today: date) -> None:
    """Each date of a slot that stands is in one series, for the runway at least; none is in two or after the end."""
    spans = [s.tag for s in originals(calendar) if (s.tag.block, s.tag.fingerprint.slot) == want.key]
    goes_on = any(tag.last >= today + RUNWAY for tag in spans)
    enough = today + RUNWAY if goes_on else max(today + RUNWAY, want.series.first)
    for day in dates(want.series.slot.rule, want.series.first, today + timedelta(days=900)):
        claims = sum(tag.first <= day <= tag.last for tag in spans)
        over = want.until is not None and day > want.until
        assert claims <= (0 if over else 1), day
        if not over and day <= enough and want.stands(day):
            assert claims == 1, day


@dataclass
class World:
    """One mailbox, what was ever created in it and how many writes that took."""

    calendar: ActualCalendar = field(default_factory=lambda: ActualCalendar(MAILBOX))
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    writes: int = 0

    def series(self, event_id: str) -> ActualSeries:
        return next(series for series in self.calendar.series if series.event_id == event_id)

    def put(self, *series: ActualSeries) -> None:
        self.calendar = replace(self.calendar, series=(*self.calendar.series, *series))

    def take(self, event_id: str) -> None:
        assert self.series(event_id)
        self.calendar = replace(
            self.calendar, series=tuple(series for series in self.calendar.series if series.event_id != event_id)
        )

    def change(self, event_id: str, **values: object) -> None:
        if "instances" in values:
            values = {**values, "ahead": values["instances"]}
        changed = replace(self.series(event_id), **values)  # type: ignore[arg-type]
        self.calendar = replace(
            self.calendar, series=tuple(changed if s.event_id == event_id else s for s in self.calendar.series)
        )

    def new_id(self) -> str:
        return f"event-{next(self.numbers):04}"

    def carry_out(self, changes: Iterable[Change], now: datetime) -> None:
        for change in changes:
            match change:
                case Create():
                    self.create(change, now)
                case Skip() | Move():
                    self.land(change.actual.event_id, change.occurrence.event_id, change.landing, change.slot)
                case Rewrite():
                    self.write(change.actual.event_id, tag=change.tag)
                case End(whole=True):
                    self.take(change.actual.event_id)
                    self.writes += 1
                case End():
                    self.end(change)

    def create(self, change: Create, now: datetime) -> None:
        series = change.series
        made = a_series(series.slot, series.first, series.last, event_id=self.new_id(), created=now)
        assert made.instances, "an empty series"
        days = [one.starts.astimezone(ZoneInfo(series.slot.zone)).date() for one in made.instances]
        assert (days[0], days[-1]) == (series.first, series.last)
        self.put(replace(made, tag=change.tag))
        self.writes += 1
        for landing in change.landings:
            self.land(made.event_id, f"{made.event_id}.{landing.day}", landing, series.slot)

    def end(self, change: End) -> None:
        """Date by date between two changes of the tag, or by one change of the range after what it would leave."""
        event_id = change.actual.event_id
        if change.occurrences and not change.actual.tag.ending:
            self.write(event_id, tag=replace(change.tag, ending=True))
        for occurrence in change.occurrences:
            self.forget(event_id, occurrence)
            self.writes += 1
        if change.range_end is not None:
            self.cut(event_id, change.range_end)
        self.write(event_id, tag=change.tag)

    def write(self, event_id: str, **values: object) -> None:
        self.change(event_id, **values)
        self.writes += 1

    def land(self, event_id: str, occurrence: str, landing: Landing, slot: Slot) -> None:
        """Take a date out, or put it on another day at the slot's hours."""
        self.writes += 1
        if landing.to is None:
            self.forget(event_id, occurrence)
            return
        [there] = (one for one in self.series(event_id).instances or () if one.event_id == occurrence)
        self.move(event_id, occurrence, at_wall(slot, landing.to)[0] - there.starts)

    def forget(self, event_id: str, occurrence: str) -> None:
        """Delete one occurrence, which leaves a gap."""
        instances = self.series(event_id).instances or ()
        assert any(instance.event_id == occurrence for instance in instances)
        self.change(event_id, instances=tuple(i for i in instances if i.event_id != occurrence))

    def move(self, event_id: str, occurrence: str, by: timedelta) -> None:
        """Drag one occurrence somewhere else, which makes it an exception."""
        self.change(
            event_id,
            instances=tuple(
                replace(i, starts=i.starts + by, ends=i.ends + by, is_exception=True) if i.event_id == occurrence else i
                for i in self.series(event_id).instances or ()
            ),
        )

    def copy(self, event_id: str, now: datetime, by: timedelta = timedelta(days=1)) -> str:
        """Copy a whole series, which copies its tag."""
        series = self.series(event_id)
        copy = self.new_id()
        instances = tuple(
            Occurrence(f"{copy}.{i.event_id}", i.starts + by, i.ends + by, i.original_starts + by)
            for i in series.instances or ()
        )
        self.put(replace(series, event_id=copy, etag="1", created=now, instances=instances))
        return copy

    def cut(self, event_id: str, last: date) -> None:
        """Delete this and all following, which cuts the range."""
        series = self.series(event_id)
        midnight = datetime.combine(last + timedelta(days=1), time.min, ZoneInfo(series.zone or "UTC"))
        kept = tuple(i for i in series.instances or () if i.original_starts < midnight)
        self.change(event_id, range_ends=last, instances=kept)


def looked_at(calendar: ActualCalendar, now: datetime) -> ActualCalendar:
    """The calendar with all that can be read of it: every instance, and those that Graph shows of the coming weeks."""
    series = (replace(one, ahead=_ahead(one, now)) for one in calendar.series)
    return replace(calendar, series=tuple(series))


def unread(calendar: ActualCalendar) -> ActualCalendar:
    """The calendar as it is read at first: masters without their instances."""
    return replace(calendar, series=tuple(replace(series, instances=None, ahead=None) for series in calendar.series))


def with_what_is_needed(bare: ActualCalendar, whole: ActualCalendar, needed: InstancesNeeded) -> ActualCalendar:
    """The calendar ``bare`` with what was asked for of ``whole``, and nothing else."""
    ends, ahead = ({one.event_id for one in some} for some in (needed.whole, needed.ahead))
    there = {one.event_id: one for one in whole.series}
    series = (
        replace(
            one,
            instances=there[one.event_id].instances if one.event_id in ends else one.instances,
            ahead=there[one.event_id].ahead if one.event_id in ahead else one.ahead,
        )
        for one in bare.series
    )
    return replace(bare, series=tuple(series))


def _ahead(series: ActualSeries, now: datetime) -> tuple[Occurrence, ...]:
    return tuple(one for one in series.instances or () if one.ends > now and one.starts < now + SEEN_AHEAD)


def needed(error: InstancesNeeded) -> set[str]:
    return {series.event_id for series in error.whole}
