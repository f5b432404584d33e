"""A web server on this machine's loopback address, beside everything else that goes on in one event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socket import AF_INET, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

import uvicorn
from starlette.types import ASGIApp

from holdfast.serve.ending import Ending
from holdfast.serve.failing import PortTaken

HOST = "127.0.0.1"

AT_ONCE = 64
"""Requests at once; Graph is asked to come again (503) by whoever comes on top of that."""

_HANG_UP = 2
"""Seconds for answers that are on their way when the end is asked for."""


@dataclass(frozen=True, slots=True)
class Door:
    """An application and the socket that it is reached by."""

    app: ASGIApp
    listener: socket

    @property
    def port(self) -> int:
        """The port, also where a free one was taken."""
        port: int = self.listener.getsockname()[1]
        return port


@contextmanager
def listening(port: int, option: str) -> Iterator[socket]:
    """A bound socket, so that the port is known, and taken, before anything begins; 0 takes a free one.

    Raises ``PortTaken``, which names the option by which another is given.
    """
    # Named as TCP, or asyncio would leave Nagle's algorithm on, which costs 40 ms an answer.
    with socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) as listener:
        if os.name == "posix":
            listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError as error:
            raise PortTaken(f"Port {port} cannot be listened on: {error.strerror}. {option} names another.") from error
        yield listener


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to whoever started it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def keep_open(door: Door, ending: Ending) -> None:
    """Answer until the end is asked for. Addresses are logged nowhere: the page's carries its token."""
    config = uvicorn.Config(
        door.app,
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=AT_ONCE,
        timeout_graceful_shutdown=_HANG_UP,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve([door.listener]))
    asked = asyncio.ensure_future(ending.asked.wait())
    try:
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        asked.cancel()
        serving.cancel()
    if not ending.is_asked:
        raise RuntimeError(f"The server on port {door.port} has ended by itself.")
