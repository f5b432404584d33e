"""What people answer, as text that does no harm: their words stay, and nothing else of theirs gets anywhere."""

import re
import time
import unicodedata
from html import escape

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from holdfast.core.replies import ELLIPSIS, LINK, LONGEST, breakable, cleaned, clipped, plain

FAMILY = "👩‍👩‍👧‍👦"
FLAGS = "🇸🇪🏴󠁧󠁢󠁷󠁬󠁳󠁿"
LETTER = regex.compile(r"\X")
MARKDOWN = MarkdownIt("commonmark")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Kort och gott", "Kort och gott"),
        ("<p>En rad</p>\r\n<p>och &amp; en till<br>till</p>", "En rad och & en till till"),
        ("<div><div>Tre &lt; fyra &gt; två</div></div>", "Tre < fyra > två"),
        ("<ul><li>ett</li><li>två</li></ul>", "• ett • två"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<p>Så <b>bra</b> <i>det</i> <u>är</u> <s>inte</s></p>", "Så bra det är inte"),
        # Who is mentioned is named, and not called.
        ('<at id="0">Anna Ek</at> visade mig', "Anna Ek visade mig"),
        ('<at id="0">Everyone</at> @everyone @Lärande: hej', "Everyone everyone Lärande: hej"),
        ("&lt;at id='0'&gt;Everyone&lt;/at&gt; &lt;attachment id=1&gt;", "Everyone"),
        ("＠kanal ﹫alla (@team) mejla anna@fjallvik.example", "kanal alla (team) mejla anna@fjallvik.example"),  # noqa: RUF001
        # Links are in the reply, which is linked to.
        ('<a href="https://ond.example">Klicka här</a>', "Klicka här"),
        ("se https://kurser.example/a_(b)?c=d#e, bra", f"se {LINK}, bra"),
        ("(www.kurser.example) mailto:a@b.example", f"({LINK}) {LINK}"),
        ("[klicka](https://ond.example) ![bild](x.png)", "klicka bild"),
        ("[a](b(c)) [[d](e)](f)", "[a] (b(c)) d"),
        ("&lt;https://ond.example&gt; &lt;a@b.example&gt;", f"<{LINK}> a@b.example"),
        ("javascript:alert(1) data:text/html,x", f"{LINK}) {LINK}"),
        # What is not somebody's own words.
        ("<script>alert(1)</script><style>p {}</style>ja", "ja"),
        ('<blockquote itemtype="http://schema.skype.com/Reply"><p>Bo</p>frågan</blockquote><p>svaret</p>', "svaret"),
        ("<blockquote>ett citat</blockquote>", "ett citat"),
        ('<p>Bild:</p><img src="https://ond.example/x.png" alt="annons" onerror="x()">', "Bild:"),
        ('<p>Kort</p><attachment id="7"></attachment>', "Kort"),
        ("<systemEventMessage/>", ""),
        ("<!-- <b>gömt</b> --><![CDATA[x]]><?php y ?>syns", "syns"),
        ('{"type": "AdaptiveCard", "version": "1.4", "body": []}', ""),
        ('<p>{"type": "AdaptiveCard", "body": [</p>', ""),
        ("[1] är källan", "[1] är källan"),
        # Emoji, as Teams writes them and as people do.
        ('Fint <emoji id="smile" alt="🙂" title="Smile"></emoji>', "Fint 🙂"),
        ('<img itemtype="http://schema.skype.com/Emoji" alt="👍🏽" src="x">', "👍🏽"),
        (f"{FAMILY} {FLAGS} 1️⃣ ❤️", f"{FAMILY} {FLAGS} 1️⃣ ❤️"),
        # What is not seen.
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("h\u200btt\u200dps://ond.example", LINK),
        ("@\u2060every\u00adone", "everyone"),
        ("a\x00b\x1b[31mc\x07\x9bd", "ab[31mcd"),
        ("\ufeffa\u3164\u2800b\ue000\ufffe", "ab"),
        ("hemligt\U000e0068\U000e0069", "hemligt"),
        ("Z" + "\u0301\u0302\u0303\u0304" * 5, "Ź\u0302\u0303\u0304"),
        ("\u0301\u0302ja", "ja"),
        ("می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष"),  # noqa: RUF001 - Persian
        ("e\u0301", "é"),
        ("Tom\u00a0rad\u2028\u2003\tslut", "Tom rad slut"),
        # Half of something.
        ("</p></at></blockquote>ja", "ja"),
        ("&#0; &#x202e; &bogus; &lt", "\ufffd &bogus; <"),
        ("", ""),
    ],
)
def test_replies(html: str, text: str) -> None:
    assert cleaned(html) == text


def test_long_replies_end_with_an_ellipsis_between_words() -> None:
    long = cleaned("<p>" + "Vi lärde oss en hel del om källor. " * 900 + "</p>")
    assert long.endswith(ELLIPSIS)
    assert len(long) <= LONGEST
    assert long[:-1] in "Vi lärde oss en hel del om källor. " * 900
    assert ("Vi lärde oss en hel del om källor. " * 900)[len(long) - 1] == " "


@pytest.mark.parametrize(
    "text", [FAMILY * 99, FLAGS * 99, "e\u0323\u0301" * 999, "한국어" * 200, "क्षि" * 200, "学" * 999]
)
def test_long_words_are_cut_between_letters(text: str) -> None:
    for longest in range(3, 60):
        kept = clipped(text, longest).removesuffix(ELLIPSIS)
        assert "".join(LETTER.findall(text)[: len(LETTER.findall(kept))]) == kept
        assert len(kept) < longest


@pytest.mark.parametrize(
    "html",
    [
        "<" * 30_000,
        "<!--" * 7_500,
        "<p" * 15_000,
        "&" * 30_000,
        "[" * 15_000 + "](" * 7_500,
        "<blockquote itemtype=Reply>" * 1_100,
        "a" * 30_000,
        "@" * 30_000,
        "http" * 7_500,
        "Z" + "\u0301" * 30_000,
        "[" * 30_000,
        '{"a":' * 6_000,
        "\u200d" * 30_000,
        "🇸" * 30_000,
        "<at>" * 7_500,
        "<svg><![CDATA[" * 2_000,
    ],
    ids=lambda html: html[:10].encode("unicode_escape").decode(),
)
def test_thirty_kilobytes_take_no_time(html: str) -> None:
    began = time.perf_counter()
    assert len(cleaned(html)) <= LONGEST
    assert time.perf_counter() - began < 5


PIECES = st.sampled_from(
    [
        *"<>&;@[]()!*_`#{}\\/:.-+ \n\t\"'",
        "https://ond.example/?a=b",
        "www.ond.example",
        "](https://ond.example)",
        "<at id='0'>",
        "</at>",
        "&lt;at&gt;",
        "&#60;",
        "&amp;lt;",
        "<blockquote itemtype='Reply'>",
        "</blockquote>",
        "<img alt='x' itemtype='Emoji'>",
        "<script>",
        "</script>",
        "\u202e",
        "\u200b",
        "\u200d",
        "\ufe0f",
        "\u0301",
        "🙂",
        FAMILY,
        FLAGS,
        "mailto:a@b.example",
        "javascript:",
        "\x1b[0m",
        "\u0600",
        "{{DATE(2026-12-04T09:00:00Z)}}",
        "{}",
        "[]",
    ]
)
HTML = st.lists(PIECES | st.text(max_size=12), max_size=40).map("".join)


@given(HTML)
@example("h<b>ttps</b>://ond.example")
@example("@@<at>a</at>@")
@example("](https:/[x]()/ond.example)")
def test_nothing_of_a_reply_works_elsewhere(html: str) -> None:
    text = cleaned(html)
    assert len(text) <= LONGEST
    assert "://" not in text or not re.search(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE)
    assert not re.search(r"www\.|</?at\b|\]\(", text, re.IGNORECASE)
    assert not re.search(r"(?<!\w)@\w", text)
    assert "\n" not in text
    kinds = {unicodedata.category(char) for char in re.sub("[\u200c\u200d]|[\U000e0020-\U000e007f]", "", text)}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    tokens = [child for token in MARKDOWN.parse(text) for child in (token, *(token.children or ()))]
    assert not {token.type for token in tokens} & {"link_open", "image"}


@given(HTML)
def test_cleaning_what_is_clean_changes_nothing(html: str) -> None:
    text = cleaned(html)
    if not text.endswith(ELLIPSIS):
        assert cleaned(escape(text)) == text


@given(st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), max_size=200))
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert cleaned(escape(text)) == unicodedata.normalize("NFC", text)


SCRIPTS = st.text(
    st.sampled_from("ab 🇸🇪👩🏽\u200d\ufe0f\u0301é한각가각क्षिกำ\u0e33\u0600\u0903\U0001f3f4\U000e0067\U000e007f学ｶﾞ")
    | st.characters(),
    max_size=60,
)


@given(SCRIPTS, st.integers(2, 40))
def test_texts_are_cut_between_letters(text: str, longest: int) -> None:
    text = plain(text)
    short = clipped(text, longest)
    assert len(short) <= longest or short == ELLIPSIS
    if short == text:
        return
    kept = short.removesuffix(ELLIPSIS)
    ends, at = {0}, 0
    for letter in LETTER.findall(text):
        at += len(letter)
        ends.add(at)
    assert text.startswith(kept)
    assert len(kept) in ends


@given(SCRIPTS)
def test_what_is_plain_is_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(SCRIPTS | st.text(st.sampled_from("abå"), min_size=25, max_size=120))
def test_long_words_are_broken_between_letters(text: str) -> None:
    text = plain(text)
    shown = breakable(text)
    assert shown.replace("\u200b", "") == text
    if text.isalpha() and text.isascii():
        assert all(len(piece) <= 24 for piece in shown.split("\u200b"))
    letters = [letter for piece in shown.split("\u200b") for letter in LETTER.findall(piece)]
    assert letters == LETTER.findall(text)
