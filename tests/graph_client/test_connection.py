"""Addresses and credentials are checked before anything is sent anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph_client.connection import CLOUDS, Connection

TENANT = "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"


def to(**changes: Any) -> Connection:
    return Connection.to(
        **{"tenant_id": TENANT, "client_id": "app", "credential": "secret", "secret": "s3cret", **changes}
    )


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_cloud_signs_in_and_calls_at_home(cloud: str) -> None:
    connection = to(cloud=cloud)
    assert connection.authority == f"{CLOUDS[cloud].authority}/{TENANT}"
    assert connection.graph_url == f"{CLOUDS[cloud].graph}/v1.0"
    assert connection.resource == CLOUDS[cloud].graph
    assert connection.well_known


@pytest.mark.parametrize(
    ("given", "authority", "graph_url"),
    [
        ("https://localhost:8443", f"https://localhost:8443/{TENANT}", "https://localhost:8443/v1.0"),
        ("https://localhost:8443/", f"https://localhost:8443/{TENANT}", "https://localhost:8443/v1.0"),
        ("https://localhost:8443/path/", "https://localhost:8443/path", "https://localhost:8443/path"),
    ],
)
def test_other_addresses_replace_the_clouds(given: str, authority: str, graph_url: str) -> None:
    connection = to(authority=given, graph_url=given)
    assert (connection.authority, connection.graph_url) == (authority, graph_url)
    assert connection.resource == "https://graph.microsoft.com"
    assert not connection.well_known


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8443",
        "localhost:8443",
        "https://",
        "https://user:password@localhost",
        "https://localhost/?tenant=x",
        "https://localhost/#x",
        "ftp://localhost",
    ],
)
@pytest.mark.parametrize("name", ["authority", "graph_url"])
def test_an_address_that_is_not_plain_https_is_refused(name: str, url: str) -> None:
    with pytest.raises(ValueError, match=f"HOLDFAST_{name.upper()}"):
        to(**{name: url})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"credential": "password"}, "no kind of credential"),
        ({"client_id": None}, "client_id"),
        ({"secret": None}, "HOLDFAST_CLIENT_SECRET"),
        ({"credential": "certificate"}, "HOLDFAST_CERTIFICATE_PATH"),
    ],
)
def test_a_credential_has_what_it_takes(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        to(**changes)


def test_a_managed_identity_needs_nothing() -> None:
    assert to(credential="managed-identity", client_id=None, secret=None).client_id is None


def test_a_bundle_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(ValueError, match="HOLDFAST_CA_BUNDLE"):
            to(ca_bundle=str(tmp_path / name))


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(to())
