"""Everything that goes on in one process, put together: schedules, workers, doors, and their end in good order."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

from holdfast import wiring
from holdfast.core.settings import Settings
from holdfast.engine import Engine
from holdfast.listening import Listening
from holdfast.serve import page, webhook
from holdfast.serve.alone import alone
from holdfast.serve.doors import Door, keep_open, listening
from holdfast.serve.ending import Ending
from holdfast.serve.failing import QueuesElsewhere
from holdfast.serve.schedule import JOBS, keep_doing
from holdfast.serve.work import WORKERS, keep_working
from holdfast.wiring import Place

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Open:
    """What is open once it begins: the port for notifications, None where nobody is told of any, and the page's."""

    webhook: int | None
    page: int


async def serve(
    place: Place,
    settings: Settings,
    *,
    webhook_port: int,
    page_port: int,
    begun: Callable[[Open], None],
    link: Callable[[str], None],
) -> int:
    """Go on until SIGINT or SIGTERM; how many messages were given back then, unfinished. A second one ends at once.

    ``begun`` is called once everything is open, and ``link`` with each token for the page. Raises ``PortTaken``,
    ``AlreadyServing`` and ``QueuesElsewhere``, what ``Engine.running`` raises where it cannot begin, and defects.
    """
    if place.account is not None:
        raise QueuesElsewhere
    clock = wiring.SystemClock()
    ending, engine, ear = Ending(clock), Engine(place), Listening(lambda: place)
    with alone(place.state_path), ExitStack() as bound, _ended_by_signals(ending):
        doors = []
        if settings.tenant.notification_url:
            doors.append(Door(webhook.application(ear), bound.enter_context(listening(webhook_port, "--webhook-port"))))
        listener = bound.enter_context(listening(page_port, "--page-port"))
        guests = page.Guests(clock, wiring.secret, link)
        doors.append(Door(page.application(engine, guests, clock), listener))
        try:
            await _wake(engine)
            begun(Open(doors[0].port if len(doors) > 1 else None, doors[-1].port))
            guests.invite()
            return await _together(engine, doors, ending)
        finally:
            await ear.aclose()
            await engine.close()


async def _wake(engine: Engine) -> None:
    """Let messages be seen that whoever served before had taken: it was killed, or they would not be there."""
    async with engine.running() as now:
        queue = now.wired.memory.own_queue
        if queue is not None:
            await queue.wake()


async def _together(engine: Engine, doors: list[Door], ending: Ending) -> int:
    async with asyncio.TaskGroup() as group:
        for door in doors:
            group.create_task(keep_open(door, ending))
        for job in JOBS:
            group.create_task(keep_doing(job, engine, ending))
        working = [
            group.create_task(keep_working(worker, engine, ending)) for worker in WORKERS for _ in range(worker.at_once)
        ]
    return sum(one.result() for one in working)


@contextmanager
def _ended_by_signals(ending: Ending) -> Iterator[None]:
    """Let the first signal ask for the end, and the second do what it does to any process."""
    loop = asyncio.get_running_loop()

    def heard(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a handler
        if ending.is_asked:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        loop.call_soon_threadsafe(ending.asked.set)

    # Not by the loop's own handlers, which Windows has none of.
    before = {number: signal.signal(number, heard) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
