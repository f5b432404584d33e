"""The sandbox's own routes about subscriptions: what there is, what waits, and mishaps to order."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.control import fields, guarded
from sandbox.notices import Mishap, Notice
from sandbox.rendering import instant_text
from sandbox.subscriptions import Subscription
from sandbox.tenant import Tenant
from sandbox.tokens import FindTenant


class NoticesControl:
    """Answers to this machine alone, without a token: nothing here exists in a real tenant."""

    def __init__(self, find: FindTenant) -> None:
        self._find = find

    def routes(self) -> list[Route]:
        """For the sandbox's application."""
        one = "/sandbox/tenants/{tenant}"
        return [
            Route(f"{one}/subscriptions", guarded(self._subscriptions)),
            Route(f"{one}/lifecycle", guarded(self._lifecycle), methods=["POST"]),
            Route(f"{one}/notifications", guarded(self._notifications), methods=["GET", "POST", "DELETE"]),
        ]

    async def _subscriptions(self, request: Request) -> Response:
        """Everybody's, in the order of their making."""
        tenant = self._tenant(request)
        return JSONResponse([_subscription(tenant, one) for one in tenant.notices.subscriptions])

    async def _lifecycle(self, request: Request) -> Response:
        """``{"event": name}`` for all subscriptions, or for one mailbox (``who``) or one ``subscription``."""
        tenant = self._tenant(request)
        wanted = await fields(request)
        chosen = list(tenant.notices.subscriptions)
        if "subscription" in wanted:
            chosen = [one for one in chosen if one.id == wanted["subscription"]]
        if "who" in wanted:
            mailbox = tenant.mailbox(wanted["who"])
            chosen = [one for one in chosen if one.account_id == mailbox.account_id]
        if not chosen:
            raise LookupError("There is no such subscription here.")
        for one in chosen:
            tenant.notices.lifecycle(wanted["event"], one)
        return JSONResponse({"done": True, "subscriptions": len(chosen)})

    async def _notifications(self, request: Request) -> Response:
        """What waits; by POST a mishap for the next ones, ``{"mishap": name, "times": 3}``; by DELETE no more of them.

        ``times`` may be null for all that follow, and ``who`` names a mailbox.
        """
        tenant = self._tenant(request)
        notices = tenant.notices
        if request.method == "DELETE":
            notices.quiet()
            return JSONResponse({"done": True})
        if request.method == "POST":
            wanted = await fields(request)
            times = wanted.get("times", 1)
            who = tenant.mailbox(wanted["who"]).account_id if "who" in wanted else None
            notices.script(Mishap(wanted["mishap"]), None if times is None else int(times), who)
            return JSONResponse({"done": True})
        met = {mishap.value: count for mishap, count in notices.met.items()}
        return JSONResponse({"met": met, "waiting": [_notice(one) for one in notices.waiting]})

    def _tenant(self, request: Request) -> Tenant:
        tenant = self._find(request.path_params["tenant"])
        if tenant is None:
            raise LookupError("There is no such tenant here.")
        return tenant


def _subscription(tenant: Tenant, one: Subscription) -> dict[str, Any]:
    account = tenant.account(one.account_id)
    return {
        "id": one.id,
        "who": account.address if account else one.account_id,
        "changes": list(one.change_types),
        "notification_url": one.notification_url,
        "lifecycle_url": one.lifecycle_url,
        "expires": instant_text(one.expires),
        "paused_from": instant_text(one.paused_from) if one.paused_from else None,
        "immutable_ids": one.immutable_ids,
    }


def _notice(one: Notice) -> dict[str, Any]:
    return {"url": one.url, "due": instant_text(one.due), "attempts": one.attempts, "item": one.item}
