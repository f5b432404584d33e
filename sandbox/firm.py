"""A pretend firm of any size: Fjällvik AB, with departments, people and what already stands in their calendars."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from sandbox.clock import Clock
from sandbox.directory import DISABLED, GUEST, ROOM, SERVICE, SHARED, Account, Group
from sandbox.event import Address
from sandbox.hours import WEEKDAYS, WorkingHours
from sandbox.names import ENGLISH, FIRST_NAMES, LAST_NAMES, SWEDISH, Words
from sandbox.recurrence import DAYS, Recurrence
from sandbox.tenant import Tenant

NAME, DOMAIN, PARTNER = "Fjällvik AB", "fjallvik.example", "bjorkdalen.example"
ZONE_ABROAD = "FLE Standard Time"

_GUESTS, _DISABLED, _SHARED, _ROOMS = 25, 33, 40, 30
"""One of each kind besides so many employees: four per cent of guests, three of disabled accounts, and so on."""

_TEAMS_FROM = 20
"""The size from which the biggest department has teams, so that groups nest two deep."""

_DEPARTMENTS_IN_TEAMS = 3
"""The first so many departments have a team each."""

_SHORT_WEEKS = (WorkingHours(ends=time(12)), WorkingHours(days=WEEKDAYS[:4]))
"""Of the first part-timer, and of all others."""

_MEETING_WEEKS = 52
_SINGLES_WEEKS = 4
_MOST_COPIED = 40
"""Attendees that a meeting shows; a department may be a thousand people, and their list in each copy gains nothing."""


def firm(
    people: int = 120,
    seed: int = 1,
    clock: Clock | None = None,
    language: str = "sv",
    *,
    calendars: bool = True,
    part_timers: int = 0,
    abroad: float = 0.0,
) -> Tenant:
    """A tenant with so many employees who have mailboxes; others come on top. The same arguments, the same tenant.

    Without ``calendars`` nobody has anything in theirs. ``part_timers`` of the employees work less than the others, the
    first of them in the mornings only. About the share ``abroad`` of all are in Helsinki, by whole departments; then
    there is a group for each country. Who there is does not depend on either. Three departments have a team with a
    channel for learning, to which an account for services belongs that is in no other group.
    """
    if not 0 <= abroad < 1:
        raise ValueError("The share abroad is at least 0 and less than 1.")
    tenant = Tenant(NAME, DOMAIN, clock=clock or Clock(), seed=seed, language=language)
    words = SWEDISH if language == "sv" else ENGLISH
    who = _people(tenant)
    departments = _departments(tenant, words, people, who)
    moved = _move(departments, words, abroad)
    _part_time(tenant, part_timers, seed)
    _others(tenant, words, people, who)
    leaders = [department.members[0] for department in departments if department.members]
    tenant.everyone.members.append(tenant.add_group(words.leaders, f"{_ascii(words.leaders)}@{DOMAIN}", leaders))
    if calendars:
        for place, department in enumerate(departments):
            _meeting(tenant, words, department, place)
        _singles(tenant, words)
    if abroad:
        _countries(tenant, words, departments, moved)
    _teams(tenant, words, departments, seed)
    tenant.applications[0].roles.add("Mail.Send")  # an admin has consented to it, too
    return tenant


def _people(tenant: Tenant) -> Iterator[tuple[str, str, str]]:
    """First name, last name and the part of the address before the at sign, which nobody else has."""
    taken: dict[str, int] = {}
    while True:
        first, last = tenant.chance.choice(FIRST_NAMES), tenant.chance.choice(LAST_NAMES)
        plain = f"{_ascii(first)}.{_ascii(last)}"
        taken[plain] = number = taken.get(plain, 0) + 1
        yield first, last, plain if number == 1 else f"{plain}{number}"


def _departments(tenant: Tenant, words: Words, people: int, who: Iterator[tuple[str, str, str]]) -> list[Group]:
    """The employees in their departments, whose groups are members of the group of everyone."""
    total = sum(words.departments.values())
    groups = []
    placed = share = 0
    for name, part in words.departments.items():
        share += part
        size = round(people * share / total) - placed
        placed += size
        members: list[Account | Group] = []
        for number in range(size):
            first, last, address = next(who)
            title = tenant.chance.choice(words.job_titles) if number else words.leaders.removesuffix("s")
            members.append(tenant.add_account(first, last, f"{address}@{DOMAIN}", department=name, job_title=title))
        group = tenant.add_group(name, f"{_ascii(name)}@{DOMAIN}", members)
        tenant.everyone.members.append(group)
        groups.append(group)
    biggest = groups[0]
    if len(biggest.members) >= _TEAMS_FROM:
        _split(tenant, words, biggest)
    return groups


def _split(tenant: Tenant, words: Words, department: Group) -> None:
    """Put all but a department's first member into teams of it."""
    rest = department.members[1:]
    del department.members[1:]
    for place, team in enumerate(words.teams):
        name = f"{department.display_name} {team}"
        members = rest[place :: len(words.teams)]
        department.members.append(tenant.add_group(name, f"{_ascii(name)}@{DOMAIN}", members))


def _move(departments: list[Group], words: Words, abroad: float) -> list[Group]:
    """Put departments into Helsinki, the biggest that fit into the share, but not the biggest of all."""
    room = round(abroad * sum(words.departments.values()))
    moved = []
    for department in departments[1:]:
        part = words.departments[department.display_name]
        if part <= room:
            room -= part
            moved.append(department)
    if abroad and not moved:
        moved = departments[-1:]
    for department in moved:
        for one in _accounts(department):
            one.country, one.language = "FI", words.locale_abroad
            if one.mailbox is not None:
                one.mailbox.time_zone, one.mailbox.locale = ZONE_ABROAD, one.language
    return moved


def _countries(tenant: Tenant, words: Words, departments: list[Group], moved: list[Group]) -> None:
    """A group for each country, of its departments."""
    here = [one for one in departments if one not in moved]
    for name, members in zip(words.countries, (here, moved), strict=True):
        tenant.add_group(name, f"{_ascii(name)}@{DOMAIN}", members)


def _teams(tenant: Tenant, words: Words, departments: list[Group], seed: int) -> None:
    """Teams of departments, in groups of their own, so that the account that posts there is in no department.

    They are made by a chance of their own: the tenant's goes on as if there were none.
    """
    before = tenant.chance.getstate()
    tenant.chance.seed(f"teams {seed}")
    service = tenant.add_account(
        "", "", f"{_ascii(words.learning)}@{DOMAIN}", kind=SERVICE, display_name=words.learning
    )
    for department in departments[:_DEPARTMENTS_IN_TEAMS]:
        people = _accounts(department)
        name = f"Team {department.display_name}"
        team = tenant.add_team(name, f"{_ascii(name)}@{DOMAIN}", [*people, service], people[:1])
        team.add_channel(words.learning)
    tenant.chance.setstate(before)


def _part_time(tenant: Tenant, number: int, seed: int) -> None:
    """Give some employees shorter weeks, by a chance of its own: the tenant's goes on as if nobody had them."""
    chance = random.Random(f"part-timers {seed}")
    for place, one in enumerate(chance.sample(tenant.employees, number)):
        tenant.mailbox(one.id).hours = _SHORT_WEEKS[min(place, 1)]


def _others(tenant: Tenant, words: Words, people: int, who: Iterator[tuple[str, str, str]]) -> None:
    """Who is in the group of everyone without being an employee at work."""
    members = tenant.everyone.members
    names = list(words.departments)
    for _ in range(_one_in(_GUESTS, people)):
        first, last, address = next(who)
        members.append(tenant.add_account(first, last, f"{address}@{PARTNER}", kind=GUEST))
    for _ in range(_one_in(_DISABLED, people)):
        first, last, address = next(who)
        department = tenant.chance.choice(names)
        members.append(tenant.add_account(first, last, f"{address}@{DOMAIN}", kind=DISABLED, department=department))
    for kind, given, count in (
        (SHARED, words.shared, _one_in(_SHARED, people)),
        (ROOM, words.rooms, _one_in(_ROOMS, people)),
    ):
        for number in range(count):
            name = given[number % len(given)] + (f" {number // len(given) + 1}" if number >= len(given) else "")
            members.append(tenant.add_account("", "", f"{_ascii(name)}@{DOMAIN}", kind=kind, display_name=name))


def _meeting(tenant: Tenant, words: Words, department: Group, place: int) -> None:
    """A weekly meeting of a department: its first member's own, and a copy in everybody else's calendar."""
    people = _accounts(department)
    if len(people) < 2:
        return
    host, *others = people
    day = _monday(tenant) + timedelta(days=place % 5, weeks=-2)
    starts = datetime.combine(day, time(8 + place % 3, 30))
    rule = Recurrence(
        type="weekly",
        interval=1,
        days=(DAYS[day.weekday()],),
        first_day="monday",
        index="first",
        day_of_month=0,
        month=0,
        range_type="endDate",
        starts_on=day,
        ends_on=day + timedelta(weeks=_MEETING_WEEKS),
        count=0,
        zone=tenant.mailbox(host.id).home,
    )
    uid = tenant.chance.randbytes(16)
    subject = words.meeting.format(department=department.display_name)
    organizer = Address(host.display_name, host.address)
    attendees = [Address(one.display_name, one.address) for one in others[:_MOST_COPIED]]
    own = tenant.mailbox(host.id).book(
        subject, starts, starts + timedelta(minutes=45), recurrence=rule, attendees=attendees, uid=uid
    )
    for one in others:
        response = tenant.chance.choices(("accepted", "tentativelyAccepted", "notResponded"), (8, 1, 1))[0]
        tenant.mailbox(one.id).copy(own, organizer, response)


def _singles(tenant: Tenant, words: Words) -> None:
    """One to three things of their own in everybody's coming weeks."""
    monday = _monday(tenant)
    chance = tenant.chance
    for one in tenant.employees:
        for subject in chance.sample(words.singles, chance.randint(1, 3)):
            day = monday + timedelta(weeks=chance.randrange(_SINGLES_WEEKS), days=chance.randrange(5))
            starts = datetime.combine(day, time(chance.randint(8, 15), chance.choice((0, 30))))
            tenant.mailbox(one.id).book(subject, starts, starts + timedelta(minutes=chance.choice((30, 60, 90))))


def _accounts(department: Group) -> list[Account]:
    """Everybody in a department once, its first member first."""
    within = (*department.members, *department.transitive_members())
    return list(dict.fromkeys(one for one in within if isinstance(one, Account)))


def _one_in(share: int, people: int) -> int:
    return max(1, round(people / share))


def _monday(tenant: Tenant) -> date:
    today = tenant.clock.now().date()
    return today - timedelta(days=today.weekday())


def _ascii(text: str) -> str:
    """Lower case without accents or spaces, as addresses are."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
