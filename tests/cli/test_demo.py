"""The demo's further parts on a pretend tenant: how blocks hold, and Christmas in two countries."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.cli import christmas
from holdfast.cli.console import set_up_logging
from holdfast.cli.holding import BookedOver, Story
from holdfast.core.settings import Language
from sandbox import Clock, Person, firm
from sandbox.acts import act
from sandbox.tenant import Entry
from tests.cli.command import Desk
from tests.cli.protected import NOW, Office
from tests.golden import GOLDEN, check_golden
from tests.tenants import Served


@pytest.fixture(autouse=True)
def _log_lines_apart() -> None:
    set_up_logging(logging.WARNING)


@pytest.mark.parametrize("language", Language)
def test_christmas_in_two_countries_is_told_date_by_date_with_the_names_of_days(
    language: Language,
    tmp_path: Path,
    served: Served,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    tenant = firm(20, clock=Clock(at=christmas.NOW), language=language.value, abroad=christmas.ABROAD)
    served.sandbox.add(tenant)
    path = tmp_path / "settings.yaml"
    path.write_text(christmas.settings_text(language), encoding="utf-8")
    christmas.show(path, served.environment(tenant))
    told = capsys.readouterr().out
    check_golden(GOLDEN / "cli" / f"demo-christmas-{language.value}.txt", told)
    assert tenant.counts.writes == 0


def test_a_firm_too_small_for_two_countries_is_told_of_one(
    tmp_path: Path, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = firm(1, clock=Clock(at=christmas.NOW), abroad=christmas.ABROAD)
    served.sandbox.add(tenant)
    path = tmp_path / "settings.yaml"
    path.write_text(christmas.settings_text(Language.SV), encoding="utf-8")
    christmas.show(path, served.environment(tenant))
    told = capsys.readouterr().out
    assert "Sverige: 1 calendar " in told
    assert "Finland:" not in told


def test_options_of_the_sandbox_are_passed_on_and_a_misspelt_one_is_told(desk: Desk) -> None:
    assert desk.run("sandbox", "--abraod", "0.5", "--port", "0").exit_code == 2


def test_what_people_do_with_their_dates_is_told_and_answered(
    protected: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    protected.settle("protection: movable")

    def entry(one: Entry) -> dict[str, object]:
        start = one.start.isoformat()
        return {"id": one.id, "start": start, "show_as": one.show_as, "series_id": one.series_id, "tag": one.tag}

    def ask(what: str) -> list[dict[str, object]]:
        if what == "roster":
            return [
                {"id": one.id, "name": one.display_name, "kind": one.kind, "mailbox": one.mailbox is not None}
                for one in protected.tenant.accounts
            ]
        until = NOW + timedelta(weeks=5)
        return [entry(one) for one in protected.tenant.calendar(what.removeprefix("calendars/"), NOW, until)]

    def do(who: str, wanted: Mapping[str, object]) -> None:
        act(protected.tenant, Person(protected.tenant, protected.tenant.account(who)), wanted)

    story = Story.begin(ask, do, "Europe/Stockholm")
    protected.told("sweep")
    story.tell()
    told = capsys.readouterr().out
    assert "03 Dec stands on Friday at 13:00" in told
    assert "24 Dec stands, put back once as an event of its own" in told
    assert told.count("03 Dec is let go") == 3
    assert story.delete_again() is not None
    protected.told("sweep")
    story.tell()
    assert "24 Dec is let go" in capsys.readouterr().out


def test_meetings_on_top_are_told_with_the_mail_that_they_cause(
    protected: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.cli.holding.SCENES", ())
    tenant = protected.tenant
    tenant.applications[0].roles.add("Mail.Send")
    protected.settle("overlap: notify", organizer=tenant.employees[0].address)
    protected.told("sweep")

    def ask(what: str) -> list[dict[str, object]]:
        if what == "roster":
            return [
                {
                    "id": one.id,
                    "name": one.display_name,
                    "kind": one.kind,
                    "mailbox": one.mailbox is not None,
                    "address": one.address,
                }
                for one in tenant.accounts
            ]
        if what == "mails":
            return [{"to": one.to, "subject": one.subject, "body": one.body, "response": None} for one in tenant.mails]
        until = NOW + timedelta(weeks=5)
        return [
            {"id": one.id, "start": str(one.start), "end": str(one.end), "subject": one.subject, "tag": one.tag}
            for one in tenant.calendar(what.removeprefix("calendars/"), NOW, until)
        ]

    def do(who: str, wanted: Mapping[str, object]) -> None:
        act(tenant, Person(tenant, tenant.account(who)), wanted)

    booked = BookedOver.begin(ask, do, lambda _: None, "Europe/Stockholm")
    assert booked is not None
    protected.told("sweep")
    protected.told("sweep")
    booked.tell()
    told = capsys.readouterr().out
    assert "A meeting on top of learning time" in told
    assert "Thursday 10 December 09:00-10:00, over Learning hour of" in told
    assert "1 in all." in told
