"""Zones are called by the names that people know them by."""

from __future__ import annotations

import pytest

from holdfast.core import zones


@pytest.mark.parametrize(
    ("zone", "near", "name"),
    [
        (zones.iana("FLE Standard Time"), ["Europe/Stockholm", "Europe/Helsinki"], "Europe/Helsinki"),
        (zones.iana("W. Europe Standard Time"), ["Europe/Stockholm", "Europe/Oslo"], "Europe/Stockholm"),
        ("Europe/London", ["Europe/Stockholm", "Europe/Helsinki"], "Europe/London"),
        ("Europe/London", ["Nowhere/Special"], "Europe/London"),
        ("Europe/London", [], "Europe/London"),
    ],
)
def test_a_zone_goes_by_the_nearest_name_that_windows_takes_for_the_same(zone: str, near: list[str], name: str) -> None:
    assert zones.familiar(zone, near) == name


@pytest.mark.parametrize(
    ("country", "names"), [("SE", ("Europe/Stockholm",)), ("FI", ("Europe/Helsinki",)), ("XX", ())]
)
def test_a_countrys_zones_are_those_of_the_zone_database(country: str, names: tuple[str, ...]) -> None:
    assert zones.in_country(country) == names
