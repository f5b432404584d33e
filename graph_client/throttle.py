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
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from graph_client.errors import NO_ANSWER
from holdfast.core.model import Clock

_BANDWIDTH_EXCEEDED = 509
_VARIANTS = "89ab"
"""The digits that a UUID of RFC 9562 may have where its variant stands."""

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
    seconds: float = 120.0


def request_id(chance: random.Random) -> str:
    """A ``client-request-id``: a random UUID, written out by hand because ``uuid`` takes ten times as long."""
    digits = f"{chance.getrandbits(122):032x}"
    variant = _VARIANTS[chance.getrandbits(2)]
    return f"{digits[2:10]}-{digits[10:14]}-4{digits[14:17]}-{variant}{digits[17:20]}-{digits[20:]}"


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
    """One call at a time for each mailbox; who comes meanwhile waits in line.

    Taken and given back for every call there is, nearly always with nobody else about: a lock for each would cost more
    than all else that is done with a call.
    """

    def __init__(self) -> None:
        self._taken: dict[str, deque[asyncio.Future[None]] | None] = {}

    async def take(self, mailbox: str) -> None:
        """Wait for the turn to call a mailbox. It is to be given back, however the call ends."""
        if mailbox not in self._taken:
            self._taken[mailbox] = None
            return
        line = self._taken[mailbox]
        if line is None:
            line = self._taken[mailbox] = deque()
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(mailbox)
            raise

    def give_back(self, mailbox: str) -> None:
        """Let the next in line have the turn."""
        line = self._taken[mailbox]
        while line:
            turn = line.popleft()
            if not turn.done():  # done: whoever waited was cancelled
                turn.set_result(None)
                return
        del self._taken[mailbox]


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
    throttled at once, it is us: the limit falls by half, and what was too much is remembered. It grows by one with
    each batch that went through, up to nine tenths of that, for as long as Graph counts calls (ten minutes,
    ``includes/throttling-outlook.md``). One mailbox that is throttled alone says nothing about the others.
    """

    REMEMBERED = 600.0
    """Seconds for which what was too much is believed."""

    LEAST = 4
    """Graph works on four calls of a batch at a time, whatever we do."""

    _ALONE = 1
    _FALL = 0.5
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
