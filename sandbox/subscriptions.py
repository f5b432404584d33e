"""Subscriptions to the events of mailboxes: who has asked to be told, where, and until when (§5.1 of the notes)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.calendars import Watch
from sandbox.mailbox import Mailbox

if TYPE_CHECKING:
    from sandbox.tenant import Tenant

MADE, RENEWED, REAUTHORIZED, DELETED, REMOVED, LAPSED = (
    "made",
    "renewed",
    "reauthorized",
    "deleted",
    "removed",
    "lapsed",
)
"""What becomes of subscriptions, as the counts name it."""


@dataclass(slots=True, eq=False)
class Subscription:
    """What an application wants to be told of one mailbox. ``account_id`` is the mailbox's owner.

    ``signed_in`` is who asked for it where that was a person. From ``paused_from`` on nothing is told until it is
    authorised again.
    """

    id: str
    application_id: str
    signed_in: str | None
    account_id: str
    resource: str
    change_types: tuple[str, ...]
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires: datetime
    tls_version: str
    immutable_ids: bool
    paused_from: datetime | None = None


class Subscriptions:
    """The subscriptions of one tenant. One that is over is gone, by the tenant's clock."""

    def __init__(self, tenant: Tenant, chance: random.Random, watching: Callable[[Mailbox], Watch]) -> None:
        self._tenant = tenant
        self._chance = chance
        self._watching = watching
        self._all: dict[str, Subscription] = {}
        self._of: dict[str, list[Subscription]] = {}
        self._earliest: datetime | None = None

    def __iter__(self) -> Iterator[Subscription]:
        """Those that last, in the order of their making."""
        self._lapse()
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        self._lapse()
        return len(self._all)

    def find(self, subscription_id: str) -> Subscription | None:
        """The one with this id."""
        self._lapse()
        return self._all.get(subscription_id)

    def of(self, account_id: str) -> list[Subscription]:
        """Those to one mailbox."""
        self._lapse()
        return list(self._of.get(account_id, ()))

    def new_id(self) -> str:
        """An id for one that is to be made."""
        return self._tenant.new_id(self._chance)

    def add(self, made: Subscription, mailbox: Mailbox) -> None:
        """Take up a new one."""
        self._all[made.id] = made
        self._of.setdefault(made.account_id, []).append(made)
        mailbox.watch = self._watching(mailbox)
        self._note_end(made.expires)
        self._tenant.counts.subscriptions[MADE] += 1

    def renew(self, one: Subscription, expires: datetime) -> None:
        """Let one last until then, authorised anew."""
        one.expires, one.paused_from = expires, None
        self._note_end(expires)
        self._tenant.counts.subscriptions[RENEWED] += 1

    def reauthorize(self, one: Subscription) -> None:
        """Authorise one anew."""
        one.paused_from = None
        self._tenant.counts.subscriptions[REAUTHORIZED] += 1

    def drop(self, one: Subscription, why: str) -> None:
        """Let one be no more. A mailbox to which nobody subscribes is watched no longer."""
        del self._all[one.id]
        left = self._of[one.account_id]
        left.remove(one)
        if not left:
            del self._of[one.account_id]
            account = self._tenant.account(one.account_id)
            if account is not None and account.mailbox is not None:
                account.mailbox.watch = None
        self._tenant.counts.subscriptions[why] += 1

    def _note_end(self, at: datetime) -> None:
        self._earliest = at if self._earliest is None else min(self._earliest, at)

    def _lapse(self) -> None:
        """Let go of those whose time is over. ``_earliest`` is no later than the first end, so mostly all is well."""
        if self._earliest is None or self._tenant.clock.now() < self._earliest:
            return
        now = self._tenant.clock.now()
        for one in [one for one in self._all.values() if one.expires <= now]:
            self.drop(one, LAPSED)
        self._earliest = min((one.expires for one in self._all.values()), default=None)
