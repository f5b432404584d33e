"""One run of the product as it is shipped, and its end before its time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection, Generator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from graph_client.connect import Connection, connect
from holdfast.jobs.ports import Ports, QueueName
from holdfast.store.key import Key
from holdfast.store.sqlite import open_state
from sandbox import Tenant, tokens
from tests.simulation.clock import ProductClock, VirtualLoop

_STATE_WRITES = frozenset(
    {
        *("approve", "withdraw", "place", "know", "learn", "choose", "learn_facts", "raise_floor", "record_run"),
        *("touch", "forget_touches", "claim", "take_back", "see"),
        *("keep_token_cache", "renew_token_cache"),
    }
)
_UNUSED = ("channels", "workflow", "subscriptions")
"""The ports of jobs that these stories have none of, such as posting."""

_GRAPH = "https://graph.microsoft.com"


KEY = Key(b"of the simulation, and of 32 bytes")
"""Under which it is remembered what people did."""


class Losing:
    """A queue that loses what is put on it: a hint that could not be followed at once is followed by nobody."""

    async def put(self, name: QueueName, texts: Collection[str], *, delay: timedelta = timedelta(0)) -> None:
        """Lose it."""


class Killed(BaseException):
    """The process is gone. Not an ``Exception``, so that nothing in it can act on that."""


@dataclass(frozen=True, slots=True)
class Death:
    """Die at the ``number``-th ``request`` or ``write`` of the state, before or after it was worked on.

    Or at its ``await``-th step, wherever that is. At a ``second`` of the run it is not killed but told to stop, as by
    Ctrl-C.
    """

    at: str
    number: int
    after: bool = False

    def __str__(self) -> str:
        if self.at == "second":
            return f"told to stop in second {self.number}"
        return f"killed {'after' if self.after else 'at'} {self.at} {self.number}"


class Fate:
    """Lets a process live until its death, and keeps it dead then."""

    def __init__(self, death: Death | None) -> None:
        self._death = death
        self.seen = {"request": 0, "write": 0, "await": 0}
        self.dead = False

    @property
    def counts_steps(self) -> bool:
        """Whether it may come at a step."""
        return self._death is not None and self._death.at == "await"

    def before(self, what: str) -> int:
        """Something leaves the process, unless it is dead; which one of its kind that was."""
        self.seen[what] += 1
        self._strike(what, self.seen[what], after=False)
        return self.seen[what]

    def after(self, what: str, number: int) -> None:
        """It has happened, and the process learns of it, unless it is dead."""
        self._strike(what, number, after=True)

    def _strike(self, what: str, number: int, *, after: bool) -> None:
        if self._death == Death(what, number, after):
            self.dead = True
        if self.dead:
            raise Killed


_FATE: ContextVar[Fate | None] = ContextVar("fate", default=None)
"""That of the process which is at work; what works at Microsoft's has none."""


class _Steps:
    """A coroutine of a process that may die each time it goes on."""

    def __init__(self, work: Any, fate: Fate) -> None:
        self._work = work
        self._fate = fate

    def __await__(self) -> Generator[Any, Any, Any]:
        going = self._work.__await__()
        try:
            waits = going.send(None)
            while True:
                try:
                    got = yield waits
                except BaseException as error:  # noqa: BLE001 - handed on, as if nothing stood in between
                    waits = going.throw(error)
                else:
                    waits = self._goes_on(going, got)
        except StopIteration as done:
            return done.value

    def _goes_on(self, going: Any, got: Any) -> Any:
        try:
            self._fate.before("await")
        except Killed as dead:
            return going.throw(dead)
        return going.send(got)


async def _whole(steps: _Steps) -> Any:
    return await steps


def start(loop: asyncio.AbstractEventLoop, work: Any, fate: Fate) -> asyncio.Task[Any]:
    """A process begins to work. Its steps are counted only where one of them may be its last."""
    if not fate.counts_steps:
        return loop.create_task(work)
    loop.set_task_factory(_stepwise)
    token = _FATE.set(fate)
    try:
        return loop.create_task(work)
    finally:
        _FATE.reset(token)


def _stepwise(loop: asyncio.AbstractEventLoop, work: Any, context: Any = None) -> asyncio.Task[Any]:
    """The task factory by which every task of a process counts its steps."""
    fate = _FATE.get()
    steps = work if fate is None else _whole(_Steps(work, fate))
    return asyncio.Task(steps, loop=loop, context=context)


class Network(httpx.AsyncBaseTransport):
    """The way to the sandbox. What has been sent is worked on there, whether or not the sender lives to see it."""

    def __init__(self, inner: httpx.AsyncBaseTransport, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate
        self.under_way: set[asyncio.Task[httpx.Response]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        number = self._fate.before("request")
        token = _FATE.set(None)
        work = asyncio.get_running_loop().create_task(self._inner.handle_async_request(request))
        _FATE.reset(token)
        self.under_way.add(work)
        work.add_done_callback(self.under_way.discard)
        try:
            return await asyncio.shield(work)
        finally:
            self._fate.after("request", number)


class Remembering:
    """The port ``State`` of a process that may die."""

    def __init__(self, inner: Any, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._inner, name)
        if name not in _STATE_WRITES:
            return real

        async def write(*given: Any, **named: Any) -> Any:
            number = self._fate.before("write")
            answer = await real(*given, **named)
            self._fate.after("write", number)
            return answer

        return write


class Tokens:
    """The port ``Tokens``: what the tenant's sign-in issues, used until five minutes before its end."""

    def __init__(self, tenant: Tenant, clock: ProductClock) -> None:
        self._tenant = tenant
        self._clock = clock
        self._token = ""
        self._until = clock.monotonic()

    async def token(self) -> str:
        if self._clock.monotonic() >= self._until:
            self._issue()
        return self._token

    async def renew(self, rejected: str, claims: str | None) -> str:  # noqa: ARG002 - the port's signature
        if self._token == rejected:
            self._issue()
        return self._token

    async def roles(self) -> frozenset[str]:
        return frozenset(self._tenant.applications[0].token_roles)

    def _issue(self) -> None:
        tenant = self._tenant
        tenant.counts.tokens += 1
        self._token = tokens.issue(tenant, tenant.applications[0], _GRAPH, f"https://login.example/{tenant.id}/v2.0")
        self._until = self._clock.monotonic() + (tenant.token_lifetime - timedelta(minutes=5)).total_seconds()


@asynccontextmanager
async def process(
    *,
    connection: Connection,
    loop: VirtualLoop,
    tenant: Tenant,
    state: Path,
    fate: Fate,
    inner: httpx.AsyncBaseTransport,
    seed: int,
) -> AsyncIterator[Ports]:
    """The ports as ``wiring`` fills them, but for the clock, chance, the sign-in and the network."""
    clock = ProductClock(loop)
    network = Network(inner, fate)
    with open_state(state, tenant.id, KEY) as remembered:
        async with connect(
            connection,
            clock=clock,
            random=random.Random(seed),  # noqa: S311 - the story is to be told again
            tokens=Tokens(tenant, clock),
            transport=network,
        ) as graph:
            try:
                used = graph.directory, graph.calendars, Remembering(remembered, fate), clock, graph.mail
                yield Ports(*used, queue=Losing(), **dict.fromkeys(_UNUSED))  # type: ignore[arg-type]
            finally:
                if network.under_way:
                    await asyncio.wait(network.under_way)
