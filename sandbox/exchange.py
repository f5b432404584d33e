"""One call to Graph, its answer, and what an observer is shown of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.application import Application
from sandbox.directory import Account
from sandbox.faults import Meeting
from sandbox.tenant import Tenant
from sandbox.zones import UTC_NAME, zone

_PREFERENCE = re.compile(r"([A-Za-z.\-]+)\s*=\s*(?:\"([^\"]*)\"|([^\s,;\"]+))")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call and its answer as an observer sees them: the items of a batch one by one, besides the batch itself.

    ``path`` is relative to ``/v1.0``, with its query. Bodies are parsed JSON, and the sandbox's own: hands off.
    """

    method: str
    path: str
    request_headers: Mapping[str, str]
    request_body: Any
    status: int
    response_headers: Mapping[str, str]
    response_body: Any
    in_batch: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, by the token: an application in its tenant, for itself or for somebody who signed in.

    ``roles`` are the permissions in the token: those of the application, or the scopes of the ``account``'s sign-in.
    """

    tenant: Tenant
    application: Application
    roles: frozenset[str]
    expires: datetime
    token_id: str
    account: Account | None = None

    def may(self, roles: frozenset[str], account_id: str | None = None) -> bool:
        """Whether one of these permissions is granted, for the mailbox if need be; who signed in has only one's own."""
        if self.account is not None:
            return not roles.isdisjoint(self.roles) and account_id in (None, self.account.id)
        if not roles.isdisjoint(self.roles):
            return True
        return account_id is not None and not roles.isdisjoint(self.application.scoped(account_id))


class Preferences(NamedTuple):
    """What the ``Prefer`` header asks for, and what ``Preference-Applied`` confirms of it."""

    zone: str = UTC_NAME
    plain_text: bool = False
    immutable_ids: bool = False
    applied: str = ""


@dataclass(slots=True)
class Call:
    """One request to Graph. ``path`` is relative to ``base``, the version's address; header names are lower case.

    ``arrival`` is the number of the HTTP request it came in, ``meeting`` the fault that happens to it, if any.
    """

    caller: Caller
    method: str
    path: str
    segments: list[str]
    options: dict[str, str]
    headers: Mapping[str, str]
    body: Any
    base: str
    arrival: int
    in_batch: bool = False
    meeting: Meeting | None = None

    @property
    def tenant(self) -> Tenant:
        """Whose data it is about."""
        return self.caller.tenant

    @property
    def url(self) -> str:
        """The full address without its query."""
        return self.base + self.path.partition("?")[0]

    @property
    def preferences(self) -> Preferences:
        """What the call prefers. Raises a 400 for a zone that is none."""
        text = self.headers.get("prefer")
        return _preferences(text) if text else _NONE

    @property
    def applied(self) -> dict[str, str]:
        """The headers that confirm what was preferred."""
        applied = self.preferences.applied
        return {"Preference-Applied": applied} if applied else {}


class Answer(NamedTuple):
    """What Graph answers. ``body`` is None where there is none, and a text where a gateway answers with a page.

    ``content`` is the body as it is sent, where that is known already.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}
    content: bytes | None = None


_NONE = Preferences()


@lru_cache(maxsize=256)
def _preferences(text: str) -> Preferences:
    found = {name.lower(): quoted or plain for name, quoted, plain in _PREFERENCE.findall(text)}
    named = found.get("outlook.timezone", UTC_NAME)
    zone(named)
    plain_text = found.get("outlook.body-content-type", "").lower() == "text"
    applied = [f'outlook.timezone="{named}"'] if "outlook.timezone" in found else []
    if plain_text:
        applied.append('outlook.body-content-type="text"')
    return Preferences(named, plain_text, found.get("idtype", "").lower() == "immutableid", ", ".join(applied))
