"""What a person does, asked for in JSON by whoever runs the sandbox from outside: a demo, a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from sandbox.directory import Group
from sandbox.event import Address
from sandbox.person import Person
from sandbox.teams import Channel
from sandbox.tenant import Tenant
from sandbox.zones import zone

Wanted = Mapping[str, Any]
"""``do`` and what belongs to it. Times are local to the mailbox without an offset; ``event``, ``message`` are ids."""


def act(tenant: Tenant, person: Person, wanted: Wanted) -> str | None:
    """Let the person do it; the id of what came of it, if anything. Raises ``ValueError`` for what nobody can do."""
    does = _ACTS.get(str(wanted["do"]))
    if does is None:
        raise ValueError(f"Nobody can {wanted['do']!r}. What people do: {', '.join(_ACTS)}.")
    return does(tenant, person, wanted)


def _at(person: Person, text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=zone(person.mailbox.home))


def _book(_: Tenant, person: Person, wanted: Wanted) -> str:
    starts, ends = (_at(person, wanted[name]) for name in ("starts", "ends"))
    return person.book(wanted["subject"], starts, ends, sensitivity="private" if wanted.get("private") else "normal")


def _be_invited(tenant: Tenant, person: Person, wanted: Wanted) -> str:
    """``by`` is an address, of a colleague or of somebody outside."""
    starts, ends = (_at(person, wanted[name]) for name in ("starts", "ends"))
    by = tenant.account(wanted["by"])
    if by is None or by.mailbox is None:
        return person.be_invited(Address(wanted["by"], wanted["by"]), wanted["subject"], starts, ends)
    Person(tenant, by).invite([person.account], wanted["subject"], starts, ends)
    return person.mailbox.id_of(person.mailbox.events[-1])


def _be_away(_: Tenant, person: Person, wanted: Wanted) -> str:
    return person.be_away(date.fromisoformat(wanted["first"]), date.fromisoformat(wanted.get("last", wanted["first"])))


def _copy(_: Tenant, person: Person, wanted: Wanted) -> str:
    return person.copy(wanted["event"], _at(person, wanted["starts"]) if "starts" in wanted else None)


def _group(tenant: Tenant, wanted: Wanted) -> Group:
    name = wanted["group"]
    found = next((one for one in tenant.groups if name in (one.id, one.mail, one.display_name)), None)
    if found is None:
        raise LookupError(f"There is no group {name}.")
    return found


def _channel(tenant: Tenant, wanted: Wanted) -> Channel:
    """``channel`` is an id, or with ``team`` a name there."""
    if "team" in wanted:
        return tenant.team(wanted["team"]).channel(wanted["channel"])
    return tenant.channel(wanted["channel"])


def _post(tenant: Tenant, person: Person, wanted: Wanted) -> str:
    return person.post(_channel(tenant, wanted), wanted["content"], subject=wanted.get("subject"))


def _reply(tenant: Tenant, person: Person, wanted: Wanted) -> str:
    return person.reply(_channel(tenant, wanted), wanted["message"], wanted["content"])


def _edit_message(tenant: Tenant, person: Person, wanted: Wanted) -> None:
    person.edit_message(_channel(tenant, wanted), wanted["message"], wanted["content"])


def _delete_message(tenant: Tenant, person: Person, wanted: Wanted) -> None:
    person.delete_message(_channel(tenant, wanted), wanted["message"])


def _react(tenant: Tenant, person: Person, wanted: Wanted) -> None:
    person.react(_channel(tenant, wanted), wanted["message"], wanted.get("kind", "like"))


_ACTS: dict[str, Callable[[Tenant, Person, Wanted], str | None]] = {
    "move": lambda _, person, wanted: person.move(wanted["event"], _at(person, wanted["starts"])),
    "move_series": lambda _, person, wanted: person.move_series(wanted["event"], time.fromisoformat(wanted["at"])),
    "resize": lambda _, person, wanted: person.resize(wanted["event"], int(wanted["minutes"])),
    "delete": lambda _, person, wanted: person.delete(wanted["event"]),
    "delete_series": lambda _, person, wanted: person.delete_series(wanted["event"]),
    "show_as": lambda _, person, wanted: person.show_as(wanted["event"], wanted["status"]),
    "reword": lambda _, person, wanted: person.reword(
        wanted["event"], subject=wanted.get("subject"), text=wanted.get("text")
    ),
    "copy": _copy,
    "copy_series": lambda _, person, wanted: person.copy_series(wanted["event"]),
    "book": _book,
    "be_invited": _be_invited,
    "accept": lambda _, person, wanted: person.accept(wanted["event"]),
    "tentatively_accept": lambda _, person, wanted: person.tentatively_accept(wanted["event"]),
    "decline": lambda _, person, wanted: person.decline(wanted["event"]),
    "be_away": _be_away,
    "join": lambda tenant, person, wanted: person.join(_group(tenant, wanted)),
    "leave": lambda tenant, person, wanted: person.leave(_group(tenant, wanted)),
    "post": _post,
    "reply": _reply,
    "edit_message": _edit_message,
    "delete_message": _delete_message,
    "react": _react,
    "unreact": lambda tenant, person, wanted: person.unreact(
        _channel(tenant, wanted), wanted["message"], wanted.get("kind", "like")
    ),
    "join_channel": lambda tenant, person, wanted: person.join_channel(_channel(tenant, wanted)),
    "leave_channel": lambda tenant, person, wanted: person.leave_channel(_channel(tenant, wanted)),
}
