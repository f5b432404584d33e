"""Meetings that people get on top of their blocks: which stand, whose organisers are asked, which are declined."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from holdfast.core.errors import Denied, Gone, GraphError, NoMailbox, Throttled, Unreachable
from holdfast.core.model import Group, Meeting, Overlap, Person, Response, Stretch, View, Weekday, WorkingHours
from holdfast.core.report import Report
from holdfast.core.settings import Audience, Block, Credential, Day, Language, Mode, Organization, Settings, Tenant
from holdfast.core.settings.holidays import Holidays
from holdfast.core.touches import DateKey, Touches
from holdfast.jobs import overlaps
from holdfast.jobs.repair import repair
from holdfast.jobs.status import status
from holdfast.jobs.survey import survey
from tests.jobs.fjallvik import (
    ANNA,
    BO,
    CILLA,
    EVERYBODY,
    applied,
    block,
    firm,
    fjallvik,
    killed,
    look,
    moves_in,
    person,
    staff,
    swept,
)
from tests.jobs.memory import MemoryCalendars, World

STOCKHOLM = ZoneInfo("Europe/Stockholm")
FIRST, SECOND, THIRD = (date(2026, 12, 3) + timedelta(weeks=week) for week in range(3))
HOUR = timedelta(hours=1)
OFFICE = WorkingHours(frozenset(map(Weekday, range(5))), time(8), time(17), "Europe/Stockholm")
ORGANIZER = "larande@fjallvik.example"
BOSS = CILLA
DECLINING = Group("g-nej", "Tackar nej")

TENANT = Tenant(
    tenant_id=UUID("3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"),
    client_id=UUID("8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d"),
    credential=Credential.SECRET,
    organizer=ORGANIZER,
)
NOTIFYING = block(overlap=Overlap.NOTIFY, always_allow=("VD@fjallvik.example",))
_DECLINED_FOR = {
    "overlap": Overlap.DECLINE,
    "decline_for": DECLINING.name,
    "always_allow": ("VD@fjallvik.example",),
}
DECLINES = block(**_DECLINED_FOR)
LEFT, ASKED, TO_ASK, DECLINED, TO_DECLINE = (
    f"meeting on top, {what}"
    for what in ("left", "the organiser was asked", "the organiser is to be asked", "declined", "to be declined")
)


def settings_of(*blocks: Block, mode: Mode = Mode.KEEP, language: Language = Language.SV, **more: object) -> Settings:
    swedish = Organization(
        name="Fjällvik AB", language=language, time_zone="Europe/Stockholm", holidays=Holidays(country="SE")
    )
    return fjallvik(*blocks, mode=mode, **{"tenant": TENANT, "organization": swedish, **more})


NOTIFY, DECLINE = settings_of(NOTIFYING), settings_of(DECLINES)
BOTH = settings_of(NOTIFYING, block("fordjupning", day=Day.TUESDAY, at=time(14), **_DECLINED_FOR))


async def given(settings: Settings, *people: Person, decline: Iterable[Person] = (ANNA,)) -> World:
    """People who have had their blocks since before the last sweep, and a firm that is at work: Monday at one."""
    world = firm(*(people or (ANNA, BO, CILLA)))
    world.directory.add(DECLINING, *decline)
    for box in world.calendars.mailboxes.values():
        box.hours = OFFICE
    await applied(world, settings)
    await swept(world, settings)
    world.journal.clear()
    return world


def on(day: date, hours: float = 0, length: float = 1) -> Stretch:
    starts = datetime.combine(day, time(9), STOCKHOLM).astimezone(UTC) + timedelta(hours=hours)
    return Stretch(starts, starts + timedelta(hours=length))


def books(world: World, guest: Person, day: date = FIRST, *, hours: float = 0, **values: object) -> str:
    """Somebody gets a meeting in their calendar, of their boss unless it is said whose; its id."""
    box = world.box(guest)
    meeting = Meeting(f"{guest.id} {len(box.meetings)} {day}", None, on(day, hours), BOSS.address, Response.UNANSWERED)
    meeting = replace(meeting, **values)  # type: ignore[arg-type]
    box.meetings[meeting.event_id] = meeting
    return meeting.event_id


async def looked_and_answered(world: World, settings: Settings) -> None:
    """What a sweep does about meetings."""
    await overlaps.answer(await look(world, settings), settings, world.ports)


def told(report: Report) -> dict[str, int]:
    return {met: count for met, count in report.protected.items() if "meeting" in met}


def recipients(world: World) -> list[str]:
    return [to for _, to, _, _ in world.mail.sent]


def goes_on(world: World, *when: int) -> None:
    """It is another day and hour, by the clock in Stockholm."""
    world.clock.at = datetime(*when, tzinfo=STOCKHOLM).astimezone(UTC)  # type: ignore[misc, arg-type]


# What stands

STANDS = {
    "an accepted meeting": {"response": Response.ACCEPTED},
    "a tentatively accepted meeting": {"response": Response.TENTATIVE},
    "an external organiser's": {"organizer": "kund@partner.example"},
    "an always allowed organiser's": {"organizer": "vd@fjallvik.example"},
    "a private appointment": {"is_private": True},
    "their own meeting": {"is_own": True, "response": Response.ORGANIZER, "organizer": ANNA.address},
}


@pytest.mark.parametrize("settings", [NOTIFY, DECLINE], ids=["notify", "decline"])
@pytest.mark.parametrize("stands", STANDS)
async def test_what_always_stands_is_left_and_nobody_hears_of_it(stands: str, settings: Settings) -> None:
    world = await given(settings)
    books(world, ANNA, **STANDS[stands])
    before = dict(world.box(ANNA).meetings)
    report = await swept(world, settings)
    assert told(report) == {LEFT: 1}
    assert world.box(ANNA).meetings == before
    assert world.mail.sent == world.journal.writes == []


@pytest.mark.parametrize("settings", [NOTIFY, DECLINE], ids=["notify", "decline"])
async def test_a_meeting_that_stood_there_first_is_counted_in_the_plan_and_left_for_as_long_as_the_series_goes_on(
    settings: Settings,
) -> None:
    world = firm(ANNA, BO, CILLA)
    world.directory.add(DECLINING, ANNA)
    books(world, ANNA, FIRST, series_id="weekly")
    assert (await look(world, settings)).standing == 1
    await applied(world, settings)
    await swept(world, settings)
    books(world, ANNA, THIRD, series_id="weekly")
    assert told(await swept(world, settings)) == {LEFT: 2}
    assert world.mail.sent == []
    assert len(world.box(ANNA).meetings) == 2


async def test_a_meeting_that_was_moved_onto_the_block_since_did_not_stand_there_first() -> None:
    world = firm(ANNA, CILLA)
    event_id = books(world, ANNA, FIRST, hours=3)
    await applied(world, NOTIFY)
    await swept(world, NOTIFY)
    world.box(ANNA).meetings[event_id] = replace(world.box(ANNA).meetings[event_id], time=on(FIRST))
    assert told(await swept(world, NOTIFY)) == {ASKED: 1}


async def test_meetings_with_what_is_let_be_are_not_even_looked_at() -> None:
    world = await given(fjallvik())
    books(world, ANNA)
    assert told(await swept(world, fjallvik())) == {}
    assert not world.journal.of("view", "meeting")


async def test_one_look_at_the_calendar_is_all_that_a_sweep_takes_where_nothing_is_new() -> None:
    world = await given(NOTIFY)
    books(world, ANNA, response=Response.ACCEPTED)
    await swept(world, NOTIFY)
    assert [call.name for call in world.journal.calls if call.port == "calendars"] == ["view"] * 3


@pytest.mark.parametrize("away", [FIRST, None], ids=["away", "at work"])
async def test_on_a_day_out_of_office_nobody_is_asked(away: date | None) -> None:
    world = await given(NOTIFY)
    books(world, ANNA)
    if away:
        world.box(ANNA).away = [on(away, -9, 24)]
    await swept(world, NOTIFY)
    assert len(world.mail.sent) == (0 if away else 1)


async def test_whoever_moved_their_date_onto_a_meeting_chose_to() -> None:
    world = await given(NOTIFY)
    (series,) = world.box(ANNA).series
    world.calendars.drag(ANNA.id, series.occurrences()[0], on(FIRST, 3).starts)
    books(world, ANNA, hours=3)
    assert told(await swept(world, NOTIFY)) == {}
    assert world.mail.sent == []


async def test_accounts_of_partners_do_not_make_their_domain_ours() -> None:
    partner = person("pia", mail="pia@partner.example", user_principal_name="pia_partner.example#EXT#@fjallvik.example")
    world = await given(NOTIFY, ANNA, CILLA, partner)
    books(world, ANNA, organizer="pelle@partner.example")
    assert told(await swept(world, NOTIFY)) == {LEFT: 1}


# Asking


async def test_an_organiser_with_thirty_guests_gets_one_note_that_names_five() -> None:
    people = staff(30)
    world = await given(NOTIFY, *people, BOSS)
    for guest in people:
        books(world, guest)
    report = await swept(world, NOTIFY)
    ((sender, to, subject, html),) = world.mail.sent
    assert (sender, to, subject) == (ORGANIZER, BOSS.address, "Ett möte som krockar med lärtid")
    assert "torsdag 3 december 09:00-10:00, över Lärtimmen hos P000, P001, P002, P003, P004 och 25 till." in html
    assert "Alla är lediga: torsdag 3 december 08:00; torsdag 3 december 10:00; torsdag 3 december 11:00." in html
    assert told(report) == {ASKED: 30}


async def test_everybody_is_free_is_said_of_everybody() -> None:
    people = staff(30)
    world = await given(NOTIFY, *people, BOSS)
    for guest in people:
        books(world, guest)
    world.box(people[-1]).busy = [on(FIRST, -1, 5)]
    await swept(world, NOTIFY)
    ((*_, html),) = world.mail.sent
    assert "Alla är lediga: torsdag 3 december 13:00; torsdag 3 december 14:00; torsdag 3 december 15:00." in html


async def test_without_knowing_when_everybody_is_free_no_other_time_is_named() -> None:
    world = await given(NOTIFY)
    world.box(ANNA).hours = None
    books(world, ANNA)
    await swept(world, NOTIFY)
    ((*_, html),) = world.mail.sent
    assert "lediga" not in html


async def test_an_organiser_is_asked_once_a_quarter_about_a_meeting_time() -> None:
    world = await given(NOTIFY)
    books(world, ANNA, FIRST)
    for day in range(23, 31):  # a week of sweeps
        goes_on(world, 2026, 11, day, 10)
        await swept(world, NOTIFY)
    assert recipients(world) == [BOSS.address]
    books(world, BO, SECOND)
    books(world, ANNA, THIRD)
    goes_on(world, 2026, 12, 9, 10)
    assert told(await swept(world, NOTIFY)) == {ASKED: 2}
    goes_on(world, 2026, 12, 30, 10)
    books(world, ANNA, date(2027, 1, 21))
    assert told(await swept(world, NOTIFY)) == {ASKED: 1}
    assert len(world.mail.sent) == 1
    goes_on(world, 2027, 1, 4, 10)
    await swept(world, NOTIFY)
    assert recipients(world) == [BOSS.address] * 2


async def test_all_new_meeting_times_of_an_organiser_are_in_one_note() -> None:
    world = await given(NOTIFY)
    books(world, ANNA, FIRST)
    books(world, ANNA, FIRST, hours=0.5)
    books(world, BO, SECOND)
    await swept(world, NOTIFY)
    ((*_, html),) = world.mail.sent
    assert html.count("<li>") == 2
    assert "09:00-10:00" in html
    assert "09:30-10:30" in html


NOT_NOW = {
    "too early": (2026, 11, 24, 7, 59),
    "in the evening": (2026, 11, 24, 17, 0),
    "at night": (2026, 11, 24, 2, 0),
    "on a Saturday": (2026, 11, 28, 10),
    "on a Sunday": (2026, 11, 29, 10),
    "on Christmas Eve": (2026, 12, 24, 10),
    "on Boxing Day": (2026, 12, 26, 10),
}


@pytest.mark.parametrize("known", [True, False], ids=["hours known", "hours not known"])
@pytest.mark.parametrize("settings", [NOTIFY, DECLINE], ids=["notify", "decline"])
@pytest.mark.parametrize("when", NOT_NOW)
async def test_no_message_goes_out_while_its_reader_is_not_at_work(
    when: str, settings: Settings, *, known: bool
) -> None:
    world = await given(settings)
    world.box(BOSS).hours = OFFICE if known else None
    books(world, ANNA, date(2027, 1, 7))
    goes_on(world, *NOT_NOW[when])
    assert told(await swept(world, settings)) in ({TO_ASK: 1}, {TO_DECLINE: 1})
    assert world.mail.sent == world.journal.writes == []
    goes_on(world, 2026, 12, 28, 10)
    assert told(await swept(world, settings)) in ({ASKED: 1}, {DECLINED: 1})


async def test_no_message_goes_out_while_its_reader_is_out_of_office() -> None:
    world = await given(NOTIFY)
    books(world, ANNA)
    world.box(BOSS).away = [(world.clock.at - HOUR, world.clock.at + HOUR)]
    assert told(await swept(world, NOTIFY)) == {TO_ASK: 1}
    world.clock.pass_time(hours=1)
    assert told(await swept(world, NOTIFY)) == {ASKED: 1}


async def test_an_organiser_in_another_country_has_its_holidays() -> None:
    finns = Group("g-fi", "Suomi")
    audiences = {
        "alla": Audience(group=EVERYBODY.name),
        "suomi": Audience(group=finns.name, holidays=Holidays(country="FI"), language=Language.EN),
    }
    settings = settings_of(NOTIFYING, audiences={"suomi": audiences["suomi"], "alla": audiences["alla"]})
    world = firm(ANNA, CILLA)
    world.directory.add(finns, CILLA)
    await applied(world, settings)
    await swept(world, settings)
    books(world, ANNA, date(2027, 1, 14))
    goes_on(world, 2026, 12, 6, 10)
    goes_on(world, 2027, 1, 6, 10)  # Epiphany, in both
    assert told(await swept(world, settings)) == {TO_ASK: 1}
    goes_on(world, 2027, 1, 7, 10)
    await swept(world, settings)
    ((*_, subject, _),) = world.mail.sent
    assert subject == "A meeting on top of learning time"


async def test_nobody_gets_more_than_two_messages_in_seven_days() -> None:
    world = await given(NOTIFY)
    sent = []
    for number, day in enumerate((24, 25, 26, 27, 30)):
        books(world, ANNA, SECOND, hours=number / 8)
        goes_on(world, 2026, 11, day, 10)
        await swept(world, NOTIFY)
        sent.append(len(world.mail.sent))
    assert sent == [1, 2, 2, 2, 2]
    goes_on(world, 2026, 12, 1, 10, 1)
    assert told(await swept(world, NOTIFY)) == {ASKED: 5}
    assert len(world.mail.sent) == 3


async def test_of_many_declined_meetings_at_one_instant_their_organiser_hears_of_two() -> None:
    people = staff(5)
    world = await given(DECLINE, *people, BOSS, decline=people)
    for guest in people:
        books(world, guest)
    assert told(await swept(world, DECLINE)) == {DECLINED: 2, TO_DECLINE: 3}
    assert told(await swept(world, DECLINE)) == {TO_DECLINE: 3}
    world.clock.pass_time(days=7, minutes=1)
    assert told(await swept(world, DECLINE)) == {DECLINED: 2, TO_DECLINE: 1}


async def test_notes_and_declined_meetings_count_together() -> None:
    world = await given(BOTH)
    books(world, ANNA, FIRST)
    for day in (date(2026, 12, 8), date(2026, 12, 15)):
        books(world, ANNA, day, hours=5)
    assert told(await swept(world, BOTH)) == {ASKED: 1, DECLINED: 1, TO_DECLINE: 1}


# Declining


async def test_meetings_are_declined_only_for_those_who_want_it_so() -> None:
    world = await given(DECLINE)
    mine, others = books(world, ANNA), books(world, BO)
    assert told(await swept(world, DECLINE)) == {DECLINED: 1}
    assert (mine in world.box(ANNA).meetings, others in world.box(BO).meetings) == (False, True)
    assert not world.journal.of("view", about=BO.id)
    assert world.mail.sent == []


async def test_an_organiser_reads_why_and_when_both_are_free() -> None:
    world = await given(DECLINE)
    event_id = books(world, ANNA)
    world.box(BOSS).busy = [on(FIRST, -1, 3)]
    await swept(world, DECLINE)
    comment, proposed = world.box(ANNA).answers[event_id]
    assert proposed == on(FIRST, 2)
    assert comment == (
        "Jag har lärtid då (Lärtimmen) och har bett om att möten på den tiden tackas nej till. "
        "Den här tiden passar i stället: torsdag 3 december 11:00."
    )


async def test_no_time_is_proposed_on_a_holiday() -> None:
    world = await given(DECLINE)
    event_id = books(world, ANNA, date(2027, 1, 7))
    world.box(BOSS).busy = [on(date(2027, 1, 7), -9, 24)]
    await swept(world, DECLINE)
    _, proposed = world.box(ANNA).answers[event_id]
    assert proposed == on(date(2027, 1, 8), -1)  # the evening before is nearer, and Epiphany


@pytest.mark.parametrize("why", ["not heard", "boss unknown", "nobody free"])
async def test_another_time_is_proposed_only_where_it_is_allowed_and_known(why: str) -> None:
    world = await given(DECLINE)
    event_id = books(world, ANNA, hears=why != "not heard")
    if why == "boss unknown":
        del world.calendars.by_address[BOSS.address]
    if why == "nobody free":
        world.box(BOSS).busy = [on(FIRST, -24 * 20, 24 * 60)]
    await swept(world, DECLINE)
    comment, proposed = world.box(ANNA).answers[event_id]
    assert proposed is None
    assert comment is not None
    assert comment.endswith("tackas nej till.")


async def test_where_no_answer_is_wanted_it_is_declined_without_a_word_at_any_hour() -> None:
    world = await given(DECLINE)
    goes_on(world, 2026, 11, 28, 23)
    silent = [books(world, ANNA, day, asks=False) for day in (FIRST, SECOND, THIRD)]
    assert told(await swept(world, DECLINE)) == {DECLINED: 3}
    assert world.box(ANNA).answers == dict.fromkeys(silent, (None, None))


async def test_of_a_meeting_that_comes_back_each_date_is_declined_by_itself() -> None:
    world = await given(DECLINE)
    dates = [books(world, ANNA, day, series_id="weekly") for day in (FIRST, SECOND)]
    assert told(await swept(world, DECLINE)) == {DECLINED: 2}
    assert list(world.box(ANNA).answers) == dates


MEANWHILE: dict[str, Callable[[Meeting], Meeting | None]] = {
    "accepted": lambda meeting: replace(meeting, response=Response.ACCEPTED),
    "tentatively accepted": lambda meeting: replace(meeting, response=Response.TENTATIVE),
    "declined": lambda meeting: replace(meeting, response=Response.DECLINED),
    "made private": lambda meeting: replace(meeting, is_private=True),
    "moved": lambda meeting: replace(meeting, time=on(FIRST, 3)),
    "called off": lambda _: None,
}


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("what", MEANWHILE)
async def test_a_meeting_is_looked_at_once_more_before_it_is_declined(what: str, *, asks: bool) -> None:
    world = await given(DECLINE)
    event_id = books(world, ANNA, asks=asks)
    seen = await look(world, DECLINE)
    box = world.box(ANNA)
    changed = MEANWHILE[what](box.meetings.pop(event_id))
    if changed:
        box.meetings[event_id] = changed
    await overlaps.answer(seen, DECLINE, world.ports)
    assert box.answers == {}
    assert box.meetings.get(event_id) == changed


@pytest.mark.parametrize("goes", [True, False])
async def test_what_was_declined_is_not_declined_again(*, goes: bool) -> None:
    world = await given(DECLINE)
    world.box(ANNA).declined_meetings_go = goes
    books(world, ANNA)
    assert told(await swept(world, DECLINE)) == {DECLINED: 1}
    for _ in range(3):
        world.clock.pass_time(days=1)
        assert told(await swept(world, DECLINE)) == {}


# When nothing is done


@pytest.mark.parametrize("block", [NOTIFYING, DECLINES], ids=["notify", "decline"])
async def test_in_mode_watch_it_is_counted_and_nobody_hears_of_it(block: Block) -> None:
    settings = settings_of(block, mode=Mode.WATCH)
    world = await given(settings)
    books(world, ANNA)
    assert told(await swept(world, settings)) in ({TO_ASK: 1}, {TO_DECLINE: 1})
    await repair(settings, world.ports, ANNA.address)
    assert world.mail.sent == world.journal.writes == []


@pytest.mark.parametrize("settings", [NOTIFY, DECLINE], ids=["notify", "decline"])
async def test_plan_and_apply_send_nothing(settings: Settings) -> None:
    world = await given(settings)
    books(world, ANNA)
    assert told((await look(world, settings)).report("plan", world.clock.now())) in ({TO_ASK: 1}, {TO_DECLINE: 1})
    await applied(world, settings)
    assert world.mail.sent == world.journal.writes == []


async def test_what_begins_after_a_month_and_a_half_waits() -> None:
    world = await given(DECLINE)
    books(world, ANNA, date(2027, 1, 14))
    assert told(await swept(world, DECLINE)) == {TO_DECLINE: 1}
    world.clock.pass_time(days=7)
    assert told(await swept(world, DECLINE)) == {DECLINED: 1}


async def test_a_lost_state_leaves_everything_that_stands() -> None:
    world = await given(BOTH)
    books(world, ANNA, FIRST)
    books(world, ANNA, date(2026, 12, 8), hours=5)
    world.state.forget_everything()
    await swept(world, BOTH)  # with nothing approved it looks and reports
    await applied(world, BOTH)
    assert told(await swept(world, BOTH)) == {LEFT: 2}
    assert world.mail.sent == world.journal.writes == []


# A repair


async def test_a_repair_asks_in_the_organisers_language_and_tells_nothing_of_meetings() -> None:
    english = Group("g-en", "English")
    audiences = {"alla": Audience(group=EVERYBODY.name), "english": Audience(group=english.name, language=Language.EN)}
    settings = settings_of(NOTIFYING, audiences={"english": audiences["english"], "alla": audiences["alla"]})
    world = firm(ANNA, CILLA)
    world.directory.add(english, CILLA)
    await applied(world, settings)
    await swept(world, settings)
    books(world, ANNA)
    report = await repair(settings, world.ports, ANNA.address)
    assert [subject for _, _, subject, _ in world.mail.sent] == ["A meeting on top of learning time"]
    assert dict(report.protected) == {}
    assert report.note == ""


# When things go wrong


@pytest.mark.parametrize(
    ("after", "stays"), [(False, False), (True, True)], ids=["before the effect", "after the effect"]
)
async def test_killed_at_any_call_and_swept_again_nobody_hears_anything_twice(*, after: bool, stays: bool) -> None:
    before = await given(BOTH, ANNA, CILLA)
    before.box(ANNA).declined_meetings_go = not stays
    note, declined = books(before, ANNA, FIRST), books(before, ANNA, date(2026, 12, 8), hours=5)
    calm = deepcopy(before)
    await looked_and_answered(calm, BOTH)
    assert len(calm.mail.sent) == len(calm.box(ANNA).answers) == 1
    lost = set()
    for at, call in enumerate(calm.journal.calls):
        world = deepcopy(before)
        assert await killed(world, looked_and_answered(world, BOTH), at=at, after=after)
        await looked_and_answered(world, BOTH)
        world.clock.pass_time(days=8)  # what may have been said counts, so that the week is over first
        await looked_and_answered(world, BOTH)
        assert len(world.mail.sent) <= 1
        if not world.mail.sent:
            lost.add(call.name)
        assert list(world.box(ANNA).answers) == [declined], call  # memory.py lets nothing be declined twice
        assert note in world.box(ANNA).meetings
    # A mail that may be on its way is not sent again.
    assert lost == ({"claim"} if after else {"send"})


@pytest.mark.parametrize("stays", [False, True], ids=["declined goes", "declined stays"])
async def test_two_sweeps_at_once_say_everything_once(*, stays: bool) -> None:
    world = await given(BOTH, ANNA, BO, CILLA, decline=(ANNA, BO))
    for one in (ANNA, BO):
        world.box(one).declined_meetings_go = not stays
        books(world, one, FIRST)
    books(world, ANNA, date(2026, 12, 8), hours=5)
    await asyncio.gather(swept(world, BOTH), swept(world, BOTH))
    assert len(world.mail.sent) == len(world.box(ANNA).answers) == 1


class Meanwhile:
    """Calendars in whose world something happens while it is looked at what stands on a series."""

    def __init__(self, calendars: MemoryCalendars, happens: Callable[[], Awaitable[None]]) -> None:
        self._calendars = calendars
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calendars, name)

    async def view(self, mailbox: str, ours: Collection[str], **window: Any) -> View:
        found = await self._calendars.view(mailbox, ours, **window)
        if not ours:
            await self._happens()
        return found


async def test_what_was_answered_meanwhile_is_not_forgotten_when_it_is_noted_what_stood_first() -> None:
    world = firm(ANNA, CILLA)
    await applied(world, NOTIFY)
    skipped = Touches().with_skip(DateKey("lartimmen", FIRST))

    async def another_repair() -> None:
        await world.state.touch(ANNA.id, skipped)

    ports = replace(world.ports, calendars=Meanwhile(world.calendars, another_repair))
    await survey(NOTIFY, ports, pinned={}, only=ANNA.id)
    touches = await world.state.touches(ANNA.id)
    assert touches.stood
    assert touches.skipped == skipped.skipped


async def test_a_mail_that_is_refused_is_told_of_without_a_name_and_tried_again() -> None:
    world = await given(NOTIFY)
    books(world, ANNA)
    world.fail("send", Denied("Sending mail failed: no.", status=403, cure="Grant Mail.Send."), times=1)
    report = await swept(world, NOTIFY)
    assert report.note == "A meeting on top of a block was not answered: Sending mail failed: no. Grant Mail.Send."
    assert told(report) == {TO_ASK: 1}
    assert world.mail.sent == []
    assert told(await swept(world, NOTIFY)) == {ASKED: 1}
    assert recipients(world) == [BOSS.address]


@pytest.mark.parametrize("after", [False, True], ids=["not sent", "sent"])
async def test_a_mail_that_may_be_on_its_way_is_not_sent_again(*, after: bool) -> None:
    world = await given(NOTIFY)
    books(world, ANNA)
    world.fail("send", Unreachable("No answer."), times=1, after=after)
    for _ in range(3):
        assert told(await swept(world, NOTIFY)) == {ASKED: 1}
        world.clock.pass_time(days=1)
    assert len(world.mail.sent) == after


@pytest.mark.parametrize("nth", [1, 2], ids=["whether they are there", "when all are free"])
@pytest.mark.parametrize("error", [Unreachable("No answer."), Throttled("Slow down.", retry_after=9), Gone("No.")])
@pytest.mark.parametrize("settings", [NOTIFY, DECLINE], ids=["notify", "decline"])
async def test_where_it_cannot_be_told_who_is_free_all_is_done_the_next_time(
    settings: Settings, error: GraphError, nth: int
) -> None:
    world = await given(settings)
    books(world, ANNA)
    world.fail("free_busy", error, nth=nth, times=1)
    report = await swept(world, settings)
    assert error.message in report.note
    assert told(report) in ({TO_ASK: 1}, {TO_DECLINE: 1})
    assert told(await swept(world, settings)) in ({ASKED: 1}, {DECLINED: 1})
    assert len(world.mail.sent) + len(world.box(ANNA).answers) == 1


async def test_one_bad_mailbox_keeps_no_other_persons_meeting_waiting() -> None:
    world = await given(DECLINE, decline=(ANNA, BO))
    books(world, ANNA)
    books(world, BO)
    world.fail("decline", Denied("Writing a calendar failed: no.", status=403), ANNA)
    report = await swept(world, DECLINE)
    assert told(report) == {DECLINED: 1, TO_DECLINE: 1}
    assert len(world.box(BO).answers) == 1
    assert "Writing a calendar failed" in report.note


async def test_one_bad_organiser_keeps_no_other_waiting() -> None:
    world = await given(NOTIFY, ANNA, BO, CILLA)
    books(world, ANNA)
    books(world, ANNA, organizer=BO.address)
    world.journal.faults.clear()
    world.fail("send", Denied("No.", status=403), person("cilla", id=BOSS.address))
    await swept(world, NOTIFY)
    assert recipients(world) == [BO.address]


@pytest.mark.parametrize("stays", [False, True], ids=["declined goes", "declined stays"])
@pytest.mark.parametrize("after", [False, True], ids=["not done", "done"])
async def test_after_a_lost_answer_it_is_looked_whether_the_meeting_is_declined(*, after: bool, stays: bool) -> None:
    world = await given(DECLINE)
    world.box(ANNA).declined_meetings_go = not stays
    event_id = books(world, ANNA)
    world.fail("decline", Unreachable("No answer."), times=1, after=after)
    assert told(await swept(world, DECLINE)) == ({DECLINED: 1} if after else {TO_DECLINE: 1})
    await swept(world, DECLINE)
    assert list(world.box(ANNA).answers) == [event_id]


async def test_when_it_cannot_even_be_looked_at_it_is_tried_again_the_next_day() -> None:
    world = await given(DECLINE)
    event_id = books(world, ANNA)
    world.fail("decline", Unreachable("No answer."), times=1)
    world.fail("meeting", Unreachable("No answer."), nth=2, times=1)
    assert told(await swept(world, DECLINE)) == {TO_DECLINE: 1}
    assert world.box(ANNA).answers == {}
    world.clock.pass_time(days=1)
    await swept(world, DECLINE)
    assert list(world.box(ANNA).answers) == [event_id]


async def test_an_organiser_of_whom_nothing_is_known_is_asked_in_office_hours() -> None:
    world = await given(NOTIFY)
    books(world, ANNA, organizer="team@fjallvik.example")
    world.fail("free_busy", NoMailbox("No mailbox.", status=404), times=1)
    assert told(await swept(world, NOTIFY)) == {ASKED: 1}
    assert recipients(world) == ["team@fjallvik.example"]


# Nobody is named


async def test_reports_name_nobody() -> None:
    world = await given(BOTH)
    moves_in(world, person("new"))
    books(world, ANNA, FIRST)
    books(world, BO, FIRST, response=Response.ACCEPTED)
    books(world, ANNA, date(2026, 12, 8), hours=5)
    for error in (None, Denied("No.", status=403)):
        if error:
            world.fail("send", error)
            world.fail("decline", error)
        report = await swept(world, BOTH)
        said = json.dumps(report.data(), ensure_ascii=False)
        said += json.dumps((await status(BOTH, world.state, world.clock)).data(), ensure_ascii=False)
        assert not any(word in said for one in (ANNA, BO, CILLA) for word in (one.name, one.address, one.id))
    assert {account.state for account in report.audience} == {"held"}


async def test_a_meeting_that_is_sent_again_and_again_is_left_after_the_second_no() -> None:
    world = await given(DECLINE)
    said = 0
    for _ in range(4):
        world.box(ANNA).meetings.clear()
        world.box(ANNA).answers.clear()
        books(world, ANNA, date(2027, 1, 12))
        for _ in range(2):
            await looked_and_answered(world, DECLINE)
            world.clock.pass_time(days=1)
        said += len(world.box(ANNA).answers)
        world.clock.pass_time(days=5)
    assert said <= 2
