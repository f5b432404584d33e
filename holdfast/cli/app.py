"""The commands and their options. Each parses, calls a job and shows what came of it."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from holdfast.cli import calendars, demo, init, login, looking
from holdfast.cli.console import set_up_logging
from holdfast.cli.privacy import privacy
from holdfast.cli.serve import serve
from holdfast.cli.summary import summary

app = typer.Typer(
    name="holdfast",
    help="Learning time that holds: recurring learning blocks in the Outlook calendars of a whole organisation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    add_completion=False,
)


@app.callback()
def common(
    *,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Log every call to Microsoft Graph on the error output.")
    ] = False,
) -> None:
    """Set up what all commands share."""
    set_up_logging(logging.DEBUG if verbose else logging.WARNING)


app.command("init")(init.init)
app.command("check")(looking.check)
app.command("plan")(calendars.plan)
app.command("apply")(calendars.apply)
app.command("sweep")(calendars.sweep)
app.command("repair")(calendars.repair)
app.command("summary")(summary)
app.command("login")(login.login)
app.command("status")(looking.status)
app.command("privacy")(privacy)
app.command("schema")(init.schema)
app.command("serve")(serve)
app.command("sandbox", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(demo.sandbox)
app.command("demo")(demo.demo)
app.command("remove")(calendars.remove)


def main() -> None:
    """Run the command line."""
    app()
