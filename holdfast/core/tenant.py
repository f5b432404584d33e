"""What a tenant was seen to do where Microsoft's documentation is silent: what ``check --probe`` finds out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """How this tenant behaves, as seen ``at`` an instant; None for what could not be told.

    ``range_end_keeps``: a series whose range is ended earlier keeps its exceptions, gaps and ids.
    ``occurrences_carry_tag``: an occurrence shows the tag of its master. ``duplicate_status`` is what a repeated
    transactionId answers, ``duplicate_names_event`` whether the answer names the event, ``duplicate_outlives_event``
    whether the id stays taken once the event is gone. ``tags_ignore_case``: filters find a tag in other case.
    ``last_takes_series``: deleting the last occurrence removes the series. ``largest_page`` is the most events that a
    page of calendarView has given when asked for a thousand.
    """

    at: datetime
    range_end_keeps: bool | None = None
    occurrences_carry_tag: bool | None = None
    duplicate_status: int | None = None
    duplicate_names_event: bool | None = None
    duplicate_outlives_event: bool | None = None
    tags_ignore_case: bool | None = None
    last_takes_series: bool | None = None
    largest_page: int | None = None
