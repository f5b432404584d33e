"""People signing in to an application by the real msal: by device code, in a browser, and later without being asked."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import jwt
import msal
import pytest
import requests

from sandbox import Clock, Tenant, firm
from sandbox.directory import DISABLED, GUEST, Account
from sandbox.sign_ins import Asked, Refusal
from tests.sandbox.graph import NOW
from tests.sandbox.teams import at, html, learning
from tests.tenants import Served

SCOPES = ["ChannelMessage.Send", "ChannelMessage.Read.All"]
BACK = "http://localhost:53682"

Signed = dict[str, Any]


@pytest.fixture
def tenant(served: Served) -> Tenant:
    tenant = firm(people=12, seed=1, clock=Clock(at=NOW), calendars=False)
    tenant.sign_ins.interval = 1
    return served.sandbox.add(tenant)


@pytest.fixture
def account(tenant: Tenant) -> Account:
    return tenant.service_account


class Here:
    """A machine with msal on it, and the cache that is all it remembers."""

    def __init__(self, served: Served, tenant: Tenant) -> None:
        self.served, self.tenant = served, tenant
        self.cache = msal.SerializableTokenCache()
        self.session = requests.Session()
        self.session.verify = served.server.ca_bundle
        self.session.trust_env = False

    def app(self, client_id: str | None = None) -> Any:
        return msal.PublicClientApplication(
            client_id or self.tenant.login.client_id,
            authority=f"{self.served.server.url}/{self.tenant.id}",
            instance_discovery=False,
            http_client=self.session,
            token_cache=self.cache,
        )

    def by_device(self, then: Callable[[str], object], scopes: list[str] | None = None) -> Signed:
        """Ask for a code, let somebody do something with it, and poll until that tells."""
        app = self.app()
        flow = app.initiate_device_flow(scopes or SCOPES)
        assert flow["verification_uri"] in flow["message"]
        assert flow["user_code"] in flow["message"]
        then(flow["user_code"])
        return dict(app.acquire_token_by_device_flow(flow))

    def in_browser(self, scopes: list[str] | None = None, **more: Any) -> Signed:
        app = self.app()
        flow = app.initiate_auth_code_flow(scopes or SCOPES, redirect_uri=BACK, response_mode="form_post", **more)
        where, fields = sent_back(self.session.get(flow["auth_uri"]))
        assert where == BACK
        return dict(app.acquire_token_by_auth_code_flow(flow, fields))

    def silently(self, scopes: list[str] | None = None, *, force: bool = True) -> Signed | None:
        app = self.app()
        (known,) = app.get_accounts()
        result = app.acquire_token_silent_with_error(scopes or SCOPES, account=known, force_refresh=force)
        return dict(result) if result else None

    def graph(self, method: str, path: str, token: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.request(method, f"{self.served.server.url}/v1.0{path}", json=body, headers=headers)


def sent_back(page: requests.Response) -> tuple[str, dict[str, str]]:
    """Where the form that sends itself goes, and what is in it."""
    target = re.search(r'action="([^"]+)"', page.text)
    assert target is not None, page.text
    return target[1], {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page.text)}


@pytest.fixture
def here(served: Served, tenant: Tenant) -> Iterator[Here]:
    here = Here(served, tenant)
    with here.session:
        yield here


def test_a_device_code_leads_to_a_post_in_the_accounts_name(here: Here, tenant: Tenant, account: Account) -> None:
    def later(user_code: str) -> None:
        threading.Timer(0.3, tenant.sign_ins.approve, (user_code, account)).start()

    result = here.by_device(later)
    assert result["token_type"] == "Bearer"
    assert set(SCOPES) <= set(result["scope"].split())
    assert result["id_token_claims"]["preferred_username"] == account.address
    claims = jwt.decode(result["access_token"], options={"verify_signature": False})
    assert claims["idtyp"] == "user"
    assert claims["oid"] == account.id
    assert set(SCOPES) <= set(claims["scp"].split())
    assert "roles" not in claims
    assert here.app().get_accounts()[0]["username"] == account.address
    channel = learning(tenant)
    posted = here.graph("POST", at(channel), result["access_token"], html("<p>Hej</p>"))
    assert posted.status_code == 201
    (message,) = channel.posts
    assert (message.id, message.sender, message.content) == (posted.json()["id"], account, "<p>Hej</p>")
    assert tenant.counts.posts == {channel.id: 1}


def test_a_device_code_that_somebody_declines_forgets_or_mistypes(here: Here, tenant: Tenant, account: Account) -> None:
    declined = here.by_device(tenant.sign_ins.decline)
    assert declined["error"] == "authorization_declined"
    late = here.by_device(lambda _: tenant.clock.advance(timedelta(minutes=15)))
    assert (late["error"], late["error_codes"]) == ("expired_token", [70020])
    with pytest.raises(LookupError, match="BCDFGHJKL"):
        tenant.sign_ins.approve("BCDFGHJKL", account)
    with pytest.raises(LookupError, match="No device"):
        tenant.sign_ins.latest_user_code()


def test_a_device_that_asks_too_often_is_told_to_slow_down(here: Here, tenant: Tenant, account: Account) -> None:
    app = here.app()
    flow = app.initiate_device_flow(SCOPES)
    assert app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)["error"] == "authorization_pending"
    tenant.sign_ins.interval = 5
    flow["interval"] = 5
    with pytest.warns(UserWarning, match="too soon"):
        result = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert (result["error"], flow["interval"]) == ("slow_down", 10)
    tenant.sign_ins.approve(flow["user_code"], account)
    tenant.clock.advance(timedelta(seconds=10))
    flow["latest_attempt_at"] = 0
    assert "access_token" in app.acquire_token_by_device_flow(flow)
    flow["latest_attempt_at"] = 0
    tenant.clock.advance(timedelta(seconds=10))
    assert app.acquire_token_by_device_flow(flow)["error"] == "bad_verification_code"


def test_tenants_block_device_codes(here: Here, tenant: Tenant, account: Account) -> None:
    tenant.sign_ins.blocks_device_code = True

    def tried(user_code: str) -> None:
        with pytest.raises(Refusal, match="Conditional Access"):
            tenant.sign_ins.approve(user_code, account)

    result = here.by_device(tried)
    assert (result["error"], result["error_codes"], result["suberror"]) == ("access_denied", [53003], "message_only")
    tenant.sign_ins.browser = account
    assert "access_token" in here.in_browser()


def test_a_browser_leads_back_with_a_code(here: Here, tenant: Tenant, account: Account) -> None:
    tenant.sign_ins.browser = account
    result = here.in_browser(login_hint=account.address)
    assert result["id_token_claims"]["oid"] == account.id
    assert here.graph("POST", at(learning(tenant)), result["access_token"], html("Hej")).status_code == 201
    again = here.silently(force=False)
    assert again is not None
    assert again["token_source"] == "cache"


def test_the_way_that_msal_opens_itself(here: Here, account: Account) -> None:
    """Somebody chooses the account on the page; the answer comes to localhost by a form that sends itself."""
    app = here.app()

    def browse(address: str) -> None:
        assert account.address in here.session.get(address).text
        answer = here.session.post(address, data={"account": account.address, "answer": "yes"})
        where, fields = sent_back(answer)
        requests.post(where, data=fields, timeout=10)

    def open_browser(address: str) -> None:
        threading.Thread(target=browse, args=[address]).start()

    result = app.acquire_token_interactive(SCOPES, port=0, timeout=20, auth_uri_callback=open_browser)
    assert result["id_token_claims"]["oid"] == account.id


def test_somebody_says_no_in_the_browser(here: Here) -> None:
    app = here.app()
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=BACK, response_mode="form_post")
    assert here.session.get(flow["auth_uri"]).status_code == 200
    where, answer = sent_back(here.session.post(flow["auth_uri"], data={"answer": "no"}))
    assert where == BACK
    assert (answer["error"], answer["state"]) == ("access_denied", flow["state"])
    assert answer["error_description"].startswith("AADSTS65004")
    assert app.acquire_token_by_auth_code_flow(flow, answer)["error"] == "access_denied"


@pytest.mark.parametrize(("mode", "mark"), [("query", "?"), ("fragment", "#")])
def test_other_ways_back(here: Here, tenant: Tenant, account: Account, mode: str, mark: str) -> None:
    tenant.sign_ins.browser = account
    asked = {
        "client_id": tenant.login.client_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "response_mode": mode,
        "state": "mine",
        "scope": "ChannelMessage.Send",
        "code_challenge": "x",
        "code_challenge_method": "S256",
    }
    address = f"{here.served.server.url}/{tenant.id}/oauth2/v2.0/authorize"
    page = here.session.get(address, params=asked, allow_redirects=False)
    where, _, answer = page.headers["location"].partition(mark)
    assert (page.status_code, where) == (302, BACK)
    assert dict(parse_qsl(answer))["state"] == "mine"


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, 700016),
        ({"redirect_uri": "https://elsewhere.example/"}, 50011),
        ({"redirect_uri": "http://localhost:5/other"}, 50011),
        ({"response_type": "token"}, 700051),
        ({"code_challenge_method": "plain"}, 9002325),
        ({"scope": "nothing"}, 70011),
        ({"scope": ""}, 90014),
        ({"scope": "https://elsewhere.example/X.Read"}, 500011),
    ],
)
def test_what_the_page_refuses(here: Here, tenant: Tenant, changes: dict[str, str], number: int) -> None:
    asked = {
        "client_id": tenant.login.client_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "ChannelMessage.Send",
        "code_challenge": "x",
        "code_challenge_method": "S256",
        **changes,
    }
    address = f"{here.served.server.url}/{tenant.id}/oauth2/v2.0/authorize"
    answer = here.session.get(address, params=asked, allow_redirects=False)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [number])


def test_a_code_is_good_once_and_for_who_can_prove_it(here: Here, tenant: Tenant, account: Account) -> None:
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = Asked(tenant.login, BACK, frozenset(SCOPES), tuple(SCOPES), challenge)
    address = f"{here.served.server.url}/{tenant.id}/oauth2/v2.0/token"

    def redeemed(code: str, **changes: str) -> Any:
        form = {
            "grant_type": "authorization_code",
            "client_id": tenant.login.client_id,
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": verifier,
            **changes,
        }
        return here.session.post(address, data=form).json()

    code = tenant.sign_ins.code(asked, account)
    assert redeemed(code, code_verifier="x")["error_codes"] == [50148]
    assert redeemed(code, redirect_uri="http://localhost:1")["error_codes"] == [500112]
    assert redeemed(code, client_id=tenant.client_id)["error_codes"] == [7000218]
    assert redeemed("x")["error_codes"] == [70000]
    whole = redeemed(code)
    assert "access_token" in whole
    assert not {"refresh_token", "id_token"} & set(whole)
    assert redeemed(code)["error_codes"] == [54005]
    late = tenant.sign_ins.code(asked, account)
    tenant.clock.advance(timedelta(minutes=10))
    assert redeemed(late)["error_codes"] == [70008]


# Later


@pytest.fixture
def signed(here: Here, tenant: Tenant, account: Account) -> Here:
    """A machine where the account has signed in."""
    tenant.sign_ins.browser = account
    assert "access_token" in here.in_browser()
    return here


def test_a_refresh_token_lives_ninety_days_from_its_last_use(signed: Here, tenant: Tenant) -> None:
    for _ in range(3):
        tenant.clock.advance(timedelta(days=89))
        result = signed.silently()
        assert result is not None
        assert result["token_source"] == "identity_provider"
        assert signed.graph("GET", at(learning(tenant)), result["access_token"]).status_code == 200
    assert len(tenant.sign_ins.sessions) == 4
    tenant.clock.advance(timedelta(days=90))
    lapsed = signed.silently()
    assert lapsed is not None
    assert (lapsed["error"], lapsed["error_codes"]) == ("invalid_grant", [700082])
    assert lapsed["classification"] == ""


def test_what_ends_a_session(signed: Here, tenant: Tenant, account: Account) -> None:
    sign_ins = tenant.sign_ins

    def error() -> tuple[list[int], str] | None:
        result = signed.silently()
        assert result is not None
        return (result["error_codes"], result.get("suberror", "")) if "error" in result else None

    assert error() is None
    sign_ins.change_password(account)
    assert error() == ([50173], "bad_token")
    signed.in_browser()
    assert error() is None
    sign_ins.needs_mfa.add(account.id)
    assert error() == ([50076], "basic_action")
    signed.in_browser()
    assert error() is None
    account.enabled = False
    assert error() == ([50057], "")
    account.enabled = True
    assert error() is None


def test_a_token_that_was_given_out_outlives_its_session(signed: Here, tenant: Tenant, account: Account) -> None:
    result = signed.silently()
    assert result is not None
    tenant.sign_ins.revoke(account)
    assert signed.graph("GET", at(learning(tenant)), result["access_token"]).status_code == 200
    tenant.clock.advance(timedelta(hours=1))
    assert signed.graph("GET", at(learning(tenant)), result["access_token"]).status_code == 401


def test_scopes_that_nobody_has_consented_to(signed: Here, tenant: Tenant, account: Account) -> None:
    wider = [*SCOPES, "ChannelMessage.ReadWrite"]
    result = signed.silently(wider)
    assert result is not None
    assert (result["error_codes"], result["suberror"]) == ([65001], "consent_required")
    refused = signed.in_browser(wider)
    assert refused["error"] == "access_denied"
    assert "AADSTS90094" in refused["error_description"]
    tenant.login.scopes.add("ChannelMessage.ReadWrite")
    assert "access_token" in (signed.silently(wider) or {})
    tenant.login.scopes.clear()
    tenant.sign_ins.consents.clear()
    tenant.sign_ins.users_may_consent = False
    assert signed.in_browser(["ChannelMessage.Send"])["error"] == "access_denied"
    tenant.sign_ins.users_may_consent = True
    assert "access_token" in signed.in_browser(["ChannelMessage.Send"])
    assert tenant.sign_ins.granted(tenant.login, account) == {"ChannelMessage.Send"}


def test_an_application_that_is_not_public_has_to_prove_who_it_is(here: Here, tenant: Tenant, account: Account) -> None:
    tenant.login.public = False
    result = here.by_device(lambda code: tenant.sign_ins.approve(code, account))
    assert (result["error"], result["error_codes"]) == ("invalid_client", [7000218])


def test_who_cannot_sign_in(here: Here, tenant: Tenant) -> None:
    for kind, number in ((DISABLED, 50057), (GUEST, 50020)):
        tenant.sign_ins.browser = next(one for one in tenant.accounts if one.kind == kind)
        assert f"AADSTS{number}" in here.in_browser()["error_description"]


def test_a_cache_goes_on_elsewhere(signed: Here, served: Served, tenant: Tenant) -> None:
    elsewhere = Here(served, tenant)
    elsewhere.cache.deserialize(signed.cache.serialize())
    with elsewhere.session:
        assert "access_token" in (elsewhere.silently() or {})
    assert "access_token" in (signed.silently() or {})  # a used refresh token is still good


def test_the_page_for_codes(here: Here, account: Account) -> None:
    flow = here.app().initiate_device_flow(SCOPES)
    assert account.address in here.session.get(flow["verification_uri"]).text
    for code, answer, says in [
        ("WRONG", "yes", "No device is waiting"),
        (flow["user_code"].lower(), "yes", "You have signed in"),
        (here.app().initiate_device_flow(SCOPES)["user_code"], "no", "You have said no"),
    ]:
        form = {"user_code": code, "account": account.address, "answer": answer}
        assert says in here.session.post(flow["verification_uri"], data=form).text
    assert "access_token" in here.app().acquire_token_by_device_flow(flow)


def test_tokens_for_every_scope_of_graph_by_its_address(here: Here, tenant: Tenant, account: Account) -> None:
    tenant.sign_ins.browser = account
    result = here.in_browser(["https://graph.microsoft.com/ChannelMessage.Send"])
    assert "https://graph.microsoft.com/ChannelMessage.Send" in result["scope"].split()
    found = here.app().acquire_token_silent(
        ["https://graph.microsoft.com/ChannelMessage.Send"], account=here.app().get_accounts()[0]
    )
    assert found["access_token"] == result["access_token"]
    assert "access_token" in here.in_browser(["https://graph.microsoft.com/.default"])
