"""What can go wrong between a client and Graph, and which call meets what: by script, by plight, or drawn."""

from __future__ import annotations

import enum
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

CARRIER = "$batch"
"""The kind of the request that carries a batch, beside those that the routes have."""

_BODILESS = frozenset({"accept", "tentativelyAccept", "decline", "sendMail", "reauthorize"})
"""Kinds of calls whose answer has no body."""

_RETRY_AFTER, _SLOW, _LATE = 4.0, 20.0, 120.0


class Dropped(Exception):
    """The connection is to end now, whatever has been sent of the answer: each transport does it its own way."""


class Fault(enum.StrEnum):
    """A misfortune and its moment: one happens to a call at most. ``applies`` says to which calls it can.

    Where it is not said otherwise, nothing was done of what the call asked for.
    """

    THROTTLED_SECONDS = enum.auto()
    """429 with ``Retry-After: 4``."""

    THROTTLED_FRACTION = enum.auto()
    """429 with ``Retry-After: 3.5``."""

    THROTTLED_DATE = enum.auto()
    """429 with ``Retry-After`` as an HTTP date by the tenant's clock."""

    THROTTLED_SILENT = enum.auto()
    """429 without ``Retry-After``."""

    ERROR_500_BEFORE = enum.auto()
    ERROR_500_AFTER = enum.auto()
    """500, and everything was done."""

    ERROR_502_BEFORE = enum.auto()
    """502 with a page of HTML, as gateways answer."""

    ERROR_502_AFTER = enum.auto()
    """The same, and everything was done."""

    ERROR_503_BEFORE = enum.auto()
    ERROR_503_AFTER = enum.auto()
    """503, and everything was done."""

    ERROR_503_SECONDS = enum.auto()
    """503 that tells how long to wait."""

    ERROR_504_BEFORE = enum.auto()
    ERROR_504_AFTER = enum.auto()
    """504, and everything was done."""

    DROPPED_BEFORE = enum.auto()
    """The connection ends without an answer."""

    DROPPED_AFTER = enum.auto()
    """The connection ends without an answer, and everything was done."""

    LATE_WRITE = enum.auto()
    """504, and the write is done once somebody has read the calendar, or the channel, or later: see ``postpone``."""

    LATE_WRITE_DROPPED = enum.auto()
    """The same for every write in a request, whose connection ends without an answer."""

    MISSING_ITEM = enum.auto()
    """The answer to a batch says nothing of an item, and what it asked for was done."""

    MISSING_ITEM_UNDONE = enum.auto()
    """The answer to a batch says nothing of an item."""

    TAG_LOST_503 = enum.auto()
    """503, and the event was created without its extended properties."""

    HALF_BODY = enum.auto()
    """Everything was done; the connection ends in the middle of the answer, whose ``Content-Length`` is the whole's."""

    HALF_JSON = enum.auto()
    """Everything was done; the answer ends in the middle, as if that were all of it."""

    SLOW = enum.auto()
    """The right answer after twenty seconds of the tenant's clock."""

    TOKEN_ENDED = enum.auto()
    """401 to this call and to all after it in its batch; the token is good for nothing from then on."""

    LINK_EXPIRED = enum.auto()
    """A nextLink that was given out is refused."""

    EMPTY_PAGE = enum.auto()
    """A page of a list with nothing on it but a nextLink, which leads to what should have been here."""

    def applies(self, target: Target) -> bool:
        """Whether a call can meet this."""
        return _APPLIES[self](target)


class Target(NamedTuple):
    """A call as faults see it: ``kind`` is the route's, ``writes`` and ``lists`` are the same in other words.

    ``tagged`` is the creation of an event with extended properties, ``by_link`` a page that a nextLink led to.
    """

    method: str
    kind: str
    in_batch: bool = False
    writes: bool = False
    lists: bool = False
    by_link: bool = False
    tagged: bool = False

    @property
    def carries(self) -> bool:
        """Whether this is the request that carries a batch."""
        return self.kind == CARRIER


def _any(_: Target) -> bool:
    return True


def _request(target: Target) -> bool:
    return not target.in_batch


def _writing_request(target: Target) -> bool:
    return target.writes and not target.in_batch


def _call(target: Target) -> bool:
    return not target.carries


def _write(target: Target) -> bool:
    return target.writes and not target.carries


def _writing(target: Target) -> bool:
    return target.writes


def _with_answer(target: Target) -> bool:
    return not target.in_batch and target.method != "DELETE" and target.kind not in _BODILESS


_APPLIES: dict[Fault, Callable[[Target], bool]] = {
    Fault.THROTTLED_SECONDS: _any,
    Fault.THROTTLED_FRACTION: _any,
    Fault.THROTTLED_DATE: _any,
    Fault.THROTTLED_SILENT: _any,
    Fault.ERROR_500_BEFORE: _any,
    Fault.ERROR_500_AFTER: _writing,
    Fault.ERROR_502_BEFORE: _any,
    Fault.ERROR_502_AFTER: _writing,
    Fault.ERROR_503_BEFORE: _any,
    Fault.ERROR_503_AFTER: _writing,
    Fault.ERROR_503_SECONDS: _any,
    Fault.ERROR_504_BEFORE: _any,
    Fault.ERROR_504_AFTER: _writing,
    Fault.DROPPED_BEFORE: _request,
    Fault.DROPPED_AFTER: _writing_request,
    Fault.LATE_WRITE: _write,
    Fault.LATE_WRITE_DROPPED: _writing_request,
    Fault.MISSING_ITEM: lambda target: target.in_batch,
    Fault.MISSING_ITEM_UNDONE: lambda target: target.in_batch and target.writes,
    Fault.TAG_LOST_503: lambda target: target.tagged,
    Fault.HALF_BODY: _with_answer,
    Fault.HALF_JSON: _with_answer,
    Fault.SLOW: _call,
    Fault.TOKEN_ENDED: _call,
    Fault.LINK_EXPIRED: lambda target: target.by_link,
    Fault.EMPTY_PAGE: lambda target: target.lists,
}
"""To which calls each fault can happen. What comes after the work is for writes: of a read it cannot be told apart."""

OF_REQUESTS = frozenset(
    {
        Fault.DROPPED_BEFORE,
        Fault.DROPPED_AFTER,
        Fault.LATE_WRITE_DROPPED,
        Fault.HALF_BODY,
        Fault.HALF_JSON,
    }
)
"""What happens to an HTTP request, with everything in it, and never to one item of a batch."""


class Meeting(NamedTuple):
    """The fault a call meets; ``seconds`` are told, or taken, where it is about time.

    ``mailboxes`` are those the call is about. One that comes of another call's fault is not ``counted`` again.
    """

    fault: Fault
    seconds: float
    mailboxes: tuple[str, ...] = ()
    counted: bool = True


class Asked(NamedTuple):
    """What a request asks for, as scripts look for it: one call, or each item of a batch."""

    mailbox: str | None
    method: str
    plight: Plight | None


@dataclass(frozen=True, slots=True)
class Plight:
    """What every call for a mailbox meets, or every one by ``method``, until the mailbox has another or none.

    ``faults.quiet()`` does not end it. A fault of whole requests happens to each batch in which there is such a call.
    """

    fault: Fault
    method: str | None = None
    seconds: float | None = None


@dataclass(slots=True)
class _Script:
    """What the next calls of a kind meet; ``left`` is how many, None for all."""

    fault: Fault
    left: int | None
    mailbox: str | None
    method: str | None
    seconds: float | None
    whole_batch: bool

    def fits(self, target: Target, asked: Iterable[Asked]) -> bool:
        if target.carries and self.fault not in OF_REQUESTS and not self.whole_batch:
            return False
        if self.whole_batch and not target.carries:
            return False
        return self.fault.applies(target) and any(
            self.mailbox in (None, one.mailbox) and self.method in (None, one.method) for one in asked
        )


class Faults:
    """The misfortunes of one tenant; none unless somebody asks for them.

    ``met`` counts what happened, by fault and by method and kind of resource, ``POST $batch`` among them.
    """

    def __init__(self) -> None:
        self.met: Counter[tuple[Fault, str]] = Counter()
        self.retry_after = _RETRY_AFTER
        """Seconds that throttled calls are told to wait: whole ones, or half a second less as a fraction."""
        self.slow_seconds = _SLOW
        """How long slow answers take."""
        self.late_seconds = _LATE
        """After how long a late write is done at the latest."""
        self.ended_tokens: set[str] = set()
        self._scripts: list[_Script] = []
        self._rate = 0.0
        self._kinds: frozenset[Fault] = frozenset()
        self._chance = random.Random(0)
        self._applying: dict[Target, tuple[Fault, ...]] = {}

    @property
    def are_quiet(self) -> bool:
        """Whether nothing is scripted and nothing drawn."""
        return not self._scripts and not self._rate

    def draw(self, *, rate: float = 0.05, kinds: Iterable[Fault] = frozenset(Fault), seed: int = 0) -> None:
        """From now on each call meets a fault with this probability, evenly drawn among ``kinds`` that apply to it.

        A call is an item of a batch, or a request outside one; the request that carries a batch draws besides.
        The same seed and the same calls in the same order meet the same.
        """
        if not 0 <= rate <= 1:
            raise ValueError("A rate is between 0 and 1.")
        self._rate, self._kinds = rate, frozenset(kinds)
        self._chance = random.Random(seed)
        self._applying.clear()

    def script(
        self,
        fault: Fault,
        times: int | None = 1,
        mailbox: str | None = None,
        method: str | None = None,
        *,
        seconds: float | None = None,
        whole_batch: bool = False,
    ) -> None:
        """The next calls that it applies to meet this fault, ``times`` of them, or all with None; scripts queue up.

        ``mailbox`` is an account's id, or a channel's. A batch fits where an item of it does. Faults that requests and
        items both can meet go to items, with ``whole_batch`` to the request that carries them. ``seconds`` replaces the
        usual ones.
        """
        if times is not None and times < 1:
            raise ValueError("A fault is met at least once, or always: times is a positive number or None.")
        self._scripts.append(_Script(fault, times, mailbox, method.upper() if method else None, seconds, whole_batch))

    def quiet(self) -> None:
        """No more faults. Late writes that were begun are still done, and ended tokens stay ended."""
        self._scripts.clear()
        self._rate = 0.0

    def choose(self, target: Target, asked: Sequence[Asked]) -> Meeting | None:
        """What a call meets: the plight of its mailbox, else what is scripted for it, else what is drawn."""
        for one in asked:
            plight = one.plight
            if (
                plight is not None
                and plight.method in (None, one.method)
                and (not target.carries or plight.fault in OF_REQUESTS)
                and plight.fault.applies(target)
            ):
                return self._meeting(plight.fault, plight.seconds)
        for script in self._scripts:
            if script.fits(target, asked):
                if script.left is not None:
                    script.left -= 1
                    if not script.left:
                        self._scripts.remove(script)
                return self._meeting(script.fault, script.seconds)
        if self._rate and self._chance.random() < self._rate:
            applying = self._of(target)
            if applying:
                return self._meeting(self._chance.choice(applying), None)
        return None

    def _of(self, target: Target) -> tuple[Fault, ...]:
        found = self._applying.get(target)
        if found is None:
            found = tuple(fault for fault in Fault if fault in self._kinds and fault.applies(target))
            self._applying[target] = found
        return found

    def _meeting(self, fault: Fault, seconds: float | None) -> Meeting:
        if seconds is not None:
            return Meeting(fault, seconds)
        if fault is Fault.SLOW:
            return Meeting(fault, self.slow_seconds)
        if fault in (Fault.LATE_WRITE, Fault.LATE_WRITE_DROPPED):
            return Meeting(fault, self.late_seconds)
        return Meeting(fault, self.retry_after - 0.5 if fault is Fault.THROTTLED_FRACTION else self.retry_after)
