"""Whether everything is in place, tried one by one, with what to grant or fix where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from holdfast.core.errors import GraphError, NoMailbox
from holdfast.core.settings import Settings
from holdfast.jobs.audience import Audience, AudienceError, Member, group_path, resolve
from holdfast.jobs.ports import Ports

CALENDARS = "Calendars.ReadWrite"
_MAILBOXES_TRIED = 5


class SignIn(Protocol):
    """Signing in to Microsoft 365."""

    async def roles(self) -> frozenset[str]:
        """The application permissions that the token carries. Raises ``NotSignedIn``."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried. ``cure`` says what to grant or fix, and is empty where all is well."""

    what: str
    found: str
    cure: str = ""
    fatal: bool = True

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done."""
        return not self.cure


async def check(settings: Settings, ports: Ports, sign_in: SignIn) -> list[Finding]:
    """Try the sign-in, each group and a mailbox, and tell what was found. Writes nothing."""
    try:
        roles = await sign_in.roles()
    except GraphError as error:
        return [_failed("Sign-in", error)]
    findings = [Finding("Sign-in", f"tenant {settings.tenant.tenant_id}")]
    try:
        audience = await resolve(settings, ports.directory, {})
    except AudienceError as error:
        return [
            *findings,
            *(Finding("Group", problem, "Correct the group in the settings.") for problem in error.problems),
        ]
    except GraphError as error:
        return [*findings, _failed("Groups and their members", error)]
    findings += _groups(settings, audience)
    findings += await _mailbox(audience, ports, roles)
    return findings


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


async def _mailbox(audience: Audience, ports: Ports, roles: frozenset[str]) -> list[Finding]:
    """Read what is needed of the first mailbox that exists."""
    people = sorted(
        (member.person for member in audience.members.values() if member.excuse() is None), key=lambda p: p.address
    )
    missing: GraphError | None = None
    for person in people[:_MAILBOXES_TRIED]:
        try:
            purpose = await ports.calendars.purpose(person.id)
        except NoMailbox as error:
            missing = error
            continue
        except GraphError as error:
            return [_failed(f"Mailbox settings of {person.address}", error)]
        findings = [Finding(f"Mailbox settings of {person.address}", f"can be read (a {purpose} mailbox)")]
        try:
            await ports.calendars.read(person.id)
        except GraphError as error:
            return [*findings, _failed(f"Calendar of {person.address}", error)]
        findings.append(Finding(f"Calendar of {person.address}", "can be read"))
        findings.append(_writing(roles))
        return findings
    return [_failed("A mailbox", missing)] if missing else []


def _writing(roles: frozenset[str]) -> Finding:
    if CALENDARS in roles:
        return Finding("Writing calendars", f"{CALENDARS} is granted for all mailboxes")
    return Finding(
        "Writing calendars",
        f"{CALENDARS} is not in the token; it may be granted for some mailboxes by RBAC for Applications",
        f"Try it on one person: `holdfast apply --only MAILBOX`. If that is refused, grant {CALENDARS} (application).",
        fatal=False,
    )


def _failed(what: str, error: GraphError) -> Finding:
    code = error.code or error.status or "no answer"
    return Finding(what, f"{error.message} ({code}; request id {error.request_id or 'none'})", error.cure)
