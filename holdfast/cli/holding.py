"""The demo's part about blocks that hold: people do with their dates what people do, and the next sweep answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from holdfast.cli.console import out

Ask = Callable[[str], Any]
"""Asks the tenant what it knows itself."""

Act = Callable[[str, Mapping[str, Any]], None]
"""Lets somebody, by their id, do something in the tenant."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """One person's doing, in words, and what they do with which of their coming dates, counted from the first."""

    told: str
    acts: Sequence[tuple[str, int]]


SCENES = (
    _Scene("moves an hour to one o'clock on the day after", [("move within the week", 0)]),
    _Scene("moves one to the Monday after", [("move out of the week", 0)]),
    _Scene("deletes one", [("delete", 0)]),
    _Scene("deletes four in a row", [("delete", 0), ("delete", 1), ("delete", 2), ("delete", 3)]),
    _Scene("sets one free", [("free", 0)]),
    _Scene("is out of office on the day, and deletes it", [("be away", 0), ("delete", 0)]),
)
"""What six people do; a firm with fewer shows fewer."""


@dataclass(slots=True)
class Story:
    """What the first people of a roster did with their block, and how it stands, by the clock of ``zone``."""

    ask: Ask
    act: Act
    people: Sequence[Mapping[str, Any]]
    zone: str
    days: dict[str, list[datetime]]

    @classmethod
    def begin(cls, ask: Ask, act: Act, zone: str) -> Story:
        """Choose the people and let them act."""
        people = [one for one in ask("roster") if one["mailbox"] and one["kind"] == "employee"][: len(SCENES)]
        story = cls(ask, act, people, zone, {})
        for one, scene in zip(people, SCENES, strict=False):
            ours = story._ours(one["id"])
            story.days[one["id"]] = [story._starts(ours[number]) for number in sorted({of for _, of in scene.acts})]
            for what, number in scene.acts:
                story._do(one["id"], what, ours[number])
            out.print(f"  {one['name']} {scene.told}.", markup=False)
        return story

    def tell(self) -> None:
        """How the dates stand now."""
        for one, scene in zip(self.people, SCENES, strict=False):
            stands = {self._starts(entry).date(): entry for entry in self._ours(one["id"])}
            out.print(f"  {one['name']} {scene.told}:", markup=False)
            for at in self.days[one["id"]]:
                out.print(f"      {self._how(at, stands, one['id'])}", markup=False)

    def delete_again(self) -> str | None:
        """Somebody deletes what was put in the place of a deleted date; their name, if there is such a one."""
        for one in self.people:
            single = next((entry for entry in self._ours(one["id"]) if entry["series_id"] is None), None)
            if single is not None:
                self.act(one["id"], {"do": "delete", "event": single["id"]})
                return str(one["name"])
        return None

    def _do(self, who: str, what: str, entry: Mapping[str, Any]) -> None:
        starts = self._starts(entry)
        wanted: dict[str, Any] = {"event": entry["id"]}
        match what:
            case "move within the week":
                wanted |= {"do": "move", "starts": _at(starts + timedelta(days=1), time(13))}
            case "move out of the week":
                wanted |= {"do": "move", "starts": _at(starts + timedelta(days=4), time(13))}
            case "free":
                wanted |= {"do": "show_as", "status": "free"}
            case "be away":
                wanted = {"do": "be_away", "first": starts.date().isoformat()}
            case _:
                wanted |= {"do": "delete"}
        self.act(who, wanted)

    def _how(self, at: datetime, stands: Mapping[Any, Mapping[str, Any]], who: str) -> str:
        entry = stands.get(at.date())
        if entry is not None:
            shown = "stands" if entry["show_as"] == "busy" else f"is {entry['show_as']}"
            return f"{at:%d %b} {shown}" + ("" if entry["series_id"] else ", put back once as an event of its own")
        week = at.isocalendar()[:2]
        moved = [self._starts(one) for one in self._ours(who) if self._starts(one).isocalendar()[:2] == week]
        return f"{at:%d %b} stands on {moved[0]:%A at %H:%M}" if moved else f"{at:%d %b} is let go"

    def _ours(self, who: str) -> list[Mapping[str, Any]]:
        return _ours(self.ask, who)

    def _starts(self, entry: Mapping[str, Any]) -> datetime:
        return _starts(entry, self.zone)


_GUESTS = 5
"""People who get a meeting on top of their learning time, besides the one who calls it."""

_OUTSIDE = "ines@partner.example"


@dataclass(frozen=True, slots=True)
class BookedOver:
    """The last people of a roster get meetings on top of their block, of which some stand."""

    ask: Ask

    @classmethod
    def begin(cls, ask: Ask, act: Act, work_now: Callable[[str], None], zone: str) -> BookedOver | None:
        """Let it happen; None in a firm that is too small for it."""
        people = [one for one in ask("roster") if one["mailbox"] and one["kind"] == "employee"][len(SCENES) :]
        if len(people) <= _GUESTS:
            return None
        caller, *guests = people[-_GUESTS - 1 :]
        work_now(caller["id"])
        out.print(f"  {caller['name']}, who is at work now, calls a meeting with", markup=False)
        for number, one in enumerate(guests):
            date = _ours(ask, one["id"])[1]
            when = {name: _starts(date, zone, name).replace(tzinfo=None).isoformat() for name in ("start", "end")}
            time = {"starts": when["start"], "ends": when["end"]}
            match number:
                case 0 | 1 | 2:
                    meeting = {"do": "be_invited", "by": caller["address"], "subject": "Budget", **time}
                    act(one["id"], meeting)
                    out.print(f"      {one['name']}" + (", who accepts" if number == 2 else ""), markup=False)  # noqa: PLR2004
                case 3:
                    act(one["id"], {"do": "be_invited", "by": _OUTSIDE, "subject": "Offer", **time})
                    out.print(f"  Somebody from outside calls one with {one['name']}.", markup=False)
                case _:
                    act(one["id"], {"do": "book", "subject": "Dentist", "private": True, **time})
                    out.print(f"  {one['name']} sees the dentist.", markup=False)
            if number == 2:  # noqa: PLR2004
                invited = next(entry for entry in ask(f"calendars/{one['id']}") if entry["subject"] == "Budget")
                act(one["id"], {"do": "accept", "event": invited["id"]})
        out.print("  All of it on top of their learning hour.", markup=False)
        return cls(ask)

    def tell(self) -> None:
        """Which mails the tenant saw that were not answers of its own people."""
        mails = [mail for mail in self.ask("mails") if mail["response"] is None]
        for mail in mails:
            out.print(f"  To {', '.join(mail['to'])}: {mail['subject']}", markup=False)
            for line in plain(mail["body"]):
                out.print(f"      {line}", markup=False)
        out.print(f"  {len(mails)} in all. What stood first, was accepted, is private or from outside stays.")


def plain(html: str) -> list[str]:
    """The lines of a mail without its markup."""
    lines = re.sub(r"</?(p|ul|li)>", "\n", html).splitlines()
    return [text for line in lines if (text := unescape(re.sub(r"<[^>]*>", "", line)).strip())]


def _ours(ask: Ask, who: str) -> list[Mapping[str, Any]]:
    return [entry for entry in ask(f"calendars/{who}") if entry["tag"]]


def _starts(entry: Mapping[str, Any], zone: str, name: str = "start") -> datetime:
    return datetime.fromisoformat(entry[name]).astimezone(ZoneInfo(zone))


def _at(day: datetime, at: time) -> str:
    return datetime.combine(day.date(), at).isoformat()
