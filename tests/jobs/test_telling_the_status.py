"""``status``: what is in force and how the last run went, without asking Microsoft 365 anything."""

from __future__ import annotations

import json
from datetime import timedelta

from holdfast.core.settings import Day, Mode, Settings, fingerprint
from holdfast.jobs.status import Status, status
from tests.jobs.fjallvik import ANNA, BO, applied, block, firm, fjallvik, removed, swept
from tests.jobs.memory import World

EDITED = fjallvik(block(day=Day.FRIDAY))


async def told(world: World, settings: Settings | None = None) -> Status:
    world.journal.clear()
    found = await status(settings or fjallvik(), world.state, world.clock)
    assert {call.port for call in world.journal.calls} == {"state"}
    return found


async def test_before_the_first_run_nothing_is_known_and_nothing_waits() -> None:
    found = await told(firm(ANNA))
    assert found.data() == {
        "organization": "Fjällvik AB",
        "mode": "keep",
        "settings": fingerprint(fjallvik()),
        "approved": None,
        "approved_at": None,
        "edit_waits": False,
        "people_placed": 0,
        "last_run": None,
        "last_run_age_seconds": None,
        "posts_by_account": False,
        "signed_in": None,
    }


async def test_after_an_apply_all_is_told_and_can_be_written_as_json() -> None:
    world = firm(ANNA, BO)
    report = await applied(world, fjallvik())
    world.clock.pass_time(hours=2)
    found = await told(world)
    assert found.approval
    assert found.approval.fingerprint == found.fingerprint
    assert not found.edit_waits
    assert found.people_placed == 2
    assert found.last_run == report.data()
    assert found.age == timedelta(hours=2)
    assert json.loads(json.dumps(found.data()))["last_run_age_seconds"] == 7200


async def test_an_edit_waits_until_it_is_applied() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    assert (await told(world, EDITED)).edit_waits
    await swept(world, EDITED)
    assert (await told(world, EDITED)).edit_waits
    await applied(world, EDITED)
    assert not (await told(world, EDITED)).edit_waits


async def test_the_mode_is_that_of_the_file() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    assert (await told(world, fjallvik(mode=Mode.WATCH))).mode is Mode.WATCH


async def test_after_a_removal_nothing_is_approved_and_nobody_placed() -> None:
    world = firm(ANNA)
    await applied(world, fjallvik())
    await removed(world, fjallvik())
    found = await told(world)
    assert found.approval is None
    assert found.people_placed == 0
    assert found.last_run
    assert found.last_run["job"] == "remove"
