"""A plan: the changes that make calendars equal to the settings, as data that sorts, prints and serialises."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

from holdfast.core.model import (
    EDITED,
    ActualSeries,
    DesiredSeries,
    Landing,
    Monthly,
    NthWeekday,
    Occurrence,
    Rule,
    Slot,
    Tag,
    Told,
    Weekly,
)


class Reason(enum.StrEnum):
    """Why a change is made, in words an admin reads."""

    NEW = "new to the audience"
    REMADE = "the series was gone"
    CONTINUED = "the series is running out"
    RESCHEDULED = "the block got another time"
    EDITED = "the block's text or reminder changed"
    SHORTENED = "the block ends earlier"
    DOUBLE = "the series stood there twice"
    UNFINISHED = "its end was not finished"
    ZONE = "their mailbox has moved to another time zone"
    OUTSIDE = "outside their working hours"
    DAY_OFF = "no learning time on that day"
    FOUND = "its mark was lost"
    WEEKS = "what to learn in the coming weeks"
    DISPLACED = "another block takes its time"
    LEFT = "no longer in the audience"
    DROPPED = "the block is no longer in the settings"
    REMOVED = "removed by command"
    ERASED = "removed by command, with its past"


DELIBERATE = frozenset(
    {
        Reason.NEW,
        Reason.RESCHEDULED,
        Reason.EDITED,
        Reason.SHORTENED,
        Reason.DISPLACED,
        Reason.LEFT,
        Reason.DROPPED,
        Reason.ZONE,
        Reason.OUTSIDE,
    }
)
"""Reasons that come from an edit, a group or the directory, mailboxes' own settings included: the guard counts them."""


@dataclass(frozen=True, slots=True)
class Create:
    """Put a series into the calendar, and take out or move the dates of the coming 13 weeks that cannot stay."""

    block: str
    generation: int
    series: DesiredSeries
    reason: Reason
    landings: tuple[Landing, ...] = ()

    @property
    def tag(self) -> Tag:
        """What marks the new series as ours."""
        series = self.series
        return Tag(self.block, self.generation, series.fingerprint, series.first, series.last, told=series.told)

    @property
    def writes(self) -> int:
        """Graph writes this takes."""
        return 1 + len(self.landings)


@dataclass(frozen=True, slots=True)
class Skip:
    """Take one date out of a series, because there is no learning time on that day."""

    block: str
    actual: ActualSeries
    occurrence: Occurrence
    landing: Landing
    slot: Slot
    reason: Reason

    @property
    def writes(self) -> int:
        """Graph writes this takes."""
        return 1


@dataclass(frozen=True, slots=True)
class Move:
    """Move one date of a series to a day of the same week that has learning time, at the slot's hours."""

    block: str
    actual: ActualSeries
    occurrence: Occurrence
    landing: Landing
    slot: Slot
    reason: Reason

    @property
    def writes(self) -> int:
        """Graph writes this takes."""
        return 1


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Give a series new words; its slot, its dates and what people did with them stay."""

    block: str
    actual: ActualSeries
    series: DesiredSeries
    reason: Reason

    @property
    def tag(self) -> Tag:
        """The tag with the new fingerprint."""
        return replace(self.actual.tag, fingerprint=self.series.fingerprint, told=self.series.told)

    @property
    def writes(self) -> int:
        """Graph writes this takes."""
        return 1


@dataclass(frozen=True, slots=True)
class Retell:
    """Let the body of a series tell of the weeks that come now, unless it is somebody's own text by now."""

    block: str
    actual: ActualSeries
    series: DesiredSeries
    reason: Reason

    @property
    def tag(self) -> Tag:
        """The tag with what is told."""
        return replace(self.actual.tag, told=self.series.told)

    @property
    def edited(self) -> Tag:
        """The tag of a series whose text is left from now on."""
        weeks = self.series.told.weeks if self.series.told else 0
        return replace(self.actual.tag, told=Told(weeks, EDITED))

    @property
    def before(self) -> str:
        """The mark that the body has where nobody has edited it."""
        return self.actual.tag.told.text if self.actual.tag.told else self.series.untold

    @property
    def writes(self) -> int:
        """Graph writes this takes."""
        return 1


@dataclass(frozen=True, slots=True)
class End:
    """End a series from the day ``since`` on and keep its past.

    ``occurrences`` are the event ids to delete one by one, after the series says that it is being ended and before
    ``tag`` says that it is; a series of which nothing has happened yet is ``whole`` and deleted with its master. With
    ``range_end`` the recurrence is ended after that date, together with the tag, and takes away the rest.
    """

    block: str
    actual: ActualSeries
    since: date
    reason: Reason
    tag: Tag
    whole: bool
    occurrences: tuple[str, ...]
    range_end: date | None = None

    @property
    def writes(self) -> int:
        """Graph writes this takes: the deletions, and the tag before and after them."""
        if self.whole:
            return 1
        return len(self.occurrences) + self.has_to_begin + 1

    @property
    def has_to_begin(self) -> bool:
        """Whether the tag has to say first that occurrences are being taken away."""
        return bool(self.occurrences) and not self.actual.tag.ending


Change = Create | Skip | Move | Rewrite | Retell | End


@dataclass(frozen=True, slots=True)
class Planned:
    """The changes of one mailbox, in the order they are carried out."""

    mailbox: str
    address: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that would be changed, ordered by address, whatever order the people were read in."""

    mailboxes: tuple[Planned, ...]

    @classmethod
    def of(cls, mailboxes: Iterable[Planned]) -> Plan:
        """The plan of these mailboxes; those without changes are left out."""
        return cls(tuple(sorted((m for m in mailboxes if m.changes), key=lambda m: (m.address, m.mailbox))))

    def __bool__(self) -> bool:
        return bool(self.mailboxes)

    @property
    def changes(self) -> list[Change]:
        """All changes of all mailboxes."""
        return [change for planned in self.mailboxes for change in planned.changes]

    @property
    def writes(self) -> int:
        """Graph writes in all."""
        return sum(change.writes for change in self.changes)

    @property
    def mails(self) -> int:
        """Mails that carrying out the plan sends. Blocks have no attendees, so a change of one never sends any."""
        return 0

    @property
    def checksum(self) -> str:
        """Twelve hex digits that are equal exactly when the rows of two plans are."""
        return checksum(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """The plan as plain data, one row a change."""
        return [
            {"mailbox": planned.address, "id": planned.mailbox, **row(change)}
            for planned in self.mailboxes
            for change in planned.changes
        ]


def checksum(rows: list[dict[str, Any]]) -> str:
    """The checksum of a plan with these rows."""
    text = json.dumps(rows, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def row(change: Change) -> dict[str, Any]:
    """One change as plain data."""
    shown: dict[str, Any] = {"block": change.block, "reason": change.reason.name.lower(), "writes": change.writes}
    match change:
        case Create(generation=generation, series=series) as series_change:
            dates = {"first": series.first.isoformat(), "last": series.last.isoformat()}
            words = {"subject": series.subject, "fingerprint": "-".join(series.fingerprint)}
            return {
                "change": "create",
                **shown,
                "generation": generation,
                "slot": slot_text(series.slot),
                **dates,
                **words,
                "days_off": [_landing(landing) for landing in series_change.landings],
            }
        case Skip(actual=actual, landing=landing):
            return {"change": "skip", **shown, "generation": actual.tag.generation, **_landing(landing)}
        case Move(actual=actual, landing=landing, slot=slot):
            moved = {"slot": slot_text(slot), **_landing(landing)}
            return {"change": "move", **shown, "generation": actual.tag.generation, **moved}
        case Rewrite(actual=actual, series=series):
            words = {"subject": series.subject, "fingerprint": "-".join(series.fingerprint)}
            return {"change": "rewrite", **shown, "generation": actual.tag.generation, **words}
        case Retell(actual=actual, series=series):
            weeks = series.told.weeks if series.told else 0
            return {"change": "retell", **shown, "generation": actual.tag.generation, "weeks": weeks}
        case End(actual=actual, since=since, whole=whole, range_end=range_end):
            return {
                "change": "end",
                **shown,
                "generation": actual.tag.generation,
                "since": since.isoformat(),
                "whole": whole,
                "range_end": range_end and range_end.isoformat(),
            }


def _landing(landing: Landing) -> dict[str, Any]:
    return {"day": landing.day.isoformat(), "to": landing.to and landing.to.isoformat(), "name": landing.name}


def days_text(rule: Rule) -> str:
    """The days of a rule for a person to read."""
    match rule:
        case Weekly(weekday, interval):
            days = f"{weekday.name.capitalize()}s"
            return days if interval == 1 else f"{days} every {interval} weeks"
        case Monthly(NthWeekday(position, weekday), interval):
            days = f"The {position.name.lower()} {weekday.name.capitalize()}"
        case Monthly(day, interval):
            days = f"Day {day}"
    return f"{days} of every month" if interval == 1 else f"{days} every {interval} months"


def slot_text(slot: Slot) -> str:
    """A slot for a person to read: days, begin, end and zone."""
    return f"{days_text(slot.rule)} {hours_text(slot.at, slot.minutes)} {slot.zone}"


def hours_text(at: time, minutes: int) -> str:
    """A stretch of the day, from ``at`` on, for a person to read."""
    hour, minute = divmod(at.hour * 60 + at.minute + minutes, 60)
    return f"{at:%H:%M}-{hour:02}:{minute:02}"


class UnsafePlan(Exception):
    """The plan touches unusually many people; nothing has been written."""

    def __init__(self, touched: int, managed: int, share: int, count: int) -> None:
        super().__init__(
            f"The plan changes the blocks of {touched} of {managed} people, more than {share} % and more than {count}. "
            "Nothing was written. If that is what you want, look through the plan and run `holdfast apply --force`; "
            "if not, look at the last edit of the settings and at the groups."
        )
        self.touched = touched
        self.managed = managed


def guard(plan: Plan, *, managed: Collection[str], complete: Collection[str], share: int, count: int) -> None:
    """Refuse a plan that an edit, a group or the directory has made unusually large.

    ``managed`` are the mailboxes that have a series or would newly get one; ``complete`` the blocks once applied to
    their whole audience: others are being introduced, and a person confirms that instead; but that people have left is
    no part of it. Raises ``UnsafePlan`` above ``share`` per cent and ``count`` people.
    """
    touched = {
        planned.mailbox for planned in plan.mailboxes if any(is_guarded(change, complete) for change in planned.changes)
    }
    check_share(len(touched), len({*managed, *touched}), share=share, count=count)


def is_guarded(change: Change, complete: Collection[str]) -> bool:
    """Whether the guard counts a change. ``complete`` are the blocks once applied to their whole audience.

    Where a third of an audience never gets a mailbox, a block is never that, and a group that is emptied ends it for
    everybody else all the same.
    """
    return change.reason in DELIBERATE and (change.block in complete or change.reason is Reason.LEFT)


def check_share(touched: int, managed: int, *, share: int, count: int) -> None:
    """Refuse to touch so many of so many people at once: raises ``UnsafePlan`` as ``guard`` does."""
    if touched > count and touched * 100 > managed * share:
        raise UnsafePlan(touched, managed, share, count)
