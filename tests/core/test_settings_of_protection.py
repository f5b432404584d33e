"""What a settings file says of moved dates, of meetings on top, and of how long what people did is remembered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from holdfast.core.settings import (
    Block,
    Overlap,
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
ORGANIZER = "larande@fjallvik.example"
VD = "vd@fjallvik.example"


def with_block(*, organizer: str | None = ORGANIZER, **keys: Any) -> dict[str, Any]:
    tenant = {**EXAMPLE["tenant"], **({"organizer": organizer} if organizer else {})}
    return {**EXAMPLE, "tenant": tenant, "blocks": [{**EXAMPLE["blocks"][0], **keys}]}


def parsed(settings: dict[str, Any], **environment: str) -> Settings:
    text = json.dumps(settings, default=str, ensure_ascii=False)
    return parse(text, name="settings.yaml", environment=environment)


def block(**keys: Any) -> Block:
    return parsed(with_block(**keys)).blocks[0]


def problems(settings: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parsed(settings)
    return [f"{problem.path}  {problem.message}" for problem in caught.value.problems]


def test_by_default_a_few_dates_may_move_within_the_week_and_meetings_stand() -> None:
    made = block()
    assert (made.protection, made.within, made.moves_per_quarter) == (Protection.MOVABLE, Within.WEEK, 3)
    assert (made.overlap, made.always_allow, made.decline_for) == (Overlap.ALLOW, (), None)
    assert parsed(with_block()).privacy == Privacy(keep_days=90)


WRITTEN = [
    {"protection": "strict"},
    {"protection": "soft"},
    {"within": "day"},
    {"moves_per_quarter": 0},
    {"protection": "movable", "within": "day", "moves_per_quarter": 90},
    {"overlap": "notify"},
    {"overlap": "notify", "always_allow": [VD]},
    {"protection": "strict", "overlap": "decline", "decline_for": "Lärtid - tacka nej", "always_allow": [VD]},
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
    written = with_block(
        protection="movable", within="week", moves_per_quarter=3, overlap="allow", always_allow=[], decline_for=None
    )
    written["privacy"] = {"keep_days": 90}
    assert fingerprint(parsed(written)) == fingerprint(parsed(with_block()))


def test_notes_are_sent_by_the_organizer_which_the_environment_can_name() -> None:
    settings = with_block(organizer=None, overlap="notify")
    assert problems(settings)[0].startswith("tenant.organizer  is missing, and overlap: notify in blocks[0]")
    assert parsed(settings, HOLDFAST_ORGANIZER=ORGANIZER).blocks[0].overlap is Overlap.NOTIFY


def test_declining_needs_no_organizer() -> None:
    made = parsed(with_block(organizer=None, overlap="decline", decline_for="Lärtid - tacka nej")).blocks[0]
    assert made.decline_for == "Lärtid - tacka nej"


def test_one_mistake_is_told_once() -> None:
    for keys in ({"overlap": "notify"}, {"overlap": "decline"}, {"overlap": "notify", "always_allow": [VD]}):
        [told] = problems(with_block(organizer=None, protection="soft", **keys))
        assert told.startswith("blocks[0].overlap")
    [told] = problems(with_block(overlap="declnie", always_allow=[VD], decline_for="Lärtid - tacka nej"))
    assert told.startswith("blocks[0].overlap")
    [told] = problems(with_block(protection="sotf", within="day", moves_per_quarter=5))
    assert told.startswith("blocks[0].protection")
