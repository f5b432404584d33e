"""Microsoft's own client, as it is, against the sandbox in the same process."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from sandbox import Tenant
from tests.sandbox.graph import Graph, event, of, weekly


class Access(AccessTokenProvider):
    def __init__(self, token: str) -> None:
        self._token = token

    async def get_authorization_token(
        self, uri: str, additional_authentication_context: dict[str, Any] | None = None
    ) -> str:
        del uri, additional_authentication_context
        return self._token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return AllowedHostsValidator(["localhost"])


async def test_the_sdk_reads_groups_errors_and_events(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly())
    http = httpx.AsyncClient(transport=httpx.ASGITransport(graph.sandbox.app), base_url="https://localhost")
    client = GraphClientFactory.create_with_default_middleware(client=http, options=options)
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Access(graph.token)), client=client)
    adapter.base_url = "https://localhost/v1.0/"
    sdk = GraphServiceClient(request_adapter=adapter)
    async with client:
        group = await sdk.groups.by_group_id(tenant.everyone.id).get()
        assert group is not None
        assert group.display_name == "Alla medarbetare"
        found = await sdk.users.by_user_id(tenant.employees[0].id).events.by_event_id(master["id"]).get()
        assert found is not None
        assert found.subject == "Lärtid"
        assert found.recurrence is not None
        assert found.recurrence.range is not None
        assert str(found.recurrence.range.end_date) == "2027-06-30"
        assert not found.additional_data.keys() - {"@odata.context", "@odata.etag"}
        with pytest.raises(ODataError) as refused:
            await sdk.users.by_user_id(tenant.employees[1].id).events.by_event_id(master["id"]).get()
    assert refused.value.error is not None
    assert refused.value.error.code == "ErrorInvalidIdMalformed"
    assert (await graph.get(of(tenant) + event(master["id"]))).status == 200
