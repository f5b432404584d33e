"""What comes to the webhook is on the queue before it is answered, and nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from holdfast.core.messages import Care, Heard, Hint
from holdfast.core.notices import BadBody, Dropped, client_state
from holdfast.jobs.notifications import SETTLING, Received, notified
from holdfast.jobs.ports import QueueName
from tests.jobs.fjallvik import ANNA, BO, MONDAY, firm, fjallvik
from tests.jobs.memory import Call, World

TENANT = str(fjallvik().tenant.tenant_id)
KEY = b"x" * 32


def item(mailbox: str, **more: Any) -> dict[str, Any]:
    return {
        "subscriptionId": "sub-1",
        "changeType": "deleted",
        "resource": f"Users/{mailbox}/Events/AAMk1",
        "clientState": client_state(mailbox, tenant=TENANT, key=KEY),
        "tenantId": TENANT,
        **more,
    }


async def received(world: World, *items: dict[str, Any]) -> Received:
    body = json.dumps({"value": items}).encode()
    return await notified(body, tenant=TENANT, keys=(KEY,), queue=world.queue, at=MONDAY)


def waiting(world: World) -> list[Hint]:
    return [Hint.parse(one.text) for one in world.queue.waiting]


async def test_changes_settle_for_some_seconds() -> None:
    world = firm(ANNA, BO)
    assert await received(world, item(ANNA.id), item(BO.id), item(ANNA.id)) == Received(2, {})
    heard = (Heard("AAMk1", "deleted"),)
    assert waiting(world) == [Hint(ANNA.id, MONDAY, heard), Hint(BO.id, MONDAY, heard)]
    assert world.queue.take() == []
    world.clock.pass_time(seconds=SETTLING.total_seconds())
    assert len(world.queue.take(QueueName.REPAIR)) == 2
    assert timedelta(seconds=3) <= SETTLING <= timedelta(seconds=30)


async def test_a_subscription_that_needs_care_waits_for_nothing() -> None:
    world = firm(ANNA)
    await received(world, item(ANNA.id, lifecycleEvent="reauthorizationRequired"))
    (text,) = world.queue.take(QueueName.REPAIR)
    assert Hint.parse(text) == Hint(ANNA.id, MONDAY, care=Care.RENEW, subscription="sub-1")


async def test_what_is_forged_is_counted_and_nothing_is_queued() -> None:
    world = firm(ANNA)
    found = await received(world, item(ANNA.id, clientState="b0f3"), item(ANNA.id, lifecycleEvent="other"))
    assert found == Received(0, {Dropped.FORGED: 1, Dropped.STRANGE: 1})
    assert found.forged == 1
    assert world.journal.calls == []


async def test_what_is_no_notification_is_not_queued() -> None:
    world = firm(ANNA)
    with pytest.raises(BadBody):
        await notified(b"<html>", tenant=TENANT, keys=(KEY,), queue=world.queue, at=MONDAY)
    assert world.journal.calls == []


async def test_a_queue_that_takes_nothing_is_not_hidden() -> None:
    world = firm(ANNA)

    class Full(Exception):
        pass

    class Queue:
        async def put(self, *_: object, **__: object) -> None:
            raise Full

    body = json.dumps({"value": [item(ANNA.id)]}).encode()
    with pytest.raises(Full):
        await notified(body, tenant=TENANT, keys=(KEY,), queue=Queue(), at=MONDAY)
    await received(world, item(ANNA.id))
    assert world.journal.calls == [Call("queue", "put", QueueName.REPAIR)]


def test_nothing_slow_is_loaded_for_it() -> None:
    slow = ("msgraph", "msal", "pydantic", "httpx", "structlog", "ruamel", "sqlite3", "azure", "cryptography")
    asked = f"import sys, holdfast.jobs.notifications; print([name for name in {slow!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "[]"
