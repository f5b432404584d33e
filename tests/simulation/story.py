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
from tests.simulation.acts import ACTS, InCalendar
from tests.simulation.almanac import WINDOWS
from tests.simulation.clock import Deadlock
from tests.simulation.commands import Command, Probe
from tests.simulation.edits import EDITS, HOLIDAYS, PROTECTIONS, RECURRENCES, TIMES, Edit
from tests.simulation.office import Audience, Block, Every, File, Holidays, is_valid
from tests.simulation.people import CHANGES, InDirectory
from tests.simulation.process import Death
from tests.simulation.steps import LosesState, Passes, Quiet, ShortlyBefore, Shut, Step, Unattended, Weather
from tests.simulation.weather import KINDS
from tests.simulation.world import Broken, Opening, Sum, World

_FIRST_DAYS = (
    date(2026, 9, 1),
    date(2026, 10, 12),
    date(2026, 11, 23),
    date(2027, 3, 1),
    date(2027, 3, 15),
    date(2027, 4, 19),
)
"""Beginnings before each change of the clocks, near and not so near, and before Christmas, Easter and Ascension."""


@dataclass(frozen=True, slots=True)
class Story:
    """How it begins and what happens then."""

    opening: Opening
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Told:
    """What a story came to: its sentences, its trace, and what does not hold, if anything."""

    story: Story
    lines: list[str]
    trace: str
    sum: Sum
    broken: str = ""
    steps: tuple[Step, ...] = field(default=())


def story(seed: int) -> Story:
    """The story with this number. Nothing but the number decides what happens in it."""
    draw = random.Random(seed)  # noqa: S311 - a story is to be told again
    steps: list[Step] = [Probe()] if draw.random() < 0.3 else []
    steps += [Command("apply")] if draw.random() < 0.5 else [_weather(draw), _command(draw, "apply")]
    chapter = draw.choice((_chapter, _quarter))
    for _ in range(draw.choice((1, 2, 2))):
        steps += chapter(draw)
        steps.append(Quiet(remove=draw.random() < 0.1, alone=draw.random() < 0.5))
    return Story(_opening(seed, draw), tuple(steps))


def _opening(seed: int, draw: random.Random) -> Opening:
    day = draw.choice(_FIRST_DAYS) + timedelta(days=draw.randrange(10))
    began = datetime.combine(day, time(draw.randint(5, 17), draw.randrange(60)), UTC)
    facts = Facts(
        duplicate_status=draw.choice((409, 400)),
        duplicate_tells_existing=draw.random() < 0.5,
        remembers_transactions_of_deleted=draw.random() < 0.7,
        range_end_only_keeps_exceptions=draw.random() < 0.5,
        last_occurrence_takes_series=draw.random() < 0.7,
        occurrences_carry_tag=draw.random() < 0.5,
        tag_values_ignore_case=draw.random() < 0.7,
    )
    zone = draw.choices(tuple(WINDOWS), (6, 1, 1, 1))[0]
    return Opening(
        seed=seed,
        began=began,
        people=draw.randint(3, 5),
        facts=facts,
        latency=draw.choice((0.05, 0.3, 2.0)),
        token_lifetime=timedelta(minutes=draw.choice((60, 60, 7))),
        file=_file(draw, day, zone),
        zones=tuple(draw.choice((zone, zone, zone, *WINDOWS)) for _ in range(2)),
    )


@dataclass(frozen=True, slots=True)
class FirstFile:
    """The settings file that a story begins with, but for what only its tenant knows. ``own`` are the days off of the
    last audience, where they are not everybody's.
    """

    names: tuple[str, ...]
    own: Holidays | None
    blocks: tuple[Block, ...]
    zone: str
    holidays: Holidays
    guard: int

    def __call__(self, tenant: Tenant) -> File:
        groups = {"alla": str(tenant.everyone.mail), "utveckling": f"utveckling@{tenant.domain}"}
        audiences = [Audience(name, groups[name], f"avstar@{tenant.domain}") for name in self.names]
        audiences[-1] = replace(audiences[-1], holidays=self.own)
        whole = File(
            tenant.id, tenant.client_id, tuple(audiences), self.blocks, self.zone, self.holidays, guard=self.guard
        )
        return whole if is_valid(whole) else replace(whole, blocks=self.blocks[:1])


def _file(draw: random.Random, day: date, zone: str) -> FirstFile:
    since = day + timedelta(days=draw.choice((-30, 0, 7)))
    names = ("alla", "utveckling") if draw.random() < 0.5 else ("alla",)
    own = draw.choice((None, *HOLIDAYS)) if len(names) > 1 else None
    blocks = [_block(draw, "lartimmen", "Lärtimmen", names[0], since)]
    if draw.random() < 0.5:
        blocks.append(_block(draw, "fordjupning", "Fördjupning", names[-1], since))
    return FirstFile(names, own, tuple(blocks), zone, draw.choice(HOLIDAYS), draw.choice((10, 10, 1)))


def _block(draw: random.Random, name: str, title: str, audience: str, since: date) -> Block:
    weekly = Every(1, "week", (draw.choice(("monday", "tuesday", "wednesday", "thursday", "friday")),))
    return Block(
        name,
        title,
        (audience,),
        weekly if draw.random() < 0.5 else draw.choice(RECURRENCES),
        draw.choices(TIMES, (4, 2, 2, 2, 2))[0],
        since,
        zone=draw.choice(("organization", "mailbox")),
        outside=draw.choice(("excuse", "excuse", "place")),
        holiday=draw.choice(("skip", "move")),
        protection=draw.choices(PROTECTIONS, (4, *[1] * 8, 3))[0],
    )


def _chapter(draw: random.Random) -> Iterator[Step]:
    yield _weather(draw)
    if draw.random() < 0.3:
        yield Shut(draw.randrange(10), draw.choice((0, 1, 3, 12)))
    scenes = [(step,) for step in (_step(draw) for _ in range(draw.randint(3, 8)))]
    if draw.random() < 0.6:
        scenes.insert(draw.randrange(len(scenes)), draw.choice(_PLOTS)(draw))
    for scene in scenes:
        yield from scene
        if isinstance(scene[-1], ShortlyBefore):
            yield _command(draw)


def _quarter(draw: random.Random) -> Iterator[Step]:
    """Thirteen weeks of people who do as they like with their dates, and are looked at now and then."""
    yield _weather(draw)
    scenes = [draw.choice(_HANDS)(draw) for _ in range(draw.choice((1, 2, 3)))]
    for week in range(13):
        for _ in range(draw.choice((0, 0, 1, 2, 3))):
            yield InCalendar(draw.randrange(12), draw.choice(_TO_DATES), draw.randrange(6), draw.randrange(60))
        if week % 4 == 0 and scenes:
            yield from scenes.pop()
        if draw.random() < 0.2:
            yield draw.choice((_edit, _in_directory, _in_calendar))(draw)
        yield ShortlyBefore(draw.randrange(4), draw.choice((11, 20, 30))) if draw.random() < 0.2 else _time(draw, 7)
        if draw.random() < 0.7:
            yield _command(draw, draw.choice(("sweep", "sweep", "repair", "apply")))
        if draw.random() < 0.1:
            yield Quiet(alone=True)


def _moves_house(draw: random.Random) -> tuple[Step, ...]:
    """Somebody is elsewhere for good; the timer's sweeps are to notice, and not too early."""
    return (_elsewhere(draw), Passes(60 * 24 * 8), Unattended(draw.choice((3, 5, 7)), 7), Quiet(alone=True))


def _is_away(draw: random.Random) -> tuple[Step, ...]:
    """Somebody is elsewhere for some weeks, and comes home."""
    away = _elsewhere(draw)
    home = InDirectory(away.who, "comes home", 0)
    return (away, Unattended(draw.choice((2, 3)), 7), home, Unattended(2, 7))


def _elsewhere(draw: random.Random) -> InDirectory:
    return InDirectory(draw.randrange(12), "travels", draw.randrange(12))


def _thinks_again(draw: random.Random) -> tuple[Step, ...]:
    """Somebody takes a series out of Deleted Items that has been made anew meanwhile."""
    who, which = draw.randrange(12), draw.randrange(12)
    gone, back = (InCalendar(who, what, which, 0) for what in ("deletes the series", "restores a series"))
    return (gone, Command("apply", force=True), back, Passes(60 * 24), Command("sweep"), Quiet(alone=True))


def _works_less(draw: random.Random) -> tuple[Step, ...]:
    """Somebody works at other times, and the product learns of it within a week."""
    return (InDirectory(draw.randrange(12), "works", draw.randrange(12)), Passes(60 * 24 * 8), _command(draw, "sweep"))


def _is_closed(draw: random.Random) -> tuple[Step, ...]:
    """There are other days off than those for which everybody's time was made."""
    edit = Edit(draw.choice(("closed", "country", "holiday")), draw.randrange(12), draw.randrange(60))
    return (edit, _command(draw, "apply"), Unattended(4, 14))


def _goes_by_itself(draw: random.Random) -> tuple[Step, ...]:
    """Half a year and more with nobody there: series are continued."""
    return (Command("apply", force=True), Unattended(28, draw.choice((28, 49))), Quiet(alone=True))


def _insists(draw: random.Random) -> tuple[Step, ...]:
    """Somebody moves, frees or deletes one date again and again, each time that it was put right."""
    who, which = draw.randrange(12), draw.randrange(12)
    acts: tuple[str, ...] = ("deletes a date", "moves a date", "moves a date", "frees a date", "resizes a date")
    if draw.random() < 0.6:
        acts = (draw.choice(acts),)
    steps: list[Step] = [Quiet()]
    for _ in range(draw.choice((2, 3, 4))):
        looks = Command("sweep") if draw.random() < 0.7 else _command(draw, "sweep")
        steps += [InCalendar(who, draw.choice(acts), which, draw.randrange(60)), looks]
    return tuple(steps)


def _uses_up(draw: random.Random) -> tuple[Step, ...]:
    """Somebody touches several dates of a quarter, one look after the other, or all before one."""
    who = draw.randrange(12)
    steps: list[Step] = []
    for which in draw.sample(range(8), draw.choice((3, 4, 5))):
        steps.append(InCalendar(who, draw.choice(("moves a date", "deletes a date")), which, draw.randrange(60)))
        if draw.random() < 0.4:
            steps.append(_command(draw, "sweep"))
    return (*steps, Quiet(alone=True))


def _wants_none(draw: random.Random) -> tuple[Step, ...]:
    """Somebody deletes a series, and what is made of that."""
    who, which = draw.randrange(12), draw.randrange(12)
    gone = InCalendar(who, "deletes the series", which, 0)
    asked = Command("apply", force=True, again=True)
    steps: list[Step] = []
    for _ in range(draw.choice((1, 2, 3))):
        steps += [gone, _command(draw, "sweep"), Passes(60 * 24 * draw.choice((1, 7, 30)))]
    return (*steps, *([asked] if draw.random() < 0.4 else []), Quiet(alone=True))


def _stays_away(draw: random.Random) -> tuple[Step, ...]:
    """Somebody is out of office, does what they like that day, and perhaps is there after all."""
    who, which = draw.randrange(12), draw.randrange(12)
    what = draw.choice(("deletes a date", "moves a date", "frees a date"))
    steps: list[Step] = [
        InCalendar(who, "is away", which, draw.randrange(60)),
        InCalendar(who, what, which, draw.randrange(60)),
        _command(draw, "sweep"),
    ]
    return (*steps, InCalendar(who, "is back", 0, 0), _command(draw, "sweep")) if draw.random() < 0.5 else tuple(steps)


def _at_the_last_minute(draw: random.Random) -> tuple[Step, ...]:
    """Somebody touches their next date, and nobody looks before it is about to begin."""
    who, what = draw.randrange(12), draw.choice(("moves a date", "frees a date", "resizes a date"))
    act = InCalendar(who, what, 0, draw.choice((2, 3)))
    return (act, ShortlyBefore(who, draw.choice((2, 8, 11))), Command("sweep"))


_HANDS = (_insists, _insists, _uses_up, _wants_none, _stays_away, _at_the_last_minute)
"""What people do to their dates with some purpose."""

_TO_DATES = (*("moves a date", "deletes a date") * 3, *("frees a date", "resizes a date", "is away", "is back"))
"""What they do to them in passing."""

_PLOTS = (
    *(_moves_house, _is_away, _thinks_again, _works_less, _is_closed, _goes_by_itself),
    *_HANDS,
)
"""What takes more than one step, and some time."""


def _weather(draw: random.Random) -> Weather:
    kinds = draw.choices(list(KINDS), (6, 3, 3, 1))[0]
    percent = draw.choice((0, 2, 5, 10, 15) if len(KINDS[kinds]) > 1 else (30, 60))
    return Weather(percent, kinds, draw.randrange(1000))


def _step(draw: random.Random) -> Step:
    drawers = {
        _in_calendar: 26,
        _in_directory: 17,
        _edit: 17,
        _command: 26,
        _time: 18,
        lambda _: LosesState(): 2,
        lambda _: Probe(): 1,
    }
    return draw.choices(list(drawers), list(drawers.values()))[0](draw)


def _in_directory(draw: random.Random) -> InDirectory:
    return InDirectory(draw.randrange(12), draw.choice(CHANGES), draw.randrange(12))


def _edit(draw: random.Random) -> Edit:
    return Edit(draw.choice(EDITS), draw.randrange(12), draw.randrange(60))


def _time(draw: random.Random, days: int | None = None) -> Step:
    if days is not None:
        return Passes(60 * 24 * days - draw.choice((0, 0, 300, 2000)))
    if draw.random() < 0.3:
        return ShortlyBefore(draw.randrange(4), draw.choice((8, 11, 20, 24, 26, 30)))
    if draw.random() < 0.25:
        return Unattended(*draw.choice(((1, 2), (5, 7), (12, 28))))
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
    name = name or draw.choices(("sweep", "apply", "repair", "remove"), (5, 5, 2, 1))[0]
    only = draw.randrange(12) if name == "repair" or (name != "sweep" and draw.random() < 0.15) else None
    thinking = draw.choice((0.0, 30.0, 400.0))
    timer = draw.random() * 4 + thinking if draw.random() < 0.15 else None
    again = name == "apply" and draw.random() < 0.1
    force = draw.random() < 0.5
    told = name == "repair"
    return Command(name, death, meanwhile, only, force=force, thinking=thinking, again=again, told=told, timer=timer)


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
        return Told(told, world.lines, trace, world.sum, broken, told.steps[:done])


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
    keep = f"Keep: python -m tests.simulation keep {seed}"
    return "\n".join([f"Seed {seed} does not hold:", *lines, f"  => {worst.broken}", keep, replay])
