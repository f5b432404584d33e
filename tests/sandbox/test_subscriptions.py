"""Subscriptions: how they are made, and refused, how long they last, and who may look at them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox import Clock, Sandbox, Tenant, firm
from sandbox.faults import Fault
from sandbox.transport import InProcess
from tests.sandbox.graph import IMMUTABLE, NOW, Graph, of
from tests.sandbox.webhook import LIFECYCLE_URL, URL, Webhook, asked, subscribe


@pytest.fixture
def webhook(graph: Graph) -> Webhook:
    webhook = Webhook()
    graph.sandbox.courier.reach_by(webhook)
    return webhook


def minutes(tenant: Tenant, number: float) -> str:
    return (tenant.clock.now() + timedelta(minutes=number)).isoformat()


async def test_a_subscription_is_made_after_both_endpoints_have_agreed(
    graph: Graph, tenant: Tenant, webhook: Webhook
) -> None:
    reply = await subscribe(graph)
    assert reply.status == 201
    body = reply.body
    assert {name: body[name] for name in ("changeType", "clientState", "notificationUrl", "resource")} == {
        "changeType": "created,updated,deleted",
        "clientState": "b0f3",
        "notificationUrl": URL,
        "resource": of(tenant)[1:] + "/events",
    }
    assert body["applicationId"] == tenant.client_id
    assert datetime.fromisoformat(body["expirationDateTime"]) == NOW + timedelta(days=1)
    assert [str(one.url).partition("?")[0] for one in webhook.handshakes] == [URL, LIFECYCLE_URL]
    for one in webhook.handshakes:
        assert one.headers["content-type"] == "text/plain; charset=utf-8"
        assert one.content == b""
    assert tenant.counts.subscriptions == {"made": 1}
    (account,) = {one.account_id for one in tenant.notices.subscriptions}
    assert account == tenant.employees[0].id


async def test_equal_addresses_are_asked_twice_and_queries_of_ones_own_are_kept(graph: Graph, webhook: Webhook) -> None:
    url = f"{URL}?code=k%2By"
    reply = await subscribe(graph, notificationUrl=url, lifecycleNotificationUrl=url)
    assert reply.status == 201
    assert len(webhook.handshakes) == 2
    assert all(str(one.url).startswith(f"{url}&validationToken=Validation") for one in webhook.handshakes)
    assert (await subscribe(graph, lifecycleNotificationUrl=None)).status == 201
    assert len(webhook.handshakes) == 3


def raising(error: Exception) -> Any:
    def answer(_: str) -> httpx.Response:
        raise error

    return answer


@pytest.mark.parametrize(
    "echo",
    [
        lambda token: httpx.Response(202, text=token),
        lambda token: httpx.Response(200, json=token),
        lambda token: httpx.Response(200, html=token),
        lambda token: httpx.Response(200, text=token + "\n"),
        lambda token: httpx.Response(200, text=f'"{token}"'),
        lambda token: httpx.Response(200, text=token.replace(" ", "+")),
        lambda token: httpx.Response(200, text=token.replace("+", " ")),
        lambda token: httpx.Response(200, text=token.replace("%2B", "+")),
        lambda token: httpx.Response(302, text=token, headers={"Location": URL}),
        lambda _: httpx.Response(500),
        raising(httpx.ConnectError("nobody is there")),
        raising(httpx.ReadTimeout("too slow")),
    ],
    ids=[
        "202",
        "json",
        "html",
        "newline",
        "quotes",
        "undecoded",
        "spaces",
        "twice-decoded",
        "redirect",
        "500",
        "nobody",
        "slow",
    ],
)
async def test_an_endpoint_that_does_not_repeat_the_token(
    graph: Graph, tenant: Tenant, webhook: Webhook, echo: Any
) -> None:
    webhook.echo = echo
    reply = await subscribe(graph)
    assert (reply.status, reply.code) == (400, "ValidationError")
    assert "Subscription validation request" in reply.body["error"]["message"]
    assert len(tenant.notices.subscriptions) == 0
    assert tenant.counts.subscriptions == {}


async def test_an_answer_that_comes_too_late_by_the_clock(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    def slow(seconds: float) -> Any:
        def echo(token: str) -> httpx.Response:
            tenant.clock.advance(timedelta(seconds=seconds))
            return httpx.Response(200, text=token)

        return echo

    webhook.echo = slow(11)
    late = await subscribe(graph)
    assert (late.status, late.body["error"]["message"]) == (400, "Subscription validation request timed out.")
    webhook.echo = slow(9)
    assert (await subscribe(graph)).status == 201


async def test_nobody_can_be_reached_where_nothing_is_said_of_how(graph: Graph) -> None:
    assert (await subscribe(graph)).status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"notificationUrl": "http://holdfast.example/"},
        {"notificationUrl": None},
        {"notificationUrl": "https://"},
        {"notificationUrl": "https://holdfast.example/#there"},
        {"lifecycleNotificationUrl": "ftp://holdfast.example/"},
        {"changeType": ""},
        {"changeType": None},
        {"changeType": "created,moved"},
        {"changeType": "Created"},
        {"resource": None},
        {"resource": "users"},
        {"resource": "users/x/events?$filter=isAllDay"},
        {"resource": "users/x/messages"},
        {"resource": "me/events"},
        {"expirationDateTime": None},
        {"expirationDateTime": "soon"},
        {"expirationDateTime": "2026-11-26T09:00:00"},
        {"expirationDateTime": "2026-11-25T08:59:59Z"},
        {"expirationDateTime": "2026-12-02T09:00:01Z"},
        {"clientState": "x" * 129},
        {"clientState": 5},
        {"latestSupportedTlsVersion": "v2"},
        {"includeResourceData": True},
        {"encryptionCertificateId": "mine"},
        {"id": "mine"},
        {"colour": "green"},
    ],
    ids=str,
)
async def test_what_is_refused_before_anybody_is_asked(graph: Graph, webhook: Webhook, wrong: dict[str, Any]) -> None:
    reply = await subscribe(graph, **wrong)
    assert reply.status == 400
    assert webhook.handshakes == []


async def test_the_shortest_and_the_longest(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    assert webhook
    short = await subscribe(graph, expirationDateTime=minutes(tenant, 5), clientState="x" * 128)
    assert datetime.fromisoformat(short.body["expirationDateTime"]) == NOW + timedelta(minutes=45)
    long = await subscribe(graph, expirationDateTime="2026-12-02T10:00:00.0000000+01:00")
    assert datetime.fromisoformat(long.body["expirationDateTime"]) == NOW + timedelta(minutes=10_080)
    tenant.notices.facts = replace(tenant.notices.facts, longer_is_refused=False)
    clipped = await subscribe(graph, expirationDateTime=minutes(tenant, 20_000))
    assert clipped.body["expirationDateTime"] == long.body["expirationDateTime"]


async def test_who_may_not_read_the_calendar_may_not_subscribe(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    application = tenant.applications[0]
    tenant.notices.facts = replace(tenant.notices.facts, write_permission_subscribes=False)
    assert (await subscribe(graph)).status == 403
    application.roles.add("Calendars.Read")
    await graph.sign_in()
    assert (await subscribe(graph)).status == 201
    application.limit_to([tenant.employees[1].id])
    await graph.sign_in()
    denied = await subscribe(graph)
    assert (denied.status, denied.code) == (403, "ErrorAccessDenied")
    assert (await subscribe(graph, 1)).status == 201
    assert len(webhook.handshakes) == 4


async def test_mailboxes_that_are_not_there_or_closed(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    unknown = await subscribe(graph, resource="users/nobody@fjallvik.example/events")
    assert (unknown.status, unknown.code) == (404, "ResourceNotFound")
    guest = next(one for one in tenant.accounts if one.mailbox is None)
    none = await subscribe(graph, resource=f"users/{guest.id}/events")
    assert (none.status, none.code) == (404, "MailboxNotEnabledForRESTAPI")
    mailbox = tenant.mailbox(tenant.employees[0].id)
    mailbox.denied = True
    assert (await subscribe(graph)).status == 403
    mailbox.denied = False
    assert (await subscribe(graph, resource=f"/Users/{tenant.employees[0].address}/Events")).status == 201
    assert len(webhook.handshakes) == 2


async def test_who_signed_in_has_only_their_own(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    assert webhook
    tenant.login.scopes.add("Calendars.Read")
    graph.token = graph.sandbox.token_of(tenant, tenant.employees[0], "Calendars.Read")
    made = await subscribe(graph, resource="me/events")
    assert (made.status, made.body["creatorId"]) == (201, tenant.employees[0].id)
    assert (await subscribe(graph, 1)).status == 403
    assert [one["id"] for one in (await graph.get("/subscriptions")).body["value"]] == [made.body["id"]]
    await graph.sign_in()
    assert (await graph.get("/subscriptions")).body["value"] == []
    assert (await graph.get(f"/subscriptions/{made.body['id']}")).status == 404


async def test_the_quota_of_a_mailbox(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    assert webhook
    tenant.notices.limits = replace(tenant.notices.limits, per_mailbox=2)
    first, second, third = [await subscribe(graph) for _ in range(3)]
    assert [one.status for one in (first, second, third)] == [201, 201, 403]
    assert "limit of 2 subscriptions" in third.body["error"]["message"]
    assert (await subscribe(graph, 1)).status == 201
    assert (await graph.delete(f"/subscriptions/{second.body['id']}")).status == 204
    assert (await subscribe(graph)).status == 201


async def test_renewing_and_what_is_not_changed_by_it(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    made = (await subscribe(graph)).body
    path = f"/subscriptions/{made['id']}"
    tenant.clock.advance(timedelta(hours=20))
    await graph.sign_in()
    renewed = await graph.patch(path, {"expirationDateTime": minutes(tenant, 10_000)})
    assert (renewed.status, renewed.body["clientState"]) == (200, "b0f3")
    assert datetime.fromisoformat(renewed.body["expirationDateTime"]) == NOW + timedelta(hours=20, minutes=10_000)
    for wrong in ({}, {"notificationUrl": URL}, {"expirationDateTime": minutes(tenant, 10_081)}, {"clientState": "1"}):
        assert (await graph.patch(path, wrong)).status == 400
    assert len(webhook.handshakes) == 2
    tenant.notices.facts = replace(tenant.notices.facts, renewals_validate=True, client_state_is_told=False)
    webhook.echo = lambda _: httpx.Response(503)
    assert (await graph.patch(path, {"expirationDateTime": minutes(tenant, 100)})).status == 400
    assert (await graph.get(path)).body["clientState"] is None
    assert tenant.counts.subscriptions == {"made": 1, "renewed": 1}


async def test_what_is_over_is_gone(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    assert webhook
    made = (await subscribe(graph)).body
    kept = (await subscribe(graph, expirationDateTime=minutes(tenant, 3_000))).body
    mailbox = tenant.mailbox(tenant.employees[0].id)
    tenant.clock.set(NOW + timedelta(days=1) - timedelta(seconds=1))
    await graph.sign_in()
    assert (await graph.get(f"/subscriptions/{made['id']}")).status == 200
    tenant.clock.advance(timedelta(seconds=1))
    await graph.sign_in()
    for method, body in (("GET", None), ("PATCH", {"expirationDateTime": minutes(tenant, 60)}), ("DELETE", None)):
        gone = await graph.ask(method, f"/subscriptions/{made['id']}", body)
        assert (gone.status, gone.code) == (404, "ResourceNotFound")
    assert (await graph.post(f"/subscriptions/{made['id']}/reauthorize", None)).status == 404
    assert [one["id"] for one in (await graph.get("/subscriptions")).body["value"]] == [kept["id"]]
    assert tenant.counts.subscriptions == {"made": 2, "lapsed": 1}
    assert mailbox.watch is not None
    tenant.clock.advance(timedelta(days=3))
    assert len(tenant.notices.subscriptions) == 0
    assert mailbox.watch is None


async def test_the_list_comes_in_pages(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    assert webhook
    made = [(await subscribe(graph, number)).body["id"] for number in range(5)]
    tenant.notices.limits = replace(tenant.notices.limits, page=2)
    pages = await graph.pages("/subscriptions")
    assert [[one["id"] for one in page] for page in pages] == [made[:2], made[2:4], made[4:]]
    assert (await graph.get("/subscriptions?$top=1")).status == 400
    tenant.faults.script(Fault.EMPTY_PAGE)
    pages = await graph.pages("/subscriptions")
    assert [len(page) for page in pages] == [0, 2, 2, 1]


async def test_reauthorizing_in_a_batch(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    assert webhook
    item = {"id": "1", "method": "POST", "url": "/subscriptions", "body": asked(tenant)}
    made = (await graph.batch({**item, "headers": {"Content-Type": "application/json", **IMMUTABLE}}))["1"]
    assert made["status"] == 201
    assert tenant.notices.subscriptions.of(tenant.employees[0].id)[0].immutable_ids
    again = await graph.post(f"/subscriptions/{made['body']['id']}/reauthorize", None)
    assert (again.status, again.body) == (204, None)
    assert tenant.counts.subscriptions == {"made": 1, "reauthorized": 1}
    assert tenant.counts.paths["POST /subscriptions/*/reauthorize"] == 1
    for method, path in (("PUT", "/subscriptions"), ("POST", "/subscriptions/x/renew"), ("GET", "/subscriptions/x/y")):
        assert (await graph.ask(method, path)).status in (400, 405)


@pytest.mark.parametrize("fault", [Fault.ERROR_504_AFTER, Fault.LATE_WRITE])
async def test_one_may_be_made_and_not_told_of(graph: Graph, tenant: Tenant, webhook: Webhook, fault: Fault) -> None:
    assert webhook
    tenant.faults.script(fault)
    assert (await subscribe(graph)).status == 504
    assert len((await graph.get("/subscriptions")).body["value"]) == 1


async def test_the_pace_of_writes() -> None:
    clock = Clock()
    tenant = firm(people=2, seed=1, clock=clock, calendars=False)
    sandbox = Sandbox()
    sandbox.add(tenant)
    sandbox.courier.reach_by(Webhook())
    tenant.notices.limits = replace(tenant.notices.limits, writes=2, calls=4)
    graph = Graph(sandbox, tenant)
    async with graph.http:
        await graph.sign_in()
        replies = [await subscribe(graph) for _ in range(3)]
        assert [one.status for one in replies] == [201, 201, 429]
        assert 1 <= int(replies[-1].headers["retry-after"]) <= 20
        tenant.counts.early_retries = 0
        assert [(await graph.get("/subscriptions")).status for _ in range(2)] == [200, 429]
        clock.advance(timedelta(seconds=21))
        assert (await subscribe(graph)).status == 201
    assert tenant.counts.throttled == {"SubscriptionWrites": 1, "SubscriptionCalls": 1}


async def test_an_application_as_the_endpoint(graph: Graph, tenant: Tenant) -> None:

    async def hear(request: Request) -> Response:
        return PlainTextResponse(request.query_params["validationToken"])

    app = Starlette(routes=[Route("/api/{what}", hear, methods=["POST"])])
    graph.sandbox.courier.reach(app, clock=tenant.clock)
    assert isinstance(graph.sandbox.courier.transport, InProcess)
    assert (await subscribe(graph)).status == 201
    elsewhere = await subscribe(graph, notificationUrl="https://holdfast.example/nothing")
    assert "not with 404" in elsewhere.body["error"]["message"]
