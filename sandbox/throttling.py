"""How much is too much: calls in flight and in a window per mailbox, resource units (§4 of the notes on Graph)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sandbox.errors import throttled
from sandbox.mailbox import Mailbox, Pressure

if TYPE_CHECKING:
    from sandbox.tenant import Tenant

CONCURRENCY, VOLUME, UNITS, SCRIPTED = "MailboxConcurrency", "MailboxVolume", "ResourceUnits", "Scripted"
APPLICATION = "ApplicationConcurrency"
TEAMS, CHANNEL, DAY = "TeamsRate", "ChannelRate", "ChannelDay"
SUBSCRIPTIONS, SUBSCRIPTION_WRITES = "SubscriptionCalls", "SubscriptionWrites"
"""Why a call was throttled; ``SCRIPTED`` because a test or a fault said so."""

_MANY_ACCOUNTS, _SOME_ACCOUNTS = 500, 50
_TOLD_FROM = 0.8
"""The share of its limit from which an application is told where it stands."""


@dataclass(slots=True)
class _Window:
    """Use within a stretch of time that begins with the first call in it."""

    began: datetime
    used: int = 0


class _Wait(NamedTuple):
    """Until when a mailbox is not to be called, and the last request that had come in when that was told."""

    until: datetime
    told: int


class Pace(NamedTuple):
    """How many calls of one kind there may be in so many seconds, and what a call too many is counted as."""

    cause: str
    what: str
    most: int
    seconds: float


class Throttle:
    """The pace of one tenant's applications."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._in_flight: dict[tuple[str, str], int] = {}
        self._in_flight_of: Counter[str] = Counter()
        self._windows: dict[tuple[str, str], _Window] = {}
        self._waits: dict[str, _Wait] = {}
        self._requests = 0

    def arrive(self) -> int:
        """The number of a request that has just come in; all calls of a batch have the batch's."""
        self._requests += 1
        return self._requests

    def enter(self, client_id: str, mailbox: Mailbox, arrival: int) -> None:
        """An application's call for a mailbox begins. Raises the 429 that it gets, and then it has ended as well.

        One that comes before a wait is over is an early retry, unless it was on its way before the wait was told.
        """
        tenant, limits, name = self._tenant, self._tenant.limits, mailbox.account_id
        key = (client_id, name)
        self._note(name, arrival)
        in_flight = self._in_flight.get(key, 0) + 1
        if in_flight > tenant.counts.most_in_flight.get(name, 0):
            tenant.counts.most_in_flight[name] = in_flight
        over = self._use(key, 1, limits.calls_per_mailbox, limits.mailbox_window)[1]
        pressure = mailbox.pressure
        if pressure is not None:
            left = pressure.calls - 1
            mailbox.pressure = Pressure(left, pressure.retry_after) if left else None
            self._refuse(name, SCRIPTED, pressure.retry_after)
        if in_flight > limits.concurrent_per_mailbox:
            self._refuse(name, CONCURRENCY, limits.concurrency_retry_after)
        of_application = self._in_flight_of[client_id] + 1
        if limits.concurrent_per_application is not None and of_application > limits.concurrent_per_application:
            self._refuse(name, APPLICATION, limits.concurrency_retry_after)
        if over is not None:
            self._refuse(name, VOLUME, over)
        self._in_flight[key] = in_flight
        self._in_flight_of[client_id] = of_application

    def turn_away(
        self, client_id: str, mailboxes: Iterable[str], arrival: int, until: datetime | None, *, cause: str | None
    ) -> None:
        """A fault refuses a call before it begins; it is use all the same. ``cause`` is that of a 429."""
        limits = self._tenant.limits
        if cause is not None:
            self._tenant.counts.throttled[cause] += 1
        for name in mailboxes:
            self._note(name, arrival)
            self._use((client_id, name), 1, limits.calls_per_mailbox, limits.mailbox_window)
            if until is not None:
                self._wait(name, until)

    def leave(self, client_id: str, mailbox: Mailbox) -> None:
        """A call that had entered ends."""
        key = (client_id, mailbox.account_id)
        self._in_flight_of[client_id] -= 1
        left = self._in_flight[key] - 1
        if left:
            self._in_flight[key] = left
        else:
            del self._in_flight[key]

    def keep_to(self, client_id: str, place: str, arrival: int, paces: Iterable[Pace]) -> None:
        """An application's call to Teams, about a team or channel. Raises the 429 of the first figure it is over."""
        self._note(place, arrival)
        for pace in paces:
            over = self._use((client_id, pace.what), 1, pace.most, pace.seconds)[1]
            if over is not None:
                self._tenant.counts.throttled[pace.cause] += 1
                self._wait(place, self._tenant.clock.now() + timedelta(seconds=over))
                raise throttled("TooManyRequests", f"Too many requests: over the {pace.cause} limit.", over)

    def spend(self, client_id: str, units: int) -> dict[str, str]:
        """Take resource units for a call to the directory; the headers that tell about it. Raises a 429."""
        limits = self._tenant.limits
        most = limits.units_per_tenant or _units(len(self._tenant.accounts))
        used, over = self._use((client_id, ""), units, most, limits.unit_window)
        if over is not None:
            self._tenant.counts.throttled[UNITS] += 1
            raise throttled(
                "TooManyRequests",
                "Too many requests.",
                over,
                **{
                    "x-ms-throttle-scope": "Tenant_Application",
                    "x-ms-throttle-information": "ResourceUnitLimitExceeded",
                },
            )
        headers = {"x-ms-resource-unit": str(units)}
        if used >= _TOLD_FROM * most:
            headers["x-ms-throttle-limit-percentage"] = f"{used / most:.1f}"
        return headers

    def _use(self, key: tuple[str, str], amount: int, most: int, seconds: float) -> tuple[int, int | None]:
        """Use so much of a window: what is used of it now, and how long to wait where that is too much."""
        now = self._tenant.clock.now()
        window = self._windows.get(key)
        if window is None or (now - window.began).total_seconds() >= seconds:
            window = self._windows[key] = _Window(now)
        window.used += amount
        if window.used <= most:
            return window.used, None
        return window.used, max(1, math.ceil(seconds - (now - window.began).total_seconds()))

    def _note(self, name: str, arrival: int) -> None:
        """Count a call for a mailbox that comes before it may."""
        wait = self._waits.get(name)
        if wait is None:
            return
        if self._tenant.clock.now() >= wait.until:
            del self._waits[name]
        elif arrival > wait.told:
            self._tenant.counts.early_retries += 1

    def _wait(self, name: str, until: datetime) -> None:
        before = self._waits.get(name)
        self._waits[name] = _Wait(max(until, before.until) if before else until, self._requests)

    def _refuse(self, name: str, cause: str, retry_after: int) -> None:
        self._tenant.counts.throttled[cause] += 1
        self._wait(name, self._tenant.clock.now() + timedelta(seconds=retry_after))
        raise throttled("ApplicationThrottled", f"Application is over its {cause} limit.", retry_after)


def _units(accounts: int) -> int:
    """Microsoft's figures of resource units per ten seconds, by the size of the tenant."""
    if accounts > _MANY_ACCOUNTS:
        return 8_000
    return 3_500 if accounts < _SOME_ACCOUNTS else 5_000
