"""When posts are due: without a gap, over clock changes and holidays, and on every rule; a year on the clock."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.model import NthWeekday, Position, Weekday
from holdfast.core.periods import Period, current, days_off, first_day, latest, may_be_posted
from holdfast.core.settings import Day, Holidays, Language, Organization, Post, Settings
from tests.jobs.fjallvik import fjallvik

TICK = timedelta(minutes=10)
AN_HOUR, A_DAY, A_WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
CHRISTMAS = (date(2026, 12, 24), date(2027, 1, 6))


def settings(zone: str = "Europe/Stockholm", country: str | None = "SE", *closed: tuple[date, date]) -> Settings:
    holidays = Holidays(country=country, closed=closed) if country or closed else None
    organization = Organization(name="Fjällvik AB", language=Language.SV, time_zone=zone, holidays=holidays)
    return fjallvik(organization=organization)


def post_on(**post: Any) -> Post:
    values = {"every": "week", "day": "friday", "at": "14:00", **post}
    return Post(**values)


def of(wanted: Settings, one: Post, since: datetime, until: datetime) -> Iterator[Period]:
    """The periods that go on, one after the other."""
    at = since
    while at < until:
        period = current(wanted, one, at)
        assert period is not None
        assert period.since <= at < period.due
        yield period
        at = period.due


def local(at: datetime, zone: str = "Europe/Stockholm") -> datetime:
    return at.astimezone(ZoneInfo(zone))


RULES: dict[str, dict[str, Any]] = {
    "every week": {},
    "every second week": {"every": "2 weeks", "day": "monday"},
    "every eighth week": {"every": "8 weeks", "day": "wednesday"},
    "every month on a day": {"every": "month", "day": 1},
    "every month on the 28th": {"every": "month", "day": 28},
    "every month on the first Friday": {"every": "month", "day": "first friday"},
    "every month on the last Friday": {"every": "month", "day": "last friday"},
    "every sixth month": {"every": "6 months", "day": 15},
    "at night": {"at": "23:50"},
    "in the first minute of the day": {"at": "00:00", "day": "monday"},
}

SPRING = datetime(2027, 1, 15, tzinfo=UTC)
ZONES = ["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "Asia/Kolkata"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_periods_follow_each_other_without_gap_or_overlap(rule: dict[str, Any], zone: str) -> None:
    wanted, one = settings(zone, "SE", CHRISTMAS), post_on(**rule)
    found = list(of(wanted, one, SPRING, SPRING + timedelta(days=400)))
    assert len(found) >= 2
    assert all(before.due == after.since for before, after in itertools.pairwise(found))
    assert len({period.name for period in found}) == len(found)
    assert [period.name for period in found] == sorted(period.name for period in found)
    assert {local(period.due, zone).time() for period in found} == {one.at}
    assert not [period for period in found if days_off(wanted).off(local(period.due, zone).date())]


@given(
    st.sampled_from(list(RULES.values())),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 6, 1), datetime(2028, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds it
)
def test_whoever_asks_and_whenever_a_period_is_the_same(rule: dict[str, Any], zone: str, now: datetime) -> None:
    wanted, one = settings(zone, "SE", CHRISTMAS), post_on(**rule)
    last, going_on = latest(wanted, one, now), current(wanted, one, now)
    assert last is not None
    assert going_on is not None
    assert last.due <= now < going_on.due
    assert last.due == going_on.since
    assert current(wanted, one, last.since) == current(wanted, one, last.due - TICK) == last
    assert latest(wanted, one, last.due) == last
    assert latest(wanted, one, going_on.due) == going_on
    assert current(wanted, one, going_on.due - timedelta(microseconds=1)) == going_on
    for other in (now.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo("Pacific/Auckland"))):
        assert (latest(wanted, one, other), current(wanted, one, other)) == (last, going_on)


@pytest.mark.parametrize(
    ("day", "posted"),
    [
        ("2026-12-18", "2026-12-18"),
        ("2026-12-25", "2026-12-23"),  # Christmas Eve and Day and Boxing Day are off, and the weekend
        ("2027-01-01", "2026-12-30"),  # New Year's Eve and Day
        ("2027-03-26", "2027-03-25"),  # Good Friday
        ("2027-06-25", "2027-06-24"),  # Midsummer's Eve
    ],
)
def test_a_post_on_a_holiday_is_posted_on_the_nearest_ordinary_day_of_its_week(day: str, posted: str) -> None:
    friday = datetime.combine(date.fromisoformat(day), time(), UTC)
    wanted = settings()
    (period,) = (one for one in of(wanted, post_on(), friday - A_WEEK, friday + A_WEEK) if one.name == day)
    assert local(period.due) == datetime.fromisoformat(f"{posted}T14:00").replace(tzinfo=ZoneInfo("Europe/Stockholm"))


def test_of_two_days_as_near_the_earlier_is_taken() -> None:
    wednesday = date(2027, 2, 10)
    wanted = settings("Europe/Stockholm", None, (wednesday, wednesday))
    now = datetime(2027, 2, 8, tzinfo=UTC)
    period = current(wanted, post_on(day="wednesday"), now)
    assert period is not None
    assert local(period.due).date() == wednesday - A_DAY


def test_a_week_that_is_off_altogether_has_no_post_and_is_told_of_in_the_next_one() -> None:
    closed = (date(2027, 7, 5), date(2027, 7, 18))
    names = [
        (one.name, one.since.date(), one.due.date())
        for one in of(settings("Europe/Stockholm", "SE", closed), post_on(), datetime(2027, 6, 30, tzinfo=UTC), SUMMER)
    ]
    assert names[:2] == [
        ("2027-07-02", date(2027, 6, 24), date(2027, 7, 2)),  # the one before was moved from Midsummer's Eve
        ("2027-07-23", date(2027, 7, 2), date(2027, 7, 23)),
    ]


SUMMER = datetime(2027, 8, 1, tzinfo=UTC)


def test_without_holidays_only_weekends_are_off() -> None:
    period = current(settings(country=None), post_on(), datetime(2026, 12, 24, tzinfo=UTC))
    assert period is not None
    assert period.name == "2026-12-25"
    assert local(period.due).date() == date(2026, 12, 25)
    assert not days_off(settings(country=None)).off(date(2026, 12, 25))
    assert days_off(settings(country=None)).off(date(2026, 12, 26))


def test_over_a_clock_change_a_week_has_an_hour_less_or_more() -> None:
    for change, hours in ((date(2027, 3, 28), 167), (date(2027, 10, 31), 169)):
        at = datetime.combine(change, time(), UTC)
        period = current(settings(country=None), post_on(day="monday"), at)
        assert period is not None
        assert period.due - period.since == hours * AN_HOUR
        assert {local(period.since).time(), local(period.due).time()} == {time(14)}


@pytest.mark.parametrize(
    ("at", "first"), [("14:00", date(2027, 2, 6)), ("00:00", date(2027, 2, 5)), ("23:59", date(2027, 2, 6))]
)
def test_the_first_day_of_a_period_is_one_that_is_in_it_whole(at: str, first: date) -> None:
    period = current(settings(), post_on(at=at), datetime(2027, 2, 8, tzinfo=UTC))
    assert period is not None
    assert first_day(period, "Europe/Stockholm") == first


# Posted late


def late(*, days: float, at: str = "14:00", day: str = "friday", name: str = "2027-02-05") -> bool:
    """Whether the post of a Friday may be posted so many days later."""
    due = datetime.fromisoformat(f"{name}T{at}").replace(tzinfo=ZoneInfo("Europe/Stockholm")).astimezone(UTC)
    period = latest(settings(), post_on(at=at, day=day), due)
    assert period is not None
    assert period.due == due
    return may_be_posted(settings(), period, due + timedelta(days=days))


def test_what_is_due_is_posted_at_once_whatever_the_hour() -> None:
    assert late(days=0)
    assert late(days=0, at="22:00")
    assert late(days=0.04, at="22:00")  # within the hour


def test_what_was_missed_is_posted_in_office_hours_of_an_ordinary_day() -> None:
    assert late(days=2 / 24)
    assert not late(days=5 / 24)  # at seven in the evening
    assert not late(days=1)  # on Saturday
    assert not late(days=2)
    assert late(days=3)
    assert not late(days=2.7)  # on Monday at seven
    assert late(days=2.75)  # on Monday at eight
    assert not late(days=1, name="2027-03-25", day="thursday")  # on Good Friday
    assert not late(days=4, name="2027-03-25", day="thursday")  # on Easter Monday
    assert late(days=5, name="2027-03-25", day="thursday")


# A year on the clock


def year(wanted: Settings, one: Post, *, asleep: tuple[tuple[datetime, datetime], ...] = ()) -> dict[str, datetime]:
    """What a timer posts in a year that comes every ten minutes but for the times when it is ``asleep``, and when."""
    begins = datetime(2026, 11, 30, tzinfo=UTC)
    posted: dict[str, datetime] = {}
    for number in range(366 * 24 * 6):
        now = begins + number * TICK
        if any(since <= now < until for since, until in asleep):
            continue
        period = latest(wanted, one, now)
        assert period is not None
        if period.due > begins and period.name not in posted and may_be_posted(wanted, period, now):
            posted[period.name] = now
    return posted


@pytest.mark.parametrize(
    ("rule", "posts"),
    [({}, 51), ({"day": "monday", "at": "01:50"}, 52), ({"every": "month", "day": "last friday"}, 12)],
    ids=["every week", "by night", "every month"],
)
def test_in_a_year_every_post_that_is_due_is_posted_once_in_time_and_none_on_a_holiday(
    rule: dict[str, Any], posts: int
) -> None:
    wanted, one = settings("Europe/Stockholm", "SE", CHRISTMAS), post_on(**rule)
    posted = year(wanted, one)
    begins = datetime(2026, 11, 30, tzinfo=UTC)
    due = {period.name: period.due for period in of(wanted, one, begins, begins + timedelta(days=366))}
    due = {name: at for name, at in due.items() if at < begins + timedelta(days=366)}
    assert posted == due
    assert len(posted) == posts  # but for the week between the years
    assert {local(at).time() for at in posted.values()} == {one.at}
    assert not [at for at in posted.values() if days_off(wanted).off(local(at).date())]
    assert max(Counter(local(at).date().isocalendar()[:2] for at in posted.values()).values()) == 1


def test_after_nights_weekends_and_weeks_without_power_posts_are_made_up_for_in_office_hours() -> None:
    wanted, one = settings("Europe/Stockholm", "SE", CHRISTMAS), post_on()
    fridays = [datetime.combine(date(2026, 12, 4), time(12), UTC) + n * A_WEEK for n in range(52)]
    asleep = tuple((at, at + (n % 9) * timedelta(hours=7)) for n, at in enumerate(fridays) if n % 3)
    asleep += ((datetime(2027, 8, 1, tzinfo=UTC), datetime(2027, 8, 25, 20, tzinfo=UTC)),)
    posted = year(wanted, one, asleep=asleep)
    assert len(posted) >= 45
    for name, at in posted.items():
        here = local(at)
        assert not days_off(wanted).off(here.date()), name
        assert time(8) <= here.time() < time(17), name
    # Of weeks that nobody was there for, only the last is told of.
    assert {"2027-08-06", "2027-08-13"}.isdisjoint(posted)
    assert local(posted["2027-08-20"]).isoformat() == "2027-08-26T08:00:00+02:00"


def test_no_day_is_one_on_which_two_are_due_in_a_day() -> None:
    """However a holiday moves them."""
    wanted = settings("Europe/Stockholm", "SE", CHRISTMAS)
    for day in (Day.MONDAY, Day.FRIDAY):
        found = list(of(wanted, post_on(day=day), SPRING, SPRING + timedelta(days=800)))
        assert min(one.due - one.since for one in found) > A_DAY


def test_every_second_week_is_counted_from_one_day_for_everybody() -> None:
    every_other = post_on(every="2 weeks")
    names = [one.name for one in of(settings(), every_other, SPRING, SPRING + 6 * A_WEEK)]
    assert {(date.fromisoformat(name) - date(2024, 1, 5)).days % 14 for name in names} == {0}
    assert every_other.rule.interval == 2
    assert post_on(every="month", day="first monday").rule.day == NthWeekday(Position.FIRST, Weekday.MONDAY)
