"""What is remembered of what somebody did with single dates of their blocks, so that nothing is answered twice over.

Kept for the person's sake and shown to nobody: who stores it does so under a pseudonym and forgets it in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple

from holdfast.core.model import SlotKey

_MONTHS = 3


class DateKey(NamedTuple):
    """One date of a block in a mailbox: the day that the rule gives, wherever it has been moved to since."""

    block: str
    day: date


class SeriesKey(NamedTuple):
    """A series of a block in a mailbox, by its generation."""

    block: str
    generation: int


class Stood(NamedTuple):
    """The meetings that stood on a series when it was made, by their marks, and its ``last`` date."""

    last: date
    meetings: frozenset[str]


class Quarter(NamedTuple):
    """A quarter of a year, which allowances are given for."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Quarter:
        """The quarter that a day is in."""
        return cls(day.year, (day.month - 1) // _MONTHS + 1)


@dataclass(frozen=True, slots=True)
class Touches:
    """What one mailbox's owner did, as far as it was answered or allowed.

    ``put_back`` counts how often a date was put right; ``answered`` are deleted dates that were given a single event
    instead; ``skipped`` those that are agreed to be left out; ``moved`` those that stay where their owner has them.
    ``remade`` are the days on which series, deleted as a whole, were last made again, and ``left`` those that were
    deleted again soon after: they are not, until somebody asks. ``stood`` are the meetings
    that were there before a series was. ``pending`` are deleted dates whose single event was not seen yet, with
    the generation of their series: it may stand there without its tag.
    """

    put_back: Mapping[DateKey, int] = field(default_factory=dict)
    answered: frozenset[DateKey] = frozenset()
    skipped: frozenset[DateKey] = frozenset()
    moved: frozenset[DateKey] = frozenset()
    remade: Mapping[SlotKey, date] = field(default_factory=dict)
    left: frozenset[SlotKey] = frozenset()
    stood: Mapping[SeriesKey, Stood] = field(default_factory=dict)
    pending: Mapping[DateKey, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.days or self.left)

    @property
    def days(self) -> tuple[date, ...]:
        """The days that it is about, in order."""
        keys = (*self.put_back, *self.answered, *self.skipped, *self.moved, *self.pending)
        stood = (one.last for one in self.stood.values())
        return tuple(sorted({*(key.day for key in keys), *self.remade.values(), *stood}))

    def since(self, first: date) -> Touches:
        """What of it is about days from ``first`` on: the rest is forgotten, but for what is to be let be."""
        return Touches(
            put_back={key: times for key, times in self.put_back.items() if key.day >= first},
            answered=_since(first, self.answered),
            skipped=_since(first, self.skipped),
            moved=_since(first, self.moved),
            remade={slot: day for slot, day in self.remade.items() if day >= first},
            left=self.left,
            stood={key: one for key, one in self.stood.items() if one.last >= first},
            pending={key: generation for key, generation in self.pending.items() if key.day >= first},
        )

    def with_put_back(self, key: DateKey) -> Touches:
        """The same once a date has been put right once more."""
        return replace(self, put_back={**self.put_back, key: self.put_back.get(key, 0) + 1})

    def with_pending(self, key: DateKey, generation: int) -> Touches:
        """The same just before a deleted date is given a single event."""
        return replace(self, pending={**self.pending, key: generation})

    def with_answer(self, key: DateKey) -> Touches:
        """The same once a deleted date has been given a single event."""
        return replace(self, answered=self.answered | {key})

    def with_skip(self, key: DateKey) -> Touches:
        """The same once it is agreed that a date is left out."""
        return replace(self, skipped=self.skipped | {key}, moved=self.moved - {key})

    def with_move(self, key: DateKey) -> Touches:
        """The same once a date may stay where its owner has it."""
        return replace(self, moved=self.moved | {key})

    def with_remade(self, slot: SlotKey, on: date) -> Touches:
        """The same once a series, deleted as a whole, has been made again."""
        return replace(self, remade={**self.remade, slot: on})

    def with_left(self, slots: frozenset[SlotKey]) -> Touches:
        """The same once these are left alone until somebody asks."""
        return replace(self, left=self.left | slots)

    def with_stood(self, key: SeriesKey, stood: Stood) -> Touches:
        """The same once it is noted which meetings were there before a series."""
        return replace(self, stood={**self.stood, key: stood})

    def asked_again(self, slot: SlotKey) -> Touches:
        """The same once somebody has asked that a deleted series be made again."""
        remade = {one: day for one, day in self.remade.items() if one != slot}
        return replace(self, remade=remade, left=self.left - {slot})

    def may_remake(self, slot: SlotKey, on: date) -> bool:
        """Whether a series that its owner has deleted is made again: not a second time within a quarter of a year."""
        day = self.remade.get(slot)
        return slot not in self.left and (day is None or on - day >= timedelta(weeks=13))


def _since(first: date, keys: frozenset[DateKey]) -> frozenset[DateKey]:
    return frozenset(key for key in keys if key.day >= first)
