"""What was done to single dates of our series, and by whom: people by their own log, the product by what it left."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sandbox.event import Event
from tests.simulation.almanac import IANA, date_at
from tests.simulation.slots import Slot

HORIZON = timedelta(weeks=13)
"""How far ahead the product looks at single dates."""

Times = tuple[datetime, datetime]
"""When something begins and ends."""

Key = tuple[str, bytes]
"""A series: whose calendar, and its key there."""


class Mark(NamedTuple):
    """What a tag says: whose series it is, which dates it answers for, and whether the others are still to go."""

    block: str
    generation: int
    first: date
    last: date
    ending: bool = False


def mark_of(event: Event) -> Mark | None:
    """What the tag of an event says, if it has one."""
    for value in (event.tags or {}).values():
        _, block, generation, _, dates = value.removesuffix(";ending").split(";")
        first, _, last = dates.partition("..")
        span = date.fromisoformat(first), date.fromisoformat(last)
        return Mark(block, int(generation), *span, ending=value.endswith(";ending"))
    return None


@dataclass(slots=True)
class Touched:
    """What was done to a series. ``gaps`` a person made and ``taken`` the product.

    A date that was moved, by whoever did it last, is in ``moved`` with what it should show; ``ours`` are those that the
    product moved, and ``busy`` those that it set busy again.
    """

    gaps: set[date] = field(default_factory=set)
    taken: set[date] = field(default_factory=set)
    moved: dict[date, Times] = field(default_factory=dict)
    ours: set[date] = field(default_factory=set)
    free: set[date] = field(default_factory=set)
    busy: set[date] = field(default_factory=set)
    show_as: str = "busy"
    cut: date | None = None
    reworded: bool = False

    def deletes(self, day: date) -> None:
        """A person deletes a date."""
        self._forgets(day)
        self.gaps.add(day)

    def moves(self, day: date, times: Times) -> None:
        """A person moves a date."""
        self.ours.discard(day)
        self.moved[day] = times

    def frees(self, day: date) -> None:
        """A person sets a date free."""
        self.busy.discard(day)
        self.free.add(day)

    def is_busy_again(self, day: date) -> None:
        """The product has set a date busy again."""
        self.free.discard(day)
        self.busy.add(day)

    def takes(self, day: date) -> None:
        """The product deletes a date."""
        self._forgets(day)
        self.taken.add(day)

    def shifts(self, day: date, times: Times) -> None:
        """The product moves a date."""
        self.ours.add(day)
        self.moved[day] = times

    def rebuilt(self) -> None:
        """Exchange makes the series anew, without whatever was done to single dates."""
        for done in (self.gaps, self.taken, self.moved, self.ours, self.free, self.busy):
            done.clear()

    def copy(self) -> Touched:
        """What a copy of the series comes with."""
        sets = {name: set(getattr(self, name)) for name in ("gaps", "taken", "ours", "free", "busy")}
        return replace(self, moved=dict(self.moved), **sets)

    def _forgets(self, day: date) -> None:
        self.moved.pop(day, None)
        self.ours.discard(day)
        self.free.discard(day)
        self.busy.discard(day)


class Done(NamedTuple):
    """The product took a date out of a series, or moved it: somewhere between two instants."""

    key: Key
    day: date
    to: Times | None
    began: datetime
    at: datetime


@dataclass(slots=True)
class Ledger:
    """Everybody's series. ``undecided`` is what the product did that has not been found right or wrong so far."""

    touched: dict[Key, Touched] = field(default_factory=dict)
    undecided: list[Done] = field(default_factory=list)
    _seen: dict[Key, tuple[frozenset[date], dict[date, Times]]] = field(default_factory=dict)

    def of(self, key: Key) -> Touched:
        """What was done to a series, to be read or added to."""
        return self.touched.setdefault(key, Touched())

    def absorb(self, account_id: str, events: Iterable[Event], began: datetime, now: datetime) -> None:
        """Take in what the product has done since the last look."""
        for event in events:
            key = account_id, event.key
            gaps, moved = self._seen.get(key, (frozenset(), {}))
            seen = self._seen[key] = event.gaps, _moved(event)
            if seen == (gaps, moved):
                continue
            for day in event.gaps - gaps:
                self.of(key).takes(day)
                self.undecided.append(Done(key, day, None, began, now))
            for day, times in seen[1].items():
                if moved.get(day) != times:
                    self.of(key).shifts(day, times)
                    self.undecided.append(Done(key, day, times, began, now))

    def settle(self, account_id: str, events: Iterable[Event]) -> None:
        """All that is there now is known: a person has just done it."""
        for event in events:
            self._seen[account_id, event.key] = event.gaps, _moved(event)

    def is_right(self, done: Done, event: Event, slots: Collection[Slot], soon: timedelta) -> bool:
        """Whether what was done is for want of learning time on that day, and as it should be.

        ``slots`` are those that its person may have had in mind; what a series does not answer for is being ended.
        """
        mark = mark_of(event)
        if mark is None or not mark.first <= done.day <= mark.last:
            return True
        for slot in slots:
            if slot.block.id != mark.block or not slot.fits(event) or not slot.is_off(done.day):
                continue
            if done.day > date_at(done.at + HORIZON, slot.zone):
                continue
            places = {slot.destination(done.day, at + soon) for at in (done.began, done.at)}
            if done.to is None and (None in places or self._in_the_way(done, event, places)):
                return True
            if done.to is not None and any(place and done.to == slot.times(place) for place in places):
                return True
        return False

    def _in_the_way(self, done: Done, event: Event, places: set[date | None]) -> bool:
        """Whether a neighbour that a person has moved keeps a date from where it should go."""
        zone = IANA[event.when.zone]
        stand = {day: date_at(times[0], zone) for day, times in self.of(done.key).moved.items()}
        return any(
            place is not None and day != done.day and (stand[day] >= place if day < done.day else stand[day] <= place)
            for day in stand
            for place in places
        )


def _moved(event: Event) -> dict[date, Times]:
    return {day: (one.when.starts_at, one.when.ends_at) for day, one in event.altered.items() if one.when is not None}
