"""The floor: what the same HTTP costs when nothing is decided, nothing remembered and no answer looked into.

httpx over TLS, batches of twenty, four in flight. A batch is written with ``json.dumps`` and its answer received to the
last byte; only the outer status is looked at. ``python -m benchmarks.floor read create read``: which steps, in turn;
``instances`` asks each series for its coming dates, the ids of the series given.
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

from benchmarks.given import EXPAND, FILTER, PREFER, SELECT, SELECT_DATES, TOP, Given, coming, event
from benchmarks.meter import measured

SIZE, IN_FLIGHT = 20, 4

_READ = f"$filter={quote(FILTER)}&$expand={quote(EXPAND)}&$select={SELECT}&$top={TOP}"
_EVENT = event()

Item = Callable[[str], dict[str, Any]]
"""What is asked of a mailbox, but for its place in the batch."""


def _read(mailbox: str) -> dict[str, Any]:
    return {"method": "GET", "url": f"/users/{mailbox}/events?{_READ}", "headers": PREFER}


def _create(mailbox: str) -> dict[str, Any]:
    headers = {**PREFER, "Content-Type": "application/json"}
    return {"method": "POST", "url": f"/users/{mailbox}/events", "headers": headers, "body": _EVENT}


def _instances(given: Given) -> Item:
    series = given.series()
    since, until = coming()
    window = f"startDateTime={since:%Y-%m-%dT%H:%M:%SZ}&endDateTime={until:%Y-%m-%dT%H:%M:%SZ}"
    query = f"{window}&$select={SELECT_DATES}&$top={TOP}"

    def item(mailbox: str) -> dict[str, Any]:
        url = f"/users/{mailbox}/events/{quote(series[mailbox], safe='')}/instances?{query}"
        return {"method": "GET", "url": url, "headers": PREFER}

    return item


async def main(steps: list[str]) -> None:
    """Take the steps, each over all mailboxes before the next."""
    given = Given.here()
    items: dict[str, Item] = {"read": _read, "create": _create}
    if "instances" in steps:
        items["instances"] = _instances(given)
    headers = {"Authorization": f"Bearer {given.token()}", "Content-Type": "application/json"}
    batches = [given.mailboxes[at : at + SIZE] for at in range(0, len(given.mailboxes), SIZE)]
    async with httpx.AsyncClient(verify=given.trust(), timeout=120, headers=headers) as http:

        async def sender(item: Item, todo: Iterator[list[str]]) -> None:
            for batch in todo:
                requests = [{"id": str(place), **item(mailbox)} for place, mailbox in enumerate(batch)]
                content = json.dumps({"requests": requests})
                answer = await http.post(f"{given.url}/v1.0/$batch", content=content)
                if answer.status_code != HTTPStatus.OK:
                    raise SystemExit(answer.text)

        # The product has talked to Graph by the time its clock starts, which leaves a connection and modules behind.
        await http.get(f"{given.url}/v1.0/users/{given.mailboxes[0]}")
        with measured():
            for step in steps:
                todo = iter(batches)
                await asyncio.gather(*(sender(items[step], todo) for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
