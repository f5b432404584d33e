"""What may keep it from beginning, what may go wrong with work that goes on by itself, and how that is told."""

from __future__ import annotations

import traceback

from holdfast.core.errors import GraphError
from holdfast.core.settings import SettingsError
from holdfast.jobs.audience import AudienceError
from holdfast.store.errors import StateUnusable
from holdfast.store.key import KeyUnusable
from holdfast.wiring import SetupError


class AlreadyServing(Exception):
    """Another process serves this state file."""


class PortTaken(Exception):
    """A port cannot be listened on; the message names the option that gives another."""


class QueuesElsewhere(Exception):
    """The state is in Azure's tables, whose queues its functions work off."""


UNSET = (SettingsError, SetupError, StateUnusable, KeyUnusable)
"""What keeps everything from working, until somebody puts settings, environment or files right."""

EXPECTED = (*UNSET, AudienceError, GraphError)
"""What an admin can do something about: each says itself what."""


def told(error: Exception) -> dict[str, str]:
    """An error as values of a log line: in its own words where it has any for an admin, else where it came from."""
    if isinstance(error, GraphError):
        request = {"request_id": error.request_id} if error.request_id else {}
        return {"why": f"{error.message} {error.cure}", **request}
    if isinstance(error, EXPECTED):
        return {"why": str(error)}
    return {"error": type(error).__name__, "traceback": "".join(traceback.format_exception(error))}
