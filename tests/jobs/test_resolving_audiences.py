"""Which group is meant, who is in it, and why some of them get no block."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from holdfast.core.errors import Denied, Unreachable
from holdfast.core.model import Group
from holdfast.core.report import Excuse
from holdfast.core.settings import Audience, Settings
from holdfast.jobs.audience import Audience as Resolved
from holdfast.jobs.audience import AudienceError, resolve
from tests.jobs.fjallvik import ANNA, BO, CILLA, DEVELOPERS, EVERYBODY, firm, fjallvik, person
from tests.jobs.memory import World

TWO = {"alla": Audience(group=EVERYBODY.name), "utveckling": Audience(group=DEVELOPERS.name)}


async def resolved(world: World, settings: Settings, pinned: Mapping[str, tuple[str, str]] | None = None) -> Resolved:
    return await resolve(settings, world.directory, pinned or {})


async def refused(world: World, settings: Settings, pinned: Mapping[str, tuple[str, str]] | None = None) -> list[str]:
    with pytest.raises(AudienceError) as error:
        await resolved(world, settings, pinned)
    assert str(error.value) == "\n".join(error.value.problems)
    return list(error.value.problems)


@pytest.mark.parametrize("text", [EVERYBODY.name, EVERYBODY.mail, EVERYBODY.id])
async def test_a_group_goes_by_name_mail_or_id(text: str) -> None:
    world = firm(ANNA)
    audience = await resolved(world, fjallvik(audiences={"alla": Audience(group=text)}))
    assert audience.groups == {"audiences.alla.group": (text, EVERYBODY.id)}
    assert set(audience.members) == {ANNA.id}


async def test_people_in_nested_groups_belong_once() -> None:
    world = firm(ANNA, BO)
    world.directory.add(DEVELOPERS, BO, CILLA, EVERYBODY.id)
    world.directory.inside[EVERYBODY.id].append(DEVELOPERS.id)
    audience = await resolved(world, fjallvik())
    assert list(audience.members) == [ANNA.id, BO.id, CILLA.id]


async def test_every_missing_and_ambiguous_group_is_named_at_once_with_the_ids_to_choose_from() -> None:
    world = firm(ANNA)
    world.directory.add(Group("g-1", "Utveckling", "utv@fjallvik.example"))
    world.directory.add(Group("g-2", "Utveckling"))
    settings = fjallvik(
        audiences={"alla": Audience(group="Alla medarbetar"), "utveckling": Audience(group="Utveckling")}
    )
    missing, ambiguous = await refused(world, settings)
    assert missing == (
        'audiences.alla.group  no group has the id, mail address or name "Alla medarbetar". '
        "Check the spelling in the Entra admin center, or write the group's id."
    )
    assert ambiguous == (
        'audiences.utveckling.group  2 groups are called "Utveckling". Write the id of the one you mean: '
        "g-1 (utv@fjallvik.example), g-2 (no mail address)"
    )


async def test_a_pinned_group_is_the_same_one_after_a_new_name_and_beside_an_impostor() -> None:
    world = firm(ANNA)
    world.directory.known[EVERYBODY.id] = Group(EVERYBODY.id, "All staff")
    world.directory.add(Group("g-impostor", EVERYBODY.name), BO)
    pinned = {"audiences.alla.group": (EVERYBODY.name, EVERYBODY.id)}
    audience = await resolved(world, fjallvik(), pinned)
    assert set(audience.members) == {ANNA.id}
    assert audience.groups == pinned
    assert world.journal.of("groups") == []


async def test_a_pin_made_for_another_text_counts_for_nothing() -> None:
    world = firm(ANNA)
    world.directory.add(DEVELOPERS, BO)
    settings = fjallvik(audiences={"alla": Audience(group=DEVELOPERS.name)})
    audience = await resolved(world, settings, {"audiences.alla.group": (EVERYBODY.name, EVERYBODY.id)})
    assert audience.groups == {"audiences.alla.group": (DEVELOPERS.name, DEVELOPERS.id)}
    assert set(audience.members) == {BO.id}


async def test_a_pinned_group_that_is_gone_is_a_problem_and_not_an_empty_audience() -> None:
    world = firm(ANNA)
    world.directory.drop(EVERYBODY.id)
    world.directory.add(Group("g-new", EVERYBODY.name), BO)
    (problem,) = await refused(world, fjallvik(), {"audiences.alla.group": (EVERYBODY.name, EVERYBODY.id)})
    assert problem.startswith(f'audiences.alla.group  the group "{EVERYBODY.name}" ({EVERYBODY.id}) no longer exists.')
    assert "Name another group" in problem


@pytest.mark.parametrize(("call", "error"), [("members", Denied("No.", status=403)), ("groups", Unreachable("No."))])
async def test_a_list_that_cannot_be_read_is_no_empty_list(call: str, error: Denied | Unreachable) -> None:
    world = firm(ANNA)
    world.fail(call, error)
    with pytest.raises(type(error)):
        await resolved(world, fjallvik())


@pytest.mark.parametrize("named", ["Anna.Öberg@Fjallvik.example", "ao@fjallvik.example"])
async def test_somebody_is_excluded_by_mail_or_sign_in_name_in_any_case(named: str) -> None:
    anna = person("anna", mail="anna.öberg@fjallvik.example", user_principal_name="AO@fjallvik.example")
    world = firm(anna, BO)
    audience = await resolved(world, fjallvik(exclude=(named,)))
    assert audience.members[anna.id].excuse() is Excuse.EXCLUDED
    assert audience.members[BO.id].excuse() is None


async def test_excluded_from_one_audience_is_still_in_the_other() -> None:
    world = firm(ANNA)
    world.directory.add(DEVELOPERS, ANNA, BO)
    both = {"alla": Audience(group=EVERYBODY.name, exclude=(ANNA.address,)), "utveckling": TWO["utveckling"]}
    audience = await resolved(world, fjallvik(audiences=both))
    assert audience.members[ANNA.id].audiences == {"utveckling"}
    assert audience.members[ANNA.id].excuse() is None


async def test_a_person_in_two_audiences_is_one_member_of_both() -> None:
    world = firm(ANNA, BO)
    world.directory.add(DEVELOPERS, ANNA)
    audience = await resolved(world, fjallvik(audiences=TWO))
    assert {one: member.audiences for one, member in audience.members.items()} == {
        ANNA.id: {"alla", "utveckling"},
        BO.id: {"alla"},
    }


@pytest.mark.parametrize(
    ("more", "excuse"),
    [
        ({"guest": True}, Excuse.GUEST),
        ({"guest": True, "enabled": False, "mail": None}, Excuse.GUEST),
        ({"enabled": False}, Excuse.DISABLED),
        ({"enabled": False, "mail": None}, Excuse.DISABLED),
        ({"mail": None}, Excuse.NO_ADDRESS),
        ({}, None),
    ],
)
async def test_guests_disabled_accounts_and_those_without_an_address_are_excused(
    more: dict[str, object], excuse: Excuse | None
) -> None:
    one = person("dag", **more)
    audience = await resolved(firm(one), fjallvik())
    assert audience.members[one.id].excuse() is excuse


OPT_OUT = Group("g-avstar", "Lärtid - avstår")
CHOICE = fjallvik(audiences={"alla": Audience(group=EVERYBODY.name, opt_out=OPT_OUT.name)})


async def test_those_who_joined_the_group_for_it_have_opted_out_and_others_in_it_are_nobodys_business() -> None:
    world = firm(ANNA, BO)
    world.directory.add(OPT_OUT, BO, CILLA)
    audience = await resolved(world, CHOICE)
    assert {one: member.excuse() for one, member in audience.members.items()} == {
        ANNA.id: None,
        BO.id: Excuse.OPTED_OUT,
    }
    assert audience.groups["audiences.alla.opt_out"] == (OPT_OUT.name, OPT_OUT.id)


async def test_who_opted_out_of_one_audience_is_still_in_the_other() -> None:
    world = firm(ANNA)
    world.directory.add(OPT_OUT, ANNA)
    world.directory.add(DEVELOPERS, ANNA)
    audience = await resolved(world, fjallvik(audiences={**CHOICE.audiences, "utveckling": TWO["utveckling"]}))
    assert audience.members[ANNA.id].audiences == {"utveckling"}
    assert audience.members[ANNA.id].excuse() is None


async def test_the_list_of_those_who_opted_out_is_pinned_and_never_taken_for_empty() -> None:
    world = firm(ANNA)
    pinned = {
        "audiences.alla.group": (EVERYBODY.name, EVERYBODY.id),
        "audiences.alla.opt_out": (OPT_OUT.name, OPT_OUT.id),
    }
    (problem,) = await refused(world, CHOICE)
    assert problem.startswith("audiences.alla.opt_out  no group")
    (problem,) = await refused(world, CHOICE, pinned)
    assert problem.startswith("audiences.alla.opt_out  the group")
    world.directory.add(OPT_OUT)
    world.fail("members", Unreachable("No answer."), nth=2)
    with pytest.raises(Unreachable):
        await resolved(world, CHOICE, pinned)
