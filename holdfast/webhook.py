"""What Graph's webhook is answered, whichever door it comes to: Azure's, or the one of `holdfast serve`.

Light to load: Graph waits ten seconds for a handshake, which needs nothing of the product
(``concepts/change-notifications-delivery-webhooks.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

from holdfast.core.notices import BadBody, TooMuch
from holdfast.jobs.notifications import notified

if TYPE_CHECKING:
    from holdfast.listening import Listening

TOKEN = "validationToken"  # noqa: S105 - the name of a parameter
"""The parameter of the address by which Graph asks whether we are there."""

SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""Headers with which no browser takes an answer for a page."""

_LONGEST_TOKEN = 2_048
_log = structlog.get_logger("holdfast.notifications")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer: a status, and plain text besides where Graph wants any."""

    status: HTTPStatus
    text: str = ""


def handshake(token: str) -> Answer:
    """The token as it came, decoded once; 400 for what Graph never sends."""
    if not 0 < len(token) <= _LONGEST_TOKEN or not token.isprintable():
        return Answer(HTTPStatus.BAD_REQUEST)
    return Answer(HTTPStatus.OK, token)


async def take(body: bytes, listening: Listening) -> Answer:
    """202 once what a body tells is on the queue, whatever of it was dropped.

    503 where it could not be queued, so that Graph tells it again; 400 and 413 for what Graph never sends.
    """
    from holdfast.core.settings import SettingsError  # noqa: PLC0415 - slow to load, and no handshake needs it
    from holdfast.store.errors import StateUnusable  # noqa: PLC0415 - as above
    from holdfast.store.key import KeyUnusable  # noqa: PLC0415 - as above
    from holdfast.wiring import SetupError  # noqa: PLC0415 - as above

    try:
        ear = await listening.ear()
        found = await notified(body, tenant=ear.tenant, keys=ear.keys, queue=ear.queue, at=ear.clock.now())
    except BadBody:
        return Answer(HTTPStatus.BAD_REQUEST)
    except TooMuch:
        return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except (SettingsError, SetupError, KeyUnusable, StateUnusable) as error:
        _log.error("Notifications cannot be taken.", why=str(error))
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE)
    if found.dropped:
        counts = {why.name.lower(): count for why, count in found.dropped.items()}
        _log.warning("Of what came as notifications some was dropped.", **counts)
    return Answer(HTTPStatus.ACCEPTED)
