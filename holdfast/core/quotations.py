"""What a leader says to a channel, as people read it: a quotation with name and role, as a card, HTML and text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import escape

from holdfast.core import elements
from holdfast.core.catalog import say
from holdfast.core.elements import Element
from holdfast.core.replies import clipped, plain
from holdfast.core.summary import Post, Quotation

_LONGEST_LEAD = 160
"""Characters of it that a notification shows."""


def card(said: Quotation) -> Element:
    """The Adaptive Card of a quotation."""
    return _card(_made_plain(said))


def html(said: Quotation) -> str:
    """A quotation as HTML, for whoever does not see the card."""
    shown = _made_plain(said)
    words = "<br>".join(escape(one) for one in _quoted(shown))
    return f"<p><strong>{escape(_title(shown))}</strong></p><blockquote>{words}</blockquote>" + "".join(
        elements.paragraphs([_who(shown), _answer(shown)])
    )


def text(said: Quotation) -> str:
    """A quotation as text, for the terminal."""
    shown = _made_plain(said)
    lines = [_title(shown), "", *(f"  {one}" for one in _quoted(shown)), "", _who(shown), _answer(shown)]
    return "\n".join(lines) + "\n"


def post(said: Quotation) -> Post:
    """A quotation as it is posted: above the card stands what a notification shows, its beginning and whose it is."""
    shown, made = _made_plain(said), elements.marker(said.channel, said.period)
    begins = say(shown.language, "shared.quote", text=clipped(" ".join(shown.paragraphs), _LONGEST_LEAD))
    subject = say(shown.language, "message.subject", leader=shown.name)
    return Post(subject, elements.lead(f"{begins} {_who(shown)}", made), _card(shown), made)


def _made_plain(said: Quotation) -> Quotation:
    return replace(
        said,
        name=elements.name(said.name),
        role=elements.name(said.role),
        address=elements.line(said.address),
        paragraphs=tuple(filter(None, map(plain, said.paragraphs))),
    )


def _title(said: Quotation) -> str:
    return say(said.language, "message.title")


def _who(said: Quotation) -> str:
    return f"{said.name}, {said.role}"


def _answer(said: Quotation) -> str:
    return say(said.language, "message.answer", address=said.address)


def _quoted(said: Quotation) -> Iterator[str]:
    """The paragraphs, within one pair of quotation marks."""
    begin, end = say(said.language, "shared.quote", text="\n").split("\n")
    last = len(said.paragraphs) - 1
    for number, one in enumerate(said.paragraphs):
        yield f"{'' if number else begin}{one}{'' if number < last else end}"


def _card(said: Quotation) -> Element:
    head = elements.box(
        elements.text(_title(said), size="Large", weight="Bolder"), id=elements.marker(said.channel, said.period)
    )
    words = elements.box(
        *(elements.runs(elements.run(one)) for one in _quoted(said)),
        elements.runs(elements.run(said.name, weight="Bolder"), elements.run(f"  ·  {said.role}"), spacing="Medium"),
        style="emphasis",
        spacing="Medium",
    )
    answer = elements.runs(elements.run(_answer(said)), spacing="Medium")
    return elements.whole_card([head, words, answer], _title(said))
