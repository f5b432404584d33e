"""Zone names: IANA inside the product, Windows names towards Graph.

Graph's IANA support on input is a list of about a hundred names that lacks ``Europe/Stockholm``; every Windows name is
accepted (``docs/adr/0004``). The table is CLDR's, as the package tzlocal ships it.
"""

from __future__ import annotations

import functools
from datetime import date, datetime
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


def names() -> list[str]:
    """Every name that ``iana`` accepts, for hints and completion."""
    return sorted({*win_tz, *_known()})


@functools.cache
def _known() -> frozenset[str]:
    """IANA zones that have a Windows twin and rules here. Kept, because finding the rules walks a folder tree."""
    return frozenset(tz_win.keys() & available_timezones())
