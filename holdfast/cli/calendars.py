"""``plan``, ``apply``, ``sweep`` and ``remove``: the commands that look at calendars and change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import planfile, render
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
from holdfast.core.desired import Choices
from holdfast.core.plan import Reason
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import Settings
from holdfast.jobs import apply as apply_job
from holdfast.jobs import remove as remove_job
from holdfast.jobs import repair as repair_job
from holdfast.jobs import sweep as sweep_job
from holdfast.jobs.survey import Survey, survey
from holdfast.wiring import Wired


def plan(
    settings_file: SettingsFile = None,
    *,
    only: Only = None,
    rechoose: Annotated[
        bool, typer.Option("--rechoose", help="Look for the quietest times anew instead of keeping those in use.")
    ] = False,
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
    place, settings = load(settings_file)

    async def work(wired: Wired) -> _Seen:
        return await _look(settings, wired, only=only, choose_again=rechoose)

    seen = run(place, settings, work)
    choices = seen.survey.choosing.times
    standing = seen.survey.standing
    data = planfile.data(seen.survey.plan, seen.report, settings, choices=choices, only=only, standing=standing)
    if to_file:
        planfile.write(to_file, data)
    if as_json:
        print_json(data)
    else:
        _show(seen, settings)
        if to_file:
            out.print(f"\nWritten to {to_file}. `holdfast apply --plan {to_file}` does exactly this.", markup=False)
        elif seen.survey.plan:
            out.print(_next_step(rechoose=rechoose), markup=False)
    if not seen.report.complete:
        raise typer.Exit(Exit.INCOMPLETE)
    if detailed_exitcode and seen.survey.plan:
        raise typer.Exit(Exit.CHANGES)


def apply(
    settings_file: SettingsFile = None,
    *,
    only: Only = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Do exactly what this file says, or say what changed.")
    ] = None,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Also when the guard finds the plan unusually large.")] = False,
    ask_again: Annotated[
        bool,
        typer.Option("--ask-again", help="Also make series again whose owners have deleted them twice in a quarter."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the plan, ask, and carry it out; from then on these settings are the approved ones.

    Stopped half-way, run it again: it goes on where it was and does nothing twice. `--only` is a trial on one
    person and approves nothing.

    Example: `holdfast apply --only anna.ek@fjallvik.example`
    """
    place, settings = load(settings_file)
    reviewed = planfile.read(plan_file) if plan_file else None
    if reviewed is not None:
        if only not in (None, reviewed.only):
            stop(f"{plan_file} is a plan for {reviewed.only or 'everybody'}: leave --only out.", Exit.USAGE)
        only = reviewed.only

    async def work(wired: Wired) -> Report:
        seen = await _look(
            settings, wired, only=only, choices=reviewed.choices if reviewed else None, ask_again=ask_again
        )
        if reviewed is not None:
            reviewed.hold_against(seen.survey.plan, settings)
        if not as_json:
            _show(seen, settings)
        if not force and not only:
            approval = await wired.ports.state.approval()
            seen.survey.check_guard(settings, approval.complete if approval else frozenset())
        if seen.survey.plan:
            ask(_question(seen.survey), yes=yes)
        with progress() as show:
            return await apply_job.apply(seen.survey, settings, wired.ports, trial=only is not None, progress=show)

    _finish(run(place, settings, work), as_json=as_json)


def sweep(settings_file: SettingsFile = None, *, as_json: AsJson = False) -> None:
    """Look at everybody, as the timer does: towards the approved settings, writing only in mode `keep`.

    Example: `holdfast sweep --json`
    """
    place, settings = load(settings_file)

    async def work(wired: Wired) -> Report:
        with progress() as show:
            return await sweep_job.sweep(settings, wired.ports, progress=show)

    _finish(run(place, settings, work), as_json=as_json)


_OF_A_REPAIR = ("complete", "note", "problems")
"""What of a report is told of one mailbox: how much was written would tell what its owner did."""


def repair(
    mailbox: Annotated[str, typer.Argument(help="The address or id of one person of the audiences.")],
    settings_file: SettingsFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Look at one person's calendar and hold its blocks, towards the approved settings, writing only in mode `keep`.

    Tells whether they are held, and not what anybody did with them.

    Example: `holdfast repair anna.ek@fjallvik.example`
    """
    place, settings = load(settings_file)

    async def work(wired: Wired) -> Report:
        return await repair_job.repair(settings, wired.ports, mailbox)

    report = run(place, settings, work)
    (account,) = (*report.audience, *report.others)
    state = MailboxState.HELD if account.state is MailboxState.CHANGED else account.state
    if as_json:
        told = report.data()
        print_json({"mailbox": account.address, "state": state.value, **{of: told[of] for of in _OF_A_REPAIR}})
    else:
        for line in (f"{account.address}: {state}", *render.problem_lines(report.problems), report.note):
            out.print(line, markup=False)
    if not report.complete:
        raise typer.Exit(Exit.INCOMPLETE)


def remove(
    settings_file: SettingsFile = None,
    *,
    only: Only = None,
    history: Annotated[
        bool, typer.Option("--history", help="Delete the series whole: what was before today goes too.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End every series from today on, for everybody or one person. What was before today stays.

    Example: `holdfast remove`
    """
    place, settings = load(settings_file)

    async def work(wired: Wired) -> Report:
        removing = Reason.ERASED if history else Reason.REMOVED
        seen = await _look(settings, wired, only=only, removing=removing)
        if not as_json:
            _show(seen, settings)
        if seen.survey.plan:
            series = len(seen.survey.plan.changes)
            ask(_farewell(series, history=history), yes=yes)
        with progress() as show:
            return await remove_job.remove(seen.survey, wired.ports, trial=only is not None, progress=show)

    _finish(run(place, settings, work), as_json=as_json)


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


async def _look(
    settings: Settings,
    wired: Wired,
    *,
    only: str | None,
    removing: Reason | None = None,
    choices: Choices | None = None,
    choose_again: bool = False,
    ask_again: bool = False,
) -> _Seen:
    clock = wired.ports.clock
    approval = await wired.ports.state.approval()
    pinned = approval.groups if approval else {}
    with progress() as show:
        seen = await survey(
            settings,
            wired.ports,
            pinned=pinned,
            choices=choices,
            choose_again=choose_again,
            ask_again=ask_again,
            only=only,
            removing=removing,
            progress=show,
        )
    ended = clock.now()
    return _Seen(seen, seen.report("plan", ended), ended - seen.at)


def _next_step(*, rechoose: bool) -> str:
    if rechoose:
        return (
            "\nNothing is written yet. To carry it out with these times: `holdfast plan --rechoose --out plan.json`, "
            "then `holdfast apply --plan plan.json`."
        )
    return "\nNothing is written yet: `holdfast apply` carries this out."


def _show(seen: _Seen, settings: Settings) -> None:
    for line in render.chosen_lines(seen.survey.choosing.fresh, settings):
        out.print(line, markup=False)
    out.print(render.plan_text(seen.survey.plan, settings), markup=False)
    for line in render.elsewhere_lines(seen.survey.elsewhere(settings), settings, seen.survey.at):
        out.print(line, markup=False)
    for line in render.standing_lines(seen.survey.standing):
        out.print(line, markup=False)
    if seen.survey.plan:
        out.print(f"Takes about {render.length_text(seen.estimate)}.\n", markup=False)
    else:
        out.print()
    show_report(seen.report, as_json=False)


def _farewell(series: int, *, history: bool) -> str:
    if history:
        return (
            f"\nDelete {series} series with all their past, copies that people made of them included? "
            "They go to each person's Deleted Items. Nobody gets a mail."
        )
    return f"\nEnd {series} series from today on? Past occurrences stay. Nobody gets a mail."


def _question(seen: Survey) -> str:
    people = len(seen.plan.mailboxes)
    return f"\nWrite this to {people} calendar{'s' if people != 1 else ''}? Nobody gets a mail."


def _finish(report: Report, *, as_json: bool) -> None:
    if not as_json:
        out.print()
    show_report(report, as_json=as_json)
    if not report.complete:
        raise typer.Exit(Exit.INCOMPLETE)
