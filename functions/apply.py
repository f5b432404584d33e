"""Applying from the admin's page: the very plan that was looked at, known by its checksum."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs

import azure.functions as func

from functions.answers import JSON, answer, refused
from functions.plan import HERE
from functions.running import running, unusable
from functions.signed_in import ADMIN, refusal

bp = func.Blueprint()


@bp.route(route="apply", trigger_arg_name="request", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def apply(request: func.HttpRequest) -> func.HttpResponse:
    """Approve the settings that a plan was made of and begin to carry it out: 202. An admin alone may.

    409 where the plan is not the latest, or not of the settings as they are, or the guard refuses it.
    """
    from holdfast import wiring
    from holdfast.jobs import planning
    from holdfast.pages.plan import HEADERS, plan_page

    no = refusal(request, wiring.environment(), ADMIN)
    if no is not None:
        return no
    checksum, force = _asked(request)
    if not checksum:
        return refused(request, "Which plan? Send its checksum.", HTTPStatus.BAD_REQUEST)
    try:
        async with running() as now:
            run_id = wiring.holder()
            await planning.begin_apply(now.settings, now.ports, checksum=checksum, force=force, run_id=run_id)
            found = await planning.progress(now.settings, now.ports)
    except unusable() as error:
        return refused(request, str(error), HTTPStatus.SERVICE_UNAVAILABLE)
    except planning.NotTheLatest as error:
        return refused(request, str(error), HTTPStatus.CONFLICT)
    return answer(request, plan_page(found), found.data(), status=HTTPStatus.ACCEPTED, headers=HEADERS, look_at=HERE)


def _asked(request: func.HttpRequest) -> tuple[str, bool]:
    """The checksum, and whether a plan that the guard refuses is meant all the same: from a form, or from JSON."""
    if request.headers.get("Content-Type", "").startswith(JSON):
        try:
            given = request.get_json()
        except ValueError:
            return "", False
        if not isinstance(given, dict) or not isinstance(given.get("checksum"), str):
            return "", False
        return given["checksum"], given.get("force") is True
    form = parse_qs(request.get_body().decode("utf-8", "replace"))
    return form.get("checksum", [""])[0], form.get("force") == ["yes"]
