"""What goes for everybody is decided once, and what names somebody's own events never goes for another."""

from __future__ import annotations

from datetime import date

from holdfast.core.plan import Skip
from holdfast.core.settings import Language, Organization
from holdfast.core.settings.holidays import Holidays
from tests.jobs.fjallvik import ANNA, BO, applied, firm, fjallvik, look, staff

CLOSED_ON_CHRISTMAS_EVE = fjallvik(
    organization=Organization(
        name="Fjällvik AB",
        language=Language.SV,
        time_zone="Europe/Stockholm",
        holidays=Holidays(closed=((date(2026, 12, 24), date(2026, 12, 24)),)),
    )
)


async def test_new_people_who_are_alike_share_the_very_changes() -> None:
    seen = await look(firm(*staff(5)), fjallvik())
    assert len(seen.looks) == 5
    assert len({id(one.changes) for one in seen.looks}) == 1


async def test_changes_of_series_are_each_of_their_own_mailbox() -> None:
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    seen = await look(world, CLOSED_ON_CHRISTMAS_EVE)
    for one in seen.looks:
        (change,) = one.changes
        assert isinstance(change, Skip)
        assert change.actual.event_id in world.calendars.mailboxes[one.errand.mailbox].events


async def test_one_who_lost_a_series_is_not_taken_for_the_others_who_have_it() -> None:
    world = firm(*staff(3))
    await applied(world, fjallvik())
    missing, *_ = world.calendars.mailboxes.values()
    missing.events.clear()
    seen = await look(world, fjallvik())
    assert [bool(one.changes) for one in seen.looks] == [True, False, False]
