"""Every planted bug is noticed by the story that is known to notice it: one drawn by its seed, or one told on purpose.

Some of them are planted in every run of the ordinary tests, the others in the hard ones.
"""

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.story import Story, story, tell
from tests.simulation.tales import TALES

CAUGHT_BY: dict[str, tuple[int | str, ...]] = {
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
    "a repair of the past": ("at the last minute", "moved to a day before and over"),
    "a gap taken for a holiday": ("a date is deleted, and what stands for it",),
    "everything let go": ("a date is moved four times",),
    "a late look overruling a skip": ("a skip outlives an edit", "the only move goes to a deletion"),
    "a third put-back": ("a date is moved four times",),
    "an allowance never counted": ("two are moved at once and one may be",),
    "an allowance for each look": ("the only move goes to a deletion",),
    "kept although outside working hours": ("somebody would learn before work",),
    "kept although outside its week": ("somebody would learn next week",),
    "freed left free": ("a date is set free",),
    "a deletion answered twice": ("a date is deleted, and what stands for it",),
    "out of office not excused": ("somebody is out of office",),
    "a series remade for ever": ("a series is deleted twice",),
    "single events left behind": ("what stands for a date goes with its series",),
    "put right without being counted": ("a date is moved four times",),
    "soft blocks put right": ("a soft block is left",),
}
"""Stories that notice a bug, the quickest first. ``python -m tests.simulation mutants`` looks for seeds anew."""

EVERY_TIME = (
    "a repair of the past",
    "a late look overruling a skip",
    "a third put-back",
    "kept although outside working hours",
    "a deletion answered twice",
    "a series remade for ever",
)
"""Planted in the ordinary tests too."""


def told(which: int | str) -> Story:
    """A story by its seed, or by its name."""
    return TALES[which] if isinstance(which, str) else story(which)


def is_noticed(name: str) -> bool:
    """Whether a story that is known to notice a bug does so."""
    for which in CAUGHT_BY[name]:
        with MUTANTS[name]():
            if tell(told(which)).broken:
                return True
    return False


NOBODY = "Nobody notices {}: look for other stories with `python -m tests.simulation mutants`."


@pytest.mark.parametrize("name", EVERY_TIME)
def test_a_planted_bug_is_noticed_each_time(name: str) -> None:
    assert is_noticed(name), NOBODY.format(name)


@pytest.mark.hard
@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in EVERY_TIME])
def test_a_planted_bug_is_noticed(name: str) -> None:
    assert is_noticed(name), NOBODY.format(name)
