"""The status page in a real Chromium, as `make check` has one; skipped where there is none, but not in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serve.process import House, until

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "pictures"


def node() -> str:
    """Node.js, where it and what it drives are there."""
    found = shutil.which("node")
    chromium = os.environ.get("CHROMIUM") or next(filter(shutil.which, ("chromium-headless-shell", "chromium")), None)
    driver = ROOT / "docs" / "cards" / "node_modules" / "puppeteer-core"
    if found is None or chromium is None or not driver.exists():
        why = "no Node.js, Chromium or puppeteer-core: `make browser` gets the latter two"
        assert not os.environ.get("CI"), why
        pytest.skip(why)
    return found


@pytest.mark.hard
def test_the_page_is_readable_on_a_phone_and_on_a_desk_by_day_and_by_night(house: Callable[..., House]) -> None:
    program = node()
    one = house(12)
    for account in one.tenant.employees[:2]:
        account.mailbox.denied = True
    process = one.serve()
    until(lambda: "A shard was worked off." in process.logged)
    looking = subprocess.run(  # noqa: S603 - our own script
        [program, str(ROOT / "tests" / "serve" / "look.mjs"), process.link, str(PICTURES)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert looking.returncode == 0, looking.stderr
    seen = " ".join(looking.stdout.split())
    assert "Fjällvik AB" in seen
    assert "Not everybody was reached." in seen
    assert one.tenant.employees[0].address in seen, "a technical failure is told by name"
    assert one.tenant.employees[5].address not in seen
    for place in ("phone", "desk"):
        for scheme in ("light", "dark"):
            assert (PICTURES / f"status.{place}.{scheme}.png").stat().st_size > 10_000
