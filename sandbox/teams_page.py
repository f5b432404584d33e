"""The page on which Teams can be looked at and touched: teams, channels, what was said there, and a way to answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote

from sandbox.page import whole
from sandbox.teams import Channel, Message, Speaker
from sandbox.tenant import Tenant
from sandbox.texts import as_text

_SHOWN = 30
"""Threads shown at a time."""


def teams(tenant: Tenant) -> str:
    """The teams of a tenant and their channels."""
    lists = "".join(
        f"<h2>{escape(team.name)}</h2><ul>{''.join(_row(tenant, channel) for channel in team.channels)}</ul>"
        for team in tenant.teams
    )
    return whole(
        f"Teams of {tenant.name}",
        f"<h1>Teams of {escape(tenant.name)}</h1>"
        f'<p class="about"><a href="/?tenant={quote(tenant.id)}">Calendars</a></p>'
        f"{lists or '<p>There are no teams here.</p>'}",
    )


def channel(tenant: Tenant, shown: Channel) -> str:
    """What was said in a channel, the newest thread first. Nothing of it is taken as HTML here."""
    threads = "".join(_thread(tenant, shown, one) for one in reversed(shown.messages[-_SHOWN:]))
    return whole(
        f"{shown.team.name}: {shown.name}",
        f"<h1>{escape(shown.team.name)}: {escape(shown.name)}</h1>"
        f'<p class="about">{len(shown.members)} members. <a href="/teams?tenant={quote(tenant.id)}">All teams</a></p>'
        f"{_answer(tenant, shown, None)}{threads or '<p>Nobody has said anything.</p>'}",
    )


def _row(tenant: Tenant, shown: Channel) -> str:
    address = f"/teams?tenant={quote(tenant.id)}&amp;channel={quote(shown.id)}"
    return (
        f'<li><span class="what"><a href="{address}">{escape(shown.name)}</a></span>'
        f'<span class="note">{escape(shown.kind)}, {len(shown.posts)} messages</span></li>'
    )


def _thread(tenant: Tenant, shown: Channel, message: Message) -> str:
    replies = "".join(_said(one) for one in message.replies)
    answer = _answer(tenant, shown, message) if message.deleted is None else ""
    return f"<h2>{escape(message.subject or '')}</h2><ul>{_said(message, ours=True)}{replies}</ul>{answer}"


def _said(message: Message, *, ours: bool = False) -> str:
    sender = message.sender
    name = sender.name if isinstance(sender, Speaker) else sender.display_name if sender else "Teams"
    said = "deleted" if message.deleted else " / ".join(_texts(message))
    reactions = " ".join(one.kind for one in message.reactions)
    return (
        f'<li class="{"ours" if ours else ""}">'
        f'<span class="when">{message.created:%a %d %b %H:%M} {escape(name)}</span>'
        f'<span class="what">{escape(said)} <span class="note">{escape(reactions)}</span></span></li>'
    )


def _texts(message: Message) -> Iterator[str]:
    """What a message says: its words, and those of its cards."""
    yield as_text(message.content) if message.content_type == "html" else message.content
    for one in message.attachments:
        yield from _texts_of_card(json.loads(one.get("content") or "null"))


def _texts_of_card(element: Any) -> Iterator[str]:  # noqa: ANN401 - JSON is what it is
    if isinstance(element, list):
        for one in element:
            yield from _texts_of_card(one)
    elif isinstance(element, dict):
        for name, value in element.items():
            if name in ("text", "title", "value") and isinstance(value, str):
                yield value
            else:
                yield from _texts_of_card(value)


def _answer(tenant: Tenant, shown: Channel, message: Message | None) -> str:
    """A form to say something as a member."""
    people = "".join(
        f'<option value="{escape(one.id)}">{escape(one.display_name)}</option>' for one in shown.members[:_SHOWN]
    )
    root = f'<input type="hidden" name="message" value="{escape(message.id)}">' if message else ""
    return (
        f'<form method="post" action="/sandbox/tenants/{quote(tenant.id)}/say">{root}'
        f'<input type="hidden" name="channel" value="{escape(shown.id)}"><select name="who">{people}</select>'
        f'<input name="content" required><button>{"Reply" if message else "Post"}</button></form>'
    )
