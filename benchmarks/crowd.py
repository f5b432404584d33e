"""A firm of any size in which everybody is alike, made up as it is asked for: nothing of it is held for anybody.

So what a process takes of memory is the product's own. Everybody has the series that one person was given by an apply
in the tests' own world, and nothing has changed since: what is measured is an idle sweep. What is asked is answered at
once, by values that have been made already: what Graph and a store cost is measured elsewhere.
"""
# ruff: noqa: D102, ARG002 - the ports say what each is for, and most of it is the same for everybody

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.race import WorkNotDone
from holdfast.core.model import Group, Occurrence, Person
from holdfast.core.settings import Settings
from holdfast.core.touches import Touches
from holdfast.jobs.ports import Approval, Known, Learned, Placed, Ports, QueueName, Run
from holdfast.store import rows
from tests.jobs.fjallvik import ANNA, EVERYBODY, applied, firm, fjallvik

NOW = datetime(2026, 12, 7, 12, tzinfo=UTC)


def mailbox_of(number: int) -> str:
    """The id of somebody's mailbox."""
    return f"5c1e0000-0000-4000-8000-{number:012}"


def address_of(mailbox: str) -> str:
    """The address that goes with it."""
    return f"person{mailbox[-12:]}@fjallvik.example"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one person has after an apply, and is on record with."""

    settings: Settings
    approval: Approval
    placed: Placed
    known: Known
    learned: Learned
    dates: tuple[Occurrence, ...]

    @classmethod
    def made(cls) -> Pattern:
        """By an apply to one person, two weeks before."""
        return asyncio.run(_pattern())


async def _pattern() -> Pattern:
    settings, world = fjallvik(), firm(ANNA)
    await applied(world, settings)
    state = world.state
    approval, known, learned = await state.approval(), await state.known(ANNA.id), await state.profile(ANNA.id)
    if approval is None or known is None or learned is None:
        raise WorkNotDone("Nothing was applied.")
    placed = (await state.placed())[ANNA.id]
    dates = await world.calendars.instances(
        ANNA.id, known.series[0].event_id, since=NOW, until=NOW + timedelta(weeks=14)
    )
    return Pattern(settings, approval, placed, replace(known, read=NOW), Learned(learned.profile, NOW), dates)


class StandingClock:
    """The sweep takes no time."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Everybody:
    """The directory: one group, with so many people in it."""

    def __init__(self, people: int) -> None:
        self._people = people

    async def groups(self, text: str) -> Sequence[Group]:
        return [EVERYBODY]

    async def members(self, group_id: str) -> AsyncIterator[Person]:
        for number in range(self._people):
            mailbox = mailbox_of(number)
            yield Person(mailbox, f"Person {number}", address_of(mailbox), address_of(mailbox))


@dataclass
class Calendars:
    """Everybody's dates are the pattern's."""

    pattern: Pattern
    calls: Counter[str]

    async def instances(
        self,
        mailbox: str,
        event_id: str,
        *,
        since: datetime,
        until: datetime,
    ) -> tuple[Occurrence, ...]:
        self.calls["calendars.instances"] += 1
        return tuple(one for one in self.pattern.dates if one.ends > since and one.starts < until)


@dataclass
class Remembered:
    """The state: of people by the pattern, of the run in files, where another process finds it. Calls are counted."""

    pattern: Pattern
    people: int
    folder: Path
    calls: Counter[str]
    told: dict[str, Any] | None = None
    _done: set[int] = field(default_factory=set)

    async def approval(self) -> Approval:
        return self._asked("approval", self.pattern.approval)

    async def placed(self) -> Mapping[str, Placed]:
        found = (self._placed(mailbox_of(number)) for number in range(self.people))
        return self._asked("placed", {one.mailbox: one for one in found})

    async def placed_of(self, mailboxes: Collection[str]) -> Mapping[str, Placed]:
        self.calls["state.placed_of"] += len(mailboxes)  # in tables a request each
        return {mailbox: self._placed(mailbox) for mailbox in mailboxes}

    async def place(self, placed: Placed) -> None:
        raise AssertionError(placed)

    async def known(self, mailbox: str) -> Known:
        return self._asked("known", self.pattern.known)

    async def profile(self, mailbox: str) -> Learned:
        return self._asked("profile", self.pattern.learned)

    async def touches(self, mailbox: str) -> Touches:
        return self._asked("touches", Touches())

    async def choices(self) -> Mapping[Any, Any]:
        return self._asked("choices", {})

    async def choose(self, choices: Mapping[Any, Any]) -> None:
        if choices:
            raise AssertionError(choices)

    async def floors(self) -> Mapping[str, int]:
        return self._asked("floors", {})

    async def tenant_facts(self) -> None:
        return self._asked("tenant_facts", None)

    async def forget_touches(self, before: object) -> None:
        self._asked("forget_touches", before)

    async def approve(self, approval: Approval) -> None:
        self._asked("approve", approval)

    async def latest_run(self, job: str) -> Run | None:
        return self._asked("latest_run", None)

    async def begin_run(self, run: Run) -> None:
        self._asked("begin_run", self._run.write_text(rows.run_text(run), encoding="utf-8"))

    async def run(self, run_id: str) -> Run:
        return self._asked("run", rows.run_of(self._run.read_text(encoding="utf-8")))

    async def change_run(self, before: Run, after: Run) -> bool:
        await self.begin_run(after)
        return True

    async def record_shard(self, run_id: str, stage: str, index: int, result: Mapping[str, Any], *, of: int) -> bool:
        self._asked("record_shard", self._done.add(index))
        with self._shards.open("a", encoding="utf-8") as file:
            file.write(rows.data_text(result) + "\n")
        return len(self._done) >= of

    async def shards(self, run_id: str, stage: str) -> Sequence[Mapping[str, Any]]:
        self.calls["state.shards"] += 1
        if not self._shards.exists():
            return []
        return [json.loads(line) for line in self._shards.read_text(encoding="utf-8").splitlines()]

    async def record_run(self, data: dict[str, Any]) -> None:
        self.told = self._asked("record_run", data)

    @property
    def _run(self) -> Path:
        return self.folder / "run.json"

    @property
    def _shards(self) -> Path:
        return self.folder / "shards.jsonl"

    def _placed(self, mailbox: str) -> Placed:
        return replace(
            self.pattern.placed, mailbox=mailbox, address=address_of(mailbox), name=f"Person {int(mailbox[-12:])}"
        )

    def _asked(self, name: str, answer: Any) -> Any:  # noqa: ANN401 - whatever it is
        self.calls[f"state.{name}"] += 1
        return answer


@dataclass
class Queue:
    """Messages in a file, a line each."""

    path: Path
    calls: Counter[str]

    async def put(self, name: QueueName, texts: Collection[str], *, delay: timedelta = timedelta(0)) -> None:
        if name is not QueueName.RECONCILE or delay:
            raise AssertionError(name)
        self.calls["queue.put"] += len(texts)
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for text in texts)


@dataclass(frozen=True, slots=True)
class Crowd:
    """All of it, filled into the ports."""

    settings: Settings
    ports: Ports
    state: Remembered
    queue: Queue
    calls: Counter[str]

    @classmethod
    def of(cls, people: int, folder: Path) -> Crowd:
        """So many people, with what one process leaves for the other in this folder."""
        pattern, calls = Pattern.made(), Counter[str]()
        state, queue = Remembered(pattern, people, folder, calls), Queue(folder / "queue.jsonl", calls)
        nobody: Any = None
        calendars: Any = Calendars(pattern, calls)
        remembered: Any = state
        ports = Ports(Everybody(people), calendars, remembered, StandingClock(), nobody, nobody, nobody, queue, nobody)
        return cls(pattern.settings, ports, state, queue, calls)
