"""Which series a person should have: first date, last date, who wins, what is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from holdfast.core.desired import Desired, Why, desired, today
from holdfast.core.model import Slot, Weekday, Weekly
from holdfast.core.settings import Audience, Block, Day, Goal, Language, Organization, Settings
from tests.core.strategies import TENANT

MONDAY = datetime(2026, 12, 7, 12, tzinfo=UTC)
THURSDAY = datetime(2026, 12, 10, tzinfo=UTC)


def block(name: str = "lartimmen", **values: Any) -> Block:
    given: dict[str, Any] = {
        "title": {Language.SV: "Lärtimmen", Language.EN: "Learning hour"},
        "audiences": ("alla",),
        "every": "week",
        "day": Day.THURSDAY,
        "at": time(9),
        "minutes": 60,
        "from_": date(2026, 12, 1),
    }
    return Block(id=name, **{**given, **values})


def settings(*blocks: Block, language: Language = Language.SV, zone: str = "Europe/Stockholm") -> Settings:
    return Settings(
        version=1,
        organization=Organization(name="Fjällvik AB", language=language, time_zone=zone),
        tenant=TENANT,
        audiences={name: Audience(group=name) for name in ("alla", "utveckling")},
        goals=(Goal(id="ai-2028", title={Language.SV: "Alla använder AI", Language.EN: "Everyone uses AI"}),),
        blocks=blocks,
    )


def dates(*blocks: Block, now: datetime = MONDAY, **values: Any) -> list[tuple[str, date, date]]:
    wants = desired(settings(*blocks, **values), {"alla"}, now).wants
    return [(want.series.block, want.series.first, want.series.last) for want in wants]


def test_a_series_begins_on_the_next_date_and_lasts_26_weeks() -> None:
    assert dates(block()) == [("lartimmen", date(2026, 12, 10), date(2027, 6, 3))]
    assert (date(2027, 6, 3) - date(2026, 12, 10)).days == 25 * 7


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (THURSDAY.replace(hour=7, minute=44, second=59), date(2026, 12, 10)),
        (THURSDAY.replace(hour=7, minute=45), date(2026, 12, 17)),
        (THURSDAY.replace(hour=7, minute=59), date(2026, 12, 17)),
        (THURSDAY.replace(hour=8, minute=30), date(2026, 12, 17)),
    ],
)
def test_what_begins_within_15_minutes_is_too_soon(now: datetime, first: date) -> None:
    [(_, found, _)] = dates(block(), now=now)
    assert found == first


def test_it_never_begins_before_from() -> None:
    assert dates(block(from_=date(2027, 1, 1))) == [("lartimmen", date(2027, 1, 7), date(2027, 7, 1))]
    assert dates(block(from_=date(2027, 1, 7))) == [("lartimmen", date(2027, 1, 7), date(2027, 7, 1))]
    assert dates(block(from_=date(2027, 1, 8))) == [("lartimmen", date(2027, 1, 14), date(2027, 7, 8))]


@pytest.mark.parametrize(
    ("until", "last"),
    [
        (date(2026, 12, 10), date(2026, 12, 10)),
        (date(2026, 12, 16), date(2026, 12, 10)),
        (date(2026, 12, 17), date(2026, 12, 17)),
        (date(2027, 6, 2), date(2027, 5, 27)),
        (date(2027, 6, 3), date(2027, 6, 3)),
        (date(2099, 12, 31), date(2027, 6, 3)),
    ],
)
def test_it_never_lasts_beyond_until(until: date, last: date) -> None:
    assert dates(block(until=until)) == [("lartimmen", date(2026, 12, 10), last)]


def test_a_block_with_no_date_left_is_over() -> None:
    ended = block(until=date(2026, 12, 9))
    found = desired(settings(ended), {"alla"}, MONDAY)
    assert (found.wants, unmet(found)) == ((), [("lartimmen", Why.OVER)])
    last_day = block(until=date(2026, 12, 10))
    assert not desired(settings(last_day), {"alla"}, THURSDAY.replace(hour=7)).unmet
    over = desired(settings(last_day), {"alla"}, THURSDAY.replace(hour=7, minute=50))
    assert unmet(over) == [("lartimmen", Why.OVER)]


def test_a_continuation_from_a_day_on_keeps_to_until() -> None:
    [want] = desired(settings(block(until=date(2027, 6, 17))), {"alla"}, MONDAY).wants
    assert want.from_day(date(2027, 6, 4)) == replace(want.series, first=date(2027, 6, 10), last=date(2027, 6, 17))
    assert want.from_day(date(2027, 6, 18)) is None


def test_only_members_get_it() -> None:
    mine, theirs = block(), block("kodtimmen", audiences=("utveckling",), day=Day.FRIDAY)
    assert [w.series.block for w in desired(settings(mine, theirs), {"alla"}, MONDAY).wants] == ["lartimmen"]
    assert desired(settings(mine, theirs), set(), MONDAY).wants == ()
    assert desired(settings(mine, theirs), set(), MONDAY).known == {"lartimmen", "kodtimmen"}


def test_a_person_in_several_audiences_gets_a_block_once() -> None:
    both = block(audiences=("alla", "utveckling"))
    assert len(desired(settings(both), {"alla", "utveckling"}, MONDAY).wants) == 1


def unmet(wanted: Desired) -> list[tuple[str, Why]]:
    return [(one.key.block, one.why) for one in wanted.unmet]


class TestTwoBlocksAtOneTime:
    FIRST = block("kodtimmen", audiences=("utveckling",), at=time(9, 30))

    def found(self, *blocks: Block, audiences: frozenset[str] = frozenset({"alla", "utveckling"})) -> tuple[Any, Any]:
        wanted = desired(settings(*blocks), audiences, MONDAY)
        return tuple(want.series.block for want in wanted.wants), tuple(
            name for name, why in unmet(wanted) if why is Why.DISPLACED
        )

    def test_the_first_in_the_file_wins(self) -> None:
        assert self.found(self.FIRST, block()) == (("kodtimmen",), ("lartimmen",))
        assert self.found(block(), self.FIRST) == (("lartimmen",), ("kodtimmen",))

    def test_one_that_is_not_the_persons_is_in_nobodys_way(self) -> None:
        assert self.found(self.FIRST, block(), audiences=frozenset({"alla"})) == (("lartimmen",), ())

    def test_one_that_touches_is_not_in_the_way(self) -> None:
        after = block("kodtimmen", audiences=("utveckling",), at=time(10))
        assert self.found(after, block()) == (("kodtimmen", "lartimmen"), ())

    def test_one_that_is_over_is_not_in_the_way(self) -> None:
        over = block("kodtimmen", until=date(2026, 12, 3))
        assert self.found(over, block()) == (("lartimmen",), ())

    def test_one_that_ends_before_the_other_begins_is_not_in_the_way(self) -> None:
        before, after = block("kodtimmen", until=date(2027, 1, 6)), block(from_=date(2027, 1, 1))
        assert self.found(before, after) == (("kodtimmen", "lartimmen"), ())
        assert self.found(block("kodtimmen", until=date(2027, 1, 7)), after) == (("kodtimmen",), ("lartimmen",))

    def test_a_displaced_one_is_in_nobodys_way(self) -> None:
        third = block("lasstunden", at=time(10, 30))
        second = block("kodtimmen", at=time(9, 30), minutes=90)
        assert self.found(block(), second, third) == (("lartimmen", "lasstunden"), ("kodtimmen",))


def test_the_words_are_in_the_organizations_language() -> None:
    with_goal = block(goals=("ai-2028",))
    [swedish] = desired(settings(with_goal), {"alla"}, MONDAY).wants
    [english] = desired(settings(with_goal, language=Language.EN), {"alla"}, MONDAY).wants
    assert (swedish.series.subject, swedish.series.category) == ("Lärtimmen", "Lärande")
    assert (english.series.subject, english.series.category) == ("Learning hour", "Learning")
    assert "Alla använder AI" in swedish.series.body
    assert "Everyone uses AI" in english.series.body


def test_the_slot_is_in_the_organizations_zone_by_its_iana_name() -> None:
    [want] = desired(settings(block(), zone="W. Europe Standard Time"), {"alla"}, MONDAY).wants
    assert want.series.slot == Slot(Weekly(Weekday.THURSDAY), time(9), 60, "Europe/Berlin")


@pytest.mark.parametrize(
    "change",
    [{"day": Day.FRIDAY}, {"at": time(9, 15)}, {"minutes": 45}],
    ids=lambda change: next(iter(change)),
)
def test_another_slot_is_another_slot_fingerprint_and_the_same_words(change: dict[str, Any]) -> None:
    [one] = desired(settings(block()), {"alla"}, MONDAY).wants
    [other] = desired(settings(block(**change)), {"alla"}, MONDAY).wants
    assert one.series.fingerprint.slot != other.series.fingerprint.slot
    assert one.series.fingerprint.words == other.series.fingerprint.words


def test_another_zone_is_another_slot_fingerprint() -> None:
    [one] = desired(settings(block()), {"alla"}, MONDAY).wants
    [other] = desired(settings(block(), zone="Europe/Helsinki"), {"alla"}, MONDAY).wants
    assert one.series.fingerprint.slot != other.series.fingerprint.slot
    assert one.series.fingerprint.words == other.series.fingerprint.words


def test_a_zone_by_another_of_its_names_is_the_same_slot() -> None:
    [one] = desired(settings(block()), {"alla"}, MONDAY).wants
    [other] = desired(settings(block(), zone="W. Europe Standard Time"), {"alla"}, MONDAY).wants
    assert one.series.fingerprint == other.series.fingerprint


@pytest.mark.parametrize(
    "change",
    [{"title": "Lärstunden"}, {"reminder": 15}, {"goals": ("ai-2028",)}],
    ids=lambda change: next(iter(change)),
)
def test_other_words_are_another_words_fingerprint_and_the_same_slot(change: dict[str, Any]) -> None:
    [one] = desired(settings(block()), {"alla"}, MONDAY).wants
    [other] = desired(settings(block(**change)), {"alla"}, MONDAY).wants
    assert one.series.fingerprint.slot == other.series.fingerprint.slot
    assert one.series.fingerprint.words != other.series.fingerprint.words


def test_dates_are_in_no_fingerprint() -> None:
    [one] = desired(settings(block()), {"alla"}, MONDAY).wants
    [other] = desired(settings(block(until=date(2027, 1, 31))), {"alla"}, THURSDAY).wants
    assert one.series.fingerprint == other.series.fingerprint


def test_today_is_the_organizations() -> None:
    late = datetime(2026, 12, 7, 23, 30, tzinfo=UTC)
    assert today(settings(zone="UTC"), late) == date(2026, 12, 7)
    assert today(settings(), late) == date(2026, 12, 8)
    assert today(settings(zone="America/Los_Angeles"), datetime(2026, 12, 8, 3, tzinfo=UTC)) == date(2026, 12, 7)
