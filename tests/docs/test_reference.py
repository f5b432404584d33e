"""What the docs promise is what the code does: pages are written from it, and links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from graph_client import permissions
from graph_client.permissions import Need
from holdfast.core.permissions import DELEGATED, PERMISSIONS

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if "node_modules" not in path.parts)


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "commands.md", "permissions.md"])
def test_the_page_is_what_the_code_says_today(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == reference().PAGES[name](), (
        f"docs/{name} has fallen behind: run `make docs` and read the difference"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if link and not (page.parent / link).exists()]
    assert not missing


def test_every_permission_asked_for_is_needed_by_a_call_and_the_other_way_round() -> None:
    needs = [need for need in vars(permissions).values() if isinstance(need, Need)]
    assert {name for need in needs if not need.delegated for name in need.permissions} == set(PERMISSIONS)
    assert {name for need in needs if need.delegated for name in need.permissions} == set(DELEGATED)


def test_every_environment_variable_the_code_names_is_documented() -> None:
    documented = set(re.findall(r"HOLDFAST_[A-Z_]+", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    sources = [path for room in ("holdfast", "graph_client", "functions") for path in (ROOT / room).rglob("*.py")]
    named = {name for path in sources for name in re.findall(r"HOLDFAST_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    assert named - {"HOLDFAST_"} <= documented


def test_every_decision_has_its_number_once() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
