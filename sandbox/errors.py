"""What Graph refuses, with its status and code (§7 of the notes on Graph)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GraphError(Exception):
    """An answer that is not a success. ``extra`` stands beside code and message in the error object.

    Where there is a ``page`` of HTML, that is the answer, as a gateway's is.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        page: str | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.page = page


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    """400: the request itself is wrong."""
    return GraphError(400, code, message)


def bad_body(message: str) -> GraphError:
    """400: the JSON sent does not fit its type."""
    return GraphError(400, "RequestBodyRead", message)


def bad_query(message: str) -> GraphError:
    """400: an OData option that Graph cannot read or does not support there."""
    return GraphError(400, "RequestBroker--ParseUri", message)


def invalid(message: str = "At least one property failed validation.") -> GraphError:
    """400: values that are well formed and make no event."""
    return GraphError(400, "ErrorPropertyValidationFailure", message)


def item_not_found() -> GraphError:
    """404: no such event in this mailbox, or no more."""
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def id_malformed() -> GraphError:
    """400: an id that no event of this mailbox can have."""
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def resource_not_found(what: str) -> GraphError:
    """404: no such object in the directory."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{what}' does not exist or one of its queried reference-property objects are not present.",
    )


def access_denied() -> GraphError:
    """403 of Outlook: the application may not touch this mailbox."""
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def request_denied() -> GraphError:
    """403 of the directory: a permission is missing for the whole tenant."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def no_mailbox() -> GraphError:
    """404: the account is there, a mailbox in Exchange Online is not."""
    return GraphError(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )


def throttled(cause: str, message: str, retry_after: int, **headers: str) -> GraphError:
    """429, with how many seconds to wait."""
    return GraphError(429, cause, message, headers={"Retry-After": str(retry_after), **headers})


def forbidden(message: str) -> GraphError:
    """403 of Teams."""
    return GraphError(403, "Forbidden", message)


def not_found(message: str) -> GraphError:
    """404 of Teams: no such team, channel or message, or no more."""
    return GraphError(404, "NotFound", message)
