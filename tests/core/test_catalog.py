"""Every text in both languages, with the same words to fill in, and the right one for one and for many."""

import re
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import cards, catalog, packs, quotations
from holdfast.core.catalog import catalogue, count, say
from holdfast.core.settings import Language

SV, EN = Language.SV, Language.EN
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def texts(found: Catalog) -> dict[str, tuple[str, ...]]:
    """What stands for each name: one text, or one for one and one for several."""
    return {
        message.id[0] if isinstance(message.id, tuple) else message.id: message.string
        if isinstance(message.string, tuple)
        else (message.string,)
        for message in found
        if message.id
    }


ALL = {language: texts(catalogue(language)) for language in Language}
NAMES = sorted(ALL[SV])


def test_both_languages_have_the_same_texts() -> None:
    assert sorted(ALL[EN]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_texts_are_filled_in_alike(name: str) -> None:
    forms = [form for language in Language for form in ALL[language][name]]
    assert all(form.strip() for form in forms)
    assert len({frozenset(PLACEHOLDER.findall(form)) for form in forms}) == 1
    assert len({len(ALL[language][name]) for language in Language}) == 1
    for form in forms:
        assert not re.search(r"[{}]", PLACEHOLDER.sub("", form))
        assert not re.search(r"[<>*_\[\]`#]|https?:", PLACEHOLDER.sub("", form)), "texts have no markup of their own"


@pytest.mark.parametrize("language", Language)
def test_nothing_is_left_to_translate(language: Language) -> None:
    found = catalogue(language)
    assert not [message.id for message in found if message.id and message.fuzzy]
    assert not [error for _, errors in found.check() for error in errors]


def test_every_text_is_used() -> None:
    code = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (cards, catalog, packs, quotations))
    said = set(re.findall(r"\"([a-z]+(?:[.-][a-z-]+)*)\"|'([a-z]+(?:[.-][a-z-]+)*)'", code))
    named = {one or other for one, other in said} | {
        f"{kind}.{which}" for kind in ("subject", "title") for which in ("week", "period")
    }
    assert set(NAMES) <= named


def test_a_text_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="no-such-text"):
        say(SV, "no-such-text")
    with pytest.raises(KeyError, match="no-such-text"):
        count(SV, "no-such-text", 2)


@pytest.mark.parametrize(
    ("number", "sv", "en"),
    [
        (0, "0 timmar", "0 hours"),
        (1, "1 timme", "1 hour"),
        (2, "2 timmar", "2 hours"),
        (21, "21 timmar", "21 hours"),
        (1240, "1\N{NO-BREAK SPACE}240 timmar", "1,240 hours"),
    ],
)
def test_one_and_many(number: int, sv: str, en: str) -> None:
    assert count(SV, "hours", number) == sv
    assert count(EN, "hours", number) == en


def test_days_and_shares() -> None:
    day = date(2026, 12, 3)
    assert catalog.weekday(SV, day) == "torsdag 3 december"
    assert catalog.weekday(EN, day) == "Thursday 3 December"
    assert catalog.long_date(SV, date(2028, 12, 31)) == "31 december 2028"
    assert catalog.long_date(EN, date(2028, 12, 31)) == "31 December 2028"
    assert catalog.percent(SV, 80) == "80\N{NO-BREAK SPACE}%"
    assert catalog.percent(EN, 80) == "80%"


@given(st.text())
def test_what_is_filled_in_is_not_filled_in_again(value: str) -> None:
    assert say(SV, "share.some", percent=value) == f"ca {value}"
    assert say(SV, "share.some", percent="{kept} {0}") == "ca {kept} {0}"
