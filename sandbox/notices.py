"""Change and lifecycle notifications of a tenant: what is told of each change, and what goes wrong on the way (§5).

They carry no content, no order and no promise: a hint to look. What waits here is delivered by ``pump``, as the
tenant's clock has it; nothing happens by itself.
"""

from __future__ import annotations

import asyncio
import enum
import heapq
import json
import random
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from sandbox.calendars import CREATED, DELETED, UPDATED, Watch
from sandbox.courier import JSON, Courier
from sandbox.event import Event
from sandbox.facts import NotificationFacts, NotificationLimits
from sandbox.mailbox import Mailbox
from sandbox.rendering import etag, instant_text
from sandbox.subscriptions import REMOVED, Subscription, Subscriptions

if TYPE_CHECKING:
    from sandbox.tenant import Tenant

MISSED, SUBSCRIPTION_REMOVED, REAUTHORIZATION_REQUIRED = "missed", "subscriptionRemoved", "reauthorizationRequired"
LIFECYCLE = (MISSED, SUBSCRIPTION_REMOVED, REAUTHORIZATION_REQUIRED)
"""Graph's ``lifecycleEvent``."""

_LANES = 8
_LATE, _AGAIN = 180.0, 2.0


class Mishap(enum.StrEnum):
    """What can happen to a notification of a change, one thing at most."""

    LATE = enum.auto()
    """It comes minutes later than it would, three unless ``late_seconds`` says otherwise."""

    DOUBLED = enum.auto()
    """It comes again two seconds later."""

    LOST = enum.auto()
    """It does not come, and nobody is told."""

    REORDERED = enum.auto()
    """It comes after the next one."""

    FOLDED = enum.auto()
    """It is not told by itself where another of the same event still waits: that one then stands for both."""

    FORGED = enum.auto()
    """It comes with another that somebody made up who does not know the ``clientState``."""

    MISSED = enum.auto()
    """It does not come, and ``missed`` is told instead."""

    REMOVED = enum.auto()
    """It does not come, because the service removes the subscription, which is told as ``subscriptionRemoved``."""

    REAUTHORIZE = enum.auto()
    """It comes, and so does a ``reauthorizationRequired``, after which delivery pauses unless that is done in time."""


_LOSES = frozenset({Mishap.LOST, Mishap.MISSED, Mishap.REMOVED})
_TOLD = {
    Mishap.MISSED: MISSED,
    Mishap.REMOVED: SUBSCRIPTION_REMOVED,
    Mishap.REAUTHORIZE: REAUTHORIZATION_REQUIRED,
}


@dataclass(slots=True)
class Notice:
    """One item on its way to ``url``. ``event_id`` is None in lifecycle notifications; ``first`` its first attempt."""

    subscription: Subscription
    url: str
    item: dict[str, Any]
    event_id: str | None
    due: datetime
    attempts: int = 0
    first: datetime | None = None


class _Answered(NamedTuple):
    at: datetime
    seconds: float


@dataclass(slots=True)
class _EndpointState:
    """How quickly all addresses of one host answer, and until when nothing is sent there."""

    answers: deque[_Answered] = field(default_factory=deque)
    drops_until: datetime | None = None

    def note(self, now: datetime, seconds: float, limits: NotificationLimits) -> None:
        """Take down an answer. One too many of the slowest, and everything is dropped for a while."""
        self.answers.append(_Answered(now, seconds))
        if self._share(now, limits, limits.drop_over) > limits.drop_share:
            self.drops_until = now + timedelta(seconds=limits.punished_for)
            self.answers.clear()

    def is_dropping(self, now: datetime) -> bool:
        return self.drops_until is not None and now < self.drops_until

    def is_slow(self, now: datetime, limits: NotificationLimits) -> bool:
        return self._share(now, limits, limits.slow_over) > limits.slow_share

    def _share(self, now: datetime, limits: NotificationLimits, over: float) -> float:
        begin = now - timedelta(seconds=limits.endpoint_window)
        while self.answers and self.answers[0].at <= begin:
            self.answers.popleft()
        if len(self.answers) < max(1, limits.judged_from):
            return 0.0
        return sum(one.seconds > over for one in self.answers) / len(self.answers)


@dataclass(slots=True)
class _Script:
    mishap: Mishap
    left: int | None
    mailbox: str | None


class Notices:
    """What a tenant tells its subscribers. Nothing, as long as there are none.

    ``met`` counts the mishaps; ``late_seconds`` is how late ``Mishap.LATE`` is. Changes may come from another thread
    than the one that delivers.
    """

    def __init__(self, tenant: Tenant, chance: random.Random) -> None:
        self._tenant = tenant
        self._chance = chance
        self.facts = NotificationFacts()
        self.limits = NotificationLimits()
        self.courier = Courier()
        self.met: Counter[Mishap] = Counter()
        self.late_seconds = _LATE
        self.subscriptions = Subscriptions(tenant, chance, self._watching)
        self._waiting: list[tuple[datetime, float, Notice]] = []
        self._lock = Lock()
        self._count = 0
        self._endpoints: dict[str, _EndpointState] = {}
        self._scripts: list[_Script] = []
        self._rate = 0.0
        self._kinds: tuple[Mishap, ...] = ()
        self._mishaps = random.Random(0)

    # What goes wrong

    def script(self, mishap: Mishap, times: int | None = 1, mailbox: str | None = None) -> None:
        """The next notifications meet this, ``times`` of them or all with None; ``mailbox`` is an account's id."""
        if times is not None and times < 1:
            raise ValueError("A mishap is met at least once, or always: times is a positive number or None.")
        self._scripts.append(_Script(mishap, times, mailbox))

    def draw(self, *, rate: float = 0.05, kinds: Iterable[Mishap] = tuple(Mishap), seed: int = 0) -> None:
        """From now on each notification meets a mishap with this probability, evenly drawn among ``kinds``.

        The same seed and the same changes in the same order meet the same.
        """
        if not 0 <= rate <= 1:
            raise ValueError("A rate is between 0 and 1.")
        wanted = set(kinds)
        self._rate, self._kinds = rate, tuple(one for one in Mishap if one in wanted)
        self._mishaps = random.Random(seed)

    def quiet(self) -> None:
        """No more mishaps. What is late is still delivered."""
        self._scripts.clear()
        self._rate = 0.0

    # What is told

    def lifecycle(self, event: str, subscription: Subscription) -> None:
        """Let the service tell something about a subscription, and do what that says."""
        if event not in LIFECYCLE:
            raise ValueError(f"There is no lifecycle event '{event}'.")
        now = self._tenant.clock.now()
        if event == SUBSCRIPTION_REMOVED and self.subscriptions.find(subscription.id) is not None:
            self.subscriptions.drop(subscription, REMOVED)
        if event == REAUTHORIZATION_REQUIRED and subscription.paused_from is None:
            subscription.paused_from = now + timedelta(seconds=self.limits.reauthorize_within)
        if subscription.lifecycle_url is None:
            return
        item = {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": instant_text(subscription.expires),
            "tenantId": self._tenant.id,
            "clientState": subscription.client_state,
            "lifecycleEvent": event,
        }
        due = now
        state = self._endpoint(subscription.lifecycle_url)
        if state.drops_until is not None and state.is_dropping(now):
            due = state.drops_until  # who takes nothing now is told of that afterwards
        self._put(Notice(subscription, subscription.lifecycle_url, item, None, due))

    def _watching(self, mailbox: Mailbox) -> Watch:
        return partial(self._changed, mailbox)

    def _changed(self, mailbox: Mailbox, change: str, event: Event, day: date | None) -> None:
        """Tell those who want to know of a change; that of one date is an ``updated`` of its series (§3.3)."""
        kinds = [change]
        if change == CREATED and self.facts.creations_update_too:
            kinds.append(UPDATED)
        days = [None] if day is None or not self.facts.occurrences_notify_too else [None, day]
        for one in self.subscriptions.of(mailbox.account_id):
            for kind in kinds:
                if kind in one.change_types:
                    for each in days:
                        self._tell(one, mailbox, kind, event, each)

    def _tell(self, one: Subscription, mailbox: Mailbox, kind: str, event: Event, day: date | None) -> None:
        counts = self._tenant.counts.notifications
        counts["raised"] += 1
        now = self._tenant.clock.now()
        if one.paused_from is not None and now >= one.paused_from:
            counts["paused"] += 1
            return
        state = self._endpoint(one.notification_url)
        if state.is_dropping(now):
            counts["dropped"] += 1
            self._miss(one)
            return
        wait = self._chance.uniform(*self.limits.latency)
        if state.is_slow(now, self.limits):
            wait += self.limits.punished_for
        event_id = mailbox.id_of(event, day, immutable=one.immutable_ids)
        users, events = self._chance.choice((("Users", "Events"), ("users", "events"), ("Users", "events")))
        address = f"{users}/{one.account_id}/{events}/{event_id}"
        item = {
            "subscriptionId": one.id,
            "subscriptionExpirationDateTime": instant_text(one.expires),
            "changeType": kind,
            "resource": address,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Event",
                "@odata.id": address,
                "@odata.etag": etag(event),
                "id": event_id,
            },
            "clientState": one.client_state,
            "tenantId": self._tenant.id,
        }
        due = now + timedelta(seconds=wait)
        if wait:
            # To whole seconds, so that what happens at about one time may share a request.
            due += timedelta(microseconds=-due.microsecond % 1_000_000)
        self._befall(Notice(one, one.notification_url, item, event_id, due))

    def _befall(self, notice: Notice) -> None:
        """Put a notification among those that wait, or what a mishap makes of it."""
        mishap = self._choose(notice.subscription.account_id)
        if mishap is not None:
            self.met[mishap] += 1
        told = _TOLD.get(mishap) if mishap else None
        if told is not None:
            self.lifecycle(told, notice.subscription)
        if mishap in _LOSES:
            self._tenant.counts.notifications["lost"] += 1
            return
        if mishap is Mishap.FOLDED and self._fold(notice):
            return
        if mishap is Mishap.FORGED:
            self._tenant.counts.notifications["forged"] += 1
            self._put(self._forged(notice))
        if mishap is Mishap.DOUBLED:
            self._put(_later(notice, _AGAIN))
        late = self.late_seconds if mishap is Mishap.LATE else 0.0
        self._put(_later(notice, late), after=1 if mishap is Mishap.REORDERED else 0)

    def _choose(self, mailbox: str) -> Mishap | None:
        for script in self._scripts:
            if script.mailbox in (None, mailbox):
                if script.left is not None:
                    script.left -= 1
                    if not script.left:
                        self._scripts.remove(script)
                return script.mishap
        if self._rate and self._mishaps.random() < self._rate and self._kinds:
            return self._mishaps.choice(self._kinds)
        return None

    def _fold(self, notice: Notice) -> bool:
        """Let one that waits stand for this one as well: for a deletion it has to be one."""
        with self._lock:
            for _, _, other in self._waiting:
                if other.subscription is notice.subscription and other.event_id == notice.event_id:
                    change = DELETED if notice.item["changeType"] == DELETED else other.item["changeType"]
                    other.item = {**notice.item, "changeType": change}
                    return True
        return False

    def _forged(self, notice: Notice) -> Notice:
        """What somebody else might send who knows what these look like: no ``clientState``, or another one."""
        known = notice.subscription.client_state
        guessed = f"{self._chance.getrandbits(256):064x}"[: len(known or "") or None]
        wrong: dict[str, Any] = self._chance.choice(
            ({"clientState": guessed}, {}, {"clientState": guessed, "tenantId": self._tenant.new_id(self._chance)})
        )
        rest = {name: value for name, value in notice.item.items() if name != "clientState"}
        return replace(notice, item={**rest, **wrong})

    def _miss(self, one: Subscription) -> None:
        """Tell ``missed``, unless that is on its way already."""
        if not self.facts.drops_are_missed:
            return
        with self._lock:
            if any(
                other.subscription is one and other.item.get("lifecycleEvent") == MISSED
                for _, _, other in self._waiting
            ):
                return
        self.lifecycle(MISSED, one)

    def _put(self, notice: Notice, after: int = 0) -> None:
        """Let one wait for its time; ``after`` so many others that are put later and are due no later."""
        with self._lock:
            self._count += 1
            place = self._count + (after + 0.5 if after else 0)
            heapq.heappush(self._waiting, (notice.due, place, notice))
        self.courier.wake()

    # How it is delivered

    @property
    def waiting(self) -> list[Notice]:
        """What is to be delivered, in order."""
        with self._lock:
            return [notice for _, _, notice in sorted(self._waiting, key=lambda one: one[:2])]

    @property
    def due(self) -> datetime | None:
        """When the next delivery is due."""
        with self._lock:
            return self._waiting[0][0] if self._waiting else None

    async def pump(self) -> int:
        """Deliver what is due by now, once. How many requests that took.

        What comes of these requests, such as changes and their notifications, waits for the next time.
        """
        now = self._tenant.clock.now()
        groups: dict[tuple[str, int], list[list[Notice]]] = {}
        with self._lock:
            while self._waiting and self._waiting[0][0] <= now:
                notice = heapq.heappop(self._waiting)[2]
                group = groups.setdefault((notice.url, notice.attempts), [[]])
                if len(group[-1]) >= max(1, self.limits.items_per_post):
                    group.append([])
                group[-1].append(notice)
        posts = [notices for group in groups.values() for notices in group]
        lanes = asyncio.Semaphore(_LANES)
        await asyncio.gather(*(self._post(notices, lanes) for notices in posts))
        return len(posts)

    async def _post(self, notices: list[Notice], lanes: asyncio.Semaphore) -> None:
        """One request with items that are all at the same attempt."""
        tenant, limits = self._tenant, self.limits
        url, is_first = notices[0].url, notices[0].attempts == 0
        content = json.dumps({"value": [one.item for one in notices]}, separators=(",", ":")).encode()
        async with lanes:
            began = tenant.clock.now()
            # It is waited for as long in a first attempt, but what comes after three seconds comes too late.
            patience = max(limits.retry_seconds, limits.first_attempt_seconds)
            said = await self.courier.post(url, content, JSON, patience, tenant.clock)
        counts = tenant.counts.notifications
        counts["requests"] += 1
        counts["retried"] += 0 if is_first else len(notices)
        now = tenant.clock.now()
        self._endpoint(url).note(now, said.seconds, limits)
        allowed = limits.first_attempt_seconds if is_first else limits.retry_seconds
        if said.is_success and said.seconds <= allowed:
            counts["sent"] += len(notices)
            counts["lifecycle"] += sum(one.event_id is None for one in notices)
            return
        for one in notices:
            self._try_again(one, began, now)

    def _try_again(self, notice: Notice, began: datetime, now: datetime) -> None:
        """Let one that was not taken wait for another attempt, or give it up after hours."""
        limits, first = self.limits, notice.first or began
        due = now + timedelta(seconds=limits.first_retry_after * 2**notice.attempts)
        is_gone = notice.event_id is not None and self.subscriptions.find(notice.subscription.id) is None
        given_up = due - first > timedelta(seconds=limits.give_up_after)
        if is_gone or given_up or self._endpoint(notice.url).is_dropping(now):
            self._tenant.counts.notifications["dropped"] += 1
            if notice.event_id is not None and not is_gone:
                self._miss(notice.subscription)
            return
        self._put(replace(notice, attempts=notice.attempts + 1, first=first, due=due))

    def _endpoint(self, url: str) -> _EndpointState:
        """The state is that of a host: one slow address hurts every subscription with it."""
        return self._endpoints.setdefault(urlsplit(url).netloc.lower(), _EndpointState())


def _later(notice: Notice, seconds: float) -> Notice:
    return replace(notice, due=notice.due + timedelta(seconds=seconds))
