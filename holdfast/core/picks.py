"""What to learn next: the goals of a block take turns, and within a goal what there is to learn from.

By counting alone, so that a calendar, a summary and tomorrow's run say the same without remembering anything.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.core import recurrence
from holdfast.core.model import Rule
from holdfast.core.settings import Block, Goal, Language, Resource, Settings

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Focus:
    """What one date of a block is about. ``resource`` and ``question`` are None where the goal has none that fit."""

    day: date
    goal: Goal
    resource: Resource | None
    question: str | None


def focus(
    settings: Settings, block: Block, audience: str, day: date, *, language: Language, joined: date | None = None
) -> Focus | None:
    """What a date of a block is about for an audience; None where the block serves no goal of theirs.

    Each goal is in focus before any comes again, and of a goal each resource that fits into the block. Who ``joined``
    the audience lately, by the first date of theirs, begins with what is for beginners.
    """
    goals = [goal for goal in settings.goals if goal.id in block.goals and goal.is_for(audience)]
    if not goals:
        return None
    number = _dates_before(block, day)
    goal, turn = goals[number % len(goals)], number // len(goals)
    fitting = [one for one in goal.resources if one.is_for(language) and one.minutes <= block.minutes]
    fitting.sort(key=lambda one: not one.starter)
    resource = fitting[turn % len(fitting)] if fitting else None
    starters = [one for one in fitting if one.starter]
    if joined is not None and starters:
        own = turn - _turns_before(block, goals, goal, joined)
        resource = starters[own] if 0 <= own < len(starters) else resource
    questions = goal.questions.get(language, ())
    return Focus(day, goal, resource, questions[turn % len(questions)] if questions else None)


def coming(
    settings: Settings,
    block: Block,
    audience: str,
    days: Sequence[date],
    *,
    language: Language,
    joined: date | None = None,
) -> Iterator[Focus]:
    """What these dates of a block are about, in their order."""
    for day in days:
        found = focus(settings, block, audience, day, language=language, joined=joined)
        if found is not None:
            yield found


def _turns_before(block: Block, goals: Sequence[Goal], goal: Goal, day: date) -> int:
    """How often a goal has been in focus before a day."""
    number = _dates_before(block, day)
    return number // len(goals) + (number % len(goals) > goals.index(goal))


def _dates_before(block: Block, day: date) -> int:
    """How many dates the block has had before a day, on whichever of its days."""
    return sum(_counted(rule, block.from_, day - _DAY) for rule in block.rules())


@functools.lru_cache(maxsize=4096)
def _counted(rule: Rule, first: date, last: date) -> int:
    return sum(1 for _ in recurrence.dates(rule, first, last))
