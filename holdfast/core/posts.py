"""Whatever is said to a channel, in the forms that it is read in: one door for all that is posted."""

from __future__ import annotations

from holdfast.core import cards, packs, quotations
from holdfast.core.elements import Element
from holdfast.core.summary import Pack, Post, Quotation, Said


def card(said: Said) -> Element:
    """Its Adaptive Card, as plain data."""
    match said:
        case Pack():
            return packs.card(said)
        case Quotation():
            return quotations.card(said)
        case _:
            return cards.card(said)


def text(said: Said) -> str:
    """The same as text, for the terminal."""
    match said:
        case Pack():
            return packs.text(said)
        case Quotation():
            return quotations.text(said)
        case _:
            return cards.text(said)


def post(said: Said) -> Post:
    """The same as it is posted."""
    match said:
        case Pack():
            return packs.post(said)
        case Quotation():
            return quotations.post(said)
        case _:
            return cards.post(said)
