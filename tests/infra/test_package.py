"""What goes into the package: what can be reached of msgraph-sdk, and the same bytes each time."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tools.package import LEFT_AT_HOME, NEVER_LOADED, ROOT, _complete, _required, pack
from tools.reach import reached

SDK = {
    "__init__.py": "from .graph_service_client import GraphServiceClient\n",
    "graph_service_client.py": "from .generated.base_client import BaseClient\n",
    "generated/base_client.py": """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from .drives.drives_request_builder import DrivesRequestBuilder
class BaseClient:
    @property
    def groups(self):
        from .groups.groups_request_builder import GroupsRequestBuilder
    @property
    def drives(self):
        from .drives.drives_request_builder import DrivesRequestBuilder
""",
    "generated/groups/groups_request_builder.py": """
class GroupsRequestBuilder:
    def by_group_id(self, group_id):
        from .item.group_item_request_builder import GroupItemRequestBuilder
    async def get(self):
        from ..models.group import Group
""",
    "generated/groups/item/group_item_request_builder.py": "from .... import VERSION\n",
    "generated/drives/drives_request_builder.py": "from ..models.drive import Drive\n",
    "generated/models/group.py": """
class Group:
    def get_field_deserializers(self):
        from .event import Event
""",
    "generated/models/event.py": "from .entity import Entity\n",
    "generated/models/entity.py": "",
    "generated/models/drive.py": "",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in SDK.items():
        path = tmp_path / "site" / "msgraph" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "site"


def kept(site: Path, source: str) -> set[str]:
    path = site.parent / "ours.py"
    path.write_text(source, encoding="utf-8")
    return {one.relative_to(site / "msgraph" / "generated").as_posix() for one in reached(site, [path])}


GROUPS = {
    "base_client.py",
    "groups/groups_request_builder.py",
    "models/group.py",
    "models/event.py",
    "models/entity.py",
}


def test_addresses_are_kept_that_we_name_and_types_that_may_come_from_there(site: Path) -> None:
    assert kept(site, "client.groups.get()") == GROUPS


def test_the_next_address_is_kept_where_we_name_it_too(site: Path) -> None:
    called = kept(site, "client.groups.by_group_id(one).get()")
    assert called == {*GROUPS, "groups/item/group_item_request_builder.py"}


def test_what_only_type_checkers_import_is_left_out_and_what_we_import_is_kept(site: Path) -> None:
    assert kept(site, "") == {"base_client.py"}
    imported = kept(site, "def f():\n    from msgraph.generated.models.drive import Drive\n")
    assert imported == {"base_client.py", "models/drive.py"}


def test_a_module_that_the_sdk_has_not_stops_the_package(site: Path) -> None:
    with pytest.raises(LookupError, match=r"msgraph\.generated\.models\.plan"):
        kept(site, "from msgraph.generated.models.plan import Plan")


def test_the_zip_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "b").mkdir(parents=True)
        for file in ("b/z.py", "a.py") if name == "one" else ("a.py", "b/z.py"):
            (folder / file).write_text(file, encoding="utf-8")
        pack(folder, tmp_path / f"{name}.zip")
    first, second = ((tmp_path / f"{name}.zip").read_bytes() for name in ("one", "two"))
    assert first == second
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == ["a.py", "b/z.py"]


@pytest.mark.parametrize(("python", "major"), [("3.12", "1."), ("3.13", "2.")])
def test_requirements_are_those_of_the_python_in_azure_and_not_of_ours(python: str, major: str) -> None:
    asked = {one.name: str(one.specifier) for one in _required(python)}
    assert asked["azure-functions"].startswith(f"=={major}")


def test_a_dependency_that_pip_left_out_for_our_own_python_is_noticed(tmp_path: Path) -> None:
    info = tmp_path / "needy-1.0.dist-info"
    info.mkdir()
    needs = 'Requires-Dist: elsewhere; python_version >= "3.12"\nRequires-Dist: extra; extra == "more"\n'
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: needy\nVersion: 1.0\n{needs}", encoding="utf-8")
    _complete("3.11", tmp_path)
    with pytest.raises(LookupError, match="elsewhere"):
        _complete("3.12", tmp_path)


def test_what_is_left_out_is_what_only_the_doors_at_home_import() -> None:
    names = {name.replace("-", "_") for name in NEVER_LOADED} | {"markdown_it"}
    rooms = [path for room in ("functions", "graph_client", "holdfast") for path in (ROOT / room).rglob("*.py")]
    left = [ROOT / name for name in LEFT_AT_HOME]
    for path in rooms:
        if not any(path.is_relative_to(one) for one in left):
            lines = path.read_text(encoding="utf-8").splitlines()
            assert not [
                line
                for line in lines
                if line.split()[:2][1:]
                and line.split()[0] in {"import", "from"}
                and line.split()[1].split(".")[0] in names
            ], path
