"""A mailbox that does what a plan says, and a person who does as they please with it.

Dates are expanded with dateutil, and plans carried out by another reading of ``plan.py`` than ``jobs/reconcile.py``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import WEEKLY, rrule

from holdfast.core.diff import InstancesNeeded
from holdfast.core.model import ActualCalendar, ActualSeries, Fingerprint, Landing, Occurrence, Slot, Tag
from holdfast.core.plan import Change, Create, End, Move, Rewrite, Skip

MAILBOX = "0b1e5c2f-0000-4000-8000-000000000001"
FINGERPRINT = Fingerprint("51", "52")


def expand(event_id: str, slot: Slot, first: date, last: date) -> tuple[Occurrence, ...]:
    """The occurrences of a weekly series, by dateutil's reckoning."""
    zone = ZoneInfo(slot.zone)
    rule = rrule(
        WEEKLY,
        byweekday=int(slot.rule.weekday),
        dtstart=datetime.combine(first, slot.at),
        until=datetime.combine(last, time.max),
    )
    occurrences = []
    for wall in rule:
        starts = wall.replace(tzinfo=zone).astimezone(UTC)
        ends = (wall + timedelta(minutes=slot.minutes)).replace(tzinfo=zone).astimezone(UTC)
        occurrences.append(Occurrence(f"{event_id}.{wall:%Y-%m-%d}", starts, ends, starts))
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


@dataclass
class World:
    """One mailbox and what was ever created in it."""

    calendar: ActualCalendar = field(default_factory=lambda: ActualCalendar(MAILBOX))
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

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
                case Create(series=series):
                    event_id = self.new_id()
                    instances = expand(event_id, series.slot, series.first, series.last)
                    assert instances, "an empty series"
                    assert instances[0].starts.astimezone(ZoneInfo(series.slot.zone)).date() == series.first
                    assert instances[-1].starts.astimezone(ZoneInfo(series.slot.zone)).date() == series.last
                    made = a_series(series.slot, series.first, series.last, event_id=event_id, created=now)
                    self.put(replace(made, tag=change.tag))
                    for landing in change.landings:
                        self.land(event_id, f"{event_id}.{landing.day}", landing, series.slot)
                case Skip() | Move():
                    self.land(change.actual.event_id, change.occurrence.event_id, change.landing, change.slot)
                case Rewrite():
                    self.change(change.actual.event_id, tag=change.tag)
                case End(whole=True):
                    self.take(change.actual.event_id)
                case End():
                    for occurrence in change.occurrences:
                        self.forget(change.actual.event_id, occurrence)
                    if change.range_end is not None:
                        self.cut(change.actual.event_id, change.range_end)
                    self.change(change.actual.event_id, tag=change.tag)

    def land(self, event_id: str, occurrence: str, landing: Landing, slot: Slot) -> None:
        """Take a date out, or put it on another day at the slot's hours."""
        if landing.to is None:
            self.forget(event_id, occurrence)
            return
        starts = datetime.combine(landing.to, slot.at, ZoneInfo(slot.zone)).astimezone(UTC)
        [there] = (one for one in self.series(event_id).instances or () if one.event_id == occurrence)
        self.move(event_id, occurrence, starts - there.starts)

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


def unread(calendar: ActualCalendar) -> ActualCalendar:
    """The calendar as it is read at first: masters without their instances."""
    return replace(calendar, series=tuple(replace(series, instances=None, ahead=None) for series in calendar.series))


def needed(error: InstancesNeeded) -> set[str]:
    return {series.event_id for series in error.whole}
