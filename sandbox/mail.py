"""What was sent by mail, kept for tests to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it went out. Everybody is an address; ``body`` is HTML.

    ``response`` is what it answers to an invitation, and None where it is a mail of its own.
    """

    sender: str
    to: tuple[str, ...]
    subject: str
    body: str
    at: datetime
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    importance: str = "normal"
    headers: Mapping[str, str] = field(default_factory=dict)
    saved: bool = True
    """Whether the sender's Sent Items have a copy."""
    response: str | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it goes to, in whatever field."""
        return self.to + self.cc + self.bcc
