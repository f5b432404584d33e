"""The race: each contestant in a process of its own, against a sandbox of its own that nobody has touched before.

What went over the wire is told by the sandbox, whose counters are read before and after; nobody's own account is taken.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.given import FILE
from benchmarks.meter import READY
from holdfast.cli.init import example
from holdfast.core.settings import Language
from holdfast.wiring import STATE_FILE

ROOT = Path(__file__).resolve().parent.parent

_FOREIGN = ("HOLDFAST_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""Variables that would lead a contestant elsewhere: requests believes REQUESTS_CA_BUNDLE above what it is told."""


LIST, DATES = "GET events", "GET instances"
"""Calls by the sandbox's names."""

_planned: dict[int, bytes] = {}
"""The product's state after a ``plan``, by how many people there are: as many people make the same tenant each time."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of work: the part of the report it belongs to, its name there, and the words after ``python -m``.

    ``calls`` are the reads that each mailbox must see at least, by the sandbox's names, and ``writes`` the writes, or
    the work was not done. ``whole``: the process is measured from outside, from its start to its end.
    """

    part: str
    name: str
    words: tuple[str, ...]
    calls: tuple[str, ...]
    writes: int = 0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Contestant:
    """Steps to take on one tenant, each in a new process.

    ``slow`` ones get fewer mailboxes, ``planned`` ones a ``holdfast plan`` before.
    """

    name: str
    steps: tuple[Step, ...]
    slow: bool = False
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step cost, in all: seconds, bytes and numbers. ``grown`` is how far memory rose above where it began."""

    mailboxes: int
    requests: int
    calls: int
    cpu: float
    wall: float
    peak: int
    grown: int | None
    profile: str = ""

    def each(self, total: float) -> float:
        """So much for each mailbox."""
        return total / self.mailboxes


class WorkNotDone(Exception):
    """A contestant ended in trouble, or did not do what it is compared for."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A running sandbox, and a folder in which a contestant finds what it needs."""

    folder: Path
    variables: Mapping[str, str]
    people: int
    http: httpx.Client

    def counts(self) -> dict[str, Any]:
        """What has happened there so far."""
        counts: dict[str, Any] = self.http.get("counts").raise_for_status().json()
        return counts

    def run(self, step: Step, *more: str) -> Cost:
        """Take one step, with ``more`` words for it. Raises ``WorkNotDone``."""
        return self._whole(step) if step.whole else self._inside(step, *more)

    def plan(self) -> None:
        """Let the product know what each mailbox is for, as it does once it has looked."""
        state = self.folder / STATE_FILE
        if self.people in _planned:
            state.write_bytes(_planned[self.people])
            return
        command = [sys.executable, "-m", "holdfast", "plan"]
        with (self.folder / "plan.txt").open("w") as out:
            subprocess.run(command, cwd=self.folder, env=dict(self.variables), stdout=out, stderr=out, check=True)
        _planned[self.people] = state.read_bytes()

    def _inside(self, step: Step, *more: str) -> Cost:
        """Measured by the contestant itself, from when it is ready to when it is done."""
        with (
            (self.folder / "errors.txt").open("w+") as errors,
            subprocess.Popen(
                [sys.executable, "-m", *step.words, *more],
                cwd=self.folder,
                env=dict(self.variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as process,
        ):
            ready = process.stdout.readline().strip() if process.stdout else ""
            before = self.counts()
            told, _ = process.communicate("\n" if ready == READY else None)
            if process.returncode or ready != READY:
                errors.seek(0)
                raise WorkNotDone(f"{' '.join(step.words)} ended with {process.returncode}:\n{errors.read()}")
        cost = json.loads(told.splitlines()[-1])
        grown = cost["memory_peak"] - cost["memory_before"]
        requests, calls = self._seen(step, before)
        return Cost(
            self.people, requests, calls, cost["cpu"], cost["wall"], cost["memory_peak"], grown, cost["profile"]
        )

    def _whole(self, step: Step) -> Cost:
        """Measured from outside, as a person's shell would: interpreter, imports and all."""
        before = self.counts()
        command = [sys.executable, "-m", *step.words]
        with (self.folder / "output.txt").open("w+") as out:
            began = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=self.folder, env=dict(self.variables), stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                out.seek(0)
                raise WorkNotDone(f"{' '.join(step.words)} ended with {process.returncode}:\n{out.read()}")
        peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        requests, calls = self._seen(step, before)
        return Cost(self.people, requests, calls, used.ru_utime + used.ru_stime, wall, peak, None)

    def _seen(self, step: Step, before: Mapping[str, Any]) -> tuple[int, int]:
        """HTTP requests and Graph calls since ``before``. Raises ``WorkNotDone`` unless everybody was seen to.

        Writes must be right to the number; a reader may look at more mailboxes than get a series.
        """
        after = self.counts()
        made = {kind: count - before["calls"].get(kind, 0) for kind, count in after["calls"].items()}
        writes = after["writes"] - before["writes"]
        unread = any(made.get(kind, 0) < count * self.people for kind, count in Counter(step.calls).items())
        if unread or writes != step.writes * self.people or after["throttled"]:
            raise WorkNotDone(f"{' '.join(step.words)}: of {self.people} mailboxes: {made}, {after['throttled']}")
        return after["requests"] - before["requests"], sum(made.values())


@contextmanager
def tenant(people: int) -> Iterator[Tenant]:
    """A fresh tenant in a process of its own, with settings for it in a folder of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN)}
    clean["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "sandbox", "--people", str(people), "--port", "0", "--json"]
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        with subprocess.Popen(command, cwd=folder, env=clean, stdout=subprocess.PIPE, text=True) as process:
            try:
                told = json.loads(process.stdout.readline() if process.stdout else "")
                trust = httpx.create_ssl_context()
                trust.load_verify_locations(cafile=told["ca_bundle"])
                base = f"{told['url']}/sandbox/tenants/{told['tenant']}/"
                with httpx.Client(base_url=base, verify=trust, trust_env=False, timeout=120) as http:
                    _furnish(folder, told, http.get("roster").raise_for_status().json())
                    yield Tenant(folder, {**clean, **told["environment"]}, people, http)
            finally:
                process.terminate()


def _furnish(folder: Path, told: Mapping[str, Any], roster: Sequence[Mapping[str, Any]]) -> None:
    """What contestants find: the product its settings, the others the mailboxes and how to sign in."""
    text = example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01").replace("mode: watch", "mode: keep")
    (folder / "settings.yaml").write_text(text, encoding="utf-8")
    environment = told["environment"]
    given = {
        "url": told["url"],
        "ca_bundle": told["ca_bundle"],
        "tenant": told["tenant"],
        "client_id": environment["HOLDFAST_CLIENT_ID"],
        "secret": environment["HOLDFAST_CLIENT_SECRET"],
        "mailboxes": [one["id"] for one in roster if one["kind"] == "employee"],
    }
    (folder / FILE).write_text(json.dumps(given), encoding="utf-8")
