"""``python -m tests.simulation 0..200``: tell these stories, and print the short form of those that do not hold.

``0..1999 --workers 2`` tells them in so many processes at once; by default there is one for each processor.
``mutants`` looks for the stories that notice each planted bug, ``keep 17`` writes the short form of story 17, which
does not hold, into ``regressions``, where the ordinary tests tell it again.
"""

# ruff: noqa: T201 - printing is what a command does

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.kept import keep
from tests.simulation.mutants import MUTANTS
from tests.simulation.story import failure, shortened, story, tell
from tests.simulation.world import Sum

_ENOUGH = 2
_A_MINUTE = 60.0
_AN_HOUR = 3600


@dataclass(slots=True)
class Chapter:
    """What telling one story came to."""

    seed: int
    sum: Sum = field(default_factory=Sum)
    steps: int = 0
    seconds: float = 0.0
    broken: str = ""
    lines: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """The exit status: 1 where a story does not hold, or no story notices a planted bug."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("what", nargs="?", default="0..20", help="0..200, 17, mutants or keep")
    parser.add_argument("which", nargs="*", help="the seed to keep, or the mutants to look for")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(arguments)
    if asked.what == "mutants":
        return _hunt(asked.which or list(MUTANTS), asked.workers)
    if asked.what == "keep":
        return _keep(int(asked.which[0]))
    first, _, last = asked.what.partition("..")
    return _simulate(range(int(first), int(last or first) + 1), asked.workers)


def _simulate(seeds: range, workers: int) -> int:
    """Ctrl-C ends it with what has been told so far."""
    total, steps, told, broken, seconds = Sum(), 0, 0, 0, 0.0
    with multiprocessing.Pool(min(workers, len(seeds)), _deaf) as pool:
        chapters = pool.imap_unordered(_told, seeds)
        while told < len(seeds):
            try:
                one = next(chapters)
            except KeyboardInterrupt:
                break
            told += 1
            total.add(one.sum)
            steps += one.steps
            seconds += one.seconds
            if one.broken:
                broken += 1
                print(one.broken, end="\n\n", flush=True)
            elif len(seeds) == 1:
                print(*one.lines, sep="\n")
            if told % 100 == 0:
                print(f"{told} worlds, {broken} broken, {seconds:.0f} s CPU", file=sys.stderr, flush=True)
    print(
        f"{told} worlds, {broken} broken; {steps} steps, {total.runs} runs, {total.kills} kills, "
        f"{total.touches} verdicts, {total.calls} Graph calls, {total.met.total()} faults met, {seconds:.0f} s CPU"
    )
    hours = max(seconds, 1.0) / _AN_HOUR
    print(
        f"In an hour of one core: {told / hours:,.0f} worlds, {total.calls / hours:,.0f} Graph calls, "
        f"{total.met.total() / hours:,.0f} faults, {total.kills / hours:,.0f} kills"
    )
    print(*_by_call(total.met), sep="\n")
    return 1 if broken or told < len(seeds) else 0


def _deaf() -> None:
    """Ctrl-C is for who counts, not for who tells. Garbage of a story is small, and what is imported stays."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


def _told(seed: int) -> Chapter:
    """One story told. What went wrong before it is made shorter is part of its time, as is making it shorter."""
    began = time.process_time()
    told = tell(story(seed))
    lines = [*told.lines, f"trace {told.trace}"]
    broken = failure(seed, shortened(story(seed))) if told.broken else ""
    return Chapter(seed, told.sum, len(told.steps), time.process_time() - began, broken, lines)


def _by_call(met: Counter[tuple[str, str]]) -> list[str]:
    """Every fault that was met, by every kind of call: a table with a row for each kind of call."""
    faults = sorted({fault for fault, _ in met})
    calls = sorted({call for _, call in met})
    width = max([len(call) for call in calls], default=0)
    columns = [f"{number:>5}" for number in range(1, len(faults) + 1)]
    rows = [call.ljust(width) + "".join(f"{met[fault, call] or '.':>5}" for fault in faults) for call in calls]
    names = [
        f"{number:>4} {fault}, {sum(met[fault, call] for call in calls)} times"
        for number, fault in enumerate(faults, 1)
    ]
    return ["", f"{'':{width}}{''.join(columns)}", *rows, "", *names] if met else []


def _keep(seed: int) -> int:
    worst = shortened(story(seed))
    if not worst.broken:
        print(f"Story {seed} holds: there is nothing to keep.")
        return 1
    print(failure(seed, worst))
    print(f"Kept in {keep(seed, worst)}")
    return 0


def _hunt(names: list[str], workers: int) -> int:
    """Each bug is given a minute of CPU; stories that do not hold without it do not count."""
    unnoticed = 0
    with multiprocessing.Pool(min(workers, len(names)), maxtasksperchild=1) as pool:
        for name, found, told, spent in pool.imap(_noticed, names, chunksize=1):
            unnoticed += not found
            print(f'    "{name}": {found},  # {told} stories, {spent:.0f} s CPU', flush=True)
    return 1 if unnoticed else 0


def _noticed(name: str) -> tuple[str, tuple[int, ...], int, float]:
    """The first stories that notice a bug, after how many stories, and what that took."""
    found: list[int] = []
    spent, seed = 0.0, 0
    while spent < _A_MINUTE and len(found) < _ENOUGH:
        began = time.process_time()
        with MUTANTS[name]():
            noticed = tell(story(seed)).broken
        spent += time.process_time() - began
        if noticed and not tell(story(seed)).broken:
            found.append(seed)
        seed += 1
    return name, tuple(found), seed, spent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
