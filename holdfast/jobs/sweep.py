"""Looking at every mailbox by itself, on a timer: towards the settings that a person approved, and no others."""

from __future__ import annotations

from datetime import timedelta

from holdfast.core import zones
from holdfast.core.plan import UnsafePlan
from holdfast.core.report import Report
from holdfast.core.settings import Mode, Settings, fingerprint, parse
from holdfast.core.touches import Quarter
from holdfast.jobs import overlaps
from holdfast.jobs.apply import introduce
from holdfast.jobs.ports import Approval, Ports, Progress
from holdfast.jobs.reconcile import reconcile
from holdfast.jobs.survey import survey

NOT_APPROVED = "Nothing is approved yet, so nothing is written: `holdfast apply` shows the plan and asks."
WATCHING = "mode is watch: look and report, write nothing."
EDIT_WAITS = "The settings file has been edited since it was approved; the edit waits for `holdfast apply`."


def in_force_of(approval: Approval, settings: Settings) -> Settings:
    """The approved settings, in the tenant and with the mailboxes that the file names today.

    Those are no part of what is approved: the same settings may be signed in to on a laptop and in Azure.
    """
    approved = parse(approval.settings, name="approved settings", environment={})
    return approved.model_copy(update={"tenant": settings.tenant})


async def _forget(settings: Settings, ports: Ports) -> None:
    """Forget what people did once it is old; not before the quarter is over, for which allowances are given."""
    today = zones.date_at(settings.organization.zone, ports.clock.now())
    quarter = today.replace(month=3 * Quarter.of(today).number - 2, day=1)
    await ports.state.forget_touches(min(quarter, today - timedelta(days=settings.privacy.keep_days)))


async def sweep(settings: Settings, ports: Ports, *, progress: Progress | None = None) -> Report:
    """Look at everybody and, in mode ``keep``, put right what drifted from the approved settings.

    An edit waits until somebody applies it, but for ``mode: watch``, which holds at once. With no approval on record it
    reports only. Raises what ``survey`` raises.
    """
    approval = await ports.state.approval()
    await _forget(settings, ports)
    if approval is None:
        seen = await survey(settings, ports, pinned={}, attended=False, progress=progress)
        report = seen.report("sweep", ports.clock.now(), note=NOT_APPROVED)
        await ports.state.record_run(report.data())
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
            done = seen.report("sweep", ports.clock.now(), outcomes)
            await introduce(approval, in_force, done, ports.state)
            answered = await overlaps.answer(seen, in_force, ports, progress=progress)
            notes += sorted(answered.problems)
    report = seen.report("sweep", ports.clock.now(), outcomes, note=" ".join(notes), on_top=answered.counts)
    await ports.state.record_run(report.data())
    return report
