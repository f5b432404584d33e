"""Notifications: what is told of which change, how it is delivered, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time as machine
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from sandbox import LIFECYCLE, Clock, Mishap, Person, Sandbox, Tenant, firm, serving
from sandbox.__main__ import main
from sandbox.transport import InProcess
from tests.sandbox.graph import IMMUTABLE, NOW, Graph, event, of, single, weekly
from tests.sandbox.webhook import LIFECYCLE_URL, URL, Webhook, asked, subscribe


@pytest.fixture
def webhook(graph: Graph) -> Webhook:
    webhook = Webhook()
    graph.sandbox.courier.reach_by(webhook)
    return webhook


@pytest.fixture
def person(tenant: Tenant) -> Person:
    return Person(tenant, tenant.employees[0])


async def pump(tenant: Tenant, seconds: float = 0) -> int:
    tenant.clock.advance(timedelta(seconds=seconds))
    return await tenant.notices.pump()


def dates(tenant: Tenant) -> list[str]:
    found = tenant.calendar(tenant.employees[0].id, NOW, NOW + timedelta(days=60))
    return [one.id for one in found if one.subject == "Lärtid"]


def book(person: Person, subject: str = "Fika") -> str:
    return person.book(subject, NOW + timedelta(days=1), NOW + timedelta(days=1, hours=1))


# What is told


async def test_without_subscribers_nothing_is_told(graph: Graph, tenant: Tenant, person: Person) -> None:
    await graph.made(f"{of(tenant)}/events", single())
    assert person.mailbox.watch is None
    assert (tenant.notices.waiting, tenant.notices.due, await pump(tenant)) == ([], None, 0)
    assert tenant.counts.notifications == {}


async def test_subscribers_change_nothing_but_what_is_told(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    before = tenant.chance.getstate()
    alone, after = book(person), tenant.chance.getstate()
    await subscribe(graph, headers=IMMUTABLE)
    tenant.chance.setstate(before)
    assert (book(person), tenant.chance.getstate()) == (alone, after)
    await pump(tenant)
    assert webhook.told() == {("created", alone): 1}


async def test_a_notification_as_graph_writes_it(graph: Graph, tenant: Tenant, webhook: Webhook) -> None:
    made = (await subscribe(graph)).body
    one = await graph.made(f"{of(tenant)}/events", single())
    assert await pump(tenant) == 1
    ((url, (item,)),) = webhook.posts
    assert url == URL
    assert item["resource"] == item["resourceData"]["@odata.id"]
    assert item.pop("resource").lower() == f"users/{tenant.employees[0].id}/events/{one['id']}".lower()
    item["resourceData"].pop("@odata.id")
    assert item == {
        "subscriptionId": made["id"],
        "subscriptionExpirationDateTime": made["expirationDateTime"],
        "changeType": "created",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.etag": one["@odata.etag"],
            "id": one["id"],
        },
        "clientState": "b0f3",
        "tenantId": tenant.id,
    }
    assert tenant.counts.notifications == {"raised": 1, "requests": 1, "retried": 0, "sent": 1, "lifecycle": 0}


async def test_ids_are_of_the_form_that_the_subscription_was_made_with(
    graph: Graph, tenant: Tenant, webhook: Webhook
) -> None:
    await subscribe(graph, headers=IMMUTABLE)
    await subscribe(graph)
    one = await graph.made(f"{of(tenant)}/events", single(), **IMMUTABLE)
    await pump(tenant)
    first, second = [item["resourceData"]["id"] for item in webhook.items]
    assert first == one["id"] != second
    assert (await graph.get(f"{of(tenant)}{event(second)}", **IMMUTABLE)).body["id"] == first


async def test_single_events_of_people_and_of_ourselves(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    await subscribe(graph, headers=IMMUTABLE)
    theirs = book(person)
    person.move(theirs, NOW + timedelta(days=2))
    person.reword(theirs, subject="Lunch")
    copy = person.copy(theirs)
    person.delete(theirs)
    ours = (await graph.made(f"{of(tenant)}/events", single(), **IMMUTABLE))["id"]
    await graph.patch(f"{of(tenant)}{event(ours)}", {"showAs": "free"})
    await graph.delete(f"{of(tenant)}{event(ours)}")
    assert (await graph.delete(f"{of(tenant)}{event(ours)}")).status == 404
    Person(tenant, tenant.employees[1]).book("Annat", NOW, NOW)
    await pump(tenant)
    assert webhook.told() == {
        ("created", theirs): 1,
        ("updated", theirs): 2,
        ("created", copy): 1,
        ("deleted", theirs): 1,
        ("created", ours): 1,
        ("updated", ours): 1,
        ("deleted", ours): 1,
    }


@pytest.mark.parametrize("too", [False, True])
async def test_what_happens_to_one_date_is_told_of_the_series(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person, *, too: bool
) -> None:
    series = (await graph.made(f"{of(tenant)}/events", weekly(last="2026-12-24"), **IMMUTABLE))["id"]
    await subscribe(graph, headers=IMMUTABLE)
    tenant.notices.facts = replace(tenant.notices.facts, occurrences_notify_too=too)
    first, second, *_ = dates(tenant)
    person.move(first, NOW + timedelta(days=7))
    person.delete(second)
    await graph.patch(f"{of(tenant)}{event(first)}", {"subject": "Annat"})
    await pump(tenant)
    of_dates = {("updated", first): 2, ("updated", second): 1} if too else {}
    assert webhook.told() == {("updated", series): 3, **of_dates}
    webhook.posts.clear()
    person.move_series(series, time(10))
    person.delete_series(series)
    await pump(tenant)
    assert webhook.told() == {("updated", series): 1, ("deleted", series): 1}


async def test_a_series_that_goes_with_its_last_date(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    series = (await graph.made(f"{of(tenant)}/events", weekly(last="2026-12-10"), **IMMUTABLE))["id"]
    await subscribe(graph, headers=IMMUTABLE)
    for one in dates(tenant):
        person.delete(one)
    await pump(tenant)
    assert webhook.told() == {("updated", series): 1, ("deleted", series): 1}


async def test_meetings_and_answers(graph: Graph, tenant: Tenant, webhook: Webhook, person: Person) -> None:
    await subscribe(graph, headers=IMMUTABLE)
    await subscribe(graph, 1, headers=IMMUTABLE)
    host = Person(tenant, tenant.employees[1])
    meetings = [host.invite([person.account], name, NOW, NOW + timedelta(hours=1)) for name in ("Ett", "Två")]
    copies = [person.mailbox.id_of(one) for one in person.mailbox.events]
    person.accept(copies[0])
    person.decline(copies[1])
    await pump(tenant)
    told = webhook.told()
    assert told == {
        **{("created", one): 1 for one in (*meetings, *copies)},
        **{("updated", one): 1 for one in (*meetings, copies[0])},
        ("deleted", copies[1]): 1,
    }


async def test_only_what_was_asked_for(graph: Graph, tenant: Tenant, webhook: Webhook, person: Person) -> None:
    await subscribe(graph, changeType="deleted,created")
    one = book(person)
    person.show_as(one, "free")
    person.delete(one)
    await pump(tenant)
    assert [item["changeType"] for item in webhook.items] == ["created", "deleted"]
    tenant.notices.facts = replace(tenant.notices.facts, creations_update_too=True)
    await subscribe(graph, 1)
    Person(tenant, tenant.employees[1]).be_away(NOW.date())
    await pump(tenant)
    assert [item["changeType"] for item in webhook.items][2:] == ["created", "updated"]


async def test_after_its_end_nothing_is_told(graph: Graph, tenant: Tenant, webhook: Webhook, person: Person) -> None:
    await subscribe(graph)
    tenant.clock.advance(timedelta(days=1))
    book(person)
    assert await pump(tenant) == 0
    assert webhook.items == []
    assert tenant.counts.subscriptions["lapsed"] == 1


# How it is delivered


async def test_items_share_a_request_and_come_by_the_clock(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    await subscribe(graph)
    await subscribe(graph, notificationUrl="https://elsewhere.example/")
    tenant.notices.limits = replace(tenant.notices.limits, items_per_post=3, latency=(5.0, 20.0))
    for number in range(4):
        book(person, str(number))
    due = tenant.notices.due
    assert due is not None
    assert timedelta(seconds=5) <= due - NOW < timedelta(seconds=20)
    assert await pump(tenant, 4.9) == 0
    assert len(tenant.notices.waiting) == 8
    assert await pump(tenant, 15.1) == 4
    assert sorted((url, len(items)) for url, items in webhook.posts) == [
        ("https://elsewhere.example/", 1),
        ("https://elsewhere.example/", 3),
        (URL, 1),
        (URL, 3),
    ]
    assert len({item["resource"].partition("/")[0] for item in webhook.items}) == 2
    assert tenant.notices.due is None


def taking(tenant: Tenant, seconds: float, status: int = 202) -> Callable[[], httpx.Response]:
    def answer() -> httpx.Response:
        tenant.clock.advance(timedelta(seconds=seconds))
        return httpx.Response(status)

    return answer


@pytest.mark.parametrize(
    ("status", "seconds", "taken"),
    [(202, 2.9, True), (200, 0, True), (204, 0, True), (202, 3.1, False), (503, 0, False), (400, 0, False)],
)
async def test_what_counts_as_taken(  # noqa: PLR0917 - fixtures and cases
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person, status: int, seconds: float, *, taken: bool
) -> None:
    await subscribe(graph)
    book(person)
    webhook.answer = taking(tenant, seconds, status)
    await pump(tenant)
    assert tenant.counts.notifications["sent"] == taken
    assert len(tenant.notices.waiting) == (not taken)


async def test_retries_wait_twice_as_long_each_time_for_four_hours(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    await subscribe(graph)
    book(person)
    webhook.answer = lambda: httpx.Response(503)
    await pump(tenant)
    waits = []
    while tenant.notices.waiting[0].event_id is not None:
        due = tenant.notices.due
        assert due is not None
        waits.append((due - tenant.clock.now()).total_seconds())
        assert await pump(tenant, waits[-1]) == 1
    assert waits == [30.0 * 2**number for number in range(len(waits))]
    assert sum(waits) <= 4 * 3_600 < sum(waits) + 2 * waits[-1]
    assert tenant.counts.notifications["retried"] == len(waits)
    assert tenant.counts.notifications["dropped"] == 1
    assert tenant.notices.waiting[0].item["lifecycleEvent"] == "missed"
    webhook.answer = lambda: httpx.Response(202)
    webhook.posts.clear()
    await pump(tenant)
    assert webhook.told() == {("", "missed"): 1}


async def test_a_retry_may_take_ten_seconds(graph: Graph, tenant: Tenant, webhook: Webhook, person: Person) -> None:
    await subscribe(graph)
    book(person)
    webhook.answer = taking(tenant, 9)
    await pump(tenant)
    assert await pump(tenant, 30) == 1
    assert tenant.counts.notifications["sent"] == 1
    assert len(webhook.items) == 2


async def test_nobody_tries_again_for_who_has_left(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    made = (await subscribe(graph)).body["id"]
    book(person)
    assert (await graph.delete(f"/subscriptions/{made}")).status == 204
    webhook.answer = lambda: httpx.Response(404)
    assert await pump(tenant) == 1
    assert tenant.notices.waiting == []
    book(person)
    assert tenant.counts.notifications["raised"] == tenant.counts.notifications["dropped"] == 1


async def test_an_endpoint_that_is_often_slow_is_told_later(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    await subscribe(graph)
    tenant.notices.limits = replace(tenant.notices.limits, judged_from=5)
    webhook.answer = taking(tenant, 4)
    for answer in (taking(tenant, 4), *[taking(tenant, 0)] * 4):
        webhook.answer = answer
        book(person)
        await pump(tenant)
    now = tenant.clock.now()
    before = len(tenant.notices.waiting)
    book(person, "Sen")
    assert tenant.notices.waiting[-1].due == now + timedelta(minutes=10)
    assert len(tenant.notices.waiting) == before + 1
    tenant.clock.advance(timedelta(minutes=11))
    await pump(tenant)
    book(person)
    assert tenant.notices.due == tenant.clock.now()


async def test_to_one_that_is_slower_nothing_is_sent_for_a_while(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    await subscribe(graph)
    tenant.notices.limits = replace(tenant.notices.limits, judged_from=5)
    for answer in (*[taking(tenant, 0)] * 4, taking(tenant, 11)):
        webhook.answer = answer
        book(person)
        await pump(tenant)
    webhook.answer = taking(tenant, 0)
    sent = tenant.counts.notifications["sent"]
    book(person)
    book(person)
    assert await pump(tenant) == 0
    assert tenant.counts.notifications["dropped"] == 3
    webhook.posts.clear()
    assert await pump(tenant, 600) == 1
    assert webhook.told() == {("", "missed"): 1}
    book(person)
    await pump(tenant)
    assert tenant.counts.notifications["sent"] == sent + 2
    tenant.notices.facts = replace(tenant.notices.facts, drops_are_missed=False)
    tenant.notices.limits = replace(tenant.notices.limits, judged_from=1)
    webhook.answer = taking(tenant, 11)
    book(person)
    await pump(tenant)
    assert tenant.notices.waiting == []


async def test_an_application_that_does_not_answer_in_ten_seconds(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    await subscribe(graph)
    assert len(webhook.handshakes) == 2

    async def endless(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        await tenant.clock.sleep(3_600)

    graph.sandbox.courier.reach(endless, clock=tenant.clock)
    tenant.notices.limits = replace(tenant.notices.limits, judged_from=1)
    book(person)
    delivery = asyncio.create_task(tenant.notices.pump())
    for seconds in (5.0, 4.9, 0.1):
        for _ in range(20):
            await asyncio.sleep(0)
        assert not delivery.done()
        tenant.clock.advance(timedelta(seconds=seconds))
    assert await delivery == 1
    assert tenant.counts.notifications["dropped"] == 1
    assert tenant.notices.due == tenant.clock.now() + timedelta(minutes=10)
    assert isinstance(graph.sandbox.courier.transport, InProcess)
    await graph.sandbox.courier.transport.aclose()


# Lifecycle


async def test_lifecycle_notifications(graph: Graph, tenant: Tenant, webhook: Webhook, person: Person) -> None:
    made = (await subscribe(graph)).body
    one = next(iter(tenant.notices.subscriptions))
    for name in LIFECYCLE:
        tenant.notices.lifecycle(name, one)
    with pytest.raises(ValueError, match="no lifecycle event"):
        tenant.notices.lifecycle("cancelled", one)
    await pump(tenant)
    ((url, items),) = webhook.posts
    assert url == LIFECYCLE_URL
    assert items[0] == {
        "subscriptionId": made["id"],
        "subscriptionExpirationDateTime": made["expirationDateTime"],
        "tenantId": tenant.id,
        "clientState": "b0f3",
        "lifecycleEvent": "missed",
    }
    assert [item["lifecycleEvent"] for item in items] == list(LIFECYCLE)
    assert tenant.counts.notifications["lifecycle"] == 3
    assert (await graph.get(f"/subscriptions/{made['id']}")).status == 404
    assert tenant.counts.subscriptions == {"made": 1, "removed": 1}
    book(person)
    assert await pump(tenant) == 0


@pytest.mark.parametrize("way", ["reauthorize", "renew"])
async def test_without_a_new_authorisation_delivery_pauses(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person, way: str
) -> None:
    made = (await subscribe(graph)).body["id"]
    one = next(iter(tenant.notices.subscriptions))
    tenant.notices.lifecycle("reauthorizationRequired", one)
    tenant.clock.advance(timedelta(minutes=14))
    tenant.notices.lifecycle("reauthorizationRequired", one)
    book(person)
    await pump(tenant)
    assert len(webhook.items) == 3
    tenant.clock.advance(timedelta(minutes=2))
    book(person)
    assert await pump(tenant) == 0
    assert tenant.counts.notifications["paused"] == 1
    if way == "renew":
        ends = (tenant.clock.now() + timedelta(days=2)).isoformat()
        assert (await graph.patch(f"/subscriptions/{made}", {"expirationDateTime": ends})).status == 200
    else:
        assert (await graph.post(f"/subscriptions/{made}/reauthorize", None)).status == 204
    book(person)
    assert await pump(tenant) == 1


async def test_who_gave_no_lifecycle_address_is_not_told(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    await subscribe(graph, lifecycleNotificationUrl=None)
    tenant.notices.script(Mishap.REMOVED)
    book(person)
    assert await pump(tenant) == 0
    assert webhook.items == []
    assert len(tenant.notices.subscriptions) == 0


# Mishaps


async def kinds(tenant: Tenant, webhook: Webhook, seconds: float = 0) -> list[str]:
    webhook.posts.clear()
    await pump(tenant, seconds)
    return [item.get("changeType") or item["lifecycleEvent"] for item in webhook.items]


async def test_mishaps_one_by_one(graph: Graph, tenant: Tenant, webhook: Webhook, person: Person) -> None:
    await subscribe(graph)
    notices = tenant.notices
    one = book(person)
    notices.script(Mishap.LOST, times=2)
    person.show_as(one, "free")
    person.show_as(one, "busy")
    person.show_as(one, "oof")
    assert await kinds(tenant, webhook) == ["created", "updated"]
    notices.script(Mishap.LATE)
    person.show_as(one, "free")
    assert await kinds(tenant, webhook, 179) == []
    assert await kinds(tenant, webhook, 1) == ["updated"]
    notices.script(Mishap.DOUBLED)
    person.show_as(one, "busy")
    assert await kinds(tenant, webhook) == ["updated"]
    assert await kinds(tenant, webhook, 2) == ["updated"]
    notices.script(Mishap.REORDERED)
    person.show_as(one, "free")
    person.delete(one)
    two = book(person)
    assert await kinds(tenant, webhook) == ["deleted", "updated", "created"]
    notices.script(Mishap.FOLDED, times=3)
    person.show_as(two, "free")
    person.show_as(two, "oof")
    person.delete(two)
    assert await kinds(tenant, webhook) == ["deleted"]
    notices.script(Mishap.MISSED)
    book(person)
    assert await kinds(tenant, webhook) == ["missed"]
    notices.script(Mishap.REAUTHORIZE)
    book(person)
    assert sorted(await kinds(tenant, webhook)) == ["created", "reauthorizationRequired"]
    notices.script(Mishap.REMOVED)
    book(person)
    assert await kinds(tenant, webhook) == ["subscriptionRemoved"]
    assert set(notices.met) == set(Mishap) - {Mishap.FORGED}
    assert tenant.counts.notifications["lost"] == 4


async def test_forged_items_do_not_know_the_client_state(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    await subscribe(graph)
    tenant.notices.script(Mishap.FORGED, times=None, mailbox=person.account.id)
    for _ in range(20):
        book(person)
    await pump(tenant)
    right = [item for item in webhook.items if item.get("clientState") == "b0f3"]
    wrong = [item for item in webhook.items if item.get("clientState") != "b0f3"]
    assert len(right) == len(wrong) == tenant.counts.notifications["forged"] == 20
    assert {item["tenantId"] == tenant.id for item in wrong} == {True, False}
    assert {"clientState" in item for item in wrong} == {True, False}
    tenant.notices.quiet()
    book(person)
    await pump(tenant)
    assert tenant.counts.notifications["forged"] == 20


async def test_drawn_mishaps_are_the_same_by_the_same_seed() -> None:
    async def met() -> dict[Mishap, int]:
        tenant = firm(people=4, seed=1, clock=Clock(at=NOW), calendars=False)
        sandbox = Sandbox()
        graph = Graph(sandbox, sandbox.add(tenant))
        sandbox.courier.reach_by(Webhook())
        async with graph.http:
            graph.token = sandbox.token(tenant)
            await subscribe(graph)
        tenant.notices.draw(rate=0.3, kinds=set(Mishap) - {Mishap.REMOVED}, seed=4)
        for number in range(200):
            book(Person(tenant, tenant.employees[0]), str(number))
        await pump(tenant, 300)
        return dict(tenant.notices.met)

    first = await met()
    assert 40 < sum(first.values()) < 80
    assert len(first) == len(Mishap) - 1
    assert await met() == first
    with pytest.raises(ValueError, match="between 0 and 1"):
        firm(people=1, clock=Clock(at=NOW)).notices.draw(rate=2)
    with pytest.raises(ValueError, match="at least once"):
        firm(people=1, clock=Clock(at=NOW)).notices.script(Mishap.LOST, times=0)


# The control routes


async def test_control(graph: Graph, tenant: Tenant, webhook: Webhook, person: Person) -> None:
    made = (await subscribe(graph)).body["id"]
    await subscribe(graph, 1)
    path = f"/sandbox/tenants/{tenant.id}"
    found = (await graph.http.get(f"{path}/subscriptions")).json()
    assert [one["who"] for one in found] == [one.address for one in tenant.employees[:2]]
    assert found[0]["id"] == made
    lose = {"mishap": "lost", "times": 2, "who": person.account.address}
    assert (await graph.http.post(f"{path}/notifications", json=lose)).json() == {"done": True}
    for _ in range(3):
        book(person)
    told = (await graph.http.get(f"{path}/notifications")).json()
    assert told["met"] == {"lost": 2}
    assert [one["item"]["changeType"] for one in told["waiting"]] == ["created"]
    await pump(tenant)
    for wanted, many in (({}, 2), ({"subscription": made}, 1), ({"who": person.account.address}, 1)):
        reply = await graph.http.post(f"{path}/lifecycle", json={"event": "missed", **wanted})
        assert reply.json() == {"done": True, "subscriptions": many}
    await pump(tenant)
    assert webhook.told()["", "missed"] == 4
    await graph.http.post(f"{path}/notifications", json={"mishap": "lost", "times": None})
    assert (await graph.http.delete(f"{path}/notifications")).status_code == 200
    book(person)
    assert await pump(tenant) == 1
    for where, wrong, status in (
        ("notifications", {"mishap": "stolen"}, 400),
        ("notifications", {}, 400),
        ("notifications", {"mishap": "lost", "who": "nobody"}, 404),
        ("lifecycle", {"event": "cancelled"}, 400),
        ("lifecycle", {"event": "missed", "subscription": "x"}, 404),
    ):
        assert (await graph.http.post(f"{path}/{where}", json=wrong)).status_code == status
    assert (await graph.http.get("/sandbox/tenants/elsewhere/subscriptions")).status_code == 404
    counts = (await graph.http.get(f"{path}/counts")).json()
    assert counts["subscriptions"] == {"made": 2}
    assert counts["notifications"]["raised"] == 4


# By itself


async def test_the_courier_delivers_by_the_clock(
    graph: Graph, tenant: Tenant, webhook: Webhook, person: Person
) -> None:
    async def until(count: int) -> None:
        for _ in range(1_000):
            if len(webhook.items) >= count:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{len(webhook.items)} of {count} have come.")

    await subscribe(graph)
    delivery = asyncio.create_task(graph.sandbox.courier.run(lambda: [tenant]))
    try:
        book(person)
        await until(1)
        tenant.notices.limits = replace(tenant.notices.limits, latency=(60.0, 60.0))
        book(person)
        with pytest.raises(AssertionError):
            await until(2)
        tenant.clock.advance(timedelta(seconds=60))
        await until(2)
    finally:
        delivery.cancel()
        await asyncio.gather(delivery, return_exceptions=True)


class _Hears(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        token = parse_qs(urlsplit(self.path).query).get("validationToken")
        answer = token[0].encode() if token else b""
        heard: list[Any] = self.server.heard  # type: ignore[attr-defined]
        heard += json.loads(content)["value"] if content else []
        self.send_response(200 if token else 202)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def endpoint(pem: str | None = None) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hears) as server:
        heard: list[dict[str, Any]] = []
        server.heard = heard  # type: ignore[attr-defined]
        if pem:
            trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            trust.load_cert_chain(pem)
            server.socket = trust.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port, heard
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("way", ["certificate", "tunnel"])
def test_a_server_delivers_by_itself(tmp_path: Path, way: str) -> None:
    sandbox = Sandbox()
    tenant = sandbox.add(firm(people=2, clock=Clock(at=NOW), calendars=False))
    with (
        serving(sandbox, folder=tmp_path) as server,
        endpoint(server.webhook_pem if way == "certificate" else None) as (port, heard),
    ):
        if way == "tunnel":
            sandbox.courier.tunnels["https://holdfast.example"] = f"http://127.0.0.1:{port}"
        base = f"https://localhost:{port}" if way == "certificate" else "https://holdfast.example"
        body = asked(tenant, notificationUrl=f"{base}/n", lifecycleNotificationUrl=f"{base}/l?code=x")
        reply = httpx.post(
            f"{server.url}/v1.0/subscriptions",
            json=body,
            headers={"Authorization": f"Bearer {sandbox.token(tenant)}"},
            verify=ssl.create_default_context(cafile=server.ca_bundle),
            trust_env=False,
        )
        assert reply.status_code == 201, reply.text
        book(Person(tenant, tenant.employees[0]))
        tenant.notices.lifecycle("missed", next(iter(tenant.notices.subscriptions)))
        deadline = machine.monotonic() + 20
        while len(heard) < 2 and machine.monotonic() < deadline:
            machine.sleep(0.01)
        assert [one.get("changeType") or one["lifecycleEvent"] for one in heard] in (
            ["created", "missed"],
            ["missed", "created"],
        )
    assert sandbox.courier.transport is None


@pytest.mark.parametrize("wrong", [["--tunnel", "nowhere"], ["--tunnel", "http://holdfast.example=http://127.0.0.1:1"]])
def test_tunnels_that_lead_nowhere(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2
