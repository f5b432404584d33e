"""The sandbox's names and values against msgraph-sdk's models: nothing Graph does not have, no value too few."""

from __future__ import annotations

import importlib
import re
from enum import Enum
from typing import Any

import pytest

from sandbox.schema import ENUMS, EVENT_PROPERTIES, GROUP_PROPERTIES, TYPES, USER_PROPERTIES


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def model(name: str) -> Any:
    found = importlib.import_module(f"msgraph.generated.models.{snake(name)}")
    return getattr(found, name[0].upper() + name[1:])


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_enumerations(name: str) -> None:
    known: type[Enum] = model(name)
    assert set(ENUMS[name]) == {value.value for value in known}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_types_have_the_properties_of_graphs(name: str) -> None:
    known = set(model(name)().get_field_deserializers())
    mine = set(TYPES[name])
    assert mine <= known
    if name not in ("event", "message"):
        assert known - mine <= {"@odata.type"}


def test_every_property_of_an_event_but_its_collections_of_other_things() -> None:
    known = set(model("event")().get_field_deserializers())
    elsewhere = {
        "@odata.type",
        "attachments",
        "calendar",
        "exceptionOccurrences",
        "extensions",
        "instances",
        "multiValueExtendedProperties",
        "singleValueExtendedProperties",
    }
    assert known - set(EVENT_PROPERTIES) == elsewhere


def test_users_and_groups() -> None:
    assert set(model("user")().get_field_deserializers()) >= USER_PROPERTIES
    assert set(model("group")().get_field_deserializers()) >= GROUP_PROPERTIES
