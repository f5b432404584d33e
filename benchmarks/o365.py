"""O365 doing what comes nearest by its own interface: one mailbox after the other, because it is synchronous.

``requests_delay=0`` switches off the 200 ms it would wait between any two calls. Four detours, none of them measured
but for a few microseconds: its one sign-in service is Microsoft's, so msal is made here for the sandbox's; it has no
extended property of one's own, so the tag is put into what it is about to send; there it writes two values as text that
Graph's reference does not have as text; and ids go into addresses as they are, slashes and all. A filter it takes as it
stands, but with one it can neither select nor expand, so events come whole and without their tag. With ``instances`` it
asks each series, seen before, for its coming dates. ``python -m benchmarks.o365 [instances]``.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from msal import ConfidentialClientApplication
from O365 import Account, MSGraphProtocol
from O365.calendar import Calendar, Event, Schedule
from O365.utils.token import MemoryTokenBackend

from benchmarks.given import (
    AT,
    BODY,
    CATEGORY,
    FILTER,
    MINUTES,
    PROPERTY,
    REMINDER,
    SUBJECT,
    TOP,
    WEEKDAY,
    ZONE,
    Given,
    coming,
    first_and_last,
    tag,
)
from benchmarks.meter import measured


class Series(Event):
    """An event that carries the tag."""

    def to_api_data(self, restrict_keys: set[str] | None = None) -> dict[str, Any]:
        """What is sent."""
        data: dict[str, Any] = super().to_api_data(restrict_keys)
        data["singleValueExtendedProperties"] = [{"id": PROPERTY, "value": tag()}]
        data["isOnlineMeeting"] = False
        del data["onlineMeetingProvider"]
        return data


class Tagged(Calendar):
    """A calendar of such events."""

    event_constructor = Series


class Tags(Schedule):
    """A mailbox with such a calendar."""

    calendar_constructor = Tagged
    event_constructor = Series


def account_of(given: Given) -> Account:
    """An account at the sandbox, signed in."""

    class Sandbox(MSGraphProtocol):
        """Graph's address is an attribute of the class."""

        _protocol_url = f"{given.url}/"

    backend = MemoryTokenBackend()
    account = Account(
        (given.client_id, given.secret),
        protocol=Sandbox(timezone=ZONE),
        auth_flow_type="credentials",
        tenant_id=given.tenant,
        token_backend=backend,
        requests_delay=0,
        verify_ssl=given.ca_bundle,
    )
    # It knows one sign-in service only, so msal is made here, as it would make it, for the sandbox's.
    account.con._msal_client = ConfidentialClientApplication(  # noqa: SLF001
        given.client_id,
        client_credential=given.secret,
        authority=f"{given.url}/{given.tenant}",
        instance_discovery=False,
        token_cache=backend,
        verify=given.ca_bundle,
    )
    if not account.authenticate(requested_scopes=["https://graph.microsoft.com/.default"]):
        raise SystemExit("O365 did not sign in.")
    return account


def apply(given: Given, account: Account) -> None:
    """Make every mailbox hold one series."""
    first, last = first_and_last()
    starts = datetime.combine(first, AT, ZoneInfo(ZONE))
    with measured():
        for mailbox in given.mailboxes:
            calendar = Tags(parent=account, main_resource=f"user:{mailbox}")
            if any(calendar.get_events(limit=TOP, query=FILTER, include_recurring=False)):
                continue
            event = calendar.new_event(SUBJECT)
            event.body, event.body_type = BODY, "html"
            event.categories = [CATEGORY]
            event.start, event.end = starts, starts + timedelta(minutes=MINUTES)
            event.remind_before_minutes = REMINDER
            event.response_requested = False
            event.show_as = "busy"
            event.transaction_id = "holdfast:lartimmen:0"
            event.recurrence.set_weekly(1, days_of_week=[WEEKDAY], first_day_of_week="monday", start=first, end=last)
            event.save()


def sweep(given: Given, account: Account) -> None:
    """Ask every series for its coming dates."""
    since, until = coming()
    calendars = [Tags(parent=account, main_resource=f"user:{mailbox}") for mailbox in given.mailboxes]
    series = [next(iter(one.get_events(limit=TOP, query=FILTER, include_recurring=False))) for one in calendars]
    for one in series:
        one.object_id = quote(one.object_id, safe="")
    with measured():
        for one in series:
            list(one.get_occurrences(since, until, limit=TOP))


def main() -> None:
    """Do the one or the other."""
    given = Given.here()
    account = account_of(given)
    account.con.session = account.con.get_session(load_token=True)
    (sweep if "instances" in sys.argv else apply)(given, account)


if __name__ == "__main__":
    main()
