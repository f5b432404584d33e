"""Our log lines go the way of Python's own logging, which the Functions host collects."""

from __future__ import annotations

import logging

import structlog


def set_up_logging() -> None:
    """Send what the product logs, from ``info`` on, to the host as lines of key=value."""
    logging.getLogger("holdfast").setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.LogfmtRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
