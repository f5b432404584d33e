"""What a sweep in shards costs from a thousand people to a hundred thousand: ``python -m benchmarks.fan_out``.

A process begins it and another works all shards off, four at once as a function's instance does, each a fresh one for
each size. ``begin`` holds everybody once, with their messages; whoever works shards off holds four shards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.crowd import Crowd
from benchmarks.curves import Curve, Panel, drawn
from benchmarks.meter import memory
from benchmarks.race import WorkNotDone
from benchmarks.report import machine, record
from holdfast.core.messages import Shard
from holdfast.jobs import shards, sweep

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
AT_ONCE = 4
"""Messages that an instance works on: batchSize + newBatchThreshold in host.json."""

_CELLS = "begin: CPU, s | ms each | memory, MiB (before)"
LOAD = Path(__file__).with_name("load.md")
PICTURE = Path(__file__).resolve().parent.parent / "docs/pictures/scale.svg"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: CPU seconds, and memory in bytes at its highest and before it began."""

    people: int
    cpu: float
    before: int
    peak: int
    messages: int
    calls: dict[str, int]

    @property
    def of_state(self) -> int:
        """How often the state was asked."""
        return sum(count for name, count in self.calls.items() if name.startswith("state."))


def main() -> None:
    """Measure all sizes, keep the table and draw the picture; or do one part of one size, for who measures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fan_out", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many people")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps(_measured(given.part, given.sizes[0])))
        return
    costs = [_costs(people) for people in given.sizes]
    text = _report(costs)
    print(text)
    if tuple(given.sizes) == SIZES:
        record(text, "scale", LOAD)
        PICTURE.write_text(_picture(costs), encoding="utf-8")


def _costs(people: int) -> tuple[Cost, Cost]:
    """What it took to begin, and to work off."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        found = []
        for part in PARTS:
            print(f"{people:,} people: {part}", file=sys.stderr, flush=True)
            command = [sys.executable, "-m", "benchmarks.fan_out", "--part", part, "--sizes", str(people)]
            told = subprocess.run(command, cwd=folder, env=_environment(), check=True, stdout=subprocess.PIPE)
            found.append(Cost(**json.loads(told.stdout)))
        return found[0], found[1]


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def _measured(part: str, people: int) -> dict[str, Any]:
    crowd = Crowd.of(people, Path.cwd())
    before, cpu = memory("VmRSS"), time.process_time()
    asyncio.run(PARTS[part](crowd))
    cpu = time.process_time() - cpu
    messages = sum(1 for _ in crowd.queue.path.open("rb"))
    return {
        "people": people,
        "cpu": cpu,
        "before": before,
        "peak": memory("VmHWM"),
        "messages": messages,
        "calls": dict(crowd.calls),
    }


async def _begin(crowd: Crowd) -> None:
    if await sweep.begin(crowd.settings, crowd.ports, run_id="run") is None:
        raise WorkNotDone("No sweep was begun.")


async def _work_off(crowd: Crowd) -> None:
    chance = random.Random(1)  # noqa: S311 - it spreads waits
    with crowd.queue.path.open(encoding="utf-8") as lines:

        async def one_after_the_other() -> None:
            for line in lines:
                await shards.work_off(Shard.parse(line), crowd.settings, crowd.ports, chance=chance)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    told = crowd.state.told
    if told is None or not told["states"]["held"] == told["audience"] == crowd.state.people:
        raise WorkNotDone(f"Not everybody is accounted for: {told}")


PARTS = {"begin": _begin, "work off": _work_off}


def _report(costs: list[tuple[Cost, Cost]]) -> str:
    lines = [
        machine(),
        "",
        f"| people | {_CELLS} | messages | {_CELLS.replace('begin', 'work off')} | state calls | each |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for begin, work in costs:
        cells = [f"{begin.people:,}"]
        for one in (begin, work):
            cells += [
                f"{one.cpu:.2f}",
                f"{one.cpu * 1e3 / one.people:.3f}",
                f"{one.peak / 2**20:.0f} ({one.before / 2**20:.0f})",
            ]
            cells += [f"{begin.messages:,}"] if one is begin else []
        lines.append(f"| {' | '.join(cells)} | {work.of_state:,} | {work.of_state / work.people:.2f} |")
    return "\n".join(lines)


def _picture(costs: list[tuple[Cost, Cost]]) -> str:
    def curve(name: str, part: int, of: str, unit: float) -> Curve:
        return Curve(name, [(pair[part].people, getattr(pair[part], of) / unit) for pair in costs])

    cpu = Panel("CPU seconds", [curve("begin", 0, "cpu", 1), curve("work off", 1, "cpu", 1)])
    held = Panel("Memory at its highest, MiB", [curve("begin", 0, "peak", 2**20), curve("work off", 1, "peak", 2**20)])
    return drawn("A sweep in shards, by how many people there are", [cpu, held])


if __name__ == "__main__":
    main()
