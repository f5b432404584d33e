"""Which days have no learning time: the holidays of a country, days on which an organisation is closed, weekends.

The holidays are those of the package of the same name: public days, and customary ones such as Midsummer's Eve where
it knows them. It is imported only where a country is asked about, because that takes a fifth of a second.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from holdfast.core.model import Weekday

_CLOSED = {"sv": "stängt", "en": "closed"}
_WEEKEND = {
    Weekday.SATURDAY: {"sv": "lördag", "en": "Saturday"},
    Weekday.SUNDAY: {"sv": "söndag", "en": "Sunday"},
}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DaysOff:
    """The days without learning time of some people.

    ``country`` is an ISO 3166-1 code and ``subdivision`` one of ``subdivisions(country)``, None for days that the whole
    country has; ``closed`` are first and last dates; ``weekends`` says whether Saturdays and Sundays count.
    """

    country: str | None = None
    subdivision: str | None = None
    closed: tuple[tuple[date, date], ...] = ()
    weekends: bool = True

    def off(self, day: date) -> bool:
        """Whether the day has no learning time."""
        return self._at_weekend(day) or self._is_closed(day) or day in self._holidays(day)

    def name(self, day: date, language: str = "en") -> str | None:
        """What the day is, for a reader of ``sv`` or ``en``; None for an ordinary one.

        A holiday has the name it has in the country where the package does not know it in the language.
        """
        holiday = self._holidays(day, language).get(day)
        if holiday is not None:
            return holiday
        if self._is_closed(day):
            return _CLOSED[language]
        return _WEEKEND[Weekday(day.weekday())][language] if self._at_weekend(day) else None

    def _holidays(self, day: date, language: str | None = None) -> Mapping[date, str]:
        return _of_year(self.country, self.subdivision, day.year, language) if self.country else {}

    def _is_closed(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.closed)

    def _at_weekend(self, day: date) -> bool:
        return self.weekends and day.weekday() in _WEEKEND


class Holidays(Protocol):
    """What the settings say of the days off of an audience."""

    @property
    def country(self) -> str | None:
        """The country's ISO 3166-1 code."""
        ...

    @property
    def subdivision(self) -> str | None:
        """The code of a part of it."""
        ...

    @property
    def closed(self) -> tuple[tuple[date, date], ...]:
        """First and last dates of the times when the organisation is closed."""
        ...


def days_off(holidays: Holidays | None, *, weekends: bool) -> DaysOff:
    """The days off that the settings ask for; ``weekends`` says whether Saturdays and Sundays are among them."""
    if holidays is None:
        return DaysOff(weekends=weekends)
    return DaysOff(holidays.country, holidays.subdivision, holidays.closed, weekends)


def nearest_in_week(day: date, days_off: DaysOff, *, taken: Callable[[date], bool]) -> date | None:
    """The day of the same week, from Monday on, that is nearest to ``day``, has learning time and is not ``taken``.

    Of two as near, the earlier. None where the week has no such day.
    """
    monday = day - _DAY * day.weekday()
    week = sorted((monday + _DAY * number for number in range(7)), key=lambda other: abs(other - day))
    return next((other for other in week if not days_off.off(other) and not taken(other)), None)


@functools.cache
def countries() -> Mapping[str, tuple[str, ...]]:
    """The countries whose holidays are known, by their ISO 3166-1 codes, each with other names, for hints."""
    from holidays.registry import COUNTRIES  # noqa: PLC0415 - slow to load, seldom needed

    return {code: (name, *others) for name, code, *others in COUNTRIES.values()}


@functools.cache
def subdivisions(country: str) -> Mapping[str, tuple[str, ...]]:
    """The parts of a country that have holidays of their own, by their codes, each with other names, for hints."""
    import holidays  # noqa: PLC0415 - as above

    known = holidays.country_holidays(country)
    names = getattr(known, "subdivisions_aliases", {})
    return {code: tuple(name for name, of in names.items() if of == code) for code in known.subdivisions}


@functools.lru_cache(maxsize=512)
def _of_year(country: str, subdivision: str | None, year: int, language: str | None) -> Mapping[date, str]:
    """The holidays of one year and their names. Kept, because each day of a sweep is asked about for each person."""
    import holidays  # noqa: PLC0415 - as above

    known = holidays.country_holidays(country)
    categories = {holidays.PUBLIC, holidays.DE_FACTO}.intersection(known.supported_categories)
    # Left out, the language would be that of the machine.
    own = known.default_language
    spoken = (name for name in (own, *known.supported_languages) if name and name.partition("_")[0] == language)
    found = holidays.country_holidays(
        country,
        subdiv=subdivision,
        years=year,
        categories=categories,
        language=next(spoken, own),
    )
    return dict(found)
