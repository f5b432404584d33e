"""Dates, by dateutil, and days off, by the package holidays: nothing of the product's own reckoning."""

from __future__ import annotations

import calendar
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from dateutil.rrule import MO, MONTHLY, WEEKLY, rrule, weekday

from tests.simulation.office import Day, Holidays

WINDOWS = {
    "Europe/Stockholm": "W. Europe Standard Time",
    "Europe/Helsinki": "FLE Standard Time",
    "America/New_York": "Eastern Standard Time",
    "Australia/Sydney": "AUS Eastern Standard Time",
}
"""The zones of these stories, and what Windows calls them."""

IANA = {windows: iana for iana, windows in WINDOWS.items()} | {"UTC": "UTC"}

_LAST = datetime(2034, 1, 1)  # noqa: DTZ001 - a wall clock
_BACK = 240
"""Months or weeks before its beginning from which the dates of a rule are told."""

DAYS = tuple(name.lower() for name in calendar.day_name)
_PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}


@lru_cache(maxsize=1024)
def all_dates(day: Day, count: int, unit: str, since: date) -> tuple[date, ...]:
    """The dates of a rule for years on both sides; ``since`` says in which weeks or months they are."""
    back = _BACK // count * count
    if unit == "week":
        first = since - timedelta(days=since.weekday(), weeks=back)
        rule = rrule(WEEKLY, interval=count, byweekday=DAYS.index(str(day)), dtstart=_midnight(first), wkst=MO)
    else:
        years, month = divmod(since.year * 12 + since.month - 1 - back, 12)
        monthly = {"bymonthday": day} if isinstance(day, int) else {"byweekday": _nth(day)}
        rule = rrule(MONTHLY, interval=count, dtstart=_midnight(date(years, month + 1, 1)), **monthly)
    return tuple(at.date() for at in rule.between(_midnight(date(2025, 6, 1)), _LAST))


def span(dates: Sequence[date], first: date, last: date) -> Sequence[date]:
    """Those from ``first`` to ``last``."""
    return dates[bisect_left(dates, first) : bisect_right(dates, last)]


def is_off(day: date, off: Holidays) -> bool:
    """Whether the country has a holiday, or nobody works."""
    return any(first <= day <= last for first, last in off.closed) or day in _holidays(off.country, day.year)


@lru_cache(maxsize=16384)
def instant(wall: datetime, zone: str) -> datetime:
    """When a wall clock shows this, in UTC."""
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def date_at(at: datetime, zone: str) -> date:
    """The date at an instant somewhere."""
    return at.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=256)
def _holidays(country: str | None, year: int) -> frozenset[date]:
    """Public days, and those that custom has made one."""
    if country is None:
        return frozenset()
    kinds = {"public", "de_facto"}.intersection(holidays.country_holidays(country).supported_categories)
    return frozenset(holidays.country_holidays(country, years=year, categories=kinds))


def _nth(day: str) -> weekday:
    place, _, name = day.partition(" ")
    return weekday(DAYS.index(name), _PLACES[place])


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock
