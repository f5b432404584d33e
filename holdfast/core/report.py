"""What a run found and did: every mailbox of the audience in exactly one state, so that the numbers add up."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from holdfast.core.errors import GraphError, Throttled, Unreachable


class MailboxState(enum.StrEnum):
    """How a run left a mailbox."""

    HELD = "held"
    CHANGED = "changed"
    EXCUSED = "excused"
    WAITING = "waiting"
    UNREAD = "unread"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"

    @property
    def meaning(self) -> str:
        """The state in a sentence for an admin."""
        return _MEANINGS[self]


_MEANINGS = {
    MailboxState.HELD: "has what the settings ask for",
    MailboxState.CHANGED: "was brought to what the settings ask for",
    MailboxState.EXCUSED: "gets no block, for the reason given",
    MailboxState.WAITING: "would be changed, once somebody applies",
    MailboxState.UNREAD: "could not be read, so nothing was changed there",
    MailboxState.UNCONFIRMED: "was written, but not seen when read back",
    MailboxState.FAILED: "could not be changed",
}

INCOMPLETE = frozenset({MailboxState.UNREAD, MailboxState.UNCONFIRMED, MailboxState.FAILED})
"""States that make a run incomplete: somebody should look."""

REACHED = frozenset({MailboxState.HELD, MailboxState.CHANGED, MailboxState.EXCUSED})
"""States of those who have what the settings ask for, or are to have nothing."""


class Excuse(enum.StrEnum):
    """Why a mailbox gets no block."""

    GUEST = "a guest"
    DISABLED = "a disabled account"
    EXCLUDED = "excluded in the settings"
    OPTED_OUT = "opted out"
    NO_ADDRESS = "no mail address in the directory"
    SHARED = "a shared mailbox"
    ROOM = "a room or equipment"
    OTHER = "not a person's mailbox"
    NO_BLOCK = "no block for this audience now"
    ANOTHER_BLOCK = "another block"
    OUTSIDE_HOURS = "outside working hours"


@dataclass(frozen=True, slots=True)
class Problem:
    """A technical failure in one mailbox: what Graph said, and what to do about it."""

    message: str
    cure: str
    code: str = ""
    request_id: str = ""
    passes: bool = False
    """Whether it is over by itself in a while: Graph had no time, or there was no way through to it."""

    @classmethod
    def of(cls, error: GraphError) -> Problem:
        """The problem that an error of Graph is."""
        passes = isinstance(error, Throttled | Unreachable)
        return cls(error.message, error.cure, error.code or str(error.status or ""), error.request_id, passes)


@dataclass(frozen=True, slots=True)
class Account:
    """One mailbox in one run. ``address`` is shown only for technical failures and where series are placed or ended."""

    mailbox: str
    address: str
    state: MailboxState
    reason: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One run. ``audience`` accounts for every member of every audience; ``others`` for people who have left them.

    ``note`` says what stands in the way of writing, such as an edit that waits for approval.
    """

    job: str
    began: datetime
    ended: datetime
    audience: tuple[Account, ...]
    others: tuple[Account, ...] = ()
    writes: int = 0
    planned_writes: int = 0
    note: str = ""
    protected: Mapping[str, int] = field(default_factory=dict)
    """How many dates that people touched met with what, such as "deleted, put back"; of nobody in particular."""

    def counts(self) -> dict[MailboxState, int]:
        """How many of the audience are in each state; they add up to the audience."""
        counted = Counter(account.state for account in self.audience)
        return {state: counted[state] for state in MailboxState}

    @property
    def missed(self) -> int:
        """How many of the audience neither have what the settings ask for nor are to have nothing."""
        return sum(count for state, count in self.counts().items() if state not in REACHED)

    def reasons(self, state: MailboxState) -> dict[str, int]:
        """How many of the audience are in the state for each reason, most first."""
        return dict(Counter(a.reason for a in self.audience if a.state is state and a.reason).most_common())

    @property
    def problems(self) -> list[Account]:
        """The mailboxes somebody should look at, in order of address."""
        found = (account for account in (*self.audience, *self.others) if account.problem)
        return sorted(found, key=lambda account: account.address)

    @property
    def complete(self) -> bool:
        """Whether everybody was reached. A run that reached nobody is not."""
        states = {account.state for account in (*self.audience, *self.others)}
        return bool(states) and INCOMPLETE.isdisjoint(states)

    def data(self) -> dict[str, Any]:
        """The report as plain data, with names for technical failures only."""
        return {
            "job": self.job,
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat(),
            "audience": len(self.audience),
            "states": {state.value: count for state, count in self.counts().items()},
            "excused": self.reasons(MailboxState.EXCUSED),
            "others": _counted(account.state.value for account in self.others),
            "protected": dict(sorted(self.protected.items())),
            "writes": self.writes,
            "planned_writes": self.planned_writes,
            "complete": self.complete,
            "note": self.note,
            "problems": [
                {
                    "mailbox": account.address,
                    "state": account.state.value,
                    "message": account.problem.message,
                    "cure": account.problem.cure,
                    "code": account.problem.code,
                    "request_id": account.problem.request_id,
                }
                for account in self.problems
                if account.problem
            ],
        }


MOST_NAMED = 10_000
"""Problems of a run that are remembered one by one: a row of a table has room for some twenty thousand."""


def to_remember(told: Mapping[str, Any]) -> dict[str, Any]:
    """A report's plain data as it is kept: where too many mailboxes failed for all to be named, it says so."""
    problems = told["problems"]
    if len(problems) <= MOST_NAMED:
        return dict(told)
    some = f"Of {len(problems)} mailboxes with problems {MOST_NAMED} are named."
    return {**told, "problems": problems[:MOST_NAMED], "note": " ".join(filter(None, [told["note"], some]))}


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
