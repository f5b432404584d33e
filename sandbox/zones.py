"""Time zones as Graph names them: all of Windows' names and a list of IANA ones, no others (§3.5 of the notes).

``api-reference/v1.0/resources/datetimetimezone.md`` has the list; it lacks many a capital, Stockholm among them.
"""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal import windows_tz

from sandbox.errors import GraphError

IANA_ACCEPTED = frozenset(
    f"{region}/{city}"
    for region, cities in {
        "Africa": "Cairo Casablanca Johannesburg Lagos Nairobi Windhoek",
        "America": (
            "Anchorage Argentina/Buenos_Aires Asuncion Bahia Bogota Caracas Cayenne Chicago Chihuahua Cuiaba Denver "
            "Godthab Guatemala Halifax Indiana/Indianapolis La_Paz Los_Angeles Mexico_City Montevideo New_York "
            "Phoenix Regina Santa_Isabel Santiago Sao_Paulo St_Johns"
        ),
        "Asia": (
            "Almaty Amman Baghdad Baku Bangkok Beirut Colombo Damascus Dhaka Dubai Irkutsk Jerusalem Kabul Karachi "
            "Kathmandu Kolkata Krasnoyarsk Magadan Novosibirsk Rangoon Riyadh Seoul Shanghai Singapore Taipei "
            "Tashkent Tbilisi Tehran Tokyo Ulaanbaatar Vladivostok Yakutsk Yekaterinburg Yerevan"
        ),
        "Atlantic": "Azores Cape_Verde Reykjavik",
        "Australia": "Adelaide Brisbane Darwin Hobart Perth Sydney",
        "Etc": "GMT GMT+11 GMT+12 GMT+2 GMT-12",
        "Europe": "Berlin Bucharest Budapest Istanbul Kaliningrad Kiev London Moscow Paris Warsaw",
        "Indian": "Mauritius",
        "Pacific": "Apia Auckland Fiji Guadalcanal Honolulu Kiritimati Port_Moresby Tongatapu",
    }.items()
    for city in cities.split()
)

UTC_NAME = "UTC"


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The zone that Graph knows under this name. Raises the 400 that Graph answers to others."""
    if name == UTC_NAME:
        return ZoneInfo("UTC")
    iana = windows_tz.win_tz.get(name) or (name if name in IANA_ACCEPTED else None)
    if iana is None:
        raise GraphError(
            400, "TimeZoneNotSupportedException", f"A valid TimeZone value must be specified. '{name}' is not one."
        )
    return ZoneInfo(iana)


@lru_cache(maxsize=512)
def windows(name: str) -> str:
    """The Windows name of a zone that a mailbox goes by, whichever name its administrator has chosen to show (§1.8)."""
    found: str | None = name if name in windows_tz.win_tz else windows_tz.tz_win.get(name)
    if found is None:
        raise ValueError(f"There is no zone called {name}.")
    return found
