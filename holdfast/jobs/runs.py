"""Runs that are worked on in shards: how they are begun, go on when a stage is through, and end.

Whoever is killed in between is not missed: the message of the last shard is seen again, and all of it done again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any

from holdfast.core.desired import ChoiceKey, Choices
from holdfast.core.messages import SHARD_SIZE, Leave, Shard, Stage, Task, shard_of, task_of
from holdfast.core.plan import Reason, UnsafePlan, check_share, checksum
from holdfast.core.report import MailboxState, to_remember
from holdfast.core.settings import Settings, fingerprint
from holdfast.core.tally import Tally
from holdfast.jobs.apply import in_force_of, introduce
from holdfast.jobs.ports import Ports, QueueName, Run

SWEEP, PLAN, APPLY = "sweep", "plan", "apply"
"""The jobs whose runs are worked on in shards."""

EDITED_SINCE = "The settings were edited while the plan was made: make another."

_NONE: Mapping[str, str] = {}

CHOSEN = "chosen"
"""The stage under which the times of day are kept that a plan was made with."""

TOLD = "told"
"""The stage under which it is kept what a plan came to."""


def choices_row(choices: Choices) -> dict[str, object]:
    """Times of day that were chosen, as plain data."""
    return {"index": 0, "choices": [[*key, at.isoformat()] for key, at in sorted(choices.items())]}


def choices_of(rows: Sequence[Mapping[str, Any]]) -> dict[ChoiceKey, time]:
    """Times of day that were plain data."""
    return {ChoiceKey(*key): time.fromisoformat(at) for row in rows for *key, at in row["choices"]}


async def queue_shards(
    run: Run, stage: Stage, leave: Leave, tasks: Sequence[Task], ports: Ports, *, reviewed: Mapping[str, str] = _NONE
) -> None:
    """Put the shards of a stage on the queue; those that have been worked off already stay away.

    ``reviewed`` are the marks of the changes that somebody has said yes to, by mailbox.
    """
    count = run.shards[stage]
    done = {int(result["index"]) for result in await ports.state.shards(run.id, stage)}
    shards: dict[int, list[Task]] = {index: [] for index in range(count)}
    for task in tasks:
        shards[shard_of(task.mailbox, count)].append(task)
    messages = []
    for index, those in shards.items():
        if index not in done:
            marks = {task.mailbox: reviewed[task.mailbox] for task in those if task.mailbox in reviewed}
            messages.append(Shard(run.id, stage, index, leave, tuple(those), reviewed=marks).text())
    await ports.queue.put(QueueName.RECONCILE, messages)


def shards_for(tasks: Sequence[Task]) -> int:
    """How many shards so many mailboxes are worked on in: at least one, so that a run about nobody ends, too."""
    return max(1, -(-len(tasks) // SHARD_SIZE))


async def record(shard: Shard, tally: Tally, run: Run, settings: Settings, ports: Ports, **more: object) -> None:
    """Write down what became of a shard, and ``more``; with the last one of its stage, the run goes on."""
    result = {"index": shard.index, "leave": shard.leave.value, **tally.data(), **more}
    await keep(shard.stage, result, run, settings, ports)


async def keep(stage: Stage, result: Mapping[str, Any], run: Run, settings: Settings, ports: Ports) -> None:
    """Write down what became of a shard as plain data; with the last one of its stage, the run goes on.

    A look that is done again after what was decided has begun sees what that did: it would count people a second time,
    so the first one stands.
    """
    now = await ports.state.run(run.id)
    if now is None or now.ended is not None:
        return
    is_over = stage is Stage.LOOK and Stage.DECIDED in now.shards
    if is_over or await ports.state.record_shard(run.id, stage, int(result["index"]), result, of=now.shards[stage]):
        await go_on(now, stage, settings, ports, by=int(result["index"]))


async def go_on(run: Run, stage: Stage, settings: Settings, ports: Ports, *, by: int) -> None:
    """All shards of a stage are there: do what the guard lets pass, or end the run.

    ``by`` is the shard that tells so: of several that do at once one has what was decided queued.
    """
    results = await ports.state.shards(run.id, Stage.LOOK)
    looked = Tally.sum([*map(Tally.parse, results)])
    if run.job == PLAN:
        await _tell_plan(run, looked, results, settings, ports)
        return
    approval = await ports.state.approval()
    if stage is Stage.LOOK and looked.deferred:
        tasks = [task_of(row) for row in looked.deferred]
        try:
            limits = (in_force_of(approval, settings) if approval else settings).guard
            check_share(len(tasks), looked.managed, share=limits.share, count=limits.count)
        except UnsafePlan as unsafe:
            await _end(run, _and_waiting(looked, tasks), settings, ports, note=str(unsafe))
            return
        if Stage.DECIDED not in run.shards:
            shards = {**run.shards, Stage.DECIDED.value: shards_for(tasks)}
            begun = replace(run, shards=shards, turned_by=by)
            # Where it was not done, somebody else was faster; or it was, and the answer got lost.
            done = await ports.state.change_run(run, begun)
            run = begun if done else await ports.state.run(run.id) or run
        if run.turned_by == by and run.ended is None:
            await queue_shards(run, Stage.DECIDED, Leave.ALL, tasks, ports)
        return
    if stage is Stage.DECIDED:
        decided = Tally.sum([Tally.parse(one) for one in await ports.state.shards(run.id, Stage.DECIDED)])
        # Those who were deferred are counted among the managed and the planned writes of the first stage.
        looked = Tally.sum([replace(looked, deferred=()), replace(decided, managed=0, planned_writes=0)])
    is_written = all(result["leave"] != Leave.NOTHING for result in results)
    await _end(run, looked, settings, ports, is_written=is_written)


def _and_waiting(tally: Tally, tasks: Sequence[Task]) -> Tally:
    """The tally with those whose changes the guard does not let pass."""
    members = sum(task.in_audience for task in tasks)
    counts = members, len(tasks) - members
    states, others = ({MailboxState.WAITING.value: count} if count else {} for count in counts)
    return Tally.sum([replace(tally, deferred=()), Tally(states=states, others=others)])


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
    await ports.state.record_run(to_remember(tally.report(run.job, run.began, now, note=notes)))
    await ports.state.change_run(run, replace(run, ended=now))


async def _tell_plan(
    run: Run, looked: Tally, results: Sequence[Mapping[str, Any]], settings: Settings, ports: Ports
) -> None:
    """Keep what a plan came to, with its checksum and what the guard says of it."""
    rows = sorted(
        (row for result in results for row in result.get("changes", ())), key=lambda row: (row["mailbox"], row["id"])
    )
    notes = [run.note] if run.note else []
    if fingerprint(settings) != run.approved:
        notes.append(EDITED_SINCE)
    try:
        limits = settings.guard
        touched = sum(result.get("deliberate", 0) for result in results)
        check_share(touched, looked.managed, share=limits.share, count=limits.count)
    except UnsafePlan as unsafe:
        notes.append(str(unsafe))
        refused = True
    else:
        refused = False
    now = ports.clock.now()
    told = {
        **to_remember(looked.report(run.job, run.began, now, note=" ".join(notes))),
        "checksum": checksum(rows),
        "people": len({row["id"] for row in rows}),
        "changes": dict(Counter(f"{row['change']}: {Reason[row['reason'].upper()]}" for row in rows).most_common()),
        "unsafe": refused,
        "settings": run.approved,
    }
    await ports.state.record_shard(run.id, TOLD, 0, {"index": 0, **told}, of=1)
    await ports.state.change_run(run, replace(run, ended=now))
