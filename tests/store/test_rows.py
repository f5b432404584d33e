"""Values as text and back: whatever they hold, and what an older Holdfast has written."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.model import ActualSeries, Fingerprint, Profile, Purpose, Tag, Weekday, WorkingHours
from holdfast.core.tenant import TenantFacts
from holdfast.store import rows
from tests.store.contract import FACTS, KNOWN

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside it
DATES = st.dates(date(2000, 1, 1), date(2100, 1, 1))
HASH = st.text("0123456789abcdef", min_size=1, max_size=8)
TAGS = st.builds(
    Tag,
    block=st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True),
    generation=st.integers(0, 999_999_999),
    fingerprint=st.builds(Fingerprint, HASH, HASH),
    first=DATES,
    last=DATES,
    ending=st.booleans(),
)
SERIES = st.builds(
    ActualSeries,
    event_id=TEXT,
    etag=st.just(""),
    tag=TAGS,
    created=INSTANTS,
    range_ends=st.none() | DATES,
    starts=INSTANTS,
    zone=st.none() | TEXT,
    instances=st.none(),
    ahead=st.none(),
)
HOURS = st.builds(WorkingHours, st.frozensets(st.sampled_from(Weekday)), st.times(), st.times(), zone=st.none() | TEXT)
PROFILES = st.builds(Profile, st.sampled_from(Purpose), st.none() | HOURS, st.none() | TEXT, st.none() | INSTANTS)


@given(st.lists(SERIES, max_size=4).map(tuple))
def test_series_come_back_as_they_were(series: tuple[ActualSeries, ...]) -> None:
    assert rows.series_of(rows.series_text(series)) == series


@given(PROFILES)
def test_profiles_come_back_as_they_were(profile: Profile) -> None:
    assert rows.profile_of(rows.profile_text(profile)) == profile


def test_profiles_that_are_alike_are_one_value() -> None:
    """There are as many profiles as people, and most people's are alike."""
    text = rows.profile_text(Profile(Purpose.USER))
    assert rows.profile_of(text) is rows.profile_of(str(json.dumps(json.loads(text))))


@pytest.mark.parametrize("name", [field.name for field in fields(TenantFacts) if field.name != "at"])
def test_what_an_older_holdfast_did_not_look_for_is_not_known(name: str) -> None:
    kept = json.loads(rows.facts_text(FACTS))
    del kept[name]
    facts = rows.facts_of(json.dumps(kept))
    assert getattr(facts, name) is None
    assert facts.at == FACTS.at


def test_what_another_holdfast_looked_for_and_this_one_does_not_is_left_out() -> None:
    kept = json.loads(rows.facts_text(FACTS))
    assert rows.facts_of(json.dumps({**kept, "colour_of_the_sky": "blue"})) == FACTS


def test_a_series_whose_tag_cannot_be_read_is_not_passed_over() -> None:
    spoilt = rows.series_text(KNOWN.series).replace("holdfast;", "holdfast:")
    with pytest.raises(ValueError, match="holdfast:lartimmen"):
        rows.series_of(spoilt)


@pytest.mark.parametrize(
    "text",
    [
        "anna@fjallvik.example",
        "Anna@Fjallvik.example",
        "The mailbox anna@fjallvik.example.",
        "users/anna@fjallvik.example/events",
        '"anna@fjallvik.example" is no mailbox',
        "(ID-ANNA)",
    ],
)
def test_a_text_that_names_somebody_is_about_them(text: str) -> None:
    who = rows.named("id-anna", "anna@fjallvik.example")
    assert rows.mentions([{"mailbox": text}], who) == [{"mailbox": text}]
    assert rows.without([[text, 1], [text]], who) == []


@pytest.mark.parametrize(
    "text",
    [
        "johanna@fjallvik.example",
        "eva-anna@fjallvik.example",
        "eva.anna@fjallvik.example",
        "anna@fjallvik.example.org",
        "id-anna2",
        "solid-anna",
    ],
)
def test_whoever_has_somebodys_name_in_theirs_is_somebody_else(text: str) -> None:
    """What is given out of one person must hold nothing of another, and what is forgotten neither."""
    who = rows.named("id-anna", "anna@fjallvik.example")
    assert rows.mentions([{"mailbox": text}], who) == []
    assert rows.without({text: [text, {"mailbox": text}]}, who) == {text: [text, {"mailbox": text}]}
