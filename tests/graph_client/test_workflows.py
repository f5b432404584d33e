"""Workflows webhooks: what is sent, what an answer means, and where their secret addresses never appear."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import structlog

from graph_client.workflows import Workflows, variable
from holdfast.core.errors import Denied, Gone, GraphError, Throttled, Unexpected, Unreachable
from sandbox import Clock
from sandbox.faults import Fault
from sandbox.workflows import Workflow
from tests.graph_client.teams import NOW, POST, Desk, WaitingClock, desk

NAME = "HOLDFAST_WORKFLOW_UTVECKLING_NORR"
CHANNEL = "utveckling-norr"


@pytest.fixture
async def teams() -> AsyncIterator[Desk]:
    variables: dict[str, str] = {}
    async with desk(variables) as found:
        workflow = found.tenant.add_workflow(found.channel)
        variables[NAME] = f"https://localhost{workflow.path}"
        yield found


def workflow_of(teams: Desk) -> Workflow:
    (workflow,) = teams.tenant.workflows
    return workflow


class Elsewhere:
    """Workflows at an address of one's own, and what was asked there."""

    def __init__(self, address: str | None, answer: httpx.Response | Exception | None = None) -> None:
        self.asked: list[httpx.Request] = []
        self._answer = answer or httpx.Response(202)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._reply))
        variables = {} if address is None else {NAME: address}
        clock = WaitingClock(Clock(at=NOW))
        self.workflows = Workflows(variables, lambda: http, clock=clock)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_the_variable_is_named_after_the_channel() -> None:
    assert variable(CHANNEL) == NAME


async def test_a_card_is_posted_to_the_channel(teams: Desk) -> None:
    await teams.workflows.post(CHANNEL, POST)
    (run,) = workflow_of(teams).runs
    assert run.problem is None
    assert run.body["attachments"][0]["content"] == POST.card
    assert len(teams.channel.posts) == 1


@pytest.mark.parametrize("status", [200, 202])
async def test_either_answer_of_tenants_is_a_yes(teams: Desk, status: int) -> None:
    workflow_of(teams).status = status
    await teams.workflows.post(CHANNEL, POST)


@pytest.mark.parametrize(
    ("fault", "posted"),
    [
        (Fault.ERROR_500_BEFORE, 0),
        (Fault.ERROR_502_AFTER, 1),
        (Fault.ERROR_503_SECONDS, 0),
        (Fault.ERROR_504_AFTER, 1),
        (Fault.DROPPED_BEFORE, 0),
        (Fault.DROPPED_AFTER, 1),
    ],
)
async def test_what_may_have_been_posted_is_told_and_sent_once(teams: Desk, fault: Fault, posted: int) -> None:
    workflow_of(teams).fail(fault)
    with pytest.raises(Unreachable):
        await teams.workflows.post(CHANNEL, POST)
    assert len(teams.channel.posts) == posted


async def test_throttling_says_how_long_to_wait(teams: Desk) -> None:
    workflow_of(teams).fail(Fault.THROTTLED_SECONDS)
    with pytest.raises(Throttled) as throttled:
        await teams.workflows.post(CHANNEL, POST)
    assert throttled.value.retry_after == teams.tenant.faults.retry_after
    assert teams.channel.posts == []


async def test_a_workflow_that_is_turned_off(teams: Desk) -> None:
    workflow_of(teams).enabled = False
    with pytest.raises(Unexpected, match="answered 400") as refused:
        await teams.workflows.post(CHANNEL, POST)
    assert "turned on" in refused.value.cure


@pytest.mark.parametrize(
    ("status", "error"), [(401, Denied), (403, Denied), (404, Gone), (410, Gone), (413, Unexpected)]
)
async def test_refusals_name_the_variable_to_mend(status: int, error: type[GraphError]) -> None:
    elsewhere = Elsewhere("https://flow.example/x?sig=hemligt", httpx.Response(status))
    with pytest.raises(error) as refused:
        await elsewhere.workflows.post(CHANNEL, POST)
    assert NAME in refused.value.cure or "Power Automate" in refused.value.cure


async def test_a_redirection_is_not_followed() -> None:
    answer = httpx.Response(307, headers={"location": "https://elsewhere.example/"})
    elsewhere = Elsewhere("https://flow.example/x?sig=hemligt", answer)
    with pytest.raises(Unexpected, match="leads elsewhere"):
        await elsewhere.workflows.post(CHANNEL, POST)
    assert [str(one.url) for one in elsewhere.asked] == ["https://flow.example/x?sig=hemligt"]


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")], ids=repr
)
async def test_what_never_arrived_was_not_posted(failure: Exception) -> None:
    with pytest.raises(Unexpected, match="nothing was posted"):
        await Elsewhere("https://flow.example/x", failure).workflows.post(CHANNEL, POST)


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("no"), httpx.WriteError("no"), httpx.ReadError("no")], ids=repr)
async def test_what_may_have_arrived_may_have_been_posted(failure: Exception) -> None:
    with pytest.raises(Unreachable):
        await Elsewhere("https://flow.example/x", failure).workflows.post(CHANNEL, POST)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (None, f"{NAME} is not set"),
        ("  ", f"{NAME} is not set"),
        ("https://fjallvik.webhook.office.com/webhookb2/hemligt", "Microsoft has retired these"),
        ("https://WEBHOOK.office.com/webhookb2/hemligt", "Microsoft has retired these"),
        ("https://outlook.office.com/webhook/hemligt", "Microsoft has retired these"),
        ("https://outlook.office365.com/webhook/hemligt", "Microsoft has retired these"),
        ("http://flow.example/hemligt", "is no https address"),
        ("flow.example/hemligt", "is no https address"),
        ("https://hemligt@flow.example/", "is no https address"),
        ("https://[hemligt/", "is no address"),
    ],
)
async def test_addresses_that_are_not_used(address: str | None, says: str) -> None:
    elsewhere = Elsewhere(address)
    with pytest.raises(Unexpected, match=says) as refused:
        await elsewhere.workflows.post(CHANNEL, POST)
    problem = elsewhere.workflows.problem(CHANNEL)
    assert problem is not None
    assert (problem.message, problem.cure) == (refused.value.message, refused.value.cure)
    assert NAME in problem.cure
    assert "hemligt" not in f"{problem.message}{problem.cure}"
    assert elsewhere.asked == []


def test_addresses_that_only_look_alike_are_used() -> None:
    for address in (
        "https://notwebhook.office.com/x",
        "https://outlook.office.com/other",
        "https://flow.example/webhook",
    ):
        assert Elsewhere(address).workflows.problem(CHANNEL) is None


async def test_the_address_is_in_no_log_and_no_error(teams: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "httpx")
    said: list[str] = []
    structlog.configure(processors=[lambda _, __, event: said.append(str(event)) or str(event)])
    secret = workflow_of(teams).secret
    await teams.workflows.post(CHANNEL, POST)
    for fault in (Fault.DROPPED_AFTER, Fault.ERROR_500_AFTER, Fault.THROTTLED_SECONDS):
        workflow_of(teams).fail(fault)
        with pytest.raises(GraphError) as failed:
            await teams.workflows.post(CHANNEL, POST)
        assert failed.value.__cause__ is None
        assert failed.value.__suppress_context__ or failed.value.__context__ is None
        assert secret not in f"{failed.value!r}{failed.value.cure}"
    assert secret not in caplog.text
    assert not [line for line in said if secret in line]
    await teams.channels.post(teams.place, replace(POST, marker="m2"))
    assert "HTTP Request: POST" in caplog.text  # what is no secret is still written down
