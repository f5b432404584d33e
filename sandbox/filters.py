"""The part of OData's ``$filter`` that Graph is asked here: comparisons, ``and``, ``or``, ``not``, and Any() on tags.

A small recursive descent, from text to a function of what it is asked about. Everything else is the 400 it should be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sandbox.errors import bad_query

Condition = Callable[[Any], bool]
"""Whether something fits."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?![\w:-]))|(?P<word>[A-Za-z_][\w./]*)|(?P<mark>[(),:]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a is not None and b is not None and a < b,
    "le": lambda a, b: a is not None and b is not None and a <= b,
    "gt": lambda a, b: a is not None and b is not None and a > b,
    "ge": lambda a, b: a is not None and b is not None and a >= b,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}
_LITERALS: dict[str, object] = {"true": True, "false": False, "null": None}


class Field(NamedTuple):
    """Something that may be filtered by: how to get it, what a literal is made into, and the operators it knows."""

    get: Callable[[Any], Any]
    literal: Callable[[Any], Any] = lambda value: value
    operators: frozenset[str] = frozenset(_COMPARE)


class Lambda(NamedTuple):
    """A collection for ``name/Any(x: ...)``: its members, and the fields of one; no name is the member itself."""

    members: Callable[[Any], list[Any]]
    fields: Mapping[str, Field]


def parse(text: str, fields: Mapping[str, Field], lambdas: Mapping[str, Lambda] | None = None) -> Condition:
    """The condition that a ``$filter`` stands for. Raises a 400 for what is not supported."""
    parser = _Parser(text, fields, lambdas or {})
    condition = parser.either()
    parser.end()
    return condition


class _Parser:
    def __init__(self, text: str, fields: Mapping[str, Field], lambdas: Mapping[str, Lambda]) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._place = 0
        self._fields = fields
        self._lambdas = lambdas

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise self._error()

    def either(self) -> Condition:
        conditions = [self._both()]
        while self._takes("or"):
            conditions.append(self._both())
        return conditions[0] if len(conditions) == 1 else lambda one: any(fits(one) for fits in conditions)

    def _both(self) -> Condition:
        conditions = [self._one()]
        while self._takes("and"):
            conditions.append(self._one())
        return conditions[0] if len(conditions) == 1 else lambda one: all(fits(one) for fits in conditions)

    def _one(self) -> Condition:
        if self._takes("not"):
            denied = self._one()
            return lambda one: not denied(one)
        if self._takes("("):
            condition = self.either()
            self._must(")")
            return condition
        name = self._next("word")
        if name.lower() in _FUNCTIONS and self._peek() == "(":
            return self._function(name.lower())
        collection, _, quantifier = name.rpartition("/")
        if quantifier.lower() == "any" and collection in self._lambdas:
            return self._any(self._lambdas[collection])
        return self._comparison(name)

    def _comparison(self, name: str) -> Condition:
        field = self._field(name)
        operator = self._next("word")
        if operator not in _COMPARE or operator not in field.operators:
            raise self._error()
        wanted, compare = field.literal(self._literal()), _COMPARE[operator]
        return lambda one: compare(field.get(one), wanted)

    def _function(self, function: str) -> Condition:
        self._must("(")
        field = self._field(self._next("word"))
        if function not in field.operators:
            raise self._error()
        self._must(",")
        wanted = field.literal(self._literal())
        self._must(")")
        if not isinstance(wanted, str):
            raise self._error()
        fits = _FUNCTIONS[function]

        def condition(one: object) -> bool:
            value = field.get(one)
            return isinstance(value, str) and fits(value, wanted)

        return condition

    def _any(self, collection: Lambda) -> Condition:
        self._must("(")
        variable = self._next("word")
        self._must(":")
        outer = self._fields, self._lambdas
        self._fields = {f"{variable}/{name}" if name else variable: field for name, field in collection.fields.items()}
        self._lambdas = {}
        condition = self.either()
        self._fields, self._lambdas = outer
        self._must(")")
        return lambda one: any(condition(member) for member in collection.members(one))

    def _field(self, name: str) -> Field:
        field = self._fields.get(name)
        if field is None:
            raise bad_query(f"Filtering by '{name}' is not supported.")
        return field

    def _literal(self) -> Any:  # noqa: ANN401 - any OData literal
        if self._place >= len(self._tokens):
            raise self._error()
        kind, text = self._tokens[self._place]
        self._place += 1
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if text in _LITERALS:
            return _LITERALS[text]
        raise self._error()

    def _next(self, kind: str) -> str:
        if self._place >= len(self._tokens) or self._tokens[self._place][0] != kind:
            raise self._error()
        self._place += 1
        return self._tokens[self._place - 1][1]

    def _peek(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else ""

    def _takes(self, text: str) -> bool:
        if self._peek() != text:
            return False
        self._place += 1
        return True

    def _must(self, mark: str) -> None:
        if not self._takes(mark):
            raise self._error()

    def _error(self) -> Exception:
        return bad_query(f"Invalid filter clause: '{self._text}'.")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise bad_query(f"Syntax error at position {place} in '{text}'.")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found
