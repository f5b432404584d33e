"""A sweep worked on in shards, by a hand that takes messages from the queue as workers do."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any

from holdfast.core.messages import Shard
from holdfast.core.settings import Settings
from holdfast.jobs.ports import QueueName
from holdfast.jobs.shards import work_off
from holdfast.jobs.sweep import begin
from tests.jobs.memory import World

_RUNS = itertools.count(1)


async def worked_off(world: World, settings: Settings, *, seed: int = 0) -> int:
    """Work off what is on the queue, in an order drawn by lot, until nothing is; how many messages there were."""
    chance, count = random.Random(seed), 0  # noqa: S311 - the order is to be the same again
    while world.queue.texts(QueueName.RECONCILE):
        due = world.queue.next_due
        world.clock.at = max(world.clock.at, due) if due else world.clock.at
        texts = world.queue.take(QueueName.RECONCILE)
        chance.shuffle(texts)
        for text in texts:
            count += 1
            await work_off(Shard.parse(text), settings, world.ports, chance=chance)
    return count


async def swept_in_shards(world: World, settings: Settings, *, seed: int = 0) -> Mapping[str, Any]:
    """``sweep`` where it is worked on in shards; its report."""
    assert await begin(settings, world.ports, run_id=f"run {next(_RUNS)}")
    await worked_off(world, settings, seed=seed)
    run = await world.state.latest_run("sweep")
    assert run is not None
    assert run.ended is not None
    return dict(await world.state.last_run() or {})
