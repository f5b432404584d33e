"""The door to Microsoft 365: one connection, and the ports it fills."""

from __future__ import annotations

import random as chance
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import httpx

from graph_client.batch import IN_FLIGHT, Counts, Dispatcher
from graph_client.calendars import GraphCalendars
from graph_client.channels import GraphChannels, Road
from graph_client.connection import CLOUDS, Connection
from graph_client.directory import GraphDirectory
from graph_client.mail import GraphMail
from graph_client.subscriptions import Addresses, GraphSubscriptions
from graph_client.tokens import Tokens
from graph_client.workflows import Workflows
from holdfast.core.errors import NotSignedIn
from holdfast.core.model import Clock

if TYPE_CHECKING:
    from graph_client.login import SignIn, TokenCache
    from graph_client.typed import TypedGraph

__all__ = ["CLOUDS", "Addresses", "Connection", "Graph", "Login", "Teams", "connect", "sign_in", "teams"]

_TIMEOUT = httpx.Timeout(connect=10.0, read=120.0, write=60.0, pool=None)
"""Seconds. A batch takes as long as its items, which Graph works on four at a time."""


@dataclass(frozen=True, slots=True)
class Graph:
    """What a connection offers: the ports, the sign-in for ``check``, and what has gone over the wire."""

    directory: GraphDirectory
    calendars: GraphCalendars
    mail: GraphMail
    subscriptions: GraphSubscriptions
    tokens: Tokens
    counts: Counts


@asynccontextmanager
async def connect(
    connection: Connection,
    *,
    clock: Clock,
    random: chance.Random,
    in_flight: int = IN_FLIGHT,
    told_at: Addresses | None = None,
    tokens: Tokens | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Graph]:
    """A connection for as long as the block lasts; nothing is sent before the first call.

    Belongs to the running event loop. ``in_flight`` is how many batches may be on their way at a time, ``told_at``
    where Graph is to tell of changes. In a simulation ``tokens`` stands in for signing in and ``transport`` for the
    network. Calls still waiting at the end get ``Unreachable``.
    """
    counts = Counts()
    if tokens is None:
        from graph_client.auth import MsalTokens  # noqa: PLC0415 - msal is slow to load, and a simulation does without

        tokens = MsalTokens(connection, clock=clock)
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
        subscriptions = GraphSubscriptions(dispatcher, told_at, clock=clock)
        yield Graph(directory, GraphCalendars(dispatcher), GraphMail(dispatcher), subscriptions, tokens, counts)


class _Through(httpx.AsyncBaseTransport):
    """Sends through another client: its connections, its trust, its proxies.

    The SDK puts its retries in place of a client's transport and then never closes what it displaced.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._http.send(request, stream=True)


class SignedIn(Protocol):
    """Who signed in, and the tokens in their name. ``login.py`` has the real one."""

    @property
    def posting(self) -> Tokens:
        """Those for finding channels and posting to them."""
        ...

    @property
    def reading(self) -> Tokens:
        """Those for reading what was posted."""
        ...

    async def account_id(self) -> str:
        """The directory id of the account. Raises ``NotSignedIn``."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """The registration that people sign in to, and the account that is to sign in there."""

    client_id: str
    account: str


@dataclass(frozen=True, slots=True)
class Teams:
    """The ports of posting to Teams, by who signed in and by workflows."""

    channels: GraphChannels
    workflows: Workflows


@asynccontextmanager
async def teams(
    connection: Connection,
    login: Login | None,
    *,
    cache: TokenCache,
    variables: Mapping[str, str],
    clock: Clock,
    random: chance.Random,
    signed_in: SignedIn | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Teams]:
    """The way to Teams for as long as the block lasts. Nothing is opened, loaded or sent before the first call.

    ``login`` is None where the settings name nobody to sign in; ``cache`` keeps the tokens, ``variables`` the addresses
    of workflows. In a simulation ``signed_in`` stands in for msal and ``transport`` for the network.
    """
    async with AsyncExitStack() as stack:
        opened: list[httpx.AsyncClient] = []
        roads: list[Road] = []

        def http() -> httpx.AsyncClient:
            if not opened:
                trust = True if transport else connection.trust()
                opened.append(httpx.AsyncClient(verify=trust, timeout=_TIMEOUT, transport=transport))
                stack.push_async_callback(opened[0].aclose)
            return opened[0]

        def road() -> Road:
            if roads:
                return roads[0]
            if login is None:
                raise NotSignedIn("The settings name no account to post with.", cure="Write tenant.login.")
            who: SignedIn = signed_in or sign_in(connection, login, cache=cache, clock=clock)
            stack.callback(who.close)
            counts = Counts()

            def dispatcher(tokens: Tokens) -> Dispatcher:
                made = Dispatcher(connection, http(), tokens, clock=clock, chance=random, counts=counts, in_flight=1)
                stack.push_async_callback(made.aclose)
                return made

            roads.append(Road(dispatcher(who.posting), dispatcher(who.reading), who))
            return roads[0]

        channels = GraphChannels(road, account=login.account if login else "the account", clock=clock)
        yield Teams(channels, Workflows(variables, http, clock=clock))


def sign_in(connection: Connection, login: Login, *, cache: TokenCache, clock: Clock) -> SignIn:
    """The sign-in of the account that posts. Whoever asks for it closes it."""
    from graph_client.login import SignIn  # noqa: PLC0415 - only what posts signs anybody in

    return SignIn(connection, client_id=login.client_id, account=login.account, cache=cache, clock=clock)
