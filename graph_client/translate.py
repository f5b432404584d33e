"""Between Graph's JSON and our values, both ways and without asking anybody anything.

What is written is what msgraph-sdk's typed models serialise to, which ``tests/contract`` holds; what is read may be
anything, and what is not understood raises ``Unexpected``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from typing import Any, TypeVar

from holdfast.core import tag as tags
from holdfast.core import zones
from holdfast.core.errors import Unexpected
from holdfast.core.model import (
    ActualSeries,
    Created,
    DesiredSeries,
    EventLook,
    FreeBusy,
    Meeting,
    Monthly,
    NthWeekday,
    Occurrence,
    Person,
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

Value = TypeVar("Value")

SERIES_MASTER = "seriesMaster"
EXCEPTION = "exception"
_SINGLE = "singleInstance"
_GUEST = "guest"
_NORMAL = "normal"
_NOON = timedelta(hours=12)
_TAKES_TIME = frozenset({ShowAs.TENTATIVE, ShowAs.BUSY, ShowAs.ELSEWHERE, ShowAs.UNKNOWN})

_OF_PATTERN = {
    "daily": (),
    "weekly": ("daysOfWeek", "firstDayOfWeek"),
    "absoluteMonthly": ("dayOfMonth",),
    "relativeMonthly": ("daysOfWeek", "index"),
    "absoluteYearly": ("dayOfMonth", "month"),
    "relativeYearly": ("daysOfWeek", "index", "month"),
}
"""What a pattern needs besides its type and interval (``resources/recurrencepattern.md``).

Of all types, because people may give a series of ours another one.
"""


def understood(read: Callable[[Any], Value], raw: Any) -> Value:  # noqa: ANN401 - JSON is what it is
    """What ``read`` makes of a piece of JSON. Raises ``Unexpected`` where it is not what Graph's reference says."""
    try:
        return read(raw)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unexpected(
            f"Graph answered something that is not understood ({type(error).__name__}: {error})."
        ) from error


def event(series: DesiredSeries, tag: Tag, transaction_id: str) -> dict[str, Any]:
    """The event to create: a series in the slot's own zone, so that it keeps its time over clock changes.

    Its ``start`` is the first date of the rule, from which Graph counts every other week or month. Without attendees,
    so that no change of it ever sends a mail. Zones go by their Windows names, ``firstDayOfWeek`` is always said and
    ``startDate`` is the date of ``start`` (``resources/recurrencepattern.md`` and ``resources/recurrencerange.md``).
    """
    slot = series.slot
    zone = zones.windows(slot.zone)
    return {
        **one_event(series, tag, series.first, transaction_id),
        "recurrence": {
            "pattern": pattern(slot.rule),
            "range": {
                "type": "endDate",
                "startDate": series.first.isoformat(),
                "endDate": series.last.isoformat(),
                "recurrenceTimeZone": zone,
            },
        },
    }


def one_event(series: DesiredSeries, tag: Tag, day: date, transaction_id: str) -> dict[str, Any]:
    """The event to create for one day of a series, without attendees."""
    return {
        **words(series, tag),
        **hours(series.slot, day),
        "showAs": "busy",
        "isReminderOn": True,
        "responseRequested": False,
        "allowNewTimeProposals": False,
        "transactionId": transaction_id,
    }


def hours(slot: Slot, day: date) -> dict[str, Any]:
    """The slot's begin and end on a day."""
    zone = zones.windows(slot.zone)
    starts = datetime.combine(day, slot.at)
    ends = starts + timedelta(minutes=slot.minutes)
    return {
        "start": {"dateTime": starts.isoformat(), "timeZone": zone},
        "end": {"dateTime": ends.isoformat(), "timeZone": zone},
    }


def ended(raw: Mapping[str, Any], last: date, tag: Tag) -> dict[str, Any]:
    """The change that ends a series' recurrence after ``last``, all else of it as it was read, and writes the tag.

    Without the values that Graph answers for what the pattern's type does not use: it would check them all the same.
    """
    pattern, span = raw["recurrence"]["pattern"], raw["recurrence"]["range"]
    used = {name: pattern[name] for name in ("type", "interval", *_OF_PATTERN[pattern["type"]])}
    ends = {
        "type": "endDate",
        "startDate": span["startDate"],
        "endDate": last.isoformat(),
        "recurrenceTimeZone": span["recurrenceTimeZone"],
    }
    return {"recurrence": {"pattern": used, "range": ends}, **mark(tag)}


def pattern(rule: Rule) -> dict[str, Any]:
    """Graph's pattern for a rule, with no more than its type needs: the rest would be validated all the same."""
    match rule:
        case Weekly(weekday, interval):
            return {
                "type": "weekly",
                "interval": interval,
                "daysOfWeek": [weekday.name.lower()],
                "firstDayOfWeek": "monday",
            }
        case Monthly(NthWeekday(position, weekday), interval):
            return {
                "type": "relativeMonthly",
                "interval": interval,
                "daysOfWeek": [weekday.name.lower()],
                "index": position.name.lower(),
            }
        case Monthly(day, interval):
            return {"type": "absoluteMonthly", "interval": interval, "dayOfMonth": day}


def words(series: DesiredSeries, tag: Tag) -> dict[str, Any]:
    """The change that gives a series master new words and a new tag, and leaves its time and recurrence alone."""
    return {
        "subject": series.subject,
        "body": {"contentType": "html", "content": series.body},
        "categories": [series.category],
        "reminderMinutesBeforeStart": series.reminder,
        **mark(tag),
    }


def body(html: str, tag: Tag) -> dict[str, Any]:
    """The change that gives a series master another body, and its tag."""
    return {"body": {"contentType": "html", "content": html}, **mark(tag)}


def mark(tag: Tag) -> dict[str, Any]:
    """The change that writes the tag alone."""
    return {"singleValueExtendedProperties": [{"id": tags.PROPERTY_ID, "value": tags.text(tag)}]}


def created(raw: Mapping[str, Any]) -> Created:
    """The answer to a create."""
    return Created(raw["id"], raw["@odata.etag"])


def series_master(raw: Mapping[str, Any]) -> ActualSeries | None:
    """A series of ours, or None for an event that is no series or whose tag no version of ours has written."""
    tag = _tag(raw)
    if tag is None or raw["type"] != SERIES_MASTER:
        return None
    return ActualSeries(
        event_id=raw["id"],
        etag=raw["@odata.etag"],
        tag=tag,
        created=_instant(raw["createdDateTime"]),
        range_ends=_range_ends(raw),
        starts=_zoned(raw["start"]),
        zone=_recurs_in(raw),
    )


def single(raw: Mapping[str, Any]) -> Single | None:
    """An event of ours that stands for one date, or None for any other: a copy of a date has its series' tag."""
    tag = _tag(raw)
    if tag is None or raw["type"] != _SINGLE or tag.first != tag.last:
        return None
    return Single(tag, _instant(raw["createdDateTime"]), occurrence(raw))


def absence(raw: Mapping[str, Any]) -> Stretch | None:
    """When somebody is out of office, or None for an event that says nothing of it.

    Whole days have no zone and come as midnights in UTC, which are part of another day in most zones: noon is not.
    """
    if ShowAs(raw["showAs"]) is not ShowAs.OUT_OF_OFFICE:
        return None
    starts, ends = _zoned(raw["start"]), _zoned(raw["end"])
    if starts.time() == ends.time() == time.min:
        return Stretch(starts + _NOON, ends - _NOON)
    return Stretch(starts, ends)


def view(rows: Iterable[Mapping[str, Any]], ours: Collection[str]) -> View:
    """A stretch of a calendar: the dates of the series with the ids ``ours``, and what else takes up its owner's time.

    All-day events that are not an absence take up no time: birthdays, reminders, a fair that goes on somewhere.
    """
    dates: dict[str, list[Occurrence]] = {event_id: [] for event_id in ours}
    meetings: list[Meeting] = []
    away: list[Stretch] = []
    for raw in rows:
        series_id = raw.get("seriesMasterId")
        if series_id in dates:
            dates[series_id].append(occurrence(raw))
        elif (absent := absence(raw)) is not None:
            away.append(absent)
        elif takes_time(raw):
            meetings.append(meeting(raw))
    in_order = {event_id: tuple(sorted(found, key=attrgetter("starts"))) for event_id, found in dates.items()}
    return View(in_order, tuple(meetings), tuple(away))


def takes_time(raw: Mapping[str, Any]) -> bool:
    """Whether an event takes up its owner's time, absences aside."""
    return ShowAs(raw["showAs"]) in _TAKES_TIME and not raw["isAllDay"] and not raw["isCancelled"]


def meeting(raw: Mapping[str, Any]) -> Meeting:
    """An event that may be somebody else's. Where it does not say whether its organiser wants to hear, they do."""
    organizer = ((raw.get("organizer") or {}).get("emailAddress") or {}).get("address") or ""
    response = (raw.get("responseStatus") or {}).get("response") or Response.NONE
    return Meeting(
        event_id=raw["id"],
        series_id=raw.get("seriesMasterId"),
        time=Stretch(_zoned(raw["start"]), _zoned(raw["end"])),
        organizer=organizer.lower(),
        response=Response(response),
        is_own=raw["isOrganizer"],
        is_private=raw["sensitivity"] != _NORMAL,
        asks=raw["responseRequested"] is not False,
        hears=raw["allowNewTimeProposals"] is True,
    )


def foreign(raw: Mapping[str, Any]) -> Meeting | None:
    """An event on one date without a tag of ours; None for others."""
    return None if raw["type"] == SERIES_MASTER or _tag(raw) else meeting(raw)


def answer(comment: str | None, proposed: Stretch | None) -> dict[str, Any]:
    """What goes with declining an invitation; with a comment its organiser is told (``api/event-decline.md``)."""
    body: dict[str, Any] = {"sendResponse": comment is not None}
    if comment is not None:
        body["comment"] = comment
    if proposed is not None:
        body["proposedNewTime"] = {name: _utc(at) for name, at in zip(("start", "end"), proposed, strict=True)}
    return body


def _utc(at: datetime) -> dict[str, str]:
    return {"dateTime": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


def look(raw: Mapping[str, Any]) -> EventLook:
    """One event, whether ours or not."""
    return EventLook(
        event_id=raw["id"],
        etag=raw["@odata.etag"],
        is_series=raw["type"] == SERIES_MASTER,
        tag=_tag(raw),
        transaction_id=raw.get("transactionId"),
        starts=_zoned(raw["start"]),
        range_ends=_range_ends(raw),
    )


def occurrences(raw: Iterable[Mapping[str, Any]]) -> list[Occurrence]:
    """Dates of a series."""
    return [occurrence(one) for one in raw]


def occurrence(raw: Mapping[str, Any]) -> Occurrence:
    """One date of a series."""
    starts = _zoned(raw["start"])
    original = raw.get("originalStart")
    return Occurrence(
        raw["id"],
        starts,
        _zoned(raw["end"]),
        _instant(original) if original else starts,
        raw["type"] == EXCEPTION,
        ShowAs(raw["showAs"]),
    )


def purpose(raw: Mapping[str, Any]) -> Purpose:
    """What a mailbox is for; a purpose that is not known is ``OTHERS``, so that nothing is put there."""
    value = raw["value"]
    if not isinstance(value, str):
        raise TypeError("userPurpose")
    try:
        return Purpose(value.lower())
    except ValueError:
        return Purpose.OTHERS


def working_hours(raw: Mapping[str, Any]) -> WorkingHours | None:
    """When a person works, or None where the mailbox says nothing of it."""
    if not raw.get("daysOfWeek") or not raw.get("startTime") or not raw.get("endTime"):
        return None
    return WorkingHours(
        days=frozenset(Weekday[day.upper()] for day in raw["daysOfWeek"]),
        starts=_time_of_day(raw["startTime"]),
        ends=_time_of_day(raw["endTime"]),
        zone=_zone_named((raw.get("timeZone") or {}).get("name")),
    )


def free_busy(raw: Mapping[str, Any], since: datetime, step: timedelta) -> list[FreeBusy]:
    """How free people are, of those whom Graph knows: for others it gives an error in their place."""
    return [
        FreeBusy(since, step, one["availabilityView"], working_hours(one.get("workingHours") or {}))
        for one in raw["value"]
        if not one.get("error")
    ]


def zone(raw: Mapping[str, Any]) -> str | None:
    """The mailbox's zone by its IANA name, or None for one that has no name."""
    return _zone_named(raw["value"])


def person(raw: Mapping[str, Any]) -> Person | None:
    """An account, or None where the app may see that it exists but not whether it is enabled.

    Graph answers nulls for what an app may not read (``concepts/permissions-overview.md``), which must not pass for an
    account without an address or one that is switched on.
    """
    address, enabled = raw.get("userPrincipalName"), raw.get("accountEnabled")
    if address is None or enabled is None:
        return None
    mail = raw.get("mail") or None
    return Person(
        id=raw["id"],
        name=raw.get("displayName") or address,
        mail=address if mail == address else mail,  # one text where both are the same, as they nearly always are
        user_principal_name=address,
        enabled=enabled is True,
        guest=(raw.get("userType") or "").lower() == _GUEST,
    )


def _tag(raw: Mapping[str, Any]) -> Tag | None:
    for kept in raw.get("singleValueExtendedProperties") or ():
        if kept["id"].lower() == tags.PROPERTY_ID.lower():
            return tags.parse(kept["value"])
    return None


def _range_ends(raw: Mapping[str, Any]) -> date | None:
    """The last date of a recurrence that ends on a date; None for one that never ends or was made to end by a count."""
    recurrence = raw.get("recurrence")
    if not recurrence or recurrence["range"]["type"] != "endDate":
        return None
    return date.fromisoformat(recurrence["range"]["endDate"])


def _recurs_in(raw: Mapping[str, Any]) -> str | None:
    recurrence = raw.get("recurrence")
    return _zone_named(recurrence["range"].get("recurrenceTimeZone")) if recurrence else None


def _zone_named(name: str | None) -> str | None:
    """The IANA name of a zone; None for none, and for a customized one (``tzone://Microsoft/Custom``)."""
    if not name:
        return None
    try:
        return zones.iana(name)
    except zones.UnknownZone:
        return None


def _time_of_day(text: str) -> time:
    """A time of day, which Graph gives with seven digits of a second."""
    return time.fromisoformat(text[:8])


def _zoned(raw: Mapping[str, Any]) -> datetime:
    """A ``dateTimeTimeZone``, which Graph gives in UTC unless asked otherwise, with seven digits of a second."""
    if raw["timeZone"] != "UTC":
        raise ValueError(raw["timeZone"])
    return _in_utc(raw["dateTime"])


@functools.lru_cache(maxsize=4096)
def _in_utc(text: str) -> datetime:
    """Kept, because a block stands at the same times in most calendars."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@functools.lru_cache(maxsize=4096)
def _instant(text: str) -> datetime:
    """Kept for the same reason."""
    return datetime.fromisoformat(text).astimezone(UTC)
