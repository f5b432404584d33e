"""What our calls need of permissions, so that a refusal can say what to grant."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.permissions import CALENDARS, GROUP_MEMBERS, MAIL, MAILBOX_SETTINGS, USERS


@dataclass(frozen=True, slots=True)
class Need:
    """What a family of calls is for, in words for a message, and the permissions that all of them need.

    ``of_mailbox`` says that the calls address a person's mailbox, so that "unknown resource" means "no mailbox".
    """

    doing: str
    permissions: tuple[str, ...]
    of_mailbox: bool = False

    @property
    def permission(self) -> str:
        """The permissions as an admin grants them."""
        return " and ".join(f"{name} (application)" for name in self.permissions)


FIND_GROUPS = Need("looking for a group", (GROUP_MEMBERS,))
LIST_MEMBERS = Need("listing the members of a group", (GROUP_MEMBERS, USERS))
READ_ACCOUNTS = Need("reading the accounts of a group", (USERS,))
READ_MAILBOX_SETTINGS = Need(
    "asking what a mailbox is for, its hours and its zone", (MAILBOX_SETTINGS,), of_mailbox=True
)
READ_CALENDAR = Need("reading a calendar", (CALENDARS,), of_mailbox=True)
READ_FREE_BUSY = Need("asking when people are free", (CALENDARS,), of_mailbox=True)
WRITE_CALENDAR = Need("writing a calendar", (CALENDARS,), of_mailbox=True)
SEND_MAIL = Need("sending mail from the organizer mailbox", (MAIL,), of_mailbox=True)
