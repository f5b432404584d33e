"""Access tokens for the application itself, by msal.

msal blocks, so it works in a thread; it lets twenty threads ask for twenty tokens, so one caller asks at a time; and
its cache costs more than a comparison, so the token at hand is kept here until five minutes before it runs out.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
from typing import Any

import msal  # type: ignore[import-untyped]
import requests
import requests.adapters

from graph_client import certificate
from graph_client.connection import CERTIFICATE, MANAGED_IDENTITY, Connection
from holdfast.core.errors import NotSignedIn, Unreachable
from holdfast.core.model import Clock

MARGIN = 300.0
"""Seconds before its end from which a token is no longer used; msal's own margin is the same."""

_TIMEOUT = (10.0, 30.0)
"""Seconds for connecting to the sign-in service and for each wait for its answer."""

ENTRA_CODE = re.compile(r"AADSTS(\d+)")

_CURES = {
    "7000215": "The client secret is wrong: HOLDFAST_CLIENT_SECRET takes the secret's value, not its id.",
    "7000222": "The client secret has expired: make a new one in the Entra admin center, for HOLDFAST_CLIENT_SECRET.",
    "700016": "The tenant has no app registration with this id: check tenant.client_id and tenant.tenant_id.",
    "90002": "There is no such tenant in this cloud: check tenant.tenant_id and tenant.cloud.",
    "700027": "The app registration does not know this certificate: upload it there, or name another file.",
}
"""What to do about the refusals that happen most, by Entra's number for them."""

_OUTSIDE_AZURE = (
    "A managed identity exists only inside Azure; elsewhere set tenant.credential to certificate or secret. In Azure, "
    "switch the identity on, and name a user-assigned one by tenant.client_id."
)
UNTRUSTED = "If a proxy opens TLS connections on the way, name its certificate authority in HOLDFAST_CA_BUNDLE."


class MsalTokens:
    """The tokens of one connection. Nothing is sent before the first one is asked for."""

    def __init__(self, connection: Connection, *, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._turn = asyncio.Lock()
        self._app: Any = None
        self._token = ""
        self._usable_until = clock.monotonic()

    async def token(self) -> str:
        """A token that Graph takes for some minutes more. Raises ``NotSignedIn`` or ``Unreachable``."""
        if not self._usable:
            async with self._turn:
                if not self._usable:
                    await self._fetch(None)
        return self._token

    async def renew(self, rejected: str, claims: str | None) -> str:
        """Another token than ``rejected``, which Graph would not take; one is fetched however many ask.

        ``claims`` is what Graph wants of it, from the 401's challenge. Raises ``NotSignedIn`` or ``Unreachable``.
        """
        async with self._turn:
            if self._token == rejected or not self._usable:
                self._usable_until = self._clock.monotonic()
                if claims is None:
                    # msal would go on giving out the rejected token from its cache, which goes with this object.
                    self._app = None
                await self._fetch(claims)
        return self._token

    async def roles(self) -> frozenset[str]:
        """The application permissions that the token lists. Raises ``NotSignedIn`` or ``Unreachable``.

        Those granted for some mailboxes only, by RBAC for Applications, are never among them.
        """
        try:
            payload = (await self.token()).split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (IndexError, ValueError):
            return frozenset()
        roles = claims.get("roles") if isinstance(claims, dict) else None
        return frozenset(map(str, roles)) if isinstance(roles, list) else frozenset()

    @property
    def _usable(self) -> bool:
        return self._clock.monotonic() < self._usable_until

    async def _fetch(self, claims: str | None) -> None:
        managed = self._connection.credential == MANAGED_IDENTITY
        try:
            result = await asyncio.to_thread(self._acquire, claims)
        except requests.exceptions.SSLError as error:
            raise Unreachable("The sign-in service's certificate is not trusted.", cure=UNTRUSTED) from error
        except (requests.RequestException, msal.exceptions.MsalServiceError) as error:
            if managed:
                raise NotSignedIn("There is no managed identity to be reached here.", cure=_OUTSIDE_AZURE) from error
            raise Unreachable(f"The sign-in service {self._connection.authority} gives no usable answer.") from error
        except (ValueError, KeyError) as error:
            # msal's words for a tenant it cannot find; the sign-in service's own stand in the error that led to it.
            raise self._refused(f"{error.__context__ or ''} {error}", "") from error
        if "access_token" not in result:
            said = str(result.get("error_description") or result.get("error") or "no reason given")
            raise self._refused(said, str(result.get("correlation_id") or ""))
        self._token = str(result["access_token"])
        self._usable_until = self._clock.monotonic() + float(result["expires_in"]) - MARGIN

    def _refused(self, said: str, request_id: str) -> NotSignedIn:
        found = ENTRA_CODE.search(said)
        cure = _CURES.get(found[1]) if found else None
        if cure is None and self._connection.credential == MANAGED_IDENTITY:
            cure = _OUTSIDE_AZURE
        return NotSignedIn(
            f"Signing in failed: {said_of(said)}", code=found[0] if found else "", request_id=request_id, cure=cure
        )

    def _acquire(self, claims: str | None) -> dict[str, Any]:
        """Ask msal. Runs in a thread, because already making the application object goes to the network."""
        connection = self._connection
        if self._app is None:
            self._app = _application(connection)
        if connection.credential == MANAGED_IDENTITY:
            answer = self._app.acquire_token_for_client(resource=connection.resource, claims_challenge=claims)
        else:
            answer = self._app.acquire_token_for_client([f"{connection.resource}/.default"], claims_challenge=claims)
        return dict(answer)


def said_of(text: str) -> str:
    """What the sign-in service says, from its number on and without the ids and the time that follow."""
    found = ENTRA_CODE.search(text)
    return " ".join(text[found.start() if found else 0 :].split(" Trace ID:", maxsplit=1)[0].split())


def session(connection: Connection) -> requests.Session:
    """What msal reaches the sign-in service by."""
    session = requests.Session()
    for scheme in ("https://", "http://"):  # http: where Azure gives out the tokens of managed identities
        session.mount(scheme, _Adapter(connection.trust()))
    return session


def _application(connection: Connection) -> Any:  # noqa: ANN401 - msal has no types
    http = session(connection)
    if connection.credential == MANAGED_IDENTITY:
        identity = (
            msal.UserAssignedManagedIdentity(client_id=connection.client_id)
            if connection.client_id
            else msal.SystemAssignedManagedIdentity()
        )
        return msal.ManagedIdentityClient(identity, http_client=http)
    return msal.ConfidentialClientApplication(
        connection.client_id,
        client_credential=(
            certificate.credential(str(connection.certificate_path))
            if connection.credential == CERTIFICATE
            else connection.secret
        ),
        authority=connection.authority,
        instance_discovery=None if connection.well_known else False,
        http_client=http,
    )


class _Adapter(requests.adapters.HTTPAdapter):
    """Trusts what the connection trusts and never waits for ever.

    ``Session.verify`` would lose to REQUESTS_CA_BUNDLE in the environment, and switching the environment off would
    lose its proxies; certificates in the context are trusted besides whatever the environment names.
    """

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__(max_retries=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they come
        super().init_poolmanager(*args, **kwargs, ssl_context=self._trust)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on as they come
        return super().proxy_manager_for(*args, **kwargs, ssl_context=self._trust)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        return super().send(request, *args, **{**kwargs, "timeout": kwargs.get("timeout") or _TIMEOUT})
