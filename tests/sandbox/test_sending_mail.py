"""sendMail over Graph: what goes out and is kept, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Tenant
from sandbox.faults import Fault
from sandbox.mail import Mail
from tests.sandbox.graph import NOW, Graph, Reply, of

BO = {"emailAddress": {"address": "bo@fjallvik.example", "name": "Bo"}}
CILLA = {"emailAddress": {"address": "cilla@fjallvik.example"}}
MESSAGE = {"subject": "Hej", "body": {"contentType": "html", "content": "<p>Hej du</p>"}, "toRecipients": [BO]}


@pytest.fixture
async def graph(graph: Graph, tenant: Tenant) -> Graph:
    tenant.applications[0].roles.add("Mail.Send")
    await graph.sign_in()
    return graph


async def send(graph: Graph, tenant: Tenant, message: Any = MESSAGE, **more: Any) -> Reply:
    return await graph.post(f"{of(tenant)}/sendMail", {"message": message, **more})


async def test_a_mail_goes_out_and_its_content_is_kept(graph: Graph, tenant: Tenant) -> None:
    whole = {
        **MESSAGE,
        "ccRecipients": [CILLA],
        "bccRecipients": [{"emailAddress": {"address": "arkiv@fjallvik.example"}}],
        "replyTo": [CILLA],
        "importance": "high",
        "internetMessageHeaders": [{"name": "x-ledger", "value": "7"}],
    }
    reply = await send(graph, tenant, whole, saveToSentItems=False)
    assert (reply.status, reply.body) == (202, None)
    (mail,) = tenant.mails
    body = mail.body
    assert "<p>Hej du</p>" in body
    assert mail == Mail(
        sender=tenant.employees[0].address,
        to=("bo@fjallvik.example",),
        cc=("cilla@fjallvik.example",),
        bcc=("arkiv@fjallvik.example",),
        reply_to=("cilla@fjallvik.example",),
        subject="Hej",
        body=body,
        at=NOW,
        importance="high",
        headers={"x-ledger": "7"},
        saved=False,
    )
    assert (tenant.counts.mails, tenant.counts.writes) == (3, 1)
    assert tenant.counts.paths == {"POST /users/*/sendMail": 1}


async def test_names_of_parameters_may_be_capitals_and_a_copy_is_kept_unless_it_is_not_wanted(
    graph: Graph, tenant: Tenant
) -> None:
    assert (await graph.post(f"{of(tenant)}/sendMail", {"Message": {"toRecipients": [BO]}})).status == 202
    assert (tenant.mails[0].subject, tenant.mails[0].body, tenant.mails[0].saved) == ("", "", True)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"toRecipients": []}, "ErrorInvalidRecipients"),
        ({"toRecipients": [{"emailAddress": {"name": "Bo"}}]}, "ErrorInvalidRecipients"),
        ({"toRecipients": [{"emailAddress": {"address": "Bo"}}]}, "ErrorInvalidRecipients"),
        ({"toRecipients": [None]}, "ErrorInvalidRecipients"),
        ({"toRecipients": BO}, "RequestBodyRead"),
        ({"to": [BO]}, "RequestBodyRead"),
        ({"importance": "urgent"}, "RequestBodyRead"),
        ({"internetMessageHeaders": [{"name": "Ledger", "value": "7"}]}, "InvalidInternetMessageHeader"),
        ({"internetMessageHeaders": [{"name": "x-1"}] * 6}, "InvalidInternetMessageHeaderCollection"),
    ],
)
async def test_mails_that_are_refused(graph: Graph, tenant: Tenant, wrong: dict[str, Any], code: str) -> None:
    reply = await send(graph, tenant, {**MESSAGE, **wrong})
    assert (reply.status, reply.code) == (400, code)
    assert (tenant.mails, tenant.counts.mails) == ([], 0)


async def test_without_a_message_or_the_permission_nothing_is_sent(graph: Graph, tenant: Tenant) -> None:
    assert (await send(graph, tenant, None)).code == "ErrorPropertyValidationFailure"
    tenant.applications[0].roles.remove("Mail.Send")
    await graph.sign_in()
    assert (await send(graph, tenant)).code == "ErrorAccessDenied"
    tenant.applications[0].roles.add("Mail.Send")
    tenant.applications[0].limit_to([tenant.employees[1].id])
    await graph.sign_in()
    assert (await send(graph, tenant)).code == "ErrorAccessDenied"
    assert (await graph.post(f"{of(tenant, 1)}/sendMail", {"message": MESSAGE})).status == 202


async def test_a_mail_may_have_gone_out_whatever_was_answered(graph: Graph, tenant: Tenant) -> None:
    tenant.faults.script(Fault.ERROR_504_AFTER)
    assert (await send(graph, tenant)).status == 504
    assert len(tenant.mails) == 1
    tenant.faults.script(Fault.ERROR_503_BEFORE)
    assert (await send(graph, tenant)).status == 503
    tenant.faults.script(Fault.LATE_WRITE)
    assert (await send(graph, tenant)).status == 504
    assert len(tenant.mails) == 1
    await graph.get(f"{of(tenant)}/events")
    assert len(tenant.mails) == 2
    tenant.faults.script(Fault.HALF_BODY)
    assert (await send(graph, tenant)).status == 202
    assert not any(fault is Fault.HALF_BODY for fault, _ in tenant.faults.met)


async def test_mails_are_read_by_whoever_runs_the_sandbox(graph: Graph, tenant: Tenant) -> None:
    await send(graph, tenant)
    (mail,) = (await graph.http.get(f"/sandbox/tenants/{tenant.id}/mails")).json()
    assert (mail["to"], mail["subject"], mail["at"]) == (["bo@fjallvik.example"], "Hej", NOW.isoformat())
