"""The typed road: few calls, by msgraph-sdk's builders. Importing it is cheap; its first answer costs a second.

The SDK brings its own retries (three, on 429, 503 and 504). What it raises becomes ours here.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from kiota_abstractions.api_error import APIError
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_http.middleware.options import RedirectHandlerOption
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.group_item_request_builder import GroupItemRequestBuilder
from msgraph.generated.models.group import Group as GroupModel
from msgraph.generated.models.group_collection_response import GroupCollectionResponse
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]

from graph_client.batch import IMMUTABLE_IDS, Counts
from graph_client.connection import Connection
from graph_client.errors import NO_ANSWER, Answer, claims_of, error_of
from graph_client.permissions import FIND_GROUPS, Need
from graph_client.throttle import backoff, request_id, retry_after
from graph_client.tokens import Tokens
from holdfast.core.errors import Gone, Unexpected
from holdfast.core.model import Clock, Group

Result = TypeVar("Result")

ATTEMPTS = 4
"""How often a look-up is tried where trouble passes; the SDK's own three retries come besides."""

_LEFT_TO_US = frozenset({NO_ANSWER, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY})
"""What the SDK does not try again by itself."""

_OF_GROUPS = ["id", "displayName", "mail"]


class TypedGraph:
    """Microsoft's client for one connection, with our tokens and trust. Whoever made ``http`` closes it."""

    def __init__(
        self,
        connection: Connection,
        http: httpx.AsyncClient,
        tokens: Tokens,
        *,
        clock: Clock,
        chance: random.Random,
        counts: Counts,
    ) -> None:
        self._connection = connection
        self._tokens = tokens
        self._clock = clock
        self._chance = chance
        self._counts = counts
        # Following a redirect could carry the token to another host; Graph has no reason to redirect.
        settled = {**options, RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False)}
        client = GraphClientFactory.create_with_default_middleware(client=http, options=settled)
        adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(_Access(connection, tokens)), client=client)
        adapter.base_url = connection.graph_url
        self._client = GraphServiceClient(request_adapter=adapter)

    async def group(self, group_id: str) -> Group | None:
        """The group with this id, or None (``api/group-get.md``)."""
        query = GroupItemRequestBuilder.GroupItemRequestBuilderGetQueryParameters(select=_OF_GROUPS)
        try:
            found = await self._asked(
                lambda headers: self._client.groups.by_group_id(group_id).get(
                    RequestConfiguration(query_parameters=query, headers=headers)
                ),
                FIND_GROUPS,
            )
        except Gone:
            return None
        return _group(found)

    async def groups_called(self, text: str) -> list[Group]:
        """The groups with this mail address or display name (``api/group-list.md``)."""
        quoted = text.replace("'", "''")
        query = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(
            filter=f"mail eq '{quoted}' or displayName eq '{quoted}'", select=_OF_GROUPS
        )
        page = await self._page(self._client.groups, query)
        groups: list[Group] = []
        while True:
            if page is None or page.value is None:
                raise Unexpected("Looking for a group failed: the answer is not a list.")
            groups += map(_group, page.value)
            link = page.odata_next_link
            if not link:
                return groups
            if self._connection.relative(link) is None:
                raise Unexpected("Graph's link to the next page leads away from Graph; it was not followed.")
            page = await self._page(self._client.groups.with_url(link), None)

    async def _page(
        self,
        groups: GroupsRequestBuilder,
        query: GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters | None,
    ) -> GroupCollectionResponse | None:
        return await self._asked(
            lambda headers: groups.get(RequestConfiguration(query_parameters=query, headers=headers)), FIND_GROUPS
        )

    async def _asked(self, ask: Callable[[HeadersCollection], Awaitable[Result]], need: Need) -> Result:
        """What ``ask`` answers, which may be asked again, for it only reads.

        It is, with a fresh token after a 401 and after a wait where trouble passes, as far as the SDK leaves that to
        its caller.
        """
        renewed = False
        for attempt in range(1, ATTEMPTS + 1):
            token = await self._tokens.token()
            answer = Answer(NO_ANSWER, request_id=request_id(self._chance))
            headers = HeadersCollection()
            headers.add("client-request-id", answer.request_id)
            headers.add("Prefer", IMMUTABLE_IDS)
            self._counts.requests += 1
            self._counts.calls += 1
            try:
                return await ask(headers)
            except APIError as error:
                answer.status, answer.body = error.response_status_code or NO_ANSWER, _body(error)
                answer.headers = {key: str(value) for key, value in (error.response_headers or {}).items()}
                answer.wait = retry_after(answer.header("retry-after"), self._clock.now())
                failure: Exception = error
            except (httpx.RequestError, ValueError) as error:  # ValueError: an answer that ends in the middle
                failure = error
            if answer.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
                await self._tokens.renew(token, claims_of(answer))
            elif answer.status in _LEFT_TO_US and attempt < ATTEMPTS:
                await self._clock.sleep(backoff(attempt, self._chance))
            else:
                break
        raise error_of(answer, need) from failure


class _Access(AccessTokenProvider):
    """Our tokens for the SDK, for Graph's own host alone: an empty list of hosts would mean every host."""

    def __init__(self, connection: Connection, tokens: Tokens) -> None:
        self._tokens = tokens
        self._hosts = AllowedHostsValidator([urlsplit(connection.graph_url).hostname or ""])

    async def get_authorization_token(
        self,
        uri: str,
        additional_authentication_context: dict[str, Any] | None = None,  # noqa: ARG002 - the SDK's signature
    ) -> str:
        if urlsplit(uri).scheme != "https" or not self._hosts.is_url_host_valid(uri):
            raise Unexpected("The token was about to leave for another host than Graph's; it was not sent.")
        return await self._tokens.token()

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return self._hosts


def _body(error: APIError) -> dict[str, Any]:
    if isinstance(error, ODataError) and error.error is not None:
        return {"error": {"code": error.error.code, "message": error.error.message}}
    return {}


def _group(found: GroupModel | None) -> Group:
    if found is None or found.id is None:
        raise Unexpected("Looking for a group failed: the answer is not a group.")
    return Group(found.id, found.display_name or found.id, found.mail)
