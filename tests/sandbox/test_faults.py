"""Each misfortune: what the client sees of it, and what was done all the same."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import Clock, Sandbox, Tenant, firm, serving
from sandbox.faults import CARRIER, OF_REQUESTS, Fault, Plight, Target
from sandbox.transport import InProcess
from tests.sandbox.graph import NOW, TAG, Graph, expand, of, single, weekly


@pytest.fixture
def graph(graph: Graph) -> Graph:
    """The client, over a transport that lets connections end."""
    graph.http = httpx.AsyncClient(
        transport=InProcess(graph.sandbox.app, clock=graph.tenant.clock), base_url="https://localhost"
    )
    return graph


def create(tenant: Tenant, **more: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "method": "POST",
        "url": f"{of(tenant)}/events",
        "headers": {"Content-Type": "application/json"},
        "body": weekly(transactionId="block:0", **more),
    }


def stands(tenant: Tenant, subject: str = "Lärtid") -> int:
    mailbox = tenant.employees[0].mailbox
    assert mailbox is not None
    return sum(event.values["subject"] == subject for event in mailbox.events)


ITEMS = [
    (Fault.THROTTLED_SECONDS, 429, "4", 0),
    (Fault.THROTTLED_FRACTION, 429, "3.5", 0),
    (Fault.THROTTLED_DATE, 429, "Wed, 25 Nov 2026 09:00:04 GMT", 0),
    (Fault.THROTTLED_SILENT, 429, None, 0),
    (Fault.ERROR_500_BEFORE, 500, None, 0),
    (Fault.ERROR_500_AFTER, 500, None, 1),
    (Fault.ERROR_502_BEFORE, 502, None, 0),
    (Fault.ERROR_502_AFTER, 502, None, 1),
    (Fault.ERROR_503_BEFORE, 503, None, 0),
    (Fault.ERROR_503_AFTER, 503, None, 1),
    (Fault.ERROR_503_SECONDS, 503, "4", 0),
    (Fault.ERROR_504_BEFORE, 504, None, 0),
    (Fault.ERROR_504_AFTER, 504, None, 1),
    (Fault.TOKEN_ENDED, 401, None, 0),
    (Fault.TAG_LOST_503, 503, None, 1),
]


@pytest.mark.parametrize("row", ITEMS, ids=[row[0].value for row in ITEMS])
async def test_an_item_of_a_batch(graph: Graph, tenant: Tenant, row: tuple[Fault, int, str | None, int]) -> None:
    fault, status, retry_after, done = row
    tenant.faults.script(fault, mailbox=tenant.employees[0].id, method="POST")
    (reply,) = (await graph.batch(create(tenant))).values()
    assert reply["status"] == status
    assert {key.lower(): value for key, value in reply["headers"].items()}.get("retry-after") == retry_after
    assert stands(tenant) == done
    assert tenant.faults.met == {(fault, "POST events"): 1}


@pytest.mark.parametrize(
    ("fault", "raised", "done"),
    [
        (Fault.DROPPED_BEFORE, httpx.RemoteProtocolError, 0),
        (Fault.DROPPED_AFTER, httpx.RemoteProtocolError, 1),
        (Fault.HALF_BODY, httpx.RemoteProtocolError, 1),
        (Fault.HALF_JSON, json.JSONDecodeError, 1),
    ],
)
async def test_a_request_with_all_that_is_in_it(
    graph: Graph, tenant: Tenant, fault: Fault, raised: type[Exception], done: int
) -> None:
    tenant.faults.script(fault)
    with pytest.raises(raised):
        await graph.batch(create(tenant))
    assert stands(tenant) == done
    assert (await graph.get(of(tenant) + "/events")).status == 200


@pytest.mark.parametrize(("fault", "done"), [(Fault.MISSING_ITEM, 1), (Fault.MISSING_ITEM_UNDONE, 0)])
async def test_a_batch_whose_answer_says_nothing_of_an_item(
    graph: Graph, tenant: Tenant, fault: Fault, done: int
) -> None:
    tenant.faults.script(fault, method="POST")
    assert list(await graph.batch(create(tenant), {"id": "2", "method": "GET", "url": of(tenant)})) == ["2"]
    assert stands(tenant) == done


async def test_an_event_without_its_tag(graph: Graph, tenant: Tenant) -> None:
    tenant.faults.script(Fault.TAG_LOST_503)
    await graph.batch(create(tenant))
    events = (await graph.get(f"{of(tenant)}/events?$top=100&{expand(TAG)}")).body["value"]
    (made,) = [event for event in events if event["subject"] == "Lärtid"]
    assert "singleValueExtendedProperties" not in made
    assert made["transactionId"] == "block:0"


@pytest.mark.parametrize("fault", [Fault.LATE_WRITE, Fault.LATE_WRITE_DROPPED])
async def test_a_write_that_lands_once_the_client_has_looked(graph: Graph, tenant: Tenant, fault: Fault) -> None:
    tenant.faults.script(fault)
    if fault is Fault.LATE_WRITE:
        assert (await graph.batch(create(tenant)))["1"]["status"] == 504
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            await graph.batch(create(tenant))
    looked = (await graph.get(f"{of(tenant)}/events?$top=100")).body["value"]
    assert not [event for event in looked if event["subject"] == "Lärtid"]
    assert stands(tenant) == 1


async def test_a_late_write_whose_transaction_was_taken_meanwhile_comes_to_nothing(
    graph: Graph, tenant: Tenant
) -> None:
    tenant.faults.script(Fault.LATE_WRITE)
    await graph.batch(create(tenant))
    assert (await graph.batch(create(tenant)))["1"]["status"] == 201
    await graph.get(of(tenant) + "/events")
    assert stands(tenant) == 1


async def test_a_late_write_lands_by_itself_in_the_end(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.faults.script(Fault.LATE_WRITE, seconds=60)
    await graph.batch(create(tenant))
    assert stands(tenant) == 0
    clock.advance(timedelta(seconds=60))
    assert stands(tenant) == 1


async def test_a_token_that_ends_in_the_middle_of_a_batch(graph: Graph, tenant: Tenant) -> None:
    tenant.faults.script(Fault.TOKEN_ENDED, mailbox=tenant.employees[1].id)
    items = [{"id": str(n), "method": "GET", "url": f"{of(tenant, n)}/events"} for n in range(3)]
    replies = await graph.batch(*items)
    assert [replies[str(number)]["status"] for number in range(3)] == [200, 401, 401]
    assert (await graph.get(of(tenant) + "/events")).status == 401
    await graph.sign_in()
    assert (await graph.get(of(tenant) + "/events")).status == 200


@pytest.mark.parametrize("status", [400, 410])
async def test_a_link_that_expired(graph: Graph, tenant: Tenant, status: int) -> None:
    tenant.facts = replace(tenant.facts, expired_link_status=status)
    link = (await graph.get("/users?$top=5")).body["@odata.nextLink"]
    tenant.faults.script(Fault.LINK_EXPIRED)
    assert (await graph.get(link)).status == status
    assert (await graph.get(link)).status == 200


async def test_an_empty_page_leads_to_what_should_have_been_on_it(graph: Graph, tenant: Tenant) -> None:
    whole = [one["id"] for one in itertools.chain(*await graph.pages("/users?$top=5"))]
    tenant.faults.script(Fault.EMPTY_PAGE, times=3)
    pages = await graph.pages("/users?$top=5")
    assert pages[:3] == [[], [], []]
    assert [one["id"] for one in itertools.chain(*pages)] == whole


async def test_who_calls_before_the_wait_is_over_is_counted(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.faults.script(Fault.THROTTLED_SECONDS)
    await graph.batch(create(tenant))
    clock.advance(timedelta(seconds=3))
    await graph.batch(create(tenant))
    assert tenant.counts.early_retries == 1


async def test_a_plight_lasts_whatever_is_quiet(graph: Graph, tenant: Tenant) -> None:
    mailbox = tenant.employees[0].mailbox
    assert mailbox is not None
    mailbox.plight = Plight(Fault.THROTTLED_SECONDS)
    tenant.faults.quiet()
    for _ in range(3):
        assert (await graph.get(of(tenant) + "/events")).status == 429
    assert (await graph.get(of(tenant, 1) + "/events")).status == 200
    mailbox.plight = None
    assert (await graph.get(of(tenant) + "/events")).status == 200


async def test_a_mailbox_that_appears_a_while_after_its_licence(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    mailbox = tenant.employees[0].mailbox
    assert mailbox is not None
    mailbox.appears_at = clock.now() + timedelta(minutes=15)
    reply = await graph.get(of(tenant) + "/events")
    assert (reply.status, reply.code) == (404, "MailboxNotEnabledForRESTAPI")
    clock.advance(timedelta(minutes=15))
    assert (await graph.get(of(tenant) + "/events")).status == 200


async def test_drawn_faults_come_as_often_as_asked_and_as_evenly(graph: Graph, tenant: Tenant) -> None:
    kinds = {Fault.THROTTLED_SILENT, Fault.ERROR_500_BEFORE, Fault.ERROR_504_BEFORE}
    tenant.faults.draw(rate=0.1, kinds=kinds, seed=3)
    seen: Counter[int] = Counter()
    for _ in range(100):
        items = [{"id": str(n), "method": "GET", "url": f"{of(tenant)}/mailboxSettings/userPurpose"} for n in range(20)]
        answer = await graph.post("/$batch", {"requests": items})
        if answer.status == 200:
            seen.update(item["status"] for item in answer.body["responses"])
    assert 0.08 < 1 - seen[200] / seen.total() < 0.12
    counted = Counter({status: count for status, count in seen.items() if status != 200})
    assert set(counted) == {429, 500, 504}
    assert max(counted.values()) < 1.6 * min(counted.values())
    tenant.faults.quiet()
    before = dict(tenant.faults.met)
    assert all(item["status"] == 200 for item in (await graph.batch(*items)).values())
    assert tenant.faults.met == before


async def test_the_same_seed_and_the_same_calls_meet_the_same() -> None:
    sandbox = Sandbox()

    async def story() -> list[Any]:
        tenant = sandbox.add(firm(people=3, seed=5, clock=Clock(at=NOW)))
        graph = Graph(sandbox, tenant)
        graph.http = httpx.AsyncClient(transport=InProcess(sandbox.app), base_url="https://localhost")
        await graph.sign_in()
        tenant.faults.draw(rate=0.3, kinds=frozenset(Fault) - OF_REQUESTS - {Fault.TOKEN_ENDED}, seed=11)
        statuses = []
        for number in range(40):
            try:
                statuses.append((await graph.post(f"{of(tenant)}/events", single(subject=str(number)))).status)
            except json.JSONDecodeError:
                statuses.append(502)
        await graph.http.aclose()
        return statuses

    first = await story()
    assert first == await story()
    assert len(set(first)) > 3


def test_every_fault_can_happen_to_some_call_and_those_of_requests_to_no_item() -> None:
    targets = [
        Target(method, kind, in_batch, method != "GET", lists, lists and by_link, tagged)
        for method, kind in (("GET", "events"), ("POST", "events"), ("POST", CARRIER), ("DELETE", "event"))
        for in_batch, lists, by_link, tagged in itertools.product((False, True), repeat=4)
    ]
    for fault in Fault:
        fitting = [target for target in targets if fault.applies(target)]
        assert fitting, fault
        if fault in OF_REQUESTS:
            assert not any(target.in_batch for target in fitting)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (Fault.DROPPED_BEFORE, httpx.RemoteProtocolError),
        (Fault.DROPPED_AFTER, httpx.RemoteProtocolError),
        (Fault.HALF_BODY, httpx.RemoteProtocolError),
    ],
)
def test_a_real_connection_ends(tmp_path: Path, fault: Fault, raised: type[Exception]) -> None:
    sandbox = Sandbox()
    tenant = sandbox.add(firm(people=2, clock=Clock(at=NOW)))
    trust = httpx.create_ssl_context()
    headers = {"Authorization": f"Bearer {sandbox.token(tenant)}"}
    with serving(sandbox, folder=tmp_path) as server:
        trust.load_verify_locations(cafile=server.ca_bundle)
        with httpx.Client(base_url=server.url, verify=trust, headers=headers, trust_env=False) as http:
            tenant.faults.script(fault)
            with pytest.raises(raised):
                http.post(f"/v1.0{of(tenant)}/events", json=weekly())
            assert stands(tenant) == int(fault is not Fault.DROPPED_BEFORE)
            assert http.get(f"/v1.0{of(tenant)}/events").status_code == 200
