"""The application permissions that our calls need, and what for. ``docs/permissions.md`` lists the same for admins.

Least privilege per call is in each reference page below ``api-reference/v1.0/api/`` of Microsoft's Graph documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

GROUP_MEMBERS = "GroupMember.Read.All"
USERS = "User.Read.All"
MAILBOX_SETTINGS = "MailboxSettings.Read"
CALENDARS = "Calendars.ReadWrite"

PERMISSIONS = {
    GROUP_MEMBERS: "finding the groups of the settings and listing their members, through nested groups",
    USERS: "telling which members are people with an enabled account",
    MAILBOX_SETTINGS: "telling people's mailboxes from shared mailboxes, rooms and equipment",
    CALENDARS: "putting learning blocks into calendars, finding them again and ending them",
}
"""Every permission the product asks for: nothing else is ever needed."""


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
READ_PURPOSE = Need("asking what a mailbox is for", (MAILBOX_SETTINGS,), of_mailbox=True)
READ_CALENDAR = Need("reading a calendar", (CALENDARS,), of_mailbox=True)
WRITE_CALENDAR = Need("writing a calendar", (CALENDARS,), of_mailbox=True)
