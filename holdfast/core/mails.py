"""Mails as text: what Holdfast writes to people, in Swedish and English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import NamedTuple

from babel.dates import format_datetime

from holdfast.core import zones
from holdfast.core.model import Stretch
from holdfast.core.settings import Language

NAMES_SHOWN = 5
"""How many people are named whose learning time a meeting is on top of."""


class Letter(NamedTuple):
    """A mail without its addresses."""

    subject: str
    html: str


@dataclass(frozen=True, slots=True)
class Booked:
    """A meeting on top of somebody's learning time: when it is, over which block of whom, and when all are free."""

    time: Stretch
    block: str
    names: Sequence[str]
    alternatives: Sequence[datetime]


_SUBJECT = {
    Language.SV: "Ett möte som krockar med lärtid",
    Language.EN: "A meeting on top of learning time",
}
_HELLO = {
    Language.SV: "Hej! {organization} har satt av återkommande tid för lärande. Ett möte som du har bjudit in till "
    "ligger på den tiden:",
    Language.EN: "Hello! {organization} has set recurring time aside for learning. A meeting that you have invited to "
    "is at that time:",
}
_ROW = {
    Language.SV: "{time}, över {block} hos {names}.",
    Language.EN: "{time}, over {block} of {names}.",
}
_FREE = {Language.SV: "Alla är lediga: {times}.", Language.EN: "Everybody is free: {times}."}
_MORE = {Language.SV: "{names} och {more} till", Language.EN: "{names} and {more} more"}
_BYE = {
    Language.SV: "Går det att välja en annan tid? Annars får mötet ligga kvar. Du får den här frågan högst en gång i "
    "kvartalet för en mötestid.",
    Language.EN: "Can another time be found? If not, the meeting stays. You are asked this once a quarter at most for "
    "a meeting time.",
}
_DECLINED = {
    Language.SV: "Jag har lärtid då ({block}) och har bett om att möten på den tiden tackas nej till.",
    Language.EN: "I have learning time then ({block}) and have asked for meetings at that time to be declined.",
}
_PROPOSED = {
    Language.SV: "Den här tiden passar i stället: {time}.",
    Language.EN: "This time would suit instead: {time}.",
}


def note(language: Language, organization: str, booked: Sequence[Booked], zone: str) -> Letter:
    """What an organiser gets whose meetings are on top of learning time: when and of whom, and never what they are."""
    rows = "".join(f"<li>{_row(language, one, zone)}</li>" for one in booked)
    hello = _HELLO[language].format(organization=escape(organization))
    return Letter(_SUBJECT[language], f"<p>{hello}</p><ul>{rows}</ul><p>{_BYE[language]}</p>")


def comment(language: Language, block: str, proposed: datetime | None, zone: str) -> str:
    """What an organiser reads whose invitation is declined, in plain text."""
    text = _DECLINED[language].format(block=block)
    if proposed is None:
        return text
    return f"{text} {_PROPOSED[language].format(time=_when(language, proposed, zone))}"


def _row(language: Language, one: Booked, zone: str) -> str:
    names = ", ".join(one.names[:NAMES_SHOWN])
    more = len(one.names) - NAMES_SHOWN
    if more > 0:
        names = _MORE[language].format(names=names, more=more)
    ends = one.time.ends.astimezone(zones.rules(zone))
    time = f"{_when(language, one.time.starts, zone)}-{ends:%H:%M}"
    row = _ROW[language].format(time=time, block=escape(one.block), names=escape(names))
    if not one.alternatives:
        return row
    times = "; ".join(_when(language, at, zone) for at in one.alternatives)
    return f"{row} {_FREE[language].format(times=times)}"


def _when(language: Language, at: datetime, zone: str) -> str:
    """A day and an hour as people write them, by the organisation's clock."""
    there = at.astimezone(zones.rules(zone))
    return format_datetime(there, "EEEE d MMMM HH:mm", locale=language.value)
