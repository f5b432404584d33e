"""Values as text and back, for whatever store keeps them."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from holdfast.core import tag as tags
from holdfast.core.errors import NotSignedIn
from holdfast.core.model import ActualSeries, Profile, Purpose, SlotKey, Weekday, WorkingHours
from holdfast.core.tenant import TenantFacts
from holdfast.core.touches import DateKey, SeriesKey, Stood, Touches
from holdfast.jobs.ports import Run
from holdfast.store.key import Key, Unreadable


def instant(at: datetime) -> str:
    """An instant in UTC; the texts of two are in the order of the instants."""
    return at.astimezone(UTC).isoformat()


def data_text(data: Mapping[str, Any]) -> str:
    """Plain data."""
    return json.dumps(dict(data), ensure_ascii=False)


@functools.lru_cache(maxsize=1024)
def slots_text(slots: frozenset[SlotKey]) -> str:
    """Slots of blocks. Kept, as what is read is, because most people have the same."""
    return json.dumps(sorted(slots))


@functools.lru_cache(maxsize=1024)
def slots_of(text: str) -> frozenset[SlotKey]:
    """The slots in a text of ``slots_text``."""
    return frozenset(SlotKey(*slot) for slot in json.loads(text))


def texts(of: Collection[str]) -> str:
    """Texts that have no order."""
    return json.dumps(sorted(of))


@functools.lru_cache(maxsize=1024)
def texts_of(text: str) -> frozenset[str]:
    """The texts in one of ``texts``. Kept, because most people are in the same audiences."""
    return frozenset(json.loads(text))


def pins_text(groups: Mapping[str, tuple[str, str]]) -> str:
    """Which group each text of the settings means."""
    return json.dumps(dict(groups))


def pins_of(text: str) -> dict[str, tuple[str, str]]:
    """The groups in a text of ``pins_text``."""
    return {name: (said, group_id) for name, (said, group_id) in json.loads(text).items()}


def days_of(touches: Touches) -> tuple[str, str]:
    """The first day and the last that somebody's doings are about, to forget them by."""
    # What is to be let be is so until somebody asks.
    days = [*touches.days, *([date.max] if touches.left else [])]
    return days[0].isoformat(), days[-1].isoformat()


def opened(key: Key, sealed: bytes) -> bytes:
    """Tokens that were sealed under a key. Raises ``NotSignedIn`` where it is gone."""
    try:
        return key.open(sealed)
    except Unreadable:
        raise NotSignedIn(
            "The sign-in of the account that posts cannot be read: it was kept under another key.",
            cure="Run `holdfast login` again, or set HOLDFAST_KEY or HOLDFAST_KEY_PREVIOUS to the key it was.",
        ) from None


def run_text(run: Run) -> str:
    """A run, as far as it has come: the same text for the same run."""
    told = {
        **dataclasses.asdict(run),
        "began": instant(run.began),
        "home": sorted(run.home),
        "ended": instant(run.ended) if run.ended else None,
    }
    return json.dumps(told, sort_keys=True)


def run_of(text: str) -> Run:
    """The run in a text of ``run_text``."""
    told = json.loads(text)
    began, ended = datetime.fromisoformat(told["began"]), told["ended"] and datetime.fromisoformat(told["ended"])
    return Run(**{**told, "began": began, "ended": ended, "home": frozenset(told["home"])})


def named(mailbox: str, address: str) -> frozenset[str]:
    """What somebody goes by in what is stored, as ``mentions`` and ``without`` take it."""
    return frozenset(name.lower() for name in (mailbox, address) if name)


def mentions(data: object, who: frozenset[str]) -> list[Any]:
    """The parts of plain data that are about somebody: the smallest items of lists and entries of mappings."""
    if isinstance(data, Mapping):
        found: list[Any] = []
        for name, value in data.items():
            if _names(name, who) or _names(value, who):
                found.append({name: value})
            else:
                found += mentions(value, who)
        return found
    if isinstance(data, list):
        return [part for one in data for part in ([one] if is_about(one, who) else mentions(one, who))]
    return []


def without(data: object, who: frozenset[str]) -> Any:  # noqa: ANN401 - the same plain data
    """Plain data without the parts that are about somebody; a text that names them is emptied."""
    if isinstance(data, Mapping):
        kept = {name: value for name, value in data.items() if not _names(name, who)}
        return {name: "" if _names(value, who) else without(value, who) for name, value in kept.items()}
    if isinstance(data, list):
        return [without(one, who) for one in data if not is_about(one, who)]
    return data


def is_about(item: object, who: frozenset[str]) -> bool:
    """Whether an item of plain data is about somebody as a whole: it is a text or a row that names them."""
    match item:
        case str():
            return _names(item, who)
        case Mapping():
            return any(_names(one, who) for pair in item.items() for one in pair)
        case list():
            return any(_names(one, who) for one in item)
    return False


def _names(text: object, who: frozenset[str]) -> bool:
    return isinstance(text, str) and any(name in text.lower() and _whole(name).search(text.lower()) for name in who)


@functools.lru_cache(maxsize=64)
def _whole(name: str) -> re.Pattern[str]:
    """A name where it is no part of another's: anna@fjallvik.example stands in johanna@fjallvik.example, too."""
    return re.compile(rf"(?<![\w.+-]){re.escape(name)}(?!\.?[\w-])")


def series_text(series: tuple[ActualSeries, ...]) -> str:
    """Series without their instances."""
    return json.dumps(
        [
            (
                one.event_id,
                tags.text(one.tag),
                one.created.isoformat(),
                one.range_ends and one.range_ends.isoformat(),
                one.starts.isoformat(),
                one.zone,
            )
            for one in series
        ]
    )


def series_of(text: str) -> tuple[ActualSeries, ...]:
    """The series in a text of ``series_text``; without etags, because what changes them reads them first."""
    return tuple(map(_series, json.loads(text)))


def _series(row: list[Any]) -> ActualSeries:
    event_id, tag_text, created, range_ends, starts, zone = row
    tag = _tag(tag_text)
    if tag is None:
        raise ValueError(tag_text)
    return ActualSeries(
        event_id,
        etag="",
        tag=tag,
        created=datetime.fromisoformat(created),
        range_ends=_date(range_ends) if range_ends else None,
        starts=_instant(starts),
        zone=zone,
    )


_tag = functools.lru_cache(maxsize=1024)(tags.parse)
_date = functools.lru_cache(maxsize=1024)(date.fromisoformat)
_instant = functools.lru_cache(maxsize=1024)(datetime.fromisoformat)
"""Kept, because most people's series are alike."""


def profile_text(profile: Profile) -> str:
    """What a mailbox says of itself."""
    hours = None
    if profile.hours:
        starts, ends = profile.hours.starts.isoformat(), profile.hours.ends.isoformat()
        hours = sorted(profile.hours.days), starts, ends, profile.hours.zone
    since = profile.zone_since.isoformat() if profile.zone_since else None
    return json.dumps((profile.purpose.value, hours, profile.zone, since))


@functools.lru_cache(maxsize=1024)
def profile_of(text: str) -> Profile:
    """The profile in a text of ``profile_text``. Kept, because most people's are alike."""
    purpose, hours, zone, since = json.loads(text)
    working = None
    if hours:
        days, starts, ends, of = hours
        working = WorkingHours(frozenset(map(Weekday, days)), time.fromisoformat(starts), time.fromisoformat(ends), of)
    return Profile(Purpose(purpose), working, zone, datetime.fromisoformat(since) if since else None)


def facts_text(facts: TenantFacts) -> str:
    """What was seen of a tenant."""
    return json.dumps({**dataclasses.asdict(facts), "at": facts.at.isoformat()})


def facts_of(text: str) -> TenantFacts:
    """The facts in a text of ``facts_text``; what an older Holdfast did not look for is not known."""
    names = {field.name for field in dataclasses.fields(TenantFacts)}
    kept = {name: value for name, value in json.loads(text).items() if name in names}
    return TenantFacts(**{**kept, "at": datetime.fromisoformat(kept["at"])})


def touches_text(touches: Touches) -> str:
    """What somebody did with dates of blocks."""
    return json.dumps(
        {
            "put_back": [(*_key(key), times) for key, times in sorted(touches.put_back.items())],
            "answered": sorted(map(_key, touches.answered)),
            "skipped": sorted(map(_key, touches.skipped)),
            "moved": sorted(map(_key, touches.moved)),
            "remade": [(*slot, day.isoformat()) for slot, day in sorted(touches.remade.items())],
            "left": sorted(touches.left),
            "pending": [(*_key(key), generation) for key, generation in sorted(touches.pending.items())],
            "stood": [(*key, one.last.isoformat(), sorted(one.meetings)) for key, one in sorted(touches.stood.items())],
        }
    )


def touches_of(text: str) -> Touches:
    """What stands in a text of ``touches_text``."""
    told = json.loads(text)
    return Touches(
        put_back={DateKey(block, date.fromisoformat(day)): times for block, day, times in told["put_back"]},
        answered=_keys(told["answered"]),
        skipped=_keys(told["skipped"]),
        moved=_keys(told["moved"]),
        # An earlier version counted by blocks, in another form: who deleted a series then is asked about it once more.
        remade={
            SlotKey(block, slot): date.fromisoformat(day)
            for block, slot, day in (told["remade"] if isinstance(told["remade"], list) else ())
        },
        left=frozenset(SlotKey(*slot) for slot in told.get("left", ())),
        pending={
            DateKey(block, date.fromisoformat(day)): generation for block, day, generation in told.get("pending", ())
        },
        stood={
            SeriesKey(block, generation): Stood(date.fromisoformat(last), frozenset(meetings))
            for block, generation, last, meetings in told.get("stood", ())
        },
    )


def _key(key: DateKey) -> tuple[str, str]:
    return key.block, key.day.isoformat()


def _keys(told: list[tuple[str, str]]) -> frozenset[DateKey]:
    return frozenset(DateKey(block, date.fromisoformat(day)) for block, day in told)
