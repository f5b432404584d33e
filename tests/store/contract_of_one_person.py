"""What every filler of the port State promises of one person: that everything comes out, and everything goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from holdfast.core.touches import DateKey, Touches
from holdfast.jobs.ports import State
from tests.store.contract import (
    ANNA,
    APPROVAL,
    CHOICES,
    FACTS,
    KNOWN,
    LEARNED,
    NOON,
    OF_ANNA,
    THURSDAY,
    Store,
    claimed,
    remember_everything,
)
from tests.store.contract_of_runs import RUN, SEEN, SUBSCRIPTION

BO = replace(ANNA, mailbox="id-bo", address="bo@fjallvik.example", name="Bo Ek")
OF_BO = Touches().with_skip(DateKey("lartimmen", THURSDAY))


def problem(address: str) -> dict[str, str]:
    return {"mailbox": address, "state": "failed", "message": "Graph said no.", "cure": "Grant it."}


def shard(*people: Any) -> dict[str, Any]:
    """What a shard of a plan may hold of people."""
    return {
        "index": 0,
        "states": {"failed": len(people)},
        "problems": [problem(one.address) for one in people],
        "deferred": [[one.mailbox, one.address, ["alla"], True, None, [], one.name] for one in people],
        "marks": {one.mailbox: "00ff" for one in people},
        "changes": [{"mailbox": one.address, "block": "lartimmen"} for one in people],
    }


LAST = {"job": "sweep", "problems": [problem(ANNA.address), problem(BO.address)], "note": "Väntar …"}


async def remember_two(state: State) -> None:
    await remember_everything(state)
    await state.place(BO)
    for one, did in (("id-anna", OF_ANNA), ("id-bo", OF_BO)):
        await state.know(one, KNOWN)
        await state.learn(one, LEARNED)
        await state.touch(one, did)
        await state.see(one, SEEN)
        await state.subscribe(replace(SUBSCRIPTION, mailbox=one))
    await claimed(state, "note 1", to=ANNA.address.lower())
    await claimed(state, "note 1", to=BO.address)
    await state.record_run(LAST)
    await state.begin_run(RUN)
    await state.record_shard(RUN.id, "look", 0, shard(ANNA, BO), of=1)


async def of(state: State, mailbox: str, address: str) -> list[Any]:
    """All that is kept of one person; what is not there is left out."""
    kept = [
        (await state.placed_of([mailbox])).get(mailbox),
        await state.placed_at(address.lower()),
        await state.known(mailbox),
        await state.profile(mailbox),
        await state.touches(mailbox),
        await state.sent(address.lower()),
        await state.seen(mailbox),
        await state.subscribed(mailbox),
        *await state.mentions(mailbox, address),
    ]
    return [one for one in kept if one]


class OnePersonContract:
    """The suite. ``store`` gives an empty store, which remembers from one opening to the next."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def state(self, store: Store) -> Iterator[State]:
        with store.open("9a8b7c6d-0000-4000-8000-1f0e9d8c7b6a") as state:
            yield state

    async def test_runs_tell_the_parts_that_are_about_one_person(self, state: State) -> None:
        await remember_two(state)
        mine = shard(ANNA)
        expected = [problem(ANNA.address), mine["problems"][0], mine["deferred"][0], mine["marks"], mine["changes"][0]]
        assert await state.mentions("id-anna", ANNA.address.upper()) == expected
        assert await state.mentions("", ANNA.address) == [one for one in expected if one != mine["marks"]]
        assert await state.mentions("id-anna", "") == [mine["deferred"][0], mine["marks"]]
        assert await state.mentions("id-nobody", "nobody@fjallvik.example") == await state.mentions("", "") == []

    async def test_one_person_is_forgotten_and_nobody_else(self, state: State) -> None:
        await remember_two(state)
        before = await of(state, "id-bo", BO.address)
        assert len(await of(state, "id-anna", ANNA.address)) == len(before) == 13
        await state.erase("id-anna", ANNA.address)
        assert await of(state, "id-anna", ANNA.address) == []
        assert await of(state, "id-bo", BO.address) == before
        assert await state.placed() == {"id-bo": BO}

    async def test_what_is_of_nobody_in_particular_stays(self, state: State) -> None:
        await remember_two(state)
        await state.erase("id-anna", ANNA.address)
        assert (await state.approval(), await state.choices(), await state.tenant_facts()) == (APPROVAL, CHOICES, FACTS)
        assert await state.last_run() == {**LAST, "problems": [problem(BO.address)]}
        assert await state.shards(RUN.id, "look") == [{**shard(BO), "states": {"failed": 2}}]
        assert await state.run(RUN.id) == RUN

    async def test_by_the_address_alone_goes_what_is_found_by_it(self, state: State) -> None:
        await remember_two(state)
        await state.erase("", ANNA.address.upper())
        assert await state.placed() == {"id-bo": BO}
        assert not await state.sent(ANNA.address.lower())
        assert await state.touches("id-anna") == OF_ANNA

    async def test_forgetting_somebody_unknown_changes_nothing(self, state: State) -> None:
        await remember_two(state)
        before = [await of(state, one.mailbox, one.address) for one in (ANNA, BO)]
        await state.erase("id-nobody", "nobody@fjallvik.example")
        assert [await of(state, one.mailbox, one.address) for one in (ANNA, BO)] == before

    async def test_who_was_erased_can_be_remembered_again(self, state: State) -> None:
        await remember_two(state)
        await state.erase("id-anna", ANNA.address)
        await remember_two(state)
        assert len(await of(state, "id-anna", ANNA.address)) == 13

    async def test_what_is_known_of_calendars_that_nobody_reads_any_more_is_forgotten(self, state: State) -> None:
        await remember_two(state)
        later = NOON + timedelta(days=1)
        await state.know("id-bo", replace(KNOWN, read=later))
        await state.see("id-bo", replace(SEEN, at=later))
        await state.learn("id-bo", replace(LEARNED, at=later))
        await state.forget_touches(later.date())
        assert (await state.known("id-anna"), await state.seen("id-anna"), await state.profile("id-anna")) == (
            None,
        ) * 3
        assert await state.known("id-bo")
        assert await state.seen("id-bo")
        assert await state.profile("id-bo")
