"""Tries what is deployed: the package alone, and the tests of the functions and of what speaks to Graph on top of it.

``python -m tools.package_test`` makes the package for the Python at hand, unpacks the zip into a folder of its own and
works there, so that neither the working copy nor the packages of the virtual environment stand in for what the package
lacks. Exit status 0 means that all of it held.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.package import LEFT_AT_HOME, ROOT, SITE, pack, package

_ALONE = """
import sys
sys.path[:0] = sys.argv[1:]
import warnings
warnings.simplefilter("ignore")
import function_app
import graph_client.typed
functions = function_app.app.get_functions()
strays = [n for n, m in sys.modules.items() if "site-packages" in (getattr(m, "__file__", "") or "")
          and not m.__file__.startswith(sys.argv[1])]
assert not strays, strays
print(f"the package alone: {len(functions)} functions, {len(sys.modules):,} modules loaded")
"""

_BESIDE = (
    "tests",
    "sandbox",
    *LEFT_AT_HOME,
    "graph_client/py.typed",
    "pyproject.toml",
    "requirements.txt",
    "local.settings.example.json",
)
"""What the tests need and nobody deploys."""

_TESTS = (
    "tests/functions",
    "tests/graph_client",
    "tests/core/test_familiar_zones.py",
    "tests/core/test_holidays.py",
    "tests/core/test_zones_and_words.py",
    "tests/core/test_catalog.py",
)
"""The doors, everything that reaches Graph, and what goes by data that is pruned or shipped: words, zones, holidays."""


def main() -> int:
    """Make, unpack, try; the exit status of what fails first."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with tempfile.TemporaryDirectory(prefix="holdfast-package-") as name:
        made, unpacked = Path(name, "made"), Path(name, "unpacked")
        package(python, made)
        pack(made, Path(name, "holdfast.zip"))
        with zipfile.ZipFile(Path(name, "holdfast.zip")) as archive:
            archive.extractall(unpacked)
        site = str(unpacked / SITE)
        # -S: without the virtual environment's packages; -E: whatever the environment says of paths
        alone = [sys.executable, "-E", "-S", "-c", _ALONE, str(unpacked), site]
        status = subprocess.run(alone, cwd=unpacked, check=False).returncode  # noqa: S603 - words of our own
        if status:
            return status
        for beside in _BESIDE:
            _lay(ROOT / beside, unpacked / beside)
        tests = [sys.executable, "-m", "pytest", "-q", "-p", "tools_only_packaged", *_TESTS]
        shutil.copyfile(Path(__file__).with_name("only_packaged.py"), unpacked / "tools_only_packaged.py")
        paths = {"PYTHONPATH": os.pathsep.join([str(unpacked), site]), "HOLDFAST_PACKAGE": str(unpacked)}
        return subprocess.run(tests, cwd=unpacked, env={**os.environ, **paths}, check=False).returncode  # noqa: S603


def _lay(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        for installed in source.glob("*/node_modules"):  # Azurite, where it is installed
            (target / installed.relative_to(source)).symlink_to(installed)
    elif source.exists():
        shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(main())
