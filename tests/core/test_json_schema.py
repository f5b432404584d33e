"""The schema that editors check and complete by: it accepts the examples, and refuses by shape what ``parse`` does."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from ruamel.yaml import YAML

from holdfast.core.settings import Language, Settings, SettingsError, dump, fingerprint, json_schema, parse
from tests.strategies import settings_strategy

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    ROOT / "settings.example.yaml",
    ROOT / "holdfast/cli/examples/settings.sv.yaml",
    ROOT / "holdfast/cli/examples/settings.en.yaml",
]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def plain(text: str) -> Any:
    """The file as an editor hands it to the schema: plain JSON, dates and times as text."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=str))


EXAMPLE = plain(EXAMPLES[0].read_text(encoding="utf-8"))


def accepted(settings: Any) -> bool:
    try:
        parse(json.dumps(settings, ensure_ascii=False), name="settings.yaml", environment={})
    except SettingsError:
        return False
    return True


def edited(path: tuple[str | int, ...], value: Any) -> Any:
    """The example with another value at the end of a path."""
    settings = copy.deepcopy(EXAMPLE)
    inner = settings
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return settings


def without(*path: str | int) -> Any:
    settings = copy.deepcopy(EXAMPLE)
    inner = settings
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return settings


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_it_accepts_the_examples_as_parse_does(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    VALIDATOR.validate(plain(text))
    assert parse(text, name=path.name, environment={})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_names_its_schema_for_editors(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=settings.schema.json\n")


@given(settings_strategy())
def test_it_accepts_all_that_parse_accepts(settings: Settings) -> None:
    VALIDATOR.validate(plain(dump(settings)))


BLOCK = ("blocks", 0)
CHANNEL = {
    "id": "utveckling",
    "team": "Utveckling",
    "channel": "Lärande",
    "audiences": ["alla"],
    "post": {"every": "week", "day": "friday", "at": "14:00"},
    "via": "workflow",
}
MESSAGE = {
    "from": "vd@fjallvik.example",
    "name": "Maria Fjäll",
    "role": {"sv": "VD", "en": "CEO"},
    "day": "2027-01-11",
    "at": "09:00",
    "channel": "utveckling",
    "text": {"sv": "Avsätt tiden.\n\nJag gör det också."},
}
MISSHAPEN = [
    (("version",), 2),
    (("version",), "1"),
    (("mode",), "watching"),
    (("mode",), None),
    (("organization",), "Fjällvik AB"),
    (("organization", "name"), ""),
    (("organization", "name"), 1928),
    (("organization", "name"), "x" * 256),
    (("organization", "language"), "svenska"),
    (("organization", "time_zone"), 1),
    (("organization", "colour"), "blue"),
    (("organization", "holidays"), "SE"),
    (("organization", "holidays"), {"country": "Sweden"}),
    (("organization", "holidays"), {"land": "SE"}),
    (("organization", "holidays"), {"closed": "2026-12-24"}),
    (("organization", "holidays"), {"closed": ["jul"]}),
    (("audiences", "alla", "holidays"), {"country": "se"}),
    (("audiences", "alla", "language"), "finska"),
    (("tenant", "organizer"), 5),
    (("tenant", "notification_url"), "http://holdfast.fjallvik.example/api/notifications"),
    (("tenant", "notification_url"), "https://holdfast.fjallvik.example/api"),
    (("tenant", "cloud"), "globe"),
    (("tenant", "credential"), "password"),
    (("tenant", "client_secret"), "x"),
    (("tenant", "authority"), "https://login.example"),
    (("audiences",), ["alla"]),
    (("audiences", "alla"), "Alla medarbetare"),
    (("audiences", "alla", "grupp"), "x"),
    (("audiences", "alla", "exclude"), "jour@fjallvik.example"),
    (("goals",), "ai-2028"),
    (("goals", 0, "id"), "AI 2028"),
    (("goals", 0, "title"), {"svenska": "x"}),
    (("goals", 0, "title"), []),
    (("blocks",), {}),
    (("blocks",), None),
    ((*BLOCK, "id"), "Lärtimmen"),
    ((*BLOCK, "id"), "x" * 41),
    ((*BLOCK, "title"), 5),
    ((*BLOCK, "audiences"), "alla"),
    ((*BLOCK, "every"), "1 week"),
    ((*BLOCK, "every"), "9 weeks"),
    ((*BLOCK, "every"), 2),
    ((*BLOCK, "day"), "thorsday"),
    ((*BLOCK, "day"), "fifth friday"),
    ((*BLOCK, "day"), 31),
    ((*BLOCK, "day"), []),
    ((*BLOCK, "day"), ["monday", "monday"]),
    ((*BLOCK, "day"), ["monday", "thorsday"]),
    ((*BLOCK, "weekend"), "yes"),
    ((*BLOCK, "time_zone"), "Europe/Stockholm"),
    ((*BLOCK, "outside_hours"), "skip"),
    ((*BLOCK, "holiday"), True),
    ((*BLOCK, "protection"), "hard"),
    ((*BLOCK, "within"), "month"),
    ((*BLOCK, "moves_per_quarter"), 91),
    ((*BLOCK, "moves_per_quarter"), "3"),
    ((*BLOCK, "overlap"), False),
    ((*BLOCK, "always_allow"), "vd@fjallvik.example"),
    ((*BLOCK, "always_allow"), [5]),
    ((*BLOCK, "decline_for"), ""),
    ((*BLOCK, "at"), "9:00"),
    ((*BLOCK, "at"), "24:00"),
    ((*BLOCK, "at"), 9),
    ((*BLOCK, "at"), ["08:00", "16:00"]),
    ((*BLOCK, "at"), {"between": ["08:00", "16:00"]}),
    ((*BLOCK, "at"), {"between": ["08:00"], "choose": "quietest"}),
    ((*BLOCK, "at"), {"between": ["8:00", "16:00"], "choose": "quietest"}),
    ((*BLOCK, "at"), {"between": ["08:00", "16:00"], "choose": "fastest"}),
    ((*BLOCK, "at"), {"between": ["08:00", "16:00"], "choose": "quietest", "for": "alla"}),
    ((*BLOCK, "minutes"), 14),
    ((*BLOCK, "minutes"), 481),
    ((*BLOCK, "minutes"), "60"),
    ((*BLOCK, "minutes"), 60.5),
    ((*BLOCK, "reminder"), -1),
    ((*BLOCK, "from"), 20261201),
    ((*BLOCK, "from_"), "2026-12-01"),
    ((*BLOCK, "goals"), "ai-2028"),
    (("guard",), 30),
    (("guard",), {"share": 101}),
    (("guard",), {"count": "many"}),
    (("privacy",), 5),
    (("privacy",), {"keep_days": 89}),
    (("privacy",), {"keep": 90}),
    (("forums",), []),
    (("channels",), 5),
    (("channels",), [CHANNEL | {"agenda_pack": {"day": "monday", "at": "08:00"}}]),
    (("channels",), [CHANNEL | {"agenda_pack": {"day": "first sunday", "at": "08:00"}}]),
    (("channels",), [CHANNEL | {"agenda_pack": {"day": 29, "at": "08:00"}}]),
    (("channels",), [CHANNEL | {"agenda_pack": {"day": ["first monday"], "at": "08:00"}}]),
    (("channels",), [CHANNEL | {"agenda_pack": {"day": "first monday", "at": "08:00", "to": "manager"}}]),
    (("messages",), 5),
    (("messages",), [{"from": "vd@fjallvik.example"}]),
]


@pytest.mark.parametrize(("path", "value"), MISSHAPEN, ids=str)
def test_it_refuses_what_parse_refuses_for_its_shape(path: tuple[str | int, ...], value: Any) -> None:
    settings = edited(path, value)
    assert not accepted(settings)
    assert not VALIDATOR.is_valid(settings)


@pytest.mark.parametrize(
    "path",
    [
        ("version",),
        ("organization",),
        ("audiences",),
        ("blocks",),
        ("organization", "name"),
        ("organization", "language"),
        ("organization", "time_zone"),
        ("audiences", "alla", "group"),
        ("goals", 0, "id"),
        ("goals", 0, "title"),
        *((*BLOCK, key) for key in ("id", "title", "audiences", "every", "day", "at", "minutes", "from")),
    ],
    ids=str,
)
def test_it_misses_what_parse_misses(path: tuple[str | int, ...]) -> None:
    assert not accepted(without(*path))
    assert not VALIDATOR.is_valid(without(*path))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*BLOCK, "day"), "saturday"),
        ((*BLOCK, "overlap"), "notify"),
        ((*BLOCK, "overlap"), "decline"),
        ((*BLOCK, "decline_for"), "Lärtid - tacka nej"),
        ((*BLOCK, "day"), 15),
        ((*BLOCK, "every"), "month"),
    ],
    ids=str,
)
def test_it_leaves_to_parse_what_two_keys_say_together(path: tuple[str | int, ...], value: Any) -> None:
    settings = edited(path, value)
    assert not accepted(settings)
    assert VALIDATOR.is_valid(settings)


@pytest.mark.parametrize("path", [("mode",), ("goals", 0, "title", "en"), (*BLOCK, "goals")], ids=str)
def test_it_does_not_miss_what_has_a_default(path: tuple[str | int, ...]) -> None:
    assert accepted(without(*path))
    assert VALIDATOR.is_valid(without(*path))


def test_it_leaves_to_the_environment_what_can_come_from_there() -> None:
    assert VALIDATOR.is_valid(without("tenant"))
    for key in ("tenant_id", "client_id", "credential"):
        assert VALIDATOR.is_valid(without("tenant", key))


def properties(schema: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in schema.get("properties", {}).items():
        yield f"{name}.{key}", value
    for name_, section in schema.get("$defs", {}).items():
        yield from properties(section, name_)


@pytest.mark.parametrize(
    ("name", "key"), list(properties(json_schema())), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_key_is_explained(name: str, key: Any) -> None:
    assert key.get("description"), name


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        ({"day": "first monday", "at": "08:00", "to": "channel"}, {}),
        ({"day": 15, "at": "16:30"}, {"role": "VD", "text": "Avsätt tiden."}),
    ],
)
def test_packs_and_messages_are_accepted_and_written_as_they_were_read(
    pack: dict[str, Any], message: dict[str, Any]
) -> None:
    whole = edited(("channels",), [CHANNEL | {"agenda_pack": pack}]) | {"messages": [MESSAGE | message]}
    assert VALIDATOR.is_valid(whole)
    settings = parse(json.dumps(whole, ensure_ascii=False), name="settings.yaml", environment={})
    assert parse(dump(settings), name="settings.yaml", environment={}) == settings
    (said,) = settings.messages
    assert said.key == "message-2027-01-11-" + said.key[-8:]
    assert said.paragraphs_in(Language.SV)[0] == "Avsätt tiden."
    without = settings.model_copy(update={"messages": ()})
    assert fingerprint(without) != fingerprint(settings)
