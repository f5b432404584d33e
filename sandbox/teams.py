"""Teams and what is said in them: channels, messages, replies and reactions, as Teams itself keeps them.

A team's id is its group's id (§1.9 of the notes on Graph), and whoever belongs to the group belongs to the team.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from sandbox.clock import Clock
from sandbox.errors import GraphError

if TYPE_CHECKING:
    from sandbox.directory import Account, Group

STANDARD, PRIVATE = "standard", "private"
GENERAL = "General"
"""The name of the channel that each team begins with, whatever language the team speaks."""

USER = "#microsoft.graph.teamworkUserIdentity"
"""Graph's type of people in Teams."""

MESSAGE, SYSTEM = "message", "systemEventMessage"

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who a message is from where that is no person: a workflow or a bot."""

    id: str
    name: str
    kind: str = "bot"


@dataclass(slots=True)
class Reaction:
    """One person's reaction to a message; ``kind`` is a name such as ``like`` or an emoji."""

    who: Account
    kind: str
    at: datetime


@dataclass(slots=True, eq=False)
class Message:
    """A message in a channel, or a reply to one. ``sender`` is None where Teams itself speaks.

    ``attachments`` and ``mentions`` are Graph's JSON. ``client_id`` is the application it came through, if any.
    """

    id: str
    channel: Channel
    created: datetime
    modified: datetime
    sender: Account | Speaker | None
    content: str
    content_type: str = "html"
    subject: str | None = None
    summary: str | None = None
    importance: str = "normal"
    kind: str = MESSAGE
    attachments: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[dict[str, Any]] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    replies: list[Message] = field(default_factory=list)
    root: Message | None = None
    edited: datetime | None = None
    deleted: datetime | None = None
    client_id: str | None = None
    change: int = 0
    """The number of the channel's change that was last about this message or a reply to it."""


@dataclass(slots=True)
class _Late:
    due: datetime
    write: Callable[[], object]


class Channel:
    """A channel of a team. A private one has members of its own, all of whom belong to the team."""

    def __init__(self, team: Team, channel_id: str, name: str, kind: str, created: datetime) -> None:
        self.team = team
        self.id = channel_id
        self.name = name
        self.kind = kind
        self.created = created
        self.description: str | None = None
        self.private_members: list[Account] = []
        self._messages: list[Message] = []
        self._late: list[_Late] = []
        self._last_id = 0
        self.changes = 0

    @property
    def members(self) -> list[Account]:
        """Everybody who can read and write here."""
        everyone = self.team.members
        return [one for one in everyone if one in self.private_members] if self.kind == PRIVATE else everyone

    @property
    def messages(self) -> list[Message]:
        """The messages that begin a thread, oldest first, deleted ones included."""
        self._catch_up()
        return self._messages

    @property
    def posts(self) -> list[Message]:
        """The messages that people see, oldest first: what tests compare with what a client believes it posted."""
        return [one for one in self.messages if one.deleted is None and one.kind == MESSAGE]

    def threads(self) -> Iterator[Message]:
        """Every message and reply."""
        for one in self.messages:
            yield one
            yield from one.replies

    def message(self, message_id: str) -> Message | None:
        """The message or reply with this id."""
        return next((one for one in self.threads() if one.id == message_id), None)

    def add(
        self,
        sender: Account | Speaker | None,
        content: str,
        *,
        root: Message | None = None,
        **values: Any,  # noqa: ANN401 - fields of a message
    ) -> Message:
        """Put a message here, or a reply to ``root``, which thereby comes up to the top."""
        now = self.now()
        made = Message(self._new_id(now), self, now, now, sender, content, root=root, **values)
        self.changes += 1
        made.change = self.changes
        if root is None:
            self._messages.append(made)
        else:
            root.replies.append(made)
            root.modified, root.change = max(now, root.modified), self.changes
        return made

    def announce(self) -> Message:
        """Teams itself says that something has happened, such as that somebody has joined."""
        return self.add(None, "<systemEventMessage/>", kind=SYSTEM)

    def edit(self, message: Message, content: str) -> None:
        """Write something else over what a message said."""
        message.content, message.content_type = content, "html"
        message.edited = self._touch(message)

    def delete(self, message: Message) -> None:
        """Take a message away: it stays in lists with the time of its deletion and says nothing (§1.11)."""
        message.deleted = self._touch(message)
        message.content = ""
        message.subject = None
        for values in (message.attachments, message.mentions, message.reactions):
            values.clear()

    def react(self, message: Message, who: Account, kind: str) -> None:
        """Somebody's reaction, one of each kind."""
        self.unreact(message, who, kind)
        message.reactions.append(Reaction(who, kind, self._touch(message)))

    def unreact(self, message: Message, who: Account, kind: str) -> None:
        """No reaction of this kind by somebody."""
        message.reactions = [one for one in message.reactions if (one.who, one.kind) != (who, kind)]
        self._touch(message)

    def postpone(self, seconds: float, write: Callable[[], object]) -> None:
        """Do this once the channel has been read over Graph, or in so many seconds at the latest."""
        self._late.append(_Late(self.now() + timedelta(seconds=seconds), write))

    def land(self) -> None:
        """Do all late writes now."""
        self._do_late(lambda _: True)

    def now(self) -> datetime:
        """The present, in whole milliseconds, as Teams keeps time."""
        now = self.team.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _catch_up(self) -> None:
        now = self.now()
        self._do_late(lambda late: late.due <= now)

    def _do_late(self, is_due: Callable[[_Late], bool]) -> None:
        if not self._late:
            return
        due = [one for one in self._late if is_due(one)]
        self._late = [one for one in self._late if one not in due]
        for one in due:
            with suppress(GraphError):
                one.write()

    def _touch(self, message: Message) -> datetime:
        """A message changes, and with a reply its thread (§1.11)."""
        now = max(self.now(), message.modified + _MILLISECOND)
        self.changes += 1
        message.modified, message.change = now, self.changes
        if message.root is not None:
            message.root.modified, message.root.change = max(now, message.root.modified), self.changes
        return now

    def _new_id(self, now: datetime) -> str:
        """Teams' ids are times in milliseconds; of two at one time the second gets the next one."""
        self._last_id = max(self._last_id + 1, int(now.timestamp() * 1000))
        return str(self._last_id)


class Team:
    """The team of a group. ``grants`` are permissions for this team alone, by application (resource-specific consent).

    ``archived`` makes it read-only; ``members`` are the accounts in the group, those of groups within included.
    """

    def __init__(self, group: Group, clock: Clock, chance: Random) -> None:
        self.group = group
        self.clock = clock
        self.archived = False
        self.grants: dict[str, set[str]] = {}
        self.channels: list[Channel] = []
        self._chance = chance
        self.add_channel(GENERAL)

    @property
    def id(self) -> str:
        """The group's."""
        return self.group.id

    @property
    def name(self) -> str:
        """The group's."""
        return self.group.display_name

    @property
    def owners(self) -> list[Account]:
        """Who looks after it."""
        return self.group.owners

    @property
    def members(self) -> list[Account]:
        """Everybody in it, owners included."""
        return list(dict.fromkeys([*self.group.owners, *self.group.accounts()]))

    def add_channel(self, name: str, *, private: Sequence[Account] | None = None) -> Channel:
        """A new channel, standard or, with ``private``, of these people only."""
        channel_id = f"19:{self._chance.getrandbits(128):032x}@thread.tacv2"
        kind = STANDARD if private is None else PRIVATE
        channel = Channel(self, channel_id, name, kind, self.clock.now().astimezone(UTC))
        channel.private_members.extend(private or ())
        self.channels.append(channel)
        return channel

    def channel(self, name: str) -> Channel:
        """The channel of this id or name. Raises ``LookupError`` where there is none."""
        found = next((one for one in self.channels if name in (one.id, one.name)), None)
        if found is None:
            raise LookupError(f"The team {self.name} has no channel {name}.")
        return found

    def grant(self, client_id: str, *permissions: str) -> None:
        """Let an application do something in this team alone."""
        self.grants.setdefault(client_id, set()).update(permissions)


def mention_of(account: Account, number: int = 0) -> tuple[str, Mapping[str, Any]]:
    """The tag for a body that mentions somebody, and what belongs to it in ``mentions``."""
    name = account.display_name
    user = {"@odata.type": USER, "id": account.id, "displayName": name, "userIdentityType": "aadUser"}
    return f'<at id="{number}">{name}</at>', {"id": number, "mentionText": name, "mentioned": {"user": user}}
