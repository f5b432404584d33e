"""Making one post: the one way from what is to be said to a channel, whoever is killed, late or there twice.

The ledger comes first: whoever posts has written down that they are about to. By Graph a post is looked for before it
is made, so that one whose answer was lost is found; by workflow nothing can be looked for, so that one whose outcome
is unknown stays *unconfirmed*. So it is by Graph, too, where the account may post to a channel and not read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from holdfast.core import calm, posts
from holdfast.core.calm import Rank, Turn
from holdfast.core.errors import Denied, GraphError, Unreachable
from holdfast.core.periods import Period, days_to_wait
from holdfast.core.report import Problem
from holdfast.core.settings import Channel, Settings, Via
from holdfast.core.summary import Place, Post, Posted
from holdfast.jobs.due import Book
from holdfast.jobs.gathering import Gathered
from holdfast.jobs.ports import Entry, Ports, PostState

LEASE = timedelta(minutes=15)
"""How long whoever posts has for it; after that somebody else goes on."""

SETTLES = 20.0
"""Seconds after which a post whose answer was lost stands in the channel, if it ever does."""

_REFUSED = frozenset({PostState.REFUSED})
_AGAIN = _REFUSED | {PostState.UNCONFIRMED}
_QUOTES_UNREAD = "What people answered could not be read, so nothing is quoted: `holdfast check` says what to grant."
_NO_ROOM = "The channel has its two posts of these seven days, made or promised to what comes first."
_TOO_LATE = "Its time was more than a day ago, so it was not posted: give it another day."


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a post of a channel. ``problem`` says what went wrong, ``note`` what is missing in it, or why."""

    channel: str
    period: str
    state: PostState | None
    url: str = ""
    problem: Problem | None = None
    note: str = ""
    rank: Rank = Rank.SUMMARY


class Draft(Protocol):
    """What is to be said to a channel, and how to find out."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""

    @property
    def channel(self) -> Channel:
        """Where it is posted."""

    @property
    def period(self) -> Period:
        """Its name in the ledger, and what it is about."""

    @property
    def ports(self) -> Ports:
        """The world."""

    @property
    def rank(self) -> Rank:
        """What it is, to whoever decides what comes first."""

    async def gather(self) -> Gathered[Any]:
        """All that is said, but for what people answered. Raises Graph's errors."""

    async def with_shared(self, gathered: Gathered[Any], place: Place) -> Gathered[Any]:
        """The same with what people answered. Raises Graph's errors, ``Denied`` where that may not be read."""


async def quoting(draft: Draft, gathered: Gathered[Any], place: Place) -> tuple[Gathered[Any], str]:
    """The same with what people answered, where that may be read; and what to say where not."""
    try:
        return await draft.with_shared(gathered, place), ""
    except Denied:
        return gathered, _QUOTES_UNREAD


class _Unknown(Exception):
    """Whether the post stands in the channel cannot be told."""


@dataclass(slots=True)
class Desk:
    """The work on one post. ``approved`` is when the settings were, ``asked`` whether a person asked for it."""

    draft: Draft
    holder: str
    approved: datetime
    asked: bool = False

    @property
    def channel(self) -> Channel:
        """Where it is posted."""
        return self.draft.channel

    @property
    def ports(self) -> Ports:
        """The world."""
        return self.draft.ports

    async def work(self, *, again: bool) -> Told | None:
        """Post, or tell what is in the way; None where somebody else is at it, or where it waits for its turn.

        What the post says is gathered first, however long that takes: a lease that ran out meanwhile would be two
        posts, and a workflow that was given nothing yet would be left unconfirmed.
        """
        turn = await self._turn()
        if turn is Turn.NEVER and not self.asked:
            return await self._left_out(_NO_ROOM)
        if turn is not Turn.NOW:
            return self._told(PostState.WAITING, _NO_ROOM) if self.asked else None
        note = ""
        place: Place | None = None
        try:
            gathered = await self.draft.gather()
            if self.channel.via is Via.GRAPH:
                place = await self.ports.channels.find(self.channel.team, self.channel.channel)
                gathered, note = await quoting(self.draft, gathered, place)
        except GraphError as error:
            return self._failed(error, note)
        if gathered.said.is_empty and self.ports.clock.now() < self.draft.period.due:
            return self._told(PostState.QUIET, note)
        return await self._hand_over(gathered, place, note, again=again)

    async def miss(self) -> Told | None:
        """Write down, and tell, that its time is over."""
        return await self._left_out(_TOO_LATE)

    async def _turn(self) -> Turn:
        """Whether the channel has room for it. What was begun has its place already, whatever became of it."""
        now, name = self.ports.clock.now(), self.draft.period.name
        book = Book.of(self.draft.settings, self.channel, await self.ports.state.posts(self.channel.id), now)
        before = book.ledger.get(name)
        if before is not None and before.state in (PostState.POSTING, PostState.UNCONFIRMED):
            return Turn.NOW
        return self._turn_in(book)

    def _turn_in(self, book: Book) -> Turn:
        days = days_to_wait(self.draft.settings, self.draft.period.due, book.now)
        ahead = book.ahead(self.draft.rank, self.approved)
        return calm.turn(days[:1] if self.asked else days, book.made(but=self.draft.period.name), ahead)

    async def _left_out(self, note: str) -> Told | None:
        """It is written down as left out in one go, so that nobody who finds it takes it for begun."""
        now = self.ports.clock.now()
        entry = Entry(self.channel.id, self.draft.period.name, PostState.LEFT_OUT, now)
        if not await self.ports.state.begin_post(entry, holder=self.holder, until=now, over=_REFUSED):
            return None
        return await self._ended(entry, note)

    async def _hand_over(self, gathered: Gathered[Any], place: Place | None, note: str, *, again: bool) -> Told | None:
        """Post what was gathered: to the channel at ``place``, or by its workflow."""
        now, state = self.ports.clock.now(), self.ports.state
        begun = PostState.POSTING if place else PostState.UNCONFIRMED
        entry = Entry(self.channel.id, self.draft.period.name, begun, now)
        before = [one.state for one in await state.posts(entry.channel) if one.period == entry.period]
        tried = bool(before) and before != [PostState.REFUSED]
        over = _AGAIN if again else _REFUSED
        if not await state.begin_post(entry, holder=self.holder, until=now + LEASE, over=over):
            return None
        if gathered.said.is_empty:
            return await self._ended(replace(entry, state=PostState.QUIET), note)
        if not tried and not await self._still_has_room():
            return await self._wait(entry)
        done = replace(entry, state=PostState.POSTED, hours=gathered.hours)
        post = posts.post(gathered.said)
        try:
            if place is None:
                await self.ports.workflow.post(self.channel.id, post)
            else:
                posted = await self._by_graph(place, post, tried=tried, again=again)
                done = replace(done, message_id=posted.message_id, url=posted.url)
        except _Unknown:
            done = replace(entry, state=PostState.UNCONFIRMED)
        except GraphError as error:
            if place is None and isinstance(error, Unreachable):
                return await self._ended(entry, note)
            # Whoever comes next tries again; where it may have been posted all the same, it is looked for first.
            ended = PostState.POSTING if tried or isinstance(error, Unreachable) else PostState.REFUSED
            await self._ended(replace(entry, state=PostState.UNCONFIRMED if again else ended), note)
            return self._failed(error, note)
        return await self._ended(done, note)

    async def _wait(self, entry: Entry) -> Told | None:
        """Let go of what was begun and not posted, for whoever comes next."""
        await self._ended(replace(entry, state=PostState.REFUSED), "")
        return self._told(PostState.WAITING, _NO_ROOM) if self.asked else None

    async def _still_has_room(self) -> bool:
        """Whether nobody else has begun another post of the channel meanwhile that leaves no room for this one.

        This one is written down by now, and so is theirs: of two who look at once each sees the other and lets be.
        """
        now = self.ports.clock.now()
        book = Book.of(self.draft.settings, self.channel, await self.ports.state.posts(self.channel.id), now)
        return self._turn_in(book) is Turn.NOW

    def _told(self, state: PostState | None, note: str, url: str = "", problem: Problem | None = None) -> Told:
        return Told(self.channel.id, self.draft.period.name, state, url, problem, note, self.draft.rank)

    def _failed(self, error: GraphError, note: str) -> Told:
        return self._told(None, note, problem=Problem.of(error))

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
        return self._told(entry.state, note, entry.url)
