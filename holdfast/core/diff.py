"""The difference between what a mailbox should hold and what it holds.

Only series that carry our tag are ever seen here, so only they can be changed. What a person did with single
occurrences is left alone: a series is made again only when it is missing as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import RUNWAY, UNTOUCHED, Desired, Want, Why, slot_mark
from holdfast.core.model import EDITED, ActualCalendar, ActualSeries, DesiredSeries, Landing, Occurrence, SlotKey
from holdfast.core.plan import Change, Create, End, Move, Reason, Retell, Rewrite, Skip
from holdfast.core.tag import UNKNOWN

_DAY = timedelta(days=1)

_WHY_NOT = {
    Why.DISPLACED: Reason.DISPLACED,
    Why.OUTSIDE: Reason.OUTSIDE,
    Why.OFF: Reason.DAY_OFF,
    Why.OVER: Reason.SHORTENED,
}


class InstancesNeeded(Exception):
    """What has to be read before the difference can be told.

    ``whole`` are series to be ended, whose instances are needed all; ``ahead`` those whose coming dates are looked at.
    """

    def __init__(self, whole: tuple[ActualSeries, ...], ahead: tuple[ActualSeries, ...]) -> None:
        super().__init__(f"{len(whole)} series to end, {len(ahead)} to look at")
        self.whole = whole
        self.ahead = ahead


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered because a calendar cannot tell it.

    ``placed`` are the slots that this mailbox is known to have had; ``floors`` the first generation to use for a block,
    after a removal took all trace of earlier ones away. ``range_end_keeps`` says that in this tenant a series whose
    range is ended earlier was seen to keep its exceptions and gaps.
    """

    placed: frozenset[SlotKey] = frozenset()
    floors: Mapping[str, int] = field(default_factory=dict)
    range_end_keeps: bool = False

    @property
    def blocks(self) -> frozenset[str]:
        """The blocks that this mailbox is known to have had."""
        return frozenset(key.block for key in self.placed)


def erased(actual: ActualCalendar) -> tuple[End, ...]:
    """The changes that take everything of ours away, what is past and copies that people made included."""
    return tuple(
        End(one.tag.block, one, one.tag.first, Reason.ERASED, one.tag, whole=True, occurrences=())
        for one in sorted(actual.series, key=lambda one: (one.tag.block, one.tag.generation, one.created))
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One mailbox at one instant: what is wanted there, what it holds, what is remembered of it."""

    desired: Desired
    actual: ActualCalendar
    now: datetime
    memory: Memory

    def today(self, zone: str) -> date:
        return zones.date_at(zone, self.now)


def diff(
    desired: Desired, actual: ActualCalendar, *, now: datetime, memory: Memory, gone: Reason = Reason.LEFT
) -> tuple[Change, ...]:
    """The changes that make ``actual`` what is ``desired``, in the order to carry them out; none when it is so.

    ``gone`` is the reason given for ending a block that this person is not to have. Raises ``InstancesNeeded`` for
    series that are to be ended, or whose coming dates have to be looked at, and have not been read so far.
    """
    case = _Case(desired, actual, now, memory)
    today = case.today(desired.zone)
    series_now = originals(actual)
    live = [series for series in series_now if series.tag.last >= today]
    changes: list[Change] = []
    ahead: list[ActualSeries] = []
    wanted = dict.fromkeys(want.series.block for want in desired.wants)
    for block in wanted:
        kept, misplaced = _sorted(case, block, [series for series in live if series.tag.block == block])
        ahead += _to_look_at(case, block, kept)
        changes += _made(case, block, kept, misplaced)
        changes += _mended(case, block, kept)
        for series, reason in misplaced:
            changes.append(_end(case, series, case.today(desired.of(block)[0].series.slot.zone), reason))
        changes += _shortened(case, block, kept)
    for series in live:
        if series.tag.block not in wanted:
            changes.append(_end(case, series, today, _why_not(series, desired, gone)))
    changes += [
        _finish(case, series, desired.zone) for series in series_now if series.is_open(today) and series not in live
    ]
    ending = {change.actual.event_id for change in changes if isinstance(change, End)}
    unread = tuple(series for series in actual.series if series.event_id in ending and series.instances is None)
    if unread or ahead:
        raise InstancesNeeded(unread, tuple(ahead))
    return tuple(_beside_copies(change, actual) for change in changes if not _ends_by_itself(change, today))


_Kept = Mapping[SlotKey, Sequence[ActualSeries]]
"""The series that stand where a slot wants them, one after the other."""

_Misplaced = Sequence[tuple[ActualSeries, Reason]]
"""The series to end, each with the reason."""


def _to_look_at(case: _Case, block: str, kept: _Kept) -> Iterator[ActualSeries]:
    """The series of which dates within the horizon cannot stand, and whose dates have not been read."""
    for want in case.desired.of(block):
        for series in kept[want.key]:
            if series.ahead is None and _landings(case, want, series.tag.first, series.tag.last):
                yield series


def _made(case: _Case, block: str, kept: _Kept, misplaced: _Misplaced) -> Iterator[Create]:
    """The series that are missing."""
    generation = _next_generation(block, case.actual, case.memory)
    moved = {reason for _, reason in misplaced} & _NEW_SLOT
    for want in case.desired.of(block):
        standing = kept[want.key]
        why = _why_made(want, standing, case.memory, moved)
        for stretch in _uncovered(case, want, standing):
            continues = bool(standing) and stretch.first > standing[-1].tag.last
            reason = Reason.CONTINUED if continues else why
            if reason is Reason.NEW and want.beginning is not None:
                stretch = replace(stretch, body=want.beginning.body, told=want.beginning.told)  # noqa: PLW2901
            yield Create(block, generation, stretch, reason, _landings(case, want, stretch.first, stretch.last))
            generation += 1


def _mended(case: _Case, block: str, kept: _Kept) -> Iterator[Change]:
    """What has to change in the series that stand where they should: their words, and dates that cannot stay."""
    for want in case.desired.of(block):
        for series in kept[want.key]:
            if series.tag.fingerprint != want.series.fingerprint:
                lost = series.tag.fingerprint.words == UNKNOWN.words
                yield Rewrite(block, series, want.series, Reason.FOUND if lost else Reason.EDITED)
            elif _tells_of_the_past(series, want):
                yield Retell(block, series, want.series, Reason.WEEKS)
            for landing in _landings(case, want, series.tag.first, series.tag.last):
                yield from _landed(case, want, series, landing)


def _tells_of_the_past(series: ActualSeries, want: Want) -> bool:
    """Whether the body tells of weeks that are over, or of none, and is nobody's own text."""
    told, due = series.tag.told, want.series.told
    return due is not None and (told is None or (told.text != EDITED and told.weeks < due.weeks))


def _shortened(case: _Case, block: str, kept: _Kept) -> Iterator[End]:
    """The ends of series that reach beyond the block's last date, or whose shortening was not finished."""
    for want in case.desired.of(block):
        zone = want.series.slot.zone
        for series in kept[want.key]:
            if want.until and series.tag.last > want.until:
                over = want.until + _DAY
                midnight = recurrence.midnight(zone, over)
                yield _end(case, _renamed(series, want), over, Reason.SHORTENED, not_before=midnight)
            elif series.tag.ending:
                yield _finish(case, _renamed(series, want), zone)


_NEW_SLOT = frozenset({Reason.RESCHEDULED, Reason.ZONE})


def _why_made(want: Want, standing: Sequence[ActualSeries], memory: Memory, moved: Collection[Reason]) -> Reason:
    """Why a slot without a series gets one: it was there before, or it is a new slot, or a block new to the person.

    ``moved`` are the reasons for which series of its block leave another slot.
    """
    if moved:
        return Reason.RESCHEDULED if Reason.RESCHEDULED in moved else Reason.ZONE
    if standing or want.key in memory.placed:
        return Reason.REMADE
    return Reason.RESCHEDULED if want.series.block in memory.blocks else Reason.NEW


def _landings(case: _Case, want: Want, first: date, last: date) -> tuple[Landing, ...]:
    """The dates within the horizon on which a series cannot stand."""
    first = max(first, case.today(want.series.slot.zone))
    last = min(last, want.horizon(case.now), want.until or date.max)
    return tuple(want.landings(first, last, not_before=case.now + UNTOUCHED))


def _landed(case: _Case, want: Want, series: ActualSeries, landing: Landing) -> Iterator[Change]:
    """The change for a date that cannot stay, unless it is gone, has begun or has been moved to a day where it can."""
    zone = want.series.slot.zone
    for one in series.ahead or ():
        if one.starts <= case.now + UNTOUCHED or zones.date_at(zone, one.original_starts) != landing.day:
            continue
        if want.is_off(zones.date_at(zone, one.starts)):
            if landing.to is None:
                yield Skip(series.tag.block, series, one, landing, want.series.slot, Reason.DAY_OFF)
            else:
                yield Move(series.tag.block, series, one, landing, want.series.slot, Reason.DAY_OFF)


def _sorted(
    case: _Case, block: str, live: Sequence[ActualSeries]
) -> tuple[dict[SlotKey, list[ActualSeries]], list[tuple[ActualSeries, Reason]]]:
    """The series that stand where a slot wants them, one after the other, and those to end, each with the reason."""
    wants = case.desired.of(block)
    kept: dict[SlotKey, list[ActualSeries]] = {want.key: [] for want in wants}
    by_mark = {want.key.slot: want for want in wants}
    misplaced: list[tuple[ActualSeries, Reason]] = []
    for series in sorted(live, key=lambda s: (s.tag.first, s.tag.generation)):
        want = by_mark.get(series.tag.fingerprint.slot)
        if want is None:
            misplaced.append((series, _why_misplaced(case, series, wants)))
            continue
        same = kept[want.key]
        if series.tag.first < want.since > case.today(want.series.slot.zone):
            misplaced.append((series, Reason.RESCHEDULED))
        elif same and series.tag.first <= same[-1].tag.last:
            misplaced.append((series, Reason.DOUBLE))
        else:
            same.append(series)
    return kept, misplaced


def _why_misplaced(case: _Case, series: ActualSeries, wants: Sequence[Want]) -> Reason:
    """Why a series is in no slot of its block that is wanted here."""
    why = dict(case.desired.unmet).get(SlotKey(series.tag.block, series.tag.fingerprint.slot))
    if why is not None:
        return _WHY_NOT[why]
    return Reason.ZONE if _only_elsewhere(series, wants) else Reason.RESCHEDULED


def _only_elsewhere(series: ActualSeries, wants: Sequence[Want]) -> bool:
    """Whether a series is what is wanted but for its zone, which the mailbox has left."""
    return series.zone is not None and any(
        want.follows and slot_mark(replace(want.series.slot, zone=series.zone)) == series.tag.fingerprint.slot
        for want in wants
    )


def _uncovered(case: _Case, want: Want, kept: Sequence[ActualSeries]) -> Iterator[DesiredSeries]:
    """The stretches of the block's time, from its next date on, that no series covers and one should."""
    rule, today, soon = want.series.slot.rule, case.today(want.series.slot.zone), case.now + UNTOUCHED
    day = want.series.first
    for series in kept:
        while (gap := want.from_day(day, not_before=soon)) and gap.first < series.tag.first:
            last = min(gap.last, recurrence.last_date(rule, series.tag.first - _DAY))
            yield replace(gap, last=last)
            day = last + _DAY
        day = max(day, series.tag.last + _DAY)
    last = kept[-1].tag.last if kept else date.min
    while last - today < RUNWAY and (ahead := want.from_day(day, not_before=soon)):
        yield ahead
        last = ahead.last
        day = last + _DAY


def originals(actual: ActualCalendar) -> list[ActualSeries]:
    """The series without copies that a person made of them: a copy carries the same tag and is younger. Copies stay."""
    oldest: dict[tuple[str, int], ActualSeries] = {}
    for series in sorted(actual.series, key=lambda s: (s.created, s.event_id)):
        oldest.setdefault((series.tag.block, series.tag.generation), series)
    return list(oldest.values())


def _ends_by_itself(change: Change, today: date) -> bool:
    """Whether a series is to be ended on its last day, with nothing of it left to take away."""
    if not isinstance(change, End) or change.actual.tag.ending:
        return False
    return not change.occurrences and change.range_end is None and change.actual.tag.last <= today


def _beside_copies(change: Change, actual: ActualCalendar) -> Change:
    """The change, but a series that a person copied is emptied, not deleted: what is left tells the copies apart."""
    if not isinstance(change, End) or not change.whole:
        return change
    mark = change.actual.tag.block, change.actual.tag.generation
    alike = sum((series.tag.block, series.tag.generation) == mark for series in actual.series)
    return replace(change, whole=alike == 1)


def _next_generation(block: str, actual: ActualCalendar, memory: Memory) -> int:
    used = (series.tag.generation for series in actual.series if series.tag.block == block)
    return max(max(used, default=-1) + 1, memory.floors.get(block, 0))


def _why_not(series: ActualSeries, desired: Desired, gone: Reason) -> Reason:
    """Why a block of which nothing is wanted here goes."""
    if gone is Reason.REMOVED:
        return gone
    reasons = [why for key, why in desired.unmet if key.block == series.tag.block]
    if reasons:
        return _WHY_NOT[reasons[0]]
    return gone if series.tag.block in desired.known else Reason.DROPPED


def _renamed(series: ActualSeries, want: Want) -> ActualSeries:
    """The series as it is once it has its new words."""
    return replace(series, tag=replace(series.tag, fingerprint=want.series.fingerprint))


def _finish(case: _Case, series: ActualSeries, zone: str) -> End:
    """Taking away what is left of a series after its last date, where that was begun and not finished."""
    over = series.tag.last + _DAY
    return _end(case, series, over, Reason.UNFINISHED, not_before=recurrence.midnight(zone, over))


def _end(case: _Case, series: ActualSeries, since: date, reason: Reason, *, not_before: datetime | None = None) -> End:
    """Ending a series from ``since`` on. What has begun stays, and so does what the rule put before ``not_before``.

    Where its dates are days off, one that somebody has moved stays too.
    """
    going: list[Occurrence] = []
    staying: list[Occurrence] = []
    for one in series.instances or ():
        goes = one.starts > case.now + UNTOUCHED and (not_before is None or one.original_starts >= not_before)
        stands = reason is Reason.DAY_OFF and one.starts != one.original_starts
        (going if goes and not stands else staying).append(one)
    tag = replace(series.tag, last=since - _DAY, ending=False)
    cut = _cut(series, going, staying) if case.memory.range_end_keeps and going and staying else None
    singly = [one for one in going if cut is None or zones.date_at(series.zone or "UTC", one.original_starts) <= cut]
    ids = tuple(one.event_id for one in singly)
    return End(series.tag.block, series, since, reason, tag, not staying, ids, range_end=cut)


def _cut(series: ActualSeries, going: Sequence[Occurrence], staying: Sequence[Occurrence]) -> date | None:
    """The last date to leave to the recurrence: that of the last occurrence to stay, if it takes any away at all."""
    if series.zone is None:
        return None
    last = max(zones.date_at(series.zone, i.original_starts) for i in staying)
    return last if any(zones.date_at(series.zone, i.original_starts) > last for i in going) else None
