"""The mark that makes an event ours: the text of the extended property, and the transactionId of its creation.

The text is ``holdfast;<block>;<generation>;<slot>-<words>;<first>..<last>``, with ``;told=<weeks>-<text>`` behind it
where the body tells of the coming weeks, and ``;ending`` while occurrences are being taken away. It is in lower case
because Graph's sources disagree on whether filters see case. One property name for all blocks: each new name would use
up one of the limited named properties of a mailbox (``api-reference/v1.0/resources/extended-properties-overview.md``).
"""

from __future__ import annotations

import re
from datetime import date

from holdfast.core.model import Fingerprint, Tag, Told

PROPERTY_ID = "String {6d2f4c1e-93b7-4a58-8e0d-7c5b1a9f3e62} Name Holdfast"
"""The id of our extended property. Never to be changed: it is how every series ever made is found."""

PREFIX = "holdfast;"
"""How the value of every tag begins, for filters."""

_TEXT = re.compile(
    r"holdfast;(?P<block>[a-z0-9-]+);(?P<generation>\d{1,9});(?P<slot>[0-9a-f]+)-(?P<words>[0-9a-f]+)"
    r";(?P<first>\d{4}-\d{2}-\d{2})\.\.(?P<last>\d{4}-\d{2}-\d{2})"
    r"(;told=(?P<weeks>\d{1,9})-(?P<text>[0-9a-f]+))?(?P<ending>;ending)?",
    re.ASCII,
)


UNKNOWN = Fingerprint("0", "0")
"""Of a series found again that other settings or another day made: it equals no block's, so it is replaced."""


def text(tag: Tag) -> str:
    """The tag as it is stored with the event."""
    made = f"{tag.block};{tag.generation};{tag.fingerprint.slot}-{tag.fingerprint.words};{tag.first}..{tag.last}"
    told = f";told={tag.told.weeks}-{tag.told.text}" if tag.told else ""
    return PREFIX + made + told + (";ending" if tag.ending else "")


def parse(value: str) -> Tag | None:
    """The tag in a stored value, or None for a text that no version of Holdfast has written."""
    match = _TEXT.fullmatch(value.strip().lower())
    if match is None:
        return None
    try:
        first, last = date.fromisoformat(match["first"]), date.fromisoformat(match["last"])
    except ValueError:
        return None
    fingerprint = Fingerprint(match["slot"], match["words"])
    told = Told(int(match["weeks"]), match["text"]) if match["text"] else None
    ending = match["ending"] is not None
    return Tag(match["block"], int(match["generation"]), fingerprint, first, last, ending=ending, told=told)


def transaction_id_of_single(block: str, generation: int, day: date) -> str:
    """The same for the single event in the place of a deleted date of a series."""
    return f"holdfast:{block}:{generation}:{day}"


def transaction_id(block: str, generation: int) -> str:
    """What Graph refuses a second create with, within one mailbox.

    It holds no date on purpose: a create repeated next week, after a crash that lost the first answer, must still be
    refused (``docs/adr/0003``).
    """
    return f"holdfast:{block}:{generation}"
