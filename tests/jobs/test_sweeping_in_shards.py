"""A sweep in shards: the same calendars and the same account of everybody as when one process does it all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import pytest

from holdfast.core.errors import NoMailbox, Throttled, Unexpected
from holdfast.core.messages import Leave, Shard, Stage
from holdfast.core.report import MailboxState
from holdfast.core.settings import Guard, Mode, Settings
from holdfast.jobs.planning import begin_plan
from holdfast.jobs.ports import QueueName
from holdfast.jobs.runs import TOLD
from holdfast.jobs.shards import ATTEMPTS, give_up, work_off
from holdfast.jobs.sweep import BEGINS, GIVEN_UP, begin
from holdfast.store.errors import StateUnusable
from tests.jobs.fjallvik import (
    SECOND,
    applied,
    block,
    disabled,
    firm,
    fjallvik,
    joins,
    killed,
    leaves,
    person,
    staff,
    swept,
)
from tests.jobs.memory import World
from tests.jobs.sharded import swept_in_shards, worked_off

LOT = random.Random(1)  # noqa: S311 - it spreads waits
PEOPLE = staff(45)
Story = Callable[[World], None]


def nothing(world: World) -> None:
    """All is as it was."""


def some_series_are_gone(world: World) -> None:
    for one in PEOPLE[:7]:
        world.box(one).events.clear()


def one_comes_and_one_goes(world: World) -> None:
    joins(world, person("ny"))
    leaves(world, PEOPLE[3])
    disabled(world, PEOPLE[5])


def many_go(world: World) -> None:
    for one in PEOPLE[:20]:
        leaves(world, one)


def many_come(world: World) -> None:
    for number in range(40):
        joins(world, person(f"ny{number}"))


def many_come_and_go(world: World) -> None:
    """Neither are too many by themselves."""
    for one in PEOPLE[:11]:
        leaves(world, one)
    for number in range(13):
        joins(world, person(f"ny{number}"))


def one_is_unreadable(world: World) -> None:
    world.fail("instances", Unexpected("No."), PEOPLE[2])
    world.fail("read", Unexpected("No."), PEOPLE[2])


STORIES = [
    nothing,
    some_series_are_gone,
    one_comes_and_one_goes,
    many_go,
    many_come,
    many_come_and_go,
    one_is_unreadable,
]


def shown(world: World) -> Mapping[str, object]:
    """What stands in every calendar."""
    return {
        mailbox: sorted((event.subject, event.starts, event.range_ends) for event in box.series)
        for mailbox, box in world.calendars.mailboxes.items()
    }


async def told(story: Story, settings: Settings, *, days: int = 3) -> World:
    world = firm(*PEOPLE)
    await applied(world, settings)
    story(world)
    world.clock.at += timedelta(days=days)
    world.journal.clear()
    return world


@pytest.mark.parametrize("settings", [fjallvik(), fjallvik(block(), SECOND, guard=Guard(share=30, count=10))])
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("mode", Mode)
async def test_shards_do_what_one_process_does(story: Story, settings: Settings, mode: Mode) -> None:
    settings = settings.model_copy(update={"mode": mode})
    one, many = await told(story, settings), await told(story, settings)
    alone = (await swept(one, settings)).data()
    together = await swept_in_shards(many, settings)
    assert shown(many) == shown(one)
    unlike = {"began", "ended", "note"}
    assert {key: together[key] for key in together.keys() - unlike} == {
        key: alone[key] for key in alone.keys() - unlike
    }
    assert together["audience"] == sum(together["states"].values())
    assert len(many.journal.writes) == len(one.journal.writes)
    assert ("The plan changes" in together["note"]) == ("The plan changes" in alone["note"])


async def test_killed_at_any_call_and_seen_again_everybody_is_accounted_for_once() -> None:
    """The queue shows a message again that nobody has worked off to its end."""
    settings, calls = fjallvik(), 0
    while True:
        world = await told(one_comes_and_one_goes, settings)
        await begin(settings, world.ports, run_id="run")
        messages = world.queue.take(QueueName.RECONCILE)
        died = False
        for text in messages:
            shard = Shard.parse(text)
            working = work_off(shard, settings, world.ports, chance=LOT)
            if died:
                await working
            elif await killed(world, working, at=calls, after=calls % 2 == 0):
                died = True
                await work_off(shard, settings, world.ports, chance=LOT)
        await worked_off(world, settings)
        report = await world.state.last_run()
        assert report is not None
        assert (report["audience"], report["complete"]) == (45, True)
        assert report["states"]["held"] + report["states"]["changed"] + report["states"]["excused"] == 45
        assert all(len(world.box(one).series) == 1 for one in PEOPLE if one not in (PEOPLE[3], PEOPLE[5]))
        if not died:
            return
        calls += 7


async def test_messages_that_come_twice_and_two_workers_at_once_count_once() -> None:
    world = await told(some_series_are_gone, fjallvik())
    await begin(fjallvik(), world.ports, run_id="run")
    texts = world.queue.take(QueueName.RECONCILE)
    await asyncio.gather(*(work_off(Shard.parse(text), fjallvik(), world.ports, chance=LOT) for text in texts * 2))
    await worked_off(world, fjallvik())
    report = await world.state.last_run()
    assert report is not None
    assert report["audience"] == 45
    assert [len(world.box(one).series) for one in PEOPLE] == [1] * 45


async def test_what_graph_has_no_time_for_is_put_back_and_counts_as_unread_in_the_end() -> None:
    world = await told(nothing, fjallvik())
    fault = world.fail("instances", Throttled("Later.", retry_after=9), PEOPLE[0])
    world.fail("read", Throttled("Later.", retry_after=9), PEOPLE[0])
    began = world.clock.now()
    report = await swept_in_shards(world, fjallvik())
    assert report["states"] == {**dict.fromkeys(MailboxState, 0), "held": 44, "unread": 1}
    assert [problem["mailbox"] for problem in report["problems"]] == [PEOPLE[0].address]
    assert fault.seen == ATTEMPTS
    assert timedelta(minutes=7) < world.clock.now() - began < timedelta(minutes=12)


async def test_whoever_is_not_done_in_time_is_put_back_without_the_others() -> None:
    world = await told(nothing, fjallvik())
    await begin(fjallvik(), world.ports, run_id="run")
    text, *_ = world.queue.take(QueueName.RECONCILE)
    slow = Shard.parse(text).tasks[0].mailbox
    waiting = asyncio.Event()
    real = world.calendars.instances

    async def instances(mailbox: str, *given: Any, **more: Any) -> Any:
        if mailbox == slow and not world.clock.alarmed.is_set():
            waiting.set()
            await asyncio.Event().wait()
        return await real(mailbox, *given, **more)

    world.calendars.instances = instances  # type: ignore[method-assign]
    working = asyncio.create_task(work_off(Shard.parse(text), fjallvik(), world.ports, chance=LOT))
    await waiting.wait()
    for _ in range(500):
        await asyncio.sleep(0)
    world.clock.alarmed.set()
    await working
    [rest] = [Shard.parse(one) for one in world.queue.texts(QueueName.RECONCILE) if Shard.parse(one).so_far]
    assert [task.mailbox for task in rest.tasks] == [slow]
    assert rest.attempt == 0
    world.clock.alarmed.clear()


@pytest.mark.parametrize("job", ["sweep", "plan"])
async def test_whoever_is_never_done_in_time_counts_as_unread_and_the_run_ends(job: str) -> None:
    """A plan tells of a whole shard, so it is looked at again as a whole; but not for ever."""
    world = await told(nothing, fjallvik())
    if job == "plan":
        await begin_plan(fjallvik(), world.ports, run_id="run")
    else:
        await begin(fjallvik(), world.ports, run_id="run")
    slow = PEOPLE[0].id
    hung = asyncio.Event()

    async def hangs(mailbox: str, real: Callable[..., Any], *given: Any, **more: Any) -> Any:
        if mailbox == slow:
            hung.set()
            await asyncio.Event().wait()
        return await real(mailbox, *given, **more)

    for name in ("instances", "read"):
        real = getattr(world.calendars, name)
        setattr(world.calendars, name, lambda mailbox, *given, real=real, **more: hangs(mailbox, real, *given, **more))
    for _ in range(20):
        if not world.queue.texts(QueueName.RECONCILE):
            break
        world.clock.at = max(world.clock.at, world.queue.next_due or world.clock.at)
        for text in world.queue.take(QueueName.RECONCILE):
            hung.clear()
            shard = Shard.parse(text)
            working = asyncio.create_task(work_off(shard, fjallvik(), world.ports, chance=LOT))
            if any(task.mailbox == slow for task in shard.tasks):
                await hung.wait()
                for _ in range(500):
                    await asyncio.sleep(0)
                world.clock.alarmed.set()
            await working
            world.clock.alarmed.clear()
    run = await world.state.run("run")
    assert run is not None
    assert run.ended is not None
    report = (await world.state.shards("run", TOLD))[0] if job == "plan" else await world.state.last_run()
    assert report is not None
    assert report["states"] == {**dict.fromkeys(MailboxState, 0), "held": 44, "unread": 1}
    assert [problem["mailbox"] for problem in report["problems"]] == [PEOPLE[0].address]


async def test_a_shard_that_nobody_could_work_off_is_accounted_for() -> None:
    world = await told(nothing, fjallvik())
    await begin(fjallvik(), world.ports, run_id="run")
    first, *others = world.queue.take(QueueName.RECONCILE)
    for text in others:
        await work_off(Shard.parse(text), fjallvik(), world.ports, chance=LOT)
    await give_up(Shard.parse(first), fjallvik(), world.ports, "It could not be worked off five times.")
    report = await world.state.last_run()
    assert report is not None
    assert (report["audience"], report["complete"]) == (45, False)
    assert report["states"]["failed"] == len(Shard.parse(first).tasks) == len(report["problems"])


async def test_a_sweep_is_not_begun_while_one_goes_on_and_is_once_that_has_taken_too_long() -> None:
    world = await told(nothing, fjallvik())
    assert await begin(fjallvik(), world.ports, run_id="one")
    assert await begin(fjallvik(), world.ports, run_id="two") is None
    world.clock.at += GIVEN_UP
    assert await begin(fjallvik(), world.ports, run_id="three")
    await worked_off(world, fjallvik())
    run = await world.state.latest_run("sweep")
    assert run is not None
    assert (run.id, run.ended is not None) == ("three", True)


async def test_what_is_withdrawn_or_edited_while_shards_wait_is_not_written_any_more() -> None:
    world = await told(some_series_are_gone, fjallvik())
    await begin(fjallvik(), world.ports, run_id="run")
    await world.state.withdraw()
    world.journal.clear()
    await worked_off(world, fjallvik())
    assert world.journal.writes == []
    report = await world.state.last_run()
    assert report is not None
    assert report["states"]["waiting"] == 7


async def test_a_message_is_small_and_comes_back_as_it_was() -> None:
    world = await told(one_comes_and_one_goes, fjallvik())
    await begin(fjallvik(), world.ports, run_id="run")
    for text in world.queue.texts(QueueName.RECONCILE):
        assert Shard.parse(text).text() == text
        assert (Shard.parse(text).stage, Shard.parse(text).leave) == (Stage.LOOK, Leave.DRIFT)
        assert len(text) < 6000


async def test_a_sweep_that_was_killed_before_its_shards_were_queued_is_not_waited_for_long() -> None:
    world = await told(nothing, fjallvik())
    await begin(fjallvik(), world.ports, run_id="one")
    world.queue.waiting.clear()
    world.clock.at += BEGINS - timedelta(minutes=1)
    assert await begin(fjallvik(), world.ports, run_id="two") is None
    world.clock.at += timedelta(minutes=1)
    assert await begin(fjallvik(), world.ports, run_id="three")


async def test_a_sweep_of_which_some_shards_were_never_queued_is_not_waited_for_long() -> None:
    """The storage account failed, or the process ended, between the first message and the last."""
    world = await told(some_series_are_gone, fjallvik())
    put = world.queue.put

    async def fails_half_way(name: QueueName, texts: Collection[str], **more: Any) -> None:
        await put(name, list(texts)[:1], **more)
        raise StateUnusable("The account does not answer.")

    world.queue.put = fails_half_way  # type: ignore[method-assign, assignment]
    with pytest.raises(StateUnusable):
        await begin(fjallvik(), world.ports, run_id="one")
    world.queue.put = put  # type: ignore[method-assign]
    await worked_off(world, fjallvik())
    world.clock.at += BEGINS
    assert await begin(fjallvik(), world.ports, run_id="two")
    await worked_off(world, fjallvik())
    report = await world.state.last_run()
    assert report is not None
    assert (report["audience"], report["complete"]) == (45, True)
    assert [len(world.box(one).series) for one in PEOPLE] == [1] * 45


async def test_where_very_many_fail_some_are_named_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of a table does not hold a hundred thousand problems, and the run has to end all the same."""
    monkeypatch.setattr("holdfast.core.report.MOST_NAMED", 10)
    world = await told(nothing, fjallvik())
    for name in ("instances", "read"):
        world.fail(name, Unexpected("No."))
    report = await swept_in_shards(world, fjallvik())
    assert report["states"] == {**dict.fromkeys(MailboxState, 0), "unread": 45}
    assert [problem["mailbox"] for problem in report["problems"]] == sorted(one.address for one in PEOPLE)[:10]
    assert report["note"] == "Of 45 mailboxes with problems 10 are named."
    assert (await swept(world, fjallvik())).problems
    assert len((await world.state.last_run() or {})["problems"]) == 10


@pytest.mark.parametrize("sweeps", [swept_in_shards, swept])
async def test_a_group_that_is_emptied_takes_nobodys_block_where_many_never_got_theirs(
    sweeps: Callable[[World, Settings], Awaitable[object]],
) -> None:
    """So many have no mailbox that the block never counts as introduced; it is others who have it."""
    world = firm(*PEOPLE)
    for one in PEOPLE[:20]:
        world.fail("profile", NoMailbox("None."), one)
    await applied(world, fjallvik())
    approval = await world.state.approval()
    assert approval is not None
    assert approval.complete == frozenset()
    for one in PEOPLE[20:]:
        leaves(world, one)
    world.clock.at += timedelta(days=3)
    world.journal.clear()
    await sweeps(world, fjallvik())
    assert world.journal.writes == []
    assert "The plan changes the blocks of 25 of 25 people" in (await world.state.last_run() or {})["note"]


async def test_of_two_who_end_the_first_stage_at_once_one_queues_what_was_decided() -> None:
    world = await told(one_comes_and_one_goes, fjallvik())
    await begin(fjallvik(), world.ports, run_id="run")
    shards = [Shard.parse(text) for text in world.queue.take(QueueName.RECONCILE)]
    await asyncio.gather(*(work_off(shard, fjallvik(), world.ports, chance=LOT) for shard in shards))
    decided = [Shard.parse(text).index for text in world.queue.texts(QueueName.RECONCILE)]
    assert len(decided) == len(set(decided)) == 1
