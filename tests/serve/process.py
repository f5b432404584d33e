"""`holdfast serve` as a process of its own, as somebody starts it, in a folder with an approved settings file."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.cli.init import example
from holdfast.core.settings import Language
from sandbox import Tenant
from tests.cli.command import Desk
from tests.tenants import Served

PATIENCE = 120.0
"""Seconds in which anything has to happen, on a machine that is busy with other tests."""


def until(what: Callable[[], Any], *, within: float = PATIENCE) -> Any:
    """What is looked at, once it is true; a failure if it is not in time."""
    ends = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Process:
    """A running `serve`: what it prints and logs goes to files, which are read as it writes them."""

    folder: Path
    running: subprocess.Popen[bytes]
    number: int

    @property
    def printed(self) -> str:
        return (self.folder / f"serve{self.number}.out").read_text(encoding="utf-8")

    @property
    def logged(self) -> str:
        return (self.folder / f"serve{self.number}.log").read_text(encoding="utf-8")

    def until_printed(self, pattern: str) -> str:
        def found() -> re.Match[str] | None:
            assert self.running.poll() is None, self.logged
            return re.search(pattern, self.printed)

        match: re.Match[str] = until(found)
        return match[0]

    @property
    def link(self) -> str:
        """The link to the page that was printed last."""
        self.until_printed(r"http://localhost:\d+/\?token=\S+\n")
        return re.findall(r"http://localhost:\d+/\?token=\S+", self.printed)[-1]

    def send(self, number: signal.Signals) -> None:
        os.kill(self.running.pid, number)

    def ends(self, *, within: float = PATIENCE) -> int:
        return self.running.wait(within)


@dataclass
class House:
    """Somebody's machine: a desk with settings that are approved, and `serve` on it."""

    tenant: Tenant
    desk: Desk
    started: list[Process] = field(default_factory=list)

    @classmethod
    def of(cls, served: Served, folder: Path, people: int, **variables: str) -> House:
        """A firm whose settings are in mode keep and have been applied."""
        tenant = served.firm(people)
        desk = Desk(folder, {**served.environment(tenant), "PYTHONUNBUFFERED": "1", **variables})
        text = example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01").replace("mode: watch", "mode: keep")
        desk.write(text.replace("    minutes: 60", "    minutes: 60\n    protection: strict"))
        result = desk.run("apply", "--yes")
        assert result.exit_code == 0, result.output
        return cls(tenant, desk)

    def serve(self, *options: str) -> Process:
        number = len(self.started)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        with (
            (self.desk.folder / f"serve{number}.out").open("wb") as out,
            (self.desk.folder / f"serve{number}.log").open("wb") as log,
        ):
            running = subprocess.Popen(  # noqa: S603 - this very program
                [sys.executable, "-m", "holdfast", "serve", "--page-port", "0", *options],
                cwd=self.desk.folder,
                env=clean | self.desk.variables,
                stdout=out,
                stderr=log,
            )
        self.started.append(Process(self.desk.folder, running, number))
        return self.started[-1]

    def close(self) -> None:
        for one in self.started:
            if one.running.poll() is None:
                one.running.kill()
                one.running.wait(30)
