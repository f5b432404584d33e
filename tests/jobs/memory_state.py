"""A state in memory, with the promises of those that last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from holdfast.core.desired import ChoiceKey
from holdfast.core.tenant import TenantFacts
from holdfast.core.touches import Touches
from holdfast.jobs.ports import Approval, Entry, Known, Learned, Placed, PostState, Run, Seen, SignedIn, Subscription
from holdfast.store import rows
from tests.jobs.memory_journal import Call, Journal


class MemoryState:
    """A state that lasts as long as the test."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal or Journal()
        self.forget_everything()

    def forget_everything(self) -> None:
        self._approval: Approval | None = None
        self._placed: dict[str, Placed] = {}
        self._known: dict[str, Known] = {}
        self._profiles: dict[str, Learned] = {}
        self._touches: dict[str, Touches] = {}
        self._sent: dict[str, dict[str, tuple[datetime, str]]] = {}
        self._posts: dict[tuple[str, str], Entry] = {}
        self._holders: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._choices: dict[ChoiceKey, time] = {}
        self._facts: TenantFacts | None = None
        self._floors: dict[str, int] = {}
        self._run: dict[str, Any] | None = None
        self._seen: dict[str, Seen] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._ticks: dict[str, datetime] = {}
        self._runs: dict[str, Run] = {}
        self._shards: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
        self._tokens: tuple[bytes, SignedIn] | None = None

    async def approval(self) -> Approval | None:
        return await self._do("approval", lambda: self._approval)

    async def approve(self, approval: Approval) -> None:
        def effect() -> None:
            self._approval = replace(approval, groups=dict(approval.groups))

        await self._do("approve", effect)

    async def withdraw(self) -> None:
        await self._do("withdraw", self.withdraw_at_once)

    def withdraw_at_once(self) -> None:
        """What another process does meanwhile."""
        self._approval = None

    async def placed(self) -> Mapping[str, Placed]:
        return await self._do("placed", lambda: dict(self._placed))

    async def place(self, placed: Placed) -> None:
        def effect() -> None:
            if placed.slots:
                self._placed[placed.mailbox] = placed
            else:
                self._placed.pop(placed.mailbox, None)

        await self._do("place", effect, placed.mailbox)

    async def placed_of(self, mailboxes: Collection[str]) -> Mapping[str, Placed]:
        def effect() -> dict[str, Placed]:
            return {mailbox: self._placed[mailbox] for mailbox in mailboxes if mailbox in self._placed}

        return await self._do("placed_of", effect)

    async def placed_at(self, address: str) -> Placed | None:
        def effect() -> Placed | None:
            return next((one for one in self._placed.values() if one.address.lower() == address), None)

        return await self._do("placed_at", effect, address)

    async def seen(self, mailbox: str) -> Seen | None:
        return await self._do("seen", lambda: self._seen.get(mailbox), mailbox)

    async def see(self, mailbox: str, seen: Seen | None) -> None:
        def effect() -> None:
            if seen is None:
                self._seen.pop(mailbox, None)
            elif mailbox not in self._seen or self._seen[mailbox].at <= seen.at:
                self._seen[mailbox] = seen

        await self._do("see", effect, mailbox)

    async def subscriptions(self) -> Mapping[str, Subscription]:
        return await self._do("subscriptions", lambda: dict(self._subscriptions))

    async def subscribed(self, mailbox: str) -> Subscription | None:
        return await self._do("subscribed", lambda: self._subscriptions.get(mailbox), mailbox)

    async def subscribe(self, subscription: Subscription) -> None:
        def effect() -> None:
            self._subscriptions[subscription.mailbox] = subscription

        await self._do("subscribe", effect, subscription.mailbox)

    async def unsubscribe(self, mailbox: str) -> None:
        await self._do("unsubscribe", lambda: self._subscriptions.pop(mailbox, None), mailbox)

    async def begin_tick(self, job: str, slot: datetime) -> bool:
        def effect() -> bool:
            if job in self._ticks and self._ticks[job] >= slot:
                return False
            self._ticks[job] = slot
            return True

        return await self._do("begin_tick", effect, job)

    async def begin_run(self, run: Run) -> None:
        def effect() -> None:
            self._runs[run.id] = replace(run, shards=dict(run.shards))

        await self._do("begin_run", effect, run.id)

    async def run(self, run_id: str) -> Run | None:
        return await self._do("run", lambda: self._runs.get(run_id), run_id)

    async def change_run(self, before: Run, after: Run) -> bool:
        def effect() -> bool:
            if self._runs.get(before.id) != before:
                return False
            self._runs[before.id] = replace(after, shards=dict(after.shards))
            return True

        return await self._do("change_run", effect, before.id)

    async def latest_run(self, job: str) -> Run | None:
        def effect() -> Run | None:
            return max(
                (run for run in self._runs.values() if run.job == job),
                key=lambda run: (run.began, run.id),
                default=None,
            )

        return await self._do("latest_run", effect, job)

    async def record_shard(self, run_id: str, stage: str, index: int, result: Mapping[str, Any], *, of: int) -> bool:
        def effect() -> bool:
            there = self._shards.setdefault((run_id, stage), {})
            there[index] = dict(result)
            return len(there) >= of

        return await self._do("record_shard", effect, run_id)

    async def shards(self, run_id: str, stage: str) -> Sequence[Mapping[str, Any]]:
        def effect() -> list[Mapping[str, Any]]:
            return [result for _, result in sorted(self._shards.get((run_id, stage), {}).items())]

        return await self._do("shards", effect, run_id)

    async def forget_runs(self, before: datetime) -> None:
        def effect() -> None:
            old = {run.id for run in self._runs.values() if run.began < before}
            self._runs = {run_id: run for run_id, run in self._runs.items() if run_id not in old}
            self._shards = {key: there for key, there in self._shards.items() if key[0] not in old}

        await self._do("forget_runs", effect)

    async def known(self, mailbox: str) -> Known | None:
        return await self._do("known", lambda: self._known.get(mailbox), mailbox)

    async def know(self, mailbox: str, known: Known | None) -> None:
        def effect() -> None:
            self._known.pop(mailbox, None)
            if known is not None:
                series = tuple(replace(one, etag="", instances=None, ahead=None) for one in known.series)
                self._known[mailbox] = replace(known, series=series)

        await self._do("know", effect, mailbox)

    async def profile(self, mailbox: str) -> Learned | None:
        return await self._do("learned", lambda: self._profiles.get(mailbox), mailbox)

    async def learn(self, mailbox: str, learned: Learned) -> None:
        def effect() -> None:
            self._profiles[mailbox] = learned

        await self._do("learn", effect, mailbox)

    async def touches(self, mailbox: str) -> Touches:
        return await self._do("touches", lambda: self._touches.get(mailbox, Touches()), mailbox)

    async def touch(self, mailbox: str, touches: Touches) -> None:
        def effect() -> None:
            self._touches[mailbox] = touches

        await self._do("touch", effect, mailbox)

    async def forget_touches(self, before: date) -> None:
        def effect() -> None:
            self._touches = {mailbox: one.since(before) for mailbox, one in self._touches.items()}
            self._profiles = {one: it for one, it in self._profiles.items() if it.at.date() >= before}
            self._known = {one: it for one, it in self._known.items() if it.read.date() >= before}
            self._seen = {one: it for one, it in self._seen.items() if it.at.date() >= before}
            for told in self._sent.values():
                for about in [about for about, (at, _) in told.items() if at.date() < before]:
                    del told[about]

        await self._do("forget_touches", effect)

    async def sent(self, address: str) -> Mapping[str, datetime]:
        def effect() -> dict[str, datetime]:
            return {about: at for about, (at, _) in self._sent.get(address, {}).items()}

        return await self._do("sent", effect, address)

    async def claim(self, address: str, about: Collection[str], at: datetime, *, most: int, since: datetime) -> bool:
        def effect() -> bool:
            told = self._sent.setdefault(address, {})
            recent = {message for sent, message in told.values() if sent > since}
            if len(recent) >= most or not told.keys().isdisjoint(about):
                return False
            told.update({one: (at, min(about)) for one in about})
            return True

        return await self._do("claim", effect, address)

    async def take_back(self, address: str, about: Collection[str]) -> None:
        def effect() -> None:
            for one in about:
                self._sent.get(address, {}).pop(one, None)

        await self._do("take_back", effect, address)

    async def posts(self, channel: str) -> list[Entry]:
        def effect() -> list[Entry]:
            return sorted((one for (of, _), one in self._posts.items() if of == channel), key=lambda one: one.period)

        return await self._do("posts", effect, channel)

    async def begin_post(self, entry: Entry, *, holder: str, until: datetime, over: Collection[PostState] = ()) -> bool:
        def effect() -> bool:
            key = entry.channel, entry.period
            before = self._posts.get(key)
            open_states = {PostState.POSTING, *over}
            if before is not None and (before.state not in open_states or self._holders[key][1] >= entry.at):
                return False
            self._posts[key] = replace(before, state=entry.state, at=entry.at) if before else entry
            self._holders[key] = holder, until
            return True

        return await self._do("begin_post", effect, entry.channel)

    async def end_post(self, entry: Entry, *, holder: str) -> None:
        def effect() -> None:
            key = entry.channel, entry.period
            if key in self._holders and self._holders[key][0] == holder:
                self._posts[key] = entry
                self._holders[key] = holder, entry.at

        await self._do("end_post", effect, entry.channel)

    async def choices(self) -> Mapping[ChoiceKey, time]:
        return await self._do("choices", lambda: dict(self._choices))

    async def choose(self, choices: Mapping[ChoiceKey, time]) -> None:
        await self._do("choose", lambda: self._choices.update(choices))

    async def tenant_facts(self) -> TenantFacts | None:
        return await self._do("tenant_facts", lambda: self._facts)

    async def learn_facts(self, facts: TenantFacts) -> None:
        def effect() -> None:
            self._facts = facts

        await self._do("learn_facts", effect)

    async def floors(self) -> Mapping[str, int]:
        return await self._do("floors", lambda: dict(self._floors))

    async def raise_floor(self, block: str, generation: int) -> None:
        def effect() -> None:
            self._floors[block] = max(generation, self._floors.get(block, generation))

        await self._do("raise_floor", effect, block)

    async def signed_in(self) -> SignedIn | None:
        return await self._do("signed_in", lambda: self._tokens and self._tokens[1])

    async def token_cache(self) -> bytes | None:
        return await self._do("token_cache", lambda: self._tokens and self._tokens[0])

    async def keep_token_cache(self, data: bytes | None, at: datetime) -> None:
        def effect() -> None:
            self._tokens = None if data is None else (data, SignedIn(at, at))

        await self._do("keep_token_cache", effect)

    async def renew_token_cache(self, data: bytes, at: datetime, *, instead_of: bytes) -> bool:
        def effect() -> bool:
            if self._tokens is None or self._tokens[0] != instead_of:
                return False
            self._tokens = data, SignedIn(self._tokens[1].since, at)
            return True

        return await self._do("renew_token_cache", effect)

    async def last_run(self) -> Mapping[str, Any] | None:
        return await self._do("last_run", lambda: self._run)

    async def record_run(self, run: Mapping[str, Any]) -> None:
        def effect() -> None:
            self._run = dict(run)

        await self._do("record_run", effect)

    async def mentions(self, mailbox: str, address: str) -> Sequence[Any]:
        who = rows.named(mailbox, address)
        return await self._do("mentions", lambda: [part for one in self._told() for part in rows.mentions(one, who)])

    async def erase(self, mailbox: str, address: str) -> None:
        def effect() -> None:
            who = rows.named(mailbox, address)
            for kept in (self._placed, self._known, self._profiles, self._touches, self._seen, self._subscriptions):
                kept.pop(mailbox, None)
            self._placed = {one: it for one, it in self._placed.items() if it.address.lower() != address.lower()}
            self._sent.pop(address.lower(), None)
            self._run = self._run and rows.without(self._run, who)
            for there in self._shards.values():
                there.update({index: rows.without(result, who) for index, result in there.items()})

        await self._do("erase", effect, mailbox)

    def _told(self) -> list[Any]:
        return [
            *([self._run] if self._run else []),
            *(one for there in self._shards.values() for one in there.values()),
        ]

    async def _do(self, name: str, effect: Callable[[], Any], about: str = "") -> Any:
        return await self._journal.around(Call("state", name, about), effect)
