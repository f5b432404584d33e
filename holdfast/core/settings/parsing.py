"""Text and environment in; ``Settings`` out, or every problem, in our words and with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from holdfast.core.settings.channels import AgendaPack, Channel, Login, Post
from holdfast.core.settings.document import Node, Place, read
from holdfast.core.settings.fields import REFUSED, TEXT, TRANSLATED
from holdfast.core.settings.goals import Goal, Resource
from holdfast.core.settings.holidays import Holidays
from holdfast.core.settings.leaders import LeaderMessage
from holdfast.core.settings.meaning import Path, contradictions
from holdfast.core.settings.model import (
    Audience,
    Block,
    Credential,
    Guard,
    Organization,
    Privacy,
    Settings,
    Sweep,
    Tenant,
)
from holdfast.core.settings.problems import Problem, SettingsError, meant, printable, quoted
from holdfast.core.settings.recurring import CHOSEN, FIXED, ONE_DAY, SEVERAL_DAYS, Window

ENVIRONMENT: Mapping[str, str] = {
    "HOLDFAST_TENANT_ID": "tenant_id",
    "HOLDFAST_CLIENT_ID": "client_id",
    "HOLDFAST_CLOUD": "cloud",
    "HOLDFAST_CREDENTIAL": "credential",
    "HOLDFAST_ORGANIZER": "organizer",
    "HOLDFAST_NOTIFICATION_URL": "notification_url",
}
"""Environment variables that stand above the file, and the key under ``tenant`` that each of them fills."""

_SECTIONS: Mapping[str | int, type[BaseModel]] = {
    "organization": Organization,
    "tenant": Tenant,
    "audiences": Audience,
    "goals": Goal,
    "blocks": Block,
    "sweep": Sweep,
    "guard": Guard,
    "privacy": Privacy,
    "channels": Channel,
    "messages": LeaderMessage,
}
_NAMED = ("audiences", "goals", "blocks", "channels", "messages")
"""The sections of which there are several, each under a name or a number."""
_WITHIN: Mapping[str | int, type[BaseModel]] = {
    "holidays": Holidays,
    "at": Window,
    "login": Login,
    "post": Post,
    "agenda_pack": AgendaPack,
    "resources": Resource,
}
"""Keys that hold keys of their own."""
_FORMS = (TEXT, TRANSLATED, ONE_DAY, SEVERAL_DAYS, FIXED, CHOSEN)
_SECRETS = (
    ("secret", "HOLDFAST_CLIENT_SECRET"),
    ("password", "HOLDFAST_CLIENT_SECRET"),
    ("certificate", "HOLDFAST_CERTIFICATE_PATH"),
    ("private_key", "HOLDFAST_CERTIFICATE_PATH"),
)
_ADDRESSES = {
    "authority": "HOLDFAST_AUTHORITY",
    "graph_url": "HOLDFAST_GRAPH_URL",
    "ca_bundle": "HOLDFAST_CA_BUNDLE",
}
_LONGEST_CREDENTIAL = max(len(credential) for credential in Credential)


def parse(text: str | bytes, *, name: str, environment: Mapping[str, str]) -> Settings:
    """The settings in ``text``, the content of the file called ``name``; ``environment`` overrides ``tenant``.

    Bytes are UTF-8. Raises ``SettingsError`` with every problem that can be seen at once, and nothing else.
    """
    root, refused = read(text, name)
    if not isinstance(root.value, dict):
        found = "nothing" if root.value is None else quoted(root.plain())
        message = f"Settings are keys with values, but here stands {found}. Begin with version: 1"
        raise SettingsError([*refused, Problem(name, *root.place, "", message)])
    return _Parsing(name, root, environment).settings(refused)


class _Parsing:
    def __init__(self, name: str, root: Node, environment: Mapping[str, str]) -> None:
        self._name = name
        self._root = root
        self._raw: dict[str, Any] = {str(key): node.plain() for key, node in _children(root)}
        self._lent = {key: variable for variable, key in ENVIRONMENT.items() if environment.get(variable)}
        tenant = self._raw.get("tenant")
        if tenant is None or isinstance(tenant, dict):
            lent = {key: environment[variable].strip() for key, variable in self._lent.items()}
            self._raw["tenant"] = {**(tenant or {}), **lent}

    def settings(self, refused: list[Problem]) -> Settings:
        found = [self._at(path, message) for path, message in contradictions(self._raw)]
        try:
            settings = Settings.model_validate(self._raw, by_alias=True, by_name=False)
        except ValidationError as error:
            found += [self._problem(details) for details in error.errors(include_url=False)]
        else:
            if not found and not refused:
                return settings
        taken = {(problem.line, problem.column) for problem in refused}
        raise SettingsError([*refused, *(problem for problem in found if (problem.line, problem.column) not in taken)])

    def _problem(self, error: ErrorDetails) -> Problem:
        path = tuple(part for part in error["loc"] if part not in _FORMS)
        match error["type"]:
            case "missing":
                return self._at(path, self._missing(path))
            case "extra_forbidden":
                return self._at(path, _unknown(path), key=True)
            case kind:
                wrong, cure = (error["ctx"]["wrong"], error["ctx"]["cure"]) if kind == REFUSED else _misshapen(kind)
                return self._at(path, self._wrong(path, error["input"], wrong, cure))

    def _wrong(self, path: Path, value: object, wrong: str, cure: str) -> str:
        if value is None or value in ([], ()):
            return f"is empty. {cure}"
        if path[0] == "tenant" and isinstance(value, str) and _may_be_secret(value):
            found = "what stands here (not shown: it may be a secret)"
        else:
            found = quoted(value)
        if self._is_lent(path):
            return f"{found}, from the environment variable {self._lent[str(path[1])]}, {wrong}. {cure}"
        return f"{found} {wrong}. {cure}"

    def _missing(self, path: Path) -> str:
        key = str(path[-1])
        example = next(iter(_fields(path)[key].examples or ()), None)
        variable = next((name for name, filled in ENVIRONMENT.items() if path == ("tenant", filled)), None)
        instead = f" or set the environment variable {variable}" if variable else ""
        return f"is missing. Write, for example, {key}: {json.dumps(example, ensure_ascii=False)}{instead}"

    def _is_lent(self, path: Path) -> bool:
        return len(path) > 1 and path[0] == "tenant" and path[1] in self._lent

    def _at(self, path: Path, message: str, *, key: bool = False) -> Problem:
        return Problem(self._name, *self._place(path, key=key), _written(path), message)

    def _place(self, path: Path, *, key: bool) -> Place:
        """Where the value stands; its key for an empty one; what it should stand in for a missing one."""
        node = self._root
        for depth, part in enumerate(path):
            child = dict(_children(node)).get(part)
            if child is None or (depth == 1 and self._is_lent(path)):
                return node.key_place
            node = child
        return node.key_place if key or node.value is None else node.place


def _may_be_secret(value: str) -> bool:
    """Whether a value under ``tenant`` may be a secret in the wrong place: too long for a word, no GUID mistyped."""
    return len(value) > _LONGEST_CREDENTIAL and re.fullmatch(r"[0-9a-fA-F{}-]*", value) is None


def _children(node: Node) -> Iterator[tuple[str | int, Node]]:
    match node.value:
        case dict() as entries:
            yield from entries.items()
        case list() as items:
            yield from enumerate(items)


def _fields(path: Path) -> dict[str, Any]:
    """The fields of the section that a key belongs to, by the names they have in the file."""
    section = Settings if len(path) == 1 else _SECTIONS[path[0]]
    within = path[2:-1] if path[0] in _NAMED else path[1:-1]
    if within:
        section = _WITHIN[within[0]]
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _unknown(path: Path) -> str:
    key = str(path[-1])
    plain = key.lower().replace("-", "_").removeprefix("holdfast_")
    for word, variable in _SECRETS:
        if word in plain:
            return (
                "A secret does not belong in this file, which many people read. Remove it and set the environment "
                f"variable {variable}. If the file has been shared, replace the secret."
            )
    if plain in _ADDRESSES:
        return (
            "Where Holdfast signs in and sends its token is not said in this file, or whoever edits it could collect "
            f"the token. Remove it and set the environment variable {_ADDRESSES[plain]}."
        )
    allowed = list(_fields(path))
    return f"{quoted(key)} is not a key. {meant(key, allowed)}Allowed here: {', '.join(allowed)}"


def _misshapen(kind: str) -> tuple[str, str]:
    """What to say of pydantic's errors about lists and mappings: the only shapes that its own checks judge here."""
    if kind == "tuple_type":
        return "is not a list", "Write [one, two], or each on a line of its own after a hyphen."
    return "is not a set of keys", "Write key: value, on lines of their own that are indented further."


def _written(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{printable(part)}" for part in path if part != "[key]")
    return text.removeprefix(".")
