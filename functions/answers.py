"""Pages and their data, as answers of the admin's functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import azure.functions as func

JSON = "application/json"


def answer(
    request: func.HttpRequest,
    html: str,
    data: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    status: HTTPStatus = HTTPStatus.OK,
    look_at: str | None = None,
) -> func.HttpResponse:
    """A page, or its data for who asks for JSON. ``look_at`` is where one sees how what was begun goes on."""
    more = {**headers, **({"Location": look_at} if look_at else {})}
    if JSON in request.headers.get("Accept", ""):
        return func.HttpResponse(json.dumps(dict(data)), status_code=status, mimetype=JSON, headers=more)
    return func.HttpResponse(html, status_code=status, mimetype="text/html", charset="utf-8", headers=more)


def refused(request: func.HttpRequest, why: str, status: HTTPStatus) -> func.HttpResponse:
    """Why something was not done, and what to do."""
    if JSON in request.headers.get("Accept", ""):
        return func.HttpResponse(json.dumps({"why": why}), status_code=status, mimetype=JSON)
    return func.HttpResponse(f"{why}\n", status_code=status, mimetype="text/plain", charset="utf-8")
