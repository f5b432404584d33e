"""Queues of every kind take what is put on them; the one in a file is worked off here as well."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueServiceClient

from holdfast.jobs.ports import Queue, QueueName
from holdfast.store.account import Account
from holdfast.store.azure_queues import open_queues
from holdfast.store.errors import StateUnusable
from holdfast.store.queues import MOST_TIMES, Message, SqliteQueue
from holdfast.store.sqlite_file import open_rows
from tests.azurite import NAME, Azurite
from tests.jobs.memory import HandClock, Journal
from tests.jobs.memory_queues import MemoryQueue
from tests.store.contract import OTHER_TENANT, TENANT

HOST = Path(__file__).parents[2] / "host.json"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE, MINUTE = timedelta(minutes=5), timedelta(minutes=1)
LONGEST = "å" * (24 * 1024)
"""48 KiB, the longest text that a queue takes."""


class Desk(Protocol):
    """A queue, and a way to take what can be seen on it."""

    queue: Queue

    async def seen(self, name: QueueName) -> list[str]: ...


class QueueContract:
    """The suite. ``desk`` gives empty queues."""

    @pytest.fixture
    def desk(self) -> Desk:
        raise NotImplementedError

    @pytest.mark.parametrize("text", ["", "{}", 'å\u2028\U0001f4da\n\t"<&>', "=", LONGEST])
    async def test_a_text_arrives_as_it_was(self, desk: Desk, text: str) -> None:
        await desk.queue.put(QueueName.RECONCILE, [text])
        assert await desk.seen(QueueName.RECONCILE) == [text]

    async def test_each_queue_has_its_own(self, desk: Desk) -> None:
        await desk.queue.put(QueueName.RECONCILE, ["one", "two", "two"])
        await desk.queue.put(QueueName.REPAIR, ["three"])
        await desk.queue.put(QueueName.REPAIR, [])
        assert sorted(await desk.seen(QueueName.RECONCILE)) == ["one", "two", "two"]
        assert await desk.seen(QueueName.REPAIR) == ["three"]

    async def test_of_many_none_is_lost(self, desk: Desk) -> None:
        texts = [f"{number:03}" for number in range(200)]
        await desk.queue.put(QueueName.RECONCILE, texts)
        assert sorted(await desk.seen(QueueName.RECONCILE)) == texts

    async def test_what_is_for_later_is_not_seen_now(self, desk: Desk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["later"], delay=timedelta(hours=2))
        await desk.queue.put(QueueName.REPAIR, ["now"])
        assert await desk.seen(QueueName.REPAIR) == ["now"]


class MemoryDesk:
    def __init__(self) -> None:
        self.clock = HandClock(NOON)
        self.queue = MemoryQueue(Journal(), self.clock)

    async def seen(self, name: QueueName) -> list[str]:
        return self.queue.take(name)


class TestMemoryQueue(QueueContract):
    @pytest.fixture
    def desk(self) -> MemoryDesk:
        return MemoryDesk()

    async def test_what_was_for_later_is_seen_then(self, desk: MemoryDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["later"], delay=LEASE)
        assert desk.queue.next_due == NOON + LEASE
        desk.clock.pass_time(minutes=5)
        assert await desk.seen(QueueName.REPAIR) == ["later"]
        assert await desk.seen(QueueName.REPAIR) == []


class SqliteDesk:
    """The queue of one tenant in a file."""

    def __init__(self, queue: SqliteQueue, clock: HandClock, path: Path) -> None:
        self.queue, self.clock, self.path = queue, clock, path

    async def seen(self, name: str) -> list[str]:
        found = []
        while message := await self.queue.take(name, lease=LEASE):
            found.append(message.text)
        return found

    async def take(self, name: str = QueueName.REPAIR) -> Message:
        message = await self.queue.take(name, lease=LEASE)
        assert message is not None
        return message


class TestSqliteQueue(QueueContract):
    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[SqliteDesk]:
        path = tmp_path / "holdfast.db"
        with open_rows(path, TENANT) as rows:
            clock = HandClock(NOON)
            yield SqliteDesk(SqliteQueue(rows, clock), clock, path)

    async def test_those_that_are_due_longest_come_first(self, desk: SqliteDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["last"], delay=2 * MINUTE)
        await desk.queue.put(QueueName.REPAIR, ["second"], delay=MINUTE)
        await desk.queue.put(QueueName.REPAIR, ["first"])
        assert await desk.seen(QueueName.REPAIR) == ["first"]
        desk.clock.pass_time(minutes=2)
        assert await desk.seen(QueueName.REPAIR) == ["second", "last"]

    async def test_what_is_done_never_comes_back_and_what_is_not_does(self, desk: SqliteDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["done", "left"])
        done, left = await desk.take(), await desk.take()
        await desk.queue.done(done)
        desk.clock.at += LEASE - timedelta(microseconds=1)
        assert await desk.queue.take(QueueName.REPAIR, lease=LEASE) is None
        desk.clock.at += timedelta(microseconds=1)
        again = await desk.take()
        assert (again.text, again.taken, left.taken) == ("left", 2, 1)
        assert await desk.queue.length(QueueName.REPAIR) == 1

    async def test_what_is_given_back_comes_when_it_was_asked_to(self, desk: SqliteDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["text"])
        await desk.queue.give_back(await desk.take(), MINUTE)
        assert await desk.seen(QueueName.REPAIR) == []
        desk.clock.pass_time(minutes=1)
        assert (await desk.take()).taken == 2

    async def test_whoever_was_too_slow_has_no_say_any_more(self, desk: SqliteDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["text"])
        slow = await desk.take()
        desk.clock.at += LEASE
        await desk.take()
        await desk.queue.give_back(slow, timedelta(0))
        assert await desk.seen(QueueName.REPAIR) == []
        await desk.queue.done(slow)
        assert await desk.queue.length(QueueName.REPAIR) == 1

    async def test_it_is_poison_after_five_times_and_never_before(self, desk: SqliteDesk) -> None:
        host = json.loads(HOST.read_text())
        assert host["extensions"]["queues"]["maxDequeueCount"] == MOST_TIMES
        await desk.queue.put(QueueName.REPAIR, ["bad"])
        for time in range(MOST_TIMES):
            assert (await desk.take()).taken == time + 1
            desk.clock.at += LEASE
        await desk.queue.put(QueueName.REPAIR, ["good"])
        assert await desk.seen(QueueName.REPAIR) == ["good"]
        assert await desk.queue.length(QueueName.REPAIR.poison) == 1
        for time in range(MOST_TIMES + 2):  # which nothing takes away but whoever has seen to it
            poison = await desk.take(QueueName.REPAIR.poison)
            assert (poison.text, poison.name, poison.taken) == ("bad", "repair-poison", time + 1)
            desk.clock.at += LEASE
        await desk.queue.done(await desk.take(QueueName.REPAIR.poison))
        assert await desk.queue.length(QueueName.REPAIR.poison) == 0

    async def test_of_two_that_work_a_queue_off_one_gets_a_message(self, desk: SqliteDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, [f"{number}" for number in range(20)])
        with open_rows(desk.path, TENANT) as rows:
            other = SqliteQueue(rows, desk.clock)
            got = [await queue.take(QueueName.REPAIR, lease=LEASE) for _ in range(11) for queue in (desk.queue, other)]
        texts = [message.text for message in got if message]
        assert sorted(texts, key=int) == [f"{number}" for number in range(20)]

    async def test_what_waits_outlives_the_process_and_is_of_its_tenant(self, desk: SqliteDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["text"])
        with open_rows(desk.path, OTHER_TENANT) as rows:
            others = SqliteQueue(rows, desk.clock)
            assert await others.take(QueueName.REPAIR, lease=LEASE) is None
            assert await others.length(QueueName.REPAIR) == 0
        with open_rows(desk.path, TENANT) as rows:
            later = await SqliteQueue(rows, desk.clock).take(QueueName.REPAIR, lease=LEASE)
            assert later is not None
            assert later.text == "text"


class StorageDesk:
    """The queues of a storage account, and a client of our own to look at them."""

    def __init__(self, queue: Queue, service: QueueServiceClient) -> None:
        self.queue, self.service = queue, service

    async def seen(self, name: QueueName) -> list[str]:
        client = self.service.get_queue_client(name.value, message_decode_policy=TextBase64DecodePolicy())
        async with client:
            return [message.content async for message in client.receive_messages(messages_per_page=32)]

    async def forget(self) -> None:
        for name in QueueName:
            client = self.service.get_queue_client(name.value)
            try:
                await client.delete_queue()
            except ResourceNotFoundError:
                continue


class TestStorageQueue(QueueContract):
    """On Azurite. Each test begins without any queue."""

    @pytest.fixture
    async def desk(self, azurite: Azurite) -> AsyncIterator[StorageDesk]:
        credential = AzureNamedKeyCredential(NAME, azurite.key)
        async with (
            QueueServiceClient(azurite.queues, credential=credential) as service,
            open_queues(azurite.account) as queue,
        ):
            desk = StorageDesk(queue, service)
            await desk.forget()
            yield desk

    async def test_what_is_for_later_waits(self, desk: StorageDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["later"], delay=timedelta(hours=2))
        client = desk.service.get_queue_client("repair")
        assert (await client.get_queue_properties()).approximate_message_count == 1

    async def test_messages_are_in_the_encoding_that_the_triggers_expect(self, desk: StorageDesk) -> None:
        """Unmatched, every message would end in the queue of what is poison."""
        assert json.loads(HOST.read_text())["extensions"]["queues"]["messageEncoding"] == "base64"
        await desk.queue.put(QueueName.REPAIR, ["å"])
        (message,) = [one async for one in desk.service.get_queue_client("repair").receive_messages()]
        assert base64.b64decode(message.content).decode() == "å"

    async def test_a_message_outlives_a_long_weekend_and_no_more_than_a_week(self, desk: StorageDesk) -> None:
        await desk.queue.put(QueueName.REPAIR, ["text"])
        (message,) = [one async for one in desk.service.get_queue_client("repair").receive_messages()]
        assert message.expires_on - message.inserted_on == timedelta(days=7)

    async def test_an_account_that_refuses_is_told_with_what_to_do(self, azurite: Azurite) -> None:
        wrong = Account(azurite.tables, azurite.queues, base64.b64encode(b"wrong").decode())
        async with open_queues(wrong) as queue:
            with pytest.raises(StateUnusable, match="Storage Queue Data Contributor"):
                await queue.put(QueueName.REPAIR, ["text", "another"])
