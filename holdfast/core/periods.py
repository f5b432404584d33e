"""When a post is due and what time it is about: periods follow each other without a gap, whoever was late."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from holdfast.core import calm, recurrence, zones
from holdfast.core.holidays import DaysOff, nearest_in_week
from holdfast.core.hours import works_between
from holdfast.core.model import Rule
from holdfast.core.settings import AgendaPack, Post, Settings

_DAY = timedelta(days=1)
_AN_HOUR = timedelta(hours=1)
_YEAR = timedelta(days=366)
_LONGEST_WAIT = 7


@dataclass(frozen=True, slots=True)
class Period:
    """The time between two posts of a channel. ``name`` is its day by the rule, wherever a holiday moves the post to.

    It is about what happened from ``since`` on, before ``due``.
    """

    name: str
    since: datetime
    due: datetime


def latest(settings: Settings, when: Post | AgendaPack, now: datetime) -> Period | None:
    """The period whose post was due last; None before the first."""
    return next((period for period in reversed(_around(settings, when, now)) if period.due <= now), None)


def current(settings: Settings, when: Post | AgendaPack, now: datetime) -> Period | None:
    """The period that is going on: whose post is due next."""
    return next((period for period in _around(settings, when, now) if period.due > now), None)


def may_be_posted(settings: Settings, period: Period, now: datetime) -> bool:
    """Whether the time is right for a post that is due: at once, or where that was missed, in office hours."""
    zone = settings.organization.zone
    if now - period.due < _AN_HOUR:
        return True
    at_work = works_between(now, now + timedelta(minutes=1), calm.OFFICE_HOURS, zone=zone)
    return at_work and not days_off(settings).off(zones.date_at(zone, now))


def days_to_wait(settings: Settings, due: datetime, now: datetime) -> tuple[date, ...]:
    """The days on which a post may still find its turn: today, and up to the next ordinary day after it was due."""
    zone, off = settings.organization.zone, days_off(settings)
    today, was_due = zones.date_at(zone, now), zones.date_at(zone, due)
    after = (was_due + count * _DAY for count in range(1, _LONGEST_WAIT + 1))
    last = next((day for day in after if not off.off(day)), was_due)
    later = (today + count * _DAY for count in range(1, (last - today).days + 1))
    return today, *(day for day in later if not off.off(day))


def days_off(settings: Settings) -> DaysOff:
    """The organisation's days off, weekends included."""
    own = settings.organization.holidays
    return DaysOff(own.country, own.subdivision, own.closed) if own else DaysOff()


def _around(settings: Settings, when: Post | AgendaPack, now: datetime) -> tuple[Period, ...]:
    """The periods of the last year and the coming one, in order; one whose whole week is off has no post."""
    zone = settings.organization.zone
    return _reckoned(when.rule, when.at, zone, days_off(settings), zones.date_at(zone, now))


@functools.lru_cache(maxsize=256)
def _reckoned(rule: Rule, at: time, zone: str, off: DaysOff, today: date) -> tuple[Period, ...]:
    """Kept, because a timer asks every few minutes, and the answer is the same all day."""
    return tuple(_periods(rule, at, zone, off, today))


def _periods(rule: Rule, at: time, zone: str, off: DaysOff, today: date) -> Iterator[Period]:
    before: datetime | None = None
    for day in recurrence.dates(rule, today - _YEAR, today + _YEAR):
        on = _posted_on(day, off)
        if on is None:
            continue
        due = datetime.combine(on, at, zones.rules(zone)).astimezone(UTC)
        if before is not None:
            yield Period(day.isoformat(), before, due)
        before = due


def _posted_on(day: date, off: DaysOff) -> date | None:
    """The day on which a post is posted that the rule has on ``day``."""
    if not off.off(day):
        return day
    return nearest_in_week(day, off, taken=lambda _: False)


def first_day(period: Period, zone: str) -> date:
    """The first whole day that a period is about."""
    there = period.since.astimezone(zones.rules(zone))
    return there.date() if there.time() == time.min else there.date() + _DAY
