"""A person's front door: the command ``holdfast``."""

from __future__ import annotations

from holdfast.cli.app import main

__all__ = ["main"]
