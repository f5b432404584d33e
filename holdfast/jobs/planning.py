"""Planning and applying where a run is worked on in shards: asked for by a person at the admin's page.

A plan looks at everybody and writes nothing. Applying carries out the very plan that was reviewed, known by its
checksum: where a calendar has changed since, it is left, and told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from holdfast.core.messages import Leave, Stage, task_of
from holdfast.core.settings import Settings, dump, fingerprint
from holdfast.jobs.audience import resolve
from holdfast.jobs.choosing import choose
from holdfast.jobs.ports import Approval, Ports, Run
from holdfast.jobs.runs import APPLY, CHOSEN, PLAN, TOLD, choices_of, choices_row, queue_shards, shards_for
from holdfast.jobs.survey import home_of, tasks_of

GROUPS = "groups"
"""The stage under which the groups are kept that a plan was made with."""


class NotTheLatest(Exception):
    """What is to be applied is not the latest plan as it was told; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The latest plan: its run, and what it came to once it is made."""

    run: Run
    told: Mapping[str, Any] | None


async def latest_plan(ports: Ports) -> Plan | None:
    """The plan that was asked for last."""
    run = await ports.state.latest_run(PLAN)
    if run is None:
        return None
    told = await ports.state.shards(run.id, TOLD)
    return Plan(run, told[0] if told else None)


@dataclass(frozen=True, slots=True)
class Progress:
    """How the latest plan stands at ``at``, and its applying. ``zone`` is the IANA name of the organisation's.

    ``is_current`` says that the settings are still those it was made of, ``is_approved`` that those are in force
    already; ``changes`` are the first ones, a line each.
    """

    at: datetime
    zone: str
    organization: str
    plan: Plan | None = None
    done: int = 0
    is_current: bool = False
    is_approved: bool = False
    changes: tuple[Mapping[str, Any], ...] = ()
    applying: Run | None = None
    applied: int = 0

    def data(self) -> dict[str, Any]:
        """The progress as plain data."""
        plan, applying = self.plan, self.applying
        return {
            "plan": plan and {"id": plan.run.id, "done": self.done, "of": sum(plan.run.shards.values())},
            "made": dict(plan.told) if plan and plan.told else None,
            "is_current": self.is_current,
            "is_approved": self.is_approved,
            "apply": applying
            and {
                "id": applying.id,
                "done": self.applied,
                "of": sum(applying.shards.values()),
                "ended": applying.ended is not None,
            },
        }


SHOWN = 100
"""Changes of a plan that are shown one by one."""


async def progress(settings: Settings, ports: Ports) -> Progress:
    """How the latest plan stands, and its applying."""
    found = Progress(ports.clock.now(), settings.organization.zone, settings.organization.name)
    plan = await latest_plan(ports)
    if plan is None:
        return found
    shards = await ports.state.shards(plan.run.id, Stage.LOOK)
    changes = sorted((row for shard in shards for row in shard.get("changes", ())), key=lambda row: row["mailbox"])
    approval, applying = await ports.state.approval(), await ports.state.latest_run(APPLY)
    if applying is not None and applying.began < plan.run.began:
        applying = None
    return replace(
        found,
        plan=plan,
        done=len(shards),
        is_current=plan.run.approved == fingerprint(settings),
        is_approved=approval is not None and approval.fingerprint == plan.run.approved,
        changes=tuple(changes[:SHOWN]),
        applying=applying,
        applied=len(await ports.state.shards(applying.id, Stage.LOOK)) if applying else 0,
    )


async def begin_plan(settings: Settings, ports: Ports, *, run_id: str) -> Run:
    """Begin a plan of the settings as they are. Raises ``AudienceError`` and Graph's errors."""
    state = ports.state
    approval = await state.approval()
    audience = await resolve(settings, ports.directory, approval.groups if approval else {})
    tasks = tasks_of(audience, await state.placed())
    chosen = await choose(settings, audience, ports)
    shards = {Stage.LOOK.value: shards_for(tasks)}
    run = Run(run_id, PLAN, ports.clock.now(), shards, approved=fingerprint(settings), home=home_of(audience))
    await state.record_shard(run_id, CHOSEN, 0, choices_row(chosen.times), of=1)
    groups = {path: list(group) for path, group in audience.groups.items()}
    await state.record_shard(run_id, GROUPS, 0, {"index": 0, "groups": groups}, of=1)
    await state.begin_run(run)
    await queue_shards(run, Stage.LOOK, Leave.NOTHING, tasks, ports)
    return run


async def begin_apply(settings: Settings, ports: Ports, *, checksum: str, force: bool, run_id: str) -> Run:
    """Approve the settings that the latest plan was made of, and begin to carry that out. Raises ``NotTheLatest``.

    ``force`` says yes to a plan that the guard refuses.
    """
    state, plan = ports.state, await latest_plan(ports)
    if plan is None or plan.told is None or plan.told["checksum"] != checksum:
        raise NotTheLatest("That is not the checksum of the latest plan. Look at the plan, or make another.")
    if plan.run.approved != fingerprint(settings):
        raise NotTheLatest("The settings have been edited since the plan was made. Make another plan.")
    if plan.told["unsafe"] and not force:
        raise NotTheLatest(plan.told["note"])
    before = await state.approval()
    results = await state.shards(plan.run.id, Stage.LOOK)
    [kept] = await state.shards(plan.run.id, GROUPS)
    await state.choose(choices_of(await state.shards(plan.run.id, CHOSEN)))
    known = {block.id for block in settings.blocks}
    approval = Approval(
        fingerprint=plan.run.approved,
        settings=dump(settings),
        at=ports.clock.now(),
        groups={path: (text, group_id) for path, (text, group_id) in kept["groups"].items()},
        complete=before.complete & known if before else frozenset(),
    )
    await state.approve(approval)
    tasks = [task_of(row) for result in results for row in result.get("tasks", ())]
    reviewed = {mailbox: mark for result in results for mailbox, mark in result.get("marks", {}).items()}
    shards = {Stage.LOOK.value: shards_for(tasks)}
    run = Run(run_id, APPLY, approval.at, shards, approved=approval.fingerprint, home=plan.run.home)
    await state.begin_run(run)
    await queue_shards(run, Stage.LOOK, Leave.ALL, tasks, ports, reviewed=reviewed)
    return run
