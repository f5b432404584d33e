"""The status page: all that an admin has to know, nobody named but for technical failures, and nothing unescaped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from holdfast.core.settings import Mode
from holdfast.jobs.health import Health
from holdfast.jobs.overview import GoingOn, Overview
from holdfast.jobs.ports import Approval, SignedIn
from holdfast.jobs.status import Status
from holdfast.jobs.subscriptions import Standing
from holdfast.pages.status import HEADERS, NAMES_SHOWN, status_page, trouble_page
from tests.golden import GOLDEN, check_golden

NOW = datetime(2026, 12, 3, 8, 30, tzinfo=UTC)
RUN: dict[str, Any] = {
    "job": "sweep",
    "began": "2026-12-03T08:00:00+00:00",
    "ended": "2026-12-03T08:04:00+00:00",
    "audience": 136,
    "states": {"held": 100, "changed": 2, "excused": 16, "waiting": 17, "unread": 0, "unconfirmed": 0, "failed": 1},
    "excused": {"a guest": 5, "opted out": 11},
    "others": {"held": 3},
    "protected": {"deleted, put back": 4, "moved, kept where it was moved to": 9},
    "writes": 6,
    "planned_writes": 23,
    "complete": False,
    "note": "The settings file has been edited since it was approved; the edit waits for `holdfast apply`.",
    "problems": [
        {
            "mailbox": "ann.berg@fjallvik.example",
            "state": "failed",
            "message": "Access is denied.",
            "cure": "Grant it.",
            "code": "ErrorAccessDenied",
            "request_id": "7f105c7d",
        }
    ],
}
APPROVAL = Approval("b4d1f00dcafe", "version: 1", NOW - timedelta(days=9), {}, frozenset({"lartimmen"}))
STATUS = Status(
    organization="Fjällvik AB",
    mode=Mode.KEEP,
    fingerprint="0ddba11",
    approval=APPROVAL,
    edit_waits=True,
    people_placed=120,
    last_run=RUN,
    age=timedelta(minutes=26),
    posts=True,
    login=SignedIn(NOW - timedelta(days=100), NOW - timedelta(days=70)),
    unused=timedelta(days=70),
)
FULL = Overview(
    at=NOW,
    zone="Europe/Stockholm",
    status=STATUS,
    health=Health("", timedelta(minutes=26)),
    going_on=GoingOn(NOW - timedelta(minutes=1), 3, 7),
    subscriptions=Standing(4, 1),
    next_sweep=NOW + timedelta(minutes=30),
)


class Text(HTMLParser):
    """What a person reads, and whether every tag that is opened is closed."""

    VOID = frozenset({"meta"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self._open: list[str] = []
        self._said: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - its form
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._said.append(" " * (tag in {"td", "th"}))

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self._said.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self._said).split())


def read(overview: Overview) -> str:
    return Text(status_page(overview)).text


def test_the_whole_page() -> None:
    check_golden(GOLDEN / "pages" / "status.html", status_page(FULL))


def test_times_are_those_of_the_organisation() -> None:
    assert "The next sweep begins on 2026-12-03 10:00." in read(FULL)


def test_the_states_add_up_to_the_audience_and_states_that_nobody_is_in_are_left_out() -> None:
    said = read(FULL)
    assert "audience 136 everybody" in said
    assert "waiting 17 would be changed" in said
    assert "unread" not in said


def test_counts_by_reason_name_nobody_and_failures_name_the_mailbox_with_its_cure() -> None:
    said = read(FULL)
    assert "4: deleted, put back" in said
    assert "11: opted out" in said
    assert said.count("@fjallvik.example") == 1
    assert "ann.berg@fjallvik.example (failed): Access is denied. Grant it. Request id 7f105c7d." in said


def test_a_sweep_that_goes_on_is_shown_and_the_page_asked_for_again_meanwhile() -> None:
    assert "3 of 7 shards are done" in read(FULL)
    assert 'http-equiv="refresh"' in status_page(FULL)
    quiet = replace(FULL, going_on=None)
    assert "shards" not in read(quiet)
    assert 'http-equiv="refresh"' not in status_page(quiet)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subscriptions": None}, "have no tenant.notification_url"),
        ({"subscriptions": Standing(0, 0)}, "Graph tells at once of changes in every mailbox with blocks."),
        ({"next_sweep": NOW - timedelta(minutes=3), "going_on": None}, "A sweep is due now."),
        ({"health": Health("the last run reached nobody", None)}, "Look into this: the last run reached nobody."),
    ],
)
def test_what_else_may_be_so(change: dict[str, Any], said: str) -> None:
    assert said in read(replace(FULL, **change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mode": Mode.WATCH}, "it looks and reports, and writes nothing by itself"),
        ({"approval": None, "edit_waits": False}, "Nothing is approved yet"),
        ({"last_run": None, "age": None}, "There has been none yet."),
        ({"login": None}, "Nobody is signed in to post to channels: run holdfast login."),
        ({"unreadable": "It cannot be read."}, "It cannot be read."),
        ({"unused": timedelta(days=95)}, "has lapsed: run holdfast login"),
        ({"unused": timedelta(days=70)}, "It lapses in 20 days unless something is posted"),
        ({"last_run": {**RUN, "complete": True, "problems": []}}, "Everybody was reached."),
    ],
)
def test_what_the_status_may_be(change: dict[str, Any], said: str) -> None:
    assert said in read(replace(FULL, status=replace(STATUS, **change)))


def test_without_channels_nothing_is_said_of_signing_in() -> None:
    assert "Sign-in" not in read(replace(FULL, status=replace(STATUS, posts=False, login=None)))


def test_of_many_problems_some_are_shown_and_the_others_counted() -> None:
    problems = [{**RUN["problems"][0], "mailbox": f"{number}@fjallvik.example"} for number in range(NAMES_SHOWN + 7)]
    said = read(replace(FULL, status=replace(STATUS, last_run={**RUN, "problems": problems})))
    assert said.count("@fjallvik.example") == NAMES_SHOWN
    assert "And 7 more" in said


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7 * 7 }}"])
def test_nothing_that_comes_from_elsewhere_is_taken_for_html(evil: str) -> None:
    problem = {**RUN["problems"][0], "message": evil, "mailbox": evil}
    run = {**RUN, "note": evil, "excused": {evil: 1}, "protected": {evil: 2}, "problems": [problem]}
    page = status_page(replace(FULL, status=replace(STATUS, organization=evil, last_run=run)))
    assert "<script" not in page
    assert "<img" not in page
    assert Text(page).text.count(evil) == 7
    assert "<script" not in trouble_page(evil)


def test_the_policy_allows_no_more_than_the_style_that_the_page_has() -> None:
    page = status_page(FULL)
    assert page.count("<style>") == 1
    assert " style=" not in page
    assert " src=" not in page
    assert " href=" not in page
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
