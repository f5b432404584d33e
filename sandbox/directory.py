"""What the directory of a tenant holds: accounts, and groups of them and of each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.mailbox import Mailbox

EMPLOYEE, GUEST, DISABLED, SHARED, ROOM = "employee", "guest", "disabled", "shared", "room"
"""What kinds of accounts there are; only the first are people who work here."""


@dataclass(slots=True, eq=False)
class Account:
    """A user object. ``mailbox`` is None without one in Exchange Online."""

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
    job_title: str | None = None
    mailbox: Mailbox | None = None

    @property
    def address(self) -> str:
        """The mail address, or the sign-in name of somebody without one."""
        return self.mail or self.user_principal_name

    def value(self, name: str) -> Any:  # noqa: ANN401 - JSON is what it is
        """A property by Graph's name."""
        match name:
            case "id":
                return self.id
            case "displayName":
                return self.display_name
            case "givenName":
                return self.given_name
            case "surname":
                return self.surname
            case "mail":
                return self.mail
            case "userPrincipalName":
                return self.user_principal_name
            case "accountEnabled":
                return self.enabled
            case "userType":
                return "Guest" if self.kind == GUEST else "Member"
            case "department":
                return self.department or None
            case "jobTitle":
                return self.job_title
            case "preferredLanguage":
                return self.language
            case "mailNickname":
                return self.user_principal_name.partition("@")[0]
            case "proxyAddresses":
                return [f"SMTP:{self.mail}"] if self.mail else []
            case "usageLocation":
                return "SE"
            case "createdDateTime":
                return f"{self.created:%Y-%m-%dT%H:%M:%SZ}"
            case "businessPhones":
                return []
            case _:
                return None


@dataclass(slots=True, eq=False)
class Group:
    """A group; members are accounts and groups, cycles included."""

    id: str
    display_name: str
    mail: str | None
    created: datetime
    description: str | None = None
    members: list[Account | Group] = field(default_factory=list)

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
        match name:
            case "id":
                return self.id
            case "displayName":
                return self.display_name
            case "mail":
                return self.mail
            case "mailEnabled":
                return self.mail is not None
            case "mailNickname":
                return (self.mail or self.id).partition("@")[0]
            case "description":
                return self.description
            case "groupTypes":
                return ["Unified"] if self.mail else []
            case "securityEnabled":
                return self.mail is None
            case "visibility":
                return "Private"
            case "createdDateTime":
                return f"{self.created:%Y-%m-%dT%H:%M:%SZ}"
            case _:
                return None
