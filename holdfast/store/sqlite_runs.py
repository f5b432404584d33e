"""What jobs remember in SQLite that run by themselves: looks, subscriptions, ticks, and runs in shards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from holdfast.jobs.ports import Run, Seen, Subscription
from holdfast.store import rows
from holdfast.store.sqlite_file import SqliteRows


class SqliteRuns:
    """The methods of the port State that are about these."""

    def __init__(self, own: SqliteRows) -> None:
        self._rows = own

    async def seen(self, mailbox: str) -> Seen | None:
        """When a mailbox was last looked at, and what was ours there."""
        row = self._rows.one("select at, etags from seen where tenant = ? and mailbox = ?", mailbox)
        return Seen(datetime.fromisoformat(row[0]), rows.texts_of(row[1])) if row else None

    async def see(self, mailbox: str, seen: Seen | None) -> None:
        """Remember a look, unless a later one is, or forget it."""
        if seen is None:
            await self._rows.do("delete from seen where tenant = ? and mailbox = ?", mailbox)
            return
        await self._rows.do(
            "insert into seen values (?, ?, ?, ?) on conflict do update "
            "set at = excluded.at, etags = excluded.etags where seen.at <= excluded.at",
            mailbox,
            rows.instant(seen.at),
            rows.texts(seen.etags),
        )

    async def subscriptions(self) -> Mapping[str, Subscription]:
        """Every subscription, by mailbox."""
        found = map(_subscription, self._rows.all(_SUBSCRIPTION + " where tenant = ?"))
        return {one.mailbox: one for one in found}

    async def subscribed(self, mailbox: str) -> Subscription | None:
        """The subscription of a mailbox."""
        row = self._rows.one(_SUBSCRIPTION + " where tenant = ? and mailbox = ?", mailbox)
        return _subscription(row) if row else None

    async def subscribe(self, subscription: Subscription) -> None:
        """Remember a subscription instead of the one before."""
        row = subscription.mailbox, subscription.id, rows.instant(subscription.expires), subscription.mark
        await self._rows.do("insert or replace into subscription values (?, ?, ?, ?, ?)", *row)

    async def unsubscribe(self, mailbox: str) -> None:
        """Forget the subscription of a mailbox."""
        await self._rows.do("delete from subscription where tenant = ? and mailbox = ?", mailbox)

    async def begin_tick(self, job: str, slot: datetime) -> bool:
        """Write down that a job is done for a time; False where it was, for that one or a later one."""
        statement = (
            "insert into tick values (?, ?, ?) on conflict do update set slot = excluded.slot "
            "where tick.slot < excluded.slot"
        )
        return await self._rows.do(statement, job, rows.instant(slot)) == 1

    async def begin_run(self, run: Run) -> None:
        """Write down a run that is begun."""
        row = run.id, run.job, rows.instant(run.began), rows.run_text(run)
        await self._rows.do("insert or replace into job_run values (?, ?, ?, ?, ?)", *row)

    async def run(self, run_id: str) -> Run | None:
        """A run by its id."""
        row = self._rows.one("select run from job_run where tenant = ? and id = ?", run_id)
        return rows.run_of(row[0]) if row else None

    async def change_run(self, before: Run, after: Run) -> bool:
        """Write ``after`` in the place of ``before``; False where that stands there no more."""
        statement = "update job_run set run = ?4 where tenant = ?1 and id = ?2 and run = ?3"
        return await self._rows.do(statement, before.id, rows.run_text(before), rows.run_text(after)) == 1

    async def latest_run(self, job: str) -> Run | None:
        """The run of a job that was begun last."""
        query = "select run from job_run where tenant = ? and job = ? order by began desc, id desc limit 1"
        row = self._rows.one(query, job)
        return rows.run_of(row[0]) if row else None

    async def record_shard(self, run_id: str, stage: str, index: int, result: Mapping[str, Any], *, of: int) -> bool:
        """Write down what became of a shard; whether now all ``of`` shards are there."""
        row = run_id, stage, index, rows.data_text(result)
        await self._rows.do("insert or replace into shard values (?, ?, ?, ?, ?)", *row)
        count = self._rows.one("select count(*) from shard where tenant = ? and run = ? and stage = ?", run_id, stage)
        return count is not None and bool(count[0] >= of)

    async def shards(self, run_id: str, stage: str) -> Sequence[Mapping[str, Any]]:
        """What became of the shards of a stage, in the order of their indexes."""
        query = "select result from shard where tenant = ? and run = ? and stage = ? order by number"
        return [json.loads(result) for (result,) in self._rows.all(query, run_id, stage)]

    async def forget_runs(self, before: datetime) -> None:
        """Forget the runs, with their shards, that were begun before."""
        at = rows.instant(before)
        old = "delete from shard where tenant = ?1 and run in (select id from job_run where tenant = ?1 and began < ?2)"
        await self._rows.do(old, at)
        await self._rows.do("delete from job_run where tenant = ? and began < ?", at)


_SUBSCRIPTION = "select mailbox, id, expires, mark from subscription"


def _subscription(row: tuple[Any, ...]) -> Subscription:
    mailbox, subscription_id, expires, mark = row
    return Subscription(mailbox, subscription_id, datetime.fromisoformat(expires), mark)
