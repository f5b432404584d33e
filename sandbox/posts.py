"""What may be posted to a channel: words, cards and mentions, checked as strictly as §2 of the notes on Graph allows.

Graph itself lets some of this pass and then does not show it; nobody should send it, so here it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from sandbox.errors import GraphError, bad_body, bad_request
from sandbox.parsing import typed
from sandbox.schema import Property, Writable
from sandbox.teams import USER, Channel

if TYPE_CHECKING:
    from sandbox.tenant import Tenant

CARD = "application/vnd.microsoft.card.adaptive"
"""The content type of an Adaptive Card."""

_REFERENCE = "reference"
_ATTACHMENT = re.compile(r"<attachment\s+id=[\"']([^\"']*)[\"']\s*>\s*</attachment>", re.IGNORECASE)
_AT = re.compile(r"<at\s+id=[\"'](\d+)[\"']\s*>(.*?)</at>", re.IGNORECASE | re.DOTALL)
_VERSION = re.compile(r"1\.[0-5]")
_ACTIONS = frozenset({"Action.OpenUrl", "Action.ToggleVisibility", "Action.ShowCard"})
"""Actions that work without a bot; the others would have nobody to answer (§2)."""

_ELEMENTS = frozenset(
    {
        "ActionSet",
        "Column",
        "ColumnSet",
        "Container",
        "FactSet",
        "Image",
        "ImageSet",
        "RichTextBlock",
        "Table",
        "TableCell",
        "TableRow",
        "TextBlock",
        "TextRun",
    }
)
_REQUIRED = {
    "TextBlock": "text",
    "Image": "url",
    "FactSet": "facts",
    "ColumnSet": "columns",
    "RichTextBlock": "inlines",
}
_WITHIN = ("body", "items", "columns", "rows", "cells", "actions", "inlines")


class Post(NamedTuple):
    """A message that may be posted."""

    content: str
    content_type: str
    subject: str | None
    summary: str | None
    importance: str
    attachments: list[dict[str, Any]]
    mentions: list[dict[str, Any]]


def post(body: object, channel: Channel, tenant: Tenant) -> Post:
    """What a request body asks to post. Raises a 400 for what is wrong with it, and a 413 for too much."""
    if not isinstance(body, dict):
        raise bad_body("The request body is not a JSON object.")
    given = typed(Property("chatMessage"), body, "chatMessage", Writable.ALWAYS)
    words = given.get("body")
    if not words or words.get("content") is None:
        raise bad_request("Missing body content.")
    content, kind = words["content"], words.get("contentType") or "text"
    attachments = [one or {} for one in given.get("attachments", ())]
    mentions = [one or {} for one in given.get("mentions", ())]
    if not content.strip() and not attachments:
        raise bad_request("The body of a message cannot be empty.")
    if (attachments or mentions) and kind != "html":
        raise bad_request("Attachments and mentions need a body of contentType 'html'.")
    size = _size(given, content, attachments)
    if size > tenant.teams_limits.message_bytes:
        status = tenant.teams_facts.too_large_status
        code = "RequestEntityTooLarge" if status == 413 else "BadRequest"
        raise GraphError(status, code, f"The message is too large: {size} bytes.")
    made = [_attachment(one) for one in attachments]
    ids = [str(one["id"]) for one in made]
    referred = _ATTACHMENT.findall(content) if kind == "html" else []
    if tenant.teams_facts.unreferenced_cards_are_refused or not set(referred) <= set(ids):
        _match(ids, referred, "attachment")
    said = [_mention(one, channel, tenant) for one in mentions]
    tags = [number for number, _ in _AT.findall(content)] if kind == "html" else []
    _match([str(one["id"]) for one in said], list(dict.fromkeys(tags)), "mention")
    return Post(
        content,
        kind,
        given.get("subject"),
        given.get("summary"),
        given.get("importance") or "normal",
        made,
        said,
    )


def card_problem(card: object) -> str | None:
    """What is wrong with a card, or nothing."""
    if not isinstance(card, dict):
        return "a card is a JSON object"
    if card.get("type") != "AdaptiveCard":
        return "its type is not AdaptiveCard"
    if not isinstance(card.get("version"), str) or not _VERSION.fullmatch(card["version"]):
        return f"Teams does not draw version {card.get('version')!r}"
    if not isinstance(card.get("body", []), list):
        return "its body is not a list"
    return next(_problems(card), None)


def _problems(element: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the elements within."""
    if isinstance(element.get("card"), Mapping):
        yield from _problems(element["card"])
    for name in _WITHIN:
        inner = element.get(name)
        if inner is None:
            continue
        if not isinstance(inner, list):
            yield f"'{name}' is not a list"
            continue
        for one in inner:
            if name == "inlines" and isinstance(one, str):
                continue
            if not isinstance(one, Mapping):
                yield f"in '{name}' stands something that is no element"
                continue
            yield from _element_problems(name, one)
            yield from _problems(one)
    if isinstance(element.get("selectAction"), Mapping):
        yield from _action_problems(element["selectAction"])


def _element_problems(within: str, element: Mapping[str, Any]) -> Iterator[str]:
    kind = element.get("type")
    if within == "actions":
        yield from _action_problems(element)
        return
    if kind is None and within in ("columns", "rows", "cells"):
        return
    if kind not in _ELEMENTS:
        yield f"Teams knows no element {kind!r} here"
        return
    needed = _REQUIRED.get(str(kind))
    if needed and needed not in element:
        yield f"a {kind} needs '{needed}'"


def _action_problems(action: Mapping[str, Any]) -> Iterator[str]:
    kind = action.get("type")
    if kind not in _ACTIONS:
        yield f"nobody would answer the action {kind!r}"
    elif kind == "Action.OpenUrl" and urlsplit(str(action.get("url") or "")).scheme not in ("http", "https", "mailto"):
        yield "an Action.OpenUrl needs a url"


def _attachment(given: Mapping[str, Any]) -> dict[str, Any]:
    """An attachment as Graph answers it. A card is JSON in a string, beside which there is no ``contentUrl``."""
    if not given.get("id"):
        raise bad_request("An attachment needs an id.")
    content, link = given.get("content"), given.get("contentUrl")
    if given.get("contentType") == _REFERENCE:
        if not link or content is not None:
            raise bad_request("An attachment of contentType 'reference' has a contentUrl and no content.")
    elif given.get("contentType") == CARD:
        if link is not None:
            raise bad_request("An attachment cannot have both content and contentUrl.")
        try:
            problem = card_problem(json.loads(content or ""))
        except ValueError as error:
            raise bad_request("The content of a card attachment is not JSON.") from error
        if problem is not None:
            raise bad_request(f"The card is not valid: {problem}.")
    else:
        raise bad_request(f"Attachments of contentType '{given.get('contentType')}' are not supported here.")
    names = ("id", "contentType", "contentUrl", "content", "name", "thumbnailUrl", "teamsAppId")
    return {name: given.get(name) for name in names}


def _mention(given: Mapping[str, Any], channel: Channel, tenant: Tenant) -> dict[str, Any]:
    """A mention as Graph answers it, of somebody in the tenant or of this very channel or team."""
    number, named = given.get("id"), {name: one for name, one in (given.get("mentioned") or {}).items() if one}
    if number is None or not given.get("mentionText") or len(named) != 1:
        raise bad_request("A mention needs an id, a mentionText, and somebody or something that is mentioned.")
    ((kind, what),) = named.items()
    if kind == "user":
        known = tenant.account(what.get("id") or "") is not None
    elif kind == "conversation":
        known = what.get("id") in (channel.id, channel.team.id)
    else:
        known = False
    if not known:
        raise bad_request("Invalid mention: there is nobody and nothing of this id here.")
    shown: dict[str, Any] = dict.fromkeys(("application", "device", "conversation", "user"))
    shown[kind] = {"@odata.type": _IDENTITIES[kind], **what}
    return {"id": number, "mentionText": given["mentionText"], "mentioned": shown}


_IDENTITIES = {
    "user": USER,
    "conversation": "#microsoft.graph.teamworkConversationIdentity",
}


def _match(ids: Sequence[str], tags: Sequence[str], what: str) -> None:
    """Raises unless each thing has its tag in the body, once, and each tag its thing."""
    if len(set(ids)) != len(ids):
        raise bad_request(f"Two of the {what}s have one id.")
    if sorted(ids) != sorted(tags):
        raise bad_request(f"The {what}s {sorted(ids)} are not the ones that the body refers to: {sorted(tags)}.")


def _size(given: Mapping[str, Any], content: str, attachments: Sequence[Mapping[str, Any]]) -> int:
    """Bytes of a whole post: words, mentions and cards, without attached files."""
    cards = [one.get("content") or "" for one in attachments]
    mentions = [json.dumps(one, ensure_ascii=False) for one in given.get("mentions", ())]
    texts = [content, given.get("subject") or "", given.get("summary") or "", *cards, *mentions]
    return sum(len(text.encode()) for text in texts)
