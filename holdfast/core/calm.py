"""When a person or a channel may get a message from us: seldom, and a person never when they are not at work."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from holdfast.core.hours import works_between
from holdfast.core.model import FreeBusy, Weekday, WorkingHours

MOST_A_WEEK = 2
"""How many messages a person, and how many posts a channel, gets in any seven days, whatever they are about."""

A_WEEK = timedelta(days=7)

OFFICE_HOURS = WorkingHours(frozenset(list(Weekday)[:5]), time(8), time(17), zone=None)
"""When people are taken to work of whom it is not known."""

_AWAY = "3"
_A_MOMENT = timedelta(minutes=1)


def is_at_work(person: FreeBusy | None, *, zone: str, now: datetime) -> bool:
    """Whether a person works now and is not out of office, as far as their free and busy times tell."""
    hours = (person.hours if person else None) or OFFICE_HOURS
    if not works_between(now, now + _A_MOMENT, hours, zone=zone):
        return False
    return person is None or _AWAY not in person.view[person.steps(now, now + _A_MOMENT)]


def may_write(sent: Iterable[datetime], *, now: datetime) -> bool:
    """Whether a person who got messages at these instants may get another one."""
    return len({at for at in sent if at > now - A_WEEK}) < MOST_A_WEEK


class Rank(enum.IntEnum):
    """What is posted to a channel: what comes first, where there is not room for all."""

    MESSAGE = 0
    PACK = 1
    SUMMARY = 2


class Turn(enum.Enum):
    """Whether a post has its turn."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


def turn(days: Sequence[date], made: Iterable[date], ahead: Iterable[date]) -> Turn:
    """Whether a post may be made on the first of ``days``, on a later one of them, or not at all.

    It may where no seven days in a row get more than two posts by it: of those ``made`` on their days, and of those
    ``ahead`` that come first by their rank. Days are counted, and not hours, so that a post of every week does not come
    a little later each time.
    """
    others = [*made, *ahead]
    free = next((day for day in days if first_overfull([*others, day], day) is None), None)
    if free is None:
        return Turn.NEVER
    return Turn.NOW if free == days[0] else Turn.LATER


def first_overfull(posts: Iterable[date], day: date) -> date | None:
    """The first day of a week, of any seven days around ``day``, that has more posts than a channel gets."""
    days = list(posts)
    weeks = (day - timedelta(days=back) for back in reversed(range(A_WEEK.days)))
    return next(
        (begins for begins in weeks if sum(begins <= one < begins + A_WEEK for one in days) > MOST_A_WEEK), None
    )
