"""Zone names: IANA inside the product, Windows names towards Graph.

Graph's IANA support on input is a list of about a hundred names that lacks ``Europe/Stockholm``; every Windows name is
accepted (``docs/adr/0004``). The table is CLDR's, as the package tzlocal ships it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import date, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

from tzlocal.windows_tz import tz_win, win_tz


class UnknownZone(ValueError):
    """The name is neither an IANA nor a Windows zone, or has no Windows twin that Graph would accept."""


def iana(name: str) -> str:
    """The IANA name of a zone given by its IANA or Windows name. Raises ``UnknownZone``."""
    zone = win_tz.get(name, name)
    if zone not in _known():
        raise UnknownZone(name)
    return zone


@functools.cache
def windows(zone: str) -> str:
    """The Windows name of an IANA zone, as Graph takes it in ``timeZone``. Raises ``UnknownZone``."""
    if zone not in _known():
        raise UnknownZone(zone)
    return tz_win[zone]


@functools.cache
def rules(zone: str) -> ZoneInfo:
    """The zone's rules, for computing with."""
    return ZoneInfo(zone)


@functools.lru_cache(maxsize=64)
def date_at(zone: str, at: datetime) -> date:
    """The date on the zone's calendar at an instant."""
    return at.astimezone(rules(zone)).date()


def familiar(zone: str, near: Iterable[str]) -> str:
    """The name of a zone that people know it by: of the zones ``near`` them, the first that Windows takes for the same.

    A mailbox in Helsinki says "FLE Standard Time", which in CLDR's table is Kyiv's first of all.
    """
    return next((one for one in near if one in _known() and windows(one) == windows(zone)), zone)


@functools.cache
def in_country(country: str) -> tuple[str, ...]:
    """The zones of a country, given by its two letters, as the zone database lists them."""
    table = (files("tzdata.zoneinfo") / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return tuple(row[2] for row in rows if row[0] == country)


def names() -> list[str]:
    """Every name that ``iana`` accepts, for hints and completion."""
    return sorted({*win_tz, *_known()})


@functools.cache
def _known() -> frozenset[str]:
    """IANA zones that have a Windows twin and rules here. Kept, because finding the rules walks a folder tree."""
    return frozenset(tz_win.keys() & available_timezones())
