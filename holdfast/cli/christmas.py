"""The demo's second part: a firm in two countries over Christmas, as its plan would be on the first of December."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from holdfast.cli import render
from holdfast.cli.console import out, progress, run
from holdfast.core import recurrence, zones
from holdfast.core.model import Clock, DesiredSeries, Landing
from holdfast.core.plan import Create, hours_text
from holdfast.core.settings import Block, Language, Settings
from holdfast.jobs.survey import Survey, survey
from holdfast.wiring import Place, Wired

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
"""A year in which Christmas Eve and New Year's Eve are on the day of the block."""

ABROAD = 0.3
"""The share of the firm that works in Helsinki."""

_SHOWN = date(2026, 12, 1), date(2027, 1, 14)

_SETTINGS = """\
version: 1
organization:
  name: Fjällvik AB
  language: {language}
  time_zone: Europe/Stockholm
  holidays: {{country: SE, closed: ["2026-12-28..2027-01-03"]}}
audiences:
  {sweden}:
    group: {Sweden}
  finland:
    group: Finland
    holidays: {{country: FI}}
blocks:
  - id: lartimmen
    title: {{sv: Lärtimmen, en: Learning hour}}
    audiences: [{sweden}, finland]
    every: week
    day: thursday
    at: "09:00"
    minutes: 60
    time_zone: mailbox
    holiday: move
    from: 2026-12-01
  - id: larforum
    title: {{sv: Lärforum, en: Learning forum}}
    audiences: [{sweden}, finland]
    every: month
    day: first wednesday
    at: "13:00"
    minutes: 90
    from: 2026-12-01
"""


def settings_text(language: Language) -> str:
    """What the admin of that firm has written."""
    country = {Language.SV: "Sverige", Language.EN: "Sweden"}[language]
    return _SETTINGS.format(language=language.value, Sweden=country, sweden=country.lower())


def show(path: Path, variables: Mapping[str, str]) -> None:
    """Print the plan for the settings at ``path``, and what it makes of the dates around Christmas."""
    place = Place.of(path, variables)
    settings = place.settings()

    async def work(wired: Wired) -> Survey:
        ports = replace(wired.ports, clock=_FirstOfDecember(wired.ports.clock))
        with progress() as shown:
            return await survey(settings, ports, pinned={}, progress=shown)

    seen = run(place, settings, work)
    out.print(render.plan_text(seen.plan, settings), markup=False)
    for line in render.elsewhere_lines(seen.elsewhere(settings), settings, seen.at):
        out.print(line, markup=False)
    out.print("\n[bold cyan]So, over Christmas:[/bold cyan]")
    for block in settings.blocks:
        out.print()
        out.print(_dates(block, seen, settings))


@dataclass(frozen=True, slots=True)
class _FirstOfDecember:
    """A clock on which it is still, or already, the first of December. Waits are as long as ever."""

    real: Clock

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.real.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.real.sleep(seconds)


def _dates(block: Block, seen: Survey, settings: Settings) -> Table:
    """What comes of each date of a block in each audience, whose people are all alike here, by their own clocks."""
    table = Table(title=f"{block.title_in(settings.organization.language)} · {render.block_text(block)}")
    table.title_justify, table.box = "left", SIMPLE_HEAD
    table.add_column("")
    columns = []
    for name in block.audiences:
        found = [
            (look.errand.zone, change)
            for look in seen.looks
            if name in look.errand.audiences
            for change in look.changes
            if isinstance(change, Create) and change.block == block.id
        ]
        for zone, create in found[:1]:
            heading = f"{settings.audiences[name].group}: {len(found)} calendar{'s' if len(found) > 1 else ''}"
            table.add_column(f"{heading}\n{_hours(create.series, zone, settings)}")
            columns.append({landing.day: landing for landing in create.landings})
    [rule] = block.rules()
    for day in recurrence.dates(rule, *_SHOWN):
        table.add_row(_day(day), *(_fate(landings.get(day)) for landings in columns))
    return table


def _hours(series: DesiredSeries, zone: str | None, settings: Settings) -> str:
    """The time of a series as calendars in a zone show it."""
    there = zone or series.slot.zone
    starts = recurrence.starts(series.slot, series.first).astimezone(zones.rules(there))
    return f"{hours_text(starts.time(), series.slot.minutes)} {settings.known_as(there)}"


def _fate(landing: Landing | None) -> str:
    if landing is None:
        return "stands"
    return f"{'no block' if landing.to is None else f'on {_day(landing.to)}'} ({landing.name})"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
