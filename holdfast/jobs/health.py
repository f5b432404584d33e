"""Whether all goes on as it should, told without a name: for an uptime monitor, which anybody may be.

It is asked every minute or so, so it reads a few rows and never everybody's: how subscriptions stand is counted by who
keeps them, and kept as figures (``take_stock``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.core.errors import NotSignedIn
from holdfast.core.model import Clock
from holdfast.core.report import INCOMPLETE
from holdfast.core.settings import Settings, Via
from holdfast.jobs.ports import Run, State
from holdfast.jobs.runs import APPLY, PLAN, SWEEP
from holdfast.jobs.status import LASTS
from holdfast.jobs.subscriptions import standing

MISSED = 3
"""So many sweeps that did not come mean that none will: Azure's timers are known to stop."""

STALLED = timedelta(hours=3)
"""The least time for that, where sweeps come every hour."""

LONG = timedelta(hours=2)
"""A run that goes on for longer is stuck; under ``sweep.GIVEN_UP``, after which a sweep is begun over it."""

_OLD = timedelta(days=1)
"""A run that was stuck before that is past mending, and sweeps have come since or are missed by themselves."""

SOON = timedelta(days=14)
"""How long before its end a sign-in is to be seen to: a holiday of whoever does that."""

FEW, SHARE = 10, 0.05
"""Subscriptions that are missing or run out: more than so many, and more than this share of all, are no accident."""

UNCOUNTED = timedelta(hours=2)
"""Figures about subscriptions older than this mean that nobody keeps them: that is done every quarter of an hour."""

POISONED = "Looking at this mailbox failed five times over, for a reason that is not Graph's."
"""What is told of each mailbox of a message that became poison."""

_RUN, _STAGE = "subscriptions", "standing"
"""Under which the figures are kept, beside what became of shards."""


@dataclass(frozen=True, slots=True)
class Health:
    """``why`` says what is wrong, and names nobody; ``age`` is the time since the last run ended, if any has."""

    why: str
    age: timedelta | None

    def data(self) -> dict[str, object]:
        """The health as plain data."""
        age = None if self.age is None else int(self.age.total_seconds())
        return {"healthy": not self.why, "why": self.why, "last_run_age_seconds": age}


async def health(settings: Settings, state: State, now: datetime) -> Health:
    """The health at an instant. Before the first run all is well: the app may just have been started."""
    last = await state.last_run()
    latest = {job: await state.latest_run(job) for job in (SWEEP, PLAN, APPLY)}
    wrong = [
        *_about_runs(settings, last, latest, now),
        *_about_the_last(last),
        *await _about_subscriptions(settings, state, now),
        *await _about_the_sign_in(settings, state, now),
    ]
    return Health("; ".join(wrong), now - datetime.fromisoformat(last["ended"]) if last else None)


async def take_stock(settings: Settings, state: State, clock: Clock) -> None:
    """Count how subscriptions stand and keep the figures. Reads everybody: for who has just seen to them all."""
    if not settings.tenant.notification_url:
        return
    now, placed = clock.now(), await state.placed()
    found = standing(placed, await state.subscriptions(), now=now)
    figures = {"missing": found.missing, "lapsing": found.lapsing, "of": len(placed), "at": now.isoformat()}
    await state.record_shard(_RUN, _STAGE, 0, {"index": 0, **figures}, of=1)


def _about_runs(
    settings: Settings, last: Mapping[str, Any] | None, latest: Mapping[str, Run | None], now: datetime
) -> Iterator[str]:
    limit = max(STALLED, MISSED * settings.sweep.every.length)
    sweep = latest[SWEEP]
    signs = [datetime.fromisoformat(last["ended"])] if last else []
    signs += [at for at in (sweep.began, sweep.ended) if at is not None] if sweep else []
    if signs and now - max(signs) > limit:
        yield f"no run has begun or ended for more than {_told(limit)}"
    for job, run in latest.items():
        if run is not None and run.ended is None and LONG < now - run.began < _OLD:
            yield f"a run ({job}) has been going on for more than {_told(LONG)}"


def _about_the_last(last: Mapping[str, Any] | None) -> Iterator[str]:
    if last is None:
        return
    if sum(last["states"].values()) == sum(last["states"].get(state, 0) for state in INCOMPLETE):
        yield "the last run reached nobody"
    lost = sum(problem.get("message") == POISONED for problem in last["problems"])
    if lost:
        yield f"in the last run {lost} mailbox{'' if lost == 1 else 'es'} failed five times over, and the log says why"


async def _about_subscriptions(settings: Settings, state: State, now: datetime) -> list[str]:
    if not settings.tenant.notification_url:
        return []
    found = await state.shards(_RUN, _STAGE)
    if not found:
        return []
    figures = found[-1]
    if now - datetime.fromisoformat(figures["at"]) > UNCOUNTED:
        return [f"nobody has seen to the subscriptions for more than {_told(UNCOUNTED)}"]
    words = {"missing": "have no subscription", "lapsing": "have a subscription that runs out soon"}
    return [
        f"{figures[kind]} of {figures['of']} mailboxes with blocks {said}"
        for kind, said in words.items()
        if figures[kind] > max(FEW, SHARE * figures["of"]) or figures[kind] == figures["of"] > 0
    ]


async def _about_the_sign_in(settings: Settings, state: State, now: datetime) -> list[str]:
    if all(channel.via is not Via.GRAPH for channel in settings.channels):
        return []
    login = await state.signed_in()
    if login is None:  # nobody has yet, or somebody had it forgotten: what could not be posted tells of that
        return []
    left = LASTS - (now - login.used)
    if left <= timedelta(0):
        return ["the sign-in of the account that posts has lapsed"]
    try:
        await state.token_cache()
    except NotSignedIn:
        return ["the sign-in of the account that posts cannot be read under this key"]
    return [f"the sign-in of the account that posts lapses in {_days(left)}"] if left < SOON else []


def _told(length: timedelta) -> str:
    hours = round(length.total_seconds() / 3600)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"  # noqa: PLR2004 - two days


def _days(length: timedelta) -> str:
    return "a day or less" if length <= timedelta(days=1) else f"{length.days} days"
