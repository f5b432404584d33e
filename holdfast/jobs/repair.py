"""Looking at one mailbox, because something may have been touched there, and putting right what was.

The same look and the same writing as in a sweep, for one person. What an edit, a group or the directory asks for is
left to the sweep, which knows everybody and so can tell when that is unusually much.
"""

from __future__ import annotations

import enum
import random
from dataclasses import replace
from datetime import timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import Desired
from holdfast.core.errors import GraphError
from holdfast.core.messages import Heard, Hint, Task
from holdfast.core.model import Meeting
from holdfast.core.plan import DELIBERATE
from holdfast.core.report import Report
from holdfast.core.settings import Mode, Settings
from holdfast.jobs import overlaps
from holdfast.jobs.apply import in_force_of
from holdfast.jobs.choosing import Choosing
from holdfast.jobs.errand import Errand
from holdfast.jobs.looking import known_wishes, look_at_mailbox
from holdfast.jobs.ports import Ports, QueueName, Seen
from holdfast.jobs.reconcile import reconcile
from holdfast.jobs.runs import SWEEP
from holdfast.jobs.survey import Survey, brief_of, errands_of, survey
from holdfast.jobs.sweep import NOT_APPROVED, WATCHING

FOR_THE_SWEEP = "What changes because of settings or groups is left to the next sweep."

STALE = timedelta(hours=1)
"""How long it is tried to follow a hint; the next sweep comes by anyway."""

_WAIT = 60.0
"""Seconds before a hint is followed again for which Graph had no time."""


class Followed(enum.StrEnum):
    """What became of a hint."""

    STRANGER = "nobody with blocks"
    SEEN = "nothing that has not been looked at since"
    ELSEWHERE = "somebody else's, and on no day of a block"
    LOOKED = "looked at"
    LATER = "tried again later"
    FAILED = "not followed: left to the next sweep"


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
    return await _held(seen, settings, in_force, ports)


async def _held(seen: Survey, settings: Settings, in_force: Settings, ports: Ports) -> Report:
    """Put right what was touched in the one mailbox that was looked at, unless it is only watched."""
    if Mode.WATCH in (settings.mode, in_force.mode):
        return seen.report("repair", ports.clock.now(), note=WATCHING)
    if any(change.reason in DELIBERATE for change in seen.plan.changes):
        return seen.report("repair", ports.clock.now(), note=FOR_THE_SWEEP)
    outcomes = await reconcile(seen.looks, ports)
    await overlaps.answer(seen, in_force, ports)  # what could not be said is told, of everybody, by the next sweep
    return seen.report("repair", ports.clock.now(), outcomes)


async def follow(hint: Hint, settings: Settings, ports: Ports, *, chance: random.Random) -> Followed:
    """Look at a mailbox because of a hint, and hold its blocks, unless the hint tells nothing new.

    By what is remembered of its owner, without asking for whole groups. A hint for which Graph has no time is put back
    on the queue. Raises nothing of Graph's.
    """
    state, began = ports.state, ports.clock.now()
    before = await state.seen(hint.mailbox)
    # The ETag of what was deleted may be the one that we wrote last: nothing says that a deletion makes another.
    heard = [one for one in hint.heard if before is None or one.change == "deleted" or one.etag not in before.etags]
    if before is not None and (hint.at < before.at or (hint.heard and not heard)):
        return Followed.SEEN
    placed = (await state.placed_of([hint.mailbox])).get(hint.mailbox)
    approval = await state.approval()
    if placed is None or not placed.audiences or approval is None:
        return Followed.STRANGER
    in_force = in_force_of(approval, settings)
    sweep = await state.latest_run(SWEEP)
    brief = await brief_of(in_force, ports, began, await state.choices(), home=sweep.home if sweep else frozenset())
    task = Task(placed.mailbox, placed.address, placed.audiences, declines=placed.declines, name=placed.name)
    [errand] = errands_of(brief, [task], {placed.mailbox: placed})
    errand = replace(errand, attended=False)
    if heard and await _is_elsewhere(errand, heard, await known_wishes(errand, state, brief), ports):
        return Followed.ELSEWHERE
    look = await look_at_mailbox(errand, ports, brief, relearning=False, by_heart=True)
    seen = Survey(began, {}, (look,), Choosing(brief.choices), of_one=True, home=brief.home)
    report = await _held(seen, settings, in_force, ports)
    if any(account.problem for account in report.audience):
        return await _later(hint, report, ports, chance)
    written = await state.seen(hint.mailbox)
    await state.see(hint.mailbox, Seen(began, written.etags if written else frozenset()))
    return Followed.LOOKED


async def _later(hint: Hint, report: Report, ports: Ports, chance: random.Random) -> Followed:
    """Put a hint back that could not be followed for what passes, unless that has been tried for long."""
    passes = all(account.problem is None or account.problem.passes for account in report.audience)
    if not passes or ports.clock.now() - hint.at > STALE:
        return Followed.FAILED
    delay = timedelta(seconds=_WAIT * (1 + chance.random()))
    await ports.queue.put(QueueName.REPAIR, [hint.text()], delay=delay)
    return Followed.LATER


async def _is_elsewhere(errand: Errand, heard: list[Heard], wishes: Desired, ports: Ports) -> bool:
    """Whether all of this is about events that are for sure not ours and on no day of a block."""
    if any(one.change == "deleted" for one in heard):
        return False
    known = await ports.state.known(errand.mailbox)
    ours = {series.event_id for series in known.series} if known else set()
    if (await ports.state.touches(errand.mailbox)).moved:
        return False  # a block stands on a day that is none of its own
    try:
        for one in heard:
            event = None if one.event_id in ours else await ports.calendars.foreign(errand.mailbox, one.event_id)
            if event is None or event.series_id in ours or _is_on_a_day(event, wishes):
                return False
    except GraphError:
        return False  # what cannot be read may be anything; the look tells what is wrong
    return True


def _is_on_a_day(event: Meeting, wishes: Desired) -> bool:
    """Whether an event has time on a day of a block: out of office, it excuses the block although it is not on top."""
    for want in wishes.wants:
        slot = want.series.slot
        first, last = (zones.date_at(slot.zone, at) for at in event.time)
        if want.moves or recurrence.next_date(slot.rule, first) <= last:
            return True  # a date that is moved for a holiday may be on any day of its week
    return False
