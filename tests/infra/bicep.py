"""Reads Bicep for the tests, as far as that goes without Azure: what is declared, used, passed on and set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pycep import BicepParser

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))

_PARSER = BicepParser()


def parsed(text: str) -> dict[str, Any]:
    """What stands in a Bicep file. Raises for what is no Bicep."""
    return dict(_PARSER.parse(text=text))


def text_of(name: str) -> str:
    return (INFRA / name).read_text(encoding="utf-8")


def bare(text: str) -> str:
    """The text without comments and descriptions."""
    return re.sub(r"^\s*(//|@description\().*$", "", text, flags=re.MULTILINE)


def unused(text: str) -> list[str]:
    """Parameters and variables that are declared and nothing more."""
    declared = [*parsed(text).get("parameters", {}), *parsed(text).get("variables", {})]
    return [name for name in declared if len(re.findall(rf"\b{name}\b", bare(text))) < 2]


def misfits(text: str, modules: dict[str, str]) -> list[str]:
    """What is wrong between a file and the modules it calls; ``modules`` are their texts by path."""
    return list(_misfits(text, modules))


def _misfits(text: str, modules: dict[str, str]) -> Iterator[str]:
    called = parsed(text).get("modules", {})
    yield from (f"{path} is called by nobody" for path in modules if path not in _paths(called))
    for name, module in called.items():
        path = module["detail"]["path"]
        if path not in modules:
            yield f"{path} is not there"
            continue
        inside = parsed(modules[path])
        wanted = inside.get("parameters", {})
        given = module["config"].get("params", {})
        yield from (f"{name} has no parameter {one}" for one in given if one not in wanted)
        yield from (f"{name} is not given {one}" for one in wanted if one not in given)
        for output in re.findall(rf"\b{name}\.outputs\.(\w+)", text):
            if output not in inside.get("outputs", {}):
                yield f"{name} has no output {output}"


def _paths(called: dict[str, Any]) -> set[str]:
    return {module["detail"]["path"] for module in called.values()}


def app_settings(text: str) -> set[str]:
    """The names of all app settings that the app can get; one with a name to be filled in ends in ``<ID>``."""
    tree = parsed(text)
    united = tree["resources"]["appSettings"]["config"]["properties"]["function"]["parameters"]
    return {name for variable in united.values() for name in _keys(tree["variables"][variable]["value"])}


def _keys(value: Any) -> Iterator[str]:
    if "operator" in value:
        operands = value["operator"]["operands"]
        yield from (key for way in ("true_value", "false_value") for key in operands[way])
    elif "function" in value:
        made = value["function"]["parameters"]["arg_2"]["detail"]["expression"]["function"]["parameters"]
        yield made["format_string"].replace("{0}", "<ID>")
    else:
        yield from value


def roles(text: str) -> dict[str, str]:
    """Azure's roles that are named, and the id of each."""
    return {name.strip("'"): given for name, given in parsed(text)["variables"]["roles"]["value"].items()}


def open_paths(text: str) -> set[str]:
    """The paths that nobody has to sign in for."""
    return set(parsed(text)["variables"]["openPaths"]["value"])
