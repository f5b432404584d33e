"""What leaders say to a channel, and when: quotations with name and role."""

from __future__ import annotations

import hashlib
from datetime import date

from pydantic import Field, field_validator

from holdfast.core.settings.fields import (
    Address,
    CalendarDate,
    ClockTime,
    Identifier,
    Language,
    Line,
    Prose,
    Section,
    Title,
    refuse,
)
from holdfast.core.settings.recurring import CLOCKS_CHANGE, Day

_FRIDAY = 4


class LeaderMessage(Section):
    """A message of a leader, posted once to a channel as a quotation."""

    from_: Address = Field(
        alias="from",
        description="The leader's mail address, or a role mailbox; it stands under the message, for whoever wants to "
        "write back.",
        examples=["vd@fjallvik.example"],
    )
    name: Line = Field(description="The leader's name, as it stands under the message.", examples=["Maria Fjäll"])
    role: Title = Field(
        description="The leader's role beside the name: one text, or one for each language (sv, en).", examples=["VD"]
    )
    day: CalendarDate = Field(
        description="The day on which it is posted, monday to friday. One whose time is more than a day ago when "
        "Holdfast first sees it is not posted, and that is told.",
        examples=["2027-01-11"],
    )
    at: ClockTime = Field(description="The time of day, where the organisation is.", examples=["09:00"])
    channel: Identifier = Field(
        description="The channel in which it is posted: an id from channels.", examples=["utveckling"]
    )
    text: Prose = Field(
        description="What the leader says, in 1,200 characters at most: one text, or one for each language (sv, en). "
        "An empty line begins a paragraph.",
        examples=[{"sv": "Avsätt tiden. Jag gör det också."}],
    )

    @property
    def key(self) -> str:
        """By what the ledger knows it: a leader says one thing to a channel on a day, whatever else is edited."""
        whose = hashlib.sha256(self.from_.casefold().encode()).hexdigest()[:8]
        return f"message-{self.day}-{whose}"

    def role_in(self, language: Language) -> str:
        """The role in the language of the channel; ``parse`` has seen to it that there is one."""
        return self.role if isinstance(self.role, str) else self.role[language]

    def paragraphs_in(self, language: Language) -> tuple[str, ...]:
        """The text in the language of the channel, by paragraphs."""
        text = self.text if isinstance(self.text, str) else self.text[language]
        return tuple(part for part in (" ".join(part.split()) for part in text.split("\n\n")) if part)

    @field_validator("day")
    @classmethod
    def _is_read(cls, day: date) -> date:
        if day.weekday() > _FRIDAY:
            raise refuse(f"is a {tuple(Day)[day.weekday()]}, on which nobody reads it", "Choose monday to friday.")
        return day

    @field_validator("at")
    @classmethod
    def _exists_once(cls, at: ClockTime) -> ClockTime:
        if CLOCKS_CHANGE[0] <= at < CLOCKS_CHANGE[1]:
            raise refuse("is in the hour that is missing or doubled when clocks change", "Choose another time.")
        return at
