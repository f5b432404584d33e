"""The status page's door: who is let in, by what, and what a browser is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from holdfast.cli.init import example
from holdfast.core.settings import Language
from holdfast.engine import Engine
from holdfast.serve.page import LASTS, Guests, application
from holdfast.wiring import Place
from tests.serve.test_ending import ClockByHand


class Door:
    def __init__(self, folder: Path) -> None:
        (folder / "settings.yaml").write_text(example(Language.SV), encoding="utf-8")
        place = Place(folder / "settings.yaml", {"HOLDFAST_CLIENT_SECRET": "invented"})
        self.links: list[str] = []
        self.clock = ClockByHand()
        self.engine = Engine(place)
        self.settings = folder / "settings.yaml"
        numbers = count()
        guests = Guests(self.clock, lambda: f"secret-{next(numbers)}", self.links.append)
        guests.invite()
        self.app = application(self.engine, guests, self.clock)

    def browser(self, host: str = "localhost:8481") -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=f"http://{host}")


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    made = Door(tmp_path)
    yield made
    await made.engine.close()


async def let_in(door: Door, browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.get("/", params={"token": door.links[-1]})


async def test_without_a_link_nobody_is_let_in(door: Door) -> None:
    async with door.browser() as browser:
        for answer in [
            await browser.get("/"),
            await browser.get("/?token="),
            await browser.get("/?token=secret"),
            await browser.get("/?token=å"),
            await browser.get("/", headers={"Cookie": "holdfast_page=secret-0"}),
        ]:
            assert answer.status_code == 403
            assert "Fjällvik" not in answer.text
            assert "set-cookie" not in answer.headers


async def test_a_link_is_good_once_and_another_is_told_then(door: Door) -> None:
    async with door.browser() as first, door.browser() as second:
        assert (await let_in(door, first)).status_code == 303
        assert len(door.links) == 2
        assert (await second.get("/", params={"token": door.links[0]})).status_code == 403
        assert (await second.get("/", params={"token": door.links[1]})).status_code == 303
        assert (await first.get("/")).status_code == (await second.get("/")).status_code == 200


async def test_the_cookie_is_no_scripts_and_no_other_sites(door: Door) -> None:
    async with door.browser() as browser:
        answer = await let_in(door, browser)
    name, *flags = answer.headers["set-cookie"].split("; ")
    assert door.links[0] not in name
    assert {flag.lower() for flag in flags} == {"httponly", "samesite=strict", "path=/", f"max-age={LASTS}"}
    assert answer.headers["location"] == "/"


async def test_a_used_link_opened_again_in_the_same_browser_leads_to_the_page(door: Door) -> None:
    async with door.browser() as browser:
        await let_in(door, browser)
        answer = await browser.get("/", params={"token": door.links[0]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert len(door.links) == 2


async def test_after_a_day_another_link_is_needed(door: Door) -> None:
    async with door.browser() as browser:
        await let_in(door, browser)
        door.clock.seconds += LASTS - 1
        assert (await browser.get("/")).status_code == 200
        door.clock.seconds += 2
        assert (await browser.get("/")).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1:8481", "[::1]:8481", "LOCALHOST:1"])
async def test_this_machine_is_asked_by_its_own_name_whatever_the_port(door: Door, host: str) -> None:
    async with door.browser() as browser:
        assert (await browser.get("/", headers={"Host": host})).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["fjallvik.example", "localhost.fjallvik.example", "127.0.0.1.nip.example", "", "localhost@evil.example", "["],
)
async def test_by_a_strangers_name_it_is_not_there(door: Door, host: str) -> None:
    async with door.browser() as browser:
        await let_in(door, browser)
        answer = await browser.get("/", params={"token": door.links[-1]}, headers={"Host": host})
        assert answer.status_code == 400
        assert (await browser.get("/", headers={"Host": host})).status_code == 400
    assert len(door.links) == 2, "the link is as good as before"


async def test_there_is_nothing_to_do_only_to_read(door: Door) -> None:
    async with door.browser() as browser:
        await let_in(door, browser)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert (await browser.request(method, "/")).status_code == 405
        assert (await browser.get("/settings.yaml")).status_code == 404
        page = (await browser.get("/")).text
    assert "<form" not in page
    assert "<script" not in page


async def test_a_look_at_the_headers_alone_uses_no_link_up(door: Door) -> None:
    async with door.browser() as browser:
        assert (await browser.head("/", params={"token": door.links[-1]})).status_code == 403
    assert len(door.links) == 1


async def test_a_browser_is_told_to_run_nothing_fetch_nothing_and_keep_nothing(door: Door) -> None:
    async with door.browser() as browser:
        await let_in(door, browser)
        answer = await browser.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_settings_that_cannot_be_read_are_what_the_page_tells(door: Door) -> None:
    door.settings.write_text("version: <b>1</b>\n", encoding="utf-8")
    async with door.browser() as browser:
        await let_in(door, browser)
        answer = await browser.get("/")
    assert answer.status_code == 503
    assert "settings.yaml:1:" in answer.text
    assert "<b>" not in answer.text
