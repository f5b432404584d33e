"""The Bicep files fit together. Resources and their properties only Azure can check."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lark.exceptions import UnexpectedInput

from tests.infra.bicep import FILES, INFRA, bare, misfits, parsed, roles, text_of, unused

MODULES = {path.relative_to(INFRA).as_posix(): path.read_text(encoding="utf-8") for path in INFRA.glob("app/*.bicep")}

AZURE = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
"""From https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_bicep_and_uses_what_it_declares(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert parsed(text)
    assert unused(text) == []


def test_what_is_no_bicep_and_what_is_not_used_is_noticed() -> None:
    with pytest.raises(UnexpectedInput):
        parsed("param name string =\n")
    assert unused("@description('name and place')\nparam name string\nparam place string\nvar x = place\n") == [
        "name",
        "x",
    ]


def test_modules_are_there_and_get_what_they_ask_for() -> None:
    assert misfits(text_of("main.bicep"), MODULES) == []


def test_modules_that_do_not_fit_are_noticed() -> None:
    main = text_of("main.bicep")
    assert "app/vaults.bicep is not there" in misfits(main.replace("app/vault.bicep", "app/vaults.bicep"), MODULES)
    assert "app has no output hosts" in misfits(main.replace("app.outputs.host", "app.outputs.hosts"), MODULES)
    assert "app has no parameter notify" in misfits(main.replace("notified: notified", "notify: notified"), MODULES)
    assert "app is not given notified" in misfits(main.replace("    notified: notified\n", ""), MODULES)
    assert misfits(main, {**MODULES, "app/spare.bicep": "param x string\n"}) == ["app/spare.bicep is called by nobody"]


def test_azd_fills_parameters_that_there_are_and_all_without_a_default() -> None:
    given = json.loads(text_of("main.parameters.json"))["parameters"]
    declared = parsed(text_of("main.bicep"))["parameters"]
    assert set(given) <= set(declared)
    assert {name for name, one in declared.items() if "default" not in one} <= set(given)
    assert declared["environmentName"]["type"] == "string"


def test_roles_are_azures_own_and_each_is_given_to_somebody() -> None:
    text = text_of("app/access.bicep")
    assert roles(text) == AZURE
    assert [name for name in AZURE if bare(text).count(f"'{name}'") < 2] == []
    swapped = text.replace(AZURE["Key Vault Secrets User"], AZURE["Key Vault Secrets Officer"])
    assert roles(swapped) != AZURE


def test_the_app_comes_to_storage_by_the_roles_that_its_errors_name() -> None:
    from holdfast.store.account import QUEUE_ROLE, TABLE_ROLE  # noqa: PLC0415 - for this one alone

    ours = parsed(text_of("app/access.bicep"))["variables"]["ofTheApp"]["value"]
    assert {QUEUE_ROLE, TABLE_ROLE, "Storage Blob Data Owner"} == set(ours)


def test_no_key_of_an_account_opens_anything() -> None:
    together = "".join(map(bare, MODULES.values()))
    assert "allowSharedKeyAccess: false" in together
    assert "DisableLocalAuth: true" in together
    assert not re.findall(r"listKeys|AccountKey|@secure", together)
