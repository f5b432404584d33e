"""The unit and the container file, read as systemd and a builder read them: no container is built here."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.specifiers import SpecifierSet

from holdfast.cli.app import app
from holdfast.serve.ending import GRACE

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "holdfast.service"
CONTAINER = ROOT / "deploy" / "Containerfile"
COMMANDS: Any = typer.main.get_command(app)


@pytest.fixture
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",), comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment,method-assign] - systemd tells capitals apart
    parser.read(UNIT, encoding="utf-8")
    return parser


def instructions() -> list[tuple[str, str]]:
    """The instructions of the container file, each with its lines joined and without comments."""
    lines = [line for line in CONTAINER.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def test_the_unit_has_its_sections_and_starts_a_command_that_there_is(unit: configparser.ConfigParser) -> None:
    assert unit.sections() == ["Unit", "Service", "Install"]
    program, command, *options = unit["Service"]["ExecStart"].split()
    assert program.endswith("/bin/holdfast")
    known = {option for parameter in COMMANDS.commands[command].params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_the_unit_waits_longer_than_what_is_worked_on_may_take(unit: configparser.ConfigParser) -> None:
    service = unit["Service"]
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) > 2 * GRACE


def test_the_unit_starts_again_after_a_failure_and_not_where_somebody_has_to_act(
    unit: configparser.ConfigParser,
) -> None:
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Service"]["RestartPreventExitStatus"] == "2"


def test_the_unit_is_nobody_special_and_writes_where_its_state_is_alone(unit: configparser.ConfigParser) -> None:
    service = unit["Service"]
    assert service["User"] == "holdfast"
    assert service["ProtectSystem"] == "strict"
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert service["StateDirectoryMode"] == "0700"
    assert "ReadWritePaths" not in service


def test_the_container_file_has_only_instructions_that_there_are() -> None:
    found = instructions()
    assert found[0][0] == "FROM"
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in found} <= known


def test_the_container_copies_what_there_is_and_all_that_a_command_loads() -> None:
    stages = [re.search(r" AS (\w+)$", rest) for word, rest in instructions() if word == "FROM"]
    names = {stage[1] for stage in stages if stage}
    copied = set()
    for word, rest in instructions():
        if word == "COPY" and (of := re.match(r"--from=(\w+) ", rest)):
            assert of[1] in names
        elif word == "COPY":
            copied |= set(rest.split()[:-1])
    assert all((ROOT / one).exists() for one in copied)
    assert {"holdfast", "graph_client", "requirements.txt", "pyproject.toml"} <= copied


def test_the_container_has_a_python_that_the_product_wants_and_the_same_in_each_stage() -> None:
    images = {rest.split()[0] for word, rest in instructions() if word == "FROM"}
    [version] = {match[1] for image in images if (match := re.search(r"python:(\d+\.\d+)-slim$", image))}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert version in SpecifierSet(wanted)
    assert len(images) == 1


def test_the_container_is_nobody_special_ends_by_a_signal_that_is_heard_and_starts_a_command_that_there_is() -> None:
    last = dict(instructions())
    assert last["USER"].isdecimal(), "a number: Kubernetes can then tell that it is not root"
    assert int(last["USER"]) > 0
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(last["CMD"])[0] in COMMANDS.commands
    assert json.loads(last["ENTRYPOINT"]) == ["/opt/holdfast/bin/holdfast"]
