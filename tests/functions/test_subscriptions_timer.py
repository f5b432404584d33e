"""The timer that keeps Graph telling of changes, on a pretend tenant that tries our address: it names nobody."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs

import azure.functions as func
import httpx
import pytest
from typer.testing import CliRunner

from functions.lifecycle import lifecycle
from functions.notifications import notifications
from functions.running import stop
from functions.subscriptions import subscriptions
from holdfast.cli.app import app
from holdfast.cli.init import example
from holdfast.core.settings import Language
from sandbox import Tenant
from tests.tenants import Served

URL = "https://holdfast.example/api/notifications"


async def host(request: httpx.Request) -> httpx.Response:
    """Azure's host: hands a request to the function of its address, its query decoded once."""
    at = cast("Any", {"/api/notifications": notifications, "/api/lifecycle": lifecycle}[request.url.path])
    params = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
    made = func.HttpRequest(request.method, str(request.url), params=params, body=request.content)
    answer = await at(made)
    kind = {"Content-Type": f"{answer.mimetype}; charset={answer.charset}"}
    return httpx.Response(answer.status_code, content=answer.get_body(), headers=kind)


@pytest.fixture
def tenant(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    """A tenant whose people have blocks, with an address at which the functions answer."""
    tenant = served.firm(4)
    text = example(Language.SV).replace("mode: watch", "mode: keep").replace("2026-12-01", "2026-01-01")
    (tmp_path / "settings.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("HOLDFAST_SETTINGS", str(tmp_path / "settings.yaml"))
    monkeypatch.delenv("HOLDFAST_STATE", raising=False)
    for name, value in served.environment(tenant).items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(app, ["apply", "--yes"]).exit_code == 0
    monkeypatch.setenv("HOLDFAST_NOTIFICATION_URL", URL)
    before = served.sandbox.courier.transport
    served.sandbox.courier.reach_by(host)
    yield tenant
    served.sandbox.courier.transport = before


def tick() -> None:
    async def ticking() -> None:
        await cast("Any", subscriptions(cast("func.TimerRequest", SimpleNamespace(past_due=False))))
        await stop()

    asyncio.run(ticking())


COUNTS = {"made", "renewed", "replaced", "ended", "failed", "left", "times"}


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, dict[str, int]]]:
    """Level, text and counts of our lines."""
    ours = [one for one in caplog.records if one.name == "holdfast.subscriptions"]
    lines = [(one.levelname, json.loads(one.getMessage())) for one in ours]
    caplog.clear()
    return [(level, line["event"], {name: line[name] for name in COUNTS & set(line)}) for level, line in lines]


def test_everybody_with_blocks_is_subscribed_to_until_the_address_is_taken_out(
    tenant: Tenant, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.INFO, "holdfast"):
        tick()
        assert not [one for one in tenant.accounts if one.address in caplog.text or one.id in caplog.text]
        assert told(caplog) == [("INFO", "Subscriptions were seen to.", {"made": 4})]
        assert len(tenant.notices.subscriptions) == 4
        tick()
        assert told(caplog) == []
        monkeypatch.delenv("HOLDFAST_NOTIFICATION_URL")
        tick()
        assert told(caplog) == [("INFO", "Subscriptions were seen to.", {"ended": 4})]
    assert len(tenant.notices.subscriptions) == 0


def test_an_address_that_does_not_answer_is_an_error_told_once(
    tenant: Tenant, caplog: pytest.LogCaptureFixture, served: Served
) -> None:
    async def silent(_: httpx.Request) -> httpx.Response:
        return httpx.Response(404)

    served.sandbox.courier.reach_by(silent)
    with caplog.at_level(logging.INFO, "holdfast"):
        tick()
    assert URL in caplog.text
    assert told(caplog) == [
        ("ERROR", "Subscriptions were seen to.", {"failed": 4}),
        ("ERROR", "Some subscriptions failed.", {"times": 4}),
    ]
    assert len(tenant.notices.subscriptions) == 0
