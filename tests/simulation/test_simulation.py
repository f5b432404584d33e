"""A handful of stories, each of which has to hold and to be the same whenever it is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.clock import Deadlock, VirtualLoop
from tests.simulation.mutants import MUTANTS
from tests.simulation.story import failure, shortened, story, tell
from tests.simulation.test_mutants import CAUGHT_BY
from tests.simulation.world import Broken

SEEDS = (0, 3, 5, 8, 13, 20)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", sorted({*SEEDS, *(seeds[0] for seeds in CAUGHT_BY.values())}))
def test_what_must_hold_holds(seed: int) -> None:
    told = tell(story(seed))
    if told.broken:
        raise Broken("\n" + failure(seed, shortened(story(seed))))


def test_a_story_is_the_same_each_time_and_in_every_process() -> None:
    traces = {tell(story(3)).trace, tell(story(3)).trace}
    code = "from tests.simulation.story import story, tell; print(tell(story(3)).trace)"
    for hashing in ("1", "2"):
        ran = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-W", "ignore", "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashing},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        traces.add(ran.stdout.strip())
    assert len(traces) == 1


def test_a_story_that_does_not_hold_is_told_in_a_few_sentences() -> None:
    seed = CAUGHT_BY["a series in UTC"][0]
    with MUTANTS["a series in UTC"]():
        worst = shortened(story(seed))
        printed = failure(seed, worst)
    assert worst.broken
    assert len(worst.lines) < len(tell(story(seed)).lines) / 2
    assert printed.splitlines()[0] == f"Seed {seed} does not hold:"
    assert printed.endswith(f"Replay: make simulate SEEDS={seed}..{seed}")


def test_whoever_waits_for_nothing_is_found_out() -> None:
    loop = VirtualLoop(story(0).opening.began)
    with pytest.raises(Deadlock):
        loop.run_until_complete(loop.create_future())
    loop.close()
