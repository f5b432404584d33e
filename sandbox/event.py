"""An event as a mailbox keeps it, and one date of a series as seen from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sandbox.recurrence import Recurrence, Slot, last_year, slots
from sandbox.zones import zone

Values = Mapping[str, Any]
"""Properties of an event in Graph's names and normalised form. Shared between events: replaced, never changed."""

DEFAULT_LOCATION: Values = {
    "displayName": "",
    "locationType": "default",
    "uniqueIdType": "unknown",
    "address": {},
    "coordinates": {},
}

DEFAULTS: Values = {
    "categories": [],
    "reminderMinutesBeforeStart": 15,
    "isReminderOn": True,
    "hasAttachments": False,
    "subject": "",
    "importance": "normal",
    "sensitivity": "normal",
    "isAllDay": False,
    "isCancelled": False,
    "isDraft": False,
    "responseRequested": True,
    "showAs": "busy",
    "onlineMeetingUrl": None,
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "onlineMeeting": None,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "body": {"contentType": "html", "content": ""},
    "location": DEFAULT_LOCATION,
    "locations": [],
    "attendees": [],
}
"""What an event has that nobody has given another value."""


def shown_as(response: str, intended: str) -> str:
    """What somebody's meeting shows as in the calendar of who has answered this: tentative until then (§8.3)."""
    return {"accepted": intended, "declined": "free"}.get(response, "tentative")


class When(NamedTuple):
    """Wall-clock times, each in a zone that Graph knows."""

    starts: datetime
    ends: datetime
    zone: str
    end_zone: str

    @property
    def starts_at(self) -> datetime:
        """The instant it begins."""
        return self.starts.replace(tzinfo=zone(self.zone)).astimezone(UTC)

    @property
    def ends_at(self) -> datetime:
        """The instant it ends."""
        return self.ends.replace(tzinfo=zone(self.end_zone)).astimezone(UTC)


class Address(NamedTuple):
    """A person as mail knows them."""

    name: str
    address: str

    @property
    def json(self) -> dict[str, Any]:
        """As Graph's ``recipient``."""
        return {"emailAddress": {"name": self.name, "address": self.address}}


class Altered(NamedTuple):
    """What was changed on one date of a series: the rest is still the master's."""

    values: Values
    when: When | None
    tags: Mapping[str, str] | None = None
    response: str | None = None


@dataclass(slots=True)
class Event:
    """A single event or a series master. ``organizer`` is None where it is the mailbox's owner.

    ``response`` is the owner's to the invitation, ``intended`` what the organiser wants it to show as if accepted.
    ``change`` is new at every write; ``version`` is part of the ids of occurrences, and new when the series is rebuilt.
    """

    key: bytes
    uid: bytes
    created: datetime
    modified: datetime
    change: int
    values: Values
    when: When
    recurrence: Recurrence | None = None
    tags: Mapping[str, str] | None = None
    transaction_id: str | None = None
    organizer: Address | None = None
    response: str = "none"
    intended: str = "busy"
    version: int = 0
    altered: dict[date, Altered] = field(default_factory=dict)
    gaps: frozenset[date] = frozenset()

    @property
    def is_series(self) -> bool:
        """Whether this is a series master."""
        return self.recurrence is not None

    def occurrences(self, until: datetime) -> list[Occurrence]:
        """Every date of the series that still is, whose slot begins before ``until``, in the order of the slots."""
        return [self._occurrence(slot) for slot in self._slots(until) if slot.day not in self.gaps]

    def occurrence_on(self, day: date) -> Occurrence | None:
        """What stands for a slot's date; None for a gap and for a date that is none of the series'."""
        if day in self.gaps:
            return None
        for slot in self._slots(datetime(day.year, 12, 31, tzinfo=UTC)):
            if slot.day == day:
                return self._occurrence(slot)
        return None

    def has_occurrences(self) -> bool:
        """Whether any date is left."""
        rule = self.recurrence
        if rule is None or rule.range_type == "noEnd":
            return True
        return len(self._slots(datetime(rule.starts_on.year, 12, 31, tzinfo=UTC))) > len(self.gaps)

    def between(self, since: datetime, until: datetime) -> list[Occurrence]:
        """Single event or dates of a series that overlap the half-open window."""
        if self.recurrence is None:
            one = Occurrence(self, None, self.when.starts_at, self.when.ends_at, None)
            return [one] if one.starts < until and one.ends > since else []
        found = []
        for slot in self._slots(until):
            if slot.day in self.altered:
                one = self._occurrence(slot)
                if one.starts < until and one.ends > since:
                    found.append(one)
            elif slot.starts < until and slot.ends > since and slot.day not in self.gaps:
                found.append(Occurrence(self, slot, slot.starts, slot.ends, None))
        return found

    def _slots(self, until: datetime) -> tuple[Slot, ...]:
        rule = self.recurrence
        if rule is None:
            return ()
        when = self.when
        latest = max([until.date(), *self.altered]) + timedelta(days=1)
        return slots(rule, when.starts.time(), when.ends - when.starts, when.zone, last_year(rule, latest))

    def _occurrence(self, slot: Slot) -> Occurrence:
        altered = self.altered.get(slot.day)
        if altered is not None and altered.when is not None:
            return Occurrence(self, slot, altered.when.starts_at, altered.when.ends_at, altered)
        return Occurrence(self, slot, slot.starts, slot.ends, altered)


class Occurrence(NamedTuple):
    """Something that stands in the calendar: one date of a series, or a single event, which has no slot."""

    event: Event
    slot: Slot | None
    starts: datetime
    ends: datetime
    altered: Altered | None

    @property
    def type(self) -> str:
        """Graph's ``eventType``."""
        if self.slot is None:
            return "singleInstance"
        return "occurrence" if self.altered is None else "exception"

    @property
    def response(self) -> str:
        """What the owner has answered to the invitation."""
        return (self.altered and self.altered.response) or self.event.response

    @property
    def when(self) -> When:
        """Its wall-clock times."""
        if self.altered is not None and self.altered.when is not None:
            return self.altered.when
        when = self.event.when
        if self.slot is None:
            return when
        starts = datetime.combine(self.slot.day, when.starts.time())
        return When(starts, starts + (when.ends - when.starts), when.zone, when.end_zone)

    def tags(self, *, inherited: bool) -> Mapping[str, str]:
        """Its extended properties; those of the master only where occurrences inherit them."""
        own = self.altered.tags if self.altered is not None else None
        given = self.event.tags if self.slot is None or inherited else None
        return {**(given or {}), **own} if own else given or {}

    def value(self, name: str) -> Any:  # noqa: ANN401 - JSON is what it is
        """A property in Graph's form, as it shows on this date."""
        if self.altered is not None and name in self.altered.values:
            return self.altered.values[name]
        return self.event.values.get(name, DEFAULTS.get(name))
