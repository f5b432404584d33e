"""The table of protection, told here anew from the page that says what Holdfast does, for the world to judge by.

It knows nothing of how the product decides. Where faults leave open what went before, it is asked once for every past
that is possible.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

STRICT, MOVABLE, SOFT = "strict", "movable", "soft"

PUT_BACK_AT_MOST = 2
"""A moved one is put back at most twice."""


class Protection(NamedTuple):
    """How a block is protected, in the words of the file; ``within`` and ``moves`` are of movable ones only."""

    kind: str = SOFT
    within: str = "week"
    moves: int = 3

    @property
    def json(self) -> dict[str, str | int]:
        """As the file has it."""
        movable = {"within": self.within, "moves_per_quarter": self.moves} if self.kind == MOVABLE else {}
        return {"protection": self.kind, **movable}

    def __str__(self) -> str:
        return f"{MOVABLE} {self.moves} times within the {self.within}" if self.kind == MOVABLE else self.kind


AS_YOU_LIKE = Protection(SOFT)


class Touch(enum.StrEnum):
    """What somebody did with a date."""

    MOVED = "moved"
    DELETED = "deleted"
    FREED = "set free"


class Answer(enum.StrEnum):
    """What becomes of it."""

    PUT_RIGHT = "put right"
    INSTEAD = "a single event in its place"
    KEPT = "kept where it is"
    GONE = "let go"
    LEFT = "left as it is"
    EXCUSED = "excused"


class Past(NamedTuple):
    """What went before on a date: how often it was put right, and whether a deletion of it was answered.

    ``skipped`` says that it is agreed to be left out, ``kept`` that it may stay where its owner has it.
    """

    righted: int = 0
    answered: bool = False
    skipped: bool = False
    kept: bool = False

    @property
    def uses(self) -> bool:
        """Whether one of the quarter's moves went to it."""
        return self.kept or (self.skipped and not self.answered)


class Case(NamedTuple):
    """What somebody did, and what the answer depends on besides the past.

    ``away`` is an out-of-office event that day, ``inside`` that it stands inside the week and working hours, at its
    full length, and ``left`` that the quarter's moves are not used up.
    """

    touch: Touch
    away: bool
    inside: bool
    left: bool


def answer(protection: Protection, case: Case, past: Past) -> tuple[Answer, Past]:
    """What becomes of a date that somebody touched, and what has gone before from then on."""
    if protection.kind == SOFT:
        return Answer.LEFT, past
    allowed = protection.kind == MOVABLE and (case.left or past.uses)
    if case.touch is Touch.DELETED:
        return _deleted(past, away=case.away, allowed=allowed)
    if case.away:
        return Answer.EXCUSED, past
    if case.touch is Touch.MOVED and allowed and case.inside:
        return Answer.KEPT, past._replace(kept=True)
    if past.righted >= PUT_BACK_AT_MOST:
        return Answer.LEFT, past
    return Answer.PUT_RIGHT, past._replace(righted=past.righted + 1)


def _deleted(past: Past, *, away: bool, allowed: bool) -> tuple[Answer, Past]:
    if past.skipped:
        return Answer.GONE, past
    if away:
        return Answer.EXCUSED, past
    if past.answered or allowed:
        return Answer.GONE, past._replace(skipped=True, kept=False)
    return Answer.INSTEAD, past._replace(answered=True)


def any_past(protection: Protection, past: Past) -> frozenset[Past]:
    """Every past that one may have turned into while nobody can tell what was done about a date."""
    if protection.kind == SOFT:
        return frozenset({past})
    return frozenset(
        Past(righted, answered, skipped, kept)
        for righted in range(past.righted, PUT_BACK_AT_MOST + 1)
        for answered in {past.answered, True}
        for skipped in {past.skipped, True}
        for kept in {past.kept, protection.kind == MOVABLE, False}
        if not (kept and skipped)
    )
