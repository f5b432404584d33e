"""Hypothesis strategies for the deciding part: settings of a few blocks close together, instants, and calendars."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from holdfast.core.desired import desired
from holdfast.core.model import ActualCalendar, ActualSeries, Fingerprint, Slot, Weekday, Weekly
from holdfast.core.settings import Audience, Block, Credential, Day, Goal, Language, Organization, Settings, Tenant
from tests.core.world import MAILBOX, World, a_series

ZONES = ["Europe/Stockholm", "America/Los_Angeles", "Australia/Sydney", "Pacific/Kiritimati", "UTC"]
HOURS = [time(6), time(9), time(9, 30), time(16), time(21)]
BLOCKS = ["lartimmen", "kodtimmen", "lasstunden"]
AUDIENCES = ["alla", "utveckling"]
TENANT = Tenant(
    tenant_id="3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b",
    client_id="8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d",
    credential=Credential.SECRET,
)
YEAR = (date(2026, 1, 1), date(2026, 12, 31))


def instants() -> st.SearchStrategy[datetime]:
    """Any minute of 2026, in UTC."""
    return st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001 - the zone is given beside it
        lambda at: at.replace(second=0, microsecond=0)
    )


@st.composite
def blocks(draw: st.DrawFn, name: str) -> Block:
    """A block that may begin before, in or after 2026, and end or not."""
    day = draw(st.sampled_from(list(Day)[:5]))
    begins = draw(st.dates(date(2025, 6, 1), date(2027, 6, 30)))
    soonest = begins + timedelta(days=(Weekday[day.name] - begins.weekday()) % 7)
    return Block(
        id=name,
        title=draw(st.sampled_from(["Lärtimmen", "Lärstunden"])),
        audiences=draw(st.sampled_from([("alla",), ("utveckling",), ("alla", "utveckling")])),
        every="week",
        day=day,
        at=draw(st.sampled_from(HOURS)),
        minutes=draw(st.sampled_from([30, 60])),
        from_=begins,
        until=draw(st.none() | st.dates(soonest, date(2027, 12, 31))),
        goals=draw(st.sampled_from([(), ("ai-2028",)])),
        reminder=draw(st.sampled_from([10, 15])),
    )


@st.composite
def settings_near(draw: st.DrawFn) -> Settings:
    """Settings with none to three blocks. ``parse`` would refuse some that collide; the first wins all the same."""
    names = draw(st.lists(st.sampled_from(BLOCKS), unique=True, max_size=3))
    return Settings(
        version=1,
        organization=Organization(name="Fjällvik AB", language=Language.SV, time_zone=draw(st.sampled_from(ZONES))),
        tenant=TENANT,
        audiences={name: Audience(group=name) for name in AUDIENCES},
        goals=(Goal(id="ai-2028", title="Alla använder AI i vardagen"),),
        blocks=tuple(draw(blocks(name)) for name in names),
    )


def memberships() -> st.SearchStrategy[frozenset[str]]:
    """Which audiences a person is in, none included."""
    return st.frozensets(st.sampled_from(AUDIENCES))


@st.composite
def some_series(draw: st.DrawFn, settings: Settings, now: datetime, number: int) -> ActualSeries:
    """A tagged series such as no run of ours need ever have left behind: any dates, generation and fingerprint."""
    zone = settings.organization.zone
    name = draw(st.sampled_from(BLOCKS))
    first = now.date() + timedelta(days=draw(st.integers(-250, 250)))
    slot = Slot(Weekly(draw(st.sampled_from(Weekday))), draw(st.sampled_from(HOURS)), 60, zone)
    fingerprint = Fingerprint("0", "0")
    wants = [w for w in desired(settings, AUDIENCES, now).wants if w.series.block == name]
    if wants and draw(st.booleans()):
        slot, fingerprint = wants[0].series.slot, wants[0].series.fingerprint
        if draw(st.booleans()):
            fingerprint = fingerprint._replace(words="0")
    first += timedelta(days=(slot.rule.weekday - first.weekday()) % 7)
    return a_series(
        slot,
        first,
        first + timedelta(weeks=draw(st.integers(0, 30))),
        block=name,
        generation=draw(st.integers(0, 6)),
        fingerprint=fingerprint,
        event_id=f"before-{number}",
        created=now - timedelta(days=draw(st.integers(0, 3))),
    )


@st.composite
def calendars(draw: st.DrawFn, settings: Settings, now: datetime) -> ActualCalendar:
    """A mailbox with up to five tagged series, some with occurrences deleted or moved; equal tags are copies."""
    count = draw(st.integers(0, 5))
    world = World(ActualCalendar(MAILBOX, tuple(draw(some_series(settings, now, number)) for number in range(count))))
    for series in world.calendar.series:
        instances = series.instances or ()
        touched = st.lists(st.integers(0, len(instances) - 1), unique=True, max_size=3)
        for which in draw(touched):
            if draw(st.booleans()):
                world.forget(series.event_id, instances[which].event_id)
            else:
                world.move(series.event_id, instances[which].event_id, timedelta(hours=draw(st.integers(-140, 140))))
    return world.calendar


@st.composite
def situations(draw: st.DrawFn) -> tuple[Settings, frozenset[str], ActualCalendar, datetime]:
    """Settings, a person's audiences, what their mailbox holds, and an instant."""
    settings, now = draw(settings_near()), draw(instants())
    calendar = draw(calendars(settings, now))
    # Most interesting are the hours around an occurrence of today.
    near = [i.starts for s in calendar.series for i in s.instances or () if abs(i.starts - now) < timedelta(days=7)]
    if near and draw(st.booleans()):
        now = draw(st.sampled_from(near)) + timedelta(minutes=draw(st.integers(-20, 20)))
    return settings, draw(memberships()), calendar, now


def shuffled(calendar: ActualCalendar) -> st.SearchStrategy[ActualCalendar]:
    return st.permutations(calendar.series).map(lambda series: replace(calendar, series=tuple(series)))


def local_date(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
