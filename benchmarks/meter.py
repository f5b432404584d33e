"""In a contestant's process: what a stretch of work costs that process, and it alone.

The one who runs the race reads the sandbox's counters before and after, so a contestant says when it is ready and waits
for the word to go.
"""

from __future__ import annotations

import cProfile
import gc
import io
import json
import pstats
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY = "ready"
SHOWN = 14
"""Packages and functions in a profile."""

_BUILT_IN = "~"


@contextmanager
def measured(*, profile: bool = False) -> Iterator[None]:
    """Measure the block, and tell of it: CPU of all threads in user and system mode, time, memory."""
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    gc.collect()
    before, profiler = memory("VmRSS"), cProfile.Profile()
    began, cpu = time.perf_counter(), time.process_time()
    if profile:
        profiler.enable()
    yield
    profiler.disable()
    cost = {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - began,
        "memory_before": before,
        "memory_peak": memory("VmHWM"),
        "profile": _by_own_time(profiler) if profile else "",
    }
    sys.stdout.write(f"{json.dumps(cost)}\n")


def memory(what: str) -> int:
    """Resident memory in bytes, now (``VmRSS``) or at its highest (``VmHWM``).

    From /proc where there is one: ``ru_maxrss`` of a process begins at what its parent had.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def _by_own_time(profiler: cProfile.Profile) -> str:
    """Where the time went, a line each: the packages, then the functions that took most by themselves."""
    told = pstats.Stats(profiler, stream=io.StringIO()).stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in told.values())
    packages: Counter[str] = Counter()
    for where, (_, _, own, _, callers) in told.items():
        if where[0] == _BUILT_IN and callers:  # what is built in counts for whoever called it
            for caller, (_, _, share, _) in callers.items():
                packages[_package(caller[0])] += share
        else:
            packages[_package(where[0])] += own
    functions = sorted(((own, calls, where) for where, (_, calls, own, _, _) in told.items()), reverse=True)
    return "\n".join(
        [f"{own / whole:6.1%}  {package}" for package, own in packages.most_common(SHOWN)]
        + [""]
        + [f"{own / whole:6.1%} {calls:8,} calls  {_name(*where)}" for own, calls, where in functions[:SHOWN]]
    )


def _package(file: str) -> str:
    """What a file belongs to: a library, or a room of the product."""
    if file.startswith("<frozen importlib"):
        return "import"
    parts = Path(file).parts
    for mark in ("site-packages", f"python{sys.version_info.major}.{sys.version_info.minor}"):
        if mark in parts:
            name = parts[parts.index(mark) + 1]
            return f"{name.removesuffix('.py')} (standard library)" if mark != "site-packages" else name
    return ".".join(parts[-3:-1]) if "holdfast" in parts[-3:-1] else ".".join(parts[-2:-1])


def _name(file: str, line: int, function: str) -> str:
    """Where a function is, without the machine's folders."""
    return function if file == _BUILT_IN else f"{'/'.join(Path(file).parts[-2:])}:{line} {function}"
