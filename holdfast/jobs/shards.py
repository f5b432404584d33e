"""A run that is worked on in shards, on any number of machines at once: what one machine cannot hold in its hand.

Everybody is looked at first, and what needs no judgement of the whole is put right at once. What an edit, a group or
the directory asks for is told to the guard when all shards are there, and only done once it has judged everybody. A
shard that is worked off twice, or by two at once, leaves the same calendars and counts once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from holdfast.core.messages import Leave, Shard, Task, task_row
from holdfast.core.model import Clock
from holdfast.core.plan import Create, Plan, Planned, checksum, is_guarded
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import Mode, Settings
from holdfast.core.tally import Tally
from holdfast.jobs import overlaps
from holdfast.jobs.apply import in_force_of
from holdfast.jobs.choosing import Choosing
from holdfast.jobs.errand import Brief, Errand, Look, Outcome
from holdfast.jobs.looking import look_at_mailbox
from holdfast.jobs.ports import Ports, QueueName, Run
from holdfast.jobs.reconcile import reconcile
from holdfast.jobs.runs import APPLY, CHOSEN, PLAN, choices_of, keep, record
from holdfast.jobs.survey import Survey, brief_of, errands_of

PATIENCE = timedelta(minutes=4)
"""How long a shard is worked on before the rest is put back: far below the time after which Azure ends a function.

One that it ends never gets to the poison queue and is begun again for ever (azure-functions-host #3157).
"""

ATTEMPTS = 5
"""How often mailboxes are put back that Graph had no time for, or that took too long, before they count as unread."""

TOO_SLOW = "Looking at this mailbox took too long, time and again."

OTHERWISE = "Some calendars are not as they were when the plan was made, and were left: make another plan for them."

_FIRST_WAIT = 30.0
"""Seconds before mailboxes are tried again for which Graph had no time; twice as many each time."""

_TRANSIENT = frozenset({MailboxState.UNREAD, MailboxState.FAILED})


@dataclass(frozen=True, slots=True)
class Worked:
    """What a mailbox was when it was looked at, and how it was left.

    ``is_deferred`` says that its changes wait for the guard, ``is_other`` that they are not those that were reviewed.
    """

    look: Look
    outcome: Outcome | None = None
    is_deferred: bool = False
    is_other: bool = False

    @property
    def is_to_be_tried_again(self) -> bool:
        """Whether it failed for what passes."""
        account = self.outcome.account if self.outcome else self.look.account
        return account.state in _TRANSIENT and account.problem is not None and account.problem.passes


async def work_off(
    shard: Shard, settings: Settings, ports: Ports, *, chance: random.Random, patience: timedelta = PATIENCE
) -> None:
    """Look at the mailboxes of a shard and put right what may be; what is left of it is put back on the queue.

    With the last shard of a stage the run goes on, or ends. What is raised is a defect.
    """
    run = await _run_of(shard, ports)
    if run is None:
        return
    terms = await _terms(shard, run, settings, ports)
    worked, rest = await _worked(shard.tasks, terms, ports, within=patience)
    again = [one for one in worked if one.is_to_be_tried_again] if shard.attempt + 1 < ATTEMPTS else []
    done = [one for one in worked if one not in again]
    rest += [_task(one.look.errand) for one in again]
    is_whole = run.job == PLAN  # all of it is told together, and looking twice does no harm
    is_over = shard.attempt + 1 >= ATTEMPTS and (is_whole or not worked)
    if not rest or is_over:
        lost = _lost(rest, MailboxState.UNREAD, TOO_SLOW)
        tally = Tally.sum([Tally.parse(shard.so_far), await _tallied(done, terms, ports), lost])
        more = _planned(done, terms) if run.job == PLAN else {}
        await record(replace(shard, leave=terms.leave), tally, run, settings, ports, **more)
        return
    wait = _FIRST_WAIT * 2**shard.attempt * (1 + chance.random() / 2) if again or not worked else 0.0
    left = replace(shard, attempt=shard.attempt + 1 if wait or is_whole else shard.attempt)
    if not is_whole:
        tally = Tally.sum([Tally.parse(shard.so_far), await _tallied(done, terms, ports)])
        left = replace(left, tasks=tuple(rest), so_far=tally.data())
    await ports.queue.put(QueueName.RECONCILE, [left.text()], delay=timedelta(seconds=wait))


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a shard is worked off by. ``complete`` are the blocks that everybody has been given once."""

    brief: Brief
    leave: Leave
    complete: frozenset[str] = frozenset()
    attended: bool = False
    relearning: bool = False
    reviewed: Mapping[str, str] | None = None


async def _terms(shard: Shard, run: Run, settings: Settings, ports: Ports) -> _Terms:
    """The settings in force and what may be written now, whatever was thought when the run began."""
    approval, now = await ports.state.approval(), ports.clock.now()
    complete = approval.complete if approval else frozenset()
    if run.job == PLAN:
        kept = await ports.state.shards(run.id, CHOSEN)
        brief = await brief_of(settings, ports, now, choices_of(kept), home=run.home)
        return _Terms(brief, Leave.NOTHING, complete, attended=True)
    in_force = in_force_of(approval, settings) if approval else settings
    brief = await brief_of(in_force, ports, now, await ports.state.choices(), home=run.home)
    is_approved = approval is not None and approval.fingerprint == run.approved
    if run.job == APPLY:
        leave = shard.leave if is_approved else Leave.NOTHING
        return _Terms(brief, leave, complete, attended=True, reviewed=shard.reviewed)
    is_watched = Mode.WATCH in (settings.mode, in_force.mode)
    leave = shard.leave if is_approved and not is_watched else Leave.NOTHING
    return _Terms(brief, leave, complete, relearning=approval is None)


async def give_up(shard: Shard, settings: Settings, ports: Ports, why: str) -> None:
    """Account for a shard that could not be worked off, time and again: its mailboxes count as failed.

    Unless it is known what became of them: then the run goes on with that.
    """
    run = await _run_of(shard, ports)
    if run is None:
        return
    for result in await ports.state.shards(run.id, shard.stage):
        if result["index"] == shard.index:  # it was worked off, and what came after that failed
            await keep(shard.stage, result, run, settings, ports)
            return
    lost = _lost(shard.tasks, MailboxState.FAILED, why)
    await record(shard, Tally.sum([Tally.parse(shard.so_far), lost]), run, settings, ports)


def _lost(tasks: Sequence[Task], state: MailboxState, why: str) -> Tally:
    """The tally of mailboxes of which nothing more can be told."""
    problems = [
        {
            "mailbox": task.address,
            "state": state.value,
            "message": why,
            "cure": "The log says more; the next sweep looks at the mailbox again.",
            "code": "",
            "request_id": "",
        }
        for task in tasks
    ]
    members = sum(task.in_audience for task in tasks)
    return Tally(
        states={state.value: members} if members else {},
        others={state.value: len(tasks) - members} if members < len(tasks) else {},
        managed=len(tasks),
        problems=tuple(problems),
    )


async def _run_of(shard: Shard, ports: Ports) -> Run | None:
    """The run that a shard is of; None where it is over, or has no such shard."""
    run = await ports.state.run(shard.run)
    if run is None or run.ended is not None or shard.index >= run.shards.get(shard.stage, 0):
        return None
    return run


async def _worked(
    tasks: Iterable[Task], terms: _Terms, ports: Ports, *, within: timedelta
) -> tuple[list[Worked], list[Task]]:
    """What was done in each mailbox, and those for which there was no time."""
    todo = list(tasks)
    placed = await ports.state.placed_of([task.mailbox for task in todo])
    errands = errands_of(terms.brief, todo, placed)
    by_heart = not (terms.relearning or terms.attended)

    async def one(errand: Errand) -> Worked:
        errand = replace(errand, attended=terms.attended)
        look = await look_at_mailbox(errand, ports, terms.brief, relearning=terms.relearning, by_heart=by_heart)
        if terms.leave is Leave.DRIFT and _is_deliberate(look, terms):
            return Worked(look, is_deferred=True)
        if terms.leave is Leave.NOTHING:
            return Worked(look)
        if terms.reviewed is not None and mark_of(look) not in ("", terms.reviewed.get(errand.mailbox)):
            return Worked(look, is_other=True)
        outcomes = await reconcile([look], ports)
        return Worked(look, outcomes[0] if outcomes else None)

    working = [asyncio.ensure_future(one(errand)) for errand in errands]
    await _until_done(working, ports.clock, within)
    done = [task.result() for task in working if not task.cancelled()]
    return done, [task for task, work in zip(todo, working, strict=True) if work.cancelled()]


def _is_deliberate(look: Look, terms: _Terms) -> bool:
    """Whether the guard counts what would be done here."""
    return any(is_guarded(change, terms.complete) for change in look.changes)


def mark_of(look: Look) -> str:
    """What the changes of a mailbox are known by; nothing where there are none."""
    rows = Plan.of([Planned(look.errand.mailbox, look.errand.address, look.changes)]).rows()
    return checksum(rows) if rows else ""


def _planned(done: Sequence[Worked], terms: _Terms) -> dict[str, object]:
    """What a plan tells of these mailboxes."""
    looks = [one.look for one in done]
    plan = Plan.of(Planned(look.errand.mailbox, look.errand.address, look.changes) for look in looks)
    return {
        "changes": plan.rows(),
        "deliberate": sum(_is_deliberate(look, terms) for look in looks),
        "marks": {look.errand.mailbox: mark for look in looks if (mark := mark_of(look))},
        "tasks": [task_row(_task(look.errand)) for look in looks],
        "standing": sum(look.standing for look in looks),
    }


async def _until_done(working: Sequence[asyncio.Future[Worked]], clock: Clock, within: timedelta) -> None:
    """Wait for all of these, or let go of those that are not done in time.

    Raises what one of them raises when all the others are through: a defect that shows in one mailbox stops nobody.
    """
    alarm = asyncio.ensure_future(clock.sleep(within.total_seconds()))
    waiting: set[asyncio.Future[Any]] = set(working)
    try:
        while waiting and not alarm.done():
            ended, _ = await asyncio.wait({*waiting, alarm}, return_when=asyncio.FIRST_COMPLETED)
            waiting -= ended
    finally:
        for left in (*waiting, alarm):
            left.cancel()
        await asyncio.gather(*working, alarm, return_exceptions=True)
    for one in working:
        if not one.cancelled():
            one.result()


async def _tallied(done: Sequence[Worked], terms: _Terms, ports: Ports) -> Tally:
    """What became of these mailboxes; meetings on top of blocks are answered now."""
    now, brief = ports.clock.now(), terms.brief
    settled = [one for one in done if not one.is_deferred]
    seen = Survey(brief.now, {}, tuple(one.look for one in settled), Choosing(brief.choices), home=brief.home)
    answered = overlaps.Answered()
    if terms.leave is not Leave.NOTHING and not terms.attended:
        answered = await overlaps.answer(seen, brief.settings, ports)
    outcomes = [one.outcome for one in settled if one.outcome]
    report: Report = seen.report("", now, outcomes, on_top=answered.counts)
    managed = sum(_is_managed(one.look) for one in done)
    deferred = [task_row(_task(one.look.errand)) for one in done if one.is_deferred]
    told = [OTHERWISE] if any(one.is_other for one in done) else []
    tally = Tally.of(report, managed=managed, deferred=deferred, told=[*answered.problems, *told])
    waiting = sum(change.writes for one in done if one.is_deferred for change in one.look.changes)
    return replace(tally, planned_writes=tally.planned_writes + waiting)


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
