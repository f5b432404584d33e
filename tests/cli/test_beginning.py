"""Before anything is signed in to: init, schema, and files, variables and state that are not in order."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from holdfast.core.settings import Language, json_schema, parse
from tests.cli.command import Desk

ROOT = Path(__file__).parents[2]
READING = ["check", "plan", "apply", "sweep", "remove", "status"]


@pytest.mark.parametrize("language", list(Language))
def test_init_writes_settings_that_are_accepted_in_the_language_asked_for(desk: Desk, language: Language) -> None:
    result = desk.run("init", "--language", language.value)
    assert result.exit_code == 0
    settings = parse(desk.read(), name="settings.yaml", environment={})
    assert settings.organization.language is language
    assert json.loads(desk.read("settings.schema.json")) == json_schema()
    assert "yaml-language-server: $schema=settings.schema.json" in desk.read().splitlines()[0]
    assert len(desk.read().splitlines()) <= 30


def test_init_never_overwrites(desk: Desk) -> None:
    desk.write("mine\n")
    result = desk.run("init")
    assert result.exit_code == 2
    assert "there already" in result.stderr
    assert desk.read() == "mine\n"
    assert not (desk.folder / "settings.schema.json").exists()


def test_init_says_where_it_cannot_write(desk: Desk) -> None:
    result = desk.run("init", "no/such/folder/settings.yaml")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_the_example_in_the_repository_is_the_one_that_init_writes(desk: Desk) -> None:
    desk.run("init", "--language", "sv")
    assert (ROOT / "settings.example.yaml").read_text(encoding="utf-8") == desk.read()


def test_schema_prints_the_schema(desk: Desk) -> None:
    assert json.loads(desk.run("schema").stdout) == json_schema()


@pytest.mark.parametrize("command", READING)
def test_a_missing_settings_file_is_told_with_its_cure(desk: Desk, command: str) -> None:
    result = desk.run(command)
    assert result.exit_code == 2
    assert "There is no settings file settings.yaml" in result.stderr
    assert "holdfast init" in result.stderr
    assert not result.stdout
    assert not list(desk.folder.iterdir())


@pytest.mark.parametrize("command", READING)
def test_broken_settings_are_told_whole_and_nothing_is_begun(desk: Desk, command: str) -> None:
    desk.run("init")
    desk.write(desk.read().replace("day: thursday", "day: thorsday").replace("goals: [ai-2028]", "goals: [ai-2027]"))
    result = desk.run(command)
    assert result.exit_code == 2
    assert 'settings.yaml:24:10  blocks[0].day  "thorsday"' in result.stderr
    assert "Did you mean thursday?" in result.stderr
    assert 'no goal has the id "ai-2027"' in result.stderr
    assert not (desk.folder / "holdfast.db").exists()


def test_settings_can_be_named_by_option_and_by_environment(desk: Desk) -> None:
    desk.run("init", "named.yaml")
    assert desk.run("status", "--settings", "named.yaml").exit_code == 0
    desk.variables["HOLDFAST_SETTINGS"] = "named.yaml"
    assert desk.run("status").exit_code == 0
    assert (desk.folder / "holdfast.db").exists()


@pytest.mark.parametrize(("credential", "variable"), [("secret", "CLIENT_SECRET"), ("certificate", "CERTIFICATE_PATH")])
def test_a_credential_that_is_not_there_is_told_by_its_variable(desk: Desk, credential: str, variable: str) -> None:
    desk.run("init")
    desk.write(desk.read().replace("credential: secret", f"credential: {credential}"))
    result = desk.run("plan")
    assert result.exit_code == 2
    assert f"HOLDFAST_{variable}" in result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOLDFAST_AUTHORITY", "http://login.example"),
        ("HOLDFAST_GRAPH_URL", "graph.example"),
        ("HOLDFAST_CA_BUNDLE", "none.pem"),
    ],
)
def test_an_address_that_cannot_be_trusted_is_refused_by_its_name(desk: Desk, name: str, value: str) -> None:
    desk.run("init")
    desk.variables = {"HOLDFAST_CLIENT_SECRET": "not a secret", name: value}
    result = desk.run("plan")
    assert result.exit_code == 2
    assert name in result.stderr


def test_a_state_file_that_is_none_is_left_as_it_is(desk: Desk) -> None:
    desk.run("init")
    (desk.folder / "holdfast.db").write_text("not a database, but long enough to be looked at as one" * 10)
    result = desk.run("status")
    assert result.exit_code == 2
    assert "holdfast.db" in result.stderr
    assert "Move it away" in result.stderr
    assert (desk.folder / "holdfast.db").read_text().startswith("not a database")


def test_a_state_file_of_a_newer_holdfast_is_not_touched(desk: Desk) -> None:
    desk.run("init")
    connection = sqlite3.connect(desk.folder / "holdfast.db")
    connection.execute("pragma user_version = 99")
    connection.close()
    result = desk.run("status")
    assert result.exit_code == 2
    assert "newer Holdfast" in result.stderr


def test_status_before_anything(desk: Desk) -> None:
    desk.run("init")
    result = desk.run("status")
    assert result.exit_code == 0
    assert "Nothing is approved yet" in result.stdout
    assert "No run yet" in result.stdout
    told = json.loads(desk.run("status", "--json").stdout)
    assert told["approved"] is None
    assert told["people_placed"] == 0


def test_the_state_file_is_its_owners_alone(desk: Desk) -> None:
    desk.run("init")
    desk.run("status")
    assert (desk.folder / "holdfast.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "[]", '{"holdfast_plan": 1}', "{", '{"holdfast_plan": 2, "changes": []}', "\x00"])
def test_what_is_not_a_plan_file_is_refused_before_anything_is_asked(desk: Desk, text: str) -> None:
    desk.run("init")
    desk.write(text, "plan.json")
    result = desk.run("apply", "--plan", "plan.json")
    assert result.exit_code == 2
    assert "is not a plan file" in result.stderr
    assert "holdfast plan --out plan.json" in result.stderr


def test_an_unknown_option_is_a_usage_error(desk: Desk) -> None:
    assert desk.run("plan", "--frobnicate").exit_code == 2


def test_every_command_has_an_example_in_its_help(desk: Desk) -> None:
    for command in ["init", "check", "plan", "apply", "sweep", "status", "schema", "sandbox", "demo", "remove"]:
        result = desk.run(command, "--help")
        assert result.exit_code == 0
        assert f"Example: holdfast {command}" in " ".join(result.stdout.split())
