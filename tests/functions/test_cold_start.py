"""What Azure's worker loads to learn which functions there are: little, because Graph may be waiting for an answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SLOW = (
    "msgraph",
    "msal",
    "azure.data.tables",
    "azure.storage",
    "azure.identity",
    "azure.monitor",
    "aiohttp",
    "httpx",
    "requests",
    "pydantic",
    "ruamel",
    "cryptography",
    "holidays",
    "babel",
    "jinja2",
    "graph_client",
    "holdfast.wiring",
)


def loaded_by(code: str) -> set[str]:
    """Which of the slow modules a fresh interpreter has loaded after some code."""
    asked = f"import sys; {code}; print(*[name for name in {SLOW!r} if name in sys.modules])"
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_indexing_the_app_loads_nothing_slow() -> None:
    assert loaded_by("import function_app; function_app.app.get_functions()") == set()


def test_the_question_would_notice() -> None:
    assert loaded_by("import holdfast.wiring") >= {"pydantic", "holdfast.wiring"}


def test_a_handshake_loads_nothing_either() -> None:
    asked = (
        "import asyncio, function_app, azure.functions as func; from functions.notifications import notifications;"
        "made = func.HttpRequest('POST', '/api/notifications', params={'validationToken': 'hello'}, body=b'');"
        "assert asyncio.run(notifications(made)).get_body() == b'hello'"
    )
    assert loaded_by(asked) == set()


def test_taking_what_is_told_loads_no_way_to_graph() -> None:
    assert not loaded_by("import holdfast.listening") & {"msgraph", "msal", "requests", "httpx", "graph_client"}
