"""What a post is to say: read from calendars, the channel and the ledger, and from nothing kept about people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from holdfast.core import figures, picks, recurrence, replies, zones
from holdfast.core.calm import Rank
from holdfast.core.desired import EVERY_DAY, Choices, days_off, desired, in_their_zones
from holdfast.core.errors import Gone, GraphError, NoMailbox
from holdfast.core.figures import Tally
from holdfast.core.model import PEOPLE
from holdfast.core.periods import Period, first_day
from holdfast.core.settings import Channel, Goal, HolidayRule, Language, Settings
from holdfast.core.summary import GoalLine, Pick, Place, Quiet, Said, Shared, Summary
from holdfast.jobs.audience import Audience, Member
from holdfast.jobs.crowd import each
from holdfast.jobs.ports import Entry, Ports, PostState, Progress

PICKS = 3
"""How many things to learn from next are shown at most."""

_A_DAY = timedelta(days=1)
_A_WEEK = timedelta(days=7)


What_co = TypeVar("What_co", bound=Said, covariant=True)


@dataclass(frozen=True, slots=True)
class Gathered(Generic[What_co]):
    """What a post says, and the hours that it publishes for each goal, by the goal's id, for the ledger."""

    said: What_co
    hours: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gathering:
    """What it takes to tell a channel of a period. ``audience`` is everybody, ``choices`` when blocks stand."""

    settings: Settings
    channel: Channel
    period: Period
    audience: Audience
    choices: Choices
    ports: Ports
    progress: Progress | None = None

    @property
    def rank(self) -> Rank:
        """What it is, to whoever decides what comes first."""
        return Rank.SUMMARY

    async def gather(self) -> Gathered[Summary]:
        """Everything that the channel is told, but for what people shared.

        A calendar that cannot be read is left out of the figures. Raises Graph's errors where too many of them are.
        """
        settings, channel = self.settings, self.channel
        now = self.ports.clock.now()
        until = min(self.period.due, now)
        language = settings.language_in(channel)
        people = await self._there_all_the_time(channel)
        total = await self._counted(people, until)
        smallest = settings.privacy.smallest_group
        found = figures.published(total, smallest=smallest)
        nobody_had_any = len(people) >= smallest and not total.people
        quiet = None if found else Quiet.NONE if nobody_had_any else Quiet.FEW
        if found and await self._could_be_told_apart(people):
            found, quiet = None, Quiet.ALIKE
        hours = figures.goal_hours(total, found, smallest=smallest) if found else {}
        published = await self._posted_before()
        ahead = list(coming(settings, channel, now, language))
        summary = Summary(
            channel=channel.id,
            period=self.period.name,
            language=language,
            organization=settings.organization.name,
            since=first_day(self.period, settings.organization.zone),
            until=zones.date_at(settings.organization.zone, until),
            figures=found,
            quiet=quiet,
            goals=tuple(goal_lines(settings, channel, published, hours, language)),
            picks=tuple(_distinct(ahead, language)),
            question=next((one.question for one in ahead if one.question), None) if channel.share_prompt else None,
            asks=channel.share_prompt,
        )
        return Gathered(summary, hours)

    async def with_shared(self, gathered: Gathered[Summary], place: Place) -> Gathered[Summary]:
        """The same with what people answered to the post before. Raises ``Denied`` where that may not be read."""
        before = [entry for entry in await self._posted_before() if entry.message_id]
        if not before or not self.channel.share_prompt:
            return gathered
        goals, language = goals_of(self.settings, self.channel), gathered.said.language
        shared = await answers(self.ports, place, before[-1], goals, language)
        return replace(gathered, said=replace(gathered.said, shared=tuple(shared)))

    async def _posted_before(self) -> list[Entry]:
        """The posts of the periods before, the latest last. What is written down of this one is not published yet."""
        ledger = await self.ports.state.posts(self.channel.id)
        return [entry for entry in summaries_of(ledger) if entry.period < self.period.name]

    async def _there_all_the_time(self, channel: Channel) -> list[Member]:
        """The members of a channel's audiences who have had a block since before the period began, and have it still.

        Of the blocks that they have as its audiences: one of another audience says nothing of when they came to it.

        That is told by when their series were made: nobody is remembered as a member for it.
        """
        found = []
        for member in self.audience.members.values():
            of_these = member.audiences & set(channel.audiences)
            if member.excuse() is None and of_these:
                known = await self.ports.state.known(member.person.id)
                theirs = {block.id for block in self.settings.blocks if not of_these.isdisjoint(block.audiences)}
                if known is not None and any(
                    series.tag.block in theirs and series.created <= self.period.since for series in known.series
                ):
                    found.append(member)
        return found

    async def _could_be_told_apart(self, people: Sequence[Member]) -> bool:
        """Whether another channel is told of nearly the same people, so that the difference would tell of a few."""
        others = []
        for other in self.settings.channels:
            if other.id != self.channel.id:
                theirs = await self._there_all_the_time(other)
                others.append({member.person.id for member in theirs})
        own = {member.person.id for member in people}
        return figures.too_alike(own, others, smallest=self.settings.privacy.smallest_group)

    async def _counted(self, people: Sequence[Member], until: datetime) -> Tally:
        """The learning time of these people together. Raises Graph's error where that is known of too few of them."""
        if len(people) < self.settings.privacy.smallest_group:
            return Tally()
        errors: list[GraphError] = []

        async def visit(member: Member) -> Tally | None:
            try:
                return await self._of_one(member, until)
            except NoMailbox:
                return None
            except GraphError as error:
                errors.append(error)
                return None

        doing = f"Counting for {self.channel.id}"
        told = [one for one in await each(people, visit, doing=doing, progress=self.progress) if one is not None]
        if len(errors) * 100 > len(people) * self.settings.guard.share or (errors and not told):
            raise errors[0]
        return sum(told, Tally())

    async def _of_one(self, member: Member, until: datetime) -> Tally | None:
        """The learning time of one person, which is added up and forgotten; None for a mailbox that is nobody's."""
        mailbox, since = member.person.id, self.period.since
        learned = await self.ports.state.profile(mailbox)
        profile = learned.profile if learned else await self.ports.calendars.profile(mailbox)
        if profile.purpose not in PEOPLE:
            return None
        of_these = member.audiences & set(self.channel.audiences)
        wanted = desired(self.settings, of_these, since, profile=profile, choices=self.choices)
        calendar = await self.ports.calendars.read(mailbox)
        wanted = in_their_zones(wanted, calendar.series, until)
        ours = frozenset(series.event_id for series in calendar.series)
        singles = {single.occurrence.event_id for single in calendar.singles}
        # A date may have been moved within its week, out of the period.
        view = await self.ports.calendars.view(mailbox, ours, since=since - _A_WEEK, until=until + _A_WEEK)
        view = replace(view, meetings=tuple(one for one in view.meetings if one.event_id not in singles))
        blocks = {block.id: block for block in self.settings.blocks}

        def goal_of(block: str, day: date) -> str | None:
            audience = next(name for name in blocks[block].audiences if name in of_these)
            language = self.settings.language_of(audience)
            found = picks.focus(self.settings, blocks[block], audience, day, language=language)
            return found.goal.id if found else None

        return figures.tally(wanted, replace(calendar, view=view), since, until, goal_of)


def goals_of(settings: Settings, channel: Channel) -> list[Goal]:
    """The goals of a channel's audiences, in the order of the file."""
    theirs = {goal.id for name in channel.audiences for goal in settings.goals_of(name)}
    return [goal for goal in settings.goals if goal.id in theirs]


def goal_lines(
    settings: Settings, channel: Channel, published: Iterable[Entry], hours: Mapping[str, int], language: Language
) -> Iterable[GoalLine]:
    """The goals of a channel with the hours of all that is ``published``, and of this period."""
    total: Counter[str] = Counter(hours)
    for entry in published:
        total.update(entry.hours)
    for goal in goals_of(settings, channel):
        told = total.get(goal.id)
        share = round(100 * told / goal.target_hours) if told is not None and goal.target_hours else None
        yield GoalLine(goal.title_in(language), goal.by, told, share)


def coming(
    settings: Settings, channel: Channel, now: datetime, language: Language, *, within: timedelta = _A_WEEK
) -> Iterable[picks.Focus]:
    """What the dates of the coming time are about, for the channel's audiences, in order of their days."""
    today = zones.date_at(settings.organization.zone, now)
    found: list[picks.Focus] = []
    for block in settings.blocks:
        for name in block.audiences:
            if name in channel.audiences:
                skipped = days_off(settings, block, name) if block.holiday is HolidayRule.SKIP else EVERY_DAY
                days = sorted(
                    day
                    for rule in block.rules()
                    for day in recurrence.dates(rule, max(today + _A_DAY, block.from_), today + within)
                    if (block.until is None or day <= block.until) and not skipped.off(day)
                )
                found += picks.coming(settings, block, name, days, language=language)
    return sorted(found, key=lambda one: one.day)


def _distinct(coming: Iterable[picks.Focus], language: Language) -> Iterable[Pick]:
    """What there is to learn from, each once, and no more than fits into a post."""
    seen: set[str] = set()
    for one in coming:
        if one.resource is not None and one.resource.url not in seen and len(seen) < PICKS:
            seen.add(one.resource.url)
            goal = one.goal.title_in(language)
            yield Pick(one.day, one.resource.title, one.resource.url, one.resource.minutes, goal)


def summaries_of(ledger: Iterable[Entry]) -> list[Entry]:
    """The summaries of a channel's ledger that were posted: their periods alone are named by their day."""
    return [entry for entry in ledger if entry.state is PostState.POSTED and entry.period[:1].isdigit()]


async def answers(
    ports: Ports, place: Place, entry: Entry, goals: Sequence[Goal], language: Language
) -> Sequence[Shared]:
    """What people answered to a post, as plain text, each about the goal that it names. Raises Graph's errors."""
    try:
        found = await ports.channels.replies(place, entry.message_id)
    except Gone:
        return []  # somebody has deleted the post
    shared = []
    for reply in found:
        text = replies.cleaned(reply.html)
        if text and reply.author:
            goal = next((goal for goal in goals if _is_about(text, goal, language)), None)
            shared.append(Shared(reply.author, text, reply.url, goal.title_in(language) if goal else None))
    return shared


def _is_about(text: str, goal: Goal, language: Language) -> bool:
    """Whether somebody names a goal in what they share, by its title or as a hashtag."""
    names = "|".join(map(re.escape, (f"#{goal.id}", goal.title_in(language).casefold())))
    return re.search(rf"(?<![\w#-])({names})(?![\w-])", text.casefold()) is not None
