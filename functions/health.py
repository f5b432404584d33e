"""Whether the app is alive and its sweeps come: for an uptime monitor, without naming anybody."""

from __future__ import annotations

import asyncio
import json
import logging
from http import HTTPStatus

import azure.functions as func

from holdfast import wiring
from holdfast.core.settings import SettingsError
from holdfast.jobs import health as health_job
from holdfast.jobs import status as status_job
from holdfast.store.key import KeyUnusable
from holdfast.store.sqlite import StateUnusable
from holdfast.wiring import Place, SetupError, SystemClock

bp = func.Blueprint()

_log = logging.getLogger("holdfast.health")


@bp.route(route="health", trigger_arg_name="request", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(request: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger's signature
    """Answer 200 while settings and state can be read and the last sweep is not too old, else 503."""
    try:
        place = Place.of(None, wiring.environment())
        settings = await asyncio.to_thread(place.settings)
        async with wiring.remembering(place, settings) as memory:
            found = health_job.health(await status_job.status(settings, memory.state, SystemClock()))
    except (SettingsError, SetupError, KeyUnusable, StateUnusable) as error:
        _log.error("Not healthy: %s", error)
        return _answer({"healthy": False, "why": "the settings or the state cannot be read; the log says more"})
    return _answer(found.data())


def _answer(data: dict[str, object]) -> func.HttpResponse:
    status = HTTPStatus.OK if data["healthy"] else HTTPStatus.SERVICE_UNAVAILABLE
    return func.HttpResponse(json.dumps(data), status_code=status, mimetype="application/json")
