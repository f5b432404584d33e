"""The door to Microsoft 365: one connection, and the ports it fills."""

from __future__ import annotations

import random as chance
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from graph_client.auth import MsalTokens
from graph_client.batch import IN_FLIGHT, Counts, Dispatcher
from graph_client.calendars import GraphCalendars
from graph_client.connection import CLOUDS, Connection
from graph_client.directory import GraphDirectory
from graph_client.mail import GraphMail
from graph_client.tokens import Tokens
from holdfast.core.model import Clock

if TYPE_CHECKING:
    from graph_client.typed import TypedGraph

__all__ = ["CLOUDS", "Connection", "Graph", "connect"]

_TIMEOUT = httpx.Timeout(connect=10.0, read=120.0, write=60.0, pool=None)
"""Seconds. A batch takes as long as its items, which Graph works on four at a time."""


@dataclass(frozen=True, slots=True)
class Graph:
    """What a connection offers: the ports, the sign-in for ``check``, and what has gone over the wire."""

    directory: GraphDirectory
    calendars: GraphCalendars
    mail: GraphMail
    tokens: Tokens
    counts: Counts


@asynccontextmanager
async def connect(
    connection: Connection,
    *,
    clock: Clock,
    random: chance.Random,
    in_flight: int = IN_FLIGHT,
    tokens: Tokens | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Graph]:
    """A connection for as long as the block lasts; nothing is sent before the first call.

    Belongs to the running event loop. ``in_flight`` is how many batches may be on their way at a time. In a simulation
    ``tokens`` stands in for signing in and ``transport`` for the network. Calls still waiting at the end get
    ``Unreachable``.
    """
    counts = Counts()
    tokens = tokens or MsalTokens(connection, clock=clock)
    trust = True if transport else connection.trust()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(verify=trust, timeout=_TIMEOUT, transport=transport))
        typed: list[TypedGraph] = []

        def typed_graph() -> TypedGraph:
            if not typed:
                from graph_client.typed import TypedGraph  # noqa: PLC0415 - msgraph-sdk is slow to load, not always needed

                through = httpx.AsyncClient(transport=_Through(http), timeout=_TIMEOUT)
                typed.append(TypedGraph(connection, through, tokens, clock=clock, chance=random, counts=counts))
            return typed[0]

        dispatcher = Dispatcher(
            connection, http, tokens, clock=clock, chance=random, counts=counts, in_flight=in_flight
        )
        stack.push_async_callback(dispatcher.aclose)
        directory = GraphDirectory(dispatcher, typed_graph)
        yield Graph(directory, GraphCalendars(dispatcher), GraphMail(dispatcher), tokens, counts)


class _Through(httpx.AsyncBaseTransport):
    """Sends through another client: its connections, its trust, its proxies.

    The SDK puts its retries in place of a client's transport and then never closes what it displaced.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._http.send(request, stream=True)
