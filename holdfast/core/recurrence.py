"""A slot's dates, and what they are in UTC.

Dates are counted in the slot's own zone, so that 09:00 stays 09:00 on both sides of a clock change; instants are
compared in UTC, because two times in one ``ZoneInfo`` compare by the wall clock, blind to the doubled hour.
"""

from __future__ import annotations

import calendar
import functools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from holdfast.core import zones
from holdfast.core.model import Monthly, NthWeekday, Position, Rule, Slot, Weekly

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_FOREVER = timedelta(days=5 * 365)
"""How far ahead two slots are compared: long enough for every date to have fallen on every day of the week."""


def week_number(day: date) -> int:
    """The week of a date, from Monday on, counted from the first week of the year 1."""
    return (day.toordinal() - 1) // 7


def month_number(day: date) -> int:
    """The month of a date, counted from January of the year 0."""
    return day.year * 12 + day.month - 1


def next_date(rule: Rule, day: date) -> date:
    """The rule's first date on or after ``day``."""
    if isinstance(rule, Weekly):
        found = day + timedelta(days=(rule.weekday - day.weekday()) % 7)
        return found + _WEEK * ((rule.phase - week_number(found)) % rule.interval) if rule.interval > 1 else found
    month = month_number(day)
    month += (rule.phase - month) % rule.interval
    found = _in_month(rule, month)
    return found if found >= day else _in_month(rule, month + rule.interval)


def last_date(rule: Rule, day: date) -> date:
    """The rule's last date on or before ``day``."""
    if isinstance(rule, Weekly):
        found = day - timedelta(days=(day.weekday() - rule.weekday) % 7)
        return found - _WEEK * ((week_number(found) - rule.phase) % rule.interval) if rule.interval > 1 else found
    month = month_number(day)
    month -= (month - rule.phase) % rule.interval
    found = _in_month(rule, month)
    return found if found <= day else _in_month(rule, month - rule.interval)


def dates(rule: Rule, first: date, last: date) -> Iterator[date]:
    """Every date of the rule from ``first`` to ``last``, both included."""
    day = next_date(rule, first)
    while day <= last:
        yield day
        day = next_date(rule, day + _DAY)


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
    day = next_date(slot.rule, zones.date_at(slot.zone, at))
    return day if starts(slot, day) > at else next_date(slot.rule, day + _DAY)


@functools.lru_cache(maxsize=4096)
def meeting(one: Slot, other: Slot, since: date, until: date | None = None) -> date | None:
    """The first date of ``one`` from ``since`` to ``until``, in the next five years, that shares time with ``other``.

    None where they never meet.
    """
    if one.zone == other.zone:
        days = {rule.weekday for rule in (one.rule, other.rule) if isinstance(rule, Weekly)}
        both_weekly = isinstance(one.rule, Weekly) and isinstance(other.rule, Weekly)
        if not _share_hours(one, other) or (both_weekly and len(days) > 1):
            return None
    horizon = min(since + _FOREVER, date.max - _WEEK)
    for day in dates(one.rule, since, min(until, horizon) if until else horizon):
        if share_time(one, day, other):
            return day
    return None


def share_time(slot: Slot, day: date, other: Slot) -> bool:
    """Whether ``slot``, were it on ``day``, shared time with ``other`` on one of the dates of that."""
    return any(collide(slot, day, other, near) for near in dates(other.rule, day - _DAY, day + _DAY))


def collide(slot: Slot, day: date, other: Slot, other_day: date) -> bool:
    """Whether ``slot``, were it on ``day``, shared time with ``other``, were that on ``other_day``."""
    return starts(slot, day) < ends(other, other_day) and starts(other, other_day) < ends(slot, day)


def _share_hours(one: Slot, other: Slot) -> bool:
    begin, other_begin = (slot.at.hour * 60 + slot.at.minute for slot in (one, other))
    return begin < other_begin + other.minutes and other_begin < begin + one.minutes


def _in_month(rule: Monthly, month: int) -> date:
    """The rule's one date in a month."""
    year, index = divmod(month, 12)
    if not isinstance(rule.day, NthWeekday):
        return date(year, index + 1, rule.day)
    position, weekday = rule.day
    if position is Position.LAST:
        last = date(year, index + 1, calendar.monthrange(year, index + 1)[1])
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    first = date(year, index + 1, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7, weeks=position - 1)
