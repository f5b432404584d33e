"""Workflows of Power Automate that post to a channel what is sent to their URL, which is the secret (§2 of the notes).

Taking a request says nothing of what becomes of the run: whoever sent it gets a 202 and no id, whether the card is then
posted or not, and only Power Automate shows a run that failed.
"""

from __future__ import annotations

import hmac
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.faults import Dropped, Fault
from sandbox.posts import CARD, card_problem
from sandbox.teams import PRIVATE, Channel, Message, Speaker

if TYPE_CHECKING:
    from sandbox.directory import Account
    from sandbox.tenant import Tenant

START = "/powerautomate/automations/direct/workflows/"
"""How the path of every workflow's URL begins."""

_END = "/triggers/manual/paths/invoke"
_STATUSES = {
    Fault.ERROR_500_BEFORE: 500,
    Fault.ERROR_500_AFTER: 500,
    Fault.ERROR_502_BEFORE: 502,
    Fault.ERROR_502_AFTER: 502,
    Fault.ERROR_503_BEFORE: 503,
    Fault.ERROR_503_AFTER: 503,
    Fault.ERROR_503_SECONDS: 503,
    Fault.ERROR_504_BEFORE: 504,
    Fault.ERROR_504_AFTER: 504,
    Fault.THROTTLED_SECONDS: 429,
    Fault.THROTTLED_FRACTION: 429,
    Fault.THROTTLED_DATE: 429,
    Fault.THROTTLED_SILENT: 429,
}
_AFTER = frozenset(
    {Fault.ERROR_500_AFTER, Fault.ERROR_502_AFTER, Fault.ERROR_503_AFTER, Fault.ERROR_504_AFTER, Fault.DROPPED_AFTER}
)
FAULTS = frozenset(_STATUSES) | {Fault.DROPPED_BEFORE, Fault.DROPPED_AFTER, Fault.SLOW}
"""The misfortunes that a request to a workflow can meet; those told as ``AFTER`` happen once the run has begun."""

_BOT = "Workflows"


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one request: the message, or why there is none. ``body`` is what was sent."""

    at: datetime
    body: Any
    message: Message | None
    problem: str | None


@dataclass(slots=True, eq=False)
class Workflow:
    """A flow with the trigger for Teams webhooks that posts to one channel as the bot of Workflows.

    It works as long as its ``owner`` does. ``status`` is what it answers where all is well; some tenants say 200.
    """

    id: str
    secret: str
    channel: Channel
    owner: Account
    tenant: Tenant
    bot_id: str
    enabled: bool = True
    status: int = 202
    breaks: str | None = None
    """Why every run fails from now on, such as a connection that has to be renewed."""
    runs: list[Run] = field(default_factory=list)
    _faults: deque[Fault] = field(default_factory=deque)

    @property
    def path(self) -> str:
        """Path and query of its URL, secret and all."""
        return f"{START}{self.id}{_END}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={quote(self.secret)}"

    @property
    def posts(self) -> list[Message]:
        """What it has posted."""
        return [run.message for run in self.runs if run.message is not None]

    def fail(self, *faults: Fault) -> None:
        """Let the next requests meet these, one each."""
        for fault in faults:
            if fault not in FAULTS:
                raise ValueError(f"Requests to a workflow do not meet {fault.value}.")
        self._faults.extend(faults)

    def next_fault(self) -> Fault | None:
        """What the request at hand meets."""
        return self._faults.popleft() if self._faults else None

    def run(self, body: object) -> None:
        """Post what was sent, or fail where nobody is told."""
        problem = next(self._problems(body), None)
        message = None
        if problem is None and isinstance(body, dict):
            bot = Speaker(self.bot_id, _BOT)
            attachments = [_attachment(number, one) for number, one in enumerate(body["attachments"])]
            content = "".join(f'<attachment id="{one["id"]}"></attachment>' for one in attachments)
            message = self.channel.add(bot, content, attachments=attachments)
            self.tenant.counts.posts[self.channel.id] += 1
        self.runs.append(Run(self.tenant.clock.now(), body, message, problem))

    def _problems(self, body: object) -> Iterator[str]:
        if self.breaks is not None:
            yield self.breaks
        if not self.owner.enabled:
            yield "The owner of the flow has left."
        if self.channel.kind == PRIVATE:
            yield "The Flow bot cannot post in private channels."
        if self.channel.team.archived:
            yield "The team is archived."
        if len(json.dumps(body, ensure_ascii=False).encode()) > self.tenant.teams_limits.message_bytes:
            yield "The message is too large."
        attachments = body.get("attachments") if isinstance(body, dict) and body.get("type") == "message" else None
        if not isinstance(attachments, list) or not attachments:
            yield "The body is not a message with attachments."
        else:
            yield from _problems(attachments)


class Workflows:
    """The endpoint of all workflows in a sandbox. Not one of Starlette's routes, because connections end in it."""

    def __init__(self, every: Callable[[], Iterable[Tenant]]) -> None:
        self._every = every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        content = await request.body()
        name = request.url.path.removeprefix(START).removesuffix(_END)
        workflow = next((one for tenant in self._every() for one in tenant.workflows if one.id == name), None)
        if workflow is None:
            return _refused(404, "WorkflowNotFound", f"The workflow '{name}' could not be found.")
        if request.method != "POST":
            return _refused(405, "MethodNotAllowed", "The workflow is called by POST.")
        if not hmac.compare_digest(request.query_params.get("sig", "").encode(), workflow.secret.encode()):
            return _refused(
                401, "DirectApiAuthorizationRequired", "The request must be authenticated by its signature."
            )
        if not workflow.enabled:
            return _refused(400, "WorkflowTriggerIsNotEnabled", "The workflow is turned off.")
        try:
            body = json.loads(content)
        except ValueError:
            return _refused(400, "InvalidRequestContent", "The request content is not valid JSON.")
        return await _taken(workflow, body)


async def _taken(workflow: Workflow, body: object) -> Response:
    """The answer to a request that the workflow takes, under the misfortune that it meets."""
    fault = workflow.next_fault()
    if fault is Fault.DROPPED_BEFORE:
        raise Dropped
    if fault is None or fault is Fault.SLOW or fault in _AFTER:
        workflow.run(body)
    if fault is Fault.DROPPED_AFTER:
        raise Dropped
    clock, faults = workflow.tenant.clock, workflow.tenant.faults
    if fault is Fault.SLOW:
        await clock.sleep(faults.slow_seconds)
    if fault is None or fault is Fault.SLOW:
        return Response(status_code=workflow.status)
    status = _STATUSES[fault]
    if status == 502:
        return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", status)
    code = "TooManyRequests" if status == 429 else "ServiceUnavailable"
    wait = faults.retry_after
    told = {
        Fault.THROTTLED_SECONDS: f"{wait:.0f}",
        Fault.ERROR_503_SECONDS: f"{wait:.0f}",
        Fault.THROTTLED_FRACTION: f"{wait - 0.5:g}",
        Fault.THROTTLED_DATE: format_datetime(
            clock.now().replace(microsecond=0) + timedelta(seconds=wait), usegmt=True
        ),
    }.get(fault)
    return _refused(status, code, "Try again later.", {"Retry-After": told} if told else None)


def _refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def _problems(attachments: Iterable[object]) -> Iterator[str]:
    for one in attachments:
        if not isinstance(one, dict) or one.get("contentType") != CARD:
            yield "Only Adaptive Cards can be posted."  # a MessageCard is for connectors, which are retired
        elif not isinstance(one.get("content"), dict):
            yield "The content of a card is not an object."
        elif problem := card_problem(one["content"]):
            yield f"The card is not valid: {problem}."


def _attachment(number: int, given: dict[str, Any]) -> dict[str, Any]:
    """A card as it then stands in the message: as a string."""
    whole = dict.fromkeys(("contentUrl", "name", "thumbnailUrl", "teamsAppId"))
    content = json.dumps(given["content"], ensure_ascii=False)
    return {"id": f"{number:032x}", "contentType": CARD, "content": content, **whole}
