"""A clock that jumps to the next waking, tokens without a sign-in, and a Graph that answers batches as it is told."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from graph_client.batch import Call, Counts, Dispatcher
from graph_client.connection import Connection
from graph_client.permissions import READ_CALENDAR, WRITE_CALENDAR
from graph_client.throttle import Patience

CONNECTION = Connection.to(
    tenant_id="3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b",
    client_id="8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d",
    credential="secret",
    secret="not a secret",
)
BASE = CONNECTION.graph_url
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

Item = dict[str, Any]
Reply = tuple[int, dict[str, str], Any]


class JumpingClock:
    """Time stands still while there is something to do, and jumps to the next waking when there is not."""

    def __init__(self) -> None:
        self.at = 0.0
        self._wakings: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._mover: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._wakings, (self.at + seconds, next(self._order), waking))
        if self._mover is None or self._mover.done():
            self._mover = asyncio.create_task(self._move())
        await waking

    async def _move(self) -> None:
        while self._wakings:
            for _ in range(100):
                await asyncio.sleep(0)
            self.at, _, waking = heapq.heappop(self._wakings)
            wakings = [waking]
            while self._wakings and self._wakings[0][0] == self.at:
                wakings.append(heapq.heappop(self._wakings)[2])
            for one in wakings:
                if not one.done():
                    one.set_result(None)


class FreeTokens:
    """Gives out token-1, and the next one when the last was rejected."""

    def __init__(self) -> None:
        self.number = 1
        self.claims: list[str | None] = []
        self.failure: Exception | None = None

    async def token(self) -> str:
        if self.failure:
            raise self.failure
        return f"token-{self.number}"

    async def renew(self, rejected: str, claims: str | None) -> str:
        if rejected == f"token-{self.number}":
            self.number += 1
            self.claims.append(claims)
        return await self.token()


@dataclass
class PretendGraph:
    """Answers each item by ``reply``, after ``outer`` has had its say on the whole batch; keeps all it was sent."""

    reply: Callable[[Item], Reply] = lambda _: (200, {}, {})
    outer: Callable[[list[Item]], httpx.Response | None] = lambda _: None
    latency: int = 0
    batches: list[list[Item]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    mailboxes: list[str] = field(default_factory=list)
    shared_mailboxes: int = 0
    shuffle: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - tests repeat

    @property
    def items(self) -> list[Item]:
        return [item for batch in self.batches for item in batch]

    async def handle(self, request: httpx.Request) -> httpx.Response:
        assert request.url == f"{BASE}/$batch"
        items = json.loads(request.content)["requests"]
        self.requests.append(request)
        self.batches.append(items)
        mailboxes = [[*item["url"].split("/"), ""][2] for item in items]
        self.shared_mailboxes += sum(mailbox in self.mailboxes for mailbox in mailboxes)
        self.mailboxes += mailboxes
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        for _ in range(self.latency):
            await asyncio.sleep(0)
        self.in_flight -= 1
        for mailbox in mailboxes:
            self.mailboxes.remove(mailbox)
        refusal = self.outer(items)
        if refusal is not None:
            return refusal
        responses = []
        for item in items:
            status, headers, body = self.reply(item)
            if status:
                responses.append({"id": item["id"], "status": status, "headers": headers, "body": body})
        self.shuffle.shuffle(responses)
        return httpx.Response(200, json={"responses": responses})


@dataclass
class Road:
    """A dispatcher on a pretend Graph."""

    dispatcher: Dispatcher
    graph: PretendGraph
    clock: JumpingClock
    tokens: FreeTokens
    counts: Counts


@asynccontextmanager
async def road(graph: PretendGraph, *, in_flight: int = 4, patience: Patience | None = None) -> AsyncIterator[Road]:
    clock, tokens, counts = JumpingClock(), FreeTokens(), Counts()
    async with httpx.AsyncClient(transport=httpx.MockTransport(graph.handle)) as http:
        dispatcher = Dispatcher(
            CONNECTION,
            http,
            tokens,
            clock=clock,
            chance=random.Random(7),  # noqa: S311 - tests repeat
            counts=counts,
            in_flight=in_flight,
            patience=patience,
        )
        try:
            yield Road(dispatcher, graph, clock, tokens, counts)
        finally:
            await dispatcher.aclose()


def get(mailbox: str = "ann", path: str = "events") -> Call:
    return Call(mailbox, "GET", f"/users/{mailbox}/{path}", READ_CALENDAR)


def post(mailbox: str = "ann", **body: Any) -> Call:
    return Call(mailbox, "POST", f"/users/{mailbox}/events", WRITE_CALENDAR, body)


def error(status: int, code: str = "", *, retry_after: str | None = None, message: str = "No.") -> Reply:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return status, headers, {"error": {"code": code, "message": message}}


class InTurn:
    """Replies one after the other, the last for ever."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)

    def __call__(self, _: Item) -> Reply:
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
