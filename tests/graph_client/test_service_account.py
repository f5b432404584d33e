"""Signing in the account that posts, by the real msal over TLS; and renewing that in silence ever after."""

from __future__ import annotations

import asyncio
import re
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import requests

from graph_client.connection import Connection
from graph_client.login import POSTING, READING, SignedInAs, SignIn
from holdfast.core.errors import Denied, NotSignedIn, Unreachable
from sandbox import Clock, Tenant, firm
from sandbox.sign_ins import Refusal
from tests.tenants import Served

NOW = datetime(2026, 11, 27, 13, tzinfo=UTC)


class Kept:
    """A token cache as the state keeps it. ``meanwhile`` is what another process does before the next write."""

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.used: datetime | None = None
        self.meanwhile: Callable[[], None] = lambda: None

    async def token_cache(self) -> bytes | None:
        return self.data

    async def keep_token_cache(self, data: bytes | None, at: datetime) -> None:
        self.data, self.used = data, at

    async def renew_token_cache(self, data: bytes, at: datetime, *, instead_of: bytes) -> bool:
        self.meanwhile()
        if self.data != instead_of:
            return False
        self.data, self.used = data, at
        return True


@dataclass
class PacedClock:
    """The tenant's clock; waiting moves it on, and at each wait somebody may do something."""

    tenants: Clock
    waits: list[float] = field(default_factory=list)
    then: Callable[[], object] = lambda: None

    def now(self) -> datetime:
        return self.tenants.now()

    def monotonic(self) -> float:
        return self.tenants.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.tenants.advance(timedelta(seconds=seconds))
        self.then()


@dataclass
class Desk:
    """Where the account of a tenant is signed in. ``shown`` is what was to be entered or opened."""

    served: Served
    tenant: Tenant
    clock: PacedClock
    kept: Kept = field(default_factory=Kept)
    shown: list[str] = field(default_factory=list)
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = Connection.to(
            tenant_id=self.tenant.id,
            client_id=self.tenant.client_id,
            credential="secret",
            secret=self.tenant.secret,
            authority=self.served.server.url,
            graph_url=self.served.server.url,
            ca_bundle=self.served.server.ca_bundle,
        )

    @contextmanager
    def sign_in(self, **more: str) -> Iterator[SignIn]:
        """A process of its own, which remembers nothing but what was kept."""
        given = {"client_id": self.tenant.login.client_id, "account": self.tenant.service_account.address, **more}
        made = SignIn(self.connection, cache=self.kept, clock=self.clock, **given)
        try:
            yield made
        finally:
            made.close()

    async def by_code(self, then: Callable[[str], object] | None = None, **more: str) -> SignedInAs:
        """Sign in with a code, which somebody enters at the first wait unless something else happens."""
        sign_ins = self.tenant.sign_ins

        def enter() -> None:
            self.clock.then = lambda: None
            if then is None:
                sign_ins.approve(sign_ins.latest_user_code(), self.tenant.service_account)
            else:
                then(sign_ins.latest_user_code())

        self.clock.then = enter
        with self.sign_in(**more) as sign_in:
            return await sign_in.by_device_code(lambda code: self.shown.append(code.code))

    async def posting_token(self) -> str:
        with self.sign_in() as sign_in:
            return await sign_in.posting.token()

    async def renewed(self) -> str:
        """A token that Entra gives anew for what was kept, as when the one before has run out."""
        with self.sign_in() as sign_in:
            return await sign_in.posting.renew(await sign_in.posting.token(), None)


@pytest.fixture
def desk(served: Served) -> Desk:
    tenant = served.sandbox.add(firm(people=12, seed=1, clock=Clock(at=NOW), calendars=False))
    return Desk(served, tenant, PacedClock(tenant.clock))


async def test_a_code_signs_the_account_in_and_its_token_is_kept(desk: Desk) -> None:
    assert await desk.by_code() == SignedInAs(desk.tenant.service_account.address, reads=True)
    assert len(desk.shown) == 1
    assert desk.kept.used == desk.clock.now()
    with desk.sign_in() as sign_in:
        assert await sign_in.posting.roles() >= set(POSTING)
        assert await sign_in.account_id() == desk.tenant.service_account.id
        assert await sign_in.reading.roles() >= set(READING)


async def test_the_code_is_asked_about_as_often_as_entra_allows(desk: Desk) -> None:
    desk.tenant.sign_ins.slow_down = 1
    await desk.by_code()
    assert desk.clock.waits == [5, 10]


async def test_a_code_that_nobody_enters_ends(desk: Desk) -> None:
    with pytest.raises(NotSignedIn) as late:
        await desk.by_code(lambda _: None)
    assert "holdfast login" in late.value.cure
    assert sum(desk.clock.waits) <= 16 * 60
    assert desk.kept.data is None


async def test_no_is_an_answer(desk: Desk) -> None:
    with pytest.raises(NotSignedIn, match="AADSTS65004") as declined:
        await desk.by_code(desk.tenant.sign_ins.decline)
    assert "said no" in declined.value.cure


async def test_another_account_is_refused_and_not_kept(desk: Desk) -> None:
    person, account = desk.tenant.employees[0], desk.tenant.service_account
    with pytest.raises(NotSignedIn) as other:
        await desk.by_code(lambda code: desk.tenant.sign_ins.approve(code, person))
    assert f"{person.address} signed in, but tenant.login.account is {account.address}" in other.value.message
    assert f"Sign in as {account.address}" in other.value.cure
    assert desk.kept.data is None


async def test_a_refused_sign_in_leaves_the_one_before(desk: Desk) -> None:
    await desk.by_code()
    before = desk.kept.data
    with pytest.raises(NotSignedIn):
        await desk.by_code(lambda code: desk.tenant.sign_ins.approve(code, desk.tenant.employees[0]))
    assert desk.kept.data == before


async def test_case_makes_no_other_account(desk: Desk) -> None:
    found = await desk.by_code(account=desk.tenant.service_account.address.upper())
    assert found.account == desk.tenant.service_account.address


async def test_where_device_codes_are_forbidden_the_browser_is_named(desk: Desk) -> None:
    desk.tenant.sign_ins.blocks_device_code = True

    def tried(code: str) -> None:
        with pytest.raises(Refusal):
            desk.tenant.sign_ins.approve(code, desk.tenant.service_account)

    with pytest.raises(NotSignedIn, match="AADSTS53003") as blocked:
        await desk.by_code(tried)
    assert "holdfast login --browser" in blocked.value.cure


async def test_the_browser_comes_back_to_localhost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    session = requests.Session()
    session.verify, session.trust_env = desk.served.server.ca_bundle, False
    desk.tenant.sign_ins.browser = desk.tenant.service_account

    def browse(address: str) -> None:
        page = session.get(address).text
        target = re.search(r'action="([^"]+)"', page)
        assert target
        fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page)}
        requests.post(target[1], data=fields, timeout=10)

    def opened(address: str, *_: object, **__: object) -> bool:
        assert "code_challenge_method=S256" in address
        threading.Thread(target=browse, args=[address]).start()
        return True

    monkeypatch.setattr(webbrowser, "open", opened)
    with session, desk.sign_in() as sign_in:
        found = await sign_in.by_browser(desk.shown.append)
        assert found == SignedInAs(desk.tenant.service_account.address, reads=True)
    assert desk.shown == []
    assert await desk.posting_token()


async def test_who_stops_waiting_for_the_browser_does_not_wait_for_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object, **__: object) -> bool:
        return False

    monkeypatch.setattr(webbrowser, "open", cannot)
    shown = asyncio.Event()
    loop = asyncio.get_running_loop()
    with desk.sign_in() as sign_in:
        waiting = asyncio.create_task(sign_in.by_browser(lambda _: loop.call_soon_threadsafe(shown.set)))
        await asyncio.wait_for(shown.wait(), 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


# Later


async def test_without_a_sign_in_the_cure_is_to_sign_in(desk: Desk) -> None:
    with pytest.raises(NotSignedIn, match="Nobody has signed in") as missing:
        await desk.posting_token()
    assert missing.value.cure == "Run `holdfast login`."


async def test_it_is_renewed_in_silence_for_years(desk: Desk) -> None:
    await desk.by_code()
    for _ in range(5):
        desk.tenant.clock.advance(timedelta(days=80))
        assert await desk.renewed()
        assert desk.kept.used == desk.clock.now()


async def test_a_sign_in_that_nobody_used_lapses(desk: Desk) -> None:
    await desk.by_code()
    desk.tenant.clock.advance(timedelta(days=91))
    with pytest.raises(NotSignedIn, match="AADSTS700082") as lapsed:
        await desk.renewed()
    assert "holdfast login" in lapsed.value.cure
    await desk.by_code()
    assert await desk.renewed()


@pytest.mark.parametrize(("what", "number"), [("revoke", 50173), ("mfa", 50076), ("disable", 50057)])
async def test_what_ends_a_sign_in_is_told(desk: Desk, what: str, number: int) -> None:
    await desk.by_code()
    account = desk.tenant.service_account
    if what == "revoke":
        desk.tenant.sign_ins.revoke(account)
    elif what == "mfa":
        desk.tenant.sign_ins.needs_mfa.add(account.id)
    else:
        account.enabled = False
    with pytest.raises(NotSignedIn, match=f"AADSTS{number}") as ended:
        await desk.renewed()
    assert "`holdfast login`" in ended.value.cure


async def test_a_token_that_is_still_good_is_used_again(desk: Desk) -> None:
    await desk.by_code()
    sessions = len(desk.tenant.sign_ins.sessions)
    with desk.sign_in() as sign_in:
        tokens = await asyncio.gather(*(sign_in.posting.token() for _ in range(20)))
    assert len(set(tokens)) == 1
    assert len(desk.tenant.sign_ins.sessions) == sessions


async def test_many_who_were_rejected_have_one_renewed(desk: Desk) -> None:
    await desk.by_code()
    with desk.sign_in() as sign_in:
        old = await sign_in.posting.token()
        sessions = len(desk.tenant.sign_ins.sessions)
        desk.tenant.clock.advance(timedelta(minutes=1))
        tokens = await asyncio.gather(*(sign_in.posting.renew(old, None) for _ in range(20)))
    assert len(set(tokens)) == 1
    assert tokens[0] != old
    assert len(desk.tenant.sign_ins.sessions) == sessions + 1


async def test_reading_that_nobody_consented_to_leaves_posting(desk: Desk) -> None:
    desk.tenant.login.scopes.clear()
    assert (await desk.by_code()).reads is False
    assert await desk.posting_token()
    with desk.sign_in() as sign_in, pytest.raises(Denied, match="AADSTS65001") as refused:
        await sign_in.reading.token()
    assert "ChannelMessage.Read.All (delegated) with admin consent" in refused.value.cure
    desk.tenant.login.scopes.add("ChannelMessage.Read.All")
    with desk.sign_in() as sign_in:
        assert "ChannelMessage.Read.All" in await sign_in.reading.roles()


async def test_posting_that_people_may_not_consent_to_is_for_an_admin(desk: Desk) -> None:
    desk.tenant.login.scopes.clear()
    desk.tenant.sign_ins.users_may_consent = False

    def tried(code: str) -> None:
        with pytest.raises(Refusal):
            desk.tenant.sign_ins.approve(code, desk.tenant.service_account)

    with pytest.raises(NotSignedIn, match="AADSTS90094") as refused:
        await desk.by_code(tried)
    assert "an admin grant" in refused.value.cure


async def test_a_registration_that_is_not_public_is_told(desk: Desk) -> None:
    desk.tenant.login.public = False
    with pytest.raises(NotSignedIn, match="AADSTS7000218") as refused:
        await desk.by_code()
    assert "Allow public client flows" in refused.value.cure


async def test_a_registration_or_a_tenant_that_there_is_not(desk: Desk) -> None:
    with pytest.raises(NotSignedIn, match="AADSTS700016") as refused:
        await desk.by_code(client_id="5e6f7a8b-9c0d-4e1f-8a2b-3c4d5e6f7a8b")
    assert "tenant.login.client_id" in refused.value.cure


async def test_a_sign_in_service_that_cannot_be_reached(desk: Desk) -> None:
    desk.connection = Connection.to(
        tenant_id=desk.tenant.id,
        client_id=desk.tenant.client_id,
        credential="secret",
        secret="x",
        authority="https://localhost:1",
        graph_url="https://localhost:1",
    )
    with pytest.raises(Unreachable, match="localhost:1"):
        await desk.by_code()


async def test_settings_that_name_another_account_now_ask_for_its_sign_in(desk: Desk) -> None:
    await desk.by_code()
    with desk.sign_in(account="annan@fjallvik.example") as sign_in, pytest.raises(NotSignedIn) as other:
        await sign_in.posting.token()
    assert f"Signed in is {desk.tenant.service_account.address}" in other.value.message
    assert "sign in as annan@fjallvik.example" in other.value.cure


@pytest.mark.parametrize("rubbish", [b"\xff", b"{", b"{}"])
async def test_what_cannot_be_understood_asks_for_another_sign_in(desk: Desk, rubbish: bytes) -> None:
    desk.kept.data = rubbish
    with pytest.raises(NotSignedIn) as refused:
        await desk.posting_token()
    assert "`holdfast login`" in refused.value.cure


# Two processes


async def test_of_two_who_renew_at_once_one_is_kept_and_both_go_on(desk: Desk) -> None:
    await desk.by_code()
    desk.tenant.clock.advance(timedelta(days=1))
    await asyncio.gather(desk.renewed(), desk.renewed(), desk.renewed())
    desk.tenant.clock.advance(timedelta(days=89))
    assert await desk.renewed()


async def test_who_signs_in_again_or_is_forgotten_meanwhile_stays_so(desk: Desk) -> None:
    await desk.by_code()

    def forgotten() -> None:
        desk.kept.data = None

    desk.kept.meanwhile = forgotten
    assert await desk.renewed()
    assert desk.kept.data is None


async def test_a_sign_in_that_ended_while_another_began_goes_on_with_that(desk: Desk) -> None:
    await desk.by_code()
    old = desk.kept.data
    desk.tenant.sign_ins.revoke(desk.tenant.service_account)
    await desk.by_code()
    new, desk.kept.data = desk.kept.data, old
    reads = 0

    async def token_cache() -> bytes | None:
        nonlocal reads
        reads += 1
        if reads > 2:
            desk.kept.data = new
        return desk.kept.data

    desk.kept.token_cache = token_cache  # type: ignore[method-assign]
    assert await desk.renewed()
    assert reads == 3


async def test_forgetting(desk: Desk) -> None:
    await desk.by_code()
    with desk.sign_in() as sign_in:
        await sign_in.forget()
    with pytest.raises(NotSignedIn):
        await desk.posting_token()
