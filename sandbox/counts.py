"""What really happened in a tenant, counted by the tenant: tests compare a client's own account with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """Since the tenant was made, or since ``clear``.

    ``requests`` are HTTP requests to Graph, ``calls`` what was asked in them by method and kind of resource, the items
    of a batch one by one; ``paths`` are the same by method and path, such as ``GET /users/*/events/*/instances``.
    ``bytes`` are those of the bodies of answers by these paths, whether they arrived or not; an item of a batch has its
    part of the batch's answer, and ``POST /$batch`` what is left of that. ``mails`` are those that real Exchange would
    have sent for what applications did, one per person. ``posts`` are messages that came into a channel through Graph
    or by a workflow, by the channel's id, and ``replies`` the replies that came through Graph.

    ``subscriptions`` were ``made``, ``renewed``, ``reauthorized``, ``deleted`` by their owners, ``removed`` by the
    service, or have ``lapsed``. ``notifications`` count items: ``raised`` by changes, ``sent`` and taken, ``retried``
    once for each attempt after the first, ``dropped`` because nobody took them, ``lost`` by mishap, ``forged`` besides,
    and ``paused`` for want of a new authorisation; ``lifecycle`` are the items of that kind among those sent, and
    ``requests`` the POSTs.
    """

    requests: int = 0
    tokens: int = 0
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    throttled: Counter[str] = field(default_factory=Counter)
    early_retries: int = 0
    most_in_flight: dict[str, int] = field(default_factory=dict)
    mails: int = 0
    posts: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    subscriptions: Counter[str] = field(default_factory=Counter)
    notifications: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Begin again."""
        self.requests = self.tokens = self.writes = self.early_retries = self.mails = 0
        self.calls.clear()
        self.paths.clear()
        self.bytes.clear()
        self.throttled.clear()
        self.most_in_flight.clear()
        self.posts.clear()
        self.replies.clear()
        self.subscriptions.clear()
        self.notifications.clear()

    def json(self) -> dict[str, Any]:
        """For the control routes."""
        return {
            "requests": self.requests,
            "tokens": self.tokens,
            "calls": {f"{method} {kind}": count for (method, kind), count in sorted(self.calls.items())},
            "paths": dict(sorted(self.paths.items())),
            "bytes": dict(sorted(self.bytes.items())),
            "writes": self.writes,
            "throttled": dict(self.throttled),
            "early_retries": self.early_retries,
            "most_in_flight": max(self.most_in_flight.values(), default=0),
            "mails": self.mails,
            "posts": dict(self.posts),
            "replies": dict(self.replies),
            "subscriptions": dict(self.subscriptions),
            "notifications": dict(self.notifications),
        }
