"""The page on which an admin has a plan made, reads it, and says yes to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from holdfast.jobs.planning import Progress
from holdfast.pages.status import HEADERS as OF_STATUS
from holdfast.pages.status import rendered

AGAIN = 5
"""Seconds after which the page is asked for again while something goes on."""

HEADERS: Mapping[str, str] = {
    **OF_STATUS,
    "Content-Security-Policy": OF_STATUS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'"),
}
"""As for the status page; but this one sends its own forms to where it came from."""


def plan_page(progress: Progress) -> str:
    """The page as HTML. Times are those of the organisation's zone."""
    plan, applying = progress.plan, progress.applying
    is_made = plan is not None and plan.told is not None
    is_applying = applying is not None and applying.ended is None
    return rendered(
        "plan.html",
        again=AGAIN if (plan is not None and not is_made) or is_applying else None,
        now=progress,
        told=plan.told if plan else None,
        shown=f"{_local(progress.at, progress.zone):%Y-%m-%d %H:%M}",
        made=f"{_local(plan.run.ended, progress.zone):%Y-%m-%d %H:%M}" if plan and plan.run.ended else "",
    )


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))
