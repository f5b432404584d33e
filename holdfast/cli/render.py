"""A plan, a report, a status as text and as data. Pure: the console and the files are somebody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from holdfast.core.plan import Change, Create, End, Plan, Planned, Rewrite, slot_text
from holdfast.core.report import Account, Report
from holdfast.core.settings import Settings
from holdfast.jobs.check import Finding
from holdfast.jobs.status import Status

NAMES_SHOWN = 5
_ORDER = "+~-"


def plan_text(plan: Plan, settings: Settings) -> str:
    """The plan for a person: by block and reason, with the first few names, and what it costs."""
    return "\n".join(_plan_lines(plan, settings))


def _plan_lines(plan: Plan, settings: Settings) -> Iterator[str]:
    if not plan:
        yield "Nothing to do: every calendar is as the settings ask."
        return
    language = settings.organization.language
    titles = {block.id: block.title_in(language) for block in settings.blocks}
    slots = {block.id: slot_text(block.slot(settings.organization.zone)) for block in settings.blocks}
    by_block: dict[str, dict[tuple[str, str, str], list[tuple[Planned, Change]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for planned in plan.mailboxes:
        for change in planned.changes:
            by_block[change.block][_kind(change)].append((planned, change))
    order = list(titles)
    for block in sorted(by_block, key=lambda b: (order.index(b) if b in order else len(order), b)):
        yield f"{titles.get(block, block)} ({block})" + (f" · {slots[block]}" if block in slots else "")
        for (sign, what, reason), members in sorted(by_block[block].items(), key=lambda item: _ORDER.index(item[0][0])):
            dates = _dates([change for _, change in members])
            yield f"  {sign} {what} {_people(len(members))}{dates}: {reason}"
            yield f"      {_names(planned.address for planned, _ in members)}"
        yield ""
    yield f"{_totals(plan)}: {_number(plan.writes, 'Graph write')}, {_number(plan.mails, 'mail')}."
    yield f"Checksum {plan.checksum}"


def _kind(change: Change) -> tuple[str, str, str]:
    match change:
        case Create():
            return "+", "a new series for", change.reason.value
        case Rewrite():
            return "~", "new text for", change.reason.value
        case End():
            return "-", "an end to the series of", change.reason.value


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
        for kind, verb in ((Create, "to create"), (Rewrite, "to rewrite"), (End, "to end"))
    ]
    return ", ".join(f"{_number(count, 'series', 'series')} {verb}" for count, verb in counted if count)


def _names(addresses: Iterable[str]) -> str:
    everyone = list(addresses)
    shown = ", ".join(everyone[:NAMES_SHOWN])
    more = len(everyone) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _people(count: int) -> str:
    return _number(count, "person", "people")


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


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


def length_text(length: timedelta) -> str:
    """A length of time, rounded to what an estimate is worth."""
    seconds = max(1, round(length.total_seconds()))
    return _number(seconds, "second") if seconds < 90 else _number(round(seconds / 60), "minute")  # noqa: PLR2004
