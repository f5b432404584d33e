"""How free people are: twenty at a time, digits and working hours, and nothing of what they do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest

from graph_client import translate
from holdfast.core.errors import Denied, GraphError, NoMailbox, Unexpected
from holdfast.core.model import FreeBusy, Weekday, Weekly, WorkingHours
from sandbox.directory import GUEST
from sandbox.hours import CustomZone
from sandbox.mailbox import Pressure
from tests.graph_client.office import Office, days_of, hours_of, series_of

HALF_HOUR = timedelta(minutes=30)
MORNING, EVENING = datetime(2026, 12, 3, 7, tzinfo=UTC), datetime(2026, 12, 3, 17, tzinfo=UTC)
SECRET = "Samtal om lön"


async def ask(office: Office, *numbers: int, **window: Any) -> list[FreeBusy]:
    addresses = [office.person(number).address for number in numbers]
    asked = {"since": MORNING, "until": EVENING, "step": HALF_HOUR, **window}
    return await office.calendars.free_busy(office.id(), addresses, **asked)


def book(office: Office, number: int, starts: datetime, minutes: int = 30, **values: Any) -> None:
    office.box(number).book(SECRET, starts, starts + timedelta(minutes=minutes), **values)


async def test_twenty_people_in_one_call_each_at_their_place(office: Office) -> None:
    for number in range(20):
        book(office, number, MORNING + number * HALF_HOUR)
    found = await ask(office, *range(20))
    assert [one.view for one in found] == ["0" * number + "2" + "0" * (19 - number) for number in range(20)]
    for number, one in enumerate(found):
        place = one.steps(MORNING + number * HALF_HOUR, MORNING + (number + 1) * HALF_HOUR)
        assert one.view[place] == "2"
    assert office.paths == ["calendar/getSchedule"]


async def test_more_than_twenty_are_refused(office: Office) -> None:
    with pytest.raises(Unexpected) as caught:
        await ask(office, *range(21))
    assert caught.value.code == "ErrorMailboxDataArrayTooBig"


@pytest.mark.parametrize(
    ("show_as", "digit"), [("free", "0"), ("workingElsewhere", "0"), ("tentative", "1"), ("busy", "2"), ("oof", "3")]
)
async def test_digits_are_those_of_graph(office: Office, show_as: str, digit: str) -> None:
    book(office, 1, MORNING, 60, showAs=show_as)
    (found,) = await ask(office, 1)
    assert found.view == digit * 2 + "0" * 18


async def test_our_own_block_is_busy_too(office: Office) -> None:
    series = series_of(Weekly(Weekday.THURSDAY))
    await office.make(series, 1)
    (found,) = await ask(office, 1)
    (begins, ends), *_ = hours_of(series, days_of(series))
    assert found.view[found.steps(begins, ends)] == "22"
    assert found.view.count("2") == 2


async def test_people_of_whom_graph_does_not_know_are_left_out(office: Office) -> None:
    guest = next(one for one in office.tenant.accounts if one.kind == GUEST)
    unlicensed = office.person(3)
    unlicensed.mailbox = None
    addresses = [
        "nobody@fjallvik.example",
        office.person(1).address,
        guest.address,
        "no address at all",
        unlicensed.address,
        office.person(2).address,
    ]
    book(office, 2, MORNING)
    found = await office.calendars.free_busy(office.id(), addresses, since=MORNING, until=EVENING, step=HALF_HOUR)
    assert [one.view[0] for one in found] == ["0", "2"]


async def test_nobody_that_graph_knows_is_nobody(office: Office) -> None:
    found = await office.calendars.free_busy(
        office.id(), ["nobody@fjallvik.example"], since=MORNING, until=EVENING, step=HALF_HOUR
    )
    assert found == []


async def test_a_step_is_found_by_its_instant_also_where_clocks_change_in_the_window(office: Office) -> None:
    series = series_of(Weekly(Weekday.SUNDAY), at=time(9))
    await office.make(series, 1)
    for changes in ("2027-03-28", "2027-10-31"):
        since = datetime.fromisoformat(changes).replace(tzinfo=UTC) - timedelta(days=8)
        (found,) = await ask(office, 1, since=since, until=since + timedelta(days=16))
        assert len(found.view) == 16 * 48
        inside = [day for day in days_of(series) if since.date() < day < since.date() + timedelta(days=16)]
        hours = hours_of(series, inside)
        assert [found.view[found.steps(*each)] for each in hours] == ["22"] * len(inside)
        assert len({begins.hour for begins, _ in hours}) == 2
        assert found.view.count("2") == 2 * len(inside)


async def test_the_window_is_the_same_whatever_zone_it_is_told_in(office: Office) -> None:
    book(office, 1, MORNING + HALF_HOUR)
    tokyo = timezone(timedelta(hours=9))
    (found,) = await ask(office, 1, since=MORNING.astimezone(tokyo), until=EVENING.astimezone(tokyo))
    assert found.view == "02" + "0" * 18
    assert found.since == MORNING
    assert found.view[found.steps(MORNING + HALF_HOUR, MORNING + 2 * HALF_HOUR)] == "2"


async def test_steps_may_be_longer_and_the_last_one_short(office: Office) -> None:
    book(office, 1, EVENING - timedelta(minutes=5), 30)
    (found,) = await ask(office, 1, since=MORNING + HALF_HOUR, step=timedelta(hours=1))
    assert found.view == "0" * 9 + "2"
    assert found.steps(EVENING - HALF_HOUR, EVENING) == slice(9, 10)


async def test_working_hours_come_along(office: Office) -> None:
    office.box(1).set_working_hours(["monday", "thursday"], time(7, 30), time(12))
    office.box(2).set_working_hours(zone="Eastern Standard Time")
    office.box(3).set_working_hours(["friday"], zone=CustomZone(bias=-60))
    week = frozenset(list(Weekday)[:5])
    assert [one.hours for one in await ask(office, 1, 2, 3)] == [
        WorkingHours(frozenset({Weekday.MONDAY, Weekday.THURSDAY}), time(7, 30), time(12), "Europe/Berlin"),
        WorkingHours(week, time(8), time(17), "America/New_York"),
        WorkingHours(frozenset({Weekday.FRIDAY}), time(8), time(17), None),
    ]


async def test_it_counts_against_the_mailbox_that_asks_and_no_other(office: Office) -> None:
    office.box(1).pressure = Pressure(calls=1, retry_after=7)
    assert len(await ask(office, 1, 2)) == 2
    assert not office.tenant.counts.throttled
    assert office.box(1).pressure == Pressure(calls=1, retry_after=7)
    office.box(0).pressure = Pressure(calls=1, retry_after=7)
    assert len(await ask(office, 1, 2)) == 2
    assert [one.status for one in office.asked] == [200, 429, 200]
    assert {one.path for one in office.asked} == {f"/users/{office.id()}/calendar/getSchedule"}


async def test_nothing_is_kept_of_what_people_do_though_graph_tells_it_of_the_one_who_asks(office: Office) -> None:
    book(office, 0, MORNING, location={"displayName": "Granen"})
    found = await ask(office, 0, 1)
    assert SECRET in str(office.asked[0].response_body)
    assert SECRET not in repr(found)
    assert "Granen" not in repr(found)


class Watched(dict[str, Any]):
    """JSON that knows which of its values have been looked at."""

    def __init__(self, values: dict[str, Any], seen: set[str]) -> None:
        super().__init__({key: _watched(value, seen) for key, value in values.items()})
        self._seen = seen

    def __getitem__(self, key: str) -> Any:
        self._seen.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._seen.add(key)
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("everything is looked at")

    keys = values = items = __iter__


def _watched(value: Any, seen: set[str]) -> Any:
    if isinstance(value, dict):
        return Watched(value, seen)
    return [_watched(one, seen) for one in value] if isinstance(value, list) else value


async def test_nothing_of_what_people_do_is_even_looked_at(office: Office) -> None:
    book(office, 0, MORNING)
    await office.calendars.free_busy(
        office.id(), [office.person().address, "nobody@fjallvik.example"], since=MORNING, until=EVENING, step=HALF_HOUR
    )
    seen: set[str] = set()
    raw = office.asked[0].response_body
    (found,) = translate.free_busy(_watched(raw, seen), MORNING, HALF_HOUR)
    assert found.view[0] == "2"
    assert "scheduleItems" in raw["value"][0]
    assert seen == {
        "value",
        "error",
        "availabilityView",
        "workingHours",
        "daysOfWeek",
        "startTime",
        "endTime",
        "timeZone",
        "name",
    }


@pytest.mark.parametrize("raw", [{}, {"value": None}, {"value": [{}]}, {"value": ["x"]}])
async def test_an_answer_that_is_not_understood_is_nobodys_freedom(raw: dict[str, Any]) -> None:
    with pytest.raises(Unexpected, match="not understood"):
        translate.understood(lambda answer: translate.free_busy(answer, MORNING, HALF_HOUR), raw)


async def test_a_window_that_is_too_long_is_refused(office: Office) -> None:
    with pytest.raises(Unexpected) as caught:
        await ask(office, 1, until=MORNING + timedelta(days=62))
    assert caught.value.code == "ErrorTimeIntervalTooBig"
    (found,) = await ask(office, 1, until=MORNING + timedelta(days=61, hours=23))
    assert len(found.view) == 61 * 48 + 46


def take_mailbox(office: Office) -> None:
    office.person().mailbox = None


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (take_mailbox, NoMailbox),
        (lambda office: setattr(office.box(), "denied", True), Denied),
        (lambda office: office.tenant.applications[0].roles.remove("Calendars.ReadWrite"), Denied),
    ],
)
async def test_who_cannot_ask_learns_why(office: Office, spoil: Any, kind: type[GraphError]) -> None:
    mailbox, address = office.id(), office.person(1).address
    spoil(office)
    with pytest.raises(kind) as caught:
        await office.calendars.free_busy(mailbox, [address], since=MORNING, until=EVENING, step=HALF_HOUR)
    if kind is Denied:
        assert caught.value.message.startswith("Asking when people are free failed: ")
        assert "Calendars.ReadWrite (application)" in caught.value.cure
