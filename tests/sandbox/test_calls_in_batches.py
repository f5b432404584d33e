"""``$batch``: what makes a batch bad, what its items do not share, and how they are worked on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sandbox import Exchange, Tenant
from tests.sandbox.graph import IMMUTABLE, Graph, event, of, single

JSON = {"Content-Type": "application/json"}


def get(item: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": item, "method": "GET", "url": url, **more}


def post(item: str, url: str, body: Any, **more: Any) -> dict[str, Any]:
    return {"id": item, "method": "POST", "url": url, "headers": dict(JSON), "body": body, **more}


async def test_answers_come_by_id_in_any_order_and_each_has_its_own_status(graph: Graph, tenant: Tenant) -> None:
    requests = [get(str(n), f"{of(tenant, n)}/mailboxSettings/userPurpose") for n in range(10)]
    requests.append(get("lost", f"{of(tenant)}/events/lost"))
    reply = await graph.post("/$batch", {"requests": requests})
    assert reply.status == 200
    answers = reply.body["responses"]
    assert sorted(one["id"] for one in answers) == sorted(one["id"] for one in requests)
    assert [one["id"] for one in answers] != [one["id"] for one in requests]
    assert Counter(one["status"] for one in answers) == {200: 10, 400: 1}
    lost = next(one for one in answers if one["id"] == "lost")
    assert lost["body"]["error"]["code"] == "ErrorInvalidIdMalformed"
    assert lost["headers"]["Content-Type"] == "application/json"
    assert tenant.counts.requests == 1
    assert tenant.counts.calls["GET", "mailboxSettings"] == 10


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"requests": []},
        {"requests": "all"},
        {"requests": ["GET /users"]},
        {"requests": [get(str(n), "/groups") for n in range(21)]},
        {"requests": [get("a", "/groups"), get("A", "/groups")]},
        {"requests": [{"method": "GET", "url": "/groups"}]},
        {"requests": [{"id": 1, "method": "GET", "url": "/groups"}]},
        {"requests": [{"id": "1", "method": "FETCH", "url": "/groups"}]},
        {"requests": [{"id": "1", "method": "POST", "url": "/users/x/events", "body": {}}]},
        {"requests": [{"id": "1", "method": "POST", "url": "/users/x/events", "headers": JSON}]},
        {"requests": [get("1", "/groups"), get("2", "/groups", dependsOn=["1", "1"])]},
        {"requests": [get("1", "/groups"), get("2", "/groups", dependsOn=["3"])]},
        {"requests": [get("1", "/groups", dependsOn=["2"]), get("2", "/groups")]},
        {"requests": [get("1", "/groups"), get("2", "/groups"), get("3", "/groups", dependsOn=["1"])]},
    ],
)
async def test_a_bad_batch_is_refused_whole(graph: Graph, tenant: Tenant, body: Any) -> None:
    reply = await graph.post("/$batch", body)
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert not tenant.counts.calls


async def test_headers_of_the_batch_are_not_those_of_its_items(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single())
    path = of(tenant) + event(made["id"])
    items = [get("bare", path), get("own", path, headers={**IMMUTABLE, "client-request-id": "mine"})]
    reply = await graph.post("/$batch", {"requests": items}, **IMMUTABLE)
    ids = {one["id"]: one["body"]["id"] for one in reply.body["responses"]}
    assert ids["bare"] == made["id"]
    assert ids["own"] != made["id"]
    stale = {
        "id": "0",
        "method": "DELETE",
        "url": path,
        "headers": {"If-Match": 'W/"old"', "client-request-id": "mine"},
    }
    refused = (await graph.batch(stale))["0"]
    assert refused["status"] == 412
    assert refused["body"]["error"]["innerError"]["client-request-id"] == "mine"


async def test_writes_in_a_batch(graph: Graph, tenant: Tenant) -> None:
    made = (await graph.batch(post("0", f"{of(tenant)}/events", single())))["0"]
    assert made["status"] == 201
    path = of(tenant) + event(made["body"]["id"])
    gone = (await graph.batch({"id": "0", "method": "DELETE", "url": path}))["0"]
    assert gone == {"id": "0", "status": 204, "headers": {}}
    assert tenant.counts.writes == 2


async def test_an_item_with_a_bad_address_is_its_own_misfortune(graph: Graph) -> None:
    found = await graph.batch(
        get("version", "/v1.0/groups"),
        get("twice", "/groups?$top=1&$top=1"),
        get("inner", "/$batch"),
        get("ok", "groups"),
    )
    assert {name: one["status"] for name, one in found.items()} == {
        "version": 400,
        "twice": 400,
        "inner": 400,
        "ok": 200,
    }


async def test_a_chain_is_worked_in_order_and_breaks_at_a_failure(graph: Graph, tenant: Tenant) -> None:
    events = f"{of(tenant)}/events"
    found = await graph.batch(
        post("1", events, single(subject="1")),
        post("2", events, single(colour="red"), dependsOn=["1"]),
        post("3", events, single(subject="3"), dependsOn=["2"]),
    )
    assert {name: one["status"] for name, one in found.items()} == {"1": 201, "2": 400, "3": 424}
    assert len(tenant.mailbox(tenant.employees[0].id).events) == 1


async def test_all_may_wait_for_the_first(graph: Graph, tenant: Tenant) -> None:
    events = f"{of(tenant)}/events"
    found = await graph.batch(
        post("1", events, single(subject="1")),
        *(post(str(n), events, single(subject=str(n)), dependsOn=["1"]) for n in range(2, 6)),
    )
    assert {one["status"] for one in found.values()} == {201}
    assert [one.values["subject"] for one in tenant.mailbox(tenant.employees[0].id).events] == list("12345")


async def test_observers_see_each_item_and_the_batch(graph: Graph, tenant: Tenant) -> None:
    seen: list[Exchange] = []
    graph.sandbox.observers.append(seen.append)
    await graph.batch(post("0", f"{of(tenant)}/events?", single()), get("1", f"{of(tenant)}/events?$top=5"))
    await graph.get("/groups?$top=5")
    assert [(one.method, one.path.partition("?")[0].rpartition("/")[2], one.status, one.in_batch) for one in seen] == [
        ("POST", "events", 201, True),
        ("GET", "events", 200, True),
        ("POST", "$batch", 200, False),
        ("GET", "groups", 200, False),
    ]
    assert seen[0].request_body == single()
    assert seen[0].request_headers["content-type"] == "application/json"
    assert seen[0].response_body["subject"] == "Lunch"
    assert seen[3].path == "/groups?$top=5"


async def test_a_batch_needs_a_token(graph: Graph) -> None:
    graph.token = "nonsense"
    reply = await graph.post("/$batch", {"requests": [get("1", "/groups")]})
    assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")
