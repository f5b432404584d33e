"""When a person may get a message from us: seldom, and never when they are not at work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from holdfast.core.hours import works_between
from holdfast.core.model import FreeBusy, Weekday, WorkingHours

MOST_A_WEEK = 2
"""How many messages a person gets in any seven days, whatever they are about."""

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
