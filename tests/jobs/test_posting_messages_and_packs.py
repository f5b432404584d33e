"""Leaders' messages and agenda packs on ports in memory: each once, and with summaries two a week at most."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdfast.core.calm import Rank
from holdfast.core.settings import AgendaPack, LeaderMessage, Mode, Settings, Via
from holdfast.core.summary import Ask, Pack, Quotation, Summary
from holdfast.jobs.ports import PostState
from holdfast.jobs.summaries import incomplete, preview
from tests.jobs.fjallvik import applied, killed, staff, swept
from tests.jobs.memory import World
from tests.jobs.test_posting import (
    A_WEEK,
    FIRST_FRIDAY,
    FRIDAY,
    LOST,
    UNKNOWN,
    channel,
    ledger,
    office,
    place,
    post,
    posts,
    says,
    states,
    tick,
    wanted,
    week_later,
)

STOCKHOLM = ZoneInfo("Europe/Stockholm")
FIRST_MONDAY = AgendaPack(day="first monday", at="08:00")
PACK_TIME = datetime(2026, 12, 7, 7, tzinfo=UTC)
PACK, TOLD_ON = "agenda-2026-12-07", date(2026, 12, 2)
WITH_PACK = wanted(channel(agenda_pack=FIRST_MONDAY))


def message(on: date = TOLD_ON, at: str = "09:00", **more: Any) -> LeaderMessage:
    values = {
        "from_": "vd@fjallvik.example",
        "name": "Maria Fjäll",
        "role": {"sv": "VD", "en": "CEO"},
        "channel": "utv",
        "text": {"sv": "Avsätt tiden.\n\nJag gör det också.", "en": "Take the time."},
    }
    return LeaderMessage(**{**values, **more}, day=on, at=at)


def saying(*messages: LeaderMessage, **of_the_channel: Any) -> Settings:
    return wanted(channel(**of_the_channel), messages=messages)


def stockholm(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), STOCKHOLM).astimezone(UTC)


async def due_message(via: Via = Via.GRAPH) -> tuple[World, Settings, str]:
    """A message whose time has just come."""
    settings = saying(message(), via=via)
    world = await office(*staff(5), settings=settings)
    world.clock.at = FIRST_FRIDAY
    await post(world, settings, holder="last week")
    world.clock.at = stockholm(TOLD_ON, 9)
    return world, settings, settings.messages[0].key


async def due_pack(via: Via = Via.GRAPH) -> tuple[World, Settings, str]:
    """A pack whose time has just come, after two summaries."""
    settings = wanted(channel(agenda_pack=FIRST_MONDAY, via=via))
    world = await office(*staff(5), settings=settings)
    await week_later(world, settings)
    await post(world, settings, holder="this week")
    world.clock.at = PACK_TIME
    return world, settings, PACK


KINDS = pytest.mark.parametrize("due", [due_message, due_pack], ids=["message", "pack"])
KILLED = pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])


# Each once


@KILLED
@KINDS
async def test_killed_at_any_call_and_run_again_there_is_exactly_one(due: Any, *, after: bool) -> None:
    before, settings, period = await due()
    made = len(posts(before))
    calm = deepcopy(before)
    calm.journal.clear()
    (told,) = await post(calm, settings)
    assert told.state is PostState.POSTED
    calls, card = len(calm.journal.calls), posts(calm)[-1].post.card
    assert {"begin_post", "post", "end_post"} <= set(calm.journal.names())
    for at in range(calls):
        world = deepcopy(before)
        assert await killed(world, post(world, settings), at=at, after=after)
        for _ in range(2):  # the timer comes while the lease goes on, and after it
            await tick(world, settings, minutes=10)
        assert len(posts(world)) == made + 1, at
        assert posts(world)[-1].post.card == card
        assert (await states(world))[period] is PostState.POSTED


@KILLED
@KINDS
async def test_killed_at_any_call_by_workflow_there_is_at_most_one(due: Any, *, after: bool) -> None:
    before, settings, period = await due(Via.WORKFLOW)
    made = len(before.workflow.posts)
    calm = deepcopy(before)
    calm.journal.clear()
    await post(calm, settings)
    for at in range(len(calm.journal.calls)):
        world = deepcopy(before)
        await killed(world, post(world, settings), at=at, after=after)
        for _ in range(2):
            await tick(world, settings, minutes=10)
        count, state = len(world.workflow.posts) - made, (await states(world))[period]
        assert count <= 1, at
        assert state in (PostState.POSTED, UNKNOWN)
        assert count == 1 or state is UNKNOWN
        if state is UNKNOWN:
            (told,) = await post(world, settings, holder="a person", again=True)
            assert (told.period, told.state) == (period, PostState.POSTED)


@KINDS
async def test_of_many_workers_at_once_one_posts(due: Any) -> None:
    world, settings, _ = await due()
    made = len(posts(world))
    told = await asyncio.gather(*(post(world, settings, holder=f"worker {n}") for n in range(5)))
    assert [one.state for ones in told for one in ones] == [PostState.POSTED]
    assert len(posts(world)) == made + 1


@KINDS
async def test_a_lost_answer_is_no_second_one(due: Any) -> None:
    world, settings, _ = await due()
    made = len(posts(world))
    world.fail("post", LOST, times=1, after=True)
    (told,) = await post(world, settings)
    assert told.state is PostState.POSTED
    assert await tick(world, settings, minutes=10) == []
    assert len(posts(world)) == made + 1


async def test_a_message_needs_no_directory_and_no_calendar() -> None:
    world, settings, _ = await due_message()
    world.journal.clear()
    await post(world, settings)
    assert {call.port for call in world.journal.calls} <= {"state", "channels"}


# Messages


async def test_what_a_leader_says_is_a_quotation_in_the_language_of_the_channel() -> None:
    world, settings, key = await due_message()
    (told,) = await post(world, settings)
    assert (told.period, told.rank) == (key, Rank.MESSAGE)
    words = says(posts(world)[-1])
    assert [one for one in ("”Avsätt tiden.", "Jag gör det också.”", "Maria Fjäll", "VD") if one not in words] == []
    english = saying(message(), language="en")
    (first,) = await preview(english, world.ports)
    assert isinstance(first, Summary)  # the message is out, so that it is not shown again


async def test_a_message_is_posted_once_whatever_is_edited_but_its_day() -> None:
    world, settings, _ = await due_message()
    await post(world, settings)
    edited = saying(message(at="09:30", text="Något annat."))
    await applied(world, edited)
    world.clock.at = stockholm(TOLD_ON, 10)
    assert await post(world, edited) == []
    assert len(posts(world)) == 2


@pytest.mark.parametrize(("hours", "posted"), [(2, True), (23, True), (25, False)])
async def test_a_message_that_is_late_is_posted_for_a_day_in_office_hours_and_then_told(
    hours: int, *, posted: bool
) -> None:
    world, settings, key = await due_message()
    world.clock.pass_time(hours=hours)
    told = await post(world, settings)
    (one,) = told
    if posted:
        assert one.state is PostState.POSTED
    else:
        assert (one.period, one.state) == (key, PostState.LEFT_OUT)
        assert "more than a day" in one.note
        assert incomplete(told)
        assert await tick(world, settings, minutes=10) == []
        assert len(posts(world)) == 1


async def test_a_message_of_the_past_is_told_once_and_never_posted() -> None:
    settings = saying(message(date(2026, 11, 2)))
    world = await office(settings=settings)
    (told,) = await post(world, settings)
    assert told.state is PostState.LEFT_OUT
    assert await tick(world, settings, minutes=10) == []
    assert posts(world) == []


async def test_in_mode_watch_a_message_is_not_posted_and_not_by_now_either() -> None:
    world, settings, key = await due_message()
    watching = settings.model_copy(update={"mode": Mode.WATCH})
    assert await post(world, watching) == []
    (told,) = await post(world, watching, at_once=True)
    assert told.rank is Rank.SUMMARY
    assert key not in await states(world)


async def test_a_message_that_is_approved_late_waits_for_its_time() -> None:
    settings = saying(message())
    world = await office(settings=settings, at=stockholm(TOLD_ON, 8, 50))
    assert [one.rank for one in await post(world, settings)] in ([], [Rank.SUMMARY])
    (told,) = await tick(world, settings, minutes=10)
    assert told.rank is Rank.MESSAGE


# Packs


async def test_a_pack_sums_up_what_summaries_told_and_quotes_two() -> None:
    settings = WITH_PACK
    world = await office(*staff(6), settings=settings)
    await week_later(world, settings)  # Anna has answered: prompting #ai
    await post(world, settings, holder="this week")
    second = posts(world)[-1].id
    world.channels.reply(place(world), second, "<p>Jag ringde tre kunder i stället för att mejla dem</p>", "Bo Lind")
    world.channels.reply(place(world), second, "<p>Bra!</p>", "Cecilia Åberg")
    hours = sum(entry.hours.get("ai", 0) for entry in await ledger(world))
    assert hours
    world.clock.at = PACK_TIME - timedelta(hours=1)
    pack = next(one for one in await preview(settings, world.ports) if isinstance(one, Pack))
    assert [goal.hours for goal in pack.learned] == [hours]
    assert [one.author for one in pack.stories] == ["Bo Lind", "Anna Ek"]
    assert (pack.sharers, pack.ask) == (3, Ask.SHOW)
    assert pack.next_goal is not None
    assert pack.next_goal.title == "AI i vardagen"
    assert pack.pick is not None
    assert pack.question == "Vad gör du på ett nytt sätt?"
    world.clock.at = PACK_TIME
    world.journal.clear()
    (told,) = await post(world, settings)
    assert (told.period, told.state, told.rank) == (PACK, PostState.POSTED, Rank.PACK)
    words = says(posts(world)[-1])
    assert "Jag ringde tre kunder" in words
    assert not [call for call in world.journal.calls if call.port == "calendars"]
    # The next summary knows nothing of it: it quotes what was answered to the summary before.
    world.clock.at = FRIDAY + A_WEEK
    await post(world, settings)
    assert "Jag ringde tre kunder" in says(posts(world)[-1])


async def test_the_next_pack_tells_of_the_month_since() -> None:
    world, settings, _ = await due_pack()
    await post(world, settings)
    told_before = {entry.period for entry in await ledger(world)}
    for week in range(1, 5):
        world.clock.at = FRIDAY + week * A_WEEK
        await post(world, settings)
    world.clock.at = datetime(2027, 1, 4, 6, tzinfo=UTC)
    pack = next(one for one in await preview(settings, world.ports) if isinstance(one, Pack))
    since = sum(entry.hours.get("ai", 0) for entry in await ledger(world) if entry.period not in told_before)
    assert since
    assert [goal.hours for goal in pack.learned] == [since]
    assert pack.stories == ()


async def test_with_nothing_to_talk_about_there_is_no_pack() -> None:
    settings = wanted(channel(agenda_pack=FIRST_MONDAY), goals=())
    world = await office(settings=settings)
    world.clock.at = PACK_TIME
    told = {one.rank: one for one in await post(world, settings)}
    assert told[Rank.PACK].state is PostState.QUIET
    assert not [one for one in posts(world) if "avdelningsmötet" in one.post.subject]


async def test_whoever_asks_for_the_pack_gets_it_at_once_and_once() -> None:
    world, settings, _ = await due_pack()
    world.clock.at = PACK_TIME - timedelta(hours=2)
    (told,) = await post(world, settings, at_once=True, asked=Rank.PACK)
    assert (told.period, told.state) == (PACK, PostState.POSTED)
    world.clock.at = PACK_TIME
    assert await post(world, settings) == []


async def test_an_account_that_may_not_read_posts_a_pack_without_stories_and_says_so() -> None:
    world, settings, _ = await due_pack()
    world.channels.reads = False
    (told,) = await post(world, settings)
    assert told.state is PostState.POSTED
    assert "holdfast check" in told.note
    assert "provade" not in says(posts(world)[-1])


async def test_a_preview_shows_what_comes_in_its_order() -> None:
    settings = saying(message(), message(date(2026, 12, 14)), agenda_pack=FIRST_MONDAY)
    world = await office(settings=settings)
    found = await preview(settings, world.ports)
    assert [type(one) for one in found] == [Summary, Quotation, Pack, Quotation]
    assert posts(world) == []


# Two a week


async def test_after_two_messages_the_summary_is_left_out_and_the_next_one_comes() -> None:
    settings = saying(message(date(2026, 12, 2)), message(date(2026, 12, 3)))
    world = await office(settings=settings)
    world.clock.at = FIRST_FRIDAY
    await post(world, settings)
    for day in (2, 3):
        world.clock.at = stockholm(date(2026, 12, day), 9)
        await post(world, settings)
    world.clock.at = FRIDAY
    (told,) = await post(world, settings)
    assert (told.state, told.rank) == (PostState.LEFT_OUT, Rank.SUMMARY)
    assert not incomplete([told])
    assert await tick(world, settings, minutes=10) == []
    world.clock.at = FRIDAY + A_WEEK
    (told,) = await post(world, settings)
    assert told.state is PostState.POSTED


async def test_a_summary_waits_over_the_weekend_where_that_makes_room() -> None:
    settings = saying(message(date(2026, 11, 30)), message(date(2026, 12, 1)))
    world = await office(settings=settings)
    for day in (date(2026, 11, 30), date(2026, 12, 1)):
        world.clock.at = stockholm(day, 9)
        await post(world, settings)
    before = len(posts(world))
    world.clock.at = FRIDAY
    assert await post(world, settings) == []
    (told,) = await post(world, settings, at_once=True)
    assert told.state is PostState.WAITING
    world.clock.at = stockholm(date(2026, 12, 7), 8)
    (told,) = await post(world, settings)
    assert (told.period, told.state) == ("2026-12-04", PostState.POSTED)
    assert len(posts(world)) == before + 1


async def test_a_summary_makes_room_for_what_is_promised() -> None:
    settings = saying(message(date(2026, 12, 8)), agenda_pack=FIRST_MONDAY)
    world = await office(settings=settings)
    world.clock.at = FRIDAY
    (told,) = await post(world, settings)
    assert told.state is PostState.LEFT_OUT
    for at in (PACK_TIME, stockholm(date(2026, 12, 8), 9)):
        world.clock.at = at
        (told,) = await post(world, settings)
        assert told.state is PostState.POSTED


@pytest.mark.parametrize("workers", [1, 4])
async def test_all_due_at_once_it_is_the_message_and_the_pack(workers: int) -> None:
    pack = AgendaPack(day="first friday", at="14:00")
    settings = saying(message(FRIDAY.date(), at="14:00"), agenda_pack=pack)
    world = await office(settings=settings)
    world.clock.at = FRIDAY
    await asyncio.gather(*(post(world, settings, holder=f"worker {n}") for n in range(workers)))
    for _ in range(3):
        await tick(world, settings, minutes=10)
    kept = {name for name, state in (await states(world)).items() if state is PostState.POSTED}
    assert kept == {settings.messages[0].key, "agenda-2026-12-04"}
    assert len(posts(world)) == 2


async def test_a_summary_that_is_being_written_while_somebody_asks_for_the_pack_gives_way() -> None:
    settings = saying(message(date(2026, 12, 1)), agenda_pack=AgendaPack(day="third friday", at="14:00"))
    world = await office(*staff(5), settings=settings)
    for at in (FIRST_FRIDAY, stockholm(date(2026, 12, 1), 9)):
        world.clock.at = at
        await post(world, settings)
    before = len(posts(world))
    world.clock.at = FRIDAY
    stopped, goes_on = asyncio.Event(), asyncio.Event()
    view = world.calendars.view

    async def slow(*args: Any, **values: Any) -> Any:
        if not stopped.is_set():
            stopped.set()
            await goes_on.wait()
        return await view(*args, **values)

    world.calendars.view = slow  # type: ignore[method-assign]
    late = asyncio.create_task(post(world, settings, holder="slow"))
    await stopped.wait()
    (told,) = await post(world, settings, holder="a person", at_once=True, asked=Rank.PACK)
    assert told.state is PostState.POSTED
    goes_on.set()
    assert await late == []
    assert len(posts(world)) == before + 1
    assert (await states(world))["2026-12-04"] is PostState.REFUSED  # to be tried again, when there is room
    world.clock.at = stockholm(date(2026, 12, 8), 9)
    assert [one.state for one in await post(world, settings)] in ([PostState.LEFT_OUT], [PostState.POSTED])


@KILLED
async def test_killed_anywhere_with_all_due_at_once_there_are_never_three(*, after: bool) -> None:
    pack = AgendaPack(day="first friday", at="14:00")
    settings = saying(message(FRIDAY.date(), at="14:00"), agenda_pack=pack)
    before = await office(*staff(5), settings=settings)
    before.clock.at = FRIDAY
    calm = deepcopy(before)
    calm.journal.clear()
    await post(calm, settings)
    for at in range(len(calm.journal.calls)):
        world = deepcopy(before)
        await killed(world, post(world, settings), at=at, after=after)
        for _ in range(3):
            await tick(world, settings, minutes=10)
        assert len(posts(world)) == 2, at
        assert len({one.post.marker for one in posts(world)}) == 2


async def test_in_a_quarter_messages_come_on_time_packs_once_a_month_and_never_three_in_seven_days() -> None:
    said = [date(2026, 12, 2), date(2026, 12, 3), date(2026, 12, 14), date(2027, 1, 4), date(2027, 1, 25)]
    settings = saying(*(message(day) for day in said), agenda_pack=FIRST_MONDAY)
    world = await office(*staff(5), settings=settings)
    for count in range(75):
        day = date(2026, 11, 27) + timedelta(days=count)
        for hour in (8, 9, 14):
            world.clock.at = stockholm(day, hour)
            await post(world, settings)
        if count % 28 == 27:
            await swept(world, settings)
    made = [one for one in await ledger(world) if one.state is PostState.POSTED]
    days = sorted(one.at.astimezone(STOCKHOLM).date() for one in made)
    assert all((third - first).days >= 7 for first, third in zip(days, days[2:], strict=False))
    assert len(made) == len(posts(world)) == len({one.post.marker for one in posts(world)})
    messages = [one for one in made if one.period.startswith("message-")]
    assert [one.at for one in sorted(messages, key=lambda one: one.at)] == [stockholm(day, 9) for day in said]
    packs = {name: state for name, state in (await states(world)).items() if name.startswith("agenda-")}
    assert packs == {  # the first one came after two messages
        "agenda-2026-12-07": PostState.LEFT_OUT,
        "agenda-2027-01-04": PostState.POSTED,
        "agenda-2027-02-01": PostState.POSTED,
    }
    assert sum(one.period[0] == "2" for one in made) >= 6
    assert not any(one.hours for one in made if one.period[0] != "2")
