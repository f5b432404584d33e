"""What Azure's host does for queue triggers, on the queues of a storage account: Azurite's, in tests.

Messages are fetched and given to their functions as the host does it: so many at once by host.json, decoded from
base64, given by azure-functions' own converter, deleted where the function ends well, let be seen again where it
raises, and put on the queue of what is poison once they have been taken as often as host.json allows. A process can be
killed: what it had taken comes back.

Two things are not as in Azure, so that nobody waits. What a function raised about, and what a killed process had taken,
is seen again at once, not after visibilityTimeout and the lease of ten minutes: who has taken a message may set that.
And what was put on a queue for later is brought forward when nothing else is left to do, with the receipt that putting
it gave to who put it.

The host's code: Azure/azure-sdk-for-net, sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Queues.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import azure.functions as func
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.functions.queue import QueueMessageInConverter
from azure.storage.queue.aio import QueueClient

from functions.running import stop
from holdfast.store.account import Account
from tests.functions.host import FUNCTIONS, Function

_QUEUES = json.loads((Path(__file__).parents[2] / "host.json").read_text(encoding="utf-8"))["extensions"]["queues"]
BATCH, THRESHOLD, MOST_TIMES = (_QUEUES[name] for name in ("batchSize", "newBatchThreshold", "maxDequeueCount"))

_LEASE = 600
"""Seconds for which a message is out of sight that was taken."""


class Undecodable(Exception):
    """A message that is not base64 where host.json says it is."""


@dataclass(frozen=True)
class Taken:
    """A message that was taken, as it stands on its queue."""

    queue: str
    id: str
    receipt: str
    text: str
    count: int

    def given(self) -> func.QueueMessage:
        """What a function is given. Raises ``Undecodable``."""
        assert _QUEUES["messageEncoding"] == "base64"
        try:
            text = base64.b64decode(self.text, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise Undecodable(self.text) from error
        told = {"Id": Datum(self.id, "string"), "DequeueCount": Datum(str(self.count), "string")}
        return cast("func.QueueMessage", QueueMessageInConverter.decode(Datum(text, "string"), trigger_metadata=told))


@dataclass
class AzureHost:
    """One instance of the app. ``ended`` counts by queue what functions have done with messages, however that went.

    ``killed`` is asked after each of them whether the process dies now, before the message can be deleted.
    """

    clients: Mapping[str, QueueClient]
    functions: Mapping[str, Function] = field(default_factory=lambda: FUNCTIONS)
    killed: Callable[[int], bool] = lambda _: False
    ended: Counter[str] = field(default_factory=Counter)
    poisoned: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    later: list[tuple[str, str, str]] = field(default_factory=list)
    """Queue, id and receipt of what was put on a queue for later."""
    _running: dict[asyncio.Task[None], Taken] = field(default_factory=dict)

    async def work_off(self) -> None:
        """Work the queues off until nothing is on them, however late it is due."""
        while True:
            await self._fetch_all()
            if self._running:
                await self._work()
            elif not await self._bring_forward():
                return

    async def _fetch_all(self) -> None:
        for name in self.clients:
            if sum(one.queue == name for one in self._running.values()) <= THRESHOLD:
                await self._fetch(name)

    async def _work(self) -> None:
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task in self._running:  # or else the process was killed meanwhile
                await self._ended(task)

    async def _fetch(self, name: str) -> None:
        client = self.clients[name]
        try:
            found = [one async for one in client.receive_messages(max_messages=BATCH, visibility_timeout=_LEASE)]
        except ResourceNotFoundError:
            return
        for one in found:
            taken = Taken(name, one.id, one.pop_receipt, one.content, one.dequeue_count)
            if taken.count > MOST_TIMES and not _is_poison(name):
                await self._poison(taken)
                continue
            try:
                message = taken.given()
            except Undecodable:
                await self._poison(taken)
                continue
            self._running[asyncio.ensure_future(_call(self.functions[name], message))] = taken

    async def _ended(self, task: asyncio.Task[None]) -> None:
        taken = self._running[task]
        self.ended[taken.queue] += 1
        if self.killed(self.ended.total()):
            await self._die()
            return
        del self._running[task]
        if task.exception() is None:
            await self.clients[taken.queue].delete_message(taken.id, taken.receipt)
        elif taken.count >= MOST_TIMES and not _is_poison(taken.queue):
            await self._poison(taken)
        else:
            await self._show(taken.queue, taken.id, taken.receipt)

    async def _die(self) -> None:
        """Let go of all that is being done, in the middle of it, and begin a new process."""
        self.kills += 1
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await stop()
        for taken in self._running.values():
            await self._show(taken.queue, taken.id, taken.receipt)
        self._running.clear()

    async def _poison(self, taken: Taken) -> None:
        self.poisoned[taken.queue] += 1
        poison = self.clients.get(f"{taken.queue}-poison")
        if poison is not None:
            await poison.send_message(taken.text)
        await self.clients[taken.queue].delete_message(taken.id, taken.receipt)

    async def _bring_forward(self) -> bool:
        """Let be seen what waits for its time; whether there was anything."""
        waiting, self.later[:] = list(self.later), []
        shown = [await self._show(*one) for one in waiting]
        return any(shown)

    async def _show(self, queue: str, message_id: str, receipt: str) -> bool:
        try:
            await self.clients[queue].update_message(message_id, receipt, visibility_timeout=0)
        except ResourceNotFoundError:  # it was seen and worked off in its time
            return False
        return True


@asynccontextmanager
async def azure_host(account: Account, **given: Any) -> AsyncIterator[AzureHost]:
    """A host over the queues of an account, which are empty when it begins. It ends as a process does."""
    async with AsyncExitStack() as opened:
        credential = await opened.enter_async_context(account.credential())
        clients = {
            name: await opened.enter_async_context(QueueClient(account.queues, name, credential=credential))
            for name in FUNCTIONS
        }
        for client in clients.values():
            try:
                await client.create_queue()
            except ResourceExistsError:
                await client.clear_messages()
        host = AzureHost(clients, **given)
        send = QueueClient.send_message

        async def sent(client: QueueClient, text: Any, **more: Any) -> Any:
            put = await send(client, text, **more)
            if more.get("visibility_timeout"):
                host.later.append((client.queue_name, put.id, put.pop_receipt))
            return put

        QueueClient.send_message = sent  # type: ignore[assignment]
        try:
            yield host
        finally:
            QueueClient.send_message = send  # type: ignore[method-assign]
            await stop()


async def _call(function: Function, message: func.QueueMessage) -> None:
    await function(message)


def _is_poison(name: str) -> bool:
    """Whether a queue is one of poison, of which the host makes no other poison."""
    return name.endswith("-poison")
