"""A firm whose people have a block on Thursdays at nine, for tests of what becomes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import Person, Tenant
from sandbox.tenant import Entry
from tests.cli.command import Desk

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
PEOPLE = 6


@dataclass
class Office:
    """A firm whose people have a block on Thursdays at nine, and the desk at which it is looked after."""

    tenant: Tenant
    desk: Desk

    @property
    def somebody(self) -> Person:
        return Person(self.tenant, self.tenant.employees[0])

    def settle(self, protection: str, *, organizer: str | None = None) -> None:
        more = f", organizer: {organizer}" if organizer else ""
        self.desk.write(f"""\
version: 1
mode: keep
organization: {{name: Fjällvik AB, language: en, time_zone: Europe/Stockholm}}
tenant: {{tenant_id: {self.tenant.id}, client_id: {self.tenant.client_id}, credential: secret{more}}}
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
