"""Messages in SQLite: under names that a key makes, while it is replaced, and as an earlier version left them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.store.key import Key
from holdfast.store.sqlite import open_state
from tests.store.contract import CILLA, KEY, NOON, TENANT, claimed
from tests.store.earlier import make_earlier

NEW = Key(b"another one of these, 32 bytes ..")
ROTATING = Key(NEW.secret, KEY.secret)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "holdfast.db"


async def test_while_a_key_is_replaced_what_was_sent_before_still_counts(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        assert await claimed(state, "note 1")
    with open_state(path, TENANT, ROTATING) as state:
        assert await state.sent(CILLA) == {"note 1": NOON}
        assert not await claimed(state, "note 1")
        assert await claimed(state, "note 2", at=NOON + timedelta(hours=1))
        assert not await claimed(state, "note 3", at=NOON + timedelta(hours=2))
    with open_state(path, TENANT, NEW) as state:
        assert set(await state.sent(CILLA)) == {"note 1", "note 2"}


async def test_while_a_key_is_replaced_what_was_sent_before_can_be_taken_back(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        assert await claimed(state, "note 1", "note 2")
    with open_state(path, TENANT, ROTATING) as state:
        await state.take_back(CILLA, ["note 1", "note 2"])
        assert await state.sent(CILLA) == {}
        assert await claimed(state, "note 1")


async def test_one_who_still_has_the_old_key_and_one_who_has_both_send_nothing_twice(path: Path) -> None:
    with open_state(path, TENANT, KEY) as old, open_state(path, TENANT, ROTATING) as both:
        assert await claimed(old, "note 1")
        assert not await claimed(both, "note 1")
        assert await claimed(both, "note 2")
        assert await both.sent(CILLA) == {"note 1": NOON, "note 2": NOON}


async def test_the_file_names_nobody(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        assert await claimed(state, "note Thu 09:00 2026-4")
        found = b"".join(one.read_bytes() for one in path.parent.iterdir())
    assert b"2026-4" in found
    assert CILLA.encode() not in found
    assert b"cilla" not in found


async def test_messages_of_the_version_before_are_kept(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        assert await claimed(state, "note 1", "note 2")
    make_earlier(path, 4, "alter table sent drop column message")
    with open_state(path, TENANT, KEY) as state:
        assert await state.sent(CILLA) == {"note 1": NOON, "note 2": NOON}
        assert not await claimed(state, "note 1")
        assert await claimed(state, "note 3")
        assert not await claimed(state, "note 4")
