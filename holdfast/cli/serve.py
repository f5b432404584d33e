"""``serve``: everything on one machine."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import structlog
import typer

from holdfast.cli.console import Exit, SettingsFile, load, out, set_up_logging, stop
from holdfast.core.settings import Mode, Settings, Via
from holdfast.serve.failing import AlreadyServing, PortTaken, QueuesElsewhere
from holdfast.store.errors import StateUnusable
from holdfast.store.key import KeyUnusable
from holdfast.wiring import SetupError


def serve(
    settings_file: SettingsFile = None,
    *,
    webhook_port: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=65535,
            help="Where Graph's notifications come in, from a reverse proxy on this machine, which has the "
            "certificate; only with tenant.notification_url. 0 takes a free port.",
        ),
    ] = 8480,
    page_port: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=65535, help="Where the status page is, for this machine alone. 0 takes a free port."
        ),
    ] = 8481,
) -> None:
    """Run everything on this machine until Ctrl-C: sweeps, repairs, summaries, the webhook and a status page.

    For a firm of some thousands; docs/one-machine.md tells how to set it up for good. It writes no more than `mode` and
    the approved settings allow. Log lines go to the error output.

    Example: `holdfast serve`
    """
    # A web server is slow to load, and no other command needs it.
    from holdfast.serve.serving import Open, serve  # noqa: PLC0415

    place, settings = load(settings_file)
    if not structlog.get_logger().is_enabled_for(logging.INFO):  # --verbose tells more
        set_up_logging(logging.INFO)  # it goes on by itself, and the log is all that tells of it
    page_at = 0

    def begun(opened: Open) -> None:
        nonlocal page_at
        page_at = opened.page
        _tell(settings, opened.webhook)

    def show_link(token: str) -> None:
        typer.echo(f"The status page, by a link that is good once: http://localhost:{page_at}/?token={token}")

    try:
        given_back = asyncio.run(
            serve(place, settings, webhook_port=webhook_port, page_port=page_port, begun=begun, link=show_link)
        )
    except (SetupError, KeyUnusable, StateUnusable, PortTaken) as error:
        stop(str(error), Exit.USAGE)
    except QueuesElsewhere:
        stop(
            "HOLDFAST_STATE names tables in Azure, where the functions of the app do all this. `serve` keeps "
            "everything in a file: unset HOLDFAST_STATE, or name a file.",
            Exit.USAGE,
        )
    except AlreadyServing as error:
        stop(str(error), Exit.INCOMPLETE)
    if given_back:
        left = "1 message was" if given_back == 1 else f"{given_back} messages were"
        out.print(f"Stopped. {left} not finished in time and given back: the next `holdfast serve` goes on there.")
    else:
        out.print("Stopped. What was worked on is finished; what waits is kept.")


def _tell(settings: Settings, webhook_port: int | None) -> None:
    """What it does and what it does not."""
    every = settings.sweep.every.value
    out.print(f"Serving {settings.organization.name}. Ctrl-C stops it.", markup=False)
    if settings.mode is Mode.WATCH:
        out.print("mode is watch: it looks and reports, and neither writes nor posts.")
    out.print(f"Everybody is looked at every {every.removeprefix('1 ')}.")
    if webhook_port is None:
        out.print(
            "There is no tenant.notification_url, so Graph tells nothing: what people change is found by sweeps alone."
        )
    else:
        out.print(
            f"Graph's notifications for {settings.tenant.notification_url} are awaited from a reverse proxy at "
            f"http://127.0.0.1:{webhook_port}.",
            markup=False,
        )
    if not settings.channels:
        out.print("There are no channels, so nothing is posted.")
    elif any(channel.via is Via.GRAPH for channel in settings.channels):
        out.print("Summaries are posted when they are due, once `holdfast login` has signed the account in.")
    else:
        out.print("Summaries are posted when they are due.")
