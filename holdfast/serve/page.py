"""The status page as `holdfast serve` has it: for whoever sits at this machine and has the link that it prints.

Everybody on the machine, and every page in its browsers, can reach a loopback port. So a link with a token, good for
one use, is exchanged for a cookie that no script and no other site can use; names that a stranger's DNS gives this
machine are refused; and there is nothing here to do, only to read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.model import Clock
from holdfast.engine import Engine
from holdfast.jobs.overview import overview
from holdfast.pages.status import HEADERS, status_page, trouble_page
from holdfast.serve.failing import UNSET

COOKIE = "holdfast_page"

LASTS = 12 * 3600
"""Seconds for which a browser is let in: a working day."""

_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_MOST_BROWSERS = 16
_NO_LINK = "This page is opened by the link that `holdfast serve` printed last; each is good once.\n"


class Guests:
    """Who may look: whoever had the link that is good now, and for a while after it the same browser."""

    def __init__(self, clock: Clock, make: Callable[[], str], tell: Callable[[str], None]) -> None:
        """``make`` gives something that nobody can guess, ``tell`` is given each new token, to print the link."""
        self._clock, self._make, self._tell = clock, make, tell
        self._token = b""
        self._sessions: dict[bytes, float] = {}

    def invite(self) -> None:
        """Make another token and tell it; the one before is good no more."""
        token = self._make()
        self._token = _digest(token)
        self._tell(token)

    def let_in(self, token: str) -> str | None:
        """A session for whoever has the token, which is used up by that; None for any other."""
        if not hmac.compare_digest(self._token, _digest(token)):
            return None
        session = self._make()
        self._sessions[_digest(session)] = self._clock.monotonic() + LASTS
        for oldest in list(self._sessions)[:-_MOST_BROWSERS]:
            del self._sessions[oldest]
        self.invite()
        return session

    def knows(self, session: str) -> bool:
        """Whether a session was given here, and not too long ago."""
        return self._sessions.get(_digest(session), 0.0) > self._clock.monotonic()


def application(engine: Engine, guests: Guests, clock: Clock) -> ASGIApp:
    """The page, and nothing besides."""

    async def show(request: Request) -> Response:
        is_guest = guests.knows(request.cookies.get(COOKIE, ""))
        token = request.query_params.get("token")
        if token is not None and request.method == "GET":
            session = None if is_guest else guests.let_in(token)
            if not is_guest and session is None:
                return PlainTextResponse(_NO_LINK, HTTPStatus.FORBIDDEN, HEADERS)
            answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, HEADERS)
            if session is not None:
                answer.set_cookie(COOKIE, session, max_age=LASTS, path="/", httponly=True, samesite="strict")
            return answer
        if not is_guest:
            return PlainTextResponse(_NO_LINK, HTTPStatus.FORBIDDEN, HEADERS)
        try:
            async with engine.running() as now:
                found = await overview(now.settings, now.ports.state, clock)
        except UNSET as error:
            return HTMLResponse(trouble_page(str(error)), HTTPStatus.SERVICE_UNAVAILABLE, HEADERS)
        return HTMLResponse(status_page(found), headers=HEADERS)

    return _for_this_machine(Starlette(routes=[Route("/", show, methods=["GET"])]))


def _for_this_machine(app: ASGIApp) -> ASGIApp:
    """The application for those who ask for this machine by its own name, whatever port a tunnel may give it."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        if len(hosts) == 1 and _name(hosts[0]) in _NAMES:
            await app(scope, receive, send)
        else:
            await PlainTextResponse("This page is on localhost.\n", HTTPStatus.BAD_REQUEST)(scope, receive, send)

    return asked


def _name(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    return f"[{name}]" if name and ":" in name else name or ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
