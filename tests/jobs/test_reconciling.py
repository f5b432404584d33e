"""Making one calendar equal to the settings, whatever the server, the person and the network do meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime

from holdfast.core.model import Person
from holdfast.core.report import Report
from holdfast.core.settings import Day, Settings
from holdfast.jobs.apply import apply
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    applied,
    block,
    firm,
    fjallvik,
    look,
)
from tests.jobs.memory import World

FRIDAY = fjallvik(block(day=Day.FRIDAY))
RENAMED = fjallvik(block(title="Lärstunden"))


async def settled(world: World, settings: Settings) -> None:
    """Everybody has what the settings ask for, once, and nothing is left to do."""
    assert not (await look(world, settings)).plan


def dates(world: World, one: Person) -> list[date]:
    return [at.date() for at in world.box(one).ahead(world.clock.now())]


def problem(report: Report) -> tuple[str, str, str]:
    """What a report says of the one mailbox that somebody should look at: the state, Graph's error and the cure."""
    (account,) = report.problems
    assert account.problem
    return account.state.value, account.problem.message, account.problem.cure


# -- what is looked at before it is written


async def test_a_fresh_look_is_acted_on_without_looking_again() -> None:
    world = firm(ANNA)
    seen = await look(world, fjallvik())
    world.clock.pass_time(minutes=5)
    world.journal.clear()
    await apply(seen, fjallvik(), world.ports)
    assert world.journal.names(about=ANNA.id)[0] == "create"


async def test_a_stale_look_is_taken_again_and_what_a_person_did_meanwhile_is_seen() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    seen = await look(world, RENAMED)
    world.clock.pass_time(minutes=5, seconds=1)
    world.box(ANNA).events.clear()
    world.journal.clear()
    await apply(seen, RENAMED, world.ports)
    assert world.journal.names(about=ANNA.id)[:2] == ["read", "create"]
    assert world.journal.names(about=BO.id)[:2] == ["read", "rewrite"]
    await settled(world, RENAMED)


async def test_a_date_that_passed_while_somebody_thought_about_the_plan_is_not_placed() -> None:
    """Asked at eight, answered after lunch: the hour at nine is over by then."""
    world = firm(ANNA)
    world.clock.at = datetime(2026, 12, 3, 7, tzinfo=UTC)
    seen = await look(world, fjallvik())
    world.clock.pass_time(hours=5)
    before = world.begun()
    await apply(seen, fjallvik(), world.ports)
    assert world.begun() == before
    assert dates(world, ANNA)[0] == date(2026, 12, 10)
    await settled(world, fjallvik())


async def test_a_block_whose_last_date_passed_meanwhile_is_not_placed_at_all() -> None:
    world = firm(ANNA)
    world.clock.at = datetime(2026, 12, 3, 7, tzinfo=UTC)
    settings = fjallvik(block(until=date(2026, 12, 4)))
    seen = await look(world, settings)
    world.clock.pass_time(hours=5)
    await apply(seen, settings, world.ports)
    assert world.box(ANNA).events == {}
