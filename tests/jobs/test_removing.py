"""``remove``: every series ends, the past stays, and what comes after begins afresh."""

from __future__ import annotations

from datetime import date, time

from holdfast.core.errors import Unreachable
from holdfast.core.plan import Reason
from holdfast.core.report import MailboxState
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    CILLA,
    SECOND,
    applied,
    block,
    disabled,
    firm,
    fjallvik,
    leaves,
    look,
    removed,
    states,
    swept,
)

BOTH = fjallvik(block(), SECOND)


async def test_everything_ahead_goes_and_everything_past_stays() -> None:
    world = firm(ANNA, BO)
    world.calendars.book(ANNA.id, "Tandläkare", date(2026, 12, 10), time(9))
    await applied(world, BOTH)
    world.clock.pass_time(weeks=5)
    before, foreign = world.begun(), world.foreign()
    report = await removed(world, BOTH)
    assert report.complete
    assert set(states(report).values()) == {MailboxState.CHANGED}
    assert world.begun() == before
    assert len(before[ANNA.id]) == 9
    assert world.foreign() == foreign
    for one in (ANNA, BO):
        assert world.box(one).ahead(world.clock.now()) == []
    assert await world.state.placed() == {}
    assert not (await look(world, BOTH, removing=Reason.REMOVED)).plan


async def test_the_approval_goes_before_anything_else_so_that_no_sweep_puts_it_back() -> None:
    world = firm(ANNA)
    await applied(world, BOTH)
    world.journal.clear()
    await removed(world, BOTH)
    names = world.journal.names()
    assert names.index("withdraw") < names.index("raise_floor") < names.index("delete")
    world.journal.clear()
    await swept(world, BOTH)
    assert world.journal.writes == []


async def test_removed_applied_and_removed_again_never_meets_an_old_transaction() -> None:
    world = firm(ANNA, BO)
    for turn in range(7):  # more often than generations are tried
        report = await applied(world, BOTH)
        assert report.complete
        assert states(report) == {"anna": MailboxState.CHANGED, "bo": MailboxState.CHANGED}
        assert report.writes == report.planned_writes == 4
        assert list(world.box(ANNA).transactions)[-1].endswith(f":{turn}")
        before = world.begun()
        assert (await removed(world, BOTH)).complete
        assert world.begun() == before
        world.clock.pass_time(days=turn)
    assert (await world.state.floors()) == {"lartimmen": 7, "fordjupning": 7}


async def test_floors_go_by_the_highest_generation_in_any_calendar() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.box(ANNA).events.clear()
    await applied(world, fjallvik())
    await removed(world, fjallvik())
    assert await world.state.floors() == {"lartimmen": 2}
    await applied(world, fjallvik())
    assert {world.box(one).series[0].transaction for one in (ANNA, BO)} == {"holdfast:lartimmen:2"}


async def test_leavers_and_the_excused_have_theirs_ended_too() -> None:
    world = firm(ANNA, BO, CILLA)
    await applied(world, BOTH)
    leaves(world, BO)
    disabled(world, CILLA)
    await removed(world, BOTH)
    assert [world.box(one).series for one in (ANNA, BO, CILLA)] == [[], [], []]


async def test_a_block_that_is_no_longer_in_the_settings_goes_too() -> None:
    world = firm(ANNA)
    await applied(world, BOTH)
    await removed(world, fjallvik())
    assert world.box(ANNA).series == []


async def test_one_who_is_removed_alone_leaves_the_others_and_the_approval() -> None:
    world = firm(ANNA, BO)
    await applied(world, BOTH)
    approval, run, before = await world.state.approval(), await world.state.last_run(), world.box(BO).shows
    report = await removed(world, BOTH, only=ANNA.address)
    assert states(report) == {"anna": MailboxState.CHANGED}
    assert world.box(ANNA).series == []
    assert world.box(BO).shows == before
    assert await world.state.approval() == approval
    assert await world.state.last_run() == run


async def test_one_that_cannot_be_read_is_unread_and_stays_in_mind() -> None:
    world = firm(ANNA, BO)
    await applied(world, BOTH)
    fault = world.fail("read", Unreachable("No answer."), BO)
    report = await removed(world, BOTH)
    assert states(report) == {"anna": MailboxState.CHANGED, "bo": MailboxState.UNREAD}
    assert not report.complete
    assert set(await world.state.placed()) == {BO.id}
    world.journal.faults.remove(fault)
    assert (await removed(world, BOTH)).complete
    assert world.box(BO).series == []


async def test_where_there_is_nothing_there_is_nothing_to_do() -> None:
    world = firm(ANNA)
    report = await removed(world, BOTH)
    assert report.writes == 0
    assert world.journal.writes == []
    assert await world.state.floors() == {}


async def test_the_run_is_on_record() -> None:
    world = firm(ANNA)
    await applied(world, BOTH)
    report = await removed(world, BOTH)
    assert await world.state.last_run() == report.data()
    assert report.job == "remove"


async def test_a_copy_that_somebody_keeps_does_not_count_as_a_block_that_was_deleted() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.clock.pass_time(weeks=3)
    world.calendars.copy(ANNA.id, world.box(ANNA).series[0].id)
    for _ in range(3):
        await removed(world, fjallvik())
        assert await world.state.placed() == {}
        await applied(world, fjallvik())
        assert any(series.rule and series.range_ends >= date(2027, 5, 1) for series in world.box(ANNA).series[1:])
