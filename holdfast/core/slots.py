"""The quietest time of day for a block: the one that the fewest meetings of the coming weeks stand in the way of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta

from holdfast.core import recurrence
from holdfast.core.desired import ChoiceKey
from holdfast.core.holidays import DaysOff
from holdfast.core.hours import works_at
from holdfast.core.model import FreeBusy, Rule, Slot
from holdfast.core.settings import Quietest

STEP = timedelta(minutes=30)
"""Between one time that is considered and the next: people meet on the hour and the half hour."""

_LOOKED_AT = timedelta(weeks=4)
"""Graph tells free and busy for less than 62 days at a time."""

_RUNNERS_UP = 3
_FREE = "0"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A time of day and how it compares.

    ``conflicts`` counts, for each time that was considered, the dates on which somebody has something else then or does
    not work; there are ``dates`` of each of ``people``.
    """

    key: ChoiceKey
    at: time
    dates: int
    people: int
    conflicts: tuple[tuple[time, int], ...]

    @property
    def runners_up(self) -> tuple[tuple[time, int], ...]:
        """The next best times, best first."""
        return tuple(one for one in _ranked(self.conflicts) if one[0] != self.at)[:_RUNNERS_UP]

    @property
    def missed(self) -> int:
        """The conflicts of the time that was chosen."""
        return dict(self.conflicts)[self.at]


def times(window: Quietest, minutes: int) -> list[time]:
    """The times of day that are considered: on the half hour, from the window's begin on, as far as the block fits."""
    begin, end = (at.hour * 60 + at.minute for at in (window.since, window.until))
    step = int(STEP.total_seconds()) // 60
    first = math.ceil(begin / step) * step
    found = [time(*divmod(minute, 60)) for minute in range(first, end - minutes + 1, step)]
    return found or [window.since]


def dates_looked_at(rule: Rule, off: DaysOff, since: date) -> list[date]:
    """The dates of the coming four weeks, or the next one where there is none so soon."""
    days = [day for day in recurrence.dates(rule, since, since + _LOOKED_AT) if not off.off(day)]
    return days or [recurrence.next_date(rule, since)]


def counted(
    slots: Sequence[Slot], days: Sequence[date], people: Iterable[FreeBusy], *, standing: Slot | None = None
) -> Counter[time]:
    """In how many dates of how many people something stands in the way of each of ``slots``, or they do not work then.

    ``standing`` is the slot that the block has so far: what people have there is the block itself.
    """
    own = [(recurrence.starts(standing, day), recurrence.ends(standing, day)) for day in days] if standing else []
    missed = Counter({slot.at: 0 for slot in slots})
    for person in people:
        view = list(person.view)
        for begins, ends in own:
            view[person.steps(begins, ends)] = _FREE * len(view[person.steps(begins, ends)])
        for slot in slots:
            if person.hours is not None and not works_at(slot, person.hours, any_day=True, since=days[0]):
                missed[slot.at] += len(days)
                continue
            spans = (person.steps(recurrence.starts(slot, day), recurrence.ends(slot, day)) for day in days)
            missed[slot.at] += sum(any(digit != _FREE for digit in view[span]) for span in spans)
    return missed


def best(key: ChoiceKey, missed: Mapping[time, int], *, dates: int, people: int) -> Chosen:
    """The time with the fewest conflicts; of equals, the earliest."""
    conflicts = tuple(sorted(missed.items()))
    return Chosen(key, _ranked(conflicts)[0][0], dates, people, conflicts)


def _ranked(conflicts: Iterable[tuple[time, int]]) -> list[tuple[time, int]]:
    return sorted(conflicts, key=lambda one: (one[1], one[0]))


def considered(rule: Rule, window: Quietest, minutes: int, zone: str) -> list[Slot]:
    """The slots that are compared."""
    first = Slot(rule, window.since, minutes, zone)
    return [replace(first, at=at) for at in times(window, minutes)]
