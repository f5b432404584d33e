"""Looking at everybody: who is in the audiences, what their calendars hold, and what would have to change.

Reads only. ``plan``, ``apply``, ``sweep`` and ``remove`` all begin here.
"""

from __future__ import annotations

import difflib
import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from holdfast.core import zones
from holdfast.core.desired import (
    Choices,
)
from holdfast.core.diff import Memory
from holdfast.core.messages import Task
from holdfast.core.model import (
    SlotKey,
)
from holdfast.core.plan import Create, Plan, Planned, Reason, guard
from holdfast.core.protection import counted
from holdfast.core.report import Account, Report
from holdfast.core.settings import Settings
from holdfast.jobs.audience import Audience, resolve
from holdfast.jobs.choosing import Choosing, choose
from holdfast.jobs.crowd import each
from holdfast.jobs.errand import Brief, Decisions, Errand, Look, Outcome
from holdfast.jobs.looking import look_at_mailbox
from holdfast.jobs.ports import Placed, Ports, Progress

_ELSEWHERE = "#ext#"


class NoSuchMailbox(Exception):
    """The mailbox that was asked for is in no audience."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Everybody at one instant. ``groups`` are those that the settings turned out to mean, as ``Audience`` has them.

    ``choosing`` has the times of day of blocks that leave the choice; ``of_one`` says that one mailbox was asked for.
    ``home`` are the domains whose addresses are the organisation's own, and ``audiences`` what everybody belongs to, by
    address, also where one mailbox was asked for.
    """

    at: datetime
    groups: Mapping[str, tuple[str, str]]
    looks: tuple[Look, ...]
    choosing: Choosing = field(default_factory=Choosing)
    of_one: bool = False
    home: frozenset[str] = frozenset()
    audiences: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The changes that everybody together needs."""
        return Plan.of(Planned(look.errand.mailbox, look.errand.address, look.changes) for look in self.looks)

    @property
    def managed(self) -> set[str]:
        """The mailboxes that have a series, or would newly get one."""
        return {
            look.errand.mailbox
            for look in self.looks
            if look.holds or any(isinstance(change, Create) for change in look.changes)
        }

    def elsewhere(self, settings: Settings) -> Mapping[str, int]:
        """How many mailboxes of the audience are in other zones than the organisation, by their IANA names."""
        return elsewhere(settings, (look.errand.zone for look in self.looks if not look.errand.excuse))

    @property
    def standing(self) -> int:
        """How many meetings stand already where new series are to be, of blocks for which that is looked at."""
        return sum(look.standing for look in self.looks)

    @property
    def on_top(self) -> Mapping[str, int]:
        """How many meetings on top of blocks meet with what, over everybody, as far as nothing is done about them."""
        return Counter(one.fate.told for look in self.looks for one in look.meetings)

    @property
    def protected(self) -> Mapping[str, int]:
        """How many touched dates met with what, over everybody. Of one person alone it is not told."""
        if self.of_one:
            return {}
        judged = (one for look in self.looks if look.touched for one in look.touched.judged)
        return {f"{touch}, {verdict}": times for (touch, verdict), times in counted(judged).items()}

    def check_guard(self, settings: Settings, complete: frozenset[str]) -> None:
        """Refuse an unusually large plan: raises ``UnsafePlan``. ``complete`` are blocks once applied to everybody."""
        limits = settings.guard
        guard(self.plan, managed=self.managed, complete=complete, share=limits.share, count=limits.count)

    def report(
        self,
        job: str,
        ended: datetime,
        outcomes: Iterable[Outcome] = (),
        *,
        note: str = "",
        on_top: Mapping[str, int] | None = None,
    ) -> Report:
        """The account of everybody: as they were seen, or as ``outcomes`` left them.

        ``on_top`` counts what became of meetings on top of blocks, where something was done about them. Of one person
        alone it is not told, nor are more writes than were planned, which were about what their owner did.
        """
        left = {outcome.account.mailbox: outcome for outcome in outcomes}
        writes = sum(outcome.writes for outcome in left.values())
        accounts: dict[bool, list[Account]] = {True: [], False: []}
        for look in self.looks:
            outcome = left.get(look.errand.mailbox)
            accounts[look.errand.in_audience].append(outcome.account if outcome else look.account)
        return Report(
            job=job,
            began=self.at,
            ended=ended,
            audience=tuple(accounts[True]),
            others=tuple(accounts[False]),
            writes=min(writes, self.plan.writes) if self.of_one else writes,
            planned_writes=self.plan.writes,
            note=note,
            protected={**self.protected, **({} if self.of_one else on_top or self.on_top)},
        )


async def survey(
    settings: Settings,
    ports: Ports,
    *,
    pinned: Mapping[str, tuple[str, str]],
    choices: Choices | None = None,
    choose_again: bool = False,
    only: str | None = None,
    removing: Reason | None = None,
    by_heart: bool = False,
    attended: bool = True,
    ask_again: bool = False,
    progress: Progress | None = None,
) -> Survey:
    """Look at every mailbox of the audiences and at everybody who has left them.

    ``only`` keeps to the mailbox with this address or id and raises ``NoSuchMailbox`` if there is none; ``removing``
    wants no blocks anywhere, for that reason; ``by_heart`` asks series that are known for their dates, where that is
    enough, instead of searching calendars; ``attended`` says that a person asked, and ``ask_again`` that series are to
    be made again whose owners have deleted them twice. ``choices`` are taken instead of those on record, and
    ``choose_again`` looks for the quietest times anew. Raises ``AudienceError`` for groups that cannot be told, and
    Graph's errors where the directory cannot be read: without knowing everybody, nothing is known. A single mailbox
    that cannot be read is *unread*.
    """
    now = ports.clock.now()
    audience = await resolve(settings, ports.directory, pinned)
    placed = await ports.state.placed()
    chosen = Choosing() if removing else await choose(settings, audience, ports, given=choices, again=choose_again)
    brief = await brief_of(settings, ports, now, chosen.times, home=home_of(audience), removing=removing)
    errands = errands_of(brief, tasks_of(audience, placed), placed)
    audiences = {errand.address: errand.audiences for errand in errands}
    if only is not None:
        errands = [_the_one(errands, only)]
    groups, relearning = audience.groups, not placed
    del audience, placed  # everybody twice over, and the errands are made

    async def visit(errand: Errand) -> Look:
        errand = replace(errand, attended=attended, ask_again=ask_again)
        return await look_at_mailbox(errand, ports, brief, relearning=relearning, by_heart=by_heart)

    looks = await each(errands, visit, doing="Reading calendars", progress=progress)
    return Survey(now, groups, tuple(looks), chosen, only is not None, brief.home, audiences)


async def brief_of(
    settings: Settings,
    ports: Ports,
    now: datetime,
    choices: Choices,
    *,
    home: frozenset[str] = frozenset(),
    removing: Reason | None = None,
) -> Brief:
    """What all errands of a run go by, with what is remembered of the tenant."""
    facts = await ports.state.tenant_facts()
    return Brief(
        settings,
        Decisions(now),
        choices,
        floors=await ports.state.floors(),
        range_end_keeps=facts is not None and facts.range_end_keeps is True,
        home=home,
        removing=removing,
    )


def home_of(audience: Audience) -> frozenset[str]:
    """The domains of the audiences' own addresses, but for those of people who belong to another tenant.

    An account of another organisation may be a member too, with an address there; its sign-in name tells. And of a
    mail address of which nobody else has the like, nothing says that it is not a private one.
    """
    people = (member.person for member in audience.members.values())
    own = [one for one in people if not one.guest and _ELSEWHERE not in one.user_principal_name.lower()]
    domains = Counter(one.address.rpartition("@")[2] for one in own)
    shared = {domain for domain, count in domains.items() if count > 1}
    return frozenset(shared | {one.user_principal_name.lower().rpartition("@")[2] for one in own})


def elsewhere(settings: Settings, found: Iterable[str | None]) -> Mapping[str, int]:
    """How many of the zones are not the organisation's, most first. Zones that Windows knows as one are one."""
    home = zones.windows(settings.organization.zone)
    others = (settings.known_as(zone) for zone in found if zone and zones.windows(zone) != home)
    return dict(Counter(others).most_common())


def errands_of(brief: Brief, tasks: Iterable[Task], placed: Mapping[str, Placed]) -> list[Errand]:
    """What is to be done in each of these mailboxes, by what is on record of them."""
    nothing, gone = brief.nothing, brief.removing or Reason.LEFT

    @functools.cache
    def remembered(slots: frozenset[SlotKey]) -> Memory:
        return Memory(slots, brief.floors, brief.range_end_keeps)

    return [
        Errand(
            task.mailbox,
            task.address,
            nothing,
            remembered(placed[task.mailbox].slots if task.mailbox in placed else frozenset()),
            in_audience=task.in_audience,
            excuse=task.excuse,
            gone=gone,
            audiences=task.audiences,
            name=task.name,
            declines=task.declines,
            record=placed.get(task.mailbox),
        )
        for task in tasks
    ]


def tasks_of(audience: Audience, placed: Mapping[str, Placed]) -> list[Task]:
    """Every member of an audience, and everybody else who has been given blocks."""
    members = [
        Task(
            member.person.id,
            member.person.address,
            member.audiences,
            excuse=member.excuse(),
            declines=member.declines,
            name=member.person.name,
        )
        for member in audience.members.values()
    ]
    others = [
        Task(mailbox, known.address, in_audience=False)
        for mailbox, known in placed.items()
        if mailbox not in audience.members
    ]
    return members + others


def _the_one(errands: list[Errand], only: str) -> Errand:
    """The errand of one mailbox, by address or id."""
    sought = only.lower()
    for errand in errands:
        if sought in (errand.address, errand.mailbox.lower()):
            return errand
    near = difflib.get_close_matches(sought, [errand.address for errand in errands], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise NoSuchMailbox(f'"{only}" is in no audience of the settings.{hint}')
