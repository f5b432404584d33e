"""Where the environment says that settings, state and queues are, and what is wrong with what it says."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from azure.storage.blob import BlobClient, ContainerClient

from holdfast import wiring
from holdfast.cli.init import example
from holdfast.core.settings import Language, Settings, SettingsError, parse
from holdfast.jobs.ports import QueueName
from holdfast.store.account import Account, name_of, understood
from holdfast.store.errors import StateUnusable
from holdfast.store.key import KeyUnusable
from holdfast.wiring import Place, SetupError
from tests.azurite import NAME, Azurite

KEY_TEXT = base64.urlsafe_b64encode(b"of these tests, and of 32 bytes .").decode().rstrip("=")
IN_AZURE = {"HOLDFAST_STATE": "https://fjallvik.table.core.windows.net", "HOLDFAST_KEY": KEY_TEXT}
EXAMPLE = example(Language.EN).encode()


@pytest.fixture
def settings() -> Settings:
    return parse(EXAMPLE, name="settings.yaml", environment={})


def account(**variables: str) -> Account:
    found = Place.of(None, variables).account
    assert found is not None
    return found


# Where state and queues are


def test_a_path_is_a_file() -> None:
    assert Place.of(None, {}).account is None
    assert Place.of(None, {"HOLDFAST_STATE": "holdfast.db"}).account is None


@pytest.mark.parametrize("cloud", ["core.windows.net", "core.chinacloudapi.cn", "z1.storage.azure.net"])
def test_queues_are_beside_the_tables(cloud: str) -> None:
    found = account(HOLDFAST_STATE=f"https://fjallvik.table.{cloud}/")
    assert found == Account(f"https://fjallvik.table.{cloud}", f"https://fjallvik.queue.{cloud}", in_azure=False)
    assert name_of(found.tables) == name_of(found.queues) == "fjallvik"


def test_in_azure_the_app_is_who_it_is_and_elsewhere_whoever_has_signed_in() -> None:
    assert not account(**IN_AZURE).in_azure
    assert account(**IN_AZURE, IDENTITY_ENDPOINT="http://localhost:42356/msi/token").in_azure


def test_queues_can_be_elsewhere_and_the_identity_one_of_several() -> None:
    found = account(**IN_AZURE, HOLDFAST_QUEUES="https://other.queue.core.windows.net/", AZURE_CLIENT_ID="an-id")
    assert (found.queues, found.client_id) == ("https://other.queue.core.windows.net", "an-id")


def test_a_simulators_account_is_in_the_path() -> None:
    assert name_of("http://127.0.0.1:10002/devstoreaccount1") == "devstoreaccount1"
    assert name_of("http://127.0.0.1:10000/devstoreaccount1/holdfast/settings.yaml") == "devstoreaccount1"


@pytest.mark.parametrize(
    ("variables", "cure"),
    [
        ({"HOLDFAST_STATE": "http://127.0.0.1:10002/a", "HOLDFAST_STORAGE_KEY": "QQ=="}, "Set HOLDFAST_QUEUES"),
        ({"HOLDFAST_STATE": "http://fjallvik.table.core.windows.net"}, "Write https://"),
        ({**IN_AZURE, "HOLDFAST_QUEUES": "http://127.0.0.1:10001/a"}, "Write https://"),
        ({**IN_AZURE, "HOLDFAST_STORAGE_KEY": "no base64!"}, "is not base64. Copy it anew"),
        ({"HOLDFAST_SETTINGS": "https://fjallvik.blob.core.windows.net/holdfast/settings.yaml"}, "HOLDFAST_STATE"),
    ],
)
def test_what_is_wrong_with_an_account_is_told_with_its_cure(variables: Mapping[str, str], cure: str) -> None:
    with pytest.raises(SetupError, match=cure) as told:
        _ = Place.of(None, variables).account
    assert "no base64!" not in str(told.value)


async def test_with_state_in_a_table_there_has_to_be_a_key(settings: Settings) -> None:
    place = Place.of(None, {"HOLDFAST_STATE": IN_AZURE["HOLDFAST_STATE"]})
    with pytest.raises(KeyUnusable, match=r"HOLDFAST_KEY is not set, .+ Make one with: python"):
        async with wiring.remembering(place, settings):
            pass


# What is remembered there


async def test_what_is_remembered_is_in_the_file_with_its_queue(tmp_path: Path, settings: Settings) -> None:
    place = Place(tmp_path / "settings.yaml", {})
    async with wiring.remembering(place, settings) as memory:
        await memory.state.raise_floor("lartimmen", 3)
        await memory.queue.put(QueueName.REPAIR, ["text"])
        assert memory.own_queue is not None
        assert await memory.own_queue.length(QueueName.REPAIR) == 1
    async with wiring.remembering(place, settings) as memory:
        assert await memory.state.floors() == {"lartimmen": 3}


async def test_what_is_remembered_is_in_the_account_with_its_queues(azurite: Azurite, settings: Settings) -> None:
    variables = {
        "HOLDFAST_STATE": azurite.tables,
        "HOLDFAST_QUEUES": azurite.queues,
        "HOLDFAST_STORAGE_KEY": azurite.key,
        "HOLDFAST_KEY": KEY_TEXT,
    }
    place = Place.of(None, variables)
    async with wiring.remembering(place, settings) as memory:
        await memory.state.raise_floor("lartimmen", 3)
        await memory.queue.put(QueueName.REPAIR, ["text"])
        assert memory.own_queue is None
    async with wiring.remembering(place, settings) as memory:
        assert await memory.state.floors() == {"lartimmen": 3}
        assert await memory.state.placed() == {}


def test_with_everything_in_files_nothing_of_azure_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_bytes(EXAMPLE)
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom holdfast import wiring\n"
        "async def work():\n"
        "    place = wiring.Place(Path(sys.argv[1]), {})\n"
        "    async with wiring.remembering(place, place.settings()) as memory:\n"
        "        await memory.state.floors()\n"
        "asyncio.run(work())\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('azure', 'aiohttp')])\n"
    )
    here = Path(__file__).parents[2]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, str(tmp_path / "settings.yaml")], cwd=here, capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "[]"


# Settings in a blob


class Container:
    """A container of blobs, and how a place is told to read one of it."""

    def __init__(self, azurite: Azurite) -> None:
        self._azurite = azurite
        self.url = f"{azurite.blobs}/holdfast"
        self._credential = AzureNamedKeyCredential(NAME, azurite.key)
        with ContainerClient.from_container_url(self.url, credential=self._credential) as client:
            if not client.exists():
                client.create_container()

    def upload(self, name: str, content: bytes) -> None:
        with BlobClient.from_blob_url(f"{self.url}/{name}", credential=self._credential) as blob:
            blob.upload_blob(content, overwrite=True)

    def place(self, name: str, key: str | None = None) -> Place:
        variables = {"HOLDFAST_SETTINGS": f"{self.url}/{name}", "HOLDFAST_STORAGE_KEY": key or self._azurite.key}
        return Place.of(None, variables)


@pytest.fixture
def container(azurite: Azurite) -> Container:
    return Container(azurite)


def test_settings_are_read_from_a_blob(container: Container, settings: Settings) -> None:
    container.upload("settings.yaml", EXAMPLE)
    assert container.place("settings.yaml").settings() == settings


def test_what_is_wrong_in_a_blob_is_told_by_its_address(container: Container) -> None:
    container.upload("broken.yaml", b"version: 1\nblocksy: []\n")
    with pytest.raises(SettingsError) as told:
        container.place("broken.yaml").settings()
    assert f"{container.url}/broken.yaml:2:" in str(told.value)


def test_a_blob_that_is_not_there_is_told_whatever_is_missing_of_its_address(container: Container) -> None:
    with pytest.raises(SetupError, match=r"There is no settings file http.+/none\.yaml\. Upload one"):
        container.place("none.yaml").settings()
    container.url += "-of-nobody"
    with pytest.raises(SetupError, match=r"There is no settings file http.+Upload one"):
        container.place("settings.yaml").settings()


def test_a_blob_that_may_not_be_read_is_told_with_the_role_that_it_takes(container: Container) -> None:
    container.upload("settings.yaml", EXAMPLE)
    with pytest.raises(SetupError, match=r"cannot be read: 403 .+ role Storage Blob Data Reader"):
        container.place("settings.yaml", key=base64.b64encode(b"wrong").decode()).settings()


# As whom


class Endpoint(BaseHTTPRequestHandler):
    """Where App Service gives a managed identity's tokens to its app, on loopback."""

    asked: ClassVar[list[dict[str, list[str]]]] = []

    def do_GET(self) -> None:
        self.asked.append(parse_qs(urlsplit(self.path).query))
        token = {"access_token": "a token", "expires_on": "4102444800", "resource": "x", "token_type": "Bearer"}
        body = json.dumps(token).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Endpoint.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "of this test")
        yield
        server.shutdown()


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("client_id", ["5c1e0d52-0000-4000-8000-000000000000", None])
async def test_in_azure_the_managed_identity_signs_in_and_nothing_else(client_id: str | None) -> None:
    named = {"AZURE_CLIENT_ID": client_id} if client_id else {}
    async with account(**IN_AZURE, **named).credential() as credential:
        assert isinstance(credential, AsyncTokenCredential)
        token = await credential.get_token("https://storage.azure.com/.default")
    assert token.token == "a token"
    (asked,) = Endpoint.asked
    assert asked["resource"] == ["https://storage.azure.com"]
    assert asked.get("client_id") == ([client_id] if client_id else None)


# What an account says


class Answer:
    """An answer of Azure's, as its errors take it."""

    reason, headers = "Forbidden", {}

    def __init__(self, status: int) -> None:
        self.status_code = status


TROUBLES = {
    "role Storage Table .+AZURE_CLIENT_ID": ClientAuthenticationError("No managed identity endpoint found."),
    "refuses with 403.+role": HttpResponseError("This request is not authorized.", response=Answer(403)),
    "refuses with 500.+health": HttpResponseError("Internal error.", response=Answer(500)),
    "does not answer: Name .+HOLDFAST_STATE": ServiceRequestError("Name or service not known"),
}


@pytest.mark.parametrize("said", TROUBLES)
def test_every_trouble_of_an_account_is_told_with_what_to_do(said: str) -> None:
    with pytest.raises(StateUnusable, match=said), understood("https://x", "Storage Table Data Contributor"):
        raise TROUBLES[said]
