"""What ``check`` finds, and what can be told of settings without asking anybody: whether goals and learning meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried. ``cure`` says what to grant or fix, and is empty where all is well."""

    what: str
    found: str
    cure: str = ""
    fatal: bool = True

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done."""
        return not self.cure


def learning(settings: Settings) -> Iterator[Finding]:
    """Goals that nothing is learned for, and learning that serves no goal. None of it stops anything."""
    served = {goal for block in settings.blocks for goal in block.goals}
    for goal in settings.goals:
        what = f"Goal {goal.id}"
        if goal.id not in served:
            yield Finding(what, "no block serves it", "Name it in the goals of a block.", fatal=False)
            continue
        longest = max(block.minutes for block in settings.blocks if goal.id in block.goals)
        if not goal.resources and not goal.questions:
            cure = "Write resources or questions for it; they take turns in the blocks and the summaries."
            yield Finding(what, "nothing to learn for it", cure, fatal=False)
        elif goal.resources and all(one.minutes > longest for one in goal.resources):
            cure = f"Its longest block has {longest} minutes: name something shorter, or make a block longer."
            yield Finding(what, "nothing to learn for it fits into a block", cure, fatal=False)
        theirs = {name for block in settings.blocks if goal.id in block.goals for name in block.audiences}
        for name in goal.audiences:
            if name not in theirs:
                cure = "Name it in the goals of a block of that audience, or leave the audience out."
                yield Finding(what, f"no block of the audience {name} serves it", cure, fatal=False)
    if settings.goals:
        for block in settings.blocks:
            if not block.goals:
                cure = "Name the goals that it serves under goals."
                yield Finding(f"Block {block.id}", "serves no goal", cure, fatal=False)
