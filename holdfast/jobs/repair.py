"""Looking at one mailbox, because something may have been touched there, and putting right what was.

The same look and the same writing as in a sweep, for one person. What an edit, a group or the directory asks for is
left to the sweep, which knows everybody and so can tell when that is unusually much.
"""

from __future__ import annotations

from holdfast.core.plan import DELIBERATE
from holdfast.core.report import Report
from holdfast.core.settings import Mode, Settings
from holdfast.jobs import overlaps
from holdfast.jobs.apply import in_force_of
from holdfast.jobs.ports import Ports
from holdfast.jobs.reconcile import reconcile
from holdfast.jobs.survey import survey
from holdfast.jobs.sweep import NOT_APPROVED, WATCHING

FOR_THE_SWEEP = "What changes because of settings or groups is left to the next sweep."


async def repair(settings: Settings, ports: Ports, mailbox: str) -> Report:
    """Look at the mailbox with this address or id and, in mode ``keep``, hold its blocks by the approved settings.

    Raises ``NoSuchMailbox`` for one in no audience, and what ``survey`` raises.
    """
    approval = await ports.state.approval()
    if approval is None:
        seen = await survey(settings, ports, pinned={}, only=mailbox, attended=False)
        return seen.report("repair", ports.clock.now(), note=NOT_APPROVED)
    in_force = in_force_of(approval, settings)
    seen = await survey(in_force, ports, pinned=approval.groups, only=mailbox, attended=False)
    if Mode.WATCH in (settings.mode, in_force.mode):
        return seen.report("repair", ports.clock.now(), note=WATCHING)
    if any(change.reason in DELIBERATE for change in seen.plan.changes):
        return seen.report("repair", ports.clock.now(), note=FOR_THE_SWEEP)
    outcomes = await reconcile(seen.looks, ports)
    await overlaps.answer(seen, in_force, ports)  # what could not be said is told, of everybody, by the next sweep
    return seen.report("repair", ports.clock.now(), outcomes)
