"""What a job needs of the world, as Protocols. ``wiring.py`` says which real thing fills which.

Every read gives everything or raises: "could not read" is never "nothing there". What is raised is drawn in
``holdfast.core.errors``; anything else is a defect.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from holdfast.core.desired import ChoiceKey
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    Clock,
    Created,
    DesiredSeries,
    EventLook,
    FreeBusy,
    Group,
    Meeting,
    Occurrence,
    Person,
    Profile,
    Slot,
    SlotKey,
    Stretch,
    Tag,
    View,
)
from holdfast.core.summary import Place, Post, Posted, Reply
from holdfast.core.tenant import TenantFacts
from holdfast.core.touches import Touches


class Directory(Protocol):
    """Groups and the people in them."""

    async def groups(self, text: str) -> Sequence[Group]:
        """All groups whose id, mail address or display name is ``text``; empty when there is none."""
        ...

    def members(self, group_id: str) -> AsyncIterator[Person]:
        """Everyone in the group, through nested groups, each once. Raises ``Gone`` for an unknown group."""
        ...


class Calendars(Protocol):
    """Our own events in people's calendars. ``mailbox`` is the user's directory id throughout."""

    async def profile(self, mailbox: str) -> Profile:
        """What the mailbox says of itself, without ``zone_since``."""
        ...

    async def free_busy(
        self, mailbox: str, addresses: Sequence[str], *, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[FreeBusy]:
        """How free these people are, asked as ``mailbox``, twenty at most and for less than 62 days.

        Those of whom Graph does not know are left out.
        """
        ...

    async def read(self, mailbox: str) -> ActualCalendar:
        """Every tagged event of the mailbox: series masters, ended ones included, and single events."""
        ...

    async def instances(
        self, mailbox: str, event_id: str, *, since: datetime, until: datetime
    ) -> tuple[Occurrence, ...]:
        """The occurrences of a series that overlap the window, by start. Raises ``Gone`` without the series."""
        ...

    async def create(self, mailbox: str, series: DesiredSeries, tag: Tag, transaction_id: str) -> Created:
        """Put a series into the calendar. Raises ``Duplicate`` where Graph has seen the transactionId before."""
        ...

    async def look(self, mailbox: str, event_id: str) -> EventLook:
        """One event, whether tagged or not. Raises ``Gone``."""
        ...

    async def find_by_transaction(
        self, mailbox: str, transaction_ids: Collection[str], *, since: datetime, until: datetime
    ) -> EventLook | None:
        """An event that a create of ours made, its tag lost, of those that start from ``since`` to ``until``."""
        ...

    async def put(self, mailbox: str, series: DesiredSeries, tag: Tag, day: date, transaction_id: str) -> Created:
        """Put a single event, as a date of the series, into the calendar. Raises ``Duplicate`` like ``create``."""
        ...

    async def make_busy(self, mailbox: str, event_id: str) -> None:
        """Let an event or one occurrence show as busy. Raises ``Gone``."""
        ...

    async def away(self, mailbox: str, *, since: datetime, until: datetime) -> Sequence[Stretch]:
        """The times between two instants for which the owner has an out-of-office event."""
        ...

    async def view(self, mailbox: str, ours: Collection[str], *, since: datetime, until: datetime) -> View:
        """A stretch of a calendar: the dates of the series with the ids ``ours``, and what else takes up time."""
        ...

    async def meeting(self, mailbox: str, event_id: str) -> Meeting:
        """An event that may be somebody else's, as it is now. Raises ``Gone``."""
        ...

    async def foreign(self, mailbox: str, event_id: str) -> Meeting | None:
        """An event on one date that surely is not ours, whether or not it takes up time; else None. Raises ``Gone``."""
        ...

    async def decline(self, mailbox: str, event_id: str, *, comment: str | None, proposed: Stretch | None) -> None:
        """Decline an invitation; with a comment its organiser is told, and another time can be proposed."""
        ...

    async def move(self, mailbox: str, event_id: str, slot: Slot, day: date) -> None:
        """Put one occurrence on another day, at the slot's hours. Raises ``Crossing`` if a neighbour is in the way."""
        ...

    async def shorten(self, mailbox: str, event_id: str, last: date, tag: Tag) -> None:
        """End the recurrence of a series after ``last`` and write its tag, in one change. Raises ``Gone``."""
        ...

    async def rewrite(
        self, mailbox: str, event_id: str, etag: str, series: DesiredSeries, tag: Tag, *, keeps_text: bool = False
    ) -> None:
        """Give a series new words and a new tag; slot and range stay. Raises ``Conflict`` if it changed since.

        With ``keeps_text`` its subject and body stay, too.
        """
        ...

    async def body(self, mailbox: str, event_id: str) -> str:
        """The body of an event of ours, as HTML. Raises ``Gone``."""
        ...

    async def retell(self, mailbox: str, event_id: str, body: str, tag: Tag) -> None:
        """Write another body and the tag, and nothing else. Raises ``Gone``."""
        ...

    async def retag(self, mailbox: str, event_id: str, tag: Tag) -> None:
        """Write the tag alone. Raises ``Gone``."""
        ...

    async def delete(self, mailbox: str, event_id: str) -> None:
        """Take an event away; one that is already gone counts as done."""
        ...


class Experiments(Protocol):
    """What only ``check --probe`` asks of a calendar, to learn how a tenant behaves."""

    async def tag_of(self, mailbox: str, event_id: str) -> Tag | None:
        """The tag that an occurrence shows. Raises ``Gone``."""
        ...

    async def found_in_capitals(self, mailbox: str, event_id: str, tag: Tag) -> bool:
        """Whether a filter finds the event by its tag written in capitals."""
        ...


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person has said yes to: the settings in force, the groups they meant, the blocks introduced to everybody.

    ``groups`` pins each group text of the settings to the group's id, by the path of its key, so that a group of the
    same name cannot take its place.
    """

    fingerprint: str
    settings: str
    at: datetime
    groups: Mapping[str, tuple[str, str]]
    complete: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Placed:
    """That a mailbox has been given slots of blocks: how leavers are found again.

    ``audiences``, ``declines`` and ``name`` are what the directory said of its owner when everybody was last looked at,
    so that one mailbox can be looked at without asking for whole groups.
    """

    mailbox: str
    address: str
    slots: frozenset[SlotKey]
    audiences: frozenset[str] = frozenset()
    declines: frozenset[str] = frozenset()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """When a mailbox was last looked at and what our events there were by then, by their ETags.

    A hint that came before ``at`` tells nothing new, nor does one about an event with one of these ETags.
    """

    at: datetime
    etags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Graph's promise to tell of changes in one mailbox until it ``expires``.

    ``mark`` tells the key and the address for which it was made, so that one made for others is made anew.
    """

    mailbox: str
    id: str
    expires: datetime
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is worked on in shards, as far as it has come.

    ``shards`` says how many shards each stage has that was begun, by the stage's name; ``approved`` is the fingerprint
    of the settings it works towards, ``home`` the domains of the organisation's own addresses, ``ended`` None while it
    goes on. ``turned_by`` is the shard whose end led to the stage after the first.
    """

    id: str
    job: str
    began: datetime
    shards: Mapping[str, int]
    approved: str = ""
    home: frozenset[str] = frozenset()
    note: str = ""
    ended: datetime | None = None
    turned_by: int | None = None


class QueueName(enum.StrEnum):
    """The queues: each is worked off by the job of its name."""

    RECONCILE = "reconcile"
    REPAIR = "repair"

    @property
    def poison(self) -> str:
        """Where a message goes that could not be worked off five times."""
        return f"{self.value}-poison"


@dataclass(frozen=True, slots=True)
class Known:
    """The series of a mailbox as they were when its calendar was last read whole, at ``read``.

    Enough to ask each for its dates alone, instead of searching the calendar: a series that is not there any more shows
    by that.
    """

    read: datetime
    series: tuple[ActualSeries, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """What a mailbox said of itself, and when."""

    profile: Profile
    at: datetime


class PostState(enum.StrEnum):
    """How far the post of a channel and a period has come."""

    POSTING = "posting"
    POSTED = "posted"
    UNCONFIRMED = "unconfirmed"
    QUIET = "nothing to tell"
    REFUSED = "refused, and not posted"
    LEFT_OUT = "left out"
    WAITING = "waiting for its turn"
    """Told, and never written down."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the posting ledger: what became of the post of a channel and a period, ``at`` the last time.

    ``hours`` are those published for each goal, by its id.
    """

    channel: str
    period: str
    state: PostState
    at: datetime
    message_id: str = ""
    url: str = ""
    hours: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """That an account has signed in to post, when it did, and when its sign-in was last renewed.

    Entra forgets one that nobody has renewed for 90 days.
    """

    since: datetime
    used: datetime


class State(Protocol):
    """What is remembered between runs. Losing it loses no block: the calendars are the record."""

    async def approval(self) -> Approval | None:
        """The approval in force."""
        ...

    async def approve(self, approval: Approval) -> None:
        """Put another approval in force."""
        ...

    async def withdraw(self) -> None:
        """Forget the approval, so that nothing is written until the next ``apply``."""
        ...

    async def placed(self) -> Mapping[str, Placed]:
        """Everybody who has been given blocks and not yet had them all ended, by mailbox."""
        ...

    async def place(self, placed: Placed) -> None:
        """Remember what a mailbox has; with no slots left, forget it."""
        ...

    async def placed_of(self, mailboxes: Collection[str]) -> Mapping[str, Placed]:
        """Those of these mailboxes that have been given blocks and not yet had them all ended."""
        ...

    async def placed_at(self, address: str) -> Placed | None:
        """The mailbox with this address, in small letters, of those that have been given blocks."""
        ...

    async def seen(self, mailbox: str) -> Seen | None:
        """When a mailbox was last looked at, and what was ours there."""
        ...

    async def see(self, mailbox: str, seen: Seen | None) -> None:
        """Remember it; an earlier look never takes the place of a later one. With None, forget it."""
        ...

    async def subscriptions(self) -> Mapping[str, Subscription]:
        """Every subscription to changes of a mailbox, by mailbox."""
        ...

    async def subscribed(self, mailbox: str) -> Subscription | None:
        """The subscription to changes of a mailbox."""
        ...

    async def subscribe(self, subscription: Subscription) -> None:
        """Remember a subscription instead of the one before."""
        ...

    async def unsubscribe(self, mailbox: str) -> None:
        """Forget the subscription of a mailbox."""
        ...

    async def begin_tick(self, job: str, slot: datetime) -> bool:
        """Write down that ``job`` is done for the time ``slot``; False where it was, for that one or a later one.

        Of two who begin the same at once, one gets it.
        """
        ...

    async def begin_run(self, run: Run) -> None:
        """Write down a run that is begun."""
        ...

    async def run(self, run_id: str) -> Run | None:
        """A run by its id."""
        ...

    async def change_run(self, before: Run, after: Run) -> bool:
        """Write ``after`` in the place of ``before``; False where that stands there no more."""
        ...

    async def latest_run(self, job: str) -> Run | None:
        """The run of a job that was begun last."""
        ...

    async def record_shard(self, run_id: str, stage: str, index: int, result: Mapping[str, Any], *, of: int) -> bool:
        """Write down what became of a shard, instead of what stood there; whether now all ``of`` shards are there.

        Whoever writes the last one is told so, and whoever writes one again after it.
        """
        ...

    async def shards(self, run_id: str, stage: str) -> Sequence[Mapping[str, Any]]:
        """What became of the shards of a stage, in the order of their indexes."""
        ...

    async def forget_runs(self, before: datetime) -> None:
        """Forget the runs, with their shards, that were begun before."""
        ...

    async def known(self, mailbox: str) -> Known | None:
        """The series of a mailbox as they were last read."""
        ...

    async def know(self, mailbox: str, known: Known | None) -> None:
        """Remember the series of a mailbox; with None, forget them, so that it is read whole the next time."""
        ...

    async def profile(self, mailbox: str) -> Learned | None:
        """What a mailbox said of itself when it was last asked."""
        ...

    async def learn(self, mailbox: str, learned: Learned) -> None:
        """Remember what a mailbox says of itself."""
        ...

    async def touches(self, mailbox: str) -> Touches:
        """What the owner of a mailbox did with dates of blocks, as far as it was answered or allowed."""
        ...

    async def touch(self, mailbox: str, touches: Touches) -> None:
        """Remember it, under a pseudonym of the mailbox, instead of what was remembered before."""
        ...

    async def forget_touches(self, before: date) -> None:
        """Forget what is about days before this one, whoever did it, and the messages that were sent before it."""
        ...

    async def sent(self, address: str) -> Mapping[str, datetime]:
        """What messages to an address were about, and when they were sent."""
        ...

    async def claim(self, address: str, about: Collection[str], at: datetime, *, most: int, since: datetime) -> bool:
        """Write down that one message about all this is about to be sent to an address; False where it must not be.

        It must not where one about any of it was, or ``most`` were after ``since``. Of two who claim the same at once,
        one gets it.
        """
        ...

    async def take_back(self, address: str, about: Collection[str]) -> None:
        """Forget a message that was not sent after all."""
        ...

    async def posts(self, channel: str) -> Sequence[Entry]:
        """The ledger of a channel, by its id in the settings, by period."""
        ...

    async def begin_post(self, entry: Entry, *, holder: str, until: datetime, over: Collection[PostState] = ()) -> bool:
        """Write down that ``holder`` is about to post, up to ``until``; False where it is not theirs to do.

        It is where nothing is written yet, where whoever began did not end in time, and over the states named.
        """
        ...

    async def end_post(self, entry: Entry, *, holder: str) -> None:
        """Write down what became of a post and let go of it, unless somebody else has taken it over meanwhile."""
        ...

    async def choices(self) -> Mapping[ChoiceKey, time]:
        """The times of day chosen where the settings leave the choice."""
        ...

    async def choose(self, choices: Mapping[ChoiceKey, time]) -> None:
        """Keep these choices, besides those kept already for others."""
        ...

    async def tenant_facts(self) -> TenantFacts | None:
        """What was last seen of how this tenant behaves where documentation is silent."""
        ...

    async def learn_facts(self, facts: TenantFacts) -> None:
        """Remember how the tenant was seen to behave."""
        ...

    async def floors(self) -> Mapping[str, int]:
        """The first generation to use for a block, where a removal took away all trace of earlier ones."""
        ...

    async def raise_floor(self, block: str, generation: int) -> None:
        """Use at least this generation for a block from now on."""
        ...

    async def signed_in(self) -> SignedIn | None:
        """Whether an account has signed in to post, without looking at its tokens."""
        ...

    async def token_cache(self) -> bytes | None:
        """The tokens of the account that signed in. Raises ``NotSignedIn`` for those kept under a key that is gone."""
        ...

    async def keep_token_cache(self, data: bytes | None, at: datetime) -> None:
        """Keep the tokens of who has just signed in, instead of all before; with None, forget them."""
        ...

    async def renew_token_cache(self, data: bytes, at: datetime, *, instead_of: bytes) -> bool:
        """Keep tokens that were got with those of ``instead_of``; False where these stand there no more.

        So of two who renew at once one is written, and who signed in or was forgotten meanwhile stays so.
        """
        ...

    async def last_run(self) -> Mapping[str, Any] | None:
        """The report of the last run, as plain data."""
        ...

    async def record_run(self, run: Mapping[str, Any]) -> None:
        """Remember a run as the last one."""
        ...

    async def mentions(self, mailbox: str, address: str) -> Sequence[Any]:
        """What runs, their shards and messages that wait beside them say of one person, as plain data.

        Found by mailbox or address in whatever case; either may be empty where it is not known.
        """
        ...

    async def erase(self, mailbox: str, address: str) -> None:
        """Forget everything about one person, by mailbox or address, either of which may be empty; nobody else's.

        What runs say of them goes, how many people they were about stays. Raises ``StateUnusable`` where something is
        in the way; then it is to be done again.
        """
        ...


class Mail(Protocol):
    """Mail from the organisation's role mailbox."""

    async def send(self, sender: str, to: str, subject: str, html: str) -> None:
        """Have a mail sent, once at most: ``Unreachable`` means that it may be on its way all the same."""
        ...


class Channels(Protocol):
    """Teams channels, as the account that signed in sees them. Raises ``NotSignedIn`` where nobody has."""

    async def find(self, team: str, channel: str) -> Place:
        """The channel that the settings mean, by ids or names. Raises ``Gone`` for none, ``Unexpected`` for several."""
        ...

    async def post(self, place: Place, post: Post) -> Posted:
        """Post to a channel, once at most: ``Unreachable`` means that it may stand there all the same."""
        ...

    async def look(self, place: Place, marker: str) -> Posted | None:
        """The post that carries a marker, of the newest ones of the channel that this account has posted."""
        ...

    async def replies(self, place: Place, message_id: str) -> Sequence[Reply]:
        """What people answered to a post, the oldest first, without what was deleted. Raises ``Gone``."""
        ...


class Workflow(Protocol):
    """A Workflows webhook, through which a card gets to one channel without anybody signed in."""

    async def post(self, channel: str, post: Post) -> None:
        """Hand a card to the workflow of a channel, by its id in the settings.

        Nothing tells whether it was posted. Raises ``Unreachable`` where it may have been, other errors where not.
        """
        ...


class Subscriptions(Protocol):
    """Graph's promises to tell of changes in mailboxes."""

    async def create(self, mailbox: str, *, client_state: str, until: datetime) -> Subscription:
        """Have Graph tell of every change of the events of a mailbox; it tries our address first.

        The end may come out otherwise than asked for. Raises ``Denied`` where a quota is used up or a permission is
        missing, and ``Unexpected`` where our address does not answer as it should.
        """
        ...

    async def renew(self, subscription: Subscription, *, until: datetime) -> Subscription:
        """Have it last longer, and tell again where it had stopped for want of a fresh permission. Raises ``Gone``."""
        ...

    async def delete(self, subscription: Subscription) -> None:
        """End it; one that is gone already counts as done."""
        ...

    def all(self) -> AsyncIterator[Subscription]:
        """Every subscription of this application to the events of mailboxes, by Graph's own list, without marks."""
        ...


class Queue(Protocol):
    """Messages for jobs that run later, once at least and in no order that could be relied on."""

    async def put(self, name: QueueName, texts: Collection[str], *, delay: timedelta = timedelta(0)) -> None:
        """Put messages, each a text of 48 KiB at most, on a queue, to be seen after ``delay``."""
        ...


class Progress(Protocol):
    """Told how far a job has come."""

    def __call__(self, doing: str, done: int, total: int) -> None:
        """``done`` of ``total`` mailboxes are through with what is being done."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a job needs of the world, in one hand."""

    directory: Directory
    calendars: Calendars
    state: State
    clock: Clock
    mail: Mail
    channels: Channels
    workflow: Workflow
    queue: Queue
    subscriptions: Subscriptions
