"""Every planted bug is noticed: by the story that is known to notice it."""

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.story import story, tell

pytestmark = pytest.mark.hard

CAUGHT_BY: dict[str, tuple[int, ...]] = {
    "no transactionId": (1, 5),
    "a random transactionId": (1, 5),
    "a failed read taken for an empty calendar": (139,),
    "recognition by subject": (1, 5),
    "a retry before Retry-After": (4, 8),
    "a lost tag made a double": (5, 6),
    "the past removed with what is ended": (0, 3),
    "what begins within a quarter of an hour touched": (32, 48),
    "only the first page read": (8,),
    "marked as ended before it is emptied": (44, 47),
    "emptied without a word": (44, 47),
    "remembered only when all is done": (0, 17),
    "a person's copy taken for a double": (67,),
    "a sweep that writes in mode watch": (6, 7),
    "blocks for disabled accounts": (3, 6),
    "leavers forgotten": (0, 11),
    "a series in UTC": (0, 1),
    "events with attendees": (0, 1),
    "a series continued too early": (0, 1, 3),
    "the organisation's holidays for everybody": (4, 24),
    "customary days off forgotten": (1, 5),
    "the last closed day forgotten": (89,),
    "moved to the later of two days as near": (4, 12),
    "days off seen to only when a series is made": (1, 5),
    "a day off taken for a deletion and made again": (1, 5),
    "a zone followed at once": (22,),
    "a zone never followed": (5, 45),
    "the phase of every second week lost on a continuation": (20, 36),
    "the last Friday taken for the fourth": (14, 26),
    "the second day's series counted a double": (0, 3),
    "known series trusted for ever": (10, 24),
    "what a mailbox says of itself believed for ever": (0, 1),
    "ended by the range in a tenant that then forgets": (22, 42),
    "part-timers placed outside their hours": (6, 7),
    "a choice not kept": (0, 6),
    "the busiest time chosen": (8, 9),
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
