"""``holdfast login`` and what ``status`` and ``check`` say of it, over TLS with the real msal."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast import wiring
from holdfast.core.summary import Post
from holdfast.wiring import Place, Wired
from sandbox import Clock, Tenant, firm
from sandbox.teams import Channel
from tests.cli.command import Desk
from tests.sandbox.teams import CARD
from tests.tenants import Served

NOW = datetime(2026, 11, 27, 13, tzinfo=UTC)
SETTINGS = """\
version: 1
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm}}
tenant:
  login: {{client_id: {client_id}, account: {account}}}
audiences:
  alla: {{group: Alla medarbetare}}
blocks:
  - {{id: lartimmen, title: Lärtimmen, audiences: [alla], every: week, day: thursday, at: "09:00", minutes: 60,
     from: 2026-12-01}}
channels:
  - {{id: utveckling, team: Team Utveckling, channel: Lärande, audiences: [alla],
     post: {{every: week, day: friday, at: "14:00"}}, via: {via}}}
"""


class Time(wiring.SystemClock):
    """The tenant's time. Who waits for somebody to sign in has ``who`` do it in between."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self.who = tenant.service_account

    def now(self) -> datetime:
        return self._tenant.clock.now()

    def monotonic(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self._tenant.clock.advance(timedelta(seconds=seconds))
        with suppress(LookupError):  # where nobody waits for that, it is a pause between two calls
            self._tenant.sign_ins.approve(self._tenant.sign_ins.latest_user_code(), self.who)


@pytest.fixture
def tenant(served: Served) -> Tenant:
    return served.sandbox.add(firm(people=8, seed=1, clock=Clock(at=NOW), calendars=False))


@pytest.fixture
def time(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time(tenant)
    monkeypatch.setattr(wiring, "SystemClock", lambda: time)
    monkeypatch.setattr("holdfast.cli.looking.SystemClock", lambda: time)
    return time


@pytest.fixture
def desk(tmp_path: Path, served: Served, tenant: Tenant, time: Time) -> Desk:
    del time
    desk = Desk(tmp_path, served.environment(tenant))
    write(desk, tenant)
    return desk


def write(desk: Desk, tenant: Tenant, via: str = "graph") -> None:
    given = {"client_id": tenant.login.client_id, "account": tenant.service_account.address, "via": via}
    desk.write(SETTINGS.format(**given))


def learning(tenant: Tenant) -> Channel:
    return tenant.team("Team Utveckling").channel("Lärande")


def test_signing_in_with_a_code(desk: Desk, tenant: Tenant) -> None:
    result = desk.run("login")
    assert result.exit_code == 0, result.output
    assert "enter the code" in result.stderr
    assert result.stdout == (
        f"Signed in as {tenant.service_account.address}.\nIt may read the replies to posts as well.\n"
    )
    kept = b"".join(path.read_bytes() for path in desk.folder.iterdir() if path.name.startswith("holdfast.db"))
    assert kept
    assert not [token for token in tenant.sign_ins.sessions if token.encode() in kept]
    status = desk.run("status")
    assert "Signed in to post to channels since 2026-11-27, last used on 2026-11-27." in status.stdout


def test_signing_in_for_a_script(desk: Desk, tenant: Tenant) -> None:
    tenant.login.scopes.clear()
    told = json.loads(desk.run("login", "--json").stdout)
    assert told == {"signed_in": tenant.service_account.address, "reads_replies": False}
    assert json.loads(desk.run("login", "--forget", "--json").stdout) == {"signed_in": None, "reads_replies": False}


def test_without_the_right_to_read_it_says_what_to_grant(desk: Desk, tenant: Tenant) -> None:
    tenant.login.scopes.clear()
    assert "ChannelMessage.Read.All (delegated)" in desk.run("login").stdout


def test_another_account_is_refused(desk: Desk, tenant: Tenant, time: Time) -> None:
    time.who = tenant.employees[0]
    result = desk.run("login")
    assert result.exit_code == 1
    assert "was not kept" in result.stderr
    assert "Nobody is signed in" in desk.run("status").stdout


def test_settings_without_an_account_say_so(desk: Desk, tenant: Tenant) -> None:
    write(desk, tenant, via="workflow")
    desk.write("\n".join(line for line in desk.read().splitlines() if "login:" not in line and line != "tenant:"))
    result = desk.run("login")
    assert result.exit_code == 2
    assert "tenant.login" in result.stderr


def test_status_warns_from_the_sixtieth_day(desk: Desk, tenant: Tenant) -> None:
    desk.run("login")
    tenant.clock.advance(timedelta(days=59))
    assert "lapse" not in desk.run("status").stdout
    tenant.clock.advance(timedelta(days=1))
    assert "lapses in 30 days" in desk.run("status").stdout
    assert json.loads(desk.run("status", "--json").stdout)["signed_in"]["lapses_in_days"] == 30
    tenant.clock.advance(timedelta(days=30))
    assert "has lapsed: run `holdfast login`" in desk.run("status").stdout


def test_another_key_asks_for_another_sign_in(desk: Desk) -> None:
    desk.run("login")
    (desk.folder / "holdfast.key").unlink()
    status = desk.run("status")
    assert status.exit_code == 0
    assert "cannot be read: it was kept under another key" in status.stdout
    assert json.loads(desk.run("status", "--json").stdout)["signed_in"] is None
    check = desk.run("check")
    assert "Run `holdfast login` again" in check.stdout
    assert desk.run("login").exit_code == 0
    assert "Signed in to post" in desk.run("status").stdout


def test_what_was_signed_in_posts_and_reads(desk: Desk, tenant: Tenant) -> None:
    """As a job does it, weeks later and in another process."""
    desk.run("login")
    tenant.clock.advance(timedelta(days=30))
    place = Place(desk.folder / "settings.yaml", desk.variables)

    async def work() -> None:
        async with wiring.wired(place, place.settings()) as wired:
            await post(wired)

    async def post(wired: Wired) -> None:
        channels = wired.ports.channels
        where = await channels.find("Team Utveckling", "Lärande")
        posted = await channels.post(where, Post("Veckans lärande", "<p>Hej</p>", {**CARD, "id": "m"}, "m"))
        root = learning(tenant).message(posted.message_id)
        learning(tenant).add(tenant.employees[0], "<p>Jag lärde mig</p>", root=root)
        assert [one.html for one in await channels.replies(where, posted.message_id)] == ["<p>Jag lärde mig</p>"]
        assert await channels.look(where, "m") == posted

    asyncio.run(work())
    assert len(learning(tenant).posts) == 1
    assert f"last used on {tenant.clock.now():%Y-%m-%d}" in desk.run("status").stdout


def test_check_says_what_is_missing_before_the_first_friday(desk: Desk, tenant: Tenant) -> None:
    account = tenant.service_account
    missing = desk.run("check")
    assert missing.exit_code == 1
    assert "Nobody has signed in to post to channels" in missing.stdout
    desk.run("login")
    fine = desk.run("check")
    assert fine.exit_code == 0, fine.output
    assert f'Channel utveckling: "Lärande" in "Team Utveckling": found, and {account.address} is in it' in fine.stdout
    assert "Reading in channel utveckling: works" in fine.stdout
    tenant.team("Team Utveckling").group.members.remove(account)
    outside = desk.run("check")
    assert outside.exit_code == 1
    assert f"make {account.address} a member of the team" in outside.stdout
    tenant.sign_ins.revoke(account)
    tenant.clock.advance(timedelta(hours=2))
    lapsed = desk.run("check")
    assert "AADSTS50173" in lapsed.stdout


def test_check_says_what_reading_takes(desk: Desk, tenant: Tenant) -> None:
    tenant.login.scopes.clear()
    desk.run("login")
    result = desk.run("check")
    assert result.exit_code == 0, result.output
    assert "note  Reading in channel utveckling" in result.stdout
    assert "ChannelMessage.Read.All (delegated)" in result.stdout


def test_check_looks_at_the_addresses_of_workflows(desk: Desk, tenant: Tenant, served: Served) -> None:
    write(desk, tenant, via="workflow")
    assert "HOLDFAST_WORKFLOW_UTVECKLING is not set" in desk.run("check").stdout
    desk.variables["HOLDFAST_WORKFLOW_UTVECKLING"] = "https://fjallvik.webhook.office.com/webhookb2/secret"
    retired = desk.run("check")
    assert "Microsoft has retired these" in retired.stdout
    assert "webhookb2" not in retired.output
    desk.variables["HOLDFAST_WORKFLOW_UTVECKLING"] = served.server.address(tenant.add_workflow(learning(tenant)))
    fine = desk.run("--verbose", "check")
    assert fine.exit_code == 0, fine.output
    assert "sig=" not in fine.output


def test_commands_that_post_nothing_never_load_what_signs_in(desk: Desk, tenant: Tenant) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from holdfast import wiring\n"
        "place = wiring.Place.of(Path('settings.yaml'), wiring.environment())\n"
        "async def work():\n"
        "    async with wiring.wired(place, place.settings()) as wired: pass\n"
        "asyncio.run(work())\n"
        "assert 'graph_client.login' not in sys.modules and 'cryptography.fernet' not in sys.modules\n"
    )
    root = str(Path(__file__).parents[2])
    variables = {**desk.variables, "PYTHONPATH": root, "PATH": ""}
    subprocess.run([sys.executable, "-c", code], cwd=desk.folder, env=variables, check=True)  # noqa: S603
    assert not tenant.sign_ins.devices
