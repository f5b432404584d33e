"""Days without learning time, as the settings name them: a country, a part of it, and closed periods."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from holdfast.core import holidays
from holdfast.core.settings.fields import Line, Section, calendar_date, refuse
from holdfast.core.settings.problems import meant

_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LONGEST = timedelta(days=366)


def _country(value: object) -> str:
    known = holidays.countries()
    if isinstance(value, str) and value in known:
        return value
    names = {name: code for code, others in known.items() for name in (code, *others)}
    hint = meant(value.replace(" ", ""), names) if isinstance(value, str) else ""
    raise refuse("is not a country whose holidays are known", f"{hint}Write its two letters by ISO 3166-1, such as SE.")


def _subdivision(value: str, info: ValidationInfo) -> str:
    if "country" not in info.data:
        return value
    country: str | None = info.data["country"]
    if country is None:
        raise refuse("is a part of no country", "Write the country too, such as country: SE")
    known = holidays.subdivisions(country)
    if value in known:
        return value
    if not known:
        raise refuse(f"is not a part of {country}", f"{country} has the same holidays everywhere: leave it out.")
    names = {name: code for code, others in known.items() for name in (code, f"{country}-{code}", *others)}
    raise refuse(f"is not a part of {country}", f"{meant(value, names)}Allowed: {', '.join(known)}")


def _closed(value: object) -> tuple[date, date]:
    if isinstance(value, tuple):
        return value
    cure = "Write 2027-05-14, or the first and the last with two dots between: 2026-12-24..2027-01-06"
    if not isinstance(value, str) or not re.fullmatch(rf"{_DATE}(\.\.{_DATE})?", value):
        dates = re.findall(_DATE, value) if isinstance(value, str) else []
        hint = f"Did you mean {'..'.join(dates)}? " if len(dates) == 2 else ""  # noqa: PLR2004 - a first and a last
        raise refuse("is not a date, nor a first and a last", hint + cure)
    first, last = (calendar_date(text) for text in (value[:10], value[-10:]))
    if last < first:
        raise refuse("ends before it begins", "Write the earlier date first.")
    if last - first >= _LONGEST:
        raise refuse(
            f"is {(last - first).days + 1} days", f"Allowed: up to {_LONGEST.days}; write two where it is longer."
        )
    return first, last


def _closed_text(closed: tuple[date, date]) -> str:
    first, last = closed
    return f"{first}" if first == last else f"{first}..{last}"


Country = Annotated[str, PlainValidator(_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]
Closed = Annotated[
    tuple[date, date],
    PlainValidator(_closed),
    PlainSerializer(_closed_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": rf"^{_DATE}(\.\.{_DATE})?$"}),
]


class Holidays(Section):
    """Days without learning time."""

    country: Country | None = Field(
        default=None,
        description="The country whose public and customary days off (such as Midsummer's Eve) have no learning time: "
        "its two letters by ISO 3166-1.",
        examples=["SE"],
    )
    subdivision: Annotated[Line, AfterValidator(_subdivision)] | None = Field(
        default=None,
        description="The part of the country, where parts have days of their own: its code by ISO 3166-2 without the "
        "country's, such as BY for Bavaria.",
        examples=["BY"],
    )
    closed: tuple[Closed, ...] = Field(
        default=(),
        description="When nobody works: dates, or a first and a last such as 2026-12-24..2027-01-06.",
        examples=[["2026-12-24..2027-01-06"]],
    )
