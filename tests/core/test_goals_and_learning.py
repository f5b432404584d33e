"""What ``check`` says of goals that nothing is learned for, and of learning that serves none."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.finding import learning
from holdfast.core.settings import Audience, Goal, Language, Resource
from tests.jobs.fjallvik import EVERYBODY, block, fjallvik

COURSE = Resource(title="Prompting", url="https://kurser.example/prompting", minutes=45)
ALL = Audience(group=EVERYBODY.name)


def goal(**more: Any) -> Goal:
    return Goal(**{"id": "ai", "title": "AI i vardagen", "resources": (COURSE,), **more})


def told(*goals: Goal, **of_the_block: Any) -> list[str]:
    settings = fjallvik(block(**{"goals": ("ai",), **of_the_block}), goals=goals)
    settings = settings.model_copy(update={"audiences": {"alla": ALL, "ledare": ALL}})
    found = list(learning(settings))
    assert not any(one.fatal or one.ok for one in found)
    return [f"{one.what}: {one.found}" for one in found]


def test_a_goal_with_a_block_and_something_to_learn_is_fine() -> None:
    assert told(goal()) == []
    assert told(goal(resources=(), questions={Language.SV: ("Vad?",)})) == []


CASES = [
    ((goal(resources=()),), {}, "Goal ai: nothing to learn for it"),
    ((goal(),), {"minutes": 30}, "Goal ai: nothing to learn for it fits into a block"),
    ((goal(), goal(id="kund")), {}, "Goal kund: no block serves it"),
    ((goal(audiences=("alla", "ledare")),), {}, "Goal ai: no block of the audience ledare serves it"),
]


@pytest.mark.parametrize(("goals", "of_the_block", "expected"), CASES, ids=[case[2] for case in CASES])
def test_what_does_not_meet_is_told(goals: tuple[Goal, ...], of_the_block: dict[str, Any], expected: str) -> None:
    assert told(*goals, **of_the_block) == [expected]


def test_learning_without_a_goal_is_told_once_there_are_goals() -> None:
    assert told(goal(), goals=()) == ["Goal ai: no block serves it", "Block lartimmen: serves no goal"]
    assert told(goals=()) == []
