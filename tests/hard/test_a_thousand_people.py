"""A thousand people, by the commands over HTTP and TLS: what was done is done once, whatever is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.cli.init import example
from holdfast.core.settings import Language
from sandbox import Tenant
from tests.cli.command import Desk
from tests.hard.people import PEOPLE
from tests.tenants import Served, series, untagged

pytestmark = pytest.mark.hard


@pytest.fixture
def tenant(served: Served) -> Tenant:
    return served.firm(PEOPLE)


@pytest.fixture
def desk(tmp_path: Path, served: Served, tenant: Tenant) -> Desk:
    """The desk of an admin who has applied the settings to everybody, in mode keep."""
    desk = Desk(tmp_path, served.environment(tenant))
    text = example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01").replace("mode: watch", "mode: keep")
    desk.write(text)
    assert told(desk, "apply", "--yes")["states"]["changed"] == PEOPLE
    return desk


def told(desk: Desk, *words: str) -> Any:
    result = desk.run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def one_each(tenant: Tenant) -> bool:
    return all(series(one) == (one in tenant.employees) for one in tenant.accounts if one.mailbox)


def test_a_second_plan_is_empty_and_a_second_apply_writes_nothing(desk: Desk, tenant: Tenant) -> None:
    writes = tenant.counts.writes
    assert writes == PEOPLE
    assert told(desk, "plan", "--detailed-exitcode")["changes"] == []
    assert told(desk, "apply")["writes"] == 0
    assert tenant.counts.writes == writes
    assert one_each(tenant)
    assert tenant.counts.throttled.total() == 0
    assert max(tenant.counts.most_in_flight.values()) == 1


def test_series_that_everybody_deleted_come_back_once_and_only_when_somebody_applies(
    desk: Desk, tenant: Tenant
) -> None:
    for one in tenant.employees:
        assert one.mailbox
        (event,) = [event for event in one.mailbox.events if event.tags]
        one.mailbox.delete_event(one.mailbox.id_of(event))
    for path in desk.folder.glob("holdfast.db*"):
        path.unlink()
    swept = told(desk, "sweep")
    assert swept["states"]["waiting"] == PEOPLE
    assert swept["writes"] == 0
    assert not any(series(one) for one in tenant.employees)
    assert told(desk, "apply", "--yes")["states"]["changed"] == PEOPLE
    assert one_each(tenant)


def test_remove_then_apply_twice_over_is_the_same_each_time(desk: Desk, tenant: Tenant) -> None:
    theirs = untagged(tenant)
    for _ in range(2):
        assert told(desk, "remove", "--yes")["states"]["changed"] == PEOPLE
        assert not any(series(one) for one in tenant.accounts if one.mailbox)
        assert told(desk, "apply", "--yes")["states"]["changed"] == PEOPLE
        assert one_each(tenant)
    assert untagged(tenant) == theirs
    assert tenant.counts.mails == 0


def test_a_group_changed_to_everyone_is_stopped_with_a_word_on_how_to_go_on(served: Served, tmp_path: Path) -> None:
    tenant = served.firm(PEOPLE, seed=2)
    desk = Desk(tmp_path, served.environment(tenant))
    (some,) = [group for group in tenant.groups if group.display_name == "Ekonomi"]
    text = example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01").replace("mode: watch", "mode: keep")
    desk.write(text.replace("group: Alla medarbetare", "group: Ekonomi"))
    told(desk, "apply", "--yes")
    writes = tenant.counts.writes
    assert 0 < writes < PEOPLE / 2
    some.members += [one for one in tenant.employees if one not in some.members]
    swept = told(desk, "sweep")
    assert swept["writes"] == 0
    assert "Nothing was written" in swept["note"]
    assert "--force" in swept["note"]
    refused = desk.run("apply", "--yes")
    assert refused.exit_code == 1
    assert "more than 30 % and more than 10" in refused.stderr
    assert tenant.counts.writes == writes
    told(desk, "apply", "--yes", "--force")
    assert one_each(tenant)
