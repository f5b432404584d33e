"""``check`` and ``status``: looking without planning."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdfast import wiring
from holdfast.cli import render
from holdfast.cli.console import AsJson, Exit, SettingsFile, load, out, print_json, run, stop
from holdfast.core.finding import Finding
from holdfast.core.settings import Settings
from holdfast.core.tenant import TenantFacts, told
from holdfast.jobs import check as check_job
from holdfast.jobs import probing
from holdfast.jobs import status as status_job
from holdfast.store.key import KeyUnusable
from holdfast.store.sqlite import StateUnusable
from holdfast.wiring import Place, SetupError, SystemClock, Wired


def check(
    settings_file: SettingsFile = None,
    *,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Try in the mailbox of tenant.organizer what Microsoft leaves open; all that is made is taken away.",
        ),
    ] = False,
    links: Annotated[
        bool, typer.Option("--links", help="Try the links of what there is to learn from as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Try the sign-ins, each permission, group, channel and a mailbox, and say what to grant or fix. Writes nothing.

    With `--probe` it makes a few short events at night in the organizer's own calendar for about a minute, and
    remembers how the tenant behaves.

    Example: `holdfast check`
    """
    place, settings = load(settings_file)
    if probe:
        _probe(place, settings, as_json=as_json)
        return

    async def work(wired: Wired) -> list[Finding]:
        web = wiring.WebPages() if links else None
        return await check_job.check(settings, wired.ports, wired.graph.tokens, wired.workflows, web)

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


def _probe(place: Place, settings: Settings, *, as_json: bool) -> None:
    organizer = settings.tenant.organizer
    if organizer is None:
        stop("--probe works in the mailbox of tenant.organizer: name a role mailbox there.", Exit.USAGE)

    async def work(wired: Wired) -> TenantFacts:
        mark = wired.ports.clock.now().strftime("%Y%m%d%H%M%S%f")
        zone = settings.organization.zone
        return await probing.probe(organizer, zone, wired.ports, wired.graph.calendars, mark=mark)

    facts = run(place, settings, work)
    rows = list(told(facts))
    if as_json:
        print_json({"at": facts.at.isoformat(), "facts": [{**row._asdict(), "differs": row.differs} for row in rows]})
        return
    for row in rows:
        out.print(f"{row.what}: {row.seen}." + (f" {row.so}" if row.so else ""), markup=False)
    differing = [row for row in rows if row.differs]
    for row in differing:
        out.print(f"Unlike the sandbox: {row.what.lower()}: {row.seen}, there {row.likeliest}.", markup=False)
    out.print("\nEverything that was made has been taken away, and what was seen is remembered.", markup=False)


def status(settings_file: SettingsFile = None, *, as_json: AsJson = False) -> None:
    """Say what is in force, whether an edit waits, and how the last run went. Asks nothing of Microsoft 365.

    Example: `holdfast status`
    """
    place, settings = load(settings_file)

    async def work() -> status_job.Status:
        async with wiring.remembering(place, settings) as memory:
            return await status_job.status(settings, memory.state, SystemClock())

    try:
        found = asyncio.run(work())
    except (SetupError, KeyUnusable, StateUnusable) as error:
        stop(str(error), Exit.USAGE)
    if as_json:
        print_json(found.data())
    else:
        for line in render.status_lines(found):
            out.print(line, markup=False)
