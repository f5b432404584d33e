"""Every text of a summary and of the data sheet, in each language, by the name that stands for it in code.

The texts are in ``sv.po`` and ``en.po`` beside this file, those of the sheet in ``privacy.sv.po`` and its like, in the
format of gettext that editors for translators open:
``msgid`` is the name, ``msgstr`` the text. Words in braces are filled in and keep their names in every language. What
is counted has a text for one and a text for several.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from io import BytesIO

from babel.dates import format_date, format_interval
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

from holdfast.core.settings import Language

_LOCALES = {Language.SV: "sv_SE", Language.EN: "en_GB"}
"""Whose dates and numbers go with a language: English as colleagues in Europe write it, the day before the month."""

_HUNDRED = 100


class _NoText(NullTranslations):
    """What is asked when a catalogue does not have a text: a slip of ours, not something to show."""

    def gettext(self, message: str) -> str:
        raise KeyError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise KeyError(msgid1, msgid2, n)


def catalogue(language: Language, of: str = "") -> Catalog:
    """The texts of a language as they stand in its file; ``of`` names another set of them than that of summaries."""
    with (files(__name__) / f"{of}{language}.po").open("rb") as file:
        return read_po(file, locale=_LOCALES[language], abort_invalid=True)


@functools.cache
def translations(language: Language, of: str = "") -> Translations:
    """The same, to ask for a text by its name. Raises ``KeyError`` where there is none."""
    compiled = BytesIO()
    write_mo(compiled, catalogue(language, of))
    compiled.seek(0)
    found = Translations(compiled)
    found.add_fallback(_NoText())
    return found


_TEXTS: Mapping[Language, Translations] = {language: translations(language) for language in Language}
"""Read once, when this is imported: nothing is read from a file while a text is asked for."""


def say(language: Language, name: str, **values: str) -> str:
    """A text with its values filled in. They are put in as they are: escape the whole where it is shown."""
    return _TEXTS[language].gettext(name).format(**values)


def count(language: Language, name: str, number: int, **values: str) -> str:
    """A text about a number of things, the number in it as ``{count}``."""
    text: str = _TEXTS[language].ngettext(name, name, number)
    return text.format(count=format_decimal(number, locale=_LOCALES[language]), **values)


def number(language: Language, number: int) -> str:
    """A number with its thousands apart: 1,240."""
    text: str = format_decimal(number, locale=_LOCALES[language])
    return text


def percent(language: Language, number: int) -> str:
    """So many of a hundred."""
    return format_percent(number / _HUNDRED, locale=_LOCALES[language])


def weekday(language: Language, day: date) -> str:
    """A day soon to come: Thursday 3 December."""
    return format_date(day, say(language, "weekday"), locale=_LOCALES[language])


def long_date(language: Language, day: date) -> str:
    """A day some years away: 31 December 2028."""
    return format_date(day, "long", locale=_LOCALES[language])


def interval(language: Language, first: date, last: date) -> str:
    """From one day to another, said as briefly as it can be: 23-29 Nov 2026."""
    return format_interval(first, last, "yMMMd", locale=_LOCALES[language])
