"""A plain client for the sandbox's Graph, in the same process: nothing of the product is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from sandbox import Sandbox, Tenant
from sandbox.application import Application

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
W_EUROPE = "W. Europe Standard Time"
TAG = "String {6d2f4c1e-93b7-4a58-8e0d-7c5b1a9f3e62} Name Marked"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: httpx.Headers
    body: Any

    @property
    def code(self) -> str:
        return self.body["error"]["code"]


class Graph:
    """Calls with a token. ``of`` is the path of somebody's mailbox."""

    def __init__(self, sandbox: Sandbox, tenant: Tenant) -> None:
        self.sandbox = sandbox
        self.tenant = tenant
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(sandbox.app, raise_app_exceptions=True), base_url="https://localhost"
        )
        self.token = ""

    async def sign_in(self, application: Application | None = None) -> None:
        one = application or self.tenant.applications[0]
        answer = await self.ask_entra(client_id=one.client_id, client_secret=one.secrets[0])
        assert answer.status == 200, answer.body
        self.token = answer.body["access_token"]

    async def ask_entra(self, tenant: str | None = None, **form: str) -> Reply:
        form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default", **form}
        answer = await self.http.post(f"/{tenant or self.tenant.id}/oauth2/v2.0/token", data=form)
        return Reply(answer.status_code, answer.headers, answer.json())

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        url = path if path.startswith("https://") else f"/v1.0{path}"
        given = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        answer = await self.http.request(method, url, json=body, headers=given)
        return Reply(answer.status_code, answer.headers, answer.json() if answer.content else None)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: Any, **headers: str) -> Reply:
        return await self.ask("POST", path, body, **headers)

    async def patch(self, path: str, body: Any, **headers: str) -> Reply:
        return await self.ask("PATCH", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> Reply:
        return await self.ask("DELETE", path, **headers)

    async def made(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        reply = await self.post(path, body, **headers)
        assert reply.status == 201, reply.body
        return dict(reply.body)

    async def pages(self, path: str, **headers: str) -> list[list[dict[str, Any]]]:
        found = []
        link: str | None = path
        while link:
            reply = await self.get(link, **headers)
            assert reply.status == 200, reply.body
            found.append(reply.body["value"])
            link = reply.body.get("@odata.nextLink")
        return found

    async def batch(self, *requests: dict[str, Any]) -> dict[str, dict[str, Any]]:
        reply = await self.post("/$batch", {"requests": list(requests)})
        assert reply.status == 200, reply.body
        return {item["id"]: item for item in reply.body["responses"]}


def of(tenant: Tenant, number: int = 0) -> str:
    return f"/users/{tenant.employees[number].id}"


def at(text: str, zone: str = W_EUROPE) -> dict[str, str]:
    return {"dateTime": text, "timeZone": zone}


def single(**more: Any) -> dict[str, Any]:
    return {"subject": "Lunch", "start": at("2026-12-03T12:00:00"), "end": at("2026-12-03T13:00:00"), **more}


def weekly(
    *, first: str = "2026-12-03", last: str = "2027-06-30", day: str = "thursday", **more: Any
) -> dict[str, Any]:
    """A weekly series at nine o'clock."""
    return {
        "subject": "Lärtid",
        "start": at(f"{first}T09:00:00"),
        "end": at(f"{first}T10:00:00"),
        "recurrence": {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [day], "firstDayOfWeek": "monday"},
            "range": {"type": "endDate", "startDate": first, "endDate": last, "recurrenceTimeZone": W_EUROPE},
        },
        "singleValueExtendedProperties": [{"id": TAG, "value": "mark;1"}],
        **more,
    }


def event(event_id: str) -> str:
    return f"/events/{quote(event_id, safe='')}"


def window(since: str, until: str) -> str:
    return f"startDateTime={since}&endDateTime={until}"


def expand(tag: str = TAG) -> str:
    return "$expand=" + quote(f"singleValueExtendedProperties($filter=id eq '{tag}')", safe="()='")
