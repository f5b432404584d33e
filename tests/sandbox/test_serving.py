"""The sandbox as a process and as a server in a thread."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from sandbox import Clock, Sandbox, firm, serving
from sandbox.__main__ import main
from tests.sandbox.graph import NOW


def ask(url: str, bundle: str) -> httpx.Response:
    return httpx.get(url, verify=ssl.create_default_context(cafile=bundle), trust_env=False)


def test_a_server_in_a_thread(tmp_path: Path) -> None:
    sandbox = Sandbox()
    tenant = sandbox.add(firm(people=2, clock=Clock(at=NOW)))
    with serving(sandbox, folder=tmp_path) as server:
        assert server.ca_bundle == str(tmp_path / "ca.pem")
        assert ask(f"{server.url}/sandbox/tenants", server.ca_bundle).json()[0]["id"] == tenant.id
        assert server.environment(tenant) == {
            "HOLDFAST_AUTHORITY": server.url,
            "HOLDFAST_GRAPH_URL": server.url,
            "HOLDFAST_CA_BUNDLE": server.ca_bundle,
            "HOLDFAST_TENANT_ID": tenant.id,
            "HOLDFAST_CLIENT_ID": tenant.client_id,
            "HOLDFAST_CREDENTIAL": "secret",
            "HOLDFAST_CLIENT_SECRET": tenant.secret,
        }
        late = sandbox.add(firm(people=1, seed=2, clock=Clock(at=NOW)))
        assert ask(f"{server.url}/sandbox/tenants/{late.id}/roster", server.ca_bundle).status_code == 200
    with pytest.raises(httpx.ConnectError):
        ask(f"{server.url}/sandbox/tenants", server.ca_bundle)


def test_two_servers_beside_each_other() -> None:
    with serving(Sandbox()) as one, serving(Sandbox()) as other:
        assert one.url != other.url


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_the_command_for_scripts(tmp_path: Path, by: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox", "--people", "3", "--port", "0", "--json", "--folder", str(tmp_path)]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert set(told) == {"url", "ca_bundle", "environment", "group", "people", "tenant"}
        assert (told["group"], told["people"]) == ("Alla medarbetare", 3)
        assert told["environment"]["HOLDFAST_TENANT_ID"] == told["tenant"]
        assert ask(f"{told['url']}/sandbox/tenants", told["ca_bundle"]).json()[0]["id"] == told["tenant"]
        lines = (tmp_path / "sandbox.env").read_text().splitlines()
        assert f"export HOLDFAST_GRAPH_URL={told['url']}" in lines
        process.send_signal(by)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_command_for_people() -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--people",
        "3",
        "--port",
        "0",
        "--language",
        "en",
        "--now",
        "2026-12-01",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        lines = []
        while "Ctrl+C" not in (line := process.stdout.readline()):
            lines.append(line)
        process.terminate()
        assert process.wait(timeout=30) == 0
    said = "".join(lines)
    assert '"All employees"' in said
    assert "3 employee" in said
    folder = next(line.split()[1] for line in lines if "source" in line)
    assert not Path(folder).exists()


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--people", "1", "--port", str(port)]) == 1
    assert f"cannot serve at port {port}" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--people", "0"], ["--now", "soon"], ["--language", "fi"]])
def test_options_that_make_no_sense(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2


def test_a_tenant_in_the_place_of_another_is_the_one_its_tokens_lead_to() -> None:
    sandbox = Sandbox()
    first, second = (firm(people=2, seed=1, clock=Clock(at=NOW)) for _ in range(2))
    token = sandbox.token(sandbox.add(first))
    assert sandbox._gate.caller(f"Bearer {token}").tenant is first
    assert sandbox.token(sandbox.add(second)) == token
    assert sandbox._gate.caller(f"Bearer {token}").tenant is second
