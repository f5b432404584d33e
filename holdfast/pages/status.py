"""The status page, and the headers that it is to be sent with.

It names people for technical failures alone, as reports do. It is whole in itself: no script, nothing fetched from
anywhere, and a policy that lets a browser do neither.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from holdfast.core.report import INCOMPLETE, MailboxState
from holdfast.jobs.overview import Overview

NAMES_SHOWN = 50
"""Problems that are shown one by one; `holdfast status --json` has all."""

AGAIN = 10
"""Seconds after which a page that shows a sweep going on is asked for again."""

_STYLE = (files("holdfast.pages") / "templates" / "page.css").read_text(encoding="utf-8")
_POLICY = {
    "default-src": "'none'",
    "style-src": f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""What a browser is told besides: to run and fetch nothing, and to keep no copy."""

_templates = Environment(
    loader=PackageLoader("holdfast.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def status_page(overview: Overview) -> str:
    """The page as HTML. Times are those of the organisation's zone."""
    zone = ZoneInfo(overview.zone)

    def at(instant: datetime | str) -> str:
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    return rendered(
        "status.html",
        at=at,
        age=_age,
        again=AGAIN if overview.going_on else None,
        now=overview,
        status=overview.status,
        run=_run(overview.status.last_run),
    )


def trouble_page(why: str) -> str:
    """What there is to say where settings or state cannot be read."""
    return rendered("trouble.html", why=why, again=None)


def rendered(template: str, **values: object) -> str:
    """A page of ours with these values in it, whatever is in them."""
    return _templates.get_template(template).render(style=_style(), **values)


def _style() -> Markup:
    return Markup(_STYLE)  # noqa: S704 - our own file, which the policy allows by its hash


def _run(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The last run as the page shows it: every state that somebody is in, with what it means."""
    if report is None:
        return None
    states = [
        {"name": name, "count": count, "meaning": MailboxState(name).meaning, "bad": MailboxState(name) in INCOMPLETE}
        for name, count in report["states"].items()
        if count
    ]
    problems = report["problems"]
    return {**report, "states": states, "problems": problems[:NAMES_SHOWN], "more": len(problems[NAMES_SHOWN:])}


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    for length, name in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= length:
            count = minutes // length
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
