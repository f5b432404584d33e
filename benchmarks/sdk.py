"""A msgraph-sdk loop, as its documentation leads one to write it: for each mailbox ask, and create what is missing.

With ``instances`` it asks each series, whose id it is given, for its coming dates.

Typed all through; a few mailboxes at a time. The client is made, and its first answer parsed, before the clock starts:
that answer alone costs a second. A token at hand is cheaper than azure-identity would be.
``python -m benchmarks.sdk [instances]``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.day_of_week import DayOfWeek
from msgraph.generated.models.event import Event
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.patterned_recurrence import PatternedRecurrence
from msgraph.generated.models.recurrence_pattern import RecurrencePattern
from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
from msgraph.generated.models.recurrence_range import RecurrenceRange
from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
from msgraph.generated.users.item.events.events_request_builder import EventsRequestBuilder
from msgraph.generated.users.item.events.item.instances.instances_request_builder import InstancesRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from benchmarks.given import (
    AT,
    BODY,
    CATEGORY,
    EXPAND,
    FILTER,
    MINUTES,
    PROPERTY,
    REMINDER,
    SELECT,
    SELECT_DATES,
    SUBJECT,
    TOP,
    WINDOWS_ZONE,
    Given,
    coming,
    first_and_last,
    tag,
)
from benchmarks.meter import measured

AT_ONCE = 4


class Token(AccessTokenProvider):
    """A token that is at hand."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_authorization_token(
        self,
        uri: str,  # noqa: ARG002 - the SDK's signature
        additional_authentication_context: dict[str, Any] | None = None,  # noqa: ARG002 - likewise
    ) -> str:
        """The token."""
        return self._token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        """The sandbox's host alone."""
        return AllowedHostsValidator(["localhost"])


def series() -> Event:
    """The series to create."""
    first, last = first_and_last()
    starts = datetime.combine(first, AT)
    return Event(
        subject=SUBJECT,
        body=ItemBody(content_type=BodyType.Html, content=BODY),
        categories=[CATEGORY],
        reminder_minutes_before_start=REMINDER,
        single_value_extended_properties=[SingleValueLegacyExtendedProperty(id=PROPERTY, value=tag())],
        start=DateTimeTimeZone(date_time=starts.isoformat(), time_zone=WINDOWS_ZONE),
        end=DateTimeTimeZone(date_time=(starts + timedelta(minutes=MINUTES)).isoformat(), time_zone=WINDOWS_ZONE),
        recurrence=PatternedRecurrence(
            pattern=RecurrencePattern(
                type=RecurrencePatternType.Weekly,
                interval=1,
                days_of_week=[DayOfWeek.Thursday],
                first_day_of_week=DayOfWeek.Monday,
            ),
            range=RecurrenceRange(
                type=RecurrenceRangeType.EndDate, start_date=first, end_date=last, recurrence_time_zone=WINDOWS_ZONE
            ),
        ),
        show_as=FreeBusyStatus.Busy,
        is_reminder_on=True,
        response_requested=False,
        allow_new_time_proposals=False,
        transaction_id="holdfast:lartimmen:0",
    )


@asynccontextmanager
async def signed_in(given: Given) -> AsyncIterator[GraphServiceClient]:
    """The client, after its first answer."""
    async with httpx.AsyncClient(verify=given.trust(), timeout=120) as http:
        client = GraphClientFactory.create_with_default_middleware(client=http, options=options)
        adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Token(given.token())), client=client)
        adapter.base_url = f"{given.url}/v1.0"
        graph = GraphServiceClient(request_adapter=adapter)
        await graph.users.by_user_id(given.mailboxes[0]).get()
        yield graph


async def apply(given: Given) -> None:
    """Make every mailbox hold one series of ours."""
    query = EventsRequestBuilder.EventsRequestBuilderGetQueryParameters(
        filter=FILTER, expand=[EXPAND], select=SELECT.split(","), top=TOP
    )
    todo = iter(given.mailboxes)
    async with signed_in(given) as graph:

        async def worker() -> None:
            for mailbox in todo:
                events = graph.users.by_user_id(mailbox).events
                found = await events.get(RequestConfiguration(query_parameters=query))
                if found is None or not found.value:
                    await events.post(series())

        with measured():
            await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def sweep(given: Given) -> None:
    """Ask every series for its coming dates."""
    since, until = coming()
    query = InstancesRequestBuilder.InstancesRequestBuilderGetQueryParameters(
        start_date_time=since.isoformat(), end_date_time=until.isoformat(), select=SELECT_DATES.split(","), top=TOP
    )
    todo = iter(given.series().items())
    async with signed_in(given) as graph:

        async def worker() -> None:
            for mailbox, event_id in todo:
                instances = graph.users.by_user_id(mailbox).events.by_event_id(event_id).instances
                await instances.get(RequestConfiguration(query_parameters=query))

        with measured():
            await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run((sweep if "instances" in sys.argv else apply)(Given.here()))
