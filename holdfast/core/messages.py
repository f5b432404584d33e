"""What stands in the messages that jobs leave for each other, as values that go to text and back.

A message may be read by a newer program than wrote it, or be nobody's at all: what cannot be understood is told as
``BadMessage``, and never half done.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from holdfast.core.report import Excuse
from holdfast.core.tally import Tally

SHARD_SIZE = 20
"""Mailboxes in a shard: as many as calls go into one batch (``concepts/json-batching.md``)."""


class BadMessage(Exception):
    """A message that is not one of ours, or not one that can be understood."""


class Stage(enum.StrEnum):
    """What is done in a shard of a run.

    First everybody is looked at and what needs no judgement of the whole is put right. What an edit, a group or the
    directory asks for is counted, judged by the guard over everybody, and only then done.
    """

    LOOK = "look"
    DECIDED = "decided"


class Leave(enum.StrEnum):
    """What a shard may write."""

    NOTHING = "nothing"
    DRIFT = "drift"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Task:
    """One mailbox of a shard, with what the directory said of its owner."""

    mailbox: str
    address: str
    audiences: frozenset[str] = frozenset()
    in_audience: bool = True
    excuse: Excuse | None = None
    declines: frozenset[str] = frozenset()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some mailboxes of a run. ``attempt`` counts how often the rest was put back, ``so_far`` what became of others.

    ``reviewed`` are the marks of changes that somebody has said yes to, by mailbox: no others are made then.
    """

    run: str
    stage: Stage
    index: int
    leave: Leave
    tasks: tuple[Task, ...]
    attempt: int = 0
    so_far: Mapping[str, Any] = field(default_factory=dict)
    reviewed: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The message."""
        return _text(
            {
                "run": self.run,
                "stage": self.stage.value,
                "index": self.index,
                "leave": self.leave.value,
                "tasks": [task_row(task) for task in self.tasks],
                "attempt": self.attempt,
                "so_far": dict(self.so_far),
                "reviewed": dict(self.reviewed),
            }
        )

    @classmethod
    def parse(cls, text: str | bytes) -> Shard:
        """The shard that a message is about. Raises ``BadMessage``."""
        data = _data(text)
        try:
            return cls(
                _string(data["run"]),
                Stage(data["stage"]),
                _number(data["index"]),
                Leave(data["leave"]),
                tuple(task_of(one) for one in _list(data["tasks"])),
                _number(data["attempt"]),
                _tallied(data["so_far"]),
                {mailbox: _string(mark) for mailbox, mark in _mapping(data.get("reviewed", {})).items()},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadMessage(f"A message is not about a shard: {type(error).__name__}.") from error


@dataclass(frozen=True, slots=True)
class Heard:
    """What Graph said has changed: an event of a mailbox, how (created, updated or deleted), and its ETag since."""

    event_id: str
    change: str
    etag: str = ""


class Care(enum.StrEnum):
    """What Graph wants to be done with a subscription: it stops telling unless it is renewed, or has ended it."""

    RENEW = "renew"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Hint:
    """That something may have been touched in a mailbox, received at ``at``; without ``heard``, anything may.

    ``care`` is what ``subscription``, the one with this id, needs besides.
    """

    mailbox: str
    at: datetime
    heard: tuple[Heard, ...] = ()
    care: Care | None = None
    subscription: str = ""

    @property
    def tells_of_touches(self) -> bool:
        """Whether the mailbox is to be looked at: not where nothing is asked for but a renewal."""
        return self.care is not Care.RENEW

    def text(self) -> str:
        """The message."""
        data: dict[str, object] = {"mailbox": self.mailbox, "at": self.at.isoformat()}
        data["heard"] = [[one.event_id, one.change, one.etag] for one in self.heard]
        if self.care is not None:
            data |= {"care": self.care.value, "subscription": self.subscription}
        return _text(data)

    @classmethod
    def parse(cls, text: str | bytes) -> Hint:
        """The hint that a message gives. Raises ``BadMessage``."""
        data = _data(text)
        try:
            heard = tuple(Heard(*map(_string, one)) for one in _list(data["heard"]))
            care = None if data.get("care") is None else Care(data["care"])
            at = datetime.fromisoformat(_string(data["at"]))
            hint = cls(_string(data["mailbox"]), at, heard, care, _string(data.get("subscription", "")))
        except (KeyError, TypeError, ValueError) as error:
            raise BadMessage(f"A message is not a hint: {type(error).__name__}.") from error
        if hint.at.tzinfo is None:
            raise BadMessage("A hint does not say in which zone it was received.")
        return hint


def shard_of(mailbox: str, shards: int) -> int:
    """The shard that a mailbox belongs to, of so many: the same one in every run with as many."""
    return int.from_bytes(hashlib.sha256(mailbox.encode()).digest()[:8]) % shards


def task_row(task: Task) -> list[object]:
    """A mailbox of a shard as plain data."""
    return [
        task.mailbox,
        task.address,
        sorted(task.audiences),
        task.in_audience,
        task.excuse.value if task.excuse else None,
        sorted(task.declines),
        task.name,
    ]


def task_of(data: object) -> Task:
    """The mailbox that was plain data. Raises ``TypeError`` or ``ValueError`` for what is none."""
    mailbox, address, audiences, in_audience, excuse, declines, name = _list(data)
    return Task(
        _string(mailbox),
        _string(address),
        frozenset(map(_string, _list(audiences))),
        in_audience is True,
        None if excuse is None else Excuse(excuse),
        frozenset(map(_string, _list(declines))),
        _string(name),
    )


def _tallied(value: object) -> Mapping[str, Any]:
    for row in Tally.parse(_mapping(value)).deferred:
        task_of(row)
    return _mapping(value)


def _text(data: Mapping[str, object]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _data(text: str | bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadMessage("A message is not a JSON object.") from error


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value
