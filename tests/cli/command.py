"""Typing commands: in this process, in a folder of its own, in an environment that holds what a test says."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from typer.testing import CliRunner, Result

from holdfast.cli.app import app


@dataclass
class Desk:
    """Somebody's working folder and environment. ``run`` types a command there."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str, answer: str | None = None) -> Result:
        """The command's output, its error output and its exit status; a traceback is raised."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with mock.patch.dict(os.environ, {**clean, **self.variables}, clear=True):
                result = CliRunner().invoke(app, words, input=answer)
        finally:
            os.chdir(before)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def write(self, text: str, name: str = "settings.yaml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def read(self, name: str = "settings.yaml") -> str:
        return (self.folder / name).read_text(encoding="utf-8")
