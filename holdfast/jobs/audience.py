"""Who is meant: the people of every audience, each once, with what excuses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Member:
    """A person and the audiences they belong to without being excluded."""

    person: Person
    audiences: set[str] = field(default_factory=set)

    def excuse(self) -> Excuse | None:
        """Why this person gets no block, as far as the directory and the settings tell."""
        if self.person.guest:
            return Excuse.GUEST
        if not self.person.enabled:
            return Excuse.DISABLED
        if not self.audiences:
            return Excuse.EXCLUDED
        return None if self.person.mail else Excuse.NO_ADDRESS


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone in any audience, by mailbox, and which group each audience turned out to be."""

    members: Mapping[str, Member]
    groups: Mapping[str, tuple[str, str]]


async def resolve(settings: Settings, directory: Directory, pinned: Mapping[str, tuple[str, str]]) -> Audience:
    """Find the groups and read their members whole.

    A group already ``pinned`` under the same text is taken by its id, whatever it is called by now. Raises
    ``AudienceError`` with every group that is missing or ambiguous, and Graph's errors where a list cannot be read.
    """
    groups: dict[str, tuple[str, str]] = {}
    problems: list[str] = []
    for name, audience in settings.audiences.items():
        text, group_id = pinned.get(name, ("", ""))
        if text != audience.group:
            found = await directory.groups(audience.group)
            if len(found) != 1:
                problems.append(_which(name, audience.group, found))
                continue
            group_id = found[0].id
        groups[name] = (audience.group, group_id)
    members: dict[str, Member] = {}
    for name, (text, group_id) in groups.items():
        excluded = {address.lower() for address in settings.audiences[name].exclude}
        try:
            async for person in directory.members(group_id):
                member = members.setdefault(person.id, Member(person))
                if excluded.isdisjoint({person.address, person.user_principal_name.lower(), person.id.lower()}):
                    member.audiences.add(name)
        except Gone:
            problems.append(
                f'audiences.{name}.group  the group "{text}" ({group_id}) no longer exists. '
                "Name another group in the settings and run `holdfast plan`."
            )
    if problems:
        raise AudienceError(tuple(problems))
    return Audience(members, groups)


def _which(name: str, text: str, groups: Sequence[Group]) -> str:
    if not groups:
        return (
            f'audiences.{name}.group  no group has the id, mail address or name "{text}". '
            "Check the spelling in the Entra admin center, or write the group's id."
        )
    ids = ", ".join(f"{group.id} ({group.mail or 'no mail address'})" for group in groups)
    return f'audiences.{name}.group  {len(groups)} groups are called "{text}". Write the id of the one you mean: {ids}'
