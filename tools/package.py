"""Makes what is deployed to Azure Functions: our code and its dependencies for Linux, without what is never loaded.

``python -m tools.package 3.12`` leaves the folder ``build/package`` and the same as ``build/holdfast.zip``. The zip is
deterministic: the same sources and pins give the same bytes. The worker adds ``.python_packages/lib/site-packages`` to
its path (https://learn.microsoft.com/azure/azure-functions/functions-reference-python#folder-structure).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.reach import reached

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
SITE = Path(".python_packages", "lib", "site-packages")

PLATFORM = "manylinux2014_x86_64"

OURS = ("function_app.py", "host.json", "functions", "graph_client", "holdfast")
LEFT_AT_HOME = ("holdfast/cli", "holdfast/serve")
"""Doors of the product that are not Azure's: the commands, and everything on one machine."""

NEVER_LOADED = {
    "typer": "draws the commands",
    "shellingham": "asked for by typer",
    "annotated-doc": "asked for by typer",
    "rich": "draws the commands",
    "pygments": "asked for by rich",
    "markdown-it-py": "asked for by rich",
    "mdurl": "asked for by rich",
    "starlette": "serves on one machine",
    "uvicorn": "likewise",
    "click": "asked for by uvicorn",
}
"""Distributions that only those doors load. structlog takes rich where it is there and does without elsewhere."""

LOCALES = ("root", "en", "sv")
"""Languages that people are addressed in; babel has a thousand and reads one when it is asked for it."""

_JUNK = ("__pycache__", "tests")
_JUNK_SUFFIXES = (".pyc", ".pyi", ".pyx", ".pxd", ".c", ".h")
_TOLD_TO_PIP_ALONE = ("RECORD", "INSTALLER", "REQUESTED")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def package(python: str, folder: Path) -> None:
    """Lay out in ``folder``, which must not exist, what is deployed for a Python such as ``3.12``; say what it weighs.

    Raises ``LookupError`` where a dependency is missing, and ``CalledProcessError`` where pip fails.
    """
    site = folder / SITE
    _install(python, site)
    _complete(python, site)
    before = _weight(folder)
    _prune(site)
    for name in OURS:
        _copy(ROOT / name, folder / name)
    after = _weight(folder)
    sys.stdout.write(f"dependencies as installed  {_told(*before)}\npackage, unpacked          {_told(*after)}\n")


def pack(folder: Path, file: Path) -> None:
    """Zip a folder, the same bytes for the same content."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(_files(folder), key=lambda path: path.relative_to(folder).as_posix()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    sys.stdout.write(f"{file.name:<26} {_told(1, file.stat().st_size)}\n")


def _environment(python: str) -> dict[str, str]:
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def _required(python: str) -> Iterator[Requirement]:
    """What requirements.txt asks for under that Python: pip itself would go by the Python that it runs on."""
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text:
            asked = Requirement(text)
            if asked.marker is None or asked.marker.evaluate(_environment(python)):
                asked.marker = None
                yield asked


def _install(python: str, site: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(f"{one}\n" for one in _required(python))
        file.flush()
        where = ["--platform", PLATFORM, "--python-version", python, "--implementation", "cp", "--only-binary=:all:"]
        quiet = ["--quiet", "--no-compile", "--disable-pip-version-check", "--no-warn-conflicts"]
        subprocess.run(  # noqa: S603 - pip of this Python, with words of our own
            [sys.executable, "-m", "pip", "install", *quiet, *where, "--target", str(site), "--requirement", file.name],
            check=True,
        )


def _complete(python: str, site: Path) -> None:
    """Raise ``LookupError`` unless all that the installed ones need under that Python is installed.

    pip goes by the Python that it runs on where a dependency is needed by some Pythons only.
    """
    installed = {canonicalize_name(one.metadata["Name"]): one for one in distributions(path=[str(site)])}
    asked = {
        canonicalize_name(requirement.name)
        for one in installed.values()
        for requirement in map(Requirement, one.requires or [])
        if requirement.marker is None or requirement.marker.evaluate(_environment(python))
    }
    missing = sorted(asked - set(installed))
    if missing:
        raise LookupError(
            f"Not installed, but needed by Python {python}: {', '.join(missing)}. Add to requirements.txt."
        )


def _prune(site: Path) -> None:
    for one in list(distributions(path=[str(site)])):
        if canonicalize_name(one.metadata["Name"]) in NEVER_LOADED:
            for file in one.files or []:
                Path(str(one.locate_file(file))).unlink(missing_ok=True)
    kept = reached(site, sorted((ROOT / "graph_client").glob("*.py")))
    for path in list(_files(site)):
        parts = path.relative_to(site).parts
        if (
            parts[0] == "bin"
            or set(_JUNK) & set(parts)
            or path.suffix in _JUNK_SUFFIXES
            or (parts[0].endswith(".dist-info") and parts[-1] in _TOLD_TO_PIP_ALONE)
            or (parts[:2] == ("msgraph", "generated") and path not in kept)
            or (parts[:2] == ("babel", "locale-data") and not _is_ours(path.stem))
        ):
            path.unlink()
    for folder in sorted(site.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _is_ours(locale: str) -> bool:
    return locale.partition("_")[0] in LOCALES


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copyfile(source, target)
        return
    left = {ROOT / name for name in LEFT_AT_HOME}
    for path in _files(source):
        if not (set(_JUNK) & set(path.parts) or path.suffix in _JUNK_SUFFIXES or left & set(path.parents)):
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _weight(folder: Path) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in _files(folder)]
    return len(sizes), sum(sizes)


def _told(files: int, size: int) -> str:
    return f"{size / 2**20:7.1f} MiB in {files:6,} file{'' if files == 1 else 's'}"


def main(python: str) -> None:
    """Make the folder and the zip anew."""
    folder = BUILD / "package"
    shutil.rmtree(folder, ignore_errors=True)
    package(python, folder)
    pack(folder, BUILD / "holdfast.zip")


if __name__ == "__main__":
    main(*sys.argv[1:])
