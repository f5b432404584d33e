"""``/subscriptions`` over Graph, for the events of mailboxes, with the handshake before the 201 (§5 of the notes)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlsplit

from sandbox import outlook
from sandbox.calendars import CREATED, DELETED, UPDATED
from sandbox.courier import PLAIN
from sandbox.errors import GraphError, access_denied, bad_request, no_mailbox
from sandbox.exchange import Answer, Call
from sandbox.mishaps import come_too_late
from sandbox.notices import Notices
from sandbox.parsing import typed
from sandbox.query import SKIP_TOKEN, PageSize, page, refuse_others
from sandbox.rendering import instant_text
from sandbox.schema import Property, Writable
from sandbox.subscriptions import DELETED as DELETED_BY_OWNER
from sandbox.subscriptions import Subscription
from sandbox.tenant import Tenant
from sandbox.throttling import SUBSCRIPTION_WRITES, SUBSCRIPTIONS, Pace

_READ_ALONE = frozenset({"Calendars.Read"})
_RESOURCE = re.compile(r"/?(?:(?P<me>me)|users/(?P<user>[^/?]+))/events", re.IGNORECASE)
_CHANGES = (CREATED, UPDATED, DELETED)
_TLS = ("v1_0", "v1_1", "v1_2", "v1_3")
_NULL = ("encryptionCertificate", "encryptionCertificateId", "notificationQueryOptions", "notificationUrlAppId")
_NOT_HERE = (*_NULL, "vapidPublicKey", "webPushEncryptionP256dhPublicKey", "webPushEncryptionSecret")
"""Properties for subscriptions of other kinds than are simulated: refused when sent, and the first are null else."""

_LONGEST_URL = 2_048


async def list_subscriptions(call: Call) -> Answer:
    """``GET /subscriptions``: the application's own, of who signed in those that they made."""
    _pace(call)
    refuse_others(call.options, frozenset({SKIP_TOKEN}))
    mine = [one for one in call.tenant.notices.subscriptions if _is_own(call, one)]
    most = call.tenant.notices.limits.page
    shown, link = page(mine, call.options, size=PageSize(most, most), key=call.tenant.key, url=call.url)
    body: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#subscriptions"}
    body["value"] = [_json(call, one) for one in shown]
    if link is not None:
        body["@odata.nextLink"] = link
    return Answer(200, body)


async def create_subscription(call: Call) -> Answer:
    """``POST /subscriptions``. The endpoints are asked before there is one, and not before all else is well."""
    _pace(call, writes=True)
    refuse_others(call.options, frozenset())
    notices = call.tenant.notices
    given = _given(call, Writable.ON_CREATE)
    kinds = _change_types(given.get("changeType"))
    url = _address(given, "notificationUrl")
    lifecycle = _address(given, "lifecycleNotificationUrl") if given.get("lifecycleNotificationUrl") else None
    expires = _end(call, given.get("expirationDateTime"))
    state = given.get("clientState")
    if state is not None and len(state) > notices.limits.client_state:
        raise _invalid(f"Subscription clientState cannot be longer than {notices.limits.client_state} characters.")
    tls = given.get("latestSupportedTlsVersion") or "v1_2"
    if tls not in _TLS:
        raise _invalid(f"'{tls}' is not a version of TLS.")
    _refuse_other_kinds(given)
    account_id = _subscribed(call, given.get("resource"))
    _refuse_over_quota(notices, account_id)
    await _handshake(call, url)
    if lifecycle is not None:
        # Two requests where both are one URL as well (§5.2).
        await _handshake(call, lifecycle)
    _refuse_over_quota(notices, account_id)
    made = Subscription(
        id=notices.subscriptions.new_id(),
        application_id=call.caller.application.client_id,
        signed_in=call.caller.account.id if call.caller.account else None,
        account_id=account_id,
        resource=given["resource"],
        change_types=kinds,
        notification_url=url,
        lifecycle_url=lifecycle,
        client_state=state,
        expires=expires,
        tls_version=tls,
        immutable_ids=call.preferences.immutable_ids,
    )
    notices.subscriptions.add(made, call.tenant.mailbox(account_id))
    come_too_late(call)
    return Answer(201, _whole(call, made, created=True))


async def get_subscription(call: Call) -> Answer:
    """``GET /subscriptions/{id}``."""
    _pace(call)
    refuse_others(call.options, frozenset())
    return Answer(200, _whole(call, _own(call)))


async def patch_subscription(call: Call) -> Answer:
    """``PATCH /subscriptions/{id}``: a renewal, which authorises anew as well. Nothing else can be changed here."""
    _pace(call, writes=True)
    refuse_others(call.options, frozenset())
    one = _own(call)
    given = _given(call, Writable.ALWAYS)
    expires = _end(call, given.get("expirationDateTime"))
    _refuse_unless_readable(call, one.account_id)
    if call.tenant.notices.facts.renewals_validate:
        await _handshake(call, one.notification_url)
    one = _own(call)
    call.tenant.notices.subscriptions.renew(one, expires)
    come_too_late(call)
    return Answer(200, _whole(call, one))


async def delete_subscription(call: Call) -> Answer:
    """``DELETE /subscriptions/{id}``. What is on its way already may still come."""
    _pace(call, writes=True)
    call.tenant.notices.subscriptions.drop(_own(call), DELETED_BY_OWNER)
    come_too_late(call)
    return Answer(204)


async def reauthorize(call: Call) -> Answer:
    """``POST /subscriptions/{id}/reauthorize``, without a body."""
    _pace(call, writes=True)
    refuse_others(call.options, frozenset())
    one = _own(call)
    _refuse_unless_readable(call, one.account_id)
    call.tenant.notices.subscriptions.reauthorize(one)
    come_too_late(call)
    return Answer(204)


# Rules


def _pace(call: Call, *, writes: bool = False) -> None:
    """Hold an application to the figures for subscriptions, while time passes. Raises a 429."""
    tenant, limits = call.tenant, call.tenant.notices.limits
    if tenant.clock.stands and not limits.while_time_stands:
        return
    paces = [Pace(SUBSCRIPTIONS, SUBSCRIPTIONS, limits.calls, limits.window)]
    if writes:
        paces.append(Pace(SUBSCRIPTION_WRITES, SUBSCRIPTION_WRITES, limits.writes, limits.window))
    tenant.throttle.keep_to(call.caller.application.client_id, SUBSCRIPTIONS, call.arrival, paces)


def _given(call: Call, writing: Writable) -> dict[str, Any]:
    if not isinstance(call.body, dict):
        raise bad_request("The request body is not a JSON object.", "InvalidRequest")
    given: dict[str, Any] = typed(Property("subscription"), call.body, "subscription", writing)
    return given


def _change_types(text: str | None) -> tuple[str, ...]:
    kinds = tuple(part.strip() for part in (text or "").split(","))
    if not set(kinds) <= set(_CHANGES):
        raise _invalid(f"The changeType '{text}' is not a list of {', '.join(_CHANGES)}.")
    return tuple(dict.fromkeys(kinds))


def _address(given: Mapping[str, Any], name: str) -> str:
    url = str(given.get(name) or "")
    try:
        parts = urlsplit(url)
        whole = parts.scheme == "https" and bool(parts.hostname) and not parts.fragment and parts.port != 0
    except ValueError:
        whole = False
    if not whole or len(url) > _LONGEST_URL or re.search(r"\s", url):
        raise _invalid(f"The {name} of a subscription has to be an address that begins with https.")
    return url


def _end(call: Call, text: str | None) -> datetime:
    """When a subscription is to end: three quarters of an hour are the least, and nobody is told of more given."""
    limits, now = call.tenant.notices.limits, call.tenant.clock.now()
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _invalid("A subscription needs an expirationDateTime in UTC.")
    at = at.astimezone(UTC)
    if at <= now:
        raise _invalid("Subscription expiration can only be in the future.")
    most = now + timedelta(minutes=limits.longest_minutes)
    if at > most and call.tenant.notices.facts.longer_is_refused:
        raise _invalid(f"Subscription expiration can only be {limits.longest_minutes} minutes in the future.")
    return min(max(at, now + timedelta(minutes=limits.shortest_minutes)), most)


def _refuse_other_kinds(given: Mapping[str, Any]) -> None:
    named = [name for name in _NOT_HERE if given.get(name) is not None]
    if given.get("includeResourceData"):
        named.append("includeResourceData")
    if named:
        raise _invalid(f"'{named[0]}' belongs to notifications that the sandbox does not know.")


def _subscribed(call: Call, resource: str | None) -> str:
    """The mailbox that a resource names. Raises what Graph answers where there is none, or it may not be read."""
    found = _RESOURCE.fullmatch(resource or "")
    if found is None:
        raise _invalid(f"The resource '{resource}' cannot be subscribed to here: only users/{{id}}/events can.")
    tenant, caller = call.tenant, call.caller
    if found["me"] and caller.account is None:
        raise bad_request("/me request is only valid with delegated authentication flow.")
    account = caller.account if found["me"] else tenant.account(found["user"])
    if account is None:
        if not caller.may(_rights(tenant)) and caller.application.mailboxes is None:
            raise access_denied()
        raise GraphError(404, "ResourceNotFound", f"The user '{found['user']}' could not be found.")
    _refuse_unless_readable(call, account.id)
    return account.id


def _rights(tenant: Tenant) -> frozenset[str]:
    return outlook.READ if tenant.notices.facts.write_permission_subscribes else _READ_ALONE


def _refuse_unless_readable(call: Call, account_id: str) -> None:
    """Raises the refusal to who may not read a mailbox, or where there is none (any more)."""
    if not call.caller.may(_rights(call.tenant), account_id):
        raise access_denied()
    account = call.tenant.account(account_id)
    mailbox = account.mailbox if account else None
    if mailbox is None or mailbox.is_awaited:
        raise no_mailbox()
    if mailbox.denied:
        raise access_denied()


def _refuse_over_quota(notices: Notices, account_id: str) -> None:
    """Raises the 403 of which documentation says no more than that its message tells the reason."""
    most = notices.limits.per_mailbox
    if len(notices.subscriptions.of(account_id)) >= most:
        reason = f"The limit of {most} subscriptions for the mailbox has been reached."
        raise GraphError(403, "ExtensionError", f"Operation: Create; Exception: [Status Code: Forbidden; {reason}]")


async def _handshake(call: Call, url: str) -> None:
    """Ask an endpoint whether it wants this. Raises a 400 unless it repeats the token, decoded once, in time."""
    tenant = call.tenant
    notices = tenant.notices
    # Blanks, a plus and something that looks like an encoded one: who decodes twice, or not at all, repeats another.
    token = (
        "Validation: Testing client application reachability for subscription Request-Id: "
        f"{notices.subscriptions.new_id()} +%2B"
    )
    address = f"{url}{'&' if urlsplit(url).query else '?'}validationToken={quote_plus(token)}"
    said = await notices.courier.post(address, b"", PLAIN, notices.limits.handshake_seconds, tenant.clock)
    if said.status == 0 and said.seconds > notices.limits.handshake_seconds:
        raise _invalid("Subscription validation request timed out.")
    problem = None
    if said.status == 0:
        problem = "The endpoint could not be reached."
    elif said.status != 200:
        problem = f"Notification endpoint must respond with 200 OK to validation request, not with {said.status}."
    elif said.kind.partition(";")[0].strip().lower() != "text/plain":
        problem = "The Content-Type of the response is not text/plain."
    elif said.text != token:
        problem = "The response is not the validation token."
    if problem is not None:
        raise _invalid(f"Subscription validation request failed. {problem}")


def _invalid(message: str) -> GraphError:
    return GraphError(400, "ValidationError", message)


# What they look like


def _is_own(call: Call, one: Subscription) -> bool:
    account = call.caller.account
    own = one.application_id == call.caller.application.client_id
    return own and one.signed_in == (account.id if account else None)


def _own(call: Call) -> Subscription:
    """The one that a call names. Raises the 404 for one that is over, that never was, or that is another's."""
    one = call.tenant.notices.subscriptions.find(call.segments[1].lower())
    if one is None or not _is_own(call, one):
        raise GraphError(404, "ResourceNotFound", "The object was not found.")
    return one


def _whole(call: Call, one: Subscription, *, created: bool = False) -> dict[str, Any]:
    context = f"{call.base}/$metadata#subscriptions/$entity"
    return {"@odata.context": context, **_json(call, one, created=created)}


def _json(call: Call, one: Subscription, *, created: bool = False) -> dict[str, Any]:
    told = created or call.tenant.notices.facts.client_state_is_told
    return {
        "id": one.id,
        "resource": one.resource,
        "applicationId": one.application_id,
        "changeType": ",".join(one.change_types),
        "clientState": one.client_state if told else None,
        "notificationUrl": one.notification_url,
        "lifecycleNotificationUrl": one.lifecycle_url,
        "expirationDateTime": instant_text(one.expires),
        "creatorId": one.signed_in or one.application_id,
        "includeResourceData": False,
        "latestSupportedTlsVersion": one.tls_version,
        **dict.fromkeys(_NULL),
    }
