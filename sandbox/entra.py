"""Entra's endpoints: the discovery document, and tokens for applications by secret or by certificate."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import tokens
from sandbox.application import Application
from sandbox.clock import Clock
from sandbox.tenant import Tenant

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_DEFAULT_SCOPE = "/.default"
_LEEWAY = timedelta(minutes=5)


class Refusal(Exception):
    """An error of Entra's, with its number, which stands in the text as ``AADSTS`` and the number."""

    def __init__(self, number: int, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.number = number
        self.error = error
        self.text = text
        self.status = status


class Entra:
    """The sign-in service of all tenants in a sandbox."""

    def __init__(self, find: tokens.FindTenant) -> None:
        self._find = find
        self._chance = random.Random(0)

    def routes(self) -> list[Route]:
        """For the sandbox's application."""
        return [
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"]),
            Route("/{tenant}/discovery/v2.0/keys", self._keys),
        ]

    async def _discovery(self, request: Request) -> Response:
        try:
            tenant = self._tenant(request)
        except Refusal as refusal:
            return self._refused(refusal, Clock())
        base = f"{request.base_url}{request.path_params['tenant']}"
        return JSONResponse(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{request.base_url}{tenant.id}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "tenant_region_scope": "EU",
            }
        )

    async def _keys(self, _: Request) -> Response:
        """No keys: what Graph's tokens are signed with is nobody's business but Graph's."""
        return JSONResponse({"keys": []})

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        clock = Clock()
        try:
            tenant = self._tenant(request)
            clock = tenant.clock
            tenant.counts.tokens += 1
            application = self._signed_in(tenant, form, str(request.url))
            resource = _resource(form)
        except Refusal as refusal:
            return self._refused(refusal, clock)
        issuer = f"{request.base_url}{tenant.id}/v2.0"
        seconds = tokens.lives(tenant)
        return JSONResponse(
            {
                "token_type": "Bearer",
                "expires_in": seconds,
                "ext_expires_in": seconds,
                "access_token": tokens.issue(tenant, application, resource, issuer),
            }
        )

    def _tenant(self, request: Request) -> Tenant:
        name = request.path_params["tenant"]
        tenant = self._find(name)
        if tenant is None:
            raise Refusal(
                90002, "invalid_tenant", f"Tenant '{name}' not found. Check to make sure you have the correct one."
            )
        return tenant

    def _signed_in(self, tenant: Tenant, form: Mapping[str, str], endpoint: str) -> Application:
        if form.get("grant_type") != "client_credentials":
            raise Refusal(
                70003,
                "unsupported_grant_type",
                f"The app requested an unsupported grant type '{form.get('grant_type')}'.",
            )
        client_id = form.get("client_id", "")
        application = tenant.application(client_id)
        if application is None:
            raise Refusal(
                700016,
                "unauthorized_client",
                f"Application with identifier '{client_id}' was not found in the directory '{tenant.name}'.",
            )
        if "client_assertion" in form:
            _check_assertion(application, form, endpoint)
        elif "client_secret" not in form:
            raise Refusal(
                7000218, "invalid_client", "The request body must contain 'client_assertion' or 'client_secret'.", 401
            )
        elif form["client_secret"] not in application.secrets:
            raise Refusal(
                7000215,
                "invalid_client",
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{client_id}'.",
                401,
            )
        return application

    def _refused(self, refusal: Refusal, clock: Clock) -> Response:
        trace, correlation = (str(uuid.UUID(int=self._chance.getrandbits(128), version=4)) for _ in range(2))
        at = f"{clock.now():%Y-%m-%d %H:%M:%SZ}"
        about = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
        body: dict[str, Any] = {
            "error": refusal.error,
            "error_description": f"AADSTS{refusal.number}: {refusal.text} {about}",
            "error_codes": [refusal.number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refusal.number}",
        }
        return JSONResponse(body, refusal.status)


def _resource(form: Mapping[str, str]) -> str:
    """What the token is asked for: exactly one scope, ``.default`` of Graph (§6 of the notes on Graph)."""
    scopes = form.get("scope", "").split()
    if not scopes:
        raise Refusal(90014, "invalid_request", "The required field 'scope' is missing from the credential.")
    if len(scopes) > 1:
        raise Refusal(
            70011, "invalid_scope", f"The provided value for the input parameter 'scope' is not valid: {scopes}."
        )
    scope = scopes[0]
    if not scope.endswith(_DEFAULT_SCOPE):
        raise Refusal(
            1002012,
            "invalid_scope",
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
            "/.default suffixed to the resource identifier (application ID URI).",
        )
    resource = scope.removesuffix(_DEFAULT_SCOPE).rstrip("/")
    if resource not in tokens.RESOURCES:
        raise Refusal(
            500011, "invalid_resource", f"The resource principal named {resource} was not found in the tenant."
        )
    return resource


def _check_assertion(application: Application, form: Mapping[str, str], endpoint: str) -> None:
    """Raises unless the assertion is by a registered certificate, for us, and of now.

    Its dates are the caller's machine's, so that a tenant whose clock is set elsewhere can be signed in to as well.
    """
    assertion = form["client_assertion"]
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise Refusal(900144, "invalid_request", "The request body must contain the parameter 'client_assertion_type'.")
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError as error:
        raise Refusal(50027, "invalid_request", "JWT token is invalid or malformed.", 401) from error
    certificate = application.certificates.get(str(header.get("x5t#S256") or header.get("x5t")).rstrip("="))
    key = certificate.public_key() if certificate else None
    if not isinstance(key, RSAPublicKey):
        raise Refusal(
            700027, "invalid_client", "The certificate with this thumbprint is not registered on the application.", 401
        )
    now = Clock.machine()
    try:
        claims = jwt.decode(
            assertion,
            key,
            ["RS256", "PS256"],
            audience=[endpoint, endpoint.removesuffix("/oauth2/v2.0/token") + "/v2.0"],
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp", "iss", "sub"]},
        )
    except jwt.InvalidAudienceError as error:
        raise Refusal(
            700023, "invalid_client", "The audience of the client assertion is not this endpoint.", 401
        ) from error
    except jwt.InvalidTokenError as error:
        raise Refusal(700027, "invalid_client", "The signature of the assertion is not valid.", 401) from error
    if claims["iss"] != application.client_id or claims["sub"] != application.client_id:
        raise Refusal(700021, "invalid_client", "The issuer or subject of the assertion is not the application.", 401)
    begins = float(claims.get("nbf", now.timestamp()))
    if not begins - _LEEWAY.total_seconds() <= now.timestamp() <= float(claims["exp"]) + _LEEWAY.total_seconds():
        raise Refusal(700024, "invalid_client", "The client assertion is not within its valid time range.", 401)
