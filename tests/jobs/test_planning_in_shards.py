"""A plan in shards is the plan of one process, and applying it carries out that and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from holdfast.core.settings import Day, Mode, Settings
from holdfast.jobs.planning import NotTheLatest, begin_apply, begin_plan, latest_plan
from tests.jobs.fjallvik import applied, block, firm, fjallvik, leaves, look, person, staff
from tests.jobs.memory import World
from tests.jobs.sharded import worked_off

PEOPLE = staff(45)


async def planned(world: World, settings: Settings, run_id: str = "plan") -> dict[str, Any]:
    await begin_plan(settings, world.ports, run_id=run_id)
    await worked_off(world, settings)
    plan = await latest_plan(world.ports)
    assert plan is not None
    assert plan.told is not None
    return dict(plan.told)


async def carried_out(world: World, settings: Settings, checksum: str, *, force: bool = False) -> dict[str, Any]:
    await begin_apply(settings, world.ports, checksum=checksum, force=force, run_id="apply")
    await worked_off(world, settings)
    return dict(await world.state.last_run() or {})


@pytest.mark.parametrize("mode", Mode)
async def test_a_plan_has_the_checksum_that_the_command_tells_and_writes_nothing(mode: Mode) -> None:
    world, settings = firm(*PEOPLE), fjallvik(mode=mode)
    seen = await look(world, settings)
    told = await planned(world, settings)
    assert told["checksum"] == seen.plan.checksum
    assert (told["people"], told["changes"]) == (45, {"create: new to the audience": 45})
    assert told["states"]["waiting"] == told["audience"] == 45
    assert world.journal.writes == []
    assert await world.state.approval() is None
    report = await carried_out(world, settings, told["checksum"])
    assert (report["states"]["changed"], report["complete"], report["job"]) == (45, True, "apply")
    assert [len(world.box(one).series) for one in PEOPLE] == [1] * 45
    approval = await world.state.approval()
    assert approval is not None
    assert approval.complete == {"lartimmen"}
    world.clock.at += timedelta(minutes=1)
    assert (await planned(world, settings, "again"))["changes"] == {}


async def test_a_plan_that_is_killed_anywhere_is_made_all_the_same() -> None:
    """What is put back of a plan is the whole shard."""
    world, settings = firm(*PEOPLE), fjallvik()
    await begin_plan(settings, world.ports, run_id="plan")
    world.queue.waiting *= 2
    await worked_off(world, settings, seed=3)
    plan = await latest_plan(world.ports)
    assert plan is not None
    assert plan.told is not None
    assert plan.told["people"] == 45


async def test_another_checksum_and_settings_edited_since_are_refused_and_nothing_is_approved() -> None:
    world, settings = firm(*PEOPLE), fjallvik()
    told = await planned(world, settings)
    for other, checksum in ((settings, "0123456789ab"), (fjallvik(block(day=Day.FRIDAY)), told["checksum"])):
        with pytest.raises(NotTheLatest):
            await begin_apply(other, world.ports, checksum=checksum, force=True, run_id="apply")
    assert await world.state.approval() is None
    assert world.queue.waiting == []


async def test_a_plan_that_the_guard_refuses_needs_force() -> None:
    world, settings = firm(*PEOPLE), fjallvik()
    await applied(world, settings)
    edited = fjallvik(block(day=Day.FRIDAY))
    told = await planned(world, edited)
    assert told["unsafe"]
    with pytest.raises(NotTheLatest, match="45 of 45 people"):
        await begin_apply(edited, world.ports, checksum=told["checksum"], force=False, run_id="apply")
    world.journal.clear()
    report = await carried_out(world, edited, told["checksum"], force=True)
    assert report["states"]["changed"] == 45


async def test_who_is_not_as_they_were_when_it_was_reviewed_is_left_and_told_of() -> None:
    world, settings = firm(*PEOPLE), fjallvik()
    told = await planned(world, settings)
    await applied(world, fjallvik(block(day=Day.FRIDAY)), only=PEOPLE[4].address)
    report = await carried_out(world, settings, told["checksum"])
    assert (report["states"]["changed"], report["states"]["waiting"]) == (44, 1)
    assert "not as they were when the plan was made" in report["note"]
    [series] = world.box(PEOPLE[4]).series
    assert series.first.weekday() == 4


async def test_whoever_comes_or_goes_between_plan_and_yes_waits_for_the_sweep() -> None:
    world, settings = firm(*PEOPLE), fjallvik()
    told = await planned(world, settings)
    leaves(world, PEOPLE[0])
    world.directory.inside["g-alla"].append(person("ny"))
    world.clock.at += timedelta(hours=1)
    report = await carried_out(world, settings, told["checksum"])
    assert report["states"]["changed"] == 45
