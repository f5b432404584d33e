"""What Graph tells us by its webhook, put on the queue ``repair``: hints to look, never the truth.

Answered as soon as it is queued and not before, so that Graph tells again what could not be taken. Whoever calls this
waits for nothing else: three seconds without an answer count as a failure, and slow endpoints are told nothing
(``concepts/change-notifications-delivery-webhooks.md``). So nothing slow to load is loaded here either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from holdfast.core.notices import Dropped, read

if TYPE_CHECKING:
    from holdfast.jobs.ports import Queue

SETTLING = timedelta(seconds=10)
"""How long a hint waits: Outlook tells of one drag of a mouse in several notifications, which one look answers."""


@dataclass(frozen=True, slots=True)
class Received:
    """How many hints were queued, and how many items were dropped, and why: never of whom."""

    hints: int
    dropped: Mapping[Dropped, int]

    @property
    def forged(self) -> int:
        """Items that nobody could have sent who knows what our subscriptions are made with."""
        return self.dropped.get(Dropped.FORGED, 0)


async def notified(body: bytes, *, tenant: str, keys: Sequence[bytes], queue: Queue, at: datetime) -> Received:
    """Queue what a body that came at ``at`` tells of changes and subscriptions.

    ``keys`` are the secrets that client states are made with, today's and the one before. What has to be cared for
    waits for nothing. Raises ``BadBody`` and ``TooMuch``, and what the queue raises: then nothing may be answered but
    that it failed.
    """
    told = read(body, tenant=tenant, keys=keys, at=at)
    if told.hints:
        from holdfast.jobs.ports import QueueName  # noqa: PLC0415 - loaded by whoever has a queue, and by no handshake

        cares = [hint.text() for hint in told.hints if hint.care is not None]
        touches = [hint.text() for hint in told.hints if hint.care is None]
        if cares:
            await queue.put(QueueName.REPAIR, cares)
        if touches:
            await queue.put(QueueName.REPAIR, touches, delay=SETTLING)
    return Received(len(told.hints), told.dropped)
