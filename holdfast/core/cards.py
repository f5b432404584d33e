"""A summary as people read it: an Adaptive Card for Teams, HTML for clients that draw none, text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from html import escape

from holdfast.core import catalog, elements
from holdfast.core.catalog import count, say
from holdfast.core.elements import Element
from holdfast.core.replies import clipped, plain
from holdfast.core.summary import Figures, GoalLine, Pick, Post, Quiet, Shared, Summary

QUOTES, PICKS, GOALS = 8, 6, 8
"""How much of each is shown at most, so that a post can be read on a phone between two meetings."""

_SHORTER = (400, 280, 200, 140, 100, 60)
"""How long quotes may be, tried in turn until the post is small enough."""

_WEEK = timedelta(days=7)
_LOW, _HIGH = 0, 100
_QUIET = {Quiet.FEW: "quiet.few", Quiet.NONE: "quiet.none", Quiet.ALIKE: "quiet.alike"}


def card(summary: Summary) -> Element:
    """The Adaptive Card of a summary, of version 1.4."""
    return _card(_fitting(summary))


def html(summary: Summary) -> str:
    """A summary as HTML, for whoever does not see the card. It begins with a sentence that says the most of it."""
    return _html(_fitting(summary))


def text(summary: Summary) -> str:
    """A summary as text, for the terminal."""
    return "\n".join(_lines(_fitting(summary))) + "\n"


def post(summary: Summary) -> Post:
    """A summary as it is posted.

    Where cards are drawn, people see the HTML above the card. It is the first sentence alone, for it is also what a
    notification shows, and the card says the rest.
    """
    shown = _fitting(summary)
    made = elements.marker(summary.channel, summary.period)
    return Post(subject=_subject(shown), html=elements.lead(_lead(shown), made), card=_card(shown), marker=made)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A summary with everybody's words made plain, and how much of it there is room for."""

    all: Summary
    longest: int = _SHORTER[0]
    quotes: int = QUOTES
    picks: int = PICKS
    goals: int = GOALS

    def by_goal(self) -> Iterator[tuple[str | None, Sequence[Shared]]]:
        """The quotes that there is room for, by goal, those about none last. Every goal has one before any has two."""
        groups: dict[str | None, list[Shared]] = {goal.title: [] for goal in self.all.goals}
        for one in self.all.shared:
            groups.setdefault(one.goal, []).append(one)
        groups[None] = groups.pop(None, [])
        in_turn = sorted(
            ((nth, which, one) for which, group in enumerate(groups.values()) for nth, one in enumerate(group)),
            key=lambda turn: turn[:2],
        )
        room = [len(group) for group in groups.values()]
        for _, which, _ in in_turn[self.quotes :]:
            room[which] -= 1
        for (goal, group), some in zip(groups.items(), room, strict=True):
            if some:
                yield goal, group[:some]


def _fitting(summary: Summary) -> _Shown:
    """As much of a summary as there is room for in a post: longest quotes are cut first, then there are fewer."""
    whole = _made_plain(summary)
    return next(shown for shown in _less_and_less(whole) if elements.fits(_html(shown), _card(shown)))


def _less_and_less(summary: Summary) -> Iterator[_Shown]:
    for longest in _SHORTER:
        yield _Shown(summary, longest)
    least = _Shown(
        summary,
        _SHORTER[-1],
        min(QUOTES, len(summary.shared)),
        min(PICKS, len(summary.picks)),
        min(GOALS, len(summary.goals)),
    )
    for quotes in reversed(range(least.quotes)):
        yield replace(least, quotes=quotes)
    for picks in reversed(range(least.picks)):
        yield replace(least, quotes=0, picks=picks)
    for goals in reversed(range(least.goals)):
        yield replace(least, quotes=0, picks=0, goals=goals)


def _made_plain(summary: Summary) -> Summary:
    """A summary whose every text is on one line and does no harm, whoever wrote it."""
    return replace(
        summary,
        organization=elements.line(summary.organization),
        goals=tuple(replace(goal, title=elements.line(goal.title)) for goal in summary.goals),
        shared=tuple(
            replace(
                one,
                author=elements.name(one.author),
                text=plain(one.text),
                url=elements.address(one.url),
                goal=elements.line(one.goal or "") or None,
            )
            for one in summary.shared
        ),
        picks=tuple(
            replace(one, title=elements.line(one.title), url=elements.address(one.url), goal=elements.line(one.goal))
            for one in summary.picks
        ),
        question=elements.line(summary.question or "") or None,
    )


# What is said, in words, whatever it is shown as.


def _subject(shown: _Shown) -> str:
    summary = shown.all
    return say(summary.language, f"subject.{_kind(summary)}", days=_days(summary))


def _title(summary: Summary) -> str:
    return say(summary.language, f"title.{_kind(summary)}")


def _kind(summary: Summary) -> str:
    return "week" if summary.until - summary.since <= _WEEK else "period"


def _about(summary: Summary) -> str:
    return say(summary.language, "about", organization=summary.organization, days=_days(summary))


def _days(summary: Summary) -> str:
    return catalog.interval(summary.language, summary.since, summary.until)


def _lead(shown: _Shown) -> str:
    """The most of a summary in a sentence or two."""
    summary = shown.all
    said = list(_counted(summary))
    if summary.picks:
        said.append(say(summary.language, "lead.next", title=summary.picks[0].title))
    return " ".join(said) or say(summary.language, "lead.nothing")


def _counted(summary: Summary) -> Iterator[str]:
    """What there is to tell in numbers, in our words alone."""
    language, figures = summary.language, summary.figures
    if figures is not None and figures.hours:
        yield count(language, "lead.hours", figures.hours, kept=_share(summary, figures))
    elif figures is not None:
        yield say(language, "lead.few-hours", kept=_share(summary, figures))
    people = len({one.author for one in summary.shared})
    if people:
        yield count(language, "lead.shared", people)


def _hours(summary: Summary, figures: Figures) -> str:
    """The protected hours. They are rounded, so that few of them are none."""
    return count(summary.language, "hours", figures.hours) if figures.hours else say(summary.language, "hours.few")


def _share(summary: Summary, figures: Figures) -> str:
    kept = figures.kept.percent
    name, number = {_LOW: ("share.low", 10), _HIGH: ("share.high", 90)}.get(kept, ("share.some", kept))
    return say(summary.language, name, percent=catalog.percent(summary.language, number))


def _remarks(summary: Summary) -> Iterator[str]:
    """What goes with the figures, or says why there are none."""
    if summary.figures is None:
        if summary.quiet is not None:
            yield say(summary.language, _QUIET[summary.quiet])
        return
    kept = summary.figures.kept.percent
    if kept == _LOW:
        yield say(summary.language, "share.low.comfort")
    elif kept == _HIGH:
        yield say(summary.language, "share.high.cheer")
    yield say(summary.language, "measured")


def _progress(summary: Summary, goal: GoalLine) -> str:
    """How far a goal has come, as far as that is told."""
    language = summary.language
    said = []
    if goal.by is not None:
        said.append(say(language, "goal.by", day=catalog.long_date(language, goal.by)))
    if goal.hours is not None:
        said.append(count(language, "goal.hours", goal.hours) if goal.hours else say(language, "goal.begun"))
    if goal.target is not None and goal.hours:
        said.append(say(language, "goal.target", percent=catalog.percent(language, goal.target)))
    return " · ".join(said)


def _when(summary: Summary, pick: Pick) -> str:
    minutes = count(summary.language, "pick.minutes", pick.minutes)
    return f"{catalog.weekday(summary.language, pick.day)} · {minutes}"


def _quote(shown: _Shown, one: Shared) -> str:
    return say(shown.all.language, "shared.quote", text=clipped(one.text, shown.longest))


def _question(summary: Summary) -> str:
    return summary.question or say(summary.language, "prompt.question")


def _more(summary: Summary, name: str, number: int) -> Iterator[str]:
    """That there is more than is shown, where there is."""
    if number > 0:
        yield count(summary.language, name, number)


# The card.


def _card(shown: _Shown) -> Element:
    summary = shown.all
    parts = [_head(summary), *_figures(summary), *_shared(shown), *_picks(shown), *_goals(shown), *_prompt(summary)]
    return elements.whole_card(parts, " ".join(_counted(summary)) or say(summary.language, "lead.nothing"))


def _head(summary: Summary) -> Element:
    title = elements.text(_title(summary), size="Large", weight="Bolder")
    return {
        "type": "Container",
        "id": elements.marker(summary.channel, summary.period),
        "items": [title, elements.runs(elements.run(_about(summary)), spacing="None")],
    }


def _figures(summary: Summary) -> Iterator[Element]:
    """Two figures beside each other, which is as much as a phone has room for, and what goes with them."""
    items: list[Element] = []
    if summary.figures is not None:
        items.append(
            {
                "type": "ColumnSet",
                "columns": [
                    _figure(_hours(summary, summary.figures), say(summary.language, "hours.what")),
                    _figure(_share(summary, summary.figures), say(summary.language, "share.what")),
                ],
            }
        )
    items.extend(elements.text(remark, spacing="Small") for remark in _remarks(summary))
    if items:
        yield {"type": "Container", "style": "emphasis", "spacing": "Medium", "items": items}


def _figure(number: str, what: str) -> Element:
    return {
        "type": "Column",
        "width": "stretch",
        "items": [elements.text(number, size="Large", weight="Bolder"), elements.text(what, spacing="None")],
    }


def _goals(shown: _Shown) -> Iterator[Element]:
    summary = shown.all
    if not summary.goals:
        return
    yield elements.heading(say(summary.language, "goals"))
    for goal in summary.goals[: shown.goals]:
        yield elements.runs(elements.run(goal.title, weight="Bolder"), spacing="Small")
        progress = _progress(summary, goal)
        if progress:
            yield elements.text(progress, spacing="None")
    yield from map(elements.text, _more(summary, "goals.more", len(summary.goals) - shown.goals))


def _shared(shown: _Shown) -> Iterator[Element]:
    summary = shown.all
    if not summary.shared:
        return
    yield elements.heading(say(summary.language, "shared"))
    groups = list(shown.by_goal())
    for goal, quotes in groups:
        if goal is not None:
            yield elements.runs(elements.run(goal, weight="Bolder"), spacing="Small")
        elif len(groups) > 1:
            yield elements.text(say(summary.language, "shared.other"), weight="Bolder", spacing="Small")
        for one in quotes:
            link = elements.link(say(summary.language, "shared.link"), one.url)
            yield {
                "type": "Container",
                "style": "emphasis",
                "spacing": "Small",
                "items": [
                    elements.runs(elements.run(_quote(shown, one))),
                    elements.runs(
                        elements.run(one.author, weight="Bolder"), elements.run("  ·  "), link, spacing="Small"
                    ),
                ],
            }
    yield from map(elements.text, _more(summary, "shared.more", len(summary.shared) - shown.quotes))


def _picks(shown: _Shown) -> Iterator[Element]:
    summary = shown.all
    if not summary.picks:
        return
    yield elements.heading(say(summary.language, "picks"))
    for pick in summary.picks[: shown.picks]:
        yield elements.runs(elements.link(pick.title, pick.url), spacing="Small")
        yield elements.text(_when(summary, pick), spacing="None")
        yield elements.runs(elements.run(pick.goal), spacing="None")
    yield from map(elements.text, _more(summary, "picks.more", len(summary.picks) - shown.picks))


def _prompt(summary: Summary) -> Iterator[Element]:
    if summary.asks:
        yield {
            "type": "Container",
            "style": "accent",
            "spacing": "Large",
            "items": [
                elements.text(say(summary.language, "prompt"), size="Medium", weight="Bolder"),
                elements.runs(elements.run(_question(summary)), spacing="Small"),
                elements.text(say(summary.language, "prompt.how"), spacing="Small"),
            ],
        }


# HTML.


def _html(shown: _Shown) -> str:
    return "".join(_paragraphs(shown))


def _paragraphs(shown: _Shown) -> Iterator[str]:
    summary = shown.all
    yield f"<p>{escape(_lead(shown))}</p>"
    for remark in _remarks(summary):
        yield f"<p>{escape(remark)}</p>"
    for name, parts in (
        ("shared", _shared_html(shown)),
        ("picks", _picks_html(shown)),
        ("goals", _goals_html(shown)),
        ("prompt", (f"<p>{escape(line)}</p>" for line in _prompt_lines(summary))),
    ):
        found = list(parts)
        if found:
            yield from (f"<p><strong>{escape(say(summary.language, name))}</strong></p>", *found)


def _shared_html(shown: _Shown) -> Iterator[str]:
    summary = shown.all
    groups = list(shown.by_goal())
    for goal, quotes in groups:
        if goal is not None or len(groups) > 1:
            yield f"<p>{escape(goal or say(summary.language, 'shared.other'))}</p>"
        for one in quotes:
            link = elements.anchor(say(summary.language, "shared.link"), one.url)
            yield f"<blockquote>{escape(_quote(shown, one))}<br>{escape(one.author)} · {link}</blockquote>"
    yield from elements.paragraphs(_more(summary, "shared.more", len(summary.shared) - shown.quotes))


def _picks_html(shown: _Shown) -> Iterator[str]:
    summary = shown.all
    yield from elements.items(
        f"{elements.anchor(pick.title, pick.url)}<br>{escape(_when(summary, pick))} · {escape(pick.goal)}"
        for pick in summary.picks[: shown.picks]
    )
    yield from elements.paragraphs(_more(summary, "picks.more", len(summary.picks) - shown.picks))


def _goals_html(shown: _Shown) -> Iterator[str]:
    summary = shown.all
    yield from elements.items(
        "<br>".join(escape(line) for line in (goal.title, _progress(summary, goal)) if line)
        for goal in summary.goals[: shown.goals]
    )
    yield from elements.paragraphs(_more(summary, "goals.more", len(summary.goals) - shown.goals))


# Text.


def _lines(shown: _Shown) -> Iterator[str]:
    summary = shown.all
    language = summary.language
    yield from (_title(summary), _about(summary), "")
    if summary.figures is not None:
        yield f"{_hours(summary, summary.figures)} {say(language, 'hours.what')}"
        yield f"{_share(summary, summary.figures)} {say(language, 'share.what')}"
    yield from _remarks(summary)
    for name, lines in (
        ("shared", _shared_lines(shown)),
        ("picks", _pick_lines(shown)),
        ("goals", _goal_lines(shown)),
        ("prompt", _prompt_lines(summary)),
    ):
        found = [f"  {line}" for line in lines]
        if found:
            yield from ("", say(language, name), *found)


def _shared_lines(shown: _Shown) -> Iterator[str]:
    summary = shown.all
    groups = list(shown.by_goal())
    for goal, quotes in groups:
        if goal is not None or len(groups) > 1:
            yield goal or say(summary.language, "shared.other")
        for one in quotes:
            yield from (f"• {_quote(shown, one)}", f"  {one.author} · {one.url}")
    yield from _more(summary, "shared.more", len(summary.shared) - shown.quotes)


def _pick_lines(shown: _Shown) -> Iterator[str]:
    summary = shown.all
    for pick in summary.picks[: shown.picks]:
        yield from (f"• {pick.title}", f"  {_when(summary, pick)} · {pick.goal}", f"  {pick.url}")
    yield from _more(summary, "picks.more", len(summary.picks) - shown.picks)


def _goal_lines(shown: _Shown) -> Iterator[str]:
    summary = shown.all
    for goal in summary.goals[: shown.goals]:
        yield f"• {goal.title}"
        progress = _progress(summary, goal)
        if progress:
            yield f"  {progress}"
    yield from _more(summary, "goals.more", len(summary.goals) - shown.goals)


def _prompt_lines(summary: Summary) -> Iterator[str]:
    if summary.asks:
        yield from (_question(summary), say(summary.language, "prompt.how"))
