"""What no key can tell alone: whether names refer to something, ids are single, and blocks leave each other room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from holdfast.core import calm, recurrence, zones
from holdfast.core.model import Overlap, Protection, Slot
from holdfast.core.settings.channels import Via
from holdfast.core.settings.fields import Language, calendar_date
from holdfast.core.settings.model import Block, Credential
from holdfast.core.settings.problems import meant, printable, quoted
from holdfast.core.settings.recurring import Day, Quietest, day_text

Path = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""


class Contradiction(NamedTuple):
    """A value that does not fit the others, by its path."""

    path: Path
    message: str


def contradictions(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    """Everything in the settings that contradicts something else in them, as far as their shape allows to see it."""
    yield from _sign_in(raw)
    yield from _overlaps(raw)
    yield from _posting(raw)
    yield from _untranslated(raw)
    yield from _repeated_ids(raw)
    yield from _dangling(raw)
    yield from _messages(raw)
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


def _overlaps(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    # What soft blocks say of meetings is refused as it is.
    blocks = [entry for entry in _entries(raw, "blocks") if entry[1].get("protection") != Protection.SOFT]
    notifying = [position for position, block in blocks if block.get("overlap") == Overlap.NOTIFY]
    if notifying and _keys(raw.get("tenant")).get("organizer") is None:
        yield Contradiction(
            ("tenant", "organizer"),
            f"is missing, and overlap: notify in blocks[{notifying[0]}] sends mail from it. Write a role mailbox's "
            "address here or set the environment variable HOLDFAST_ORGANIZER.",
        )
    for position, block in blocks:
        if block.get("overlap") == Overlap.DECLINE and block.get("decline_for") is None:
            yield Contradiction(
                ("blocks", position, "decline_for"),
                "is missing, and overlap: decline declines only for the members of a group that people join by "
                'choice. Write its id, mail address or name, such as decline_for: "Lärtid - tacka nej"',
            )


def _posting(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    by_graph = [position for position, one in _entries(raw, "channels") if one.get("via", Via.GRAPH) == Via.GRAPH]
    if by_graph and _keys(raw.get("tenant")).get("login") is None:
        yield Contradiction(
            ("tenant", "login"),
            f"is missing, and channels[{by_graph[0]}] is posted to by an account that signs in. Write the registration "
            "and the account here, login: {client_id: …, account: …}, or post with via: workflow",
        )


def _untranslated(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    serving: dict[object, list[str]] = {}
    for _, block in _entries(raw, "blocks"):
        for goal in _texts(block.get("goals")):
            serving.setdefault(goal, []).extend(_texts(block.get("audiences")))
    channels = (_language(one) for _, one in _entries(raw, "channels"))
    spoken = {language: "the language of a channel" for language in channels if language}
    for section in ("goals", "blocks"):
        for position, entry in _entries(raw, section):
            title = entry.get("title")
            if not isinstance(title, dict):
                continue
            audiences = _texts(entry.get("audiences")) if section == "blocks" else serving.get(entry.get("id"), [])
            read = _read_by(raw, audiences)
            for language, whose in ({**spoken, **read} if section == "goals" else read).items():
                if language not in title:
                    yield Contradiction(
                        (section, position, "title"), f"has no text in {language}, {whose}. Add {language}: …"
                    )


def _read_by(raw: Mapping[str, object], audiences: list[str]) -> dict[Language, str]:
    """The languages that are read by some audiences, each with whose it is; the organisation's is always among them."""
    everywhere = _language(raw.get("organization"))
    whose = {everywhere: "the organization's language"} if everywhere else {}
    known = _keys(raw.get("audiences"))
    for name in audiences:
        if language := _language(known.get(name)):
            whose.setdefault(language, f"the language of the audience {quoted(name)}")
    return whose


def _repeated_ids(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    for section in ("goals", "blocks", "channels"):
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
    referring = (
        ("blocks", "audiences", audiences, "audience is called"),
        ("blocks", "goals", goals, "goal has the id"),
        ("goals", "audiences", audiences, "audience is called"),
        ("channels", "audiences", audiences, "audience is called"),
    )
    for section, key, known, what in referring:
        for position, entry in _entries(raw, section):
            names = entry.get(key)
            for index, name in enumerate(names if isinstance(names, list) else []):
                if isinstance(name, str) and name.strip() not in known:
                    there = f"There are: {printable(', '.join(known))}" if known else f"There are none under {key}."
                    yield Contradiction(
                        (section, position, key, index), f"no {what} {quoted(name)}. {meant(name, known)}{there}"
                    )


def _messages(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    channels = {name: one for _, one in _entries(raw, "channels") if isinstance(name := one.get("id"), str)}
    said: dict[str, list[tuple[date, str, int]]] = {}
    for position, entry in _entries(raw, "messages"):
        name = entry.get("channel")
        if not isinstance(name, str):
            continue
        if name not in channels:
            there = f"There are: {printable(', '.join(channels))}" if channels else "There are none under channels."
            message = f"no channel has the id {quoted(name)}. {meant(name, list(channels))}{there}"
            yield Contradiction(("messages", position, "channel"), message)
            continue
        language = _language(channels[name]) or _language(raw.get("organization"))
        for key in ("role", "text"):
            texts = entry.get(key)
            if language and isinstance(texts, dict) and language not in texts:
                yield Contradiction(
                    ("messages", position, key),
                    f"has no text in {language}, the language of the channel {quoted(name)}. Add {language}: …",
                )
        yield from _too_many(position, entry, name, said.setdefault(name, []))


def _too_many(
    position: int, entry: Mapping[str, object], channel: str, said: list[tuple[date, str, int]]
) -> Iterator[Contradiction]:
    """What is wrong with one more message to a channel, beside those ``said`` there: by day, by whom, and where."""
    try:
        day = calendar_date(entry.get("day"))
    except PydanticCustomError:
        return
    who = str(entry.get("from")).strip().casefold()
    twice = next((where for on, other, where in said if (on, other) == (day, who)), None)
    said.append((day, who, position))
    if twice is not None:
        yield Contradiction(
            ("messages", position, "day"),
            f"{day} has a message of the same leader to the channel {quoted(channel)} already, messages[{twice}]. "
            "Choose another day, or make one of the two.",
        )
    elif too_close := calm.first_overfull((on for on, _, _ in said), day):
        yield Contradiction(
            ("messages", position, "day"),
            f"{day} makes three messages to the channel {quoted(channel)} within seven days, from {too_close} on, and "
            "a channel gets two posts a week. Choose another day.",
        )


def _collisions(raw: Mapping[str, object]) -> Iterator[Contradiction]:
    zone = _zone(raw)
    earlier: list[tuple[int, Block, tuple[Slot, ...]]] = []
    for position, entry in _entries(raw, "blocks"):
        try:
            block = Block.model_validate(entry, by_alias=True, by_name=False)
        except ValidationError:
            continue
        slots = block.slots(zone, block.at.since if isinstance(block.at, Quietest) else block.at)
        yield from _days_that_meet(position, block, slots)
        if isinstance(block.at, Quietest):
            continue  # its time will be chosen clear of the others'
        for other_position, other, other_slots in earlier:
            shared = [name for name in block.audiences if name in other.audiences]
            since, until = max(block.from_, other.from_), min(block.until or date.max, other.until or date.max)
            day = _first_meeting(slots, other_slots, since, until) if shared else None
            if day is not None:
                yield Contradiction(
                    ("blocks", position, "at"),
                    f"{_hours(slots[0])} on {_date(day)} meets blocks[{other_position}] {quoted(other.id)}, "
                    f"{_hours(other_slots[0])}, in the audience {quoted(shared[0])}. "
                    "Change the day, the time or the dates of one.",
                )
        earlier.append((position, block, slots))


def _days_that_meet(position: int, block: Block, slots: tuple[Slot, ...]) -> Iterator[Contradiction]:
    for (one, slot), (other, other_slot) in combinations(zip(block.day, slots, strict=True), 2):
        day = _first_meeting((slot,), (other_slot,), block.from_, block.until or date.max)
        if day is not None:
            yield Contradiction(
                ("blocks", position, "day"),
                f"has {day_text(one)} and {day_text(other)}, which are both {_date(day)}. Leave one of them out.",
            )


def _first_meeting(slots: tuple[Slot, ...], others: tuple[Slot, ...], since: date, until: date) -> date | None:
    """The first date on which one of ``slots`` shares time with one of ``others``."""
    met = (recurrence.meeting(slot, other, since, until) for slot in slots for other in others)
    return min((day for day in met if day is not None), default=None)


def _zone(raw: Mapping[str, object]) -> str:
    """The organisation's zone; UTC where it is not right, in which days are as long."""
    name = _keys(raw.get("organization")).get("time_zone")
    try:
        return zones.iana(name) if isinstance(name, str) else "UTC"
    except zones.UnknownZone:
        return "UTC"


def _date(day: date) -> str:
    return f"{tuple(Day)[day.weekday()]} {day}"


def _hours(slot: Slot) -> str:
    begins = datetime.combine(date.min, slot.at)
    return f"{begins:%H:%M}-{begins + timedelta(minutes=slot.minutes):%H:%M}"


def _language(section: object) -> Language | None:
    language = _keys(section).get("language")
    return Language(language) if isinstance(language, str) and language in tuple(Language) else None


def _texts(value: object) -> list[str]:
    return [text.strip() for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _keys(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _entries(raw: Mapping[str, object], section: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    entries = raw.get(section)
    if isinstance(entries, list):
        yield from ((position, entry) for position, entry in enumerate(entries) if isinstance(entry, dict))
