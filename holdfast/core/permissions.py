"""The permissions of Microsoft Graph that the product asks for, and what for. No others are ever needed.

``PERMISSIONS`` are those of the application itself, ``DELEGATED`` those in the name of the account that posts.
Least privilege per call is in each reference page below ``api-reference/v1.0/api/`` of Microsoft's Graph documentation.
``docs/permissions.md`` lists the same for admins.
"""

from __future__ import annotations

GROUP_MEMBERS = "GroupMember.Read.All"
USERS = "User.Read.All"
MAILBOX_SETTINGS = "MailboxSettings.Read"
CALENDARS = "Calendars.ReadWrite"
MAIL = "Mail.Send"
BEING_TOLD = "Calendars.Read"

PERMISSIONS = {
    GROUP_MEMBERS: "finding the groups of the settings and listing their members, through nested groups",
    USERS: "telling which members are people with an enabled account",
    MAILBOX_SETTINGS: "telling people's mailboxes from shared mailboxes, rooms and equipment, and their working hours "
    "and time zones",
    CALENDARS: "putting learning blocks into calendars, finding them again and ending them",
    MAIL: "sending a note from the organizer mailbox to those who book meetings on top",
    BEING_TOLD: "being told of changes in calendars, where tenant.notification_url is set",
}

LIMITED = frozenset({MAILBOX_SETTINGS, CALENDARS, MAIL, BEING_TOLD})
"""Those that can be granted for some mailboxes only, by RBAC for Applications; they are then in no token."""

SEND_POSTS = "ChannelMessage.Send"
FIND_TEAMS = "Team.ReadBasic.All"
FIND_CHANNELS = "Channel.ReadBasic.All"
READ_POSTS = "ChannelMessage.Read.All"

DELEGATED = {
    SEND_POSTS: "posting summaries to the channels of the settings, which Graph lets no application do by itself",
    FIND_TEAMS: "finding the teams of the settings among those that the account is in",
    FIND_CHANNELS: "finding the channels of the settings in these teams",
    READ_POSTS: "reading the replies to summaries, and looking whether a post arrived whose answer was lost",
}
"""Asked for by ``holdfast login``, and only where a channel is posted to with ``via: graph``."""

NEED_AN_ADMIN = frozenset({READ_POSTS})
"""Those of them that people cannot consent to themselves; without them posting works all the same."""
