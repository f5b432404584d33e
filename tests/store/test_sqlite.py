"""The state in a file: what every state promises, and what a file can suffer."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from holdfast.jobs.ports import State
from holdfast.store.sqlite import StateUnusable, open_state
from tests.store.contract import (
    ANNA,
    EVERYTHING,
    KEY,
    NOTHING,
    TENANT,
    StateContract,
    Store,
    remember_everything,
    remembered,
)
from tests.store.contract_of_one_person import OnePersonContract
from tests.store.contract_of_runs import RunsContract


class SqliteStore(Store):
    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def open(self, tenant: str) -> Iterator[State]:
        with open_state(self._path, tenant, KEY) as state:
            yield state


class TestSqliteState(StateContract, RunsContract, OnePersonContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return SqliteStore(tmp_path / "holdfast.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "holdfast.db"


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A umask that takes nothing away, so that what is seen is what was asked for."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(path: Path) -> list[str]:
    """Everything in a database, as statements that would make it again."""
    with closing(sqlite3.connect(path)) as raw:
        return list(raw.iterdump())


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        (number,) = raw.execute("pragma user_version").fetchone()
    return int(number)


@pytest.mark.usefixtures("open_umask")
async def test_the_file_and_what_sqlite_puts_beside_it_are_for_its_owner_only(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        await remember_everything(state)
        beside = sorted(path.parent.iterdir())
        assert [one.name for one in beside] == ["holdfast.db", "holdfast.db-shm", "holdfast.db-wal"]
        assert [oct(mode(one)) for one in beside] == [oct(0o600)] * 3


async def test_a_store_left_by_a_killed_process_loses_nothing_that_was_done(path: Path) -> None:
    killed = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from holdfast.store.sqlite import open_state\n"
        "from tests.store.contract import KEY, TENANT, remember_everything\n"
        "with open_state(Path(sys.argv[1]), TENANT, KEY) as state:\n"
        "    asyncio.run(remember_everything(state)); os._exit(9)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", killed, str(path)], cwd=root, check=False)  # noqa: S603, ASYNC221
    assert done.returncode == 9
    with open_state(path, TENANT, KEY) as state:
        assert await remembered(state) == EVERYTHING


async def test_a_file_of_a_newer_holdfast_is_refused_and_left_as_it_is(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        await remember_everything(state)
    newer = version(path) + 1
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"pragma user_version = {newer}")
    before = content(path)
    with pytest.raises(StateUnusable, match=r"newer Holdfast\. Update Holdfast\.$"), open_state(path, TENANT, KEY):
        pass
    assert version(path) == newer
    assert content(path) == before


def make_first_version(path: Path) -> None:
    """A store as version 1 left it, with something in every table."""
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(
            """
            create table approval (tenant text primary key, fingerprint text, settings text, at text, groups text,
                complete text);
            create table placed (tenant text, mailbox text, address text, blocks text, primary key (tenant, mailbox));
            create table purpose (tenant text, mailbox text, purpose text, at text, primary key (tenant, mailbox));
            create table floor (tenant text, block text, generation integer, primary key (tenant, block));
            create table run (tenant text primary key, run text);
            insert into approval values ('t', 'f', 'version: 1', '2026-11-24T12:00:00+00:00', '{}', '[]');
            insert into placed values ('t', 'id-anna', 'anna@fjallvik.example', '["lartimmen"]');
            insert into purpose values ('t', 'id-anna', 'user', '2026-11-24T12:00:00+00:00');
            insert into floor values ('t', 'lartimmen', 4);
            insert into run values ('t', '{}');
            pragma user_version = 1;
            """
        )


async def test_a_file_of_an_earlier_version_is_emptied_and_made_anew(path: Path) -> None:
    """Without an approval nothing is written until the next ``apply``, and a sweep finds every series again."""
    make_first_version(path)
    with open_state(path, "t", KEY) as state:
        assert await remembered(state) == NOTHING
        await remember_everything(state)
        assert await remembered(state) == EVERYTHING
    with open_state(path, "t", KEY) as state:
        assert await remembered(state) == EVERYTHING
    fresh = path.with_name("fresh.db")
    with open_state(fresh, "t", KEY) as state:
        await remember_everything(state)
    assert content(path) == content(fresh)
    assert version(path) == version(fresh) > 1


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read as one" * 20, b"x" * 5])
def test_a_file_that_is_no_database_is_refused_with_a_cure_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with (
        pytest.raises(StateUnusable, match="Move it away and run `holdfast sweep`") as refused,
        open_state(path, TENANT, KEY),
    ):
        pass
    assert str(path) in str(refused.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("number", [0, 1])
def test_a_database_of_somebody_elses_is_refused_and_nothing_in_it_is_touched(path: Path, number: int) -> None:
    """Whatever number they give to versions of their own, and with tables named as some of ours are."""
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(
            "create table approval (anything text); create table run (anything text); create table theirs (x);"
            "insert into run values ('theirs'); insert into theirs values (1);"
        )
        raw.execute(f"pragma user_version = {number}")
    before = content(path)
    with pytest.raises(StateUnusable, match=r"cannot be used: .+\. Move it away"), open_state(path, TENANT, KEY):
        pass
    assert content(path) == before
    assert version(path) == number


@pytest.mark.parametrize("where", ["no/such/folder/holdfast.db", "a-file/holdfast.db", "a-folder"])
def test_a_place_that_cannot_be_written_is_told_with_what_to_set(tmp_path: Path, where: str) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "a-folder").mkdir()
    with pytest.raises(StateUnusable, match=r"cannot be opened: .+\. Set HOLDFAST_STATE\.$"):  # noqa: SIM117
        with open_state(tmp_path / where, TENANT, KEY):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told_with_what_to_set(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StateUnusable, match="Permission denied"), open_state(tmp_path / "holdfast.db", TENANT, KEY):
        pass


def test_the_connection_is_closed_when_the_work_fails(path: Path) -> None:
    def fail() -> None:
        with open_state(path, TENANT, KEY):
            raise RuntimeError("work")

    with pytest.raises(RuntimeError, match="work"):
        fail()
    assert [one.name for one in path.parent.iterdir()] == ["holdfast.db"]  # the last to close takes the log with it


async def test_a_writer_waits_for_another_process_to_be_done(path: Path) -> None:
    with open_state(path, TENANT, KEY):
        pass
    with closing(sqlite3.connect(path, check_same_thread=False)) as other:
        other.execute("begin immediate")
        other.execute("insert into floor values (?, 'lartimmen', 7)", (TENANT,))
        soon = threading.Timer(0.05, other.commit)
        soon.start()
        with open_state(path, TENANT, KEY) as state:
            await state.raise_floor("lartimmen", 3)
            assert await state.floors() == {"lartimmen": 7}
        soon.join()


async def test_a_reader_does_not_wait_for_a_writer(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state, closing(sqlite3.connect(path)) as other:
        await state.place(ANNA)
        other.execute("begin immediate")
        other.execute("delete from placed")
        assert await state.placed() == {ANNA.mailbox: ANNA}
        other.rollback()


@pytest.mark.parametrize("earlier", [False, True])
def test_those_that_begin_at_once_make_one_store(path: Path, *, earlier: bool) -> None:
    """All find no tables, or those of an earlier version; the second to get its turn finds them made."""
    if earlier:
        make_first_version(path)
    failures: list[Exception] = []
    gate = threading.Barrier(4)

    def begin() -> None:
        gate.wait()
        try:
            with open_state(path, TENANT, KEY):
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to say it
            failures.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


async def test_a_new_store_that_another_process_is_making_is_waited_for(path: Path) -> None:
    """A database that is not yet logged ahead cannot be switched while somebody writes, and SQLite does not wait."""
    with closing(sqlite3.connect(path, check_same_thread=False)) as other:
        other.execute("begin immediate")
        done = threading.Timer(0.05, other.rollback)
        done.start()
        with open_state(path, TENANT, KEY) as state:
            await state.place(ANNA)
            assert await state.placed() == {ANNA.mailbox: ANNA}
        done.join()
