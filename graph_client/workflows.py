"""Workflows webhooks of Power Automate, each of which posts a card to one channel: the port ``Workflow``.

Whoever knows the address of a workflow can post with it, so it is a secret: it stands in the environment and in no log,
error or setting. An answer says that a run has begun, and nothing of what became of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from graph_client.channels import CARD
from graph_client.throttle import retry_after
from holdfast.core.errors import Denied, Gone, GraphError, Throttled, Unexpected, Unreachable
from holdfast.core.model import Clock
from holdfast.core.summary import Post

VARIABLE = "HOLDFAST_WORKFLOW_"
"""How the names of the environment variables begin that hold addresses."""

_RETIRED_HOSTS = ("webhook.office.com",)
_RETIRED_PATHS = ("outlook.office.com", "outlook.office365.com")
"""Where Office 365 connectors, which are retired, had their addresses: a host, and hosts with a path."""

_MAKE_ONE = (
    'In Teams, add the workflow "Send webhook alerts to a channel" to the channel and put the address that it shows '
    "into {variable}."
)

_SECRET: ContextVar[bool] = ContextVar("secret", default=False)
"""Whether what is being sent has a secret address."""


class _Discreet(logging.Filter):
    """Keeps secret addresses out of the log: httpx writes down every address that it sends something to."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - the signature of filters
        return not _SECRET.get()


_DISCREET = _Discreet()


def variable(channel: str) -> str:
    """The name of the environment variable that holds the address of a channel's workflow."""
    return VARIABLE + channel.upper().replace("-", "_")


class Workflows:
    """Fills the port ``Workflow``. ``http`` makes the client when it is first needed."""

    def __init__(self, variables: Mapping[str, str], http: Callable[[], httpx.AsyncClient], *, clock: Clock) -> None:
        self._variables = variables
        self._http = http
        self._clock = clock

    def problem(self, channel: str) -> GraphError | None:
        """What is wrong with the address of a channel's workflow, as far as can be told without calling it."""
        try:
            self._address(channel)
        except GraphError as error:
            return error
        return None

    async def post(self, channel: str, post: Post) -> None:
        """Hand a card to the workflow of a channel, by its id in the settings; a redirection is not followed.

        Raises ``Unreachable`` where it may have been posted, other errors where it was not.
        """
        address = self._address(channel)
        attachment = {"contentType": CARD, "contentUrl": None, "content": post.card}
        body = {"type": "message", "attachments": [attachment]}
        response = await self._sent(channel, address, body)
        status = response.status_code
        if response.is_success:
            return
        refused = f"The workflow of channel {channel} was called and answered {status}"
        about: dict[str, Any] = {"status": status}
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            raise Unreachable(f"{refused}: it may have posted all the same.", **about)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = retry_after(response.headers.get("retry-after"), self._clock.now())
            raise Throttled(f"{refused}: it has too much to do.", retry_after=wait or 0.0)
        name = variable(channel)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise Denied(f"{refused}.", cure=f"Copy the workflow's address into {name} again, whole.", **about)
        if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise Gone(f"{refused}: it is not there any more.", cure=_MAKE_ONE.format(variable=name), **about)
        if response.is_redirect:
            cure = f"Put the address that the workflow itself has into {name}."
            raise Unexpected(f"{refused}, which leads elsewhere; that was not followed.", cure=cure, **about)
        cure = "See in Power Automate whether the workflow is turned on, and whether its runs say what is wrong."
        raise Unexpected(f"{refused}.", cure=cure, **about)

    async def _sent(self, channel: str, address: str, body: Mapping[str, Any]) -> httpx.Response:
        logging.getLogger("httpx").addFilter(_DISCREET)
        token = _SECRET.set(True)
        # What httpx raises knows the address, so it goes no further.
        try:
            return await self._http().post(address, json=body, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Unexpected(
                f"The workflow of channel {channel} cannot be reached; nothing was posted.",
                cure=f"Check the network and the address in {variable(channel)}, then run the command again.",
            ) from None
        except httpx.RequestError:
            raise Unreachable(f"The workflow of channel {channel} gave no answer: it may have posted.") from None
        finally:
            _SECRET.reset(token)

    def _address(self, channel: str) -> str:
        """The address of a channel's workflow. Raises ``Unexpected`` for none, or one that must not be used."""
        name = variable(channel)
        make_one = _MAKE_ONE.format(variable=name)
        address = (self._variables.get(name) or "").strip()
        if not address:
            raise Unexpected(f"The channel {channel} has via: workflow, and {name} is not set.", cure=make_one)
        try:
            parts = urlsplit(address)
            host = (parts.hostname or "").lower()
        except ValueError:
            raise Unexpected(f"What {name} holds is no address.", cure=make_one) from None
        if _is_retired(host, parts.path):
            raise Unexpected(
                f"{name} holds the address of an Office 365 connector. Microsoft has retired these: what is sent there "
                "reaches nobody, or soon will not.",
                cure=make_one,
            )
        if parts.scheme != "https" or not host or "@" in parts.netloc:
            raise Unexpected(f"What {name} holds is no https address.", cure=make_one)
        return address


def _is_retired(host: str, path: str) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in _RETIRED_HOSTS) or (
        host in _RETIRED_PATHS and path.lower().startswith("/webhook")
    )
