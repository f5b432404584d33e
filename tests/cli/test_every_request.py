"""A month of everything that people do and commands do about it: all requests, and all that is said of it anywhere."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdfast import wiring
from holdfast.core.overlap import ASKED_OF_OTHERS
from sandbox import Clock, Exchange, Person, Tenant, firm
from sandbox.directory import Account
from sandbox.event import Address
from tests.cli.command import Desk
from tests.cli.every_request import LIST, SEARCHED_BY, Watch
from tests.cli.protected import NOW
from tests.cli.test_calendar_cases import TenantsTime
from tests.tenants import Served

STOCKHOLM = ZoneInfo("Europe/Stockholm")
SECRET = "Samtal om lön"
OUTSIDE = Address("Kim Kund", "kim@partner.example")
THURSDAYS = [date(2026, 12, 3), date(2026, 12, 10), date(2026, 12, 17), date(2027, 1, 7), date(2027, 1, 14)]
TUESDAYS = [date(2026, 12, 1) + timedelta(weeks=week) for week in range(5)]

SETTINGS = """\
version: 1
mode: keep
organization: {{name: Fjällvik AB, language: en, time_zone: Europe/Stockholm, holidays: {{country: SE}}}}
tenant: {{tenant_id: {tenant}, client_id: {client}, credential: secret, organizer: {organizer}}}
audiences:
  alla: {{group: Alla medarbetare}}
blocks:
  - {{id: lartimmen, title: Learning hour, audiences: [alla], every: week, day: thursday, at: "09:00", minutes: 60,
     from: 2026-12-01, protection: strict, overlap: notify}}
  - {{id: fordjupning, title: Reading, audiences: [alla], every: week, day: tuesday, at: "14:00", minutes: 60,
     from: 2026-12-01, protection: movable, moves_per_quarter: 1, overlap: decline, decline_for: Tackar nej}}
"""


@dataclass
class Month:
    """What was said in a month: ``said`` are the outputs of the commands after the blocks were placed."""

    tenant: Tenant
    folder: Path
    watch: Watch
    said: dict[str, str] = field(default_factory=dict)
    placing: str = ""

    @property
    def people(self) -> list[Account]:
        return self.tenant.employees


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=STOCKHOLM).astimezone(UTC)


class Doings:
    """What people do in a month, by their numbers."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def person(self, number: int) -> Person:
        return Person(self._tenant, self._tenant.employees[number])

    def block(self, number: int, day: date, title: str = "Learning hour") -> str:
        shown = self._tenant.calendar(self.person(number).account.id, at(day, 0), at(day, 0) + timedelta(days=1))
        return next(one.id for one in shown if one.subject == title)

    def invite(self, by: int, guest: int, day: date, hour: int) -> str:
        self.person(by).invite([self.person(guest).account], SECRET, at(day, hour), at(day, hour) + timedelta(hours=1))
        return self.person(guest).mailbox.id_of(self.person(guest).mailbox.events[-1])

    def of_the_first_week(self) -> None:
        self.person(0).delete(self.block(0, THURSDAYS[1]))
        self.person(1).move(self.block(1, THURSDAYS[1]), at(THURSDAYS[1], 15))
        self.person(2).show_as(self.block(2, THURSDAYS[2]), "free")
        self.person(3).be_away(THURSDAYS[2])
        self.person(3).delete(self.block(3, THURSDAYS[2]))
        self.person(4).move(self.block(4, TUESDAYS[2], "Reading"), at(TUESDAYS[2], 9))
        for day in THURSDAYS[3:5]:
            self.person(5).reword(self.block(5, day), subject=SECRET, text=SECRET)
        self.invite(2, 0, THURSDAYS[2], 9)
        self.invite(2, 1, THURSDAYS[2], 9)
        self.person(1).accept(self.invite(3, 1, THURSDAYS[3], 9))
        self.invite(2, 5, TUESDAYS[3], 14)
        self.person(4).be_invited(OUTSIDE, SECRET, at(THURSDAYS[2], 9), at(THURSDAYS[2], 10))
        self.person(4).book(SECRET, at(THURSDAYS[3], 9), at(THURSDAYS[3], 10), sensitivity="private")

    def of_the_second_week(self) -> None:
        self.person(0).delete(self.block(0, THURSDAYS[1]))
        self.person(1).move(self.block(1, THURSDAYS[2]), at(THURSDAYS[2], 7))
        self.person(2).delete_series(self.block(2, THURSDAYS[2]))
        self.person(3).copy(self.block(3, THURSDAYS[3]))
        self.invite(3, 5, TUESDAYS[4], 14)
        for event in self.person(4).mailbox.events:  # Graph has lost the tag of a series, which is then searched for
            if event.tags:
                event.tags = None


@pytest.fixture(scope="module")
def month(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    tenant = served.sandbox.add(firm(people=6, seed=11, clock=Clock(at=NOW)))
    desk = Desk(tmp_path_factory.mktemp("month"), served.environment(tenant))
    group = tenant.add_group("Tackar nej", None, tenant.employees[5:])
    organizer = tenant.service_account.address
    desk.write(SETTINGS.format(tenant=tenant.id, client=tenant.client_id, organizer=organizer))
    found = Month(tenant, desk.folder, Watch(tenant))
    doings = Doings(tenant)

    def run(*words: str) -> str:
        result = desk.run(*words)
        assert result.exit_code in {0, 1}, result.output
        return result.output + result.stderr

    def says(name: str, *words: str) -> None:
        found.said[f"{name}: {' '.join(words)}"] = run(*words)

    served.sandbox.observers.append(found.watch.look)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "SystemClock", lambda: TenantsTime(tenant.clock))
        found.placing = run("plan", "--out", "first.json") + run("apply", "--yes", "--plan", "first.json")
        says("before", "sweep")
        doings.of_the_first_week()
        says("first", "plan", "--out", "plan.json")
        says("first", "plan", "--json")
        says("first", "--verbose", "sweep", "--json")
        says("first", "sweep")
        tenant.clock.advance(timedelta(days=7))
        doings.of_the_second_week()
        says("second", "--verbose", "sweep")
        says("second", "sweep", "--json")
        says("second", "apply", "--yes", "--json")
        tenant.clock.advance(timedelta(days=8))
        Person(tenant, tenant.employees[5]).leave(group)
        says("third", "--verbose", "sweep")
        says("third", "status")
        says("third", "status", "--json")
        desk.run("repair", tenant.employees[0].address)
    served.sandbox.observers.remove(found.watch.look)
    yield found
    served.sandbox.remove(tenant)


# Requests


def test_no_request_asks_for_more_of_somebody_elses_event_than_the_list(month: Month) -> None:
    assert month.watch.problems == []


def test_the_month_had_requests_of_every_kind(month: Month) -> None:
    kinds = set(month.watch.seen)
    assert kinds >= {
        "GET /events",
        "GET /events/x",
        "GET /events/x/instances",
        "GET /calendarView",
        "GET /mailboxSettings/userPurpose",
        "GET /mailboxSettings/workingHours",
        "GET /mailboxSettings/timeZone",
        "POST /calendar/getSchedule",
        "POST /events",
        "POST /events/x/decline",
        "POST /sendMail",
        "PATCH /events/x",
    }


def test_what_may_be_asked_is_what_the_page_says() -> None:
    assert set(ASKED_OF_OTHERS) == LIST
    assert {"transactionId"} == SEARCHED_BY - LIST


WINDOW = "startDateTime=2026-12-01T00:00:00Z&endDateTime=2026-12-24T00:00:00Z"
PLANTED = {
    "a subject": f"/calendarView?{WINDOW}&$select=id,subject",
    "a subject among what may be asked": f"/calendarView?{WINDOW}&$select={','.join([*ASKED_OF_OTHERS, 'subject'])}",
    "a subject by another spelling": f"/calendarView?{WINDOW}&%24select=id%2Csubject",
    "a body": "/events?$select=id,body",
    "a preview": "/events?$select=id,bodyPreview",
    "attendees": f"/calendarView?{WINDOW}&$select=id,attendees",
    "a place": f"/calendarView?{WINDOW}&$select=id,location",
    "everything": f"/calendarView?{WINDOW}",
    "everything by an empty list": f"/calendarView?{WINDOW}&$select=",
    "everything of a search": "/events?$filter=start/dateTime ge '2026-12-01T00:00:00Z'",
    "a search for more than the mark": "/events?$select=id,transactionId,start",
    "what is only asked of ours": "/events?$select=id,createdDateTime",
    "changes, which come whole": f"/calendarView/delta?{WINDOW}",
    "what is attached": f"/calendarView?{WINDOW}&$select=id&$expand=attachments",
    "every tag": f"/calendarView?{WINDOW}&$select=id&$expand=singleValueExtendedProperties",
    "a search by words": "/events?$select=id&$search=lön",
    "a subject of ours": "/events?$filter={tagged}&$select=id,subject",
    "a whole mailbox's settings": "/mailboxSettings",
    "automatic replies": "/mailboxSettings/automaticRepliesSetting",
    "mail": "/messages?$select=id",
    "one event's subject": "/events/{event}?$select=id,subject",
    "one event whole": "/events/{event}",
    "one event's recurrence": "/events/{event}?$select=id,recurrence",
    "a series' subjects": "/events/{event}/instances?" + WINDOW + "&$select=id,subject",
}
TAGGED = (
    "singleValueExtendedProperties/Any(ep: ep/id eq 'String {0} Name HoldfastBlock' and "
    "startswith(ep/value,'holdfast;'))"
)


@dataclass(frozen=True)
class Asked:
    """A request as an observer sees it."""

    path: str
    method: str = "GET"
    request_body: Any = None
    status: int = 200
    response_body: Any = None
    request_headers: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_request_is_caught(what: str, month: Month) -> None:
    mailbox = month.tenant.mailbox(month.people[0].id)
    theirs = next(event for event in mailbox.events if not event.tags and not event.transaction_id)
    path = PLANTED[what].replace("{event}", mailbox.id_of(theirs)).replace("{tagged}", TAGGED)
    watch = Watch(month.tenant)
    watch.look(Asked(f"/users/{month.people[0].id}{path}"))
    assert len(watch.problems) == 1, watch.problems


def test_a_subject_that_graph_told_is_caught_even_where_nobody_asked(month: Month) -> None:
    mailbox = month.tenant.mailbox(month.people[0].id)
    theirs = next(event for event in mailbox.events if not event.tags and not event.transaction_id)
    watch = Watch(month.tenant)
    row = {"id": mailbox.id_of(theirs), "subject": SECRET}
    path = f"/users/{month.people[0].id}/calendarView?{WINDOW}&$select=id"
    watch.look(Asked(path, response_body={"value": [row]}))
    assert len(watch.problems) == 1


def test_exchanges_of_the_sandbox_are_what_is_looked_at() -> None:
    assert {"method", "path", "request_body", "status", "response_body"} <= set(Exchange.__dataclass_fields__)


# What is said


def names(month: Month) -> list[str]:
    """What tells who somebody is."""
    return [word for one in month.people for word in (one.display_name, one.address, one.id)]


def test_the_month_was_full_of_what_people_did(month: Month) -> None:
    said = "\n".join(month.said.values())
    for met in (
        "deleted, put back",
        "deleted, let go",
        "deleted, excused",
        "moved, put back",
        "moved, kept where it was moved to",
        "set free, put back",
        "meeting on top, the organiser was asked",
        "meeting on top, declined",
        "meeting on top, left",
    ):
        assert met in said, met
    assert len(month.tenant.mails) >= 2


def test_nobody_is_named_in_anything_that_was_said_after_the_blocks_were_placed(month: Month) -> None:
    for name, said in month.said.items():
        placed = {line for line in said.splitlines() if re.search(r"\b(create|place|rewrite|end)\b", line)}
        told = "\n".join(line for line in said.splitlines() if line not in placed)
        assert [word for word in names(month) if word in told] == [], name
        assert not any(re.search("moved|deleted|set free|meeting|away|let go", line) for line in placed), name


def test_nobody_outside_and_no_subject_is_ever_told_of(month: Month) -> None:
    files = b"".join(path.read_bytes() for path in sorted(month.folder.iterdir()))
    everything = "\n".join([*month.said.values(), month.placing]).encode() + files
    for secret in (SECRET, OUTSIDE.address, OUTSIDE.name):
        assert secret.encode() not in everything
    assert not any(SECRET in mail.body + mail.subject for mail in month.tenant.mails if mail.response is None)


def test_a_plan_file_tells_nothing_of_what_people_did(month: Month) -> None:
    told = (month.folder / "plan.json").read_text(encoding="utf-8")
    assert not re.search("moved|deleted|freed|put back|on top", told)
    assert [word for word in names(month) if word in told] == []


def test_what_is_remembered_of_what_people_did_has_no_names(month: Month) -> None:
    with closing(sqlite3.connect(month.folder / "holdfast.db")) as raw:
        tables = {name: raw.execute(f"select * from {name}").fetchall() for name in ("touches", "sent", "run")}  # noqa: S608
    assert all(tables.values())
    for name, rows in tables.items():
        assert [word for word in names(month) if word in repr(rows)] == [], name
