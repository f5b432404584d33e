"""The front of Graph v1.0: who calls, which route it is, and what an answer looks like from outside."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from sandbox import (
    channel_messages,
    mailbox_settings,
    outlook,
    people,
    responses,
    schedule,
    sending,
    subscribing,
    teamwork,
)
from sandbox.errors import GraphError, bad_request
from sandbox.exchange import Answer, Call, Caller, Exchange
from sandbox.mishaps import choose, worked
from sandbox.outlook import in_mailbox
from sandbox.query import options

Handler = Callable[[Call], Awaitable[Answer]]


class Route(NamedTuple):
    """A kind of resource, as the counts name it, and who answers. ``outlook``: a batch sends it four at a time."""

    kind: str
    path: str
    handler: Handler
    outlook: bool


Observers = Sequence[Callable[[Exchange], None]]


def call_from(  # noqa: PLR0917 - a request has so many parts
    caller: Caller,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: Any,  # noqa: ANN401 - JSON is what it is
    base: str,
    arrival: int,
    *,
    in_batch: bool = False,
) -> Call:
    """A request as the routes want it. ``path`` is relative to the version, with its query."""
    address, _, query = path.partition("?")
    segments = [unquote(part) for part in address.split("/") if part]
    if segments[:1] == ["me"] and caller.account is not None:
        segments[:1] = ["users", caller.account.id]
    if len(segments) > 3 and segments[0] == "users" and segments[2] == "calendar" and segments[3] != _SCHEDULE:
        del segments[2]
    return Call(caller, method, path, segments, options(query), headers, body, base, arrival, in_batch)


def route(call: Call) -> Route:
    """Who answers a call. Raises the 400, 403 or 405 for what there is not, or not for applications."""
    segments = call.segments
    length = len(segments)
    first = segments[0] if segments else ""
    if first == "users" and length == 3 and segments[2] in _MAILBOX_LISTS:
        found = _MAILBOX_LISTS[segments[2]]
    elif first == "users" and length >= 4 and segments[2] in ("events", "mailboxSettings"):
        found = _MAILBOX_ITEMS.get((segments[2], segments[4] if length == 5 else ""), {}) if length <= 5 else {}
    elif first == "users" and segments[2:] == ["calendar", _SCHEDULE]:
        found = _SCHEDULES
    elif first == "subscriptions":
        found = _SUBSCRIPTIONS.get(_shape(segments), {})
    elif first == "teams":
        found = _TEAMS.get(_shape(segments), {})
    elif first in ("users", "groups"):
        found = _DIRECTORY.get((first, segments[2] if length > 2 else "", min(length, 3)), {}) if length <= 4 else {}
    else:
        found = {}
    if not found:
        _refuse_delegated_only(segments)
        raise bad_request(f"Resource not found for the segment '{segments[-1] if segments else ''}'.")
    chosen = found.get(call.method)
    if chosen is None:
        raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    return chosen


async def answer(call: Call, chosen: Route | GraphError, observers: Observers) -> Answer:
    """What Graph answers to a call, refusals included, counted and shown to the observers."""
    tenant = call.tenant
    try:
        tenant.counts.paths[named(call, chosen)] += 1
        if isinstance(chosen, GraphError):
            tenant.counts.calls[call.method, "unknown"] += 1
            raise chosen
        tenant.counts.calls[call.method, chosen.kind] += 1
        if not call.in_batch:
            choose(call, chosen.kind, outlook=chosen.outlook)
        given = await worked(call, chosen.kind, chosen.handler)
    except GraphError as error:
        given = refusal(call, error)
    if observers:
        seen = Exchange(call.method, call.path, call.headers, call.body, *shown(given), call.in_batch)
        for observe in observers:
            observe(seen)
    return given


def shown(given: Answer) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of an answer as observers see it; a gateway's page has no body for them."""
    if given.body is None:
        return given.status, {**given.headers}, None
    if isinstance(given.body, str):
        return given.status, {**given.headers, "Content-Type": HTML}, None
    return given.status, {**given.headers, "Content-Type": JSON}, given.body


def resolved(call: Call) -> Route | GraphError:
    """The route of a call, or why it has none."""
    try:
        return route(call)
    except GraphError as error:
        return error


def named(call: Call, chosen: Route | GraphError) -> str:
    """A call's method and path as the counts name them."""
    return f"{call.method} {chosen.path if isinstance(chosen, Route) else 'unknown'}"


def encoded(body: Any) -> bytes:  # noqa: ANN401 - JSON is what it is
    """JSON as it is sent."""
    return json.dumps(body, separators=(",", ":")).encode()


def refusal(call: Call, error: GraphError) -> Answer:
    """An error as Graph writes it."""
    request_id = call.tenant.new_id()
    client_id = call.headers.get("client-request-id", request_id)
    inner = {
        "date": f"{call.tenant.clock.now():%Y-%m-%dT%H:%M:%S}",
        "request-id": request_id,
        "client-request-id": client_id,
    }
    body: Any = {"error": {"code": error.code, "message": error.message, **error.extra, "innerError": inner}}
    if error.page is not None:
        body = error.page
    return Answer(error.status, body, {**error.headers, "request-id": request_id, "client-request-id": client_id})


def parsed(content: bytes, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON is what it is
    """The JSON of a request body; None where there is none. Raises a 400 for anything else."""
    if not content:
        return None
    if JSON not in headers.get("content-type", ""):
        raise bad_request("Write requests must contain the Content-Type header declaration.", "RequestBodyRead")
    try:
        return json.loads(content)
    except ValueError as error:
        raise bad_request("Unable to read JSON request payload.") from error


JSON, HTML = "application/json", "text/html"
_SCHEDULE = "getSchedule"


def _refuse_delegated_only(segments: list[str]) -> None:
    """Raises what an application is told about what only signed-in users may do (§1.1 of the notes on Graph)."""
    if segments[:1] == ["me"]:
        raise bad_request("/me request is only valid with delegated authentication flow.")
    match segments:
        case ["users", _, "findMeetingTimes"] | ["users", _, "employeeExperience", *_]:
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def _shape(segments: list[str]) -> tuple[str, ...]:
    """The names in an address, with a star for each id."""
    return tuple("*" if place % 2 and name not in _NO_IDS else name for place, name in enumerate(segments))


def _directory(kind: str, path: str, work: Callable[[Call], Answer]) -> dict[str, Route]:
    async def handler(call: Call) -> Answer:
        return work(call)

    return {"GET": Route(kind, path, handler, outlook=False)}


def _outlook(kind: str, path: str, work: outlook.Work, roles: frozenset[str]) -> Route:
    async def handler(call: Call) -> Answer:
        return await in_mailbox(call, work, roles)

    return Route(kind, f"/users/*/{path}", handler, outlook=True)


def _teams(kind: str, path: str, **works: Callable[[Call], Answer]) -> dict[str, Route]:
    """The methods of an address below ``/teams``."""

    def handler(work: Callable[[Call], Answer]) -> Handler:
        async def handle(call: Call) -> Answer:
            return work(call)

        return handle

    return {method: Route(kind, path, handler(work), outlook=False) for method, work in works.items()}


_READ = outlook.READ | outlook.READ_BASIC
_MAILBOX_LISTS: dict[str, dict[str, Route]] = {
    "events": {
        "GET": _outlook("events", "events", outlook.list_events, _READ),
        "POST": _outlook("events", "events", outlook.create_event, outlook.WRITE),
    },
    "calendarView": {"GET": _outlook("calendarView", "calendarView", outlook.calendar_view, _READ)},
    "sendMail": {"POST": _outlook("sendMail", "sendMail", sending.send_mail, sending.SEND)},
}
_MAILBOX_ITEMS: dict[tuple[str, str], dict[str, Route]] = {
    ("events", ""): {
        "GET": _outlook("event", "events/*", outlook.get_event, _READ),
        "PATCH": _outlook("event", "events/*", outlook.patch_event, outlook.WRITE),
        "DELETE": _outlook("event", "events/*", outlook.delete_event, outlook.WRITE),
    },
    ("events", "instances"): {"GET": _outlook("instances", "events/*/instances", outlook.instances, _READ)},
    **{
        ("events", action): {"POST": _outlook(action, f"events/*/{action}", handler, outlook.WRITE)}
        for action, handler in responses.handlers().items()
    },
    ("mailboxSettings", ""): {
        "GET": _outlook("mailboxSettings", "mailboxSettings/*", mailbox_settings.mailbox_setting, mailbox_settings.READ)
    },
}
_SCHEDULES = {"POST": _outlook(_SCHEDULE, f"calendar/{_SCHEDULE}", schedule.get_schedule, _READ)}
_DIRECTORY: dict[tuple[str, str, int], dict[str, Route]] = {
    ("users", "", 1): _directory("users", "/users", people.list_users),
    ("users", "", 2): _directory("user", "/users/*", people.get_user),
    ("groups", "", 1): _directory("groups", "/groups", people.list_groups),
    ("groups", "", 2): _directory("group", "/groups/*", people.get_group),
    ("users", "joinedTeams", 3): _directory("joinedTeams", "/users/*/joinedTeams", teamwork.list_joined_teams),
    ("groups", "owners", 3): _directory("owners", "/groups/*/owners", teamwork.list_owners),
    ("groups", "team", 3): _directory("team", "/groups/*/team", teamwork.get_team),
    ("groups", "members", 3): _directory("members", "/groups/*/members", people.list_members),
    ("groups", "transitiveMembers", 3): _directory(
        "transitiveMembers", "/groups/*/transitiveMembers", people.list_members
    ),
}
_SUBSCRIPTIONS: dict[tuple[str, ...], dict[str, Route]] = {
    ("subscriptions",): {
        "GET": Route("subscriptions", "/subscriptions", subscribing.list_subscriptions, outlook=False),
        "POST": Route("subscriptions", "/subscriptions", subscribing.create_subscription, outlook=False),
    },
    ("subscriptions", "*"): {
        "GET": Route("subscription", "/subscriptions/*", subscribing.get_subscription, outlook=False),
        "PATCH": Route("subscription", "/subscriptions/*", subscribing.patch_subscription, outlook=False),
        "DELETE": Route("subscription", "/subscriptions/*", subscribing.delete_subscription, outlook=False),
    },
    ("subscriptions", "*", "reauthorize"): {
        "POST": Route("reauthorize", "/subscriptions/*/reauthorize", subscribing.reauthorize, outlook=False)
    },
}
_NO_IDS = frozenset({"delta", "delta()"})
_MESSAGES = "/teams/*/channels/*/messages"
_DELTA = _teams("changedMessages", f"{_MESSAGES}/delta", GET=channel_messages.list_changes)
_TEAMS: dict[tuple[str, ...], dict[str, Route]] = {
    ("teams", "*"): _teams("team", "/teams/*", GET=teamwork.get_team),
    ("teams", "*", "members"): _teams("teamMembers", "/teams/*/members", GET=teamwork.list_team_members),
    ("teams", "*", "primaryChannel"): _teams("channel", "/teams/*/primaryChannel", GET=teamwork.get_channel),
    ("teams", "*", "channels"): _teams("channels", "/teams/*/channels", GET=teamwork.list_channels),
    ("teams", "*", "channels", "*"): _teams("channel", "/teams/*/channels/*", GET=teamwork.get_channel),
    ("teams", "*", "channels", "*", "members"): _teams(
        "channelMembers", "/teams/*/channels/*/members", GET=teamwork.list_channel_members
    ),
    ("teams", "*", "channels", "*", "messages"): _teams(
        "messages", _MESSAGES, GET=channel_messages.list_messages, POST=channel_messages.create_message
    ),
    ("teams", "*", "channels", "*", "messages", "delta"): _DELTA,
    ("teams", "*", "channels", "*", "messages", "delta()"): _DELTA,
    ("teams", "*", "channels", "*", "messages", "*"): _teams(
        "message", f"{_MESSAGES}/*", GET=channel_messages.get_message, PATCH=channel_messages.patch_message
    ),
    ("teams", "*", "channels", "*", "messages", "*", "replies"): _teams(
        "replies",
        f"{_MESSAGES}/*/replies",
        GET=channel_messages.list_replies,
        POST=channel_messages.create_reply,
    ),
    ("teams", "*", "channels", "*", "messages", "*", "replies", "*"): _teams(
        "message",
        f"{_MESSAGES}/*/replies/*",
        GET=channel_messages.get_message,
        PATCH=channel_messages.patch_message,
    ),
}
