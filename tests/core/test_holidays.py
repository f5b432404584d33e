"""Days without learning time, against calendars written by hand from laws and wall calendars."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.holidays import DaysOff, countries, days_off, nearest_in_week, subdivisions

THURSDAY = date(2026, 12, 24)
WEEK_53 = ((date(2026, 12, 28), date(2027, 1, 1)),)
SWEDEN = {
    "Nyårsdagen": ("2026-01-01", "2027-01-01", "2028-01-01"),
    "Trettondedag jul": ("2026-01-06", "2027-01-06", "2028-01-06"),
    "Långfredagen": ("2026-04-03", "2027-03-26", "2028-04-14"),
    "Påskdagen": ("2026-04-05", "2027-03-28", "2028-04-16"),
    "Annandag påsk": ("2026-04-06", "2027-03-29", "2028-04-17"),
    "Första maj": ("2026-05-01", "2027-05-01", "2028-05-01"),
    "Kristi himmelsfärdsdag": ("2026-05-14", "2027-05-06", "2028-05-25"),
    "Pingstdagen": ("2026-05-24", "2027-05-16", "2028-06-04"),
    "Nationaldagen": ("2026-06-06", "2027-06-06", "2028-06-06"),
    "Midsommarafton": ("2026-06-19", "2027-06-25", "2028-06-23"),
    "Midsommardagen": ("2026-06-20", "2027-06-26", "2028-06-24"),
    "Alla helgons dag": ("2026-10-31", "2027-11-06", "2028-11-04"),
    "Julafton": ("2026-12-24", "2027-12-24", "2028-12-24"),
    "Juldagen": ("2026-12-25", "2027-12-25", "2028-12-25"),
    "Annandag jul": ("2026-12-26", "2027-12-26", "2028-12-26"),
    "Nyårsafton": ("2026-12-31", "2027-12-31", "2028-12-31"),
}
"""The public days of lagen (1989:253) and the three eves that no office works on."""


def days(year: int) -> list[date]:
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    return [first + timedelta(days=number) for number in range((after - first).days)]


def named(days_off: DaysOff, year: int, language: str) -> dict[str, str]:
    return {day.isoformat(): name for day in days(year) if (name := days_off.name(day, language))}


@pytest.mark.parametrize(("index", "year"), [(0, 2026), (1, 2027), (2, 2028)])
def test_sweden_is_off_on_these_days_and_no_others(index: int, year: int) -> None:
    sweden = DaysOff("SE", weekends=False)
    assert named(sweden, year, "sv") == {dates[index]: name for name, dates in SWEDEN.items()}
    assert [day.isoformat() for day in days(year) if sweden.off(day)] == sorted(
        dates[index] for dates in SWEDEN.values()
    )


@pytest.mark.parametrize(
    ("country", "subdivision", "off", "on"),
    [
        ("FI", None, ["2026-06-19", "2026-12-06", "2026-12-24", "2027-01-06"], ["2026-12-31", "2026-06-06"]),
        ("GB", "ENG", ["2026-04-06", "2026-08-31", "2026-12-28"], ["2026-01-02", "2026-08-03", "2026-11-30"]),
        ("GB", "SCT", ["2026-01-02", "2026-08-03", "2026-11-30"], ["2026-04-06", "2026-08-31"]),
        ("DE", "BY", ["2026-01-06", "2026-06-04", "2026-10-03"], ["2026-10-31", "2026-11-18"]),
        ("DE", "BE", ["2026-03-08", "2026-10-03"], ["2026-01-06", "2026-06-04"]),
        ("US", None, ["2026-05-25", "2026-07-03", "2026-11-26"], ["2026-04-03", "2026-12-24"]),
        ("AU", "NSW", ["2026-01-26", "2026-06-08", "2026-04-27"], ["2026-11-03"]),
        ("AU", "VIC", ["2026-01-26", "2026-11-03"], ["2026-04-27"]),
    ],
)
def test_other_countries_have_theirs(country: str, subdivision: str | None, off: list[str], on: list[str]) -> None:
    theirs = DaysOff(country, subdivision, weekends=False)
    assert [day for day in (*off, *on) if theirs.off(date.fromisoformat(day))] == off


@pytest.mark.parametrize(
    ("country", "language", "name"),
    [
        ("SE", "sv", "Midsommarafton"),
        ("SE", "en", "Midsummer Eve"),
        ("FI", "sv", "Midsommarafton"),
        ("FI", "en", "Midsummer Eve"),
    ],
)
def test_a_holiday_has_the_name_that_its_reader_knows(country: str, language: str, name: str) -> None:
    assert DaysOff(country).name(date(2026, 6, 19), language) == name


def test_without_such_a_name_a_holiday_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for machine in ("sv_SE.UTF-8", "en_US.UTF-8", "C"):
        monkeypatch.setenv("LANGUAGE", machine)
        assert DaysOff("DE").name(date(2027, 10, 3), "sv") == "Tag der Deutschen Einheit"
        assert DaysOff("GB").name(date(2027, 12, 27), "sv") == "Christmas Day (observed)"


def test_closed_days_and_weekends_are_off_and_say_so() -> None:
    closed = DaysOff("SE", closed=((date(2026, 12, 23), date(2027, 1, 6)), (date(2027, 5, 7), date(2027, 5, 7))))
    told = {
        date(2026, 12, 22): (None, None),
        date(2026, 12, 23): ("stängt", "closed"),
        date(2026, 12, 24): ("Julafton", "Christmas Eve"),
        date(2027, 1, 2): ("stängt", "closed"),
        date(2027, 1, 6): ("Trettondedag jul", "Epiphany"),
        date(2027, 1, 7): (None, None),
        date(2027, 1, 9): ("lördag", "Saturday"),
        date(2027, 1, 10): ("söndag", "Sunday"),
        date(2027, 5, 7): ("stängt", "closed"),
    }
    for day, names in told.items():
        assert (closed.name(day, "sv"), closed.name(day, "en")) == names
        assert closed.off(day) == any(names)


def test_without_a_country_only_weekends_are_off() -> None:
    assert [day.isoweekday() for day in days(2026)[:14] if DaysOff().off(day)] == [6, 7, 6, 7]
    assert not any(DaysOff(weekends=False).off(day) for day in days(2026))


class Holidays(NamedTuple):
    country: str | None
    subdivision: str | None
    closed: tuple[tuple[date, date], ...]


def test_the_days_off_are_those_that_the_settings_ask_for() -> None:
    asked = Holidays("GB", "SCT", WEEK_53)
    assert days_off(asked, weekends=False) == DaysOff("GB", "SCT", WEEK_53, weekends=False)
    assert days_off(None, weekends=True) == DaysOff(weekends=True)


def test_countries_and_their_parts_are_known_by_code_and_by_other_names() -> None:
    assert "Sweden" in countries()["SE"]
    assert {"GBR", "UK"} <= set(countries()["GB"])
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in countries())
    assert subdivisions("SE") == {}
    assert subdivisions("DE")["BY"] == ("Bayern",)
    assert sorted(subdivisions("GB")) == ["ENG", "NIR", "SCT", "WLS"]


def test_the_package_is_not_loaded_before_a_country_is_asked_about() -> None:
    asked = (
        "import sys, datetime; from holdfast.core import settings, holidays;"
        "assert holidays.DaysOff().off(datetime.date(2026, 6, 20));"
        "sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0  # noqa: S603 - our own words


def free(_: date) -> bool:
    return False


@pytest.mark.parametrize(
    ("day", "theirs", "nearest"),
    [
        (date(2026, 12, 22), DaysOff("SE"), date(2026, 12, 22)),
        (THURSDAY, DaysOff("SE"), date(2026, 12, 23)),
        (date(2027, 1, 6), DaysOff("SE"), date(2027, 1, 5)),
        (date(2026, 4, 6), DaysOff("SE"), date(2026, 4, 7)),
        (date(2026, 4, 5), DaysOff("SE"), date(2026, 4, 2)),
        (date(2026, 4, 5), DaysOff("SE", weekends=False), date(2026, 4, 4)),
        (date(2026, 12, 30), DaysOff(closed=WEEK_53), None),
        (date(2026, 12, 30), DaysOff(closed=WEEK_53, weekends=False), date(2027, 1, 2)),
    ],
)
def test_a_moved_date_goes_to_the_nearest_ordinary_day_of_its_week(
    day: date, theirs: DaysOff, nearest: date | None
) -> None:
    assert nearest_in_week(day, theirs, taken=free) == nearest


def test_days_that_are_taken_are_passed_over() -> None:
    taken = {date(2026, 12, 23), date(2026, 12, 22)}
    assert nearest_in_week(THURSDAY, DaysOff("SE"), taken=taken.__contains__) == date(2026, 12, 21)


@given(
    day=st.dates(date(2020, 1, 1), date(2040, 12, 31)),
    country=st.sampled_from([None, "SE", "FI", "GB", "US"]),
    closed=st.tuples(st.integers(-9, 9), st.integers(0, 9)),
    weekends=st.booleans(),
    taken=st.frozensets(st.integers(0, 6)),
)
def test_a_moved_date_stays_in_its_week_and_is_lost_only_where_nothing_is_left(
    day: date, country: str | None, closed: tuple[int, int], *, weekends: bool, taken: frozenset[int]
) -> None:
    first = day + timedelta(days=closed[0])
    theirs = DaysOff(country, closed=((first, first + timedelta(days=closed[1])),), weekends=weekends)
    is_taken: Callable[[date], bool] = lambda other: other.weekday() in taken  # noqa: E731 - one line says it
    found = nearest_in_week(day, theirs, taken=is_taken)
    year, week, _ = day.isocalendar()
    left = [
        other
        for number in range(1, 8)
        if not theirs.off(other := date.fromisocalendar(year, week, number)) and not is_taken(other)
    ]
    assert found in left if left else found is None
    if found is not None:
        assert all(abs(found - day) < abs(other - day) or found <= other for other in left)
        assert abs(found - day) == min(abs(other - day) for other in left)
        assert (theirs.name(found, "sv"), theirs.off(found)) == (None, False)


@given(
    day=st.dates(date(2020, 1, 1), date(2040, 12, 31)),
    country=st.sampled_from(["SE", "FI", "DE"]),
    weekends=st.booleans(),
)
def test_a_day_is_off_exactly_when_it_has_a_name(day: date, country: str, *, weekends: bool) -> None:
    theirs = DaysOff(country, weekends=weekends)
    assert theirs.off(day) is (theirs.name(day, "en") is not None)
