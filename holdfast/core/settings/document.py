"""Settings text as a tree in which every key and value knows its line and column.

Only the plain part of YAML 1.2 is read: mappings, lists and scalars. Aliases, merges, tags and second documents are
refused by name, so nothing in a file can refer to itself or grow, and the same text always means the same.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from holdfast.core.settings.problems import Problem, SettingsError, printable, quoted

LARGEST = 256 * 1024
"""In characters. Settings for the largest organisation are a tenth of it."""

DEEPEST = 20
"""Levels of nesting; settings use five."""

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_FRACTION = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]{1,2})?")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LINE_END = re.compile("\r\n|[\n\r]")
_QUOTES = ('"', "'")
_OPEN_QUOTE = "The quote that begins here never ends. Close it on the same line."
_CURES = (
    (r"'\\t' that cannot start", "A tab stands here, and YAML knows only spaces. Replace each tab with two spaces."),
    (
        "mapping values are not allowed",
        "A colon cannot stand here. Is the line indented as its neighbours? Put text that holds a colon in quotes.",
    ),
    ("could not find expected ':'", "A key without its colon. Write key: value."),
    ("while scanning a quoted scalar", _OPEN_QUOTE),
    (r"expected ',' or", "The bracket that begins here never ends, or a comma is missing between its parts."),
    (
        "expected <block end>",
        "The indentation does not fit the lines above. Begin keys that belong together in the same column.",
    ),
    ("that cannot start any token", "A text cannot begin with this character. Put the text in quotes."),
)


class Place(NamedTuple):
    """Where something stands in the file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file: ``place`` is its own, ``key_place`` that of its key (its own where it has none)."""

    place: Place
    key_place: Place
    value: str | int | float | bool | dict[str, Node] | list[Node] | None

    def plain(self) -> object:
        """The value without places."""
        match self.value:
            case dict() as entries:
                return {key: node.plain() for key, node in entries.items()}
            case list() as items:
                return [node.plain() for node in items]
            case _:
                return self.value


def read(content: str | bytes, name: str) -> tuple[Node, list[Problem]]:
    """The tree of a settings file called ``name``, and what was refused while the rest could still be read.

    Raises ``SettingsError`` where the text cannot be read as one YAML document.
    """
    text = content if isinstance(content, str) else _decode(content, name)
    if len(text) > LARGEST:
        raise SettingsError(
            [Problem(name, 1, 1, "", f"The file is larger than {LARGEST // 1024} KiB, which no settings file is.")]
        )
    reader = _Reader(name, text)
    return reader.root(), reader.problems


def _decode(content: bytes, name: str) -> str:
    cure = "Save it as UTF-8: in the editor, Save as, Encoding UTF-8."
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SettingsError([Problem(name, 1, 1, "", f"The file is saved as UTF-16. {cure}")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of(content[: error.start].decode("utf-8", errors="replace"))
        problem = f"The file is not UTF-8: the byte 0x{content[error.start]:02x} stands here. {cure}"
        raise SettingsError([Problem(name, *place, "", problem)]) from None


def _place_of(before: str) -> Place:
    lines = _LINE_END.split(before)
    return Place(len(lines), len(lines[-1]) + 1)


def _place(mark: StreamMark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._text = text
        self._events = self._parse()

    def root(self) -> Node:
        """The document's one value. The events before it open the stream and the document."""
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                root = self._node(next(self._events), None, 0)
                break
        else:
            raise self._refusal(Place(1, 1), "The file is empty. `holdfast init` writes one to begin with.")
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                raise self._refusal(
                    _place(event.start_mark), "A second document begins here. Keep all settings in one: remove ---."
                )
        return root

    def _parse(self) -> Iterator[Event]:
        place, over_lines = Place(1, 1), None
        try:
            for event in YAML(typ="safe", pure=True).parse(self._text):
                place = _place(event.end_mark)
                if isinstance(event, ScalarEvent) and event.style in _QUOTES and event.start_mark.line < place.line - 1:
                    over_lines = event
                yield event
        except ReaderError as error:
            raise self._refusal(
                _place_of(self._text[: error.position]),
                f"The character {_code(error.character)} cannot stand in a settings file. Remove it.",
            ) from None
        except MarkedYAMLError as error:
            if over_lines and error.problem_mark and error.problem_mark.line == over_lines.end_mark.line:
                # A quote forgotten far above took the next one for its end, and what that one held is the error.
                raise self._refusal(_place(over_lines.start_mark), _OPEN_QUOTE) from None
            said = f"{error.context or ''}; {error.problem or ''}"
            cure = next(
                (cure for pattern, cure in _CURES if re.search(pattern, said)),
                f"Not valid YAML: {printable(said).strip('; ')}.",
            )
            begins = error.context_mark if "begins here" in cure else None
            mark = begins or error.problem_mark
            raise self._refusal(_place(mark) if mark else place, cure) from None
        except (OverflowError, ValueError):
            # ruamel.yaml hands the number of a \U escape to chr() unchecked.
            raise self._refusal(
                place, "The value after this place has a \\U escape that is no character. Write the character."
            ) from None

    def _node(self, event: Event, key_place: Place | None, depth: int) -> Node:
        place = _place(event.start_mark)
        if depth > DEEPEST:
            raise self._refusal(place, f"More than {DEEPEST} levels of nesting. Settings need five.")
        if isinstance(event, AliasEvent):
            self._refuse(place, f"*{event.anchor} is a YAML alias, which settings do not use. Write the value out.")
            return Node(place, place, None)
        if isinstance(event, (ScalarEvent, CollectionStartEvent)) and event.tag is not None:
            self._refuse(
                place,
                "A YAML tag stands here, which settings do not use. Write the value alone; text may stand in quotes.",
            )
        value: str | int | float | bool | dict[str, Node] | list[Node] | None
        match event:
            case MappingStartEvent():
                value = self._entries(depth + 1)
            case SequenceStartEvent():
                value = self._items(depth + 1)
            case ScalarEvent():
                value = _scalar(event)
        return Node(place, key_place or place, value)

    def _entries(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            place = _place(event.start_mark)
            key = self._key(event, depth)
            node = self._node(next(self._events), place, depth)
            if key in entries:
                first = entries[key].key_place.line
                self._refuse(
                    place, f"The key {quoted(key)} stands here a second time; the first is on line {first}. Keep one."
                )
            elif key is not None:
                entries[key] = node
        return entries

    def _key(self, event: Event, depth: int) -> str | None:
        place = _place(event.start_mark)
        if isinstance(event, ScalarEvent):
            if event.value == "<<" and event.style is None:
                self._refuse(place, "<< is a YAML merge, which settings do not use. Write the keys out.")
                return None
            if event.value:
                return str(event.value)
        else:
            self._node(event, None, depth)
        self._refuse(place, "A key must be a word, followed by a colon.")
        return None

    def _items(self, depth: int) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, None, depth))
        return items

    def _refuse(self, place: Place, message: str) -> None:
        self.problems.append(Problem(self._name, *place, "", message))

    def _refusal(self, place: Place, message: str) -> SettingsError:
        return SettingsError([*self.problems, Problem(self._name, *place, "", message)])


def _code(character: str | int) -> str:
    return f"U+{character if isinstance(character, int) else ord(character):04X}"


def _scalar(event: ScalarEvent) -> str | int | float | bool | None:
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text
