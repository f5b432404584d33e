"""The account's tokens in SQLite: under a key, while it is replaced, and when it is gone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.core.errors import NotSignedIn
from holdfast.jobs.ports import SignedIn
from holdfast.store.key import Key
from holdfast.store.sqlite import open_state
from tests.store.contract import KEY, NOON, TENANT
from tests.store.earlier import make_earlier

NEW = Key(b"another one of these, 32 bytes ..")
ROTATING = Key(NEW.secret, KEY.secret)
TOKENS = b'{"RefreshToken": {"secret": "1.hemligt"}}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "holdfast.db"


async def test_the_file_holds_no_token_that_can_be_read(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        await state.keep_token_cache(TOKENS, NOON)
        await state.renew_token_cache(TOKENS + b" ", NOON, instead_of=TOKENS)
        assert b"hemligt" not in b"".join(one.read_bytes() for one in path.parent.iterdir())


async def test_a_key_is_replaced_without_anybody_signing_in_again(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        await state.keep_token_cache(TOKENS, NOON)
    with open_state(path, TENANT, ROTATING) as state:
        assert await state.token_cache() == TOKENS
        assert await state.renew_token_cache(b"renewed", NOON + timedelta(days=7), instead_of=TOKENS)
    with open_state(path, TENANT, NEW) as state:
        assert await state.token_cache() == b"renewed"
        assert await state.signed_in() == SignedIn(NOON, NOON + timedelta(days=7))


async def test_a_key_that_is_gone_asks_for_another_sign_in_which_can_then_be_made(path: Path) -> None:
    with open_state(path, TENANT, KEY) as state:
        await state.keep_token_cache(TOKENS, NOON)
    with open_state(path, TENANT, NEW) as state:
        with pytest.raises(NotSignedIn, match="kept under another key") as lost:
            await state.token_cache()
        assert "`holdfast login` again" in lost.value.cure
        with pytest.raises(NotSignedIn):
            await state.renew_token_cache(b"x", NOON, instead_of=TOKENS)
        assert await state.signed_in() == SignedIn(NOON, NOON)
        await state.keep_token_cache(b"new", NOON)
        assert await state.token_cache() == b"new"


async def test_another_process_may_write_between_reading_and_writing(path: Path) -> None:
    """Two that hold the same tokens and renew: what is in the file decides, not what either believes."""
    with open_state(path, TENANT, KEY) as one, open_state(path, TENANT, KEY) as other:
        await one.keep_token_cache(TOKENS, NOON)
        assert await other.renew_token_cache(b"of the other", NOON, instead_of=TOKENS)
        assert not await one.renew_token_cache(b"of the one", NOON, instead_of=TOKENS)
        assert await one.token_cache() == b"of the other"


@pytest.mark.parametrize("version", [3, 5])
async def test_a_file_of_a_version_without_tokens_gets_room_for_them(path: Path, version: int) -> None:
    with open_state(path, TENANT, KEY) as state:
        await state.raise_floor("lartimmen", 3)
    make_earlier(path, version, "drop table sign_in")
    with open_state(path, TENANT, KEY) as state:
        await state.keep_token_cache(TOKENS, NOON)
        assert await state.token_cache() == TOKENS
        assert await state.floors() == {"lartimmen": 3}
