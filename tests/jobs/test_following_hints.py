"""A hint that something was touched: followed where it may matter, dropped where it surely does not."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from holdfast.core.errors import Throttled
from holdfast.core.messages import Heard, Hint
from holdfast.core.model import Meeting, Person, Response, Stretch
from holdfast.core.settings import Mode
from holdfast.jobs.ports import QueueName
from holdfast.jobs.repair import STALE, Followed, follow
from tests.jobs.fjallvik import ANNA, BO, CILLA, applied, firm, fjallvik, leaves
from tests.jobs.memory import World

LOT = random.Random(1)  # noqa: S311 - it spreads waits


def hint(world: World, who: Person, *heard: Heard, later: float = 5) -> Hint:
    """One that comes some seconds from now."""
    world.clock.at += timedelta(seconds=later)
    return Hint(who.id, world.clock.now(), heard)


async def followed(world: World, given: Hint, **settings: object) -> Followed:
    return await follow(given, fjallvik(**settings), world.ports, chance=LOT)  # type: ignore[arg-type]


async def held() -> World:
    """A world in which everybody has their block, long enough ago that nothing of it is news."""
    world = firm(ANNA, BO)
    await applied(world, fjallvik())
    world.clock.at += timedelta(hours=2)
    world.journal.clear()
    return world


def series(world: World, who: Person) -> str:
    [one] = world.box(who).series
    return one.id


def meets(world: World, who: Person, day: date, hour: int) -> str:
    """Somebody books a meeting."""
    starts = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    one = Meeting(
        f"meeting {day} {hour}", None, Stretch(starts, starts + timedelta(hours=1)), "x@y.example", Response.NONE
    )
    world.box(who).meetings[one.event_id] = one
    return one.event_id


async def test_a_series_that_was_deleted_is_back_without_asking_the_directory_or_anybody_else() -> None:
    world = await held()
    gone = series(world, ANNA)
    world.box(ANNA).events.clear()
    assert await followed(world, hint(world, ANNA, Heard(gone, "deleted"))) is Followed.LOOKED
    assert len(world.box(ANNA).series) == 1
    assert {call.about for call in world.journal.calls if call.port == "calendars"} == {ANNA.id}
    assert not [call for call in world.journal.calls if call.port == "directory"]


async def test_what_is_looked_at_once_is_not_looked_at_again_for_hints_that_came_before() -> None:
    world = await held()
    several = [hint(world, ANNA, Heard(series(world, ANNA), "updated", f'W/"{n}"'), later=0.1) for n in range(5)]
    world.clock.at += timedelta(seconds=10)
    assert [await followed(world, one) for one in several] == [Followed.LOOKED] + [Followed.SEEN] * 4
    assert len(world.journal.of("instances", "read")) == 1


async def test_our_own_writing_leads_to_no_look_and_no_loop() -> None:
    world = await held()
    world.box(ANNA).events.clear()
    assert await followed(world, hint(world, ANNA)) is Followed.LOOKED
    [made] = world.box(ANNA).series
    world.journal.clear()
    assert await followed(world, hint(world, ANNA, Heard(made.id, "created", made.etag))) is Followed.SEEN
    assert not [call for call in world.journal.calls if call.port == "calendars"]
    assert await followed(world, hint(world, ANNA, Heard(made.id, "updated", 'W/"newer"'))) is Followed.LOOKED


async def test_a_series_that_was_deleted_as_we_had_written_it_is_back() -> None:
    """Graph tells an event's version, and a deletion is none."""
    world = await held()
    [gone] = world.box(ANNA).series
    seen = await world.state.seen(ANNA.id)
    assert seen is not None
    assert gone.etag in seen.etags
    world.box(ANNA).events.clear()
    assert await followed(world, hint(world, ANNA, Heard(gone.id, "deleted", gone.etag))) is Followed.LOOKED
    assert len(world.box(ANNA).series) == 1


@pytest.mark.parametrize(
    ("day", "hour", "becomes"),
    [
        (date(2026, 12, 4), 8, Followed.ELSEWHERE),
        (date(2026, 12, 3), 8, Followed.LOOKED),
        (date(2026, 12, 3), 15, Followed.LOOKED),
    ],
)
async def test_a_meeting_on_no_day_of_a_block_leads_to_no_look(day: date, hour: int, becomes: Followed) -> None:
    """On a day of one it may be an absence, which excuses the block also where it is not on top."""
    world = await held()
    heard = Heard(meets(world, ANNA, day, hour), "created", 'W/"1"')
    assert await followed(world, hint(world, ANNA, heard)) is becomes
    assert bool(world.journal.of("instances", "read")) is (becomes is Followed.LOOKED)


@pytest.mark.parametrize("change", ["deleted", "updated"])
async def test_a_deletion_or_an_event_that_is_gone_always_leads_to_a_look(change: str) -> None:
    world = await held()
    known = meets(world, ANNA, date(2026, 12, 4), 8)
    heard = Heard(known if change == "deleted" else "gone since", change)
    assert await followed(world, hint(world, ANNA, heard)) is Followed.LOOKED


async def test_one_event_that_may_matter_is_enough() -> None:
    world = await held()
    heard = [Heard(meets(world, ANNA, date(2026, 12, day), 8), "updated", f'W/"{day}"') for day in (4, 7, 3)]
    assert await followed(world, hint(world, ANNA, *heard)) is Followed.LOOKED


async def test_strangers_leavers_and_tenants_without_an_approval_are_let_be() -> None:
    world = await held()
    assert await followed(world, hint(world, CILLA)) is Followed.STRANGER
    await world.state.withdraw()
    assert await followed(world, hint(world, ANNA)) is Followed.STRANGER
    assert world.journal.writes == []


async def test_in_watch_it_is_looked_and_nothing_written() -> None:
    world = await held()
    world.box(ANNA).events.clear()
    assert await followed(world, hint(world, ANNA), mode=Mode.WATCH) is Followed.LOOKED
    assert world.journal.writes == []


async def test_who_has_left_keeps_their_block_until_the_sweep_which_knows_everybody() -> None:
    world = await held()
    leaves(world, ANNA)
    assert await followed(world, hint(world, ANNA)) is Followed.LOOKED
    assert len(world.box(ANNA).series) == 1


async def test_where_graph_has_no_time_it_is_tried_again_later_and_in_the_end_left_to_the_sweep() -> None:
    world = await held()
    world.fail("instances", Throttled("Later.", retry_after=9), ANNA)
    given = hint(world, ANNA)
    assert await followed(world, given) is Followed.LATER
    assert [Hint.parse(text) for text in world.queue.texts(QueueName.REPAIR)] == [given]
    assert world.queue.take(QueueName.REPAIR) == []
    world.clock.at += STALE + timedelta(minutes=1)
    assert await followed(world, given) is Followed.FAILED
    assert len(world.queue.texts(QueueName.REPAIR)) == 1
