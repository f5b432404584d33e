"""What a tenant was seen to do where Microsoft's documentation is silent: what ``check --probe`` finds out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """How this tenant behaves, as seen at an instant; None for what could not be told.

    ``range_end_keeps``: a series whose range is ended earlier keeps its exceptions, gaps and ids.
    ``original_start_stays``: a moved occurrence still tells the slot it was moved from.
    ``occurrences_carry_tag``: an occurrence shows the tag of its master. ``duplicate_refused``: a second create with
    one transactionId is refused; ``duplicate_status`` is the status it is refused with, ``duplicate_names_event``
    whether the refusal names the event, ``duplicate_outlives_event`` whether the id stays taken once the event is gone.
    ``tags_ignore_case``: filters find a tag in other case. ``last_takes_series``: deleting the last occurrence removes
    the series.
    """

    at: datetime
    range_end_keeps: bool | None = None
    original_start_stays: bool | None = None
    occurrences_carry_tag: bool | None = None
    duplicate_refused: bool | None = None
    duplicate_status: int | None = None
    duplicate_names_event: bool | None = None
    duplicate_outlives_event: bool | None = None
    tags_ignore_case: bool | None = None
    last_takes_series: bool | None = None


EXPECTED = TenantFacts(
    at=datetime(2026, 1, 1, tzinfo=UTC),
    range_end_keeps=False,
    original_start_stays=True,
    occurrences_carry_tag=True,
    duplicate_refused=True,
    duplicate_status=409,
    duplicate_names_event=True,
    duplicate_outlives_event=True,
    tags_ignore_case=True,
    last_takes_series=True,
)
"""What is held for likeliest, and what the sandbox does where a test does not switch it."""

_MEANINGS = {
    "range_end_keeps": "Ending a series' range earlier keeps moved and deleted dates",
    "original_start_stays": "A moved date still tells where it was moved from",
    "occurrences_carry_tag": "A date of a series shows the series' tag",
    "duplicate_refused": "A second event with one transactionId is refused",
    "duplicate_status": "The refusal's status",
    "duplicate_names_event": "The refusal names the event there is",
    "duplicate_outlives_event": "A transactionId stays taken when its event is gone",
    "tags_ignore_case": "Filters find a tag written in other case",
    "last_takes_series": "Deleting the last date removes the series",
}

_CONSEQUENCES = {
    ("range_end_keeps", True): "Series are ended by one change instead of date by date.",
    ("range_end_keeps", False): "Series are ended date by date, so that nothing of their past is lost.",
    ("duplicate_refused", False): "A create that is repeated after a lost answer could make a second series: "
    "the next look ends it as a double.",
    ("original_start_stays", False): "A date that somebody moved counts by where it stands.",
}


class Told(NamedTuple):
    """One fact for a reader: what was tried, what was seen, what is likeliest, and what follows from it."""

    what: str
    seen: str
    likeliest: str
    so: str

    @property
    def differs(self) -> bool:
        """Whether it was seen and is not what is held for likeliest."""
        return self.seen not in {self.likeliest, _UNTOLD}


_UNTOLD = "could not be told"


def told(facts: TenantFacts) -> Iterator[Told]:
    """Each fact for a reader, in the order they are tried."""
    for field in dataclasses.fields(facts):
        if field.name in _MEANINGS:
            seen, likeliest = getattr(facts, field.name), getattr(EXPECTED, field.name)
            so = _CONSEQUENCES.get((field.name, seen), "")
            yield Told(_MEANINGS[field.name], _text(seen), _text(likeliest), so)


def _text(value: bool | int | None) -> str:  # noqa: FBT001 - a value to be shown
    if value is None:
        return _UNTOLD
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
