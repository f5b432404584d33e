"""What people did with the dates of protected blocks and how it was answered: the world's own log, date by date.

Between two looks into a calendar only the product acts on it, or only its owner. What the product did is held against
``table``. After a run that nothing disturbed there is one right answer, as far as the past is known. After any other
several are right, since nobody can tell from outside whether it came to look at a date, or remembered what it did.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sandbox.event import Event
from tests.simulation.almanac import date_at, instant
from tests.simulation.ledger import HORIZON, Mark, mark_of
from tests.simulation.slots import Slot
from tests.simulation.table import SOFT, Answer, Case, Past, Protection, Touch, answer, any_past

SURELY_REMEMBERED = timedelta(days=80)
"""What is older is forgotten before long, and does not surely count against a quarter's moves."""

_A_DAY = timedelta(days=1)
_RIGHT = frozenset({Answer.PUT_RIGHT, Answer.INSTEAD})
_NOTHING_YET = frozenset({Past()})
_FREED = frozenset({"free", "tentative"})


class End(enum.StrEnum):
    """How a date stands after a look: as it should, as its owner left it, there but busy again, or back but free."""

    RIGHT = "to be put right"
    SAME = "to stay"
    BUSY = "to be busy again where it is"
    HALF = "to be put right half way"


class Key(NamedTuple):
    """A date of a block in somebody's calendar, wherever it has been moved to."""

    mailbox: str
    block: str
    day: date

    @property
    def quarter(self) -> tuple[int, int]:
        """The quarter of the year that it is in."""
        return self.day.year, (self.day.month - 1) // 3


class Stand(NamedTuple):
    """What stands in a calendar for a date, of a series or by itself."""

    starts: datetime
    ends: datetime
    show_as: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Date:
    """A date of a slot as it stands at one instant. ``away`` says that its owner has an out-of-office event that day.

    ``murky`` are dates of which nobody can tell what their owner did: two series answer for them, or the product has
    taken them out or moved them for want of learning time. ``blocked`` says that a neighbour which was moved keeps it
    from where it should be, by Exchange's rule. ``begun`` is what has begun, or nearly.
    """

    slot: Slot
    day: date
    event: bytes
    stand: Stand | None
    away: bool
    murky: bool = False
    blocked: bool = False
    begun: bool = False

    @property
    def touch(self) -> Touch | None:
        """What its owner did with it."""
        if self.stand is None:
            return Touch.DELETED
        if (self.stand.starts, self.stand.ends) != self.slot.times(self.day):
            return Touch.MOVED
        return Touch.FREED if self.is_free else None

    @property
    def is_free(self) -> bool:
        """Whether others may book over it."""
        return self.stand is not None and self.stand.show_as in _FREED

    @property
    def is_back(self) -> bool:
        """Whether it stands where it should, free or not."""
        return self.touch in {None, Touch.FREED}

    def end(self, now: Date) -> End | None:
        """How it ended if it is like that now; None where nobody should have made that of it."""
        if now.touch is None:
            return End.RIGHT
        if now.stand == self.stand:
            return End.SAME
        if self.touch is Touch.MOVED and self.is_free and self.stand and now.stand:
            there = now.stand[:2] == self.stand[:2] and not now.is_free
            return End.BUSY if there else End.HALF if now.touch is Touch.FREED else None
        return None

    @property
    def is_inside(self) -> bool:
        """Whether it stands inside its week, or day, and its owner's hours, and is no shorter than it should be."""
        if self.stand is None:
            return False
        slot, (starts, ends, *_) = self.slot, self.stand
        there = date_at(starts, slot.zone)
        week = {one - timedelta(days=one.weekday()) for one in (there, self.day)}
        near = there == self.day if slot.block.protection.within == "day" else len(week) == 1
        whole = ends - starts >= timedelta(minutes=slot.block.minutes)
        works = slot.hours is None or slot.hours.hold(starts, ends, any_day=False)
        return near and whole and works and not slot.is_off(there)


class Calendar(NamedTuple):
    """What is in somebody's calendar ``at`` an instant: events of ours, and times out of office.

    ``murk`` are the dates of series of which nobody can tell what their owner did. What begins within ``soon`` of the
    instant counts as begun.
    """

    events: Sequence[Event]
    away: Sequence[tuple[datetime, datetime]]
    murk: Mapping[bytes, Collection[date]]
    at: datetime
    soon: timedelta


def standing(slots: Iterable[Slot], calendar: Calendar) -> list[Date]:
    """The coming dates of protected slots that some series of ours answers for, each as it stands."""
    events, away, murk, at, soon = calendar
    marked = [(mark, event) for event in events if (mark := mark_of(event))]
    marked.sort(key=lambda one: one[1].created)
    series: dict[tuple[str, int], tuple[Mark, Event]] = {}
    singles: dict[tuple[str, int, date], Event] = {}
    for mark, event in marked:
        if event.is_series:
            series.setdefault((mark.block, mark.generation), (mark, event))
        elif mark.first == mark.last:
            singles.setdefault((mark.block, mark.generation, mark.first), event)
    found: list[Date] = []
    for slot in slots:
        if slot.block.protection.kind == SOFT:
            continue
        theirs = [(mark, event) for mark, event in series.values() if mark.block == slot.block.id and slot.fits(event)]
        last = date_at(at + HORIZON, slot.zone)
        for day in slot.dates(date_at(at, slot.zone), last):
            answering = [(mark, event) for mark, event in theirs if mark.first <= day <= mark.last]
            if not answering or slot.is_off(day):
                continue
            mark, event = answering[0]
            ends_on = event.recurrence and event.recurrence.ends_on
            if ends_on and day > ends_on:
                continue
            single = singles.get((mark.block, mark.generation, day))
            stand = _stand(single, None) if single else _stand(event, day)
            found.append(
                Date(
                    slot,
                    day,
                    event.key,
                    stand,
                    _is_away(slot, day, away),
                    murky=len(answering) > 1 or day in murk.get(event.key, ()),
                    blocked=not single and _is_blocked(slot, event, day),
                    begun=slot.times(day)[0] <= at + soon or (stand is not None and stand.starts <= at + soon),
                )
            )
    return found


def _stand(event: Event, day: date | None) -> Stand | None:
    if day is None:
        return Stand(event.when.starts_at, event.when.ends_at, event.values.get("showAs", "busy"), alone=True)
    one = event.occurrence_on(day)
    return one and Stand(one.starts, one.ends, one.value("showAs"))


def _is_away(slot: Slot, day: date, away: Sequence[tuple[datetime, datetime]]) -> bool:
    midnights = [instant(datetime(one.year, one.month, one.day), slot.zone) for one in (day, day + _A_DAY)]  # noqa: DTZ001
    return any(starts < midnights[1] and midnights[0] < ends for starts, ends in away)


def _is_blocked(slot: Slot, event: Event, day: date) -> bool:
    """Exchange lets no date reach the day of the one before or after it."""
    for other, one in event.altered.items():
        there = date_at(one.when.starts_at, slot.zone) if one.when else other
        if (other < day <= there) or (there <= day < other):
            return True
    return False


class Way(NamedTuple):
    """One way that things can have gone: how a date stands then, and its past from then on."""

    end: End
    past: Past


class _Among(NamedTuple):
    """The dates that one is among, in somebody's calendar at an instant; ``sure`` says that nobody moved them since."""

    mailbox: str
    dates: Sequence[Date]
    at: datetime
    sure: bool = True


@dataclass(slots=True)
class Diary:
    """Everybody's dates, each with every past that is possible.

    ``alone`` are dates for which a single event has stood: where Exchange remembers that, it refuses another one, and
    the product takes it for deleted for good. ``judged`` counts the verdicts.
    """

    pasts: dict[Key, frozenset[Past]] = field(default_factory=dict)
    alone: set[Key] = field(default_factory=set)
    judged: int = 0

    def of(self, key: Key) -> frozenset[Past]:
        """What may have gone before on a date."""
        return self.pasts.get(key, _NOTHING_YET)

    def forget(self) -> None:
        """The product has lost all memory, and begins anew with everybody."""
        self.pasts.clear()

    def was_put_right(self, key: Key) -> bool:
        """Whether the product may have put a date back where it was."""
        return any(past.righted or past.answered for past in self.of(key))

    def is_skipped(self, key: Key) -> bool:
        """Whether a date may have been agreed to be left out."""
        return any(past.skipped for past in self.of(key))

    def may_be_taken(self, key: Key) -> bool:
        """Whether the product may take a date out of its series: it is left out, or a single event stands for it."""
        return self.is_skipped(key) or key in self.alone

    def may_stay(self, mailbox: str, one: Date, dates: Sequence[Date], at: datetime) -> bool:
        """Whether a date may be as it is when all is quiet."""
        if one.touch is None:
            returned = one.stand is not None and not one.stand.alone
            return not (returned and all(past.skipped for past in self.of(Key(mailbox, one.slot.block.id, one.day))))
        ways = self._ways(one, _Among(mailbox, dates, at), {one.away}, (one.slot.block.protection,))
        return one.begun or one.murky or one.blocked or any(way.end is End.SAME for way in ways)

    def look(self, mailbox: str, before: Sequence[Date], after: Sequence[Date], seen: Looked) -> Iterator[str]:
        """Take in what a run of the product made of somebody's dates; what of it is not right."""
        stands = {(one.event, one.day): one for one in after}
        dates = sorted((one for one in before if not one.begun), key=lambda one: (one.day, one.slot.block.id))
        self.alone |= {
            Key(mailbox, one.slot.block.id, one.day)
            for one in (*before, *after)
            if one.stand is not None and one.stand.alone
        }
        for one in dates:
            now = stands.get((one.event, one.day))
            key = Key(mailbox, one.slot.block.id, one.day)
            if now is None:
                continue  # its series is gone, or answers for it no more: that is judged by what should stand at all
            slot = now.slot
            if one.murky or now.murky or (key.block, key.day) in seen.acted:
                self.pasts[key] = frozenset(
                    wide for past in self.of(key) for way in seen.protections(slot) for wide in any_past(way, past)
                )
            elif one.touch is None:
                yield from self._untouched(key, one, now, seen)
        for one in dates:
            now = stands.get((one.event, one.day))
            key = Key(mailbox, one.slot.block.id, one.day)
            if now is None or one.touch is None or one.murky or now.murky or (key.block, key.day) in seen.acted:
                continue
            yield from self._touched(key, replace(one, slot=now.slot), now, before, seen)
        for one in dates:
            now = stands.get((one.event, one.day))
            key = Key(mailbox, one.slot.block.id, one.day)
            if now is None or one.murky or now.murky or (key.block, key.day) in seen.acted or not now.is_back:
                continue
            # Seen where it should be, it uses up none of the quarter's moves any more.
            back = frozenset(past._replace(kept=False) for past in self.of(key))
            self.pasts[key] = back if seen.clean and not seen.is_near(one) else back | self.of(key)

    def _untouched(self, key: Key, one: Date, now: Date, seen: Looked) -> Iterator[str]:
        """A date that stands stays as it is, unless it is agreed to be left out and came back with a new series."""
        pasts = self.of(key)
        assert one.stand is not None
        if one.stand.alone:
            pasts = frozenset(past._replace(answered=True) for past in pasts) | (pasts if not seen.clean else set())
            if now.stand is None:
                yield f"the single event for {one.slot} on {one.day} was deleted"
        elif now.stand is None:
            skipped = frozenset(past for past in pasts if past.skipped)
            if not skipped:
                yield f"{one.slot} on {one.day} was deleted though nobody wants to skip it"
            pasts = skipped or pasts
        elif seen.clean and not seen.is_near(one):
            standing = frozenset(past for past in pasts if not past.skipped)
            if not standing:
                yield f"{one.slot} on {one.day} stands again though it is agreed to be left out"
            pasts = standing or pasts
        if now.stand is not None and now.stand != one.stand:
            yield f"{one.slot} on {one.day} was changed though nobody had touched it"
        self.pasts[key] = frozenset(pasts)

    def _touched(self, key: Key, one: Date, now: Date, dates: Sequence[Date], seen: Looked) -> Iterator[str]:
        self.judged += 1
        away = {one.away, now.away}
        among = _Among(key.mailbox, dates, seen.at, sure=not seen.acted)
        ways = set(self._ways(one, among, away, seen.protections(one.slot)))
        if not seen.clean or seen.is_near(one):
            ways |= set(self._other_ways(key, ways))
        if one.blocked or now.blocked:
            # A neighbour in the way: it is counted as put right, though it stays.
            ways |= {Way(End.SAME, way.past) for way in ways}
        if one.touch is Touch.DELETED and key in self.alone:
            ways |= {Way(End.SAME, way.past._replace(skipped=True)) for way in ways if way.end is End.RIGHT}
        end = one.end(now)
        fitting = frozenset(way.past for way in ways if way.end is end)
        if not fitting:
            told = " or ".join(sorted({way.end for way in ways}))
            was = f"was left {end.removeprefix('to ')}" if end else "was put elsewhere"
            pasts = " or ".join(str(tuple(past)) for past in sorted(self.of(key)))
            yield (
                f"{one.slot} on {one.day}, {one.touch} by its owner, {was} and had {told}"
                f" ({one.slot.block.protection}, away {one.away}, inside {one.is_inside}, {pasts})"
            )
        self.pasts[key] = fitting or self.of(key)

    def _ways(self, one: Date, among: _Among, away: Iterable[bool], protections: Iterable[Protection]) -> Iterator[Way]:
        """What the table says, for every past and whatever else is not known."""
        key = Key(among.mailbox, one.slot.block.id, one.day)
        assert one.touch is not None
        for protection in protections:
            least, most = self._used(key, among) if among.sure else (0, protection.moves)
            lefts = {least < protection.moves, most < protection.moves}
            slot = replace(one.slot, block=replace(one.slot.block, protection=protection))
            inside = replace(one, slot=slot).is_inside
            for past in self.of(key):
                for left in lefts:
                    for gone in away:
                        case = Case(one.touch, gone, inside, left)
                        said, then = answer(protection, case, past)
                        end = End.RIGHT if said in _RIGHT else End.SAME
                        if said is Answer.KEPT and one.is_free:
                            said, then = answer(protection, case._replace(touch=Touch.FREED), then)
                            end = End.BUSY if said in _RIGHT else End.SAME
                        yield Way(end, then)

    def _other_ways(self, key: Key, ways: Iterable[Way]) -> Iterator[Way]:
        """How else things can have gone in a run that something disturbed.

        It may not have come to the date. It may have remembered what it then did not do, up to three times over, as it
        decides anew where the calendar changed under its hands; or done what it then did not remember.
        """
        for past in self.of(key):
            yield Way(End.SAME, past)
            for way in ways:
                yield Way(way.end, past)
        for way in ways:
            yield Way(End.SAME, way.past)
            for more in range(way.past.righted, 3) if way.end is not End.SAME and way.past.righted else ():
                for end in (End.SAME, End.HALF, way.end):
                    yield Way(end, way.past._replace(righted=more))

    def _used(self, key: Key, among: _Among) -> tuple[int, int]:
        """How many of a quarter's moves went to other dates of the block: at least, and at most."""
        at = among.at
        judged = {one.day for one in among.dates if one.slot.block.id == key.block}
        back = {one.day for one in among.dates if one.slot.block.id == key.block and one.is_back and not one.begun}
        least = most = 0
        for other, pasts in self.pasts.items():
            if other[:2] != key[:2] or other.quarter != key.quarter or other.day == key.day:
                continue
            uses = [past.uses and not (past.kept and other.day in back) for past in pasts]
            most += any(uses)
            # Whether a date counts that is a day off by now, or beyond the block's last one, no page says.
            counts = other.day in judged or other.day < at.date() - _A_DAY
            least += all(uses) and counts and at.date() - other.day < SURELY_REMEMBERED
        return least, most


@dataclass(frozen=True, slots=True)
class Looked:
    """A run of the product as it looked at one calendar, from ``at`` until ``ended``.

    ``clean`` says that nothing disturbed it: then it has seen to everything. ``acted`` are the dates that their owner
    touched meanwhile. ``by_block`` is how blocks are protected by the files that it may have gone by.
    """

    at: datetime
    ended: datetime
    clean: bool
    acted: frozenset[tuple[str, date]]
    by_block: Mapping[str, frozenset[Protection]]
    soon: timedelta

    def protections(self, slot: Slot) -> frozenset[Protection]:
        """How the block of a slot may have been protected."""
        return self.by_block.get(slot.block.id, frozenset()) or frozenset({slot.block.protection})

    def is_near(self, one: Date) -> bool:
        """Whether it began, or nearly, while the run went on: then it may have been looked at or not."""
        begins = [one.slot.times(one.day)[0], *([one.stand.starts] if one.stand else [])]
        return min(begins) <= self.ended + self.soon
