"""Making one calendar equal to the settings, whatever the server, the person and the network do meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from holdfast.core.errors import Conflict, Denied, Gone, GraphError, NoMailbox, Throttled, Unexpected, Unreachable
from holdfast.core.model import Person
from holdfast.core.plan import Reason
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import Day, Settings
from holdfast.core.touches import Touches
from holdfast.jobs.apply import apply
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    CILLA,
    SECOND,
    applied,
    block,
    firm,
    fjallvik,
    leaves,
    look,
    person,
    removed,
    staff,
    states,
)
from tests.jobs.memory import WRITES, Mailbox, World

FRIDAY = fjallvik(block(day=Day.FRIDAY))
RENAMED = fjallvik(block(title="Lärstunden"))


async def settled(world: World, settings: Settings) -> None:
    """Everybody has what the settings ask for, once, and nothing is left to do."""
    assert not (await look(world, settings)).plan


def dates(world: World, one: Person) -> list[date]:
    return [at.date() for at in world.box(one).ahead(world.clock.now())]


def problem(report: Report) -> tuple[str, str, str]:
    """What a report says of the one mailbox that somebody should look at: the state, Graph's error and the cure."""
    (account,) = report.problems
    assert account.problem
    return account.state.value, account.problem.message, account.problem.cure


# -- what is looked at before it is written


async def test_a_fresh_look_is_acted_on_without_looking_again() -> None:
    world = firm(ANNA)
    seen = await look(world, fjallvik())
    world.clock.pass_time(minutes=5)
    world.journal.clear()
    await apply(seen, fjallvik(), world.ports)
    assert world.journal.names(about=ANNA.id) == [
        *("know", "place", "create", "touches", "read", "known", "know", "see")
    ]


async def test_a_stale_look_is_taken_again_and_what_a_person_did_meanwhile_is_seen() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    seen = await look(world, RENAMED)
    world.clock.pass_time(minutes=5, seconds=1)
    world.box(ANNA).events.clear()
    world.journal.clear()
    await apply(seen, RENAMED, world.ports)
    assert world.journal.names(about=ANNA.id)[:4] == ["read", "find_by_transaction", "touches", "know"]
    assert world.journal.names(about=BO.id)[:3] == ["read", "know", "rewrite"]
    await settled(world, RENAMED)


async def test_a_date_that_passed_while_somebody_thought_about_the_plan_is_not_placed() -> None:
    """Asked at eight, answered after lunch: the hour at nine is over by then."""
    world = firm(ANNA)
    world.clock.at = datetime(2026, 12, 3, 7, tzinfo=UTC)
    seen = await look(world, fjallvik())
    world.clock.pass_time(hours=5)
    before = world.begun()
    await apply(seen, fjallvik(), world.ports)
    assert world.begun() == before
    assert dates(world, ANNA)[0] == date(2026, 12, 10)
    await settled(world, fjallvik())


async def test_a_block_whose_last_date_passed_meanwhile_is_not_placed_at_all() -> None:
    world = firm(ANNA)
    world.clock.at = datetime(2026, 12, 3, 7, tzinfo=UTC)
    settings = fjallvik(block(until=date(2026, 12, 4)))
    seen = await look(world, settings)
    world.clock.pass_time(hours=5)
    await apply(seen, settings, world.ports)
    assert world.box(ANNA).events == {}


# -- somebody else was there first


@pytest.mark.parametrize(("conflicts", "state"), [(1, "changed"), (2, "changed"), (3, "failed")])
async def test_a_calendar_that_changes_under_our_hands_is_decided_anew_up_to_three_times(
    conflicts: int, state: str
) -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.fail("rewrite", Conflict("Somebody changed it.", status=412), times=conflicts)
    world.journal.clear()
    report = await applied(world, RENAMED)
    assert states(report)["anna"] == state
    assert len(world.journal.of("rewrite")) == min(conflicts + 1, 3)
    assert len(world.journal.of("read")) == 1 + min(conflicts, 2) + (state == "changed")
    if state == "failed":
        assert problem(report) == ("failed", "Somebody changed it.", Conflict.cure)


async def test_a_person_who_edits_the_event_between_look_and_write_loses_nothing() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    seen = await look(world, RENAMED)
    (series,) = world.box(ANNA).series
    world.calendars.drag(ANNA.id, series.occurrences()[0], datetime(2026, 12, 4, 9, tzinfo=UTC))
    report = await apply(seen, RENAMED, world.ports)
    assert states(report)["anna"] is MailboxState.CHANGED
    (series,) = world.box(ANNA).series
    assert series.subject == "Lärstunden"
    assert len(series.moved) == 1


async def test_a_series_gone_between_look_and_write_is_made_again() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    seen = await look(world, RENAMED)
    world.box(ANNA).events.clear()
    assert states(await apply(seen, RENAMED, world.ports))["anna"] is MailboxState.CHANGED
    await settled(world, RENAMED)
    assert [event.subject for event in world.box(ANNA).series] == ["Lärstunden"]


async def test_a_series_to_be_ended_that_a_person_took_away_meanwhile_is_done() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.clock.pass_time(days=15)
    leaves(world, ANNA)
    seen = await look(world, fjallvik())
    world.box(ANNA).events.clear()
    assert states(await apply(seen, fjallvik(), world.ports))["anna"] is MailboxState.CHANGED
    assert await world.state.placed() == {BO.id: (await world.state.placed())[BO.id]}


# -- a create that Graph has seen before


def crashed_after_create(world: World, *, tagged: bool, names_existing: bool, remembers: bool = True) -> None:
    """What a run leaves that was killed before it heard that its create was done."""
    box = world.box(ANNA)
    box.names_existing, box.remembers_deleted = names_existing, remembers
    (event,) = box.series
    if not tagged:
        world.calendars.change(box, event, tag=None)
    world.state.forget_everything()


@pytest.mark.parametrize("names_existing", [True, False])
async def test_an_event_that_lost_its_tag_is_found_by_its_transaction_and_adopted(*, names_existing: bool) -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    before = world.shows()
    crashed_after_create(world, tagged=False, names_existing=names_existing)
    world.journal.clear()
    report = await applied(world, fjallvik())
    assert states(report)["anna"] is MailboxState.CHANGED
    assert world.shows() == before
    assert bool(world.journal.of("find_by_transaction")) is not names_existing
    await settled(world, fjallvik())


@pytest.mark.parametrize("names_existing", [True, False])
async def test_an_event_of_another_date_that_lost_its_tag_is_replaced_and_its_past_stays(
    *, names_existing: bool
) -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    crashed_after_create(world, tagged=False, names_existing=names_existing)
    world.clock.pass_time(days=20)
    before = world.begun()
    assert len(before[ANNA.id]) == 2
    assert states(await applied(world, fjallvik()))["anna"] is MailboxState.CHANGED
    assert world.begun() == before
    live = dates(world, ANNA)
    assert (live[0], live[-1], len(live)) == (date(2026, 12, 17), date(2027, 6, 10), 26)
    assert all(event.tag for event in world.box(ANNA).events.values())
    await settled(world, fjallvik())


@pytest.mark.parametrize("names_existing", [True, False])
async def test_an_event_that_lost_its_tag_and_then_its_slot_is_replaced(*, names_existing: bool) -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    crashed_after_create(world, tagged=False, names_existing=names_existing)
    assert states(await applied(world, FRIDAY))["anna"] is MailboxState.CHANGED
    assert {day.weekday() for day in dates(world, ANNA)} == {4}
    assert all(event.tag for event in world.box(ANNA).events.values())
    await settled(world, FRIDAY)


async def test_the_past_of_an_event_that_is_replaced_stays_also_where_it_is_long_ago() -> None:
    """What is marked anew is marked from its own first date on, or its older past would be taken for nothing."""
    world = firm(ANNA)
    await applied(world, fjallvik())
    (series,) = world.box(ANNA).series
    for occurrence in series.occurrences()[1:3]:
        world.calendars.take_away(world.box(ANNA), occurrence.event_id)
    crashed_after_create(world, tagged=False, names_existing=True)
    world.clock.pass_time(days=27)
    before = world.begun()
    await applied(world, fjallvik())
    assert world.begun() == before
    assert len(before[ANNA.id]) == 1
    assert len(dates(world, ANNA)) == 26


async def test_an_event_that_stands_tagged_though_the_look_missed_it_is_adopted_by_its_tag() -> None:
    world = firm(ANNA)
    seen = await look(world, fjallvik())
    await applied(world, fjallvik())
    before = world.shows()
    assert states(await apply(seen, fjallvik(), world.ports))["anna"] is MailboxState.CHANGED
    assert world.shows() == before


@pytest.mark.parametrize("names_existing", [True, False])
async def test_a_transaction_of_a_series_that_was_taken_away_gives_the_next_generation(*, names_existing: bool) -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.box(ANNA).names_existing = names_existing
    for generation in range(1, 5):
        world.box(ANNA).events.clear()
        await world.state.touch(ANNA.id, Touches())
        assert states(await applied(world, fjallvik()))["anna"] is MailboxState.CHANGED
        assert list(world.box(ANNA).transactions) == [f"holdfast:lartimmen:{n}" for n in range(generation + 1)]
        await settled(world, fjallvik())


async def test_after_five_generations_it_is_given_up_with_a_cure_and_the_others_go_on() -> None:
    world = firm(ANNA, BO)
    for generation in range(5):
        world.box(ANNA).transactions[f"holdfast:lartimmen:{generation}"] = "AAk-long-gone="
    report = await applied(world, fjallvik())
    assert states(report) == {"anna": MailboxState.FAILED, "bo": MailboxState.CHANGED}
    assert len(world.journal.of("create", about=ANNA.id)) == 5
    assert world.box(ANNA).events == {}
    state, message, cure = problem(report)
    assert state == "failed"
    assert "lartimmen as a duplicate 5 times" in message
    assert cure == "Run the command again tomorrow; Exchange forgets old transaction ids in time."


async def test_an_event_that_only_shares_the_transaction_is_not_taken_over() -> None:
    """The id that a refusal names may be that of a single event, or of one with another transaction."""
    world = firm(ANNA)
    box = world.box(ANNA)
    other = world.calendars.book(ANNA.id, "Tandläkare", date(2026, 12, 3), time(9), weekly=True)
    box.transactions["holdfast:lartimmen:0"] = other
    before = box.events[other]
    assert states(await applied(world, fjallvik()))["anna"] is MailboxState.CHANGED
    assert box.events[other] == before
    assert [event.transaction for event in box.series] == ["holdfast:lartimmen:1"]


# -- what was written is looked at


async def test_a_tag_that_graph_lost_is_healed_at_once() -> None:
    world = firm(ANNA)
    world.box(ANNA).loses_tags = 1
    report = await applied(world, fjallvik())
    assert states(report)["anna"] is MailboxState.CHANGED
    assert world.journal.names(about=ANNA.id)[-10:-3] == ["create", "touches", "read", "look", "retag", "look", "read"]
    await settled(world, fjallvik())


async def test_a_new_series_that_the_list_shows_late_is_looked_up_by_its_id() -> None:
    world = firm(ANNA)
    world.box(ANNA).lag = 1
    assert states(await applied(world, fjallvik()))["anna"] is MailboxState.CHANGED
    assert set(await world.state.placed()) == {ANNA.id}
    assert len(world.journal.of("create")) == 1


@pytest.mark.parametrize("settings", [RENAMED, FRIDAY])
async def test_a_change_that_is_not_seen_when_read_back_is_unconfirmed(settings: Settings) -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.clock.pass_time(days=15)
    world.box(ANNA).vanishing = {"rewrite", "retag"}
    report = await applied(world, settings)
    assert states(report) == {"anna": MailboxState.UNCONFIRMED, "bo": MailboxState.CHANGED}
    assert problem(report) == (
        "unconfirmed",
        "What was written was not there when the calendar was read back.",
        "Run the command again: it looks at the calendar afresh and puts right what is missing.",
    )
    assert not report.complete
    world.box(ANNA).vanishing = set()
    assert (await applied(world, settings)).complete
    await settled(world, settings)


@pytest.mark.parametrize("vanishing", ["create", "delete"])
async def test_a_create_or_a_deletion_that_did_nothing_is_unconfirmed(vanishing: str) -> None:
    world = firm(ANNA)
    if vanishing == "delete":
        await applied(world, fjallvik())
        leaves(world, ANNA)
        world.directory.inside["g-alla"].append(BO)
        world.calendars.mailboxes[BO.id] = Mailbox()
    world.box(ANNA).vanishing = {vanishing}
    report = await applied(world, fjallvik())
    assert states(report)["anna"] is MailboxState.UNCONFIRMED
    assert (await world.state.placed())[ANNA.id].slots


async def test_a_series_whose_dates_did_not_go_is_not_marked_as_ended() -> None:
    """Once it is marked, nobody looks at it again, and the dates would stand for ever."""
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.clock.pass_time(days=15)
    leaves(world, ANNA)
    world.box(ANNA).vanishing = {"delete"}
    report = await applied(world, fjallvik())
    assert states(report)["anna"] is MailboxState.UNCONFIRMED
    (begun,) = [event for event in world.box(ANNA).series if event.tag]
    assert str(begun.tag).endswith(";ending")
    assert ANNA.id in await world.state.placed()
    world.box(ANNA).vanishing = set()
    assert (await applied(world, fjallvik())).complete
    assert dates(world, ANNA) == []


async def test_a_calendar_that_cannot_be_read_back_is_unconfirmed_with_graphs_error() -> None:
    world = firm(ANNA, BO)
    world.fail("read", Throttled("Slow down.", retry_after=5), ANNA, nth=2)
    report = await applied(world, fjallvik())
    assert states(report) == {"anna": MailboxState.UNCONFIRMED, "bo": MailboxState.CHANGED}
    assert problem(report) == ("unconfirmed", "Slow down.", Throttled.cure)


# -- what goes wrong in one mailbox


@pytest.mark.parametrize(
    "error",
    [
        Denied("Access is denied.", status=403, code="ErrorAccessDenied", request_id="r-1", cure="Grant it."),
        Throttled("Slow down.", retry_after=30),
        Unreachable("No answer.", status=503),
        Unexpected("Bad request.", status=400, code="ErrorInvalidRequest"),
        NoMailbox("No mailbox.", status=404, code="MailboxNotEnabledForRESTAPI"),
        Conflict("Changed.", status=412),
        Gone("Not there.", status=404),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("call", sorted(WRITES - {"decline", "make_busy", "move", "put", "retell", "shorten"}))
async def test_one_bad_mailbox_never_stops_the_others(call: str, error: GraphError) -> None:
    world = firm(ANNA, BO, CILLA)
    if call == "create":
        wanted = fjallvik()
    else:
        await applied(world, fjallvik())
        world.clock.pass_time(days=15)
        wanted = RENAMED if call == "rewrite" else FRIDAY
    world.fail(call, error, BO)
    report = await applied(world, wanted)
    assert states(report) == {
        "anna": MailboxState.CHANGED,
        "bo": MailboxState.FAILED,
        "cilla": MailboxState.CHANGED,
    }
    (account,) = report.problems
    assert account.problem
    assert (account.problem.message, account.problem.cure) == (error.message, error.cure)
    assert account.problem.code == (error.code or str(error.status or ""))
    assert account.problem.request_id == error.request_id
    world.journal.faults.clear()
    assert (await applied(world, wanted)).complete
    await settled(world, wanted)


async def test_a_lost_answer_is_found_out_and_nothing_is_made_twice() -> None:
    for call, wanted in [("create", fjallvik()), ("rewrite", RENAMED), ("retag", FRIDAY), ("delete", FRIDAY)]:
        world = firm(ANNA)
        if call != "create":
            await applied(world, fjallvik())
            world.clock.pass_time(days=15)
        world.fail(call, Unreachable("No answer."), times=1, after=True)
        await applied(world, wanted)
        await applied(world, wanted)
        await settled(world, wanted)
        live = dates(world, ANNA)
        assert len(live) == len(set(live)) > 20, call


async def test_writes_are_counted_as_they_are_sent() -> None:
    world = firm(ANNA, BO)
    world.fail("create", Unexpected("No."), BO)
    report = await applied(world, fjallvik(block(), SECOND))
    assert report.writes == len(world.journal.writes) == 3
    assert report.planned_writes == 4


async def test_what_was_planned_is_what_it_takes_where_nothing_comes_between() -> None:
    world = firm(*staff(5))
    for wanted in (fjallvik(block(), SECOND), fjallvik(block(day=Day.FRIDAY), SECOND), fjallvik()):
        world.journal.clear()
        report = await applied(world, wanted)
        assert report.planned_writes == report.writes == len(world.journal.writes) > 0
        world.clock.pass_time(days=9)
    world.journal.clear()
    report = await removed(world, fjallvik())
    assert report.planned_writes == report.writes == len(world.journal.writes) > 0


# -- what is kept in mind


async def test_a_create_that_was_refused_leaves_the_person_as_new_as_before() -> None:
    world = firm(ANNA, BO)
    world.fail("create", Denied("No.", status=403), ANNA, nth=2)
    await applied(world, fjallvik(block(), SECOND))
    placed = await world.state.placed()
    assert {slot.block for slot in placed[ANNA.id].slots} == {"lartimmen"}
    assert {slot.block for slot in placed[BO.id].slots} == {"lartimmen", "fordjupning"}
    seen = await look(world, fjallvik(block(), SECOND))
    assert [change.reason for change in seen.plan.changes] == [Reason.NEW]


async def test_a_person_whose_every_create_was_refused_is_forgotten() -> None:
    world = firm(ANNA)
    world.fail("create", Denied("No.", status=403))
    await applied(world, fjallvik())
    assert await world.state.placed() == {}


@pytest.mark.parametrize("effect", [True, False], ids=["done", "not done"])
async def test_one_whose_create_had_no_answer_is_looked_at_again_also_after_leaving(*, effect: bool) -> None:
    world = firm(ANNA, BO)
    world.fail("create", Unreachable("No answer."), ANNA, after=effect)
    fault = world.fail("read", Unreachable("No answer."), ANNA, nth=2)
    assert states(await applied(world, fjallvik()))["anna"] is MailboxState.FAILED
    world.journal.faults.clear()
    assert fault.seen == 2
    leaves(world, ANNA)
    assert (await applied(world, fjallvik())).complete
    assert world.box(ANNA).events == {}
    assert set(await world.state.placed()) == {BO.id}


# -- in which order


async def test_a_new_slot_stands_before_the_old_one_goes_and_the_old_one_is_marked_last() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.clock.pass_time(days=15)
    world.journal.clear()
    await applied(world, FRIDAY)
    names = [call.name for call in world.journal.writes]
    assert names[:2] == ["create", "retag"]
    assert set(names[2:-1]) == {"delete"}
    assert names[-1] == "retag"


async def test_a_series_whose_end_was_begun_is_finished_and_made_anew_when_it_is_wanted_again() -> None:
    """A removal that was stopped half-way left dates missing in a series that still passed for whole."""
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.clock.pass_time(days=15)
    world.fail("delete", Throttled("Slow down.", retry_after=5), ANNA, nth=4)
    await removed(world, fjallvik())
    left = len(dates(world, ANNA))
    assert left
    world.journal.faults.clear()
    await applied(world, fjallvik())
    assert len(dates(world, ANNA)) == len(set(dates(world, ANNA))) > left
    world.journal.clear()
    await applied(world, fjallvik())
    assert world.journal.writes == []


async def test_a_series_that_has_not_begun_goes_with_one_deletion() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    leaves(world, BO)
    world.journal.clear()
    await applied(world, fjallvik())
    assert [call.name for call in world.journal.writes] == ["delete"]
    assert world.box(BO).events == {}


async def test_nothing_within_the_next_quarter_of_an_hour_is_taken_away() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.clock.at = datetime(2026, 12, 10, 7, 45, tzinfo=UTC)  # 08:45 where the hour begins at nine
    leaves(world, BO)
    await applied(world, fjallvik())
    assert dates(world, BO) == [date(2026, 12, 10)]
    await settled(world, fjallvik())


async def test_a_crowd_larger_than_one_handful_is_all_gone_through() -> None:
    people = [*staff(200), person("sist")]
    world = firm(*people)
    told: list[tuple[str, int, int]] = []
    seen = await look(world, fjallvik())
    report = await apply(seen, fjallvik(), world.ports, progress=lambda *step: told.append(step))
    assert report.counts()[MailboxState.CHANGED] == 201
    assert told[0] == ("Writing calendars", 0, 201)
    assert told[-1] == ("Writing calendars", 201, 201)
    assert set(world.writes_by_mailbox().values()) == {1}
    assert world.clock.slept == 0
    assert timedelta(0) == report.ended - report.began
