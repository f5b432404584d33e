"""Hypothesis strategies for settings: everything that ``parse`` accepts, and nothing else."""

from datetime import date, time, timedelta

from hypothesis import strategies as st

from holdfast.core.model import Weekday
from holdfast.core.settings import (
    Audience,
    Block,
    Cloud,
    Credential,
    Day,
    Goal,
    Guard,
    Language,
    Mode,
    Organization,
    Settings,
    Tenant,
)

ZONES = ["Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC", "W. Europe Standard Time"]
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


def lines(max_size: int = 30) -> st.SearchStrategy[str]:
    allowed = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff")
    return st.text(allowed, min_size=1, max_size=max_size).map(str.strip).filter(bool)


def ids() -> st.SearchStrategy[str]:
    return st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)


def titles(language: Language) -> st.SearchStrategy[str | dict[Language, str]]:
    other = Language.EN if language is Language.SV else Language.SV
    return lines() | st.fixed_dictionaries({language: lines()}, optional={other: lines()})


def addresses() -> st.SearchStrategy[str]:
    return st.from_regex(r"[a-z0-9.+-]{1,20}@[a-z]{1,10}\.example", fullmatch=True)


def audiences() -> st.SearchStrategy[Audience]:
    return st.builds(Audience, group=lines(), exclude=st.lists(addresses(), max_size=3).map(tuple))


@st.composite
def blocks(
    draw: st.DrawFn, names: list[str], goals: list[str], language: Language = Language.SV, key: str | None = None
) -> Block:
    """A block for some of the audiences and goals named."""
    begins = draw(st.integers(0, 105) | st.integers(180, 24 * 60 - 15))
    room = (120 if begins < 120 else 24 * 60) - begins
    day = draw(st.sampled_from(Day))
    first = draw(st.dates(EARLIEST, LATEST - timedelta(days=7)))
    soonest = first + timedelta(days=(Weekday[day.name] - first.weekday()) % 7)
    return Block(
        id=key or draw(ids()),
        title=draw(titles(language)),
        audiences=draw(st.lists(st.sampled_from(names), min_size=1, max_size=3).map(tuple)),
        every="week",
        day=day,
        at=time(*divmod(begins, 60)),
        minutes=draw(st.integers(15, min(480, room))),
        from_=first,
        until=draw(st.none() | st.dates(soonest, LATEST)),
        goals=draw(st.lists(st.sampled_from(goals), max_size=3).map(tuple)) if goals else (),
        reminder=draw(st.integers(0, 1440)),
    )


def meet(one: Block, other: Block) -> bool:
    """Whether two blocks of one audience stand in each other's way, told minute by minute."""
    if one.day is not other.day or set(one.audiences).isdisjoint(other.audiences):
        return False
    if (one.until and one.until < other.from_) or (other.until and other.until < one.from_):
        return False
    taken, others = (
        set(range(block.at.hour * 60 + block.at.minute, block.at.hour * 60 + block.at.minute + block.minutes))
        for block in (one, other)
    )
    return not taken.isdisjoint(others)


@st.composite
def tenants(draw: st.DrawFn) -> Tenant:
    credential = draw(st.sampled_from(Credential))
    client_id = st.uuids() if credential is not Credential.MANAGED_IDENTITY else st.none() | st.uuids()
    return Tenant(
        tenant_id=draw(st.uuids()),
        client_id=draw(client_id),
        cloud=draw(st.sampled_from(Cloud)),
        credential=credential,
    )


@st.composite
def settings_strategy(draw: st.DrawFn) -> Settings:
    language = draw(st.sampled_from(Language))
    people = draw(st.dictionaries(lines(), audiences(), min_size=1, max_size=3))
    goals = [Goal(id=name, title=draw(titles(language))) for name in draw(st.lists(ids(), unique=True, max_size=3))]
    wanted: list[Block] = []
    for key in draw(st.lists(ids(), unique=True, max_size=4)):
        block = draw(blocks(list(people), [goal.id for goal in goals], language, key))
        if not any(meet(block, other) for other in wanted):
            wanted.append(block)
    return Settings(
        version=1,
        mode=draw(st.sampled_from(Mode)),
        organization=Organization(name=draw(lines()), language=language, time_zone=draw(st.sampled_from(ZONES))),
        tenant=draw(tenants()),
        audiences=people,
        goals=tuple(goals),
        blocks=tuple(wanted),
        guard=draw(st.builds(Guard, share=st.integers(0, 100), count=st.integers(0, 100_000))),
    )
