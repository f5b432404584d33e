"""The timer's function on a pretend tenant: it posts what is due once, tells the log, and names nobody."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import azure.functions as func
import pytest
from typer.testing import CliRunner

from functions.summaries import summaries
from holdfast import wiring
from holdfast.cli.app import app
from holdfast.jobs.audience import AudienceError
from sandbox import Clock, Tenant, firm
from sandbox.teams import Message
from tests.cli.test_login import Time
from tests.tenants import Served

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 27, 13, tzinfo=UTC)
SETTINGS = """\
version: 1
mode: {mode}
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm}}
tenant:
  login: {{client_id: {client_id}, account: {account}}}
audiences:
  alla: {{group: Alla medarbetare}}
goals:
  - {{id: ai, title: AI i vardagen, resources: [{{title: Prompting, url: "https://kurser.example/p", minutes: 45}}]}}
blocks:
  - {{id: lartimmen, title: Lärtimmen, audiences: [alla], every: week, day: thursday, at: "09:00", minutes: 60,
     from: 2026-12-01, goals: [ai]}}
channels:
  - {{id: utveckling, team: Team Utveckling, channel: Lärande, audiences: [alla],
     post: {{every: week, day: friday, at: "14:00"}}}}
"""


@pytest.fixture
def tenant(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A tenant whose settings, in mode keep, are where the app looks for them."""
    tenant = served.sandbox.add(firm(people=6, seed=1, clock=Clock(at=MONDAY), calendars=False))
    time = Time(tenant)
    monkeypatch.setattr(wiring, "SystemClock", lambda: time)
    monkeypatch.setenv("HOLDFAST_SETTINGS", str(tmp_path / "settings.yaml"))
    monkeypatch.delenv("HOLDFAST_STATE", raising=False)
    for name, value in served.environment(tenant).items():
        monkeypatch.setenv(name, value)
    write(tmp_path, tenant)
    return tenant


def write(folder: Path, tenant: Tenant, mode: str = "keep") -> None:
    given = {"client_id": tenant.login.client_id, "account": tenant.service_account.address, "mode": mode}
    (folder / "settings.yaml").write_text(SETTINGS.format(**given), encoding="utf-8")


def typed(*words: str) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output


def tick() -> None:
    asyncio.run(cast("Any", summaries(cast("func.TimerRequest", SimpleNamespace(past_due=False)))))


def posts(tenant: Tenant) -> list[Message]:
    return tenant.team("Team Utveckling").channel("Lärande").posts


def test_what_is_due_is_posted_once_and_the_log_names_nobody(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    typed("apply", "--yes")
    typed("login")
    with caplog.at_level(logging.INFO, "holdfast"):
        tick()
        assert posts(tenant) == []
        tenant.clock.set(FRIDAY)
        for _ in range(3):
            tick()
            tenant.clock.advance(timedelta(minutes=10))
    assert len(posts(tenant)) == 1
    told = [one for one in caplog.records if one.name == "holdfast.summaries"]
    assert [(one.levelname, json.loads(one.getMessage())) for one in told] == [
        (
            "INFO",
            {
                "event": "A summary was due.",
                "channel": "utveckling",
                "period": "2026-11-27",
                "state": "posted",
                "why": "",
            },
        )
    ]
    people = [account for account in tenant.accounts if account is not tenant.service_account]
    assert not [one for one in people if one.address in caplog.text]


def test_where_nobody_has_signed_in_it_is_an_error_with_its_cure(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    typed("apply", "--yes")
    tenant.clock.set(FRIDAY)
    with caplog.at_level(logging.INFO, "holdfast"):
        tick()
    (told,) = [one for one in caplog.records if one.name == "holdfast.summaries"]
    assert told.levelname == "ERROR"
    line = json.loads(told.getMessage())
    assert (line["channel"], line["period"], line["state"]) == ("utveckling", "2026-11-27", "not posted")
    assert "holdfast login" in line["why"]


def test_without_an_approval_and_in_mode_watch_nothing_is_posted_or_said(
    tenant: Tenant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tenant.clock.set(FRIDAY)
    with caplog.at_level(logging.INFO, "holdfast"):
        tick()
        write(tmp_path, tenant, mode="watch")
        tenant.clock.set(MONDAY)
        typed("apply", "--yes")
        tenant.clock.set(FRIDAY)
        tick()
    assert "A summary was due." not in caplog.text
    assert posts(tenant) == []


def test_what_goes_wrong_as_a_whole_is_raised_so_that_azure_shows_a_failed_run(tenant: Tenant) -> None:
    typed("apply", "--yes")
    tenant.clock.set(FRIDAY)
    tenant.groups.remove(tenant.everyone)
    with pytest.raises(AudienceError):
        tick()
