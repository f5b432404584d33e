"""What a job needs of the world, as Protocols. ``wiring.py`` says which real thing fills which.

Every read gives everything or raises: "could not read" is never "nothing there". What is raised is drawn in
``holdfast.core.errors``; anything else is a defect.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from holdfast.core.model import (
    ActualCalendar,
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

    async def instances(self, mailbox: str, event_id: str, *, since: datetime, until: datetime) -> tuple[Occurrence, ...]:
        """The occurrences of a series that overlap the window, in order of start. Raises ``Gone`` without the series."""
        ...

    async def create(self, mailbox: str, series: DesiredSeries, tag: Tag, transaction_id: str) -> Created:
        """Put a series into the calendar. Raises ``Duplicate`` where Graph has seen the transactionId before."""
        ...

    async def look(self, mailbox: str, event_id: str) -> EventLook:
        """One event, whether tagged or not. Raises ``Gone``."""
        ...

    async def find_by_transaction(
        self, mailbox: str, transaction_id: str, *, since: datetime, until: datetime
    ) -> EventLook | None:
        """The event a create of ours made though its tag was lost, among those that start from ``since`` to ``until``."""
        ...

    async def rewrite(self, mailbox: str, event_id: str, etag: str, series: DesiredSeries, tag: Tag) -> None:
        """Give a series master new words and a new tag; slot and range stay. Raises ``Conflict`` if it changed since."""
        ...

    async def retag(self, mailbox: str, event_id: str, tag: Tag) -> None:
        """Write the tag alone. Raises ``Gone``."""
        ...

    async def delete(self, mailbox: str, event_id: str) -> None:
        """Take an event away; one that is already gone counts as done."""
        ...
