"""What is wrong with a settings file: each problem with its place, and a hint at what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST_QUOTE = 60
"""How many characters of a value are shown: enough to find it, and never a whole pasted page."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. ``line`` and ``column`` count from 1; ``path`` is the key's, empty for the whole file."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return "  ".join(part for part in (f"{self.file}:{self.line}:{self.column}", self.path, self.message) if part)


class SettingsError(Exception):
    """The settings cannot be used. ``problems`` holds every one found, in the order of the file; never none."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        summary = f"{count} problem{'s' if count > 1 else ''} in {self.problems[0].file}; nothing was done."
        return "\n".join([*map(str, self.problems), summary])


def quoted(value: object) -> str:
    """A value of the file as a message shows it: on one line, shortened, with nothing a terminal would obey."""
    match value:
        case str():
            short = value if len(value) <= LONGEST_QUOTE else f"{value[: LONGEST_QUOTE - 1]}…"
            return f'"{printable(short)}"'
        case list():
            return "a list"
        case dict():
            return "a set of keys"
        case _:
            return str(value).lower()


def printable(text: str) -> str:
    """The text with every character that does not print written as its escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def meant(word: str, known: Iterable[str] | Mapping[str, str]) -> str:
    """``Did you mean …? `` for the nearest known name, whatever its case, or nothing.

    A mapping gives for each name the one to suggest.
    """
    suggested = known if isinstance(known, Mapping) else {name: name for name in known}
    by_lower_case = {name.casefold(): suggestion for name, suggestion in suggested.items()}
    near = get_close_matches(word.casefold(), by_lower_case, n=1)
    return f"Did you mean {printable(by_lower_case[near[0]])}? " if near else ""
