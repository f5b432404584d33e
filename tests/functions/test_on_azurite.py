"""The functions as Azure runs them, on the queues and tables of a storage account: everybody is accounted for once.

Two hundred people, one sweep, and a process that is killed after every fifth message. What became of people is told by
the tenant's own roster and calendars.
"""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from typer.testing import CliRunner

from functions.purge import purge
from functions.running import running
from functions.subscriptions import subscriptions
from functions.sweep import sweep
from holdfast.cli.app import app
from holdfast.cli.init import example
from holdfast.core.messages import Hint
from holdfast.core.settings import Language
from holdfast.jobs import looking, shards
from holdfast.jobs.ports import QueueName
from sandbox import Person, Tenant
from sandbox.directory import Account
from tests.azurite import Azurite
from tests.functions.azure_host import AzureHost, azure_host
from tests.functions.host import FUNCTIONS, run, tick
from tests.tenants import Served, series, untagged

PEOPLE, JOINERS, LEAVERS = 200, 12, 6
_SEEDS = itertools.count(4000)


@dataclass
class Firm:
    """A tenant, and what happens in it between an apply and the sweep."""

    tenant: Tenant

    @property
    def joiners(self) -> list[Account]:
        return self.tenant.employees[:JOINERS]

    @property
    def leavers(self) -> list[Account]:
        return self.tenant.employees[JOINERS : JOINERS + LEAVERS]

    @property
    def members(self) -> list[Account]:
        return [one for one in self.tenant.employees if one not in self.leavers]

    def drift(self) -> None:
        """Some come and some go; of the others some delete their series, some a date, and some move one."""
        tenant, group = self.tenant, self.tenant.everyone
        group.members += self.joiners
        for one in self.leavers:
            Person(tenant, one).leave(group)
        stayers = [one for one in self.members if one not in self.joiners]
        for number, one in enumerate(stayers[:60]):
            person, (first, *_) = Person(tenant, one), coming(tenant, one)
            match number % 3:
                case 0:
                    person.delete_series(first.id)
                case 1:
                    person.delete(first.id)
                case _:
                    person.move(first.id, first.start + timedelta(hours=9))


def coming(tenant: Tenant, account: Account) -> list[Any]:
    """The dates of blocks in somebody's calendar that are not close at hand."""
    now = tenant.clock.now()
    view = tenant.calendar(account.id, now + timedelta(days=2), now + timedelta(days=90))
    return [entry for entry in view if entry.tag]


@pytest.fixture
def azure(azurite: Azurite, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Tenant]:
    """Brings a tenant up whose settings, in mode keep, are where the app looks for them, and its state in tables."""

    def made(people: int) -> Tenant:
        tenant = served.firm(people, seed=next(_SEEDS))  # tables know a tenant by its id, which the seed makes
        text = example(Language.SV).replace("mode: watch", "mode: keep").replace("2026-12-01", "2026-01-01")
        (tmp_path / "settings.yaml").write_text(text, encoding="utf-8")
        environment = {
            **served.environment(tenant),
            "HOLDFAST_SETTINGS": str(tmp_path / "settings.yaml"),
            "HOLDFAST_STATE": azurite.tables,
            "HOLDFAST_QUEUES": azurite.queues,
            "HOLDFAST_STORAGE_KEY": azurite.key,
            "HOLDFAST_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return tenant

    return made


def applied() -> None:
    outcome = CliRunner().invoke(app, ["apply", "--yes"])
    assert outcome.exit_code == 0, outcome.output


async def swept(host: AzureHost) -> Mapping[str, Any]:
    """A tick of the timer and all that comes of it; what is told of the run, which has ended."""
    await tick(sweep)
    await host.work_off()
    async with running() as now:
        latest = await now.ports.state.latest_run("sweep")
        assert latest is not None
        assert latest.ended is not None
        return dict(await now.ports.state.last_run() or {})


def accounted(tenant: Tenant) -> int:
    """How many people the group has, through nested groups, whatever they are."""
    return len({one.id for one in tenant.everyone.transitive_members() if isinstance(one, Account)})


def test_killed_after_every_fifth_message_a_sweep_accounts_for_everybody_once(
    azure: Callable[[int], Tenant], azurite: Azurite
) -> None:
    tenant = azure(PEOPLE)
    firm = Firm(tenant)
    for one in firm.joiners:
        Person(tenant, one).leave(tenant.everyone)
    applied()
    assert Counter(map(series, tenant.employees)) == {1: PEOPLE - JOINERS, 0: JOINERS}
    firm.drift()
    theirs = untagged(tenant)
    tenant.counts.clear()

    async def whole() -> tuple[Mapping[str, Any], AzureHost]:
        async with azure_host(azurite.account, killed=lambda ended: ended % 5 == 0) as host:
            return await swept(host), host

    report, host = run(whole())
    assert host.kills >= 2
    assert not host.poisoned
    assert report["complete"], report
    assert report["audience"] == sum(report["states"].values()) == accounted(tenant)
    assert report["states"]["held"] + report["states"]["changed"] == len(firm.members)
    assert report["states"]["changed"] >= JOINERS
    for one in firm.members:
        starts = Counter(entry.start.date() for entry in coming(tenant, one))
        assert series(one) == 1
        assert set(starts.values()) == {1}
    assert not [one for one in firm.leavers if coming(tenant, one)]
    assert not [one for one in tenant.accounts if one not in tenant.employees and one.mailbox and series(one)]
    assert untagged(tenant) == theirs
    assert tenant.counts.mails == 0
    assert tenant.counts.throttled.total() == 0


def test_what_always_fails_ends_as_poison_and_is_accounted_for(
    azure: Callable[[int], Tenant], azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = azure(45)
    applied()
    defective = tenant.employees[7]
    look = looking.look_at_mailbox

    async def looked(errand: Any, *given: Any, **more: Any) -> Any:
        if errand.mailbox == defective.id:
            raise ZeroDivisionError
        return await look(errand, *given, **more)

    monkeypatch.setattr(shards, "look_at_mailbox", looked)

    async def whole() -> tuple[Mapping[str, Any], AzureHost]:
        async with azure_host(azurite.account) as host:
            return await swept(host), host

    report, host = run(whole())
    assert host.poisoned == {"reconcile": 1}
    assert host.ended["reconcile-poison"] == 1
    assert not report["complete"]
    assert report["audience"] == sum(report["states"].values()) == accounted(tenant)
    assert defective.address in {problem["mailbox"] for problem in report["problems"]}
    assert report["states"]["failed"] == len(report["problems"]) < accounted(tenant)
    assert all(series(one) == 1 for one in tenant.employees)


def test_what_is_told_of_a_mailbox_is_waited_with_and_then_put_right(
    azure: Callable[[int], Tenant], azurite: Azurite
) -> None:
    tenant = azure(12)
    applied()
    one = tenant.employees[3]
    Person(tenant, one).delete_series(coming(tenant, one)[0].id)

    async def whole() -> tuple[AzureHost, int]:
        async with azure_host(azurite.account) as host, running() as now:
            hint = Hint(one.id, now.ports.clock.now())
            await now.ports.queue.put(QueueName.REPAIR, [hint.text()], delay=timedelta(seconds=10))
            waiting = len(host.later)
            await host.work_off()
            return host, waiting

    host, waiting = run(whole())
    assert (waiting, host.ended, host.poisoned) == (1, {"repair": 1}, {})
    assert series(one) == 1
    assert coming(tenant, one)


def test_what_is_put_as_plain_text_never_gets_to_a_function(azurite: Azurite, azure: Callable[[int], Tenant]) -> None:
    """host.json says base64, and what the product puts is that; a message of another make would be poison at once."""
    tenant = azure(12)
    given = tenant.employees[0].id

    async def whole() -> tuple[list[str], AzureHost]:
        got: list[str] = []

        async def take(message: Any) -> None:
            got.append(Hint.parse(message.get_body()).mailbox)

        async with azure_host(azurite.account, functions={**FUNCTIONS, "repair": take}) as host, running() as now:
            text = Hint(given, now.ports.clock.now()).text()
            await now.ports.queue.put(QueueName.REPAIR, [text])
            plain = host.clients["repair"]
            await plain.send_message(text)
            await host.work_off()
        return got, host

    got, host = run(whole())
    assert got == [given]
    assert host.poisoned == {"repair": 1, "repair-poison": 1}


def test_timers_forget_and_keep_graph_telling_by_what_is_in_tables(
    azure: Callable[[int], Tenant], azurite: Azurite, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = azure(12)
    applied()
    monkeypatch.setenv("HOLDFAST_NOTIFICATION_URL", "https://holdfast.example/api/notifications")
    before = served.sandbox.courier.transport
    served.sandbox.courier.reach_by(echo)
    try:

        async def ticked() -> int:
            async with azure_host(azurite.account):
                await tick(subscriptions)
                await tick(purge)
                async with running() as now:
                    return len(await now.ports.state.subscriptions())

        assert run(ticked()) == len(tenant.notices.subscriptions) == 12
        assert run(ticked()) == 12
        assert tenant.counts.subscriptions["made"] == 12
    finally:
        served.sandbox.courier.transport = before


async def echo(request: httpx.Request) -> httpx.Response:
    """A webhook that proves that it is there."""
    return httpx.Response(200, text=parse_qs(request.url.query.decode())["validationToken"][0])
