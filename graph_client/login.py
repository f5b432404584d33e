"""Access tokens in the name of the account that posts: signed in once by a person, renewed in silence ever after.

By msal's public client, which has no secret: whoever signs in is the proof. What it must remember, above all the
refresh token, is kept by the caller's ``TokenCache``. Entra takes a refresh token for 90 days after it was given out
and gives another one with each use, so that a post a week keeps it alive; it ends earlier with a new password, when an
admin revokes it, or when a policy asks for a second factor.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

import msal  # type: ignore[import-untyped]
import requests

from graph_client.auth import ENTRA_CODE, MARGIN, UNTRUSTED, said_of, session
from graph_client.connection import Connection
from holdfast.core.errors import Denied, GraphError, NotSignedIn, Unreachable
from holdfast.core.model import Clock
from holdfast.core.permissions import DELEGATED, NEED_AN_ADMIN, READ_POSTS

POSTING = tuple(name for name in DELEGATED if name not in NEED_AN_ADMIN)
READING = (READ_POSTS,)
"""Asked for after the sign-in and apart, so that posting works where no admin has consented to reading."""

_AGAIN = "Run `holdfast login`."
_PATIENCE = 900
"""Seconds in which somebody signs in in the browser; a device's code is good for as long."""

_NO_CONSENT = "65001"
_CURES = {
    "90094": "Have an admin grant the app registration of tenant.login the delegated permissions of "
    "docs/permissions.md, with admin consent.",
    "700016": "The tenant has no app registration with this id: check tenant.login.client_id and tenant.tenant_id.",
    "90002": "There is no such tenant in this cloud: check tenant.tenant_id and tenant.cloud.",
    "7000218": 'Set "Allow public client flows" to yes in the app registration of tenant.login.',
    "50011": "Add http://localhost to the redirect addresses of the app registration of tenant.login, as a mobile or "
    "desktop application.",
    "53003": "A Conditional Access policy forbids it. Where it is about device codes, run `holdfast login --browser`.",
    "50199": "A policy asks for more than a device code. Run `holdfast login --browser`.",
    "50173": "The password was changed or the sign-in revoked. Run `holdfast login` again.",
    "700082": "Nobody used the sign-in for 90 days. Run `holdfast login` again.",
    "50076": "A second factor is asked for. Run `holdfast login` again, and keep the account out of policies that ask "
    "for it every so many hours.",
    "50079": "The account has to register a second factor. Run `holdfast login` again.",
    "50057": "The account is disabled: enable it, then run `holdfast login` again.",
    "50020": "The account is of another organization: sign in with that of tenant.login.account.",
    "65004": "Whoever signed in said no. Run `holdfast login` again.",
    "70020": "Nobody signed in in time. Run `holdfast login` again.",
}
"""What to do about the refusals that happen most, by Entra's number for them (its list of AADSTS error codes)."""

Result = TypeVar("Result")


class TokenCache(Protocol):
    """Where the tokens are kept. The port ``State`` is one."""

    async def token_cache(self) -> bytes | None:
        """What was kept last. Raises ``NotSignedIn`` where it cannot be read."""
        ...

    async def keep_token_cache(self, data: bytes | None, at: datetime) -> None:
        """Keep this after somebody signed in; with None, forget all."""
        ...

    async def renew_token_cache(self, data: bytes, at: datetime, *, instead_of: bytes) -> bool:
        """Keep this unless something else than ``instead_of`` stands there by now."""
        ...


class Code(NamedTuple):
    """What somebody enters where to sign in."""

    code: str
    address: str
    seconds: int


@dataclass(frozen=True, slots=True)
class SignedInAs:
    """Who signed in, by the name that one signs in with, and whether replies can be read as well."""

    account: str
    reads: bool


class SignIn:
    """The sign-in of one account to one registration. Nothing is sent before somebody asks for something.

    ``posting`` and ``reading`` are the tokens for these two.
    """

    def __init__(
        self, connection: Connection, *, client_id: str, account: str, cache: TokenCache, clock: Clock
    ) -> None:
        self._connection = connection
        self._client_id = client_id
        self._account = account
        self._cache = cache
        self._clock = clock
        self._turn = asyncio.Lock()
        self._http: requests.Session | None = None
        self._id = ""
        self.posting = AccountTokens(self, POSTING, clock)
        self.reading = AccountTokens(self, READING, clock)

    async def by_device_code(self, show: Callable[[Code], None]) -> SignedInAs:
        """Have somebody sign in with a code on any device, which ``show`` tells them, and keep what comes of it.

        Raises ``NotSignedIn``, also for another account than the settings name, and ``Unreachable``.
        """
        cache = msal.SerializableTokenCache()
        app = await self._application(cache)
        flow = await self._asked(lambda: app.initiate_device_flow(self._scopes(POSTING)))
        if "user_code" not in flow:
            raise self._refused(flow)
        show(Code(flow["user_code"], flow["verification_uri"], flow["expires_in"]))
        until = self._clock.monotonic() + flow["expires_in"]
        while True:
            await self._clock.sleep(flow["interval"])
            flow["latest_attempt_at"] = 0  # the interval is kept by our clock, which msal does not look at
            result = await self._asked(lambda: app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True))
            waiting = result.get("error") in {"authorization_pending", "slow_down"}
            if not waiting or self._clock.monotonic() >= until:
                break
        if waiting:
            raise NotSignedIn("Nobody has signed in while the code was good.", cure=_AGAIN)
        return await self._kept(cache, result)

    async def by_browser(self, show: Callable[[str], None]) -> SignedInAs:
        """Have somebody sign in in this machine's browser, which comes back to localhost, by PKCE.

        ``show`` is told the address where no browser can be opened. Raises as ``by_device_code`` does.
        """
        cache = msal.SerializableTokenCache()
        app = await self._application(cache)
        try:
            result = await self._asked(
                lambda: app.acquire_token_interactive(
                    self._scopes(POSTING), login_hint=self._account, timeout=_PATIENCE, auth_uri_callback=show
                )
            )
        except RuntimeError as error:  # what msal's listener on localhost raises where nobody comes back
            raise NotSignedIn("Nobody has signed in in the browser in time.", cure=_AGAIN) from error
        return await self._kept(cache, result)

    async def forget(self) -> None:
        """Forget the sign-in here. To Entra it stays good until an admin revokes it or nobody has used it for long."""
        await self._cache.keep_token_cache(None, self._clock.now())

    def close(self) -> None:
        """Hang up on the sign-in service."""
        if self._http is not None:
            self._http.close()
            self._http = None

    async def account_id(self) -> str:
        """The directory id of who is signed in. Raises ``NotSignedIn``."""
        if not self._id:
            await self.posting.token()
        return self._id

    async def acquire(self, scopes: Sequence[str], *, fresh: bool, claims: str | None) -> tuple[str, float]:
        """A token with these scopes and how many seconds it is good for, got in silence.

        ``fresh`` asks for another one than was ever given out. Raises ``NotSignedIn``, ``Denied`` for a scope that
        nobody has consented to, and ``Unreachable``.
        """
        async with self._turn:
            before = await self._cache.token_cache()
            result = await self._renewed(before, scopes, fresh=fresh, claims=claims)
            if "access_token" not in result:
                # Somebody may have signed in again meanwhile, in another process.
                now = await self._cache.token_cache()
                if now != before:
                    result = await self._renewed(now, scopes, fresh=fresh, claims=claims)
        if "access_token" not in result:
            raise self._refused(result, scopes)
        return str(result["access_token"]), float(result["expires_in"])

    async def _renewed(
        self, kept: bytes | None, scopes: Sequence[str], *, fresh: bool, claims: str | None
    ) -> dict[str, Any]:
        """What msal gets with the tokens that are kept, of which it keeps the newer ones that came with it.

        Where others have renewed meanwhile, theirs stay: Entra still takes a refresh token that was used before.
        """
        if kept is None:
            raise NotSignedIn("Nobody has signed in to post to channels.", cure=_AGAIN)
        cache = msal.SerializableTokenCache()
        try:
            cache.deserialize(kept.decode())
        except ValueError as error:
            raise NotSignedIn("What was kept of the sign-in cannot be understood.", cure=_AGAIN) from error
        app = await self._application(cache)
        known = app.get_accounts()
        account = next((one for one in known if self._is_ours(one.get("username"))), None)
        if account is None:
            who = " and ".join(str(one.get("username")) for one in known) or "nobody"
            raise NotSignedIn(
                f"Signed in is {who}, but tenant.login.account is {self._account}.",
                cure=f"Run `holdfast login` and sign in as {self._account}.",
            )
        self._id = str(account["local_account_id"])
        result: dict[str, Any] = await self._asked(
            lambda: app.acquire_token_silent_with_error(
                self._scopes(scopes), account=account, force_refresh=fresh and claims is None, claims_challenge=claims
            )
        )
        if "access_token" in result and cache.has_state_changed:
            await self._cache.renew_token_cache(cache.serialize().encode(), self._clock.now(), instead_of=kept)
        return result

    async def _kept(self, cache: Any, result: dict[str, Any]) -> SignedInAs:  # noqa: ANN401 - msal has no types
        """Keep a new sign-in, once it is seen to be the right account's."""
        if "access_token" not in result:
            raise self._refused(result)
        who = str(result.get("id_token_claims", {}).get("preferred_username") or "an account without a name")
        if not self._is_ours(who):
            raise NotSignedIn(
                f"{who} signed in, but tenant.login.account is {self._account}. That sign-in was not kept.",
                cure=f"Sign in as {self._account}, with a private window where the browser signs in by itself; or "
                "correct tenant.login.account to the name that the account signs in with.",
            )
        await self._cache.keep_token_cache(cache.serialize().encode(), self._clock.now())
        for tokens in (self.posting, self.reading):
            tokens.forget()
        try:
            await self.reading.token()
        except GraphError:
            return SignedInAs(who, reads=False)
        return SignedInAs(who, reads=True)

    def _is_ours(self, name: object) -> bool:
        return str(name).lower() == self._account.lower()

    def _scopes(self, names: Sequence[str]) -> list[str]:
        """By their whole names, because a short one means Graph in the global cloud."""
        return [f"{self._connection.resource}/{name}" for name in names]

    async def _application(self, cache: Any) -> Any:  # noqa: ANN401 - msal has no types
        """The client of msal with these tokens. Already making it goes to the network."""
        connection = self._connection
        http = self._http = self._http or session(connection)
        return await self._asked(
            lambda: msal.PublicClientApplication(
                self._client_id,
                authority=connection.authority,
                instance_discovery=None if connection.well_known else False,
                http_client=http,
                token_cache=cache,
            )
        )

    async def _asked(self, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - msal has no types
        """What msal answers, empty where it has nothing to go by. Raises ``Unreachable`` and ``NotSignedIn``."""
        try:
            return await _apart(ask) or {}
        except requests.exceptions.SSLError as error:
            raise Unreachable("The sign-in service's certificate is not trusted.", cure=UNTRUSTED) from error
        except (requests.RequestException, msal.exceptions.MsalServiceError) as error:
            raise Unreachable(f"The sign-in service {self._connection.authority} gives no usable answer.") from error
        except (ValueError, KeyError) as error:
            # msal's words for a tenant it cannot find; the sign-in service's own stand in the error that led to it.
            raise self._refused({"error_description": f"{error.__context__ or ''} {error}"}) from error

    def _refused(self, result: dict[str, Any], scopes: Sequence[str] = POSTING) -> GraphError:
        said = str(result.get("error_description") or result.get("error") or "")
        if not said:
            return NotSignedIn("There is nothing left to renew the sign-in with.", cure=_AGAIN)
        found = ENTRA_CODE.search(said)
        number = found[1] if found else ""
        code = found[0] if found else str(result.get("error") or "")
        request_id = str(result.get("correlation_id") or "")
        message = f"Signing in as {self._account} failed: {said_of(said)}"
        if number == _NO_CONSENT:
            return Denied(message, code=code, request_id=request_id, cure=granting(scopes))
        return NotSignedIn(message, code=code, request_id=request_id, cure=_CURES.get(number, _AGAIN))


class AccountTokens:
    """The tokens of a sign-in for some scopes. Fills ``Tokens``."""

    def __init__(self, sign_in: SignIn, scopes: Sequence[str], clock: Clock) -> None:
        self._sign_in = sign_in
        self._scopes = scopes
        self._clock = clock
        self._turn = asyncio.Lock()
        self.forget()

    def forget(self) -> None:
        """Ask anew the next time."""
        self._token, self._usable_until = "", self._clock.monotonic()

    async def token(self) -> str:
        """A token that Graph takes for some minutes more. Raises ``NotSignedIn``, ``Denied`` or ``Unreachable``."""
        async with self._turn:
            if self._clock.monotonic() >= self._usable_until:
                await self._fetch(fresh=False, claims=None)
            return self._token

    async def renew(self, rejected: str, claims: str | None) -> str:
        """Another token than ``rejected``, which Graph would not take; one is fetched however many ask."""
        async with self._turn:
            if self._token == rejected or self._clock.monotonic() >= self._usable_until:
                await self._fetch(fresh=True, claims=claims)
            return self._token

    async def roles(self) -> frozenset[str]:
        """The delegated permissions that the token lists."""
        try:
            payload = (await self.token()).split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return frozenset(str(claims["scp"]).split())
        except (IndexError, KeyError, TypeError, ValueError):
            return frozenset()

    async def _fetch(self, *, fresh: bool, claims: str | None) -> None:
        self.forget()
        token, seconds = await self._sign_in.acquire(self._scopes, fresh=fresh, claims=claims)
        self._token, self._usable_until = token, self._clock.monotonic() + seconds - MARGIN


def granting(scopes: Sequence[str]) -> str:
    """What an admin does about scopes that nobody has consented to."""
    names = " and ".join(scopes)
    return (
        f"Grant the app registration of tenant.login {names} (delegated) with admin consent, see docs/permissions.md."
    )


async def _apart(work: Callable[[], Result]) -> Result:
    """What blocking work comes to, done in a thread that nobody waits for who stops the command meanwhile.

    ``asyncio.to_thread`` is waited for when the loop ends, and somebody at a browser may take a quarter of an hour.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def tell(settle: Callable[[Any], None], what: object) -> None:
        if not done.done():
            settle(what)

    def run() -> None:
        try:
            settled: tuple[Callable[[Any], None], object] = done.set_result, work()
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits is to have it
            settled = done.set_exception, error
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(tell, *settled)

    threading.Thread(target=run, name="sign-in", daemon=True).start()
    return await done
