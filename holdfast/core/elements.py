"""What cards and HTML of posts are made of, whatever they tell: our own words, somebody's words, and links.

Somebody else's words stand in a card as runs of a RichTextBlock, which no client reads as Markdown. They could be
escaped in a TextBlock, but Teams on phones does not know all of Markdown's escapes and would make links all the same.
TextBlocks hold only what is in our catalogue.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from holdfast.core.replies import breakable, clipped, plain

BUDGET = 24_000
"""Bytes that the HTML and the card of a post have together at most: Teams takes some 28 KB, all counted."""

LONGEST_NAME = 80
"""Characters of somebody's name that are shown."""

Element = dict[str, Any]
"""A part of a card, as plain data."""

_LONGEST_LINE = 255
_LINK = re.compile(r"https?://[^\s<>\"'\\\x00-\x1f\x7f]+")


def packed(made: Element) -> str:
    """A card as the text of JSON that is sent, as short as it can be said."""
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def marker(channel: str, period: str) -> str:
    """By what the post of a channel and a period is known again: the id of its card and of the part that holds it."""
    return hashlib.sha256(f"holdfast\n{channel}\n{period}".encode()).hexdigest()[:32]


def fits(html: str, made: Element) -> bool:
    """Whether a post is small enough for Teams."""
    return len((html + packed(made)).encode()) <= BUDGET


def line(words: str) -> str:
    """Somebody's words on one line that does no harm."""
    return clipped(plain(words), _LONGEST_LINE)


def name(words: str) -> str:
    """Somebody's name, the same way."""
    return clipped(plain(words), LONGEST_NAME)


def address(url: str) -> str:
    """A link as it is, or nothing where it is none that a browser should be sent to."""
    return url if _LINK.fullmatch(url) else ""


def whole_card(parts: Iterable[Element], fallback: str) -> Element:
    """An Adaptive Card of version 1.4. Clients that cannot draw it show ``fallback``, which is in our words alone."""
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": fallback,
        "body": list(parts),
    }


def box(*items: Element, **how: str) -> Element:
    """Parts that stand together."""
    return {"type": "Container", **how, "items": list(items)}


def lead(words: str, made: str) -> str:
    """The HTML above a card: what a notification shows, too, and the place of the card, by its marker."""
    return f'<p>{escape(words)}</p><attachment id="{made}"></attachment>'


def heading(words: str) -> Element:
    """The name of a part. Version 1.4 has no style for it, so that it is seen by its size, its weight and a line."""
    return text(words, size="Medium", weight="Bolder", separator=True, spacing="ExtraLarge")


def text(words: str, **how: str | bool) -> Element:
    """Our own words: a text of the catalogue with numbers and dates in it, and nothing that anybody else wrote."""
    return {"type": "TextBlock", "text": words, "wrap": True, **how}


def runs(*runs: Element, **how: str) -> Element:
    """A paragraph with somebody's words in it."""
    return {"type": "RichTextBlock", "inlines": list(runs), **how}


def run(words: str, **how: str | bool | Element) -> Element:
    """Somebody's words, as they are: runs have no Markdown, but clients fill in dates for braces in them too.

    Nor are their long words broken where a phone is too narrow for them.
    """
    return {"type": "TextRun", "text": breakable(re.sub(r"\{(?=\{)", "{ ", words)), **how}


def link(words: str, address: str) -> Element:
    """A run that leads somewhere. It is underlined, so that it is not by its colour alone that it is seen to be one."""
    if not address:
        return run(words, weight="Bolder")
    return run(
        words,
        color="Accent",
        underline=True,
        selectAction={"type": "Action.OpenUrl", "title": words, "url": address},
    )


def paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """Lines as HTML."""
    return (f"<p>{escape(line)}</p>" for line in lines)


def items(inner: Iterable[str]) -> Iterator[str]:
    """Pieces of HTML as a list, where there are any."""
    rows = "".join(f"<li>{item}</li>" for item in inner)
    if rows:
        yield f"<ul>{rows}</ul>"


def anchor(words: str, address: str) -> str:
    """A link in HTML."""
    if not address:
        return escape(words)
    return f'<a href="{escape(address)}">{escape(words)}</a>'
