"""Working through many mailboxes at once."""

from __future__ import annotations

import asyncio

import pytest

from holdfast.jobs.crowd import AT_ONCE, each


async def test_results_come_in_the_order_of_the_items_whoever_is_done_first() -> None:
    async def work(item: int) -> int:
        for _ in range(300 - item):
            await asyncio.sleep(0)
        return item * 10

    assert await each(range(300), work, doing="Reading") == [item * 10 for item in range(300)]


async def test_nothing_to_do_is_done_at_once() -> None:
    async def work(item: int) -> int:
        raise AssertionError(item)

    told: list[tuple[str, int, int]] = []
    assert await each([], work, doing="Reading", progress=lambda *step: told.append(step)) == []
    assert told == [("Reading", 0, 0)]


async def test_so_many_are_worked_on_at_a_time_and_no_more() -> None:
    working, most, calls = 0, 0, 0

    async def work(_: int) -> None:
        nonlocal working, most, calls
        calls += 1
        working += 1
        most = max(most, working)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        working -= 1

    await each(iter(range(3 * AT_ONCE + 1)), work, doing="Writing")
    assert most == AT_ONCE
    assert calls == 3 * AT_ONCE + 1


async def test_a_slow_one_holds_nobody_up() -> None:
    others_are_done = asyncio.Event()
    left = 499

    async def work(item: int) -> int:
        nonlocal left
        if item == 0:
            await others_are_done.wait()
        else:
            left -= 1
            if not left:
                others_are_done.set()
        return item

    assert await each(range(500), work, doing="Reading") == list(range(500))


async def test_progress_is_told_from_nothing_to_everything_without_a_step_back() -> None:
    async def work(item: int) -> int:
        for _ in range(item % 7):
            await asyncio.sleep(0)
        return item

    told: list[tuple[str, int, int]] = []
    await each(range(200), work, doing="Reading calendars", progress=lambda *step: told.append(step))
    assert told == [("Reading calendars", done, 200) for done in range(201)]


async def test_a_defect_in_one_is_raised_and_not_taken_for_a_result() -> None:
    async def work(item: int) -> int:
        await asyncio.sleep(0)
        return 1 // (item - 3)

    with pytest.RaisesGroup(ZeroDivisionError):
        await each(range(10), work, doing="Reading")
