"""The seeded firm: the same every time, of the size that was asked for, and peopled like a firm."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from sandbox import Clock, Tenant, firm
from sandbox.directory import DISABLED, EMPLOYEE, GUEST, ROOM, SHARED, Account, Group
from tests.sandbox.graph import NOW


def made(people: int, seed: int = 1, language: str = "sv") -> Tenant:
    return firm(people=people, seed=seed, clock=Clock(at=NOW), language=language)


def everything(tenant: Tenant) -> list[Any]:
    until = NOW + timedelta(weeks=8)
    return [
        tenant.id,
        tenant.secret,
        [(one.id, one.display_name, one.address, one.kind, one.department) for one in tenant.accounts],
        [(one.id, one.display_name, [member.id for member in one.members]) for one in tenant.groups],
        [tenant.calendar(one.id, NOW, until) for one in tenant.accounts if one.mailbox],
    ]


def test_the_same_seed_is_the_same_firm() -> None:
    assert everything(made(40)) == everything(made(40))
    assert everything(made(40)) != everything(made(40, seed=2))


@pytest.mark.parametrize("people", [1, 2, 12, 120, 1000])
def test_it_has_so_many_employees_and_others_besides(people: int) -> None:
    tenant = made(people)
    kinds = Counter(one.kind for one in tenant.accounts)
    assert len(tenant.employees) == kinds[EMPLOYEE] == people
    for kind, percent in [(GUEST, 4), (DISABLED, 3), (SHARED, 2.5), (ROOM, 3.3)]:
        assert kinds[kind] == max(1, round(people * percent / 100))
    inside = {one for one in tenant.everyone.transitive_members() if isinstance(one, Account)}
    assert inside == set(tenant.accounts)


def test_names_are_unique_and_plain_in_addresses() -> None:
    tenant = made(6000)
    addresses = [one.address for one in tenant.accounts]
    assert len(set(addresses)) == len(addresses)
    assert all(one.isascii() and one == one.lower() for one in addresses)
    assert {one.partition("@")[2] for one in addresses} == {"fjallvik.example", "bjorkdalen.example"}
    assert len({one.id for one in tenant.accounts}) == len(addresses)
    assert len({one.mail for one in tenant.groups}) == len(tenant.groups)


def test_groups_nest_and_overlap() -> None:
    tenant = made(120)
    departments = [one for one in tenant.everyone.members if isinstance(one, Group)]
    assert "Utveckling" in {one.display_name for one in departments}
    assert any(isinstance(member, Group) for one in departments for member in one.members)
    belongs = Counter(member.id for one in departments for member in one.transitive_members())
    assert max(belongs.values()) > 1


def test_kinds_are_told_apart_by_their_mailboxes() -> None:
    for one in made(60).accounts:
        assert (one.mailbox is None) == (one.kind == GUEST)
        assert one.enabled == (one.kind != DISABLED)
        if one.mailbox:
            assert one.mailbox.purpose == {SHARED: "shared", ROOM: "room"}.get(one.kind, "user")
            assert one.mailbox.time_zone == "W. Europe Standard Time"


def test_employees_have_something_in_their_calendars() -> None:
    tenant = made(60)
    for one in tenant.employees:
        entries = tenant.calendar(one.id, NOW - timedelta(weeks=3), NOW + timedelta(weeks=6))
        alone = sum(other.department == one.department for other in tenant.employees) == 1
        assert {entry.type for entry in entries} == {"singleInstance"} | (set() if alone else {"occurrence"})
        assert not any(entry.tag for entry in entries)
    copies = [event for one in tenant.employees if one.mailbox for event in one.mailbox.events if event.organizer]
    assert copies
    assert {event.response for event in copies} <= {"accepted", "tentativelyAccepted", "notResponded"}
    assert tenant.counts.mails == 0


def test_it_may_be_english() -> None:
    tenant = made(60, language="en")
    assert tenant.everyone.display_name == "All employees"
    assert "Development" in {one.display_name for one in tenant.groups}
    assert tenant.employees[0].language == "en-GB"
