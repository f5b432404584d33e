"""Posting what is due to channels: leaders' messages, agenda packs and summaries, each once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from holdfast.core.calm import Rank
from holdfast.core.errors import GraphError
from holdfast.core.settings import Channel, Mode, Settings, Via
from holdfast.core.summary import Said
from holdfast.jobs.apply import in_force_of
from holdfast.jobs.audience import Audience, resolve
from holdfast.jobs.choosing import Choosing, choose
from holdfast.jobs.due import Book, Due
from holdfast.jobs.gathering import Gathering
from holdfast.jobs.packing import Packing, Quoting
from holdfast.jobs.ports import Approval, Ports, PostState, Progress
from holdfast.jobs.posting import Desk, Draft, Told, quoting


async def summaries(
    settings: Settings,
    ports: Ports,
    *,
    holder: str,
    at_once: bool = False,
    again: bool = False,
    asked: Rank = Rank.SUMMARY,
    only: str | None = None,
    progress: Progress | None = None,
) -> list[Told]:
    """Post what is due by the approved settings, in mode ``keep``; one channel never stands in another's way.

    ``at_once`` posts what is ``asked`` for, of the period that goes on, in any mode, because somebody asked; ``again``
    what is *unconfirmed*. ``holder`` tells this run from others. ``only`` keeps to the channel with this id. Raises
    what finding the audiences of a summary raises, once all else is posted.
    """
    approval = await ports.state.approval()
    if approval is None:
        return []
    in_force = in_force_of(approval, settings)
    if not (at_once or again) and Mode.WATCH in (settings.mode, in_force.mode):
        return []
    told: list[Told | None] = []
    due: list[tuple[Channel, Due]] = []
    for channel in in_force.channels:
        if only in {None, channel.id}:
            book = Book.of(in_force, channel, await ports.state.posts(channel.id), ports.clock.now())
            found = book.at_once(asked) if at_once else book.unconfirmed() if again else book.due(approval.at)
            due += [(channel, one) for one in found]
    drafting = _Drafting(in_force, ports, approval, progress)
    for channel, one in sorted(due, key=lambda pair: pair[1].rank):
        desk = Desk(await drafting.draft(channel, one), holder, approval.at, asked=at_once or again)
        told.append(await (desk.miss() if one.is_late else desk.work(again=again)))
    return [one for one in told if one is not None]


async def preview(
    settings: Settings, ports: Ports, *, only: str | None = None, progress: Progress | None = None
) -> list[Said]:
    """What the next posts of each channel would say today, by the settings as they are. Posts nothing."""
    drafting = _Drafting(settings, ports, await ports.state.approval(), progress)
    found: list[Said] = []
    for channel in settings.channels:
        if only in {None, channel.id}:
            book = Book.of(settings, channel, await ports.state.posts(channel.id), ports.clock.now())
            for one in book.next():
                draft = await drafting.draft(channel, one)
                gathered = await draft.gather()
                if channel.via is Via.GRAPH:
                    with suppress(GraphError):  # what it would say is of use before anybody has signed in
                        place = await ports.channels.find(channel.team, channel.channel)
                        gathered, _ = await quoting(draft, gathered, place)
                found.append(gathered.said)
    return found


class _Drafting:
    """Knows whom a summary is about; that is asked for once, and only where there is one to write."""

    def __init__(self, settings: Settings, ports: Ports, approval: Approval | None, progress: Progress | None) -> None:
        self._settings, self._ports, self._progress = settings, ports, progress
        self._groups = approval.groups if approval else {}
        self._known: tuple[Audience, Choosing] | None = None

    async def draft(self, channel: Channel, due: Due) -> Draft:
        """What is to be said. Raises what finding the audiences raises."""
        if due.message is not None:
            return Quoting(self._settings, channel, due.period, self._ports, due.message)
        if due.rank is Rank.PACK:
            return Packing(self._settings, channel, due.period, self._ports)
        audience, choosing = await self._everybody()
        return Gathering(self._settings, channel, due.period, audience, choosing.times, self._ports, self._progress)

    async def _everybody(self) -> tuple[Audience, Choosing]:
        if self._known is None:
            audience = await resolve(self._settings, self._ports.directory, self._groups)
            self._known = audience, await choose(self._settings, audience, self._ports)
        return self._known


def incomplete(told: Iterable[Told]) -> bool:
    """Whether somebody should look: something was not posted, or nobody knows, or a leader was not heard."""
    return any(
        one.problem
        or one.state is PostState.UNCONFIRMED
        or (one.state is PostState.LEFT_OUT and one.rank is Rank.MESSAGE)
        for one in told
    )
