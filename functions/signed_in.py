"""Who has signed in to the admin's page, as Azure tells it: its sign-in stands before the functions and says who came.

The header is believed only where Azure says that its sign-in is on: there it takes away what a caller sends of that
name (https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import azure.functions as func

READER, ADMIN = "Holdfast.Reader", "Holdfast.Admin"

SWITCH = "WEBSITE_AUTH_ENABLED"
"""What Azure sets where its sign-in is on."""

_PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
_ROLE_CLAIMS = frozenset({"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})


def refusal(request: func.HttpRequest, variables: Mapping[str, str], *allowed: str) -> func.HttpResponse | None:
    """The answer to whoever has none of the ``allowed`` roles; None for who has.

    What would change things has to come from our own page, or from no page at all.
    """
    if variables.get(SWITCH, "").lower() != "true":
        return _no("Nobody is let in while the sign-in of this app is off: docs/deploy.md says how to turn it on.")
    if _roles(request).isdisjoint(allowed):
        return _no(f"This takes the role {' or '.join(allowed)}, which an admin of Entra assigns.")
    origin = request.headers.get("Origin")
    if request.method != "GET" and origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        return _no("This is done from Holdfast's own page alone.")
    return None


def _roles(request: func.HttpRequest) -> frozenset[str]:
    try:
        told = json.loads(base64.b64decode(request.headers.get(_PRINCIPAL, ""), validate=True))
        return frozenset(str(claim["val"]) for claim in told["claims"] if claim["typ"] in _ROLE_CLAIMS)
    except (binascii.Error, ValueError, KeyError, TypeError):
        return frozenset()


def _no(why: str) -> func.HttpResponse:
    return func.HttpResponse(f"{why}\n", status_code=HTTPStatus.FORBIDDEN, mimetype="text/plain", charset="utf-8")
