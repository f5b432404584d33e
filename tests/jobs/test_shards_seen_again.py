"""A message that is seen again after its shard was recorded: nobody counts twice, whatever has happened since."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from holdfast.core.messages import Shard, Stage
from holdfast.jobs.planning import begin_apply, begin_plan, latest_plan
from holdfast.jobs.ports import QueueName
from holdfast.jobs.shards import give_up, work_off
from holdfast.jobs.sweep import begin
from tests.jobs.fjallvik import applied, firm, fjallvik, joins, person, staff
from tests.jobs.memory import World
from tests.jobs.sharded import worked_off

LOT = random.Random(1)  # noqa: S311 - it spreads waits
PEOPLE, JOINERS = staff(120), [person(f"ny{number}") for number in range(30)]
SETTINGS = fjallvik()


async def deciding() -> tuple[World, list[Shard], list[Shard]]:
    """A sweep in which all have been looked at, and what joiners are to get is on the queue; both stages' shards."""
    world = firm(*PEOPLE)
    await applied(world, SETTINGS)
    for one in JOINERS:
        joins(world, one)
    world.clock.at += timedelta(days=1)
    await begin(SETTINGS, world.ports, run_id="run")
    looks = [Shard.parse(text) for text in world.queue.take(QueueName.RECONCILE)]
    for shard in looks:
        await work_off(shard, SETTINGS, world.ports, chance=LOT)
    decided = [Shard.parse(text) for text in world.queue.take(QueueName.RECONCILE)]
    assert len(decided) == 2
    assert {shard.stage for shard in decided} == {Stage.DECIDED}
    return world, looks, decided


async def ended(world: World) -> dict[str, object]:
    await worked_off(world, SETTINGS)
    run = await world.state.run("run")
    assert run is not None
    assert run.ended is not None
    return dict(await world.state.last_run() or {})


@pytest.mark.parametrize("seen_again", ["all", "last"])
async def test_a_look_that_is_seen_again_while_what_was_decided_is_done(seen_again: str) -> None:
    world, looks, decided = await deciding()
    await work_off(decided[0], SETTINGS, world.ports, chance=LOT)
    for shard in looks if seen_again == "all" else looks[-1:]:
        await work_off(shard, SETTINGS, world.ports, chance=LOT)
    await work_off(decided[1], SETTINGS, world.ports, chance=LOT)
    report = await ended(world)
    assert (report["audience"], report["states"]["changed"]) == (150, 30)
    assert [len(world.box(one).series) for one in (*PEOPLE, *JOINERS)] == [1] * 150


async def test_a_look_that_was_recorded_and_then_given_up() -> None:
    """It was killed five times over while it queued what was decided."""
    world, looks, decided = await deciding()
    await give_up(looks[-1], SETTINGS, world.ports, "It was killed.")
    for shard in decided:
        await work_off(shard, SETTINGS, world.ports, chance=LOT)
    report = await ended(world)
    assert (report["audience"], report["complete"]) == (150, True)


async def test_a_shard_that_was_recorded_before_what_came_next_failed_counts_as_it_was() -> None:
    world = firm(*PEOPLE)
    await applied(world, SETTINGS)
    world.clock.at += timedelta(days=1)
    await begin(SETTINGS, world.ports, run_id="run")
    shards = [Shard.parse(text) for text in world.queue.take(QueueName.RECONCILE)]
    for shard in shards[:-1]:
        await work_off(shard, SETTINGS, world.ports, chance=LOT)
    await give_up(shards[0], SETTINGS, world.ports, "What came next failed.")
    await work_off(shards[-1], SETTINGS, world.ports, chance=LOT)
    report = await ended(world)
    assert (report["states"]["held"], report["complete"]) == (120, True)


async def test_a_shard_that_its_run_does_not_have_is_nobodys() -> None:
    world, looks, decided = await deciding()
    strange = replace(looks[0], index=99), replace(looks[0], run="another"), replace(decided[0], index=2)
    for shard in strange:
        await work_off(shard, SETTINGS, world.ports, chance=LOT)
        await give_up(shard, SETTINGS, world.ports, "It is nobody's.")
    for shard in decided:
        await work_off(shard, SETTINGS, world.ports, chance=LOT)
    report = await ended(world)
    assert (report["audience"], report["complete"]) == (150, True)


async def test_what_somebody_said_yes_to_is_no_other_when_the_process_was_killed_and_does_it_again() -> None:
    world = firm(*PEOPLE)
    await begin_plan(SETTINGS, world.ports, run_id="plan")
    await worked_off(world, SETTINGS)
    plan = await latest_plan(world.ports)
    assert plan is not None
    assert plan.told is not None
    await begin_apply(SETTINGS, world.ports, checksum=plan.told["checksum"], force=False, run_id="run")
    first, *others = [Shard.parse(text) for text in world.queue.take(QueueName.RECONCILE)]
    for shard in (first, first, *others):
        await work_off(shard, SETTINGS, world.ports, chance=LOT)
    report = await ended(world)
    assert (report["complete"], report["note"]) == (True, "")
    assert report["states"]["held"] + report["states"]["changed"] == 120


async def test_a_defect_that_shows_in_one_mailbox_keeps_nobody_else_from_what_they_are_to_have() -> None:
    world = firm(*PEOPLE)
    await applied(world, SETTINGS)
    world.clock.at += timedelta(days=1)
    await begin(SETTINGS, world.ports, run_id="run")
    shard = Shard.parse(world.queue.take(QueueName.RECONCILE)[0])
    first, *others = [task.mailbox for task in shard.tasks]
    for mailbox in (first, *others):
        world.calendars.mailboxes[mailbox].events.clear()
    [person_with_it] = [one for one in PEOPLE if one.id == first]
    world.fail("instances", ZeroDivisionError(), person_with_it)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        await work_off(shard, SETTINGS, world.ports, chance=LOT)
    assert [len(world.calendars.mailboxes[mailbox].series) for mailbox in others] == [1] * len(others)
