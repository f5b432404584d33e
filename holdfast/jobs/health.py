"""Whether sweeps come as they should, told without a name or a figure about people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from holdfast.core.report import INCOMPLETE
from holdfast.jobs.status import Status

STALLED = timedelta(hours=3)
"""A last run older than this means that the hourly sweep has missed two turns: Azure's timers are known to stop."""


@dataclass(frozen=True, slots=True)
class Health:
    """``why`` says what is wrong; ``age`` is the time since the last run ended, None before the first."""

    why: str
    age: timedelta | None

    def data(self) -> dict[str, object]:
        """The health as plain data."""
        age = None if self.age is None else int(self.age.total_seconds())
        return {"healthy": not self.why, "why": self.why, "last_run_age_seconds": age}


def health(status: Status) -> Health:
    """The health that follows from a status. Before the first run all is well: the app may just have been started."""
    why = ""
    if status.age is not None and status.age > STALLED:
        why = "no run for more than three hours"
    elif status.last_run is not None and _reached_nobody(status.last_run["states"]):
        why = "the last run reached nobody"
    return Health(why, status.age)


def _reached_nobody(states: dict[str, int]) -> bool:
    missed = sum(count for state, count in states.items() if state in INCOMPLETE)
    return missed == sum(states.values())
