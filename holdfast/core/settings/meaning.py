"""What no key can tell alone: whether names refer to something, ids are single, and blocks leave each other room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError

from holdfast.core.settings.fields import Language
from holdfast.core.settings.model import Block, Credential
from holdfast.core.settings.problems import meant, printable, quoted

Path = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""


class Contradiction(NamedTuple):
    """A value that does not fit the others, by its path."""

    path: Path
    message: str


def contradictions(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    """Everything in the settings that contradicts something else in them, as far as their shape allows to see it."""
    yield from _sign_in(raw)
    yield from _untranslated(raw)
    yield from _repeated_ids(raw)
    yield from _dangling(raw)
    yield from _collisions(raw)


def _sign_in(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    tenant = _keys(raw.get("tenant"))
    credential = tenant.get("credential")
    if credential in (Credential.CERTIFICATE, Credential.SECRET) and tenant.get("client_id") is None:
        yield Contradiction(
            ("tenant", "client_id"),
            f"is missing, and credential {credential} needs it. Write the Application (client) ID here or set the "
            "environment variable HOLDFAST_CLIENT_ID.",
        )


def _untranslated(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    language = _keys(raw.get("organization")).get("language")
    if language not in tuple(Language):
        return
    for section in ("goals", "blocks"):
        for position, entry in _entries(raw, section):
            title = entry.get("title")
            if isinstance(title, dict) and language not in title:
                yield Contradiction(
                    (section, position, "title"),
                    f"has no text in {language}, the organization's language. Add {language}: …",
                )


def _repeated_ids(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    for section in ("goals", "blocks"):
        seen: dict[str, int] = {}
        for position, entry in _entries(raw, section):
            name = entry.get("id")
            if not isinstance(name, str):
                continue
            first = seen.setdefault(name, position)
            if first != position:
                yield Contradiction(
                    (section, position, "id"),
                    f"{quoted(name)} is also the id of {section}[{first}]. Give each an id of its own.",
                )


def _dangling(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    audiences = list(_keys(raw.get("audiences")))
    goals = list(dict.fromkeys(name for _, entry in _entries(raw, "goals") if isinstance(name := entry.get("id"), str)))
    for position, block in _entries(raw, "blocks"):
        for key, known, what in (("audiences", audiences, "audience is called"), ("goals", goals, "goal has the id")):
            names = block.get(key)
            for index, name in enumerate(names if isinstance(names, list) else []):
                if isinstance(name, str) and name.strip() not in known:
                    there = f"There are: {printable(', '.join(known))}" if known else f"There are none under {key}."
                    yield Contradiction(
                        ("blocks", position, key, index), f"no {what} {quoted(name)}. {meant(name, known)}{there}"
                    )


def _collisions(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    earlier: list[tuple[int, Block]] = []
    for position, entry in _entries(raw, "blocks"):
        try:
            block = Block.model_validate(entry, by_alias=True, by_name=False)
        except ValidationError:
            continue
        for other_position, other in earlier:
            shared = [name for name in block.audiences if name in other.audiences]
            if shared and _share_time(block, other):
                yield Contradiction(
                    ("blocks", position, "at"),
                    f"{_hours(block)} on {block.day} meets blocks[{other_position}] {quoted(other.id)}, "
                    f"{_hours(other)}, in the audience {quoted(shared[0])}. "
                    "Change the day, the time or the dates of one.",
                )
        earlier.append((position, block))


def _share_time(one: Block, other: Block) -> bool:
    if one.day is not other.day or max(one.from_, other.from_) > min(one.until or date.max, other.until or date.max):
        return False
    (begins, ends), (other_begins, other_ends) = _span(one), _span(other)
    return begins < other_ends and other_begins < ends


def _span(block: Block) -> tuple[datetime, datetime]:
    begins = datetime.combine(date.min, block.at)
    return begins, begins + timedelta(minutes=block.minutes)


def _hours(block: Block) -> str:
    begins, ends = _span(block)
    return f"{begins:%H:%M}-{ends:%H:%M}"


def _keys(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _entries(raw: Mapping[str, object], section: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    entries = raw.get(section)
    if isinstance(entries, list):
        yield from ((position, entry) for position, entry in enumerate(entries) if isinstance(entry, dict))
