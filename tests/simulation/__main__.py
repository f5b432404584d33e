"""``python -m tests.simulation 0..200``: tell these stories, and print the short form of those that do not hold.

``python -m tests.simulation mutants`` looks for the stories that notice each planted bug.
"""

# ruff: noqa: T201 - printing is what a command does

from __future__ import annotations

import sys
import time

from tests.simulation.mutants import MUTANTS
from tests.simulation.story import failure, shortened, story, tell
from tests.simulation.world import Sum

_ENOUGH = 3
_A_MINUTE = 60.0


def main(arguments: list[str]) -> int:
    """The exit status: 1 where a story does not hold, or no story notices a planted bug."""
    wanted = arguments[0] if arguments else "0..20"
    if wanted == "mutants":
        return _hunt()
    first, _, last = wanted.partition("..")
    return _simulate(range(int(first), int(last or first) + 1))


def _simulate(seeds: range) -> int:
    total, steps, broken = Sum(), 0, 0
    began = time.process_time()
    for seed in seeds:
        told = tell(story(seed))
        steps += len(told.steps)
        total.add(told.sum)
        if told.broken:
            broken += 1
            print(failure(seed, shortened(story(seed))), end="\n\n", flush=True)
        elif len(seeds) == 1:
            print(*told.lines, f"trace {told.trace}", sep="\n")
    print(
        f"{len(seeds)} worlds, {broken} broken; {steps} steps, {total.runs} runs, {total.kills} kills, "
        f"{total.calls} Graph calls, {total.met.total()} faults met, {time.process_time() - began:.1f} s CPU"
    )
    for fault, times in total.met.most_common():
        print(f"{times:8} {fault}")
    return 1 if broken else 0


def _hunt() -> int:
    """Each bug is given a minute of CPU; stories that do not hold without it do not count."""
    unnoticed = 0
    holds: dict[int, bool] = {}
    for name, mutant in MUTANTS.items():
        found: list[int] = []
        spent, seed = 0.0, 0
        while spent < _A_MINUTE and len(found) < _ENOUGH:
            began = time.process_time()
            with mutant():
                noticed = tell(story(seed)).broken
            spent += time.process_time() - began
            if noticed and holds.setdefault(seed, not tell(story(seed)).broken):
                found.append(seed)
            seed += 1
        unnoticed += not found
        print(f"    {name!r}: {tuple(found)},  # {seed} stories, {spent:.0f} s CPU".replace("'", '"'), flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
