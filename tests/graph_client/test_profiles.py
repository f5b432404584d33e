"""What a mailbox says of itself: part by part, no more than is needed, and nothing is guessed."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from graph_client.calendars import GraphCalendars
from holdfast.core.errors import Denied, Gone, NoMailbox, Unexpected
from holdfast.core.model import Profile, Purpose, Weekday, WorkingHours
from sandbox.directory import ROOM, SHARED
from sandbox.hours import CustomZone, Turn
from tests.graph_client.office import Office
from tests.graph_client.world import InTurn, PretendGraph, Reply, error, road

PARTS = ["userPurpose", "workingHours", "timeZone"]
OFFICE_DAYS = frozenset(list(Weekday)[:5])
BY_RULES = CustomZone(
    bias=-60, standard=Turn(10, 5, "sunday", time(3)), daylight=Turn(3, 5, "sunday", time(2)), daylight_bias=-60
)
CUSTOM = "tzone://Microsoft/Custom"


async def test_a_person_is_asked_three_things_and_never_for_all_of_the_settings(office: Office) -> None:
    """All of them would hold automatic replies too."""
    office.box().time_zone = "FLE Standard Time"
    office.box().set_working_hours(["monday", "thursday"], time(7, 30), time(12, 15), "Eastern Standard Time")
    assert await office.calendars.profile(office.id()) == Profile(
        purpose=Purpose.USER,
        hours=WorkingHours(
            frozenset({Weekday.MONDAY, Weekday.THURSDAY}), time(7, 30), time(12, 15), "America/New_York"
        ),
        zone="Europe/Kiev",
    )
    assert office.paths == [f"mailboxSettings/{part}" for part in PARTS]
    assert [one.method for one in office.asked] == ["GET"] * 3


async def test_working_hours_are_in_the_mailboxs_own_zone_unless_they_name_another(office: Office) -> None:
    profile = await office.calendars.profile(office.id())
    assert profile.hours == WorkingHours(OFFICE_DAYS, time(8), time(17), "Europe/Berlin")
    assert (profile.zone, profile.zone_since) == ("Europe/Berlin", None)


async def test_a_zone_may_be_told_by_its_iana_name(office: Office) -> None:
    office.box().time_zone = "Europe/Helsinki"
    profile = await office.calendars.profile(office.id())
    assert profile.zone == "Europe/Helsinki"
    assert profile.hours is not None
    assert profile.hours.zone == "Europe/Helsinki"


async def test_hours_in_a_customized_zone_have_no_zone(office: Office) -> None:
    office.box().set_working_hours(["friday"], time(6), time(10), BY_RULES)
    profile = await office.calendars.profile(office.id())
    assert profile.hours == WorkingHours(frozenset({Weekday.FRIDAY}), time(6), time(10), None)
    assert profile.zone == "Europe/Berlin"


async def test_a_mailbox_in_a_customized_zone_is_in_none(office: Office) -> None:
    office.box().time_zone = CUSTOM
    profile = await office.calendars.profile(office.id())
    assert profile == Profile(Purpose.USER, WorkingHours(OFFICE_DAYS, time(8), time(17), None), None)


@pytest.mark.parametrize(("kind", "purpose"), [(SHARED, Purpose.SHARED), (ROOM, Purpose.ROOM)])
async def test_what_belongs_to_nobody_is_asked_nothing_more(office: Office, kind: str, purpose: Purpose) -> None:
    account = next(one for one in office.tenant.accounts if one.kind == kind)
    assert await office.calendars.profile(account.id) == Profile(purpose)
    assert office.paths == ["mailboxSettings/userPurpose"]


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_is_refused_is_no_profile(office: Office, part: str) -> None:
    """As where an access policy comes into force in between."""
    before = PARTS[: PARTS.index(part)]
    if before:
        office.when_asked("GET", before[-1], lambda: setattr(office.box(), "denied", True))
    else:
        office.box().denied = True
    with pytest.raises(Denied) as caught:
        await office.calendars.profile(office.id())
    assert office.paths == [f"mailboxSettings/{one}" for one in [*before, part]]
    assert "MailboxSettings.Read (application)" in caught.value.cure
    assert "add this mailbox to the scope" in caught.value.cure


async def test_without_the_permission_nobody_tells(office: Office) -> None:
    office.tenant.applications[0].roles.remove("MailboxSettings.Read")
    with pytest.raises(Denied):
        await office.calendars.profile(office.id())


async def test_an_account_without_a_mailbox_says_nothing(office: Office) -> None:
    account = office.person()
    account.mailbox = None
    with pytest.raises(NoMailbox):
        await office.calendars.profile(account.id)


# Answers that the pretend firm does not give

PERSON: Reply = 200, {}, {"value": "user"}
HOURS = {
    "daysOfWeek": ["monday"],
    "startTime": "08:00:00.0000000",
    "endTime": "17:00:00.0000000",
    "timeZone": {"name": "UTC"},
}
ZONE: Reply = 200, {}, {"value": "UTC"}


async def profile(*replies: Reply) -> Profile:
    async with road(PretendGraph(reply=InTurn(*replies))) as way:
        return await GraphCalendars(way.dispatcher).profile("ann")


@pytest.mark.parametrize(
    ("value", "purpose"),
    [
        ("user", Purpose.USER),
        ("Linked", Purpose.LINKED),
        ("room", Purpose.ROOM),
        ("equipment", Purpose.EQUIPMENT),
        ("others", Purpose.OTHERS),
        ("unknownFutureValue", Purpose.OTHERS),
    ],
)
async def test_purposes(value: str, purpose: Purpose) -> None:
    answer: Reply = 200, {}, {"@odata.context": "x", "value": value}
    assert (await profile(answer, (200, {}, HOURS), ZONE)).purpose is purpose


@pytest.mark.parametrize("body", [None, {}, {"value": None}, [], {"value": {"value": "user"}}])
async def test_a_purpose_that_is_not_told_is_not_guessed(body: Any) -> None:
    with pytest.raises(Unexpected):
        await profile((200, {}, body), (200, {}, HOURS), ZONE)


@pytest.mark.parametrize("gap", [{"daysOfWeek": []}, {"daysOfWeek": None}, {"startTime": None}, {"endTime": None}])
async def test_hours_that_are_not_told_are_not_known(gap: dict[str, Any]) -> None:
    assert (await profile(PERSON, (200, {}, HOURS | gap), ZONE)).hours is None


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        (None, None),
        ({}, None),
        ({"name": None}, None),
        ({"name": "Customized Time Zone"}, None),
        ({"name": CUSTOM}, None),
        ({"name": "Nordic Imaginary Time"}, None),
        ({"name": "Tokyo Standard Time"}, "Asia/Tokyo"),
    ],
)
async def test_hours_without_a_zone_that_is_known(told: Any, zone: str | None) -> None:
    hours = (await profile(PERSON, (200, {}, HOURS | {"timeZone": told}), ZONE)).hours
    assert hours == WorkingHours(frozenset({Weekday.MONDAY}), time(8), time(17), zone)


@pytest.mark.parametrize("end", ["00:00:00.0000000", "06:00:00"])
async def test_a_night_shift_ends_on_the_next_day(end: str) -> None:
    night = HOURS | {"startTime": "22:00:00.0000000", "endTime": end}
    hours = (await profile(PERSON, (200, {}, night), ZONE)).hours
    assert hours is not None
    assert (hours.starts, hours.ends) == (time(22), time(int(end[:2])))


@pytest.mark.parametrize("spoilt", [{"daysOfWeek": ["holiday"]}, {"startTime": "eight"}, {"timeZone": "UTC"}])
async def test_hours_that_are_not_understood_are_not_passed_over(spoilt: dict[str, Any]) -> None:
    with pytest.raises(Unexpected, match="not understood"):
        await profile(PERSON, (200, {}, HOURS | spoilt), ZONE)


@pytest.mark.parametrize("value", [None, "", CUSTOM, "Nowhere"])
async def test_a_zone_without_a_name_is_none(value: str | None) -> None:
    assert (await profile(PERSON, (200, {}, HOURS), (200, {}, {"value": value}))).zone is None


@pytest.mark.parametrize("body", [None, {}, []])
async def test_a_zone_that_is_not_told_is_not_guessed(body: Any) -> None:
    with pytest.raises(Unexpected):
        await profile(PERSON, (200, {}, HOURS), (200, {}, body))


async def test_settings_that_are_gone_are_no_profile() -> None:
    with pytest.raises(Gone):
        await profile(PERSON, error(404, "ErrorItemNotFound"))
