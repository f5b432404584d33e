"""``summary``: what a channel is told of its people's learning, what its meetings get, and what leaders say to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from holdfast import wiring
from holdfast.cli.console import AsJson, Exit, SettingsFile, load, out, print_json, progress, run, stop
from holdfast.core import posts
from holdfast.core.calm import Rank
from holdfast.core.settings import Mode, Settings, fingerprint
from holdfast.core.summary import Said
from holdfast.jobs import summaries as job
from holdfast.jobs.ports import PostState, State
from holdfast.jobs.posting import Told
from holdfast.wiring import Wired

_SAID = {
    PostState.POSTED: "posted",
    PostState.UNCONFIRMED: "sent; whether it was posted is not known",
    PostState.QUIET: "nothing to tell this time, so nothing was posted",
    PostState.POSTING: "not posted yet",
    PostState.REFUSED: "refused, and not posted yet",
    PostState.LEFT_OUT: "left out",
    PostState.WAITING: "not posted yet",
}


def summary(
    settings_file: SettingsFile = None,
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Post for the period that goes on, at once and in any mode.")
    ] = False,
    pack: Annotated[
        bool, typer.Option("--pack", help="With --now: the agenda pack for the department meeting, not the summary.")
    ] = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Show what the next posts would say today, of every kind. Posts nothing."),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Post once more what a workflow was given and nobody knows the fate of.")
    ] = False,
    channel: Annotated[
        str | None, typer.Option(metavar="ID", help="One channel only, by its id in the settings.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Post what is due, by the approved settings and in mode `keep`: summaries, agenda packs, messages of leaders.

    A channel gets one post for a period, however often this runs, and two posts in any seven days at most.

    Example: `holdfast summary --preview`
    """
    place, settings = load(settings_file)
    _stop_without(settings, channel)
    if pack:
        _stop_without_pack(settings, channel, now=now)
    if preview:
        if now or again:
            stop("--preview posts nothing: leave --now and --again out.", Exit.USAGE)

        async def look(wired: Wired) -> list[Said]:
            with progress() as show:
                return await job.preview(settings, wired.ports, only=channel, progress=show)

        _previewed(run(place, settings, look), as_json=as_json)
        return

    async def work(wired: Wired) -> tuple[list[Told], str]:
        with progress() as show:
            told = await job.summaries(
                settings,
                wired.ports,
                holder=wiring.holder(),
                at_once=now,
                again=again,
                asked=Rank.PACK if pack else Rank.SUMMARY,
                only=channel,
                progress=show,
            )
        return told, "" if told else await _why_nothing(settings, wired.ports.state, now=now, again=again)

    told, why_nothing = run(place, settings, work)
    if as_json:
        print_json({"posts": [_data(one) for one in told]})
    else:
        for line in _lines(told, why_nothing):
            out.print(line, markup=False)
    if job.incomplete(told):
        raise typer.Exit(Exit.INCOMPLETE)


def _stop_without(settings: Settings, channel: str | None) -> None:
    known = [one.id for one in settings.channels]
    if not known:
        stop("The settings name no channels: write one under channels, see docs/settings.md.", Exit.USAGE)
    if channel is not None and channel not in known:
        stop(f'No channel has the id "{channel}". There are: {", ".join(known)}', Exit.USAGE)


def _stop_without_pack(settings: Settings, channel: str | None, *, now: bool) -> None:
    if not now:
        stop("--pack goes with --now; without it packs are posted when they are due.", Exit.USAGE)
    if not any(one.agenda_pack for one in settings.channels if channel in {None, one.id}):
        stop("No channel that is asked for has an agenda_pack in the settings.", Exit.USAGE)


def _previewed(found: Sequence[Said], *, as_json: bool) -> None:
    if as_json:
        rows = [{"channel": one.channel, "period": one.period, "card": posts.card(one)} for one in found]
        print_json({"posts": rows})
        return
    for one in found:
        out.print(f"{one.channel}, {one.period}:\n", markup=False)
        out.print(posts.text(one), markup=False)
        out.print()


async def _why_nothing(settings: Settings, state: State, *, now: bool, again: bool) -> str:
    approval = await state.approval()
    if approval is None:
        return "Nothing is approved yet, so nothing is posted: run `holdfast apply`."
    if approval.fingerprint != fingerprint(settings):
        return "Nothing is due by the approved settings. Those in the file wait for `holdfast apply`."
    if again:
        return "No post is unconfirmed, or somebody is just making it."
    if now:
        return "The post of this period is made, or somebody is just making it."
    if settings.mode is Mode.WATCH:
        return "In mode watch nothing is posted by itself: `holdfast summary --now` posts because you ask."
    return "Nothing is due."


def _lines(told: Sequence[Told], why_nothing: str) -> Iterator[str]:
    if not told:
        yield why_nothing
    for one in told:
        if one.problem:
            yield f"{one.channel}, {one.period}: {one.problem.message}"
            yield f"    {one.problem.cure}"
        elif one.state:
            where = f": {one.url}" if one.url else ""
            yield f"{one.channel}, {one.period}: {_SAID[one.state]}{where}"
        if one.state is PostState.UNCONFIRMED:
            yield f"    Look into the channel; if it is not there, `holdfast summary --again --channel {one.channel}`."
        if one.note:
            yield f"    {one.note}"


def _data(one: Told) -> dict[str, object]:
    problem = {"message": one.problem.message, "cure": one.problem.cure} if one.problem else None
    return {
        "channel": one.channel,
        "period": one.period,
        "state": one.state.value if one.state else "failed",
        "url": one.url,
        "note": one.note,
        "problem": problem,
    }
