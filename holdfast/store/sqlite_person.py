"""What a SQLite file holds of one person, and forgetting it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from holdfast.store import rows
from holdfast.store.key import Key
from holdfast.store.sqlite_file import SqliteRows

_BY_MAILBOX = (
    "delete from placed where tenant = ? and mailbox = ?",
    "delete from known where tenant = ? and mailbox = ?",
    "delete from profile where tenant = ? and mailbox = ?",
    "delete from seen where tenant = ? and mailbox = ?",
    "delete from subscription where tenant = ? and mailbox = ?",
)
_BY_ADDRESS = "delete from placed where tenant = ? and small(address) = ?"
_BY_PSEUDONYM_OF_THE_MAILBOX = "delete from touches where tenant = ? and who = ?"
_BY_PSEUDONYM_OF_THE_ADDRESS = "delete from sent where tenant = ? and who = ?"
_TOLD = {
    "select rowid, run from run where tenant = ?": "update run set run = ?2 where tenant = ?1 and rowid = ?3",
    "select rowid, run from job_run where tenant = ?": "update job_run set run = ?2 where tenant = ?1 and rowid = ?3",
    "select rowid, result from shard where tenant = ?": "update shard set result = ?2 where tenant = ?1 and rowid = ?3",
    "select rowid, text from queue where tenant = ?": "update queue set text = ?2 where tenant = ?1 and rowid = ?3",
}
"""How plain data is read that may name people among others, and how it is written."""

_NOBODYS = "delete from queue where tenant = ? and rowid = ?"


def mentions(own: SqliteRows, who: frozenset[str]) -> list[Any]:
    """The parts of runs and of messages that are about somebody."""
    told = [json.loads(text) for query in _TOLD for _, text in own.all(query)]
    return [part for one in told for part in ([one] if rows.is_about(one, who) else rows.mentions(one, who))]


async def erase(own: SqliteRows, key: Key, mailbox: str, address: str) -> None:
    """Forget everything about somebody, all or nothing, down to what the file's free space still shows of it.

    Raises ``StateUnusable`` where that last is in use by others.
    """
    address, who = address.lower(), rows.named(mailbox, address)
    writes = [own.do(statement, mailbox) for statement in _BY_MAILBOX]
    writes.append(own.do(_BY_ADDRESS, address))
    writes += [own.do(_BY_PSEUDONYM_OF_THE_MAILBOX, one) for one in key.pseudonyms(own.tenant, mailbox)]
    writes += [own.do(_BY_PSEUDONYM_OF_THE_ADDRESS, one) for one in key.pseudonyms(own.tenant, address)]
    for query, update in _TOLD.items():
        for row, text in own.all(query).fetchall():
            data = json.loads(text)
            if "queue" in query and rows.is_about(data, who):  # a hint is about one mailbox and nothing without it
                writes.append(own.do(_NOBODYS, row))
            elif rows.mentions(data, who):
                writes.append(own.do(update, json.dumps(rows.without(data, who), ensure_ascii=False), row))
    await asyncio.gather(*writes)
    own.scrub()
