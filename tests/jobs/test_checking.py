"""``check``: everything tried one by one, and each thing found wrong with its cure."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.errors import Denied, Gone, GraphError, NotSignedIn, Throttled, Unexpected, Unreachable
from holdfast.core.finding import Finding
from holdfast.core.model import Group, Overlap, Purpose
from holdfast.core.permissions import BEING_TOLD, CALENDARS, MAIL, PERMISSIONS
from holdfast.core.settings import Goal, Resource, Settings, Via
from holdfast.jobs.check import check
from tests.jobs.fjallvik import ANNA, BO, EVERYBODY, block, firm, fjallvik, person, staff
from tests.jobs.memory import World
from tests.jobs.posting import LOGIN, TENANT, channel

ALWAYS = {name: why for name, why in PERMISSIONS.items() if name not in {MAIL, BEING_TOLD}}
"""What every settings file needs."""


class SignIn:
    def __init__(self, *roles: str, error: GraphError | None = None) -> None:
        self._roles = frozenset(roles)
        self._error = error

    async def roles(self) -> frozenset[str]:
        if self._error:
            raise self._error
        return self._roles


async def checked(world: World, settings: Settings | None = None, sign_in: SignIn | None = None) -> list[Finding]:
    found = await check(settings or fjallvik(), world.ports, sign_in or SignIn(*ALWAYS), world.workflow)
    assert world.journal.writes == []
    return found


def wrong(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if not finding.ok]


async def test_where_all_is_well_everything_tried_is_told_and_nothing_is_to_be_done() -> None:
    world = firm(ANNA, BO, person("gast", guest=True))
    findings = await checked(world)
    assert [(finding.what, finding.found) for finding in findings] == [
        ("Sign-in", "tenant 3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"),
        *((f"Permission {name}", "granted for the whole tenant") for name in ALWAYS),
        ('Audience alla: "Alla medarbetare"', "2 people, 1 guests, disabled or without address (g-alla)"),
        ("Mailbox settings of anna@fjallvik.example", "can be read (a user mailbox)"),
        ("Calendar of anna@fjallvik.example", "can be read"),
    ]
    assert wrong(findings) == []


async def test_a_sign_in_that_fails_is_all_that_is_told() -> None:
    error = NotSignedIn("AADSTS7000215: invalid secret.", code="invalid_client", request_id="r-1")
    world = firm(ANNA)
    (finding,) = await checked(world, sign_in=SignIn(error=error))
    assert finding == Finding(
        "Sign-in", "AADSTS7000215: invalid secret. (invalid_client; request id r-1)", NotSignedIn.cure
    )
    assert finding.fatal
    assert world.journal.calls == []


async def test_each_group_that_cannot_be_told_is_a_finding() -> None:
    world = firm(ANNA)
    world.directory.add(Group("g-2", EVERYBODY.name))
    (group,) = wrong(await checked(world))
    assert "2 groups are called" in group.found
    assert "g-alla" in group.found
    assert group.cure == "Correct the group in the settings."
    assert group.fatal


async def test_a_directory_that_may_not_be_read_says_what_to_grant() -> None:
    world = firm(ANNA)
    world.fail("members", Denied("No.", status=403, code="Authorization_RequestDenied", cure="Grant it."))
    (finding,) = wrong(await checked(world))
    assert finding.what == "Groups and their members"
    assert finding.found == "No. (Authorization_RequestDenied; request id none)"
    assert finding.cure == "Grant it."


async def test_a_group_with_nobody_to_reach_is_told() -> None:
    findings = await checked(firm(person("gast", guest=True)))
    (finding,) = wrong(findings)
    assert finding.found.startswith("0 people, 1 guests")
    assert finding.cure.startswith("Add people to the group")


async def test_an_excluded_address_that_is_nobodys_is_told_and_stops_nothing() -> None:
    findings = await checked(firm(ANNA, BO), fjallvik(exclude=("jour@fjallvik.example", "BO@fjallvik.example")))
    (finding,) = wrong(findings)
    assert finding.what == "Audience alla: exclude jour@fjallvik.example"
    assert finding.cure == "Check the address."
    assert not finding.fatal


@pytest.mark.parametrize(
    ("call", "what"),
    [("profile", "Mailbox settings of anna@fjallvik.example"), ("read", "Calendar of anna@fjallvik.example")],
)
@pytest.mark.parametrize(
    "error",
    [
        Denied("Access is denied.", status=403, code="ErrorAccessDenied", request_id="r-2", cure="Grant it."),
        Throttled("Slow down.", retry_after=9),
        Unreachable("No answer."),
        Unexpected("What?", status=400),
    ],
)
async def test_a_mailbox_that_cannot_be_read_says_why_and_what_to_do(call: str, what: str, error: GraphError) -> None:
    world = firm(ANNA, BO)
    world.fail(call, error)
    findings = await checked(world)
    (finding,) = wrong(findings)
    assert finding.what == what
    assert finding.found.startswith(error.message)
    assert finding.cure == error.cure
    assert finding.fatal


async def test_people_without_a_mailbox_are_passed_over_for_one_who_has() -> None:
    people = staff(6)
    world = firm(*people)
    for one in people[:4]:
        world.box(one).exists = False
    findings = await checked(world)
    assert wrong(findings) == []
    assert findings[-1].what == f"Calendar of {people[4].address}"


async def test_where_no_mailbox_is_found_that_is_told_and_not_everybody_is_tried() -> None:
    people = staff(50)
    world = firm(*people)
    for one in people:
        world.box(one).exists = False
    findings = await checked(world)
    (finding,) = wrong(findings)
    assert finding.what == "A mailbox"
    assert "MailboxNotEnabledForRESTAPI" in finding.found
    assert finding.cure.startswith("Assign an Exchange Online licence")
    assert len(world.journal.of("profile")) == 5


async def test_a_permission_that_is_not_in_the_token_is_told_and_may_be_there_all_the_same() -> None:
    findings = await checked(firm(ANNA), sign_in=SignIn(*(ALWAYS.keys() - {CALENDARS})))
    (finding,) = wrong(findings)
    assert finding.what == f"Permission {CALENDARS}"
    assert "RBAC for Applications" in finding.found
    assert "apply --only" in finding.cure
    assert not finding.fatal


async def test_a_room_is_told_for_what_it_is() -> None:
    world = firm(ANNA)
    world.box(ANNA).purpose = Purpose.ROOM
    findings = await checked(world)
    assert findings[-2].found == "can be read (a room mailbox)"


@pytest.mark.parametrize("name", ALWAYS)
async def test_a_permission_in_no_token_that_works_all_the_same_is_told_so(name: str) -> None:
    findings = await checked(firm(ANNA), sign_in=SignIn(*(ALWAYS.keys() - {name})))
    (finding,) = (one for one in findings if one.what == f"Permission {name}")
    assert "not in the token" in finding.found
    assert not finding.fatal or finding.ok


async def test_permissions_that_are_missing_are_all_told_at_once() -> None:
    world = firm(ANNA)
    world.fail("members", Denied("No.", status=403, cure="Grant it."))
    findings = wrong(await checked(world, sign_in=SignIn()))
    assert [finding.what for finding in findings if finding.fatal] == [
        "Permission GroupMember.Read.All",
        "Permission User.Read.All",
        "Groups and their members",
    ]
    assert all(f"Grant {name} (application)" in str(findings) for name in ALWAYS)


async def test_sending_mail_is_asked_for_only_where_notes_are_sent() -> None:
    settings = fjallvik(block(overlap=Overlap.NOTIFY))
    (finding,) = wrong(await checked(firm(ANNA), settings, SignIn(*ALWAYS)))
    assert finding.what == f"Permission {MAIL}"
    assert "organizer mailbox" in finding.cure
    assert wrong(await checked(firm(ANNA), settings, SignIn(*PERMISSIONS))) == []


# Posting

CHANNEL = 'Channel utveckling: "Lärande" in "Utveckling"'
READING = "Reading in channel utveckling"


def posting(*channels: Any) -> Settings:
    return fjallvik(tenant=TENANT, channels=channels or (channel(),))


def about_posting(findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if "hannel" in one.what or LOGIN.account in one.what]


async def test_a_channel_that_is_in_place_is_told_with_the_sign_in() -> None:
    world = firm(ANNA)
    world.channels.add("Utveckling", "Lärande")
    await world.state.keep_token_cache(b"tokens", world.clock.now())
    world.clock.pass_time(days=2)
    findings = await checked(world, posting())
    assert wrong(findings) == []
    assert [(one.what, one.found) for one in about_posting(findings)] == [
        (f"Sign-in of {LOGIN.account}", "works; signed in on 2026-11-23, last used on 2026-11-23"),
        (CHANNEL, f"found, and {LOGIN.account} is in it"),
        (READING, "works"),
    ]
    assert world.channels.posts == {"19:Lärande@thread.tacv2": []}


async def test_nobody_signed_in_is_told_once_for_all_channels() -> None:
    world = firm(ANNA)
    world.channels.signed_in = False
    (finding,) = wrong(await checked(world, posting(channel(), channel(id="produktion"))))
    assert finding.what == f"Sign-in of {LOGIN.account}"
    assert (finding.cure, finding.fatal) == ("Run `holdfast login`.", True)


async def test_each_channel_that_is_not_found_is_told_and_the_others_are_tried() -> None:
    world = firm(ANNA)
    world.channels.add("Utveckling", "Lärande")
    (finding,) = wrong(await checked(world, posting(channel(id="produktion", channel="Annat"), channel())))
    assert finding.what == 'Channel produktion: "Annat" in "Utveckling"'
    assert finding.cure == "Correct it, or let the account in."
    assert finding.fatal


async def test_the_right_to_read_is_asked_for_and_stops_nothing() -> None:
    world = firm(ANNA)
    world.channels.add("Utveckling", "Lärande")
    world.channels.reads = False
    (finding,) = wrong(await checked(world, posting()))
    assert finding.what == READING
    assert finding.cure.startswith("Grant ChannelMessage.Read.All (delegated).")
    assert not finding.fatal


async def test_workflows_are_looked_at_and_not_called() -> None:
    world = firm(ANNA)
    settings = posting(channel(via=Via.WORKFLOW), channel(id="produktion", via=Via.WORKFLOW))
    world.workflow.problems["produktion"] = Unexpected("Not set.", cure="Set it.")
    findings = await checked(world, settings)
    (finding,) = wrong(findings)
    assert finding == Finding("Workflow of channel produktion", "Not set.", "Set it.")
    assert Finding("Workflow of channel utveckling", "has an address; only a post shows whether it works") in findings
    assert world.workflow.posts == []
    assert world.journal.of("find", "look") == []


async def test_what_posting_takes_is_told_even_if_calendars_cannot_be_reached() -> None:
    world = firm(ANNA)
    world.channels.signed_in = False
    findings = await checked(world, posting(), SignIn(error=NotSignedIn("No.")))
    assert [one.what for one in findings] == ["Sign-in", f"Sign-in of {LOGIN.account}"]


async def test_an_archived_team_is_a_finding_of_its_channel() -> None:
    world = firm(ANNA)
    world.fail("find", Gone("It is archived.", status=404, cure="Take it out of the archive."))
    (finding,) = wrong(await checked(world, posting()))
    assert (finding.what, finding.cure) == (CHANNEL, "Take it out of the archive.")


class Pages:
    """Pages of which some do not answer."""

    def __init__(self, **problems: str) -> None:
        self._problems = problems

    async def problem(self, url: str) -> str:
        return self._problems.get(url.rpartition("/")[2], "")


async def test_links_are_tried_when_asked_for_each_once() -> None:
    courses = tuple(Resource(title=one, url=f"https://kurser.example/{one}", minutes=30) for one in ("a", "b", "b"))
    settings = fjallvik(block(goals=("ai",)), goals=(Goal(id="ai", title="AI", resources=courses),))
    world = firm(ANNA)
    findings = await check(settings, world.ports, SignIn(*ALWAYS), world.workflow, Pages(b="answers 404"))
    assert [(one.what, one.found) for one in wrong(findings)] == [("Link https://kurser.example/b", "answers 404")]
    findings = await check(settings, world.ports, SignIn(*ALWAYS), world.workflow, Pages())
    assert findings[-1].found == "all 2 answer"


async def test_where_changes_are_to_be_told_a_permission_to_read_is_asked_for() -> None:
    settings = fjallvik()
    told = settings.tenant.model_copy(update={"notification_url": "https://holdfast.example/api/notifications"})
    settings = settings.model_copy(update={"tenant": told})
    what = f"Permission {BEING_TOLD}"
    (finding,) = wrong(await checked(firm(ANNA), settings))
    assert (finding.what, finding.fatal) == (what, False)
    assert "tenant.notification_url" in finding.found
    assert finding.cure.startswith("Grant Calendars.Read as you granted Calendars.ReadWrite")
    findings = await checked(firm(ANNA), settings, SignIn(*ALWAYS, BEING_TOLD))
    assert [one.found for one in findings if one.what == what] == ["granted for the whole tenant"]
