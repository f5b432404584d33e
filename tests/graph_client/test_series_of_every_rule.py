"""Series by every kind of rule: the dates that a calendar shows are those that we count with."""

from __future__ import annotations

from datetime import time

import pytest

from holdfast.core import recurrence, zones
from holdfast.core.model import Monthly, NthWeekday, Position, Rule, Weekday, Weekly
from tests.graph_client.office import RULES, Office, days_of, hours_of, series_of, tag_of

WEEKLY = [Weekly(day, interval, phase) for interval in (1, 2, 3) for phase in range(interval) for day in Weekday]
SELDOM = [Weekly(Weekday.WEDNESDAY, 8, phase) for phase in range(8)]
BY_DATE = [Monthly(day, interval, interval - 1) for interval in (1, 2, 3, 6) for day in (1, 2, 15, 27, 28)]
BY_WEEKDAY = [
    Monthly(NthWeekday(position, day), interval, interval // 2)
    for interval in (1, 2, 5)
    for position in Position
    for day in Weekday
]


@pytest.mark.parametrize(
    "rules",
    [
        *([rule for rule in WEEKLY if rule.interval == interval] for interval in (1, 2, 3)),
        SELDOM,
        BY_DATE,
        *([rule for rule in BY_WEEKDAY if rule.interval == interval] for interval in (1, 2, 5)),
    ],
    ids=["weeks", "2 weeks", "3 weeks", "8 weeks", "date", "weekday", "weekday in 2 months", "weekday in 5 months"],
)
async def test_a_calendar_shows_the_dates_that_we_count_with_over_a_year(office: Office, rules: list[Rule]) -> None:
    for number, rule in enumerate(rules):
        series = series_of(rule, block=f"block-{number}")
        shown = await office.dates(await office.make(series))
        assert [(one.starts, one.ends) for one in shown] == hours_of(series, days_of(series)), rule
        assert len(shown) > 1
        assert not any(one.is_exception for one in shown)


@pytest.mark.parametrize("zone", ["Europe/Helsinki", "America/New_York", "Australia/Sydney", "Asia/Tokyo", "UTC"])
@pytest.mark.parametrize("name", RULES)
async def test_it_does_so_in_every_zone_also_around_midnight(office: Office, zone: str, name: str) -> None:
    for number, at in enumerate((time(0), time(23, 30))):
        series = series_of(RULES[name], at=at, zone=zone, block=f"block-{number}")
        shown = await office.dates(await office.make(series))
        assert [(one.starts, one.ends) for one in shown] == hours_of(series, days_of(series))
        assert [zones.date_at(zone, one.original_starts) for one in shown] == days_of(series)


@pytest.mark.parametrize("name", RULES)
async def test_a_series_of_every_kind_is_found_again(office: Office, name: str) -> None:
    series = series_of(RULES[name])
    event_id = await office.make(series)
    (found,) = (await office.calendars.read(office.id())).series
    assert (found.event_id, found.tag, found.range_ends) == (event_id, tag_of(series), series.last)
    assert found.starts == recurrence.starts(series.slot, series.first)
    assert found.zone is not None
    assert zones.windows(found.zone) == zones.windows(series.slot.zone)
    assert found.instances is found.ahead is None


async def test_a_series_keeps_its_hour_over_both_clock_changes(office: Office) -> None:
    shown = await office.dates(await office.make(series_of(Weekly(Weekday.SUNDAY, 1))))
    hours = {one.starts.date().isoformat(): one.starts.hour for one in shown}
    assert [hours[day] for day in ("2027-03-21", "2027-03-28", "2027-10-24", "2027-10-31")] == [8, 7, 7, 8]
