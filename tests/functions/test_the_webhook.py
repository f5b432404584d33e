"""The webhook as Graph and as anybody may call it: the right status, and on the queue what Graph told and no more."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from functions import notifications as door
from functions.lifecycle import lifecycle
from functions.notifications import notifications
from holdfast import wiring
from holdfast.cli.init import example
from holdfast.core.messages import Care, Hint
from holdfast.core.notices import client_state
from holdfast.core.settings import Language
from holdfast.jobs.ports import QueueName
from holdfast.store.errors import StateUnusable

TENANT = "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"
ANNA = "5c1e0000-0000-4000-8000-00000000000a"
TOKEN = "Validation: Testing client application reachability for subscription Request-Id: 7f10 +%2B"
A_MINUTE = timedelta(minutes=1)


class Webhook:
    """Both addresses, and the queue behind them."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    async def post(
        self, body: bytes | dict[str, Any] = b"", *, at: Any = notifications, **params: str
    ) -> func.HttpResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return await at(func.HttpRequest("POST", "/api/notifications", headers=headers, params=params, body=content))

    async def queued(self) -> list[Hint]:
        ear = await door.listening().ear()
        found = []
        while (message := await ear.queue.take(QueueName.REPAIR, lease=A_MINUTE)) is not None:  # type: ignore[attr-defined]
            found.append(Hint.parse(message.text))
        return found

    async def item(self, **more: Any) -> dict[str, Any]:
        ear = await door.listening().ear()
        item = {
            "subscriptionId": "sub-1",
            "changeType": "updated",
            "resource": f"Users/{ANNA}/Events/AAMk1",
            "clientState": client_state(ANNA, tenant=TENANT, key=ear.keys[0]),
            "tenantId": TENANT,
            **more,
        }
        return {name: value for name, value in item.items() if value is not None}

    @property
    def logged(self) -> list[str]:
        return [one.getMessage() for one in self._caplog.records if one.name.startswith("holdfast")]


@pytest.fixture
async def webhook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Webhook]:
    monkeypatch.setenv("HOLDFAST_SETTINGS", str(tmp_path / "settings.yaml"))
    monkeypatch.delenv("HOLDFAST_STATE", raising=False)
    (tmp_path / "settings.yaml").write_text(example(Language.EN), encoding="utf-8")
    monkeypatch.setattr("holdfast.jobs.notifications.SETTLING", timedelta(0))
    caplog.set_level(logging.DEBUG)
    yield Webhook(caplog)
    if door._listening:
        await door._listening.pop().aclose()


class TestHandshake:
    @pytest.mark.parametrize("address", [notifications, lifecycle])
    async def test_the_token_is_repeated_as_text_and_nothing_is_opened(self, webhook: Webhook, address: Any) -> None:
        answer = await webhook.post(at=address, validationToken=TOKEN)
        assert (answer.status_code, answer.get_body()) == (200, TOKEN.encode())
        assert (answer.mimetype, answer.charset) == ("text/plain", "utf-8")
        assert door._listening == []

    async def test_what_would_be_a_page_stays_text(self, webhook: Webhook) -> None:
        html = "<html><script>alert('å')</script>"
        answer = await webhook.post(validationToken=html)
        assert answer.get_body().decode() == html
        assert answer.mimetype == "text/plain"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize("token", ["", "x" * 2049, "a\r\nSet-Cookie: b", "\x00", "\ud800"])
    async def test_what_is_no_token_is_refused(self, webhook: Webhook, token: str) -> None:
        answer = await webhook.post(validationToken=token)
        assert (answer.status_code, answer.get_body()) == (400, b"")

    async def test_repeating_one_with_something_told_beside_it_queues_nothing(self, webhook: Webhook) -> None:
        body = {"value": [await webhook.item()]}
        for _ in range(3):
            assert (await webhook.post(body, validationToken=TOKEN)).status_code == 200
        assert await webhook.queued() == []
        assert webhook.logged == []


class TestTelling:
    async def test_a_change_is_on_the_queue_when_it_is_answered(self, webhook: Webhook) -> None:
        answer = await webhook.post({"value": [await webhook.item()]})
        assert (answer.status_code, answer.get_body()) == (202, b"")
        (hint,) = await webhook.queued()
        assert (hint.mailbox, [one.event_id for one in hint.heard]) == (ANNA, ["AAMk1"])
        assert webhook.logged == []

    async def test_what_becomes_of_a_subscription_is(self, webhook: Webhook) -> None:
        item = await webhook.item(lifecycleEvent="reauthorizationRequired", changeType=None, resource=None)
        assert (await webhook.post({"value": [item]}, at=lifecycle)).status_code == 202
        (hint,) = await webhook.queued()
        assert (hint.mailbox, hint.care, hint.subscription) == (ANNA, Care.RENEW, "sub-1")

    async def test_what_was_made_with_the_key_before_counts(
        self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOLDFAST_KEY", "a" * 43)
        item = await webhook.item()
        await door._listening.pop().aclose()
        monkeypatch.setenv("HOLDFAST_KEY_PREVIOUS", "a" * 43)
        monkeypatch.setenv("HOLDFAST_KEY", "b" * 43)
        await webhook.post({"value": [item]})
        assert len(await webhook.queued()) == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"clientState": None},
            {"clientState": "b0f3"},
            {"clientState": f"{ANNA}.hush"},
            {"tenantId": "84bd0000-0000-4000-8000-000000000000"},
            {"resource": "Users/5c1e0000-0000-4000-8000-00000000000b/Events/AAMk1"},
        ],
    )
    async def test_what_is_forged_is_answered_counted_and_dropped(
        self, webhook: Webhook, wrong: dict[str, Any]
    ) -> None:
        answer = await webhook.post({"value": [await webhook.item(**wrong)] * 7})
        assert (answer.status_code, answer.get_body()) == (202, b"")
        assert await webhook.queued() == []
        assert webhook.logged == ['{"event": "Of what came as notifications some was dropped.", "forged": 7}']

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"not json, hush", 400),
            (b"[" * 500_000, 400),
            (b'{"value": "hush"}', 400),
            (b"\xff\xfe\x00", 400),
            (b" " * 10 * 1024 * 1024, 413),
            (json.dumps({"value": [{}] * 10_000}).encode(), 413),
            (b'{"value": []}', 202),
        ],
        ids=["nothing", "words", "depth", "shape", "bytes", "10 MB", "10,000 items", "no items"],
    )
    async def test_what_graph_never_sends_is_refused_and_not_repeated(
        self, webhook: Webhook, body: bytes, status: int
    ) -> None:
        answer = await webhook.post(body)
        assert (answer.status_code, answer.get_body()) == (status, b"")
        assert await webhook.queued() == []
        assert webhook.logged == []

    async def test_what_cannot_be_queued_is_to_be_told_again(
        self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = {"value": [await webhook.item()]}
        ear = await door.listening().ear()

        async def full(*_: object, **__: object) -> None:
            raise StateUnusable("The queue takes nothing.")

        with monkeypatch.context() as patch:
            patch.setattr(type(ear.queue), "put", full)
            assert (await webhook.post(body)).status_code == 503
        assert webhook.logged == ['{"event": "Notifications cannot be taken.", "why": "The queue takes nothing."}']
        assert (await webhook.post(body)).status_code == 202

    async def test_settings_that_cannot_be_read_are_told_to_the_log_alone(
        self, webhook: Webhook, tmp_path: Path
    ) -> None:
        good = (tmp_path / "settings.yaml").read_text(encoding="utf-8")
        (tmp_path / "settings.yaml").write_text("version: 2", encoding="utf-8")
        answer = await webhook.post(b'{"value": []}')
        assert (answer.status_code, answer.get_body()) == (503, b"")
        assert "settings.yaml" in webhook.logged[0]
        (tmp_path / "settings.yaml").write_text(good, encoding="utf-8")
        assert (await webhook.post(b'{"value": []}')).status_code == 202

    async def test_what_is_open_stays_open(self, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
        await webhook.post(b'{"value": []}')
        monkeypatch.setattr(wiring.Place, "settings", None)
        assert (await webhook.post({"value": [await webhook.item()]})).status_code == 202


def test_a_handshake_loads_nothing_slow() -> None:
    slow = ("msgraph", "msal", "pydantic", "httpx", "ruamel", "sqlite3", "cryptography", "holdfast.wiring")
    asked = f"import sys, functions.lifecycle; print([name for name in {slow!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "[]"


def test_taking_what_is_told_connects_to_nothing() -> None:
    slow = ("msgraph", "msgraph_core", "azure.identity", "azure.storage", "azure.data")
    asked = f"import sys, holdfast.listening; print([name for name in {slow!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "[]"
