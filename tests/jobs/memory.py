"""The world of a job, in memory: a directory, mailboxes, a state and a clock that behave, and a journal of every call.

The mailboxes do what Graph's documentation says of calendars: etags, refused transactionIds, occurrences by the wall
clock, exceptions and gaps. Nothing here uses the product's own recurrence, so that two independent answers have to
agree.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, rrule

from holdfast.core import tag as tags
from holdfast.core.errors import (
    Conflict,
    Crossing,
    Denied,
    Duplicate,
    Gone,
    GraphError,
    NoMailbox,
    NotSignedIn,
    Unexpected,
)
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    Created,
    DesiredSeries,
    EventLook,
    FreeBusy,
    Group,
    Meeting,
    Monthly,
    NthWeekday,
    Occurrence,
    Person,
    Profile,
    Purpose,
    Response,
    Rule,
    ShowAs,
    Single,
    Slot,
    Stretch,
    Tag,
    View,
    Weekday,
    Weekly,
    WorkingHours,
)
from holdfast.core.summary import Place, Post, Posted, Reply
from holdfast.jobs.ports import Ports
from tests.jobs.memory_journal import WRITES, Call, Crash, Fault, HandClock, Journal
from tests.jobs.memory_queues import MemoryQueue, MemorySubscriptions
from tests.jobs.memory_state import MemoryState

__all__ = [
    "WRITES",
    "Call",
    "Crash",
    "Event",
    "Fault",
    "HandClock",
    "Journal",
    "Mailbox",
    "MemoryState",
    "Message",
    "World",
]

WEEKDAYS = (MO, TU, WE, TH, FR, SA, SU)
"""dateutil's names of the days, as dates count them."""
_ENDLESS = timedelta(weeks=200)


class MemoryDirectory:
    """Groups by id, with people and other groups in them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.known: dict[str, Group] = {}
        self.inside: dict[str, list[Person | str]] = {}

    def add(self, group: Group, *inside: Person | str) -> None:
        """A group and what is in it: people, and other groups by their id."""
        self.known[group.id] = group
        self.inside[group.id] = list(inside)

    def drop(self, group_id: str) -> None:
        del self.known[group_id]
        del self.inside[group_id]

    async def groups(self, text: str) -> Sequence[Group]:
        def effect() -> list[Group]:
            return [group for group in self.known.values() if text in (group.id, group.mail, group.name)]

        return await self._journal.around(Call("directory", "groups", text), effect)

    async def members(self, group_id: str) -> AsyncIterator[Person]:
        def effect() -> list[Person]:
            if group_id not in self.known:
                raise Gone(f"No group {group_id}.", status=404)
            return list({person.id: person for person in self._everyone(group_id, set())}.values())

        for person in await self._journal.around(Call("directory", "members", group_id), effect):
            yield person

    def _everyone(self, group_id: str, been: set[str]) -> Iterator[Person]:
        if group_id in been or group_id not in self.inside:
            return
        for one in self.inside[group_id]:
            if isinstance(one, str):
                yield from self._everyone(one, been | {group_id})
            else:
                yield one


@dataclass(frozen=True)
class Event:
    """One event of a calendar. Of a series (``weekly``) ``first`` is the first date and ``range_ends`` the last.

    ``starts`` and ``ends`` are wall-clock times in ``zone``. ``moved`` and ``gaps`` are by the date the rule gives.
    """

    id: str
    etag: str
    created: datetime
    subject: str
    body: str
    category: str
    reminder: int
    zone: str
    first: date
    starts: time
    minutes: int
    weekly: bool = True
    rule: Rule | None = None
    range_ends: date | None = None
    tag: str | None = None
    transaction: str | None = None
    moved: Mapping[date, datetime] = field(default_factory=dict)
    gaps: frozenset[date] = frozenset()
    longer: Mapping[date, timedelta] = field(default_factory=dict)
    """By how much dates were made longer."""
    shown: Mapping[date, ShowAs] = field(default_factory=dict)
    """The dates that do not show as busy."""

    def occurrences(self) -> list[Occurrence]:
        """Its dates as they stand, by start: by dateutil's reckoning, at the same time by the wall clock."""
        return list(self._reckoned)

    @cached_property
    def _reckoned(self) -> tuple[Occurrence, ...]:
        found = []
        for day in self._dates() if self.weekly else [self.first]:
            if day in self.gaps:
                continue
            wall = datetime.combine(day, self.starts)
            original = wall.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
            starts = self.moved.get(day, original)
            found.append(
                Occurrence(
                    event_id=f"{self.id}/{day}",
                    starts=starts,
                    ends=starts + timedelta(minutes=self.minutes) + self.longer.get(day, timedelta(0)),
                    original_starts=original,
                    is_exception=day in self.moved,
                    show_as=self.shown.get(day, ShowAs.BUSY),
                )
            )
        return tuple(sorted(found, key=lambda one: one.starts))

    def _dates(self) -> list[date]:
        last = datetime.combine(self.range_ends or self.first + _ENDLESS, time.max)
        begin = datetime.combine(self.first, time.min)
        match self.rule:
            case Monthly(NthWeekday(position, weekday), interval):
                found = rrule(MONTHLY, begin, interval, byweekday=WEEKDAYS[weekday](int(position)), until=last)
            case Monthly(day, interval):
                found = rrule(MONTHLY, begin, interval, bymonthday=day, until=last)
            case Weekly(_, interval):
                found = rrule(WEEKLY, begin, interval, until=last)
            case None:
                found = rrule(WEEKLY, begin, until=last)
        return [at.date() for at in found]

    @property
    def shows(self) -> tuple[object, ...]:
        """What a person and Holdfast see of it: all but the id, the etag and the second it was made."""
        times = tuple((one.starts, one.ends) for one in self.occurrences())
        return (self.tag or "", self.subject, self.body, self.category, self.reminder, times)


@dataclass
class Mailbox:
    """One calendar, and how its server is strange today."""

    events: dict[str, Event] = field(default_factory=dict)
    purpose: Purpose = Purpose.USER
    hours: WorkingHours | None = None
    zone: str | None = "Europe/Stockholm"
    busy: Collection[tuple[datetime, datetime]] = ()
    """Stretches of time in which the person has something else."""
    away: Collection[tuple[datetime, datetime]] = ()
    """The times for which the person has an out-of-office event."""
    meetings: dict[str, Meeting] = field(default_factory=dict)
    """What else takes up the person's time, by the event's id."""
    answers: dict[str, tuple[str | None, Stretch | None]] = field(default_factory=dict)
    """What was said with each declined meeting."""
    declined_meetings_go: bool = True
    """Whether a declined meeting leaves the calendar, or stays as declined."""
    exists: bool = True
    transactions: dict[str, str] = field(default_factory=dict)
    remembers_deleted: bool = True
    """Whether a transactionId is refused although its event is gone."""
    names_existing: bool = True
    """Whether a refusal tells the id of the event there was."""
    loses_tags: int = 0
    """How many creates come without their tag."""
    range_end_keeps: bool = True
    """Whether exceptions and gaps outlive a change of the range's end."""
    lag: int = 0
    """How many reads of the calendar do not see a write yet."""
    vanishing: set[str] = field(default_factory=set)
    """Calls that are answered as done and do nothing."""
    stale: list[tuple[str, Event | None, int]] = field(default_factory=list)

    @property
    def series(self) -> list[Event]:
        """The tagged series, in the order they were made."""
        return sorted((event for event in self.events.values() if event.weekly and event.tag), key=lambda e: e.created)

    @property
    def shows(self) -> list[tuple[object, ...]]:
        """All that stands in it, in an order that does not depend on ids."""
        return sorted((event.shows for event in self.events.values()), key=repr)

    def begun(self, at: datetime) -> set[tuple[str, datetime, datetime]]:
        """Every date that begins at ``at`` or before, to compare a calendar's past with."""
        return {
            (one.event_id, one.starts, one.ends)
            for event in self.events.values()
            for one in event.occurrences()
            if one.starts <= at
        }

    def ahead(self, at: datetime) -> list[datetime]:
        """When our dates begin that come after ``at``."""
        return sorted(one.starts for event in self.series for one in event.occurrences() if one.starts > at)


class MemoryCalendars:
    """Mailboxes by the id of their user."""

    def __init__(self, journal: Journal, clock: HandClock) -> None:
        self._journal = journal
        self._clock = clock
        self._numbers = itertools.count(1)
        self.mailboxes: dict[str, Mailbox] = {}
        self.by_address: dict[str, Mailbox] = {}

    # -- what a job may call

    async def profile(self, mailbox: str) -> Profile:
        return await self._do("profile", mailbox, lambda box: Profile(box.purpose, box.hours, box.zone))

    async def free_busy(
        self, mailbox: str, addresses: Sequence[str], *, since: datetime, until: datetime, step: timedelta
    ) -> list[FreeBusy]:
        """Everybody by address; who has none here is left out, as Graph leaves out whom it does not know."""
        assert len(addresses) <= 20
        assert until - since < timedelta(days=62)

        def effect(_: Mailbox | None = None) -> list[FreeBusy]:
            return [
                FreeBusy(since, step, _view(box, since, until, step), box.hours)
                for address in addresses
                if (box := self.by_address.get(address))
            ]

        if mailbox.startswith("larande@"):  # the role mailbox, which is in no audience
            return await self._journal.around(Call("calendars", "free_busy", mailbox), effect)
        return await self._do("free_busy", mailbox, effect)

    async def read(self, mailbox: str) -> ActualCalendar:
        def effect(box: Mailbox) -> ActualCalendar:
            seen = dict(box.events)
            for event_id, before, _ in reversed(box.stale):
                if before is None:
                    seen.pop(event_id, None)
                else:
                    seen[event_id] = before
            box.stale = [(event_id, before, reads - 1) for event_id, before, reads in box.stale if reads > 1]
            series = tuple(series for event in seen.values() if (series := _series(event)))
            return ActualCalendar(mailbox, series, tuple(single for one in seen.values() if (single := _single(one))))

        return await self._do("read", mailbox, effect)

    async def instances(
        self, mailbox: str, event_id: str, *, since: datetime, until: datetime
    ) -> tuple[Occurrence, ...]:
        def effect(box: Mailbox) -> tuple[Occurrence, ...]:
            found = _get(box, event_id).occurrences()
            return tuple(one for one in found if one.ends > since and one.starts < until)

        return await self._do("instances", mailbox, effect)

    async def create(self, mailbox: str, series: DesiredSeries, tag: Tag, transaction_id: str) -> Created:
        def effect(box: Mailbox) -> Created:
            before = box.transactions.get(transaction_id)
            if before is not None and (box.remembers_deleted or before in box.events):
                existing = before if box.names_existing else None
                raise Duplicate(f"{transaction_id} has been seen.", existing_id=existing)
            event = self._made(series, tag, transaction_id)
            if box.loses_tags:
                box.loses_tags -= 1
                event = replace(event, tag=None)
            if "create" not in box.vanishing:
                self._put(box, event)
                box.transactions[transaction_id] = event.id
            return Created(event.id, event.etag)

        return await self._do("create", mailbox, effect)

    async def put(self, mailbox: str, series: DesiredSeries, tag: Tag, day: date, transaction_id: str) -> Created:
        single = replace(series, first=day, last=day)

        def effect(box: Mailbox) -> Created:
            before = box.transactions.get(transaction_id)
            if before is not None and (box.remembers_deleted or before in box.events):
                raise Duplicate(f"{transaction_id} has been seen.", existing_id=before if box.names_existing else None)
            made = self._made(replace(single, slot=replace(series.slot, rule=_on(day))), tag, transaction_id)
            event = replace(made, weekly=False, rule=None, range_ends=None)
            if box.loses_tags:
                box.loses_tags -= 1
                event = replace(event, tag=None)
            if "put" not in box.vanishing:
                self._put(box, event)
                box.transactions[transaction_id] = event.id
            return Created(event.id, event.etag)

        return await self._do("put", mailbox, effect)

    async def make_busy(self, mailbox: str, event_id: str) -> None:
        def effect(box: Mailbox) -> None:
            master, _, on = event_id.partition("/")
            event = _get(box, master)
            day = date.fromisoformat(on) if on else event.first
            self.change(box, event, "make_busy", shown={one: how for one, how in event.shown.items() if one != day})

        await self._do("make_busy", mailbox, effect)

    async def away(self, mailbox: str, *, since: datetime, until: datetime) -> list[Stretch]:
        def effect(box: Mailbox) -> list[Stretch]:
            return [Stretch(*one) for one in box.away if one[0] < until and since < one[1]]

        return await self._do("away", mailbox, effect)

    async def view(self, mailbox: str, ours: Collection[str], *, since: datetime, until: datetime) -> View:
        window = Stretch(since, until)

        def effect(box: Mailbox) -> View:
            def within(event_id: str) -> tuple[Occurrence, ...]:
                found = box.events[event_id].occurrences() if event_id in box.events else []
                return tuple(one for one in found if window.meets(Stretch(one.starts, one.ends)))

            meetings = [one for one in box.meetings.values() if window.meets(one.time)]
            away = [Stretch(*one) for one in box.away if window.meets(Stretch(*one))]
            return View({event_id: within(event_id) for event_id in ours}, tuple(meetings), tuple(away))

        return await self._do("view", mailbox, effect)

    async def meeting(self, mailbox: str, event_id: str) -> Meeting:
        def effect(box: Mailbox) -> Meeting:
            if event_id not in box.meetings:
                raise Gone("No such event.", status=404, code="ErrorItemNotFound")
            return box.meetings[event_id]

        return await self._do("meeting", mailbox, effect)

    async def foreign(self, mailbox: str, event_id: str) -> Meeting | None:
        def effect(box: Mailbox) -> Meeting | None:
            if event_id in box.meetings:
                return box.meetings[event_id]
            if event_id.partition("/")[0] not in box.events:
                raise Gone("No such event.", status=404, code="ErrorItemNotFound")
            return None

        return await self._do("foreign", mailbox, effect)

    async def decline(self, mailbox: str, event_id: str, *, comment: str | None, proposed: Stretch | None) -> None:
        """What Graph would refuse is refused, and nothing is ever to be declined twice."""

        def effect(box: Mailbox) -> None:
            if event_id not in box.meetings:
                raise Gone("No such event.", status=404, code="ErrorItemNotFound")
            meeting = box.meetings[event_id]
            if meeting.is_own or (comment is not None and not meeting.asks) or (proposed and not meeting.hears):
                raise Unexpected("Your request can't be completed.", status=400, code="ErrorInvalidRequest")
            assert event_id not in box.answers
            box.answers[event_id] = comment, proposed
            if box.declined_meetings_go:
                del box.meetings[event_id]
            else:
                box.meetings[event_id] = replace(meeting, response=Response.DECLINED)

        await self._do("decline", mailbox, effect)

    async def look(self, mailbox: str, event_id: str) -> EventLook:
        return await self._do("look", mailbox, lambda box: _look(_get(box, event_id)))

    async def find_by_transaction(
        self, mailbox: str, transaction_ids: Collection[str], *, since: datetime, until: datetime
    ) -> EventLook | None:
        def effect(box: Mailbox) -> EventLook | None:
            looks = (_look(event) for event in box.events.values() if event.transaction in transaction_ids)
            return next((look for look in looks if since <= look.starts <= until), None)

        return await self._do("find_by_transaction", mailbox, effect)

    async def rewrite(
        self, mailbox: str, event_id: str, etag: str, series: DesiredSeries, tag: Tag, *, keeps_text: bool = False
    ) -> None:
        def effect(box: Mailbox) -> None:
            event = _get(box, event_id)
            if event.etag != etag:
                raise Conflict("The event has changed.", status=412, code="ErrorIrresolvableConflict")
            words = {"category": series.category}
            if not keeps_text:
                words |= {"subject": series.subject, "body": series.body}
            self.change(box, event, "rewrite", **words, reminder=series.reminder, tag=tags.text(tag))

        await self._do("rewrite", mailbox, effect)

    async def body(self, mailbox: str, event_id: str) -> str:
        """As a mail server gives it back: with markup of its own around it."""

        def effect(box: Mailbox) -> str:
            return f"<html><head><style>p {{}}</style></head><body>\r\n{_get(box, event_id).body}\r\n</body></html>"

        return await self._do("body", mailbox, effect)

    async def retell(self, mailbox: str, event_id: str, body: str, tag: Tag) -> None:
        def effect(box: Mailbox) -> None:
            self.change(box, _get(box, event_id), "retell", body=body, tag=tags.text(tag))

        await self._do("retell", mailbox, effect)

    async def move(self, mailbox: str, event_id: str, slot: Slot, day: date) -> None:
        def effect(box: Mailbox) -> None:
            master, _, on = event_id.partition("/")
            event = _get(box, master)
            starts = datetime.combine(day, slot.at, ZoneInfo(slot.zone)).astimezone(UTC)
            if not event.weekly:
                self.change(box, event, "move", moved={event.first: starts}, longer={})
                return
            original = date.fromisoformat(on)
            if original not in {
                one.original_starts.astimezone(ZoneInfo(event.zone)).date() for one in event.occurrences()
            }:
                raise Gone("No such date.", status=404, code="ErrorItemNotFound")
            others = {
                one.starts.astimezone(ZoneInfo(event.zone)).date()
                for one in event.occurrences()
                if one.event_id != event_id
            }
            low = max((other for other in others if other < original), default=date.min)
            high = min((other for other in others if other > original), default=date.max)
            if not low < day < high:
                raise Crossing("Crossing.", status=400, code="ErrorOccurrenceCrossingBoundary")
            longer = {on: by for on, by in event.longer.items() if on != original}
            moved = {**event.moved, original: starts}
            self.change(box, event, "move", moved=moved, longer=longer)

        await self._do("move", mailbox, effect)

    async def shorten(self, mailbox: str, event_id: str, last: date, tag: Tag) -> None:
        def effect(box: Mailbox) -> None:
            event = _get(box, event_id)
            kept: dict[str, Any] = {} if box.range_end_keeps else {"moved": {}, "gaps": frozenset()}
            self.change(box, event, "shorten", range_ends=last, tag=tags.text(tag), **kept)

        await self._do("shorten", mailbox, effect)

    async def retag(self, mailbox: str, event_id: str, tag: Tag) -> None:
        await self._do("retag", mailbox, lambda b: self.change(b, _get(b, event_id), "retag", tag=tags.text(tag)))

    async def delete(self, mailbox: str, event_id: str) -> None:
        await self._do("delete", mailbox, lambda box: self.take_away(box, event_id, "delete"))

    # -- what happens in a mailbox, whoever does it

    def take_away(self, box: Mailbox, event_id: str, name: str = "") -> None:
        """Delete an event or one occurrence of a series; what is gone already counts as done."""
        if name in box.vanishing:
            return
        event_id, _, day = event_id.partition("/")
        event = box.events.get(event_id)
        if event is None:
            return
        if day and event.weekly:
            gap = date.fromisoformat(day)
            moved = {on: at for on, at in event.moved.items() if on != gap}
            self.change(box, event, name, gaps=event.gaps | {gap}, moved=moved)
        else:
            self._stale(box, event_id, event)
            del box.events[event_id]

    def change(self, box: Mailbox, event: Event, name: str = "", **values: Any) -> None:
        if name in box.vanishing:
            return
        self._stale(box, event.id, event)
        box.events[event.id] = replace(event, etag=self._etag(), **values)

    # -- what a person does in Outlook

    def drag(self, mailbox: str, occurrence: Occurrence, starts: datetime) -> None:
        """Drag one occurrence to another time."""
        event_id, _, day = occurrence.event_id.partition("/")
        box = self.mailboxes[mailbox]
        event = box.events[event_id]
        self.change(box, event, moved={**event.moved, date.fromisoformat(day): starts})

    def copy(self, mailbox: str, event_id: str) -> str:
        """Copy a series, as Outlook does it: a younger event with the same tag and no transactionId."""
        box = self.mailboxes[mailbox]
        copied = replace(box.events[event_id], id=self._id(), created=self._clock.now(), transaction=None)
        box.events[copied.id] = replace(copied, etag=self._etag())
        return copied.id

    def book(self, mailbox: str, subject: str, day: date, at: time, *, weekly: bool = False) -> str:
        """Put an event of the person's own into the calendar."""
        event = Event(
            id=self._id(),
            etag=self._etag(),
            created=self._clock.now(),
            subject=subject,
            body="",
            category="",
            reminder=15,
            zone="Europe/Stockholm",
            first=day,
            starts=at,
            minutes=60,
            weekly=weekly,
            range_ends=day + timedelta(weeks=20) if weekly else None,
        )
        self.mailboxes[mailbox].events[event.id] = event
        return event.id

    # -- inside

    async def _do(self, name: str, mailbox: str, effect: Callable[[Mailbox], Any]) -> Any:
        def within() -> Any:
            box = self.mailboxes.get(mailbox)
            if box is None or not box.exists:
                raise NoMailbox("No mailbox.", status=404, code="MailboxNotEnabledForRESTAPI")
            return effect(box)

        return await self._journal.around(Call("calendars", name, mailbox), within)

    def _made(self, series: DesiredSeries, tag: Tag, transaction_id: str) -> Event:
        """The event of a create; what Graph would refuse is refused."""
        slot = series.slot
        event = Event(
            id=self._id(),
            etag=self._etag(),
            created=self._clock.now(),
            subject=series.subject,
            body=series.body,
            category=series.category,
            reminder=series.reminder,
            zone=slot.zone,
            first=series.first,
            starts=slot.at,
            minutes=slot.minutes,
            rule=slot.rule,
            range_ends=series.last,
            tag=tags.text(tag),
            transaction=transaction_id,
        )
        days = [one.original_starts.astimezone(ZoneInfo(event.zone)).date() for one in event.occurrences()]
        if not days or days[0] != series.first or days[-1] != series.last or len(transaction_id) > 100:
            raise Unexpected("ErrorInvalidRequest", status=400, code="ErrorInvalidRequest")
        return event

    def _put(self, box: Mailbox, event: Event) -> None:
        self._stale(box, event.id, None)
        box.events[event.id] = event

    def _stale(self, box: Mailbox, event_id: str, before: Event | None) -> None:
        if box.lag:
            box.stale.append((event_id, before, box.lag))

    def _id(self) -> str:
        return f"AAk{next(self._numbers):04}="

    def _etag(self) -> str:
        return f'W/"{next(self._numbers)}"'


def _get(box: Mailbox, event_id: str) -> Event:
    if event_id not in box.events:
        raise Gone("The specified object was not found in the store.", status=404, code="ErrorItemNotFound")
    return box.events[event_id]


def _series(event: Event) -> ActualSeries | None:
    tag = tags.parse(event.tag) if event.tag else None
    if tag is None or not event.weekly:
        return None
    return ActualSeries(event.id, event.etag, tag, event.created, event.range_ends, _starts(event), event.zone)


def _single(event: Event) -> Single | None:
    tag = tags.parse(event.tag) if event.tag else None
    if tag is None or event.weekly:
        return None
    (occurrence,) = event.occurrences()
    return Single(tag, event.created, replace(occurrence, event_id=event.id))


def _on(day: date) -> Rule:
    """A rule that has this date."""
    return Weekly(Weekday(day.weekday()))


def _starts(event: Event) -> datetime:
    return datetime.combine(event.first, event.starts, ZoneInfo(event.zone)).astimezone(UTC)


def _view(box: Mailbox, since: datetime, until: datetime, step: timedelta) -> str:
    """A digit for each step, the worst that is so: 3 for out of office, 2 for something, 1 for a meeting unanswered."""
    ours = [(one.starts, one.ends) for event in box.events.values() for one in event.occurrences()]
    meetings = [one.time for one in box.meetings.values() if one.response is not Response.DECLINED]
    digits = ["0"] * ((until - since) // step)
    for digit, taken in (("1", meetings), ("2", [*box.busy, *ours]), ("3", box.away)):
        for begins, over in taken:
            first, last = max(0, (begins - since) // step), min(len(digits), -((since - over) // step))
            digits[first : max(first, last)] = digit * (last - first)
    return "".join(digits)


def _look(event: Event) -> EventLook:
    starts = _starts(event)
    tag = tags.parse(event.tag) if event.tag else None
    return EventLook(event.id, event.etag, event.weekly, tag, event.transaction, starts, event.range_ends)


class MemoryMail:
    """Every mail that was sent: sender, recipient, subject, text."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.sent: list[tuple[str, str, str, str]] = []

    async def send(self, sender: str, to: str, subject: str, html: str) -> None:
        await self._journal.around(Call("mail", "send", to), lambda: self.sent.append((sender, to, subject, html)))


@dataclass
class Message:
    """What stands in a channel: a post of ours, and what people answered."""

    id: str
    post: Post
    replies: list[Reply] = field(default_factory=list)

    @property
    def posted(self) -> Posted:
        return Posted(self.id, f"https://teams.example/{self.id}")


class MemoryChannels:
    """Channels by team and name, in which an account posts that is in all of them, unless somebody says otherwise.

    ``posts`` are the messages by channel, the oldest first. A call is about the channel's name.
    """

    def __init__(self, journal: Journal, clock: HandClock) -> None:
        self._journal = journal
        self._clock = clock
        self._numbers = itertools.count(1)
        self.known: dict[tuple[str, str], Place] = {}
        self.posts: dict[str, list[Message]] = {}
        self.signed_in = True
        self.reads = True

    def add(self, team: str, channel: str) -> Place:
        """A channel of a team, both made if need be."""
        place = Place(f"team-{team}", f"19:{channel}@thread.tacv2")
        self.known[team, channel] = place
        self.posts[place.channel] = []
        return place

    def reply(self, place: Place, message_id: str, html: str, author: str | None = "Anna") -> Reply:
        """Somebody answers to a post."""
        number = f"m-{next(self._numbers)}"
        reply = Reply(number, author, html, f"https://teams.example/{number}", self._clock.now())
        self._message(place, message_id).replies.append(reply)
        return reply

    async def find(self, team: str, channel: str) -> Place:
        def effect() -> Place:
            self._sign_in()
            if (team, channel) not in self.known:
                raise Gone(f"No channel {channel} in {team}.", status=404, cure="Correct it, or let the account in.")
            return self.known[team, channel]

        return await self._do("find", channel, effect)

    async def post(self, place: Place, post: Post) -> Posted:
        def effect() -> Posted:
            self._sign_in()
            made = Message(f"m-{next(self._numbers)}", post)
            self._in(place).append(made)
            return made.posted

        return await self._do("post", place.channel, effect)

    async def look(self, place: Place, marker: str) -> Posted | None:
        def effect() -> Posted | None:
            self._sign_in(reading=True)
            return next((one.posted for one in self._in(place) if one.post.marker == marker), None)

        return await self._do("look", place.channel, effect)

    async def replies(self, place: Place, message_id: str) -> Sequence[Reply]:
        def effect() -> list[Reply]:
            self._sign_in(reading=True)
            return list(self._message(place, message_id).replies)

        return await self._do("replies", place.channel, effect)

    def _sign_in(self, *, reading: bool = False) -> None:
        if not self.signed_in:
            raise NotSignedIn("Nobody has signed in to post to channels.", cure="Run `holdfast login`.")
        if reading and not self.reads:
            raise Denied("No consent.", code="AADSTS65001", cure="Grant ChannelMessage.Read.All (delegated).")

    def _in(self, place: Place) -> list[Message]:
        if place not in self.known.values():
            raise Gone(f"No channel {place.channel}.", status=404)
        return self.posts[place.channel]

    def _message(self, place: Place, message_id: str) -> Message:
        found = next((one for one in self._in(place) if one.id == message_id), None)
        if found is None:
            raise Gone(f"No message {message_id}.", status=404)
        return found

    async def _do(self, name: str, about: str, effect: Callable[[], Any]) -> Any:
        return await self._journal.around(Call("channels", name, about), effect)


class MemoryWorkflow:
    """Workflows by the id of their channel; one of an id in ``problems`` has a bad address. ``posts`` keeps all."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.problems: dict[str, GraphError] = {}
        self.posts: list[tuple[str, Post]] = []

    def problem(self, channel: str) -> GraphError | None:
        return self.problems.get(channel)

    async def post(self, channel: str, post: Post) -> None:
        def effect() -> None:
            if channel in self.problems:
                raise self.problems[channel]
            self.posts.append((channel, post))

        await self._journal.around(Call("workflow", "post", channel), effect)


class World:
    """All ports together, with one journal."""

    def __init__(self, at: datetime) -> None:
        self.journal = Journal()
        self.clock = HandClock(at)
        self.directory = MemoryDirectory(self.journal)
        self.calendars = MemoryCalendars(self.journal, self.clock)
        self.state = MemoryState(self.journal)
        self.mail = MemoryMail(self.journal)
        self.channels = MemoryChannels(self.journal, self.clock)
        self.workflow = MemoryWorkflow(self.journal)
        self.queue = MemoryQueue(self.journal, self.clock)
        self.subscriptions = MemorySubscriptions(self.journal, self.clock)

    @property
    def ports(self) -> Ports:
        used = self.directory, self.calendars, self.state, self.clock, self.mail, self.channels, self.workflow
        return Ports(*used, queue=self.queue, subscriptions=self.subscriptions)

    def box(self, person: Person) -> Mailbox:
        return self.calendars.mailboxes[person.id]

    def fail(self, name: str, error: GraphError, person: Person | None = None, **how: Any) -> Fault:
        """Let calls of this name fail, in one person's mailbox or everywhere; see ``Fault`` for how."""
        fault = Fault(name, error, person.id if person else None, **how)
        self.journal.faults.append(fault)
        return fault

    def shows(self) -> dict[str, list[tuple[object, ...]]]:
        """What stands in every calendar, told without ids and etags."""
        return {mailbox: box.shows for mailbox, box in sorted(self.calendars.mailboxes.items())}

    def foreign(self) -> dict[str, Event]:
        """The events that carry no mark of ours, whole."""
        boxes = self.calendars.mailboxes.values()
        return {e.id: e for box in boxes for e in box.events.values() if not e.tag and not e.transaction}

    def begun(self) -> dict[str, set[tuple[str, datetime, datetime]]]:
        """Every date that has begun or is about to, in every calendar: what nobody but its owner may change."""
        at = self.clock.now() + timedelta(minutes=15)
        return {mailbox: box.begun(at) for mailbox, box in self.calendars.mailboxes.items()}

    def writes_by_mailbox(self) -> Counter[str]:
        return Counter(call.about for call in self.journal.writes)
