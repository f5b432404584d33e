"""Being told of changes in mailboxes, over the bulk road: the port ``Subscriptions``.

By ``$batch`` like calendars: nothing excludes ``/subscriptions`` from it (``concepts/json-batching.md``). The limits of
a mailbox do not apply, those of the subscription service do: 1,000 writes in 20 seconds for an application and tenant
(``includes/throttling-subscription-services.md``). Half of that is used, because each one made is asked for at our own
address twice, before there is an answer.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from graph_client import translate
from graph_client.batch import Call, Dispatcher
from graph_client.permissions import KEEP_SUBSCRIPTIONS, SUBSCRIBE
from holdfast.core.errors import Denied, Gone, Unexpected
from holdfast.core.model import Clock
from holdfast.jobs.ports import Subscription

CHANGES = "created,updated,deleted"

INTERVAL = 20 / 500
"""Seconds between two writes."""

_RESOURCE = re.compile(r"/?users(?:/|\(')([^/']+)(?:'\))?/events", re.IGNORECASE)
_LACKS_PERMISSION = frozenset({"erroraccessdenied", "authorization_requestdenied", "accessdenied"})
_OF_QUOTAS = re.compile(r"\b(limit|quota|maximum|exceed)", re.IGNORECASE)
_QUOTA = (
    "A mailbox can have 1,000 subscriptions, of all applications together. End those that are not needed any more, "
    "or wait: each ends by itself within a week. Until then this mailbox is looked at by every sweep."
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where Graph is to tell of changes, and of what becomes of subscriptions. Both are public and begin with https."""

    notifications: str
    lifecycle: str


class GraphSubscriptions:
    """Fills the port ``Subscriptions`` over ``$batch``. Raises nothing but what ``holdfast.core.errors`` draws.

    Without ``addresses`` none can be made and none is ours; those that are known can still be ended.
    """

    def __init__(self, dispatcher: Dispatcher, addresses: Addresses | None, *, clock: Clock) -> None:
        self._dispatcher = dispatcher
        self._addresses = addresses
        self._clock = clock
        self._next_write = clock.monotonic()

    async def create(self, mailbox: str, *, client_state: str, until: datetime) -> Subscription:
        """Have Graph tell of every change of the events of a mailbox (``api/subscription-post-subscriptions.md``).

        Notifications hold immutable ids, which every call of ours asks for (``concepts/outlook-immutable-id.md``).
        Raises ``Denied`` for a quota or a permission, each with its cure, and ``Unexpected`` where Graph refuses our
        address, which it tries first.
        """
        if self._addresses is None:
            raise Unexpected("Nothing says where to tell of changes.", cure="Write tenant.notification_url.")
        body = {
            "changeType": CHANGES,
            "resource": f"users/{mailbox}/events",
            "notificationUrl": self._addresses.notifications,
            "lifecycleNotificationUrl": self._addresses.lifecycle,
            "expirationDateTime": _text(until),
            "clientState": client_state,
            "latestSupportedTlsVersion": "v1_2",
        }
        await self._turn()
        try:
            raw = await self._dispatcher.ok(Call(mailbox, "POST", "/subscriptions", SUBSCRIBE, body))
        except Denied as error:
            raise _told_apart(error) from error
        except Unexpected as error:
            if error.status == HTTPStatus.BAD_REQUEST:
                error.cure = (
                    f"See that {self._addresses.notifications} and {self._addresses.lifecycle} can be reached from the "
                    "internet and that the functions notifications and lifecycle run: Microsoft Graph asks both first."
                )
            raise
        return translate.understood(lambda raw: Subscription(mailbox, raw["id"], _expires(raw)), raw)

    async def renew(self, subscription: Subscription, *, until: datetime) -> Subscription:
        """Have it last longer, which authorises it anew as well (``api/subscription-update.md``). Raises ``Gone``."""
        body = {"expirationDateTime": _text(until)}
        await self._turn()
        call = Call(subscription.mailbox, "PATCH", _path(subscription), KEEP_SUBSCRIPTIONS, body)
        raw = await self._dispatcher.ok(call)
        return replace(subscription, expires=translate.understood(_expires, raw))

    async def delete(self, subscription: Subscription) -> None:
        """End it (``api/subscription-delete.md``); one that is gone already counts as done."""
        await self._turn()
        try:
            await self._dispatcher.ok(Call(subscription.mailbox, "DELETE", _path(subscription), KEEP_SUBSCRIPTIONS))
        except Gone:
            return

    async def all(self) -> AsyncIterator[Subscription]:
        """Every subscription to the events of mailboxes that tells at our address (``api/subscription-list.md``).

        The list holds this application's own. Those of another address are somebody's who uses the same registration.
        """
        ours = self._addresses.notifications if self._addresses else None
        async for page in self._dispatcher.pages(Call("subscriptions", "GET", "/subscriptions", KEEP_SUBSCRIPTIONS)):
            for raw in page:
                found, url = translate.understood(lambda one: (_of_events(one), one["notificationUrl"]), raw)
                if found is not None and url == ours:
                    yield found

    async def _turn(self) -> None:
        """Wait until the next write may go."""
        now = self._clock.monotonic()
        at = max(now, self._next_write)
        self._next_write = at + INTERVAL
        if at > now:
            await self._clock.sleep(at - now)


def _path(subscription: Subscription) -> str:
    return f"/subscriptions/{quote(subscription.id, safe='')}"


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _expires(raw: Mapping[str, Any]) -> datetime:
    at = datetime.fromisoformat(raw["expirationDateTime"])
    return at.astimezone(UTC)


def _of_events(raw: Mapping[str, Any]) -> Subscription | None:
    resource = _RESOURCE.fullmatch(raw["resource"])
    return Subscription(resource[1], raw["id"], _expires(raw)) if resource else None


def _told_apart(error: Denied) -> Denied:
    """A refusal with the cure for its cause: of a quota only the message tells (``resources/subscription.md``).

    The only place where a text of Graph's decides anything, and all that it decides is what an admin reads.
    """
    if error.code.lower() not in _LACKS_PERMISSION and _OF_QUOTAS.search(error.message.partition(": ")[2]):
        error.cure = _QUOTA
    return error
