"""What must hold of every run, faults, kills and people or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from itertools import product

from holdfast.core.report import MailboxState, Report
from sandbox.event import Event
from tests.simulation import weather
from tests.simulation.almanac import all_dates, date_at
from tests.simulation.choices import possible, quietest
from tests.simulation.diary import Key
from tests.simulation.ledger import Done, mark_of
from tests.simulation.office import Choice, File, Window, inside, roster
from tests.simulation.slots import Slot, wanted
from tests.simulation.world import SOON, Broken, Run, World

PROBE = "check"
"""The one command that writes for the sake of nobody."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What to expect of a choice: the quietest time, or one at which the block stands where nothing is remembered."""

    times: Mapping[Choice, frozenset[time]] = field(default_factory=dict)


def expected(world: World) -> Expected:
    """What the product should choose if it looked now, of what the file leaves open and nobody has chosen."""
    kept = world.recollection.choices(world.file)
    found: dict[Choice, frozenset[time]] = {}
    for block in world.file.blocks:
        for audience, day in product(block.audiences, block.every.days) if isinstance(block.at, Window) else ():
            key = block.id, audience, day
            if kept.get(key) not in possible(block):
                found[key] = frozenset({quietest(world.file, world.tenant, key, world.now)})
                standing = {at for at in _standing(world, key) if at in possible(block)}
                if standing and not world.recollection.placed:
                    found[key] = frozenset(standing)
    return Expected(found)


def check(world: World, run: Run, *, may_write: bool, expected: Expected | None = None) -> None:
    """Raise ``Broken`` for whatever does not hold. ``expected`` is what to hold fresh choices against, if anything."""
    counts = world.tenant.counts
    alone = not run.beside
    wrong = list(run.wrong)
    if counts.mails:
        wrong.append(f"{counts.mails} mails went out")
    if counts.early_retries and alone and weather.lost(world.tenant) == run.lost:
        wrong.append(f"{counts.early_retries} calls came before a Retry-After was over")
    most = max(counts.most_in_flight.values(), default=0)
    if most > 4:
        wrong.append(f"{most} calls were in flight for one mailbox")
    written = sum(run.wrote.values())
    if written and not may_write:
        wrong.append(f"{written} writes by a run that may only look")
    ignorant = run.report is None and run.how.startswith(("Unreachable", "AudienceError", "UnsafePlan"))
    if ignorant and written and alone and run.job != PROBE:
        wrong.append(f"{written} writes by a run that did not know everybody")
    if run.report is not None:
        wrong += _unaccounted(world, run, run.report, alone=alone)
    for other, _ in run.beside:
        if other is not None:
            wrong += _unaccounted(world, run, other, alone=False)
    wrong += _chosen(world, run, expected)
    wrong += _days(world, run)
    wrong += _travellers(world, run)
    if wrong:
        raise Broken("; ".join(wrong[:3]))


def _in_force(world: World, run: Run) -> list[File]:
    """The files that a run may have gone by."""
    approved = [file for file in (world.file_of(run.before), world.file_of(run.after)) if file is not None]
    own = {"sweep": approved, "repair": approved, "apply": [world.file]}.get(run.job, [])
    return list(dict.fromkeys([*own, *(approved if run.beside else [])]))


def _unaccounted(world: World, run: Run, report: Report, *, alone: bool) -> Iterator[str]:
    for account in report.audience + report.others:
        if account.state is MailboxState.UNREAD and run.wrote[account.mailbox] and alone:
            yield f"{account.address} was written without having been read"
    if sum(report.counts().values()) != len(report.audience):
        yield "the numbers do not add up"
    accounts = Counter(account.mailbox for account in report.audience)
    approved = [world.file_of(run.before), world.file_of(run.after)]
    files = [file or world.file for file in approved] if report.job in {"sweep", "repair"} else [world.file]
    rosters = [roster(file.audiences, world.tenant) for file in files]
    people = rosters[0] if accounts == Counter(rosters[0]) else rosters[-1]
    if accounts != Counter(people) and not (" --only " in run.what and accounts.total() + len(report.others) == 1):
        yield f"accounts for {len(accounts)} of {len(people)} people in the audiences"
    again = {account.mailbox for account in report.others} & people
    if again:
        yield f"{len(again)} of the audience are accounted for as others too"


def _days(world: World, run: Run) -> Iterator[str]:
    """Single dates were only taken out or moved for want of learning time."""
    rights = {account.id: _minded(world, run, account.id) for account in world.people}
    undecided, world.ledger.undecided[:] = [*world.ledger.undecided], []
    for done in undecided:
        mailbox, key = done.key
        account = world.tenant.account(mailbox)
        there = [event for event in world.ours(account) if event.key == key] if account else []
        slots = [*rights.get(mailbox, ()), *world.rights.get(mailbox, ())]
        if (
            there
            and not _is_protection(world, done, there[0], slots)
            and not world.ledger.is_right(done, there[0], slots, SOON)
        ):
            what = f"moved to {done.to[0]:%d %b %H:%M}" if done.to else "taken out"
            yield f"{done.day} was {what} in the calendar of {account and account.address} without need"
    if run.job == "repair":
        # It looks nobody up, and goes by who belonged where when everybody was last.
        world.rights = {
            mailbox: [*dict.fromkeys([*world.rights.get(mailbox, ()), *rights[mailbox]])] for mailbox in rights
        }
    elif run.job != PROBE:
        world.rights = rights


def _is_protection(world: World, done: Done, event: Event, slots: Sequence[Slot]) -> bool:
    """Whether a date was put back to where it should be, or taken out because that was agreed on.

    Whether that was right is judged by ``diary``, with what else happened to the date.
    """
    mark = mark_of(event)
    key = mark and Key(done.key[0], mark.block, done.day)
    if key is None or done.to is None:
        return key is not None and world.diary.may_be_taken(key)
    there = any(slot.fits(event) and done.to == slot.times(done.day) for slot in slots)
    return there and world.diary.was_put_right(key)


def _minded(world: World, run: Run, mailbox: str) -> list[Slot]:
    """The slots that a run may have had in mind for somebody, whatever of themselves their mailbox said when."""
    account = world.tenant.account(mailbox)
    assert account is not None
    told = {run.heard.get(mailbox), world.heard.get(mailbox)}
    series = [event for event, _ in run.standing[mailbox]], world.ours(account)
    return [
        slot
        for file in _in_force(world, run)
        for said in sorted(told, key=str)
        for events in series
        for remembered in (run.before, run.after)
        for slot in wanted(file, world.person(file, account, said, events), remembered.choices(file), run.began)
    ]


def _travellers(world: World, run: Run) -> Iterator[str]:
    """Whoever has not been in another zone for four weeks keeps what was made in the one before."""
    if run.acts or run.job == "remove":
        return
    for account in world.people:
        told, stand = world.heard.get(account.id), run.standing[account.id]
        if told is None or not told.is_new(run.began) or not stand:
            continue
        today = date_at(run.began, told.zone)
        before = [event for event, mark in stand if mark.last > today]
        now = {event.key for event in world.ours(account) if (mark := mark_of(event)) and mark.last > today}
        ways = [
            wanted(file, world.person(file, account, told, before), run.after.choices(file), run.began + SOON)
            for file in _in_force(world, run)
        ]
        for slot in ways[0] if ways else ():
            if slot.zone == told.zone or slot.block.zone != "mailbox" or not all(slot in way for way in ways):
                continue
            had = [event for event in before if slot.fits(event)]
            if had and not any(event.key in now for event in had):
                yield f"{slot} followed {account.address} to {told.zone} at once"


def _chosen(world: World, run: Run, expected: Expected | None) -> Iterator[str]:
    """A choice is kept once it is made; it is the quietest, or where the block stands should that be forgotten."""
    before, after = run.before.choices(world.file), run.after.choices(world.file)
    for key, at in after.items():
        allowed = _allowed(world.file, key)
        if at == before.get(key):
            continue
        if before.get(key) in allowed:
            yield f"{key[0]} on {key[2]} had been chosen to be at {before[key]:%H:%M} and is at {at:%H:%M} now"
        elif expected is not None and at not in expected.times[key]:
            told = " or ".join(f"{one:%H:%M}" for one in sorted(expected.times[key]))
            yield f"{key[0]} on {key[2]} was chosen to be at {at:%H:%M}, not {told}"


def _allowed(file: File, key: Choice) -> list[time]:
    blocks = (block for block in file.blocks if block.id == key[0] and isinstance(block.at, Window))
    return next((possible(block) for block in blocks), [])


def _standing(world: World, key: Choice) -> Iterator[time]:
    """The times at which people have a block already, on the day of a choice."""
    block = next(one for one in world.file.blocks if one.id == key[0])
    days = all_dates(key[2], block.every.count, block.every.unit, block.since)
    today = date_at(world.now, world.file.zone)
    for account in world.people:
        for event in world.ours(account) if key[1] in inside(world.file, world.tenant, account) else ():
            mark, rule = mark_of(event), event.recurrence
            if mark and rule and mark.block == block.id and mark.last >= today and rule.starts_on in days:
                yield event.when.starts.time()
