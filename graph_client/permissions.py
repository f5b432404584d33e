"""What our calls need of permissions, so that a refusal can say what to grant."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.permissions import (
    BEING_TOLD,
    CALENDARS,
    FIND_CHANNELS,
    FIND_TEAMS,
    GROUP_MEMBERS,
    MAIL,
    MAILBOX_SETTINGS,
    READ_POSTS,
    SEND_POSTS,
    USERS,
)


@dataclass(frozen=True, slots=True)
class Need:
    """What a family of calls is for, in words for a message, and the permissions that all of them need.

    ``of_mailbox`` says that the calls address a person's mailbox, so that "unknown resource" means "no mailbox", and
    ``delegated`` that they are made in the name of the account that signed in.
    """

    doing: str
    permissions: tuple[str, ...]
    of_mailbox: bool = False
    delegated: bool = False

    @property
    def permission(self) -> str:
        """The permissions as an admin grants them."""
        kind = "delegated" if self.delegated else "application"
        return " and ".join(f"{name} ({kind})" for name in self.permissions)


FIND_GROUPS = Need("looking for a group", (GROUP_MEMBERS,))
LIST_MEMBERS = Need("listing the members of a group", (GROUP_MEMBERS, USERS))
READ_ACCOUNTS = Need("reading the accounts of a group", (USERS,))
READ_MAILBOX_SETTINGS = Need(
    "asking what a mailbox is for, its hours and its zone", (MAILBOX_SETTINGS,), of_mailbox=True
)
READ_CALENDAR = Need("reading a calendar", (CALENDARS,), of_mailbox=True)
READ_FREE_BUSY = Need("asking when people are free", (CALENDARS,), of_mailbox=True)
WRITE_CALENDAR = Need("writing a calendar", (CALENDARS,), of_mailbox=True)
SUBSCRIBE = Need("asking to be told of changes in a calendar", (BEING_TOLD,), of_mailbox=True)
KEEP_SUBSCRIPTIONS = Need("keeping what tells of changes in calendars", (BEING_TOLD,))
SEND_MAIL = Need("sending mail from the organizer mailbox", (MAIL,), of_mailbox=True)
LIST_TEAMS = Need("looking for a team", (FIND_TEAMS,), delegated=True)
LIST_CHANNELS = Need("looking for a channel", (FIND_CHANNELS,), delegated=True)
POST_TO_CHANNEL = Need("posting to a channel", (SEND_POSTS,), delegated=True)
READ_CHANNEL = Need("reading a channel", (READ_POSTS,), delegated=True)
