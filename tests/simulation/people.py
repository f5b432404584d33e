"""Who belongs where, and where and when they work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any

from sandbox.directory import Account
from tests.simulation.almanac import WINDOWS
from tests.simulation.world import World

_MAILBOX_COMES = 15 * 60

WEEKS = (
    ("MTWTF..", time(8), time(17)),
    ("MTW....", time(8), time(17)),
    ("...TF..", time(8), time(17)),
    ("M.W.F..", time(7), time(16)),
    ("MTWTF..", time(12), time(20)),
    ("MTWTF..", time(8), time(12)),
)
"""The weeks that people work."""


@dataclass(frozen=True, slots=True)
class InDirectory:
    """Something about somebody's account or groups changes."""

    who: int
    what: str
    which: int

    def take(self, world: World) -> None:
        account = world.people[self.who % len(world.people)]
        world.say(f"{account.given_name} {_CHANGES[self.what](world, account, self.which)}")


def _out_of(world: World, account: Account) -> None:
    for group in world.tenant.groups:
        if account in group.members:
            group.members.remove(account)


def _leaves(world: World, account: Account, _: int) -> str:
    _out_of(world, account)
    return "leaves"


def _joins(world: World, account: Account, which: int) -> str:
    """A new colleague's mailbox comes a quarter of an hour after the account."""
    group = world.groups[which % len(world.groups)]
    if account in group.members:
        return f"is in {group.display_name} still"
    group.members.append(account)
    fresh = account.mailbox is not None and not account.mailbox.events
    if fresh:
        box, account.mailbox = account.mailbox, None
        world.loop.call_later(_MAILBOX_COMES, lambda: setattr(account, "mailbox", box))
    return f"joins {group.display_name}{', without a mailbox yet' if fresh else ''}"


def _changes_group(world: World, account: Account, which: int) -> str:
    _out_of(world, account)
    group = world.groups[which % len(world.groups)]
    group.members.append(account)
    return f"is in {group.display_name} and nowhere else"


def _opts(world: World, account: Account, _: int) -> str:
    if account in world.opt_out.members:
        world.opt_out.members.remove(account)
        return "wants blocks again"
    world.opt_out.members.append(account)
    return "opts out"


def _switched(_: World, account: Account, __: int) -> str:
    account.enabled = not account.enabled
    return "is enabled again" if account.enabled else "is disabled"


def _renamed(world: World, account: Account, which: int) -> str:
    address = f"{account.given_name.lower()}.{which % 100}@{world.tenant.domain}"
    account.mail = account.user_principal_name = address
    world.tenant._by_name[address] = account
    return f"is {address} from now on"


def _travels(world: World, account: Account, which: int) -> str:
    """Whether it is for a while or for good only time will tell."""
    zone = tuple(WINDOWS)[which % len(WINDOWS)]
    world.sets(account, zone=zone)
    return f"is in {zone}"


def _comes_home(world: World, account: Account, _: int) -> str:
    world.sets(account, zone=world.file.zone)
    return f"is at home, in {world.file.zone}"


def _works(world: World, account: Account, which: int) -> str:
    week, starts, ends = WEEKS[which % len(WEEKS)]
    world.sets(account, hours=(week, starts, ends))
    return f"works {week} {starts:%H:%M} to {ends:%H:%M}"


_CHANGES: dict[str, Any] = {
    "leaves": _leaves,
    "joins": _joins,
    "changes group": _changes_group,
    "opts": _opts,
    "is switched": _switched,
    "is renamed": _renamed,
    "travels": _travels,
    "comes home": _comes_home,
    "works": _works,
}
CHANGES = tuple(_CHANGES)
