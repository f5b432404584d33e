"""Teams, channels and what was said in them over Graph: who may see what, in which order, page by page."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from sandbox import Clock, Person, TeamsLimits, Tenant
from sandbox.directory import Account
from sandbox.faults import Fault
from sandbox.teams import Channel, Speaker, mention_of
from tests.sandbox.graph import Graph
from tests.sandbox.teams import at, html, learning, speak_as

TEAMS = "resourceProvisioningOptions/Any(x:x eq 'Team')"


@pytest.fixture
def account(tenant: Tenant) -> Account:
    return tenant.service_account


@pytest.fixture
def channel(tenant: Tenant) -> Channel:
    return learning(tenant)


@pytest.fixture
def person(tenant: Tenant, channel: Channel) -> Person:
    """A colleague in the team."""
    return Person(tenant, channel.team.members[1])


@pytest.fixture
def graph(graph: Graph, account: Account) -> Graph:
    speak_as(graph, account)
    return graph


# Teams and channels


async def test_teams_are_found_by_name_and_by_what_they_are(graph: Graph, tenant: Tenant) -> None:
    await graph.sign_in()
    team = tenant.teams[0]
    every = (await graph.get(f"/groups?$filter={TEAMS}&$select=id,displayName")).body["value"]
    assert [one["displayName"] for one in every] == [one.name for one in tenant.teams]
    named = (await graph.get(f"/groups?$filter=displayName eq '{team.name}' and {TEAMS}")).body["value"]
    assert [(one["id"], one["resourceProvisioningOptions"]) for one in named] == [(team.id, ["Team"])]
    assert (await graph.get(f"/groups/{tenant.everyone.id}")).body["resourceProvisioningOptions"] == []
    assert (await graph.get(f"/groups?$filter={TEAMS.replace('eq', 'ne')}")).status == 400


async def test_a_team(graph: Graph, channel: Channel, account: Account) -> None:
    team = channel.team
    whole = (await graph.get(f"/teams/{team.id}")).body
    assert (whole["id"], whole["displayName"], whole["isArchived"]) == (team.id, team.name, False)
    assert set((await graph.get(f"/teams/{team.id}?$select=displayName")).body) == {
        "@odata.context",
        "id",
        "displayName",
    }
    assert (await graph.get(f"/groups/{team.id}/team")).body["id"] == team.id
    assert (await graph.get("/teams/00000000-0000-4000-8000-000000000000")).code == "NotFound"
    assert (await graph.get(f"/teams/{team.id}?$select=shoeSize")).status == 400
    assert (await graph.ask("DELETE", f"/teams/{team.id}")).status == 405
    assert (await graph.get(f"/teams/{team.id}/apps")).status == 400
    speak_as(graph, account, "ChannelMessage.Send")
    assert (await graph.get(f"/teams/{team.id}")).code == "Forbidden"


async def test_who_signed_in_knows_who_they_are_and_where_they_belong(
    graph: Graph, tenant: Tenant, account: Account
) -> None:
    assert (await graph.get("/me")).code == "Authorization_RequestDenied"
    joined = (await graph.get("/me/joinedTeams")).body["value"]
    assert [one["displayName"] for one in joined] == [one.name for one in tenant.teams]
    assert (await graph.get("/me/joinedTeams?$top=5")).status == 400
    other = tenant.teams[0].owners[0]
    assert (await graph.get(f"/users/{other.id}/joinedTeams")).status == 403
    assert (await graph.get(f"/users/{other.id}")).status == 403
    speak_as(graph, account, "User.Read")
    assert (await graph.get("/me?$select=id,mail,department")).body["mail"] == account.address
    assert (await graph.get(f"/users/{other.id}")).status == 403
    assert (await graph.get("/me/joinedTeams")).status == 403
    tenant.applications[0].roles.add("Team.ReadBasic.All")
    await graph.sign_in()
    assert len((await graph.get(f"/users/{other.id}/joinedTeams")).body["value"]) == 1
    assert (await graph.get("/users/nobody/joinedTeams")).status == 404
    assert (await graph.get("/me/joinedTeams")).status == 400


async def test_somebodys_own_calendar_takes_a_scope_and_others_take_more(
    graph: Graph, tenant: Tenant, account: Account
) -> None:
    assert (await graph.get("/me/events")).code == "ErrorAccessDenied"
    speak_as(graph, account, "Calendars.Read")
    assert (await graph.get("/me/events")).status == 200
    assert (await graph.get(f"/users/{tenant.employees[0].id}/events")).code == "ErrorAccessDenied"


async def test_channels(graph: Graph, tenant: Tenant, channel: Channel, account: Account) -> None:
    team = channel.team
    private = team.add_channel("Ledning", private=[team.owners[0]])
    path = f"/teams/{team.id}/channels"
    found = (await graph.get(path)).body["value"]
    assert [(one["displayName"], one["membershipType"]) for one in found] == [
        ("General", "standard"),
        ("Lärande", "standard"),
    ]
    named = await graph.get(f"{path}?$filter=displayName eq 'Lärande'&$select=id,displayName")
    assert named.body["value"] == [{"id": channel.id, "displayName": "Lärande"}]
    assert (await graph.get(f"{path}?$filter=shoeSize eq 5")).status == 400
    assert (await graph.get(f"{path}/{quote(channel.id)}")).body["displayName"] == "Lärande"
    assert (await graph.get(f"/teams/{team.id}/primaryChannel")).body["displayName"] == "General"
    assert (await graph.get(f"{path}/{quote(private.id)}")).status == 403
    private.private_members.append(account)
    assert len((await graph.get(path)).body["value"]) == 3
    tenant.applications[0].roles.add("Channel.ReadBasic.All")
    await graph.sign_in()
    assert [one["membershipType"] for one in (await graph.get(path)).body["value"]] == ["standard"] * 2 + ["private"]


async def test_members_and_owners(graph: Graph, tenant: Tenant, channel: Channel, account: Account) -> None:
    team = channel.team
    assert (await graph.get(f"/teams/{team.id}/members")).status == 403
    speak_as(graph, account, "TeamMember.Read.All", "ChannelMember.Read.All")
    for path in (f"/teams/{team.id}/members", at(channel, "/members")):
        found = (await graph.get(path)).body["value"]
        assert {one["userId"] for one in found} == {one.id for one in team.members}
        assert [one["userId"] for one in found if one["roles"] == ["owner"]] == [team.owners[0].id]
        mine = quote(f"(microsoft.graph.aadUserConversationMember/userId eq '{account.id}')")
        assert len((await graph.get(f"{path}?$filter={mine}")).body["value"]) == 1
    await graph.sign_in()
    (owner,) = (await graph.get(f"/groups/{team.id}/owners")).body["value"]
    assert owner["id"] == team.owners[0].id
    members = (await graph.get(f"/groups/{team.id}/members?$select=id")).body["value"]
    assert account.id in {one["id"] for one in members}
    tenant.applications[0].roles.clear()
    await graph.sign_in()
    assert (await graph.get(f"/groups/{team.id}/owners")).status == 403


# Messages


@pytest.mark.parametrize("by", ["scope", "role", "team"])
async def test_the_right_to_read(graph: Graph, tenant: Tenant, channel: Channel, account: Account, by: str) -> None:
    application = tenant.applications[0]
    if by == "scope":
        speak_as(graph, account, "ChannelMessage.Send")
    else:
        await graph.sign_in()
    refused = await graph.get(at(channel))
    assert (refused.status, refused.code) == (403, "Forbidden")
    assert "ChannelMessage.Read.All" in refused.body["error"]["message"]
    if by == "scope":
        speak_as(graph, account, "ChannelMessage.Read.All")
    elif by == "role":
        application.roles.add("ChannelMessage.Read.All")
        await graph.sign_in()
    else:
        channel.team.grant(application.client_id, "ChannelMessage.Read.Group")
        assert (await graph.get(at(learning(tenant, 1)))).status == 403
    assert (await graph.get(at(channel))).body["value"] == []


async def test_the_thread_where_something_happened_last_comes_first(
    graph: Graph, tenant: Tenant, channel: Channel, person: Person, clock: Clock
) -> None:
    def shown(found: list[dict[str, str]]) -> list[str]:
        return [one["id"] for one in found]

    first, second = [(await graph.made(at(channel), html(f"<p>{text}</p>")))["id"] for text in ("ett", "två")]
    assert shown((await graph.get(at(channel))).body["value"]) == [second, first]
    clock.advance(timedelta(minutes=1))
    reply = person.reply(channel, first, "<p>Tack!</p>")
    listed = (await graph.get(at(channel))).body["value"]
    assert shown(listed) == [first, second]
    assert "replies" not in listed[0]
    assert listed[0]["lastModifiedDateTime"] == "2026-11-25T09:01:00.000Z"
    assert listed[0]["lastEditedDateTime"] is None
    clock.advance(timedelta(minutes=1))
    person.react(channel, second, "heart")
    expanded = (await graph.get(at(channel, "/messages?$expand=replies"))).body["value"]
    assert shown(expanded) == [second, first]
    assert [one["reactionType"] for one in expanded[0]["reactions"]] == ["heart"]
    assert expanded[0]["reactions"][0]["user"]["user"]["id"] == person.account.id
    assert [(one["id"], one["replyToId"], one["body"]["content"]) for one in expanded[1]["replies"]] == [
        (reply, first, "<p>Tack!</p>")
    ]
    later = person.reply(channel, reply, "<p>Igen</p>")
    assert shown((await graph.get(at(channel, f"/messages/{first}/replies"))).body["value"]) == [later, reply]
    one = (await graph.get(at(channel, f"/messages/{first}/replies/{reply}"))).body
    assert (one["from"]["user"]["displayName"], one["messageType"]) == (person.account.display_name, "message")
    assert (await graph.get(at(channel, f"/messages/{first}"))).body["id"] == first
    assert (await graph.get(at(channel, f"/messages/{first}/replies/{second}"))).status == 404
    assert tenant.counts.replies == {}


async def test_messages_come_in_pages(graph: Graph, channel: Channel, person: Person) -> None:
    made = [person.post(channel, f"<p>{number}</p>") for number in range(45)]
    pages = await graph.pages(at(channel))
    assert [len(page) for page in pages] == [20, 20, 5]
    assert [one["id"] for page in pages for one in page] == made[::-1]
    assert [len(page) for page in await graph.pages(at(channel, "/messages?$top=50&$expand=replies"))] == [45]
    for wrong in ("$top=51", "$top=0", "$filter=id eq '1'", "$select=id", "$expand=hostedContents", "$orderby=id"):
        assert (await graph.get(at(channel, f"/messages?{wrong}"))).status == 400
    for number in range(21):
        person.reply(channel, made[0], f"<p>{number}</p>")
    replies = await graph.pages(at(channel, f"/messages/{made[0]}/replies"))
    assert [len(page) for page in replies] == [20, 1]
    assert (await graph.get(at(channel, f"/messages/{made[0]}/replies?$expand=replies"))).status == 400


async def test_more_replies_than_come_with_a_message(
    graph: Graph, tenant: Tenant, channel: Channel, person: Person
) -> None:
    tenant.teams_limits = TeamsLimits(expanded_replies=2)
    root = person.post(channel, "<p>Dela</p>")
    replies = [person.reply(channel, root, f"<p>{number}</p>") for number in range(3)]
    (found,) = (await graph.get(at(channel, "/messages?$expand=replies"))).body["value"]
    assert [one["id"] for one in found["replies"]] == [replies[2], replies[1]]
    rest = (await graph.get(found["replies@odata.nextLink"])).body["value"]
    assert [one["id"] for one in rest] == [replies[0]]


async def test_what_was_deleted_and_what_teams_says_itself(
    graph: Graph, tenant: Tenant, channel: Channel, person: Person
) -> None:
    tag, mention = mention_of(tenant.employees[0])
    root = person.post(channel, f"<p>Hej {tag}</p>", subject="Hej", mentions=[mention])
    reply = person.reply(channel, root, "<p>Själv hej</p>")
    person.delete_message(channel, reply)
    person.delete_message(channel, root)
    (found,) = (await graph.get(at(channel, "/messages?$expand=replies"))).body["value"]
    for one in (found, found["replies"][0]):
        assert one["deletedDateTime"] is not None
        assert (one["body"]["content"], one["mentions"], one["attachments"]) == ("", [], [])
        assert one["from"]["user"]["id"] == person.account.id
    assert channel.posts == []
    channel.announce()
    channel.add(Speaker("00000000-0000-4000-8000-000000000000", "Workflows"), "<p>Hej</p>")
    bot, system, _ = (await graph.get(at(channel))).body["value"]
    assert (bot["from"]["application"]["displayName"], bot["from"]["user"]) == ("Workflows", None)
    assert (system["messageType"], system["from"]) == ("unknownFutureValue", None)
    asked = await graph.get(at(channel), Prefer="include-unknown-enum-members")
    assert asked.body["value"][1]["messageType"] == "systemEventMessage"


async def test_changes_since_the_last_time(
    graph: Graph, channel: Channel, person: Person, clock: Clock, account: Account
) -> None:
    old = person.post(channel, "<p>gammalt</p>")
    clock.advance(timedelta(days=300))
    speak_as(graph, account)
    first, second = (person.post(channel, f"<p>{text}</p>") for text in ("ett", "två"))
    page = (await graph.get(at(channel, "/messages/delta?$top=1&$expand=replies"))).body
    assert [one["id"] for one in page["value"]] == [first]
    last = (await graph.get(page["@odata.nextLink"])).body
    assert [one["id"] for one in last["value"]] == [second]
    link = last["@odata.deltaLink"]
    graph.tenant.faults.script(Fault.EMPTY_PAGE)
    emptied = (await graph.get(link)).body
    assert (emptied["value"], "@odata.deltaLink" in emptied) == ([], False)
    assert "@odata.deltaLink" in (await graph.get(emptied["@odata.nextLink"])).body
    assert (await graph.get(link)).body["value"] == []
    clock.advance(timedelta(minutes=1))
    reply = person.reply(channel, first, "<p>Tack!</p>")
    (changed,) = (await graph.get(link)).body["value"]
    assert (changed["id"], [one["id"] for one in changed["replies"]]) == (first, [reply])
    since = quote(f"lastModifiedDateTime gt {clock.now():%Y-%m-%dT%H:%M:00Z}")
    assert (await graph.get(at(channel, f"/messages/delta?$filter={since}"))).body["value"] == []
    clock.advance(timedelta(minutes=1))
    person.react(channel, second)
    again = (await graph.get(at(channel, f"/messages/delta()?$filter={since}"))).body["value"]
    assert [one["id"] for one in again] == [second]
    assert old not in {one["id"] for one in (await graph.get(at(channel, "/messages/delta"))).body["value"]}
    for wrong in ("$filter=id eq '1'", "$filter=lastModifiedDateTime gt soon", "$deltatoken=x", "$select=id"):
        assert (await graph.get(at(channel, f"/messages/delta?{quote(wrong, safe='$=')}"))).status == 400


async def test_reading_too_fast_and_pages_that_are_not_there(
    graph: Graph, tenant: Tenant, channel: Channel, person: Person
) -> None:
    for number in range(25):
        person.post(channel, f"<p>{number}</p>")
    tenant.faults.script(Fault.EMPTY_PAGE, mailbox=channel.id)
    assert [len(page) for page in await graph.pages(at(channel))] == [0, 20, 5]
    tenant.faults.script(Fault.LINK_EXPIRED)
    link = (await graph.get(at(channel))).body["@odata.nextLink"]
    assert (await graph.get(link)).status == 400
    tenant.teams_limits = TeamsLimits(while_time_stands=True, reading_messages=1)
    assert [(await graph.get(at(channel))).status for _ in range(2)] == [200, 429]
    assert [(await graph.get(f"/teams/{channel.team.id}")).status for _ in range(5)] == [200] * 4 + [429]


async def test_messages_in_a_batch(graph: Graph, tenant: Tenant, channel: Channel) -> None:
    headers = {"Content-Type": "application/json"}
    post = {"id": "1", "method": "POST", "url": at(channel), "headers": headers, "body": html("Hej")}
    replies = await graph.batch(post, {"id": "2", "method": "GET", "url": f"/teams/{channel.team.id}"})
    assert {name: reply["status"] for name, reply in replies.items()} == {"1": 201, "2": 200}
    tenant.faults.script(Fault.ERROR_503_AFTER, mailbox=channel.id)
    assert (await graph.batch(post))["1"]["status"] == 503
    assert len(channel.posts) == 2


async def test_a_slow_answer(graph: Graph, tenant: Tenant, channel: Channel) -> None:
    tenant.faults.script(Fault.SLOW, mailbox=channel.id, seconds=0)
    assert (await graph.get(at(channel))).status == 200
    assert tenant.faults.met[Fault.SLOW, "GET messages"] == 1
