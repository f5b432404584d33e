"""People signing in to applications: codes for devices, codes for browsers, refresh tokens, and what ends them.

Numbers and words of refusals are Entra's own list of error codes; §6 of the notes on Graph says which matter.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sandbox.application import Application
from sandbox.clock import Clock
from sandbox.directory import GUEST, Account

OPENID = frozenset({"openid", "profile", "email", "offline_access"})
"""Scopes that are about signing in and not about Graph."""

USER_MAY_CONSENT = frozenset(
    {
        "ChannelMessage.Send",
        "Channel.ReadBasic.All",
        "Team.ReadBasic.All",
        "User.Read",
        "User.ReadBasic.All",
    }
)
"""What people may allow an application themselves, unless the tenant forbids it; the rest takes an administrator."""

_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ23456789"
_DIGITS = 9


class Refusal(Exception):
    """An error of Entra's, with its number, which stands in the text as ``AADSTS`` and the number.

    ``suberror`` tells a client what to do about it: sign in again, show something, ask for consent.
    """

    def __init__(self, number: int, error: str, text: str, status: int = 400, suberror: str | None = None) -> None:
        super().__init__(text)
        self.number = number
        self.error = error
        self.text = text
        self.status = status
        self.suberror = suberror


@dataclass(slots=True)
class DeviceCode:
    """A device's wish to have somebody sign in. ``account`` is who did."""

    user_code: str
    application: Application
    scopes: frozenset[str]
    asked_for: tuple[str, ...]
    until: datetime
    account: Account | None = None
    refusal: Refusal | None = None
    polled: tuple[datetime, datetime] | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What an application asks for when it sends somebody to the sign-in page."""

    application: Application
    redirect: str
    scopes: frozenset[str]
    asked_for: tuple[str, ...]
    challenge: str
    nonce: str | None = None


@dataclass(slots=True)
class BrowserCode:
    """The code that the sign-in page gives to an application, for one use within ten minutes."""

    asked: Asked
    account: Account
    until: datetime
    used: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's sign-in to an application, as a refresh token stands for it."""

    client_id: str
    account: Account
    number: int
    """Of the sign-in by the person themselves, counted up: what ends sessions ends those with lower ones."""
    used: datetime
    """When this token was given out; each use gives out another one."""


@dataclass(slots=True)
class SignIns:
    """Everything about people signing in to the applications of one tenant.

    ``browser`` is who sits at every sign-in page and agrees to everything they may; with None the page asks.
    """

    clock: Clock
    chance: Random
    interval: int = 5
    """Seconds that a device is told to wait between questions."""
    device_lifetime: timedelta = timedelta(minutes=15)
    code_lifetime: timedelta = timedelta(minutes=10)
    inactivity: timedelta = timedelta(days=90)
    """How long a refresh token lives unless it is used."""
    users_may_consent: bool = True
    blocks_device_code: bool = False
    """A Conditional Access policy forbids signing in by device code, as many tenants have it."""
    browser: Account | None = None
    needs_mfa: set[str] = field(default_factory=set)
    """Account ids whose tokens are renewed no more until they sign in again with a second factor."""
    slow_down: int = 0
    """How many of the next polls are told to slow down, however slow they are."""
    devices: dict[str, DeviceCode] = field(default_factory=dict)
    codes: dict[str, BrowserCode] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    consents: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """What people allowed applications, by account and application."""
    _ended: dict[str, int] = field(default_factory=dict)
    _number: int = 0

    # What people and administrators do

    def approve(self, user_code: str, account: Account) -> None:
        """Somebody enters a device's code and signs in. Raises ``LookupError``, or the refusal the page shows."""
        device = self._waiting(user_code)
        try:
            self._check_policies(account)
            self._agree(device.application, account, device.scopes)
        except Refusal as refusal:
            device.refusal = refusal
            raise
        device.account = account
        self.needs_mfa.discard(account.id)

    def decline(self, user_code: str) -> None:
        """Somebody enters a device's code and says no."""
        self._waiting(user_code).refusal = Refusal(
            65004, "authorization_declined", "User declined to consent to access the app."
        )

    def latest_user_code(self) -> str:
        """The code that the latest device shows. Raises ``LookupError`` where none is waiting."""
        waiting = [one for one in self.devices.values() if self._is_waiting(one)]
        if not waiting:
            raise LookupError("No device is waiting for anybody to sign in.")
        return waiting[-1].user_code

    def revoke(self, account: Account) -> None:
        """An administrator ends all sessions of somebody. Access tokens that were given out run out by themselves."""
        self._number += 1
        self._ended[account.id] = self._number

    def change_password(self, account: Account) -> None:
        """Somebody has another password, which ends their sessions as well."""
        self.revoke(account)

    # What Entra does for applications

    def check(self, account: Account) -> None:
        """Raises the refusal for somebody who cannot sign in."""
        if not account.enabled:
            raise Refusal(50057, "invalid_grant", "The user account is disabled.")
        if account.kind == GUEST:
            raise Refusal(50020, "invalid_grant", "User account from identity provider does not exist in tenant.")

    def device(
        self, application: Application, scopes: frozenset[str], asked_for: tuple[str, ...]
    ) -> tuple[str, DeviceCode]:
        """A new code for a device, and the one to show."""
        user_code = "".join(self.chance.choice(_ALPHABET) for _ in range(_DIGITS))
        device = DeviceCode(user_code, application, scopes, asked_for, self.clock.now() + self.device_lifetime)
        code = self._secret()
        self.devices[code] = device
        return code, device

    def poll(self, code: str, application: Application) -> DeviceCode:
        """A device asks whether somebody has signed in. Raises what it is told until then, or instead."""
        device = self.devices.get(code)
        if device is None or device.application is not application or device.used:
            raise Refusal(70018, "bad_verification_code", "The device code is not valid.")
        if self.clock.now() >= device.until:
            raise Refusal(
                70020, "expired_token", "The provided value for the input parameter 'device_code' has expired."
            )
        if self._too_soon(device):
            raise Refusal(50196, "slow_down", "The device asks too often.")
        if device.refusal is not None:
            raise device.refusal
        if device.account is None:
            raise Refusal(
                70016,
                "authorization_pending",
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            )
        self.check(device.account)
        device.used = True
        return device

    def code(self, asked: Asked, account: Account | None) -> str:
        """Somebody signs in at the page, or nobody does: the application's code. Raises the refusal it gets instead."""
        if account is None:
            raise Refusal(65004, "access_denied", "User declined to consent to access the app.")
        self.check(account)
        self._agree(asked.application, account, asked.scopes)
        self.needs_mfa.discard(account.id)
        code = self._secret()
        self.codes[code] = BrowserCode(asked, account, self.clock.now() + self.code_lifetime)
        return code

    def redeem(self, code: str, application: Application, redirect: str, verifier: str) -> BrowserCode:
        """An application brings the code it got. Raises a refusal for one that is used, old, or somebody else's."""
        found = self.codes.get(code)
        if found is None or found.asked.application is not application:
            raise Refusal(70000, "invalid_grant", "The provided value for the input parameter 'code' is not valid.")
        if found.used:
            raise Refusal(54005, "invalid_grant", "OAuth2 Authorization code was already redeemed.")
        if self.clock.now() >= found.until:
            raise Refusal(70008, "invalid_grant", "The provided authorization code has expired.")
        if redirect != found.asked.redirect:
            raise Refusal(
                500112, "invalid_grant", "The reply address does not match the one of the authorization request."
            )
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if digest != found.asked.challenge:
            raise Refusal(50148, "invalid_grant", "The code_verifier does not match the code_challenge.")
        self.check(found.account)
        found.used = True
        return found

    def session(self, application: Application, account: Account, before: Session | None = None) -> str:
        """A refresh token, of a new session or of one that goes on."""
        self._number += 1
        number = before.number if before else self._number
        token = f"1.{self._secret()}"
        self.sessions[token] = Session(application.client_id, account, number, self.clock.now())
        return token

    def renew(self, token: str, application: Application) -> Session:
        """An application brings a refresh token. Raises ``invalid_grant`` for one that is good no more.

        One that has been used before is still taken: Entra does not revoke it.
        """
        session = self.sessions.get(token)
        if session is None:
            raise Refusal(9002313, "invalid_grant", "The refresh token is malformed or not valid.", 400, "bad_token")
        if session.client_id != application.client_id:
            raise Refusal(
                700005, "invalid_grant", "The refresh token was issued to another application.", 400, "client_mismatch"
            )
        now = self.clock.now()
        if now - session.used >= self.inactivity:
            raise Refusal(
                700082,
                "invalid_grant",
                "The refresh token has expired due to inactivity. The token was issued on "
                f"{session.used:%Y-%m-%dT%H:%M:%S.000Z} and was inactive for {self.inactivity.days}.00:00:00.",
                400,
                "token_expired",
            )
        if session.number < self._ended.get(session.account.id, 0):
            raise Refusal(
                50173,
                "invalid_grant",
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
                400,
                "bad_token",
            )
        self.check(session.account)
        if session.account.id in self.needs_mfa:
            raise Refusal(
                50076,
                "invalid_grant",
                "Due to a configuration change made by your administrator, you must use multi-factor authentication.",
                400,
                "basic_action",
            )
        return session

    def granted(self, application: Application, account: Account) -> frozenset[str]:
        """What an application may do in somebody's name."""
        return frozenset(application.scopes | self.consents.get((account.id, application.client_id), set()))

    def _agree(self, application: Application, account: Account, scopes: frozenset[str]) -> None:
        """Somebody allows an application what they may. Raises a refusal where that takes an administrator."""
        own = self.consents.setdefault((account.id, application.client_id), set())
        if self.users_may_consent:
            own |= scopes & USER_MAY_CONSENT
        missing = scopes - self.granted(application, account) - OPENID
        if missing:
            raise Refusal(
                90094,
                "access_denied",
                f"An administrator of {account.user_principal_name}'s organization has to grant the permissions "
                f"{', '.join(sorted(missing))} to '{application.name}' first.",
            )

    def _check_policies(self, account: Account) -> None:
        self.check(account)
        if self.blocks_device_code:
            words = "Access has been blocked by Conditional Access policies."
            raise Refusal(53003, "access_denied", words, 400, "message_only")

    def _waiting(self, user_code: str) -> DeviceCode:
        wanted = user_code.replace("-", "").upper()
        found = next((one for one in self.devices.values() if one.user_code == wanted), None)
        if found is None or not self._is_waiting(found):
            raise LookupError(f"No device is waiting with the code {user_code}.")
        return found

    def _is_waiting(self, device: DeviceCode) -> bool:
        return device.account is None and device.refusal is None and self.clock.now() < device.until

    def _too_soon(self, device: DeviceCode) -> bool:
        """Whether a device asks again before its interval is over, by the tenant's clock and the machine's."""
        now = (self.clock.now(), self.clock.machine())
        before, device.polled = device.polled, now
        if self.slow_down:
            self.slow_down -= 1
            return True
        if before is None:
            return False
        least = timedelta(seconds=self.interval) - timedelta(seconds=1)
        return all(at - last < least for at, last in zip(now, before, strict=True))

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self.chance.randbytes(48)).decode()
