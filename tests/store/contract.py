"""What every filler of the port State promises. Subclass ``StateContract`` and give it a way to open one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, timezone

import pytest

from holdfast.core.model import Purpose
from holdfast.jobs.ports import Approval, Placed, State

TENANT = "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"
OTHER_TENANT = "9d8c7b6a-5f4e-4d3c-8b2a-1f0e9d8c7b6a"
NOON = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
STOCKHOLM = timezone(timedelta(hours=1))

APPROVAL = Approval(
    fingerprint="00ff00ff00ff00ff",
    settings="version: 1\norganization:\n  name: Fjällvik AB\n",
    at=NOON,
    groups={"alla": ("Alla medarbetare", "g-alla"), "jour": ("jour@fjallvik.example", "g-jour")},
    complete=frozenset({"lartimmen", "fordjupning"}),
)
ANNA = Placed("id-anna", "anna.öberg@fjallvik.example", frozenset({"lartimmen", "fordjupning"}))


class Store:
    """Where states of any tenant can be opened, again and again, on the same memory."""

    def open(self, tenant: str) -> AbstractContextManager[State]:
        raise NotImplementedError


class StateContract:
    """The suite. ``store`` gives an empty store, which remembers from one opening to the next."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def state(self, store: Store) -> Iterator[State]:
        with store.open(TENANT) as state:
            yield state

    async def test_a_new_state_remembers_nothing(self, state: State) -> None:
        assert await state.approval() is None
        assert await state.placed() == {}
        assert await state.purposes(since=datetime.min.replace(tzinfo=UTC)) == {}
        assert await state.floors() == {}
        assert await state.last_run() is None

    async def test_an_approval_comes_back_whole(self, state: State) -> None:
        await state.approve(APPROVAL)
        assert await state.approval() == APPROVAL

    async def test_pinned_groups_come_back_as_the_pairs_they_were(self, state: State) -> None:
        await state.approve(APPROVAL)
        approval = await state.approval()
        assert approval is not None
        text, group_id = approval.groups["alla"]
        assert (text, group_id) == ("Alla medarbetare", "g-alla")

    async def test_the_last_approval_is_in_force(self, state: State) -> None:
        await state.approve(APPROVAL)
        later = Approval("1111", "version: 1\n", NOON + timedelta(days=1), {}, frozenset())
        await state.approve(later)
        assert await state.approval() == later

    async def test_an_approval_withdrawn_is_gone_and_withdrawing_again_is_no_error(self, state: State) -> None:
        await state.approve(APPROVAL)
        await state.withdraw()
        await state.withdraw()
        assert await state.approval() is None

    async def test_withdrawing_an_approval_forgets_nothing_else(self, state: State) -> None:
        await state.approve(APPROVAL)
        await state.place(ANNA)
        await state.raise_floor("lartimmen", 2)
        await state.withdraw()
        assert await state.placed() == {"id-anna": ANNA}
        assert await state.floors() == {"lartimmen": 2}

    async def test_instants_are_the_same_whatever_zone_they_were_told_in(self, state: State) -> None:
        await state.approve(Approval("f", "s", NOON.astimezone(STOCKHOLM), {}))
        approval = await state.approval()
        assert approval is not None
        assert approval.at == NOON
        assert approval.at.utcoffset() is not None

    async def test_a_mailbox_is_remembered_by_its_id_with_all_its_blocks(self, state: State) -> None:
        bo = Placed("id-bo", "bo@fjallvik.example", frozenset({"lartimmen"}))
        await state.place(ANNA)
        await state.place(bo)
        assert await state.placed() == {"id-anna": ANNA, "id-bo": bo}

    async def test_what_a_mailbox_has_is_replaced_and_not_added_to(self, state: State) -> None:
        await state.place(ANNA)
        less = Placed("id-anna", "anna.ek@fjallvik.example", frozenset({"fordjupning"}))
        await state.place(less)
        assert await state.placed() == {"id-anna": less}

    async def test_a_mailbox_without_blocks_is_forgotten(self, state: State) -> None:
        await state.place(ANNA)
        await state.place(Placed("id-anna", ANNA.address, frozenset()))
        await state.place(Placed("id-never-seen", "x@fjallvik.example", frozenset()))
        assert await state.placed() == {}

    @pytest.mark.parametrize("purpose", Purpose)
    async def test_every_purpose_comes_back(self, state: State, purpose: Purpose) -> None:
        await state.learn_purpose("id-anna", purpose, NOON)
        assert await state.purposes(since=NOON) == {"id-anna": purpose}

    async def test_purposes_learned_before_the_instant_are_left_out(self, state: State) -> None:
        for microseconds in (0, 1, 999_999):
            await state.learn_purpose(f"at {microseconds}", Purpose.USER, NOON.replace(microsecond=microseconds))
        after = NOON.replace(microsecond=1)
        assert set(await state.purposes(since=after)) == {"at 1", "at 999999"}
        assert set(await state.purposes(since=after.astimezone(STOCKHOLM))) == {"at 1", "at 999999"}
        assert await state.purposes(since=NOON + timedelta(seconds=1)) == {}

    async def test_a_purpose_learned_again_counts_from_then_on(self, state: State) -> None:
        await state.learn_purpose("id-anna", Purpose.USER, NOON)
        await state.learn_purpose("id-anna", Purpose.SHARED, NOON + timedelta(days=8))
        assert await state.purposes(since=NOON + timedelta(days=1)) == {"id-anna": Purpose.SHARED}

    async def test_a_floor_never_sinks(self, state: State) -> None:
        for generation in (2, 5, 3):
            await state.raise_floor("lartimmen", generation)
        await state.raise_floor("fordjupning", 1)
        assert await state.floors() == {"lartimmen": 5, "fordjupning": 1}

    async def test_the_last_run_comes_back_as_plain_data(self, state: State) -> None:
        run = {"job": "sweep", "states": {"held": 3}, "complete": True, "note": "Väntar …", "problems": [{"a": None}]}
        await state.record_run({"job": "apply"})
        await state.record_run(run)
        assert await state.last_run() == run

    async def test_tenants_know_nothing_of_each_other(self, store: Store) -> None:
        with store.open(TENANT) as state:
            await state.approve(APPROVAL)
            await state.place(ANNA)
            await state.learn_purpose("id-anna", Purpose.USER, NOON)
            await state.raise_floor("lartimmen", 3)
            await state.record_run({"job": "apply"})
        with store.open(OTHER_TENANT) as other:
            await self.test_a_new_state_remembers_nothing(other)
            await other.withdraw()
            await other.place(Placed("id-anna", ANNA.address, frozenset()))
            await other.raise_floor("lartimmen", 1)
        with store.open(TENANT) as state:
            assert await state.approval() == APPROVAL
            assert await state.placed() == {"id-anna": ANNA}
            assert await state.floors() == {"lartimmen": 3}

    async def test_all_is_still_known_when_it_is_opened_again(self, store: Store) -> None:
        with store.open(TENANT) as state:
            await state.approve(APPROVAL)
            await state.place(ANNA)
            await state.learn_purpose("id-anna", Purpose.LINKED, NOON)
            await state.raise_floor("lartimmen", 3)
            await state.record_run({"job": "apply"})
        with store.open(TENANT) as state:
            assert await state.approval() == APPROVAL
            assert await state.placed() == {"id-anna": ANNA}
            assert await state.purposes(since=NOON) == {"id-anna": Purpose.LINKED}
            assert await state.floors() == {"lartimmen": 3}
            assert await state.last_run() == {"job": "apply"}

    async def test_two_at_once_see_what_the_other_did(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            await one.approve(APPROVAL)
            await one.place(ANNA)
            await other.raise_floor("lartimmen", 4)
            await one.raise_floor("lartimmen", 2)
            assert await other.approval() == APPROVAL
            assert await other.placed() == {"id-anna": ANNA}
            assert await one.floors() == {"lartimmen": 4}
            await other.withdraw()
            assert await one.approval() is None

    @pytest.mark.parametrize(
        "text", ["'; drop table approval; --", "å\u2028\U0001f4da", '"}', "%s ? :x", "id-ANNA", " "]
    )
    async def test_any_text_comes_back_as_it_was(self, state: State, text: str) -> None:
        approval = Approval(text, text, NOON, {text: (text, text)}, frozenset({text}))
        placed = Placed(text, text, frozenset({text}))
        await state.approve(approval)
        await state.place(placed)
        await state.place(Placed("id-anna", "anna@fjallvik.example", frozenset({"lartimmen"})))
        await state.record_run({text: text})
        assert await state.approval() == approval
        assert (await state.placed())[text] == placed
        assert await state.last_run() == {text: text}
