"""Every planted bug is noticed by the story that is known to notice it: one drawn by its seed, or one told on purpose.

Some of them are planted in every run of the ordinary tests, the others in the hard ones.
"""

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.story import Story, story, tell
from tests.simulation.tales import TALES

CAUGHT_BY: dict[str, tuple[int | str, ...]] = {
    "no transactionId": (68,),
    "a random transactionId": (68,),
    "a failed read taken for an empty calendar": ("whoever leaves cannot be read",),
    "recognition by subject": ("somebody's own series has our name",),
    "a retry before Retry-After": (64,),
    "a lost tag made a double": (68,),
    "the past removed with what is ended": (20,),
    "what begins within a quarter of an hour touched": (8,),
    "only the first page read": (37,),
    "marked as ended before it is emptied": (46,),
    "emptied without a word": (65,),
    "remembered only when all is done": (37,),
    "a person's copy taken for a double": ("somebody copies a series",),
    "a sweep that writes in mode watch": (64,),
    "blocks for disabled accounts": (8,),
    "leavers forgotten": (37,),
    "a series in UTC": (9,),
    "events with attendees": (9,),
    "a series continued too early": (9,),
    "the organisation's holidays for everybody": ("an audience has days off of its own",),
    "customary days off forgotten": (7,),
    "the last closed day forgotten": ("the last closed day is a Wednesday",),
    "moved to the later of two days as near": (22,),
    "days off seen to only when a series is made": (68,),
    "a day off taken for a deletion and made again": (68,),
    "a zone followed at once": ("somebody travels",),
    "a zone never followed": (29,),
    "the phase of every second week lost on a continuation": (42,),
    "the last Friday taken for the fourth": (16,),
    "the second day's series counted a double": (5,),
    "known series trusted for ever": (13,),
    "what a mailbox says of itself believed for ever": (9,),
    "ended by the range in a tenant that then forgets": (8,),
    "part-timers placed outside their hours": (58,),
    "a choice not kept": (9,),
    "the busiest time chosen": (9,),
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
