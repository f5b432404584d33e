"""Our log lines go the way of Python's own logging, which Azure's worker hands to the Functions host.

The worker hands over the level, the logger's name and the text, and no ``extra``; the host adds which invocation it was
(``docs/adr/0016-the-host-collects-the-log.md``). So a line is JSON, whose figures a query gets by ``parse_json``.
"""

from __future__ import annotations

import logging

import structlog
from structlog.types import EventDict, WrappedLogger

_TALKATIVE = ("azure.core", "azure.identity", "httpcore", "httpx", "msal", "urllib3")
"""Libraries that tell the address of each request, and in it mailboxes and row keys: of them warnings are enough."""


def set_up_logging() -> None:
    """Send what the product logs, from ``info`` on, to the host as lines of JSON."""
    logging.getLogger("holdfast").setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            _event_first,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _event_first(logger: WrappedLogger, name: str, line: EventDict) -> EventDict:  # noqa: ARG001 - the form of structlog
    return {"event": line.pop("event"), **line}
