"""Trying, on the organiser's own mailbox, what Microsoft's documentation leaves open, and cleaning up afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.errors import Duplicate, Gone
from holdfast.core.model import DesiredSeries, Fingerprint, Occurrence, Slot, Tag, Weekday, Weekly
from holdfast.core.tenant import TenantFacts
from holdfast.jobs.ports import Calendars, Experiments, Ports

BLOCK = "holdfast-probe"
"""The block that the events made here are tagged with. No settings have it, so that what is left of them is ended."""

_WEEKS = 6
_AT, _MOVED_TO = time(4), time(5)
"""When the events stand, at night, and where one of them is moved to."""

_MINUTES = 15
_A_DAY = timedelta(days=1)
_MARGIN = timedelta(days=8)


async def probe(mailbox: str, zone: str, ports: Ports, experiments: Experiments, *, mark: str) -> TenantFacts:
    """Find out how this tenant behaves, and remember it.

    ``mailbox`` is the organiser's, by its address; for about a minute there are short events at four in the morning in
    it, from a week ahead on, which are taken away whatever happens. ``mark`` is a text that no probe had before. Raises
    Graph's errors where the mailbox cannot be worked in.
    """
    now = ports.clock.now()
    trial = _Trial(mailbox, ports.calendars, experiments, _series(zone, now), f"holdfast:{BLOCK}:{mark}", now)
    await trial.clear()
    try:
        facts = await trial.run()
    finally:
        await trial.clear()
    await ports.state.learn_facts(facts)
    return facts


def _series(zone: str, now: datetime) -> DesiredSeries:
    first = zones.date_at(zone, now) + _MARGIN
    return DesiredSeries(
        block=BLOCK,
        slot=Slot(Weekly(Weekday(first.weekday())), _AT, _MINUTES, zone),
        first=first,
        last=first + timedelta(weeks=_WEEKS - 1),
        subject="Holdfast probe",
        body="<p>Holdfast tries how this tenant behaves. This event is taken away in about a minute.</p>",
        category="Holdfast",
        reminder=0,
        fingerprint=Fingerprint("0", "0"),
    )


@dataclass(slots=True)
class _Trial:
    """The events of one probe, and what they showed."""

    mailbox: str
    calendars: Calendars
    experiments: Experiments
    series: DesiredSeries
    transaction: str
    now: datetime
    made: list[str] = field(default_factory=list)

    async def run(self) -> TenantFacts:
        tag = Tag(BLOCK, 0, self.series.fingerprint, self.series.first, self.series.last)
        facts = TenantFacts(at=self.now)
        created = await self.calendars.create(self.mailbox, self.series, tag, self.transaction)
        self.made.append(created.event_id)
        dates = await self._dates(created.event_id)
        carried = await self.experiments.tag_of(self.mailbox, dates[0].event_id)
        facts = replace(
            facts,
            occurrences_carry_tag=carried == tag,
            tags_ignore_case=await self.experiments.found_in_capitals(self.mailbox, created.event_id, tag),
        )
        facts = await self._repeated(facts, tag)
        facts = await self._moved_and_cut(facts, created.event_id, dates, tag)
        return await self._emptied(facts, created.event_id, tag)

    async def _repeated(self, facts: TenantFacts, tag: Tag) -> TenantFacts:
        """What a second create with the same transactionId answers."""
        try:
            again = await self.calendars.create(self.mailbox, self.series, tag, self.transaction)
        except Duplicate as refused:
            return replace(
                facts,
                duplicate_refused=True,
                duplicate_status=refused.status,
                duplicate_names_event=refused.existing_id is not None,
            )
        self.made.append(again.event_id)
        return replace(facts, duplicate_refused=again.event_id == self.made[0])

    async def _moved_and_cut(
        self, facts: TenantFacts, event_id: str, dates: tuple[Occurrence, ...], tag: Tag
    ) -> TenantFacts:
        """What becomes of a moved and of a deleted date when the range is ended two weeks earlier."""
        moved, deleted = dates[1], dates[2]
        slot = self.series.slot
        day = zones.date_at(slot.zone, moved.starts)
        await self.calendars.move(self.mailbox, moved.event_id, replace(slot, at=_MOVED_TO), day)
        await self.calendars.delete(self.mailbox, deleted.event_id)
        before = await self._dates(event_id)
        there = next((one for one in before if one.starts == recurrence.starts(replace(slot, at=_MOVED_TO), day)), None)
        last = self.series.last - timedelta(weeks=2)
        await self.calendars.shorten(self.mailbox, event_id, last, replace(tag, last=last))
        after = await self._dates(event_id)
        ends = recurrence.midnight(slot.zone, last + _A_DAY)
        expected = [(one.event_id, one.starts) for one in before if one.starts < ends]
        return replace(
            facts,
            original_start_stays=there.original_starts == moved.starts if there else None,
            range_end_keeps=[(one.event_id, one.starts) for one in after] == expected,
        )

    async def _emptied(self, facts: TenantFacts, event_id: str, tag: Tag) -> TenantFacts:
        """What is left of a series without dates, and whether its transactionId can be used again."""
        for one in await self._dates(event_id):
            await self.calendars.delete(self.mailbox, one.event_id)
        try:
            await self.calendars.look(self.mailbox, event_id)
        except Gone:
            facts = replace(facts, last_takes_series=True)
        else:
            facts = replace(facts, last_takes_series=False)
            await self.calendars.delete(self.mailbox, event_id)
        try:
            again = await self.calendars.create(self.mailbox, self.series, tag, self.transaction)
        except Duplicate:
            return replace(facts, duplicate_outlives_event=True)
        self.made.append(again.event_id)
        return replace(facts, duplicate_outlives_event=False)

    async def _dates(self, event_id: str) -> tuple[Occurrence, ...]:
        since, until = (
            recurrence.midnight(self.series.slot.zone, day) for day in (self.series.first, self.series.last)
        )
        return await self.calendars.instances(self.mailbox, event_id, since=since - _MARGIN, until=until + _MARGIN)

    async def clear(self) -> None:
        """Take away what this probe made, and what an earlier one was stopped before taking away."""
        left = {one.event_id for one in (await self.calendars.read(self.mailbox)).series if one.tag.block == BLOCK}
        for event_id in (*left, *self.made):
            await self.calendars.delete(self.mailbox, event_id)
