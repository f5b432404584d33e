"""The dates of every kind of rule, against python-dateutil, which shares nothing with the sandbox."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest
from dateutil import rrule
from hypothesis import given
from hypothesis import strategies as st

from sandbox.recurrence import DAYS, INDEXES, Recurrence, slots
from sandbox.zones import zone

SOME = 60
POSITIONS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
FREQUENCIES = {
    "daily": rrule.DAILY,
    "weekly": rrule.WEEKLY,
    "absoluteMonthly": rrule.MONTHLY,
    "relativeMonthly": rrule.MONTHLY,
    "absoluteYearly": rrule.YEARLY,
    "relativeYearly": rrule.YEARLY,
}


def made(type_: str = "weekly", **more: object) -> Recurrence:
    values: dict[str, object] = {
        "type": type_,
        "interval": 1,
        "days": ("monday",),
        "first_day": "sunday",
        "index": "first",
        "day_of_month": 0,
        "month": 0,
        "range_type": "noEnd",
        "starts_on": date(2026, 1, 1),
        "ends_on": None,
        "count": 0,
        "zone": "UTC",
    }
    return Recurrence(**{**values, **more})  # type: ignore[arg-type]


@st.composite
def rules(draw: st.DrawFn) -> Recurrence:
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
    return made(
        draw(st.sampled_from(sorted(FREQUENCIES))),
        interval=draw(st.integers(1, 8)),
        days=tuple(days),
        first_day=draw(st.sampled_from(DAYS)),
        index=draw(st.sampled_from(INDEXES)),
        day_of_month=draw(st.integers(1, 28)),
        month=draw(st.integers(1, 12)),
        starts_on=draw(st.dates(date(2000, 1, 1), date(2050, 1, 1))),
    )


def by_dateutil(rule: Recurrence) -> rrule.rrule:
    days = [DAYS.index(day) for day in rule.days]
    options: dict[str, object] = {}
    if rule.type == "weekly":
        options = {"byweekday": days, "wkst": DAYS.index(rule.first_day)}
    elif rule.type.startswith("absolute"):
        options = {"bymonthday": rule.day_of_month}
    elif rule.type.startswith("relative"):
        options = {"byweekday": days, "bysetpos": POSITIONS[rule.index]}
    if rule.type.endswith("Yearly"):
        options["bymonth"] = rule.month
    start = datetime.combine(rule.starts_on, time())
    return rrule.rrule(FREQUENCIES[rule.type], dtstart=start, interval=rule.interval, **options)  # type: ignore[arg-type]


@given(rules())
def test_the_dates_of_a_rule(rule: Recurrence) -> None:
    expected = [at.date() for at in itertools.islice(by_dateutil(rule), SOME)]
    assert list(itertools.islice(rule.rule_dates(), SOME)) == expected


@given(rules(), st.integers(1, SOME), st.integers(0, 2000), st.sampled_from(["noEnd", "endDate", "numbered"]))
def test_the_end_of_a_range(rule: Recurrence, count: int, days: int, range_type: str) -> None:
    last = rule.starts_on + timedelta(days=days)
    rule = made(
        **{name: getattr(rule, name) for name in ("interval", "days", "first_day", "index", "day_of_month", "month")},
        type_=rule.type,
        starts_on=rule.starts_on,
        range_type=range_type,
        ends_on=last if range_type == "endDate" else None,
        count=count if range_type == "numbered" else 0,
    )
    year = rule.starts_on.year + 5 if range_type == "noEnd" else 9998
    found = [slot.day for slot in slots(rule, time(9), timedelta(hours=1), "UTC", year)]
    dates = (at.date() for at in by_dateutil(rule))
    if range_type == "numbered":
        expected = list(itertools.islice(dates, count))
    else:
        end = last if range_type == "endDate" else date(year, 12, 31)
        expected = list(itertools.takewhile(lambda day: day <= end, dates))
    assert found == expected


@given(
    rules(),
    st.times(min_value=time(4), max_value=time(22)),
    st.sampled_from(["W. Europe Standard Time", "Eastern Standard Time", "AUS Eastern Standard Time", "UTC"]),
)
def test_every_slot_has_the_same_wall_clock_time(rule: Recurrence, at: time, name: str) -> None:
    for day, starts, ends in slots(rule, at, timedelta(minutes=50), name, rule.starts_on.year + 1):
        assert starts.tzinfo is ends.tzinfo is UTC
        assert starts.astimezone(zone(name)).replace(tzinfo=None) == datetime.combine(day, at)
        assert (ends - starts) == timedelta(minutes=50)


@pytest.mark.parametrize(
    ("day", "months"), [(31, [(1, 31), (2, 28), (3, 31), (4, 30)]), (29, [(1, 29), (2, 28), (3, 29), (4, 29)])]
)
def test_a_date_that_a_month_lacks_is_its_last(day: int, months: list[tuple[int, int]]) -> None:
    rule = made("absoluteMonthly", day_of_month=day)
    assert [(one.month, one.day) for one in itertools.islice(rule.rule_dates(), 4)] == months


def test_the_week_begins_where_the_rule_says() -> None:
    sunday = date(2026, 1, 4)
    for first_day, second in [("monday", date(2026, 1, 12)), ("sunday", date(2026, 1, 5))]:
        rule = made(days=("monday", "sunday"), interval=2, first_day=first_day, starts_on=sunday)
        assert list(itertools.islice(rule.rule_dates(), 2)) == [sunday, second]
