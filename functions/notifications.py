"""Graph's webhook: proves that we are there, and takes what Graph tells of changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from functions.logs import set_up_logging
from holdfast import webhook

if TYPE_CHECKING:
    from holdfast.listening import Listening

bp = func.Blueprint()

_listening: list[Listening] = []


@bp.route(route="notifications", trigger_arg_name="request", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def notifications(request: func.HttpRequest) -> func.HttpResponse:
    """Answer as Graph wants it (``concepts/change-notifications-delivery-webhooks.md``); anybody may ask."""
    return await answer(request)


async def answer(request: func.HttpRequest) -> func.HttpResponse:
    """The token of a handshake, which the host has decoded once; else what ``webhook.take`` says of the body."""
    set_up_logging()
    token = request.params.get(webhook.TOKEN)
    found = webhook.handshake(token) if token is not None else await webhook.take(request.get_body(), listening())
    return func.HttpResponse(
        found.text, status_code=found.status, mimetype="text/plain", charset="utf-8", headers=dict(webhook.SAFE)
    )


def listening() -> Listening:
    """What is kept open between requests, for as long as this process lives."""
    if not _listening:
        # Only now: it is slow to load, and Graph waits ten seconds for a handshake.
        from holdfast import wiring
        from holdfast.listening import Listening

        _listening.append(Listening(lambda: wiring.Place.of(None, wiring.environment())))
    return _listening[0]
