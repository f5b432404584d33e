"""Declined meetings and mails: our plain JSON against what msgraph-sdk's typed models write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.event import Event
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.response_type import ResponseType
from msgraph.generated.models.sensitivity import Sensitivity
from msgraph.generated.models.time_slot import TimeSlot
from msgraph.generated.users.item.events.item.decline.decline_post_request_body import DeclinePostRequestBody
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody

from graph_client import translate
from graph_client.mail import GraphMail
from holdfast.core.model import Response, ShowAs, Stretch
from holdfast.core.overlap import ASKED_OF_OTHERS
from tests.graph_client.world import PretendGraph, road

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - its bounds


def written(model: Any) -> Any:
    """A model as the SDK sends it.

    The types that every typed model adds are not needed; the names of an action's parameters are taken in either case,
    which the reference writes small and the SDK large.
    """
    writer = JsonSerializationWriter()
    model.serialize(writer)
    plain = _plain(json.loads(writer.get_serialized_content()))
    return {name[0].lower() + name[1:]: value for name, value in plain.items()}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items() if name != "@odata.type"}
        case list():
            return [_plain(inner) for inner in value]
    return value


def moment(at: datetime) -> DateTimeTimeZone:
    return DateTimeTimeZone(date_time=f"{at:%Y-%m-%dT%H:%M:%S}", time_zone="UTC")


@given(st.none() | TEXT, st.none() | INSTANTS, st.integers(1, 600))
def test_what_goes_with_a_declined_meeting(comment: str | None, starts: datetime | None, minutes: int) -> None:
    typed = DeclinePostRequestBody(comment=comment, send_response=comment is not None)
    proposed = None
    if starts is not None:
        starts = starts.replace(second=0, microsecond=0)
        proposed = Stretch(starts, starts + timedelta(minutes=minutes))
        typed.proposed_new_time = TimeSlot(start=moment(proposed.starts), end=moment(proposed.ends))
    assert translate.answer(comment, proposed) == written(typed)


async def test_mails() -> None:
    subject, html = "Ett möte som krockar med lärtid", "<p>Hej &amp; hå</p>"
    async with road(PretendGraph(reply=lambda _: (202, {}, None))) as way:
        await GraphMail(way.dispatcher).send("larande@fjallvik.example", "cilla@fjallvik.example", subject, html)
    (item,) = way.graph.items
    message = Message(
        subject=subject,
        body=ItemBody(content_type=BodyType.Html, content=html),
        to_recipients=[Recipient(email_address=EmailAddress(address="cilla@fjallvik.example"))],
    )
    assert item["body"] == written(SendMailPostRequestBody(message=message, save_to_sent_items=True))


def test_all_that_is_asked_of_others_are_properties_of_events() -> None:
    assert set(ASKED_OF_OTHERS) <= set(Event().get_field_deserializers())


def test_what_is_read_of_meetings_has_the_sdks_names() -> None:
    assert {response.value for response in ResponseType} == set(Response)
    assert {status.value for status in FreeBusyStatus} == set(ShowAs)
    assert translate._NORMAL in {kind.value for kind in Sensitivity}
