"""When a block comes back and when it begins: the forms that ``every``, ``day`` and ``at`` have in the file."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    PlainSerializer,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from holdfast.core.model import Monthly, NthWeekday, Position, Rule, Weekday, Weekly
from holdfast.core.recurrence import month_number, week_number
from holdfast.core.settings.fields import ClockTime, Section, not_empty, refuse
from holdfast.core.settings.problems import meant

CLOCKS_CHANGE = time(2), time(3)
"""What stands between the two exists twice in autumn and not at all in spring, in most zones."""

ONE_DAY, SEVERAL_DAYS, FIXED, CHOSEN = "one day", "several days", "one time of day", "a time of day to choose"
"""The forms of ``day`` and ``at``, as pydantic names them in the place of an error; they are no keys of the file."""

_LAST_DATE, _LONGEST_MONTH = 28, 31


class Unit(enum.StrEnum):
    """What a block's recurrence is counted in."""

    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Every:
    """How often a block comes back: every so many weeks or months."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.count} {self.unit}s" if self.count > 1 else self.unit.value


class Day(enum.StrEnum):
    """The days of a week that a block can stand on; the last two with ``weekend: true``."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


DayOf = Day | NthWeekday | int
"""A day that a block stands on: of the week, or of the month by its place or its date."""


@dataclass(frozen=True, slots=True)
class Quietest:
    """The time of day, between two, at which an audience has the fewest conflicts."""

    since: time
    until: time


def rules(every: Every, days: Sequence[DayOf], from_: date) -> tuple[Rule, ...]:
    """A rule for each day. Weeks and months are counted from those of ``from_``, so all days share them."""
    return tuple(_rule(every, day, from_) for day in days)


def _rule(every: Every, day: DayOf, from_: date) -> Rule:
    if isinstance(day, Day):
        return Weekly(Weekday[day.name], every.count, week_number(from_) % every.count)
    return Monthly(day, every.count, month_number(from_) % every.count)


def day_text(day: DayOf) -> str | int:
    """The day as it stands in the file."""
    return f"{day.position.name} {day.weekday.name}".lower() if isinstance(day, NthWeekday) else day


_EVERY = {
    str(every): every
    for unit, most in ((Unit.WEEK, 8), (Unit.MONTH, 6))
    for every in (Every(count, unit) for count in range(1, most + 1))
}
_EVERY_BY_OTHER_NAMES = {
    "1 week": "week",
    "weekly": "week",
    "fortnight": "2 weeks",
    "1 month": "month",
    "monthly": "month",
    "quarter": "3 months",
}
_PLACES = {"1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth"}
_WEEKEND = Day.SATURDAY, Day.SUNDAY
_BY_PLACE = {
    str(day_text(day)): day for position in Position for weekday in Weekday for day in (NthWeekday(position, weekday),)
}


def _every(value: object) -> Every:
    if isinstance(value, Every):
        return value
    if isinstance(value, str) and value in _EVERY:
        return _EVERY[value]
    raise refuse(
        "is not how often a block can come back",
        f"{_every_meant(value) if isinstance(value, str) else ''}"
        "Allowed: week, 2 weeks to 8 weeks, month, 2 months to 6 months",
    )


def _every_meant(value: str) -> str:
    """A hint, but none that would answer a number with another one."""
    known = {name: name for name in _EVERY} | _EVERY_BY_OTHER_NAMES
    if value in known:
        return meant(value, known)
    is_counted = re.match(r"[0-9]+ ", value)
    return meant(value, [name for name in _EVERY if not is_counted or name.startswith(is_counted[0])])


def _day(value: object, info: ValidationInfo) -> DayOf:
    every, weekend = info.data.get("every"), info.data.get("weekend", True)
    day = _as_day(value, every, weekend=weekend)
    if every is not None and isinstance(day, Day) is not (every.unit is Unit.WEEK):
        raise _unfit(day, every)
    if not weekend and (day in _WEEKEND or (isinstance(day, NthWeekday) and day.weekday >= Weekday.SATURDAY)):
        raise refuse(
            "is at the weekend, and learning belongs to working time",
            f"{_allowed(every, weekend=False)}; with weekend: true also saturday and sunday",
        )
    return day


def day_of_month(value: object) -> DayOf:
    """A working day that every month has, by its place or its date."""
    day = _as_day(value, Every(1, Unit.MONTH), weekend=False)
    if isinstance(day, Day):
        raise refuse("is a day of every week", f"Write first {day}, last {day} or a date from 1 to {_LAST_DATE}.")
    if isinstance(day, NthWeekday) and day.weekday >= Weekday.SATURDAY:
        raise refuse("is at the weekend", _allowed(Every(1, Unit.MONTH), weekend=False))
    return day


def _as_day(value: object, every: Every | None, *, weekend: bool) -> DayOf:
    if isinstance(value, NthWeekday):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return _as_date(value, every)
    text = value if isinstance(value, str) else ""
    if text in tuple(Day):
        return Day(text)
    if text in _BY_PLACE:
        return _BY_PLACE[text]
    place, _, name = text.partition(" ")
    if place in ("fifth", "5th") and name in tuple(Day):
        raise refuse("is a day that not every month has", f"Write last {name}.")
    if re.fullmatch("[0-9]{1,2}", text):
        raise refuse("is not a day", f"Write {text} without quotes.")
    known: list[str] = [] if every and every.unit is Unit.MONTH else list(Day)
    if not every or every.unit is Unit.MONTH:
        known += _BY_PLACE
    likely = f"{_PLACES[place]} {name}" if place in _PLACES else text
    raise refuse("is not a day", f"{meant(likely, known)}{_allowed(every, weekend=weekend)}")


def _as_date(value: int, every: Every | None) -> int:
    if every and every.unit is Unit.WEEK:
        raise _unfit(value, every)
    if _LAST_DATE < value <= _LONGEST_MONTH:
        raise refuse("is a date that not every month has", f"Write last friday, or a date up to {_LAST_DATE}.")
    if not 1 <= value <= _LAST_DATE:
        raise refuse("is not a date of the month", f"Allowed: 1 to {_LAST_DATE}")
    return value


def _unfit(day: DayOf, every: Every) -> Exception:
    if isinstance(day, Day):
        return refuse(
            f"is a day of the week, and every is {every}", f"Write first {day}, last {day} or a date from 1 to 28."
        )
    return refuse(
        f"is a day of the month, and every is {every}", "Write a day of the week, such as thursday, or every: month"
    )


def _allowed(every: Every | None, *, weekend: bool) -> str:
    days = tuple(Day) if weekend else tuple(Day)[: -len(_WEEKEND)]
    if every and every.unit is Unit.MONTH:
        first, last = days[0], days[-1]
        return f"Allowed: first {first} to fourth {last}, last {first} to last {last}, 1 to {_LAST_DATE}"
    return f"Allowed: {', '.join(days)}"


def _each_once(days: tuple[DayOf, ...]) -> tuple[DayOf, ...]:
    twice = next((day for position, day in enumerate(days) if day in days[:position]), None)
    if twice is not None:
        raise refuse(f"names {day_text(twice)} twice", "Name each day once.")
    return days


def _days_form(value: object) -> str:
    several = isinstance(value, (list, tuple)) and not isinstance(value, NthWeekday)
    return SEVERAL_DAYS if several else ONE_DAY


def _days_text(days: tuple[DayOf, ...]) -> str | int | list[str | int]:
    texts = [day_text(day) for day in days]
    return texts if len(texts) > 1 else texts[0]


_DAY_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": [*Day, *_BY_PLACE]},
        {"type": "integer", "minimum": 1, "maximum": _LAST_DATE},
    ]
}

EveryKey = Annotated[
    Every,
    PlainValidator(_every),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "enum": list(_EVERY)}),
]
MonthDay = Annotated[
    DayOf,
    PlainValidator(day_of_month),
    PlainSerializer(day_text, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": [name for name in _BY_PLACE if not name.endswith(_WEEKEND)]},
                _DAY_SCHEMA["anyOf"][1],
            ]
        }
    ),
]
_DayKey = Annotated[DayOf, PlainValidator(_day)]
_OneDay = Annotated[_DayKey, AfterValidator(lambda day: (day,))]
_Forms = Annotated[
    Annotated[_OneDay, Tag(ONE_DAY)]
    | Annotated[tuple[_DayKey, ...], AfterValidator(not_empty), AfterValidator(_each_once), Tag(SEVERAL_DAYS)],
    Discriminator(_days_form),
]
Days = Annotated[
    tuple[DayOf, ...],
    GetPydanticSchema(lambda _, handler: handler.generate_schema(_Forms)),
    PlainSerializer(_days_text, when_used="json"),
    WithJsonSchema(
        {"anyOf": [*_DAY_SCHEMA["anyOf"], {"type": "array", "items": _DAY_SCHEMA, "minItems": 1, "uniqueItems": True}]}
    ),
]


def _two(value: object) -> object:
    if isinstance(value, (list, tuple)) and len(value) == 2:  # noqa: PLR2004 - as its message says
        return value
    raise refuse("is not two times of day", 'Write the earliest and the latest: ["08:00", "16:00"]')


def _window(between: tuple[time, ...]) -> tuple[time, ...]:
    since, until = between
    runs = f"runs from {since:%H:%M} to {until:%H:%M}"
    if since >= until:
        raise refuse(runs, "Write the earlier time first.")
    if since < CLOCKS_CHANGE[1] and until > CLOCKS_CHANGE[0]:
        raise refuse(
            f"{runs}, over the hour that is missing or doubled when clocks change",
            "End by 02:00 or begin at 03:00 or later.",
        )
    return between


def _choose(value: object) -> Literal["quietest"]:
    if value == "quietest":
        return "quietest"
    hint = meant(value, ["quietest"]) if isinstance(value, str) else ""
    raise refuse("is not a way to choose a time", f"{hint}Allowed: quietest")


class Window(Section):
    """A time of day that Holdfast chooses for each audience."""

    between: Annotated[tuple[ClockTime, ...], BeforeValidator(_two), AfterValidator(_window)] = Field(
        description="The earliest time at which the block may begin and the latest at which it may end, within one day "
        "and clear of 02:00 to 03:00.",
        examples=[["08:00", "16:00"]],
        json_schema_extra={"minItems": 2, "maxItems": 2},
    )
    choose: Annotated[Literal["quietest"], BeforeValidator(_choose), WithJsonSchema({"const": "quietest"})] = Field(
        description="How the time is chosen: quietest, where the audience's calendars hold the fewest conflicts over "
        "the coming four weeks. It is then kept until asked for again.",
        examples=["quietest"],
    )


def _chosen(_: object, handler: GetCoreSchemaHandler) -> CoreSchema:
    return core_schema.no_info_after_validator_function(
        lambda window: Quietest(*window.between), handler.generate_schema(Window)
    )


def _at_form(value: object) -> str:
    return CHOSEN if isinstance(value, (dict, Quietest)) else FIXED


def _at_keys(value: object) -> object:
    if isinstance(value, Quietest):
        return {"between": (value.since, value.until), "choose": "quietest"}
    return value


def _at_text(at: time | Quietest) -> str | dict[str, Any]:
    if isinstance(at, Quietest):
        return {"between": [f"{at.since:%H:%M}", f"{at.until:%H:%M}"], "choose": "quietest"}
    return f"{at:%H:%M}"


At = Annotated[
    Annotated[ClockTime, Tag(FIXED)]
    | Annotated[Quietest, GetPydanticSchema(_chosen), BeforeValidator(_at_keys), Tag(CHOSEN)],
    Discriminator(_at_form),
    PlainSerializer(_at_text, when_used="json"),
]
