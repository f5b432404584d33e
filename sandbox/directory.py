"""What the directory of a tenant holds: accounts, and groups of them and of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.mailbox import Mailbox
from sandbox.teams import Team

EMPLOYEE, GUEST, DISABLED, SHARED, ROOM = "employee", "guest", "disabled", "shared", "room"
SERVICE = "service"
"""What kinds of accounts there are; only the first are people who work here. The last is licensed as they are."""


@dataclass(slots=True, eq=False)
class Account:
    """A user object. ``mailbox`` is None without one in Exchange Online; ``uses_teams`` is the licence for Teams."""

    id: str
    display_name: str
    given_name: str
    surname: str
    mail: str | None
    user_principal_name: str
    kind: str
    department: str
    created: datetime
    enabled: bool = True
    language: str = "sv-SE"
    country: str = "SE"
    job_title: str | None = None
    mailbox: Mailbox | None = None
    uses_teams: bool = True

    @property
    def address(self) -> str:
        """The mail address, or the sign-in name of somebody without one."""
        return self.mail or self.user_principal_name

    def value(self, name: str) -> Any:  # noqa: ANN401 - JSON is what it is
        """A property by Graph's name."""
        get = _OF_ACCOUNTS.get(name)
        return get(self) if get is not None else None


@dataclass(slots=True, eq=False)
class Group:
    """A group; members are accounts and groups, cycles included. ``team`` is its team in Teams, if it has one."""

    id: str
    display_name: str
    mail: str | None
    created: datetime
    description: str | None = None
    members: list[Account | Group] = field(default_factory=list)
    owners: list[Account] = field(default_factory=list)
    team: Team | None = None

    def accounts(self) -> list[Account]:
        """Everybody in it or in a group within."""
        return [one for one in self.transitive_members() if isinstance(one, Account)]

    def transitive_members(self) -> Iterator[Account | Group]:
        """Everybody and every group within, once each, whatever way they belong."""
        seen: set[int] = {id(self)}
        waiting: list[Iterator[Account | Group]] = [iter(self.members)]
        while waiting:
            for member in waiting[-1]:
                if id(member) in seen:
                    continue
                seen.add(id(member))
                yield member
                if isinstance(member, Group):
                    waiting.append(iter(member.members))
                    break
            else:
                waiting.pop()

    def value(self, name: str) -> Any:  # noqa: ANN401 - JSON is what it is
        """A property by Graph's name."""
        get = _OF_GROUPS.get(name)
        return get(self) if get is not None else None


_OF_ACCOUNTS: dict[str, Callable[[Account], Any]] = {
    "id": lambda one: one.id,
    "displayName": lambda one: one.display_name,
    "givenName": lambda one: one.given_name or None,
    "surname": lambda one: one.surname or None,
    "mail": lambda one: one.mail,
    "userPrincipalName": lambda one: one.user_principal_name,
    "accountEnabled": lambda one: one.enabled,
    "userType": lambda one: "Guest" if one.kind == GUEST else "Member",
    "department": lambda one: one.department or None,
    "jobTitle": lambda one: one.job_title,
    "preferredLanguage": lambda one: one.language,
    "mailNickname": lambda one: one.user_principal_name.partition("@")[0],
    "proxyAddresses": lambda one: [f"SMTP:{one.mail}"] if one.mail else [],
    "usageLocation": lambda one: one.country,
    "createdDateTime": lambda one: _instant(one.created),
    "businessPhones": lambda _: [],
}
_OF_GROUPS: dict[str, Callable[[Group], Any]] = {
    "id": lambda one: one.id,
    "displayName": lambda one: one.display_name,
    "mail": lambda one: one.mail,
    "mailEnabled": lambda one: one.mail is not None,
    "mailNickname": lambda one: (one.mail or one.id).partition("@")[0],
    "description": lambda one: one.description,
    "groupTypes": lambda one: ["Unified"] if one.mail else [],
    "securityEnabled": lambda one: one.mail is None,
    "visibility": lambda _: "Private",
    "resourceProvisioningOptions": lambda one: ["Team"] if one.team else [],
    "createdDateTime": lambda one: _instant(one.created),
}


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
