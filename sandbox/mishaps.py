"""What faults do to calls: refusals, losses and delays around the work that was asked for."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from typing import NamedTuple

from sandbox.errors import GraphError, throttled
from sandbox.exchange import Answer, Call
from sandbox.faults import CARRIER, Asked, Dropped, Fault, Meeting, Target
from sandbox.mailbox import Mailbox
from sandbox.query import SKIP_TOKEN, again
from sandbox.teams import Channel
from sandbox.throttling import SCRIPTED

_DIRECTORY_LISTS = frozenset({"users", "groups", "members", "transitiveMembers"})
_TEAMS_LISTS = frozenset({"messages", "replies", "changedMessages"})
_LISTS = _DIRECTORY_LISTS | _TEAMS_LISTS | {"events", "calendarView", "instances", "subscriptions"}
_TAGS = "singleValueExtendedProperties"

_BEFORE = {
    Fault.ERROR_500_BEFORE: 500,
    Fault.ERROR_502_BEFORE: 502,
    Fault.ERROR_503_BEFORE: 503,
    Fault.ERROR_504_BEFORE: 504,
    Fault.MISSING_ITEM_UNDONE: 504,
}
_AFTER = {
    Fault.ERROR_500_AFTER: 500,
    Fault.ERROR_502_AFTER: 502,
    Fault.ERROR_503_AFTER: 503,
    Fault.ERROR_504_AFTER: 504,
    Fault.TAG_LOST_503: 503,
}
_WAITS = frozenset(
    {
        Fault.THROTTLED_SECONDS,
        Fault.THROTTLED_FRACTION,
        Fault.THROTTLED_DATE,
        Fault.THROTTLED_SILENT,
        Fault.ERROR_503_SECONDS,
    }
)
_LATE = frozenset({Fault.LATE_WRITE, Fault.LATE_WRITE_DROPPED})
_MISSING = frozenset({Fault.MISSING_ITEM, Fault.MISSING_ITEM_UNDONE})
_UNANSWERED = frozenset({Fault.DROPPED_AFTER, Fault.LATE_WRITE_DROPPED})
_CODES = {
    500: ("ErrorInternalServerError", "An internal server error occurred. The operation failed."),
    503: ("serviceNotAvailable", "The service is temporarily unavailable. Please try again later."),
    504: ("UnknownError", ""),
}
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

Work = Callable[[Call], Awaitable[Answer]]


class Item(NamedTuple):
    """An item of a batch with its kind of resource, and whether it goes to Outlook."""

    call: Call
    kind: str
    outlook: bool


# Choosing


def choose(call: Call, kind: str, *, outlook: bool) -> None:
    """Settle what a call meets that came by itself or as an item; most meet nothing."""
    asked = _asked(call, outlook=outlook)
    faults = call.tenant.faults
    if faults.are_quiet and asked.plight is None:
        return
    meeting = faults.choose(_target(call, kind), (asked,))
    if meeting is not None:
        call.meeting = meeting._replace(mailboxes=(asked.mailbox,) if asked.mailbox else ())


def choose_for_batch(outer: Call, items: Sequence[Item]) -> None:
    """Settle what a request with a batch meets, and each of its items in their order."""
    asked = [_asked(item.call, outlook=item.outlook) for item in items]
    faults = outer.tenant.faults
    if faults.are_quiet and not any(one.plight for one in asked):
        return
    writes = any(not _reads(item.call) for item in items)
    meeting = faults.choose(Target(outer.method, CARRIER, writes=writes), asked)
    if meeting is not None:
        mailboxes = tuple(dict.fromkeys(one.mailbox for one in asked if one.mailbox))
        outer.meeting = meeting._replace(mailboxes=mailboxes)
        if meeting.fault in _BEFORE or meeting.fault in _WAITS or meeting.fault is Fault.DROPPED_BEFORE:
            return
    ended = False
    for item in items:
        if ended:
            item.call.meeting = Meeting(Fault.TOKEN_ENDED, 0.0, counted=False)
            continue
        choose(item.call, item.kind, outlook=item.outlook)
        ended = item.call.meeting is not None and item.call.meeting.fault is Fault.TOKEN_ENDED
        if meeting is not None and meeting.fault is Fault.LATE_WRITE_DROPPED and not _reads(item.call):
            item.call.meeting = meeting._replace(counted=False)


def _target(call: Call, kind: str) -> Target:
    reads = _reads(call)
    lists = reads and kind in _LISTS
    tagged = not reads and call.method == "POST" and isinstance(call.body, dict) and bool(call.body.get(_TAGS))
    return Target(call.method, kind, call.in_batch, not reads, lists, lists and SKIP_TOKEN in call.options, tagged)


def _reads(call: Call) -> bool:
    """Whether a call changes nothing: free/busy is asked for by POST."""
    return call.method == "GET" or call.segments[3:] == ["getSchedule"]


def _asked(call: Call, *, outlook: bool) -> Asked:
    if _is_of_teams(call):
        # A channel is asked for by its id, as a mailbox is by its account's.
        return Asked(call.segments[3] if len(call.segments) > 3 else None, call.method, None)
    account = call.tenant.account(call.segments[1]) if outlook else None
    mailbox = account.mailbox if account else None
    return Asked(mailbox.account_id, call.method, mailbox.plight) if mailbox else Asked(None, call.method, None)


def _is_of_teams(call: Call) -> bool:
    return call.segments[:1] == ["teams"]


# Around the work


async def worked(call: Call, kind: str, work: Work) -> Answer:
    """The answer to a call under what it meets. Raises the refusal of a fault, or ``Dropped`` before the work."""
    meeting = call.meeting
    if meeting is None:
        return await work(call)
    fault, faults = meeting.fault, call.tenant.faults
    if meeting.counted:
        faults.met[fault, f"{call.method} {kind}"] += 1
    refused = _refused(call, meeting)
    if refused is not None:
        raise refused
    if fault is Fault.SLOW and (not meeting.mailboxes or _is_of_teams(call)):
        await call.tenant.clock.sleep(meeting.seconds)
    if fault is Fault.TAG_LOST_503:
        call = replace(call, body={name: value for name, value in call.body.items() if name != _TAGS})
    if fault in _AFTER:
        with suppress(GraphError):  # what was refused is not told either
            await work(call)
        raise failure(_AFTER[fault])
    given = await work(call)
    return _emptied(call, given) if fault is Fault.EMPTY_PAGE else given


def _refused(call: Call, meeting: Meeting) -> Exception | None:
    """Why a call is not worked on at all, if it is not."""
    fault = meeting.fault
    if fault in _WAITS:
        return _turned_away(call, meeting)
    if fault in _BEFORE:
        return failure(_BEFORE[fault])
    if fault is Fault.DROPPED_BEFORE:
        return Dropped()
    if fault is Fault.TOKEN_ENDED:
        call.tenant.faults.ended_tokens.add(call.caller.token_id)
        return GraphError(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
    return _expired_link(call) if fault is Fault.LINK_EXPIRED else None


def takes(call: Call) -> float:
    """Seconds that a call is in flight in Outlook."""
    meeting = call.meeting
    more = meeting.seconds if meeting is not None and meeting.fault is Fault.SLOW else 0.0
    return call.tenant.latency + more


def touched(call: Call, mailbox: Mailbox, work: Callable[[Call, Mailbox], Answer]) -> Answer:
    """Work in a mailbox now, or late if a write meets that. Late writes are done once the calendar has been read."""
    meeting = call.meeting
    if meeting is not None and meeting.fault in _LATE and not _reads(call):
        mailbox.postpone(meeting.seconds, partial(work, call, mailbox))
        raise failure(504)
    try:
        return work(call, mailbox)
    finally:
        if _reads(call) and call.segments[2] != "mailboxSettings":
            mailbox.land()


def said(call: Call, channel: Channel, work: Callable[[Call, Channel], Answer]) -> Answer:
    """Work in a channel now, or late if a write meets that: once the channel has been read."""
    meeting = call.meeting
    if meeting is not None and meeting.fault in _LATE and not _reads(call):
        channel.postpone(meeting.seconds, partial(work, call, channel))
        raise failure(504)
    try:
        return work(call, channel)
    finally:
        if _reads(call):
            channel.land()


def come_too_late(call: Call) -> None:
    """Raises the 504 of a late write where what it asked for cannot wait and was done at once."""
    if call.meeting is not None and call.meeting.fault in _LATE and not _reads(call):
        raise failure(504)


def failure(status: int) -> GraphError:
    """A 5xx as the service words it, or as a page of a gateway."""
    if status == 502:
        return GraphError(502, "BadGateway", "", page=_PAGE)
    return GraphError(status, *_CODES[status])


def _turned_away(call: Call, meeting: Meeting) -> GraphError:
    """The 429 or 503 of a call, whose wait is remembered: who calls again before it is over is counted."""
    tenant, fault = call.tenant, meeting.fault
    now = tenant.clock.now()
    until = None
    headers = {}
    match fault:
        case Fault.THROTTLED_FRACTION:
            until = now + timedelta(seconds=meeting.seconds)
            headers = {"Retry-After": f"{meeting.seconds:g}"}
        case Fault.THROTTLED_DATE:
            until = (now + timedelta(seconds=meeting.seconds + 0.999999)).replace(microsecond=0)
            headers = {"Retry-After": format_datetime(until, usegmt=True)}
        case Fault.THROTTLED_SECONDS | Fault.ERROR_503_SECONDS:
            seconds = math.ceil(meeting.seconds)
            until = now + timedelta(seconds=seconds)
            headers = {"Retry-After": str(seconds)}
    busy = fault is Fault.ERROR_503_SECONDS
    client = call.caller.application.client_id
    tenant.throttle.turn_away(client, meeting.mailboxes, call.arrival, until, cause=None if busy else SCRIPTED)
    error = failure(503) if busy else throttled("TooManyRequests", "Too many requests.", 0)
    error.headers = headers
    return error


def _expired_link(call: Call) -> GraphError:
    status = call.tenant.facts.expired_link_status
    code = "Directory_ExpiredPageToken" if status == 400 else "SyncStateNotFound"
    return GraphError(status, code, "The specified page token value has expired and can no longer be included.")


def _emptied(call: Call, given: Answer) -> Answer:
    """A page without what was on it, and with a link to that."""
    if given.status != 200:
        return given
    link = again(call.options, key=call.tenant.key, url=call.url)
    rest = {name: value for name, value in given.body.items() if name != "@odata.deltaLink"}
    return given._replace(body={**rest, "value": [], "@odata.nextLink": link})


# On the way back


def is_missing(call: Call) -> bool:
    """Whether the answer to a batch says nothing of this item."""
    return call.meeting is not None and call.meeting.fault in _MISSING


def cut(call: Call | None, content: bytes) -> tuple[bytes, bool]:
    """How much of an answer is sent, and whether the connection ends then. Raises ``Dropped`` where nothing is."""
    fault = call.meeting.fault if call is not None and call.meeting is not None else None
    if fault in _UNANSWERED:
        raise Dropped
    if fault is Fault.HALF_JSON:
        return content[: len(content) // 2], False
    if fault is Fault.HALF_BODY and content:
        return content[: len(content) // 2], True
    return content, False
