"""What people answer in Teams, as plain text that does no harm wherever it is put.

The HTML of a reply is read for its words alone, by the parser of the standard library: nothing of its markup is shown
anywhere, so there is nothing that a sanitizer would have to let through. The text is still somebody else's. It is
escaped where it is shown, and it is never put where a client reads Markdown.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser

LONGEST = 400
"""As many characters of a reply as are kept. Whoever wants the rest follows the link to it."""

LINK = "🔗"
"""What stands for an address that somebody wrote: the reply itself is one tap away, and has it."""

ELLIPSIS = "…"

_MOST_READ = 20_000
"""Characters of a reply that are looked at, so that nobody can make the parser work for long."""

_MOST_WORDS = 4 * LONGEST
_MOST_MARKS = 3
_WIDEST = 24
_LONG_WORD = re.compile(rf"\S{{{_WIDEST + 1},}}")
_PLACE_TO_BREAK = "\u200b"

_BREAKS = frozenset(
    {"address", "article", "blockquote", "br", "codeblock", "dd", "div", "dl", "dt", "figure", "footer"}
)
_BREAKS |= {
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "tr",
    "ul",
}
_WITHOUT_WORDS = frozenset({"script", "style", "title", "template"})

_MENTION_TAG = re.compile(r"</?\s*(?:at|attachment)\b[^<>]*>", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|www\.|(?<!\w)(?:mailto|tel|sip|callto|javascript|vbscript|data|file|msteams):)"
    r"(?:[^\s<>\"”“|]*[^\s<>\"”“|.,;:!?()\[\]'*_])?",
    re.IGNORECASE,
)
_MAIL_LINK = re.compile(r"<([^\s<>@]+@[^\s<>]+)>")
_AT = re.compile(r"(?<!\w)[@＠﹫]+(?=\w)")  # noqa: RUF001 - Teams takes neither of the other two for a mention; people do

_TAGGED_FLAG = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)")
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc")
"""What shows nothing though Unicode calls it a letter, a mark or a symbol."""

_VIRAMA = 9
"""The class of the marks that make one letter of two consonants in the scripts of India."""

_JAMO = frozenset(map(chr, (*range(0x1100, 0x1200), *range(0xA960, 0xA980), *range(0xD7B0, 0xD800))))
"""Parts of Korean letters, next to each other or to whole ones."""

_HANGUL = _JAMO | frozenset(map(chr, range(0xAC00, 0xD7A4)))
_LEANS_BACK = "\u0e33\u0eb3\uff9e\uff9f"
_LEANS_FORWARD = "\u0d4e\U000111c2\U000111c3\U0001193f\U00011941\U00011a3a\U00011d46\U00011f02"
"""Letters that are one with the next one or the one before, though nothing else about them says so."""

_ZWNJ, _ZWJ, _AS_TEXT, _AS_EMOJI = "\u200c", "\u200d", "\ufe0e", "\ufe0f"


def cleaned(html: str) -> str:
    """The words of a reply in Teams' HTML, on one line, without what would be a link, a mention or a card elsewhere."""
    reader = _Words()
    reader.feed(html[:_MOST_READ])
    reader.close()
    words = "".join(reader.words)
    if _is_data(words):
        return ""
    text, before = plain(words)[:_MOST_WORDS], None
    while text != before:
        before = text
        text = _MENTION_TAG.sub("", text)
        text = _MARKDOWN_LINK.sub(r"\1", text)
        text = _ADDRESS.sub(LINK, text)
        text = _MAIL_LINK.sub(r"\1", text)
        text = plain(_AT.sub("", text))
    text = text.replace("](", "] (")
    return "" if _is_data(text) else clipped(text, LONGEST)


def plain(text: str) -> str:
    """Somebody's text on one line, with nothing in it that is not seen or that turns the writing around.

    Letters of every script, accents and emoji stay. Control characters, overrides of the direction, invisible letters
    and heaps of accents go.
    """
    parts = _TAGGED_FLAG.split(unicodedata.normalize("NFC", text))
    kept = "".join(part if at % 2 else "".join(_seen(part)) for at, part in enumerate(parts))
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def clipped(text: str, longest: int) -> str:
    """A text of at most so many characters, cut with an ellipsis between words, or else between two letters."""
    if len(text) <= longest:
        return text
    most = longest - len(ELLIPSIS)
    space = text.rfind(" ", most // 2, most + 1)
    at = space if space > 0 else most
    while at and not _may_be_cut(text, at):
        at -= 1
    return text[:at].rstrip() + ELLIPSIS


def breakable(text: str) -> str:
    """A text with places to break the line in words that are wider than a phone; nothing of them is seen."""
    return _LONG_WORD.sub(lambda found: _PLACE_TO_BREAK.join(_pieces(found[0])), text)


def _pieces(word: str) -> Iterator[str]:
    since = 0
    for at in range(1, len(word)):
        if at - since >= _WIDEST and _may_be_cut(word, at):
            yield word[since:at]
            since = at
    yield word[since:]


class _Words(HTMLParser):
    """The words of some HTML. What a reply quotes of another is not its own, and left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._left_out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A break in the text, an emoji, the begin of something without words of its own, or nothing."""
        given = dict(attrs)
        kind = (given.get("itemtype") or "").lower()
        is_anothers = tag in _WITHOUT_WORDS or (tag == "blockquote" and "reply" in kind)
        if is_anothers or tag in self._left_out[-1:]:
            self._left_out.append(tag)
        elif tag == "li":
            self._add(" • ")
        elif tag in _BREAKS:
            self._add(" ")
        elif tag == "emoji" or (tag == "img" and "emoji" in kind):
            self._add(given.get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        """The end of what was left out, or a break."""
        if self._left_out and tag == self._left_out[-1]:
            self._left_out.pop()
        elif tag in _BREAKS:
            self._add(" ")

    def handle_data(self, data: str) -> None:
        """Words."""
        self._add(data)

    def _add(self, words: str) -> None:
        if not self._left_out:
            self.words.append(words)


def _is_data(words: str) -> bool:
    """Whether this is a card or other JSON that somebody pasted, which is nothing to quote."""
    if not words.lstrip().startswith(("{", "[")):
        return False
    try:
        return isinstance(json.loads(words), dict | list)
    except (ValueError, RecursionError):
        return '"AdaptiveCard"' in words


def _seen(text: str) -> Iterator[str]:
    """The characters of a text that are seen, and the joiners that scripts and emoji are written with."""
    last, marks = " ", 0
    for at, char in enumerate(text):
        kind = unicodedata.category(char)
        after = text[at + 1 : at + 2]
        if char.isspace():
            char = " "  # noqa: PLW2901 - any kind of space is one
        elif kind in ("Mn", "Me"):
            if last == " " or marks == _MOST_MARKS or not _is_mark(char, last):
                continue
        elif char in (_ZWNJ, _ZWJ):
            if not _is_joined(last, char, after):
                continue
        elif char in _UNSEEN or (kind[0] == "C" and not _may_be_new(char, kind)):
            continue
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        last = char
        yield char


def _is_mark(char: str, last: str) -> bool:
    """Whether a mark belongs to the letter before it. A selector of how it looks is one of two, and only once."""
    if char in _UNSEEN:
        return False
    if "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0000":
        return char in (_AS_TEXT, _AS_EMOJI) and last not in (_AS_TEXT, _AS_EMOJI)
    return True


def _is_joined(last: str, joiner: str, after: str) -> bool:
    """Whether a joiner stands where writing needs it: within an emoji, or between letters that have no case."""
    if not after or after in _UNSEEN:
        return False
    then = unicodedata.category(after)
    if joiner == _ZWJ and then == "So":
        return last == _AS_EMOJI or unicodedata.category(last) in ("So", "Sk")
    return then == "Lo" and unicodedata.category(last) in ("Lo", "Mn", "Mc")


def _may_be_new(char: str, kind: str) -> bool:
    """Whether a character that this Python does not know yet may be a letter or an emoji that clients do know."""
    number = ord(char)
    is_never_one = number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF or number >= 0xE0000 or number <= 0xFFFF  # noqa: PLR2004 - Unicode's own
    return kind == "Cn" and not is_never_one


def _may_be_cut(text: str, at: int) -> bool:
    """Whether two characters certainly are not of one letter as people see it: rather too seldom than wrongly."""
    before, after = text[at - 1], text[at]
    kinds = unicodedata.category(before), unicodedata.category(after)
    if after == " ":
        return True
    return not (
        kinds[1] in ("Mn", "Me", "Mc", "Cf", "Sk")
        or kinds[0] == "Cf"
        or unicodedata.combining(before) == _VIRAMA
        or (_is_regional(before) and _is_regional(after))
        or (before in _JAMO and after in _HANGUL)
        or (before in _HANGUL and after in _JAMO)
        or before in _LEANS_FORWARD
        or after in _LEANS_BACK
    )


def _is_regional(char: str) -> bool:
    """Whether this is half of a flag."""
    return "\U0001f1e6" <= char <= "\U0001f1ff"
