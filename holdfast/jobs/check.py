"""Whether everything is in place, tried one by one, with what to grant or fix where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from holdfast.core.errors import GraphError, NoMailbox, NotSignedIn, Unreachable
from holdfast.core.finding import Finding, learning
from holdfast.core.model import Overlap
from holdfast.core.permissions import (
    BEING_TOLD,
    CALENDARS,
    GROUP_MEMBERS,
    LIMITED,
    MAIL,
    MAILBOX_SETTINGS,
    PERMISSIONS,
    USERS,
)
from holdfast.core.settings import Channel, Settings, Via
from holdfast.jobs.audience import Audience, AudienceError, Member, group_path, resolve
from holdfast.jobs.crowd import each
from holdfast.jobs.ports import Ports
from holdfast.jobs.survey import elsewhere

_MAILBOXES_TRIED = 5
_NO_MARKER = "holdfast check"
"""What no post carries: to look for it takes the right to read and finds nothing."""

_NOT_TRIED = {
    MAIL: f"Grant {MAIL} for the organizer mailbox by RBAC for Applications; no token lists it then.",
    BEING_TOLD: f"Grant {BEING_TOLD} as you granted {CALENDARS}; by RBAC for Applications no token lists it.",
}
"""Permissions whose want shows only when something is done that ``check`` does not do, and how they are granted."""


class SignIn(Protocol):
    """Signing in to Microsoft 365."""

    async def roles(self) -> frozenset[str]:
        """The application permissions that the token carries. Raises ``NotSignedIn``."""
        ...


class Addresses(Protocol):
    """The addresses of workflows."""

    def problem(self, channel: str) -> GraphError | None:
        """What is wrong with that of a channel, by its id in the settings, as far as can be told without calling it."""
        ...


class Web(Protocol):
    """Pages that the settings link to."""

    async def problem(self, url: str) -> str:
        """What is wrong with a page, in words; nothing where it answers."""
        ...


async def check(
    settings: Settings, ports: Ports, sign_in: SignIn, addresses: Addresses, web: Web | None = None
) -> list[Finding]:
    """Try the sign-ins, each permission, each group and channel and a mailbox; tell what was found. Writes nothing.

    With ``web`` the links of what there is to learn from are tried, too.
    """
    found = await _calendars(settings, ports, sign_in)
    by_graph = [channel for channel in settings.channels if channel.via is Via.GRAPH]
    by_workflow = [channel for channel in settings.channels if channel.via is Via.WORKFLOW]
    found += [*await _posting(settings, by_graph, ports), *_workflows(by_workflow, addresses), *learning(settings)]
    return [*found, *await _links(settings, web)] if web else found


async def _links(settings: Settings, web: Web) -> list[Finding]:
    """Whether what there is to learn from can be reached from here."""
    urls = list(dict.fromkeys(one.url for goal in settings.goals for one in goal.resources))
    problems = await each(urls, web.problem, doing="Trying links")
    cure = "Correct the link, or take the resource out. What asks people to sign in cannot be tried from here."
    found = [
        Finding(f"Link {url}", problem, cure, fatal=False)
        for url, problem in zip(urls, problems, strict=True)
        if problem
    ]
    return found or [Finding("Links", f"all {len(urls)} answer")]


async def _calendars(settings: Settings, ports: Ports, sign_in: SignIn) -> list[Finding]:
    """What it takes to put blocks into calendars."""
    try:
        roles = await sign_in.roles()
    except GraphError as error:
        return [_failed("Sign-in", error)]
    works: set[str] = set()
    tried: list[Finding] = []
    try:
        audience = await resolve(settings, ports.directory, {})
    except AudienceError as error:
        works.add(GROUP_MEMBERS)
        tried += [Finding("Group", problem, "Correct the group in the settings.") for problem in error.problems]
    except GraphError as error:
        tried.append(_failed("Groups and their members", error))
    else:
        works |= {GROUP_MEMBERS, USERS}
        tried += _groups(settings, audience)
        tried += await _mailbox(audience, ports, works)
        tried += await _zones(settings, audience, ports)
        tried += await _probed(settings, ports)
    signed_in = Finding("Sign-in", f"tenant {settings.tenant.tenant_id}")
    return [signed_in, *(_permission(name, roles, works) for name in needed(settings)), *tried]


async def _posting(settings: Settings, channels: Iterable[Channel], ports: Ports) -> list[Finding]:
    """What it takes to post to these channels in the name of the account that signs in, and to read replies there."""
    findings: list[Finding] = []
    account = settings.tenant.login.account if settings.tenant.login else "nobody"
    for channel in channels:
        what = f'Channel {channel.id}: "{channel.channel}" in "{channel.team}"'
        try:
            place = await ports.channels.find(channel.team, channel.channel)
        except (NotSignedIn, Unreachable) as error:
            return [*findings, _failed(f"Sign-in of {account}", error)]  # it would be the same with each channel
        except GraphError as error:
            findings.append(_failed(what, error))
            continue
        findings.append(Finding(what, f"found, and {account} is in it"))
        what = f"Reading in channel {channel.id}"
        try:
            await ports.channels.look(place, _NO_MARKER)
        except GraphError as error:
            without = "Without it no replies are quoted, and a post whose answer is lost is not looked for."
            failed = _failed(what, error)
            findings.append(Finding(what, failed.found, f"{failed.cure} {without}", fatal=False))
        else:
            findings.append(Finding(what, "works"))
    return [*(await _sign_in_kept(account, ports) if findings else ()), *findings]


async def _sign_in_kept(account: str, ports: Ports) -> list[Finding]:
    """How old the sign-in is that has just been found to work."""
    kept = await ports.state.signed_in()
    if kept is None:
        return [Finding(f"Sign-in of {account}", "works")]
    found = f"works; signed in on {kept.since:%Y-%m-%d}, last used on {kept.used:%Y-%m-%d}"
    return [Finding(f"Sign-in of {account}", found)]


def _workflows(channels: Iterable[Channel], addresses: Addresses) -> list[Finding]:
    """Whether the workflows of these channels have addresses that may be used; trying them would post."""
    findings = []
    for channel in channels:
        what = f"Workflow of channel {channel.id}"
        error = addresses.problem(channel.id)
        if error is not None:
            findings.append(Finding(what, error.message, error.cure))
        else:
            findings.append(Finding(what, "has an address; only a post shows whether it works"))
    return findings


def needed(settings: Settings) -> list[str]:
    """The permissions that these settings need."""
    sends = any(block.overlap is Overlap.NOTIFY for block in settings.blocks)
    unused = {MAIL: not sends, BEING_TOLD: settings.tenant.notification_url is None}
    return [name for name in PERMISSIONS if not unused.get(name)]


def _permission(name: str, roles: frozenset[str], works: set[str]) -> Finding:
    """What is known of a permission. A token lists neither those limited to mailboxes nor those within a wider one."""
    what = f"Permission {name}"
    if name in roles:
        return Finding(what, "granted for the whole tenant")
    if name in _NOT_TRIED:
        found = f"not in the token; it is for {PERMISSIONS[name]}"
        return Finding(what, found, _NOT_TRIED[name], fatal=False)
    if name not in works:
        found = f"not in the token; it is for {PERMISSIONS[name]}"
        cure = f"Grant {name} (application) and admin consent."
        if name in LIMITED and USERS not in works:
            return Finding(what, found, f"{cure} Or limit it to mailboxes by RBAC for Applications.", fatal=False)
        return Finding(what, found, cure)
    if name == CALENDARS:
        return Finding(
            what,
            "not in the token, though a calendar can be read; it may be granted by RBAC for Applications",
            "To be sure of writing, try it on one person: `holdfast apply --only MAILBOX`.",
            fatal=False,
        )
    return Finding(what, "not in the token, but what it is for works")


def _groups(settings: Settings, audience: Audience) -> list[Finding]:
    findings = []
    for name, one in settings.audiences.items():
        text, group_id = audience.groups[group_path(name)]
        people = [member for member in audience.members.values() if name in member.audiences]
        reached = sum(member.excuse() is None for member in people)
        found = f"{reached} people, {len(people) - reached} guests, disabled or without address ({group_id})"
        empty = "" if reached else "Add people to the group, or name another group in the settings."
        findings.append(Finding(f'Audience {name}: "{text}"', found, empty))
        known = {a for member in audience.members.values() for a in _names(member)}
        findings += [
            Finding(f"Audience {name}: exclude {address}", "nobody in the group", "Check the address.", fatal=False)
            for address in one.exclude
            if address.lower() not in known
        ]
    return findings


def _names(member: Member) -> set[str]:
    return {member.person.address, member.person.user_principal_name.lower(), member.person.id.lower()}


async def _mailbox(audience: Audience, ports: Ports, works: set[str]) -> list[Finding]:
    """Read what is needed of the first mailbox that exists, and note in ``works`` which permission that took."""
    people = sorted(
        (member.person for member in audience.members.values() if member.excuse() is None), key=lambda p: p.address
    )
    missing: GraphError | None = None
    for person in people[:_MAILBOXES_TRIED]:
        findings: list[Finding] = []
        try:
            purpose = (await ports.calendars.profile(person.id)).purpose
        except NoMailbox as error:
            missing = error
            continue
        except GraphError as error:
            findings.append(_failed(f"Mailbox settings of {person.address}", error))
        else:
            works.add(MAILBOX_SETTINGS)
            findings.append(Finding(f"Mailbox settings of {person.address}", f"can be read (a {purpose} mailbox)"))
        try:
            await ports.calendars.read(person.id)
        except GraphError as error:
            findings.append(_failed(f"Calendar of {person.address}", error))
        else:
            works.add(CALENDARS)
            findings.append(Finding(f"Calendar of {person.address}", "can be read"))
        return findings
    return [_failed("A mailbox", missing)] if missing else []


async def _zones(settings: Settings, audience: Audience, ports: Ports) -> list[Finding]:
    """The mailboxes that are known to be in other zones than the organisation."""
    learned = [await ports.state.profile(mailbox) for mailbox in audience.members]
    found = elsewhere(settings, (one.profile.zone for one in learned if one is not None))
    if not found:
        return []
    where = ", ".join(f"{zone} ({count})" for zone, count in found.items())
    cure = "Blocks stand at the organization's time there too, or at their own with `time_zone: mailbox`."
    return [Finding("Mailboxes in other time zones", where, cure, fatal=False)]


async def _probed(settings: Settings, ports: Ports) -> list[Finding]:
    """Whether it is known how this tenant behaves where documentation is silent."""
    facts = await ports.state.tenant_facts()
    if facts is None and settings.tenant.organizer is None:
        return []
    if facts is None:
        cure = "`holdfast check --probe` finds out, and makes ending series cheaper where that is safe."
        return [Finding("How this tenant behaves", "not tried yet", cure, fatal=False)]
    return [Finding("How this tenant behaves", f"tried on {facts.at:%Y-%m-%d}")]


def _failed(what: str, error: GraphError) -> Finding:
    code = error.code or error.status or "no answer"
    return Finding(what, f"{error.message} ({code}; request id {error.request_id or 'none'})", error.cure)
