"""A thousand people whose block moves, who leave and join and change zones, by the real clients over HTTP and TLS.

Time is the tenant's. What stands before and after is told by the sandbox: what has begun stays as it was, every date
ahead stands once, and the writes that the tenant counted are those that the plan said.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from holdfast.cli.console import set_up_logging
from holdfast.core.plan import Plan, Reason
from holdfast.core.report import MailboxState, Report
from holdfast.core.tenant import TenantFacts
from holdfast.jobs.apply import apply
from holdfast.jobs.ports import Ports
from holdfast.jobs.survey import Survey, survey
from holdfast.jobs.sweep import sweep
from holdfast.wiring import Place, SystemClock, wired
from sandbox import Clock, Person, Tenant, firm
from sandbox.directory import ROOM, SHARED, Account
from tests.hard.people import PEOPLE
from tests.tenants import Served

pytestmark = pytest.mark.hard

Answer = TypeVar("Answer")

TENTH = PEOPLE // 10
BEGAN = datetime(2026, 11, 25, 9, tzinfo=UTC)
SIX_WEEKS_ON = datetime(2027, 1, 13, 9, tzinfo=UTC)
STOCKHOLM, HELSINKI = ZoneInfo("Europe/Stockholm"), ZoneInfo("Europe/Helsinki")

BLOCK = """
  - {id: lartimmen, title: Lärtimmen, audiences: [alla], every: week, day: thursday, at: "09:00", minutes: 60,
     from: 2026-12-01, until: 2027-02-04}
"""
FOR_GOOD = BLOCK.replace(", until: 2027-02-04", "")

both_worlds = pytest.mark.parametrize("keeps", [True, False], ids=["range ends are safe", "range ends are not"])


class TenantsTime(SystemClock):
    """The tenant's time of day; waits are the machine's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()


@dataclass
class Office:
    """Who runs Holdfast at a firm. What is written and seen is the tenant's own word."""

    tenant: Tenant
    place: Place

    def settle(self, blocks: str, *, group: str = "Alla medarbetare", holidays: str = "{}") -> None:
        """Write the settings file."""
        text = f"""\
version: 1
mode: keep
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm, holidays: {holidays}}}
tenant: {{tenant_id: {self.tenant.id}, client_id: {self.tenant.client_id}, credential: secret}}
audiences: {{alla: {{group: {group}}}}}
blocks: {blocks}"""
        self.place.settings_path.write_text(text, encoding="utf-8")

    def do(self, work: Callable[[Ports], Awaitable[Answer]]) -> Answer:
        async def run() -> Answer:
            async with wired(self.place, self.place.settings()) as found:
                return await work(replace(found.ports, clock=TenantsTime(self.tenant.clock)))

        return asyncio.run(run())

    async def _look(self, ports: Ports) -> Survey:
        approval = await ports.state.approval()
        return await survey(self.place.settings(), ports, pinned=approval.groups if approval else {})

    def plan(self) -> Plan:
        return self.do(self._look).plan

    def apply(self) -> Plan:
        """Apply, with nobody in the way. The tenant has to count the writes that the plan said."""
        plans: list[Plan] = []

        async def work(ports: Ports) -> Report:
            seen = await self._look(ports)
            plans.append(seen.plan)
            return await apply(seen, self.place.settings(), ports)

        report = self.counted(work)
        assert report.writes == plans[0].writes
        return plans[0]

    def sweep(self) -> Report:
        return self.counted(lambda ports: sweep(self.place.settings(), ports))

    def counted(self, work: Callable[[Ports], Awaitable[Report]]) -> Report:
        before = self.tenant.counts.writes
        report = self.do(work)
        assert report.complete, report.counts()
        assert self.tenant.counts.writes - before == report.writes
        assert self.tenant.counts.mails == 0
        return report

    def learn(self, *, keeps: bool) -> None:
        """The tenant is of the one kind or the other, and has been seen to be."""
        self.tenant.facts = replace(self.tenant.facts, range_end_only_keeps_exceptions=keeps)
        self.do(lambda ports: ports.state.learn_facts(TenantFacts(BEGAN, range_end_keeps=keeps)))

    # -- by the sandbox's own reckoning

    def begun(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything in everybody's calendar that has begun: what it is, when it stands, and what it was before."""
        now = self.tenant.clock.now()
        return {
            one.id: [
                (entry.start, entry.end, entry.original_start, entry.subject, entry.type, entry.show_as)
                for entry in self.tenant.calendar(one.id, BEGAN - timedelta(days=1), now)
            ]
            for one in self.tenant.employees
        }

    def ahead(self, one: Account, zone: ZoneInfo = STOCKHOLM, *, weeks: int = 10) -> list[datetime]:
        """When blocks begin that somebody has yet to come, by the wall clock."""
        now = self.tenant.clock.now()
        view = self.tenant.calendar(one.id, now, now + timedelta(weeks=weeks))
        return [entry.start.astimezone(zone) for entry in view if entry.tag and entry.start > now]


@pytest.fixture(autouse=True)
def _without_a_line_for_each_call() -> None:
    set_up_logging(logging.WARNING)


@pytest.fixture
def office(served: Served, tmp_path: Path) -> Office:
    tenant = served.sandbox.add(firm(people=PEOPLE, seed=5, clock=Clock(at=BEGAN)))
    return Office(tenant, Place(tmp_path / "settings.yaml", served.environment(tenant)))


def weekly(first: date, last: date) -> list[date]:
    return [first + timedelta(weeks=week) for week in range((last - first).days // 7 + 1)]


def meddle(office: Office, people: Iterable[Account]) -> None:
    """Some have moved a date that is over by now, taken another out, and done the same to dates ahead."""
    for one in people:
        person = Person(office.tenant, one)
        dates = [entry for entry in office.tenant.calendar(one.id, BEGAN, BEGAN + timedelta(days=70)) if entry.tag]
        for moved, deleted in ((dates[0], dates[1]), (dates[-2], dates[-1])):
            person.move(moved.id, moved.start + timedelta(hours=5))
            person.delete(deleted.id)


def reasons(plan: Plan) -> Counter[tuple[str, Reason]]:
    return Counter((type(change).__name__, change.reason) for change in plan.changes)


@both_worlds
def test_another_slot_for_everybody(office: Office, *, keeps: bool) -> None:
    tenant = office.tenant
    office.settle(BLOCK)
    office.learn(keeps=keeps)
    assert office.apply().writes == PEOPLE
    meddle(office, tenant.employees[:TENTH])
    tenant.clock.set(SIX_WEEKS_ON)
    begun = office.begun()
    office.settle(BLOCK.replace("thursday", "friday").replace("09:00", "10:30"))
    plan = office.apply()
    assert reasons(plan) == {("Create", Reason.RESCHEDULED): PEOPLE, ("End", Reason.RESCHEDULED): PEOPLE}
    if keeps:
        assert plan.writes == 2 * PEOPLE
    else:  # a new series, and four dates to go one by one between two words on the old one; some had one date less
        assert plan.writes == 7 * PEOPLE - TENTH
    assert office.begun() == begun
    for one in tenant.employees:
        assert [at.date() for at in office.ahead(one)] == weekly(date(2027, 1, 15), date(2027, 1, 29))
        assert {f"{at:%H:%M}" for at in office.ahead(one)} == {"10:30"}
    assert not office.plan()


@both_worlds
def test_half_of_all_leave_and_as_many_join(office: Office, *, keeps: bool) -> None:
    tenant = office.tenant
    leavers, stayers, joiners = (
        tenant.employees[: 3 * TENTH],
        tenant.employees[3 * TENTH : 7 * TENTH],
        tenant.employees[7 * TENTH :],
    )
    group = tenant.add_group("Lärande", members=[*leavers, *stayers])
    office.settle(BLOCK, group=group.display_name)
    office.learn(keeps=keeps)
    assert office.apply().writes == 7 * TENTH
    meddle(office, leavers[: TENTH // 2])
    tenant.clock.set(SIX_WEEKS_ON)
    begun = office.begun()
    group.members[:] = [*stayers, *joiners]
    stopped = office.sweep()
    assert f"{6 * TENTH} of {PEOPLE} people" in stopped.note
    assert stopped.writes == 0
    plan = office.apply()
    assert reasons(plan) == {("End", Reason.LEFT): 3 * TENTH, ("Create", Reason.NEW): 3 * TENTH}
    assert plan.writes == (6 * TENTH if keeps else 7 * 3 * TENTH - TENTH // 2)
    assert office.begun() == begun
    for one in leavers:
        assert office.ahead(one) == []
    for one in (*stayers, *joiners):
        assert [at.date() for at in office.ahead(one)] == weekly(date(2027, 1, 14), date(2027, 2, 4))
    assert not office.plan()


def test_everybody_moves_to_another_zone_and_is_followed_after_28_days(office: Office) -> None:
    tenant = office.tenant
    office.settle(BLOCK.replace("until:", "time_zone: mailbox, protection: soft, until:"))
    office.learn(keeps=True)
    office.apply()
    meddle(office, tenant.employees[:TENTH])
    for one in tenant.employees:
        Person(tenant, one).change_zone("FLE Standard Time")
    tenant.clock.advance(timedelta(days=8))
    assert office.sweep().writes == 0  # sees it
    tenant.clock.advance(timedelta(days=28, minutes=-1))
    assert office.sweep().writes == 0
    tenant.clock.advance(timedelta(minutes=1))
    begun = office.begun()
    stopped = office.sweep()
    assert f"{PEOPLE} of {PEOPLE} people" in stopped.note
    assert stopped.writes == 0
    plan = office.apply()
    assert reasons(plan) == {("Create", Reason.ZONE): PEOPLE, ("End", Reason.ZONE): PEOPLE}
    assert plan.writes == 2 * PEOPLE
    assert office.begun() == begun
    for one in tenant.employees:
        assert [at.date() for at in office.ahead(one, HELSINKI)] == weekly(date(2027, 1, 7), date(2027, 2, 4))
        assert {f"{at:%H:%M}" for at in office.ahead(one, HELSINKI)} == {"09:00"}
    assert not office.plan()


def test_series_that_run_out_are_continued_without_a_gap_and_without_a_double(office: Office) -> None:
    tenant = office.tenant
    office.settle(FOR_GOOD)
    office.apply()
    tenant.clock.advance(timedelta(weeks=13))
    assert office.sweep().writes == 0
    tenant.clock.advance(timedelta(weeks=2))
    begun = office.begun()
    report = office.sweep()
    assert report.note == ""
    assert report.writes == report.planned_writes == PEOPLE
    assert office.begun() == begun
    for one in tenant.employees:
        ahead = office.ahead(one, weeks=60)
        assert [at.date() for at in ahead] == weekly(date(2027, 3, 11), date(2027, 11, 25))
        assert {f"{at:%H:%M}" for at in ahead} == {"09:00"}


def test_an_idle_sweep_reads_the_known_series_dates_and_costs_next_to_nothing(served: Served, tmp_path: Path) -> None:
    """Eight days, so that the weekly whole look and the weekly question to the mailbox are among them."""
    people, sweeps = 100, 8 * 3
    tenant = served.sandbox.add(firm(people=people, seed=6, clock=Clock(at=BEGAN)))
    office = Office(tenant, Place(tmp_path / "settings.yaml", served.environment(tenant)))
    office.settle(FOR_GOOD, holidays="{country: SE}")
    office.apply()
    tenant.counts.clear()
    for _ in range(sweeps):
        tenant.clock.advance(timedelta(hours=8))
        report = office.sweep()
        assert report.counts()[MailboxState.HELD] == people
        assert report.writes == 0
    paths = tenant.counts.paths
    others = sum(one.kind in (SHARED, ROOM) for one in tenant.accounts)
    assert {path: count for path, count in paths.items() if path.startswith("GET /users/")} == {
        "GET /users/*/events/*/instances": people * sweeps,
        "GET /users/*/events": people,
        "GET /users/*/mailboxSettings/*": 3 * people + others,
    }
    assert sum(paths.values()) <= 1.2 * people * sweeps
    assert sum(tenant.counts.bytes.values()) <= 10_000 * people * sweeps
