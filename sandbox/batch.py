"""``POST /$batch``: up to twenty calls in one request (``concepts/json-batching.md``, §4 of the notes on Graph)."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.errors import GraphError, bad_request
from sandbox.exchange import Answer, Call
from sandbox.faults import CARRIER
from sandbox.graph import HTML, JSON, Observers, Route, answer, call_from, encoded, named, refusal, resolved
from sandbox.mishaps import Item, choose_for_batch, is_missing, worked

NAME = "POST /$batch"
"""What the counts call the request that carries a batch."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(slots=True)
class _Item:
    """One call of a batch, the item it waits for, and what became of it."""

    id: str
    call: Call
    route: Route | GraphError
    after: str | None
    answer: Answer | None = None


async def batch(outer: Call, observers: Observers) -> Answer:
    """All answers, in any order. Raises a 400 for a batch that breaks the rules; its items then were not looked at."""
    items = _items(outer)
    known = [Item(item.call, item.route.kind, item.route.outlook) for item in items if isinstance(item.route, Route)]
    choose_for_batch(outer, known)

    async def work(_: Call) -> Answer:
        if not any(item.after for item in items):
            await _worked(outer, items, observers)
        else:
            await _in_order(items, observers)
        told = [item for item in items if not is_missing(item.call)]
        outer.tenant.chance.shuffle(told)
        return _answer(outer, told)

    return await worked(outer, CARRIER, work)


def _items(outer: Call) -> list[_Item]:
    requests = outer.body.get("requests") if isinstance(outer.body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise bad_request("Invalid batch payload format.")
    most = outer.tenant.limits.batch_size
    if len(requests) > most:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {most}.")
    items = [_item(outer, request) for request in requests]
    ids = {item.id.lower() for item in items}
    if len(ids) != len(items):
        raise bad_request("Request Ids must be unique in a batch.")
    _check_dependencies(items)
    return items


def _item(outer: Call, request: object) -> _Item:
    if not isinstance(request, dict):
        raise bad_request("Invalid batch payload format.")
    name, method, url = (request.get(key) for key in ("id", "method", "url"))
    if not (isinstance(name, str) and name and isinstance(method, str) and isinstance(url, str)):
        raise bad_request("A batch request needs an id, a method and a url.")
    method = method.upper()
    given = request.get("headers") or {}
    if method not in _METHODS or not isinstance(given, dict):
        raise bad_request(f"Request '{name}' of the batch has no valid method or headers.")
    headers = {key.lower(): str(value) for key, value in given.items()}
    body = request.get("body")
    if method in _WITH_BODY and (body is None or JSON not in headers.get("content-type", "")):
        raise bad_request(f"Write request id : {name} does not contain Content-Type header or body.")
    after = request.get("dependsOn") or []
    if not isinstance(after, list) or len(after) > 1:
        raise bad_request(f"Request '{name}' of the batch may depend on one other at most.")
    path = url if url.startswith("/") else f"/{url}"
    try:
        call = call_from(outer.caller, method, path, headers, body, outer.base, outer.arrival, in_batch=True)
    except GraphError as error:
        call = Call(outer.caller, method, path, [], {}, headers, body, outer.base, outer.arrival, in_batch=True)
        return _Item(name, call, error, after[0] if after else None)
    return _Item(name, call, resolved(call), after[0] if after else None)


def _check_dependencies(items: list[_Item]) -> None:
    """Either none, or each on the one before it, or all but the first on the same one (§4 of the notes on Graph)."""
    dependent = [item.after for item in items[1:]]
    if not any(item.after for item in items):
        return
    chain = [item.id for item in items[:-1]]
    if items[0].after is not None or dependent not in (chain, [items[0].id] * len(dependent)):
        raise bad_request("The dependsOn of a batch must be a chain, or all on the first request.")


async def _worked(outer: Call, items: list[_Item], observers: Observers) -> None:
    """Answer independent items, those for Outlook only so many at a time."""
    waiting = deque(item for item in items if isinstance(item.route, Route) and item.route.outlook)

    async def lane() -> None:
        while waiting:
            item = waiting.popleft()
            item.answer = await answer(item.call, item.route, observers)

    async def others() -> None:
        for item in items:
            if not (isinstance(item.route, Route) and item.route.outlook):
                item.answer = await answer(item.call, item.route, observers)

    lanes: Iterable[Any] = [lane() for _ in range(min(outer.tenant.limits.batch_outlook_lanes, len(waiting)))]
    await asyncio.gather(others(), *lanes)


async def _in_order(items: list[_Item], observers: Observers) -> None:
    """Answer dependent items one after the other; what depends on a failure is a 424."""
    done: dict[str, _Item] = {}
    for item in items:
        needed = done.get(item.after) if item.after else None
        if needed is not None and needed.answer is not None and needed.answer.status >= 400:
            failed = GraphError(424, "FailedDependency", f"Request '{item.after}' failed.")
            item.answer = refusal(item.call, failed)
        else:
            item.answer = await answer(item.call, item.route, observers)
        done[item.id] = item


def _answer(outer: Call, items: list[_Item]) -> Answer:
    """The answer to a batch; how much of it is about which item is counted, and for that each is written by itself."""
    counts = outer.tenant.counts.bytes
    responses = [_response(item) for item in items]
    parts = [encoded(response) for response in responses]
    for item, part in zip(items, parts, strict=True):
        counts[named(item.call, item.route)] += len(part)
    content = b'{"responses":[' + b",".join(parts) + b"]}"
    counts[NAME] += len(content) - sum(map(len, parts))
    return Answer(200, {"responses": responses}, content=content)


def _response(item: _Item) -> dict[str, Any]:
    status, body, given, _ = item.answer or Answer(500)
    headers: Mapping[str, str] = {**given, "Content-Type": JSON} if body is not None else given
    if isinstance(body, str):
        headers, body = {**given, "Content-Type": HTML}, base64.b64encode(body.encode()).decode()
    made: dict[str, Any] = {"id": item.id, "status": status, "headers": headers}
    if body is not None:
        made["body"] = body
    return made
