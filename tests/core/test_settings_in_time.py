"""When the blocks of a settings file come back, for whom which days are off, and which blocks meet."""

from __future__ import annotations

import itertools
import json
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from holdfast.core.model import Monthly, NthWeekday, Position, Slot, Weekday, Weekly
from holdfast.core.settings import (
    Block,
    BlockZone,
    Day,
    Every,
    HolidayRule,
    Language,
    OutsideHours,
    Quietest,
    Settings,
    SettingsError,
    Unit,
    dump,
    fingerprint,
    parse,
)
from tests import strategies

EXAMPLE = YAML(typ="safe", pure=True).load(
    (Path(__file__).parents[2] / "settings.example.yaml").read_text(encoding="utf-8")
)
FIRST_THURSDAY = NthWeekday(Position.FIRST, Weekday.THURSDAY)


def parsed(settings: Any) -> Settings:
    return parse(json.dumps(settings, default=str, ensure_ascii=False), name="settings.yaml", environment={})


def with_blocks(*blocks: dict[str, Any], **organization: Any) -> dict[str, Any]:
    """The example with its block changed, once for each of ``blocks``."""
    base = EXAMPLE["blocks"][0]
    return {
        **EXAMPLE,
        "organization": {**EXAMPLE["organization"], **organization},
        "blocks": [{**base, "id": f"block-{number}", **block} for number, block in enumerate(blocks)],
    }


def block(**keys: Any) -> Block:
    return parsed(with_blocks(keys)).blocks[0]


def problems(settings: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parsed(settings)
    return [f"{problem.path}  {problem.message}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("every", "day", "rules"),
    [
        ("week", "thursday", (Weekly(Weekday.THURSDAY),)),
        ("week", ["thursday", "monday"], (Weekly(Weekday.THURSDAY), Weekly(Weekday.MONDAY))),
        ("2 weeks", "thursday", (Weekly(Weekday.THURSDAY, 2, 1),)),
        ("8 weeks", ["friday", "monday"], (Weekly(Weekday.FRIDAY, 8, 3), Weekly(Weekday.MONDAY, 8, 3))),
        ("month", "first thursday", (Monthly(FIRST_THURSDAY),)),
        ("month", [15, "last friday"], (Monthly(15), Monthly(NthWeekday(Position.LAST, Weekday.FRIDAY)))),
        ("6 months", 28, (Monthly(28, 6, 5),)),
    ],
)
def test_a_block_has_a_rule_for_each_day_in_the_order_of_the_file(every: str, day: Any, rules: tuple[Any, ...]) -> None:
    made = block(**{"every": every, "day": day, "from": "2026-12-03"})
    assert made.rules() == rules
    assert made.slots("Europe/Helsinki", time(10)) == tuple(
        Slot(rule, time(10), 60, "Europe/Helsinki") for rule in rules
    )


def test_weeks_and_months_are_counted_from_the_one_in_which_from_is() -> None:
    monday, sunday, next_monday = (
        block(**{"every": "2 weeks", "day": ["monday", "friday"], "from": day}).rules()
        for day in ("2026-11-30", "2026-12-06", "2026-12-07")
    )
    assert monday == sunday
    assert {rule.phase for rule in (*monday, *next_monday)} == {0, 1}
    assert len({rule.phase for rule in monday}) == 1
    december = [block(**{"every": "3 months", "day": 15, "from": f"2026-12-{day}"}).rules() for day in ("01", "31")]
    assert december[0] == december[1]


@pytest.mark.parametrize(
    ("written", "value"),
    [("week", Every(1, Unit.WEEK)), ("8 weeks", Every(8, Unit.WEEK)), ("month", Every(1, Unit.MONTH))],
)
def test_how_often_is_written_as_it_is_read(written: str, value: Every) -> None:
    day = "thursday" if value.unit is Unit.WEEK else 1
    assert block(every=written, day=day).every == value
    assert str(value) == written


def test_code_builds_blocks_by_words_and_by_values_alike() -> None:
    common = {
        "id": "lartimmen",
        "title": "Lärtimmen",
        "audiences": ("alla",),
        "minutes": 60,
        "from_": date(2026, 12, 1),
    }
    words = Block(every="month", day=["first thursday", 15], at="09:00", **common)
    values = Block(every=Every(1, Unit.MONTH), day=(FIRST_THURSDAY, 15), at=time(9), **common)
    assert words == values
    assert Block(every="week", day=Day.THURSDAY, at=time(9), **common).day == (Day.THURSDAY,)
    assert Block(every="month", day=FIRST_THURSDAY, at=time(9), **common).day == (FIRST_THURSDAY,)
    quietest = Block(every="week", day=Day.THURSDAY, at=Quietest(time(8), time(16)), **common)
    assert quietest.at == block(at={"between": ["08:00", "16:00"], "choose": "quietest"}).at


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("every", "2 weeks"),
        ("day", "friday"),
        ("day", ["monday", "friday"]),
        ("at", {"between": ["08:00", "16:00"], "choose": "quietest"}),
        ("at", "09:05"),
        ("time_zone", "mailbox"),
        ("outside_hours", "place"),
        ("holiday", "move"),
        ("weekend", True),
    ],
)
def test_each_form_is_dumped_as_it_was_written(key: str, value: Any) -> None:
    settings = parsed(with_blocks({key: value}))
    [dumped] = YAML(typ="safe", pure=True).load(dump(settings))["blocks"]
    assert dumped[key] == value
    assert fingerprint(settings) != fingerprint(parsed(with_blocks({})))


def test_days_of_the_month_are_dumped_as_they_were_written() -> None:
    settings = parsed(with_blocks({"every": "month", "day": ["last friday", 15, "second tuesday"]}))
    [dumped] = YAML(typ="safe", pure=True).load(dump(settings))["blocks"]
    assert dumped["day"] == ["last friday", 15, "second tuesday"]


def test_what_a_block_does_by_default() -> None:
    made = block()
    assert (made.weekend, made.time_zone, made.outside_hours, made.holiday) == (
        False,
        BlockZone.ORGANIZATION,
        OutsideHours.EXCUSE,
        HolidayRule.SKIP,
    )


def test_a_default_written_out_does_not_ask_for_another_approval() -> None:
    written = {"weekend": False, "time_zone": "organization", "outside_hours": "excuse", "holiday": "skip"}
    assert fingerprint(parsed(with_blocks(written))) == fingerprint(parsed(with_blocks({})))


@pytest.mark.parametrize(
    "keys",
    [
        {"day": ["saturday", "sunday"]},
        {"every": "month", "day": "first saturday"},
        {"every": "month", "day": "last sunday"},
    ],
)
def test_a_weekend_is_a_choice(keys: dict[str, Any]) -> None:
    assert block(weekend=True, **keys).weekend
    assert "with weekend: true also saturday and sunday" in problems(with_blocks(keys))[0]


@pytest.mark.parametrize("between", [["00:00", "02:00"], ["03:00", "23:59"], ["09:00", "10:00"]])
def test_a_time_may_be_chosen_on_either_side_of_the_clock_change(between: list[str]) -> None:
    at = block(at={"between": between, "choose": "quietest"}).at
    assert at == Quietest(time.fromisoformat(between[0]), time.fromisoformat(between[1]))


@pytest.mark.parametrize("between", [["01:00", "02:01"], ["02:00", "03:00"], ["02:59", "06:00"]])
def test_a_time_is_not_chosen_where_clocks_change(between: list[str]) -> None:
    assert "missing or doubled" in problems(with_blocks({"at": {"between": between, "choose": "quietest"}}))[0]


def test_an_audience_has_the_organisations_language_and_holidays_or_its_own() -> None:
    settings = with_blocks({}, holidays={"country": "SE", "closed": ["2026-12-28..2026-12-30", "2027-05-07"]})
    settings["audiences"] = {
        "alla": {"group": "Alla"},
        "helsinki": {"group": "Helsingfors", "language": "en", "holidays": {"country": "FI"}},
        "alltid": {"group": "Alltid", "holidays": {}},
    }
    made = parsed(settings)
    assert [made.language_of(name) for name in made.audiences] == [Language.SV, Language.EN, Language.SV]
    everywhere = made.holidays_of("alla")
    assert everywhere is not None
    assert (everywhere.country, everywhere.subdivision) == ("SE", None)
    assert everywhere.closed == (
        (date(2026, 12, 28), date(2026, 12, 30)),
        (date(2027, 5, 7), date(2027, 5, 7)),
    )
    helsinki, always = made.holidays_of("helsinki"), made.holidays_of("alltid")
    assert helsinki is not None
    assert (helsinki.country, helsinki.closed) == ("FI", ())
    assert always is not None
    assert always.country is None
    assert parsed(with_blocks({})).holidays_of("alla") is None


def test_a_closed_period_may_last_a_leap_year() -> None:
    holidays = parsed(with_blocks({}, holidays={"closed": ["2028-01-01..2028-12-31"]})).organization.holidays
    assert holidays is not None
    assert holidays.closed == ((date(2028, 1, 1), date(2028, 12, 31)),)
    [told] = problems(with_blocks({}, holidays={"closed": ["2028-01-01..2029-01-01"]}))
    assert "is 367 days" in told


def test_until_is_late_enough_for_one_of_the_days() -> None:
    made = block(**{"day": ["monday", "thursday"], "from": "2026-12-01", "until": "2026-12-03"})
    assert made.until == date(2026, 12, 3)


def test_norway_is_a_country_with_and_without_quotes() -> None:
    assert "holidays: {country: NO}" not in dump(parsed(with_blocks({})))
    text = dump(parsed(with_blocks({}, holidays={"country": "SE"}))).replace("country: SE", "country: NO")
    for written in (text, text.replace("country: NO", 'country: "NO"')):
        settings = parse(written, name="settings.yaml", environment={})
        assert settings.organization.holidays is not None
        assert settings.organization.holidays.country == "NO"


def test_the_organizer_can_come_from_the_environment() -> None:
    settings = parse(
        json.dumps(EXAMPLE, default=str),
        name="settings.yaml",
        environment={"HOLDFAST_ORGANIZER": "larande@fjallvik.example"},
    )
    assert settings.tenant.organizer == "larande@fjallvik.example"


@pytest.mark.parametrize(
    "blocks",
    [
        ({"every": "2 weeks", "from": "2026-11-30"}, {"every": "2 weeks", "from": "2026-12-07"}),
        ({"every": "month", "day": "first thursday"}, {"every": "month", "day": "last thursday"}),
        ({"every": "month", "day": 15}, {"every": "month", "day": 16}),
        ({}, {"at": {"between": ["08:00", "16:00"], "choose": "quietest"}}),
        ({"at": {"between": ["08:00", "09:00"], "choose": "quietest"}},) * 2,
        ({"every": "month", "day": ["first thursday", "last thursday", 16]},),
        ({"every": "month", "day": "first thursday", "until": "2027-01-01"}, {"from": "2026-12-04"}),
    ],
)
def test_blocks_may_take_turns(blocks: tuple[dict[str, Any], ...]) -> None:
    assert len(parsed(with_blocks(*blocks)).blocks) == len(blocks)


@pytest.mark.parametrize(
    ("blocks", "path", "on"),
    [
        (({"every": "2 weeks"}, {"every": "3 weeks"}), "blocks[1].at", "thursday 2026-12-03"),
        (({"every": "2 weeks"}, {"every": "3 weeks", "from": "2026-12-08"}), "blocks[1].at", "thursday 2026-12-31"),
        (({}, {"every": "month", "day": 15}), "blocks[1].at", "thursday 2027-04-15"),
        (({}, {"every": "month", "day": [15, "first thursday"]}), "blocks[1].at", "thursday 2026-12-03"),
        (({"every": "month", "day": "first thursday"}, {"every": "month", "day": 3}), "blocks[1].at", "2026-12-03"),
        (({"every": "month", "day": ["fourth friday", "last friday"]},), "blocks[0].day", "friday 2026-12-25"),
        (({"every": "5 months", "day": [1, "first monday"]},), "blocks[0].day", "monday 2029-01-01"),
    ],
)
def test_blocks_that_ever_meet_are_told_the_first_day(blocks: tuple[dict[str, Any], ...], path: str, on: str) -> None:
    [told] = problems(with_blocks(*({**block, "from": block.get("from", "2026-12-01")} for block in blocks)))
    assert told.startswith(path)
    assert on in told


def test_a_zone_that_is_wrong_hides_no_meeting() -> None:
    told = problems(with_blocks({}, {}, time_zone="Stockholm"))
    assert [line.partition("  ")[0] for line in told] == ["organization.time_zone", "blocks[1].at"]


@given(st.data())
def test_blocks_are_refused_exactly_when_they_meet(data: st.DataObject) -> None:
    made = [data.draw(strategies.blocks(["alla"], [], frozenset(Language), key)) for key in ("one", "two", "three")]
    plain = [json.loads(one.model_dump_json(by_alias=True, exclude_defaults=True)) for one in made]
    tenant = {**EXAMPLE["tenant"], "organizer": "larande@fjallvik.example"}
    settings = {**EXAMPLE, "tenant": tenant, "blocks": plain}
    meeting = [
        f"blocks[{later}].at"
        for (_, one), (later, other) in itertools.combinations(enumerate(made), 2)
        if strategies.meet(one, other)
    ]
    if meeting:
        assert sorted(line.partition("  ")[0] for line in problems(settings)) == sorted(meeting)
    else:
        assert [one.id for one in parsed(settings).blocks] == ["one", "two", "three"]
