"""Groups by the SDK's typed road, members by the bulk road."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from graph_client.batch import Counts
from graph_client.directory import GraphDirectory
from graph_client.typed import TypedGraph
from holdfast.core.errors import Denied, Gone, GraphError, NotSignedIn, Throttled, Unexpected, Unreachable
from holdfast.core.model import Group, Person
from tests.graph_client.world import (
    BASE,
    CONNECTION,
    FreeTokens,
    InTurn,
    JumpingClock,
    PretendGraph,
    Reply,
    error,
    road,
)

GROUP_ID = "5e6f7a8b-9c0d-4e1f-8a2b-3c4d5e6f7a8b"
STAFF = {"id": GROUP_ID, "displayName": "Alla medarbetare", "mail": "alla@fjallvik.example"}
ANN = {
    "id": "1",
    "displayName": "Ann Åkesson",
    "mail": "Ann.Akesson@fjallvik.example",
    "userPrincipalName": "ann@fjallvik.example",
    "accountEnabled": True,
    "userType": "Member",
}

Handler = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def typed(handler: Handler) -> AsyncIterator[tuple[GraphDirectory, FreeTokens, Counts]]:
    tokens, counts = FreeTokens(), Counts()
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http, road(PretendGraph()) as way:
        chance = random.Random(5)  # noqa: S311 - tests repeat
        graph = TypedGraph(CONNECTION, http, tokens, clock=JumpingClock(), chance=chance, counts=counts)
        yield GraphDirectory(way.dispatcher, lambda: graph), tokens, counts


def found(*groups: dict[str, Any], link: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"value": list(groups), **({"@odata.nextLink": link} if link else {})})


def failed(status: int, code: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": "No."}}, headers=headers)


async def test_a_group_is_found_by_mail_or_name() -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return found(STAFF)

    async with typed(handler) as (directory, _, counts):
        assert await directory.groups("Å's grupp & co") == [
            Group(GROUP_ID, "Alla medarbetare", "alla@fjallvik.example")
        ]
    (request,) = asked
    assert request.url.path == "/v1.0/groups"
    assert dict(request.url.params) == {
        "$filter": "mail eq 'Å''s grupp & co' or displayName eq 'Å''s grupp & co'",
        "$select": "id,displayName,mail",
    }
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["prefer"] == 'IdType="ImmutableId"'
    assert request.headers["client-request-id"]
    assert counts.requests == 1


async def test_all_groups_of_one_name_are_found_on_all_pages() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if "skiptoken" in str(request.url):
            return found({"id": "2", "displayName": "Alla"})
        return found({"id": "1", "displayName": "Alla"}, link=f"{BASE}/groups?$skiptoken=x")

    async with typed(handler) as (directory, _, _counts):
        assert await directory.groups("Alla") == [Group("1", "Alla"), Group("2", "Alla")]


async def test_no_group() -> None:
    async with typed(lambda _: found()) as (directory, _, _counts):
        assert await directory.groups("Ingen") == []


async def test_an_id_is_looked_up_as_one() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url.path == f"/v1.0/groups/{GROUP_ID}"
        return httpx.Response(200, json=STAFF)

    async with typed(handler) as (directory, _, _counts):
        assert [group.id for group in await directory.groups(GROUP_ID)] == [GROUP_ID]


async def test_a_name_may_look_like_an_id() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        by_id = request.url.path.endswith(GROUP_ID)
        return failed(404, "Request_ResourceNotFound") if by_id else found({"id": "1", "displayName": GROUP_ID})

    async with typed(handler) as (directory, _, _counts):
        assert await directory.groups(GROUP_ID) == [Group("1", GROUP_ID)]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (failed(403, "Authorization_RequestDenied"), Denied),
        (failed(400, "BadRequest"), Unexpected),
        (failed(429, "TooManyRequests", **{"Retry-After": "600"}), Throttled),
        (httpx.Response(502, text="<html>Bad gateway</html>"), Unreachable),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), Unexpected),
        (httpx.Response(200, json={}), Unexpected),
        (found({"displayName": "no id"}), Unexpected),
        (found(link="https://elsewhere.example/v1.0/groups"), Unexpected),
    ],
)
async def test_what_the_sdk_raises_becomes_ours(response: httpx.Response, kind: type[GraphError]) -> None:
    async with typed(lambda _: response) as (directory, _, _counts):
        with pytest.raises(kind) as caught:
            await directory.groups("Alla")
    assert type(caught.value) is kind
    if kind is Denied:
        assert "GroupMember.Read.All (application)" in caught.value.cure
        assert caught.value.request_id
    if isinstance(caught.value, Throttled):
        assert caught.value.retry_after == 600


async def test_a_lost_connection_is_unreachable() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with typed(handler) as (directory, _, _counts):
        with pytest.raises(Unreachable):
            await directory.groups("Alla")


async def test_a_rejected_token_is_renewed_once() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        fresh = request.headers["authorization"] == "Bearer token-2"
        return found(STAFF) if fresh else failed(401, "InvalidAuthenticationToken")

    async with typed(handler) as (directory, tokens, counts):
        assert len(await directory.groups("Alla")) == 1
        assert (tokens.number, counts.requests) == (2, 2)


async def test_a_token_rejected_twice_is_no_sign_in() -> None:
    async with typed(lambda _: failed(401, "InvalidAuthenticationToken")) as (directory, _, counts):
        with pytest.raises(NotSignedIn):
            await directory.groups("Alla")
        assert counts.requests == 2


async def test_without_a_token_there_is_no_answer() -> None:
    async with typed(lambda _: found()) as (directory, tokens, _counts):
        tokens.failure = NotSignedIn("Wrong secret.")
        with pytest.raises(NotSignedIn, match="Wrong secret"):
            await directory.groups("Alla")


async def members(*replies: Reply) -> list[Person]:
    async with road(PretendGraph(reply=InTurn(*replies))) as way:
        directory = GraphDirectory(way.dispatcher, lambda: pytest.fail("members take the bulk road"))
        people = [person async for person in directory.members(GROUP_ID)]
        url = urlsplit(way.graph.items[0]["url"])
        assert url.path == f"/groups/{GROUP_ID}/transitiveMembers/microsoft.graph.user"
        assert url.query == "$select=id,displayName,mail,userPrincipalName,accountEnabled,userType&$top=999"
        return people


async def test_members_of_all_pages() -> None:
    link = f"{BASE}/groups/{GROUP_ID}/transitiveMembers/microsoft.graph.user?$skiptoken=x"
    guest = {**ANN, "id": "2", "userType": "Guest", "displayName": None, "mail": None}
    off = {**ANN, "id": "3", "accountEnabled": False, "userType": None}
    assert await members((200, {}, {"value": [ANN], "@odata.nextLink": link}), (200, {}, {"value": [guest, off]})) == [
        Person("1", "Ann Åkesson", "Ann.Akesson@fjallvik.example", "ann@fjallvik.example"),
        Person("2", "ann@fjallvik.example", None, "ann@fjallvik.example", guest=True),
        Person("3", "Ann Åkesson", "Ann.Akesson@fjallvik.example", "ann@fjallvik.example", enabled=False),
    ]


@pytest.mark.parametrize(
    "gap",
    [
        {"@odata.type": "#microsoft.graph.user", "id": "2"},
        {**dict.fromkeys(ANN), "id": "2"},
        {**ANN, "accountEnabled": None},
    ],
)
async def test_accounts_that_cannot_be_read_are_a_missing_permission(gap: dict[str, Any]) -> None:
    with pytest.raises(Denied) as caught:
        await members((200, {}, {"value": [ANN, gap]}))
    assert "User.Read.All (application)" in caught.value.cure


async def test_members_of_an_unknown_group() -> None:
    with pytest.raises(Gone):
        await members(error(404, "Request_ResourceNotFound"))


async def test_members_without_the_permission() -> None:
    with pytest.raises(Denied) as caught:
        await members(error(403, "Authorization_RequestDenied"))
    assert "GroupMember.Read.All (application) and User.Read.All (application)" in caught.value.cure
