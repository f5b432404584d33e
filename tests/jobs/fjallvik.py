"""An invented firm: its people, its settings, and the commands as a person gives them."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from holdfast.core.model import Group, Person
from holdfast.core.plan import Reason
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import (
    Audience,
    Block,
    Credential,
    Day,
    Guard,
    Language,
    Mode,
    Organization,
    Settings,
    Tenant,
)
from holdfast.jobs.apply import apply
from holdfast.jobs.remove import remove
from holdfast.jobs.survey import Survey, survey
from holdfast.jobs.sweep import sweep
from tests.jobs.memory import Crash, Mailbox, World

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""Long enough before the first lesson; the clocks change on 28 March."""

EVERYBODY, DEVELOPERS = Group("g-alla", "Alla medarbetare", "alla@fjallvik.example"), Group("g-utv", "Utveckling")


def person(name: str, **more: Any) -> Person:
    mail = f"{name}@fjallvik.example"
    return Person(**{"id": f"id-{name}", "name": name.title(), "mail": mail, "user_principal_name": mail, **more})


ANNA, BO, CILLA = person("anna"), person("bo"), person("cilla")


def block(key: str = "lartimmen", **more: Any) -> Block:
    values = {
        "id": key,
        "title": "Lärtimmen",
        "audiences": ("alla",),
        "every": "week",
        "day": Day.THURSDAY,
        "at": time(9),
        "minutes": 60,
        "from_": date(2026, 12, 1),
    }
    return Block(**{**values, **more})


SECOND = block("fordjupning", title="Fördjupning", day=Day.TUESDAY, at=time(14))


def fjallvik(*blocks: Block, mode: Mode = Mode.KEEP, exclude: tuple[str, ...] = (), **more: Any) -> Settings:
    """Settings of the firm: one weekly hour for everybody, unless other blocks are given."""
    values = {
        "version": 1,
        "mode": mode,
        "organization": Organization(name="Fjällvik AB", language=Language.SV, time_zone="Europe/Stockholm"),
        "tenant": Tenant(
            tenant_id=UUID("3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"),
            client_id=UUID("8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d"),
            credential=Credential.SECRET,
        ),
        "audiences": {"alla": Audience(group=EVERYBODY.name, exclude=exclude)},
        "blocks": blocks or (block(),),
        "guard": Guard(),
    }
    return Settings(**{**values, **more})


def firm(*people: Person, at: datetime = MONDAY) -> World:
    """A world in which these people work at Fjällvik, each with a mailbox."""
    world = World(at)
    world.directory.add(EVERYBODY, *people)
    for one in people:
        moves_in(world, one)
    return world


def moves_in(world: World, one: Person) -> None:
    """Give somebody a mailbox, unless they have one."""
    box = world.calendars.mailboxes.setdefault(one.id, Mailbox())
    world.calendars.by_address[one.address] = box


def staff(count: int) -> list[Person]:
    return [person(f"p{number:03}") for number in range(count)]


async def look(world: World, settings: Settings, **more: Any) -> Survey:
    """Look at everybody as ``plan`` does: by the groups that were pinned when somebody last said yes."""
    approval = await world.state.approval()
    return await survey(settings, world.ports, pinned=approval.groups if approval else {}, **more)


async def applied(world: World, settings: Settings, *, only: str | None = None, ask_again: bool = False) -> Report:
    """``holdfast apply``, with ``--ask-again`` if asked."""
    seen = await look(world, settings, only=only, ask_again=ask_again)
    return await apply(seen, settings, world.ports, trial=only is not None)


async def removed(world: World, settings: Settings, *, only: str | None = None) -> Report:
    """``holdfast remove``."""
    seen = await look(world, settings, only=only, removing=Reason.REMOVED)
    return await remove(seen, world.ports, trial=only is not None)


async def swept(world: World, settings: Settings) -> Report:
    """``holdfast sweep``."""
    return await sweep(settings, world.ports)


async def killed(world: World, work: Coroutine[Any, Any, object], *, at: int, after: bool = False) -> bool:
    """Do the work in a process that is killed at its port call number ``at``, before its effect or after it.

    False when the work is done with fewer calls.
    """
    journal, died = world.journal, False
    journal.die_at, journal.die_after_the_effect = len(journal.calls) + at, after
    try:
        await work
    except* Crash:
        died = True
    finally:
        journal.die_at, journal.dead = None, False
    return died


def states(report: Report) -> dict[str, MailboxState]:
    """The state of each mailbox, by address without the firm's domain."""
    return {a.address.removesuffix("@fjallvik.example"): a.state for a in (*report.audience, *report.others)}


def leaves(world: World, leaver: Person) -> None:
    world.directory.inside[EVERYBODY.id].remove(leaver)


def joins(world: World, joiner: Person) -> None:
    world.directory.inside[EVERYBODY.id].append(joiner)
    moves_in(world, joiner)


def disabled(world: World, one: Person) -> None:
    inside = world.directory.inside[EVERYBODY.id]
    inside[inside.index(one)] = replace(one, enabled=False)
