"""Mail over Graph: ``sendMail`` (``api/user-sendmail.md``, §1.10 of the notes on Graph)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.actions import parameters
from sandbox.errors import bad_request, invalid
from sandbox.exchange import Answer, Call
from sandbox.mail import Mail
from sandbox.mailbox import Mailbox
from sandbox.query import refuse_others
from sandbox.texts import as_html

SEND = frozenset({"Mail.Send"})

_MOST_HEADERS = 5


def send_mail(call: Call, mailbox: Mailbox) -> Answer:
    """``POST .../sendMail``: accepted, which promises nothing; here it is always sent."""
    refuse_others(call.options, frozenset())
    given = parameters("sendMail", call.body)
    message = given.get("message")
    if message is None:
        raise invalid("The parameter 'message' is required.")
    body = message.get("body") or {}
    saves = given.get("saveToSentItems")
    mail = Mail(
        sender=mailbox.owner.address,
        to=_addresses(message, "toRecipients"),
        cc=_addresses(message, "ccRecipients"),
        bcc=_addresses(message, "bccRecipients"),
        reply_to=_addresses(message, "replyTo"),
        subject=message.get("subject") or "",
        body=as_html(body.get("content") or "", plain=body.get("contentType", "text") != "html"),
        at=call.tenant.clock.now(),
        importance=message.get("importance") or "normal",
        headers=_headers(message.get("internetMessageHeaders", ())),
        saved=saves is not False,
    )
    if not mail.recipients:
        raise _no_recipient()
    call.tenant.send(mail)
    call.tenant.counts.writes += 1
    return Answer(202)


def _addresses(message: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = []
    for one in message.get(name, ()):
        address = ((one or {}).get("emailAddress") or {}).get("address") or ""
        if "@" not in address:
            raise _no_recipient()
        found.append(address)
    return tuple(found)


def _headers(given: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Custom headers, of which a message has few, and none but those whose names say that they are custom."""
    if len(given) > _MOST_HEADERS:
        raise bad_request(f"A message has at most {_MOST_HEADERS} headers.", "InvalidInternetMessageHeaderCollection")
    for one in given:
        if not (one.get("name") or "").lower().startswith("x-"):
            raise bad_request(
                f"The internet message header name '{one.get('name')}' should start with 'x-' or 'X-'.",
                "InvalidInternetMessageHeader",
            )
    return {one["name"]: one.get("value") or "" for one in given}


def _no_recipient() -> Exception:
    return bad_request("At least one recipient isn't valid.", "ErrorInvalidRecipients")
