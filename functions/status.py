"""The admin's page: what is in force, what waits, how the last run went, and what goes on."""

from __future__ import annotations

from http import HTTPStatus

import azure.functions as func

from functions.answers import answer, refused
from functions.running import running, unusable
from functions.signed_in import ADMIN, READER, refusal

bp = func.Blueprint()


@bp.route(route="status", trigger_arg_name="request", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def status(request: func.HttpRequest) -> func.HttpResponse:
    """Show the status to readers and admins, who have signed in before they get here."""
    from holdfast import wiring
    from holdfast.jobs.overview import overview
    from holdfast.pages.status import HEADERS, status_page

    no = refusal(request, wiring.environment(), READER, ADMIN)
    if no is not None:
        return no
    try:
        async with running() as now:
            found = await overview(now.settings, now.ports.state, now.ports.clock)
    except unusable() as error:
        return refused(request, str(error), HTTPStatus.SERVICE_UNAVAILABLE)
    return answer(request, status_page(found), found.status.data(), headers=HEADERS)
