"""``python -m benchmarks [PEOPLE]``: run the race, print what came of it, and keep it in ``README.md``.

``--scale`` runs the product alone instead, in a small firm and a big one.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import scale
from benchmarks.race import DATES, LIST, Contestant, Step, tenant
from benchmarks.report import PARTS, Results, record, report

APPLY, SWEEP = PARTS

HOLDFAST = Contestant(
    "holdfast",
    (
        Step(APPLY, "holdfast", ("benchmarks.product", "apply"), calls=(LIST, LIST), writes=1),
        Step(SWEEP, "holdfast", ("benchmarks.product", "sweep"), calls=(DATES,)),
    ),
    planned=True,
)
CONTESTANTS = (
    HOLDFAST,
    Contestant(
        "floor", (Step(APPLY, "floor: read, create", ("benchmarks.floor", "read", "create"), calls=(LIST,), writes=1),)
    ),
    Contestant(
        "floor",
        (
            Step(
                APPLY,
                "floor: read, create, read back",
                ("benchmarks.floor", "read", "create", "read"),
                calls=(LIST, LIST),
                writes=1,
            ),
            Step(SWEEP, "floor: read", ("benchmarks.floor", "instances"), calls=(DATES,)),
        ),
    ),
    Contestant(
        "msgraph-sdk",
        (
            Step(APPLY, "msgraph-sdk loop", ("benchmarks.sdk",), calls=(LIST,), writes=1),
            Step(SWEEP, "msgraph-sdk loop", ("benchmarks.sdk", "instances"), calls=(DATES,)),
        ),
        slow=True,
    ),
    Contestant(
        "O365",
        (
            Step(APPLY, "O365 loop", ("benchmarks.o365",), calls=(LIST,), writes=1),
            Step(SWEEP, "O365 loop", ("benchmarks.o365", "instances"), calls=(DATES,)),
        ),
        slow=True,
    ),
    Contestant(
        "command",
        (
            Step(
                APPLY,
                "`holdfast apply`, interpreter, sign-in and all",
                ("holdfast", "apply", "--yes"),
                calls=(LIST, LIST),
                writes=1,
                whole=True,
            ),
            Step(
                SWEEP,
                "`holdfast sweep`, interpreter, sign-in and all",
                ("holdfast", "sweep"),
                calls=(DATES,),
                whole=True,
            ),
        ),
        planned=True,
    ),
)


def main() -> None:
    """Race."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("people", nargs="?", type=int, default=1000, help="mailboxes (default 1000)")
    parser.add_argument("--few", type=int, default=100, help="mailboxes for those who take long (default 100)")
    parser.add_argument("--runs", type=int, help="how often each runs; the median counts (default 3, both firms 5)")
    parser.add_argument("--scale", action="store_true", help="the product alone, in a small firm and a big one")
    given = parser.parse_args()
    if given.scale:
        text, name = scale.report(scale.race(given.runs or 5)), "last run of both firms"
    else:
        text, name = _race(given.people, given.few, given.runs or 3), "last run"
    record(text, name)
    print(text)


def _race(people: int, few: int, runs: int) -> str:
    results: Results = {}
    for run in range(runs):
        for contestant in CONTESTANTS:
            print(f"run {run + 1} of {runs}: {contestant.name}", file=sys.stderr, flush=True)
            with tenant(min(people, few) if contestant.slow else people) as one:
                if contestant.planned:
                    one.plan()
                for step in contestant.steps:
                    results.setdefault(step, []).append(one.run(step))
    with tenant(people) as one:
        one.plan()
        profiles = {step.part: one.run(step, "--profile").profile for step in HOLDFAST.steps}
    return report(results, profiles)


if __name__ == "__main__":
    main()
