"""The demo's part about blocks that hold: people do with their dates what people do, and the next sweep answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
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
        return [entry for entry in self.ask(f"calendars/{who}") if entry["tag"]]

    def _starts(self, entry: Mapping[str, Any]) -> datetime:
        return datetime.fromisoformat(entry["start"]).astimezone(ZoneInfo(self.zone))


def _at(day: datetime, at: time) -> str:
    return datetime.combine(day.date(), at).isoformat()
