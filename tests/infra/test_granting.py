"""The scripts grant what the code asks for and no more, and do nothing before they have said so."""

from __future__ import annotations

import re

import pytest

from holdfast.core.permissions import LIMITED, PERMISSIONS
from tests.infra.bicep import ROOT, text_of

_CHANGES = re.compile(r"(?<![\w.-])(?:New|Set|Remove|Update|Add)-(?:Mg|Management|Service)\w+")


def listed(script: str) -> dict[str, set[str]]:
    """The permissions of the script, by the name of each of its lists."""
    lists = re.findall(r"^\$(Of\w+) = @\((.*?)^\)", script, re.MULTILINE | re.DOTALL)
    return {name: set(re.findall(r"'([\w.]+)'", content)) for name, content in lists}


def unasked(script: str) -> list[str]:
    """Changes that are neither a step, which is said and asked for, nor asked for where they stand."""
    code = re.sub(r"<#.*?#>", "", script, flags=re.DOTALL)
    blocks = [
        (found.start(), found.end())
        for found in re.finditer(r"Add-Step [^{]*\{.*?\}\.GetNewClosure\(\)", code, re.DOTALL)
    ]
    blocks += [
        (found.start(), found.end())
        for found in re.finditer(
            r"^(?:else)?if \([^\n]*\$PSCmdlet\.ShouldProcess\([^\n]*\{\n.*?^\}", code, re.DOTALL | re.MULTILINE
        )
    ]
    return [
        found[0]
        for found in _CHANGES.finditer(code)
        if not any(begins < found.start() < ends for begins, ends in blocks)
    ]


def test_what_is_granted_is_what_the_code_asks_for() -> None:
    lists = listed(text_of("grant.ps1"))
    assert set.union(*lists.values()) == set(PERMISSIONS)
    assert sum(map(len, lists.values())) == len(PERMISSIONS)
    assert lists["OfAudiences"] | lists["OfTheOrganizer"] == LIMITED


def test_a_permission_too_many_or_too_few_is_noticed() -> None:
    script = text_of("grant.ps1")
    for planted in (script.replace("'Mail.Send'", "'Mail.ReadWrite'"), script.replace("    'User.Read.All'\n", "")):
        assert set.union(*listed(planted).values()) != set(PERMISSIONS)


@pytest.mark.parametrize("name", ["grant.ps1", "sign-in.ps1"])
def test_nothing_is_changed_that_was_not_said_and_asked(name: str) -> None:
    script = text_of(name)
    assert "SupportsShouldProcess" in script
    assert len(_CHANGES.findall(script)) > 3
    assert unasked(script) == []


@pytest.mark.parametrize("name", ["grant.ps1", "sign-in.ps1"])
def test_a_change_without_a_question_is_noticed(name: str) -> None:
    planted = f"{text_of(name)}\nRemove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $PrincipalId\n"
    assert unasked(planted) == ["Remove-MgServicePrincipalAppRoleAssignment"]


def test_brackets_are_closed() -> None:
    """There is no PowerShell here to parse the scripts: at least every bracket has its other."""
    for name in ("grant.ps1", "sign-in.ps1"):
        code = re.sub(r"<#.*?#>|(?m:^\s*#.*$)|'[^'\n]*'", "", text_of(name), flags=re.DOTALL)
        for opened, closed in ("()", "{}", "[]"):
            assert code.count(opened) == code.count(closed), (name, opened)


def test_the_page_calls_the_scripts_by_their_parameters() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for name in ("grant.ps1", "sign-in.ps1"):
        calls = re.findall(rf"infra/{re.escape(name)}((?:[^\n]*\\\n)*[^\n]*)", page)
        used = {word for call in calls for word in re.findall(r"(?<=\s)-(\w+)", call)}
        known = set(re.findall(r"\] \$(\w+)", text_of(name))) | {"WhatIf"}
        assert used <= known
        assert used
