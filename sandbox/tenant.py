"""A tenant: its directory, mailboxes and app registrations, its clock and chance, and what has happened in it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.application import Application
from sandbox.calendars import World
from sandbox.clock import Clock
from sandbox.counts import Counts
from sandbox.directory import DISABLED, EMPLOYEE, GUEST, ROOM, SERVICE, SHARED, Account, Group
from sandbox.event import Address
from sandbox.facts import Facts, Limits, TeamsFacts, TeamsLimits
from sandbox.faults import Faults
from sandbox.mail import Mail
from sandbox.mailbox import Mailbox
from sandbox.notices import Notices
from sandbox.sign_ins import SignIns
from sandbox.teams import Channel, Team
from sandbox.throttling import Throttle
from sandbox.workflows import Workflow

_PURPOSES = {SHARED: "shared", ROOM: "room"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in somebody's calendar, instants in UTC. ``tag`` is the value of its first extended property."""

    subject: str
    start: datetime
    end: datetime
    tag: str | None
    type: str
    original_start: datetime | None
    series_id: str | None
    id: str
    show_as: str


class Tenant:
    """An organisation in Microsoft 365. Everything that is left to chance in it comes from its seed."""

    def __init__(self, name: str, domain: str, *, clock: Clock, seed: int, language: str = "sv") -> None:
        self.name = name
        self.domain = domain
        self.language = language
        self.clock = clock
        self.chance = random.Random(seed)
        self.facts = Facts()
        self.limits = Limits()
        self.teams_facts = TeamsFacts()
        self.teams_limits = TeamsLimits()
        self.faults = Faults()
        self.latency = 0.0
        """Seconds that each call into Outlook takes, by the clock."""
        self.token_lifetime = timedelta(seconds=3599)
        self.id = self.new_id()
        self.key = self.chance.randbytes(32)
        self.counts = Counts()
        self.mails: list[Mail] = []
        """What applications have sent, in order, besides the invitations that are only counted."""
        self.throttle = Throttle(self)
        self.accounts: list[Account] = []
        self.groups: list[Group] = []
        self.applications: list[Application] = [
            Application(
                client_id=self.new_id(),
                name="Holdfast",
                secrets=[f"Qk8~{self.chance.getrandbits(160):040x}"],
                roles={"GroupMember.Read.All", "User.Read.All", "MailboxSettings.Read", "Calendars.ReadWrite"},
            )
        ]
        # What came later has a chance of its own: everything else is as it was without it.
        self.teams_chance = random.Random(f"teams {seed}")
        self.sign_ins = SignIns(clock, self.teams_chance)
        self.workflows: list[Workflow] = []
        self.applications.append(
            Application(
                client_id=self.new_id(self.teams_chance),
                name="Holdfast sign-in",
                public=True,
                redirects={"http://localhost"},
                scopes={
                    "ChannelMessage.Send",
                    "ChannelMessage.Read.All",
                    "Channel.ReadBasic.All",
                    "Team.ReadBasic.All",
                },
            )
        )
        self.notices = Notices(self, random.Random(f"notices {seed}"))
        self.everyone = self.add_group("Alla medarbetare" if language == "sv" else "All employees", f"alla@{domain}")
        self._by_name: dict[str, Account] = {}
        self._world = World(clock, self.chance, lambda: self.facts)

    @property
    def client_id(self) -> str:
        """Of the first app registration."""
        return self.applications[0].client_id

    @property
    def secret(self) -> str:
        """Of the first app registration."""
        return self.applications[0].secrets[0]

    @property
    def login(self) -> Application:
        """The registration to which people sign in."""
        return self.applications[1]

    @property
    def service_account(self) -> Account:
        """The account that posts for the firm. Raises ``LookupError`` where there is none."""
        found = next((one for one in self.accounts if one.kind == SERVICE), None)
        if found is None:
            raise LookupError("There is no service account here.")
        return found

    @property
    def teams(self) -> list[Team]:
        """The teams in Teams, in the order of their groups."""
        return [group.team for group in self.groups if group.team is not None]

    @property
    def employees(self) -> list[Account]:
        """The accounts of people who work here and have a mailbox."""
        return [one for one in self.accounts if one.kind == EMPLOYEE and one.mailbox is not None]

    def new_id(self, chance: random.Random | None = None) -> str:
        """A GUID by the tenant's chance, or by another one."""
        return str(uuid.UUID(int=(chance or self.chance).getrandbits(128), version=4))

    def add_group(self, name: str, mail: str | None = None, members: Iterable[Account | Group] = ()) -> Group:
        """A new group."""
        group = Group(self.new_id(), name, mail, self.clock.now(), members=list(members))
        self.groups.append(group)
        return group

    def add_team(
        self,
        name: str,
        mail: str,
        members: Iterable[Account | Group] = (),
        owners: Iterable[Account] = (),
    ) -> Team:
        """A new group with a team."""
        return self.make_team(self.add_group(name, mail, members), owners)

    def make_team(self, group: Group, owners: Iterable[Account] = ()) -> Team:
        """Give a group its team."""
        group.owners.extend(owners)
        group.team = Team(group, self.clock, self.teams_chance)
        return group.team

    def team(self, name: str) -> Team:
        """The team of this id, address or name. Raises ``LookupError`` where there is none."""
        found = next((one for one in self.teams if name in (one.id, one.group.mail, one.name)), None)
        if found is None:
            raise LookupError(f"There is no team {name}.")
        return found

    def add_workflow(self, channel: Channel, owner: Account | None = None) -> Workflow:
        """A flow that posts to a channel what is sent to it, of the team's first owner unless another is named."""
        chance = self.teams_chance
        workflow = Workflow(
            id=f"{chance.getrandbits(128):032x}",
            secret=f"{chance.getrandbits(256):064x}",
            channel=channel,
            owner=owner or channel.team.owners[0],
            tenant=self,
            bot_id=self.new_id(chance),
        )
        self.workflows.append(workflow)
        return workflow

    def channel(self, channel_id: str) -> Channel:
        """The channel with this id. Raises ``LookupError`` where there is none."""
        found = next((one for team in self.teams for one in team.channels if one.id == channel_id), None)
        if found is None:
            raise LookupError(f"There is no channel {channel_id}.")
        return found

    def add_account(
        self,
        given_name: str,
        surname: str,
        address: str,
        *,
        kind: str = EMPLOYEE,
        department: str = "",
        display_name: str | None = None,
        job_title: str | None = None,
    ) -> Account:
        """A new account; a guest's mail is elsewhere, and all others have a mailbox."""
        name = display_name or f"{given_name} {surname}"
        sign_in = f"{address.replace('@', '_')}#EXT#@{self.domain}" if kind == GUEST else address
        account = Account(
            id=self.new_id(),
            display_name=name,
            given_name=given_name,
            surname=surname,
            mail=address,
            user_principal_name=sign_in,
            kind=kind,
            department=department,
            created=self.clock.now(),
            enabled=kind != DISABLED,
            language="sv-SE" if self.language == "sv" else "en-GB",
            job_title=job_title,
        )
        if kind != GUEST:
            account.mailbox = Mailbox(
                account_id=account.id,
                owner=Address(name, address),
                world=self._world,
                key=self.chance.randbytes(8),
                purpose=_PURPOSES.get(kind, "user"),
                locale=account.language,
            )
        self.accounts.append(account)
        for known_as in (account.id, sign_in, address):
            self._by_name[known_as.lower()] = account
        return account

    def account(self, name: str) -> Account | None:
        """Who goes by an id, a sign-in name or a mail address."""
        return self._by_name.get(name.lower())

    def group(self, group_id: str) -> Group | None:
        """The group with this id."""
        return next((group for group in self.groups if group.id == group_id.lower()), None)

    def application(self, client_id: str) -> Application | None:
        """The app registration with this id."""
        return next((one for one in self.applications if one.client_id == client_id.lower()), None)

    def mailbox(self, name: str) -> Mailbox:
        """The mailbox of who goes by this id or address. Raises ``LookupError`` where there is none."""
        account = self.account(name)
        if account is None or account.mailbox is None:
            raise LookupError(f"Nobody called {name} has a mailbox.")
        return account.mailbox

    def calendar(self, name: str, since: datetime, until: datetime) -> list[Entry]:
        """What stands in somebody's calendar in a window, by the sandbox's own reckoning: tests compare with it."""
        mailbox = self.mailbox(name)
        entries = []
        for one in mailbox.view(since, until):
            slot = one.slot
            entries.append(
                Entry(
                    subject=one.value("subject"),
                    start=one.starts,
                    end=one.ends,
                    tag=next(iter(one.tags(inherited=self.facts.occurrences_carry_tag).values()), None),
                    type=one.type,
                    original_start=slot.starts if slot else None,
                    series_id=mailbox.id_of(one.event) if slot else None,
                    id=mailbox.id_of(one.event, slot.day if slot else None),
                    show_as=one.value("showAs"),
                )
            )
        return entries

    def send(self, mail: Mail) -> None:
        """A mail goes out, one to each of its recipients."""
        self.mails.append(mail)
        self.counts.mails += len(mail.recipients)
