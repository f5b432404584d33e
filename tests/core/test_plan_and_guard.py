"""A plan as data, its checksum, and the guard that refuses an unusual one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from holdfast.core.model import DesiredSeries, Fingerprint, Slot, Weekday, Weekly
from holdfast.core.plan import Change, Create, End, Plan, Planned, Reason, Rewrite, UnsafePlan, guard, row, slot_text
from tests.core.world import a_series

SLOT = Slot(Weekly(Weekday.THURSDAY), time(9), 60, "Europe/Stockholm")
SERIES = DesiredSeries(
    block="lartimmen",
    slot=SLOT,
    first=date(2026, 12, 3),
    last=date(2027, 5, 27),
    subject="Lärtimmen",
    body="<p>Tid att lära.</p>",
    category="Lärande",
    reminder=10,
    fingerprint=Fingerprint("9ac1", "77fe"),
)
OLD = a_series(SLOT, date(2026, 9, 3), date(2027, 2, 25), generation=2)
CREATE = Create("lartimmen", 3, SERIES, Reason.NEW)
REWRITE = Rewrite("lartimmen", OLD, SERIES, Reason.EDITED)
END = End("lartimmen", OLD, date(2026, 12, 1), Reason.LEFT, OLD.tag, whole=False, occurrences=("a", "b"))


def plan(*changes: Change, mailbox: str = "id-ann", address: str = "ann@fjallvik.example") -> Plan:
    return Plan.of([Planned(mailbox, address, changes)])


def test_the_rows_say_what_is_done_where_and_why() -> None:
    mine = {"mailbox": "ann@fjallvik.example", "id": "id-ann", "block": "lartimmen"}
    assert plan(CREATE, REWRITE, END).rows() == [
        {
            **mine,
            "change": "create",
            "reason": "new",
            "writes": 1,
            "generation": 3,
            "slot": "Thursdays 09:00-10:00 Europe/Stockholm",
            "first": "2026-12-03",
            "last": "2027-05-27",
            "subject": "Lärtimmen",
            "fingerprint": "9ac1-77fe",
            "days_off": [],
        },
        {
            **mine,
            "change": "rewrite",
            "reason": "edited",
            "writes": 1,
            "generation": 2,
            "subject": "Lärtimmen",
            "fingerprint": "9ac1-77fe",
        },
        {
            **mine,
            "change": "end",
            "reason": "left",
            "writes": 4,
            "generation": 2,
            "since": "2026-12-01",
            "whole": False,
            "range_end": None,
        },
    ]


def test_the_rows_are_plain_data() -> None:
    rows = plan(CREATE, REWRITE, END).rows()
    assert json.loads(json.dumps(rows)) == rows


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        (replace(SLOT, at=time(23), minutes=60), "Thursdays 23:00-24:00 Europe/Stockholm"),
        (replace(SLOT, at=time(8, 45), minutes=90), "Thursdays 08:45-10:15 Europe/Stockholm"),
    ],
)
def test_a_slot_is_read_from_when_to_when(slot: Slot, text: str) -> None:
    assert slot_text(slot) == text


def test_writes_are_counted() -> None:
    assert (CREATE.writes, REWRITE.writes, END.writes, replace(END, whole=True).writes) == (1, 1, 4, 1)
    assert plan(CREATE, REWRITE, END).writes == 6


def test_no_plan_of_blocks_sends_mail() -> None:
    assert plan(CREATE, REWRITE, END).mails == 0


def test_a_plan_without_changes_is_false_and_has_no_mailboxes() -> None:
    assert not plan()
    assert Plan.of([Planned("id-ann", "ann@fjallvik.example", ())]).mailboxes == ()
    assert plan(CREATE)


def test_mailboxes_stand_in_the_order_of_their_addresses() -> None:
    people = [Planned(f"id-{n}", f"{name}@fjallvik.example", (CREATE,)) for n, name in enumerate(("cia", "ann", "bo"))]
    assert [planned.address.split("@")[0] for planned in Plan.of(people).mailboxes] == ["ann", "bo", "cia"]


@pytest.mark.parametrize(
    "other",
    [
        plan(),
        plan(CREATE, CREATE),
        plan(CREATE, mailbox="id-bo"),
        plan(CREATE, address="bo@fjallvik.example"),
        plan(replace(CREATE, block="kodtimmen")),
        plan(replace(CREATE, generation=4)),
        plan(replace(CREATE, reason=Reason.REMADE)),
        plan(replace(CREATE, series=replace(SERIES, first=date(2026, 12, 10)))),
        plan(replace(CREATE, series=replace(SERIES, last=date(2027, 5, 20)))),
        plan(replace(CREATE, series=replace(SERIES, slot=replace(SLOT, minutes=45)))),
        plan(replace(CREATE, series=replace(SERIES, subject="Lärstunden"))),
        plan(replace(CREATE, series=replace(SERIES, fingerprint=Fingerprint("9ac1", "77ff")))),
    ],
)
def test_the_checksum_changes_with_anything_a_row_says(other: Plan) -> None:
    assert plan(CREATE).checksum != other.checksum


@pytest.mark.parametrize(
    "other",
    [
        plan(replace(END, since=date(2026, 12, 2))),
        plan(replace(END, whole=True)),
        plan(replace(END, occurrences=("a",))),
        plan(replace(END, actual=replace(OLD, tag=replace(OLD.tag, generation=3)))),
        plan(replace(END, reason=Reason.DROPPED)),
    ],
)
def test_the_checksum_of_an_end_too(other: Plan) -> None:
    assert plan(END).checksum != other.checksum


def test_the_order_of_changes_in_a_mailbox_is_part_of_the_plan() -> None:
    assert plan(CREATE, END).checksum != plan(END, CREATE).checksum


def test_the_checksum_is_short_and_stays_the_same_over_releases() -> None:
    assert plan(CREATE, REWRITE, END).checksum == "d45761ef5cb1"


def test_a_row_names_each_reason_in_lower_case() -> None:
    assert {row(replace(CREATE, reason=reason))["reason"] for reason in Reason} == {r.name.lower() for r in Reason}


class TestGuard:
    """``touched`` of ``managed`` people, 30 % and 10 people unless said otherwise."""

    def refused(
        self, touched: int, managed: int, *, change: Change = CREATE, complete: Any = ("lartimmen",), **limits: int
    ) -> UnsafePlan | None:
        people = [Planned(f"id-{n}", f"p{n}@fjallvik.example", (change,)) for n in range(touched)]
        everyone = [f"id-{n}" for n in range(managed)]
        try:
            guard(Plan.of(people), managed=everyone, complete=complete, **{"share": 30, "count": 10, **limits})
        except UnsafePlan as refusal:
            return refusal
        return None

    @pytest.mark.parametrize(
        ("touched", "managed", "refused"),
        [
            (0, 0, False),
            (10, 10, False),
            (11, 11, True),
            (11, 36, True),
            (11, 37, False),
            (30, 100, False),
            (31, 100, True),
            (300, 1000, False),
            (301, 1000, True),
            (1, 1, False),
        ],
    )
    def test_it_takes_more_than_both_limits(self, touched: int, managed: int, *, refused: bool) -> None:
        assert (self.refused(touched, managed) is not None) is refused

    def test_the_limits_are_the_settings(self) -> None:
        assert self.refused(2, 2, count=1)
        assert not self.refused(2, 2, count=2)
        assert not self.refused(100, 100, share=100)
        assert self.refused(1, 1000, share=0, count=0)

    def test_a_newcomer_counts_among_everyone(self) -> None:
        assert self.refused(11, 0)
        refusal = self.refused(20, 5)
        assert refusal
        assert (refusal.touched, refusal.managed) == (20, 20)

    @pytest.mark.parametrize("reason", Reason)
    def test_what_nobody_decided_is_not_counted(self, reason: Reason) -> None:
        decided = reason not in {
            Reason.REMADE,
            Reason.CONTINUED,
            Reason.DOUBLE,
            Reason.UNFINISHED,
            Reason.FOUND,
            Reason.REMOVED,
            Reason.ERASED,
            Reason.DAY_OFF,
            Reason.WEEKS,
        }
        assert (self.refused(50, 50, change=replace(CREATE, reason=reason)) is not None) is decided

    @pytest.mark.parametrize("change", [CREATE, REWRITE, END])
    def test_every_kind_of_change_counts(self, change: Change) -> None:
        assert self.refused(50, 50, change=change)

    def test_a_block_that_is_being_introduced_is_not_counted(self) -> None:
        assert not self.refused(50, 50, complete=())
        assert not self.refused(50, 50, complete=("kodtimmen",))
        assert self.refused(50, 50, complete=("kodtimmen", "lartimmen"))

    def test_that_many_have_left_counts_also_while_a_block_is_being_introduced(self) -> None:
        assert self.refused(50, 50, change=replace(END, reason=Reason.LEFT), complete=())

    def test_a_person_with_many_changes_counts_once(self) -> None:
        people = [Planned(f"id-{n}", f"p{n}@fjallvik.example", (CREATE, REWRITE, END)) for n in range(10)]
        guard(Plan.of(people), managed=(), complete={"lartimmen"}, share=30, count=10)

    def test_the_refusal_says_how_many_and_what_to_do(self) -> None:
        assert str(self.refused(31, 100)) == (
            "The plan changes the blocks of 31 of 100 people, more than 30 % and more than 10. Nothing was written. "
            "If that is what you want, look through the plan and run `holdfast apply --force`; if not, look at the "
            "last edit of the settings and at the groups."
        )
