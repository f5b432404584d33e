"""Looking at single dates: what people did with them, and what meetings stand on top of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from holdfast.core import recurrence
from holdfast.core.desired import (
    HORIZON,
)
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    Occurrence,
    Overlap,
    Single,
    SlotKey,
    Stretch,
)
from holdfast.core.overlap import OnTop, is_noted, noted, on_top, standing
from holdfast.core.plan import Change, Create, Reason
from holdfast.core.protection import Held, back_in_place, held, judge, orphans, returned
from holdfast.core.touches import DateKey, Touches
from holdfast.jobs.errand import Brief, Decisions, Errand, Touched
from holdfast.jobs.ports import Calendars, Ports, State

_MOVABLE = timedelta(days=7)
"""How far from its date a person can move an occurrence: Graph refuses to let it reach its neighbour's day."""

_A_DAY = timedelta(days=1)


async def look_at_dates(
    errand: Errand, calendar: ActualCalendar, ports: Ports, decisions: Decisions, *, closely: bool = False
) -> Touched:
    """What people did with the dates of a calendar that was read whole. Raises Graph's errors.

    Where all of them stand it is asked what is remembered only to look ``closely``.
    """
    now = decisions.now
    found: list[Held] = []
    for one in held(errand.desired, calendar, now):
        ahead = one.series.ahead
        if ahead is None:
            ahead = await ahead_of(errand.mailbox, one.series, ports.calendars, now)
        found.append(replace(one, series=replace(one.series, ahead=ahead)))
    left = calendar.singles if errand.gone is Reason.ERASED else orphans(errand.desired, calendar, now)
    as_it_looks = replace(calendar, series=tuple(one.series for one in found))
    touches = await remembered(errand, as_it_looks, ports.state, now)
    remembers = touches.pending or touches.skipped
    if not left and not remembers and not closely and decisions.are_untouched(errand, as_it_looks):
        return Touched()
    touched = judged_dates(found, touches, now, left=left)
    if touched.verdicts and calendar.view is not None:
        touched = judged_dates(found, touches, now, calendar.view.away, left)
    elif touched.verdicts:
        days = [judged.key.day for judged in touched.judged]
        since, until = (datetime.combine(day, time.min, UTC) for day in (min(days) - _A_DAY, max(days) + 2 * _A_DAY))
        away = await ports.calendars.away(errand.mailbox, since=since, until=until)
        touched = judged_dates(found, touches, now, away, left)
    return touched


async def remembered(errand: Errand, calendar: ActualCalendar, state: State, now: datetime) -> Touches:
    """What is remembered of a mailbox whose coming dates have been read.

    A date that may stay where its owner had moved it, and stands where it should again, is forgotten at once: once it
    is over, nobody can tell any more that it uses up no move.
    """
    touches = await state.touches(errand.mailbox)
    if not touches.moved:
        return touches
    found = held(errand.desired, calendar, now)
    back = frozenset(key for one in found for key in back_in_place(one, touches, now=now))
    if back:
        touches = replace(touches, moved=touches.moved - back)
        await state.touch(errand.mailbox, touches)
    return touches


def judged_dates(
    found: Sequence[Held], touches: Touches, now: datetime, away: Sequence[Stretch] = (), left: Sequence[Single] = ()
) -> Touched:
    """What people did with the dates of these series, judged by what is remembered. ``left`` are orphans."""
    verdicts = tuple(
        (one, verdict)
        for number, one in enumerate(found)
        for verdict in judge(one, touches, away, now=now, beside=(*found[:number], *found[number + 1 :]))
    )
    again = tuple(date for one in found for date in returned(one, touches, now=now))
    standing = (DateKey(one.series.tag.block, day) for one in found for day in one.singles if day >= now.date())
    unrecorded = tuple(key for key in standing if key not in touches.answered)
    return Touched(verdicts, tuple(left), again, unrecorded, touches)


async def look_at_meetings(errand: Errand, calendar: ActualCalendar, ports: Ports, brief: Brief) -> tuple[OnTop, ...]:
    """The meetings on top of blocks in a calendar whose ``view`` was read. Raises Graph's errors.

    Which ones stood there first is noted when a series is first seen, for as long as it goes on; it is not known of
    later ones when they were made.
    """
    view = calendar.view
    if view is None:
        return ()
    now = brief.now
    found: list[OnTop] = []
    touches: Touches | None = None
    for one in held(errand.desired, calendar, now):
        if one.want.care.overlap is Overlap.ALLOW:
            continue
        touches = touches or await ports.state.touches(errand.mailbox)
        if not is_noted(one, touches):
            last = recurrence.midnight(one.want.series.slot.zone, one.series.tag.last + _A_DAY)
            whole = await ports.calendars.view(errand.mailbox, (), since=now, until=last)
            # Read once more: while the calendar was, somebody else may have written down what was answered.
            touches = noted(one, whole.meetings, await ports.state.touches(errand.mailbox))
            await ports.state.touch(errand.mailbox, touches)
        found += on_top(one, view.meetings, touches, view.away, home=brief.home, now=now)
    return tuple(found)


def standing_on_new(errand: Errand, calendar: ActualCalendar, changes: Iterable[Change]) -> int:
    """How many meetings stand already where new series are to be."""
    if calendar.view is None:
        return 0
    wants = {want.key: want for want in errand.desired.wants if want.care.overlap is not Overlap.ALLOW}
    return sum(
        standing(wants[key], change.series.first, change.series.last, calendar.view.meetings)
        for change in changes
        if isinstance(change, Create) and (key := SlotKey(change.block, change.series.fingerprint.slot)) in wants
    )


async def viewed(calendar: ActualCalendar, calendars: Calendars, now: datetime) -> ActualCalendar:
    """The calendar with all that stands in it within the horizon, the coming dates of its series included."""
    ours = frozenset(series.event_id for series in calendar.series)
    singles = frozenset(single.occurrence.event_id for single in calendar.singles)
    view = await calendars.view(calendar.mailbox, ours, since=now - _MOVABLE, until=now + HORIZON + _A_DAY)
    view = replace(view, meetings=tuple(one for one in view.meetings if one.event_id not in singles))
    series = tuple(replace(one, ahead=view.dates[one.event_id]) for one in calendar.series)
    return replace(calendar, series=series, view=view)


async def ahead_of(mailbox: str, series: ActualSeries, calendars: Calendars, now: datetime) -> tuple[Occurrence, ...]:
    """The dates of a series within the horizon, and those that may have been moved to where they are over by now."""
    return await calendars.instances(mailbox, series.event_id, since=now - _MOVABLE, until=now + HORIZON + _A_DAY)
