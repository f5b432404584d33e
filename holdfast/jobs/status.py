"""What is in force, what waits, and how the last run went: from what is remembered, without asking Microsoft 365."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.core.errors import NotSignedIn
from holdfast.core.model import Clock
from holdfast.core.settings import Mode, Settings, Via, fingerprint
from holdfast.jobs.ports import Approval, SignedIn, State

LASTS = timedelta(days=90)
"""How long a sign-in is good that nobody uses: the life of Entra's refresh tokens, which each use begins anew."""

WARNED = timedelta(days=60)
"""From when on it is warned of."""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of things for an admin. ``last_run`` is a report as plain data, ``age`` the time since it ended.

    ``posts`` says whether the settings post to a channel as an account that signs in, ``login`` is its sign-in,
    ``unused`` how long nobody has used that, and ``unreadable`` what is wrong with what was kept of it.
    """

    organization: str
    mode: Mode
    fingerprint: str
    approval: Approval | None
    edit_waits: bool
    people_placed: int
    last_run: Mapping[str, Any] | None
    age: timedelta | None
    posts: bool = False
    login: SignedIn | None = None
    unused: timedelta = timedelta(0)
    unreadable: str = ""

    @property
    def lapses_in(self) -> int | None:
        """The days until the sign-in lapses unless it is used, from when on that is warned of; 0 where it has."""
        if self.login is None or self.unused < WARNED:
            return None
        return max(0, (LASTS - self.unused).days)

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
            "posts_by_account": self.posts,
            "signed_in": self._signed_in(),
        }

    def _signed_in(self) -> dict[str, Any] | None:
        if self.login is None or self.unreadable:
            return None
        since, used = self.login.since.isoformat(), self.login.used.isoformat()
        return {"since": since, "used": used, "lapses_in_days": self.lapses_in}


async def status(settings: Settings, state: State, clock: Clock) -> Status:
    """The state of things now."""
    approval = await state.approval()
    last_run = await state.last_run()
    now = clock.now()
    login, unreadable = await state.signed_in(), ""
    try:
        await state.token_cache()
    except NotSignedIn as error:
        unreadable = f"{error.message} {error.cure}"
    return Status(
        organization=settings.organization.name,
        mode=settings.mode,
        fingerprint=fingerprint(settings),
        approval=approval,
        edit_waits=approval is not None and approval.fingerprint != fingerprint(settings),
        people_placed=len(await state.placed()),
        last_run=last_run,
        age=now - datetime.fromisoformat(last_run["ended"]) if last_run else None,
        posts=any(channel.via is Via.GRAPH for channel in settings.channels),
        login=login,
        unused=now - login.used if login else timedelta(0),
        unreadable=unreadable,
    )
