"""``privacy`` as it is typed: the sheet, everything about one person, and forgetting it, on a pretend tenant."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from holdfast import wiring
from holdfast.core.privacy_facts import ASKED
from holdfast.store import key
from sandbox import Clock, Exchange, Tenant, firm
from tests.cli.command import Desk
from tests.cli.protected import NOW
from tests.cli.test_calendar_cases import TenantsTime
from tests.cli.test_every_request import SETTINGS, THURSDAYS, Doings
from tests.tenants import Served


class Office:
    """A firm whose people have blocks, did something about them and booked meetings on top."""

    def __init__(self, tenant: Tenant, desk: Desk) -> None:
        self.tenant, self.desk = tenant, desk
        tenant.add_group("Tackar nej", None, tenant.employees[5:])
        organizer = tenant.service_account.address
        desk.write(SETTINGS.format(tenant=tenant.id, client=tenant.client_id, organizer=organizer))

    @property
    def database(self) -> Path:
        return self.desk.folder / "holdfast.db"

    def run(self, *words: str, answer: str | None = None) -> str:
        result = self.desk.run(*words, answer=answer)
        assert result.exit_code == 0, result.output + result.stderr
        return result.stdout

    def live_on(self) -> None:
        self.run("apply", "--yes")
        self.run("sweep")
        Doings(self.tenant).of_the_first_week()
        self.tenant.clock.advance(timedelta(hours=1))
        self.run("sweep")

    def names(self, number: int) -> list[bytes]:
        """All that stands for a person in the store: id, address, and the pseudonyms of both."""
        account = self.tenant.employees[number]
        own = key.of({}, self.database, make=lambda: "")
        pseudonyms = [own.pseudonym(self.tenant.id, name) for name in (account.id, account.address)]
        return [name.encode() for name in (account.id, account.address, account.display_name, *pseudonyms)]

    def stored(self) -> bytes:
        paths = (path for path in self.desk.folder.iterdir() if path.name.startswith("holdfast.db"))
        return b"".join(path.read_bytes() for path in paths)


@pytest.fixture
def office(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    tenant = served.sandbox.add(firm(people=6, seed=11, clock=Clock(at=NOW)))
    monkeypatch.setattr(wiring, "SystemClock", lambda: TenantsTime(tenant.clock))
    monkeypatch.setattr("holdfast.cli.privacy.SystemClock", lambda: TenantsTime(tenant.clock))
    return Office(tenant, Desk(tmp_path, served.environment(tenant)))


# The sheet


def test_the_sheet_is_of_what_is_in_force_and_tells_of_an_edit_that_waits(office: Office) -> None:
    assert "not approved yet" in office.run("privacy")
    office.run("apply", "--yes")
    told = office.run("privacy")
    assert "in force since" in told
    assert "60 minutes" in told
    office.desk.write(office.desk.read().replace("minutes: 60", "minutes: 45"))
    told = office.run("privacy")
    assert "- Goes: Learning hour: 60 minutes" in told
    assert "- Comes: Learning hour: 45 minutes" in told
    assert told.index("60 minutes") < told.index("45 minutes")


def test_the_sheet_is_in_the_language_that_is_asked_for(office: Office) -> None:
    assert office.run("privacy").startswith("# Data sheet")
    assert office.run("privacy", "--language", "sv").startswith("# Datablad")


def test_the_page_says_what_the_text_does_and_fetches_nothing(office: Office) -> None:
    office.desk.write(office.desk.read().replace("Fjällvik AB", "Fjällvik <b>& Co"))
    told = office.run("privacy", "--language", "sv")
    office.run("privacy", "--language", "sv", "--html", "sheet.html")
    page = office.desk.read("sheet.html")
    assert '<html lang="sv">' in page
    assert "Fjällvik &lt;b&gt;&amp; Co" in page
    assert not any(word in page for word in ("<script", "src=", "http:", "https:", "@import", "url("))
    for heading in (line.removeprefix("## ") for line in told.splitlines() if line.startswith("## ")):
        assert f"<h2>{heading}</h2>" in page


def test_what_does_not_go_together_is_refused(office: Office) -> None:
    for words in (("--export", "a@b.example", "--erase", "a@b.example"), ("--out", "x.json"), ("--language", "no")):
        assert office.desk.run("privacy", *words).exit_code == 2


def test_every_property_that_was_requested_stands_on_the_sheet(office: Office, served: Served) -> None:
    asked: set[str] = set()

    def look(exchange: Exchange) -> None:
        split = urlsplit(exchange.path)
        query = dict(parse_qsl(split.query))
        asked.update(filter(None, query.get("$select", "").split(",")))
        if "/mailboxSettings/" in split.path:
            asked.add(unquote(split.path).rpartition("/")[2])

    served.sandbox.observers.append(look)
    office.live_on()
    served.sandbox.observers.remove(look)
    assert {"userPurpose", "sensitivity", "accountEnabled"} <= asked
    told = office.run("privacy")
    assert asked <= {name for one in ASKED if ", ".join(one.properties) in told for name in one.properties}


# One person


def test_everything_about_a_person_comes_out_with_what_it_means(office: Office) -> None:
    office.live_on()
    account = office.tenant.employees[0]
    told = json.loads(office.run("privacy", "--export", account.address.upper()))
    assert (told["mailbox"], told["address"]) == (account.id, account.address.lower())
    assert {"placed", "known", "profile", "touches"} <= told["remembered"].keys()
    assert told["remembered"]["placed"]["data"]["name"] == account.display_name
    assert told["remembered"]["touches"]["data"]["answered"] == [{"block": "lartimmen", "day": f"{THURSDAYS[1]}"}]
    assert all(one["meaning"] for one in told["remembered"].values())
    by_id = json.loads(office.run("privacy", "--export", account.id))
    assert by_id["remembered"] == told["remembered"]


def test_messages_are_found_by_the_pseudonym_of_who_got_them(office: Office) -> None:
    office.live_on()
    told = json.loads(office.run("privacy", "--export", office.tenant.employees[2].address))
    assert told["remembered"]["sent"]["data"]


def test_an_export_to_a_file_is_for_its_owner_alone(office: Office) -> None:
    office.run("apply", "--yes")
    office.desk.write("{}", "mine.json").chmod(0o644)
    assert office.run("privacy", "--export", office.tenant.employees[0].address, "--out", "mine.json") == ""
    path = office.desk.folder / "mine.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "placed" in json.loads(path.read_text("utf-8"))["remembered"]


def test_who_was_erased_has_left_no_trace_and_nobody_else_is_touched(office: Office) -> None:
    office.live_on()
    wanted = [office.names(number) for number in (0, 2)]
    assert all(name in office.stored() for name in (wanted[0][0], wanted[0][1], wanted[0][3], wanted[1][4]))
    events = [list(one.mailbox.events) for one in office.tenant.employees if one.mailbox]
    other = json.loads(office.run("privacy", "--export", office.tenant.employees[1].address))["remembered"]
    for number in (0, 2):
        said = office.run("privacy", "--erase", office.tenant.employees[number].address, "--yes")
        assert "Nothing is remembered" in said
    with closing(sqlite3.connect(office.database)) as raw:
        raw.execute("vacuum")
        raw.execute("pragma wal_checkpoint(truncate)")
    assert [name for names in wanted for name in names if name in office.stored()] == []
    assert json.loads(office.run("privacy", "--export", office.tenant.employees[1].address))["remembered"] == other
    assert [list(one.mailbox.events) for one in office.tenant.employees if one.mailbox] == events
    account = office.tenant.employees[0]
    assert json.loads(office.run("privacy", "--export", account.address))["remembered"] == {}
    office.run("sweep")
    assert "placed" in json.loads(office.run("privacy", "--export", account.address))["remembered"]


def test_what_erasing_means_is_said_first_and_without_a_yes_nothing_is_forgotten(office: Office) -> None:
    office.run("apply", "--yes")
    account = office.tenant.employees[0]
    result = office.desk.run("privacy", "--erase", account.address)
    assert result.exit_code == 2
    assert "Calendars are not touched" in result.stderr
    assert "which blocks and audiences they have" in result.stderr
    assert "next sweep" in result.stderr
    assert "placed" in json.loads(office.run("privacy", "--export", account.address))["remembered"]


def test_who_left_is_told_to_be_looked_up_by_id(office: Office) -> None:
    office.run("apply", "--yes")
    result = office.desk.run("privacy", "--export", "gone@fjallvik.example")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["remembered"] == {}
    assert "Object ID" in result.stderr


def test_what_a_run_said_of_a_failure_goes_too(office: Office) -> None:
    office.run("apply", "--yes")
    account = office.tenant.employees[0]
    problem = {"mailbox": account.address, "message": "Graph said no.", "state": "failed", "cure": ""}
    with closing(sqlite3.connect(office.database)) as raw, raw:
        (text,) = raw.execute("select run from run").fetchone()
        raw.execute("update run set run = ?", (json.dumps({**json.loads(text), "problems": [problem]}),))
        hint = json.dumps({"mailbox": account.id, "at": "2026-11-24T12:00:00+00:00", "heard": []})
        statement = "insert into queue (tenant, name, text, due, dequeued) values (?, 'repair', ?, '', 0)"
        raw.execute(statement, (office.tenant.id, hint))
    told = json.loads(office.run("privacy", "--export", account.address))["remembered"]["runs"]
    assert told["data"] == [problem, json.loads(hint)]
    office.run("privacy", "--erase", account.address, "--yes")
    assert [name for name in office.names(0) if name in office.stored()] == []
    assert json.loads(office.run("status", "--json"))["last_run"]["problems"] == []


def test_a_state_in_use_is_cleared_once_it_is_not(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.store.sqlite_file._BUSY_SECONDS", 0.05)
    office.run("apply", "--yes")
    account = office.tenant.employees[0]
    with closing(sqlite3.connect(office.database)) as reader:
        reader.execute("begin")
        reader.execute("select * from placed").fetchall()
        result = office.desk.run("privacy", "--erase", account.address, "--yes")
        assert result.exit_code == 2
        assert "in use" in result.stderr
    office.run("privacy", "--erase", account.address, "--yes")
    assert [name for name in office.names(0) if name in office.stored()] == []
