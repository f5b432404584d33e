"""Which series a person should have: from the settings, the audiences they belong to and what their mailbox says."""

from __future__ import annotations

import enum
import functools
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from holdfast.core import picks, recurrence, words, zones
from holdfast.core.holidays import DaysOff, nearest_in_week
from holdfast.core.hours import works_at, works_on
from holdfast.core.model import (
    ActualSeries,
    Care,
    DesiredSeries,
    Fingerprint,
    Landing,
    Monthly,
    NthWeekday,
    Overlap,
    Profile,
    Purpose,
    Rule,
    Slot,
    SlotKey,
    Told,
    Weekly,
    WorkingHours,
)
from holdfast.core.settings import Block, BlockZone, HolidayRule, Language, OutsideHours, Quietest, Settings, Within

SERIES_LENGTH = timedelta(weeks=26)
"""How long a series is made: Exchange keeps deletions and exceptions of a series in one property, so it has to end."""

RUNWAY = timedelta(weeks=13)
"""A series with less than this ahead of it is continued by a next one."""

HORIZON = timedelta(weeks=13)
"""How far ahead single dates are looked at, so that the cost of a look stays bounded."""

UNTOUCHED = timedelta(minutes=15)
"""What begins sooner than this is left as it is: the person may already be on the way."""

SETTLED_IN = timedelta(days=28)
"""How long a mailbox has to be in another zone before a series follows it: travellers are not moved about."""

FOUR_WEEKS = 4
"""For how many weeks the body of a series tells what to learn."""

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
_TRIES = 4
"""Series lengths, two years in all, after which a block of which no date stands is given up."""


_AS_USUAL = Care()

EVERY_DAY = DaysOff(weekends=False)
"""No day off at all."""


class ChoiceKey(NamedTuple):
    """What a time of day is chosen for: the days of a block, for one of its audiences."""

    block: str
    audience: str
    days: str


class Why(enum.StrEnum):
    """Why a slot of a block is not for a person."""

    DISPLACED = "another block takes its time"
    OUTSIDE = "outside their working hours"
    OFF = "no date of it has learning time"
    OVER = "the block is over"


class Unmet(NamedTuple):
    """A slot of a block that a person is in the audience of and does not get."""

    key: SlotKey
    why: Why


class Course(NamedTuple):
    """A slot for as long as its block lasts: from ``since`` to ``until``, None where it goes on."""

    slot: Slot
    since: date
    until: date | None

    def dates(self, first: date, last: date) -> Iterator[date]:
        """The block's dates from ``first`` to ``last``, days off included."""
        return recurrence.dates(self.slot.rule, max(first, self.since), min(last, self.until or last))

    def shares_time(self, slot: Slot, day: date) -> bool:
        """Whether ``slot``, were it on ``day``, shared time with one of the block's dates."""
        return any(recurrence.collide(slot, day, self.slot, near) for near in self.dates(day - _DAY, day + _DAY))


class Beginning(NamedTuple):
    """The body of a series for somebody who is new to its audience, and what it tells of the coming weeks."""

    body: str
    told: Told


@dataclass(frozen=True, slots=True)
class Want:
    """One slot of a block for one person. ``series`` is what they get today; ``since`` and ``until`` are the block's.

    ``off`` are the days without learning time and ``hours`` the working hours it has to be within; a date that cannot
    stand is skipped, or where ``moves`` is true moved within its week, clear of ``others``: what else this person is
    to have, of which those in ``before`` have moved their dates first. ``follows`` says that the zone is the mailbox's.
    ``beginning`` is how the body begins for whoever is new to the audience, where that is another one.
    """

    series: DesiredSeries
    since: date
    until: date | None
    off: DaysOff = EVERY_DAY
    moves: bool = False
    follows: bool = False
    hours: WorkingHours | None = None
    others: tuple[Course, ...] = ()
    before: tuple[Want, ...] = ()
    language: Language = Language.EN
    care: Care = _AS_USUAL
    beginning: Beginning | None = None

    @property
    def key(self) -> SlotKey:
        """Which slot of which block it is."""
        return SlotKey(self.series.block, self.series.fingerprint.slot)

    @property
    def course(self) -> Course:
        """Its slot for as long as its block lasts."""
        return Course(self.series.slot, self.since, self.until)

    def from_day(self, day: date, *, not_before: datetime | None = None) -> DesiredSeries | None:
        """A series of full length from ``day`` on, begun and ended by dates that stand; None when no more of them do.

        Its ``first`` and ``last`` are dates of the rule, also where those move.
        """
        rule, until = self.series.slot.rule, self.until or date.max
        for _ in range(_TRIES):
            end = min(recurrence.next_date(rule, day) + SERIES_LENGTH - _DAY, until)
            standing = [date for date in recurrence.dates(rule, day, end) if self.stands(date, not_before=not_before)]
            if standing:
                return replace(self.series, first=standing[0], last=standing[-1])
            day = end + _DAY
            if day > until:
                break
        return None

    def stands(self, day: date, *, not_before: datetime | None = None) -> bool:
        """Whether there is learning time for a date of the rule, on that day or one it moves to."""
        return not self.is_off(day) or self.destination(day, not_before=not_before) is not None

    def is_off(self, day: date) -> bool:
        """Whether there is no learning time on a day; of dates that come round to all weekdays, some are not worked."""
        return self.off.off(day) or (_any_day(self.series.slot) and not self._is_worked(day))

    def destination(self, day: date, *, not_before: datetime | None = None) -> date | None:
        """Where a date without learning time moves to, beginning at ``not_before`` at the earliest; None: nowhere."""
        if not self.moves:
            return None
        slot = self.series.slot

        def taken(other: date) -> bool:
            if recurrence.next_date(slot.rule, other) == other or not self.since <= other <= (self.until or other):
                return True
            if not_before is not None and recurrence.starts(slot, other) < not_before:
                return True
            return (
                not self._is_worked(other)
                or any(another.shares_time(slot, other) for another in self.others)
                or any(earlier.moves_onto(slot, other, not_before=not_before) for earlier in self.before)
            )

        return nearest_in_week(day, self.off, taken=taken)

    def _is_worked(self, day: date) -> bool:
        return self.hours is None or works_on(self.series.slot, day, self.hours)

    def moves_onto(self, slot: Slot, day: date, *, not_before: datetime | None) -> bool:
        """Whether a date that moves will share time with ``slot`` were that on ``day``."""
        return any(
            recurrence.collide(slot, day, self.series.slot, to)
            for near in self.course.dates(day - _WEEK, day + _WEEK)
            if self.is_off(near) and (to := self.destination(near, not_before=not_before))
        )

    def landings(self, first: date, last: date, *, not_before: datetime) -> Iterator[Landing]:
        """The rule's dates from ``first`` to ``last`` that cannot stay, of those that begin after ``not_before``."""
        for day in recurrence.dates(self.series.slot.rule, first, last):
            if self.is_off(day) and recurrence.starts(self.series.slot, day) > not_before:
                name = self.off.name(day, self.language) or ""
                yield Landing(day, self.destination(day, not_before=not_before), name)

    def horizon(self, now: datetime) -> date:
        """The last date that is looked at singly."""
        return zones.date_at(self.series.slot.zone, now + HORIZON)

    def in_zone(self, zone: str) -> Want:
        """The same by another zone's clock."""
        slot = replace(self.series.slot, zone=zone)
        mark = self.series.fingerprint._replace(slot=slot_mark(slot))
        return replace(self, series=replace(self.series, slot=slot, fingerprint=mark))


@dataclass(frozen=True, slots=True)
class Desired:
    """What the settings want in one mailbox, and what of it the person does not get."""

    wants: tuple[Want, ...] = ()
    unmet: tuple[Unmet, ...] = ()
    known: frozenset[str] = frozenset()
    """Every block of the settings, so that a block taken out of the file is told apart from a person who left."""
    zone: str = "UTC"
    """Where the days begin and end by which series are told to be over."""
    unsettled: tuple[Want, ...] = ()
    """All that the settings ask for, where the mailbox has been in its zone too short a time to be followed there."""

    def of(self, block: str) -> tuple[Want, ...]:
        """What is wanted of one block."""
        return tuple(want for want in self.wants if want.series.block == block)


Choices = Mapping[ChoiceKey, time]
"""The times of day that were chosen where the settings leave the choice."""

ANYBODY = Profile(Purpose.USER)
"""A mailbox of which nothing is known but that it is a person's."""


def desired(
    settings: Settings,
    audiences: Iterable[str],
    now: datetime,
    *,
    profile: Profile = ANYBODY,
    choices: Choices | None = None,
    declines: Collection[str] = (),
) -> Desired:
    """What a member of ``audiences`` should have at the instant ``now``.

    Blocks come in the order of the file: where two share time, the first wins and the other is displaced. ``declines``
    are the blocks for which the person wants meetings on top declined.
    """
    member_of = frozenset(audiences)
    asked: list[Want] = []
    for block in settings.blocks:
        audience = next((name for name in block.audiences if name in member_of), None)
        if audience is not None:
            slots = _slots(settings, block, audience, profile, choices or {})
            asked += (
                _want(settings, block, audience, slot, profile, care=_care(block, declines), now=now) for slot in slots
            )
    is_new = profile.zone_since is not None and now - profile.zone_since < SETTLED_IN
    wants, unmet = _judged(((one,) for one in asked), now)
    return Desired(
        wants=wants,
        unmet=unmet,
        known=frozenset(block.id for block in settings.blocks),
        zone=settings.organization.zone,
        unsettled=tuple(asked) if is_new else (),
    )


def _judged(asked: Iterable[Sequence[Want]], now: datetime) -> tuple[tuple[Want, ...], tuple[Unmet, ...]]:
    """What a person gets of all that is asked for them, and what not.

    A slot may be asked for in several zones, in order of preference: to work then in a later one is enough.
    """
    wants: list[Want] = []
    unmet: list[Unmet] = []
    for options in asked:
        works = [_works(one) for one in options]
        for number, one in enumerate(options):
            want = as_of(one, now)
            if want is None and _is_over(one, now):
                unmet.append(Unmet(one.key, Why.OVER))
                break
            if not any(works[number:]):
                unmet.append(Unmet(one.key, Why.OUTSIDE))
            elif want is None:
                unmet.append(Unmet(one.key, Why.OFF))
            elif any(_clash(want, other) for other in wants):
                unmet.append(Unmet(one.key, Why.DISPLACED))
            else:
                wants.append(want)
                break
    return _clear_of_each_other(wants), tuple(unmet)


def _clear_of_each_other(wants: Sequence[Want]) -> tuple[Want, ...]:
    """The wants, each knowing the others that its dates must not be moved onto."""
    courses = [want.course for want in wants]
    aware: list[Want] = []
    for want in wants:
        others = tuple(course for course in courses if course.slot != want.series.slot)
        before = tuple(other for other in aware if other.moves)
        aware.append(replace(want, others=others, before=before) if want.moves else want)
    return tuple(aware)


def in_their_zones(wanted: Desired, series: Iterable[ActualSeries], now: datetime) -> Desired:
    """What is wanted, in the zone a series has already while the mailbox has not been in another for 28 days."""
    if not any(want.follows for want in wanted.unsettled):
        return wanted
    live = [one for one in series if one.zone is not None and one.is_open(zones.date_at(wanted.zone, now))]
    live.sort(key=lambda one: (one.tag.generation, one.created, one.event_id))
    wants, unmet = _judged((_where_it_stands(want, live) for want in wanted.unsettled), now)
    return replace(wanted, wants=wants, unmet=unmet)


def _where_it_stands(want: Want, live: Sequence[ActualSeries]) -> Sequence[Want]:
    """The want in the zone of its own series, or of the newest of its block, and where the mailbox is now."""
    if not want.follows:
        return (want,)
    there = [(one, want.in_zone(one.zone)) for one in live if one.tag.block == want.series.block and one.zone]
    own = [found for one, found in there if found.key.slot == one.tag.fingerprint.slot]
    return (*[*(found for _, found in there), *own][-1:], want)


def retold(wanted: Desired, now: datetime) -> Desired:
    """What is wanted, told anew: a date that has begun since it was first told is not to be placed any more."""
    wants: list[Want] = []
    unmet = list(wanted.unmet)
    for want in wanted.wants:
        told = as_of(want, now)
        if told is None:
            unmet.append(Unmet(want.key, Why.OVER if _is_over(want, now) else Why.OFF))
        else:
            wants.append(told)
    return replace(wanted, wants=tuple(wants), unmet=tuple(unmet))


def as_of(want: Want, now: datetime) -> Want | None:
    """The want with the series that one gets at ``now``; None when no date of it is to come."""
    series = want.from_day(_soonest(want, now), not_before=now + UNTOUCHED)
    return replace(want, series=series) if series else None


def _soonest(want: Want, now: datetime) -> date:
    return max(recurrence.next_date_after(want.series.slot, now + UNTOUCHED), want.since)


def _is_over(want: Want, now: datetime) -> bool:
    """Whether the rule has no date left, days off included."""
    return want.until is not None and recurrence.next_date(want.series.slot.rule, _soonest(want, now)) > want.until


def today(settings: Settings, now: datetime) -> date:
    """The date at the organisation's own clock."""
    return zones.date_at(settings.organization.zone, now)


def days_key(rule: Rule) -> str:
    """The days of a rule in a few letters that stay the same: for fingerprints and for remembering choices."""
    match rule:
        case Weekly(weekday, interval, phase):
            days = f"weekly {weekday.name}"
        case Monthly(NthWeekday(position, weekday), interval, phase):
            days = f"monthly {position.name} {weekday.name}"
        case Monthly(day, interval, phase):
            days = f"monthly {day}"
    return f"{days} {interval} {phase}" if interval > 1 else days


@functools.lru_cache(maxsize=4096)
def slot_mark(slot: Slot) -> str:
    """The slot's half of the fingerprint."""
    return _hash(f"{days_key(slot.rule)} {slot.at:%H:%M} {slot.minutes} {zones.windows(slot.zone)}")


def _slots(settings: Settings, block: Block, audience: str, profile: Profile, choices: Choices) -> Iterator[Slot]:
    """The slots of a block for a person of an audience, in the order of the file."""
    zone = settings.organization.zone
    if block.time_zone is BlockZone.MAILBOX and profile.zone is not None:
        zone = profile.zone
    for rule in block.rules():
        at = choices[ChoiceKey(block.id, audience, days_key(rule))] if isinstance(block.at, Quietest) else block.at
        yield Slot(rule, at, block.minutes, zone)


def _want(
    settings: Settings, block: Block, audience: str, slot: Slot, profile: Profile, *, care: Care, now: datetime
) -> Want:
    """The slot for a person of an audience, without dates."""
    language = settings.language_of(audience)
    goals = [
        words.goal(goal.title_in(language), goal.competences)
        for goal in settings.goals
        if goal.id in block.goals and goal.is_for(audience)
    ]
    subject = block.title_in(language)
    body = words.body(language, settings.organization.name, goals, care)
    category = words.CATEGORY[language]
    told = _told(settings, block, audience, body, zones.date_at(slot.zone, now))
    new = _told(settings, block, audience, body, zones.date_at(slot.zone, now), is_new=True)
    undated = DesiredSeries(
        block=block.id,
        slot=slot,
        first=date.min,
        last=date.min,
        subject=subject,
        body=told.body if told else body,
        category=category,
        reminder=block.reminder,
        fingerprint=Fingerprint(slot_mark(slot), _hash(subject, body, category, str(block.reminder))),
        told=told.told if told else None,
        untold=words.text_mark(body) if told else "",
    )
    return Want(
        undated,
        block.from_,
        block.until,
        off=days_off(settings, block, audience),
        moves=block.holiday is HolidayRule.MOVE,
        follows=block.time_zone is BlockZone.MAILBOX,
        hours=profile.hours if block.outside_hours is OutsideHours.EXCUSE else None,
        language=language,
        care=care,
        beginning=new if new != told else None,
    )


def _told(
    settings: Settings, block: Block, audience: str, body: str, today: date, *, is_new: bool = False
) -> Beginning | None:
    """The body with what to learn in the coming four weeks; None where there is nothing to tell.

    It is written anew every fourth week, counted from a fixed day, so that all are on the same day.
    """
    weeks = recurrence.week_number(today) // FOUR_WEEKS
    begins = max(today, block.from_)
    days = sorted(
        day for rule in block.rules() for day in recurrence.dates(rule, begins, begins + FOUR_WEEKS * _WEEK - _DAY)
    )
    language = settings.language_of(audience)
    joined = today if is_new else None
    coming = list(picks.coming(settings, block, audience, days, language=language, joined=joined))
    if not any(one.resource or one.question for one in coming):
        return None
    whole = body + words.weeks(language, coming)
    return Beginning(whole, Told(weeks, words.text_mark(whole)))


def _care(block: Block, declines: Collection[str]) -> Care:
    """How a block is protected for a person. Meetings are declined only for those who want it so."""
    let_be = block.overlap is Overlap.DECLINE and block.id not in declines
    return Care(
        block.protection,
        block.moves_per_quarter,
        on_its_day=block.within is Within.DAY,
        overlap=Overlap.ALLOW if let_be else block.overlap,
        always_allow=frozenset(map(str.lower, block.always_allow)),
    )


def days_off(settings: Settings, block: Block, audience: str) -> DaysOff:
    """The days on which a block does not stand for the people of an audience."""
    holidays, weekends = settings.holidays_of(audience), not block.weekend
    if holidays is None:
        return DaysOff(weekends=weekends)
    return DaysOff(holidays.country, holidays.subdivision, holidays.closed, weekends=weekends)


def _works(want: Want) -> bool:
    """Whether a slot is within the person's working days and hours all year round; so is any where they are not known.

    All year, because two zones that change their clocks on different days would else make it come and go.
    """
    slot = want.series.slot
    return want.hours is None or works_at(slot, want.hours, any_day=_any_day(slot), since=want.since)


def _any_day(slot: Slot) -> bool:
    return isinstance(slot.rule, Monthly) and not isinstance(slot.rule.day, NthWeekday)


def _clash(want: Want, other: Want) -> bool:
    latest = date.max
    since, until = max(want.since, other.since), min(want.until or latest, other.until or latest)
    if since > until:
        return False
    return recurrence.meeting(want.series.slot, other.series.slot, since, until) is not None


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]
