"""Keeping Graph's promises to tell of changes: one for each mailbox that has blocks, renewed long before it lapses.

They are a convenience. Where one is missing, a sweep finds what was touched, within the hour.

A subscription that the store does not know is taken up and then replaced, because what it was made with cannot be read
back (``docs/adr/0015-a-client-state-tells-its-mailbox.md``). Others are made before those that they replace are ended,
so that nothing is missed in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from holdfast.core.errors import Denied, Gone, GraphError, Throttled, Unexpected, Unreachable
from holdfast.core.messages import Care, Hint, shard_of
from holdfast.core.notices import client_state, mark
from holdfast.core.report import Problem
from holdfast.core.settings import Settings
from holdfast.jobs.crowd import each
from holdfast.jobs.ports import Ports, Subscription

Item = TypeVar("Item")

LASTS = timedelta(minutes=10_080) - timedelta(hours=1)
"""How long one is asked for: nearly as long as Graph allows for events (``resources/subscription.md``)."""

SPREAD = timedelta(days=1)
"""The time over which the renewals of those are spread that were made at once."""

SOON = timedelta(days=2)
"""With less left than this, renewing has failed for more than a day."""

LISTING = "subscriptions listed"
"""The name under which it is written down that Graph's own list was read that day."""

_GIVEN_UP = 20
"""Refusals without a success after which no more are tried this time: it would be the same with everybody."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many of those with blocks have no subscription (any more), and how many have one that lapses soon."""

    missing: int
    lapsing: int


@dataclass(slots=True)
class Outcome:
    """What was done, and how much was left for the next time. ``problems`` counts what went wrong, by what it was."""

    made: int = 0
    renewed: int = 0
    replaced: int = 0
    ended: int = 0
    left: int = 0
    problems: Counter[Problem] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        """Whether all was done that was to be done."""
        return not self.left and not self.problems

    def data(self) -> dict[str, int]:
        """The figures that are not zero, by what they count."""
        failed = sum(self.problems.values())
        figures = {"made": self.made, "renewed": self.renewed, "replaced": self.replaced, "ended": self.ended}
        return {name: count for name, count in {**figures, "failed": failed, "left": self.left}.items() if count}

    def note(self, error: GraphError) -> None:
        """Count what went wrong in one mailbox, with what is the same in others."""
        same = (
            one for one in self.problems if (one.code, one.cure) == (error.code or str(error.status or ""), error.cure)
        )
        self.problems[next(same, Problem.of(error))] += 1


def standing(placed: Collection[str], known: Mapping[str, Subscription], *, now: datetime) -> Standing:
    """How those stand who have blocks, by ``State.placed`` and ``State.subscriptions``."""
    left = [known[mailbox].expires - now for mailbox in placed if mailbox in known]
    lasting = [one for one in left if one > timedelta(0)]
    return Standing(len(placed) - len(lasting), sum(one < SOON for one in lasting))


def is_due(subscription: Subscription, *, now: datetime) -> bool:
    """Whether it is time to renew one: after about half of its life, for each mailbox at another time."""
    early = SPREAD * (shard_of(subscription.mailbox, 86_400) / 86_400)
    return subscription.expires - now < LASTS / 2 + early


async def subscriptions(settings: Settings, ports: Ports, *, key: bytes, within: timedelta) -> Outcome:
    """Have what should be there: renew, end, make and replace, most urgent first, and stop after ``within``.

    ``key`` is the secret that client states are made with. What is left is done the next time. Raises nothing that
    Graph refuses.
    """
    keeper = _Keeper(settings, ports, key, within)
    await keeper.keep()
    return keeper.outcome


async def attend(hint: Hint, settings: Settings, ports: Ports, *, key: bytes) -> None:
    """Do what Graph wants done with a subscription: renew it, or make another where it was ended.

    Nothing where the store does not know it, because it was replaced meanwhile. Raises what Graph refuses.
    """
    known = await ports.state.subscribed(hint.mailbox)
    if known is None or known.id != hint.subscription or hint.care is None:
        return
    keeper = _Keeper(settings, ports, key, timedelta(0))
    if hint.care is Care.RENEW:
        try:
            await keeper.renew(known)
        except Gone:
            await keeper.make_again(known)
    else:
        await keeper.make_again(known)


class _Keeper:
    """One run over all mailboxes."""

    def __init__(self, settings: Settings, ports: Ports, key: bytes, within: timedelta) -> None:
        self.outcome = Outcome()
        self._tenant = str(settings.tenant.tenant_id)
        self._url = settings.tenant.notification_url
        self._ports = ports
        self._key = key
        self._mark = mark(self._url, key=key) if self._url else ""
        self._ends = ports.clock.monotonic() + within.total_seconds()
        self._halted = False
        self._refused, self._succeeded = 0, False
        self._unknown: set[str] = set()

    async def keep(self) -> None:
        state, now = self._ports.state, self._ports.clock.now()
        placed = set(await state.placed()) if self._url else set()
        known = dict(await state.subscriptions())
        extra: list[Subscription] = []
        today = datetime(now.year, now.month, now.day, tzinfo=UTC)
        if self._url and (await state.begin_tick(LISTING, today) or not known):
            listed = await self._listed()
            if listed is None and not known:
                return  # there may be some at Graph, and others would be doubles
            extra = await self._taken_up(listed or {}, known)
        # With no approval on record the state was lost, and who has blocks is still being found out again.
        is_sure = await state.approval() is not None
        leavers = [
            one
            for mailbox, one in known.items()
            if mailbox not in placed and (is_sure or one.mark or one.expires <= now)
        ]
        kept = [one for mailbox, one in known.items() if mailbox in placed]
        lasting = [one for one in kept if one.expires > now]
        due = [one for one in lasting if one.mark == self._mark and is_due(one, now=now)]
        await self._each(sorted(due, key=lambda one: one.expires), self._renew)
        await self._each(extra, self._end)
        await self._each(leavers, self._leave)
        await self._each(sorted(placed - {one.mailbox for one in lasting}), self._make)
        await self._each([one for one in lasting if one.mark != self._mark], self._replace)
        await self._look_for_lost()

    async def renew(self, one: Subscription) -> None:
        until = self._ports.clock.now() + LASTS
        await self._ports.state.subscribe(await self._ports.subscriptions.renew(one, until=until))

    async def make_again(self, one: Subscription) -> None:
        """Forget one that is no more, and make another where it is still wanted."""
        await self._ports.state.unsubscribe(one.mailbox)
        if self._url and await self._ports.state.placed_of([one.mailbox]):
            await self._create(one.mailbox)

    async def _each(self, items: Iterable[Item], work: Callable[[Item], Awaitable[None]]) -> None:
        """Do something with each of them while there is time; one that fails stops no other."""
        await each(items, partial(self._one, work), doing="Keeping subscriptions")

    async def _one(self, work: Callable[[Item], Awaitable[None]], item: Item) -> None:
        if self._halted or self._ports.clock.monotonic() >= self._ends:
            self.outcome.left += 1
            return
        try:
            await work(item)
        except Throttled as error:
            self._halted = True  # it has been tried again for minutes: the next run is a better time for everybody
            self.outcome.note(error)
        except GraphError as error:
            self.outcome.note(error)

    async def _renew(self, one: Subscription) -> None:
        try:
            await self.renew(one)
        except Gone:
            await self.make_again(one)
        self.outcome.renewed += 1

    async def _make(self, mailbox: str) -> None:
        if self._is_refused():
            self.outcome.left += 1
            return
        await self._create(mailbox)
        self.outcome.made += 1

    async def _replace(self, one: Subscription) -> None:
        if self._is_refused():
            self.outcome.left += 1
            return
        await self._create(one.mailbox)
        self.outcome.replaced += 1
        await self._ports.subscriptions.delete(one)

    async def _end(self, one: Subscription) -> None:
        await self._ports.subscriptions.delete(one)
        self.outcome.ended += 1

    async def _leave(self, one: Subscription) -> None:
        await self._end(one)
        await self._ports.state.unsubscribe(one.mailbox)

    async def _create(self, mailbox: str) -> None:
        state = client_state(mailbox, tenant=self._tenant, key=self._key)
        until = self._ports.clock.now() + LASTS
        try:
            made = await self._ports.subscriptions.create(mailbox, client_state=state, until=until)
        except Unreachable:
            self._unknown.add(mailbox)
            raise
        except (Denied, Unexpected):
            self._refused += 1
            raise
        self._succeeded = True
        await self._ports.state.subscribe(replace(made, mark=self._mark))

    def _is_refused(self) -> bool:
        return self._refused >= _GIVEN_UP and not self._succeeded

    async def _listed(self) -> dict[str, list[Subscription]] | None:
        """Graph's own list, by mailbox; None where it could not be read to its end."""
        found: dict[str, list[Subscription]] = {}
        try:
            async for one in self._ports.subscriptions.all():
                found.setdefault(one.mailbox, []).append(one)
        except GraphError as error:
            self.outcome.note(error)
            return None
        return found

    async def _taken_up(
        self, listed: Mapping[str, list[Subscription]], known: dict[str, Subscription]
    ) -> list[Subscription]:
        """Write into ``known`` and the store what these lack; the doubles, which nobody needs.

        One that is known and not in the list is left: renewing it shows whether it is gone.
        """
        doubles: list[Subscription] = []
        for mailbox, several in listed.items():
            one = next((one for one in several if mailbox in known and one.id == known[mailbox].id), None)
            if one is None:
                one = known[mailbox] = max(several, key=lambda one: one.expires)
                await self._ports.state.subscribe(one)
            doubles += [other for other in several if other is not one]
        return doubles

    async def _look_for_lost(self) -> None:
        """Find those again that were made although no answer came, before others are made beside them."""
        listed = await self._listed() if self._unknown and not self._halted else None
        if listed:
            theirs = {mailbox: listed[mailbox] for mailbox in self._unknown if mailbox in listed}
            known = dict(await self._ports.state.subscriptions())
            await self._each(await self._taken_up(theirs, known), self._end)
