"""The data sheet: what it says in both languages, and that it leaves nothing out of what the code asks and stores."""

from __future__ import annotations

import ast
import dataclasses
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from graph_client import calendars, directory
from graph_client.typed import _OF_GROUPS
from holdfast.core import privacy
from holdfast.core.catalog import catalogue
from holdfast.core.desired import ChoiceKey
from holdfast.core.model import ActualSeries, Profile, SlotKey, Tag, WorkingHours
from holdfast.core.permissions import DELEGATED, PERMISSIONS
from holdfast.core.privacy import Keeper, with_edit
from holdfast.core.privacy_facts import ASKED, KEPT, NOT_KEPT, Use, uses
from holdfast.core.settings import Language
from holdfast.core.tenant import TenantFacts
from holdfast.core.touches import DateKey, SeriesKey, Stood, Touches
from holdfast.jobs.ports import Approval, Entry, Known, Learned, Placed, Run, Seen, SignedIn, State, Subscription
from holdfast.store.sqlite import open_state
from tests.core.sheets import EVERYTHING, SMALL, settings, sheet_of, text_of
from tests.golden import GOLDEN, check_golden
from tests.store.contract import KEY

SV, EN = Language.SV, Language.EN
KINDS = {"small": SMALL, "everything": EVERYTHING}
ROOT = Path(__file__).parents[2]


# What it says


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", KINDS)
def test_the_sheet_reads_as_it_was_reviewed(kind: str, language: Language) -> None:
    check_golden(GOLDEN / "privacy" / f"{kind}-{language}.txt", text_of(sheet_of(KINDS[kind], language)))


def test_what_is_used_and_what_is_off_are_everything_there_is() -> None:
    assert uses(settings(SMALL)) == frozenset()
    assert uses(settings(EVERYTHING)) == frozenset(Use)
    small, everything = (text_of(sheet_of(text, EN)) for text in (SMALL, EVERYTHING))
    assert small.count(": off") == len(Use)
    assert ": off" not in everything
    assert "HMAC" in small
    for only_used in ("sent items", "Table: post", "Mail.Send", "Calendars.Read\n", "ChannelMessage"):
        assert only_used in everything
        assert only_used not in small


def test_dates_and_numbers_go_with_the_language() -> None:
    swedish, english = (text_of(sheet_of(EVERYTHING, language)) for language in (SV, EN))
    assert "1 december 2026" in swedish
    assert "1 December 2026" in english
    assert "30\N{NO-BREAK SPACE}%" in swedish
    assert "30%" in english
    assert "{" not in swedish + english


def test_numbers_of_the_settings_are_on_it() -> None:
    sheet = text_of(sheet_of(EVERYTHING, EN))
    assert "Forgotten 120 days after" in sheet
    assert "at least 8 people" in sheet
    assert "Lärtid - tacka nej" in sheet
    assert "Lärtid - avstår" in sheet


def test_it_says_where_all_is_kept_and_that_it_is_no_advice() -> None:
    assert "storage account in Azure" in text_of(sheet_of(SMALL, EN, keeper=Keeper.AZURE))
    assert "in a file" in text_of(sheet_of(SMALL, EN))
    assert "not legal advice" in text_of(sheet_of(SMALL, EN))
    assert "not approved yet" in text_of(sheet_of(SMALL, EN, approved=None))


def test_an_edit_that_waits_is_told_by_what_it_would_change() -> None:
    edited = SMALL.replace("minutes: 60", "minutes: 90")
    section = with_edit(sheet_of(SMALL, EN), sheet_of(edited, EN)).sections[-1]
    assert [item.text for item in section.items] == [
        "Goes: Learning hour: 60 minutes, every week, from 1 December 2026 on",
        "Comes: Learning hour: 90 minutes, every week, from 1 December 2026 on",
    ]
    assert [item.text for item in with_edit(sheet_of(SMALL, EN), sheet_of(SMALL, EN)).sections[-1].items] == [
        "Nothing on this sheet."
    ]


# The texts


def texts(language: Language) -> dict[str, tuple[str, ...]]:
    def strings(message: Message) -> tuple[str, ...]:
        return message.string if isinstance(message.string, tuple) else (message.string,)

    found = catalogue(language, "privacy.")
    return {one.id[0] if isinstance(one.id, tuple) else one.id: strings(one) for one in found if one.id}


ALL = {language: texts(language) for language in Language}


@pytest.mark.parametrize("name", sorted(ALL[SV]))
def test_texts_are_in_both_languages_and_filled_in_alike(name: str) -> None:
    forms = [*ALL[SV][name], *ALL[EN][name]]
    assert all(form.strip() for form in forms)
    assert len({frozenset(re.findall(r"\{(\w+)\}", form)) - {"count"} for form in forms}) == 1
    assert not any(re.search(r"[<>*_\[\]`#]|https?:", re.sub(r"\{\w+\}", "", form)) for form in forms)


def test_every_text_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(ALL[EN]) == sorted(ALL[SV])
    asked: set[str] = set()

    class Listening(privacy._Words):
        def __call__(self, name: str, **values: str | int) -> str:
            asked.add(name)
            return super().__call__(name, **values)

        def count(self, name: str, number: int) -> str:
            asked.add(name)
            return super().count(name, number)

    monkeypatch.setattr(privacy, "_Words", Listening)
    movable_by_day = EVERYTHING.replace("overlap: notify", "overlap: notify, within: day")
    for text in (SMALL, EVERYTHING, movable_by_day):
        for keeper in Keeper:
            for approved in (None, sheet_of.__kwdefaults__["approved"]):
                with_edit(sheet_of(text, EN, keeper=keeper, approved=approved), sheet_of(SMALL, EN))
    with_edit(sheet_of(SMALL, EN), sheet_of(SMALL, EN))
    assert set(ALL[EN]) - asked == set()


# What is stored

STORED = (
    *(Approval, Placed, SlotKey, Seen, Subscription, Run, Known, ActualSeries, Tag, Learned, Profile, WorkingHours),
    *(Touches, DateKey, SeriesKey, Stood, Entry, SignedIn, TenantFacts, ChoiceKey),
)
"""Every value that the state keeps."""


def columns(path: Path) -> set[str]:
    """Every column of every table of a state file but for whose it is."""
    with open_state(path, "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b", KEY), closing(sqlite3.connect(path)) as raw:
        tables = [name for (name,) in raw.execute("select name from sqlite_master where type = 'table'")]
        mine = [name for name in tables if not name.startswith("sqlite_")]
        return {f"{name}.{row[1]}" for name in mine for row in raw.execute(f"pragma table_info({name})")} - {
            f"{name}.tenant" for name in mine
        }


def fields(*kinds: type) -> set[str]:
    def names(kind: type) -> tuple[str, ...]:
        if dataclasses.is_dataclass(kind):
            return tuple(one.name for one in dataclasses.fields(kind))
        found: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
        return found

    return {f"{kind.__name__}.{name}" for kind in kinds for name in names(kind)}


def told() -> list[str]:
    return [name for one in KEPT for names in one.told.values() for name in names]


def test_every_table_and_column_is_told_of(tmp_path: Path) -> None:
    found = columns(tmp_path / "holdfast.db")
    assert found == {name for name in told() if name[0].islower()}


def test_every_stored_field_is_told_of() -> None:
    assert fields(*STORED) == {name for name in told() if name[0].isupper()} | NOT_KEPT
    assert len(told()) == len(set(told()))


def test_every_value_that_the_state_takes_or_gives_is_looked_at() -> None:
    named = {
        word
        for method in vars(State).values()
        if callable(method)
        for hint in getattr(method, "__annotations__", {}).values()
        for word in re.findall(r"[A-Z]\w+", str(hint))
    }
    others = {"Any", "Collection", "Mapping", "Sequence", "None", "PostState"}
    assert named - others <= {kind.__name__ for kind in STORED}


def test_a_column_or_a_field_that_is_added_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.db"
    columns(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("alter table placed add column birthday text")
    assert columns(path) - set(told()) == {"placed.birthday"}

    @dataclasses.dataclass
    class Placed:
        birthday: str

    assert fields(Placed) - set(told()) == {"Placed.birthday"}


# What is asked


def properties() -> set[str]:
    return {name for one in ASKED for name in one.properties}


def selects(source: str) -> Iterator[str]:
    """Every list of properties in a module: what is given as ``select``, written out or as a name, and in addresses."""
    tree = ast.parse(source)
    known = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "select":
            if isinstance(node.value, ast.Constant):
                yield str(node.value.value)
            elif isinstance(node.value, ast.Name):
                yield known.get(node.value.id, "")
            else:
                raise AssertionError(ast.dump(node))
    yield from re.findall(r"\$select=([\w,]+)", source)


def asked_in_code(source: str) -> set[str]:
    return {name for select in selects(source) for name in select.split(",") if name}


def test_every_property_that_is_asked_for_is_told_of() -> None:
    asked = {name for path in (ROOT / "graph_client").glob("*.py") for name in asked_in_code(path.read_text("utf-8"))}
    asked |= set(calendars.OF_OTHERS.split(",")) | set(directory.OF_PEOPLE.split(",")) | set(_OF_GROUPS)
    assert {"body", "recurrence", "createdDateTime"} <= asked
    assert asked <= properties()


def test_a_property_that_is_added_is_missed() -> None:
    planted = ['OF_US = "id,subject"\nask(select=OF_US)', "ask(select='id,subject')", "f'/events?$select=id,subject'"]
    assert [asked_in_code(source) - properties() for source in planted] == [{"subject"}] * 3


def test_nothing_is_told_that_the_sheet_says_is_never_read() -> None:
    assert properties().isdisjoint({"subject", "bodyPreview", "attendees", "location", "automaticRepliesSetting"})


@pytest.mark.parametrize("language", Language)
def test_everything_that_is_asked_stored_and_granted_stands_on_the_sheet(language: Language) -> None:
    sheet = text_of(sheet_of(EVERYTHING, language))
    for one in ASKED:
        assert ", ".join(one.properties) in sheet
        assert set(one.permissions) <= {*PERMISSIONS, *DELEGATED}
    for kept in KEPT:
        assert f": {kept.table}\n" in sheet
    for name in (*PERMISSIONS, *DELEGATED):
        assert re.search(rf"^- {re.escape(name)}( \(|$)", sheet, re.MULTILINE)
