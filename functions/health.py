"""Whether the app is alive and its sweeps come: for an uptime monitor, without naming anybody."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

import azure.functions as func
import structlog

from functions.logs import set_up_logging
from functions.running import unusable

bp = func.Blueprint()


@bp.route(route="health", trigger_arg_name="request", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(request: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger's signature
    """Answer 200 while settings and state can be read and all goes on as it should, else 503 and why."""
    from holdfast import wiring
    from holdfast.jobs import health as health_job

    set_up_logging()
    log = structlog.get_logger("holdfast.health")
    try:
        place = wiring.Place.of(None, wiring.environment())
        settings = await asyncio.to_thread(place.settings)
        async with wiring.remembering(place, settings) as memory:
            found = await health_job.health(settings, memory.state, wiring.SystemClock().now())
    except unusable() as error:
        log.error("The settings or the state cannot be read.", why=str(error))  # noqa: TRY400 - it says itself what to do
        return _answer({"healthy": False, "why": "the settings or the state cannot be read; the log says more"})
    if found.why:
        log.warning("Not all goes on as it should.", why=found.why)
    return _answer(found.data())


def _answer(data: dict[str, object]) -> func.HttpResponse:
    status = HTTPStatus.OK if data["healthy"] else HTTPStatus.SERVICE_UNAVAILABLE
    return func.HttpResponse(json.dumps(data), status_code=status, mimetype="application/json")
