"""Posting what is due: one post for a channel and a period, whoever is killed, late or there twice.

The ledger comes first: whoever posts has written down that they are about to. By Graph a post is looked for before it
is made, so that one whose answer was lost is found; by workflow nothing can be looked for, so that one whose outcome
is unknown stays *unconfirmed*. So it is by Graph, too, where the account may post to a channel and not read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from holdfast.core import cards
from holdfast.core.errors import Denied, GraphError, Unreachable
from holdfast.core.periods import Period, current, latest, may_be_posted
from holdfast.core.report import Problem
from holdfast.core.settings import Channel, Mode, Settings, Via
from holdfast.core.summary import Place, Post, Posted, Summary
from holdfast.jobs.apply import in_force_of
from holdfast.jobs.audience import resolve
from holdfast.jobs.choosing import choose
from holdfast.jobs.gathering import Gathered, Gathering
from holdfast.jobs.ports import Approval, Entry, Ports, PostState, Progress

LEASE = timedelta(minutes=15)
"""How long whoever posts has for it; after that somebody else goes on."""

SETTLES = 20.0
"""Seconds after which a post whose answer was lost stands in the channel, if it ever does."""

_REFUSED = frozenset({PostState.REFUSED})
_UNENDED = _REFUSED | {PostState.POSTING}
_AGAIN = _REFUSED | {PostState.UNCONFIRMED}
_QUOTES_UNREAD = "What people answered could not be read, so nothing is quoted: `holdfast check` says what to grant."


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the post of a channel. ``problem`` says what went wrong, ``note`` what is missing in it."""

    channel: str
    period: str
    state: PostState | None
    url: str = ""
    problem: Problem | None = None
    note: str = ""


async def summaries(
    settings: Settings,
    ports: Ports,
    *,
    holder: str,
    at_once: bool = False,
    again: bool = False,
    only: str | None = None,
    progress: Progress | None = None,
) -> list[Told]:
    """Post what is due by the approved settings, in mode ``keep``; one channel never stands in another's way.

    ``at_once`` posts for the period that goes on, in any mode, because somebody asked; ``again`` what is *unconfirmed*.
    ``holder`` tells this run from others. ``only`` keeps to the channel with this id. Raises what finding the audiences
    raises.
    """
    approval = await ports.state.approval()
    if approval is None:
        return []
    in_force = in_force_of(approval, settings)
    if not (at_once or again) and Mode.WATCH in (settings.mode, in_force.mode):
        return []
    due: list[tuple[Channel, Period]] = []
    for channel in in_force.channels:
        if only in {None, channel.id}:
            period = await _due(in_force, channel, approval, ports, at_once=at_once, again=again)
            if period is not None:
                due.append((channel, period))
    if not due:
        return []
    audience = await resolve(in_force, ports.directory, approval.groups)
    choosing = await choose(in_force, audience, ports)
    told = []
    for channel, period in due:
        gathering = Gathering(in_force, channel, period, audience, choosing.times, ports, progress)
        told.append(await _Desk(gathering, holder).work(again=again))
    return [one for one in told if one is not None]


async def preview(
    settings: Settings, ports: Ports, *, only: str | None = None, progress: Progress | None = None
) -> list[Summary]:
    """What the next post of each channel would say today, by the settings as they are. Posts nothing."""
    approval = await ports.state.approval()
    audience = await resolve(settings, ports.directory, approval.groups if approval else {})
    choosing = await choose(settings, audience, ports)
    found = []
    for channel in settings.channels:
        period = current(settings, channel, ports.clock.now())
        if only in {None, channel.id} and period is not None:
            ledger = {entry.period: entry for entry in await ports.state.posts(channel.id)}
            period = _since_the_last_post(settings, channel, period, ledger)
            gathering = Gathering(settings, channel, period, audience, choosing.times, ports, progress)
            gathered = await gathering.gather()
            if channel.via is Via.GRAPH:
                with suppress(GraphError):  # what it would say is of use before anybody has signed in
                    place = await ports.channels.find(channel.team, channel.channel)
                    gathered, _ = await _quoting(gathering, gathered, place)
            found.append(gathered.summary)
    return found


async def _due(
    settings: Settings, channel: Channel, approval: Approval, ports: Ports, *, at_once: bool, again: bool
) -> Period | None:
    """The period for which a post is to be made. What was due before anybody asked for the channel's posts never is."""
    now = ports.clock.now()
    ledger = {entry.period: entry for entry in await ports.state.posts(channel.id)}
    states = {name: entry.state for name, entry in ledger.items()}
    last, going_on = latest(settings, channel, now), current(settings, channel, now)
    if again:
        unknown = (one for one in (going_on, last) if one and states.get(one.name) is PostState.UNCONFIRMED)
        period = next(unknown, None)
        return _since_the_last_post(settings, channel, period, ledger) if period else None
    period = going_on if at_once else last
    if period is None or states.get(period.name, PostState.REFUSED) not in _UNENDED:
        return None
    if not at_once:
        before = latest(settings, channel, period.since)
        # Also a channel that had other days until then: what is due by the new ones was not when it was.
        asked_for_since = period.due <= approval.at and (before is None or before.name not in ledger)
        if (asked_for_since and period.name not in ledger) or not may_be_posted(settings, period, now):
            return None
    return _since_the_last_post(settings, channel, period, ledger)


def _since_the_last_post(settings: Settings, channel: Channel, period: Period, ledger: Mapping[str, Entry]) -> Period:
    """The period, with what the post before could not tell because somebody had it posted before it was due."""
    before = latest(settings, channel, period.since)
    entry = ledger.get(before.name) if before else None
    if entry is None or entry.state is not PostState.POSTED:
        return period
    return replace(period, since=min(period.since, entry.at))


async def _quoting(gathering: Gathering, gathered: Gathered, place: Place) -> tuple[Gathered, str]:
    """The same with what people answered, where that may be read; and what to say where not."""
    try:
        return await gathering.with_shared(gathered, place), ""
    except Denied:
        return gathered, _QUOTES_UNREAD


class _Unknown(Exception):
    """Whether the post stands in the channel cannot be told."""


@dataclass(slots=True)
class _Desk:
    """The work on one post."""

    gathering: Gathering
    holder: str

    @property
    def channel(self) -> Channel:
        return self.gathering.channel

    @property
    def ports(self) -> Ports:
        return self.gathering.ports

    async def work(self, *, again: bool) -> Told | None:
        """Post, or tell what is in the way; None where somebody else is at it.

        What the post says is gathered first, however long that takes: a lease that ran out meanwhile would be two
        posts, and a workflow that was given nothing yet would be left unconfirmed.
        """
        note = ""
        place: Place | None = None
        try:
            gathered = await self.gathering.gather()
            if self.channel.via is Via.GRAPH:
                place = await self.ports.channels.find(self.channel.team, self.channel.channel)
                gathered, note = await _quoting(self.gathering, gathered, place)
        except GraphError as error:
            return self._failed(error, note)
        if gathered.summary.is_empty and self.ports.clock.now() < self.gathering.period.due:
            return Told(self.channel.id, self.gathering.period.name, PostState.QUIET, note=note)
        return await self._hand_over(gathered, place, note, again=again)

    async def _hand_over(self, gathered: Gathered, place: Place | None, note: str, *, again: bool) -> Told | None:
        """Post what was gathered: to the channel at ``place``, or by its workflow."""
        now, state = self.ports.clock.now(), self.ports.state
        begun = PostState.POSTING if place else PostState.UNCONFIRMED
        entry = Entry(self.channel.id, self.gathering.period.name, begun, now)
        before = [one.state for one in await state.posts(entry.channel) if one.period == entry.period]
        tried = bool(before) and before != [PostState.REFUSED]
        over = _AGAIN if again else _REFUSED
        if not await state.begin_post(entry, holder=self.holder, until=now + LEASE, over=over):
            return None
        if gathered.summary.is_empty:
            return await self._ended(replace(entry, state=PostState.QUIET), note)
        done = replace(entry, state=PostState.POSTED, hours=gathered.hours)
        post = cards.post(gathered.summary)
        try:
            if place is None:
                await self.ports.workflow.post(self.channel.id, post)
            else:
                posted = await self._by_graph(place, post, tried=tried, again=again)
                done = replace(done, message_id=posted.message_id, url=posted.url)
        except _Unknown:
            return await self._ended(replace(entry, state=PostState.UNCONFIRMED), note)
        except GraphError as error:
            if place is None and isinstance(error, Unreachable):
                return await self._ended(entry, note)
            # Whoever comes next tries again; where it may have been posted all the same, it is looked for first.
            ended = PostState.POSTING if tried or isinstance(error, Unreachable) else PostState.REFUSED
            await self._ended(replace(entry, state=PostState.UNCONFIRMED if again else ended), note)
            return self._failed(error, note)
        return await self._ended(done, note)

    def _failed(self, error: GraphError, note: str) -> Told:
        return Told(self.channel.id, self.gathering.period.name, None, problem=Problem.of(error), note=note)

    async def _by_graph(self, place: Place, post: Post, *, tried: bool, again: bool) -> Posted:
        """The post as it stands in the channel: found there, where somebody ``tried`` before, or made now.

        Raises ``_Unknown`` where it may stand there and the channel may not be read, and Graph's errors.
        """
        if tried:
            try:
                found = await self.ports.channels.look(place, post.marker)
            except Denied:
                if not again:
                    raise _Unknown from None
                found = None
            if found is not None:
                return found
        try:
            return await self.ports.channels.post(place, post)
        except Unreachable:
            await self.ports.clock.sleep(SETTLES)
            try:
                found = await self.ports.channels.look(place, post.marker)
            except Denied:
                raise _Unknown from None
            if found is None:
                raise
            return found

    async def _ended(self, entry: Entry, note: str) -> Told:
        await self.ports.state.end_post(replace(entry, at=self.ports.clock.now()), holder=self.holder)
        return Told(entry.channel, entry.period, entry.state, entry.url, note=note)


def incomplete(told: Sequence[Told]) -> bool:
    """Whether somebody should look: something was not posted, or nobody knows."""
    return any(one.problem or one.state is PostState.UNCONFIRMED for one in told)
