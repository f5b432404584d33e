"""Everything that the status page tells, from what is remembered, without asking Microsoft 365."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from holdfast.core.model import Clock
from holdfast.core.settings import Settings
from holdfast.jobs.health import Health, health
from holdfast.jobs.ports import State
from holdfast.jobs.runs import SWEEP
from holdfast.jobs.status import Status, status
from holdfast.jobs.subscriptions import Standing, standing
from holdfast.jobs.sweep import GIVEN_UP, next_after


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A sweep that goes on: how many shards of how many are worked off. A judged one gets more of them."""

    began: datetime
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of things at ``at``. ``subscriptions`` is None where the settings ask for none.

    ``zone`` is the IANA name of the organisation's; a ``next_sweep`` at or before ``at`` is due.
    """

    at: datetime
    zone: str
    status: Status
    health: Health
    going_on: GoingOn | None
    subscriptions: Standing | None
    next_sweep: datetime


async def overview(settings: Settings, state: State, clock: Clock) -> Overview:
    """The state of things now."""
    now = clock.now()
    found = await status(settings, state, clock)
    latest = await state.latest_run(SWEEP)
    going_on = None
    if latest is not None and latest.ended is None and now - latest.began < GIVEN_UP:
        done = sum([len(await state.shards(latest.id, stage)) for stage in latest.shards])
        going_on = GoingOn(latest.began, done, sum(latest.shards.values()))
    told_of = None
    if settings.tenant.notification_url:
        told_of = standing(await state.placed(), await state.subscriptions(), now=now)
    return Overview(
        at=now,
        zone=settings.organization.zone,
        status=found,
        health=await health(settings, state, now),
        going_on=going_on,
        subscriptions=told_of,
        next_sweep=next_after(latest, settings, now),
    )
