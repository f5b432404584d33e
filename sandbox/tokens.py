"""Access tokens: what Entra signs and Graph reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from sandbox.application import Application
from sandbox.directory import Account
from sandbox.errors import GraphError
from sandbox.exchange import Caller
from sandbox.tenant import Tenant

GRAPH = "https://graph.microsoft.com"
RESOURCES = frozenset(
    {
        GRAPH,
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
    }
)
"""What a token may be for: Graph, in each of Microsoft's clouds."""

_ALGORITHM = "HS256"
_MOST_KEPT = 4096

FindTenant = Callable[[str], Tenant | None]


def issue(tenant: Tenant, application: Application, resource: str, issuer: str) -> str:
    """A token for an application itself."""
    claims = _claims(tenant, application, resource, issuer) | {
        "idtyp": "app",
        "oid": application.client_id,
        "sub": application.client_id,
    }
    if application.token_roles:
        claims["roles"] = application.token_roles
    return _signed(tenant, claims)


def issue_for(  # noqa: PLR0917 - a token says so much
    tenant: Tenant, application: Application, account: Account, scopes: Iterable[str], resource: str, issuer: str
) -> str:
    """A token for somebody who signed in to an application, with what it may do in their name."""
    claims = _claims(tenant, application, resource, issuer) | {
        "idtyp": "user",
        "oid": account.id,
        "sub": subject(application, account),
        "scp": " ".join(sorted(scopes)),
        "upn": account.user_principal_name,
        "unique_name": account.user_principal_name,
        "name": account.display_name,
    }
    return _signed(tenant, claims)


def issue_identity(tenant: Tenant, application: Application, account: Account, issuer: str, nonce: str | None) -> str:
    """An id token: who signed in, for the application to read."""
    now = tenant.clock.now()
    claims: dict[str, Any] = {
        "aud": application.client_id,
        "iss": issuer,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + tenant.token_lifetime).timestamp()),
        "name": account.display_name,
        "oid": account.id,
        "preferred_username": account.user_principal_name,
        "sub": subject(application, account),
        "tid": tenant.id,
        "uti": f"{tenant.chance.getrandbits(96):024x}",
        "ver": "2.0",
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return _signed(tenant, claims)


def subject(application: Application, account: Account) -> str:
    """Who somebody is for one application and no other."""
    return hashlib.blake2b(f"{application.client_id} {account.id}".encode(), digest_size=16).hexdigest()


def _claims(tenant: Tenant, application: Application, resource: str, issuer: str) -> dict[str, Any]:
    """What stands in each token for a resource."""
    now = tenant.clock.now()
    return {
        "aud": resource,
        "iss": issuer,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + tenant.token_lifetime).timestamp()),
        "appid": application.client_id,
        "app_displayname": application.name,
        "tid": tenant.id,
        "uti": f"{tenant.chance.getrandbits(96):024x}",
        "ver": "1.0",
    }


def _signed(tenant: Tenant, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, tenant.key, _ALGORITHM, headers={"kid": tenant.id})


class Gate:
    """Graph's door: it reads bearer tokens, each by the tenant whose it claims to be."""

    def __init__(self, find: FindTenant) -> None:
        self._find = find
        self._known: dict[str, Caller] = {}

    def caller(self, authorization: str | None) -> Caller:
        """Who calls. Raises the 401 for a token that is missing, forged, foreign, for something else, or too old."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _refused("Access token is empty.")
        caller = self._known.get(token)
        if caller is None:
            caller = self._read(token)
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[token] = caller
        if caller.tenant.clock.now() >= caller.expires:
            raise _refused("Lifetime validation failed, the token is expired.")
        if caller.token_id in caller.tenant.faults.ended_tokens:
            raise _refused("Lifetime validation failed, the token is expired.")
        return caller

    def forget(self, tenant: Tenant) -> None:
        """Take no more tokens of a tenant at their word."""
        self._known = {token: caller for token, caller in self._known.items() if caller.tenant is not tenant}

    def _read(self, token: str) -> Caller:
        try:
            tenant = self._find(str(jwt.decode(token, options={"verify_signature": False}).get("tid")))
            if tenant is None:
                raise _refused("Access token validation failure. Unknown tenant.")
            claims = jwt.decode(
                token,
                tenant.key,
                [_ALGORITHM],
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise _refused("Access token validation failure.") from error
        if claims.get("aud") not in RESOURCES:
            raise _refused("Access token validation failure. Invalid audience.")
        application = tenant.application(claims["appid"])
        if application is None:
            raise _refused("Access token validation failure. Unknown application.")
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        if claims["idtyp"] == "app":
            return Caller(tenant, application, frozenset(claims.get("roles", ())), expires, claims["uti"])
        account = tenant.account(claims["oid"])
        if account is None:
            raise _refused("Access token validation failure. Unknown user.")
        return Caller(tenant, application, frozenset(claims["scp"].split()), expires, claims["uti"], account)


def _refused(message: str) -> GraphError:
    challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    return GraphError(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": challenge})


def lives(tenant: Tenant) -> int:
    """Seconds that a token of this tenant is good for."""
    return int(tenant.token_lifetime / timedelta(seconds=1))
