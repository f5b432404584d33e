"""``check`` and ``status``: looking without planning."""

from __future__ import annotations

import asyncio

import typer

from holdfast import wiring
from holdfast.cli import render
from holdfast.cli.console import AsJson, Exit, SettingsFile, load, out, print_json, run, stop
from holdfast.jobs import check as check_job
from holdfast.jobs import status as status_job
from holdfast.store.sqlite import StateUnusable
from holdfast.wiring import SystemClock, Wired


def check(settings_file: SettingsFile = None, *, as_json: AsJson = False) -> None:
    """Try the sign-in, each permission, group and a mailbox, and say what to grant or fix. Writes nothing.

    Example: `holdfast check`
    """
    place, settings = load(settings_file)

    async def work(wired: Wired) -> list[check_job.Finding]:
        return await check_job.check(settings, wired.ports, wired.graph.tokens)

    findings = run(place, settings, work)
    failed = any(finding.fatal and not finding.ok for finding in findings)
    if as_json:
        rows = [{"what": f.what, "ok": f.ok, "found": f.found, "cure": f.cure, "fatal": f.fatal} for f in findings]
        print_json({"ok": not failed, "findings": rows})
    else:
        for line in render.finding_lines(findings):
            out.print(line, markup=False)
        out.print("\nSomething is to be fixed first." if failed else "\nAll is in place: `holdfast plan` comes next.")
    if failed:
        raise typer.Exit(Exit.INCOMPLETE)


def status(settings_file: SettingsFile = None, *, as_json: AsJson = False) -> None:
    """Say what is in force, whether an edit waits, and how the last run went. Asks nothing of Microsoft 365.

    Example: `holdfast status`
    """
    place, settings = load(settings_file)
    try:
        with wiring.remembering(place, settings) as state:
            found = asyncio.run(status_job.status(settings, state, SystemClock()))
    except StateUnusable as error:
        stop(str(error), Exit.USAGE)
    if as_json:
        print_json(found.data())
    else:
        for line in render.status_lines(found):
            out.print(line, markup=False)
