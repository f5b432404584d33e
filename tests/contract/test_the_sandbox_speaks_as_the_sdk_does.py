"""Every property and enumeration that the sandbox takes or answers is one that msgraph-sdk's models have."""

from __future__ import annotations

import importlib
import re
from enum import Enum
from typing import Any

import pytest

from sandbox.schema import ENUMS, GROUP_PROPERTIES, NOT_IN_BASIC, ONLY_SELECTED, TYPES, USER_BASIC, USER_PROPERTIES


def sdk(name: str) -> Any:
    """The SDK's class for a type of Graph."""
    module = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return getattr(importlib.import_module(f"msgraph.generated.models.{module}"), name[0].upper() + name[1:])


@pytest.mark.parametrize("name", TYPES)
def test_types(name: str) -> None:
    assert set(TYPES[name]) <= set(sdk(name)().get_field_deserializers())


@pytest.mark.parametrize(("name", "properties"), [("user", USER_PROPERTIES | USER_BASIC), ("group", GROUP_PROPERTIES)])
def test_directory_objects(name: str, properties: frozenset[str]) -> None:
    assert properties <= set(sdk(name)().get_field_deserializers())


@pytest.mark.parametrize("name", ENUMS)
def test_enumerations(name: str) -> None:
    kind = sdk(name)
    assert issubclass(kind, Enum)
    assert set(ENUMS[name]) <= {member.value for member in kind}
    assert {member.value for member in kind} - set(ENUMS[name]) <= {"unknownFutureValue", "unknown"}


def test_every_type_and_enumeration_of_a_property_is_described() -> None:
    primitives = {"string", "boolean", "int32", "double", "date", "instant"}
    answered_only = {"onlineMeetingInfo", "responseStatus", "recipient", "timeSlot"}
    named = {prop.type for properties in TYPES.values() for prop in properties.values()}
    assert named - primitives - answered_only <= set(TYPES) | set(ENUMS)
    for name in answered_only & named:
        assert sdk(name)


def test_what_is_special_about_properties_is_said_of_properties_there_are() -> None:
    assert set(TYPES["event"]) >= NOT_IN_BASIC | ONLY_SELECTED
