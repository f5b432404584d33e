"""The bulk road: calls of many mailboxes, twenty to a request, over plain JSON.

Workers each call for one mailbox and wait for the answer. What they ask for at the same moment goes out together as one
``$batch``; when it comes back each gets its own answer, and one that must wait does not keep the others. There is no
timer: a batch leaves when it is full, or when every task that is ready has run and nobody has added to it.

The rules of ``$batch`` are in ``concepts/json-batching.md`` of Microsoft's Graph documentation: twenty items, answers
in any order, status and ``Retry-After`` for each item, and no header of the outer request counts for an item.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx
import structlog

from graph_client.connection import Connection
from graph_client.errors import NO_ANSWER, Answer, claims_of, code_of, error_of, refused
from graph_client.permissions import Need
from graph_client.throttle import PASSING, Budget, Pace, Patience, Turns, backoff, request_id, retry_after
from graph_client.tokens import Tokens
from holdfast.core.errors import Unexpected, Unreachable
from holdfast.core.model import Clock

SIZE = 20
"""Calls in a batch; Graph answers 400 to more."""

IN_FLIGHT = 4
"""Batches in flight: Graph works on four Outlook items of each at a time."""

IMMUTABLE_IDS = 'IdType="ImmutableId"'
"""``Prefer`` in every call: ids that survive a move within the mailbox (``concepts/outlook-immutable-id.md``)."""

_SETTLING = 3
"""Rounds of the event loop without a batch, in which workers that were just answered ask for their next call."""

_MISSING: tuple[int, Mapping[str, str], Any] = (NO_ANSWER, {}, None)
"""What is known of a call that the answer to its batch does not mention."""

_log = structlog.get_logger("holdfast.graph")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Graph. ``mailbox`` is whose turn it takes, ``url`` begins with a slash after the version."""

    mailbox: str
    method: str
    url: str
    need: Need
    body: Mapping[str, Any] | None = None
    if_match: str | None = None

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does what once does. After a POST of unknown outcome the caller looks first."""
        return self.method != "POST"


@dataclass(slots=True)
class Counts:
    """What has gone over the wire: HTTP ``requests``, ``calls`` to Graph in them, and the ``retries`` among them.

    The SDK's own retries are not seen here.
    """

    requests: int = 0
    calls: int = 0
    retries: int = 0


@dataclass(slots=True)
class _Pending:
    """A call on its way and the worker waiting for it."""

    call: Call
    attempt: int
    request_id: str
    answer: asyncio.Future[Answer]


_RENEWALS = 2
"""How often a call is tried with another token: one that is just as old may have been on its way to others already."""


class Dispatcher:
    """Sends the calls of many workers, at most ``in_flight`` batches at a time and one call per mailbox.

    Belongs to the event loop it is first used in; ``aclose`` ends every call still waiting with ``Unreachable``.
    """

    def __init__(
        self,
        connection: Connection,
        http: httpx.AsyncClient,
        tokens: Tokens,
        *,
        clock: Clock,
        chance: random.Random,
        counts: Counts,
        in_flight: int = IN_FLIGHT,
        patience: Patience | None = None,
    ) -> None:
        self._connection = connection
        self._http = http
        self._tokens = tokens
        self._clock = clock
        self._chance = chance
        self._counts = counts
        self._in_flight = in_flight
        self._patience = patience or Patience()
        self._pace = Pace(in_flight * SIZE, clock=clock)
        self._budget = Budget()
        self._calls_out = 0
        self._turns = Turns()
        self._ready: deque[_Pending] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._settling = False
        self._closed = False
        self._resume_at = clock.monotonic()

    async def ok(self, call: Call) -> Any:  # noqa: ANN401 - JSON is what it is
        """The body of a successful answer. Raises what ``holdfast.core.errors`` has for any other."""
        answer = await self.call(call)
        if answer.ok:
            return answer.body
        _log.info(
            "graph.refused",
            client_request_id=answer.request_id,
            method=call.method,
            status=answer.status,
            code=code_of(answer),
        )
        raise error_of(answer, call.need)

    async def pages(self, first: Call) -> AsyncIterator[list[Any]]:
        """Every page of a list, to its end: an unfinished list raises, so that it is never taken for a whole one."""
        following: Call | None = first
        seen: set[str] = set()
        while following is not None:
            rows, following = await self._page(following, seen)
            yield rows

    async def whole(self, first: Call) -> list[Any]:
        """Every row of a list that is nearly always one page long, as ``pages`` would give them."""
        seen: set[str] = set()
        found, following = await self._page(first, seen)
        while following is not None:
            rows, following = await self._page(following, seen)
            found += rows
        return found

    async def call(self, call: Call) -> Answer:
        """Graph's last answer to a call, tried again as long as it helps and patience lasts.

        Waits only for this call's mailbox. Raises ``NotSignedIn`` or ``Unreachable`` where there is no token,
        ``Unexpected`` or ``Denied`` where Graph turns the whole batch away.
        """
        await self._turns.take(call.mailbox)
        try:
            began = self._clock.monotonic()
            attempt = 1
            renewals = 0
            while True:
                answer = await self._sent(call, attempt)
                if answer.status == HTTPStatus.UNAUTHORIZED and renewals < _RENEWALS:
                    renewals += 1
                    await self._tokens.renew(answer.token, claims_of(answer))
                    continue
                if answer.status not in PASSING:
                    return answer
                if answer.wait is None:
                    answer.wait = backoff(attempt, self._chance)
                spent = self._clock.monotonic() - began + answer.wait
                if attempt >= self._patience.attempts or spent > self._patience.seconds:
                    return answer
                unknown = answer.sent and answer.status != HTTPStatus.TOO_MANY_REQUESTS
                if unknown and not call.repeatable:
                    await self._clock.sleep(answer.wait)
                    return answer
                if not self._budget.spend(self._counts.calls):
                    return answer
                self._counts.retries += 1
                _log.info(
                    "graph.retry",
                    client_request_id=answer.request_id,
                    method=call.method,
                    status=answer.status,
                    attempt=attempt,
                    wait=answer.wait,
                )
                await self._clock.sleep(answer.wait)
                attempt += 1
        finally:
            self._turns.give_back(call.mailbox)

    async def aclose(self) -> None:
        """Stop sending. Whoever still waits for an answer gets ``Unreachable``."""
        self._closed = True
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        while self._ready:
            _fail(self._ready.popleft(), _closed())

    async def _sent(self, call: Call, attempt: int) -> Answer:
        if self._closed:
            raise _closed()
        pending = _Pending(call, attempt, self._new_id(), asyncio.get_running_loop().create_future())
        self._ready.append(pending)
        self._dispatch()
        return await pending.answer

    async def _page(self, call: Call, seen: set[str]) -> tuple[list[Any], Call | None]:
        """The rows of a page, and the call for the next one. ``seen`` are the pages before."""
        body = await self.ok(call)
        if not isinstance(body, dict) or not isinstance(body.get("value"), list):
            raise Unexpected(f"{call.need.doing.capitalize()} failed: the answer is not a list.")
        link = body.get("@odata.nextLink")
        if link is None:
            return body["value"], None
        seen.add(call.url)
        url = self._connection.relative(link) if isinstance(link, str) else None
        if url is None:
            raise Unexpected("Graph's link to the next page leads away from Graph; it was not followed.")
        if url in seen:
            raise Unexpected("Graph's links to the next page go round in a circle.")
        return body["value"], replace(call, url=url)

    def _dispatch(self) -> None:
        """Send what makes full batches now, and the rest when nobody adds to it any more."""
        self._send_batches(of_at_least=SIZE)
        if self._ready and not self._settling and len(self._senders) < self._in_flight:
            self._settling = True
            asyncio.get_running_loop().call_soon(self._settle, _SETTLING)

    def _settle(self, rounds: int) -> None:
        if rounds:
            asyncio.get_running_loop().call_soon(self._settle, rounds - 1)
        else:
            self._settling = False
            self._send_batches(of_at_least=1)

    def _send_batches(self, *, of_at_least: int) -> None:
        while len(self._senders) < self._in_flight and not self._closed:
            room = min(SIZE, self._pace.limit - self._calls_out)
            if room <= 0 or len(self._ready) < min(of_at_least, room):
                return
            batch: list[_Pending] = []
            while self._ready and len(batch) < room:
                pending = self._ready.popleft()
                if not pending.answer.done():  # done: its worker was cancelled
                    batch.append(pending)
            if batch:
                self._calls_out += len(batch)
                sender = asyncio.get_running_loop().create_task(self._send(batch))
                self._senders.add(sender)
                sender.add_done_callback(partial(self._finished, batch))

    def _finished(self, batch: list[_Pending], sender: asyncio.Task[None]) -> None:
        """Leave nobody waiting, however the sender ended, and send what has gathered meanwhile."""
        self._senders.discard(sender)
        self._calls_out -= len(batch)
        error = _closed() if sender.cancelled() else sender.exception()
        if error is not None:
            for pending in batch:
                _fail(pending, error)
        if not self._closed:
            self._dispatch()

    async def _send(self, batch: list[_Pending]) -> None:
        while (pause := self._resume_at - self._clock.monotonic()) > 0:
            await self._clock.sleep(pause)
        token = await self._tokens.token()
        request_id = self._new_id()
        began = self._clock.monotonic()
        answer = await self._post(batch, token, request_id)
        items = _items(answer)
        _log.debug(
            "graph.batch",
            client_request_id=request_id,
            calls=len(batch),
            status=answer.status,
            seconds=round(self._clock.monotonic() - began, 3),
        )
        if items is None:
            throttled = batch if answer.status == HTTPStatus.TOO_MANY_REQUESTS else []
            self._pace.answered(began, [pending.call.mailbox for pending in throttled])
            self._share(answer, batch)
            return
        statuses = [items.get(str(place), _MISSING)[0] for place in range(len(batch))]
        busy = zip(batch, statuses, strict=True)
        self._pace.answered(began, [p.call.mailbox for p, status in busy if status == HTTPStatus.TOO_MANY_REQUESTS])
        for place, pending in enumerate(batch):
            status, headers, body = items.get(str(place), _MISSING)
            item = Answer(status, headers, body, pending.request_id, token)
            if status in PASSING:
                item.wait = retry_after(item.header("retry-after"), self._clock.now())
            _answer(pending, item)

    async def _post(self, batch: list[_Pending], token: str, request_id: str) -> Answer:
        content = json.dumps({"requests": [_item(str(place), pending) for place, pending in enumerate(batch)]})
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "client-request-id": request_id,
        }
        self._counts.requests += 1
        self._counts.calls += len(batch)
        answer = Answer(NO_ANSWER, request_id=request_id, token=token)
        try:
            response = await self._http.post(f"{self._connection.graph_url}/$batch", content=content, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            answer.sent = False
        except httpx.RequestError:
            pass  # the connection broke while Graph may have been at work: an unknown outcome, which is no answer
        else:
            answer.status, answer.headers = response.status_code, response.headers
            try:
                answer.body = json.loads(response.content)
            except ValueError:
                answer.body = None
        return answer

    def _share(self, answer: Answer, batch: list[_Pending]) -> None:
        """Give everybody the answer to a batch that was not worked on, and let all batches wait as long as it says.

        Raises the error for one that no repetition mends.
        """
        if answer.status == HTTPStatus.OK:
            answer.status = NO_ANSWER
        if answer.status in PASSING:
            answer.wait = retry_after(answer.header("retry-after"), self._clock.now())
            if answer.wait is None:
                answer.wait = backoff(max(pending.attempt for pending in batch), self._chance)
            self._resume_at = max(self._resume_at, self._clock.monotonic() + answer.wait)
        elif answer.status != HTTPStatus.UNAUTHORIZED:
            raise refused(answer)
        for pending in batch:
            _answer(pending, replace(answer))

    def _new_id(self) -> str:
        return request_id(self._chance)


def _item(place: str, pending: _Pending) -> dict[str, Any]:
    call = pending.call
    headers = {"Prefer": IMMUTABLE_IDS, "client-request-id": pending.request_id}
    item: dict[str, Any] = {"id": place, "method": call.method, "url": call.url, "headers": headers}
    if call.if_match is not None:
        headers["If-Match"] = call.if_match
    if call.body is not None:
        headers["Content-Type"] = "application/json"
        item["body"] = call.body
    return item


def _items(answer: Answer) -> dict[str, tuple[int, Mapping[str, str], Any]] | None:
    """The answers in a batch by the place of their calls; None where there are none to be read."""
    if answer.status != HTTPStatus.OK or not isinstance(answer.body, dict):
        return None
    responses = answer.body.get("responses")
    if not isinstance(responses, list):
        return None
    items: dict[str, tuple[int, Mapping[str, str], Any]] = {}
    for response in responses:
        match response:
            case {"id": str(place), "status": int(status)}:
                headers = response.get("headers")
                items[place] = (status, headers if isinstance(headers, dict) else {}, response.get("body"))
    return items


def _answer(pending: _Pending, answer: Answer) -> None:
    if not pending.answer.done():
        pending.answer.set_result(answer)


def _fail(pending: _Pending, error: BaseException) -> None:
    if not pending.answer.done():
        pending.answer.set_exception(error)


def _closed() -> Unreachable:
    return Unreachable("The connection to Graph was closed before an answer came.")
