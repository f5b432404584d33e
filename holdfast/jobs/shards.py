"""A run that is worked on in shards, on any number of machines at once: what one machine cannot hold in its hand.

Everybody is looked at first, and what needs no judgement of the whole is put right at once. What an edit, a group or
the directory asks for is told to the guard when all shards are there, and only done once it has judged everybody. A
shard that is worked off twice, or by two at once, leaves the same calendars and counts once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from holdfast.core.messages import SHARD_SIZE, Leave, Shard, Stage, Task, shard_of, task_of, task_row
from holdfast.core.model import Clock
from holdfast.core.plan import DELIBERATE, Create, UnsafePlan, check_share
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import Mode, Settings
from holdfast.core.tally import Tally
from holdfast.jobs import overlaps
from holdfast.jobs.apply import in_force_of, introduce
from holdfast.jobs.choosing import Choosing
from holdfast.jobs.errand import Brief, Errand, Look, Outcome
from holdfast.jobs.looking import look_at_mailbox
from holdfast.jobs.ports import Ports, QueueName, Run
from holdfast.jobs.reconcile import reconcile
from holdfast.jobs.survey import Survey, brief_of, errands_of

PATIENCE = timedelta(minutes=4)
"""How long a shard is worked on before the rest is put back: far below the time after which Azure ends a function.

One that it ends never gets to the poison queue and is begun again for ever (azure-functions-host #3157).
"""

ATTEMPTS = 5
"""How often mailboxes are put back that Graph had no time for, before they count as unread."""

_FIRST_WAIT = 30.0
"""Seconds before mailboxes are tried again for which Graph had no time; twice as many each time."""

_TRANSIENT = frozenset({MailboxState.UNREAD, MailboxState.FAILED})


@dataclass(frozen=True, slots=True)
class Worked:
    """What a mailbox was when it was looked at, how it was left, and whether its changes wait for the guard."""

    look: Look
    outcome: Outcome | None = None
    is_deferred: bool = False

    @property
    def is_to_be_tried_again(self) -> bool:
        """Whether it failed for what passes."""
        account = self.outcome.account if self.outcome else self.look.account
        return account.state in _TRANSIENT and account.problem is not None and account.problem.passes


async def queue_shards(run: Run, stage: Stage, leave: Leave, tasks: Sequence[Task], ports: Ports) -> None:
    """Put the shards of a stage on the queue; those that have been worked off already stay away."""
    count = run.shards[stage]
    done = {int(result["index"]) for result in await ports.state.shards(run.id, stage)}
    shards: dict[int, list[Task]] = {index: [] for index in range(count)}
    for task in tasks:
        shards[shard_of(task.mailbox, count)].append(task)
    messages = [
        Shard(run.id, stage, index, leave, tuple(those)).text() for index, those in shards.items() if index not in done
    ]
    await ports.queue.put(QueueName.RECONCILE, messages)


def shards_for(tasks: Sequence[Task]) -> int:
    """How many shards so many mailboxes are worked on in: at least one, so that a run about nobody ends, too."""
    return max(1, -(-len(tasks) // SHARD_SIZE))


async def work_off(
    shard: Shard, settings: Settings, ports: Ports, *, chance: random.Random, patience: timedelta = PATIENCE
) -> None:
    """Look at the mailboxes of a shard and put right what may be; what is left of it is put back on the queue.

    With the last shard of a stage the run goes on, or ends. Raises Graph's errors only where nothing could be done at
    all, so that the message is seen again.
    """
    run = await ports.state.run(shard.run)
    if run is None or run.ended is not None:
        return
    approval = await ports.state.approval()
    leave = shard.leave
    in_force = in_force_of(approval, settings) if approval else settings
    if approval is None or approval.fingerprint != run.approved or Mode.WATCH in (settings.mode, in_force.mode):
        leave = Leave.NOTHING
    brief = await brief_of(in_force, ports, ports.clock.now(), await ports.state.choices(), home=run.home)
    complete = approval.complete if approval else frozenset()
    worked, rest = await _worked(
        shard.tasks, brief, ports, leave, complete, relearning=approval is None, within=patience
    )
    again = [one for one in worked if one.is_to_be_tried_again] if shard.attempt + 1 < ATTEMPTS else []
    done = [one for one in worked if one not in again]
    tally = Tally.sum([Tally.parse(shard.so_far), await _tallied(done, brief, ports, leave)])
    rest += [_task(one.look.errand) for one in again]
    if rest:
        wait = 0.0
        if again or not worked:
            wait = _FIRST_WAIT * 2**shard.attempt * (1 + chance.random() / 2)
        attempt = shard.attempt + 1 if wait else shard.attempt
        left = replace(shard, tasks=tuple(rest), attempt=attempt, so_far=tally.data())
        await ports.queue.put(QueueName.RECONCILE, [left.text()], delay=timedelta(seconds=wait))
        return
    await record(replace(shard, leave=leave), tally, run, settings, ports)


async def give_up(shard: Shard, settings: Settings, ports: Ports, why: str) -> None:
    """Account for a shard that could not be worked off, time and again: its mailboxes count as failed."""
    run = await ports.state.run(shard.run)
    if run is None or run.ended is not None:
        return
    failed = [
        {
            "mailbox": task.address,
            "state": MailboxState.FAILED.value,
            "message": why,
            "cure": "The log says more; the next sweep looks at the mailbox again.",
            "code": "",
            "request_id": "",
        }
        for task in shard.tasks
    ]
    members = sum(task.in_audience for task in shard.tasks)
    lost = Tally(
        states={MailboxState.FAILED.value: members} if members else {},
        others={MailboxState.FAILED.value: len(shard.tasks) - members} if members < len(shard.tasks) else {},
        managed=len(shard.tasks),
        problems=tuple(failed),
    )
    await record(shard, Tally.sum([Tally.parse(shard.so_far), lost]), run, settings, ports)


async def record(shard: Shard, tally: Tally, run: Run, settings: Settings, ports: Ports) -> None:
    """Write down what became of a shard; with the last one of its stage, go on with the run."""
    result = {"index": shard.index, "leave": shard.leave.value, **tally.data()}
    of = run.shards[shard.stage]
    if await ports.state.record_shard(run.id, shard.stage, shard.index, result, of=of):
        await _go_on(run, shard.stage, settings, ports)


async def _worked(
    tasks: Iterable[Task],
    brief: Brief,
    ports: Ports,
    leave: Leave,
    complete: frozenset[str],
    *,
    relearning: bool,
    within: timedelta,
) -> tuple[list[Worked], list[Task]]:
    """What was done in each mailbox, and those for which there was no time."""
    todo = list(tasks)
    placed = await ports.state.placed_of([task.mailbox for task in todo])
    errands = errands_of(brief, todo, placed)

    async def one(errand: Errand) -> Worked:
        errand = replace(errand, attended=False)
        look = await look_at_mailbox(errand, ports, brief, relearning=relearning, by_heart=not relearning)
        if leave is Leave.DRIFT and any(one.reason in DELIBERATE and one.block in complete for one in look.changes):
            return Worked(look, is_deferred=True)
        outcomes = [] if leave is Leave.NOTHING else await reconcile([look], ports)
        return Worked(look, outcomes[0] if outcomes else None)

    working = [asyncio.ensure_future(one(errand)) for errand in errands]
    await _until_done(working, ports.clock, within)
    done = [task.result() for task in working if not task.cancelled()]
    return done, [task for task, work in zip(todo, working, strict=True) if work.cancelled()]


async def _until_done(working: Sequence[asyncio.Future[Worked]], clock: Clock, within: timedelta) -> None:
    """Wait for all of these, or let go of those that are not done in time. Raises what one of them raises."""
    alarm = asyncio.ensure_future(clock.sleep(within.total_seconds()))
    waiting: set[asyncio.Future[Any]] = set(working)
    try:
        while waiting and not alarm.done():
            ended, _ = await asyncio.wait({*waiting, alarm}, return_when=asyncio.FIRST_COMPLETED)
            waiting -= ended
            for one in ended - {alarm}:
                one.result()
    finally:
        for left in (*waiting, alarm):
            left.cancel()
        await asyncio.gather(*waiting, alarm, return_exceptions=True)


async def _tallied(done: Sequence[Worked], brief: Brief, ports: Ports, leave: Leave) -> Tally:
    """What became of these mailboxes; meetings on top of blocks are answered now."""
    now = ports.clock.now()
    settled = [one for one in done if not one.is_deferred]
    seen = Survey(brief.now, {}, tuple(one.look for one in settled), Choosing(brief.choices), home=brief.home)
    answered = overlaps.Answered()
    if leave is not Leave.NOTHING:
        answered = await overlaps.answer(seen, brief.settings, ports)
    outcomes = [one.outcome for one in settled if one.outcome]
    report: Report = seen.report("", now, outcomes, on_top=answered.counts)
    managed = sum(_is_managed(one.look) for one in done)
    deferred = [task_row(_task(one.look.errand)) for one in done if one.is_deferred]
    return Tally.of(report, managed=managed, deferred=deferred, told=answered.problems)


def _is_managed(look: Look) -> bool:
    return look.holds or any(isinstance(change, Create) for change in look.changes)


def _task(errand: Errand) -> Task:
    return Task(
        errand.mailbox,
        errand.address,
        errand.audiences,
        errand.in_audience,
        errand.excuse,
        errand.declines,
        errand.name,
    )


async def _go_on(run: Run, stage: Stage, settings: Settings, ports: Ports) -> None:
    """All shards of a stage are there: do what the guard lets pass, or end the run.

    Whoever was killed in here is not missed: the message of the last shard is seen again, and all of it done again.
    """
    results = await ports.state.shards(run.id, Stage.LOOK)
    looked = Tally.sum([*map(Tally.parse, results)])
    approval = await ports.state.approval()
    if stage is Stage.LOOK and looked.deferred:
        tasks = [task_of(row) for row in looked.deferred]
        try:
            limits = (in_force_of(approval, settings) if approval else settings).guard
            check_share(len(tasks), looked.managed, share=limits.share, count=limits.count)
        except UnsafePlan as unsafe:
            await _end(run, _and_waiting(looked, tasks), settings, ports, note=str(unsafe))
            return
        begun = (
            run
            if Stage.DECIDED in run.shards
            else replace(run, shards={**run.shards, Stage.DECIDED: shards_for(tasks)})
        )
        if begun is run or await ports.state.change_run(run, begun):
            await queue_shards(begun, Stage.DECIDED, Leave.ALL, tasks, ports)
        return
    if stage is Stage.DECIDED:
        decided = Tally.sum([Tally.parse(one) for one in await ports.state.shards(run.id, Stage.DECIDED)])
        looked = Tally.sum([replace(looked, deferred=()), replace(decided, managed=0)])
    is_written = all(result["leave"] != Leave.NOTHING for result in results)
    await _end(run, looked, settings, ports, is_written=is_written)


def _and_waiting(tally: Tally, tasks: Sequence[Task]) -> Tally:
    """The tally with those whose changes the guard does not let pass."""
    members = sum(task.in_audience for task in tasks)
    counts = members, len(tasks) - members
    states, others = ({MailboxState.WAITING.value: count} if count else {} for count in counts)
    return Tally.sum([replace(tally, deferred=()), Tally(states=states, others=others, planned_writes=len(tasks))])


async def _end(
    run: Run, tally: Tally, settings: Settings, ports: Ports, *, note: str = "", is_written: bool = False
) -> None:
    """Tell what became of a run. Where everybody was gone through, the blocks count as introduced."""
    now = ports.clock.now()
    approval = await ports.state.approval()
    if is_written and approval is not None and approval.fingerprint == run.approved:
        in_force = in_force_of(approval, settings)
        await introduce(approval, in_force, ports.state, missed=tally.missed, of=tally.audience)
    notes = " ".join(filter(None, [run.note, note, *tally.told]))
    await ports.state.record_run(tally.report(run.job, run.began, now, note=notes))
    await ports.state.change_run(run, replace(run, ended=now))
