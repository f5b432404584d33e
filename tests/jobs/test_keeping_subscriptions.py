"""Everybody with blocks has one subscription and no two, whatever goes wrong, and none lapses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable
from datetime import datetime, timedelta

import pytest

from holdfast.core.errors import Denied, GraphError, NoMailbox, Throttled, Unexpected, Unreachable
from holdfast.core.messages import Care, Hint
from holdfast.core.model import Person, SlotKey
from holdfast.core.notices import mark, vouched
from holdfast.core.settings import Mode, Settings
from holdfast.jobs.ports import Approval, Placed, Subscription
from holdfast.jobs.subscriptions import LASTS, SOON, Outcome, Standing, attend, is_due, standing, subscriptions
from tests.jobs.fjallvik import ANNA, BO, CILLA, MONDAY, firm, fjallvik, killed, staff
from tests.jobs.memory import Call, World

URL = "https://holdfast.fjallvik.example/api/notifications"
KEY, ANOTHER_KEY = b"x" * 32, b"y" * 32
TENANT = str(fjallvik().tenant.tenant_id)
SLOTS = frozenset({SlotKey("lartimmen", "9ac1")})
A_WHILE, A_TICK = timedelta(minutes=6), timedelta(minutes=15)


def told_at(url: str | None = URL, mode: Mode = Mode.KEEP) -> Settings:
    settings = fjallvik(mode=mode)
    tenant = settings.tenant.model_copy(update={"notification_url": url})
    return settings.model_copy(update={"tenant": tenant})


SETTINGS = told_at()


async def office(*people: Person) -> World:
    """A firm in which these have blocks that somebody approved."""
    world = firm(*people)
    await approved(world)
    for one in people:
        await placed(world, one)
    world.journal.clear()
    return world


async def approved(world: World) -> None:
    await world.state.approve(Approval("fp", "…", world.clock.now(), {}))


async def placed(world: World, one: Person) -> None:
    await world.state.place(Placed(one.id, one.address, SLOTS))


async def left(world: World, one: Person) -> None:
    await world.state.place(Placed(one.id, one.address, frozenset()))


def tick(
    world: World, settings: Settings = SETTINGS, *, key: bytes = KEY, within: timedelta = A_WHILE
) -> Awaitable[Outcome]:
    return subscriptions(settings, world.ports, key=key, within=within)


def there(world: World) -> dict[str, int]:
    """How many subscriptions there are at Graph to each mailbox."""
    return dict(Counter(one.mailbox for one in world.subscriptions.there))


async def remembered(world: World) -> dict[str, str]:
    return {mailbox: one.id for mailbox, one in (await world.state.subscriptions()).items()}


def at_graph(world: World) -> dict[str, str]:
    return {one.mailbox: one.id for one in world.subscriptions.there}


@pytest.mark.parametrize("mode", Mode)
async def test_everybody_with_blocks_gets_one_in_either_mode(mode: Mode) -> None:
    world = await office(ANNA, BO)
    outcome = await tick(world, told_at(mode=mode))
    assert outcome.data() == {"made": 2}
    assert outcome.complete
    assert there(world) == {ANNA.id: 1, BO.id: 1}
    for one in (await world.state.subscriptions()).values():
        assert one.mark == mark(URL, key=KEY)
        assert one.expires == MONDAY + LASTS
        assert vouched(world.subscriptions.client_states[one.id], tenant=TENANT, keys=(KEY,)) == one.mailbox


async def test_then_nothing_is_asked_for_until_it_is_time() -> None:
    world = await office(ANNA, BO)
    await tick(world)
    for asked in ([], [Call("subscriptions", "all_subscriptions", "")], []):  # the list once a day
        world.clock.pass_time(hours=11)
        world.journal.clear()
        assert (await tick(world)).data() == {}
        assert [call for call in world.journal.calls if call.port == "subscriptions"] == asked


async def test_without_an_address_nothing_is_asked_for() -> None:
    world = await office(ANNA)
    assert (await tick(world, told_at(None))).data() == {}
    assert not [call for call in world.journal.calls if call.port == "subscriptions"]


async def test_none_lapses_in_a_month_and_renewals_are_spread() -> None:
    people = staff(40)
    world = await office(*people)
    renewed: Counter[datetime] = Counter()
    total = Outcome()
    for _ in range(31 * 24):
        outcome = await tick(world)
        assert outcome.complete
        renewed[world.clock.now()] += outcome.renewed
        total.made += outcome.made
        assert there(world) == {one.id: 1 for one in people}
        known = await world.state.subscriptions()
        assert standing(known.keys(), known, now=world.clock.now()) == Standing(0, 0)
        world.clock.pass_time(hours=1)
    assert total.made == 40
    assert 40 * 6 <= renewed.total() <= 40 * 11
    assert max(renewed.values()) <= 8
    lists = world.journal.of("all_subscriptions")
    assert len(lists) == 32


@pytest.mark.parametrize("hours", [0.25, 24, 60])
async def test_none_lapses_where_ticks_come_late(hours: float) -> None:
    world = await office(ANNA, BO, CILLA)
    for _ in range(int(14 * 24 / hours)):
        await tick(world)
        assert len(world.subscriptions.there) == 3
        world.clock.pass_time(hours=hours)
    assert len(world.journal.of("create_subscription")) == 3


async def test_one_that_lapsed_or_was_taken_away_is_made_again() -> None:
    world = await office(ANNA, BO)
    await tick(world)
    world.clock.pass_time(days=8)
    assert there(world) == {}
    assert (await tick(world)).made == 2
    world.subscriptions.remove(ANNA.id)
    world.clock.pass_time(days=4, hours=12)
    assert (await tick(world)).renewed == 2
    assert there(world) == {ANNA.id: 1, BO.id: 1}
    assert await remembered(world) == at_graph(world)


@pytest.mark.parametrize("change", ["key", "address"])
async def test_another_key_or_address_makes_them_anew_without_a_gap(change: str) -> None:
    world = await office(ANNA, BO)
    await tick(world)
    old = at_graph(world)
    settings = told_at("https://annan.fjallvik.example/notifications") if change == "address" else SETTINGS
    key = ANOTHER_KEY if change == "key" else KEY
    world.journal.clear()
    assert (await tick(world, settings, key=key)).data() == {"replaced": 2}
    assert there(world) == {ANNA.id: 1, BO.id: 1}
    assert set(old.values()).isdisjoint(at_graph(world).values())
    names = world.journal.names(ANNA.id)
    assert names.index("create_subscription") < names.index("subscribe") < names.index("delete_subscription")
    assert (await tick(world, settings, key=key)).data() == {}


async def test_who_has_no_blocks_any_more_is_watched_no_longer() -> None:
    world = await office(ANNA, BO)
    await tick(world)
    await left(world, BO)
    assert (await tick(world)).data() == {"ended": 1}
    assert there(world) == {ANNA.id: 1}
    assert list(await world.state.subscriptions()) == [ANNA.id]


@pytest.mark.parametrize("approval", [True, False])
async def test_nobody_is_when_the_address_is_taken_out_or_all_is_removed(*, approval: bool) -> None:
    for settings in (told_at(None), SETTINGS):
        world = await office(ANNA, BO)
        await tick(world)
        if settings is SETTINGS:
            await left(world, ANNA)
            await left(world, BO)
        if not approval:
            await world.state.withdraw()
        assert (await tick(world, settings)).data() == {"ended": 2}
        assert there(world) == {}
        assert await world.state.subscriptions() == {}


class TestLostState:
    async def test_leads_to_no_doubles(self) -> None:
        world = await office(ANNA, BO)
        await tick(world)
        world.state.forget_everything()
        await approved(world)
        await placed(world, ANNA)
        await placed(world, BO)
        assert (await tick(world)).data() == {"replaced": 2}
        assert there(world) == {ANNA.id: 1, BO.id: 1}
        assert await remembered(world) == at_graph(world)

    async def test_keeps_them_while_it_is_being_found_out_who_has_blocks(self) -> None:
        world = await office(ANNA, BO, CILLA)
        await tick(world)
        world.state.forget_everything()
        assert (await tick(world)).data() == {}
        assert there(world) == {ANNA.id: 1, BO.id: 1, CILLA.id: 1}
        await placed(world, ANNA)
        assert (await tick(world)).data() == {"replaced": 1}
        assert there(world) == {ANNA.id: 1, BO.id: 1, CILLA.id: 1}
        await placed(world, BO)
        await approved(world)
        assert (await tick(world)).data() == {"replaced": 1, "ended": 1}
        assert there(world) == {ANNA.id: 1, BO.id: 1}
        assert await remembered(world) == at_graph(world)

    async def test_forgets_those_that_nobody_wanted_again_when_they_have_lapsed(self) -> None:
        world = await office(ANNA)
        await tick(world)
        world.state.forget_everything()
        await tick(world)
        world.clock.pass_time(days=8)
        await tick(world)
        assert await world.state.subscriptions() == {}

    async def test_makes_none_while_the_list_cannot_be_read(self) -> None:
        world = await office(ANNA)
        fault = world.fail("all_subscriptions", Unreachable("No answer.", status=503))
        outcome = await tick(world)
        assert outcome.data() == {"failed": 1}
        assert not outcome.complete
        world.journal.faults.remove(fault)
        assert (await tick(world)).data() == {"made": 1}

    async def test_of_some_is_made_up_for_by_the_list_of_the_day(self) -> None:
        world = await office(ANNA, BO)
        await tick(world)
        await world.state.unsubscribe(ANNA.id)
        await world.ports.subscriptions.create(BO.id, client_state="x", until=MONDAY + LASTS)
        await world.ports.subscriptions.create("id-stray", client_state="x", until=MONDAY + LASTS)
        world.clock.pass_time(days=1)
        outcome = await tick(world)
        assert outcome.data() == {"replaced": 1, "ended": 2}
        assert there(world) == {ANNA.id: 1, BO.id: 1}
        assert await remembered(world) == at_graph(world)


class TestTrouble:
    async def test_in_one_mailbox_stops_no_other(self) -> None:
        world = await office(ANNA, BO, CILLA)
        world.fail("create_subscription", NoMailbox("None.", status=404, code="MailboxNotEnabledForRESTAPI"), BO)
        outcome = await tick(world)
        assert outcome.data() == {"made": 2, "failed": 1}
        assert there(world) == {ANNA.id: 1, CILLA.id: 1}

    async def test_with_a_quota_is_told_once_with_its_cure_and_not_tried_for_everybody(self) -> None:
        people = staff(300)
        world = await office(*people)
        world.subscriptions.quota = 0
        outcome = await tick(world)
        (problem,) = outcome.problems
        assert problem.message == "The subscription quota is used up."
        assert problem.cure
        tried = len(world.journal.of("create_subscription"))
        assert 20 <= tried <= 100
        assert outcome.problems[problem] == tried
        assert outcome.left == 300 - tried
        world.subscriptions.quota = None
        assert (await tick(world)).data() == {"made": 300}

    async def test_with_a_quota_of_some_is_tried_for_the_others(self) -> None:
        people = staff(100)
        world = await office(*people)
        world.subscriptions.quota = 60
        assert (await tick(world)).data() == {"made": 60, "failed": 40}

    async def test_with_our_address_is_told_once(self) -> None:
        world = await office(*staff(300))
        world.fail("create_subscription", Unexpected("Validation failed.", status=400, cure="Reach it."))
        outcome = await tick(world)
        assert [problem.cure for problem in outcome.problems] == ["Reach it."]
        assert outcome.left > 190

    async def test_where_graph_asks_to_slow_down_the_rest_waits_for_the_next_time(self) -> None:
        world = await office(*staff(300))
        world.fail("create_subscription", Throttled("Slow down.", retry_after=30), nth=100, times=1)
        outcome = await tick(world)
        assert outcome.left > 100
        assert outcome.made >= 99
        assert (await tick(world)).made == 300 - outcome.made
        assert set(there(world).values()) == {1}

    async def test_a_lost_answer_leads_to_no_doubles(self) -> None:
        world = await office(ANNA, BO)
        world.fail("create_subscription", Unreachable("No answer."), ANNA, after=True, times=1)
        assert (await tick(world)).data() == {"made": 1, "failed": 1}
        assert (await tick(world)).data() == {"replaced": 1}
        assert there(world) == {ANNA.id: 1, BO.id: 1}

    async def test_a_renewal_that_fails_is_tried_again_until_it_lapses(self) -> None:
        world = await office(ANNA)
        await tick(world)
        fault = world.fail("renew_subscription", Unreachable("No answer.", status=503))
        for _ in range(6):
            world.clock.pass_time(days=1)
            await tick(world)
        known = await world.state.subscriptions()
        assert standing([ANNA.id, BO.id], known, now=world.clock.now()) == Standing(missing=1, lapsing=1)
        world.journal.faults.remove(fault)
        assert (await tick(world)).renewed == 1

    async def test_what_there_is_no_time_for_is_done_the_next_time(self) -> None:
        world = await office(*staff(50))
        assert (await tick(world, within=timedelta(0))).data() == {"left": 50}
        assert (await tick(world)).data() == {"made": 50}

    @pytest.mark.parametrize("after", [False, True])
    async def test_being_killed_anywhere_leaves_one_for_everybody_within_a_day(self, *, after: bool) -> None:
        number, more = 0, True
        while more:
            world = await office(ANNA, BO, CILLA)
            await tick(world)
            await left(world, CILLA)
            world.subscriptions.remove(BO.id)
            world.clock.pass_time(days=4, hours=12)
            work = tick(world, key=ANOTHER_KEY)
            more = await killed(world, work, at=number, after=after)  # type: ignore[arg-type] - a coroutine it is
            for _ in range(2):
                await tick(world, key=ANOTHER_KEY)
                world.clock.pass_time(days=1)
            await tick(world, key=ANOTHER_KEY)
            assert there(world) == {ANNA.id: 1, BO.id: 1}, number
            assert await remembered(world) == at_graph(world)
            number += 1
        assert number > 10


class TestCare:
    async def test_one_that_asks_for_it_is_renewed_however_often(self) -> None:
        world = await office(ANNA)
        await tick(world)
        (one,) = world.subscriptions.there
        world.subscriptions.silent.add(one.id)
        world.clock.pass_time(hours=1)
        for _ in range(3):
            await attend(hint(Care.RENEW, one), SETTINGS, world.ports, key=KEY)
        assert not world.subscriptions.silent
        assert at_graph(world) == {ANNA.id: one.id}
        assert (await world.state.subscriptions())[ANNA.id].expires == world.clock.now() + LASTS

    @pytest.mark.parametrize("care", Care)
    async def test_one_that_is_gone_is_made_again_once(self, care: Care) -> None:
        world = await office(ANNA)
        await tick(world)
        (one,) = world.subscriptions.there
        world.subscriptions.remove(ANNA.id)
        for _ in range(2):
            await attend(hint(care, one), SETTINGS, world.ports, key=KEY)
        assert there(world) == {ANNA.id: 1}
        assert await remembered(world) == at_graph(world) != {ANNA.id: one.id}
        assert (await tick(world)).data() == {}

    @pytest.mark.parametrize("error", [Denied("No.", status=403), Unreachable("No answer.", status=503)])
    async def test_what_cannot_be_made_again_is_told_and_made_by_the_next_run(self, error: GraphError) -> None:
        world = await office(ANNA, BO)
        await tick(world)
        one = next(one for one in world.subscriptions.there if one.mailbox == ANNA.id)
        world.subscriptions.remove(ANNA.id)
        world.fail("create_subscription", error, times=1)
        with pytest.raises(type(error)):
            await attend(hint(Care.REPLACE, one), SETTINGS, world.ports, key=KEY)
        assert (await tick(world)).data() == {"made": 1}

    async def test_others_than_ours_are_left_alone(self) -> None:
        world = await office(ANNA)
        await tick(world)
        other = Subscription(ANNA.id, "sub-99", MONDAY)
        world.journal.clear()
        for care in (None, *Care):
            await attend(hint(care, other), SETTINGS, world.ports, key=KEY)
            await attend(hint(care, Subscription(BO.id, "sub-1", MONDAY)), SETTINGS, world.ports, key=KEY)
        assert set(world.journal.names()) == {"subscribed"}

    async def test_who_has_left_gets_none(self) -> None:
        world = await office(ANNA)
        await tick(world)
        (one,) = world.subscriptions.there
        world.subscriptions.remove(ANNA.id)
        await left(world, ANNA)
        await attend(hint(Care.REPLACE, one), SETTINGS, world.ports, key=KEY)
        assert there(world) == {}
        assert await world.state.subscriptions() == {}


def hint(care: Care | None, one: Subscription) -> Hint:
    return Hint(one.mailbox, MONDAY, care=care, subscription=one.id)


def test_standing_tells_what_is_missing_and_what_runs_out() -> None:
    def lasting(mailbox: str, left: timedelta) -> tuple[str, Subscription]:
        return mailbox, Subscription(mailbox, f"sub-{mailbox}", MONDAY + left)

    known = dict(
        [lasting("long", LASTS), lasting("soon", SOON - A_TICK), lasting("over", -A_TICK), lasting("left", A_TICK)]
    )
    assert standing({"long", "soon", "over", "new"}, known, now=MONDAY) == Standing(missing=2, lapsing=1)
    assert standing((), {}, now=MONDAY) == Standing(0, 0)


def test_the_time_of_renewal_leaves_days_for_repairs() -> None:
    for number in range(200):
        one = Subscription(f"id-{number}", "sub", MONDAY + LASTS)
        assert not is_due(one, now=MONDAY + timedelta(days=2))
        assert is_due(one, now=MONDAY + LASTS - SOON - timedelta(days=1))
