"""Posting and reading in the sandbox's Teams: bodies of messages, and the addresses of channels."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from sandbox import Tenant
from sandbox.directory import Account
from sandbox.teams import Channel
from tests.sandbox.graph import Graph

CARD = {
    "type": "AdaptiveCard",
    "version": "1.4",
    "body": [{"type": "TextBlock", "text": "31 h skyddad tid", "wrap": True}],
    "actions": [{"type": "Action.OpenUrl", "title": "Läs", "url": "https://kurser.example/prompting"}],
}


def learning(tenant: Tenant, number: int = 0) -> Channel:
    """The channel for learning of one of the teams."""
    return tenant.teams[number].channel("Lärande")


def at(channel: Channel, rest: str = "/messages") -> str:
    return f"/teams/{channel.team.id}/channels/{quote(channel.id, safe='')}{rest}"


def html(content: str, **more: Any) -> dict[str, Any]:
    return {"body": {"contentType": "html", "content": content}, **more}


def carded(card: Any = None, *, mark: str = "c1", **more: Any) -> dict[str, Any]:
    """A post with a card."""
    attachment = {
        "id": mark,
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": json.dumps(card or CARD),
    }
    content = f'<p>Tre saker vi lärde oss.</p><attachment id="{mark}"></attachment>'
    return html(content, **{"subject": "Veckans lärande", "attachments": [attachment], **more})


def speak_as(graph: Graph, account: Account, *scopes: str) -> None:
    """From now on the client calls in somebody's name, with these scopes or all that were consented to."""
    graph.token = graph.sandbox.token_of(graph.tenant, account, *scopes)
