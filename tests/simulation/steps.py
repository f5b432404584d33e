"""What can happen: one frozen value each, which says in a sentence what it came to in a world.

Steps name people and events by number, counted round, so that a story makes sense with any of its steps left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from sandbox.directory import EMPLOYEE
from sandbox.mailbox import Pressure
from tests.simulation import invariants, weather
from tests.simulation.almanac import WINDOWS, date_at
from tests.simulation.commands import Command
from tests.simulation.ledger import HORIZON
from tests.simulation.recollection import Recollection
from tests.simulation.world import SOON, Broken, Run, World

_KEPT_TRANSACTIONS = 3
_A_DAY = 24 * 60 * 60
_LONGER_THAN_ANYTHING_IS_BELIEVED = 8 * _A_DAY


class Step(Protocol):
    """Something that happens in a world. What it came to is said with ``world.say``."""

    def take(self, world: World) -> None: ...


@dataclass(frozen=True, slots=True)
class Passes:
    """Time goes by."""

    minutes: int

    def take(self, world: World) -> None:
        world.passes(self.minutes * 60)


@dataclass(frozen=True, slots=True)
class Unattended:
    """Nobody does anything for some weeks, but for a sweep every so many days."""

    weeks: int
    days: int

    def take(self, world: World) -> None:
        for _ in range(self.weeks * 7 // self.days):
            world.passes(self.days * _A_DAY)
            Command("sweep").take(world)


@dataclass(frozen=True, slots=True)
class ShortlyBefore:
    """Time goes by until some minutes before somebody's next date: a command takes longer than that, or not quite."""

    who: int
    minutes: int

    def take(self, world: World) -> None:
        soonest = world.now + timedelta(minutes=self.minutes)
        events = world.ours(world.people[self.who % len(world.people)])
        coming = [one.starts for event in events for one in event.between(soonest, soonest + timedelta(weeks=30))]
        starts = min((at for at in coming if at > soonest), default=None)
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
            if account.kind == EMPLOYEE and not world.wants(world.file, account, after)
        }
        world.recollection = Recollection()
        world.diary.forget()
        world.series.forget()
        world.heard.clear()
        world.say("The state file is lost.")
        Command("sweep").take(world)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing fails any more. After a sweep and an apply, or a ``remove``, all is as it should be, and stays so.

    Where nobody has anything to say yes to, sweeps alone get there, though it may take them a week.
    """

    remove: bool = False
    alone: bool = False

    def take(self, world: World) -> None:
        _calm(world)
        world.say("All is quiet.")
        if (
            self.alone
            and not self.remove
            and not world.awaits_apply
            and world.approved == world.file
            and world.file.mode == "keep"
        ):
            _by_sweeps_alone(world)
        if self.remove:
            _well(Command("remove").run(world))
            invariants.check(world, nothing_wanted=True)
        else:
            _well(Command("sweep").run(world), lenient=True)
        _well(Command("apply", force=True, thinking=60).run(world))
        invariants.check(world)
        for again in (Command("apply", force=True), Command("sweep")):
            _again(world, again)
        invariants.check(world)


def _by_sweeps_alone(world: World) -> None:
    world.passes(_LONGER_THAN_ANYTHING_IS_BELIEVED)
    run = Command("sweep").run(world)
    if run.report is not None and "Nothing was written" in run.report.note:
        return
    _well(run)
    invariants.check(world)
    _again(world, Command("sweep"))
    invariants.check(world)


def _again(world: World, command: Command) -> None:
    """A run where all is done already writes nothing.

    Where one more day has come into view somewhere since, the run after it does not.
    """
    before = _in_view(world.now)
    run = command.run(world)
    _well(run)
    if run.wrote and before != _in_view(world.now):
        run = command.run(world)
        _well(run)
    if run.wrote:
        raise Broken(f"a second {command.name} wrote {run.wrote.total()} times")


def _in_view(at: datetime) -> list[date]:
    """The first and the last day that is looked at, by each clock; the last one may begin at another hour."""
    return [date_at(at + ahead, zone) for zone in WINDOWS for ahead in (timedelta(0), HORIZON)]


def _well(run: Run, *, lenient: bool = False) -> None:
    """A run in quiet times reaches everybody."""
    report = run.report
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
