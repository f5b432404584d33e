"""Posting to channels and reading what people answer, in the name of the account that signed in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from graph_client.channels import _APART, message
from holdfast.core.errors import Denied, Gone, NotSignedIn, Throttled, Unexpected, Unreachable
from holdfast.core.summary import Place, Posted
from sandbox.faults import Fault
from tests.graph_client.teams import MARKER, POST, Desk, desk
from tests.sandbox.teams import CARD

AFTER = [
    Fault.ERROR_500_AFTER,
    Fault.ERROR_502_AFTER,
    Fault.ERROR_503_AFTER,
    Fault.ERROR_504_AFTER,
    Fault.DROPPED_AFTER,
]
BEFORE = [
    Fault.ERROR_500_BEFORE,
    Fault.ERROR_502_BEFORE,
    Fault.ERROR_503_BEFORE,
    Fault.ERROR_503_SECONDS,
    Fault.ERROR_504_BEFORE,
    Fault.DROPPED_BEFORE,
]


@pytest.fixture
async def teams() -> AsyncIterator[Desk]:
    async with desk() as found:
        yield found


# Finding


async def test_a_channel_is_found_by_names_and_by_ids(teams: Desk) -> None:
    team, channel = teams.channel.team, teams.channel
    for text, name in [(team.name, channel.name), (team.id, channel.id), (team.name.upper(), channel.name.lower())]:
        assert await teams.channels.find(text, name) == Place(team.id, channel.id)


async def test_two_of_one_name_are_an_error_with_their_ids(teams: Desk) -> None:
    name, account = teams.channel.team.name, teams.tenant.service_account
    other = teams.tenant.add_team(name, "annat@fjallvik.example", [account], [teams.tenant.employees[0]])
    with pytest.raises(Unexpected, match=f'2 teams are called "{name}"') as refused:
        await teams.channels.find(name, "Lärande")
    assert other.id in refused.value.message
    assert teams.channel.team.id in refused.value.message
    assert "instead of the team's name" in refused.value.cure
    teams.channel.team.add_channel("lärande")
    with pytest.raises(Unexpected, match="2 channels are called"):
        await teams.channels.find(teams.channel.team.id, "Lärande")


async def test_a_team_that_the_account_is_not_in_says_whom_to_add(teams: Desk) -> None:
    account = teams.tenant.service_account
    teams.tenant.add_team("Ledning", "ledning@fjallvik.example", [], [teams.tenant.employees[0]])
    with pytest.raises(Gone, match='no team "Ledning"') as missing:
        await teams.channels.find("Ledning", "Lärande")
    assert f"make {account.address} a member of the team" in missing.value.cure


async def test_a_private_channel_is_found_by_its_members_alone(teams: Desk) -> None:
    team, account = teams.channel.team, teams.tenant.service_account
    private = team.add_channel("Chefer", private=[teams.tenant.employees[0]])
    with pytest.raises(Gone, match='no channel "Chefer"') as missing:
        await teams.channels.find(team.name, "Chefer")
    assert f'make {account.address} a member of the channel "Chefer", if it is a private one' in missing.value.cure
    private.private_members.append(account)
    assert await teams.channels.find(team.name, "Chefer") == Place(team.id, private.id)


# Posting


async def test_a_post_stands_in_the_channel_with_its_card(teams: Desk) -> None:
    posted = await teams.channels.post(teams.place, POST)
    (found,) = teams.channel.posts
    assert (found.id, found.sender, found.subject) == (posted.message_id, teams.tenant.service_account, POST.subject)
    assert posted.message_id in posted.url
    (card,) = found.attachments
    assert json.loads(card["content"]) == POST.card
    assert f'<attachment id="{card["id"]}"></attachment>' in found.content
    assert found.content.startswith(POST.html)


async def test_words_that_name_the_card_are_posted_as_they_are(teams: Desk) -> None:
    html = '<p>Hej</p><attachment id="kort"></attachment>'
    await teams.channels.post(teams.place, replace(POST, html=html))
    (found,) = teams.channel.posts
    assert (found.content, found.attachments[0]["id"]) == (html, "kort")


@pytest.mark.parametrize("fault", AFTER + BEFORE)
async def test_a_post_is_never_sent_again_where_its_outcome_is_unknown(teams: Desk, fault: Fault) -> None:
    teams.tenant.faults.script(fault, mailbox=teams.channel.id, method="POST")
    with pytest.raises(Unreachable):
        await teams.channels.post(teams.place, POST)
    assert len(teams.calls("POST")) == int(fault is not Fault.DROPPED_BEFORE)  # which nobody there saw
    found = await teams.channels.look(teams.place, MARKER)
    assert (found is not None) == (fault in AFTER) == bool(teams.channel.posts)
    assert found is None or found.message_id == teams.channel.posts[0].id


async def test_a_post_that_was_throttled_was_not_posted_and_is_sent_again(teams: Desk) -> None:
    teams.tenant.faults.script(Fault.THROTTLED_SECONDS, mailbox=teams.channel.id, method="POST")
    await teams.channels.post(teams.place, POST)
    assert len(teams.channel.posts) == 1
    assert len(teams.calls("POST")) == 2


async def test_patience_ends(teams: Desk) -> None:
    for _ in range(10):
        teams.tenant.faults.script(Fault.THROTTLED_SECONDS, mailbox=teams.channel.id, method="POST")
    with pytest.raises(Throttled):
        await teams.channels.post(teams.place, POST)
    assert teams.channel.posts == []


async def test_a_token_that_ran_out_is_renewed_once(teams: Desk) -> None:
    await teams.channels.post(teams.place, POST)
    teams.tenant.clock.advance(timedelta(hours=2))
    await teams.channels.post(teams.place, POST)
    assert teams.who.posting.renewed == 1
    assert len(teams.channel.posts) == 2


@pytest.mark.parametrize("status", [413, 400])
async def test_a_post_that_is_too_large_says_so(teams: Desk, status: int) -> None:
    teams.tenant.teams_facts = replace(teams.tenant.teams_facts, too_large_status=status)
    with pytest.raises(Unexpected) as refused:
        await teams.channels.post(teams.place, replace(POST, html=f"<p>{'å' * 20_000}</p>"))
    assert (refused.value.status, "let the summary say less" in refused.value.cure) == (status, True)
    assert teams.channel.posts == []


async def test_a_card_that_teams_does_not_take_is_told(teams: Desk) -> None:
    with pytest.raises(Unexpected, match="card is not valid") as refused:
        await teams.channels.post(teams.place, replace(POST, card={"type": "MessageCard"}))
    assert "report it with its request id" in refused.value.cure.lower()


async def test_an_account_that_left_the_team_says_whom_to_add(teams: Desk) -> None:
    place, account = teams.place, teams.tenant.service_account
    teams.channel.team.group.members.remove(account)
    for call in (
        teams.channels.post(place, POST),
        teams.channels.look(place, MARKER),
        teams.channels.replies(place, "1"),
    ):
        with pytest.raises(Denied) as refused:
            await call
        assert f"Make {account.address} a member of the team" in refused.value.cure


async def test_an_archived_team_is_told(teams: Desk) -> None:
    teams.channel.team.archived = True
    with pytest.raises(Gone) as gone:
        await teams.channels.post(teams.place, POST)
    assert "archived" in gone.value.cure


async def test_nobody_signed_in_is_told_before_anything_is_sent(teams: Desk) -> None:
    teams.who.posting.error = NotSignedIn("Nobody.", cure="Run `holdfast login`.")
    with pytest.raises(NotSignedIn):
        await teams.channels.post(teams.place, POST)
    assert teams.asked == []


# Reading


async def test_a_post_is_found_again_among_others_and_only_if_the_account_posted_it(teams: Desk) -> None:
    other = POST.marker.replace("W48", "W4")
    await teams.channels.post(teams.place, replace(POST, card={**POST.card, "id": other}, marker=other))
    assert await teams.channels.look(teams.place, MARKER) is None
    body = message(POST)
    person = teams.tenant.employees[0]
    teams.channel.add(person, body["body"]["content"], attachments=body["attachments"])
    assert await teams.channels.look(teams.place, MARKER) is None
    posted = await teams.channels.post(teams.place, POST)
    for number in range(120):
        teams.channel.add(person, f"<p>{number}</p>")
    assert await teams.channels.look(teams.place, MARKER) == posted


async def test_a_card_that_does_not_say_its_marker_is_found_by_its_attachment(teams: Desk) -> None:
    await teams.channels.post(
        teams.place, replace(POST, html=f'<p></p><attachment id="{MARKER}"></attachment>', card=CARD)
    )
    assert await teams.channels.look(teams.place, MARKER) is not None


async def test_looking_has_an_end(teams: Desk) -> None:
    await teams.channels.post(teams.place, POST)
    for number in range(600):
        teams.channel.add(teams.tenant.employees[0], f"<p>{number}</p>")
    assert await teams.channels.look(teams.place, MARKER) is None
    assert len(teams.calls("GET")) == 10


async def test_replies_are_those_of_people_that_stand_the_oldest_first(teams: Desk) -> None:
    posted = await teams.channels.post(teams.place, POST)
    root = teams.channel.message(posted.message_id)
    anna, bo = teams.tenant.employees[:2]
    assert root is not None
    said = []
    for number in range(70):
        teams.tenant.clock.advance(timedelta(minutes=1))
        said.append(teams.channel.add((anna, bo)[number % 2], f"<p>{number}</p>", root=root))
    teams.channel.delete(said.pop(3))
    teams.channel.add(None, "<systemEventMessage/>", root=root, kind="systemEventMessage")
    plain = teams.channel.add(anna, "1 < 2", root=root, content_type="text")
    found = await teams.channels.replies(teams.place, posted.message_id)
    assert [one.message_id for one in found] == [one.id for one in said] + [plain.id]
    assert {one.author for one in found} == {anna.display_name, bo.display_name}
    assert (found[0].html, found[0].at, found[-1].html) == ("<p>0</p>", said[0].created, "1 &lt; 2")
    assert posted.message_id in found[0].url


async def test_the_replies_to_what_is_not_there(teams: Desk) -> None:
    with pytest.raises(Gone):
        await teams.channels.replies(teams.place, "1234567890")


async def test_without_the_right_to_read_posting_works_all_the_same(teams: Desk) -> None:
    teams.may_not_read()
    assert isinstance(await teams.channels.post(teams.place, POST), Posted)
    with pytest.raises(Denied, match="65001") as refused:
        await teams.channels.look(teams.place, MARKER)
    assert "ChannelMessage.Read.All" in refused.value.cure


@pytest.mark.parametrize("fault", BEFORE)
async def test_reading_is_tried_again(teams: Desk, fault: Fault) -> None:
    posted = await teams.channels.post(teams.place, POST)
    teams.tenant.faults.script(fault, mailbox=teams.channel.id, method="GET")
    assert await teams.channels.look(teams.place, MARKER) == posted


async def test_calls_about_one_channel_keep_their_distance(teams: Desk) -> None:
    before = teams.clock.monotonic()
    times = []
    for _ in range(9):
        await teams.channels.post(teams.place, POST)
        times.append(teams.clock.monotonic())
    assert all(later - sooner >= _APART - 1e-6 for sooner, later in pairwise(times))
    assert times[-1] - before == pytest.approx(8 * _APART)
    assert {one.status for one in teams.calls("POST")} == {201}
    other = teams.tenant.teams[1].channel("Lärande")
    await teams.channels.post(Place(other.team.id, other.id), POST)
    assert teams.clock.monotonic() == times[-1]
