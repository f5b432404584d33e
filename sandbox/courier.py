"""The way from a sandbox to the endpoints that it calls: handshakes and notifications, over TLS or in one process."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import httpx
from starlette.types import ASGIApp

from sandbox.clock import Clock
from sandbox.transport import InProcess

if TYPE_CHECKING:
    from sandbox.tenant import Tenant

JSON, PLAIN = "application/json; charset=utf-8", "text/plain; charset=utf-8"

Endpoint = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


class Said(NamedTuple):
    """What an endpoint answered, and after how many seconds of the tenant's clock; status 0 is no answer.

    Who did not answer in time has taken for ever: a clock that stands would not show how long that was.
    """

    status: int
    kind: str
    text: str
    seconds: float

    @property
    def is_success(self) -> bool:
        """Whether that was a 2xx."""
        return 200 <= self.status < 300


_TOO_LATE = Said(0, "", "", math.inf)


class Courier:
    """Sends for all tenants of a sandbox. ``transport`` is how; without one nobody can be reached.

    ``tunnels`` lead from the beginning of a public address to where it really is, as a reverse proxy does: from
    ``https://holdfast.example`` to ``http://127.0.0.1:8080``. Graph only knows the public one.
    """

    def __init__(self) -> None:
        self.transport: httpx.AsyncBaseTransport | None = None
        self.tunnels: dict[str, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()

    def reach(self, app: ASGIApp, *, clock: Clock | None = None) -> None:
        """Let every address be this application, in the same process. With ``clock`` patience counts by it."""
        self.transport = InProcess(app, clock=clock)

    def reach_by(self, endpoint: Endpoint) -> None:
        """Let this function answer for every address."""
        self.transport = httpx.MockTransport(endpoint)

    async def post(self, url: str, content: bytes, kind: str, patience: float, clock: Clock) -> Said:
        """POST something. Who does not answer within ``patience`` seconds has not answered; nobody is redirected."""
        began = clock.now()
        if self.transport is None:
            return Said(0, "", "", 0.0)
        try:
            request = httpx.Request(
                "POST",
                self._really(url),
                content=content,
                headers={"Content-Type": kind, "User-Agent": "sandbox"},
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), patience)},
            )
            response = await self.transport.handle_async_request(request)
            try:
                text = (await response.aread()).decode("utf-8", "replace")
            finally:
                await response.aclose()
        except httpx.TimeoutException:
            return _TOO_LATE
        except (httpx.HTTPError, httpx.InvalidURL):
            return Said(0, "", "", _since(began, clock))
        seconds = _since(began, clock)
        if seconds > patience:
            return _TOO_LATE
        return Said(response.status_code, response.headers.get("content-type", ""), text, seconds)

    def wake(self) -> None:
        """There is something new to deliver. From any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._news.set)

    async def run(self, tenants: Callable[[], Iterable[Tenant]]) -> None:
        """Deliver what is due, by each tenant's clock, until this is cancelled."""
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        try:
            while True:
                self._news.clear()
                await asyncio.gather(*(one.notices.pump() for one in tenants()))
                waits = [self._news.wait(), *(one.clock.sleep(_until(one)) for one in tenants() if one.notices.due)]
                tasks = [asyncio.ensure_future(wait) for wait in waits]
                try:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._loop = None

    def _really(self, url: str) -> str:
        for public, real in self.tunnels.items():
            if url.startswith(public):
                return real + url[len(public) :]
        return url


def _since(began: datetime, clock: Clock) -> float:
    return (clock.now() - began) / timedelta(seconds=1)


def _until(tenant: Tenant) -> float:
    due = tenant.notices.due
    return max(0.0, (due - tenant.clock.now()) / timedelta(seconds=1)) if due else 0.0
