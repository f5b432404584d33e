"""Hypothesis strategies for settings: everything that ``parse`` accepts, and nothing else."""

from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta

from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday
from hypothesis import strategies as st

from holdfast.core.model import NthWeekday, Position, Weekday
from holdfast.core.settings import (
    Audience,
    Block,
    BlockZone,
    Cloud,
    Credential,
    Day,
    Every,
    Goal,
    Guard,
    HolidayRule,
    Holidays,
    Language,
    Mode,
    Organization,
    OutsideHours,
    Overlap,
    Privacy,
    Protection,
    Quietest,
    Settings,
    Sweep,
    SweepEvery,
    Tenant,
    Unit,
    Within,
)

ZONES = ["Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC", "W. Europe Standard Time"]
COUNTRIES = [(None, None), ("SE", None), ("NO", "03"), ("GB", "SCT"), ("DE", "BY")]
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
EVERY = [Every(count, unit) for unit, most in ((Unit.WEEK, 8), (Unit.MONTH, 6)) for count in range(1, most + 1)]
FIVE_YEARS = timedelta(days=5 * 365)


def lines(max_size: int = 30) -> st.SearchStrategy[str]:
    allowed = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff")
    return st.text(allowed, min_size=1, max_size=max_size).map(str.strip).filter(bool)


def ids() -> st.SearchStrategy[str]:
    return st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)


def titles(readers: AbstractSet[Language]) -> st.SearchStrategy[str | dict[Language, str]]:
    """One text, or one for each language that readers have and perhaps more."""
    return lines() | st.fixed_dictionaries(
        {language: lines() for language in sorted(readers)},
        optional={language: lines() for language in Language if language not in readers},
    )


def addresses() -> st.SearchStrategy[str]:
    return st.from_regex(r"[a-z0-9.+-]{1,20}@[a-z]{1,10}\.example", fullmatch=True)


@st.composite
def closed_times(draw: st.DrawFn) -> tuple[date, date]:
    first = draw(st.dates(EARLIEST, LATEST - timedelta(days=365)))
    return first, first + timedelta(days=draw(st.integers(0, 365)))


@st.composite
def holidays(draw: st.DrawFn) -> Holidays:
    country, subdivision = draw(st.sampled_from(COUNTRIES))
    return Holidays(country=country, subdivision=subdivision, closed=draw(st.lists(closed_times(), max_size=2)))


def audiences() -> st.SearchStrategy[Audience]:
    return st.builds(
        Audience,
        group=lines(),
        exclude=st.lists(addresses(), max_size=3).map(tuple),
        opt_out=st.none() | lines(),
        language=st.none() | st.sampled_from(Language),
        holidays=st.none() | holidays(),
    )


def days(every: Every, *, weekend: bool) -> st.SearchStrategy[Day | NthWeekday | int]:
    weekdays = list(Weekday)[: 7 if weekend else 5]
    if every.unit is Unit.WEEK:
        return st.sampled_from([Day[weekday.name] for weekday in weekdays])
    return st.builds(NthWeekday, st.sampled_from(Position), st.sampled_from(weekdays)) | st.integers(1, 28)


def clock(minute: int) -> time:
    return time(*divmod(minute, 60))


@st.composite
def times(draw: st.DrawFn) -> tuple[time | Quietest, int]:
    """A time of day, or two to choose it between, with a number of minutes that fits."""
    begins = draw(st.integers(0, 105) | st.integers(180, 24 * 60 - 16))
    ends = draw(st.integers(begins + 15, 120 if begins < 120 else 24 * 60 - 1))
    if draw(st.booleans()):
        return clock(begins), min(480, ends - begins)
    return Quietest(clock(begins), clock(ends)), draw(st.integers(15, min(480, ends - begins)))


@st.composite
def care(draw: st.DrawFn) -> dict[str, object]:
    """What a block does when people touch it or meet on top of it: the keys that go together."""
    protection = draw(st.sampled_from(Protection))
    drawn: dict[str, object] = {"protection": protection}
    if protection is Protection.MOVABLE:
        drawn |= {"within": draw(st.sampled_from(Within)), "moves_per_quarter": draw(st.integers(0, 90))}
    drawn["overlap"] = draw(st.sampled_from(Overlap)) if protection is not Protection.SOFT else Overlap.ALLOW
    if drawn["overlap"] is not Overlap.ALLOW:
        drawn["always_allow"] = draw(st.lists(addresses(), max_size=2).map(tuple))
    if drawn["overlap"] is Overlap.DECLINE:
        drawn["decline_for"] = draw(lines())
    return drawn


@st.composite
def blocks(draw: st.DrawFn, names: list[str], goals: list[str], readers: AbstractSet[Language], key: str) -> Block:
    """A block for some of the audiences and goals named."""
    every, weekend = draw(st.sampled_from(EVERY)), draw(st.booleans())
    from_ = draw(st.dates(EARLIEST, LATEST))
    at, minutes = draw(times())
    wanted: list[Day | NthWeekday | int] = []
    taken: set[date] = set()
    for day in draw(st.lists(days(every, weekend=weekend), min_size=1, max_size=3, unique_by=str)):
        on = set() if isinstance(day, Day) else set(dates(every, day, from_, from_ + FIVE_YEARS))
        if taken.isdisjoint(on):
            wanted.append(day)
            taken |= on
    soonest = min(dates(every, day, from_, from_ + timedelta(days=400))[0] for day in wanted)
    return Block(
        id=key,
        title=draw(titles(readers)),
        audiences=draw(st.lists(st.sampled_from(names), min_size=1, max_size=3).map(tuple)),
        every=every,
        weekend=weekend,
        day=tuple(wanted),
        at=at,
        minutes=minutes,
        time_zone=draw(st.sampled_from(BlockZone)),
        outside_hours=draw(st.sampled_from(OutsideHours)),
        holiday=draw(st.sampled_from(HolidayRule)),
        from_=from_,
        until=draw(st.none() | st.dates(soonest, LATEST)) if soonest <= LATEST else None,
        goals=draw(st.lists(st.sampled_from(goals), max_size=3).map(tuple)) if goals else (),
        reminder=draw(st.integers(0, 1440)),
        **draw(care()),
    )


def dates(every: Every, day: Day | NthWeekday | int, from_: date, until: date) -> list[date]:
    """When a block stands, told by dateutil: weeks and months are counted from those of ``from_``."""
    if isinstance(day, Day):
        begins = from_ - timedelta(days=from_.weekday())
        which = {"freq": WEEKLY, "byweekday": Weekday[day.name]}
    else:
        begins = from_.replace(day=1)
        which = {"freq": MONTHLY}
        if isinstance(day, NthWeekday):
            which |= {"byweekday": weekday(day.weekday)(day.position)}
        else:
            which |= {"bymonthday": day}
    found = rrule(dtstart=datetime(*begins.timetuple()[:3]), interval=every.count, until=until, **which)  # noqa: DTZ001 - dates
    return [at.date() for at in found if from_ <= at.date() <= until]


def meet(one: Block, other: Block) -> bool:
    """Whether two blocks of one audience stand in each other's way within five years, told day by day."""
    if set(one.audiences).isdisjoint(other.audiences) or Quietest in (type(one.at), type(other.at)):
        return False
    since = max(one.from_, other.from_)
    until = min(one.until or date.max, other.until or date.max, since + FIVE_YEARS)
    hours, other_hours = (
        set(range(block.at.hour * 60 + block.at.minute, block.at.hour * 60 + block.at.minute + block.minutes))
        for block in (one, other)
    )
    if hours.isdisjoint(other_hours):
        return False
    on, other_on = (
        {found for day in block.day for found in dates(block.every, day, block.from_, until) if found >= since}
        for block in (one, other)
    )
    return not on.isdisjoint(other_on)


@st.composite
def tenants(draw: st.DrawFn, *, sends_mail: bool) -> Tenant:
    credential = draw(st.sampled_from(Credential))
    client_id = st.uuids() if credential is not Credential.MANAGED_IDENTITY else st.none() | st.uuids()
    return Tenant(
        tenant_id=draw(st.uuids()),
        client_id=draw(client_id),
        cloud=draw(st.sampled_from(Cloud)),
        credential=credential,
        organizer=draw(addresses() if sends_mail else st.none() | addresses()),
        notification_url=draw(
            st.none()
            | st.from_regex(r"https://[a-z]{1,10}\.example(:[1-9][0-9]{3})?(/[a-z]{1,5})*", fullmatch=True).map(
                lambda beginning: f"{beginning}/notifications"
            )
        ),
    )


@st.composite
def settings_strategy(draw: st.DrawFn) -> Settings:
    language = draw(st.sampled_from(Language))
    people = draw(st.dictionaries(lines(), audiences(), min_size=1, max_size=3))
    readers = {language, *(audience.language for audience in people.values() if audience.language)}
    goals = [Goal(id=name, title=draw(titles(readers))) for name in draw(st.lists(ids(), unique=True, max_size=3))]
    wanted: list[Block] = []
    for key in draw(st.lists(ids(), unique=True, max_size=4)):
        block = draw(blocks(list(people), [goal.id for goal in goals], readers, key))
        if not any(meet(block, other) for other in wanted):
            wanted.append(block)
    return Settings(
        version=1,
        mode=draw(st.sampled_from(Mode)),
        organization=Organization(
            name=draw(lines()),
            language=language,
            time_zone=draw(st.sampled_from(ZONES)),
            holidays=draw(st.none() | holidays()),
        ),
        tenant=draw(tenants(sends_mail=any(block.overlap is Overlap.NOTIFY for block in wanted))),
        audiences=people,
        goals=tuple(goals),
        blocks=tuple(wanted),
        sweep=draw(st.builds(Sweep, every=st.sampled_from(SweepEvery))),
        guard=draw(st.builds(Guard, share=st.integers(0, 100), count=st.integers(0, 100_000))),
        privacy=draw(st.builds(Privacy, keep_days=st.integers(90, 3650))),
    )
