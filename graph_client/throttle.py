"""How fast we go: when to try again, when to stop trying, and one call at a time for each mailbox.

Graph lets an app have four requests in flight per mailbox and tells how long to wait when it has had too much
(``concepts/throttling.md``, ``includes/throttling-outlook.md``). Trying again early never clears, so a wait that Graph
asks for is kept to the second and nothing else is sent for that mailbox meanwhile. It needs no jitter: what wakes at
the same moment still goes out through the few batches in flight.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from weakref import WeakValueDictionary

from graph_client.errors import NO_ANSWER
from holdfast.core.model import Clock

_BANDWIDTH_EXCEEDED = 509

PASSING = frozenset(
    {
        NO_ANSWER,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
        _BANDWIDTH_EXCEEDED,
    }
)
"""Statuses of trouble that goes away by itself."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried: so many ``attempts`` and, waits included, so many ``seconds``, whichever ends first."""

    attempts: int = 6
    seconds: float = 300.0


def backoff(attempt: int, chance: random.Random) -> float:
    """Seconds to wait after try number ``attempt`` where Graph does not say: doubling up to a minute, spread."""
    return min(60.0, 2.0**attempt) * chance.uniform(0.5, 1.0)


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a ``Retry-After`` header asks for, as a number or an HTTP date; None where it says nothing."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


class Turns:
    """One lock for each mailbox that somebody is calling or waiting for, and none for all others."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, mailbox: str) -> asyncio.Lock:
        """The lock to hold while calling this mailbox, waits between attempts included."""
        lock = self._locks.get(mailbox)
        if lock is None:
            lock = self._locks[mailbox] = asyncio.Lock()
        return lock


class Budget:
    """How many retries a run may make in all: half of its calls again means that the service is down.

    ``spend`` says whether one more is allowed, after ``calls`` calls so far. The first hundred are free, so that a run
    over a few mailboxes is as patient as one over many.
    """

    FREE = 100
    SHARE = 0.5

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, calls: int) -> bool:
        """Take one retry, if there is one left."""
        if self.spent >= self.FREE + self.SHARE * calls:
            return False
        self.spent += 1
        return True


class Pace:
    """How many calls may be in flight: found by trying, and kept under what turned out to be too many.

    Graph's limits are documented, but it may throttle below them. When several mailboxes that were well before are
    throttled at once, it is us: the limit falls by a third, and what was too much is remembered. It grows by one with
    each batch that went through, up to nine tenths of that, for as long as Graph counts calls (ten minutes,
    ``includes/throttling-outlook.md``). One mailbox that is throttled alone says nothing about the others.
    """

    REMEMBERED = 600.0
    """Seconds for which what was too much is believed."""

    LEAST = 4
    """Graph works on four calls of a batch at a time, whatever we do."""

    _ALONE = 1
    _FALL = 2 / 3
    _UNDER = 0.9

    def __init__(self, most: int, *, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self._limit = float(most)
        self._ceiling = float(most)
        self._fell_at = -math.inf
        self._slow: dict[str, float] = {}

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return int(self._limit)

    def answered(self, sent_at: float, throttled: Iterable[str]) -> None:
        """Learn from a batch sent at ``sent_at``, by the monotonic clock: which of its mailboxes were ``throttled``."""
        now = self._clock.monotonic()
        self._slow = {mailbox: at for mailbox, at in self._slow.items() if now - at < self.REMEMBERED}
        newly = [mailbox for mailbox in throttled if mailbox not in self._slow]
        self._slow.update(dict.fromkeys(newly, now))
        if len(newly) > self._ALONE:
            if sent_at >= self._fell_at:
                self._fell_at = now
                self._ceiling = max(self.LEAST, self._limit * self._UNDER)
                self._limit = max(self.LEAST, self._limit * self._FALL)
            return
        if now - self._fell_at > self.REMEMBERED:
            self._ceiling = self._most
        self._limit = min(self._limit + 1, self._ceiling)
