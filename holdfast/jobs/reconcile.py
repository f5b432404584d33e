"""Making calendars equal to the settings: one mailbox at a time, each write followed by a look at what is there now.

Killed at any point and run again, it ends in the same calendars: a create carries a transactionId that Graph refuses
the second time, a deletion of what is gone is done, and a series says that it is being ended before its first
occurrence goes, and that it is ended only after the last is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from holdfast.core import recurrence, words, zones
from holdfast.core.desired import SERIES_LENGTH, retold
from holdfast.core.errors import Conflict, Crossing, Duplicate, Gone, GraphError, Unexpected, Unreachable
from holdfast.core.model import EDITED, ActualCalendar, EventLook, Landing, Occurrence, Slot, SlotKey, Tag, Told
from holdfast.core.plan import Change, Create, End, Move, Reason, Retell, Rewrite, Skip
from holdfast.core.protection import FREED, Held, Judged, Touch, Verdict, instead
from holdfast.core.report import Account, MailboxState, Problem
from holdfast.core.tag import UNKNOWN, transaction_id, transaction_id_of_single
from holdfast.core.touches import DateKey, Touches
from holdfast.jobs.crowd import each
from holdfast.jobs.dates import look_at_dates
from holdfast.jobs.errand import Decisions, Errand, Look, Outcome
from holdfast.jobs.looking import GENERATIONS, difference, etags_of, remember, settled, stands_as
from holdfast.jobs.ports import Calendars, Ports, Progress, Seen

FRESH = timedelta(minutes=5)
"""How old a look may be when it is acted on; an older one is taken again first."""

ATTEMPTS = 3
"""How often a mailbox that changes under our hands is decided anew."""

_A_DAY = timedelta(days=1)
_LOOK_AGAIN = "Run the command again: it looks at the calendar afresh and puts right what is missing."


async def reconcile(looks: Iterable[Look], ports: Ports, *, progress: Progress | None = None) -> list[Outcome]:
    """Carry out the changes of these looks, many mailboxes at once. One that fails never stops the others."""

    async def work(look: Look) -> Outcome:
        return await _Mailbox(look.errand, ports, on_record=look.errand.memory.placed).carry_out(look)

    due = [look for look in looks if look.changes or (look.touched and not look.touched.is_settled)]
    return await each(due, work, doing="Writing calendars", progress=progress)


@dataclass(slots=True)
class _Mailbox:
    """The work in one mailbox, and what it should hold then: a tag for each event written, None for one deleted."""

    errand: Errand
    ports: Ports
    writes: int = 0
    expected: dict[str, Tag | None] = field(default_factory=dict)
    transactions: dict[str, str] = field(default_factory=dict)
    landed: dict[str, list[tuple[Landing, Slot]]] = field(default_factory=dict)
    on_record: frozenset[SlotKey] = frozenset()
    righted: set[tuple[DateKey, Touch]] = field(default_factory=set)
    has_pending: bool = False
    """Whether single events were put that have not been seen in the calendar yet."""
    has_returned: bool = False
    """Whether a series was made that may have dates again which were left out, or given a single event instead."""

    async def carry_out(self, look: Look) -> Outcome:
        changes = look.changes
        fresh = self.ports.clock.now() - look.at <= FRESH
        attempts = 0
        try:
            while True:
                try:
                    if not fresh:
                        now = self.ports.clock.now()
                        errand = replace(self.errand, desired=retold(self.errand.desired, now))
                        _, changes = await difference(errand, self.ports, Decisions(now))
                    await self.ports.state.know(self.errand.mailbox, None)  # until it is read back
                    for change in changes:
                        await self._do(change)
                    if self.has_returned or (look.touched and not look.touched.is_settled):
                        await self._protect()
                    break
                except (Conflict, Gone):
                    fresh = False
                    attempts += 1
                    if attempts == ATTEMPTS:
                        raise
        except GraphError as error:
            if not isinstance(error, Unreachable):
                made = {SlotKey(tag.block, tag.fingerprint.slot) for tag in self.expected.values() if tag}
                await self._put_on_record(self.errand.memory.placed | made)
            return self._outcome(MailboxState.FAILED, "could not be written", error)
        return await self._confirmed(MailboxState.CHANGED if look.changes else MailboxState.HELD)

    async def _protect(self) -> None:
        """Do what is due about dates that people touched, as it is now."""
        now = self.ports.clock.now()
        calendar = await self._calendars.read(self.errand.mailbox)
        errand = replace(self.errand, desired=retold(self.errand.desired, now)).where_it_stands(calendar, now)
        touched = await look_at_dates(errand, calendar, self.ports, Decisions(now), closely=True)
        if touched.remembered.pending:
            self.has_pending = True
            calendar = await self._found_again(calendar, touched.remembered)
            touched = await look_at_dates(errand, calendar, self.ports, Decisions(now), closely=True)
        for event_id in [
            *(single.occurrence.event_id for single in touched.orphans),
            *(one.event_id for one in touched.returned),
        ]:
            await self._delete(event_id)
        touches = touched.remembered
        for key in touched.unrecorded:
            touches = await self._remember(touches.with_answer(key))
        for one, judged in touched.verdicts:
            if touched.is_due(judged):
                touches = await self._answer(one, judged, touches)

    async def _answer(self, one: Held, judged: Judged, touches: Touches) -> Touches:
        """Carry out a verdict and remember it; what is remembered then.

        What is put right is counted before it is, so that a run that is killed in between bothers nobody more often
        for it. A single event is remembered once it stands: until then nobody has been answered.
        """
        if judged.verdict is Verdict.KEPT:
            return await self._remember(touches.with_move(judged.key))
        if judged.verdict is Verdict.LET_GO:
            return await self._remember(touches.with_skip(judged.key))
        slot, occurrence = one.want.series.slot, judged.occurrence
        if occurrence is None:
            touches = await self._remember(touches.with_pending(judged.key, one.series.tag.generation))
            self.has_pending = True
            stands = await self._put_instead(one, judged.key.day)
            touches = touches.with_answer(judged.key)
            if stands:
                self.righted.add((judged.key, judged.touch))
            return await self._remember(touches if stands else touches.with_skip(judged.key))
        touches = await self._remember(touches.with_put_back(judged.key))
        self.writes += 1
        if judged.touch is Touch.FREED:
            await self._calendars.make_busy(self.errand.mailbox, occurrence.event_id)
        else:
            try:
                await self._calendars.move(self.errand.mailbox, occurrence.event_id, slot, judged.key.day)
            except Crossing:
                # A neighbour that its owner has moved is in the way: it stays where it is.
                return touches
            if occurrence.show_as in FREED:
                self.writes += 1
                await self._calendars.make_busy(self.errand.mailbox, occurrence.event_id)
                self.righted.add((judged.key, Touch.FREED))
        self.righted.add((judged.key, judged.touch))
        return touches

    async def _found_again(self, calendar: ActualCalendar, touches: Touches) -> ActualCalendar:
        """The calendar once single events that a run before this one made, and Graph lost the tags of, have theirs."""
        known = {(single.tag.block, single.day) for single in calendar.singles}
        made_by = {(one.tag.block, one.tag.generation): one.tag for one in calendar.series}
        lost = False
        for key, generation in touches.pending.items():
            if (key.block, key.day) in known:
                continue
            transaction = transaction_id_of_single(key.block, generation, key.day)
            noon = datetime.combine(key.day, time(12), UTC)
            found = await self._calendars.find_by_transaction(
                self.errand.mailbox, {transaction}, since=noon - 2 * _A_DAY, until=noon + 2 * _A_DAY
            )
            if found is not None and found.tag is None:
                unknown = Tag(key.block, generation, UNKNOWN, key.day, key.day)
                tag = made_by.get((key.block, generation), unknown)
                await self._retag(found.event_id, replace(tag, first=key.day, last=key.day, ending=False))
                lost = True
        return await self._calendars.read(self.errand.mailbox) if lost else calendar

    async def _put_instead(self, one: Held, day: date) -> bool:
        """Put a single event in the place of a deleted date; False where one has stood there and was deleted again."""
        tag = replace(one.series.tag, first=day, last=day, ending=False)
        transaction = transaction_id_of_single(tag.block, tag.generation, day)
        series = instead(one.want)
        self.writes += 1
        try:
            created = await self._calendars.put(self.errand.mailbox, series, tag, day, transaction)
        except Duplicate as duplicate:
            starts = recurrence.starts(series.slot, day)
            found = await self._calendars.find_by_transaction(
                self.errand.mailbox, {transaction}, since=starts - _A_DAY, until=starts + _A_DAY
            )
            if found is None and duplicate.existing_id is not None:
                found = await self._looked_at(duplicate.existing_id)
            if found is None or found.transaction_id != transaction:
                return False
            if found.tag is None:
                await self._retag(found.event_id, tag)
            return True
        self.expected[created.event_id] = tag
        self.transactions[created.event_id] = transaction
        return True

    async def _looked_at(self, event_id: str) -> EventLook | None:
        try:
            return await self._calendars.look(self.errand.mailbox, event_id)
        except Gone:
            return None

    async def _remember(self, touches: Touches) -> Touches:
        await self.ports.state.touch(self.errand.mailbox, touches)
        return touches

    async def _do(self, change: Change) -> None:
        match change:
            case Create():
                await self._create(change)
                touches = await self.ports.state.touches(self.errand.mailbox)
                if change.reason is Reason.REMADE:
                    await self._remember_remade(change, touches)
                    self.has_returned = True
                self.has_returned |= any(key.block == change.block for key in touches.skipped | touches.answered)
            case Rewrite():
                await self._rewrite(change)
            case Retell():
                await self._retell(change)
            case Skip() | Move():
                await self._relocate(change.actual.event_id, change.occurrence, change.landing, change.slot)
            case End(whole=True, actual=actual):
                await self._delete(actual.event_id)
                self.expected[actual.event_id] = None
            case End(actual=actual):
                await self._end(change)

    async def _rewrite(self, change: Rewrite) -> None:
        """Give a series new words; where its text is somebody's own by now, all but the text."""
        actual, tag = change.actual, change.tag
        told = actual.tag.told
        own = told is not None and (
            told.text == EDITED
            or words.text_mark(await self._calendars.body(self.errand.mailbox, actual.event_id)) != told.text
        )
        if own and told is not None:
            tag = replace(tag, told=Told(told.weeks, EDITED))
        self.writes += 1
        await self._calendars.rewrite(
            self.errand.mailbox, actual.event_id, actual.etag, change.series, tag, keeps_text=own
        )
        self.expected[actual.event_id] = tag

    async def _retell(self, change: Retell) -> None:
        """Let a body tell of the coming weeks; one that is somebody's own text by now is left for good."""
        event_id = change.actual.event_id
        before = words.text_mark(await self._calendars.body(self.errand.mailbox, event_id))
        if before != change.before:
            await self._retag(event_id, change.edited)
            return
        self.writes += 1
        await self._calendars.retell(self.errand.mailbox, event_id, change.series.body, change.tag)
        self.expected[event_id] = change.tag

    async def _end(self, end: End) -> None:
        event_id = end.actual.event_id
        if end.has_to_begin:
            await self._retag(event_id, replace(end.tag, ending=True))
        for occurrence in end.occurrences:
            await self._delete(occurrence)
        if end.range_end is not None:
            self.writes += 1
            await self._calendars.shorten(self.errand.mailbox, event_id, end.range_end, end.tag)
            self.expected[event_id] = end.tag
        elif await self._emptied(end):
            await self._retag(event_id, end.tag)
        else:
            self.expected[event_id] = end.tag

    async def _relocate(self, event_id: str, occurrence: Occurrence, landing: Landing, slot: Slot) -> None:
        """Move a date or take it out, as it also is where a neighbour that the person has moved is in its way."""
        if landing.to is None:
            await self._delete(occurrence.event_id)
        else:
            self.writes += 1
            try:
                await self._calendars.move(self.errand.mailbox, occurrence.event_id, slot, landing.to)
            except Crossing:
                await self._delete(occurrence.event_id)
                landing = landing._replace(to=None)
        self.landed.setdefault(event_id, []).append((landing, slot))

    async def _land(self, create: Create, event_id: str) -> None:
        """Take the dates that cannot stay out of a series just made, or move them."""
        if not create.landings:
            return
        slot = create.series.slot
        days = [landing.day for landing in create.landings]
        since, until = recurrence.starts(slot, min(days)), recurrence.ends(slot, max(days))
        there = await self._calendars.instances(self.errand.mailbox, event_id, since=since, until=until)
        by_day = {_day(one.original_starts, slot): one for one in there}
        for landing in create.landings:
            if landing.day in by_day:
                await self._relocate(event_id, by_day[landing.day], landing, slot)

    async def _delete(self, event_id: str) -> None:
        self.writes += 1
        await self._calendars.delete(self.errand.mailbox, event_id)
        if event_id in self.expected:
            self.expected[event_id] = None

    async def _emptied(self, end: End) -> bool:
        """Whether the deleted occurrences are gone. Once a series is marked as ended, nobody looks at it again.

        By their dates: where a person changed the series meanwhile, Exchange has rebuilt it with other ids.
        """
        going = [one for one in end.actual.instances or () if one.event_id in end.occurrences]
        if not going:
            return True
        since, until = min(one.starts for one in going), max(one.ends for one in going)
        there = await self._calendars.instances(self.errand.mailbox, end.actual.event_id, since=since, until=until)
        return {one.original_starts for one in there}.isdisjoint(one.original_starts for one in going)

    async def _retag(self, event_id: str, tag: Tag) -> None:
        self.writes += 1
        await self._calendars.retag(self.errand.mailbox, event_id, tag)
        self.expected[event_id] = tag

    async def _create(self, change: Create) -> None:
        await self._put_on_record(self.on_record | {SlotKey(change.block, change.series.fingerprint.slot)})
        for generation in range(change.generation, change.generation + GENERATIONS):
            create = replace(change, generation=generation)
            transaction = transaction_id(change.block, generation)
            try:
                await self._place(create, transaction)
            except Duplicate as duplicate:
                if await self._adopted(create, transaction, duplicate.existing_id):
                    return
            else:
                return
        raise Unexpected(
            f"Graph refused to create {change.block} as a duplicate {GENERATIONS} times, "
            "with no event of ours to be found.",
            code="ErrorDuplicateTransactionId",
            cure="Run the command again tomorrow; Exchange forgets old transaction ids in time.",
        )

    async def _remember_remade(self, change: Create, touches: Touches) -> None:
        """Count a series that was made again. Not before it stands, or one that is never made would count."""
        slot = SlotKey(change.block, change.series.fingerprint.slot)
        if self.errand.ask_again:
            touches = touches.asked_again(slot)
        today = _day(self.ports.clock.now(), change.series.slot)
        await self._remember(touches.with_remade(slot, today))

    async def _place(self, create: Create, transaction: str) -> None:
        """Create the series. After an unknown outcome, look whether it stands before creating it again.

        Repeating it is safe too, should it come to stand only after the look: Graph refuses the second by
        transactionId. Raises ``Duplicate``.
        """
        for attempt in range(1, ATTEMPTS + 1):
            self.writes += 1
            try:
                created = await self._calendars.create(self.errand.mailbox, create.series, create.tag, transaction)
            except Unreachable:
                if await self._adopted(create, transaction, None):
                    return
                if attempt == ATTEMPTS:
                    raise
            else:
                self.expected[created.event_id] = create.tag
                self.transactions[created.event_id] = transaction
                await self._land(create, created.event_id)
                return

    async def _adopted(self, create: Create, transaction: str, existing_id: str | None) -> bool:
        """Take over the event that an earlier create of ours made, if it can be found.

        Raises ``Conflict`` where the calendar is not as it was thought to be, so that it is decided anew.
        """
        calendar = await self._calendars.read(self.errand.mailbox)
        tags = {(series.tag.block, series.tag.generation) for series in calendar.series}
        if (create.block, create.generation) in tags:
            raise Conflict(f"{create.block} stands in the calendar already.")
        found = await self._made_before(create, transaction, existing_id)
        if found is None:
            return False
        series = create.series
        if stands_as(found, series):
            await self._retag(found.event_id, create.tag)
            await self._land(create, found.event_id)
            return True
        first = found.starts.astimezone(zones.rules(series.slot.zone)).date()
        made_otherwise = replace(create.tag, fingerprint=UNKNOWN, first=first, last=found.range_ends or series.last)
        await self._retag(found.event_id, made_otherwise)
        raise Conflict(f"{create.block} was made before, with other dates.")

    async def _made_before(self, create: Create, transaction: str, existing_id: str | None) -> EventLook | None:
        if existing_id is not None:
            try:
                look = await self._calendars.look(self.errand.mailbox, existing_id)
            except Gone:
                pass
            else:
                if look.is_series and look.transaction_id == transaction:
                    return look
        starts = recurrence.starts(create.series.slot, create.series.first)
        return await self._calendars.find_by_transaction(
            self.errand.mailbox, {transaction}, since=starts - SERIES_LENGTH, until=starts + timedelta(days=1)
        )

    async def _confirmed(self, state: MailboxState) -> Outcome:
        """Read the mailbox back. A write that is not seen there is *unconfirmed*, whatever Graph answered.

        Who had dates put right is no more told from others than who had not: ``state`` is what it was before.
        """
        looked = self.ports.clock.now()
        try:
            calendar = await self._calendars.read(self.errand.mailbox)
            seen = {series.event_id: series.tag for series in calendar.series}
            seen |= {single.occurrence.event_id: single.tag for single in calendar.singles}
            missing = [event_id for event_id, tag in self.expected.items() if seen.get(event_id) != tag]
            lost = [event_id for event_id in missing if not await self._healed(event_id)]
            lost += [
                event_id for event_id, landings in self.landed.items() if not await self._stand(event_id, landings)
            ]
            if missing and not lost:
                calendar = await self._calendars.read(self.errand.mailbox)
            still_touched = await self._still_touched(calendar)
        except GraphError as error:
            return self._outcome(MailboxState.UNCONFIRMED, "could not be read back", error)
        if lost or still_touched:
            unseen = Unexpected("What was written was not there when the calendar was read back.", cure=_LOOK_AGAIN)
            return self._outcome(MailboxState.UNCONFIRMED, "not seen when read back", unseen)
        if self.has_pending:
            await self._remember(replace(await self.ports.state.touches(self.errand.mailbox), pending={}))
        record = self.errand.placed(self.on_record) if self.on_record else None
        known = replace(self.errand, memory=replace(self.errand.memory, placed=self.on_record), record=record)
        await remember(known, calendar, self.ports.state, self.ports.clock.now())
        await self.ports.state.see(self.errand.mailbox, Seen(looked, etags_of(calendar)))
        return self._outcome(state, settled(self.errand)[1])

    async def _stand(self, event_id: str, landings: Sequence[tuple[Landing, Slot]]) -> bool:
        """Whether dates of a series are where they were moved to, or gone."""
        slot = landings[0][1]
        days = [day for landing, _ in landings for day in (landing.day, landing.to) if day]
        since, until = recurrence.starts(slot, min(days)), recurrence.ends(slot, max(days))
        try:
            there = await self._calendars.instances(self.errand.mailbox, event_id, since=since, until=until)
        except Gone:
            return all(landing.to is None for landing, _ in landings)
        taken = {_day(one.starts, slot) for one in there}
        return all(landing.day not in taken and landing.to in {None, *taken} for landing, _ in landings)

    async def _still_touched(self, calendar: ActualCalendar) -> bool:
        """Whether a date that was put right is not as it should be, judged once more from what is there now."""
        if not self.righted:
            return False
        now = self.ports.clock.now()
        errand = self.errand.where_it_stands(calendar, now)
        touched = await look_at_dates(errand, calendar, self.ports, Decisions(now))
        return any((judged.key, judged.touch) in self.righted for judged in touched.judged)

    async def _healed(self, event_id: str) -> bool:
        """Whether an event that was not seen is ours but for a tag that Graph lost, and has it now."""
        tag, transaction = self.expected[event_id], self.transactions.get(event_id)
        if tag is None or transaction is None:
            return False
        try:
            look = await self._calendars.look(self.errand.mailbox, event_id)
            if look.tag is None and look.transaction_id == transaction:
                await self._retag(event_id, tag)
                look = await self._calendars.look(self.errand.mailbox, event_id)
        except Gone:
            return False
        return look.tag == tag

    async def _put_on_record(self, slots: frozenset[SlotKey]) -> None:
        """Keep in mind that the mailbox has these slots.

        Before a create, not after: a leaver is only looked at by what is on record, also one whose run was killed.
        """
        if slots != self.on_record:
            await self.ports.state.place(self.errand.placed(slots))
            self.on_record = slots

    @property
    def _calendars(self) -> Calendars:
        return self.ports.calendars

    def _outcome(self, state: MailboxState, reason: str, error: GraphError | None = None) -> Outcome:
        problem = Problem.of(error) if error else None
        account = Account(self.errand.mailbox, self.errand.address, state, reason, problem)
        return Outcome(account, self.writes)


def _day(at: datetime, slot: Slot) -> date:
    """The date at an instant where the slot is."""
    return zones.date_at(slot.zone, at)
