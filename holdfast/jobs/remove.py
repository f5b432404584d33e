"""Taking every block away from today on; what was before today stays in the calendars."""

from __future__ import annotations

from collections import defaultdict

from holdfast.core.report import Report, to_remember
from holdfast.jobs.ports import Ports, Progress
from holdfast.jobs.reconcile import reconcile
from holdfast.jobs.survey import Survey


async def remove(seen: Survey, ports: Ports, *, trial: bool = False, progress: Progress | None = None) -> Report:
    """Carry out a survey taken with ``removing``.

    The approval goes first, so that no sweep puts back what is being taken away; a ``trial``, on one mailbox, leaves
    it. The next ``apply`` uses generations that no calendar has seen: Exchange may remember the transactionId of an
    event that is gone.
    """
    if not trial:
        await ports.state.withdraw()
    highest: dict[str, int] = defaultdict(int)
    for look in seen.looks:
        for block, generation in look.used.items():
            highest[block] = max(highest[block], generation + 1)
    for block, generation in highest.items():
        await ports.state.raise_floor(block, generation)
    outcomes = await reconcile(seen.looks, ports, progress=progress)
    report = seen.report("remove", ports.clock.now(), outcomes)
    if not trial:
        await ports.state.record_run(to_remember(report.data()))
    return report
