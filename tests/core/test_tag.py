"""The mark that makes an event ours: to text and back, and nothing else is taken for it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.model import Fingerprint, Tag
from holdfast.core.tag import PREFIX, PROPERTY_ID, parse, text, transaction_id

TAG = Tag("lartimmen", 0, Fingerprint("9ac1", "77fe"), date(2026, 12, 3), date(2027, 5, 27))
WRITTEN = "holdfast;lartimmen;0;9ac1-77fe;2026-12-03..2027-05-27"

hashes = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)
ids = st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)
tags = st.builds(Tag, ids, st.integers(0, 10**6), st.builds(Fingerprint, hashes, hashes), st.dates(), st.dates())


def test_the_text_never_changes_its_form() -> None:
    """Every series ever made carries it."""
    assert text(TAG) == WRITTEN
    assert PROPERTY_ID == "String {6d2f4c1e-93b7-4a58-8e0d-7c5b1a9f3e62} Name Holdfast"
    assert transaction_id("lartimmen", 2) == "holdfast:lartimmen:2"


@given(tags)
def test_tag_to_text_to_tag_is_lossless(tag: Tag) -> None:
    assert parse(text(tag)) == tag
    assert text(tag).startswith(PREFIX)
    assert text(tag) == text(tag).lower()


@given(tags)
def test_case_and_space_around_do_not_matter(tag: Tag) -> None:
    assert parse(f" {text(tag).upper()}\n") == tag


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "holdfast",
        "lartimmen",
        "holdfast;lartimmen;v1;9ac1",
        WRITTEN.replace("holdfast", "holdfest"),
        WRITTEN + ";more",
        "x" + WRITTEN,
        WRITTEN.replace(";0;", ";-1;"),
        WRITTEN.replace(";0;", ";;"),
        WRITTEN.replace(";0;", ";٣;"),
        WRITTEN.replace(";0;", f";{'9' * 5000};"),
        WRITTEN.replace("2026-12-03", "2026-02-30"),
        WRITTEN.replace("2026-12-03", "٢٠٢٦-12-03"),
        WRITTEN.replace("9ac1-", ""),
        WRITTEN.replace("9ac1", "9acg"),
        WRITTEN.replace("lartimmen", "lär timmen"),
        WRITTEN.replace("2026-12-03", "0000-12-03"),
    ],
)
def test_a_foreign_text_is_no_tag(foreign: str) -> None:
    assert parse(foreign) is None


@given(st.text() | st.from_regex(r"holdfast;[a-z]+;\d+;[0-9a-f]+-[0-9a-f]+;\d{4}-\d{2}-\d{2}\.\.\d{4}-\d{2}-\d{2}"))
def test_any_text_is_a_tag_or_none_and_a_tag_says_the_same_again(value: str) -> None:
    found = parse(value)
    if found is not None:
        assert parse(text(found)) == found


@given(st.lists(st.tuples(ids, st.integers(0, 50)), unique=True))
def test_every_generation_of_every_block_has_a_transaction_id_of_its_own(keys: list[tuple[str, int]]) -> None:
    assert len({transaction_id(*key) for key in keys}) == len(keys)
