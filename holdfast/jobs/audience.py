"""Who is meant: the people of every audience, each once, with what excuses them."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from holdfast.core.errors import Gone
from holdfast.core.model import Group, Person
from holdfast.core.report import Excuse
from holdfast.core.settings import Settings
from holdfast.jobs.ports import Directory


class AudienceError(Exception):
    """A group of the settings cannot be told in the directory. ``problems`` names each with its cure."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Member:
    """A person, the audiences they belong to, and those they would belong to had they not opted out.

    ``declines`` are the blocks for which they have joined the group of those who want meetings on top declined.
    """

    person: Person
    audiences: frozenset[str] = frozenset()
    opted_out: frozenset[str] = frozenset()
    declines: frozenset[str] = frozenset()

    def excuse(self) -> Excuse | None:
        """Why this person gets no block, as far as the directory and the settings tell."""
        if self.person.guest:
            return Excuse.GUEST
        if not self.person.enabled:
            return Excuse.DISABLED
        if not self.audiences:
            return Excuse.OPTED_OUT if self.opted_out else Excuse.EXCLUDED
        return None if self.person.mail else Excuse.NO_ADDRESS


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone in any audience, by mailbox, and which group each key of the settings turned out to mean."""

    members: Mapping[str, Member]
    groups: Mapping[str, tuple[str, str]]


async def resolve(settings: Settings, directory: Directory, pinned: Mapping[str, tuple[str, str]]) -> Audience:
    """Find the groups and read their members whole.

    ``groups`` and ``pinned`` go by the key's path in the settings, such as ``audiences.alla.group``, and hold the
    group's text and id: one that is pinned under the same text is taken by its id, whatever it is called by now. Raises
    ``AudienceError`` with every group that is missing or ambiguous, and Graph's errors where a list cannot be read.
    """
    problems: list[str] = []
    groups = await _groups(settings, directory, pinned, problems)

    async def people(path: str) -> AsyncIterator[Person]:
        """Everyone in the group that the settings name there: nobody where they name none."""
        text, group_id = groups.get(path, ("", ""))
        try:
            if group_id:
                async for person in directory.members(group_id):
                    yield person
        except Gone:
            problems.append(
                f'{path}  the group "{text}" ({group_id}) no longer exists. '
                "Name another group in the settings and run `holdfast plan`."
            )

    members: dict[str, Member] = {}
    for name, audience in settings.audiences.items():
        excluded = {address.lower() for address in audience.exclude}
        opted_out = {person.id async for person in people(opt_out_path(name))}
        async for person in people(group_path(name)):
            member = members.get(person.id) or Member(person)
            if person.id in opted_out:
                member = replace(member, opted_out=_and(member.opted_out, name))
            elif excluded.isdisjoint({person.address, person.user_principal_name.lower(), person.id.lower()}):
                member = replace(member, audiences=_and(member.audiences, name))
            members[person.id] = member
    declining = {block.id: {person.id async for person in people(decline_path(block.id))} for block in settings.blocks}
    if problems:
        raise AudienceError(tuple(problems))
    return Audience({one: _declining(member, declining) for one, member in members.items()}, groups)


def _declining(member: Member, declining: Mapping[str, set[str]]) -> Member:
    """The member with the blocks for which they are among those who want meetings on top declined."""
    for block, people in declining.items():
        if member.person.id in people:
            member = replace(member, declines=_and(member.declines, block))
    return member


async def _groups(
    settings: Settings, directory: Directory, pinned: Mapping[str, tuple[str, str]], problems: list[str]
) -> dict[str, tuple[str, str]]:
    """The groups that the settings name, by the paths of their keys, but for those that are ``problems``."""
    groups: dict[str, tuple[str, str]] = {}
    for path, text in _named(settings).items():
        known, group_id = pinned.get(path, ("", ""))
        if known != text:
            found = await directory.groups(text)
            if len(found) != 1:
                problems.append(_which(path, text, found))
                continue
            group_id = found[0].id
        groups[path] = (text, group_id)
    return groups


@functools.lru_cache(maxsize=1024)
def _and(names: frozenset[str], name: str) -> frozenset[str]:
    """These names and one more: the same set for all who have the same, because it may be everybody."""
    return names | {name}


def group_path(audience: str) -> str:
    """Where the settings name the group of an audience."""
    return f"audiences.{audience}.group"


def opt_out_path(audience: str) -> str:
    """Where the settings name the group of those who want no block of an audience."""
    return f"audiences.{audience}.opt_out"


def decline_path(block: str) -> str:
    """Where the settings name the group of those for whom meetings on top of a block are declined."""
    return f"blocks.{block}.decline_for"


def _named(settings: Settings) -> dict[str, str]:
    """Every group that the settings name, by the path of its key."""
    groups: dict[str, str] = {}
    for name, audience in settings.audiences.items():
        groups[group_path(name)] = audience.group
        if audience.opt_out is not None:
            groups[opt_out_path(name)] = audience.opt_out
    groups |= {decline_path(block.id): block.decline_for for block in settings.blocks if block.decline_for is not None}
    return groups


def _which(path: str, text: str, groups: Sequence[Group]) -> str:
    if not groups:
        return (
            f'{path}  no group has the id, mail address or name "{text}". '
            "Check the spelling in the Entra admin center, or write the group's id."
        )
    ids = ", ".join(f"{group.id} ({group.mail or 'no mail address'})" for group in groups)
    return f'{path}  {len(groups)} groups are called "{text}". Write the id of the one you mean: {ids}'
