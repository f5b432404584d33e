"""Mailboxes in other zones, travellers, people who move for good, and people who work less or at other hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from holdfast.core.model import Person, Weekday, WorkingHours
from holdfast.core.plan import Create, End, Reason, UnsafePlan
from holdfast.core.report import Excuse, MailboxState
from holdfast.core.settings import BlockZone, Day, HolidayRule, OutsideHours, Settings
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    applied,
    block,
    firm,
    fjallvik,
    joins,
    look,
    person,
    staff,
    states,
    swept,
)
from tests.jobs.memory import World

OWN_TIME = fjallvik(block(time_zone=BlockZone.MAILBOX))
STOCKHOLM, HELSINKI, NEW_YORK = "Europe/Stockholm", "Europe/Helsinki", "America/New_York"

OFFICE = frozenset(list(Weekday)[:5])
FULL = WorkingHours(OFFICE, time(8), time(17), STOCKHOLM)
AFTERNOONS = WorkingHours(OFFICE, time(12), time(17), STOCKHOLM)
FOUR_DAYS = WorkingHours(frozenset(list(Weekday)[:4]), time(8), time(17), STOCKHOLM)


def zones_ahead(world: World, one: Person) -> set[str]:
    """The zones in which the dates ahead of somebody stand at nine."""
    now = world.clock.now()
    found = {event.zone for event in world.box(one).series if any(d.starts > now for d in event.occurrences())}
    for zone in found:
        stands = [d.starts for event in world.box(one).series if event.zone == zone for d in event.occurrences()]
        assert {at.astimezone(ZoneInfo(zone)).time() for at in stands} == {time(9)}
    return found


async def daily(world: World, settings: Settings, days: int) -> list[int]:
    """Sweep each day; gives those days on which anything was written."""
    written = []
    for day in range(1, days + 1):
        world.clock.pass_time(days=1)
        world.journal.clear()
        assert (await swept(world, settings)).complete
        if world.journal.writes:
            written.append(day)
    return written


def once_a_week(world: World, one: Person, since: datetime, weeks: int) -> bool:
    """Whether somebody has a block on exactly one Thursday of each week."""
    starts = sorted(d.starts for event in world.box(one).series for d in event.occurrences() if d.starts > since)
    days = [at.date() for at in starts[:weeks]]
    return all(later - earlier == timedelta(days=7) for earlier, later in pairwise(days))


# -- by whose clock


async def test_a_block_is_at_the_organisations_time_for_everybody_unless_it_says_otherwise() -> None:
    world = firm(ANNA, BO)
    world.box(BO).zone = HELSINKI
    await applied(world, fjallvik())
    assert zones_ahead(world, ANNA) == zones_ahead(world, BO) == {STOCKHOLM}
    assert await daily(world, fjallvik(), 40) == []


async def test_a_new_series_is_at_once_by_the_clock_of_its_mailbox() -> None:
    world = firm(ANNA)
    world.box(ANNA).zone = HELSINKI
    await applied(world, OWN_TIME)
    joins(world, BO)
    world.box(BO).zone = NEW_YORK
    await swept(world, OWN_TIME)
    assert (zones_ahead(world, ANNA), zones_ahead(world, BO)) == ({HELSINKI}, {NEW_YORK})
    assert await daily(world, OWN_TIME, 40) == []


async def test_a_mailbox_that_does_not_say_where_it_is_goes_by_the_organisation() -> None:
    world = firm(ANNA)
    world.box(ANNA).zone = None
    await applied(world, OWN_TIME)
    assert zones_ahead(world, ANNA) == {STOCKHOLM}


# -- who moves, and who only travels


async def test_one_who_has_moved_is_followed_after_28_days_and_not_before() -> None:
    world = firm(ANNA, BO)
    await applied(world, OWN_TIME)
    world.clock.pass_time(days=7, hours=1)  # the mailbox is asked again, so the first sweep sees the move
    world.box(ANNA).zone = NEW_YORK
    await swept(world, OWN_TIME)
    assert await daily(world, OWN_TIME, 27) == []
    assert zones_ahead(world, ANNA) == {STOCKHOLM}
    begun, since = world.begun(), world.clock.now()
    assert await daily(world, OWN_TIME, 14) == [1]
    assert zones_ahead(world, ANNA) == {NEW_YORK}
    assert zones_ahead(world, BO) == {STOCKHOLM}
    assert all(begun[one.id] <= world.begun()[one.id] for one in (ANNA, BO))
    assert once_a_week(world, ANNA, since, weeks=20)
    assert len(world.box(ANNA).series) == 2


async def test_what_following_takes_is_told_by_its_reason_and_counted_by_the_guard() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, OWN_TIME)
    for one in people[:11]:
        world.box(one).zone = HELSINKI
    world.clock.pass_time(days=8)
    await swept(world, OWN_TIME)
    world.clock.pass_time(days=28)
    seen = await look(world, OWN_TIME)
    assert len(seen.plan.mailboxes) == 11
    for planned in seen.plan.mailboxes:
        create, end = planned.changes
        assert isinstance(create, Create)
        assert isinstance(end, End)
        assert (create.reason, end.reason, create.generation) == (Reason.ZONE, Reason.ZONE, 1)
    with pytest.raises(UnsafePlan, match="11 of 20 people"):
        seen.check_guard(OWN_TIME, frozenset({"lartimmen"}))
    world.journal.clear()
    report = await applied(world, OWN_TIME)
    assert report.planned_writes == report.writes == len(world.journal.writes)


async def test_a_traveller_who_is_back_in_time_is_never_moved() -> None:
    world = firm(ANNA)
    await applied(world, OWN_TIME)
    world.clock.pass_time(days=8)
    world.box(ANNA).zone = NEW_YORK
    assert await daily(world, OWN_TIME, 26) == []
    world.box(ANNA).zone = STOCKHOLM
    assert await daily(world, OWN_TIME, 60) == []


async def test_a_traveller_for_whom_nine_is_in_the_night_at_home_keeps_the_series_too() -> None:
    """The mailbox is in Sydney for a while; the working hours still say Stockholm."""
    world = firm(ANNA)
    world.box(ANNA).hours = FULL
    await applied(world, OWN_TIME)
    world.clock.pass_time(days=8)
    world.box(ANNA).zone = "Australia/Sydney"
    assert await daily(world, OWN_TIME, 26) == []
    assert states(await swept(world, OWN_TIME)) == {"anna": MailboxState.HELD}
    world.box(ANNA).zone = STOCKHOLM
    assert await daily(world, OWN_TIME, 30) == []
    assert states(await swept(world, OWN_TIME)) == {"anna": MailboxState.HELD}


async def test_one_who_never_stays_for_28_days_is_never_moved() -> None:
    world = firm(ANNA)
    await applied(world, OWN_TIME)
    for zone in (NEW_YORK, HELSINKI, NEW_YORK, HELSINKI):
        world.box(ANNA).zone = zone
        assert await daily(world, OWN_TIME, 20) == []
    assert zones_ahead(world, ANNA) == {STOCKHOLM}


async def test_a_series_is_continued_in_its_zone_while_its_owner_travels() -> None:
    world = firm(ANNA)
    await applied(world, OWN_TIME)
    world.clock.pass_time(weeks=11)
    await swept(world, OWN_TIME)
    world.box(ANNA).zone = NEW_YORK
    assert len(await daily(world, OWN_TIME, 26)) == 1
    assert zones_ahead(world, ANNA) == {STOCKHOLM}
    assert len(world.box(ANNA).series) == 2


async def test_one_who_travels_when_the_state_is_lost_is_still_not_moved_about() -> None:
    world = firm(ANNA)
    await applied(world, OWN_TIME)
    world.clock.pass_time(days=8)
    world.box(ANNA).zone = NEW_YORK
    assert await daily(world, OWN_TIME, 20) == []
    world.state.forget_everything()
    assert not (await look(world, OWN_TIME)).plan
    await applied(world, OWN_TIME)
    assert await daily(world, OWN_TIME, 27) == []  # nobody knows any more how long it has been
    assert await daily(world, OWN_TIME, 14) == [1]
    assert zones_ahead(world, ANNA) == {NEW_YORK}


async def test_one_at_home_in_another_zone_stays_as_they_are_when_the_state_is_lost() -> None:
    world = firm(ANNA)
    world.box(ANNA).zone = HELSINKI
    await applied(world, OWN_TIME)
    world.state.forget_everything()
    before = world.shows()
    await applied(world, OWN_TIME)
    assert await daily(world, OWN_TIME, 40) == []
    assert world.shows() == before


async def test_the_mailbox_is_asked_once_a_week_and_once_more_before_it_is_followed() -> None:
    """28 days count from when its answer changed. What it said four days ago does not tell that its owner is back."""
    world = firm(ANNA)
    await applied(world, OWN_TIME)
    world.box(ANNA).zone = NEW_YORK
    asked, written = [], []
    for day in range(1, 45):
        world.clock.pass_time(days=1)
        world.journal.clear()
        await swept(world, OWN_TIME)
        asked += [day] * len(world.journal.of("profile"))
        written += [day] * bool(world.journal.writes)
    assert asked == [8, 16, 24, 32, 36, 44]
    assert written == [8 + 28]


@pytest.mark.parametrize("away", [25, 30, 33, 35])
async def test_however_a_return_falls_between_two_questions_nobody_is_moved(away: int) -> None:
    world = firm(ANNA)
    await applied(world, OWN_TIME)
    world.box(ANNA).zone = NEW_YORK
    assert await daily(world, OWN_TIME, away) == []
    world.box(ANNA).zone = STOCKHOLM
    assert await daily(world, OWN_TIME, 40) == []


async def test_an_edit_from_one_clock_to_the_other_moves_those_who_are_elsewhere_and_nobody_else() -> None:
    world = firm(ANNA, BO)
    world.box(BO).zone = HELSINKI
    await applied(world, fjallvik())
    world.clock.pass_time(days=40)
    seen = await look(world, OWN_TIME)
    assert [planned.mailbox for planned in seen.plan.mailboxes] == [BO.id]
    await applied(world, OWN_TIME)
    assert zones_ahead(world, BO) == {HELSINKI}
    await applied(world, fjallvik())
    assert zones_ahead(world, BO) == {STOCKHOLM}
    assert once_a_week(world, BO, world.clock.now(), weeks=20)


# -- when people work


async def test_a_slot_outside_somebodys_hours_is_excused_and_told_so() -> None:
    late, short, full = person("sen"), person("kort"), person("hel")
    world = firm(late, short, full, ANNA)
    world.box(late).hours, world.box(short).hours, world.box(full).hours = AFTERNOONS, FOUR_DAYS, FULL
    settings = fjallvik(block(day=Day.FRIDAY))
    report = await applied(world, settings)
    assert states(report) == {
        "sen": MailboxState.EXCUSED,
        "kort": MailboxState.EXCUSED,
        "hel": MailboxState.CHANGED,
        "anna": MailboxState.CHANGED,  # of whom nothing is known
    }
    assert report.reasons(MailboxState.EXCUSED) == {Excuse.OUTSIDE_HOURS: 2}
    assert await daily(world, settings, 20) == []


async def test_it_is_placed_all_the_same_where_the_settings_say_so() -> None:
    world = firm(ANNA)
    world.box(ANNA).hours = AFTERNOONS
    report = await applied(world, fjallvik(block(outside_hours=OutsideHours.PLACE)))
    assert states(report) == {"anna": MailboxState.CHANGED}
    assert len(world.box(ANNA).series) == 1


async def test_of_several_days_one_gets_those_one_works_on() -> None:
    world = firm(ANNA)
    world.box(ANNA).hours = FOUR_DAYS
    settings = fjallvik(block(day=(Day.MONDAY, Day.FRIDAY)))
    assert states(await applied(world, settings)) == {"anna": MailboxState.CHANGED}
    assert {event.first.weekday() for event in world.box(ANNA).series} == {0}
    assert states(await swept(world, settings)) == {"anna": MailboxState.HELD}


async def test_hours_that_change_end_the_series_and_place_it_again_when_they_change_back() -> None:
    world = firm(ANNA, BO)
    world.box(ANNA).hours = FULL
    await applied(world, fjallvik())
    world.clock.pass_time(days=20)
    world.box(ANNA).hours = AFTERNOONS
    begun = world.begun()
    seen = await look(world, fjallvik())
    assert [change.reason for change in seen.plan.changes] == [Reason.OUTSIDE]
    report = await swept(world, fjallvik())
    assert states(report)["anna"] is MailboxState.CHANGED
    assert world.box(ANNA).ahead(world.clock.now()) == []
    assert world.begun() == begun
    report = await swept(world, fjallvik())
    assert states(report) == {"anna": MailboxState.EXCUSED, "bo": MailboxState.HELD}
    assert report.reasons(MailboxState.EXCUSED) == {Excuse.OUTSIDE_HOURS: 1}
    world.clock.pass_time(days=8)
    world.box(ANNA).hours = FULL
    assert states(await swept(world, fjallvik()))["anna"] is MailboxState.CHANGED
    assert world.box(ANNA).ahead(world.clock.now())[:20] == world.box(BO).ahead(world.clock.now())[:20]
    assert begun[ANNA.id] <= world.begun()[ANNA.id]


async def test_hours_that_change_for_so_many_at_once_are_stopped_by_the_guard() -> None:
    people = staff(20)
    world = firm(*people)
    await applied(world, fjallvik())
    for one in people[:11]:
        world.box(one).hours = AFTERNOONS
    world.clock.pass_time(days=8)
    report = await swept(world, fjallvik())
    assert "11 of 20 people" in report.note
    assert all(len(world.box(one).series) == 1 for one in people)


async def test_a_new_hour_for_all_places_those_whom_the_old_one_excused() -> None:
    world = firm(ANNA, BO)
    world.box(ANNA).hours = AFTERNOONS
    await applied(world, fjallvik())
    later = fjallvik(block(at=time(13)))
    await applied(world, later)
    assert world.box(ANNA).ahead(world.clock.now()) == world.box(BO).ahead(world.clock.now()) != []


@pytest.mark.parametrize(
    ("rule", "there"),
    [(HolidayRule.SKIP, []), (HolidayRule.MOVE, [date(2027, 1, 14)])],
    ids=["skipped", "moved"],
)
async def test_a_date_of_the_month_on_a_day_somebody_does_not_work_is_treated_as_a_day_off(
    rule: HolidayRule, there: list[date]
) -> None:
    """15 January 2027 is a Friday."""
    world = firm(ANNA, BO)
    world.box(ANNA).hours = FOUR_DAYS
    settings = fjallvik(block(every="month", day=15, holiday=rule))
    await applied(world, settings)
    january = [at.date() for at in world.box(ANNA).ahead(world.clock.now()) if (at.year, at.month) == (2027, 1)]
    assert january == there
    assert date(2027, 1, 15) in {at.date() for at in world.box(BO).ahead(world.clock.now())}
    assert not (await look(world, settings)).plan


async def test_hours_are_of_the_zone_they_are_told_in() -> None:
    """Nine in Stockholm is three at night in New York, and ten in Helsinki."""
    world = firm(ANNA, BO)
    world.box(ANNA).hours = WorkingHours(OFFICE, time(8), time(17), NEW_YORK)
    world.box(BO).hours = WorkingHours(OFFICE, time(8), time(17), HELSINKI)
    report = await applied(world, fjallvik())
    assert states(report) == {"anna": MailboxState.EXCUSED, "bo": MailboxState.CHANGED}
    assert world.box(BO).ahead(world.clock.now())[0] == datetime(2026, 12, 3, 8, tzinfo=UTC)
