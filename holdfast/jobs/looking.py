"""Looking at one mailbox: what it holds of ours, what has to change there, and what is remembered of it.

Reads only, but for what is remembered.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import (
    ANYBODY,
    HORIZON,
    SERIES_LENGTH,
    SETTLED_IN,
    Desired,
    Why,
)
from holdfast.core.diff import InstancesNeeded
from holdfast.core.errors import Gone, GraphError, NoMailbox, Unexpected
from holdfast.core.model import (
    PEOPLE,
    ActualCalendar,
    ActualSeries,
    DesiredSeries,
    EventLook,
    Profile,
    Protection,
    Purpose,
    SlotKey,
    Tag,
)
from holdfast.core.overlap import OnTop, watched
from holdfast.core.plan import Change, Create, Reason
from holdfast.core.protection import held
from holdfast.core.report import Account, Excuse, MailboxState, Problem
from holdfast.core.tag import UNKNOWN, transaction_id
from holdfast.jobs.dates import (
    ahead_of,
    judged_dates,
    look_at_dates,
    look_at_meetings,
    remembered,
    standing_on_new,
    viewed,
)
from holdfast.jobs.errand import Brief, Decisions, Errand, Look, Touched
from holdfast.jobs.ports import Calendars, Known, Learned, Ports, State

PROFILE_HOLDS = timedelta(days=7)
"""How long what a mailbox says of itself is believed without asking again."""

WHOLE_READ_HOLDS = timedelta(days=7)
"""How long the series of a mailbox are looked up by their ids before its calendar is searched again for all of ours."""

GENERATIONS = 5
"""How many generations are tried where Graph refuses a create as a duplicate and nothing of ours is to be found."""

_A_DAY = timedelta(days=1)
_NO_END = timedelta(days=730)
"""How far to look for instances of a series whose end a person has taken away."""

_MOVABLE = timedelta(days=7)
"""How far from its date a person can move an occurrence: Graph refuses to let it reach its neighbour's day."""

_EXCUSE_OF = {
    Purpose.SHARED: Excuse.SHARED,
    Purpose.ROOM: Excuse.ROOM,
    Purpose.EQUIPMENT: Excuse.ROOM,
    Purpose.OTHERS: Excuse.OTHER,
}

_NONE = {True: "no mailbox yet", False: "no mailbox any more"}
"""Why a mailbox that is not there waits, by whether its owner is in the audience."""


async def look_at_mailbox(errand: Errand, ports: Ports, brief: Brief, *, relearning: bool, by_heart: bool) -> Look:
    """Look at one mailbox. The excused are read if they are known to have blocks, or if nothing is known of anybody."""
    calendar: ActualCalendar | None = None
    changes: tuple[Change, ...] = ()
    touched: Touched | None = None
    meetings: tuple[OnTop, ...] = ()
    problem: Problem | None = None
    try:
        if errand.in_audience and not errand.excuse:
            errand = await _judged(errand, ports, brief)
        if not errand.excuse or errand.memory.placed or relearning:
            calendar, changes, touched = await _seen(errand, ports, brief.decisions, by_heart=by_heart)
            errand = errand.where_it_stands(calendar, brief.now)
            meetings = await look_at_meetings(errand, calendar, ports, brief)
    except NoMailbox as error:
        state, reason = settled(errand) if errand.excuse else (MailboxState.WAITING, _NONE[errand.in_audience])
        if errand.in_audience and not errand.excuse:
            problem = Problem.of(error)
    except GraphError as error:
        state, reason, problem = MailboxState.UNREAD, "could not be read", Problem.of(error)
    else:
        state, reason = (MailboxState.WAITING, "a change") if changes else settled(errand)
    account = Account(errand.mailbox, errand.address, state, reason, problem)
    if calendar is None:
        return Look(errand, brief.now, account)
    return Look(
        errand,
        brief.now,
        account,
        changes,
        holds=bool(errand.live(calendar, brief.now)),
        used=_used(tuple(series.tag for series in calendar.series)),
        touched=touched,
        meetings=meetings,
        standing=standing_on_new(errand, calendar, changes),
    )


@functools.lru_cache(maxsize=1024)
def _used(tags: tuple[Tag, ...]) -> Mapping[str, int]:
    """The highest generation of each block. Kept, because most people's are alike."""
    used: dict[str, int] = {}
    for tag in tags:
        used[tag.block] = max(used.get(tag.block, 0), tag.generation)
    return used


async def _seen(
    errand: Errand, ports: Ports, decisions: Decisions, *, by_heart: bool
) -> tuple[ActualCalendar, tuple[Change, ...], Touched | None]:
    """What a mailbox holds and what has to change there; remembered where it was read whole."""
    known = await _by_heart(errand, ports, decisions) if by_heart else None
    if known is not None:
        await put_on_record(errand, errand.memory.placed, ports.state)
        return known[0], (), known[1]
    calendar, changes = await difference(errand, ports, decisions)
    there = errand.where_it_stands(calendar, decisions.now)
    touched = await look_at_dates(there, calendar, ports, decisions)
    await remember(there, calendar, ports.state, decisions.now)
    return calendar, changes, touched


async def difference(errand: Errand, ports: Ports, decisions: Decisions) -> tuple[ActualCalendar, tuple[Change, ...]]:
    """Read one mailbox and tell what has to change there. Raises Graph's errors."""
    calendar = await _whole(errand, ports.calendars, decisions.now)
    if watched(errand.desired.wants):
        calendar = await viewed(calendar, ports.calendars, decisions.now)
    while True:
        try:
            changes = decisions.of(errand, calendar)
            break
        except InstancesNeeded as needed:
            calendar = await _with_instances(calendar, needed, ports.calendars, decisions.now)
    return calendar, await _but_what_is_let_be(errand, changes, ports.state, decisions.now)


async def _but_what_is_let_be(
    errand: Errand, changes: tuple[Change, ...], state: State, now: datetime
) -> tuple[Change, ...]:
    """The changes without making again what its owner has deleted and is not asked about any more."""
    remade = [one for one in changes if isinstance(one, Create) and one.reason is Reason.REMADE]
    if not remade or errand.ask_again:
        return changes
    touches = await state.touches(errand.mailbox)
    today = zones.date_at(errand.desired.zone, now)
    soft = {want.series.block for want in errand.desired.wants if want.care.protection is Protection.SOFT}
    slots = {SlotKey(one.block, one.series.fingerprint.slot): one for one in remade}
    refused = frozenset(slot for slot in slots if not touches.may_remake(slot, today))
    if not refused <= touches.left:
        await state.touch(errand.mailbox, touches.with_left(refused))
    left = [one for slot, one in slots.items() if slot in refused or (one.block in soft and not errand.attended)]
    return tuple(one for one in changes if one not in left)


async def _by_heart(errand: Errand, ports: Ports, decisions: Decisions) -> tuple[ActualCalendar, Touched | None] | None:
    """The mailbox by what is known of it and the coming dates of each of its series.

    None where that does not tell all: nothing is known, or not for a week; a series is gone or has none of its dates
    left, or Graph takes its id for none, as in a mailbox that was made anew; or something would have to change or be
    done about a date, which is decided by the whole calendar only.
    """
    now = decisions.now
    known = await ports.state.known(errand.mailbox)
    if known is None or now - known.read > WHOLE_READ_HOLDS:
        return None
    calendar = ActualCalendar(errand.mailbox, known.series)
    found: list[ActualSeries] = []
    try:
        if watched(errand.desired.wants):
            calendar = await viewed(calendar, ports.calendars, now)
        for series in errand.live(calendar, now):
            ahead = series.ahead
            if ahead is None:
                ahead = await ahead_of(errand.mailbox, series, ports.calendars, now)
            to_come = any(one.ends > now for one in ahead)
            if not to_come and series.tag.last > zones.date_at(errand.desired.zone, now + HORIZON):
                return None
            found.append(replace(series, ahead=ahead))
        calendar = replace(calendar, series=tuple(found))
        if decisions.of(errand, calendar):
            return None
        errand = errand.where_it_stands(calendar, now)
    except (Gone, Unexpected, InstancesNeeded):
        return None
    touches = await remembered(errand, calendar, ports.state, now)
    if decisions.are_untouched(errand, calendar):
        return calendar, None
    away = calendar.view.away if calendar.view else ()
    touched = judged_dates(tuple(held(errand.desired, calendar, now)), touches, now, away)
    return (calendar, touched) if touched.is_settled else None


async def _whole(errand: Errand, calendars: Calendars, now: datetime) -> ActualCalendar:
    """Every series of ours, also one that Graph made and lost the tag of.

    Where a mailbox is known to have been given a slot and shows no trace of it, or none that goes on where it is
    wanted, that is the likelier explanation than a person who deleted it; otherwise nobody would ever find such a
    series again.
    """
    calendar = await calendars.read(errand.mailbox)
    if not errand.memory.placed:
        return calendar
    wanted = {want.key for want in errand.desired.wants}
    going_on = _slots(errand.live(calendar, now))
    lost = {key for key in errand.memory.placed - going_on if key in wanted or key not in _slots(calendar.series)}
    series = list(calendar.series)
    for block in sorted({key.block for key in lost}):
        used = {one.tag.generation for one in calendar.series if one.tag.block == block}
        highest = max(errand.memory.floors.get(block, 0), *used, 0)
        marks = {transaction_id(block, n): n for n in range(highest + GENERATIONS + 1) if n not in used}
        window = now - SERIES_LENGTH, now + _NO_END
        while look := await calendars.find_by_transaction(errand.mailbox, marks, since=window[0], until=window[1]):
            generation = marks.pop(look.transaction_id or "")
            if look.is_series and look.tag is None:
                tag = _guessed(look, block, generation, errand.desired)
                series.append(ActualSeries(look.event_id, look.etag, tag, now, look.range_ends, look.starts, zone=None))
    return replace(calendar, series=tuple(series))


def _slots(series: Iterable[ActualSeries]) -> frozenset[SlotKey]:
    """The slots that series were made for."""
    return frozenset(SlotKey(one.tag.block, one.tag.fingerprint.slot) for one in series)


def _guessed(look: EventLook, block: str, generation: int, desired: Desired) -> Tag:
    """The tag that a series must have lost: one with the slot that is wanted, if it stands on the very dates."""
    for want in desired.of(block):
        series = want.series
        if stands_as(look, series):
            return Tag(block, generation, series.fingerprint._replace(words=UNKNOWN.words), series.first, series.last)
    first = look.starts.astimezone(zones.rules(desired.zone)).date()
    return Tag(block, generation, UNKNOWN, first, look.range_ends or first + SERIES_LENGTH)


def stands_as(look: EventLook, series: DesiredSeries) -> bool:
    """Whether an event begins and ends on the dates of a series, at its time."""
    return look.starts == recurrence.starts(series.slot, series.first) and look.range_ends == series.last


async def _with_instances(
    calendar: ActualCalendar, needed: InstancesNeeded, calendars: Calendars, now: datetime
) -> ActualCalendar:
    """The calendar with what was found to be needed of its series' instances."""
    read: dict[str, ActualSeries] = {}
    for series in needed.ahead:
        ahead = await ahead_of(calendar.mailbox, series, calendars, now)
        read[series.event_id] = replace(series, ahead=ahead)
    for series in needed.whole:
        last = max(series.tag.last, series.range_ends or series.tag.first + _NO_END)
        since, until = (datetime.combine(day, time.min, UTC) for day in (series.tag.first - _MOVABLE, last + _MOVABLE))
        instances = await calendars.instances(calendar.mailbox, series.event_id, since=since, until=until)
        read[series.event_id] = replace(read.get(series.event_id, series), instances=instances)
    return replace(calendar, series=tuple(read.get(series.event_id, series) for series in calendar.series))


def settled(errand: Errand) -> tuple[MailboxState, str]:
    """The state of a mailbox that holds what it should, and the reason for it."""
    if errand.excuse:
        return MailboxState.EXCUSED, errand.excuse
    if errand.in_audience and not errand.desired.wants:
        outside = any(unmet.why is Why.OUTSIDE for unmet in errand.desired.unmet)
        return MailboxState.EXCUSED, Excuse.OUTSIDE_HOURS if outside else Excuse.NO_BLOCK
    return MailboxState.HELD, ""


async def _judged(errand: Errand, ports: Ports, brief: Brief) -> Errand:
    """The errand with what is wanted in this very mailbox; excused where it is not a person's."""
    profile = await _profile(errand.mailbox, ports, brief.now)
    if profile.purpose not in PEOPLE:
        return replace(errand, excuse=_EXCUSE_OF[profile.purpose])
    return replace(errand, desired=brief.wanted(errand.audiences, profile, errand.declines), zone=profile.zone)


async def known_wishes(errand: Errand, state: State, brief: Brief) -> Desired:
    """What is wanted in a mailbox, by what it last said of itself, without asking it."""
    known = await state.profile(errand.mailbox)
    return brief.wanted(errand.audiences, known.profile if known else ANYBODY, errand.declines)


async def _profile(mailbox: str, ports: Ports, now: datetime) -> Profile:
    """What the mailbox says of itself, asked once a week; and before its zone counts as where the person lives now."""
    before = await ports.state.profile(mailbox)
    if before is not None and now - before.at <= PROFILE_HOLDS:
        since = before.profile.zone_since
        if since is None or not before.at < since + SETTLED_IN <= now:
            return before.profile
    profile = await ports.calendars.profile(mailbox)
    same = before is not None and before.profile.zone == profile.zone
    profile = replace(profile, zone_since=before.profile.zone_since if before and same else now)
    await ports.state.learn(mailbox, Learned(profile, now))
    return profile


async def remember(errand: Errand, calendar: ActualCalendar, state: State, now: datetime) -> None:
    """Keep in mind which slots a mailbox has, also where they were found again after the state was lost.

    A slot that is wanted and missing stays in mind: it has been taken away, which is not the same as being new. The
    series are kept, so that the next sweep can ask for them by their ids.
    """
    live = errand.live(calendar, now)
    wanted = {want.key for want in errand.desired.wants}
    await put_on_record(errand, _slots(live) | (errand.memory.placed & wanted), state)
    series = tuple(replace(one, etag="", instances=None, ahead=None) for one in live)
    before = await state.known(errand.mailbox)
    if before is None and not series:
        return
    if before is None or before.series != series or now - before.read > WHOLE_READ_HOLDS / 2:
        await state.know(errand.mailbox, Known(now, series) if series else None)


async def put_on_record(errand: Errand, slots: frozenset[SlotKey], state: State) -> None:
    """Keep in mind that a mailbox has these slots and whose it is, unless just that is on record."""
    placed = errand.placed(slots)
    if placed != errand.record if slots else errand.record is not None:
        await state.place(placed)


def etags_of(calendar: ActualCalendar) -> frozenset[str]:
    """The ETags of our events there, as they were read."""
    return frozenset(series.etag for series in calendar.series if series.etag)
