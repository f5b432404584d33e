"""Microsoft's own client, as it is, against the sandbox in the same process."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.chat_message import ChatMessage
from msgraph.generated.models.chat_message_attachment import ChatMessageAttachment
from msgraph.generated.models.chat_message_importance import ChatMessageImportance
from msgraph.generated.models.chat_message_mention import ChatMessageMention
from msgraph.generated.models.chat_message_mentioned_identity_set import ChatMessageMentionedIdentitySet
from msgraph.generated.models.chat_message_type import ChatMessageType
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.teamwork_user_identity import TeamworkUserIdentity
from msgraph.generated.models.teamwork_user_identity_type import TeamworkUserIdentityType
from msgraph.generated.teams.item.channels.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from sandbox import Tenant
from sandbox.teams import mention_of
from tests.sandbox.graph import Graph, event, of, weekly
from tests.sandbox.teams import CARD, learning, speak_as


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


def made(graph: Graph) -> tuple[httpx.AsyncClient, GraphServiceClient]:
    """The SDK, with the token that the plain client has."""
    http = httpx.AsyncClient(transport=httpx.ASGITransport(graph.sandbox.app), base_url="https://localhost")
    client = GraphClientFactory.create_with_default_middleware(client=http, options=options)
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Access(graph.token)), client=client)
    adapter.base_url = "https://localhost/v1.0/"
    return client, GraphServiceClient(request_adapter=adapter)


async def test_the_sdk_reads_groups_errors_and_events(graph: Graph, tenant: Tenant) -> None:
    master = await graph.made(f"{of(tenant)}/events", weekly())
    client, sdk = made(graph)
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


async def test_the_sdk_posts_a_card_with_a_mention_and_lists_what_is_there(graph: Graph, tenant: Tenant) -> None:
    channel, anna = learning(tenant), tenant.employees[0]
    speak_as(graph, tenant.service_account)
    client, sdk = made(graph)
    tag, _ = mention_of(anna)
    user = TeamworkUserIdentity(
        id=anna.id, display_name=anna.display_name, user_identity_type=TeamworkUserIdentityType.AadUser
    )
    message = ChatMessage(
        subject="Veckans lärande",
        importance=ChatMessageImportance.High,
        body=ItemBody(content_type=BodyType.Html, content=f'<p>{tag}</p><attachment id="c1"></attachment>'),
        attachments=[
            ChatMessageAttachment(
                id="c1", content_type="application/vnd.microsoft.card.adaptive", content=json.dumps(CARD)
            )
        ],
        mentions=[
            ChatMessageMention(
                id=0, mention_text=anna.display_name, mentioned=ChatMessageMentionedIdentitySet(user=user)
            )
        ],
    )
    async with client:
        messages = sdk.teams.by_team_id(channel.team.id).channels.by_channel_id(channel.id).messages
        posted = await messages.post(message)
        assert posted is not None
        assert posted.id is not None
        reply = ChatMessage(body=ItemBody(content="Tack!"))
        answer = await messages.by_chat_message_id(posted.id).replies.post(reply)
        assert answer is not None
        query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(top=50, expand=["replies"])
        found = await messages.get(RequestConfiguration(query_parameters=query))
        assert found is not None
        (one,) = found.value or []
        assert (one.id, one.subject, one.message_type) == (posted.id, "Veckans lärande", ChatMessageType.Message)
        assert one.from_ is not None
        assert one.from_.user is not None
        assert one.from_.user.id == tenant.service_account.id
        assert [each.id for each in one.replies or []] == [answer.id]
        assert one.mentions is not None
        assert one.mentions[0].mention_text == anna.display_name
        channels = await sdk.teams.by_team_id(channel.team.id).channels.get()
        assert channels is not None
        assert [each.display_name for each in channels.value or []] == ["General", "Lärande"]
        graph.sandbox.observers.clear()
        speak_as(graph, anna, "ChannelMessage.Read.All")
        _, other = made(graph)
        with pytest.raises(ODataError) as refused:
            await other.teams.by_team_id(channel.team.id).channels.by_channel_id(channel.id).messages.post(message)
    assert refused.value.response_status_code == 403
    assert [one.content for one in channel.posts] == [message.body.content if message.body else ""]
