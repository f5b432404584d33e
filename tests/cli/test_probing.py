"""``check --probe`` on a pretend tenant whose doubtful facts can be switched: what it finds, and what it leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from graph_client import translate
from holdfast.cli.init import example
from holdfast.core.model import DesiredSeries, Fingerprint, Slot, Tag, Weekday, Weekly
from holdfast.core.settings import Language
from holdfast.core.tenant import EXPECTED, TenantFacts
from holdfast.jobs.probing import BLOCK
from sandbox import Tenant
from sandbox.facts import Facts
from sandbox.parsing import draft
from tests.cli.command import Desk
from tests.tenants import Served, series, untagged

WORLDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as the sandbox is": ({}, {}),
    "range end keeps": ({"range_end_only_keeps_exceptions": True}, {"range_end_keeps": True}),
    "original start moves along": ({"original_start_is_the_slot": False}, {"original_start_stays": False}),
    "occurrences without tag": ({"occurrences_carry_tag": False}, {"occurrences_carry_tag": False}),
    "duplicates answer 400": ({"duplicate_status": 400}, {"duplicate_status": 400}),
    "duplicates name nothing": ({"duplicate_tells_existing": False}, {"duplicate_names_event": False}),
    "duplicates are forgotten": ({"remembers_transactions_of_deleted": False}, {"duplicate_outlives_event": False}),
    "tags in their case": ({"tag_values_ignore_case": False}, {"tags_ignore_case": False}),
    "an empty series stays": ({"last_occurrence_takes_series": False}, {"last_takes_series": False}),
}
"""What a tenant does differently, and what of it a probe has to tell."""


@pytest.fixture
def tenant(served: Served) -> Tenant:
    return served.firm(12)


@pytest.fixture
def desk(tmp_path: Path, served: Served, tenant: Tenant) -> Desk:
    desk = Desk(tmp_path, served.environment(tenant))
    organizer = tenant.employees[0].address
    text = example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01")
    desk.write(text.replace("tenant:", f"tenant:\n  organizer: {organizer}", 1))
    return desk


def probed(desk: Desk) -> dict[str, dict[str, Any]]:
    result = desk.run("check", "--probe", "--json")
    assert result.exit_code == 0, result.output
    return {fact["what"]: fact for fact in json.loads(result.stdout)["facts"]}


def seen(facts: dict[str, dict[str, Any]]) -> list[str]:
    return [fact["seen"] for fact in facts.values()]


def expected(**values: Any) -> list[str]:
    facts = replace(EXPECTED, **values)
    names = [name for name in TenantFacts.__slots__ if name != "at"]
    texts = {True: "yes", False: "no"}
    return [texts[v] if isinstance(v := getattr(facts, name), bool) else str(v) for name in names]


@pytest.mark.parametrize("world", list(WORLDS))
def test_each_world_is_told_apart_and_nothing_is_left_behind(desk: Desk, tenant: Tenant, world: str) -> None:
    switched, told = WORLDS[world]
    tenant.facts = replace(Facts(), **switched)
    before = untagged(tenant)
    facts = probed(desk)
    assert seen(facts) == expected(**told)
    assert sum(fact["differs"] for fact in facts.values()) == len(told)
    assert untagged(tenant) == before
    assert not any(series(one) for one in tenant.employees)
    assert tenant.counts.mails == 0


def test_it_can_be_done_again(desk: Desk) -> None:
    assert probed(desk) == probed(desk)


def test_what_a_probe_that_was_stopped_left_is_taken_away(desk: Desk, tenant: Tenant) -> None:
    own = tenant.employees[0].mailbox
    assert own is not None
    left = DesiredSeries(
        block=BLOCK,
        slot=Slot(Weekly(Weekday.THURSDAY), time(4), 15, "Europe/Stockholm"),
        first=date(2027, 1, 7),
        last=date(2027, 2, 11),
        subject="Holdfast probe",
        body="",
        category="Holdfast",
        reminder=0,
        fingerprint=Fingerprint("0", "0"),
    )
    tag = Tag(BLOCK, 0, left.fingerprint, left.first, left.last)
    own.create(draft(translate.event(left, tag, "holdfast:holdfast-probe:before"), creating=True))
    assert series(tenant.employees[0]) == 1
    probed(desk)
    assert series(tenant.employees[0]) == 0


def test_without_an_organizer_it_says_what_to_write(desk: Desk) -> None:
    desk.write(example(Language.SV))
    result = desk.run("check", "--probe")
    assert result.exit_code == 2
    assert "tenant.organizer" in result.stderr
