"""Teams and channels over Graph: who may see them, what they look like, and who is in them (§1.1, §1.9, §2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from sandbox.directory import Account
from sandbox.errors import GraphError, bad_query, bad_request, forbidden, not_found, request_denied, resource_not_found
from sandbox.exchange import Answer, Call
from sandbox.filters import Condition, Field, parse
from sandbox.people import READ_MEMBERS, READ_USERS
from sandbox.query import refuse_others, selected
from sandbox.schema import CHANNEL_PROPERTIES, TEAM_PROPERTIES
from sandbox.teams import GENERAL, PRIVATE, Channel, Team
from sandbox.throttling import CHANNEL, TEAMS, Pace

WEB = "https://teams.example"
"""Where links to teams, channels and messages lead; nothing is there."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CHANNEL_ID = re.compile(r"19:[\w-]+@thread\.(tacv2|skype)")
_SECOND = 1.0
_OTHER = "teams"


class Rights(NamedTuple):
    """What a call takes: in the name of who signed in, of the application itself, or in one team alone."""

    delegated: frozenset[str]
    application: frozenset[str]
    in_team: frozenset[str] = frozenset()


def _either(*names: str, in_team: frozenset[str] = frozenset()) -> Rights:
    """Permissions that are of one name for applications and for who signed in."""
    return Rights(frozenset(names), frozenset(names), in_team)


READ_TEAM = _either(
    "Team.ReadBasic.All",
    "TeamSettings.Read.All",
    "TeamSettings.ReadWrite.All",
    in_team=frozenset({"TeamSettings.Read.Group", "TeamSettings.ReadWrite.Group"}),
)
READ_CHANNELS = _either(
    "Channel.ReadBasic.All",
    "ChannelSettings.Read.All",
    "ChannelSettings.ReadWrite.All",
    in_team=frozenset({"ChannelSettings.Read.Group", "ChannelSettings.ReadWrite.Group"}),
)
READ_TEAM_MEMBERS = _either(
    "TeamMember.Read.All", "TeamMember.ReadWrite.All", in_team=frozenset({"TeamMember.Read.Group"})
)
READ_CHANNEL_MEMBERS = _either(
    "ChannelMember.Read.All", "ChannelMember.ReadWrite.All", in_team=frozenset({"ChannelMember.Read.Group"})
)
READ_MESSAGES = _either("ChannelMessage.Read.All", in_team=frozenset({"ChannelMessage.Read.Group"}))
_JOINED = READ_TEAM.delegated | READ_USERS


def get_team(call: Call) -> Answer:
    """``GET /teams/{id}`` and ``/groups/{id}/team``."""
    team = the_team(call, READ_TEAM)
    refuse_others(call.options, frozenset({"$select", "$expand"}))
    shown = _chosen(call, _team_json(call, team), TEAM_PROPERTIES, "team")
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#teams/$entity", **shown})


def list_joined_teams(call: Call) -> Answer:
    """``GET /me/joinedTeams`` for who signed in, ``/users/{id}/joinedTeams`` for applications, without any options.

    Only who is a member directly counts, which in a team everybody is.
    """
    pace(call, "", [])
    refuse_others(call.options, frozenset())
    account = call.tenant.account(call.segments[1])
    if not call.caller.may(_JOINED, account.id if account else ""):
        raise forbidden(missing(call, READ_TEAM))
    if account is None:
        raise resource_not_found(call.segments[1])
    teams = [team for team in call.tenant.teams if account in team.members]
    value = [{"id": one.id, "displayName": one.name, "description": one.group.description} for one in teams]
    return _many(call, "teams", value)


def list_channels(call: Call) -> Answer:
    """``GET /teams/{id}/channels``: who signed in sees of the private channels their own."""
    limits = call.tenant.teams_limits
    team = the_team(call, READ_CHANNELS, [Pace(TEAMS, "channels", limits.listing_channels, _SECOND)])
    refuse_others(call.options, frozenset({"$select", "$filter", "$expand"}))
    account = call.caller.account
    found = [one for one in team.channels if account is None or one.kind != PRIVATE or account in one.members]
    fits = _condition(call.options.get("$filter"), _CHANNEL_FIELDS)
    value = [
        _chosen(call, _channel_json(call, one), CHANNEL_PROPERTIES, "channel")
        for one in found
        if fits is None or fits(one)
    ]
    return _many(call, f"teams('{team.id}')/channels", value)


def get_channel(call: Call) -> Answer:
    """``GET /teams/{id}/channels/{id}`` and ``/teams/{id}/primaryChannel``."""
    team = the_team(call, READ_CHANNELS)
    refuse_others(call.options, frozenset({"$select", "$expand"}))
    channel = team.channel(GENERAL) if call.segments[2] == "primaryChannel" else the_channel(call, team)
    shown = _chosen(call, _channel_json(call, channel), CHANNEL_PROPERTIES, "channel")
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#teams('{team.id}')/channels/$entity", **shown})


def list_team_members(call: Call) -> Answer:
    """``GET /teams/{id}/members``."""
    team = the_team(call, READ_TEAM_MEMBERS)
    return _members(call, f"teams('{team.id}')/members", team, team.id, team.members)


def list_channel_members(call: Call) -> Answer:
    """``GET /teams/{id}/channels/{id}/members``."""
    team = the_team(call, READ_CHANNEL_MEMBERS)
    channel = the_channel(call, team)
    return _members(call, f"teams('{team.id}')/channels/members", team, channel.id, channel.members)


def list_owners(call: Call) -> Answer:
    """``GET /groups/{id}/owners``, with and without a cast to users; id and name are enough here."""
    if not call.caller.may(READ_MEMBERS):
        raise request_denied()
    group = call.tenant.group(call.segments[1])
    if group is None:
        raise resource_not_found(call.segments[1])
    value = [
        {
            "@odata.type": "#microsoft.graph.user",
            "id": one.id,
            "displayName": one.display_name,
            "mail": one.mail,
            "userPrincipalName": one.user_principal_name,
        }
        for one in group.owners
    ]
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#directoryObjects", "value": value})


# Finding and being let in


def the_team(call: Call, rights: Rights, paces: Sequence[Pace] = ()) -> Team:
    """The team that a call is about. Raises for one that there is not, and for callers who may not, or not so fast.

    Who signed in has to be in the team, whatever the application was allowed.
    """
    name = call.segments[1]
    place = call.segments[3] if len(call.segments) > 3 else name
    pace(call, place, paces)
    group = call.tenant.group(name) if _GUID.fullmatch(name) else None
    team = group.team if group is not None else None
    if not _granted(call, rights, team):
        raise _missing(call, rights)
    if not _GUID.fullmatch(name):
        raise bad_request("teamId needs to be a valid GUID.")
    if team is None:
        raise not_found(f"No team found with Group Id {name}.")
    account = call.caller.account
    if account is not None and account not in team.members:
        raise forbidden(f"The initiator {account.id} is not a member of the team {team.id}.")
    if account is not None and not account.uses_teams:
        raise forbidden("The user does not have a license for Microsoft Teams.")
    return team


def the_channel(call: Call, team: Team) -> Channel:
    """The channel that a call is about. Raises for one that there is not, and for who is not in a private one."""
    name = call.segments[3]
    if not _CHANNEL_ID.fullmatch(name):
        raise bad_request("Bad Request: the id of the channel is malformed.")
    found = next((one for one in team.channels if one.id == name), None)
    if found is None:
        raise not_found(f"No channel {name} in the team {team.id}.")
    account = call.caller.account
    if account is not None and account not in found.members:
        raise forbidden(f"The initiator {account.id} is not a member of the channel {name}.")
    return found


def pace(call: Call, place: str, paces: Sequence[Pace]) -> None:
    """Keep an application to Teams' figures, those per second only while time passes. Raises a 429."""
    tenant = call.tenant
    limits = tenant.teams_limits
    every = [Pace(CHANNEL, place, limits.per_channel, _SECOND)] if place else []
    every += paces or [Pace(TEAMS, _OTHER, limits.other_calls, _SECOND)]
    if tenant.clock.stands and not limits.while_time_stands:
        every = [one for one in every if one.seconds > _SECOND]
    tenant.throttle.keep_to(call.caller.application.client_id, place, call.arrival, every)


def _missing(call: Call, rights: Rights) -> GraphError:
    """The refusal of somebody who lacks a permission; of an application that posts it is not certain which (§2)."""
    status = call.tenant.teams_facts.application_post_status
    if call.caller.account is None and call.method == "POST" and status == 401:
        return GraphError(401, "Unauthorized", "Unauthorized")
    return forbidden(missing(call, rights))


def missing(call: Call, rights: Rights) -> str:
    """What is said to somebody who lacks a permission, in the words that were seen in the field."""
    delegated = call.caller.account is not None
    kind = "scope" if delegated else "role"
    wanted = rights.delegated if delegated else rights.application | rights.in_team
    return (
        f"Missing {kind} permissions on the request. API requires one of '{', '.join(sorted(wanted))}'. "
        f"{kind.capitalize()}s on the request '{', '.join(sorted(call.caller.roles))}'."
    )


def _granted(call: Call, rights: Rights, team: Team | None) -> bool:
    caller = call.caller
    if caller.account is not None:
        return not rights.delegated.isdisjoint(caller.roles)
    if not rights.application.isdisjoint(caller.roles):
        return True
    granted = team.grants.get(caller.application.client_id, set()) if team is not None else set()
    return not rights.in_team.isdisjoint(granted)


# What they look like


def _team_json(call: Call, team: Team) -> dict[str, Any]:
    general = team.channel(GENERAL)
    return {
        "id": team.id,
        "createdDateTime": instant(team.group.created),
        "displayName": team.name,
        "description": team.group.description,
        "internalId": general.id,
        "classification": None,
        "specialization": "none",
        "visibility": "private",
        "webUrl": f"{WEB}/l/team/{quote(general.id, safe='')}/conversations?{_about(call, team)}",
        "isArchived": team.archived,
        "tenantId": call.tenant.id,
    }


def _channel_json(call: Call, channel: Channel) -> dict[str, Any]:
    team = channel.team
    name = quote(channel.name, safe="")
    return {
        "id": channel.id,
        "createdDateTime": instant(channel.created),
        "displayName": channel.name,
        "description": channel.description,
        "isFavoriteByDefault": None,
        "email": "",
        "tenantId": call.tenant.id,
        "webUrl": f"{WEB}/l/channel/{quote(channel.id, safe='')}/{name}?{_about(call, team)}",
        "membershipType": channel.kind,
        "isArchived": team.archived,
    }


def instant(at: Any) -> str:  # noqa: ANN401 - a datetime
    """An instant as Teams writes it: in milliseconds."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _about(call: Call, team: Team) -> str:
    return f"groupId={team.id}&tenantId={call.tenant.id}"


def _members(call: Call, of: str, team: Team, place: str, members: Sequence[Account]) -> Answer:
    refuse_others(call.options, frozenset({"$select", "$filter"}))
    fits = _condition(call.options.get("$filter"), _MEMBER_FIELDS)
    value = [
        {
            "@odata.type": "#microsoft.graph.aadUserConversationMember",
            "id": base64.b64encode(f"{call.tenant.id}##{place}##{one.id}".encode()).decode(),
            "roles": ["owner"] if one in team.owners else [],
            "displayName": one.display_name,
            "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z",
            "userId": one.id,
            "email": one.mail,
            "tenantId": call.tenant.id,
        }
        for one in members
        if fits is None or fits(one)
    ]
    return _many(call, of, value)


def _chosen(call: Call, whole: Mapping[str, Any], known: Sequence[str], type_: str) -> dict[str, Any]:
    names = selected(call.options, frozenset(known), type_)
    return dict(whole) if names is None else {name: whole[name] for name in dict.fromkeys(("id", *names))}


def _many(call: Call, of: str, value: list[dict[str, Any]]) -> Answer:
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#{of}", "@odata.count": len(value), "value": value})


def _condition(text: str | None, fields: Mapping[str, Field]) -> Condition | None:
    if text is None:
        return None
    try:
        return parse(text, fields)
    except GraphError as error:
        raise bad_query(error.message) from error


def _field(get: Callable[[Any], Any]) -> Field:
    return Field(get, operators=frozenset({"eq", "ne"}))


_CHANNEL_FIELDS = {
    "displayName": _field(lambda one: one.name),
    "id": _field(lambda one: one.id),
    "membershipType": _field(lambda one: one.kind),
}
_MEMBER = "microsoft.graph.aadUserConversationMember"
_MEMBER_FIELDS = {
    f"{_MEMBER}/userId": _field(lambda one: one.id),
    f"{_MEMBER}/displayName": _field(lambda one: one.display_name),
    f"{_MEMBER}/email": _field(lambda one: one.mail),
}
