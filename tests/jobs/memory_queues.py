"""Queues in memory, worked off by hand, and subscriptions as Graph keeps them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from holdfast.core.errors import Denied, Gone, Unexpected
from holdfast.jobs.ports import QueueName, Subscription
from tests.jobs.memory_journal import Call, HandClock, Journal

LONGEST_TEXT = 48 * 1024
LONGEST, SHORTEST = timedelta(minutes=10_080), timedelta(minutes=45)
"""How long a subscription to events can last; what asks for less gets the shortest."""


class Waiting(NamedTuple):
    """A message on a queue, to be seen from ``due`` on."""

    name: QueueName
    text: str
    due: datetime


class MemoryQueue:
    """Queues whose messages a test takes when it wants to. ``waiting`` are all of them, in the order they came."""

    def __init__(self, journal: Journal, clock: HandClock) -> None:
        self._journal = journal
        self._clock = clock
        self.waiting: list[Waiting] = []

    async def put(self, name: QueueName, texts: Collection[str], *, delay: timedelta = timedelta(0)) -> None:
        def effect() -> None:
            assert all(len(text.encode()) <= LONGEST_TEXT for text in texts)
            due = self._clock.now() + delay
            self.waiting += [Waiting(name, text, due) for text in texts]

        await self._journal.around(Call("queue", "put", name), effect)

    def take(self, *names: QueueName, most: int | None = None) -> list[str]:
        """Take the messages of these queues that are due by the clock, those due longest first, ``most`` at most."""
        due = [one for one in self.waiting if one.name in (names or QueueName) and one.due <= self._clock.now()]
        taken = sorted(due, key=lambda one: one.due)[:most]
        for one in taken:
            self.waiting.remove(one)
        return [one.text for one in taken]

    def texts(self, name: QueueName) -> list[str]:
        """What waits on a queue, due or not."""
        return [one.text for one in self.waiting if one.name is name]

    @property
    def next_due(self) -> datetime | None:
        """When the next message can be taken."""
        return min((one.due for one in self.waiting), default=None)


class MemorySubscriptions:
    """Subscriptions to mailboxes by their ids, as Graph has them. A call is about the mailbox.

    ``quota`` is how many there may be; ``silent`` are the ids of those that tell nothing until they are renewed,
    ``client_states`` what each was made with, by its id.
    """

    def __init__(self, journal: Journal, clock: HandClock) -> None:
        self._journal = journal
        self._clock = clock
        self._numbers = itertools.count(1)
        self._kept: dict[str, Subscription] = {}
        self.client_states: dict[str, str] = {}
        self.silent: set[str] = set()
        self.quota: int | None = None

    @property
    def there(self) -> list[Subscription]:
        """Those that have not expired."""
        return [one for one in self._kept.values() if one.expires > self._clock.now()]

    def remove(self, mailbox: str) -> None:
        """Graph gives up those of a mailbox, as it does now and then."""
        self._kept = {key: one for key, one in self._kept.items() if one.mailbox != mailbox}

    async def create(self, mailbox: str, *, client_state: str, until: datetime) -> Subscription:
        def effect() -> Subscription:
            assert 0 < len(client_state) <= 128
            if self.quota is not None and len(self.there) >= self.quota:
                raise Denied("The subscription quota is used up.", status=403, code="ExtensionError")
            made = Subscription(mailbox, f"sub-{next(self._numbers)}", self._expiry(until))
            self._kept[made.id] = made
            self.client_states[made.id] = client_state
            return made

        return await self._do("create_subscription", mailbox, effect)

    async def renew(self, subscription: Subscription, *, until: datetime) -> Subscription:
        def effect() -> Subscription:
            kept = next((one for one in self.there if one.id == subscription.id), None)
            if kept is None:
                raise Gone("The object was not found.", status=404, code="ResourceNotFound")
            self._kept[kept.id] = replace(kept, expires=self._expiry(until))
            self.silent.discard(kept.id)
            return replace(subscription, expires=self._expiry(until))

        return await self._do("renew_subscription", subscription.mailbox, effect)

    async def delete(self, subscription: Subscription) -> None:
        await self._do("delete_subscription", subscription.mailbox, lambda: self._kept.pop(subscription.id, None))

    async def all(self) -> AsyncIterator[Subscription]:
        for one in await self._do("all_subscriptions", "", lambda: list(self.there)):
            yield one

    def _expiry(self, until: datetime) -> datetime:
        now = self._clock.now()
        if until - now > LONGEST:
            raise Unexpected("Subscription expiration can only be 10080 minutes in the future.", status=400)
        return max(until, now + SHORTEST)

    async def _do(self, name: str, mailbox: str, effect: Callable[[], Any]) -> Any:
        return await self._journal.around(Call("subscriptions", name, mailbox), effect)
