"""An agenda pack as people read it: what a department meeting is told and asked, as a card, HTML and text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from holdfast.core import catalog, elements
from holdfast.core.catalog import count, say
from holdfast.core.elements import Element
from holdfast.core.replies import clipped, plain
from holdfast.core.summary import Ask, GoalLine, Pack, Pick, Post, Shared

STORIES, GOALS = 2, 4
"""How much of each is shown at most: it is read aloud, from a phone, between two other items."""

_SHORTER = (400, 280, 200, 140, 100, 60)
"""How long stories may be, tried in turn until the post is small enough."""

_ASKS = {Ask.SHOW: "pack.ask.show", Ask.SHARE: "pack.ask.share", Ask.PLAN: "pack.ask.plan"}


def card(pack: Pack) -> Element:
    """The Adaptive Card of a pack."""
    return _card(_fitting(pack))


def html(pack: Pack) -> str:
    """A pack as HTML, for whoever does not see the card. It begins with a sentence that says the most of it."""
    return _html(_fitting(pack))


def text(pack: Pack) -> str:
    """A pack as text, for the terminal."""
    return "\n".join(_lines(_fitting(pack))) + "\n"


def post(pack: Pack) -> Post:
    """A pack as it is posted: above the card stands what a notification shows."""
    shown, made = _fitting(pack), elements.marker(pack.channel, pack.period)
    subject = say(pack.language, "pack.subject", days=_days(pack))
    return Post(subject=subject, html=elements.lead(_lead(shown.all), made), card=_card(shown), marker=made)


def told_best(shared: Iterable[Shared]) -> tuple[Shared, ...]:
    """The answers that make the best stories: the fullest ones, by different people, about different goals if any are.

    What somebody says in a word is nice to read and hard to tell.
    """
    fullest = sorted(shared, key=lambda one: (-len(one.text), one.url))
    chosen: list[Shared] = []
    for differs in (_by_another_about_another, _by_another):
        for one in fullest:
            if len(chosen) < STORIES and differs(one, chosen):
                chosen.append(one)
    return tuple(chosen)


def _by_another_about_another(one: Shared, others: Sequence[Shared]) -> bool:
    return _by_another(one, others) and all(one.goal != other.goal for other in others)


def _by_another(one: Shared, others: Sequence[Shared]) -> bool:
    return all(one.author != other.author for other in others)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A pack with everybody's words made plain, and how much of it there is room for."""

    all: Pack
    longest: int
    stories: int = STORIES
    has_pick: bool = True


def _fitting(pack: Pack) -> _Shown:
    """As much of a pack as there is room for in a post: stories are cut first, then long links go."""
    return next(shown for shown in _less_and_less(_made_plain(pack)) if elements.fits(_html(shown), _card(shown)))


def _less_and_less(pack: Pack) -> Iterator[_Shown]:
    for longest in _SHORTER:
        yield _Shown(pack, longest)
    for stories in range(STORIES + 1):
        yield _Shown(pack, _SHORTER[-1], STORIES - stories, has_pick=False)


def _made_plain(pack: Pack) -> Pack:
    return replace(
        pack,
        organization=elements.line(pack.organization),
        learned=tuple(replace(goal, title=elements.line(goal.title)) for goal in pack.learned),
        stories=tuple(
            replace(
                one,
                author=elements.name(one.author),
                text=plain(one.text),
                url=elements.address(one.url),
                goal=elements.line(one.goal or "") or None,
            )
            for one in pack.stories[:STORIES]
        ),
        next_goal=pack.next_goal and replace(pack.next_goal, title=elements.line(pack.next_goal.title)),
        pick=pack.pick
        and replace(pack.pick, title=elements.line(pack.pick.title), url=elements.address(pack.pick.url)),
        question=elements.line(pack.question or "") or None,
    )


# What is said, in words, whatever it is shown as.


def _days(pack: Pack) -> str:
    return catalog.interval(pack.language, pack.since, pack.until)


def _about(pack: Pack) -> str:
    return say(pack.language, "about", organization=pack.organization, days=_days(pack))


def _lead(pack: Pack) -> str:
    """The most of a pack in a sentence or two."""
    said = list(_counted(pack))
    if pack.next_goal is not None:
        said.append(say(pack.language, "pack.lead.next", title=pack.next_goal.title))
    return " ".join(said) or say(pack.language, "pack.lead.nothing")


def _counted(pack: Pack) -> Iterator[str]:
    """What there is to tell in numbers, in our words alone."""
    hours = sum(goal.hours or 0 for goal in pack.learned)
    if hours:
        yield count(pack.language, "pack.lead.hours", hours)
    if pack.sharers:
        yield count(pack.language, "pack.lead.shared", pack.sharers)


def _since(pack: Pack, goal: GoalLine) -> str:
    """The hours of one goal since last time."""
    return count(pack.language, "pack.hours", goal.hours) if goal.hours else say(pack.language, "goal.begun")


def _progress(pack: Pack, goal: GoalLine) -> str:
    """Where the next goal stands."""
    language, said = pack.language, []
    if goal.by is not None:
        said.append(say(language, "goal.by", day=catalog.long_date(language, goal.by)))
    if goal.hours:
        said.append(count(language, "goal.hours", goal.hours))
        if goal.target is not None:
            said.append(say(language, "goal.target", percent=catalog.percent(language, goal.target)))
    return " · ".join(said)


def _stories(shown: _Shown) -> Sequence[Shared]:
    return shown.all.stories[: shown.stories]


def _stories_heading(shown: _Shown) -> str:
    language, number = shown.all.language, len(_stories(shown))
    return say(language, "pack.stories" if number > 1 else "pack.story")


def _quote(shown: _Shown, one: Shared) -> str:
    return say(shown.all.language, "shared.quote", text=clipped(one.text, shown.longest))


def _pick(shown: _Shown) -> Pick | None:
    return shown.all.pick if shown.has_pick else None


def _minutes(shown: _Shown, pick: Pick) -> str:
    return count(shown.all.language, "pick.minutes", pick.minutes)


def _question(pack: Pack) -> str:
    return pack.question or say(pack.language, "pack.question.any")


def _ask(pack: Pack) -> str:
    return say(pack.language, _ASKS[pack.ask])


def _learned(pack: Pack) -> Sequence[GoalLine]:
    return pack.learned[:GOALS]


# The card.


def _card(shown: _Shown) -> Element:
    pack = shown.all
    fallback = " ".join(_counted(pack)) or say(pack.language, "pack.lead.nothing")
    parts = [_head(pack), *_learned_card(pack), *_stories_card(shown), *_next_card(shown), *_to_do_card(pack)]
    return elements.whole_card(parts, fallback)


def _head(pack: Pack) -> Element:
    title = elements.text(say(pack.language, "pack.title"), size="Large", weight="Bolder")
    about = elements.runs(elements.run(_about(pack)), spacing="None")
    return elements.box(title, about, id=elements.marker(pack.channel, pack.period))


def _learned_card(pack: Pack) -> Iterator[Element]:
    if not pack.learned:
        return
    yield elements.heading(say(pack.language, "pack.learned"))
    for goal in _learned(pack):
        yield elements.runs(elements.run(goal.title, weight="Bolder"), spacing="Small")
        yield elements.text(_since(pack, goal), spacing="None")
    yield elements.text(say(pack.language, "measured"), spacing="Small")


def _stories_card(shown: _Shown) -> Iterator[Element]:
    if not _stories(shown):
        return
    yield elements.heading(_stories_heading(shown))
    for one in _stories(shown):
        link = elements.link(say(shown.all.language, "shared.link"), one.url)
        author = elements.run(one.author, weight="Bolder")
        yield elements.box(
            elements.runs(elements.run(_quote(shown, one))),
            elements.runs(author, elements.run("  ·  "), link, spacing="Small"),
            style="emphasis",
            spacing="Small",
        )


def _next_card(shown: _Shown) -> Iterator[Element]:
    pack, pick = shown.all, _pick(shown)
    if pack.next_goal is None:
        return
    yield elements.heading(say(pack.language, "pack.next"))
    yield elements.runs(elements.run(pack.next_goal.title, weight="Bolder"), spacing="Small")
    if progress := _progress(pack, pack.next_goal):
        yield elements.text(progress, spacing="None")
    if pick is not None:
        yield elements.runs(elements.link(pick.title, pick.url), spacing="Small")
        yield elements.text(_minutes(shown, pick), spacing="None")


def _to_do_card(pack: Pack) -> Iterator[Element]:
    """The question and what is asked for: what the meeting is to do with the rest."""
    yield elements.box(
        elements.text(say(pack.language, "pack.question"), size="Medium", weight="Bolder"),
        elements.runs(elements.run(_question(pack)), spacing="Small"),
        elements.text(say(pack.language, "pack.ask"), size="Medium", weight="Bolder", spacing="Medium"),
        elements.text(_ask(pack), spacing="Small"),
        style="accent",
        spacing="Large",
    )


# HTML and text.


def _html(shown: _Shown) -> str:
    pack = shown.all
    parts = [f"<p>{escape(_lead(pack))}</p>"]
    for heading, inner in (
        (say(pack.language, "pack.learned"), _learned_html(pack)),
        (_stories_heading(shown), _stories_html(shown)),
        (say(pack.language, "pack.next"), _next_html(shown)),
        (say(pack.language, "pack.question"), elements.paragraphs([_question(pack)])),
        (say(pack.language, "pack.ask"), elements.paragraphs([_ask(pack)])),
    ):
        found = list(inner)
        if found:
            parts += [f"<p><strong>{escape(heading)}</strong></p>", *found]
    return "".join(parts)


def _learned_html(pack: Pack) -> Iterator[str]:
    yield from elements.items(f"{escape(goal.title)}<br>{escape(_since(pack, goal))}" for goal in _learned(pack))
    if pack.learned:
        yield from elements.paragraphs([say(pack.language, "measured")])


def _stories_html(shown: _Shown) -> Iterator[str]:
    for one in _stories(shown):
        link = elements.anchor(say(shown.all.language, "shared.link"), one.url)
        yield f"<blockquote>{escape(_quote(shown, one))}<br>{escape(one.author)} · {link}</blockquote>"


def _next_html(shown: _Shown) -> Iterator[str]:
    pack, pick = shown.all, _pick(shown)
    if pack.next_goal is not None:
        yield f"<p>{escape(pack.next_goal.title)}</p>"
        yield from elements.paragraphs(filter(None, [_progress(pack, pack.next_goal)]))
    if pack.next_goal is not None and pick is not None:
        yield f"<p>{elements.anchor(pick.title, pick.url)} · {escape(_minutes(shown, pick))}</p>"


def _lines(shown: _Shown) -> Iterator[str]:
    pack = shown.all
    yield from (say(pack.language, "pack.title"), _about(pack))
    for heading, inner in (
        (say(pack.language, "pack.learned"), _learned_lines(pack)),
        (_stories_heading(shown), _story_lines(shown)),
        (say(pack.language, "pack.next"), _next_lines(shown)),
        (say(pack.language, "pack.question"), [_question(pack)]),
        (say(pack.language, "pack.ask"), [_ask(pack)]),
    ):
        found = [f"  {line}" for line in inner]
        if found:
            yield from ("", heading, *found)


def _learned_lines(pack: Pack) -> Iterator[str]:
    for goal in _learned(pack):
        yield from (f"• {goal.title}", f"  {_since(pack, goal)}")
    if pack.learned:
        yield say(pack.language, "measured")


def _story_lines(shown: _Shown) -> Iterator[str]:
    for one in _stories(shown):
        yield from (f"• {_quote(shown, one)}", f"  {one.author} · {one.url}")


def _next_lines(shown: _Shown) -> Iterator[str]:
    pack, pick = shown.all, _pick(shown)
    if pack.next_goal is None:
        return
    yield pack.next_goal.title
    yield from filter(None, [_progress(pack, pack.next_goal)])
    if pick is not None:
        yield from (f"• {pick.title} · {_minutes(shown, pick)}", f"  {pick.url}")
