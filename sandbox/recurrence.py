"""The dates of a series, from its rule (§3.1 and §3.2 of the notes on Graph): the sandbox's own answer."""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from sandbox.zones import zone

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INDEXES = ("first", "second", "third", "fourth", "last")

_LAST_YEAR = date.max.year - 1


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule and its range. Values that the type does not use hold what Graph answers for them."""

    type: str
    interval: int
    days: tuple[str, ...]
    first_day: str
    index: str
    day_of_month: int
    month: int
    range_type: str
    starts_on: date
    ends_on: date | None
    count: int
    zone: str

    def rule_dates(self) -> Iterator[date]:
        """Every date of the rule from the start of the range on, without the range's end."""
        dates = {
            "daily": self._daily,
            "weekly": self._weekly,
            "absoluteMonthly": self._monthly,
            "relativeMonthly": self._monthly,
            "absoluteYearly": self._yearly,
            "relativeYearly": self._yearly,
        }[self.type]()
        return itertools.dropwhile(lambda day: day < self.starts_on, dates)

    def _daily(self) -> Iterator[date]:
        return _every(self.starts_on, timedelta(days=self.interval))

    def _weekly(self) -> Iterator[date]:
        first = DAYS.index(self.first_day)
        week = self.starts_on - timedelta(days=(self.starts_on.weekday() - first) % 7)
        offsets = sorted((DAYS.index(day) - first) % 7 for day in self.days)
        for monday in _every(week, timedelta(weeks=self.interval)):
            for offset in offsets:
                yield monday + timedelta(days=offset)

    def _monthly(self) -> Iterator[date]:
        month = self.starts_on.year * 12 + self.starts_on.month - 1
        while month // 12 <= _LAST_YEAR:
            yield self._in_month(month // 12, month % 12 + 1)
            month += self.interval

    def _yearly(self) -> Iterator[date]:
        for year in range(self.starts_on.year, _LAST_YEAR + 1, self.interval):
            yield self._in_month(year, self.month)

    def _in_month(self, year: int, month: int) -> date:
        """The rule's one date in a month; a 29th to 31st that it lacks is its last day (unconfirmed, §3.1)."""
        length = calendar.monthrange(year, month)[1]
        if self.type.startswith("absolute"):
            return date(year, month, min(self.day_of_month, length))
        wanted = {DAYS.index(day) for day in self.days}
        fitting = [day for n in range(1, length + 1) if (day := date(year, month, n)).weekday() in wanted]
        return fitting[-1] if self.index == "last" else fitting[INDEXES.index(self.index)]


class Slot(NamedTuple):
    """One date of a rule, and the instants it begins and ends at."""

    day: date
    starts: datetime
    ends: datetime


@lru_cache(maxsize=8192)
def slots(rule: Recurrence, at: time, length: timedelta, zone_name: str, year: int) -> tuple[Slot, ...]:
    """All slots of a rule up to the end of a year, each at the same wall-clock times in the series' zone.

    ``length`` is between the wall-clock times, so that the end keeps its hour over a clock change as well.
    """
    where = zone(zone_name)

    def instant(wall: datetime) -> datetime:
        return wall.replace(tzinfo=where).astimezone(UTC)

    found = []
    for day in _dates(rule, year):
        starts = datetime.combine(day, at)
        found.append(Slot(day, instant(starts), instant(starts + length)))
    return tuple(found)


def last_year(rule: Recurrence, until: date) -> int:
    """The year to ask ``slots`` for to miss nothing up to ``until``; one and the same for a rule that ends."""
    if rule.range_type == "endDate" and rule.ends_on is not None:
        return rule.ends_on.year
    return _LAST_YEAR if rule.range_type == "numbered" else until.year


def has_a_date(rule: Recurrence) -> bool:
    """Whether there is any date in the range."""
    first = next(rule.rule_dates(), None)
    return first is not None and (rule.ends_on is None or first <= rule.ends_on)


def _dates(rule: Recurrence, year: int) -> Iterator[date]:
    dates = rule.rule_dates()
    if rule.range_type == "numbered":
        dates = itertools.islice(dates, rule.count)
    last = rule.ends_on if rule.range_type == "endDate" and rule.ends_on else date(year, 12, 31)
    return itertools.takewhile(lambda day: day <= last, dates)


def _every(first: date, step: timedelta) -> Iterator[date]:
    day = first
    while day.year <= _LAST_YEAR:
        yield day
        day += step
