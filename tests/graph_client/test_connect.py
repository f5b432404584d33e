"""The door: one connection, both roads, closed behind us."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from graph_client.connect import Connection, connect
from holdfast.core.errors import Unreachable
from holdfast.core.model import Profile, Purpose
from tests.graph_client.entra import TENANT, serving
from tests.graph_client.world import JumpingClock


async def test_both_roads_with_one_token(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def graph_handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/v1.0/groups":
            return httpx.Response(200, json={"value": [{"id": "1", "displayName": "Alla"}]})
        items = json.loads(request.content)["requests"]
        return httpx.Response(
            200, json={"responses": [{"id": item["id"], "status": 200, "body": {"value": "shared"}} for item in items]}
        )

    with serving(tmp_path) as entra:
        connection = Connection.to(
            tenant_id=TENANT,
            client_id="app",
            credential="secret",
            secret="s3cret",
            authority=entra.url,
            ca_bundle=entra.ca_bundle,
        )
        chance = random.Random(1)  # noqa: S311 - tests repeat
        transport = httpx.MockTransport(graph_handler)
        async with connect(connection, clock=JumpingClock(), random=chance, transport=transport) as graph:
            assert not entra.discoveries
            assert [group.name for group in await graph.directory.groups("Alla")] == ["Alla"]
            profiles = await asyncio.gather(*(graph.calendars.profile(str(number)) for number in range(20)))
            assert profiles == [Profile(Purpose.SHARED)] * 20
            assert await graph.tokens.roles() == {"Calendars.ReadWrite"}
            assert (graph.counts.requests, graph.counts.calls, len(entra.forms)) == (2, 21, 1)
        assert {request.url.host for request in seen} == {"graph.microsoft.com"}
        with pytest.raises(Unreachable, match="closed"):
            await graph.calendars.profile("1")


def test_the_sdk_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, graph_client.connect; sys.exit(any(m.split('.')[0] == 'msgraph' for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code
