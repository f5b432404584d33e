"""What the app is told in Azure is what the code reads, and the page on deploying says so."""

from __future__ import annotations

import json
import re

from holdfast.core.settings.parsing import ENVIRONMENT
from holdfast.wiring import VARIABLES
from tests.infra.bicep import INFRA, ROOT, app_settings, parsed, text_of

ELSEWHERE = {
    "HOLDFAST_CLIENT_SECRET": "for laptops: in Azure there is an identity",
    "HOLDFAST_CERTIFICATE_PATH": "likewise",
    "HOLDFAST_CLOUD": "says the settings file: Azure's name for its clouds does not tell GCC High from DoD",
    "HOLDFAST_ORGANIZER": "says the settings file",
    "HOLDFAST_AUTHORITY": "for simulators",
    "HOLDFAST_GRAPH_URL": "for simulators",
    "HOLDFAST_CA_BUNDLE": "for simulators, and laptops behind a proxy",
    "HOLDFAST_STORAGE_KEY": "for simulators",
}
"""What the code reads and Bicep leaves unset, and why."""

OF_AZURE = {
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
}
"""What the Functions host and Azure's sign-in read."""

_NAME = re.compile(r"\b(?:HOLDFAST_[A-Z_]*[A-Z](?:_<ID>)?|AZURE_CLIENT_ID)(?![A-Z_])")


def read_by_the_code() -> set[str]:
    """What the wiring tells of, what fills ``tenant``, and whatever else is named where settings are read."""
    rooms = [ROOT / "functions", ROOT / "holdfast" / "store", ROOT / "holdfast" / "wiring.py"]
    files = [path for room in rooms for path in ([room] if room.is_file() else room.rglob("*.py"))]
    named = {name for path in files for name in _NAME.findall(path.read_text(encoding="utf-8"))}
    return {*VARIABLES, *ENVIRONMENT, *named}


def gap(read: set[str], told: set[str]) -> set[str]:
    """What is read and not told, or told and not read."""
    return (read - set(ELSEWHERE)) ^ (told - OF_AZURE)


def test_the_app_is_told_what_it_reads_and_nothing_else() -> None:
    told = app_settings(text_of("app/app.bicep"))
    assert gap(read_by_the_code(), told) == set()
    assert not told & set(ELSEWHERE)


def test_a_setting_that_is_missing_or_too_many_is_noticed() -> None:
    text = text_of("app/app.bicep")
    read = read_by_the_code()
    assert gap(read, app_settings(text.replace("HOLDFAST_STATE:", "HOLDFAST_STORE:"))) == {
        "HOLDFAST_STATE",
        "HOLDFAST_STORE",
    }
    assert gap(read | {"HOLDFAST_NEW"}, app_settings(text)) == {"HOLDFAST_NEW"}
    assert gap(read, app_settings(text.replace("HOLDFAST_WORKFLOW_{0}", "HOLDFAST_FLOW_{0}"))) != set()


def test_what_is_left_unset_is_read_somewhere() -> None:
    sources = [path for room in ("holdfast", "graph_client") for path in (ROOT / room).rglob("*.py")]
    everything = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert [name for name in ELSEWHERE if name not in everything] == []


def test_secrets_are_references_into_the_vault() -> None:
    text = text_of("app/app.bicep")
    for name in ("HOLDFAST_KEY", "HOLDFAST_KEY_PREVIOUS"):
        assert re.search(rf"^  {name}: '@Microsoft\.KeyVault\(SecretUri=", text, re.MULTILINE)
    assert "channel => '@Microsoft.KeyVault(SecretUri=" in text


def test_the_page_names_each_setting_and_none_that_there_is_not() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    told = app_settings(text_of("app/app.bicep"))
    assert [name for name in told if f"`{name}`" not in page] == []
    parameters = (INFRA / "main.parameters.json").read_text(encoding="utf-8")
    of_azd = {*re.findall(r"\$\{(\w+)", parameters), *parsed(text_of("main.bicep"))["outputs"]}
    assert set(_NAME.findall(page)) - told - of_azd == set()


def test_the_example_for_a_laptop_names_what_the_code_reads() -> None:
    values = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    ours = {name for name in values if name.startswith("HOLDFAST_")}
    assert ours <= read_by_the_code() | set(ELSEWHERE)
    assert [name for name in values if re.search("SECRET|KEY", name) and values[name]] == []
