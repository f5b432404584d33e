"""A sandbox: many tenants behind one ASGI application: Entra, Graph, workflows, and the sandbox's control routes."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.application import Application
from sandbox.batch import NAME, batch
from sandbox.control import Control
from sandbox.courier import Courier
from sandbox.directory import Account
from sandbox.entra import Entra
from sandbox.errors import GraphError
from sandbox.exchange import Answer, Call, Exchange
from sandbox.faults import Dropped
from sandbox.graph import HTML, Route, answer, call_from, encoded, named, parsed, refusal, resolved, shown
from sandbox.mishaps import cut
from sandbox.notices_control import NoticesControl
from sandbox.teams_control import TeamsControl
from sandbox.tenant import Tenant
from sandbox.tokens import GRAPH, Gate, issue, issue_for
from sandbox.workflows import START, Workflows

_VERSION = "/v1.0"


class Sandbox:
    """Tenants that know nothing of each other. ``observers`` are shown every call to Graph and its answer.

    Observers run where the call is answered: they must be quick, and what they raise is the server's failure.
    ``courier`` brings handshakes and notifications to whoever subscribes: while served by itself, else by ``pump`` of
    each tenant's ``notices``.
    """

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.observers: list[Callable[[Exchange], None]] = []
        self.courier = Courier()
        self._gate = Gate(self.find)
        self._workflows = Workflows(lambda: list(self.tenants.values()))
        control = Control(lambda: list(self.tenants.values()), self.find)
        teams, notices = TeamsControl(self.find), NoticesControl(self.find)
        # The routes about notifications come first: after calendars and channels anything may stand in an address.
        routes = [*notices.routes(), *control.routes(), *teams.routes(), *Entra(self.find).routes()]
        self._others: ASGIApp = Starlette(routes=routes)
        self.app: ASGIApp = self._app

    def add(self, tenant: Tenant) -> Tenant:
        """Let a tenant be reached, in the place of one with its id; the same one again, for convenience."""
        displaced = self.tenants.get(tenant.id)
        if displaced is not None:
            self._gate.forget(displaced)
        self.tenants[tenant.id] = tenant
        tenant.notices.courier = self.courier
        return tenant

    def remove(self, tenant: Tenant) -> None:
        """Let a tenant be reached no more; its tokens are foreign from now on."""
        self.tenants.pop(tenant.id, None)
        self._gate.forget(tenant)

    def token(self, tenant: Tenant, application: Application | None = None) -> str:
        """A token for an application, the first one unless another is given, without the way over Entra."""
        return issue(tenant, application or tenant.applications[0], GRAPH, f"https://localhost/{tenant.id}/v2.0")

    def token_of(self, tenant: Tenant, account: Account, *scopes: str, application: Application | None = None) -> str:
        """A token for somebody who signed in, to the registration for that, with these scopes or all it was granted."""
        one = application or tenant.login
        given = scopes or tuple(tenant.sign_ins.granted(one, account))
        return issue_for(tenant, one, account, given, GRAPH, f"https://localhost/{tenant.id}/v2.0")

    def find(self, name: str) -> Tenant | None:
        """The tenant with this id or domain."""
        found = self.tenants.get(name.lower())
        return found or next((one for one in self.tenants.values() if one.domain == name.lower()), None)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_VERSION):
            await self._graph(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(START):
            await self._workflows(scope, receive, send)
        else:
            await self._others(scope, receive, send)

    async def _graph(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        base = f"{scope['scheme']}://{headers.get('host', 'localhost')}{_VERSION}"
        path = scope["raw_path"].decode("ascii").partition("?")[0][len(_VERSION) :].replace("//", "/")
        query = scope["query_string"].decode("latin-1")
        content = await _content(receive)
        try:
            caller = self._gate.caller(headers.get("authorization"))
        except GraphError as error:
            await _send(send, _anonymous(error, headers), headers)
            return
        caller.tenant.counts.requests += 1
        arrival = caller.tenant.throttle.arrive()
        url = f"{path}?{query}" if query else path
        try:
            call = call_from(caller, scope["method"], url, headers, parsed(content, headers), base, arrival)
        except GraphError as error:
            call = Call(caller, scope["method"], url, [], {}, headers, None, base, arrival)
            chosen: Route | GraphError = error
        else:
            if call.segments == ["$batch"] and call.method == "POST":
                await _send(send, await self._batch(call), headers, call, NAME)
                return
            chosen = resolved(call)
        await _send(send, await answer(call, chosen, self.observers), headers, call, named(call, chosen))

    async def _batch(self, call: Call) -> Answer:
        try:
            given = await batch(call, self.observers)
        except GraphError as error:
            given = refusal(call, error)
        for observe in self.observers:
            observe(Exchange(call.method, call.path, call.headers, call.body, *shown(given), in_batch=False))
        return given


def _anonymous(error: GraphError, headers: MutableMapping[str, str]) -> Answer:
    """A refusal to somebody of whom nothing is known, the tenant included."""
    request_id = headers.get("client-request-id", "00000000-0000-0000-0000-000000000000")
    inner = {"request-id": request_id, "client-request-id": request_id}
    body = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    return Answer(error.status, body, {**error.headers, "request-id": request_id, "client-request-id": request_id})


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name; those given more than once, such as ``Prefer``, are one with commas."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _content(receive: Receive) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts = [message.get("body", b"")]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


async def _send(
    send: Send, given: Answer, headers: MutableMapping[str, str], call: Call | None = None, name: str = ""
) -> None:
    """Send an answer, counted under ``name`` as that of a call."""
    sent = dict(given.headers)
    if call is not None and "request-id" not in sent:
        sent["request-id"] = call.tenant.new_id()
        sent["client-request-id"] = headers.get("client-request-id", sent["request-id"])
    content = given.content or b""
    if isinstance(given.body, str):
        sent["Content-Type"] = HTML
        content = given.body.encode()
    elif given.body is not None:
        sent["Content-Type"] = "application/json; charset=utf-8"
        content = content or encoded(given.body)
    if call is not None and given.content is None:
        call.tenant.counts.bytes[name] += len(content)
    part, ends_there = cut(call, content)
    if given.status != 204:
        sent["Content-Length"] = str(len(content if ends_there else part))
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": given.status, "headers": raw})
    await send({"type": "http.response.body", "body": part, "more_body": ends_there})
    if ends_there:
        raise Dropped
