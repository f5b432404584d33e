"""``docs/sandbox.md`` names every switch, limit, option and route there is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from sandbox import Facts, Limits, NotificationFacts, NotificationLimits, Sandbox
from sandbox.__main__ import _parser
from sandbox.control import Control
from sandbox.notices_control import NoticesControl

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("of", [Facts, Limits, NotificationFacts, NotificationLimits])
def test_switches_and_limits(of: type[Facts | Limits | NotificationFacts | NotificationLimits]) -> None:
    assert [field.name for field in dataclasses.fields(of) if f"`{field.name}`" not in PAGE] == []


@pytest.mark.parametrize(
    ("of", "head", "end"),
    [(Facts, "fact", "`tenant.limits`"), (NotificationFacts, "doubt about notifications", "`tenant.notices.limits`")],
)
def test_every_fact_named_there_is_one(of: type[Facts | NotificationFacts], head: str, end: str) -> None:
    table = PAGE.partition(f"| {head} |")[2].partition(end)[0]
    named = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert sorted(named) == sorted(field.name for field in dataclasses.fields(of))


def test_options() -> None:
    options = {one for action in _parser()._actions for one in action.option_strings if one.startswith("--")}
    assert {one for one in options - {"--help"} if f"`{one}" not in PAGE} == set()


def test_routes() -> None:
    sandbox = Sandbox()
    for route in [*Control(list, sandbox.find).routes(), *NoticesControl(sandbox.find).routes()]:
        last = route.path.replace("{who:path}", "{address or id}").replace("{tenant}", "{id}").rpartition("/")[2]
        assert last in PAGE
