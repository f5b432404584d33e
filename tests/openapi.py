"""Whether requests and answers fit Graph's own description of itself: the OpenAPI document HOLDFAST_OPENAPI names.

The document does not say that other properties are refused; here they are, because Graph does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

_OPAQUE = {"$skiptoken", "$skip"}
_NEVER_ANSWERED = {401}
"""Statuses whose answer comes from the gateway before Graph."""


class Exchange(Protocol):
    """One request and its answer. ``path`` is relative to the version, with its query."""

    method: str
    path: str
    request_body: Any
    status: int
    response_body: Any


@dataclass
class Description:
    """Graph's description of itself. ``problems`` collects what did not fit it; each shape is looked at once."""

    document: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    checked: int = 0
    _seen: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Description:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def __post_init__(self) -> None:
        self._paths = [
            (re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))), operations)
            for path, operations in sorted(self.document["paths"].items(), key=lambda item: item[0].count("{"))
        ]

    def check(self, exchange: Exchange) -> None:
        """Look at one exchange and keep what does not fit."""
        self.checked += 1
        parts = urlsplit(exchange.path)
        path = parts.path.replace("microsoft.graph.", "graph.")
        path = re.sub("^/me/", "/users/me/", path)  # whoever signed in is a user like others
        query = parse_qsl(parts.query, keep_blank_values=True)
        shape = (
            exchange.method,
            re.sub(r"/(users|groups|events)/[^/]+", r"/\1/x", path),
            sorted({n for n, _ in query}),
        )
        key = repr((shape, exchange.status, _shape(exchange.request_body), _shape(exchange.response_body)))
        if key in self._seen:
            return
        self._seen.add(key)
        where = f"{exchange.method} {parts.path} -> {exchange.status}"
        self.problems += [f"{where}: {problem}" for problem in self._problems(exchange, path, query)]

    def _problems(self, exchange: Exchange, path: str, query: list[tuple[str, str]]) -> Iterator[str]:
        operations = next((found for pattern, found in self._paths if pattern.fullmatch(path)), None)
        if operations is None:
            if exchange.status < 400:
                yield "no such path"
            return
        operation = operations.get(exchange.method.lower())
        if operation is None:
            if exchange.status < 400:
                yield "no such method here"
            return
        if exchange.status != 400:  # what is refused as malformed may be so on purpose
            yield from self._request_problems(operation, exchange, query)
        yield from self._answer_problems(operation, exchange)

    def _request_problems(
        self, operation: Mapping[str, Any], exchange: Exchange, query: list[tuple[str, str]]
    ) -> Iterator[str]:
        known = {parameter["name"]: parameter for parameter in operation.get("parameters", ())}
        for name, value in query:
            if name not in known:
                if name not in _OPAQUE:
                    yield f"no query option {name}"
            elif known[name]["schema"].get("type") == "integer" and not value.isdigit():
                yield f"{name}={value} is not a number"
        required = {name for name, parameter in known.items() if parameter.get("required")}
        if missing := required - {name for name, _ in query}:
            yield f"without {sorted(missing)}"
        body = operation.get("requestBody")
        if body is not None:
            schema = _content(body)
            yield from self._fit(_cased(exchange.request_body, schema), schema, "request")
        elif exchange.request_body is not None:
            yield "a body where none belongs"

    def _answer_problems(self, operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        answers = operation["responses"]
        answer = answers.get(str(exchange.status)) or answers.get(f"{exchange.status // 100}XX")
        if answer is None:
            if exchange.status < 400:  # what a whole batch is refused with is not described
                yield "no such answer is described"
        elif exchange.status not in _NEVER_ANSWERED and exchange.response_body is not None:
            yield from self._fit(exchange.response_body, _content(self._resolved(answer)), "answer")

    def _fit(self, value: Any, schema: Mapping[str, Any] | None, what: str) -> Iterator[str]:
        if schema is None:
            return
        validator = Draft202012Validator({**schema, "components": self.document["components"]})
        for error in validator.iter_errors(value):
            yield f"{what} {error.json_path}: {error.message[:200]}"
        yield from self._unknown(value, schema, f"{what} $")

    def _unknown(self, value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
        """Properties that the description does not have, at any depth; a type that it leaves out may have any."""
        schema = self._resolved(schema)
        if isinstance(value, list):
            for item in value:
                yield from self._unknown(item, schema.get("items", {}), f"{where}[]")
        elif isinstance(value, dict):
            named = value.get("@odata.type", "").removeprefix("#")
            schema = self.document["components"]["schemas"].get(named, {} if named else schema)
            properties = schema.get("properties")
            if properties is None:
                return
            for key, inner in value.items():
                if key in properties:
                    yield from self._unknown(inner, properties[key], f"{where}.{key}")
                elif "@" not in key:
                    yield f"{where}.{key} is not a property"

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            node: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            schema = node
        choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
        return self._resolved(choices[0]) if choices and "properties" not in schema else schema


def _content(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    content = part.get("content", {}).get("application/json")
    return content["schema"] if content else None


def _cased(value: Any, schema: Mapping[str, Any] | None) -> Any:
    """The parameters of an action by the names of the description, where their case does not count."""
    if schema is None or not schema.get("x-ms-case-insensitive-names") or not isinstance(value, dict):
        return value
    names = {name.lower(): name for name in schema["properties"]}
    return {names.get(name.lower(), name): inner for name, inner in value.items()}


def _shape(value: Any) -> Any:
    """A value without what varies from one to the next of its kind; words without digits stay, for enumerations."""
    match value:
        case dict():
            return {key: _shape(inner) for key, inner in value.items()}
        case list():
            return sorted({repr(_shape(item)) for item in value})
        case str():
            return value if len(value) < 24 and value.isalpha() else re.sub(r"\w+", "w", value)[:40]
        case _:
            return type(value).__name__
