"""What tests see of a pretend firm: its mailboxes, what has been asked of them, and series to put there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import unquote

from graph_client.calendars import GraphCalendars
from holdfast.core import recurrence
from holdfast.core.model import (
    DesiredSeries,
    Fingerprint,
    Monthly,
    NthWeekday,
    Occurrence,
    Position,
    Rule,
    Slot,
    Tag,
    Weekday,
    Weekly,
)
from holdfast.core.tag import transaction_id
from sandbox import Exchange, Sandbox, Tenant
from sandbox.directory import Account
from sandbox.mailbox import Mailbox

ZONE = "Europe/Stockholm"
FIRST_DAY = date(2026, 12, 1)
A_YEAR = timedelta(days=365)
EVERY_DATE = recurrence.midnight(ZONE, FIRST_DAY), recurrence.midnight(ZONE, FIRST_DAY + 2 * A_YEAR)
"""A window that has all dates of our series in it."""

RULES: dict[str, Rule] = {
    "every week": Weekly(Weekday.THURSDAY),
    "every 2 weeks": Weekly(Weekday.THURSDAY, 2, 1),
    "every 3 weeks": Weekly(Weekday.MONDAY, 3, 2),
    "on the 15th": Monthly(15),
    "on the 28th of every second month": Monthly(28, 2, 1),
    "on the first Thursday": Monthly(NthWeekday(Position.FIRST, Weekday.THURSDAY)),
    "on the third Monday of every third month": Monthly(NthWeekday(Position.THIRD, Weekday.MONDAY), 3, 2),
    "on the last Friday": Monthly(NthWeekday(Position.LAST, Weekday.FRIDAY)),
}
"""One rule of every kind."""


class TenantTokens:
    """What the tenant issues, without the way over Entra; a new one when it was rejected."""

    def __init__(self, sandbox: Sandbox, tenant: Tenant) -> None:
        self._sandbox = sandbox
        self._tenant = tenant

    async def token(self) -> str:
        return self._sandbox.token(self._tenant)

    async def renew(self, rejected: str, claims: str | None) -> str:
        del rejected, claims
        return await self.token()


@dataclass
class Office:
    """A firm and the port to its calendars. ``asked`` is each call for a mailbox and its answer, in order."""

    tenant: Tenant
    calendars: GraphCalendars
    observers: list[Callable[[Exchange], None]]
    asked: list[Exchange] = field(default_factory=list)

    def note(self, exchange: Exchange) -> None:
        if exchange.in_batch:
            self.asked.append(exchange)

    @property
    def paths(self) -> list[str]:
        """What was asked for, without queries and the mailbox."""
        return [unquote(one.path.partition("?")[0]).split("/", 3)[3] for one in self.asked]

    def person(self, number: int = 0) -> Account:
        return self.tenant.employees[number]

    def id(self, number: int = 0) -> str:
        return self.person(number).id

    def box(self, number: int = 0) -> Mailbox:
        return self.tenant.mailbox(self.id(number))

    def when_asked(self, method: str, path: str, then: Callable[[], object]) -> None:
        """Let something happen right after the first call by ``method`` whose path has ``path`` in it was answered."""
        waiting = [then]

        def watch(exchange: Exchange) -> None:
            if waiting and exchange.in_batch and exchange.method == method and path in unquote(exchange.path):
                waiting.pop()()

        self.observers.append(watch)

    async def make(self, series: DesiredSeries, number: int = 0) -> str:
        """Put a series into somebody's calendar; its id."""
        tag = tag_of(series)
        created = await self.calendars.create(self.id(number), series, tag, transaction_id(series.block, 0))
        return created.event_id

    async def dates(self, event_id: str, number: int = 0) -> tuple[Occurrence, ...]:
        """All dates of a series, as the port gives them."""
        since, until = EVERY_DATE
        return await self.calendars.instances(self.id(number), event_id, since=since, until=until)


def series_of(rule: Rule, *, at: time = time(9), zone: str = ZONE, block: str = "lartimmen") -> DesiredSeries:
    """A series of a rule over a year, begun and ended by dates of it."""
    first = recurrence.next_date(rule, FIRST_DAY)
    return DesiredSeries(
        block=block,
        slot=Slot(rule, at, 60, zone),
        first=first,
        last=recurrence.last_date(rule, first + A_YEAR),
        subject="Lärtimmen",
        body="<p>Tid att lära.</p>",
        category="Lärande",
        reminder=10,
        fingerprint=Fingerprint("9ac1", "77fe"),
    )


def tag_of(series: DesiredSeries, **changed: Any) -> Tag:
    return Tag(
        **{
            "block": series.block,
            "generation": 0,
            "fingerprint": series.fingerprint,
            "first": series.first,
            "last": series.last,
            **changed,
        }
    )


def days_of(series: DesiredSeries, until: date | None = None) -> list[date]:
    """The dates that the rule gives, to the last one of the series or an earlier one."""
    return list(recurrence.dates(series.slot.rule, series.first, until or series.last))


def hours_of(series: DesiredSeries, days: Iterable[date]) -> list[tuple[datetime, datetime]]:
    """When the slot begins and ends on these days, in UTC."""
    return [(recurrence.starts(series.slot, day), recurrence.ends(series.slot, day)) for day in days]
