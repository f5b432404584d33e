"""The settings: what an organisation asks of Holdfast, each key with the words that explain it to whoever edits it.

The descriptions go into the JSON Schema, so that editors show them; ``docs/settings.md`` is held to the same keys.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from holdfast.core import zones
from holdfast.core.model import Overlap, Protection, Rule, Slot
from holdfast.core.recurrence import next_date
from holdfast.core.settings.channels import Channel, Login
from holdfast.core.settings.fields import (
    LIFECYCLE,
    NOTIFICATIONS,
    Address,
    CalendarDate,
    Guid,
    Language,
    LanguageKey,
    Line,
    Names,
    NotificationUrl,
    Section,
    Zone,
    choice,
    one_of,
    refuse,
    whole_number,
    yes_or_no,
)
from holdfast.core.settings.goals import Goal, Titled
from holdfast.core.settings.holidays import Holidays
from holdfast.core.settings.leaders import LeaderMessage
from holdfast.core.settings.recurring import CLOCKS_CHANGE, At, Days, EveryKey, Quietest, day_text, rules

_MINUTES_OF_A_DAY = 24 * 60


class Mode(enum.StrEnum):
    """What happens unattended."""

    WATCH = "watch"
    KEEP = "keep"


class Cloud(enum.StrEnum):
    """Microsoft's clouds, each with addresses of its own."""

    GLOBAL = "global"
    GCC_HIGH = "gcc-high"
    DOD = "dod"
    CHINA = "china"


class Credential(enum.StrEnum):
    """How Holdfast proves to Entra who it is."""

    MANAGED_IDENTITY = "managed-identity"
    CERTIFICATE = "certificate"
    SECRET = "secret"  # noqa: S105 - the name of a way to sign in


class BlockZone(enum.StrEnum):
    """By whose clock a block begins."""

    ORGANIZATION = "organization"
    MAILBOX = "mailbox"


class OutsideHours(enum.StrEnum):
    """What happens where a slot is outside a person's working days or hours."""

    EXCUSE = "excuse"
    PLACE = "place"


class HolidayRule(enum.StrEnum):
    """What happens to a date on which there is no learning time."""

    SKIP = "skip"
    MOVE = "move"


class Within(enum.StrEnum):
    """How far a date may be moved and stay."""

    WEEK = "week"
    DAY = "day"


def _version(value: object) -> Literal[1]:
    if value == 1 and type(value) is int:
        return 1
    raise refuse("is not a version of the settings that this Holdfast reads", "Allowed: 1")


class Organization(Section):
    """Who the learning time is for."""

    name: Line = Field(
        description="The organisation's name, as its people know it. It stands in the text of every block.",
        examples=["Fjällvik AB"],
    )
    language: LanguageKey = Field(
        description="The language of what people read in their calendars: sv (Swedish) or en (English).",
        examples=["sv"],
    )
    time_zone: Zone = Field(
        description="The zone in which times are meant, by its IANA name (Europe/Stockholm) or its Windows name "
        "(W. Europe Standard Time). A block at 09:00 stays at 09:00 when the clocks change.",
        examples=["Europe/Stockholm"],
    )

    holidays: Holidays | None = Field(
        default=None,
        description="Days without learning time: a country's holidays and closed periods. An audience may have others.",
        examples=[{"country": "SE", "closed": ["2026-12-24..2027-01-06"]}],
    )

    @property
    def zone(self) -> str:
        """The zone's IANA name, whichever name the file gives."""
        return zones.iana(self.time_zone)


class Tenant(Section):
    """The Microsoft 365 tenant and how Holdfast signs in to it. Secrets come from the environment only."""

    tenant_id: Guid = Field(
        description="Directory (tenant) ID of your Microsoft 365 tenant, from the Entra admin center.",
        examples=["3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"],
    )
    cloud: Annotated[Cloud, *choice(Cloud, one_of(Cloud, "a Microsoft cloud"))] = Field(
        default=Cloud.GLOBAL,
        description="Which Microsoft cloud the tenant is in: global, gcc-high, dod (US government), china (21Vianet).",
    )
    credential: Annotated[Credential, *choice(Credential, one_of(Credential, "a way to sign in"))] = Field(
        description="How Holdfast signs in: managed-identity (in Azure; nothing to keep secret), certificate, secret.",
        examples=["managed-identity"],
    )
    client_id: Guid | None = Field(
        default=None,
        description="Application (client) ID of Holdfast's app registration. With managed-identity it names a "
        "user-assigned identity, and is left out for the system-assigned one.",
        examples=["8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d"],
    )
    organizer: Address | None = Field(
        default=None,
        description="Mail address of the role mailbox that owns forums and sends mail, such as the learning team's. "
        "`holdfast check --probe` tries in it what Microsoft Graph leaves open.",
        examples=["larande@fjallvik.example"],
    )
    login: Login | None = Field(
        default=None,
        title="Login",
        description="How the account that posts to channels signs in: `holdfast login` does it once.",
    )
    notification_url: NotificationUrl | None = Field(
        default=None,
        description="The public address at which Microsoft Graph tells of changes in calendars, so that what was "
        "touched is put right within minutes: that of the function `notifications`. Without it everybody is looked at "
        "once an hour, which is enough.",
        examples=["https://holdfast.fjallvik.example/api/notifications"],
    )

    @property
    def lifecycle_url(self) -> str | None:
        """The address beside it at which Graph tells what becomes of its promise to tell."""
        url = self.notification_url
        return url.removesuffix(NOTIFICATIONS) + LIFECYCLE if url else None


class Audience(Section):
    """People who get the same blocks."""

    group: Line = Field(
        description="The group whose members are the audience, nested groups included: its id, mail address or name.",
        examples=["Alla medarbetare"],
    )
    exclude: tuple[Address, ...] = Field(
        default=(),
        description="Mail addresses in the group that get no block: role mailboxes, such as the one on call.",
        examples=[["jour@fjallvik.example"]],
    )
    opt_out: Line | None = Field(
        default=None,
        description="A group that people can join who want no block: their series end from today on, and nobody is "
        "asked why. Its id, mail address or name.",
        examples=["Lärtid - avstår"],
    )
    language: LanguageKey | None = Field(
        default=None,
        description="The language of what these people read, where it is not the organisation's: sv or en.",
        examples=["en"],
    )
    holidays: Holidays | None = Field(
        default=None,
        description="Days without learning time of these people, instead of the organisation's.",
        examples=[{"country": "FI"}],
    )


class Block(Titled):
    """Recurring learning time: one event series in the calendar of each person in its audiences."""

    audiences: Names = Field(description="Who gets the block: names from audiences.", examples=[["alla"]])
    every: EveryKey = Field(
        description="How often the block comes back: week, 2 weeks to 8 weeks, month, 2 months to 6 months. Weeks and "
        "months are counted from the one in which from is.",
        examples=["week"],
    )
    # Before day, which is judged by it.
    weekend: Annotated[bool, BeforeValidator(yes_or_no)] = Field(
        default=False, description="Whether it may stand on Saturdays and Sundays."
    )
    day: Days = Field(
        description="The day it stands on. With every: week, monday to friday; with every: month, first monday to "
        "fourth friday, last monday to last friday, or a date from 1 to 28. A list gives each person a series for each "
        "day. With weekend: true, saturday and sunday too; else a date that falls on one is treated as a holiday.",
        examples=["thursday"],
    )
    at: At = Field(
        description='When it begins: hours and minutes, "09:00", not between 02:00 and 03:00, when clocks change; or '
        '{between: ["08:00", "16:00"], choose: quietest}.',
        examples=["09:00"],
    )
    minutes: Annotated[int, *whole_number(15, 480)] = Field(
        description="How long it is, in minutes. It ends on the day it begins.", examples=[60]
    )
    from_: CalendarDate = Field(
        alias="from",
        description="The first date it can stand on, as year-month-day. It begins on its first day from then on.",
        examples=["2026-12-01"],
    )
    until: CalendarDate | None = Field(
        default=None,
        description="The last date it can stand on. Left out, the block goes on.",
        examples=["2027-12-31"],
    )
    goals: tuple[Line, ...] = Field(
        default=(), description="The goals it serves, by their ids; they stand in its text.", examples=[["ai-2028"]]
    )
    reminder: Annotated[int, *whole_number(0, 1440)] = Field(
        default=10, description="How many minutes before it begins Outlook reminds people."
    )
    time_zone: Annotated[BlockZone, *choice(BlockZone, one_of(BlockZone, "a zone for a block"))] = Field(
        default=BlockZone.ORGANIZATION,
        description="By whose clock it begins: organization, so that a team learns together, or mailbox, each person's "
        "own. A person who is in another zone for 28 days is followed there; travellers are not.",
    )
    outside_hours: Annotated[
        OutsideHours, *choice(OutsideHours, one_of(OutsideHours, "what can happen outside working hours"))
    ] = Field(
        default=OutsideHours.EXCUSE,
        description="Where it is outside a person's working days or hours: excuse (they do not get it) or place.",
    )
    holiday: Annotated[HolidayRule, *choice(HolidayRule, one_of(HolidayRule, "what can happen on a holiday"))] = Field(
        default=HolidayRule.SKIP,
        description="On holidays and closed days: skip (that date is left out) or move (to the nearest ordinary day of "
        "the week).",
    )
    # Before within, moves_per_quarter and overlap, which are judged by it.
    protection: Annotated[Protection, *choice(Protection, one_of(Protection, "a protection"))] = Field(
        default=Protection.MOVABLE,
        description="What happens when a person moves, deletes or frees a date: strict (it is put back), movable (put "
        "back too, but a few in a quarter may be moved or deleted) or soft (left as it is). A person's own text, and "
        "days out of office, are left in peace by all three, and a second deletion is final.",
    )
    within: Annotated[Within, *choice(Within, one_of(Within, "how far a date may be moved"))] = Field(
        default=Within.WEEK,
        description="With protection: movable, how far a date may be moved and stay, in working hours: week or day.",
    )
    moves_per_quarter: Annotated[int, *whole_number(0, 90)] = Field(
        default=3,
        description="With protection: movable, how many dates each person may move or delete in a quarter.",
    )
    # Before always_allow and decline_for, which are judged by it.
    overlap: Annotated[Overlap, *choice(Overlap, one_of(Overlap, "what can happen to a meeting on top"))] = Field(
        default=Overlap.ALLOW,
        description="What happens to a new meeting on top: allow (nothing), notify (an organiser of the organisation "
        "gets one polite mail from tenant.organizer) or decline (for the members of decline_for). Meetings that stood "
        "there before the block, that are accepted or private, and those of external organisers, always stand.",
    )
    always_allow: tuple[Address, ...] = Field(
        default=(),
        description="Mail addresses of organisers whose meetings always stand, with overlap: notify or decline.",
        examples=[["vd@fjallvik.example"]],
    )
    decline_for: Line | None = Field(
        default=None,
        description="With overlap: decline, the group that people join by choice who want meetings on top declined "
        "for them. Its id, mail address or name.",
        examples=["Lärtid - tacka nej"],
    )

    def rules(self) -> tuple[Rule, ...]:
        """On which dates it comes back: one rule for each of its days, in the order of the file."""
        return rules(self.every, self.day, self.from_)

    def slots(self, zone: str, at: time) -> tuple[Slot, ...]:
        """Its slots, one for each of its days, beginning at ``at`` in a zone given by its IANA name."""
        return tuple(Slot(rule, at, self.minutes, zone) for rule in self.rules())

    @field_validator("at")
    @classmethod
    def _begins_in_an_hour_that_exists_once(cls, at: time | Quietest) -> time | Quietest:
        if isinstance(at, time) and CLOCKS_CHANGE[0] <= at < CLOCKS_CHANGE[1]:
            raise refuse(
                "is in the hour that is missing or doubled when clocks change", "Begin before 02:00 or from 03:00 on."
            )
        return at

    @field_validator("minutes")
    @classmethod
    def _stays_within_its_day(cls, minutes: int, info: ValidationInfo) -> int:
        at: time | Quietest | None = info.data.get("at")
        if at is None:
            return minutes
        if isinstance(at, Quietest):
            if minutes > _minute(at.until) - _minute(at.since):
                raise refuse(
                    f"minutes do not fit between {at.since:%H:%M} and {at.until:%H:%M}",
                    "Allow more time or make the block shorter.",
                )
            return minutes
        ends = _minute(at) + minutes
        if ends > _MINUTES_OF_A_DAY:
            raise refuse(f"minutes from {at:%H:%M} on run past midnight", "Begin earlier or make the block shorter.")
        if at < CLOCKS_CHANGE[0] and ends > _minute(CLOCKS_CHANGE[0]):
            raise refuse(
                f"minutes from {at:%H:%M} on run into the hour that is missing or doubled when clocks change",
                "End by 02:00.",
            )
        return minutes

    @field_validator("until")
    @classmethod
    def _leaves_a_date(cls, until: date | None, info: ValidationInfo) -> date | None:
        from_, every, days = (info.data.get(key) for key in ("from_", "every", "day"))
        if until is None or from_ is None:
            return until
        if until < from_:
            raise refuse(f"is before from ({from_})", "Choose a later date, or leave until out.")
        if every and days and min(next_date(rule, from_) for rule in rules(every, days, from_)) > until:
            day = day_text(days[0]) if len(days) == 1 else "day of its list"
            raise refuse(f"leaves no {day} since from ({from_})", "Choose a later date, or leave until out.")
        return until

    @field_validator("within", "moves_per_quarter")
    @classmethod
    def _is_for_dates_that_may_move(cls, value: Within | int, info: ValidationInfo) -> Within | int:
        protection = info.data.get("protection", Protection.MOVABLE)
        if protection is not Protection.MOVABLE:
            raise refuse(
                f"says which moves stay, and protection is {protection}",
                f"Leave {info.field_name} out, or write protection: movable",
            )
        return value

    @field_validator("overlap")
    @classmethod
    def _is_no_more_than_soft(cls, overlap: Overlap, info: ValidationInfo) -> Overlap:
        if overlap is not Overlap.ALLOW and info.data.get("protection") is Protection.SOFT:
            raise refuse(
                "does something about meetings, and protection: soft leaves meetings alone",
                "Leave overlap out, or write protection: movable",
            )
        return overlap

    @field_validator("always_allow")
    @classmethod
    def _is_an_exception_from_something(cls, organizers: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if organizers and info.data.get("overlap") is Overlap.ALLOW:
            raise refuse(
                "says whose meetings always stand, and with overlap: allow all do",
                "Leave always_allow out, or write overlap: notify or overlap: decline",
            )
        return organizers

    @field_validator("decline_for")
    @classmethod
    def _is_for_declining(cls, group: str | None, info: ValidationInfo) -> str | None:
        overlap = info.data.get("overlap", Overlap.DECLINE)
        if group is not None and overlap is not Overlap.DECLINE:
            raise refuse(
                f"says for whom meetings are declined, and overlap is {overlap}",
                "Leave decline_for out, or write overlap: decline",
            )
        return group


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


class Guard(Section):
    """When a plan is unusual enough to be refused: more than both figures. `--force` lets it through once."""

    share: Annotated[int, *whole_number(0, 100)] = Field(
        default=30, description="Percent of the people with a series, or about to get one, that one plan may touch."
    )
    count: Annotated[int, *whole_number(0, 100_000)] = Field(
        default=10, description="How many people a plan may touch whatever their share."
    )


class Privacy(Section):
    """How few people a figure may be about, and how long what one of them did is remembered."""

    smallest_group: Annotated[int, *whole_number(3, 100)] = Field(
        default=5, description="The fewest people that a published figure may be about. One about fewer is not told."
    )

    keep_days: Annotated[int, *whole_number(90, 3650)] = Field(
        default=90,
        description="How many days it is remembered, under a pseudonym, what each person did with a block. At least "
        "90, a quarter, over which moves_per_quarter is counted.",
    )


class SweepEvery(enum.StrEnum):
    """How often everybody is looked at: lengths of time that a day is made of."""

    QUARTER = "15 minutes"
    HALF_HOUR = "30 minutes"
    HOUR = "1 hour"
    TWO_HOURS = "2 hours"
    FOUR_HOURS = "4 hours"
    SIX_HOURS = "6 hours"
    TWELVE_HOURS = "12 hours"
    DAY = "24 hours"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        count, unit = self.value.split()
        return timedelta(minutes=int(count)) if unit == "minutes" else timedelta(hours=int(count))


class Sweep(Section):
    """When everybody is looked at by itself."""

    every: Annotated[SweepEvery, *choice(SweepEvery, one_of(SweepEvery, "how often to look at everybody"))] = Field(
        default=SweepEvery.HOUR,
        description="How often everybody is looked at. With tenant.notification_url what is touched is looked at at "
        "once, and a sweep is for what nobody was told of.",
    )


class Settings(Section):
    """Everything an organisation asks of Holdfast."""

    version: Annotated[Literal[1], BeforeValidator(_version), WithJsonSchema({"const": 1})] = Field(
        description="The version of this file's form: 1.", examples=[1]
    )
    mode: Annotated[Mode, *choice(Mode, one_of(Mode, "a mode"))] = Field(
        default=Mode.WATCH,
        description="What happens unattended: watch (look and report) or keep (also write to calendars). "
        "`holdfast apply` writes in either, because a person asked.",
    )
    organization: Organization = Field(
        title="Organization",
        description="The organisation: its name, the language its people read and the zone in which times are meant.",
        examples=[{"name": "Fjällvik AB", "language": "sv", "time_zone": "Europe/Stockholm"}],
    )
    tenant: Tenant = Field(
        title="Tenant",
        description="The Microsoft 365 tenant and the way to sign in. The environment can give each value instead.",
    )
    audiences: Mapping[Line, Audience] = Field(
        description="Groups of people, each under a name of your choice that blocks refer to.",
        examples=[{"alla": {"group": "Alla medarbetare"}}],
    )
    goals: tuple[Goal, ...] = Field(default=(), description="What the learning is for.")
    blocks: tuple[Block, ...] = Field(
        description="Learning time. Where two blocks meet in one person's calendar, the first in the file wins.",
        examples=[
            [
                {
                    "id": "lartimmen",
                    "title": "Lärtimmen",
                    "audiences": ["alla"],
                    "every": "week",
                    "day": "thursday",
                    "at": "09:00",
                    "minutes": 60,
                    "from": "2026-12-01",
                }
            ]
        ],
    )
    sweep: Sweep = Field(
        default=Sweep(),
        title="Sweep",
        description="How often everybody is looked at by itself.",
        examples=[{"every": "1 hour"}],
    )
    guard: Guard = Field(
        default=Guard(),
        title="Guard",
        description="When a plan is unusual enough to be refused: above both figures at once.",
    )
    privacy: Privacy = Field(
        default=Privacy(),
        title="Privacy",
        description="What is told of people together, and how long anything is remembered of each.",
    )
    channels: tuple[Channel, ...] = Field(default=(), description="Teams channels in which summaries are posted.")
    messages: tuple[LeaderMessage, ...] = Field(
        default=(), description="What leaders say about learning, each posted once to a channel as a quotation."
    )

    def language_of(self, audience: str) -> Language:
        """The language that an audience reads."""
        return self.audiences[audience].language or self.organization.language

    def language_in(self, channel: Channel) -> Language:
        """The language of a channel's posts."""
        return channel.language or self.organization.language

    def goals_of(self, audience: str) -> tuple[Goal, ...]:
        """The goals that an audience's blocks serve, in the order of the file."""
        served = {goal for block in self.blocks if audience in block.audiences for goal in block.goals}
        return tuple(goal for goal in self.goals if goal.id in served and goal.is_for(audience))

    def holidays_of(self, audience: str) -> Holidays | None:
        """The days without learning time of an audience: its own, else the organisation's."""
        own = self.audiences[audience].holidays
        return self.organization.holidays if own is None else own

    def known_as(self, zone: str) -> str:
        """The name that people know a zone by: the organisation's, or that of a country whose holidays are kept."""
        kept = [self.organization.holidays, *(audience.holidays for audience in self.audiences.values())]
        countries = dict.fromkeys(one.country for one in kept if one and one.country)
        abroad = [name for country in countries for name in zones.in_country(country)]
        return zones.familiar(zone, [self.organization.zone, *abroad])
