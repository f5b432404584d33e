"""What is due in a channel, by its settings and its ledger: messages first, then the pack, then the summary.

Each has a name of its own in the ledger, so that none of them is taken for another: a summary's is the day it is due by
its rule, a pack's the same after ``agenda-``, a message's begins with ``message-``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from holdfast.core import zones
from holdfast.core.calm import Rank
from holdfast.core.periods import Period, current, latest, may_be_posted
from holdfast.core.settings import AgendaPack, Channel, LeaderMessage, Post, Settings
from holdfast.jobs.ports import Entry, PostState

LATEST = timedelta(days=1)
"""How long after its time a leader's message is still posted."""

UNENDED = frozenset({PostState.REFUSED, PostState.POSTING})
_MADE = frozenset({PostState.POSTED, PostState.UNCONFIRMED, PostState.POSTING})
_PACK = "agenda-"


@dataclass(frozen=True, slots=True)
class Due:
    """One post that is due. ``message`` is what a leader says, None for a pack or a summary.

    ``is_late`` tells that it is a message whose time is over, so that it is told and not posted.
    """

    rank: Rank
    period: Period
    message: LeaderMessage | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """A channel with its ledger, as they are at ``now``; ``approved`` is when its settings were."""

    settings: Settings
    channel: Channel
    ledger: Mapping[str, Entry]
    now: datetime

    @classmethod
    def of(cls, settings: Settings, channel: Channel, entries: Iterable[Entry], now: datetime) -> Book:
        """The ledger's entries by their periods."""
        return cls(settings, channel, {entry.period: entry for entry in entries}, now)

    def due(self, approved: datetime) -> Iterator[Due]:
        """What the timer is to post. What was due before anybody asked for the channel's posts never is."""
        for message in self._messages():
            period = self._time_of(message)
            if period.due <= self.now and self._state(period) in UNENDED:
                is_late = self.now - period.due > LATEST and self._state(period) is PostState.REFUSED
                if is_late or may_be_posted(self.settings, period, self.now):
                    yield Due(Rank.MESSAGE, period, message, is_late)
        for rank, when, prefix in self._regular():
            asked_for = self._due_of(when, prefix, approved)
            if asked_for is not None:
                yield Due(rank, asked_for)

    def at_once(self, asked: Rank) -> Iterator[Due]:
        """The post of the period that goes on, because somebody asked for it."""
        for rank, when, prefix in self._regular():
            period = _named(current(self.settings, when, self.now), prefix)
            if rank is asked and period is not None and self._state(period) in UNENDED:
                yield Due(rank, self._since_the_last(when, prefix, period))

    def unconfirmed(self) -> Iterator[Due]:
        """What nobody knows the fate of."""
        for message in self._messages():
            period = self._time_of(message)
            if self._state(period) is PostState.UNCONFIRMED:
                yield Due(Rank.MESSAGE, period, message)
        for rank, when, prefix in self._regular():
            last, going_on = (one(self.settings, when, self.now) for one in (latest, current))
            named = (_named(one, prefix) for one in (going_on, last))
            unknown = (one for one in named if one and self._state(one) is PostState.UNCONFIRMED)
            found = next(unknown, None)
            if found is not None:
                yield Due(rank, self._since_the_last(when, prefix, found))

    def next(self) -> Iterator[Due]:
        """What comes next, in the order of its time: what a preview shows."""
        found = []
        for message in self._messages():
            period = self._time_of(message)
            if self.now - period.due <= LATEST and self._state(period) in UNENDED:
                found.append(Due(Rank.MESSAGE, period, message))
        for rank, when, prefix in self._regular():
            going_on = _named(current(self.settings, when, self.now), prefix)
            if going_on is not None:
                found.append(Due(rank, self._since_the_last(when, prefix, going_on)))
        yield from sorted(found, key=lambda one: (one.period.due, one.rank))

    def made(self, *, but: str) -> list[date]:
        """The days on which something was posted, or may have been; ``but`` is the period that asks."""
        entries = (entry for entry in self.ledger.values() if entry.period != but and entry.state in _MADE)
        return [self._day(entry.at) for entry in entries]

    def ahead(self, rank: Rank, approved: datetime) -> list[date]:
        """The days on which something is to be posted that comes before what has this rank."""
        today = self._day(self.now)
        waiting = [*self.due(approved), *(one for one in self.next() if self._state(one.period) in UNENDED)]
        days = {one.period.name: self._day(one.period.due) for one in waiting if one.rank < rank and not one.is_late}
        return [max(day, today) for name, day in days.items() if name not in self._made_names()]

    def _made_names(self) -> set[str]:
        return {entry.period for entry in self.ledger.values() if entry.state in _MADE}

    def _messages(self) -> list[LeaderMessage]:
        mine = [one for one in self.settings.messages if one.channel == self.channel.id]
        return sorted(mine, key=lambda one: (one.day, one.at))

    def _regular(self) -> Iterator[tuple[Rank, Post | AgendaPack, str]]:
        if self.channel.agenda_pack is not None:
            yield Rank.PACK, self.channel.agenda_pack, _PACK
        yield Rank.SUMMARY, self.channel.post, ""

    def _time_of(self, message: LeaderMessage) -> Period:
        zone = zones.rules(self.settings.organization.zone)
        at = datetime.combine(message.day, message.at, zone).astimezone(UTC)
        return Period(message.key, at, at)

    def _due_of(self, when: Post | AgendaPack, prefix: str, approved: datetime) -> Period | None:
        period = _named(latest(self.settings, when, self.now), prefix)
        if period is None or self._state(period) not in UNENDED:
            return None
        before = _named(latest(self.settings, when, period.since), prefix)
        # Also a channel that had other days until then: what is due by the new ones was not when it was.
        asked_for_since = period.due <= approved and (before is None or before.name not in self.ledger)
        if asked_for_since and period.name not in self.ledger:
            return None
        if not may_be_posted(self.settings, period, self.now):
            return None
        return self._since_the_last(when, prefix, period)

    def _since_the_last(self, when: Post | AgendaPack, prefix: str, period: Period) -> Period:
        """The period, with what the post before could not tell because somebody had it posted before it was due."""
        before = _named(latest(self.settings, when, period.since), prefix)
        entry = self.ledger.get(before.name) if before else None
        if entry is None or entry.state is not PostState.POSTED:
            return period
        return replace(period, since=min(period.since, entry.at))

    def _state(self, period: Period) -> PostState:
        """How far it has come; what is not written down yet is as open as what was refused."""
        entry = self.ledger.get(period.name)
        return entry.state if entry else PostState.REFUSED

    def _day(self, at: datetime) -> date:
        return zones.date_at(self.settings.organization.zone, at)


def _named(period: Period | None, prefix: str) -> Period | None:
    return period and replace(period, name=f"{prefix}{period.name}")
