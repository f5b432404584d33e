"""Pretend tenants for tests: one server for a run, a fresh tenant for a test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sandbox import Clock, Sandbox, Server, Tenant, firm, serving
from sandbox.directory import Account
from tests.openapi import Description


@dataclass(frozen=True, slots=True)
class Served:
    """A running sandbox, and a way to put a tenant into it."""

    sandbox: Sandbox
    server: Server

    def firm(self, people: int = 12, *, seed: int = 1, at: datetime | None = None) -> Tenant:
        """A fresh firm. Its clock follows the real one, or stands still at an instant."""
        tenant = firm(people=people, seed=seed, clock=Clock(at=at) if at else Clock(), language="sv")
        self.sandbox.add(tenant)
        return tenant

    def environment(self, tenant: Tenant) -> dict[str, str]:
        return self.server.environment(tenant)


@contextmanager
def serving_held_to_the_description() -> Iterator[Served]:
    """A sandbox. Where ``HOLDFAST_OPENAPI`` names Graph's description, every exchange has to fit it."""
    sandbox = Sandbox()
    path = os.environ.get("HOLDFAST_OPENAPI")
    description = Description.read(Path(path)) if path else None
    if description:
        sandbox.observers.append(description.check)
    with serving(sandbox) as server:
        yield Served(sandbox, server)
    if description:
        assert not description.problems, "\n".join(description.problems)


def blocks(tenant: Tenant, account: Account, *, days: int = 400) -> list[tuple[datetime, datetime]]:
    """When the tagged events in somebody's calendar stand, in UTC, by the tenant's own reckoning."""
    now = tenant.clock.now()
    view = tenant.calendar(account.id, now - timedelta(days=days), now + timedelta(days=days))
    return [(entry.start, entry.end) for entry in view if entry.tag]


def series(account: Account) -> int:
    """How many tagged series somebody's mailbox holds."""
    assert account.mailbox is not None
    return sum(bool(event.tags) and event.recurrence is not None for event in account.mailbox.events)


def untagged(tenant: Tenant) -> dict[str, object]:
    """Everything in the tenant's calendars that is not ours, to compare before and after."""
    return {
        account.id: [
            (event.key, event.change, event.when, event.gaps, dict(event.altered))
            for event in account.mailbox.events
            if not event.tags
        ]
        for account in tenant.accounts
        if account.mailbox
    }


Firm = Callable[..., Tenant]
