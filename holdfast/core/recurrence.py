"""A slot's dates, and what they are in UTC.

Dates are counted in the slot's own zone, so that 09:00 stays 09:00 on both sides of a clock change; instants are
compared in UTC, because two times in one ``ZoneInfo`` compare by the wall clock, blind to the doubled hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from holdfast.core import zones
from holdfast.core.model import Slot

_WEEK = timedelta(weeks=1)


def next_date(slot: Slot, day: date) -> date:
    """The slot's first date on or after ``day``."""
    return day + timedelta(days=(slot.weekday - day.weekday()) % 7)


def last_date(slot: Slot, day: date) -> date:
    """The slot's last date on or before ``day``."""
    return day - timedelta(days=(day.weekday() - slot.weekday) % 7)


def dates(slot: Slot, first: date, last: date) -> Iterator[date]:
    """Every date of the slot from ``first`` to ``last``, both included."""
    day = next_date(slot, first)
    while day <= last:
        yield day
        day += _WEEK


def starts(slot: Slot, day: date) -> datetime:
    """When the slot begins on ``day``, in UTC."""
    return datetime.combine(day, slot.at, zones.rules(slot.zone)).astimezone(UTC)


def ends(slot: Slot, day: date) -> datetime:
    """When the slot ends on ``day``, in UTC: by the wall clock, as Outlook shows it."""
    wall = datetime.combine(day, slot.at) + timedelta(minutes=slot.minutes)
    return wall.replace(tzinfo=zones.rules(slot.zone)).astimezone(UTC)


def midnight(zone: str, day: date) -> datetime:
    """When ``day`` begins in a zone given by its IANA name, in UTC."""
    return datetime.combine(day, time.min, zones.rules(zone)).astimezone(UTC)


def next_date_after(slot: Slot, at: datetime) -> date:
    """The slot's first date that begins later than the instant ``at``."""
    day = next_date(slot, zones.date_at(slot.zone, at))
    return day if starts(slot, day) > at else day + _WEEK


def overlap(one: Slot, other: Slot) -> bool:
    """Whether two weekly slots in the same zone share time on their day."""
    if one.weekday != other.weekday:
        return False
    begin, other_begin = (slot.at.hour * 60 + slot.at.minute for slot in (one, other))
    return begin < other_begin + other.minutes and other_begin < begin + one.minutes
