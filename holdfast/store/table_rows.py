"""How rows are laid out, read and written in the table ``holdfast`` of an Azure storage account.

    PartitionKey           RowKey                  what the row holds
    TENANT_one             approval, facts, run,   one thing of the tenant each
                           sign-in
    TENANT_placed          mailbox                 who has which slots
    TENANT_address         address, small letters  whose address it is or was
    TENANT_known           mailbox                 the series of a calendar
    TENANT_profile         mailbox                 what a mailbox says of itself
    TENANT_seen            mailbox                 when it was last looked at
    TENANT_subscription    mailbox                 Graph's promise to tell of changes
    TENANT_touches         pseudonym of a mailbox  what its owner did
    TENANT_sent            pseudonym of an address the messages sent to it, all in one row
    TENANT_post_CHANNEL    period                  the posting ledger
    TENANT_choice          block_audience_days     a time of day that was chosen
    TENANT_floor           block                   a first generation
    TENANT_tick            job                     the time it was last done for
    TENANT_run             run                     a run, as far as it has come
    TENANT_shard_RUN       s_STAGE_GROUP_INDEX     what became of a shard
                           w_STAGE_GROUP           that all shards of a group are there

What many may write at once is written with If-Match, by who has read it: of two, one reads again. A partition takes
2,000 requests a second, and a mailbox costs each of its partitions one or two, so that a thousand mailboxes a second
fit, which is more than Graph lets anybody look at.

Sources: learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model (keys, sizes) and
/azure/storage/tables/scalability-targets.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableTransactionError, TransactionOperation, UpdateMode
from azure.data.tables.aio import TableClient

from holdfast.store.account import TABLE_ROLE, Account, understood
from holdfast.store.errors import StateUnusable

TABLE = "holdfast"

AT_ONCE = 32
"""Requests that are sent at the same time for one question."""

_LONGEST_PART = 120
"""Characters of one part of a key; a key of all its parts may have 512."""
_LONGEST_TEXT = 16_000
"""Characters of a text that is kept as it is: 64 KiB in UTF-16 hold twice as many, or as many that take two units."""
_PIECE = 60_000
"""Bytes of a property that holds a piece of a longer text, compressed."""
_MOST_PIECES = 15
"""So that a row stays below 1 MiB."""
_TOGETHER = 100
"""Rows that one transaction can take away."""
_PATIENCE = 100
"""How often a row is read again that others keep writing; each time one of them has got through."""

_UNSAFE = re.compile(rb"[^A-Za-z0-9.-]")

Values = dict[str, Any]
EMPTY: Values = {}
"""The answer of a change that takes a row away."""


def part(text: str) -> str:
    """A text as a part of a key, in which slashes, #, ? and control characters may not stand.

    What is not a letter from a to z, a digit, a dot or a hyphen is written as ~ and its bytes' numbers, and a long text
    as its beginning and a hash. Of two texts the parts are never the same; none is empty, and "_" and "`" are in none.
    """
    if not text:
        return "~"
    safe = _UNSAFE.sub(lambda found: b"~%02x" % found[0][0], text.encode()).decode()
    if len(safe) <= _LONGEST_PART:
        return safe
    return f"{safe[:40]}~~{hashlib.sha256(text.encode()).hexdigest()}"


class TableRows:
    """The rows of one tenant in a table. Values are texts and numbers of any length that the rest of a row leaves.

    Everything raises ``StateUnusable`` for an account that refuses or does not answer.
    """

    def __init__(self, client: TableClient, tenant: str) -> None:
        self._client = client
        self.tenant = tenant
        self._url = str(client.url)

    def partition(self, *kind: str) -> str:
        """The partition of a kind of rows, which is further told apart by ids of any text."""
        return "_".join(map(part, (self.tenant, *kind)))

    async def get(self, partition: str, row: str) -> Values | None:
        """The values of a row; None where there is none."""
        found = await self._get(partition, row)
        return found[0] if found else None

    async def get_each(self, partition: str, rows: Collection[str]) -> list[Values]:
        """The values of these rows, of those that are there."""
        room = asyncio.Semaphore(AT_ONCE)

        async def get(row: str) -> Values | None:
            async with room:
                return await self.get(partition, row)

        return [found for found in await asyncio.gather(*map(get, rows)) if found is not None]

    async def every(
        self, partition: str, where: str = "", *, keys_only: bool = False, **values: str
    ) -> AsyncIterator[tuple[str, Values]]:
        """The rows of a partition with their keys, by key, by an OData filter over ``@name`` for each of ``values``."""
        query = "PartitionKey eq @partition" + (f" and {where}" if where else "")
        with understood(self._url, TABLE_ROLE):
            try:
                async for entity in self._client.query_entities(
                    query,
                    parameters={"partition": partition, **values},
                    select=["RowKey"] if keys_only else None,
                ):
                    yield str(entity["RowKey"]), _unpacked(entity)
            except ResourceNotFoundError:  # there is no table yet
                return

    def beginning(
        self, partition: str, beginning: str, *, keys_only: bool = False
    ) -> AsyncIterator[tuple[str, Values]]:
        """The rows of a partition whose keys begin so, up to where a part ends."""
        within = "RowKey ge @first and RowKey lt @past"  # "`" comes after "_"
        return self.every(partition, within, keys_only=keys_only, first=f"{beginning}_", past=f"{beginning}`")

    async def put(self, partition: str, row: str, values: Values) -> None:
        """Write a row instead of what stood there."""
        entity = self._packed(partition, row, values)
        with understood(self._url, TABLE_ROLE):
            try:
                await self._client.upsert_entity(entity, mode=UpdateMode.REPLACE)
            except ResourceNotFoundError:
                await self._make_table()
                await self._client.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def drop(self, partition: str, row: str) -> None:
        """Take a row away; one that is not there counts as done."""
        with understood(self._url, TABLE_ROLE):
            await self._client.delete_entity(partition, row)

    async def drop_every(self, partition: str) -> None:
        """Take all rows of a partition away."""
        keys = [key async for key, _ in self.every(partition, keys_only=True)]
        for first in range(0, len(keys), _TOGETHER):
            some = keys[first : first + _TOGETHER]
            whole = [(TransactionOperation.DELETE, {"PartitionKey": partition, "RowKey": key}) for key in some]
            with understood(self._url, TABLE_ROLE):
                try:
                    await self._client.submit_transaction(whole)
                except (ResourceNotFoundError, TableTransactionError):  # somebody else takes them away, too
                    for key in some:
                        await self._client.delete_entity(partition, key)

    async def change(self, partition: str, row: str, decide: Callable[[Values | None], Values | None]) -> bool:
        """Write what ``decide`` makes of a row, unless it makes None of it; whether something was written.

        It is told None where there is no row, answers ``EMPTY`` to take it away, and is asked again where somebody else
        writes the row meanwhile: it must have no effect.
        """
        for _ in range(_PATIENCE):
            before = await self._get(partition, row)
            after = decide(before[0] if before else None)
            if after is None or (not after and before is None):
                return False
            if await self._exchange(partition, row, before[1] if before else None, after):
                return True
        raise StateUnusable(
            f"{self._url} has rows that others keep writing. See that only one Holdfast works for this tenant."
        )

    async def _exchange(self, partition: str, row: str, etag: str | None, after: Values) -> bool:
        """Write a row, or take it away, if it still is what it was; whether it was."""
        entity = self._packed(partition, row, after)
        guard: Mapping[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        with understood(self._url, TABLE_ROLE):
            try:
                if etag is None:
                    await self._create(entity)
                elif after:
                    await self._client.update_entity(entity, mode=UpdateMode.REPLACE, **guard)
                else:
                    await self._client.delete_entity(partition, row, **guard)
            except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
                return False
        return True

    async def _create(self, entity: Values) -> None:
        try:
            await self._client.create_entity(entity)
        except ResourceNotFoundError:
            await self._make_table()
            await self._client.create_entity(entity)

    async def _get(self, partition: str, row: str) -> tuple[Values, str] | None:
        with understood(self._url, TABLE_ROLE):
            try:
                entity = await self._client.get_entity(partition, row)
            except ResourceNotFoundError:
                return None
        return _unpacked(entity), str(entity.metadata["etag"])

    async def _make_table(self) -> None:
        try:
            await self._client.create_table()
        except ResourceExistsError:  # somebody else was faster
            return

    def _packed(self, partition: str, row: str, values: Values) -> Values:
        """An entity: a text too long for one property is compressed and cut into pieces, NAME_0 and so on."""
        entity: Values = {"PartitionKey": partition, "RowKey": row}
        pieces = 0
        for name, value in values.items():
            if not isinstance(value, str) or len(value) <= _LONGEST_TEXT:
                entity[name] = value
                continue
            whole = zlib.compress(value.encode())
            cut = [whole[first : first + _PIECE] for first in range(0, len(whole), _PIECE)]
            entity |= {f"{name}_{number}": piece for number, piece in enumerate(cut)}
            pieces += len(cut)
        if pieces > _MOST_PIECES:
            raise StateUnusable(f"{self._url} has no room in one row for what is to be remembered ({partition} {row}).")
        return entity


def _unpacked(entity: Mapping[str, Any]) -> Values:
    values: Values = {}
    pieces: dict[str, dict[int, bytes]] = {}
    for name, value in entity.items():
        if isinstance(value, bytes):
            whole, _, number = name.rpartition("_")
            pieces.setdefault(whole, {})[int(number)] = value
        elif name not in ("PartitionKey", "RowKey"):
            values[name] = value
    for name, cut in pieces.items():
        values[name] = zlib.decompress(b"".join(piece for _, piece in sorted(cut.items()))).decode()
    return values


@asynccontextmanager
async def open_rows(account: Account, tenant: str) -> AsyncIterator[TableRows]:
    """The rows of one tenant. Nothing is sent before something is read or written; the table is made by the first."""
    async with (
        account.credential() as credential,
        TableClient(account.tables, TABLE, credential=credential) as client,
    ):
        yield TableRows(client, tenant)
