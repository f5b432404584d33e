"""Which modules of msgraph-sdk the product can reach: the others are left out of the package.

The SDK's generated code is one module per type and one per address of Graph, some 17,000 of them. They import each
other in three places: at their top, where it always happens; at their top under ``TYPE_CHECKING``, where it never
happens; and inside functions, where it happens when the function is called. So the question is which functions are
called, and it is answered on the safe side: an address is reached only by a property or method of the address before
it, and only one whose name stands in our own source can be called by it. Types that a function imports are followed
whatever it is called, for which ones are needed is up to Graph's answer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_GENERATED = "msgraph.generated"
_TYPES = f"{_GENERATED}.models"


class _Import(NamedTuple):
    """A module that is named by an import, and the function that the import stands in; "" at the top of a module."""

    module: str
    function: str


def reached(site: Path, sources: Iterable[Path]) -> frozenset[Path]:
    """The files of the SDK's generated code below ``site`` that the Python files ``sources`` can reach.

    Raises ``LookupError`` where a source imports a module that the SDK has not.
    """
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sources]
    called = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    waiting = [one.module for tree in trees for one in _imports(tree, package="") if _is_generated(one.module)]
    for module in waiting:
        if _file(site, module) is None:
            raise LookupError(f"The product imports {module}, and msgraph-sdk has no such module.")
    for by_hand in (site / "msgraph").glob("*.py"):
        waiting += [one.module for one in _imports(ast.parse(by_hand.read_text(encoding="utf-8")), package="msgraph")]
    found: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        path = _file(site, module) if _is_generated(module) and module not in found else None
        if path is None:
            continue
        found[module] = path
        above = module.rpartition(".")[0]
        waiting.append(above)
        package = module if path.name == "__init__.py" else above
        for one in _imports(ast.parse(path.read_text(encoding="utf-8")), package=package):
            if not one.function or one.function in called or one.module.startswith(f"{_TYPES}."):
                waiting.append(one.module)
    return frozenset(found.values())


def _is_generated(module: str) -> bool:
    return f"{module}.".startswith(f"{_GENERATED}.")


def _file(site: Path, module: str) -> Path | None:
    """The file of a module or package; None for a folder without a file of its own and for a name within a module."""
    path = site.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file if file.exists() else None


def _imports(tree: ast.Module, *, package: str) -> Iterator[_Import]:
    """The modules that a module of ``package`` imports, but for those that it imports for type checkers alone."""
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, function = waiting.pop()
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            yield _Import(".".join([*above, *filter(None, [node.module])]), function)
        elif isinstance(node, ast.Import):
            yield from (_Import(name.name, function) for name in node.names)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += [(child, function) for child in node.orelse]
        else:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                function = node.name
            waiting += [(child, function) for child in ast.iter_child_nodes(node)]
