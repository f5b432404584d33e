"""Killed at any call, before its effect or after it, and run again: the calendars end as if nothing had happened.

Every port call of every command is tried; nothing is drawn by lot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, time

import pytest

from holdfast.core.model import NthWeekday, Person, Position, Weekday
from holdfast.core.report import Report
from holdfast.core.settings import Day, HolidayRule, Language, Organization, Settings
from holdfast.core.settings.holidays import Holidays
from holdfast.core.tenant import TenantFacts
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    CILLA,
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
    swept,
)
from tests.jobs.memory import World

SHORT = block(until=date(2027, 1, 28))  # nine dates, so that trying every call takes no longer than it must
FRIDAY = block(until=date(2027, 1, 28), day=Day.FRIDAY)
OTHER = SECOND.model_copy(update={"until": date(2027, 1, 5)})
AFTER_THREE_DATES = {"weeks": 3, "days": 2}

BRIEF = date(2027, 1, 11)
CHRISTMAS = {
    "organization": Organization(
        name="Fjällvik AB", language=Language.SV, time_zone="Europe/Stockholm", holidays=Holidays(country="SE")
    )
}
TWO_DAYS = block(until=BRIEF, day=(Day.MONDAY, Day.THURSDAY))
SKIPPED, MOVED = (block(until=BRIEF, holiday=rule) for rule in HolidayRule)
MONTHLY = block(every="month", day=(NthWeekday(Position.SECOND, Weekday.THURSDAY), 14), until=date(2027, 4, 1))

Command = Callable[[World, Settings], Awaitable[Report]]


@dataclass(frozen=True)
class Scene:
    """How things stand, what is asked for then, and by which command."""

    prepare: Callable[[World], Awaitable[object]]
    wanted: Settings
    command: Command = applied
    people: tuple[Person, ...] = (ANNA, BO)

    async def world(self) -> World:
        """People with events of their own, one of whom has a server that does what it can to confuse us."""
        world = firm(*self.people)
        for one in self.people:
            world.calendars.book(one.id, "Lärtimmen", date(2026, 12, 3), time(9), weekly=True)
            world.calendars.book(one.id, "Tandläkare", date(2026, 12, 31), time(9))
            world.box(one).names_existing = one is not BO
        await self.prepare(world)
        world.journal.clear()
        return world


async def nothing_yet(_: World) -> None:
    return


async def tags_get_lost(world: World) -> None:
    for box in world.calendars.mailboxes.values():
        box.loses_tags = 1


async def three_weeks_on(world: World) -> None:
    await applied(world, fjallvik(SHORT))
    world.clock.pass_time(**AFTER_THREE_DATES)
    (series,) = world.box(ANNA).series
    *_, soon, later, last = series.occurrences()
    world.calendars.drag(ANNA.id, soon, soon.starts.replace(hour=14))
    world.calendars.take_away(world.box(ANNA), later.event_id)
    world.calendars.drag(ANNA.id, last, last.starts.replace(hour=15))


async def three_weeks_on_and_tags_get_lost(world: World) -> None:
    await three_weeks_on(world)
    await tags_get_lost(world)


async def people_come_and_go(world: World) -> None:
    await three_weeks_on(world)
    leaves(world, BO)
    joins(world, CILLA)
    world.calendars.take_away(world.box(ANNA), world.box(ANNA).series[0].id)


async def not_begun(world: World) -> None:
    await applied(world, fjallvik(SHORT, OTHER))


async def running_out(world: World) -> None:
    await applied(world, fjallvik())
    world.clock.pass_time(weeks=16)


async def two_days_for_weeks(world: World) -> None:
    await applied(world, fjallvik(TWO_DAYS))
    world.clock.pass_time(**AFTER_THREE_DATES)
    world.calendars.take_away(world.box(ANNA), world.box(ANNA).series[0].id)


async def open_at_christmas(world: World) -> None:
    await applied(world, fjallvik(SKIPPED))
    world.clock.pass_time(days=12)


async def range_ends_are_safe(world: World) -> None:
    await three_weeks_on(world)
    await world.state.learn_facts(TenantFacts(world.clock.now(), range_end_keeps=True))


async def range_ends_are_not_safe(world: World) -> None:
    world.box(ANNA).range_end_keeps = False
    await three_weeks_on(world)
    await world.state.learn_facts(TenantFacts(world.clock.now(), range_end_keeps=False))


SCENES = {
    "a first apply": Scene(nothing_yet, fjallvik(SHORT, OTHER)),
    "a first apply while tags get lost": Scene(tags_get_lost, fjallvik(SHORT)),
    "another slot": Scene(three_weeks_on, fjallvik(FRIDAY)),
    "another slot while tags get lost": Scene(three_weeks_on_and_tags_get_lost, fjallvik(FRIDAY)),
    "another slot before the first date": Scene(not_begun, fjallvik(FRIDAY, OTHER)),
    "another text and an earlier end": Scene(
        three_weeks_on, fjallvik(block(title="Lärstunden", until=date(2027, 1, 8)))
    ),
    "another block instead": Scene(three_weeks_on, fjallvik(SECOND)),
    "people who come and go": Scene(people_come_and_go, fjallvik(SHORT)),
    "a series that runs out": Scene(running_out, fjallvik()),
    "a removal": Scene(three_weeks_on, fjallvik(SHORT), removed),
    "a removal before the first date": Scene(not_begun, fjallvik(SHORT, OTHER), removed),
    "a removal of people who left": Scene(people_come_and_go, fjallvik(SHORT), removed),
    "a first apply with days off": Scene(nothing_yet, fjallvik(SKIPPED, **CHRISTMAS), people=(ANNA,)),
    "a first apply with days that move while tags get lost": Scene(
        tags_get_lost, fjallvik(MOVED, **CHRISTMAS), people=(BO,)
    ),
    "days off in a series that stands": Scene(open_at_christmas, fjallvik(MOVED, **CHRISTMAS), people=(ANNA,)),
    "two days while tags get lost": Scene(tags_get_lost, fjallvik(TWO_DAYS), people=(BO,)),
    "one day less and a series gone": Scene(two_days_for_weeks, fjallvik(block(until=BRIEF)), people=(ANNA,)),
    "by the month": Scene(nothing_yet, fjallvik(MONTHLY), people=(BO,)),
    "another slot where range ends are safe": Scene(range_ends_are_safe, fjallvik(FRIDAY), people=(ANNA,)),
    "an earlier end where range ends are safe": Scene(
        range_ends_are_safe, fjallvik(block(until=date(2027, 1, 8))), people=(ANNA,)
    ),
    "a removal where range ends are safe": Scene(range_ends_are_safe, fjallvik(SHORT), removed, people=(ANNA,)),
    "a removal where range ends are not": Scene(range_ends_are_not_safe, fjallvik(SHORT), removed, people=(ANNA,)),
}


async def remembered(world: World) -> tuple[object, ...]:
    state = world.state
    return await state.approval(), await state.placed(), await state.floors()


async def nothing_is_left_to_do(world: World, scene: Scene) -> bool:
    return not (await look(world, scene.wanted, removing=scene.command is removed)).plan


def twice(world: World) -> list[object]:
    """The hours of ours that stand more than once in a calendar."""
    ahead = (Counter(box.ahead(world.clock.now())) for box in world.calendars.mailboxes.values())
    return [at for counted in ahead for at, times in counted.items() if times > 1]


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
async def test_killed_at_any_call_and_run_again_the_calendars_are_the_same(scene: Scene, *, after: bool) -> None:
    before = await scene.world()
    calm = deepcopy(before)
    assert (await scene.command(calm, scene.wanted)).complete
    calls, shows, known = len(calm.journal.calls), calm.shows(), await remembered(calm)
    await scene.command(calm, scene.wanted)
    assert calm.shows() == shows

    for at in range(calls):
        world = deepcopy(before)
        foreign, begun = world.foreign(), world.begun()
        assert await killed(world, scene.command(world, scene.wanted), at=at, after=after)
        died_at = world.journal.calls[-1]
        assert (await scene.command(world, scene.wanted)).complete, died_at
        assert world.shows() == shows, died_at
        assert await remembered(world) == known, died_at
        assert world.foreign() == foreign, died_at
        assert {box: past & world.begun()[box] for box, past in begun.items()} == begun, died_at
        assert await nothing_is_left_to_do(world, scene), died_at


@pytest.mark.parametrize("scene", [SCENES["another slot"], SCENES["people who come and go"]], ids=["slot", "people"])
async def test_killed_at_any_call_after_the_approval_the_next_sweep_finishes_it(scene: Scene) -> None:
    before = await scene.world()
    calm = deepcopy(before)
    await applied(calm, scene.wanted)
    approve = calm.journal.names().index("approve")
    for at in range(approve + 1, len(calm.journal.calls)):
        world = deepcopy(before)
        assert await killed(world, applied(world, scene.wanted), at=at)
        assert (await swept(world, scene.wanted)).complete
        assert world.shows() == calm.shows(), world.journal.calls[-1]
        assert await remembered(world) == await remembered(calm)


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
@pytest.mark.parametrize(
    "scene",
    [SCENES["a first apply while tags get lost"], SCENES["another slot while tags get lost"]],
    ids=["first", "slot"],
)
async def test_run_again_only_the_week_after_nothing_stands_twice_and_no_past_is_touched(
    scene: Scene, *, after: bool
) -> None:
    before = await scene.world()
    calm = deepcopy(before)
    await applied(calm, scene.wanted)
    for at in range(len(calm.journal.calls)):
        world = deepcopy(before)
        assert await killed(world, applied(world, scene.wanted), at=at, after=after)
        died_at = world.journal.calls[-1]
        world.clock.pass_time(days=15)
        foreign, begun = world.foreign(), world.begun()
        assert (await applied(world, scene.wanted)).complete
        assert world.foreign() == foreign
        assert world.begun() == begun
        assert twice(world) == []
        assert all(world.box(one).ahead(world.clock.now()) for one in (ANNA, BO))
        assert await nothing_is_left_to_do(world, scene), died_at


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
async def test_whoever_leaves_after_a_killed_apply_keeps_nothing_ahead(*, after: bool) -> None:
    """What a calendar is about to get is on record before it gets it: nobody looks at a leaver who is not."""
    scene = SCENES["a first apply"]
    before = await scene.world()
    calm = deepcopy(before)
    await applied(calm, scene.wanted)
    for at in range(len(calm.journal.calls)):
        world = deepcopy(before)
        assert await killed(world, applied(world, scene.wanted), at=at, after=after)
        died_at = world.journal.calls[-1]
        leaves(world, ANNA)
        await applied(world, scene.wanted)
        assert world.box(ANNA).series == [], died_at
        assert set(await world.state.placed()) == {BO.id}
