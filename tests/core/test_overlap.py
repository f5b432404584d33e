"""What stands on top of a block and what does not, a row a case in the words of the page; how organisers are asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import calm, mails, recurrence
from holdfast.core.desired import EVERY_DAY, UNTOUCHED, Desired, Want
from holdfast.core.holidays import DaysOff
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    Care,
    DesiredSeries,
    Fingerprint,
    FreeBusy,
    Meeting,
    Occurrence,
    Overlap,
    Protection,
    Response,
    ShowAs,
    Single,
    Slot,
    Stretch,
    Tag,
    Weekday,
    Weekly,
    WorkingHours,
)
from holdfast.core.overlap import (
    ASKED_OF_OTHERS,
    LOOKED_AT,
    STEP,
    Fate,
    OnTop,
    alternatives,
    is_noted,
    meeting_mark,
    meeting_time,
    noted,
    on_top,
    standing,
    watched,
)
from holdfast.core.protection import Held, held
from holdfast.core.settings import Language
from holdfast.core.touches import Touches
from tests.golden import GOLDEN, check_golden

STOCKHOLM = "Europe/Stockholm"
SLOT = Slot(Weekly(Weekday.THURSDAY), time(9), 60, STOCKHOLM)
FIRST, LAST = date(2027, 1, 7), date(2027, 6, 24)
NOW = datetime(2027, 1, 11, 7, tzinfo=UTC)
THURSDAY, NEXT = date(2027, 1, 14), date(2027, 1, 21)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TAG = Tag("lartimmen", 0, Fingerprint("a", "b"), FIRST, LAST)
HOME = frozenset({"fjallvik.example", "fjallvik.onmicrosoft.example"})
BOSS = "cilla@fjallvik.example"
OFFICE = WorkingHours(frozenset(map(Weekday, range(5))), time(8), time(17), STOCKHOLM)


def at(day: date, minutes: int = 0) -> Stretch:
    """The hour of the block on a day, or so many minutes later."""
    later = timedelta(minutes=minutes)
    return Stretch(recurrence.starts(SLOT, day) + later, recurrence.ends(SLOT, day) + later)


MEETING = Meeting("AAk=", None, at(THURSDAY), BOSS, Response.UNANSWERED)
"""A new meeting of a colleague, on top of Thursday's date."""


@dataclass
class Case:
    """A meeting in a calendar with a block, and what is the matter with either."""

    meeting: Meeting = MEETING
    dates: dict[date, Occurrence] = field(default_factory=dict)
    singles: list[Single] = field(default_factory=list)
    touches: Touches = field(default_factory=Touches)
    away: list[Stretch] = field(default_factory=list)
    off: DaysOff = EVERY_DAY
    now: datetime = NOW

    def __post_init__(self) -> None:
        for day in recurrence.dates(SLOT.rule, FIRST, LAST):
            self.dates[day] = Occurrence(f"on {day}", *at(day), at(day).starts)

    def block(self, overlap: Overlap) -> Held:
        series = DesiredSeries("lartimmen", SLOT, FIRST, LAST, "", "", "", 10, TAG.fingerprint)
        care = Care(
            Protection.STRICT, overlap=overlap, always_allow=frozenset({"vd@fjallvik.example", "gast@x.example"})
        )
        ahead = tuple(self.dates.values())
        actual = ActualSeries("master", "1", TAG, NOW, LAST, at(FIRST).starts, STOCKHOLM, ahead=ahead)
        wanted = Desired((Want(series, FIRST, None, off=self.off, care=care),), zone=STOCKHOLM)
        (one,) = held(wanted, ActualCalendar("anna", (actual,), tuple(self.singles)), self.now)
        return one

    def found(self, overlap: Overlap) -> list[OnTop]:
        return list(on_top(self.block(overlap), [self.meeting], self.touches, self.away, home=HOME, now=self.now))

    def stood_first(self, *meetings: Meeting) -> None:
        self.touches = noted(self.block(Overlap.NOTIFY), meetings, self.touches)


def the_meeting(**values: object) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        case.meeting = replace(MEETING, **values)

    return change


def nothing(_: Case) -> None:
    """Leave all as it is."""


def it_stood_there_first(case: Case) -> None:
    case.stood_first(MEETING)


def another_date_of_it_stood_there_first(case: Case) -> None:
    case.meeting = replace(MEETING, series_id="weekly")
    case.stood_first(Meeting("another date", "weekly", at(NEXT), BOSS, Response.UNANSWERED))


def it_stood_elsewhere_first(case: Case) -> None:
    case.stood_first(replace(MEETING, time=at(THURSDAY, 60)))


def it_begins_in_a_quarter_of_an_hour(case: Case) -> None:
    case.now = MEETING.time.starts - UNTOUCHED


def it_is_on_a_day_out_of_office(case: Case) -> None:
    case.away = [Stretch(MEETING.time.starts + 5 * HOUR, MEETING.time.starts + 6 * HOUR)]


def they_are_away_the_day_before(case: Case) -> None:
    case.away = [Stretch(MEETING.time.starts - 20 * HOUR, MEETING.time.starts - 12 * HOUR)]


def the_date_was_moved_there_by_its_owner(case: Case) -> None:
    case.dates[THURSDAY] = replace(case.dates[THURSDAY], starts=at(THURSDAY, 180).starts, ends=at(THURSDAY, 180).ends)
    case.meeting = replace(MEETING, time=at(THURSDAY, 180))


def the_date_was_set_free_by_its_owner(case: Case) -> None:
    case.dates[THURSDAY] = replace(case.dates[THURSDAY], show_as=ShowAs.FREE)


def the_date_was_deleted_by_its_owner(case: Case) -> None:
    del case.dates[THURSDAY]


def a_single_event_stands_for_the_date(case: Case) -> None:
    del case.dates[THURSDAY]
    tag = replace(TAG, first=THURSDAY, last=THURSDAY)
    case.singles = [Single(tag, NOW, Occurrence("instead", *at(THURSDAY), at(THURSDAY).starts))]


def the_day_is_a_holiday(case: Case) -> None:
    case.off = DaysOff(closed=((THURSDAY, THURSDAY),))


TELL, DECLINE, LEFT = Fate.TELL, Fate.DECLINE, None

TABLE = {
    # what is the matter with a meeting on top                      notify         decline
    "an internal organiser's": (nothing, TELL, DECLINE),
    "an internal organiser's at the organisation's other domain": (
        the_meeting(organizer="bo@fjallvik.onmicrosoft.example"),
        TELL,
        DECLINE,
    ),
    "one that was answered with nothing at all": (the_meeting(response=Response.NONE), TELL, DECLINE),
    "one of which the organiser wants no answer": (the_meeting(asks=False), TELL, DECLINE),
    "one that overlaps by a minute": (the_meeting(time=at(THURSDAY, 59)), TELL, DECLINE),
    "one that takes all day": (the_meeting(time=Stretch(*(at(THURSDAY, m).starts for m in (-60, 600)))), TELL, DECLINE),
    "one that stood at another time first": (it_stood_elsewhere_first, TELL, DECLINE),
    "one on the single event in the place of a deleted date": (a_single_event_stands_for_the_date, TELL, DECLINE),
    "one on the day after one out of office": (they_are_away_the_day_before, TELL, DECLINE),
    "one that stood there first": (it_stood_there_first, Fate.FIRST, Fate.FIRST),
    "one of whose dates another stood there first": (another_date_of_it_stood_there_first, Fate.FIRST, Fate.FIRST),
    "an external organiser's": (the_meeting(organizer="kund@partner.example"), Fate.EXTERNAL, Fate.EXTERNAL),
    "one of a domain that only ends like ours": (
        the_meeting(organizer="eva@inte-fjallvik.example"),
        Fate.EXTERNAL,
        Fate.EXTERNAL,
    ),
    "one of a domain beneath ours": (the_meeting(organizer="eva@x.fjallvik.example"), Fate.EXTERNAL, Fate.EXTERNAL),
    "one without an organiser": (the_meeting(organizer=""), Fate.EXTERNAL, Fate.EXTERNAL),
    "one whose organiser has an old Exchange name": (
        the_meeting(organizer="/o=exchangelabs/cn=fjallvik.example"),
        Fate.EXTERNAL,
        Fate.EXTERNAL,
    ),
    "an always allowed organiser's": (the_meeting(organizer="vd@fjallvik.example"), Fate.ALLOWED, Fate.ALLOWED),
    "an always allowed external organiser's": (the_meeting(organizer="gast@x.example"), Fate.ALLOWED, Fate.ALLOWED),
    "an accepted meeting": (the_meeting(response=Response.ACCEPTED), Fate.ANSWERED, Fate.ANSWERED),
    "a tentatively accepted meeting": (the_meeting(response=Response.TENTATIVE), Fate.ANSWERED, Fate.ANSWERED),
    "a private appointment": (the_meeting(is_private=True), Fate.PRIVATE, Fate.PRIVATE),
    "the person's own meeting": (the_meeting(is_own=True, response=Response.ORGANIZER), Fate.OWN, Fate.OWN),
    "a declined meeting": (the_meeting(response=Response.DECLINED), LEFT, LEFT),
    "one that begins when the block ends": (the_meeting(time=at(THURSDAY, 60)), LEFT, LEFT),
    "one that ends when the block begins": (the_meeting(time=at(THURSDAY, -60)), LEFT, LEFT),
    "one that begins within a quarter of an hour": (it_begins_in_a_quarter_of_an_hour, LEFT, LEFT),
    "one on a day out of office": (it_is_on_a_day_out_of_office, LEFT, LEFT),
    "one onto which the owner has moved their date": (the_date_was_moved_there_by_its_owner, LEFT, LEFT),
    "one on a date that its owner set free": (the_date_was_set_free_by_its_owner, LEFT, LEFT),
    "one on a date that its owner deleted": (the_date_was_deleted_by_its_owner, LEFT, LEFT),
    "one on a holiday": (the_day_is_a_holiday, LEFT, LEFT),
}


@pytest.mark.parametrize("row", TABLE)
def test_the_table(row: str) -> None:
    does, *fates = TABLE[row]
    for overlap, fate in zip((Overlap.NOTIFY, Overlap.DECLINE), fates, strict=True):
        case = Case()
        does(case)
        assert [one.fate for one in case.found(overlap)] == ([] if fate is LEFT else [fate]), overlap


def test_only_what_organisers_are_asked_about_or_what_is_declined_asks_for_something_to_be_done() -> None:
    assert {fate for fate in Fate if fate.is_due} == {TELL, DECLINE}


def test_reports_do_not_tell_why_a_meeting_is_left() -> None:
    left = {fate.told for fate in Fate if fate.value.startswith("left")}
    assert left == {"meeting on top, left"}
    assert {fate.told for fate in Fate} - left == {
        "meeting on top, the organiser is to be asked",
        "meeting on top, the organiser was asked",
        "meeting on top, to be declined",
        "meeting on top, declined",
    }


def test_meetings_are_looked_at_only_where_something_may_be_done_about_them() -> None:
    assert not watched([Case().block(Overlap.ALLOW).want])
    assert watched([Case().block(Overlap.ALLOW).want, Case().block(Overlap.NOTIFY).want])


def test_what_is_asked_of_others_is_what_the_page_says() -> None:
    page = (
        "id, type, start, end, isAllDay, showAs, isCancelled, isOrganizer, organizer, responseStatus, seriesMasterId, "
        "originalStart, sensitivity, allowNewTimeProposals, responseRequested"
    )
    assert ", ".join(ASKED_OF_OTHERS) == page


meetings = st.lists(
    st.builds(
        Meeting,
        event_id=st.uuids().map(str),
        series_id=st.none() | st.sampled_from(["weekly", "monthly"]),
        time=st.builds(
            lambda day, shift, length: Stretch(at(day, shift).starts, at(day, shift + length).starts),
            st.sampled_from([THURSDAY, NEXT, THURSDAY + timedelta(days=1)]),
            st.integers(-120, 120),
            st.integers(1, 180),
        ),
        organizer=st.sampled_from([BOSS, "vd@fjallvik.example", "kund@partner.example", ""]),
        response=st.sampled_from(Response),
        is_own=st.booleans(),
        is_private=st.booleans(),
    ),
    max_size=8,
)


@given(meetings)
def test_whatever_stood_there_first_is_left(before: Sequence[Meeting]) -> None:
    one = Case().block(Overlap.DECLINE)
    assert not is_noted(one, Touches())
    touches = noted(one, before, Touches())
    assert is_noted(one, touches)
    assert not any(found.fate.is_due for found in on_top(one, before, touches, (), home=HOME, now=NOW))


@given(meetings)
def test_what_was_noted_tells_of_no_event_by_its_id(before: Sequence[Meeting]) -> None:
    told = repr(noted(Case().block(Overlap.NOTIFY), before, Touches()).stood)
    assert not any(meeting.event_id in told for meeting in before)
    assert all(re.fullmatch("[0-9a-f]{16}", meeting_mark(meeting)) for meeting in before)


@given(meetings)
def test_a_plan_counts_every_meeting_that_takes_time_where_a_series_is_to_be(there: Sequence[Meeting]) -> None:
    want = Case().block(Overlap.NOTIFY).want
    hours = [at(THURSDAY), at(NEXT)]
    meant = [m for m in there if m.response is not Response.DECLINED and any(m.time.meets(hour) for hour in hours)]
    assert standing(want, THURSDAY, NEXT, there) == len(meant)
    assert standing(replace(want, off=DaysOff(closed=((FIRST, LAST),))), THURSDAY, NEXT, there) == 0


# One note for a meeting time and quarter


def local(*when: int, zone: str = STOCKHOLM) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[misc, arg-type]


def test_a_weekly_meeting_is_one_meeting_time_also_over_a_clock_change() -> None:
    before, after = local(2027, 3, 25, 9), local(2027, 4, 1, 9)
    assert after - before == timedelta(weeks=1) - HOUR
    assert meeting_time(before, STOCKHOLM, NOW) == meeting_time(after, STOCKHOLM, NOW) == "Thu 09:00 2027-1"


@pytest.mark.parametrize(
    "other", [local(2027, 1, 14, 9, 30), local(2027, 1, 15, 9), local(2027, 1, 14, 9, zone="Europe/Helsinki")]
)
def test_another_hour_or_day_is_another_meeting_time(other: datetime) -> None:
    assert meeting_time(other, STOCKHOLM, NOW) != meeting_time(at(THURSDAY).starts, STOCKHOLM, NOW)


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (local(2026, 12, 31, 23, 59), local(2027, 1, 1)),
        (local(2027, 3, 31, 23, 59), local(2027, 4, 1)),
        (local(2027, 6, 30, 23, 59), local(2027, 7, 1)),
        (local(2027, 9, 30, 23, 59), local(2027, 10, 1)),
    ],
)
def test_a_quarter_ends_at_midnight_where_the_organisation_is(last: datetime, first: datetime) -> None:
    starts = at(THURSDAY).starts
    assert meeting_time(starts, STOCKHOLM, last) != meeting_time(starts, STOCKHOLM, first)
    assert meeting_time(starts, STOCKHOLM, first) == meeting_time(starts, STOCKHOLM, first + timedelta(days=88))


# Other times

zones_of_people = st.sampled_from([STOCKHOLM, "Europe/Helsinki", "America/New_York", None])


@st.composite
def people(draw: st.DrawFn) -> list[FreeBusy]:
    """Up to four people, seen from the last half hour on for as long as other times are looked for."""
    steps = draw(st.integers(0, 48 * 20))
    busy = st.lists(st.tuples(st.integers(0, 48 * 20), st.integers(1, 96), st.sampled_from("123")), max_size=12)
    found = []
    for _ in range(draw(st.integers(0, 4))):
        digits = ["0"] * steps
        for begins, length, digit in draw(busy):
            digits[begins : begins + length] = digit * len(digits[begins : begins + length])
        hours = None
        if draw(st.integers(0, 9)):
            days = draw(st.frozensets(st.sampled_from(list(Weekday)), min_size=1))
            begins, ends = draw(st.sampled_from([(8, 17), (7, 12), (22, 6), (0, 0)]))
            hours = WorkingHours(days, time(begins), time(ends), draw(zones_of_people))
        found.append(FreeBusy(NOW, STEP, "".join(digits), hours))
    return found


def works(one: FreeBusy, starts: datetime, ends: datetime) -> bool:
    """Whether every minute of a stretch is worked, by the wall clock and one minute after the other."""
    assert one.hours is not None
    zone, hours = ZoneInfo(one.hours.zone or STOCKHOLM), one.hours
    minute = starts
    while minute < ends:
        there = minute.astimezone(zone)
        day = there.date()
        if hours.ends <= hours.starts and there.time() < hours.ends:
            day -= timedelta(days=1)
        inside = hours.starts <= there.time() < hours.ends
        if hours.ends <= hours.starts:
            inside = there.time() >= hours.starts or there.time() < hours.ends
        if not inside or day.weekday() not in hours.days:
            return False
        minute += 5 * MINUTE
    return True


@given(people(), st.integers(0, 14), st.integers(0, 47), st.sampled_from([15, 30, 45, 60, 90, 240]))
def test_other_times_are_free_worked_by_all_to_come_and_at_most_three_that_do_not_overlap(
    asked: list[FreeBusy], days: int, steps: int, minutes: int
) -> None:
    begins = NOW + timedelta(days=days) + steps * STEP
    length = timedelta(minutes=minutes)
    off = DaysOff(closed=((NEXT, NEXT),), weekends=False)
    found = alternatives(Stretch(begins, begins + length), asked, zone=STOCKHOLM, now=NOW, off=off)
    assert len(found) <= 3
    if not asked or any(one.hours is None for one in asked):
        assert found == ()
    for starts in found:
        assert starts > NOW
        assert abs(starts - begins) <= LOOKED_AT
        assert starts.astimezone(ZoneInfo(STOCKHOLM)).date() != NEXT
        for one in asked:
            assert works(one, starts, starts + length)
            first, last = (starts - NOW) // STEP, -((NOW - starts - length) // STEP)
            assert one.view[first:last] == "0" * (last - first)
    assert all(abs(one - other) >= length for one in found for other in found if one != other)
    assert list(found) == sorted(found, key=lambda one: (abs(one - begins), one))


def test_the_nearest_times_come_first() -> None:
    free = FreeBusy(NOW, STEP, "0" * 48 * 20, OFFICE)
    taken = at(THURSDAY)
    place = (taken.starts - NOW) // STEP
    busy = replace(free, view=free.view[:place] + "22" + free.view[place + 2 :])
    found = alternatives(taken, [free, busy], zone=STOCKHOLM, now=NOW)
    assert found == (at(THURSDAY, -60).starts, at(THURSDAY, 60).starts, at(THURSDAY, 120).starts)


def test_no_time_is_proposed_on_a_holiday() -> None:
    free = FreeBusy(NOW, STEP, "0" * 48 * 20, OFFICE)
    found = alternatives(at(THURSDAY), [free], zone=STOCKHOLM, now=NOW, off=DaysOff(closed=((THURSDAY, THURSDAY),)))
    assert {starts.date() for starts in found} == {THURSDAY - timedelta(days=1)}


# Calm


@pytest.mark.parametrize(
    ("days_ago", "may"),
    [([], True), ([1], True), ([1, 3], False), ([7, 3], True), ([6.9, 3], False), ([8, 9, 10, 0], True)],
)
def test_nobody_gets_more_than_two_messages_in_seven_days(days_ago: list[float], *, may: bool) -> None:
    assert calm.may_write([NOW - timedelta(days=days) for days in days_ago], now=NOW) is may


def seen_now(view: str, hours: WorkingHours | None = OFFICE) -> FreeBusy:
    return FreeBusy(NOW, STEP, view, hours)


@pytest.mark.parametrize("digit", "0123")
def test_whoever_is_out_of_office_gets_nothing_and_whoever_is_busy_does(digit: str) -> None:
    assert calm.is_at_work(seen_now(digit + "00"), zone=STOCKHOLM, now=NOW) is (digit != "3")
    assert calm.is_at_work(seen_now("0" + digit), zone=STOCKHOLM, now=NOW)


@pytest.mark.parametrize(
    ("when", "works_then"),
    [
        (local(2027, 1, 11, 7, 59), False),
        (local(2027, 1, 11, 8), True),
        (local(2027, 1, 11, 16, 59), True),
        (local(2027, 1, 11, 17), False),
        (local(2027, 1, 16, 10), False),
        (local(2027, 1, 17, 10), False),
    ],
)
@pytest.mark.parametrize("person", [None, seen_now("0", None), seen_now("0")], ids=["unknown", "no hours", "known"])
def test_nobody_gets_a_message_outside_working_hours_or_office_hours_where_theirs_are_not_known(
    person: FreeBusy | None, when: datetime, *, works_then: bool
) -> None:
    if person is not None:
        person = replace(person, since=when)
    assert calm.is_at_work(person, zone=STOCKHOLM, now=when) is works_then


def test_working_hours_are_by_the_persons_own_clock() -> None:
    helsinki = replace(OFFICE, zone="Europe/Helsinki")
    assert calm.is_at_work(seen_now("0", helsinki), zone=STOCKHOLM, now=local(2027, 1, 11, 7, 30))
    assert not calm.is_at_work(seen_now("0", helsinki), zone=STOCKHOLM, now=local(2027, 1, 11, 16, 30))


# The letter

ODD = '<b>Åsa</b> "O\'Hara" & {name}'
MANY = [f"P{number}" for number in range(30)]
BOOKED = [
    mails.Booked(at(THURSDAY), "Lärtimmen", ["Anna Ek"], [at(THURSDAY, 60).starts, at(NEXT, -60).starts]),
    mails.Booked(at(NEXT, 180), "R&D <timmen>", [ODD, "Bo Åberg"], []),
    mails.Booked(
        Stretch(*(local(2027, 3, 31, hour) for hour in (9, 10))), "Lärtimmen", [f"P{n}" for n in range(30)], []
    ),
]


class Text(HTMLParser):
    """What a reader sees of a mail, and the elements it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.elements = "", []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        assert not attrs


@pytest.mark.parametrize("language", Language)
def test_the_letter_to_an_organiser(language: Language) -> None:
    letter = mails.note(language, "Fjällvik & Co AB", BOOKED, STOCKHOLM)
    declined = [mails.comment(language, "R&D <timmen>", when, STOCKHOLM) for when in (None, at(NEXT, 60).starts)]
    shown = f"Subject: {letter.subject}\n\n" + letter.html.replace("><", ">\n<") + "\n\n" + "\n\n".join(declined) + "\n"
    check_golden(GOLDEN / "mails" / f"meeting_on_top.{language}.txt", shown)


@pytest.mark.parametrize("language", Language)
def test_names_are_words_and_never_markup(language: Language) -> None:
    letter = mails.note(language, ODD, BOOKED, STOCKHOLM)
    text = Text(letter.html)
    assert set(text.elements) == {"p", "ul", "li"}
    assert text.text.count(ODD) == 2
    assert "R&D <timmen>" in text.text
    assert ODD in Text(mails.note(language, "x", [replace(BOOKED[0], block=ODD)], STOCKHOLM).html).text


@pytest.mark.parametrize("language", Language)
def test_of_many_people_five_are_named_and_the_others_counted(language: Language) -> None:
    html = mails.note(language, "Fjällvik", BOOKED[2:], STOCKHOLM).html
    assert "P0, P1, P2, P3, P4 " in html
    assert "P5" not in html
    assert " 25 " in html


def test_times_are_by_the_organisations_clock_before_and_after_it_changes() -> None:
    html = mails.note(Language.EN, "Fjällvik", [BOOKED[0], BOOKED[2]], STOCKHOLM).html
    assert "Thursday 14 January 09:00-10:00" in html
    assert "Wednesday 31 March 09:00-10:00" in html
