"""The settings file as the admin means it, and whom it means: told here anew, without the product's own reckoning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holdfast.core.settings import Settings, parse
from sandbox import Tenant
from sandbox.directory import EMPLOYEE, Account, Group

ZONE = ZoneInfo("Europe/Stockholm")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


@dataclass(frozen=True, slots=True)
class Block:
    """Learning time. ``day`` counts from Monday."""

    id: str
    title: str
    audiences: tuple[str, ...]
    day: int
    at: time
    since: date
    until: date | None = None
    minutes: int = 60

    def dates(self, first: date, last: date) -> Iterator[date]:
        """Every date it should stand on, from ``first`` to ``last``."""
        day = max(first, self.since)
        day += timedelta(days=(self.day - day.weekday()) % 7)
        while day <= (min(last, self.until) if self.until else last):
            yield day
            day += timedelta(weeks=1)

    def times(self, day: date) -> tuple[datetime, datetime]:
        """When it begins and ends on a date, by the wall clock."""
        starts = datetime.combine(day, self.at)
        ends = starts + timedelta(minutes=self.minutes)
        return starts.replace(tzinfo=ZONE).astimezone(UTC), ends.replace(tzinfo=ZONE).astimezone(UTC)

    def goes_on(self, after: datetime) -> bool:
        """Whether a date of it begins later than that."""
        today = after.astimezone(ZONE).date()
        far = max(today, self.since) + timedelta(days=14)
        return any(self.times(day)[0] > after for day in self.dates(today, far))

    def clashes(self, other: Block) -> bool:
        """Whether both want the same time of some week."""
        apart = timedelta(hours=self.at.hour - other.at.hour, minutes=self.at.minute - other.at.minute)
        meet = -timedelta(minutes=self.minutes) < apart < timedelta(minutes=other.minutes)
        over = (self.until or date.max) < other.since or (other.until or date.max) < self.since
        return self.day == other.day and meet and not over


@dataclass(frozen=True, slots=True)
class Audience:
    """People by their group, all groups by their address."""

    name: str
    group: str
    opt_out: str
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """What the settings file says."""

    tenant_id: str
    client_id: str
    audiences: tuple[Audience, ...]
    blocks: tuple[Block, ...]
    mode: str = "keep"
    guard: int = 10

    @property
    def text(self) -> str:
        """The file. All JSON is YAML."""
        return json.dumps(
            {
                "version": 1,
                "mode": self.mode,
                "organization": {"name": "Fjällvik AB", "language": "sv", "time_zone": "Europe/Stockholm"},
                "tenant": {"tenant_id": self.tenant_id, "client_id": self.client_id, "credential": "secret"},
                "audiences": {
                    one.name: {"group": one.group, "opt_out": one.opt_out, "exclude": list(one.exclude)}
                    for one in self.audiences
                },
                "blocks": [
                    {
                        "id": one.id,
                        "title": one.title,
                        "audiences": list(one.audiences),
                        "every": "week",
                        "day": DAYS[one.day],
                        "at": f"{one.at:%H:%M}",
                        "minutes": one.minutes,
                        "from": one.since.isoformat(),
                        **({"until": one.until.isoformat()} if one.until else {}),
                    }
                    for one in self.blocks
                ],
                "guard": {"share": 30, "count": self.guard},
            }
        )

    def having(self, block: Block) -> File:
        """The file with another version of one of its blocks."""
        return replace(self, blocks=tuple(block if one.id == block.id else one for one in self.blocks))


@lru_cache(maxsize=512)
def settings(text: str) -> Settings:
    """The product's reading of a file. Reading is slow and says the same each time."""
    return parse(text, name="settings.yaml", environment={})


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


def roster(file: File, tenant: Tenant) -> set[str]:
    """Everybody in any audience, whether they get a block or not."""
    return {one.id for audience in file.audiences for one in members(tenant, audience.group)}


def wanted(file: File, tenant: Tenant, account: Account, after: datetime) -> list[Block]:
    """The blocks that somebody should have, as far as dates of them are still to come."""
    known_as = {account.address, account.user_principal_name}
    if account.kind != EMPLOYEE or not account.enabled or account.mail is None:
        return []
    inside = {
        audience.name
        for audience in file.audiences
        if account in members(tenant, audience.group)
        and account not in members(tenant, audience.opt_out)
        and known_as.isdisjoint(audience.exclude)
    }
    found: list[Block] = []
    for block in file.blocks:
        if inside.isdisjoint(block.audiences) or not block.goes_on(after):
            continue
        if not any(block.clashes(other) for other in found):
            found.append(block)
    return found
