"""Killed at every step and at every write of the state, and run again: the calendars are the same.

A step is each time that a task goes on, so that there is one before and one after each request. The state is written
without waiting, and so has places of its own.

The real stack on the sandbox, with two people who have touched their dates. Nothing is drawn by lot; none of the dates
was touched before, since what was put right once and is killed after it was counted is let go the next time.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from sandbox import Facts
from tests.simulation.acts import InCalendar
from tests.simulation.commands import Command
from tests.simulation.office import Block, Every, Holidays
from tests.simulation.process import Death
from tests.simulation.story import FirstFile
from tests.simulation.table import MOVABLE, STRICT, Protection
from tests.simulation.world import Opening, World

NEVER = 10**9
BEGAN = datetime(2026, 11, 23, 6, 5, tzinfo=UTC)
SINCE = date(2026, 11, 23)

BLOCKS = (
    Block(
        "lartimmen",
        "Lärtimmen",
        ("alla",),
        Every(1, "week", ("tuesday",)),
        time(9),
        SINCE,
        until=date(2027, 1, 12),
        protection=Protection(STRICT),
    ),
    Block(
        "fordjupning",
        "Fördjupning",
        ("alla",),
        Every(1, "week", ("thursday",)),
        time(13),
        SINCE,
        until=date(2027, 1, 14),
        protection=Protection(MOVABLE, moves=1),
    ),
)

OPENING = Opening(
    seed=7,
    began=BEGAN,
    people=3,  # of whom the third is in no audience
    facts=Facts(),
    latency=0.05,
    token_lifetime=timedelta(hours=1),
    file=FirstFile(("alla",), None, BLOCKS, "Europe/Stockholm", Holidays(), 10),
)


ACTS = (
    *(InCalendar(0, "moves a date", which, 2) for which in (0, 1)),
    InCalendar(0, "resizes a date", 6, 0),
    *(InCalendar(0, "frees a date", which, 0) for which in (4, 5)),
    *(InCalendar(0, "deletes a date", which, 0) for which in (3, 2)),
    InCalendar(1, "deletes the series", 0, 0),
    InCalendar(1, "moves a date", 1, 2),
    InCalendar(1, "frees a date", 2, 0),
    InCalendar(1, "deletes a date", 0, 0),
)
"""Dates of both blocks by turns, those of Bo after he has deleted all of one block."""

COMMANDS = {
    "apply": Command("apply", force=True),
    "a first apply": Command("apply", force=True),
    "repair": Command("repair", only=0),
}


def begun(name: str, folder: Path) -> World:
    """Everybody has their blocks, and has done something to most of their dates since, or has nothing yet."""
    world = World(OPENING, folder)
    if name != "a first apply":
        Command("apply").take(world)
        for act in ACTS:
            act.take(world)
        if name == "repair":
            Command("repair", only=1).take(world)
    return world


def shown(world: World) -> list[tuple[object, ...]]:
    """What stands in everybody's calendar, but for what tells only one telling from another."""
    return sorted(
        (account.given_name, one.starts, one.ends, one.value("showAs"), one.value("subject"), one.slot is None)
        for account in world.people
        for event in world.ours(account)
        for one in event.between(BEGAN, BEGAN + timedelta(weeks=30))
    )


def told(name: str, death: Death | None = None) -> tuple[list[tuple[object, ...]], dict[str, int], str]:
    """What stands after the command was killed, or not, and run again; how often it could have been, and was it."""
    with tempfile.TemporaryDirectory() as folder:
        world = begun(name, Path(folder))
        run = replace(COMMANDS[name], death=death or Death("await", NEVER)).run(world)
        again = COMMANDS[name].run(world)
        assert again.report is not None
        assert again.report.complete, (str(death), world.lines[-2:])
        found = shown(world), dict(run.fate.seen), run.how
        world.end()
    return found


def killed_everywhere(name: str, kinds: tuple[tuple[str, bool], ...]) -> int:
    """How often a command was killed, each time somewhere else."""
    calm, seen, _ = told(name)
    kills = 0
    for at, after in kinds:
        assert seen[at]
        for number in range(1, seen[at] + 1):
            shows, _, how = told(name, Death(at, number, after))
            kills += how.startswith("killed")
            assert shows == calm, (at, number, after)
    return kills


@pytest.mark.hard
@pytest.mark.parametrize("name", ["apply", "a first apply", "repair"])
def test_killed_at_any_step_and_run_again_the_calendars_are_the_same(name: str) -> None:
    assert killed_everywhere(name, (("await", False),))


@pytest.mark.hard
@pytest.mark.parametrize("name", ["apply", "repair"])
def test_killed_at_any_write_and_run_again_the_calendars_are_the_same(name: str) -> None:
    assert killed_everywhere(name, (("write", False), ("write", True)))


def test_what_people_did_is_answered_as_the_table_says() -> None:
    """Of the people who are killed so often: else all could be the same because nothing was done at all."""
    shows, _, _ = told("apply")
    alone = [(who, starts.date()) for who, starts, *_, single in shows if single and isinstance(starts, datetime)]
    assert alone == [("Anna", date(2026, 12, 1)), ("Anna", date(2026, 12, 3))]
    first = [starts.hour for who, starts, *_ in shows if who == "Anna" and isinstance(starts, datetime)][:2]
    assert first == [8, 13]
    assert {shows_as for _, _, _, shows_as, *_ in shows} == {"busy"}
