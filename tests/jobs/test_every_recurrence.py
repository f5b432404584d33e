"""Blocks on several days, every few weeks and by the month, through their whole life. Dates are told by dateutil."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import FR, MO, MONTHLY, TH, TU, WEEKLY, rrule

from holdfast.core.model import NthWeekday, Person, Position, Weekday
from holdfast.core.plan import Create, End, Reason
from holdfast.core.report import MailboxState
from holdfast.core.settings import Block, Day, Protection, Settings
from holdfast.core.tenant import TenantFacts
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    applied,
    block,
    firm,
    fjallvik,
    joins,
    leaves,
    look,
    removed,
    states,
    swept,
)
from tests.jobs.memory import World

STOCKHOLM = ZoneInfo("Europe/Stockholm")
BEGIN = datetime(2026, 12, 1)  # noqa: DTZ001 - dates alone, for dateutil
FIRST_MONDAY, LAST_FRIDAY = NthWeekday(Position.FIRST, Weekday.MONDAY), NthWeekday(Position.LAST, Weekday.FRIDAY)

Dates = Callable[[], Iterable[datetime]]

RULES: dict[str, tuple[Block, Dates]] = {
    "two days": (block(day=(Day.MONDAY, Day.THURSDAY)), lambda: rrule(WEEKLY, BEGIN, byweekday=(MO, TH))),
    "every two weeks": (block(every="2 weeks", day=Day.TUESDAY), lambda: rrule(WEEKLY, BEGIN, 2, byweekday=TU)),
    "two days every three weeks": (
        block(every="3 weeks", day=(Day.TUESDAY, Day.MONDAY)),
        lambda: rrule(WEEKLY, BEGIN, 3, byweekday=(MO, TU)),
    ),
    "a date of the month": (block(every="month", day=15), lambda: rrule(MONTHLY, BEGIN, bymonthday=15)),
    "the first Monday": (block(every="month", day=FIRST_MONDAY), lambda: rrule(MONTHLY, BEGIN, byweekday=MO(1))),
    "the last Friday of every other month": (
        block(every="2 months", day=LAST_FRIDAY),
        lambda: rrule(MONTHLY, BEGIN, 2, byweekday=FR(-1)),
    ),
    "a place and a date": (
        block(every="month", day=(LAST_FRIDAY, 14)),
        lambda: sorted(
            [*rrule(MONTHLY, BEGIN, byweekday=FR(-1), count=40), *rrule(MONTHLY, BEGIN, bymonthday=14, count=40)]
        ),
    ),
}

every_rule = pytest.mark.parametrize(("wanted", "told"), RULES.values(), ids=RULES)


def expected(told: Dates, since: date, until: date) -> list[date]:
    """The dates of a rule from one day up to another, weekends left out."""
    found: list[date] = []
    for at in told():
        if at.date() > until:
            break
        if at.date() >= since and at.weekday() < 5:
            found.append(at.date())
    return found


def days(world: World, one: Person, since: datetime | None = None) -> list[date]:
    """The dates ahead of somebody, at nine o'clock all of them."""
    found = [at.astimezone(STOCKHOLM) for at in world.box(one).ahead(since or world.clock.now())]
    assert {at.time() for at in found} <= {time(9)}
    return [at.date() for at in found]


def coming(world: World) -> tuple[date, date]:
    """The stretch that always has to be covered: from tomorrow on, thirteen weeks."""
    today = world.clock.now().date()
    return today + timedelta(days=1), today + timedelta(weeks=13)


def within(found: list[date], stretch: tuple[date, date]) -> list[date]:
    return [day for day in found if stretch[0] <= day <= stretch[1]]


@every_rule
async def test_the_first_apply_puts_every_date_once_and_the_second_has_nothing_to_do(
    wanted: Block, told: Dates
) -> None:
    world = firm(ANNA, BO)
    settings = fjallvik(wanted)
    report = await applied(world, settings)
    assert report.planned_writes == report.writes == len(world.journal.writes)
    assert len(world.box(ANNA).series) == len(wanted.rules())
    for one in (ANNA, BO):
        assert within(days(world, one), coming(world)) == expected(told, *coming(world)) != []
    world.journal.clear()
    assert states(await applied(world, settings)) == {"anna": MailboxState.HELD, "bo": MailboxState.HELD}
    assert world.journal.writes == []


@every_rule
async def test_over_the_years_every_date_stands_once_however_often_the_series_are_continued(
    wanted: Block, told: Dates
) -> None:
    world = firm(ANNA)
    settings = fjallvik(wanted)
    await applied(world, settings)
    for _ in range(24):
        world.clock.pass_time(weeks=5)
        await swept(world, settings)
        assert within(days(world, ANNA), coming(world)) == expected(told, *coming(world))
    stood = days(world, ANNA, datetime(2026, 12, 1, tzinfo=UTC))
    assert [day for day, times in Counter(stood).items() if times > 1] == []
    assert within(stood, (date(2026, 12, 1), date(2029, 1, 1))) == expected(told, date(2026, 12, 1), date(2029, 1, 1))
    assert len({event.transaction for event in world.box(ANNA).series}) == len(world.box(ANNA).series)


@every_rule
async def test_a_series_that_was_deleted_comes_back_and_the_others_stay(wanted: Block, told: Dates) -> None:
    settings = fjallvik(wanted)
    for which in range(len(wanted.rules())):
        world = firm(ANNA)
        await applied(world, settings)
        box = world.box(ANNA)
        gone = box.series[which]
        others = [event for event in box.series if event is not gone]
        world.calendars.take_away(box, gone.id)
        seen = await look(world, settings)
        assert [(type(change), change.reason) for change in seen.plan.changes] == [(Create, Reason.REMADE)]
        await swept(world, settings)
        assert [event for event in box.series if event in others] == others
        assert within(days(world, ANNA), coming(world)) == expected(told, *coming(world))


@pytest.mark.parametrize("keeps", [True, False], ids=["range ends are safe", "range ends are not"])
@every_rule
async def test_a_leaver_and_a_removal_keep_what_was_and_lose_what_is_ahead(
    wanted: Block, told: Dates, *, keeps: bool
) -> None:
    world = firm(ANNA, BO)
    settings = fjallvik(wanted.model_copy(update={"protection": Protection.SOFT}))  # so that no deletion is agreed on
    for one in (ANNA, BO):
        world.box(one).range_end_keeps = keeps
    await world.state.learn_facts(TenantFacts(world.clock.now(), range_end_keeps=keeps))
    await applied(world, settings)
    world.clock.pass_time(weeks=10)
    for one in (ANNA, BO):
        for event in world.box(one).series:
            past, *_, last = event.occurrences()
            world.calendars.drag(one.id, past, past.starts + timedelta(hours=2))
            world.calendars.take_away(world.box(one), last.event_id)
    begun = world.begun()
    leaves(world, ANNA)
    world.journal.clear()
    report = await applied(world, settings)
    assert report.planned_writes == report.writes == len(world.journal.writes)
    assert days(world, ANNA) == []
    assert world.begun() == begun
    assert set(await world.state.placed()) == {BO.id}
    world.journal.clear()
    series = len(world.box(BO).series)
    report = await removed(world, settings)
    assert report.planned_writes == report.writes == len(world.journal.writes)
    if keeps:  # one write a series that has begun, and one for each continuation that has not
        assert len(world.journal.of("shorten")) == len(wanted.rules())
        assert len(world.journal.writes) == len(world.journal.of("shorten", "delete")) == series
    assert days(world, BO) == []
    assert world.begun() == begun
    joins(world, ANNA)
    await applied(world, settings)
    for one in (ANNA, BO):
        assert within(days(world, one), coming(world)) == expected(told, *coming(world))
    assert {box: past & world.begun()[box] for box, past in begun.items()} == begun


async def changed_over(before: Settings, after: Settings) -> World:
    """A firm whose settings were edited after some weeks, and held against what was there before."""
    world = firm(ANNA, BO)
    await applied(world, before)
    world.clock.pass_time(weeks=4)
    begun = world.begun()
    world.journal.clear()
    report = await applied(world, after)
    assert report.planned_writes == report.writes == len(world.journal.writes)
    assert world.begun() == begun
    assert not (await look(world, after)).plan
    return world


async def test_a_day_dropped_from_the_settings_ends_its_series_and_touches_no_other() -> None:
    both, _ = RULES["two days"]
    world = await changed_over(fjallvik(both), fjallvik(block()))
    assert {day.weekday() for day in days(world, ANNA)} == {3}
    assert within(days(world, ANNA), coming(world)) == expected(
        lambda: rrule(WEEKLY, BEGIN, byweekday=TH), *coming(world)
    )
    assert {call.name for call in world.journal.writes} == {"retag", "delete"}
    assert len(world.box(ANNA).series) == 2


async def test_a_day_added_is_one_more_series() -> None:
    both, told = RULES["two days"]
    world = await changed_over(fjallvik(block()), fjallvik(both))
    assert [call.name for call in world.journal.writes] == ["create", "create"]
    assert within(days(world, ANNA), coming(world)) == expected(told, *coming(world))


async def test_one_day_instead_of_another_leaves_the_third_alone() -> None:
    world = firm(ANNA)
    before = fjallvik(block(day=(Day.MONDAY, Day.THURSDAY)))
    await applied(world, before)
    (thursday,) = (event for event in world.box(ANNA).series if event.first.weekday() == 3)
    world.clock.pass_time(weeks=4)
    seen = await look(world, fjallvik(block(day=(Day.TUESDAY, Day.THURSDAY))))
    assert [(type(change), change.reason) for change in seen.plan.changes] == [
        (Create, Reason.RESCHEDULED),
        (End, Reason.RESCHEDULED),
    ]
    await applied(world, fjallvik(block(day=(Day.TUESDAY, Day.THURSDAY))))
    assert thursday in world.box(ANNA).series
    assert {day.weekday() for day in days(world, ANNA)} == {1, 3}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("every two weeks", "two days"),
        ("two days", "every two weeks"),
        ("a date of the month", "the first Monday"),
        ("two days every three weeks", "two days"),
        ("two days", "a place and a date"),
    ],
)
async def test_any_rule_can_follow_any_other(before: str, after: str) -> None:
    wanted, told = RULES[after]
    world = await changed_over(fjallvik(RULES[before][0]), fjallvik(wanted))
    for one in (ANNA, BO):
        assert within(days(world, one), coming(world)) == expected(told, *coming(world))


async def test_a_later_first_day_changes_the_weeks_of_a_block_that_comes_every_other_week() -> None:
    wanted, told = RULES["every two weeks"]
    later = wanted.model_copy(update={"from_": date(2026, 12, 8)})
    world = await changed_over(fjallvik(wanted), fjallvik(later))
    for day in expected(told, *coming(world)):
        assert day not in days(world, ANNA)
        assert day + timedelta(weeks=1) in days(world, ANNA)
