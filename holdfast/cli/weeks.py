"""The demo's part about learning that is talked about: three departments, four weeks, posts, replies, quotes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from graph_client.login import Code
from holdfast import wiring
from holdfast.cli.console import out, progress, run
from holdfast.cli.holding import plain
from holdfast.core import elements
from holdfast.core.calm import Rank
from holdfast.core.model import Clock
from holdfast.core.settings import Language, Settings
from holdfast.jobs.apply import apply
from holdfast.jobs.ports import Ports
from holdfast.jobs.posting import Told
from holdfast.jobs.summaries import summaries
from holdfast.jobs.survey import survey
from holdfast.jobs.sweep import sweep
from holdfast.wiring import Place, Wired

NOW = datetime(2027, 1, 11, 8, tzinfo=UTC)
"""A Monday after the holidays."""

PEOPLE = 60
"""How many people the firm has at most: their departments are as large as it takes for figures."""

WEEKS = 4
FOLDER = "holdfast-demo"
"""Where what was posted is written to, below the working folder."""

_ZONE = ZoneInfo("Europe/Stockholm")
_TEAMS = {
    Language.SV: ("Utveckling", "Produktion", "Försäljning"),
    Language.EN: ("Development", "Production", "Sales"),
}
_ACCOUNT = {Language.SV: "larande@fjallvik.example", Language.EN: "learning@fjallvik.example"}
_CHANNEL = {Language.SV: "Lärande", Language.EN: "Learning"}

_SETTINGS = """\
version: 1
mode: keep
organization: {{name: Fjällvik AB, language: {language}, time_zone: Europe/Stockholm}}
tenant:
  login: {{client_id: {login}, account: {account}}}
audiences:
{audiences}
goals:
  - id: ai-2028
    title: {{sv: Alla använder AI i vardagen, en: Everyone uses AI every day}}
    by: 2028-12-31
    target_hours: 2000
    questions:
      sv: [Vad kan du göra på ett nytt sätt?, Vad vågade du prova?]
      en: [What can you do in a new way?, What did you dare to try?]
    resources:
      - {{title: Prompting i praktiken, url: "https://kurser.example/sv", minutes: 45, language: sv, starter: true}}
      - {{title: Prompting in practice, url: "https://kurser.example/en", minutes: 45, language: en, starter: true}}
      - {{title: Ask better questions, url: "https://kurser.example/ask", minutes: 20}}
  - id: kund-2027
    title: {{sv: Vi förstår våra kunder, en: We understand our customers}}
    resources:
      - {{title: Listening to customers, url: "https://kurser.example/listen", minutes: 30}}
blocks:
  - id: lartimmen
    title: {{sv: Lärtimmen, en: Learning hour}}
    audiences: [{names}]
    every: week
    day: thursday
    at: "09:00"
    minutes: 60
    from: 2027-01-11
    goals: [ai-2028, kund-2027]
channels:
{channels}
messages:
  - from: {leader}
    name: Maria Fjäll
    role: {{sv: VD, en: CEO}}
    day: 2027-01-15
    at: "14:00"
    channel: {first}
    text:
      sv: |
        Jag har en timme i veckan i min egen kalender, och jag flyttar den inte.

        Det är så vi blir bättre på det vi gör: lite varje vecka, tillsammans.
      en: |
        I have an hour a week in my own calendar, and I do not move it.

        That is how we get better at what we do: a little every week, together.
"""
_AUDIENCE = "  {id}: {{group: {name}}}"
_POST = """\
  - id: {id}
    team: Team {name}
    channel: {channel}
    audiences: [{id}]
    post: {{every: week, day: friday, at: "14:00"}}"""
_PACK = """
    agenda_pack: {day: first friday, at: "14:00"}"""
_LEADER = {Language.SV: "vd@fjallvik.example", Language.EN: "ceo@fjallvik.example"}
_SHOWN = {Rank.MESSAGE: ", a leader's message", Rank.PACK: ", agenda pack", Rank.SUMMARY: ""}
_ALSO = {Rank.MESSAGE: "-message", Rank.PACK: "-agenda-pack", Rank.SUMMARY: ""}
"""How the files of a post are called that is no summary."""

_REPLIES = {
    Language.SV: (
        "Jag skrev om offertmallen med hjälp av AI. Det tog en kvart i stället för en timme. #ai-2028",
        "Ringde tre kunder i stället för att mejla. Lärde mig mer på en förmiddag än på hela hösten. #kund-2027",
        "Vi provade att låta modellen sammanfatta mötet. Någon måste fortfarande läsa igenom!",
        "Bra kurs, särskilt delen om att ställa följdfrågor.",
    ),
    Language.EN: (
        "I rewrote our quote template with AI. It took fifteen minutes instead of an hour. #ai-2028",
        "Called three customers instead of mailing. Learnt more in a morning than all autumn. #kund-2027",
        "We let the model sum up the meeting. Somebody still has to read it!",
        "Good course, above all the part about follow-up questions.",
    ),
}

Ask = Callable[[str], Any]
"""Asks the tenant what it knows itself."""

Do = Callable[[str, Mapping[str, Any]], Any]
"""Lets something happen in the tenant, by one of its own routes."""

Result = TypeVar("Result")


def settings_text(language: Language, login: str) -> str:
    """What the admin of three departments has written."""
    names = {name: name.lower().replace("ö", "o").replace("ä", "a") for name in _TEAMS[language]}
    first, *_ = names.values()
    return _SETTINGS.format(
        language=language.value,
        login=login,
        account=_ACCOUNT[language],
        audiences="\n".join(_AUDIENCE.format(id=short, name=name) for name, short in names.items()),
        names=", ".join(names.values()),
        channels="\n".join(
            _POST.format(id=short, name=name, channel=_CHANNEL[language]) + (_PACK if short == first else "")
            for name, short in names.items()
        ),
        leader=_LEADER[language],
        first=first,
    )


@dataclass(slots=True)
class Story:
    """What happens in four weeks, by the tenant's clock and ours; what was posted is written into ``folder``."""

    place: Place
    language: Language
    ask: Ask
    do: Do
    folder: Path
    at: datetime = NOW
    seen: set[tuple[str, str]] = field(default_factory=set)
    """The posts that were written to files already, by the ids of their channel and their own."""

    @property
    def settings(self) -> Settings:
        """The settings of the three departments."""
        return self.place.settings()

    def tell(self) -> list[Path]:
        """Let the weeks go by; the files that were written."""
        self._sign_in()
        self._worked(self._apply)
        out.print(f"  {_CHANNEL[self.language]}: three channels, a block a week for each of their people.\n")
        written: list[Path] = []
        for week in range(WEEKS):
            self._people_do_things(week)
            self._set(NOW + timedelta(weeks=week, days=4, hours=5, minutes=5))
            told = self._worked(self._post)
            out.print(f"[bold]Week {week + 1}.[/bold] On Friday at two the timer posts what is due:")
            for one in told:
                what = one.state or (one.problem.message if one.problem else "nothing")
                out.print(f"  {one.channel}{_SHOWN[one.rank]}: {what}", markup=False)
            written += self._written(week + 1, told)
            self._quote()
            self._people_answer(week)
            self._set(NOW + timedelta(weeks=week + 1))
        return written

    def _sign_in(self) -> None:
        """The service account signs in once, by a code on some other device."""

        def enter(code: Code) -> None:
            out.print(f"  {_ACCOUNT[self.language]} enters the code {code.code} on another device.", markup=False)
            self.do("sign-in", {"account": _ACCOUNT[self.language], "user_code": code.code})

        async def by_code() -> None:
            async with wiring.signing_in(self.place, self.settings) as sign_in:
                await sign_in.by_device_code(enter)

        asyncio.run(by_code())

    async def _apply(self, ports: Ports) -> None:
        with progress() as shown:
            seen = await survey(self.settings, ports, pinned={}, progress=shown)
            await apply(seen, self.settings, ports)

    async def _post(self, ports: Ports) -> list[Told]:
        await sweep(self.settings, ports)
        return await summaries(self.settings, ports, holder="demo")

    def _worked(self, work: Callable[[Ports], Awaitable[Result]]) -> Result:
        async def wired_up(wired: Wired) -> Result:
            return await work(replace(wired.ports, clock=_Stopped(wired.ports.clock, self.at)))

        return run(self.place, self.settings, wired_up)

    def _set(self, at: datetime) -> None:
        self.at = at
        self.do("clock", {"now": at.isoformat()})

    def _people_do_things(self, week: int) -> None:
        """Some move their hour, some delete it; most learn."""
        for channel in self._channels():
            people = channel["people"]
            for place, what in ((week, "move"), (week + WEEKS, "delete")):
                one = people[place % len(people)]
                dates = [entry for entry in self.ask(f"calendars/{one}") if entry["tag"]]
                if dates:
                    starts = datetime.fromisoformat(dates[0]["start"]).astimezone(_ZONE)
                    later = starts.replace(hour=15, tzinfo=None).isoformat()
                    act = {"do": what, "event": dates[0]["id"], **({"starts": later} if what == "move" else {})}
                    self.do(f"calendars/{one}/act", act)

    def _people_answer(self, week: int) -> None:
        """Two of each department answer to the post."""
        replies = _REPLIES[self.language]
        for number, channel in enumerate(self._channels()):
            posts = [one for one in self.ask(f"channels/{channel['id']}") if one["cards"]]
            if not posts:
                continue
            for nth in range(2):
                who = channel["people"][(week + nth * 3) % len(channel["people"])]
                said = {"channel": channel["id"], "message": posts[-1]["id"]}
                content = f"<p>{escape(replies[(week + nth + number) % len(replies)])}</p>"
                self.do(f"calendars/{who}/act", {"do": "reply", **said, "content": content})

    def _channels(self) -> Sequence[Mapping[str, Any]]:
        """The channels of the three teams, with the ids of their people."""
        ids = {one["address"]: one["id"] for one in self.ask("roster") if one["kind"] == "employee"}
        return [
            {
                "id": channel["id"],
                "name": team["name"],
                "people": [ids[address] for address in team["members"] if address in ids],
            }
            for team in self.ask("teams")["teams"]
            for channel in team["channels"]
            if channel["name"] == _CHANNEL[self.language]
        ]

    def _quote(self) -> None:
        """How the post of the first channel begins."""
        posts = self.ask(f"channels/{self._channels()[0]['id']}")
        lead = next((line for one in reversed(posts) for line in plain(one["content"]) if one["cards"]), "")
        out.print(f"      {lead}\n", markup=False)

    def _written(self, week: int, told: Sequence[Told]) -> list[Path]:
        """The posts of the week as the tenant has them: the card, to open in a designer, and the HTML beside it."""
        self.folder.mkdir(exist_ok=True)
        ranks = {elements.marker(one.channel, one.period): one.rank for one in told}
        files = []
        for channel in self._channels():
            for post in self.ask(f"channels/{channel['id']}"):
                which = channel["id"], post["id"]
                if not post["cards"] or which in self.seen:
                    continue
                self.seen.add(which)
                made = json.loads(post["cards"][0])
                also = _ALSO[ranks[made["body"][0]["id"]]]
                name = f"week-{week}-{channel['name'].removeprefix('Team ').lower()}{also}"
                card = self.folder / f"{name}.json"
                card.write_text(json.dumps(made, ensure_ascii=False, indent=2), "utf-8")
                page = self.folder / f"{name}.html"
                page.write_text(_page(post), "utf-8")
                files += [page, card]
        return files


def _page(post: Mapping[str, Any]) -> str:
    """A post for a browser: what a notification shows of it, and what the card says, line by line."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in _lines(json.loads(post["cards"][0])))
    title = escape(post["subject"] or "")
    lead = escape(" ".join(plain(post["content"])))
    return f'<!doctype html><meta charset="utf-8"><title>{title}</title><h1>{title}</h1><p><i>{lead}</i></p>{lines}'


def _lines(part: Any) -> Iterator[str]:  # noqa: ANN401 - a card is JSON
    """The texts of a card, in the order in which they are read."""
    match part:
        case {"type": "TextBlock", "text": str(text)}:
            yield text
        case {"type": "RichTextBlock", "inlines": list(runs)}:
            yield "".join(run["text"] for run in runs)
        case dict():
            for key in ("body", "items", "columns", "rows", "cells"):
                yield from _lines(part.get(key))
        case list():
            for one in part:
                yield from _lines(one)


@dataclass(frozen=True, slots=True)
class _Stopped:
    """A clock that stands at an instant of the story. Waits are as long as ever."""

    real: Clock
    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.real.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.real.sleep(seconds)


def list_files(files: Sequence[Path]) -> None:
    """Where to look: the last page of each channel, and the card beside it."""
    out.print(f"\n  {len(files)} files in {files[0].parent if files else FOLDER}, among them", markup=False)
    for one in files[-(len(_TEAMS[Language.SV]) + 1) * 2 :]:
        out.print(f"      {one.name}", markup=False)
    out.print("  The cards can be opened at https://adaptivecards.io/designer.", markup=False)
