"""Entra's endpoints: discovery, tokens for applications by secret or certificate, and people signing in to them."""

from __future__ import annotations

import base64
import json
import random
import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox import sign_in_pages, tokens
from sandbox.application import Application
from sandbox.clock import Clock
from sandbox.directory import Account
from sandbox.sign_ins import OPENID, Asked, DeviceCode, Refusal, Session
from sandbox.tenant import Tenant

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_DEFAULT_SCOPE = "/.default"
_LEEWAY = timedelta(minutes=5)
_SCOPE = re.compile(r"[A-Z][A-Za-z]*(\.[A-Za-z]+)+")


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
            Route("/{tenant}/oauth2/v2.0/devicecode", self._devicecode, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/authorize", self._authorize, methods=["GET", "POST"]),
            Route("/{tenant}/oauth2/deviceauth", self._device_page, methods=["GET", "POST"]),
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
        form = await _form(request)
        clock = Clock()
        try:
            tenant = self._tenant(request)
            clock = tenant.clock
            tenant.counts.tokens += 1
            issuer = f"{request.base_url}{tenant.id}/v2.0"
            for_somebody = _GRANTS.get(form.get("grant_type", ""))
            if for_somebody is not None:
                return JSONResponse(for_somebody(tenant, _public(tenant, form), form, issuer))
            application = self._signed_in(tenant, form, str(request.url))
            resource = _resource(form)
        except Refusal as refusal:
            return self._refused(refusal, clock)
        seconds = tokens.lives(tenant)
        return JSONResponse(
            {
                "token_type": "Bearer",
                "expires_in": seconds,
                "ext_expires_in": seconds,
                "access_token": tokens.issue(tenant, application, resource, issuer),
            }
        )

    async def _devicecode(self, request: Request) -> Response:
        """A code for a device, and the words in which it tells people what to do with it."""
        form = await _form(request)
        clock = Clock()
        try:
            tenant = self._tenant(request)
            clock = tenant.clock
            scopes, asked_for, _ = _scopes(form.get("scope", ""))
            code, device = tenant.sign_ins.device(_application(tenant, form), scopes, asked_for)
        except Refusal as refusal:
            return self._refused(refusal, clock)
        page = f"{request.base_url}{tenant.id}/oauth2/deviceauth"
        return JSONResponse(
            {
                "user_code": device.user_code,
                "device_code": code,
                "verification_uri": page,
                "expires_in": int(tenant.sign_ins.device_lifetime.total_seconds()),
                "interval": tenant.sign_ins.interval,
                "message": f"To sign in, use a web browser to open the page {page} and enter the code "
                f"{device.user_code} to authenticate.",
            }
        )

    async def _device_page(self, request: Request) -> Response:
        """Where people enter a device's code."""
        try:
            tenant = self._tenant(request)
        except Refusal as refusal:
            return self._refused(refusal, Clock())
        said, form = "", await _form(request)
        if form:
            account = tenant.account(form.get("account", ""))
            try:
                if account is None or form.get("answer") == "no":
                    tenant.sign_ins.decline(form.get("user_code", ""))
                    said = "You have said no. You may close this page."
                else:
                    tenant.sign_ins.approve(form.get("user_code", ""), account)
                    said = "You have signed in. You may close this page."
            except (LookupError, Refusal) as error:
                said = str(error)
        return HTMLResponse(sign_in_pages.device(tenant, said))

    async def _authorize(self, request: Request) -> Response:
        """The sign-in page, which leads back to the application with a code or with a refusal."""
        given = dict(request.query_params)
        clock = Clock()
        try:
            tenant = self._tenant(request)
            clock = tenant.clock
            asked = _asked(tenant, given)
        except Refusal as refusal:
            return self._refused(refusal, clock)
        form = await _form(request)
        account = tenant.account(form["account"]) if "account" in form else tenant.sign_ins.browser
        if account is None and form.get("answer") != "no":
            return HTMLResponse(sign_in_pages.choose(tenant, str(request.url), given.get("login_hint", "")))
        try:
            back = {"code": tenant.sign_ins.code(asked, account)}
        except Refusal as refusal:
            error = "access_denied" if refusal.error == "invalid_grant" else refusal.error
            back = {"error": error, "error_description": f"AADSTS{refusal.number}: {refusal.text}"}
        if "state" in given:
            back["state"] = given["state"]
        return sign_in_pages.back(asked.redirect, back, given.get("response_mode", "query"))

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
        application = _application(tenant, form)
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
                f"value, not the client secret ID, for a secret added to app '{application.client_id}'.",
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
        if refusal.suberror is not None:
            body["suberror"] = refusal.suberror
        return JSONResponse(body, refusal.status)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def _application(tenant: Tenant, form: Mapping[str, str]) -> Application:
    client_id = form.get("client_id", "")
    application = tenant.application(client_id)
    if application is None:
        raise Refusal(
            700016,
            "unauthorized_client",
            f"Application with identifier '{client_id}' was not found in the directory '{tenant.name}'.",
        )
    return application


# Tokens for people


def _public(tenant: Tenant, form: Mapping[str, str]) -> Application:
    """The application that somebody signs in to. One that is not public has to prove who it is, by its secret."""
    application = _application(tenant, form)
    if not application.public and form.get("client_secret") not in application.secrets:
        raise Refusal(
            7000218,
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            401,
        )
    return application


def _by_device_code(tenant: Tenant, application: Application, form: Mapping[str, str], issuer: str) -> dict[str, Any]:
    device: DeviceCode = tenant.sign_ins.poll(form.get("device_code", ""), application)
    assert device.account is not None  # noqa: S101 - poll answers only once somebody has signed in
    return _given(tenant, application, device.account, device.asked_for, issuer)


def _by_code(tenant: Tenant, application: Application, form: Mapping[str, str], issuer: str) -> dict[str, Any]:
    found = tenant.sign_ins.redeem(
        form.get("code", ""), application, form.get("redirect_uri", ""), form.get("code_verifier", "")
    )
    return _given(tenant, application, found.account, found.asked.asked_for, issuer, nonce=found.asked.nonce)


def _by_refresh_token(tenant: Tenant, application: Application, form: Mapping[str, str], issuer: str) -> dict[str, Any]:
    session = tenant.sign_ins.renew(form.get("refresh_token", ""), application)
    scopes, asked_for, _ = _scopes(form.get("scope", ""))
    missing = scopes - OPENID - tenant.sign_ins.granted(application, session.account)
    if missing:
        raise Refusal(
            65001,
            "invalid_grant",
            f"The user or administrator has not consented to use the application with ID '{application.client_id}' "
            f"named '{application.name}'. Send an interactive authorization request for this user and resource.",
            400,
            "consent_required",
        )
    return _given(tenant, application, session.account, asked_for, issuer, before=session)


_GRANTS = {
    "urn:ietf:params:oauth:grant-type:device_code": _by_device_code,
    "device_code": _by_device_code,
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
}


def _given(
    tenant: Tenant,
    application: Application,
    account: Account,
    asked_for: tuple[str, ...],
    issuer: str,
    *,
    nonce: str | None = None,
    before: Session | None = None,
) -> dict[str, Any]:
    """The tokens of a sign-in. The access token has all that was ever consented to, as Entra's have."""
    _, _, resource = _scopes(" ".join(asked_for))
    granted = tenant.sign_ins.granted(application, account)
    seconds = tokens.lives(tenant)
    long = any(scope.startswith(f"{resource}/") for scope in asked_for)
    names = [f"{resource}/{scope}" if long else scope for scope in sorted(granted)]
    about = [scope for scope in asked_for if scope in OPENID or scope.endswith(_DEFAULT_SCOPE)]
    body: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": " ".join(dict.fromkeys([*names, *(scope for scope in about if scope != "offline_access")])),
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": tokens.issue_for(tenant, application, account, granted, resource, issuer),
        "client_info": _client_info(tenant, account),
    }
    if "offline_access" in asked_for:
        body["refresh_token"] = tenant.sign_ins.session(application, account, before)
    if "openid" in asked_for:
        body["id_token"] = tokens.issue_identity(tenant, application, account, issuer, nonce)
    return body


def _client_info(tenant: Tenant, account: Account) -> str:
    """Who signed in and where, in the form by which msal tells accounts apart."""
    text = json.dumps({"uid": account.id, "utid": tenant.id})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _scopes(text: str) -> tuple[frozenset[str], tuple[str, ...], str]:
    """The permissions that somebody is asked for, the scopes as they were sent, and the resource they are for."""
    asked_for = tuple(dict.fromkeys(text.split()))
    if not asked_for:
        raise Refusal(90014, "invalid_request", "The required field 'scope' is missing from the credential.")
    resources = {scope.rpartition("/")[0] for scope in asked_for} - {""}
    if len(resources) > 1:
        raise Refusal(28000, "invalid_scope", "Scopes are for more than one resource.")
    resource = resources.pop() if resources else tokens.GRAPH
    if resource not in tokens.RESOURCES:
        raise Refusal(
            500011, "invalid_resource", f"The resource principal named {resource} was not found in the tenant."
        )
    names = frozenset(scope.rpartition("/")[2] for scope in asked_for) - {_DEFAULT_SCOPE.removeprefix("/")}
    unknown = names - OPENID - {name for name in names if _SCOPE.fullmatch(name)}
    if unknown:
        raise Refusal(70011, "invalid_scope", f"The provided value for scope {' '.join(sorted(unknown))} is not valid.")
    return names, asked_for, resource


def _asked(tenant: Tenant, given: Mapping[str, str]) -> Asked:
    """What an application asks of the sign-in page. Raises what is shown there instead of leading back to it."""
    application = _application(tenant, given)
    redirect = given.get("redirect_uri", "")
    if not _may_lead(application, redirect):
        raise Refusal(
            50011,
            "invalid_request",
            f"The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for "
            f"the application '{application.client_id}'.",
        )
    if given.get("response_type") != "code":
        raise Refusal(700051, "unsupported_response_type", "The response_type is not enabled for the application.")
    if given.get("code_challenge_method") != "S256" or not given.get("code_challenge"):
        # Entra takes a native application's request without it; nobody should send one.
        raise Refusal(9002325, "invalid_request", "Proof Key for Code Exchange is required, by S256.")
    scopes, asked_for, _ = _scopes(given.get("scope", ""))
    return Asked(application, redirect, scopes, asked_for, given["code_challenge"], given.get("nonce"))


def _may_lead(application: Application, redirect: str) -> bool:
    """Whether an application is reached there: on localhost any port will do."""
    parts = urlsplit(redirect)
    plain = f"{parts.scheme}://{parts.hostname}{parts.path.rstrip('/')}"
    is_local = parts.scheme == "http" and parts.hostname == "localhost"
    return redirect in application.redirects or (is_local and plain in application.redirects)


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
