"""What can happen: one frozen value each, which says in a sentence what it came to in a world.

Steps name people and events by number, counted round, so that a story makes sense with any of its steps left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from holdfast.core.plan import Reason
from holdfast.core.report import Report
from holdfast.jobs.apply import apply
from holdfast.jobs.ports import Ports
from holdfast.jobs.remove import remove
from holdfast.jobs.survey import survey
from holdfast.jobs.sweep import sweep
from sandbox import ids
from sandbox.directory import EMPLOYEE, Account
from sandbox.event import Event
from sandbox.mailbox import Mailbox, Pressure
from tests.simulation import invariants, weather
from tests.simulation.office import DAYS, ZONE, Block, settings, wanted
from tests.simulation.process import Death
from tests.simulation.world import SOON, Broken, World, mark_of

_MAILBOX_COMES = 15 * 60
_KEPT_TRANSACTIONS = 3


class Step(Protocol):
    """Something that happens in a world. What it came to is said with ``world.say``."""

    def take(self, world: World) -> None: ...


# -- what people do in their calendars


@dataclass(frozen=True, slots=True)
class InCalendar:
    """Somebody does something to the ``which``-th of what Holdfast gave them; ``amount`` means what it means there."""

    who: int
    what: str
    which: int
    amount: int

    def take(self, world: World) -> None:
        done = self.act(world)
        if done:
            world.say(done)

    def act(self, world: World) -> str | None:
        """Do it; None where there is nothing to do it to."""
        account = world.people[self.who % len(world.people)]
        done = world.acts(account, lambda box: _ACTS[self.what](world, account, box, self))
        return f"{account.given_name} {done}" if done else None


def _series(world: World, account: Account, step: InCalendar) -> Event | None:
    found = [event for event in world.ours(account) if event.is_series]
    return found[step.which % len(found)] if found else None


def _coming(world: World, account: Account, step: InCalendar) -> tuple[Event, date] | None:
    """One of the dates of the next weeks that Holdfast has made."""
    after = world.now + SOON
    found = [
        (one.event, one.slot.day)
        for event in world.ours(account)
        for one in event.between(after, after + timedelta(weeks=6))
        if one.slot and one.starts > after
    ]
    return found[step.which % len(found)] if found else None


def _deletes_series(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    event = _series(world, account, step)
    if event is None:
        return None
    mark = mark_of(event)
    box.delete_event(box.id_of(event))
    return f"deletes the series {mark}" if mark is None else f"deletes the series of {mark.block}"


def _deletes_date(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    found = _coming(world, account, step)
    if found is None:
        return None
    event, day = found
    box.delete_occurrence(box.id_of(event, day))
    touched = world.log(account, event)
    touched.gaps.add(day)
    touched.moved.pop(day, None)
    touched.free.discard(day)
    return f"deletes {day}"


def _moves_date(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    found = _coming(world, account, step)
    if found is None:
        return None
    event, day = found
    one = event.occurrence_on(day)
    assert one is not None
    starts = one.starts + timedelta(hours=(-20, -2, 1, 3, 26)[step.amount % 5])
    if starts <= world.now + SOON:
        return None
    try:
        box.move_occurrence(box.id_of(event, day), starts)
    except Exception as error:  # noqa: BLE001 - Outlook refuses to let a date pass its neighbour
        return f"cannot move {day}: {error}"
    world.log(account, event).moved[day] = starts, starts + (one.ends - one.starts)
    return f"moves {day} to {starts.astimezone(ZONE):%d %b %H:%M}"


def _frees_date(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    found = _coming(world, account, step)
    if found is None:
        return None
    event, day = found
    box.edit(box.id_of(event, day), showAs="free")
    world.log(account, event).free.add(day)
    return f"sets {day} free"


def _frees_series(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    event = _series(world, account, step)
    if event is None:
        return None
    world.log(account, event).show_as = "tentative"
    box.edit(box.id_of(event), showAs="tentative")
    return "sets a series to tentative"


def _rewords(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    event = _series(world, account, step)
    if event is None:
        return None
    box.edit(box.id_of(event), subject="Min tid")
    world.log(account, event).reworded = True
    return "calls a series Min tid"


def _cuts(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    """Outlook lets people end a series on an earlier day, which makes it anew."""
    found = _coming(world, account, step)
    event = found[0] if found else None
    if found is None or event is None or event.recurrence is None or event.recurrence.ends_on is None:
        return None
    last = found[1]
    if last >= event.recurrence.ends_on:
        return None
    zone = event.when.zone
    box.edit(
        box.id_of(event),
        recurrence={
            "pattern": {
                "type": "weekly",
                "interval": 1,
                "daysOfWeek": list(event.recurrence.days),
                "firstDayOfWeek": "monday",
            },
            "range": {
                "type": "endDate",
                "startDate": event.recurrence.starts_on.isoformat(),
                "endDate": last.isoformat(),
                "recurrenceTimeZone": zone,
            },
        },
    )
    touched = world.log(account, event)
    touched.cut = last
    if not world.tenant.facts.range_end_only_keeps_exceptions:
        touched.gaps.clear()
        touched.moved.clear()
        touched.free.clear()
    return f"ends a series on {last}"


def _copies(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    event = _series(world, account, step)
    mark = mark_of(event) if event else None
    if event is None or mark is None or world.tenant.facts.last_occurrence_takes_series:
        # Where a series goes with its last date, ending one takes the copy too: a copy then cannot be told from it.
        return None
    chance = box.world.chance
    copy = replace(
        event,
        key=chance.randbytes(ids.KEY_BYTES),
        uid=chance.randbytes(16),
        created=world.now + timedelta(seconds=1),
        change=chance.getrandbits(48),
        transaction_id=None,
        altered=dict(event.altered),
    )
    box._events[copy.key] = copy
    world.books(account, copy)
    world.copies[account.id, copy.key] = mark
    was = world.touched.get((account.id, event.key))
    if was:
        world.touched[account.id, copy.key] = replace(
            was, gaps=set(was.gaps), moved=dict(was.moved), free=set(was.free)
        )
    return f"copies the series of {mark.block}, tag and all"


def _books(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    """Something of the person's own, at the time of a block and by its name, as likely as not."""
    block = world.file.blocks[step.which % len(world.file.blocks)]
    day = next(block.dates((world.now + timedelta(days=1)).date(), date.max - timedelta(days=9)), None)
    if day is None:
        return None
    starts, ends = block.times(day)
    subject = block.title if step.amount % 2 else "Tandläkaren"
    rule = None
    series = next((event for event in world.ours(account) if event.recurrence), None)
    if series and step.amount // 2 % 2:
        rule = series.recurrence
        starts, ends = series.when.starts_at, series.when.ends_at
    world.books(account, box.book(subject, starts, ends, recurrence=rule))
    return f"books {subject}{' every week' if rule else ''} on {starts:%d %b %H:%M}"


_ACTS: dict[str, Any] = {
    "deletes the series": _deletes_series,
    "deletes a date": _deletes_date,
    "moves a date": _moves_date,
    "frees a date": _frees_date,
    "frees a series": _frees_series,
    "rewords a series": _rewords,
    "cuts a series": _cuts,
    "copies a series": _copies,
    "books": _books,
}
ACTS = tuple(_ACTS)


# -- who belongs where


@dataclass(frozen=True, slots=True)
class InDirectory:
    """Something about somebody's account or groups changes."""

    who: int
    what: str
    which: int

    def take(self, world: World) -> None:
        account = world.people[self.who % len(world.people)]
        world.say(f"{account.given_name} {_CHANGES[self.what](world, account, self.which)}")


def _out_of(world: World, account: Account) -> None:
    for group in world.tenant.groups:
        if account in group.members:
            group.members.remove(account)


def _leaves(world: World, account: Account, _: int) -> str:
    _out_of(world, account)
    return "leaves"


def _joins(world: World, account: Account, which: int) -> str:
    """A new colleague's mailbox comes a quarter of an hour after the account."""
    group = world.groups[which % len(world.groups)]
    if account in group.members:
        return f"is in {group.display_name} still"
    group.members.append(account)
    fresh = account.mailbox is not None and not account.mailbox.events
    if fresh:
        box, account.mailbox = account.mailbox, None
        world.loop.call_later(_MAILBOX_COMES, lambda: setattr(account, "mailbox", box))
    return f"joins {group.display_name}{', without a mailbox yet' if fresh else ''}"


def _changes_group(world: World, account: Account, which: int) -> str:
    _out_of(world, account)
    group = world.groups[which % len(world.groups)]
    group.members.append(account)
    return f"is in {group.display_name} and nowhere else"


def _opts(world: World, account: Account, _: int) -> str:
    if account in world.opt_out.members:
        world.opt_out.members.remove(account)
        return "wants blocks again"
    world.opt_out.members.append(account)
    return "opts out"


def _switched(_: World, account: Account, __: int) -> str:
    account.enabled = not account.enabled
    return "is enabled again" if account.enabled else "is disabled"


def _renamed(world: World, account: Account, which: int) -> str:
    address = f"{account.given_name.lower()}.{which % 100}@{world.tenant.domain}"
    account.mail = account.user_principal_name = address
    world.tenant._by_name[address] = account
    return f"is {address} from now on"


_CHANGES: dict[str, Any] = {
    "leaves": _leaves,
    "joins": _joins,
    "changes group": _changes_group,
    "opts": _opts,
    "is switched": _switched,
    "is renamed": _renamed,
}
CHANGES = tuple(_CHANGES)


# -- what the admin does


@dataclass(frozen=True, slots=True)
class Edit:
    """The settings file changes; nothing happens before somebody applies it."""

    what: str
    which: int
    amount: int

    def take(self, world: World) -> None:
        before = world.file
        said = _EDITS[self.what](world, self.which, self.amount)
        if said is None or world.file == before:
            world.file = before
            return
        if any(one.clashes(other) for one, other in _pairs(world.file.blocks)):
            world.file = before
            return
        world.say(f"The admin {said}")


def _pairs(blocks: Sequence[Block]) -> list[tuple[Block, Block]]:
    """The blocks that one audience has both of: the settings refuse those that clash."""
    return [
        (one, other)
        for place, one in enumerate(blocks)
        for other in blocks[place + 1 :]
        if not set(one.audiences).isdisjoint(other.audiences)
    ]


def _block(world: World, which: int) -> Block:
    return world.file.blocks[which % len(world.file.blocks)]


def _new_time(world: World, which: int, amount: int) -> str:
    block = replace(_block(world, which), day=amount % 5, at=(time(9), time(13, 30), time(9, 30))[amount % 3])
    world.file = world.file.having(block)
    return f"puts {block.id} on {DAYS[block.day]} {block.at:%H:%M}"


def _new_title(world: World, which: int, amount: int) -> str:
    block = replace(_block(world, which), title=("Lärtimmen", "Lärstunden", "Fredagstid")[amount % 3])
    world.file = world.file.having(block)
    return f"calls {block.id} {block.title}"


def _new_end(world: World, which: int, amount: int) -> str | None:
    block = _block(world, which)
    weeks = (None, 2, 6, 20, 40)[amount % 5]
    until = None if weeks is None else max(block.since, world.now.date()) + timedelta(weeks=weeks)
    world.file = world.file.having(replace(block, until=until))
    return f"lets {block.id} end on {until}"


def _new_beginning(world: World, which: int, amount: int) -> str | None:
    block = _block(world, which)
    since = world.now.date() + timedelta(weeks=amount % 9 - 2)
    if block.until and block.until < since + timedelta(days=7):
        return None
    world.file = world.file.having(replace(block, since=since))
    return f"lets {block.id} begin on {since}"


def _drops_or_adds(world: World, which: int, amount: int) -> str:
    blocks = world.file.blocks
    if len(blocks) > 1:
        gone = _block(world, which)
        world.file = replace(world.file, blocks=tuple(one for one in blocks if one.id != gone.id))
        return f"takes {gone.id} out"
    name = "fordjupning" if blocks[0].id != "fordjupning" else "lartimmen"
    audience = world.file.audiences[which % len(world.file.audiences)].name
    block = Block(name, "Fördjupning", (audience,), amount % 5, time(14), world.now.date() - timedelta(days=3))
    world.file = replace(world.file, blocks=(*blocks, block))
    return f"adds {name} for {audience}"


def _other_group(world: World, which: int, amount: int) -> str:
    place = which % len(world.file.audiences)
    group = (world.tenant.everyone, *world.groups)[amount % 3]
    audience = replace(world.file.audiences[place], group=group.mail)
    audiences = [*world.file.audiences]
    audiences[place] = audience
    world.file = replace(world.file, audiences=tuple(audiences))
    return f"makes {audience.name} mean {group.display_name}"


def _excludes(world: World, which: int, amount: int) -> str:
    account = world.people[amount % len(world.people)]
    place = which % len(world.file.audiences)
    audience = world.file.audiences[place]
    exclude = () if audience.exclude else (account.address,)
    audiences = [*world.file.audiences]
    audiences[place] = replace(audience, exclude=exclude)
    world.file = replace(world.file, audiences=tuple(audiences))
    return f"excludes {' '.join(exclude) or 'nobody'} from {audience.name}"


def _mode(world: World, _: int, __: int) -> str:
    world.file = replace(world.file, mode="watch" if world.file.mode == "keep" else "keep")
    return f"sets mode: {world.file.mode}"


_EDITS: dict[str, Any] = {
    "time": _new_time,
    "title": _new_title,
    "until": _new_end,
    "from": _new_beginning,
    "blocks": _drops_or_adds,
    "group": _other_group,
    "exclude": _excludes,
    "mode": _mode,
}
EDITS = tuple(_EDITS)


# -- commands


@dataclass(frozen=True, slots=True)
class Command:
    """``holdfast sweep``, ``apply`` or ``remove``: with people at it meanwhile, and perhaps killed."""

    name: str
    death: Death | None = None
    meanwhile: tuple[tuple[float, InCalendar], ...] = ()
    only: int | None = None
    force: bool = False
    thinking: float = 0.0
    timer: float | None = None
    """After so many seconds the timer's own sweep begins in a process beside this one."""

    def take(self, world: World) -> None:
        self.report(world)

    def report(self, world: World) -> Report | None:
        jobs = {"sweep": _swept, "apply": _applied, "remove": _removed}
        approved = world.approved()
        watching = "watch" in (world.file.mode, approved.mode if approved else "watch")
        whom = world.people[self.only % len(world.people)].address if self.only is not None else None
        words = [self.name, *([f"--only {whom}"] if whom else []), *(["--force"] if self.force else [])]

        async def job(ports: Ports) -> Report:
            return await jobs[self.name](world, ports, whom, self)

        return world.run(
            " ".join(words),
            job,
            death=self.death,
            meanwhile=[(seconds, _acting(act, world)) for seconds, act in self.meanwhile],
            beside=None if self.timer is None else (self.timer, lambda ports: _swept(world, ports, None, self)),
            may_write=self.name != "sweep" or not watching,
        )


def _acting(act: InCalendar, world: World) -> Any:
    return lambda: act.act(world)


async def _swept(world: World, ports: Ports, _: str | None, __: Command) -> Report:
    return await sweep(settings(world.file.text), ports)


async def _applied(world: World, ports: Ports, only: str | None, command: Command) -> Report:
    file = settings(world.file.text)
    approval = await ports.state.approval()
    seen = await survey(file, ports, pinned=approval.groups if approval else {}, only=only)
    if not command.force and not only:
        seen.check_guard(file, approval.complete if approval else frozenset())
    await ports.clock.sleep(command.thinking)
    return await apply(seen, file, ports, trial=only is not None)


async def _removed(world: World, ports: Ports, only: str | None, command: Command) -> Report:
    file = settings(world.file.text)
    approval = await ports.state.approval()
    pinned = approval.groups if approval else {}
    seen = await survey(file, ports, pinned=pinned, only=only, removing=Reason.REMOVED)
    await ports.clock.sleep(command.thinking)
    return await remove(seen, ports, trial=only is not None)


# -- the world at large


@dataclass(frozen=True, slots=True)
class Passes:
    """Time goes by."""

    minutes: int

    def take(self, world: World) -> None:
        world.passes(self.minutes * 60)


@dataclass(frozen=True, slots=True)
class ShortlyBefore:
    """Time goes by until some minutes before a block's next date: a command takes longer than that, or not quite."""

    which: int
    minutes: int

    def take(self, world: World) -> None:
        block = world.file.blocks[self.which % len(world.file.blocks)]
        soonest = world.now + timedelta(minutes=self.minutes)
        today = world.now.astimezone(ZONE).date()
        days = block.dates(today, today + timedelta(weeks=30))
        starts = next((starts for day in days if (starts := block.times(day)[0]) > soonest), None)
        if starts is not None:
            world.passes((starts - soonest).total_seconds())


@dataclass(frozen=True, slots=True)
class Weather:
    """From now on so many calls in a hundred fail."""

    percent: int
    kinds: str
    seed: int

    def take(self, world: World) -> None:
        weather.bad(world.tenant, self.percent / 100, self.kinds, self.seed)
        world.say(f"Of a hundred calls that can {self.percent} fail {self.kinds}.")


@dataclass(frozen=True, slots=True)
class Shut:
    """A mailbox cannot be read, by a policy or because it was asked too often, until all is quiet."""

    who: int
    calls: int

    def take(self, world: World) -> None:
        account = world.people[self.who % len(world.people)]
        if account.mailbox is None:
            return
        if self.calls:
            account.mailbox.pressure = Pressure(self.calls, 20)
            world.say(f"{account.given_name}'s mailbox throttles {self.calls} calls.")
        else:
            account.mailbox.denied = True
            world.say(f"{account.given_name}'s mailbox is closed to us.")


@dataclass(frozen=True, slots=True)
class LosesState:
    """The state file is gone; the next sweep finds again what calendars tell, and no more."""

    def take(self, world: World) -> None:
        _calm(world)
        for leftover in world.state.parent.glob(f"{world.state.name}*"):
            leftover.unlink()
        after = world.now + SOON
        world.unknown |= {
            account.id
            for account in world.tenant.accounts
            if account.kind == EMPLOYEE and not wanted(world.file, world.tenant, account, after)
        }
        world.say("The state file is lost.")
        Command("sweep").take(world)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing fails any more. After a sweep and an apply, or a ``remove``, all is as it should be, and stays so."""

    remove: bool = False

    def take(self, world: World) -> None:
        _calm(world)
        world.say("All is quiet.")
        if self.remove:
            _well(Command("remove").report(world))
            invariants.check(world, nothing_wanted=True)
        else:
            _well(Command("sweep").report(world), lenient=True)
        _well(Command("apply", force=True, thinking=60).report(world))
        invariants.check(world)
        before = world.tenant.counts.writes
        _well(Command("apply", force=True).report(world))
        if world.tenant.counts.writes != before:
            raise Broken(f"a second apply wrote {world.tenant.counts.writes - before} times")
        invariants.check(world)


def _well(report: Report | None, *, lenient: bool = False) -> None:
    """A run in quiet times reaches everybody."""
    if report is None:
        raise Broken("it failed though nothing was in its way")
    if not report.complete and not lenient and (report.audience or report.others):
        said = "; ".join(f"{one.address} {one.state}: {one.reason}, {one.problem}" for one in report.problems[:3])
        raise Broken(f"it did not reach everybody though nothing was in its way: {said}")


def _calm(world: World) -> None:
    """No more faults; late writes come in, and Exchange has forgotten all but the last transactions.

    It is seven minutes past the hour, so that no block begins in a quarter of an hour.
    """
    weather.fair(world.tenant)
    for box in world.boxes:
        box.denied = False
        box.pressure = None
    world.passes(3600 - (world.now - _hour(world.now)).total_seconds() + 420)
    for box in world.boxes:
        gone = [name for name, key in box._transactions.items() if key not in box._events]
        for name in gone[:-_KEPT_TRANSACTIONS]:
            del box._transactions[name]


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
