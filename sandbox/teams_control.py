"""The sandbox's own routes about Teams: what was posted, who signs in, and workflows, for whoever runs it."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox import page, teams_page
from sandbox.control import fields, guarded
from sandbox.directory import Account
from sandbox.person import Person
from sandbox.sign_ins import Refusal
from sandbox.teams import Channel, Message, Speaker
from sandbox.tenant import Tenant
from sandbox.tokens import FindTenant
from sandbox.workflows import Workflow


class TeamsControl:
    """Answers to this machine alone, without a token: nothing here exists in a real tenant."""

    def __init__(self, find: FindTenant) -> None:
        self._find = find

    def routes(self) -> list[Route]:
        """For the sandbox's application."""
        one = "/sandbox/tenants/{tenant}"
        return [
            Route("/teams", guarded(self._page)),
            Route(f"{one}/say", guarded(self._say), methods=["POST"]),
            Route(f"{one}/teams", guarded(self._teams)),
            Route(f"{one}/channels/{{channel}}", guarded(self._channel)),
            Route(f"{one}/sign-in", guarded(self._sign_in), methods=["POST"]),
            Route(f"{one}/sign-out", guarded(self._sign_out), methods=["POST"]),
            Route(f"{one}/workflows", guarded(self._workflows), methods=["GET", "POST"]),
        ]

    async def _teams(self, request: Request) -> Response:
        """The teams, their channels, and how much was posted there."""
        tenant = self._tenant(request)
        return JSONResponse(
            {
                "login": {"client_id": tenant.login.client_id, "scopes": sorted(tenant.login.scopes)},
                "teams": [
                    {
                        "id": team.id,
                        "name": team.name,
                        "members": [one.address for one in team.members],
                        "owners": [one.address for one in team.owners],
                        "channels": [_channel(tenant, channel) for channel in team.channels],
                    }
                    for team in tenant.teams
                ],
            }
        )

    async def _channel(self, request: Request) -> Response:
        """Everything that was said in a channel, oldest first."""
        channel = self._tenant(request).channel(request.path_params["channel"])
        return JSONResponse([_message(one) for one in channel.messages])

    async def _sign_in(self, request: Request) -> Response:
        """Somebody enters a device's code, or says no to it; or who sits at the browser from now on.

        ``{"account": address}`` takes the latest code that waits, ``"user_code"`` another, ``"decline": true`` refuses,
        ``{"browser": address}`` or null is about the sign-in page.
        """
        tenant = self._tenant(request)
        wanted = await fields(request)
        if "browser" in wanted:
            tenant.sign_ins.browser = _account(tenant, wanted["browser"]) if wanted["browser"] else None
            return JSONResponse({"done": True})
        code = wanted.get("user_code") or tenant.sign_ins.latest_user_code()
        if wanted.get("decline"):
            tenant.sign_ins.decline(code)
            return JSONResponse({"done": True})
        try:
            tenant.sign_ins.approve(code, _account(tenant, wanted["account"]))
        except Refusal as refusal:
            return JSONResponse({"error": refusal.text, "code": refusal.number}, 409)
        return JSONResponse({"done": True})

    async def _sign_out(self, request: Request) -> Response:
        """End somebody's sessions: ``{"account": address}``, with ``"mfa": true`` until they give a second factor."""
        tenant = self._tenant(request)
        wanted = await fields(request)
        account = _account(tenant, wanted["account"])
        if wanted.get("mfa"):
            tenant.sign_ins.needs_mfa.add(account.id)
        else:
            tenant.sign_ins.revoke(account)
        return JSONResponse({"done": True})

    async def _workflows(self, request: Request) -> Response:
        """The workflows and their runs; a POST of ``{"team": name, "channel": name}`` makes one."""
        tenant = self._tenant(request)
        if request.method == "POST":
            wanted = await fields(request)
            made = tenant.add_workflow(tenant.team(wanted["team"]).channel(wanted["channel"]))
            return JSONResponse(_workflow(request, made))
        return JSONResponse([_workflow(request, one) for one in tenant.workflows])

    async def _page(self, request: Request) -> Response:
        """Teams to look at; ``?tenant=`` and ``&channel=`` are ids."""
        given = request.query_params
        tenant = self._find(given.get("tenant", ""))
        if tenant is None:
            return HTMLResponse(page.nobody(), 404)
        if "channel" in given:
            return HTMLResponse(teams_page.channel(tenant, tenant.channel(given["channel"])))
        return HTMLResponse(teams_page.teams(tenant))

    async def _say(self, request: Request) -> Response:
        """Words that somebody typed on the page, as Teams would send them."""
        tenant = self._tenant(request)
        wanted = await fields(request)
        person = Person(tenant, _account(tenant, wanted["who"]))
        channel = tenant.channel(wanted["channel"])
        content = f"<p>{escape(wanted['content'])}</p>"
        if "message" in wanted:
            person.reply(channel, wanted["message"], content)
        else:
            person.post(channel, content)
        back = f"/teams?tenant={quote(tenant.id)}&channel={quote(channel.id)}"
        return RedirectResponse(back, status_code=303)

    def _tenant(self, request: Request) -> Tenant:
        tenant = self._find(request.path_params["tenant"])
        if tenant is None:
            raise LookupError("There is no such tenant here.")
        return tenant


def _account(tenant: Tenant, name: str) -> Account:
    account = tenant.account(name)
    if account is None:
        raise LookupError(f"There is nobody called {name} here.")
    return account


def _channel(tenant: Tenant, channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "posts": len(channel.posts),
        "posted_by_applications": tenant.counts.posts[channel.id],
    }


def _message(message: Message) -> dict[str, Any]:
    sender = message.sender
    name = sender.name if isinstance(sender, Speaker) else sender.address if sender else None
    return {
        "id": message.id,
        "from": name,
        "at": message.created.isoformat(),
        "deleted": message.deleted is not None,
        "subject": message.subject,
        "content": message.content,
        "cards": [one["content"] for one in message.attachments],
        "reactions": [one.kind for one in message.reactions],
        "replies": [_message(one) for one in message.replies],
    }


def _workflow(request: Request, workflow: Workflow) -> dict[str, Any]:
    return {
        "url": f"{str(request.base_url).rstrip('/')}{workflow.path}",
        "channel": workflow.channel.id,
        "owner": workflow.owner.address,
        "runs": [
            {"at": run.at.isoformat(), "posted": run.message is not None, "problem": run.problem, "body": run.body}
            for run in workflow.runs
        ],
    }
