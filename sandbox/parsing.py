"""From a request body to what it asks of an event: names and types checked, values in the form Graph keeps them in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sandbox.errors import GraphError, bad_body, bad_request, invalid
from sandbox.event import DEFAULT_LOCATION, DEFAULTS, When
from sandbox.recurrence import Recurrence, has_a_date
from sandbox.schema import CASELESS_ENUMS, ENUMS, TYPES, Property, Writable
from sandbox.texts import as_html
from sandbox.zones import zone

MOST_ATTENDEES = 500
MOST_OCCURRENCES = 999
"""Outlook's own limit for numbered ranges (unconfirmed for Graph, §3.2 of the notes)."""

NOBODY_ANSWERED = {"response": "none", "time": "0001-01-01T00:00:00Z"}

_PRIMITIVES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "int32": (int,),
    "double": (int, float),
    "date": (str,),
}
_TAG_ID = re.compile(
    r"(?P<type>[A-Za-z]+) \{?(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}? "
    r"(?P<kind>Name|Id) (?P<name>\S.*)"
)
_TAG_TYPES = {
    name.lower(): name
    for name in ("Binary", "Boolean", "CLSID", "Currency", "Double", "Float", "Integer", "Long", "Short", "String")
} | {"systemtime": "SystemTime"}


class Moment(NamedTuple):
    """A ``dateTimeTimeZone`` as sent."""

    at: datetime
    zone: str


class Absent:
    """The type of ``ABSENT``."""


ABSENT = Absent()
"""Not mentioned in a request, which is not the same as null."""


@dataclass(slots=True)
class Draft:
    """What a request wants an event to be. Whatever it does not mention stays as it is."""

    values: dict[str, Any] = field(default_factory=dict)
    start: Moment | None = None
    end: Moment | None = None
    recurrence: Mapping[str, Any] | Absent | None = ABSENT
    tags: dict[str, str | None] = field(default_factory=dict)
    transaction_id: str | None = None

    @property
    def retimes(self) -> bool:
        """Whether it touches when the event is, or how it recurs."""
        return self.start is not None or self.end is not None or self.recurrence is not ABSENT


def draft(body: object, *, creating: bool) -> Draft:
    """What the body of a POST or PATCH asks for. Raises a 400 for anything Graph has no such property or value for."""
    checked = _checked("event", body, "event", Writable.ON_CREATE if creating else Writable.ALWAYS)
    made = Draft()
    for name, value in checked.items():
        if name in ("start", "end"):
            setattr(made, name, moment(value, name))
        elif name == "recurrence":
            made.recurrence = value
        elif name == "singleValueExtendedProperties":
            made.tags = _tags(value)
        elif name == "transactionId":
            made.transaction_id = value
        elif name == "location":
            made.values["location"] = _location(value)
            made.values["locations"] = [made.values["location"]] if value else []
        elif name == "locations":
            made.values["locations"] = [_location(one) for one in value]
            made.values["location"] = made.values["locations"][0] if value else DEFAULT_LOCATION
        else:
            normal = _NORMAL.get(name)
            made.values[name] = DEFAULTS[name] if value is None else normal(value) if normal else value
    return made


def when(made: Draft, now: When | None) -> When:
    """The times that a draft leads to, from those an event has. Raises a 400 where they make no event."""
    start = made.start or (now and Moment(now.starts, now.zone))
    end = made.end or (now and Moment(now.ends, now.end_zone))
    if start is None or end is None:
        raise invalid("An event needs a start and an end.")
    return When(start.at, end.at, start.zone, end.zone)


def check_times(times: When, *, all_day: bool) -> None:
    """Raises a 400 where the end comes before the start, or a whole day is none."""
    if times.ends_at < times.starts_at:
        raise invalid("The end of an event cannot be earlier than its start.")
    if all_day:
        midnight = all(at == datetime.combine(at.date(), datetime.min.time()) for at in (times.starts, times.ends))
        if not midnight or times.zone != times.end_zone or times.ends == times.starts:
            raise bad_request("An all-day event starts and ends at midnight, in one time zone.", "ErrorInvalidRequest")


def rule(asked: Mapping[str, Any], times: When, before: Recurrence | None, *, must_match: bool) -> Recurrence:
    """The recurrence that a ``patternedRecurrence`` stands for, in a series at these times.

    A part that is not mentioned is as it was ``before``. ``must_match`` refuses a ``startDate`` other than the start's.
    """
    had = recurrence_json(before) if before else {}
    pattern, range_ = (asked.get(part) or had.get(part) for part in ("pattern", "range"))
    if pattern is None or range_ is None:
        raise invalid("A recurrence needs a pattern and a range.")
    made = _rule(pattern, range_, times)
    if must_match and made.starts_on != times.starts.date():
        raise invalid("The range's startDate must be the date of the event's start.")
    if not has_a_date(made):
        raise GraphError(400, "ErrorRecurrenceHasNoOccurrence", "The recurrence has no occurrence in its range.")
    return made


def recurrence_json(made: Recurrence) -> dict[str, Any]:
    """A recurrence as Graph answers it, defaults of unused values included (§3.1 and §3.2 of the notes)."""
    return {
        "pattern": {
            "type": made.type,
            "interval": made.interval,
            "month": made.month,
            "dayOfMonth": made.day_of_month,
            "daysOfWeek": list(made.days),
            "firstDayOfWeek": made.first_day,
            "index": made.index,
        },
        "range": {
            "type": made.range_type,
            "startDate": made.starts_on.isoformat(),
            "endDate": made.ends_on.isoformat() if made.ends_on else "0001-01-01",
            "recurrenceTimeZone": made.zone,
            "numberOfOccurrences": made.count,
        },
    }


def tag_id(text: str) -> str:
    """The id of an extended property in its one form: only the name in it is case-sensitive (§1.6). Raises a 400."""
    found = _TAG_ID.fullmatch(text)
    type_ = _TAG_TYPES.get(found["type"].removesuffix("Array").lower()) if found else None
    if found is None or type_ is None:
        raise bad_request(f"'{text}' is not the id of an extended property.", "ErrorInvalidProperty")
    return f"{type_} {{{found['guid'].lower()}}} {found['kind']} {found['name']}"


def _rule(pattern: Mapping[str, Any], range_: Mapping[str, Any], times: When) -> Recurrence:
    kind = pattern.get("type")
    interval = pattern.get("interval")
    days = tuple(dict.fromkeys(pattern.get("daysOfWeek") or ()))
    day_of_month, month = pattern.get("dayOfMonth") or 0, pattern.get("month") or 0
    if kind is None or interval is None or not 1 <= interval <= 999:
        raise invalid("A recurrence pattern needs a type and an interval of at least one.")
    if kind in ("weekly", "relativeMonthly", "relativeYearly") and not days:
        raise invalid(f"A {kind} pattern needs daysOfWeek.")
    if not (0 <= day_of_month <= 31 and 0 <= month <= 12):
        raise invalid("There is no such day or month.")
    if kind.startswith("absolute") and not day_of_month:
        raise invalid(f"A {kind} pattern needs dayOfMonth.")
    if kind.endswith("Yearly") and not month:
        raise invalid(f"A {kind} pattern needs month.")
    ends = range_.get("type")
    starts_on = range_.get("startDate")
    if ends is None or starts_on is None:
        raise invalid("A recurrence range needs a type and a startDate.")
    count = range_.get("numberOfOccurrences") or 0
    if ends == "numbered" and not 1 <= count <= MOST_OCCURRENCES:
        raise invalid(f"A numbered range has one to {MOST_OCCURRENCES} occurrences.")
    ends_on = _date(range_.get("endDate"), "endDate") if ends == "endDate" else None
    if ends == "endDate" and ends_on is None:
        raise invalid("A range of type endDate needs an endDate.")
    first = _date(starts_on, "startDate")
    if first is None or (ends_on is not None and ends_on < first):
        raise GraphError(400, "ErrorRecurrenceEndDateTooBig", "The range ends before it starts.")
    named = range_.get("recurrenceTimeZone") or times.zone
    zone(named)
    return Recurrence(
        type=kind,
        interval=interval,
        days=days if not kind.startswith(("absolute", "daily")) else (),
        first_day=pattern.get("firstDayOfWeek") or "sunday",
        index=(pattern.get("index") or "first") if kind.startswith("relative") else "first",
        day_of_month=day_of_month if kind.startswith("absolute") else 0,
        month=month if kind.endswith("Yearly") else 0,
        range_type=ends,
        starts_on=first,
        ends_on=ends_on,
        count=count if ends == "numbered" else 0,
        zone=named,
    )


def _checked(type_name: str, value: object, path: str, writing: Writable) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_body(f"The value of '{path}' is not an object of type 'microsoft.graph.{type_name}'.")
    known = TYPES[type_name]
    made = {}
    for name, given in value.items():
        if "@odata." in name:
            continue
        wanted = known.get(name)
        if wanted is None:
            raise bad_body(
                f"The property '{name}' does not exist on type 'microsoft.graph.{type_name}'. "
                "Make sure to only use property names that are defined by the type."
            )
        if wanted.writable is not Writable.ALWAYS and wanted.writable is not writing:
            raise bad_request(f"Set action is invalid for property '{path}/{name}'.", "ErrorInvalidPropertySet")
        made[name] = typed(wanted, given, f"{path}/{name}", writing)
    return made


def typed(wanted: Property, given: object, path: str, writing: Writable) -> Any:  # noqa: ANN401 - JSON is what it is
    """A value of a type, checked; names of its properties too. Raises a 400 for what does not fit."""
    if given is None and not wanted.many:
        return None
    if wanted.many:
        if not isinstance(given, list):
            raise bad_body(f"The value of '{path}' is not an array.")
        return [typed(Property(wanted.type), one, path, writing) for one in given]
    if wanted.type in TYPES:
        return _checked(wanted.type, given, path, writing)
    values = ENUMS.get(wanted.type)
    if values is not None:
        text = given.lower() if isinstance(given, str) and wanted.type in CASELESS_ENUMS else given
        if text not in values:
            raise bad_body(f"The value '{given}' of '{path}' is not one of microsoft.graph.{wanted.type}.")
        return text
    if not isinstance(given, _PRIMITIVES[wanted.type]) or (isinstance(given, bool) and wanted.type != "boolean"):
        raise bad_body(f"Cannot convert the value of '{path}' to the type '{wanted.type}'.")
    if wanted.type == "date":
        _date(str(given), path)
    return given


def _date(text: str | None, path: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise bad_body(f"'{text}' in '{path}' is not a date.") from error


def moment(value: Mapping[str, Any] | None, name: str) -> Moment:
    """A ``dateTimeTimeZone`` that has been checked. Raises a 400 for a zone or a time that is none."""
    text, named = (value or {}).get("dateTime"), (value or {}).get("timeZone")
    if text is None or named is None:
        raise invalid(f"'{name}' needs a dateTime and a timeZone.")
    zone(named)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad_body(f"'{text}' in '{name}' is not a date and time.") from error
    if at.tzinfo is not None:
        raise invalid(f"The dateTime of '{name}' is a wall-clock time: no offset beside a timeZone.")
    return Moment(at, named)


def _tags(values: list[Mapping[str, Any]]) -> dict[str, str | None]:
    made = {}
    for one in values:
        if one.get("id") is None:
            raise invalid("An extended property needs an id.")
        made[tag_id(one["id"])] = one.get("value")
    return made


def _body(value: Mapping[str, Any]) -> dict[str, Any]:
    content = value.get("content") or ""
    return {"contentType": "html", "content": as_html(content, plain=value.get("contentType", "text") != "html")}


def _location(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if not value:
        return DEFAULT_LOCATION
    name = value.get("displayName") or ""
    made = {"displayName": name, "locationType": "default", "uniqueId": name, "uniqueIdType": "private"}
    return made | {key: one for key, one in value.items() if one is not None}


def _attendees(values: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if len(values) > MOST_ATTENDEES:
        raise bad_request(f"An event has at most {MOST_ATTENDEES} attendees.", "ErrorInvalidRequest")
    made = []
    for one in values:
        given = one.get("emailAddress") or {}
        address = given.get("address")
        if not address:
            raise invalid("An attendee needs an address.")
        made.append(
            {
                "type": one.get("type") or "required",
                "status": NOBODY_ANSWERED,
                "emailAddress": {"name": given.get("name") or address, "address": address},
            }
        )
    return made


_NORMAL: dict[str, Callable[[Any], Any]] = {
    "body": _body,
    "attendees": _attendees,
    "categories": lambda value: [one for one in value if one],
}
