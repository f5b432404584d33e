"""What the tenant counts of calls and of the bytes it answers with, so that a test can say what a sweep costs."""

from __future__ import annotations

from urllib.parse import quote

from sandbox import Tenant
from tests.sandbox.graph import IMMUTABLE, Graph, event, of, weekly, window

YEAR = window("2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z")
INSTANCES = "GET /users/*/events/*/instances"


async def test_calls_are_counted_by_path_alone_and_in_batches(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    here = f"{of(tenant)}{event(made['id'])}"
    tenant.counts.clear()
    await graph.get(f"{here}/instances?{YEAR}")
    await graph.get(f"{of(tenant)}/calendar/events")
    await graph.get(f"/groups/{tenant.everyone.id}/transitiveMembers/microsoft.graph.user?$top=5")
    await graph.get("/nothing")
    urls = [f"{here}/instances?{YEAR}", here, "/users", "/groups", f"/users/{tenant.employees[0].id}", "/nothing"]
    await graph.batch(*({"id": str(n), "method": "GET", "url": url} for n, url in enumerate(urls)))
    assert tenant.counts.paths == {
        INSTANCES: 2,
        "GET /users/*/events": 1,
        "GET /groups/*/transitiveMembers": 1,
        "GET unknown": 2,
        "GET /users/*/events/*": 1,
        "GET /users": 1,
        "GET /groups": 1,
        "GET /users/*": 1,
    }
    assert tenant.counts.paths.total() == tenant.counts.calls.total()


async def test_bytes_are_those_of_the_bodies_and_every_item_of_a_batch_has_its_part(
    graph: Graph, tenant: Tenant
) -> None:
    made = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    here = f"{of(tenant)}{event(made['id'])}"
    tenant.counts.clear()
    url = f"/v1.0{here}/instances?{YEAR}"
    headers = {"Authorization": f"Bearer {graph.token}"}
    alone = len((await graph.http.get(url, headers=headers)).content)
    assert tenant.counts.bytes == {INSTANCES: alone}
    requests = [
        {"id": "1", "method": "GET", "url": f"{here}/instances?{YEAR}"},
        {"id": "2", "method": "GET", "url": here},
    ]
    tenant.counts.clear()
    answer = await graph.http.post("/v1.0/$batch", json={"requests": requests}, headers=headers)
    assert tenant.counts.bytes.total() == len(answer.content)
    assert set(tenant.counts.bytes) == {INSTANCES, "GET /users/*/events/*", "POST /$batch"}
    assert 0 < tenant.counts.bytes[INSTANCES] - alone < 200
    assert tenant.counts.bytes["POST /$batch"] == len('{"responses":[,]}')
    await graph.delete(here)
    assert tenant.counts.bytes["DELETE /users/*/events/*"] == 0
    await graph.get(here)
    refused = await graph.post("/$batch", {"requests": []})
    assert tenant.counts.bytes["POST /$batch"] > len(str(refused.body))
    tenant.counts.clear()
    assert not tenant.counts.bytes
    assert not tenant.counts.paths


async def test_select_keeps_the_dates_of_a_quarter_small(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", weekly(), **IMMUTABLE)
    quarter = window("2026-12-01T00:00:00Z", "2027-03-02T00:00:00Z")
    names = ["id", "type", "start", "end", "originalStart", "showAs", "seriesMasterId"]
    tenant.counts.clear()
    path = f"{of(tenant)}{event(made['id'])}/instances?{quarter}&$top=50&$select={quote(','.join(names))}"
    found = (await graph.get(path, **IMMUTABLE)).body["value"]
    assert len(found) == 13
    assert {tuple(one) for one in found} == {("@odata.etag", *names)}
    assert tenant.counts.bytes[INSTANCES] < 10_000
