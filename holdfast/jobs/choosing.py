"""Choosing the time of day of blocks that ask for the quietest: once, and then kept until somebody asks again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import ChoiceKey, Choices, days_key, days_off
from holdfast.core.errors import GraphError, NoMailbox
from holdfast.core.model import FreeBusy, Person, Rule, Slot
from holdfast.core.settings import Block, Quietest, Settings
from holdfast.core.slots import STEP, Chosen, best, considered, counted, dates_looked_at
from holdfast.jobs.audience import Audience
from holdfast.jobs.crowd import each
from holdfast.jobs.ports import Calendars, Ports

_AT_ONCE = 20
"""Mailboxes that Graph tells free and busy of in one call (``api/calendar-getschedule.md``)."""

_ASKED = 20
"""People whose calendars are looked into for a choice that was made before and is not remembered."""

_TRIES = 3
"""In how many mailboxes of twenty people it is tried to ask about all of them, should the first not answer."""

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Choosing:
    """The times of day that blocks have. ``fresh`` are those that were chosen just now, with what they beat."""

    times: Choices = field(default_factory=dict)
    fresh: tuple[Chosen, ...] = ()


async def choose(
    settings: Settings, audience: Audience, ports: Ports, *, given: Choices | None = None, again: bool = False
) -> Choosing:
    """Have a time of day for each block that leaves the choice, for each of its audiences.

    In this order: as ``given``; as it is remembered, or stands in calendars where nothing is remembered of anybody,
    unless ``again``; and else the quietest. What is found in calendars is remembered, what is chosen is not. Raises
    Graph's errors where nobody's free time can be told.
    """
    kept = {**await ports.state.choices(), **(given or {})}
    relearning = not await ports.state.placed()
    zone = settings.organization.zone
    tomorrow = zones.date_at(zone, ports.clock.now()) + _A_DAY
    found: dict[ChoiceKey, time] = {}
    fresh: list[Chosen] = []
    for key, block, rule, window in _open(settings):
        people = _people(block, key.audience, audience)
        slots = considered(rule, window, block.minutes, zone)
        allowed = [slot.at for slot in slots]
        before = kept.get(key)
        if before is None and relearning:
            before = await _standing(block, rule, people, zone, ports)
            if before is not None:
                await ports.state.choose({key: before})
        at = None if again and key not in (given or {}) else before
        if at is None or at not in allowed:
            days = dates_looked_at(rule, days_off(settings, block, key.audience), max(tomorrow, block.from_))
            standing = replace(slots[0], at=before) if before is not None else None
            missed, known = await _missed(
                slots, days, people, standing, ports.calendars, organizer=settings.tenant.organizer
            )
            chosen = best(key, missed, dates=len(days), people=known)
            fresh.append(chosen)
            at = chosen.at
        found[key] = at
    return Choosing(found, tuple(fresh))


def _open(settings: Settings) -> Iterator[tuple[ChoiceKey, Block, Rule, Quietest]]:
    """Every time of day that the settings leave open."""
    for block in settings.blocks:
        if isinstance(block.at, Quietest):
            for name in block.audiences:
                for rule in block.rules():
                    yield ChoiceKey(block.id, name, days_key(rule)), block, rule, block.at


def _people(block: Block, name: str, audience: Audience) -> list[Person]:
    """The people who get the block by this audience, in order of address: by the first of its audiences they are in."""
    return sorted(
        (
            member.person
            for member in audience.members.values()
            if member.excuse() is None and name == next((one for one in block.audiences if one in member.audiences), "")
        ),
        key=lambda person: person.address,
    )


async def _standing(block: Block, rule: Rule, people: list[Person], zone: str, ports: Ports) -> time | None:
    """The time at which most of the first few people have the block already; None where none of them does."""
    votes: Counter[time] = Counter()
    now = ports.clock.now()
    for person in people[:_ASKED]:
        try:
            calendar = await ports.calendars.read(person.id)
        except GraphError:
            continue  # one mailbox that cannot be read is told of when everybody is looked at
        for series in calendar.series:
            starts = series.starts.astimezone(zones.rules(series.zone or zone))
            goes_on = series.tag.block == block.id and series.is_open(zones.date_at(zone, now))
            if goes_on and recurrence.next_date(rule, starts.date()) == starts.date():
                votes[starts.time()] += 1
    return votes.most_common(1)[0][0] if votes else None


async def _missed(
    slots: list[Slot],
    days: list[date],
    people: list[Person],
    standing: Slot | None,
    calendars: Calendars,
    *,
    organizer: str | None,
) -> tuple[Counter[time], int]:
    """The conflicts of each slot, and of how many people they are known; twenty are asked about at a time.

    Asked as the role mailbox where there is one: of whoever asks about themselves, Graph would tell subjects as well.

    Those who cannot be asked about are left out. Raises Graph's error where that is everybody who has a mailbox.
    """
    since, until = recurrence.midnight(slots[0].zone, days[0]), recurrence.midnight(slots[0].zone, days[-1] + _A_DAY)
    errors: list[GraphError] = []

    async def ask(some: list[Person]) -> Sequence[FreeBusy]:
        addresses = [person.address for person in some]
        tries = 0
        for asked_as in [organizer] if organizer else [person.id for person in some]:
            try:
                return await calendars.free_busy(asked_as, addresses, since=since, until=until, step=STEP)
            except NoMailbox:
                continue
            except GraphError as error:
                errors.append(error)
                tries += 1
                if tries == _TRIES:
                    break
        return ()

    missed = counted(slots, days, [])
    known = 0
    groups = [people[first : first + _AT_ONCE] for first in range(0, len(people), _AT_ONCE)]
    for seen in await each(groups, ask, doing="Looking for the quietest time"):
        missed.update(counted(slots, days, seen, standing=standing))
        known += len(seen)
    if errors and not known:
        raise errors[0]
    return missed, known
