"""One process for each state file: two would take turns at the same queues and sign in beside each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.serve.failing import AlreadyServing
from holdfast.store.errors import StateUnusable


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Be the one who serves a state file. Raises ``AlreadyServing``, and ``StateUnusable`` where no file can be made.

    A lock of SQLite's on an empty file beside it, because that works alike on every system and ends with its process,
    however that ends. It is no lock on the state itself, which commands use meanwhile.
    """
    state = state.resolve()
    path = state.with_name(f"{state.stem}.serving.db")
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise StateUnusable(f"{path} cannot be made: {error}. Set HOLDFAST_STATE.") from error
    try:
        try:
            connection.execute("begin exclusive")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise StateUnusable(f"{path} cannot be used: {error}. Set HOLDFAST_STATE.") from error
            raise AlreadyServing(
                f"`holdfast serve` is running already for the state file {state}. End that one first, or let it be."
            ) from None
        yield
    finally:
        connection.close()
