"""How long it takes from a touch to a calendar put right, and what it costs: ``make latency``.

People move a date of their block out of their working hours, all at once. The sandbox tells the functions' webhook over
its courier, the hint waits for ten seconds so that one look answers all that comes of one drag of a mouse, and the
function ``repair`` looks and puts the date back. Then others do the same and nothing of it is told, so that a sweep has
to find it. State and queues are in a file, and empty queues are looked at twice a second. How late Graph itself tells
is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any, cast
from urllib.parse import parse_qs

import azure.functions as func
import httpx

from benchmarks.office import IN_A_FILE, Office, office
from benchmarks.race import WorkNotDone
from benchmarks.report import machine, record
from functions import notifications as webhook
from functions.lifecycle import lifecycle
from functions.running import running
from functions.subscriptions import subscriptions
from functions.sweep import sweep
from holdfast.jobs.notifications import SETTLING
from holdfast.store.queues import SqliteQueue
from sandbox import Exchange, Mishap, Person
from sandbox.directory import Account
from tests.functions.host import FUNCTIONS, message, run, tick

LOAD = Path(__file__).with_name("load.md")
URL = "https://holdfast.example/api/notifications"
AT_ONCE = 4
"""Messages of a queue that an instance works on: batchSize + newBatchThreshold in host.json."""

_LEASE, _PAUSE = timedelta(minutes=10), 0.5
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Story:
    """What became of a burst: for each who touched something the seconds until it was put right, and what it took."""

    name: str
    seconds: Sequence[float]
    calls: int
    notifications: int

    def line(self) -> str:
        """As a line of the table."""
        worst = quantiles(self.seconds, n=100, method="inclusive")[98]
        times = f"{median(self.seconds):.1f} | {worst:.1f} | {max(self.seconds):.1f}"
        each = self.calls / len(self.seconds)
        return f"| {self.name} | {len(self.seconds)} | {times} | {self.calls:,} | {each:.1f} | {self.notifications:,} |"


def main() -> None:
    """Measure both and keep the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("people", nargs="?", type=int, default=1000, help="mailboxes (default 1000)")
    people = parser.parse_args().people
    with office(people, IN_A_FILE, more={"HOLDFAST_NOTIFICATION_URL": URL}) as firm:
        firm.sandbox.courier.reach_by(_host)
        _say("apply")
        firm.command("apply", "--yes")
        run(_subscribed(firm))
        touched = people // 5
        writes = Writes(firm)
        stories = [
            run(_told(firm, firm.tenant.employees[:touched], writes)),
            run(_found(firm, firm.tenant.employees[touched : 2 * touched], writes)),
        ]
        webhook._listening.clear()  # noqa: SLF001 - the loop that it belongs to ends with the sandbox
    settling = int(SETTLING.total_seconds())
    head = "| how it is found | touched | median, s | 99 %, s | last, s | Graph calls | each touched | notifications |"
    text = "\n".join(
        [
            machine(),
            "",
            f"{people:,} people. The {settling} seconds for which a hint waits are in the first line.",
            "",
            head,
            "| --- |" + " ---: |" * 7,
            *(story.line() for story in stories),
        ]
    )
    print(text)
    record(text, "latency", LOAD)


class Writes:
    """When each mailbox was last written to through Graph."""

    def __init__(self, firm: Office) -> None:
        self.last: dict[str, float] = {}
        firm.sandbox.observers.append(self)

    def __call__(self, exchange: Exchange) -> None:
        """See a call."""
        parts = exchange.path.split("/")
        if exchange.method in ("POST", "PATCH", "DELETE") and len(parts) > 2 and parts[1] == "users":  # noqa: PLR2004 - /users/ID
            self.last[parts[2]] = time.perf_counter()


async def _subscribed(firm: Office) -> None:
    """Everybody is listened to."""
    _say("subscriptions")
    while len(firm.tenant.notices.subscriptions) < len(firm.tenant.employees):
        await tick(subscriptions)


async def _told(firm: Office, people: Sequence[Account], writes: Writes) -> Story:
    """By notifications."""
    _say("told by notifications")

    async def nothing() -> None:
        return

    return await _put_right("notifications", firm, people, writes, nothing)


async def _found(firm: Office, people: Sequence[Account], writes: Writes) -> Story:
    """By a sweep, with every notification lost."""
    _say("found by a sweep")
    firm.tenant.notices.draw(rate=1.0, kinds=[Mishap.LOST])
    return await _put_right("a sweep, all notifications lost", firm, people, writes, lambda: tick(sweep))


async def _put_right(
    name: str, firm: Office, people: Sequence[Account], writes: Writes, find: Callable[[], Awaitable[None]]
) -> Story:
    before = {one.id: _dates(firm, one) for one in people}
    firm.tenant.counts.clear()
    writes.last.clear()
    began: dict[str, float] = {}
    for one in people:
        first = firm.coming(one)[0]
        Person(firm.tenant, one).move(first.id, first.start + timedelta(hours=9))
        began[one.id] = time.perf_counter()
    await find()
    await _worked_off(lambda: all(_dates(firm, one) == before[one.id] for one in people))
    for one in people:
        if _dates(firm, one) != before[one.id]:
            raise WorkNotDone(f"A calendar was not put right within {_PATIENCE:.0f} seconds.")
    seconds = [writes.last[one.id] - began[one.id] for one in people]
    return Story(name, seconds, firm.tenant.counts.calls.total(), firm.tenant.counts.notifications["sent"])


def _dates(firm: Office, account: Account) -> list[datetime]:
    return [entry.start for entry in firm.coming(account)]


async def _worked_off(is_right: Callable[[], bool]) -> None:
    """Work the queues off as time goes by, until all is right and nothing is on them any more."""
    ends = time.perf_counter() + _PATIENCE
    async with running() as now:
        queue = now.wired.memory.own_queue
        if queue is None:
            raise WorkNotDone("The queues are not in a file.")
        over = asyncio.Event()

        async def worker(name: str) -> None:
            while not over.is_set():
                found = await queue.take(name, lease=_LEASE)
                if found is None:
                    await asyncio.sleep(_PAUSE)
                    continue
                await FUNCTIONS[name](message(found.text, found.taken))
                await queue.done(found)

        async with asyncio.TaskGroup() as group:
            for name in FUNCTIONS:
                for _ in range(AT_ONCE):
                    group.create_task(worker(name))
            while time.perf_counter() < ends and not (is_right() and await _is_empty(queue)):
                await now.ports.clock.sleep(_PAUSE)
            over.set()


async def _is_empty(queue: SqliteQueue) -> bool:
    return not sum([await queue.length(name) for name in FUNCTIONS])


async def _host(request: httpx.Request) -> httpx.Response:
    """Azure's host: hands a request to the function of its address, its query decoded once."""
    at = cast("Any", {"/api/notifications": webhook.notifications, "/api/lifecycle": lifecycle}[request.url.path])
    params = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
    answer = await at(func.HttpRequest(request.method, str(request.url), params=params, body=request.content))
    kind = {"Content-Type": f"{answer.mimetype}; charset={answer.charset}"}
    return httpx.Response(answer.status_code, content=answer.get_body(), headers=kind)


def _say(part: str) -> None:
    print(part, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
