"""The health route: what makes it red, one reason at a time; never a name, and never everybody's rows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from functions.health import health
from holdfast import wiring
from holdfast.cli.init import example
from holdfast.core.model import SlotKey
from holdfast.core.report import MailboxState
from holdfast.core.settings import Language
from holdfast.jobs.health import LONG, POISONED, take_stock
from holdfast.jobs.ports import Placed, Run, State, Subscription
from holdfast.jobs.subscriptions import LASTS
from holdfast.wiring import Place, SystemClock

HOUR = timedelta(hours=1)
SLOT = SlotKey("learning-hour", "09:00")
URL = "https://holdfast.fjallvik.example/api/notifications"
POSTING = """
channels:
  - id: larande
    team: Utveckling
    channel: Lärande
    audiences: [everyone]
    post: {every: week, day: friday, at: "14:00"}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("HOLDFAST_SETTINGS", str(tmp_path / "settings.yaml"))
    for name in ("HOLDFAST_STATE", "HOLDFAST_NOTIFICATION_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "settings.yaml").write_text(example(Language.EN), encoding="utf-8")
    return Place.of(None, wiring.environment())


@pytest.fixture
async def state(place: Place) -> AsyncIterator[State]:
    async with wiring.remembering(place, place.settings()) as memory:
        yield memory.state


async def ask() -> tuple[int, dict[str, Any]]:
    answer = await health(func.HttpRequest(method="GET", url="/api/health", body=b""))
    return answer.status_code, json.loads(answer.get_body())


async def why() -> str:
    status, body = await ask()
    assert status == (503 if body["why"] else 200)
    assert body["healthy"] is not bool(body["why"])
    return str(body["why"])


def ago(age: timedelta) -> datetime:
    return datetime.now(UTC) - age


async def report(state: State, *, age: timedelta, problems: int = 0, states: dict[str, int] | None = None) -> None:
    problem = {"mailbox": "anna@fjallvik.example", "state": "failed", "message": POISONED, "cure": "", "code": ""}
    run = {
        "job": "sweep",
        "ended": ago(age).isoformat(),
        "states": {"held": 3, "unread": 1} if states is None else states,
        "problems": [problem] * problems,
    }
    await state.record_run(run)


def run(job: str, *, began: timedelta, ended: timedelta | None = None) -> Run:
    return Run(job + str(began), job, ago(began), {"look": 1}, ended=None if ended is None else ago(ended))


async def test_before_the_first_run_all_is_well(place: Place) -> None:
    assert place
    assert await ask() == (200, {"healthy": True, "why": "", "last_run_age_seconds": None})


async def test_a_recent_run_is_healthy_and_its_age_is_told(state: State) -> None:
    await report(state, age=timedelta(minutes=40))
    status, body = await ask()
    assert status == 200
    assert 2400 <= body["last_run_age_seconds"] < 2460


class TestSweepsThatDoNotCome:
    @pytest.mark.parametrize(
        ("every", "fine", "stalled"), [("1 hour", 2.9, 3.1), ("2 hours", 5.9, 6.1), ("24 hours", 71.0, 73.0)]
    )
    async def test_three_of_their_lengths_are_waited_for(
        self, place: Place, state: State, every: str, fine: float, stalled: float
    ) -> None:
        settings = place.settings_path.read_text(encoding="utf-8")
        place.settings_path.write_text(f"{settings}\nsweep: {{every: {every}}}\n", encoding="utf-8")
        await report(state, age=timedelta(hours=fine))
        assert await why() == ""
        await report(state, age=timedelta(hours=stalled))
        assert "no run has begun or ended for more than" in await why()

    async def test_one_that_has_begun_since_is_a_sign_of_life(self, state: State) -> None:
        await report(state, age=5 * HOUR)
        await state.begin_run(run("sweep", began=timedelta(minutes=5)))
        assert await why() == ""

    async def test_one_that_began_and_left_no_report_is_missed_as_well(self, state: State) -> None:
        await state.begin_run(run("sweep", began=5 * HOUR, ended=4 * HOUR))
        assert await why() == "no run has begun or ended for more than 3 hours"


@pytest.mark.parametrize("job", ["sweep", "plan", "apply"])
async def test_a_run_that_goes_on_for_too_long(state: State, job: str) -> None:
    await report(state, age=timedelta(minutes=10))
    await state.begin_run(run(job, began=30 * HOUR))
    assert await why() == "", "a day later it is past mending"
    await state.begin_run(run(job, began=LONG + timedelta(minutes=5)))
    assert await why() == f"a run ({job}) has been going on for more than 2 hours"
    await state.begin_run(run(job, began=LONG - timedelta(minutes=5)))
    assert await why() == ""


@pytest.mark.parametrize("states", [{"unread": 5, "held": 0}, {}])
async def test_a_run_that_reached_nobody(state: State, states: dict[str, int]) -> None:
    await report(state, age=timedelta(minutes=1), states=states)
    assert await why() == "the last run reached nobody"


async def test_mailboxes_whose_message_became_poison_are_counted(state: State) -> None:
    await report(state, age=timedelta(minutes=1), problems=20)
    assert await why() == "in the last run 20 mailboxes failed five times over, and the log says why"


class TestSubscriptions:
    """Thirty people with blocks, of whom some have no subscription any more."""

    @pytest.fixture(autouse=True)
    def told_of(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        assert place
        monkeypatch.setenv("HOLDFAST_NOTIFICATION_URL", URL)

    async def stand(self, place: Place, state: State, *, missing: int = 0, lapsing: int = 0, people: int = 30) -> None:
        for number in range(people):
            mailbox = f"00000000-0000-4000-8000-{number:012}"
            await state.place(Placed(mailbox, f"{number}@fjallvik.example", frozenset({SLOT}), frozenset({"everyone"})))
            left = timedelta(hours=5) if number < missing + lapsing else LASTS
            if number >= missing:
                await state.subscribe(Subscription(mailbox, f"sub-{number}", datetime.now(UTC) + left, "mark"))
        await take_stock(place.settings(), state, SystemClock())

    async def test_a_few_that_are_missing_are_normal(self, place: Place, state: State) -> None:
        await self.stand(place, state, missing=5, lapsing=5)
        assert await why() == ""

    async def test_many_that_are_missing(self, place: Place, state: State) -> None:
        await self.stand(place, state, missing=11)
        assert await why() == "11 of 30 mailboxes with blocks have no subscription"

    async def test_many_that_run_out(self, place: Place, state: State) -> None:
        await self.stand(place, state, lapsing=11)
        assert await why() == "11 of 30 mailboxes with blocks have a subscription that runs out soon"

    async def test_all_that_are_missing_in_a_small_firm(self, place: Place, state: State) -> None:
        await self.stand(place, state, missing=4, people=4)
        assert await why() == "4 of 4 mailboxes with blocks have no subscription"

    async def test_nobody_who_sees_to_them(self, place: Place, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
        await self.stand(place, state)
        now = datetime.now(UTC)
        await report(state, age=-2 * HOUR)
        monkeypatch.setattr(SystemClock, "now", lambda _: now + timedelta(hours=2, minutes=1))
        assert await why() == "nobody has seen to the subscriptions for more than 2 hours"

    async def test_without_an_address_nobody_misses_any(
        self, place: Place, state: State, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await self.stand(place, state, missing=30)
        monkeypatch.delenv("HOLDFAST_NOTIFICATION_URL")
        assert await why() == ""

    async def test_asking_reads_nobodys_rows(self, place: Place, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
        await self.stand(place, state, missing=11)
        for everybody in ("placed", "subscriptions"):
            monkeypatch.setattr(type(state), everybody, None)
        assert await why() == "11 of 30 mailboxes with blocks have no subscription"


class TestTheSignIn:
    @pytest.fixture(autouse=True)
    def posting(self, place: Place) -> None:
        text = place.settings_path.read_text(encoding="utf-8").replace("  tenant_id:", f"{LOGIN}  tenant_id:", 1)
        place.settings_path.write_text(text + POSTING, encoding="utf-8")

    @pytest.mark.parametrize(
        ("unused", "told"),
        [
            (timedelta(days=75), ""),
            (timedelta(days=80), "the sign-in of the account that posts lapses in 9 days"),
            (timedelta(days=89, hours=12), "the sign-in of the account that posts lapses in a day or less"),
            (timedelta(days=91), "the sign-in of the account that posts has lapsed"),
        ],
    )
    async def test_one_that_lapses(self, state: State, unused: timedelta, told: str) -> None:
        await state.keep_token_cache(b"tokens", ago(unused))
        assert await why() == told

    async def test_one_that_cannot_be_read(self, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
        await state.keep_token_cache(b"tokens", ago(timedelta(days=1)))
        monkeypatch.setenv("HOLDFAST_KEY", "x" * 43)
        assert await why() == "the sign-in of the account that posts cannot be read under this key"

    async def test_nobody_has_signed_in_yet(self, state: State) -> None:
        assert await state.signed_in() is None
        assert await why() == ""


LOGIN = "  login: {client_id: 5e6f7a8b-9c0d-4e1f-8a2b-3c4d5e6f7a8b, account: larande@fjallvik.example}\n"


async def test_who_does_not_post_by_an_account_needs_no_sign_in(state: State) -> None:
    await state.keep_token_cache(b"tokens", ago(timedelta(days=91)))
    assert await why() == ""


async def test_all_reasons_are_told_and_nobody_is_named(state: State) -> None:
    await report(state, age=5 * HOUR, states={MailboxState.FAILED.value: 2}, problems=2)
    told = await why()
    assert [len(told.split("; ")), "anna" in told, "fjallvik" in told] == [3, False, False]


async def test_broken_settings_are_told_to_the_log_and_not_to_strangers(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.settings_path.write_text("version: 1\nsecret: hunter2\n", encoding="utf-8")
    status, body = await ask()
    assert status == 503
    assert "log" in body["why"]
    assert "hunter2" not in str(body)
    assert "settings.yaml:2:1" in caplog.text
