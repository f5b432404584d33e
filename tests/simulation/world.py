"""A firm, what its people did by the world's own log, and the product at work in it.

What must hold of every run, faults or not, is checked here as it happens; what must hold when all is quiet is in
``invariants``.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from graph_client.connect import Connection
from holdfast.core.errors import GraphError
from holdfast.core.plan import UnsafePlan
from holdfast.core.report import MailboxState, Report
from holdfast.jobs.audience import AudienceError
from holdfast.jobs.ports import Ports
from holdfast.jobs.survey import NoSuchMailbox
from holdfast.store.sqlite import open_state
from sandbox import Exchange, Facts, Sandbox, Tenant, ids
from sandbox.directory import GUEST, ROOM, SHARED, Account, Group
from sandbox.event import Event
from sandbox.mailbox import Mailbox
from tests.simulation import weather
from tests.simulation.clock import TenantClock, VirtualLoop
from tests.simulation.office import File, roster, settings
from tests.simulation.process import Death, Fate, process

SOON = timedelta(minutes=15)
"""What begins sooner is not to be touched."""

_NAMES = ("Anna", "Bo", "Cilla", "David", "Eva", "Filip")
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_PAUSE = 600
"""Seconds between two commands, longer than any wait that Graph asks for: a new process knows nothing of it."""


class Broken(AssertionError):
    """Something does not hold that must."""


class Mark(NamedTuple):
    """What a tag says: whose series it is, and which dates it answers for."""

    block: str
    generation: int
    first: date
    last: date


Answer = TypeVar("Answer")
Job = Callable[[Ports], Awaitable[Report]]

Shown = tuple[bytes, date | None, datetime, datetime, str]
"""Something in a calendar: its event, date, times and show-as."""


@dataclass(slots=True)
class Touched:
    """What a person did to a series of ours. A date that was moved or set free is there with what it should show."""

    gaps: set[date] = field(default_factory=set)
    moved: dict[date, tuple[datetime, datetime]] = field(default_factory=dict)
    free: set[date] = field(default_factory=set)
    show_as: str = "busy"
    cut: date | None = None
    reworded: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """How a story begins."""

    seed: int
    began: datetime
    people: int
    facts: Facts
    latency: float
    token_lifetime: timedelta
    file: Callable[[Tenant], File]


@dataclass(slots=True)
class Sum:
    """What stories were made of."""

    runs: int = 0
    kills: int = 0
    calls: int = 0
    met: Counter[str] = field(default_factory=Counter)

    def add(self, other: Sum) -> None:
        """Take another story's figures in."""
        self.runs += other.runs
        self.kills += other.kills
        self.calls += other.calls
        self.met += other.met


class World:
    """One firm from the opening to the end of its story. ``folder`` is where the product's state is kept."""

    def __init__(self, opening: Opening, folder: Path) -> None:
        random.seed(opening.seed)  # the SDK draws its waits from the process's own chance
        self.loop = VirtualLoop(opening.began)
        self.seed = opening.seed
        self.sum = Sum()
        self.state = folder / "holdfast.db"
        self.tenant = Tenant("Fjällvik AB", "fjallvik.example", clock=TenantClock(self.loop), seed=opening.seed)
        self.tenant.facts = opening.facts
        self.tenant.latency = opening.latency
        self.tenant.token_lifetime = opening.token_lifetime
        self.connection = Connection.to(
            tenant_id=self.tenant.id,
            client_id=self.tenant.client_id,
            credential="secret",
            secret=self.tenant.secret,
        )
        self.sandbox = Sandbox()
        self.sandbox.add(self.tenant)
        self.sandbox.observers.append(self._observe)
        self.theirs: dict[tuple[str, bytes], int] = {}
        """Events that people made, by mailbox and key, and how they left them."""
        self.copies: dict[tuple[str, bytes], Mark] = {}
        """Those among them that are copies of series of ours, tag and all."""
        self.touched: dict[tuple[str, bytes], Touched] = {}
        self.unknown: set[str] = set()
        """Who had no right to a block when the state was lost: nobody can know any more what they have."""
        self.told: list[str] = []
        self.trace = hashlib.sha256()
        self._begun: dict[str, list[Shown]] = {}
        self._cutoff = opening.began
        self._known: dict[tuple[str, bytes], Event] = {}
        self._wrote: Counter[str] = Counter()
        self._wrong: list[str] = []
        self._lost = 0
        self._approved: File | None = None
        self._open(opening.people)
        self.file = opening.file(self.tenant)
        self.loop.set_exception_handler(self._unhandled)

    def _open(self, count: int) -> None:
        tenant = self.tenant
        self.people = [tenant.add_account(name, "Berg", f"{name.lower()}@{tenant.domain}") for name in _NAMES[:count]]
        others = [
            tenant.add_account("Gun", "Gäst", "gun@bjorkdalen.example", kind=GUEST),
            tenant.add_account("", "", f"info@{tenant.domain}", kind=SHARED, display_name="Info"),
            tenant.add_account("", "", f"rummet@{tenant.domain}", kind=ROOM, display_name="Rummet"),
        ]
        half = (count + 1) // 2
        team = tenant.add_group("Team", f"team@{tenant.domain}", self.people[:1])
        development = tenant.add_group("Utveckling", f"utveckling@{tenant.domain}", [team, *self.people[1:half]])
        team.members.append(development)
        management = tenant.add_group("Ledning", f"ledning@{tenant.domain}", self.people[half : count - 1])
        tenant.everyone.members += [development, management, *others, tenant.everyone]
        self.opt_out = tenant.add_group("Avstår", f"avstar@{tenant.domain}")
        self.groups: list[Group] = [development, management]
        self.boxes = [account.mailbox for account in tenant.accounts if account.mailbox]

    # -- time and people

    @property
    def now(self) -> datetime:
        return self.loop.now()

    def say(self, text: str) -> None:
        """The next sentence of the story."""
        self.told.append(f"{self.now:%a %d %b %H:%M} {text}")
        self.trace.update(text.encode())

    def passes(self, seconds: float) -> None:
        """Time goes by with nobody at work."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def ours(self, account: Account) -> list[Event]:
        """The events in somebody's calendar that no person made."""
        box = account.mailbox
        return [one for one in box.events if (account.id, one.key) not in self.theirs] if box else []

    def books(self, account: Account, event: Event) -> None:
        """A person made this event."""
        self.theirs[account.id, event.key] = event.change

    def acts(self, account: Account, act: Callable[[Mailbox], str | None]) -> str | None:
        """A person does something in their calendar, perhaps while the product is at work there."""
        if account.mailbox is None:
            return None
        self._check_left_alone(account)
        done = act(account.mailbox)
        self._promote(account)
        self._picture(account)
        return done

    def log(self, account: Account, event: Event) -> Touched:
        return self.touched.setdefault((account.id, event.key), Touched())

    def _promote(self, account: Account) -> None:
        """Where the original of a copy is gone, the copy is all there is, and stands for it."""
        marks = {(mark.block, mark.generation) for one in self.ours(account) if (mark := mark_of(one))}
        for key, mark in list(self.copies.items()):
            if key[0] == account.id and (mark.block, mark.generation) not in marks:
                marks.add((mark.block, mark.generation))
                self.copies.pop(key)
                self.theirs.pop(key)

    # -- the product at work

    def run(
        self,
        what: str,
        job: Job,
        *,
        death: Death | None = None,
        meanwhile: Sequence[tuple[float, Callable[[], str | None]]] = (),
        beside: tuple[float, Job] | None = None,
        may_write: bool = True,
    ) -> Report | None:
        """A process does one job. What must hold of any run holds of this one, or ``Broken`` is raised.

        ``meanwhile`` is what people do so many seconds after it began, and ``beside`` what another process does.
        None where it did not come to a report.
        """
        self.passes(_PAUSE)
        self.sum.runs += 1
        self._wrote.clear()
        self._lost, self.tenant.counts.early_retries = weather.lost(self.tenant), 0
        self._approved = self.approved()
        self._cutoff = self.now + SOON
        for account in self.tenant.accounts:
            self._picture(account)
        done: list[str] = []
        fate = Fate(death)
        works = [self._process(job, death, fate, meanwhile, done)]
        if beside is not None:
            works.append(self._later(*beside))
        (report, how), *others = self.loop.run_until_complete(_together(works))
        for task in asyncio.all_tasks(self.loop):
            if not task.done():
                self._wrong.append(f"it left something running: {task.get_coro()}")
        done += [f"the timer's sweep: {other}" for _, other in others]
        self.say("; ".join([f"{what}: {how}", *(f"meanwhile {one}" for one in done)]))
        for account in self.tenant.accounts:
            self._check_left_alone(account)
            self._promote(account)
        self._check_run(what, report, how, may_write=may_write, alone=beside is None)
        for other, _ in others:
            if other is not None:
                self._check_run("sweep", other, "", may_write=True, alone=False)
        return report

    async def _later(self, seconds: float, job: Job) -> tuple[Report | None, str]:
        await asyncio.sleep(seconds)
        return await self._process(job, None, Fate(None), (), [])

    async def _process(
        self,
        job: Job,
        death: Death | None,
        fate: Fate,
        meanwhile: Sequence[tuple[float, Callable[[], str | None]]],
        done: list[str],
    ) -> tuple[Report | None, str]:
        async def live() -> Report:
            # A process of its own by the number of the run: what it draws is its own.
            seed = self.seed * 1000 + self.sum.runs
            async with process(
                connection=self.connection,
                loop=self.loop,
                tenant=self.tenant,
                state=self.state,
                fate=fate,
                inner=weather.road(self.sandbox),
                seed=seed,
            ) as ports:
                return await job(ports)

        def act(what: Callable[[], str | None]) -> None:
            try:
                said = what()
            except Broken as broken:
                self._wrong.append(str(broken))
            else:
                done.extend([said] if said else [])

        work = self.loop.create_task(live())
        timers = [self.loop.call_later(seconds, act, what) for seconds, what in meanwhile]
        if death and death.at == "second":
            timers.append(self.loop.call_later(death.number, work.cancel))
        try:
            report = await work
        except BaseException as error:
            self.sum.kills += fate.dead or isinstance(error, asyncio.CancelledError)
            if fate.dead or isinstance(error, asyncio.CancelledError):
                return None, str(death)
            if isinstance(error, (GraphError, AudienceError, UnsafePlan, NoSuchMailbox)):
                return None, f"{type(error).__name__}, {error}"[:160]
            raise
        finally:
            for timer in timers:
                timer.cancel()
        states = ", ".join(f"{count} {state}" for state, count in report.counts().items() if count)
        return report, f"{states or 'nobody'}; {report.writes} writes" + (f"; {report.note}" if report.note else "")

    def approved(self) -> File | None:
        """The settings that a person said yes to, as far as the state remembers."""

        async def look() -> str | None:
            with open_state(self.state, self.tenant.id) as state:
                approval = await state.approval()
                return approval.settings if approval else None

        text = self.loop.run_until_complete(look())
        if text is None:
            return None
        said = settings(text)
        audiences = tuple(
            replace(self.file.audiences[0], name=name, group=one.group, opt_out=str(one.opt_out))
            for name, one in said.audiences.items()
        )
        return replace(self.file, audiences=audiences, mode=said.mode.value)

    # -- what must hold of every run

    def _check_run(self, what: str, report: Report | None, how: str, *, may_write: bool, alone: bool) -> None:
        counts = self.tenant.counts
        wrong = [*self._wrong]
        self._wrong.clear()
        if counts.mails:
            wrong.append(f"{counts.mails} mails went out")
        if counts.early_retries and alone and weather.lost(self.tenant) == self._lost:
            wrong.append(f"{counts.early_retries} calls came before a Retry-After was over")
        most = max(counts.most_in_flight.values(), default=0)
        if most > 4:
            wrong.append(f"{most} calls were in flight for one mailbox")
        written = sum(self._wrote.values())
        if written and not may_write:
            wrong.append(f"{written} writes by a run that may only look")
        ignorant = report is None and how.startswith(("Unreachable", "AudienceError", "UnsafePlan"))
        if ignorant and written and alone:
            wrong.append(f"{written} writes by a run that did not know everybody")
        if report is not None:
            wrong += self._unaccounted(what, report, alone=alone)
        if wrong:
            raise Broken("; ".join(wrong))

    def _unaccounted(self, what: str, report: Report, *, alone: bool) -> list[str]:
        wrong = [
            f"{account.address} was written without having been read"
            for account in report.audience + report.others
            if account.state is MailboxState.UNREAD and self._wrote[account.mailbox] and alone
        ]
        if sum(report.counts().values()) != len(report.audience):
            wrong.append("the numbers do not add up")
        accounts = Counter(account.mailbox for account in report.audience)
        in_force = (self._approved, self.approved()) if report.job == "sweep" else (self.file,)
        rosters = [roster(file or self.file, self.tenant) for file in in_force]
        people = rosters[0] if accounts == Counter(rosters[0]) else rosters[-1]
        if accounts != Counter(people) and not (" --only " in what and accounts.total() + len(report.others) == 1):
            wrong.append(f"accounts for {len(accounts)} of {len(people)} people in the audiences")
        again = {account.mailbox for account in report.others} & people
        if again:
            wrong.append(f"{len(again)} of the audience are accounted for as others too")
        return wrong

    def _check_left_alone(self, account: Account) -> None:
        """Nothing that people made was touched, nor what had begun, or nearly, when the run began."""
        box = account.mailbox
        if box is None:
            return
        stands = {event.key: event.change for event in box.events}
        for (mailbox, key), change in self.theirs.items():
            if mailbox == account.id and stands.get(key) != change:
                what = "a person's copy of a series" if (mailbox, key) in self.copies else "somebody's own event"
                raise Broken(f"{what} was {'changed' if key in stands else 'deleted'} in {account.address}")
        if account.id in self._begun:
            now = _shown(box, self._cutoff)
            if now != self._begun[account.id]:
                lost = sorted(set(self._begun[account.id]) - set(now), key=lambda one: one[2])
                came = sorted(set(now) - set(self._begun[account.id]), key=lambda one: one[2])
                what = "; ".join(
                    [f"{one[2]:%d %b %H:%M} went" for one in lost] + [f"{one[2]:%d %b} came" for one in came]
                )
                raise Broken(f"something past or about to begin was touched in {account.address}: {what}")

    def _picture(self, account: Account) -> None:
        box = account.mailbox
        if box is None:
            self._begun.pop(account.id, None)
            return
        self._begun[account.id] = _shown(box, self._cutoff)
        for event in box.events:
            self._known[account.id, event.key] = event

    def _contents(self, account: Account) -> object:
        return account.mailbox and [(event.key, event.change) for event in account.mailbox.events]

    def _observe(self, seen: Exchange) -> None:
        path = seen.path.partition("?")[0]
        self.trace.update(f"{self.loop.time():.6f} {seen.method} {seen.path} {seen.status}".encode())
        self.sum.calls += path != "/$batch"
        parts = [unquote(part) for part in path.split("/")]
        if seen.method == "GET" or len(parts) < 4 or parts[1] != "users":
            return
        self._wrote[parts[2]] += 1
        if seen.method == "DELETE" and seen.status < 400 and len(parts) == 5:
            self._check_deletion(parts[2], parts[4])

    def _check_deletion(self, mailbox: str, event_id: str) -> None:
        """What is deleted has not begun at that very moment."""
        box = self.tenant.mailbox(mailbox)
        key, _, day = ids.read(box.key, event_id)
        event = self._known.get((mailbox, key))
        if event is None:
            return
        touched = self.touched.get((mailbox, key), Touched())
        if day is None:
            begun = [one.starts for one in event.between(_LONG_AGO, self.now) if one.starts <= self.now]
        elif day in touched.moved:
            begun = [touched.moved[day][0]]
        else:
            wall = datetime.combine(day, event.when.starts.time())
            begun = [event.when._replace(starts=wall, ends=wall).starts_at]
        if any(starts <= self.now for starts in begun):
            self._wrong.append(f"a date was deleted in {box.owner.address} when it had begun")

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self._wrong.append(f"unhandled in the background: {error!r}")

    def end(self) -> str:
        """Close everything; the trace by which two tellings of one story can be compared."""
        for account in self.tenant.accounts:
            self.trace.update(repr(self._contents(account)).encode())
        self.sum.met = weather.met(self.tenant)
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
        return self.trace.hexdigest()[:16]


async def _together(works: Sequence[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    return await asyncio.gather(*works)


def mark_of(event: Event) -> Mark | None:
    """What the tag of an event says, if it has one."""
    for value in (event.tags or {}).values():
        _, block, generation, _, dates = value.removesuffix(";ending").split(";")
        first, _, last = dates.partition("..")
        return Mark(block, int(generation), date.fromisoformat(first), date.fromisoformat(last))
    return None


def _shown(box: Mailbox, until: datetime) -> list[Shown]:
    return [
        (one.event.key, one.slot.day if one.slot else None, one.starts, one.ends, one.value("showAs"))
        for event in sorted(box.events, key=lambda event: event.key)
        for one in event.between(_LONG_AGO, until + timedelta(microseconds=1))
        if one.starts <= until
    ]
