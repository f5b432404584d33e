"""Each case that a calendar has, from the settings file to what the tenant shows: exactly what the plan said.

Dates are told by dateutil and by almanacs; what stands, by the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import FR, MO, MONTHLY, TH, WEEKLY, rrule

from holdfast import wiring
from sandbox import Clock, Person, Tenant, firm
from sandbox.directory import Account
from tests.cli.command import Desk
from tests.tenants import Served

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
BEGIN = datetime(2026, 12, 1)  # noqa: DTZ001 - dates alone, for dateutil
STOCKHOLM, HELSINKI = ZoneInfo("Europe/Stockholm"), ZoneInfo("Europe/Helsinki")
PEOPLE = 9
"""Fewer than the guard minds."""


class TenantsTime(wiring.SystemClock):
    """The tenant's time of day; waits are the machine's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()


@dataclass
class Office:
    """A firm on 25 November 2026, and the desk at which its calendars are looked after."""

    tenant: Tenant
    desk: Desk

    def settle(self, block: str, *, organization: str = "", audiences: str = "alla: {group: Alla medarbetare}") -> None:
        """Write the settings file with one block of an hour."""
        names = ", ".join(part.partition(":")[0].strip() for part in audiences.splitlines())
        nested = "\n".join(f"  {line.strip()}" for line in audiences.splitlines())
        self.desk.write(f"""\
version: 1
mode: keep
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm{organization}}}
tenant: {{tenant_id: {self.tenant.id}, client_id: {self.tenant.client_id}, credential: secret}}
audiences:
{nested}
blocks:
  - {{id: lartimmen, title: Lärtimmen, audiences: [{names}], minutes: 60, from: 2026-12-01, {block}}}
""")

    def plan(self, *words: str) -> str:
        """The plan for a person to read; it is in the file as well."""
        return self.done("plan", "--out", "plan.json", *words)

    @property
    def planned(self) -> dict[str, Any]:
        """The last plan that was made."""
        return json.loads(self.desk.read("plan.json"))

    def done(self, *words: str) -> str:
        result = self.desk.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def apply(self, *words: str) -> None:
        """Carry out the last plan: as many writes as it said, no mails, and nothing left to do."""
        before = self.tenant.counts.writes
        report = json.loads(self.done("apply", "--yes", "--json", *words))
        assert report["writes"] == self.tenant.counts.writes - before == self.planned["writes"]
        assert self.tenant.counts.mails == 0
        assert "Nothing to do" in self.done("plan", "--detailed-exitcode")

    def stands(self, one: Account, zone: ZoneInfo = STOCKHOLM) -> list[datetime]:
        """When somebody's blocks begin, by the wall clock."""
        view = self.tenant.calendar(one.id, NOW, NOW + timedelta(days=400))
        assert {entry.end - entry.start for entry in view if entry.tag} <= {timedelta(hours=1)}
        return sorted(entry.start.astimezone(zone) for entry in view if entry.tag)

    def days(self, one: Account, zone: ZoneInfo = STOCKHOLM) -> list[date]:
        return [at.date() for at in self.stands(one, zone)]


@pytest.fixture
def at_the_tenants_time(monkeypatch: pytest.MonkeyPatch) -> Any:
    def keep(clock: Clock) -> None:
        monkeypatch.setattr(wiring, "SystemClock", lambda: TenantsTime(clock))

    return keep


@pytest.fixture
def opened(served: Served, tmp_path: Path, at_the_tenants_time: Any) -> Any:
    """Opens the office of a firm."""

    def of(people: int = PEOPLE, **more: Any) -> Office:
        tenant = served.sandbox.add(firm(people=people, seed=4, clock=Clock(at=NOW), **more))
        at_the_tenants_time(tenant.clock)
        return Office(tenant, Desk(tmp_path, served.environment(tenant)))

    return of


def promised(plan: dict[str, Any], one: Account, rule: Iterable[datetime]) -> list[date]:
    """The dates that a plan gives somebody: those of the rule in each new series, but for its days off."""
    found: list[date] = []
    for row in plan["changes"]:
        if row["id"] != one.id or row["change"] != "create":
            continue
        first, last = date.fromisoformat(row["first"]), date.fromisoformat(row["last"])
        off = {one["day"]: one["to"] for one in row["days_off"]}
        for at in rule:
            if at.date() > last:
                break
            day = off.get(at.date().isoformat(), at.date().isoformat())
            if at.date() >= first and day is not None:
                found.append(date.fromisoformat(day))
    return sorted(found)


def thursdays() -> Iterable[datetime]:
    return rrule(WEEKLY, BEGIN, byweekday=TH)


# -- holidays

SWEDEN = ", holidays: {country: SE}"


def test_swedish_christmas_is_left_out_and_the_plan_says_which_days_by_name(opened: Any) -> None:
    office = opened()
    office.settle('every: week, day: thursday, at: "09:00"', organization=SWEDEN)
    text = office.plan()
    assert f"a new series for {PEOPLE} people" in text
    assert "without Thu 2026-12-24 (Julafton), Thu 2026-12-31 (Nyårsafton)" in text
    assert f"{2 * PEOPLE} dates to skip or move: {3 * PEOPLE} Graph writes, 0 mails." in text
    office.apply()
    plan = office.planned
    for one in office.tenant.employees:
        assert office.days(one) == promised(plan, one, thursdays())
        assert {date(2026, 12, 24), date(2026, 12, 31)}.isdisjoint(office.days(one))
        assert {at.time() for at in office.stands(one)} == {time(9)}


def test_days_off_move_within_their_week_to_where_the_plan_says(opened: Any) -> None:
    office = opened()
    office.settle('every: week, day: [thursday, friday], at: "09:00", holiday: move', organization=SWEDEN)
    text = office.plan()
    assert "Thu 2026-12-24 (Julafton) moves to Wed 2026-12-23" in text
    assert "Fri 2026-12-25 (Juldagen) moves to Tue 2026-12-22" in text
    office.apply()
    plan = office.planned
    for one in office.tenant.employees:
        found = office.days(one)
        expected = [promised({"changes": [row]}, one, rule) for row in plan["changes"] for rule in [_rule_of(row)]]
        assert found == sorted(day for days in expected for day in days)
        assert len(found) == len(set(found)) == 52
        assert [day for day in found if day.month == 12 and day.day > 18] == [
            date(2026, 12, day) for day in (22, 23, 29, 30)
        ]


def _rule_of(row: dict[str, Any]) -> Iterable[datetime]:
    return rrule(WEEKLY, BEGIN, byweekday=TH if row["slot"].startswith("Thursdays") else FR)


def test_a_time_when_the_firm_is_closed(opened: Any) -> None:
    office = opened()
    closed = ', holidays: {closed: ["2026-12-21..2027-01-10"]}'
    office.settle('every: week, day: thursday, at: "09:00"', organization=closed)
    assert "without Thu 2026-12-24 (stängt), Thu 2026-12-31 (stängt), Thu 2027-01-07 (stängt)" in office.plan()
    office.apply()
    plan = office.planned
    for one in office.tenant.employees:
        found = office.days(one)
        assert found == promised(plan, one, thursdays())
        assert [day for day in found if date(2026, 12, 21) <= day <= date(2027, 1, 10)] == []


# -- recurrences


def test_two_days_a_week_are_two_series(opened: Any) -> None:
    office = opened()
    office.settle('every: week, day: [monday, thursday], at: "13:30"')
    office.plan()
    office.apply()
    assert len(office.planned["changes"]) == 2 * PEOPLE
    for one in office.tenant.employees:
        found = office.stands(one)
        assert {(at.weekday(), at.time()) for at in found} == {(0, time(13, 30)), (3, time(13, 30))}
        expected = [at.date() for at in rrule(WEEKLY, BEGIN, byweekday=(MO, TH), count=52)]
        assert office.days(one) == expected


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        ("every: month, day: first monday", rrule(MONTHLY, BEGIN, byweekday=MO(1))),
        ("every: month, day: last friday", rrule(MONTHLY, BEGIN, byweekday=FR(-1))),
        ("every: 2 weeks, day: thursday", rrule(WEEKLY, BEGIN, 2, byweekday=TH)),
        ("every: month, day: 15", rrule(MONTHLY, BEGIN, bymonthday=15)),
        ("every: 3 months, day: 15", rrule(MONTHLY, BEGIN, 3, bymonthday=15)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_rule_is_as_the_plan_says_over_both_clock_changes(
    opened: Any, block: str, rule: Iterable[datetime]
) -> None:
    office = opened(3)
    office.settle(f'{block}, at: "09:00"')
    office.plan()
    office.apply()
    plan = office.planned
    for one in office.tenant.employees:
        found = office.stands(one)
        assert office.days(one) == promised(plan, one, rule) != []
        assert {at.time() for at in found} == {time(9)}
        assert all(at.weekday() < 5 for at in found)


# -- the quietest time


def have_meetings(office: Office, hours: Iterable[int], *, people: int) -> list[tuple[Person, str]]:
    """So many people have something each Thursday from each of these hours on."""
    booked = []
    for one in office.tenant.employees[:people]:
        person = Person(office.tenant, one)
        for week in range(9):
            for hour in hours:
                at = datetime(2026, 12, 3, hour) + timedelta(weeks=week)  # noqa: DTZ001 - by the mailbox's clock
                booked.append((person, person.book("Möte", at, at + timedelta(hours=1))))
    return booked


QUIETEST = 'every: week, day: thursday, at: {between: ["08:00", "12:00"], choose: quietest}'


def test_the_quietest_time_is_shown_with_what_comes_next_and_kept_until_somebody_asks_again(opened: Any) -> None:
    office = opened(calendars=False)
    mornings = have_meetings(office, [8], people=7)
    have_meetings(office, [9], people=2)
    have_meetings(office, [10], people=1)
    have_meetings(office, [11], people=3)
    group = office.tenant.add_group("Lärande", members=office.tenant.employees)
    office.settle(QUIETEST, audiences=f"alla: {{group: {group.display_name}}}")
    text = office.plan()
    assert (
        f"lartimmen for alla: Thursdays 10:00-11:00 is the quietest, with 4 conflicts in {PEOPLE} calendars on 4 dates."
    ) in text
    assert "Next would be 09:00 (8), 09:30 (8), 10:30 (12). It is kept until `holdfast plan --rechoose`." in text
    office.apply()
    assert {at.time() for one in office.tenant.employees for at in office.stands(one)} == {time(10)}

    for person, event in mornings:
        person.delete(event)
    assert "Nothing to do" in office.plan()
    assert "Thursdays 08:00-09:00 is the quietest, with no conflicts" in office.plan("--rechoose")
    assert "Nothing to do" in office.done("plan")  # looking has changed nothing
    office.apply("--plan", "plan.json")
    plan = office.planned
    assert plan["choices"] == [{"block": "lartimmen", "audience": "alla", "days": "weekly THURSDAY", "at": "08:00"}]
    for one in office.tenant.employees:
        assert {at.time() for at in office.stands(one)} == {time(8)}
        assert office.days(one) == promised(plan, one, thursdays())


def test_a_reviewed_time_is_applied_though_another_is_quieter_by_then(opened: Any) -> None:
    office = opened(calendars=False)
    office.settle(QUIETEST)
    office.plan()
    have_meetings(office, [8], people=PEOPLE)
    assert "09:00-10:00 is the quietest" in office.done("plan")
    office.apply("--plan", "plan.json")
    assert {at.time() for one in office.tenant.employees for at in office.stands(one)} == {time(8)}


# -- who works when and where


def test_part_timers_are_excused_where_they_do_not_work_and_counted_as_such(opened: Any) -> None:
    office = opened(part_timers=3)
    short = [one for one in office.tenant.employees if one.mailbox.hours != type(one.mailbox.hours)()]
    mornings = [one for one in short if one.mailbox.hours.ends == time(12)]
    assert (len(short), len(mornings)) == (3, 1)
    office.settle('every: week, day: friday, at: "09:00"')
    office.plan()
    assert office.planned["excused"]["outside working hours"] == 2
    office.apply()
    for one in office.tenant.employees:
        assert bool(office.days(one)) is (one not in short or one in mornings)
    office.settle('every: week, day: friday, at: "13:00"')
    assert "an end to the series of 1 person, from 2026-11-25 on: outside their working hours" in office.plan()
    office.apply()
    for one in office.tenant.employees:
        assert bool(office.days(one)) is (one not in short)
    office.settle('every: week, day: friday, at: "13:00", outside_hours: place')
    office.done("apply", "--yes")
    assert all(office.days(one) for one in office.tenant.employees)


TWO_COUNTRIES = """\
sverige: {group: Sverige, holidays: {country: SE}}
finland: {group: Finland, holidays: {country: FI}, language: en}"""


def test_a_firm_in_two_countries_over_christmas(opened: Any) -> None:
    """Both keep Epiphany, each by its own name for it; everybody's block is at nine where they are."""
    office = opened(24, abroad=0.3)
    abroad = [one for one in office.tenant.employees if one.country == "FI"]
    assert 0 < len(abroad) < 12
    office.settle(
        'every: week, day: [monday, wednesday], at: "09:00", time_zone: mailbox',
        audiences=TWO_COUNTRIES,
    )
    text = office.plan()
    assert "Wed 2027-01-06 (Trettondedag jul)" in text
    assert "Wed 2027-01-06 (Epiphany)" in text
    office.apply()
    for one in office.tenant.employees:
        zone = HELSINKI if one in abroad else STOCKHOLM
        found = office.stands(one, zone)
        assert {at.time() for at in found} == {time(9)}
        off = {date(2027, 1, 6)}
        first_weeks = {
            at.date()
            for at in rrule(WEEKLY, BEGIN, byweekday=(0, 2), until=datetime(2027, 2, 20))  # noqa: DTZ001
        }
        assert {at.date() for at in found if at.date() < date(2027, 2, 20)} == first_weeks - off


def test_a_christmas_that_two_countries_keep_on_different_days(opened: Any) -> None:
    """2027-12-06, a Monday, is Finland's Independence Day; the rest of December is alike."""
    office = opened(24, abroad=0.3)
    office.tenant.clock.set(datetime(2027, 11, 1, 9, tzinfo=UTC))
    abroad = [one for one in office.tenant.employees if one.country == "FI"]
    office.settle('every: week, day: monday, at: "09:00"', audiences=TWO_COUNTRIES)
    assert "Mon 2027-12-06 (Independence Day)" in office.plan()
    office.apply()
    for one in office.tenant.employees:
        view = office.tenant.calendar(one.id, office.tenant.clock.now(), datetime(2027, 12, 31, tzinfo=UTC))
        days = {entry.start.astimezone(STOCKHOLM).date() for entry in view if entry.tag}
        assert (date(2027, 12, 6) in days) is (one not in abroad)
        assert {date(2027, 11, 29), date(2027, 12, 13), date(2027, 12, 20), date(2027, 12, 27)} <= days
