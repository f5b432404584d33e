"""A sweep of many people over HTTP and TLS, as functions on Azurite and as `serve` in a file: ``make load``.

The sandbox holds to every documented limit and answers at once. It runs in the same process, so it takes its part of
the processor; Azurite has a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.office import ON_AZURITE, STORES, Office, office
from benchmarks.race import WorkNotDone
from benchmarks.report import machine, record
from functions.running import running
from functions.sweep import sweep
from holdfast import wiring
from holdfast.engine import Engine
from holdfast.jobs import sweep as sweep_job
from holdfast.serve.ending import Ending
from holdfast.serve.work import WORKERS, keep_working
from holdfast.wiring import Place, SystemClock
from sandbox import Person
from sandbox.directory import Account
from tests.functions.azure_host import azure_host
from tests.functions.host import run, tick

LOAD = Path(__file__).with_name("load.md")
_HEAD = "| store | part | seconds | Graph calls | calls a second | HTTP requests | writes | 429s | early retries |"


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of it, by the sandbox's own counts."""

    store: str
    name: str
    seconds: float
    calls: int
    requests: int
    writes: int
    throttled: int
    early: int

    def line(self) -> str:
        """As a line of the table."""
        pace = self.calls / self.seconds
        return (
            f"| {self.store} | {self.name} | {self.seconds:.1f} | {self.calls:,} | {pace:.0f} | {self.requests:,} "
            f"| {self.writes:,} | {self.throttled} | {self.early} |"
        )


def main() -> None:
    """Measure both and keep the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("people", nargs="?", type=int, default=2000, help="mailboxes (default 2000)")
    people = parser.parse_args().people
    parts = [part for store in STORES for part in _parts(people, store)]
    lines = [machine(), "", f"{people:,} people.", "", _HEAD, "| --- | --- |" + " ---: |" * 7]
    text = "\n".join([*lines, *(part.line() for part in parts)])
    print(text)
    record(text, "load", LOAD)


def _parts(people: int, store: str) -> list[Part]:
    with office(people, store) as firm:

        def part(name: str, work: Callable[[], object]) -> Part:
            print(f"{store}: {name}", file=sys.stderr, flush=True)
            counts = firm.tenant.counts
            counts.clear()
            began = time.perf_counter()
            work()
            seconds = time.perf_counter() - began
            calls, throttled = counts.calls.total(), counts.throttled.total()
            return Part(store, name, seconds, calls, counts.requests, counts.writes, throttled, counts.early_retries)

        for one in firm.tenant.employees[: people // 20]:
            Person(firm.tenant, one).leave(firm.tenant.everyone)
        found = [part("apply, by the command", lambda: firm.command("apply", "--yes"))]
        _drift(firm, people)
        found.append(part("sweep in shards, after a day of people", lambda: _swept(firm)))
        if not all(firm.is_held(one) for one in firm.tenant.employees):
            raise WorkNotDone("Somebody has not what they are to have.")
        return found


def _drift(firm: Office, people: int) -> None:
    """A twentieth has come, a twentieth deletes its series, and a twentieth moves a date."""
    part = people // 20
    employees = firm.tenant.employees
    firm.tenant.everyone.members += employees[:part]
    for one in employees[part : 2 * part]:
        firm.delete_series(one)
    for one in employees[2 * part : 3 * part]:
        first = firm.coming(one)[0]
        Person(firm.tenant, one).move(first.id, first.start + timedelta(hours=9))


def _swept(firm: Office) -> None:
    told = run(_by_functions(firm)) if firm.account else asyncio.run(_by_serving())
    members = {one.id for one in firm.tenant.everyone.transitive_members() if isinstance(one, Account)}
    if not told["complete"] or told["audience"] != len(members):
        raise WorkNotDone(f"Not everybody is accounted for: {told}")


async def _by_functions(firm: Office) -> dict[str, Any]:
    if firm.account is None:
        raise WorkNotDone(ON_AZURITE)
    async with azure_host(firm.account.account) as host:
        await tick(sweep)
        await host.work_off()
        async with running() as now:
            return dict(await now.ports.state.last_run() or {})


async def _by_serving() -> dict[str, Any]:
    """The workers of `serve`, which look at the queue for as long as the sweep goes on."""
    engine, ending = Engine(Place.of(None, wiring.environment())), Ending(SystemClock())
    try:
        async with engine.running() as now, asyncio.TaskGroup() as group:
            await sweep_job.begin(now.settings, now.ports, run_id=wiring.holder())
            for worker in WORKERS:
                for _ in range(worker.at_once):
                    group.create_task(keep_working(worker, engine, ending))
            while (latest := await now.ports.state.latest_run("sweep")) is None or latest.ended is None:
                await ending.pause(0.1)
            ending.asked.set()
            return dict(await now.ports.state.last_run() or {})
    finally:
        await engine.close()


if __name__ == "__main__":
    main()
