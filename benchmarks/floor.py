"""The floor: what the same HTTP costs when nothing is decided, nothing remembered and no answer looked into.

httpx over TLS, batches of twenty, four in flight. A batch is written with ``json.dumps`` and its answer received to the
last byte; only the outer status is looked at. ``python -m benchmarks.floor read create read``: which steps, in turn.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from benchmarks.given import EXPAND, FILTER, SELECT, TOP, Given, event
from benchmarks.meter import measured

SIZE, IN_FLIGHT = 20, 4

_PREFER = 'IdType="ImmutableId"'
_READ = f"$filter={quote(FILTER)}&$expand={quote(EXPAND)}&$select={SELECT}&$top={TOP}"


_EVENT = event()


def _read(place: int, mailbox: str) -> dict[str, Any]:
    url = f"/users/{mailbox}/events?{_READ}"
    return {"id": str(place), "method": "GET", "url": url, "headers": {"Prefer": _PREFER}}


def _create(place: int, mailbox: str) -> dict[str, Any]:
    headers = {"Prefer": _PREFER, "Content-Type": "application/json"}
    return {"id": str(place), "method": "POST", "url": f"/users/{mailbox}/events", "headers": headers, "body": _EVENT}


_STEPS: dict[str, Callable[[int, str], dict[str, Any]]] = {"read": _read, "create": _create}


async def main(steps: list[str]) -> None:
    """Take the steps, each over all mailboxes before the next."""
    given = Given.here()
    headers = {"Authorization": f"Bearer {given.token()}", "Content-Type": "application/json"}
    batches = [given.mailboxes[at : at + SIZE] for at in range(0, len(given.mailboxes), SIZE)]
    async with httpx.AsyncClient(verify=given.trust(), timeout=120, headers=headers) as http:

        async def sender(item: Callable[[int, str], dict[str, Any]], todo: Iterator[list[str]]) -> None:
            for batch in todo:
                content = json.dumps({"requests": [item(*one) for one in enumerate(batch)]})
                answer = await http.post(f"{given.url}/v1.0/$batch", content=content)
                if answer.status_code != HTTPStatus.OK:
                    raise SystemExit(answer.text)

        # The product has talked to Graph by the time its clock starts, which leaves a connection and modules behind.
        await http.get(f"{given.url}/v1.0/users/{given.mailboxes[0]}")
        with measured():
            for step in steps:
                todo = iter(batches)
                await asyncio.gather(*(sender(_STEPS[step], todo) for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
