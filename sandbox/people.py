"""Users and groups over Graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from sandbox.directory import Account, Group
from sandbox.errors import GraphError, request_denied, resource_not_found
from sandbox.exchange import Answer, Call
from sandbox.filters import Condition, Field, Lambda, parse
from sandbox.query import PageSize, page, refuse_others, selected
from sandbox.schema import GROUP_DEFAULT, GROUP_PROPERTIES, USER_BASIC, USER_DEFAULT, USER_PROPERTIES

PAGE = PageSize(100, 999)

READ_USERS = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
READ_USERS_BASIC = frozenset({"User.ReadBasic.All"})
READ_ONESELF = frozenset({"User.Read", "User.ReadWrite"})
READ_GROUPS = frozenset(
    {"GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
)
READ_MEMBERS = READ_GROUPS | {"GroupMember.ReadBasic.All"}

_LIST_OPTIONS = frozenset({"$select", "$filter", "$top", "$count", "$skiptoken"})
_ONE_OPTIONS = frozenset({"$select"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SMALL_PAGE = 20
_USER, _GROUP = "#microsoft.graph.user", "#microsoft.graph.group"
_CASTS = frozenset({"microsoft.graph.user", "graph.user"})
_TEXTS = frozenset({"eq", "ne", "startswith"})


def list_users(call: Call) -> Answer:
    """``GET /users``."""
    if not call.caller.may(READ_USERS | READ_USERS_BASIC):
        raise request_denied()
    return _listed(call, call.tenant.accounts, 2, _USER_FIELDS, "users")


def get_user(call: Call) -> Answer:
    """``GET /users/{id or sign-in name}``, and ``/me`` of who signed in."""
    account = call.tenant.account(call.segments[1])
    if not call.caller.may(READ_USERS | READ_USERS_BASIC) and not _is_oneself(call, account):
        raise request_denied()
    refuse_others(call.options, _ONE_OPTIONS)
    headers = _spend(call, 1)
    if account is None:
        raise resource_not_found(call.segments[1])
    body = _account(call, selected(call.options, USER_PROPERTIES, "user"))(account)
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#users/$entity", **body}, headers)


def _is_oneself(call: Call, account: Account | None) -> bool:
    """Whether somebody looks at their own account, which takes least."""
    return account is not None and call.caller.account is account and call.caller.may(READ_ONESELF)


def list_groups(call: Call) -> Answer:
    """``GET /groups``."""
    if not call.caller.may(READ_GROUPS):
        raise request_denied()
    return _listed(call, call.tenant.groups, 1, _GROUP_FIELDS, "groups")


def get_group(call: Call) -> Answer:
    """``GET /groups/{id}``."""
    if not call.caller.may(READ_GROUPS):
        raise request_denied()
    refuse_others(call.options, _ONE_OPTIONS)
    headers = _spend(call, 1)
    body = _group(selected(call.options, GROUP_PROPERTIES, "group"))(_the_group(call))
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#groups/$entity", **body}, headers)


def list_members(call: Call) -> Answer:
    """``GET /groups/{id}/members`` and ``/transitiveMembers``, with and without a cast to users."""
    if not call.caller.may(READ_MEMBERS):
        raise request_denied()
    group = _the_group(call)
    transitive = call.segments[2] == "transitiveMembers"
    members: Iterable[Account | Group] = group.transitive_members() if transitive else group.members
    if len(call.segments) > 3:
        if call.segments[3] not in _CASTS:
            raise GraphError(400, "Request_UnsupportedQuery", f"The cast to '{call.segments[3]}' is not supported.")
        members = [one for one in members if isinstance(one, Account)]
    return _listed(call, list(members), 5 if transitive else 3, {}, "directoryObjects")


def _the_group(call: Call) -> Group:
    name = call.segments[1]
    if not _GUID.fullmatch(name):
        raise GraphError(400, "Request_BadRequest", f"Invalid object identifier '{name}'.")
    group = call.tenant.group(name)
    if group is None:
        raise resource_not_found(name)
    return group


def _listed(
    call: Call, found: list[Any] | list[Account] | list[Group], units: int, fields: dict[str, Field], of: str
) -> Answer:
    refuse_others(call.options, _LIST_OPTIONS)
    headers = _spend(call, units)
    if "$filter" in call.options:
        fits = _condition(call.options["$filter"], of) if fields else _unsupported(call.options["$filter"])
        found = [one for one in found if fits(one)]
    shown, link = page(found, call.options, size=PAGE, key=call.tenant.key, url=call.url)
    body: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#{of}"}
    if call.options.get("$count") == "true":
        body["@odata.count"] = len(found)
    if link is not None:
        body["@odata.nextLink"] = link
    body["value"] = list(map(_renderer(call, of), shown))
    return Answer(200, body, headers)


def _renderer(call: Call, of: str) -> Callable[[Any], dict[str, Any]]:
    if of == "users":
        return _account(call, selected(call.options, USER_PROPERTIES, "user"))
    if of == "groups":
        return _group(selected(call.options, GROUP_PROPERTIES, "group"))
    names = selected(call.options, USER_PROPERTIES | GROUP_PROPERTIES, "directoryObject")
    account, group = _account(call, names), _group(names)

    def member(one: Account | Group) -> dict[str, Any]:
        if isinstance(one, Account):
            return {"@odata.type": _USER, **account(one)}
        return {"@odata.type": _GROUP, **group(one)}

    return member


def _account(call: Call, names: tuple[str, ...] | None) -> Callable[[Account], dict[str, Any]]:
    """What becomes of an account: properties that the application may not read are null (§1.9 of the notes)."""
    wanted = names or USER_DEFAULT
    if call.caller.may(READ_USERS):
        usual: frozenset[str] = USER_PROPERTIES
    else:
        usual = USER_BASIC if call.caller.may(READ_USERS_BASIC) else frozenset({"id"})

    def made(account: Account) -> dict[str, Any]:
        readable = USER_PROPERTIES if _is_oneself(call, account) else usual
        shown: dict[str, Any] = {"id": account.id} if names is None or "id" not in names else {}
        shown |= {name: account.value(name) if name in readable else None for name in wanted}
        if shown.get("businessPhones", ()) is None:
            shown["businessPhones"] = []
        return shown

    return made


def _group(names: tuple[str, ...] | None) -> Callable[[Group], dict[str, Any]]:
    wanted = tuple(name for name in names or GROUP_DEFAULT if name in GROUP_PROPERTIES)
    return lambda group: {"id": group.id, **{name: group.value(name) for name in wanted}}


def _spend(call: Call, units: int) -> dict[str, str]:
    """Take what a call costs of the directory's resource units (§4 of the notes on Graph)."""
    top = call.options.get("$top", "")
    saved = ("$select" in call.options) + (top.isdecimal() and int(top) < _SMALL_PAGE)
    return call.tenant.throttle.spend(call.caller.application.client_id, max(1, units - saved))


def _unsupported(text: str) -> Condition:
    raise GraphError(400, "Request_UnsupportedQuery", f"Unsupported query: filter '{text}'.")


@lru_cache(maxsize=256)
def _condition(text: str, of: str) -> Condition:
    try:
        if of == "users":
            return parse(text, _USER_FIELDS)
        return parse(text, _GROUP_FIELDS, _GROUP_LAMBDAS)
    except GraphError as error:
        raise GraphError(400, "Request_UnsupportedQuery", error.message) from error


def _text(name: str) -> Field:
    """A directory text, which is compared without regard to case."""
    return Field(lambda one: (one.value(name) or "").lower(), lambda value: str(value or "").lower(), _TEXTS)


_GROUP_FIELDS = {name: _text(name) for name in ("displayName", "mail", "mailNickname", "id")}
_GROUP_LAMBDAS = {
    "resourceProvisioningOptions": Lambda(
        lambda group: list(group.value("resourceProvisioningOptions")), {"": Field(str, operators=frozenset({"eq"}))}
    )
}
_USER_FIELDS = {
    **{name: _text(name) for name in ("displayName", "mail", "userPrincipalName", "department", "userType", "id")},
    "accountEnabled": Field(lambda one: one.enabled, operators=frozenset({"eq", "ne"})),
}
