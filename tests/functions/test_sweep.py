"""The timer's function and the queue's on a pretend tenant: they keep what was approved, and the log names nobody."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.sweep import sweep
from holdfast.cli.app import app
from holdfast.cli.init import example
from holdfast.core.errors import Denied
from holdfast.core.settings import Language
from sandbox import Tenant
from tests.functions.host import queues_are_worked_off, run, tick
from tests.tenants import Served, series


@pytest.fixture
def tenant(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A tenant whose settings, in mode keep, are where the app looks for them."""
    tenant = served.firm(4)
    text = example(Language.SV).replace("mode: watch", "mode: keep").replace("2026-12-01", "2026-01-01")
    (tmp_path / "settings.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("HOLDFAST_SETTINGS", str(tmp_path / "settings.yaml"))
    monkeypatch.delenv("HOLDFAST_STATE", raising=False)
    for name, value in served.environment(tenant).items():
        monkeypatch.setenv(name, value)
    return tenant


async def swept() -> int:
    """A tick of the timer and all that comes of it; how many messages that was."""
    await tick(sweep)
    return await queues_are_worked_off()


def told() -> str:
    return CliRunner().invoke(app, ["status"]).output


def test_without_an_approval_it_only_looks(tenant: Tenant) -> None:
    assert run(swept()) == 1
    assert tenant.counts.writes == 0
    assert "Nothing is approved yet" in told()


def test_it_makes_again_what_is_missing_and_names_nobody(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    assert CliRunner().invoke(app, ["apply", "--yes"]).exit_code == 0
    one = tenant.employees[0]
    assert one.mailbox is not None
    (event,) = [event for event in one.mailbox.events if event.tags]
    one.mailbox.delete_event(one.mailbox.id_of(event))
    with caplog.at_level(logging.INFO, "holdfast"):
        run(swept())
    assert series(one) == 1
    assert "1 changed" in told()
    assert '{"event": "A sweep has begun.", ' in caplog.text
    assert not [account for account in tenant.accounts if account.address in caplog.text]


def test_a_second_tick_within_the_hour_does_nothing(tenant: Tenant) -> None:
    async def twice() -> tuple[int, int]:
        return await swept(), await swept()

    assert run(twice()) == (1, 0)
    assert tenant.counts.writes == 0


def test_what_goes_wrong_as_a_whole_is_raised_so_that_azure_shows_a_failed_run_and_tried_again(tenant: Tenant) -> None:
    tenant.applications[0].roles.discard("GroupMember.Read.All")
    with pytest.raises(Denied):
        run(swept())
    tenant.applications[0].roles.add("GroupMember.Read.All")
    assert run(swept()) == 1
