"""Everyone is accounted for, and named only where technology failed them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import Denied, NoMailbox, Throttled, Unreachable
from holdfast.core.report import INCOMPLETE, Account, Excuse, MailboxState, Problem, Report

BEGAN = datetime(2026, 12, 1, 8, tzinfo=UTC)
DENIED = Problem.of(Denied("Access is denied.", status=403, code="ErrorAccessDenied", request_id="r-1"))


def account(
    name: str = "ann", state: MailboxState = MailboxState.HELD, reason: str = "", problem: Problem | None = None
) -> Account:
    return Account(f"id-{name}", f"{name}@fjallvik.example", state, reason, problem)


def report(*audience: Account, others: tuple[Account, ...] = ()) -> Report:
    met = {"moved, kept where it was moved to": 1, "deleted, put back": 2}
    return Report("sweep", BEGAN, BEGAN.replace(minute=5), audience, others, 3, planned_writes=4, protected=met)


@given(st.lists(st.sampled_from(MailboxState)))
def test_the_states_add_up_to_the_audience(states: list[MailboxState]) -> None:
    counted = report(*(account(f"p{n}", state) for n, state in enumerate(states))).counts()
    assert sum(counted.values()) == len(states)
    assert list(counted) == list(MailboxState)
    assert all(count == states.count(state) for state, count in counted.items())


def test_others_are_not_of_the_audience() -> None:
    run = report(account(), others=(account("bo", MailboxState.CHANGED),))
    assert sum(run.counts().values()) == 1
    assert run.data()["others"] == {"changed": 1}


def test_a_run_that_reached_nobody_is_a_failure() -> None:
    assert not report().complete
    assert not report(account(state=MailboxState.UNREAD), account("bo", MailboxState.UNREAD)).complete


@pytest.mark.parametrize("state", MailboxState)
def test_one_mailbox_that_somebody_should_look_at_makes_a_run_incomplete(state: MailboxState) -> None:
    expected = state not in {MailboxState.UNREAD, MailboxState.UNCONFIRMED, MailboxState.FAILED}
    assert report(account(), account("bo", state)).complete is expected
    assert report(account(), others=(account("bo", state),)).complete is expected
    assert (state not in INCOMPLETE) is expected


def test_reasons_are_counted_most_first() -> None:
    excuses = [Excuse.SHARED, Excuse.GUEST, Excuse.GUEST]
    run = report(*(account(f"p{n}", MailboxState.EXCUSED, excuse) for n, excuse in enumerate(excuses)), account())
    assert list(run.reasons(MailboxState.EXCUSED).items()) == [("a guest", 2), ("a shared mailbox", 1)]
    assert run.reasons(MailboxState.HELD) == {}


def test_problems_stand_in_the_order_of_addresses() -> None:
    run = report(
        account("cia", MailboxState.FAILED, "x", DENIED),
        account("bo"),
        others=(account("ann", MailboxState.UNREAD, "y", DENIED),),
    )
    assert [found.address[:3] for found in run.problems] == ["ann", "cia"]


@given(st.lists(st.sampled_from(MailboxState), min_size=1))
def test_data_names_nobody_but_for_technical_failures(states: list[MailboxState]) -> None:
    people = [
        account(f"p{n}x", state, "a reason", DENIED if state in INCOMPLETE else None) for n, state in enumerate(states)
    ]
    told = json.dumps(report(*people).data())
    for person in people:
        assert (person.address in told) is (person.state in INCOMPLETE)
        assert person.mailbox not in told


def test_data_is_the_whole_run() -> None:
    run = report(account(), account("bo", MailboxState.FAILED, "could not be written", DENIED))
    assert run.data() == {
        "job": "sweep",
        "began": "2026-12-01T08:00:00+00:00",
        "ended": "2026-12-01T08:05:00+00:00",
        "audience": 2,
        "states": {
            "held": 1,
            "changed": 0,
            "excused": 0,
            "waiting": 0,
            "unread": 0,
            "unconfirmed": 0,
            "failed": 1,
        },
        "excused": {},
        "others": {},
        "protected": {"deleted, put back": 2, "moved, kept where it was moved to": 1},
        "writes": 3,
        "planned_writes": 4,
        "complete": False,
        "note": "",
        "problems": [
            {
                "mailbox": "bo@fjallvik.example",
                "state": "failed",
                "message": "Access is denied.",
                "cure": "Run `holdfast check`: it names the permission to grant.",
                "code": "ErrorAccessDenied",
                "request_id": "r-1",
            }
        ],
    }


def test_a_problem_has_the_code_or_else_the_status() -> None:
    assert Problem.of(Throttled("Slow down.", retry_after=3)).code == "429"
    assert Problem.of(Unreachable("No answer.")).code == ""
    assert Problem.of(NoMailbox("None.", code="MailboxNotEnabledForRESTAPI")).code == "MailboxNotEnabledForRESTAPI"


def test_a_problem_has_the_cure_of_its_kind_or_its_own() -> None:
    assert "licence" in Problem.of(NoMailbox("None.")).cure
    assert Problem.of(Denied("No.", cure="Grant it.")).cure == "Grant it."


@pytest.mark.parametrize("state", MailboxState)
def test_every_state_has_a_meaning(state: MailboxState) -> None:
    assert state.meaning
