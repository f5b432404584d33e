"""Whether a request asks no more of other people's events than the fixed list: every request is looked at by itself.

Written apart from the product: what may be asked is said here once more, in the words of the page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox import Tenant
from sandbox.errors import GraphError
from sandbox.event import Event

LIST = frozenset(
    {
        *("id", "type", "start", "end", "isAllDay", "showAs", "isCancelled", "isOrganizer", "organizer"),
        *("responseStatus", "seriesMasterId", "originalStart", "sensitivity", "allowNewTimeProposals"),
        "responseRequested",
    }
)
"""The list of the page."""

SEARCHED_BY = frozenset({"id", "type", "transactionId"})
"""What is asked where one of ours is looked for that has lost its tag."""

_OPTIONS = {"$select", "$filter", "$expand", "$top", "$skip", "$skiptoken"}
_SETTINGS = {"userPurpose", "workingHours", "timeZone", "language"}
_MARKS = {"@odata.etag", "@odata.type"}
_OF_A_PERSON = re.compile(r"/users/([^/]+)(/.*)?")
_READS = re.compile(r"/(?:calendar/)?(?:events|calendarView)(?:/([^/]+)(/instances)?)?")
_ONLY_OURS = re.compile(
    r"singleValueExtendedProperties/Any\(ep: ep/id eq '[^']+' and "
    r"(startswith\(ep/value,'holdfast;'\)|ep/value eq '.+')\)"
)
_EXPANDS = re.compile(r"singleValueExtendedProperties\(\$filter=id eq 'String \{[0-9a-fA-F-]+\} Name \w+'\)")
_POSTS = re.compile(r"/(calendar/getSchedule|sendMail|events(/[^/]+/decline)?)")


class Exchange(Protocol):
    """One request and its answer."""

    method: str
    path: str
    request_headers: Mapping[str, str]
    request_body: Any
    status: int
    response_body: Any


@dataclass
class Watch:
    """Looks at what reaches a tenant. ``problems`` says what asked for too much, ``seen`` what there was."""

    tenant: Tenant
    problems: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def look(self, exchange: Exchange) -> None:
        """Look at one request."""
        path = unquote(urlsplit(exchange.path).path)
        found = _OF_A_PERSON.fullmatch(urlsplit(exchange.path).path)
        if found is None or self.tenant.account(unquote(found[1])) is None:
            return
        about = found[2] or ""
        shape = re.sub(r"^/(events|calendarView)/[^/]+", r"/\1/x", about)
        self.seen[f"{exchange.method} {shape}"] += 1
        where = f"{exchange.method} {exchange.path}"
        self.problems += [f"{where}: {problem}" for problem in self._problems(exchange, unquote(found[1]), about, path)]

    def _problems(self, exchange: Exchange, mailbox: str, about: str, path: str) -> Iterator[str]:
        query = dict(parse_qsl(urlsplit(exchange.path).query, keep_blank_values=True))
        if unknown := {name for name in query if name.startswith("$")} - _OPTIONS:
            yield f"nobody knows what {unknown} give"
        if "$expand" in query and not _EXPANDS.fullmatch(query["$expand"]):
            yield f"more than the tag is expanded: {query['$expand']}"
        match exchange.method:
            case "GET" if about.startswith("/mailboxSettings"):
                if about.removeprefix("/mailboxSettings/") not in _SETTINGS:
                    yield "a mailbox's settings hold its owner's automatic replies"
            case "GET" if _READS.fullmatch(about):
                yield from self._of_events(exchange, mailbox, about, query)
            case "GET":
                yield f"nobody is to read {path}"
            case "POST" if not _POSTS.fullmatch(about):
                yield f"nobody is to write {path}"

    def _of_events(self, exchange: Exchange, mailbox: str, about: str, query: Mapping[str, str]) -> Iterator[str]:
        if "$skiptoken" in query or "$skip" in query:
            return  # it goes on with what was asked before
        select = set(filter(None, query.get("$select", "").split(",")))
        if not select:
            yield "without $select everything of an event comes"
        if not self._can_only_be_ours(mailbox, about, query):
            if more := select - LIST - SEARCHED_BY:
                yield f"{sorted(more)} of events that may be somebody else's"
            if "transactionId" in select and select != SEARCHED_BY:
                yield "a search for what lost its tag asks for more than that"
        elif more := select & {"subject", "body", "bodyPreview", "attendees", "location", "locations"}:
            yield f"{sorted(more)}, which not even ours are asked for"
        for row in self._rows(exchange):
            if not is_ours(self._event(mailbox, row)) and (told := row.keys() - LIST - SEARCHED_BY - _MARKS):
                yield f"Graph told {sorted(told)} of an event that is not ours"

    def _can_only_be_ours(self, mailbox: str, about: str, query: Mapping[str, str]) -> bool:
        """Whether it asks by our tag, or by the id of something of ours."""
        (event_id, _) = _READS.fullmatch(about).groups()  # type: ignore[union-attr]
        if event_id:
            return is_ours(self._event(mailbox, {"id": unquote(event_id)}))
        return bool(_ONLY_OURS.fullmatch(query.get("$filter", "")))

    def _event(self, mailbox: str, row: Mapping[str, Any]) -> Event | None:
        try:
            return self.tenant.mailbox(mailbox).find(row["id"]).event
        except (GraphError, KeyError):
            return None

    @staticmethod
    def _rows(exchange: Exchange) -> list[dict[str, Any]]:
        if exchange.status >= 400 or not isinstance(exchange.response_body, dict):
            return []
        rows: list[dict[str, Any]] = exchange.response_body.get("value", [exchange.response_body])
        return [{k: v for k, v in row.items() if not k.startswith("@odata.context")} for row in rows]


def is_ours(event: Event | None) -> bool:
    """Whether it carries our tag or our transactionId; what is gone by now carries neither."""
    return event is not None and bool(event.tags or event.transaction_id)
