"""Planning from the admin's page: begun here, made by the queue, and looked at here."""

from __future__ import annotations

from http import HTTPStatus

import azure.functions as func

from functions.answers import answer, refused
from functions.running import running, unusable
from functions.signed_in import ADMIN, READER, refusal

bp = func.Blueprint()

HERE = "/api/plan"


@bp.route(route="plan", trigger_arg_name="request", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def plan(request: func.HttpRequest) -> func.HttpResponse:
    """Begin a plan of the settings as they are and answer 202; asked with GET, show the latest one."""
    from holdfast import wiring
    from holdfast.core.errors import GraphError
    from holdfast.jobs import planning
    from holdfast.jobs.audience import AudienceError
    from holdfast.pages.plan import HEADERS, plan_page

    no = refusal(request, wiring.environment(), READER, ADMIN)
    if no is not None:
        return no
    begins = request.method == "POST"
    try:
        async with running() as now:
            if begins:
                await planning.begin_plan(now.settings, now.ports, run_id=wiring.holder())
            found = await planning.progress(now.settings, now.ports)
    except unusable() as error:
        return refused(request, str(error), HTTPStatus.SERVICE_UNAVAILABLE)
    except (AudienceError, GraphError) as error:
        cure = f" {error.cure}" if isinstance(error, GraphError) else ""
        return refused(request, f"{error}{cure}", HTTPStatus.BAD_GATEWAY)
    status = HTTPStatus.ACCEPTED if begins else HTTPStatus.OK
    return answer(request, plan_page(found), found.data(), status=status, headers=HEADERS, look_at=HERE)
