"""What Graph sends to our webhook: telling what it wrote from what anybody may, and what follows from it.

Whoever knows the address can post to it. What makes an item Graph's is the ``clientState`` that its subscription was
made with: the mailbox and a signature of it, so that nothing has to be looked up (``docs/adr/0015``). Everything else
in an item is a hint at most, and what does not fit is counted and forgotten.

The shapes are those of ``resources/changenotification.md`` in Microsoft's Graph documentation, and of its pages on
webhooks and lifecycle events.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.core.messages import Care, Heard, Hint

MOST_BYTES = 1024 * 1024
MOST_ITEMS = 1_000
"""More than Graph ever sends in one request: some dozens of items of half a kilobyte each."""

MOST_HEARD = 20
"""Changes of one mailbox that are told one by one; of more it is enough to know that there were many."""

LONGEST_STATE = 128
"""Characters of a ``clientState`` (``resources/subscription.md``)."""

_STATE, _MARK = b"holdfast client state 1", b"holdfast subscription mark 1"
"""What the keys of client states and of marks are derived with, so that no other use of the secret ever meets them."""

_MAILBOX = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,83}")
_RESOURCE = re.compile(
    r"/?users(?:/|\(')(?P<user>[^/']+)(?:'\))?/events(?:/|\(')(?P<event>[^']+?)(?:'\))?", re.IGNORECASE
)
_EVENT = re.compile(r"[!-~]{1,512}")
_ETAG = re.compile(r"[!-~]{1,256}")
_SUBSCRIPTION = re.compile(r"[A-Za-z0-9_-]{1,64}")

_CHANGES = frozenset({"created", "updated", "deleted"})


class BadBody(Exception):
    """A body that is no notification of Graph's: not JSON, or of another shape."""


class TooMuch(Exception):
    """A body that is larger, or holds more items, than Graph sends."""


class Dropped(enum.StrEnum):
    """Why an item was dropped."""

    FORGED = "not signed by us"
    STRANGE = "not understood"


@dataclass(frozen=True, slots=True)
class Told:
    """What a body says: a hint for each mailbox, and how many items were dropped, and why."""

    hints: tuple[Hint, ...] = ()
    dropped: Mapping[Dropped, int] = field(default_factory=dict)


def client_state(mailbox: str, *, tenant: str, key: bytes) -> str:
    """What a subscription to a mailbox of a tenant is made with, so that what it tells is known for Graph's.

    ``key`` is the secret that everything stored is kept under; here and below a key of its own is derived from it.

    Raises ``ValueError`` for what cannot be the id of a mailbox.
    """
    if not _MAILBOX.fullmatch(mailbox):
        raise ValueError("This cannot be the id of a mailbox.")
    return f"{mailbox}.{_signature(mailbox, tenant, key)}"


def vouched(state: str, *, tenant: str, keys: Sequence[bytes]) -> str | None:
    """The mailbox that a ``clientState`` is about; None where it was not made under any of these keys."""
    mailbox, _, signature = state.rpartition(".")
    if not _MAILBOX.fullmatch(mailbox) or not signature.isascii():
        return None
    # Every key is tried, so that the time it takes tells nothing.
    found = [hmac.compare_digest(signature, _signature(mailbox, tenant, key)) for key in keys]
    return mailbox if any(found) else None


def mark(url: str, *, key: bytes) -> str:
    """What a subscription is remembered with: another where the key or the address is another."""
    own = hmac.digest(key, _MARK, hashlib.sha256)
    return hmac.digest(own, url.encode(), hashlib.sha256)[:8].hex()


def read(body: bytes, *, tenant: str, keys: Sequence[bytes], at: datetime) -> Told:
    """What a body says that came at ``at``, of changes and of what becomes of subscriptions alike.

    Raises ``BadBody`` and ``TooMuch``, and nothing else, whatever the body is.
    """
    hints: list[Hint] = []
    dropped: dict[Dropped, int] = {}
    for item in _items(body):
        found = _hint(item, tenant, keys, at)
        if isinstance(found, Dropped):
            dropped[found] = dropped.get(found, 0) + 1
        else:
            hints.append(found)
    return Told(tuple(_folded(hints)), dropped)


def _items(body: bytes) -> list[object]:
    if len(body) > MOST_BYTES:
        raise TooMuch
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        # Without its cause, which quotes what it could not read.
        raise BadBody from None
    items = data.get("value") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise BadBody
    if len(items) > MOST_ITEMS:
        raise TooMuch
    return items


def _hint(item: object, tenant: str, keys: Sequence[bytes], at: datetime) -> Hint | Dropped:
    if not isinstance(item, dict):
        return Dropped.STRANGE
    state, its_tenant = item.get("clientState"), item.get("tenantId")
    if not isinstance(state, str) or not isinstance(its_tenant, str) or len(state) > LONGEST_STATE:
        return Dropped.FORGED
    mailbox = vouched(state, tenant=tenant, keys=keys)
    if mailbox is None or its_tenant.lower() != tenant.lower():
        return Dropped.FORGED
    return _change(item, mailbox, at) if item.get("lifecycleEvent") is None else _lifecycle(item, mailbox, at)


def _change(item: Mapping[object, object], mailbox: str, at: datetime) -> Hint | Dropped:
    address, change = item.get("resource"), item.get("changeType")
    resource = _RESOURCE.fullmatch(address) if isinstance(address, str) else None
    if resource is None or not isinstance(change, str) or change not in _CHANGES:
        return Dropped.STRANGE
    if resource["user"].lower() != mailbox.lower():
        return Dropped.FORGED
    data = item.get("resourceData")
    about = data if isinstance(data, dict) else {}
    event_id, etag = about.get("id", resource["event"]), about.get("@odata.etag", "")
    if not isinstance(event_id, str) or not _EVENT.fullmatch(event_id):
        return Hint(mailbox, at)  # it is Graph's, so something has happened
    known = etag if isinstance(etag, str) and _ETAG.fullmatch(etag) else ""
    return Hint(mailbox, at, (Heard(event_id, change, known),))


def _lifecycle(item: Mapping[object, object], mailbox: str, at: datetime) -> Hint | Dropped:
    """``missed`` is a hint at everything; what becomes of the subscription is to be cared for besides."""
    event, subscription = item["lifecycleEvent"], item.get("subscriptionId")
    if event == "missed":
        return Hint(mailbox, at)
    if not isinstance(subscription, str) or not _SUBSCRIPTION.fullmatch(subscription):
        return Dropped.STRANGE
    if event == "subscriptionRemoved":
        return Hint(mailbox, at, care=Care.REPLACE, subscription=subscription)
    if event == "reauthorizationRequired":
        return Hint(mailbox, at, care=Care.RENEW, subscription=subscription)
    return Dropped.STRANGE


def _folded(hints: Iterable[Hint]) -> Iterable[Hint]:
    """One hint at what was touched in each mailbox, and what is to be cared for once."""
    touched: dict[str, list[Hint]] = {}
    cares: dict[Hint, None] = {}
    for hint in hints:
        if hint.care is None:
            touched.setdefault(hint.mailbox, []).append(hint)
        else:
            cares[hint] = None
    for mailbox, several in touched.items():
        heard = tuple(dict.fromkeys(one for hint in several for one in hint.heard))
        whole = any(not hint.heard for hint in several) or len(heard) > MOST_HEARD
        yield Hint(mailbox, several[0].at, () if whole else heard)
    yield from cares


def _signature(mailbox: str, tenant: str, key: bytes) -> str:
    own = hmac.digest(key, _STATE, hashlib.sha256)
    encoded = tenant.lower().encode()
    told_apart = len(encoded).to_bytes(4, "big") + encoded + mailbox.encode()
    return base64.urlsafe_b64encode(hmac.digest(own, told_apart, hashlib.sha256)).rstrip(b"=").decode()
