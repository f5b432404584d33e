"""What to learn next: goals and resources take turns, fairly and the same for whoever counts."""

from __future__ import annotations

from collections import Counter
from datetime import date, time, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.picks import coming, focus
from holdfast.core.settings import Block, Day, Goal, Language, Resource, Settings
from tests.jobs.fjallvik import fjallvik

FIRST = date(2026, 12, 3)


def resource(name: str, minutes: int = 30, **more: Any) -> Resource:
    return Resource(title=name, url=f"https://kurser.example/{name}", minutes=minutes, **more)


def goal(name: str, *resources: Resource, **more: Any) -> Goal:
    return Goal(id=name, title=name, resources=resources, **more)


def settings(*goals: Goal, **block: Any) -> tuple[Settings, Block]:
    values = {
        "id": "lartimmen",
        "title": "Lärtimmen",
        "audiences": ("alla",),
        "every": "week",
        "day": Day.THURSDAY,
        "at": time(9),
        "minutes": 60,
        "from_": date(2026, 12, 1),
        "goals": tuple(one.id for one in goals),
    }
    made = Block(**{**values, **block})
    return fjallvik(made, goals=goals), made


def told(wanted: tuple[Settings, Block], weeks: int, joined: date | None = None) -> list[tuple[str, str | None]]:
    days = [FIRST + timedelta(weeks=week) for week in range(weeks)]
    found = coming(*wanted, "alla", days, language=Language.SV, joined=joined)
    return [(one.goal.id, one.resource.title if one.resource else None) for one in found]


def test_goals_take_turns_and_so_does_what_there_is_to_learn_from() -> None:
    wanted = settings(goal("ai", resource("a"), resource("b")), goal("safety", resource("c")))
    assert told(wanted, 5) == [("ai", "a"), ("safety", "c"), ("ai", "b"), ("safety", "c"), ("ai", "a")]


def test_only_what_fits_into_the_block_and_is_in_their_language_is_proposed() -> None:
    wanted = settings(
        goal("ai", resource("long", 90), resource("english", language="en"), resource("swedish", language="sv"))
    )
    assert told(wanted, 2) == [("ai", "swedish"), ("ai", "swedish")]


def test_what_is_for_beginners_comes_first_and_again_for_those_who_are_new() -> None:
    wanted = settings(goal("ai", resource("a"), resource("b"), resource("first", starter=True)))
    assert [title for _, title in told(wanted, 3)] == ["first", "a", "b"]
    later = FIRST + timedelta(weeks=4)
    assert [title for _, title in told(wanted, 7)][4:] == ["a", "b", "first"]
    assert [title for _, title in told(wanted, 7, joined=later)][4:] == ["first", "b", "first"]


def test_a_goal_of_another_audience_is_not_theirs() -> None:
    wanted = settings(goal("ai", resource("a"), audiences=("alla",)))
    assert told(wanted, 1) == [("ai", "a")]
    assert focus(*wanted, "ledare", FIRST, language=Language.SV) is None


def test_questions_take_turns_too_and_none_is_asked_in_another_language() -> None:
    wanted = settings(goal("ai", questions={Language.SV: ("Vad?", "Hur?")}))
    days = [FIRST + timedelta(weeks=week) for week in range(3)]
    assert [one.question for one in coming(*wanted, "alla", days, language=Language.SV)] == ["Vad?", "Hur?", "Vad?"]
    assert [one.question for one in coming(*wanted, "alla", days, language=Language.EN)] == [None] * 3


@given(st.integers(1, 5), st.lists(st.integers(1, 120), min_size=1, max_size=8), st.integers(0, 3))
def test_nothing_comes_again_before_all_were_shown(goals: int, lengths: list[int], starters: int) -> None:
    resources = [resource(f"r{n}", minutes, starter=n < starters) for n, minutes in enumerate(lengths)]
    wanted = settings(*(goal(f"g{n}", *resources) for n in range(goals)))
    fitting = sum(minutes <= 60 for minutes in lengths)
    rounds = goals * max(fitting, 1)
    found = told(wanted, rounds * 2)
    assert Counter(name for name, _ in found) == {f"g{n}": 2 * max(fitting, 1) for n in range(goals)}
    if fitting:
        for n in range(goals):
            titles = [title for name, title in found if name == f"g{n}"]
            assert len(set(titles[:fitting])) == fitting
            assert titles[:fitting] == titles[fitting:]
