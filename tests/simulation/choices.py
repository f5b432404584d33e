"""Which time of day is the quietest: counted in people's calendars, not in what getSchedule makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from sandbox import Tenant
from sandbox.directory import Account
from tests.simulation.almanac import IANA, date_at, span
from tests.simulation.office import Block, Choice, File, Window, meant
from tests.simulation.slots import Hours, Slot

_HALF_AN_HOUR = timedelta(minutes=30)
_FOUR_WEEKS = timedelta(weeks=4)
_A_DAY = timedelta(days=1)
_IN_THE_WAY = frozenset({"tentative", "busy", "oof"})


def possible(block: Block) -> list[time]:
    """The times that can be chosen: on the half hour, as far as the block fits between."""
    assert isinstance(block.at, Window)
    at, until = (datetime.combine(block.since, one) for one in block.at)
    found = []
    while at + timedelta(minutes=block.minutes) <= until:
        found.append(at.time())
        at += _HALF_AN_HOUR
    return found


def quietest(file: File, tenant: Tenant, key: Choice, now: datetime) -> time:
    """The time at which the fewest of those who get a block by an audience are busy, or do not work."""
    block, audience, day = next(one for one in file.blocks if one.id == key[0]), key[1], key[2]
    first = Slot(block, day, possible(block)[0], file.zone, file.days_off(audience))
    begin = max(date_at(now, file.zone) + _A_DAY, block.since)
    days = [one for one in span(first.rule, begin, begin + _FOUR_WEEKS) if not first.is_off(one)]
    days = days or [next(one for one in first.rule if one >= begin)]
    people = list(_people(file, tenant, block, audience))

    def missed(at: time) -> int:
        return sum(_missed(replace(first, at=at), days, account) for account in people)

    return min(possible(block), key=lambda at: (missed(at), at))


def _people(file: File, tenant: Tenant, block: Block, audience: str) -> Iterable[Account]:
    """Rooms among them: a choice is made before mailboxes are asked what they are for."""
    for account in tenant.accounts:
        theirs = meant(file, tenant, account)
        if account.mailbox and next((one for one in block.audiences if one in theirs), None) == audience:
            yield account


def _missed(slot: Slot, days: list[date], account: Account) -> int:
    box = account.mailbox
    assert box is not None
    zone = IANA[box.time_zone]
    hours = Hours(frozenset(), box.hours.starts, box.hours.ends, IANA[box.hours.zone] if box.hours.zone else zone)
    year = span(slot.rule, days[0], days[0] + timedelta(days=370))
    if not all(hours.hold(*slot.times(day), any_day=True) for day in year):
        return len(days)
    return sum(
        any(one.value("showAs") in _IN_THE_WAY for one in box.view(*_whole_steps(*slot.times(day)))) for day in days
    )


def _whole_steps(begins: datetime, ends: datetime) -> tuple[datetime, datetime]:
    """Free and busy are told by the half hour."""
    over = timedelta(minutes=-ends.minute % 30)
    return begins - timedelta(minutes=begins.minute % 30), ends + over
