"""Messages of channels over Graph: posting in somebody's name, reading, and what has changed (§1.11 and §2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sandbox.directory import Account
from sandbox.errors import bad_query, bad_request, forbidden, not_found
from sandbox.exchange import Answer, Call
from sandbox.mishaps import said
from sandbox.posts import post
from sandbox.query import PageSize, page, refuse_others, sealed, unsealed
from sandbox.teams import SYSTEM, USER, Channel, Message, Speaker
from sandbox.teamwork import READ_MESSAGES, WEB, Rights, instant, the_channel, the_team
from sandbox.throttling import DAY, TEAMS, Pace

SEND = Rights(frozenset({"ChannelMessage.Send"}), frozenset({"Teamwork.Migrate.All"}))
EDIT = Rights(frozenset({"ChannelMessage.ReadWrite"}), frozenset())

_DEFAULT_PAGE = 20
_DAY, _SECOND = 86_400.0, 1.0
_MONTH = timedelta(days=30)
_DELTA_TOKEN = "$deltatoken"  # noqa: S105 - the name of an OData option
_SINCE = re.compile(r"lastModifiedDateTime gt (\S+)")
_UNKNOWN = "include-unknown-enum-members"


def list_messages(call: Call) -> Answer:
    """``GET .../messages``: those that begin a thread, the one where something happened last first."""
    channel = _readable(call)
    refuse_others(call.options, frozenset({"$top", "$expand", "$skiptoken"}))
    _check_expand(call)
    return said(call, channel, _list_messages)


def list_replies(call: Call) -> Answer:
    """``GET .../messages/{id}/replies``: the newest first."""
    channel = _readable(call)
    refuse_others(call.options, frozenset({"$top", "$skiptoken"}))
    return said(call, channel, lambda call, channel: _paged(call, _newest(_root(call, channel).replies)))


def get_message(call: Call) -> Answer:
    """``GET .../messages/{id}`` and ``.../replies/{id}``."""
    channel = _readable(call)
    refuse_others(call.options, frozenset({"$expand"}))
    _check_expand(call)
    return said(call, channel, lambda call, channel: Answer(200, _entity(call, _one(call, channel))))


def list_changes(call: Call) -> Answer:
    """``GET .../messages/delta``: threads in which something happened since the last time, in the order of that."""
    channel = _readable(call)
    refuse_others(call.options, frozenset({"$top", "$filter", "$expand", "$skiptoken", _DELTA_TOKEN}))
    _check_expand(call)
    return said(call, channel, _list_changes)


def create_message(call: Call) -> Answer:
    """``POST .../messages``, in the name of who signed in; applications themselves may not (§2)."""
    channel = _writable(call)
    return said(call, channel, _create_message)


def create_reply(call: Call) -> Answer:
    """``POST .../messages/{id}/replies``."""
    channel = _writable(call)
    return said(call, channel, _create_reply)


def patch_message(call: Call) -> Answer:
    """``PATCH .../messages/{id}``: somebody's own words (§1.1, not confirmed)."""
    channel = the_channel(call, the_team(call, EDIT, _posting(call)))
    return said(call, channel, _patch_message)


# Who may


def _readable(call: Call) -> Channel:
    most = call.tenant.teams_limits.reading_messages
    team = the_team(call, READ_MESSAGES, [Pace(TEAMS, "reading messages", most, _SECOND)])
    return the_channel(call, team)


def _writable(call: Call) -> Channel:
    refuse_others(call.options, frozenset())
    team = the_team(call, SEND, _posting(call))
    if call.caller.account is None:
        # With Teamwork.Migrate.All, which is for teams in migration mode; there are none here.
        raise forbidden("The operation is not supported in application-only context: the team is not being migrated.")
    channel = the_channel(call, team)
    if team.archived:
        raise not_found(f"The team {team.id} is archived.")
    return channel


def _posting(call: Call) -> Sequence[Pace]:
    limits = call.tenant.teams_limits
    place = call.segments[3]
    return [
        Pace(TEAMS, "posting messages", limits.posting_messages, _SECOND),
        Pace(DAY, f"{place} day", limits.posts_per_day, _DAY),
    ]


# Writing


def _create_message(call: Call, channel: Channel) -> Answer:
    made = _added(call, channel, None)
    call.tenant.counts.posts[channel.id] += 1
    return Answer(201, _entity(call, made))


def _create_reply(call: Call, channel: Channel) -> Answer:
    root = _root(call, channel)
    if root.deleted is not None:
        raise not_found("The message has been deleted.")
    made = _added(call, channel, root)
    call.tenant.counts.replies[channel.id] += 1
    return Answer(201, _entity(call, made))


def _added(call: Call, channel: Channel, root: Message | None) -> Message:
    asked = post(call.body, channel, call.tenant)
    call.tenant.counts.writes += 1
    return channel.add(call.caller.account, root=root, client_id=call.caller.application.client_id, **asked._asdict())


def _patch_message(call: Call, channel: Channel) -> Answer:
    message = _one(call, channel)
    if call.caller.account is None or message.sender is not call.caller.account:
        raise forbidden("Only who wrote a message may change it.")
    if message.deleted is not None:
        raise not_found("The message has been deleted.")
    asked = post(call.body, channel, call.tenant)
    channel.edit(message, asked.content)
    message.content_type, message.attachments, message.mentions = asked.content_type, asked.attachments, asked.mentions
    call.tenant.counts.writes += 1
    return Answer(204)


# Reading


def _list_messages(call: Call, channel: Channel) -> Answer:
    return _paged(call, sorted(channel.messages, key=lambda one: one.change, reverse=True))


def _list_changes(call: Call, channel: Channel) -> Answer:
    options = call.options
    seen, since = 0, datetime.min.replace(tzinfo=UTC)
    if _DELTA_TOKEN in options:
        seen = unsealed(options[_DELTA_TOKEN], _changes_of(channel), call.tenant.key)
    elif "$filter" in options:
        since = _since(options["$filter"])
    oldest = call.tenant.clock.now() - call.tenant.teams_limits.delta_months * _MONTH
    found = [one for one in channel.messages if one.change > seen and one.modified > since and one.created >= oldest]
    answer = _paged(call, sorted(found, key=lambda one: one.change))
    if "@odata.nextLink" not in answer.body:
        token = sealed(channel.changes, _changes_of(channel), call.tenant.key)
        expand = "&$expand=replies" if "$expand" in options else ""
        answer.body["@odata.deltaLink"] = f"{call.url}?{_DELTA_TOKEN}={token}{expand}"
    return answer


def _changes_of(channel: Channel) -> str:
    return f"changes of {channel.id}"


def _since(text: str) -> datetime:
    found = _SINCE.fullmatch(text.strip())
    try:
        at = datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise bad_query("The only $filter here is 'lastModifiedDateTime gt' and an instant.")
    return at


def _paged(call: Call, messages: Sequence[Message]) -> Answer:
    size = PageSize(_DEFAULT_PAGE, call.tenant.teams_limits.largest_page)
    shown, link = page(messages, call.options, size=size, key=call.tenant.key, url=call.url)
    body: dict[str, Any] = {"@odata.context": _context(call), "@odata.count": len(shown)}
    if link is not None:
        body["@odata.nextLink"] = link
    body["value"] = [_json(call, one) for one in shown]
    return Answer(200, body)


def _root(call: Call, channel: Channel) -> Message:
    message_id = call.segments[5]
    if not message_id.isdecimal():
        raise bad_request("Bad Request: the id of the message is malformed.")
    found = next((one for one in channel.messages if one.id == message_id), None)
    if found is None:
        raise not_found(f"There is no message {message_id} in the channel.")
    return found


def _one(call: Call, channel: Channel) -> Message:
    root = _root(call, channel)
    if len(call.segments) < 8:
        return root
    found = next((one for one in root.replies if one.id == call.segments[7]), None)
    if found is None:
        raise not_found(f"There is no reply {call.segments[7]} to the message.")
    return found


def _newest(messages: Sequence[Message]) -> list[Message]:
    return sorted(messages, key=lambda one: int(one.id), reverse=True)


def _check_expand(call: Call) -> None:
    if call.options.get("$expand", "replies") != "replies":
        raise bad_query(f"Parsing OData Select and Expand failed: '{call.options['$expand']}'.")


# What it looks like


def _context(call: Call, *, one: bool = False) -> str:
    team, channel = call.segments[1], quote(call.segments[3], safe="")
    replies = f"('{call.segments[5]}')/replies" if len(call.segments) > 6 else ""
    entity = "/$entity" if one else ""
    return f"{call.base}/$metadata#teams('{team}')/channels('{channel}')/messages{replies}{entity}"


def _entity(call: Call, message: Message) -> dict[str, Any]:
    return {"@odata.context": _context(call, one=True), **_json(call, message)}


def _json(call: Call, message: Message) -> dict[str, Any]:
    channel = message.channel
    root = message.root or message
    kind = message.kind
    if kind == SYSTEM and _UNKNOWN not in call.headers.get("prefer", ""):
        kind = "unknownFutureValue"
    about = f"groupId={channel.team.id}&tenantId={call.tenant.id}&createdTime={message.id}&parentMessageId={root.id}"
    made: dict[str, Any] = {
        "id": message.id,
        "replyToId": message.root.id if message.root else None,
        "etag": str(int(message.modified.timestamp() * 1000)),
        "messageType": kind,
        "createdDateTime": instant(message.created),
        "lastModifiedDateTime": instant(message.modified),
        "lastEditedDateTime": instant(message.edited) if message.edited else None,
        "deletedDateTime": instant(message.deleted) if message.deleted else None,
        "subject": message.subject,
        "summary": message.summary,
        "chatId": None,
        "importance": message.importance,
        "locale": "en-us",
        "webUrl": f"{WEB}/l/message/{quote(channel.id, safe='')}/{message.id}?{about}",
        "policyViolation": None,
        "eventDetail": None,
        "from": _from(message.sender),
        "body": {"contentType": message.content_type, "content": message.content},
        "channelIdentity": {"teamId": channel.team.id, "channelId": channel.id},
        "attachments": message.attachments,
        "mentions": message.mentions,
        "reactions": [
            {
                "reactionType": one.kind,
                "displayName": one.kind.capitalize(),
                "reactionContentUrl": None,
                "createdDateTime": instant(one.at),
                "user": {"application": None, "device": None, "user": _user(one.who)},
            }
            for one in message.reactions
        ],
    }
    if "$expand" in call.options and message.root is None:
        made |= _replies(call, message)
    return made


def _replies(call: Call, message: Message) -> dict[str, Any]:
    """The replies that come with a message, and where there are more of them the link to these."""
    most = call.tenant.teams_limits.expanded_replies
    base = f"{call.base}/teams/{call.segments[1]}/channels/{quote(call.segments[3], safe=':@')}"
    shown, link = page(
        _newest(message.replies),
        {},
        size=PageSize(most, most),
        key=call.tenant.key,
        url=f"{base}/messages/{message.id}/replies",
    )
    made: dict[str, Any] = {"replies@odata.count": len(shown), "replies": [_json(call, one) for one in shown]}
    if link is not None:
        made["replies@odata.nextLink"] = link
    return made


def _from(sender: Account | Speaker | None) -> dict[str, Any] | None:
    if sender is None:
        return None
    if isinstance(sender, Account):
        return {"application": None, "device": None, "user": _user(sender)}
    application = {
        "@odata.type": "#microsoft.graph.teamworkApplicationIdentity",
        "id": sender.id,
        "displayName": sender.name,
        "applicationIdentityType": sender.kind,
    }
    return {"application": application, "device": None, "user": None}


def _user(account: Account) -> dict[str, Any]:
    return {
        "@odata.type": USER,
        "id": account.id,
        "displayName": account.display_name,
        "userIdentityType": "aadUser",
    }
