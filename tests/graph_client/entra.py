"""A sign-in service over real TLS, for the real msal: it gives numbered tokens, or the error it is told to give."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import trustme

TENANT = "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"


@dataclass
class Entra:
    """What it is asked and what it answers."""

    url: str
    ca_bundle: str
    lives: int = 3600
    slow: float = 0
    roles: list[str] = field(default_factory=lambda: ["Calendars.ReadWrite"])
    error: tuple[int, dict[str, Any]] | None = None
    discovery_error: tuple[int, dict[str, Any]] | None = None
    forms: list[dict[str, str]] = field(default_factory=list)
    discoveries: int = 0

    def discover(self) -> tuple[int, dict[str, Any]]:
        self.discoveries += 1
        base = f"{self.url}/{TENANT}"
        return self.discovery_error or (
            200,
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            },
        )

    def give(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.forms.append(form)
        time.sleep(self.slow)
        return self.error or (
            200,
            {"token_type": "Bearer", "expires_in": self.lives, "access_token": token(len(self.forms), self.roles)},
        )


def token(number: int, roles: list[str]) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"roles": roles, "uti": str(number)}).encode()).decode().rstrip("=")
    return f"header.{claims}.signature"


@contextmanager
def serving(folder: Path) -> Iterator[Entra]:
    authority = trustme.CA()
    bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(*entra.discover())

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(*entra.give({key: values[0] for key, values in parse_qs(text).items()}))

        def _send(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(trust)
        server.socket = trust.wrap_socket(server.socket, server_side=True)
        entra = Entra(f"https://localhost:{server.server_port}", str(bundle))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield entra
        finally:
            server.shutdown()
            thread.join()
