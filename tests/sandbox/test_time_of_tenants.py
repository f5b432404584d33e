"""The clock: one that follows, one that stands, sleeping by either, and zones by the names Graph takes."""

from __future__ import annotations

import ast
import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tzlocal import windows_tz

import sandbox
from sandbox import Clock
from sandbox.errors import GraphError
from sandbox.zones import IANA_ACCEPTED, zone
from tests.sandbox.graph import NOW


def test_a_clock_that_stands() -> None:
    clock = Clock(at=NOW.astimezone(timezone(timedelta(hours=5))))
    assert clock.stands
    assert clock.now() == clock.now() == NOW
    assert clock.now().tzinfo is UTC
    clock.advance(timedelta(minutes=3))
    assert clock.now() == NOW + timedelta(minutes=3)
    clock.set(NOW)
    assert clock.now() == NOW


def test_a_clock_that_follows() -> None:
    clock = Clock()
    assert not clock.stands
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    clock.set(NOW)
    assert timedelta() <= clock.now() - NOW < timedelta(seconds=5)
    clock.advance(timedelta(days=30))
    assert timedelta(days=30) <= clock.now() - NOW < timedelta(days=31)


@pytest.mark.parametrize("make", [lambda at: Clock(at=at), lambda at: Clock().set(at)])
def test_a_clock_is_never_set_to_a_time_without_a_zone(make: object) -> None:
    with pytest.raises(ValueError, match="zone"):
        make(datetime(2026, 1, 1))  # type: ignore[operator]  # noqa: DTZ001


@pytest.mark.parametrize("clock", [Clock(at=NOW), Clock()])
async def test_sleeping_ends_when_the_time_has_come(clock: Clock) -> None:
    sleeping = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(timedelta(seconds=3500))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not sleeping.done()
    clock.advance(timedelta(seconds=100))
    await sleeping
    await clock.sleep(0)
    await clock.sleep(-1)


async def test_a_clock_may_be_set_from_another_thread() -> None:
    clock = Clock(at=NOW)
    sleeping = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    threading.Thread(target=clock.advance, args=(timedelta(seconds=60),)).start()
    await sleeping


async def test_a_sleep_that_is_cancelled_leaves_nothing() -> None:
    clock = Clock(at=NOW)
    sleeping = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    clock.advance(timedelta(seconds=60))


async def test_a_clock_that_follows_lets_time_pass_by_itself() -> None:
    await Clock().sleep(0.001)


def test_all_of_windows_names_are_zones() -> None:
    assert {zone(name).key for name in windows_tz.win_tz} - {"UTC"} == set(windows_tz.win_tz.values()) - {"Etc/UTC"}
    assert zone("W. Europe Standard Time") == ZoneInfo("Europe/Berlin")
    assert zone("UTC") == ZoneInfo("UTC")


def test_some_iana_names_are_zones() -> None:
    assert len(IANA_ACCEPTED) > 90
    assert {zone(name).key for name in IANA_ACCEPTED} == IANA_ACCEPTED


@pytest.mark.parametrize("name", ["Europe/Stockholm", "Europe/Oslo", "w. europe standard time", "", "CET", "+01:00"])
def test_others_are_none(name: str) -> None:
    with pytest.raises(GraphError) as refused:
        zone(name)
    assert (refused.value.status, refused.value.code) == (400, "TimeZoneNotSupportedException")


def test_only_the_clock_asks_the_machine_for_time_and_nobody_asks_chance_without_a_seed() -> None:
    allowed = {"clock.py"}
    for path in Path(sandbox.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and path.name not in allowed:
                said = ast.unparse(node)
                assert said not in {"datetime.now", "datetime.utcnow", "date.today", "time.time", "time.monotonic"}, (
                    path
                )
                assert not (said.startswith("random.") and said != "random.Random"), path
                assert said not in {"uuid.uuid4", "os.urandom"}, path
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {name.name for name in node.names} | {getattr(node, "module", "")}
                assert not names & ({"time", "secrets"} if isinstance(node, ast.Import) else {"secrets"}), path
