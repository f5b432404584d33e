"""What people do in Teams, as tests and whoever runs the sandbox ask for it, and workflows that post there."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sandbox import Person, Sandbox, Server, Tenant
from sandbox.directory import Account
from sandbox.faults import Fault
from sandbox.teams import Channel
from sandbox.transport import InProcess
from sandbox.workflows import Workflow
from tests.sandbox.graph import Graph
from tests.sandbox.teams import CARD, at, carded, learning, speak_as

MESSAGE = {
    "type": "message",
    "attachments": [
        {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": CARD},
    ],
}


@pytest.fixture
def channel(tenant: Tenant) -> Channel:
    return learning(tenant)


@pytest.fixture
def person(tenant: Tenant, channel: Channel) -> Person:
    return Person(tenant, channel.team.members[1])


def test_people_change_and_delete_their_own_words(tenant: Tenant, channel: Channel, person: Person) -> None:
    owner = Person(tenant, channel.team.owners[0])
    post = person.post(channel, "<p>Hej</p>", subject="Hej")
    reply = owner.reply(channel, post, "<p>Själv hej</p>")
    owner.edit_message(channel, reply, "<p>Godmorgon</p>")
    message = channel.message(reply)
    assert message is not None
    assert (message.content, message.edited is not None) == ("<p>Godmorgon</p>", True)
    for act in (person.delete_message, lambda *on: person.edit_message(*on, "x")):
        with pytest.raises(ValueError, match="somebody else"):
            act(channel, reply)
    person.react(channel, reply)
    person.react(channel, reply)
    assert [one.kind for one in message.reactions] == ["like"]
    person.unreact(channel, reply)
    assert message.reactions == []
    owner.delete_message(channel, post)
    assert channel.posts == []
    with pytest.raises(LookupError, match="no message"):
        person.reply(channel, post, "x")


def test_people_come_and_go(tenant: Tenant, channel: Channel) -> None:
    team = channel.team
    other = Person(tenant, next(one for one in tenant.employees if one not in team.members))
    with pytest.raises(ValueError, match="not a member"):
        other.post(channel, "Hej")
    other.join(team.group)
    other.join(team.group)
    other.post(channel, "Hej")
    assert [one.kind for one in team.channel("General").messages] == ["systemEventMessage"]
    private = team.add_channel("Ledning", private=[team.owners[0]])
    with pytest.raises(ValueError, match="not a member"):
        other.post(private, "Hej")
    other.join_channel(private)
    other.post(private, "Hej")
    other.leave_channel(private)
    other.join_channel(private)
    other.leave(team.group)
    assert other.account not in private.members
    with pytest.raises(ValueError, match="not a member"):
        other.join_channel(private)
    owner = Person(tenant, team.owners[0])
    owner.leave(team.group)
    assert owner.account not in team.members


# From outside


def route(tenant: Tenant, what: str) -> str:
    return f"/sandbox/tenants/{tenant.id}/{what}"


async def test_all_of_it_can_be_asked_for_from_outside(
    graph: Graph, tenant: Tenant, channel: Channel, person: Person
) -> None:
    http = graph.http

    async def act(who: Account, do: str, **more: Any) -> Any:
        answer = await http.post(route(tenant, f"calendars/{who.id}/act"), json={"do": do, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()["event"]

    who = person.account
    here = {"channel": channel.id}
    post = await act(who, "post", team=channel.team.name, channel="Lärande", content="<p>Hej</p>", subject="Hej")
    reply = await act(who, "reply", **here, message=post, content="<p>Tack!</p>")
    await act(who, "edit_message", **here, message=reply, content="<p>Tack och bock</p>")
    await act(who, "react", **here, message=post, kind="heart")
    await act(who, "react", **here, message=post)
    await act(who, "unreact", **here, message=post, kind="heart")
    gone = await act(who, "reply", **here, message=post, content="<p>Fel</p>")
    await act(who, "delete_message", **here, message=gone)
    (said,) = (await http.get(route(tenant, f"channels/{channel.id}"))).json()
    assert (said["subject"], said["content"], said["reactions"], said["from"]) == (
        "Hej",
        "<p>Hej</p>",
        ["like"],
        who.address,
    )
    assert [(one["content"], one["deleted"]) for one in said["replies"]] == [
        ("<p>Tack och bock</p>", False),
        ("", True),
    ]
    private = channel.team.add_channel("Ledning", private=[])
    await act(who, "join_channel", channel=private.id)
    assert private.members == [who]
    await act(who, "leave_channel", channel=private.id)
    shown = (await http.get(route(tenant, "teams"))).json()
    assert shown["login"]["client_id"] == tenant.login.client_id
    assert [one["name"] for one in shown["teams"]] == [one.name for one in tenant.teams]
    (mine,) = [one for one in shown["teams"][0]["channels"] if one["id"] == channel.id]
    assert (mine["posts"], mine["posted_by_applications"]) == (1, 0)
    for path in ("channels/19:none@thread.tacv2", "teams/x"):
        assert (await http.get(route(tenant, path))).status_code == 404


async def test_who_signs_in_can_be_said_from_outside(graph: Graph, tenant: Tenant) -> None:
    http, account = graph.http, tenant.service_account

    async def asked() -> str:
        form = {"client_id": tenant.login.client_id, "scope": "ChannelMessage.Send offline_access"}
        answer = await http.post(f"/{tenant.id}/oauth2/v2.0/devicecode", data=form)
        return str(answer.json()["device_code"])

    async def got(code: str) -> Any:
        form = {"grant_type": "device_code", "client_id": tenant.login.client_id, "device_code": code}
        return (await http.post(f"/{tenant.id}/oauth2/v2.0/token", data=form)).json()

    async def sign(way: str, **what: Any) -> int:
        return (await http.post(route(tenant, f"sign-{way}"), json=what)).status_code

    assert await sign("in", account=account.address) == 404
    code = await asked()
    assert await sign("in", account="nobody") == 404
    assert await sign("in", account=account.address) == 200
    whole = await got(code)
    again = {"grant_type": "refresh_token", "client_id": tenant.login.client_id, "scope": "ChannelMessage.Send"}

    async def renewed() -> Any:
        form = {**again, "refresh_token": whole["refresh_token"]}
        return (await http.post(f"/{tenant.id}/oauth2/v2.0/token", data=form)).json()

    assert "access_token" in await renewed()
    assert await sign("out", account=account.address, mfa=True) == 200
    assert (await renewed())["suberror"] == "basic_action"
    tenant.sign_ins.needs_mfa.clear()
    assert await sign("out", account=account.address) == 200
    assert (await renewed())["error_codes"] == [50173]
    code = await asked()
    assert await sign("in", decline=True) == 200
    assert (await got(code))["error"] == "authorization_declined"
    await asked()
    tenant.sign_ins.blocks_device_code = True
    assert await sign("in", account=account.address) == 409
    assert await sign("in", browser=account.address) == 200
    assert tenant.sign_ins.browser is account
    assert await sign("in", browser=None) == 200
    assert tenant.sign_ins.browser is None


async def test_a_page_to_look_at_teams_and_to_answer(graph: Graph, tenant: Tenant, channel: Channel) -> None:
    http, who = graph.http, channel.team.members[1]
    speak_as(graph, tenant.service_account)
    made = await graph.made(at(channel), carded(subject="<b>Veckan</b>"))
    assert f'<a href="/teams?tenant={tenant.id}">' in (await http.get("/")).text
    listed = (await http.get(f"/teams?tenant={tenant.id}")).text
    assert channel.team.name in listed
    here = f"/teams?tenant={tenant.id}&channel={quote(channel.id)}"
    assert here.replace("&", "&amp;") in listed
    form = {"who": who.id, "channel": channel.id, "content": "<script>alert(1)</script>"}
    answer = await http.post(route(tenant, "say"), data={**form, "message": made["id"]})
    assert (answer.status_code, answer.headers["location"]) == (303, here)
    await http.post(route(tenant, "say"), data={**form, "content": "Hej"})
    shown = (await http.get(here)).text
    assert "31 h skyddad tid" in shown
    assert "<b>" not in shown
    assert "<script" not in shown
    assert channel.posts[0].replies[0].content == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    channel.delete(channel.posts[0])
    assert "deleted" in (await http.get(here)).text
    assert (await http.get("/teams")).status_code == 404
    stranger = next(one for one in tenant.employees if one not in channel.members)
    refused = await http.post(route(tenant, "say"), data={**form, "who": stranger.id})
    assert refused.status_code == 400


# Workflows


@pytest.fixture
def workflow(tenant: Tenant, channel: Channel) -> Workflow:
    return tenant.add_workflow(channel)


@pytest.fixture
async def http(tenant: Tenant) -> Any:
    sandbox = Sandbox()
    sandbox.add(tenant)
    async with httpx.AsyncClient(transport=InProcess(sandbox.app), base_url="https://localhost") as http:
        yield http


async def test_a_workflow_posts_and_says_nothing_of_it(
    http: httpx.AsyncClient, tenant: Tenant, workflow: Workflow, channel: Channel
) -> None:
    answer = await http.post(workflow.path, json=MESSAGE)
    assert (answer.status_code, answer.content) == (202, b"")
    (message,) = channel.posts
    assert json.loads(message.attachments[0]["content"]) == CARD
    assert workflow.posts == [message]
    assert (workflow.runs[0].body, workflow.runs[0].problem) == (MESSAGE, None)
    assert tenant.counts.posts == {channel.id: 1}
    assert tenant.counts.requests == 0
    workflow.status = 200
    assert (await http.post(workflow.path, json=MESSAGE)).status_code == 200


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({**MESSAGE, "type": "MessageCard"}, "not a message"),
        ({"type": "message", "attachments": []}, "not a message"),
        ([], "not a message"),
        ({"type": "message", "attachments": [{"contentType": "text/html", "content": {}}]}, "Only Adaptive Cards"),
        ({"type": "message", "attachments": [{**MESSAGE["attachments"][0], "content": json.dumps(CARD)}]}, "object"),
        ({"type": "message", "attachments": [{**MESSAGE["attachments"][0], "content": {}}]}, "not valid"),
        ({**MESSAGE, "note": "å" * 20_000}, "too large"),
    ],
)
async def test_runs_that_fail_where_nobody_is_told(
    http: httpx.AsyncClient, workflow: Workflow, channel: Channel, body: Any, problem: str
) -> None:
    assert (await http.post(workflow.path, json=body)).status_code == 202
    assert channel.posts == []
    assert problem in str(workflow.runs[0].problem)


async def test_a_workflow_works_as_long_as_its_owner_and_its_team(
    http: httpx.AsyncClient, tenant: Tenant, workflow: Workflow, channel: Channel
) -> None:
    workflow.breaks = "The connection has to be renewed."
    await http.post(workflow.path, json=MESSAGE)
    workflow.breaks = None
    channel.team.archived = True
    await http.post(workflow.path, json=MESSAGE)
    workflow.owner.enabled = False
    await http.post(workflow.path, json=MESSAGE)
    assert [str(run.problem).split()[1] for run in workflow.runs] == ["connection", "team", "owner"]
    private = tenant.add_workflow(channel.team.add_channel("Ledning", private=[]), tenant.service_account)
    assert (await http.post(private.path, json=MESSAGE)).status_code == 202
    assert "private" in str(private.runs[0].problem)


async def test_what_a_workflow_refuses(http: httpx.AsyncClient, workflow: Workflow, channel: Channel) -> None:
    answers = [
        await http.post(workflow.path.replace("sig=", "sig=0"), json=MESSAGE),
        await http.post(workflow.path.partition("?")[0], json=MESSAGE),
        await http.post(workflow.path.replace(workflow.id, "0" * 32), json=MESSAGE),
        await http.post(workflow.path, content=b"{"),
        await http.get(workflow.path),
    ]
    workflow.enabled = False
    answers.append(await http.post(workflow.path, json=MESSAGE))
    assert [answer.status_code for answer in answers] == [401, 401, 404, 400, 405, 400]
    assert all(answer.json()["error"]["code"] for answer in answers)
    assert (channel.posts, workflow.runs) == ([], [])


@pytest.mark.parametrize(
    ("fault", "status", "done"),
    [
        (Fault.THROTTLED_SECONDS, 429, 0),
        (Fault.THROTTLED_SILENT, 429, 0),
        (Fault.ERROR_500_BEFORE, 500, 0),
        (Fault.ERROR_502_AFTER, 502, 1),
        (Fault.ERROR_503_SECONDS, 503, 0),
        (Fault.ERROR_504_AFTER, 504, 1),
        (Fault.DROPPED_BEFORE, None, 0),
        (Fault.DROPPED_AFTER, None, 1),
    ],
)
async def test_misfortunes_of_workflows(
    http: httpx.AsyncClient, workflow: Workflow, fault: Fault, status: int | None, done: int
) -> None:
    workflow.fail(fault)
    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(workflow.path, json=MESSAGE)
    else:
        answer = await http.post(workflow.path, json=MESSAGE)
        assert answer.status_code == status
        assert answer.headers.get("retry-after") == ("4" if fault.value.endswith("seconds") else None)
    assert len(workflow.posts) == done
    assert (await http.post(workflow.path, json=MESSAGE)).status_code == 202
    with pytest.raises(ValueError, match="half_body"):
        workflow.fail(Fault.HALF_BODY)


async def test_a_slow_workflow_has_posted_while_it_is_waited_for(
    http: httpx.AsyncClient, tenant: Tenant, workflow: Workflow
) -> None:
    tenant.faults.slow_seconds = 0
    workflow.fail(Fault.SLOW)
    assert (await http.post(workflow.path, json=MESSAGE)).status_code == 202
    assert len(workflow.posts) == 1


async def test_workflows_from_outside(http: httpx.AsyncClient, tenant: Tenant, channel: Channel) -> None:
    wanted = {"team": channel.team.name, "channel": "Lärande"}
    made = (await http.post(route(tenant, "workflows"), json=wanted)).json()
    assert (await http.post(made["url"], json=MESSAGE)).status_code == 202
    (shown,) = (await http.get(route(tenant, "workflows"))).json()
    assert (shown["channel"], shown["runs"][0]["posted"]) == (channel.id, True)
    assert Server("https://localhost:5", "").address(tenant.workflows[0]) == f"https://localhost:5{made['url'][17:]}"
