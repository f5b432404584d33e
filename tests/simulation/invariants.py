"""What must hold once nothing fails any more and the product has had its say: told from the tenant's calendars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sandbox.directory import Account
from sandbox.event import Event
from tests.simulation.office import ZONE, Block, wanted
from tests.simulation.world import SOON, Broken, Mark, Touched, World, mark_of

AHEAD = timedelta(days=90)
"""How far ahead everybody's time is sure to be set aside: a series with less left is continued."""

_FAR = timedelta(days=900)


def check(world: World, *, nothing_wanted: bool = False) -> None:
    """Everybody has exactly what the settings ask for, and nobody has anything else of ours still to come."""
    after = world.now + SOON
    for account in world.tenant.accounts:
        blocks = wanted(world.file, world.tenant, account, after)
        if blocks:
            world.unknown.discard(account.id)
        if account.mailbox is None or account.id in world.unknown:
            continue
        blocks = [] if nothing_wanted else blocks
        wrong = list(_wrong(world, account, blocks, after))
        if wrong:
            raise Broken(f"{account.address}: {'; '.join(wrong[:3])}" + (" ..." if len(wrong) > 3 else ""))


def _wrong(world: World, account: Account, blocks: list[Block], after: datetime) -> Iterator[str]:
    events = world.ours(account)
    marks = {event.key: mark for event in events if (mark := mark_of(event))}
    due: set[tuple[bytes, date]] = set()
    for block in blocks:
        series = [event for event in events if event.key in marks and marks[event.key].block == block.id]
        for day in block.dates(after.astimezone(ZONE).date(), (after + _FAR).date()):
            if block.times(day)[0] <= after:
                continue
            there = [event for event in series if marks[event.key].first <= day <= marks[event.key].last]
            if len(there) > 1 or (not there and day <= (after + AHEAD).astimezone(ZONE).date()):
                yield f"{block.id} has {len(there)} series for {day}"
            for event in there:
                due.add((event.key, day))
                yield from _date(world, account, event, block, day)
    for event in events:
        touched = world.touched.get((account.id, event.key), Touched())
        for one in event.between(after, after + _FAR):
            day = one.slot.day if one.slot else None
            moved = day in touched.moved and _answers(marks.get(event.key), blocks, day)
            if one.starts > after and (event.key, day) not in due and not moved:
                whose = f"a series of {marks[event.key].block}" if event.key in marks else "an event without a tag"
                yield f"{whose} stands on {one.starts:%d %b %H:%M} and should not"


def _answers(mark: Mark | None, blocks: list[Block], day: date | None) -> bool:
    return mark is not None and day is not None and day <= mark.last and any(one.id == mark.block for one in blocks)


def _date(world: World, account: Account, event: Event, block: Block, day: date) -> Iterator[str]:
    """What is wrong with one date of a series: it is as the block has it, or as its person left it."""
    touched = world.touched.get((account.id, event.key), Touched())
    one = event.occurrence_on(day)
    if day in touched.gaps or (touched.cut and day > touched.cut):
        if one is not None:
            yield f"{block.id} is back on {day}, which was deleted"
        return
    if one is None:
        yield f"{block.id} does not stand on {day}"
        return
    times = touched.moved.get(day, block.times(day))
    show_as = "free" if day in touched.free else touched.show_as
    if (one.starts, one.ends) != times:
        yield f"{block.id} stands on {one.starts:%d %b %H:%M} instead of {times[0]:%d %b %H:%M}"
    if one.value("showAs") != show_as:
        yield f"{block.id} shows as {one.value('showAs')} on {day}, not {show_as}"
    if one.value("subject") != block.title and not touched.reworded:
        yield f"{block.id} is called {one.value('subject')}"
    if one.value("attendees"):
        yield f"{block.id} has attendees"
