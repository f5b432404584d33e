"""Posting what is due: one post for a channel and a period, whoever is killed, late or there twice.

The ledger comes first: whoever posts has written down that they are about to. By Graph a post is looked for before it
is made, so that one whose answer was lost is found; by workflow nothing can be looked for, so that one whose outcome
is unknown stays *unconfirmed*. So it is by Graph, too, where the account may post to a channel and not read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from holdfast.core import cards
from holdfast.core.errors import Denied, GraphError, Unreachable
from holdfast.core.periods import Period, current, latest, may_be_posted
from holdfast.core.report import Problem
from holdfast.core.settings import Channel, Mode, Settings, Via, parse
from holdfast.core.summary import Post, Posted, Summary
from holdfast.jobs.audience import resolve
from holdfast.jobs.choosing import choose
from holdfast.jobs.gathering import Gathered, Gathering
from holdfast.jobs.ports import Approval, Entry, Ports, PostState, Progress

LEASE = timedelta(minutes=15)
"""How long whoever posts has for it; after that somebody else goes on."""

SETTLES = 20.0
"""Seconds after which a post whose answer was lost stands in the channel, if it ever does."""

_AGAIN = frozenset({PostState.UNCONFIRMED})
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
    in_force = parse(approval.settings, name="approved settings", environment={})
    in_force = in_force.model_copy(update={"tenant": settings.tenant})
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
            gathering = Gathering(settings, channel, period, audience, choosing.times, ports, progress)
            gathered = await gathering.gather()
            if channel.via is Via.GRAPH:
                gathered, _ = await _quoting(gathering, gathered)
            found.append(gathered.summary)
    return found


async def _due(
    settings: Settings, channel: Channel, approval: Approval, ports: Ports, *, at_once: bool, again: bool
) -> Period | None:
    """The period for which a post is to be made. What was due before anybody asked for the channel's posts never is."""
    now = ports.clock.now()
    ledger = {entry.period: entry.state for entry in await ports.state.posts(channel.id)}
    last, going_on = latest(settings, channel, now), current(settings, channel, now)
    if again:
        return next((one for one in (going_on, last) if one and ledger.get(one.name) is PostState.UNCONFIRMED), None)
    period = going_on if at_once else last
    if period is None or ledger.get(period.name, PostState.POSTING) is not PostState.POSTING:
        return None
    if at_once:
        return period
    first_seen = not ledger and period.due <= approval.at
    return period if not first_seen and may_be_posted(settings, period, now) else None


async def _quoting(gathering: Gathering, gathered: Gathered) -> tuple[Gathered, str]:
    """The same with what people answered, where that may be read; and what to say where not."""
    channel = gathering.channel
    place = await gathering.ports.channels.find(channel.team, channel.channel)
    try:
        return await gathering.with_shared(gathered, place), ""
    except Denied:
        return gathered, _QUOTES_UNREAD


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
        """Post, or tell what is in the way; None where somebody else is at it."""
        by_graph = self.channel.via is Via.GRAPH
        begun = PostState.POSTING if by_graph else PostState.UNCONFIRMED
        now = self.ports.clock.now()
        entry = Entry(self.channel.id, self.gathering.period.name, begun, now)
        over = _AGAIN if again else frozenset()
        tried = any(one.period == entry.period for one in await self.ports.state.posts(entry.channel))
        if not await self.ports.state.begin_post(entry, holder=self.holder, until=now + LEASE, over=over):
            return None
        note = ""
        try:
            gathered = await self.gathering.gather()
            if by_graph:
                gathered, note = await _quoting(self.gathering, gathered)
            if gathered.summary.is_empty:
                return await self._ended(replace(entry, state=PostState.QUIET), note)
            entry = replace(entry, hours=gathered.hours)
            post = cards.post(gathered.summary)
            if not by_graph:
                return await self._by_workflow(entry, post, note)
            posted = await self._by_graph(post, tried=tried, again=again)
            if posted is None:
                return await self._ended(replace(entry, state=PostState.UNCONFIRMED), note)
        except GraphError as error:
            # Nothing was posted, or it is found when it is looked for: whoever comes next tries again.
            await self._ended(replace(entry, state=PostState.POSTING), note)
            return Told(self.channel.id, entry.period, None, problem=Problem.of(error), note=note)
        done = replace(entry, state=PostState.POSTED, message_id=posted.message_id, url=posted.url)
        return await self._ended(done, note)

    async def _by_graph(self, post: Post, *, tried: bool, again: bool) -> Posted | None:
        """The post as it stands in the channel: found there, where somebody ``tried`` before, or made now.

        None where it may stand there and the channel may not be read. Raises Graph's errors.
        """
        place = await self.ports.channels.find(self.channel.team, self.channel.channel)
        if tried:
            try:
                found = await self.ports.channels.look(place, post.marker)
            except Denied:
                if not again:
                    return None
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
                return None
            if found is None:
                raise
            return found

    async def _by_workflow(self, entry: Entry, post: Post, note: str) -> Told:
        try:
            await self.ports.workflow.post(self.channel.id, post)
        except Unreachable:
            return await self._ended(entry, note)
        return await self._ended(replace(entry, state=PostState.POSTED), note)

    async def _ended(self, entry: Entry, note: str) -> Told:
        await self.ports.state.end_post(replace(entry, at=self.ports.clock.now()), holder=self.holder)
        return Told(entry.channel, entry.period, entry.state, entry.url, note=note)


def incomplete(told: Sequence[Told]) -> bool:
    """Whether somebody should look: something was not posted, or nobody knows."""
    return any(one.problem or one.state is PostState.UNCONFIRMED for one in told)
