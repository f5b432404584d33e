"""``plan``, ``apply``, ``sweep`` and ``remove``: the commands that look at calendars and change them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from holdfast.cli import render
from holdfast.cli.console import (
    AsJson,
    Exit,
    Only,
    SettingsFile,
    Yes,
    ask,
    load,
    out,
    print_json,
    progress,
    run,
    show_report,
    stop,
)
from holdfast.core.plan import Plan
from holdfast.core.report import Report
from holdfast.core.settings import Settings, fingerprint
from holdfast.jobs import apply as apply_job
from holdfast.jobs import remove as remove_job
from holdfast.jobs import sweep as sweep_job
from holdfast.jobs.survey import Survey, survey
from holdfast.wiring import Wired


def plan(
    settings_file: SettingsFile = None,
    *,
    only: Only = None,
    to_file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the plan to a file for `apply --plan`.")
    ] = None,
    as_json: AsJson = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 3 when there are changes.")
    ] = False,
) -> None:
    """Show what would be changed, for whom and why. Writes nothing.

    Example: `holdfast plan --out plan.json`
    """
    settings = load(settings_file)

    async def work(wired: Wired) -> _Seen:
        return await _look(settings, wired, only=only)

    seen = run(settings, work)
    data = render.plan_data(seen.survey.plan, fingerprint(settings), seen.report)
    if to_file:
        _write(to_file, data)
    if as_json:
        print_json(data)
    else:
        _show(seen, settings)
        if to_file:
            out.print(f"\nWritten to {to_file}. `holdfast apply --plan {to_file}` does exactly this.", markup=False)
    if not seen.report.complete:
        raise typer.Exit(Exit.INCOMPLETE)
    if detailed_exitcode and seen.survey.plan:
        raise typer.Exit(Exit.CHANGES)


def apply(
    settings_file: SettingsFile = None,
    *,
    only: Only = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Do exactly what this plan says, or say what changed.")
    ] = None,
    yes: Yes = False,
    force: Annotated[bool, typer.Option(help="Also when the guard finds the plan unusually large.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the plan, ask, and carry it out; from then on these settings are the approved ones.

    Stopped half-way, run it again: it goes on where it was and does nothing twice.

    Example: `holdfast apply --only anna.ek@fjallvik.example`
    """
    settings = load(settings_file)
    reviewed = _read(plan_file) if plan_file else None

    async def work(wired: Wired) -> Report:
        seen = await _look(settings, wired, only=only)
        if reviewed is not None:
            _same(reviewed, seen.survey.plan, settings)
        if not as_json:
            _show(seen, settings)
        if not force and not only:
            approval = await wired.ports.state.approval()
            seen.survey.check_guard(settings, approval.complete if approval else frozenset())
        if seen.survey.plan:
            ask(_question(seen.survey), yes=yes)
        with progress() as show:
            return await apply_job.apply(seen.survey, settings, wired.ports, trial=only is not None, progress=show)

    _finish(run(settings, work), as_json=as_json)


def sweep(settings_file: SettingsFile = None, *, as_json: AsJson = False) -> None:
    """Look at everybody, as the timer does: towards the approved settings, writing only in mode `keep`.

    Example: `holdfast sweep --json`
    """
    settings = load(settings_file)

    async def work(wired: Wired) -> Report:
        with progress() as show:
            return await sweep_job.sweep(settings, wired.ports, progress=show)

    _finish(run(settings, work), as_json=as_json)


def remove(settings_file: SettingsFile = None, *, only: Only = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """End every series from today on, for everybody or one person. What was before today stays.

    Example: `holdfast remove`
    """
    settings = load(settings_file)

    async def work(wired: Wired) -> Report:
        seen = await _look(settings, wired, only=only, removing=True)
        if not as_json:
            _show(seen, settings)
        if seen.survey.plan:
            ask(f"End {len(seen.survey.plan.changes)} series from today on?", yes=yes)
        with progress() as show:
            return await remove_job.remove(seen.survey, wired.ports, trial=only is not None, progress=show)

    _finish(run(settings, work), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A survey, its account of everybody, and what looking cost, which tells what writing will."""

    survey: Survey
    report: Report
    took: timedelta

    @property
    def estimate(self) -> timedelta:
        """How long carrying out the plan should take: each write and each reading back as long as a reading took."""
        per_call = self.took / max(len(self.survey.looks), 1)
        return per_call * (self.survey.plan.writes + len(self.survey.plan.mailboxes))


async def _look(settings: Settings, wired: Wired, *, only: str | None, removing: bool = False) -> _Seen:
    clock = wired.ports.clock
    approval = await wired.ports.state.approval()
    pinned = approval.groups if approval else {}
    with progress() as show:
        seen = await survey(settings, wired.ports, pinned=pinned, only=only, removing=removing, progress=show)
    ended = clock.now()
    return _Seen(seen, seen.report("plan", ended), ended - seen.at)


def _show(seen: _Seen, settings: Settings) -> None:
    out.print(render.plan_text(seen.survey.plan, settings), markup=False)
    if seen.survey.plan:
        out.print(f"About {render.length_text(seen.estimate)}.\n", markup=False)
    else:
        out.print()
    show_report(seen.report, as_json=False)


def _question(seen: Survey) -> str:
    people = len(seen.plan.mailboxes)
    return f"\nWrite this to {people} calendar{'s' if people != 1 else ''}? Nobody gets a mail."


def _finish(report: Report, *, as_json: bool) -> None:
    if not as_json:
        out.print()
    show_report(report, as_json=as_json)
    if not report.complete:
        raise typer.Exit(Exit.INCOMPLETE)


def _write(path: Path, data: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        stop(f"The plan cannot be written to {path}: {error.strerror}.", Exit.USAGE)


def _read(path: Path) -> dict[str, Any]:
    """A plan file. What is not one, or was edited by hand, is refused."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        stop(f"The plan file {path} cannot be read: {error.strerror}.", Exit.USAGE)
    except ValueError as error:
        stop(f"{path} is not a plan file: {error}. `holdfast plan --out {path}` writes one.", Exit.USAGE)
    if not isinstance(data, dict) or data.get("holdfast_plan") != 1 or not isinstance(data.get("changes"), list):
        stop(f"{path} is not a plan file. `holdfast plan --out {path}` writes one.", Exit.USAGE)
    return data


def _same(reviewed: dict[str, Any], plan: Plan, settings: Settings) -> None:
    """Go on only if the plan is still the one that was reviewed; else say what tells them apart."""
    if reviewed.get("settings") != fingerprint(settings):
        stop("The settings have been edited since that plan was made. Make a new plan and review it.", Exit.INCOMPLETE)
    if reviewed.get("checksum") == plan.checksum:
        return
    lines = render.changed_since(reviewed["changes"], plan.rows())
    shown = "\n".join(f"  {line}" for line in lines[:20]) or "  the file's checksum is not that of its changes"
    more = f"\n  and {len(lines) - 20} more" if len(lines) > 20 else ""  # noqa: PLR2004 -- a screenful
    stop(
        f"Not what was reviewed, so nothing was written:\n{shown}{more}\nMake a new plan and review it.",
        Exit.INCOMPLETE,
    )
