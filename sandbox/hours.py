"""When somebody works: days, hours and the zone these are meant in, as Graph's ``workingHours`` has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any, NamedTuple

from sandbox.recurrence import DAYS
from sandbox.zones import zone

WEEKDAYS = DAYS[:5]


class Turn(NamedTuple):
    """When clocks change every year: on the ``nth`` such day of a month, five for the last one, at wall-clock time."""

    month: int
    nth: int
    day: str
    at: time

    @property
    def json(self) -> dict[str, Any]:
        """As a ``standardTimeZoneOffset``."""
        return {
            "time": clock_text(self.at),
            "dayOccurrence": self.nth,
            "dayOfWeek": self.day,
            "month": self.month,
            "year": 0,
        }


_NEVER = Turn(0, 0, "sunday", time())


@dataclass(frozen=True, slots=True)
class CustomZone:
    """A zone that goes by its rules and has no name of Windows': Graph's ``customTimeZone``.

    ``bias`` is how many minutes to add to local time for UTC, 480 on the Pacific coast, and so is ``daylight_bias`` in
    summer, besides; the example of ``api/calendar-getschedule.md`` has them, the reference's text says the reverse.
    """

    bias: int
    standard: Turn | None = None
    daylight: Turn | None = None
    daylight_bias: int = -60

    @property
    def json(self) -> dict[str, Any]:
        """As Graph answers it; clocks that never change have rules of naughts."""
        changes = self.daylight is not None
        return {
            "@odata.type": "#microsoft.graph.customTimeZone",
            "bias": self.bias,
            "name": "Customized Time Zone",
            "standardOffset": (self.standard or _NEVER).json,
            "daylightOffset": {
                "daylightBias": self.daylight_bias if changes else 0,
                **(self.daylight or _NEVER).json,
            },
        }


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Somebody's week; without a ``zone`` it is meant in the mailbox's own. Raises ``ValueError`` for what is no week.

    A zone is a name that Graph takes for events, or the rules of one.
    """

    days: tuple[str, ...] = WEEKDAYS
    starts: time = time(8)
    ends: time = time(17)
    zone: str | CustomZone | None = None

    def __post_init__(self) -> None:
        unknown = [day for day in self.days if day not in DAYS]
        if unknown:
            raise ValueError(f"There are no such days: {', '.join(unknown)}.")
        if self.ends <= self.starts:
            raise ValueError("A working day ends after it has begun.")
        if isinstance(self.zone, str):
            zone(self.zone)

    def json(self, home: str) -> dict[str, Any]:
        """As Graph answers it, for a mailbox whose zone goes by the name ``home``."""
        named = self.zone or home
        return {
            "daysOfWeek": list(self.days),
            "startTime": clock_text(self.starts),
            "endTime": clock_text(self.ends),
            "timeZone": {"name": named} if isinstance(named, str) else named.json,
        }


def clock_text(at: time) -> str:
    """A time of day in Graph's form."""
    return f"{at:%H:%M:%S}.{at.microsecond:06d}0"
