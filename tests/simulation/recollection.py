"""What the product remembers between runs, as far as what should stand depends on it: looked up in its own state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path

from holdfast.core.desired import ChoiceKey, days_key
from holdfast.store.sqlite import open_state
from tests.simulation.office import Choice, File, settings
from tests.simulation.process import KEY


@dataclass(frozen=True, slots=True)
class Recollection:
    """The approved settings, when each mailbox was last asked about itself, and the times that were chosen.

    ``placed`` are those who are known to have anything.
    """

    approved: str | None = None
    asked: Mapping[str, datetime] = field(default_factory=dict)
    chosen: Mapping[ChoiceKey, time] = field(default_factory=dict)
    placed: frozenset[str] = frozenset()

    def choices(self, file: File) -> dict[Choice, time]:
        """The times that were chosen, in the words of the file."""
        found = ((key, self.chosen.get(name)) for key, name in choice_keys(file).items())
        return {key: at for key, at in found if at is not None}


async def recall(state: Path, tenant_id: str, mailboxes: Iterable[str]) -> Recollection:
    """Look it up."""
    with open_state(state, tenant_id, KEY) as remembered:
        approval = await remembered.approval()
        learned = {mailbox: await remembered.profile(mailbox) for mailbox in mailboxes}
        return Recollection(
            approval and approval.settings,
            {mailbox: one.at for mailbox, one in learned.items() if one},
            await remembered.choices(),
            frozenset(await remembered.placed()),
        )


def choice_keys(file: File) -> dict[Choice, ChoiceKey]:
    """What is chosen in a file, and under which names the product keeps it."""
    return {
        (block.id, audience, day): ChoiceKey(block.id, audience, days_key(rule))
        for block, read in zip(file.blocks, settings(file.text).blocks, strict=True)
        if not isinstance(block.at, time)
        for audience in block.audiences
        for day, rule in zip(block.every.days, read.rules(), strict=True)
    }
