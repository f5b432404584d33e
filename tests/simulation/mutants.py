"""Bugs to plant in the product, each a mistake that somebody could make: the simulation has to notice every one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

from holidays import country_holidays

from graph_client import batch, calendars, translate
from holdfast.core import desired, diff, holidays, protection, recurrence, slots, zones
from holdfast.core.errors import GraphError
from holdfast.core.model import ActualCalendar, ActualSeries, Fingerprint, Protection, SlotKey, Tag, Weekly
from holdfast.core.plan import Create, End, Reason
from holdfast.core.protection import Judged, Touch, Verdict
from holdfast.core.settings import Mode, Settings
from holdfast.core.touches import Touches
from holdfast.jobs import audience, dates, errand, looking, reconcile, survey, sweep
from holdfast.store.sqlite import SqliteState

Mutant = Callable[[], AbstractContextManager[Any]]


def _event(change: Callable[[dict[str, Any]], dict[str, Any]]) -> AbstractContextManager[Any]:
    """What is sent to create an event, changed."""
    real = translate.event
    return patch.object(translate, "event", lambda *given: change(real(*given)))


def no_transaction_id() -> AbstractContextManager[Any]:
    return _event(lambda event: {name: value for name, value in event.items() if name != "transactionId"})


def random_transaction_id() -> AbstractContextManager[Any]:
    return _event(lambda event: event | {"transactionId": str(uuid.uuid4())})


def with_attendees() -> AbstractContextManager[Any]:
    someone = {"emailAddress": {"address": "chefen@fjallvik.example", "name": "Chefen"}, "type": "required"}
    return _event(lambda event: event | {"attendees": [someone]})


def in_utc() -> AbstractContextManager[Any]:
    """The right instant of the first date, and an hour off after the clocks have changed."""

    def change(event: dict[str, Any]) -> dict[str, Any]:
        def utc(at: dict[str, str]) -> dict[str, str]:
            wall = datetime.fromisoformat(at["dateTime"]).replace(tzinfo=zones.rules(zones.iana(at["timeZone"])))
            return {"dateTime": wall.astimezone(UTC).replace(tzinfo=None).isoformat(), "timeZone": "UTC"}

        ranged = event["recurrence"]["range"] | {"recurrenceTimeZone": "UTC"}
        recurrence = event["recurrence"] | {"range": ranged}
        return event | {"start": utc(event["start"]), "end": utc(event["end"]), "recurrence": recurrence}

    return _event(change)


@contextmanager
def failed_read_is_empty() -> Iterator[None]:
    real = calendars.GraphCalendars.read

    async def read(self: Any, mailbox: str) -> ActualCalendar:
        try:
            return await real(self, mailbox)
        except GraphError:
            return ActualCalendar(mailbox)

    with patch.object(calendars.GraphCalendars, "read", read):
        yield


@contextmanager
def known_by_subject() -> Iterator[None]:
    names = {"Lärtimmen": "lartimmen", "Fördjupning": "fordjupning"}
    real = translate.series_master

    def series_master(raw: Mapping[str, Any]) -> Any:
        block = names.get(raw["subject"])
        if block is None or raw["type"] != translate.SERIES_MASTER:
            return real(raw)
        tagged = real({**raw, "singleValueExtendedProperties": raw.get("singleValueExtendedProperties")})
        if tagged is not None:
            return tagged
        bounds = raw["recurrence"]["range"]
        first, last = date.fromisoformat(bounds["startDate"]), date.fromisoformat(bounds["endDate"])
        mark = Tag(block, 0, Fingerprint("0", "0"), first, last)
        created = datetime.fromisoformat(raw["createdDateTime"])
        starts, zone = translate._zoned(raw["start"]), translate._recurs_in(raw)
        return ActualSeries(raw["id"], raw["@odata.etag"], mark, created, last, starts, zone)

    everything = calendars._query(
        expand=calendars._THE_TAG, select=f"{calendars.OF_OURS},subject", top=str(calendars._PAGE)
    )
    with patch.object(calendars, "_READ", everything), patch.object(translate, "series_master", series_master):
        yield


@contextmanager
def early_retry() -> Iterator[None]:
    real = batch.retry_after

    def half(value: str | None, now: datetime) -> float | None:
        seconds = real(value, now)
        return seconds and seconds / 2

    with patch.object(batch, "retry_after", half):
        yield


def lost_tag_is_made_again() -> AbstractContextManager[Any]:
    async def nothing(*_: Any) -> None:
        return None

    return patch.object(reconcile._Mailbox, "_made_before", nothing)


@contextmanager
def ended_with_its_past() -> Iterator[None]:
    real = diff._end

    def whole(*given: Any, **more: Any) -> End:
        return replace(real(*given, **more), whole=True)

    with patch.object(diff, "_end", whole):
        yield


@contextmanager
def on_the_last_minute() -> Iterator[None]:
    """What begins within a quarter of an hour is taken away like any other."""
    with patch.object(diff, "UNTOUCHED", timedelta(0)), patch.object(desired, "UNTOUCHED", timedelta(0)):
        yield


@contextmanager
def first_page_only() -> Iterator[None]:
    real = batch.Dispatcher.pages

    async def pages(self: Any, first: Any) -> Any:
        async for page in real(self, first):
            yield page
            return

    with patch.object(batch.Dispatcher, "pages", pages):
        yield


@contextmanager
def ended_before_it_is_emptied() -> Iterator[None]:
    """The tag says that a series is over before its dates are gone: who dies in between leaves them for ever."""
    real = reconcile._Mailbox._do

    async def do(self: Any, change: Any) -> None:
        if not isinstance(change, End) or change.whole or change.range_end is not None:
            await real(self, change)
            return
        await self._retag(change.actual.event_id, change.tag)
        for event_id in change.occurrences:
            await self._delete(event_id)

    with patch.object(reconcile._Mailbox, "_do", do):
        yield


def emptied_without_a_word() -> AbstractContextManager[Any]:
    """A series does not say that it is being ended: who dies in between leaves one that passes for whole."""
    return patch.object(End, "has_to_begin", property(lambda _: False))


@contextmanager
def on_record_at_the_end() -> Iterator[None]:
    """What a mailbox has been given is only remembered when all is done."""

    async def later(self: Any, blocks: frozenset[str]) -> None:
        self.on_record = blocks

    with patch.object(reconcile._Mailbox, "_put_on_record", later):
        yield


def copies_are_doubles() -> AbstractContextManager[Any]:
    return patch.object(diff, "originals", lambda actual: list(actual.series))


def watch_writes() -> AbstractContextManager[Any]:
    @dataclass
    class Modes:
        WATCH = None
        KEEP = Mode.KEEP

    return patch.object(sweep, "Mode", Modes)


def disabled_get_blocks() -> AbstractContextManager[Any]:
    def excuse(self: Any) -> Any:
        return None if self.audiences else audience.Excuse.EXCLUDED

    return patch.object(audience.Member, "excuse", excuse)


def leavers_are_forgotten() -> AbstractContextManager[Any]:
    """Only members are looked at; who has left keeps what they have."""
    real = survey.errands_of

    def errands(*given: Any, **more: Any) -> Any:
        return [errand for errand in real(*given, **more) if errand.in_audience]

    return patch.object(survey, "errands_of", errands)


def given_twice_over() -> AbstractContextManager[Any]:
    """A series is continued although it has long enough to run."""
    return patch.object(diff, "RUNWAY", timedelta(weeks=26))


# -- recurrence, zones, hours and days off


def one_country_for_all() -> AbstractContextManager[Any]:
    return patch.object(Settings, "holidays_of", lambda self, _: self.organization.holidays)


def public_days_only() -> AbstractContextManager[Any]:
    """Midsummer's Eve, Christmas Eve and New Year's Eve are working days by law."""

    def of_year(country: str, subdivision: str | None, year: int, _: str | None) -> Any:
        return country_holidays(country, subdiv=subdivision, years=year)

    return patch.object(holidays, "_of_year", of_year)


def closed_too_short() -> AbstractContextManager[Any]:
    def is_closed(self: Any, day: date) -> bool:
        return any(first <= day < last for first, last in self.closed)

    return patch.object(holidays.DaysOff, "_is_closed", is_closed)


def moved_to_the_later() -> AbstractContextManager[Any]:
    """Of two days as near, the later."""

    def nearest(day: date, off: Any, *, taken: Callable[[date], bool]) -> date | None:
        monday = day - timedelta(days=day.weekday())
        week = sorted((monday + timedelta(days=number) for number in range(7)), key=lambda other: abs(other - day))
        week.sort(key=lambda other: (abs(other - day), -other.toordinal()))
        return next((other for other in week if not off.off(other) and not taken(other)), None)

    return patch.object(desired, "nearest_in_week", nearest)


@contextmanager
def days_off_when_made() -> Iterator[None]:
    """Days off that come near later are not seen to."""
    with patch.object(diff, "_landed", lambda *_: ()), patch.object(diff, "_to_look_at", lambda *_: ()):
        yield


def day_off_made_again() -> AbstractContextManager[Any]:
    """A date that is gone is taken for one that its person has deleted, and is put back."""
    real = errand.diff

    def made_again(wanted: Any, actual: ActualCalendar, **more: Any) -> Any:
        changes = real(wanted, actual, **more)
        wants = {want.key: want for want in wanted.wants}
        for series in actual.series if not changes else ():
            want = wants.get(SlotKey(series.tag.block, series.tag.fingerprint.slot))
            if want is None or series.ahead is None:
                continue
            there = {zones.date_at(want.series.slot.zone, one.original_starts) for one in series.ahead}
            last = min(series.tag.last, want.horizon(more["now"]))
            for day in recurrence.dates(want.series.slot.rule, max(want.series.first, series.tag.first), last):
                if day not in there:
                    again = replace(want.series, first=day, last=day)
                    return (Create(series.tag.block, series.tag.generation + 1, again, Reason.REMADE),)
        return changes

    return patch.object(errand, "diff", made_again)


@contextmanager
def settled_after(days: int) -> Iterator[None]:
    with ExitStack() as patches:
        for module in (desired, errand, looking):
            patches.enter_context(patch.object(module, "SETTLED_IN", timedelta(days)))
        yield


def phase_lost() -> AbstractContextManager[Any]:
    """A continuation begins in the next week, not in the next that it is due."""
    real = desired.Want.from_day

    def from_day(self: Any, day: date, **more: Any) -> Any:
        found, rule = real(self, day, **more), self.series.slot.rule
        if found is None or not isinstance(rule, Weekly) or not date.min < self.series.first < day:
            return found
        return replace(found, first=day + timedelta(days=(rule.weekday - day.weekday()) % 7))

    return patch.object(desired.Want, "from_day", from_day)


def fourth_for_last() -> AbstractContextManager[Any]:
    real = translate.pattern

    def pattern(rule: Any) -> dict[str, Any]:
        found = real(rule)
        return found | {"index": "fourth"} if found.get("index") == "last" else found

    return patch.object(translate, "pattern", pattern)


def second_day_is_a_double() -> AbstractContextManager[Any]:
    real = diff._sorted

    def by_block(*given: Any) -> Any:
        kept, misplaced = real(*given)
        first = next(iter(kept))
        doubles = [(series, Reason.DOUBLE) for key in kept if key != first for series in kept[key]]
        return {key: kept[key] if key == first else [] for key in kept}, misplaced + doubles

    return patch.object(diff, "_sorted", by_block)


def known_for_ever() -> AbstractContextManager[Any]:
    return patch.object(looking, "WHOLE_READ_HOLDS", timedelta(days=10_000))


def believed_for_ever() -> AbstractContextManager[Any]:
    return patch.object(looking, "PROFILE_HOLDS", timedelta(days=10_000))


def ended_by_range_anyway() -> AbstractContextManager[Any]:
    """Whatever this tenant does to exceptions then."""
    return patch.object(survey, "Memory", lambda placed, floors, _: diff.Memory(placed, floors, range_end_keeps=True))


def placed_outside_hours() -> AbstractContextManager[Any]:
    return patch.object(desired, "_works", lambda *_: True)


def choice_forgotten() -> AbstractContextManager[Any]:
    async def choose(*_: Any) -> None:
        return None

    return patch.object(SqliteState, "choose", choose)


def busiest_chosen() -> AbstractContextManager[Any]:
    return patch.object(slots, "_ranked", lambda conflicts: sorted(conflicts, key=lambda one: (-one[1], one[0])))


# -- protection


def past_repaired() -> AbstractContextManager[Any]:
    """What has begun is put back like any other."""
    return patch.object(protection, "UNTOUCHED", timedelta(days=-2))


def _touched_but(touch: Touch) -> AbstractContextManager[Any]:
    real = protection._Case.touched

    def touched(self: Any) -> Iterator[Any]:
        return (found for found in real(self) if found[1] is not touch)

    return patch.object(protection._Case, "touched", touched)


@contextmanager
def _verdict(change: Callable[[Any, Touch, Judged], Judged]) -> Iterator[None]:
    """Another verdict, by the case, what was done and the right one."""
    real = protection._Case.verdict

    def verdict(self: Any, key: Any, touch: Touch, occurrence: Any, *, allowance: bool) -> Judged:
        return change(self, touch, real(self, key, touch, occurrence, allowance=allowance))

    with patch.object(protection._Case, "verdict", verdict):
        yield


def everything_let_go() -> AbstractContextManager[Any]:
    return _verdict(lambda _, __, judged: replace(judged, verdict=Verdict.LET_GO, counts=False))


def skip_overruled() -> AbstractContextManager[Any]:
    """What was agreed on is not remembered: the next look decides anew."""
    return patch.object(Touches, "with_skip", lambda self, _: self)


def put_back_again() -> AbstractContextManager[Any]:
    return patch.object(protection, "PUT_BACKS", 3)


def allowance_not_counted() -> AbstractContextManager[Any]:
    return _verdict(lambda _, __, judged: replace(judged, counts=False))


@contextmanager
def allowance_of_each_look() -> Iterator[None]:
    """What was let go by an earlier look does not count."""
    with patch.object(protection, "_still_used", lambda *_: iter(())):
        yield


def kept_at_any_hour() -> AbstractContextManager[Any]:
    return patch.object(protection, "works_between", lambda *_, **__: True)


@contextmanager
def kept_in_any_week() -> Iterator[None]:
    real = protection._Case._may_stand

    def may_stand(self: Any, _: date, occurrence: Any) -> bool:
        return real(self, zones.date_at(self.want.series.slot.zone, occurrence.starts), occurrence)

    with patch.object(protection._Case, "_may_stand", may_stand):
        yield


def answered_twice() -> AbstractContextManager[Any]:
    return patch.object(Touches, "with_answer", lambda self, _: self)


def absence_not_excused() -> AbstractContextManager[Any]:
    return patch.object(protection._Case, "_is_away", lambda *_: False)


def remade_for_ever() -> AbstractContextManager[Any]:
    return patch.object(Touches, "may_remake", lambda *_: True)


def left_standing_alone() -> AbstractContextManager[Any]:
    """Single events stay when the series that they stood for is gone."""
    return patch.object(dates, "orphans", lambda *_: ())


def put_right_uncounted() -> AbstractContextManager[Any]:
    """Nobody counts what was put right."""
    return patch.object(Touches, "with_put_back", lambda self, _: self)


def soft_put_right() -> AbstractContextManager[Any]:
    @dataclass
    class Kinds:
        SOFT = None
        MOVABLE = Protection.MOVABLE

    return patch.object(protection, "Protection", Kinds)


MUTANTS: dict[str, Mutant] = {
    "no transactionId": no_transaction_id,
    "a random transactionId": random_transaction_id,
    "a failed read taken for an empty calendar": failed_read_is_empty,
    "recognition by subject": known_by_subject,
    "a retry before Retry-After": early_retry,
    "a lost tag made a double": lost_tag_is_made_again,
    "the past removed with what is ended": ended_with_its_past,
    "what begins within a quarter of an hour touched": on_the_last_minute,
    "only the first page read": first_page_only,
    "marked as ended before it is emptied": ended_before_it_is_emptied,
    "emptied without a word": emptied_without_a_word,
    "remembered only when all is done": on_record_at_the_end,
    "a person's copy taken for a double": copies_are_doubles,
    "a sweep that writes in mode watch": watch_writes,
    "blocks for disabled accounts": disabled_get_blocks,
    "leavers forgotten": leavers_are_forgotten,
    "a series in UTC": in_utc,
    "events with attendees": with_attendees,
    "a series continued too early": given_twice_over,
    "the organisation's holidays for everybody": one_country_for_all,
    "customary days off forgotten": public_days_only,
    "the last closed day forgotten": closed_too_short,
    "moved to the later of two days as near": moved_to_the_later,
    "days off seen to only when a series is made": days_off_when_made,
    "a day off taken for a deletion and made again": day_off_made_again,
    "a zone followed at once": partial(settled_after, 0),
    "a zone never followed": partial(settled_after, 10_000),
    "the phase of every second week lost on a continuation": phase_lost,
    "the last Friday taken for the fourth": fourth_for_last,
    "the second day's series counted a double": second_day_is_a_double,
    "known series trusted for ever": known_for_ever,
    "what a mailbox says of itself believed for ever": believed_for_ever,
    "ended by the range in a tenant that then forgets": ended_by_range_anyway,
    "part-timers placed outside their hours": placed_outside_hours,
    "a choice not kept": choice_forgotten,
    "the busiest time chosen": busiest_chosen,
    "a repair of the past": past_repaired,
    "a gap taken for a holiday": partial(_touched_but, Touch.DELETED),
    "everything let go": everything_let_go,
    "a late look overruling a skip": skip_overruled,
    "a third put-back": put_back_again,
    "an allowance never counted": allowance_not_counted,
    "an allowance for each look": allowance_of_each_look,
    "kept although outside working hours": kept_at_any_hour,
    "kept although outside its week": kept_in_any_week,
    "freed left free": partial(_touched_but, Touch.FREED),
    "a deletion answered twice": answered_twice,
    "out of office not excused": absence_not_excused,
    "a series remade for ever": remade_for_ever,
    "single events left behind": left_standing_alone,
    "put right without being counted": put_right_uncounted,
    "soft blocks put right": soft_put_right,
}
