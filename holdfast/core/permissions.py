"""The application permissions of Microsoft Graph that the product asks for, and what for. No others are ever needed.

Least privilege per call is in each reference page below ``api-reference/v1.0/api/`` of Microsoft's Graph documentation.
``docs/permissions.md`` lists the same for admins.
"""

from __future__ import annotations

GROUP_MEMBERS = "GroupMember.Read.All"
USERS = "User.Read.All"
MAILBOX_SETTINGS = "MailboxSettings.Read"
CALENDARS = "Calendars.ReadWrite"
MAIL = "Mail.Send"

PERMISSIONS = {
    GROUP_MEMBERS: "finding the groups of the settings and listing their members, through nested groups",
    USERS: "telling which members are people with an enabled account",
    MAILBOX_SETTINGS: "telling people's mailboxes from shared mailboxes, rooms and equipment, and their working hours "
    "and time zones",
    CALENDARS: "putting learning blocks into calendars, finding them again and ending them",
    MAIL: "sending a note from the organizer mailbox to those who book meetings on top",
}

LIMITED = frozenset({MAILBOX_SETTINGS, CALENDARS, MAIL})
"""Those that can be granted for some mailboxes only, by RBAC for Applications; they are then in no token."""
