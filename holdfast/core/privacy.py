"""The data sheet for a works council or a data-protection officer: what the settings in force do with data of people.

Facts from the settings, in Swedish or English, and no legal advice. ``privacy_facts.py`` has what is asked and stored.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from babel.support import NullTranslations

from holdfast.core import catalog
from holdfast.core.model import Overlap, Protection
from holdfast.core.permissions import DELEGATED
from holdfast.core.privacy_facts import ASKED, KEPT, Kept, Shield, Use, uses
from holdfast.core.settings import Block, Language, OutsideHours, Settings


class Keeper(enum.StrEnum):
    """Where what is remembered is kept."""

    FILE = "file"
    AZURE = "azure"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the settings of a sheet stand: when they were approved, None where nothing is, and what day it is."""

    today: date
    approved: date | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something more about an item, under a label."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is told."""

    text: str
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """What belongs together."""

    title: str
    items: tuple[Item, ...]
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole, in one language."""

    language: Language
    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]

    def lines(self) -> Iterator[str]:
        """The sheet as plain text that reads as Markdown, too."""
        yield f"# {self.title}"
        for text in self.lead:
            yield from ("", text)
        for number, section in enumerate(self.sections, 1):
            yield from ("", f"## {number}. {section.title}", "")
            if section.lead:
                yield from (section.lead, "")
            yield from section_lines(section)


def section_lines(section: Section) -> Iterator[str]:
    """The items of a section as plain text."""
    for item in section.items:
        yield f"- {item.text}"
        for fact in item.facts:
            yield f"  - {fact.label}: {fact.text}"


def sheet(
    settings: Settings, language: Language, *, permissions: Collection[str], keeper: Keeper, standing: Standing
) -> Sheet:
    """The sheet of these settings. ``permissions`` are those of the application that they need."""
    return _Writer(settings, language, permissions, keeper, standing).sheet()


def meanings(settings: Settings, language: Language, keeper: Keeper) -> dict[str, dict[str, str]]:
    """What the rows of each table are, why they are kept, for how long and under what, by the table's name."""
    writer = _Writer(settings, language, (), keeper, Standing(date.min))
    return {one.table: writer.meaning(one) for one in KEPT}


def with_edit(now: Sheet, then: Sheet) -> Sheet:
    """A sheet with what would be another once an edit of the settings is approved, whose sheet is ``then``."""
    words = _Words(now.language)
    old, new = (
        [line for section in one.sections for line in (section.lead, *section_lines(section))] for one in (now, then)
    )
    gone = [Item(words("edit.gone", text=_plain(line))) for line in old if line not in new]
    come = [Item(words("edit.new", text=_plain(line))) for line in new if line not in old]
    items = (*gone, *come) or (Item(words("edit.nothing")),)
    edit = Section(words("edit"), items, words("edit.lead"))
    return Sheet(now.language, now.title, now.lead, (*now.sections, edit))


def _plain(line: str) -> str:
    return line.lstrip(" -")


class _Words:
    """The texts of the sheet in a language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._texts: NullTranslations = catalog.translations(language, "privacy.")

    def __call__(self, name: str, **values: str | int) -> str:
        told = {key: self._told(value) for key, value in values.items()}
        return self._texts.gettext(name).format(**told)

    def count(self, name: str, number: int) -> str:
        text: str = self._texts.ngettext(name, name, number)
        return text.format(count=self._told(number))

    def _told(self, value: str | int) -> str:
        return catalog.number(self._language, value) if isinstance(value, int) else value


class _Writer:
    """Writes a sheet, section by section."""

    def __init__(
        self,
        settings: Settings,
        language: Language,
        permissions: Collection[str],
        keeper: Keeper,
        standing: Standing,
    ) -> None:
        self._settings = settings
        self._language = language
        self._permissions = permissions
        self._keeper = keeper
        self._standing = standing
        self._say = _Words(language)
        self._uses = uses(settings)

    def sheet(self) -> Sheet:
        sections = (
            self._purpose(),
            self._read(),
            self._list("never", ("events", "replies", "content", "places", "screen")),
            self._stored(),
            self._written(),
            self._seen(),
            self._permitted(),
            self._rights(),
            self._automatic(),
            self._off(),
            self._mbl(),
            self._dpia(),
        )
        title = self._say("title", organization=self._settings.organization.name)
        return Sheet(self._language, title, tuple(self._lead()), sections)

    def _lead(self) -> Iterator[str]:
        yield self._say("lead", day=self._day(self._standing.today))
        if self._standing.approved is None:
            yield self._say("lead.not-approved")
        else:
            yield self._say("lead.approved", day=self._day(self._standing.approved))
        yield self._say("lead.law")

    def _purpose(self) -> Section:
        return Section(self._say("purpose"), tuple(map(self._block, self._settings.blocks)), self._say("purpose.lead"))

    def _block(self, block: Block) -> Item:
        title = block.title if isinstance(block.title, str) else self._title(block.title)
        often = self._say.count(f"every.{block.every.unit}", block.every.count)
        text = self._say("block", title=title, minutes=block.minutes, often=often, day=self._day(block.from_))
        return Item(text, (*self._terms(block),))

    def _title(self, titles: object) -> str:
        found: dict[Language, str] = dict(titles)  # type: ignore[call-overload]
        return found.get(self._language) or next(iter(found.values()))

    def _terms(self, block: Block) -> Iterator[Fact]:
        groups = _listed(self._settings.audiences[name].group for name in block.audiences)
        yield self._fact("for", groups)
        if block.until:
            yield self._fact("until", self._day(block.until))
        how = self._say(f"protection.{block.protection}", times=block.moves_per_quarter)
        if block.protection is Protection.MOVABLE:
            how = self._say(f"within.{block.within}", rest=how)
        yield self._fact("touched", how)
        yield self._fact("on-top", self._say(f"overlap.{block.overlap}", group=block.decline_for or ""))
        place = "outside.place" if block.outside_hours is OutsideHours.PLACE else "outside.excuse"
        yield self._fact("hours", self._say(place))

    def _read(self) -> Section:
        items = []
        for one in ASKED:
            if one.uses and not one.uses & self._uses:
                continue
            facts = (
                self._fact("why", self._say(f"read.{one.name}.why")),
                self._fact("properties", ", ".join(one.properties)),
                self._fact("permission", ", ".join(one.permissions)),
            )
            items.append(Item(self._say(f"read.{one.name}"), facts))
        return Section(self._say("read"), tuple(items), self._say("read.lead"))

    def _stored(self) -> Section:
        items = tuple(self._kept(one) for one in KEPT if not one.uses or one.uses & self._uses)
        outside = [Item(self._say("stored.logs")), Item(self._say("stored.files"))]
        lead = self._say(f"stored.{self._keeper}")
        return Section(self._say("stored"), (*items, *outside), lead)

    def meaning(self, one: Kept) -> dict[str, str]:
        """What the rows of a table are, for whoever gets to see their own."""
        item = self._kept(one)
        return {"about": item.text, **{fact.label: fact.text for fact in item.facts}}

    def _kept(self, one: Kept) -> Item:
        what = "; ".join(self._say(f"kept.{one.table}.{name}") for name in one.told)
        shield = f"shield.{one.shield}"
        if one.shield is Shield.OWN_ID and self._keeper is Keeper.AZURE:
            shield = "shield.own-id-azure"
        facts = (
            self._fact("what", what),
            self._fact("why", self._say(f"kept.{one.table}.why")),
            self._fact("how-long", self._say(f"term.{one.term}", days=self._settings.privacy.keep_days)),
            self._fact("shield", self._say(shield)),
            self._fact("table", one.table),
        )
        return Item(self._say(f"kept.{one.table}"), facts)

    def _written(self) -> Section:
        names = ["blocks"]
        names += [name for name, use in (("notes", Use.NOTES), ("declines", Use.DECLINES)) if use in self._uses]
        names += [
            name
            for name, use in (("posts", Use.CHANNELS), ("packs", Use.PACKS), ("leaders", Use.LEADERS))
            if use in self._uses
        ]
        names += ["subscriptions"] if Use.TOLD in self._uses else []
        return self._list("written", names)

    def _seen(self) -> Section:
        least = self._settings.privacy.smallest_group
        names = ["admin", "operator", "manager", "colleagues"]
        names += ["organizers"] if Use.NOTES in self._uses else []
        names += ["inviters"] if Use.DECLINES in self._uses else []
        names += ["channel"] if Use.CHANNELS in self._uses else []
        names += ["quoted"] if Use.REPLIES in self._uses else []
        return self._list("seen", [*names, "employee", "nobody-else"], least=least)

    def _permitted(self) -> Section:
        items = [Item(name, (self._fact("why", self._say(f"permission.{name}")),)) for name in self._permissions]
        if Use.ACCOUNT in self._uses:
            items += [
                Item(self._say("delegated", permission=name), (self._fact("why", self._say(f"permission.{name}")),))
                for name in DELEGATED
            ]
        return Section(self._say("permissions"), tuple(items), self._say("permissions.lead"))

    def _rights(self) -> Section:
        groups = _listed(one.opt_out for one in self._settings.audiences.values() if one.opt_out)
        names = ["opt-out" if Use.OPT_OUT in self._uses else "ask"]
        names += ["ask"] if any(not one.opt_out for one in self._settings.audiences.values()) and groups else []
        names += ["skip", "notes"]
        names += ["decline"] if Use.DECLINES in self._uses else []
        names += ["share"] if Use.CHANNELS in self._uses else []
        return self._list("right", [*names, "export", "erase"], groups=groups, wanted=self._joined())

    def _joined(self) -> str:
        """The groups of those who want meetings on top declined."""
        declining = (block for block in self._settings.blocks if block.overlap is Overlap.DECLINE)
        return _listed(block.decline_for for block in declining if block.decline_for)

    def _automatic(self) -> Section:
        names = [*(["keep"] if Use.UNATTENDED in self._uses else ["watch"]), "placing"]
        names += ["put-back", "limits"] if Use.PROTECTED in self._uses else []
        names += ["note"] if Use.NOTES in self._uses else []
        names += ["decline"] if Use.DECLINES in self._uses else []
        guard = self._settings.guard
        share = catalog.percent(self._language, guard.share)
        return self._list(
            "automatic", [*names, "guard", "no-judgement"], share=share, people=guard.count, wanted=self._joined()
        )

    def _off(self) -> Section:
        return self._list("off", [use.value for use in Use if use not in self._uses] or ["nothing"])

    def _mbl(self) -> Section:
        first = self._day(min(block.from_ for block in self._settings.blocks)) if self._settings.blocks else ""
        groups = _listed(audience.group for audience in self._settings.audiences.values())
        names = ["what", "who", "when", "conditions", "control"]
        names += ["put-back"] if Use.PROTECTED in self._uses else []
        names += ["figures"] if Use.CHANNELS in self._uses else ["no-figures"]
        names += ["voluntary" if Use.OPT_OUT in self._uses else "no-opt-out"]
        least = self._settings.privacy.smallest_group
        return self._list("mbl", [*names, "changes"], groups=groups, day=first, least=least)

    def _dpia(self) -> Section:
        names = ["purpose", "basis", "necessity", "proportionality"]
        risks = ["watched", "reach", "leak", "wrong"]
        risks += ["answers"] if {Use.NOTES, Use.DECLINES, Use.QUIETEST} & self._uses else []
        risks += ["figures"] if Use.CHANNELS in self._uses else []
        risks += ["pressure"] if {Use.PROTECTED, Use.CHANNELS} & self._uses else []
        values = {"days": self._settings.privacy.keep_days, "least": self._settings.privacy.smallest_group}
        items = [Item(self._say(f"dpia.{name}")) for name in names]
        items += [
            Item(
                self._say(f"risk.{risk}"),
                (self._fact("measures", self._say(f"risk.{risk}.measures", **values)),),
            )
            for risk in risks
        ]
        return Section(self._say("dpia"), (*items, Item(self._say("dpia.left"))), self._say("dpia.lead"))

    def _list(self, name: str, items: Iterable[str], **values: str | int) -> Section:
        """A section of texts alone."""
        told = tuple(Item(self._say(f"{name}.{one}", **values)) for one in items)
        return Section(self._say(name), told, self._say(f"{name}.lead"))

    def _fact(self, label: str, text: str) -> Fact:
        return Fact(self._say(f"label.{label}"), text)

    def _day(self, day: date) -> str:
        return catalog.long_date(self._language, day)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
