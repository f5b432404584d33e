"""Messages to a channel over Graph: who may post, what is taken, what is refused, and what is then there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox import Clock, TeamsFacts, TeamsLimits, Tenant
from sandbox.directory import Account
from sandbox.faults import Fault
from sandbox.teams import Channel, mention_of
from tests.sandbox.graph import Graph, Reply
from tests.sandbox.teams import CARD, at, carded, html, learning, speak_as


@pytest.fixture
def account(tenant: Tenant) -> Account:
    return tenant.service_account


@pytest.fixture
def channel(tenant: Tenant) -> Channel:
    return learning(tenant)


@pytest.fixture
def graph(graph: Graph, account: Account) -> Graph:
    speak_as(graph, account)
    return graph


async def test_a_card_is_posted_and_answered_as_graph_does(
    graph: Graph, tenant: Tenant, channel: Channel, account: Account
) -> None:
    made = await graph.made(at(channel), carded(importance="high", summary="Veckan"))
    assert made["@odata.context"].endswith("/messages/$entity")
    assert made["id"] == str(int(tenant.clock.now().timestamp() * 1000))
    assert made["createdDateTime"] == "2026-11-25T09:00:00.000Z"
    assert (made["messageType"], made["importance"], made["replyToId"]) == ("message", "high", None)
    assert (made["subject"], made["summary"]) == ("Veckans lärande", "Veckan")
    assert made["from"]["user"]["id"] == account.id
    assert made["from"]["application"] is None
    assert made["channelIdentity"] == {"teamId": channel.team.id, "channelId": channel.id}
    assert made["body"] == carded()["body"]
    (attachment,) = made["attachments"]
    assert json.loads(attachment["content"]) == CARD
    assert f"/{made['id']}?groupId={channel.team.id}&tenantId={tenant.id}" in made["webUrl"]
    second = await graph.made(at(channel), html("Hej"))
    assert int(second["id"]) == int(made["id"]) + 1
    assert [one.id for one in channel.posts] == [made["id"], second["id"]]
    assert tenant.counts.posts == {channel.id: 2}
    assert tenant.counts.writes == 2
    assert tenant.counts.paths["POST /teams/*/channels/*/messages"] == 2
    assert {one.client_id for one in channel.posts} == {tenant.login.client_id}


async def test_the_application_itself_may_not_post(graph: Graph, tenant: Tenant, channel: Channel) -> None:
    await graph.sign_in()
    reply = await graph.post(at(channel), html("Hej"))
    assert (reply.status, reply.code) == (403, "Forbidden")
    assert "requires one of 'Teamwork.Migrate.All'" in reply.body["error"]["message"]
    assert "Roles on the request 'Calendars.ReadWrite" in reply.body["error"]["message"]
    tenant.applications[0].roles |= {"Teamwork.Migrate.All", "ChannelMessage.Send"}
    await graph.sign_in()
    assert (await graph.post(at(channel), html("Hej"))).status == 403
    assert channel.posts == []


async def test_who_signed_in_needs_the_scope_and_to_be_in_the_team(
    graph: Graph, channel: Channel, account: Account
) -> None:
    speak_as(graph, account, "ChannelMessage.Read.All")
    reply = await graph.post(at(channel), html("Hej"))
    assert reply.status == 403
    assert (
        "scope permissions on the request. API requires one of 'ChannelMessage.Send'" in reply.body["error"]["message"]
    )
    speak_as(graph, account)
    channel.team.group.members.remove(account)
    reply = await graph.post(at(channel), html("Hej"))
    assert (reply.status, reply.code) == (403, "Forbidden")
    assert "is not a member" in reply.body["error"]["message"]
    assert (await graph.get(at(channel))).status == 403
    channel.team.group.owners.append(account)
    assert (await graph.post(at(channel), html("Hej"))).status == 201
    account.uses_teams = False
    assert (await graph.post(at(channel), html("Hej"))).status == 403


async def test_a_private_channel_has_members_of_its_own(graph: Graph, channel: Channel, account: Account) -> None:
    leader = channel.team.owners[0]
    private = channel.team.add_channel("Ledning", private=[leader])
    reply = await graph.post(at(private), html("Hej"))
    assert (reply.status, reply.code) == (403, "Forbidden")
    private.private_members.append(account)
    assert (await graph.post(at(private), html("Hej"))).status == 201
    channel.team.group.members.remove(account)
    assert (await graph.post(at(private), html("Hej"))).status == 403


def without_body() -> dict[str, Any]:
    return {"subject": "Hej"}


def with_card(**changes: Any) -> dict[str, Any]:
    return carded({**CARD, **changes})


def attached(**changes: Any) -> dict[str, Any]:
    whole = carded()
    whole["attachments"] = [{**whole["attachments"][0], **changes}]
    return whole


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (without_body(), "Missing body"),
        (html("  "), "cannot be empty"),
        ({"body": {"content": 1}}, "Cannot convert"),
        (html("Hej", importance="low"), "is not one of"),
        (html("Hej", title="Hej"), "does not exist on type"),
        (html("Hej", createdDateTime="2026-01-01T00:00:00Z"), "Set action is invalid"),
        (attached(id="other"), "not the ones that the body refers to"),
        (attached(id=None), "needs an id"),
        (attached(contentUrl="https://elsewhere.example/"), "both content and contentUrl"),
        (attached(content=CARD), "Cannot convert"),
        (attached(content="{"), "not JSON"),
        (attached(content="[]"), "a card is a JSON object"),
        (attached(contentType="text/plain"), "not supported"),
        (html("Hej", attachments=carded()["attachments"]), "not the ones"),
        (html('<attachment id="c1"></attachment>'), "not the ones"),
        ({**carded(), "attachments": carded()["attachments"] * 2}, "have one id"),
        ({**carded(), "body": {"content": "Hej"}}, "contentType 'html'"),
        (with_card(type="MessageCard"), "not AdaptiveCard"),
        (with_card(version="2.0"), "version"),
        (with_card(body=[{"type": "TextBlock"}]), "needs 'text'"),
        (with_card(body=[{"type": "Input.Text", "id": "x"}]), "no element"),
        (with_card(body={"type": "TextBlock", "text": "x"}), "not a list"),
        (with_card(actions=[{"type": "Action.Submit"}]), "nobody would answer"),
        (with_card(actions=[{"type": "Action.OpenUrl", "title": "x"}]), "needs a url"),
        (with_card(body=[{"type": "ColumnSet", "columns": [{"items": [{"type": "X"}]}]}]), "no element"),
    ],
)
async def test_what_is_not_taken(graph: Graph, channel: Channel, wrong: Any, says: str) -> None:
    reply = await graph.post(at(channel), wrong)
    assert reply.status == 400, reply.body
    assert says in reply.body["error"]["message"]
    assert channel.posts == []


async def test_rich_cards_are_taken(graph: Graph, channel: Channel) -> None:
    text = {"type": "TextBlock", "text": "x"}
    body = [
        {"type": "ColumnSet", "columns": [{"type": "Column", "items": [text], "width": "auto"}]},
        {"type": "Container", "items": [text], "selectAction": {"type": "Action.OpenUrl", "url": "https://a.example"}},
        {"type": "FactSet", "facts": [{"title": "a", "value": "b"}]},
        {"type": "RichTextBlock", "inlines": ["a", {"type": "TextRun", "text": "b"}]},
        {"type": "Table", "columns": [{"width": 1}], "rows": [{"type": "TableRow", "cells": [{"items": [text]}]}]},
    ]
    actions = [{"type": "Action.ShowCard", "title": "Mer", "card": {"type": "AdaptiveCard", "body": [text]}}]
    await graph.made(at(channel), with_card(body=body, actions=actions, msteams={"width": "Full"}, id="mark"))


async def test_mentions_have_a_tag_each_and_are_of_somebody(graph: Graph, tenant: Tenant, channel: Channel) -> None:
    tag, mention = mention_of(tenant.employees[0])
    made = await graph.made(at(channel), html(f"Hej {tag}", mentions=[mention]))
    assert made["mentions"][0]["mentioned"]["user"]["id"] == tenant.employees[0].id
    everyone = {
        "id": 0,
        "mentionText": "Lärande",
        "mentioned": {"conversation": {"id": channel.id, "conversationIdentityType": "channel"}},
    }
    await graph.made(at(channel), html('<at id="0">Lärande</at>', mentions=[everyone]))
    nobody = {**mention, "mentioned": {"user": {"id": "00000000-0000-4000-8000-000000000000"}}}
    for wrong in [
        html("Hej", mentions=[mention]),
        html(f"Hej {tag}"),
        html(f"Hej {tag}", mentions=[nobody]),
        html(f"Hej {tag}", mentions=[{**mention, "mentioned": {}}]),
    ]:
        assert (await graph.post(at(channel), wrong)).status == 400


async def test_a_post_may_be_28_kilobytes(graph: Graph, channel: Channel) -> None:
    assert (await graph.post(at(channel), html("å" * 14_336))).status == 201
    reply = await graph.post(at(channel), html("å" * 14_336 + "a"))
    assert (reply.status, reply.code) == (413, "RequestEntityTooLarge")
    text = {"type": "TextBlock", "text": "a" * 28_600}
    assert (await graph.post(at(channel), with_card(body=[text]))).status == 413
    assert len(channel.posts) == 1


async def test_teams_and_channels_that_are_not_there(graph: Graph, tenant: Tenant, channel: Channel) -> None:
    nowhere = "00000000-0000-4000-8000-000000000000"
    for path, status, code in [
        (f"/teams/{nowhere}/channels/{channel.id}/messages", 404, "NotFound"),
        (f"/teams/{tenant.everyone.id}/channels/{channel.id}/messages", 404, "NotFound"),
        (f"/teams/{channel.team.id}/channels/19:{'0' * 32}@thread.tacv2/messages", 404, "NotFound"),
        (f"/teams/{channel.team.id}/channels/{learning(tenant, 1).id}/messages", 404, "NotFound"),
        (f"/teams/Utveckling/channels/{channel.id}/messages", 400, "BadRequest"),
        (f"/teams/{channel.team.id}/channels/L%C3%A4rande/messages", 400, "BadRequest"),
    ]:
        reply = await graph.post(path, html("Hej"))
        assert (reply.status, reply.code) == (status, code), path
    channel.team.archived = True
    assert (await graph.post(at(channel), html("Hej"))).code == "NotFound"
    assert (await graph.get(f"/teams/{channel.team.id}")).body["isArchived"] is True


async def test_replies(graph: Graph, tenant: Tenant, channel: Channel) -> None:
    root = await graph.made(at(channel), carded())
    made = await graph.made(at(channel, f"/messages/{root['id']}/replies"), html("Tack!"))
    assert (made["replyToId"], made["subject"]) == (root["id"], None)
    assert f"parentMessageId={root['id']}" in made["webUrl"]
    assert tenant.counts.replies == {channel.id: 1}
    assert (await graph.post(at(channel, "/messages/1/replies"), html("Hej"))).status == 404
    assert (await graph.post(at(channel, "/messages/x/replies"), html("Hej"))).status == 400
    channel.delete(channel.posts[0])
    assert (await graph.post(at(channel, f"/messages/{root['id']}/replies"), html("Hej"))).status == 404


async def test_somebody_changes_their_own_words(graph: Graph, channel: Channel, account: Account) -> None:
    made = await graph.made(at(channel), carded())
    one = at(channel, f"/messages/{made['id']}")
    assert (await graph.patch(one, html("Hej"))).status == 403
    speak_as(graph, account, "ChannelMessage.ReadWrite")
    assert (await graph.patch(one, html("Hej"))).status == 204
    assert (channel.posts[0].content, channel.posts[0].attachments) == ("Hej", [])
    speak_as(graph, channel.team.owners[0], "ChannelMessage.ReadWrite")
    assert (await graph.patch(one, html("Hej"))).status == 403


async def test_what_is_not_certain(graph: Graph, tenant: Tenant, channel: Channel) -> None:
    tenant.teams_facts = TeamsFacts(
        too_large_status=400, application_post_status=401, unreferenced_cards_are_refused=False
    )
    large = await graph.post(at(channel), html("a" * 30_000))
    assert (large.status, large.code) == (400, "BadRequest")
    await graph.made(at(channel), html("Hej", attachments=carded()["attachments"]))
    assert (await graph.post(at(channel), html('<attachment id="c1"></attachment>'))).status == 400
    await graph.sign_in()
    reply = await graph.post(at(channel), html("Hej"))
    assert (reply.status, reply.code) == (401, "Unauthorized")


# Pace and misfortune


async def test_four_calls_a_second_to_a_channel(graph: Graph, tenant: Tenant, channel: Channel, clock: Clock) -> None:
    tenant.teams_limits = TeamsLimits(while_time_stands=True)

    async def posted() -> Reply:
        return await graph.post(at(channel), html("Hej"))

    assert [(await posted()).status for _ in range(4)] == [201] * 4
    over = await posted()
    assert (over.status, over.code, over.headers["retry-after"]) == (429, "TooManyRequests", "1")
    assert (await graph.post(at(learning(tenant, 1)), html("Hej"))).status == 201
    assert tenant.counts.throttled == {"ChannelRate": 1}
    assert (await posted()).status == 429
    assert tenant.counts.early_retries == 1
    clock.advance(timedelta(seconds=1))
    assert (await posted()).status == 201
    assert tenant.counts.early_retries == 1
    tenant.teams_limits = replace(tenant.teams_limits, posting_messages=1, per_channel=99)
    clock.advance(timedelta(seconds=1))
    assert [(await posted()).status for _ in range(2)] == [201, 429]
    assert tenant.counts.throttled["TeamsRate"] == 1


async def test_so_many_posts_a_day(graph: Graph, tenant: Tenant, channel: Channel, clock: Clock) -> None:
    tenant.teams_limits = TeamsLimits(posts_per_day=2)
    assert [(await graph.post(at(channel), html("Hej"))).status for _ in range(3)] == [201, 201, 429]
    clock.advance(timedelta(days=1))
    speak_as(graph, tenant.service_account)
    assert (await graph.post(at(channel), html("Hej"))).status == 201


@pytest.mark.parametrize(
    ("fault", "status", "done"),
    [
        (Fault.THROTTLED_SECONDS, 429, 0),
        (Fault.ERROR_502_BEFORE, 502, 0),
        (Fault.ERROR_502_AFTER, 502, 1),
        (Fault.ERROR_504_AFTER, 504, 1),
        (Fault.TOKEN_ENDED, 401, 0),
    ],
)
async def test_misfortunes_of_posts(graph: Graph, tenant: Tenant, fault: Fault, status: int, done: int) -> None:
    channel = learning(tenant)
    tenant.faults.script(fault, mailbox=channel.id, method="POST")
    assert (await graph.get(at(channel))).status == 200
    assert (await graph.post(at(learning(tenant, 1)), html("Hej"))).status == 201
    headers = {"Authorization": f"Bearer {graph.token}"}
    answer = await graph.http.post(f"/v1.0{at(channel)}", json=html("Hej"), headers=headers)
    assert answer.status_code == status
    assert len(channel.posts) == done
    assert tenant.faults.met == {(fault, "POST messages"): 1}


async def test_a_late_post_lands_once_somebody_has_looked(
    graph: Graph, tenant: Tenant, channel: Channel, clock: Clock
) -> None:
    for lands in ("by being looked at", "by itself"):
        before = len(channel.posts)
        tenant.faults.script(Fault.LATE_WRITE, seconds=60)
        assert (await graph.post(at(channel), html("Hej"))).status == 504
        if lands == "by itself":
            assert len(channel.posts) == before
            clock.advance(timedelta(seconds=60))
        else:
            assert len((await graph.get(at(channel))).body["value"]) == before
        assert len(channel.posts) == before + 1
