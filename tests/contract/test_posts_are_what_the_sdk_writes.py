"""A post to a channel as we write it against msgraph-sdk's ``ChatMessage``, and what we read of messages."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.channel import Channel
from msgraph.generated.models.chat_message import ChatMessage
from msgraph.generated.models.chat_message_attachment import ChatMessageAttachment
from msgraph.generated.models.chat_message_from_identity_set import ChatMessageFromIdentitySet
from msgraph.generated.models.chat_message_type import ChatMessageType
from msgraph.generated.models.identity import Identity
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.team import Team

from graph_client.channels import _MESSAGE, CARD, message
from holdfast.core.summary import Post

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
CARDS = st.fixed_dictionaries({"type": st.just("AdaptiveCard"), "id": TEXT, "body": st.lists(TEXT)})


def written(model: Any) -> Any:
    writer = JsonSerializationWriter()
    model.serialize(writer)
    return json.loads(writer.get_serialized_content())


@given(st.builds(Post, TEXT, TEXT, CARDS, TEXT))
def test_a_post_is_what_the_sdk_writes_and_it_reads_all_of_it(post: Post) -> None:
    ours = message(post)
    attachment = ChatMessageAttachment(
        id=ours["attachments"][0]["id"], content_type=CARD, content=ours["attachments"][0]["content"]
    )
    typed = ChatMessage(
        subject=post.subject,
        body=ItemBody(content_type=BodyType.Html, content=ours["body"]["content"]),
        attachments=[attachment],
    )
    typed.odata_type = None
    assert ours == written(typed)
    assert json.loads(ours["attachments"][0]["content"]) == post.card
    node = JsonParseNodeFactory().get_root_parse_node("application/json", json.dumps(ours).encode())
    read = node.get_object_value(ChatMessage)
    assert isinstance(read, ChatMessage)
    assert read.body is not None
    assert read.attachments
    assert not read.additional_data
    assert not read.body.additional_data
    assert not read.attachments[0].additional_data


def test_what_is_read_of_messages_is_there() -> None:
    names = {"id", "webUrl", "createdDateTime", "deletedDateTime", "messageType", "from", "body", "attachments"}
    assert names <= set(ChatMessage().get_field_deserializers())
    assert "user" in ChatMessageFromIdentitySet().get_field_deserializers()
    assert {"id", "displayName"} <= set(Identity().get_field_deserializers())
    assert ChatMessageType.Message.value == _MESSAGE
    for model in (Team(), Channel()):
        assert {"id", "displayName"} <= set(model.get_field_deserializers())
