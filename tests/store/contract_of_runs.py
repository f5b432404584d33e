"""What every filler of the port State promises of what runs by itself: looks, subscriptions, ticks and runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from holdfast.jobs.ports import Run, Seen, State, Subscription
from tests.store.contract import NOON, OTHER_TENANT, TENANT, Store

HOUR = timedelta(hours=1)
SEEN = Seen(NOON, frozenset({'W/"1"', 'W/"2å"'}))
SUBSCRIPTION = Subscription("id-anna", "7f105c7d-2dc5", NOON + timedelta(days=6), "mark")
RUN = Run(
    "run-1",
    "sweep",
    NOON,
    {"look": 3, "write": 2},
    "00ff00ff00ff00ff",
    frozenset({"fjallvik.example", "fjällvik.example"}),
    "Väntar …",
)
SHARDS = 300
ODD = ["a/b\\c#d?e", "\t\n\x00\x1f\x7f\x85", "å\u2028\U0001f4da", "50 % 'of' \"it\"", "=_+~", "x" * 600, "X", "x", ""]


async def record(state: State, index: int, *, of: int = 3, run: str = "run-1", stage: str = "look") -> bool:
    return await state.record_shard(run, stage, index, {"of": f"{index}, å"}, of=of)


class RunsContract:
    """The suite. ``store`` gives an empty store, which remembers from one opening to the next."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def state(self, store: Store) -> Iterator[State]:
        with store.open(TENANT) as state:
            yield state

    # Looks

    async def test_a_look_comes_back_until_it_is_forgotten(self, state: State) -> None:
        assert await state.seen("id-anna") is None
        await state.see("id-anna", SEEN)
        await state.see("id-bo", Seen(NOON))
        assert await state.seen("id-anna") == SEEN
        await state.see("id-anna", None)
        await state.see("id-anna", None)
        assert (await state.seen("id-anna"), await state.seen("id-bo")) == (None, Seen(NOON))

    async def test_a_look_never_goes_back_in_time(self, state: State) -> None:
        later = Seen(NOON + HOUR, frozenset({'W/"3"'}))
        await state.see("id-anna", later)
        await state.see("id-anna", SEEN)
        assert await state.seen("id-anna") == later
        at_once = Seen(NOON + HOUR)
        await state.see("id-anna", at_once)
        assert await state.seen("id-anna") == at_once

    async def test_of_many_looks_at_once_the_latest_stays(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            looks = [Seen(NOON + timedelta(milliseconds=(n * 7) % 9)) for n in range(9)]
            await asyncio.gather(*((one, other)[n % 2].see("id-anna", look) for n, look in enumerate(looks)))
            assert await one.seen("id-anna") == Seen(NOON + timedelta(milliseconds=8))

    async def test_looks_are_told_apart_by_the_instant_and_not_by_the_clock_on_the_wall(self, state: State) -> None:
        stockholm = timezone(HOUR)
        await state.see("id-anna", Seen(NOON.astimezone(stockholm)))
        await state.see("id-anna", Seen(NOON + timedelta(minutes=1)))
        seen = await state.seen("id-anna")
        assert seen == Seen(NOON + timedelta(minutes=1))

    async def test_a_look_may_have_found_a_lot(self, state: State) -> None:
        many = Seen(NOON, frozenset(f'W/"{n:030}"' for n in range(4_000)))
        await state.see("id-anna", many)
        assert await state.seen("id-anna") == many

    # Subscriptions

    async def test_subscriptions_come_back_by_mailbox_until_they_are_forgotten(self, state: State) -> None:
        other = Subscription("id-bo", "another", NOON, "")
        await state.subscribe(SUBSCRIPTION)
        await state.subscribe(other)
        assert await state.subscriptions() == {"id-anna": SUBSCRIPTION, "id-bo": other}
        renewed = replace(SUBSCRIPTION, id="renewed", expires=NOON + timedelta(days=9), mark="of another key")
        await state.subscribe(renewed)
        assert await state.subscribed("id-anna") == renewed
        await state.unsubscribe("id-anna")
        await state.unsubscribe("id-anna")
        assert await state.subscribed("id-anna") is None
        assert await state.subscriptions() == {"id-bo": other}

    # Ticks

    async def test_a_tick_is_begun_once_and_never_after_a_later_one(self, state: State) -> None:
        assert await state.begin_tick("sweep", NOON)
        assert not await state.begin_tick("sweep", NOON)
        assert await state.begin_tick("sweep", NOON + HOUR)
        assert not await state.begin_tick("sweep", NOON)
        assert not await state.begin_tick("sweep", (NOON + HOUR).astimezone(timezone(HOUR)))
        assert await state.begin_tick("summaries", NOON)

    async def test_of_many_who_begin_a_tick_at_once_one_gets_it(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            for slot in (NOON, NOON + HOUR):
                begun = await asyncio.gather(*((one, other)[n % 2].begin_tick("sweep", slot) for n in range(9)))
                assert sum(begun) == 1

    # Runs

    async def test_a_run_comes_back_as_it_was_begun(self, state: State) -> None:
        assert await state.run("run-1") is None
        await state.begin_run(RUN)
        bare = Run("run-2", "sweep", NOON.astimezone(timezone(HOUR)), {})
        await state.begin_run(bare)
        assert await state.run("run-1") == RUN
        found = await state.run("run-2")
        assert found == bare
        assert found is not None
        assert found.ended is None
        assert found.began.utcoffset() is not None

    async def test_a_run_is_changed_by_who_knows_how_far_it_is(self, state: State) -> None:
        ended = replace(RUN, shards={**RUN.shards, "last": 1}, note="Klar.", ended=NOON + HOUR)
        assert not await state.change_run(RUN, ended)
        await state.begin_run(RUN)
        assert await state.change_run(RUN, ended)
        assert await state.run("run-1") == ended
        assert not await state.change_run(RUN, replace(RUN, note="again"))
        assert await state.run("run-1") == ended

    async def test_of_many_who_change_a_run_at_once_one_does(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            await one.begin_run(RUN)
            after = [replace(RUN, note=f"of {n}") for n in range(9)]
            changed = await asyncio.gather(*((one, other)[n % 2].change_run(RUN, run) for n, run in enumerate(after)))
            assert sum(changed) == 1
            assert await other.run("run-1") == after[changed.index(True)]

    async def test_the_latest_run_of_a_job_is_the_one_that_was_begun_last(self, state: State) -> None:
        assert await state.latest_run("sweep") is None
        for n, hours in enumerate((2, 5, 3)):
            await state.begin_run(replace(RUN, id=f"run-{n}", began=NOON + hours * HOUR))
        await state.begin_run(replace(RUN, id="other", job="subscriptions", began=NOON + 9 * HOUR))
        latest = await state.latest_run("sweep")
        assert latest == replace(RUN, id="run-1", began=NOON + 5 * HOUR)
        assert await state.change_run(latest, replace(latest, ended=NOON + 6 * HOUR))
        latest = await state.latest_run("sweep")
        assert latest is not None
        assert latest.ended == NOON + 6 * HOUR

    # Shards

    async def test_whoever_records_the_last_shard_is_told_and_whoever_does_after_it(self, state: State) -> None:
        assert [await record(state, index) for index in (2, 0, 2, 0, 1)] == [False, False, False, False, True]
        assert [await record(state, index) for index in (0, 1, 2)] == [True, True, True]
        assert await record(state, 0, of=1, stage="write")
        assert not await record(state, 0, of=2, run="run-2")

    async def test_shards_come_back_in_their_order_each_once(self, state: State) -> None:
        for index in (10, 2, 9, 100, 2):
            await record(state, index, of=200)
        await state.record_shard("run-1", "look", 9, {"anew": [None, {"å": 1.5}]}, of=200)
        assert await state.shards("run-1", "look") == [
            {"of": "2, å"},
            {"anew": [None, {"å": 1.5}]},
            {"of": "10, å"},
            {"of": "100, å"},
        ]
        assert await state.shards("run-1", "write") == []
        assert await state.shards("run-2", "look") == []

    async def test_of_many_shards_recorded_by_two_the_last_is_told_and_nobody_before(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            order = [(n * 7) % SHARDS for n in range(SHARDS)]

            async def some(state: State, indexes: list[int]) -> list[bool]:
                return [await record(state, index, of=SHARDS) for index in indexes]

            early = await asyncio.gather(*(some((one, other)[n % 2], order[n:-1:8]) for n in range(8)))
            assert not any(map(any, early))
            assert await record(other, order[-1], of=SHARDS)
            assert await record(one, order[0], of=SHARDS)
            found = await one.shards("run-1", "look")
            assert [shard["of"] for shard in found] == [f"{index}, å" for index in range(SHARDS)]

    @pytest.mark.parametrize("of", [2, 64, 66])
    async def test_of_the_last_shards_recorded_at_once_somebody_is_told(self, store: Store, of: int) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            await asyncio.gather(*(record(one, index, of=of) for index in range(1, of - 1)))
            told = await asyncio.gather(record(one, 0, of=of), record(other, of - 1, of=of))
            assert any(told)

    async def test_what_became_of_a_shard_may_be_long(self, state: State) -> None:
        long = {"problems": [f"Röda dagar {n}: \U0001f4da" for n in range(9_000)]}
        assert await state.record_shard("run-1", "look", 0, long, of=1)
        assert await state.shards("run-1", "look") == [long]

    async def test_old_runs_are_forgotten_with_their_shards_and_nothing_else(self, state: State) -> None:
        for n in range(3):
            await state.begin_run(replace(RUN, id=f"run-{n}", began=NOON + n * HOUR))
            await asyncio.gather(*(record(state, index, of=3, run=f"run-{n}") for index in range(3)))
        await state.begin_tick("sweep", NOON)
        await state.forget_runs(NOON + HOUR)
        assert await state.run("run-0") is None
        assert await state.shards("run-0", "look") == []
        assert not await record(state, 0, of=3, run="run-0")
        assert len(await state.shards("run-1", "look")) == 3
        assert await state.run("run-1") is not None
        assert not await state.begin_tick("sweep", NOON)
        latest = await state.latest_run("sweep")
        assert latest is not None
        assert latest.id == "run-2"

    # Who sees what

    async def test_tenants_run_by_themselves_each(self, store: Store) -> None:
        with store.open(TENANT) as state, store.open(OTHER_TENANT) as other:
            await state.see("id-anna", SEEN)
            await state.subscribe(SUBSCRIPTION)
            await state.begin_tick("sweep", NOON)
            await state.begin_run(RUN)
            await record(state, 0)
            await record(state, 1)
            assert await other.seen("id-anna") is None
            assert await other.subscriptions() == {}
            assert await other.subscribed("id-anna") is None
            assert await other.run("run-1") is None
            assert await other.latest_run("sweep") is None
            assert not await other.change_run(RUN, replace(RUN, note="theirs"))
            assert await other.shards("run-1", "look") == []
            assert not await record(other, 2)
            assert await other.begin_tick("sweep", NOON)
            await other.see("id-anna", None)
            await other.unsubscribe("id-anna")
            await other.forget_runs(datetime(2100, 1, 1, tzinfo=UTC))
            assert await state.seen("id-anna") == SEEN
            assert await state.subscribed("id-anna") == SUBSCRIPTION
            assert await state.run("run-1") == RUN
            assert len(await state.shards("run-1", "look")) == 2

    @pytest.mark.parametrize("text", ODD)
    async def test_names_may_be_anything(self, state: State, text: str) -> None:
        subscription = Subscription(text, text, NOON, text)
        await state.see("id-anna", SEEN)
        await state.see(text, Seen(NOON, frozenset({text})))
        await state.subscribe(SUBSCRIPTION)
        await state.subscribe(subscription)
        assert await state.begin_tick(f"{text}2", NOON)
        assert await state.begin_tick(text, NOON)
        run = Run(text, text, NOON, {text: 1}, text, frozenset({text}), text)
        await state.begin_run(RUN)
        await state.begin_run(run)
        assert await state.record_shard(text, text, 0, {text: text}, of=1)
        assert not await state.record_shard(text, f"{text}2", 0, {}, of=2)
        assert (await state.seen("id-anna"), await state.seen(text)) == (SEEN, Seen(NOON, frozenset({text})))
        assert await state.subscriptions() == {"id-anna": SUBSCRIPTION, text: subscription}
        assert (await state.run(text), await state.latest_run(text)) == (run, run)
        assert await state.shards(text, text) == [{text: text}]
        assert await state.run("run-1") == RUN
