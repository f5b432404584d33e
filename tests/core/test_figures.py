"""Learning time in figures: what counts as protected and as kept, and that nobody's own time can be told from it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import figures
from holdfast.core.desired import Want, desired
from holdfast.core.figures import Tally, kept_share, published, rounded_hours, tally, too_alike
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    Fingerprint,
    Meeting,
    Occurrence,
    Response,
    ShowAs,
    Single,
    Stretch,
    Tag,
    View,
)
from holdfast.core.settings import Day, HolidayRule, Holidays, Language, Organization, Settings
from holdfast.core.summary import Figures, Kept
from tests.jobs.fjallvik import block, fjallvik

STOCKHOLM = ZoneInfo("Europe/Stockholm")
THURSDAY = date(2026, 12, 10)
WEEK = timedelta(days=7)
SINCE, UNTIL = datetime(2026, 12, 4, 13, tzinfo=UTC), datetime(2026, 12, 11, 13, tzinfo=UTC)
SERIES = "AAk1="
FREE, TENTATIVE, BUSY = ShowAs.FREE, ShowAs.TENTATIVE, ShowAs.BUSY


def at(hour: int, minute: int = 0, *, day: date = THURSDAY) -> datetime:
    return datetime.combine(day, time(hour, minute), STOCKHOLM).astimezone(UTC)


def stands(day: date = THURSDAY, **more: Any) -> Occurrence:
    """A date of the learning hour, at nine o'clock of that day unless something else is said."""
    begins = at(9, day=day)
    return Occurrence(
        **{
            "event_id": f"{SERIES}/{day}",
            "starts": begins,
            "ends": begins + timedelta(hours=1),
            "original_starts": begins,
            **more,
        }
    )


def meeting(begins: datetime, ends: datetime, response: Response = Response.ACCEPTED, **more: Any) -> Meeting:
    return Meeting("m", None, Stretch(begins, ends), "chef@fjallvik.example", response, **more)


@dataclass(frozen=True)
class Week:
    """How a week was for somebody with a learning hour on Thursdays at nine."""

    dates: Sequence[Occurrence] = (stands(),)
    meetings: Sequence[Meeting] = ()
    away: Sequence[tuple[datetime, datetime]] = ()
    singles: Sequence[Occurrence] = ()
    wanted: Settings = field(default_factory=fjallvik)
    first: date = date(2026, 12, 3)
    last: date = date(2027, 5, 27)
    more: Sequence[tuple[str, date, date]] = ()
    """Further series of the same slot: their id and the dates they cover."""

    def tally(self, *, since: datetime = SINCE, until: datetime = UNTIL, audience: str = "alla") -> Tally:
        wanted = desired(self.wanted, {audience}, since)
        (want,) = wanted.wants
        series = [one_series(want, SERIES, self.first, self.last)]
        series += [one_series(want, name, first, last) for name, first, last in self.more]
        singles = tuple(Single(tag_of(want, THURSDAY, THURSDAY), SINCE, one) for one in self.singles)
        dates: Mapping[str, tuple[Occurrence, ...]] = {
            one.event_id: tuple(d for d in self.dates if d.event_id.startswith(one.event_id)) for one in series
        }
        view = View(dates, tuple(self.meetings), tuple(Stretch(*one) for one in self.away))
        calendar = ActualCalendar("id-anna", tuple(series), singles, view)
        return tally(wanted, calendar, since, until, lambda _block, _day: "ai")


def tag_of(want: Want, first: date, last: date) -> Tag:
    return Tag(want.series.block, 1, Fingerprint(want.key.slot, want.series.fingerprint.words), first, last)


def one_series(want: Want, name: str, first: date, last: date) -> ActualSeries:
    return ActualSeries(
        name, "", tag_of(want, first, last), SINCE - 4 * WEEK, last, at(9, day=first), "Europe/Stockholm"
    )


def with_holidays(*closed: tuple[date, date], **more: Any) -> Settings:
    organization = Organization(
        name="Fjällvik AB", language=Language.SV, time_zone="Europe/Stockholm", holidays=Holidays(closed=closed)
    )
    return fjallvik(block(**more), organization=organization)


def moved(to: datetime, **more: Any) -> Occurrence:
    return stands(starts=to, ends=to + timedelta(hours=1), is_exception=True, **more)


CLOSED = (THURSDAY, THURSDAY)
NOTHING, KEPT, LOST = (0, 0), (60, 60), (60, 0)

WEEKS = {
    "it stood": (Week(), KEPT),
    "deleted": (Week(dates=()), LOST),
    "set free": (Week(dates=[stands(show_as=FREE)]), LOST),
    "set tentative": (Week(dates=[stands(show_as=TENTATIVE)]), LOST),
    "moved within its week and kept there": (Week(dates=[moved(at(14, day=THURSDAY - timedelta(days=1)))]), KEPT),
    "moved and set free": (Week(dates=[moved(at(14), show_as=FREE)]), LOST),
    "moved, with a meeting where it was": (Week(dates=[moved(at(14))], meetings=[meeting(at(9), at(10))]), KEPT),
    "moved under a meeting": (Week(dates=[moved(at(14))], meetings=[meeting(at(14), at(15))]), LOST),
    "made shorter": (Week(dates=[stands(ends=at(9, 30))]), KEPT),
    "an accepted meeting over all of it": (Week(meetings=[meeting(at(9), at(10))]), LOST),
    "an accepted meeting over more than half": (Week(meetings=[meeting(at(8), at(9, 31))]), LOST),
    "an accepted meeting over just half": (Week(meetings=[meeting(at(9, 30), at(11))]), KEPT),
    "an accepted meeting around all of it": (Week(meetings=[meeting(at(7), at(17))]), LOST),
    "an accepted meeting right after it": (Week(meetings=[meeting(at(10), at(11))]), KEPT),
    "a meeting of one's own over it": (Week(meetings=[meeting(at(9), at(10), Response.NONE, is_own=True)]), LOST),
    "a meeting declined": (Week(meetings=[meeting(at(9), at(10), Response.DECLINED)]), KEPT),
    "a meeting not answered": (Week(meetings=[meeting(at(9), at(10), Response.UNANSWERED)]), KEPT),
    "a meeting perhaps": (Week(meetings=[meeting(at(9), at(10), Response.TENTATIVE)]), KEPT),
    "out of office that day": (Week(away=[(at(13), at(14))]), NOTHING),
    "out of office that day, and deleted": (Week(dates=(), away=[(at(0), at(23))]), NOTHING),
    "out of office all the week": (Week(away=[(SINCE, UNTIL)]), NOTHING),
    "out of office until that midnight": (Week(away=[(SINCE, at(0))]), KEPT),
    "out of office from the next midnight on": (Week(away=[(at(0, day=THURSDAY + timedelta(days=1)), UNTIL)]), KEPT),
    "a day off": (Week(dates=(), wanted=with_holidays(CLOSED)), NOTHING),
    "a day off, and it stood all the same": (Week(wanted=with_holidays(CLOSED)), NOTHING),
    "a day off that it was moved from": (
        Week(
            dates=[moved(at(9, day=THURSDAY - timedelta(days=1)))],
            wanted=with_holidays(CLOSED, holiday=HolidayRule.MOVE),
        ),
        KEPT,
    ),
    "a day off that it was moved from, and deleted": (
        Week(dates=(), wanted=with_holidays(CLOSED, holiday=HolidayRule.MOVE)),
        LOST,
    ),
    "out of office on the day it was moved to": (
        Week(
            dates=[moved(at(9, day=THURSDAY - timedelta(days=1)))],
            away=[(at(8, day=THURSDAY - timedelta(days=1)), at(17, day=THURSDAY - timedelta(days=1)))],
            wanted=with_holidays(CLOSED, holiday=HolidayRule.MOVE),
        ),
        NOTHING,
    ),
    "a week off, so that it could not be moved": (
        Week(dates=(), wanted=with_holidays((date(2026, 12, 7), date(2026, 12, 13)), holiday=HolidayRule.MOVE)),
        NOTHING,
    ),
    "deleted, and put back as a single event": (Week(dates=(), singles=[stands(event_id="AAk2=")]), KEPT),
    "put back as a single event, which was set free": (
        Week(dates=(), singles=[stands(event_id="AAk2=", show_as=FREE)]),
        LOST,
    ),
    "the series ended the week before": (Week(last=date(2026, 12, 3)), NOTHING),
    "the series ended on that day": (Week(last=THURSDAY), KEPT),
    "the series began the week after": (Week(first=date(2026, 12, 17)), NOTHING),
    "the series ended and the next one goes on": (
        Week(
            dates=[stands(event_id=f"AAk2=/{THURSDAY}")],
            last=date(2026, 12, 3),
            more=[("AAk2=", THURSDAY, date(2027, 5, 27))],
        ),
        KEPT,
    ),
    "two series of the same slot": (Week(more=[("AAk2=", date(2026, 12, 3), date(2027, 5, 27))]), KEPT),
    "the block was over by then": (Week(wanted=fjallvik(block(until=THURSDAY))), KEPT),
}


@pytest.mark.parametrize(("week", "told"), WEEKS.values(), ids=WEEKS)
def test_what_is_protected_and_what_is_kept(week: Week, told: tuple[int, int]) -> None:
    found = week.tally()
    assert (found.protected, found.kept) == told
    assert found.by_goal == ({"ai": 60} if found.protected else {})
    assert (found.people, found.largest) == ((1, 60) if found.protected else (0, 0))


def test_a_date_belongs_to_the_period_in_which_it_ends() -> None:
    early, late = at(9, 59), at(10)
    assert Week().tally(until=early).protected == 0
    assert Week().tally(until=late).protected == 60
    assert Week().tally(since=early).protected == 60
    assert Week().tally(since=late).protected == 0


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "America/New_York", "Pacific/Auckland"])
def test_periods_together_tell_every_date_once(zone: str) -> None:
    wanted = fjallvik(
        block(day=Day.SUNDAY, weekend=True, at=time(4), from_=date(2027, 1, 1)),
        organization=Organization(name="Fjällvik AB", language=Language.SV, time_zone=zone),
    )
    week = Week(dates=(), wanted=wanted, first=date(2027, 1, 3), last=date(2027, 12, 26))
    begins = datetime(2027, 2, 26, 13, tzinfo=UTC)
    cuts = [begins + timedelta(days=7 * n, hours=n % 5) for n in range(13)]
    parts = [week.tally(since=one, until=other).protected for one, other in itertools.pairwise(cuts)]
    assert sum(parts) == week.tally(since=cuts[0], until=cuts[-1]).protected == 12 * 60


def test_a_slot_that_was_changed_in_the_week_counts_from_its_first_date_on() -> None:
    """What the slot before had is nobody's loss."""
    wanted = fjallvik(block(day=Day.FRIDAY))
    (want,) = desired(wanted, {"alla"}, SINCE).wants
    (before,) = desired(fjallvik(), {"alla"}, SINCE).wants
    friday = THURSDAY + timedelta(days=1)
    series = (
        one_series(before, SERIES, date(2026, 12, 3), date(2026, 12, 3)),
        one_series(want, "AAk2=", friday, date(2027, 5, 28)),
    )
    view = View({SERIES: (), "AAk2=": (stands(friday, event_id="AAk2=/x"),)})
    calendar = ActualCalendar("id-anna", series, view=view)
    found = tally(desired(wanted, {"alla"}, SINCE), calendar, SINCE, UNTIL, lambda *_: None)
    assert (found.protected, found.kept, found.by_goal) == (60, 60, {})


def test_a_calendar_whose_view_was_not_read_is_not_an_empty_one() -> None:
    with pytest.raises(ValueError, match="view"):
        tally(desired(fjallvik(), {"alla"}, SINCE), ActualCalendar("id-anna"), SINCE, UNTIL, lambda *_: None)


def test_tallies_add_up() -> None:
    one, other = Tally(60, 0, {"ai": 60}, 1, 60), Tally(150, 90, {"ai": 60, "safety": 90}, 1, 150)
    nobody = Tally()
    assert sum([one, other, nobody], Tally()) == Tally(210, 90, {"ai": 120, "safety": 90}, 2, 150)


# Rounding


@pytest.mark.parametrize(
    ("hours", "told"),
    [(0, 0), (2, 0), (2.5, 5), (5, 5), (7, 5), (7.5, 10), (12.4, 10), (12.5, 15), (17.5, 20), (1003, 1005)],
)
def test_hours_are_told_to_the_nearest_five(hours: float, told: int) -> None:
    assert rounded_hours(hours * 60) == told


def many(kept: int, people: int = 1000) -> Tally:
    return Tally(people * 60, kept * 60, {}, people, 60)


@pytest.mark.parametrize(
    ("kept", "percent"),
    [
        *[(0, 0), (99, 0), (100, 10), (149, 10), (150, 20), (249, 20), (500, 50)],
        *[(849, 80), (850, 90), (900, 90), (901, 100), (1000, 100)],
    ],
)
def test_shares_are_told_in_tens_and_only_as_less_or_more_at_the_ends(kept: int, percent: int) -> None:
    assert kept_share(many(kept)) == Kept(percent)


@pytest.mark.parametrize(
    ("people", "told"),
    [
        (3, [20, 20, 80, 80]),
        (4, [20, 20, 50, 80, 80]),
        (5, [10, 10, 30, 70, 90, 90]),
        (6, [10, 10, 30, 50, 70, 90, 90]),
        (10, [10, 10, 10, 30, 30, 50, 70, 70, 90, 90, 90]),
    ],
)
def test_of_few_people_all_is_told_like_all_but_one_and_nothing_like_one(people: int, told: list[int]) -> None:
    assert [kept_share(many(kept, people)).percent for kept in range(people + 1)] == told


@given(st.integers(5, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_a_share_that_is_told_is_never_far_from_what_it_was(team: tuple[int, int]) -> None:
    people, kept = team
    told, share = kept_share(many(kept, people)).percent, 100 * kept / people
    assert abs(told - share) <= 10
    assert (told == 0) <= (share < 10)
    assert (told == 100) <= (share > 90)


# What is not told


@pytest.mark.parametrize(("people", "is_told"), [(0, False), (1, False), (4, False), (5, True), (6, True)])
def test_nothing_is_told_of_too_few_people(people: int, *, is_told: bool) -> None:
    assert (published(many(people // 2, people), smallest=5) is not None) == is_told


def test_people_who_had_no_learning_time_do_not_hide_those_who_had() -> None:
    """Eight in the team, of whom seven are on holiday."""
    week = sum([Tally(60, 60, {}, 1, 60), *(Tally() for _ in range(7))], Tally())
    assert published(week, smallest=5) is None


def test_of_people_who_had_no_learning_time_nothing_is_told() -> None:
    assert published(sum([Tally()] * 9, Tally()), smallest=5) is None


def test_where_most_of_the_time_was_one_persons_nothing_is_told() -> None:
    team = [Tally(600, 600, {}, 1, 600), *(Tally(30, 0, {}, 1, 30) for _ in range(6))]
    assert published(sum(team, Tally()), smallest=5) is None


@pytest.mark.parametrize(
    ("own", "others", "alike"),
    [
        ("abcdefgh", [], False),
        ("abcdefgh", ["abcdefgh"], False),
        ("abcdefgh", ["abcdefg"], False),
        ("abcdefg", ["abcdefgh"], True),
        ("abcdefg", ["abcdefghijk"], True),
        ("abcdefg", ["abcdefghijkl"], False),
        ("abcdefg", ["ABCDEFGHIJKL", "abcdefgh"], True),
        ("abcdefg", ["bcdefgh"], True),
        ("abcdefg", ["efghijklm"], False),
    ],
)
def test_of_two_sets_that_differ_by_few_people_only_the_larger_is_told(
    own: str, others: list[str], *, alike: bool
) -> None:
    assert too_alike(own, others, smallest=5) is alike


@given(st.lists(st.sets(st.integers(0, 14), min_size=5), min_size=2, max_size=4), st.integers(3, 6))
def test_no_two_sets_that_are_told_differ_by_few_people(sets: list[set[int]], smallest: int) -> None:
    told = [
        one
        for number, one in enumerate(sets)
        if not too_alike(one, sets[:number] + sets[number + 1 :], smallest=smallest)
    ]
    assert all(one == other or len(one ^ other) >= smallest for one, other in itertools.combinations(told, 2))


# What somebody can tell who knows everybody's hours and how figures are made, and sees what is published


Times = list[list[int]]
"""The lengths of the dates of each person in a week."""


def reach(times: Times) -> list[int]:
    """How much these people can have kept together."""
    sums = 1  # a bit for each quarter of an hour
    for length in itertools.chain.from_iterable(times):
        sums |= sums << length // 15
    return [15 * number for number in range(sums.bit_length()) if sums >> number & 1]


def told_of(times: Times, kept: int, smallest: int) -> tuple[Figures, int] | None:
    """What is published: the figures, and the hours of a goal that was in focus all the time."""
    people = [Tally(sum(one), 0, {"ai": sum(one)}, int(bool(one)), sum(one), {"ai": int(bool(one))}) for one in times]
    total = replace(sum(people, Tally()), kept=kept)
    found = published(total, smallest=smallest)
    return (found, figures.goal_hours(total, found, smallest=smallest)["ai"]) if found else None


LENGTHS = st.sampled_from([15, 30, 45, 60, 90, 120])


@given(st.lists(st.lists(LENGTHS, max_size=3), min_size=1, max_size=26), st.integers(3, 6))
def test_nobodys_time_can_be_told_from_what_is_published(times: Times, smallest: int) -> None:
    nobody_can_be_told(times, smallest)


@given(st.lists(LENGTHS, min_size=1, max_size=3), st.integers(1, 26), st.integers(3, 6))
def test_nobodys_time_can_be_told_in_a_team_that_has_the_same_blocks(
    blocks: list[int], people: int, smallest: int
) -> None:
    nobody_can_be_told([blocks] * people, smallest)


def nobody_can_be_told(times: Times, smallest: int) -> None:
    told = {kept: told_of(times, kept, smallest) for kept in reach(times)}
    for own in {tuple(sorted(one)) for one in times if one}:
        rest = [sorted(one) for one in times]
        rest.remove(list(own))
        of_others = reach(rest)
        kept_of_one: dict[object, set[int]] = defaultdict(set)
        for kept in reach([list(own)]):
            for others in of_others:
                kept_of_one[told[kept + others]].add(kept)
        kept_of_one.pop(None, None)
        assert all(len(possible) > 1 for possible in kept_of_one.values()), (own, kept_of_one)


@given(st.lists(st.lists(LENGTHS, max_size=3), min_size=1, max_size=26))
def test_whether_anything_is_told_says_nothing_of_what_was_kept(times: Times) -> None:
    assert len({told_of(times, kept, 5) is None for kept in reach(times)}) == 1


@given(st.lists(LENGTHS, min_size=5, max_size=26), st.integers(0, 100))
def test_the_hours_of_goals_say_no_more_than_the_figures(lengths: list[int], share: int) -> None:
    """A goal's own share would tell of single dates: it is reckoned from the share of all."""
    learned = {"ai": 1, "safety": 1}
    people = [Tally(length, 0, {"ai": length // 3, "safety": length // 2}, 1, length, learned) for length in lengths]
    total = sum(people, Tally())
    total = replace(total, kept=total.protected * share // 100)
    found = published(total, smallest=5)
    if found:
        hours = figures.goal_hours(total, found, smallest=5)
        assert all(told % 5 == 0 for told in hours.values())
        same = {
            kept for kept in range(0, total.protected + 1, 5) if kept_share(replace(total, kept=kept)) == found.kept
        }
        again = (figures.goal_hours(replace(total, kept=kept), found, smallest=5) for kept in same)
        assert {tuple(one.items()) for one in again} == {tuple(hours.items())}


def test_the_hours_of_a_goal_that_few_learn_for_are_not_told() -> None:
    staff = sum([Tally(60, 60, {"ai": 60}, 1, 60, {"ai": 1})] * 80, Tally())
    leaders = sum([Tally(300, 300, {"lead": 300}, 1, 300, {"lead": 1})] * 4, Tally())
    found = published(staff + leaders, smallest=5)
    assert found is not None
    assert set(figures.goal_hours(staff + leaders, found, smallest=5)) == {"ai"}
