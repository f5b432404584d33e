"""The state in a table of an Azure storage account, for Holdfast in Azure; ``table_rows.py`` draws the rows."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, time
from typing import Any

from holdfast.core.desired import ChoiceKey
from holdfast.core.tenant import TenantFacts
from holdfast.jobs.ports import Approval, Entry, Known, Learned, Placed, PostState, SignedIn
from holdfast.store import rows
from holdfast.store.account import Account
from holdfast.store.key import Key
from holdfast.store.table_messages import TableMessages
from holdfast.store.table_rows import EMPTY, Values, open_rows, part


class TableState(TableMessages):
    """Fills the port State, with what it inherits. Raises ``StateUnusable`` where the account does not play along."""

    # The approval

    async def approval(self) -> Approval | None:
        """The approval in force."""
        row = await self._one("approval")
        if row is None:
            return None
        at, groups = datetime.fromisoformat(row["at"]), rows.pins_of(row["groups"])
        return Approval(row["fingerprint"], row["settings"], at, groups, rows.texts_of(row["complete"]))

    async def approve(self, approval: Approval) -> None:
        """Put another approval in force."""
        row = {
            "fingerprint": approval.fingerprint,
            "settings": approval.settings,
            "at": rows.instant(approval.at),
            "groups": rows.pins_text(approval.groups),
            "complete": rows.texts(approval.complete),
        }
        await self._rows.put(self._single, "approval", row)

    async def withdraw(self) -> None:
        """Forget the approval."""
        await self._rows.drop(self._single, "approval")

    # Who has what

    async def placed(self) -> Mapping[str, Placed]:
        """Everybody who has blocks, by mailbox."""
        found = [_placed(row) async for _, row in self._rows.every(self._rows.partition("placed"))]
        return {one.mailbox: one for one in found}

    async def placed_of(self, mailboxes: Collection[str]) -> Mapping[str, Placed]:
        """Those of these mailboxes that have blocks."""
        found = await self._rows.get_each(self._rows.partition("placed"), list(map(part, mailboxes)))
        return {row["mailbox"]: _placed(row) for row in found}

    async def placed_at(self, address: str) -> Placed | None:
        """The mailbox with this address, of those that have blocks."""
        whose = await self._rows.get(self._rows.partition("address"), part(address))
        row = whose and await self._rows.get(self._rows.partition("placed"), part(whose["mailbox"]))
        return _placed(row) if row and row["address"].lower() == address else None

    async def place(self, placed: Placed) -> None:
        """Remember what a mailbox has; with no slots left, forget it."""
        partition, key, address = self._rows.partition("placed"), part(placed.mailbox), placed.address.lower()
        row = await self._rows.get(partition, key)
        before = row["address"].lower() if row else None
        if placed.slots:
            if address != before:  # and first, so that who is placed is always found
                await self._rows.put(self._rows.partition("address"), part(address), {"mailbox": placed.mailbox})
            row = {
                "mailbox": placed.mailbox,
                "address": placed.address,
                "slots": rows.slots_text(placed.slots),
                "audiences": rows.texts(placed.audiences),
                "declines": rows.texts(placed.declines),
                "name": placed.name,
            }
            await self._rows.put(partition, key, row)
        else:
            await self._rows.drop(partition, key)
        if before is not None and (before != address or not placed.slots):
            await self._rows.change(
                self._rows.partition("address"),
                part(before),
                lambda whose: EMPTY if whose and whose["mailbox"] == placed.mailbox else None,
            )

    # What mailboxes are like

    async def known(self, mailbox: str) -> Known | None:
        """The series of a mailbox as they were last read."""
        row = await self._rows.get(self._rows.partition("known"), part(mailbox))
        return Known(datetime.fromisoformat(row["at"]), rows.series_of(row["series"])) if row else None

    async def know(self, mailbox: str, known: Known | None) -> None:
        """Remember the series of a mailbox, or forget them."""
        partition, key = self._rows.partition("known"), part(mailbox)
        if known is None:
            await self._rows.drop(partition, key)
        else:
            row = {"at": rows.instant(known.read), "series": rows.series_text(known.series)}
            await self._rows.put(partition, key, row)

    async def profile(self, mailbox: str) -> Learned | None:
        """What a mailbox said of itself when it was last asked."""
        row = await self._rows.get(self._rows.partition("profile"), part(mailbox))
        return Learned(rows.profile_of(row["profile"]), datetime.fromisoformat(row["at"])) if row else None

    async def learn(self, mailbox: str, learned: Learned) -> None:
        """Remember what a mailbox says of itself."""
        row = {"at": rows.instant(learned.at), "profile": rows.profile_text(learned.profile)}
        await self._rows.put(self._rows.partition("profile"), part(mailbox), row)

    # What was posted

    async def posts(self, channel: str) -> list[Entry]:
        """The ledger of a channel, by period."""
        found = [_entry(channel, row) async for _, row in self._rows.every(self._rows.partition("post", channel))]
        return sorted(found, key=lambda entry: entry.period)

    async def begin_post(self, entry: Entry, *, holder: str, until: datetime, over: Collection[PostState] = ()) -> bool:
        """Write down that ``holder`` is about to post; False where it is not theirs to do."""
        at, open_states = rows.instant(entry.at), {PostState.POSTING.value, *(state.value for state in over)}
        held: Values = {"state": entry.state.value, "at": at, "holder": holder, "until": rows.instant(until)}

        def begun(before: Values | None) -> Values | None:
            if before is None:
                return {"period": entry.period, "message": "", "url": "", "hours": "{}", **held}
            free = before["until"] < at and before["state"] in open_states
            return {**before, **held} if free else None

        return await self._rows.change(self._rows.partition("post", entry.channel), part(entry.period), begun)

    async def end_post(self, entry: Entry, *, holder: str) -> None:
        """Write down what became of a post and let go of it, unless somebody else has taken it over meanwhile."""
        at = rows.instant(entry.at)
        ended: Values = {
            "period": entry.period,
            "state": entry.state.value,
            "at": at,
            "holder": holder,
            "until": at,
            "message": entry.message_id,
            "url": entry.url,
            "hours": json.dumps(dict(entry.hours)),
        }
        await self._rows.change(
            self._rows.partition("post", entry.channel),
            part(entry.period),
            lambda before: ended if before and before["holder"] == holder else None,
        )

    # What holds for the tenant

    async def choices(self) -> Mapping[ChoiceKey, time]:
        """The times of day chosen where the settings leave the choice."""
        found = [row async for _, row in self._rows.every(self._rows.partition("choice"))]
        return {ChoiceKey(*json.loads(row["key"])): time.fromisoformat(row["at"]) for row in found}

    async def choose(self, choices: Mapping[ChoiceKey, time]) -> None:
        """Keep these choices, besides those kept already for others."""
        partition = self._rows.partition("choice")
        writes = (
            self._rows.put(partition, "_".join(map(part, key)), {"key": json.dumps(key), "at": at.isoformat()})
            for key, at in choices.items()
        )
        await asyncio.gather(*writes)

    async def tenant_facts(self) -> TenantFacts | None:
        """What was last seen of how this tenant behaves."""
        row = await self._one("facts")
        return rows.facts_of(row["facts"]) if row else None

    async def learn_facts(self, facts: TenantFacts) -> None:
        """Remember how the tenant was seen to behave."""
        await self._rows.put(self._single, "facts", {"facts": rows.facts_text(facts)})

    async def floors(self) -> Mapping[str, int]:
        """The first generation to use for a block."""
        found = [row async for _, row in self._rows.every(self._rows.partition("floor"))]
        return {row["block"]: row["generation"] for row in found}

    async def raise_floor(self, block: str, generation: int) -> None:
        """Use at least this generation for a block from now on."""
        floor: Values = {"block": block, "generation": generation}
        await self._rows.change(
            self._rows.partition("floor"),
            part(block),
            lambda before: None if before and before["generation"] >= generation else floor,
        )

    async def last_run(self) -> Mapping[str, Any] | None:
        """The report of the last run."""
        row = await self._one("run")
        return json.loads(row["run"]) if row else None

    async def record_run(self, run: Mapping[str, Any]) -> None:
        """Remember a run as the last one."""
        await self._rows.put(self._single, "run", {"run": rows.data_text(run)})

    # One person

    async def mentions(self, mailbox: str, address: str) -> list[Any]:
        """What runs say of one person. What waits in Azure's queues cannot be looked through."""
        who = rows.named(mailbox, address)
        return [part async for _, _, _, data in self._told() for part in rows.mentions(data, who)]

    async def erase(self, mailbox: str, address: str) -> None:
        """Forget everything about one person. What waits in Azure's queues is worked off or gone within a week."""
        who = rows.named(mailbox, address)
        placed = (await self.placed_of([mailbox])).get(mailbox) or await self.placed_at(address.lower())
        for name in {mailbox, placed.mailbox if placed else ""} - {""}:
            for kind in ("placed", "known", "profile", "seen", "subscription"):
                await self._rows.drop(self._rows.partition(kind), part(name))
        for name in {address.lower(), placed.address.lower() if placed else ""} - {""}:
            await self._rows.drop(self._rows.partition("address"), part(name))
        for kind, name in (("touches", mailbox), ("sent", address.lower())):
            for one in self._key.pseudonyms(self._rows.tenant, name):
                await self._rows.drop(self._rows.partition(kind), one)
        for partition, key, column, data in [found async for found in self._told()]:
            if rows.mentions(data, who):
                await self._rows.change(partition, key, functools.partial(_without, column=column, who=who))

    async def _told(self) -> AsyncIterator[tuple[str, str, str, Any]]:
        """Every text that may name anybody besides: the keys of its row, its name there, and what it says."""
        last = await self._one("run")
        if last:
            yield self._single, "run", "run", json.loads(last["run"])
        runs = self._rows.partition("run")
        for key, row in [found async for found in self._rows.every(runs)]:
            yield runs, key, "run", json.loads(row["run"])
            shards = self._rows.partition("shard", row["id"])
            async for shard, result in self._rows.every(shards):
                if "result" in result:
                    yield shards, shard, "result", json.loads(result["result"])

    # The sign-in of who posts

    async def signed_in(self) -> SignedIn | None:
        """Whether an account has signed in to post."""
        row = await self._one("sign-in")
        return SignedIn(*(datetime.fromisoformat(row[name]) for name in ("since", "used"))) if row else None

    async def token_cache(self) -> bytes | None:
        """The tokens of the account that signed in. Raises ``NotSignedIn`` for those kept under a key that is gone."""
        row = await self._one("sign-in")
        return rows.opened(self._key, row["tokens"].encode()) if row else None

    async def keep_token_cache(self, data: bytes | None, at: datetime) -> None:
        """Keep the tokens of who has just signed in, or forget them."""
        if data is None:
            await self._rows.drop(self._single, "sign-in")
        else:
            tokens, since = self._key.seal(data).decode(), rows.instant(at)
            await self._rows.put(self._single, "sign-in", {"tokens": tokens, "since": since, "used": since})

    async def renew_token_cache(self, data: bytes, at: datetime, *, instead_of: bytes) -> bool:
        """Keep tokens that were got with those of ``instead_of``; False where these stand there no more."""
        sealed = self._key.seal(data).decode()

        def renewed(before: Values | None) -> Values | None:
            if before is None or rows.opened(self._key, before["tokens"].encode()) != instead_of:
                return None
            return {**before, "tokens": sealed, "used": rows.instant(at)}

        return await self._rows.change(self._single, "sign-in", renewed)

    @property
    def _single(self) -> str:
        return self._rows.partition("one")

    async def _one(self, name: str) -> Values | None:
        return await self._rows.get(self._single, name)


def _placed(row: Values) -> Placed:
    audiences, declines = rows.texts_of(row["audiences"]), rows.texts_of(row["declines"])
    return Placed(row["mailbox"], row["address"], rows.slots_of(row["slots"]), audiences, declines, row["name"])


def _entry(channel: str, row: Values) -> Entry:
    state, at = PostState(row["state"]), datetime.fromisoformat(row["at"])
    return Entry(channel, row["period"], state, at, row["message"], row["url"], json.loads(row["hours"]))


def _without(row: Values | None, *, column: str, who: frozenset[str]) -> Values | None:
    """A row whose text says nothing of somebody any more."""
    return {**row, column: json.dumps(rows.without(json.loads(row[column]), who), ensure_ascii=False)} if row else None


@asynccontextmanager
async def open_state(account: Account, tenant: str, key: Key) -> AsyncIterator[TableState]:
    """The state of one tenant in the table of an account. What people did is kept under names that only ``key`` makes.

    Nothing is sent before something is read or written.
    """
    async with open_rows(account, tenant) as own:
        yield TableState(own, key)
