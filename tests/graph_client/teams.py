"""Teams in a pretend firm, reached in the same process or over TLS, in the name of its service account."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from graph_client.channels import GraphChannels
from graph_client.connect import Login, teams
from graph_client.workflows import Workflows
from holdfast.core.errors import Denied
from holdfast.core.summary import Place, Post
from sandbox import Clock, Exchange, Sandbox, Tenant, firm
from sandbox.teams import Channel
from sandbox.transport import InProcess
from tests.graph_client.world import CONNECTION
from tests.sandbox.teams import CARD

NOW = datetime(2026, 11, 27, 13, tzinfo=UTC)
MARKER = "holdfast:utveckling:2026-W48"
POST = Post("Veckans lärande", "<p>Tre saker vi lärde oss.</p>", {**CARD, "id": MARKER}, MARKER)


class WaitingClock:
    """Time that passes by waiting, for the product and for the tenant alike."""

    def __init__(self, tenants: Clock) -> None:
        self.tenants = tenants
        self.waits: list[float] = []
        self._began = tenants.now()

    def now(self) -> datetime:
        return self.tenants.now()

    def monotonic(self) -> float:
        return (self.tenants.now() - self._began).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.tenants.advance(timedelta(seconds=seconds))


class Tokens:
    """Tokens in the account's name, with these scopes; another one when it was rejected."""

    def __init__(self, sandbox: Sandbox, tenant: Tenant, *scopes: str) -> None:
        self._sandbox, self._tenant, self._scopes = sandbox, tenant, scopes
        self.error: Exception | None = None
        self.renewed = 0
        self._token = ""

    async def token(self) -> str:
        if self.error:
            raise self.error
        self._token = self._token or self._sandbox.token_of(self._tenant, self._tenant.service_account, *self._scopes)
        return self._token

    async def renew(self, rejected: str, claims: str | None) -> str:
        del rejected, claims
        self.renewed += 1
        self._token = ""
        return await self.token()

    async def roles(self) -> frozenset[str]:
        return frozenset(self._scopes)


class SignedIn:
    """The service account, without the way over Entra."""

    def __init__(self, sandbox: Sandbox, tenant: Tenant) -> None:
        self._tenant = tenant
        self.posting = Tokens(sandbox, tenant, "ChannelMessage.Send", "Team.ReadBasic.All", "Channel.ReadBasic.All")
        self.reading = Tokens(sandbox, tenant, "ChannelMessage.Read.All")
        self.closed = False

    async def account_id(self) -> str:
        return self._tenant.service_account.id

    def close(self) -> None:
        self.closed = True


@dataclass
class Desk:
    """A firm with Teams, the ports to it, and every call and its answer. ``channel`` is one for learning."""

    sandbox: Sandbox
    tenant: Tenant
    clock: WaitingClock
    who: SignedIn
    channels: GraphChannels
    workflows: Workflows
    asked: list[Exchange] = field(default_factory=list)

    @property
    def channel(self) -> Channel:
        return self.tenant.teams[0].channel("Lärande")

    @property
    def place(self) -> Place:
        return Place(self.channel.team.id, self.channel.id)

    def calls(self, method: str) -> list[Exchange]:
        return [one for one in self.asked if one.in_batch and one.method == method]

    def may_not_read(self) -> None:
        self.who.reading.error = Denied("AADSTS65001: no consent.", cure="Grant ChannelMessage.Read.All (delegated).")


@asynccontextmanager
async def desk(variables: Mapping[str, str] | None = None, **more: Any) -> AsyncIterator[Desk]:
    sandbox = Sandbox()
    tenant = sandbox.add(firm(people=12, seed=1, clock=Clock(at=NOW), calendars=False))
    tenant.teams_limits = replace(tenant.teams_limits, while_time_stands=True)
    clock, who = WaitingClock(tenant.clock), SignedIn(sandbox, tenant)
    async with teams(
        CONNECTION,
        Login(tenant.login.client_id, tenant.service_account.address),
        cache=more.get("cache"),  # type: ignore[arg-type] - nobody signs in here
        variables=variables if variables is not None else {},
        clock=clock,
        random=random.Random(3),  # noqa: S311 - tests repeat
        signed_in=who,
        transport=InProcess(sandbox.app, clock=tenant.clock),
    ) as found:
        made = Desk(sandbox, tenant, clock, who, found.channels, found.workflows)
        sandbox.observers.append(made.asked.append)
        yield made
