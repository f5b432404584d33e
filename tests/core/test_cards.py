"""What is posted as cards, HTML and text: as people read it, small enough, and with nobody's words taken for markup."""

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

from holdfast.core import cards, elements, packs, posts, quotations
from holdfast.core.catalog import catalogue
from holdfast.core.settings import Language
from holdfast.core.summary import Ask, Figures, GoalLine, Kept, Pack, Pick, Quiet, Quotation, Said, Shared, Summary
from tests.core.posts import MESSAGES, PACKS, POSTS, full, many_replies, message, pack
from tests.golden import GOLDEN, check_golden

EVERY = {**POSTS, **PACKS, **MESSAGES}
ALL = [pytest.param(name, language, id=f"{name}.{language}") for name in EVERY for language in Language]
# What Teams and the official renderer do with the text of a TextBlock, and more: tables, and addresses become links.
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True}).enable("table")


@pytest.fixture(scope="session")
def schema() -> Draft6Validator:
    """The schema of Adaptive Cards 1.4, as a package on PyPI has it. It is only read, the package is not imported."""
    found = json.loads((files("adaptive_cards") / "schemas" / "schema-1.4.json").read_text("utf-8"))
    return Draft6Validator(found)


def html_of(said: Said) -> str:
    """What whoever sees no card is shown of it."""
    match said:
        case Pack():
            return packs.html(said)
        case Quotation():
            return quotations.html(said)
    return cards.html(said)


@pytest.mark.parametrize(("name", "language"), ALL)
def test_cards_as_people_read_them(name: str, language: Language) -> None:
    card = posts.card(EVERY[name](language))
    check_golden(GOLDEN / "cards" / f"{name}.{language}.json", json.dumps(card, ensure_ascii=False, indent=1) + "\n")


@pytest.mark.parametrize(("name", "language"), ALL)
def test_html_as_people_read_it(name: str, language: Language) -> None:
    html = re.sub(r"(</p>|</ul>|</li>|</blockquote>|<ul>)", r"\1\n", html_of(EVERY[name](language)))
    check_golden(GOLDEN / "cards" / f"{name}.{language}.html", html)


@pytest.mark.parametrize(("name", "language"), ALL)
def test_text_as_people_read_it(name: str, language: Language) -> None:
    check_golden(GOLDEN / "cards" / f"{name}.{language}.txt", posts.text(EVERY[name](language)))


@pytest.mark.parametrize(("name", "language"), ALL)
def test_cards_are_valid(name: str, language: Language, schema: Draft6Validator) -> None:
    schema.validate(posts.card(EVERY[name](language)))


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


def test_packs_and_messages_are_known_again_and_say_the_most_of_themselves() -> None:
    for said in (pack(Language.EN), message(Language.EN)):
        post = posts.post(said)
        assert post.marker == elements.marker("utveckling", said.period)
        assert post.card["body"][0]["id"] == post.marker  # type: ignore[index] - a card is plain data
        assert post.html.endswith(f'<attachment id="{post.marker}"></attachment>')
    assert (
        posts.post(pack(Language.EN)).subject
        == "Learning for the department meeting, 7 Dec 2026\u2009\u2013\u20094 Jan 2027"
    )
    assert posts.post(pack(Language.EN)).html.startswith(
        "<p>160 hours have gone to our goals since last time. 7 colleagues have shared what they have learned. "
        "The next goal: Everyone uses AI every day.</p><attachment"
    )
    quotation = posts.post(message(Language.EN))
    assert quotation.subject == "A few words on learning, from Maria Fjäll"
    assert "Do the same.” Maria Fjäll, CEO</p>" in quotation.html


def test_the_stories_of_a_pack_are_the_fullest_by_two_people_about_two_goals_if_they_can_be() -> None:
    def said(author: str, goal: str | None, length: int) -> Shared:
        return Shared(author, "a" * length, f"https://teams.example/{author}{length}", goal)

    long, short, other = said("Anna", "AI", 200), said("Anna", "Kund", 150), said("Bo", "AI", 100)
    elsewhere = said("Cecilia", "Kund", 20)
    assert packs.told_best([elsewhere, other, short, long]) == (long, elsewhere)
    assert packs.told_best([other, short, long]) == (long, other)
    assert packs.told_best([short, long]) == (long,)
    assert packs.told_best([]) == ()


def test_every_goal_has_a_quote_before_any_has_two() -> None:
    summary = full(Language.SV)
    busy, calm, none = summary.goals[0].title, summary.goals[1].title, None
    many = [Shared("Anna Ek", f"nr {number}", "https://teams.example/1", busy) for number in range(20)]
    few = [Shared("Bo Lind", "ett", "https://teams.example/2", goal) for goal in (calm, none)]
    text = cards.text(replace(summary, shared=(*many, *few)))
    assert text.count("Bo Lind") == 2
    assert text.count("Anna Ek") == cards.QUOTES - 2
    assert "och 14 svar till" in text


def parts_of(part: Any) -> Iterator[dict[str, Any]]:
    """Everything in a card that has a type."""
    if isinstance(part, list):
        for one in part:
            yield from parts_of(one)
    elif isinstance(part, dict):
        if "type" in part:
            yield part
        for one in part.values():
            yield from parts_of(one)


def links(summary: Summary, words: str) -> int:
    return sum(one.get("text") == words and "selectAction" in one for one in parts_of(cards.card(summary)))


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
    assert f"and {len(far) - number} more replies in the thread" in elements.packed(cards.card(shown))
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

PACKED = st.builds(
    Pack,
    channel=st.just("utveckling"),
    period=st.just("agenda-2027-01-04"),
    language=st.sampled_from(Language),
    organization=WORDS,
    since=st.just(date(2026, 12, 7)),
    until=st.just(date(2027, 1, 4)),
    ask=st.sampled_from(Ask),
    learned=st.lists(GOAL_LINES, max_size=8).map(tuple),
    sharers=st.integers(0, 40),
    stories=st.lists(SHARED, max_size=3).map(tuple),
    next_goal=st.none() | GOAL_LINES,
    pick=st.none() | st.builds(Pick, DAYS, LONG_WORDS, URLS, st.integers(1, 480), WORDS),
    question=st.none() | LONG_WORDS,
)
PARAGRAPHS = st.lists(LONG_WORDS.map(lambda words: words[:600]), min_size=1, max_size=2).map(tuple)
QUOTATIONS = st.builds(
    Quotation,
    channel=st.just("utveckling"),
    period=st.just("message-2027-01-11-6d3f0c52"),
    language=st.sampled_from(Language),
    name=WORDS,
    role=WORDS,
    address=st.just("vd@fjallvik.example"),
    paragraphs=PARAGRAPHS,
)
SAID = SUMMARIES | PACKED | QUOTATIONS


def urls(said: Said) -> set[str]:
    match said:
        case Pack():
            return {one.url for one in (*said.stories, *filter(None, [said.pick]))}
        case Quotation():
            return set()
    return {one.url for one in (*said.shared, *said.picks)}


@given(SAID)
def test_a_post_is_small_enough(summary: Said) -> None:
    post = posts.post(summary)
    whole = elements.packed(post.card)
    assert len((html_of(summary) + whole).encode()) <= elements.BUDGET
    assert len((post.html + whole).encode()) <= elements.BUDGET
    assert json.loads(whole) == post.card


@settings(max_examples=10)
@given(SAID)
def test_a_post_is_valid(schema: Draft6Validator, summary: Said) -> None:
    schema.validate(posts.card(summary))


@given(SAID)
def test_a_card_leads_only_to_what_was_given(summary: Said) -> None:
    for one in parts_of(posts.card(summary)):
        assert not one["type"].startswith(("Input.", "Image", "Media"))
        if one["type"].startswith("Action."):
            assert one["type"] == "Action.OpenUrl"
            assert one["url"] in urls(summary)
            assert one["url"].startswith(("https://", "http://"))


@given(SAID)
def test_nobodys_words_are_markup_in_a_card(summary: Said) -> None:
    ours = catalogue_patterns(summary.language)
    card = posts.card(summary)
    for sentence in card["fallbackText"].replace(". ", ".\n").splitlines():
        assert ours.fullmatch(sentence)
    for one in parts_of(card):
        if one["type"] == "TextBlock":
            assert markdown_is_plain(one["text"])
            assert all(ours.fullmatch(part) for part in one["text"].split(" · "))
        elif one["type"] == "TextRun":
            assert "{{" not in one["text"]
        else:
            assert "text" not in one
            assert "facts" not in one


FILLED_BY_OTHERS = ("about", "shared.quote", "lead.next", "pack.lead.next", "message.subject", "message.answer")
"""Texts that take in somebody else's words, which therefore stand in no TextBlock."""


def catalogue_patterns(language: Language) -> re.Pattern[str]:
    """Our own texts with numbers and dates in them. What somebody else wrote is in none of these."""
    strings = [message.string for message in catalogue(language) if message.id not in FILLED_BY_OTHERS]
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


@given(SAID)
def test_nobodys_words_are_markup_in_html(summary: Said) -> None:
    seen = Seen()
    seen.feed(html_of(summary))
    seen.close()
    assert not seen.open
    assert seen.tags <= {"p", "strong", "ul", "li", "a", "br", "blockquote"}
    assert seen.links <= urls(summary)


@given(SAID)
def test_a_terminal_is_told_nothing_but_text(summary: Said) -> None:
    shown = posts.text(summary)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)


def test_the_hours_of_nobody_are_told() -> None:
    for quiet in Quiet:
        summary = replace(full(Language.SV), figures=None, quiet=quiet, goals=(GoalLine("AI"),))
        assert "timmar" not in re.sub("Timmar visas|Timmarna", "", cards.text(summary))
