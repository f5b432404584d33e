from pathlib import Path

import pytest

from holdfast import wiring
from sandbox import Clock, firm
from tests.cli.command import Desk
from tests.cli.protected import NOW, PEOPLE, Office
from tests.cli.test_calendar_cases import TenantsTime
from tests.tenants import Served


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def protected(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    tenant = served.sandbox.add(firm(people=PEOPLE, seed=11, clock=Clock(at=NOW)))
    monkeypatch.setattr(wiring, "SystemClock", lambda: TenantsTime(tenant.clock))
    return Office(tenant, Desk(tmp_path, served.environment(tenant)))
