"""The Functions app as Azure's host sees it: which functions there are, and what each is bound to."""

from __future__ import annotations

import functools
import inspect
import json
import re
from pathlib import Path
from typing import Any, cast

import azure.functions as func
import pytest

import function_app
from holdfast.jobs.ports import QueueName
from tests.functions.host import FUNCTIONS

ROOT = Path(__file__).parents[2]


@functools.cache  # an app can be indexed once
def indexed() -> dict[str, Any]:
    return {function.get_function_name(): function for function in function_app.app.get_functions()}


def bindings(name: str) -> list[dict[str, Any]]:
    return [json.loads(binding) for binding in indexed()[name].get_raw_bindings()]


QUEUES = {
    "reconcile": "reconcile",
    "repair": "repair",
    "poison": "reconcile-poison",
    "poison_repair": "repair-poison",
}
TIMERS = {
    "sweep": "0 */5 * * * *",
    "summaries": "0 */10 * * * *",
    "subscriptions": "0 */15 * * * *",
    "purge": "0 30 * * * *",
}
WEBHOOKS = ("lifecycle", "notifications")
ADMINS = {"apply": ["POST"], "plan": ["GET", "POST"], "status": ["GET"]}


def test_the_functions() -> None:
    assert set(indexed()) == {*QUEUES, *TIMERS, *WEBHOOKS, *ADMINS, "health"}


@pytest.mark.parametrize(("name", "schedule"), TIMERS.items())
def test_timers_make_up_for_a_missed_turn_and_do_nothing_when_the_app_starts(name: str, schedule: str) -> None:
    (trigger,) = bindings(name)
    assert trigger["type"] == "timerTrigger"
    assert trigger["schedule"] == schedule
    assert trigger["useMonitor"] is True
    assert not trigger.get("runOnStartup")


@pytest.mark.parametrize(("name", "queue"), QUEUES.items())
def test_queues_are_those_that_are_filled(name: str, queue: str) -> None:
    (trigger,) = bindings(name)
    assert trigger["type"] == "queueTrigger"
    assert trigger["queueName"] == queue
    assert trigger["connection"] == "AzureWebJobsStorage"
    assert queue in {known for one in QueueName for known in (one.value, one.poison)}
    assert cast("Any", FUNCTIONS[queue])._function.get_user_function() is indexed()[name].get_user_function()


@pytest.mark.parametrize("name", WEBHOOKS)
def test_graph_may_call_without_a_key_and_anybody_else_too(name: str) -> None:
    trigger, answer = bindings(name)
    assert trigger["type"] == "httpTrigger"
    assert trigger["authLevel"] == "ANONYMOUS"
    assert trigger["methods"] == ["POST"]
    assert trigger["route"] == name
    assert answer["name"] == "$return"


@pytest.mark.parametrize(("name", "methods"), ADMINS.items())
def test_the_admins_page_has_azures_sign_in_before_it_instead_of_keys(name: str, methods: list[str]) -> None:
    trigger, answer = bindings(name)
    assert trigger["authLevel"] == "ANONYMOUS"
    assert trigger["methods"] == methods
    assert trigger["route"] == name
    assert answer["name"] == "$return"


def test_health_is_open_to_an_uptime_monitor_and_only_read() -> None:
    trigger, answer = bindings("health")
    assert trigger["type"] == "httpTrigger"
    assert trigger["authLevel"] == "ANONYMOUS"
    assert trigger["methods"] == ["GET"]
    assert trigger["route"] == "health"
    assert answer["name"] == "$return"


@pytest.mark.parametrize("name", [*QUEUES, *TIMERS, *WEBHOOKS, *ADMINS, "health"])
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
