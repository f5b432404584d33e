"""Every planted bug is noticed: by the story that is known to notice it."""

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.story import story, tell

pytestmark = pytest.mark.hard

CAUGHT_BY: dict[str, tuple[int, ...]] = {
    "no transactionId": (17, 20, 47),
    "a random transactionId": (17, 20, 47),
    "a failed read taken for an empty calendar": (4, 6, 41),
    "recognition by subject": (21, 76),
    "a retry before Retry-After": (1, 4, 6),
    "a lost tag made a double": (17, 47, 53),
    "the past removed with what is ended": (1, 3, 6),
    "what begins within a quarter of an hour touched": (9, 27, 63),
    "only the first page read": (60, 66),
    "marked as ended before it is emptied": (25, 28, 49),
    "emptied without a word": (25, 49),
    "remembered only when all is done": (1, 36, 43),
    "a person's copy taken for a double": (10, 29, 31),
    "a sweep that writes in mode watch": (6, 14, 16),
    "blocks for disabled accounts": (1, 5, 6),
    "leavers forgotten": (1, 3, 7),
    "a series in UTC": (0, 1, 2),
    "events with attendees": (0, 1, 2),
    "a series continued too early": (0, 1, 2),
}
"""Stories that notice a bug, the quickest first. ``python -m tests.simulation mutants`` looks for them anew."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_noticed(name: str) -> None:
    for seed in CAUGHT_BY[name]:
        with MUTANTS[name]():
            told = tell(story(seed))
        if told.broken:
            return
    pytest.fail(f"Nobody notices {name}: look for other stories with `python -m tests.simulation mutants`.")
