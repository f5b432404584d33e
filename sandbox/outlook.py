"""Calendars over Graph."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.calendars import Found
from sandbox.errors import GraphError, access_denied, bad_query, bad_request, no_mailbox
from sandbox.event import Event, Occurrence
from sandbox.exchange import Answer, Call
from sandbox.filters import Condition, Field, Lambda, parse
from sandbox.mailbox import Mailbox
from sandbox.mishaps import takes, touched
from sandbox.parsing import draft, tag_id
from sandbox.query import PageSize, page, refuse_others, selected
from sandbox.rendering import Seen, Shape, etag, properties
from sandbox.schema import EVENT_PROPERTIES, ONLY_SELECTED

_USUAL_PAGE = 10

READ_BASIC = frozenset({"Calendars.ReadBasic", "Calendars.ReadBasic.All"})
READ = frozenset({"Calendars.Read", "Calendars.ReadWrite"})
WRITE = frozenset({"Calendars.ReadWrite"})

_NO_OPTIONS: frozenset[str] = frozenset()
_ONE_OPTIONS = frozenset({"$select", "$expand"})
_LIST_OPTIONS = frozenset({"$select", "$expand", "$filter", "$orderby", "$top", "$skip", "$count", "$skiptoken"})
_EXPAND = re.compile(r"singleValueExtendedProperties\s*\(\s*\$filter\s*=\s*id eq '([^']*)'\s*\)", re.IGNORECASE)
_OLDER_PROPERTIES = frozenset(EVENT_PROPERTIES) - ONLY_SELECTED
_ORDERS: dict[str, Callable[[Occurrence], Any]] = {
    "start/datetime": lambda one: one.starts,
    "end/datetime": lambda one: one.ends,
    "subject": lambda one: one.value("subject").lower(),
    "createddatetime": lambda one: one.event.created,
    "lastmodifieddatetime": lambda one: one.event.modified,
}
_COMPARED = frozenset({"eq", "ne"})
_TEXTS = _COMPARED | {"startswith", "endswith", "contains"}


class Row(NamedTuple):
    """An event in a list: what a filter looks at."""

    mailbox: Mailbox
    what: Occurrence
    master: bool


Work = Callable[[Call, Mailbox], Answer]


async def in_mailbox(call: Call, work: Work, roles: frozenset[str]) -> Answer:
    """Do something in the mailbox that a call names, if the caller may and the pace allows."""
    tenant, caller = call.tenant, call.caller
    account = tenant.account(call.segments[1])
    if account is None:
        if not caller.may(roles) and caller.application.mailboxes is None:
            raise access_denied()
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{call.segments[1]}' is invalid.")
    if not caller.may(roles, account.id):
        raise access_denied()
    mailbox = account.mailbox
    if mailbox is None or mailbox.is_awaited:
        raise no_mailbox()
    client = caller.application.client_id
    tenant.throttle.enter(client, mailbox, call.arrival)
    try:
        if seconds := takes(call):
            await tenant.clock.sleep(seconds)
        else:
            await asyncio.sleep(0)
        if mailbox.denied:
            raise access_denied()
        return touched(call, mailbox, work)
    finally:
        tenant.throttle.leave(client, mailbox)


def list_events(call: Call, mailbox: Mailbox) -> Answer:
    """``GET .../events``: single events and series masters, never occurrences."""
    shape = _shape(call, mailbox, _LIST_OPTIONS)
    rows = [Row(mailbox, _whole(event), event.is_series) for event in mailbox.events]
    return _listed(call, rows, shape)


def calendar_view(call: Call, mailbox: Mailbox) -> Answer:
    """``GET .../calendarView``: everything that overlaps the window, series expanded, never a master."""
    since, until = _window(call)
    shape = _shape(call, mailbox, _LIST_OPTIONS, is_view=True)
    return _listed(call, [Row(mailbox, one, False) for one in mailbox.view(since, until)], shape, is_view=True)


def instances(call: Call, mailbox: Mailbox) -> Answer:
    """``GET .../events/{id}/instances``: the dates of one series that overlap the window."""
    since, until = _window(call)
    found = mailbox.find(call.segments[3])
    if found.day is not None or not found.event.is_series:
        raise bad_request("Only a series master has instances.", "ErrorInvalidRequest")
    shape = _shape(call, mailbox, _LIST_OPTIONS)
    rows = [Row(mailbox, one, False) for one in found.event.between(since, until)]
    rows.sort(key=lambda row: row.what.starts)
    return _listed(call, rows, shape, is_view=True)


def get_event(call: Call, mailbox: Mailbox) -> Answer:
    """``GET .../events/{id}``."""
    shape = _shape(call, mailbox, _ONE_OPTIONS)
    return _one(call, mailbox, mailbox.find(call.segments[3]), shape, 200)


def create_event(call: Call, mailbox: Mailbox) -> Answer:
    """``POST .../events``."""
    shape = _shape(call, mailbox, _NO_OPTIONS)
    event = mailbox.create(draft(call.body, creating=True))
    call.tenant.counts.writes += 1
    call.tenant.counts.mails += len(event.values.get("attendees", ()))
    return _one(call, mailbox, Found(event, None), shape, 201)


def patch_event(call: Call, mailbox: Mailbox) -> Answer:
    """``PATCH .../events/{id}``, of an event, a series or one date of it."""
    shape = _shape(call, mailbox, _NO_OPTIONS)
    found = mailbox.find(call.segments[3])
    _match(call, found.event)
    call.tenant.counts.mails += mailbox.change(found, draft(call.body, creating=False))
    call.tenant.counts.writes += 1
    return _one(call, mailbox, found, shape, 200)


def delete_event(call: Call, mailbox: Mailbox) -> Answer:
    """``DELETE .../events/{id}``, of an event, a series or one date of it."""
    found = mailbox.find(call.segments[3])
    _match(call, found.event)
    call.tenant.counts.mails += mailbox.remove(found)
    call.tenant.counts.writes += 1
    return Answer(204)


def _whole(event: Event) -> Occurrence:
    return Occurrence(event, None, event.when.starts_at, event.when.ends_at, None)


def _shape(call: Call, mailbox: Mailbox, allowed: frozenset[str], *, is_view: bool = False) -> Shape:
    given, preferences = call.options, call.preferences
    refuse_others(given, allowed)
    basic = not call.caller.may(READ, mailbox.account_id)
    tag = _expand(given["$expand"]) if "$expand" in given else None
    known = EVENT_PROPERTIES if call.tenant.facts.cancelled_occurrences_can_be_selected else _OLDER_PROPERTIES
    return Shape(
        names=properties(selected(given, known, "event"), is_view=is_view, basic=basic),
        expand=None if basic else tag,
        zone=preferences.zone,
        plain_text=preferences.plain_text,
        immutable_ids=preferences.immutable_ids,
    )


@lru_cache(maxsize=256)
def _expand(text: str) -> str:
    found = _EXPAND.fullmatch(text.strip())
    if found is None:
        raise bad_query(f"Expanding '{text}' is not supported.")
    return tag_id(found[1])


def _one(call: Call, mailbox: Mailbox, found: Found, shape: Shape, status: int) -> Answer:
    carry = call.tenant.facts.occurrences_carry_tag
    is_master = found.day is None and found.event.is_series
    seen = Seen(mailbox, mailbox.seen(found), is_master, shape, carry)
    body = {"@odata.context": f"{call.base}/$metadata#users('{call.segments[1]}')/events/$entity", **seen.json()}
    return Answer(status, body, call.applied)


def _listed(call: Call, rows: list[Row], shape: Shape, *, is_view: bool = False) -> Answer:
    given, facts = call.options, call.tenant.facts
    if "$filter" in given:
        fits = _condition(given["$filter"], facts.tag_values_ignore_case, not is_view or facts.view_filters_tags)
        rows = [row for row in rows if fits(row)]
    if "$orderby" in given:
        _order(rows, given["$orderby"])
    size = PageSize(_USUAL_PAGE, facts.largest_page, facts.larger_pages_are_refused)
    shown, link = page(rows, given, size=size, key=call.tenant.key, url=call.url)
    body: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#users('{call.segments[1]}')/{call.segments[-1]}"}
    if given.get("$count") == "true":
        body["@odata.count"] = len(rows)
    carry = facts.occurrences_carry_tag
    body["value"] = [Seen(mailbox, what, master, shape, carry).json() for mailbox, what, master in shown]
    if link is not None:
        body["@odata.nextLink"] = link
    return Answer(200, body, call.applied)


def _order(rows: list[Row], text: str) -> None:
    for part in reversed(text.split(",")):
        name, _, direction = part.strip().partition(" ")
        key = _ORDERS.get(name.lower())
        if key is None or direction.strip() not in ("", "asc", "desc"):
            raise bad_query(f"Ordering by '{part.strip()}' is not supported.")
        rows.sort(key=lambda row, key=key: key(row.what), reverse=direction.strip() == "desc")  # type: ignore[misc]


def _match(call: Call, event: Event) -> None:
    wanted = call.headers.get("if-match")
    if wanted is not None and wanted.strip() not in ("*", etag(event)):
        raise GraphError(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the request does not "
            "match the current change key for the item.",
        )


def _window(call: Call) -> tuple[datetime, datetime]:
    given = {name.lower(): value for name, value in call.options.items()}
    since, until = (_instant(given.get(name, ""), name) for name in ("startdatetime", "enddatetime"))
    if until < since:
        raise bad_request("The window ends before it starts.", "ErrorInvalidParameter")
    if until - since > timedelta(days=call.tenant.facts.widest_view_days):
        raise bad_request("The window is too wide.", "ErrorCalendarViewRangeTooBig")
    return since, until


def _instant(text: str, name: str) -> datetime:
    """An instant; without an offset it is UTC, whatever zone the answer is to be in (§1.3 of the notes on Graph)."""
    if not text:
        raise bad_request(
            "This request requires a time window specified by the query parameters StartDateTime and EndDateTime.",
            "ErrorInvalidParameter",
        )
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad_request(f"The value '{text}' of '{name}' is no date and time.", "ErrorInvalidParameter") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@lru_cache(maxsize=256)
def _condition(text: str, ignore_case: bool, with_tags: bool) -> Condition:  # noqa: FBT001 - the key of a cache
    def folded(value: object) -> object:
        return value.lower() if ignore_case and isinstance(value, str) else value

    def tags(row: Row) -> list[Any]:
        return list(row.what.tags(inherited=True).items())

    of_tags = {
        "id": Field(lambda tag: tag[0], tag_id, _COMPARED),
        "value": Field(lambda tag: folded(tag[1]), folded, _TEXTS),
    }
    lambdas = {"singleValueExtendedProperties": Lambda(tags, of_tags)} if with_tags else {}
    return parse(text, _FIELDS, lambdas)


def _time(value: object) -> datetime:
    return _instant(str(value or ""), "$filter")


def _plain(name: str, operators: frozenset[str] = _COMPARED) -> Field:
    return Field(lambda row: row.what.value(name), operators=operators)


_FIELDS = {
    "start/dateTime": Field(lambda row: row.what.starts, _time),
    "end/dateTime": Field(lambda row: row.what.ends, _time),
    "createdDateTime": Field(lambda row: row.what.event.created, _time),
    "lastModifiedDateTime": Field(lambda row: row.what.event.modified, _time),
    "subject": _plain("subject", _TEXTS),
    "isAllDay": _plain("isAllDay"),
    "isCancelled": _plain("isCancelled"),
    "importance": _plain("importance"),
    "sensitivity": _plain("sensitivity"),
    "showAs": _plain("showAs"),
    "type": Field(lambda row: "seriesMaster" if row.master else row.what.type, operators=_COMPARED),
    "isOrganizer": Field(lambda row: row.what.event.organizer is None, operators=_COMPARED),
}
