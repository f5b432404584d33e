"""What people read in their calendar, in Swedish and English."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser

from babel.dates import format_date

from holdfast.core.model import Care, Protection
from holdfast.core.picks import Focus
from holdfast.core.settings import Language

CATEGORY = {Language.SV: "Lärande", Language.EN: "Learning"}
"""The Outlook category of every block."""

_WHY = {
    Language.SV: "Det här är din lärtid. {organization} har satt av den så att lärandet får plats varje vecka, "
    "inte bara när det blir tid över.",
    Language.EN: "This is your learning time. {organization} has set it aside so that learning has its place every "
    "week, not only when there is time left over.",
}
_GOALS = {Language.SV: "Målen den hjälper oss att nå:", Language.EN: "The goals it helps us reach:"}
_MOVABLE = {
    Language.SV: "Krockar det en vecka? Flytta tillfället till en annan arbetstid samma vecka, eller ta bort det. "
    "Det går {times} gånger i kvartalet; därefter läggs det tillbaka. Anteckningar du skriver i ett tillfälle är dina "
    "egna.",
    Language.EN: "Does it clash one week? Move the occurrence to other working hours of the same week, or delete it. "
    "You may do so {times} times a quarter; after that it is put back. Notes you write in an occurrence are your own.",
}
_STRICT = {
    Language.SV: "Tiden är fredad: ett tillfälle som flyttas eller tas bort läggs tillbaka. Behöver du ändå avstå en "
    "gång, ta bort det en gång till. Anteckningar du skriver i ett tillfälle är dina egna.",
    Language.EN: "This time is protected: an occurrence that is moved or deleted is put back. If you have to do "
    "without it once, delete it again. Notes you write in an occurrence are your own.",
}
_INSTEAD = {
    Language.SV: "Du tog bort det här tillfället, och tiden har lagts tillbaka en gång. Ta bort det igen om du vill "
    "avstå; då får det vara.",
    Language.EN: "You deleted this occurrence, and the time has been put back once. Delete it again to skip it; "
    "then it stays away.",
}
_FREEDOM = {
    Language.SV: "Krockar det en vecka? Flytta eller ta bort just det tillfället; resten ligger kvar. "
    "Anteckningar du skriver i ett tillfälle är dina egna.",
    Language.EN: "Does it clash one week? Move or delete just that occurrence; the rest stay. "
    "Notes you write in an occurrence are your own.",
}
_WEEKS = {Language.SV: "De kommande veckorna:", Language.EN: "The coming weeks:"}
_TAKE = {Language.SV: "Ta {link} ({minutes} min)", Language.EN: "Take {link} ({minutes} min)"}
_OPT_OUT = {
    Language.SV: "Vill du inte ha lärtiden alls? Säg till den som ansvarar för lärande hos er, så tas den bort framåt.",
    Language.EN: "Would you rather not have it at all? Tell whoever is responsible for learning, "
    "and it is taken away from then on.",
}


def goal(title: str, competences: Sequence[str]) -> str:
    """A goal as it stands in a block's body: with what people need to be able to do for it."""
    return f"{title}: {', '.join(competences)}" if competences else title


def weeks(language: Language, coming: Sequence[Focus]) -> str:
    """What to learn in the coming weeks, as it stands at the end of a block's body: a line for each date."""
    rows = "".join(f"<li>{_row(language, one)}</li>" for one in coming)
    return f"<p>{_WEEKS[language]}</p><ul>{rows}</ul>"


def _row(language: Language, one: Focus) -> str:
    day = format_date(one.day, "EEEE d MMMM", locale=language.value)
    row = f"{escape(day)}: {escape(one.goal.title_in(language))}"
    if one.resource is not None:
        link = f'<a href="{escape(one.resource.url)}">{escape(one.resource.title)}</a>'
        row += f". {_TAKE[language].format(link=link, minutes=one.resource.minutes)}"
    return f"{row}. {escape(one.question)}" if one.question else row


def text_mark(html: str) -> str:
    """A mark of what people read in HTML, whatever a mail server makes of the markup around it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return hashlib.sha256("".join(reader.read.split()).encode()).hexdigest()[:8]


class _Reader(HTMLParser):
    """Takes the text of HTML, without what is in its head."""

    def __init__(self) -> None:
        super().__init__()
        self.read = ""
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's
        self._hidden += tag in _HIDDEN

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.read += data


_HIDDEN = frozenset({"head", "style", "script", "title"})


def instead(language: Language) -> str:
    """What the body of an event begins with that stands in the place of a deleted date."""
    return f"<p>{_INSTEAD[language]}</p>"


def body(language: Language, organization: str, goals: Sequence[str], care: Care) -> str:
    """The HTML body of a block: why it is there, which goals it serves, what one may do with it, how to opt out."""
    parts = [_WHY[language].format(organization=escape(organization))]
    freedom = {
        Protection.STRICT: _STRICT[language],
        Protection.MOVABLE: _MOVABLE[language].format(times=care.moves_per_quarter),
        Protection.SOFT: _FREEDOM[language],
    }[care.protection]
    if goals:
        items = "".join(f"<li>{escape(goal)}</li>" for goal in goals)
        parts.append(f"{_GOALS[language]}</p><ul>{items}</ul><p>{freedom}")
    else:
        parts.append(freedom)
    parts.append(_OPT_OUT[language])
    return "".join(f"<p>{part}</p>" for part in parts)
