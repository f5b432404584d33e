"""Sweeps that ask the series they know for their dates, instead of searching calendars: when that is enough."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

import pytest

from holdfast.core.errors import Conflict, Denied, GraphError, Throttled, Unexpected, Unreachable
from holdfast.core.model import Purpose
from holdfast.core.report import MailboxState
from holdfast.core.settings import Day, Language, Mode, Organization, Settings
from holdfast.core.settings.holidays import Holidays
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    SECOND,
    applied,
    block,
    firm,
    fjallvik,
    joins,
    killed,
    leaves,
    look,
    removed,
    states,
    swept,
)
from tests.jobs.memory import WRITES, World

TWO_DAYS = fjallvik(block(day=(Day.MONDAY, Day.THURSDAY)))
FRIDAY = fjallvik(block(day=Day.FRIDAY))
SWEDEN = Organization(
    name="Fjällvik AB", language=Language.SV, time_zone="Europe/Stockholm", holidays=Holidays(country="SE")
)


def asked(world: World, about: str | None = None) -> list[str]:
    """The calls to calendars since the journal was cleared."""
    return [call.name for call in world.journal.calls if call.port == "calendars" and about in (None, call.about)]


async def sweep_asks(world: World, settings: Settings) -> list[str]:
    """What a sweep asks of Anna's mailbox."""
    world.journal.clear()
    await swept(world, settings)
    return asked(world, ANNA.id)


async def kept(settings: Settings) -> World:
    """Two people with what the settings ask for, a day after it was applied."""
    world = firm(ANNA, BO)
    await applied(world, settings)
    world.clock.pass_time(days=1)
    return world


# -- enough


@pytest.mark.parametrize(
    ("settings", "series"),
    [(fjallvik(), 1), (TWO_DAYS, 2), (fjallvik(block(), SECOND), 2), (fjallvik(organization=SWEDEN), 1)],
    ids=["one series", "two days", "two blocks", "days off"],
)
async def test_an_idle_sweep_asks_each_known_series_for_its_dates_and_nothing_else(
    settings: Settings, series: int
) -> None:
    world = await kept(settings)
    for _ in range(3):
        world.journal.clear()
        report = await swept(world, settings)
        assert set(states(report).values()) == {MailboxState.HELD}
        assert asked(world, ANNA.id) == asked(world, BO.id) == ["instances"] * series
        world.clock.pass_time(days=1)


async def test_plan_and_apply_always_look_at_the_whole_calendar() -> None:
    world = await kept(fjallvik())
    for work in (look, applied):
        world.journal.clear()
        await work(world, fjallvik())
        assert asked(world) == ["read", "read", "instances", "instances"]


async def test_what_an_apply_left_unchanged_is_known_too() -> None:
    world = await kept(fjallvik())
    await applied(world, fjallvik())
    assert await sweep_asks(world, fjallvik()) == ["instances"]


async def test_in_mode_watch_nothing_more_is_asked() -> None:
    settings = fjallvik(mode=Mode.WATCH)
    world = await kept(settings)
    assert await sweep_asks(world, settings) == ["instances"]


async def test_dates_that_a_person_moved_or_deleted_are_theirs_and_need_no_whole_look() -> None:
    world = await kept(fjallvik())
    (series,) = world.box(ANNA).series
    first, second, *_ = series.occurrences()
    world.calendars.take_away(world.box(ANNA), first.event_id)
    world.calendars.drag(ANNA.id, second, second.starts.replace(hour=13))
    before = world.shows()
    assert await sweep_asks(world, fjallvik()) != ["instances"]  # when it is judged, and remembered
    assert await sweep_asks(world, fjallvik()) == ["instances"]
    assert world.shows() == before


async def test_leavers_whose_series_ended_are_not_looked_at_any_more() -> None:
    world = await kept(fjallvik())
    leaves(world, ANNA)
    await swept(world, fjallvik())
    assert await sweep_asks(world, fjallvik()) == []
    assert await world.state.known(ANNA.id) is None


# -- not enough


async def test_with_a_series_that_a_person_deleted_the_calendar_is_read_and_the_series_made_again() -> None:
    world = await kept(fjallvik())
    world.box(ANNA).events.clear()
    names = await sweep_asks(world, fjallvik())
    assert names[:3] == ["instances", "read", "find_by_transaction"]
    assert "create" in names
    assert asked(world, BO.id) == ["instances"]
    assert len(world.box(ANNA).series) == 1
    assert await sweep_asks(world, fjallvik()) == ["instances"]


async def test_with_one_of_two_series_deleted_the_other_stays_as_it_is() -> None:
    world = await kept(TWO_DAYS)
    monday, thursday = world.box(ANNA).series
    world.calendars.take_away(world.box(ANNA), monday.id)
    await swept(world, TWO_DAYS)
    assert thursday in world.box(ANNA).series
    assert {event.first.weekday() for event in world.box(ANNA).series} == {0, 3}
    assert len(set(world.box(ANNA).ahead(world.clock.now()))) == 52


async def test_a_series_of_which_all_dates_are_gone_is_looked_at_whole() -> None:
    world = await kept(fjallvik())
    box = world.box(ANNA)
    for one in box.series[0].occurrences():
        world.calendars.take_away(box, one.event_id)
    assert (await sweep_asks(world, fjallvik()))[:2] == ["instances", "read"]


async def test_after_a_week_the_calendar_is_read_whole_again_once() -> None:
    world = await kept(fjallvik())
    whole = []
    for days in range(1, 25):  # since it was applied
        if "read" in await sweep_asks(world, fjallvik()):
            whole.append(days)
        world.clock.pass_time(days=1)
    assert whole == [8, 16, 24]


async def test_sweeps_that_come_seldom_read_whole_each_time() -> None:
    world = await kept(fjallvik())
    for _ in range(3):
        world.clock.pass_time(days=8)
        assert "read" in await sweep_asks(world, fjallvik())


async def test_of_whom_nothing_is_known_the_calendar_is_read() -> None:
    world = await kept(fjallvik())
    await world.state.know(ANNA.id, None)
    assert await sweep_asks(world, fjallvik()) == ["read", "instances"]
    assert await sweep_asks(world, fjallvik()) == ["instances"]


async def test_after_a_lost_state_everybody_is_read_until_somebody_applies() -> None:
    world = await kept(fjallvik())
    world.state.forget_everything()
    for _ in range(2):
        assert "read" in await sweep_asks(world, fjallvik())
        assert world.journal.writes == []
    await applied(world, fjallvik())
    assert await sweep_asks(world, fjallvik()) == ["instances"]


async def test_whoever_joins_is_read_and_known_from_then_on() -> None:
    world = firm(BO)
    await applied(world, fjallvik())
    joins(world, ANNA)
    assert await sweep_asks(world, fjallvik()) == ["profile", "read", "create", "read"]
    assert await sweep_asks(world, fjallvik()) == ["instances"]


async def test_a_mailbox_that_was_made_anew_and_takes_old_ids_for_none_is_read() -> None:
    world = await kept(fjallvik())
    world.box(ANNA).events.clear()
    world.fail("instances", Unexpected("Id is malformed.", status=400, code="ErrorInvalidIdMalformed"), ANNA, times=1)
    assert states(await swept(world, fjallvik()))["anna"] is MailboxState.CHANGED
    assert len(world.box(ANNA).series) == 1


@pytest.mark.parametrize(
    "error", [Denied("No.", status=403), Throttled("Slow down.", retry_after=5), Unreachable("No answer.")]
)
async def test_dates_that_could_not_be_read_are_not_dates_that_are_gone(error: GraphError) -> None:
    world = await kept(fjallvik())
    world.fail("instances", error, ANNA)
    world.journal.clear()
    report = await swept(world, fjallvik())
    assert states(report) == {"anna": MailboxState.UNREAD, "bo": MailboxState.HELD}
    assert asked(world, ANNA.id) == ["instances"]
    world.journal.faults.clear()
    assert await sweep_asks(world, fjallvik()) == ["instances"]


async def test_a_tag_that_was_lost_meanwhile_is_found_within_a_week_and_put_back() -> None:
    """By heart it cannot show; and it harms nobody while nothing is written."""
    world = await kept(fjallvik())
    box = world.box(ANNA)
    before = world.shows()
    world.calendars.change(box, box.series[0], tag=None)
    assert await sweep_asks(world, fjallvik()) == ["instances"]
    world.clock.pass_time(days=8)
    assert states(await swept(world, fjallvik()))["anna"] is MailboxState.CHANGED
    assert world.shows() == before


@pytest.mark.parametrize("lost", [[0], [1], [0, 1]], ids=["the first", "the second", "both"])
async def test_tags_that_were_lost_of_a_block_on_two_days_are_found_and_nothing_is_made_twice(lost: list[int]) -> None:
    world = await kept(TWO_DAYS)
    box = world.box(ANNA)
    before = world.shows()
    for event in [box.series[place] for place in lost]:
        world.calendars.change(box, event, tag=None)
    world.clock.pass_time(days=8)
    assert states(await swept(world, TWO_DAYS))["anna"] is MailboxState.CHANGED
    assert world.shows() == before


async def test_a_series_of_a_late_generation_that_lost_its_tag_is_found_too() -> None:
    """After some years of continuations."""
    world = firm(ANNA)
    await applied(world, TWO_DAYS)
    for _ in range(10):
        world.clock.pass_time(weeks=14)
        await swept(world, TWO_DAYS)
    box, now = world.box(ANNA), world.clock.now()
    mondays = [event for event in box.series if event.first.weekday() == 0]
    begun, dates = world.begun(), box.ahead(now)
    world.calendars.change(box, mondays[-1], tag=None)
    assert states(await applied(world, TWO_DAYS))["anna"] is MailboxState.CHANGED
    assert all(event.tag for event in box.events.values())
    assert world.begun() == begun
    assert set(dates) <= set(box.ahead(now))
    assert len(box.ahead(now)) == len(set(box.ahead(now)))


# -- nothing is written from memory


def becomes_a_shared_mailbox(world: World) -> None:
    world.box(ANNA).purpose = Purpose.SHARED


@pytest.mark.parametrize(
    "change",
    [
        lambda world: leaves(world, ANNA),
        becomes_a_shared_mailbox,
        lambda world: world.box(ANNA).events.clear(),
        lambda world: world.clock.pass_time(weeks=12),
    ],
    ids=["a leaver", "another purpose", "a deleted series", "days off that come near and a series that runs out"],
)
async def test_whatever_is_written_was_decided_by_a_whole_look_of_the_same_run(
    change: Callable[[World], object],
) -> None:
    settings = fjallvik(organization=SWEDEN)
    world = await kept(settings)
    change(world)
    written = 0
    for _ in range(30):
        world.journal.clear()
        await swept(world, settings)
        for one in (ANNA, BO):
            names = asked(world, one.id)
            writes = [place for place, name in enumerate(names) if name in WRITES]
            assert not writes or "read" in names[: writes[0]], names
            written += len(writes)
        world.clock.pass_time(days=3)
    assert written


async def test_what_a_person_put_right_meanwhile_is_not_written_over() -> None:
    """Known: a series with a date on a day off. By then the person has taken that date out themselves."""
    world = await kept(fjallvik(organization=SWEDEN))
    box = world.box(ANNA)
    (series,) = box.series
    ascension = next(one for one in series.occurrences() if one.starts.date() == date(2027, 5, 6))
    world.calendars.take_away(box, ascension.event_id)
    world.clock.pass_time(weeks=12)
    for _ in range(10):
        world.clock.pass_time(days=6)
        world.journal.clear()
        await swept(world, fjallvik(organization=SWEDEN))
        assert world.journal.of("delete", about=ANNA.id) == []


@pytest.mark.parametrize(
    "error", [Denied("No.", status=403), Throttled("Slow down.", retry_after=5), Unreachable("No answer.")]
)
@pytest.mark.parametrize("call", ["retag", "delete", "create", "read"])
async def test_after_a_write_that_failed_the_next_look_is_whole(call: str, error: GraphError) -> None:
    world = await kept(fjallvik())
    world.clock.pass_time(days=15)
    await swept(world, fjallvik())
    world.fail(call, error, ANNA, nth=2 if call in ("delete", "read") else 1)
    assert states(await applied(world, FRIDAY))["anna"] in (MailboxState.FAILED, MailboxState.UNCONFIRMED)
    world.journal.faults.clear()
    assert "read" in (await sweep_asks(world, FRIDAY))[:2]
    assert not (await look(world, FRIDAY)).plan


@pytest.mark.parametrize("error", [Denied("No.", status=403), Unreachable("No answer."), Conflict("Changed.")])
async def test_one_who_comes_back_while_their_series_was_being_ended_has_all_dates_again(error: GraphError) -> None:
    """Known is a series that stood whole before; in the calendar it has begun to end."""
    world = await kept(fjallvik())
    world.clock.pass_time(days=15)
    leaves(world, ANNA)
    world.fail("delete", error, ANNA, nth=4)
    assert states(await swept(world, fjallvik()))["anna"] is MailboxState.FAILED
    world.journal.faults.clear()
    joins(world, ANNA)
    assert states(await swept(world, fjallvik()))["anna"] is MailboxState.CHANGED
    ahead = world.box(ANNA).ahead(world.clock.now())
    assert len(ahead) == len(set(ahead)) >= 25


async def test_one_who_comes_back_after_a_sweep_that_was_killed_has_all_dates_again() -> None:
    for at in range(200):
        world = await kept(fjallvik(block(until=date(2027, 1, 28))))
        settings = fjallvik(block(until=date(2027, 1, 28)))
        world.clock.pass_time(days=15)
        dates = world.box(ANNA).ahead(world.clock.now())
        leaves(world, ANNA)
        if not await killed(world, swept(world, settings), at=at):
            break
        joins(world, ANNA)
        await swept(world, settings)
        assert world.box(ANNA).ahead(world.clock.now()) == dates, world.journal.calls[-1]
    else:
        raise AssertionError("It never ended by itself.")


async def test_a_write_that_was_not_seen_is_looked_for_by_the_next_sweep() -> None:
    world = await kept(fjallvik())
    world.clock.pass_time(days=15)
    leaves(world, ANNA)
    world.box(ANNA).vanishing = {"delete"}
    assert states(await swept(world, fjallvik()))["anna"] is MailboxState.UNCONFIRMED
    world.box(ANNA).vanishing = set()
    assert (await sweep_asks(world, fjallvik()))[0] == "read"
    assert world.box(ANNA).ahead(world.clock.now()) == []


async def test_what_was_removed_is_known_no_more() -> None:
    world = await kept(fjallvik())
    await removed(world, fjallvik())
    assert await world.state.known(ANNA.id) is None
    await applied(world, fjallvik())
    assert await sweep_asks(world, fjallvik()) == ["instances"]


async def test_a_look_at_an_edit_that_nobody_applies_leaves_sweeps_as_they_were() -> None:
    world = await kept(fjallvik())
    await look(world, FRIDAY)
    await look(world, fjallvik(block(at=time(13))))
    assert await sweep_asks(world, fjallvik()) == ["instances"]
    assert world.journal.writes == []
