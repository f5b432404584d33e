"""The data sheet as one page: readable on a phone, printable, whole in itself."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from holdfast.core.privacy import Sheet

_templates = Environment(
    loader=PackageLoader("holdfast.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def privacy_page(sheet: Sheet) -> str:
    """The page as HTML: no script, and nothing fetched from anywhere."""
    style = (files("holdfast.pages") / "templates" / "privacy.css").read_text(encoding="utf-8")
    return _templates.get_template("privacy.html").render(sheet=sheet, style=Markup(style))  # noqa: S704 - our own file
