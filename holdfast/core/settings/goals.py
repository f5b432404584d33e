"""What the learning is for: goals, and what there is to learn for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from holdfast.core.settings.fields import (
    CalendarDate,
    Identifier,
    Language,
    LanguageKey,
    Line,
    Section,
    Title,
    refuse,
    whole_number,
    yes_or_no,
)

_LONGEST_URL = 2000


def _url(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"https?://[^\s<>\"'/?#@]+(/[^\s<>\"']*)?([?#][^\s<>\"']*)?", text) and len(text) <= _LONGEST_URL:
        return text
    raise refuse("is not a link", "Write one that begins with https://, such as https://kurser.example/prompting")


Url = Annotated[str, BeforeValidator(_url), WithJsonSchema({"type": "string", "format": "uri"})]


class Titled(Section):
    """Something with a short name of its own and a title that people read."""

    id: Identifier = Field(
        description="A short name that never changes; a new id makes a new thing. Letters a to z, digits, hyphens.",
        examples=["lartimmen"],
    )
    title: Title = Field(
        description="What people read: one text, or one for each language (sv, en).", examples=["Lärtimmen"]
    )

    def title_in(self, language: Language) -> str:
        """The title in a language that it has: the organisation's, and those of the audiences that read it.

        ``parse`` has seen to it.
        """
        return self.title if isinstance(self.title, str) else self.title[language]


class Resource(Section):
    """Something to learn from: a course, an article, a film."""

    title: Line = Field(description="What it is called, as it calls itself.", examples=["Prompting i praktiken"])
    url: Url = Field(description="Where it is found.", examples=["https://kurser.example/prompting"])
    minutes: Annotated[int, *whole_number(1, 480)] = Field(
        description="How long it takes. It is proposed where it fits into the block.", examples=[45]
    )
    language: LanguageKey | None = Field(
        default=None, description="The language it is in, sv or en. Left out, it is proposed to everybody."
    )
    starter: Annotated[bool, BeforeValidator(yes_or_no)] = Field(
        default=False, description="Whether it is what to begin with for people who are new to the audience."
    )

    def is_for(self, language: Language) -> bool:
        """Whether it is proposed to people who read a language."""
        return self.language in {None, language}


class Goal(Titled):
    """Something the organisation wants to be able to do. It is named in the text of the blocks that serve it."""

    by: CalendarDate | None = Field(
        default=None, description="The day by which it is to be reached.", examples=["2028-12-31"]
    )
    competences: tuple[Line, ...] = Field(
        default=(), description="What people need to be able to do for it.", examples=[["prompting", "källkritik"]]
    )
    audiences: tuple[Line, ...] = Field(
        default=(),
        description="Whose goal it is: names from audiences. Left out, every audience of its blocks.",
    )
    target_hours: Annotated[int, *whole_number(1, 10_000_000)] | None = Field(
        default=None, description="How many hours of learning together it should take.", examples=[2000]
    )
    questions: Mapping[LanguageKey, tuple[Line, ...]] = Field(
        default={},
        description="Questions to think about and share answers to, for each language (sv, en).",
        examples=[{"sv": ["Vad kan du göra på ett nytt sätt?"]}],
    )
    resources: tuple[Resource, ...] = Field(
        default=(),
        description="What to learn from. They take turns in the text of the blocks, each before any comes again.",
    )

    def is_for(self, audience: str) -> bool:
        """Whether it is a goal of an audience, as far as its blocks are that audience's."""
        return not self.audiences or audience in self.audiences
