"""Zone, working hours, language and purpose of mailboxes, over Graph and as people change them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from sandbox import Tenant
from sandbox.directory import ROOM, SHARED
from sandbox.errors import GraphError
from sandbox.hours import CustomZone, Turn, WorkingHours
from tests.sandbox.graph import W_EUROPE, Graph, of

STOCKHOLM = CustomZone(
    bias=-60, standard=Turn(10, 5, "sunday", time(3)), daylight=Turn(3, 5, "sunday", time(2)), daylight_bias=-60
)


async def part(graph: Graph, tenant: Tenant, name: str) -> dict[str, Any]:
    reply = await graph.get(f"{of(tenant)}/mailboxSettings/{name}")
    assert reply.status == 200
    context = reply.body.pop("@odata.context")
    assert context.endswith(f"/$metadata#users('{tenant.employees[0].id}')/mailboxSettings/{name}")
    return dict(reply.body)


async def test_each_part_comes_by_itself(graph: Graph, tenant: Tenant) -> None:
    assert await part(graph, tenant, "timeZone") == {"value": W_EUROPE}
    assert await part(graph, tenant, "userPurpose") == {"value": "user"}
    assert await part(graph, tenant, "language") == {"locale": "sv-SE", "displayName": "svenska (Sverige)"}
    assert await part(graph, tenant, "workingHours") == {
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": W_EUROPE},
    }


async def test_the_whole_of_them_and_automatic_replies_are_refused(graph: Graph, tenant: Tenant) -> None:
    for path in ["", "/automaticRepliesSetting", "/timezone", "/workingHours/timeZone"]:
        assert (await graph.get(f"{of(tenant)}/mailboxSettings{path}")).status == 400


@pytest.mark.parametrize(("kind", "purpose"), [(SHARED, "shared"), (ROOM, "room")])
async def test_a_purpose_tells_people_from_rooms(graph: Graph, tenant: Tenant, kind: str, purpose: str) -> None:
    account = next(one for one in tenant.accounts if one.kind == kind)
    assert (await graph.get(f"/users/{account.id}/mailboxSettings/userPurpose")).body["value"] == purpose


async def test_working_hours_are_in_the_mailboxs_zone_until_they_have_their_own(graph: Graph, tenant: Tenant) -> None:
    mailbox = tenant.mailbox(tenant.employees[0].id)
    mailbox.time_zone = "FLE Standard Time"
    assert await part(graph, tenant, "timeZone") == {"value": "FLE Standard Time"}
    assert (await part(graph, tenant, "workingHours"))["timeZone"] == {"name": "FLE Standard Time"}
    mailbox.set_working_hours(["monday", "wednesday"], time(7, 30), time(12), W_EUROPE)
    assert await part(graph, tenant, "workingHours") == {
        "daysOfWeek": ["monday", "wednesday"],
        "startTime": "07:30:00.0000000",
        "endTime": "12:00:00.0000000",
        "timeZone": {"name": W_EUROPE},
    }


async def test_a_zone_of_hours_may_be_rules_without_a_name_that_anybody_knows(graph: Graph, tenant: Tenant) -> None:
    mailbox = tenant.mailbox(tenant.employees[0].id)
    mailbox.set_working_hours(zone=STOCKHOLM)
    assert (await part(graph, tenant, "workingHours"))["timeZone"] == {
        "@odata.type": "#microsoft.graph.customTimeZone",
        "bias": -60,
        "name": "Customized Time Zone",
        "standardOffset": {
            "time": "03:00:00.0000000",
            "dayOccurrence": 5,
            "dayOfWeek": "sunday",
            "month": 10,
            "year": 0,
        },
        "daylightOffset": {
            "daylightBias": -60,
            "time": "02:00:00.0000000",
            "dayOccurrence": 5,
            "dayOfWeek": "sunday",
            "month": 3,
            "year": 0,
        },
    }
    mailbox.set_working_hours(zone=CustomZone(bias=0))
    still = (await part(graph, tenant, "workingHours"))["timeZone"]
    assert (still["daylightOffset"]["daylightBias"], still["daylightOffset"]["month"]) == (0, 0)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"days": ("thorsday",)}, ValueError),
        ({"starts": time(12), "ends": time(12)}, ValueError),
        ({"zone": "Europe/Stockholm"}, GraphError),
    ],
)
def test_hours_that_make_no_week(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        WorkingHours(**wrong)


async def test_a_zone_may_be_shown_by_its_iana_name_and_what_is_booked_there_has_windows(
    graph: Graph, tenant: Tenant
) -> None:
    mailbox = tenant.mailbox(tenant.employees[0].id)
    mailbox.time_zone = "Europe/Helsinki"
    assert await part(graph, tenant, "timeZone") == {"value": "Europe/Helsinki"}
    starts = datetime(2026, 12, 3, 9)  # noqa: DTZ001 - a wall-clock time
    event = mailbox.book("Lunch", starts, starts + timedelta(hours=1))
    assert (event.when.zone, event.when.starts_at.hour) == ("FLE Standard Time", 7)
    mailbox.time_zone = "Nowhere"
    with pytest.raises(ValueError, match="Nowhere"):
        mailbox.book("Lunch", starts, starts)
