"""What people do in Outlook with their blocks, and how the next sweep answers, on a pretend tenant over TLS."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdfast import wiring
from sandbox import Clock, Person, Tenant, firm
from sandbox.tenant import Entry
from tests.cli.command import Desk
from tests.cli.test_calendar_cases import TenantsTime
from tests.tenants import Served, untagged

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
FIRST, SECOND, THIRD, FOURTH = (date(2026, 12, 3) + timedelta(weeks=week) for week in range(4))
PEOPLE = 6


@dataclass
class Office:
    """A firm whose people have a block on Thursdays at nine, and the desk at which it is looked after."""

    tenant: Tenant
    desk: Desk

    @property
    def somebody(self) -> Person:
        return Person(self.tenant, self.tenant.employees[0])

    def settle(self, protection: str) -> None:
        self.desk.write(f"""\
version: 1
mode: keep
organization: {{name: Fjällvik AB, language: en, time_zone: Europe/Stockholm}}
tenant: {{tenant_id: {self.tenant.id}, client_id: {self.tenant.client_id}, credential: secret}}
audiences:
  alla: {{group: Alla medarbetare}}
blocks:
  - {{id: lartimmen, title: Learning hour, audiences: [alla], every: week, day: thursday, at: "09:00", minutes: 60,
     from: 2026-12-01, {protection}}}
""")
        self.told("apply", "--yes")
        self.tenant.counts.clear()

    def told(self, *words: str) -> dict[str, Any]:
        result = self.desk.run(*words, "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def seen(self, day: date) -> list[Entry]:
        """What of the block stands in somebody's calendar on a day."""
        begins = datetime.combine(day, datetime.min.time(), STOCKHOLM)
        shown = self.tenant.calendar(self.somebody.account.id, begins, begins + timedelta(days=1))
        return [one for one in shown if one.subject == "Learning hour"]

    def stands(self, day: date) -> list[str]:
        return [
            f"{one.start.astimezone(STOCKHOLM):%H:%M}-{one.end.astimezone(STOCKHOLM):%H:%M} {one.show_as}"
            for one in self.seen(day)
        ]

    def event_id(self, day: date) -> str:
        (one,) = self.seen(day)
        return one.id

    def series_id(self, day: date) -> str:
        (one,) = self.seen(day)
        assert one.series_id
        return one.series_id


@pytest.fixture
def office(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    tenant = served.sandbox.add(firm(people=PEOPLE, seed=11, clock=Clock(at=NOW)))
    monkeypatch.setattr(wiring, "SystemClock", lambda: TenantsTime(tenant.clock))
    return Office(tenant, Desk(tmp_path, served.environment(tenant)))


IN_PLACE = ["09:00-10:00 busy"]


def test_strict_holds_every_date_and_gives_way_the_second_time(office: Office) -> None:
    office.settle("protection: strict")
    theirs = untagged(office.tenant)
    person = office.somebody
    person.delete(office.event_id(FIRST))
    person.move(office.event_id(SECOND), datetime(2026, 12, 10, 13, tzinfo=UTC))
    person.show_as(office.event_id(THIRD), "free")
    person.resize(office.event_id(FOURTH), 20)
    swept = office.told("sweep")
    assert [office.stands(day) for day in (FIRST, SECOND, THIRD, FOURTH)] == [IN_PLACE] * 4
    assert swept["protected"] == {"deleted, put back": 1, "moved, put back": 2, "set free, put back": 1}
    assert swept["states"]["held"] == PEOPLE
    assert swept["writes"] == office.tenant.counts.writes == 4
    assert office.told("sweep")["writes"] == 0

    person.delete(office.event_id(FIRST))
    for _ in range(2):
        assert office.told("sweep")["writes"] == 0
        assert office.stands(FIRST) == []
    assert untagged(office.tenant) == theirs
    assert office.tenant.counts.mails == 0


def test_movable_lets_a_few_dates_go_and_holds_the_rest(office: Office) -> None:
    office.settle("protection: movable, moves_per_quarter: 2")
    person = office.somebody
    person.move(office.event_id(FIRST), datetime(2026, 12, 4, 12, tzinfo=UTC))
    for day in (SECOND, THIRD):
        person.delete(office.event_id(day))
    swept = office.told("sweep")
    assert office.stands(date(2026, 12, 4)) == ["13:00-14:00 busy"]
    assert [office.stands(day) for day in (FIRST, SECOND, THIRD)] == [[], [], IN_PLACE]
    assert swept["protected"] == {
        "deleted, let go": 1,
        "deleted, put back": 1,
        "moved, kept where it was moved to": 1,
    }


def test_soft_and_days_out_of_office_are_left_alone(office: Office) -> None:
    office.settle("protection: strict")
    person = office.somebody
    person.be_away(FIRST)
    person.delete(office.event_id(FIRST))
    assert office.told("sweep")["protected"] == {"deleted, excused": 1}
    assert office.stands(FIRST) == []
    office.settle("protection: soft")
    person.delete(office.event_id(SECOND))
    assert office.told("sweep")["protected"] == {}
    assert office.stands(SECOND) == []


def test_a_deleted_series_comes_back_once_and_then_when_somebody_asks_again(office: Office) -> None:
    office.settle("protection: movable")
    person = office.somebody
    for back in (IN_PLACE, []):
        person.delete_series(office.series_id(FIRST))
        office.told("sweep")
        assert office.stands(FIRST) == back
    office.told("apply", "--yes")
    assert office.stands(FIRST) == []
    office.told("apply", "--yes", "--ask-again")
    assert office.stands(FIRST) == IN_PLACE


def test_a_repair_tells_whether_blocks_are_held_and_not_what_was_done_with_them(office: Office) -> None:
    office.settle("protection: strict")
    person = office.somebody
    person.delete(office.event_id(FIRST))
    result = office.desk.run("repair", person.account.address)
    assert result.exit_code == 0, result.output
    assert office.stands(FIRST) == IN_PLACE
    assert "held" in result.stdout
    assert "deleted" not in result.stdout


def test_a_copy_is_nobodys_block_and_stays(office: Office) -> None:
    office.settle("protection: strict")
    person = office.somebody
    person.copy(office.event_id(FIRST), datetime(2026, 12, 3, 14, tzinfo=UTC))
    assert office.told("sweep")["writes"] == 0
    assert office.stands(FIRST) == ["09:00-10:00 busy", "15:00-16:00 busy"]


def test_what_is_remembered_names_nobody(office: Office, tmp_path: Path) -> None:
    office.settle("protection: strict")
    person = office.somebody
    person.delete(office.event_id(FIRST))
    office.told("sweep")
    with sqlite3.connect(tmp_path / "holdfast.db") as raw:
        ((who, told),) = raw.execute("select who, touches from touches").fetchall()
    raw.close()
    assert person.account.id not in who + told
    assert person.account.address not in who + told
    assert oct((tmp_path / "holdfast.key").stat().st_mode & 0o777) == "0o600"
