"""``sweep``: what happens when nobody watches, and above all what does not."""

from __future__ import annotations

import pytest

from holdfast.core.errors import Unreachable
from holdfast.core.model import Group
from holdfast.core.report import MailboxState
from holdfast.core.settings import Day, Guard, Mode
from holdfast.jobs.apply import apply
from holdfast.jobs.audience import AudienceError
from holdfast.jobs.sweep import EDIT_WAITS, NOT_APPROVED, WATCHING
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    CILLA,
    EVERYBODY,
    applied,
    block,
    firm,
    fjallvik,
    joins,
    killed,
    leaves,
    look,
    person,
    staff,
    states,
    swept,
)

EDITED = fjallvik(block(day=Day.FRIDAY))


async def test_with_nothing_approved_it_reports_and_writes_nothing() -> None:
    world = firm(ANNA, BO)
    report = await swept(world, fjallvik())
    assert states(report) == {"anna": MailboxState.WAITING, "bo": MailboxState.WAITING}
    assert report.note == NOT_APPROVED
    assert (report.writes, report.planned_writes) == (0, 2)
    assert world.journal.writes == []
    assert await world.state.last_run() == report.data()


async def test_keep_puts_right_what_drifted() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.box(ANNA).events.clear()
    leaves(world, BO)
    joins(world, CILLA)
    report = await swept(world, fjallvik())
    assert states(report) == {
        "anna": MailboxState.CHANGED,
        "bo": MailboxState.CHANGED,
        "cilla": MailboxState.CHANGED,
    }
    assert report.note == ""
    assert (len(world.box(ANNA).series), len(world.box(BO).series), len(world.box(CILLA).series)) == (1, 0, 1)
    world.journal.clear()
    assert (await swept(world, fjallvik())).complete
    assert world.journal.writes == []


@pytest.mark.parametrize(
    ("approved", "now"), [(Mode.WATCH, Mode.WATCH), (Mode.WATCH, Mode.KEEP), (Mode.KEEP, Mode.WATCH)]
)
async def test_watch_writes_nothing_and_holds_at_once_but_keep_waits_to_be_applied(approved: Mode, now: Mode) -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik(mode=approved))
    world.box(ANNA).events.clear()
    world.journal.clear()
    report = await swept(world, fjallvik(mode=now))
    assert states(report) == {"anna": MailboxState.WAITING, "bo": MailboxState.HELD}
    assert world.journal.writes == []
    assert report.note == (WATCHING if approved is now else f"{EDIT_WAITS} {WATCHING}")


async def test_an_edit_waits_and_the_approved_settings_are_kept_meanwhile() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    before = world.shows()
    world.box(ANNA).events.clear()
    report = await swept(world, EDITED)
    assert report.note == EDIT_WAITS
    assert states(report) == {"anna": MailboxState.CHANGED, "bo": MailboxState.HELD}
    assert [shows[1:] for shows in world.shows()[ANNA.id]] == [shows[1:] for shows in before[ANNA.id]]
    await applied(world, EDITED)
    assert (await swept(world, EDITED)).note == ""


async def test_the_guard_refuses_says_so_and_leaves_everything() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, fjallvik())
    for one in people[:11]:
        leaves(world, one)
    before = world.shows()
    world.journal.clear()
    report = await swept(world, fjallvik())
    assert report.note.startswith("The plan changes the blocks of 11 of 20 people")
    assert "holdfast apply --force" in report.note
    assert world.shows() == before
    assert world.journal.writes == []
    assert {account.state for account in report.others} == {MailboxState.WAITING}
    run = await world.state.last_run()
    assert run
    assert run["note"] == report.note


async def test_the_guard_goes_by_the_approved_figures_and_not_by_an_edit() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, fjallvik())
    for one in people[:11]:
        leaves(world, one)
    report = await swept(world, fjallvik(guard=Guard(share=100, count=1000)))
    assert report.writes == 0
    assert report.note.startswith(EDIT_WAITS)
    assert "11 of 20 people" in report.note


async def test_a_group_that_suddenly_is_empty_ends_nobodys_series() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, fjallvik())
    world.directory.inside[EVERYBODY.id].clear()
    report = await swept(world, fjallvik())
    assert "20 of 20 people" in report.note
    assert all(len(world.box(one).series) == 1 for one in people)


async def test_series_that_all_are_gone_come_back_for_the_guard_does_not_count_them() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, fjallvik())
    for one in people:
        world.box(one).events.clear()
    assert (await swept(world, fjallvik())).counts()[MailboxState.CHANGED] == 20


async def test_a_lost_state_finds_everything_again_and_writes_nothing_nor_does_the_next_apply() -> None:
    world = firm(ANNA, BO, CILLA)
    await applied(world, fjallvik())
    world.clock.pass_time(weeks=3)
    placed, before = await world.state.placed(), world.shows()
    world.state.forget_everything()
    world.journal.clear()
    report = await swept(world, fjallvik())
    assert report.note == NOT_APPROVED
    assert set(states(report).values()) == {MailboxState.HELD}
    assert await world.state.placed() == placed
    assert (await applied(world, fjallvik())).complete
    assert world.journal.writes == []
    assert world.shows() == before


async def test_after_a_lost_state_leavers_are_found_for_those_who_were_swept_while_they_were_there() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.state.forget_everything()
    await swept(world, fjallvik())
    leaves(world, BO)
    await applied(world, fjallvik())
    assert world.box(BO).series == []


async def test_a_sweep_finishes_an_apply_that_was_killed() -> None:
    world = firm(ANNA, BO, CILLA)
    seen = await look(world, fjallvik())
    assert await killed(world, apply(seen, fjallvik(), world.ports), at=3)
    report = await swept(world, fjallvik())
    assert report.complete
    assert all(len(world.box(one).series) == 1 for one in (ANNA, BO, CILLA))


async def test_the_guard_holds_after_a_sweep_has_finished_an_apply_that_was_killed() -> None:
    """Or else a block whose first apply was killed would never be guarded, for a sweep asks nobody."""
    people = staff(20)
    world = firm(*people)
    seen = await look(world, fjallvik())
    assert await killed(world, apply(seen, fjallvik(), world.ports), at=3)
    await swept(world, fjallvik())
    world.directory.inside[EVERYBODY.id].clear()
    report = await swept(world, fjallvik())
    assert "20 of 20 people" in report.note
    assert all(len(world.box(one).series) == 1 for one in people)


async def test_a_group_of_the_same_name_cannot_take_the_place_of_the_one_that_was_meant() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.directory.known[EVERYBODY.id] = Group(EVERYBODY.id, "All staff")
    world.directory.add(Group("g-impostor", EVERYBODY.name), *staff(3))
    report = await swept(world, fjallvik())
    assert states(report) == {"anna": MailboxState.HELD}


async def test_people_who_cannot_be_listed_end_the_sweep_before_anything_is_written() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    before = world.shows()
    fault = world.fail("members", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        await swept(world, fjallvik())
    world.journal.faults.remove(fault)
    world.directory.drop(EVERYBODY.id)
    with pytest.raises(AudienceError):
        await swept(world, fjallvik())
    assert world.shows() == before


async def test_an_unread_mailbox_makes_a_sweep_incomplete_and_stops_nobody() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    joins(world, person("ny"))
    world.fail("instances", Unreachable("No answer."), ANNA)
    report = await swept(world, fjallvik())
    assert states(report) == {
        "anna": MailboxState.UNREAD,
        "bo": MailboxState.HELD,
        "ny": MailboxState.CHANGED,
    }
    assert not report.complete
