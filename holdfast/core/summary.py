"""What a channel is told of its people's learning since the last time: facts in, what may be told of them out."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from holdfast.core.settings import Language


class Kept(NamedTuple):
    """How much of the protected time was kept, as far as it may be told: in tens of percent from 10 to 90.

    ``percent`` is 0 for under 10 % and 100 for over 90 %.
    """

    percent: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The time of a set of people large enough to be told of. ``hours`` are protected ones, rounded to five."""

    hours: int
    kept: Kept


@dataclass(frozen=True, slots=True)
class GoalLine:
    """A goal in a summary. ``hours`` are those kept for it in all published weeks, None where that is not told.

    ``target`` is how many percent of the hours that it should take they are, None where no such number is set.
    """

    title: str
    by: date | None = None
    hours: int | None = None
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """What somebody shared: plain text, by whom, and where it stands. ``goal`` is the title of the one it is about."""

    author: str
    text: str
    url: str
    goal: str | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """What to take next: something to learn from on a day. ``goal`` is the title of the one it is for."""

    day: date
    title: str
    url: str
    minutes: int
    goal: str


class Quiet(enum.StrEnum):
    """Why there are no figures."""

    FEW = "too few people"
    NONE = "no learning time"
    ALIKE = "too like those of another channel"


@dataclass(frozen=True, slots=True)
class Summary:
    """What one post says. ``since`` and ``until`` are the first and the last day that it is about.

    ``period`` names it in the ledger: there is one post for a channel and a period. ``figures`` are None where nothing
    may be told, for the reason ``quiet``. ``question`` is what the share prompt asks, None where there is none.
    """

    channel: str
    period: str
    language: Language
    organization: str
    since: date
    until: date
    figures: Figures | None = None
    quiet: Quiet | None = None
    goals: tuple[GoalLine, ...] = ()
    shared: tuple[Shared, ...] = ()
    picks: tuple[Pick, ...] = ()
    question: str | None = None
    asks: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell, so that no post is better than one."""
        return self.figures is None and not self.shared and not self.picks


class Ask(enum.StrEnum):
    """What a department is asked for at its meeting: one thing."""

    SHOW = "show"
    SHARE = "share"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Pack:
    """What a department meeting is told and asked, since ``since`` and before ``until``.

    ``learned`` are the goals with the hours of the summaries that were posted since, so that nothing is told here that
    was not published there; ``sharers`` is how many people answered to them, ``stories`` are two of their answers at
    most. ``pick`` is what to learn from first for ``next_goal``.
    """

    channel: str
    period: str
    language: Language
    organization: str
    since: date
    until: date
    ask: Ask
    learned: tuple[GoalLine, ...] = ()
    sharers: int = 0
    stories: tuple[Shared, ...] = ()
    next_goal: GoalLine | None = None
    pick: Pick | None = None
    question: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to talk about, so that no post is better than one."""
        return not self.learned and not self.stories and self.next_goal is None


@dataclass(frozen=True, slots=True)
class Quotation:
    """What a leader says to a channel, in paragraphs. ``address`` is where whoever wants to can write to them."""

    channel: str
    period: str
    language: Language
    name: str
    role: str
    address: str
    paragraphs: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Never: somebody has written it."""
        return False


Said = Summary | Pack | Quotation
"""What a post can say."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is said as it is posted. ``marker`` is found in the post again, ``card`` is an Adaptive Card as plain data.

    ``html`` is for clients that do not draw cards, and names the card's attachment where the transport wants it.
    """

    subject: str
    html: str
    card: dict[str, object]
    marker: str


class Place(NamedTuple):
    """A channel by its ids."""

    team: str
    channel: str


class Posted(NamedTuple):
    """A post that stands in a channel."""

    message_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answered to a post, in Teams' HTML. ``author`` is None for what no person wrote."""

    message_id: str
    author: str | None
    html: str
    url: str
    at: datetime
