"""A handful of stories, each of which has to hold and to be the same whenever it is told."""

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from tests.simulation.acts import ACTS, InCalendar
from tests.simulation.almanac import WINDOWS
from tests.simulation.clock import Deadlock, VirtualLoop
from tests.simulation.commands import Command, Probe
from tests.simulation.edits import EDITS, Edit
from tests.simulation.kept import keep, kept, read
from tests.simulation.mutants import MUTANTS
from tests.simulation.people import CHANGES, InDirectory
from tests.simulation.steps import LosesState, Passes, Quiet, ShortlyBefore, Shut, Unattended, Weather
from tests.simulation.story import Told, failure, shortened, story, tell
from tests.simulation.tales import TALES
from tests.simulation.world import Broken, Sum

SEEDS = (5, 8, 9, 20, 34)
SHORTENED = 5
ROOT = Path(__file__).parents[2]

OF_ONE_KIND = (Command, LosesState, Passes, Probe, Quiet, ShortlyBefore, Shut, Unattended, Weather)

TRACE = """
from dataclasses import replace
from tests.simulation.story import story, tell
whole = story(3)
print(tell(replace(whole, steps=whole.steps[:5])).trace)
"""
"""What a process does that tells the beginning of a story."""


@pytest.mark.parametrize("seed", SEEDS)
def test_what_must_hold_holds(seed: int) -> None:
    told = tell(story(seed))
    if told.broken:
        raise Broken("\n" + failure(seed, shortened(story(seed))))


def test_a_story_is_the_same_each_time_and_in_every_process(capsys: pytest.CaptureFixture[str]) -> None:
    hashing = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    ran = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "ignore", "-c", TRACE],
        env={**os.environ, "PYTHONHASHSEED": hashing},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for _ in range(2):
        exec(TRACE, {})  # noqa: S102 - the same here
    assert capsys.readouterr().out == ran.stdout * 2


def test_stories_are_drawn_from_all_that_can_happen() -> None:
    stories = [story(seed) for seed in range(100)]
    steps = list(chain.from_iterable(one.steps for one in stories))
    assert {step.what for step in steps if isinstance(step, InCalendar)} == set(ACTS)
    assert {step.what for step in steps if isinstance(step, InDirectory)} == set(CHANGES)
    assert {step.what for step in steps if isinstance(step, Edit)} == set(EDITS)
    assert {type(step) for step in steps} == {*OF_ONE_KIND, InCalendar, InDirectory, Edit}
    assert {zone for one in stories for zone in one.opening.zones} == set(WINDOWS)
    assert {one.opening.facts.range_end_only_keeps_exceptions for one in stories} == {True, False}
    assert {one.opening.facts.last_occurrence_takes_series for one in stories} == {True, False}


def test_a_story_that_does_not_hold_is_told_in_at_most_ten_steps() -> None:
    """Of some thirty steps, with a bug that shows at once."""
    with MUTANTS["a series in UTC"]():
        worst = shortened(story(SHORTENED))
        printed = failure(SHORTENED, worst)
    assert worst.broken
    assert len(worst.steps) <= 10
    assert printed.splitlines()[0] == f"Seed {SHORTENED} does not hold:"
    assert printed.endswith(f"Replay: make simulate SEEDS={SHORTENED}..{SHORTENED}")


@pytest.mark.parametrize("name", TALES)
def test_a_story_told_on_purpose_holds(name: str) -> None:
    told = tell(TALES[name])
    assert not told.broken, "\n".join([*told.lines, told.broken])
    assert len(told.story.steps) <= 10


@pytest.mark.parametrize("path", kept(), ids=lambda path: path.stem)
def test_a_story_that_once_did_not_hold_holds(path: Path) -> None:
    told = tell(read(path))
    assert not told.broken, "\n".join([*told.lines, told.broken])


def test_a_story_is_kept_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.kept.FOLDER", tmp_path)
    for seed in range(20):
        whole = story(seed)
        assert read(keep(seed, Told(whole, [], "", Sum(), "once", whole.steps))) == whole
    assert len(kept()) == 20


def test_whoever_waits_for_nothing_is_found_out() -> None:
    loop = VirtualLoop(story(0).opening.began)
    with pytest.raises(Deadlock):
        loop.run_until_complete(loop.create_future())
    loop.close()
