"""Settings in other forms: the JSON Schema for editors, YAML text, and the fingerprint of what was approved."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

from ruamel.yaml import YAML

from holdfast.core.model import Protection
from holdfast.core.settings.goals import Goal
from holdfast.core.settings.model import Block, Privacy, Settings

_OF_MOVES = ("within", "moves_per_quarter")
"""Keys of a block that a file may hold only where dates may be moved."""

_LATER = (
    "weekend",
    "time_zone",
    "outside_hours",
    "holiday",
    "protection",
    *_OF_MOVES,
    "overlap",
    "always_allow",
    "decline_for",
)
"""Keys of a block that are younger than the first approvals, which hold while nobody uses them."""
_LATER_SECTIONS = ("channels", "messages")
_LATER_OF_GOALS = ("by", "competences", "audiences", "target_hours", "questions", "resources")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a settings file, described for the person who edits it.

    Nothing under ``tenant`` is required there, because each of its values can come from the environment.
    """
    schema = Settings.model_json_schema()
    schema["required"] = [key for key in schema["required"] if key != "tenant"]
    del schema["$defs"]["Tenant"]["required"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Holdfast settings",
    }


def dump(settings: Settings) -> str:
    """The settings as YAML text that ``parse`` turns into the same settings, with every default that applies."""
    text = io.StringIO()
    YAML(typ="rt", pure=True).dump(_plain(settings), text)
    return text.getvalue()


def fingerprint(settings: Settings) -> str:
    """A hash of what a person approves by applying: 16 hexadecimal digits.

    Comments, the order of keys and defaults written out do not change it. Nor does ``tenant``: signed in with a
    secret on a laptop or with a managed identity in Azure, the same thing was approved. Nor does ``sweep``: how often
    everybody is looked at changes nobody's calendar.
    """
    meant = _plain(settings)
    del meant["tenant"], meant["sweep"]
    for block, written in zip(settings.blocks, meant["blocks"], strict=True):
        for key in _LATER:
            if getattr(block, key) == Block.model_fields[key].default:
                written.pop(key, None)
    for goal, written in zip(settings.goals, meant["goals"], strict=True):
        for key in _LATER_OF_GOALS:
            if getattr(goal, key) == Goal.model_fields[key].default:
                written.pop(key, None)
    if settings.privacy == Privacy():
        del meant["privacy"]
    elif settings.privacy.smallest_group == Privacy.model_fields["smallest_group"].default:
        del meant["privacy"]["smallest_group"]
    meant = {key: value for key, value in meant.items() if value or key not in _LATER_SECTIONS}
    canonical = json.dumps(meant, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _plain(settings: Settings) -> dict[str, Any]:
    plain = settings.model_dump(mode="json", by_alias=True, exclude_none=True)
    for block in plain["blocks"]:
        if block["protection"] != Protection.MOVABLE:
            for key in _OF_MOVES:
                del block[key]
    return plain
