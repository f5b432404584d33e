"""The body of a series tells what to learn in the coming weeks, and is left once it is somebody's own."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from holdfast.core.plan import Reason
from holdfast.core.report import MailboxState
from holdfast.core.settings import Goal, Resource, Settings
from tests.jobs.fjallvik import ANNA, BO, applied, block, firm, fjallvik, look, states, swept
from tests.jobs.memory import World

RESOURCES = tuple(
    Resource(title=f"Kurs {letter}", url=f"https://kurser.example/{letter}", minutes=45) for letter in "abcdefghij"
)


def learning(*resources: Resource, **more: Any) -> Settings:
    goal = Goal(id="ai", title="AI i vardagen", resources=resources or RESOURCES)
    return fjallvik(block(goals=("ai",), **more), goals=(goal,))


def body(world: World) -> str:
    (series,) = (one for one in world.box(ANNA).series if one.range_ends and one.range_ends > world.clock.at.date())
    return series.body


async def given(settings: Settings) -> World:
    world = firm(ANNA)
    await applied(world, settings)
    return world


async def test_a_new_series_tells_the_coming_weeks() -> None:
    world = await given(learning())
    told = body(world)
    assert "torsdag 3 december: AI i vardagen. Ta" in told
    assert '<a href="https://kurser.example/a">Kurs a</a> (45 min)' in told
    assert "Kurs b" in told
    assert "Kurs f" not in told
    assert not (await look(world, learning())).plan


async def test_after_four_weeks_it_tells_the_next_ones_and_then_nothing_is_left_to_do() -> None:
    world = await given(learning())
    before = body(world)
    world.clock.pass_time(weeks=4)
    plan = (await look(world, learning())).plan
    assert [change.reason for change in plan.changes] == [Reason.WEEKS]
    report = await swept(world, learning())
    assert states(report)["anna"] is MailboxState.CHANGED
    assert body(world) != before
    assert "Kurs e" in body(world)
    world.journal.clear()
    await swept(world, learning())
    assert world.journal.writes == []


async def test_a_text_that_somebody_edited_is_left_for_good() -> None:
    world = await given(learning())
    box = world.box(ANNA)
    world.calendars.change(box, box.series[0], body=box.series[0].body + "<p>Min egen anteckning</p>")
    own = body(world)
    for _ in range(3):
        world.clock.pass_time(weeks=4)
        await swept(world, learning())
        assert body(world) == own
    world.journal.clear()
    world.clock.pass_time(weeks=4)
    await swept(world, learning())
    assert world.journal.of("body") == []


async def test_a_series_that_told_nothing_begins_to_when_there_is_something_to_learn() -> None:
    nothing = fjallvik(block(goals=("ai",)), goals=(Goal(id="ai", title="AI i vardagen"),))
    world = await given(nothing)
    assert "Kurs a" not in body(world)
    await applied(world, learning())
    assert "Kurs a" in body(world)


async def test_the_weeks_that_come_count_neither_as_an_edit_nor_for_the_guard() -> None:
    settings = learning()
    world = firm(ANNA, BO)
    await applied(world, settings)
    world.clock.pass_time(weeks=4)
    report = await swept(world, settings)
    assert report.note == ""
    assert report.counts()[MailboxState.CHANGED] == 2


@pytest.mark.parametrize("hours", [time(9), time(10)])
async def test_whoever_is_new_begins_with_what_is_for_beginners(hours: time) -> None:
    starter = Resource(title="Börja här", url="https://kurser.example/start", minutes=15, starter=True)
    settings = learning(*RESOURCES, starter, at=hours, from_=date(2026, 10, 1))
    world = await given(settings)
    rows = body(world).partition("De kommande veckorna")[2].split("<li>")[1:]
    assert "torsdag 26 november" in rows[0]
    assert "Börja här</a> (15 min)" in rows[0]
    assert "Börja här" not in rows[1]
