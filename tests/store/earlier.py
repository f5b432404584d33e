"""Files as earlier versions left them, made of one of today's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

ADDED_BY_8 = ("seen", "subscription", "tick", "job_run", "shard", "queue")


def make_earlier(path: Path, version: int, *without: str) -> None:
    """Take away what version 8 added, do the statements ``without``, and give the file the number of a version."""
    with closing(sqlite3.connect(path)) as raw:
        for table in ADDED_BY_8:
            raw.execute(f"drop table {table}")
        for column in ("audiences", "declines", "name"):
            raw.execute(f"alter table placed drop column {column}")
        for statement in without:
            raw.execute(statement)
        raw.execute(f"pragma user_version = {version}")
        raw.commit()
