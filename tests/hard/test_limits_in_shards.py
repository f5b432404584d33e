"""A sweep in shards against a tenant that holds an application to every documented limit, on a virtual clock.

Four workers, as an instance has by host.json. Latency is what limits them, so the pace that is reached can be told
beforehand: four batches in flight, of each of which Graph works on four calls at a time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from graph_client.connect import Connection
from holdfast.cli.init import example
from holdfast.core.messages import Shard
from holdfast.core.settings import Language, Settings, parse
from holdfast.jobs import shards, sweep
from holdfast.jobs.apply import apply
from holdfast.jobs.ports import Ports, QueueName
from holdfast.jobs.survey import survey
from holdfast.store.queues import SqliteQueue
from holdfast.store.sqlite_file import open_rows
from sandbox import Limits, Person, Sandbox, Tenant, firm
from sandbox.directory import Account
from sandbox.transport import InProcess
from tests.hard import people
from tests.simulation.clock import ProductClock, TenantClock, VirtualLoop
from tests.simulation.process import Fate, process
from tests.tenants import series, untagged

pytestmark = pytest.mark.hard

BEGAN = datetime(2026, 11, 25, 8, tzinfo=UTC)
LATENCY, WORKERS, LANES = 0.2, 4, 4
PEOPLE = max(people.PEOPLE, 300)
"""With fewer all is done before limits are met."""

TOUCHED = PEOPLE // 50
FULL = WORKERS * LANES / LATENCY
"""Calls a second when four batches are always in flight and each is full."""


@dataclass
class Office:
    """A firm of which everybody has a block, and one process of Holdfast that sweeps it."""

    loop: VirtualLoop
    sandbox: Sandbox
    tenant: Tenant
    settings: Settings
    state: Path

    @classmethod
    def opened(cls, folder: Path) -> Office:
        loop, sandbox = VirtualLoop(BEGAN), Sandbox()
        tenant = sandbox.add(firm(people=PEOPLE, seed=8, clock=TenantClock(loop)))
        tenant.latency = LATENCY
        text = example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01").replace("mode: watch", "mode: keep")
        environment = {"HOLDFAST_TENANT_ID": tenant.id, "HOLDFAST_CLIENT_ID": tenant.client_id}
        settings = parse(text, name="settings.yaml", environment=environment)
        return cls(loop, sandbox, tenant, settings, folder / "holdfast.db")

    def run(self, work: Callable[[Ports, SqliteQueue], Any]) -> Any:
        connection = Connection.to(
            tenant_id=self.tenant.id, client_id=self.tenant.client_id, credential="secret", secret="not asked for"
        )

        async def live() -> Any:
            with open_rows(self.state, self.tenant.id) as rows:
                queue = SqliteQueue(rows, ProductClock(self.loop))
                async with process(
                    connection=connection,
                    loop=self.loop,
                    tenant=self.tenant,
                    state=self.state,
                    fate=Fate(None),
                    inner=InProcess(self.sandbox.app, clock=self.tenant.clock),
                    seed=1,
                ) as ports:
                    return await work(replace(ports, queue=queue), queue)

        return self.loop.run_until_complete(live())

    def apply(self) -> None:
        async def work(ports: Ports, _: SqliteQueue) -> None:
            await apply(await survey(self.settings, ports, pinned={}), self.settings, ports)

        self.run(work)

    def sweep(self, after_half: Callable[[], None] = lambda: None) -> Sweep:
        """One sweep from its tick to its end. ``after_half`` happens when half of the shards are worked off."""
        told = Sweep()

        async def work(ports: Ports, queue: SqliteQueue) -> None:
            begun = await sweep.begin(self.settings, ports, run_id="run")
            assert begun is not None
            half = sum(begun.shards.values()) // 2
            told.note(self)

            async def worker() -> None:
                chance = random.Random(told.messages)  # noqa: S311 - it spreads waits
                while True:
                    run = await ports.state.run("run")
                    assert run is not None
                    if run.ended is not None:
                        return
                    message = await queue.take(QueueName.RECONCILE, lease=timedelta(minutes=10))
                    if message is None:
                        await ports.clock.sleep(0.5)
                        continue
                    await shards.work_off(Shard.parse(message.text), self.settings, ports, chance=chance)
                    await queue.done(message)
                    told.messages += 1
                    if told.messages == half:
                        told.note(self)
                        after_half()

            await asyncio.gather(*(worker() for _ in range(WORKERS)))
            told.note(self)
            told.report = await ports.state.last_run() or {}

        self.run(work)
        return told

    def roster(self) -> int:
        """How many people are in the group, whatever they are."""
        return len({one.id for one in self.tenant.everyone.transitive_members() if isinstance(one, Account)})


class Sweep:
    """What was seen of a sweep: at its begin, at its half and at its end the time and how many calls had been made."""

    def __init__(self) -> None:
        self.messages = 0
        self.report: dict[str, Any] = {}
        self._seen: list[tuple[float, int]] = []

    def note(self, office: Office) -> None:
        self._seen.append((office.loop.time(), office.tenant.counts.calls.total()))

    @property
    def paces(self) -> list[float]:
        """Calls a second, in each half."""
        pairs = zip(self._seen, self._seen[1:], strict=False)
        return [(calls - earlier) / (at - before) for (before, earlier), (at, calls) in pairs]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.opened(tmp_path)
    asyncio.set_event_loop(office.loop)
    office.apply()
    for one in office.tenant.employees[:TOUCHED]:
        now = office.tenant.clock.now()
        [first, *_] = [
            entry
            for entry in office.tenant.calendar(one.id, now + timedelta(days=2), now + timedelta(days=60))
            if entry.tag
        ]
        Person(office.tenant, one).delete_series(first.id)
    office.tenant.counts.clear()
    yield office
    office.loop.close()
    asyncio.set_event_loop(None)


def all_is_well(office: Office, told: Sweep, theirs: object) -> None:
    tenant, report = office.tenant, told.report
    assert report["complete"], report
    assert report["audience"] == sum(report["states"].values()) == office.roster()
    assert report["states"]["held"] + report["states"]["changed"] == PEOPLE
    assert report["states"]["changed"] == TOUCHED
    assert all(series(one) == (one in tenant.employees) for one in tenant.accounts if one.mailbox)
    assert untagged(tenant) == theirs
    assert tenant.counts.early_retries == 0
    assert tenant.counts.mails == 0


def test_at_full_speed_no_limit_is_met_and_the_pace_is_what_latency_allows(office: Office) -> None:
    theirs = untagged(office.tenant)
    told = office.sweep()
    all_is_well(office, told, theirs)
    assert office.tenant.counts.throttled.total() == 0
    assert max(office.tenant.counts.most_in_flight.values()) == 1
    assert told.paces[0] > FULL / 2, told.paces


def test_limits_that_are_halved_without_notice_are_found_and_kept_and_nobody_is_lost(office: Office) -> None:
    tenant, theirs = office.tenant, untagged(office.tenant)
    tenant.limits = Limits(concurrent_per_application=WORKERS * LANES)

    def halved() -> None:
        before = tenant.limits
        tenant.limits = replace(
            before,
            concurrent_per_application=WORKERS * LANES // 2,
            concurrent_per_mailbox=before.concurrent_per_mailbox // 2,
            calls_per_mailbox=before.calls_per_mailbox // 2,
            units_per_tenant=4_000,
        )

    told = office.sweep(halved)
    all_is_well(office, told, theirs)
    throttled = tenant.counts.throttled
    assert set(throttled) == {"ApplicationConcurrency"}
    assert throttled.total() < 100  # while it is found out, and each time it is tried again
    assert FULL / 8 < told.paces[1] < FULL / 2 + 1, told.paces
