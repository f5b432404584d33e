"""What the admin writes into the settings file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Any

from tests.simulation.almanac import date_at
from tests.simulation.office import Block, Every, Holidays, Window, is_valid
from tests.simulation.table import MOVABLE, SOFT, STRICT, Protection
from tests.simulation.world import World

RECURRENCES = (
    Every(1, "week", ("tuesday",)),
    Every(2, "week", ("tuesday",)),
    Every(3, "week", ("thursday",)),
    Every(1, "week", ("monday", "thursday")),
    Every(2, "week", ("wednesday", "friday")),
    Every(1, "month", ("first thursday",)),
    Every(1, "month", ("last friday",)),
    Every(1, "month", (6,)),
    Every(2, "month", ("third tuesday",)),
    Every(1, "month", ("second monday", "fourth wednesday")),
    Every(1, "month", (24,)),
    Every(1, "week", ("friday",)),
)
"""How often, and when, blocks come back in these stories."""

TIMES = (time(9), time(13, 30), time(9, 30), Window(time(8), time(11)), Window(time(13), time(16)))
"""When they begin."""

PROTECTIONS = (
    Protection(STRICT),
    *(Protection(MOVABLE, within, moves) for within in ("week", "day") for moves in range(4)),
    Protection(SOFT),
)
"""How they are protected."""

HOLIDAYS = (Holidays(), Holidays("SE"), Holidays("FI"))
"""Whose holidays they keep, besides closed periods."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


@dataclass(frozen=True, slots=True)
class Edit:
    """The settings file changes; nothing happens before somebody applies it."""

    what: str
    which: int
    amount: int

    def take(self, world: World) -> None:
        before = world.file
        said = _EDITS[self.what](world, self.which, self.amount)
        if said is None or world.file == before or not is_valid(world.file):
            world.file = before
        else:
            world.say(f"The admin {said}")


def _block(world: World, which: int) -> Block:
    return world.file.blocks[which % len(world.file.blocks)]


def _new_time(world: World, which: int, amount: int) -> str:
    block = replace(_block(world, which), at=TIMES[amount % len(TIMES)])
    world.file = world.file.having(block)
    return f"puts {block.id} at {block.begins}"


def _new_days(world: World, which: int, amount: int) -> str:
    every = RECURRENCES[amount % len(RECURRENCES)] if amount % 2 else Every(1, "week", (DAYS[amount // 2 % 5],))
    block = replace(_block(world, which), every=every)
    world.file = world.file.having(block)
    return f"has {block.id} {every}"


def _new_title(world: World, which: int, amount: int) -> str:
    block = replace(_block(world, which), title=("Lärtimmen", "Lärstunden", "Fredagstid")[amount % 3])
    world.file = world.file.having(block)
    return f"calls {block.id} {block.title}"


def _new_end(world: World, which: int, amount: int) -> str | None:
    block = _block(world, which)
    weeks = (None, 2, 6, 20, 40)[amount % 5]
    until = None if weeks is None else max(block.since, world.now.date()) + timedelta(weeks=weeks)
    world.file = world.file.having(replace(block, until=until))
    return f"lets {block.id} end on {until}"


def _new_beginning(world: World, which: int, amount: int) -> str | None:
    block = _block(world, which)
    since = world.now.date() + timedelta(weeks=amount % 9 - 2)
    if block.until and block.until < since + timedelta(days=7):
        return None
    world.file = world.file.having(replace(block, since=since))
    return f"lets {block.id} begin on {since}"


def _zone(world: World, which: int, _: int) -> str:
    block = _block(world, which)
    zone = "organization" if block.zone == "mailbox" else "mailbox"
    world.file = world.file.having(replace(block, zone=zone))
    return f"lets {block.id} go by the clock of the {zone}"


def _outside(world: World, which: int, _: int) -> str:
    block = _block(world, which)
    outside = "excuse" if block.outside == "place" else "place"
    world.file = world.file.having(replace(block, outside=outside))
    return f"has {block.id} outside working hours: {outside}"


def _holiday(world: World, which: int, _: int) -> str:
    block = _block(world, which)
    holiday = "move" if block.holiday == "skip" else "skip"
    world.file = world.file.having(replace(block, holiday=holiday))
    return f"has {block.id} on days off: {holiday}"


def _protection(world: World, which: int, amount: int) -> str:
    block = replace(_block(world, which), protection=PROTECTIONS[amount % len(PROTECTIONS)])
    world.file = world.file.having(block)
    return f"has {block.id} be {block.protection}"


def _closes(world: World, which: int, amount: int) -> str:
    """For some days of the coming weeks, or not at all any more."""
    first = date_at(world.now, world.file.zone) + timedelta(days=3 + which * 3)
    closed = ((first, first + timedelta(days=amount % 9)),) if amount % 4 else ()
    world.file = replace(world.file, holidays=replace(world.file.holidays, closed=closed))
    return f"has days off: {world.file.holidays}"


def _country(world: World, which: int, amount: int) -> str:
    """Of everybody, or of one audience."""
    country = (None, "SE", "FI")[amount % 3]
    if which % 2:
        world.file = replace(world.file, holidays=replace(world.file.holidays, country=country))
        return f"has days off: {world.file.holidays}"
    audience = world.file.audiences[which // 2 % len(world.file.audiences)]
    theirs = replace(audience, holidays=None if country is None else Holidays(country))
    world.file = world.file.meaning(theirs)
    return f"has other days off for {theirs.name}: {theirs.holidays}"


def _drops_or_adds(world: World, which: int, amount: int) -> str:
    blocks = world.file.blocks
    if len(blocks) > 1:
        gone = _block(world, which)
        world.file = replace(world.file, blocks=tuple(one for one in blocks if one.id != gone.id))
        return f"takes {gone.id} out"
    name = "fordjupning" if blocks[0].id != "fordjupning" else "lartimmen"
    audience = world.file.audiences[which % len(world.file.audiences)].name
    every = RECURRENCES[amount % len(RECURRENCES)]
    block = Block(name, "Fördjupning", (audience,), every, time(14), world.now.date() - timedelta(days=3))
    world.file = replace(world.file, blocks=(*blocks, block))
    return f"adds {name} for {audience}, {every}"


def _other_group(world: World, which: int, amount: int) -> str:
    group = (world.tenant.everyone, *world.groups)[amount % 3]
    audience = replace(world.file.audiences[which % len(world.file.audiences)], group=str(group.mail))
    world.file = world.file.meaning(audience)
    return f"makes {audience.name} mean {group.display_name}"


def _excludes(world: World, which: int, amount: int) -> str:
    account = world.people[amount % len(world.people)]
    audience = world.file.audiences[which % len(world.file.audiences)]
    exclude = () if audience.exclude else (account.address,)
    world.file = world.file.meaning(replace(audience, exclude=exclude))
    return f"excludes {' '.join(exclude) or 'nobody'} from {audience.name}"


def _mode(world: World, _: int, __: int) -> str:
    world.file = replace(world.file, mode="watch" if world.file.mode == "keep" else "keep")
    return f"sets mode: {world.file.mode}"


_EDITS: dict[str, Any] = {
    "time": _new_time,
    "days": _new_days,
    "title": _new_title,
    "until": _new_end,
    "from": _new_beginning,
    "zone": _zone,
    "outside": _outside,
    "holiday": _holiday,
    "protection": _protection,
    "closed": _closes,
    "country": _country,
    "blocks": _drops_or_adds,
    "group": _other_group,
    "exclude": _excludes,
    "mode": _mode,
}
EDITS = tuple(_EDITS)
