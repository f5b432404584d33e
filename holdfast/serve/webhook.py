"""Graph's webhook as `holdfast serve` has it: behind a reverse proxy, which has the certificate."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from holdfast import webhook
from holdfast.core.notices import MOST_BYTES
from holdfast.listening import Listening

PATHS = ("/api/notifications", "/api/lifecycle")
"""Where Azure Functions has the same. What is told says itself what it is about."""

_READING = 10.0
"""Seconds for a body to come in: Graph itself has given up by then."""


def application(listening: Listening) -> ASGIApp:
    """The webhook. Its state is opened with the first notification and kept, so that answers take no time."""

    async def receive(request: Request) -> Response:
        token = request.query_params.get(webhook.TOKEN)
        answer = webhook.handshake(token) if token is not None else await _taken(request, listening)
        if answer.text:
            return PlainTextResponse(answer.text, answer.status, webhook.SAFE)
        return Response(status_code=answer.status)

    return Starlette(routes=[Route(path, receive, methods=["POST"]) for path in PATHS])


async def _taken(request: Request, listening: Listening) -> webhook.Answer:
    body = bytearray()
    try:
        async with asyncio.timeout(_READING):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BYTES:  # before there is more of it than can be told
                    return webhook.Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except TimeoutError:
        return webhook.Answer(HTTPStatus.REQUEST_TIMEOUT)
    except ClientDisconnect:
        return webhook.Answer(HTTPStatus.BAD_REQUEST)
    return await webhook.take(bytes(body), listening)
