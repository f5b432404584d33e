"""What every command shares: its options, its exit statuses, its way of showing progress and saying what went wrong."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from holdfast import wiring
from holdfast.cli import render
from holdfast.core.errors import GraphError
from holdfast.core.plan import UnsafePlan
from holdfast.core.report import Report
from holdfast.core.settings import Settings, SettingsError
from holdfast.jobs import ports
from holdfast.jobs.audience import AudienceError
from holdfast.jobs.survey import NoSuchMailbox
from holdfast.store.key import KeyUnusable
from holdfast.store.sqlite import StateUnusable
from holdfast.wiring import Place, SetupError, Wired

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", metavar="FILE", help="The settings file. Default: HOLDFAST_SETTINGS, else settings.yaml."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script to read.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Only = Annotated[str | None, typer.Option(metavar="MAILBOX", help="One person only, by mail address.")]

Result = TypeVar("Result")


class Exit(IntEnum):
    """Exit statuses, the same for every command."""

    FINE = 0
    INCOMPLETE = 1
    USAGE = 2
    CHANGES = 3


def stop(message: str, status: Exit) -> NoReturn:
    """End the command with a message on the error output."""
    err.print(message, markup=False)
    raise typer.Exit(status)


def load(given: Path | None) -> tuple[Place, Settings]:
    """The settings and where they are, or the command ends with everything that is wrong with them."""
    place = Place.of(given, wiring.environment())
    try:
        return place, place.settings()
    except (SettingsError, SetupError) as error:
        stop(str(error), Exit.USAGE)


def run(place: Place, settings: Settings, work: Callable[[Wired], Awaitable[Result]]) -> Result:
    """Do the work with everything wired up; what goes wrong ends the command with its cure."""

    async def wired_up() -> Result:
        async with wiring.wired(place, settings) as wired:
            return await work(wired)

    try:
        return asyncio.run(wired_up())
    except (SetupError, KeyUnusable, StateUnusable, AudienceError, NoSuchMailbox) as error:
        stop(str(error), Exit.USAGE)
    except UnsafePlan as error:
        stop(str(error), Exit.INCOMPLETE)
    except GraphError as error:
        request = f" (request id {error.request_id})" if error.request_id else ""
        stop(f"{error.message}{request}\n{error.cure}", Exit.INCOMPLETE)
    except KeyboardInterrupt:
        stop("Stopped. Run the command again: it goes on where it was, and does nothing twice.", Exit.INCOMPLETE)


def set_up_logging(level: int) -> None:
    """Log lines go to the error output, so that they never mix with what a command prints."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def ask(question: str, *, yes: bool) -> None:
    """Go on only with a yes; without a terminal to ask on, only with ``--yes``."""
    if yes:
        return
    if not err.is_terminal:
        stop(f"{question}\nThere is no terminal to ask on: add --yes if you mean it.", Exit.USAGE)
    if not typer.confirm(question, err=True):
        stop("Nothing was written.", Exit.INCOMPLETE)


@contextmanager
def progress() -> Iterator[ports.Progress]:
    """A bar on a terminal, a line at each quarter otherwise."""
    if not err.is_terminal:
        yield _line_progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bars:
        tasks: dict[str, TaskID] = {}

        def show(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = bars.add_task(doing, total=total)
            bars.update(tasks[doing], completed=done, total=total)

        yield show


def _line_progress(doing: str, done: int, total: int) -> None:
    if done and (done == total or done * 4 // total > (done - 1) * 4 // total):
        err.print(f"{doing}: {done} of {total}", markup=False)


def print_json(data: dict[str, Any]) -> None:
    """JSON for a script, on the standard output."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def show_report(report: Report, *, as_json: bool) -> None:
    """Who is in which state, what failed and what to do about it; the command's exit status follows from it."""
    if as_json:
        print_json(report.data())
    else:
        table = Table(box=None, pad_edge=False)
        table.add_column("state")
        table.add_column("people", justify="right")
        table.add_column("")
        for state, count, why in render.state_rows(report):
            table.add_row(state, count, why, style="bold" if state == "audience" else None)
        out.print(table)
        for line in (*render.protected_lines(report.protected), *render.problem_lines(report.problems)):
            out.print(line, markup=False)
        if report.note:
            out.print(f"\n{report.note}", markup=False)
