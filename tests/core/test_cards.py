"""Summaries as cards, HTML and text: as people read them, small enough, and with nobody's words taken for markup."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft6Validator
from markdown_it import MarkdownIt

from holdfast.core import cards
from holdfast.core.catalog import catalogue
from holdfast.core.settings import Language
from holdfast.core.summary import Figures, GoalLine, Kept, Pick, Quiet, Shared, Summary
from tests.core.posts import POSTS, full, many_replies
from tests.golden import GOLDEN, check_golden

ALL = [pytest.param(name, language, id=f"{name}.{language}") for name in POSTS for language in Language]
# What Teams and the official renderer do with the text of a TextBlock, and more: tables, and addresses become links.
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True}).enable("table")


@pytest.fixture(scope="session")
def schema() -> Draft6Validator:
    """The schema of Adaptive Cards 1.4, as a package on PyPI has it. It is only read, the package is not imported."""
    found = json.loads((files("adaptive_cards") / "schemas" / "schema-1.4.json").read_text("utf-8"))
    return Draft6Validator(found)


@pytest.mark.parametrize(("name", "language"), ALL)
def test_cards_as_people_read_them(name: str, language: Language) -> None:
    card = cards.card(POSTS[name](language))
    check_golden(GOLDEN / "cards" / f"{name}.{language}.json", json.dumps(card, ensure_ascii=False, indent=1) + "\n")


@pytest.mark.parametrize(("name", "language"), ALL)
def test_html_as_people_read_it(name: str, language: Language) -> None:
    html = re.sub(r"(</p>|</ul>|</li>|</blockquote>|<ul>)", r"\1\n", cards.html(POSTS[name](language)))
    check_golden(GOLDEN / "cards" / f"{name}.{language}.html", html)


@pytest.mark.parametrize(("name", "language"), ALL)
def test_text_as_people_read_it(name: str, language: Language) -> None:
    check_golden(GOLDEN / "cards" / f"{name}.{language}.txt", cards.text(POSTS[name](language)))


@pytest.mark.parametrize(("name", "language"), ALL)
def test_cards_are_valid(name: str, language: Language, schema: Draft6Validator) -> None:
    schema.validate(cards.card(POSTS[name](language)))


def test_the_schema_tells_a_card_that_is_not_valid(schema: Draft6Validator) -> None:
    card = cards.card(full(Language.SV))
    card["body"][0]["items"][0]["wrapp"] = True
    assert not schema.is_valid(card)


def test_a_post_is_known_again_by_its_channel_and_period() -> None:
    summary = full(Language.SV)
    post = cards.post(summary)
    assert post.card["body"][0]["id"] == post.marker  # type: ignore[index] - a card is plain data
    assert post.html.endswith(f'<attachment id="{post.marker}"></attachment>')
    assert re.fullmatch("[0-9a-f]{32}", post.marker)
    same = replace(summary, language=Language.EN, figures=None, shared=())
    assert cards.post(same).marker == post.marker
    others = [replace(summary, period="2026-12-11"), replace(summary, channel="salj")]
    assert len({post.marker, *(cards.post(other).marker for other in others)}) == 3


def test_a_notification_says_the_most_of_it() -> None:
    post = cards.post(full(Language.EN))
    assert post.subject == "This week\u2019s learning, 27 Nov\u2009\u2013\u20093 Dec 2026"
    assert post.html.startswith(
        "<p>85 hours were protected for learning, and about 80% of that time stayed in place. "
        "3 colleagues share what they have learned. Up next: Prompting in practice.</p><attachment"
    )


def test_every_goal_has_a_quote_before_any_has_two() -> None:
    summary = full(Language.SV)
    busy, calm, none = summary.goals[0].title, summary.goals[1].title, None
    many = [Shared("Anna Ek", f"nr {number}", "https://teams.example/1", busy) for number in range(20)]
    few = [Shared("Bo Lind", "ett", "https://teams.example/2", goal) for goal in (calm, none)]
    text = cards.text(replace(summary, shared=(*many, *few)))
    assert text.count("Bo Lind") == 2
    assert text.count("Anna Ek") == cards.QUOTES - 2
    assert "och 14 svar till" in text


def elements(part: Any) -> Iterator[dict[str, Any]]:
    """Everything in a card that has a type."""
    if isinstance(part, list):
        for one in part:
            yield from elements(one)
    elif isinstance(part, dict):
        if "type" in part:
            yield part
        for one in part.values():
            yield from elements(one)


def links(summary: Summary, words: str) -> int:
    return sum(one.get("text") == words and "selectAction" in one for one in elements(cards.card(summary)))


def test_long_quotes_are_cut_before_quotes_are_left_out() -> None:
    summary = many_replies(Language.SV)
    long = tuple(replace(one, text="学んだこと " * 80, url=one.url + "x" * 300) for one in summary.shared)
    assert links(replace(summary, shared=long), "Läs svaret") == cards.QUOTES
    quotes = re.findall("”(学.*?)”", cards.text(replace(summary, shared=long)))
    assert {len(quote) for quote in quotes} < set(range(100, 281))
    assert all(quote.endswith("学んだこと…") for quote in quotes)


def test_quotes_are_left_out_before_links_are_cut() -> None:
    summary = many_replies(Language.EN)
    far = tuple(replace(one, url="https://teams.example/" + "a" * 1900) for one in summary.shared)
    shown = replace(summary, shared=far)
    number = links(shown, "Read the reply")
    assert 0 < number < cards.QUOTES
    assert f"and {len(far) - number} more replies in the thread" in cards.packed(cards.card(shown))
    assert links(shown, summary.picks[-1].title) == 1


def test_what_has_no_room_is_counted() -> None:
    summary = full(Language.EN)
    picks = tuple(
        replace(summary.picks[0], url="https://kurser.example/" + "a" * 1900, goal="AI" * 100) for _ in range(9)
    )
    goals = tuple(GoalLine("学" * 255) for _ in range(30))
    text = cards.text(replace(summary, picks=picks, goals=goals, question="学" * 400))
    assert "and 22 more goals" in text
    assert re.search("and [3-9] more picks", text)
    assert "more repl" in text


@pytest.mark.parametrize(("number", "said"), [(1, "and 1 more reply"), (2, "and 2 more replies")])
def test_one_more_and_more(number: int, said: str) -> None:
    summary = full(Language.EN)
    many = summary.shared[:1] * (cards.QUOTES + number)
    assert f"{said} in the thread" in cards.text(replace(summary, shared=many))


# Whatever goes in.

NASTY = st.sampled_from(
    [
        "[klicka](https://ond.example)",
        "![bild](https://ond.example/x.png)",
        "**fet** _kursiv_ ~~struken~~ `kod`",
        "# rubrik",
        "- punkt\n- punkt",
        "1. ett\n2. två",
        "<b>fet</b><script>alert(1)</script>",
        "<at id='0'>Everyone</at> @everyone",
        "{{DATE(2026-12-04T09:00:00Z, LONG)}} {{{{TIME(2026-12-04T09:00:00Z)}}",
        "${hemligt} @{triggerBody()}",
        '{"type": "AdaptiveCard", "version": "1.4", "body": []}',
        '"}],"actions":[{"type":"Action.Submit"}]',
        "\u202egnp.exe",
        "\x1b]0;titel\x07\x1b[31m",
        "👩‍👩‍👧‍👦🏽🇸🇪" * 9,
        "A\u0301\u0302\u0303\u0304\u0305" * 9,
        "| a | b |\n|---|---|\n| c | d |",
        "> citat",
        "https://ond.example/?a=b&c=d www.ond.example",
        "&lt;b&gt; &amp;",
    ]
)
WORDS = st.lists(NASTY | st.text(max_size=40), max_size=4).map(" ".join)
LONG_WORDS = WORDS | st.builds(lambda words, times: words * times, WORDS, st.integers(1, 60))
PATHS = st.text(st.sampled_from("abcåäö-_.~%/?=&()[]*'\"<> {}@!$\\\n"), max_size=60)
URLS = (
    st.builds("https://kurser.example/{}".format, PATHS)
    | st.builds(lambda path, times: f"https://kurser.example/{path * times}"[:2000], PATHS, st.integers(1, 60))
    | st.sampled_from(["javascript:alert(1)", "data:text/html,<b>", "", "https://", "HTTPS://ond.example"])
)
DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
GOAL_LINES = st.builds(
    GoalLine, WORDS, st.none() | DAYS, st.none() | st.integers(0, 100_000), st.none() | st.integers(0, 900)
)
SHARED = st.builds(Shared, WORDS, LONG_WORDS, URLS, st.none() | WORDS)
SUMMARIES = st.builds(
    Summary,
    channel=st.just("utveckling"),
    period=st.just("2026-12-04"),
    language=st.sampled_from(Language),
    organization=WORDS,
    since=st.just(date(2026, 11, 27)),
    until=st.integers(0, 60).map(lambda days: date(2026, 11, 27) + timedelta(days=days)),
    figures=st.none()
    | st.builds(Figures, st.integers(0, 20_000).map(lambda n: n * 5), st.integers(0, 10).map(lambda n: Kept(n * 10))),
    quiet=st.none() | st.sampled_from(Quiet),
    goals=st.lists(GOAL_LINES, max_size=12).map(tuple),
    shared=st.lists(SHARED, max_size=40).map(tuple),
    picks=st.lists(st.builds(Pick, DAYS, LONG_WORDS, URLS, st.integers(1, 480), WORDS), max_size=12).map(tuple),
    question=st.none() | LONG_WORDS,
    asks=st.booleans(),
)


def urls(summary: Summary) -> set[str]:
    return {one.url for one in (*summary.shared, *summary.picks)}


@given(SUMMARIES)
def test_a_post_is_small_enough(summary: Summary) -> None:
    post = cards.post(summary)
    whole = cards.packed(post.card)
    assert len((cards.html(summary) + whole).encode()) <= cards.BUDGET
    assert len((post.html + whole).encode()) <= cards.BUDGET
    assert json.loads(whole) == post.card


@settings(max_examples=10)
@given(SUMMARIES)
def test_a_post_is_valid(schema: Draft6Validator, summary: Summary) -> None:
    schema.validate(cards.card(summary))


@given(SUMMARIES)
def test_a_card_leads_only_to_what_was_given(summary: Summary) -> None:
    for one in elements(cards.card(summary)):
        assert not one["type"].startswith(("Input.", "Image", "Media"))
        if one["type"].startswith("Action."):
            assert one["type"] == "Action.OpenUrl"
            assert one["url"] in urls(summary)
            assert one["url"].startswith(("https://", "http://"))


@given(SUMMARIES)
def test_nobodys_words_are_markup_in_a_card(summary: Summary) -> None:
    ours = catalogue_patterns(summary.language)
    card = cards.card(summary)
    for sentence in card["fallbackText"].replace(". ", ".\n").splitlines():
        assert ours.fullmatch(sentence)
    for one in elements(card):
        if one["type"] == "TextBlock":
            assert markdown_is_plain(one["text"])
            assert all(ours.fullmatch(part) for part in one["text"].split(" · "))
        elif one["type"] == "TextRun":
            assert "{{" not in one["text"]
        else:
            assert "text" not in one
            assert "facts" not in one


def catalogue_patterns(language: Language) -> re.Pattern[str]:
    """Our own texts with numbers and dates in them. What somebody else wrote is in none of these."""
    strings = [
        message.string for message in catalogue(language) if message.id not in ("about", "shared.quote", "lead.next")
    ]
    texts = [text for string in strings for text in (string if isinstance(string, tuple) else [string])]
    share = r"(?:\w+ )?[\d,\s]+%"
    filled = {"kept": share, "percent": r"[\d,\s]+%", "count": r"[\d,\s]+", "day": r"\d+ \w+ \d{4}", "days": ".*"}
    patterns = [
        "".join(filled[part] if at % 2 else re.escape(part) for at, part in enumerate(re.split(r"\{(\w+)\}", text)))
        for text in texts
    ]
    return re.compile("|".join([*patterns, r"[^\W\d_]+ \d+ [^\W\d_]+"]))


def markdown_is_plain(text: str) -> bool:
    """Whether an independent reader of Markdown finds one paragraph with nothing but text in it."""
    opening, inline, closing = MARKDOWN.parse(text)
    kinds = (opening.type, inline.type, closing.type)
    return kinds == ("paragraph_open", "inline", "paragraph_close") and [
        (child.type, child.content) for child in inline.children or []
    ] == [("text", text)]


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value or "" for name, value in attrs if name == "href"}
        assert all(name == "href" and tag == "a" for name, _ in attrs)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(SUMMARIES)
def test_nobodys_words_are_markup_in_html(summary: Summary) -> None:
    seen = Seen()
    seen.feed(cards.html(summary))
    seen.close()
    assert not seen.open
    assert seen.tags <= {"p", "strong", "ul", "li", "a", "br", "blockquote"}
    assert seen.links <= urls(summary)


@given(SUMMARIES)
def test_a_terminal_is_told_nothing_but_text(summary: Summary) -> None:
    shown = cards.text(summary)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)


def test_the_hours_of_nobody_are_told() -> None:
    for quiet in Quiet:
        summary = replace(full(Language.SV), figures=None, quiet=quiet, goals=(GoalLine("AI"),))
        assert "timmar" not in re.sub("Timmar visas|Timmarna", "", cards.text(summary))
