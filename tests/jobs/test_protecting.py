"""What people do with their dates, and how the next look answers: the table of protection carried out."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdfast.core.errors import Denied, Unreachable
from holdfast.core.model import Occurrence, Person, Protection, ShowAs
from holdfast.core.report import MailboxState
from holdfast.core.settings import Mode, Settings
from holdfast.jobs.apply import apply
from holdfast.jobs.repair import repair
from tests.jobs.fjallvik import ANNA, BO, applied, block, firm, fjallvik, killed, leaves, look, removed, swept
from tests.jobs.memory import WRITES, World

STOCKHOLM = ZoneInfo("Europe/Stockholm")
FIRST, SECOND, THIRD, FOURTH = (date(2026, 12, 3) + timedelta(weeks=week) for week in range(4))
STRICT = fjallvik(block(protection=Protection.STRICT))
MOVABLE = fjallvik()
SOFT = fjallvik(block(protection=Protection.SOFT))
NONE_LEFT = fjallvik(block(moves_per_quarter=0))


async def given(settings: Settings, *people: Person) -> World:
    world = firm(ANNA, *people)
    await applied(world, settings)
    world.journal.clear()
    return world


def on(world: World, day: date) -> Occurrence:
    """The date of the series for a day."""
    (series,) = (one for one in world.box(ANNA).series if one.weekly)
    return next(one for one in series.occurrences() if one.original_starts.astimezone(STOCKHOLM).date() == day)


def moves(world: World, day: date, *, hours: float) -> None:
    one = on(world, day)
    world.calendars.drag(ANNA.id, one, one.starts + timedelta(hours=hours))


def deletes(world: World, *days: date) -> None:
    for day in days:
        world.calendars.take_away(world.box(ANNA), on(world, day).event_id)


def deletes_single(world: World, day: date) -> None:
    box = world.box(ANNA)
    (single,) = (event for event in box.events.values() if not event.weekly and event.first == day)
    world.calendars.take_away(box, single.id)


def frees(world: World, day: date) -> None:
    (series,) = world.box(ANNA).series
    world.calendars.change(world.box(ANNA), series, shown={**series.shown, day: ShowAs.FREE})


def stands(world: World, day: date) -> list[str]:
    """What stands on a day: hours, and how it shows; the single events in the place of deleted dates in brackets."""
    found = []
    for event in world.box(ANNA).events.values():
        for one in event.occurrences():
            starts, ends = one.starts.astimezone(STOCKHOLM), one.ends.astimezone(STOCKHOLM)
            if starts.date() == day:
                text = f"{starts:%H:%M}-{ends:%H:%M}" + ("" if one.show_as is ShowAs.BUSY else f" {one.show_as}")
                found.append(text if event.weekly else f"({text})")
    return found


AS_IT_WAS = ["09:00-10:00"]


@pytest.mark.parametrize("settings", [STRICT, NONE_LEFT], ids=["strict", "none left"])
async def test_a_moved_date_is_put_back_twice_and_then_left(settings: Settings) -> None:
    world = await given(settings)
    for _ in range(2):
        moves(world, FIRST, hours=3)
        report = await swept(world, settings)
        assert stands(world, FIRST) == AS_IT_WAS
        assert dict(report.protected) == {"moved, put back": 1}
    moves(world, FIRST, hours=3)
    assert dict((await swept(world, settings)).protected) == {"moved, let go": 1}
    assert stands(world, FIRST) == ["12:00-13:00"]
    world.journal.clear()
    await swept(world, settings)
    assert world.journal.writes == []


async def test_a_date_may_be_moved_within_its_week_as_often_as_is_allowed() -> None:
    world = await given(MOVABLE)
    for day in (FIRST, SECOND, THIRD, FOURTH):
        moves(world, day, hours=3)
    report = await swept(world, MOVABLE)
    assert dict(report.protected) == {"moved, kept where it was moved to": 3, "moved, put back": 1}
    assert [stands(world, day) for day in (FIRST, SECOND, THIRD, FOURTH)] == [*[["12:00-13:00"]] * 3, AS_IT_WAS]


async def test_a_date_that_is_made_shorter_or_taken_out_of_its_week_is_put_back() -> None:
    world = await given(MOVABLE)
    moves(world, FIRST, hours=4 * 24)
    (series,) = world.box(ANNA).series
    world.calendars.change(world.box(ANNA), series, longer={SECOND: -timedelta(minutes=30)})
    await swept(world, MOVABLE)
    assert stands(world, FIRST) == stands(world, SECOND) == AS_IT_WAS


@pytest.mark.parametrize("settings", [STRICT, NONE_LEFT], ids=["strict", "none left"])
async def test_a_deletion_is_answered_once_and_the_second_is_final(settings: Settings) -> None:
    world = await given(settings)
    deletes(world, FIRST)
    report = await swept(world, settings)
    assert stands(world, FIRST) == ["(09:00-10:00)"]
    assert dict(report.protected) == {"deleted, put back": 1}
    (single,) = (event for event in world.box(ANNA).events.values() if not event.weekly)
    assert single.body.startswith("<p>Du tog bort det här tillfället")
    await swept(world, settings)
    assert stands(world, FIRST) == ["(09:00-10:00)"]
    deletes_single(world, FIRST)
    for _ in range(3):
        await swept(world, settings)
        assert stands(world, FIRST) == []
    world.journal.clear()
    await swept(world, settings)
    assert world.journal.writes == []


async def test_a_single_event_is_held_like_the_date_it_stands_for() -> None:
    world = await given(STRICT)
    deletes(world, FIRST)
    await swept(world, STRICT)
    box = world.box(ANNA)
    (single,) = (event for event in box.events.values() if not event.weekly)
    world.calendars.change(box, single, moved={FIRST: datetime(2026, 12, 3, 15, tzinfo=UTC)})
    await swept(world, STRICT)
    assert stands(world, FIRST) == ["(09:00-10:00)"]
    single = box.events[single.id]
    world.calendars.change(box, single, shown={FIRST: ShowAs.FREE})
    await swept(world, STRICT)
    assert stands(world, FIRST) == ["(09:00-10:00)"]


async def test_with_an_allowance_left_a_deletion_stands_and_is_remembered() -> None:
    world = await given(MOVABLE)
    deletes(world, FIRST, SECOND, THIRD, FOURTH)
    await swept(world, MOVABLE)
    assert [stands(world, day) for day in (FIRST, SECOND, THIRD, FOURTH)] == [[], [], [], ["(09:00-10:00)"]]
    await swept(world, MOVABLE)
    assert [stands(world, day) for day in (FIRST, SECOND, THIRD, FOURTH)] == [[], [], [], ["(09:00-10:00)"]]


@pytest.mark.parametrize("settings", [STRICT, MOVABLE], ids=["strict", "movable"])
async def test_a_date_set_free_is_busy_again(settings: Settings) -> None:
    world = await given(settings)
    frees(world, FIRST)
    report = await swept(world, settings)
    assert stands(world, FIRST) == AS_IT_WAS
    assert dict(report.protected) == {"set free, put back": 1}


async def test_what_is_soft_is_left() -> None:
    world = await given(SOFT)
    moves(world, FIRST, hours=30)
    deletes(world, SECOND)
    frees(world, THIRD)
    before = world.shows()
    report = await swept(world, SOFT)
    assert world.shows() == before
    assert not report.protected


async def test_a_series_of_a_soft_block_is_made_again_by_a_person_only() -> None:
    world = await given(SOFT)
    world.box(ANNA).events.clear()
    await swept(world, SOFT)
    assert world.box(ANNA).series == []
    await applied(world, SOFT)
    assert stands(world, FIRST) == AS_IT_WAS


async def test_whoever_is_out_of_office_is_left_alone_that_day() -> None:
    world = await given(STRICT)
    world.box(ANNA).away = [(datetime(2026, 12, 3, 0, tzinfo=UTC), datetime(2026, 12, 4, 0, tzinfo=UTC))]
    deletes(world, FIRST)
    moves(world, SECOND, hours=3)
    report = await swept(world, STRICT)
    assert (stands(world, FIRST), stands(world, SECOND)) == ([], AS_IT_WAS)
    assert dict(report.protected) == {"deleted, excused": 1, "moved, put back": 1}


async def test_nothing_is_touched_that_has_begun_or_is_about_to() -> None:
    world = await given(STRICT)
    moves(world, FIRST, hours=2)
    deletes(world, SECOND)
    world.clock.at = datetime(2026, 12, 3, 9, 50, tzinfo=UTC)  # ten minutes before eleven in Stockholm
    await swept(world, STRICT)
    assert stands(world, FIRST) == ["11:00-12:00"]
    assert stands(world, SECOND) == ["(09:00-10:00)"]


async def test_a_series_deleted_twice_in_a_quarter_is_left_until_somebody_asks_again() -> None:
    world = await given(MOVABLE)
    world.box(ANNA).events.clear()
    await swept(world, MOVABLE)
    assert stands(world, FIRST) == AS_IT_WAS
    world.box(ANNA).events.clear()
    for _ in range(3):
        assert (await swept(world, MOVABLE)).complete
        await applied(world, MOVABLE)
        assert world.box(ANNA).series == []
    seen = await look(world, MOVABLE, ask_again=True)
    await apply(seen, MOVABLE, world.ports)
    assert stands(world, FIRST) == AS_IT_WAS


async def test_a_skip_outlives_the_series_that_it_was_made_in() -> None:
    world = await given(MOVABLE)
    deletes(world, SECOND)
    await swept(world, MOVABLE)
    world.box(ANNA).events.clear()
    for _ in range(2):
        await swept(world, MOVABLE)
    assert (stands(world, FIRST), stands(world, SECOND)) == (AS_IT_WAS, [])


async def test_what_stands_for_a_date_goes_with_the_block_and_its_past_stays() -> None:
    world = await given(STRICT, BO)
    deletes(world, FIRST, THIRD)
    await swept(world, STRICT)
    world.clock.at = datetime(2026, 12, 10, 12, tzinfo=UTC)
    leaves(world, ANNA)
    await applied(world, STRICT)
    assert (stands(world, FIRST), stands(world, THIRD)) == (["(09:00-10:00)"], [])


async def test_a_removal_takes_what_stands_for_dates_too() -> None:
    world = await given(STRICT)
    deletes(world, FIRST)
    await swept(world, STRICT)
    await removed(world, STRICT)
    assert world.box(ANNA).events == {}


async def test_in_mode_watch_it_is_counted_and_nothing_is_written() -> None:
    settings = fjallvik(block(protection=Protection.STRICT), mode=Mode.WATCH)
    world = await given(settings)
    deletes(world, FIRST)
    frees(world, SECOND)
    for _ in range(2):
        report = await swept(world, settings)
        assert dict(report.protected) == {"deleted, put back": 1, "set free, put back": 1}
    assert world.journal.writes == []
    assert (await repair(settings, world.ports, ANNA.address)).writes == 0


async def test_nobody_is_named_for_what_they_did() -> None:
    world = await given(STRICT, BO)
    deletes(world, FIRST)
    seen = await look(world, STRICT)
    assert not seen.plan
    report = await swept(world, STRICT)
    assert {account.state for account in report.audience} == {MailboxState.HELD}
    assert "anna" not in json.dumps(report.data())


async def test_what_one_person_did_is_not_even_counted_where_only_they_are_asked_about() -> None:
    world = await given(STRICT, BO)
    deletes(world, FIRST)
    assert not (await look(world, STRICT, only=ANNA.id)).report("plan", world.clock.now()).protected
    assert (await look(world, STRICT)).report("plan", world.clock.now()).protected


async def test_repairing_one_mailbox_holds_it_and_touches_no_other() -> None:
    world = await given(STRICT, BO)
    deletes(world, FIRST)
    report = await repair(STRICT, world.ports, ANNA.address)
    assert stands(world, FIRST) == ["(09:00-10:00)"]
    assert [account.state for account in report.audience] == [MailboxState.HELD]
    assert not world.journal.of(*WRITES, about=BO.id)


async def test_a_repair_leaves_groups_to_the_sweep() -> None:
    world = await given(STRICT, BO)
    leaves(world, ANNA)
    report = await repair(STRICT, world.ports, ANNA.address)
    assert world.journal.writes == []
    assert report.note == "What changes because of settings or groups is left to the next sweep."


async def test_before_anything_is_approved_a_repair_only_looks() -> None:
    world = firm(ANNA)
    report = await repair(STRICT, world.ports, ANNA.id)
    assert "Nothing is approved yet" in report.note
    assert world.journal.writes == []


@pytest.mark.parametrize("call", ["put", "make_busy", "move"])
async def test_what_cannot_be_put_right_is_a_failure_with_its_cure(call: str) -> None:
    world = await given(STRICT)
    deletes(world, FIRST)
    frees(world, SECOND)
    moves(world, THIRD, hours=2)
    world.fail(call, Denied("No.", status=403), ANNA)
    report = await swept(world, STRICT)
    assert [account.state for account in report.audience] == [MailboxState.FAILED]


@pytest.mark.parametrize("call", ["put", "move", "make_busy"])
async def test_what_is_not_seen_when_read_back_is_unconfirmed(call: str) -> None:
    world = await given(STRICT)
    deletes(world, FIRST)
    frees(world, SECOND)
    moves(world, THIRD, hours=2)
    world.box(ANNA).vanishing.add(call)
    report = await swept(world, STRICT)
    assert [account.state for account in report.audience] == [MailboxState.UNCONFIRMED]


@pytest.mark.parametrize("names_existing", [True, False])
@pytest.mark.parametrize("loses_tag", [True, False])
async def test_an_answer_that_got_lost_puts_nothing_twice(*, names_existing: bool, loses_tag: bool) -> None:
    world = await given(STRICT)
    box = world.box(ANNA)
    box.names_existing, box.loses_tags = names_existing, int(loses_tag)
    deletes(world, FIRST)
    world.fail("put", Unreachable("No answer."), ANNA, times=1, after=True)
    await swept(world, STRICT)
    await swept(world, STRICT)
    assert stands(world, FIRST) == ["(09:00-10:00)"]
    assert {account.state for account in (await swept(world, STRICT)).audience} == {MailboxState.HELD}


async def test_old_touches_are_forgotten() -> None:
    world = await given(MOVABLE)
    deletes(world, FIRST)
    await swept(world, MOVABLE)
    assert await world.state.touches(ANNA.id)
    world.clock.at = datetime.combine(FIRST + timedelta(days=91), time(12), UTC)
    await swept(world, MOVABLE)
    assert not await world.state.touches(ANNA.id)


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
@pytest.mark.parametrize("settings", [STRICT, MOVABLE], ids=["strict", "movable"])
async def test_killed_at_any_call_and_looked_at_again_the_calendar_is_the_same(
    settings: Settings, *, after: bool
) -> None:
    before = await given(settings)
    deletes(before, FIRST, THIRD)
    frees(before, SECOND)
    moves(before, FOURTH, hours=30)
    calm = deepcopy(before)
    await swept(calm, settings)
    calls = list(calm.journal.calls)
    shows, touches = calm.shows(), await calm.state.touches(ANNA.id)
    for at, call in enumerate(calls):
        world = deepcopy(before)
        assert await killed(world, swept(world, settings), at=at, after=after)
        for _ in range(2):
            assert (await swept(world, settings)).complete
        assert world.shows() == shows, call
        again = await world.state.touches(ANNA.id)
        assert (again.answered, again.skipped, again.moved) == (touches.answered, touches.skipped, touches.moved)


async def test_a_date_moved_and_set_free_is_put_back_and_busy_in_one_go() -> None:
    world = await given(STRICT)
    moves(world, FIRST, hours=3)
    frees(world, FIRST)
    report = await swept(world, STRICT)
    assert report.complete
    assert stands(world, FIRST) == AS_IT_WAS
    assert dict(report.protected) == {"moved, put back": 1}


async def test_a_date_that_may_stay_where_it_was_moved_to_is_busy_there() -> None:
    world = await given(MOVABLE)
    moves(world, FIRST, hours=3)
    frees(world, FIRST)
    report = await swept(world, MOVABLE)
    assert report.complete
    assert stands(world, FIRST) == ["12:00-13:00"]
    assert dict(report.protected) == {"moved, kept where it was moved to": 1, "set free, put back": 1}
    world.journal.clear()
    await swept(world, MOVABLE)
    assert world.journal.writes == []


async def test_what_is_agreed_to_be_left_out_stays_out_of_a_series_that_an_edit_makes() -> None:
    world = await given(MOVABLE)
    deletes(world, SECOND)
    await swept(world, MOVABLE)
    later = fjallvik(block(at=time(10)))
    await applied(world, later)
    assert stands(world, FIRST) == ["10:00-11:00"]
    assert stands(world, SECOND) == []
    world.journal.clear()
    await applied(world, later)
    assert world.journal.writes == []


async def test_a_single_event_that_lost_its_tag_is_found_again_when_all_is_removed() -> None:
    world = await given(STRICT)
    deletes(world, FIRST)
    world.box(ANNA).loses_tags = 1
    world.fail("read", Unreachable("Lost."), ANNA, nth=3)
    await swept(world, STRICT)
    world.journal.faults.clear()
    await removed(world, STRICT)
    assert stands(world, FIRST) == []


@pytest.mark.parametrize("edit", [{"from_": THIRD}, {"until": FIRST}, {"at": time(10)}], ids=["later", "ends", "slot"])
async def test_what_was_put_back_goes_at_once_with_the_dates_that_an_edit_takes_away(edit: dict[str, Any]) -> None:
    world = await given(STRICT)
    deletes(world, SECOND)
    await swept(world, STRICT)
    assert stands(world, SECOND) == ["(09:00-10:00)"]
    edited = fjallvik(block(protection=Protection.STRICT, **edit))
    await applied(world, edited)
    assert "(09:00-10:00)" not in stands(world, SECOND)
    world.journal.clear()
    await applied(world, edited)
    assert world.journal.writes == []


async def test_what_was_put_back_does_not_stand_beside_the_date_of_a_series_that_an_edit_makes() -> None:
    world = await given(STRICT)
    deletes(world, SECOND)
    await swept(world, STRICT)
    later = fjallvik(block(protection=Protection.STRICT, from_=FIRST + timedelta(days=1)))
    await applied(world, later)
    assert stands(world, SECOND) == AS_IT_WAS
    world.journal.clear()
    await applied(world, later)
    assert world.journal.writes == []
