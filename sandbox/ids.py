"""Ids of events: opaque, case-sensitive, bound to a mailbox, and of two forms (``concepts/outlook-immutable-id.md``).

Both forms stand for the same event. They hold slashes, pluses and equals signs, so that a client that does not encode
them in a URL fails here as well, and are as long as Exchange's: 152 characters, and 168 of one date of a series.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from sandbox.errors import id_malformed

KEY_BYTES = 8

_MUTABLE, _IMMUTABLE = "AAMkAD/+", "AAkALg/+"
_LAYOUT = struct.Struct(f">3s{KEY_BYTES}s{KEY_BYTES}sHIB")
_MARK = b"\xff\xef\xbe"
"""Three bytes that base64 writes with a slash and pluses."""

_OF_EVENT, _OF_DATE = 81, 93
"""Bytes that an id has besides, the same in all of a mailbox."""


class Reference(NamedTuple):
    """What an id says: which item, and for one date of a series which date, and in which life of the series."""

    key: bytes
    version: int
    day: date | None


@lru_cache(maxsize=65_536)
def write(mailbox: bytes, reference: Reference, *, immutable: bool) -> str:
    """The id of an event in the mailbox with this key."""
    day = reference.day.toordinal() if reference.day else 0
    packed = _LAYOUT.pack(_MARK, mailbox, reference.key, reference.version, day, immutable)
    packed += _rest(mailbox)[: _OF_DATE if day else _OF_EVENT]
    return (_IMMUTABLE if immutable else _MUTABLE) + base64.b64encode(packed).decode()


def read(mailbox: bytes, text: str) -> Reference:
    """What an id of either form says. Raises the 400 for one that no event of this mailbox can have."""
    try:
        packed = base64.b64decode(text[len(_MUTABLE) :], validate=True)
        mark, owner, key, version, day, immutable = _LAYOUT.unpack_from(packed)
    except (binascii.Error, struct.error, ValueError) as error:
        raise id_malformed() from error
    if text[: len(_MUTABLE)] != (_IMMUTABLE if immutable else _MUTABLE) or mark != _MARK or owner != mailbox:
        raise id_malformed()
    if packed[_LAYOUT.size :] != _rest(mailbox)[: _OF_DATE if day else _OF_EVENT]:
        raise id_malformed()
    try:
        return Reference(key, version, date.fromordinal(day) if day else None)
    except (ValueError, OverflowError) as error:
        raise id_malformed() from error


@lru_cache(maxsize=16_384)
def _rest(mailbox: bytes) -> bytes:
    return hashlib.shake_128(mailbox).digest(_OF_DATE)
