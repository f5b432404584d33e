"""The settings file as the admin means it, and whom it means: told here anew, without the product's own reckoning."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time
from functools import lru_cache
from typing import Any, NamedTuple

from holdfast.core.settings import Settings, SettingsError, parse
from sandbox import Tenant
from sandbox.directory import EMPLOYEE, GUEST, Account, Group
from tests.simulation.table import AS_YOU_LIKE, Protection

Day = str | int
"""A day as the file names it: thursday, first thursday, 15."""


Choice = tuple[str, str, Day]
"""What a time is chosen for: a block, one of its audiences, and one of its days."""


class Window(NamedTuple):
    """A time of day that is chosen between two, because it is the quietest."""

    since: time
    until: time

    def __str__(self) -> str:
        return f"{self.since:%H:%M} to {self.until:%H:%M}"


class Every(NamedTuple):
    """How often, and on which days."""

    count: int
    unit: str
    days: tuple[Day, ...]

    @property
    def text(self) -> str:
        """As the file has it."""
        return self.unit if self.count == 1 else f"{self.count} {self.unit}s"

    def __str__(self) -> str:
        return f"every {self.text} on {' and '.join(map(str, self.days))}"


@dataclass(frozen=True, slots=True)
class Holidays:
    """Days without learning time: a country's, and first and last days of when nobody works."""

    country: str | None = None
    closed: tuple[tuple[date, date], ...] = ()

    def __str__(self) -> str:
        closed = " and ".join(f"{first:%d %b} to {last:%d %b}" for first, last in self.closed)
        return " and ".join(filter(None, (self.country, closed and f"closed {closed}"))) or "none"

    @property
    def json(self) -> dict[str, Any]:
        """As the file has them."""
        closed = [f"{first}..{last}" for first, last in self.closed]
        return {"closed": closed} | ({"country": self.country} if self.country else {})


@dataclass(frozen=True, slots=True)
class Block:
    """Learning time; what it can be is in the words of the file."""

    id: str
    title: str
    audiences: tuple[str, ...]
    every: Every
    at: time | Window
    since: date
    until: date | None = None
    minutes: int = 60
    zone: str = "organization"
    outside: str = "excuse"
    holiday: str = "skip"
    protection: Protection = AS_YOU_LIKE

    @property
    def weekend(self) -> bool:
        """Whether it may stand on Saturdays and Sundays."""
        return any(str(day).endswith(("saturday", "sunday")) for day in self.every.days)

    @property
    def begins(self) -> str:
        """When it begins, for a sentence."""
        return str(self.at) if isinstance(self.at, Window) else f"{self.at:%H:%M}"

    @property
    def json(self) -> dict[str, Any]:
        """As the file has it."""
        days = self.every.days
        window = isinstance(self.at, Window) and [f"{at:%H:%M}" for at in self.at]
        return {
            "id": self.id,
            "title": self.title,
            "audiences": list(self.audiences),
            "every": self.every.text,
            "day": days[0] if len(days) == 1 else list(days),
            "at": {"between": window, "choose": "quietest"} if window else self.begins,
            "minutes": self.minutes,
            "from": self.since.isoformat(),
            **({"until": self.until.isoformat()} if self.until else {}),
            "weekend": self.weekend,
            "time_zone": self.zone,
            "outside_hours": self.outside,
            "holiday": self.holiday,
            **self.protection.json,
        }


@dataclass(frozen=True, slots=True)
class Audience:
    """People by their group, all groups by their address. ``holidays`` None are the organisation's."""

    name: str
    group: str
    opt_out: str
    exclude: tuple[str, ...] = ()
    holidays: Holidays | None = None


@dataclass(frozen=True, slots=True)
class File:
    """What the settings file says. ``zone`` is an IANA name."""

    tenant_id: str
    client_id: str
    audiences: tuple[Audience, ...]
    blocks: tuple[Block, ...]
    zone: str = "Europe/Stockholm"
    holidays: Holidays = Holidays()
    mode: str = "keep"
    guard: int = 10

    @property
    def text(self) -> str:
        """The file. All JSON is YAML."""
        organization = {"name": "Fjällvik AB", "language": "sv", "time_zone": self.zone}
        return json.dumps(
            {
                "version": 1,
                "mode": self.mode,
                "organization": organization | {"holidays": self.holidays.json},
                "tenant": {"tenant_id": self.tenant_id, "client_id": self.client_id, "credential": "secret"},
                "audiences": {
                    one.name: {
                        "group": one.group,
                        "opt_out": one.opt_out,
                        "exclude": list(one.exclude),
                        **({"holidays": one.holidays.json} if one.holidays else {}),
                    }
                    for one in self.audiences
                },
                "blocks": [one.json for one in self.blocks],
                "guard": {"share": 30, "count": self.guard},
            }
        )

    def having(self, block: Block) -> File:
        """The file with another version of one of its blocks."""
        return replace(self, blocks=tuple(block if one.id == block.id else one for one in self.blocks))

    def meaning(self, audience: Audience) -> File:
        """The file with another version of one of its audiences."""
        return replace(self, audiences=tuple(audience if one.name == audience.name else one for one in self.audiences))

    def days_off(self, audience: str) -> Holidays:
        """The days without learning time of an audience."""
        return next(one.holidays or self.holidays for one in self.audiences if one.name == audience)


@lru_cache(maxsize=512)
def settings(text: str) -> Settings:
    """The product's reading of a file. Reading is slow and says the same each time."""
    return parse(text, name="settings.yaml", environment={})


def is_valid(file: File) -> bool:
    """Whether the product takes the file: it refuses blocks of one audience that want the same time."""
    try:
        settings(file.text)
    except SettingsError:
        return False
    return True


def members(tenant: Tenant, address: str) -> list[Account]:
    """Everybody in a group, through other groups, however these contain each other."""
    found: dict[str, Account] = {}
    been: set[str] = set()

    def walk(group: Group) -> None:
        been.add(group.id)
        for one in group.members:
            if isinstance(one, Account):
                found[one.id] = one
            elif one.id not in been:
                walk(one)

    walk(next(group for group in tenant.groups if group.mail == address))
    return list(found.values())


def roster(audiences: Iterable[Audience], tenant: Tenant) -> set[str]:
    """Everybody in any audience, whether they get a block or not."""
    return {one.id for audience in audiences for one in members(tenant, audience.group)}


def inside(file: File, tenant: Tenant, account: Account) -> frozenset[str]:
    """The audiences by which somebody may get blocks."""
    return meant(file, tenant, account) if account.kind == EMPLOYEE else frozenset()


def meant(file: File, tenant: Tenant, account: Account) -> frozenset[str]:
    """The audiences that an account is in as far as the directory tells, which does not tell rooms from people."""
    known_as = {account.address, account.user_principal_name}
    if account.kind == GUEST or not account.enabled or account.mail is None:
        return frozenset()
    return frozenset(
        audience.name
        for audience in file.audiences
        if account in members(tenant, audience.group)
        and account not in members(tenant, audience.opt_out)
        and known_as.isdisjoint(audience.exclude)
    )
