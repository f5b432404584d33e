"""What keeps `holdfast serve` from beginning is said with its cure, and ends it with the status that fits."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from holdfast.serve.alone import alone
from holdfast.serve.failing import AlreadyServing
from tests.cli.command import Desk
from tests.golden import GOLDEN, check_golden


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path, {"HOLDFAST_CLIENT_SECRET": "invented"})
    desk.run("init")
    return desk


def test_help_with_an_example(desk: Desk) -> None:
    desk.variables |= {"COLUMNS": "100", "TERM": "dumb"}
    result = desk.run("serve", "--help")
    assert result.exit_code == 0
    text = "\n".join(line.rstrip() for line in result.stdout.splitlines())
    check_golden(GOLDEN / "cli" / "help-serve.txt", text.strip() + "\n")


def test_without_settings_it_says_how_to_get_some(desk: Desk) -> None:
    (desk.folder / "settings.yaml").unlink()
    result = desk.run("serve")
    assert result.exit_code == 2
    assert "holdfast init" in result.stderr


def test_without_a_secret_it_says_which(desk: Desk) -> None:
    del desk.variables["HOLDFAST_CLIENT_SECRET"]
    result = desk.run("serve", "--page-port", "0")
    assert result.exit_code == 2
    assert "HOLDFAST_CLIENT_SECRET" in result.stderr
    assert "token=" not in result.stdout


def test_a_port_that_is_taken_is_named_with_the_option_that_gives_another(desk: Desk) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        result = desk.run("serve", "--page-port", taken)
    assert result.exit_code == 2
    assert f"Port {taken} cannot be listened on" in result.stderr
    assert "--page-port" in result.stderr


def test_with_state_in_azure_it_leaves_the_work_to_the_functions(desk: Desk) -> None:
    desk.variables["HOLDFAST_STATE"] = "https://fjallvik.table.core.windows.net"
    result = desk.run("serve")
    assert result.exit_code == 2
    assert "functions" in result.stderr


def test_where_one_is_running_already_it_says_so(desk: Desk) -> None:
    with alone(desk.folder / "holdfast.db"):
        result = desk.run("serve", "--page-port", "0")
    assert result.exit_code == 1
    assert "is running already" in result.stderr


def test_one_state_is_served_by_one_whatever_its_path_is_called(tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(tmp_path, target_is_directory=True)
    with alone(tmp_path / "holdfast.db"), pytest.raises(AlreadyServing), alone(tmp_path / "other" / "holdfast.db"):
        pass
    with alone(tmp_path / "holdfast.db"), alone(tmp_path / "another.db"):
        pass
