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
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from weakref import WeakValueDictionary

from graph_client.errors import NO_ANSWER

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
