"""Answers to invitations over Graph: ``accept``, ``tentativelyAccept``, ``decline`` (§1.5 of the notes on Graph)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sandbox.actions import parameters
from sandbox.errors import bad_request, invalid
from sandbox.event import Occurrence
from sandbox.exchange import Answer, Call
from sandbox.mail import Mail
from sandbox.mailbox import Mailbox
from sandbox.parsing import moment
from sandbox.query import refuse_others
from sandbox.rendering import instant_text, wall_text
from sandbox.tenant import Tenant
from sandbox.texts import as_html

RESPONSES = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted", "decline": "declined"}
"""What each action answers, as ``responseStatus`` has it."""

_WORDS = {"accepted": "Accepted", "tentativelyAccepted": "Tentatively Accepted", "declined": "Declined"}


def respond(call: Call, mailbox: Mailbox, *, action: str) -> Answer:
    """``POST .../events/{id}/{action}``, of a meeting, a series of them, or one date."""
    refuse_others(call.options, frozenset())
    given = parameters(action, call.body)
    found = mailbox.find(call.segments[3])
    what = mailbox.seen(found)
    sends = given.get("sendResponse") is not False
    _refuse(what, given, sends=sends)
    proposed = _proposed(given)
    response = RESPONSES[action]
    organizer = what.event.organizer
    if sends and organizer is not None:
        mail = Mail(
            sender=mailbox.owner.address,
            to=(organizer.address,),
            subject=f"{_WORDS[response]}: {what.value('subject')}",
            body=as_html(given.get("comment") or "", plain=True),
            at=call.tenant.clock.now(),
            response=response,
        )
        call.tenant.send(mail)
        tell(call.tenant, mailbox, what, response, proposed)
    mailbox.respond(found, response)
    call.tenant.counts.writes += 1
    return Answer(202)


def tell(
    tenant: Tenant, mailbox: Mailbox, what: Occurrence, response: str, proposed: dict[str, Any] | None = None
) -> None:
    """Let the organiser's event show the answer, if they are in the tenant; an answer to one date shows nowhere."""
    organizer = what.event.organizer
    account = tenant.account(organizer.address) if organizer else None
    if what.slot is not None or account is None or account.mailbox is None:
        return
    status = {"response": response, "time": instant_text(tenant.clock.now())}
    answer = {"status": status} if proposed is None else {"status": status, "proposedNewTime": proposed}
    for event in account.mailbox.events:
        if event.uid == what.event.uid and event.organizer is None:
            account.mailbox.note(event, mailbox.owner.address, answer)


def handlers() -> dict[str, Callable[[Call, Mailbox], Answer]]:
    """Who answers to which action."""
    return {action: partial(respond, action=action) for action in RESPONSES}


def _refuse(what: Occurrence, given: dict[str, Any], *, sends: bool) -> None:
    """Raises the 400 for what cannot be answered, or not like this; the texts were seen in the field."""
    refused = "Your request can't be completed. "
    if what.event.organizer is None:
        raise bad_request(
            f"{refused}You can't respond to this meeting because you're the meeting organizer.", "ErrorInvalidRequest"
        )
    if not sends and given.get("comment") is not None:
        raise bad_request("'SendResponse' must be true when 'Comment' is not null.", "ErrorInvalidParameter")
    if given.get("proposedNewTime") is not None:
        if not sends:
            raise bad_request("'SendResponse' must be true when a new time is proposed.", "ErrorInvalidParameter")
        if not what.value("allowNewTimeProposals"):
            raise bad_request(f"{refused}The organizer doesn't allow new time proposals.", "ErrorInvalidRequest")
    if sends and not what.value("responseRequested"):
        raise bad_request(f"{refused}The meeting organizer hasn't requested a response.", "ErrorInvalidRequest")


def _proposed(given: dict[str, Any]) -> dict[str, Any] | None:
    slot = given.get("proposedNewTime")
    if slot is None:
        return None
    start, end = (moment(slot.get(name), name) for name in ("start", "end"))
    if start.zone == end.zone and end.at <= start.at:
        raise invalid("The end of a proposed time cannot be earlier than its start.")
    return {
        name: {"dateTime": wall_text(one.at), "timeZone": one.zone} for name, one in (("start", start), ("end", end))
    }
