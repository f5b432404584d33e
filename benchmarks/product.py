"""Holdfast: its jobs, wired up as the commands wire them, from the first look at a calendar to the last.

``python -m benchmarks.product apply`` or ``sweep``, in a folder with settings and state, of which a ``holdfast plan``
has been made. Signed in, the group found and its members listed before the clock starts; everything else is inside.
With ``--listing`` the members are listed inside, too, and nothing is held for the product that it does not hold itself.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.meter import measured
from holdfast import wiring
from holdfast.cli.console import progress, set_up_logging
from holdfast.core.model import Group, Person
from holdfast.core.settings import Settings
from holdfast.jobs.apply import apply
from holdfast.jobs.ports import Directory, Ports
from holdfast.jobs.survey import survey
from holdfast.jobs.sweep import sweep


async def found(ports: Ports, text: str) -> Group:
    """The group of the audience. An approved one is taken by its id, as the jobs do, and not looked up again."""
    approval = await ports.state.approval()
    pinned = [group_id for _, group_id in approval.groups.values()] if approval else []
    (group_id,) = pinned or [group.id for group in await ports.directory.groups(text)]
    return Group(group_id, text)


@dataclass(frozen=True, slots=True)
class Found:
    """A directory in which the one group has been found."""

    group: Group
    directory: Directory

    async def groups(self, text: str) -> Sequence[Group]:  # noqa: ARG002 - it knows one
        """The group."""
        return [self.group]

    def members(self, group_id: str) -> AsyncIterator[Person]:
        """Everyone in it, asked anew."""
        return self.directory.members(group_id)


@dataclass(frozen=True, slots=True)
class Listed(Found):
    """A directory in which everybody in the group has been listed, too."""

    people: list[Person]

    async def members(self, group_id: str) -> AsyncIterator[Person]:  # noqa: ARG002 - it knows one
        """Everyone in it."""
        for person in self.people:
            yield person


async def applied(settings: Settings, ports: Ports) -> None:
    """What ``holdfast apply`` does between the settings and the report, without showing the plan."""
    approval = await ports.state.approval()
    with progress() as show:
        seen = await survey(settings, ports, pinned=approval.groups if approval else {}, progress=show)
    seen.check_guard(settings, approval.complete if approval else frozenset())
    with progress() as show:
        await apply(seen, settings, ports, progress=show)


async def swept(settings: Settings, ports: Ports) -> None:
    """What ``holdfast sweep`` does between the settings and the report."""
    with progress() as show:
        await sweep(settings, ports, progress=show)


async def main(job: str, *, profile: bool, listing: bool) -> None:
    """Do one job, measured."""
    work = {"apply": applied, "sweep": swept}[job]
    set_up_logging(logging.WARNING)
    place = wiring.Place.of(None, wiring.environment())
    settings = place.settings()
    (audience,) = settings.audiences.values()
    async with wiring.wired(place, settings) as wired:
        directory = wired.ports.directory
        group = await found(wired.ports, audience.group)
        known = (
            Found(group, directory)
            if listing
            else Listed(group, directory, [person async for person in directory.members(group.id)])
        )
        ports = replace(wired.ports, directory=known)
        with measured(profile=profile):
            await work(settings, ports)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], profile="--profile" in sys.argv, listing="--listing" in sys.argv))
