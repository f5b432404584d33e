"""What every contestant but the product is given: the tenant, a token, the lists to ask for and the series to create.

Written down here a second time on purpose: nothing is taken from the product, which is a contestant like the others.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

FILE = "tenant.json"

ZONE, WINDOWS_ZONE = "Europe/Stockholm", "W. Europe Standard Time"
SUBJECT = "Lärtimmen"
BODY = (
    "<p>Det här är din lärtid. Fjällvik AB har satt av den så att lärandet får plats varje vecka, inte bara när det "
    "blir tid över.</p><p>Målen den hjälper oss att nå:</p><ul><li>Alla använder AI i vardagen</li></ul><p>Krockar "
    "det en vecka? Flytta eller ta bort just det tillfället; resten ligger kvar. Anteckningar du skriver i ett "
    "tillfälle är dina egna.</p><p>Vill du inte ha lärtiden alls? Säg till den som ansvarar för lärande hos er, så "
    "tas den bort framåt.</p>"
)
CATEGORY = "Lärande"
REMINDER = 10
AT, MINUTES = time(9), 60
WEEKDAY, WEEKS = "thursday", 26

PROPERTY = "String {6d2f4c1e-93b7-4a58-8e0d-7c5b1a9f3e62} Name Holdfast"
FILTER = f"singleValueExtendedProperties/Any(ep: ep/id eq '{PROPERTY}' and startswith(ep/value,'holdfast;'))"
EXPAND = f"singleValueExtendedProperties($filter=id eq '{PROPERTY}')"
SELECT = "id,type,createdDateTime,start,recurrence"
SELECT_DATES = "id,type,start,end,originalStart"
TOP = 50
PREFER = {"Prefer": 'IdType="ImmutableId"'}

HORIZON = timedelta(weeks=13, days=1)
_A_BATCH = 20


@dataclass(frozen=True, slots=True)
class Given:
    """One tenant, whose group has been looked up and whose members have been listed already."""

    url: str
    ca_bundle: str
    tenant: str
    client_id: str
    secret: str
    mailboxes: list[str]

    @classmethod
    def here(cls) -> Given:
        """As the file in the working folder says."""
        return cls(**json.loads(Path(FILE).read_text(encoding="utf-8")))

    def trust(self) -> ssl.SSLContext:
        """A TLS context that trusts the sandbox."""
        context = httpx.create_ssl_context()
        context.load_verify_locations(cafile=self.ca_bundle)
        return context

    def token(self) -> str:
        """A token for the application, by its secret."""
        fields = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        with httpx.Client(verify=self.trust()) as http:
            answer = http.post(f"{self.url}/{self.tenant}/oauth2/v2.0/token", data=fields).raise_for_status()
        return str(answer.json()["access_token"])

    def series(self) -> dict[str, str]:
        """The id of the series in each mailbox, as one who has seen it before knows it."""
        found: dict[str, str] = {}
        with httpx.Client(verify=self.trust(), headers={"Authorization": f"Bearer {self.token()}"}) as http:
            for at in range(0, len(self.mailboxes), _A_BATCH):
                batch = self.mailboxes[at : at + _A_BATCH]
                urls = (f"/users/{mailbox}/events?$filter={quote(FILTER)}&$select=id" for mailbox in batch)
                items = [{"id": str(n), "method": "GET", "url": url, "headers": PREFER} for n, url in enumerate(urls)]
                answer = http.post(f"{self.url}/v1.0/$batch", json={"requests": items}).raise_for_status()
                for one in answer.json()["responses"]:
                    [event] = one["body"]["value"]
                    found[batch[int(one["id"])]] = event["id"]
        return found


def coming() -> tuple[datetime, datetime]:
    """The window in which a sweep looks at dates."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now, now + HORIZON


def first_and_last() -> tuple[date, date]:
    """The dates of the series: half a year of Thursdays from the next one on."""
    today = datetime.now(UTC).date()
    first = today + timedelta(days=(3 - today.weekday()) % 7 or 7)
    return first, first + timedelta(weeks=WEEKS - 1)


def tag() -> str:
    """The value of the extended property, as long as the product's."""
    first, last = first_and_last()
    return f"holdfast;lartimmen;0;0a1b2c3d-4e5f6071;{first}..{last}"


def event() -> dict[str, Any]:
    """The series to create, property for property what the product creates."""
    first, last = first_and_last()
    starts = datetime.combine(first, AT)
    return {
        "subject": SUBJECT,
        "body": {"contentType": "html", "content": BODY},
        "categories": [CATEGORY],
        "reminderMinutesBeforeStart": REMINDER,
        "singleValueExtendedProperties": [{"id": PROPERTY, "value": tag()}],
        "start": {"dateTime": starts.isoformat(), "timeZone": WINDOWS_ZONE},
        "end": {"dateTime": (starts + timedelta(minutes=MINUTES)).isoformat(), "timeZone": WINDOWS_ZONE},
        "recurrence": {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [WEEKDAY], "firstDayOfWeek": "monday"},
            "range": {
                "type": "endDate",
                "startDate": first.isoformat(),
                "endDate": last.isoformat(),
                "recurrenceTimeZone": WINDOWS_ZONE,
            },
        },
        "showAs": "busy",
        "isReminderOn": True,
        "responseRequested": False,
        "allowNewTimeProposals": False,
        "transactionId": "holdfast:lartimmen:0",
    }
