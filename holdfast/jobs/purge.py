"""Forgetting what has been kept long enough."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from holdfast.core import zones
from holdfast.core.settings import Settings
from holdfast.core.touches import Quarter
from holdfast.jobs.ports import Ports

JOB = "purge"

RUNS_KEPT = timedelta(days=7)
"""How long it is known what became of each shard of a run."""


async def purge(settings: Settings, ports: Ports) -> bool:
    """Forget what is old, once a day in UTC; whether that was now."""
    now = ports.clock.now()
    if not await ports.state.begin_tick(JOB, datetime.combine(now.astimezone(UTC).date(), time(), UTC)):
        return False
    await forget(settings, ports)
    await ports.state.forget_runs(now - RUNS_KEPT)
    return True


async def forget(settings: Settings, ports: Ports) -> None:
    """Forget what people did once it is old; not before the quarter is over, for which allowances are given."""
    today = zones.date_at(settings.organization.zone, ports.clock.now())
    quarter = today.replace(month=3 * Quarter.of(today).number - 2, day=1)
    await ports.state.forget_touches(min(quarter, today - timedelta(days=settings.privacy.keep_days)))
