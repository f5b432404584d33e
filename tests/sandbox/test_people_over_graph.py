"""Users, groups and mailbox settings over Graph: paging, nesting, permissions, and accounts without a mailbox."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from sandbox import Clock, Sandbox, Tenant, firm
from sandbox.directory import GUEST
from tests.sandbox.graph import NOW, Graph, event, of, single

PEOPLE = "id,displayName,mail,userPrincipalName,accountEnabled,userType"


def members(tenant: Tenant, rest: str = "") -> str:
    return f"/groups/{tenant.everyone.id}/transitiveMembers/microsoft.graph.user{rest}"


async def test_groups_by_name_or_mail(graph: Graph, tenant: Tenant) -> None:
    for text in ["Alla medarbetare", "alla medarbetare", "alla@fjallvik.example"]:
        reply = await graph.get(f"/groups?$filter=mail eq '{text}' or displayName eq '{text}'&$select=id,displayName")
        assert reply.body["value"] == [{"id": tenant.everyone.id, "displayName": "Alla medarbetare"}]
    tenant.add_group("O'Hara")
    assert len((await graph.get("/groups?$filter=displayName eq 'O''Hara'")).body["value"]) == 1
    assert (await graph.get("/groups?$filter=displayName eq 'Nobody'")).body["value"] == []
    assert len((await graph.get("/groups?$filter=startswith(displayName,'all')")).body["value"]) == 1


@pytest.mark.parametrize(
    "text", ["visibility eq 'Private'", "displayName gt 'a'", "displayName", "mail eq", "(mail eq 'x'"]
)
async def test_filters_of_groups_that_are_not_supported(graph: Graph, text: str) -> None:
    reply = await graph.get(f"/groups?$filter={quote(text)}")
    assert (reply.status, reply.code) == (400, "Request_UnsupportedQuery")


async def test_one_group(graph: Graph, tenant: Tenant) -> None:
    reply = await graph.get(f"/groups/{tenant.everyone.id}")
    assert reply.body["displayName"] == "Alla medarbetare"
    assert reply.headers["x-ms-resource-unit"] == "1"
    unknown = await graph.get("/groups/00000000-0000-4000-8000-000000000000")
    assert (unknown.status, unknown.code) == (404, "Request_ResourceNotFound")
    assert (await graph.get("/groups/Alla")).code == "Request_BadRequest"


async def test_members_through_nested_and_circular_groups_come_once(graph: Graph, tenant: Tenant) -> None:
    inner, outer = tenant.add_group("Inner"), tenant.add_group("Outer")
    inner.members = [outer, tenant.employees[0]]
    outer.members = [inner, tenant.employees[0], tenant.employees[1]]
    reply = await graph.get(f"/groups/{outer.id}/transitiveMembers")
    kinds = [one["@odata.type"] for one in reply.body["value"]]
    assert sorted(kinds) == ["#microsoft.graph.group", *["#microsoft.graph.user"] * 2]
    people = await graph.get(f"/groups/{outer.id}/transitiveMembers/microsoft.graph.user?$select=id")
    assert {one["id"] for one in people.body["value"]} == {one.id for one in tenant.employees[:2]}
    direct = await graph.get(f"/groups/{outer.id}/members?$count=true")
    assert direct.body["@odata.count"] == len(direct.body["value"]) == 3
    assert (await graph.get(f"/groups/{outer.id}/members/microsoft.graph.device")).code == "Request_UnsupportedQuery"


async def test_members_come_in_pages(graph: Graph, tenant: Tenant) -> None:
    pages = await graph.pages(members(tenant, f"?$select={PEOPLE}&$top=5"))
    assert [len(page) for page in pages] == [5, 5, 5, 1]
    found = {one["id"]: one for page in pages for one in page}
    assert set(found) == {one.id for one in tenant.everyone.accounts()}
    guest = next(one for one in tenant.accounts if one.kind == GUEST)
    assert found[guest.id]["userType"] == "Guest"
    assert found[guest.id]["mail"].endswith("@bjorkdalen.example")
    assert "#EXT#@fjallvik.example" in found[guest.id]["userPrincipalName"]


async def test_a_page_is_a_hundred_by_default_and_999_at_most() -> None:
    tenant = firm(people=250, clock=Clock(at=NOW), calendars=False)
    sandbox = Sandbox()
    sandbox.add(tenant)
    graph = Graph(sandbox, tenant)
    async with graph.http:
        await graph.sign_in()
        assert [len(page) for page in await graph.pages(members(tenant))] == [
            100,
            100,
            len(tenant.everyone.accounts()) - 200,
        ]
        assert len(await graph.pages(members(tenant, "?$top=999"))) == 1
        assert (await graph.get(members(tenant, "?$top=1000"))).status == 400
        assert len((await graph.get("/users")).body["value"]) == 100


async def test_a_link_is_good_for_its_own_query_only(graph: Graph, tenant: Tenant) -> None:
    link = (await graph.get(members(tenant, "?$select=id&$top=5"))).body["@odata.nextLink"]
    assert link.startswith("https://localhost/v1.0/groups/")
    assert (await graph.get(link)).status == 200
    token = link.partition("$skiptoken=")[2]
    for other in [
        link.replace("$top=5", "$top=4"),
        link.replace("$select=id", "$select=mail"),
        link.replace("transitiveMembers", "members"),
        members(tenant, f"?$skiptoken={token}"),
        link.replace(token, token[:-4] + "AAAA"),
        link.replace(token, "5"),
    ]:
        assert (await graph.get(other)).status in (200, 400)
        if other.partition("$skiptoken=")[2] != token or other != link:
            assert (await graph.get(other)).code == "Directory_ExpiredPageToken"


@pytest.mark.parametrize(
    "path",
    ["/users?$select=shoeSize", "/users?$orderby=mail", "/users?$top=none", "/users?$top=5&$top=6", "/users?$top=0"],
)
async def test_options_that_are_not_there(graph: Graph, path: str) -> None:
    assert (await graph.get(path)).status == 400


async def test_one_user_by_id_or_name(graph: Graph, tenant: Tenant) -> None:
    one = tenant.employees[0]
    for name in [one.id, one.user_principal_name, one.address.upper()]:
        assert (await graph.get(f"/users/{name}?$select=mail")).body["mail"] == one.mail
    guest = next(one for one in tenant.accounts if one.kind == GUEST)
    assert (await graph.get(f"/users/{quote(guest.user_principal_name, safe='')}")).body["id"] == guest.id
    assert (await graph.get("/users/nobody@fjallvik.example")).code == "Request_ResourceNotFound"
    department = one.department.lower()
    found = await graph.get(
        f"/users?$filter=accountEnabled eq true and department eq '{department}'&$select=department"
    )
    assert {found["department"] for found in found.body["value"]} == {one.department}


async def test_what_may_not_be_read_is_null(graph: Graph, tenant: Tenant) -> None:
    tenant.applications[0].roles = {"GroupMember.Read.All"}
    await graph.sign_in()
    found = (await graph.get(members(tenant, f"?$select={PEOPLE}"))).body["value"]
    assert all(set(map(str, one.values())) == {one["id"], "None", "#microsoft.graph.user"} for one in found)
    assert (await graph.get("/users")).code == "Authorization_RequestDenied"
    tenant.applications[0].roles = {"GroupMember.ReadBasic.All", "User.ReadBasic.All"}
    await graph.sign_in()
    found = (await graph.get(members(tenant, f"?$select={PEOPLE}"))).body["value"]
    assert all(one["mail"] and one["accountEnabled"] is None for one in found)
    assert (await graph.get("/groups")).code == "Authorization_RequestDenied"
    tenant.applications[0].roles = set()
    await graph.sign_in()
    for path in [
        "/groups",
        f"/groups/{tenant.everyone.id}",
        members(tenant),
        "/users",
        f"/users/{tenant.accounts[0].id}",
    ]:
        reply = await graph.get(path)
        assert (reply.status, reply.code) == (403, "Authorization_RequestDenied")
    reply = await graph.get(f"{of(tenant)}/events")
    assert (reply.status, reply.code) == (403, "ErrorAccessDenied")
    assert (await graph.get(f"{of(tenant)}/mailboxSettings/timeZone")).code == "ErrorAccessDenied"
    assert (await graph.get("/users/nobody/events")).code == "ErrorAccessDenied"


async def test_reading_is_not_writing(graph: Graph, tenant: Tenant) -> None:
    made = await graph.made(f"{of(tenant)}/events", single(body={"contentType": "text", "content": "Hemligt"}))
    path = of(tenant) + event(made["id"])
    tenant.applications[0].roles = {"Calendars.Read"}
    await graph.sign_in()
    assert (await graph.get(path)).body["bodyPreview"] == "Hemligt"
    for reply in [
        await graph.post(f"{of(tenant)}/events", single()),
        await graph.patch(path, {"subject": "x"}),
        await graph.delete(path),
    ]:
        assert (reply.status, reply.code) == (403, "ErrorAccessDenied")
    tenant.applications[0].roles = {"Calendars.ReadBasic"}
    await graph.sign_in()
    assert not {"body", "bodyPreview"} & set((await graph.get(path)).body)


async def test_rbac_for_applications(graph: Graph, tenant: Tenant) -> None:
    tenant.applications[0].limit_to([tenant.employees[0].id])
    await graph.sign_in()
    assert (await graph.get(f"{of(tenant)}/events")).status == 200
    assert (await graph.get(f"{of(tenant)}/mailboxSettings/userPurpose")).status == 200
    for path in ["events", "mailboxSettings/userPurpose"]:
        assert (await graph.get(f"{of(tenant, 1)}/{path}")).code == "ErrorAccessDenied"
    assert (await graph.get("/groups")).status == 200


async def test_accounts_without_a_mailbox(graph: Graph, tenant: Tenant) -> None:
    guest = next(one for one in tenant.accounts if one.kind == GUEST)
    unlicensed = tenant.employees[3]
    unlicensed.mailbox = None
    for account in [guest, unlicensed]:
        for path in ["events", "mailboxSettings/userPurpose"]:
            reply = await graph.get(f"/users/{account.id}/{path}")
            assert (reply.status, reply.code) == (404, "MailboxNotEnabledForRESTAPI")
    unknown = await graph.get("/users/00000000-0000-4000-8000-000000000000/events")
    assert (unknown.status, unknown.code) == (404, "ErrorInvalidUser")
    with pytest.raises(LookupError):
        tenant.mailbox(guest.id)


async def test_a_mailbox_that_an_access_policy_closes(graph: Graph, tenant: Tenant) -> None:
    tenant.mailbox(tenant.employees[0].id).denied = True
    reply = await graph.get(f"{of(tenant)}/events")
    assert (reply.status, reply.code) == (403, "ErrorAccessDenied")
    assert (await graph.get(f"{of(tenant, 1)}/events")).status == 200
