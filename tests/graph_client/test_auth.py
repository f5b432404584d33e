"""Signing in with the real msal against a sign-in service over real TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from graph_client import auth
from graph_client.auth import MsalTokens
from graph_client.connection import Connection
from holdfast.core.errors import NotSignedIn, Unreachable
from tests.graph_client.entra import TENANT, Entra, serving, token
from tests.graph_client.world import JumpingClock

CLIENT = "8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d"
ROLES = ["Calendars.ReadWrite"]


@pytest.fixture
def entra(tmp_path: Path) -> Iterator[Entra]:
    with serving(tmp_path) as running:
        yield running


def connection(entra: Entra, **changes: Any) -> Connection:
    values = {"tenant_id": TENANT, "client_id": CLIENT, "credential": "secret", "secret": "s3cret"}
    values |= {"authority": entra.url, "ca_bundle": entra.ca_bundle}
    return Connection.to(**{**values, **changes})


def tokens(entra: Entra, clock: JumpingClock | None = None, **changes: Any) -> MsalTokens:
    return MsalTokens(connection(entra, **changes), clock=clock or JumpingClock())


async def test_a_secret_gets_a_token_for_graph(entra: Entra) -> None:
    assert await tokens(entra).token() == token(1, ROLES)
    (form,) = entra.forms
    assert (form["client_id"], form["client_secret"]) == (CLIENT, "s3cret")
    assert (form["grant_type"], form["scope"]) == ("client_credentials", "https://graph.microsoft.com/.default")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_a_bundle_in_the_environment_does_not_displace_ours(
    entra: Entra, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with serving(other) as somebody_else:
        monkeypatch.setenv(variable, somebody_else.ca_bundle)
        assert await tokens(entra).token() == token(1, ROLES)


async def test_a_proxy_in_the_environment_is_used(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(Unreachable) as caught:
        await tokens(entra).token()
    assert "ProxyError" in repr(caught.value.__cause__)
    assert not entra.discoveries


async def test_an_unknown_authority_of_certificates_is_named(entra: Entra) -> None:
    with pytest.raises(Unreachable) as caught:
        await tokens(entra, ca_bundle=None).token()
    assert "HOLDFAST_CA_BUNDLE" in caught.value.cure


async def test_many_ask_and_one_is_fetched(entra: Entra) -> None:
    entra.slow = 0.05
    asked = tokens(entra)
    assert set(await asyncio.gather(*(asked.token() for _ in range(20)))) == {token(1, ROLES)}
    assert len(entra.forms) == 1


async def test_the_event_loop_goes_on_meanwhile(entra: Entra) -> None:
    entra.slow = 0.2
    asking = asyncio.create_task(tokens(entra).token())
    turns = 0
    while not asking.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert turns > 10


async def test_a_token_is_used_until_five_minutes_before_its_end(entra: Entra) -> None:
    clock = JumpingClock()
    asked = tokens(entra, clock)
    first = await asked.token()
    clock.at = 3299
    assert await asked.token() == first
    assert len(entra.forms) == 1
    clock.at = 3301
    # msal's own clock has not moved, so it still takes its token for fresh: the one it has is given out again.
    assert await asked.token() == first


async def test_a_token_that_lives_no_longer_than_the_margin_is_fetched_each_time(entra: Entra) -> None:
    entra.lives = 200
    asked = tokens(entra)
    assert [await asked.token(), await asked.token()] == [token(1, ROLES), token(2, ROLES)]


async def test_a_rejected_token_is_replaced_once_for_all_who_held_it(entra: Entra) -> None:
    asked = tokens(entra)
    first = await asked.token()
    renewed = await asyncio.gather(*(asked.renew(first, None) for _ in range(20)))
    assert set(renewed) == {token(2, ROLES)} == {await asked.token()}
    assert len(entra.forms) == 2


async def test_claims_are_passed_on(entra: Entra) -> None:
    asked = tokens(entra)
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    await asked.renew(await asked.token(), claims)
    assert entra.forms[1]["claims"] == claims
    assert entra.discoveries == 1


async def test_a_failed_renewal_does_not_bring_the_rejected_token_back(entra: Entra) -> None:
    asked = tokens(entra)
    first = await asked.token()
    entra.error = (401, {"error": "invalid_client", "error_description": "AADSTS7000222: The secret has expired."})
    with pytest.raises(NotSignedIn):
        await asked.renew(first, None)
    with pytest.raises(NotSignedIn):
        await asked.token()


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        ("7000215", "the secret's value"),
        ("7000222", "has expired"),
        ("700016", "tenant.client_id"),
        ("700027", "upload it"),
        ("53003", NotSignedIn.cure),
    ],
)
async def test_a_refusal_comes_with_its_cure(entra: Entra, number: str, cure: str) -> None:
    said = f"AADSTS{number}: No. Trace ID: 1f2e Correlation ID: 42 Timestamp: 2026-11-24 12:00:00Z"
    entra.error = (401, {"error": "invalid_client", "error_description": said, "correlation_id": "42"})
    with pytest.raises(NotSignedIn) as caught:
        await tokens(entra).token()
    assert caught.value.message == f"Signing in failed: AADSTS{number}: No."
    assert (caught.value.code, caught.value.request_id) == (f"AADSTS{number}", "42")
    assert cure in caught.value.cure


async def test_an_unknown_tenant_comes_with_its_cure(entra: Entra) -> None:
    said = {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant 'x' not found. Trace ID: 1f2e"}
    entra.discovery_error = (400, said)
    with pytest.raises(NotSignedIn) as caught:
        await tokens(entra).token()
    assert caught.value.code == "AADSTS90002"
    assert "tenant.tenant_id" in caught.value.cure
    entra.discovery_error = None
    assert await tokens(entra).token()


async def test_an_authority_that_is_not_entra(entra: Entra) -> None:
    entra.discovery_error = (200, {"hello": "world"})
    with pytest.raises(NotSignedIn):
        await tokens(entra).token()


async def test_a_sign_in_service_in_trouble_is_unreachable(entra: Entra) -> None:
    entra.error = (503, {})
    with pytest.raises(Unreachable):
        await tokens(entra).token()


async def test_a_sign_in_service_that_is_not_there_is_unreachable(entra: Entra) -> None:
    with pytest.raises(Unreachable, match="no usable answer"):
        await tokens(entra, authority="https://localhost:1").token()


@pytest.mark.parametrize("roles", [[], ["Calendars.ReadWrite", "User.Read.All"]])
async def test_roles_are_those_of_the_token(entra: Entra, roles: list[str]) -> None:
    entra.roles = roles
    assert await tokens(entra).roles() == set(roles)


@pytest.mark.parametrize("opaque", ["opaque", "a.b.c", "a.W10.c", "a.eyJyb2xlcyI6MX0.c", "a.\xff.c"])
async def test_a_token_that_cannot_be_read_has_no_roles(
    entra: Entra, opaque: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entra, "give", lambda _: (200, {"access_token": opaque, "expires_in": 3600}))
    assert await tokens(entra).roles() == set()


def certificate(path: Path, key: Any, signed_by: Any = None) -> Path:
    """A PEM file with a key and a self-signed certificate, for another key where one is given."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "holdfast.fjallvik.example")])
    now = datetime(2026, 11, 24, tzinfo=UTC)
    signer = signed_by or key
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signer.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(signer, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(b"Bag Attributes\n" + pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


async def test_a_certificate_signs_an_assertion(entra: Entra, tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    path = certificate(tmp_path / "app.pem", key)
    assert await tokens(entra, credential="certificate", certificate_path=str(path)).token() == token(1, ROLES)
    (form,) = entra.forms
    assert "client_secret" not in form
    header = jwt.get_unverified_header(form["client_assertion"])
    assert {"x5c", "x5t#S256"} <= set(header)
    claims = jwt.decode(form["client_assertion"], key.public_key(), [header["alg"]], options={"verify_aud": False})
    assert claims["iss"] == claims["sub"] == CLIENT


async def test_a_certificate_file_that_is_no_use(entra: Entra, tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    whole = certificate(tmp_path / "whole.pem", key).read_text()
    cut = whole.index("-----BEGIN CERTIFICATE")
    files = {
        "key.pem": (whole[:cut], "no certificate"),
        "certificate.pem": (whole[cut:], "no private key"),
        "empty.pem": ("", "no private key"),
        "broken.pem": (whole.replace("M", "N", 9), "cannot be used"),
        "swedish.pem": ("åäö", "cannot be read"),
    }
    for name, (text, words) in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(NotSignedIn, match=words):
            await tokens(entra, credential="certificate", certificate_path=str(tmp_path / name)).token()
    other = certificate(tmp_path / "other.pem", key, rsa.generate_private_key(65537, 2048))
    elliptic = certificate(tmp_path / "ec.pem", ec.generate_private_key(ec.SECP256R1()))
    for path, words in ((other, "belong together"), (elliptic, "belong together"), (tmp_path / "none.pem", "be read")):
        with pytest.raises(NotSignedIn, match=words):
            await tokens(entra, credential="certificate", certificate_path=str(path)).token()
    assert not entra.forms


@pytest.mark.parametrize("client_id", [None, CLIENT])
async def test_a_managed_identity_asks_azure(
    entra: Entra, monkeypatch: pytest.MonkeyPatch, client_id: str | None
) -> None:
    asked: list[str] = []

    class Recording(auth._Adapter):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            asked.append(request.url)
            return super().send(request, *args, **kwargs)

    monkeypatch.setattr(auth, "_Adapter", Recording)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{entra.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    answer = {"access_token": "managed", "expires_on": "4102444800", "resource": "https://graph.microsoft.com"}
    monkeypatch.setattr(entra, "discover", lambda: (200, answer))
    identity = tokens(entra, credential="managed-identity", client_id=client_id, secret=None)
    assert await identity.token() == "managed"
    assert "resource=https%3A%2F%2Fgraph.microsoft.com" in asked[0]
    assert (f"client_id={CLIENT}" in asked[0]) == (client_id is not None)


async def test_no_managed_identity_outside_azure(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://localhost:1/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    with pytest.raises(NotSignedIn) as caught:
        await tokens(entra, credential="managed-identity", secret=None).token()
    assert "only inside Azure" in caught.value.cure
