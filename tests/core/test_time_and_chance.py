"""The clock and chance are passed in from ``wiring.py``; any other place that reaches for them is found here.

What a module may do is take them as arguments: annotations such as ``random.Random`` and ``datetime.fromisoformat`` are
fine, ``datetime.now`` is not, whether it is called or handed on, and under whatever name it was imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSES = ("holdfast", "graph_client", "functions")
WIRING = "holdfast/wiring.py"

FORBIDDEN = {
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    "datetime.date.today",
    *(f"time.{name}" for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time", "sleep")),
    *(f"time.{name}_ns" for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time")),
    *(f"time.{name}" for name in ("localtime", "gmtime", "ctime", "strftime", "clock_gettime", "clock_gettime_ns")),
    "asyncio.sleep",
    "asyncio.timeout_at",
    "uuid.uuid1",
    "uuid.uuid4",
    "os.urandom",
    "os.getrandom",
    "numpy.random",
}
WHOLE_MODULES = {"random", "secrets"}
"""Of these everything is forbidden but to name a type that somebody passes in."""

TYPES = {"random.Random"}
LOOP = {"get_event_loop", "get_running_loop", "new_event_loop"}


class _Names(ast.NodeVisitor):
    """What the module's own names stand for, by its imports, wherever they are."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.starred: list[tuple[int, str]] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name if alias.asname else alias.name.split(".")[0]
            self.known[alias.asname or top] = top

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.starred.append((node.lineno, node.module or ""))
            self.known[alias.asname or alias.name] = f"{node.module}.{alias.name}"


def uses(source: str) -> list[tuple[int, str]]:
    """Every use of time and chance in a module: line and what it is."""
    tree = ast.parse(source)
    names = _Names()
    names.visit(tree)
    found = [(line, f"from {module} import *") for line, module in names.starred if _touches(module)]
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        found += [
            (node.lineno, meant) for meant in _meanings(node, names.known) if _wrong(meant, called=id(node) in called)
        ]
    return sorted(set(found))


def _meanings(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    match node:
        case ast.Attribute() | ast.Name():
            meant = _full_name(node, known)
            if meant:
                yield meant
            if isinstance(node, ast.Attribute) and node.attr == "time" and _is_loop(node.value, known):
                yield "loop.time"
        case ast.Call(func=ast.Name(id="getattr"), args=[of, ast.Constant(value=str(name)), *_]):
            whole = _full_name(of, known)
            if whole:
                yield f"{whole}.{name}"
        case ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value=str(name)), *_]) if _touches(name):
            yield f"{name}.__import__"
        case ast.ImportFrom(module=str(module), names=aliases):
            yield from (f"{module}.{alias.name}" for alias in aliases)


def _full_name(node: ast.AST, known: dict[str, str]) -> str | None:
    """The dotted name of an expression, by what its first part was imported as."""
    match node:
        case ast.Name(id=name):
            return known.get(name)
        case ast.Attribute(value=value, attr=attr):
            before = _full_name(value, known)
            return f"{before}.{attr}" if before else None
    return None


def _is_loop(node: ast.AST, known: dict[str, str]) -> bool:
    match node:
        case ast.Call(func=func):
            meant = _full_name(func, known) or ""
            return meant.rpartition(".")[2] in LOOP and meant.startswith("asyncio")
        case ast.Name(id=name):
            return name in {"loop", "_loop"}
        case ast.Attribute(attr=name):
            return name in {"loop", "_loop"}
    return False


def _touches(module: str) -> bool:
    return module in WHOLE_MODULES | {name.rpartition(".")[0] for name in FORBIDDEN}


def _wrong(meant: str, *, called: bool) -> bool:
    if meant in TYPES:
        return called
    return meant in FORBIDDEN or meant == "loop.time" or meant.endswith(".__import__") or _part_of_a_whole(meant)


def _part_of_a_whole(meant: str) -> bool:
    module, dot, _ = meant.partition(".")
    return bool(dot) and module in WHOLE_MODULES and not any(meant.startswith(f"{kind}.") for kind in TYPES)


def modules() -> list[Path]:
    found = [path for house in HOUSES for path in sorted((ROOT / house).rglob("*.py"))]
    front_door = ROOT / "function_app.py"
    return [*found, front_door] if front_door.exists() else found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [path for path in modules() if name(path) != WIRING], ids=name)
def test_no_module_but_the_wiring_reaches_for_the_clock_or_for_chance(path: Path) -> None:
    assert uses(path.read_text(encoding="utf-8")) == []


def test_the_wiring_does() -> None:
    """So the scanner sees them where they are."""
    found = {meant for _, meant in uses((ROOT / WIRING).read_text(encoding="utf-8"))}
    assert {"datetime.datetime.now", "time.monotonic", "asyncio.sleep", "random.Random"} <= found


def test_every_house_is_looked_through() -> None:
    looked = {name(path).partition("/")[0] for path in modules()}
    assert set(HOUSES) <= looked
    assert len(modules()) > 40


@pytest.mark.parametrize(
    ("planted", "meant"),
    [
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now"),
        ("import datetime as dt\ndt.datetime.utcnow()", "datetime.datetime.utcnow"),
        ("from datetime import datetime\ndatetime.today()", "datetime.datetime.today"),
        ("from datetime import datetime as D, UTC\nclock = D.now", "datetime.datetime.now"),
        ("from datetime import date\ndate.today()", "datetime.date.today"),
        ("def f():\n    from datetime import datetime\n    return datetime.now(tz=None)", "datetime.datetime.now"),
        ("import time\ntime.time()", "time.time"),
        ("import time as t\nt.monotonic()", "time.monotonic"),
        ("from time import perf_counter as tick\ntick()", "time.perf_counter"),
        ("import time\ntime.sleep(1)", "time.sleep"),
        ("import time\ntime.time_ns()", "time.time_ns"),
        ("import asyncio\nasync def f():\n    await asyncio.sleep(0)", "asyncio.sleep"),
        ("from asyncio import sleep as nap\nwait = nap", "asyncio.sleep"),
        ("import asyncio\nasyncio.get_running_loop().time()", "loop.time"),
        ("from asyncio import get_event_loop as loop_\nloop_().time()", "loop.time"),
        ("def f(loop):\n    return loop.time()", "loop.time"),
        ("class C:\n    def f(self):\n        return self._loop.time()", "loop.time"),
        ("import random\nrandom.random()", "random.random"),
        ("import random as chance\nchance.choice([1])", "random.choice"),
        ("from random import shuffle\nshuffle([])", "random.shuffle"),
        ("from random import uniform as u", "random.uniform"),
        ("import random\nrandom.Random(1)", "random.Random"),
        ("from random import Random as R\nR()", "random.Random"),
        ("import random\nrandom.SystemRandom()", "random.SystemRandom"),
        ("import random\nfield(default_factory=random.SystemRandom)", "random.SystemRandom"),
        ("import secrets\nsecrets.token_hex()", "secrets.token_hex"),
        ("from secrets import compare_digest", "secrets.compare_digest"),
        ("import uuid\nuuid.uuid4()", "uuid.uuid4"),
        ("from uuid import uuid4 as new\nnew()", "uuid.uuid4"),
        ("import uuid\nuuid.uuid1()", "uuid.uuid1"),
        ("import os\nos.urandom(8)", "os.urandom"),
        ("import datetime\ngetattr(datetime.datetime, 'now')()", "datetime.datetime.now"),
        ("from random import *", "from random import *"),
        ("__import__('time').sleep(1)", "time.__import__"),
    ],
)
def test_the_scanner_finds_what_is_planted(planted: str, meant: str) -> None:
    assert meant in {found for _, found in uses(planted)}


@pytest.mark.parametrize(
    "innocent",
    [
        "from datetime import datetime, UTC\ndatetime.fromisoformat('2026-12-03').astimezone(UTC)",
        "from datetime import time\ntime(9)",
        "import random\ndef f(chance: random.Random) -> float:\n    return chance.random()",
        "import random as chance\ndef f(random: chance.Random) -> None: ...",
        "from random import Random\ndef f(chance: Random) -> float:\n    return chance.uniform(0, 1)",
        "class Clock:\n    def now(self): ...\ndef f(clock: Clock):\n    return clock.now(), clock.monotonic()",
        "async def f(clock):\n    await clock.sleep(1)",
        "import asyncio\nasyncio.create_task",
        "import uuid\nuuid.UUID(int=0), uuid.uuid5",
        "from email.utils import parsedate_to_datetime\nslot.at.time()",
        "now = 1\nnow.now()",
    ],
)
def test_the_scanner_leaves_the_innocent_alone(innocent: str) -> None:
    assert uses(innocent) == []


def test_the_scanner_tells_the_line() -> None:
    assert uses("import time\n\n\ntime.sleep(1)") == [(4, "time.sleep")]
