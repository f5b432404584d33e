"""``privacy``: what is done with data of people, and what is remembered of one of them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from holdfast import wiring
from holdfast.cli.console import Exit, SettingsFile, Yes, ask, err, load, run, stop
from holdfast.core import privacy as sheets
from holdfast.core import zones
from holdfast.core.settings import Language, Settings
from holdfast.jobs import privacy as job
from holdfast.jobs.check import needed
from holdfast.jobs.privacy import InForce, Somebody
from holdfast.store.key import KeyUnusable
from holdfast.store.sqlite import StateUnusable
from holdfast.wiring import Place, SetupError, SystemClock, Wired

_KINDS = {
    "placed": "which blocks and audiences they have",
    "known": "the series in their calendar",
    "profile": "working hours and time zone",
    "touches": "what they did with single dates: agreed skips, moves, series to be left alone",
    "sent": "which messages they got",
    "seen": "when the mailbox was last looked at",
    "subscription": "Microsoft's promise to tell of changes",
    job.RUNS: "what runs and waiting work say of them",
}

_COMES_BACK = """\
Calendars are not touched. As long as the person is in an audience, the next sweep finds their blocks and writes down
again who they are, their series and their working hours; let them opt out first. What they did with single dates
does not come back: a date that they skip or a series that they want to be left alone may be put back once more.
Blocks of somebody who has left every audience cannot be found again: let a sweep end them first."""


def privacy(
    settings_file: SettingsFile = None,
    *,
    language: Annotated[
        Language | None, typer.Option(metavar="LANGUAGE", help="The language: sv or en. Default: the organisation's.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the sheet as a page.")] = None,
    export: Annotated[
        str | None,
        typer.Option(metavar="MAILBOX", help="Everything that is remembered of a person, by address or id, as JSON."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the export to a file that only you can read.")
    ] = None,
    erase: Annotated[
        str | None, typer.Option(metavar="MAILBOX", help="Forget everything about a person, by address or id.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Print the data sheet for a works council or a data-protection officer, from the settings in force.

    It says what is read, what is stored, for how long and under what protection, who sees it, which permissions it
    takes and what each person can do, with what the Swedish MBL and an impact assessment ask. `--export` gives one
    person everything that is remembered of them; `--erase` forgets it, after saying what that means.

    Example: `holdfast privacy --language sv --html datablad.html`
    """
    if sum(one is not None for one in (html, export, erase)) > 1:
        stop("--html, --export and --erase are asked for one at a time.", Exit.USAGE)
    if out is not None and export is None:
        stop("--out is for --export.", Exit.USAGE)
    place, settings = load(settings_file)
    spoken = language or settings.organization.language
    if export is not None:
        _export(export, place, settings, spoken, out)
    elif erase is not None:
        _erase(erase, place, settings, yes=yes)
    else:
        _tell(_sheet(place, settings, spoken), html)


def _sheet(place: Place, settings: Settings, language: Language) -> sheets.Sheet:
    async def work() -> InForce:
        async with wiring.remembering(place, settings) as memory:
            return await job.in_force(settings, memory.state)

    try:
        found = asyncio.run(work())
        keeper = _keeper(place)
    except (SetupError, KeyUnusable, StateUnusable) as error:
        stop(str(error), Exit.USAGE)
    zone, now = settings.organization.zone, SystemClock().now()
    approved = zones.date_at(zone, found.approval.at) if found.approval else None
    standing = sheets.Standing(zones.date_at(zone, now), approved)

    def of(one: Settings) -> sheets.Sheet:
        return sheets.sheet(one, language, permissions=needed(one), keeper=keeper, standing=standing)

    return sheets.with_edit(of(found.settings), of(found.edited)) if found.edited else of(found.settings)


def _keeper(place: Place) -> sheets.Keeper:
    return sheets.Keeper.AZURE if place.account else sheets.Keeper.FILE


def _tell(sheet: sheets.Sheet, html: Path | None) -> None:
    if html is None:
        for line in sheet.lines():
            typer.echo(line)
        return
    from holdfast.pages.privacy import privacy_page  # noqa: PLC0415 - templates are slow to load, and seldom needed

    try:
        html.write_text(privacy_page(sheet), encoding="utf-8")
    except OSError as error:
        stop(f"{html} cannot be written: {error.strerror}.", Exit.USAGE)
    err.print(f"The sheet is in {html}.", markup=False)


def _export(asked: str, place: Place, settings: Settings, language: Language, out: Path | None) -> None:
    async def work(wired: Wired) -> tuple[Somebody, dict[str, Any]]:
        who = await job.find(asked, settings, wired.ports)
        return who, await job.remembered_of(who, wired.ports.state)

    who, found = run(place, settings, work)
    meanings = sheets.meanings(settings, language, _keeper(place))
    told = {
        "mailbox": who.mailbox or None,
        "address": who.address or None,
        "at": SystemClock().now().isoformat(),
        "remembered": {name: {"meaning": _meaning(name, meanings), "data": one} for name, one in found.items()},
    }
    text = json.dumps(told, ensure_ascii=False, indent=2)
    if out is None:
        typer.echo(text)
    else:
        _write(out, text)
        err.print(f"What is remembered is in {out}.", markup=False)
    for line in _not_looked_up(who):
        err.print(line, markup=False)


def _meaning(name: str, meanings: Mapping[str, Mapping[str, str]]) -> object:
    return [meanings[one] for one in ("run", "shard", "queue")] if name == job.RUNS else meanings[name]


def _write(path: Path, text: str) -> None:
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        stop(f"{path} cannot be written: {error.strerror}.", Exit.USAGE)


def _erase(asked: str, place: Place, settings: Settings, *, yes: bool) -> None:
    async def look(wired: Wired) -> tuple[Somebody, dict[str, Any]]:
        who = await job.find(asked, settings, wired.ports)
        return who, await job.remembered_of(who, wired.ports.state)

    async def work(wired: Wired) -> None:
        await wired.ports.state.erase(who.mailbox, who.address)

    who, found = run(place, settings, look)
    for line in _what_goes(who, found, in_azure=_keeper(place) is sheets.Keeper.AZURE):
        err.print(line, markup=False)
    ask(f"Forget this about {asked}?", yes=yes)
    run(place, settings, work)
    typer.echo(f"Nothing is remembered of {asked} any more.")


def _what_goes(who: Somebody, found: Mapping[str, Any], *, in_azure: bool) -> Iterator[str]:
    if found:
        yield "This is forgotten:"
        yield from (f"  {_KINDS[name]}" for name in found)
    else:
        yield "Nothing is remembered that could be found; what the state file may still show of it is cleared."
    yield from _not_looked_up(who)
    yield _COMES_BACK
    if "subscription" in found:
        yield "Microsoft goes on telling of changes in the mailbox for seven days at most, which then come to nothing."
    if in_azure:
        yield "Work that waits in Azure's queues may name the person; it is done within minutes, or gone in seven days."


def _not_looked_up(who: Somebody) -> Iterator[str]:
    if not who.mailbox:
        yield "The person is on no record and in no audience: what is kept under the directory's id was not looked up."
        yield "Ask once more with the id (Object ID in Entra) instead of the address."
    elif not who.address:
        yield "The address is not known: messages to it were not looked up. Ask once more with the address."
