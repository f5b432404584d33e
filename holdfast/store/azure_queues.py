"""Queues of an Azure storage account: filled here, and worked off by the queue triggers of ``functions/``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from holdfast.jobs.ports import QueueName
from holdfast.store.account import QUEUE_ROLE, Account, understood

_NOW = timedelta(0)
_AT_ONCE = 32
"""Messages that are put at the same time."""
_KEPT = 7 * 86_400
"""Seconds that a message is kept for which nobody comes: what is older was looked at by many a sweep since."""


class StorageQueue:
    """Fills the port Queue. Raises ``StateUnusable``.

    Queue triggers expect base64, which host.json says of them as well (``messageEncoding``). A queue that is not there
    is made.
    """

    def __init__(self, clients: dict[QueueName, QueueClient]) -> None:
        self._clients = clients
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def put(self, name: QueueName, texts: Collection[str], *, delay: timedelta = _NOW) -> None:
        """Put messages on a queue, to be seen after ``delay``, seven days at most."""
        puts = (self._put(self._clients[name], text, delay) for text in texts)
        for came in await asyncio.gather(*puts, return_exceptions=True):
            if came is not None:
                raise came

    async def _put(self, client: QueueClient, text: str, delay: timedelta) -> None:
        async with self._room:
            with understood(str(client.url), QUEUE_ROLE):
                try:
                    await _send(client, text, delay)
                except ResourceNotFoundError:
                    await _make(client)
                    await _send(client, text, delay)


async def _send(client: QueueClient, text: str, delay: timedelta) -> None:
    seconds = -(-delay // timedelta(seconds=1))  # not seen earlier than asked for
    await client.send_message(text, visibility_timeout=seconds, time_to_live=_KEPT)


async def _make(client: QueueClient) -> None:
    try:
        await client.create_queue()
    except ResourceExistsError:  # somebody else was faster
        return


@asynccontextmanager
async def open_queues(account: Account) -> AsyncIterator[StorageQueue]:
    """The queues of an account, by the names of their jobs. Nothing is sent before the first put."""
    async with AsyncExitStack() as opened:
        credential = await opened.enter_async_context(account.credential())
        clients = {
            name: await opened.enter_async_context(
                QueueClient(
                    account.queues,
                    name.value,
                    credential=credential,
                    message_encode_policy=TextBase64EncodePolicy(),
                )
            )
            for name in QueueName
        }
        yield StorageQueue(clients)
