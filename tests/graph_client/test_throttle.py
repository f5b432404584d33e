"""How long to wait, from whatever a Retry-After header says."""

from __future__ import annotations

import asyncio
import random
import uuid

import pytest

from graph_client.throttle import Budget, Pace, Turns, backoff, request_id, retry_after
from tests.graph_client.world import NOON, JumpingClock


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("-3", 0),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 13:00:30 +0100", 30),
        ("Tue, 24 Nov 2026 12:00:30 -0000", 30),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOON) == seconds


def test_backoff_doubles_up_to_a_minute() -> None:
    chance = random.Random(3)  # noqa: S311 - tests repeat
    for attempt in range(1, 12):
        most = min(60, 2**attempt)
        assert most / 2 <= backoff(attempt, chance) <= most


def test_a_request_id_is_a_random_uuid() -> None:
    chance = random.Random(5)  # noqa: S311 - tests repeat
    made = [request_id(chance) for _ in range(1000)]
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in made} == {(4, uuid.RFC_4122)}
    assert all(str(uuid.UUID(one)) == one for one in made)
    assert len(set(made)) == 1000


async def test_turns_come_in_the_order_of_asking_and_are_forgotten_when_nobody_needs_them() -> None:
    turns, had = Turns(), list[str]()

    async def visit(who: str, mailbox: str) -> None:
        await turns.take(mailbox)
        try:
            had.append(who)
            await asyncio.sleep(0)
        finally:
            turns.give_back(mailbox)

    await asyncio.gather(*(visit(f"{mailbox}{n}", mailbox) for n in range(3) for mailbox in ("ann", "bo")))
    assert had == ["ann0", "bo0", "ann1", "bo1", "ann2", "bo2"]
    assert not turns._taken


async def test_who_is_cancelled_while_waiting_keeps_nobody() -> None:
    turns = Turns()
    await turns.take("ann")
    waiting = [asyncio.create_task(turns.take("ann")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    turns.give_back("ann")
    waiting[1].cancel()  # its turn has come in the same moment
    await asyncio.sleep(0)
    await asyncio.wait_for(waiting[2], 1)
    turns.give_back("ann")
    assert not turns._taken


def test_a_budget_is_free_for_a_hundred_and_then_half_of_the_calls() -> None:
    budget = Budget()
    assert all(budget.spend(0) for _ in range(100))
    assert not budget.spend(0)
    assert budget.spend(1)
    assert not budget.spend(2)
    assert budget.spend(3)


def throttled(*numbers: int) -> list[str]:
    return [f"person-{number}" for number in numbers]


def test_a_pace_falls_when_several_mailboxes_are_throttled_at_once_and_grows_back_to_just_below() -> None:
    clock = JumpingClock()
    pace = Pace(80, clock=clock)
    pace.answered(0, throttled(1, 2))
    assert pace.limit == 40
    for _ in range(100):
        pace.answered(1, [])
    assert pace.limit == 72
    clock.at = Pace.REMEMBERED + 1
    for _ in range(100):
        pace.answered(clock.at, [])
    assert pace.limit == 80


def test_batches_that_were_on_their_way_already_make_a_pace_fall_once() -> None:
    clock = JumpingClock()
    clock.at = 5
    pace = Pace(80, clock=clock)
    for number in range(4):
        pace.answered(4, throttled(number, number + 100))
    assert pace.limit == 40
    clock.at = 6
    pace.answered(6, throttled(11, 12))
    assert pace.limit == 20


def test_one_mailbox_that_is_throttled_for_ever_slows_nobody() -> None:
    pace = Pace(80, clock=JumpingClock())
    for number in range(1000):
        pace.answered(number, throttled(1))
        pace.answered(number, throttled(1, 2))
    assert pace.limit == 80


def test_a_pace_never_falls_below_what_graph_works_on_anyway() -> None:
    clock = JumpingClock()
    pace = Pace(80, clock=clock)
    for number in range(100):
        clock.at = number
        pace.answered(number, throttled(2 * number, 2 * number + 1))
    assert pace.limit == Pace.LEAST
