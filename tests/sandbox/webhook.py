"""An endpoint for notifications in the same process: it repeats tokens, keeps what comes, and can be slow or cross."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx

from sandbox import Tenant
from tests.sandbox.graph import Graph, Reply, of

URL = "https://holdfast.example/api/notifications"
LIFECYCLE_URL = "https://holdfast.example/api/lifecycle"


class Webhook:
    """What it answers to handshakes and deliveries can be replaced by a test."""

    def __init__(self) -> None:
        self.handshakes: list[httpx.Request] = []
        self.posts: list[tuple[str, list[dict[str, Any]]]] = []
        self.echo: Callable[[str], httpx.Response] = lambda token: httpx.Response(200, text=token)
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(202)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        token = parse_qs(request.url.query.decode()).get("validationToken")
        if token is not None:
            self.handshakes.append(request)
            return self.echo(token[0])
        assert request.headers["content-type"] == "application/json; charset=utf-8"
        self.posts.append((str(request.url), json.loads(request.content)["value"]))
        return self.answer()

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for _, items in self.posts for item in items]

    def told(self) -> Counter[tuple[str, str]]:
        """What was told of which event, and of which lifecycle."""
        return Counter(
            (item["changeType"], item["resourceData"]["id"]) if "changeType" in item else ("", item["lifecycleEvent"])
            for item in self.items
        )


def asked(tenant: Tenant, number: int = 0, **more: Any) -> dict[str, Any]:
    """The body of a request for a subscription, a day long."""
    ends = tenant.clock.now() + timedelta(days=1)
    return {
        "changeType": "created,updated,deleted",
        "resource": of(tenant, number)[1:] + "/events",
        "notificationUrl": URL,
        "lifecycleNotificationUrl": LIFECYCLE_URL,
        "expirationDateTime": ends.isoformat().replace("+00:00", "Z"),
        "clientState": "b0f3",
        **more,
    }


async def subscribe(graph: Graph, number: int = 0, headers: dict[str, str] | None = None, **more: Any) -> Reply:
    return await graph.post("/subscriptions", asked(graph.tenant, number, **more), **(headers or {}))
