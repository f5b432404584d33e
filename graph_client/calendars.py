"""Our events in people's calendars, over the bulk road: the port ``Calendars``.

Of an event nothing is ever asked but the properties named here: never a subject, a body or attendees.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any
from urllib.parse import quote

from graph_client import translate
from graph_client.batch import Call, Dispatcher
from graph_client.permissions import READ_CALENDAR, READ_FREE_BUSY, READ_MAILBOX_SETTINGS, WRITE_CALENDAR
from holdfast.core import tag as tags
from holdfast.core.errors import Gone, Unexpected
from holdfast.core.model import (
    PEOPLE,
    ActualCalendar,
    Created,
    DesiredSeries,
    EventLook,
    FreeBusy,
    Meeting,
    Occurrence,
    Profile,
    Slot,
    Stretch,
    Tag,
    View,
)
from holdfast.core.overlap import ASKED_OF_OTHERS

OF_OURS = "id,type,createdDateTime,start,end,showAs,recurrence"
"""What is asked of tagged events, besides the tag."""

OF_ONE_EVENT = "id,type,transactionId,start,recurrence"
"""What is asked of one event by its id, besides the tag."""

OF_ANY_EVENT = "id,type,transactionId"
"""What is asked of events among which one of ours is looked for: the mark that we alone write, empty on all others."""

OF_OTHERS = ",".join(ASKED_OF_OTHERS)
"""What is asked of everything in a stretch of a calendar, to tell what stands on top of a block."""

OF_OCCURRENCES = "id,type,start,end,originalStart,showAs"
"""What is asked of the occurrences of a series."""

OF_ABSENCES = "id,type,start,end,showAs"
"""What is asked of everything in a stretch of a calendar, to learn when its owner is out of office."""

_PAGE = 50
_PLAIN = "(),/:'"
_SPECIAL = re.compile(r"[^\w.~-]", re.ASCII)
_MALFORMED_ID = "errorinvalididmalformed"


def _query(**options: str) -> str:
    """The query of a URL, from OData options without their dollar sign; ``startDateTime`` and its like have none."""
    return "&".join(
        f"{'' if name.endswith('Time') else '$'}{name}={quote(value, safe=_PLAIN)}" for name, value in options.items()
    )


_THE_TAG = f"singleValueExtendedProperties($filter=id eq '{tags.PROPERTY_ID}')"
_TAGGED = (
    f"singleValueExtendedProperties/Any(ep: ep/id eq '{tags.PROPERTY_ID}' and startswith(ep/value,'{tags.PREFIX}'))"
)
_READ = _query(filter=_TAGGED, expand=_THE_TAG, select=OF_OURS, top=str(_PAGE))
_LOOK = _query(select=OF_ONE_EVENT, expand=_THE_TAG)
_FOREIGN = _query(select=OF_OTHERS, expand=_THE_TAG)


class GraphCalendars:
    """Fills the port ``Calendars`` over ``$batch``. Raises nothing but what ``holdfast.core.errors`` draws."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def profile(self, mailbox: str) -> Profile:
        """What the mailbox says of itself; ``zone_since`` is left to whoever remembers.

        Part by part, because the whole of a mailbox's settings holds the person's automatic replies
        (``api/user-get-mailboxsettings.md``).
        """
        purpose = translate.understood(translate.purpose, await self._setting(mailbox, "userPurpose"))
        if purpose not in PEOPLE:
            return Profile(purpose)
        hours = translate.understood(translate.working_hours, await self._setting(mailbox, "workingHours"))
        zone = translate.understood(translate.zone, await self._setting(mailbox, "timeZone"))
        return Profile(purpose, hours, zone)

    async def free_busy(
        self, mailbox: str, addresses: Sequence[str], *, since: datetime, until: datetime, step: timedelta
    ) -> list[FreeBusy]:
        """How free people are, asked as ``mailbox``; of the answer only the digits and the working hours are looked at.

        At most twenty and for less than 62 days (``api/calendar-getschedule.md``). It counts as a call to ``mailbox``.
        """
        body = {
            "schedules": list(addresses),
            "startTime": {"dateTime": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
            "endTime": {"dateTime": f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
            "availabilityViewInterval": int(step.total_seconds()) // 60,
        }
        call = Call(mailbox, "POST", f"{_user(mailbox)}/calendar/getSchedule", READ_FREE_BUSY, body)
        raw = await self._dispatcher.ok(call)
        return translate.understood(lambda answer: translate.free_busy(answer, since, step), raw)

    async def read(self, mailbox: str) -> ActualCalendar:
        """Every tagged series master and single event, copies of one tag included, found by the tag's beginning.

        ``$filter`` on ``/events`` searches these, and a tag is only given where it is expanded
        (``api/singlevaluelegacyextendedproperty-get.md``).
        """
        first = Call(mailbox, "GET", f"{_user(mailbox)}/events?{_READ}", READ_CALENDAR)
        raws = await self._dispatcher.whole(first)
        series = [translate.understood(translate.series_master, raw) for raw in raws]
        singles = [translate.understood(translate.single, raw) for raw in raws]
        return ActualCalendar(mailbox, tuple(filter(None, series)), tuple(filter(None, singles)))

    async def instances(
        self, mailbox: str, event_id: str, *, since: datetime, until: datetime
    ) -> tuple[Occurrence, ...]:
        """The occurrences and exceptions that overlap the window, by start. Raises ``Gone`` without the series.

        The window is sent in UTC: without an offset Graph would take it so anyway (``api/event-list-instances.md``).
        """
        url = f"{_event(mailbox, event_id)}/instances?{_dates(since, until)}"
        rows = await self._dispatcher.whole(Call(mailbox, "GET", url, READ_CALENDAR))
        return tuple(sorted(translate.understood(translate.occurrences, rows), key=attrgetter("starts")))

    async def create(self, mailbox: str, series: DesiredSeries, tag: Tag, transaction_id: str) -> Created:
        """Put a series into the calendar (``api/user-post-events.md``).

        Raises ``Duplicate`` where Graph has seen the transactionId before, also where it was a lost answer to this very
        call that Graph has seen it in.
        """
        body = translate.event(series, tag, transaction_id)
        call = Call(mailbox, "POST", f"{_user(mailbox)}/events", WRITE_CALENDAR, body)
        return translate.understood(translate.created, await self._dispatcher.ok(call))

    async def look(self, mailbox: str, event_id: str) -> EventLook:
        """One event, whether tagged or not. Raises ``Gone``, also for an id that this mailbox cannot have."""
        call = Call(mailbox, "GET", f"{_event(mailbox, event_id)}?{_LOOK}", READ_CALENDAR)
        try:
            return translate.understood(translate.look, await self._dispatcher.ok(call))
        except Unexpected as error:
            if error.code.lower() != _MALFORMED_ID:
                raise
            raise Gone(error.message, status=error.status, code=error.code, request_id=error.request_id) from error

    async def find_by_transaction(
        self, mailbox: str, transaction_ids: Collection[str], *, since: datetime, until: datetime
    ) -> EventLook | None:
        """The first event that carries one of the transactionIds, among those that start from ``since`` to ``until``.

        The events in the window may be anybody's, so the list asks for little and the one that matches is looked at.
        """
        window = f"start/dateTime ge '{_utc(since)}' and start/dateTime le '{_utc(until)}'"
        query = _query(filter=window, select=OF_ANY_EVENT, top=str(_PAGE))
        async for page in self._dispatcher.pages(
            Call(mailbox, "GET", f"{_user(mailbox)}/events?{query}", READ_CALENDAR)
        ):
            for raw in page:
                event_id, carried = translate.understood(lambda one: (one["id"], one.get("transactionId")), raw)
                if carried in transaction_ids:
                    return await self.look(mailbox, event_id)
        return None

    async def put(self, mailbox: str, series: DesiredSeries, tag: Tag, day: date, transaction_id: str) -> Created:
        """Put a single event, as a date of the series, into the calendar. Raises ``Duplicate`` like ``create``."""
        body = translate.one_event(series, tag, day, transaction_id)
        call = Call(mailbox, "POST", f"{_user(mailbox)}/events", WRITE_CALENDAR, body)
        return translate.understood(translate.created, await self._dispatcher.ok(call))

    async def make_busy(self, mailbox: str, event_id: str) -> None:
        """Let an event or one occurrence show as busy. Raises ``Gone``."""
        await self._patch(mailbox, event_id, {"showAs": "busy"})

    async def away(self, mailbox: str, *, since: datetime, until: datetime) -> list[Stretch]:
        """The times between two instants for which the owner has an out-of-office event.

        ``calendarView`` has no filter for it (``api/user-list-calendarview.md``), so each event of the time is asked
        for no more than when it is and how it shows.
        """
        window = _query(startDateTime=_utc(since), endDateTime=_utc(until), select=OF_ABSENCES, top=str(_PAGE))
        call = Call(mailbox, "GET", f"{_user(mailbox)}/calendarView?{window}", READ_CALENDAR)
        found = [translate.understood(translate.absence, raw) for raw in await self._dispatcher.whole(call)]
        return [stretch for stretch in found if stretch is not None]

    async def view(self, mailbox: str, ours: Collection[str], *, since: datetime, until: datetime) -> View:
        """A stretch of a calendar: the dates of the series with the ids ``ours``, and what else takes up time."""
        window = _query(startDateTime=_utc(since), endDateTime=_utc(until), select=OF_OTHERS, top=str(_PAGE))
        call = Call(mailbox, "GET", f"{_user(mailbox)}/calendarView?{window}", READ_CALENDAR)
        rows = await self._dispatcher.whole(call)
        return translate.understood(lambda found: translate.view(found, ours), rows)

    async def meeting(self, mailbox: str, event_id: str) -> Meeting:
        """An event that may be somebody else's, as it is now.

        Raises ``Gone``, also where it takes up no time any more: it was called off, or its owner was let off.
        """
        url = f"{_event(mailbox, event_id)}?{_query(select=OF_OTHERS)}"
        raw = await self._dispatcher.ok(Call(mailbox, "GET", url, READ_CALENDAR))
        if not translate.understood(translate.takes_time, raw):
            raise Gone("The meeting takes up no time any more.")
        return translate.understood(translate.meeting, raw)

    async def foreign(self, mailbox: str, event_id: str) -> Meeting | None:
        """An event on one date that is for sure not ours, whether it takes up time or not; else None. Raises ``Gone``.

        One that carries no tag may still be a date of a series of ours: whether dates show their series' tag is not
        documented.
        """
        url = f"{_event(mailbox, event_id)}?{_FOREIGN}"
        raw = await self._dispatcher.ok(Call(mailbox, "GET", url, READ_CALENDAR))
        return translate.understood(translate.foreign, raw)

    async def decline(self, mailbox: str, event_id: str, *, comment: str | None, proposed: Stretch | None) -> None:
        """Decline an invitation; with a comment its organiser is told. Raises ``Gone`` (``api/event-decline.md``)."""
        url = f"{_event(mailbox, event_id)}/decline"
        body = translate.answer(comment, proposed)
        await self._dispatcher.ok(Call(mailbox, "POST", url, WRITE_CALENDAR, body))

    async def move(self, mailbox: str, event_id: str, slot: Slot, day: date) -> None:
        """Put one occurrence on another day, at the slot's hours. Raises ``Crossing`` and ``Gone``."""
        await self._patch(mailbox, event_id, translate.hours(slot, day))

    async def shorten(self, mailbox: str, event_id: str, last: date, tag: Tag) -> None:
        """End the recurrence of a series after ``last`` and write its tag, in one change. Raises ``Gone``.

        All else of the recurrence goes back as it was read, since a change of it would make the series anew.
        """
        query = _query(select="id,recurrence")
        raw = await self._dispatcher.ok(Call(mailbox, "GET", f"{_event(mailbox, event_id)}?{query}", READ_CALENDAR))
        body, etag = translate.understood(lambda one: (translate.ended(one, last, tag), one["@odata.etag"]), raw)
        await self._patch(mailbox, event_id, body, if_match=etag)

    async def rewrite(
        self, mailbox: str, event_id: str, etag: str, series: DesiredSeries, tag: Tag, *, keeps_text: bool = False
    ) -> None:
        """Give a series master new words and a new tag. Raises ``Conflict`` if it changed since ``etag`` was read.

        With ``keeps_text`` its subject and body are left as they are.
        """
        body = translate.words(series, tag)
        if keeps_text:
            del body["subject"], body["body"]
        await self._patch(mailbox, event_id, body, if_match=etag)

    async def body(self, mailbox: str, event_id: str) -> str:
        """The body of an event of ours, as HTML. Raises ``Gone``."""
        url = f"{_event(mailbox, event_id)}?{_query(select='id,body')}"
        raw = await self._dispatcher.ok(Call(mailbox, "GET", url, READ_CALENDAR))
        return translate.understood(lambda one: str(one["body"]["content"]), raw)

    async def retell(self, mailbox: str, event_id: str, body: str, tag: Tag) -> None:
        """Write another body and the tag, and nothing else. Raises ``Gone``."""
        await self._patch(mailbox, event_id, translate.body(body, tag))

    async def retag(self, mailbox: str, event_id: str, tag: Tag) -> None:
        """Write the tag alone. Raises ``Gone``."""
        await self._patch(mailbox, event_id, translate.mark(tag))

    async def delete(self, mailbox: str, event_id: str) -> None:
        """Take an event away; one that is gone already counts as done, as the first of two tries may have done it."""
        try:
            await self._dispatcher.ok(Call(mailbox, "DELETE", _event(mailbox, event_id), WRITE_CALENDAR))
        except Gone:
            return

    async def tag_of(self, mailbox: str, event_id: str) -> Tag | None:
        """The tag that an event or an occurrence shows. Raises ``Gone``."""
        return (await self.look(mailbox, event_id)).tag

    async def found_in_capitals(self, mailbox: str, event_id: str, tag: Tag) -> bool:
        """Whether a filter finds the event by its tag written in capitals."""
        value = tags.text(tag).upper()
        any_case = f"singleValueExtendedProperties/Any(ep: ep/id eq '{tags.PROPERTY_ID}' and ep/value eq '{value}')"
        query = _query(filter=any_case, select="id", top=str(_PAGE))
        first = Call(mailbox, "GET", f"{_user(mailbox)}/events?{query}", READ_CALENDAR)
        async for page in self._dispatcher.pages(first):
            if any(translate.understood(lambda one: one["id"], raw) == event_id for raw in page):
                return True
        return False

    async def _setting(self, mailbox: str, part: str) -> Any:  # noqa: ANN401 - JSON is what it is
        call = Call(mailbox, "GET", f"{_user(mailbox)}/mailboxSettings/{part}", READ_MAILBOX_SETTINGS)
        return await self._dispatcher.ok(call)

    async def _patch(
        self, mailbox: str, event_id: str, body: Mapping[str, Any], *, if_match: str | None = None
    ) -> None:
        await self._dispatcher.ok(Call(mailbox, "PATCH", _event(mailbox, event_id), WRITE_CALENDAR, body, if_match))


@functools.lru_cache(maxsize=64)
def _dates(since: datetime, until: datetime) -> str:
    """The query for the occurrences in a window. Kept, because most calendars are asked for the same window."""
    return _query(startDateTime=_utc(since), endDateTime=_utc(until), select=OF_OCCURRENCES, top=str(_PAGE))


def _user(mailbox: str) -> str:
    return f"/users/{quote(mailbox, safe='')}"


def _event(mailbox: str, event_id: str) -> str:
    """The address of an event; ids may hold slashes and the like, and are case-sensitive."""
    return f"{_user(mailbox)}/events/{_SPECIAL.sub(lambda found: _quoted(found[0]), event_id)}"


@functools.cache
def _quoted(character: str) -> str:
    """Kept, because ``quote`` looks at every character of an id that has a special one, and ids are long."""
    return quote(character, safe="")


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
