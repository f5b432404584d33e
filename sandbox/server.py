"""The sandbox over TLS on this machine, in a thread, for whoever needs a real address: msal wants nothing less."""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import Any

import httpx
import trustme
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.app import Sandbox
from sandbox.faults import Dropped
from sandbox.tenant import Tenant
from sandbox.workflows import Workflow

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Server:
    """A running sandbox: where it is, and the certificate authority to trust for it.

    ``webhook_pem`` has a key and a certificate of that authority for whoever is notified on this machine over TLS.
    """

    url: str
    ca_bundle: str
    webhook_pem: str = ""

    def environment(self, tenant: Tenant) -> dict[str, str]:
        """What to set so that the product works with this tenant, signing in by secret."""
        return {
            "HOLDFAST_AUTHORITY": self.url,
            "HOLDFAST_GRAPH_URL": self.url,
            "HOLDFAST_CA_BUNDLE": self.ca_bundle,
            "HOLDFAST_TENANT_ID": tenant.id,
            "HOLDFAST_CLIENT_ID": tenant.client_id,
            "HOLDFAST_CREDENTIAL": "secret",
            "HOLDFAST_CLIENT_SECRET": tenant.secret,
        }

    def address(self, workflow: Workflow) -> str:
        """The URL of a workflow, which is its secret."""
        return self.url + workflow.path


@contextmanager
def serving(
    sandbox: Sandbox,
    *,
    port: int = 0,
    folder: Path | None = None,
    trust: Path | None = None,
    tunnels: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """The sandbox at https://localhost for as long as the block lasts, on a free port unless one is given.

    The files of the certificate authority and for webhooks are put into ``folder``, or into a temporary one.
    Subscribers are notified by the server itself: with certificates of this authority, of one in the file ``trust``, or
    of those the machine trusts; ``tunnels`` are the courier's.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-") as passing, _listening(port) as listener:
        bundle = (folder or Path(passing)) / "ca.pem"
        webhook = bundle.with_name("webhook.pem")
        mine = _certificate(bundle, webhook)
        sandbox.courier.tunnels.update(tunnels or {})
        thread, server = _started(sandbox, listener, mine, [bundle, trust] if trust else [bundle])
        try:
            yield Server(f"https://localhost:{listener.getsockname()[1]}", str(bundle), str(webhook))
        finally:
            server.should_exit = True
            thread.join()


class _Uvicorn(uvicorn.Server):
    """Uvicorn that says when it has begun, and leaves signals to whoever started it. Beside it goes the courier."""

    def __init__(self, config: uvicorn.Config, sandbox: Sandbox, trust: ssl.SSLContext) -> None:
        super().__init__(config)
        self.begun = threading.Event()
        self._sandbox = sandbox
        self._trust = trust
        self._delivery: asyncio.Task[None] | None = None
        self._own_transport: httpx.AsyncHTTPTransport | None = None

    async def startup(self, sockets: Sequence[socket] | None = None) -> None:
        await super().startup(list(sockets) if sockets else None)
        courier = self._sandbox.courier
        if courier.transport is None:
            courier.transport = self._own_transport = httpx.AsyncHTTPTransport(verify=self._trust)
        self._delivery = asyncio.create_task(courier.run(lambda: list(self._sandbox.tenants.values())))
        self.begun.set()

    async def shutdown(self, sockets: Sequence[socket] | None = None) -> None:
        """Hang up first: clients that keep connections open would be waited for, and the world ends here anyway."""
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        if self._own_transport is not None:
            self._sandbox.courier.transport = None
            await self._own_transport.aclose()
        await super().shutdown(list(sockets) if sockets else None)
        if self._delivery is not None and not self._delivery.cancel():
            self._delivery.result()  # it ended by itself, which it never should have


class _Connection(H11Protocol):
    """One connection, which ends when a fault says so: without an answer, or in the middle of one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own business
        super().__init__(*args, **kwargs)
        self._application: ASGIApp = self.app
        self.app = self._until_dropped

    async def _until_dropped(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._application(scope, receive, send)
        except Dropped:
            self.transport.close()
            while (await receive())["type"] != "http.disconnect":
                pass


def _started(
    sandbox: Sandbox, listener: socket, own: ssl.SSLContext, trusted: Sequence[Path]
) -> tuple[threading.Thread, _Uvicorn]:
    config = uvicorn.Config(
        sandbox.app,
        interface="asgi3",
        http=_Connection,
        lifespan="off",
        ws="none",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = own
    server = _Uvicorn(config, sandbox, _trusting(trusted))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox")
    thread.start()
    if not server.begun.wait(timeout=30):
        server.should_exit = True
        thread.join()
        raise OSError("The sandbox's server did not start.")
    return thread, server


@contextmanager
def _listening(port: int) -> Iterator[socket]:
    """A bound socket, so that the port is known, and taken, before the server begins."""
    # Named as TCP, or asyncio would leave Nagle's algorithm on, which costs 40 ms an answer.
    with socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) as listener:
        if os.name == "posix":
            listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        yield listener


def _certificate(bundle: Path, webhook: Path) -> ssl.SSLContext:
    """A server's TLS context with a certificate for localhost, whose authority's own is put into ``bundle``.

    Another one, with its key, is put into ``webhook``.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(bundle))
    webhook.touch(mode=0o600)
    authority.issue_cert("localhost", _HOST).private_key_and_cert_chain_pem.write_to_path(str(webhook))
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", _HOST).configure_cert(trust)
    return trust


def _trusting(files: Sequence[Path]) -> ssl.SSLContext:
    """A client's TLS context that trusts these authorities besides the machine's own."""
    trust = ssl.create_default_context()
    for one in files:
        trust.load_verify_locations(cafile=str(one))
    return trust
