"""What is remembered of one person, told and forgotten; and which settings the data sheet is about."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Any

from holdfast.core.settings import Settings, fingerprint
from holdfast.jobs.apply import in_force_of
from holdfast.jobs.audience import resolve
from holdfast.jobs.ports import Approval, Ports, State

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

RUNS = "runs"
"""Under which name it is told what runs and messages say of somebody."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The settings in force, and those of the file where an edit waits. ``approval`` is None where nothing is yet."""

    settings: Settings
    approval: Approval | None = None
    edited: Settings | None = None


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person by mailbox and address; either is empty where it is not known."""

    mailbox: str
    address: str


async def in_force(settings: Settings, state: State) -> InForce:
    """Which settings are in force; before there is an approval, those of the file."""
    approval = await state.approval()
    if approval is None:
        return InForce(settings)
    if approval.fingerprint == fingerprint(settings):
        return InForce(settings, approval)
    return InForce(in_force_of(approval, settings), approval, settings)


async def find(asked: str, settings: Settings, ports: Ports) -> Somebody:
    """Who is meant by a mail address or a directory id: from what is on record, else by the directory.

    Raises ``AudienceError`` and Graph's errors where the directory has to be asked.
    """
    sought = asked.strip().lower()
    placed = (
        (await ports.state.placed_of([sought])).get(sought)
        if _ID.fullmatch(sought)
        else await ports.state.placed_at(sought)
    )
    if placed is not None:
        return Somebody(placed.mailbox, placed.address.lower())
    audience = await resolve(settings, ports.directory, {})
    for member in audience.members.values():
        person = member.person
        if sought in (person.id.lower(), person.address, person.user_principal_name.lower()):
            return Somebody(person.id, person.address)
    return Somebody(sought, "") if _ID.fullmatch(sought) else Somebody("", sought)


async def remembered_of(who: Somebody, state: State) -> dict[str, Any]:
    """Everything that is remembered of one person, as plain data by the name of its table; nothing where there is none.

    What is kept under a pseudonym is looked up by the key.
    """
    placed = (await state.placed_of([who.mailbox])).get(who.mailbox) if who.mailbox else None
    found = {
        "placed": placed,
        "known": await state.known(who.mailbox),
        "profile": await state.profile(who.mailbox),
        "touches": await state.touches(who.mailbox),
        "sent": await state.sent(who.address) if who.address else {},
        "seen": await state.seen(who.mailbox),
        "subscription": await state.subscribed(who.mailbox),
        RUNS: await state.mentions(who.mailbox, who.address),
    }
    return {name: plain(one) for name, one in found.items() if one}


def plain(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any value that is stored, each kind in its way
    """A stored value as plain data under the names of its fields; what is not set is left out."""
    match value:
        case Enum():
            return value.value
        case date() | datetime() | time():
            return value.isoformat()
        case Mapping():
            return {_key(name): plain(one) for name, one in value.items()}
        case str() | int() | float() | None:
            return value
    if dataclasses.is_dataclass(value):
        pairs = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        return {name: plain(one) for name, one in pairs.items() if one not in (None, "", frozenset(), {})}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, set | frozenset):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, Iterable):
        return [plain(one) for one in value]
    raise TypeError(type(value).__name__)


def _key(name: object) -> str:
    return " ".join(str(plain(one)) for one in name) if isinstance(name, tuple) else str(name)
