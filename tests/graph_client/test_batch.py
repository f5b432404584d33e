"""The bulk road: what travels together, what waits, what is tried again, and that nobody is left waiting."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest
import structlog.testing

from graph_client.throttle import Patience
from holdfast.core.errors import Denied, Gone, NotSignedIn, Throttled, Unexpected, Unreachable
from tests.graph_client.world import BASE, InTurn, Item, PretendGraph, Reply, error, get, post, road

OK: Reply = (200, {}, {"fine": True})


async def test_workers_in_step_fill_every_batch() -> None:
    async with road(PretendGraph(latency=5)) as way:

        async def worker(number: int) -> None:
            for _ in range(3):
                await way.dispatcher.ok(get(f"person-{number}"))

        async with asyncio.TaskGroup() as group:
            for number in range(80):
                group.create_task(worker(number))
        assert [len(batch) for batch in way.graph.batches] == [20] * 12
        assert way.graph.most_in_flight == 4
        assert way.graph.shared_mailboxes == 0
        assert (way.counts.requests, way.counts.calls, way.counts.retries) == (12, 240, 0)


async def test_one_worker_alone_does_not_wait_for_company() -> None:
    async with road(PretendGraph()) as way:
        assert await way.dispatcher.ok(get()) == {}
        assert way.clock.at == 0


async def test_in_flight_is_a_parameter() -> None:
    async with road(PretendGraph(latency=5), in_flight=1) as way:
        await asyncio.gather(*(way.dispatcher.ok(get(str(number))) for number in range(60)))
        assert way.graph.most_in_flight == 1


async def test_answers_find_their_callers_in_whatever_order_they_come() -> None:
    async with road(PretendGraph(reply=lambda item: (200, {}, {"url": item["url"]}))) as way:
        calls = [get(f"person-{number}") for number in range(50)]
        answers = await asyncio.gather(*map(way.dispatcher.ok, calls))
        assert [answer["url"] for answer in answers] == [call.url for call in calls]


async def test_calls_for_one_mailbox_go_one_after_the_other() -> None:
    async with road(PretendGraph(latency=5)) as way:
        await asyncio.gather(*(way.dispatcher.ok(get("ann", f"events/{number}")) for number in range(5)))
        assert [item["url"][-1] for item in way.graph.items] == ["0", "1", "2", "3", "4"]
        assert way.graph.shared_mailboxes == 0


async def test_every_item_carries_its_own_headers() -> None:
    async with road(PretendGraph()) as way:
        await way.dispatcher.ok(get())
        await way.dispatcher.ok(post(transactionId="holdfast:x:0"))
        first, second = way.graph.items
        ids = [first["headers"].pop("client-request-id"), second["headers"].pop("client-request-id")]
        ids += [request.headers["client-request-id"] for request in way.graph.requests]
        assert len({str(uuid.UUID(one)) for one in ids}) == 4
        assert first["headers"] == {"Prefer": 'IdType="ImmutableId"'}
        assert second["headers"] == {"Prefer": 'IdType="ImmutableId"', "Content-Type": "application/json"}
        assert way.graph.requests[0].headers["authorization"] == "Bearer token-1"


async def test_a_throttled_mailbox_waits_alone() -> None:
    def reply(item: Item) -> Reply:
        busy = "person-3" in item["url"] and way.clock.at < 7
        return error(429, "ApplicationThrottled", retry_after="7") if busy else OK

    done: dict[int, float] = {}
    async with road(PretendGraph(reply=reply)) as way:

        async def worker(number: int) -> None:
            for _ in range(2):
                await way.dispatcher.ok(get(f"person-{number}"))
            done[number] = way.clock.at

        await asyncio.gather(*map(worker, range(20)))
    assert {number for number, at in done.items() if at == 0} == set(range(20)) - {3}
    assert done[3] == 7


async def test_a_throttled_batch_goes_again_as_one() -> None:
    def outer(_: list[Item]) -> httpx.Response | None:
        return httpx.Response(429, headers={"Retry-After": "30"}) if way.clock.at < 30 else None

    async with road(PretendGraph(outer=outer)) as way:
        await asyncio.gather(*(way.dispatcher.ok(get(str(number))) for number in range(20)))
        assert [len(batch) for batch in way.graph.batches] == [20, 20]
        assert way.clock.at == 30
        assert way.counts.retries == 20


async def test_a_failed_batch_without_a_wait_goes_again_as_one() -> None:
    answers = [httpx.Response(503, text="<html>busy</html>"), None]
    async with road(PretendGraph(outer=lambda _: answers.pop(0))) as way:
        await asyncio.gather(*(way.dispatcher.ok(get(str(number))) for number in range(20)))
        assert [len(batch) for batch in way.graph.batches] == [20, 20]
        assert 1 <= way.clock.at <= 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 509])
async def test_passing_trouble_is_tried_again(status: int) -> None:
    async with road(PretendGraph(reply=InTurn(error(status), OK))) as way:
        assert await way.dispatcher.ok(get()) == {"fine": True}
        assert way.clock.at > 0


async def test_an_answer_that_is_missing_is_asked_for_again() -> None:
    async with road(PretendGraph(reply=InTurn((0, {}, None), OK))) as way:
        assert await way.dispatcher.ok(get()) == {"fine": True}


async def test_a_post_goes_again_when_graph_would_not_look_at_it() -> None:
    async with road(PretendGraph(reply=InTurn(error(429), OK))) as way:
        assert await way.dispatcher.ok(post(subject="Lärtid")) == {"fine": True}


@pytest.mark.parametrize("trouble", [(0, {}, None), error(500), error(503, retry_after="7"), error(504)])
async def test_a_post_of_unknown_outcome_is_its_callers_to_look_after_once_the_wait_is_over(trouble: Reply) -> None:
    async with road(PretendGraph(reply=InTurn(trouble, OK))) as way:
        with pytest.raises(Unreachable):
            await way.dispatcher.ok(post(transactionId="holdfast:x:0"))
        assert len(way.graph.items) == 1
        assert way.clock.at >= 1


@pytest.mark.parametrize(
    ("broken", "times"), [(httpx.ReadTimeout, 1), (httpx.RemoteProtocolError, 1), (httpx.ConnectError, 2)]
)
async def test_a_broken_connection_repeats_a_post_only_if_it_was_never_made(
    broken: type[Exception], times: int
) -> None:
    breaks = [broken("broken")]

    def outer(_: list[Item]) -> None:
        if breaks:
            raise breaks.pop()

    async with road(PretendGraph(outer=outer)) as way:
        results = await asyncio.gather(way.dispatcher.ok(post(subject="Lärtid")), return_exceptions=True)
        assert len(way.graph.items) == times
        assert isinstance(results[0], Unreachable) == (times == 1)
        assert await way.dispatcher.ok(get()) == {}


async def test_patience_ends_with_throttled() -> None:
    patience = Patience(attempts=3, seconds=1000)
    async with road(
        PretendGraph(reply=InTurn(error(429, "TooManyRequests", retry_after="20"))), patience=patience
    ) as way:
        with pytest.raises(Throttled) as caught:
            await way.dispatcher.ok(get())
        assert (caught.value.retry_after, caught.value.status, len(way.graph.items)) == (20, 429, 3)
        assert caught.value.request_id == way.graph.items[-1]["headers"]["client-request-id"]
        assert way.clock.at == 40


async def test_a_wait_longer_than_patience_is_not_begun() -> None:
    async with road(PretendGraph(reply=InTurn(error(429, retry_after="600")))) as way:
        with pytest.raises(Throttled) as caught:
            await way.dispatcher.ok(get())
        assert (caught.value.retry_after, way.clock.at) == (600, 0)


async def test_patience_ends_with_unreachable() -> None:
    async with road(PretendGraph(reply=InTurn(error(503, "serviceNotAvailable")))) as way:
        with pytest.raises(Unreachable) as caught:
            await way.dispatcher.ok(get())
        assert caught.value.code == "serviceNotAvailable"
        assert way.clock.at <= 300


async def test_a_rejected_token_is_renewed_once_for_all() -> None:
    def reply(_: Item) -> Reply:
        return OK if way.tokens.number == 2 else error(401, "InvalidAuthenticationToken")

    async with road(PretendGraph(reply=reply)) as way:
        await asyncio.gather(*(way.dispatcher.ok(get(str(number))) for number in range(20)))
        assert way.tokens.claims == [None]
        assert way.clock.at == 0


async def test_a_rejected_token_on_the_outside_is_renewed_with_its_claims() -> None:
    def outer(_: list[Item]) -> httpx.Response | None:
        challenge = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
        return None if way.tokens.number == 2 else httpx.Response(401, headers={"WWW-Authenticate": challenge})

    async with road(PretendGraph(outer=outer)) as way:
        await asyncio.gather(*(way.dispatcher.ok(get(str(number))) for number in range(20)))
        assert way.tokens.claims == ['{"access_token":{}}']
        assert [len(batch) for batch in way.graph.batches] == [20, 20]


async def test_a_token_that_is_rejected_again_is_no_sign_in() -> None:
    async with road(PretendGraph(reply=InTurn(error(401, "InvalidAuthenticationToken")))) as way:
        with pytest.raises(NotSignedIn):
            await way.dispatcher.ok(get())
        assert len(way.graph.items) == 3


async def test_without_a_token_everybody_is_told() -> None:
    async with road(PretendGraph()) as way:
        way.tokens.failure = NotSignedIn("Wrong secret.")
        calls = (way.dispatcher.ok(get(str(number))) for number in range(30))
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results] == [NotSignedIn] * 30
        assert not way.graph.requests


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(404, json={"error": {"code": "NotFound", "message": "No such page."}}), Unexpected),
        (httpx.Response(400, json={"error": {"code": "BadRequest", "message": "Invalid batch."}}), Unexpected),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), Unexpected),
        (httpx.Response(403, text="<html>Blocked by the proxy</html>"), Denied),
    ],
)
async def test_a_refused_batch_says_nothing_about_its_calls(response: httpx.Response, kind: type[Exception]) -> None:
    async with road(PretendGraph(outer=lambda _: response)) as way:
        with pytest.raises(kind):
            await way.dispatcher.ok(get())
        assert len(way.graph.batches) == 1


@pytest.mark.parametrize("text", ["<html>Sign in to the guest network</html>", "", "[]", '{"responses": "none"}', "{}"])
async def test_an_answer_that_is_not_graphs_is_no_answer(text: str) -> None:
    async with road(PretendGraph(outer=lambda _: httpx.Response(200, text=text))) as way:
        with pytest.raises(Unreachable):
            await way.dispatcher.ok(get())


async def test_a_failed_item_is_mapped_alone() -> None:
    def reply(item: Item) -> Reply:
        return error(404, "ErrorItemNotFound") if "/1/" in item["url"] else OK

    async with road(PretendGraph(reply=reply)) as way:
        calls = (way.dispatcher.ok(get(str(number))) for number in range(3))
        fine, gone, also_fine = await asyncio.gather(*calls, return_exceptions=True)
        assert fine == also_fine == {"fine": True}
        assert isinstance(gone, Gone)


async def test_a_cancelled_worker_keeps_nobody() -> None:
    async with road(PretendGraph(latency=20)) as way:
        workers = [asyncio.create_task(way.dispatcher.ok(get(str(number)))) for number in range(5)]
        waiting = asyncio.create_task(way.dispatcher.ok(get("0")))
        await asyncio.sleep(0)
        workers[1].cancel()  # not sent yet
        for _ in range(10):
            await asyncio.sleep(0)
        workers[0].cancel()  # on its way
        results = await asyncio.gather(*workers, waiting, return_exceptions=True)
        assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, True, *[False] * 4]
        assert "/users/1/events" not in {item["url"] for item in way.graph.items}


async def test_closing_leaves_nobody_waiting() -> None:
    async with road(PretendGraph(latency=10_000), in_flight=1) as way:
        workers = [asyncio.create_task(way.dispatcher.ok(get(str(number)))) for number in range(30)]
        for _ in range(10):
            await asyncio.sleep(0)
        await way.dispatcher.aclose()
        results = await asyncio.gather(*workers, return_exceptions=True)
        assert {type(result) for result in results} == {Unreachable}
        with pytest.raises(Unreachable, match="closed"):
            await way.dispatcher.ok(get())


async def test_a_defect_on_the_way_reaches_the_callers() -> None:
    def outer(_: list[Item]) -> None:
        raise RuntimeError("a defect")

    async with road(PretendGraph(outer=outer)) as way:
        with pytest.raises(RuntimeError, match="a defect"):
            await way.dispatcher.ok(get())


async def test_log_lines_carry_the_request_id_and_nothing_private() -> None:
    with structlog.testing.capture_logs() as lines:
        async with road(PretendGraph(reply=InTurn(error(429), error(403, "ErrorAccessDenied")))) as way:
            with pytest.raises(Denied) as caught:
                await way.dispatcher.ok(post("ann", transactionId="holdfast:x:0", subject="Lärtid"))
    assert [line["event"] for line in lines] == ["graph.batch", "graph.retry", "graph.batch", "graph.refused"]
    assert all(uuid.UUID(line["client_request_id"]) for line in lines)
    assert lines[-1]["client_request_id"] == caught.value.request_id
    assert not [word for word in ("Lärtid", "token-1", "ann") if word in str(lines)]


def pages(*links: str | None) -> Any:
    """Replies that each hold one page, linked by these."""
    found = iter(enumerate(links))

    def reply(_: Item) -> Reply:
        number, link = next(found)
        return 200, {}, {"value": [number], **({"@odata.nextLink": link} if link else {})}

    return reply


async def test_pages_are_followed_to_the_end() -> None:
    reply = pages(f"{BASE}/users/ann/events?$skiptoken=a%2Bb", f"{BASE}/users/ann/events?$skiptoken=c", None)
    async with road(PretendGraph(reply=reply)) as way:
        assert [page async for page in way.dispatcher.pages(get())] == [[0], [1], [2]]
        assert way.graph.items[1]["url"] == "/users/ann/events?$skiptoken=a%2Bb"


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/v1.0/users/ann/events?$skip=1",
        "http://graph.microsoft.com/v1.0/users/ann/events?$skip=1",
        "https://graph.microsoft.com@elsewhere.example/v1.0/users",
        "https://graph.microsoft.com:8443/v1.0/users",
        "https://graph.microsoft.com/v1.0evil/users",
        "/users/ann/events?$skip=1",
        f"{BASE}/users/ann/events",
    ],
)
async def test_a_link_away_from_graph_or_in_a_circle_is_not_followed(link: str) -> None:
    async with road(PretendGraph(reply=pages(link, link))) as way:
        with pytest.raises(Unexpected, match="next page"):
            assert [page async for page in way.dispatcher.pages(get())]
        assert len(way.graph.items) == 1


@pytest.mark.parametrize("body", [None, {}, {"value": None}, [], "text"])
async def test_an_answer_without_a_list_is_not_an_empty_list(body: Any) -> None:
    async with road(PretendGraph(reply=lambda _: (200, {}, body))) as way:
        with pytest.raises(Unexpected):
            assert [page async for page in way.dispatcher.pages(get())]
