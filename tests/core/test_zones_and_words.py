"""Zone names by CLDR's table, and what people read in their calendar."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from holdfast.core import words, zones
from holdfast.core.model import Care, Protection
from holdfast.core.settings import Language


@pytest.mark.parametrize(
    ("iana", "windows"),
    [
        ("Europe/Stockholm", "W. Europe Standard Time"),
        ("Europe/Oslo", "W. Europe Standard Time"),
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("Europe/Amsterdam", "W. Europe Standard Time"),
        ("Europe/Copenhagen", "Romance Standard Time"),
        ("Europe/Paris", "Romance Standard Time"),
        ("Europe/Helsinki", "FLE Standard Time"),
        ("Europe/London", "GMT Standard Time"),
        ("America/New_York", "Eastern Standard Time"),
        ("America/Los_Angeles", "Pacific Standard Time"),
        ("Asia/Kolkata", "India Standard Time"),
    ],
)
def test_windows_names_are_those_of_cldr(iana: str, windows: str) -> None:
    assert zones.windows(iana) == windows
    assert zones.iana(iana) == iana


def test_utc_is_utc() -> None:
    """It is a name of both kinds."""
    assert zones.windows(zones.iana("UTC")) == "UTC"
    assert zones.rules(zones.iana("UTC")).utcoffset(None) == timedelta(0)


@pytest.mark.parametrize(
    ("windows", "iana"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Romance Standard Time", "Europe/Paris"),
        ("FLE Standard Time", "Europe/Kiev"),
        ("GMT Standard Time", "Europe/London"),
        ("Eastern Standard Time", "America/New_York"),
    ],
)
def test_a_windows_name_means_its_first_place(windows: str, iana: str) -> None:
    assert ZoneInfo(zones.iana(windows)) is not None
    assert zones.windows(zones.iana(windows)) == windows
    assert zones.iana(windows) in {iana, iana.replace("Kiev", "Kyiv")}


@pytest.mark.parametrize("name", zones.names())
def test_every_name_offered_is_accepted_has_rules_and_a_name_for_graph(name: str) -> None:
    iana = zones.iana(name)
    assert zones.rules(iana).key == iana
    assert zones.windows(iana)
    assert zones.iana(iana) == iana


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Stockholm",
        "europe/stockholm",
        "Europe/Stokholm",
        "CET+1",
        " W. Europe Standard Time",
        "+01:00",
        "Central Europe",
        "../etc/passwd",
        "posixrules",
    ],
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(zones.UnknownZone):
        zones.iana(name)
    with pytest.raises(zones.UnknownZone):
        zones.windows(name)


def test_the_names_are_sorted_and_hold_both_kinds() -> None:
    names = zones.names()
    assert names == sorted(names)
    assert {"Europe/Stockholm", "W. Europe Standard Time", "UTC"} <= set(names)


SOFT = Care(Protection.SOFT)


@pytest.mark.parametrize("language", Language)
def test_the_body_says_how_often_a_date_may_be_moved(language: Language) -> None:
    assert "17" in words.body(language, "Fjällvik AB", [], Care(Protection.MOVABLE, 17))


def test_the_body_in_swedish() -> None:
    assert words.body(Language.SV, "Fjällvik AB", ["Alla använder AI i vardagen"], SOFT) == (
        "<p>Det här är din lärtid. Fjällvik AB har satt av den så att lärandet får plats varje vecka, inte bara "
        "när det blir tid över.</p>"
        "<p>Målen den hjälper oss att nå:</p><ul><li>Alla använder AI i vardagen</li></ul>"
        "<p>Krockar det en vecka? Flytta eller ta bort just det tillfället; resten ligger kvar. Anteckningar du "
        "skriver i ett tillfälle är dina egna.</p>"
        "<p>Vill du inte ha lärtiden alls? Säg till den som ansvarar för lärande hos er, så tas den bort framåt.</p>"
    )


def test_the_body_in_english_without_goals() -> None:
    body = words.body(Language.EN, "Fjällvik AB", [], SOFT)
    assert body.startswith("<p>This is your learning time. Fjällvik AB has set it aside")
    assert "goals" not in body
    assert body.count("<p>") == body.count("</p>") == 3


@pytest.mark.parametrize("language", Language)
def test_what_an_admin_writes_is_text_and_never_markup(language: Language) -> None:
    body = words.body(language, "<b>Fjäll & {goals}</b>", ['<script>"x"</script>', "{organization} & co"], SOFT)
    assert "&lt;b&gt;Fjäll &amp; {goals}&lt;/b&gt;" in body
    assert "<li>&lt;script&gt;&quot;x&quot;&lt;/script&gt;</li><li>{organization} &amp; co</li>" in body
    assert "<script" not in body
    assert "<b>" not in body


@pytest.mark.parametrize("language", Language)
def test_every_language_has_every_word(language: Language) -> None:
    assert words.CATEGORY[language]
    assert len({words.body(language, "Fjällvik AB", ["x"], Care(protection)) for protection in Protection}) == 3
    assert words.instead(language)
