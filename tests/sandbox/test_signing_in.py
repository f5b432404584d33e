"""Entra's endpoints and Graph's door: the real msal over TLS by both credentials, and everything that is refused."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sandbox import Clock, Sandbox, Tenant, firm
from sandbox.entra import ASSERTION_TYPE
from sandbox.tokens import issue
from tests.sandbox.graph import NOW, Graph
from tests.tenants import Served

SCOPES = ["https://graph.microsoft.com/.default"]


class Certified:
    """A key and a certificate for it, made on the spot."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "holdfast.example")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
            .sign(self.key, hashes.SHA256())
        )
        self.public = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self.thumbprint = jwt.utils.base64url_encode(certificate.fingerprint(hashes.SHA256())).decode()


@pytest.fixture(scope="module")
def certified() -> Certified:
    return Certified()


def by_msal(served: Served, tenant: Tenant, credential: Any) -> dict[str, Any]:
    """The real msal, over TLS, whatever bundle of authorities the environment names."""
    with requests.Session() as session:
        session.verify = served.server.ca_bundle
        session.trust_env = False
        application = msal.ConfidentialClientApplication(
            tenant.client_id,
            authority=f"{served.server.url}/{tenant.id}",
            client_credential=credential,
            instance_discovery=False,
            http_client=session,
        )
        return dict(application.acquire_token_for_client(SCOPES))


def read(served: Served, tenant: Tenant, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    with requests.Session() as session:
        session.trust_env = False
        address = f"{served.server.url}/v1.0/groups/{tenant.everyone.id}"
        return session.get(address, headers=headers, verify=served.server.ca_bundle).status_code


def test_msal_signs_in_by_secret(served: Served) -> None:
    tenant = served.firm()
    result = by_msal(served, tenant, tenant.secret)
    assert result["token_type"] == "Bearer"
    assert result["expires_in"] == 3599
    claims = jwt.decode(result["access_token"], options={"verify_signature": False})
    assert claims["tid"] == tenant.id
    assert claims["appid"] == tenant.client_id
    assert claims["aud"] == "https://graph.microsoft.com"
    assert claims["roles"] == sorted(tenant.applications[0].roles)
    assert read(served, tenant, result["access_token"]) == 200


def test_msal_signs_in_by_certificate(served: Served, certified: Certified) -> None:
    tenant = served.firm(at=NOW - timedelta(days=400))
    credential = {"private_key": certified.private, "public_certificate": certified.public}
    unknown = by_msal(served, tenant, credential)
    assert "AADSTS700027" in unknown["error_description"]
    tenant.applications[0].trust(certified.public)
    result = by_msal(served, tenant, credential)
    assert read(served, tenant, result["access_token"]) == 200


def test_msal_hears_of_a_wrong_secret(served: Served) -> None:
    result = by_msal(served, served.firm(), "wrong")
    assert result["error"] == "invalid_client"
    assert result["error_description"].startswith("AADSTS7000215: ")
    assert result["error_codes"] == [7000215]
    assert result["correlation_id"]
    assert result["trace_id"]


@pytest.mark.parametrize(
    ("form", "number", "error", "status"),
    [
        ({"client_secret": "wrong"}, 7000215, "invalid_client", 401),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, 700016, "unauthorized_client", 400),
        ({"client_secret": None}, 7000218, "invalid_client", 401),
        ({"grant_type": "password"}, 70003, "unsupported_grant_type", 400),
        ({"scope": None}, 90014, "invalid_request", 400),
        ({"scope": "https://graph.microsoft.com/User.Read"}, 1002012, "invalid_scope", 400),
        ({"scope": "https://graph.microsoft.com/.default offline_access"}, 70011, "invalid_scope", 400),
        ({"scope": "https://elsewhere.example/.default"}, 500011, "invalid_resource", 400),
        ({"client_assertion": "x"}, 900144, "invalid_request", 400),
        ({"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}, 50027, "invalid_request", 401),
    ],
)
async def test_what_entra_refuses(  # noqa: PLR0917 - a form and all that is said of it
    graph: Graph, tenant: Tenant, form: dict[str, str | None], number: int, error: str, status: int
) -> None:
    whole = {"client_id": tenant.client_id, "client_secret": tenant.secret, **form}
    reply = await graph.ask_entra(**{name: value for name, value in whole.items() if value is not None} | _none(form))
    assert (reply.status, reply.body["error"], reply.body["error_codes"]) == (status, error, [number])
    assert reply.body["error_description"].startswith(f"AADSTS{number}: ")
    assert reply.body["timestamp"] == "2026-11-25 09:00:00Z"


def _none(form: dict[str, str | None]) -> dict[str, str]:
    """A scope that is not to be sent at all is sent empty."""
    return {"scope": ""} if "scope" in form and form["scope"] is None else {}


async def test_an_unknown_tenant(graph: Graph, tenant: Tenant) -> None:
    reply = await graph.ask_entra("elsewhere.example", client_id=tenant.client_id, client_secret=tenant.secret)
    assert (reply.status, reply.body["error_codes"]) == (400, [90002])
    discovery = await graph.http.get("/elsewhere.example/v2.0/.well-known/openid-configuration")
    assert discovery.json()["error"] == "invalid_tenant"
    named = await graph.ask_entra(tenant.domain, client_id=tenant.client_id, client_secret=tenant.secret)
    assert named.status == 200


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({}, None),
        ({"aud": "https://elsewhere.example"}, 700023),
        ({"iss": "somebody"}, 700021),
        ({"sub": "somebody"}, 700021),
        ({"exp": 0}, 700024),
        ({"nbf": 9_999_999_999}, 700024),
        ({"exp": None}, 700027),
    ],
)
async def test_assertions(
    graph: Graph, tenant: Tenant, certified: Certified, claims: dict[str, Any], number: int | None
) -> None:
    tenant.applications[0].trust(certified.public)
    now = int(Clock.machine().timestamp())
    whole = {
        "aud": f"https://localhost/{tenant.id}/oauth2/v2.0/token",
        "iss": tenant.client_id,
        "sub": tenant.client_id,
        "nbf": now,
        "exp": now + 600,
        **claims,
    }
    sent = {name: value for name, value in whole.items() if value is not None}
    assertion = jwt.encode(sent, certified.key, "PS256", headers={"x5t#S256": certified.thumbprint})
    reply = await graph.ask_entra(
        client_id=tenant.client_id, client_assertion=assertion, client_assertion_type=ASSERTION_TYPE
    )
    assert reply.body.get("error_codes") == (None if number is None else [number])


async def test_an_assertion_by_another_key(graph: Graph, tenant: Tenant, certified: Certified) -> None:
    tenant.applications[0].trust(certified.public)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assertion = jwt.encode(
        {"exp": 9_999_999_999, "iss": "x", "sub": "x", "aud": "x"},
        other,
        "RS256",
        headers={"x5t#S256": certified.thumbprint},
    )
    reply = await graph.ask_entra(
        client_id=tenant.client_id, client_assertion=assertion, client_assertion_type=ASSERTION_TYPE
    )
    assert reply.body["error_codes"] == [700027]


async def test_a_token_runs_out_by_the_tenants_clock(graph: Graph, tenant: Tenant, clock: Clock) -> None:
    tenant.token_lifetime = timedelta(minutes=5)
    await graph.sign_in()
    clock.advance(timedelta(minutes=4, seconds=59))
    assert (await graph.get("/groups")).status == 200
    clock.advance(timedelta(seconds=1))
    reply = await graph.get("/groups", client_request_id="mine")
    assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")
    assert "expired" in reply.body["error"]["message"]
    assert reply.headers["www-authenticate"].startswith("Bearer ")
    assert reply.headers["client-request-id"] == "mine"


async def test_tokens_that_are_none(graph: Graph, tenant: Tenant) -> None:
    head, claims, _ = graph.token.split(".")
    elsewhere = firm(people=1, seed=2, clock=tenant.clock)
    foreign = issue(elsewhere, elsewhere.applications[0], SCOPES[0].removesuffix("/.default"), "x")
    other_audience = issue(tenant, tenant.applications[0], "https://elsewhere.example", "x")
    gone = issue(tenant, firm(people=1, seed=3, clock=tenant.clock).applications[0], "https://graph.microsoft.com", "x")
    none = jwt.encode({"tid": tenant.id}, None, "none")
    for token in ["", "x", f"{head}.{claims}.c2lnbmF0dXJl", foreign, other_audience, gone, none]:
        graph.token = token
        reply = await graph.get("/groups")
        assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")
    answer = await graph.http.get("/v1.0/groups", headers={"Authorization": "Basic eDp5"})
    assert answer.status_code == 401


async def test_tenants_know_nothing_of_each_other(graph: Graph, tenant: Tenant) -> None:
    other = graph.sandbox.add(firm(people=3, seed=7, clock=tenant.clock))
    assert (await graph.get(f"/groups/{other.everyone.id}")).status == 404
    assert (await graph.get(f"/users/{other.employees[0].id}/events")).status == 404
    graph.sandbox.remove(tenant)
    assert (await graph.get("/groups")).status == 401


def test_discovery_is_by_tls(served: Served) -> None:
    tenant = served.firm(1)
    trust = ssl.create_default_context(cafile=served.server.ca_bundle)
    assert trust.cert_store_stats()["x509_ca"] >= 1
    with requests.Session() as session:
        session.trust_env = False
        address = f"{served.server.url}/{tenant.id}/v2.0/.well-known/openid-configuration"
        found = session.get(address, verify=served.server.ca_bundle).json()
        keys = session.get(found["jwks_uri"], verify=served.server.ca_bundle).json()
    assert found["token_endpoint"] == f"{served.server.url}/{tenant.id}/oauth2/v2.0/token"
    assert keys == {"keys": []}


def test_a_sandbox_finds_tenants_by_id_and_by_domain() -> None:
    sandbox = Sandbox()
    tenant = sandbox.add(firm(people=1, clock=Clock(at=NOW)))
    assert sandbox.find(tenant.id.upper()) is sandbox.find("fjallvik.example") is tenant
    assert sandbox.find("elsewhere") is None
