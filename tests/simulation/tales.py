"""Stories told on purpose, of a few steps each: the rows of the table of protection, and what was once wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from sandbox import Facts
from tests.simulation.acts import InCalendar
from tests.simulation.commands import Command
from tests.simulation.edits import Edit
from tests.simulation.office import Block, Every, Holidays
from tests.simulation.people import InDirectory
from tests.simulation.steps import Passes, Quiet, ShortlyBefore, Shut, Step, Unattended, Weather
from tests.simulation.story import FirstFile, Story
from tests.simulation.table import MOVABLE, SOFT, STRICT, Protection
from tests.simulation.world import Opening

_BEGAN = datetime(2026, 10, 12, 6, 5, tzinfo=UTC)
_APPLY, _SWEEP, _QUIET = Command("apply", force=True), Command("sweep"), Quiet()

_BACK_TWO_HOURS, _AN_HOUR, _A_DAY_AND_MORE, _A_DAY, _BACK_A_DAY = 1, 2, 4, 5, 6
"""What the amount of a move stands for."""


_ONE = Block("lartimmen", "Lärtimmen", ("alla",), Every(1, "week", ("wednesday",)), time(9), _BEGAN.date())


def tale(
    kind: str, *steps: Step, moves: int = 3, block: Block = _ONE, off: Holidays | None = None, **facts: bool
) -> Story:
    """Three people, of whom two get one block; the first of them is Anna. ``off`` are the days off of their audience.

    ``facts`` are of this tenant where it is not as others are.
    """
    block = replace(block, protection=Protection(kind, moves=moves))
    opening = Opening(
        seed=1,
        began=_BEGAN,
        people=3,
        facts=Facts(**facts),
        latency=0.05,
        token_lifetime=timedelta(hours=1),
        file=FirstFile(("alla",), off, (block,), "Europe/Stockholm", Holidays(), 10),
    )
    return Story(opening, (_APPLY, *steps, _QUIET))


def _on(*days: str) -> Block:
    return replace(_ONE, every=Every(1, "week", days))


def _moves(which: int, amount: int) -> InCalendar:
    return InCalendar(0, "moves a date", which, amount)


def _deletes(which: int) -> InCalendar:
    return InCalendar(0, "deletes a date", which, 0)


def _does(what: str, which: int = 0) -> InCalendar:
    return InCalendar(0, what, which, 0)


TALES: dict[str, Story] = {
    "a date is moved four times": tale(STRICT, *(_moves(0, _AN_HOUR), _SWEEP) * 4),
    "a date is deleted, and what stands for it": tale(
        STRICT, *(_deletes(1), _SWEEP) * 2, _SWEEP, remembers_transactions_of_deleted=False
    ),
    "the only move goes to a deletion": tale(MOVABLE, _deletes(1), _SWEEP, _moves(0, _AN_HOUR), _SWEEP, moves=1),
    "two are moved at once and one may be": tale(MOVABLE, _moves(0, _AN_HOUR), _moves(1, _AN_HOUR), moves=1),
    "somebody would learn before work": tale(MOVABLE, _moves(0, _BACK_TWO_HOURS)),
    "somebody would learn next week": tale(MOVABLE, *(_moves(0, _A_DAY),) * 3, block=_on("friday")),
    "a date is cut short": tale(MOVABLE, _does("resizes a date")),
    "a date is set free": tale(MOVABLE, _does("frees a date")),
    "somebody is out of office": tale(STRICT, _does("is away", 1), _deletes(1), _SWEEP),
    "a series is deleted twice": tale(STRICT, *(_does("deletes the series"), _SWEEP) * 2, _SWEEP),
    "what stands for a date goes with its series": tale(STRICT, _deletes(1), _SWEEP, Edit("time", 0, 1), _APPLY),
    "a soft block is left": tale(SOFT, _moves(0, _AN_HOUR), _deletes(2), _does("frees a date", 1)),
    "at the last minute": tale(STRICT, _moves(0, _AN_HOUR), ShortlyBefore(0, 8), _SWEEP),
    "somebody copies a series": tale(STRICT, _does("copies a series"), _SWEEP, last_occurrence_takes_series=False),
    "somebody's own series has our name": tale(STRICT, InCalendar(0, "books", 0, 3), Edit("time", 0, 1), _APPLY),
    "an audience has days off of its own": tale(STRICT, block=_on("friday"), off=Holidays("SE")),
    "the last closed day is a Wednesday": tale(STRICT, Edit("closed", 0, 6), _APPLY),
    "somebody travels": tale(
        STRICT, InDirectory(0, "travels", 1), Passes(60 * 24 * 8), _SWEEP, block=replace(_ONE, zone="mailbox")
    ),
    "whoever leaves cannot be read": tale(STRICT, InDirectory(0, "leaves", 0), Shut(0, 6), _APPLY),
    # What the simulation found, each as it was found first.
    "moved to a day before and over": tale(STRICT, _moves(0, _BACK_A_DAY), Passes(60 * 47), _SWEEP),
    "a skip outlives an edit": tale(MOVABLE, _deletes(2), _SWEEP, Edit("time", 0, 1), _APPLY, _SWEEP),
    "a single event without its tag": tale(
        STRICT, _deletes(1), Weather(100, "by losing the tag", 0), _SWEEP, Quiet(remove=True)
    ),
    "whoever keeps a copy": tale(
        STRICT,
        *(_does("copies a series"), Command("remove"), _APPLY, Command("remove")),
        last_occurrence_takes_series=False,
    ),
    "moved and set free": tale(STRICT, _moves(0, _AN_HOUR), _does("frees a date")),
    "moved, kept and set free": tale(MOVABLE, _moves(0, _AN_HOUR), _does("frees a date")),
    "left alone": tale(STRICT, *(_does("deletes the series"), _SWEEP) * 2, Unattended(15, 21)),
    "two days share a move": tale(
        MOVABLE, _moves(0, _AN_HOUR), _SWEEP, _moves(1, _AN_HOUR), moves=1, block=_on("tuesday", "thursday")
    ),
    "what was kept and has begun counts": tale(
        MOVABLE, _moves(0, _AN_HOUR), _SWEEP, Passes(60 * 50), _moves(0, _AN_HOUR), moves=1
    ),
    "put back by oneself and moved again": tale(
        MOVABLE,
        *(_moves(0, _A_DAY_AND_MORE), _SWEEP, _moves(0, _BACK_A_DAY), _moves(0, _BACK_TWO_HOURS), _SWEEP),
        *(_moves(1, _AN_HOUR), _SWEEP, _moves(0, _AN_HOUR)),
        moves=1,
    ),
    "cut short where a single event stands": tale(
        STRICT, _deletes(1), _SWEEP, InCalendar(0, "cuts a series", 5, 0), _SWEEP
    ),
    "put back by oneself and over": tale(
        MOVABLE,
        *(_moves(0, _A_DAY_AND_MORE), _SWEEP, _moves(0, _BACK_A_DAY), _moves(0, _BACK_TWO_HOURS), _SWEEP),
        *(Passes(60 * 24 * 7), _moves(0, _AN_HOUR), _SWEEP),
        moves=1,
    ),
    "put right and over": tale(
        MOVABLE,
        *(_moves(0, _AN_HOUR), _SWEEP, _does("resizes a date"), _SWEEP),
        *(Passes(60 * 24 * 7), _moves(0, _AN_HOUR), _SWEEP),
        moves=1,
    ),
    # What it was wrong about itself.
    "what stands for a date is moved past it": tale(
        STRICT, _deletes(1), _SWEEP, Passes(60 * 24 * 8 + 60 * 20), _moves(0, _A_DAY_AND_MORE), Passes(60 * 10)
    ),
    "a day comes into view while all is quiet": tale(
        STRICT, Passes(60 * (24 * 106 + 14)), Quiet(alone=True), block=_on("thursday"), off=Holidays("SE")
    ),
    "somebody works on few days": tale(
        STRICT,
        *(InDirectory(0, "works", 2), Passes(60 * 24 * 8), Command("remove"), _APPLY),
        block=replace(_ONE, every=Every(1, "month", (24,)), outside="excuse"),
    ),
    "told of somebody who is switched off": tale(
        STRICT,
        *(InDirectory(0, "is switched", 0), Command("repair", only=0)),
        *(Passes(60 * 24 * 75), Command("repair", only=0, told=True)),
        block=_on("friday"),
        off=Holidays("SE"),
    ),
}
"""By what happens."""
