"""From an event to Graph's JSON, with the properties that were asked for and no others."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from sandbox.event import Event, Occurrence
from sandbox.mailbox import Mailbox
from sandbox.parsing import recurrence_json
from sandbox.schema import EVENT_PROPERTIES, NEVER_IN_VIEW_SELECT, NOT_IN_BASIC, ONLY_SELECTED
from sandbox.texts import PREVIEW, as_text
from sandbox.zones import UTC_NAME, zone

_UID_HEAD = "040000008200E00074C5B7101A82E008"

DEFAULT_PROPERTIES = tuple(name for name in EVENT_PROPERTIES if name not in ONLY_SELECTED)


class Shape(NamedTuple):
    """What a request wants to see of events: properties besides the id and the ETag, which always come.

    ``expand`` is the id of the extended property to show.
    """

    names: tuple[str, ...]
    expand: str | None
    zone: str
    plain_text: bool
    immutable_ids: bool


@lru_cache(maxsize=1024)
def properties(select: tuple[str, ...] | None, *, is_view: bool, basic: bool) -> tuple[str, ...]:
    """The properties to answer, besides those that always come.

    ``basic`` is for an application with Calendars.ReadBasic alone.
    """
    left_out = {"id"}
    if basic:
        left_out |= NOT_IN_BASIC
    if is_view and select is not None:
        left_out |= NEVER_IN_VIEW_SELECT | ONLY_SELECTED
    names = DEFAULT_PROPERTIES if select is None else select
    return tuple(name for name in dict.fromkeys(names) if name not in left_out)


@dataclass(frozen=True, slots=True)
class Seen:
    """One event on its way to JSON. ``master`` says that it was asked for as the series it is."""

    mailbox: Mailbox
    what: Occurrence
    master: bool
    shape: Shape
    occurrences_carry_tag: bool = True

    @property
    def event(self) -> Event:
        """The single event or the master behind it."""
        return self.what.event

    def json(self) -> dict[str, Any]:
        """As Graph answers it."""
        made: dict[str, Any] = {"@odata.etag": etag(self.event), "id": self.event_id}
        for name in self.shape.names:
            compute = _COMPUTED.get(name)
            if compute is None:
                made[name] = self.what.value(name)
                continue
            value = compute(self)
            if value is not _LEFT_OUT:
                made[name] = value
        if self.shape.expand is not None:
            self._expand(made, self.shape.expand)
        return made

    @property
    def event_id(self) -> str:
        """Its id in the form that was asked for."""
        slot = self.what.slot
        return self.mailbox.id_of(self.event, slot.day if slot else None, immutable=self.shape.immutable_ids)

    def _expand(self, made: dict[str, Any], tag: str) -> None:
        value = self.what.tags(inherited=self.occurrences_carry_tag).get(tag)
        if value is not None:
            made["singleValueExtendedProperties"] = [{"id": tag, "value": value}]

    def time(self, which: str) -> dict[str, str]:
        """A time in the zone that was asked for; whole days have no zone and stay midnight."""
        named = self.shape.zone
        if self.what.value("isAllDay"):
            return {"dateTime": wall_text(getattr(self.what.when, which)), "timeZone": named}
        return zoned(getattr(self.what, which), named)


def etag(event: Event) -> str:
    """The ETag of an event; the dates of a series share the master's, as they are one item in Exchange."""
    return f'W/"{change_key(event)}"'


def change_key(event: Event) -> str:
    """Graph's ``changeKey``: new at every write."""
    return base64.b64encode(b"\x0f\x01" + event.change.to_bytes(7, "big") + event.key[:6]).decode()


def wall_text(at: datetime) -> str:
    """A wall-clock time in Graph's form: seven digits of a second and no offset."""
    return f"{at.isoformat()[:19]}.{at.microsecond:06d}0"


def zoned(at: datetime, named: str) -> dict[str, str]:
    """An instant as a ``dateTimeTimeZone`` in a zone of this name."""
    return {"dateTime": wall_text(at if named == UTC_NAME else at.astimezone(zone(named))), "timeZone": named}


def instant_text(at: datetime) -> str:
    """An instant in Graph's form."""
    return f"{wall_text(at.astimezone(UTC))}Z"


_LEFT_OUT = object()


def _type(seen: Seen) -> str:
    return "seriesMaster" if seen.master else seen.what.type


def _transaction_id(seen: Seen) -> object:
    return _LEFT_OUT if seen.event.transaction_id is None or seen.what.slot else seen.event.transaction_id


def _series_master_id(seen: Seen) -> str | None:
    return None if seen.what.slot is None else seen.mailbox.id_of(seen.event, immutable=seen.shape.immutable_ids)


def _original_start(seen: Seen) -> object:
    slot, altered = seen.what.slot, seen.what.altered
    if slot is None:
        return _LEFT_OUT
    moved = altered is not None and altered.when is not None
    at = slot.starts if not moved or seen.mailbox.world.facts().original_start_is_the_slot else seen.what.starts
    return f"{at.replace(tzinfo=None).isoformat()}Z"


def _cancelled(seen: Seen) -> object:
    if not seen.master:
        return _LEFT_OUT
    master = seen.event_id
    return [f"OID.{master}.{day.isoformat()}" for day in sorted(seen.event.gaps)]


def _recurrence(seen: Seen) -> dict[str, Any] | None:
    return recurrence_json(seen.event.recurrence) if seen.master and seen.event.recurrence else None


def _body(seen: Seen) -> Mapping[str, Any]:
    body: Mapping[str, Any] = seen.what.value("body")
    return {"contentType": "text", "content": as_text(body["content"])} if seen.shape.plain_text else body


def _icaluid(seen: Seen) -> str:
    slot = seen.what.slot
    day = f"{slot.day.year:04X}{slot.day.month:02X}{slot.day.day:02X}" if slot else "00000000"
    return f"{_UID_HEAD}{day}{seen.event.uid.hex().upper()}"


def _response(seen: Seen) -> dict[str, str]:
    return {"response": seen.what.response, "time": "0001-01-01T00:00:00Z"}


_COMPUTED: dict[str, Callable[[Seen], object]] = {
    "createdDateTime": lambda seen: instant_text(seen.event.created),
    "lastModifiedDateTime": lambda seen: instant_text(seen.event.modified),
    "changeKey": lambda seen: change_key(seen.event),
    "transactionId": _transaction_id,
    "originalStartTimeZone": lambda seen: seen.what.when.zone,
    "originalEndTimeZone": lambda seen: seen.what.when.end_zone,
    "iCalUId": _icaluid,
    "bodyPreview": lambda seen: as_text(seen.what.value("body")["content"])[:PREVIEW],
    "isOrganizer": lambda seen: seen.event.organizer is None,
    "seriesMasterId": _series_master_id,
    "type": _type,
    "webLink": lambda seen: f"https://outlook.example/owa/?itemid={quote(seen.event_id, safe='')}&exvsurl=1",
    "originalStart": _original_start,
    "cancelledOccurrences": _cancelled,
    "recurrence": _recurrence,
    "responseStatus": _response,
    "body": _body,
    "start": lambda seen: seen.time("starts"),
    "end": lambda seen: seen.time("ends"),
    "organizer": lambda seen: (seen.event.organizer or seen.mailbox.owner).json,
}
