"""The seeded firm: the same every time, of the size that was asked for, and peopled like a firm."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from sandbox import Clock, Tenant, firm
from sandbox.directory import DISABLED, EMPLOYEE, GUEST, ROOM, SHARED, Account, Group
from sandbox.hours import WorkingHours
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
    assert inside == set(tenant.accounts) - {tenant.service_account}


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


def people_of(tenant: Tenant) -> list[Any]:
    return [(one.id, one.display_name, one.address, one.kind, one.department) for one in tenant.accounts]


def test_nobody_works_part_time_or_abroad_unless_asked_for() -> None:
    tenant = made(120)
    assert {one.mailbox.hours for one in tenant.employees if one.mailbox} == {WorkingHours()}
    assert {one.country for one in tenant.accounts} == {"SE"}
    assert not {"Sverige", "Finland"} & {one.display_name for one in tenant.groups}


def test_part_timers_are_the_same_ones_every_time_and_nobody_else_changes() -> None:
    usual, some = made(120), firm(120, 1, Clock(at=NOW), part_timers=4)
    short = {one.id: one.mailbox.hours for one in some.employees if one.mailbox and one.mailbox.hours != WorkingHours()}
    assert len(short) == 4
    assert Counter((hours.days[-1], hours.ends.hour) for hours in short.values()) == {
        ("friday", 12): 1,
        ("thursday", 17): 3,
    }
    again = firm(120, 1, Clock(at=NOW), part_timers=4)
    assert short == {one.id: one.mailbox.hours for one in again.employees if one.mailbox and one.id in short}
    assert everything(usual) == everything(some)


@pytest.mark.parametrize(
    ("language", "names", "locale"),
    [("sv", ("Sverige", "Finland"), "sv-FI"), ("en", ("Sweden", "Finland"), "en-GB")],
)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5])
def test_whole_departments_may_be_in_helsinki(language: str, names: tuple[str, str], locale: str, share: float) -> None:
    tenant = firm(1000, 1, Clock(at=NOW), language, abroad=share)
    away = [one for one in tenant.employees if one.country == "FI"]
    assert len(away) / 1000 == pytest.approx(share, abs=0.03)
    departments = {one.department for one in away}
    assert len(departments) < 10
    here = [one for one in tenant.employees if one not in away]
    assert departments.isdisjoint(one.department for one in here)
    for people, zone in [(away, "FLE Standard Time"), (here, "W. Europe Standard Time")]:
        boxes = [one.mailbox for one in people if one.mailbox]
        assert {box.time_zone for box in boxes} == {zone}
        assert {event.when.zone for box in boxes for event in box.events} == {zone}
    assert {one.language for one in away} == {one.mailbox.locale for one in away if one.mailbox} == {locale}
    groups = {one.display_name: set(one.transitive_members()) for one in tenant.groups}
    assert [one in groups[names[1]] for one in tenant.employees] == [one in away for one in tenant.employees]
    assert [one in groups[names[0]] for one in tenant.employees] == [one in here for one in tenant.employees]
    assert people_of(tenant) == people_of(firm(1000, 1, Clock(at=NOW), language))


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_not_everybody_is_abroad(share: float) -> None:
    with pytest.raises(ValueError, match="share abroad"):
        firm(12, abroad=share)


def test_a_firm_too_small_for_the_share_has_its_smallest_department_abroad() -> None:
    tenant = firm(1000, abroad=0.01, calendars=False)
    assert {one.department for one in tenant.accounts if one.country == "FI"} == {"Ledning"}


@pytest.mark.parametrize(("language", "learning"), [("sv", "Lärande"), ("en", "Learning")])
def test_three_departments_have_teams_with_a_channel_for_learning(language: str, learning: str) -> None:
    tenant = made(60, language=language)
    service = tenant.service_account
    assert service.enabled
    assert service not in tenant.employees
    assert len(tenant.teams) == 3
    for team in tenant.teams:
        assert [channel.name for channel in team.channels] == ["General", learning]
        (owner,) = team.owners
        department = {one for one in tenant.employees if one.department == owner.department}
        assert set(team.members) == department | {service}
        assert team.group not in tenant.everyone.members
    assert not any(service in group.accounts() for group in tenant.groups if group.team is None)


def test_teams_leave_the_rest_of_the_firm_to_its_own_chance() -> None:
    tenant = made(60)
    assert len({one.id for one in [*tenant.accounts, *tenant.groups]}) == len(tenant.accounts) + len(tenant.groups)
    assert tenant.new_id() != made(60, seed=2).new_id()
