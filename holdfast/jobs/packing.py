"""What an agenda pack and a leader's message say: from the ledger, the channel and the settings, and no calendar.

A pack publishes no figure of its own. Its hours are the sum of those that the summaries since the pack before have
told already, so that no two sets of people can be compared by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from holdfast.core import packs, zones
from holdfast.core.calm import Rank
from holdfast.core.periods import Period, first_day
from holdfast.core.settings import Channel, Language, LeaderMessage, Settings
from holdfast.core.summary import Ask, GoalLine, Pack, Pick, Place, Quotation, Shared
from holdfast.jobs.gathering import Gathered, answers, coming, goal_lines, goals_of, summaries_of
from holdfast.jobs.ports import Entry, Ports

AHEAD = timedelta(weeks=5)
"""How far the next goal is looked for: a block of every month has a date within it."""


@dataclass(frozen=True, slots=True)
class Packing:
    """What it takes to write the pack of a channel for a period."""

    settings: Settings
    channel: Channel
    period: Period
    ports: Ports

    @property
    def rank(self) -> Rank:
        """What it is, to whoever decides what comes first."""
        return Rank.PACK

    async def gather(self) -> Gathered[Pack]:
        """The whole pack, but for what people shared."""
        settings, channel, now = self.settings, self.channel, self.ports.clock.now()
        language = settings.language_in(channel)
        published = summaries_of(await self.ports.state.posts(channel.id))
        since = Counter[str]()
        for entry in self._since(published):
            since.update(entry.hours)
        hours = ((goal, since[goal.id]) for goal in goals_of(settings, channel))
        next_goal, pick, question = self._next(published, language)
        zone = settings.organization.zone
        return Gathered(
            Pack(
                channel=channel.id,
                period=self.period.name,
                language=language,
                organization=settings.organization.name,
                since=first_day(self.period, zone),
                until=zones.date_at(zone, min(self.period.due, now)),
                ask=Ask.SHARE if channel.share_prompt else Ask.PLAN,
                learned=tuple(GoalLine(goal.title_in(language), hours=number) for goal, number in hours if number),
                next_goal=next_goal,
                pick=pick,
                question=question,
            )
        )

    async def with_shared(self, gathered: Gathered[Pack], place: Place) -> Gathered[Pack]:
        """The same with what people answered to the summaries since the pack before. Raises Graph's errors."""
        if not self.channel.share_prompt:
            return gathered
        goals = goals_of(self.settings, self.channel)
        shared: list[Shared] = []
        for entry in self._since(summaries_of(await self.ports.state.posts(self.channel.id))):
            if entry.message_id:
                shared += await answers(self.ports, place, entry, goals, gathered.said.language)
        if not shared:
            return gathered
        stories, sharers = packs.told_best(shared), len({one.author for one in shared})
        return replace(gathered, said=replace(gathered.said, stories=stories, sharers=sharers, ask=Ask.SHOW))

    def _since(self, published: Sequence[Entry]) -> list[Entry]:
        """The summaries since the pack before."""
        return [entry for entry in published if self.period.since <= entry.at]

    def _next(self, published: Sequence[Entry], language: Language) -> tuple[GoalLine | None, Pick | None, str | None]:
        """The goal that is in focus next, what to learn from first for it, and its question."""
        ahead = list(coming(self.settings, self.channel, self.ports.clock.now(), language, within=AHEAD))
        if not ahead:
            return None, None, None
        goal = ahead[0].goal
        title = goal.title_in(language)
        of_it = [one for one in ahead if one.goal.id == goal.id]
        lines = goal_lines(self.settings, self.channel, published, {}, language)
        line = next(line for line in lines if line.title == title)
        taken = next(((one.day, one.resource) for one in of_it if one.resource), None)
        pick = Pick(taken[0], taken[1].title, taken[1].url, taken[1].minutes, title) if taken else None
        return line, pick, next((one.question for one in of_it if one.question), None)


@dataclass(frozen=True, slots=True)
class Quoting:
    """What it takes to post what a leader says."""

    settings: Settings
    channel: Channel
    period: Period
    ports: Ports
    message: LeaderMessage

    @property
    def rank(self) -> Rank:
        """What it is, to whoever decides what comes first."""
        return Rank.MESSAGE

    async def gather(self) -> Gathered[Quotation]:
        """The quotation, in the language of the channel."""
        language, message = self.settings.language_in(self.channel), self.message
        return Gathered(
            Quotation(
                channel=self.channel.id,
                period=self.period.name,
                language=language,
                name=message.name,
                role=message.role_in(language),
                address=message.from_,
                paragraphs=message.paragraphs_in(language),
            )
        )

    async def with_shared(self, gathered: Gathered[Quotation], place: Place) -> Gathered[Quotation]:  # noqa: ARG002 - quotes nobody else
        """The same."""
        return gathered
