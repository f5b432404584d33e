"""A firm on the sandbox that the functions look after, in one process with it: for `make load` and `make latency`."""

from __future__ import annotations

import base64
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest import mock

import structlog
from typer.testing import CliRunner

from benchmarks.race import WorkNotDone
from holdfast.cli.app import app
from holdfast.cli.init import example
from holdfast.core.settings import Language
from sandbox import Clock, Person, Sandbox, Server, Tenant, firm, serving
from sandbox.directory import Account
from sandbox.tenant import Entry
from tests import azurite
from tests.tenants import series

ON_AZURITE, IN_A_FILE = "Azurite, functions", "SQLite, serve"
STORES = (ON_AZURITE, IN_A_FILE)


def quiet() -> None:
    """Let logs tell nothing but errors, whatever a command has set up: writing lines is not what is measured."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@dataclass(frozen=True, slots=True)
class Office:
    """The tenant, with its settings where the environment says, and the storage account where there is one."""

    tenant: Tenant
    sandbox: Sandbox
    account: azurite.Azurite | None

    def command(self, *words: str) -> None:
        """Type a command. Raises ``WorkNotDone`` where it fails."""
        outcome = CliRunner().invoke(app, words)
        quiet()
        if outcome.exit_code:
            raise WorkNotDone(outcome.output)

    def coming(self, account: Account) -> list[Entry]:
        """The dates of blocks in somebody's calendar that are not close at hand."""
        now = self.tenant.clock.now()
        view = self.tenant.calendar(account.id, now + timedelta(days=2), now + timedelta(days=90))
        return [entry for entry in view if entry.tag]

    def delete_series(self, account: Account) -> None:
        """Somebody deletes their whole series."""
        Person(self.tenant, account).delete_series(self.coming(account)[0].id)

    def is_held(self, account: Account) -> bool:
        """Whether somebody has the one series, with dates to come."""
        return series(account) == 1 and bool(self.coming(account))


@contextmanager
def office(people: int, store: str, *, more: Mapping[str, str] | None = None) -> Iterator[Office]:
    """A fresh firm. The environment is the app's for as long as it is there."""
    quiet()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        account = stack.enter_context(_account()) if store == ON_AZURITE else None
        sandbox = Sandbox()
        server: Server = stack.enter_context(serving(sandbox))
        tenant = sandbox.add(firm(people=people, seed=people, clock=Clock(), language="sv"))
        text = example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01").replace("mode: watch", "mode: keep")
        (folder / "settings.yaml").write_text(text, encoding="utf-8")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        given = {**server.environment(tenant), "HOLDFAST_SETTINGS": str(folder / "settings.yaml"), **(more or {})}
        if account is not None:
            given |= {
                "HOLDFAST_STATE": account.tables,
                "HOLDFAST_QUEUES": account.queues,
                "HOLDFAST_STORAGE_KEY": account.key,
                "HOLDFAST_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
            }
        stack.enter_context(mock.patch.dict(os.environ, {**clean, **given}, clear=True))
        yield Office(tenant, sandbox, account)


@contextmanager
def _account() -> Iterator[azurite.Azurite]:
    """The storage account that tests use, as a fixture of theirs."""
    yield from azurite.azurite.__wrapped__()
