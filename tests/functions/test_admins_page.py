"""The admin's page in Azure: who is let in, and a plan that is made, read and applied there."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, cast

import azure.functions as func
import pytest

from functions.apply import apply
from functions.plan import plan
from functions.signed_in import ADMIN, READER, SWITCH
from functions.status import status
from holdfast.cli.init import example
from holdfast.core.settings import Language
from sandbox import Tenant
from tests.functions.host import queues_are_worked_off, run
from tests.tenants import Served, series

PAGES = {"apply": apply, "plan": plan, "status": status}


@pytest.fixture
def tenant(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    tenant = served.firm(5)
    (tmp_path / "settings.yaml").write_text(example(Language.SV), encoding="utf-8")
    monkeypatch.setenv("HOLDFAST_SETTINGS", str(tmp_path / "settings.yaml"))
    monkeypatch.delenv("HOLDFAST_STATE", raising=False)
    monkeypatch.setenv(SWITCH, "True")
    for name, value in served.environment(tenant).items():
        monkeypatch.setenv(name, value)
    return tenant


def principal(*roles: str) -> str:
    claims = [{"typ": "name", "val": "Åsa"}, *({"typ": "roles", "val": role} for role in roles)]
    return base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()


def asked(
    name: str, method: str = "GET", *, roles: tuple[str, ...] = (ADMIN,), body: Any = None, **headers: str
) -> func.HttpRequest:
    given = {"Host": "holdfast.example", "X-MS-CLIENT-PRINCIPAL": principal(*roles), "Accept": "application/json"}
    if body is not None:
        given["Content-Type"] = "application/json"
    return func.HttpRequest(
        method,
        f"https://holdfast.example/api/{name}",
        headers={**given, **headers},
        body=json.dumps(body).encode() if body is not None else b"",
    )


async def answered(request: func.HttpRequest) -> func.HttpResponse:
    page = PAGES[request.url.rpartition("/")[2]]
    return cast("func.HttpResponse", await cast("Any", page)(request))


@pytest.mark.parametrize(("name", "method"), [("status", "GET"), ("plan", "GET"), ("plan", "POST"), ("apply", "POST")])
@pytest.mark.parametrize("roles", [(), ("Holdfast.Other",)])
def test_whoever_has_no_role_sees_nothing(tenant: Tenant, name: str, method: str, roles: tuple[str, ...]) -> None:
    answer = run(answered(asked(name, method, roles=roles)))
    assert answer.status_code == 403
    assert tenant.counts.requests == 0


@pytest.mark.parametrize("principal", ["", "not base64!", base64.b64encode(b"[]").decode(), "bnVsbA=="])
@pytest.mark.usefixtures("tenant")
def test_what_is_no_sign_in_is_none(principal: str) -> None:
    answer = run(answered(asked("status", **{"X-MS-CLIENT-PRINCIPAL": principal})))
    assert answer.status_code == 403


@pytest.mark.usefixtures("tenant")
def test_a_header_is_not_believed_where_azures_sign_in_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH)
    assert run(answered(asked("status"))).status_code == 403


@pytest.mark.usefixtures("tenant")
def test_readers_plan_and_do_not_apply() -> None:
    async def story() -> list[int]:
        planned = await answered(asked("plan", "POST", roles=(READER,)))
        applied = await answered(asked("apply", "POST", roles=(READER,), body={"checksum": "0123456789ab"}))
        return [planned.status_code, applied.status_code]

    assert run(story()) == [202, 403]


@pytest.mark.usefixtures("tenant")
def test_another_sites_page_cannot_have_it_done() -> None:
    answer = run(answered(asked("plan", "POST", Origin="https://elsewhere.example")))
    assert answer.status_code == 403
    assert run(answered(asked("plan", "POST", Origin="https://holdfast.example"))).status_code == 202


def test_a_plan_is_made_read_and_applied(tenant: Tenant) -> None:
    async def story() -> None:
        empty = await answered(asked("plan"))
        assert json.loads(empty.get_body())["plan"] is None
        begun = await answered(asked("plan", "POST"))
        assert (begun.status_code, begun.headers["Location"]) == (202, "/api/plan")
        assert json.loads(begun.get_body())["plan"]["done"] == 0
        await queues_are_worked_off()
        assert tenant.counts.writes == 0
        made = json.loads((await answered(asked("plan"))).get_body())
        assert (made["made"]["people"], made["is_current"]) == (5, True)
        page = (await answered(asked("plan", Accept="text/html"))).get_body().decode()
        assert tenant.employees[0].address in page
        assert made["made"]["checksum"] in page
        wrong = await answered(asked("apply", "POST", body={"checksum": "0123456789ab"}))
        assert wrong.status_code == 409
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        request = func.HttpRequest(
            "POST",
            "https://holdfast.example/api/apply",
            headers={**asked("apply").headers, **form},
            body=f"checksum={made['made']['checksum']}".encode(),
        )
        assert (await answered(request)).status_code == 202
        await queues_are_worked_off()
        told = json.loads((await answered(asked("status"))).get_body())
        assert told["last_run"]["states"]["changed"] == 5
        after = json.loads((await answered(asked("plan"))).get_body())
        assert after["apply"] == {"id": after["apply"]["id"], "done": 1, "of": 1, "ended": True}

    run(story())
    assert [series(one) for one in tenant.employees] == [1] * 5


@pytest.mark.usefixtures("tenant")
def test_an_edit_that_changes_no_calendar_is_put_in_force_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as ``mode: keep``, after a while of watching: there is no other way to it in Azure."""
    monkeypatch.setattr("holdfast.engine.FRESH", -1.0)

    async def planned() -> tuple[dict[str, Any], str]:
        await answered(asked("plan", "POST"))
        await queues_are_worked_off()
        page = (await answered(asked("plan", Accept="text/html"))).get_body().decode()
        return json.loads((await answered(asked("plan"))).get_body()), page

    async def applied(checksum: str) -> None:
        assert (await answered(asked("apply", "POST", body={"checksum": checksum}))).status_code == 202
        await queues_are_worked_off()

    async def story() -> None:
        made, _ = await planned()
        await applied(made["made"]["checksum"])
        made, page = await planned()
        assert (made["made"]["changes"], made["is_approved"]) == ({}, True)
        assert "Apply this plan" not in page
        file = tmp_path / "settings.yaml"
        watching = file.read_text(encoding="utf-8")
        assert "mode: watch" in watching
        file.write_text(watching.replace("mode: watch", "mode: keep"), encoding="utf-8")
        made, page = await planned()
        assert (made["made"]["changes"], made["is_approved"]) == ({}, False)
        assert "Puts these settings in force and changes no calendar." in page
        assert f'name="checksum" value="{made["made"]["checksum"]}"' in page
        await applied(made["made"]["checksum"])
        made, _ = await planned()
        assert made["is_approved"]

    run(story())


@pytest.mark.parametrize("body", [None, [], {}, {"checksum": 7}])
@pytest.mark.usefixtures("tenant")
def test_apply_asks_which_plan(body: object) -> None:
    assert run(answered(asked("apply", "POST", body=body))).status_code == 400


@pytest.mark.usefixtures("tenant")
def test_settings_that_cannot_be_read_are_told_to_who_may_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_SETTINGS", "nowhere.yaml")
    answer = run(answered(asked("status")))
    assert answer.status_code == 503
    assert "nowhere.yaml" in answer.get_body().decode()
