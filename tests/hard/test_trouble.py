"""A thousand people while the service is in trouble, on a virtual clock: who is reached, how soon, and at what pace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graph_client.connect import Connection
from graph_client.throttle import Patience
from holdfast.cli.init import example
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import Language, Settings, parse
from holdfast.jobs.apply import apply
from holdfast.jobs.ports import Ports
from holdfast.jobs.survey import survey
from sandbox import Sandbox, Tenant, firm
from sandbox.faults import Fault, Plight
from sandbox.transport import InProcess
from tests.simulation import weather
from tests.simulation.clock import TenantClock, VirtualLoop
from tests.simulation.process import Fate, process
from tests.tenants import series, untagged

pytestmark = pytest.mark.hard

PEOPLE = 1000
BEGAN = datetime(2026, 11, 25, 8, tzinfo=UTC)


class World:
    """A firm, its settings, and commands run as processes of their own, with nothing but the state file in mind."""

    def __init__(self, folder: Path) -> None:
        self.loop = VirtualLoop(BEGAN)
        self.sandbox = Sandbox()
        self.tenant: Tenant = self.sandbox.add(firm(people=PEOPLE, seed=3, clock=TenantClock(self.loop)))
        self.tenant.latency = 0.2
        self.settings: Settings = parse(
            example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01"),
            name="settings.yaml",
            environment={"HOLDFAST_TENANT_ID": self.tenant.id, "HOLDFAST_CLIENT_ID": self.tenant.client_id},
        )
        self.connection = Connection.to(
            tenant_id=self.tenant.id, client_id=self.tenant.client_id, credential="secret", secret="not asked for"
        )
        self._state = folder / "holdfast.db"
        self._runs = 0

    def apply(self) -> Report:
        async def work(ports: Ports) -> Report:
            approval = await ports.state.approval()
            seen = await survey(self.settings, ports, pinned=approval.groups if approval else {})
            return await apply(seen, self.settings, ports)

        return self.run(work)

    def run(self, work: Callable[[Ports], Awaitable[Report]]) -> Report:
        async def live() -> Report:
            async with process(
                connection=self.connection,
                loop=self.loop,
                tenant=self.tenant,
                state=self._state,
                fate=Fate(None),
                inner=InProcess(self.sandbox.app, clock=self.tenant.clock),
                seed=self._runs,
            ) as ports:
                return await work(ports)

        self._runs += 1
        return self.loop.run_until_complete(live())

    def one_each(self) -> bool:
        return all(series(one) == (one in self.tenant.employees) for one in self.tenant.accounts if one.mailbox)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    asyncio.set_event_loop(world.loop)
    yield world
    world.loop.close()
    asyncio.set_event_loop(None)


def in_state(report: Report, *states: MailboxState) -> int:
    return sum(report.counts()[state] for state in states)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_call_meets_a_fault_one_time_in_twenty(world: World, seed: int) -> None:
    tenant = world.tenant
    theirs = untagged(tenant)
    tenant.faults.draw(rate=0.05, seed=seed)
    first = world.apply()
    reached = in_state(first, MailboxState.CHANGED, MailboxState.EXCUSED)
    assert reached >= 0.99 * len(first.audience), first.counts()
    second = world.apply()
    assert second.complete, second.counts()
    assert in_state(second, MailboxState.HELD, MailboxState.CHANGED, MailboxState.EXCUSED) == len(second.audience)
    tenant.faults.quiet()
    writes = tenant.counts.writes
    assert world.apply().complete
    assert tenant.counts.writes == writes
    assert world.one_each()
    assert untagged(tenant) == theirs
    assert tenant.counts.early_retries <= weather.lost(tenant)  # what Graph said in a lost answer nobody can heed
    assert max(tenant.counts.most_in_flight.values()) <= 4
    assert tenant.counts.mails == 0
    assert len({fault for fault, _ in tenant.faults.met}) > 20


def test_four_mailboxes_in_trouble_are_told_with_their_cures_and_stop_nobody(world: World, tmp_path: Path) -> None:
    (tmp_path / "calm").mkdir()
    calm = World(tmp_path / "calm")
    asyncio.set_event_loop(calm.loop)
    calm.apply()
    without = calm.loop.time()
    calm.loop.close()
    asyncio.set_event_loop(world.loop)

    tenant = world.tenant
    closed, missing, silent, busy = tenant.employees[10:14]
    for one in (closed, missing, silent, busy):
        assert one.mailbox
    closed.mailbox.denied = True
    missing.mailbox.appears_at = BEGAN + timedelta(days=9)
    silent.mailbox.plight = Plight(Fault.ERROR_504_BEFORE)
    busy.mailbox.plight = Plight(Fault.THROTTLED_SECONDS)

    written: list[float] = []

    async def work(ports: Ports) -> Report:
        def progress(doing: str, done: int, total: int) -> None:
            if doing == "Writing calendars" and done == total:
                written.append(world.loop.time())

        seen = await survey(world.settings, ports, pinned={}, progress=progress)
        return await apply(seen, world.settings, ports, progress=progress)

    report = world.run(work)
    assert in_state(report, MailboxState.CHANGED) == PEOPLE - 4
    problems = {account.address: account for account in report.problems}
    assert set(problems) == {one.address for one in (closed, missing, silent, busy)}
    for one, state, cure in (
        (closed, MailboxState.UNREAD, "Grant"),
        (missing, MailboxState.WAITING, "Assign an Exchange Online licence"),
        (silent, MailboxState.UNREAD, "run the command again"),
        (busy, MailboxState.UNREAD, "looked at again in the next run"),
    ):
        account = problems[one.address]
        assert account.state is state
        assert account.problem
        assert cure in account.problem.cure
        assert series(one) == 0
    assert not report.complete
    # The guard is judged on everybody before anything is written: the stuck cost the others what patience lasts.
    assert written[-1] <= without + Patience().seconds
    assert tenant.counts.early_retries == 0


def test_a_limit_over_all_mailboxes_is_found_and_kept(world: World) -> None:
    """An older text of Microsoft's allows an application four calls at a time, over all mailboxes."""
    tenant = world.tenant
    tenant.limits = replace(tenant.limits, concurrent_per_application=9)
    report = world.apply()
    assert report.complete, report.counts()
    assert in_state(report, MailboxState.CHANGED) == PEOPLE
    throttled = tenant.counts.throttled.total()
    assert 0 < throttled < PEOPLE / 10
    assert tenant.counts.early_retries == 0
    assert world.one_each()
