"""The one place that says which real thing fills which port.

It alone knows the clock, chance and the environment. What reaches out is loaded when it is first needed: Graph's
webhook comes by here and has seconds, and it calls nobody but a queue.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.settings import Credential, Settings, parse
from holdfast.jobs.ports import Ports, Queue, State
from holdfast.store import blobs, key
from holdfast.store.account import Account
from holdfast.store.queues import SqliteQueue
from holdfast.store.sqlite import SqliteState
from holdfast.store.sqlite_file import open_rows

if TYPE_CHECKING:
    from graph_client.connect import Connection, Graph, Login
    from graph_client.login import SignIn
    from graph_client.subscriptions import Addresses
    from graph_client.workflows import Workflows

SETTINGS_FILE = "settings.yaml"
STATE_FILE = "holdfast.db"

_PATIENCE = 10.0
"""Seconds for a page to answer."""
_NO_HEADS = frozenset({403, 405, 501})
"""What pages answer that are asked for their head alone and do not like that."""

VARIABLES = {
    "HOLDFAST_SETTINGS": "The settings file: a path, or the address of a blob such as "
    "https://ACCOUNT.blob.core.windows.net/holdfast/settings.yaml. Default: settings.yaml in the working folder.",
    "HOLDFAST_STATE": "Where state is kept: a file, or the tables of a storage account, "
    "https://ACCOUNT.table.core.windows.net. Default: holdfast.db beside the settings file.",
    "HOLDFAST_QUEUES": "Where messages for later are, with state in tables. Default: the queues of the same account.",
    "AZURE_CLIENT_ID": "The managed identity to come to the storage account as, for an app that has several.",
    "HOLDFAST_STORAGE_KEY": "The storage account's key, instead of a managed identity. For simulators.",
    key.KEY: "The key under which what people do with blocks and the sign-in to post are remembered. Default: the file "
    f"{key.KEY_FILE} beside the state, made on first use; with state in tables there is none.",
    key.KEY_PREVIOUS: "The key before, while it is replaced.",
    "HOLDFAST_CLIENT_SECRET": "The client secret of the app registration, for tenant.credential: secret.",
    "HOLDFAST_CERTIFICATE_PATH": "A PEM file with private key and certificate, for tenant.credential: certificate.",
    "HOLDFAST_WORKFLOW_<ID>": "The address of a channel's workflow, for a channel with via: workflow: its id in "
    "capitals, with _ for -. A secret: whoever knows it can post.",
    "HOLDFAST_AUTHORITY": "Where tokens are asked for, instead of Microsoft's own sign-in service. For simulators.",
    "HOLDFAST_GRAPH_URL": "Where Graph is, instead of Microsoft's own address. For simulators.",
    "HOLDFAST_CA_BUNDLE": "A PEM file of certificate authorities to trust besides the usual ones.",
}
"""The environment variables that are read, besides those that fill ``tenant``, and what each is for."""


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


class WebPages:
    """Fills the port ``Web``: asks for the head of a page, and for the page where that is refused."""

    async def problem(self, url: str) -> str:
        """What is wrong with a page, in words; nothing where it answers."""
        import httpx  # noqa: PLC0415 - as the first lines of this file say

        try:
            async with httpx.AsyncClient(follow_redirects=True, timeout=_PATIENCE) as http:
                answer = await http.head(url)
                if answer.status_code in _NO_HEADS:
                    async with http.stream("GET", url) as answer:
                        pass
        except httpx.HTTPError as error:
            return f"does not answer ({type(error).__name__})"
        return f"answers {answer.status_code}" if answer.is_error else ""


def holder() -> str:
    """A name for this run, by which what it holds in the state is told from what others hold."""
    return secrets.token_hex(8)


def secret() -> str:
    """Something that nobody can guess, another each time."""
    return secrets.token_urlsafe(32)


def chance() -> random.Random:
    """What spreads waits and numbers requests, and guards nothing."""
    return random.Random()  # noqa: S311 - as it says


def environment() -> Mapping[str, str]:
    """The process's environment variables."""
    return os.environ


@dataclass(frozen=True, slots=True)
class Place:
    """Which settings file is meant, and what the environment says besides.

    ``settings_url`` is the address of a blob that stands for the file, where the environment names one.
    """

    settings_path: Path
    variables: Mapping[str, str]
    settings_url: str | None = None

    @classmethod
    def of(cls, given: Path | None, variables: Mapping[str, str]) -> Place:
        """The file ``given``, else ``HOLDFAST_SETTINGS``, else ``settings.yaml`` in the working folder."""
        named = variables.get("HOLDFAST_SETTINGS") or SETTINGS_FILE
        if given is None and _is_address(named):
            return cls(Path(SETTINGS_FILE), variables, named)
        return cls(given or Path(named), variables)

    @property
    def state_path(self) -> Path:
        """``HOLDFAST_STATE``, else ``holdfast.db`` beside the settings."""
        named = self.variables.get("HOLDFAST_STATE")
        return Path(named) if named else self.settings_path.with_name(STATE_FILE)

    @property
    def _is_in_azure(self) -> bool:
        """Whether Azure runs this, which then says where to ask for tokens of its identity."""
        return "IDENTITY_ENDPOINT" in self.variables

    @property
    def account(self) -> Account | None:
        """The storage account in which state is kept; None where it is in a file. Raises ``SetupError``."""
        named = self.variables.get("HOLDFAST_STATE")
        if not named or not _is_address(named):
            if self.settings_url and not named:
                raise SetupError(
                    "HOLDFAST_STATE is not set, and beside settings in Azure there is no folder for state. Set it "
                    "to the tables of a storage account, https://ACCOUNT.table.core.windows.net."
                )
            return None
        queues, storage_key, client_id = map(
            self.variables.get, ("HOLDFAST_QUEUES", "HOLDFAST_STORAGE_KEY", "AZURE_CLIENT_ID")
        )
        try:
            return Account.at(
                named,
                queues=queues or None,
                key=storage_key or None,
                client_id=client_id or None,
                in_azure=self._is_in_azure,
            )
        except ValueError as error:
            raise SetupError(str(error)) from error

    def settings(self) -> Settings:
        """What the file says, when it has been read: where it is a blob, that takes as long as a request does.

        Raises ``SetupError`` where it cannot be read and ``SettingsError`` for what it says.
        """
        name = self.settings_url or str(self.settings_path)
        return parse(self._content(), name=name, environment=self.variables)

    def _content(self) -> bytes:
        if self.settings_url:
            storage_key, client_id = map(self.variables.get, ("HOLDFAST_STORAGE_KEY", "AZURE_CLIENT_ID"))
            try:
                return blobs.read(
                    self.settings_url,
                    key=storage_key or None,
                    client_id=client_id or None,
                    in_azure=self._is_in_azure,
                )
            except blobs.BlobUnreadable as error:
                raise SetupError(str(error)) from error
        try:
            return self.settings_path.read_bytes()
        except FileNotFoundError:
            raise SetupError(
                f"There is no settings file {self.settings_path}. `holdfast init` writes one to begin with; "
                "--settings FILE or HOLDFAST_SETTINGS names another."
            ) from None
        except OSError as error:
            raise SetupError(f"The settings file {self.settings_path} cannot be read: {error.strerror}.") from error


def _is_address(named: str) -> bool:
    return named.startswith(("https://", "http://"))


@dataclass(frozen=True, slots=True)
class ClientStates:
    """The keys of what our subscriptions are known by: new ones are made with ``today``; ``all`` are accepted."""

    today: bytes = field(repr=False)
    all: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Memory:
    """What remembers: the state, the queue, and the key that people are kept under.

    ``own_queue`` is the queue where it is for us to work it off; None where Azure's queue triggers do.
    """

    state: State
    queue: Queue
    key: key.Key
    own_queue: SqliteQueue | None

    @property
    def client_states(self) -> ClientStates:
        """The keys of client states: what they are derived from is that of all else that is remembered."""
        secret, previous = self.key.secret, self.key.previous
        return ClientStates(secret, (secret, previous) if previous else (secret,))


@asynccontextmanager
async def remembering(place: Place, settings: Settings) -> AsyncIterator[Memory]:
    """What is remembered of the settings' tenant. Belongs to the running event loop.

    Raises ``SetupError``, ``StateUnusable`` and ``KeyUnusable``.
    """
    tenant, account = str(settings.tenant.tenant_id), place.account
    own = key.of(place.variables, None if account else place.state_path, make=secret)
    if account is None:
        with open_rows(place.state_path, tenant) as rows:
            queue = SqliteQueue(rows, SystemClock())
            yield Memory(SqliteState(rows, own), queue, own, queue)
        return
    from holdfast.store.azure_queues import open_queues  # noqa: PLC0415 - Azure's clients are slow to load
    from holdfast.store.table import open_state  # noqa: PLC0415 - as above

    async with open_state(account, tenant, own) as state, open_queues(account) as queues:
        yield Memory(state, queues, own, None)


@dataclass(frozen=True, slots=True)
class Wired:
    """The ports, filled, and what is behind them for those who ask it about itself."""

    ports: Ports
    graph: Graph
    workflows: Workflows
    memory: Memory


@asynccontextmanager
async def wired(place: Place, settings: Settings) -> AsyncIterator[Wired]:
    """Everything a job needs, for one tenant. Nothing is sent before the first call.

    Raises ``SetupError`` for a missing secret or a bad address, and ``StateUnusable`` for the state file.
    """
    from graph_client.connect import connect, teams  # noqa: PLC0415 - as the first lines of this file say

    clock = SystemClock()
    luck = chance()
    tenant = connection(settings, place.variables)
    async with (
        remembering(place, settings) as memory,
        connect(tenant, clock=clock, random=luck, told_at=told_at(settings)) as graph,
        teams(
            tenant, login(settings), cache=memory.state, variables=place.variables, clock=clock, random=luck
        ) as to_teams,
    ):
        ports = Ports(
            graph.directory,
            graph.calendars,
            memory.state,
            clock,
            graph.mail,
            channels=to_teams.channels,
            workflow=to_teams.workflows,
            queue=memory.queue,
            subscriptions=graph.subscriptions,
        )
        yield Wired(ports, graph, to_teams.workflows, memory)


def told_at(settings: Settings) -> Addresses | None:
    """Where Graph is to tell of changes; None where the settings do not say."""
    from graph_client.subscriptions import Addresses  # noqa: PLC0415 - as the first lines of this file say

    notifications, lifecycle = settings.tenant.notification_url, settings.tenant.lifecycle_url
    return Addresses(notifications, lifecycle) if notifications and lifecycle else None


def login(settings: Settings) -> Login | None:
    """The registration and the account that the settings post with; None where they post by workflows or not at all."""
    from graph_client.connect import Login  # noqa: PLC0415 - as the first lines of this file say

    given = settings.tenant.login
    return Login(str(given.client_id), given.account) if given else None


@asynccontextmanager
async def signing_in(place: Place, settings: Settings) -> AsyncIterator[SignIn]:
    """The sign-in of the account that posts, for a command that a person sits in front of.

    Raises ``SetupError`` where the settings name nobody, ``StateUnusable`` and ``KeyUnusable``.
    """
    from graph_client.connect import sign_in  # noqa: PLC0415 - as the first lines of this file say

    given = login(settings)
    if given is None:
        raise SetupError(
            "The settings name no account to sign in: write tenant.login with the client_id of a registration that "
            "people can sign in to, and the account that posts."
        )
    tenant = connection(settings, place.variables, of_the_app=False)
    async with remembering(place, settings) as memory:
        found = sign_in(tenant, given, cache=memory.state, clock=SystemClock())
        try:
            yield found
        finally:
            found.close()


def connection(settings: Settings, variables: Mapping[str, str], *, of_the_app: bool = True) -> Connection:
    """Where to sign in and how. Secrets and addresses come from the environment alone. Raises ``SetupError``.

    A person who signs in needs no credential of the app: it is left out where the connection is not ``of_the_app``.
    """
    from graph_client.connection import Connection  # noqa: PLC0415 - as the first lines of this file say

    tenant = settings.tenant
    if not of_the_app:
        tenant = tenant.model_copy(update={"credential": Credential.MANAGED_IDENTITY})
    secret = variables.get("HOLDFAST_CLIENT_SECRET")
    certificate = variables.get("HOLDFAST_CERTIFICATE_PATH")
    if tenant.credential is Credential.SECRET and not secret:
        raise SetupError(
            "tenant.credential is secret, but the environment variable HOLDFAST_CLIENT_SECRET is not set: "
            "the value of a client secret of the app registration."
        )
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
            authority=variables.get("HOLDFAST_AUTHORITY"),
            graph_url=variables.get("HOLDFAST_GRAPH_URL"),
            ca_bundle=variables.get("HOLDFAST_CA_BUNDLE"),
        )
    except ValueError as error:
        raise SetupError(str(error)) from error
