"""The sandbox's own routes, for whoever runs it: who there is, what happened, calendars, the clock, a page to touch."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox import page
from sandbox.acts import act
from sandbox.errors import GraphError, bad_request
from sandbox.hours import WorkingHours
from sandbox.mailbox import Mailbox
from sandbox.person import Person
from sandbox.rendering import instant_text
from sandbox.tenant import Entry, Tenant
from sandbox.tokens import FindTenant
from sandbox.zones import windows, zone

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_WEEKS = 4

Handler = Callable[[Request], Awaitable[Response]]
Tenants = Callable[[], list[Tenant]]


class Control:
    """Answers to this machine alone, without a token: nothing here exists in a real tenant."""

    def __init__(self, tenants: Tenants, find: FindTenant) -> None:
        self._tenants = tenants
        self._find = find

    def routes(self) -> list[Route]:
        """For the sandbox's application."""
        one = "/sandbox/tenants/{tenant}"
        calendar = f"{one}/calendars/{{who:path}}"
        return [
            Route("/", guarded(self._page)),
            Route("/sandbox/tenants", guarded(self._list)),
            Route(f"{one}/roster", guarded(self._roster)),
            Route(f"{one}/counts", guarded(self._counts)),
            Route(f"{one}/mails", guarded(self._mails)),
            Route(f"{one}/clock", guarded(self._clock), methods=["GET", "POST"]),
            Route(f"{calendar}/delete", guarded(self._delete), methods=["POST"]),
            Route(f"{calendar}/move", guarded(self._move), methods=["POST"]),
            Route(f"{calendar}/act", guarded(self._act), methods=["POST"]),
            Route(f"{calendar}/settings", guarded(self._settings), methods=["GET", "POST"]),
            Route(calendar, guarded(self._calendar)),
        ]

    async def _list(self, _: Request) -> Response:
        return JSONResponse(
            [
                {"id": one.id, "name": one.name, "accounts": len(one.accounts), "employees": len(one.employees)}
                for one in self._tenants()
            ]
        )

    async def _roster(self, request: Request) -> Response:
        return JSONResponse(
            [
                {
                    "id": one.id,
                    "name": one.display_name,
                    "address": one.address,
                    "kind": one.kind,
                    "department": one.department,
                    "mailbox": one.mailbox is not None,
                }
                for one in self._tenant(request).accounts
            ]
        )

    async def _counts(self, request: Request) -> Response:
        return JSONResponse(self._tenant(request).counts.json())

    async def _mails(self, request: Request) -> Response:
        return JSONResponse([{**asdict(one), "at": one.at.isoformat()} for one in self._tenant(request).mails])

    async def _clock(self, request: Request) -> Response:
        clock = self._tenant(request).clock
        if request.method == "POST":
            wanted = await fields(request)
            if "now" in wanted:
                clock.set(_instant(wanted["now"]))
            elif "advance_seconds" in wanted:
                clock.advance(timedelta(seconds=float(wanted["advance_seconds"])))
            else:
                raise ValueError('Send {"now": instant} or {"advance_seconds": number}.')
        return JSONResponse({"now": clock.now().isoformat(), "stands": clock.stands})

    async def _calendar(self, request: Request) -> Response:
        tenant = self._tenant(request)
        given = request.query_params
        since = _instant(given["from"]) if "from" in given else tenant.clock.now()
        until = _instant(given["to"]) if "to" in given else since + timedelta(weeks=_WEEKS)
        return JSONResponse(list(map(_entry, tenant.calendar(request.path_params["who"], since, until))))

    async def _delete(self, request: Request) -> Response:
        mailbox = self._mailbox(request)
        wanted = await fields(request)
        if wanted.get("what") == "series":
            mailbox.delete_event(wanted["event"])
        else:
            mailbox.remove(mailbox.find(wanted["event"]))
        return self._done(request, mailbox)

    async def _move(self, request: Request) -> Response:
        mailbox = self._mailbox(request)
        wanted = await fields(request)
        if "at" in wanted:
            mailbox.move_series(wanted["event"], time.fromisoformat(wanted["at"]))
            return self._done(request, mailbox)
        at = datetime.fromisoformat(wanted["starts"])
        mailbox.move_occurrence(wanted["event"], at if at.tzinfo else at.replace(tzinfo=zone(mailbox.home)))
        return self._done(request, mailbox)

    async def _act(self, request: Request) -> Response:
        tenant = self._tenant(request)
        account = tenant.account(request.path_params["who"])
        if account is None:
            raise LookupError("There is nobody of that name here.")
        event = act(tenant, Person(tenant, account), await fields(request))
        return JSONResponse({"done": True, "event": event})

    async def _settings(self, request: Request) -> Response:
        mailbox = self._mailbox(request)
        if request.method == "POST":
            wanted = await fields(request)
            if "time_zone" in wanted:
                windows(wanted["time_zone"])
                mailbox.time_zone = wanted["time_zone"]
            mailbox.hours = _hours(mailbox.hours, wanted)
        return JSONResponse({"time_zone": mailbox.time_zone, "working_hours": mailbox.hours.json(mailbox.time_zone)})

    async def _page(self, request: Request) -> Response:
        given = request.query_params
        tenant = self._find(given["tenant"]) if "tenant" in given else next(iter(self._tenants()), None)
        if tenant is None:
            return HTMLResponse(page.nobody())
        account = tenant.account(given["who"]) if "who" in given else None
        if account is None or account.mailbox is None:
            return HTMLResponse(page.people(self._tenants(), tenant, given.get("q", "")))
        now = tenant.clock.now()
        week = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
        entries = tenant.calendar(account.id, week, week + timedelta(weeks=_WEEKS + 1))
        return HTMLResponse(page.calendar(tenant, account, account.mailbox.home, entries))

    def _tenant(self, request: Request) -> Tenant:
        tenant = self._find(request.path_params["tenant"])
        if tenant is None:
            raise LookupError("There is no such tenant here.")
        return tenant

    def _mailbox(self, request: Request) -> Mailbox:
        return self._tenant(request).mailbox(request.path_params["who"])

    def _done(self, request: Request, mailbox: Mailbox) -> Response:
        """Back to the page for a form; a word for a script."""
        if "json" in request.headers.get("content-type", ""):
            return JSONResponse({"done": True})
        tenant = request.path_params["tenant"]
        return RedirectResponse(f"/?tenant={quote(tenant)}&who={quote(mailbox.account_id)}", status_code=303)


def guarded(handler: Handler) -> Handler:
    """Refuse other machines, and tell what is wrong with a request."""

    async def answer(request: Request) -> Response:
        if request.client is None or request.client.host not in _LOOPBACK:
            return JSONResponse({"error": "These routes answer to this machine alone."}, 403)
        try:
            return await handler(request)
        except GraphError as error:
            return JSONResponse({"error": error.message, "code": error.code}, error.status)
        except KeyError as error:
            return JSONResponse({"error": f"{error} is missing."}, 400)
        except LookupError as error:
            return JSONResponse({"error": str(error)}, 404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    return answer


async def fields(request: Request) -> dict[str, Any]:
    """What was sent, as JSON or by a form."""
    content = await request.body()
    if "json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(content.decode()))
    given = json.loads(content)
    if not isinstance(given, dict):
        raise bad_request("Send a JSON object.")
    return given


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _hours(before: WorkingHours, wanted: Mapping[str, Any]) -> WorkingHours:
    """The hours with ``days``, ``starts``, ``ends`` and ``hours_zone``, as far as these are mentioned."""
    changed: dict[str, Any] = {name: time.fromisoformat(wanted[name]) for name in ("starts", "ends") if name in wanted}
    if "days" in wanted:
        changed["days"] = tuple(wanted["days"])
    if "hours_zone" in wanted:
        changed["zone"] = wanted["hours_zone"]
    return replace(before, **changed)


def _entry(entry: Entry) -> dict[str, Any]:
    original = entry.original_start
    return {
        "id": entry.id,
        "subject": entry.subject,
        "start": instant_text(entry.start),
        "end": instant_text(entry.end),
        "show_as": entry.show_as,
        "type": entry.type,
        "tag": entry.tag,
        "series_id": entry.series_id,
        "original_start": instant_text(original) if original else None,
    }
