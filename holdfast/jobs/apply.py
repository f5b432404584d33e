"""Carrying out a plan that a person has seen and said yes to."""

from __future__ import annotations

import functools
from dataclasses import replace

from holdfast.core.plan import UnsafePlan, check_share
from holdfast.core.report import Report, to_remember
from holdfast.core.settings import Settings, dump, fingerprint, parse
from holdfast.jobs.ports import Approval, Ports, Progress, State
from holdfast.jobs.reconcile import reconcile
from holdfast.jobs.survey import Survey


def in_force_of(approval: Approval, settings: Settings) -> Settings:
    """The approved settings, in the tenant and with the mailboxes that the file names today.

    Those are no part of what is approved: the same settings may be signed in to on a laptop and in Azure.
    """
    return _approved(approval.settings).model_copy(update={"tenant": settings.tenant})


@functools.lru_cache(maxsize=8)
def _approved(text: str) -> Settings:
    """Kept, because it is the same for every shard and every hint, and reading YAML takes longer than a look."""
    return parse(text, name="approved settings", environment={})


async def apply(
    seen: Survey, settings: Settings, ports: Ports, *, trial: bool = False, progress: Progress | None = None
) -> Report:
    """Record the settings as approved and make every calendar equal to them.

    The approval comes first: the yes was given to the whole plan, so that after a crash a sweep in mode ``keep`` may
    finish it. A ``trial``, on one mailbox, approves nothing. Blocks count as introduced once everybody has been gone
    through.
    """
    before = await ports.state.approval()
    await ports.state.choose(seen.choosing.times)
    if not trial:
        known = {block.id for block in settings.blocks}
        approval = Approval(
            fingerprint=fingerprint(settings),
            settings=dump(settings),
            at=ports.clock.now(),
            groups=dict(seen.groups),
            complete=before.complete & known if before else frozenset(),
        )
        await ports.state.approve(approval)
    outcomes = await reconcile(seen.looks, ports, progress=progress)
    report = seen.report("apply", ports.clock.now(), outcomes)
    if not trial:
        await introduce(approval, settings, ports.state, missed=report.missed, of=len(report.audience))
        await ports.state.record_run(to_remember(report.data()))
    return report


async def introduce(approval: Approval, settings: Settings, state: State, *, missed: int, of: int) -> None:
    """Count the blocks as introduced, now that everybody has been gone through, so that the guard holds for them.

    Not where so many of the audience were ``missed`` that the guard would refuse to serve them later. Whatever has been
    approved or withdrawn meanwhile stays as it is.
    """
    try:
        check_share(missed, of, share=settings.guard.share, count=settings.guard.count)
    except UnsafePlan:
        return
    complete = frozenset(block.id for block in settings.blocks)
    if complete != approval.complete and await state.approval() == approval:
        await state.approve(replace(approval, complete=complete))
