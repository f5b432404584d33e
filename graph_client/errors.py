"""From what Graph answers to the tree in ``holdfast.core.errors``: the only place that knows statuses and codes.

Branches on status and code, never on message texts, and expects anything: gateways answer HTML or nothing at all, codes
come in either case, ``innerError`` in two spellings (``concepts/errors.md`` of Microsoft's Graph documentation).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from graph_client.permissions import Need
from holdfast.core.errors import (
    Conflict,
    Crossing,
    Denied,
    Duplicate,
    Gone,
    GraphError,
    NoMailbox,
    NotSignedIn,
    Throttled,
    Unexpected,
    Unreachable,
)

NO_ANSWER = 0
"""The status of a call whose outcome is not known."""

_NO_MAILBOX = {"mailboxnotenabledforrestapi", "errornonexistentmailbox", "mailboxnotfound", "errorinvaliduser"}
_UNKNOWN_RESOURCE = {"request_resourcenotfound", "resourcenotfound"}
_DUPLICATE = "errorduplicatetransactionid"
_CROSSING = "erroroccurrencecrossingboundary"
_EXISTING = "@event.existingeventid"

_DUPLICATES = {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT}
"""The statuses that a refused transactionId comes with: the first in older client code, the second in most."""

_BY_STATUS: dict[int, type[GraphError]] = {
    NO_ANSWER: Unreachable,
    HTTPStatus.UNAUTHORIZED: NotSignedIn,
    HTTPStatus.NOT_FOUND: Gone,
    HTTPStatus.GONE: Gone,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.PRECONDITION_FAILED: Conflict,
    HTTPStatus.NOT_IMPLEMENTED: Unexpected,
}
"""What most statuses stand for; other 5xx answers are ``Unreachable``, all others ``Unexpected``."""

_LONGEST_MESSAGE = 300
_CLAIMS = re.compile(r'\bclaims="([^"]+)"')


@dataclass(slots=True)
class Answer:
    """What came back for one call. ``status`` is ``NO_ANSWER`` where its outcome is unknown.

    ``sent`` is False where the call surely never reached Graph, ``wait`` is how many seconds to wait before the next
    attempt where somebody has said so, and ``token`` is the access token it was sent with.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    request_id: str = ""
    token: str = field(default="", repr=False)
    wait: float | None = None
    sent: bool = True

    @property
    def ok(self) -> bool:
        """Whether Graph did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def header(self, name: str) -> str | None:
        """A header's value, by its name in lower case."""
        return next((str(value) for key, value in self.headers.items() if key.lower() == name), None)


def code_of(answer: Answer) -> str:
    """Graph's error code as it was given; empty where the body tells none."""
    code = _error(answer).get("code")
    return code if isinstance(code, str) else ""


def claims_of(answer: Answer) -> str | None:
    """The claims that a 401 asks the next token to satisfy, as JSON; None for a plain 401."""
    found = _CLAIMS.search(answer.header("www-authenticate") or "")
    if found is None:
        return None
    try:
        return base64.b64decode(found[1] + "=" * (-len(found[1]) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def error_of(answer: Answer, need: Need) -> GraphError:
    """The error that an answer which is not ``ok`` stands for."""
    status, code = answer.status, code_of(answer)
    message = f"{need.doing.capitalize()} failed: {_message(answer)}"
    about: dict[str, Any] = {"status": status, "code": code, "request_id": answer.request_id}
    low = code.lower()
    if low == _DUPLICATE and status in _DUPLICATES:
        return Duplicate(message, existing_id=_existing_id(answer), **about)
    if status == HTTPStatus.NOT_FOUND and (low in _NO_MAILBOX or (need.of_mailbox and low in _UNKNOWN_RESOURCE)):
        return NoMailbox(message, **about)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, retry_after=answer.wait or 0.0, **about)
    if status == HTTPStatus.FORBIDDEN:
        return Denied(message, cure=_grant(need), **about)
    if status == HTTPStatus.INSUFFICIENT_STORAGE:
        return Unexpected(message, cure="The mailbox is full: its owner must make room.", **about)
    otherwise: type[GraphError] = Unreachable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Unexpected
    if low == _CROSSING:
        otherwise = Crossing
    return _BY_STATUS.get(status, otherwise)(message, **about)


def gap_of(need: Need, what: str) -> Denied:
    """The error for an answer whose values are missing because a permission is (Graph then answers 200 and nulls)."""
    return Denied(f"{need.doing.capitalize()} failed: {what}", status=HTTPStatus.OK, cure=_grant(need))


def refused(answer: Answer) -> GraphError:
    """The error for a whole batch that was turned away: it says nothing about the calls in it."""
    about: dict[str, Any] = {"status": answer.status, "code": code_of(answer), "request_id": answer.request_id}
    message = f"Graph turned away a whole batch: {_message(answer)}"
    if answer.status == HTTPStatus.FORBIDDEN:
        return Denied(message, **about)
    return Unexpected(message, **about)


def _grant(need: Need) -> str:
    scoped = (
        " Where mailboxes are limited by RBAC for Applications, add this mailbox to the scope instead."
        if need.of_mailbox
        else ""
    )
    return f"Grant {need.permission} and admin consent, see docs/permissions.md.{scoped}"


def _error(answer: Answer) -> Mapping[str, Any]:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    return error if isinstance(error, dict) else {}


def _message(answer: Answer) -> str:
    if answer.status == NO_ANSWER:
        return "there was no usable answer"
    text = _error(answer).get("message")
    text = " ".join(text.split())[:_LONGEST_MESSAGE] if isinstance(text, str) else ""
    return text or f"the answer was {answer.status} without a word"


def _existing_id(answer: Answer) -> str | None:
    """The event that stands in the way of a create, as seen in the wild in the error or one of its inner errors."""
    for error in _nested(_error(answer)):
        for key, value in error.items():
            if key.lower() == _EXISTING and isinstance(value, str) and value:
                return value
    return None


def _nested(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield error
    for key, value in error.items():
        if key.lower() == "innererror" and isinstance(value, dict):
            yield from _nested(value)
