"""Hypothesis strategies for the deciding part: settings of a few blocks close together, instants, and calendars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from holdfast.core.desired import ChoiceKey, Choices, Desired, days_key, desired, in_their_zones, slot_mark
from holdfast.core.diff import InstancesNeeded, Memory, diff
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    Fingerprint,
    Monthly,
    NthWeekday,
    Position,
    Profile,
    Purpose,
    Rule,
    Slot,
    Weekday,
    Weekly,
    WorkingHours,
)
from holdfast.core.plan import Change
from holdfast.core.settings import (
    Audience,
    Block,
    BlockZone,
    Credential,
    Day,
    Every,
    Goal,
    HolidayRule,
    Holidays,
    Language,
    Organization,
    OutsideHours,
    Quietest,
    Settings,
    Tenant,
    Unit,
)
from holdfast.core.slots import times
from tests.core.world import MAILBOX, World, a_series, dates, looked_at, unread, with_what_is_needed

ZONES = ["Europe/Stockholm", "America/Los_Angeles", "Australia/Sydney", "Pacific/Kiritimati", "UTC"]
HOURS = [time(6), time(9), time(9, 30), time(16), time(21)]
WINDOWS = [Quietest(time(8), time(16)), Quietest(time(9), time(10))]
EVERY = [Every(count, unit) for count, unit in ((1, Unit.WEEK), (2, Unit.WEEK), (3, Unit.WEEK), (8, Unit.WEEK))]
EVERY += [Every(count, Unit.MONTH) for count in (1, 2, 6)]
MINUTE = timedelta(minutes=1)
BLOCKS = ["lartimmen", "kodtimmen", "lasstunden"]
AUDIENCES = ["alla", "utveckling"]
TENANT = Tenant(
    tenant_id="3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b",
    client_id="8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d",
    credential=Credential.SECRET,
)
WORKING_DAYS = frozenset(list(Weekday)[:5])
WORKING = [
    None,
    WorkingHours(WORKING_DAYS, time(8), time(17), "Europe/Stockholm"),
    WorkingHours(WORKING_DAYS, time(8), time(17), "America/Los_Angeles"),
    WorkingHours(WORKING_DAYS, time(6), time(22), None),
    WorkingHours(frozenset({Weekday.TUESDAY, Weekday.THURSDAY}), time(8), time(17), "Europe/Stockholm"),
    WorkingHours(WORKING_DAYS, time(8), time(12), "Europe/Stockholm"),
    WorkingHours(WORKING_DAYS, time(20), time(7), "Europe/Stockholm"),
    WorkingHours(frozenset(), time(8), time(17), "UTC"),
]
"""Office hours here, elsewhere and nowhere that has a name; two days, mornings, nights, and never."""


@dataclass(frozen=True)
class Situation:
    """One mailbox at one instant: settings, the person's audiences and profile, what the mailbox holds."""

    settings: Settings
    audiences: frozenset[str]
    calendar: ActualCalendar
    now: datetime
    profile: Profile
    choices: Choices
    memory: Memory

    @property
    def wanted(self) -> Desired:
        told = desired(self.settings, self.audiences, self.now, profile=self.profile, choices=self.choices)
        return in_their_zones(told, self.calendar.series, self.now)

    @property
    def plan(self) -> tuple[Change, ...]:
        return diff(self.wanted, self.calendar, now=self.now, memory=self.memory)

    def today(self, zone: str = "") -> date:
        return local_date(self.now, zone or self.settings.organization.zone)

    def carried_out(self) -> Situation:
        world = World(self.calendar)
        world.carry_out(self.plan, self.now)
        return replace(self, calendar=looked_at(world.calendar, self.now))

    def as_read(self) -> tuple[tuple[Change, ...], set[str], set[str]]:
        """The plan of one who reads nothing but what is asked for, and which series were asked for, whole and ahead."""
        bare = replace(self, calendar=unread(self.calendar))
        whole: set[str] = set()
        ahead: set[str] = set()
        while True:
            try:
                return bare.plan, whole, ahead
            except InstancesNeeded as needed:
                asked_whole, asked_ahead = ({one.event_id for one in some} for some in (needed.whole, needed.ahead))
                assert asked_whole - whole or asked_ahead - ahead, "asked again for what was given"
                whole |= asked_whole
                ahead |= asked_ahead
                bare = replace(bare, calendar=with_what_is_needed(bare.calendar, self.calendar, needed))


# Strategies that never change are made once: making and checking them takes longer than drawing.

_SELDOM, _OFTEN = st.sampled_from([False, False, True]), st.booleans()
_EVERY = st.just(EVERY[0]) | st.sampled_from(EVERY)
_WEEKDAYS = list(Weekday)
_DAYS = {
    (unit, weekend): st.lists(st.sampled_from(days), min_size=1, max_size=3, unique_by=str)
    for weekend, weekdays in ((True, _WEEKDAYS), (False, _WEEKDAYS[:5]))
    for unit, days in (
        (Unit.WEEK, [Day[weekday.name] for weekday in weekdays]),
        (Unit.MONTH, [*(NthWeekday(place, weekday) for place in Position for weekday in weekdays), *range(1, 29)]),
    )
}
_TITLES = st.sampled_from(["Lärtimmen", "Lärstunden", {Language.SV: "Lärtimmen", Language.EN: "Learning hour"}])
_FOR = st.sampled_from([("alla",), ("utveckling",), ("alla", "utveckling")])
_AT = st.sampled_from([*HOURS, *HOURS, *WINDOWS])
_MINUTES, _REMINDER = st.sampled_from([30, 60]), st.sampled_from([10, 15])
_GOALS = st.sampled_from([(), ("ai-2028",)])
_FROM = st.dates(date(2025, 6, 1), date(2027, 6, 30))
_MONTHS = st.none() | st.integers(0, 400)
_ZONES, _ZONE_OR_NONE = st.sampled_from(ZONES), st.none() | st.sampled_from(ZONES)
_BLOCK_ZONES, _OUTSIDE, _HOLIDAY = (st.sampled_from(kind) for kind in (BlockZone, OutsideHours, HolidayRule))
_COUNTRIES = st.sampled_from(["SE", "FI", None])
_CLOSED_FROM, _CLOSED_FOR = st.integers(-20, 120), st.integers(0, 20) | st.integers(0, 300)
_FEW = st.integers(0, 2)
_NAMES = st.lists(st.sampled_from(BLOCKS), unique=True, max_size=3)
_LANGUAGES = st.sampled_from([None, Language.EN])
_WORKING = st.sampled_from(WORKING)
_SINCE = st.sampled_from([0, 1, 27, 28, 29, 400])
_RULES: list[Rule] = [
    *(Weekly(weekday, n, phase) for n in range(1, 9) for phase in range(n) for weekday in Weekday),
    *(Monthly(day, n, phase) for n in range(1, 7) for phase in range(n) for day in range(1, 29)),
    *(
        Monthly(NthWeekday(place, weekday), n, phase)
        for n in range(1, 7)
        for phase in range(n)
        for place in Position
        for weekday in Weekday
    ),
]
_BLOCKS, _HOURS = st.sampled_from(BLOCKS), st.sampled_from(HOURS)
_OFFSET, _WEEKS, _GENERATIONS, _AGE = st.integers(-250, 250), st.integers(0, 30), st.integers(0, 6), st.integers(0, 3)
_SERIES, _TOUCHED, _WHICH, _BY = st.integers(0, 5), st.integers(0, 3), st.integers(0, 200), st.integers(-140, 140)
_NEAR = st.integers(-20, 20)


def instants() -> st.SearchStrategy[datetime]:
    """Any minute of 2026, in UTC."""
    return st.integers(0, 364 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE)


def rules() -> st.SearchStrategy[Rule]:
    """Every rule that a block can have."""
    return st.sampled_from(_RULES)


@st.composite
def blocks(draw: st.DrawFn, name: str) -> Block:
    """A block that may begin before, in or after 2026, and end or not."""
    weekend, every, begins = draw(_SELDOM), draw(_EVERY), draw(_FROM)
    block = Block(
        id=name,
        title=draw(_TITLES),
        audiences=draw(_FOR),
        every=every,
        weekend=weekend,
        day=tuple(draw(_DAYS[every.unit, weekend])),
        at=draw(_AT),
        minutes=draw(_MINUTES),
        from_=begins,
        goals=draw(_GOALS),
        reminder=draw(_REMINDER),
        time_zone=draw(_BLOCK_ZONES),
        outside_hours=draw(_OUTSIDE),
        holiday=draw(_HOLIDAY),
    )
    lasts = draw(_MONTHS)
    if lasts is None:
        return block
    soonest = min(dates(rule, begins, begins + timedelta(days=400))[0] for rule in block.rules())
    return block.model_copy(update={"until": soonest + timedelta(days=lasts)})


@st.composite
def holidays(draw: st.DrawFn, around: date) -> Holidays | None:
    """Days off near a date: a country's, and days, weeks or most of a year when nobody works."""
    if draw(_OFTEN):
        return None
    closed = []
    for _ in range(draw(_FEW)):
        first = around + timedelta(days=draw(_CLOSED_FROM))
        closed.append((first, first + timedelta(days=draw(_CLOSED_FOR))))
    return Holidays(country=draw(_COUNTRIES), closed=tuple(closed))


@st.composite
def settings_near(draw: st.DrawFn, around: date) -> Settings:
    """Settings with none to three blocks and days off near a date.

    ``parse`` would refuse some that collide; the first wins all the same.
    """
    return Settings(
        version=1,
        organization=Organization(
            name="Fjällvik AB", language=Language.SV, time_zone=draw(_ZONES), holidays=draw(holidays(around))
        ),
        tenant=TENANT,
        audiences={
            "alla": Audience(group="alla"),
            "utveckling": Audience(group="utveckling", language=draw(_LANGUAGES), holidays=draw(holidays(around))),
        },
        goals=(Goal(id="ai-2028", title="Alla använder AI i vardagen"),),
        blocks=tuple(draw(blocks(name)) for name in draw(_NAMES)),
    )


@st.composite
def choices_for(draw: st.DrawFn, settings: Settings) -> Choices:
    """A time for each block, audience and day that leaves the choice."""
    return {
        ChoiceKey(block.id, audience, days_key(rule)): draw(st.sampled_from(times(block.at, block.minutes)))
        for block in settings.blocks
        if isinstance(block.at, Quietest)
        for audience in block.audiences
        for rule in block.rules()
    }


@st.composite
def profiles(draw: st.DrawFn, now: datetime) -> Profile:
    """A mailbox that may say nothing, or when its owner works, where it is and since when that is known."""
    zone = draw(_ZONE_OR_NONE)
    since = now - timedelta(days=draw(_SINCE)) if zone else None
    return Profile(Purpose.USER, draw(_WORKING), zone, since)


def zones_or_none() -> st.SearchStrategy[str | None]:
    return _ZONE_OR_NONE


def memberships() -> st.SearchStrategy[frozenset[str]]:
    """Which audiences a person is in, none included."""
    return st.sampled_from([frozenset(), *(frozenset({name}) for name in AUDIENCES), frozenset(AUDIENCES)])


@st.composite
def some_series(draw: st.DrawFn, wanted: Desired, now: datetime, number: int) -> ActualSeries:
    """A tagged series such as no run of ours need ever have left behind: any dates, generation and fingerprint."""
    name, zone = draw(_BLOCKS), draw(_ZONES)
    wants = wanted.of(name)
    if wants and draw(_OFTEN):
        want = draw(st.sampled_from(wants))
        slot, fingerprint = want.series.slot, want.series.fingerprint
        if want.follows and draw(_OFTEN):
            slot = replace(slot, zone=zone)
            fingerprint = fingerprint._replace(slot=slot_mark(slot))
        if draw(_OFTEN):
            fingerprint = fingerprint._replace(words="0")
    else:
        slot, fingerprint = Slot(draw(rules()), draw(_HOURS), 60, zone), Fingerprint("0", "0")
    soonest = now.date() + timedelta(days=draw(_OFFSET))
    [first, *later] = dates(slot.rule, soonest, soonest + timedelta(days=400))
    until = first + timedelta(weeks=draw(_WEEKS))
    return a_series(
        slot,
        first,
        max(day for day in (first, *later) if day <= until),
        block=name,
        generation=draw(_GENERATIONS),
        fingerprint=fingerprint,
        event_id=f"before-{number}",
        created=now - timedelta(days=draw(_AGE)),
    )


@st.composite
def calendars(draw: st.DrawFn, wanted: Desired, now: datetime) -> ActualCalendar:
    """A mailbox with up to five tagged series, some with occurrences deleted or moved; equal tags are copies."""
    count = draw(_SERIES)
    world = World(ActualCalendar(MAILBOX, tuple(draw(some_series(wanted, now, number)) for number in range(count))))
    for series in world.calendar.series:
        for _ in range(draw(_TOUCHED)):
            instances = world.series(series.event_id).instances
            if instances:
                which = instances[draw(_WHICH) % len(instances)]
                if draw(_OFTEN):
                    world.forget(series.event_id, which.event_id)
                else:
                    world.move(series.event_id, which.event_id, timedelta(hours=draw(_BY)))
    return world.calendar


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Settings, a person's audiences and profile, what their mailbox holds, and an instant."""
    now = draw(instants())
    settings = draw(settings_near(now.date()))
    profile, choices = draw(profiles(now)), draw(choices_for(settings))
    wanted = desired(settings, AUDIENCES, now, profile=profile, choices=choices)
    calendar = draw(calendars(wanted, now))
    # Most interesting are the hours around an occurrence of today.
    near = [i.starts for s in calendar.series for i in s.instances or () if abs(i.starts - now) < timedelta(days=7)]
    if near and draw(_OFTEN):
        now = draw(st.sampled_from(near)) + draw(_NEAR) * MINUTE
    memory = Memory(range_end_keeps=draw(_OFTEN))
    return Situation(settings, draw(memberships()), looked_at(calendar, now), now, profile, choices, memory)


def shuffled(calendar: ActualCalendar) -> st.SearchStrategy[ActualCalendar]:
    return st.permutations(calendar.series).map(lambda series: replace(calendar, series=tuple(series)))


def local_date(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
