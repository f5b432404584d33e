"""Looking at every mailbox by itself, on a timer: towards the settings that a person approved, and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from holdfast.core.messages import Leave, Stage, Task
from holdfast.core.plan import UnsafePlan, check_share
from holdfast.core.report import Report, to_remember
from holdfast.core.settings import Mode, Settings, fingerprint
from holdfast.jobs import overlaps
from holdfast.jobs.apply import in_force_of, introduce
from holdfast.jobs.audience import resolve
from holdfast.jobs.choosing import choose
from holdfast.jobs.ports import Approval, Placed, Ports, Progress, Run
from holdfast.jobs.purge import forget
from holdfast.jobs.reconcile import reconcile
from holdfast.jobs.runs import SWEEP, queue_shards, shards_for
from holdfast.jobs.survey import home_of, survey, tasks_of

GIVEN_UP = timedelta(hours=3)
"""A run that has not ended by then is not waited for any longer."""

BEGINS = timedelta(minutes=15)
"""By when the first shard of a run is worked off, unless whoever began it was killed before they were all queued."""

QUEUED = "queued"
"""The stage under which it is kept that all shards of a sweep were put on the queue."""

NOT_APPROVED = "Nothing is approved yet, so nothing is written: `holdfast apply` shows the plan and asks."
WATCHING = "mode is watch: look and report, write nothing."
EDIT_WAITS = "The settings file has been edited since it was approved; the edit waits for `holdfast apply`."


async def sweep(settings: Settings, ports: Ports, *, progress: Progress | None = None) -> Report:
    """Look at everybody and, in mode ``keep``, put right what drifted from the approved settings.

    An edit waits until somebody applies it, but for ``mode: watch``, which holds at once. With no approval on record it
    reports only. Raises what ``survey`` raises.
    """
    approval = await ports.state.approval()
    await forget(settings, ports)
    if approval is None:
        seen = await survey(settings, ports, pinned={}, attended=False, progress=progress)
        report = seen.report(SWEEP, ports.clock.now(), note=NOT_APPROVED)
        await ports.state.record_run(to_remember(report.data()))
        return report
    in_force = in_force_of(approval, settings)
    seen = await survey(in_force, ports, pinned=approval.groups, by_heart=True, attended=False, progress=progress)
    notes = [EDIT_WAITS] if fingerprint(settings) != approval.fingerprint else []
    outcomes = []
    answered = overlaps.Answered()
    if Mode.WATCH in (settings.mode, in_force.mode):
        notes.append(WATCHING)
    else:
        try:
            seen.check_guard(in_force, approval.complete)
        except UnsafePlan as unsafe:
            notes.append(str(unsafe))
        else:
            outcomes = await reconcile(seen.looks, ports, progress=progress)
            done = seen.report(SWEEP, ports.clock.now(), outcomes)
            await introduce(approval, in_force, ports.state, missed=done.missed, of=len(done.audience))
            answered = await overlaps.answer(seen, in_force, ports, progress=progress)
            notes += sorted(answered.problems)
    report = seen.report(SWEEP, ports.clock.now(), outcomes, note=" ".join(notes), on_top=answered.counts)
    await ports.state.record_run(to_remember(report.data()))
    return report


async def is_due(settings: Settings, ports: Ports) -> bool:
    """Whether no sweep has been begun in the stretch of ``sweep.every`` that is now; counted from New Year."""
    now = ports.clock.now()
    return next_after(await ports.state.latest_run(SWEEP), settings, now) <= now


def next_after(before: Run | None, settings: Settings, now: datetime) -> datetime:
    """When the sweep after the one ``before`` is due; where it is already, when the stretch began that is now."""
    length = settings.sweep.every.length
    began = now - (now - datetime(now.year, 1, 1, tzinfo=UTC)) % length
    return began if before is None or before.began < began else began + length


async def begin(settings: Settings, ports: Ports, *, run_id: str) -> Run | None:
    """Begin a sweep that is worked on in shards; None while the one before goes on.

    Nobody's calendar is read here. Where so many have left that the guard would refuse it, or nothing is approved, or
    in ``watch``, the shards look and report only. Raises what ``survey`` raises.
    """
    state, now = ports.state, ports.clock.now()
    before = await state.latest_run(SWEEP)
    if before is not None and before.ended is None and now - before.began < GIVEN_UP:
        is_whole = await state.shards(before.id, QUEUED) and await state.shards(before.id, Stage.LOOK)
        if now - before.began < BEGINS or is_whole:
            return None
    await forget(settings, ports)
    approval = await state.approval()
    in_force = in_force_of(approval, settings) if approval else settings
    audience = await resolve(in_force, ports.directory, approval.groups if approval else {})
    placed = await state.placed()
    chosen = await choose(in_force, audience, ports)
    if approval is not None:
        await state.choose(chosen.times)
    tasks = tasks_of(audience, placed)
    leave, notes = _leave(approval, settings, in_force, tasks, placed)
    run = Run(
        run_id,
        SWEEP,
        now,
        {Stage.LOOK: shards_for(tasks)},
        approved=approval.fingerprint if approval else "",
        home=home_of(audience),
        note=" ".join(notes),
    )
    await state.begin_run(run)
    await queue_shards(run, Stage.LOOK, leave, tasks, ports)
    await state.record_shard(run.id, QUEUED, 0, {"index": 0}, of=1)
    return run


def _leave(
    approval: Approval | None,
    settings: Settings,
    in_force: Settings,
    tasks: Sequence[Task],
    placed: Mapping[str, Placed],
) -> tuple[Leave, list[str]]:
    """What the shards of a sweep may write, and what to tell about it."""
    if approval is None:
        return Leave.NOTHING, [NOT_APPROVED]
    notes = [EDIT_WAITS] if fingerprint(settings) != approval.fingerprint else []
    if Mode.WATCH in (settings.mode, in_force.mode):
        return Leave.NOTHING, [*notes, WATCHING]
    leaving = [task for task in tasks if task.mailbox in placed and not (task.audiences and task.excuse is None)]
    try:
        check_share(len(leaving), len(placed), share=in_force.guard.share, count=in_force.guard.count)
    except UnsafePlan as unsafe:
        return Leave.NOTHING, [*notes, str(unsafe)]
    return Leave.DRIFT, notes
