"""The difference between what a mailbox should hold and what it holds.

Only series that carry our tag are ever seen here, so only they can be changed. What a person did with single
occurrences is left alone: a series is made again only when it is missing as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import RUNWAY, UNTOUCHED, Desired, Want
from holdfast.core.model import ActualCalendar, ActualSeries, DesiredSeries
from holdfast.core.plan import Change, Create, End, Reason, Rewrite
from holdfast.core.tag import UNKNOWN

_DAY = timedelta(days=1)


class InstancesNeeded(Exception):
    """These series are to be ended, so their instances have to be read before the difference can be told."""

    def __init__(self, series: tuple[ActualSeries, ...]) -> None:
        super().__init__(f"{len(series)} series to end")
        self.series = series


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered because a calendar cannot tell it.

    ``placed`` are the blocks that this mailbox is known to have had; ``floors`` the first generation to use for a
    block, after a removal took all trace of earlier ones away.
    """

    placed: frozenset[str] = frozenset()
    floors: Mapping[str, int] = field(default_factory=dict)


def diff(
    desired: Desired, actual: ActualCalendar, *, now: datetime, memory: Memory, gone: Reason = Reason.LEFT
) -> tuple[Change, ...]:
    """The changes that make ``actual`` what is ``desired``, in the order to carry them out; none when it is so.

    ``gone`` is the reason given for ending a block that this person is not to have. Raises ``InstancesNeeded`` when a
    series is to be ended whose instances have not been read.
    """
    changes: list[Change] = []
    today = zones.date_at(desired.zone, now)
    series_now = _originals(actual)
    live = [series for series in series_now if series.tag.last >= today]
    for want in desired.wants:
        changes += _towards(want, [s for s in live if s.tag.block == want.series.block], actual, now, memory)
    wanted = {want.series.block for want in desired.wants}
    for series in live:
        if series.tag.block not in wanted:
            changes.append(_end(series, today, _why_not(series.tag.block, desired, gone), now))
    changes += [
        _finish(series, desired.zone, now) for series in series_now if series.is_open(today) and series not in live
    ]
    ending = {change.actual.event_id for change in changes if isinstance(change, End)}
    unread = tuple(series for series in actual.series if series.event_id in ending and series.instances is None)
    if unread:
        raise InstancesNeeded(unread)
    return tuple(_beside_copies(change, actual) for change in changes if not _ends_by_itself(change, today))


def _towards(
    want: Want, live: Sequence[ActualSeries], actual: ActualCalendar, now: datetime, memory: Memory
) -> Iterator[Change]:
    """The changes for one block that the person should have."""
    block = want.series.block
    zone = want.series.slot.zone
    today = zones.date_at(zone, now)
    kept, misplaced = _sorted(want, live, today)
    if any(reason is Reason.RESCHEDULED for _, reason in misplaced):
        why = Reason.RESCHEDULED
    else:
        why = Reason.REMADE if block in memory.placed or kept else Reason.NEW
    generation = _next_generation(block, actual, memory)
    for stretch in _uncovered(want, kept, today):
        continues = bool(kept) and stretch.first > kept[-1].tag.last
        yield Create(block, generation, stretch, Reason.CONTINUED if continues else why)
        generation += 1
    for series in kept:
        if series.tag.fingerprint != want.series.fingerprint:
            lost = series.tag.fingerprint.words == UNKNOWN.words
            yield Rewrite(block, series, want.series, Reason.FOUND if lost else Reason.EDITED)
    for series, reason in misplaced:
        yield _end(series, today, reason, now)
    for series in kept:
        if want.until and series.tag.last > want.until:
            over = want.until + _DAY
            yield _end(_renamed(series, want), over, Reason.SHORTENED, now, not_before=recurrence.midnight(zone, over))
        elif series.tag.ending:
            yield _finish(_renamed(series, want), zone, now)


def _sorted(
    want: Want, live: Sequence[ActualSeries], today: date
) -> tuple[list[ActualSeries], list[tuple[ActualSeries, Reason]]]:
    """The series that stand where the block wants them, one after the other, and those to end, each with the reason."""
    kept: list[ActualSeries] = []
    misplaced: list[tuple[ActualSeries, Reason]] = []
    for series in sorted(live, key=lambda s: (s.tag.first, s.tag.generation)):
        starts_too_early = series.tag.first < want.since > today
        if series.tag.fingerprint.slot != want.series.fingerprint.slot or starts_too_early:
            misplaced.append((series, Reason.RESCHEDULED))
        elif kept and series.tag.first <= kept[-1].tag.last:
            misplaced.append((series, Reason.DOUBLE))
        else:
            kept.append(series)
    return kept, misplaced


def _uncovered(want: Want, kept: Sequence[ActualSeries], today: date) -> Iterator[DesiredSeries]:
    """The stretches of the block's time, from its next date on, that no series covers and one should."""
    slot = want.series.slot
    day = want.series.first
    for series in kept:
        while (gap := want.from_day(day)) and gap.first < series.tag.first:
            last = min(gap.last, recurrence.last_date(slot.rule, series.tag.first - _DAY))
            yield replace(gap, last=last)
            day = last + _DAY
        day = max(day, series.tag.last + _DAY)
    if not kept or kept[-1].tag.last - today < RUNWAY:
        ahead = want.from_day(day)
        if ahead is not None:
            yield ahead


def _originals(actual: ActualCalendar) -> list[ActualSeries]:
    """The series without copies that a person made of them: a copy carries the same tag and is younger. Copies stay."""
    oldest: dict[tuple[str, int], ActualSeries] = {}
    for series in sorted(actual.series, key=lambda s: (s.created, s.event_id)):
        oldest.setdefault((series.tag.block, series.tag.generation), series)
    return list(oldest.values())


def _ends_by_itself(change: Change, today: date) -> bool:
    """Whether a series is to be ended on its last day, with nothing of it left to take away."""
    if not isinstance(change, End) or change.actual.tag.ending:
        return False
    return not change.occurrences and change.actual.tag.last <= today


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


def _why_not(block: str, desired: Desired, gone: Reason) -> Reason:
    if gone is Reason.REMOVED:
        return gone
    if block in desired.displaced:
        return Reason.DISPLACED
    if block in desired.over:
        return Reason.SHORTENED
    return gone if block in desired.known else Reason.DROPPED


def _renamed(series: ActualSeries, want: Want) -> ActualSeries:
    """The series as it is once it has its new words."""
    return replace(series, tag=replace(series.tag, fingerprint=want.series.fingerprint))


def _finish(series: ActualSeries, zone: str, now: datetime) -> End:
    """Taking away what is left of a series after its last date, where that was begun and not finished."""
    over = series.tag.last + _DAY
    return _end(series, over, Reason.UNFINISHED, now, not_before=recurrence.midnight(zone, over))


def _end(
    series: ActualSeries, since: date, reason: Reason, now: datetime, *, not_before: datetime | None = None
) -> End:
    """Ending a series from ``since`` on. What has begun stays, and so does what the rule put before ``not_before``."""
    instances = series.instances or ()
    going = [
        i for i in instances if i.starts > now + UNTOUCHED and (not_before is None or i.original_starts >= not_before)
    ]
    tag = replace(series.tag, last=since - _DAY, ending=False)
    return End(
        series.tag.block, series, since, reason, tag, len(going) == len(instances), tuple(i.event_id for i in going)
    )
