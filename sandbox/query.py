"""OData options of a request: reading them, and handing out lists in pages with opaque links."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_plus

from sandbox.errors import bad_query, bad_request

SKIP_TOKEN = "$skiptoken"  # noqa: S105 - the name of an OData option
_MARK_BYTES = 12
_AGAIN = 1 << 24
"""Added to the place in a token, for another link to the same page."""
_PLAIN = "(),/:'"


class PageSize(NamedTuple):
    """How many items a list gives by default, and at most; who asks for more is refused, or given that many."""

    default: int
    most: int
    refuses: bool = True


def options(text: str) -> dict[str, str]:
    """The options of a query, decoded, by name. Raises a 400 for one given twice."""
    found: dict[str, str] = {}
    for part in text.split("&") if text else ():
        if not part:
            continue
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name in found:
            raise bad_query(
                f"Query option '{name}' was specified more than once, but it must be specified at most once."
            )
        found[name] = unquote_plus(value)
    return found


def refuse_others(given: Mapping[str, str], allowed: frozenset[str]) -> None:
    """Raises a 400 for an OData option that is not supported there. Options without a dollar sign are not OData's."""
    for name in given:
        if name.startswith("$") and name not in allowed:
            raise bad_query(f"The query option '{name}' is not supported here.")


def selected(
    given: Mapping[str, str], known: Mapping[str, object] | frozenset[str], type_: str
) -> tuple[str, ...] | None:
    """What ``$select`` names; None without it. Raises a 400 for a property the type does not have."""
    text = given.get("$select")
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise bad_query(f"Could not find a property named '{name}' on type 'microsoft.graph.{type_}'.")
    return names


def whole_number(given: Mapping[str, str], name: str, otherwise: int, least: int) -> int:
    """A numeric option. Raises a 400 for what is none."""
    text = given.get(name)
    if text is None:
        return otherwise
    if not text.isdecimal() or int(text) < least:
        raise bad_query(f"Invalid value '{text}' for {name} query option found.")
    return int(text)


def page(
    items: Sequence[Any],
    given: Mapping[str, str],
    *,
    size: PageSize,
    key: bytes,
    url: str,
) -> tuple[Sequence[Any], str | None]:
    """The items of this page, and the link to the next one: good only for the very query it was made for.

    ``key`` is the tenant's; ``url`` the address without its query. Raises a 400 for a token of another query.
    """
    count = whole_number(given, "$top", size.default, 1)
    if count > size.most and size.refuses:
        raise bad_request(f"The limit of '{size.most}' for Top query has been exceeded. The value was '{count}'.")
    rest = {name: value for name, value in given.items() if name != SKIP_TOKEN}
    mark = _mark(key, url, rest)
    start = _read_token(given[SKIP_TOKEN], mark) if SKIP_TOKEN in given else whole_number(given, "$skip", 0, 0)
    ends = start + min(count, size.most)
    if ends >= len(items):
        return items[start:ends], None
    return items[start:ends], _link(rest, ends, key, url)


def again(given: Mapping[str, str], *, key: bytes, url: str) -> str:
    """A link to the page that a query asks for, other than the one that led to it: it stands on empty pages."""
    rest = {name: value for name, value in given.items() if name != SKIP_TOKEN}
    if SKIP_TOKEN in given:
        place = _read_number(given[SKIP_TOKEN], _mark(key, url, rest))
    else:
        place = whole_number(given, "$skip", 0, 0)
    return _link(rest, place + _AGAIN, key, url)


def _link(rest: Mapping[str, str], place: int, key: bytes, url: str) -> str:
    rest = {name: value for name, value in rest.items() if name != "$skip"}
    token = base64.urlsafe_b64encode(_mark(key, url, rest) + (place % (1 << 32)).to_bytes(4, "big")).decode()
    query = "&".join(f"{quote(name, safe='$')}={quote(value, safe=_PLAIN)}" for name, value in rest.items())
    return f"{url}?{query}{'&' if query else ''}{SKIP_TOKEN}={token}"


def _mark(key: bytes, url: str, rest: Mapping[str, str]) -> bytes:
    text = "\n".join([url.partition("/v1.0/")[2], *(f"{name}={rest[name]}" for name in sorted(rest))])
    return hashlib.blake2b(text.encode(), key=key, digest_size=_MARK_BYTES).digest()


def _read_token(token: str, mark: bytes) -> int:
    return _read_number(token, mark) % _AGAIN


def _read_number(token: str, mark: bytes) -> int:
    try:
        packed = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    if packed[:_MARK_BYTES] != mark or len(packed) != _MARK_BYTES + 4:
        raise bad_request("Skip token is not valid for this query.", "Directory_ExpiredPageToken")
    return int.from_bytes(packed[_MARK_BYTES:], "big")


def sealed(number: int, what: str, key: bytes) -> str:
    """A token that says a number, about one thing only."""
    return base64.urlsafe_b64encode(_mark(key, what, {}) + number.to_bytes(4, "big")).decode()


def unsealed(token: str, what: str, key: bytes) -> int:
    """What such a token says. Raises the 400 for one about something else."""
    return _read_number(token, _mark(key, what, {}))
