"""People signing in to an application by the real msal: by device code, in a browser, and later without being asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import msal
import pytest
import requests

from sandbox import Clock, Tenant, firm
from sandbox.directory import Account
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
        flow = app.initiate_auth_code_flow(scopes or SCOPES, redirect_uri=BACK, response_mode="query", **more)
        page = self.session.get(flow["auth_uri"], allow_redirects=False)
        assert page.status_code == 302, page.text
        assert page.headers["location"].startswith(f"{BACK}?")
        return dict(
            app.acquire_token_by_auth_code_flow(flow, dict(parse_qsl(urlsplit(page.headers["location"]).query)))
        )

    def silently(self, scopes: list[str] | None = None, *, force: bool = True) -> Signed | None:
        app = self.app()
        (known,) = app.get_accounts()
        result = app.acquire_token_silent_with_error(scopes or SCOPES, account=known, force_refresh=force)
        return dict(result) if result else None

    def graph(self, method: str, path: str, token: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.request(method, f"{self.served.server.url}/v1.0{path}", json=body, headers=headers)


@pytest.fixture
def here(served: Served, tenant: Tenant) -> Iterator[Here]:
    here = Here(served, tenant)
    with here.session:
        yield here


@contextmanager
def soon(act: Callable[[], object]) -> Iterator[None]:
    """Do something in a moment, on another thread."""
    timer = threading.Timer(0.3, act)
    timer.start()
    try:
        yield
    finally:
        timer.join()


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
