"""Posting summaries on ports in memory: killed, refused, late and twice, a channel has one post for a period."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from holdfast.core.errors import Denied, Gone, GraphError, NotSignedIn, Throttled, Unexpected, Unreachable
from holdfast.core.holidays import DaysOff
from holdfast.core.model import Meeting, Person, Response, Stretch
from holdfast.core.settings import (
    Audience,
    Channel,
    Day,
    Goal,
    Holidays,
    Language,
    Login,
    Mode,
    Organization,
    Post,
    Resource,
    Settings,
    Via,
)
from holdfast.core.summary import Figures, GoalLine, Kept, Place, Quiet, Summary
from holdfast.jobs.audience import AudienceError
from holdfast.jobs.ports import Entry, PostState
from holdfast.jobs.posting import LEASE, Told
from holdfast.jobs.summaries import incomplete, preview, summaries
from tests.jobs.fjallvik import (
    DEVELOPERS,
    EVERYBODY,
    applied,
    block,
    disabled,
    firm,
    fjallvik,
    joins,
    killed,
    leaves,
    person,
    staff,
    swept,
)
from tests.jobs.memory import Message, World

TICK, A_WEEK = timedelta(minutes=10), timedelta(weeks=1)
FIRST_FRIDAY = datetime(2026, 11, 27, 13, tzinfo=UTC)
"""When the first post is due: before the first lesson."""

FRIDAY = FIRST_FRIDAY + A_WEEK
PERIOD = "2026-12-04"
"""The first week with a lesson, when its post is due, and its name."""

STOCKHOLM = ZoneInfo("Europe/Stockholm")
LOST = Unreachable("No answer came.")
GOAL = Goal(
    id="ai",
    title={Language.SV: "AI i vardagen", Language.EN: "AI every day"},
    target_hours=100,
    questions={Language.SV: ("Vad gör du på ett nytt sätt?",)},
    resources=(Resource(title="Prompting", url="https://kurser.example/prompting", minutes=45),),
)
SAFETY = Goal(id="ai-2028", title="Säkerhet", resources=())


def channel(key: str = "utv", **more: Any) -> Channel:
    values = {
        "id": key,
        "team": "Fjällvik",
        "channel": key,
        "audiences": ("alla",),
        "post": Post(every="week", day="friday", at="14:00"),
    }
    return Channel(**{**values, **more})


def wanted(*channels: Channel, goals: tuple[Goal, ...] = (GOAL,), mode: Mode = Mode.KEEP, **more: Any) -> Settings:
    """A learning hour on Thursdays, and a post on Fridays at two in Stockholm that tells of it."""
    made = fjallvik(block(goals=tuple(goal.id for goal in goals)), mode=mode, goals=goals, **more)
    login = Login(client_id=UUID("5e6f7a8b-9c0d-4e1f-8a2b-3c4d5e6f7a8b"), account="larande@fjallvik.example")
    tenant = made.tenant.model_copy(update={"login": login})
    return made.model_copy(update={"channels": channels or (channel(),), "tenant": tenant})


SETTINGS = wanted()
QUIET = wanted(goals=())
"""Settings by which there is nothing to tell but figures."""

WORKFLOW = wanted(channel(via=Via.WORKFLOW))


async def office(
    *people: Person, at: datetime = FIRST_FRIDAY - timedelta(days=1), settings: Settings = SETTINGS
) -> World:
    """People who have their blocks since a Monday, and a channel for each that the settings know."""
    world = firm(*(people or staff(6)))
    for one in settings.channels:
        if one.via is Via.GRAPH:
            world.channels.add(one.team, one.channel)
    await applied(world, settings)
    world.clock.at = at
    world.journal.clear()
    return world


async def post(world: World, settings: Settings = SETTINGS, *, holder: str = "one", **how: Any) -> list[Told]:
    return await summaries(settings, world.ports, holder=holder, **how)


async def tick(world: World, settings: Settings = SETTINGS, **pass_time: float) -> list[Told]:
    """Time passes, and the timer comes."""
    world.clock.pass_time(**pass_time)
    return await post(world, settings, holder=f"at {world.clock.at}")


def place(world: World, key: str = "utv") -> Place:
    return world.channels.known["Fjällvik", key]


def posts(world: World, key: str = "utv") -> list[Message]:
    return world.channels.posts[place(world, key).channel]


def says(message: Message) -> str:
    return json.dumps(message.post.card, ensure_ascii=False)


async def ledger(world: World, key: str = "utv") -> list[Entry]:
    return list(await world.state.posts(key))


async def states(world: World, key: str = "utv") -> dict[str, PostState]:
    return {entry.period: entry.state for entry in await ledger(world, key)}


async def seen(world: World, settings: Settings = SETTINGS, key: str = "utv") -> Summary:
    """What the post would say that is due next."""
    (found,) = await preview(settings, world.ports, only=key)
    return found


async def week_later(world: World, settings: Settings = SETTINGS) -> None:
    """The first Friday's post is out and answered to, and the second Friday's is due."""
    world.clock.at = FIRST_FRIDAY
    (told,) = await post(world, settings, holder="last week")
    if told.url:
        world.channels.reply(place(world), posts(world)[-1].id, "<p>Jag provade prompting #ai</p>", "Anna Ek")
    world.clock.at = FRIDAY
    world.journal.clear()


# Killed anywhere


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
async def test_killed_at_any_call_and_run_again_there_is_exactly_one_post(*, after: bool) -> None:
    before = await office(*staff(5))
    await week_later(before)
    calm = deepcopy(before)
    await post(calm)
    calls = len(calm.journal.calls)
    card = posts(calm)[1].post.card
    assert {"begin_post", "post", "end_post", "replies"} <= set(calm.journal.names())

    for at in range(calls):
        world = deepcopy(before)
        assert await killed(world, post(world), at=at, after=after)
        died_at = world.journal.calls[-1]
        for minutes in (10, 10):  # the timer comes while the lease goes on, and after it
            await tick(world, minutes=minutes)
        assert len(posts(world)) == 2, died_at
        assert posts(world)[1].post.card == card, died_at
        (_, entry) = await ledger(world)
        assert (entry.state, entry.message_id) == (PostState.POSTED, posts(world)[1].id), died_at
        assert entry.hours == (await ledger(calm))[1].hours, died_at


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
async def test_killed_twice_at_any_call_there_is_exactly_one_post(*, after: bool) -> None:
    before = await office(*staff(5))
    await week_later(before)
    calm = deepcopy(before)
    await post(calm)
    names = calm.journal.names()
    first, last = names.index("begin_post"), len(names)
    for at in range(first, last):
        once = deepcopy(before)
        await killed(once, post(once), at=at, after=after)
        once.clock.pass_time(minutes=20)
        for again in range(first, last + 1):
            world = deepcopy(once)
            await killed(world, post(world, holder="other"), at=again, after=not after)
            await tick(world, minutes=20)
            assert len(posts(world)) == 2, (names[at], again)
            assert await states(world) == {"2026-11-27": PostState.POSTED, PERIOD: PostState.POSTED}


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
async def test_killed_at_any_call_by_workflow_there_is_at_most_one_post_and_where_it_is_unknown_it_says_so(
    *, after: bool
) -> None:
    before = await office(*staff(5), settings=WORKFLOW)
    await week_later(before, WORKFLOW)
    calm = deepcopy(before)
    await post(calm, WORKFLOW)
    names = calm.journal.names()
    begun = names.index("begin_post")
    for at in range(len(names)):
        world = deepcopy(before)
        await killed(world, post(world, WORKFLOW), at=at, after=after)
        for _ in range(2):
            await tick(world, WORKFLOW, minutes=10)
        count = len(world.workflow.posts) - 1
        sure = at < begun or (at == begun and not after) or (after and names[at] == "end_post")
        assert count <= 1, names[at]
        assert (count, (await states(world))[PERIOD]) == ((1, PostState.POSTED) if sure else (count, UNKNOWN)), names[
            at
        ]
        if not sure:
            (told,) = await post(world, WORKFLOW, holder="a person", again=True)
            assert told.state is PostState.POSTED
            assert len(world.workflow.posts) - 1 == count + 1
            assert await post(world, WORKFLOW, again=True) == []


UNKNOWN = PostState.UNCONFIRMED


# Answers that are lost, and refusals


async def test_a_time_out_after_the_post_was_made_is_one_post() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.fail("post", LOST, times=1, after=True)
    (told,) = await post(world)
    assert (told.state, told.url) == (PostState.POSTED, posts(world)[0].posted.url)
    assert len(posts(world)) == 1
    assert world.clock.slept >= 20


async def test_a_time_out_before_the_post_was_made_is_one_post_ten_minutes_later() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.fail("post", LOST, times=1)
    (told,) = await post(world)
    assert incomplete([told])
    assert posts(world) == []
    (told,) = await tick(world, minutes=10)
    assert told.state is PostState.POSTED
    assert len(posts(world)) == 1
    assert not await tick(world, minutes=10)


async def test_where_nothing_can_be_looked_at_after_a_time_out_whoever_comes_next_looks() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.fail("post", LOST, times=1, after=True)
    world.fail("look", LOST, times=2)
    for _ in range(4):
        await tick(world, minutes=10)
    assert len(posts(world)) == 1
    (entry,) = await ledger(world)
    assert (entry.state, entry.message_id) == (PostState.POSTED, posts(world)[0].id)


@pytest.mark.parametrize("name", ["members", "find", "replies", "look", "post", "view"])
@pytest.mark.parametrize(
    "error",
    [LOST, NotSignedIn("Lapsed."), Throttled("Slow down.", retry_after=30), Unexpected("?"), Gone("Not there.")],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_fails_and_wherever_there_is_one_post_once_it_works_again(name: str, error: GraphError) -> None:
    world = await office()
    await week_later(world)
    fault = world.fail(name, error)
    for _ in range(3):
        with suppress(*([GraphError, AudienceError] if name == "members" else [])):
            await tick(world, minutes=10)
    world.journal.faults.remove(fault)
    for _ in range(3):
        await tick(world, minutes=10)
    assert len(posts(world)) == 2
    assert set((await states(world)).values()) == {PostState.POSTED}


async def test_a_sign_in_that_lapsed_is_told_with_its_cure_and_the_post_comes_after_the_next() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.channels.signed_in = False
    (told,) = await post(world)
    assert told.problem is not None
    assert "holdfast login" in told.problem.cure
    assert incomplete([told])
    world.channels.signed_in = True
    (told,) = await tick(world, minutes=50)
    assert told.state is PostState.POSTED
    assert len(posts(world)) == 1


async def test_a_sign_in_that_lapses_between_the_look_and_the_post_is_no_second_one() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.fail("post", NotSignedIn("Lapsed.", cure="Run `holdfast login`."), times=1)
    (told,) = await post(world)
    assert told.problem is not None
    (told,) = await tick(world, minutes=10)
    assert told.state is PostState.POSTED
    assert len(posts(world)) == 1


async def test_whoever_signs_in_only_on_monday_gets_the_post_in_office_hours() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.channels.signed_in = False
    await post(world)
    world.channels.signed_in = True
    world.clock.at = FIRST_FRIDAY + timedelta(hours=8)
    for hours in (12, 24, 20, 1):
        assert await tick(world, hours=hours) == []
    world.clock.at = datetime(2026, 11, 30, 7, 30, tzinfo=STOCKHOLM).astimezone(UTC)
    for _ in range(6):
        await tick(world, minutes=10)
    (entry,) = await ledger(world)
    assert entry.at.astimezone(STOCKHOLM) == datetime(2026, 11, 30, 8, tzinfo=STOCKHOLM)
    assert len(posts(world)) == 1


# Without the right to read


async def test_an_account_that_may_not_read_posts_without_quotes_and_says_so() -> None:
    world = await office()
    await week_later(world)
    world.channels.reads = False
    (told,) = await post(world)
    assert told.state is PostState.POSTED
    assert "holdfast check" in told.note
    assert "provade" not in says(posts(world)[1])


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
async def test_killed_at_any_call_an_account_that_may_not_read_never_posts_twice(*, after: bool) -> None:
    before = await office(*staff(5), at=FIRST_FRIDAY)
    before.channels.reads = False
    calm = deepcopy(before)
    await post(calm)
    names = calm.journal.names()
    for at in range(len(names)):
        world = deepcopy(before)
        await killed(world, post(world), at=at, after=after)
        for _ in range(2):
            await tick(world, minutes=10)
        begun = at > names.index("begin_post") or (after and names[at] == "begin_post")
        done = after and names[at] == "end_post"
        count, (state,) = len(posts(world)), (await states(world)).values()
        assert count <= 1, names[at]
        assert (count, state) == ((1, PostState.POSTED) if done or not begun else (count, UNKNOWN)), names[at]
        if state is UNKNOWN:
            world.clock.pass_time(minutes=1)
            (told,) = await post(world, holder="a person", again=True)
            assert told.state is PostState.POSTED


async def test_what_failed_before_anything_was_posted_is_posted_once_though_nothing_can_be_read() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.channels.reads = world.channels.signed_in = False
    await post(world)
    world.channels.signed_in = True
    (told,) = await tick(world, minutes=10)
    assert told.state is PostState.POSTED
    assert len(posts(world)) == 1


async def test_a_lost_answer_that_cannot_be_looked_for_is_unconfirmed_and_not_posted_again() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.channels.reads = False
    world.fail("post", LOST, times=1, after=True)
    (told,) = await post(world)
    assert told.state is PostState.UNCONFIRMED
    assert incomplete([told])
    for _ in range(3):
        assert await tick(world, minutes=10) == []
    assert len(posts(world)) == 1


# Two at once


@pytest.mark.parametrize("settings", [SETTINGS, WORKFLOW], ids=["graph", "workflow"])
async def test_of_many_workers_at_once_one_posts(settings: Settings) -> None:
    world = await office(at=FIRST_FRIDAY, settings=settings)
    told = await asyncio.gather(*(post(world, settings, holder=f"worker {n}") for n in range(5)))
    assert [one.state for ones in told for one in ones] == [PostState.POSTED]
    assert sum(map(len, world.channels.posts.values())) + len(world.workflow.posts) == 1


async def test_two_who_ask_again_for_the_same_post_make_one() -> None:
    world = await office(at=FIRST_FRIDAY, settings=WORKFLOW)
    world.fail("post", LOST, times=1)
    (told,) = await post(world, WORKFLOW)
    assert told.state is PostState.UNCONFIRMED
    world.clock.pass_time(minutes=1)
    found = await asyncio.gather(*(post(world, WORKFLOW, holder=f"person {n}", again=True) for n in range(3)))
    assert [one.state for ones in found for one in ones] == [PostState.POSTED]
    assert len(world.workflow.posts) == 1


async def test_a_worker_that_gathers_for_longer_than_a_lease_is_no_second_post() -> None:
    """The slow one stands still while it reads calendars; another one comes and is faster."""
    world = await office(at=FRIDAY)
    stopped, goes_on = asyncio.Event(), asyncio.Event()
    view = world.calendars.view

    async def slow(*args: Any, **values: Any) -> Any:
        if not stopped.is_set():
            stopped.set()
            await goes_on.wait()
        return await view(*args, **values)

    world.calendars.view = slow  # type: ignore[method-assign]
    late = asyncio.create_task(post(world, holder="slow"))
    await stopped.wait()
    world.clock.at += 2 * LEASE
    (told,) = await post(world, holder="fast")
    assert told.state is PostState.POSTED
    goes_on.set()
    assert await late == []
    assert len(posts(world)) == 1


# By workflow


async def test_by_workflow_a_lost_answer_is_unconfirmed_until_a_person_asks_again() -> None:
    world = await office(at=FIRST_FRIDAY, settings=WORKFLOW)
    world.fail("post", LOST, times=1, after=True)
    (told,) = await post(world, WORKFLOW)
    assert told.state is PostState.UNCONFIRMED
    for _ in range(3):
        assert await tick(world, WORKFLOW, minutes=10) == []
    assert await post(world, WORKFLOW, at_once=False) == []
    assert len(world.workflow.posts) == 1
    (told,) = await post(world, WORKFLOW, again=True)
    assert told.state is PostState.POSTED
    assert len(world.workflow.posts) == 2
    assert await post(world, WORKFLOW, again=True) == []


async def test_by_workflow_what_was_refused_is_tried_again_by_itself() -> None:
    world = await office(at=FIRST_FRIDAY, settings=WORKFLOW)
    world.workflow.problems["utv"] = Denied("The workflow is switched off.", cure="Switch it on.")
    (told,) = await post(world, WORKFLOW)
    assert told.problem is not None
    assert told.problem.cure == "Switch it on."
    world.workflow.problems.clear()
    (told,) = await tick(world, WORKFLOW, minutes=10)
    assert told.state is PostState.POSTED
    assert len(world.workflow.posts) == 1


async def test_asked_again_and_refused_it_stays_unconfirmed() -> None:
    world = await office(at=FIRST_FRIDAY, settings=WORKFLOW)
    world.fail("post", LOST, times=1, after=True)
    await post(world, WORKFLOW)
    world.workflow.problems["utv"] = Gone("No such workflow.")
    (told,) = await tick_again(world)
    assert told.problem is not None
    world.workflow.problems.clear()
    for _ in range(3):
        await tick(world, WORKFLOW, minutes=10)
    assert len(world.workflow.posts) == 1
    assert await states(world) == {"2026-11-27": PostState.UNCONFIRMED}


async def tick_again(world: World) -> list[Told]:
    world.clock.pass_time(minutes=1)
    return await post(world, WORKFLOW, again=True)


async def test_nobody_is_asked_for_replies_by_workflow() -> None:
    world = await office(settings=WORKFLOW)
    await week_later(world, WORKFLOW)
    await post(world, WORKFLOW)
    assert not [call for call in world.journal.calls if call.port == "channels"]


# When


async def test_in_mode_watch_nothing_is_posted_unless_a_person_asks() -> None:
    watching = wanted(mode=Mode.WATCH)
    world = await office(at=FIRST_FRIDAY, settings=watching)
    assert await post(world, watching) == []
    (told,) = await post(world, watching, at_once=True)
    assert told.state is PostState.POSTED
    assert len(posts(world)) == 1


@pytest.mark.parametrize("approved", [True, False], ids=["before the edit was applied", "after it"])
async def test_an_edit_to_watch_is_obeyed_at_once_and_one_to_keep_once_it_is_applied(*, approved: bool) -> None:
    world = await office(at=FIRST_FRIDAY, settings=SETTINGS if approved else wanted(mode=Mode.WATCH))
    assert await post(world, wanted(mode=Mode.WATCH) if approved else SETTINGS) == []
    assert posts(world) == []


async def test_without_an_approval_nothing_is_posted_even_at_once() -> None:
    world = await office(at=FIRST_FRIDAY)
    await world.state.withdraw()
    assert await post(world) == await post(world, at_once=True) == []
    assert posts(world) == []


async def test_posts_are_those_of_the_approved_settings() -> None:
    world = await office(at=FIRST_FRIDAY)
    edited = wanted(channel("other"), channel("utv", language=Language.EN))
    (told,) = await post(world, edited)
    assert told.channel == "utv"
    assert "AI i vardagen" in says(posts(world)[0])


async def test_nothing_is_posted_for_what_was_due_before_the_approval() -> None:
    world = firm(*staff(6), at=FIRST_FRIDAY + timedelta(minutes=5))
    world.channels.add("Fjällvik", "utv")
    await applied(world, SETTINGS)
    for _ in range(3):
        assert await tick(world, minutes=10) == []
    world.clock.at = FRIDAY
    assert [one.period for one in await post(world)] == [PERIOD]


async def test_what_is_due_by_other_days_than_before_is_not_posted_for_the_past() -> None:
    world = await office()
    await week_later(world)
    await post(world)
    world.clock.at = FRIDAY + timedelta(days=5)
    mondays = wanted(channel(post=Post(every="week", day="monday", at="09:00")))
    await applied(world, mondays)
    for _ in range(3):
        assert await tick(world, mondays, minutes=10) == []
    world.clock.at = datetime(2026, 12, 14, 8, tzinfo=UTC)
    assert [one.period for one in await post(world, mondays)] == ["2026-12-14"]


async def test_an_edit_that_is_applied_just_after_a_post_was_due_does_not_swallow_it() -> None:
    world = await office()
    await week_later(world)
    world.clock.pass_time(minutes=5)
    edited = wanted(privacy=SETTINGS.privacy.model_copy(update={"keep_days": 100}))
    await applied(world, edited)
    (told,) = await tick(world, edited, minutes=5)
    assert (told.period, told.state) == (PERIOD, PostState.POSTED)


async def test_a_post_that_was_begun_is_ended_though_an_edit_was_applied_meanwhile() -> None:
    world = await office(at=FIRST_FRIDAY)
    world.fail("post", LOST, times=1, after=True)
    world.fail("look", LOST, times=1)
    await post(world)
    world.clock.pass_time(minutes=5)
    edited = wanted(privacy=SETTINGS.privacy.model_copy(update={"keep_days": 100}))
    await applied(world, edited)
    (told,) = await tick(world, edited, minutes=5)
    assert told.state is PostState.POSTED
    assert len(posts(world)) == 1


async def test_posted_at_once_and_when_it_is_due_there_is_one_post() -> None:
    world = await office()
    (told,) = await post(world, at_once=True)
    assert (told.period, told.state) == ("2026-11-27", PostState.POSTED)
    assert await post(world, at_once=True) == []
    world.clock.at = FIRST_FRIDAY
    for _ in range(3):
        assert await tick(world, minutes=10) == []
    assert len(posts(world)) == 1


async def test_what_came_after_a_post_that_was_asked_for_early_is_told_in_the_next_one() -> None:
    world = await office(*staff(30), at=FIRST_FRIDAY)
    await post(world)
    world.clock.at = datetime(2026, 12, 2, 12, tzinfo=UTC)  # before the lesson of the week
    assert (await seen(world)).quiet is Quiet.NONE
    await post(world, at_once=True)
    world.clock.at = FRIDAY + A_WEEK
    await post(world)
    (*_, entry) = await ledger(world)
    assert entry.hours == {"ai": 55}  # of sixty hours, of which over nine tenths were kept
    assert Figures(60, Kept(100)) == (await preview_of(world, FRIDAY + A_WEEK - TICK)).figures


async def preview_of(world: World, at: datetime) -> Summary:
    """What would have been told at an earlier time, but for the ledger of that time's period and later ones."""
    then = deepcopy(world)
    then.clock.at = at
    then.state._posts = {key: one for key, one in then.state._posts.items() if one.at < at}
    return await seen(then)


async def test_an_empty_summary_is_quiet_and_stays_so() -> None:
    world = await office(person("anna"), at=FRIDAY, settings=QUIET)
    (told,) = await post(world, QUIET)
    assert told.state is PostState.QUIET
    assert not incomplete([told])
    assert await tick(world, QUIET, minutes=10) == []
    assert posts(world) == []


async def test_with_nothing_to_tell_yet_asking_at_once_leaves_the_post_that_is_due() -> None:
    world = await office(*staff(6), at=FIRST_FRIDAY + timedelta(days=1), settings=QUIET)
    (told,) = await post(world, QUIET, at_once=True)
    assert told.state is PostState.QUIET
    world.clock.at = FRIDAY
    (told,) = await post(world, QUIET)
    assert told.state is PostState.POSTED


async def test_only_the_channel_that_is_asked_for_is_posted_to() -> None:
    settings = wanted(channel("utv"), channel("salj"))
    world = await office(at=FIRST_FRIDAY, settings=settings)
    (told,) = await post(world, settings, only="salj")
    assert (told.channel, len(posts(world, "utv")), len(posts(world, "salj"))) == ("salj", 0, 1)


async def test_one_bad_channel_never_stops_the_others() -> None:
    settings = wanted(channel("gone"), channel("flow", via=Via.WORKFLOW), channel("utv"), channel("denied"))
    world = await office(at=FIRST_FRIDAY, settings=settings)
    del world.channels.known["Fjällvik", "gone"]
    world.workflow.problems["flow"] = Unexpected("HOLDFAST_WORKFLOW_FLOW is not set.")
    world.fail("post", Denied("Not a member."), nth=3)
    told = {one.channel: one for one in await post(world, settings)}
    assert {name: one.state for name, one in told.items()} == {
        "gone": None,
        "flow": None,
        "utv": PostState.POSTED,
        "denied": None,
    }
    assert all(told[name].problem for name in ("gone", "flow", "denied"))


async def test_looking_posts_nothing_and_writes_nothing_down() -> None:
    world = await office(at=FRIDAY - timedelta(days=1))
    await seen(world)
    assert {call.name for call in world.journal.calls}.isdisjoint({"post", "begin_post", "end_post"})
    assert await ledger(world) == []


# What people shared


async def test_replies_are_quoted_with_their_author_by_goal_and_without_what_was_deleted() -> None:
    settings = wanted(goals=(GOAL, SAFETY))
    world = await office(settings=settings)
    world.clock.at = FIRST_FRIDAY
    await post(world, settings)
    said = [
        ("Anna", "<p>Jag provade något #ai</p>", "AI i vardagen"),
        ("Bo", "<p>Lösenord: #AI-2028!</p>", "Säkerhet"),
        ("Cilla", "<p>Mer om säkerhet, tack</p>", "Säkerhet"),
        ("Disa", "<p>Jag har mailat alla</p>", None),
        ("Egon", "<p>ai i Vardagen är kul</p>", "AI i vardagen"),
        ("Frida", "<p>#ai2 och x#ai</p>", None),
        ("Greta", "<p>ångrar mig</p>", None),
    ]
    made = [world.channels.reply(place(world), posts(world)[0].id, html, author) for author, html, _ in said]
    world.channels.reply(place(world), posts(world)[0].id, "<p>Från en robot</p>", None)
    posts(world)[0].replies.remove(made[-1])
    world.clock.at = FRIDAY - timedelta(hours=1)
    shared = (await seen(world, settings)).shared
    assert [(one.author, one.goal) for one in shared] == [(author, goal) for author, _, goal in said[:-1]]
    assert [one.url for one in shared] == [one.url for one in made[:-1]]
    world.clock.at = FRIDAY
    await post(world, settings)
    assert "provade" in says(posts(world)[1])
    assert "ångrar" not in says(posts(world)[1])
    assert "robot" not in says(posts(world)[1])


async def test_a_post_that_somebody_deleted_has_no_replies_and_the_next_one_comes() -> None:
    world = await office()
    await week_later(world)
    posts(world).clear()
    (told,) = await post(world)
    assert (told.state, told.note) == (PostState.POSTED, "")


async def test_posts_by_a_workflow_have_no_replies_to_read_once_an_account_posts() -> None:
    world = await office(at=FIRST_FRIDAY, settings=WORKFLOW)
    await post(world, WORKFLOW)
    world.channels.add("Fjällvik", "utv")
    await applied(world, SETTINGS)
    world.clock.at = FRIDAY
    (told,) = await post(world)
    assert told.state is PostState.POSTED
    assert world.journal.of("replies") == []


async def test_where_nobody_is_asked_nobody_is_quoted() -> None:
    silent = wanted(channel(share_prompt=False))
    world = await office(settings=silent)
    await week_later(world, silent)
    found = await seen(world, silent)
    assert (found.shared, found.asks, found.question) == ((), False, None)


async def test_what_comes_next_is_told_from_the_day_of_the_post_and_never_for_a_day_off() -> None:
    organization = Organization(
        name="Fjällvik AB",
        language=Language.SV,
        time_zone="Europe/Stockholm",
        holidays=Holidays(country="SE", closed=((date(2026, 12, 17), date(2026, 12, 17)),)),
    )
    settings = wanted(organization=organization)
    world = await office(at=FRIDAY - timedelta(hours=1), settings=settings)
    found = await seen(world, settings)
    assert [(one.day, one.title, one.goal) for one in found.picks] == [
        (date(2026, 12, 10), "Prompting", "AI i vardagen")
    ]
    assert found.question == "Vad gör du på ett nytt sätt?"
    world.clock.at = FRIDAY + A_WEEK - timedelta(hours=1)
    assert (await seen(world, settings)).picks == ()


# Figures


@pytest.mark.parametrize(("people", "is_told"), [(3, False), (4, False), (5, True), (6, True)])
async def test_a_team_of_three_has_no_figure_and_one_of_six_has(people: int, *, is_told: bool) -> None:
    world = await office(*staff(people), at=FRIDAY - timedelta(hours=1))
    found = await seen(world)
    assert (found.figures, found.quiet) == ((Figures(5, Kept(90)), None) if is_told else (None, Quiet.FEW))
    if not is_told:
        assert not world.journal.of("read", "view")


async def test_of_too_few_nothing_is_in_the_post_either() -> None:
    world = await office(*staff(3), at=FRIDAY)
    await post(world)
    (entry,) = await ledger(world)
    assert entry.hours == {}
    assert not any(word in says(posts(world)[0]) for word in ("timmar", "%", "h av"))


@pytest.mark.parametrize(("kept", "share"), [(0, 0), (15, 50), (27, 90), (30, 100)])
async def test_the_share_is_that_of_the_dates_that_were_kept(kept: int, share: int) -> None:
    people = staff(30)
    world = await office(*people, at=FRIDAY - timedelta(hours=1))
    for one in people[kept:]:
        take_away(world, one)
    found = await seen(world)
    assert found.figures == Figures(30, Kept(share))


def take_away(world: World, one: Person, day: date = date(2026, 12, 3)) -> None:
    box = world.box(one)
    (series,) = box.series
    (occurrence,) = (date for date in series.occurrences() if date.starts.date() == day)
    world.calendars.take_away(box, occurrence.event_id)


async def test_everybody_and_nobody_are_not_told_of_six() -> None:
    people = staff(6)
    world = await office(*people, at=FRIDAY - timedelta(hours=1))
    told = []
    for one in (None, *people):
        if one:
            take_away(world, one)
        told.append((await seen(world)).figures)
    assert told[0] == told[1] == Figures(5, Kept(90))
    assert told[-1] == told[-2] == Figures(5, Kept(10))


async def test_meetings_and_absences_are_those_of_the_calendar() -> None:
    people = staff(30)
    world = await office(*people, at=FRIDAY - timedelta(hours=1))
    begins = datetime(2026, 12, 3, 8, tzinfo=UTC)
    hour = Stretch(begins, begins + timedelta(hours=1))
    for one in people[:15]:
        world.box(one).meetings["m"] = Meeting("m", None, hour, "chef@fjallvik.example", Response.ACCEPTED)
    for one in people[15:20]:
        world.box(one).away = [hour]
    assert (await seen(world)).figures == Figures(25, Kept(40))


async def test_a_figure_is_of_those_who_were_there_all_the_week() -> None:
    people = staff(6)
    world = await office(*people, at=FIRST_FRIDAY)
    await post(world)
    world.clock.pass_time(hours=1)
    newcomer = person("ny")
    joins(world, newcomer)
    await swept(world, SETTINGS)
    assert world.box(newcomer).series
    world.clock.at = FRIDAY - timedelta(hours=1)
    before = len(world.journal.calls)
    assert (await seen(world)).figures == Figures(5, Kept(90))
    assert newcomer.id not in {call.about for call in world.journal.calls[before:] if call.name in {"read", "view"}}


@pytest.mark.parametrize("gone", [leaves, disabled], ids=["left", "disabled"])
async def test_a_week_with_one_leaver_is_of_those_who_stayed(gone: Any) -> None:
    """Six and then five: what is told of the week is of the five, and the six were told of another week."""
    people = staff(6)
    world = await office(*people, at=FRIDAY)
    await post(world)
    first = (await ledger(world))[-1]
    world.clock.at = FRIDAY + timedelta(days=6, hours=2)  # after the lesson
    gone(world, people[0])
    world.clock.at = FRIDAY + A_WEEK - timedelta(hours=1)
    before = len(world.journal.calls)
    assert (await seen(world)).figures == Figures(5, Kept(90))
    assert people[0].id not in {call.about for call in world.journal.calls[before:] if call.name in {"read", "view"}}
    gone(world, people[1])
    found = await seen(world)
    assert (found.figures, found.quiet) == (None, Quiet.FEW)
    assert found.goals[0].hours == first.hours["ai"] == 5


async def test_somebody_who_comes_to_the_audience_of_another_channel_is_new_there() -> None:
    settings = two_audiences()
    people = staff(12)
    world = await two_teams(people, settings, developers=people[:6])
    world.clock.at = FIRST_FRIDAY + timedelta(days=1)
    world.directory.inside[DEVELOPERS.id].append(people[11])
    await swept(world, settings)
    world.clock.at = FRIDAY - timedelta(hours=1)
    before = len(world.journal.calls)
    (found,) = await preview(settings, world.ports, only="utv")
    assert found.figures is not None
    assert people[11].id not in {call.about for call in world.journal.calls[before:] if call.name == "view"}


def two_audiences() -> Settings:
    """A block for everybody and one for the developers, and a channel for each."""
    learning = block(goals=("ai",))
    own = block("fordjupning", title="Fördjupning", audiences=("utveckling",), day=Day.TUESDAY, goals=("ai",))
    made = wanted(
        channel("alla", audiences=("alla",)),
        channel("utv", audiences=("utveckling",)),
        audiences={"alla": Audience(group=EVERYBODY.name), "utveckling": Audience(group=DEVELOPERS.name)},
    )
    return made.model_copy(update={"blocks": (learning, own)})


async def two_teams(people: Sequence[Person], settings: Settings, *, developers: Sequence[Person]) -> World:
    world = firm(*people)
    world.directory.add(DEVELOPERS, *developers)
    for one in settings.channels:
        world.channels.add(one.team, one.channel)
    await applied(world, settings)
    world.clock.at = FRIDAY - timedelta(hours=1)
    return world


@pytest.mark.parametrize(("fewer", "is_told"), [(0, True), (1, False), (4, False), (5, True)])
async def test_of_two_audiences_that_differ_by_few_only_the_larger_has_figures(fewer: int, *, is_told: bool) -> None:
    settings, people = two_audiences(), staff(12)
    world = await two_teams(people, settings, developers=people[fewer:])
    larger, smaller = await preview(settings, world.ports)
    assert larger.figures is not None
    assert (smaller.figures is not None) == is_told
    assert smaller.quiet is (None if is_told else Quiet.ALIKE)
    if not is_told:
        assert all(line.hours is None for line in smaller.goals)


async def test_where_one_calendar_cannot_be_read_the_others_are_told_of() -> None:
    people = staff(7)
    world = await office(*people, at=FRIDAY - timedelta(hours=1))
    world.fail("view", Throttled("Slow down.", retry_after=1), people[0])
    assert (await seen(world)).figures == Figures(5, Kept(90))
    for one in people[:3]:
        world.fail("view", LOST, one)
    with pytest.raises(GraphError):  # that many unread would be told of as if they were not there
        await seen(world)


async def test_where_no_calendar_can_be_read_nothing_is_posted_until_they_can() -> None:
    world = await office(at=FRIDAY)
    fault = world.fail("view", LOST)
    (told,) = await post(world)
    assert told.problem is not None
    assert posts(world) == []
    world.journal.faults.remove(fault)
    (told,) = await tick(world, minutes=10)
    assert told.state is PostState.POSTED


async def test_a_week_in_which_nobody_had_learning_time_says_so() -> None:
    people = staff(6)
    world = await office(*people, at=FRIDAY - timedelta(hours=1))
    for one in people:
        world.box(one).away = [(FIRST_FRIDAY, FRIDAY)]
    assert (await seen(world)).quiet is Quiet.NONE
    world.box(people[0]).away = []
    assert (await seen(world)).quiet is Quiet.FEW


async def test_the_hours_of_a_goal_are_the_sum_of_what_was_published() -> None:
    world = await office(*staff(30), at=FIRST_FRIDAY)
    told: list[GoalLine] = []
    for _ in range(4):
        if world.clock.at == FRIDAY + A_WEEK:  # a week that nobody could post in
            world.channels.signed_in = False
        await post(world)
        world.channels.signed_in = True
        told.append((await seen(world)).goals[0])
        world.clock.at += A_WEEK
    hours = [entry.hours.get("ai") for entry in await ledger(world)]
    assert hours == [None, 30, 30]
    assert [(one.hours, one.target) for one in told] == [(None, None), (30, 30), (30, 30), (60, 60)]


async def test_the_hours_of_a_post_that_was_tried_before_count_once() -> None:
    world = await office(*staff(30), at=FRIDAY)
    world.fail("post", LOST, times=3)
    for _ in range(4):
        await tick(world, minutes=10)
    (entry,) = await ledger(world)
    assert entry.hours == {"ai": 30}
    assert "30 timmar" in says(posts(world)[0])
    assert "60 timmar" not in says(posts(world)[0])


async def test_asked_again_the_hours_of_a_post_count_once() -> None:
    world = await office(*staff(30), at=FRIDAY, settings=WORKFLOW)
    world.fail("post", LOST, times=1, after=True)
    await post(world, WORKFLOW)
    world.clock.pass_time(minutes=1)
    await post(world, WORKFLOW, again=True)
    one, other = (json.dumps(made.card) for _, made in world.workflow.posts)
    assert one == other


# A year


async def test_in_a_year_every_post_that_is_due_comes_once_and_nobody_gets_more_than_two_a_week() -> None:
    organization = Organization(
        name="Fjällvik AB",
        language=Language.SV,
        time_zone="Europe/Stockholm",
        holidays=Holidays(country="SE", closed=((date(2026, 12, 28), date(2027, 1, 1)),)),
    )
    settings = two_audiences().model_copy(update={"organization": organization})
    people = staff(6)
    world = await two_teams(people, settings, developers=people)
    world.clock.at = FIRST_FRIDAY - timedelta(days=3)
    for day in range(366):
        midnight = datetime.combine(world.clock.at.date(), time(), STOCKHOLM)
        if midnight.weekday() in {2, 3, 4}:
            for minutes in (0, 10):
                world.clock.at = (midnight.replace(hour=14)).astimezone(UTC) + timedelta(minutes=minutes)
                await post(world, settings)
        if day % 28 == 27:
            await swept(world, settings)
        world.clock.at = midnight.replace(hour=12).astimezone(UTC) + timedelta(days=1)
    off = DaysOff("SE", None, organization.holidays.closed if organization.holidays else ())
    weeks: Counter[tuple[int, int]] = Counter()
    for name, quiet in (("alla", ["2026-12-25"]), ("utv", [])):
        entries = await ledger(world, name)
        made = [one for one in entries if one.state is PostState.POSTED]
        # On the day before Christmas Eve only the developers had had a lesson, and the week after is off.
        assert [one.period for one in entries if one not in made] == quiet
        assert len(entries) == 51
        assert len(made) == len(posts(world, name))
        assert {one.at.astimezone(STOCKHOLM).time() for one in made} == {time(14)}
        assert not [one for one in made if off.off(one.at.astimezone(STOCKHOLM).date())]
        weeks.update(one.at.isocalendar()[:2] for one in made)
        hours = list(itertools.accumulate(one.hours["ai"] for one in made if one.hours))
        assert f"{hours[-1]} timmar" in says(posts(world, name)[-1])
    assert max(weeks.values()) == 2


async def test_a_reply_is_quoted_once() -> None:
    world = await office()
    await week_later(world)
    await post(world)
    world.clock.at = FRIDAY + A_WEEK
    await post(world)
    assert ["provade" in says(one) for one in posts(world)] == [False, True, False]


async def test_a_post_that_was_refused_is_tried_again_by_an_account_that_may_not_read() -> None:
    world = await office(at=FRIDAY)
    world.channels.reads = False
    world.fail("post", Throttled("Slow down.", retry_after=1), times=1)
    (told,) = await post(world)
    assert told.problem is not None
    (told,) = await tick(world, minutes=10)
    assert told.state is PostState.POSTED
    assert len(posts(world)) == 1
