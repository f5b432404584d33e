"""Every reason that comes from zones, working hours, days off and blocks of several days, by an example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from holdfast.core.desired import ANYBODY, ChoiceKey, Desired, desired, in_their_zones
from holdfast.core.diff import InstancesNeeded, Memory, diff
from holdfast.core.model import ActualCalendar, ActualSeries, Profile, Purpose, SlotKey, Weekday, WorkingHours
from holdfast.core.plan import Change, Create, End, Move, Plan, Planned, Reason, Skip, UnsafePlan, guard
from holdfast.core.settings import (
    Block,
    BlockZone,
    Day,
    HolidayRule,
    Holidays,
    OutsideHours,
    Quietest,
    Settings,
)
from tests.core.test_desired import MONDAY, block, settings
from tests.core.world import MAILBOX, World, looked_at, unread

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
STOCKHOLM, NEW_YORK, HELSINKI = "Europe/Stockholm", "America/New_York", "Europe/Helsinki"
OFFICE = WorkingHours(frozenset(list(Weekday)[:5]), time(8), time(17), STOCKHOLM)
SWEDEN = Holidays(country="SE")


def with_holidays(holidays: Holidays, *blocks: Block) -> Settings:
    made = settings(*blocks)
    return made.model_copy(update={"organization": made.organization.model_copy(update={"holidays": holidays})})


class Mailbox:
    """One mailbox in the course of time. What it has had is remembered, as it is from run to run."""

    def __init__(self, *blocks: Block, now: datetime = MONDAY, holidays: Holidays | None = None) -> None:
        self.world = World()
        self.settings = with_holidays(holidays, *blocks) if holidays else settings(*blocks)
        self.profile, self.memory = ANYBODY, Memory()
        self.run(now)

    def edit(self, *blocks: Block, holidays: Holidays | None = None) -> None:
        self.settings = with_holidays(holidays, *blocks) if holidays else settings(*blocks)

    def wanted(self, now: datetime) -> Desired:
        told = desired(self.settings, {"alla"}, now, profile=self.profile)
        return in_their_zones(told, self.world.calendar.series, now)

    def plan(self, now: datetime) -> tuple[Change, ...]:
        return diff(self.wanted(now), looked_at(self.world.calendar, now), now=now, memory=self.memory)

    def run(self, now: datetime) -> tuple[Change, ...]:
        changes = self.plan(now)
        self.world.carry_out(changes, now)
        had = {SlotKey(s.tag.block, s.tag.fingerprint.slot) for s in self.world.calendar.series}
        self.memory = Memory(frozenset(had))
        return changes

    @property
    def series(self) -> Sequence[ActualSeries]:
        return self.world.calendar.series

    def stands(self, day: str) -> list[str]:
        """When the occurrences of a day begin, in UTC."""
        found = (one.starts for series in self.series for one in series.instances or ())
        return sorted(f"{at:%H:%M}" for at in found if f"{at:%Y-%m-%d}" == day)

    def the(self, day: str) -> tuple[str, str]:
        """The ids of a series and of its occurrence of a date."""
        return next(
            (series.event_id, one.event_id)
            for series in self.series
            for one in series.instances or ()
            if one.event_id.endswith(day)
        )


def told(changes: Sequence[Change]) -> list[tuple[str, Reason]]:
    return [(type(change).__name__, change.reason) for change in changes]


def landed(changes: Sequence[Change]) -> list[tuple[str, str | None]]:
    """The dates that cannot stay and where they go, of new series and of those that stand."""
    found = []
    for change in changes:
        if isinstance(change, (Skip, Move)):
            found.append(change.landing)
        elif isinstance(change, Create):
            found += change.landings
    return [(str(one.day), str(one.to) if one.to else None) for one in sorted(found)]


def is_counted(changes: Sequence[Change]) -> bool:
    """Whether the guard would refuse the plan, were it that of all of twenty people."""
    people = [f"id-{number}" for number in range(20)]
    plan = Plan.of(Planned(one, f"{one}@fjallvik.example", tuple(changes)) for one in people)
    try:
        guard(plan, managed=people, complete={change.block for change in changes}, share=30, count=10)
    except UnsafePlan:
        return True
    return False


class TestZone:
    """A block by the mailbox's own clock, made in Stockholm; then the mailbox is in New York."""

    BLOCK = block(time_zone=BlockZone.MAILBOX, minutes=60)

    def moved(self, days: float, *, hours: WorkingHours | None = None, **values: Any) -> tuple[Mailbox, datetime]:
        """The mailbox, and the instant at which it has been in New York for so long."""
        mailbox = Mailbox(block(time_zone=BlockZone.MAILBOX, **values))
        now = MONDAY + timedelta(days=days)
        mailbox.profile = Profile(Purpose.USER, hours, NEW_YORK, MONDAY)
        return mailbox, now

    @pytest.mark.parametrize("days", [0, 1, 7, 27, 28 - 1 / 1440])
    def test_a_traveller_is_not_followed_for_28_days(self, days: float) -> None:
        mailbox, now = self.moved(days)
        assert mailbox.plan(now) == ()

    @pytest.mark.parametrize("days", [28, 29, 60])
    def test_after_28_days_the_block_follows(self, days: float) -> None:
        mailbox, now = self.moved(days)
        changes = mailbox.run(now)
        assert told(changes) == [("Create", Reason.ZONE), ("End", Reason.ZONE)]
        assert is_counted(changes)
        create, end = changes
        assert isinstance(create, Create)
        assert isinstance(end, End)
        assert (create.series.slot.zone, create.generation) == (NEW_YORK, 1)
        assert not end.whole
        assert mailbox.stands("2026-12-31") == ["08:00"]  # what was before stays
        assert mailbox.stands("2027-02-11") == ["14:00"]
        assert mailbox.plan(now) == ()

    def test_back_home_before_28_days_nothing_has_happened(self) -> None:
        mailbox, now = self.moved(20)
        assert mailbox.run(now) == ()
        mailbox.profile = Profile(Purpose.USER, None, STOCKHOLM, now)
        for days in (0, 27, 28, 100):
            assert all(change.reason is Reason.CONTINUED for change in mailbox.plan(now + timedelta(days=days)))

    def test_a_block_by_the_organisations_clock_never_follows(self) -> None:
        mailbox = Mailbox(block())
        mailbox.profile = Profile(Purpose.USER, None, NEW_YORK, MONDAY - 100 * DAY)
        assert mailbox.plan(MONDAY) == ()

    def test_the_organisations_move_to_another_zone_is_an_edit_and_waits_for_nobody(self) -> None:
        mailbox = Mailbox(block())
        mailbox.settings = settings(block(), zone=HELSINKI)
        mailbox.profile = Profile(Purpose.USER, None, NEW_YORK, MONDAY)
        assert told(mailbox.plan(MONDAY + DAY)) == [("Create", Reason.RESCHEDULED), ("End", Reason.RESCHEDULED)]

    def test_a_newcomers_series_is_made_where_they_are(self) -> None:
        mailbox = Mailbox(self.BLOCK)
        mailbox.world, mailbox.memory = World(), Memory()
        mailbox.profile = Profile(Purpose.USER, None, NEW_YORK, MONDAY)
        [create] = mailbox.plan(MONDAY)
        assert isinstance(create, Create)
        assert (create.reason, create.series.slot.zone) == (Reason.NEW, NEW_YORK)

    def test_a_series_in_a_zone_by_another_of_its_names_stands(self) -> None:
        mailbox = Mailbox(self.BLOCK)
        mailbox.profile = Profile(Purpose.USER, None, "Europe/Berlin", MONDAY - 100 * DAY)
        assert mailbox.plan(MONDAY) == ()

    def test_another_time_is_no_move_to_another_zone(self) -> None:
        """Regression: the new series of a block by the mailbox's clock said that the mailbox had moved."""
        mailbox = Mailbox(self.BLOCK)
        mailbox.edit(block(time_zone=BlockZone.MAILBOX, at=time(10)))
        assert told(mailbox.plan(MONDAY)) == [("Create", Reason.RESCHEDULED), ("End", Reason.RESCHEDULED)]

    def test_another_time_while_somebody_travels_is_a_time_at_home(self) -> None:
        """Regression: the new series was made by the clock of the place they were visiting."""
        mailbox, now = self.moved(3)
        mailbox.edit(block(time_zone=BlockZone.MAILBOX, at=time(10)))
        create, end = mailbox.plan(now)
        assert isinstance(create, Create)
        assert (create.series.slot.zone, create.reason, end.reason) == (
            STOCKHOLM,
            Reason.RESCHEDULED,
            Reason.RESCHEDULED,
        )

    def test_a_traveller_whose_working_hours_stay_at_home_keeps_the_block(self) -> None:
        """Regression: 11:00 in New York is 17:00 at home, when the working day is over, so the series was ended."""
        mailbox, now = self.moved(3, hours=OFFICE, at=time(11), minutes=90)
        assert mailbox.plan(now) == ()
        assert told(mailbox.plan(now + 28 * DAY)) == [("End", Reason.OUTSIDE)]

    @pytest.mark.parametrize("at", [time(9), time(15)])
    def test_a_traveller_whose_working_hours_come_along_keeps_the_block(self, at: time) -> None:
        """09:00 at home is 03:00 in New York, 15:00 is 09:00 there; both are office hours where they belong."""
        mailbox, now = self.moved(3, hours=replace(OFFICE, zone=NEW_YORK), at=at)
        assert mailbox.plan(now) == ()
        assert told(mailbox.plan(now + 28 * DAY)) == [("Create", Reason.ZONE), ("End", Reason.ZONE)]

    def test_outside_their_hours_here_and_there_it_goes(self) -> None:
        mailbox, now = self.moved(3, hours=replace(OFFICE, ends=time(8, 30)))
        assert told(mailbox.run(now)) == [("End", Reason.OUTSIDE)]
        assert mailbox.plan(now) == ()

    def test_a_traveller_is_not_displaced_by_a_block_of_the_hour_it_would_be(self) -> None:
        """Regression: 09:00 in New York is 15:00 at home, where another block was."""
        first, second = self.BLOCK, block("kodtimmen", at=time(15))
        mailbox = Mailbox(first, second)
        mailbox.profile = Profile(Purpose.USER, None, NEW_YORK, MONDAY)
        assert mailbox.plan(MONDAY + 3 * DAY) == ()

    def test_of_two_zones_that_a_killed_run_left_the_newer_counts(self) -> None:
        """Regression: the one that was read first, so that each look ended another one."""
        mailbox, now = self.moved(28)
        create, _ = mailbox.plan(now)
        mailbox.world.carry_out([create], now)
        mailbox.profile = Profile(Purpose.USER, None, HELSINKI, now)
        for series in (mailbox.series, mailbox.series[::-1]):
            calendar = looked_at(ActualCalendar(MAILBOX, tuple(series)), now)
            wants = in_their_zones(
                desired(mailbox.settings, {"alla"}, now, profile=mailbox.profile), calendar.series, now
            )
            [end] = diff(wants, calendar, now=now, memory=mailbox.memory)
            assert (end.reason, end.actual.tag.generation) == (Reason.ZONE, 0)


class TestOutside:
    BLOCK = block(at=time(16, 30))
    """It ends at 17:30."""

    def test_a_series_outside_the_hours_that_somebody_now_has_goes(self) -> None:
        mailbox = Mailbox(self.BLOCK)
        mailbox.profile = Profile(Purpose.USER, OFFICE)
        changes = mailbox.plan(MONDAY)
        assert told(changes) == [("End", Reason.OUTSIDE)]
        assert is_counted(changes)

    def test_with_place_it_stays(self) -> None:
        mailbox = Mailbox(block(at=time(16, 30), outside_hours=OutsideHours.PLACE))
        mailbox.profile = Profile(Purpose.USER, OFFICE)
        assert mailbox.plan(MONDAY) == ()

    def test_of_two_days_only_the_one_that_is_not_worked_goes(self) -> None:
        mailbox = Mailbox(block(day=(Day.MONDAY, Day.THURSDAY)))
        mailbox.profile = Profile(Purpose.USER, replace(OFFICE, days=frozenset({Weekday.THURSDAY})))
        [end] = mailbox.run(MONDAY)
        assert isinstance(end, End)
        assert (end.reason, end.actual.starts.weekday()) == (Reason.OUTSIDE, 0)
        assert mailbox.plan(MONDAY) == ()

    def test_back_in_working_hours_it_comes_again_as_a_new_slot(self) -> None:
        mailbox = Mailbox(self.BLOCK)
        mailbox.profile = Profile(Purpose.USER, OFFICE)
        mailbox.run(MONDAY)
        mailbox.memory = Memory()
        mailbox.profile = Profile(Purpose.USER, replace(OFFICE, ends=time(18)))
        assert told(mailbox.plan(MONDAY + DAY)) == [("Create", Reason.NEW)]

    def test_a_date_on_a_weekday_that_is_not_worked_is_skipped_or_moved(self) -> None:
        """15 January 2027 is a Friday, 15 February a Monday."""
        part_timer = Profile(Purpose.USER, replace(OFFICE, days=frozenset(list(Weekday)[1:5])))
        for rule, to in ((HolidayRule.SKIP, None), (HolidayRule.MOVE, "2027-02-16")):
            mailbox = Mailbox(block(every="month", day=15, holiday=rule))
            mailbox.profile = part_timer
            changes = mailbox.run(MONDAY)
            assert landed(changes) == [("2027-02-15", to)]
            assert {change.reason for change in changes} == {Reason.DAY_OFF}
            assert mailbox.plan(MONDAY) == ()

    def test_a_date_of_the_month_outside_the_hours_goes_for_that_reason(self) -> None:
        mailbox = Mailbox(block(every="month", day=15, at=time(18)))
        mailbox.profile = Profile(Purpose.USER, OFFICE)
        assert told(mailbox.plan(MONDAY)) == [("End", Reason.OUTSIDE)]


class TestDayOff:
    """Thursdays at 09:00 in Sweden; of the coming weeks Christmas Eve and New Year's Eve are off."""

    CHRISTMAS, NEW_YEAR = "2026-12-24", "2026-12-31"
    JUST_BEFORE = datetime(2026, 12, 21, 12, tzinfo=UTC)

    def test_a_new_series_is_made_without_them(self) -> None:
        mailbox = Mailbox(block(), holidays=SWEDEN)
        assert mailbox.stands(self.CHRISTMAS) == mailbox.stands(self.NEW_YEAR) == []
        assert mailbox.stands("2027-01-07") == ["08:00"]

    @pytest.mark.parametrize(
        ("rule", "kind", "to"), [(HolidayRule.SKIP, "Skip", None), (HolidayRule.MOVE, "Move", ("23", "30"))]
    )
    def test_a_series_that_stands_loses_or_moves_them_and_nobody_counts(
        self, rule: HolidayRule, kind: str, to: tuple[str, str] | None
    ) -> None:
        mailbox = Mailbox(block(holiday=rule))
        mailbox.edit(block(holiday=rule), holidays=SWEDEN)
        changes = mailbox.run(MONDAY)
        assert told(changes) == [(kind, Reason.DAY_OFF)] * 2
        assert landed(changes) == [
            (self.CHRISTMAS, f"2026-12-{to[0]}" if to else None),
            (self.NEW_YEAR, f"2026-12-{to[1]}" if to else None),
        ]
        assert not is_counted(changes)
        assert [change.landing.name for change in changes if isinstance(change, (Skip, Move))] == [
            "Julafton",
            "Nyårsafton",
        ]
        assert mailbox.stands("2026-12-23") == (["08:00"] if to else [])
        assert mailbox.plan(MONDAY) == ()

    def test_only_13_weeks_ahead_are_looked_at(self) -> None:
        """Ascension is on Thursday 6 May 2027."""
        mailbox = Mailbox(block(), holidays=SWEDEN)
        before, there = (datetime(2027, 2, 3, tzinfo=UTC), datetime(2027, 2, 4, tzinfo=UTC))
        assert mailbox.plan(before) == ()
        [skip] = mailbox.plan(there)
        assert landed([skip]) == [("2027-05-06", None)]

    def test_a_date_that_the_person_has_moved_to_a_working_day_is_theirs(self) -> None:
        mailbox = Mailbox(block())
        mailbox.world.move(*mailbox.the(self.CHRISTMAS), -2 * DAY)
        mailbox.edit(block(), holidays=SWEDEN)
        assert landed(mailbox.run(MONDAY)) == [(self.NEW_YEAR, None)]
        assert mailbox.stands("2026-12-22") == ["08:00"]

    def test_a_date_that_the_person_has_moved_to_another_day_off_is_not(self) -> None:
        mailbox = Mailbox(block())
        mailbox.world.move(*mailbox.the(self.CHRISTMAS), DAY)
        mailbox.edit(block(), holidays=SWEDEN)
        assert landed(mailbox.run(MONDAY)) == [(self.CHRISTMAS, None), (self.NEW_YEAR, None)]

    def test_a_date_that_the_person_has_deleted_does_not_come_back(self) -> None:
        mailbox = Mailbox(block(holiday=HolidayRule.MOVE))
        mailbox.world.forget(*mailbox.the(self.CHRISTMAS))
        mailbox.edit(block(holiday=HolidayRule.MOVE), holidays=SWEDEN)
        assert landed(mailbox.run(MONDAY)) == [(self.NEW_YEAR, "2026-12-30")]
        assert mailbox.stands("2026-12-23") == []

    def test_a_date_that_the_person_moves_on_after_we_did_is_theirs(self) -> None:
        mailbox = Mailbox(block(holiday=HolidayRule.MOVE), holidays=SWEDEN)
        mailbox.world.move(*mailbox.the(self.CHRISTMAS), -DAY)
        assert mailbox.plan(self.JUST_BEFORE) == ()
        assert mailbox.stands("2026-12-22") == ["08:00"]

    @pytest.mark.parametrize(("minutes", "goes"), [(-30, False), (-1, False), (15, False), (16, True)])
    def test_a_date_that_has_begun_on_another_day_is_not_touched(self, minutes: int, *, goes: bool) -> None:
        """Regression: a date that somebody had moved to Sunday was deleted while it was held."""
        mailbox = Mailbox(block())
        mailbox.world.move(*mailbox.the(self.CHRISTMAS), -4 * DAY)
        mailbox.edit(block(), holidays=SWEDEN)
        sunday = datetime(2026, 12, 20, 8, tzinfo=UTC) - timedelta(minutes=minutes)
        assert ((self.CHRISTMAS, None) in landed(mailbox.plan(sunday))) is goes

    @pytest.mark.parametrize(
        ("now", "to"),
        [
            (datetime(2026, 12, 22, 12, tzinfo=UTC), "2026-12-23"),
            (datetime(2026, 12, 23, 7, 44, tzinfo=UTC), "2026-12-23"),
            (datetime(2026, 12, 23, 7, 46, tzinfo=UTC), None),
        ],
    )
    def test_it_is_not_moved_to_what_has_begun_or_is_about_to(self, now: datetime, to: str | None) -> None:
        mailbox = Mailbox(block(holiday=HolidayRule.MOVE))
        mailbox.edit(block(holiday=HolidayRule.MOVE), holidays=SWEDEN)
        assert landed(mailbox.plan(now))[0] == (self.CHRISTMAS, to)

    def test_it_is_not_moved_onto_another_block(self) -> None:
        """Christmas Eve goes to Wednesday, where there is another block; so to Tuesday."""
        mailbox = Mailbox(
            block(holiday=HolidayRule.MOVE), block("kodtimmen", day=Day.WEDNESDAY, at=time(9, 30)), holidays=SWEDEN
        )
        assert mailbox.stands("2026-12-23") == ["08:30"]
        assert mailbox.stands("2026-12-22") == ["08:00"]

    def test_two_that_have_to_move_do_not_land_on_each_other(self) -> None:
        """Regression: Christmas Eve and Christmas Day both went to Wednesday at nine."""
        mailbox = Mailbox(block(day=(Day.THURSDAY, Day.FRIDAY), holiday=HolidayRule.MOVE), holidays=SWEDEN)
        assert [mailbox.stands(f"2026-12-{day}") for day in (21, 22, 23, 24, 25)] == [[], ["08:00"], ["08:00"], [], []]
        assert [mailbox.stands(f"2026-12-{day}") for day in (28, 29, 30, 31)] == [[], ["08:00"], ["08:00"], []]

    @pytest.mark.parametrize(
        ("worked", "to"),
        [
            ({Weekday.WEDNESDAY, Weekday.THURSDAY}, "2026-12-23"),
            ({Weekday.TUESDAY, Weekday.THURSDAY}, "2026-12-22"),
            ({Weekday.THURSDAY, Weekday.FRIDAY}, None),
            ({Weekday.THURSDAY}, None),
        ],
    )
    def test_it_is_moved_only_to_a_day_on_which_they_work(self, worked: set[Weekday], to: str | None) -> None:
        """Regression: a part-timer's went to a day on which they do not work."""
        mailbox = Mailbox(block(holiday=HolidayRule.MOVE))
        mailbox.edit(block(holiday=HolidayRule.MOVE), holidays=SWEDEN)
        mailbox.profile = Profile(Purpose.USER, replace(OFFICE, days=frozenset(worked)))
        assert landed(mailbox.plan(MONDAY))[0] == (self.CHRISTMAS, to)
        mailbox.edit(block(holiday=HolidayRule.MOVE, outside_hours=OutsideHours.PLACE), holidays=SWEDEN)
        assert landed(mailbox.plan(MONDAY))[0] == (self.CHRISTMAS, "2026-12-23")

    def test_a_week_without_a_working_day_loses_its_date(self) -> None:
        closed = Holidays(closed=((date(2026, 12, 21), date(2026, 12, 25)),))
        mailbox = Mailbox(block(holiday=HolidayRule.MOVE), holidays=closed)
        assert not any(mailbox.stands(f"2026-12-{day}") for day in range(18, 28))

    def test_a_series_begins_and_ends_with_dates_that_stand(self) -> None:
        """From 24 December to 31 December of the next year: neither of them stands."""
        edges = {"from_": date(2026, 12, 24), "until": date(2026, 12, 31)}
        mailbox = Mailbox(block(**edges), holidays=SWEDEN)
        assert mailbox.series == ()
        longer = Mailbox(block(from_=date(2026, 12, 24), until=date(2027, 5, 6)), holidays=SWEDEN)
        [series] = longer.series
        assert (series.tag.first, series.tag.last) == (date(2027, 1, 7), date(2027, 4, 29))

    def test_a_first_and_a_last_date_that_move_are_the_first_and_the_last(self) -> None:
        edges = {"from_": date(2026, 12, 21), "until": date(2027, 1, 6), "holiday": HolidayRule.MOVE}
        mailbox = Mailbox(block(**edges), holidays=SWEDEN)
        [series] = mailbox.series
        assert (series.tag.first, series.tag.last) == (date(2026, 12, 24), date(2026, 12, 31))
        assert [mailbox.stands(f"2026-12-{day}") for day in (23, 24, 30, 31)] == [["08:00"], [], ["08:00"], []]
        assert mailbox.plan(MONDAY) == ()

    def test_nothing_is_moved_before_from_or_after_until(self) -> None:
        """Regression: Christmas Eve went to the day before, also where the block was to begin with it."""
        begins = Mailbox(block(from_=date(2026, 12, 24), holiday=HolidayRule.MOVE), holidays=SWEDEN)
        assert begins.series[0].tag.first == date(2026, 12, 31)
        closed = Holidays(closed=((date(2026, 12, 28), date(2026, 12, 31)),))
        edges = {"holiday": HolidayRule.MOVE, "until": date(2026, 12, 31)}
        ends = Mailbox(block(**edges), holidays=closed)
        assert ends.series[0].tag.last == date(2026, 12, 24)
        goes_on = Mailbox(block(**{**edges, "until": date(2027, 1, 1)}), holidays=closed)
        assert goes_on.stands("2027-01-01") == ["08:00"]

    def test_a_newcomer_gets_no_series_of_a_date_that_has_nowhere_to_go_any_more(self) -> None:
        """Regression: its one date was made and deleted, at each look, until it was past."""
        edges = {"until": date(2026, 12, 25), "holiday": HolidayRule.MOVE}
        assert len(Mailbox(block(**edges), now=datetime(2026, 12, 23, 7, tzinfo=UTC), holidays=SWEDEN).series) == 1
        assert Mailbox(block(**edges), now=datetime(2026, 12, 23, 12, tzinfo=UTC), holidays=SWEDEN).series == ()

    def test_a_series_of_which_no_date_is_left_is_over_and_nobody_counts(self) -> None:
        """Regression: after its last date that stood it was ended for everybody, and the guard took it for an edit."""
        ends = block(until=date(2026, 12, 31))
        mailbox = Mailbox(ends)
        mailbox.edit(ends, holidays=SWEDEN)
        mailbox.run(MONDAY)
        after = datetime(2026, 12, 17, 12, tzinfo=UTC)
        changes = mailbox.run(after)
        assert told(changes) == [("End", Reason.DAY_OFF)]
        assert not is_counted(changes)
        assert mailbox.stands("2026-12-17") == ["08:00"]
        assert mailbox.plan(after) == ()

    def test_days_off_after_the_end_go_with_all_that_is_after_it(self) -> None:
        """The block is to end before Christmas: Christmas Eve is not taken out a second time."""
        mailbox = Mailbox(block())
        mailbox.edit(block(until=date(2026, 12, 17)), holidays=SWEDEN)
        assert told(mailbox.run(MONDAY)) == [("End", Reason.SHORTENED)]
        assert mailbox.plan(MONDAY) == ()

    def test_a_series_all_of_whose_dates_become_days_off_goes_but_for_what_the_person_moved(self) -> None:
        ends = block(until=date(2026, 12, 31))
        mailbox = Mailbox(ends)
        mailbox.world.move(*mailbox.the(self.NEW_YEAR), 10 * DAY)
        mailbox.edit(ends, holidays=Holidays(closed=((date(2026, 12, 8), date(2026, 12, 31)),)))
        assert told(mailbox.run(MONDAY)) == [("End", Reason.DAY_OFF)]
        assert not any(mailbox.stands(f"2026-12-{day}") for day in range(8, 32))
        assert mailbox.stands("2027-01-10") == ["08:00"]

    def test_dates_that_are_off_no_more_are_made_where_a_series_does_not_reach(self) -> None:
        """The series began after the closed days; now there are none."""
        closed = Holidays(closed=((date(2026, 12, 7), date(2026, 12, 27)),))
        mailbox = Mailbox(block(), holidays=closed)
        mailbox.edit(block())
        [create] = mailbox.run(MONDAY)
        assert isinstance(create, Create)
        assert (create.reason, create.series.first, create.series.last) == (
            Reason.REMADE,
            date(2026, 12, 10),
            date(2026, 12, 24),
        )
        assert not is_counted([create])

    def test_the_coming_dates_are_asked_for_only_where_one_is_off(self) -> None:
        mailbox = Mailbox(block(), block("kodtimmen", day=Day.MONDAY), holidays=SWEDEN)
        with pytest.raises(InstancesNeeded) as caught:
            diff(mailbox.wanted(MONDAY), unread(mailbox.world.calendar), now=MONDAY, memory=mailbox.memory)
        assert [series.tag.block for series in caught.value.ahead] == ["lartimmen"]
        assert caught.value.whole == ()


class TestSeveralDays:
    BOTH = block(day=(Day.MONDAY, Day.THURSDAY))

    def test_two_days_are_two_series(self) -> None:
        mailbox = Mailbox(self.BOTH)
        assert [(s.tag.generation, s.starts.weekday()) for s in mailbox.series] == [(0, 0), (1, 3)]

    def test_a_day_more_is_a_new_slot_and_counts(self) -> None:
        mailbox = Mailbox(block())
        mailbox.edit(self.BOTH)
        changes = mailbox.run(MONDAY)
        assert told(changes) == [("Create", Reason.RESCHEDULED)]
        assert is_counted(changes)

    def test_a_day_less_ends_that_day_and_counts(self) -> None:
        mailbox = Mailbox(self.BOTH)
        mailbox.edit(block())
        [end] = mailbox.run(MONDAY)
        assert (end.reason, end.actual.starts.weekday()) == (Reason.RESCHEDULED, 0)
        assert is_counted([end])

    def test_another_day_instead_of_one_leaves_the_other(self) -> None:
        mailbox = Mailbox(self.BOTH)
        mailbox.edit(block(day=(Day.MONDAY, Day.FRIDAY)))
        create, end = mailbox.run(MONDAY)
        assert isinstance(create, Create)
        assert told([create, end]) == [("Create", Reason.RESCHEDULED), ("End", Reason.RESCHEDULED)]
        assert (create.series.first.weekday(), end.actual.starts.weekday()) == (4, 3)

    def test_days_in_another_order_are_the_same(self) -> None:
        mailbox = Mailbox(self.BOTH)
        mailbox.edit(block(day=(Day.THURSDAY, Day.MONDAY)))
        assert mailbox.plan(MONDAY) == ()

    @pytest.mark.parametrize("deleted", [0, 1])
    def test_one_that_the_person_has_deleted_is_made_again_and_does_not_count(self, deleted: int) -> None:
        mailbox = Mailbox(self.BOTH)
        gone = mailbox.series[deleted]
        mailbox.world.take(gone.event_id)
        changes = mailbox.run(MONDAY)
        assert told(changes) == [("Create", Reason.REMADE)]
        assert not is_counted(changes)
        [create] = changes
        assert isinstance(create, Create)
        assert create.series.first == gone.tag.first

    def test_another_block_on_one_of_its_days_displaces_that_day_only(self) -> None:
        mailbox = Mailbox(self.BOTH)
        mailbox.edit(block("kodtimmen", at=time(9, 30)), self.BOTH)
        create, end = mailbox.run(MONDAY)
        assert told([create, end]) == [("Create", Reason.NEW), ("End", Reason.DISPLACED)]
        assert (create.block, end.actual.starts.weekday()) == ("kodtimmen", 3)
        assert mailbox.plan(MONDAY) == ()
        mailbox.edit(self.BOTH)
        changes = mailbox.plan(MONDAY)
        assert {change.reason for change in changes if change.block == "kodtimmen"} == {Reason.DROPPED}
        assert [change.block for change in changes if isinstance(change, Create)] == ["lartimmen"]

    def test_a_day_that_is_over_before_the_other_ends_by_itself(self) -> None:
        """Until a Wednesday: the last Monday is the day of the plan."""
        ends = block(day=(Day.MONDAY, Day.TUESDAY), until=date(2026, 12, 16))
        mailbox = Mailbox(ends)
        for now in (datetime(2026, 12, 14, 12, tzinfo=UTC), datetime(2026, 12, 15, 6, tzinfo=UTC)):
            assert mailbox.plan(now) == ()


class TestEndingByTheRange:
    """Where a tenant was seen to keep what happened in a series whose range is ended earlier."""

    MIDWINTER = datetime(2027, 1, 18, 12, tzinfo=UTC)

    def ended(self, mailbox: Mailbox, now: datetime = MIDWINTER) -> End:
        mailbox.memory = replace(mailbox.memory, range_end_keeps=True)
        mailbox.edit()
        [end] = mailbox.plan(now)
        assert isinstance(end, End)
        writes = mailbox.world.writes
        mailbox.world.carry_out([end], now)
        assert mailbox.world.writes - writes == end.writes
        return end

    def test_one_change_takes_all_that_is_to_come(self) -> None:
        mailbox = Mailbox(block())
        end = self.ended(mailbox)
        assert (end.range_end, end.occurrences, end.writes) == (date(2027, 1, 14), (), 1)
        assert (mailbox.stands("2027-01-14"), mailbox.stands("2027-01-21")) == (["08:00"], [])

    def test_what_is_before_a_date_that_was_held_early_goes_date_by_date(self) -> None:
        """The date of 28 January was held on the 15th, so the range reaches to it, and that of the 21st lies before."""
        mailbox = Mailbox(block())
        mailbox.world.move(*mailbox.the("2027-01-28"), -13 * DAY)
        end = self.ended(mailbox)
        assert (end.range_end, len(end.occurrences), end.writes) == (date(2027, 1, 28), 1, 3)
        assert [mailbox.stands(f"2027-01-{day}") for day in (14, 15, 21, 28)] == [["08:00"], ["08:00"], [], []]
        assert mailbox.stands("2027-02-04") == []

    def test_a_series_that_has_not_begun_goes_whole(self) -> None:
        end = self.ended(Mailbox(block()), MONDAY)
        assert (end.whole, end.range_end, end.writes) == (True, None, 1)

    def test_with_its_last_date_to_come_moved_to_the_past_there_is_nothing_to_cut(self) -> None:
        mailbox = Mailbox(block(until=date(2027, 1, 21)))
        mailbox.world.move(*mailbox.the("2027-01-21"), -6 * DAY)
        end = self.ended(mailbox)
        assert (end.range_end, end.occurrences, end.writes) == (None, (), 1)

    def test_in_a_zone_without_a_name_it_goes_date_by_date(self) -> None:
        mailbox = Mailbox(block(until=date(2027, 1, 28)))
        mailbox.world.change(mailbox.series[0].event_id, zone=None)
        end = self.ended(mailbox)
        assert (end.range_end, len(end.occurrences), end.writes) == (None, 2, 4)


class TestOtherRules:
    @pytest.mark.parametrize(
        "values",
        [
            {"every": "2 weeks", "day": Day.THURSDAY},
            {"every": "month", "day": "first thursday"},
            {"every": "month", "day": 10},
            {"every": "month", "day": "last thursday"},
            {"every": "week", "day": Day.FRIDAY},
        ],
        ids=lambda values: f"{values['every']} {values['day']}",
    )
    def test_another_rule_is_another_slot(self, values: dict[str, Any]) -> None:
        mailbox = Mailbox(block())
        mailbox.edit(block(**values))
        assert told(mailbox.run(MONDAY)) == [("Create", Reason.RESCHEDULED), ("End", Reason.RESCHEDULED)]
        assert mailbox.plan(MONDAY) == ()

    def test_the_other_of_two_weeks_is_another_slot(self) -> None:
        """Counted from the week of ``from``."""
        mailbox = Mailbox(block(every="2 weeks"))
        assert mailbox.stands("2026-12-17") == ["08:00"]
        mailbox.edit(block(every="2 weeks", from_=date(2026, 12, 15)))
        assert mailbox.plan(MONDAY) == ()
        mailbox.edit(block(every="2 weeks", from_=date(2026, 12, 8)))
        assert told(mailbox.run(MONDAY)) == [("Create", Reason.RESCHEDULED), ("End", Reason.RESCHEDULED)]
        assert (mailbox.stands("2026-12-10"), mailbox.stands("2026-12-17")) == (["08:00"], [])

    def test_a_newcomer_gets_all_of_the_runway_at_once(self) -> None:
        """Regression: of a block every six months only the first date was made, and the next one a run later."""
        mailbox = Mailbox(block(every="6 months", day=10))
        assert [series.tag.first for series in mailbox.series] == [date(2026, 12, 10), date(2027, 6, 10)]
        assert mailbox.plan(MONDAY) == ()


def test_a_time_chosen_anew_is_another_slot() -> None:
    made = settings(block(at=Quietest(time(8), time(16))))
    key = ChoiceKey("lartimmen", "alla", "weekly THURSDAY")
    nine, later = (desired(made, {"alla"}, MONDAY, choices={key: at}) for at in (time(9), time(13, 30)))
    world = World()
    world.carry_out(diff(nine, world.calendar, now=MONDAY, memory=Memory()), MONDAY)
    [series] = world.calendar.series
    assert f"{series.starts:%d %H:%M}" == "10 08:00"
    memory = Memory(frozenset({SlotKey("lartimmen", series.tag.fingerprint.slot)}))
    calendar = looked_at(world.calendar, MONDAY)
    assert diff(nine, calendar, now=MONDAY, memory=memory) == ()
    assert told(diff(later, calendar, now=MONDAY, memory=memory)) == [
        ("Create", Reason.RESCHEDULED),
        ("End", Reason.RESCHEDULED),
    ]
