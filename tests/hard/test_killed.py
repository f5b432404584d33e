"""``holdfast apply``, killed outright at moments that nobody chose, and run again: every series once, none lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.cli.init import example
from holdfast.core.settings import Language
from sandbox import Exchange, Tenant
from tests.tenants import Served, series, untagged

pytestmark = pytest.mark.hard

PEOPLE = 1000
KILLS = 10


class Killer:
    """Ends a process at the nth write that the tenant sees: the work is done, the answer has not gone out."""

    def __init__(self, sandbox_observers: list[object]) -> None:
        self.writes = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._at = 0
        sandbox_observers.append(self)

    def __call__(self, exchange: Exchange) -> None:
        if exchange.method in ("POST", "PATCH", "DELETE") and "/events" in exchange.path:
            self.writes += 1
            if self._process is not None and self.writes == self._at:
                os.kill(self._process.pid, signal.SIGKILL)

    def aim(self, process: subprocess.Popen[bytes], writes_from_now: int) -> None:
        self._process, self._at = process, self.writes + writes_from_now


def apply(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    return subprocess.Popen(
        [sys.executable, "-m", "holdfast", "apply", "--yes"],
        cwd=folder,
        env=clean | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_ten_times_killed_and_run_again(served: Served, tmp_path: Path) -> None:
    tenant: Tenant = served.firm(PEOPLE)
    theirs = untagged(tenant)
    text = example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01")
    (tmp_path / "settings.yaml").write_text(text, encoding="utf-8")
    killer = Killer(served.sandbox.observers)
    chance = random.Random(20261125)  # noqa: S311 - moments that repeat
    try:
        for _ in range(KILLS):
            process = apply(tmp_path, served.environment(tenant))
            killer.aim(process, chance.randrange(1, PEOPLE // KILLS))
            assert process.wait(120) == -signal.SIGKILL
            assert max(series(one) for one in tenant.employees) == 1
        before = sum(series(one) for one in tenant.employees)
        assert 0 < before < PEOPLE
        assert apply(tmp_path, served.environment(tenant)).wait(120) == 0
        assert [series(one) for one in tenant.employees] == [1] * PEOPLE
        assert not [one for one in tenant.accounts if one.mailbox and one not in tenant.employees and series(one)]
        writes = killer.writes
        assert apply(tmp_path, served.environment(tenant)).wait(120) == 0
        assert killer.writes == writes
        assert untagged(tenant) == theirs
        assert tenant.counts.mails == 0
    finally:
        served.sandbox.observers.remove(killer)
