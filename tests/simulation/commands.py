"""The commands of the product, each as a process of its own: with people at it meanwhile, and perhaps killed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from holdfast.core.messages import Hint
from holdfast.core.plan import Reason
from holdfast.core.report import Report
from holdfast.jobs.apply import apply
from holdfast.jobs.ports import Ports
from holdfast.jobs.probing import probe
from holdfast.jobs.remove import remove
from holdfast.jobs.repair import follow, repair
from holdfast.jobs.survey import survey
from holdfast.jobs.sweep import sweep
from tests.simulation import runs
from tests.simulation.acts import InCalendar
from tests.simulation.office import settings
from tests.simulation.process import Death
from tests.simulation.world import Run, World


@dataclass(frozen=True, slots=True)
class Command:
    """``holdfast sweep``, ``apply``, ``repair`` or ``remove``."""

    name: str
    death: Death | None = None
    meanwhile: tuple[tuple[float, InCalendar], ...] = ()
    only: int | None = None
    force: bool = False
    thinking: float = 0.0
    again: bool = False
    told: bool = False
    """Whether Graph tells of the mailbox first, twice."""
    timer: float | None = None
    """After so many seconds the timer's own sweep begins in a process beside this one."""

    def take(self, world: World) -> None:
        self.run(world)

    def run(self, world: World) -> Run:
        jobs = {"sweep": _swept, "apply": _applied, "remove": _removed, "repair": _repaired}
        approved = world.approved
        watching = "watch" in (world.file.mode, approved.mode if approved else "watch")
        whom = world.people[self.only % len(world.people)].address if self.only is not None else None
        words = [
            self.name,
            *([f"--only {whom}"] if whom else []),
            *(["--force"] if self.force else []),
            *(["--ask-again"] if self.again else []),
        ]
        expected = runs.expected(world) if self.chooses(world) else None
        if self.name == "apply":
            world.approves()

        async def job(ports: Ports) -> Report:
            return await jobs[self.name](world, ports, whom, self)

        run = world.run(
            " ".join(words),
            job,
            death=self.death,
            meanwhile=[(seconds, _acting(act, world)) for seconds, act in self.meanwhile],
            again=self.again,
            beside=None if self.timer is None else (self.timer, lambda ports: _swept(world, ports, None, self)),
        )
        whole = self.name == "apply" and self.only is None and run.report is not None and run.report.complete
        if whole and not run.acts:  # else a series may have been deleted after it was looked at
            world.awaits_apply.clear()
        runs.check(world, run, may_write=self.name not in {"sweep", "repair"} or not watching, expected=expected)
        return run

    def chooses(self, world: World) -> bool:
        """Whether it looks for the quietest times undisturbed, so that one can tell what they are."""
        looks = self.name == "apply" or (self.name == "sweep" and world.approved is None)
        return looks and not self.meanwhile and self.timer is None and world.is_calm


def _acting(act: InCalendar, world: World) -> Any:
    return lambda: act.act(world)


async def _swept(world: World, ports: Ports, _: str | None, __: Command) -> Report:
    return await sweep(settings(world.file.text), ports)


async def _repaired(world: World, ports: Ports, only: str | None, command: Command) -> Report:
    file = settings(world.file.text)
    whom = next((one for one in world.people if one.address == only), world.people[0])
    if command.told:
        hint = Hint(whom.id, ports.clock.now())
        lot = random.Random(0)  # noqa: S311 - it spreads waits
        for _ in range(2):
            await follow(hint, file, ports, chance=lot)
    return await repair(file, ports, whom.address)


async def _applied(world: World, ports: Ports, only: str | None, command: Command) -> Report:
    file = settings(world.file.text)
    approval = await ports.state.approval()
    seen = await survey(file, ports, pinned=approval.groups if approval else {}, only=only, ask_again=command.again)
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


@dataclass(frozen=True, slots=True)
class Probe:
    """``holdfast check --probe``: from then on the product knows how its tenant behaves."""

    def take(self, world: World) -> None:
        async def job(ports: Ports) -> None:
            mark = str(world.sum.runs)
            await probe(world.organizer.address, world.file.zone, ports, ports.calendars, mark=mark)  # type: ignore[arg-type]

        runs.check(world, world.run(f"{runs.PROBE} --probe", job), may_write=True)
