"""The webhook's door: how much is read, and what is answered. What notifications mean is tried with the job."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from holdfast.cli.init import example
from holdfast.core.notices import MOST_BYTES, client_state
from holdfast.core.settings import Language
from holdfast.listening import Listening
from holdfast.serve.webhook import PATHS, application
from holdfast.wiring import Place

MAILBOX = "5c8e0a5e-5c6c-4d2b-9a3e-1f1e0d0c0b0a"


class Door:
    def __init__(self, folder: Path) -> None:
        self.settings = folder / "settings.yaml"
        self.settings.write_text(example(Language.SV), encoding="utf-8")
        self.listening = Listening(lambda: Place(self.settings, {}))
        app = application(self.listening)
        self.graph = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://holdfast.example")

    async def body(self) -> dict[str, object]:
        ear = await self.listening.ear()
        item = {
            "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
            "clientState": client_state(MAILBOX, tenant=ear.tenant, key=ear.keys[0]),
            "changeType": "updated",
            "resource": f"Users/{MAILBOX}/Events/AAMk",
            "tenantId": ear.tenant,
        }
        return {"value": [item]}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    made = Door(tmp_path)
    yield made
    await made.graph.aclose()
    await made.listening.aclose()


async def waiting(door: Door) -> int:
    ear = await door.listening.ear()
    return await ear.queue.length("repair")  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", PATHS)
async def test_the_token_of_a_handshake_comes_back_as_text_decoded_once(door: Door, path: str) -> None:
    answer = await door.graph.post(path, params={"validationToken": "Validation: <b>+&%25 å"})
    assert answer.status_code == 200
    assert answer.text == "Validation: <b>+&%25 å"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
async def test_a_notification_is_answered_once_it_is_queued(door: Door, path: str) -> None:
    answer = await door.graph.post(path, json=await door.body())
    assert (answer.status_code, answer.content) == (202, b"")
    assert await waiting(door) == 1


async def test_what_is_forged_is_answered_alike_and_dropped(door: Door) -> None:
    body = json.dumps(await door.body()).replace(MAILBOX, "11111111-5c6c-4d2b-9a3e-1f1e0d0c0b0a")
    assert (await door.graph.post(PATHS[0], content=body)).status_code == 202
    assert await waiting(door) == 0


async def test_no_more_is_read_than_graph_ever_sends(door: Door) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MOST_BYTES:
            sent += 65_536
            yield b" " * 65_536

    assert (await door.graph.post(PATHS[0], content=endless())).status_code == 413
    assert sent <= MOST_BYTES + 2 * 65_536
    assert await waiting(door) == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"value": 1}', b"\xff"])
async def test_what_is_no_notification_is_refused(door: Door, body: bytes) -> None:
    assert (await door.graph.post(PATHS[0], content=body)).status_code == 400


async def test_nothing_else_is_there(door: Door) -> None:
    assert (await door.graph.get(PATHS[0])).status_code == 405
    assert (await door.graph.post("/")).status_code == 404
    assert (await door.graph.get("/?token=x")).status_code == 404


async def test_what_cannot_be_queued_graph_is_to_tell_again(door: Door) -> None:
    door.settings.write_text("version: 2\n", encoding="utf-8")
    assert (await door.graph.post(PATHS[0], json={"value": []})).status_code == 503
