"""How long to wait, from whatever a Retry-After header says."""

from __future__ import annotations

import gc
import random

import pytest

from graph_client.throttle import Turns, backoff, retry_after
from tests.graph_client.world import NOON


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


async def test_turns_are_forgotten_when_nobody_needs_them() -> None:
    turns = Turns()
    async with turns.of("ann"):
        assert turns.of("ann").locked()
        assert not turns.of("bo").locked()
    gc.collect()
    assert not turns._locks
