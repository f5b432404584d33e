"""What a settings file says of moved dates, and of how long what people did is remembered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from holdfast.core.settings import (
    Block,
    Privacy,
    Protection,
    Settings,
    SettingsError,
    Within,
    dump,
    fingerprint,
    parse,
)

EXAMPLE = YAML(typ="safe", pure=True).load(
    (Path(__file__).parents[2] / "settings.example.yaml").read_text(encoding="utf-8")
)


def with_block(**keys: Any) -> dict[str, Any]:
    return {**EXAMPLE, "blocks": [{**EXAMPLE["blocks"][0], **keys}]}


def parsed(settings: dict[str, Any]) -> Settings:
    text = json.dumps(settings, default=str, ensure_ascii=False)
    return parse(text, name="settings.yaml", environment={})


def block(**keys: Any) -> Block:
    return parsed(with_block(**keys)).blocks[0]


def problems(settings: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parsed(settings)
    return [f"{problem.path}  {problem.message}" for problem in caught.value.problems]


def test_by_default_a_few_dates_may_move_within_the_week() -> None:
    made = block()
    assert (made.protection, made.within, made.moves_per_quarter) == (Protection.MOVABLE, Within.WEEK, 3)
    assert parsed(with_block()).privacy == Privacy(keep_days=90)


WRITTEN = [
    {"protection": "strict"},
    {"protection": "soft"},
    {"within": "day"},
    {"moves_per_quarter": 0},
    {"protection": "movable", "within": "day", "moves_per_quarter": 90},
]


@pytest.mark.parametrize("keys", WRITTEN, ids=str)
def test_what_is_written_is_dumped_read_back_and_approved(keys: dict[str, Any]) -> None:
    settings = parsed(with_block(**keys))
    text = dump(settings)
    [dumped] = YAML(typ="safe", pure=True).load(text)["blocks"]
    assert {key: dumped[key] for key in keys} == keys
    assert parse(text, name="settings.yaml", environment={}) == settings
    assert fingerprint(settings) != fingerprint(parsed(with_block()))


@pytest.mark.parametrize("days", [91, 3650])
def test_how_long_it_is_remembered_is_approved_too(days: int) -> None:
    settings = parsed({**with_block(), "privacy": {"keep_days": days}})
    assert settings.privacy == Privacy(keep_days=days)
    assert fingerprint(settings) != fingerprint(parsed(with_block()))


def test_a_default_written_out_does_not_ask_for_another_approval() -> None:
    written = with_block(protection="movable", within="week", moves_per_quarter=3)
    written["privacy"] = {"keep_days": 90}
    assert fingerprint(parsed(written)) == fingerprint(parsed(with_block()))


def test_one_mistake_is_told_once() -> None:
    [told] = problems(with_block(protection="sotf", within="day", moves_per_quarter=5))
    assert told.startswith("blocks[0].protection")
