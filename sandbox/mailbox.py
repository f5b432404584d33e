"""One person's mailbox: its settings, what meets calls for it, and what the person does to the calendar in Outlook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any

from sandbox import ids
from sandbox.calendars import CREATED, Calendar, Found, differing
from sandbox.event import Address, Event, When, shown_as
from sandbox.faults import Plight
from sandbox.hours import WEEKDAYS, CustomZone, WorkingHours
from sandbox.parsing import draft, rule
from sandbox.recurrence import Recurrence
from sandbox.zones import windows, zone

DEFAULT_ZONE = "W. Europe Standard Time"


@dataclass(frozen=True, slots=True)
class Pressure:
    """What a test has decided to happen to the next calls for a mailbox."""

    calls: int
    retry_after: int


@dataclass(slots=True)
class Mailbox(Calendar):
    """A calendar with what is around it.

    ``denied`` makes every call of an application a 403, as an access policy does; ``pressure`` makes the next ones 429.
    ``plight`` is what they meet for ever. Until ``appears_at`` there is no mailbox: it comes a while after its licence.
    ``time_zone`` is shown as it stands, a Windows name or an IANA one, as the administrator of a real mailbox chooses.
    """

    purpose: str = "user"
    time_zone: str = DEFAULT_ZONE
    locale: str = "sv-SE"
    hours: WorkingHours = field(default_factory=WorkingHours)
    denied: bool = False
    pressure: Pressure | None = None
    plight: Plight | None = None
    appears_at: datetime | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether the mailbox is still to appear."""
        return self.appears_at is not None and self.world.clock.now() < self.appears_at

    @property
    def home(self) -> str:
        """Its zone by the name that goes with events."""
        return windows(self.time_zone)

    # What people do

    def book(
        self,
        subject: str,
        starts: datetime,
        ends: datetime,
        *,
        zone_name: str | None = None,
        recurrence: Recurrence | Mapping[str, Any] | None = None,
        organizer: Address | None = None,
        attendees: Sequence[Address] = (),
        response: str = "notResponded",
        uid: bytes | None = None,
        **values: Any,  # noqa: ANN401 - Graph's properties in Graph's form
    ) -> Event:
        """Put an event of the person's own here, or a copy of ``organizer``'s meeting, as Outlook would have.

        ``starts`` and ``ends`` are instants, or wall-clock times in ``zone_name``, by default the mailbox's own;
        ``recurrence`` may be Graph's JSON, and ``values`` are further properties.
        """
        zone_name = zone_name or self.home
        own = organizer is None
        intended = str(values.pop("showAs", "busy"))
        times = When(_wall(starts, zone_name), _wall(ends, zone_name), zone_name, zone_name)
        if isinstance(recurrence, Mapping):
            recurrence = rule(recurrence, times, None, must_match=True)
        made = draft(
            {
                "subject": subject,
                "attendees": [one.json | {"type": "required"} for one in attendees],
                "showAs": intended if own else shown_as(response, intended),
                **values,
            },
            creating=True,
        )
        now = self.world.clock.now()
        event = Event(
            key=self.world.chance.randbytes(ids.KEY_BYTES),
            uid=uid or self.world.chance.randbytes(16),
            created=now,
            modified=now,
            change=self._new_change(),
            values=differing(made.values),
            when=times,
            recurrence=recurrence,
            organizer=organizer,
            response=("organizer" if attendees else "none") if own else response,
            intended=intended,
        )
        self._events[event.key] = event
        self._tell(CREATED, event)
        return event

    def copy(self, meeting: Event, organizer: Address, response: str = "notResponded") -> Event:
        """Put an attendee's copy of somebody's meeting here: the same meeting, an event of its own."""
        intended = meeting.values.get("showAs", "busy")
        show_as = shown_as(response, intended)
        event = replace(
            meeting,
            key=self.world.chance.randbytes(ids.KEY_BYTES),
            change=self._new_change(),
            values=meeting.values if show_as == intended else differing({**meeting.values, "showAs": show_as}),
            tags=None,
            transaction_id=None,
            organizer=organizer,
            response=response,
            intended=intended,
            altered=dict(meeting.altered),
        )
        self._events[event.key] = event
        self._tell(CREATED, event)
        return event

    def duplicate(self, found: Found) -> Event:
        """A copy of an event, a whole series or one date of it, as the person makes by copying and pasting."""
        event, day = found
        occurrence = self.seen(found)
        tags = occurrence.tags(inherited=True) if self.world.facts().copies_carry_tag else None
        now = self.world.clock.now()
        copy = replace(
            event,
            key=self.world.chance.randbytes(ids.KEY_BYTES),
            uid=self.world.chance.randbytes(16),
            created=now,
            modified=now,
            change=self._new_change(),
            tags=tags or None,
            transaction_id=None,
            altered=dict(event.altered),
        )
        if day is not None:
            values = {**event.values, **(occurrence.altered.values if occurrence.altered else {})}
            copy.values, copy.when, copy.recurrence = differing(values), occurrence.when, None
            copy.altered, copy.gaps = {}, frozenset()
        self._events[copy.key] = copy
        self._tell(CREATED, copy)
        return copy

    def edit(self, event_id: str, **values: Any) -> None:  # noqa: ANN401 - Graph's properties in Graph's form
        """The person changes an event: properties in Graph's names, as in a PATCH."""
        self.change(self.find(event_id), draft(values, creating=False))

    def move_occurrence(self, event_id: str, starts: datetime, ends: datetime | None = None) -> None:
        """The person drags an event to other times, instants both; without an end it keeps its length."""
        occurrence = self.seen(self.find(event_id))
        ends = ends or starts + (occurrence.ends - occurrence.starts)
        at = occurrence.when
        self.edit(
            event_id,
            start={"dateTime": _wall(starts, at.zone).isoformat(), "timeZone": at.zone},
            end={"dateTime": _wall(ends, at.end_zone).isoformat(), "timeZone": at.end_zone},
        )

    def move_series(self, event_id: str, at: time) -> None:
        """The person gives a whole series another time of day, in its own zone."""
        event = self.find(event_id).event
        starts = datetime.combine(event.when.starts.date(), at)
        ends = starts + (event.when.ends - event.when.starts)
        self.edit(
            self.id_of(event),
            start={"dateTime": starts.isoformat(), "timeZone": event.when.zone},
            end={"dateTime": ends.isoformat(), "timeZone": event.when.zone},
        )

    def delete_occurrence(self, event_id: str) -> None:
        """The person deletes one date of a series."""
        found = self.find(event_id)
        if found.day is None:
            raise ValueError("This is the id of an event, not of one date of a series.")
        self.remove(found)

    def delete_event(self, event_id: str) -> None:
        """The person deletes a single event, or a series with all its dates."""
        self.remove(Found(self.find(event_id).event, None))

    def set_working_hours(
        self,
        days: Iterable[str] = WEEKDAYS,
        starts: time = time(8),
        ends: time = time(17),
        zone: str | CustomZone | None = None,
    ) -> None:
        """The person says when they work, in the mailbox's zone unless another is given."""
        self.hours = WorkingHours(tuple(days), starts, ends, zone)


def _wall(at: datetime, zone_name: str) -> datetime:
    return at if at.tzinfo is None else at.astimezone(zone(zone_name)).replace(tzinfo=None)
