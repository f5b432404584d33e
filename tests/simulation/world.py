"""A firm, what its people did by the world's own log, and the product at work in it.

That nothing past and nothing of people's is touched is checked here, whenever somebody looks. What must hold of every
run, faults or not, is in ``runs``; what must hold when all is quiet is in ``invariants``.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from graph_client.connect import Connection
from holdfast.core.errors import GraphError
from holdfast.core.plan import UnsafePlan
from holdfast.core.report import MailboxState, Report
from holdfast.core.settings import dump
from holdfast.jobs.audience import AudienceError
from holdfast.jobs.ports import Ports
from holdfast.jobs.survey import NoSuchMailbox
from sandbox import Exchange, Facts, Sandbox, Tenant, ids
from sandbox.directory import GUEST, ROOM, SHARED, Account, Group
from sandbox.event import Event
from sandbox.mailbox import Mailbox
from tests.simulation import weather
from tests.simulation.almanac import DAYS, IANA, WINDOWS, date_at
from tests.simulation.clock import TenantClock, VirtualLoop
from tests.simulation.diary import Calendar, Date, Diary, Looked, standing
from tests.simulation.diary import Key as DateKey
from tests.simulation.ledger import HORIZON, Key, Ledger, Mark, Times, Touched, mark_of
from tests.simulation.office import File, inside, settings
from tests.simulation.process import Death, Fate, process, start
from tests.simulation.recollection import Recollection, recall
from tests.simulation.slots import Hours, Person, Slot, Told, wanted
from tests.simulation.table import Protection

SOON = timedelta(minutes=15)
"""What begins sooner is not to be touched."""

_NAMES = ("Anna", "Bo", "Cilla", "David", "Eva", "Filip")
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(weeks=13)
_A_DAY = timedelta(days=1)
_PAUSE = 600
"""Seconds between two commands, longer than any wait that Graph asks for: a new process knows nothing of it."""


class Broken(AssertionError):
    """Something does not hold that must."""


Answer = TypeVar("Answer")
Job = Callable[[Ports], Awaitable[Report | None]]

Shown = tuple[bytes, date | None, datetime, datetime, str]
"""Something in a calendar: its event, date, times and show-as."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a story begins. ``zones`` are where the first of its people are; others are at home."""

    seed: int
    began: datetime
    people: int
    facts: Facts
    latency: float
    token_lifetime: timedelta
    file: Callable[[Tenant], File]
    zones: tuple[str, ...] = ()


@dataclass(slots=True)
class Sum:
    """What stories were made of."""

    runs: int = 0
    kills: int = 0
    calls: int = 0
    touches: int = 0
    met: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Sum) -> None:
        """Take another story's figures in."""
        self.runs += other.runs
        self.kills += other.kills
        self.calls += other.calls
        self.touches += other.touches
        self.met += other.met


@dataclass(slots=True)
class Run:
    """What one process did, from ``began`` on, and perhaps another ``beside`` it.

    ``report`` is None where it did not come to one, and ``how`` says how it ended. ``before`` and ``after`` are what
    the product remembers, ``standing`` the series of everybody before, and ``made`` those made since. ``acts`` is what
    people did meanwhile, and ``acted`` the dates that they touched. ``dates`` are everybody's dates when their
    calendars were last looked into, and ``faults`` how much had gone wrong before. ``again`` asks for series to be made
    again that their owners have deleted twice.
    """

    what: str
    began: datetime
    before: Recollection
    heard: dict[str, Told]
    standing: dict[str, list[tuple[Event, Mark]]]
    report: Report | None = None
    how: str = ""
    beside: list[tuple[Report | None, str]] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    after: Recollection = field(default_factory=Recollection)
    wrote: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: int = 0
    files: list[File] = field(default_factory=list)
    acted: dict[str, set[tuple[str, date]]] = field(default_factory=dict)
    dates: dict[str, list[Date]] = field(default_factory=dict)
    made: set[bytes] = field(default_factory=set)
    faults: int = 0
    fate: Fate = field(default_factory=lambda: Fate(None))
    died: bool = False
    again: bool = False

    @property
    def job(self) -> str:
        """The command, without its options."""
        return self.what.split()[0]


@dataclass(slots=True)
class SeriesLog:
    """Which series people deleted as a whole, which of them were made again, and who is left alone since.

    ``remade`` says when, and whether that surely counts; ``left`` whether somebody has surely looked and let it be. A
    block that was not to be had for a while, in ``doubtful``, may be new to its owner since, or not.
    """

    deleted: dict[tuple[str, str], list[Event]] = field(default_factory=dict)
    remade: dict[tuple[str, str], list[tuple[Event, datetime, bool]]] = field(default_factory=dict)
    left: dict[tuple[str, str], list[tuple[Event, bool]]] = field(default_factory=dict)
    doubtful: set[tuple[str, str]] = field(default_factory=set)

    def deletes(self, mailbox: str, block: str, event: Event) -> None:
        """Somebody deletes a series."""
        self.deleted.setdefault((mailbox, block), []).append(event)

    def makes(self, mailbox: str, block: str, event: Event, at: datetime, *, sure: bool, again: bool) -> str:
        """The product makes a series; what is wrong with that, if anything."""
        key = mailbox, block
        same = [one for one in self.deleted.get(key, ()) if _is_alike(one, event)]
        if not same:
            return ""
        self.deleted[key] = [one for one in self.deleted[key] if one not in same]
        if again or key in self.doubtful:
            self.remade.pop(key, None)
            self.left.pop(key, None)
            self.doubtful.discard(key)
        twice = any(surely and then != at for then, surely in self._lately(key, event, at, _QUARTER - _A_DAY))
        left = any(surely and _is_alike(one, event) for one, surely in self.left.get(key, ()))
        self.remade.setdefault(key, []).append((event, at, sure))
        if left:
            return f"a series of {block} was made again though its owner was to be left alone"
        return f"a series of {block} was made again a second time within a quarter" if twice else ""

    def looks(self, mailbox: str, slots: Collection[Slot], at: datetime, *, sure: bool) -> None:
        """A run goes by these slots: what it does not make again of them is left, and of others nobody knows."""
        for key, events in self.deleted.items():
            if key[0] != mailbox:
                continue
            for event in events:
                if not any(slot.fits(event) for slot in slots):
                    self.doubtful.add(key)
                    continue
                lately = self._lately(key, event, at, _QUARTER + _A_DAY)
                if lately:
                    surely = sure and any(one and at - then < _QUARTER - _A_DAY for then, one in lately)
                    self.left.setdefault(key, []).append((event, surely))

    def is_let_be(self, mailbox: str, slot: Slot, now: datetime) -> bool:
        """Whether somebody may be without a series of a slot, having deleted it twice within a quarter."""
        key = mailbox, slot.block.id
        gone = [event for event in self.deleted.get(key, ()) if slot.fits(event)]
        if key in self.doubtful:
            return bool(gone) and bool(self.remade.get(key))
        left = any(slot.fits(event) for event, _ in self.left.get(key, ()))
        return bool(gone) and (left or any(self._lately(key, event, now, _QUARTER + _A_DAY) for event in gone))

    def _lately(self, key: tuple[str, str], event: Event, at: datetime, span: timedelta) -> list[tuple[datetime, bool]]:
        found = self.remade.get(key, ())
        return [(then, sure) for one, then, sure in found if _is_alike(one, event) and at - then < span]

    def forget(self) -> None:
        """The product has lost all memory."""
        self.doubtful.clear()
        self.deleted.clear()
        self.remade.clear()
        self.left.clear()


def _native(event: Event, day: date) -> Times:
    """When a series has a date, if nobody moves it."""
    starts, when = datetime.combine(day, event.when.starts.time()), event.when
    there = when._replace(starts=starts, ends=starts + (when.ends - when.starts))
    return there.starts_at, there.ends_at


def _is_alike(one: Event, other: Event) -> bool:
    """Whether two series stand at the same time of the same days."""
    rule, another = one.recurrence, other.recurrence
    assert rule is not None
    assert another is not None
    days = rule.days, rule.index, rule.day_of_month, rule.interval
    return days == (another.days, another.index, another.day_of_month, another.interval) and (
        one.when.starts.time(),
        one.when.zone,
    ) == (other.when.starts.time(), other.when.zone)


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
        self.connection = _connection(self.tenant)
        self.sandbox = Sandbox()
        self.sandbox.add(self.tenant)
        self.sandbox.observers.append(self._observe)
        self.theirs: dict[Key, int] = {}
        """Events that people made, and how they left them."""
        self.copies: dict[Key, Mark] = {}
        """Those among them that are copies of series of ours, tag and all."""
        self.ledger = Ledger()
        self.unknown: set[str] = set()
        """Who had no right to a block when the state was lost: nobody can know any more what they have."""
        self.awaits_apply: set[str] = set()
        """Who has deleted a series since everybody was last reached: of soft blocks only ``apply`` makes it again."""
        self.diary = Diary()
        self.series = SeriesLog()
        self.lines: list[str] = []
        self.trace = hashlib.sha256()
        self.recollection = Recollection()
        self.heard: dict[str, Told] = {}
        """What mailboxes said of themselves when the product last asked them."""
        self.rights: dict[str, list[Slot]] = {}
        """What the last runs may have had in mind for everybody."""
        self._said: dict[str, list[tuple[datetime, str, Hours]]] = {}
        self._files: dict[str, File] = {}
        self._began = opening.began
        self._begun: dict[str, list[Shown]] = {}
        self._known: dict[Key, Event] = {}
        self._run: Run | None = None
        self._open(opening.people)
        self.file = opening.file(self.tenant)
        for account, zone in zip(self.people, opening.zones + (self.file.zone,) * len(self.people), strict=False):
            self.sets(account, zone=zone)
        self.loop.set_exception_handler(self._unhandled)

    def _open(self, count: int) -> None:
        tenant = self.tenant
        self.people = [tenant.add_account(name, "Berg", f"{name.lower()}@{tenant.domain}") for name in _NAMES[:count]]
        others = [
            tenant.add_account("Gun", "Gäst", "gun@bjorkdalen.example", kind=GUEST),
            tenant.add_account("", "", f"info@{tenant.domain}", kind=SHARED, display_name="Info"),
            tenant.add_account("", "", f"rummet@{tenant.domain}", kind=ROOM, display_name="Rummet"),
        ]
        self.organizer = tenant.add_account("", "", f"larande@{tenant.domain}", kind=SHARED, display_name="Lärande")
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

    @property
    def is_at_work(self) -> bool:
        """Whether the product is running."""
        return self._run is not None

    @property
    def is_calm(self) -> bool:
        """Whether nothing fails, every mailbox is there, and no write is still to come in."""
        there = [account.mailbox for account in self.people]
        shut = any(box is None or box.denied or box.pressure or box._late for box in there)
        return weather.is_fair(self.tenant) and not shut

    def say(self, text: str) -> None:
        """The next sentence of the story."""
        self.lines.append(f"{self.now:%a %d %b %H:%M} {text}")
        self.trace.update(text.encode())

    def passes(self, seconds: float) -> None:
        """Time goes by with nobody at work."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def ours(self, account: Account) -> list[Event]:
        """The events in somebody's calendar that no person made."""
        box = account.mailbox
        return [one for one in box.events if (account.id, one.key) not in self.theirs] if box else []

    def deleted(self, account: Account) -> list[Event]:
        """The series of ours that once were in somebody's calendar."""
        there = {event.key for event in account.mailbox.events} if account.mailbox else set()
        return [
            event
            for (mailbox, key), event in self._known.items()
            if mailbox == account.id and key not in there and (mailbox, key) not in self.theirs and event.is_series
        ]

    def books(self, account: Account, event: Event) -> None:
        """A person made this event."""
        self.theirs[account.id, event.key] = event.change

    def sets(self, account: Account, *, zone: str | None = None, hours: tuple[str, time, time] | None = None) -> None:
        """A person is in another zone, or works at other times: on the days of ``MTWTFSS`` that are no dots."""
        box = account.mailbox
        if box is None:
            return
        if zone is not None:
            box.time_zone = WINDOWS[zone]
        if hours is not None:
            week, starts, ends = hours
            box.set_working_hours([day for day, works in zip(DAYS, week, strict=True) if works != "."], starts, ends)
        days = frozenset(DAYS.index(day) for day in box.hours.days)
        here = IANA[box.time_zone]
        theirs = Hours(days, box.hours.starts, box.hours.ends, here)
        self._said.setdefault(account.id, []).append((self.now, here, theirs))

    def acts(self, account: Account, act: Callable[[Mailbox], str | None]) -> str | None:
        """A person does something in their calendar, perhaps while the product is at work there."""
        if account.mailbox is None:
            return None
        self._check_left_alone(account)
        self._look(account, clean=False)
        done = act(account.mailbox)
        self._has_acted(account)
        self.ledger.settle(account.id, self.ours(account))
        self._promote(account)
        self._picture(account)
        return done

    def log(self, account: Account, event: Event) -> Touched:
        return self.ledger.of((account.id, event.key))

    def _promote(self, account: Account) -> None:
        """Where the original of a copy is gone, the copy is all there is, and stands for it."""
        marks = {
            (mark.block, mark.generation) for one in self.ours(account) if one.is_series and (mark := mark_of(one))
        }
        for key, mark in list(self.copies.items()):
            if key[0] == account.id and (mark.block, mark.generation) not in marks:
                marks.add((mark.block, mark.generation))
                self.copies.pop(key)
                self.theirs.pop(key)
                self.ledger.settle(account.id, [one for one in self.ours(account) if one.key == key[1]])

    # -- what should stand

    def wants(self, file: File, account: Account, after: datetime) -> list[Slot]:
        """What somebody should have by a file, of which dates begin later than that."""
        person = self.person(file, account, self.heard.get(account.id), self.ours(account))
        return wanted(file, person, self.recollection.choices(file), after)

    def person(self, file: File, account: Account, told: Told | None, events: Sequence[Event]) -> Person:
        """What of somebody decides what they should have by a file, with this in their calendar."""
        live: list[tuple[Mark, Event]] = []
        if told is not None and told.is_new(self._began):
            today = date_at(self._began, file.zone)
            marked = [(mark, event) for event in events if event.is_series and (mark := mark_of(event))]
            live = [(mark, event) for mark, event in marked if mark.last >= today or mark.ending]
            live.sort(key=lambda one: (one[0].generation, one[1].created))
        return Person(inside(file, self.tenant, account), told, tuple((mark.block, event) for mark, event in live))

    def approves(self) -> None:
        """The admin is about to say yes to the file as it is."""
        self._files[_dumped(self.file.text)] = self.file

    @property
    def approved(self) -> File | None:
        """The file that a person said yes to, as far as the product remembers."""
        return self.file_of(self.recollection)

    def file_of(self, recollection: Recollection) -> File | None:
        """The file that is approved by what the product remembers."""
        return None if recollection.approved is None else self._files[recollection.approved]

    def recalls(self) -> Recollection:
        """Look up what the product remembers."""
        people = [account.id for account in self.people]
        self.recollection = self.loop.run_until_complete(recall(self.state, self.tenant.id, people))
        for mailbox, at in self.recollection.asked.items():
            before = self.heard.get(mailbox)
            if before is None or at != before.at:
                zone, hours = next((zone, hours) for since, zone, hours in self._said[mailbox][::-1] if since <= at)
                same = before is not None and before.zone == zone
                self.heard[mailbox] = Told(at, zone, before.since if before and same else at, hours)
        return self.recollection

    # -- the product at work

    def run(
        self,
        what: str,
        job: Job,
        *,
        death: Death | None = None,
        meanwhile: Sequence[tuple[float, Callable[[], str | None]]] = (),
        beside: tuple[float, Job] | None = None,
        again: bool = False,
    ) -> Run:
        """A process does one job.

        ``meanwhile`` is what people do so many seconds after it began, and ``beside`` what another process does.
        """
        self.passes(_PAUSE)
        self.sum.runs += 1
        self._began = self.now
        run = self._run = self._before(what, beside=beside is not None)
        run.again = again
        fate = run.fate = Fate(death)
        works = [self._process(job, death, fate, meanwhile, run)]
        if beside is not None:
            works.append(self._later(beside, run))
        (run.report, run.how), *run.beside = self.loop.run_until_complete(_together(works))
        for task in asyncio.all_tasks(self.loop):
            if not task.done():
                run.wrong.append(f"it left something running: {task.get_coro()}")
        done = [*run.acts, *(f"the timer's sweep: {other}" for _, other in run.beside)]
        self.say("; ".join([f"{what}: {run.how}", *(f"meanwhile {one}" for one in done)]))
        for account in self.tenant.accounts:
            self._check_left_alone(account)
            self._promote(account)
        run.after = self.recalls()
        run.died = death is not None
        for account in self.people:
            if run.job == "remove":
                self.series.looks(account.id, (), run.began, sure=False)
            self._look(account, clean=self._saw_to(run, account))
        self._run = None
        return run

    def _before(self, what: str, *, beside: bool) -> Run:
        for account in self.tenant.accounts:
            self.ledger.absorb(account.id, self.ours(account), self._began, self._began)
            self._picture(account)
        self.tenant.counts.early_retries = 0
        series = {
            account.id: [(replace(one), mark) for one in self.ours(account) if one.is_series and (mark := mark_of(one))]
            for account in self.people
        }
        run = Run(what, self._began, self.recollection, dict(self.heard), series, lost=weather.lost(self.tenant))
        jobs: dict[str, list[File | None]] = {
            "sweep": [self.approved],
            "repair": [self.approved],
            "apply": [self.file],
        }
        own = jobs.get(run.job, [])
        run.files = list(dict.fromkeys(file for file in (*own, *([self.approved] if beside else [])) if file))
        run.dates = {account.id: self._dates(run.files, account) for account in self.people}
        run.faults = weather.total(self.tenant)
        return run

    # -- what is protected

    def dates(self, file: File, account: Account) -> list[Date]:
        """Somebody's coming dates of protected blocks by a file, each as it stands."""
        box = account.mailbox
        if box is None:
            return []
        events = self.ours(account)
        away = [
            (one.starts, one.ends)
            for event in box.events
            if (account.id, event.key) in self.theirs and event.values.get("showAs") == "oof"
            for one in event.between(self.now - timedelta(days=2), self.now + HORIZON + timedelta(days=2))
        ]
        murk = {event.key: self._murk(account, event) for event in events if event.is_series}
        return standing(self.wants(file, account, self.now + SOON), Calendar(events, away, murk, self.now, SOON))

    def _murk(self, account: Account, event: Event) -> set[date]:
        """The dates of a series that the product took out, or moved, for want of learning time, back then."""
        touched, mark = self.log(account, event), mark_of(event)
        if mark is None:
            return set()
        agreed = {day for day in touched.taken if self.diary.may_be_taken(DateKey(account.id, mark.block, day))}
        back = {day for day in touched.ours if touched.moved[day] == _native(event, day)}
        return (touched.taken - agreed) | (touched.ours - back)

    def _dates(self, files: Sequence[File], account: Account) -> list[Date]:
        found: dict[tuple[bytes, date], Date] = {}
        for file in files:
            for one in self.dates(file, account):
                found.setdefault((one.event, one.day), one)
        return list(found.values())

    def _look(self, account: Account, *, clean: bool) -> None:
        """Judge what a run has made of somebody's dates so far."""
        run = self._run
        if run is None or not run.files or account.id not in run.dates:
            return
        after = self._dates(run.files, account)
        acted = set(run.acted.get(account.id, ()))
        before, now = run.heard.get(account.id), self.heard.get(account.id)
        if not clean and (before and before[1:]) != (now and now[1:]):
            # By which working hours dates were judged nobody can tell.
            acted |= {(one.slot.block.id, one.day) for one in after}
        protections: dict[str, frozenset[Protection]] = {}
        for file in run.files:
            for block in file.blocks:
                protections[block.id] = protections.get(block.id, frozenset()) | {block.protection}
        seen = Looked(run.began, self.now, clean, frozenset(acted), protections, SOON)
        run.wrong += [
            f"in the calendar of {account.address} {wrong}"
            for wrong in self.diary.look(account.id, run.dates[account.id], after, seen)
        ]
        self._note_remakes(run, account, sure=clean)
        for event in self.ours(account):
            touched, mark = self.log(account, event), mark_of(event)
            for day in [*touched.free] if mark and event.is_series else ():
                one = event.occurrence_on(day)
                shows = one.value("showAs") if one else "nothing"
                if mark and shows == "busy" and self.diary.was_put_right(DateKey(account.id, mark.block, day)):
                    touched.is_busy_again(day)
        run.dates[account.id] = after

    def _has_acted(self, account: Account) -> None:
        """Somebody did something while the product was at work: which dates it was is seen by what stands now."""
        run = self._run
        if run is None or account.id not in run.dates:
            return
        before = {(one.slot.block.id, one.day, one.stand) for one in run.dates[account.id]}
        after = self._dates(run.files, account)
        changed = before.symmetric_difference((one.slot.block.id, one.day, one.stand) for one in after)
        run.acted.setdefault(account.id, set()).update((block, day) for block, day, _ in changed)
        run.dates[account.id] = after

    def _saw_to(self, run: Run, account: Account) -> bool:
        """Whether a run has surely seen to all that is protected in a calendar, undisturbed."""
        report = run.report
        if report is None or run.died or run.acts or run.beside or run.faults != weather.total(self.tenant):
            return False
        if "nothing" in report.note.lower() or "left to the next sweep" in report.note:
            return False
        box = account.mailbox
        if box is None or box.denied or box.pressure or box._late:
            return False
        found = [one for one in (*report.audience, *report.others) if one.mailbox == account.id]
        return bool(found) and found[0].state in {MailboxState.HELD, MailboxState.CHANGED, MailboxState.EXCUSED}

    def _note_remakes(self, run: Run, account: Account, *, sure: bool) -> None:
        """Which series were made again that their owner had deleted."""
        before = {event.key for event, _ in run.standing[account.id]} | run.made
        for event in self.ours(account):
            mark = mark_of(event)
            if mark is None or not event.is_series or event.key in before:
                continue
            run.made.add(event.key)
            # Where another stands at its time, it goes on: whether that counts as made again is not for people to see.
            goes_on = any(one.key in before and _is_alike(one, event) for one in self.ours(account) if one.is_series)
            surely = sure and not goes_on
            wrong = self.series.makes(account.id, mark.block, event, run.began, sure=surely, again=run.again)
            run.wrong += [f"in the calendar of {account.address} {wrong}"] if wrong else []
        for file in run.files:
            self.series.looks(account.id, self.wants(file, account, run.began + SOON), run.began, sure=sure)

    async def _later(self, what: tuple[float, Job], run: Run) -> tuple[Report | None, str]:
        seconds, job = what
        await asyncio.sleep(seconds)
        return await self._process(job, None, Fate(None), (), run)

    async def _process(
        self,
        job: Job,
        death: Death | None,
        fate: Fate,
        meanwhile: Sequence[tuple[float, Callable[[], str | None]]],
        run: Run,
    ) -> tuple[Report | None, str]:
        async def live() -> Report | None:
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
                run.wrong.append(str(broken))
            else:
                run.acts.extend([said] if said else [])

        work = start(self.loop, live(), fate)
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
        return report, _told(report)

    # -- what is to be left alone

    def _check_left_alone(self, account: Account) -> None:
        """Nothing that people made was touched, nor what had begun, or nearly, when the run began."""
        box = account.mailbox
        if box is None:
            return
        self.ledger.absorb(account.id, self.ours(account), self._began, self.now)
        stands = {event.key: event.change for event in box.events}
        for (mailbox, key), change in self.theirs.items():
            if mailbox == account.id and stands.get(key) != change:
                what = "a person's copy of a series" if (mailbox, key) in self.copies else "somebody's own event"
                raise Broken(f"{what} was {'changed' if key in stands else 'deleted'} in {account.address}")
        if account.id in self._begun:
            now = _shown(box, self._began + SOON)
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
        self._begun[account.id] = _shown(box, self._began + SOON)
        for event in box.events:
            self._known[account.id, event.key] = event

    def _observe(self, seen: Exchange) -> None:
        path = seen.path.partition("?")[0]
        self.trace.update(f"{self.loop.time():.6f} {seen.method} {seen.path} {seen.status}".encode())
        self.sum.calls += path != "/$batch"
        parts = [unquote(part) for part in path.split("/")]
        if seen.method == "GET" or len(parts) < 4 or parts[1] != "users" or parts[-1] == "getSchedule":
            return
        assert self._run is not None
        self._run.wrote[parts[2]] += 1
        if seen.method == "DELETE" and seen.status < 400 and len(parts) == 5:
            self._check_deletion(self._run, parts[2], parts[4])

    def _check_deletion(self, run: Run, mailbox: str, event_id: str) -> None:
        """What is deleted has not begun at that very moment."""
        box = self.tenant.mailbox(mailbox)
        key, _, day = ids.read(box.key, event_id)
        event = self._known.get((mailbox, key))
        if event is None:
            return
        touched = self.ledger.of((mailbox, key))
        if day is None:
            begun = [one.starts for one in event.between(_LONG_AGO, self.now) if one.starts <= self.now]
        elif day in touched.moved:
            begun = [touched.moved[day][0]]
        else:
            wall = datetime.combine(day, event.when.starts.time())
            begun = [event.when._replace(starts=wall, ends=wall).starts_at]
        if any(starts <= self.now for starts in begun):
            run.wrong.append(f"a date was deleted in {box.owner.address} when it had begun")

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and self._run is not None:
            self._run.wrong.append(f"unhandled in the background: {error!r}")

    def _contents(self, account: Account) -> object:
        return account.mailbox and [(event.key, event.change) for event in account.mailbox.events]

    def end(self) -> str:
        """Close everything; the trace by which two tellings of one story can be compared."""
        for account in self.tenant.accounts:
            self.trace.update(repr(self._contents(account)).encode())
        self.sum.met = weather.met(self.tenant)
        self.sum.touches = self.diary.judged
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
        return self.trace.hexdigest()[:16]


def _connection(tenant: Tenant) -> Connection:
    """A tenant is no further away than any other: certificates are read once for all worlds."""
    there = _somewhere(tenant.client_id, tenant.secret)
    return replace(there, tenant_id=tenant.id, authority=there.authority.replace(_ANY_TENANT, tenant.id))


_ANY_TENANT = "00000000-0000-0000-0000-000000000000"


@lru_cache(maxsize=1)
def _somewhere(client_id: str, secret: str) -> Connection:
    return Connection.to(tenant_id=_ANY_TENANT, client_id=client_id, credential="secret", secret=secret)


@lru_cache(maxsize=512)
def _dumped(text: str) -> str:
    """A file as the product keeps it."""
    return dump(settings(text))


async def _together(works: Sequence[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    return await asyncio.gather(*works)


def _told(report: Report | None) -> str:
    """What a run came to, in a sentence."""
    if report is None:
        return "done"
    states = ", ".join(f"{count} {state}" for state, count in report.counts().items() if count)
    return "; ".join(filter(None, (states or "nobody", f"{report.writes} writes", report.note)))


def _shown(box: Mailbox, until: datetime) -> list[Shown]:
    return [
        (one.event.key, one.slot.day if one.slot else None, one.starts, one.ends, one.value("showAs"))
        for event in sorted(box.events, key=lambda event: event.key)
        for one in event.between(_LONG_AGO, until + timedelta(microseconds=1))
        if one.starts <= until
    ]
