"""The file that ``plan --out`` writes for review and ``apply --plan`` holds the world against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

from holdfast.cli.console import Exit, stop
from holdfast.core.desired import ChoiceKey, Choices
from holdfast.core.plan import Plan, checksum
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import Settings, fingerprint

_FORM = "holdfast_plan"
_VERSION = 1
_SCREENFUL = 20

Row = dict[str, Any]


def data(
    plan: Plan, report: Report, settings: Settings, *, choices: Choices, only: str | None, standing: int = 0
) -> dict[str, Any]:
    """A plan as plain data, with the times of day it was made with. ``only`` is the mailbox it was limited to.

    ``standing`` is how many meetings stand already where new series are to be.
    """
    told = report.data()
    return {
        _FORM: _VERSION,
        "organization": settings.organization.name,
        "tenant": str(settings.tenant.tenant_id),
        "made": told["ended"],
        "settings": fingerprint(settings),
        "only": only,
        "checksum": plan.checksum,
        "writes": plan.writes,
        "mails": plan.mails,
        "meetings_standing": standing,
        "choices": [
            {"block": key.block, "audience": key.audience, "days": key.days, "at": f"{at:%H:%M}"}
            for key, at in sorted(choices.items())
        ],
        "changes": plan.rows(),
        "audience": told["audience"],
        "states": told["states"],
        "excused": report.reasons(MailboxState.EXCUSED),
        "problems": told["problems"],
    }


def write(path: Path, plan: dict[str, Any]) -> None:
    """Write a plan to a file, or end the command."""
    try:
        path.write_text(json.dumps(plan, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        stop(f"The plan cannot be written to {path}: {error.strerror}.", Exit.USAGE)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A plan as somebody reviewed it."""

    path: Path
    tenant: str
    settings: str
    only: str | None
    checksum: str
    rows: list[Row]
    choices: Choices

    def hold_against(self, plan: Plan, settings: Settings) -> None:
        """Go on only if ``plan``, made now, is the one that was reviewed; else end the command with the difference."""
        if self.tenant != str(settings.tenant.tenant_id):
            stop(f"{self.path} is a plan for the tenant {self.tenant}. Nothing was written.", Exit.USAGE)
        if self.settings != fingerprint(settings):
            self._refuse("The settings have been edited since the plan was made.")
        if self.checksum != plan.checksum:
            lines = changed_since(self.rows, plan.rows())
            shown = "".join(f"\n  {line}" for line in lines[:_SCREENFUL])
            more = f"\n  and {len(lines) - _SCREENFUL} more" if len(lines) > _SCREENFUL else ""
            self._refuse(f"The calendars have changed since the plan was made:{shown}{more}")

    def _refuse(self, why: str) -> None:
        stop(
            f"{why}\nNothing was written. Make a new plan and review it: `holdfast plan --out {self.path}`.",
            Exit.INCOMPLETE,
        )


def read(path: Path) -> Reviewed:
    """The plan in a file. One that is not a plan file, or was edited by hand, ends the command."""
    cure = f"`holdfast plan --out {path}` writes one."
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        stop(f"The plan file {path} cannot be read: {error.strerror}. {cure}", Exit.USAGE)
    except ValueError as error:
        stop(f"{path} is not a plan file: {error}. {cure}", Exit.USAGE)
    reviewed = _reviewed(path, plan)
    if reviewed is None:
        stop(f"{path} is not a plan file that this Holdfast reads. {cure}", Exit.USAGE)
    if checksum(reviewed.rows) != reviewed.checksum:
        stop(f"{path} was edited after it was made: its checksum is not that of its changes. {cure}", Exit.USAGE)
    return reviewed


def _reviewed(path: Path, plan: object) -> Reviewed | None:
    match plan:
        case {
            "holdfast_plan": 1,
            "tenant": str(tenant),
            "settings": str(settings),
            "only": (str() | None) as only,
            "checksum": str(mark),
            "choices": [*choices],
            "changes": [*rows],
        } if all(isinstance(row, dict) for row in rows):
            try:
                times = {
                    ChoiceKey(one["block"], one["audience"], one["days"]): time.fromisoformat(one["at"])
                    for one in choices
                }
            except (KeyError, TypeError, ValueError):
                return None
            return Reviewed(path, tenant, settings, only, mark, rows, times)
        case _:
            return None


def changed_since(reviewed: list[Row], now: list[Row]) -> list[str]:
    """What tells a plan now from the one that was reviewed, a line each; empty when they are the same."""
    before, after = (_by_change(rows) for rows in (reviewed, now))
    lines = [f"no longer: {_line(row)}" for key, row in before.items() if after.get(key) != row]
    return lines + [f"now: {_line(row)}" for key, row in after.items() if before.get(key) != row]


def _by_change(rows: list[Row]) -> dict[tuple[str, ...], Row]:
    return {
        tuple(str(row.get(name, "")) for name in ("id", "block", "change", "generation", "day")): row for row in rows
    }


def _line(row: Row) -> str:
    shown = ("mailbox", "change", "block", "slot", "first", "last", "day", "to", "since", "reason")
    return ", ".join(str(row[name]) for name in shown if row.get(name))
