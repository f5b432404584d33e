"""What a plan, a report, a status and a check read like. The texts are in tests/golden/cli."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from holdfast.cli import render
from holdfast.cli.init import example
from holdfast.cli.planfile import changed_since
from holdfast.core.desired import desired
from holdfast.core.finding import Finding
from holdfast.core.model import ActualSeries, Landing, Occurrence, Tag
from holdfast.core.plan import Change, Create, End, Move, Plan, Planned, Reason, Rewrite, Skip
from holdfast.core.report import Account, MailboxState, Problem, Report
from holdfast.core.settings import Language, Mode, parse
from holdfast.jobs.ports import Approval, SignedIn
from holdfast.jobs.status import Status
from tests.golden import GOLDEN, check_golden

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SETTINGS = parse(example(Language.EN), name="settings.yaml", environment={})
(WANT,) = desired(SETTINGS, ["everyone"], NOW).wants
TAG = Tag("learning-hour", 0, WANT.series.fingerprint, WANT.series.first, WANT.series.last)
STANDING = ActualSeries("AAk=", 'W/"1"', TAG, NOW, WANT.series.last, NOW, "Europe/Stockholm", ())
DATE = Occurrence("AAk=/1", NOW, NOW, NOW)
CHRISTMAS_EVE = Landing(date(2026, 12, 24), None, "Christmas Eve")
ASCENSION = Landing(date(2027, 5, 6), date(2027, 5, 5), "Ascension Day")


def address(number: int) -> str:
    return f"person{number:03}@fjallvik.example"


def planned(number: int, *changes: Change) -> Planned:
    return Planned(f"id-{number}", address(number), changes)


def create(reason: Reason, generation: int = 0, first: date | None = None) -> Create:
    series = replace(WANT.series, first=first) if first else WANT.series
    return Create("learning-hour", generation, series, reason)


def end(reason: Reason, block: str = "learning-hour") -> End:
    return End(block, STANDING, date(2026, 11, 25), reason, TAG, False, ("a", "b"))


SLOT = WANT.series.slot
DAY_OFF = Reason.DAY_OFF

PLANS = {
    "nothing": Plan.of([]),
    "one-new-person": Plan.of([planned(1, create(Reason.NEW))]),
    "everybody-new": Plan.of([planned(n, create(Reason.NEW)) for n in range(1000)]),
    "all-kinds": Plan.of(
        [
            *(planned(n, create(Reason.NEW)) for n in range(7)),
            planned(10, create(Reason.REMADE, 1, date(2026, 12, 10))),
            planned(11, create(Reason.REMADE, 2, date(2026, 12, 17))),
            planned(20, end(Reason.LEFT)),
            planned(21, Rewrite("learning-hour", STANDING, WANT.series, Reason.EDITED)),
            planned(22, create(Reason.RESCHEDULED, 1), end(Reason.RESCHEDULED)),
            planned(23, end(Reason.DROPPED, "old-block")),
        ]
    ),
    "days-off": Plan.of(
        [
            *(planned(n, replace(create(Reason.NEW), landings=(CHRISTMAS_EVE, ASCENSION))) for n in range(7)),
            *(planned(n, create(Reason.NEW)) for n in range(7, 9)),
            *(planned(n, Skip("learning-hour", STANDING, DATE, CHRISTMAS_EVE, SLOT, DAY_OFF)) for n in range(10, 18)),
            planned(20, Move("learning-hour", STANDING, DATE, ASCENSION, SLOT, DAY_OFF)),
            planned(21, end(Reason.OUTSIDE)),
            planned(22, create(Reason.ZONE, 1), end(Reason.ZONE)),
        ]
    ),
}


@pytest.mark.parametrize("name", list(PLANS))
def test_plan_text(name: str) -> None:
    check_golden(GOLDEN / "cli" / f"plan-{name}.txt", render.plan_text(PLANS[name], SETTINGS) + "\n")


def test_a_plan_says_what_it_costs_and_that_it_sends_no_mail() -> None:
    text = render.plan_text(PLANS["all-kinds"], SETTINGS)
    assert f"{PLANS['all-kinds'].writes} Graph writes, 0 mails." in text
    assert PLANS["all-kinds"].checksum in text


def failing(number: int, state: MailboxState, message: str, request_id: str = "") -> Account:
    problem = Problem(message, "Grant Calendars.ReadWrite (application).", "ErrorAccessDenied", request_id)
    return Account(f"id-{number}", address(number), state, "could not be read", problem)


REPORT = Report(
    job="apply",
    began=NOW,
    ended=NOW + timedelta(seconds=9),
    audience=(
        *(Account(f"id-{n}", address(n), MailboxState.CHANGED) for n in range(100)),
        *(Account(f"id-{n}", address(n), MailboxState.EXCUSED, "a guest") for n in range(100, 104)),
        Account("id-104", address(104), MailboxState.EXCUSED, "a room or equipment"),
        *(failing(n, MailboxState.UNREAD, "Access is denied.", f"request-{n}") for n in range(105, 112)),
        failing(112, MailboxState.FAILED, "The mailbox is full."),
    ),
    writes=101,
)


def test_report_text() -> None:
    rows = ["  ".join(row) for row in render.state_rows(REPORT)]
    check_golden(GOLDEN / "cli" / "report.txt", "\n".join([*rows, *render.problem_lines(REPORT.problems)]) + "\n")


def test_the_states_shown_add_up_to_the_audience() -> None:
    *states, (last, total, _) = render.state_rows(REPORT)
    assert last == "audience"
    assert sum(int(count) for _, count, _ in states) == int(total) == len(REPORT.audience)


STATUS = Status(
    organization="Fjällvik AB",
    mode=Mode.KEEP,
    fingerprint="e8f20b3493480fb2",
    approval=Approval("0123456789abcdef", "", NOW, {}),
    edit_waits=True,
    people_placed=1,
    last_run=REPORT.data(),
    age=timedelta(minutes=61),
)


SIGNED_IN = SignedIn(NOW - timedelta(days=200), NOW)
SIGNED_IN_TEXT = "Signed in to post to channels since 2026-05-09, last used on 2026-11-25."


def test_status_text() -> None:
    check_golden(GOLDEN / "cli" / "status.txt", "\n".join(render.status_lines(STATUS)) + "\n")


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ({}, []),
        ({"posts": True}, ["Nobody is signed in to post to channels: run `holdfast login`."]),
        ({"login": SIGNED_IN}, [SIGNED_IN_TEXT]),
        ({"login": SIGNED_IN, "unused": timedelta(days=59)}, [SIGNED_IN_TEXT]),
        (
            {"login": SIGNED_IN, "unused": timedelta(days=89)},
            [
                SIGNED_IN_TEXT,
                "The sign-in lapses in 1 day unless something is posted: run `holdfast login` to renew it.",
            ],
        ),
        (
            {"login": SIGNED_IN, "unused": timedelta(days=90)},
            [SIGNED_IN_TEXT, "The sign-in has not been used for 90 days and has lapsed: run `holdfast login`."],
        ),
        ({"login": SIGNED_IN, "unreadable": "It cannot be read."}, ["It cannot be read."]),
    ],
)
def test_what_status_says_of_the_account_that_posts(more: dict[str, Any], lines: list[str]) -> None:
    plain = list(render.status_lines(STATUS))
    assert [line for line in render.status_lines(replace(STATUS, **more)) if line not in plain] == lines


def test_findings_text() -> None:
    findings = [
        Finding("Sign-in", "tenant 3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"),
        Finding(
            "Audience everyone: exclude jour@fjallvik.example", "nobody in the group", "Check the address.", fatal=False
        ),
        Finding("Calendar of person001@fjallvik.example", "denied", "Grant Calendars.ReadWrite (application)."),
    ]
    check_golden(GOLDEN / "cli" / "findings.txt", "\n".join(render.finding_lines(findings)) + "\n")


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_ages(age: timedelta, text: str) -> None:
    assert render.age_text(age) == text


CHANGE = "person001@fjallvik.example, create, learning-hour, Thursdays 09:00-10:00 Europe/Stockholm"


def test_what_changed_since_a_review_is_named_row_by_row() -> None:
    before, after = PLANS["one-new-person"].rows(), [*PLANS["all-kinds"].rows()]
    assert changed_since(before, before) == []
    lines = changed_since(before, after)
    assert not [line for line in lines if line.startswith("no longer")]
    assert len(lines) == len(after) - 1
    moved = [{**before[0], "first": "2026-12-10"}]
    assert changed_since(before, moved) == [
        f"no longer: {CHANGE}, 2026-12-03, 2027-05-27, new",
        f"now: {CHANGE}, 2026-12-10, 2027-05-27, new",
    ]
