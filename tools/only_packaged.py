"""A pytest plugin for `tools.package_test`: what the package has is loaded from the package and from nowhere else.

Packages without a file of their own, such as ``azure``, are put together from every folder on the path, so a module
that the package lacks could come from the virtual environment unnoticed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_PACKAGE = Path(os.environ["HOLDFAST_PACKAGE"]).resolve()
_OF_THE_PACKAGE = {
    path.stem
    for folder in (_PACKAGE, _PACKAGE / ".python_packages" / "lib" / "site-packages")
    for path in folder.iterdir()
    if path.suffix in {"", ".py"} and not path.name.startswith(".")
}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for modules from elsewhere."""
    strays = [
        name
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in _OF_THE_PACKAGE
        and (file := getattr(module, "__file__", None))
        and not Path(file).resolve().is_relative_to(_PACKAGE)
    ]
    if strays:
        sys.stderr.write(f"\nNot from the package: {', '.join(sorted(strays))}\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
