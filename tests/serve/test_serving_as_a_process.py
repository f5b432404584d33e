"""`holdfast serve` as a real process on a pretend tenant over TLS. The tenant's own word counts."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import httpx
import pytest

from holdfast.serve.ending import GRACE
from sandbox import Person, Tenant
from sandbox.directory import Account
from sandbox.notices import Mishap
from tests.serve.process import House, Process, free_port, until
from tests.tenants import Served, blocks, series

HOSTS = (f"https://holdfast{number}.example" for number in count())
"""Public addresses, one for each test: the sandbox that all tests share keeps its tunnels."""


@pytest.fixture
def told(house: Callable[..., House], served: Served) -> Callable[[int], tuple[House, Process]]:
    """A machine that Graph tells of changes, and `serve` on it."""

    def make(people: int) -> tuple[House, Process]:
        public, port = next(HOSTS), free_port()
        served.sandbox.courier.tunnels[public] = f"http://127.0.0.1:{port}"
        made = house(people, HOLDFAST_NOTIFICATION_URL=f"{public}/api/notifications")
        return made, made.serve("--webhook-port", str(port))

    return make


def a_later_block(tenant: Tenant, account: Account) -> tuple[str, object]:
    """The id and the start of a date of somebody's block that is days ahead."""
    now = tenant.clock.now()
    view = tenant.calendar(account.id, now + timedelta(days=7), now + timedelta(days=60))
    entry = next(one for one in view if one.tag)
    return entry.id, entry.start


def calls(one: House) -> int:
    """How many calls the tenant has had so far, items of batches one by one."""
    return sum(one.tenant.counts.paths.values())


def last_run(one: House) -> dict[str, object]:
    run: dict[str, object] | None = json.loads(one.desk.run("status", "--json").stdout)["last_run"]
    return run or {}


def swept(one: House) -> dict[str, object]:
    """The account of the first sweep, once it has ended."""
    found: dict[str, object] = until(lambda: run if (run := last_run(one)).get("job") == "sweep" else {})
    return found


def test_a_deleted_date_is_put_back_because_graph_told(told: Callable[[int], tuple[House, Process]]) -> None:
    one, process = told(2)
    subscriptions = one.tenant.notices.subscriptions
    until(lambda: len(list(subscriptions)) == 2)
    swept(one)
    person = one.tenant.employees[0]
    event, start = a_later_block(one.tenant, person)
    standing = blocks(one.tenant, person)
    Person(one.tenant, person).delete(event)
    assert len(blocks(one.tenant, person)) == len(standing) - 1
    until(lambda: any(begins == start for begins, _ in blocks(one.tenant, person)))
    assert '"looked at"' in until(lambda: process.logged if "A hint was followed." in process.logged else "")
    assert person.address not in process.logged + process.printed
    process.send(signal.SIGTERM)
    assert process.ends() == 0


@pytest.mark.hard
def test_a_sweep_finds_what_nobody_was_told_of(told: Callable[[int], tuple[House, Process]]) -> None:
    one, first = told(2)
    until(lambda: len(list(one.tenant.notices.subscriptions)) == 2)
    swept(one)
    first.send(signal.SIGTERM)
    assert first.ends() == 0
    one.tenant.notices.script(Mishap.LOST, times=None)
    person = one.tenant.employees[0]
    event, start = a_later_block(one.tenant, person)
    Person(one.tenant, person).delete(event)
    with sqlite3.connect(one.desk.folder / "holdfast.db") as state:
        state.execute("delete from job_run")  # as if the hour was over
    second = one.serve()
    until(lambda: any(begins == start for begins, _ in blocks(one.tenant, person)))
    until(lambda: "A shard was worked off." in second.logged)
    assert "A hint was followed." not in second.logged


@pytest.mark.hard
def test_killed_in_the_middle_of_a_sweep_and_started_again(house: Callable[..., House]) -> None:
    one = house(60)
    for person in one.tenant.employees:
        Person(one.tenant, person).delete_series(a_later_block(one.tenant, person)[0])
    assert [series(person) for person in one.tenant.employees] == [0] * 60
    before = one.tenant.counts.writes
    one.tenant.latency = 0.2
    killed = one.serve()
    until(lambda: one.tenant.counts.writes > before + 5)
    killed.send(signal.SIGKILL)
    assert killed.ends() == -signal.SIGKILL
    assert one.tenant.counts.writes < before + 60
    one.tenant.latency = 0.0
    one.serve()
    run = swept(one)
    assert run["audience"] == sum(run["states"].values())
    assert run["complete"]
    assert [series(person) for person in one.tenant.employees] == [1] * 60
    assert one.tenant.counts.writes == before + 60


@pytest.mark.hard
def test_the_end_is_asked_for_in_the_middle_of_a_sweep(house: Callable[..., House]) -> None:
    one = house(60)
    one.tenant.latency = 1.0
    asked = calls(one)
    process = one.serve()
    until(lambda: calls(one) > asked + 10)
    process.send(signal.SIGTERM)
    began = time.monotonic()
    assert process.ends() == 0, process.logged
    assert time.monotonic() - began < GRACE + 20
    assert "Stopped." in process.printed


@pytest.mark.hard
def test_a_second_signal_ends_it_at_once(house: Callable[..., House]) -> None:
    one = house(60)
    one.tenant.latency = 3.0
    asked = calls(one)
    process = one.serve()
    until(lambda: calls(one) > asked + 10)
    process.send(signal.SIGINT)
    began = time.monotonic()
    while process.running.poll() is None and time.monotonic() - began < GRACE:
        time.sleep(0.2)
        process.send(signal.SIGINT)
    assert process.ends(within=GRACE / 2) == -signal.SIGINT
    assert "Stopped." not in process.printed


@pytest.mark.hard
def test_a_second_one_for_the_same_state_says_so_and_ends(house: Callable[..., House]) -> None:
    one = house(1)
    first = one.serve()
    first.until_printed("The status page")
    second = one.serve()
    assert second.ends() == 1
    assert "running already" in second.logged
    assert first.running.poll() is None


def test_the_page_over_http_is_for_who_has_the_link(house: Callable[..., House]) -> None:
    one = house(2)
    process = one.serve()
    link = process.link
    address = link.partition("?")[0]
    assert httpx.get(address).status_code == 403
    assert httpx.get(link, headers={"Host": "fjallvik.example"}).status_code == 400
    with httpx.Client() as browser:
        let_in = browser.get(link)
        assert let_in.status_code == 303
        assert "token" not in let_in.headers["location"]
        swept(one)
        page = browser.get(address)
    assert page.status_code == 200
    assert "Fjällvik AB" in page.text
    assert "Everybody was reached." in page.text
    assert not any(person.address in page.text for person in one.tenant.employees)
    assert httpx.get(link).status_code == 403, "a link is good once"
    until(lambda: process.link != link)
    tokens = [line.partition("token=")[2].strip() for line in process.printed.splitlines() if "token=" in line]
    assert len(tokens) == 2
    assert not any(token in process.logged for token in tokens)
