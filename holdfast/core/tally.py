"""What became of some of the mailboxes of a run, in numbers that can be added up: names only for technical failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from holdfast.core.report import INCOMPLETE, REACHED, MailboxState, Report


@dataclass(frozen=True, slots=True)
class Tally:
    """Some mailboxes of a run. ``managed`` of them have a series, or would newly get one.

    ``deferred`` are those whose changes wait until the guard has judged them over everybody, as rows of messages;
    ``told`` what else an admin should read.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    excused: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)
    protected: Mapping[str, int] = field(default_factory=dict)
    writes: int = 0
    planned_writes: int = 0
    managed: int = 0
    problems: tuple[Mapping[str, str], ...] = ()
    deferred: tuple[object, ...] = ()
    told: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: Report, *, managed: int, deferred: Iterable[object] = (), told: Iterable[str] = ()) -> Tally:
        """The tally of a report about some mailboxes."""
        return cls.parse({**report.data(), "managed": managed, "deferred": [*deferred], "told": sorted(told)})

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Tally:
        """A tally that was plain data; what is missing there counts for nothing. Raises ``TypeError``."""
        return cls(
            states=_some(data.get("states", {})),
            excused=_some(data.get("excused", {})),
            others=_some(data.get("others", {})),
            protected=_some(data.get("protected", {})),
            writes=_number(data.get("writes", 0)),
            planned_writes=_number(data.get("planned_writes", 0)),
            managed=_number(data.get("managed", 0)),
            problems=tuple(map(_problem, _list(data.get("problems", [])))),
            deferred=tuple(_list(data.get("deferred", []))),
            told=tuple(map(_text, _list(data.get("told", [])))),
        )

    def data(self) -> dict[str, Any]:
        """The tally as plain data."""
        return {
            "states": dict(self.states),
            "excused": dict(self.excused),
            "others": dict(self.others),
            "protected": dict(self.protected),
            "writes": self.writes,
            "planned_writes": self.planned_writes,
            "managed": self.managed,
            "problems": list(self.problems),
            "deferred": list(self.deferred),
            "told": list(self.told),
        }

    @classmethod
    def sum(cls, tallies: Sequence[Tally]) -> Tally:
        """All of them together."""
        return cls(
            states=_together(one.states for one in tallies),
            excused=_together(one.excused for one in tallies),
            others=_together(one.others for one in tallies),
            protected=_together(one.protected for one in tallies),
            writes=sum(one.writes for one in tallies),
            planned_writes=sum(one.planned_writes for one in tallies),
            managed=sum(one.managed for one in tallies),
            problems=tuple(problem for one in tallies for problem in one.problems),
            deferred=tuple(row for one in tallies for row in one.deferred),
            told=tuple(sorted({text for one in tallies for text in one.told})),
        )

    @property
    def audience(self) -> int:
        """How many members of audiences are counted."""
        return sum(self.states.values())

    @property
    def missed(self) -> int:
        """How many of them neither have what the settings ask for nor are to have nothing."""
        return self.audience - sum(self.states.get(state, 0) for state in REACHED)

    def report(self, job: str, began: datetime, ended: datetime, *, note: str = "") -> dict[str, Any]:
        """The run as plain data, as ``Report.data`` gives it for a run that was not worked on in shards."""
        seen = {*self.states, *self.others}
        return {
            "job": job,
            "began": began.isoformat(),
            "ended": ended.isoformat(),
            "audience": self.audience,
            "states": {state.value: self.states.get(state, 0) for state in MailboxState},
            "excused": dict(Counter(self.excused).most_common()),
            "others": dict(sorted(self.others.items())),
            "protected": dict(sorted(self.protected.items())),
            "writes": self.writes,
            "planned_writes": self.planned_writes,
            "complete": bool(seen) and INCOMPLETE.isdisjoint(seen),
            "note": note,
            "problems": sorted(self.problems, key=lambda problem: problem["mailbox"]),
        }


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    if not isinstance(counts, Mapping):
        raise TypeError
    return {_text(name): count for name, count in counts.items() if _number(count)}


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _list(value: object) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _problem(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError
    _text(value.get("mailbox"))
    return value


def _together(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
