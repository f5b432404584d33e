"""Being told of changes: subscriptions on a pretend tenant, and what comes of them at our address."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from graph_client.calendars import GraphCalendars
from graph_client.connect import Addresses, connect
from graph_client.permissions import KEEP_SUBSCRIPTIONS
from graph_client.subscriptions import GraphSubscriptions
from holdfast.core.errors import Denied, Gone, NoMailbox, Unexpected, Unreachable
from holdfast.core.messages import Care, Hint
from holdfast.core.model import SlotKey
from holdfast.core.notices import Dropped, Told, client_state, read
from holdfast.core.tag import transaction_id
from holdfast.jobs.ports import Approval, Placed, Ports, Subscription
from holdfast.jobs.subscriptions import LASTS, Outcome, attend, subscriptions
from sandbox import Clock, Mishap, Sandbox, Tenant, firm
from sandbox.faults import Fault
from sandbox.transport import InProcess
from tests.graph_client.office import RULES, TenantTokens, series_of, tag_of
from tests.graph_client.world import CONNECTION, NOON, PretendGraph, road
from tests.jobs.fjallvik import fjallvik
from tests.jobs.memory import World

ADDRESSES = Addresses("https://holdfast.example/api/notifications", "https://holdfast.example/api/lifecycle")
KEY, BEFORE = b"x" * 32, b"y" * 32
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class TenantTime:
    """The tenant's clock for the client as well: what waits moves it on."""

    def __init__(self, tenant: Tenant) -> None:
        self._clock = tenant.clock

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self._clock.advance(timedelta(seconds=seconds))


@dataclass
class Watched:
    """A firm, the port, and what has come to our address."""

    tenant: Tenant
    port: GraphSubscriptions
    calendars: GraphCalendars
    clock: TenantTime
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    handshakes: int = 0
    echoes: bool = True

    async def webhook(self, request: httpx.Request) -> httpx.Response:
        token = parse_qs(request.url.query.decode()).get("validationToken")
        if token is not None:
            self.handshakes += 1
            return httpx.Response(200, text=token[0] if self.echoes else "no")
        self.bodies.append((request.url.path, request.content))
        return httpx.Response(202)

    def id(self, number: int = 0) -> str:
        return self.tenant.employees[number].id

    async def made(self, number: int = 0, lasts: timedelta = LASTS, key: bytes = KEY) -> Subscription:
        state = client_state(self.id(number), tenant=self.tenant.id, key=key)
        return await self.port.create(self.id(number), client_state=state, until=self.clock.now() + lasts)

    async def told(self) -> Told:
        """Have what waits delivered, and read it as the webhook does."""
        await self.tenant.notices.pump()
        hints: list[Hint] = []
        dropped: Counter[Dropped] = Counter()
        for _, body in self.bodies:
            found = read(body, tenant=self.tenant.id, keys=(KEY, BEFORE), at=self.clock.now())
            hints += found.hints
            dropped.update(found.dropped)
        self.bodies.clear()
        return Told(tuple(hints), dropped)

    async def listed(self) -> list[Subscription]:
        return [one async for one in self.port.all()]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    sandbox = Sandbox()
    tenant = sandbox.add(firm(people=24, seed=1, clock=Clock(at=NOON), calendars=False))
    chance, clock = random.Random(3), TenantTime(tenant)  # noqa: S311 - tests repeat
    ways = {"tokens": TenantTokens(sandbox, tenant), "transport": InProcess(sandbox.app)}
    async with connect(CONNECTION, clock=clock, random=chance, told_at=ADDRESSES, **ways) as graph:
        watched = Watched(tenant, graph.subscriptions, graph.calendars, clock)
        sandbox.courier.reach_by(watched.webhook)
        yield watched


async def test_one_is_made_as_graph_wants_it_and_says_how_long_it_lasts(watched: Watched) -> None:
    made = await watched.made(lasts=timedelta(minutes=5))
    (one,) = watched.tenant.notices.subscriptions
    assert (one.id, one.account_id) == (made.id, watched.id())
    assert one.resource == f"users/{watched.id()}/events"
    assert one.change_types == ("created", "updated", "deleted")
    assert (one.notification_url, one.lifecycle_url) == (ADDRESSES.notifications, ADDRESSES.lifecycle)
    assert one.tls_version == "v1_2"
    assert one.immutable_ids
    assert made == Subscription(watched.id(), one.id, NOON + timedelta(minutes=45))  # the least that Graph gives
    assert watched.handshakes == 2


async def test_one_is_renewed_and_authorised_anew(watched: Watched) -> None:
    made = replace(await watched.made(lasts=HOUR), mark="kept")
    (one,) = watched.tenant.notices.subscriptions
    watched.tenant.notices.lifecycle("reauthorizationRequired", one)
    watched.tenant.clock.advance(HOUR / 2)
    renewed = await watched.port.renew(made, until=watched.clock.now() + LASTS)
    assert renewed == replace(made, expires=watched.clock.now() + LASTS)
    assert one.expires == renewed.expires
    assert one.paused_from is None


async def test_one_that_has_lapsed_is_gone_and_ending_it_is_done(watched: Watched) -> None:
    made = await watched.made(lasts=HOUR)
    await watched.made(1)
    watched.tenant.clock.advance(2 * HOUR)
    with pytest.raises(Gone):
        await watched.port.renew(made, until=watched.clock.now() + HOUR)
    await watched.port.delete(made)
    (other,) = await watched.listed()
    for _ in range(2):
        await watched.port.delete(other)
    assert await watched.listed() == []


async def test_the_list_is_read_to_its_end_and_holds_ours_alone(watched: Watched) -> None:
    notices = watched.tenant.notices
    notices.limits = replace(notices.limits, page=2)
    made = [await watched.made(number) for number in range(5)]
    first, second, *_ = notices.subscriptions
    first.notification_url = "https://test.fjallvik.example/notifications"
    second.resource = f"users/{watched.id(1)}/messages"
    assert await watched.listed() == made[2:]


async def test_a_list_that_breaks_off_is_none(watched: Watched) -> None:
    notices = watched.tenant.notices
    notices.limits = replace(notices.limits, page=2)
    for number in range(3):
        await watched.made(number)
    watched.tenant.faults.script(Fault.ERROR_503_BEFORE, times=None, method="GET")
    with pytest.raises(Unreachable):
        await watched.listed()


async def test_a_quota_and_a_permission_are_told_apart_each_with_its_cure(watched: Watched) -> None:
    notices = watched.tenant.notices
    notices.limits = replace(notices.limits, per_mailbox=0)
    with pytest.raises(Denied, match="limit") as caught:
        await watched.made()
    assert "1,000 subscriptions" in caught.value.cure
    assert "Grant" not in caught.value.cure
    notices.limits = replace(notices.limits, per_mailbox=1000)
    notices.facts = replace(notices.facts, write_permission_subscribes=False)
    with pytest.raises(Denied) as caught:
        await watched.made()
    assert caught.value.cure.startswith("Grant Calendars.Read (application)")
    watched.tenant.applications[0].roles.add("Calendars.Read")
    assert await watched.made()


async def test_one_mailbox_that_is_kept_from_us_is_told(watched: Watched) -> None:
    watched.tenant.mailbox(watched.id()).denied = True
    with pytest.raises(Denied):
        await watched.made()
    watched.tenant.mailbox(watched.id(1)).appears_at = NOON + DAY
    with pytest.raises(NoMailbox):
        await watched.made(1)
    with pytest.raises(NoMailbox):
        await watched.port.create("nobody", client_state="x", until=NOON + DAY)


async def test_an_address_that_does_not_answer_is_told_with_what_to_look_at(watched: Watched) -> None:
    watched.echoes = False
    with pytest.raises(Unexpected, match="validation token") as caught:
        await watched.made()
    assert ADDRESSES.notifications in caught.value.cure
    assert ADDRESSES.lifecycle in caught.value.cure
    assert await watched.listed() == []


async def test_without_addresses_none_is_made_and_none_is_ours() -> None:
    graph = PretendGraph(reply=lambda _: (200, {}, {"value": [LISTED]}))
    async with road(graph) as way:
        port = GraphSubscriptions(way.dispatcher, None, clock=way.clock)
        with pytest.raises(Unexpected) as caught:
            await port.create("ann", client_state="x", until=NOON)
        assert "tenant.notification_url" in caught.value.cure
        assert [one async for one in port.all()] == []
        await port.delete(Subscription("ann", "sub/1", NOON))
    assert [item["url"] for item in graph.items] == ["/subscriptions", "/subscriptions/sub%2F1"]


LISTED = {
    "id": "7f10",
    "resource": "Users('5c1e')/Events",
    "notificationUrl": ADDRESSES.notifications,
    "expirationDateTime": "2026-12-01T05:00:00.9356913Z",
    "clientState": None,
}


async def test_a_list_as_the_reference_shows_it() -> None:
    async with road(
        PretendGraph(reply=lambda _: (200, {}, {"value": [LISTED, {**LISTED, "resource": "Users"}]}))
    ) as way:
        port = GraphSubscriptions(way.dispatcher, ADDRESSES, clock=way.clock)
        found = [one async for one in port.all()]
    assert found == [Subscription("5c1e", "7f10", datetime(2026, 12, 1, 5, 0, 0, 935691, tzinfo=UTC))]


@pytest.mark.parametrize("wrong", [{"expirationDateTime": None}, {"resource": 7}, {"expirationDateTime": "soon"}])
async def test_a_list_that_is_not_understood_is_none(wrong: dict[str, object]) -> None:
    async with road(PretendGraph(reply=lambda _: (200, {}, {"value": [{**LISTED, **wrong}]}))) as way:
        port = GraphSubscriptions(way.dispatcher, ADDRESSES, clock=way.clock)
        with pytest.raises(Unexpected, match="not understood"):
            _ = [one async for one in port.all()]


async def test_writes_keep_to_half_of_what_graph_lets_through() -> None:
    graph = PretendGraph(reply=lambda _: (200, {}, {"expirationDateTime": "2026-12-01T05:00:00Z"}))
    at: list[float] = []
    async with road(graph) as way:
        port = GraphSubscriptions(way.dispatcher, ADDRESSES, clock=way.clock)
        for number in range(600):
            await port.renew(Subscription(f"box-{number}", f"sub-{number}", NOON), until=NOON)
            at.append(way.clock.monotonic())
    assert max(sum(since <= one < since + 20 for one in at) for since in at) <= 501
    assert at[-1] < 30


async def test_what_is_told_leads_to_the_event_by_the_id_that_we_know_it_by(watched: Watched) -> None:
    await watched.made()
    await watched.made(1, key=BEFORE)
    series = series_of(RULES["every week"])
    created = [
        await watched.calendars.create(watched.id(number), series, tag_of(series), transaction_id(series.block, 0))
        for number in range(3)
    ]
    told = await watched.told()
    assert [(hint.mailbox, [one.event_id for one in hint.heard]) for hint in told.hints] == [
        (watched.id(number), [created[number].event_id]) for number in range(2)
    ]
    assert [one.change for hint in told.hints for one in hint.heard] == ["created", "created"]
    look = await watched.calendars.look(watched.id(), created[0].event_id)
    assert told.hints[0].heard[0].etag == look.etag
    await watched.calendars.delete(watched.id(), created[0].event_id)
    assert [one.change for one in (await watched.told()).hints[0].heard] == ["deleted"]


async def test_forged_ones_are_dropped_and_counted(watched: Watched) -> None:
    await watched.made()
    watched.tenant.notices.script(Mishap.FORGED, times=None)
    series = series_of(RULES["every week"])
    for number in range(5):
        await watched.calendars.create(watched.id(), series, tag_of(series), transaction_id(series.block, number))
    told = await watched.told()
    assert told.dropped == {Dropped.FORGED: watched.tenant.counts.notifications["forged"]} == {Dropped.FORGED: 5}
    assert sum(len(hint.heard) for hint in told.hints) == 5


async def test_lifecycle_events_are_understood(watched: Watched) -> None:
    made = await watched.made()
    (one,) = watched.tenant.notices.subscriptions
    for event in ("missed", "reauthorizationRequired", "subscriptionRemoved"):
        watched.tenant.notices.lifecycle(event, one)
    await watched.tenant.notices.pump()
    assert {path for path, _ in watched.bodies} == {"/api/lifecycle"}
    at = watched.clock.now()
    assert set((await watched.told()).hints) == {
        Hint(watched.id(), at),
        Hint(watched.id(), at, care=Care.RENEW, subscription=made.id),
        Hint(watched.id(), at, care=Care.REPLACE, subscription=made.id),
    }


async def test_an_answer_holds_no_client_state_that_anybody_logs(watched: Watched) -> None:
    await watched.made()
    notices = watched.tenant.notices
    assert notices.facts.client_state_is_told
    assert KEEP_SUBSCRIPTIONS.permission == "Calendars.Read (application)"
    assert "client_state" not in repr(await watched.listed())


class Kept:
    """The job on the tenant, with a state in memory."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.world = World(NOON)
        settings = fjallvik()
        update = {"tenant_id": watched.tenant.id, "notification_url": ADDRESSES.notifications}
        self.settings = settings.model_copy(update={"tenant": settings.tenant.model_copy(update=update)})

    @property
    def ports(self) -> Ports:
        return replace(self.world.ports, subscriptions=self.watched.port, clock=self.watched.clock)

    async def begin(self) -> None:
        await self.world.state.approve(Approval("fp", "…", NOON, {}))
        for account in self.watched.tenant.employees:
            await self.world.state.place(Placed(account.id, account.address, frozenset({SlotKey("a", "b")})))

    async def tick(self) -> Outcome:
        return await subscriptions(self.settings, self.ports, key=KEY, within=timedelta(minutes=6))

    def there(self) -> Counter[str]:
        return Counter(one.account_id for one in self.watched.tenant.notices.subscriptions)


async def test_a_month_of_ticks_without_one_that_lapses_and_with_a_lost_state(watched: Watched) -> None:
    kept = Kept(watched)
    await kept.begin()
    everybody = {account.id: 1 for account in watched.tenant.employees}
    for hour in range(31 * 24):
        if hour == 400:
            kept.world.state.forget_everything()
            await kept.tick()
            assert kept.there() == everybody
            await kept.begin()
        assert (await kept.tick()).complete
        assert kept.there() == everybody
        watched.tenant.clock.advance(HOUR)
    counts = watched.tenant.counts.subscriptions
    assert counts["lapsed"] == 0
    assert counts["made"] == 2 * len(everybody)
    assert counts["deleted"] == len(everybody)
    assert watched.tenant.counts.early_retries == 0


async def test_trouble_of_every_kind_leaves_one_for_everybody_in_the_end(watched: Watched) -> None:
    kept = Kept(watched)
    await kept.begin()
    for seed in range(4):
        watched.tenant.faults.draw(rate=0.2, seed=seed, kinds=set(Fault) - {Fault.SLOW})
        for one in list(watched.tenant.notices.subscriptions)[::3]:
            watched.tenant.notices.lifecycle("subscriptionRemoved", one)
        for _ in range(4):
            await kept.tick()
            watched.tenant.clock.advance(DAY)
    watched.tenant.faults.quiet()
    for _ in range(8):
        outcome = await kept.tick()
        watched.tenant.clock.advance(DAY)
    assert outcome.complete
    assert kept.there() == {account.id: 1 for account in watched.tenant.employees}


async def test_one_that_is_paused_is_told_again_when_it_was_cared_for(watched: Watched) -> None:
    kept = Kept(watched)
    await kept.begin()
    await kept.tick()
    notices = watched.tenant.notices
    for event in ("reauthorizationRequired", "subscriptionRemoved"):
        one = next(one for one in notices.subscriptions if one.account_id == watched.id())
        notices.lifecycle(event, one)
        for hint in (await watched.told()).hints:
            await attend(hint, kept.settings, kept.ports, key=KEY)
        watched.tenant.clock.advance(HOUR)
        series = series_of(RULES["every week"], block=event[:8].lower())
        await watched.calendars.create(watched.id(), series, tag_of(series), transaction_id(series.block, 0))
        assert [hint.mailbox for hint in (await watched.told()).hints] == [watched.id()]
