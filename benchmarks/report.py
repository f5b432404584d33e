"""Of the costs of all runs: the table, the aims, and the place in ``README.md`` where both are kept."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.race import Cost, Step

PARTS = ("first apply", "idle sweep")

README = Path(__file__).with_name("README.md")

Results = dict[Step, list[Cost]]
"""The costs of each step, one for each run."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Something to be reached: at most ``limit``, or at least where ``least``."""

    text: str
    limit: float
    reached: float
    least: bool = False

    @property
    def met(self) -> bool:
        """To the two decimals that are shown."""
        reached = round(self.reached, 2)
        return reached >= self.limit if self.least else reached <= self.limit


def report(results: Results, profiles: Mapping[str, str]) -> str:
    """All of it as Markdown."""
    lines = [where(max(map(len, results.values()))), ""]
    for part in PARTS:
        lines += [*_table(part, results), ""]
    lines += aim_lines(aims(results))
    for part, profile in profiles.items():
        lines += ["", f"Where the time of the {part} goes, by own time under cProfile:", "", "```", profile, "```"]
    return "\n".join(lines)


def aims(results: Results) -> list[Aim]:
    """The aims that this run can tell of. Ratios are taken run by run, and then their median."""
    apply, sweep = PARTS
    found = []
    for text, limit, over, under in (
        ("CPU of the idle sweep, as multiple of the floor's read", 1.6, (sweep, "holdfast"), (sweep, "floor: read")),
        (
            "CPU of the first apply, as multiple of the floor's read and create",
            2.0,
            (apply, "holdfast"),
            (apply, "floor: read, create"),
        ),
    ):
        ratio = _ratio(results, over, under)
        found += [Aim(text, limit, ratio)] if ratio else []
    for part in PARTS:
        ratio = _ratio(results, (part, "msgraph-sdk loop"), (part, "holdfast"))
        text = f"CPU of the msgraph-sdk loop, as multiple of Holdfast's {part}"
        found += [Aim(text, 40, ratio, least=True)] if ratio else []
    for part, limit in ((apply, 0.15), (sweep, 0.05)):
        costs = _costs(results, part, "holdfast")
        text = f"HTTP requests per mailbox, {part}, directory cached"
        found += [Aim(text, limit, median(cost.each(cost.requests) for cost in costs))] if costs else []
    return found


def record(text: str, name: str, file: Path = README) -> None:
    """Put the report in the place of the one of this name before."""
    begins, ends = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = file.read_text(encoding="utf-8").partition(begins)
    _, _, after = rest.partition(ends)
    file.write_text(f"{before}{begins}\n\n{text}\n\n{ends}{after}", encoding="utf-8")


def aim_lines(aims: Iterable[Aim]) -> Iterator[str]:
    """The aims as a table, and which of them are met."""
    yield "| aim | limit | measured | |"
    yield "| --- | ---: | ---: | --- |"
    for aim in aims:
        limit = f"{'≥' if aim.least else '≤'} {aim.limit:g}"
        yield f"| {aim.text} | {limit} | {aim.reached:.2f} | {'met' if aim.met else '**missed**'} |"


def where(runs: int) -> str:
    """When, where and how often it was measured."""
    return f"{_where()}. Median of {runs}; in brackets the least and the most."


def machine() -> str:
    """When and where it was measured once, and how much else the machine had to do by then."""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f"{_where()}. Others were at work on the machine: its load was {busy:.1f}."


def _where() -> str:
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {machine}"


def _table(part: str, results: Results) -> Iterator[str]:
    yield (
        f"| {part}, per mailbox | mailboxes | HTTP requests | Graph calls | CPU, ms | wall, ms | peak RSS, MiB in all "
        "| RSS grown, KiB |"
    )
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for step, costs in results.items():
        if step.part == part:
            cells = (
                step.name,
                f"{costs[0].mailboxes:,}",
                shown(costs, lambda one: one.each(one.requests), 3),
                shown(costs, lambda one: one.each(one.calls), 3),
                spread(costs, lambda one: one.each(one.cpu * 1e3)),
                shown(costs, lambda one: one.each(one.wall * 1e3), 2),
                shown(costs, lambda one: one.peak / 2**20, 0),
                "" if costs[0].grown is None else shown(costs, lambda one: one.each((one.grown or 0) / 1024), 1),
            )
            yield f"| {' | '.join(cells)} |"


def shown(costs: list[Cost], of: Callable[[Cost], float], decimals: int) -> str:
    """The median."""
    return f"{median(map(of, costs)):.{decimals}f}"


def spread(costs: list[Cost], of: Callable[[Cost], float]) -> str:
    """The median, and in brackets the least and the most."""
    values = list(map(of, costs))
    return f"{median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def _costs(results: Results, part: str, name: str) -> list[Cost]:
    return next((costs for step, costs in results.items() if (step.part, step.name) == (part, name)), [])


def _ratio(results: Results, over: tuple[str, str], under: tuple[str, str]) -> float | None:
    pairs = list(zip(_costs(results, *over), _costs(results, *under), strict=False))
    return median(above.each(above.cpu) / below.each(below.cpu) for above, below in pairs) if pairs else None
