"""The kinds of values that settings have: each a check of its own, in words for the person who wrote the file.

A check takes what stands in the file, or the value itself where code builds settings, and raises ``refuse``.
"""

from __future__ import annotations

import enum
import re
import unicodedata
import uuid
from collections.abc import Callable
from datetime import date, time
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    PlainSerializer,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from holdfast.core import zones
from holdfast.core.settings.problems import meant

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
"""Dates beyond these are slips of the finger."""

REFUSED = "holdfast"
"""The type of the errors that hold our own words, to tell them from pydantic's."""

TEXT, TRANSLATED = "one text for all", "a text for each language"
"""The two forms of a title, as pydantic names them in the place of an error; they are no keys of the file."""

Choice = TypeVar("Choice", bound=enum.StrEnum)
Item = TypeVar("Item")


class Section(BaseModel):
    """Keys that belong together. In the file by their aliases, in code by their names too."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class Language(enum.StrEnum):
    """Languages that the product speaks to people."""

    SV = "sv"
    EN = "en"


def refuse(wrong: str, cure: str) -> PydanticCustomError:
    """An error whose message goes on where the value found was named: ``wrong`` with it, and the ``cure``."""
    return PydanticCustomError(REFUSED, "{wrong}. {cure}", {"wrong": wrong, "cure": cure})


def one_of(kind: type[Choice], what: str) -> Callable[[object], Choice]:
    """A check for one of a few words."""
    names = [member.value for member in kind]

    def check(value: object) -> Choice:
        if isinstance(value, str) and value in names:
            return kind(value)
        hint = meant(value, names) if isinstance(value, str) else ""
        raise refuse(f"is not {what}", f"{hint}Allowed: {', '.join(names)}")

    return check


def choice(kind: type[enum.StrEnum], check: Callable[[object], Any]) -> Any:  # noqa: ANN401 - typing has no name for what Annotated takes
    """One of a few words, in the schema too."""
    return _kind(check, {"type": "string", "enum": [member.value for member in kind]})


def yes_or_no(value: object) -> bool:
    """True or false, and nothing that is only like it."""
    if isinstance(value, bool):
        return value
    raise refuse("is neither true nor false", "Allowed: true, false")


def whole_number(lowest: int, highest: int) -> Any:  # noqa: ANN401 - as above
    """A whole number within bounds."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            quotes = " without quotes" if isinstance(value, str) and value.strip().isdigit() else ""
            raise refuse("is not a whole number", f"Write one from {lowest} to {highest}{quotes}.")
        if not lowest <= value <= highest:
            raise refuse("is out of bounds", f"Allowed: {lowest} to {highest}")
        return value

    return _kind(check, {"type": "integer", "minimum": lowest, "maximum": highest})


def _kind(check: Callable[[object], Any], schema: dict[str, Any]) -> tuple[BeforeValidator, WithJsonSchema]:
    return BeforeValidator(check), WithJsonSchema(schema)


LONGEST_LINE = 255
"""As long as a subject may be in Outlook."""


def _line(value: object) -> str:
    if not isinstance(value, str):
        quotes = "Put it in quotes." if isinstance(value, int | float) else "Write one line of text."
        raise refuse("is not text", quotes)
    text = value.strip()
    if not text:
        raise refuse("is empty", "Write one line of text.")
    if len(text) > LONGEST_LINE:
        raise refuse(f"is {len(text)} characters long", f"Allowed: up to {LONGEST_LINE}")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text):
        raise refuse("holds a line break, a tab or another control character", "Write one line of text.")
    return text


LONGEST_PROSE = 1200
"""As much as is read between two meetings."""


def _prose(value: object) -> str:
    if not isinstance(value, str):
        raise refuse("is not text", "Put it in quotes.")
    text = re.sub(r"[ \t]*\r?\n", "\n", value).strip()
    if not text:
        raise refuse("is empty", "Write what is said.")
    if len(text) > LONGEST_PROSE:
        raise refuse(f"is {len(text)} characters long", f"Allowed: up to {LONGEST_PROSE}")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text.replace("\n", "")):
        raise refuse("holds a tab or another control character", "Write plain text; an empty line begins a paragraph.")
    return text


def _identifier(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9-]{1,40}", value):
        return value
    tidy = re.sub(r"[^a-z0-9]+", "-", _without_accents(value)).strip("-")[:40] if isinstance(value, str) else ""
    hint = f"Did you mean {tidy}? " if tidy else ""
    raise refuse("is not an id", f"{hint}Allowed: 1 to 40 of the letters a to z in lower case, digits and hyphens")


def _without_accents(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)).lower()


def _guid(value: object) -> uuid.UUID:
    if isinstance(value, uuid.UUID):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
        return uuid.UUID(value)
    raise refuse(
        "is not a GUID",
        "Copy it from the overview page in the Entra admin center; it looks like 3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b",
    )


def _zone(value: object) -> str:
    cure = "Write an IANA name such as Europe/Stockholm, or a Windows name such as W. Europe Standard Time."
    if not isinstance(value, str):
        raise refuse("is not a time zone", cure)
    try:
        zones.iana(value)
    except zones.UnknownZone:
        raise refuse("is not a time zone", f"{meant(value, zones.names())}{cure}") from None
    return value


def _address(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", text) and len(text) <= LONGEST_LINE and text.isprintable():
        return text
    raise refuse("is not a mail address", "Write one such as jour@fjallvik.example")


NOTIFICATIONS, LIFECYCLE = "/notifications", "/lifecycle"
"""How the two addresses end at which Graph tells of changes: of those in mailboxes, and of its promises to tell."""

_LONGEST_URL = 2000


def _notification_url(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    cure = f"Write the address of the function, such as https://holdfast.fjallvik.example/api{NOTIFICATIONS}"
    if not re.fullmatch(r"https?://[^\s<>\"'\\]+", text) or len(text) > _LONGEST_URL:
        raise refuse("is not an address", cure)
    if not text.startswith("https://"):
        raise refuse("is not an address that begins with https://", f"Microsoft Graph tells nobody else. {cure}")
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^?#@]*)?", text):
        raise refuse("is an address with more than a host and a path", f"Leave out what is not needed. {cure}")
    if not text.endswith(NOTIFICATIONS):
        raise refuse(f"does not end in {NOTIFICATIONS}", cure)
    return text


def _clock_time(value: object) -> time:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        return time.fromisoformat(value)
    loose = re.fullmatch(r"([0-9]{1,2})[:.]?([0-5][0-9])(:00)?", value) if isinstance(value, str) else None
    hint = f'Did you mean "{int(loose[1]):02}:{loose[2]}"? ' if loose and int(loose[1]) < 24 else ""  # noqa: PLR2004 - hours
    raise refuse(
        "is not a time of day", f'{hint}Write hours and minutes with two digits each, from "00:00" to "23:59".'
    )


def calendar_date(value: object) -> date:
    """A date, from its text or itself."""
    day = value if isinstance(value, date) else _as_date(value)
    if not EARLIEST <= day <= LATEST:
        raise refuse("is out of bounds", f"Allowed: {EARLIEST} to {LATEST}")
    return day


def _as_date(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise refuse("is a date that does not exist", "Choose a day that the month has.") from None
    raise refuse("is not a date", "Write year-month-day, such as 2026-12-01")


def not_empty(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The items, of which there is at least one."""
    if not items:
        raise refuse("is empty", "Name at least one.")
    return items


def _form(value: object) -> str | None:
    if isinstance(value, str):
        return TEXT
    return TRANSLATED if isinstance(value, dict) else None


Line = Annotated[str, *_kind(_line, {"type": "string", "minLength": 1, "maxLength": LONGEST_LINE})]
Identifier = Annotated[str, *_kind(_identifier, {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"})]
Guid = Annotated[uuid.UUID, *_kind(_guid, {"type": "string", "format": "uuid"})]
Zone = Annotated[str, *_kind(_zone, {"type": "string"})]
NotificationUrl = Annotated[
    str,
    *_kind(_notification_url, {"type": "string", "format": "uri", "pattern": f"^https://.*{NOTIFICATIONS}$"}),
]
Address = Annotated[str, *_kind(_address, {"type": "string", "format": "email"})]
ClockTime = Annotated[
    time,
    *_kind(_clock_time, {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
    PlainSerializer(lambda at: f"{at:%H:%M}", when_used="json"),
]
CalendarDate = Annotated[date, *_kind(calendar_date, {"type": "string", "format": "date"})]
Names = Annotated[tuple[Line, ...], AfterValidator(not_empty)]
LanguageKey = Annotated[Language, *choice(Language, one_of(Language, "a language"))]
Title = Annotated[
    Annotated[Line, Tag(TEXT)] | Annotated[dict[LanguageKey, Line], Tag(TRANSLATED)],
    Discriminator(
        _form,
        custom_error_type=REFUSED,
        custom_error_message="{wrong}. {cure}",
        custom_error_context={
            "wrong": "is not a title",
            "cure": "Write one line of text, or one for each language: {sv: Lärtimmen, en: Learning hour}",
        },
    ),
]
_Prose = Annotated[str, *_kind(_prose, {"type": "string", "minLength": 1, "maxLength": LONGEST_PROSE})]
Prose = Annotated[
    Annotated[_Prose, Tag(TEXT)] | Annotated[dict[LanguageKey, _Prose], Tag(TRANSLATED)],
    Discriminator(
        _form,
        custom_error_type=REFUSED,
        custom_error_message="{wrong}. {cure}",
        custom_error_context={
            "wrong": "is not text",
            "cure": "Write it in quotes, or once for each language: {sv: …, en: …}",
        },
    ),
]
