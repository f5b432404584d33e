"""Graph's webhook: proves that we are there, and takes what Graph tells of changes."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from holdfast.core.notices import MOST_BYTES, BadBody, TooMuch
from holdfast.jobs.notifications import notified

if TYPE_CHECKING:
    from holdfast.listening import Listening

bp = func.Blueprint()

_log = logging.getLogger("holdfast.notifications")
_LONGEST_TOKEN = 2_048
_listening: list[Listening] = []


@bp.route(route="notifications", trigger_arg_name="request", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def notifications(request: func.HttpRequest) -> func.HttpResponse:
    """Answer as Graph wants it (``concepts/change-notifications-delivery-webhooks.md``); anybody may ask."""
    return await answer(request)


async def answer(request: func.HttpRequest) -> func.HttpResponse:
    """The token of a handshake; else 202 once what was told is on the queue, whatever of it was dropped.

    503 where it could not be queued, so that Graph tells it again; 400 and 413 for what Graph never sends.
    """
    token = request.params.get("validationToken")
    if token is not None:
        return _handshake(token)
    body = request.get_body()
    if len(body) > MOST_BYTES:
        return _status(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return _status(await _taken(body))


async def _taken(body: bytes) -> HTTPStatus:
    # Loaded here, because Graph waits ten seconds for a handshake, which needs none of it.
    from holdfast.core.settings import SettingsError  # noqa: PLC0415
    from holdfast.store.errors import StateUnusable  # noqa: PLC0415
    from holdfast.store.key import KeyUnusable  # noqa: PLC0415
    from holdfast.wiring import SetupError  # noqa: PLC0415

    try:
        ear = await listening().ear()
        found = await notified(body, tenant=ear.tenant, keys=ear.keys, queue=ear.queue, at=ear.clock.now())
    except BadBody:
        return HTTPStatus.BAD_REQUEST
    except TooMuch:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except (SettingsError, SetupError, KeyUnusable, StateUnusable) as error:
        _log.error("Notifications cannot be taken: %s", error)
        return HTTPStatus.SERVICE_UNAVAILABLE
    if found.dropped:
        _log.warning("Dropped of what came as notifications: %s", {why.value: n for why, n in found.dropped.items()})
    return HTTPStatus.ACCEPTED


def listening() -> Listening:
    """What is kept open between requests, for as long as this process lives."""
    if not _listening:
        from holdfast import wiring  # noqa: PLC0415 - as above
        from holdfast.listening import Listening  # noqa: PLC0415

        _listening.append(Listening(lambda: wiring.Place.of(None, wiring.environment())))
    return _listening[0]


def _handshake(token: str) -> func.HttpResponse:
    """The token as it came, which the host has decoded once, as text that no browser takes for a page."""
    if not 0 < len(token) <= _LONGEST_TOKEN or not token.isprintable():
        return _status(HTTPStatus.BAD_REQUEST)
    safe = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return func.HttpResponse(token, status_code=HTTPStatus.OK, mimetype="text/plain", charset="utf-8", headers=safe)


def _status(status: HTTPStatus) -> func.HttpResponse:
    return func.HttpResponse(status_code=status)
