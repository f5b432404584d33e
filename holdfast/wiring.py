"""The one place that says which real thing fills which port, and the only one that knows the clock, chance and the environment."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from graph_client.connect import Connection, Graph, connect
from holdfast.core.settings import Credential, Settings, parse
from holdfast.jobs.ports import Ports
from holdfast.store.sqlite import open_state

SETTINGS_FILE = "settings.yaml"
STATE_FILE = "holdfast.db"


class SetupError(Exception):
    """Something outside the settings file is missing or wrong; the message says what and how to put it right."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def environment() -> Mapping[str, str]:
    """The process's environment variables."""
    return os.environ


def settings_path(given: Path | None, env: Mapping[str, str]) -> Path:
    """The settings file: the one given, else ``HOLDFAST_SETTINGS``, else ``settings.yaml`` in the working folder."""
    return given or Path(env.get("HOLDFAST_SETTINGS") or SETTINGS_FILE)


def load_settings(path: Path, env: Mapping[str, str]) -> Settings:
    """The settings in the file. Raises ``SetupError`` where it cannot be read and ``SettingsError`` for what it says."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SetupError(
            f"There is no settings file {path}. `holdfast init` writes one to begin with; --settings FILE or "
            "HOLDFAST_SETTINGS names another."
        ) from None
    except OSError as error:
        raise SetupError(f"The settings file {path} cannot be read: {error.strerror}.") from error
    return parse(content, name=str(path), environment=env)


@dataclass(frozen=True, slots=True)
class Wired:
    """The ports, filled, and the connection behind them for those who ask it about itself."""

    ports: Ports
    graph: Graph


@asynccontextmanager
async def wired(settings: Settings, env: Mapping[str, str]) -> AsyncIterator[Wired]:
    """Everything a job needs, for one tenant. Nothing is sent before the first call.

    Raises ``SetupError`` for a missing secret or a bad address, and ``StateUnusable`` for the state file.
    """
    clock = SystemClock()
    tenant = str(settings.tenant.tenant_id)
    state_path = Path(env.get("HOLDFAST_STATE") or STATE_FILE)
    link = connection(settings, env)
    with open_state(state_path, tenant) as state:
        async with connect(link, clock=clock, random=random.Random()) as graph:
            yield Wired(Ports(graph.directory, graph.calendars, state, clock), graph)


def connection(settings: Settings, env: Mapping[str, str]) -> Connection:
    """Where to sign in and how. Secrets and addresses come from the environment alone. Raises ``SetupError``."""
    tenant = settings.tenant
    secret = env.get("HOLDFAST_CLIENT_SECRET")
    certificate = env.get("HOLDFAST_CERTIFICATE_PATH")
    if tenant.credential is Credential.SECRET and not secret:
        raise SetupError("tenant.credential is secret, but the environment variable HOLDFAST_CLIENT_SECRET is not set.")
    if tenant.credential is Credential.CERTIFICATE and not certificate:
        raise SetupError(
            "tenant.credential is certificate, but the environment variable HOLDFAST_CERTIFICATE_PATH is not set: "
            "the path of a PEM file with the private key and the certificate."
        )
    try:
        return Connection.to(
            tenant_id=str(tenant.tenant_id),
            client_id=str(tenant.client_id) if tenant.client_id else None,
            credential=tenant.credential.value,
            cloud=tenant.cloud.value,
            secret=secret,
            certificate_path=certificate,
            authority=env.get("HOLDFAST_AUTHORITY"),
            graph_url=env.get("HOLDFAST_GRAPH_URL"),
            ca_bundle=env.get("HOLDFAST_CA_BUNDLE"),
        )
    except ValueError as error:
        raise SetupError(str(error)) from error
