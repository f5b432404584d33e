"""Free/busy over Graph: ``getSchedule`` (``api/calendar-getschedule.md`` and §1.7 of the notes on Graph)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sandbox.actions import parameters
from sandbox.directory import Account, Group
from sandbox.errors import bad_request
from sandbox.event import Occurrence
from sandbox.exchange import Answer, Call
from sandbox.mailbox import Mailbox
from sandbox.parsing import moment
from sandbox.query import refuse_others
from sandbox.rendering import zoned
from sandbox.tenant import Tenant
from sandbox.zones import zone

_TOO_LONG = timedelta(days=62)
_LEAST, _USUAL, _MOST = 5, 30, 1440
"""Minutes of a slot."""

_DIGITS = {"tentative": 1, "busy": 2, "oof": 3}
"""All else is 0, workingElsewhere too: 4 is never sent."""

_OPEN = frozenset({"normal", "personal"})
"""Sensitivities whose subject and place are told to those who may see them."""


class _Asked(NamedTuple):
    """A window and how long the slots are that it is cut into. ``zone`` is what items are answered in."""

    since: datetime
    until: datetime
    step: timedelta
    zone: str


def get_schedule(call: Call, mailbox: Mailbox) -> Answer:
    """``POST .../calendar/getSchedule``. Subjects and places come of the caller's own mailbox alone."""
    refuse_others(call.options, frozenset())
    given = parameters("getSchedule", call.body)
    asked = _asked(given, call.preferences.zone)
    found = [(address, _found(call.tenant, address)) for address in given.get("schedules", ()) if address]
    _refuse_too_many([whose for _, whose in found], call.tenant.limits.schedules)
    value = [_schedule(address, whose, asked, mailbox) for address, whose in found]
    context = f"{call.base}/$metadata#Collection(microsoft.graph.scheduleInformation)"
    return Answer(200, {"@odata.context": context, "value": value}, call.applied)


def _asked(given: dict[str, Any], zone_name: str) -> _Asked:
    """Raises the 400 for a window that is none, or too long for its slots or for Exchange."""
    since, until = (_instant(given, name) for name in ("startTime", "endTime"))
    minutes = given.get("availabilityViewInterval")
    step = timedelta(minutes=_USUAL if minutes is None else minutes)
    if until <= since:
        raise bad_request("The end of the time window comes before its start.", "ErrorInvalidTimeInterval")
    if until - since >= _TOO_LONG:
        raise bad_request("The time window is not less than 62 days long.", "ErrorTimeIntervalTooBig")
    if not timedelta(minutes=_LEAST) <= step <= timedelta(minutes=_MOST) or step > until - since:
        raise bad_request(
            f"availabilityViewInterval is {_LEAST} to {_MOST} minutes, and no longer than the time window.",
            "ErrorInvalidMergedFreeBusyInterval",
        )
    return _Asked(since, until, step, zone_name)


def _instant(given: dict[str, Any], name: str) -> datetime:
    at, zone_name = moment(given.get(name), name)
    return at.replace(tzinfo=zone(zone_name)).astimezone(UTC)


def _found(tenant: Tenant, address: str) -> Account | Group | None:
    """Who has this SMTP address."""
    if "@" not in address:
        return None
    wanted = address.lower()
    groups = (group for group in tenant.groups if group.mail is not None and group.mail.lower() == wanted)
    return tenant.account(address) or next(groups, None)


def _refuse_too_many(found: list[Account | Group | None], most: int) -> None:
    size = sum(len(_members(one)) if isinstance(one, Group) else 1 for one in found)
    if not found:
        raise bad_request("There are no target users in the EmailAddress array.", "ErrorMailboxDataArrayEmpty")
    if size > most:
        raise bad_request(
            f"There are too many target users in the EmailAddress array. The allowed size = {most}; "
            f"the actual size = {size}.",
            "ErrorMailboxDataArrayTooBig",
        )


def _members(group: Group) -> list[Account]:
    return [one for one in group.transitive_members() if isinstance(one, Account)]


def _schedule(address: str, whose: Account | Group | None, asked: _Asked, caller: Mailbox) -> dict[str, Any]:
    """One ``scheduleInformation``; of a group only the merged view of its members, as Exchange gives of a list."""
    if isinstance(whose, Group):
        boxes = [one.mailbox for one in _members(whose) if one.mailbox is not None and not one.mailbox.is_awaited]
        merged = [one for box in boxes for one in box.view(asked.since, asked.until)]
        return {"scheduleId": address, "availabilityView": _view(merged, asked), "scheduleItems": []}
    mailbox = whose.mailbox if whose else None
    if mailbox is None or mailbox.is_awaited:
        message = f"Unable to resolve e-mail address {address} to an Active Directory object."
        return {"scheduleId": address, "error": {"message": message, "responseCode": "5009"}}
    found = mailbox.view(asked.since, asked.until)
    return {
        "scheduleId": address,
        "availabilityView": _view(found, asked),
        "scheduleItems": [_item(one, asked.zone, told=mailbox is caller) for one in found],
        "workingHours": mailbox.hours.json(mailbox.time_zone),
    }


def _view(found: Iterable[Occurrence], asked: _Asked) -> str:
    """A digit for each slot from the window's start on; the worst status in it wins."""
    since, until, step, _ = asked
    digits = [0] * -((since - until) // step)
    for one in found:
        digit = _DIGITS.get(one.value("showAs"), 0)
        first, last = max(0, (one.starts - since) // step), min(len(digits), -((since - one.ends) // step))
        for place in range(first, last):
            digits[place] = max(digits[place], digit)
    return "".join(map(str, digits))


def _item(one: Occurrence, zone_name: str, *, told: bool) -> dict[str, Any]:
    """One ``scheduleItem``; ``told`` is for whom the owner shows more than free and busy."""
    item: dict[str, Any] = {}
    if told:
        item["isPrivate"] = one.value("sensitivity") not in _OPEN
        if not item["isPrivate"]:
            item |= {"subject": one.value("subject"), "location": one.value("location")["displayName"]}
    times = {"start": zoned(one.starts, zone_name), "end": zoned(one.ends, zone_name)}
    return {**item, "status": one.value("showAs"), **times}
