"""Days without learning time: taken out of series or moved within their week, as far ahead as is looked."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from holdfast.core.errors import Unreachable
from holdfast.core.model import Person
from holdfast.core.plan import Reason, Skip
from holdfast.core.report import MailboxState
from holdfast.core.settings import Audience, Day, HolidayRule, Language, Organization, Protection, Settings
from holdfast.core.settings.holidays import Holidays
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    DEVELOPERS,
    EVERYBODY,
    applied,
    block,
    firm,
    fjallvik,
    joins,
    look,
    staff,
    states,
    swept,
)
from tests.jobs.memory import World

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def with_days_off(*closed: tuple[date, date], country: str | None = "SE", **more: object) -> Settings:
    """Fridays at nine, but on Swedish holidays and closed days."""
    organization = Organization(
        name="Fjällvik AB",
        language=Language.SV,
        time_zone="Europe/Stockholm",
        holidays=Holidays(country=country, closed=closed),
    )
    return fjallvik(block(day=Day.FRIDAY, **more), organization=organization)


FRIDAYS_OFF = [
    date(2026, 12, 25),  # Christmas Day
    date(2027, 1, 1),  # New Year's Day
    date(2027, 3, 26),  # Good Friday
    date(2027, 6, 25),  # Midsummer's Eve
]
"""Those of the first half year, by the almanac."""

MOVED_TO = [date(2026, 12, 23), date(2026, 12, 30), date(2027, 3, 25), date(2027, 6, 24)]
"""The nearest days of their weeks that are no holidays: both eves before the first two are."""

SOON_OFF, LATER_OFF = FRIDAYS_OFF[:2], FRIDAYS_OFF[2:]

SKIPPING, MOVING = with_days_off(), with_days_off(holiday=HolidayRule.MOVE)


def days(world: World, one: Person) -> list[date]:
    """The days ahead with a block, where the people are; all begin at nine there."""
    found = [at.astimezone(STOCKHOLM) for at in world.box(one).ahead(world.clock.now())]
    assert {at.time() for at in found} <= {time(9)}
    return [at.date() for at in found]


# -- a new series


async def test_the_first_apply_takes_the_days_off_of_the_coming_weeks_out_at_once() -> None:
    world = firm(ANNA, BO)
    seen = await look(world, SKIPPING)
    assert seen.plan.writes == 2 * (1 + len(SOON_OFF))
    report = await applied(world, SKIPPING)
    assert report.planned_writes == report.writes == len(world.journal.writes) == seen.plan.writes
    assert set(states(report).values()) == {MailboxState.CHANGED}
    for one in (ANNA, BO):
        found = days(world, one)
        assert found[0] == date(2026, 12, 4)
        assert set(SOON_OFF).isdisjoint(found)
        assert set(found) >= {date(2027, 3, 26)}  # further ahead than is looked
    assert not (await look(world, SKIPPING)).plan


async def test_they_are_moved_within_the_week_where_that_is_asked_for() -> None:
    world = firm(ANNA)
    report = await applied(world, MOVING)
    assert report.planned_writes == report.writes == 1 + len(SOON_OFF)
    assert [call.name for call in world.journal.writes] == ["create", "move", "move"]
    found = days(world, ANNA)
    assert set(MOVED_TO[:2]) <= set(found)
    assert set(SOON_OFF).isdisjoint(found)
    assert len(world.box(ANNA).series) == 1
    assert not (await look(world, MOVING)).plan


@pytest.mark.parametrize("settings", [SKIPPING, MOVING], ids=["skip", "move"])
async def test_the_later_ones_follow_by_sweeps_when_they_come_near_and_no_one_is_met_by_a_block(
    settings: Settings,
) -> None:
    world = firm(ANNA, BO)
    await applied(world, settings)
    when = {}
    for _ in range(60):
        world.clock.pass_time(days=4)
        world.journal.clear()
        await swept(world, settings)
        for call in world.journal.of("delete", "move", about=ANNA.id):
            when[world.clock.now().date()] = call.name
    name = "move" if settings is MOVING else "delete"
    assert list(when.values()) == [name] * len(LATER_OFF)
    for off, at in zip(LATER_OFF, when, strict=True):
        assert timedelta(days=86) <= off - at <= timedelta(weeks=13)
    stood = [one.starts.astimezone(STOCKHOLM).date() for event in world.box(BO).series for one in event.occurrences()]
    fridays = [date(2026, 12, 4) + timedelta(weeks=week) for week in range(32)]
    expected = set(fridays) - set(FRIDAYS_OFF) | (set(MOVED_TO) if settings is MOVING else set())
    assert expected == {day for day in stood if day <= fridays[-1]}
    assert len(stood) == len(set(stood))


async def test_a_long_closed_time_is_gone_over_and_a_series_begins_and_ends_on_days_that_stand() -> None:
    world = firm(ANNA)
    settings = with_days_off((date(2026, 12, 1), date(2027, 1, 10)), until=date(2027, 4, 1))
    await applied(world, settings)
    assert days(world, ANNA)[0] == date(2027, 1, 15)
    (series,) = world.box(ANNA).series
    assert (series.first, series.range_ends) == (date(2027, 1, 15), date(2027, 3, 19))
    assert world.journal.writes[1:] == []


async def test_a_block_all_of_whose_days_are_off_is_for_nobody() -> None:
    world = firm(ANNA)
    settings = with_days_off((date(2026, 12, 1), date(2027, 1, 10)), until=date(2027, 1, 8))
    report = await applied(world, settings)
    assert states(report) == {"anna": MailboxState.EXCUSED}
    assert world.journal.writes == []


async def test_each_audience_has_its_own_days_off() -> None:
    """Epiphany is a day off in Finland and in Sweden, Finland's Independence Day in Finland only."""
    world = firm(ANNA)
    world.directory.add(DEVELOPERS, BO)
    joins(world, BO)
    world.directory.inside[EVERYBODY.id].remove(BO)
    settings = fjallvik(
        block(day=Day.MONDAY, audiences=("alla", "utveckling"), from_=date(2027, 11, 1)),
        audiences={
            "alla": Audience(group=EVERYBODY.name, holidays=Holidays(country="SE")),
            "utveckling": Audience(group=DEVELOPERS.name, holidays=Holidays(country="FI")),
        },
    )
    world.clock.at = datetime(2027, 10, 1, tzinfo=UTC)
    await applied(world, settings)
    assert date(2027, 12, 6) in days(world, ANNA)
    assert date(2027, 12, 6) not in days(world, BO)


async def test_whoever_joins_and_whoever_is_remade_has_the_days_off_too() -> None:
    world = firm(ANNA)
    await applied(world, SKIPPING)
    world.box(ANNA).events.clear()
    joins(world, BO)
    await swept(world, SKIPPING)
    for one in (ANNA, BO):
        assert set(SOON_OFF).isdisjoint(days(world, one))


async def test_two_dates_of_a_week_never_move_onto_each_other() -> None:
    """Christmas Eve and Christmas Day: one goes to Wednesday, the other to Tuesday; and so at the turn of the year."""
    world = firm(ANNA)
    settings = with_days_off(holiday=HolidayRule.MOVE)
    both = block(day=(Day.THURSDAY, Day.FRIDAY), holiday=HolidayRule.MOVE)
    await applied(world, settings.model_copy(update={"blocks": (both,)}))
    found = days(world, ANNA)
    assert len(found) == len(set(found)) == 52
    christmas = [day for day in found if date(2026, 12, 21) <= day <= date(2027, 1, 3)]
    assert christmas == [date(2026, 12, day) for day in (22, 23, 29, 30)]


async def test_two_blocks_of_one_hour_never_move_onto_each_other_but_may_share_a_day() -> None:
    world = firm(ANNA)
    early, same = block(holiday=HolidayRule.MOVE), block("sen", day=Day.FRIDAY, holiday=HolidayRule.MOVE)
    later = block("eftermiddag", day=Day.FRIDAY, at=time(14), holiday=HolidayRule.MOVE)
    settings = with_days_off().model_copy(update={"blocks": (early, same, later)})
    await applied(world, settings)
    ahead = world.box(ANNA).ahead(world.clock.now())
    assert len(ahead) == len(set(ahead))
    week = [at.astimezone(STOCKHOLM) for at in ahead if date(2026, 12, 21) <= at.date() <= date(2026, 12, 25)]
    assert [(at.day, at.hour) for at in week] == [(22, 9), (23, 9), (23, 14)]


@pytest.mark.parametrize(
    ("other", "to"),
    [
        ({"until": date(2026, 12, 23)}, 22),
        ({"until": date(2026, 12, 22)}, 23),
        ({"from_": date(2026, 12, 23)}, 22),
        ({"from_": date(2026, 12, 24)}, 23),
        # Its own date of Christmas Eve, had it one, moved to the day before.
        ({"day": Day.THURSDAY, "holiday": HolidayRule.MOVE, "until": date(2026, 12, 24)}, 22),
        ({"day": Day.THURSDAY, "holiday": HolidayRule.MOVE, "until": date(2026, 12, 23)}, 23),
    ],
)
async def test_a_block_is_in_the_way_of_what_moves_while_it_lasts_and_no_longer(
    other: dict[str, object], to: int
) -> None:
    world = firm(ANNA)
    blocks = (block("forst", **{"day": Day.WEDNESDAY, **other}), block(day=Day.FRIDAY, holiday=HolidayRule.MOVE))
    await applied(world, with_days_off().model_copy(update={"blocks": blocks}))
    [moving] = [one for one in world.box(ANNA).series if one.first == date(2026, 12, 4)]
    assert moving.moved[date(2026, 12, 25)].date() == date(2026, 12, to)


# -- a series that stands


CLOSED = (date(2027, 1, 11), date(2027, 1, 24))
CLOSED_FRIDAYS = {date(2027, 1, 15), date(2027, 1, 22)}


async def test_days_that_are_closed_later_on_are_taken_out_of_what_stands_and_no_guard_stops_it() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, SKIPPING)
    closing = with_days_off(CLOSED)
    seen = await look(world, closing)
    assert {(type(change), change.reason) for change in seen.plan.changes} == {(Skip, Reason.DAY_OFF)}
    seen.check_guard(closing, frozenset({"lartimmen"}))
    world.journal.clear()
    report = await applied(world, closing)
    assert report.planned_writes == report.writes == len(world.journal.writes) == 2 * len(people)
    assert all(CLOSED_FRIDAYS.isdisjoint(days(world, one)) for one in people)
    assert all(len(world.box(one).series) == 1 for one in people)


async def test_a_week_that_is_all_closed_has_nowhere_to_move_to() -> None:
    world = firm(ANNA)
    await applied(world, MOVING)
    before = days(world, ANNA)
    await applied(world, with_days_off(CLOSED, holiday=HolidayRule.MOVE))
    assert set(before) - set(days(world, ANNA)) == CLOSED_FRIDAYS


async def test_what_a_person_did_with_a_day_off_already_is_left_as_it_is() -> None:
    """One has deleted it, the other has moved it to a day that stands."""
    world = firm(ANNA, BO)
    await applied(world, SKIPPING)
    for one in (ANNA, BO):
        (closed,) = (
            there
            for there in world.box(one).series[0].occurrences()
            if there.starts.astimezone(STOCKHOLM).date() == date(2027, 1, 15)
        )
        if one is ANNA:
            world.calendars.take_away(world.box(one), closed.event_id)
        else:
            world.calendars.drag(one.id, closed, datetime(2027, 1, 14, 12, tzinfo=UTC))
    before = world.shows()
    assert not (await look(world, with_days_off((date(2027, 1, 15), date(2027, 1, 15))))).plan
    assert world.shows() == before


async def test_what_a_person_moved_to_another_day_off_goes() -> None:
    world = firm(ANNA)
    await applied(world, SKIPPING)
    (closed,) = (
        there
        for there in world.box(ANNA).series[0].occurrences()
        if there.starts.astimezone(STOCKHOLM).date() == date(2027, 1, 15)
    )
    world.calendars.drag(ANNA.id, closed, datetime(2027, 1, 13, 12, tzinfo=UTC))
    await applied(world, with_days_off(CLOSED))
    assert CLOSED_FRIDAYS.isdisjoint(days(world, ANNA))
    assert date(2027, 1, 13) not in days(world, ANNA)


@pytest.mark.parametrize(("minutes", "stays"), [(14, True), (16, False)])
async def test_a_day_that_is_closed_minutes_before_it_begins_is_left_alone(minutes: int, *, stays: bool) -> None:
    world = firm(ANNA)
    await applied(world, SKIPPING)
    begins = datetime(2027, 1, 15, 9, tzinfo=STOCKHOLM).astimezone(UTC)
    world.clock.at = begins - timedelta(minutes=minutes)
    await applied(world, with_days_off(CLOSED))
    assert (date(2027, 1, 15) in days(world, ANNA)) is stays
    assert date(2027, 1, 22) not in days(world, ANNA)


async def test_a_move_never_goes_into_the_past() -> None:
    """On Thursday afternoon the week has no day left for Friday's hour but Friday itself."""
    world = firm(ANNA)
    await applied(world, MOVING)
    world.clock.at = datetime(2027, 1, 14, 12, tzinfo=UTC)
    begun = world.begun()
    await applied(world, with_days_off((date(2027, 1, 15), date(2027, 1, 15)), holiday=HolidayRule.MOVE))
    assert world.begun() == begun
    assert days(world, ANNA)[0] == date(2027, 1, 22)


async def test_a_date_that_cannot_move_past_a_neighbour_that_the_person_moved_is_taken_out() -> None:
    world = firm(ANNA)
    await applied(world, with_days_off(holiday=HolidayRule.MOVE, protection=Protection.SOFT))
    (before,) = (
        there
        for there in world.box(ANNA).series[0].occurrences()
        if there.starts.astimezone(STOCKHOLM).date() == date(2027, 1, 8)
    )
    world.calendars.drag(ANNA.id, before, datetime(2027, 1, 14, 12, tzinfo=UTC))
    closed = date(2027, 1, 15), date(2027, 1, 15)
    settings = with_days_off(closed, holiday=HolidayRule.MOVE, protection=Protection.SOFT)
    world.journal.clear()
    report = await applied(world, settings)
    assert states(report)["anna"] is MailboxState.CHANGED
    assert [call.name for call in world.journal.writes] == ["move", "delete"]
    assert (report.planned_writes, report.writes) == (1, 2)
    assert [at.date() for at in world.box(ANNA).ahead(datetime(2027, 1, 9, tzinfo=UTC))][:2] == [
        date(2027, 1, 14),
        date(2027, 1, 22),
    ]
    assert not (await look(world, settings)).plan


# -- read back


@pytest.mark.parametrize(("settings", "call"), [(SKIPPING, "delete"), (MOVING, "move")], ids=["skip", "move"])
@pytest.mark.parametrize("standing", [False, True], ids=["of a new series", "of one that stands"])
async def test_a_date_that_still_stands_when_read_back_is_unconfirmed_and_goes_the_next_time(
    settings: Settings, call: str, *, standing: bool
) -> None:
    world = firm(ANNA, BO)
    if standing:
        await applied(world, with_days_off(country=None))
    world.box(ANNA).vanishing = {call}
    report = await applied(world, settings)
    assert states(report) == {"anna": MailboxState.UNCONFIRMED, "bo": MailboxState.CHANGED}
    assert not report.complete
    world.box(ANNA).vanishing = set()
    assert states(await swept(world, settings)) == {"anna": MailboxState.CHANGED, "bo": MailboxState.HELD}
    assert days(world, ANNA) == days(world, BO)


@pytest.mark.parametrize("call", ["delete", "move", "instances"])
async def test_days_off_that_could_not_be_taken_out_are_done_by_the_next_sweep(call: str) -> None:
    settings = MOVING if call == "move" else SKIPPING
    world = firm(ANNA, BO)
    world.fail(call, Unreachable("No answer."), ANNA)
    assert states(await applied(world, settings))["anna"] is MailboxState.FAILED
    world.journal.faults.clear()
    assert (await swept(world, settings)).complete
    assert days(world, ANNA) == days(world, BO)
    assert len(world.box(ANNA).series) == 1


@pytest.mark.parametrize("settings", [SKIPPING, MOVING], ids=["skip", "move"])
@pytest.mark.parametrize("tags_lost", [0, 1], ids=["tagged", "untagged"])
async def test_a_series_that_was_made_though_nobody_heard_of_it_has_its_days_off_by_the_end_of_the_run(
    settings: Settings, tags_lost: int
) -> None:
    world = firm(ANNA, BO)
    world.box(ANNA).loses_tags = tags_lost
    world.fail("create", Unreachable("No answer."), ANNA, times=1, after=True)
    assert set(states(await applied(world, settings)).values()) == {MailboxState.CHANGED}
    assert days(world, ANNA) == days(world, BO)
    assert not (await look(world, settings)).plan
