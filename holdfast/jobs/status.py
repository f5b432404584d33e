"""What is in force, what waits, and how the last run went: from what is remembered, without asking Microsoft 365."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.core.model import Clock
from holdfast.core.settings import Mode, Settings, fingerprint
from holdfast.jobs.ports import Approval, State


@dataclass(frozen=True, slots=True)
class Status:
    """The state of things for an admin. ``last_run`` is a report as plain data, ``age`` the time since it ended."""

    organization: str
    mode: Mode
    fingerprint: str
    approval: Approval | None
    edit_waits: bool
    people_placed: int
    last_run: Mapping[str, Any] | None
    age: timedelta | None

    def data(self) -> dict[str, Any]:
        """The status as plain data."""
        return {
            "organization": self.organization,
            "mode": self.mode.value,
            "settings": self.fingerprint,
            "approved": self.approval.fingerprint if self.approval else None,
            "approved_at": self.approval.at.isoformat() if self.approval else None,
            "edit_waits": self.edit_waits,
            "people_placed": self.people_placed,
            "last_run": dict(self.last_run) if self.last_run else None,
            "last_run_age_seconds": int(self.age.total_seconds()) if self.age is not None else None,
        }


async def status(settings: Settings, state: State, clock: Clock) -> Status:
    """The state of things now."""
    approval = await state.approval()
    last_run = await state.last_run()
    now = clock.now()
    return Status(
        organization=settings.organization.name,
        mode=settings.mode,
        fingerprint=fingerprint(settings),
        approval=approval,
        edit_waits=approval is not None and approval.fingerprint != fingerprint(settings),
        people_placed=len(await state.placed()),
        last_run=last_run,
        age=now - datetime.fromisoformat(last_run["ended"]) if last_run else None,
    )
