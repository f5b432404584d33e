"""A time of day that Holdfast chooses: the quietest, once, and then kept until somebody asks again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import pytest

from holdfast.core.desired import ChoiceKey, Choices
from holdfast.core.errors import Denied, GraphError, NoMailbox, Throttled, Unexpected, Unreachable
from holdfast.core.model import Group, Person, Weekday, WorkingHours
from holdfast.core.plan import Reason
from holdfast.core.report import MailboxState
from holdfast.core.settings import Audience, Block, Day, Language, Organization, Quietest, Settings
from holdfast.core.settings.holidays import Holidays
from holdfast.jobs.apply import apply
from holdfast.jobs.survey import Survey
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    CILLA,
    DEVELOPERS,
    EVERYBODY,
    applied,
    block,
    firm,
    fjallvik,
    joins,
    leaves,
    look,
    person,
    staff,
    states,
    swept,
)
from tests.jobs.memory import World

KEY = ChoiceKey("lartimmen", "alla", "weekly THURSDAY")
THURSDAYS = [date(2026, 12, 3) + timedelta(weeks=week) for week in range(4)]
"""Those of the four weeks from the block's first day on."""


def quiet(since: time = time(8), until: time = time(12), **more: object) -> Block:
    return block(at=Quietest(since, until), **more)


QUIET = fjallvik(quiet())


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of a winter's day in Stockholm."""
    return datetime(day.year, day.month, day.day, hour - 1, minute, tzinfo=UTC)


def busy(world: World, one: Person, *hours: int, days: Iterable[date] = THURSDAYS) -> None:
    """Somebody has something else from each of these hours on, an hour long."""
    box = world.box(one)
    box.busy = [*box.busy, *((at(day, hour), at(day, hour + 1)) for day in days for hour in hours)]


def chosen(seen: Survey) -> time:
    return seen.choosing.times[KEY]


def stands_at(world: World, one: Person) -> set[time]:
    """The wall-clock times at which the blocks ahead of somebody begin, by their events."""
    now = world.clock.now()
    return {event.starts for event in world.box(one).series if any(d.starts > now for d in event.occurrences())}


# -- which time it is


async def test_the_time_with_the_fewest_conflicts_is_chosen_and_the_next_best_are_told() -> None:
    world = firm(ANNA, BO, CILLA)
    for one, hours in ((ANNA, (8, 9)), (BO, (8, 10)), (CILLA, (9, 10))):
        busy(world, one, *hours)
    busy(world, ANNA, 11, days=THURSDAYS[:1])
    seen = await look(world, QUIET)
    (found,) = seen.choosing.fresh
    assert (found.key, found.at, found.missed, found.dates, found.people) == (KEY, time(11), 1, 4, 3)
    assert found.runners_up == ((time(8), 8), (time(9), 8), (time(10), 8))
    await apply(seen, QUIET, world.ports)
    assert stands_at(world, ANNA) == stands_at(world, CILLA) == {time(11)}


async def test_of_equals_the_earliest_is_taken() -> None:
    assert chosen(await look(firm(ANNA), QUIET)) == time(8)


async def test_where_somebody_does_not_work_counts_as_a_conflict() -> None:
    world = firm(ANNA)
    afternoons = WorkingHours(frozenset(Weekday), time(10, 30), time(17), "Europe/Stockholm")
    world.box(ANNA).hours = afternoons
    seen = await look(world, QUIET)
    assert chosen(seen) == time(10, 30)
    assert dict(seen.choosing.fresh[0].conflicts)[time(8)] == 4


async def test_what_stands_on_days_off_does_not_count() -> None:
    world = firm(ANNA)
    busy(world, ANNA, 8, days=[date(2026, 12, 24)])
    swedish = Organization(
        name="Fjällvik AB", language=Language.SV, time_zone="Europe/Stockholm", holidays=Holidays(country="SE")
    )
    assert chosen(await look(world, QUIET)) == time(9)
    seen = await look(world, fjallvik(quiet(), organization=swedish))
    assert (chosen(seen), seen.choosing.fresh[0].dates) == (time(8), 3)


async def test_each_audience_and_each_day_has_a_time_of_its_own() -> None:
    world = firm(ANNA, BO)
    world.directory.add(DEVELOPERS, BO)
    world.directory.inside[EVERYBODY.id] = [ANNA, BO]
    busy(world, BO, 8)
    busy(world, ANNA, 8, days=[day - timedelta(days=2) for day in [*THURSDAYS, date(2026, 12, 31)]])
    settings = fjallvik(
        quiet(audiences=("utveckling", "alla"), day=(Day.TUESDAY, Day.THURSDAY)),
        audiences={"alla": Audience(group=EVERYBODY.name), "utveckling": Audience(group=DEVELOPERS.name)},
    )
    seen = await look(world, settings)
    assert {(key.audience, key.days.split()[1]): when for key, when in seen.choosing.times.items()} == {
        ("utveckling", "TUESDAY"): time(8),
        ("utveckling", "THURSDAY"): time(9),
        ("alla", "TUESDAY"): time(9),
        ("alla", "THURSDAY"): time(8),
    }
    assert {one.people for one in seen.choosing.fresh} == {1}  # each by the first audience they are in


# -- how it is found out


async def test_twenty_people_are_asked_about_at_a_time_and_only_those_who_get_the_block() -> None:
    world = firm(*staff(45), person("gast", guest=True), person("slut", enabled=False))
    world.journal.clear()
    seen = await look(world, QUIET)
    assert seen.choosing.fresh[0].people == 45
    assert [call.about for call in world.journal.of("free_busy")] == ["id-p000", "id-p020", "id-p040"]


async def test_a_time_that_is_given_by_the_settings_asks_nobody() -> None:
    world = firm(ANNA)
    await look(world, fjallvik())
    assert world.journal.of("free_busy") == []


@pytest.mark.parametrize(
    "error", [NoMailbox("None."), Denied("No."), Throttled("Slow down.", retry_after=5), Unreachable("Nothing.")]
)
async def test_a_mailbox_that_does_not_answer_stops_nobody(error: GraphError) -> None:
    world = firm(*staff(25))
    busy(world, staff(25)[24], 8)
    for one in staff(2):
        world.fail("free_busy", error, one)
    seen = await look(world, QUIET)
    assert [call.about for call in world.journal.of("free_busy")] == ["id-p000", "id-p020", "id-p001", "id-p002"]
    assert (chosen(seen), seen.choosing.fresh[0].people) == (time(9), 25)


async def test_twenty_who_cannot_be_asked_about_are_left_out_and_not_counted() -> None:
    world = firm(*staff(25))
    for one in staff(20):
        world.fail("free_busy", Unreachable("No answer."), one)
    seen = await look(world, QUIET)
    assert seen.choosing.fresh[0].people == 5
    assert len(world.journal.of("free_busy")) == 4


async def test_where_nobody_can_be_asked_about_nothing_is_chosen_and_graphs_error_told() -> None:
    world = firm(ANNA, BO)
    world.fail("free_busy", Unexpected("What?", status=500))
    with pytest.raises(Unexpected, match=r"What\?"):
        await applied(world, QUIET)
    assert world.journal.writes == []
    assert await world.state.choices() == {}


async def test_an_audience_without_people_gets_the_earliest_time() -> None:
    assert chosen(await look(firm(), QUIET)) == time(8)


# -- it stays


async def test_a_plan_remembers_nothing_and_an_apply_does() -> None:
    world = firm(ANNA, BO)
    busy(world, ANNA, 8)
    await look(world, QUIET)
    assert await world.state.choices() == {}
    await applied(world, QUIET)
    assert await world.state.choices() == {KEY: time(9)}


async def kept_at_nine(*people: Person) -> World:
    """A firm in which nine has been the quietest, and from now on is the busiest."""
    world = firm(*people)
    busy(world, people[0], 8)
    await applied(world, QUIET)
    for one in people:
        world.box(one).busy = []
        busy(world, one, 9, days=[THURSDAYS[0] + timedelta(weeks=week) for week in range(12)])
    world.journal.clear()
    return world


async def test_it_is_kept_however_the_calendars_change_and_nobody_is_asked_again() -> None:
    world = await kept_at_nine(ANNA, BO)
    for _ in range(3):
        world.clock.pass_time(days=10)
        assert not (await look(world, QUIET)).plan
        await swept(world, QUIET)
    joins(world, CILLA)
    await swept(world, QUIET)
    assert stands_at(world, CILLA) == {time(9)}
    assert world.journal.of("free_busy") == []


@pytest.mark.parametrize(("since", "until"), [(time(8), time(10)), (time(9), time(16)), (time(7), time(17))])
async def test_it_is_kept_where_it_still_fits_another_window(since: time, until: time) -> None:
    world = await kept_at_nine(ANNA, BO)
    seen = await look(world, fjallvik(quiet(since, until)))
    assert (chosen(seen), seen.choosing.fresh) == (time(9), ())
    assert not seen.plan


async def test_it_is_chosen_anew_where_it_does_not_fit_and_everybody_moves() -> None:
    world = await kept_at_nine(ANNA, BO)
    for one in (ANNA, BO):
        busy(world, one, 10)
    settings = fjallvik(quiet(time(10), time(12)))
    seen = await look(world, settings)
    assert chosen(seen) == time(11)
    assert {change.reason for change in seen.plan.changes} == {Reason.RESCHEDULED}
    await apply(seen, settings, world.ports)
    assert stands_at(world, ANNA) == stands_at(world, BO) == {time(11)}
    assert await world.state.choices() == {KEY: time(11)}
    assert not (await look(world, settings)).plan


async def test_a_longer_block_that_no_longer_fits_is_chosen_anew() -> None:
    world = await kept_at_nine(ANNA)
    seen = await look(world, fjallvik(quiet(until=time(10), minutes=90)))
    assert chosen(seen) in (time(8), time(8, 30))


async def test_asked_again_it_moves_to_what_is_the_quietest_by_now() -> None:
    world = await kept_at_nine(ANNA, BO)
    seen = await look(world, QUIET, choose_again=True)
    assert (chosen(seen), len(seen.choosing.fresh)) == (time(8), 1)
    assert await world.state.choices() == {KEY: time(9)}
    assert not (await look(world, QUIET)).plan


async def test_asked_again_with_nothing_else_going_on_it_stays_for_the_block_itself_is_no_conflict() -> None:
    world = firm(ANNA, BO)
    busy(world, ANNA, 8)
    await applied(world, QUIET)
    seen = await look(world, QUIET, choose_again=True)
    assert (chosen(seen), dict(seen.choosing.fresh[0].conflicts)[time(9)]) == (time(9), 0)
    assert not seen.plan


async def test_the_times_of_a_reviewed_plan_win_over_those_remembered_and_those_quieter_now() -> None:
    world = await kept_at_nine(ANNA, BO)
    given: Choices = {KEY: time(10, 30)}
    for again in (False, True):
        seen = await look(world, QUIET, choices=given, choose_again=again)
        assert (chosen(seen), seen.choosing.fresh) == (time(10, 30), ())
    await apply(seen, QUIET, world.ports)
    assert await world.state.choices() == given
    assert stands_at(world, ANNA) == {time(10, 30)}


async def test_a_trial_on_one_person_settles_the_time_for_all() -> None:
    world = firm(ANNA, BO)
    busy(world, ANNA, 8)
    await applied(world, QUIET, only=ANNA.address)
    world.box(ANNA).busy = []
    await applied(world, QUIET)
    assert stands_at(world, ANNA) == stands_at(world, BO) == {time(9)}


async def test_an_edit_from_a_fixed_time_is_a_choice() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik(block(at=time(11))))
    busy(world, ANNA, 8)
    assert chosen(await look(world, QUIET)) == time(9)


# -- after the state was lost


@pytest.mark.parametrize("first", ["sweep", "plan", "apply"])
async def test_after_a_lost_state_it_is_found_in_the_calendars_and_kept(first: str) -> None:
    world = await kept_at_nine(ANNA, BO, CILLA)
    before = world.shows()
    world.state.forget_everything()
    for work in {"sweep": (swept, look, applied), "plan": (look, swept, applied), "apply": (applied, swept)}[first]:
        await work(world, QUIET)
        assert await world.state.choices() == {KEY: time(9)}
    assert world.journal.writes == []
    assert world.shows() == before


async def test_after_a_lost_state_and_a_run_that_was_stopped_it_is_kept_too() -> None:
    world = await kept_at_nine(ANNA, BO)
    world.state.forget_everything()
    world.fail("read", Unreachable("No answer."), ANNA, nth=2)
    assert states(await swept(world, QUIET))["anna"] is MailboxState.UNREAD
    world.journal.faults.clear()
    assert not (await look(world, QUIET)).plan


async def test_the_time_that_most_have_is_the_one_and_who_cannot_be_read_has_no_say() -> None:
    world = await kept_at_nine(ANNA, BO, CILLA)
    leaves(world, CILLA)
    await swept(world, QUIET)
    joins(world, CILLA)
    world.state.forget_everything()
    world.fail("read", Denied("No."), ANNA)
    seen = await look(world, QUIET)
    assert chosen(seen) == time(9)
    assert [call.about for call in world.journal.of("read")].count(BO.id) == 2  # once for the time


async def test_twenty_calendars_at_most_are_read_for_it() -> None:
    people = staff(30)
    world = await kept_at_nine(*people)
    world.state.forget_everything()
    world.journal.clear()
    await look(world, QUIET)
    assert len(world.journal.of("read")) == 30 + 20


async def test_after_a_lost_state_asking_again_does_not_take_the_block_for_a_conflict() -> None:
    world = firm(ANNA, BO)
    busy(world, ANNA, 8)
    await applied(world, QUIET)
    world.state.forget_everything()
    seen = await look(world, QUIET, choose_again=True)
    assert chosen(seen) == time(9)
    assert not seen.plan


async def test_the_other_day_of_a_block_has_no_say() -> None:
    world = firm(ANNA)
    busy(world, ANNA, 8)
    settings = fjallvik(quiet(day=(Day.MONDAY, Day.THURSDAY)))
    await applied(world, settings)
    times = dict(await world.state.choices())
    assert sorted(times.values()) == [time(8), time(9)]
    world.state.forget_everything()
    assert (await look(world, settings)).choosing.times == times


async def test_an_audience_whose_people_have_no_mailboxes_yet_stops_no_other() -> None:
    world = await kept_at_nine(ANNA)
    world.directory.add(Group("g-ny", "Nya"), BO, CILLA)
    settings: Settings = fjallvik(
        quiet(audiences=("alla", "nya")),
        audiences={"alla": Audience(group=EVERYBODY.name), "nya": Audience(group="Nya")},
    )
    seen = await look(world, settings)
    assert chosen(seen) == time(9)
    assert [(one.key.audience, one.at, one.people) for one in seen.choosing.fresh] == [("nya", time(8), 0)]


async def test_one_with_a_mailbox_among_many_without_is_asked() -> None:
    world = firm(*staff(20))
    for one in staff(19):
        world.box(one).exists = False
        del world.calendars.by_address[one.address]
    busy(world, staff(20)[19], 8)
    seen = await look(world, QUIET)
    assert (chosen(seen), seen.choosing.fresh[0].people) == (time(9), 1)
