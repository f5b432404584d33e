"""What can go wrong between us and Microsoft Graph, named by what the caller can do about it.

    GraphError
    ├── Throttled     slow down: try this mailbox again later
    ├── Denied        a permission is missing: an admin must grant it
    ├── NoMailbox     the person has no Exchange Online mailbox (yet)
    ├── Gone          the thing is not there: look again, then decide
    ├── Conflict      somebody changed it since we read it: read again, decide anew
    ├── Duplicate     Graph has already seen this transactionId: look for the event, never create it twice
    ├── Crossing      a date of a series cannot be moved to or past its neighbour
    ├── Unreachable   no usable answer; what a write did is unknown
    ├── NotSignedIn   no token: the credential, the consent or the authority is wrong
    └── Unexpected    Graph refused what we sent, or answered what we do not understand

The fillers of the ports raise nothing else of their own; the mapping from status and code lives in
``graph_client/errors.py`` alone.
"""

from __future__ import annotations


class GraphError(Exception):
    """A call to Microsoft 365 that did not do what was asked.

    ``status`` is the HTTP status (0 when there was no answer), ``code`` Graph's error code as given, ``request_id``
    the ``client-request-id`` that Microsoft support asks for, and ``cure`` a sentence for the admin: what to grant, fix
    or wait for.
    """

    cure = "Run the command again; if it keeps happening, report the request id to Microsoft support."

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        cure: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        if cure is not None:
            self.cure = cure


class Throttled(GraphError):
    """Graph asked us to slow down and our patience for this run is over. ``retry_after`` is in seconds."""

    cure = "Nothing to fix: the mailbox is looked at again in the next run."

    def __init__(
        self, message: str, *, retry_after: float, status: int = 429, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, status=status, code=code, request_id=request_id)
        self.retry_after = retry_after


class Denied(GraphError):
    """A permission is missing, for the whole tenant or for this mailbox."""

    cure = "Run `holdfast check`: it names the permission to grant."


class NoMailbox(GraphError):
    """The account has no mailbox that Graph can reach: unlicensed, newly licensed, or on premises."""

    cure = (
        "Assign an Exchange Online licence. A new mailbox appears some 15 minutes later "
        "and is picked up by the next run."
    )


class Gone(GraphError):
    """The thing asked for is not there (404, 410)."""


class Conflict(GraphError):
    """Somebody changed the thing since it was read (409, 412)."""


class Duplicate(GraphError):
    """An event with this transactionId has been created before.

    ``existing_id`` is the event's id where Graph's answer tells it, which is seen in the wild but not documented.
    """

    def __init__(
        self, message: str, *, existing_id: str | None = None, status: int = 409, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, status=status, code=code, request_id=request_id)
        self.existing_id = existing_id


class Crossing(GraphError):
    """A date of a series was to be moved to or past the day of the one before or after it."""


class Unreachable(GraphError):
    """No usable answer: connection lost, time-out, 5xx to the end of our patience. A write may have happened or not."""

    cure = "Check the network and https://status.cloud.microsoft, then run the command again: nothing is done twice."


class NotSignedIn(GraphError):
    """No token could be had."""

    cure = "Check tenant_id, client_id and the credential; `holdfast check` tests the sign-in."


class Unexpected(GraphError):
    """Graph refused our request as malformed, or answered something that is not Graph's."""
