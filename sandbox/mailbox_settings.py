"""Mailbox settings over Graph."""

from __future__ import annotations

from typing import Any

from sandbox.errors import bad_query
from sandbox.exchange import Answer, Call
from sandbox.mailbox import Mailbox

READ = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})

_LANGUAGES = {"sv-SE": "svenska (Sverige)", "sv-FI": "svenska (Finland)", "en-GB": "English (United Kingdom)"}


def mailbox_setting(call: Call, mailbox: Mailbox) -> Answer:
    """``GET .../mailboxSettings/{part}``: one part at a time; automatic replies are nobody's business here."""
    part = call.segments[3]
    values: dict[str, dict[str, Any]] = {
        "timeZone": {"value": mailbox.time_zone},
        "userPurpose": {"value": mailbox.purpose},
        "language": {"locale": mailbox.locale, "displayName": _LANGUAGES.get(mailbox.locale, mailbox.locale)},
        "workingHours": mailbox.hours.json(mailbox.time_zone),
    }
    if part not in values:
        raise bad_query(f"Resource not found for the segment '{part}'.")
    context = f"{call.base}/$metadata#users('{call.segments[1]}')/mailboxSettings/{part}"
    return Answer(200, {"@odata.context": context, **values[part]})
