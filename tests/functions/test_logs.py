"""A month of everything that can come to the functions' doors: what the log tells of it, and that it names nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import azure.functions as func
import httpx
import pytest
from typer.testing import CliRunner

from functions import notifications as door
from functions.health import health
from functions.logs import set_up_logging
from functions.notifications import notifications
from functions.poison import poison_repair
from functions.purge import purge
from functions.running import running
from functions.subscriptions import subscriptions
from functions.summaries import summaries
from functions.sweep import sweep
from holdfast import wiring
from holdfast.cli.app import app
from holdfast.core.errors import GraphError
from holdfast.core.messages import Hint
from holdfast.core.notices import client_state
from holdfast.jobs.ports import QueueName
from holdfast.jobs.shards import PATIENCE
from sandbox import Clock, Tenant, firm
from sandbox.directory import Account
from sandbox.faults import Fault
from sandbox.person import Person
from tests.cli.test_login import Time
from tests.functions.host import FUNCTIONS, message, queues_are_worked_off, run, tick
from tests.tenants import Served

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
URL = "https://holdfast.fjallvik.example/api/notifications"
SUBJECT = "Lönesamtal om uppsägning"
ARGUED = frozenset({Fault.THROTTLED_SECONDS, Fault.ERROR_500_BEFORE, Fault.ERROR_503_BEFORE})
SETTINGS = """\
version: 1
mode: keep
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm}}
tenant:
  login: {{client_id: {client_id}, account: {account}}}
audiences:
  alla: {{group: Alla medarbetare}}
goals:
  - {{id: ai, title: AI i vardagen, resources: [{{title: Prompting, url: "https://kurser.example/p", minutes: 45}}]}}
blocks:
  - {{id: lartimmen, title: Lärtimmen, audiences: [alla], every: week, day: thursday, at: "09:00", minutes: 60,
     from: 2026-11-25, goals: [ai], overlap: decline, decline_for: Alla medarbetare}}
channels:
  - {{id: utveckling, team: Team Utveckling, channel: Lärande, audiences: [alla],
     post: {{every: week, day: friday, at: "14:00"}}}}
"""


class Fast(Time):
    """The tenant's time, in which waits for Graph are over at once, and the patience with a shard never is."""

    async def sleep(self, seconds: float) -> None:
        if seconds >= PATIENCE.total_seconds():
            await asyncio.Event().wait()
        await super().sleep(max(seconds, 0.001))  # a clock that counts microseconds would stand still for less


@dataclass
class Month:
    """What happens in a firm, and what is called because of it."""

    tenant: Tenant
    served: Served
    keys: tuple[bytes, ...] = ()

    @property
    def people(self) -> list[Account]:
        return list(self.tenant.employees)

    def coming(self, one: Account) -> list[Any]:
        now = self.tenant.clock.now()
        view = self.tenant.calendar(one.id, now + timedelta(days=2), now + timedelta(days=60))
        return [entry for entry in view if entry.tag]

    def drift(self) -> None:
        """Everybody touches their block, each in another way, and somebody is invited on top of it."""
        for number, one in enumerate(self.people):
            person, dates = Person(self.tenant, one), self.coming(one)
            if not dates:
                continue
            match number % 5:
                case 0:
                    person.delete_series(dates[0].id)
                case 1:
                    person.delete(dates[0].id)
                case 2:
                    person.move(dates[0].id, dates[0].start + timedelta(hours=9))
                case 3:
                    person.be_away(dates[0].start.date())
                case _:
                    person.book(SUBJECT, dates[0].start, dates[0].end)

    async def told(self, body: bytes | Mapping[str, Any], **params: str) -> int:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await cast("Any", notifications)(func.HttpRequest("POST", URL, params=params, body=content))
        return int(answer.status_code)

    def item(self, one: Account, **more: str) -> dict[str, str]:
        tenant = str(self.tenant.id)
        state = client_state(one.id, tenant=tenant, key=self.keys[0])
        resource = f"Users/{one.id}/Events/AAMk1"
        item = {"subscriptionId": "sub-1", "changeType": "updated", "resource": resource, "clientState": state}
        return {**item, "tenantId": tenant, **more}

    async def abuse(self) -> None:
        """What Graph tells, and what anybody may send to an open address."""
        some, other = self.people[:2]
        assert await self.told({"value": [self.item(one) for one in self.people]}) == 202
        assert await self.told({"value": [self.item(some, clientState=f"{some.id}.forged")]}) == 202
        assert await self.told({"value": [self.item(some, resource=f"Users/{other.id}/Events/A")]}) == 202
        assert await self.told({"value": [self.item(some, tenantId=other.id)]}) == 202
        assert await self.told(f'{{"{some.address}": '.encode()) == 400
        assert await self.told(b"", validationToken=f"hello {some.address}") == 200

    async def poison(self, text: str) -> None:
        """Messages that failed five times over, and messages that are nobody's."""
        for queue, content in (("reconcile-poison", text), ("reconcile-poison", f'{{"{self.people[0].address}": 1}}')):
            await FUNCTIONS[queue](message(content, taken=5))
        await cast("Any", poison_repair)(message(Hint(self.people[0].id, MONDAY).text(), taken=5))

    async def week(self, number: int) -> None:
        self.tenant.faults.draw(rate=0.2 if number % 2 else 0.0, kinds=ARGUED, seed=number)
        self.drift()
        await cast("Any", tick(subscriptions))
        await self.abuse()
        await queues_are_worked_off()
        for _ in range(4):
            self.tenant.clock.advance(timedelta(hours=1))
            await tick(sweep)
            if number == 2:
                await self.a_shard_is_poison()
            await queues_are_worked_off()
        self.tenant.clock.set(
            self.tenant.clock.now().replace(hour=13) + timedelta(days=7 - self.tenant.clock.now().weekday() + 4)
        )
        await cast("Any", tick(summaries))
        await cast("Any", tick(purge))
        await cast("Any", health)(func.HttpRequest("GET", "/api/health", body=b""))
        self.tenant.faults.draw(rate=0.0)

    async def a_shard_is_poison(self) -> None:
        async with running() as now:
            queue = now.wired.memory.own_queue
            assert queue is not None
            taken = await queue.take(QueueName.RECONCILE.value, lease=timedelta(minutes=1))
            if taken is not None:
                await queue.done(taken)
                await self.poison(taken.text)


@pytest.fixture
def month(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Month:
    tenant = served.sandbox.add(firm(people=6, seed=3, clock=Clock(at=MONDAY), calendars=False))
    clock = Fast(tenant)
    monkeypatch.setattr(wiring, "SystemClock", lambda: clock)
    monkeypatch.setattr("holdfast.jobs.notifications.SETTLING", timedelta(0))
    monkeypatch.setenv("HOLDFAST_SETTINGS", str(tmp_path / "settings.yaml"))
    monkeypatch.delenv("HOLDFAST_STATE", raising=False)
    for name, value in served.environment(tenant).items():
        monkeypatch.setenv(name, value)
    given = {"client_id": tenant.login.client_id, "account": tenant.service_account.address}
    (tmp_path / "settings.yaml").write_text(SETTINGS.format(**given), encoding="utf-8")
    for words in (["apply", "--yes"], ["login"]):
        typed = CliRunner().invoke(app, words)
        assert typed.exit_code == 0, typed.output
    monkeypatch.setenv("HOLDFAST_NOTIFICATION_URL", URL)
    return Month(tenant, served)


async def handshakes_alone(request: httpx.Request) -> httpx.Response:
    """Answers Graph's question whether we are there; what it tells is told by hand."""
    return httpx.Response(200, text=request.url.params.get("validationToken", ""))


def secrets_of(month: Month, folder: Path) -> set[str]:
    """Whatever of people and keys must not stand in a log, in any spelling that is likely."""
    accounts = [one for one in month.tenant.accounts if one.address]
    own = {text for one in accounts for text in (one.address, one.id, one.display_name) if text}
    kept = {(folder / "holdfast.key").read_text(encoding="ascii").strip(), month.tenant.secret, SUBJECT}
    states = {client_state(one.id, tenant=str(month.tenant.id), key=month.keys[0]) for one in month.people}
    return {text.casefold() for text in own | kept | states}


def test_a_month_is_told_without_naming_anybody(
    month: Month, served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = served.sandbox.courier.transport
    served.sandbox.courier.reach_by(handshakes_alone)
    caplog.set_level(logging.INFO)
    raised: list[str] = []

    async def lived() -> None:
        month.keys = (await door.listening().ear()).keys
        try:
            for number in range(4):
                await month.week(number)
            month.tenant.clock.advance(timedelta(hours=2))
            month.tenant.applications[0].roles.discard("GroupMember.Read.All")
            with suppress(GraphError):
                try:
                    await tick(sweep)
                except GraphError:
                    raised.append(traceback.format_exc())  # as the host tells what a function raised
                    raise
        finally:
            await door._listening.pop().aclose()

    try:
        run(lived())
    finally:
        served.sandbox.courier.transport = before
    texts = [*(logging.Formatter("%(name)s %(message)s").format(one) for one in caplog.records), *raised]
    forbidden = secrets_of(month, tmp_path)
    assert len(forbidden) > 20
    leaks = sorted({f"{text}: {line[:400]}" for line in texts for text in forbidden if text in line.casefold()})
    assert not leaks, "\n".join(leaks)
    assert not re.search(r"eyJ|Bearer|@fj", " ".join(texts))
    lines = [json.loads(one.getMessage()) for one in caplog.records if one.name.startswith("holdfast.")]
    assert {one.name for one in caplog.records if not one.name.startswith("holdfast.")} <= {"asyncio"}
    assert {line["event"] for line in lines} >= {
        "A sweep has begun.",
        "A shard was worked off.",
        "A shard could not be worked off.",
        "A message on the queue reconcile was nobody's; it was dropped.",
        "A run has ended.",
        "A hint was followed.",
        "A hint could not be followed; the next sweep looks at everybody.",
        "Subscriptions were seen to.",
        "A summary was due.",
        "Of what came as notifications some was dropped.",
        "What is old was forgotten.",
        "graph.retry",
    }
    assert raised
    begun = {line["run"] for line in lines if line["event"] == "A sweep has begun."}
    of_shards = [line for line in lines if line["event"] == "A shard was worked off."]
    assert {line["run"] for line in of_shards} <= begun
    assert all(line["seconds"] >= 0 and line["graph_calls"] >= 0 and line["stage"] for line in of_shards)
    assert sum(line["graph_calls"] for line in of_shards) > 0
    ended = [line for line in lines if line["event"] == "A run has ended."]
    assert {line["run"] for line in ended} <= begun
    assert all(
        line["mailboxes"]
        == line["held"]
        + line["changed"]
        + line["excused"]
        + line["waiting"]
        + line["unread"]
        + line["unconfirmed"]
        + line["failed"]
        for line in ended
    )
    assert [line for line in lines if line["event"] == "graph.retry" and line.get("run") in begun], (
        "a call tells its run"
    )
    hinted = {line["mailbox"] for line in lines if line["event"] == "A hint was followed."}
    assert 1 < len(hinted) <= len(month.people)
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in hinted)


def test_a_line_is_json_with_its_text_first_and_what_libraries_chat_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    import structlog  # noqa: PLC0415 - set up here

    caplog.set_level(logging.INFO)
    set_up_logging()
    with structlog.contextvars.bound_contextvars(run="r1"):
        structlog.get_logger("holdfast.test").info("Något hände.", mailboxes=3)
        structlog.get_logger("holdfast.test").debug("Not told.")
    logging.getLogger("httpx").info(
        'HTTP Request: GET https://graph.microsoft.com/v1.0/users/anna@fjallvik.example "200"'
    )
    logging.getLogger("azure.core.pipeline.policies.http_logging_policy").info("Request URL: hush")
    (line,) = [one.getMessage() for one in caplog.records]
    assert line.startswith('{"event": "Något hände.", ')
    assert json.loads(line) == {"event": "Något hände.", "run": "r1", "mailboxes": 3}
