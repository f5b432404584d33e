"""The key: where it comes from, who may read it, and what it makes of names."""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.store import key as keys
from holdfast.store.key import KEY, KEY_FILE, KEY_PREVIOUS, Key, KeyUnusable, Unreadable

NEW, OLD = base64.urlsafe_b64encode(bytes(range(32))).decode(), "b2xk" * 16
ANNA = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "holdfast.db"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def make() -> str:
    return secrets.token_urlsafe(32)


def key_of(variables: dict[str, str], state: Path) -> Key:
    return keys.of(variables, state, make)


def refusal(variables: dict[str, str], state: Path) -> str:
    with pytest.raises(KeyUnusable) as caught:
        key_of(variables, state)
    return str(caught.value)


class TestEnvironment:
    def test_the_key_of_the_environment_needs_no_file(self, state: Path) -> None:
        assert key_of({KEY: NEW}, state) == Key(bytes(range(32)))
        assert list(state.parent.iterdir()) == []

    @pytest.mark.parametrize("written", [NEW, NEW.rstrip("="), f"  {NEW}\n"])
    def test_padding_and_the_space_around_it_are_no_part_of_it(self, written: str, state: Path) -> None:
        assert key_of({KEY: written}, state) == Key(bytes(range(32)))

    def test_it_may_be_longer(self, state: Path) -> None:
        for length in range(32, 80):
            made = secrets.token_bytes(length)
            assert key_of({KEY: base64.urlsafe_b64encode(made).decode()}, state).secret == made

    def test_what_the_cure_makes_is_a_key(self, state: Path) -> None:
        cure = refusal({KEY: "short"}, state).partition("python -c ")[2].strip('"')
        made = subprocess.run([sys.executable, "-c", cure], check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own words
        assert len(key_of({KEY: made}, state).secret) == 32

    @pytest.mark.parametrize(
        ("value", "wrong"),
        [
            ("hush-hush", "is no key of 32 bytes or more in base64url: it is 9 characters long"),
            (NEW[:42], "is 42 characters long and must be 43 or more"),
            ("hush-hush " * 5, "holds a character that is not of"),
            ("hush+/hush" * 5, "holds a character that is not of"),
            ("hushhushå" * 5, "holds a character that is not of"),
            (NEW.rstrip("=") + "hu", "lacks its last character or has one too many"),
            ("@Microsoft.KeyVault(SecretUri=https://valv.example/hush)", "Give the app's identity the role"),
            (" ", "is 0 characters long"),
        ],
    )
    def test_a_bad_value_is_told_and_not_repeated(self, value: str, wrong: str, state: Path) -> None:
        for variables in ({KEY: value}, {KEY: NEW, KEY_PREVIOUS: value}):
            told = refusal(variables, state)
            assert wrong in told
            assert told.startswith(list(variables)[-1])
            assert "hush" not in told
            assert NEW[:8] not in told

    def test_nothing_that_is_raised_carries_the_key(self, state: Path) -> None:
        with pytest.raises(KeyUnusable) as caught:
            key_of({KEY: "hush-hush"}, state)
        assert caught.value.__cause__ is caught.value.__context__ is None

    def test_an_empty_variable_is_none(self, state: Path) -> None:
        assert key_of({KEY: "", KEY_PREVIOUS: ""}, state) == key_of({}, state)


class TestRotation:
    def test_both_names_are_known_while_the_key_is_replaced(self, state: Path) -> None:
        old, rotating, new = (
            key_of(variables, state) for variables in ({KEY: OLD}, {KEY: NEW, KEY_PREVIOUS: OLD}, {KEY: NEW})
        )
        assert rotating.pseudonyms(ANNA) == (new.pseudonym(ANNA), old.pseudonym(ANNA))
        assert rotating.pseudonym(ANNA) == new.pseudonym(ANNA)
        assert new.pseudonyms(ANNA) == (new.pseudonym(ANNA),)

    def test_a_previous_key_alone_is_half_a_rotation(self, state: Path) -> None:
        assert "HOLDFAST_KEY_PREVIOUS is set and HOLDFAST_KEY is not" in refusal({KEY_PREVIOUS: OLD}, state)
        assert not state.with_name(KEY_FILE).exists()

    def test_the_same_key_twice_is_no_rotation(self, state: Path) -> None:
        assert "are the same" in refusal({KEY: NEW, KEY_PREVIOUS: NEW.rstrip("=")}, state)


@pytest.mark.usefixtures("open_umask")
class TestFile:
    def test_one_is_made_on_first_use_and_kept(self, state: Path) -> None:
        made = key_of({}, state)
        assert len(made.secret) == 32
        assert [path.name for path in state.parent.iterdir()] == [KEY_FILE]
        assert key_of({}, state) == made

    def test_it_is_the_one_that_was_passed_in_and_only_one_is_made(self, state: Path) -> None:
        passed_in = iter([NEW])
        assert keys.of({}, state, lambda: next(passed_in)) == Key(bytes(range(32)))
        assert keys.of({}, state, lambda: next(passed_in)) == Key(bytes(range(32)))

    def test_every_state_has_its_own(self, tmp_path: Path) -> None:
        places = [tmp_path / name / "holdfast.db" for name in ("one", "two")]
        for place in places:
            place.parent.mkdir()
        assert key_of({}, places[0]) != key_of({}, places[1])

    def test_what_it_holds_can_be_the_environments(self, state: Path) -> None:
        made = key_of({}, state)
        assert key_of({KEY: state.with_name(KEY_FILE).read_text(encoding="ascii")}, state) == made

    @pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
    def test_only_its_owner_may_read_it(self, state: Path) -> None:
        key_of({}, state)
        assert stat.S_IMODE(state.with_name(KEY_FILE).stat().st_mode) == 0o600

    @pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o602, 0o666])
    def test_one_that_others_can_reach_is_not_used(self, mode: int, state: Path) -> None:
        key_of({}, state)
        path = state.with_name(KEY_FILE)
        path.chmod(mode)
        assert f"chmod 600 {path}" in refusal({}, state)
        path.chmod(0o400)
        assert key_of({}, state)

    @pytest.mark.parametrize("content", [b"", b"hush-hush\n", b"\xff\xfehush-hush" * 8, NEW.encode() * 2 + b"\nhush"])
    def test_a_broken_one_is_told_left_as_it_is_and_not_repeated(self, content: bytes, state: Path) -> None:
        path = state.with_name(KEY_FILE)
        path.touch(0o600)
        path.write_bytes(content)
        told = refusal({}, state)
        assert told.startswith(f"The key file {path} is no key")
        assert "hush" not in told
        assert path.read_bytes() == content

    def test_one_that_cannot_be_read_is_told(self, state: Path) -> None:
        state.with_name(KEY_FILE).mkdir()
        assert f"The key file {state.with_name(KEY_FILE)} cannot be read" in refusal({}, state)

    def test_one_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        told = refusal({}, tmp_path / "nowhere" / "holdfast.db")
        assert f"The key file {tmp_path / 'nowhere' / KEY_FILE} cannot be made" in told
        assert "Set HOLDFAST_KEY" in told

    def test_processes_that_make_it_at_once_get_one_key(self, tmp_path: Path) -> None:
        for number in range(40):
            (tmp_path / str(number)).mkdir()
        script = (
            "import secrets, sys; from pathlib import Path; from holdfast.store import key\n"
            "print('ready', flush=True); sys.stdin.readline()\n"
            "for number in range(40):\n"
            "    made = key.of({}, Path(sys.argv[1], str(number), 'state'), lambda: secrets.token_urlsafe(32))\n"
            "    print(made.pseudonym('a'))"
        )
        running = [
            subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-c", script, str(tmp_path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [process.communicate()[0].split() for process in running]
        assert [process.returncode for process in running] == [0, 0, 0]
        assert told[0] == told[1] == told[2]
        assert len(set(told[0])) == 40
        assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {KEY_FILE}


class TestPseudonyms:
    def test_a_pseudonym_is_32_hexadecimal_digits(self) -> None:
        assert re.fullmatch("[0-9a-f]{32}", Key(b"x" * 32).pseudonym(ANNA, "lartimmen"))

    def test_it_stays_the_same_over_releases(self) -> None:
        assert Key(bytes(range(32))).pseudonym(ANNA, "Lärtimmen") == "8b1c7b62e89e6e8f03b27eb6298eddce"

    def test_other_texts_and_other_keys_have_other_names(self) -> None:
        texts = [(), ("",), ("", ""), ("ab",), ("a", "b"), ("b", "a"), ("a", "", "b"), ("a\x00b",), ("å",), ("A", "b")]
        names = {Key(secret * 32).pseudonym(*one) for one in texts for secret in (b"x", b"y")}
        assert len(names) == 2 * len(texts)

    def test_the_secret_is_never_shown(self) -> None:
        key = Key(b"hush" * 8, b"hush" * 9)
        assert "hush" not in f"{key!r} {key} {key.pseudonym(ANNA)}"


class TestSealing:
    def test_what_is_sealed_is_opened_by_this_key_or_the_next_one_and_by_no_other(self) -> None:
        old, new = Key(b"o" * 32), Key(b"n" * 32)
        sealed = old.seal(b"tokens")
        assert b"tokens" not in sealed
        assert old.open(sealed) == Key(new.secret, old.secret).open(sealed) == b"tokens"
        with pytest.raises(Unreadable):
            new.open(sealed)

    def test_while_the_key_is_replaced_the_new_one_seals(self) -> None:
        old, new = Key(b"o" * 32), Key(b"n" * 32)
        sealed = Key(new.secret, old.secret).seal(b"tokens")
        assert new.open(sealed) == b"tokens"
        with pytest.raises(Unreadable):
            old.open(sealed)

    def test_what_was_changed_is_not_opened(self) -> None:
        key = Key(b"o" * 32)
        sealed = key.seal(b"tokens")
        for changed in (b"", b"x", b"\xff" * 100, sealed[:-4], sealed[:20] + b"AAAA" + sealed[24:]):
            with pytest.raises(Unreadable):
                key.open(changed)

    def test_it_stays_readable_over_releases(self) -> None:
        sealed = b"gAAAAABrDUecZvaV7HtBdK6BMB5ZsHHuYh3h0dc47Y-qXCg4PUD8LSFgIi43Rt-fGXK9Mrc-SHobZ-p-KeWfS317mihBM4TfRg=="
        assert Key(b"of these tests, and of 32 bytes .").open(sealed) == b"tokens"
