"""What jobs remember in a table that run by themselves: looks, subscriptions, ticks, and runs in shards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from holdfast.jobs.ports import Run, Seen, Subscription
from holdfast.store import rows
from holdfast.store.table_rows import EMPTY, TableRows, Values, part

GROUP = 64
"""Shards that are counted together: once all of a group are there, a row of their own says so.

So whoever records one counts its group at most and, where that is whole, the groups, instead of thousands of shards.
"""


class TableRuns:
    """The methods of the port State that are about these."""

    def __init__(self, own: TableRows) -> None:
        self._rows = own

    async def seen(self, mailbox: str) -> Seen | None:
        """When a mailbox was last looked at, and what was ours there."""
        row = await self._rows.get(self._rows.partition("seen"), part(mailbox))
        return Seen(datetime.fromisoformat(row["at"]), rows.texts_of(row["etags"])) if row else None

    async def see(self, mailbox: str, seen: Seen | None) -> None:
        """Remember a look, unless a later one is, or forget it."""
        partition = self._rows.partition("seen")
        if seen is None:
            await self._rows.drop(partition, part(mailbox))
            return
        look: Values = {"at": rows.instant(seen.at), "etags": rows.texts(seen.etags)}
        await self._rows.change(
            partition, part(mailbox), lambda before: None if before and before["at"] > look["at"] else look
        )

    async def subscriptions(self) -> Mapping[str, Subscription]:
        """Every subscription, by mailbox."""
        found = [_subscription(row) async for _, row in self._rows.every(self._rows.partition("subscription"))]
        return {one.mailbox: one for one in found}

    async def subscribed(self, mailbox: str) -> Subscription | None:
        """The subscription of a mailbox."""
        row = await self._rows.get(self._rows.partition("subscription"), part(mailbox))
        return _subscription(row) if row else None

    async def subscribe(self, subscription: Subscription) -> None:
        """Remember a subscription instead of the one before."""
        row = {
            "mailbox": subscription.mailbox,
            "id": subscription.id,
            "expires": rows.instant(subscription.expires),
            "mark": subscription.mark,
        }
        await self._rows.put(self._rows.partition("subscription"), part(subscription.mailbox), row)

    async def unsubscribe(self, mailbox: str) -> None:
        """Forget the subscription of a mailbox."""
        await self._rows.drop(self._rows.partition("subscription"), part(mailbox))

    async def begin_tick(self, job: str, slot: datetime) -> bool:
        """Write down that a job is done for a time; False where it was, for that one or a later one."""
        at = rows.instant(slot)
        return await self._rows.change(
            self._rows.partition("tick"),
            part(job),
            lambda before: None if before and before["slot"] >= at else {"slot": at},
        )

    async def begin_run(self, run: Run) -> None:
        """Write down a run that is begun."""
        await self._rows.put(self._rows.partition("run"), part(run.id), _run(run))

    async def run(self, run_id: str) -> Run | None:
        """A run by its id."""
        row = await self._rows.get(self._rows.partition("run"), part(run_id))
        return rows.run_of(row["run"]) if row else None

    async def change_run(self, before: Run, after: Run) -> bool:
        """Write ``after`` in the place of ``before``; False where that stands there no more."""
        expected = rows.run_text(before)
        return await self._rows.change(
            self._rows.partition("run"),
            part(before.id),
            lambda found: _run(after) if found and found["run"] == expected else None,
        )

    async def latest_run(self, job: str) -> Run | None:
        """The run of a job that was begun last. As many are read as are not forgotten yet."""
        partition = self._rows.partition("run")
        found = [row async for _, row in self._rows.every(partition, "job eq @job", job=part(job))]
        latest = max(found, key=lambda row: (row["began"], row["id"]), default=None)
        return rows.run_of(latest["run"]) if latest else None

    async def record_shard(self, run_id: str, stage: str, index: int, result: Mapping[str, Any], *, of: int) -> bool:
        """Write down what became of a shard; whether now all ``of`` shards are there."""
        partition = self._rows.partition("shard", run_id)
        group = index // GROUP
        ours = f"s_{part(stage)}_{group:06}"
        await self._rows.put(partition, f"{ours}_{index:08}", {"result": rows.data_text(result)})
        if await self._count(partition, ours) < min(GROUP, of - group * GROUP):
            return False
        await self._rows.put(partition, f"w_{part(stage)}_{group:06}", EMPTY)
        return await self._count(partition, f"w_{part(stage)}") >= -(-of // GROUP)

    async def shards(self, run_id: str, stage: str) -> Sequence[Mapping[str, Any]]:
        """What became of the shards of a stage, in the order of their indexes."""
        partition = self._rows.partition("shard", run_id)
        return [json.loads(row["result"]) async for _, row in self._rows.beginning(partition, f"s_{part(stage)}")]

    async def forget_runs(self, before: datetime) -> None:
        """Forget the runs, with their shards, that were begun before."""
        partition = self._rows.partition("run")
        at = rows.instant(before)
        for key, row in [found async for found in self._rows.every(partition, "began lt @at", at=at)]:
            await self._rows.drop_every(self._rows.partition("shard", row["id"]))
            await self._rows.drop(partition, key)

    async def _count(self, partition: str, beginning: str) -> int:
        return len([key async for key, _ in self._rows.beginning(partition, beginning, keys_only=True)])


def _run(run: Run) -> Values:
    return {"id": run.id, "job": part(run.job), "began": rows.instant(run.began), "run": rows.run_text(run)}


def _subscription(row: Values) -> Subscription:
    return Subscription(row["mailbox"], row["id"], datetime.fromisoformat(row["expires"]), row["mark"])
