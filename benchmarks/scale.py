"""Whether a mailbox costs the same in a firm of ten thousand as in one of five hundred, and memory stays what it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.race import DATES, LIST, Cost, Step, tenant
from benchmarks.report import Aim, aim_lines, shown, spread, where

SMALL, BIG = 500, 10_000
STEPS = (
    Step("first apply", "holdfast", ("benchmarks.product", "apply", "--listing"), calls=(LIST, LIST), writes=1),
    Step("idle sweep", "holdfast", ("benchmarks.product", "sweep", "--listing"), calls=(DATES,)),
)

Costs = dict[tuple[Step, int], list[Cost]]
"""What each step cost in a firm of each size, one for each run."""


def race(runs: int) -> Costs:
    """Let both firms be applied to and swept, by turns, each time on fresh calendars."""
    costs: Costs = {}
    for run in range(runs):
        for people in (SMALL, BIG):
            print(f"run {run + 1} of {runs}: {people:,} people", file=sys.stderr, flush=True)
            with tenant(people) as one:
                one.plan()
                for step in STEPS:
                    costs.setdefault((step, people), []).append(one.run(step))
    return costs


def report(costs: Costs) -> str:
    """All of it as Markdown."""
    runs = max(map(len, costs.values()))
    return "\n".join([where(runs), "", *_table(costs), "", *aim_lines(aims(costs))])


def aims(costs: Costs) -> list[Aim]:
    """The aims: medians of the big firm as multiples of those of the small one."""
    found = []
    for step in STEPS:
        big, small = costs[step, BIG], costs[step, SMALL]
        cpu = median(one.each(one.cpu) for one in big) / median(one.each(one.cpu) for one in small)
        found.append(Aim(f"CPU per mailbox of the {step.part} at {BIG:,}, as multiple of that at {SMALL}", 1.15, cpu))
        peak = median(one.peak for one in big) / median(one.peak for one in small)
        found.append(Aim(f"peak RSS of the {step.part} at {BIG:,}, as multiple of that at {SMALL}", 1.2, peak))
    return found


def _table(costs: Costs) -> Iterator[str]:
    yield "| holdfast | mailboxes | CPU per mailbox, ms | wall per mailbox, ms | peak RSS, MiB in all |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for (step, people), of in costs.items():
        cpu = spread(of, lambda one: one.each(one.cpu * 1e3))
        wall, peak = shown(of, lambda one: one.each(one.wall * 1e3), 2), shown(of, lambda one: one.peak / 2**20, 1)
        yield f"| {step.part} | {people:,} | {cpu} | {wall} | {peak} |"
