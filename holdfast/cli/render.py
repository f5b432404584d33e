"""A plan, a report, a status as text and as data. Pure: the console and the files are somebody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from holdfast.core import zones
from holdfast.core.desired import days_key
from holdfast.core.finding import Finding
from holdfast.core.model import Landing
from holdfast.core.plan import (
    Change,
    Create,
    End,
    Move,
    Plan,
    Planned,
    Retell,
    Rewrite,
    Skip,
    days_text,
    hours_text,
    slot_text,
)
from holdfast.core.report import Account, Report
from holdfast.core.settings import Block, BlockZone, Quietest, Settings
from holdfast.core.slots import Chosen
from holdfast.jobs.status import Status

NAMES_SHOWN = 5
_ORDER = "+~-"
"""The marks of what is added, changed and taken away."""


def plan_text(plan: Plan, settings: Settings) -> str:
    """The plan for a person: by block and reason, with the first few names, and what it costs."""
    return "\n".join(_plan_lines(plan, settings))


def _plan_lines(plan: Plan, settings: Settings) -> Iterator[str]:
    if not plan:
        yield "Nothing to do: every calendar is as the settings ask."
        return
    language = settings.organization.language
    titles = {block.id: block.title_in(language) for block in settings.blocks}
    slots = {block.id: block_text(block) for block in settings.blocks}
    usual = {block: f"{slot} {settings.organization.zone}" for block, slot in slots.items()}
    by_block: dict[str, dict[_Kind, list[tuple[Planned, Change]]]] = defaultdict(lambda: defaultdict(list))
    for planned in plan.mailboxes:
        for change in planned.changes:
            by_block[change.block][_kind(change, usual.get(change.block, ""), settings)].append((planned, change))
    order = list(titles)
    for block in sorted(by_block, key=lambda b: (order.index(b) if b in order else len(order), b)):
        yield f"{titles.get(block, block)} ({block})" + (f" · {slots[block]}" if block in slots else "")
        for kind, members in sorted(by_block[block].items(), key=lambda item: item[0]):
            dates = _dates([change for _, change in members])
            people = len({planned.mailbox for planned, _ in members})
            yield f"  {_ORDER[kind.order]} {kind.what} {_people(people)}{dates}: {kind.reason}"
            yield from (f"      {line}" for line in kind.days_off)
            yield f"      {_names(dict.fromkeys(planned.address for planned, _ in members))}"
        yield ""
    yield f"{_totals(plan)}: {_number(plan.writes, 'Graph write')}, {_number(plan.mails, 'mail')}."
    yield f"Checksum {plan.checksum}"


class _Kind(NamedTuple):
    """What changes have in common that are shown as one line. ``days_off`` are lines about dates that cannot stay."""

    order: int
    what: str
    reason: str
    days_off: tuple[str, ...] = ()


def _kind(change: Change, usual: str, settings: Settings) -> _Kind:
    """What a change has in common with others. A slot is told where it is not the ``usual`` one of the block."""
    match change:
        case Create(series=series, landings=landings):
            slot = slot_text(replace(series.slot, zone=settings.known_as(series.slot.zone)))
            where = "" if slot == usual else f" on {slot},"
            return _Kind(0, f"a new series{where} for", change.reason.value, tuple(_landing_lines(landings)))
        case Skip(landing=landing):
            return _Kind(1, f"no block on {_day(landing.day, landing.name)} for", change.reason.value)
        case Move(landing=landing):
            days = f"{_day(landing.day, landing.name)} to {_day(landing.to or landing.day)}"
            return _Kind(1, f"a move from {days} for", change.reason.value)
        case Rewrite() | Retell():
            return _Kind(1, "new text for", change.reason.value)
        case End():
            return _Kind(2, "an end to the series of", change.reason.value)


def _landing_lines(landings: Iterable[Landing]) -> Iterator[str]:
    """The dates of a new series that are left out, and those that are moved."""
    landings = list(landings)
    skipped = [_day(one.day, one.name) for one in landings if one.to is None]
    if skipped:
        yield f"without {', '.join(skipped)}"
    for one in landings:
        if one.to is not None:
            yield f"{_day(one.day, one.name)} moves to {_day(one.to)}"


def _day(day: date, name: str = "") -> str:
    """A date with its day of the week and what it is."""
    return f"{day:%a} {day}" + (f" ({name})" if name else "")


def block_text(block: Block) -> str:
    """When a block stands, as the settings say it."""
    days = ", ".join(days_text(rule) for rule in block.rules())
    if isinstance(block.at, Quietest):
        window = f"{block.at.since:%H:%M}-{block.at.until:%H:%M}"
        return f"{days}, {block.minutes} minutes at the quietest time of {window}"
    return f"{days} {hours_text(block.at, block.minutes)}"


def _dates(changes: Iterable[Change]) -> str:
    stretches = sorted({(change.series.first, change.series.last) for change in changes if isinstance(change, Create)})
    days = sorted({change.since for change in changes if isinstance(change, End)})
    if len(stretches) == 1:
        return f", {stretches[0][0]} to {stretches[0][1]}"
    if stretches:
        return f", from {stretches[0][0]} at the earliest to {max(last for _, last in stretches)} at the latest"
    return f", from {days[0]} on" if days else ""


def _totals(plan: Plan) -> str:
    counted = [
        (sum(isinstance(change, kind) for change in plan.changes), verb)
        for kind, verb in ((Create, "to create"), (Rewrite | Retell, "to rewrite"), (End, "to end"))
    ]
    days_off = sum(len(change.landings) for change in plan.changes if isinstance(change, Create))
    days_off += sum(isinstance(change, Skip | Move) for change in plan.changes)
    texts = [f"{_number(count, 'series', 'series')} {verb}" for count, verb in counted if count]
    return ", ".join([*texts, *([f"{_number(days_off, 'date')} to skip or move"] if days_off else [])])


def _names(addresses: Iterable[str]) -> str:
    everyone = list(addresses)
    shown = ", ".join(everyone[:NAMES_SHOWN])
    more = len(everyone) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _people(count: int) -> str:
    return _number(count, "person", "people")


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def elsewhere_lines(elsewhere: Mapping[str, int], settings: Settings, now: datetime) -> Iterator[str]:
    """Mailboxes in other zones than the organisation's, and what its times are there."""
    home = zones.rules(settings.organization.zone)
    fixed = [one.at for one in settings.blocks if isinstance(one.at, time) and one.time_zone is BlockZone.ORGANIZATION]
    for zone, count in elsewhere.items():
        times = []
        for at in dict.fromkeys(fixed):
            there = datetime.combine(now.astimezone(home), at, home).astimezone(zones.rules(zone))
            times.append(f"{at:%H:%M} is {there:%H:%M}")
        where = f", where {' and '.join(times)}" if times else ""
        yield f"{_number(count, 'mailbox', 'mailboxes')} in another time zone: {zone}{where}."


def standing_lines(standing: int) -> Iterator[str]:
    """How many meetings stand already where new series are to be, where that is looked at."""
    if standing:
        those = "1 meeting already stands" if standing == 1 else f"{standing} meetings already stand"
        yield f"{those} on these times in the coming 13 weeks; what was there first stays."


def chosen_lines(chosen: Iterable[Chosen], settings: Settings) -> Iterator[str]:
    """The times of day that were chosen just now, each with what came next to it."""
    blocks = {block.id: block for block in settings.blocks}
    for one in chosen:
        block = blocks[one.key.block]
        [rule] = (rule for rule in block.rules() if days_key(rule) == one.key.days)
        begins = f"{days_text(rule)} {hours_text(one.at, block.minutes)}"
        dates = f"{_number(one.people, 'calendar')} on {_number(one.dates, 'date')}"
        yield f"{block.id} for {one.key.audience}: {begins} is the quietest, with {_conflicts(one.missed)} in {dates}."
        if one.runners_up:
            following = ", ".join(f"{at:%H:%M} ({count})" for at, count in one.runners_up)
            yield f"    Next would be {following}. It is kept until `holdfast plan --rechoose`."


def _conflicts(count: int) -> str:
    return "no conflicts" if count == 0 else _number(count, "conflict")


def state_rows(report: Report) -> list[tuple[str, str, str]]:
    """A row for each state that somebody is in: state, count, why; and the sum, which is the audience."""
    rows = []
    for state, count in report.counts().items():
        if count:
            reasons = report.reasons(state)
            why = (
                ", ".join(f"{reason} ({n})" for reason, n in reasons.items()) if len(reasons) > 1 else "".join(reasons)
            )
            rows.append((state.value, str(count), why or state.meaning))
    return [*rows, ("audience", str(len(report.audience)), "everybody in the groups, each counted once")]


def protected_lines(protected: Mapping[str, int]) -> Iterator[str]:
    """How many dates that people touched met with what; nobody is named for what they did with a block."""
    if protected:
        yield "\nDates that people changed, and meetings on top of them:"
    for met, count in sorted(protected.items()):
        yield f"  {count:>6}  {met}"


def problem_lines(accounts: Iterable[Account]) -> Iterator[str]:
    """The technical failures, alike ones together: what Graph said, the cure, and who."""
    alike: dict[tuple[str, str, str, str], list[Account]] = defaultdict(list)
    for account in accounts:
        if account.problem:
            problem = account.problem
            alike[account.state, problem.message, problem.code, problem.cure].append(account)
    for (state, message, code, cure), those in alike.items():
        request_id = next((a.problem.request_id for a in those if a.problem and a.problem.request_id), "")
        about = ", ".join(filter(None, (code, f"request id {request_id}" if request_id else "")))
        yield f"{_number(len(those), 'mailbox', 'mailboxes')} {state}: {message}" + (f" ({about})" if about else "")
        yield f"    {cure}"
        yield f"    {_names(account.address for account in those)}"


def finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """What ``check`` found, a line each, with what to do below it."""
    for finding in findings:
        mark = "ok  " if finding.ok else "FIX " if finding.fatal else "note"
        yield f"{mark}  {finding.what}: {finding.found}"
        if finding.cure:
            yield f"      {finding.cure}"


def age_text(age: timedelta) -> str:
    """How long ago, in the largest unit that says enough."""
    minutes = int(age.total_seconds() // 60)
    for size, name in ((60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return f"{_number(minutes // size, name)} ago"
    return "just now"


def status_lines(status: Status) -> Iterator[str]:
    """The status for a person."""
    yield f"{status.organization} · mode {status.mode} · settings {status.fingerprint}"
    if status.approval is None:
        yield "Nothing is approved yet: timers only look and report until `holdfast apply`."
    else:
        yield f"Approved {status.approval.fingerprint} on {status.approval.at:%Y-%m-%d %H:%M} UTC."
    if status.edit_waits:
        yield "The settings file has been edited since; the edit waits for `holdfast apply`."
    yield f"{_people(status.people_placed)} known to have blocks."
    yield from _login_lines(status)
    if status.last_run is None or status.age is None:
        yield "No run yet."
        return
    run = status.last_run
    states = ", ".join(f"{count} {state}" for state, count in run["states"].items() if count)
    writes = _number(run["writes"], "Graph write")
    yield f"Last run: {run['job']}, {age_text(status.age)}: {states or 'nobody'}; {writes}."
    if run["note"]:
        yield run["note"]
    for problem in run["problems"][:NAMES_SHOWN]:
        yield f"  {problem['mailbox']} ({problem['state']}): {problem['message']} {problem['cure']}"
    more = len(run["problems"]) - NAMES_SHOWN
    if more > 0:
        yield f"  and {more} more: `holdfast status --json` names all."


def _login_lines(status: Status) -> Iterator[str]:
    """Whether the account that posts is signed in, where it is to be or has been."""
    if status.login is None:
        if status.posts:
            yield "Nobody is signed in to post to channels: run `holdfast login`."
        return
    if status.unreadable:
        yield status.unreadable
        return
    yield (
        f"Signed in to post to channels since {status.login.since:%Y-%m-%d}, last used on {status.login.used:%Y-%m-%d}."
    )
    if status.lapses_in == 0:
        yield "The sign-in has not been used for 90 days and has lapsed: run `holdfast login`."
    elif status.lapses_in is not None:
        left = _number(status.lapses_in, "day")
        yield f"The sign-in lapses in {left} unless something is posted: run `holdfast login` to renew it."


def length_text(length: timedelta) -> str:
    """A length of time, rounded to what an estimate is worth."""
    seconds = max(1, round(length.total_seconds()))
    return _number(seconds, "second") if seconds < 90 else _number(round(seconds / 60), "minute")  # noqa: PLR2004
