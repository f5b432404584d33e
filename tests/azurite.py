"""A storage account for tests: Azurite, which Microsoft makes for that, from npm and on loopback only."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from holdfast.store.account import Account

PROGRAM = Path(__file__).parent / "azurite/node_modules/azurite/dist/src/azurite.js"
NAME = "fjallvik"
_PATIENCE = 60
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class Azurite:
    """The addresses of its services, with the account in the path, and the account's key."""

    blobs: str
    queues: str
    tables: str
    key: str = field(repr=False)

    @property
    def account(self) -> Account:
        return Account(self.tables, self.queues, self.key)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One for each process that runs tests. Where it is not installed tests are skipped, but on CI they fail."""
    node = shutil.which("node")
    if node is None or not PROGRAM.exists():
        lacking = "Azurite is not installed: run `make azurite`, which needs Node.js."
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence"]
    for service in ("blob", "queue", "table"):
        flags += [f"--{service}Host", "127.0.0.1", f"--{service}Port", "0"]
    process = subprocess.Popen(  # noqa: S603 - a program of this repository's own lock file
        [node, str(PROGRAM), *flags],
        env={**os.environ, "AZURITE_ACCOUNTS": f"{NAME}:{key}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        found = _addresses(process)
        yield Azurite(*(f"{found[service]}/{NAME}" for service in ("Blob", "Queue", "Table")), key)
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _addresses(process: subprocess.Popen[str]) -> dict[str, str]:
    """Where its services listen, which it says when they do. What it says is read for as long as it runs."""
    said: SimpleQueue[str] = SimpleQueue()
    output = process.stdout
    assert output is not None

    def read() -> None:
        with output:
            for line in output:
                said.put(line)
        said.put("")

    threading.Thread(target=read, daemon=True).start()
    found: dict[str, str] = {}
    lines: list[str] = []
    while len(found) < 3:
        try:
            lines.append(said.get(timeout=_PATIENCE))
        except Empty:
            lines.append("")
        if not lines[-1]:
            pytest.fail(f"Azurite does not come up: {''.join(lines)}")
        if match := _LISTENING.search(lines[-1]):
            found[match[1]] = match[2]
    return found
