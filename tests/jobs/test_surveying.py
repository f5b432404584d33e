"""Looking at everybody: each mailbox in one state, and nothing written anywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from holdfast.core.errors import Denied, GraphError, Throttled, Unexpected, Unreachable
from holdfast.core.model import Purpose, SlotKey
from holdfast.core.plan import Create, End, Reason, Rewrite, UnsafePlan
from holdfast.core.report import Excuse, MailboxState
from holdfast.core.settings import Audience, Block, Day, Guard, Language, Organization
from holdfast.jobs.audience import AudienceError
from holdfast.jobs.ports import Placed
from holdfast.jobs.survey import NoSuchMailbox, Survey
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    CILLA,
    DEVELOPERS,
    EVERYBODY,
    MONDAY,
    SECOND,
    applied,
    block,
    disabled,
    firm,
    fjallvik,
    joins,
    leaves,
    look,
    person,
    staff,
    states,
)
from tests.jobs.memory import Mailbox


def reasons(seen: Survey) -> dict[str, list[tuple[str, Reason]]]:
    """What would be done to whom, and why."""
    return {
        planned.mailbox: [(type(change).__name__, change.reason) for change in planned.changes]
        for planned in seen.plan.mailboxes
    }


def account(seen: Survey) -> dict[str, tuple[MailboxState, str]]:
    report = seen.report("plan", seen.at)
    return {one.mailbox: (one.state, one.reason) for one in (*report.audience, *report.others)}


async def test_everybody_in_the_audience_is_in_exactly_one_state() -> None:
    guest, room, full = person("gast", guest=True), person("rum"), person("full")
    world = firm(ANNA, BO, CILLA, guest, room, full)
    world.box(room).purpose = Purpose.ROOM
    world.box(CILLA).exists = False
    await applied(world, fjallvik(), only=ANNA.address)
    world.fail("read", Unreachable("No answer."), full)
    seen = await look(world, fjallvik())
    assert account(seen) == {
        ANNA.id: (MailboxState.HELD, ""),
        BO.id: (MailboxState.WAITING, "a change"),
        CILLA.id: (MailboxState.WAITING, "no mailbox yet"),
        guest.id: (MailboxState.EXCUSED, Excuse.GUEST),
        room.id: (MailboxState.EXCUSED, Excuse.ROOM),
        full.id: (MailboxState.UNREAD, "could not be read"),
    }
    report = seen.report("plan", seen.at)
    assert sum(report.counts().values()) == len(report.audience) == 6
    assert not report.complete
    assert [one.address for one in report.problems] == [CILLA.address, full.address]


async def test_looking_writes_to_no_calendar() -> None:
    world = firm(ANNA, BO)
    await look(world, fjallvik())
    await look(world, fjallvik(), removing=Reason.REMOVED)
    assert world.journal.writes == []
    assert world.box(ANNA).events == {}


@pytest.mark.parametrize("call", ["profile", "read", "instances"])
@pytest.mark.parametrize(
    "error",
    [
        Denied("No.", status=403),
        Throttled("Slow down.", retry_after=5),
        Unreachable("No answer."),
        Unexpected("What?"),
    ],
)
async def test_a_mailbox_that_could_not_be_read_is_never_one_that_is_empty(call: str, error: GraphError) -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.clock.pass_time(days=8)
    world.fail(call, error, ANNA)
    seen = await look(world, fjallvik(block(day=Day.FRIDAY)))
    assert account(seen)[ANNA.id] == (MailboxState.UNREAD, "could not be read")
    assert ANNA.id not in reasons(seen)
    assert BO.id in reasons(seen)
    (problem,) = seen.report("plan", seen.at).problems
    assert problem.problem
    assert (problem.problem.message, problem.problem.cure) == (error.message, error.cure)


async def test_a_mailbox_is_asked_what_it_is_for_once_a_week() -> None:
    world = firm(ANNA)
    for days, asked in [(0, 1), (0, 1), (7, 1), (0.001, 2), (6, 2), (2, 3)]:
        world.clock.pass_time(days=days)
        await look(world, fjallvik())
        assert len(world.journal.of("profile")) == asked, days


async def test_a_purpose_that_could_not_be_asked_is_asked_again_next_time() -> None:
    world = firm(ANNA)
    fault = world.fail("profile", Unreachable("No answer."), times=1)
    assert account(await look(world, fjallvik()))[ANNA.id][0] is MailboxState.UNREAD
    assert account(await look(world, fjallvik()))[ANNA.id][0] is MailboxState.WAITING
    assert fault.seen == 2


@pytest.mark.parametrize(
    ("purpose", "excuse"),
    [
        (Purpose.USER, None),
        (Purpose.LINKED, None),
        (Purpose.SHARED, Excuse.SHARED),
        (Purpose.ROOM, Excuse.ROOM),
        (Purpose.EQUIPMENT, Excuse.ROOM),
        (Purpose.OTHERS, Excuse.OTHER),
    ],
)
async def test_only_a_persons_mailbox_gets_a_block(purpose: Purpose, excuse: Excuse | None) -> None:
    world = firm(ANNA)
    world.box(ANNA).purpose = purpose
    for _ in range(2):  # asked, and remembered
        seen = await look(world, fjallvik())
        assert bool(seen.plan) is (excuse is None)
        assert account(seen)[ANNA.id] == (
            (MailboxState.EXCUSED, excuse) if excuse else (MailboxState.WAITING, "a change")
        )


async def test_the_excused_are_read_only_if_they_are_known_to_have_blocks() -> None:
    guest = person("gast", guest=True)
    world = firm(ANNA, guest)
    await applied(world, fjallvik())
    disabled(world, ANNA)
    world.journal.clear()
    seen = await look(world, fjallvik())
    assert [call.about for call in world.journal.of("read")] == [ANNA.id]
    assert reasons(seen) == {ANNA.id: [("End", Reason.LEFT)]}


async def test_a_mailbox_that_became_a_shared_one_has_its_series_ended() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.clock.pass_time(days=8)
    world.box(ANNA).purpose = Purpose.SHARED
    assert reasons(await look(world, fjallvik())) == {ANNA.id: [("End", Reason.LEFT)]}


async def test_a_leaver_is_found_by_what_is_remembered() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    leaves(world, BO)
    seen = await look(world, fjallvik())
    assert reasons(seen) == {BO.id: [("End", Reason.LEFT)]}
    report = seen.report("plan", seen.at)
    assert [one.mailbox for one in report.audience] == [ANNA.id]
    assert [one.mailbox for one in report.others] == [BO.id]


async def test_the_members_of_an_audience_taken_out_of_the_settings_are_leavers() -> None:
    world = firm(ANNA)
    world.directory.add(DEVELOPERS, BO)
    world.calendars.mailboxes[BO.id] = Mailbox()
    two = {"alla": Audience(group=EVERYBODY.name), "utveckling": Audience(group=DEVELOPERS.name)}
    before = fjallvik(block(), replace_audiences(SECOND, "utveckling"), audiences=two)
    await applied(world, before)
    assert reasons(await look(world, fjallvik())) == {BO.id: [("End", Reason.DROPPED)]}
    moved = fjallvik(block(), replace_audiences(SECOND, "alla"))
    assert reasons(await look(world, moved)) == {
        ANNA.id: [("Create", Reason.NEW)],
        BO.id: [("End", Reason.LEFT)],
    }


def replace_audiences(one: Block, *names: str) -> Block:
    return one.model_copy(update={"audiences": names})


async def test_a_leaver_whose_mailbox_is_gone_is_no_failure() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    leaves(world, BO)
    world.box(BO).exists = False
    seen = await look(world, fjallvik())
    assert account(seen)[BO.id] == (MailboxState.WAITING, "no mailbox any more")
    assert seen.report("plan", seen.at).complete
    assert seen.report("plan", seen.at).problems == []


async def test_a_disabled_account_that_lost_its_mailbox_is_excused_and_needs_no_licence() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    disabled(world, BO)
    world.box(BO).exists = False
    seen = await look(world, fjallvik())
    assert account(seen)[BO.id] == (MailboxState.EXCUSED, Excuse.DISABLED)
    assert seen.report("plan", seen.at).problems == []


async def test_one_who_comes_back_is_placed_again_with_a_generation_nobody_has_seen() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    leaves(world, BO)
    world.clock.pass_time(days=20)
    await applied(world, fjallvik())
    joins(world, BO)
    seen = await look(world, fjallvik())
    (planned,) = seen.plan.mailboxes
    (create,) = planned.changes
    assert isinstance(create, Create)
    assert (create.generation, create.reason) == (1, Reason.NEW)


async def test_a_person_in_two_audiences_gets_each_block_once_and_the_first_of_two_that_clash() -> None:
    world = firm(ANNA, BO)
    world.directory.add(DEVELOPERS, ANNA)
    two = {"alla": Audience(group=EVERYBODY.name), "utveckling": Audience(group=DEVELOPERS.name)}
    clash = replace_audiences(block("sen", title="Sen", at=time(9, 30)), "utveckling")
    both = replace_audiences(block(), "alla", "utveckling")
    await applied(world, fjallvik(both, clash, audiences=two))
    assert [event.subject for event in world.box(ANNA).series] == ["Lärtimmen"]
    assert [event.subject for event in world.box(BO).series] == ["Lärtimmen"]


async def test_one_who_is_in_the_audience_of_no_block_is_excused() -> None:
    world = firm(ANNA)
    seen = await look(world, fjallvik(block(from_=date(2026, 1, 1), until=date(2026, 6, 30))))
    assert account(seen)[ANNA.id] == (MailboxState.EXCUSED, Excuse.NO_BLOCK)


@pytest.mark.parametrize("only", [BO.address, "BO@Fjallvik.example", BO.id, "ID-BO"])
async def test_only_one_is_looked_at_when_only_one_is_asked_for(only: str) -> None:
    world = firm(ANNA, BO, CILLA)
    seen = await look(world, fjallvik(), only=only)
    assert [one.errand.mailbox for one in seen.looks] == [BO.id]
    assert {call.about for call in world.journal.calls if call.port == "calendars"} == {BO.id}


async def test_only_finds_a_leaver_too() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    leaves(world, BO)
    assert reasons(await look(world, fjallvik(), only=BO.address)) == {BO.id: [("End", Reason.LEFT)]}


async def test_somebody_unknown_is_told_with_whom_they_may_have_meant() -> None:
    world = firm(ANNA, BO)
    with pytest.raises(
        NoSuchMailbox, match=r'^"ana@fjallvik\.example" is in no audience of the settings\. Did you mean'
    ):
        await look(world, fjallvik(), only="ana@fjallvik.example")
    with pytest.raises(NoSuchMailbox, match=r'^"zzz" is in no audience of the settings\.$'):
        await look(world, fjallvik(), only="zzz")
    assert world.journal.of("read") == []


async def test_a_list_of_people_that_cannot_be_read_leaves_no_survey() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.fail("members", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        await look(world, fjallvik())
    world.directory.drop(EVERYBODY.id)
    world.journal.faults.clear()
    with pytest.raises(AudienceError):
        await look(world, fjallvik())


async def test_what_is_found_in_calendars_is_remembered_when_the_state_was_lost() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik(block(), SECOND))
    before = await world.state.placed()
    world.state.forget_everything()
    assert not (await look(world, fjallvik(block(), SECOND))).plan
    assert await world.state.placed() == before


async def test_a_series_that_was_taken_away_is_remade_and_not_new() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    world.box(ANNA).events.clear()
    for _ in range(2):  # the second look shows that the first did not forget
        assert reasons(await look(world, fjallvik())) == {ANNA.id: [("Create", Reason.REMADE)]}


async def test_looking_at_an_edit_that_nobody_applies_forgets_no_one_who_has_blocks() -> None:
    world = firm(ANNA, BO)
    settings = fjallvik(block(), SECOND)
    await applied(world, settings)
    before = await world.state.placed()
    await look(world, fjallvik())
    await look(world, settings, removing=Reason.REMOVED)
    world.fail("read", Unreachable("No answer."), BO)
    await look(world, fjallvik(SECOND))
    assert await world.state.placed() == before


async def test_the_guard_counts_those_whom_an_edit_touches_and_not_those_who_are_put_right() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, fjallvik())
    complete = frozenset({"lartimmen"})
    edited = fjallvik(block(day=Day.FRIDAY))
    seen = await look(world, edited)
    assert seen.managed == {one.id for one in people}
    with pytest.raises(UnsafePlan, match="20 of 20 people"):
        seen.check_guard(edited, complete)
    seen.check_guard(edited, frozenset())
    seen.check_guard(edited.model_copy(update={"guard": Guard(share=30, count=20)}), complete)
    for one in people:
        world.box(one).events.clear()
    (await look(world, fjallvik())).check_guard(fjallvik(), complete)


async def test_the_guard_counts_joiners_of_a_known_block() -> None:
    world = firm(*staff(20))
    await applied(world, fjallvik())
    for number in range(20, 31):
        joins(world, person(f"p{number:03}"))
    seen = await look(world, fjallvik())
    assert len(seen.managed) == 31
    with pytest.raises(UnsafePlan, match="11 of 31 people"):
        seen.check_guard(fjallvik(), frozenset({"lartimmen"}))


async def test_mailboxes_that_could_not_be_read_neither_count_as_touched_nor_as_managed() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, fjallvik())
    for one in people[:12]:
        world.fail("read", Unreachable("No answer."), one)
    for one in people[12:]:
        leaves(world, one)
    seen = await look(world, fjallvik())
    assert seen.managed == {one.id for one in people[12:]}
    assert len(seen.plan.mailboxes) == 8


async def test_a_series_to_be_ended_is_read_as_far_as_a_person_may_have_stretched_it() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    (series,) = world.box(ANNA).series
    world.calendars.change(world.box(ANNA), series, range_ends=date(2027, 12, 30))
    (other,) = world.box(BO).series
    world.calendars.change(world.box(BO), other, range_ends=None)
    world.clock.pass_time(days=15)
    leaves(world, ANNA)
    leaves(world, BO)
    await applied(world, fjallvik())
    assert world.box(ANNA).ahead(world.clock.now()) == []
    stretch = world.box(BO).ahead(world.clock.now())
    assert [at for at in stretch if at < world.clock.now() + timedelta(days=700)] == []


@pytest.mark.parametrize(
    ("zone", "at", "today"),
    [
        ("Australia/Sydney", datetime(2026, 12, 14, 21, tzinfo=UTC), date(2026, 12, 15)),
        ("America/New_York", datetime(2026, 12, 15, 1, tzinfo=UTC), date(2026, 12, 14)),
    ],
)
async def test_leavers_and_removals_begin_on_the_day_it_is_where_the_organisation_is(
    zone: str, at: datetime, today: date
) -> None:
    """The date in UTC is another one, and a series that ends on the wrong day is told of and remembered wrongly."""
    there = Organization(name="Fjällvik AB", language=Language.SV, time_zone=zone)
    settings = fjallvik(organization=there)
    gone, shared, stays = ANNA, BO, CILLA
    world = firm(gone, shared, stays)
    await applied(world, settings)
    world.clock.at = at
    leaves(world, gone)
    world.box(shared).purpose = Purpose.SHARED
    seen = await look(world, settings)
    ends = {p.mailbox: [c.since for c in p.changes if isinstance(c, End)] for p in seen.plan.mailboxes}
    assert ends == {gone.id: [today], shared.id: [today]}
    seen = await look(world, settings, removing=Reason.REMOVED)
    assert {c.since for c in seen.plan.changes if isinstance(c, End)} == {today}
    await applied(world, settings)
    assert set(await world.state.placed()) == {stays.id}
    assert (await look(world, settings)).managed == {stays.id}


async def test_an_edit_of_the_text_is_a_rewrite_in_place() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    seen = await look(world, fjallvik(block(title="Lärstunden")))
    ((change,),) = (planned.changes for planned in seen.plan.mailboxes)
    assert isinstance(change, Rewrite)


async def test_progress_is_told_while_calendars_are_read() -> None:
    told: list[tuple[str, int, int]] = []
    await look(firm(ANNA, BO), fjallvik(), progress=lambda *step: told.append(step))
    assert told == [("Reading calendars", done, 2) for done in range(3)]


async def test_a_remembered_mailbox_that_is_excused_but_cannot_be_read_is_unread() -> None:
    world = firm(ANNA)
    placed = Placed(ANNA.id, ANNA.address, frozenset({SlotKey("lartimmen", "51")}))
    await world.state.place(placed)
    disabled(world, ANNA)
    world.fail("read", Denied("No.", status=403), ANNA)
    seen = await look(world, fjallvik())
    assert states(seen.report("plan", MONDAY))["anna"] is MailboxState.UNREAD
    assert await world.state.placed() == {ANNA.id: placed}


async def test_people_in_any_order_make_the_same_plan() -> None:
    people = staff(9)
    one, other = firm(*people), firm(*reversed(people))
    assert (await look(one, fjallvik())).plan == (await look(other, fjallvik())).plan
    assert replace((await look(one, fjallvik())).plan).checksum == (await look(other, fjallvik())).plan.checksum
