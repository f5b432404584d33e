"""Where Graph tells what becomes of subscriptions: the webhook's second address."""

from __future__ import annotations

import azure.functions as func

from functions.notifications import answer

bp = func.Blueprint()


@bp.route(route="lifecycle", trigger_arg_name="request", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def lifecycle(request: func.HttpRequest) -> func.HttpResponse:
    """Answer as to a change: what is told says itself what it is about."""
    return await answer(request)
