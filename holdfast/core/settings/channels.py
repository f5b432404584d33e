"""Where summaries are posted, when, and who signs in to do it."""

from __future__ import annotations

import enum
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from holdfast.core.model import NthWeekday, Rule
from holdfast.core.settings.fields import (
    Address,
    ClockTime,
    Guid,
    Identifier,
    LanguageKey,
    Line,
    Names,
    Section,
    calendar_date,
    choice,
    one_of,
    refuse,
    yes_or_no,
)
from holdfast.core.settings.recurring import CLOCKS_CHANGE, Day, Days, Every, EveryKey, MonthDay, Unit, rules

_COUNTED_FROM = calendar_date("2024-01-01")
"""A Monday and the first of a month: posts of every second week or month are counted from here, whoever edits what."""


class Via(enum.StrEnum):
    """How a post reaches its channel."""

    GRAPH = "graph"
    WORKFLOW = "workflow"


class Login(Section):
    """The account that posts, and the app registration it signs in to."""

    client_id: Guid = Field(
        description="Application (client) ID of the registration that people sign in to: one that allows public client "
        "flows and has http://localhost as a redirect address.",
        examples=["5e6f7a8b-9c0d-4e1f-8a2b-3c4d5e6f7a8b"],
    )
    account: Address = Field(
        description="The account that posts, a member of the teams: an account of its own, not a person's.",
        examples=["larande@fjallvik.example"],
    )


class Post(Section):
    """When a summary is posted."""

    every: EveryKey = Field(description="How often: week, 2 weeks to 8 weeks, month, 2 to 6 months.", examples=["week"])
    day: Days = Field(
        description="The day: monday to friday, or with every: month first friday, last friday, or a date from 1 to "
        "28. Where that is a holiday, it is posted on the nearest ordinary day of the week.",
        examples=["friday"],
    )
    at: ClockTime = Field(description="The time of day, where the organisation is.", examples=["14:00"])

    @property
    def rule(self) -> Rule:
        """The days on which it is due."""
        [rule] = rules(self.every, self.day, _COUNTED_FROM)
        return rule

    @field_validator("day")
    @classmethod
    def _is_one(cls, days: Days) -> Days:
        if len(days) != 1:
            raise refuse("is more than one day", "Name one day.")
        [day] = days
        name = day.weekday.name.lower() if isinstance(day, NthWeekday) else str(day)
        if name in {Day.SATURDAY, Day.SUNDAY}:
            raise refuse("is a day on which nobody reads it", "Write a day from monday to friday.")
        return days

    @field_validator("at")
    @classmethod
    def _exists_once(cls, at: ClockTime, _: ValidationInfo) -> ClockTime:
        return _exists_once(at)


def _exists_once(at: ClockTime) -> ClockTime:
    if CLOCKS_CHANGE[0] <= at < CLOCKS_CHANGE[1]:
        raise refuse("is in the hour that is missing or doubled when clocks change", "Choose another time.")
    return at


class To(enum.StrEnum):
    """Who gets an agenda pack."""

    CHANNEL = "channel"


def _to(value: object) -> To:
    if value == "manager":
        raise refuse("is not where an agenda pack can go yet", "Allowed: channel")
    return one_of(To, "where an agenda pack can go")(value)


class AgendaPack(Section):
    """What a department meeting is given to talk about."""

    day: MonthDay = Field(
        description="The day of the month on which it is posted, such as the day before the department meeting: first "
        "monday to last friday, or a date from 1 to 28. Where that is a holiday, it is posted on the nearest ordinary "
        "day of the week.",
        examples=["first monday"],
    )
    at: ClockTime = Field(description="The time of day, where the organisation is.", examples=["08:00"])
    to: Annotated[To, *choice(To, _to)] = Field(
        default=To.CHANNEL, description="Where it goes: channel, the same as the summaries."
    )

    @property
    def rule(self) -> Rule:
        """The days on which it is due."""
        [rule] = rules(Every(1, Unit.MONTH), (self.day,), _COUNTED_FROM)
        return rule

    @field_validator("at")
    @classmethod
    def _exists_once(cls, at: ClockTime) -> ClockTime:
        return _exists_once(at)


class Channel(Section):
    """A Teams channel in which people read what was learned."""

    id: Identifier = Field(
        description="A short name that never changes. Letters a to z, digits, hyphens.", examples=["utveckling"]
    )
    team: Line = Field(description="The team, by its id or name.", examples=["Utveckling"])
    channel: Line = Field(description="The channel, by its id or name.", examples=["Lärande"])
    audiences: Names = Field(description="Whose learning it is about: names from audiences.", examples=[["utveckling"]])
    post: Post = Field(
        title="Post",
        description="When a summary of what came since the one before is posted.",
        examples=[{"every": "week", "day": "friday", "at": "14:00"}],
    )
    agenda_pack: AgendaPack | None = Field(
        default=None,
        title="Agenda pack",
        description="When a pack for the department meeting is posted: what was learned, two stories to tell, the next "
        "goal, a question and one thing to ask for.",
        examples=[{"day": "first monday", "at": "08:00", "to": "channel"}],
    )
    via: Annotated[Via, *choice(Via, one_of(Via, "a way to post"))] = Field(
        default=Via.GRAPH,
        description="How it is posted: graph (by the account of tenant.login, signed in once by `holdfast login`) or "
        "workflow (a Workflows webhook of the channel, whose address is in HOLDFAST_WORKFLOW_ and the id in capitals).",
    )
    share_prompt: Annotated[bool, BeforeValidator(yes_or_no)] = Field(
        default=True, description="Whether the post asks what people learned; their replies are in the next one."
    )
    language: LanguageKey | None = Field(
        default=None, description="The language of the posts, where it is not the organisation's: sv or en."
    )
