"""The health route: alive, stalled, or unable to read what it needs; never a name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from functions.health import health
from holdfast import wiring
from holdfast.cli.init import example
from holdfast.core.settings import Language
from holdfast.wiring import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("HOLDFAST_SETTINGS", str(tmp_path / "settings.yaml"))
    monkeypatch.delenv("HOLDFAST_STATE", raising=False)
    (tmp_path / "settings.yaml").write_text(example(Language.EN), encoding="utf-8")
    return Place.of(None, wiring.environment())


async def ask() -> tuple[int, dict[str, Any]]:
    answer = await health(func.HttpRequest(method="GET", url="/api/health", body=b""))
    return answer.status_code, json.loads(answer.get_body())


async def record(place: Place, *, age: timedelta, states: dict[str, int]) -> None:
    run = {
        "job": "sweep",
        "ended": (datetime.now(UTC) - age).isoformat(),
        "states": states,
        "writes": 0,
        "problems": [],
        "note": "",
    }
    async with wiring.remembering(place, place.settings()) as memory:
        await memory.state.record_run(run)


async def test_before_the_first_run_all_is_well(place: Place) -> None:
    assert place
    assert await ask() == (200, {"healthy": True, "why": "", "last_run_age_seconds": None})


async def test_a_recent_run_is_healthy_and_its_age_is_told(place: Place) -> None:
    await record(place, age=timedelta(minutes=40), states={"held": 3, "unread": 1})
    status, body = await ask()
    assert status == 200
    assert 2400 <= body["last_run_age_seconds"] < 2460


async def test_a_stalled_sweep_is_not(place: Place) -> None:
    await record(place, age=timedelta(hours=3, minutes=1), states={"held": 3})
    status, body = await ask()
    assert (status, body["healthy"]) == (503, False)
    assert "three hours" in body["why"]


@pytest.mark.parametrize("states", [{"unread": 5, "held": 0}, {}])
async def test_a_run_that_reached_nobody_is_not(place: Place, states: dict[str, int]) -> None:
    await record(place, age=timedelta(minutes=1), states=states)
    status, body = await ask()
    assert status == 503
    assert "nobody" in body["why"]


async def test_broken_settings_are_told_to_the_log_and_not_to_strangers(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.settings_path.write_text("version: 1\nsecret: hunter2\n", encoding="utf-8")
    status, body = await ask()
    assert status == 503
    assert "log" in body["why"]
    assert "hunter2" not in str(body)
    assert "settings.yaml:2:1" in caplog.text
