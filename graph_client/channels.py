"""Teams channels, in the name of the account that signed in: the port ``Channels``.

Graph lets no application post to a channel by itself (``api/channel-post-messages.md``). A post has no key by which
Graph could tell a second one from the first, so it is never sent again where its outcome is unknown; whoever asks looks
for its marker first.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from graph_client.batch import Call, Dispatcher
from graph_client.permissions import LIST_CHANNELS, LIST_TEAMS, POST_TO_CHANNEL, READ_CHANNEL, Need
from holdfast.core.errors import Denied, Gone, GraphError, Unexpected, Unreachable
from holdfast.core.model import Clock
from holdfast.core.summary import Place, Post, Posted, Reply

CARD = "application/vnd.microsoft.card.adaptive"
"""The content type of an Adaptive Card."""

LARGEST = 28 * 1024
"""Bytes from which on a post that Teams refuses may be too large for it; it says so by 413 or by 400."""

_PAGE = 50
"""Messages to a page: the most that Graph gives (``api/channel-list-messages.md``)."""

_PAGES = 10
"""Pages looked through for a post of our own. They are by last activity, and it is looked for soon after."""

_APART = 0.25
"""Seconds between two calls about one channel: Teams takes four a second (``concepts/throttling-limits.md``)."""

_MESSAGE = "message"
"""The type of what people write; Teams itself says other things, and ever new ones."""

_ATTACHMENT = re.compile(r"<attachment\s+id=[\"']([^\"']+)[\"']", re.IGNORECASE)
_TOO_LARGE = "The post is larger than Teams takes: let the summary say less. Nothing was posted."


class Identity(Protocol):
    """Who is signed in."""

    async def account_id(self) -> str:
        """The directory id of the account. Raises ``NotSignedIn``."""
        ...


class Road(NamedTuple):
    """The way to Teams: calls in the account's name with what posting takes, and with what reading takes."""

    posting: Dispatcher
    reading: Dispatcher
    who: Identity


class GraphChannels:
    """Fills the port ``Channels``. ``road`` makes the way there when it is first needed, or raises ``NotSignedIn``.

    ``account`` is who signs in, for messages that say what to grant.
    """

    def __init__(self, road: Callable[[], Road], *, account: str, clock: Clock) -> None:
        self._road = road
        self._account = account
        self._clock = clock
        self._free_at: dict[str, float] = {}

    async def find(self, team: str, channel: str) -> Place:
        """The channel that the settings mean, by ids or names, among the teams that the account is in.

        By ``api/user-list-joinedteams.md`` and ``api/channel-list.md``, which leaves out the private channels that the
        account is not in. Raises ``Gone`` for none and ``Unexpected`` for several.
        """
        road = self._road()
        teams = Call("me", "GET", "/me/joinedTeams", LIST_TEAMS)
        team_id = _meant(
            team, await self._whole(road.posting, teams, "me"), "team", self._joining(f'the team "{team}"')
        )
        url = f"/teams/{quote(team_id, safe='')}/channels?$select=id,displayName"
        channels = await self._whole(road.posting, Call(team_id, "GET", url, LIST_CHANNELS), team_id)
        cure = self._joining(f'the channel "{channel}", if it is a private one')
        return Place(team_id, _meant(channel, channels, "channel", cure))

    async def post(self, place: Place, post: Post) -> Posted:
        """Post to a channel, once at most (``api/channel-post-messages.md``).

        Raises ``Unreachable`` where it may stand there all the same, and other errors where it does not.
        """
        road = self._road()
        body = message(post)
        await self._take_turn(place.channel)
        try:
            answer = await road.posting.ok(Call(place.channel, "POST", _messages(place), POST_TO_CHANNEL, body))
        except Unexpected as error:
            raise self._refused(error, body) from error
        except (Denied, Gone) as error:
            raise self._kept_out(error) from error
        match answer:
            case {"id": str(message_id), "webUrl": str(url)}:
                return Posted(message_id, url)
        raise Unreachable("Posting to a channel was answered with what is no message; it may stand there.")

    async def look(self, place: Place, marker: str) -> Posted | None:
        """The post that carries a marker, of the newest ones of the channel that this account has posted.

        By ``api/channel-list-messages.md``, the threads first in which something happened last. Raises ``Denied``
        where the account may not read.
        """
        road = self._road()
        first = Call(place.channel, "GET", f"{_messages(place)}?$top={_PAGE}", READ_CHANNEL)
        seen = 0
        async for page in self._pages(road.reading, first, place.channel):
            for raw in page:
                if _author_id(raw) == await road.who.account_id() and marker in _marks(raw):
                    return Posted(str(raw["id"]), str(raw.get("webUrl") or ""))
            seen += 1
            if seen == _PAGES:
                break
        return None

    async def replies(self, place: Place, message_id: str) -> Sequence[Reply]:
        """What people answered to a post, the oldest first, without what was deleted and what Teams itself says.

        By ``api/chatmessage-list-replies.md``. Raises ``Gone``, and ``Denied`` where the account may not read.
        """
        road = self._road()
        url = f"{_messages(place)}/{quote(message_id, safe='')}/replies?$top={_PAGE}"
        first = Call(place.channel, "GET", url, READ_CHANNEL)
        found = [
            _reply(raw)
            async for page in self._pages(road.reading, first, place.channel)
            for raw in page
            if raw.get("deletedDateTime") is None and raw.get("messageType") == _MESSAGE
        ]
        return sorted(found, key=lambda one: (one.at, one.message_id))

    async def _whole(self, dispatcher: Dispatcher, first: Call, key: str) -> list[Mapping[str, Any]]:
        return [raw async for page in self._pages(dispatcher, first, key) for raw in page]

    async def _pages(self, dispatcher: Dispatcher, first: Call, key: str) -> AsyncIterator[list[Mapping[str, Any]]]:
        """The pages of a list, at the pace that Teams allows for what it is about."""
        await self._take_turn(key)
        try:
            async for page in dispatcher.pages(first):
                if not all(isinstance(raw, dict) for raw in page):
                    raise _not_understood(first.need)
                yield page
                if len(page) >= _PAGE:  # after a shorter one there is hardly ever another
                    await self._take_turn(key)
        except (Denied, Gone) as error:
            raise self._kept_out(error) from error

    async def _take_turn(self, key: str) -> None:
        """Wait until Teams takes another call about this channel or team."""
        now = self._clock.monotonic()
        at = max(now, self._free_at.get(key, now))
        self._free_at[key] = at + _APART
        if at > now:
            await self._clock.sleep(at - now)

    def _joining(self, what: str) -> str:
        return f"Correct it in the settings, or make {self._account} a member of {what}."

    def _kept_out(self, error: GraphError) -> GraphError:
        """What to do where the sign-in is in order, and Teams lets the account in all the same no further."""
        if error.status == HTTPStatus.FORBIDDEN:
            error.cure = (
                f"Make {self._account} a member of the team, and of the channel where it is a private one, and give "
                "the account a licence for Teams."
            )
        elif error.status == HTTPStatus.NOT_FOUND:
            error.cure = "The channel or the message is gone, or the team is archived: correct the channel's settings."
        return error

    def _refused(self, error: Unexpected, body: Mapping[str, Any]) -> Unexpected:
        """What to do about a post that Teams would not take."""
        size = len(json.dumps(body, ensure_ascii=False).encode())
        if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or size > LARGEST:
            error.cure = _TOO_LARGE
        elif error.status == HTTPStatus.BAD_REQUEST:
            error.cure = (
                "Teams does not take what the post says, and nothing was posted. Report it with its request id."
            )
        return error


def message(post: Post) -> dict[str, Any]:
    """A post as Graph's ``chatMessage``: words in HTML that refer to the card, and the card as JSON in a string.

    The card is seen only where the body refers to it by the attachment's id (``resources/chatmessageattachment.md``).
    """
    referred = _ATTACHMENT.search(post.html)
    mark = referred[1] if referred else hashlib.sha256(post.marker.encode()).hexdigest()[:32]
    html = post.html if referred else f'{post.html}<attachment id="{mark}"></attachment>'
    card = json.dumps(post.card, ensure_ascii=False, separators=(",", ":"))
    return {
        "subject": post.subject,
        "body": {"contentType": "html", "content": html},
        "attachments": [{"id": mark, "contentType": CARD, "content": card}],
    }


def _messages(place: Place) -> str:
    return f"/teams/{quote(place.team, safe='')}/channels/{quote(place.channel, safe='')}/messages"


def _meant(text: str, rows: Iterable[Mapping[str, Any]], what: str, cure: str) -> str:
    """The id of the one that has this id or, in whatever case, this name."""
    names = {str(row.get("id")): str(row.get("displayName") or "") for row in rows}
    if text in names:
        return text
    low = text.casefold()
    found = [one for one, name in names.items() if low in (one.casefold(), name.casefold())]
    if len(found) > 1:
        raise Unexpected(
            f'{len(found)} {what}s are called "{text}": {", ".join(sorted(found))}.',
            cure=f"Write the id of the one you mean instead of the {what}'s name.",
        )
    if not found:
        raise Gone(f'There is no {what} "{text}" that the account is in.', cure=cure)
    return found[0]


def _author_id(raw: Mapping[str, Any]) -> str | None:
    match raw.get("from"):
        case {"user": {"id": str(account_id)}}:
            return account_id
    return None


def _marks(raw: Mapping[str, Any]) -> set[str]:
    """Every text by which a post can be told from others: in its cards, and the ids of these."""
    found: set[str] = set()
    for attachment in raw.get("attachments") or ():
        if isinstance(attachment, dict) and attachment.get("contentType") == CARD:
            found.add(str(attachment.get("id")))
            try:
                found.update(_texts(json.loads(attachment.get("content") or "null")))
            except ValueError:
                continue
    return found


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _reply(raw: Mapping[str, Any]) -> Reply:
    match raw:
        case {"id": str(message_id), "createdDateTime": str(created), "body": {"content": content, **body}}:
            try:
                at = datetime.fromisoformat(created)
            except ValueError as error:
                raise _not_understood(READ_CHANNEL) from error
            html = str(content or "") if body.get("contentType") == "html" else escape(str(content or ""))
            return Reply(message_id, _author(raw), html, str(raw.get("webUrl") or ""), at)
    raise _not_understood(READ_CHANNEL)


def _author(raw: Mapping[str, Any]) -> str | None:
    match raw.get("from"):
        case {"user": {"displayName": str(name)}}:
            return name
    return None


def _not_understood(need: Need) -> Unexpected:
    return Unexpected(f"{need.doing.capitalize()} failed: the answer is not of messages.")
