"""Which series a person should have, from the settings and the audiences they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from holdfast.core import recurrence, words, zones
from holdfast.core.model import DesiredSeries, Fingerprint, Monthly, NthWeekday, Slot, Weekly
from holdfast.core.settings import Block, Settings

SERIES_LENGTH = timedelta(weeks=26)
"""How long a series is made: Exchange keeps deletions and exceptions of a series in one property, so it has to end."""

RUNWAY = timedelta(weeks=13)
"""A series with less than this ahead of it is continued by a next one."""

UNTOUCHED = timedelta(minutes=15)
"""What begins sooner than this is left as it is: the person may already be on the way."""


@dataclass(frozen=True, slots=True)
class Want:
    """One block for one person. ``series`` is what they get today; ``since`` and ``until`` are the block's."""

    series: DesiredSeries
    since: date
    until: date | None

    def from_day(self, day: date) -> DesiredSeries | None:
        """A series of full length from ``day`` on; None when the block is over by then."""
        return _stretch(self.series, day, self.until)


@dataclass(frozen=True, slots=True)
class Desired:
    """What the settings want in one mailbox. ``displaced`` are blocks that another block stands in the way of."""

    wants: tuple[Want, ...] = ()
    displaced: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    """Blocks whose last date has passed."""
    known: frozenset[str] = field(default_factory=frozenset)
    """Every block of the settings, so that a block taken out of the file is told apart from a person who left."""
    zone: str = "UTC"
    """Where the days begin and end by which series are told to be over."""


def desired(settings: Settings, audiences: Iterable[str], now: datetime) -> Desired:
    """What a member of ``audiences`` should have at the instant ``now``.

    Blocks come in the order of the file: where two share time, the first wins and the other is displaced.
    """
    member_of = frozenset(audiences)
    wants: list[Want] = []
    displaced: list[str] = []
    over: list[str] = []
    for block in settings.blocks:
        if member_of.isdisjoint(block.audiences):
            continue
        want = _want(settings, block, now)
        if want is None:
            over.append(block.id)
        elif any(_clash(want, other) for other in wants):
            displaced.append(block.id)
        else:
            wants.append(want)
    known = frozenset(block.id for block in settings.blocks)
    return Desired(tuple(wants), tuple(displaced), tuple(over), known, settings.organization.zone)


def today(settings: Settings, now: datetime) -> date:
    """The date at the organisation's own clock."""
    return zones.date_at(settings.organization.zone, now)


def _want(settings: Settings, block: Block, now: datetime) -> Want | None:
    zone = settings.organization.zone
    language = settings.organization.language
    slot = block.slot(zone)
    goals = [goal.title_in(language) for goal in settings.goals if goal.id in block.goals]
    subject = block.title_in(language)
    body = words.body(language, settings.organization.name, goals)
    category = words.CATEGORY[language]
    undated = DesiredSeries(
        block=block.id,
        slot=slot,
        first=date.min,
        last=date.min,
        subject=subject,
        body=body,
        category=category,
        reminder=block.reminder,
        fingerprint=Fingerprint(_hash(_slot_text(slot)), _hash(subject, body, category, str(block.reminder))),
    )
    soonest = recurrence.next_date_after(slot, now + UNTOUCHED)
    series = _stretch(undated, max(soonest, block.from_), block.until)
    return Want(series, block.from_, block.until) if series else None


def _stretch(series: DesiredSeries, not_before: date, until: date | None) -> DesiredSeries | None:
    """The series laid from its first date on or after ``not_before``, for 26 weeks or until the block is over."""
    first = recurrence.next_date(series.slot.rule, not_before)
    end = first + SERIES_LENGTH - timedelta(days=1)
    last = recurrence.last_date(series.slot.rule, min(end, until) if until else end)
    return replace(series, first=first, last=last) if first <= last else None


def _clash(want: Want, other: Want) -> bool:
    latest = date.max
    since, until = max(want.since, other.since), min(want.until or latest, other.until or latest)
    if since > until:
        return False
    return recurrence.meeting(want.series.slot, other.series.slot, since, until) is not None


def _slot_text(slot: Slot) -> str:
    match slot.rule:
        case Weekly(weekday, interval, phase):
            days = f"weekly {weekday.name}" + (f" {interval} {phase}" if interval > 1 else "")
        case Monthly(NthWeekday(position, weekday), interval, phase):
            days = f"monthly {position.name} {weekday.name} {interval} {phase}"
        case Monthly(day, interval, phase):
            days = f"monthly {day} {interval} {phase}"
    return f"{days} {slot.at:%H:%M} {slot.minutes} {zones.windows(slot.zone)}"


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]
