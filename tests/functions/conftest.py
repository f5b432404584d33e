"""A storage account for the functions, for who asks for one, and logging as it was before each test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from functions.logs import _TALKATIVE
from tests.azurite import azurite

__all__ = ["azurite"]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What a function sets up is for its process; here others run in it, too."""
    loggers = [logging.getLogger(name) for name in ("holdfast", *_TALKATIVE)]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
