"""The events of one mailbox and the rules they obey, whoever changes them: an application or the person in Outlook."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sandbox import ids
from sandbox.clock import Clock
from sandbox.errors import GraphError, bad_request, item_not_found
from sandbox.event import DEFAULTS, Address, Altered, Event, Occurrence, Values, When, shown_as
from sandbox.facts import Facts
from sandbox.parsing import ABSENT, Absent, Draft, check_times, rule, when
from sandbox.recurrence import Recurrence
from sandbox.zones import zone


class World(NamedTuple):
    """What a calendar has from its tenant."""

    clock: Clock
    chance: random.Random
    facts: Callable[[], Facts]


class Found(NamedTuple):
    """What an id stands for: a single event, a master (``day`` is None), or one date of a series."""

    event: Event
    day: date | None


class _Late(NamedTuple):
    """A write that is done at an instant, or before."""

    due: datetime
    write: Callable[[], object]


Watch = Callable[[str, Event, date | None], None]
"""Told of what was ``CREATED``, ``UPDATED`` or ``DELETED``: an event as it is now, or one date of a series."""

CREATED, UPDATED, DELETED = "created", "updated", "deleted"
"""Graph's ``changeType``."""


@dataclass(slots=True)
class Calendar:
    """The calendar of ``owner``, whose directory object is ``account_id``."""

    account_id: str
    owner: Address
    world: World
    key: bytes
    _events: dict[bytes, Event] = field(default_factory=dict)
    _transactions: dict[str, bytes] = field(default_factory=dict)
    _late: list[_Late] = field(default_factory=list)
    watch: Watch | None = field(default=None, compare=False)
    """Who is told of every change, as long as somebody subscribes to them."""

    @property
    def events(self) -> list[Event]:
        """Single events and series masters, in the order of their making."""
        self._catch_up()
        return list(self._events.values())

    # Reading

    def id_of(self, event: Event, day: date | None = None, *, immutable: bool = True) -> str:
        """The id of an event, or of one date of a series."""
        version = 0 if day is None else event.version
        return ids.write(self.key, ids.Reference(event.key, version, day), immutable=immutable)

    def find(self, event_id: str) -> Found:
        """What the id stands for. Raises the 400 or 404 that Graph answers to ids of nothing here."""
        self._catch_up()
        reference = ids.read(self.key, event_id)
        event = self._events.get(reference.key)
        if event is None:
            raise item_not_found()
        if reference.day is not None and (
            reference.version != event.version or event.occurrence_on(reference.day) is None
        ):
            raise item_not_found()
        return Found(event, reference.day)

    def seen(self, found: Found) -> Occurrence:
        """What an id stands for, as it stands in the calendar."""
        event, day = found
        if day is None:
            return Occurrence(event, None, event.when.starts_at, event.when.ends_at, None)
        occurrence = event.occurrence_on(day)
        if occurrence is None:
            raise item_not_found()
        return occurrence

    def view(self, since: datetime, until: datetime) -> list[Occurrence]:
        """Everything but masters that overlaps the window, by start."""
        self._catch_up()
        found = [one for event in self._events.values() for one in event.between(since, until)]
        found.sort(key=lambda one: one.starts)
        return found

    # Writing

    def create(self, made: Draft) -> Event:
        """A new event. Raises what Graph answers to one that cannot be, or was made before (``transactionId``)."""
        self._catch_up()
        self._refuse_duplicate(made.transaction_id)
        times = when(made, None)
        values = differing(made.values)
        check_times(times, all_day=bool(values.get("isAllDay")))
        recurrence, times = self._recurring(made, times, None)
        now = self.world.clock.now()
        event = Event(
            key=self.world.chance.randbytes(ids.KEY_BYTES),
            uid=self.world.chance.randbytes(16),
            created=now,
            modified=now,
            change=self._new_change(),
            values=values,
            when=times,
            recurrence=recurrence,
            tags={key: value for key, value in made.tags.items() if value is not None} or None,
            transaction_id=made.transaction_id,
            response="organizer" if values.get("attendees") else "none",
        )
        self._events[event.key] = event
        if made.transaction_id is not None:
            self._transactions[made.transaction_id] = event.key
        self._tell(CREATED, event)
        return event

    def change(self, found: Found, made: Draft) -> int:
        """Change an event, a master or one date of a series. Raises what Graph answers to what cannot be.

        How many mails Exchange sends for that, one a person: to those whom it concerns who have been invited.
        """
        event, day = found
        mails = self._change_whole(event, made) if day is None else self._change_date(event, day, made)
        self._touch(event)
        self._tell(UPDATED, event, day)
        return mails

    def remove(self, found: Found) -> int:
        """Delete an event, a whole series, or one date of it, which leaves a gap. How many mails that sends."""
        event, day = found
        mails = len(self.seen(found).value("attendees")) if event.organizer is None else 0
        if day is None:
            self._forget(event)
            return mails
        event.gaps |= {day}
        event.altered.pop(day, None)
        self._touch(event)
        if self.world.facts().last_occurrence_takes_series and not event.has_occurrences():
            self._forget(event)
        else:
            self._tell(UPDATED, event, day)
        return mails

    def respond(self, found: Found, response: str) -> None:
        """The owner answers somebody's invitation. A declined meeting goes, a date of a series as a gap, or is free."""
        event, day = found
        if response == "declined" and self.world.facts().declined_meetings_go:
            self.remove(found)
            return
        show_as = {"showAs": shown_as(response, event.intended)}
        if day is None:
            event.response = response
            event.values = differing({**event.values, **show_as})
        else:
            before = event.altered.get(day) or Altered({}, None)
            event.altered[day] = before._replace(values={**before.values, **show_as}, response=response)
        self._touch(event)
        self._tell(UPDATED, event, day)

    def note(self, event: Event, address: str, answer: Values) -> None:
        """The organiser's calendar takes down what an attendee has answered: ``status``, perhaps a proposal."""
        attendees = [
            {**one, **answer} if one["emailAddress"]["address"].lower() == address.lower() else one
            for one in event.values.get("attendees", ())
        ]
        event.values = differing({**event.values, "attendees": attendees})
        self._touch(event)
        self._tell(UPDATED, event)

    # Late writes

    def postpone(self, seconds: float, write: Callable[[], object]) -> None:
        """Do this when the calendar has been read over Graph the next time, or in so many seconds at the latest.

        It has to obey the rules as they are then: a duplicate, a stale ETag or a lost event makes nothing of it.
        """
        self._late.append(_Late(self.world.clock.now() + timedelta(seconds=seconds), write))

    def land(self) -> None:
        """Do all late writes now."""
        late, self._late = self._late, []
        for one in late:
            with suppress(GraphError):
                one.write()

    def _catch_up(self) -> None:
        """Do the late writes that are due; whoever looks into the calendar finds them done."""
        if not self._late:
            return
        now = self.world.clock.now()
        due = [one for one in self._late if one.due <= now]
        self._late = [one for one in self._late if one.due > now]
        for one in due:
            with suppress(GraphError):
                one.write()

    # The rules

    def _change_whole(self, event: Event, made: Draft) -> int:
        values = {**event.values, **made.values}
        if made.retimes:
            times = when(made, event.when)
            check_times(times, all_day=bool(values.get("isAllDay")))
            recurrence, times = self._recurring(made, times, event.recurrence)
            self._retime(event, recurrence, times)
        elif "isAllDay" in made.values:
            check_times(event.when, all_day=made.values["isAllDay"])
        mails = _mails(event, made, event.values)
        event.values = differing(values)
        facts = self.world.facts()
        if facts.master_changes_reach_exceptions:
            event.altered = {day: _without(altered, made.values) for day, altered in event.altered.items()}
        keeps_tag = facts.recurrence_patch_keeps_tag or made.recurrence is ABSENT
        event.tags = _retagged(event.tags if keeps_tag else None, made)
        return mails

    def _retime(self, event: Event, recurrence: Recurrence | None, times: When) -> None:
        """Give an event other times or another recurrence, which rebuilds a series (§3.4 of the notes on Graph)."""
        before = event.recurrence
        only_the_end = (
            before is not None
            and recurrence is not None
            and times == event.when
            and replace(before, ends_on=recurrence.ends_on) == recurrence
        )
        event.when, event.recurrence = times, recurrence
        if only_the_end and self.world.facts().range_end_only_keeps_exceptions:
            last = recurrence.ends_on if recurrence and recurrence.ends_on else date.max
            event.altered = {day: kept for day, kept in event.altered.items() if day <= last}
            event.gaps = frozenset(day for day in event.gaps if day <= last)
        elif before is not None:
            event.altered, event.gaps = {}, frozenset()
            event.version += 1

    def _change_date(self, event: Event, day: date, made: Draft) -> int:
        if not isinstance(made.recurrence, Absent):
            raise bad_request("An occurrence has no recurrence of its own.", "ErrorInvalidPropertySet")
        occurrence = self.seen(Found(event, day))
        before = event.altered.get(day) or Altered({}, None)
        moved = before.when
        if made.start is not None or made.end is not None:
            moved = when(made, occurrence.when)
            check_times(moved, all_day=bool(occurrence.value("isAllDay")))
            _refuse_crossing(event, day, moved)
        mails = _mails(event, made, before.values)
        values = {**before.values, **made.values}
        event.altered[day] = before._replace(values=values, when=moved, tags=_retagged(before.tags, made))
        return mails

    def _recurring(self, made: Draft, times: When, before: Recurrence | None) -> tuple[Recurrence | None, When]:
        """The recurrence that a draft leads to, and the times with it: in one zone where there is one."""
        if made.recurrence is None:
            return None, times
        if isinstance(made.recurrence, Absent):
            if before is None:
                return None, times
            return replace(before, starts_on=times.starts.date()), _in_one_zone(times)
        times = _in_one_zone(times)
        must_match = self.world.facts().start_date_must_match
        recurrence = rule(made.recurrence, times, before, must_match=must_match)
        shift = recurrence.starts_on - times.starts.date()
        return recurrence, times._replace(starts=times.starts + shift, ends=times.ends + shift)

    def _refuse_duplicate(self, transaction_id: str | None) -> None:
        if transaction_id is None:
            return
        key = self._transactions.get(transaction_id)
        facts = self.world.facts()
        if key is None or (key not in self._events and not facts.remembers_transactions_of_deleted):
            return
        extra = {}
        if facts.duplicate_tells_existing and key in self._events:
            extra = {"@event.existingEventId": self.id_of(self._events[key])}
        raise GraphError(
            facts.duplicate_status,
            "ErrorDuplicateTransactionId",
            "Your request can't be completed because the TransactionId value in the request is a duplicate.",
            extra=extra,
        )

    def _forget(self, event: Event) -> None:
        del self._events[event.key]
        self._tell(DELETED, event)

    def _tell(self, change: str, event: Event, day: date | None = None) -> None:
        if self.watch is not None:
            self.watch(change, event, day)

    def _touch(self, event: Event) -> None:
        event.change = self._new_change()
        event.modified = self.world.clock.now()

    def _new_change(self) -> int:
        return self.world.chance.getrandbits(48)


def _refuse_crossing(event: Event, day: date, moved: When) -> None:
    """Raises the 400 where a moved date would reach or pass the day of the one before or after it (§1.2)."""
    home = zone(event.when.zone)
    latest = max(moved.starts_at, datetime(day.year, day.month, day.day, tzinfo=UTC))
    all_dates = event.occurrences(latest + timedelta(days=400))
    place = next(n for n, one in enumerate(all_dates) if one.slot is not None and one.slot.day == day)
    first = moved.starts_at.astimezone(home).date()
    last = max(first, (moved.ends_at - timedelta(microseconds=1)).astimezone(home).date())
    before = all_dates[place - 1].starts.astimezone(home).date() if place else date.min
    after = all_dates[place + 1].starts.astimezone(home).date() if place + 1 < len(all_dates) else date.max
    if not before < first <= last < after:
        raise bad_request(
            "Modified occurrence is crossing or overlapping adjacent occurrence.", "ErrorOccurrenceCrossingBoundary"
        )


def _mails(event: Event, made: Draft, before: Values) -> int:
    """How many mails a change sends: to those whose invitation changed, or to everybody (§1.2 of the notes)."""
    if event.organizer is not None:
        return 0
    had = {one["emailAddress"]["address"] for one in event.values.get("attendees", before.get("attendees", ()))}
    if set(made.values) == {"attendees"} and not made.retimes and not made.tags:
        return len(had ^ {one["emailAddress"]["address"] for one in made.values["attendees"]})
    if not made.values and not made.retimes:
        return 0
    everybody = had | {one["emailAddress"]["address"] for one in made.values.get("attendees") or ()}
    return len(everybody) * (1 + len(event.altered))


def _in_one_zone(times: When) -> When:
    """A series' times are all in the zone of its start."""
    if times.end_zone == times.zone:
        return times
    ends = times.ends_at.astimezone(zone(times.zone)).replace(tzinfo=None)
    return When(times.starts, ends, times.zone, times.zone)


def differing(values: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that are not as they are by default."""
    return {name: value for name, value in values.items() if value != DEFAULTS[name]}


def _without(altered: Altered, names: Values) -> Altered:
    """What was changed on a date, but for these properties."""
    return altered._replace(values={name: value for name, value in altered.values.items() if name not in names})


def _retagged(tags: Mapping[str, str] | None, made: Draft) -> Mapping[str, str] | None:
    if not made.tags:
        return tags
    changed = {**(tags or {}), **made.tags}
    return {key: value for key, value in changed.items() if value is not None} or None
