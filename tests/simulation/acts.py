"""What people do in their calendars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sandbox import ids
from sandbox.directory import Account
from sandbox.event import Event
from sandbox.mailbox import Mailbox
from sandbox.person import Person
from sandbox.recurrence import Recurrence
from tests.simulation.almanac import all_dates, date_at, instant
from tests.simulation.ledger import Mark, Times, mark_of
from tests.simulation.office import Block
from tests.simulation.table import SOFT
from tests.simulation.world import SOON, World

_A_DAY = timedelta(days=1)
_SIX_WEEKS = timedelta(weeks=6)


@dataclass(frozen=True, slots=True)
class InCalendar:
    """Somebody does something to the ``which``-th of what Holdfast gave them; ``amount`` means what it means there."""

    who: int
    what: str
    which: int
    amount: int

    def take(self, world: World) -> None:
        done = self.act(world)
        if done:
            world.say(done)

    def act(self, world: World) -> str | None:
        """Do it; None where there is nothing to do it to."""
        account = world.people[self.who % len(world.people)]
        done = world.acts(account, lambda box: _ACTS[self.what](world, account, box, self))
        return f"{account.given_name} {done}" if done else None


def _series(world: World, account: Account, step: InCalendar) -> Event | None:
    found = [event for event in world.ours(account) if event.is_series]
    return found[step.which % len(found)] if found else None


@dataclass(frozen=True, slots=True)
class _Found:
    """Something that Holdfast has made: a date of a series, or an event by itself that stands for one."""

    event: Event
    day: date
    starts: datetime
    ends: datetime

    def id_in(self, box: Mailbox) -> str:
        """Its id in its owner's mailbox."""
        return box.id_of(self.event, self.day if self.event.is_series else None)


def _coming(world: World, account: Account, step: InCalendar) -> _Found | None:
    """One of the dates of the next weeks, in the order of the days that they are for."""
    after = world.now + SOON
    found = [
        _Found(event, one.slot.day if one.slot else mark.first, one.starts, one.ends)
        for event in world.ours(account)
        if (mark := mark_of(event) or _UNMARKED)
        for one in event.between(after, after + _SIX_WEEKS)
        if one.starts > after and (one.slot or mark is not _UNMARKED)
    ]
    found.sort(key=lambda one: (one.day, one.event.created))
    return found[step.which % len(found)] if found else None


_UNMARKED = Mark("", 0, date.min, date.min)
"""Of a series whose tag was lost."""


def _lost_series(world: World, account: Account, event: Event, mark: Mark | None) -> None:
    """A series is gone by its owner's hand."""
    if mark is None:
        return
    world.series.deletes(account.id, mark.block, event)
    files = (world.file, world.approved or world.file)
    kinds = {block.protection.kind for file in files for block in file.blocks if block.id == mark.block}
    if SOFT in kinds:
        world.awaits_apply.add(account.id)


def _deletes_series(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    event = _series(world, account, step)
    if event is None:
        return None
    mark = mark_of(event)
    box.delete_event(box.id_of(event))
    _lost_series(world, account, event, mark)
    return f"deletes the series {mark}" if mark is None else f"deletes the series of {mark.block}"


def _restores_series(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    """Outlook keeps what was deleted for a while: a series comes back as it was, whoever deleted it.

    Not with somebody who has nothing else of ours, and in whose calendar nobody looks any more.
    """
    if world.is_at_work or account.id not in world.recollection.placed:
        return None
    series = [event for event in world.ours(account) if event.is_series]
    there = {(mark.block, mark.generation) for event in series if (mark := mark_of(event))}
    gone = [(event, mark) for event in world.deleted(account) if (mark := mark_of(event))]
    found = [
        (event, mark)
        for event, mark in gone
        if (mark.block, mark.generation) not in there and mark.last > world.now.date()
    ]
    if not found:
        return None
    event, mark = found[step.which % len(found)]
    box._events[event.key] = event
    return f"takes the series of {mark.block} out of Deleted Items"


def _deletes_date(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    found = _coming(world, account, step)
    if found is None:
        return None
    Person(world.tenant, account).delete(found.id_in(box))
    if not found.event.is_series:
        return f"deletes what stands for {found.day}"
    world.log(account, found.event).deletes(found.day)
    if found.event not in world.ours(account):
        _lost_series(world, account, found.event, mark_of(found.event))
    return f"deletes {found.day}"


def _moves_date(world: World, account: Account, _: Mailbox, step: InCalendar) -> str | None:
    found = _coming(world, account, step)
    if found is None:
        return None
    by = timedelta(hours=(-20, -2, 1, 3, 26, 24, -24)[step.amount % 7])
    return _put(world, account, found, (found.starts + by, found.ends + by), f"moves {found.day} by {by}")


def _resizes_date(world: World, account: Account, _: Mailbox, step: InCalendar) -> str | None:
    found = _coming(world, account, step)
    if found is None:
        return None
    ends = found.starts + timedelta(minutes=(30, 45, 90)[step.amount % 3])
    return _put(world, account, found, (found.starts, ends), f"makes {found.day} end at {ends:%H:%M} UTC")


def _put(world: World, account: Account, found: _Found, times: Times, said: str) -> str | None:
    if times[0] <= world.now + SOON or account.mailbox is None:
        return None
    try:
        Person(world.tenant, account).move(found.id_in(account.mailbox), *times)
    except Exception as error:  # noqa: BLE001 - Outlook refuses to let a date pass its neighbour
        return f"cannot move {found.day}: {error}"
    if found.event.is_series:
        world.log(account, found.event).moves(found.day, times)
    return said


def _frees_date(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    found = _coming(world, account, step)
    if found is None:
        return None
    Person(world.tenant, account).show_as(found.id_in(box), "free")
    if found.event.is_series:
        world.log(account, found.event).frees(found.day)
    return f"sets {found.day} free"


def _is_away(world: World, account: Account, _: Mailbox, step: InCalendar) -> str | None:
    """Out of office on the day of a date, and perhaps the day after."""
    found = _coming(world, account, step)
    if found is None:
        return None
    last = found.day + _A_DAY * (step.amount % 2)
    person = Person(world.tenant, account)
    person.be_away(found.day, last)
    world.books(account, person.mailbox.events[-1])
    return f"is out of office from {found.day} to {last}"


def _is_back(world: World, account: Account, box: Mailbox, _: InCalendar) -> str | None:
    """The journey is called off."""
    journeys = [event for event in box.events if event.values.get("showAs") == "oof"]
    if not journeys:
        return None
    Person(world.tenant, account).delete(box.id_of(journeys[-1]))
    world.theirs.pop((account.id, journeys[-1].key))
    return f"is in the office on {journeys[-1].when.starts:%d %b} after all"


def _frees_series(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    event = _series(world, account, step)
    if event is None:
        return None
    world.log(account, event).show_as = "tentative"
    box.edit(box.id_of(event), showAs="tentative")
    return "sets a series to tentative"


def _rewords(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    event = _series(world, account, step)
    if event is None:
        return None
    box.edit(box.id_of(event), subject="Min tid")
    world.log(account, event).reworded = True
    return "calls a series Min tid"


def _cuts(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    """Outlook lets people end a series on an earlier day, which makes it anew."""
    found = _coming(world, account, step)
    event = found.event if found else None
    if found is None or event is None or event.recurrence is None or event.recurrence.ends_on is None:
        return None
    last = found.day
    if last >= event.recurrence.ends_on:
        return None
    ends = {
        "type": "endDate",
        "startDate": event.recurrence.starts_on.isoformat(),
        "endDate": last.isoformat(),
        "recurrenceTimeZone": event.when.zone,
    }
    box.edit(box.id_of(event), recurrence={"pattern": _pattern(event.recurrence), "range": ends})
    touched = world.log(account, event)
    touched.cut = last
    if not world.tenant.facts.range_end_only_keeps_exceptions:
        touched.rebuilt()
    return f"ends a series on {last}"


def _pattern(rule: Recurrence) -> dict[str, Any]:
    """A recurrence as Outlook sends it back."""
    used: dict[str, dict[str, Any]] = {
        "weekly": {"daysOfWeek": list(rule.days), "firstDayOfWeek": rule.first_day},
        "absoluteMonthly": {"dayOfMonth": rule.day_of_month},
        "relativeMonthly": {"daysOfWeek": list(rule.days), "index": rule.index},
    }
    return {"type": rule.type, "interval": rule.interval, **used[rule.type]}


def _copies(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    event = _series(world, account, step)
    mark = mark_of(event) if event else None
    if event is None or mark is None or world.tenant.facts.last_occurrence_takes_series:
        # Where a series goes with its last date, ending one takes the copy too: a copy then cannot be told from it.
        return None
    chance = box.world.chance
    copy = replace(
        event,
        key=chance.randbytes(ids.KEY_BYTES),
        uid=chance.randbytes(16),
        created=world.now + timedelta(seconds=1),
        change=chance.getrandbits(48),
        transaction_id=None,
        altered=dict(event.altered),
    )
    box._events[copy.key] = copy
    world.books(account, copy)
    world.copies[account.id, copy.key] = mark
    world.ledger.touched[account.id, copy.key] = world.log(account, event).copy()
    return f"copies the series of {mark.block}, tag and all"


def _books(world: World, account: Account, box: Mailbox, step: InCalendar) -> str | None:
    """Something of the person's own, at the time of a block and by its name, as likely as not."""
    block = world.file.blocks[step.which % len(world.file.blocks)]
    tomorrow = date_at(world.now, world.file.zone) + _A_DAY
    days = all_dates(block.every.days[0], block.every.count, block.every.unit, block.since)
    day = next((one for one in days if one >= max(tomorrow, block.since)), None)
    if day is None:
        return None
    begins = datetime.combine(day, _time(block, step.amount))
    starts, ends = (instant(at, world.file.zone) for at in (begins, begins + timedelta(minutes=block.minutes)))
    subject = block.title if step.amount % 2 else "Tandläkaren"
    rule = None
    series = next((event for event in world.ours(account) if event.recurrence), None)
    if series and step.amount // 2 % 2:
        rule = series.recurrence
        starts, ends = series.when.starts_at, series.when.ends_at
    zone = series.when.zone if series and rule else None
    world.books(account, box.book(subject, starts, ends, recurrence=rule, zone_name=zone))
    return f"books {subject}{' every time' if rule else ''} on {starts:%d %b %H:%M} UTC"


def _time(block: Block, amount: int) -> time:
    """When a block begins, or may be chosen to."""
    if isinstance(block.at, time):
        return block.at
    return time(block.at.since.hour + amount % 3, block.at.since.minute)


_ACTS: dict[str, Any] = {
    "deletes the series": _deletes_series,
    "restores a series": _restores_series,
    "deletes a date": _deletes_date,
    "moves a date": _moves_date,
    "resizes a date": _resizes_date,
    "frees a date": _frees_date,
    "is away": _is_away,
    "is back": _is_back,
    "frees a series": _frees_series,
    "rewords a series": _rewords,
    "cuts a series": _cuts,
    "copies a series": _copies,
    "books": _books,
}
ACTS = tuple(_ACTS)
