"""What a job needs of the world, as Protocols. ``wiring.py`` says which real thing fills which.

Every read gives everything or raises: "could not read" is never "nothing there". What is raised is drawn in
``holdfast.core.errors``; anything else is a defect.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from holdfast.core.model import (
    ActualCalendar,
    Clock,
    Created,
    DesiredSeries,
    EventLook,
    Group,
    Occurrence,
    Person,
    Purpose,
    Tag,
)


class Directory(Protocol):
    """Groups and the people in them."""

    async def groups(self, text: str) -> Sequence[Group]:
        """All groups whose id, mail address or display name is ``text``; empty when there is none."""
        ...

    def members(self, group_id: str) -> AsyncIterator[Person]:
        """Everyone in the group, through nested groups, each once. Raises ``Gone`` for an unknown group."""
        ...


class Calendars(Protocol):
    """Our own events in people's calendars. ``mailbox`` is the user's directory id throughout."""

    async def purpose(self, mailbox: str) -> Purpose:
        """What the mailbox is for."""
        ...

    async def read(self, mailbox: str) -> ActualCalendar:
        """Every tagged series master of the mailbox, ended ones included."""
        ...

    async def instances(
        self, mailbox: str, event_id: str, *, since: datetime, until: datetime
    ) -> tuple[Occurrence, ...]:
        """The occurrences of a series that overlap the window, by start. Raises ``Gone`` without the series."""
        ...

    async def create(self, mailbox: str, series: DesiredSeries, tag: Tag, transaction_id: str) -> Created:
        """Put a series into the calendar. Raises ``Duplicate`` where Graph has seen the transactionId before."""
        ...

    async def look(self, mailbox: str, event_id: str) -> EventLook:
        """One event, whether tagged or not. Raises ``Gone``."""
        ...

    async def find_by_transaction(
        self, mailbox: str, transaction_ids: Collection[str], *, since: datetime, until: datetime
    ) -> EventLook | None:
        """An event that a create of ours made, its tag lost, of those that start from ``since`` to ``until``."""
        ...

    async def rewrite(self, mailbox: str, event_id: str, etag: str, series: DesiredSeries, tag: Tag) -> None:
        """Give a series new words and a new tag; slot and range stay. Raises ``Conflict`` if it changed since."""
        ...

    async def retag(self, mailbox: str, event_id: str, tag: Tag) -> None:
        """Write the tag alone. Raises ``Gone``."""
        ...

    async def delete(self, mailbox: str, event_id: str) -> None:
        """Take an event away; one that is already gone counts as done."""
        ...


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person has said yes to: the settings in force, the groups they meant, the blocks introduced to everybody.

    ``groups`` pins each group text of the settings to the group's id, by the path of its key, so that a group of the
    same name cannot take its place.
    """

    fingerprint: str
    settings: str
    at: datetime
    groups: Mapping[str, tuple[str, str]]
    complete: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Placed:
    """That a mailbox has been given blocks: how leavers are found again."""

    mailbox: str
    address: str
    blocks: frozenset[str]


class State(Protocol):
    """What is remembered between runs. Losing it loses no block: the calendars are the record."""

    async def approval(self) -> Approval | None:
        """The approval in force."""
        ...

    async def approve(self, approval: Approval) -> None:
        """Put another approval in force."""
        ...

    async def withdraw(self) -> None:
        """Forget the approval, so that nothing is written until the next ``apply``."""
        ...

    async def placed(self) -> Mapping[str, Placed]:
        """Everybody who has been given blocks and not yet had them all ended, by mailbox."""
        ...

    async def place(self, placed: Placed) -> None:
        """Remember what a mailbox has; with no blocks left, forget it."""
        ...

    async def purposes(self, *, since: datetime) -> Mapping[str, Purpose]:
        """What mailboxes are for, as far as it was learned at ``since`` or later."""
        ...

    async def learn_purpose(self, mailbox: str, purpose: Purpose, at: datetime) -> None:
        """Remember what a mailbox is for."""
        ...

    async def floors(self) -> Mapping[str, int]:
        """The first generation to use for a block, where a removal took away all trace of earlier ones."""
        ...

    async def raise_floor(self, block: str, generation: int) -> None:
        """Use at least this generation for a block from now on."""
        ...

    async def last_run(self) -> Mapping[str, Any] | None:
        """The report of the last run, as plain data."""
        ...

    async def record_run(self, run: Mapping[str, Any]) -> None:
        """Remember a run as the last one."""
        ...


class Progress(Protocol):
    """Told how far a job has come."""

    def __call__(self, doing: str, done: int, total: int) -> None:
        """``done`` of ``total`` mailboxes are through with what is being done."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a job needs of the world, in one hand."""

    directory: Directory
    calendars: Calendars
    state: State
    clock: Clock
