"""The key that what is stored of people is kept under: from the environment, or from a file beside the state.

A key is 32 random bytes or more in base64url, as ``secrets.token_urlsafe(32)`` makes it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY, KEY_PREVIOUS = "HOLDFAST_KEY", "HOLDFAST_KEY_PREVIOUS"
"""The environment variables: the key, and while it is being replaced the one before."""

KEY_FILE = "holdfast.key"
"""The file beside the state that is made where the environment gives no key."""

_BYTES = 32
_SHORTEST = 43
"""Characters that 32 bytes take in base64url."""

_PSEUDONYM = b"holdfast pseudonym 1"
"""What a pseudonym's own key is derived with, so that no other use of the secret ever meets it."""

_BOX = b"holdfast box 1"
"""Likewise for what is encrypted."""

_MAKE_ONE = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'


class KeyUnusable(Exception):
    """There is no key to work with. The message says what to do, and never holds any of it."""


class Unreadable(Exception):
    """What was sealed cannot be opened: it was sealed under another key, or has been changed."""


@dataclass(frozen=True, slots=True)
class Key:
    """What names and encrypts what is stored. ``previous`` is the secret before this one, while it is replaced."""

    secret: bytes = field(repr=False)
    previous: bytes | None = field(default=None, repr=False)

    def pseudonym(self, *texts: str) -> str:
        """A name of 32 hexadecimal digits for these texts in this order, from which nobody without the key gets back.

        What Graph gives in one case today and another tomorrow, such as an address, is lower-cased before.
        """
        return _pseudonym(self.secret, texts)

    def pseudonyms(self, *texts: str) -> tuple[str, ...]:
        """The names under which something may be stored: today's first, then that under the key before."""
        return tuple(_pseudonym(secret, texts) for secret in (self.secret, self.previous) if secret is not None)

    def seal(self, data: bytes) -> bytes:
        """The data so that nobody reads or changes it without the key: by Fernet, under a key of its own."""
        return self._box().encrypt(data)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed under this key or the one before. Raises ``Unreadable``."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as below

        try:
            return self._box().decrypt(sealed)
        except InvalidToken as error:
            raise Unreadable from error

    def _box(self) -> MultiFernet:
        """Seals under today's secret and opens what was sealed under either."""
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - slow to load, and few commands need it

        return MultiFernet([Fernet(_box_key(one)) for one in (self.secret, self.previous) if one is not None])


def of(variables: Mapping[str, str], beside: Path | None, make: Callable[[], str]) -> Key:
    """The key of the environment, else that of the file ``holdfast.key`` beside the state file, made on first use.

    ``beside`` is None where the state is in no file. ``make`` gives the text of a new key, another each time, which
    nobody can guess.

    Raises ``KeyUnusable``.
    """
    given, before = variables.get(KEY), variables.get(KEY_PREVIOUS)
    if not given:
        if before:
            raise KeyUnusable(f"{KEY_PREVIOUS} is set and {KEY} is not. Set {KEY} to the new key. {_MAKE_ONE}")
        if beside is None:
            raise KeyUnusable(
                f"{KEY} is not set, and beside a state in Azure there is no folder to keep one. {_MAKE_ONE}"
            )
        return Key(_kept(beside.with_name(KEY_FILE), make))
    secret = _secret(given, KEY, _MAKE_ONE)
    previous = _secret(before, KEY_PREVIOUS, f"Set it to what {KEY} was, or remove it.") if before else None
    if secret == previous:
        raise KeyUnusable(f"{KEY} and {KEY_PREVIOUS} are the same. Set {KEY} to the new key, or remove {KEY_PREVIOUS}.")
    return Key(secret, previous)


def _pseudonym(secret: bytes, texts: tuple[str, ...]) -> str:
    encoded = [text.encode() for text in texts]
    told_apart = b"".join(len(text).to_bytes(8, "big") + text for text in encoded)
    own = hmac.digest(secret, _PSEUDONYM, hashlib.sha256)
    return hmac.digest(own, told_apart, hashlib.sha256)[:16].hex()


def _box_key(secret: bytes) -> bytes:
    """A key for Fernet from a secret, by HKDF (RFC 5869), which has nothing in common with a pseudonym's."""
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return base64.urlsafe_b64encode(HKDF(SHA256(), _BYTES, salt=None, info=_BOX).derive(secret))


def _secret(text: str, name: str, cure: str) -> bytes:
    """The bytes of a key. Nothing is raised here that would carry the text along."""
    if text.startswith("@Microsoft.KeyVault("):
        # https://learn.microsoft.com/azure/app-service/app-service-key-vault-references: left as it is where it fails.
        raise KeyUnusable(
            f"{name} is a Key Vault reference that Azure could not resolve. Give the app's identity the role Key "
            "Vault Secrets User, and see that the secret exists."
        )
    plain = text.strip().rstrip("=")
    if not re.fullmatch("[A-Za-z0-9_-]*", plain):
        wrong = "holds a character that is not of A to Z, a to z, 0 to 9, - and _"
    elif len(plain) < _SHORTEST:
        wrong = f"is {len(plain)} characters long and must be {_SHORTEST} or more"
    elif len(plain) % 4 == 1:
        wrong = "lacks its last character or has one too many"
    else:
        return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    raise KeyUnusable(f"{name} is no key of {_BYTES} bytes or more in base64url: it {wrong}. {cure}")


def _kept(path: Path, make: Callable[[], str]) -> bytes:
    try:
        if not path.exists():
            _make(path, make)
        return _read(path)
    except OSError as error:
        raise KeyUnusable(f"The key file {path} cannot be read: {error.strerror}. Let Holdfast read it.") from error


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        mode, content = os.fstat(file.fileno()).st_mode, file.read()
    if os.name == "posix" and mode & 0o077:
        raise KeyUnusable(
            f"The key file {path} can be read or written by others than its owner. Run: chmod 600 {path}; where that "
            f"changes nothing, set {KEY} instead."
        )
    cure = "Put back a copy, or move it away: another is made, and what was remembered of people is forgotten."
    return _secret(content.decode(errors="replace"), f"The key file {path}", cure)


def _make(path: Path, make: Callable[[], str]) -> None:
    """A new key in a file that is there whole or not at all. Where two processes make one, the first one's stays."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by its owner alone
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(f"{make()}\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
    except OSError as error:
        raise KeyUnusable(f"The key file {path} cannot be made: {error.strerror}. Set {KEY}. {_MAKE_ONE}") from error
