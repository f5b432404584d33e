"""``init`` and ``schema``: to begin with, and for editors."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.console import Exit, out, stop
from holdfast.core.settings import Language, json_schema

SCHEMA_FILE = Path("settings.schema.json")


def init(
    language: Annotated[
        Language, typer.Option(metavar="LANGUAGE", help="The language of the example: sv or en.")
    ] = Language.EN,
    path: Annotated[Path, typer.Argument(metavar="[FILE]", help="The file to write.")] = Path("settings.yaml"),
) -> None:
    """Write a settings file to begin with, and the schema that lets an editor complete and check it.

    Example: `holdfast init --language sv`
    """
    schema_path = path.with_name(SCHEMA_FILE.name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example(language))
        schema_path.write_text(_schema_text(), encoding="utf-8")
    except FileExistsError:
        stop(f"{path} is there already; nothing was written. Name another file, or move that one away.", Exit.USAGE)
    except OSError as error:
        stop(f"{error.filename} cannot be written: {error.strerror}.", Exit.USAGE)
    out.print(
        f"Wrote {path} and {schema_path}. Edit {path}: the tenant's ids, your group, your block. "
        "Then `holdfast check`.",
        markup=False,
    )


def schema() -> None:
    """Print the JSON Schema of the settings file.

    Example: `holdfast schema > settings.schema.json`
    """
    typer.echo(_schema_text(), nl=False)


def example(language: Language) -> str:
    """The commented settings file that ``init`` writes."""
    return (files("holdfast.cli") / "examples" / f"settings.{language.value}.yaml").read_text(encoding="utf-8")


def _schema_text() -> str:
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
