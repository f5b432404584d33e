"""Whatever is on a queue, it is understood or told as nobody's; whatever Graph answers, what is raised has a name."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import example as drawn_once
from hypothesis import strategies as st
from typer.testing import CliRunner

from functions.poison import poison, poison_repair
from functions.reconcile import reconcile
from functions.repair import repair
from functions.running import running, stop
from functions.sweep import sweep
from graph_client.calendars import GraphCalendars
from graph_client.subscriptions import Addresses, GraphSubscriptions
from holdfast.cli.app import app
from holdfast.cli.init import example
from holdfast.core.errors import GraphError
from holdfast.core.messages import BadMessage, Hint, Shard
from holdfast.core.settings import Language
from holdfast.jobs.ports import Subscription
from tests.functions.host import message, tick
from tests.graph_client.world import NOON, PretendGraph, road
from tests.tenants import Served

DOORS: dict[str, Any] = {"reconcile": reconcile, "repair": repair, "poison": poison, "poison_repair": poison_repair}
KEPT = ("approval", "placed", "known", "profile", "touches")
"""The tables of which no message may take anything away."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
PLACES = ("run", "stage", "index", "leave", "tasks", "attempt", "so_far", "reviewed", "mailbox", "at", "heard", "care")
TALLIED = (
    "states",
    "excused",
    "others",
    "protected",
    "writes",
    "planned_writes",
    "managed",
    "problems",
    "deferred",
    "told",
)


class App:
    """The functions of one process on a tenant where a sweep has begun, of which nothing is worked off yet."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._state = folder / "holdfast.db"
        self.ours: list[str] = self.do(self._begun())
        with closing(sqlite3.connect(self._state)) as state:
            [(self._run,)] = state.execute("select run from job_run").fetchall()

    def do(self, work: Any) -> Any:
        return self._runner.run(work)

    async def _begun(self) -> list[str]:
        """Messages as they are put: a shard of the sweep that goes on, and a hint about a mailbox of it."""
        await tick(sweep)
        async with running() as now:
            queue = now.wired.memory.own_queue
            assert queue is not None
            found = await queue.take("reconcile", lease=timedelta(minutes=10))
            assert found is not None
            shard = Shard.parse(found.text)
            return [found.text, Hint(shard.tasks[0].mailbox, now.ports.clock.now()).text()]

    def kept(self) -> dict[str, int]:
        """How many rows there are of what may not be lost."""
        with closing(sqlite3.connect(self._state)) as state:
            return {name: state.execute(f"select count(*) from {name}").fetchone()[0] for name in KEPT}  # noqa: S608

    def again(self) -> None:
        """Let the sweep be as it was begun."""
        with closing(sqlite3.connect(self._state)) as state, state:
            state.execute("update job_run set run = ?", (self._run,))
            state.execute("delete from shard")

    def close(self) -> None:
        self.do(stop())
        self._runner.close()


@pytest.fixture(scope="module")
def process(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("fuzzed")
    tenant = served.firm(4, seed=77)
    text = example(Language.SV).replace("mode: watch", "mode: keep").replace("2026-12-01", "2026-01-01")
    (folder / "settings.yaml").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOLDFAST_SETTINGS", str(folder / "settings.yaml"))
        patch.delenv("HOLDFAST_STATE", raising=False)
        for name, value in served.environment(tenant).items():
            patch.setenv(name, value)
        assert CliRunner().invoke(app, ["apply", "--yes"]).exit_code == 0
        found = App(folder)
        yield found
        found.close()


def taken(process: App, door: str, text: str | bytes) -> None:
    """A function takes a message: it ends well, or says that it is nobody's."""
    before = process.kept()
    try:
        process.do(DOORS[door](message(text)))  # type: ignore[arg-type]
    except BadMessage:
        assert not door.startswith("poison"), "what is poison is shown again for ever"
    assert process.kept() == before
    process.again()


no_checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@pytest.mark.parametrize("door", DOORS)
@settings(suppress_health_check=no_checks)
@given(text=st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | values.map(json.dumps).map(str.encode))
def test_anything_at_all(process: App, door: str, text: bytes) -> None:
    taken(process, door, text)


@pytest.mark.parametrize("door", DOORS)
@settings(suppress_health_check=no_checks)
@given(data=st.data())
def test_one_of_ours_in_which_something_has_become_something_else(process: App, door: str, data: st.DataObject) -> None:
    good = json.loads(data.draw(st.sampled_from(process.ours)))
    for name in data.draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=2)):
        good[name] = data.draw(values)
    taken(process, door, json.dumps(good))


@pytest.mark.parametrize("door", ["reconcile", "poison"])
@settings(suppress_health_check=no_checks, max_examples=25)
@given(so_far=st.dictionaries(st.sampled_from(TALLIED), values, min_size=1, max_size=3))
def test_a_shard_that_tells_of_others_what_nobody_understands(process: App, door: str, so_far: dict[str, Any]) -> None:
    taken(process, door, json.dumps({**json.loads(process.ours[0]), "so_far": so_far}))


MEETING = {
    "id": "AAMk",
    "@odata.etag": 'W/"1"',
    "type": "singleInstance",
    "start": {"dateTime": "2026-12-03T08:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-12-03T09:00:00.0000000", "timeZone": "UTC"},
    "isAllDay": False,
    "isCancelled": False,
    "isOrganizer": False,
    "organizer": {"emailAddress": {"address": "chef@fjallvik.example"}},
    "responseStatus": {"response": "none"},
    "sensitivity": "normal",
    "showAs": "busy",
    "allowNewTimeProposals": True,
    "responseRequested": True,
    "seriesMasterId": None,
    "originalStart": None,
}
LISTED = {
    "id": "7f10",
    "resource": "Users/5c1e/Events",
    "notificationUrl": "https://holdfast.example/api/notifications",
    "expirationDateTime": "2026-12-01T05:00:00Z",
    "clientState": None,
}
ADDRESSES = Addresses("https://holdfast.example/api/notifications", "https://holdfast.example/api/lifecycle")
odd = values | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z"])
statuses = st.sampled_from([200, 201, 204, 400, 403, 404, 409, 410, 412, 500, 599, 777])


@st.composite
def spoilt(draw: st.DrawFn, good: dict[str, Any]) -> Any:
    """An answer in which some things are not what Graph's reference says, or are not there."""
    if draw(st.booleans()):
        return draw(odd)
    found = dict(good)
    for name in draw(st.lists(st.sampled_from(sorted(good)), min_size=1, max_size=3)):
        if draw(st.booleans()):
            found.pop(name, None)
        elif isinstance(found.get(name), dict) and found[name]:
            found[name] = {**found[name], draw(st.sampled_from(sorted(found[name]))): draw(odd)}
        else:
            found[name] = draw(odd)
    return found


@given(status=statuses, body=spoilt(MEETING))
def test_whatever_graph_answers_about_an_event_of_somebody_elses(status: int, body: Any) -> None:
    async def asked() -> None:
        async with road(PretendGraph(reply=lambda _: (status, {}, body))) as way:
            try:
                await GraphCalendars(way.dispatcher).foreign("ann", "AAMk")
            except GraphError:
                return

    asyncio.run(asked())


@drawn_once(status=200, body={**LISTED, "expirationDateTime": "0001-01-01T00:00:00+14:00"}, listed=False)
@given(status=statuses, body=spoilt(LISTED), listed=st.booleans())
def test_whatever_graph_answers_about_subscriptions(status: int, body: Any, *, listed: bool) -> None:
    async def asked() -> None:
        given = {"value": [body, LISTED]} if listed else body
        async with road(PretendGraph(reply=lambda _: (status, {}, given))) as way:
            port = GraphSubscriptions(way.dispatcher, ADDRESSES, clock=way.clock)
            known = Subscription("ann", "sub-1", NOON)
            for call in (
                lambda: port.create("ann", client_state="x", until=NOON),
                lambda: port.renew(known, until=NOON),
                lambda: port.delete(known),
                lambda: read(port),
            ):
                try:
                    await call()  # type: ignore[no-untyped-call]
                except GraphError:
                    continue

    async def read(port: GraphSubscriptions) -> None:
        async for one in port.all():
            assert isinstance(one.mailbox, str)

    asyncio.run(asked())
