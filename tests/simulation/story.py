"""Stories by number: drawn, told, and, where something does not hold, made as short as they can be."""

from __future__ import annotations

import logging
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import structlog

from sandbox import Facts, Tenant
from tests.simulation.clock import Deadlock
from tests.simulation.office import Audience, Block, File
from tests.simulation.process import Death
from tests.simulation.steps import (
    ACTS,
    CHANGES,
    EDITS,
    Command,
    Edit,
    InCalendar,
    InDirectory,
    LosesState,
    Passes,
    Quiet,
    ShortlyBefore,
    Shut,
    Step,
    Weather,
)
from tests.simulation.weather import KINDS
from tests.simulation.world import Broken, Opening, Sum, World

_FIRST_DAYS = date(2026, 9, 1), date(2027, 3, 1), date(2026, 10, 12), date(2027, 3, 15)
"""Beginnings before each change of the clocks, near and not so near."""


@dataclass(frozen=True, slots=True)
class Story:
    """How it begins and what happens then."""

    opening: Opening
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Told:
    """What a story came to: its sentences, its trace, and what does not hold, if anything."""

    lines: list[str]
    trace: str
    sum: Sum
    broken: str = ""
    steps: tuple[Step, ...] = field(default=())


def story(seed: int) -> Story:
    """The story with this number. Nothing but the number decides what happens in it."""
    draw = random.Random(seed)  # noqa: S311 - a story is to be told again
    steps: list[Step] = [Command("apply")] if draw.random() < 0.5 else [_weather(draw), _command(draw, "apply")]
    for _ in range(draw.randint(2, 3)):
        steps += _chapter(draw)
        steps.append(Quiet(remove=draw.random() < 0.1))
    return Story(_opening(seed, draw), tuple(steps))


def _opening(seed: int, draw: random.Random) -> Opening:
    day = draw.choice(_FIRST_DAYS) + timedelta(days=draw.randrange(10))
    began = datetime.combine(day, time(draw.randint(5, 17), draw.randrange(60)), UTC)
    facts = Facts(
        duplicate_status=draw.choice((409, 400)),
        duplicate_tells_existing=draw.random() < 0.5,
        remembers_transactions_of_deleted=draw.random() < 0.7,
        range_end_only_keeps_exceptions=draw.random() < 0.3,
        last_occurrence_takes_series=draw.random() < 0.7,
        occurrences_carry_tag=draw.random() < 0.5,
        tag_values_ignore_case=draw.random() < 0.7,
    )
    second = draw.random() < 0.6
    same_day = draw.random() < 0.3
    two_audiences = draw.random() < 0.5
    people = draw.randint(4, 6)
    since = day + timedelta(days=draw.choice((-30, 0, 7)))
    weekday = draw.randrange(5)

    def file(tenant: Tenant) -> File:
        everyone = Audience("alla", str(tenant.everyone.mail), f"avstar@{tenant.domain}")
        development = Audience("utveckling", f"utveckling@{tenant.domain}", f"avstar@{tenant.domain}")
        blocks = [Block("lartimmen", "Lärtimmen", ("alla",), weekday, time(9), since)]
        if second:
            other = weekday if same_day and two_audiences else (weekday + 2) % 5
            whose = ("utveckling",) if two_audiences else ("alla",)
            blocks.append(Block("fordjupning", "Fördjupning", whose, other, time(9, 30), since))
        audiences = (everyone, development) if two_audiences else (everyone,)
        return File(tenant.id, tenant.client_id, audiences, tuple(blocks), guard=draw_guard)

    draw_guard = draw.choice((10, 10, 1))
    return Opening(
        seed=seed,
        began=began,
        people=people,
        facts=facts,
        latency=draw.choice((0.05, 0.3, 2.0)),
        token_lifetime=timedelta(minutes=draw.choice((60, 60, 7))),
        file=file,
    )


def _chapter(draw: random.Random) -> Iterator[Step]:
    yield _weather(draw)
    if draw.random() < 0.3:
        yield Shut(draw.randrange(10), draw.choice((0, 1, 3, 12)))
    for _ in range(draw.randint(4, 9)):
        step = _step(draw)
        yield step
        if isinstance(step, ShortlyBefore):
            yield _command(draw)


def _weather(draw: random.Random) -> Weather:
    kinds = draw.choices(list(KINDS), (6, 3, 3, 1))[0]
    percent = draw.choice((0, 2, 5, 10, 15) if len(KINDS[kinds]) > 1 else (30, 60))
    return Weather(percent, kinds, draw.randrange(1000))


def _step(draw: random.Random) -> Step:
    drawers = {
        _in_calendar: 26,
        _in_directory: 14,
        _edit: 14,
        _command: 26,
        _time: 18,
        lambda _: LosesState(): 2,
    }
    return draw.choices(list(drawers), list(drawers.values()))[0](draw)


def _in_directory(draw: random.Random) -> InDirectory:
    return InDirectory(draw.randrange(12), draw.choice(CHANGES), draw.randrange(12))


def _edit(draw: random.Random) -> Edit:
    return Edit(draw.choice(EDITS), draw.randrange(12), draw.randrange(60))


def _time(draw: random.Random) -> Step:
    if draw.random() < 0.4:
        return ShortlyBefore(draw.randrange(4), draw.choice((8, 11, 20, 24, 26, 30)))
    return Passes(draw.choice((45, 60 * 7, 60 * 24, 60 * 24 * 6, 60 * 24 * 17, 60 * 24 * 60)))


def _in_calendar(draw: random.Random) -> InCalendar:
    return InCalendar(draw.randrange(12), draw.choice(ACTS), draw.randrange(12), draw.randrange(60))


def _command(draw: random.Random, name: str = "") -> Command:
    death: Death | None = None
    if draw.random() < 0.45:
        at = draw.choices(("request", "write", "second"), (6, 3, 1))[0]
        number = 1 + int(draw.random() ** 2 * (40 if at == "second" else 16))
        death = Death(at, number, after=draw.random() < 0.5 and at != "second")
    meanwhile = tuple((draw.random() ** 2 * 30, _in_calendar(draw)) for _ in range(draw.choice((0, 0, 0, 1, 2))))
    name = name or draw.choices(("sweep", "apply", "remove"), (5, 5, 1))[0]
    only = draw.randrange(12) if name != "sweep" and draw.random() < 0.15 else None
    thinking = draw.choice((0.0, 30.0, 400.0))
    timer = draw.random() * 4 + thinking if draw.random() < 0.15 else None
    return Command(name, death, meanwhile, only, force=draw.random() < 0.5, thinking=thinking, timer=timer)


def tell(told: Story) -> Told:
    """Let a story happen, up to the first thing that does not hold."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        world = World(told.opening, Path(folder))
        broken = ""
        done = 0
        try:
            for step in told.steps:
                done += 1
                step.take(world)
        except (Broken, Deadlock) as error:
            broken = str(error)
        except Exception as error:  # noqa: BLE001 - whatever a run raises that is not for people is a finding
            broken = f"{type(error).__name__}: {error!r}"[:600]
        trace = world.end()
        return Told(world.told, trace, world.sum, broken, told.steps[:done])


def shortened(told: Story, tries: int = 60) -> Told:
    """The story without whatever it breaks without as well: first halves are left out, then less and less."""
    worst = tell(told)
    steps: Sequence[Step] = worst.steps
    size = max(1, len(steps) // 2)
    while size and tries:
        place = 0
        while place < len(steps) and tries:
            fewer = (*steps[:place], *steps[place + size :])
            tries -= 1
            without = tell(replace(told, steps=fewer))
            if without.broken:
                worst, steps = without, without.steps
            else:
                place += size
        size //= 2
    return worst


def failure(seed: int, worst: Told) -> str:
    """What to print of a story that does not hold."""
    lines = [f"{number:3}. {line}" for number, line in enumerate(worst.lines, 1)]
    replay = f"Replay: make simulate SEEDS={seed}..{seed}"
    return "\n".join([f"Seed {seed} does not hold:", *lines, f"  => {worst.broken}", replay])
