"""What must hold once nothing fails any more and the product has had its say: told from the tenant's calendars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sandbox.directory import Account
from sandbox.event import Event
from tests.simulation.almanac import date_at
from tests.simulation.diary import Date
from tests.simulation.ledger import Mark, mark_of
from tests.simulation.slots import Slot
from tests.simulation.world import SOON, Broken, World

AHEAD = timedelta(days=90)
"""How far ahead everybody's time is sure to be set aside: a series with less left is continued."""

ASKED = timedelta(days=7, hours=1)
"""How long ago a mailbox has been asked about itself, at the most."""

_FAR = timedelta(days=900)


def check(world: World, *, nothing_wanted: bool = False) -> None:
    """Everybody has exactly what the settings ask for, and nobody has anything else of ours still to come."""
    after = world.now + SOON
    for account in world.tenant.accounts:
        slots = world.wants(world.file, account, after)
        if slots:
            world.unknown.discard(account.id)
        if account.mailbox is None or account.id in world.unknown or account is world.organizer:
            continue
        slots = [] if nothing_wanted else slots
        wrong = list(_wrong(world, account, slots, after))
        told = world.heard.get(account.id)
        if slots and (told is None or world.now - told.at > ASKED):
            wrong.append("the mailbox has not been asked about itself for more than a week")
        if wrong:
            raise Broken(f"{account.address}: {'; '.join(wrong[:3])}" + (" ..." if len(wrong) > 3 else ""))


@dataclass(frozen=True, slots=True)
class _Calendar:
    """What is ours in somebody's calendar, and their coming dates of protected blocks. ``due`` is what may stand."""

    world: World
    account: Account
    after: datetime
    events: list[Event]
    marks: dict[bytes, Mark]
    held: list[Date]
    due: set[tuple[bytes, date | None]] = field(default_factory=set)

    @classmethod
    def of(cls, world: World, account: Account, after: datetime) -> _Calendar:
        events = world.ours(account)
        marks = {event.key: mark for event in events if (mark := mark_of(event))}
        return cls(world, account, after, events, marks, world.dates(world.file, account))

    def series(self, slot: Slot) -> list[Event]:
        """The series that stand where a slot wants them."""
        theirs = [one for one in self.events if one.is_series and one.key in self.marks]
        return [one for one in theirs if self.marks[one.key].block == slot.block.id and slot.fits(one)]

    def may_lack(self, slot: Slot) -> bool:
        """Whether a slot may be without a series."""
        return self.world.series.is_let_be(self.account.id, slot, self.world.now)


def _wrong(world: World, account: Account, slots: Sequence[Slot], after: datetime) -> Iterator[str]:
    calendar = _Calendar.of(world, account, after)
    for slot in slots:
        yield from _slot(calendar, slot)
    marks = calendar.marks
    for event in calendar.events:
        touched = world.log(account, event)
        for one in event.between(after, after + _FAR):
            day = one.slot.day if one.slot else None
            moved = day in touched.moved and _answers(marks.get(event.key), slots, day)
            if one.starts > after and (event.key, day) not in calendar.due and not moved:
                whose = f"a series of {marks[event.key].block}" if event.key in marks else "an event without a tag"
                yield f"{whose} stands on {one.starts:%d %b %H:%M} and should not"


def _slot(calendar: _Calendar, slot: Slot) -> Iterator[str]:
    """What is wrong with the dates of one slot, and which events may stand because of it."""
    after, marks, series = calendar.after, calendar.marks, calendar.series(slot)
    near = date_at(after + AHEAD, slot.zone)
    answering = [event for event in series if marks[event.key].first <= marks[event.key].last]
    latest = max([near, *(marks[event.key].first for event in answering)])
    coming = [event for event in answering if marks[event.key].first > date_at(after, slot.zone)]
    if any(_is_early(event, answering, marks, near) for event in coming):
        yield f"{slot} is continued while most of it is still to come"
    for day in slot.dates(date_at(after - AHEAD, slot.zone), date_at(after + _FAR, slot.zone)):
        there = [event for event in series if marks[event.key].first <= day <= marks[event.key].last]
        if slot.times(day)[0] <= after:
            # What stands for it may have been moved to where it is still to come.
            calendar.due.update(single for event in there for single in _singles(calendar, event, day))
            continue
        missing = not there and day <= latest and slot.stands(day, after)
        if len(there) > 1 or (missing and not calendar.may_lack(slot)):
            yield f"{slot} has {len(there)} series for {day}"
        for event in there:
            singles = _singles(calendar, event, day)
            calendar.due.update({(event.key, day), *singles})
            if len(singles) > 1:
                yield f"{slot} has {len(singles)} single events for {day}"
            yield from _protected(calendar, event, slot, day, looked_at=day <= near)


def _singles(calendar: _Calendar, event: Event, day: date) -> list[tuple[bytes, None]]:
    """The single events that stand for a date of a series."""
    marks = calendar.marks
    return [(one.key, None) for one in calendar.events if _stands_for(marks.get(one.key), one, marks[event.key], day)]


def _is_early(event: Event, series: Sequence[Event], marks: Mapping[bytes, Mark], near: date) -> bool:
    """Whether a series was made to follow one that has long enough to run."""
    first = marks[event.key].first
    before = [one for one in series if one.created < event.created and marks[one.key].first < first]
    return any(marks[one.key].last > near for one in before)


def _protected(calendar: _Calendar, event: Event, slot: Slot, day: date, *, looked_at: bool) -> Iterator[str]:
    """What is wrong with a date by the table of protection, or, where that leaves it, by what was done to it."""
    world, account = calendar.world, calendar.account
    one = next((one for one in calendar.held if (one.event, one.day) == (event.key, day)), None)
    if one is None or one.murky:
        yield from _date(world, account, event, slot, day, looked_at=looked_at)
    elif not world.diary.may_stay(account.id, one, calendar.held, world.now):
        yield f"{slot} on {day} is {one.touch or 'back'} and may not be"
    elif one.stand is not None and one.stand.alone and event.occurrence_on(day) is not None:
        yield f"{slot} stands twice on {day}"


def _stands_for(mark: Mark | None, single: Event, series: Mark, day: date) -> bool:
    """Whether a single event stands for a date of a series."""
    return (
        mark is not None
        and not single.is_series
        and mark.first == mark.last == day
        and (mark.block, mark.generation) == (series.block, series.generation)
    )


def _answers(mark: Mark | None, slots: Sequence[Slot], day: date | None) -> bool:
    wanted = {slot.block.id for slot in slots}
    return mark is not None and day is not None and day <= mark.last and mark.block in wanted


def _date(world: World, account: Account, event: Event, slot: Slot, day: date, *, looked_at: bool) -> Iterator[str]:
    """What is wrong with one date of a series: it is as the block has it, or as its person left it.

    ``looked_at`` says whether it is near enough for days off to count.
    """
    touched = world.log(account, event)
    one = event.occurrence_on(day)
    if day in touched.gaps | touched.taken or (touched.cut and day > touched.cut):
        if one is not None:
            yield f"{slot} is back on {day}, which was deleted"
        return
    if one is None:
        yield f"{slot} does not stand on {day}"
        return
    times = touched.moved.get(day, slot.times(day))
    show_as = "free" if day in touched.free else "busy" if day in touched.busy else touched.show_as
    if (one.starts, one.ends) != times:
        yield f"{slot} stands on {one.starts:%d %b %H:%M} instead of {times[0]:%d %b %H:%M}"
    there = date_at(one.starts, slot.zone)
    person_put_it_there = day in touched.moved and day not in touched.ours and there != day
    if looked_at and slot.is_off(day) and slot.is_off(there) and not person_put_it_there:
        yield f"{slot} stands on {there}, a day off"
    if one.value("showAs") != show_as:
        yield f"{slot} shows as {one.value('showAs')} on {day}, not {show_as}"
    if one.value("subject") != slot.block.title and not touched.reworded:
        yield f"{slot} is called {one.value('subject')}"
    if one.value("attendees"):
        yield f"{slot} has attendees"
