"""What is to be done when a timer ticks or a message comes, and the line in the log that tells what came of it.

The same whichever door it came by: Azure's triggers, or the schedules and workers of `holdfast serve`. A line has a
fixed text and figures beside it, the run it belongs to among them, and names nobody: a mailbox is told by a pseudonym
that only whoever has the key could make.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from holdfast import wiring
from holdfast.core.calm import Rank
from holdfast.core.messages import BadMessage, Hint, Shard
from holdfast.engine import Running
from holdfast.jobs import health as health_job
from holdfast.jobs import purge as purge_job
from holdfast.jobs import repair as repair_job
from holdfast.jobs import shards
from holdfast.jobs import subscriptions as subscriptions_job
from holdfast.jobs import summaries as summaries_job
from holdfast.jobs import sweep as sweep_job
from holdfast.jobs.ports import Run
from holdfast.jobs.runs import SWEEP

WITHIN = timedelta(minutes=6)
"""How long subscriptions are seen to at a time, so that the last calls can be waited for before Azure ends a function
after ten (host.json); what is left is done the next time."""

_DIGITS = 12
"""Of a pseudonym: enough to tell the mailboxes of a firm apart, and less to carry about."""

_WAS_DUE = {
    Rank.MESSAGE: "A leader's message was due.",
    Rank.PACK: "An agenda pack was due.",
    Rank.SUMMARY: "A summary was due.",
}


class _Meter:
    """What has been asked of Graph since the line before, so that the lines of a process add up to all of it.

    What several messages do at once goes through one connection: whose call was whose is not counted apart.
    """

    def __init__(self) -> None:
        self._counts: object = None
        self._calls = self._retries = 0

    def read(self, now: Running) -> dict[str, int]:
        """The figures since they were last read."""
        counts = now.wired.graph.counts
        if counts is not self._counts:
            self._counts, self._calls, self._retries = counts, 0, 0
        read = {"graph_calls": counts.calls - self._calls, "graph_retries": counts.retries - self._retries}
        self._calls, self._retries = counts.calls, counts.retries
        return read


_METER = _Meter()


@contextmanager
def _measured(now: Running) -> Iterator[dict[str, Any]]:
    """Figures for a line at the end of a piece of work: how long it took, and what was asked of Graph meanwhile."""
    clock = now.ports.clock
    figures: dict[str, Any] = {}
    began = clock.monotonic()
    try:
        yield figures
    finally:
        figures |= {"seconds": round(clock.monotonic() - began, 3), **_METER.read(now)}


async def work_off(text: str | bytes, now: Running, *, queued: datetime | None = None) -> None:
    """Work off a shard of a run. ``queued`` is since when the message was due. Raises ``BadMessage``, and defects."""
    shard, began = Shard.parse(text), now.ports.clock.now()
    about: dict[str, Any] = {"run": shard.run, "stage": shard.stage.value, "shard": shard.index}
    log = structlog.get_logger("holdfast.reconcile")
    if queued is not None:
        about["waited"] = round((began - queued).total_seconds())
    with bound_contextvars(**about):
        with _measured(now) as figures:
            await shards.work_off(shard, now.settings, now.ports, chance=now.chance)
        log.info("A shard was worked off.", **about, mailboxes=len(shard.tasks), tries=shard.attempt, **figures)
        await _tell_end(shard.run, began, now)


async def follow(text: str | bytes, now: Running) -> None:
    """Do what a subscription needs, and look at the mailbox unless the hint tells nothing new. Raises as above."""
    hint = Hint.parse(text)
    about = {"mailbox": now.wired.memory.key.pseudonym("a line of the log", hint.mailbox)[:_DIGITS]}
    log = structlog.get_logger("holdfast.repair")
    with bound_contextvars(**about):
        with _measured(now) as figures:
            if hint.care is not None:
                key = now.wired.memory.client_states.today
                await subscriptions_job.attend(hint, now.settings, now.ports, key=key)
                figures["care"] = hint.care.value
            if hint.tells_of_touches:
                followed = await repair_job.follow(hint, now.settings, now.ports, chance=now.chance)
                figures["outcome"] = followed.value
        age = round((now.ports.clock.now() - hint.at).total_seconds())
        log.info("A hint was followed.", **about, age=age, **figures)


async def give_up(text: str | bytes, now: Running) -> None:
    """Account for the mailboxes of a shard as failed, so that its run ends and says so."""
    log = structlog.get_logger("holdfast.poison")
    try:
        shard = Shard.parse(text)
    except BadMessage as error:
        why = str(error)
        log.error("A message on the queue reconcile was nobody's; it was dropped.", why=why)  # noqa: TRY400 - expected
        return
    about, began = {"run": shard.run, "stage": shard.stage.value, "shard": shard.index}, now.ports.clock.now()
    with bound_contextvars(**about):
        await shards.give_up(shard, now.settings, now.ports, health_job.POISONED)
        log.error("A shard could not be worked off.", **about, mailboxes=len(shard.tasks))
        await _tell_end(shard.run, began, now)


def tell_lost_hint(*, taken: int) -> None:
    """Say that a hint could not be followed: whatever was touched there is found by the next sweep."""
    log = structlog.get_logger("holdfast.poison")
    log.error("A hint could not be followed; the next sweep looks at everybody.", taken=taken)


async def sweep(now: Running) -> None:
    """Begin a sweep where one is due by ``sweep.every``. Raises what goes wrong with it as a whole."""
    if not await sweep_job.is_due(now.settings, now.ports):
        return
    run_id, log = wiring.holder(), structlog.get_logger("holdfast.sweep")
    with bound_contextvars(run=run_id):
        with _measured(now) as figures:
            run = await sweep_job.begin(now.settings, now.ports, run_id=run_id)
        if run is None:
            before = await now.ports.state.latest_run(SWEEP)
            log.info("A sweep is due, and the one before still goes on.", run=before.id if before else "")
        else:
            log.info("A sweep has begun.", run=run.id, shards=sum(run.shards.values()), note=run.note, **figures)


async def summaries(now: Running) -> None:
    """Post what is due."""
    log = structlog.get_logger("holdfast.summaries")
    for one in await summaries_job.summaries(now.settings, now.ports, holder=wiring.holder()):
        say = log.error if summaries_job.incomplete([one]) else log.info
        why = f"{one.problem.message} {one.problem.cure}" if one.problem else one.note
        say(_WAS_DUE[one.rank], channel=one.channel, period=one.period, state=one.state or "not posted", why=why)


async def subscriptions(now: Running) -> None:
    """Renew what lapses, make what is missing, end what nobody needs, and keep the figures for ``health``."""
    key, log = now.wired.memory.client_states.today, structlog.get_logger("holdfast.subscriptions")
    with _measured(now) as figures:
        outcome = await subscriptions_job.subscriptions(now.settings, now.ports, key=key, within=WITHIN)
    await health_job.take_stock(now.settings, now.ports.state, now.ports.clock)
    if outcome.data():
        say = log.error if outcome.problems else log.info
        say("Subscriptions were seen to.", **outcome.data(), **figures)
    for problem, count in outcome.problems.items():
        log.error("Some subscriptions failed.", times=count, code=problem.code, why=f"{problem.message} {problem.cure}")


async def purge(now: Running) -> None:
    """Forget what is old, once a day in UTC."""
    if await purge_job.purge(now.settings, now.ports):
        structlog.get_logger("holdfast.purge").info("What is old was forgotten.")


async def _tell_end(run_id: str, began: datetime, now: Running) -> None:
    """Tell how a run ended, where it has since ``began``; two who worked off its last shards at once may both tell."""
    run: Run | None = await now.ports.state.run(run_id)
    if run is None or run.ended is None or run.ended < began:
        return
    report = await now.ports.state.last_run() or {}
    told: dict[str, Any] = {}
    if report.get("ended") == run.ended.isoformat():  # a plan leaves none
        told = {"mailboxes": report["audience"], "writes": report["writes"], "problems": len(report["problems"])}
        told |= report["states"]
    took = round((run.ended - run.began).total_seconds())
    structlog.get_logger("holdfast.runs").info("A run has ended.", run=run.id, job=run.job, took=took, **told)
