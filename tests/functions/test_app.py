"""The Functions app as Azure's host sees it: which functions there are, and what each is bound to."""

from __future__ import annotations

import functools
import inspect
import json
import re
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

import function_app

ROOT = Path(__file__).parents[2]


@functools.cache  # an app can be indexed once
def indexed() -> dict[str, Any]:
    return {function.get_function_name(): function for function in function_app.app.get_functions()}


def bindings(name: str) -> list[dict[str, Any]]:
    return [json.loads(binding) for binding in indexed()[name].get_raw_bindings()]


def test_the_functions() -> None:
    assert set(indexed()) == {"health", "summaries", "sweep"}


def test_sweep_comes_once_an_hour_and_makes_up_for_a_missed_turn() -> None:
    (trigger,) = bindings("sweep")
    assert trigger["type"] == "timerTrigger"
    assert trigger["schedule"] == "0 0 * * * *"
    assert trigger["useMonitor"] is True


def test_summaries_come_every_ten_minutes_and_make_up_for_a_missed_turn() -> None:
    (trigger,) = bindings("summaries")
    assert trigger["type"] == "timerTrigger"
    assert trigger["schedule"] == "0 */10 * * * *"
    assert trigger["useMonitor"] is True
    assert not trigger.get("runOnStartup")


def test_health_is_open_to_an_uptime_monitor_and_only_read() -> None:
    trigger, answer = bindings("health")
    assert trigger["type"] == "httpTrigger"
    assert trigger["authLevel"] == "ANONYMOUS"
    assert trigger["methods"] == ["GET"]
    assert trigger["route"] == "health"
    assert answer["name"] == "$return"


@pytest.mark.parametrize("name", ["health", "summaries", "sweep"])
def test_bindings_name_the_arguments_of_the_function(name: str) -> None:
    arguments = set(inspect.signature(indexed()[name].get_user_function()).parameters)
    assert arguments == {binding["name"] for binding in bindings(name)} - {"$return"}


def test_the_front_door_is_a_single_app() -> None:
    assert [name for name, value in vars(function_app).items() if isinstance(value, func.FunctionApp)] == ["app"]


def test_host_file() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    assert host["version"] == "2.0"
    assert host["extensionBundle"]["version"] == "[4.*, 5.0.0)"


def test_requirements_are_pinned_and_fit_every_python() -> None:
    lines = [
        line.partition("#")[0].strip()
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line.partition("#")[0].strip()
    ]
    assert all(re.match(r"[A-Za-z0-9.-]+==[0-9][^;]*(; .+)?$", line) for line in lines)
    ours = [line for line in lines if line.startswith("azure-functions==")]
    assert ['python_version < "3.13"' in line for line in ours] == [
        line.startswith("azure-functions==1.") for line in ours
    ]
    assert len(ours) == 2
    assert not [line for line in lines if "azure-functions-worker" in line]


def test_the_example_of_local_settings_holds_no_secret() -> None:
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))
    assert example["Values"]["HOLDFAST_CLIENT_SECRET"] == ""
