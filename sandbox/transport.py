"""A sandbox for httpx in the same process, with connections that end and clients that lose patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.clock import Clock
from sandbox.faults import Dropped


class InProcess(httpx.AsyncBaseTransport):
    """Like ``httpx.ASGITransport``; a connection that a fault ends is the ``RemoteProtocolError`` of a real one.

    With ``clock`` a request's read timeout counts by it: the client gets ``ReadTimeout`` and the sandbox works on.
    """

    def __init__(self, app: ASGIApp, *, clock: Clock | None = None) -> None:
        self._app = app
        self._clock = clock
        self._going: set[asyncio.Task[httpx.Response]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer. Raises what httpx raises where a connection ends or nobody answers in time."""
        patience = request.extensions.get("timeout", {}).get("read")
        if self._clock is None or patience is None:
            return await self._answered(request)
        work = asyncio.create_task(self._answered(request))
        self._going.add(work)
        work.add_done_callback(self._ended)
        timer = asyncio.create_task(self._clock.sleep(patience))
        try:
            await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if not work.done():
            raise httpx.ReadTimeout("The answer did not come in time.", request=request)
        return work.result()

    async def aclose(self) -> None:
        """End what is still being worked on."""
        for work in tuple(self._going):
            work.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        connection = _Connection(self._app)
        try:
            response = await httpx.ASGITransport(connection).handle_async_request(request)
        except Dropped as dropped:
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            ) from dropped
        if connection.ended and isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Ending(response.stream, request)
        return response

    def _ended(self, work: asyncio.Task[httpx.Response]) -> None:
        self._going.discard(work)
        if not work.cancelled():
            work.exception()  # the client that would have had it may be gone


class _Connection:
    """One request to an application; ``ended`` is a connection that ended in the middle of the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._begun = False
        self.ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            self._begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Dropped:
            if not self._begun:
                raise
            self.ended = True
            await send({"type": "http.response.body", "body": b""})


class _Ending(httpx.AsyncByteStream):
    """What came of a body before the connection ended."""

    def __init__(self, came: httpx.AsyncByteStream, request: httpx.Request) -> None:
        self._came = came
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._came:
            yield part
        raise httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body", request=self._request
        )
