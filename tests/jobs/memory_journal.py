"""The calls of a world in memory: written down, let fail, and the process killed at any of them; and its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from holdfast.core.errors import GraphError

WRITES = frozenset({"create", "put", "move", "make_busy", "shorten", "rewrite", "retell", "retag", "delete", "decline"})
"""The calls that change a calendar."""


class Crash(BaseException):
    """The process is killed. Not an ``Exception``, so that nothing can swallow it."""


class Call(NamedTuple):
    """One call of a port. ``about`` is the mailbox, group or block it concerned."""

    port: str
    name: str
    about: str


@dataclass
class Fault:
    """Fail the calls called ``name`` in ``mailbox`` with ``error``: from the ``nth`` on, so many ``times``.

    ``after`` means that the write is done and only its answer is lost.
    """

    name: str
    error: GraphError
    mailbox: str | None = None
    nth: int = 1
    times: int = 1_000_000
    after: bool = False
    seen: int = 0

    def strikes(self, call: Call) -> bool:
        if call.name != self.name or self.mailbox not in (None, call.about):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class Journal:
    """Every call of every port in the order they were made; where to die; what to let fail."""

    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    die_at: int | None = None
    die_after_the_effect: bool = False
    dead: bool = False

    def of(self, *names: str, about: str | None = None) -> list[Call]:
        return [call for call in self.calls if call.name in names and about in (None, call.about)]

    def names(self, about: str | None = None) -> list[str]:
        return [call.name for call in self.calls if about in (None, call.about)]

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.of(*WRITES) if call.port != "queue"]

    def clear(self) -> None:
        self.calls.clear()

    async def around(self, call: Call, effect: Callable[[], Any]) -> Any:
        """Do what a call does, unless the process dies or the call is to fail."""
        if self.dead:
            raise Crash
        await asyncio.sleep(0)
        number = len(self.calls)
        self.calls.append(call)
        if self.die_at == number and not self.die_after_the_effect:
            self.dead = True
        if self.dead:
            raise Crash
        fault = next((fault for fault in self.faults if fault.strikes(call)), None)
        if fault and not fault.after:
            raise fault.error
        try:
            answer = effect()
        finally:
            if self.die_at == number:
                self.dead = True
                raise Crash
        if fault:
            raise fault.error
        return answer


_ALARM = 200.0
"""Seconds from which on a sleep is not one to wait for something but the end of one's patience."""


class HandClock:
    """Set by hand; its sleep moves it on, but for alarms: sleeps of minutes, which go off once ``alarmed`` is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.slept = 0.0
        self.alarmed = asyncio.Event()

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        if seconds >= _ALARM:
            await self.alarmed.wait()
            return
        self.slept += seconds
        self.at += timedelta(seconds=seconds)

    def pass_time(self, **length: float) -> None:
        self.at += timedelta(**length)
