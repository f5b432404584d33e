"""What nobody has to sign in for is what cannot sign in: the paths in Bicep and the functions are the same."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.infra.bicep import ROOT, open_paths, parsed, text_of

OPEN_BY_NEED = {"notifications", "lifecycle", "health"}
"""Graph and uptime monitors call these."""

_INDEX = """
import json, function_app
print(json.dumps({one.get_function_name(): [json.loads(each) for each in one.get_raw_bindings()]
                  for one in function_app.app.get_functions()}))
"""


@pytest.fixture(scope="module")
def triggers() -> dict[str, dict[str, Any]]:
    """The HTTP triggers by function, as Azure's host indexes the app: in a process of its own, since only once."""
    told = subprocess.run(  # noqa: S603 - words of our own
        [sys.executable, "-W", "ignore", "-c", _INDEX], cwd=ROOT, check=True, capture_output=True, text=True
    )
    functions: dict[str, list[dict[str, Any]]] = json.loads(told.stdout.splitlines()[-1])
    found = {name: [one for one in bindings if one["type"] == "httpTrigger"] for name, bindings in functions.items()}
    return {name: bindings[0] for name, bindings in found.items() if bindings}


def paths(triggers: dict[str, dict[str, Any]], names: set[str]) -> set[str]:
    prefix = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["http"]["routePrefix"]
    return {f"/{prefix}/{one.get('route') or name}" for name, one in triggers.items() if name in names}


def test_open_paths_are_those_of_the_functions_that_cannot_ask_for_a_sign_in(
    triggers: dict[str, dict[str, Any]],
) -> None:
    if not (ROOT / "functions" / "notifications.py").exists():
        pytest.skip("there is no functions/notifications.py yet")
    assert paths(triggers, OPEN_BY_NEED) == open_paths(text_of("app/app.bicep"))
    assert {triggers[name]["authLevel"].upper() for name in OPEN_BY_NEED} == {"ANONYMOUS"}


def test_no_other_function_is_behind_an_open_path(triggers: dict[str, dict[str, Any]]) -> None:
    opened = open_paths(text_of("app/app.bicep"))
    others = paths(triggers, set(triggers) - OPEN_BY_NEED)
    assert [path for path in others if any(path.startswith(one) for one in opened)] == []


def test_health_is_open(triggers: dict[str, dict[str, Any]]) -> None:
    assert paths(triggers, {"health"}) <= open_paths(text_of("app/app.bicep"))


def test_a_path_that_is_no_functions_is_noticed(triggers: dict[str, dict[str, Any]]) -> None:
    planted = text_of("app/app.bicep").replace("'/api/health'", "'/api/healthy'")
    assert not paths(triggers, {"health"}) <= open_paths(planted)


def test_without_a_registration_everything_else_is_shut() -> None:
    validation = parsed(text_of("app/app.bicep"))["resources"]["signIn"]["config"]["properties"]["globalValidation"]
    assert validation["requireAuthentication"] is True
    assert validation["excludedPaths"] == "openPaths"
    without = validation["unauthenticatedClientAction"]["operator"]["operands"]
    assert (without["condition"]["function"]["type"], without["true_value"]) == ("empty", "Return401")
