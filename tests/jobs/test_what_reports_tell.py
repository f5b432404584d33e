"""Reports name people for technical failures only; what somebody did with their own calendar is nobody's to read."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from holdfast.cli.render import problem_lines
from holdfast.core.errors import Denied, Unreachable
from holdfast.core.model import Group, Person, Purpose
from holdfast.core.report import Report
from holdfast.core.settings import Audience, Settings
from holdfast.jobs.status import status
from tests.jobs.fjallvik import (
    EVERYBODY,
    SECOND,
    applied,
    block,
    firm,
    fjallvik,
    joins,
    leaves,
    look,
    person,
    removed,
    swept,
)
from tests.jobs.memory import Mailbox, World

BOTH = fjallvik(block(), SECOND)
MOVER, DELETER, COPIER, SKIPPER, FREE = (person(name) for name in ("mia", "dag", "kim", "sara", "frida"))
ROOM, GUEST = person("rum"), person("gast", guest=True)


def said(report: Report) -> str:
    """All that a report says to anybody: as data and as the lines about problems."""
    return json.dumps(report.data(), ensure_ascii=False) + "\n".join(problem_lines(report.problems)) + report.note


def named(text: str, *people: Person) -> set[str]:
    """Who is told of in a text, by mail address, name or id."""
    return {one.id for one in people if any(word in text for word in (one.address, one.id, one.name))}


async def touched_by_its_owners() -> World:
    """Everybody has done something to their learning time, and nothing is technically wrong."""
    world = firm(MOVER, DELETER, COPIER, SKIPPER, FREE, ROOM, GUEST)
    world.box(ROOM).purpose = Purpose.ROOM
    await applied(world, BOTH)
    world.clock.pass_time(days=20)
    for one in world.box(MOVER).series:
        for occurrence in one.occurrences()[4:9]:
            world.calendars.drag(MOVER.id, occurrence, occurrence.starts + timedelta(hours=5))
    for one in world.box(SKIPPER).series:
        for occurrence in one.occurrences()[::2]:
            world.calendars.take_away(world.box(SKIPPER), occurrence.event_id)
    world.calendars.copy(COPIER.id, world.box(COPIER).series[0].id)
    world.calendars.take_away(world.box(DELETER), world.box(DELETER).series[0].id)
    return world


@pytest.mark.parametrize("command", [applied, swept, removed])
async def test_runs_name_nobody_for_what_they_did_with_their_time(
    command: Callable[[World, Settings], Awaitable[Report]],
) -> None:
    world = await touched_by_its_owners()
    report = await command(world, BOTH)
    assert report.complete
    assert named(said(report), MOVER, DELETER, COPIER, SKIPPER, FREE, ROOM, GUEST) == set()
    told = json.dumps((await status(BOTH, world.state, world.clock)).data())
    assert named(told, MOVER, DELETER, COPIER, SKIPPER, FREE, ROOM, GUEST) == set()


async def test_a_moved_or_deleted_date_is_not_even_counted() -> None:
    world = await touched_by_its_owners()
    await applied(world, BOTH)
    report = await swept(world, BOTH)
    assert report.data()["states"]["held"] == 5
    assert report.data()["excused"] == {"a guest": 1, "a room or equipment": 1}
    assert not (await look(world, BOTH)).plan


async def test_people_are_named_where_something_is_technically_wrong_and_with_the_cure() -> None:
    world = await touched_by_its_owners()
    new = person("ny")
    joins(world, new)
    world.fail("read", Unreachable("No answer."), FREE)
    world.fail("create", Denied("No.", status=403, cure="Grant it."), new)
    report = await applied(world, BOTH)
    assert named(said(report), MOVER, DELETER, COPIER, SKIPPER, FREE, ROOM, GUEST, new) == {FREE.id, new.id}
    assert [(one["mailbox"], one["state"]) for one in report.data()["problems"]] == [
        (FREE.address, "unread"),
        (new.address, "failed"),
    ]
    assert "Grant it." in said(report)


async def test_a_plan_names_people_where_series_are_placed_or_ended_and_no_one_else() -> None:
    world = await touched_by_its_owners()
    world.calendars.mailboxes[DELETER.id] = Mailbox()
    leaver, joiner = COPIER, person("ny")
    leaves(world, leaver)
    joins(world, joiner)
    rows = json.dumps((await look(world, BOTH)).plan.rows(), ensure_ascii=False)
    assert named(rows, MOVER, SKIPPER, FREE, ROOM, GUEST) == set()
    assert named(rows, leaver, joiner) == {leaver.id, joiner.id}


async def test_those_who_opted_out_are_a_count() -> None:
    world = await touched_by_its_owners()
    world.directory.add(Group("g-avstar", "Avstår"), FREE)
    settings = fjallvik(*BOTH.blocks, audiences={"alla": Audience(group=EVERYBODY.name, opt_out="Avstår")})
    report = await applied(world, settings)
    assert named(said(report), FREE) == set()
    again = await applied(world, settings)
    assert again.data()["excused"]["opted out"] == 1
    assert named(said(again), FREE) == set()


async def test_the_guards_refusal_tells_how_many_and_not_who() -> None:
    people = [person(f"p{number:02}") for number in range(12)]
    world = firm(*people)
    await applied(world, fjallvik())
    world.directory.inside[EVERYBODY.id].clear()
    report = await swept(world, fjallvik())
    assert "12 of 12 people" in report.note
    assert named(said(report), *people) == set()
