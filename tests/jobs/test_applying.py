"""``apply``: what a person said yes to is put on record, then done for everybody."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from holdfast.core.errors import Denied, GraphError, NoMailbox, Unreachable
from holdfast.core.report import MailboxState
from holdfast.core.settings import Day, Mode, dump, fingerprint, parse
from holdfast.jobs.apply import apply
from holdfast.jobs.survey import survey
from holdfast.jobs.sweep import sweep
from holdfast.store.key import Key
from holdfast.store.sqlite import open_state
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    CILLA,
    EVERYBODY,
    SECOND,
    applied,
    block,
    firm,
    fjallvik,
    killed,
    leaves,
    look,
    person,
    staff,
    states,
)


async def test_everybody_gets_a_weekly_hour_that_keeps_its_time_over_the_clock_changes() -> None:
    world = firm(ANNA, BO)
    report = await applied(world, fjallvik())
    assert report.complete
    assert report.writes == 2
    (series,) = world.box(ANNA).series
    starts = [one.starts for one in series.occurrences()]
    assert len(starts) == 26
    assert starts[0].isoformat() == "2026-12-03T08:00:00+00:00"
    assert starts[-1].isoformat() == "2027-05-27T07:00:00+00:00"
    assert series.zone == "Europe/Stockholm"
    assert series.category == "Lärande"
    assert "Fjällvik AB" in series.body


async def test_applying_again_writes_nothing() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik(block(), SECOND))
    world.journal.clear()
    report = await applied(world, fjallvik(block(), SECOND))
    assert world.journal.writes == []
    assert report.writes == report.planned_writes == 0
    assert states(report) == {"anna": MailboxState.HELD, "bo": MailboxState.HELD}


async def test_the_approval_is_on_record_before_the_first_write() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    calls = world.journal.names()
    assert calls.index("approve") < calls.index("create")


async def test_what_was_approved_can_be_read_again_as_the_same_settings() -> None:
    world = firm(ANNA)
    settings = fjallvik(block(), SECOND, exclude=("jour@fjallvik.example",))
    await applied(world, settings)
    approval = await world.state.approval()
    assert approval
    assert approval.fingerprint == fingerprint(settings)
    assert approval.settings == dump(settings)
    assert parse(approval.settings, name="approved", environment={}) == settings
    assert approval.groups == {"audiences.alla.group": (EVERYBODY.name, EVERYBODY.id)}
    assert approval.at == world.clock.now()


async def test_blocks_count_as_introduced_only_once_everybody_has_been_gone_through() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik(), only=ANNA.address)
    seen = await look(world, fjallvik())
    assert await killed(world, apply(seen, fjallvik(), world.ports), at=3)
    approval = await world.state.approval()
    assert approval
    assert approval.complete == frozenset()
    await applied(world, fjallvik())
    approval = await world.state.approval()
    assert approval
    assert approval.complete == {"lartimmen"}


async def test_a_block_once_introduced_stays_so_while_another_is_being_introduced() -> None:
    world = firm(ANNA, BO)
    gone = block("gammal", day=Day.MONDAY)
    await applied(world, fjallvik(block(), gone))
    seen = await look(world, fjallvik(block(), SECOND))
    assert await killed(world, apply(seen, fjallvik(block(), SECOND), world.ports), at=3)
    approval = await world.state.approval()
    assert approval
    assert approval.complete == {"lartimmen"}


async def test_a_trial_is_written_and_approves_nothing() -> None:
    world = firm(ANNA, BO)
    report = await applied(world, fjallvik(), only=ANNA.address)
    assert states(report) == {"anna": MailboxState.CHANGED}
    assert len(world.box(ANNA).series) == 1
    assert world.box(BO).events == {}
    assert world.journal.of("approve", "record_run") == []
    assert await world.state.approval() is None


async def test_a_trial_of_an_edit_leaves_the_approval_in_force() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    before = await world.state.approval()
    await applied(world, fjallvik(block(title="Lärstunden")), only=ANNA.address)
    assert await world.state.approval() == before
    assert [world.box(one).series[0].subject for one in (ANNA, BO)] == ["Lärstunden", "Lärtimmen"]


async def test_the_run_is_on_record_with_every_mailbox_accounted_for() -> None:
    guest = person("gast", guest=True)
    world = firm(ANNA, BO, CILLA, guest)
    world.fail("create", Denied("No.", status=403), BO)
    world.fail("read", Unreachable("No answer."), CILLA)
    report = await applied(world, fjallvik())
    assert await world.state.last_run() == report.data()
    assert states(report) == {
        "anna": MailboxState.CHANGED,
        "bo": MailboxState.FAILED,
        "cilla": MailboxState.UNREAD,
        "gast": MailboxState.EXCUSED,
    }
    assert sum(report.counts().values()) == 4
    assert not report.complete


async def test_a_run_that_reached_nobody_is_a_failure() -> None:
    world = firm(ANNA, BO)
    world.fail("profile", Denied("No.", status=403))
    assert not (await applied(world, fjallvik())).complete
    assert not (await applied(firm(), fjallvik())).complete


async def test_a_mailbox_that_could_not_be_read_is_not_written() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.fail("read", Unreachable("No answer."), BO)
    before = world.box(BO).shows
    world.journal.clear()
    await applied(world, fjallvik(block(day=Day.FRIDAY, title="Lärstunden")))
    assert world.box(BO).shows == before
    assert world.writes_by_mailbox().keys() == {ANNA.id}


async def test_one_who_has_no_mailbox_yet_gets_the_block_when_there_is_one() -> None:
    world = firm(ANNA)
    world.box(ANNA).exists = False
    assert states(await applied(world, fjallvik()))["anna"] is MailboxState.WAITING
    world.box(ANNA).exists = True
    assert states(await applied(world, fjallvik()))["anna"] is MailboxState.CHANGED


async def test_a_leaver_keeps_the_past_and_is_forgotten() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.clock.pass_time(weeks=4)
    leaves(world, BO)
    before = world.begun()
    report = await applied(world, fjallvik())
    assert [one.mailbox for one in report.others] == [BO.id]
    assert world.begun() == before
    assert world.box(BO).ahead(world.clock.now()) == []
    assert set(await world.state.placed()) == {ANNA.id}
    assert (await applied(world, fjallvik())).others == ()


async def test_events_that_are_not_ours_are_left_exactly_as_they_are() -> None:
    world = firm(ANNA)
    world.calendars.book(ANNA.id, "Lärtimmen", date(2026, 12, 3), time(9), weekly=True)
    world.calendars.book(ANNA.id, "Tandläkare", date(2026, 12, 10), time(9))
    before = world.foreign()
    for settings in (fjallvik(), fjallvik(block(day=Day.FRIDAY)), fjallvik(SECOND)):
        await applied(world, settings)
        world.clock.pass_time(days=10)
    assert world.foreign() == before


async def test_what_a_person_did_with_single_dates_stays_through_an_edit_of_the_text() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    (series,) = world.box(ANNA).series
    first, second, third, *_ = series.occurrences()
    world.calendars.drag(ANNA.id, second, second.starts.replace(hour=13))
    world.calendars.take_away(world.box(ANNA), third.event_id)
    await applied(world, fjallvik(block(title="Lärstunden")))
    (series,) = world.box(ANNA).series
    assert series.subject == "Lärstunden"
    assert [one.starts for one in series.occurrences()][:2] == [first.starts, second.starts.replace(hour=13)]
    assert third.starts not in [one.starts for one in series.occurrences()]


async def test_apply_writes_in_mode_watch_too_because_a_person_asked() -> None:
    world = firm(ANNA)
    assert (await applied(world, fjallvik(mode=Mode.WATCH))).writes == 1


@pytest.mark.parametrize("weeks", [12, 14, 26, 30, 80])
async def test_a_series_is_continued_before_it_runs_out_and_made_again_after(weeks: int) -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.clock.pass_time(weeks=weeks)
    before = world.begun()
    await applied(world, fjallvik())
    assert world.begun() == before
    ahead = world.box(ANNA).ahead(world.clock.now())
    assert len(ahead) == len(set(ahead)) >= 13
    assert (ahead[0] - world.clock.now()).days < 7
    assert {(later - earlier).days for earlier, later in itertools.pairwise(ahead)} <= {6, 7}
    world.journal.clear()
    await applied(world, fjallvik())
    assert world.journal.writes == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("create", Denied("No.", status=403)),
        ("read", Denied("No.", status=403)),
        ("profile", NoMailbox("None yet.", status=404)),
    ],
)
async def test_a_first_apply_that_reached_nobody_needs_no_force_the_second_time(call: str, error: GraphError) -> None:
    """A permission is missing, the admin grants it and applies again: the guard is not to stand in the way."""
    people = staff(20)
    world = firm(*people)
    fault = world.fail(call, error)
    await applied(world, fjallvik())
    world.journal.faults.remove(fault)
    approval = await world.state.approval()
    assert approval
    (await look(world, fjallvik())).check_guard(fjallvik(), approval.complete)
    assert (await applied(world, fjallvik())).counts()[MailboxState.CHANGED] == 20
    approval = await world.state.approval()
    assert approval
    assert approval.complete == {"lartimmen"}


async def test_a_few_that_could_not_be_reached_do_not_leave_the_rest_unguarded() -> None:
    people = staff(20)
    world = firm(*people)
    for one in people[:10]:
        world.fail("create", Denied("No.", status=403), one)
    await applied(world, fjallvik())
    approval = await world.state.approval()
    assert approval
    assert approval.complete == {"lartimmen"}
    world.journal.faults.clear()
    (await look(world, fjallvik())).check_guard(fjallvik(), approval.complete)


async def test_what_was_withdrawn_while_it_ran_stays_withdrawn() -> None:
    """Or else a removal that came in between is undone by the next sweep."""
    world = firm(ANNA, BO)
    seen = await look(world, fjallvik())

    def withdrawn_by_another(_: str, done: int, __: int) -> None:
        if done == 1:
            world.state.withdraw_at_once()

    await apply(seen, fjallvik(), world.ports, progress=withdrawn_by_another)
    assert await world.state.approval() is None


async def test_in_a_file_the_approval_is_the_same_one_that_was_put_there(tmp_path: Path) -> None:
    world = firm(ANNA, BO)
    world.clock.pass_time(microseconds=7)
    with open_state(tmp_path / "holdfast.db", str(fjallvik().tenant.tenant_id), Key(b"k" * 32)) as state:
        ports = replace(world.ports, state=state)
        seen = await survey(fjallvik(), ports, pinned={})
        report = await apply(seen, fjallvik(), ports)
        approval = await state.approval()
        assert approval
        assert approval.complete == {"lartimmen"}
        assert set(await state.placed()) == {ANNA.id, BO.id}
        assert await state.last_run() == report.data()
        assert (await sweep(fjallvik(), ports)).note == ""
