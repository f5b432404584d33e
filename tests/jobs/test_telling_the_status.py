"""``status``: what is in force and how the last run went, without asking Microsoft 365 anything."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from holdfast.core.errors import NotSignedIn
from holdfast.core.settings import Day, Mode, Settings, Via, fingerprint
from holdfast.jobs.status import Status, status
from tests.jobs.fjallvik import ANNA, BO, applied, block, firm, fjallvik, removed, swept
from tests.jobs.memory import World
from tests.jobs.posting import channel

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


# The account that posts


def posting(via: Via = Via.GRAPH) -> Settings:
    """Settings that post to a channel."""
    return fjallvik(channels=(channel(via),))


async def test_an_account_that_has_to_sign_in_is_asked_for_only_where_it_posts() -> None:
    world = firm(ANNA)
    assert (await told(world, posting())).posts
    assert not (await told(world, posting(Via.WORKFLOW))).posts
    assert (await told(world, posting())).data()["signed_in"] is None


@pytest.mark.parametrize(("days", "left"), [(0, None), (59, None), (60, 30), (89, 1), (90, 0), (200, 0)])
async def test_a_sign_in_that_nobody_uses_is_warned_of_in_time(days: int, left: int | None) -> None:
    world = firm(ANNA)
    await world.state.keep_token_cache(b"tokens", world.clock.now())
    world.clock.pass_time(days=5)
    await world.state.renew_token_cache(b"renewed", world.clock.now(), instead_of=b"tokens")
    world.clock.pass_time(days=days)
    found = await told(world, posting())
    assert found.lapses_in == left
    assert found.data()["signed_in"] == {
        "since": (world.clock.now() - timedelta(days=days + 5)).isoformat(),
        "used": (world.clock.now() - timedelta(days=days)).isoformat(),
        "lapses_in_days": left,
    }
    json.dumps(found.data())


async def test_a_sign_in_that_cannot_be_read_is_told_and_counts_as_none() -> None:
    world = firm(ANNA)
    await world.state.keep_token_cache(b"tokens", world.clock.now())
    world.fail("token_cache", NotSignedIn("It cannot be read.", cure="Run `holdfast login` again."))
    found = await told(world, posting())
    assert found.unreadable == "It cannot be read. Run `holdfast login` again."
    assert found.data()["signed_in"] is None
