"""The demo's second part on a pretend tenant: what a learning manager reads of Christmas in two countries."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from holdfast.cli import christmas
from holdfast.cli.console import set_up_logging
from holdfast.core.settings import Language
from sandbox import Clock, firm
from tests.cli.command import Desk
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
